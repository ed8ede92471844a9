/* The law of order (README.md: alerts are a function of the evidence) on random rules and random event sets: whatever the order of
 * arrival, duplication, batches, crashes and partitions, a run ends in the alerts that the brute-force model computes from
 * the set alone. Sets know nothing of each other: as many processes as there are processors share them out.
 *
 * usage: test_order [--seed N] [--sets N] [--replay SEED] [--shares no] [--shrink no]
 * 1,000 sets, 10,000 with DIDEBAN_DEEP, 100 with DIDEBAN_REDUCED: under sanitizers a set takes five times as long, and 100 pass
 * through all but 5 of the 8,628 lines of engine/ and state/ that 500 pass through (gcov, 2026-11). */
#include "tests/property/run.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 64

/* Sets that found what thousands did not: a content whose contract numbers the subject's role lower took the place of another one.
 * Multiples of 4 are what they were then: see gen_costs.c. */
static const uint64_t kept[] = {1003228};

struct totals {
	unsigned sets, stood, withdrew, recut, checks, evals, failed;
};

/* Of all processes: what each found, and whether one found a failure. */
struct shared {
	atomic_bool failing;
	struct totals by[MAX_PROCESSES];
};

static struct shared *all;
static struct gen_set set;
static struct script base, other;
static bool shrinking = true;

/* Whether this failure is the first of all processes: one is enough to be made small and read. */
static bool
first_failure(void)
{
	return !atomic_exchange(&all->failing, true);
}

/* One set in all its variants; false when one is wrong. */
static bool
try_set(uint64_t seed, struct totals *to)
{
	bool stood = false, withdrew = false, recut = false, good = true;
	struct run first, ru;
	unsigned variant;

	gen_set(&set, seed);
	gen_script(&base, &set, 0, seed);
	run_script(&first, &set, &base);
	if (first.failed && first_failure()) {
		printf("seed %llu: in order of time: %.*s", (unsigned long long)seed, SLICE_ARG(buf_slice(&first.what)));
		if (shrinking)
			shrink_and_print(&set, &base, NULL, 0);
	}
	good = !first.failed;
	for (variant = 1; variant < GEN_VARIANTS && good; variant++) {
		gen_script(&other, &set, variant, seed);
		run_script(&ru, &set, &other);
		good = !ru.failed && slice_eq(buf_slice(&ru.alerts), buf_slice(&first.alerts));
		if (!good && first_failure()) {
			printf("seed %llu, variant %u: %.*s\n", (unsigned long long)seed, variant, SLICE_ARG(buf_slice(&ru.what)));
			if (!ru.failed)
				printf("two orders end in other alerts:\n%.*sand\n%.*s", SLICE_ARG(buf_slice(&first.alerts)),
				    SLICE_ARG(buf_slice(&ru.alerts)));
			if (shrinking)
				shrink_and_print(&set, &other, ru.failed ? NULL : &base, variant);
		}
		stood = ru.stood;
		withdrew = withdrew || ru.withdrew;
		recut = recut || ru.recut;
		to->checks += ru.checks;
		to->evals += ru.evals;
		run_free(&ru);
	}
	run_free(&first);
	to->sets++;
	to->stood += stood;
	to->withdrew += withdrew;
	to->recut += recut;
	to->failed += !good;
	return good;
}

/* Sets that never alert would prove nothing: the shares that targets C1 asks for. */
static bool
rich_enough(const struct totals *to)
{
	unsigned stood = to->stood * 100 / to->sets, withdrew = to->withdrew * 100 / to->sets, recut = to->recut * 100 / to->sets;

	printf("sets that end with a standing alert %u %% (at least 70), withdraw one %u %% (30), merge or split episodes %u %% (20)\n", stood,
	    withdrew, recut);
	return stood >= 70 && withdrew >= 30 && recut >= 20;
}

static double
seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static int
processes(uint64_t sets)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n > MAX_PROCESSES)
		n = MAX_PROCESSES;
	return n < 1 ? 1 : (uint64_t)n > sets ? (int)sets : (int)n;
}

/* Every n-th set from the k-th on, in a process of its own; a failure anywhere ends all. */
static void
share_out(uint64_t seed, uint64_t sets, struct totals *ret)
{
	int n = processes(sets), status, k;
	pid_t children[MAX_PROCESSES];

	memset(all->by, 0, sizeof all->by);
	for (k = 0; k < n; k++) {
		children[k] = fork();
		if (children[k] < 0)
			abort();
		if (children[k] == 0) {
			for (uint64_t i = (uint64_t)k; i < sets && !atomic_load(&all->failing); i += (uint64_t)n)
				(void)try_set(seed + i, &all->by[k]);
			exit(0);
		}
	}
	for (k = 0; k < n; k++) {
		const struct totals *to = &all->by[k];

		/* A crash, or what a sanitizer found at exit, is a failure of no set in particular. */
		if (waitpid(children[k], &status, 0) != children[k] || status != 0) {
			printf("the process of sets %llu, %llu ... ended with status %d\n", (unsigned long long)seed + (unsigned long long)k,
			    (unsigned long long)seed + (unsigned long long)(k + n), status);
			ret->failed++;
		}
		ret->sets += to->sets;
		ret->stood += to->stood;
		ret->withdrew += to->withdrew;
		ret->recut += to->recut;
		ret->checks += to->checks;
		ret->evals += to->evals;
		ret->failed += to->failed;
	}
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1, sets = getenv("DIDEBAN_REDUCED") != NULL ? 100 : getenv("DIDEBAN_DEEP") != NULL ? 10000 : 1000;
	struct totals to = {0};
	struct timespec start;
	bool shares = true;
	int a;

	for (a = 1; a + 1 < argc; a += 2) {
		uint64_t n = strtoull(argv[a + 1], NULL, 10);

		if (strcmp(argv[a], "--seed") == 0)
			seed = n;
		else if (strcmp(argv[a], "--sets") == 0)
			sets = n;
		else if (strcmp(argv[a], "--shares") == 0)
			shares = false;
		else if (strcmp(argv[a], "--shrink") == 0)
			shrinking = false;
		else if (strcmp(argv[a], "--replay") == 0) {
			seed = n;
			sets = 1;
			shares = false;
		} else
			break;
	}
	if (a < argc || sets == 0) {
		fprintf(stderr, "usage: test_order [--seed N] [--sets N] [--replay SEED] [--shares no] [--shrink no]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	files_in_memory();
	printf("law of order: %llu sets from seed %llu, %d variants each\n", (unsigned long long)sets, (unsigned long long)seed, GEN_VARIANTS);
	clock_gettime(CLOCK_MONOTONIC, &start);
	all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		abort();
	for (size_t i = 0; shares && i < sizeof kept / sizeof kept[0]; i++)
		share_out(kept[i], 1, &to);
	share_out(seed, sets, &to);
	printf("%u sets, %u comparisons of alerts, %u outcomes of triggers compared, %.1f s, %u sets differ\n", to.sets, to.checks, to.evals,
	    seconds_since(&start), to.failed);
	if (to.failed != 0 || to.sets == 0 || (shares && !rich_enough(&to)))
		return 1;
	return 0;
}
