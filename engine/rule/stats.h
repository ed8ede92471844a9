/* Statistics for rules, from + - * / and sqrt alone, compiled without contraction: every machine gets the same bits. */
#ifndef DIDEBAN_ENGINE_RULE_STATS_H
#define DIDEBAN_ENGINE_RULE_STATS_H

#include <stdint.h>

#define STATS_TOTAL_MAX INT64_C(10000000)

/* e^x and the natural logarithm, relative error below 1e-15; the usual limits (exp of much less than -745 is 0, of more
 * than 709.8 infinity, log(0) = -infinity, NaN for the log of a negative number). */
double stats_exp(double x);
double stats_log(double x);
/* P(X >= n) for X ~ Binomial(total, 1/groups): how likely one given of `groups` equal ones gets n or more of `total`.
 * 1 for n <= 0, 0 for n > total; total 0 .. STATS_TOTAL_MAX, groups >= 1, otherwise NaN. Relative error below 1e-11 down
 * to the smallest normal double. At most 10 sqrt(total) + 100 steps.
 *
 * The first term is the saddle-point form of C. Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000):
 *   P(X = n) = sqrt(N / (2 pi n (N-n))) exp(d(N) - d(n) - d(N-n) - D(n, Np) - D(N-n, Nq)),
 * d the error of Stirling's formula, D(x, m) = x log(x/m) + m - x; the others follow by the ratio of neighbours,
 *   P(X = k+1) / P(X = k) = (N-k)/(k+1) * p/q,
 * away from the mean, until they no longer count. */
double stats_binomial_tail(int64_t n, int64_t total, int64_t groups);

#endif
