/* Windows and bags against what brute force says of the same entries, over histories far longer than the property test's: rings
 * turn and grow, groups and values come and go by the thousand, heaps hold what has left. */
#include "state/base/hash.h"
#include "tests/unit/rows.h"

#include <math.h>

/* ---- brute force ---------------------------------------------------------------------------------------------- */

static int
of_field(const struct fixture *fx)
{
	return fx->spec.of == NULL ? -1 : layout_field_index(fx->la, slice_str(fx->spec.of));
}

static bool
takes(const struct fixture *fx, uint32_t i)
{
	const struct row *ro = &fx->rows[i];
	int of = of_field(fx);

	return (fx->spec.role == NULL || ro->role == 1) && (of < 0 || ro->there[of]) && (fx->spec.by == NULL || ro->there[GRP]) &&
	       (fx->spec.n_where == 0 || (ro->there[FLAG] && ro->v[FLAG].i == 1));
}

/* At one scale. */
static int128
exact(const struct value *v)
{
	int128 x = v->i;

	for (unsigned i = v->kind == VALUE_DECIMAL ? v->scale : 9; i < 9; i++)
		x *= 10;
	return x;
}

static int
order(const struct value *a, const struct value *b)
{
	if (a->kind == VALUE_STRING)
		return slice_cmp(a->s, b->s);
	if (a->kind == VALUE_INSTANT)
		return instant_cmp(a->t, b->t);
	return (exact(a) > exact(b)) - (exact(a) < exact(b));
}

/* Of two equal decimals the one with fewer digits behind the point: what is shown may not hang on how the window came there. */
static int
order_shown(const struct value *a, const struct value *b)
{
	int c = order(a, b);

	return c != 0 ? c : (a->scale > b->scale) - (a->scale < b->scale);
}

/* What is known of [lo, hi), of one group or of all. */
struct truth {
	uint32_t n, distinct, contested;
	int128 sum;
	const struct value *first, *last, *least, *most;
};

static void
know(const struct fixture *fx, uint32_t lo, uint32_t hi, const char *group, struct truth *ret)
{
	int of = of_field(fx);

	*ret = (struct truth){0};
	for (uint32_t i = lo; i < hi; i++) {
		const struct row *ro = &fx->rows[i];
		const struct value *v = of < 0 ? NULL : &ro->v[of];
		bool seen = false;

		if (!takes(fx, i) || (group != NULL && !slice_eq_str(ro->v[GRP].s, group)))
			continue;
		ret->n++;
		ret->contested += ro->contested;
		if (v == NULL)
			continue;
		for (uint32_t j = lo; j < i && !seen && fx->spec.op == OP_DISTINCT; j++)
			seen =
			    takes(fx, j) && value_eq(&fx->rows[j].v[of], v) && (fx->spec.by == NULL || slice_eq(fx->rows[j].v[GRP].s, ro->v[GRP].s));
		ret->distinct += !seen;
		ret->sum += v->kind == VALUE_INTEGER || v->kind == VALUE_BOOLEAN || v->kind == VALUE_DECIMAL ? exact(v) : 0;
		ret->first = ret->first == NULL ? v : ret->first;
		ret->last = v;
		ret->least = ret->least == NULL || order_shown(v, ret->least) < 0 ? v : ret->least;
		ret->most = ret->most == NULL || order_shown(v, ret->most) > 0 ? v : ret->most;
	}
}

static void
same(const struct value *got, const struct value *wanted)
{
	if (wanted == NULL)
		assert_int_equal(got->kind, VALUE_NONE);
	else if (got->kind != wanted->kind || order_shown(got, wanted) != 0)
		fail_msg("kind %d, %lld instead of kind %d, %lld", got->kind, (long long)got->i, wanted->kind, (long long)wanted->i);
}

static void
check_value(const struct fixture *fx, const struct value *got, const struct truth *tr)
{
	bool decimal = of_field(fx) == DEC && tr->n > 0;
	int128 sum = got->i;

	switch (fx->spec.op) {
	case OP_COUNT:
		assert_int_equal(got->kind, VALUE_INTEGER);
		assert_int_equal(got->i, tr->n);
		return;
	case OP_DISTINCT:
		assert_int_equal(got->i, tr->distinct);
		return;
	case OP_SUM:
		assert_int_equal(got->kind, decimal ? VALUE_DECIMAL : VALUE_INTEGER);
		for (unsigned i = decimal ? got->scale : 9; i < 9; i++)
			sum *= 10;
		assert_true(sum == tr->sum);
		assert_true(!decimal || got->scale == 0 || got->i % 10 != 0); /* the shortest form */
		return;
	case OP_FIRST:
		same(got, tr->first);
		return;
	case OP_LAST:
		same(got, tr->last);
		return;
	case OP_MIN:
		same(got, tr->least);
		return;
	default:
		same(got, tr->most);
	}
}

static int128
amount_of(const struct fixture *fx, const struct truth *tr)
{
	return fx->spec.op == OP_COUNT ? tr->n : fx->spec.op == OP_DISTINCT ? tr->distinct : tr->sum;
}

static const struct value *
shown_of(const struct fixture *fx, const struct truth *tr)
{
	return fx->spec.op == OP_FIRST ? tr->first : fx->spec.op == OP_LAST ? tr->last : fx->spec.op == OP_MIN ? tr->least : tr->most;
}

static void
check_groups(struct fixture *fx, const struct window_view *vi, uint32_t lo, uint32_t hi, const struct truth *all, unsigned groups)
{
	static struct truth of[128];
	bool adds = fx->spec.op == OP_COUNT || fx->spec.op == OP_DISTINCT || fx->spec.op == OP_SUM;
	unsigned live = 0, mine = (unsigned)below(fx, groups), rank = 1;
	char name[16];
	struct buf key = {0};
	struct value v, own;

	assert_true(groups <= 128);
	for (unsigned g = 0; g < groups; g++) {
		(void)snprintf(name, sizeof name, "g%u", g);
		know(fx, lo, hi, name, &of[g]);
		live += of[g].n > 0;
	}
	for (unsigned g = 0; g < groups; g++) {
		if (g == mine || of[g].n == 0 || of[mine].n == 0)
			continue;
		rank += adds ? amount_of(fx, &of[g]) > amount_of(fx, &of[mine]) : order(shown_of(fx, &of[g]), shown_of(fx, &of[mine])) > 0;
	}
	(void)snprintf(name, sizeof name, "g%u", mine);
	own = (struct value){.kind = VALUE_STRING, .s = slice_str(name)};
	value_encode(&key, &own);
	assert_int_equal(window_read(&fx->wi, vi, ATTR_GROUPS, buf_slice(&key)).i, live);
	v = window_read(&fx->wi, vi, ATTR_MINE, buf_slice(&key));
	check_value(fx, &v, &of[mine]);
	v = window_read(&fx->wi, vi, ATTR_RANK, buf_slice(&key));
	assert_int_equal(v.kind, of[mine].n == 0 ? VALUE_NONE : VALUE_INTEGER);
	if (of[mine].n != 0)
		assert_int_equal(v.i, rank);
	v = window_read(&fx->wi, vi, ATTR_SHARE, buf_slice(&key));
	assert_int_equal(v.kind, adds && amount_of(fx, all) != 0 ? VALUE_NUMBER : VALUE_NONE);
	if (v.kind == VALUE_NUMBER)
		assert_true(v.d == (double)amount_of(fx, &of[mine]) / (double)amount_of(fx, all));
	v = window_read(&fx->wi, vi, ATTR_MEAN, buf_slice(&key));
	assert_int_equal(v.kind, adds && live != 0 ? VALUE_NUMBER : VALUE_NONE);
	if (v.kind == VALUE_NUMBER)
		assert_true(v.d == (double)amount_of(fx, all) / ((double)live * (fx->spec.op == OP_SUM && of_field(fx) == DEC ? 1e9 : 1)));
	assert_int_equal(window_read(&fx->wi, vi, ATTR_RANK, slice_of("", 0)).kind, VALUE_NONE); /* the trigger has no group */
	buf_free(&key);
}

static void
check(struct fixture *fx, const struct window_view *vi, uint32_t lo, uint32_t hi, unsigned groups)
{
	struct truth all;
	struct value v;

	know(fx, lo, hi, NULL, &all);
	assert_true(window_bytes(&fx->wi) >= (fx->wi.all.ring.cap + fx->wi.all.heap.cap) * sizeof(uint32_t));
	assert_int_equal(window_read(&fx->wi, vi, ATTR_N, slice_of("", 0)).i, fx->spec.op == OP_DISTINCT ? all.distinct : all.n);
	v = window_read(&fx->wi, vi, ATTR_VALUE, slice_of("", 0));
	check_value(fx, &v, &all);
	v = window_read(&fx->wi, vi, ATTR_CONTESTED, slice_of("", 0));
	assert_int_equal(v.kind, VALUE_BOOLEAN);
	assert_int_equal(v.i, all.contested > 0);
	if (fx->spec.by != NULL)
		check_groups(fx, vi, lo, hi, &all, groups);
}

/* The last entries, from `first` on, become others. */
static void
change(struct fixture *fx, uint32_t first, unsigned groups)
{
	uint32_t n = fx->tl.n;

	fx->tl.n = first;
	fx->tl.n_bytes = first == 0 ? 0 : fx->tl.v[first - 1].at + fx->tl.v[first - 1].id_len + fx->tl.v[first - 1].kept_len;
	for (uint32_t i = first; i < n; i++)
		add_row(fx, i, groups);
}

/* Any moves, near and far, forth and back, and changes behind a rewind. */
static void
wander(struct fixture *fx, uint32_t n, unsigned groups, unsigned steps)
{
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	uint32_t lo = 0, hi = 0;

	fx->tl.n = fx->tl.n_bytes = 0;
	for (uint32_t i = 0; i < n; i++)
		add_row(fx, i, groups);
	for (unsigned s = 0; s < steps; s++) {
		uint32_t span = (uint32_t)(below(fx, 4) == 0 ? below(fx, n) : below(fx, 40));

		if (below(fx, 6) == 0) {
			hi = (uint32_t)below(fx, n + 1);
			lo = hi > span ? hi - span : 0;
		} else if (below(fx, 8) == 0 && hi > 0) {
			uint32_t first = hi - (uint32_t)below(fx, hi < 20 ? hi : 20);

			assert_int_equal(window_rewind(&fx->wi, &vi, first), 0);
			change(fx, first, groups);
			lo = first > 10 && below(fx, 2) == 0 ? first - (uint32_t)below(fx, 10)
							     : lo; /* from before the change, which may be before lo */
		} else {
			hi = (uint32_t)(below(fx, 4) == 0 && hi > 30 ? hi - below(fx, 30) : hi + below(fx, 30));
			hi = hi > n ? n : hi;
			lo = (uint32_t)(below(fx, 3) == 0 && lo > 30 ? lo - below(fx, 30) : lo + below(fx, 30));
			lo = lo > hi ? hi : lo;
		}
		assert_int_equal(window_seek(&fx->wi, &vi, lo, hi), 0);
		check(fx, &vi, lo, hi, groups);
	}
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void
every_op_says_what_brute_force_says(void **state)
{
	static const struct {
		enum feature_op op;
		int of;
	} ops[] = {{OP_COUNT, -1}, {OP_DISTINCT, TXT}, {OP_DISTINCT, NUM}, {OP_SUM, NUM}, {OP_SUM, DEC}, {OP_SUM, FLAG}, {OP_MIN, NUM}, {OP_MIN, AT},
	    {OP_MIN, DEC}, {OP_MAX, NUM}, {OP_MAX, DEC}, {OP_MAX, TXT}, {OP_FIRST, NUM}, {OP_FIRST, AT}, {OP_LAST, TXT}, {OP_LAST, NUM}};
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
		for (unsigned how = 0; how < 4; how++) {
			declare(fx, ops[i].op, ops[i].of, how & 1, how == 2, how == 3);
			wander(fx, 300, 9, 120);
		}
}

static void
many_groups_and_values_come_and_go(void **state)
{
	struct fixture *fx = *state;
	static const enum feature_op ops[] = {OP_COUNT, OP_DISTINCT, OP_MAX};

	for (unsigned i = 0; i < 3; i++) {
		declare(fx, ops[i], i == 0 ? -1 : TXT, true, false, false);
		wander(fx, 900, 120, 25);
	}
}

/* A window that walks over a long history keeps what it holds, not what has left it. */
static void
a_walk_gives_memory_back(void **state)
{
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	size_t most = 0;

	for (uint32_t i = 0; i < ENTRIES; i++)
		add_row(fx, i, 2500);
	for (unsigned how = 0; how < 2; how++) { /* groups alone, values alone */
		declare(fx, how == 0 ? OP_COUNT : OP_DISTINCT, how == 0 ? -1 : GRP, how == 0, false, false);
		for (uint32_t i = 0; i < ENTRIES; i++) {
			assert_int_equal(window_seek(&fx->wi, &vi, i < 20 ? 0 : i - 20, i), 0);
			assert_true(fx->wi.groups.n <= 4 * 21 + 64 && fx->wi.values.n <= 4 * 21 + 64);
		}
	}
	declare(fx, OP_DISTINCT, TXT, true, false, false);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		struct truth all;

		assert_int_equal(window_seek(&fx->wi, &vi, i < 20 ? 0 : i - 20, i), 0);
		most = window_bytes(&fx->wi) > most ? window_bytes(&fx->wi) : most;
		assert_true(window_bytes(&fx->wi) == bag_bytes(&fx->wi.groups) + bag_bytes(&fx->wi.values) + fx->wi.n_tallies * sizeof(struct tally) +
							 (fx->wi.all.ring.cap + fx->wi.all.heap.cap) * sizeof(uint32_t));
		assert_true(fx->wi.groups.n <= 4 * 21 + 64 && fx->wi.values.n <= 4 * 21 + 64);
		if (i % 100 != 0)
			continue;
		know(fx, i < 20 ? 0 : i - 20, i, NULL, &all);
		assert_int_equal(window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0)).i, all.distinct);
	}
	assert_int_equal(window_seek(&fx->wi, &vi, 0, ENTRIES), 0); /* all at once: much */
	assert_true(window_bytes(&fx->wi) > 4 * most);
	window_clear(&fx->wi);
	assert_true(window_bytes(&fx->wi) <= most); /* a crowd's room is not kept */
}

/* Of values that come and go only those still there are kept for the least of them. */
static void
a_walk_forgets_what_was_least(void **state)
{
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};

	declare(fx, OP_MIN, NUM, false, false, false);
	for (uint32_t i = 0; i < ENTRIES; i++)
		add_row(fx, i, 9);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		assert_int_equal(window_seek(&fx->wi, &vi, i < 20 ? 0 : i - 20, i), 0);
		(void)window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
		assert_true(fx->wi.all.heap.n <= 2 * 21 + 64);
	}
}

static void
a_bag_numbers_what_it_is_given(void **state)
{
	struct bag ba = {0};
	char text[16];
	uint32_t n;

	(void)state;
	assert_int_equal(bag_find(&ba, slice_str("x")), UINT32_MAX);
	assert_int_equal(bag_bytes(&ba), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 5000; i++) {
			n = (unsigned)snprintf(text, sizeof text, "%u", i);
			assert_int_equal(bag_number(&ba, slice_of(text, n)), i);
			assert_int_equal(bag_number(&ba, slice_of(text, n)), i);
			assert_int_equal(ba.n, i + 1);
			assert_true(slice_eq_str(bag_text(&ba, i), text));
			assert_true(ba.n_slots >= 2 * ba.n); /* so that looking up stays short, and ends */
		}
		assert_int_equal(bag_find(&ba, slice_str("5000")), UINT32_MAX);
		assert_int_equal(bag_find(&ba, slice_str("4999")), 4999);
		assert_true(bag_bytes(&ba) == ba.cap * sizeof(struct bag_item) + ba.n_slots * sizeof(uint32_t) + ba.bytes.cap);
		assert_int_equal(bag_inc(&ba, 7), 1);
		assert_int_equal(bag_inc(&ba, 7), 2);
		assert_int_equal(bag_inc(&ba, 8), 1);
		assert_int_equal(ba.live, 2);
		assert_int_equal(bag_dec(&ba, 7), 1);
		assert_int_equal(bag_dec(&ba, 7), 0);
		assert_int_equal(ba.live, 1);
		bag_clear(&ba);
		assert_int_equal(ba.n + ba.live + ba.bytes.n, 0);
		assert_int_equal(bag_bytes(&ba), 0); /* a crowd's room is not kept */
		assert_int_equal(bag_find(&ba, slice_str("7")), UINT32_MAX);
	}
	assert_int_equal(bag_number(&ba, slice_str("")), 0);
	bag_clear(&ba);
	assert_true(bag_bytes(&ba) > 0); /* a little room is kept */
	assert_int_equal(bag_find(&ba, slice_str("")), UINT32_MAX);
	bag_free(&ba);
}

/* Two texts of one hash are two; what no number of 32 bits can place is refused. */
static void
a_bag_tells_apart_and_knows_its_end(void **state)
{
	static const char a[] = "\x6c\xe2\x80\x9b\x61\x7a\x66\x3a\x52\x96\x09\x3b\xbc\x56\xaf";
	static const char b[] = "\x39\x42\xea\x7b\x73\x82\x67\x4f\x69\xbe\x52\xca\x3e\x79\x61";
	struct buf one = {0}, other = {0};
	struct bag ba = {0};

	(void)state;
	value_encode(&one, &(struct value){.kind = VALUE_STRING, .s = slice_str(a)});
	value_encode(&other, &(struct value){.kind = VALUE_STRING, .s = slice_str(b)});
	assert_true(hash64(buf_slice(&one)) == hash64(buf_slice(&other)));
	assert_int_equal(bag_number(&ba, buf_slice(&one)), 0);
	assert_int_equal(bag_find(&ba, buf_slice(&other)), UINT32_MAX);
	assert_int_equal(bag_number(&ba, buf_slice(&other)), 1);
	assert_int_equal(bag_number(&ba, buf_slice(&one)), 0);
	ba.bytes.n += UINT32_MAX - 30; /* as if it held so much */
	assert_int_equal(bag_number(&ba, slice_str("more")), UINT32_MAX);
	assert_int_equal(ba.n, 2);
	ba.bytes.n -= UINT32_MAX - 30;
	assert_int_equal(bag_number(&ba, slice_str("more")), 2);
	bag_free(&ba);
	buf_free(&one);
	buf_free(&other);
}

/* Each allocation of a walk fails in turn: it says so, and goes on from an empty window. */
static void
a_window_without_memory_says_so(void **state)
{
	static const enum feature_op ops[] = {OP_DISTINCT, OP_SUM, OP_MIN, OP_LAST};
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};

	for (unsigned o = 0; o < 4; o++) {
		bool failed = true;

		declare(fx, ops[o], ops[o] == OP_SUM ? DEC : TXT, true, false, false);
		fx->tl.n = fx->tl.n_bytes = 0;
		for (uint32_t i = 0; i < 300; i++)
			add_row(fx, i, 40);
		for (uint64_t at = 1; failed; at++) {
			int rc;

			window_free(&fx->wi);
			failing_start(at, false);
			rc = window_seek(&fx->wi, &vi, 10, 200) != 0 ? -1 : window_seek(&fx->wi, &vi, 5, 190);
			if (rc == 0)
				(void)window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
			(void)failing_stop();
			failed = failing_has();
			assert_true(failed == (rc != 0 || fx->wi.failed));
			window_clear(&fx->wi);
			assert_int_equal(window_seek(&fx->wi, &vi, 100, 250), 0);
			check(fx, &vi, 100, 250, 40);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(every_op_says_what_brute_force_says, setup, teardown),
	    cmocka_unit_test_setup_teardown(many_groups_and_values_come_and_go, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_walk_gives_memory_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_walk_forgets_what_was_least, setup, teardown),
	    cmocka_unit_test(a_bag_numbers_what_it_is_given),
	    cmocka_unit_test(a_bag_tells_apart_and_knows_its_end),
	    cmocka_unit_test_setup_teardown(a_window_without_memory_says_so, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
