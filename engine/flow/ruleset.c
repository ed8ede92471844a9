#include "engine/flow/ruleset.h"

#include "state/base/buf.h"

#include <stdlib.h>

void
ruleset_source_free(struct ruleset_source *rs)
{
	for (size_t i = 0; i < rs->n_contracts; i++)
		free((char *)(uintptr_t)rs->contracts[i].name.p); /* one block holds both */
	for (size_t i = 0; i < rs->n_rules; i++)
		free((char *)(uintptr_t)rs->rules[i].name.p);
	for (size_t i = 0; i < rs->n_sets; i++)
		free(rs->sets[i]);
	free(rs->contracts);
	free(rs->rules);
	free(rs->sets);
	*rs = (struct ruleset_source){0};
}

/* Name and text in one block, each with a zero behind it. */
static int
add_text(struct source_text **v, size_t *n, size_t max, struct slice name, struct slice text, struct err *err)
{
	struct source_text *more;
	char *block;

	if (*n == max)
		return err_set(err, ERR_LIMIT, "%.*s: more than %zu files of its kind in one rule set", SLICE_ARG(name), max);
	if ((*n & (*n - 1)) == 0) { /* grows at powers of two */
		more = realloc(*v, (*n == 0 ? 1 : 2 * *n) * sizeof *more);
		if (more == NULL)
			return err_nomem(err);
		*v = more;
	}
	block = malloc(name.n + text.n + 2);
	if (block == NULL)
		return err_nomem(err);
	if (name.n > 0)
		memcpy(block, name.p, name.n);
	block[name.n] = 0;
	if (text.n > 0)
		memcpy(block + name.n + 1, text.p, text.n);
	block[name.n + 1 + text.n] = 0;
	(*v)[(*n)++] = (struct source_text){slice_of(block, name.n), slice_of(block + name.n + 1, text.n)};
	return 0;
}

int
ruleset_source_add_contract(struct ruleset_source *rs, struct slice name, struct slice text, struct err *err)
{
	return add_text(&rs->contracts, &rs->n_contracts, LIMIT_CONTRACTS, name, text, err);
}

int
ruleset_source_add_rule(struct ruleset_source *rs, struct slice name, struct slice text, struct err *err)
{
	return add_text(&rs->rules, &rs->n_rules, LIMIT_RULES, name, text, err);
}

int
ruleset_source_add_set(struct ruleset_source *rs, const char *set, struct err *err)
{
	char **more;

	if (rs->n_sets == (size_t)LIMIT_RULES * LIMIT_RULE_PARAMS)
		return err_set(err, ERR_LIMIT, "more overrides than there can be parameters");
	more = realloc(rs->sets, (rs->n_sets + 1) * sizeof *more);
	if (more == NULL)
		return err_nomem(err);
	rs->sets = more;
	more[rs->n_sets] = strdup(set);
	if (more[rs->n_sets] == NULL)
		return err_nomem(err);
	rs->n_sets++;
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct source_text *x = a, *y = b;

	return slice_cmp(x->name, y->name);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
encode_texts(struct buf *ret, const struct source_text *v, size_t n)
{
	buf_add_varint(ret, n);
	for (size_t i = 0; i < n; i++) {
		buf_add_blob(ret, v[i].name);
		buf_add_blob(ret, v[i].text);
	}
}

/* contracts, rules, sets: varint count, then blobs. */
int
ruleset_encode(struct ruleset_source *rs, struct buf *ret, struct err *err)
{
	if (rs->n_contracts > 1)
		qsort(rs->contracts, rs->n_contracts, sizeof *rs->contracts, by_name);
	if (rs->n_rules > 1)
		qsort(rs->rules, rs->n_rules, sizeof *rs->rules, by_name);
	if (rs->n_sets > 1)
		qsort(rs->sets, rs->n_sets, sizeof *rs->sets, by_text);
	encode_texts(ret, rs->contracts, rs->n_contracts);
	encode_texts(ret, rs->rules, rs->n_rules);
	buf_add_varint(ret, rs->n_sets);
	for (size_t i = 0; i < rs->n_sets; i++)
		buf_add_blob(ret, slice_str(rs->sets[i]));
	return buf_ok(ret) ? 0 : err_nomem(err);
}

static int
decode_texts(struct rd *rd, struct ruleset_source *rs, int (*add)(struct ruleset_source *, struct slice, struct slice, struct err *), struct err *err)
{
	uint64_t n = rd_varint(rd);

	for (uint64_t i = 0; i < n && !rd->bad; i++) {
		struct slice name = rd_blob(rd), text = rd_blob(rd);

		if (!rd->bad && add(rs, name, text, err) != 0)
			return -1;
	}
	return 0;
}

int
ruleset_decode(struct slice bytes, struct ruleset_source *ret, struct err *err)
{
	struct ruleset_source rs = {0};
	struct rd rd = rd_of(bytes);
	uint64_t n;
	int r;

	r = decode_texts(&rd, &rs, ruleset_source_add_contract, err);
	if (r == 0)
		r = decode_texts(&rd, &rs, ruleset_source_add_rule, err);
	n = rd_varint(&rd);
	for (uint64_t i = 0; r == 0 && i < n && !rd.bad; i++) {
		struct slice set = rd_blob(&rd);
		char *text = rd.bad ? NULL : strndup(set.p, set.n);

		if (text != NULL)
			r = ruleset_source_add_set(&rs, text, err);
		else if (!rd.bad)
			r = err_nomem(err);
		free(text);
	}
	if (r == 0 && (rd.bad || rd_left(&rd) != 0))
		r = err_set(err, ERR_CORRUPT, "a rule set's record is malformed");
	if (r != 0) {
		ruleset_source_free(&rs);
		return -1;
	}
	*ret = rs;
	return 0;
}

/* "rules/witness.lua" and "witness.lua" -> "witness": an id is its file's name. */
static struct slice
rule_of(struct slice file)
{
	const char *slash = memrchr(file.p, '/', file.n);

	if (slash != NULL)
		file = slice_of(slash + 1, (size_t)(file.p + file.n - slash - 1));
	if (file.n > 4 && memcmp(file.p + file.n - 4, ".lua", 4) == 0)
		file.n -= 4;
	return file;
}

/* The rule that "RULE.PARAM=VALUE" speaks of; the rest behind the dot in *ret_rest. */
static struct slice
set_rule(const char *set, const char **ret_rest)
{
	const char *eq = strchrnul(set, '='), *dot = memrchr(set, '.', (size_t)(eq - set));

	if (*eq == 0 || dot == NULL || dot == set || dot + 1 == eq)
		return slice_of("", 0);
	*ret_rest = dot + 1;
	return slice_of(set, (size_t)(dot - set));
}

/* Every override must speak of a rule that is there. */
static int
check_sets(const struct ruleset_source *rs, struct findings *fi, struct err *err)
{
	const char **names = calloc(rs->n_rules + 1, sizeof *names), *rest, *near;
	int r = 0;

	if (names == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < rs->n_rules && r == 0; i++) {
		struct slice id = rule_of(rs->rules[i].name);

		names[i] = strndup(id.p, id.n);
		if (names[i] == NULL)
			r = err_nomem(err);
	}
	for (size_t i = 0; i < rs->n_sets && r == 0; i++) {
		struct slice rule = set_rule(rs->sets[i], &rest);
		size_t j = 0;

		while (j < rs->n_rules && !slice_eq_str(rule, names[j]))
			j++;
		if (rule.n == 0)
			r = findings_add(fi, rs->sets[i], 0, 0, 0, false, "an override is RULE.PARAM=VALUE");
		else if (j == rs->n_rules && (near = suggest(rule, names, rs->n_rules)) != NULL)
			r = findings_add(fi, rs->sets[i], 0, 0, 0, false, "no rule %.*s; did you mean %s?", SLICE_ARG(rule), near);
		else if (j == rs->n_rules)
			r = findings_add(fi, rs->sets[i], 0, 0, 0, false, "no rule %.*s in this rule set", SLICE_ARG(rule));
		if (r != 0)
			r = err_nomem(err);
	}
	for (size_t i = 0; i < rs->n_rules; i++)
		free((char *)(uintptr_t)names[i]);
	free(names);
	return r;
}

/* NULL with findings, or with err_nomem. */
static struct rule *
load_one(const struct ruleset *rs, size_t i, struct findings *fi, struct err *err)
{
	const struct ruleset_source *src = &rs->source;
	struct slice id = rule_of(src->rules[i].name);
	const char **sets = calloc(src->n_sets + 1, sizeof *sets), *rest = NULL;
	struct rule *ru;
	size_t n = 0;

	if (sets == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	for (size_t j = 0; j < src->n_sets; j++)
		if (slice_eq(set_rule(src->sets[j], &rest), id))
			sets[n++] = rest;
	ru = rule_load(src->rules[i].name, src->rules[i].text, rs->contracts, sets, n, fi, err);
	free(sets);
	return ru;
}

struct ruleset *
ruleset_compile(struct ruleset_source *src, struct findings *fi, struct err *err)
{
	struct ruleset *rs = calloc(1, sizeof *rs);
	struct source_text *st;
	size_t errors = fi->errors;

	if (rs == NULL) {
		ruleset_source_free(src);
		(void)err_nomem(err);
		return NULL;
	}
	rs->source = *src;
	*src = (struct ruleset_source){0};
	st = rs->source.rules;
	if (rs->source.n_contracts > 1)
		qsort(rs->source.contracts, rs->source.n_contracts, sizeof *rs->source.contracts, by_name);
	if (rs->source.n_rules > 1)
		qsort(st, rs->source.n_rules, sizeof *st, by_name);
	rs->contracts = contracts_compile(rs->source.contracts, rs->source.n_contracts, fi, err);
	rs->rules = calloc(rs->source.n_rules + 1, sizeof *rs->rules);
	rs->texts = calloc(rs->source.n_rules + 1, sizeof *rs->texts);
	if (rs->rules == NULL || rs->texts == NULL) {
		(void)err_nomem(err);
		goto fail;
	}
	if (rs->contracts == NULL || check_sets(&rs->source, fi, err) != 0)
		goto fail;
	for (size_t i = 0; i < rs->source.n_rules; i++) {
		struct rule *ru = load_one(rs, i, fi, err);

		if (ru == NULL && err->code != ERR_CHECKED)
			goto fail;
		if (ru == NULL)
			continue; /* the other files' mistakes are wanted too */
		/* In order of id; file names are in that order but for their suffix. */
		size_t at = rs->n_rules++;

		while (at > 0 && strcmp(rs->rules[at - 1]->id, ru->id) > 0) {
			rs->rules[at] = rs->rules[at - 1];
			rs->texts[at] = rs->texts[at - 1];
			at--;
		}
		rs->rules[at] = ru;
		rs->texts[at] = st[i].text;
	}
	if (fi->errors == errors)
		return rs;
	(void)err_set(err, ERR_CHECKED, "the rule set has %zu mistake%s", fi->errors - errors, fi->errors - errors == 1 ? "" : "s");
fail:
	ruleset_free(rs);
	return NULL;
}

const struct rule *
ruleset_rule(const struct ruleset *rs, struct slice id)
{
	for (size_t i = 0; rs != NULL && i < rs->n_rules; i++)
		if (slice_eq_str(id, rs->rules[i]->id))
			return rs->rules[i];
	return NULL;
}

void
ruleset_free(struct ruleset *rs)
{
	if (rs == NULL)
		return;
	for (size_t i = 0; i < rs->n_rules; i++)
		rule_free(rs->rules[i]);
	free(rs->rules);
	free(rs->texts);
	contracts_free(rs->contracts);
	ruleset_source_free(&rs->source);
	free(rs);
}
