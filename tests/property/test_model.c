/* The model of the law of order against cases computed by hand: if it were wrong, it would agree with a wrong engine. */
#include "tests/property/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DAY 86400

static struct gen_set set;
static struct model mo;

/* One type with role who; one rule that counts its events in two days and alerts from the second on; quiet of a day. */
static int
begin(void **state)
{
	struct gen_rule *ru = &set.rules[0];

	(void)state;
	memset(&set, 0, sizeof(set));
	memset(&mo, 0, sizeof(mo));
	mo.set = &set;
	set.n_types = 3;
	set.types[0] = set.types[1] = set.types[2] = (struct gen_type){1, {ROLE_WHO}};
	set.n_rules = 1;
	*ru = (struct gen_rule){
	    .on = 1, .role = ROLE_WHO, .need = -1, .deliver = -1, .n_features = 1, .n_branches = 2, .last = 5, .quiet = DAY, .expires = 5 * DAY};
	ru->features[0] = (struct gen_feature){.op = GEN_COUNT, .on = 1, .role = ROLE_WHO, .of = -1, .by = -1, .key = -1, .from = -1, .til = -1};
	ru->features[0].window = GEN_SPAN;
	ru->features[0].window_seconds = 2 * DAY;
	ru->features[0].evidence = 3;
	ru->branches[0] = (struct gen_branch){.n_atoms = 1, .outcome = 1, .n_values = 1};
	ru->branches[0].atoms[0] = (struct gen_atom){.cmp = CMP_AT_LEAST, .with = {.kind = GEN_INT, .i = 3}};
	ru->branches[1] = ru->branches[0];
	ru->branches[1].outcome = 0;
	ru->branches[1].atoms[0].with.i = 2;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	model_free(&mo);
	return 0;
}

static struct gen_content *
event(unsigned id, unsigned type, int64_t sec)
{
	struct gen_content *co = &set.contents[set.n_contents];

	*co = (struct gen_content){.id = id, .type = type, .time = {sec, 0}, .keys = {1}};
	mo.present[set.n_contents++] = true;
	return co;
}

static void
retract(unsigned id, unsigned target)
{
	struct gen_content *co = event(id, GEN_RETRACTION, 0);

	co->target_id = target;
}

/* All alerts, a line each. */
static void
assert_alerts(const char *expected)
{
	struct buf b = {0};
	unsigned i;

	gen_seal(&set);
	model_run(&mo);
	for (i = 0; i < mo.n_alerts; i++) {
		model_alert_line(&b, &mo, &mo.alerts[i]);
		buf_add_str(&b, "\n");
	}
	buf_add_u8(&b, 0);
	assert_string_equal(b.p, expected);
	buf_free(&b);
}

static void
an_event_exactly_as_old_as_the_window_counts(void **state)
{
	(void)state;
	event(0, 0, 0);
	event(1, 0, 2 * DAY);
	assert_alerts(
	    "random-0 body/b1 standing opening=/s/a#e1@1970-01-03T00:00:00Z trigger=/s/a#e1@1970-01-03T00:00:00Z level=info outcome=o0 values={v0:2} "
	    "evidence=[/s/a#e1@1970-01-03T00:00:00Z,/s/a#e0@1970-01-01T00:00:00Z] of 2\n");
	set.contents[1].time.nsec = 1;
	assert_alerts("");
}

static void
neighbours_at_most_quiet_apart_are_one_episode_shown_at_its_last_highest(void **state)
{
	(void)state;
	event(0, 0, 0);
	event(1, 0, 100);
	event(2, 0, 200);       /* warning: 3 */
	event(3, 0, 200 + DAY); /* warning: 4; exactly quiet later */
	assert_alerts("random-0 body/b1 standing opening=/s/a#e1@1970-01-01T00:01:40Z trigger=/s/a#e3@1970-01-02T00:03:20Z level=warning outcome=o1 "
		      "values={v0:4} "
		      "evidence=[/s/a#e3@1970-01-02T00:03:20Z,/s/a#e2@1970-01-01T00:03:20Z,/s/a#e1@1970-01-01T00:01:40Z] of 4\n");
	set.contents[3].time.nsec = 1;
	gen_seal(&set);
	model_run(&mo);
	assert_int_equal(mo.n_alerts, 2);
}

static void
a_retraction_takes_out_the_identity_but_no_retraction_and_not_itself(void **state)
{
	(void)state;
	event(0, 0, 0);
	event(1, 0, 100);
	retract(2, 1);
	assert_alerts("");
	retract(3, 2); /* of a retraction */
	assert_alerts("");
	mo.present[2] = false; /* now e3 names what is not there, e2 never came */
	retract(5, 5);
	gen_seal(&set);
	model_run(&mo);
	assert_int_equal(mo.n_alerts, 1);
}

static void
the_content_with_the_smallest_hash_stands_and_is_contested(void **state)
{
	struct gen_content *a, *b;

	(void)state;
	event(0, 0, 0);
	a = event(1, 0, 100);
	b = event(1, 0, 10 * DAY);
	gen_seal(&set);
	model_run(&mo);
	assert_int_equal(mo.n_alerts, memcmp(a->sha256, b->sha256, 32) < 0 ? 1 : 0);
	assert_true(mo.contested[1] && mo.contested[2] && !mo.contested[0]);
	if (mo.n_alerts == 1)
		assert_true(mo.evals[mo.alerts[0].shown].contested);
	mo.present[2] = false;
	model_run(&mo);
	assert_int_equal(mo.n_alerts, 1);
	assert_false(mo.evals[mo.alerts[0].shown].contested);
}

static void
equal_times_are_in_order_of_source_and_id_bytewise(void **state)
{
	(void)state;
	event(10, 0, 0);
	event(2, 0, 0); /* "e2" comes behind "e10" */
	gen_seal(&set);
	model_run(&mo);
	assert_int_equal(mo.n_alerts, 1);
	assert_int_equal(mo.evals[mo.alerts[0].opening].content, 1);
}

static void
an_alert_ends_at_its_expiry(void **state)
{
	(void)state;
	event(0, 0, 0);
	event(1, 0, 100);
	mo.has_tick = true;
	mo.tick = (struct gen_time){100 + 5 * DAY, 0};
	gen_seal(&set);
	model_run(&mo);
	assert_true(mo.alerts[0].ended);
	mo.tick.sec--;
	model_run(&mo);
	assert_false(mo.alerts[0].ended);
}

/* Types 0 trigger, 1 opens, 2 closes. */
static void
active_follows_the_newest_life_cycle_event_before_the_trigger(void **state)
{
	struct gen_feature *fe = &set.rules[0].features[0];
	struct gen_content *co;

	(void)state;
	*fe = (struct gen_feature){.op = GEN_ACTIVE,
	    .opens = 2,
	    .closes = 4,
	    .role = -1,
	    .of = -1,
	    .by = -1,
	    .key = FIELD_TAG,
	    .from = FIELD_START,
	    .til = FIELD_STOP,
	    .evidence = 2};
	set.rules[0].branches[1].atoms[0].with.i = 1;
	co = event(0, 1, 0);
	co->fields[FIELD_TAG] = (struct gen_value){.kind = GEN_STR, .s = "a"};
	co->fields[FIELD_START] = (struct gen_value){.kind = GEN_TIME, .t = {50, 0}};
	co->fields[FIELD_STOP] = (struct gen_value){.kind = GEN_TIME, .t = {100, 0}};
	event(1, 0, 49);
	event(2, 0, 50);
	event(3, 0, 99);
	event(4, 0, 100);
	gen_seal(&set);
	model_run(&mo);
	assert_int_equal(mo.evals[0].outcome, 5);
	assert_int_equal(mo.evals[1].outcome, 0);
	assert_int_equal(mo.evals[2].outcome, 0);
	assert_int_equal(mo.evals[3].outcome, 5);
	co = event(5, 2, 60);
	co->fields[FIELD_TAG] = (struct gen_value){.kind = GEN_STR, .s = "a"};
	gen_seal(&set);
	model_run(&mo);
	assert_int_equal(mo.evals[1].outcome, 0);
	assert_int_equal(mo.evals[2].outcome, 5);
}

static void
groups_are_ranked_by_their_value(void **state)
{
	static const char *const places[] = {"x", "x", "y", "y", "y", "z"};
	struct gen_rule *ru = &set.rules[0];
	unsigned i;

	(void)state;
	ru->features[0].by = FIELD_PLACE;
	ru->n_branches = 1;
	ru->branches[0] = (struct gen_branch){.n_values = 3, .outcome = 0};
	ru->branches[0].values[0].attr = GEN_MINE;
	ru->branches[0].values[1].attr = GEN_RANK;
	ru->branches[0].values[2].attr = GEN_GROUPS;
	for (i = 0; i < 6; i++)
		event(i, 0, (int64_t)i)->fields[FIELD_PLACE] = (struct gen_value){.kind = GEN_STR, .s = places[i]};
	gen_seal(&set);
	model_run(&mo);
	assert_int_equal(mo.evals[4].values[0].i, 3);
	assert_int_equal(mo.evals[4].values[1].i, 1);
	assert_int_equal(mo.evals[4].values[2].i, 2);
	assert_int_equal(mo.evals[5].values[0].i, 1);
	assert_int_equal(mo.evals[5].values[1].i, 3);
	assert_int_equal(mo.evals[5].values[2].i, 3);
}

/* Costs 1.5 and 2.25 at x, -0.75 at y: 3 over two groups. */
static void
decimals_are_added_and_compared_by_their_value(void **state)
{
	static const int64_t costs[] = {1500000000, 2250000000, -750000000};
	struct gen_rule *ru = &set.rules[0];
	unsigned i;

	(void)state;
	ru->features[0].op = GEN_SUM;
	ru->features[0].of = FIELD_COST;
	ru->features[0].by = FIELD_PLACE;
	ru->features[1] = ru->features[0];
	ru->features[1].op = GEN_MIN;
	ru->features[1].by = -1;
	ru->n_features = 2;
	ru->n_branches = 1;
	ru->branches[0] = (struct gen_branch){.n_values = 3, .outcome = 0};
	ru->branches[0].values[0].attr = GEN_MINE;
	ru->branches[0].values[1].attr = GEN_MEAN;
	ru->branches[0].values[2] = (struct gen_read){.feature = 1, .attr = GEN_VALUE};
	set.costs = true;
	for (i = 0; i < 3; i++) {
		struct gen_content *co = event(i, 0, (int64_t)i);

		co->fields[FIELD_PLACE] = (struct gen_value){.kind = GEN_STR, .s = i < 2 ? "x" : "y"};
		co->fields[FIELD_COST] = (struct gen_value){.kind = GEN_DEC, .i = costs[i], .digits = 2 + i};
	}
	gen_seal(&set);
	model_run(&mo);
	assert_true(mo.evals[1].values[0].d == 3.75 && mo.evals[1].values[1].d == 3.75 && mo.evals[1].values[2].d == 1.5);
	assert_true(mo.evals[2].values[0].d == -0.75 && mo.evals[2].values[1].d == 1.5 && mo.evals[2].values[2].d == -0.75);
}

static void
decimals_are_written_with_the_digits_they_have(void **state)
{
	static const struct {
		int64_t i;
		unsigned digits;
		const char *text;
	} rows[] = {{0, 0, "0"}, {-2000000000, 0, "-2"}, {1500000000, 3, "1.500"}, {-50000000, 2, "-0.05"}, {1, 9, "0.000000001"}};
	struct buf b = {0}, wanted = {0};
	size_t i;

	(void)state;
	set.costs = true;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gen_content co = {.fields[FIELD_COST] = {.kind = GEN_DEC, .i = rows[i].i, .digits = rows[i].digits}};

		buf_clear(&b);
		buf_clear(&wanted);
		gen_print_canonical(&b, &co, &set);
		buf_printf(&wanted, "{\"data\":{\"cost\":\"%s\"},\"time\":\"1970-01-01T00:00:00Z\",\"type\":\"p.alpha\"}", rows[i].text);
		assert_true(slice_eq(buf_slice(&b), buf_slice(&wanted)));
	}
	buf_free(&b);
	buf_free(&wanted);
}

/* Dates of the official calendar. */
static void
solar_hijri_years_and_months_start_at_midnight_in_iran(void **state)
{
	static const struct {
		int64_t t, year, month;
	} rows[] = {
	    {1710880200, 1710880200, 1710880200}, /* 2024-03-19T20:30Z = 1403-01-01 00:00 */
	    {1710880199, 1679344200, 1708374600}, /* a second before: 1402-12-29; 1402 began 2023-03-20T20:30Z, Esfand 2024-02-19T20:30Z */
	    {1742502599, 1710880200, 1739910600}, /* 2025-03-20T20:29:59Z: 1403 is a leap year, this is 1403-12-30; Esfand began 2025-02-18T20:30Z */
	    {0, -24723000, -876600},              /* 1348-10-11: 1348 began 1969-03-20T20:30Z, Dey 1969-12-21T20:30Z */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gen_time t = {rows[i].t, 5};

		assert_int_equal(model_year_start(t).sec, rows[i].year);
		assert_int_equal(model_month_start(t).sec, rows[i].month);
	}
}

static void
times_are_written_in_utc_and_with_offsets(void **state)
{
	static const struct {
		struct gen_time t;
		int offset;
		unsigned zeros;
		const char *text;
	} rows[] = {
	    {{0, 0}, 0, 0, "1970-01-01T00:00:00Z"},
	    {{-1, 999999999}, 0, 0, "1969-12-31T23:59:59.999999999Z"},
	    {{1710880200, 120000000}, 210, 1, "2024-03-20T00:00:00.120+03:30"},
	    {{-62135596800, 0}, 0, 0, "0001-01-01T00:00:00Z"},
	    {{951782400, 0}, -300, 2, "2000-02-28T19:00:00.00-05:00"},
	};
	struct buf b = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&b);
		gen_time_text(&b, rows[i].t, rows[i].offset, rows[i].zeros);
		buf_add_u8(&b, 0);
		assert_string_equal(b.p, rows[i].text);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(an_event_exactly_as_old_as_the_window_counts, begin, end),
	    cmocka_unit_test_setup_teardown(neighbours_at_most_quiet_apart_are_one_episode_shown_at_its_last_highest, begin, end),
	    cmocka_unit_test_setup_teardown(a_retraction_takes_out_the_identity_but_no_retraction_and_not_itself, begin, end),
	    cmocka_unit_test_setup_teardown(the_content_with_the_smallest_hash_stands_and_is_contested, begin, end),
	    cmocka_unit_test_setup_teardown(equal_times_are_in_order_of_source_and_id_bytewise, begin, end),
	    cmocka_unit_test_setup_teardown(an_alert_ends_at_its_expiry, begin, end),
	    cmocka_unit_test_setup_teardown(active_follows_the_newest_life_cycle_event_before_the_trigger, begin, end),
	    cmocka_unit_test_setup_teardown(groups_are_ranked_by_their_value, begin, end),
	    cmocka_unit_test_setup_teardown(decimals_are_added_and_compared_by_their_value, begin, end),
	    cmocka_unit_test_setup_teardown(decimals_are_written_with_the_digits_they_have, begin, end),
	    cmocka_unit_test(solar_hijri_years_and_months_start_at_midnight_in_iran),
	    cmocka_unit_test(times_are_written_in_utc_and_with_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
