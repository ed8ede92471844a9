/* Small rules for tests, and an input that answers from tables. */
#ifndef DIDEBAN_TESTS_UNIT_RULES_H
#define DIDEBAN_TESTS_UNIT_RULES_H

#include "engine/rule/vm.h"

#include <stdio.h>
#include <stdlib.h>

/* Before and behind the body of `evaluate` of a rule that reads e.a (needed), e.b, f.c (count), f.s (sum by group),
 * f.w (active), p.k and p.span. */
#define RULE_HEAD                                                                                                                                    \
	"return { api = 1, id = \"x\", version = \"1.0.0\", kind = \"notice\", owner = \"o\", audience = { \"judge\" },\n"                           \
	"  legal_basis = \"b\", review_by = \"2036-03-20\", doc = { what = \"w\", false_positives = { \"guards\" } },\n"                             \
	"  params = { k = { type = \"integer\", default = 3, min = 1, max = 9 },\n"                                                                  \
	"             span = { type = \"duration\", unit = \"day\", default = 30, min = 1, max = 365 } },\n"                                         \
	"  on = { \"a.b\" }, subject = \"s\", need = { \"a\" }, want = { \"b\" },\n"                                                                 \
	"  features = { c = { op = \"count\", on = { \"a.b\" }, within = \"span\" },\n"                                                              \
	"               s = { op = \"sum\", of = \"n\", by = \"g\", on = { \"a.b\" } },\n"                                                           \
	"               w = { op = \"active\", key = \"k\", opens = { \"a.b\" } } },\n"                                                              \
	"  evaluate = function(e, f, p)\n"
#define RULE_TAIL                                                                                                                                    \
	"\n  end,\n"                                                                                                                                 \
	"  outcomes = { ok = { clear = true }, yes = { alert = \"info\", fa = \"\xd8\xa8 {k} {span}\", en = \"b {k} {span}\" },\n"                   \
	"               odd = { unknown = true, fa = \"f\", en = \"e\" } },\n"                                                                       \
	"  alerting = { episode = { \"subject\" }, quiet = \"1d\", expires = \"90d\", contest = true } }\n"
#define RULE(body) RULE_HEAD body RULE_TAIL
/* The text with evaluate's own line numbers beginning here. */
#define RULE_BODY_LINE 10

static inline struct rule *
rule_of(const char *text)
{
	struct findings fi = {0};
	struct err err = {0};
	struct rule *ru = rule_load(slice_str("x.lua"), slice_str(text), NULL, NULL, 0, &fi, &err);

	for (size_t i = 0; i < fi.n && ru == NULL; i++)
		(void)fprintf(stderr, "%s:%u:%u: %s\n", fi.v[i].file, fi.v[i].line, fi.v[i].column, fi.v[i].text);
	findings_free(&fi);
	return ru;
}

struct answers {
	struct value a, b;
	int64_t n;
	unsigned items;
};

static inline struct value
answer_field(void *ctx, unsigned field)
{
	const struct answers *an = ctx;

	return field == 0 ? an->a : an->b;
}

static inline struct value
answer_feature(void *ctx, unsigned feature, enum feature_attr attr)
{
	const struct answers *an = ctx;

	(void)feature;
	if (attr == ATTR_CONTESTED)
		return (struct value){.kind = VALUE_BOOLEAN};
	if (attr == ATTR_SHARE)
		return (struct value){.kind = VALUE_NUMBER, .d = 0.25};
	return (struct value){.kind = VALUE_INTEGER, .i = an->n};
}

static inline unsigned
answer_items(void *ctx, unsigned feature)
{
	const struct answers *an = ctx;

	(void)feature;
	return an->items;
}

static inline struct value
answer_item(void *ctx, unsigned feature, unsigned item, struct slice field)
{
	static char key[8];

	(void)ctx;
	(void)feature;
	if (!slice_eq_str(field, "key"))
		return (struct value){0};
	(void)snprintf(key, sizeof key, "k%u", item % 10000);
	return (struct value){.kind = VALUE_STRING, .s = slice_str(key)};
}

static inline struct rule_input
input_of(struct answers *an)
{
	return (struct rule_input){.ctx = an,
	    .field = answer_field,
	    .type = slice_str("a.b"),
	    .source = slice_str("/s"),
	    .id = slice_str("1"),
	    .time = {1710892800, 0},
	    .feature = answer_feature,
	    .items = answer_items,
	    .item = answer_item};
}

static inline struct value
text_value(const char *s)
{
	return (struct value){.kind = VALUE_STRING, .s = slice_str(s)};
}

/* The text with an `evaluate` that reads the trigger's id before all else: with ids of their own all calls run, and none is answered
 * from memory (engine/rule/memo.h). malloc'ed. */
static inline char *
restless(const char *text)
{
	static const char head[] = "evaluate = function(e, f, p)", look[] = " if e.id then end";
	const char *at = strstr(text, head);
	size_t before = at == NULL ? strlen(text) : (size_t)(at - text) + sizeof head - 1, n = strlen(text) + sizeof look;
	char *ret = malloc(n);

	if (ret != NULL)
		(void)snprintf(ret, n, "%.*s%s%s", (int)before, text, at == NULL ? "" : look, text + before);
	return ret;
}

/* An id that no call had before; valid until the next one is asked for. */
static inline struct slice
next_id(void)
{
	static char id[28];
	static unsigned long n;

	(void)snprintf(id, sizeof id, "id %lu", ++n);
	return slice_str(id);
}

#endif
