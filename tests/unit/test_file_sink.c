/* The alerts file: rows once each, whatever was torn, cut or exchanged. */
#include "connectors/file/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[512], path[600], other[600];
	char noted[2048];
	struct file_sink *sink;
};

static int
set_up(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);
	const char *tmp = getenv("TMPDIR");

	if (fx == NULL)
		return -1;
	(void)snprintf(fx->dir, sizeof fx->dir, "%s/sink-XXXXXX", tmp == NULL ? "/var/tmp" : tmp);
	if (mkdtemp(fx->dir) == NULL)
		return -1;
	(void)snprintf(fx->path, sizeof fx->path, "%s/alerts", fx->dir);
	(void)snprintf(fx->other, sizeof fx->other, "%s/other", fx->dir);
	*state = fx;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fx = *state;

	(void)unlink(fx->path);
	(void)unlink(fx->other);
	(void)rmdir(fx->dir);
	free(fx);
	return 0;
}

static void
on_note(void *ctx, const char *text)
{
	struct fixture *fx = ctx;

	(void)snprintf(fx->noted, sizeof fx->noted, "%s", text);
}

static void
open_sink(struct fixture *fx, const char *path)
{
	struct file_sink_options opt = {.note = on_note, .ctx = fx};
	struct err err;

	fx->noted[0] = 0;
	assert_int_equal(file_sink_open(&fx->sink, path, &opt, &err), 0);
}

static void
send(struct fixture *fx, const char *row, bool replayed)
{
	struct message me = {.json = slice_str(row), .replayed = replayed};
	struct err err;

	assert_int_equal(file_sink_message(fx->sink, &me, &err), 0);
	assert_int_equal(file_sink_batch(fx->sink, &err), 0);
}

static void
close_sink(struct fixture *fx)
{
	struct err err;

	assert_int_equal(file_sink_close(fx->sink, &err), 0);
	fx->sink = NULL;
}

static void
mark_of(struct fixture *fx, char ret[LIMIT_SINK_MARK_BYTES])
{
	struct buf b = {0};
	struct err err;

	assert_int_equal(file_sink_checkpoint(fx->sink, &b, &err), 0);
	assert_true(b.n < LIMIT_SINK_MARK_BYTES);
	memcpy(ret, b.p, b.n);
	ret[b.n] = 0;
	buf_free(&b);
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void
assert_file(const char *path, const char *text)
{
	char got[4096];
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	got[fread(got, 1, sizeof got - 1, f)] = 0;
	(void)fclose(f);
	assert_string_equal(got, text);
}

static void
rows_are_appended(void **state)
{
	struct fixture *fx = *state;
	struct err err;

	put(fx->path, "before\n");
	open_sink(fx, fx->path);
	assert_int_equal(file_sink_ready(fx->sink, &err), 0);
	send(fx, "one", false);
	send(fx, "two", false);
	close_sink(fx);
	assert_file(fx->path, "before\none\ntwo\n");
}

/* What the file holds when the process comes back, after a checkpoint behind "one" and rows "two", "three" journalled. */
static void
after_a_crash_the_file_is_what_the_journal_says(void **state)
{
	static const struct {
		const char *left, *note;
	} table[] = {
	    {"one\n", ""},
	    {"one\ntwo\n", ""},
	    {"one\ntwo\nthree\n", ""},
	    {"one\ntwo\nthr", "cut back"},
	    {"one\nt", "cut back"},
	    {"one\ntwo\nTHREE\n", "cut back"},
	    {"one\ntwo\nthree\nfour that was never journalled\n", "cut back"},
	};
	struct fixture *fx = *state;
	char mark[LIMIT_SINK_MARK_BYTES];
	struct err err;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		(void)unlink(fx->path);
		open_sink(fx, fx->path);
		assert_int_equal(file_sink_ready(fx->sink, &err), 0);
		send(fx, "one", false);
		mark_of(fx, mark);
		close_sink(fx);
		put(fx->path, table[i].left);

		open_sink(fx, fx->path);
		assert_int_equal(file_sink_mark(fx->sink, slice_str(mark), &err), 0);
		send(fx, "two", true);
		send(fx, "three", true);
		assert_int_equal(file_sink_ready(fx->sink, &err), 0);
		send(fx, "four", false);
		close_sink(fx);
		assert_file(fx->path, "one\ntwo\nthree\nfour\n");
		assert_non_null(strstr(fx->noted, table[i].note));
	}
}

static void
before_the_first_checkpoint_the_first_row_tells_the_place(void **state)
{
	static const struct {
		const char *left, *want;
	} table[] = {
	    {"", "one\ntwo\nthree\n"},
	    {"o", "one\ntwo\nthree\n"},
	    {"one\n", "one\ntwo\nthree\n"},
	    {"one\ntwo\n", "one\ntwo\nthree\n"},
	    {"theirs\none\nt", "theirs\none\ntwo\nthree\n"},
	    {"theirs\n", "theirs\none\ntwo\nthree\n"},
	    {"theirs without end", "theirs without end\none\ntwo\nthree\n"},
	};
	struct fixture *fx = *state;
	struct err err;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		put(fx->path, table[i].left);
		open_sink(fx, fx->path);
		send(fx, "one", true);
		send(fx, "two", true);
		assert_int_equal(file_sink_ready(fx->sink, &err), 0);
		send(fx, "three", false);
		close_sink(fx);
		assert_file(fx->path, table[i].want);
	}
}

static void
a_file_that_vanished_shrank_or_was_exchanged_is_told_and_goes_on(void **state)
{
	static const struct {
		const char *left, *note, *want;
	} table[] = {
	    {NULL, "removed or shortened", "two\n"},
	    {"on", "removed or shortened", "on\ntwo\n"},
	    {"ONE\nrow of others\n", "is not the file", "ONE\nrow of others\ntwo\n"},
	};
	struct fixture *fx = *state;
	char mark[LIMIT_SINK_MARK_BYTES], first[2048];
	struct err err;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		(void)unlink(fx->path);
		open_sink(fx, fx->path);
		assert_int_equal(file_sink_ready(fx->sink, &err), 0);
		send(fx, "one", false);
		mark_of(fx, mark);
		close_sink(fx);
		(void)unlink(fx->path);
		if (table[i].left != NULL)
			put(fx->path, table[i].left);
		open_sink(fx, fx->path);
		assert_int_equal(file_sink_mark(fx->sink, slice_str(mark), &err), 0);
		memcpy(first, fx->noted, sizeof first);
		assert_non_null(strstr(first, table[i].note));
		assert_non_null(strstr(first, fx->path));
		assert_int_equal(file_sink_ready(fx->sink, &err), 0);
		send(fx, "two", false);
		close_sink(fx);
		assert_file(fx->path, table[i].want);
	}
}

static void
another_path_is_told_and_the_old_rows_are_not_copied(void **state)
{
	struct fixture *fx = *state;
	char mark[LIMIT_SINK_MARK_BYTES];
	struct err err;

	open_sink(fx, fx->path);
	assert_int_equal(file_sink_ready(fx->sink, &err), 0);
	send(fx, "one", false);
	mark_of(fx, mark);
	close_sink(fx);
	open_sink(fx, fx->other);
	assert_int_equal(file_sink_mark(fx->sink, slice_str(mark), &err), 0);
	assert_non_null(strstr(fx->noted, fx->path));
	assert_int_equal(file_sink_ready(fx->sink, &err), 0);
	send(fx, "two", false);
	close_sink(fx);
	assert_file(fx->other, "two\n");
	assert_file(fx->path, "one\n");
}

static void
a_mark_that_is_none_is_passed_over(void **state)
{
	static const char *const marks[] = {"", "1", "1 ", "1 x", "2 0 0 /a", "1 5", "1 5 zz /a", "1 99999999999999999999999 0 /a"};
	struct fixture *fx = *state;
	struct err err;

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		put(fx->path, "theirs\n");
		open_sink(fx, fx->path);
		assert_int_equal(file_sink_mark(fx->sink, slice_str(marks[i]), &err), 0);
		assert_int_equal(file_sink_ready(fx->sink, &err), 0);
		send(fx, "one", false);
		close_sink(fx);
		assert_file(fx->path, "theirs\none\n");
	}
}

static void
a_full_disk_is_an_error_that_names_the_file_and_stops_writing(void **state)
{
	struct fixture *fx = *state;
	struct message me = {.json = slice_str("row")};
	struct err err;

	if (access("/dev/full", W_OK) != 0)
		skip();
	open_sink(fx, "/dev/full");
	assert_int_equal(file_sink_message(fx->sink, &me, &err), 0);
	assert_int_equal(file_sink_batch(fx->sink, &err), -1);
	assert_int_equal(err.code, ERR_FULL);
	assert_non_null(strstr(err.text, "/dev/full"));
	assert_int_equal(file_sink_batch(fx->sink, &err), -1);
	close_sink(fx);
}

static void
a_folder_that_is_not_there_is_an_error(void **state)
{
	struct fixture *fx = *state;
	struct file_sink_options opt = {0};
	struct file_sink *sink = NULL;
	char path[800];
	struct err err;

	(void)snprintf(path, sizeof path, "%s/none/alerts", fx->dir);
	assert_int_equal(file_sink_open(&sink, path, &opt, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.text, path));
	assert_null(sink);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(rows_are_appended, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(after_a_crash_the_file_is_what_the_journal_says, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(before_the_first_checkpoint_the_first_row_tells_the_place, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_file_that_vanished_shrank_or_was_exchanged_is_told_and_goes_on, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(another_path_is_told_and_the_old_rows_are_not_copied, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_mark_that_is_none_is_passed_over, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_full_disk_is_an_error_that_names_the_file_and_stops_writing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_an_error, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
