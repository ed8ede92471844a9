#include "engine/rule/text.h"

#include "tests/unit/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define FSI "\u2068"
#define PDI "\u2069"

static struct rule *
rule_saying(const char *fa, const char *en)
{
	char text[16384];

	(void)snprintf(text, sizeof text,
	    "return { api = 1, id = \"x\", version = \"1.0.0\", kind = \"notice\", owner = \"o\", audience = { \"judge\" }, legal_basis = \"b\",\n"
	    "review_by = \"2036-03-20\", doc = { what = \"w\", false_positives = { \"guards\" } },\n"
	    "params = { span = { type = \"duration\", unit = \"day\", default = 365, min = 1, max = 400 }, one = { type = \"duration\", unit = "
	    "\"hour\", default = 1, min = 1, max = 9 },\n"
	    "  k = { type = \"integer\", unit = \"case\", default = 4, min = 1, max = 9 }, name = { type = \"string\", default = \"p\" } },\n"
	    "on = { \"a.b\" }, subject = \"s\", evaluate = function(e) return \"yes\", { n = 1, s = \"\", b = true, x = 0.5 } end,\n"
	    "outcomes = { yes = { alert = \"info\", fa = \"%s\", en = \"%s\" }, no = { clear = true } },\n"
	    "alerting = { episode = { \"subject\" }, quiet = \"1d\", expires = \"90d\", contest = true } }\n",
	    fa, en);
	return rule_of(text);
}

static void
sentences_are_filled(void **state)
{
	static const struct {
		const char *sentence, *en, *fa;
	} table[] = {
	    {"plain", "plain", "plain"},
	    {"{n} of {k}", "-1234567890 of 4", "-۱۲۳۴۵۶۷۸۹۰ of ۴"},
	    {"in {span}", "in 365 days", "in ۳۶۵ روز"},
	    {"in {one}", "in 1 hour", "in ۱ ساعت"},
	    {"{x}", "0.3333", "۰٫۳۳۳۳"},
	    {"{b}", "yes", "بله"},
	    {"<{s}>",
		"<" FSI "a\xc3\xa9"
		"b" PDI ">",
		"<" FSI "a\xc3\xa9"
		"b" PDI ">"},
	    {"{name}{n}", FSI "p" PDI "-1234567890", FSI "p" PDI "-۱۲۳۴۵۶۷۸۹۰"},
	};
	struct rule_value values[] = {{slice_str("b"), {.kind = VALUE_BOOLEAN, .i = 1}}, {slice_str("n"), {.kind = VALUE_INTEGER, .i = -1234567890}},
	    {slice_str("s"), text_value("a\n\u202e\u2066\xc3\xa9\x7f\u200f\u061c\xc2\x85"
					"b")},
	    {slice_str("x"), {.kind = VALUE_NUMBER, .d = 1.0 / 3}}};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct rule *ru = rule_saying(table[i].sentence, table[i].sentence);

		assert_non_null(ru);
		for (int persian = 0; persian < 2; persian++) {
			struct buf b = {0};

			buf_add_str(&b, "|");
			rule_text(&b, ru, slice_str("yes"), values, 4, persian != 0);
			buf_add(&b, "", 1);
			assert_true(buf_ok(&b));
			assert_string_equal(b.p + 1, persian != 0 ? table[i].fa : table[i].en);
			buf_free(&b);
		}
		rule_free(ru);
	}
}

/* What a value that is missing at run time, or one too long, leaves is the fallback: an alert is never lost for its text. */
static void
what_cannot_be_rendered_falls_back(void **state)
{
	struct rule *ru = rule_saying("{n} {s} {s} {s}", "{n} {s} {s} {s}");
	char big[LIMIT_VALUE_BYTES + 1];
	struct rule_value values[] = {{slice_str("n"), {.kind = VALUE_INTEGER, .i = 5}}, {slice_str("s"), {0}}};
	struct buf b = {0};

	(void)state;
	assert_non_null(ru);
	memset(big, 'x', LIMIT_VALUE_BYTES);
	big[LIMIT_VALUE_BYTES] = '\0';
	values[1].value = text_value(big);
	rule_text(&b, ru, slice_str("yes"), values, 1, false);
	assert_true(slice_eq_str(buf_slice(&b), "Alert of rule x: yes (n = 5)"));
	buf_clear(&b);
	rule_text(&b, ru, slice_str("yes"), values, 2, true);
	assert_true(slice_eq_str(buf_slice(&b), "هشدار قاعدهٔ x: yes (n = ۵)"));
	buf_clear(&b);
	rule_text(&b, ru, slice_str("no"), NULL, 0, false);
	assert_true(slice_eq_str(buf_slice(&b), "Alert of rule x: no"));
	buf_free(&b);
	rule_free(ru);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sentences_are_filled),
	    cmocka_unit_test(what_cannot_be_rendered_falls_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
