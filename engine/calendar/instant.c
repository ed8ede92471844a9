#include "engine/calendar/instant.h"

#include <stdio.h>

#define DAY 86400
#define FIRST_SECOND (-719528LL * DAY)    /* 0000-01-01T00:00:00Z */
#define LAST_SECOND (2932897LL * DAY - 1) /* 9999-12-31T23:59:59Z */

/* Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years that begin on March 1st. */
int64_t
days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void
civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*ret_day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
	*ret_month = (unsigned)(m < 10 ? m + 3 : m - 9);
	*ret_year = year + era * 400 + (*ret_month <= 2);
}

/* Two digits at p, or a number above 99. */
static unsigned
two_digits(const char *p)
{
	unsigned a = (unsigned char)p[0] - (unsigned)'0', b = (unsigned char)p[1] - (unsigned)'0';

	return a > 9 || b > 9 ? 100 : a * 10 + b;
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The ten bytes YYYY-MM-DD at p; NULL, or what is wrong. */
static const char *
parse_day(const char *p, int64_t *ret_days)
{
	static const unsigned char last[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned century = two_digits(p), years = two_digits(p + 2), month = two_digits(p + 5), day = two_digits(p + 8), year;

	if (century > 99 || years > 99 || month > 99 || day > 99 || p[4] != '-' || p[7] != '-')
		return "not YYYY-MM-DD";
	year = century * 100 + years;
	if (month < 1 || month > 12)
		return "no such month";
	if (day < 1 || day > last[month] + (unsigned)(month == 2 && is_leap(year)))
		return "no such day in this month";
	*ret_days = days_from_civil(year, month, day);
	return NULL;
}

int
date_parse(struct slice text, int64_t *ret_days, const char **ret_why)
{
	*ret_why = text.n == 10 ? parse_day(text.p, ret_days) : "not YYYY-MM-DD";
	return *ret_why == NULL ? 0 : -1;
}

/* ".5" to ".123456789" at *i; NULL, or what is wrong. */
static const char *
parse_fraction(struct slice text, size_t *i, uint32_t *ret_nsec)
{
	uint32_t nsec = 0, digits = 0;

	*ret_nsec = 0;
	if (*i >= text.n || text.p[*i] != '.')
		return NULL;
	for (++*i; *i < text.n && text.p[*i] >= '0' && text.p[*i] <= '9'; ++*i) {
		if (++digits > 9)
			return "more than 9 digits of fraction";
		nsec = nsec * 10 + (uint32_t)(text.p[*i] - '0');
	}
	if (digits == 0)
		return "no digits behind the point";
	for (; digits < 9; digits++)
		nsec *= 10;
	*ret_nsec = nsec;
	return NULL;
}

/* "Z" or "+HH:MM" from i to the end; NULL, or what is wrong. */
static const char *
parse_offset(struct slice text, size_t i, int64_t *ret_seconds)
{
	unsigned hours, minutes;

	if (i == text.n)
		return "no offset (end it with Z or +03:30)";
	if (i + 1 == text.n && (text.p[i] == 'Z' || text.p[i] == 'z')) {
		*ret_seconds = 0;
		return NULL;
	}
	if (i + 6 != text.n || (text.p[i] != '+' && text.p[i] != '-') || text.p[i + 3] != ':')
		return "offset is neither Z nor +HH:MM";
	hours = two_digits(text.p + i + 1);
	minutes = two_digits(text.p + i + 4);
	if (hours > 23 || minutes > 59)
		return "no such offset";
	*ret_seconds = ((int64_t)hours * 60 + (int64_t)minutes) * 60 * (text.p[i] == '-' ? -1 : 1);
	return NULL;
}

static const char *
parse_instant(struct slice text, struct instant *ret)
{
	unsigned hour, minute, second;
	int64_t days, offset;
	const char *why;
	size_t i = 19;

	if (text.n < 19 || (text.p[10] != 'T' && text.p[10] != 't') || text.p[13] != ':' || text.p[16] != ':')
		return "not YYYY-MM-DDTHH:MM:SS and an offset";
	why = parse_day(text.p, &days);
	if (why != NULL)
		return why;
	hour = two_digits(text.p + 11);
	minute = two_digits(text.p + 14);
	second = two_digits(text.p + 17);
	if (second == 60)
		return "a leap second";
	if (hour > 23 || minute > 59 || second > 59)
		return "no such time of day";
	why = parse_fraction(text, &i, &ret->nsec);
	if (why == NULL)
		why = parse_offset(text, i, &offset);
	if (why != NULL)
		return why;
	ret->sec = days * DAY + (int64_t)hour * 3600 + (int64_t)minute * 60 + (int64_t)second - offset;
	if (ret->sec < FIRST_SECOND || ret->sec > LAST_SECOND)
		return "outside the years 0000 to 9999 in UTC";
	return NULL;
}

int
instant_parse(struct slice text, struct instant *ret, const char **ret_why)
{
	struct instant t;

	*ret_why = parse_instant(text, &t);
	if (*ret_why != NULL)
		return -1;
	*ret = t;
	return 0;
}

static void
put_two(char *p, unsigned v)
{
	p[0] = (char)('0' + v / 10 % 10);
	p[1] = (char)('0' + v % 10);
}

size_t
instant_format(struct instant t, char ret[INSTANT_TEXT_BYTES])
{
	int64_t days = t.sec / DAY - (t.sec % DAY < 0), year;
	unsigned of_day = (unsigned)((t.sec % DAY + DAY) % DAY), month, day;
	uint32_t nsec = t.nsec % 1000000000;
	size_t n;

	civil_from_days(days, &year, &month, &day);
	if (year < 0 || year > 9999) { /* only sums leave the range, e.g. a window's start */
		int len = snprintf(ret, INSTANT_TEXT_BYTES, "%+lld-", (long long)year);

		n = len < 0 || len > 16 ? 0 : (size_t)len;
	} else {
		put_two(ret, (unsigned)year / 100);
		put_two(ret + 2, (unsigned)year % 100);
		ret[4] = '-';
		n = 5;
	}
	put_two(ret + n, month);
	ret[n + 2] = '-';
	put_two(ret + n + 3, day);
	ret[n + 5] = 'T';
	put_two(ret + n + 6, of_day / 3600);
	ret[n + 8] = ':';
	put_two(ret + n + 9, of_day / 60 % 60);
	ret[n + 11] = ':';
	put_two(ret + n + 12, of_day % 60);
	n += 14;
	if (nsec != 0) {
		ret[n++] = '.';
		for (size_t k = 9; k-- > 0; nsec /= 10)
			ret[n + k] = (char)('0' + nsec % 10);
		for (n += 9; ret[n - 1] == '0'; n--)
			continue;
	}
	ret[n++] = 'Z';
	ret[n] = '\0';
	return n;
}
