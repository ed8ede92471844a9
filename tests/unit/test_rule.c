#include "engine/rule/load.h"

#include "tests/unit/pack.h"
#include "tests/unit/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static char *
shipped(const char *name, size_t *ret_n)
{
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/rules/%s.lua", SOURCE_DIR, name);
	return pack_read(path, ret_n);
}

/* The text with the first `old` replaced; malloc'ed. */
static char *
replaced(const char *text, const char *old, const char *new)
{
	const char *at = strstr(text, old);
	char *ret = malloc(strlen(text) + strlen(new) + 1);

	if (at == NULL)
		fail_msg("no '%s' in the rule", old);
	(void)snprintf(ret, strlen(text) + strlen(new) + 1, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
	return ret;
}

static void
the_shipped_rules_load_without_a_finding(void **state)
{
	static const char *const names[] = {"witness-repeat", "fugitive-at-gate", "expert-over-referral"};
	struct contracts *cs = pack_contracts();

	(void)state;
	assert_non_null(cs);
	for (size_t i = 0; i < 3; i++) {
		struct findings fi = {0};
		struct err err = {0};
		size_t n;
		char *text = shipped(names[i], &n), file[64];
		struct rule *ru;

		(void)snprintf(file, sizeof file, "rules/%s.lua", names[i]);
		ru = rule_load(slice_str(file), slice_of(text, n), cs, NULL, 0, &fi, &err);
		assert_non_null(ru);
		assert_int_equal(fi.n, 0);
		assert_string_equal(ru->id, names[i]);
		rule_free(ru);
		findings_free(&fi);
		free(text);
	}
	contracts_free(cs);
}

static void
a_rule_is_read_as_it_is_written(void **state)
{
	struct contracts *cs = pack_contracts();
	struct findings fi = {0};
	struct err err = {0};
	size_t n;
	char *text = shipped("witness-repeat", &n);
	struct rule *ru = rule_load(slice_str("witness-repeat.lua"), slice_of(text, n), cs, NULL, 0, &fi, &err);
	const struct feature_spec *fs;

	(void)state;
	assert_non_null(ru);
	assert_string_equal(ru->role, "witness");
	assert_int_equal(ru->on.n, 1);
	assert_int_equal(ru->n_need, 1);
	assert_int_equal(ru->n_readable, 3);
	assert_int_equal(ru->n_fields, 3);
	assert_string_equal(ru->fields[0], "case_id");
	assert_int_equal(ru->n_features, 1);
	fs = &ru->features[0];
	assert_int_equal(fs->op, OP_DISTINCT);
	assert_string_equal(fs->of, "case_id");
	assert_int_equal(fs->n_where, 1);
	assert_int_equal(fs->where[0].n, 2);
	assert_int_equal(fs->window, WINDOW_SPAN);
	assert_int_equal(fs->window_seconds, 365 * 86400);
	assert_int_equal(fs->evidence, 20);
	assert_int_equal(ru->n_episode, 1);
	assert_int_equal(ru->episode[0], 0);
	assert_true(ru->episode_once && ru->contest && !ru->again_each);
	assert_int_equal(ru->quiet, 30 * 86400);
	assert_int_equal(ru->expires, 90 * 86400);
	assert_int_equal(ru->n_deliver, 1);
	assert_int_equal(ru->review_by.sec, INT64_C(2089670400)); /* 2036-03-21T00:00:00Z */
	assert_true(strncmp(ru->hash, "sha256:", 7) == 0 && strlen(ru->hash) == 71 && strcmp(ru->hash, ru->semantic) != 0);
	rule_free(ru);
	findings_free(&fi);
	free(text);
	contracts_free(cs);
}

/* One change in witness-repeat each: what is said, and the text that is marked. */
static const struct {
	const char *old, *new, *says, *mark;
} mistakes[] = {
    {"api = 1", "api = 2", "api must be 1", "2"},
    {"api = 1, ", "", "api is missing", NULL},
    {"id = \"witness-repeat\"", "id = \"witness\"", "id must be the file's name", "\"witness\""},
    {"version = \"1.0.0\"", "version = \"1.0\"", "version must be three numbers", "\"1.0\""},
    {"kind = \"notice\"", "kind = \"order\"", "kind must be", "\"order\""},
    {"owner", "ownr", "did you mean owner?", "ownr"},
    {"audience = { \"judge\" },", "audience = {},", "audience is empty", NULL},
    {"legal_basis = \"to be filled by the owner\", ", "", "legal_basis is missing", NULL},
    {"2036-03-20", "2036-02-30", "review_by is no date", "\"2036-02-30\""},
    {"false_positives = {", "false_positives = { \"Unknown\",", "is no false positive", "\"Unknown\""},
    {"false_positives = {", "false_positives = { \" none. \",", "is no false positive", NULL},
    {"false_positives", "false_positive", "did you mean false_positives?", "false_positive"},
    {"default = 365", "default = 20", "the default 20 of span is not within 30 .. 1095", "20"},
    {"unit = \"day\"", "unit = \"days\"", "did you mean day?", "\"days\""},
    {"type = \"integer\"", "type = \"intger\"", "did you mean integer?", "\"intger\""},
    {"min = 2,", "min = \"2\",", "must be a whole number", "\"2\""},
    {"min = 3,  max = 99", "min = 99,  max = 3", "min 99 is above max 3", "high_at"},
    {"return p.high_at > p.at_least,", "return p.at_least > p.high_at,", "high_at must be above at_least", "check"},
    {"return p.high_at > p.at_least,", "return p.highat > 1,", "check fails: p.highat: no such parameter", NULL},
    {"on = { \"testimony.given\" }, subject", "on = { \"testimony.givn\" }, subject", "did you mean testimony.given?", "\"testimony.givn\""},
    {"on = { \"testimony.given\" }, subject", "on = {}, subject", "on names no event type", "{"},
    {"subject = \"witness\"", "subject = \"witnes\"", "has no role witnes; did you mean witness?", "\"witnes\""},
    {"need = { \"case_id\" }", "need = { \"case_idd\" }", "did you mean case_id?", "\"case_idd\""},
    {"want = { \"capacity\"", "want = { \"sex\"", "may not read sex", "\"sex\""},
    {"want = { \"capacity\"", "want = { \"time\", \"capacity\"", "e.time is of the envelope", "\"time\""},
    {"want = { \"capacity\"", "want = { \"case_id\", \"capacity\"", "stands in need already", "\"case_id\""},
    {"op = \"distinct\"", "op = \"distinkt\"", "did you mean distinct?", "\"distinkt\""},
    {"op = \"distinct\"", "op = \"sum\"", "is not a number", "\"case_id\""},
    {"op = \"distinct\"", "op = \"count\"", "of does not fit op = \"count\"", "of"},
    {"op = \"distinct\", of", "op = \"distinct\", off", "of is missing", NULL},
    {"of = \"case_id\", on", "of = \"called\", on", "has no field called", "\"called\""},
    {"role = \"witness\",", "role = \"case\",", "is a case, but the rule's subject is a person", "\"case\""},
    {"\"informant\" } }", "\"infromant\" } }", "did you mean informant?", "\"infromant\""},
    {"{ \"lay\", \"informant\" } }", "3 }", "capacity is a string, so an integer never equals it", "3"},
    {"within = \"span\"", "within = \"spam\"", "did you mean span?", "\"spam\""},
    {"within = \"span\"", "within = \"at_least\"", "is no duration", "\"at_least\""},
    {"evidence = 20", "evidence = 101", "evidence must be a whole number from 0 to 100", "101"},
    {"local capacity = e.capacity", "local capacity = e.capcity", "did you mean capacity?", "capcity"},
    {"f.cases.n ", "f.case.n ", "did you mean cases?", "case"},
    {"f.cases.n ", "f.cases.share ", "needs groups", "share"},
    {"f.cases.n ", "f.cases.nn ", "no attribute nn", "nn"},
    {"n >= p.high_at ", "n >= p.high ", "p.high: no such parameter", "high"},
    {"n >= p.high_at ", "n ^ 3 >= p.high_at ", "^ is allowed with the constant 2 only", "^"},
    {"local n = f.cases.n", "n = f.cases.n", "may not set globals", "n"},
    {"local n = f.cases.n", "local n = os.time()", "unknown name os", "os"},
    {"local n = f.cases.n", "local n = string.gsub(\"\", \"\", \"\")", "string.gsub does not exist for rules", "gsub"},
    {"local n = f.cases.n", "local n = table.sorted(\"\")", "did you mean sort?", "sorted"},
    {"return \"few\"", "return \"fewer\"", "outcome \"fewer\" is not declared; did you mean few?", "\"fewer\""},
    {"return \"few\"", "return nil", "this returns nil", "nil"},
    {"return \"few\"", "return n", "this returns a number", "n"},
    {"return \"few\"", "return f.cases.n", "this returns a number", "f"},
    {"return \"few\"", "return 4, {}", "this returns a number", "4"},
    {"return \"official\" end", "return end", "return without an outcome", "return"},
    {"few = { clear = true }", "few = { clear = false }", "write clear = true", "false"},
    {"few = { clear = true }", "few = { clear = true, unknown = true }", "exactly one of", "few"},
    {"alert = \"warning\"", "alert = \"warn\"", "a level is info, warning or critical", "\"warn\""},
    {"en = \"capacity of the witness is missing\"", "en = \"\"", "en is empty", "\"\""},
    {", en = \"capacity of the witness is missing\"", "", "en is missing", "capacity_unknown"},
    {"in {n} separate cases", "in {m} separate cases", "placeholder {m} is neither", NULL},
    {"{ \"subject\", \"case_id\" }", "{ \"case_id\" }", "begins with \"subject\"", "{"},
    {"{ \"subject\", \"case_id\" }", "{ \"subject\", \"caseid\" }", "did you mean case_id?", "\"caseid\""},
    {"quiet = \"30d\", ", "", "quiet is missing", "alerting"},
    {"quiet = \"30d\"", "quiet = \"30\"", "quiet must be a duration with its unit", "\"30\""},
    {"expires = \"90d\",", "", "expires is missing", "alerting"},
    {", contest = true", "", "contest is missing", "alerting"},
    {"again_if = \"rises\"", "again_if = \"never\"", "again_if must be", "\"never\""},
    {"deliver = { judge", "deliver = { jduge", "did you mean judge?", "jduge"},
    {"episode_once", "episode_onse", "did you mean episode_once?", "episode_onse"},
    {"outcome = \"several\", values", "outcome = \"severl\", values", "did you mean several?", "\"severl\""},
    {"day = 0, case_id = \"C1\", capacity = \"lay\" }, { day = 10", "day = 0, caseid = \"C1\", capacity = \"lay\" }, { day = 10",
	"would be set aside: data.caseid", "{"},
    {"features = {", "features = {{", "expected", NULL},
};

static void
a_return_that_may_be_an_outcome_is_no_mistake(void **state)
{
	static const char *const bodies[] = {"return nil or \"few\"", "local c c = \"few\" return c", "local c = 1 c = \"few\" return c",
	    "local c, d = \"few\", 1 return c", "local c = 1 do local c = \"few\" return c end",
	    "local c = f.cases.n > 3 and \"few\" or \"few\" return c", "local c = true and \"few\" return c",
	    "for _, c in ipairs({ \"few\" }) do return c end return \"few\"", "local c = 1 local d = { \"few\" } c, d = d[1], c return c",
	    "local function c() return 1 end return c() == 1 and \"few\" or \"few\"", "local c = \"few\" return c",
	    "local c = 1 local function g(c) return c end return g(\"few\")", "local c = f.cases.value return c", "return (1 == 1 and \"few\")"};
	struct contracts *cs = pack_contracts();
	size_t n;
	char *text = shipped("witness-repeat", &n);

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		char *other = replaced(text, "return \"few\"", bodies[i]);
		struct findings fi = {0};
		struct err err = {0};
		struct rule *ru = rule_load(slice_str("witness-repeat.lua"), slice_str(other), cs, NULL, 0, &fi, &err);

		for (size_t k = 0; k < fi.n; k++)
			if (strstr(fi.v[k].text, "name one of outcomes") != NULL)
				fail_msg("%s: %s", bodies[i], fi.v[k].text);
		rule_free(ru);
		findings_free(&fi);
		free(other);
	}
	free(text);
	contracts_free(cs);
}

static void
every_mistake_is_found_where_it_stands(void **state)
{
	struct contracts *cs = pack_contracts();
	size_t n;
	char *text = shipped("witness-repeat", &n);

	(void)state;
	assert_non_null(cs);
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		char *wrong = replaced(text, mistakes[i].old, mistakes[i].new);
		struct findings fi = {0};
		struct err err = {0};
		struct rule *ru = rule_load(slice_str("witness-repeat.lua"), slice_str(wrong), cs, NULL, 0, &fi, &err);
		const struct finding *found = NULL;

		assert_null(ru);
		assert_int_equal(err.code, ERR_CHECKED);
		for (size_t k = 0; k < fi.n; k++)
			if (strstr(fi.v[k].text, mistakes[i].says) != NULL)
				found = &fi.v[k];
		if (found == NULL)
			fail_msg("'%s': nobody says '%s', but '%s'", mistakes[i].new, mistakes[i].says, fi.n > 0 ? fi.v[0].text : "");
		assert_true(found->line > 0 && found->column > 0);
		if (mistakes[i].mark != NULL) {
			const char *row = wrong;

			for (unsigned l = 1; l < found->line; l++)
				row = strchr(row, '\n') + 1;
			for (unsigned c = 1; c < found->column; row++)
				c += ((unsigned char)row[1] & 0xc0) != 0x80;
			if (strncmp(row, mistakes[i].mark, strlen(mistakes[i].mark)) != 0 || found->length != strlen(mistakes[i].mark))
				fail_msg("'%s': the caret stands at '%.20s' (%u)", mistakes[i].new, row, found->length);
		}
		findings_free(&fi);
		free(wrong);
	}
	free(text);
	contracts_free(cs);
}

static void
overrides_stay_within_their_bounds(void **state)
{
	static const struct {
		const char *set, *says;
	} table[] = {{"span=10", "below its minimum of 30"}, {"span=2000", "above its maximum of 1095"}, {"span=12h", "no whole number of its unit"},
	    {"span=x", "must be a"}, {"at_least=1.5", "must be a whole number"}, {"at_leest=3", "did you mean at_least?"},
	    {"at_least", "write PARAM=VALUE"}, {"high_at=4", "high_at must be above"}, {"span=30d", NULL}, {"span=52w", NULL}, {"at_least=3", NULL}};
	size_t n;
	char *text = shipped("witness-repeat", &n);

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct findings fi = {0};
		struct err err = {0};
		struct rule *ru = rule_load(slice_str("witness-repeat.lua"), slice_of(text, n), NULL, &table[i].set, 1, &fi, &err);

		if ((ru == NULL) != (table[i].says != NULL) || (ru == NULL && strstr(fi.v[0].text, table[i].says) == NULL))
			fail_msg("%s: %s", table[i].set, fi.n > 0 ? fi.v[0].text : "accepted");
		if (ru != NULL && strcmp(table[i].set, "span=52w") == 0)
			assert_int_equal(ru->features[0].window_seconds, 364 * 86400);
		rule_free(ru);
		findings_free(&fi);
	}
	free(text);
}

/* What decides outcomes and alerts is in the fingerprint; text, documentation, tests and layout are not. */
static void
the_semantic_fingerprint_follows_the_meaning(void **state)
{
	static const struct {
		const char *old, *new;
		bool same;
	} table[] = {{"what = \"One lay", "what = \"A lay", true}, {"  tests = {", "\n\n  tests = {", true},
	    {"-- this testimony included", "-- other words", true},
	    {"en = \"This witness testified in {n} cases", "en = \"They testified in {n} cases", true},
	    {"version = \"1.0.0\"", "version = \"1.0.1\"", true}, {"default = 365", "default = 364", false},
	    {"n >= p.at_least then", "n > p.at_least then", false}, {"quiet = \"30d\"", "quiet = \"31d\"", false},
	    {"alert = \"info\"", "alert = \"critical\"", false}, {"evidence = 20", "evidence = 21", false},
	    {"\"lay\", \"informant\" } }", "\"lay\" } }", false}};
	struct findings fi = {0};
	struct err err;
	size_t n;
	char *text = shipped("witness-repeat", &n);
	struct rule *ru = rule_load(slice_str("witness-repeat.lua"), slice_of(text, n), NULL, NULL, 0, &fi, &err);

	(void)state;
	assert_non_null(ru);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char *other = replaced(text, table[i].old, table[i].new);
		struct rule *changed = rule_load(slice_str("witness-repeat.lua"), slice_str(other), NULL, NULL, 0, &fi, &err);

		assert_non_null(changed);
		assert_string_not_equal(changed->hash, ru->hash);
		if ((strcmp(changed->semantic, ru->semantic) == 0) != table[i].same)
			fail_msg("'%s' to '%s'", table[i].old, table[i].new);
		rule_free(changed);
		free(other);
	}
	rule_free(ru);
	findings_free(&fi);
	free(text);
}

static void
durations_carry_units(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: none */
	} table[] = {{"30d", 2592000}, {"12h", 43200}, {"15m", 900}, {"90s", 90}, {"2w", 1209600}, {"0d", 0}, {"30", -1}, {"d", -1}, {"", -1},
	    {"-1d", -1}, {"1.5h", -1}, {"1y", -1}, {"400000d", -1}, {"99999999999d", -1}, {" 1d", -1}};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t seconds = -1;

		assert_true(duration_parse(slice_str(table[i].text), &seconds) == (table[i].seconds >= 0));
		assert_true(seconds == table[i].seconds);
	}
}

static void
an_oversized_file_is_refused(void **state)
{
	size_t n = LIMIT_RULE_FILE_BYTES + 1;
	char *text = malloc(n);
	struct findings fi = {0};
	struct err err;

	(void)state;
	memset(text, ' ', n);
	assert_null(rule_load(slice_str("x.lua"), slice_of(text, n), NULL, NULL, 0, &fi, &err));
	assert_int_equal(fi.n, 1);
	findings_free(&fi);
	free(text);
}

/* A rule with the block `KEY = ...` in the place of its own KEY. */
static char *
rule_around(struct slice block)
{
	static const char *const parts[] = {"params = { n = { type = \"integer\", default = 1, min = 1, max = 2 } }", "features = {}",
	    "evaluate = function(e, f, p) return \"few\" end", "outcomes = { few = { clear = true } }",
	    "alerting = { episode = { \"subject\" }, quiet = \"1d\", expires = \"1d\", contest = true }"};
	static const char features
	    [] = "features = { courts = { op = \"count\", on = { \"testimony.given\" }, by = \"court_id\" },\n"
		 "warrants = { op = \"active\", key = \"warrant_id\", opens = { \"warrant.issued\" } } }",
    outcomes[] = "outcomes = { few = { clear = true }, many = { alert = \"info\", fa = \"f\", en = \"e\" } }",
    params[] =
	    "params = { high = { type = \"integer\", default = 2, min = 1, max = 3 }, low = { type = \"integer\", default = 1, min = 1, max = 3 } }",
    values[] = "evaluate = function(e, f, p) local n, list return \"few\", { n = n, list = list } end";
	char *text = malloc(block.n + 8192);
	int n = snprintf(text, 4096,
	    "return { api = 1, id = \"x\", version = \"1.0.0\", kind = \"notice\", owner = \"o\", audience = { \"judge\" },\n"
	    "legal_basis = \"b\", review_by = \"2036-03-20\", doc = { what = \"w\", false_positives = { \"guards\" } },\n"
	    "on = { \"testimony.given\" }, subject = \"witness\", need = { \"case_id\" }, want = { \"capacity\" },\n");

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const char *part = parts[i];
		size_t key = strcspn(part, " ");

		if (block.n > key && memcmp(block.p, part, key) == 0 && block.p[key] == ' ')
			continue;
		if (block.p[0] == 'e' && i == 1) /* the block reads these */
			part = features;
		if (block.p[0] == 'e' && i == 3)
			part = outcomes;
		if (block.p[0] == 'c' && i == 0)
			part = params;
		if (block.p[0] == 'o' && i == 2)
			part = values;
		n += snprintf(text + n, 2048, "%s,\n", part);
	}
	(void)snprintf(text + n, block.n + 16, "%.*s }\n", SLICE_ARG(block));
	return text;
}

static void
every_example_of_the_guide_loads(void **state)
{
	struct contracts *cs = pack_contracts();
	size_t n, blocks = 0;
	char *guide = pack_read(SOURCE_DIR "/docs/rules.md", &n);
	const char *p = guide;

	(void)state;
	while ((p = strstr(p, "```lua\n")) != NULL) {
		struct slice block = {p + 7, (size_t)(strstr(p + 7, "\n```") - p - 7)};
		bool whole = block.n > 6 && memcmp(block.p, "return", 6) == 0;
		char *text = whole ? strndup(block.p, block.n) : rule_around(block);
		struct findings fi = {0};
		struct err err = {0};
		struct rule *ru = rule_load(slice_str(whole ? "gate-often.lua" : "x.lua"), slice_str(text), cs, NULL, 0, &fi, &err);

		if (ru == NULL)
			fail_msg("docs/rules.md: %s: %s in\n%s", err.text, fi.v[0].text, text);
		if (whole)
			assert_int_equal(fi.n, 0);
		rule_free(ru);
		findings_free(&fi);
		free(text);
		blocks++;
		p = block.p + block.n + 4;
	}
	assert_true(blocks >= 9);
	free(guide);
	contracts_free(cs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_shipped_rules_load_without_a_finding),
	    cmocka_unit_test(a_rule_is_read_as_it_is_written),
	    cmocka_unit_test(a_return_that_may_be_an_outcome_is_no_mistake),
	    cmocka_unit_test(every_mistake_is_found_where_it_stands),
	    cmocka_unit_test(overrides_stay_within_their_bounds),
	    cmocka_unit_test(the_semantic_fingerprint_follows_the_meaning),
	    cmocka_unit_test(durations_carry_units),
	    cmocka_unit_test(an_oversized_file_is_refused),
	    cmocka_unit_test(every_example_of_the_guide_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
