/* What small timelines hold for a count, against windows over the same entries and against brute force. */
#include "engine/feature/small.h"
#include "state/base/hash.h"
#include "tests/unit/rows.h"

#define GROUPS 4

/* What a feature may declare; the arrays are its owner's. */
struct wish {
	struct value any[2][3];
	char types[2][8], role[8], of[8], fields[2][8];
};

static const char *const names[FIELDS] = {"num", "grp", "dec", "at", "txt", "flag"};

static struct value
value_of(struct fixture *fx, unsigned field)
{
	static const char *const groups[GROUPS] = {"g0", "g1", "g2", "g3"};

	switch (field) {
	case NUM:
		return (struct value){.kind = VALUE_INTEGER, .i = (int64_t)below(fx, 41) - 20};
	case GRP:
		return (struct value){.kind = VALUE_STRING, .s = slice_str(groups[below(fx, GROUPS)])};
	default:
		return (struct value){.kind = VALUE_BOOLEAN, .i = (int64_t)below(fx, 2)};
	}
}

static void
random_spec(struct fixture *fx, struct wish *wi)
{
	static const unsigned asked[] = {GRP, FLAG, NUM, GRP};

	feature_plan_free(&fx->plan);
	window_free(&fx->wi);
	fx->spec = (struct feature_spec){.op = below(fx, 2) == 0 ? OP_COUNT : OP_DISTINCT, .on = {1, {wi->types[0]}}};
	(void)snprintf(wi->types[0], sizeof wi->types[0], "a.b");
	(void)snprintf(wi->types[1], sizeof wi->types[1], "c.d");
	if (below(fx, 3) == 0)
		fx->spec.on = (struct feature_types){2, {wi->types[1], wi->types[0]}};
	if (below(fx, 2) == 0) {
		(void)snprintf(wi->role, sizeof wi->role, "%s", below(fx, 2) == 0 ? "first" : "second");
		fx->spec.role = wi->role;
	}
	if (fx->spec.op == OP_DISTINCT) {
		(void)snprintf(wi->of, sizeof wi->of, "%s", names[below(fx, FIELDS)]);
		fx->spec.of = wi->of;
	}
	fx->spec.n_where = (unsigned)below(fx, 3);
	for (unsigned w = 0; w < fx->spec.n_where; w++) {
		unsigned field = asked[below(fx, 4)];

		(void)snprintf(wi->fields[w], sizeof wi->fields[w], "%s", names[field]);
		fx->spec.where[w] = (struct feature_where){wi->fields[w], 1 + (unsigned)below(fx, 3), wi->any[w]};
		for (unsigned i = 0; i < 3; i++)
			wi->any[w][i] = value_of(fx, field);
	}
	assert_int_equal(feature_plan_make(&fx->plan, &fx->spec), 0);
	feature_bind_make(&fx->bind, &fx->spec, fx->la);
}

static int
field_of(const char *name)
{
	for (int i = 0; i < FIELDS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static bool
takes(const struct fixture *fx, uint32_t i)
{
	const struct feature_spec *spec = &fx->spec;
	const struct row *ro = &fx->rows[i];

	if (spec->role != NULL && ro->role != (strcmp(spec->role, "second") == 0))
		return false;
	if (spec->of != NULL && !ro->there[field_of(spec->of)])
		return false;
	for (unsigned w = 0; w < spec->n_where; w++) {
		int field = field_of(spec->where[w].field);
		bool pass = false;

		for (unsigned k = 0; k < spec->where[w].n; k++)
			pass = pass || (ro->there[field] && value_eq(&ro->v[field], &spec->where[w].any[k]));
		if (!pass)
			return false;
	}
	return true;
}

static uint32_t
true_count(const struct fixture *fx, uint32_t lo, uint32_t hi, bool *ret_contested)
{
	uint32_t n = 0;

	*ret_contested = false;
	for (uint32_t i = lo; i < hi; i++) {
		bool seen = false;

		if (!takes(fx, i))
			continue;
		*ret_contested = *ret_contested || fx->rows[i].contested;
		for (uint32_t j = lo; j < i && fx->spec.op == OP_DISTINCT && !seen; j++)
			seen = takes(fx, j) && value_eq(&fx->rows[i].v[field_of(fx->spec.of)], &fx->rows[j].v[field_of(fx->spec.of)]);
		n += !seen;
	}
	return n;
}

static void
check(struct fixture *fx, const struct small *sm, uint32_t lo, uint32_t hi)
{
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	bool contested;
	uint32_t n = true_count(fx, lo, hi, &contested);

	assert_int_equal(small_count(sm, &fx->spec, lo, hi), n);
	assert_int_equal(small_contested(sm, lo, hi), contested);
	assert_int_equal(window_seek(&fx->wi, &vi, lo, hi), 0);
	assert_int_equal(window_read(&fx->wi, &vi, ATTR_N, slice_of("", 0)).i, n);
	assert_int_equal(window_read(&fx->wi, &vi, ATTR_CONTESTED, slice_of("", 0)).i, contested);
}

/* Each bit is what it is said to be, and no others are set: evidence is picked by them. */
static void
check_bits(const struct fixture *fx, const struct small *sm)
{
	for (uint32_t i = 0; i < SMALL_TIMELINE; i++) {
		bool taken = i < fx->tl.n && takes(fx, i);

		assert_int_equal(sm->taken >> i & 1, taken);
		assert_int_equal(sm->contested >> i & 1, taken && fx->rows[i].contested);
		for (uint32_t j = 0; taken && j < i && fx->spec.op == OP_DISTINCT; j++)
			if (takes(fx, j))
				assert_int_equal(sm->value[i] == sm->value[j],
				    value_eq(&fx->rows[i].v[field_of(fx->spec.of)], &fx->rows[j].v[field_of(fx->spec.of)]));
	}
}

static void
fill(struct fixture *fx, uint32_t n)
{
	fx->tl.n = fx->tl.n_bytes = 0;
	for (uint32_t i = 0; i < n; i++)
		add_row(fx, i, GROUPS);
	fx->tl.version++;
}

/* What all entries with the field hold, whatever else the feature asks for: what is found next at the same place may not mix it in. */
static void
find_wide(const struct fixture *fx, struct wish *wi)
{
	struct feature_spec spec = {.op = OP_DISTINCT, .on = fx->spec.on, .of = wi->of};
	struct feature_plan plan;
	struct feature_bind bind;
	struct window_view vi = {&fx->tl, &plan, &bind};
	struct small sm = {0};

	assert_int_equal(feature_plan_make(&plan, &spec), 0);
	feature_bind_make(&bind, &spec, fx->la);
	small_find(&sm, &vi, 1);
	feature_plan_free(&plan);
}

static void
each_range_is_what_the_window_holds(void **state)
{
	static const uint32_t lengths[] = {0, 1, 2, 31, 32};
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct small sm = {0};
	struct wish wi;

	for (unsigned round = 0; round < 1500; round++) {
		random_spec(fx, &wi);
		assert_true(small_serves(&fx->spec));
		if (round < 100 || round % 3 == 0) /* otherwise another feature looks at the same entries */
			fill(fx, round < 100 ? lengths[round % 5] : (uint32_t)below(fx, SMALL_TIMELINE + 1));
		if (fx->spec.op == OP_DISTINCT)
			find_wide(fx, &wi);
		small_find(&sm, &vi, round + 1);
		check_bits(fx, &sm);
		for (unsigned k = 0; k < 20; k++) {
			uint32_t hi = (uint32_t)below(fx, fx->tl.n + 1), lo = (uint32_t)below(fx, hi + 1);

			check(fx, &sm, lo, hi);
		}
		for (uint32_t hi = 0; hi <= fx->tl.n; hi += fx->tl.n < 31 || hi < 31 ? 31 : 1)
			for (uint32_t lo = 0; lo <= hi; lo += lo < 31 ? 31 : 1)
				check(fx, &sm, lo, hi);
		check(fx, &sm, 0, fx->tl.n);
		assert_int_equal(small_count(&sm, &fx->spec, 32, 32), 0);
		assert_false(small_contested(&sm, 32, 32));
		assert_int_equal(small_count(&sm, &fx->spec, 5, 3), 0); /* a window that begins behind its end */
	}
}

/* It is found anew for another subject and for another version of a timeline, and not otherwise. */
static void
what_is_known_is_of_one_subject_and_version(void **state)
{
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct small sm = {0};
	struct wish wi;

	do
		random_spec(fx, &wi);
	while (fx->spec.op != OP_COUNT || fx->spec.role != NULL || fx->spec.n_where != 0 || fx->spec.on.n != 1);
	fill(fx, 20);
	small_find(&sm, &vi, 9);
	assert_int_equal(small_count(&sm, &fx->spec, 0, 20), 20);
	fx->tl.n = 7;
	small_find(&sm, &vi, 9);
	assert_int_equal(small_count(&sm, &fx->spec, 0, 20), 20); /* known: it did not look */
	small_find(&sm, &vi, 8);
	assert_int_equal(small_count(&sm, &fx->spec, 0, 20), 7); /* another subject's */
	fx->tl.n = 5;
	fx->tl.version++;
	small_find(&sm, &vi, 8);
	assert_int_equal(small_count(&sm, &fx->spec, 0, 20), 5); /* the timeline changed */
	fx->tl.n = 0;
	fx->tl.version++;
	small_find(&sm, &vi, 8);
	assert_int_equal(sm.taken, 0);
}

/* Two texts of one hash (XXH3 of their encoded forms, the first byte of which is the kind) are two. */
static void
values_of_one_hash_are_two(void **state)
{
	static char of[] = "txt", on[] = "a.b";
	static const char a[] = "\x6c\xe2\x80\x9b\x61\x7a\x66\x3a\x52\x96\x09\x3b\xbc\x56\xaf";
	static const char b[] = "\x39\x42\xea\x7b\x73\x82\x67\x4f\x69\xbe\x52\xca\x3e\x79\x61";
	static const char *const texts[] = {a, b, a, b};
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct small sm = {0};
	struct err err;
	uint64_t hashes[2];

	fx->spec = (struct feature_spec){.op = OP_DISTINCT, .on = {1, {on}}, .of = of};
	assert_int_equal(feature_plan_make(&fx->plan, &fx->spec), 0);
	feature_bind_make(&fx->bind, &fx->spec, fx->la);
	for (uint32_t i = 0; i < 4; i++) {
		struct value v = {.kind = VALUE_STRING, .s = slice_str(texts[i])};
		struct buf kept = {0}, value = {0};

		value_encode(&value, &v);
		hashes[i % 2] = hash64(buf_slice(&value));
		buf_add_u8(&kept, FIELDS);
		for (unsigned f = 0; f < FIELDS; f++) { /* where each one ends */
			buf_add_u8(&kept, (uint8_t)(f < TXT ? 0 : value.n));
			buf_add_u8(&kept, 0);
		}
		buf_add_slice(&kept, buf_slice(&value));
		assert_int_equal(
		    timeline_push(&fx->tl, &(struct delta){.time = {i, 0}, .source = 1, .id = slice_str("id"), .kept = buf_slice(&kept)}, &err), 0);
		buf_free(&value);
		buf_free(&kept);
	}
	assert_true(hashes[0] == hashes[1]);
	small_find(&sm, &vi, 1);
	assert_int_equal(small_count(&sm, &fx->spec, 0, 4), 2);
	assert_int_equal(small_count(&sm, &fx->spec, 0, 1), 1);
	assert_int_equal(small_count(&sm, &fx->spec, 1, 3), 2);
}

static void
it_serves_counts_without_groups(void **state)
{
	static char by[] = "grp";

	(void)state;
	for (int op = OP_COUNT; op <= OP_ACTIVE; op++) {
		struct feature_spec spec = {.op = (enum feature_op)op};

		assert_int_equal(small_serves(&spec), op == OP_COUNT || op == OP_DISTINCT);
		spec.by = by;
		assert_false(small_serves(&spec));
	}
}

/* One thing that two features differ in each; `alike`: it changes nothing of what they take. */
static void
features_are_alike_when_they_take_the_same(void **state)
{
	static char a[] = "a", a_again[] = "a", b[] = "b";
	static struct value one[] = {{.kind = VALUE_INTEGER, .i = 1}, {.kind = VALUE_INTEGER, .i = 2}};
	static struct value other[] = {{.kind = VALUE_INTEGER, .i = 1}, {.kind = VALUE_INTEGER, .i = 3}};
	static struct value same[] = {{.kind = VALUE_INTEGER, .i = 1}, {.kind = VALUE_INTEGER, .i = 2}};
	static struct value boolean[] = {{.kind = VALUE_BOOLEAN, .i = 1}, {.kind = VALUE_INTEGER, .i = 2}};
	const struct feature_spec base = {.name = a,
	    .op = OP_DISTINCT,
	    .on = {2, {a, b}},
	    .role = a,
	    .of = a,
	    .n_where = 2,
	    .where = {{a, 2, one}, {b, 2, one}},
	    .window = WINDOW_SPAN,
	    .window_seconds = 5,
	    .evidence = 3};
	struct {
		struct feature_spec spec;
		bool alike;
	} all[21];
	struct feature_spec plain = base;
	size_t n = 0;

	(void)state;
	plain.role = plain.of = NULL;
	assert_true(small_alike(&plain, &plain));
	assert_false(small_alike(&plain, &base));
#define CASE(is, change)                                                                                                                             \
	do {                                                                                                                                         \
		all[n].spec = base;                                                                                                                  \
		all[n].alike = (is);                                                                                                                 \
		all[n].spec.change;                                                                                                                  \
		n++;                                                                                                                                 \
	} while (0)
	CASE(true, name = b);
	CASE(true, window = WINDOW_ALL);
	CASE(true, window_seconds = 6);
	CASE(true, evidence = 0);
	CASE(true, role = a_again);
	CASE(true, of = a_again);
	CASE(true, on.v[0] = a_again);
	CASE(true, where[0].field = a_again);
	CASE(true, where[1].any = same);
	CASE(false, op = OP_COUNT);
	CASE(false, on.n = 1);
	CASE(false, on.v[0] = b);
	CASE(false, on.v[1] = a);
	CASE(false, role = b);
	CASE(false, role = NULL);
	CASE(false, of = b);
	CASE(false, n_where = 1);
	CASE(false, where[1].field = a);
	CASE(false, where[1].n = 1);
	CASE(false, where[1].any = other);
	CASE(false, where[0].any = boolean);
	for (size_t i = 0; i < n; i++) {
		if (small_alike(&base, &all[i].spec) != all[i].alike || small_alike(&all[i].spec, &base) != all[i].alike)
			fail_msg("case %zu", i);
		for (size_t k = 0; k < n; k++)
			if (all[i].alike && all[k].alike)
				assert_true(small_alike(&all[i].spec, &all[k].spec));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_range_is_what_the_window_holds, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_known_is_of_one_subject_and_version, setup, teardown),
	    cmocka_unit_test_setup_teardown(values_of_one_hash_are_two, setup, teardown),
	    cmocka_unit_test(it_serves_counts_without_groups),
	    cmocka_unit_test(features_are_alike_when_they_take_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
