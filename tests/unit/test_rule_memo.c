/* Rules whose answers come from memory: in place of which calls, and that over random rules and inputs a VM that remembers says what
 * one made anew for each call says.
 *
 * usage: test_rule_memo [--seed N] */
#include "tests/unit/rules.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* What there is to read, from pools in which things look alike; each read is counted. */
struct world {
	struct value fields[2], features[3][ATTR_COUNT];
	unsigned items, reads;
	char text[5000];
};

static struct value
world_field(void *ctx, unsigned field)
{
	struct world *wo = ctx;

	wo->reads++;
	return wo->fields[field];
}

static struct value
world_feature(void *ctx, unsigned feature, enum feature_attr attr)
{
	struct world *wo = ctx;

	wo->reads++;
	return wo->features[feature][attr];
}

static unsigned
world_items(void *ctx, unsigned feature)
{
	struct world *wo = ctx;

	(void)feature;
	wo->reads++;
	return wo->items;
}

static struct rule_input
world_input(struct world *wo)
{
	return (struct rule_input){.ctx = wo,
	    .field = world_field,
	    .type = slice_str("a.b"),
	    .source = slice_str("/s"),
	    .id = slice_str("1"),
	    .time = {1710892800, 0},
	    .feature = world_feature,
	    .items = world_items,
	    .item = answer_item};
}

/* A VM of one rule with the declarations of RULE; the lint does not see its text. */
static struct rule_vm *
vm_of(const struct rule *const *ru, const char *text)
{
	struct slice source = slice_str(text);
	struct rule_vm *vm = NULL;
	struct err err = {0};

	if (rule_vm_new(&vm, ru, &source, 1, &err) != 0)
		fail_msg("%s in\n%s", err.text, text);
	return vm;
}

static void
expect(struct rule_vm *vm, struct world *wo, const char *outcome, unsigned reads)
{
	struct rule_input in = world_input(wo);
	struct rule_result re;

	wo->reads = 0;
	assert_int_equal(rule_vm_eval(vm, 0, &in, &re), 0);
	if (outcome == NULL)
		assert_int_equal(re.class, OUTCOME_ERROR);
	else
		assert_int_equal(re.outcome, strcmp(outcome, "ok") == 0 ? 1 : strcmp(outcome, "yes") == 0 ? 2 : 0);
	assert_int_equal(wo->reads, reads);
}

/* e.a is needed: it is read before each call. Lua reads f.c.n as often as it is written. */
static void
a_rule_is_not_run_for_what_it_read_before(void **state)
{
	const char *text = RULE("local n = f.c.n + f.c.n + f.c.n if n > 5 then return \"yes\", { n = n, a = e.a } end return \"ok\"");
	struct rule *ru = rule_of(text);
	const struct rule *rules = ru;
	struct rule_vm *vm;
	struct world wo = {.fields = {text_value("A")}};
	struct rule_input in = world_input(&wo);
	struct rule_result re;

	(void)state;
	assert_non_null(ru);
	assert_string_equal(ru->outcomes[1].code, "ok");
	assert_string_equal(ru->outcomes[2].code, "yes");
	vm = vm_of(&rules, text);
	wo.features[0][ATTR_N] = (struct value){.kind = VALUE_INTEGER, .i = 1};
	expect(vm, &wo, "ok", 1 + 3);
	expect(vm, &wo, "ok", 1 + 1);
	wo.features[0][ATTR_N].i = 2;
	expect(vm, &wo, "yes", 1 + 1 + 4); /* a look, and a call */
	expect(vm, &wo, "yes", 1 + 2);
	assert_int_equal(rule_vm_eval(vm, 0, &in, &re), 0);
	assert_int_equal(re.n_values, 2);
	assert_true(slice_eq_str(re.values[0].name, "a") && slice_eq_str(re.values[0].value.s, "A"));
	assert_true(slice_eq_str(re.values[1].name, "n") && re.values[1].value.kind == VALUE_INTEGER && re.values[1].value.i == 6);
	wo.fields[0] = text_value("B");
	expect(vm, &wo, "yes", 1 + 2 + 4);
	wo.features[0][ATTR_N].i = 1; /* e.a is not read then */
	expect(vm, &wo, "ok", 1 + 1);
	wo.fields[0] = (struct value){0};
	assert_int_equal(rule_vm_eval(vm, 0, &in, &re), 0);
	assert_int_equal(re.outcome, -1);
	assert_string_equal(re.error, "a is missing");
	rule_vm_free(vm);
	rule_free(ru);
}

static void
errors_and_items_are_not_answered_from_memory(void **state)
{
	static const struct {
		const char *body, *outcome;
		unsigned reads; /* of each call, beside the needed one */
	} all[] = {
	    {"if f.c.n + e.b > 0 then return \"ok\" end", NULL, 2},
	    {"return \"what\" .. f.c.n", NULL, 1},
	    {"for i = 1, 1000000 * f.c.n do end return \"ok\"", NULL, 2}, /* and once more in a state of its own */
	    {"return #f.w.items + f.c.n > 1 and \"ok\" or \"odd\"", "ok", 2},
	    {"return f.c.n > 0 and f.w.items[1].key == \"k0\" and \"ok\"", "ok", 2},
	    {"local n = f.c.n for i, it in ipairs(f.w.items) do n = n + i end return n == 4 and \"ok\"", "ok", 4},
	};
	struct rule *ru = rule_of(RULE("return \"ok\""));
	const struct rule *rules = ru;
	char text[4096];

	(void)state;
	assert_non_null(ru);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct world wo = {.fields = {text_value("A")}, .items = 2};
		struct rule_vm *vm;

		(void)snprintf(text, sizeof text, "%s%s%s", RULE_HEAD, all[i].body, RULE_TAIL);
		vm = vm_of(&rules, text);
		wo.features[0][ATTR_N] = (struct value){.kind = VALUE_INTEGER, .i = 1};
		for (int call = 0; call < 3; call++)
			expect(vm, &wo, all[i].outcome, 1 + all[i].reads + (strstr(all[i].body, "1000000") != NULL));
		rule_vm_free(vm);
	}
	rule_free(ru);
}

/* Random rules: nested ifs over whatever can be read. */
struct writer {
	uint64_t random;
	struct buf text;
};

static unsigned
pick(struct writer *wr, unsigned n)
{
	return (unsigned)(scratch_random(&wr->random) >> 20) % n;
}

static void
write_read(struct writer *wr)
{
	static const char *const all[] = {"e.a", "e.b", "e.a", "e.b", "e.type", "e.source", "e.id", "e.time", "f.c.n", "f.c.n", "f.c.contested",
	    "f.s.n", "f.s.value", "f.s.mine", "f.s.total", "f.s.share", "f.s.rank", "f.s.mean", "f.w.n", "f.w.contested", "p.k", "p.span", "n",
	    "#f.w.items", "(f.w.items[2] or {}).key"};

	buf_add_str(&wr->text, all[pick(wr, sizeof all / sizeof all[0])]);
}

static void
write_condition(struct writer *wr)
{
	static const char *const behind[] = {" == 1", " == \"A\"", " ~= nil", " == 0", " and true", " == true", " == \"\"", " == 1.0"};
	static const char *const around[][2] = {{"(", " or 0) > 1"}, {"type(", ") == \"string\""}, {"type(", ") == \"number\""},
	    {"#(", " or \"\") > 3"}, {"1 / (", " or 1) < 0"}, {"tostring(", ") == \"1\""}, {"tostring(", ") == \"nan\""}};
	unsigned i = pick(wr, 15);

	buf_add_str(&wr->text, i < 8 ? "" : around[i - 8][0]);
	write_read(wr);
	buf_add_str(&wr->text, i < 8 ? behind[i] : around[i - 8][1]);
}

static void
write_return(struct writer *wr)
{
	static const char *const outcomes[] = {"ok", "yes", "odd", "ok", "yes", "yes", "yes", "what"};
	unsigned n = pick(wr, 4);

	buf_printf(&wr->text, "return \"%s\", {", outcomes[pick(wr, 8)]);
	for (unsigned i = 0; i < n; i++) {
		buf_printf(&wr->text, " v%u = ", i);
		write_read(wr);
		buf_add_str(&wr->text, ",");
	}
	buf_add_str(&wr->text, " }\n");
}

static void
write_body(struct writer *wr, unsigned depth)
{
	static const char *const work[] = {"n = n + 1 ", "for i = 1, 3 do n = n + (f.c.n or 1) end ", "for i = 1, 6000 do n = n + 1 end ",
	    "local t = { e.b, e.b } ", "if e.b == nil then error(\"no b\") end "};

	if (pick(wr, 6) == 0)
		buf_add_str(&wr->text, work[pick(wr, 5)]);
	if (depth == 0 || pick(wr, 5) == 0) {
		write_return(wr);
		return;
	}
	buf_add_str(&wr->text, "if ");
	write_condition(wr);
	buf_add_str(&wr->text, pick(wr, 2) == 0 ? " and " : " or ");
	write_condition(wr);
	buf_add_str(&wr->text, " then\n");
	write_body(wr, depth - 1);
	buf_add_str(&wr->text, "else\n");
	write_body(wr, depth - 1);
	buf_add_str(&wr->text, "end\n");
}

static struct value
any_value(struct writer *wr, struct world *wo)
{
	struct value v = {0};

	switch (pick(wr, 12)) {
	case 0:
		break;
	case 1:
	case 2:
		v = text_value(pick(wr, 2) == 0 ? "A" : "1");
		break;
	case 3:
		v = (struct value){.kind = VALUE_STRING, .s = slice_of(wo->text, pick(wr, 2) == 0 ? 0 : sizeof wo->text - pick(wr, 2))};
		break;
	case 4:
		v = (struct value){.kind = VALUE_BOOLEAN, .i = pick(wr, 2)};
		break;
	case 5:
		v = (struct value){.kind = VALUE_DECIMAL, .i = pick(wr, 2) == 0 ? 10 : 1, .scale = pick(wr, 2)};
		break;
	case 6:
		v = (struct value){.kind = VALUE_INSTANT, .t = {pick(wr, 2), pick(wr, 2)}};
		break;
	case 7: {
		static const double numbers[] = {0.0, -0.0, 1.0, NAN, INFINITY, 0.5};

		v = (struct value){.kind = VALUE_NUMBER, .d = numbers[pick(wr, 6)]};
		break;
	}
	default:
		v = (struct value){.kind = VALUE_INTEGER, .i = pick(wr, 3)};
		break;
	}
	return v;
}

static bool
same_result(const struct rule_result *a, const struct rule_result *b)
{
	bool same = a->class == b->class && a->outcome == b->outcome && a->n_values == b->n_values && (a->error == NULL) == (b->error == NULL) &&
		    (a->error == NULL || strcmp(a->error, b->error) == 0);
	struct buf x = {0}, y = {0};

	for (unsigned i = 0; i < a->n_values && same; i++) {
		buf_clear(&x);
		buf_clear(&y);
		value_encode(&x, &a->values[i].value);
		value_encode(&y, &b->values[i].value);
		same = slice_eq(a->values[i].name, b->values[i].name) && slice_eq(buf_slice(&x), buf_slice(&y));
	}
	buf_free(&x);
	buf_free(&y);
	return same;
}

static uint64_t seed = 1;

/* Each call also goes to a VM that has seen nothing before. */
static void
what_memory_says_is_what_lua_says(void **state)
{
	struct rule *ru = rule_of(RULE("return \"ok\""));
	const struct rule *rules = ru;
	static struct world wo;
	unsigned classes[4] = {0};

	(void)state;
	assert_non_null(ru);
	printf("random rules: seed %llu\n", (unsigned long long)seed);
	memset(wo.text, 'x', sizeof wo.text);
	for (unsigned r = 0; r < 30; r++) {
		struct writer wr = {.random = seed * 1000 + r};
		struct rule_vm *vm;

		buf_add_str(&wr.text, "local n = 0 " RULE_HEAD);
		write_body(&wr, 3);
		buf_add_str(&wr.text, RULE_TAIL);
		buf_add_u8(&wr.text, 0);
		vm = vm_of(&rules, wr.text.p);
		for (unsigned call = 0; call < 150; call++) {
			struct rule_input in = world_input(&wo);
			struct rule_vm *anew = vm_of(&rules, wr.text.p);
			struct rule_result kept, said;

			for (unsigned i = 0; i < 2; i++)
				if (call == 0 || pick(&wr, 3) == 0)
					wo.fields[i] = any_value(&wr, &wo);
			for (unsigned f = 0; f < 3; f++)
				for (unsigned a = 0; a < ATTR_COUNT; a++)
					if (call == 0 || pick(&wr, 6) == 0)
						wo.features[f][a] = any_value(&wr, &wo);
			wo.items = pick(&wr, 3);
			in.type = slice_str(pick(&wr, 2) == 0 ? "a.b" : "A");
			in.time = (struct instant){pick(&wr, 3), pick(&wr, 2)};
			assert_int_equal(rule_vm_eval(vm, 0, &in, &kept), 0);
			assert_int_equal(rule_vm_eval(anew, 0, &in, &said), 0);
			if (!same_result(&kept, &said))
				fail_msg("seed %llu, rule %u, call %u: class %d, outcome %d, %u values, %s instead of class %d, outcome %d, %u "
					 "values, %s in\n%s",
				    (unsigned long long)seed, r, call, (int)kept.class, kept.outcome, kept.n_values, kept.error, (int)said.class,
				    said.outcome, said.n_values, said.error, wr.text.p);
			classes[said.class]++;
			rule_vm_free(anew);
		}
		rule_vm_free(vm);
		buf_free(&wr.text);
	}
	for (int i = 0; i < 4; i++)
		assert_true(classes[i] > 50);
	rule_free(ru);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_rule_is_not_run_for_what_it_read_before),
	    cmocka_unit_test(errors_and_items_are_not_answered_from_memory),
	    cmocka_unit_test(what_memory_says_is_what_lua_says),
	};

	if (argc == 3 && strcmp(argv[1], "--seed") == 0)
		seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
