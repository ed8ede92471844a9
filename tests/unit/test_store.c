#include "tests/unit/store_fixture.h"

#include <time.h>

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

static void
what_files_are_asked_for_is_counted_and_what_memory_answers_is_not(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct store_reads reads;
	char large[10000];

	memset(large, 'x', sizeof large);
	large[sizeof large - 1] = 0;
	put(fx, ch, "0", large); /* "a" lies in another block than what opening reads */
	put(fx, ch, "a", "1");
	checkpoint(fx, st, ch, 1);
	store_close(st);
	st = open_store(fx, &writing);
	store_reads(st, &reads);
	assert_int_equal(reads.gets + reads.walks + reads.blocks + reads.bytes, 0); /* opening is not counted */
	expect(fx, st, "a", "1");
	store_reads(st, &reads);
	assert_int_equal(reads.gets, 1);
	assert_true(reads.blocks >= 1 && reads.bytes > reads.blocks);
	expect_keys(fx, st, "a", "b", "a");
	put(fx, ch, "b", "2");
	checkpoint(fx, st, ch, 2);
	store_close(st);
	st = open_store(fx, &looking);
	put(fx, ch, "c", "3");
	checkpoint(fx, st, ch, 3); /* stays in memory */
	expect(fx, st, "c", "3");
	expect(fx, st, "b", "2");
	store_reads(st, &reads);
	assert_int_equal(reads.gets, 1);
	assert_int_equal(reads.walks, 0);
	expect_keys(fx, st, "a", "d", "a b c");
	store_reads(st, &reads);
	assert_int_equal(reads.walks, 1);
	changes_free(ch);
	store_close(st);
}

/* A checkpoint's own file has its index in one piece, in memory as long as it is unmerged; merged files are large and many. */
static void
a_look_up_reads_little_of_a_large_merged_file_through_a_small_cache(void **state)
{
	struct fixture *fx = *state;
	const struct store_options small = {.temporary = true, .cache_bytes = 64 * KIB};
	struct store *st = open_store(fx, &small);
	struct changes *ch = changes_new();
	struct store_reads reads;
	struct store_report report;
	char key[32], value[101];

	memset(value, 'x', sizeof value);
	value[sizeof value - 1] = 0;
	for (unsigned part = 0; part < 30; part++) {
		for (unsigned i = 0; i < 10000; i++) {
			(void)snprintf(key, sizeof key, "key %u", 30 * i + part);
			put(fx, ch, key, value);
		}
		checkpoint(fx, st, ch, part + 1);
	}
	do /* until they are merged, which goes on beside us */
		assert_int_equal(store_verify(st, &report, &fx->err), 0);
	while (report.files > 10);
	assert_int_equal(report.keys, 300000);
	store_close(st);
	st = open_store(fx, &small);
	expect(fx, st, "key 123456", value);
	store_reads(st, &reads);
	assert_true(reads.bytes > 0 && reads.bytes < 32 * KIB); /* its index in one piece has more than 100 KiB */
	changes_free(ch);
	store_close(st);
}

static void
a_group_is_walked_whole_over_many_checkpoints(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct store_iter *it;

	put_in(fx, ch, "Tp/1", "b", "2");
	put_in(fx, ch, "Tp/10", "a", "x");
	put_in(fx, ch, "Tp/1", "", "0");
	put(fx, ch, "Tp/1", "no group");
	checkpoint(fx, st, ch, 1);
	put_in(fx, ch, "Tp/2", "a", "y");
	checkpoint(fx, st, ch, 2);
	put_in(fx, ch, "Tp/1", "a", "1");
	put_in(fx, ch, "Tp/1", "c", "3");
	checkpoint(fx, st, ch, 3);
	put_in(fx, ch, "Tp/1", "b", NULL);
	put_in(fx, ch, "Tp/1", "c", "4");
	for (unsigned i = 0; i < 30; i++) { /* so many that files are merged */
		char group[16];

		(void)snprintf(group, sizeof group, "Tq/%u", i);
		put_in(fx, ch, group, "a", "z");
		checkpoint(fx, st, ch, 4 + i);
	}
	for (unsigned round = 0; round < 2; round++) {
		expect_group(fx, st, "Tp/1", "014");
		expect_group(fx, st, "Tp/10", "x");
		expect_group(fx, st, "Tp/2", "y");
		expect_group(fx, st, "Tp/3", "");
		expect_group(fx, st, "Tq/7", "z");
		store_close(st);
		st = open_store(fx, round == 0 ? &looking : &writing);
	}
	/* What has no zero byte at its end, or one before it, is no group. */
	assert_int_equal(store_iter_open_group(&it, st, slice_str("Tp/1"), &fx->err), -1);
	assert_int_equal(store_iter_open_group(&it, st, slice_of("T\0x\0", 4), &fx->err), -1);
	changes_free(ch);
	store_close(st);
}

static void
one_walk_serves_for_the_next_until_a_checkpoint_and_two_at_once_are_two(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct store_iter *one = NULL, *two = NULL;
	struct slice key, value;

	for (unsigned i = 0; i < 200; i++) {
		char group[16], rest[16];

		(void)snprintf(group, sizeof group, "Tp/%u", i % 20);
		(void)snprintf(rest, sizeof rest, "%03u", i);
		put_in(fx, ch, group, rest, i < 20 ? "a" : "b");
		if (i % 50 == 49)
			checkpoint(fx, st, ch, i);
	}
	for (unsigned i = 0; i < 40; i++) { /* back and forth, also to groups that are not there */
		char group[16];

		(void)snprintf(group, sizeof group, "Tp/%u", i * 7 % 30);
		expect_group(fx, st, group, i * 7 % 30 < 20 ? "abbbbbbbbb" : "");
		if (i % 10 == 9)
			store_rest(st);
	}
	assert_int_equal(store_iter_open_group(&one, st, slice_of("Tp/3", 5), &fx->err), 0);
	assert_int_equal(store_iter_next(one, &key, &value, &fx->err), 1);
	assert_int_equal(store_iter_open_group(&two, st, slice_of("Tp/4", 5), &fx->err), 0);
	assert_int_equal(store_iter_next(two, &key, &value, &fx->err), 1);
	assert_true(slice_eq(key, slice_of("Tp/4\000004", 8)));
	assert_int_equal(store_iter_next(one, &key, &value, &fx->err), 1);
	assert_true(slice_eq(key, slice_of("Tp/3\000023", 8)));
	store_iter_close(two);
	store_iter_close(one);
	put_in(fx, ch, "Tp/3", "900", "c");
	put_in(fx, ch, "Tp/3", "023", NULL);
	checkpoint(fx, st, ch, 1000);
	expect_group(fx, st, "Tp/3", "abbbbbbbbc");
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
			if (round > 3 && scratch_random(&random) % 200 == 0)
				assert_int_equal(store_spill(st, ch, &fx->err), 0);
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
			if (seq % 2 == 0 && i % (KEYS / 3) == 0)
				assert_int_equal(store_spill(st, ch, &fx->err), 0);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_checkpoint_is_there_with_its_position_and_stays),
	    TEST(the_last_change_of_a_key_counts),
	    TEST(ranges_are_walked_in_order_and_skipped_in),
	    TEST(a_look_up_reads_little_of_a_large_merged_file_through_a_small_cache),
	    TEST(what_files_are_asked_for_is_counted_and_what_memory_answers_is_not),
	    TEST(a_group_is_walked_whole_over_many_checkpoints),
	    TEST(one_walk_serves_for_the_next_until_a_checkpoint_and_two_at_once_are_two),
	    TEST(any_changes_in_any_order_end_like_a_plain_table),
	    TEST(a_large_checkpoint_becomes_several_files_and_one_step),
	    TEST(keys_and_values_have_limits),
	    TEST(a_checkpoint_does_not_go_back),
	    TEST(killed_at_any_moment_a_checkpoint_is_there_whole_or_not_at_all),
	    TEST(looking_beside_a_busy_writer_sees_whole_checkpoints),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
