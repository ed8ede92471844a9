/* What rules answered, by what they read: a made-up rule here, Lua in test_rule_memo.c. */
#include "tests/unit/memo_world.h"

#define READS 64 /* that memo.c notes of one call */

/* ---- what is known -------------------------------------------------------------------------------------------- */

static void
what_was_read_before_has_its_answer(void **state)
{
	struct memo *me = *state;
	struct world wo;
	struct rule_result re;

	world_open(&wo);
	wo.fields[0] = text("a");
	wo.fields[1] = integer(5);
	assert_int_equal(known(me, &wo), -1);
	assert_int_equal(wo.reads, 0); /* nothing is known yet of what it reads */
	keep_fields(me, &wo, 2, 3);
	assert_int_equal(known(me, &wo), 3);
	assert_int_equal(wo.reads, 2);
	wo.fields[1] = integer(6);
	assert_int_equal(known(me, &wo), -1);
	assert_int_equal(wo.reads, 2);
	keep_fields(me, &wo, 2, 4);
	assert_int_equal(known(me, &wo), 4);
	wo.fields[1] = integer(5);
	assert_int_equal(known(me, &wo), 3);
	wo.fields[2] = integer(1); /* nobody reads it */
	assert_int_equal(known(me, &wo), 3);
	wo.fields[0] = text("b");
	assert_int_equal(known(me, &wo), -1);
	assert_int_equal(wo.reads, 1);
	assert_int_equal(memo_find(me, 1, &wo.in, &re), 0); /* of another rule nothing */
}

/* A rule that reads nothing answers one thing. */
static void
a_constant_is_known(void **state)
{
	struct memo *me = *state;
	struct world wo;

	world_open(&wo);
	keep_fields(me, &wo, 0, 9);
	assert_int_equal(known(me, &wo), 9);
	assert_int_equal(wo.reads, 0);
}

/* What is read next follows from what was found. */
static void
each_value_leads_to_reads_of_its_own(void **state)
{
	struct memo *me = *state;
	struct world wo;

	world_open(&wo);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 60; i++) {
			struct rule_result re = answer_of(i);
			int n;

			wo.fields[0] = integer(i % 3);
			wo.fields[1] = integer(i);
			wo.features[0][ATTR_N] = integer(i);
			wo.in.time.sec = i;
			n = known(me, &wo);
			if (round == 1) {
				assert_int_equal(n, i);
				assert_int_equal(wo.reads, i % 3 == 2 ? 1 : 2);
				continue;
			}
			assert_int_equal(n, -1);
			memo_begin(me, 0);
			(void)reads(me, &wo, field_0);
			for (int again = 0; again < 2; again++) /* once more: nothing new */
				(void)reads(me, &wo, i % 3 == 0 ? field_1 : i % 3 == 1 ? feature_n : (struct memo_read){.at = READ_TIME});
			(void)reads(me, &wo, field_0);
			memo_keep(me, 0, &re);
		}
}

static void
the_envelope_and_each_attribute_are_told_apart(void **state)
{
	static const struct memo_read all[] = {{.at = READ_TYPE}, {.at = READ_SOURCE}, {.at = READ_ID}, {.at = READ_TIME}, {.at = 0}, {.at = 1},
	    {.feature = true, .at = 0, .attr = ATTR_N}, {.feature = true, .at = 1, .attr = ATTR_N}, {.feature = true, .at = 1, .attr = ATTR_MINE}};
	struct memo *me = *state;
	struct rule_result re = answer_of(1);
	struct world wo;

	world_open(&wo);
	memo_begin(me, 0);
	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
		(void)reads(me, &wo, all[i]);
	memo_keep(me, 0, &re);
	assert_int_equal(known(me, &wo), 1);
	assert_int_equal(wo.reads, 5);
	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
		world_open(&wo);
		switch (i) {
		case 0:
			wo.in.type = slice_str("other");
			break;
		case 1:
			wo.in.source = slice_str("other");
			break;
		case 2:
			wo.in.id = slice_str("other");
			break;
		case 3:
			wo.in.time.sec++;
			break;
		case 4:
		case 5:
			wo.fields[i - 4] = integer(1);
			break;
		case 6:
		case 7:
			wo.features[i - 6][ATTR_N] = integer(1);
			break;
		default:
			wo.features[1][ATTR_MINE] = integer(1);
			break;
		}
		assert_int_equal(known(me, &wo), -1);
	}
}

/* Lua tells all of these apart, or might: none stands for another. */
static void
values_that_look_alike_are_others(void **state)
{
	static char long_a[4096], long_b[4096], zero[] = "1";
	struct memo *me = *state;
	struct world wo;
	struct value v[32];
	int n = 0;

	world_open(&wo);
	memset(long_a, 'x', sizeof long_a);
	memset(long_b, 'x', sizeof long_b);
	long_b[sizeof long_b - 1] = 'y';
	v[n++] = (struct value){0};
	v[n++] = (struct value){.kind = VALUE_STRING}; /* no bytes, and nowhere */
	v[n++] = integer(0);
	v[n++] = integer(1);
	v[n++] = integer(-1);
	v[n++] = integer(INT64_MIN);
	v[n++] = number(0.0);
	v[n++] = number(-0.0);
	v[n++] = number(1.0);
	v[n++] = number(NAN);
	v[n++] = number(-NAN);
	v[n++] = number(INFINITY);
	v[n++] = (struct value){.kind = VALUE_BOOLEAN, .i = 1};
	v[n++] = (struct value){.kind = VALUE_BOOLEAN, .i = 0};
	v[n++] = (struct value){.kind = VALUE_DECIMAL, .i = 1};
	v[n++] = (struct value){.kind = VALUE_DECIMAL, .i = 10, .scale = 1};
	v[n++] = (struct value){.kind = VALUE_DECIMAL, .i = 1, .scale = 1};
	v[n++] = (struct value){.kind = VALUE_INSTANT, .t = {1, 0}};
	v[n++] = (struct value){.kind = VALUE_INSTANT, .t = {-1, 0}};
	v[n++] = text("1");
	v[n++] = text("1.0");
	v[n++] = (struct value){.kind = VALUE_STRING, .s = {zero, 2}};
	v[n++] = (struct value){.kind = VALUE_STRING, .s = {long_a, sizeof long_a}};
	v[n++] = (struct value){.kind = VALUE_STRING, .s = {long_b, sizeof long_b}};
	v[n++] = (struct value){.kind = VALUE_STRING, .s = {long_b, sizeof long_b - 1}};
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < n; i++) {
			wo.fields[0] = v[i];
			assert_int_equal(known(me, &wo), round == 0 ? -1 : i);
			assert_int_equal(known(me, &wo), round == 0 ? -1 : i); /* the step that was gone last */
			if (round == 0)
				keep_fields(me, &wo, 1, i);
		}
	wo.fields[0] = (struct value){.kind = VALUE_INSTANT, .t = {1, 999999999}}; /* a rule sees seconds */
	assert_int_equal(known(me, &wo), 17);
	wo.fields[0] = (struct value){.kind = VALUE_INTEGER, .i = 1, .scale = 3}; /* decimals alone have a scale */
	assert_int_equal(known(me, &wo), 3);
	wo.fields[0] = (struct value){.kind = VALUE_STRING, .s = slice_of(zero, 0)};
	assert_int_equal(known(me, &wo), 1);
}

/* Two texts of one hash, at the place where a rule begins, are two. */
static void
values_of_one_hash_are_two(void **state)
{
	static const char bytes[2][17] = {
	    "\xba\x39\x42\xea\x7b\x73\x82\x67\xb1\x25\xf0\x5c\x7f\x8f\x74\xbe", "\xab\x1b\x71\xae\x2e\x15\xf5\xef\x39\x52\x96\x09\x3b\xbc\x56\xaf"};
	struct memo *me = *state;
	struct world wo;

	assert_true(hash64_seeded(slice_str(bytes[0]), VALUE_STRING) == hash64_seeded(slice_str(bytes[1]), VALUE_STRING));
	world_open(&wo);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3; i++) {
			wo.fields[0] = i < 2 ? text(bytes[i]) : integer(1);
			assert_int_equal(known(me, &wo), round == 0 ? -1 : i);
			if (round == 0)
				keep_fields(me, &wo, 1, i);
		}
}

/* All that the rule was handed and handed over may go once it is kept. */
static void
texts_are_copied(void **state)
{
	static const struct {
		const char *name, *value;
	} all[] = {{"long", "a long value that stands for itself"}, {"short", ""}};
	struct memo *me = *state;
	struct world wo;
	struct rule_result re = {.class = OUTCOME_ALERT, .outcome = 2, .n_values = 4};
	char field[] = "field", names[2][16], values[2][64];

	world_open(&wo);
	wo.fields[0] = text(field);
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(names[i], sizeof names[i], "%s", all[i].name);
		(void)snprintf(values[i], sizeof values[i], "%s", all[i].value);
		re.values[i] = (struct rule_value){slice_str(names[i]), text(values[i])};
	}
	re.values[2] = (struct rule_value){slice_str("x"), number(-0.0)};
	re.values[3] = (struct rule_value){slice_str("y"), {.kind = VALUE_BOOLEAN, .i = 1}};
	memo_begin(me, 0);
	(void)reads(me, &wo, field_0);
	memo_keep(me, 0, &re);
	memset(field, '#', sizeof field - 1);
	memset(names, '#', sizeof names);
	memset(values, '#', sizeof values);
	memset(&re, '#', sizeof re);
	assert_int_equal(known(me, &wo), -1);
	wo.fields[0] = text("field");
	assert_int_equal(memo_find(me, 0, &wo.in, &re), 1);
	assert_int_equal(re.class, OUTCOME_ALERT);
	assert_int_equal(re.outcome, 2);
	assert_null(re.error);
	assert_int_equal(re.n_values, 4);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(slice_eq_str(re.values[i].name, all[i].name));
		assert_true(re.values[i].value.kind == VALUE_STRING && slice_eq_str(re.values[i].value.s, all[i].value));
	}
	assert_true(re.values[2].value.kind == VALUE_NUMBER && signbit(re.values[2].value.d));
	assert_true(slice_eq_str(re.values[3].name, "y") && re.values[3].value.kind == VALUE_BOOLEAN && re.values[3].value.i == 1);
}

static void
an_answer_of_as_many_values_as_there_may_be_is_whole(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	struct memo *me = *state;
	struct world wo;
	struct rule_result re = {.class = OUTCOME_UNKNOWN, .outcome = 1, .n_values = LIMIT_RULE_VALUES};

	world_open(&wo);
	for (unsigned i = 0; i < LIMIT_RULE_VALUES; i++)
		re.values[i] = (struct rule_value){slice_of(letters + i, 1), integer(i)};
	memo_begin(me, 0);
	memo_keep(me, 0, &re);
	memset(&re, 0, sizeof re);
	assert_int_equal(memo_find(me, 0, &wo.in, &re), 1);
	assert_int_equal(re.class, OUTCOME_UNKNOWN);
	assert_int_equal(re.n_values, LIMIT_RULE_VALUES);
	for (unsigned i = 0; i < LIMIT_RULE_VALUES; i++)
		assert_true(slice_eq(re.values[i].name, slice_of(letters + i, 1)) && re.values[i].value.i == i);
}

/* ---- what is not kept ----------------------------------------------------------------------------------------- */

static void
an_error_is_not_kept(void **state)
{
	struct memo *me = *state;
	struct world wo;
	struct rule_result re = {.class = OUTCOME_ERROR, .outcome = -1, .error = "line 1: ?"};

	world_open(&wo);
	memo_begin(me, 0);
	(void)reads(me, &wo, field_0);
	memo_keep(me, 0, &re);
	assert_int_equal(known(me, &wo), -1);
	keep_fields(me, &wo, 1, 5); /* what was noted before is gone */
	assert_int_equal(known(me, &wo), 5);
}

static void
what_is_given_up_is_not_kept(void **state)
{
	struct memo *me = *state;
	struct world wo;
	struct rule_result re = answer_of(1);

	world_open(&wo);
	memo_begin(me, 0);
	(void)reads(me, &wo, field_0);
	memo_give_up(me);
	(void)reads(me, &wo, field_1);
	memo_keep(me, 0, &re);
	assert_int_equal(known(me, &wo), -1);
	memo_keep(me, 0, &re); /* nothing began */
	assert_int_equal(known(me, &wo), -1);
	keep_fields(me, &wo, 2, 6); /* it is not off */
	assert_int_equal(known(me, &wo), 6);
	memo_keep(me, 0, &re); /* nothing began since */
	assert_int_equal(known(me, &wo), 6);
}

static void
a_rule_may_read_so_many_things_and_no_more(void **state)
{
	struct memo *me = *state;
	struct world wo;

	world_open(&wo);
	keep_fields(me, &wo, READS + 1, 1);
	assert_int_equal(known(me, &wo), -1);
	keep_fields(me, &wo, READS, 2);
	assert_int_equal(known(me, &wo), 2);
	assert_int_equal(wo.reads, READS);
}

/* A read that had no memory says NONE; said again, it may have another value: the rule saw both. */
static void
a_call_that_saw_one_thing_change_is_not_kept(void **state)
{
	struct memo *me = *state;
	struct world wo;
	struct rule_result re = answer_of(1);

	world_open(&wo);
	memo_begin(me, 0);
	(void)reads(me, &wo, feature_n);
	wo.features[0][ATTR_N] = integer(5);
	(void)reads(me, &wo, feature_n);
	memo_keep(me, 0, &re);
	assert_int_equal(known(me, &wo), -1);
	wo.features[0][ATTR_N] = (struct value){0};
	assert_int_equal(known(me, &wo), -1);
	memo_begin(me, 0);
	(void)reads(me, &wo, feature_n);
	(void)reads(me, &wo, feature_n);
	memo_keep(me, 0, &re);
	assert_int_equal(known(me, &wo), 1);
}

/* What reads another thing behind the same values, or one more or less, is no function of them. */
static void
a_rule_that_is_no_function_is_not_remembered(void **state)
{
	static const struct {
		unsigned first[2], n_first, second[2], n_second;
	} all[] = {{{0, 1}, 2, {0, 2}, 2}, {{0, 1}, 2, {0}, 1}, {{0}, 1, {0, 1}, 2}, {{0}, 1, {0}, 1}, {{0}, 0, {0}, 1}, {{0}, 1, {0}, 0}};

	(void)state;
	for (unsigned t = 0; t < sizeof all / sizeof all[0]; t++) {
		struct memo *me = memo_new(1);
		struct rule_result re = answer_of(1);
		struct world wo;

		assert_non_null(me);
		world_open(&wo);
		for (unsigned f = 0; f < 3; f++)
			wo.fields[f] = integer(f);
		for (unsigned call = 0; call < 2; call++) {
			memo_begin(me, 0);
			for (unsigned i = 0; i < (call == 0 ? all[t].n_first : all[t].n_second); i++)
				(void)reads(me, &wo, (struct memo_read){.at = (int)(call == 0 ? all[t].first : all[t].second)[i]});
			memo_keep(me, 0, &re);
			assert_int_equal(known(me, &wo), call == 0 ? 1 : -1);
		}
		keep_fields(me, &wo, 1, 2);
		assert_int_equal(known(me, &wo), -1);
		memo_free(me);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_was_read_before_has_its_answer, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(a_constant_is_known, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(each_value_leads_to_reads_of_its_own, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(the_envelope_and_each_attribute_are_told_apart, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(values_that_look_alike_are_others, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(values_of_one_hash_are_two, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(texts_are_copied, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(an_answer_of_as_many_values_as_there_may_be_is_whole, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(an_error_is_not_kept, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(what_is_given_up_is_not_kept, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(a_rule_may_read_so_many_things_and_no_more, open_memo, close_memo),
	    cmocka_unit_test_setup_teardown(a_call_that_saw_one_thing_change_is_not_kept, open_memo, close_memo),
	    cmocka_unit_test(a_rule_that_is_no_function_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
