/* A moment: UTC seconds since 1970-01-01T00:00:00Z and nanoseconds, proleptic Gregorian, years 0000 to 9999.
 * Text is RFC 3339. Days are counted by Hinnant's civil-days algorithm ("chrono-Compatible Low-Level Date Algorithms"). */
#ifndef DIDEBAN_ENGINE_CALENDAR_INSTANT_H
#define DIDEBAN_ENGINE_CALENDAR_INSTANT_H

#include "state/base/slice.h"

#include <stdint.h>

struct instant {
	int64_t sec;
	uint32_t nsec; /* 0 to 999,999,999, always forward */
};

#define INSTANT_TEXT_BYTES 40 /* longest text with its zero */

/* RFC 3339 date-time with offset (`Z`, `+03:30`); 1 to 9 digits of fraction; more, a leap second (:60), a missing offset
 * or a date that does not exist is refused. 0, or -1 with *ret_why set to a static reason ("no offset", "more than 9 digits
 * of fraction", ...). */
int instant_parse(struct slice text, struct instant *ret, const char **ret_why);
/* Writes `2024-03-20T10:00:00Z`, with a fraction only if there is one, trailing zeros cut; returns the length. */
size_t instant_format(struct instant t, char ret[INSTANT_TEXT_BYTES]);
/* `YYYY-MM-DD`, a date that exists; days since 1970-01-01. */
int date_parse(struct slice text, int64_t *ret_days, const char **ret_why);
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);
void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);

static inline int
instant_cmp(struct instant a, struct instant b)
{
	if (a.sec != b.sec)
		return a.sec < b.sec ? -1 : 1;
	return (a.nsec > b.nsec) - (a.nsec < b.nsec);
}

static inline struct instant
instant_plus(struct instant t, int64_t seconds)
{
	t.sec += seconds;
	return t;
}

/* Start of the Solar Hijri year or month that holds t, in Iran standard time (+03:30, no daylight saving).
 * Leap rule (25*y + 11) mod 33 < 8, which agrees with the official table 1206-1498. */
struct instant jalali_year_start(struct instant t);
struct instant jalali_month_start(struct instant t);
/* End (exclusive) of the same year or month. */
struct instant jalali_year_end(struct instant t);
struct instant jalali_month_end(struct instant t);
void jalali_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);

#endif
