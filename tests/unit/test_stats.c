#include "engine/rule/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool
near(double a, double b, double relative)
{
	return fabs(a - b) <= relative * fabs(b);
}

#define MOST_TOTAL 4000

/* The sums themselves, in long double from the C library's log-gamma: ret[n] is P(X >= n) for every n, each from the one above it. */
static void
tails_by_sum(int64_t total, int64_t groups, double ret[MOST_TOTAL + 1])
{
	long double q = 1 / (long double)groups, sum = 0;

	for (int64_t k = total; k >= 0; k--) {
		sum += expl(lgammal((long double)total + 1) - lgammal((long double)k + 1) - lgammal((long double)(total - k) + 1) +
			    (long double)k * logl(q) + (long double)(total - k) * log1pl(-q));
		ret[k] = (double)sum;
	}
}

static void
exp_and_log_agree_with_the_c_library(void **state)
{
	(void)state;
	for (double x = -700; x < 709; x += 0.0317) {
		assert_true(near(stats_exp(x), exp(x), 1e-15));
		assert_true(near(stats_log(exp(x)), log(exp(x)), 1e-15));
	}
	for (double x = 0.5; x < 2; x += 1.0 / 4096)
		assert_true(near(stats_log(x), log(x), 1e-15));
	assert_true(stats_log(4.9406564584124654e-324) < -744 && stats_exp(-800) == 0 && stats_exp(-740) > 0);
	assert_true(isinf(stats_exp(800)) && isinf(stats_log(0)) && stats_log(0) < 0 && isnan(stats_log(-1)) && isnan(stats_exp((double)NAN)) &&
		    isinf(stats_log((double)INFINITY)));
	assert_true(stats_exp(0) == 1 && stats_log(1) == 0);
}

static void
binomial_tails_agree_with_the_sum(void **state)
{
	static double sums[MOST_TOTAL + 1];

	(void)state;
	for (int64_t total = 1; total < MOST_TOTAL; total += 1 + total / 5)
		for (int64_t groups = 2; groups < 500; groups += 1 + groups / 3) {
			tails_by_sum(total, groups, sums);
			for (int64_t n = 1; n <= total; n += 1 + n / 7)
				if (sums[n] > 1e-300 && !near(stats_binomial_tail(n, total, groups), sums[n], 1e-9))
					fail_msg("P(X >= %d; %d, 1/%d)", (int)n, (int)total, (int)groups);
		}
}

static void
binomial_tails_at_the_edges(void **state)
{
	double before = 1;

	(void)state;
	assert_true(stats_binomial_tail(0, 10, 3) == 1 && stats_binomial_tail(-5, 10, 3) == 1 && stats_binomial_tail(11, 10, 3) == 0);
	assert_true(
	    stats_binomial_tail(5, 10, 1) == 1 && stats_binomial_tail(1, 1, 2) == 0.5 && near(stats_binomial_tail(10, 10, 2), 1.0 / 1024, 1e-14));
	assert_true(near(stats_binomial_tail(17, 20, 4), 2.960496204e-8, 1e-9)); /* R: pbinom(16, 20, 1/4, lower = FALSE) */
	assert_true(
	    isnan(stats_binomial_tail(1, -1, 3)) && isnan(stats_binomial_tail(1, 10, 0)) && isnan(stats_binomial_tail(1, STATS_TOTAL_MAX + 1, 3)));
	assert_true(stats_binomial_tail(9000000, 10000000, 3) == 0); /* far below the smallest double */
	assert_true(near(stats_binomial_tail(5000000, 10000000, 2), 0.5 + 0.5 * 2.5231e-4, 1e-4));
	assert_true(stats_binomial_tail(1, 100, INT64_MAX) < 1e-16);
	for (int64_t n = 0; n <= 200; n++) { /* falls, also across the mean, where the formula changes sides */
		double p = stats_binomial_tail(n, 200, 4);

		assert_true(p <= before && p > 0);
		before = p;
	}
}

/* The same bits on every machine: these were computed on x86-64 with gcc 12, 2026-11-23. */
static void
results_are_the_same_bits_everywhere(void **state)
{
	static const struct {
		int64_t n, total, groups;
		uint64_t bits;
	} known[] = {{17, 20, 4, UINT64_C(0x3e5fc9c000000014)}, {15, 20, 4, UINT64_C(0x3ecffc6a0000000c)}, {40, 100, 7, UINT64_C(0x3df2cd98fb8bc70d)},
	    {3, 5, 2, UINT64_C(0x3fdfffffffffffff)}, {300, 1000, 4, UINT64_C(0x3f295fd034040d08)}, {1200, 4000, 9, UINT64_C(0x106b6c542edaf7bb)},
	    {90, 10000, 100, UINT64_C(0x3feb5b542eccdd66)}};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		double p = stats_binomial_tail(known[i].n, known[i].total, known[i].groups);
		uint64_t bits;

		memcpy(&bits, &p, sizeof bits);
		if (bits != known[i].bits)
			fail_msg("P(X >= %d; %d, 1/%d) has other bits", (int)known[i].n, (int)known[i].total, (int)known[i].groups);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(exp_and_log_agree_with_the_c_library),
	    cmocka_unit_test(binomial_tails_agree_with_the_sum),
	    cmocka_unit_test(binomial_tails_at_the_edges),
	    cmocka_unit_test(results_are_the_same_bits_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
