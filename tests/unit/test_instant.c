#include "engine/calendar/instant.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Known moments, from other software. */
static const struct {
	const char *text;
	int64_t sec;
	uint32_t nsec;
	const char *back;
} good[] = {
    {"1970-01-01T00:00:00Z", 0, 0, "1970-01-01T00:00:00Z"},
    {"2024-03-20T10:00:00Z", 1710928800, 0, "2024-03-20T10:00:00Z"},
    {"2024-03-20T13:30:00+03:30", 1710928800, 0, "2024-03-20T10:00:00Z"},
    {"2024-03-20T00:00:00-10:00", 1710928800, 0, "2024-03-20T10:00:00Z"},
    {"2024-03-20t10:00:00z", 1710928800, 0, "2024-03-20T10:00:00Z"},
    {"2024-02-29T23:59:59.5Z", 1709251199, 500000000, "2024-02-29T23:59:59.5Z"},
    {"2024-02-29T23:59:59.000000001Z", 1709251199, 1, "2024-02-29T23:59:59.000000001Z"},
    {"2024-02-29T23:59:59.120000000Z", 1709251199, 120000000, "2024-02-29T23:59:59.12Z"},
    {"2024-02-29T23:59:59.0Z", 1709251199, 0, "2024-02-29T23:59:59Z"},
    {"1969-12-31T23:59:59Z", -1, 0, "1969-12-31T23:59:59Z"},
    {"1969-12-31T23:59:59.25Z", -1, 250000000, "1969-12-31T23:59:59.25Z"},
    {"1834-01-02T00:00:01Z", -4291660799, 0, "1834-01-02T00:00:01Z"},
    {"1600-02-29T00:00:00Z", -11670998400, 0, "1600-02-29T00:00:00Z"},
    {"0000-01-01T00:00:00Z", -62167219200, 0, "0000-01-01T00:00:00Z"},
    {"9999-12-31T23:59:59.999999999Z", 253402300799, 999999999, "9999-12-31T23:59:59.999999999Z"},
    {"2024-03-20T10:00:00-00:00", 1710928800, 0, "2024-03-20T10:00:00Z"},
};

static void
a_moment_is_read_and_written_back_in_utc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct instant t = {7, 7};
		const char *why = "";
		char text[INSTANT_TEXT_BYTES];

		assert_int_equal(instant_parse(slice_str(good[i].text), &t, &why), 0);
		assert_int_equal(t.sec, good[i].sec);
		assert_int_equal(t.nsec, good[i].nsec);
		assert_int_equal(instant_format(t, text), strlen(good[i].back));
		assert_string_equal(text, good[i].back);
	}
}

static const struct {
	const char *text, *why;
} bad[] = {
    {"", "not YYYY-MM-DDTHH:MM:SS and an offset"},
    {"2024-03-20", "not YYYY-MM-DDTHH:MM:SS and an offset"},
    {"2024-03-20 10:00:00Z", "not YYYY-MM-DDTHH:MM:SS and an offset"},
    {"2024-03-20T10:00Z", "not YYYY-MM-DDTHH:MM:SS and an offset"},
    {"2024-03-20T10:00:00", "no offset (end it with Z or +03:30)"},
    {"2024-03-20T10:00:00.5", "no offset (end it with Z or +03:30)"},
    {"2024-03-20T10:00:00.Z", "no digits behind the point"},
    {"2024-03-20T10:00:00,5Z", "offset is neither Z nor +HH:MM"},
    {"2024-03-20T10:00:00.1234567890Z", "more than 9 digits of fraction"},
    {"2024-03-20T10:00:00+0330", "offset is neither Z nor +HH:MM"},
    {"2024-03-20T10:00:00+03", "offset is neither Z nor +HH:MM"},
    {"2024-03-20T10:00:00Z ", "offset is neither Z nor +HH:MM"},
    {"2024-03-20T10:00:00+24:00", "no such offset"},
    {"2024-03-20T10:00:00+03:60", "no such offset"},
    {"2024-03-20T10:00:00+0a:00", "no such offset"},
    {"2024-03-20T24:00:00Z", "no such time of day"},
    {"2024-03-20T10:60:00Z", "no such time of day"},
    {"2016-12-31T23:59:60Z", "a leap second"},
    {"2024-03-20T10:00:61Z", "no such time of day"},
    {"2023-02-29T10:00:00Z", "no such day in this month"},
    {"1900-02-29T10:00:00Z", "no such day in this month"},
    {"2024-04-31T10:00:00Z", "no such day in this month"},
    {"2024-00-10T10:00:00Z", "no such month"},
    {"2024-13-10T10:00:00Z", "no such month"},
    {"2024-03-00T10:00:00Z", "no such day in this month"},
    {"-024-03-20T10:00:00Z", "not YYYY-MM-DD"},
    {"2024/03/20T10:00:00Z", "not YYYY-MM-DD"},
    {"0000-01-01T00:00:00+00:01", "outside the years 0000 to 9999 in UTC"},
    {"9999-12-31T23:59:59-00:01", "outside the years 0000 to 9999 in UTC"},
};

static void
what_is_no_moment_is_refused_with_its_reason_and_nothing_is_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct instant t = {123, 456};
		const char *why = NULL;

		assert_int_equal(instant_parse(slice_str(bad[i].text), &t, &why), -1);
		assert_string_equal(why, bad[i].why);
		assert_int_equal(t.sec, 123);
		assert_int_equal(t.nsec, 456);
	}
}

/* Counts day by day through the civil calendar, without any formula. */
static void
every_day_from_year_0_to_3000_is_one_more_than_the_day_before(void **state)
{
	static const unsigned last[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t days = -719528;

	(void)state;
	for (int64_t year = 0; year <= 3000; year++) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		for (unsigned month = 1; month <= 12; month++)
			for (unsigned day = 1; day <= last[month] + (unsigned)(month == 2 && leap); day++, days++) {
				int64_t y;
				unsigned m, d;

				civil_from_days(days, &y, &m, &d);
				if (days_from_civil(year, month, day) != days || y != year || m != month || d != day)
					fail_msg("%" PRId64 "-%u-%u", year, month, day);
			}
	}
	assert_int_equal(days_from_civil(1970, 1, 1), 0);
}

static void
a_date_is_ten_characters_that_exist(void **state)
{
	const char *why;
	int64_t days = 5;

	(void)state;
	assert_int_equal(date_parse(slice_str("2024-03-20"), &days, &why), 0);
	assert_int_equal(days, 19802);
	assert_int_equal(date_parse(slice_str("2023-02-29"), &days, &why), -1);
	assert_string_equal(why, "no such day in this month");
	assert_int_equal(date_parse(slice_str("2023-2-9"), &days, &why), -1);
	assert_int_equal(date_parse(slice_str("2024-03-20T"), &days, &why), -1);
	assert_int_equal(date_parse(slice_str(""), &days, &why), -1);
}

static void
random_moments_survive_writing_and_reading(void **state)
{
	uint64_t x = 88172645463325252ull;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct instant t, back;
		const char *why;
		char text[INSTANT_TEXT_BYTES];

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		t.sec = -62167219200 + (int64_t)(x % 315569520000ull);
		t.nsec = i % 3 == 0 ? 0 : (uint32_t)((x >> 20) % 1000000000);
		assert_int_equal(instant_parse(slice_of(text, instant_format(t, text)), &back, &why), 0);
		assert_int_equal(instant_cmp(t, back), 0);
	}
}

static void
a_window_that_starts_before_year_0_is_still_written(void **state)
{
	char text[INSTANT_TEXT_BYTES];

	(void)state;
	assert_true(instant_format((struct instant){INT64_MIN, 999999999}, text) < sizeof text);
	assert_true(instant_format((struct instant){INT64_MAX, 999999999}, text) < sizeof text);
	(void)instant_format((struct instant){-62167219201, 0}, text);
	assert_string_equal(text, "-1-12-31T23:59:59Z");
}

static void
moments_order_by_seconds_then_nanoseconds(void **state)
{
	(void)state;
	assert_true(instant_cmp((struct instant){1, 0}, (struct instant){0, 999999999}) > 0);
	assert_true(instant_cmp((struct instant){-1, 5}, (struct instant){-1, 6}) < 0);
	assert_int_equal(instant_cmp((struct instant){3, 3}, (struct instant){3, 3}), 0);
	assert_int_equal(instant_plus((struct instant){3, 3}, -10).sec, -7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_moment_is_read_and_written_back_in_utc),
	    cmocka_unit_test(what_is_no_moment_is_refused_with_its_reason_and_nothing_is_set),
	    cmocka_unit_test(every_day_from_year_0_to_3000_is_one_more_than_the_day_before),
	    cmocka_unit_test(a_date_is_ten_characters_that_exist),
	    cmocka_unit_test(random_moments_survive_writing_and_reading),
	    cmocka_unit_test(a_window_that_starts_before_year_0_is_still_written),
	    cmocka_unit_test(moments_order_by_seconds_then_nanoseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
