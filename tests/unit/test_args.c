/* The command line's option tables. */
#include "state/base/buf.h"
#include "tools/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct arg options[] = {
    {"--json", ARG_FLAG, NULL, "as JSON"},
    {"--store", ARG_TEXT, "DIR", "where"},
    {"--events", ARG_LIST, "FILE", "files"},
    {"--set", ARG_REPEAT, "A=B", "values"},
    {"--seed", ARG_NUMBER, "N", "number"},
    {"--cache", ARG_SIZE, "SIZE", "bytes | more"},
    {"--delay", ARG_DURATION, "DURATION", "how long"},
    {"--now", ARG_TIME, "TIME", "when"},
    {0},
};
static const struct command with_operands = {
    .name = "try", .operands = "[FILE]...", .summary = "try it", .example = "  dideban try", .args = options};
static const struct command without = {.name = "try", .operands = "", .summary = "try it", .example = "  dideban try", .args = options};

/* Splits a line at blanks. */
static int
parse(struct args *ret, const struct command *command, const char *line, struct err *err)
{
	static char text[512];
	char *argv[32], *save = NULL;
	int argc = 0;

	(void)snprintf(text, sizeof text, "try %s", line);
	for (char *p = strtok_r(text, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	argv[argc] = NULL;
	return args_parse(ret, command, argc, argv, err);
}

static void
options_of_every_type_are_read(void **state)
{
	struct args ar;
	struct err err;
	struct instant t;
	const char **v;

	(void)state;
	assert_int_equal(
	    parse(&ar, &with_operands,
		"--events a b - --set x=1 --set=y=2 --store s --json --seed 7 --cache 2MiB --now 2024-03-20T10:00:00+03:30 left over", &err),
	    0);
	assert_true(args_flag(&ar, "--json"));
	assert_false(args_flag(&ar, "--delay"));
	assert_string_equal(args_text(&ar, "--store"), "s");
	assert_null(args_text(&ar, "--delay"));
	assert_int_equal(args_number(&ar, "--seed", 0), 7);
	assert_int_equal(args_number(&ar, "--cache", 0), 2097152);
	assert_true(args_time(&ar, "--now", &t));
	assert_int_equal(t.sec, 1710916200);
	assert_int_equal(args_values(&ar, "--events", &v), 3);
	assert_string_equal(v[0], "a");
	assert_string_equal(v[2], "-");
	free(v);
	assert_int_equal(args_values(&ar, "--set", &v), 2);
	assert_string_equal(v[1], "y=2");
	free(v);
	assert_int_equal(ar.n_rest, 2);
	assert_string_equal(ar.rest[0], "left");
	args_free(&ar);
}

static void
behind_two_dashes_all_are_operands(void **state)
{
	struct args ar;
	struct err err;

	(void)state;
	assert_int_equal(parse(&ar, &with_operands, "-- --json -x", &err), 0);
	assert_false(args_flag(&ar, "--json"));
	assert_int_equal(ar.n_rest, 2);
	args_free(&ar);
}

static void
the_last_of_a_repeated_value_counts(void **state)
{
	struct args ar;
	struct err err;

	(void)state;
	assert_int_equal(parse(&ar, &with_operands, "--store a --store b", &err), 0);
	assert_string_equal(args_text(&ar, "--store"), "b");
	args_free(&ar);
}

static void
each_mistake_is_usage_and_names_the_cure(void **state)
{
	static const struct {
		const char *line, *words;
	} table[] = {
	    {"--evnts a", "did you mean --events"},
	    {"--jsno", "did you mean --json"},
	    {"--nothing-like-it", "--help"},
	    {"-j", "no option -j"},
	    {"--store", "needs DIR"},
	    {"--store --json", "needs DIR"},
	    {"--events", "needs FILE"},
	    {"--json=1", "takes no value"},
	    {"--seed x", "whole number"},
	    {"--seed -1", "needs N"},
	    {"--seed=-1", "whole number"},
	    {"--seed 99999999999999999999", "whole number"},
	    {"--cache much", "64MiB"},
	    {"--cache 1TiB", "64MiB"},
	    {"--delay 5", "90d"},
	    {"--now yesterday", "2026-03-21"},
	    {"--now 2024-03-20T10:00:00", "offset"},
	    {"operand", "no operand"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct args ar;
		struct err err = {0};

		assert_int_equal(parse(&ar, &without, table[i].line, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		if (strstr(err.text, table[i].words) == NULL)
			fail_msg("%s: %s", table[i].line, err.text);
	}
}

static void
sizes_and_durations_carry_their_unit(void **state)
{
	static const struct {
		const char *text;
		long long bytes, ms;
	} table[] = {
	    {"0", 0, -1},
	    {"4096", 4096, -1},
	    {"1KiB", 1024, -1},
	    {"3GiB", 3221225472, -1},
	    {"5MB", 5000000, -1},
	    {"50ms", -1, 50},
	    {"10s", -1, 10000},
	    {"5m", -1, 300000},
	    {"12h", -1, 43200000},
	    {"90d", -1, 7776000000},
	    {"", -1, -1},
	    {"-1", -1, -1},
	    {"1 s", -1, -1},
	    {"s", -1, -1},
	    {"9999999999999d", -1, -1},
	    {"99999999999GiB", -1, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		uint64_t bytes = 0;
		int64_t ms = 0;

		assert_int_equal(parse_size(table[i].text, &bytes), table[i].bytes < 0 ? -1 : 0);
		assert_int_equal(bytes, table[i].bytes < 0 ? 0 : table[i].bytes);
		assert_int_equal(parse_duration(table[i].text, &ms), table[i].ms < 0 ? -1 : 0);
		assert_int_equal(ms, table[i].ms < 0 ? 0 : table[i].ms);
	}
}

static void
help_and_reference_show_every_option_and_the_example(void **state)
{
	struct buf b = {0};

	(void)state;
	command_help(&with_operands, &b);
	buf_add_u8(&b, 0);
	for (const struct arg *ar = options; ar->name != NULL; ar++)
		assert_non_null(strstr(b.p, ar->name));
	assert_non_null(strstr(b.p, "Example:\n  dideban try\n"));
	assert_non_null(strstr(b.p, "Exit status"));
	buf_clear(&b);
	command_markdown(&with_operands, &b);
	buf_add_u8(&b, 0);
	assert_non_null(strstr(b.p, "### dideban try"));
	assert_non_null(strstr(b.p, "`--events FILE...`"));
	assert_non_null(strstr(b.p, "bytes \\| more"));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_of_every_type_are_read),
	    cmocka_unit_test(behind_two_dashes_all_are_operands),
	    cmocka_unit_test(the_last_of_a_repeated_value_counts),
	    cmocka_unit_test(each_mistake_is_usage_and_names_the_cure),
	    cmocka_unit_test(sizes_and_durations_carry_their_unit),
	    cmocka_unit_test(help_and_reference_show_every_option_and_the_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
