/* Memory runs out: each allocation of our own fails in turn, alone, and with all that follow it, over the history of play.h.
 * Then the call under way says that memory is exhausted, nothing leaks, nothing crashes (sanitizers look closer), and the store
 * opens and ends in the alerts and the quarantine of a history that nothing disturbed.
 *
 * usage: test_memory [--seed N] [--sample N] [--all] [--at N] [--ever-after]
 * There are some hundred thousand allocations, from some thousand places (the six innermost frames of ours). A sample of the
 * places fails, at their first allocation or, every second time, at any; each innermost place is among them. DIDEBAN_DEEP: all
 * places, and ten times as many other allocations as are sampled otherwise. --all: every allocation: hours.
 * --at: this one alone, with the frames that it comes from. */
#include "tests/memory/failing.h"
#include "tests/memory/play.h"
#include "tests/property/run.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#define MAX_PLACES ((size_t)2000000)

static struct gen_set set;
static struct failing_place *places;
static uint64_t n_allocations, seed = 1, only_at;
static unsigned sample = 100;
static bool every, ever_after_only;
static struct buf undisturbed;

/* Where a crash came, for whoever must find it. */
static volatile sig_atomic_t at_now;
static const char *volatile doing_now = "";

static void
on_crash(int sig)
{
	char text[64] = "\ncrashed; --at ";
	size_t n = strlen(text), digits = 1;

	for (long at = at_now; at >= 10; at /= 10)
		digits++;
	text[n + digits] = '\n';
	for (size_t i = 0, at = (size_t)at_now; i < digits; i++, at /= 10)
		text[n + digits - 1 - i] = (char)('0' + at % 10);
	if (write(STDERR_FILENO, text, n + digits + 1) >= 0)
		(void)raise(sig); /* SA_RESETHAND: now it ends */
}

/* What became of the allocation `at` failing. */
struct outcome {
	bool failed;     /* it came, and was refused */
	bool said;       /* the call under way returned -1 */
	const char *bad; /* NULL: all as it should be */
	char text[1400];
};

static void
judge_history(struct outcome *oc, const struct play *pl, int rc, const struct err *err)
{
	size_t left;
	uint64_t first = failing_left(&left);

	oc->failed = failing_has();
	oc->said = rc != 0;
	doing_now = pl->doing;
	if (rc != 0 && err->code != ERR_NOMEM) {
		oc->bad = "another error is named";
		(void)snprintf(oc->text, sizeof oc->text, "%s: code %d: %s", pl->doing, (int)err->code, err->text);
	} else if (left != 0) {
		oc->bad = "memory is left";
		(void)snprintf(
		    oc->text, sizeof oc->text, "%s: %zu pieces, the first of them number %llu", pl->doing, left, (unsigned long long)first);
	}
}

static void
judge_end(struct outcome *oc, struct play *pl)
{
	struct err err = {0};

	if (play_end(pl, &err) != 0) {
		oc->bad = "the store cannot go on";
		(void)snprintf(oc->text, sizeof oc->text, "%s: %s", pl->doing, err.text);
	} else if (!slice_eq(buf_slice(&pl->found), buf_slice(&undisturbed))) {
		oc->bad = oc->said ? "the store ends in other alerts" : "a failure was swallowed: the store ends in other alerts";
		(void)snprintf(oc->text, sizeof oc->text, "%.*s", pl->found.n < 1300 ? (int)pl->found.n : 1300, pl->found.n == 0 ? "" : pl->found.p);
	}
}

static void
try_at(struct outcome *oc, uint64_t at, bool ever_after)
{
	struct play pl = {.set = &set};
	struct scratch sc;
	struct err err = {0};
	int rc;

	*oc = (struct outcome){0};
	at_now = (sig_atomic_t)at;
	scratch_open(&sc);
	(void)snprintf(pl.dir, sizeof pl.dir, "%s", sc.dir);
	failing_start(at, ever_after);
	rc = play_history(&pl, &err);
	(void)failing_stop();
	judge_history(oc, &pl, rc, &err);
	if (oc->bad == NULL)
		judge_end(oc, &pl);
	buf_free(&pl.found);
	scratch_close(&sc);
}

/* ---- the history as nothing disturbs it ----------------------------------------------------------------------- */

static int
setup(void **state)
{
	struct play pl = {.set = &set};
	struct scratch sc;
	struct err err = {0};

	(void)state;
	gen_set(&set, seed);
	scratch_open(&sc);
	(void)snprintf(pl.dir, sizeof pl.dir, "%s", sc.dir);
	places = calloc(MAX_PLACES, sizeof *places);
	failing_note(places, MAX_PLACES);
	failing_start(0, false);
	if (play_history(&pl, &err) != 0)
		(void)fprintf(stderr, "%s: %s\n", pl.doing, err.text);
	n_allocations = failing_stop();
	failing_note(NULL, 0);
	if (err.code == ERR_NONE && play_end(&pl, &err) != 0)
		(void)fprintf(stderr, "%s: %s\n", pl.doing, err.text);
	undisturbed = pl.found;
	scratch_close(&sc);
	return err.code != ERR_NONE || n_allocations > MAX_PLACES ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(places);
	buf_free(&undisturbed);
	return 0;
}

/* ---- which fail ----------------------------------------------------------------------------------------------- */

/* The first allocation of each place, by all frames or by the innermost alone; one bit an allocation. */
static unsigned
mark_first(uint8_t *marks, bool leaf)
{
	size_t cap = 1;
	uint64_t *seen;
	unsigned n = 0;

	while (cap < 4 * n_allocations)
		cap *= 2;
	seen = calloc(cap, sizeof *seen);
	if (seen == NULL)
		abort();
	for (uint64_t i = 0; i < n_allocations; i++) {
		uint64_t h = (leaf ? places[i].leaf : places[i].hash) | 1;
		size_t k = (size_t)(h * 0x9e3779b97f4a7c15u >> 20) & (cap - 1);

		while (seen[k] != 0 && seen[k] != h)
			k = (k + 1) & (cap - 1);
		n += seen[k] == 0;
		if (seen[k] == 0)
			marks[i] = 1;
		seen[k] = h;
	}
	free(seen);
	return n;
}

/* Leaves `keep` of the marked ones. */
static void
thin_out(uint8_t *marks, unsigned n, unsigned keep, uint64_t *random)
{
	for (uint64_t i = 0; i < n_allocations; i++) {
		if (marks[i] == 0)
			continue;
		if (scratch_random(random) % n >= keep)
			marks[i] = 0;
		else
			keep--;
		n--;
	}
}

/* Marks what fails; returns how many. */
static uint64_t
choose(uint8_t *marks, uint64_t salt)
{
	uint64_t random = seed * 1000 + salt, n = 0;
	unsigned at_places = mark_first(marks, false);
	bool deep = getenv("DIDEBAN_DEEP") != NULL;

	printf("memory: %llu allocations from %u places", (unsigned long long)n_allocations, at_places);
	if (every)
		memset(marks, 1, n_allocations);
	else if (!deep && at_places > sample)
		thin_out(marks, at_places, sample, &random);
	if (!every) {
		unsigned leaves = mark_first(marks, true);

		printf(", %u of them innermost", leaves);
		for (unsigned i = 0; i < (deep ? 10 : 1) * sample / 2; i++)
			marks[scratch_random(&random) % n_allocations] = 1;
	}
	for (uint64_t i = 0; i < n_allocations; i++)
		n += marks[i];
	printf("; %llu fail, sampled by seed %llu\n", (unsigned long long)n, (unsigned long long)seed);
	return n;
}

static void
fail_in_turn(bool ever_after)
{
	uint8_t *marks = calloc(n_allocations, 1);
	uint64_t said = 0, absorbed = 0, bad = 0;
	struct outcome oc;

	if (marks == NULL)
		abort();
	(void)choose(marks, ever_after);
	for (uint64_t i = 0; i < n_allocations && bad < 1000; i++) {
		if (marks[i] == 0)
			continue;
		try_at(&oc, i + 1, ever_after);
		said += oc.said;
		absorbed += oc.failed && !oc.said;
		if (oc.bad != NULL) {
			bad++;
			printf("--at %llu%s: %s: %s\n", (unsigned long long)i + 1, ever_after ? " --ever-after" : "", oc.bad, oc.text);
		}
	}
	printf("memory: %llu were told of, %llu changed nothing\n", (unsigned long long)said, (unsigned long long)absorbed);
	free(marks);
	assert_int_equal(bad, 0);
	assert_true(said > 0);
}

static void
each_allocation_fails_alone(void **state)
{
	(void)state;
	fail_in_turn(false);
}

static void
each_allocation_fails_with_all_that_follow(void **state)
{
	(void)state;
	fail_in_turn(true);
}

static void
one_allocation_fails(void **state)
{
	struct outcome oc;

	(void)state;
	failing_show(only_at);
	try_at(&oc, only_at, ever_after_only);
	printf("%s, %s, during: %s\n", oc.failed ? "failed" : "never came", oc.said ? "told of" : "not told of", doing_now);
	if (oc.bad != NULL)
		fail_msg("%s: %s", oc.bad, oc.text);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest all[] = {
	    cmocka_unit_test(each_allocation_fails_alone),
	    cmocka_unit_test(each_allocation_fails_with_all_that_follow),
	};
	static const struct CMUnitTest one[] = {cmocka_unit_test(one_allocation_fails)};
	struct sigaction sa = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};

	for (int a = 1; a < argc; a++) {
		bool more = a + 1 < argc;

		if (strcmp(argv[a], "--seed") == 0 && more)
			seed = strtoull(argv[++a], NULL, 10);
		else if (strcmp(argv[a], "--sample") == 0 && more)
			sample = (unsigned)strtoul(argv[++a], NULL, 10);
		else if (strcmp(argv[a], "--at") == 0 && more)
			only_at = strtoull(argv[++a], NULL, 10);
		else if (strcmp(argv[a], "--all") == 0)
			every = true;
		else if (strcmp(argv[a], "--ever-after") == 0)
			ever_after_only = true;
		else {
			(void)fprintf(stderr, "usage: test_memory [--seed N] [--sample N] [--all] [--at N] [--ever-after]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	files_in_memory();
	cmocka_set_message_output(CM_OUTPUT_STDOUT);
#ifndef __SANITIZE_ADDRESS__
	(void)sigaction(SIGSEGV, &sa, NULL);
	(void)sigaction(SIGABRT, &sa, NULL);
	(void)sigaction(SIGBUS, &sa, NULL);
#else
	(void)sa;
#endif
	return only_at != 0 ? cmocka_run_group_tests(one, setup, teardown) : cmocka_run_group_tests(all, setup, teardown);
}
