#include "engine/rule/stats.h"

#include <math.h>
#include <string.h>

/* ln 2 in two parts: k * LN2_HIGH is exact for |k| < 2^20. */
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10

/* 2^k for -1022 <= k <= 1023. */
static double
power_of_two(int64_t k)
{
	uint64_t bits = (uint64_t)(k + 1023) << 52;
	double d;

	memcpy(&d, &bits, sizeof d);
	return d;
}

double
stats_exp(double x)
{
	double r, sum = 1;
	int64_t k;

	if (x != x)
		return x;
	if (x > 709.79)
		return (double)INFINITY;
	if (x < -745.2)
		return 0;
	k = (int64_t)(x * 1.44269504088896338700 + (x < 0 ? -0.5 : 0.5));
	r = (x - (double)k * LN2_HIGH) - (double)k * LN2_LOW;
	/* Taylor; |r| <= 0.35, so the term after the 17th is below 1e-22. */
	for (int i = 17; i > 0; i--)
		sum = 1 + sum * r / i;
	if (k > 1023)
		return sum * power_of_two(1023) * 2;
	if (k < -1022)
		return sum * power_of_two(k + 200) * power_of_two(-200);
	return sum * power_of_two(k);
}

double
stats_log(double x)
{
	double f, s, z, sum = 0;
	uint64_t bits;
	int64_t k = 0;

	if (x != x || x < 0)
		return (double)NAN;
	if (x == 0)
		return -(double)INFINITY;
	if (x > 1.7976931348623157e308)
		return x;
	if (x < 2.2250738585072014e-308) {
		x *= power_of_two(54);
		k = -54;
	}
	memcpy(&bits, &x, sizeof bits);
	k += (int64_t)(bits >> 52) - 1023;
	bits = (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
	memcpy(&x, &bits, sizeof x);
	if (x > 1.4142135623730951) {
		x /= 2;
		k++;
	}
	/* log x = 2 artanh(s), s = (x-1)/(x+1); |s| <= 0.1716, so the 14 terms leave 1e-23. */
	f = x - 1;
	s = f / (2 + f);
	z = s * s;
	for (int i = 27; i >= 3; i -= 2)
		sum = z * (1.0 / i + sum);
	return (double)k * LN2_HIGH + (2 * s + (2 * s * sum + (double)k * LN2_LOW));
}

/* log(n!) - log(sqrt(2 pi n) (n/e)^n): Loader's table, then Stirling's series. */
static double
stirling_error(double n)
{
	static const double table[16] = {0, 0.0810614667953272582196702, 0.0413406959554092940938221, 0.02767792568499833914878929,
	    0.02079067210376509311152277, 0.01664469118982119216319487, 0.01387612882307074799874573, 0.01189670994589177009505572,
	    0.010411265261972096497478567, 0.009255462182712732917728637, 0.008330563433362871256469318, 0.007573675487951840794972024,
	    0.006942840107209529865664152, 0.006408994188004207068439631, 0.005951370112758847735624416, 0.005554733551962801371038690};
	double nn = n * n;

	if (n <= 15)
		return table[(int)n];
	return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - (1.0 / 1188) / nn) / nn) / nn) / nn) / n;
}

/* x log(x/m) + m - x without cancellation near x = m. */
static double
deviance(double x, double m)
{
	double v, s, e;

	if (fabs(x - m) >= 0.1 * (x + m))
		return x * stats_log(x / m) + m - x;
	v = (x - m) / (x + m);
	s = (x - m) * v;
	e = 2 * x * v;
	v *= v;
	for (int j = 1; j < 100; j++) {
		double next;

		e *= v;
		next = s + e / (2 * j + 1);
		if (next == s)
			break;
		s = next;
	}
	return s;
}

/* log P(X = n); total > 0, groups > 1. */
static double
log_term(double n, double total, double groups)
{
	double p = 1 / groups, q = (groups - 1) / groups, mean = total / groups, rest = total * q;

	if (n == 0)
		return p < 0.1 ? -deviance(total, rest) - mean : total * stats_log(q);
	if (n == total)
		return q < 0.1 ? -deviance(total, mean) - rest : -total * stats_log(groups);
	return stirling_error(total) - stirling_error(n) - stirling_error(total - n) - deviance(n, mean) - deviance(total - n, rest) +
	       0.5 * stats_log(total / (6.283185307179586477 * n * (total - n)));
}

/* Sum of P(X = k) / P(X = from) for k = from, from + step ... as far as it counts; every step goes away from the mean. */
static double
sum_of_ratios(int64_t from, int64_t total, int64_t groups, int step)
{
	double odds = 1 / (double)(groups - 1), sum = 1, term = 1;

	for (int64_t k = from; step > 0 ? k < total : k > 0; k += step) {
		if (step > 0)
			term *= (double)(total - k) / (double)(k + 1) * odds;
		else
			term *= (double)k / (double)(total - k + 1) / odds;
		sum += term;
		if (term < sum * 1e-18)
			break;
	}
	return sum;
}

double
stats_binomial_tail(int64_t n, int64_t total, int64_t groups)
{
	if (total < 0 || total > STATS_TOTAL_MAX || groups < 1)
		return (double)NAN;
	if (n <= 0)
		return 1;
	if (n > total)
		return 0;
	if (groups == 1)
		return 1;
	if ((double)n >= (double)total / (double)groups)
		return stats_exp(log_term((double)n, (double)total, (double)groups)) * sum_of_ratios(n, total, groups, 1);
	return 1 - stats_exp(log_term((double)(n - 1), (double)total, (double)groups)) * sum_of_ratios(n - 1, total, groups, -1);
}
