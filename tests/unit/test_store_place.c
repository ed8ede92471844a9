/* The folder of a store: who may open it, what else may lie there, damage and too little room. */
#include "tests/unit/store_fixture.h"

static void
one_process_writes_and_the_other_is_told_who(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	char says[64];

	(void)snprintf(says, sizeof says, "(process %ld)", (long)getpid());
	must_fail(fx, &writing, ERR_LOCKED, says);
	assert_non_null(strstr(fx->err.text, "use another --store"));
	store_close(st);
	store_close(open_store(fx, &writing));
}

static void
looking_beside_a_writer_sees_the_checkpoint_of_its_opening(void **state)
{
	struct fixture *fx = *state;
	struct store *st, *look;
	struct changes *ch = changes_new();

	must_fail(fx, &looking, ERR_USAGE, "no store");
	st = open_store(fx, &writing);
	put(fx, ch, "k", "1");
	checkpoint(fx, st, ch, 1);
	look = open_store(fx, &looking);
	put(fx, ch, "k", "2");
	checkpoint(fx, st, ch, 2);
	expect(fx, look, "k", "1");
	assert_int_equal(store_checkpoint_seq(look), 1);
	assert_int_equal(store_space(look, &fx->err), 0);
	store_close(look);
	look = open_store(fx, &looking);
	expect(fx, look, "k", "2");
	store_close(look);
	changes_free(ch);
	store_close(st);
}

static void
directories_that_are_no_store_are_left_alone(void **state)
{
	struct fixture *fx = *state;
	char path[PATH_MAX];

	assert_int_equal(mkdir(fx->dir, 0750), 0);
	must_fail(fx, &looking, ERR_USAGE, "no store");
	scratch_write(scratch_path(&fx->sc, "store/letter.txt"), "dear judge", 10);
	must_fail(fx, &writing, ERR_USAGE, "letter.txt");
	assert_false(scratch_find(fx->dir, "lock", path));
	assert_false(scratch_find(fx->dir, "format", path));
	assert_int_equal(unlink(scratch_path(&fx->sc, "store/letter.txt")), 0);
	store_close(open_store(fx, &writing));
	scratch_remove(fx->dir);
	scratch_write(fx->dir, "a file", 6);
	must_fail(fx, &writing, ERR_IO, "Not a directory");
	must_fail(fx, &looking, ERR_USAGE, "no store");
}

static void
formats_are_checked(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
		const char *says;
	} cases[] = {
	    {"dideban-store 7\n", ERR_NEWER, "has format 7, this program reads 5: use a newer dideban"},
	    {"dideban-store 3\n", ERR_NEWER, "has format 3 of an earlier dideban, this program reads 5: read its events into a new store"},
	    {"dideban-store 0\n", ERR_CORRUPT, "format"},
	    {"", ERR_CORRUPT, "format"},
	    {"something else\n", ERR_CORRUPT, "format"},
	};
	struct fixture *fx = *state;

	store_close(open_store(fx, &writing));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		scratch_write(scratch_path(&fx->sc, "store/format"), cases[i].text, strlen(cases[i].text));
		must_fail(fx, &writing, cases[i].code, cases[i].says);
		must_fail(fx, &looking, cases[i].code, cases[i].says);
	}
	scratch_write(scratch_path(&fx->sc, "store/format"), "dideban-store 5\n", 16);
	store_close(open_store(fx, &writing));
}

static void
too_little_space_is_refused_before_anything_is_written(void **state)
{
	struct store_options hungry = {.min_free_bytes = UINT64_MAX / 4};
	struct fixture *fx = *state;
	struct store *st;

	must_fail(fx, &hungry, ERR_FULL, "free some space");
	st = open_store(fx, &writing);
	assert_int_equal(store_space(st, &fx->err), 0);
	store_close(st);
	store_close(open_store(fx, &looking)); /* looking needs none */
	must_fail(fx, &hungry, ERR_FULL, "MiB are needed");
}

static void
damage_is_found_and_named(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct store_report report;
	char path[PATH_MAX], db[PATH_MAX];
	off_t size;

	for (unsigned i = 0; i < 5000; i++) {
		char key[32];

		(void)snprintf(key, sizeof key, "key%05u", i);
		put(fx, ch, key, "some value that takes room");
	}
	checkpoint(fx, st, ch, 1);
	assert_int_equal(store_verify(st, &report, &fx->err), 0);
	assert_int_equal(report.keys, 5000);
	assert_int_equal(report.files, 1);
	assert_true(report.bytes > 5000);
	store_close(st);
	(void)snprintf(db, sizeof db, "%s", scratch_path(&fx->sc, "store/db"));
	assert_true(scratch_find(db, ".sst", path));
	size = scratch_size(path);
	/* Data blocks lie at the beginning; the filter behind them is no data. */
	for (off_t at = 100; at < size / 2; at += size / 9) {
		scratch_flip(path, at, 4);
		st = NULL; /* damage in the first block is met by opening already */
		assert_true(store_open(&st, fx->dir, &looking, &fx->err) != 0 || store_verify(st, &report, &fx->err) != 0);
		assert_int_equal(fx->err.code, ERR_CORRUPT);
		assert_non_null(strstr(fx->err.text, fx->dir));
		assert_non_null(strstr(fx->err.text, "restore the newest backup"));
		store_close(st);
		scratch_flip(path, at, 4);
	}
	assert_int_equal(truncate(path, size - 10), 0);
	must_fail(fx, &writing, ERR_CORRUPT, ".sst");
	assert_int_equal(unlink(path), 0);
	must_fail(fx, &writing, ERR_CORRUPT, "No such file");
	changes_free(ch);
}

static void
a_database_without_its_file_list_is_not_begun_anew(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	char path[PATH_MAX], db[PATH_MAX];

	put(fx, ch, "k", "v");
	checkpoint(fx, st, ch, 1);
	store_close(st);
	assert_int_equal(unlink(scratch_path(&fx->sc, "store/db/CURRENT")), 0);
	must_fail(fx, &writing, ERR_CORRUPT, "CURRENT");
	must_fail(fx, &looking, ERR_CORRUPT, "CURRENT");
	(void)snprintf(db, sizeof db, "%s", scratch_path(&fx->sc, "store/db"));
	assert_true(scratch_find(db, ".sst", path));
	changes_free(ch);
}

static void
a_store_that_was_killed_while_it_was_made_is_made(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(mkdir(fx->dir, 0750), 0);
	scratch_write(scratch_path(&fx->sc, "store/lock"), "123\n", 4);
	scratch_write(scratch_path(&fx->sc, "store/format.tmp"), "dide", 4);
	store_close(open_store(fx, &writing));
	/* Killed between format and database; and while a checkpoint was written. */
	scratch_remove(scratch_path(&fx->sc, "store/db"));
	must_fail(fx, &looking, ERR_USAGE, "never used");
	scratch_write(scratch_path(&fx->sc, "store/checkpoint-0.sst"), "half", 4);
	store_close(open_store(fx, &writing));
	assert_int_equal(scratch_size(scratch_path(&fx->sc, "store/checkpoint-0.sst")), -1);
	assert_int_equal(scratch_size(scratch_path(&fx->sc, "store/format")), 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(one_process_writes_and_the_other_is_told_who),
	    TEST(looking_beside_a_writer_sees_the_checkpoint_of_its_opening),
	    TEST(directories_that_are_no_store_are_left_alone),
	    TEST(formats_are_checked),
	    TEST(too_little_space_is_refused_before_anything_is_written),
	    TEST(damage_is_found_and_named),
	    TEST(a_database_without_its_file_list_is_not_begun_anew),
	    TEST(a_store_that_was_killed_while_it_was_made_is_made),
	};

	return cmocka_run_group_tests_name("store_place", tests, NULL, NULL);
}
