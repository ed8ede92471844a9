#include "state/store/store.h"

#include "state/base/limits.h"

#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

struct fixture {
	struct scratch sc;
	const char *dir;
	char dir_text[PATH_MAX];
	struct err err;
};

static const struct store_options writing = {.temporary = true};
static const struct store_options looking = {.read_only = true};

static int
setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);

	if (fx == NULL)
		return -1;
	scratch_open(&fx->sc);
	(void)snprintf(fx->dir_text, sizeof fx->dir_text, "%s/store", fx->sc.dir);
	fx->dir = fx->dir_text;
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;

	scratch_close(&fx->sc);
	free(fx);
	return 0;
}

static struct store *
open_store(struct fixture *fx, const struct store_options *opt)
{
	struct store *st = NULL;

	if (store_open(&st, fx->dir, opt, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	return st;
}

static void
must_fail(struct fixture *fx, const struct store_options *opt, enum err_code code, const char *says)
{
	struct store *st = NULL;

	assert_int_equal(store_open(&st, fx->dir, opt, &fx->err), -1);
	assert_null(st);
	assert_int_equal(fx->err.code, code);
	assert_non_null(strstr(fx->err.text, fx->dir));
	if (strstr(fx->err.text, says) == NULL)
		fail_msg("'%s' does not say '%s'", fx->err.text, says);
}

static void
put(struct fixture *fx, struct changes *ch, const char *key, const char *value)
{
	assert_int_equal(changes_put(ch, slice_str(key), slice_str(value), &fx->err), 0);
}

static void
checkpoint(struct fixture *fx, struct store *st, struct changes *ch, uint64_t seq)
{
	if (store_checkpoint(st, ch, seq, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	assert_int_equal(changes_count(ch), 0);
}

/* value NULL: the key is not there. */
static void
expect(struct fixture *fx, struct store *st, const char *key, const char *value)
{
	struct buf b = {0};
	int found = store_get(st, slice_str(key), &b, &fx->err);

	assert_int_equal(found, value != NULL);
	if (value != NULL)
		assert_true(slice_eq_str(buf_slice(&b), value));
	buf_free(&b);
}

/* The keys of [lo, hi) joined by spaces. */
static void
expect_keys(struct fixture *fx, struct store *st, const char *lo, const char *hi, const char *keys)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	struct buf all = {0};
	int rc;

	assert_int_equal(store_iter_open(&it, st, slice_str(lo), slice_str(hi), &fx->err), 0);
	while ((rc = store_iter_next(it, &key, &value, &fx->err)) == 1)
		buf_printf(&all, "%s%.*s", all.n == 0 ? "" : " ", SLICE_ARG(key));
	assert_int_equal(rc, 0);
	buf_add_u8(&all, 0);
	assert_string_equal(all.p, keys);
	buf_free(&all);
	store_iter_close(it);
}

static void
a_checkpoint_is_there_with_its_position_and_stays(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	assert_int_equal(store_checkpoint_seq(st), 0);
	put(fx, ch, "b", "1");
	put(fx, ch, "a", "");
	assert_int_equal(changes_count(ch), 2);
	expect(fx, st, "b", NULL); /* not before the checkpoint */
	checkpoint(fx, st, ch, 5);
	expect(fx, st, "b", "1");
	expect(fx, st, "a", "");
	expect(fx, st, "c", NULL);
	assert_int_equal(store_checkpoint_seq(st), 5);
	assert_int_equal(changes_delete(ch, slice_str("a"), &fx->err), 0);
	assert_int_equal(changes_delete(ch, slice_str("never"), &fx->err), 0);
	put(fx, ch, "b", "2");
	checkpoint(fx, st, ch, 9);
	checkpoint(fx, st, ch, 10); /* an empty one moves the position */
	store_close(st);
	st = open_store(fx, &writing);
	assert_int_equal(store_checkpoint_seq(st), 10);
	expect(fx, st, "a", NULL);
	expect(fx, st, "b", "2");
	changes_free(ch);
	store_close(st);
}

static void
the_last_change_of_a_key_counts(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	put(fx, ch, "put twice", "1");
	put(fx, ch, "put twice", "2");
	put(fx, ch, "deleted", "1");
	assert_int_equal(changes_delete(ch, slice_str("deleted"), &fx->err), 0);
	assert_int_equal(changes_delete(ch, slice_str("back"), &fx->err), 0);
	put(fx, ch, "back", "3");
	checkpoint(fx, st, ch, 1);
	expect(fx, st, "put twice", "2");
	expect(fx, st, "deleted", NULL);
	expect(fx, st, "back", "3");
	changes_free(ch);
	store_close(st);
}

static void
ranges_are_walked_in_order_and_skipped_in(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct store_iter *it = NULL;
	struct slice key, value;

	put(fx, ch, "c", "3");
	put(fx, ch, "a1", "1");
	put(fx, ch, "a", "0");
	put(fx, ch, "b", "2");
	put(fx, ch, "\xff", "9");
	checkpoint(fx, st, ch, 1);
	expect_keys(fx, st, "a", "c", "a a1 b");
	expect_keys(fx, st, "", "", "a a1 b c \xff"); /* the store's own keys are not shown */
	expect_keys(fx, st, "a2", "b", "");
	expect_keys(fx, st, "b", "", "b c \xff");
	assert_int_equal(store_iter_open(&it, st, slice_str("a"), slice_str("c"), &fx->err), 0);
	assert_int_equal(store_iter_next(it, &key, &value, &fx->err), 1);
	assert_true(slice_eq_str(key, "a"));
	store_iter_seek(it, slice_str("a2"));
	assert_int_equal(store_iter_next(it, &key, &value, &fx->err), 1);
	assert_true(slice_eq_str(key, "b"));
	assert_true(slice_eq_str(value, "2"));
	store_iter_seek(it, slice_str("c")); /* the end of the range */
	assert_int_equal(store_iter_next(it, &key, &value, &fx->err), 0);
	assert_int_equal(store_iter_next(it, &key, &value, &fx->err), 0);
	store_iter_close(it);
	store_iter_close(NULL);
	changes_free(ch);
	store_close(st);
}

struct model {
	char key[48];
	size_t key_n;
	uint64_t value; /* 0: deleted */
};

static int
model_cmp(const void *a, const void *b)
{
	const struct model *x = a, *y = b;

	return slice_cmp(slice_of(x->key, x->key_n), slice_of(y->key, y->key_n));
}

/* Keys that share beginnings, with zero bytes, and that are each other's beginnings. */
static size_t
random_key(uint64_t *random, char key[48])
{
	static const char *const begins[] = {"e", "e/person/nid:008", "e/person/nid:0084575948/", "t\0\0\0\0\0\0\0", "t\0\0\0\0\0\0\0\0\0"};
	static const size_t lengths[] = {1, 16, 24, 8, 10};
	size_t which = scratch_random(random) % 5, n = lengths[which], more = scratch_random(random) % 10;

	memcpy(key, begins[which], n);
	for (size_t i = 0; i < more; i++)
		key[n++] = (char)(scratch_random(random) % 3);
	return n;
}

static void
model_set(struct model *list, size_t *n, const struct model *one)
{
	for (size_t i = 0; i < *n; i++)
		if (model_cmp(&list[i], one) == 0) {
			list[i].value = one->value;
			return;
		}
	list[(*n)++] = *one;
}

static void
any_changes_in_any_order_end_like_a_plain_table(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct model *list = calloc(6000, sizeof *list);
	struct store_iter *it = NULL;
	struct slice key, value;
	uint64_t random = 7;
	size_t n = 0, shown = 0;

	assert_non_null(list);
	for (unsigned round = 1; round <= 6; round++) {
		for (unsigned i = 0; i < (round == 3 ? 20 : 1000); i++) {
			struct model one = {.value = scratch_random(&random) % 4 == 0 ? 0 : 1 + scratch_random(&random) % 1000000};
			char text[32];

			one.key_n = random_key(&random, one.key);
			(void)snprintf(text, sizeof text, "%llu", (unsigned long long)one.value);
			if (one.value == 0)
				assert_int_equal(changes_delete(ch, slice_of(one.key, one.key_n), &fx->err), 0);
			else
				assert_int_equal(changes_put(ch, slice_of(one.key, one.key_n), slice_str(text), &fx->err), 0);
			model_set(list, &n, &one);
		}
		checkpoint(fx, st, ch, round);
	}
	qsort(list, n, sizeof *list, model_cmp);
	assert_int_equal(store_iter_open(&it, st, slice_str(""), slice_str(""), &fx->err), 0);
	for (size_t i = 0; i < n; i++) {
		char text[32];

		if (list[i].value == 0)
			continue;
		(void)snprintf(text, sizeof text, "%llu", (unsigned long long)list[i].value);
		assert_int_equal(store_iter_next(it, &key, &value, &fx->err), 1);
		assert_true(slice_eq(key, slice_of(list[i].key, list[i].key_n)));
		assert_true(slice_eq_str(value, text));
		shown++;
	}
	assert_int_equal(store_iter_next(it, &key, &value, &fx->err), 0);
	assert_true(shown > 500);
	store_iter_close(it);
	free(list);
	changes_free(ch);
	store_close(st);
}

static void
a_large_checkpoint_becomes_several_files_and_one_step(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	size_t n = MIB;
	char *value = malloc(n);
	struct store_report report;

	assert_non_null(value);
	memset(value, 'v', n);
	for (unsigned i = 0; i < 150; i++) {
		char key[16];

		(void)snprintf(key, sizeof key, "k%03u", (i * 37) % 150);
		assert_int_equal(changes_put(ch, slice_str(key), slice_of(value, n), &fx->err), 0);
	}
	assert_true(changes_bytes(ch) > 150 * n);
	checkpoint(fx, st, ch, 3);
	assert_true(changes_bytes(ch) < 4 * n);
	assert_int_equal(store_verify(st, &report, &fx->err), 0);
	assert_int_equal(report.keys, 150);
	assert_int_equal(report.checkpoint_seq, 3);
	assert_true(report.files > 1);
	free(value);
	changes_free(ch);
	store_close(st);
}

static void
keys_and_values_have_limits(void **state)
{
	struct fixture *fx = *state;
	struct changes *ch = changes_new();
	char *big = calloc(1, LIMIT_KEY_BYTES + 1);

	assert_non_null(big);
	memset(big, 'k', LIMIT_KEY_BYTES + 1);
	assert_int_equal(changes_put(ch, slice_of(big, LIMIT_KEY_BYTES), slice_str(""), &fx->err), 0);
	assert_int_equal(changes_put(ch, slice_of(big, LIMIT_KEY_BYTES + 1), slice_str(""), &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LIMIT);
	assert_int_equal(changes_put(ch, slice_str(""), slice_str(""), &fx->err), -1);
	assert_int_equal(changes_delete(ch, slice_of("\0own", 4), &fx->err), -1);
	assert_int_equal(changes_put(ch, slice_str("k"), slice_of("", LIMIT_STORED_BYTES + 1), &fx->err), -1);
	assert_int_equal(changes_count(ch), 1);
	free(big);
	changes_free(ch);
	changes_free(NULL);
}

static void
a_checkpoint_does_not_go_back(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	checkpoint(fx, st, ch, 7);
	assert_int_equal(store_checkpoint(st, ch, 6, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
	changes_free(ch);
	store_close(st);
}

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
	    {"dideban-store 7\n", ERR_NEWER, "has format 7, this program reads 2: use a newer dideban"},
	    {"dideban-store 1\n", ERR_NEWER, "has format 1 of an earlier dideban, this program reads 2: read its events into a new store"},
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
	scratch_write(scratch_path(&fx->sc, "store/format"), "dideban-store 2\n", 16);
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

#define KEYS 300

/* Checkpoint `seq` sets every key to seq. */
static void
write_for_ever(struct fixture *fx)
{
	struct store_options opt = {.min_free_bytes = 1};
	struct store *st = open_store(fx, &opt);
	struct changes *ch = changes_new();

	for (uint64_t seq = store_checkpoint_seq(st) + 1;; seq++) {
		for (unsigned i = 0; i < KEYS; i++) {
			char key[16], value[32];

			(void)snprintf(key, sizeof key, "k%u", i * 7919 % KEYS);
			(void)snprintf(value, sizeof value, "%llu", (unsigned long long)seq);
			put(fx, ch, key, value);
		}
		checkpoint(fx, st, ch, seq);
	}
}

static void
expect_whole_checkpoint(struct fixture *fx, struct store *st)
{
	uint64_t seq = store_checkpoint_seq(st);
	char value[32];

	(void)snprintf(value, sizeof value, "%llu", (unsigned long long)seq);
	for (unsigned i = 0; i < KEYS; i++) {
		char key[16];

		(void)snprintf(key, sizeof key, "k%u", i);
		expect(fx, st, key, seq == 0 ? NULL : value);
	}
}

static void
killed_at_any_moment_a_checkpoint_is_there_whole_or_not_at_all(void **state)
{
	struct fixture *fx = *state;
	uint64_t random = 3, last = 0;

	for (unsigned round = 0; round < 12; round++) {
		struct timespec pause = {.tv_nsec = (long)(scratch_random(&random) % (120 * 1000 * 1000))};
		struct store *st;
		pid_t pid = fork();

		if (pid == 0)
			write_for_ever(fx);
		(void)nanosleep(&pause, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		st = open_store(fx, &writing);
		assert_true(store_checkpoint_seq(st) >= last);
		last = store_checkpoint_seq(st);
		expect_whole_checkpoint(fx, st);
		store_close(st);
	}
	assert_true(last > 0);
}

static void
looking_beside_a_busy_writer_sees_whole_checkpoints(void **state)
{
	struct fixture *fx = *state;
	unsigned looks = 0;
	pid_t pid = fork();

	if (pid == 0)
		write_for_ever(fx);
	for (unsigned i = 0; i < 60; i++) {
		struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
		struct store *st = NULL;

		(void)nanosleep(&pause, NULL);
		if (store_open(&st, fx->dir, &looking, &fx->err) != 0) {
			assert_int_equal(fx->err.code, ERR_USAGE); /* not made yet */
			continue;
		}
		expect_whole_checkpoint(fx, st);
		store_close(st);
		looks++;
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(looks > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_checkpoint_is_there_with_its_position_and_stays),
	    TEST(the_last_change_of_a_key_counts),
	    TEST(ranges_are_walked_in_order_and_skipped_in),
	    TEST(any_changes_in_any_order_end_like_a_plain_table),
	    TEST(a_large_checkpoint_becomes_several_files_and_one_step),
	    TEST(keys_and_values_have_limits),
	    TEST(a_checkpoint_does_not_go_back),
	    TEST(one_process_writes_and_the_other_is_told_who),
	    TEST(looking_beside_a_writer_sees_the_checkpoint_of_its_opening),
	    TEST(directories_that_are_no_store_are_left_alone),
	    TEST(formats_are_checked),
	    TEST(too_little_space_is_refused_before_anything_is_written),
	    TEST(damage_is_found_and_named),
	    TEST(a_database_without_its_file_list_is_not_begun_anew),
	    TEST(a_store_that_was_killed_while_it_was_made_is_made),
	    TEST(killed_at_any_moment_a_checkpoint_is_there_whole_or_not_at_all),
	    TEST(looking_beside_a_busy_writer_sees_whole_checkpoints),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
