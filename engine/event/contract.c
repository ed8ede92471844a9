#include "engine/event/schema.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
compile_enter(struct compile *cc, const char *key, size_t index)
{
	if (cc->depth < sizeof cc->path / sizeof *cc->path)
		cc->path[cc->depth] = (struct json_segment){key, index};
	cc->depth++;
}

void
compile_leave(struct compile *cc)
{
	cc->depth--;
}

void
compile_mistake(struct compile *cc, const char *key, const char *fmt, ...)
{
	size_t most = sizeof cc->path / sizeof *cc->path, n;
	unsigned line, column, length;
	char text[sizeof(((struct finding *)0)->text)];
	va_list ap;

	if (key != NULL)
		compile_enter(cc, key, 0);
	n = cc->depth < most ? cc->depth : most;
	json_locate(cc->text, cc->path, n, &line, &column, &length);
	if (key != NULL)
		compile_leave(cc);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (findings_add(cc->fi, cc->file, line, column, length, false, "%s", text) != 0)
		cc->nomem = true;
}

void *
compile_alloc(struct compile *cc, size_t n)
{
	void *p = arena_alloc(cc->arena, n);

	if (p == NULL)
		cc->nomem = true;
	else
		memset(p, 0, n);
	return p;
}

const char *
compile_text(struct compile *cc, const char *s)
{
	struct slice copy = arena_copy(cc->arena, slice_str(s));

	if (copy.p == NULL)
		cc->nomem = true;
	return copy.p;
}

const char *
compile_hint(char *ret, size_t size, const char *word, const char *const *names, size_t n)
{
	const char *best = suggest(slice_str(word), names, n);

	ret[0] = '\0';
	if (best != NULL)
		(void)snprintf(ret, size, "; did you mean %s?", best);
	return ret;
}

static bool
type_is_good(const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	return n != 0 && n <= 2 * LIMIT_KIND_BYTES && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

/* The library names the last character of the token it stopped at: "... near 'TOKEN'". */
static int
syntax_mistake(struct compile *cc, const json_error_t *error)
{
	const char *near = strstr(error->text, " near '");
	unsigned column = error->column < 1 ? 1 : (unsigned)error->column, length = 1;
	size_t n = near == NULL ? 0 : strlen(near);

	if (n > 8 && near[n - 1] == '\'' && strchr(near, '\n') == NULL) {
		unsigned characters = 0;

		for (const char *p = near + 7; p < near + n - 1; p++)
			characters += ((unsigned char)*p & 0xc0) != 0x80;
		if (characters <= column) {
			length = characters;
			column -= characters - 1;
		}
	}
	return findings_add(cc->fi, cc->file, error->line < 1 ? 1 : (unsigned)error->line, column, length, false, "%s", error->text);
}

/* The contract of one text, or NULL with findings (or cc->nomem). */
static struct contract *
compile_root(struct compile *cc, json_t *root)
{
	json_t *id = json_object_get(root, "$id");

	if (!type_is_good(json_string_value(id))) {
		compile_mistake(cc, id == NULL ? NULL : "$id", "\"$id\" must name the event type: letters, digits, '.', '_', '-'");
		return NULL;
	}
	cc->co->type = arena_copy(cc->arena, slice_str(json_string_value(id)));
	if (cc->co->type.p == NULL) {
		cc->nomem = true;
		return NULL;
	}
	cc->co->data = compile_schema(cc, root, 0, false);
	if (cc->co->data == NULL || cc->nomem)
		return NULL;
	compile_subjects(cc, root);
	return cc->co;
}

static struct contract *
compile_file(const struct source_text *source, struct contracts *cs, struct findings *fi, bool *ret_nomem)
{
	struct compile cc = {.text = source->text, .fi = fi, .n_objects = &cs->n_objects, .arena = &cs->arena};
	size_t errors = fi->errors;
	struct contract *co = NULL;
	json_error_t error;
	json_t *root = NULL;
	char name[256];

	(void)snprintf(name, sizeof name, "%.*s", (int)(source->name.n < sizeof name ? source->name.n : sizeof name - 1), source->name.p);
	cc.file = name;
	cc.co = compile_alloc(&cc, sizeof *cc.co);
	if (cc.co == NULL) {
		*ret_nomem = true;
		return NULL;
	}
	if (source->text.n > LIMIT_CONTRACT_BYTES) {
		cc.nomem = findings_add(fi, name, 0, 0, 0, false, "longer than %zu bytes", (size_t)LIMIT_CONTRACT_BYTES) != 0;
	} else {
		root = json_loadb(source->text.p, source->text.n, JSON_REJECT_DUPLICATES, &error);
		if (root == NULL)
			cc.nomem = syntax_mistake(&cc, &error) != 0;
		else if (!json_is_object(root))
			compile_mistake(&cc, NULL, "a contract is one JSON object");
		else
			co = compile_root(&cc, root);
	}
	json_decref(root);
	*ret_nomem = *ret_nomem || cc.nomem;
	if (co == NULL || cc.nomem || fi->errors != errors) {
		layout_free(cc.co->layout);
		return NULL;
	}
	return co;
}

static int
by_type(const void *a, const void *b)
{
	const struct contract *const *x = a, *const *y = b;

	return slice_cmp((*x)->type, (*y)->type);
}

/* Sorts, and finds types that two files describe. `files` name the sources of v in the same order before sorting. */
static int
finish(struct contracts *cs, const struct source_text *sources, const size_t *from, struct findings *fi)
{
	for (size_t i = 0; i < cs->n; i++)
		for (size_t k = 0; k < i; k++)
			if (slice_eq(cs->v[i]->type, cs->v[k]->type) &&
			    findings_add(fi, sources[from[i]].name.p, 0, 0, 0, false, "%s is already described by %.*s", cs->v[i]->type.p,
				(int)sources[from[k]].name.n, sources[from[k]].name.p) != 0)
				return -1;
	qsort(cs->v, cs->n, sizeof(struct contract *), by_type);
	for (size_t i = 0; i < cs->n; i++)
		cs->names[i] = cs->v[i]->type.p;
	return 0;
}

struct contracts *
contracts_compile(const struct source_text *sources, size_t n, struct findings *fi, struct err *err)
{
	struct contracts *cs = calloc(1, sizeof *cs);
	size_t *from = calloc(n + 1, sizeof *from), errors = fi->errors;
	bool nomem = false;

	if (cs == NULL || from == NULL)
		goto nomem;
	cs->v = calloc(n + 1, sizeof(struct contract *));
	cs->names = calloc(n + 1, sizeof *cs->names);
	if (cs->v == NULL || cs->names == NULL)
		goto nomem;
	for (size_t i = 0; i < n && !nomem; i++) {
		struct contract *co = compile_file(&sources[i], cs, fi, &nomem);

		if (co == NULL)
			continue;
		from[cs->n] = i;
		cs->v[cs->n++] = co;
	}
	if (nomem || finish(cs, sources, from, fi) != 0)
		goto nomem;
	if (n > LIMIT_CONTRACTS && findings_add(fi, "", 0, 0, 0, false, "%zu contracts; at most %d are possible", n, LIMIT_CONTRACTS) != 0)
		goto nomem;
	if (fi->errors != errors) {
		(void)err_set(err, ERR_CHECKED, "%zu mistake%s in the event contracts", fi->errors - errors, fi->errors - errors == 1 ? "" : "s");
		goto fail;
	}
	free(from);
	return cs;
nomem:
	(void)err_nomem(err);
fail:
	free(from);
	contracts_free(cs);
	return NULL;
}

void
contracts_free(struct contracts *cs)
{
	if (cs == NULL)
		return;
	for (size_t i = 0; cs->v != NULL && i < cs->n; i++)
		layout_free(cs->v[i]->layout);
	free(cs->v);
	free(cs->names);
	arena_free(&cs->arena);
	free(cs);
}

size_t
contracts_count(const struct contracts *cs)
{
	return cs->n;
}

const struct contract *
contracts_at(const struct contracts *cs, size_t i)
{
	return cs->v[i];
}

const struct contract *
contracts_find(const struct contracts *cs, struct slice type)
{
	size_t low = 0, high = cs->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int c = slice_cmp(type, cs->v[middle]->type);

		if (c == 0)
			return cs->v[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *
contracts_suggest(const struct contracts *cs, struct slice type)
{
	return suggest(type, cs->names, cs->n);
}

const char *
contract_type(const struct contract *co)
{
	return co->type.p;
}

const struct layout *
contract_layout(const struct contract *co)
{
	return co->layout;
}

size_t
contract_fields(const struct contract *co, struct contract_field *ret, size_t max)
{
	for (size_t i = 0; i < co->n_fields && i < max; i++)
		ret[i] = co->fields[i];
	return co->n_fields;
}

const char *
contract_class(const struct contract *co)
{
	return co->retention;
}

bool
contract_personal(const struct contract *co)
{
	return co->personal;
}
