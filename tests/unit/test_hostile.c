/* Rules written by an enemy: tests/unit/hostile/CLASS.lua, each a list of scripts with what must come of them. Every script
 * runs beside a healthy rule, in fresh states and in states that all the others have been through; what comes of it is one
 * text, which may not change, and the healthy rule may not notice.
 *
 *   --- KIND EXPECTED        the lines up to the next such line are the script
 *   KIND      body: of evaluate | head: before the rule's `return`, then a line "-- evaluate:" and the body
 *             file: the whole text | check: the body of check(p)
 *   EXPECTED  instructions | memory | error TEXT: the outcome is an error that says TEXT | ok: the outcome "ok"
 *             refused TEXT: the file does not load, neither for `dideban check` nor for the engine, and TEXT says why
 *   {N:TEXT} in a script stands for TEXT N times. */
#include "state/base/utf8.h"
#include "tests/unit/rules.h"
#include "tests/unit/scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define SCRIPTS_AT_LEAST 200
#define SCRIPTS_MAX 1000
#define FOLDER SOURCE_DIR "/tests/unit/hostile"
/* Processor time of one call, and of loading one file: the budgets alone must keep them. Here 0.2 s and 0.9 s at most (2026-11). */
#ifdef __SANITIZE_ADDRESS__
#define EVAL_SECONDS 15
#define LOAD_SECONDS 40
#else
#define EVAL_SECONDS 1.5
#define LOAD_SECONDS 5
#endif

struct script {
	char *name; /* CLASS.lua:LINE */
	char *kind, *expected;
	char *text;     /* the rule file */
	char *restless; /* the same, so that each call runs */
};

static struct {
	struct script v[SCRIPTS_MAX];
	size_t n, n_classes;
	struct rule *plain; /* the declarations that all scripts share, so that the lint does not stand before the sandbox */
} all;

/* What a rule can see of its surroundings, in one text, after it has used them. */
static const char healthy[] =
    RULE("local s = \"\" for lib, members in pairs({ b = _ENV, s = string, t = table, m = math, u = utf8, c = calendar, x = stats }) do\n"
	 "  s = s .. lib .. \"(\" for k, v in pairs(members) do s = s .. k:sub(1, 4) .. type(v):sub(1, 1) .. \" \" end s = s .. \")\" end\n"
	 "local t = { 3, 1, 2 } table.sort(t)\n"
	 "if table.concat(t) ~= \"123\" or (\"a\"):upper() ~= \"A\" or math.max(1, 2) ~= 2 or #f.w.items ~= 3 then return \"odd\" end\n"
	 "if tostring(1.5) ~= \"1.5\" or e.a ~= \"A\" or p.k ~= 3 or f.c.n ~= 7 or utf8.len(\"\\u{633}\") ~= 1 then return \"odd\" end\n"
	 "return \"yes\", { around = s, sum = f.c.n + #s }");

/* --- reading the scripts ----------------------------------------------------------------------------------------- */

static void
expand(struct buf *b, const char *p, const char *end)
{
	while (p < end) {
		char *colon;
		const char *close;
		unsigned long n;

		if (*p == '{' && p + 1 < end && p[1] >= '0' && p[1] <= '9' && (n = strtoul(p + 1, &colon, 10)) != 0 && *colon == ':' &&
		    (close = memchr(colon, '}', (size_t)(end - colon))) != NULL) {
			while (n-- > 0)
				buf_add(b, colon + 1, (size_t)(close - colon - 1));
			p = close + 1;
			continue;
		}
		buf_add_u8(b, (uint8_t)*p++);
	}
}

static char *
text_of(struct buf *b)
{
	buf_add_u8(b, 0);
	assert_true(buf_ok(b));
	return b->p;
}

/* The rule file around the script. */
static char *
rule_file(const char *kind, const char *p, const char *end)
{
	static const char mark[] = "-- evaluate:\n";
	struct buf b = {.max = 2 * MIB};
	const char *body;

	if (strcmp(kind, "file") == 0) {
		expand(&b, p, end);
		return text_of(&b);
	}
	if (strcmp(kind, "head") == 0) {
		body = memmem(p, (size_t)(end - p), mark, strlen(mark));
		assert_non_null(body);
		expand(&b, p, body);
		p = body + strlen(mark);
	}
	buf_add_str(&b, RULE_HEAD);
	if (strcmp(kind, "check") == 0)
		buf_add_str(&b, "return \"ok\" end, check = function(p)\n");
	expand(&b, p, end);
	buf_add_str(&b, RULE_TAIL);
	return text_of(&b);
}

static void
read_class(const char *file)
{
	char path[1024], *text = malloc(MIB), *p;
	unsigned line = 1;
	size_t n;

	assert_non_null(text);
	(void)snprintf(path, sizeof path, "%s/%s", FOLDER, file);
	n = scratch_read(path, text, MIB - 1);
	text[n] = '\0';
	all.n_classes++;
	for (p = text; *p != '\0';) {
		struct script *sc = &all.v[all.n];
		char *eol = strchr(p, '\n'), *end = strstr(p, "\n---"), name[300], *space;

		assert_true(all.n < SCRIPTS_MAX);
		assert_non_null(eol);
		*eol = '\0';
		space = strncmp(p, "--- ", 4) == 0 ? strchr(p + 4, ' ') : NULL;
		if (space == NULL)
			fail_msg("%s:%u: no script begins here: %s", file, line, p);
		(void)snprintf(name, sizeof name, "%s:%u", file, line);
		end = end == NULL ? text + n : end + 1;
		sc->name = strdup(name);
		sc->kind = strndup(p + 4, (size_t)(space - p - 4));
		sc->expected = strdup(space + 1);
		sc->text = rule_file(sc->kind, eol + 1, end);
		sc->restless = restless(sc->text);
		assert_non_null(sc->restless);
		all.n++;
		line++;
		for (p = eol + 1; p < end; p++)
			line += *p == '\n';
	}
	free(text);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
setup(void **state)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	char *files[64];
	size_t n = 0;

	(void)state;
	while (dir != NULL && n < 64 && (entry = readdir(dir)) != NULL)
		if (strstr(entry->d_name, ".lua") != NULL)
			files[n++] = strdup(entry->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	qsort(files, n, sizeof files[0], by_name);
	for (size_t i = 0; i < n; i++) {
		read_class(files[i]);
		free(files[i]);
	}
	all.plain = rule_of(RULE("return \"ok\""));
	return all.plain == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		free(all.v[i].name);
		free(all.v[i].kind);
		free(all.v[i].expected);
		free(all.v[i].text);
		free(all.v[i].restless);
	}
	rule_free(all.plain);
	return 0;
}

/* --- running them ------------------------------------------------------------------------------------------------ */

static double
cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* So that one run shows all that is wrong. */
static unsigned complaints;
#define COMPLAIN(...) (complaints++, print_error(__VA_ARGS__))

static void
no_complaints(void)
{
	unsigned n = complaints;

	complaints = 0;
	if (n != 0)
		fail_msg("%u scripts were not stopped as they must be", n);
}

static double slowest;
static const char *slowest_name = "-";

static void
took(const char *name, double seconds, double max)
{
	if (seconds > slowest) {
		slowest = seconds;
		slowest_name = name;
	}
	if (getenv("DIDEBAN_HOSTILE_TIMES") != NULL)
		(void)printf("%8.1f ms %s\n", seconds * 1e3, name);
	if (seconds > max)
		COMPLAIN("%s: ran for %.1f s\n", name, seconds);
}

/* What is told of a rule stands in logs and on terminals. */
static void
assert_clean(const char *text)
{
	char *clean = strdup(text);

	utf8_clean(clean);
	assert_string_equal(clean, text);
	free(clean);
}

/* What came of an evaluation, as text; the caller frees it. */
static char *
told(const struct rule_result *re)
{
	struct buf b = {.max = MIB};

	buf_printf(&b, "%s%s", re->error != NULL ? "error: " : all.plain->outcomes[re->outcome].code, re->error == NULL ? "" : re->error);
	if (re->error != NULL)
		assert_clean(re->error);
	for (unsigned i = 0; i < re->n_values; i++) {
		buf_printf(&b, " %.*s=", SLICE_ARG(re->values[i].name));
		value_json(&b, &re->values[i].value);
	}
	return text_of(&b);
}

/* Same text, or the first one is kept. Frees `now`. */
static void
same(char **first, char *now, const char *name)
{
	if (*first == NULL) {
		*first = now;
		return;
	}
	if (strcmp(*first, now) != 0)
		COMPLAIN("%s: first \"%s\", then \"%s\"\n", name, *first, now);
	free(now);
}

static struct answers answers;

static char *
evaluate(struct rule_vm *vm, size_t rule, const char *name)
{
	struct rule_input in;
	struct rule_result re;
	double begin = cpu_seconds();

	answers = (struct answers){.a = text_value("A"), .n = 7, .items = 3};
	in = input_of(&answers);
	in.id = next_id();
	rule_vm_eval(vm, rule, &in, &re);
	took(name, cpu_seconds() - begin, EVAL_SECONDS);
	return told(&re);
}

/* A state with the script as rule 0 and the healthy rule as 1; NULL, and the reason in *err, if it does not load. */
static struct rule_vm *
pair_of(const struct script *sc, struct err *err)
{
	const struct rule *rules[2] = {all.plain, all.plain};
	struct slice texts[2] = {slice_str(sc->restless), slice_str(healthy)};
	struct rule_vm *vm = NULL;
	double begin = cpu_seconds();
	int rc = rule_vm_new(&vm, rules, texts, 2, err);

	took(sc->name, cpu_seconds() - begin, LOAD_SECONDS);
	return rc == 0 ? vm : NULL;
}

static char *
healthy_alone(void)
{
	const struct rule *rule = all.plain;
	struct slice text = slice_str(healthy);
	struct rule_vm *vm = NULL;
	struct err err = {0};
	char *ret;

	assert_int_equal(rule_vm_new(&vm, &rule, &text, 1, &err), 0);
	ret = evaluate(vm, 0, "healthy");
	if (strncmp(ret, "yes around=", 11) != 0)
		fail_msg("the healthy rule: %s", ret);
	rule_vm_free(vm);
	return ret;
}

static void
check_outcome(const struct script *sc, const char *result, bool loaded)
{
	const char *ex = sc->expected;
	bool refused = strncmp(ex, "refused ", 8) == 0;
	bool error = loaded && strncmp(result, "error: ", 7) == 0, good = false;

	if (refused && strcmp(sc->kind, "file") == 0) /* of a whole file, the loader says more: below */
		return;
	if (refused)
		good = !loaded && strstr(result, ex + 8) != NULL;
	else if (strcmp(ex, "instructions") == 0)
		good = error && strstr(result, "over the budget of 200000 instructions") != NULL;
	else if (strcmp(ex, "memory") == 0)
		good = error && strstr(result, "over the memory budget") != NULL;
	else if (strncmp(ex, "error ", 6) == 0)
		good = error && strstr(result, ex + 6) != NULL;
	else if (strcmp(ex, "ok") == 0)
		good = loaded && strcmp(result, "ok") == 0;
	if (!good)
		COMPLAIN("%s: wanted %s, got %s: %s\n", sc->name, ex, loaded ? "" : "a refusal", result);
}

static void
there_are_enough_and_no_two_are_the_same(void **state)
{
	(void)state;
	assert_true(all.n >= SCRIPTS_AT_LEAST);
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = i + 1; k < all.n; k++)
			if (strcmp(all.v[i].text, all.v[k].text) == 0)
				fail_msg("%s is %s once more", all.v[k].name, all.v[i].name);
	(void)printf("sets: %zu hostile scripts of %zu classes\n", all.n, all.n_classes);
}

/* Fresh states: each script thrice in each of two, between calls of the healthy rule. */
static void
each_ends_as_it_must_and_the_rule_beside_it_does_not_notice(void **state)
{
	char *calm = healthy_alone();

	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		const struct script *sc = &all.v[i];
		char *first = NULL;
		bool loaded = true;

		if (strcmp(sc->kind, "check") == 0)
			continue; /* check(p) is the loader's: below */
		for (int round = 0; round < 2; round++) {
			struct err err = {0};
			struct rule_vm *vm = pair_of(sc, &err);

			if (vm == NULL) {
				loaded = false;
				same(&first, strdup(err.text), sc->name);
				continue;
			}
			same(&calm, evaluate(vm, 1, "healthy"), sc->name);
			for (int call = 0; call < 3; call++) {
				same(&first, evaluate(vm, 0, sc->name), sc->name);
				same(&calm, evaluate(vm, 1, "healthy"), sc->name);
			}
			rule_vm_free(vm);
		}
		check_outcome(sc, first, loaded);
		free(first);
	}
	free(calm);
	no_complaints();
	(void)printf("sets: slowest call %.0f ms, %s\n", slowest * 1e3, slowest_name);
}

/* One state that holds them all: forwards and backwards, what each one does is what it did alone. */
static void
nothing_is_left_behind_for_those_that_come_after(void **state)
{
	const struct rule **rules = calloc(all.n + 1, sizeof *rules);
	struct slice *texts = calloc(all.n + 1, sizeof *texts);
	const struct script **scripts = calloc(all.n + 1, sizeof *scripts);
	char **alone = calloc(all.n + 1, sizeof *alone);
	char *calm = healthy_alone();
	struct rule_vm *vm = NULL;
	struct err err = {0};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		const struct script *sc = &all.v[i];

		vm = strcmp(sc->kind, "check") == 0 ? NULL : pair_of(sc, &err);
		if (vm == NULL)
			continue;
		alone[n] = evaluate(vm, 0, sc->name);
		rules[n] = all.plain;
		texts[n] = slice_str(sc->restless);
		scripts[n++] = sc;
		rule_vm_free(vm);
	}
	rules[n] = all.plain;
	texts[n] = slice_str(healthy);
	assert_int_equal(rule_vm_new(&vm, rules, texts, n + 1, &err), 0);
	for (size_t i = 0; i < 2 * n; i++) {
		size_t at = i < n ? i : 2 * n - 1 - i;

		same(&alone[at], evaluate(vm, at, scripts[at]->name), scripts[at]->name);
		same(&calm, evaluate(vm, n, "healthy"), scripts[at]->name);
	}
	rule_vm_free(vm);
	for (size_t i = 0; i < n; i++)
		free(alone[i]);
	free(alone);
	free(scripts);
	free(rules);
	free(texts);
	free(calm);
	no_complaints();
}

/* The loader, as `dideban check` uses it: it says the same thing twice, and what is refused is refused here too. */
static void
the_loader_withstands_them_and_says_the_same_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++) {
		const struct script *sc = &all.v[i];
		bool refused = strncmp(sc->expected, "refused ", 8) == 0 && strcmp(sc->kind, "head") != 0; /* those are the VM's */
		char *first = NULL;

		for (int round = 0; round < 2; round++) {
			struct buf b = {.max = 4 * MIB};
			struct findings fi = {0};
			struct err err = {0};
			double begin = cpu_seconds();
			struct rule *ru = rule_load(slice_str("x.lua"), slice_str(sc->text), NULL, NULL, 0, &fi, &err);

			took(sc->name, cpu_seconds() - begin, LOAD_SECONDS);
			for (size_t k = 0; k < fi.n; k++) {
				assert_clean(fi.v[k].text);
				buf_printf(&b, "%u:%u: %s\n", fi.v[k].line, fi.v[k].column, fi.v[k].text);
			}
			assert_true((ru == NULL) == (fi.errors > 0));
			if (ru == NULL)
				assert_int_equal(err.code, ERR_CHECKED);
			if (refused && ru != NULL)
				COMPLAIN("%s: the loader takes it\n", sc->name);
			same(&first, text_of(&b), sc->name);
			rule_free(ru);
			findings_free(&fi);
		}
		if ((strcmp(sc->kind, "check") == 0 || strcmp(sc->kind, "file") == 0) && (!refused || strstr(first, sc->expected + 8) == NULL))
			COMPLAIN("%s: wanted %s, got %s\n", sc->name, sc->expected, first);
		free(first);
	}
	no_complaints();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_are_enough_and_no_two_are_the_same),
	    cmocka_unit_test(each_ends_as_it_must_and_the_rule_beside_it_does_not_notice),
	    cmocka_unit_test(nothing_is_left_behind_for_those_that_come_after),
	    cmocka_unit_test(the_loader_withstands_them_and_says_the_same_twice),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
