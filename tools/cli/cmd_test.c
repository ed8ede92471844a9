/* dideban test: the tests inside rules, each as given, shuffled, with duplicates and in batches of one. */
#include "tools/cli/author.h"
#include "tools/cli/rule_mutate.h"
#include "tools/cli/rule_test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

struct totals {
	size_t passed, failed, uncovered, unnoticed;
};

static void
print_json(const struct rule *ru, const struct rule_case *ca, const struct test_report *re, uint64_t seed)
{
	printf("{\"rule\":");
	print_json_string(stdout, slice_str(ru->id));
	printf(",\"test\":");
	print_json_string(stdout, ca->name);
	printf(",\"line\":%u,\"passed\":%s,\"seed\":%" PRIu64 ",\"failures\":[", ca->line, re->failures.n == 0 ? "true" : "false", seed);
	for (size_t from = 0, i = 0; i < re->failures.n; i++)
		if (re->failures.p[i] == '\n') {
			if (from > 0)
				printf(",");
			print_json_string(stdout, slice_of(re->failures.p + from, i - from));
			from = i + 1;
		}
	printf("]}\n");
}

static void
print_failures(const char *path, const struct rule_case *ca, const struct test_report *re)
{
	printf("%sFAIL%s %s:%u: %.*s\n", tint(stdout, TINT_RED), tint(stdout, TINT_OFF), path, ca->line, SLICE_ARG(ca->name));
	for (size_t from = 0, i = 0; i < re->failures.n; i++)
		if (re->failures.p[i] == '\n') {
			printf("     %.*s\n", (int)(i - from), re->failures.p + from);
			from = i + 1;
		}
}

static void
print_coverage(const struct rule *ru, const struct test_coverage *co, struct totals *to)
{
	for (unsigned i = 0; i < ru->n_outcomes; i++) {
		const struct rule_outcome *oc = &ru->outcomes[i];
		const struct outcome_coverage *oo = &co->outcomes[i];

		printf("  %-24s reached in %u test%s", oc->code, oo->reached, oo->reached == 1 ? "" : "s");
		if (oc->class == OUTCOME_ALERT)
			printf("; firing %u, just below %u, another subject %u", oo->firing, oo->below, oo->other_subject);
		if (oo->reached == 0 || (oc->class == OUTCOME_ALERT && (oo->firing == 0 || oo->below == 0 || oo->other_subject == 0))) {
			printf("  %sincomplete%s", tint(stdout, TINT_YELLOW), tint(stdout, TINT_OFF));
			to->uncovered++;
		}
		printf("\n");
	}
}

/* The first test that fails of a changed rule; NULL: none. *ret_loads: it can be loaded at all. */
static int
first_failure(const struct author *au, const struct author_file *af, struct slice text, bool *ret_loads, char *name, size_t size, struct err *err)
{
	const struct author_folder *fo = &au->folders[af->folder];
	struct findings fi = {0};
	struct rule_cases *rc = NULL;
	struct rule *ru = rule_load(slice_str(af->path), text, fo->contracts, NULL, 0, &fi, err);
	int r = 0;

	name[0] = '\0';
	if (ru != NULL)
		rc = rule_cases_load(slice_str(af->path), text, ru, fo->contracts, &fi, err);
	*ret_loads = rc != NULL;
	if (rc == NULL)
		r = err->code == ERR_CHECKED ? 0 : -1;
	for (unsigned i = 0; rc != NULL && i < rc->n && r == 0 && name[0] == '\0'; i++) {
		struct test_report re = {0};

		r = rule_test_run(&fo->source, text, ru, &rc->v[i], true, 0, &re, err);
		if (r == 0 && re.failures.n != 0)
			(void)snprintf(name, size, "%.*s", SLICE_ARG(rc->v[i].name));
		test_report_free(&re);
	}
	rule_cases_free(rc);
	rule_free(ru);
	findings_free(&fi);
	return r;
}

static void
print_mutant(const struct author_file *af, const struct rule *ru, const struct mutant *mu, const char *by, bool json)
{
	struct slice was = slice_of(af->text.p + mu->from, mu->to - mu->from);

	if (!json) {
		printf("%sUNNOTICED%s %s:%u:%u: %.*s %s%s: no test fails\n", tint(stdout, TINT_RED), tint(stdout, TINT_OFF), af->path, mu->line,
		    mu->column, (int)(was.n > 60 ? 60 : was.n), was.p, mu->with[0] == '\0' ? "left out" : "changed to ", mu->with);
		return;
	}
	printf("{\"rule\":");
	print_json_string(stdout, slice_str(ru->id));
	printf(",\"line\":%u,\"column\":%u,\"was\":", mu->line, mu->column);
	print_json_string(stdout, was);
	printf(",\"is\":");
	print_json_string(stdout, slice_str(mu->with));
	printf(",\"noticed\":%s,\"by\":", by[0] != '\0' ? "true" : "false");
	print_json_string(stdout, slice_str(by));
	printf("}\n");
}

static int
mutate(const struct author *au, const struct author_file *af, const struct args *ar, const struct rule *ru, struct totals *to, struct err *err)
{
	bool json = args_flag(ar, "--json"), loads = false;
	size_t tried = 0, noticed = 0, marked = 0;
	struct buf text = {0};
	struct mutants mu;
	char by[256];
	int r = 0;

	if (mutants_find(&mu, buf_slice(&af->text), ru) != 0)
		return err_nomem(err);
	for (size_t i = 0; i < mu.n && r == 0; i++) {
		if (mu.v[i].marked) {
			marked++;
			continue;
		}
		mutant_apply(&mu.v[i], buf_slice(&af->text), &text);
		r = buf_ok(&text) ? first_failure(au, af, buf_slice(&text), &loads, by, sizeof by, err) : err_nomem(err);
		if (r != 0 || !loads)
			continue;
		tried++;
		noticed += by[0] != '\0';
		if (json || by[0] == '\0')
			print_mutant(af, ru, &mu.v[i], by, json);
	}
	if (r == 0 && !json)
		printf("%s: %zu of %zu small changes are noticed by a test%s\n", ru->id, noticed, tried,
		    marked == 0 ? "" : "; lines marked as the same either way were passed over");
	to->unnoticed += tried - noticed;
	buf_free(&text);
	mutants_free(&mu);
	return r;
}

static int
run_file(const struct author *au, const struct author_file *af, const struct args *ar, uint64_t seed, struct totals *to, struct err *err)
{
	const struct author_folder *fo = &au->folders[af->folder];
	struct slice text = buf_slice(&af->text), name = slice_str(af->path);
	struct findings fi = {0};
	struct test_coverage coverage = {0};
	struct rule_cases *rc = NULL;
	struct rule *ru = rule_load(name, text, fo->contracts, NULL, 0, &fi, err);
	size_t passed = 0;
	int r = -1;

	if (ru != NULL)
		rc = rule_cases_load(name, text, ru, fo->contracts, &fi, err);
	if (rc == NULL) {
		cli_findings(&fi, NULL);
		to->failed++;
		r = err->code == ERR_CHECKED ? 0 : -1;
		goto out;
	}
	for (unsigned i = 0; i < rc->n; i++) {
		struct test_report re = {0};

		r = rule_test_run(&fo->source, text, ru, &rc->v[i], false, seed, &re, err);
		if (r == 0) {
			coverage_add(&coverage, ru, &rc->v[i], &re);
			passed += re.failures.n == 0;
			to->failed += re.failures.n != 0;
			if (args_flag(ar, "--json"))
				print_json(ru, &rc->v[i], &re, seed);
			else if (re.failures.n != 0)
				print_failures(af->path, &rc->v[i], &re);
		}
		test_report_free(&re);
		if (r != 0)
			goto out;
	}
	r = 0;
	to->passed += passed;
	if (rc->n == 0)
		cli_note("%s: no tests: nothing was tried; give the rule some in `tests` (docs/rules.md)", af->path);
	else if (!args_flag(ar, "--json"))
		printf("%s: %zu of %u test%s passed, each also shuffled, with duplicates and in batches (seed %" PRIu64 ")\n", ru->id, passed, rc->n,
		    rc->n == 1 ? "" : "s", seed);
	if (args_flag(ar, "--coverage") && !args_flag(ar, "--json"))
		print_coverage(ru, &coverage, to);
	if (args_flag(ar, "--mutate") && passed == rc->n)
		r = mutate(au, af, ar, ru, to, err);
out:
	rule_cases_free(rc);
	rule_free(ru);
	findings_free(&fi);
	return r;
}

static int
run_all(const struct author *au, const struct args *ar, struct err *err)
{
	const char *given = getenv("DIDEBAN_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	struct totals to = {0};

	for (size_t i = 0; i < au->n_folders; i++)
		if (au->folders[i].contracts == NULL) {
			cli_findings(&au->folders[i].findings, au->folders[i].dir);
			return 1;
		}
	for (size_t i = 0; i < au->n_files; i++)
		if (!au->files[i].contract && run_file(au, &au->files[i], ar, seed, &to, err) != 0)
			return -1;
	if (!args_flag(ar, "--json") && to.failed != 0)
		printf("%zu failed, %zu passed; the same again: DIDEBAN_SEED=%" PRIu64 "\n", to.failed, to.passed, seed);
	if (cli_flush(err) != 0)
		return -1;
	return to.failed != 0 || to.uncovered != 0 || to.unnoticed != 0 ? 1 : 0;
}

int
cmd_test(int argc, char **argv)
{
	struct author au = {0};
	struct args ar;
	struct err err = {0};
	int r;

	if (args_parse(&ar, &command_test, argc, argv, &err) != 0)
		return cli_fail(&err);
	r = author_open(&au, args_text(&ar, "--rules"), ar.rest, ar.n_rest, &err);
	if (r == 0)
		r = run_all(&au, &ar, &err);
	author_close(&au);
	args_free(&ar);
	return r < 0 ? cli_fail(&err) : r;
}
