/* A made-up rule for tests of what rules answered: what there is to read, and what it reads. */
#ifndef DIDEBAN_TESTS_UNIT_MEMO_WORLD_H
#define DIDEBAN_TESTS_UNIT_MEMO_WORLD_H

#include "engine/rule/memo.h"
#include "state/base/hash.h"
#include "tests/memory/failing.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIELDS 80
#define FEATURES 3

/* What there is to read; reads are counted. */
struct world {
	struct value fields[FIELDS], features[FEATURES][ATTR_COUNT];
	struct rule_input in;
	unsigned reads;
};

static inline struct value
world_field(void *ctx, unsigned field)
{
	struct world *wo = ctx;

	wo->reads++;
	return wo->fields[field];
}

static inline struct value
world_feature(void *ctx, unsigned feature, enum feature_attr attr)
{
	struct world *wo = ctx;

	wo->reads++;
	return wo->features[feature][attr];
}

static inline void
world_open(struct world *wo)
{
	*wo = (struct world){.in = {.field = world_field,
				 .feature = world_feature,
				 .type = slice_str("t"),
				 .source = slice_str("/s"),
				 .id = slice_str("1"),
				 .time = {7, 0}}};
	wo->in.ctx = wo;
}

static inline struct value
integer(int64_t i)
{
	return (struct value){.kind = VALUE_INTEGER, .i = i};
}

static inline struct value
number(double d)
{
	return (struct value){.kind = VALUE_NUMBER, .d = d};
}

static inline struct value
text(const char *s)
{
	return (struct value){.kind = VALUE_STRING, .s = slice_str(s)};
}

static const struct memo_read field_0 = {.at = 0}, field_1 = {.at = 1}, feature_n = {.feature = true, .at = 0, .attr = ATTR_N};

/* The rule reads. */
static inline struct value
reads(struct memo *me, const struct world *wo, struct memo_read re)
{
	struct value v = memo_read_value(&wo->in, re);

	memo_note(me, re, &v);
	return v;
}

static inline struct rule_result
answer_of(int outcome)
{
	return (struct rule_result){.class = OUTCOME_CLEAR, .outcome = outcome};
}

/* Rule 0 ran and read `n` fields, in order. */
static inline void
keep_fields(struct memo *me, const struct world *wo, unsigned n, int outcome)
{
	struct rule_result re = answer_of(outcome);

	memo_begin(me, 0);
	for (unsigned i = 0; i < n; i++)
		(void)reads(me, wo, (struct memo_read){.at = (int)i});
	memo_keep(me, 0, &re);
}

/* The outcome that is known of rule 0; -1: none is. */
static inline int
known(struct memo *me, struct world *wo)
{
	struct rule_result re = answer_of(-2);

	wo->reads = 0;
	return memo_find(me, 0, &wo->in, &re) ? re.outcome : -1;
}

static inline int
open_memo(void **state)
{
	failing_start(0, false);
	*state = memo_new(3);
	return *state == NULL ? -1 : 0;
}

static inline int
close_memo(void **state)
{
	size_t left;

	memo_free(*state);
	(void)failing_stop();
	return failing_left(&left) == 0 ? 0 : -1;
}

#endif
