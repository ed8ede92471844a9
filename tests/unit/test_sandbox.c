#include "tests/unit/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* The body of evaluate, run in a VM whose declarations are those of the plain rule: so the lint does not stand before it. */
struct trial {
	const char *body;
	const char *outcome; /* NULL: an error */
	const char *says;    /* in the error; NULL: anything */
};

static void
try(const char *text, const char *name, const char *outcome, const char *says)
{
	struct rule *ru = rule_of(RULE("return \"ok\""));
	char *each = restless(text);
	struct slice source = slice_str(each);
	struct answers an = {.a = text_value("A"), .n = 7, .items = 3};
	struct rule_input in = input_of(&an);
	const struct rule *rules = ru;
	struct rule_vm *vm = NULL;
	struct rule_result first, re;
	struct err err = {0};

	assert_non_null(ru);
	assert_non_null(each);
	if (rule_vm_new(&vm, &rules, &source, 1, &err) != 0) {
		if (outcome != NULL || says == NULL || strstr(err.text, says) == NULL)
			fail_msg("%s: %s", name, err.text);
		rule_free(ru);
		free(each);
		return;
	}
	for (int i = 0; i < 3; i++) { /* a call leaves nothing behind for the next */
		in.id = next_id();
		assert_int_equal(rule_vm_eval(vm, 0, &in, &re), 0);
		if (outcome == NULL && (re.class != OUTCOME_ERROR || (says != NULL && strstr(re.error, says) == NULL)))
			fail_msg("%s: wanted an error with \"%s\", got %s", name, says == NULL ? "" : says,
			    re.class == OUTCOME_ERROR ? re.error : ru->outcomes[re.outcome].code);
		if (outcome != NULL && (re.class == OUTCOME_ERROR || re.outcome < 0 || strcmp(ru->outcomes[re.outcome].code, outcome) != 0))
			fail_msg("%s: wanted %s, got %s", name, outcome, re.error != NULL ? re.error : ru->outcomes[re.outcome].code);
		if (i == 0)
			first = re;
		assert_int_equal(first.class, re.class);
	}
	rule_vm_free(vm);
	rule_free(ru);
	free(each);
}

static void
try_all(const struct trial *tr, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[8192];

		(void)snprintf(text, sizeof text, "%s%s%s", RULE_HEAD, tr[i].body, RULE_TAIL);
		try(text, tr[i].body, tr[i].outcome, tr[i].says);
	}
}
#define TRY_ALL(table) try_all(table, sizeof table / sizeof table[0])

static void
absent_globals_are_errors(void **state)
{
	static const char *const names[] = {"pcall", "xpcall", "coroutine", "load", "loadstring", "loadfile", "dofile", "require", "setmetatable",
	    "getmetatable", "rawset", "rawget", "rawequal", "rawlen", "collectgarbage", "os", "io", "debug", "package", "print", "warn", "next", "_G",
	    "_VERSION", "unpack", "arg", "bit32"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char text[4096], says[64];

		(void)snprintf(text, sizeof text, "%slocal x = %s return \"ok\"%s", RULE_HEAD, names[i], RULE_TAIL);
		(void)snprintf(says, sizeof says, "unknown name '%s'", names[i]);
		try(text, names[i], NULL, says);
	}
}

static void
absent_members_are_errors(void **state)
{
	static const char *const names[] = {"string.dump", "string.gsub", "string.gmatch", "string.match", "string.pack", "string.unpack",
	    "string.packsize", "math.random", "math.randomseed", "math.sin", "math.cos", "math.tan", "math.asin", "math.acos", "math.atan",
	    "math.pow", "table.move", "table.pack", "utf8.codes", "utf8.charpattern"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char text[4096];

		(void)snprintf(text, sizeof text, "%slocal x = %s return \"ok\"%s", RULE_HEAD, names[i], RULE_TAIL);
		try(text, names[i], NULL, "does not exist for rules");
	}
}

static void
allowed_functions_work(void **state)
{
	static const struct trial trials[] = {
	    {"return math.floor(2.7) == 2 and math.max(1, 3) == 3 and math.abs(-2) == 2 and \"ok\"", "ok", NULL},
	    {"return math.sqrt(9) == 3.0 and 3^2 == 9.0 and 7 // 2 == 3 and 7 % 4 == 3 and \"ok\"", "ok", NULL},
	    {"return math.type(1) == \"integer\" and math.type(1.0) == \"float\" and math.tointeger(3.0) == 3 and \"ok\"", "ok", NULL},
	    {"return math.abs(math.exp(1) - 2.718281828459045) < 1e-15 and math.log(math.exp(1)) == 1 and \"ok\"", "ok", NULL},
	    {"local a, b = string.find(\"a.b\", \".\") return a == 2 and b == 2 and \"ok\"", "ok", NULL},
	    {"return (\"abc\"):sub(2) == \"bc\" and (\"ab\"):upper() == \"AB\" and #(\"abc\"):rep(3, \"-\") == 11 and \"ok\"", "ok", NULL},
	    {"return string.format(\"%d %5.2f %s %x %%\", 3, 1.5, \"z\", 255) == \"3  1.50 z ff %\" and \"ok\"", "ok", NULL},
	    {"return string.format(\"%s %s %s\", nil, true, 1.0) == \"nil true 1.0\" and \"ok\"", "ok", NULL},
	    {"return string.byte(\"A\") == 65 and string.char(66) == \"B\" and (\"abc\"):reverse() == \"cba\" and \"ok\"", "ok", NULL},
	    {"return utf8.len(\"سلام\") == 4 and utf8.char(0x633) == \"س\" and \"ok\"", "ok", NULL},
	    {"return tostring(3) == \"3\" and tostring(0/0) == \"nan\" and tonumber(\"0x10\") == 16 and select(\"#\", 1, 2) == 2 and \"ok\"", "ok",
		NULL},
	    {"local t = { 1, 2 } table.insert(t, 3) table.insert(t, 1, 0) return table.concat(t, \",\") == \"0,1,2,3\" and table.remove(t) == 3 and "
	     "\"ok\"",
		"ok", NULL},
	    {"local a, b = table.unpack({ 4, 5 }) return a + b == 9 and \"ok\"", "ok", NULL},
	    {"local y, m, d = calendar.jalali(e.time) return y == 1403 and m == 1 and d == 1 and \"ok\"", "ok", NULL},
	    {"local h, m = calendar.clock(e.time) return h == 3 and m == 30 and calendar.weekday(e.time) == 5 and \"ok\"", "ok", NULL},
	    {"return stats.binomial_tail(1, 1, 2) == 0.5 and \"ok\"", "ok", NULL},
	    {"for i = 1, 3 do if i == 2 then goto done end end ::done:: return \"ok\"", "ok", NULL},
	    {"local t = {} for _, w in ipairs(f.w.items) do t[#t + 1] = w.key end return table.concat(t, \" \") == \"k0 k1 k2\" and #f.w.items == 3 "
	     "and \"ok\"",
		"ok", NULL},
	    {"return f.w.items[4] == nil and f.w.items[0] == nil and f.w.items[1].other == nil and \"ok\"", "ok", NULL},
	    {"return e.a == \"A\" and e.b == nil and e.type == \"a.b\" and e.source == \"/s\" and e.id:sub(1, 3) == \"id \" and \"ok\"", "ok", NULL},
	    {"return f.c.n == 7 and f.s.share == 0.25 and f.w.contested == false and p.k == 3 and p.span == 30 and \"ok\"", "ok", NULL},
	};

	(void)state;
	TRY_ALL(trials);
}

static void
everything_but_own_tables_is_read_only(void **state)
{
	static const struct trial trials[] = {
	    {"x = 1 return \"ok\"", NULL, "may not write"},
	    {"e.a = 1 return \"ok\"", NULL, "may not write"},
	    {"f.c = 1 return \"ok\"", NULL, "may not write"},
	    {"f.c.n = 1 return \"ok\"", NULL, "may not write"},
	    {"f.w.items[1] = 1 return \"ok\"", NULL, "may not write"},
	    {"f.w.items[1].key = 1 return \"ok\"", NULL, "may not write"},
	    {"p.k = 1 return \"ok\"", NULL, "may not write"},
	    {"string.upper = 1 return \"ok\"", NULL, "may not write"},
	    {"_ENV.string = 1 return \"ok\"", NULL, "may not write"},
	    {"local s = \"\" s.x = 1 return \"ok\"", NULL, "index"},
	    {"_ENV = {} return \"ok\"", "ok", NULL},
	    {"table.sort(p) return \"ok\"", NULL, "table expected"},
	    {"table.insert(string, 1) return \"ok\"", NULL, "table expected"},
	};

	(void)state;
	TRY_ALL(trials);
}

static void
misread_names_are_errors(void **state)
{
	static const struct trial trials[] = {
	    {"return e.c", NULL, "e.c is not declared"},
	    {"return e[1]", NULL, "not declared"},
	    {"return f.x", NULL, "f.x: no such feature"},
	    {"return f.c.share", NULL, "no attribute share"},
	    {"return f.c.items", NULL, "no attribute items"},
	    {"return f.s.items", NULL, "no attribute items"},
	    {"return p.x", NULL, "p.x: no such parameter"},
	    {"return f.w.items.x", NULL, "items is a list"},
	    {"local t = nil return t.x", NULL, "line 10: attempt to index a nil value"},
	    {"return \"10\" + 1", NULL, "arithmetic on a string"},
	    {"return e.a < 1", NULL, "compare"},
	};

	(void)state;
	TRY_ALL(trials);
}

static void
addresses_never_show(void **state)
{
	static const struct trial trials[] = {
	    {"return tostring({})", NULL, "a table has no text"},
	    {"return tostring(e)", NULL, "a userdata has no text"},
	    {"return tostring(math.floor)", NULL, "a function has no text"},
	    {"return string.format(\"%s\", {})", NULL, "a table has no text"},
	    {"return string.format(\"%p\", {})", NULL, "not allowed"},
	    {"return string.format(\"%a\", 1.5)", NULL, "not allowed"},
	    {"return string.format(\"%q\", \"x\")", NULL, "not allowed"},
	    {"return string.format(\"%999d\", 1)", NULL, "bad item"},
	    {"return string.format(\"%\")", NULL, "bad item"},
	    {"return {} .. \"\"", NULL, "concatenate a table"},
	    {"error({})", NULL, "string expected"},
	    {"error(\"mine\")", NULL, "line 10: mine"},
	    {"assert(false, \"mine\")", NULL, "mine"},
	};

	(void)state;
	TRY_ALL(trials);
}

static void
pairs_and_sort_have_one_order(void **state)
{
	static const struct trial trials[] = {
	    {"local t, s = { b = 1, a = 2, [3] = 1, [1] = 1, [true] = 1, c = 3 }, \"\" for k in pairs(t) do s = s .. tostring(k) .. \" \" end\n"
	     "return s == \"1 3 a b c true \" and \"ok\"",
		"ok", NULL},
	    {"for k in pairs({ [{}] = 1 }) do end return \"ok\"", NULL, "have an order"},
	    {"for k in pairs({ [{}] = 1, [print == nil] = 2 }) do end return \"ok\"", NULL, NULL},
	    {"for k in pairs(nil) do end return \"ok\"", NULL, "table expected"},
	    {"local t = { 3, 1, 2 } table.sort(t) return table.concat(t) == \"123\" and \"ok\"", "ok", NULL},
	    {"local t = { \"b1\", \"a1\", \"b2\", \"a2\", \"b3\" } table.sort(t, function(x, y) return x:sub(1, 1) < y:sub(1, 1) end)\n"
	     "return table.concat(t) == \"a1a2b1b2b3\" and \"ok\"",
		"ok", NULL},
	    {"local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function() return true end) return #t == 100 and \"ok\"", "ok", NULL},
	    {"local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 1000 end table.sort(t) for i = 2, 1000 do if t[i - 1] > t[i] then return \"odd\" "
	     "end end return \"ok\"",
		"ok", NULL},
	    {"table.sort({ 1, \"a\" }) return \"ok\"", NULL, "cannot compare"},
	};

	(void)state;
	TRY_ALL(trials);
}

static void
budgets_stop_what_runs_away(void **state)
{
	static const struct trial trials[] = {
	    {"while true do end", NULL, "budget of 200000 instructions"},
	    {"local function g() return g() end return g()", NULL, "instructions"},
	    {"local function g() return 1 + g() end return g()", NULL, "memory budget"},
	    {"local s = \"x\" while true do s = s .. s end", NULL, "memory budget"},
	    {"local t = {} while true do t[#t + 1] = 1 end", NULL, "memory budget"},
	    {"local t = {} while true do t = { t } end", NULL, "memory budget"},
	    {"return (\"x\"):rep(1000000000)", NULL, "string.rep: over"},
	    {"return (\"\"):rep(1000000000)", NULL, "string.rep: over"},
	    {"local s = (\"x\"):rep(16000) while true do s:upper() end", NULL, NULL},
	    {"local s = (\"ab\"):rep(8000) while true do s:find(\"b\" .. s) end", NULL, NULL},
	    {"local t = {} for i = 1, 5000 do t[i] = i end while true do table.sort(t, function(a, b) return a < b end) end", NULL, NULL},
	    {"local t = {} for i = 1, 5000 do t[i] = i end while true do for k in pairs(t) do break end end", NULL, NULL},
	    {"local t = {} for i = 1, 5000 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end", NULL, "instructions"},
	    {"while true do stats.binomial_tail(5000, 10000000, 2000) end", NULL, "instructions"},
	    {"local t = {} for i = 1, 20000 do t[i] = i end return \"ok\"", NULL, "memory budget"},
	    {"local t = {} for i = 1, 300 do t[i] = i end return table.unpack(t)", NULL, "more than 250"},
	    {"return string.byte((\"x\"):rep(16000), 1, -1)", NULL, NULL},
	    {"local t = {} for i = 1, 3000 do t[i] = i end return #t == 3000 and \"ok\"", "ok", NULL},
	};

	(void)state;
	TRY_ALL(trials);
}

static void
what_evaluate_returns_is_checked(void **state)
{
	static const struct trial trials[] = {
	    {"return \"yes\", { n = 1, s = \"t\", b = true, x = 0.5 }", "yes", NULL},
	    {"return \"nope\"", NULL, "\"nope\", which is not among outcomes"},
	    {"return", NULL, "nil instead of an outcome"},
	    {"return 1", NULL, "a number instead of an outcome"},
	    {"return \"yes\", 5", NULL, "table of values"},
	    {"return \"yes\", p", NULL, "table of values"},
	    {"return \"yes\", { 1 }", NULL, "values are named"},
	    {"return \"yes\", { n = {} }", NULL, "value n must be"},
	    {"return \"yes\", { n = 0/0 }", NULL, "value n is not finite"},
	    {"return \"yes\", { n = 1/0 }", NULL, "value n is not finite"},
	    {"return \"yes\", { n = \"\\xff\" }", NULL, "value n is not UTF-8"},
	    {"return \"yes\", { [\"\\xff\"] = 1 }", NULL, "bad name"},
	    {"return \"yes\", { n = (\"x\"):rep(1025) }", NULL, "value n is too long"},
	    {"return \"yes\", { a=1, b=1, c=1, d=1, e=1, f=1, g=1, h=1, i=1, j=1, k=1, l=1, m=1, n=1, o=1, p=1, q=1 }", NULL, "too many"},
	};

	(void)state;
	TRY_ALL(trials);
}

static void
values_come_back_sorted_with_their_kinds(void **state)
{
	const char *text = RULE("return \"yes\", { z = 1, a = \"s\", m = 0.5, b = true, y = 2.0 }");
	struct rule *ru = rule_of(text);
	struct slice source = slice_str(text);
	const struct rule *rules = ru;
	struct answers an = {.a = text_value("A")};
	struct rule_input in = input_of(&an);
	struct rule_vm *vm;
	struct rule_result re;
	struct err err;

	(void)state;
	assert_non_null(ru);
	assert_int_equal(rule_vm_new(&vm, &rules, &source, 1, &err), 0);
	assert_int_equal(rule_vm_eval(vm, 0, &in, &re), 0);
	assert_int_equal(re.n_values, 5);
	assert_true(slice_eq_str(re.values[0].name, "a") && slice_eq_str(re.values[0].value.s, "s"));
	assert_true(slice_eq_str(re.values[1].name, "b") && re.values[1].value.kind == VALUE_BOOLEAN && re.values[1].value.i == 1);
	assert_true(slice_eq_str(re.values[2].name, "m") && re.values[2].value.kind == VALUE_NUMBER);
	assert_true(slice_eq_str(re.values[3].name, "y") && re.values[3].value.kind == VALUE_NUMBER);
	assert_true(slice_eq_str(re.values[4].name, "z") && re.values[4].value.kind == VALUE_INTEGER && re.values[4].value.i == 1);
	an.a = (struct value){0};
	assert_int_equal(rule_vm_eval(vm, 0, &in, &re), 0);
	assert_int_equal(re.class, OUTCOME_UNKNOWN);
	assert_int_equal(re.outcome, -1);
	assert_string_equal(re.error, "a is missing");
	rule_vm_free(vm);
	rule_free(ru);
}

/* A rule has no memory: what a call does to outer locals is gone before the next. */
static void
a_call_leaves_nothing_behind(void **state)
{
	static const char *const heads[] = {"local n = 0 ", "local t = { list = { 1 } } local n = 0 ",
	    "local n = 0 local function count() n = n + 1 return n end ", "local n = 0 local o = { count = function() n = n + 1 return n end } "};
	static const struct trial bodies[] = {
	    {"n = n + 1 return n == 1 and \"ok\"", "ok", NULL},
	    {"if t.list[1] ~= 1 then return \"odd\" end t = nil n = n + 1 return n == 1 and \"ok\"", "ok", NULL},
	    {"return count() == 1 and \"ok\"", "ok", NULL},
	    {"return o.count() == 1 and \"ok\"", "ok", NULL},
	};
	static const struct {
		const char *head, *body, *says;
	} refused[] = {
	    {"local t = {} ", "t.x = 1 return \"ok\"", "may not write"},
	    {"local t = { a = {} } ", "t.a.b = 1 return \"ok\"", "may not write"},
	    {"local t = { 1, 2 } ", "table.insert(t, 3) return \"ok\"", "table expected"},
	    {"local it = pairs({ 1, 2 }) ", "it() return \"ok\"", "iterator of pairs"},
	};
	char text[8192];

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		(void)snprintf(text, sizeof text, "%s%s%s%s", heads[i], RULE_HEAD, bodies[i].body, RULE_TAIL);
		try(text, heads[i], bodies[i].outcome, NULL);
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		(void)snprintf(text, sizeof text, "%s%s%s%s", refused[i].head, RULE_HEAD, refused[i].body, RULE_TAIL);
		try(text, refused[i].head, NULL, refused[i].says);
	}
	(void)snprintf(text, sizeof text,
	    "local t = { \"x\", \"y\", k = 1 } %slocal s = #t for k, v in pairs(t) do s = s .. k end return s == \"212k\" and \"ok\"%s", RULE_HEAD,
	    RULE_TAIL);
	try(text, "frozen tables are read like tables", "ok", NULL);
}

/* The memory budget falls at the same number of steps whatever ran before in the same state. */
static void
the_memory_limit_does_not_depend_on_history(void **state)
{
	const char *texts[2] = {RULE("if e.id then end local t = {} for i = 1, f.c.n do t[i] = \"string number \" .. i end return \"ok\""),
	    RULE("if e.id then end local t = {} for i = 1, f.c.n do t[i] = { tostring(i) .. \" other\" } end return \"ok\"")};
	struct rule *ru = rule_of(texts[0]);
	const struct rule *rules[2] = {ru, ru};
	struct slice sources[2] = {slice_str(texts[0]), slice_str(texts[1])};
	struct answers an = {.a = text_value("A")};
	struct rule_input in = input_of(&an);
	struct rule_result re;
	struct err err;
	int64_t limit[6];

	(void)state;
	assert_non_null(ru);
	for (int round = 0; round < 6; round++) {
		int64_t low = 0, high = 40000;
		struct rule_vm *vm;

		assert_int_equal(rule_vm_new(&vm, rules, sources, 2, &err), 0);
		for (int i = 0; i < round * 40; i++) { /* some history */
			an.n = 50 * round + 13 * i;
			in.id = next_id();
			assert_int_equal(rule_vm_eval(vm, (size_t)(i % 2), &in, &re), 0);
		}
		while (high - low > 1) {
			an.n = (low + high) / 2;
			in.id = next_id();
			assert_int_equal(rule_vm_eval(vm, 0, &in, &re), 0);
			if (re.class == OUTCOME_ERROR)
				high = an.n;
			else
				low = an.n;
		}
		limit[round] = low;
		rule_vm_free(vm);
		assert_true(low > 100);
		assert_int_equal(limit[0], limit[round]);
	}
	rule_free(ru);
}

static void
a_broken_rule_does_not_touch_the_others(void **state)
{
	const char *texts[2] = {RULE("local s = \"x\" while true do s = s .. \"y\" end"), RULE("return e.id and f.c.n == 7 and \"ok\"")};
	struct rule *ru = rule_of(texts[0]);
	const struct rule *rules[2] = {ru, ru};
	struct slice sources[2] = {slice_str(texts[0]), slice_str(texts[1])};
	struct answers an = {.a = text_value("A"), .n = 7};
	struct rule_input in = input_of(&an);
	struct rule_result re;
	struct rule_vm *vm;
	struct err err;

	(void)state;
	assert_non_null(ru);
	assert_int_equal(rule_vm_new(&vm, rules, sources, 2, &err), 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(rule_vm_eval(vm, 0, &in, &re), 0);
		assert_int_equal(re.class, OUTCOME_ERROR);
		in.id = next_id();
		assert_int_equal(rule_vm_eval(vm, 1, &in, &re), 0);
		assert_int_equal(re.class, OUTCOME_CLEAR);
	}
	rule_vm_free(vm);
	rule_free(ru);
}

static void
bytecode_is_refused(void **state)
{
	struct findings fi = {0};
	struct err err;

	(void)state;
	assert_null(rule_load(slice_str("x.lua"), slice_of("\x1bLua\x54\x00", 6), NULL, NULL, 0, &fi, &err));
	assert_true(fi.errors > 0);
	assert_non_null(strstr(fi.v[0].text, "binary"));
	findings_free(&fi);
}

static void
a_file_that_runs_away_while_loading_is_stopped(void **state)
{
	static const char *const texts[] = {"while true do end", "local s = \"x\" while true do s = s .. s end",
	    "local function f() return 1 + f() end return f()", "local t = {} for i = 1, 200000 do t[i] = i end return t",
	    "local t = {} t.t = t return t", "return { [1.5] = 1 }", "return { [{}] = 1 }", "return 5", "", "return { ", "return {}"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct findings fi = {0};
		struct err err = {0};

		assert_null(rule_load(slice_str("x.lua"), slice_str(texts[i]), NULL, NULL, 0, &fi, &err));
		assert_int_equal(err.code, ERR_CHECKED);
		assert_true(fi.errors > 0);
		findings_free(&fi);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(absent_globals_are_errors),
	    cmocka_unit_test(absent_members_are_errors),
	    cmocka_unit_test(allowed_functions_work),
	    cmocka_unit_test(everything_but_own_tables_is_read_only),
	    cmocka_unit_test(misread_names_are_errors),
	    cmocka_unit_test(addresses_never_show),
	    cmocka_unit_test(pairs_and_sort_have_one_order),
	    cmocka_unit_test(budgets_stop_what_runs_away),
	    cmocka_unit_test(what_evaluate_returns_is_checked),
	    cmocka_unit_test(values_come_back_sorted_with_their_kinds),
	    cmocka_unit_test(a_call_leaves_nothing_behind),
	    cmocka_unit_test(the_memory_limit_does_not_depend_on_history),
	    cmocka_unit_test(a_broken_rule_does_not_touch_the_others),
	    cmocka_unit_test(bytecode_is_refused),
	    cmocka_unit_test(a_file_that_runs_away_while_loading_is_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
