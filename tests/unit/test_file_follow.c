/* Folders that are followed: what is taken up when, and where it goes on. */
#include "connectors/file/follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/scratch.h"

#define SETTLE 1000

struct fixture {
	struct scratch sc;
	struct follow *fo;
	int64_t now;
	uint64_t position; /* what the store knows of every stream */
	char noted[2048];
	char got[8192]; /* "NAME:NUMBER TEXT|" */
};

static int
position(void *ctx, struct slice stream, uint64_t *ret, struct err *err)
{
	struct fixture *fx = ctx;

	(void)stream;
	(void)err;
	*ret = fx->position;
	return 0;
}

static void
note(void *ctx, const char *text)
{
	struct fixture *fx = ctx;

	(void)snprintf(fx->noted, sizeof fx->noted, "%s", text);
}

static void
begin(struct fixture *fx)
{
	struct follow_options opt = {100, SETTLE, position, note, fx};
	struct err err;

	assert_int_equal(follow_open(&fx->fo, &opt, &err), 0);
	assert_int_equal(follow_add(fx->fo, fx->sc.dir, &err), 0);
}

static int
set_up(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);

	if (fx == NULL)
		return -1;
	scratch_open(&fx->sc);
	fx->now = 1000000;
	begin(fx);
	*state = fx;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fx = *state;

	follow_close(fx->fo);
	scratch_close(&fx->sc);
	free(fx);
	return 0;
}

static void
put(struct fixture *fx, const char *name, const char *text, const char *mode)
{
	char path[5000];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", fx->sc.dir, name);
	f = fopen(path, mode);
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* What comes after so many milliseconds. */
static const char *
after(struct fixture *fx, int64_t ms)
{
	struct source_item item;
	size_t dir, n = 0;
	struct err err;
	int r;

	fx->now += ms;
	fx->got[0] = 0;
	/* Twice: what a first look finds changed, a second may find settled. */
	for (int i = 0; i < 2; i++, fx->now += 200) {
		while ((r = follow_next(fx->fo, fx->now, &item, &dir, &err)) == 1) {
			const char *slash = memrchr(item.pos.stream.p, '/', item.pos.stream.n);

			assert_int_equal(dir, 0);
			assert_non_null(slash);
			n += (size_t)snprintf(fx->got + n, sizeof fx->got - n, "%.*s:%llu %.*s|",
			    (int)(item.pos.stream.p + item.pos.stream.n - slash - 1), slash + 1, (unsigned long long)item.pos.number,
			    SLICE_ARG(item.raw));
			assert_true(n < sizeof fx->got);
		}
		assert_int_equal(r, 0);
	}
	return fx->got;
}

static void
files_are_taken_up_in_order_of_their_names(void **state)
{
	struct fixture *fx = *state;

	put(fx, "b.ndjson", "{\"b\":1}\n", "wb");
	put(fx, "a.ndjson", "{\"a\":1}\n{\"a\":2}\n", "wb");
	assert_string_equal(after(fx, 0), "a.ndjson:1 {\"a\":1}|a.ndjson:2 {\"a\":2}|b.ndjson:1 {\"b\":1}|");
	assert_string_equal(after(fx, 5000), "");
}

static void
unfinished_names_and_folders_are_passed_over(void **state)
{
	struct fixture *fx = *state;
	char path[5000];

	put(fx, ".hidden", "{}\n", "wb");
	put(fx, "x.part", "{}\n", "wb");
	put(fx, "x.tmp", "{}\n", "wb");
	put(fx, "x~", "{}\n", "wb");
	(void)snprintf(path, sizeof path, "%s/folder", fx->sc.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_string_equal(after(fx, 5000), "");
}

static void
a_growing_file_is_read_on_line_by_line(void **state)
{
	struct fixture *fx = *state;

	put(fx, "a", "{\"n\":1}\n{\"n\"", "wb");
	assert_string_equal(after(fx, 0), "a:1 {\"n\":1}|");
	put(fx, "a", ":2}\n{\"n\":3}\n", "ab");
	assert_string_equal(after(fx, 0), "a:2 {\"n\":2}|a:3 {\"n\":3}|");
}

static void
a_last_line_without_newline_is_taken_once_it_is_whole_and_rested(void **state)
{
	struct fixture *fx = *state;

	put(fx, "a", "{\"n\":1", "wb");
	assert_string_equal(after(fx, 0), "");
	assert_string_equal(after(fx, 10 * SETTLE), "");
	put(fx, "a", "}", "ab");
	assert_string_equal(after(fx, 0), "");
	assert_string_equal(after(fx, SETTLE), "a:1 {\"n\":1}|");
	put(fx, "a", "\n{\"n\":2}\n", "ab");
	assert_string_equal(after(fx, 0), "a:2 {\"n\":2}|");
}

static void
a_restart_goes_on_behind_what_was_consumed(void **state)
{
	struct fixture *fx = *state;

	put(fx, "a", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n", "wb");
	fx->position = 2;
	assert_string_equal(after(fx, 0), "a:3 {\"n\":3}|");
	assert_string_equal(fx->noted, "");
}

static void
a_shorter_file_of_a_known_name_is_another_and_read_from_its_start(void **state)
{
	struct fixture *fx = *state;

	put(fx, "a", "{\"n\":1}\n", "wb");
	fx->position = 2;
	assert_string_equal(after(fx, 0), "a:1 {\"n\":1}|");
	assert_non_null(strstr(fx->noted, "another file"));
	/* And while we watch. */
	put(fx, "a", "{}\n", "wb");
	assert_string_equal(after(fx, 200), "a:1 {}|");
	assert_non_null(strstr(fx->noted, "replaced or shortened"));
}

static void
a_file_that_takes_the_name_of_another_is_read_from_its_start(void **state)
{
	struct fixture *fx = *state;
	char from[5000], to[5000];

	put(fx, "a", "{\"n\":1}\n", "wb");
	assert_string_equal(after(fx, 0), "a:1 {\"n\":1}|");
	put(fx, "b.part", "{\"m\":1}\n{\"m\":2}\n", "wb");
	(void)snprintf(from, sizeof from, "%s/b.part", fx->sc.dir);
	(void)snprintf(to, sizeof to, "%s/a", fx->sc.dir);
	assert_int_equal(rename(from, to), 0);
	assert_string_equal(after(fx, 200), "a:1 {\"m\":1}|a:2 {\"m\":2}|");
}

static void
a_removed_file_is_read_to_its_end_and_forgotten(void **state)
{
	struct fixture *fx = *state;
	char path[5000];

	put(fx, "a", "{\"n\":1}\n", "wb");
	assert_string_equal(after(fx, 0), "a:1 {\"n\":1}|");
	put(fx, "a", "{\"n\":2}\n{\"n\":3}", "ab");
	(void)snprintf(path, sizeof path, "%s/a", fx->sc.dir);
	assert_int_equal(unlink(path), 0);
	assert_string_equal(after(fx, 200), "a:2 {\"n\":2}|a:3 {\"n\":3}|");
	assert_string_equal(after(fx, 5000), "");
}

static void
a_folder_that_is_not_there_is_told_once_and_waited_for(void **state)
{
	struct fixture *fx = *state;
	char dir[5000], path[6000];
	struct err err;
	FILE *f;

	(void)snprintf(dir, sizeof dir, "%s/later", fx->sc.dir);
	follow_close(fx->fo);
	fx->fo = NULL;
	{
		struct follow_options opt = {100, SETTLE, position, note, fx};

		assert_int_equal(follow_open(&fx->fo, &opt, &err), 0);
	}
	assert_int_equal(follow_add(fx->fo, dir, &err), 0);
	assert_string_equal(after(fx, 0), "");
	assert_non_null(strstr(fx->noted, "later"));
	assert_int_equal(mkdir(dir, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/a", dir);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite("{}\n", 1, 3, f), 3);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(after(fx, 200), "a:1 {}|");
}

static void
many_resting_files_do_not_keep_as_many_open(void **state)
{
	struct fixture *fx = *state;
	char name[32];

	for (int i = 0; i < 3 * LIMIT_FOLLOWED_OPEN; i++) {
		(void)snprintf(name, sizeof name, "f%03d", i);
		put(fx, name, "{}\n", "wb");
	}
	(void)after(fx, 0);
	assert_non_null(strstr(fx->got, "f000:1 {}|"));
	assert_non_null(strstr(fx->got, "f095:1 {}|"));
	/* One that was closed is opened again where it stood. */
	put(fx, "f095", "{\"more\":1}\n", "ab");
	assert_string_equal(after(fx, 200), "f095:2 {\"more\":1}|");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(files_are_taken_up_in_order_of_their_names, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(unfinished_names_and_folders_are_passed_over, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_growing_file_is_read_on_line_by_line, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_last_line_without_newline_is_taken_once_it_is_whole_and_rested, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_restart_goes_on_behind_what_was_consumed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_shorter_file_of_a_known_name_is_another_and_read_from_its_start, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_file_that_takes_the_name_of_another_is_read_from_its_start, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_removed_file_is_read_to_its_end_and_forgotten, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_told_once_and_waited_for, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(many_resting_files_do_not_keep_as_many_open, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
