/* Solar Hijri dates by the 33-year rule: year y has 366 days iff (25 y + 11) mod 33 < 8. Eight years in 33 are leap, and
 * floor((8 y + 29) / 33) grows by one at exactly those years, so counting days needs no loop over years. */
#include "engine/calendar/instant.h"

#define DAY 86400
#define IRAN_OFFSET (3 * 3600 + 30 * 60) /* standard time, no daylight saving */

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

/* 1 Farvardin of the year, in days since 1970-01-01. Anchor: 1 Farvardin 1403 = 2024-03-20 = day 19802. */
static int64_t
days_from_jalali_year(int64_t year)
{
	int64_t leaps = floor_div(8 * (year - 1) + 29, 33) - floor_div(8 * 1402 + 29, 33);

	return 19802 + (year - 1403) * 365 + leaps;
}

void
jalali_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	/* 33 years have 12,053 days: the estimate is off by one year at most. */
	int64_t year = 1403 + floor_div((days - 19802) * 33, 12053), of_year;

	while (days_from_jalali_year(year) > days)
		year--;
	while (days_from_jalali_year(year + 1) <= days)
		year++;
	of_year = days - days_from_jalali_year(year);
	*ret_year = year;
	*ret_month = (unsigned)(of_year < 186 ? of_year / 31 : 6 + (of_year - 186) / 30) + 1;
	*ret_day = (unsigned)(of_year < 186 ? of_year % 31 : (of_year - 186) % 30) + 1;
}

static void
jalali_day(struct instant t, int64_t *ret_days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	*ret_days = floor_div(t.sec + IRAN_OFFSET, DAY);
	jalali_from_days(*ret_days, ret_year, ret_month, ret_day);
}

static struct instant
midnight_in_iran(int64_t days)
{
	return (struct instant){.sec = days * DAY - IRAN_OFFSET};
}

struct instant
jalali_year_start(struct instant t)
{
	int64_t days, year;
	unsigned month, day;

	jalali_day(t, &days, &year, &month, &day);
	return midnight_in_iran(days_from_jalali_year(year));
}

struct instant
jalali_year_end(struct instant t)
{
	int64_t days, year;
	unsigned month, day;

	jalali_day(t, &days, &year, &month, &day);
	return midnight_in_iran(days_from_jalali_year(year + 1));
}

struct instant
jalali_month_start(struct instant t)
{
	int64_t days, year;
	unsigned month, day;

	jalali_day(t, &days, &year, &month, &day);
	return midnight_in_iran(days - (int64_t)day + 1);
}

struct instant
jalali_month_end(struct instant t)
{
	int64_t days, year, start;
	unsigned month, day;

	jalali_day(t, &days, &year, &month, &day);
	start = days - (int64_t)day + 1;
	if (month == 12)
		return midnight_in_iran(days_from_jalali_year(year + 1));
	return midnight_in_iran(start + (month <= 6 ? 31 : 30));
}
