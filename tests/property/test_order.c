/* The law of order (docs/semantics.md, "The law of order") on random rules and random event sets: whatever the order of
 * arrival, duplication, batches, crashes and partitions, a run ends in the alerts that the brute-force model computes from
 * the set alone.
 *
 * usage: test_order [--seed N] [--sets N] [--replay SEED] [--shares no] [--shrink no] */
#include "tests/property/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct totals {
	unsigned sets, stood, withdrew, recut, checks, evals, failed;
};

static struct gen_set set;
static struct script base, other;
static bool shrinking = true;

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
	if (first.failed) {
		printf("seed %llu: in order of time: %.*s", (unsigned long long)seed, SLICE_ARG(buf_slice(&first.what)));
		if (shrinking)
			shrink_and_print(&set, &base, NULL, 0);
		good = false;
	}
	for (variant = 1; variant < GEN_VARIANTS && good; variant++) {
		gen_script(&other, &set, variant, seed);
		run_script(&ru, &set, &other);
		good = !ru.failed && slice_eq(buf_slice(&ru.alerts), buf_slice(&first.alerts));
		if (!good) {
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

int
main(int argc, char **argv)
{
	uint64_t seed = 1, sets = 500, i;
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
	for (i = 0; i < sets && to.failed < 1; i++)
		(void)try_set(seed + i, &to);
	printf("%u sets, %u comparisons of alerts, %u outcomes of triggers compared, %.1f s, %u sets differ\n", to.sets, to.checks, to.evals,
	    seconds_since(&start), to.failed);
	if (to.failed != 0 || (shares && !rich_enough(&to)))
		return 1;
	return 0;
}
