/* For tests of features: a timeline of random rows, and what they hold; every allocation is counted. */
#ifndef DIDEBAN_TESTS_UNIT_ROWS_H
#define DIDEBAN_TESTS_UNIT_ROWS_H

#include "engine/feature/active.h"
#include "tests/memory/failing.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ENTRIES 3000
#define FIELDS 6
enum { NUM, GRP, DEC, AT, TXT, FLAG };

struct row {
	struct value v[FIELDS];
	bool there[FIELDS];
	uint8_t role;
	bool contested;
};

struct fixture {
	struct timeline tl;
	struct layout *la;
	struct row rows[ENTRIES];
	char texts[ENTRIES][2][16];
	struct feature_spec spec;
	struct feature_plan plan;
	struct feature_bind bind;
	struct window wi;
	struct active ac;
	uint64_t random;
};

static inline uint64_t
below(struct fixture *fx, uint64_t n)
{
	return scratch_random(&fx->random) % n;
}

/* Entry i anew: at the timeline's end. `groups`: how many there may be. */
static inline void
add_row(struct fixture *fx, uint32_t i, unsigned groups)
{
	struct row *ro = &fx->rows[i];
	struct buf kept = {0}, values = {0};
	struct delta de = {.time = {1000 + i, 0}, .source = 1, .id = slice_str("id")};
	struct err err;

	*ro = (struct row){.role = (uint8_t)below(fx, 2), .contested = below(fx, 20) == 0};
	(void)snprintf(fx->texts[i][0], sizeof fx->texts[i][0], "g%u", (unsigned)below(fx, groups));
	(void)snprintf(fx->texts[i][1], sizeof fx->texts[i][1], "t%u", (unsigned)below(fx, 30));
	ro->v[NUM] = (struct value){.kind = VALUE_INTEGER, .i = (int64_t)below(fx, 41) - 20};
	ro->v[GRP] = (struct value){.kind = VALUE_STRING, .s = slice_str(fx->texts[i][0])};
	ro->v[DEC] = (struct value){.kind = VALUE_DECIMAL, .scale = (unsigned)below(fx, 4), .i = (int64_t)below(fx, 2001) - 1000};
	ro->v[AT] = (struct value){.kind = VALUE_INSTANT, .t = {(int64_t)below(fx, 50), 0}};
	ro->v[TXT] = (struct value){.kind = VALUE_STRING, .s = slice_str(fx->texts[i][1])};
	ro->v[FLAG] = (struct value){.kind = VALUE_BOOLEAN, .i = (int64_t)below(fx, 2)};
	buf_add_u8(&kept, FIELDS);
	for (unsigned f = 0; f < FIELDS; f++) {
		ro->there[f] = below(fx, 12) != 0;
		if (ro->there[f])
			value_encode(&values, &ro->v[f]);
		buf_add_u8(&kept, (uint8_t)values.n);
		buf_add_u8(&kept, (uint8_t)(values.n >> 8));
	}
	buf_add_slice(&kept, buf_slice(&values));
	de.role = ro->role;
	de.flags = ro->contested ? ENTRY_CONTESTED : 0;
	de.kept = buf_slice(&kept);
	assert_int_equal(timeline_push(&fx->tl, &de, &err), 0);
	buf_free(&kept);
	buf_free(&values);
}

/* The fixture's feature anew. of: a field or -1. */
static inline void
declare(struct fixture *fx, enum feature_op op, int of, bool by, bool role, bool where)
{
	static struct value yes = {.kind = VALUE_BOOLEAN, .i = 1};
	static char names[][8] = {"num", "grp", "dec", "at", "txt", "flag", "a.b", "second"};

	window_free(&fx->wi);
	feature_plan_free(&fx->plan);
	fx->spec = (struct feature_spec){.op = op, .on = {1, {names[6]}}, .of = of < 0 ? NULL : names[of]};
	fx->spec.by = by ? names[GRP] : NULL;
	fx->spec.role = role ? names[7] : NULL;
	fx->spec.n_where = where;
	fx->spec.where[0] = (struct feature_where){names[FLAG], 1, &yes};
	assert_int_equal(feature_plan_make(&fx->plan, &fx->spec), 0);
	feature_bind_make(&fx->bind, &fx->spec, fx->la);
	assert_true(fx->bind.on);
}

static inline int
setup(void **state)
{
	static const char layout[] = "a.b\nfirst=x,second=x\nnum:i,grp:s,dec:d,at:t,txt:s,flag:b";
	struct fixture *fx;
	struct err err;

	failing_start(0, false);
	fx = calloc(1, sizeof *fx);
	if (fx == NULL)
		return -1;
	fx->random = 7;
	fx->la = layout_parse(slice_str(layout), &err);
	*state = fx;
	return fx->la == NULL ? -1 : 0;
}

static inline int
teardown(void **state)
{
	struct fixture *fx = *state;
	size_t left;

	window_free(&fx->wi);
	active_free(&fx->ac);
	feature_plan_free(&fx->plan);
	layout_free(fx->la);
	timeline_free(&fx->tl);
	free(fx);
	(void)failing_stop();
	return failing_left(&left) == 0 ? 0 : -1;
}

#endif
