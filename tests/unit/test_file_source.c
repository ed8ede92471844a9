/* Files of events, cut into items: lines or elements, whatever the packing, the size and the damage. */
#include "connectors/file/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[512];

static int
make_dir(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(dir, sizeof dir, "%s/source-XXXXXX", tmp == NULL ? "/var/tmp" : tmp);
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	char command[700];

	(void)state;
	(void)snprintf(command, sizeof command, "%s/events.ndjson", dir);
	(void)unlink(command);
	(void)snprintf(command, sizeof command, "%s/events.ndjson.gz", dir);
	(void)unlink(command);
	(void)snprintf(command, sizeof command, "%s/events.ndjson.xz", dir);
	(void)unlink(command);
	(void)snprintf(command, sizeof command, "%s/events.ndjson.zst", dir);
	(void)unlink(command);
	(void)rmdir(dir);
	return 0;
}

static const char *
path_of(const char *name)
{
	static char path[700];

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text, size_t n, const char *mode)
{
	FILE *f = fopen(path_of(name), mode);

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* All items as "NUMBER:TEXT|", a fault as "NUMBER!TEXT|". */
static char *
items_of(const char *name, const struct file_source_options *opt, int *ret_last, struct err *err)
{
	struct file_source *fs;
	struct source_item item;
	struct buf b = {0};

	*ret_last = file_source_open(&fs, path_of(name), opt, err);
	if (*ret_last != 0)
		return strdup("");
	while ((*ret_last = file_source_next(fs, &item, err)) == 1) {
		assert_true(slice_eq_str(item.pos.stream, path_of(name)));
		buf_printf(&b, "%llu%c%.*s|", (unsigned long long)item.pos.number, item.fault == FAULT_NONE ? ':' : '!', SLICE_ARG(item.raw));
	}
	file_source_close(fs);
	buf_add_u8(&b, 0);
	return b.p;
}

static void
a_file_is_cut_into_lines_or_elements(void **state)
{
	static const struct {
		const char *text, *items;
	} table[] = {
	    {"", ""},
	    {"\n\n", ""},
	    {"{\"a\":1}\n{\"b\":2}\n", "1:{\"a\":1}|2:{\"b\":2}|"},
	    {"{\"a\":1}\n{\"b\":2}", "1:{\"a\":1}|2:{\"b\":2}|"},
	    {"\xef\xbb\xbf{\"a\":1}\r\n\r\n{\"b\":2}\r\n", "1:{\"a\":1}|3:{\"b\":2}|"},
	    {"\n  \n{}\n", "3:{}|"},
	    {"\xef\xbb", "1:\xef\xbb|"},
	    {"hello\n{}\n", "1:hello|2:{}|"},
	    /* closed on its line: a line that is no object */
	    {"[1,2]\n{}\n", "1![1,2]|2:{}|"},
	    {"[\"]\\\"\",[]]\n{}", "1![\"]\\\"\",[]]|2:{}|"},
	    /* an array */
	    {"[\n{\"a\":1},\n{\"b\":[2,{\"c\":\"],}\"}]}\n]\n", "1:{\"a\":1}|2:{\"b\":[2,{\"c\":\"],}\"}]}|"},
	    {"\n [{\"a\":\n1},{\"b\":2}]", "1:{\"a\":\n1}|2:{\"b\":2}|"},
	    {"[\n]\n", ""},
	    {"[\n1 , \"x\\\"\" ,null\n]", "1:1|2:\"x\\\"\"|3:null|"},
	    /* damage around elements is told, not dropped */
	    {"[\n{},\n]", "1:{}|2!|"},
	    {"[\n{},,{}\n]", "1:{}|2!|3:{}|"},
	    {"[\n{}\n] more\n", "1:{}|2! more|"},
	    {"[\n{\"a\":1},{\"b\"", "1:{\"a\":1}|2!{\"b\"|"},
	    {"[\n{\"a\":1}\n", "1:{\"a\":1}\n|2!|"},
	    {"[\n{\"a\":\"x\n},{\"b\":2}\n]", "1:{\"a\":\"x\n}|2:{\"b\":2}|"},
	    {"[", "1!|"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct err err;
		int last;
		char *got;

		put("events.ndjson", table[i].text, strlen(table[i].text), "wb");
		got = items_of("events.ndjson", NULL, &last, &err);
		assert_int_equal(last, 0);
		assert_string_equal(got, table[i].items);
		free(got);
	}
}

static void
a_line_over_the_limit_is_told_with_its_length(void **state)
{
	static const size_t sizes[] = {
	    LIMIT_EVENT_BYTES - 1, LIMIT_EVENT_BYTES, LIMIT_EVENT_BYTES + 1, LIMIT_EVENT_BYTES + 2, LIMIT_EVENT_BYTES + 3, 3 * MIB + 17};

	(void)state;
	for (int crlf = 0; crlf < 2; crlf++) {
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			char *line = malloc(sizes[i]);
			struct file_source *fs;
			struct source_item item;
			struct err err;

			assert_non_null(line);
			memset(line, 'x', sizes[i]);
			put("events.ndjson", "{}\n", 3, "wb");
			put("events.ndjson", line, sizes[i], "ab");
			put("events.ndjson", crlf ? "\r\n{\"z\":1}\n" : "\n{\"z\":1}\n", crlf ? 10 : 9, "ab");
			assert_int_equal(file_source_open(&fs, path_of("events.ndjson"), NULL, &err), 0);
			assert_int_equal(file_source_next(fs, &item, &err), 1);
			assert_int_equal(file_source_next(fs, &item, &err), 1);
			assert_int_equal(item.pos.number, 2);
			assert_int_equal(item.full_bytes, sizes[i]);
			assert_int_equal(item.fault, sizes[i] > LIMIT_EVENT_BYTES ? FAULT_TOO_LARGE : FAULT_NONE);
			assert_int_equal(item.raw.n, sizes[i] > LIMIT_EVENT_BYTES ? LIMIT_QUARANTINE_BYTES : sizes[i]);
			assert_memory_equal(item.raw.p, line, item.raw.n);
			assert_int_equal(file_source_next(fs, &item, &err), 1);
			assert_int_equal(item.pos.number, 3);
			assert_true(slice_eq_str(item.raw, "{\"z\":1}"));
			assert_int_equal(file_source_next(fs, &item, &err), 0);
			file_source_close(fs);
			free(line);
		}
	}
}

static void
an_element_over_the_limit_does_not_take_its_neighbours_along(void **state)
{
	size_t n = 2 * MIB;
	char *big = malloc(n);
	struct file_source *fs;
	struct source_item item;
	struct err err;

	(void)state;
	assert_non_null(big);
	memset(big, ']', n);
	put("events.ndjson", "[\n{\"a\":1},\n\"", 12, "wb");
	put("events.ndjson", big, n, "ab");
	put("events.ndjson", "\",{\"b\":2}]", 10, "ab");
	assert_int_equal(file_source_open(&fs, path_of("events.ndjson"), NULL, &err), 0);
	assert_int_equal(file_source_next(fs, &item, &err), 1);
	assert_int_equal(file_source_next(fs, &item, &err), 1);
	assert_int_equal(item.fault, FAULT_TOO_LARGE);
	assert_int_equal(item.full_bytes, n + 2);
	assert_int_equal(file_source_next(fs, &item, &err), 1);
	assert_true(slice_eq_str(item.raw, "{\"b\":2}"));
	assert_int_equal(item.pos.number, 3);
	assert_int_equal(file_source_next(fs, &item, &err), 0);
	file_source_close(fs);
	free(big);
}

static void
a_long_first_line_is_an_array_only_if_it_is_not_closed_on_it(void **state)
{
	size_t n = 3 * MIB;
	char *inside = malloc(n);

	(void)state;
	assert_non_null(inside);
	for (size_t i = 0; i < n; i++)
		inside[i] = i % 8 == 7 ? ',' : "{\"a\":1}"[i % 8];
	for (int closed = 0; closed < 2; closed++) {
		struct file_source *fs;
		struct source_item item;
		struct err err;
		size_t items = 0;

		put("events.ndjson", "[", 1, "wb");
		put("events.ndjson", inside, n - 1, "ab");
		put("events.ndjson", closed ? "]\n" : "\n]\n", closed ? 2 : 3, "ab");
		assert_int_equal(file_source_open(&fs, path_of("events.ndjson"), NULL, &err), 0);
		while (file_source_next(fs, &item, &err) == 1) {
			assert_int_equal(item.fault, closed ? FAULT_TOO_LARGE : FAULT_NONE);
			assert_true(closed || item.raw.n <= 8);
			items++;
		}
		assert_int_equal(items, closed ? 1 : n / 8);
		file_source_close(fs);
	}
	free(inside);
}

static void
many_lines_cross_the_window_whole(void **state)
{
	struct buf b = {0};
	struct file_source *fs;
	struct source_item item;
	struct err err;
	uint64_t n = 0;

	(void)state;
	for (int i = 0; i < 40000; i++)
		buf_printf(&b, "{\"number\":%d,\"padding\":\"%.*s\"}\n", i + 1, i % 211,
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	put("events.ndjson", b.p, b.n, "wb");
	assert_int_equal(file_source_open(&fs, path_of("events.ndjson"), NULL, &err), 0);
	while (file_source_next(fs, &item, &err) == 1) {
		char want[40];

		n++;
		assert_int_equal(item.pos.number, n);
		(void)snprintf(want, sizeof want, "{\"number\":%llu,", (unsigned long long)n);
		assert_memory_equal(item.raw.p, want, strlen(want));
		assert_int_equal(item.raw.p[item.raw.n - 1], '}');
	}
	assert_int_equal(n, 40000);
	file_source_close(fs);
	buf_free(&b);
}

/* Packs the file with a program of the machine; false where there is none. */
static bool
pack(const char *program, const char *option)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp(program, program, option, "-q", "-k", path_of("events.ndjson"), (char *)NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
packed_files_are_read_alike_and_one_cut_short_is_an_error_with_its_name(void **state)
{
	static const struct {
		const char *program, *name;
	} table[] = {{"gzip", "events.ndjson.gz"}, {"xz", "events.ndjson.xz"}, {"zstd", "events.ndjson.zst"}};
	struct buf b = {0};
	unsigned noise = 1;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		noise = noise * 1103515245u + 12345u;
		buf_printf(&b, "{\"number\":%d,\"noise\":%u}\n", i, noise);
	}
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct err err = {0};
		struct stat st;
		int last;
		char *got;

		put("events.ndjson", b.p, b.n, "wb");
		(void)unlink(path_of(table[i].name));
		if (!pack(table[i].program, "-f")) {
			print_message("%s is not installed: skipped\n", table[i].program);
			continue;
		}
		got = items_of(table[i].name, NULL, &last, &err);
		assert_int_equal(last, 0);
		assert_memory_equal(got, "1:{\"number\":0,", 14);
		assert_non_null(strstr(got, "|50000:{\"number\":49999,"));
		free(got);
		assert_int_equal(stat(path_of(table[i].name), &st), 0);
		assert_int_equal(truncate(path_of(table[i].name), st.st_size / 2), 0);
		got = items_of(table[i].name, NULL, &last, &err);
		assert_int_equal(last, -1);
		assert_int_equal(err.code, ERR_IO);
		assert_non_null(strstr(err.text, table[i].name));
		/* What came before the break was yielded, whole lines only. */
		assert_memory_equal(got, "1:{\"number\":0,", 14);
		assert_int_equal(got[strlen(got) - 2], '}');
		free(got);
	}
	buf_free(&b);
}

static void
a_file_that_is_not_packed_as_its_name_says_is_refused(void **state)
{
	struct err err;
	int last;
	char *got;

	(void)state;
	put("events.ndjson.gz", "{\"a\":1}\n", 8, "wb");
	got = items_of("events.ndjson.gz", NULL, &last, &err);
	assert_int_equal(last, -1);
	assert_non_null(strstr(err.text, "events.ndjson.gz"));
	free(got);
	put("events.ndjson.gz", "", 0, "wb");
	got = items_of("events.ndjson.gz", NULL, &last, &err);
	assert_int_equal(last, -1);
	assert_non_null(strstr(err.text, "events.ndjson.gz: not a gzip file, or cut short"));
	free(got);
}

static void
a_missing_file_and_a_folder_are_errors_with_their_name(void **state)
{
	struct err err;
	int last;

	(void)state;
	free(items_of("not-there", NULL, &last, &err));
	assert_int_equal(last, -1);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.text, "not-there"));
	free(items_of(".", NULL, &last, &err));
	assert_int_equal(last, -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static void
what_was_consumed_before_is_passed_over(void **state)
{
	struct file_source_options opt = {.skip = 2};
	struct err err;
	int last;
	char *got;

	(void)state;
	put("events.ndjson", "a\n\nb\nc\n", 7, "wb");
	got = items_of("events.ndjson", &opt, &last, &err);
	assert_string_equal(got, "3:b|4:c|");
	free(got);
}

static void
a_growing_file_waits_for_the_end_of_its_last_line(void **state)
{
	struct file_source_options opt = {.growing = true};
	struct file_source *fs;
	struct source_item item;
	struct err err;
	bool whole;

	(void)state;
	put("events.ndjson", "", 0, "wb");
	assert_int_equal(file_source_open(&fs, path_of("events.ndjson"), &opt, &err), 0);
	assert_int_equal(file_source_next(fs, &item, &err), 0);
	put("events.ndjson", "{\"a\":1}\n{\"b\"", 12, "ab");
	assert_int_equal(file_source_next(fs, &item, &err), 1);
	assert_true(slice_eq_str(item.raw, "{\"a\":1}"));
	assert_int_equal(file_source_next(fs, &item, &err), 0);
	assert_int_equal(file_source_waiting(fs, &whole), 4);
	assert_false(whole);
	put("events.ndjson", ":2}", 3, "ab");
	assert_int_equal(file_source_next(fs, &item, &err), 0);
	assert_int_equal(file_source_waiting(fs, &whole), 7);
	assert_true(whole);
	file_source_finish(fs);
	assert_int_equal(file_source_next(fs, &item, &err), 1);
	assert_true(slice_eq_str(item.raw, "{\"b\":2}"));
	assert_int_equal(item.pos.number, 2);
	assert_int_equal(file_source_next(fs, &item, &err), 0);
	file_source_close(fs);
}

static void
a_growing_array_yields_elements_as_they_are_closed(void **state)
{
	struct file_source_options opt = {.growing = true};
	struct file_source *fs;
	struct source_item item;
	struct err err;

	(void)state;
	put("events.ndjson", "[", 1, "wb");
	assert_int_equal(file_source_open(&fs, path_of("events.ndjson"), &opt, &err), 0);
	assert_int_equal(file_source_next(fs, &item, &err), 0);
	put("events.ndjson", "\n{\"a\":1}", 8, "ab");
	assert_int_equal(file_source_next(fs, &item, &err), 0);
	put("events.ndjson", ",{\"b\":2}\n]", 10, "ab");
	assert_int_equal(file_source_next(fs, &item, &err), 1);
	assert_true(slice_eq_str(item.raw, "{\"a\":1}"));
	assert_int_equal(file_source_next(fs, &item, &err), 1);
	assert_true(slice_eq_str(item.raw, "{\"b\":2}"));
	assert_int_equal(file_source_next(fs, &item, &err), 0);
	file_source_close(fs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_file_is_cut_into_lines_or_elements, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_line_over_the_limit_is_told_with_its_length, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(an_element_over_the_limit_does_not_take_its_neighbours_along, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_long_first_line_is_an_array_only_if_it_is_not_closed_on_it, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(many_lines_cross_the_window_whole, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(packed_files_are_read_alike_and_one_cut_short_is_an_error_with_its_name, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_file_that_is_not_packed_as_its_name_says_is_refused, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_missing_file_and_a_folder_are_errors_with_their_name, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(what_was_consumed_before_is_passed_over, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_growing_file_waits_for_the_end_of_its_last_line, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(a_growing_array_yields_elements_as_they_are_closed, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
