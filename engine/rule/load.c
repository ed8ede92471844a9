#include "engine/rule/load.h"

#include <stdio.h>
#include <stdlib.h>

struct suggestion
suggestion_of(struct slice word, const char *const *names, size_t n)
{
	struct suggestion su = {""};
	const char *near = suggest(word, names, n);

	if (near != NULL)
		(void)snprintf(su.text, sizeof su.text, "; did you mean %s?", near);
	return su;
}

char *
load_copy(struct load *ld, struct slice s)
{
	char *p = malloc(s.n + 1);

	if (p == NULL) {
		ld->no_memory = true;
		return NULL;
	}
	if (s.n != 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

static size_t
count_names(const char *const *names)
{
	size_t n = 0;

	while (names[n] != NULL)
		n++;
	return n;
}

bool
load_is_table(struct load *ld, const struct tree *tr)
{
	if (tr->kind == TREE_TABLE)
		return true;
	fault_at(ld, tr, "%.*s must be a table { ... }, not %s", SLICE_ARG(tr->key), tree_kind_name(tr->kind));
	return false;
}

void
load_keys(struct load *ld, const struct tree *tr, const char *const *names, const char *what)
{
	size_t n = count_names(names);

	for (unsigned i = 0; i < tr->n_keys; i++) {
		const struct tree *child = &tr->keys[i];
		bool known = false;

		for (size_t k = 0; k < n && !known; k++)
			known = slice_eq_str(child->key, names[k]);
		if (!known)
			fault_at_key(ld, child, "%s has no key %.*s%s", what, SLICE_ARG(child->key), suggestion_of(child->key, names, n).text);
	}
	if (tr->n_list != 0)
		fault_at(ld, &tr->list[0], "%s takes named keys only: write key = value", what);
}

const struct tree *
load_child(struct load *ld, const struct tree *tr, const char *key, bool required, const char *why)
{
	const struct tree *child = tree_get(tr, key);

	if (child == NULL && required)
		fault_at_key(ld, tr, "%s is missing%s%s", key, why == NULL ? "" : ": ", why == NULL ? "" : why);
	return child;
}

const struct tree *
load_text(struct load *ld, const struct tree *tr, const char *key, bool required, const char *why)
{
	const struct tree *child = load_child(ld, tr, key, required, why);

	if (child == NULL)
		return NULL;
	if (child->kind != TREE_STRING) {
		fault_at(ld, child, "%s must be a string, not %s", key, tree_kind_name(child->kind));
		return NULL;
	}
	if (child->s.n == 0) {
		fault_at(ld, child, "%s is empty", key);
		return NULL;
	}
	if (memchr(child->s.p, '\0', child->s.n) != NULL) {
		fault_at(ld, child, "%s holds a zero byte", key);
		return NULL;
	}
	return child;
}

bool
load_boolean(struct load *ld, const struct tree *tr, const char *key, bool otherwise)
{
	const struct tree *child = tree_get(tr, key);

	if (child == NULL)
		return otherwise;
	if (child->kind != TREE_BOOLEAN)
		fault_at(ld, child, "%s must be true or false", key);
	return child->kind == TREE_BOOLEAN ? child->i != 0 : otherwise;
}

unsigned
load_strings(struct load *ld, const struct tree *tr, const char *what, unsigned max, const struct tree **ret)
{
	unsigned n = 0;

	if (tr->kind != TREE_TABLE || tr->n_keys != 0) {
		fault_at(ld, tr, "%.*s must be a list of %s: { \"...\", ... }", SLICE_ARG(tr->key), what);
		return 0;
	}
	for (unsigned i = 0; i < tr->n_list; i++) {
		const struct tree *item = &tr->list[i];
		bool twice = false;

		if (item->kind != TREE_STRING || item->s.n == 0 || memchr(item->s.p, '\0', item->s.n) != NULL) {
			fault_at(ld, item, "%s must be non-empty strings", what);
			continue;
		}
		for (unsigned k = 0; k < n && !twice; k++)
			twice = slice_eq(ret[k]->s, item->s);
		if (twice) {
			fault_at(ld, item, "\"%s\" stands twice in the list", item->s.p);
			continue;
		}
		if (n == max) {
			fault_at(ld, item, "more than %u %s", max, what);
			return n;
		}
		ret[n++] = item;
	}
	return n;
}

int64_t
duration_unit_seconds(struct slice unit)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}, {"week", 604800}};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (slice_eq_str(unit, units[i].name))
			return units[i].seconds;
	return 0;
}

bool
duration_parse(struct slice text, int64_t *ret_seconds)
{
	static const char letters[] = "smhdw";
	static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
	int64_t n = 0;
	const char *at;

	if (text.n < 2 || text.n > 12)
		return false;
	at = strchr(letters, text.p[text.n - 1]);
	if (at == NULL || *at == '\0')
		return false;
	for (size_t i = 0; i + 1 < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = n * 10 + (text.p[i] - '0');
	}
	if (n > INT64_C(366000) * 86400 / seconds[at - letters])
		return false;
	*ret_seconds = n * seconds[at - letters];
	return true;
}

struct rule_param *
rule_param_find(struct rule *ru, struct slice name)
{
	for (unsigned i = 0; i < ru->n_params; i++)
		if (slice_eq_str(name, ru->params[i].name))
			return &ru->params[i];
	return NULL;
}

/* --- metadata --------------------------------------------------------------------------------------------------- */

static const char *const top_keys[] = {"api", "id", "version", "kind", "owner", "audience", "legal_basis", "review_by", "tags", "doc", "params",
    "check", "on", "subject", "need", "want", "features", "evaluate", "outcomes", "alerting", "confirm", "tests", NULL};

static void
take_text(struct load *ld, const char *key, char **ret, const char *why)
{
	const struct tree *tr = load_text(ld, ld->root, key, true, why);

	if (tr != NULL)
		*ret = load_copy(ld, tr->s);
}

static bool
is_word(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (i > 0 && (c == '-' || c == '_' || c == '.'))))
			return false;
	}
	return s.n > 0 && s.n <= 64;
}

/* "rules/witness-repeat.lua" -> "witness-repeat" */
static struct slice
base_name(struct slice file)
{
	const char *slash = file.n == 0 ? NULL : memrchr(file.p, '/', file.n);
	struct slice s = slash == NULL ? file : slice_of(slash + 1, file.n - (size_t)(slash + 1 - file.p));

	if (s.n > 4 && memcmp(s.p + s.n - 4, ".lua", 4) == 0)
		s.n -= 4;
	return s;
}

static void
load_identity(struct load *ld, struct slice file)
{
	struct slice name = base_name(file);
	const struct tree *tr = tree_get(ld->root, "api");

	if (tr == NULL)
		fault_at_key(ld, ld->root, "api is missing: write api = 1");
	else if (tr->kind != TREE_INTEGER || tr->i != 1)
		fault_at(ld, tr, "api must be 1, the only shape of rule files that this version knows");
	take_text(ld, "id", &ld->ru->id, NULL);
	tr = tree_get(ld->root, "id");
	if (ld->ru->id != NULL && !is_word(tr->s))
		fault_at(ld, tr, "id must be of a-z, 0-9, '-', '_' and '.', at most 64 characters, and not begin with '-', '_' or '.'");
	else if (ld->ru->id != NULL && !slice_eq(name, tr->s))
		fault_at(ld, tr, "id must be the file's name: \"%.*s\", or rename the file to %s.lua", SLICE_ARG(name), ld->ru->id);
	take_text(ld, "version", &ld->ru->version, "such as \"1.0.0\"");
	tr = tree_get(ld->root, "version");
	if (ld->ru->version != NULL) {
		unsigned dots = 0;

		for (size_t i = 0; i < tr->s.n; i++)
			dots += tr->s.p[i] == '.';
		if (dots != 2 || strspn(tr->s.p, "0123456789.") != tr->s.n || tr->s.n > 32 || tr->s.p[0] == '.' || tr->s.p[tr->s.n - 1] == '.' ||
		    strstr(tr->s.p, "..") != NULL)
			fault_at(ld, tr, "version must be three numbers, such as \"1.0.0\"");
	}
	take_text(ld, "kind", &ld->ru->kind, "\"notice\" or \"lead\"");
	tr = tree_get(ld->root, "kind");
	if (ld->ru->kind != NULL && strcmp(ld->ru->kind, "notice") != 0 && strcmp(ld->ru->kind, "lead") != 0)
		fault_at(ld, tr, "kind must be \"notice\" or \"lead\"");
	take_text(ld, "owner", &ld->ru->owner, "who answers for the rule");
}

static void
load_review(struct load *ld)
{
	const struct tree *tr = load_text(ld, ld->root, "review_by", true, "the day after which it stops alerting unless reviewed, \"2036-03-20\"");
	const char *why;
	int64_t days;

	take_text(ld, "legal_basis", &ld->ru->legal_basis, "on what law or order the rule rests");
	if (tr == NULL)
		return;
	if (date_parse(tr->s, &days, &why) != 0)
		fault_at(ld, tr, "review_by is no date (YYYY-MM-DD): %s", why);
	else
		ld->ru->review_by = (struct instant){(days + 1) * 86400, 0};
}

static void
load_audience(struct load *ld)
{
	const struct tree *names[8], *tr = load_child(ld, ld->root, "audience", true, "who gets the alerts: { \"judge\" }");
	unsigned n;

	if (tr == NULL)
		return;
	n = load_strings(ld, tr, "audiences", 8, names);
	if (n == 0 && tr->n_list == 0)
		fault_at(ld, tr, "audience is empty: somebody must get the alerts");
	for (unsigned i = 0; i < n; i++) {
		if (!is_word(names[i]->s))
			fault_at(ld, names[i], "an audience is a word of a-z, 0-9, '-' and '_'");
		ld->ru->audience[ld->ru->n_audience++] = load_copy(ld, names[i]->s);
	}
	tr = tree_get(ld->root, "tags");
	if (tr != NULL)
		(void)load_strings(ld, tr, "tags", 8, names);
}

/* What says nothing is refused: a rule's author must know whom it may wrong. */
static void
check_false_positive(struct load *ld, const struct tree *tr)
{
	static const char *const empty_words[] = {
	    "unknown", "none", "n/a", "na", "no", "nothing", "todo", "tbd", "-", "?", "ندارد", "نامعلوم", "هیچ"};
	struct slice s = tr->s;

	while (s.n > 0 && strchr(" .!", s.p[s.n - 1]) != NULL)
		s.n--;
	while (s.n > 0 && *s.p == ' ')
		s = slice_of(s.p + 1, s.n - 1);
	for (size_t i = 0; i < sizeof empty_words / sizeof empty_words[0]; i++)
		if (s.n == strlen(empty_words[i]) && strncasecmp(s.p, empty_words[i], s.n) == 0) {
			fault_at(ld, tr, "\"%s\" is no false positive: name the innocent cases that look like this one", tr->s.p);
			return;
		}
}

static void
load_doc(struct load *ld)
{
	static const char *const keys[] = {"what", "misses", "false_positives", "runbook", NULL};
	const struct tree *items[32], *doc = load_child(ld, ld->root, "doc", true, "what the rule finds, and whom it may wrong"), *tr;

	if (doc == NULL || !load_is_table(ld, doc))
		return;
	load_keys(ld, doc, keys, "doc");
	(void)load_text(ld, doc, "what", true, "one sentence");
	for (size_t k = 1; keys[k] != NULL; k++) {
		unsigned n = 0;
		bool positives = strcmp(keys[k], "false_positives") == 0;

		tr = load_child(ld, doc, keys[k], positives, "the innocent cases that look like this one");
		if (tr == NULL)
			continue;
		n = load_strings(ld, tr, "sentences", 32, items);
		for (unsigned i = 0; positives && i < n; i++)
			check_false_positive(ld, items[i]);
		if (positives && tr->kind == TREE_TABLE && tr->n_list == 0)
			fault_at(ld, tr, "false_positives is empty: name the innocent cases that look like this one");
	}
}

/* --- the trigger ------------------------------------------------------------------------------------------------ */

static void
load_trigger(struct load *ld)
{
	const struct tree *items[LIMIT_RULE_FIELDS], *tr = load_child(ld, ld->root, "on", true, "the event types that trigger the rule");
	static const char *const lists[] = {"need", "want"};

	if (tr != NULL)
		load_types(ld, tr, &ld->ru->on);
	take_text(ld, "subject", &ld->ru->role, "the role of the trigger whose history is judged");
	for (size_t k = 0; k < 2; k++) {
		unsigned n;

		tr = tree_get(ld->root, lists[k]);
		if (tr != NULL) {
			n = load_strings(ld, tr, "fields", LIMIT_RULE_FIELDS, items);
			for (unsigned i = 0; i < n; i++) {
				unsigned before = ld->ru->n_fields;

				if (load_field(ld, items[i]) >= 0 && ld->ru->n_fields == before)
					fault_at(ld, items[i], "%s stands in need already", items[i]->s.p);
			}
		}
		if (k == 0)
			ld->ru->n_need = ld->ru->n_fields;
		ld->ru->n_readable = ld->ru->n_fields;
	}
}

static void
load_functions(struct load *ld)
{
	const struct tree *tr = load_child(ld, ld->root, "evaluate", true, "evaluate = function(e, f, p) ... end");

	if (tr != NULL && tr->kind != TREE_FUNCTION)
		fault_at(ld, tr, "evaluate must be a function(e, f, p), not %s", tree_kind_name(tr->kind));
	tr = tree_get(ld->root, "check");
	if (tr != NULL && tr->kind != TREE_FUNCTION)
		fault_at(ld, tr, "check must be a function(p), not %s", tree_kind_name(tr->kind));
}

/* Each section only if memory lasted for those before it: what they copied may be missing otherwise. */
static void
load_sections(struct load *ld, struct slice file, const char *const *sets, size_t n_sets)
{
	static void (*const sections[])(struct load *) = {load_audience, load_review, load_doc, load_trigger, load_features, load_functions,
	    load_outcomes, load_alerting, load_tests, lint_tokens, load_against_contracts};

	load_keys(ld, ld->root, top_keys, "a rule");
	load_identity(ld, file);
	load_params(ld, sets, n_sets);
	for (size_t i = 0; i < sizeof sections / sizeof sections[0] && !ld->no_memory; i++)
		sections[i](ld);
}

static struct rule *
load_file(struct load *ld, struct slice file, struct slice text, const char *const *sets, size_t n_sets, struct arena *arena, struct err *err)
{
	struct tree_run *tn = NULL;
	struct rule *ru = NULL;

	if (position_read(text, arena, (struct position_map *)ld->sv.map) != 0) {
		(void)err_nomem(err);
		return NULL;
	}
	if (tree_run(&tn, text, &ld->sv, arena, &ld->root, err) != 0)
		return NULL;
	if (ld->root == NULL) {
		const struct finding *last = ld->sv.fi->n == 0 ? NULL : &ld->sv.fi->v[ld->sv.fi->n - 1];

		if (last != NULL && strstr(last->text, " near ") != NULL)
			ld->broken = last->line;
		lint_tokens(ld);
		goto out;
	}
	ld->ru = calloc(1, sizeof *ld->ru);
	if (ld->ru == NULL) {
		ld->no_memory = true;
		goto out;
	}
	ld->ru->file = load_copy(ld, file);
	load_sections(ld, file, sets, n_sets);
	if (!ld->no_memory && (load_check_call(ld, tn) != 0 || rule_fingerprint(ld->ru, ld->sv.map, text) != 0))
		ld->no_memory = true;
	ru = ld->ru;
out:
	tree_run_free(tn);
	if (ld->no_memory) {
		rule_free(ld->ru);
		(void)err_nomem(err);
		return NULL;
	}
	return ru;
}

static int
by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return strcmp(x->text, y->text);
}

struct rule *
rule_load(struct slice file_name, struct slice text, const struct contracts *contracts, const char *const *sets, size_t n_sets, struct findings *fi,
    struct err *err)
{
	struct arena arena = {0};
	struct position_map map = {0};
	size_t errors = fi->errors, before = fi->n;
	char name[256];
	struct load ld = {.contracts = contracts};
	struct rule *ru;

	(void)snprintf(name, sizeof name, "%.*s", SLICE_ARG(file_name));
	ld.sv = (struct source_view){name, &map, fi};
	if (text.n > LIMIT_RULE_FILE_BYTES) {
		(void)findings_add(fi, name, 0, 0, 0, false, "the file has %zu bytes; a rule may have at most %zu", text.n, LIMIT_RULE_FILE_BYTES);
		(void)err_set(err, ERR_CHECKED, "%s: too large", name);
		return NULL;
	}
	ru = load_file(&ld, file_name, text, sets, n_sets, &arena, err);
	arena_free(&arena);
	if (fi->n > before)
		qsort(fi->v + before, fi->n - before, sizeof *fi->v, by_place);
	if (fi->errors != errors && !ld.no_memory) {
		rule_free(ru);
		(void)err_set(err, ERR_CHECKED, "%s: %zu mistake%s", name, fi->errors - errors, fi->errors - errors == 1 ? "" : "s");
		return NULL;
	}
	return ru;
}
