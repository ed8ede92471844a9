/* Windows over values of every kind: beyond 64 bits, as long as may be, of two kinds, equal ones of several scales. */
#include "tests/unit/rows.h"

#include <math.h>

/* An entry that holds one value, as its first field. */
static void
push_number(struct fixture *fx, const struct value *v)
{
	struct buf kept = {0}, value = {0};
	struct delta de = {.time = {fx->tl.n, 0}, .id = slice_str("id")};
	struct err err;

	value_encode(&value, v);
	buf_add_u8(&kept, 1);
	buf_add_u8(&kept, (uint8_t)value.n);
	buf_add_u8(&kept, (uint8_t)(value.n >> 8));
	buf_add_slice(&kept, buf_slice(&value));
	de.kept = buf_slice(&kept);
	assert_int_equal(timeline_push(&fx->tl, &de, &err), 0);
	buf_free(&kept);
	buf_free(&value);
}

static void
sums_are_exact_beyond_64_bits(void **state)
{
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	static const int64_t edge[] = {INT64_MAX, 1, -1, INT64_MIN, 0, -1};
	static const struct {
		uint32_t lo, hi;
		bool fits;
		int64_t sum;
	} cases[] = {{0, 1, true, INT64_MAX}, {0, 2, false, 0}, {0, 3, true, INT64_MAX}, {0, 4, true, -1}, {3, 4, true, INT64_MIN},
	    {3, 5, true, INT64_MIN}, {3, 6, false, 0}};

	declare(fx, OP_SUM, NUM, false, false, false);
	for (unsigned i = 0; i < 6; i++)
		push_number(fx, &(struct value){.kind = VALUE_INTEGER, .i = edge[i]});
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct value v;

		assert_int_equal(window_seek(&fx->wi, &vi, cases[i].lo, cases[i].hi), 0);
		v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
		assert_int_equal(v.kind, cases[i].fits ? VALUE_INTEGER : VALUE_NUMBER);
		if (cases[i].fits)
			assert_true(v.i == cases[i].sum);
		else
			assert_true(fabs(v.d) == 9223372036854775808.0 && (v.d < 0) == (cases[i].lo == 3));
	}
}

/* Texts as long as may be kept, that differ in their last letter. */
static void
the_longest_texts_are_told_apart(void **state)
{
	static char text[LIMIT_KEPT_STRING_BYTES + 1];
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};

	declare(fx, OP_DISTINCT, NUM, false, false, false);
	memset(text, 'x', LIMIT_KEPT_STRING_BYTES);
	for (unsigned i = 0; i < 4; i++) {
		text[LIMIT_KEPT_STRING_BYTES - 1] = (char)('a' + i % 3);
		push_number(fx, &(struct value){.kind = VALUE_STRING, .s = slice_str(text)});
	}
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 4), 0);
	assert_int_equal(window_read(&fx->wi, &vi, ATTR_N, slice_of("", 0)).i, 3);
}

static void
sums_of_decimals_are_short_or_numbers(void **state)
{
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct value v = {.kind = VALUE_DECIMAL, .scale = 1, .i = INT64_MAX};

	declare(fx, OP_SUM, NUM, false, false, false);
	push_number(fx, &v);
	push_number(fx, &v);
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 1), 0);
	v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
	assert_true(v.kind == VALUE_DECIMAL && v.scale == 1 && v.i == INT64_MAX);
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 2), 0);
	v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
	assert_int_equal(v.kind, VALUE_NUMBER);
	assert_true(fabs(v.d - 1844674407370955161.4) < 1000);
	/* Whole sums have no digits behind the point, and keep those before it. */
	push_number(fx, &(struct value){.kind = VALUE_DECIMAL, .scale = 2, .i = 12000});
	push_number(fx, &(struct value){.kind = VALUE_DECIMAL, .scale = 1, .i = -1200});
	assert_int_equal(window_seek(&fx->wi, &vi, 2, 3), 0);
	v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
	assert_true(v.kind == VALUE_DECIMAL && v.scale == 0 && v.i == 120);
	assert_int_equal(window_seek(&fx->wi, &vi, 2, 4), 0);
	v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
	assert_true(v.kind == VALUE_DECIMAL && v.scale == 0 && v.i == 0);
}

/* At the largest scale as at any other. */
static void
sums_have_the_last_digit(void **state)
{
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct value v;

	declare(fx, OP_SUM, NUM, false, false, false);
	for (unsigned scale = 0; scale <= LIMIT_DECIMAL_SCALE; scale++)
		push_number(fx, &(struct value){.kind = VALUE_DECIMAL, .scale = scale, .i = 7});
	assert_int_equal(window_seek(&fx->wi, &vi, 0, LIMIT_DECIMAL_SCALE + 1), 0);
	v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
	assert_true(v.kind == VALUE_DECIMAL && v.scale == LIMIT_DECIMAL_SCALE && v.i == 7777777777);
}

/* Of whole numbers the sum, the share and the mean are rounded once, however large they are. */
static void
whole_numbers_are_rounded_once(void **state)
{
	static char by[] = "num";
	static const int64_t numbers[] = {INT64_MAX, 3872982626502034967, 649522587954, 115729056419 - 649522587954, 117348324917831396};
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct buf own = {0};
	struct value v;

	declare(fx, OP_SUM, NUM, false, false, false);
	fx->spec.by = by;
	feature_bind_make(&fx->bind, &fx->spec, fx->la);
	for (unsigned i = 0; i < 5; i++)
		push_number(fx, &(struct value){.kind = VALUE_INTEGER, .i = numbers[i]});
	for (int64_t i = 1; i <= 8; i++) /* with the last of those nine groups, whose sum is its own */
		push_number(fx, &(struct value){.kind = VALUE_INTEGER, .i = i % 2 == 0 ? -i / 2 : (i + 1) / 2});
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 2), 0);
	v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
	assert_true(v.kind == VALUE_NUMBER && v.d == 13096354663356810774.0);
	assert_int_equal(window_seek(&fx->wi, &vi, 2, 4), 0);
	value_encode(&own, &(struct value){.kind = VALUE_INTEGER, .i = numbers[2]});
	v = window_read(&fx->wi, &vi, ATTR_SHARE, buf_slice(&own));
	assert_true(v.kind == VALUE_NUMBER && v.d == 649522587954.0 / 115729056419.0);
	assert_int_equal(window_seek(&fx->wi, &vi, 4, 13), 0);
	v = window_read(&fx->wi, &vi, ATTR_MEAN, slice_of("", 0));
	assert_true(v.kind == VALUE_NUMBER && v.d == 117348324917831396.0 / 9);
	buf_free(&own);
}

/* 1.5 of one group and 2.25 of another. */
static void
a_mean_of_decimals_is_at_their_scale(void **state)
{
	static char by[] = "num";
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct value v;

	declare(fx, OP_SUM, NUM, false, false, false);
	fx->spec.by = by;
	feature_bind_make(&fx->bind, &fx->spec, fx->la);
	push_number(fx, &(struct value){.kind = VALUE_DECIMAL, .scale = 1, .i = 15});
	push_number(fx, &(struct value){.kind = VALUE_DECIMAL, .scale = 2, .i = 225});
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 2), 0);
	v = window_read(&fx->wi, &vi, ATTR_MEAN, slice_of("", 0));
	assert_true(v.kind == VALUE_NUMBER && v.d == 1.875);
}

/* A field that is a whole number in one type and a decimal in another: 3, 1.5, 4. */
static void
whole_numbers_and_decimals_add_up(void **state)
{
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct value v;

	declare(fx, OP_SUM, NUM, false, false, false);
	push_number(fx, &(struct value){.kind = VALUE_INTEGER, .i = 3});
	push_number(fx, &(struct value){.kind = VALUE_DECIMAL, .scale = 1, .i = 15});
	push_number(fx, &(struct value){.kind = VALUE_INTEGER, .i = 4});
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 3), 0);
	v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
	assert_true(v.kind == VALUE_DECIMAL && v.scale == 1 && v.i == 85);
	assert_int_equal(window_seek(&fx->wi, &vi, 2, 3), 0); /* the decimal left */
	v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
	assert_true(v.kind == VALUE_INTEGER && v.i == 4);
}

/* The same values as groups of their own: 8.5 over three, of which 4 is the largest. */
static void
whole_numbers_and_decimals_have_one_rank(void **state)
{
	static char by[] = "num";
	static const struct value own[] = {
	    {.kind = VALUE_INTEGER, .i = 3}, {.kind = VALUE_DECIMAL, .scale = 1, .i = 15}, {.kind = VALUE_INTEGER, .i = 4}};
	static const int64_t ranks[] = {2, 3, 1};
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};

	declare(fx, OP_SUM, NUM, false, false, false);
	fx->spec.by = by;
	feature_bind_make(&fx->bind, &fx->spec, fx->la);
	for (unsigned i = 0; i < 3; i++)
		push_number(fx, &own[i]);
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 3), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct buf b = {0};

		value_encode(&b, &own[i]);
		assert_int_equal(window_read(&fx->wi, &vi, ATTR_RANK, buf_slice(&b)).i, ranks[i]);
		assert_true(window_read(&fx->wi, &vi, ATTR_SHARE, buf_slice(&b)).d == (i == 0 ? 3 : i == 1 ? 1.5 : 4) / 8.5);
		buf_free(&b);
	}
	assert_true(window_read(&fx->wi, &vi, ATTR_MEAN, slice_of("", 0)).d == 8.5 / 3);
}

/* Equal decimals of three scales, in any order: the least is that of the fewest digits, the largest that of the most, and none of
 * them ranks before another. */
static void
equal_decimals_have_an_order_to_be_shown_in(void **state)
{
	static const struct value values[] = {
	    {.kind = VALUE_DECIMAL, .scale = 0, .i = 1}, {.kind = VALUE_DECIMAL, .scale = 1, .i = 10}, {.kind = VALUE_DECIMAL, .scale = 2, .i = 100}};
	static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static char by[] = "num";
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};

	for (unsigned o = 0; o < 12; o++) {
		struct value v;

		declare(fx, o < 6 ? OP_MIN : OP_MAX, NUM, false, false, false);
		fx->tl.n = fx->tl.n_bytes = 0;
		for (unsigned i = 0; i < 3; i++)
			push_number(fx, &values[orders[o % 6][i]]);
		assert_int_equal(window_seek(&fx->wi, &vi, 0, 3), 0);
		v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
		assert_true(v.kind == VALUE_DECIMAL && v.scale == (o < 6 ? 0 : 2));
		fx->spec.by = by;
		feature_bind_make(&fx->bind, &fx->spec, fx->la);
		window_clear(&fx->wi);
		assert_int_equal(window_seek(&fx->wi, &vi, 0, 3), 0);
		for (unsigned i = 0; i < 3; i++) {
			struct buf b = {0};

			value_encode(&b, &values[i]);
			assert_int_equal(window_read(&fx->wi, &vi, ATTR_RANK, buf_slice(&b)).i, 1);
			buf_free(&b);
		}
	}
}

/* Of sums, too, one far below 0 is less than 5. */
static void
groups_are_ranked_by_sums_beyond_64_bits(void **state)
{
	static char by[] = "num";
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};
	struct value least = {.kind = VALUE_INTEGER, .i = INT64_MIN}, five = {.kind = VALUE_INTEGER, .i = 5};
	struct buf b = {0};

	declare(fx, OP_SUM, NUM, false, false, false);
	fx->spec.by = by;
	feature_bind_make(&fx->bind, &fx->spec, fx->la);
	push_number(fx, &least);
	push_number(fx, &five);
	push_number(fx, &least);
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 3), 0);
	value_encode(&b, &five);
	assert_int_equal(window_read(&fx->wi, &vi, ATTR_RANK, buf_slice(&b)).i, 1);
	buf_clear(&b);
	value_encode(&b, &least);
	assert_int_equal(window_read(&fx->wi, &vi, ATTR_RANK, buf_slice(&b)).i, 2);
	buf_free(&b);
}

/* The layout's first field says the group; a text may be empty, and is a group then. */
static void
groups_may_be_of_the_first_field_and_of_an_empty_text(void **state)
{
	static const char *const texts[] = {"", "x", "", "y", ""};
	static const char *const asked[] = {"", "x", "z"};
	static const int64_t wanted[] = {3, 1, 0};
	static char by[] = "num";
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};

	declare(fx, OP_COUNT, -1, false, false, false);
	fx->spec.by = by;
	feature_bind_make(&fx->bind, &fx->spec, fx->la);
	for (unsigned i = 0; i < 5; i++)
		push_number(fx, &(struct value){.kind = VALUE_STRING, .s = slice_str(texts[i])});
	assert_int_equal(window_seek(&fx->wi, &vi, 0, 5), 0);
	assert_int_equal(window_read(&fx->wi, &vi, ATTR_GROUPS, slice_of("", 0)).i, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct buf b = {0};

		value_encode(&b, &(struct value){.kind = VALUE_STRING, .s = slice_str(asked[i])});
		assert_int_equal(window_read(&fx->wi, &vi, ATTR_MINE, buf_slice(&b)).i, wanted[i]);
		buf_free(&b);
	}
	assert_int_equal(window_read(&fx->wi, &vi, ATTR_MINE, slice_of("", 0)).i, 0);
}

/* A field that another type, or an older contract, kept as another kind: numbers are compared as numbers, of equal ones and of what does
 * not compare one kind comes before the other. Whichever came first. */
static void
values_of_two_kinds_have_an_order(void **state)
{
	static const struct {
		struct value smallest, largest;
	} cases[] = {
	    {{.kind = VALUE_DECIMAL, .scale = 0, .i = 1}, {.kind = VALUE_INTEGER, .i = 5}},
	    {{.kind = VALUE_INTEGER, .i = 1}, {.kind = VALUE_DECIMAL, .scale = 0, .i = 5}},
	    {{.kind = VALUE_INTEGER, .i = 1}, {.kind = VALUE_DECIMAL, .scale = 2, .i = 101}},
	    {{.kind = VALUE_DECIMAL, .scale = 2, .i = 499}, {.kind = VALUE_INTEGER, .i = 5}},
	    {{.kind = VALUE_INTEGER, .i = 5}, {.kind = VALUE_DECIMAL, .scale = 1, .i = 50}}, /* equal: the scale decides */
	    {{.kind = VALUE_INTEGER, .i = 5}, {.kind = VALUE_DECIMAL, .scale = 0, .i = 5}},  /* the kind */
	    {{.kind = VALUE_INTEGER, .i = 9}, {.kind = VALUE_BOOLEAN, .i = 0}},
	};
	struct fixture *fx = *state;
	struct window_view vi = {&fx->tl, &fx->plan, &fx->bind};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (unsigned turn = 0; turn < 2; turn++)
			for (unsigned most = 0; most < 2; most++) {
				const struct value *wanted = most ? &cases[i].largest : &cases[i].smallest;
				struct value v;

				declare(fx, most ? OP_MAX : OP_MIN, NUM, false, false, false);
				fx->tl.n = fx->tl.n_bytes = 0;
				push_number(fx, turn ? &cases[i].smallest : &cases[i].largest);
				push_number(fx, turn ? &cases[i].largest : &cases[i].smallest);
				assert_int_equal(window_seek(&fx->wi, &vi, 0, 2), 0);
				v = window_read(&fx->wi, &vi, ATTR_VALUE, slice_of("", 0));
				assert_int_equal(v.kind, wanted->kind);
				assert_int_equal(v.i, wanted->i);
				assert_int_equal(v.scale, wanted->scale);
			}
}

static void
each_attribute_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < ATTR_COUNT; a++)
		assert_int_equal(feature_attr_by_name(slice_str(feature_attr_name((enum feature_attr)a))), a);
	assert_int_equal(feature_attr_by_name(slice_str("items")), -1);
	assert_string_equal(feature_attr_name(ATTR_COUNT), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(sums_are_exact_beyond_64_bits, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_longest_texts_are_told_apart, setup, teardown),
	    cmocka_unit_test_setup_teardown(sums_of_decimals_are_short_or_numbers, setup, teardown),
	    cmocka_unit_test_setup_teardown(sums_have_the_last_digit, setup, teardown),
	    cmocka_unit_test_setup_teardown(whole_numbers_are_rounded_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_mean_of_decimals_is_at_their_scale, setup, teardown),
	    cmocka_unit_test_setup_teardown(whole_numbers_and_decimals_add_up, setup, teardown),
	    cmocka_unit_test_setup_teardown(whole_numbers_and_decimals_have_one_rank, setup, teardown),
	    cmocka_unit_test_setup_teardown(equal_decimals_have_an_order_to_be_shown_in, setup, teardown),
	    cmocka_unit_test_setup_teardown(groups_are_ranked_by_sums_beyond_64_bits, setup, teardown),
	    cmocka_unit_test_setup_teardown(groups_may_be_of_the_first_field_and_of_an_empty_text, setup, teardown),
	    cmocka_unit_test_setup_teardown(values_of_two_kinds_have_an_order, setup, teardown),
	    cmocka_unit_test(each_attribute_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
