/* The Solar Hijri year begins on the day of the March equinox if that comes before true noon at 52.5 degrees east, else on the next.
 * The test computes the equinox itself (Meeus, "Astronomical Algorithms", 2nd ed., chapter 27), which knows nothing of 33-year
 * cycles, and compares every year that the official calendar covers. */
#include "engine/calendar/instant.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OFFICIAL_FIRST 1206
#define OFFICIAL_LAST 1498
#define DAY 86400
#define OFFSET 12600
#define TRUE_NOON (0.5 + 7.4 / 1440) /* at the equinox the sun is 7.4 minutes behind the clock (equation of time) */

/* Julian ephemeris day of the March equinox of a Gregorian year. */
static double
march_equinox(int year)
{
	static const double terms[24][3] = {
	    {485, 324.96, 1934.136},
	    {203, 337.23, 32964.467},
	    {199, 342.08, 20.186},
	    {182, 27.85, 445267.112},
	    {156, 73.14, 45036.886},
	    {136, 171.52, 22518.443},
	    {77, 222.54, 65928.934},
	    {74, 296.72, 3034.906},
	    {70, 243.58, 9037.513},
	    {58, 119.81, 33718.147},
	    {52, 297.17, 150.678},
	    {50, 21.02, 2281.226},
	    {45, 247.54, 29929.562},
	    {44, 325.15, 31555.956},
	    {29, 60.93, 4443.417},
	    {18, 155.12, 67555.328},
	    {17, 288.79, 4562.452},
	    {16, 198.04, 62894.029},
	    {14, 199.76, 31436.921},
	    {12, 95.39, 14577.848},
	    {12, 287.11, 31931.756},
	    {12, 320.81, 34777.259},
	    {9, 227.73, 1222.114},
	    {8, 15.45, 16859.074},
	};
	const double rad = acos(-1) / 180;
	double y = (year - 2000) / 1000.0, mean, t, w, sum = 0;

	mean = 2451623.80984 + y * (365242.37404 + y * (0.05169 + y * (-0.00411 - y * 0.00057)));
	t = (mean - 2451545.0) / 36525;
	w = (35999.373 * t - 2.47) * rad;
	for (int i = 0; i < 24; i++)
		sum += terms[i][0] * cos((terms[i][1] + terms[i][2] * t) * rad);
	return mean + 0.00001 * sum / (1 + 0.0334 * cos(w) + 0.0007 * cos(2 * w));
}

/* Dynamical minus universal time in days, roughly (parabola of Morrison and Stephenson; minutes at most in these centuries). */
static double
delta_t(int year)
{
	double u = (year - 1820) / 100.0;

	return year < 1900 ? 5.0 / DAY : year < 2030 ? (year - 1900) * 0.6 / DAY : (-20 + 32 * u * u) / DAY;
}

/* 1 Farvardin of the year as days since 1970. */
static int64_t
new_year(int year)
{
	double equinox = march_equinox(year + 621) - delta_t(year + 621); /* universal time */
	double tehran = equinox - 2440587.5 + OFFSET / (double)DAY;       /* days since 1970-01-01 00:00 in Iran */
	double day = floor(tehran);

	return (int64_t)day + (tehran - day > TRUE_NOON);
}

static void
every_official_year_has_the_length_that_the_equinox_gives(void **state)
{
	int leaps = 0;

	(void)state;
	for (int year = OFFICIAL_FIRST; year <= OFFICIAL_LAST; year++) {
		int64_t start = new_year(year), length = new_year(year + 1) - start, y;
		bool leap = length == 366;
		struct instant noon = {start * DAY + DAY / 2 - OFFSET, 5};
		unsigned month, day;

		leaps += leap;
		if (leap != ((25 * year + 11) % 33 < 8))
			fail_msg("%d is %sa leap year by the sun", year, leap ? "" : "not ");
		assert_int_equal(jalali_year_start(noon).sec, start * DAY - OFFSET);
		assert_int_equal(jalali_year_end(noon).sec, (start + length) * DAY - OFFSET);
		jalali_from_days(start, &y, &month, &day);
		assert_int_equal(y, year);
		assert_int_equal(month, 1);
		assert_int_equal(day, 1);
		jalali_from_days(start + length - 1, &y, &month, &day);
		assert_int_equal(y, year);
		assert_int_equal(month, 12);
		assert_int_equal(day, leap ? 30 : 29);
	}
	assert_int_equal(leaps, 71);
}

static const struct {
	int64_t year;
	unsigned month, day;
	const char *date;
} known[] = {
    {1304, 12, 22, "1926-03-13"},
    {1332, 5, 28, "1953-08-19"},
    {1348, 10, 11, "1970-01-01"},
    {1357, 11, 22, "1979-02-11"},
    {1375, 12, 30, "1997-03-20"},
    {1399, 1, 1, "2020-03-20"},
    {1399, 12, 30, "2021-03-20"},
    {1400, 1, 1, "2021-03-21"},
    {1402, 12, 29, "2024-03-19"},
    {1403, 1, 1, "2024-03-20"},
    {1403, 12, 30, "2025-03-20"},
    {1404, 1, 1, "2025-03-21"},
    {1404, 12, 29, "2026-03-20"},
    {1405, 1, 1, "2026-03-21"},
    {1405, 9, 2, "2026-11-23"},
    {1408, 12, 30, "2030-03-20"},
};

static void
known_days_carry_their_known_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const char *why;
		int64_t days, year;
		unsigned month, day;

		assert_int_equal(date_parse(slice_str(known[i].date), &days, &why), 0);
		jalali_from_days(days, &year, &month, &day);
		if (year != known[i].year || month != known[i].month || day != known[i].day)
			fail_msg("%s became %" PRId64 "-%u-%u", known[i].date, year, month, day);
	}
}

static void
every_day_follows_the_day_before(void **state)
{
	int64_t year = 0, y;
	unsigned month = 0, day = 0, m, d;

	(void)state;
	for (int64_t days = -800000; days <= 800000; days++) {
		jalali_from_days(days, &y, &m, &d);
		if (month != 0) {
			bool next_day = y == year && m == month && d == day + 1;
			bool next_month = y == year && m == month + 1 && d == 1 && day == (month <= 6 ? 31u : 30u);
			bool next_year = y == year + 1 && m == 1 && d == 1 && month == 12 && day >= 29 && day <= 30;

			if (next_day + next_month + next_year != 1)
				fail_msg("%" PRId64 "-%u-%u is followed by %" PRId64 "-%u-%u", year, month, day, y, m, d);
		}
		year = y, month = m, day = d;
	}
}

static void
a_month_begins_and_ends_at_midnight_in_iran(void **state)
{
	static const struct {
		const char *at, *start, *end;
	} rows[] = {
	    {"2024-03-19T20:29:59.999999999Z", "2024-02-19T20:30:00Z", "2024-03-19T20:30:00Z"}, /* last instant of Esfand 1402, 29 days */
	    {"2024-03-19T20:30:00Z", "2024-03-19T20:30:00Z", "2024-04-19T20:30:00Z"},           /* first of Farvardin 1403 */
	    {"2025-03-20T12:00:00+03:30", "2025-02-18T20:30:00Z", "2025-03-20T20:30:00Z"},      /* 30 Esfand 1403 */
	    {"2024-09-21T23:00:00+03:30", "2024-08-21T20:30:00Z", "2024-09-21T20:30:00Z"},      /* 31 Shahrivar */
	    {"2024-09-22T00:00:00+03:30", "2024-09-21T20:30:00Z", "2024-10-21T20:30:00Z"},      /* 1 Mehr, 30 days */
	    {"1969-12-31T23:59:59Z", "1969-12-21T20:30:00Z", "1970-01-20T20:30:00Z"},           /* Dey 1348 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct instant t;
		const char *why;
		char text[INSTANT_TEXT_BYTES];

		assert_int_equal(instant_parse(slice_str(rows[i].at), &t, &why), 0);
		(void)instant_format(jalali_month_start(t), text);
		assert_string_equal(text, rows[i].start);
		(void)instant_format(jalali_month_end(t), text);
		assert_string_equal(text, rows[i].end);
	}
}

static void
a_year_holds_its_own_instants_and_no_others(void **state)
{
	(void)state;
	for (int64_t sec = -5000000000; sec < 5000000000; sec += 1234567) {
		struct instant t = {sec, 1}, start = jalali_year_start(t), end = jalali_year_end(t);
		int64_t days = (end.sec - start.sec) / DAY;

		assert_true(instant_cmp(start, t) <= 0 && instant_cmp(t, end) < 0);
		assert_true(days == 365 || days == 366);
		assert_int_equal(jalali_year_start(end).sec, end.sec);
		assert_true(instant_cmp(jalali_month_start(t), start) >= 0);
		assert_true(instant_cmp(jalali_month_end(t), end) <= 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_official_year_has_the_length_that_the_equinox_gives),
	    cmocka_unit_test(known_days_carry_their_known_names),
	    cmocka_unit_test(every_day_follows_the_day_before),
	    cmocka_unit_test(a_month_begins_and_ends_at_midnight_in_iran),
	    cmocka_unit_test(a_year_holds_its_own_instants_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
