#include "engine/rule/cases.h"

#include "engine/event/event.h"

#include "tests/unit/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* A rule over the shipped contracts with these tests inside. */
static struct rule_cases *
cases_of(const struct contracts *cs, const char *tests, struct findings *fi, struct rule **ret_rule)
{
	static char text[32768];
	struct err err = {0};
	struct rule_cases *rc = NULL;

	(void)snprintf(text, sizeof text,
	    "return { api = 1, id = \"x\", version = \"1.0.0\", kind = \"notice\", owner = \"o\", audience = { \"judge\" }, legal_basis = \"b\", "
	    "review_by = \"2036-03-20\",\n"
	    "doc = { what = \"w\", false_positives = { \"guards\" } }, on = { \"gate.passed\" }, subject = \"person\", need = { \"site\" },\n"
	    "features = { w = { op = \"active\", role = \"person\", key = \"warrant_id\", opens = { \"warrant.issued\" } } },\n"
	    "evaluate = function(e, f) if f.w.n > 0 then return \"yes\", { n = f.w.n } end return \"no\" end,\n"
	    "outcomes = { yes = { alert = \"info\", fa = \"f\", en = \"e\" }, no = { clear = true } },\n"
	    "alerting = { episode = { \"subject\" }, quiet = \"1d\", expires = \"90d\", contest = true },\ntests = {\n%s\n} }\n",
	    tests);
	*fi = (struct findings){0};
	*ret_rule = rule_load(slice_str("x.lua"), slice_str(text), cs, NULL, 0, fi, &err);
	if (*ret_rule != NULL)
		rc = rule_cases_load(slice_str("x.lua"), slice_str(text), *ret_rule, cs, fi, &err);
	return rc;
}

static void
assert_json(const struct case_event *ce, const char *expected)
{
	struct buf b = {0};
	struct err err;

	assert_int_equal(case_event_json(ce, &b, &err), 0);
	buf_add(&b, "", 1);
	assert_string_equal(b.p, expected);
	buf_free(&b);
}

#define EVENT(id, source, type, time, data)                                                                                                          \
	"{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"" source "\",\"type\":\"" type "\",\"time\":\"" time                                \
	"\",\"datacontenttype\":\"application/json\",\"data\":{" data "}}"

static void
events_are_made_from_contracts(void **state)
{
	struct contracts *cs = pack_contracts();
	struct findings fi;
	struct rule *ru;
	struct rule_cases *rc = cases_of(cs,
	    "{ name = \"t\", given = {\n"
	    "  { \"gate.passed\", day = 1, at = \"08:30\", direction = \"in\" },\n"
	    "  { at = \"09:00:01\", subject = \"s2\" },\n"
	    "  { day = 2, id = \"k\", source = \"/other\", without = { \"direction\" } },\n"
	    "  { \"warrant.issued\", time = \"2024-05-01T10:00:00+03:30\", warrant_id = \"w\", valid_from = 3, valid_until = "
	    "\"2025-01-01T00:00:00Z\", identity_verified = false },\n"
	    "  { \"gate.passed\", day = -1, person = \"nid:0084575948\", data = { site = \"A\" } },\n"
	    "  { \"gate.passed\", day = 0, person = { given_name = \"x\" } },\n"
	    "  { retract = \"k\", day = 9 },\n"
	    "}, expect = {} }",
	    &fi, &ru);

	(void)state;
	if (rc == NULL)
		fail_msg("%s", fi.n > 0 ? fi.v[0].text : "not loaded");
	assert_int_equal(rc->n, 1);
	assert_int_equal(rc->v[0].n_events, 7);
	assert_json(&rc->v[0].events[0], EVENT("e001", "/test", "gate.passed", "2024-03-21T08:30:00Z",
					     "\"person\":{\"id\":\"x-test:s1\"},\"site\":\"site-1\",\"direction\":\"in\""));
	assert_json(&rc->v[0].events[1], EVENT("e002", "/test", "gate.passed", "2024-03-21T09:00:01Z",
					     "\"person\":{\"id\":\"x-test:s2\"},\"site\":\"site-1\",\"direction\":\"in\""));
	assert_json(&rc->v[0].events[2],
	    EVENT("k", "/other", "gate.passed", "2024-03-22T00:00:00Z", "\"person\":{\"id\":\"x-test:s2\"},\"site\":\"site-1\""));
	assert_json(&rc->v[0].events[3], EVENT("e004", "/test", "warrant.issued", "2024-05-01T06:30:00Z",
					     "\"warrant_id\":\"w\",\"person\":{\"id\":\"x-test:s1\"},\"scope\":\"nationwide\",\"court_id\":\"court_"
					     "id-1\",\"valid_from\":\"2024-03-23T00:00:00Z\","
					     "\"valid_until\":\"2025-01-01T00:00:00Z\",\"identity_verified\":false"));
	assert_json(&rc->v[0].events[4],
	    EVENT("e005", "/test", "gate.passed", "2024-03-19T00:00:00Z", "\"person\":{\"id\":\"nid:0084575948\"},\"site\":\"A\""));
	assert_json(&rc->v[0].events[5],
	    EVENT("e006", "/test", "gate.passed", "2024-03-20T00:00:00Z", "\"person\":{\"given_name\":\"x\"},\"site\":\"site-1\""));
	assert_json(&rc->v[0].events[6], EVENT("e007", "/test", "event.retracted", "2024-03-29T00:00:00Z", "\"source\":\"/other\",\"id\":\"k\""));
	rule_cases_free(rc);
	rule_free(ru);
	findings_free(&fi);
	contracts_free(cs);
}

static void
every_contract_has_a_sample_that_it_accepts(void **state)
{
	struct contracts *cs = pack_contracts();
	struct event_parser *pa = event_parser_new(cs, 7);

	(void)state;
	assert_non_null(pa);
	for (size_t i = 0; i < contracts_count(cs); i++) {
		struct sample_event se = {.id = slice_str("1"), .source = slice_str("/s"), .time = CASE_DAY_ZERO, .day_zero = CASE_DAY_ZERO};
		struct arena arena = {0};
		struct buf b = {0};
		struct slice detail = {"", 0};
		struct event ev;
		struct err err;

		assert_int_equal(sample_event_json(contracts_at(cs, i), &se, &b, &err), 0);
		if (event_parse(pa, buf_slice(&b), &arena, &ev, &detail) != FAULT_NONE)
			fail_msg("%s: %.*s in %.*s", contract_type(contracts_at(cs, i)), SLICE_ARG(detail), (int)b.n, b.p);
		arena_free(&arena);
		buf_free(&b);
	}
	event_parser_free(pa);
	contracts_free(cs);
}

static void
expectations_are_read(void **state)
{
	struct contracts *cs = pack_contracts();
	struct findings fi;
	struct rule *ru;
	struct rule_cases *rc = cases_of(cs,
	    "{ name = \"t\", given = { { \"gate.passed\", day = 0 } }, outcomes = { \"no\", \"unknown\", \"error\" },\n"
	    "  expect = { { day = 3, at = \"10:00\", outcome = \"yes\", values = { n = 2, s = \"x\", share = 0.5 }, evidence = { \"a\", \"b\" }, "
	    "subject = \"s1\",\n"
	    "               opening = \"o\", trigger = \"t\", level = \"info\", fa = \"f\", en = \"e\" }, { outcome = \"yes\" } } }",
	    &fi, &ru);
	const struct case_expect *ex;

	(void)state;
	if (rc == NULL)
		fail_msg("%s", fi.n > 0 ? fi.v[0].text : "not loaded");
	assert_int_equal(rc->v[0].n_outcomes, 3);
	assert_int_equal(rc->v[0].n_expect, 2);
	ex = &rc->v[0].expect[0];
	assert_true(ex->has_time && ex->time.sec == CASE_DAY_ZERO.sec + 3 * 86400 + 36000);
	assert_true(ex->has_values && ex->n_values == 3 && ex->has_evidence && ex->n_evidence == 2);
	assert_true(
	    slice_eq_str(ex->opening, "o") && slice_eq_str(ex->trigger, "t") && slice_eq_str(ex->level, "info") && slice_eq_str(ex->subject, "s1"));
	assert_true(!rc->v[0].expect[1].has_time && !rc->v[0].expect[1].has_values && !rc->v[0].expect[1].has_evidence);
	rule_cases_free(rc);
	rule_free(ru);
	findings_free(&fi);
	contracts_free(cs);
}

static void
mistakes_in_tests_are_found(void **state)
{
	static const struct {
		const char *tests, *says;
	} table[] = {
	    {"5", "must be a table"},
	    {"{ given = { { \"gate.passed\" } }, expect = {} }", "name is missing"},
	    {"{ name = \"t\", expect = {} }", "given is missing"},
	    {"{ name = \"t\", given = {}, expect = {} }", "given is a list of 1 to"},
	    {"{ name = \"t\", given = { { \"gate.passed\" } } }", "expect is missing"},
	    {"{ name = \"t\", given = { { day = 1 } }, expect = {} }", "the first event needs its type"},
	    {"{ name = \"t\", given = { { \"gate.pased\" } }, expect = {} }", "did you mean gate.passed?"},
	    {"{ name = \"t\", given = { { \"gate.passed\", \"x\" } }, expect = {} }", "an event has one type"},
	    {"{ name = \"t\", given = { { \"gate.passed\", day = \"1\" } }, expect = {} }", "day is a whole number"},
	    {"{ name = \"t\", given = { { \"gate.passed\", at = \"8:00\" } }, expect = {} }", "at is a time of the day"},
	    {"{ name = \"t\", given = { { \"gate.passed\", at = \"24:00\" } }, expect = {} }", "at is a time of the day"},
	    {"{ name = \"t\", given = { { \"gate.passed\", time = \"2024-03-20\" } }, expect = {} }", "time:"},
	    {"{ name = \"t\", given = { { \"gate.passed\", day = 1, time = \"2024-03-20T00:00:00Z\" } }, expect = {} }", "time stands alone"},
	    {"{ name = \"t\", given = { { \"gate.passed\", sit = \"A\" } }, expect = {} }", "did you mean site?"},
	    {"{ name = \"t\", given = { { \"gate.passed\", direction = \"inn\" } }, expect = {} }", "set aside"},
	    {"{ name = \"t\", given = { { \"gate.passed\", without = { \"site\" } } }, expect = {} }", "set aside"},
	    {"{ name = \"t\", given = { { \"gate.passed\" }, { retract = \"zz\" } }, expect = {} }", "no event of this test has id \"zz\""},
	    {"{ name = \"t\", given = { { \"gate.passed\" } }, expect = { { day = 0 } } }", "outcome is missing"},
	    {"{ name = \"t\", given = { { \"gate.passed\" } }, expect = { { outcome = \"yess\" } } }", "did you mean yes?"},
	    {"{ name = \"t\", given = { { \"gate.passed\" } }, expect = { { outcome = \"no\" } } }", "is no alert"},
	    {"{ name = \"t\", given = { { \"gate.passed\" } }, expect = { { outcome = \"yes\", valuse = {} } } }", "did you mean values?"},
	    {"{ name = \"t\", given = { { \"gate.passed\" } }, expect = {}, outcomes = { \"nope\" } }", "outcome \"nope\" is not declared"},
	    {"{ name = \"t\", given = { { \"gate.passed\" } }, expect = {}, outcmes = {} }", "did you mean outcomes?"},
	    {"{ name = \"t\", given = { { \"gate.passed\" } }, expect = {} },\n{ name = \"t\", given = { { \"gate.passed\" } }, expect = {} }",
		"the test of line 8 has the same name"},
	};
	struct contracts *cs = pack_contracts();

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct findings fi;
		struct rule *ru;
		struct rule_cases *rc = cases_of(cs, table[i].tests, &fi, &ru);
		bool found = false;

		assert_null(rc);
		assert_null(ru);
		for (size_t k = 0; k < fi.n; k++)
			found = found || strstr(fi.v[k].text, table[i].says) != NULL;
		if (!found)
			fail_msg("%s: nobody says '%s', but '%s'", table[i].tests, table[i].says, fi.n > 0 ? fi.v[0].text : "");
		findings_free(&fi);
	}
	contracts_free(cs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(events_are_made_from_contracts),
	    cmocka_unit_test(every_contract_has_a_sample_that_it_accepts),
	    cmocka_unit_test(expectations_are_read),
	    cmocka_unit_test(mistakes_in_tests_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
