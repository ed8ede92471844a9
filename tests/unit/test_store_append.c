/* What is appended to groups: the order of the pieces, the values that they become, what is refused; beside puts and deletes, in
 * files and over them. And what is a group of its own: a key without a zero byte. */
#include "tests/memory/failing.h"
#include "tests/unit/store_fixture.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

static uint64_t room; /* that the store is told to have; 0: what there is */

/* In place of the system's. */
int
statvfs(const char *restrict path, struct statvfs *restrict ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = fd < 0 ? -1 : fstatvfs(fd, ret);

	if (fd >= 0)
		(void)close(fd);
	if (rc == 0 && room != 0)
		ret->f_bavail = room / ret->f_frsize;
	return rc;
}

static void
append_bytes(struct fixture *fx, struct changes *ch, const char *group, struct slice piece)
{
	if (changes_append(ch, slice_of(group, strlen(group) + 1), piece, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
}

static void
append(struct fixture *fx, struct changes *ch, const char *group, const char *piece)
{
	append_bytes(fx, ch, group, slice_str(piece));
}

static void
expect_one_value(struct fixture *fx, struct store *st, const char *group, uint64_t seq, const char *text)
{
	struct values va;

	read_values(fx, st, group, &va);
	assert_int_equal(va.n, 1);
	assert_int_equal(va.v[0].seq, seq);
	assert_true(slice_eq_str(buf_slice(&va.all), text));
	buf_free(&va.all);
}

static void
what_a_checkpoint_appends_is_one_value_in_the_order_in_which_it_came(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	append(fx, ch, "Tp/2", "x");
	append(fx, ch, "Tp/1", "c");
	append(fx, ch, "Tp/1", "a");
	append(fx, ch, "Tp/10", "y");
	append(fx, ch, "Tp/1", "");
	append(fx, ch, "Tp/1", "b");
	append(fx, ch, "Tp/2", "x");
	append(fx, ch, "Tp/1", "c");
	append(fx, ch, "T", "z"); /* what other groups begin with */
	append(fx, ch, "Tp/3", "");
	assert_int_equal(changes_count(ch), 10);
	expect_group(fx, st, "Tp/1", ""); /* not before the checkpoint */
	checkpoint(fx, st, ch, 7);
	expect_one_value(fx, st, "Tp/1", 7, "cabc");
	expect_one_value(fx, st, "Tp/2", 7, "xx");
	expect_one_value(fx, st, "Tp/10", 7, "y");
	expect_one_value(fx, st, "T", 7, "z");
	expect_one_value(fx, st, "Tp/3", 7, "");
	expect_group(fx, st, "Tp/4", "");
	changes_free(ch);
	store_close(st);
}

/* Also where a checkpoint's number has another length, and once the files were merged. */
static void
checkpoints_follow_one_another_in_a_group(void **state)
{
	static const uint64_t seqs[] = {1, 2, 127, 128, 255, 256, 257, 65535, 65536, 0xffffffff, 0x100000000, 0x7fffffffffffffff};
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++) {
		char piece[2] = {(char)('a' + i), 0};

		append(fx, ch, "Tp/1", piece);
		if (i % 2 == 0)
			append(fx, ch, "Tp/2", piece);
		append(fx, ch, "Tp/1", "-");
		checkpoint(fx, st, ch, seqs[i]);
	}
	for (unsigned i = 0; i < 30; i++) { /* so many that files are merged */
		append(fx, ch, "Tp/3", "m");
		checkpoint(fx, st, ch, seqs[11] + 1 + i);
	}
	for (unsigned round = 0; round < 2; round++) {
		expect_group(fx, st, "Tp/1", "a-b-c-d-e-f-g-h-i-j-k-l-");
		expect_group(fx, st, "Tp/2", "acegik");
		expect_group(fx, st, "Tp/3", "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmm");
		store_close(st);
		st = open_store(fx, &looking);
	}
	changes_free(ch);
	store_close(st);
}

static void
two_checkpoints_in_a_row_are_laid_over_what_the_files_hold(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	append(fx, ch, "Tp/1", "a");
	append(fx, ch, "Tp/2", "x");
	put(fx, ch, "Iname", "1");
	put_in(fx, ch, "Ap/1", "r", "old");
	checkpoint(fx, st, ch, 3);
	store_close(st);
	st = open_store(fx, &looking);
	checkpoint(fx, st, ch, 3); /* of nothing */
	expect_group(fx, st, "Tp/1", "a");
	append(fx, ch, "Tp/1", "c");
	put(fx, ch, "Iname", "2");
	append(fx, ch, "Tp/1", "b");
	append(fx, ch, "Tp/0", "n");
	checkpoint(fx, st, ch, 4);
	expect_group(fx, st, "Tp/1", "acb");
	expect_group(fx, st, "Tp/2", "x");
	expect(fx, st, "Iname", "2");
	append(fx, ch, "Tp/2", "y");
	append(fx, ch, "Tp/1", "a");
	append(fx, ch, "Tp/0", "m");
	put_in(fx, ch, "Ap/1", "r", NULL);
	put(fx, ch, "Iname", "3");
	checkpoint(fx, st, ch, 9);
	assert_int_equal(store_checkpoint_seq(st), 9);
	for (unsigned round = 0; round < 2; round++) { /* the second walks are the first ones', used again */
		expect_group(fx, st, "Tp/0", "nm");
		expect_group(fx, st, "Tp/1", "acba");
		expect_group(fx, st, "Tp/2", "xy");
		expect_group(fx, st, "Tp/3", "");
		expect_group(fx, st, "Ap/1", "");
	}
	expect(fx, st, "Iname", "3");
	store_close(st);
	st = open_store(fx, &looking); /* it was for those eyes alone */
	assert_int_equal(store_checkpoint_seq(st), 3);
	expect_group(fx, st, "Tp/1", "a");
	expect_group(fx, st, "Tp/0", "");
	expect_group(fx, st, "Ap/1", "old");
	changes_free(ch);
	store_close(st);
}

/* `n` pieces of `bytes` each, in a checkpoint of their own. */
static void
append_long(struct fixture *fx, struct store *st, struct changes *ch, const char *group, unsigned n, size_t bytes, uint64_t seq, struct buf *all)
{
	struct buf piece = {0};

	for (unsigned i = 0; i < n; i++) {
		buf_clear(&piece);
		fill_bytes(&piece, bytes, i);
		append_bytes(fx, ch, group, buf_slice(&piece));
		append(fx, ch, "Tbeside", "-");
		buf_add_slice(all, buf_slice(&piece));
	}
	assert_true(buf_ok(&piece) && buf_ok(all));
	checkpoint(fx, st, ch, seq);
	buf_free(&piece);
}

static void
what_is_long_becomes_parts_that_end_where_pieces_do(void **state)
{
	struct fixture *fx = *state;
	struct changes *ch = changes_new();

	for (unsigned overlay = 0; overlay < 2; overlay++) {
		struct store *st = open_store(fx, &writing);
		struct buf all = {0}, many = {0};
		struct values va;

		checkpoint(fx, st, ch, 1 + overlay * 10);
		if (overlay) {
			store_close(st);
			st = open_store(fx, &looking);
		}
		append_long(fx, st, ch, overlay ? "To" : "Tf", 100, 1000, 3 + overlay * 10, &all);
		append_long(fx, st, ch, overlay ? "To" : "Tf", 70, 1000, 4 + overlay * 10, &all);
		read_values(fx, st, overlay ? "To" : "Tf", &va);
		assert_true(slice_eq(buf_slice(&va.all), buf_slice(&all)));
		assert_int_equal(va.n, 4 + 3); /* 33 pieces are over the size of a part */
		for (unsigned i = 0; i < va.n; i++) {
			assert_true(va.v[i].n % 1000 == 0 && va.v[i].n < PART_BYTES + 1000);
			assert_true(i == 3 || i == 6 || va.v[i].n >= PART_BYTES);
		}
		buf_free(&va.all);
		/* So many that the part's number has two bytes. */
		append_long(fx, st, ch, overlay ? "To+" : "Tf+", 300, PART_BYTES, 5 + overlay * 10, &many);
		read_values(fx, st, overlay ? "To+" : "Tf+", &va);
		assert_int_equal(va.n, 300);
		assert_true(slice_eq(buf_slice(&va.all), buf_slice(&many)));
		buf_free(&va.all);
		buf_free(&all);
		buf_free(&many);
		store_close(st);
	}
	changes_free(ch);
}

static void
a_piece_longer_than_a_part_stays_whole(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct buf all = {0}, large = {0};
	struct values va;

	fill_bytes(&large, 100000, 1);
	append_bytes(fx, ch, "Talone", buf_slice(&large));
	append(fx, ch, "Tbetween", "a");
	append_bytes(fx, ch, "Tbetween", buf_slice(&large));
	append(fx, ch, "Tbetween", "b");
	append(fx, ch, "Tbetween", "c");
	append_bytes(fx, ch, "Ttwice", buf_slice(&large));
	append_bytes(fx, ch, "Ttwice", buf_slice(&large));
	append_bytes(fx, ch, "Texact", slice_of(large.p, PART_BYTES));
	append_bytes(fx, ch, "Texact", slice_of(large.p, PART_BYTES - 1));
	append(fx, ch, "Texact", "z");
	checkpoint(fx, st, ch, 2);

	read_values(fx, st, "Talone", &va);
	assert_int_equal(va.n, 1);
	assert_true(slice_eq(buf_slice(&va.all), buf_slice(&large)));
	buf_free(&va.all);

	buf_add_str(&all, "a");
	buf_add_slice(&all, buf_slice(&large));
	buf_add_str(&all, "bc");
	read_values(fx, st, "Tbetween", &va);
	assert_int_equal(va.n, 2);
	assert_int_equal(va.v[0].n, 100001);
	assert_true(slice_eq(buf_slice(&va.all), buf_slice(&all)));
	buf_free(&va.all);

	read_values(fx, st, "Ttwice", &va);
	assert_int_equal(va.n, 2);
	assert_int_equal(va.v[0].n, 100000);
	buf_free(&va.all);

	read_values(fx, st, "Texact", &va); /* no part is empty */
	assert_int_equal(va.n, 2);
	assert_int_equal(va.v[0].n, PART_BYTES);
	assert_int_equal(va.v[1].n, PART_BYTES);
	buf_free(&va.all);
	buf_free(&all);
	buf_free(&large);
	changes_free(ch);
	store_close(st);
}

static void
puts_deletes_and_appends_of_one_set_do_not_touch_each_other(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	put(fx, ch, "gone", "1");
	put_in(fx, ch, "Ap/1", "gone", "1");
	checkpoint(fx, st, ch, 1);
	append(fx, ch, "Tp/1", "1");
	put(fx, ch, "Tp/1", "the group's name without its zero");
	put_in(fx, ch, "Ap/1", "a", "x");
	append(fx, ch, "Tp/2", "2");
	assert_int_equal(changes_delete(ch, slice_str("gone"), &fx->err), 0);
	put_in(fx, ch, "Ap/1", "gone", NULL);
	put(fx, ch, "Tp/1\1", "behind the group");
	append(fx, ch, "Tp/1", "3");
	put(fx, ch, "a", "4");
	put(fx, ch, "a", "5");
	append(fx, ch, "Tp/2", "6");
	put_in(fx, ch, "Ap/1", "b", "y");
	checkpoint(fx, st, ch, 2);
	for (unsigned round = 0; round < 2; round++) {
		expect_group(fx, st, "Tp/1", "13");
		expect_group(fx, st, "Tp/2", "26");
		expect_group(fx, st, "Ap/1", "xy");
		expect(fx, st, "Tp/1", "the group's name without its zero");
		expect(fx, st, "Tp/1\1", "behind the group");
		expect(fx, st, "a", "5");
		expect(fx, st, "gone", NULL);
		store_close(st);
		st = open_store(fx, &looking);
	}
	changes_free(ch);
	store_close(st);
}

static void
append_shared(struct fixture *fx, struct changes *ch, const char *group, const char *begin, struct slice end)
{
	if (changes_append_shared(ch, slice_of(group, strlen(group) + 1), slice_str(begin), end, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
}

static struct slice
share(struct fixture *fx, struct changes *ch, const char *text)
{
	char *mine = strdup(text); /* the set has a copy of its own */
	struct slice end;

	assert_non_null(mine);
	assert_int_equal(changes_share(ch, slice_str(mine), &end, &fx->err), 0);
	memset(mine, '#', strlen(mine));
	free(mine);
	return end;
}

static void
pieces_of_several_groups_end_in_the_same_bytes(void **state)
{
	struct fixture *fx = *state;

	for (unsigned look = 0; look < 2; look++) {
		struct store *st = open_store(fx, look ? &looking : &writing);
		struct changes *ch = changes_new();
		struct slice end = share(fx, ch, "-end"), none = share(fx, ch, ""), other;
		size_t before;

		append_shared(fx, ch, "Tp/1", "a", end);
		before = changes_bytes(ch);
		append_shared(fx, ch, "Tp/2", "b", end);
		append(fx, ch, "Tp/1", "whole");
		other = share(fx, ch, "+another");
		append_shared(fx, ch, "Tp/1", "", other);
		append_shared(fx, ch, "Tp/2", "c", none);
		append_shared(fx, ch, "Tp/1", "d", end);
		assert_true(changes_bytes(ch) > before);
		checkpoint(fx, st, ch, 2 * look + 1);
		expect_group(fx, st, "Tp/1", look ? "a-endwhole+anotherd-enda-endwhole+anotherd-end" : "a-endwhole+anotherd-end");
		expect_group(fx, st, "Tp/2", look ? "b-endc!b-endc" : "b-endc");
		end = share(fx, ch, "!"); /* of the next checkpoint */
		append_shared(fx, ch, "Tp/2", "", end);
		checkpoint(fx, st, ch, 2 * look + 2);
		expect_group(fx, st, "Tp/2", look ? "b-endc!b-endc!" : "b-endc!");
		changes_free(ch);
		store_close(st);
	}
}

/* An end of 200 bytes in a thousand groups is in memory once. */
static void
an_end_costs_its_bytes_once(void **state)
{
	struct fixture *fx = *state;
	struct changes *ch = changes_new();
	char text[201];
	struct slice end;
	size_t before;

	memset(text, 'e', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	before = changes_bytes(ch);
	end = share(fx, ch, text);
	for (unsigned i = 0; i < 1000; i++)
		append_shared(fx, ch, "Tp/1", "b", end);
	assert_true(changes_bytes(ch) - before < 1000 * 100);
	changes_free(ch);
}

/* In the files it stands once in each group: what is free must do for that. */
static void
an_end_is_counted_with_each_piece_before_a_checkpoint_is_written(void **state)
{
	struct fixture *fx = *state;
	const struct store_options careful = {.min_free_bytes = 1};
	struct store *st = open_store(fx, &careful);
	struct changes *ch = changes_new();
	char *text = calloc(1, MIB);
	struct slice end;

	assert_non_null(text);
	assert_int_equal(changes_share(ch, slice_of(text, MIB), &end, &fx->err), 0);
	for (unsigned i = 0; i < 30; i++) {
		char group[16];

		(void)snprintf(group, sizeof group, "Tp/%u", i);
		append_shared(fx, ch, group, "b", end);
	}
	room = 50 * MIB;
	assert_int_equal(store_checkpoint(st, ch, 1, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_FULL);
	room = 70 * MIB;
	checkpoint(fx, st, ch, 1);
	room = 30 * MIB;
	append(fx, ch, "Tp/1", "little");
	checkpoint(fx, st, ch, 2);
	room = 0;
	free(text);
	changes_free(ch);
	store_close(st);
}

/* Else a node whose set was large once would cut a checkpoint after each batch: one is due when this reaches some size. */
static void
what_an_emptied_set_keeps_is_not_counted(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	for (unsigned i = 0; i < 300000; i++) {
		char key[16];

		(void)snprintf(key, sizeof key, "k%u", i);
		put(fx, ch, key, "");
	}
	assert_true(changes_bytes(ch) > 300000 * 32);
	checkpoint(fx, st, ch, 1);
	assert_int_equal(changes_bytes(ch), 0);
	changes_free(ch);
	store_close(st);
}

static void
what_is_no_group_cannot_be_appended_to(void **state)
{
	static const struct {
		const char *group;
		size_t n;
	} wrong[] = {{"", 0}, {"Tp/1", 4}, {"T\0p\0", 4}, {"T\0p", 3}, {"T\0\0", 3}, {"\0", 1}, {"\0\0", 2}, {"\0own\0", 5}};
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	char *longest = calloc(1, LIMIT_KEY_BYTES);

	assert_non_null(longest);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		fx->err.code = ERR_NONE;
		assert_int_equal(changes_append(ch, slice_of(wrong[i].group, wrong[i].n), slice_str("x"), &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_LIMIT);
	}
	/* The checkpoint and the part follow in the key: 10 bytes. */
	memset(longest, 'k', LIMIT_KEY_BYTES - 10);
	assert_int_equal(changes_append(ch, slice_of(longest, LIMIT_KEY_BYTES - 9), slice_str("x"), &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LIMIT);
	assert_int_equal(changes_append(ch, slice_of("T", 2), slice_of("", LIMIT_STORED_BYTES + 1), &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LIMIT);
	fx->err.code = ERR_NONE; /* the halves together */
	assert_int_equal(changes_append_shared(ch, slice_of("T", 2), slice_str("x"), slice_of("", LIMIT_STORED_BYTES), &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LIMIT);
	assert_int_equal(changes_count(ch), 0);
	longest[LIMIT_KEY_BYTES - 11] = 0;
	assert_int_equal(changes_append(ch, slice_of(longest, LIMIT_KEY_BYTES - 10), slice_str("x"), &fx->err), 0);
	checkpoint(fx, st, ch, 1);
	expect_one_value(fx, st, longest, 1, "x");
	free(longest);
	changes_free(ch);
	store_close(st);
}

static void
a_checkpoint_of_the_same_record_may_put_but_not_append(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	append(fx, ch, "Tp/1", "a");
	checkpoint(fx, st, ch, 5);
	for (unsigned round = 0; round < 2; round++) {
		uint64_t seq = 5 + round;

		put(fx, ch, "k", "1");
		append(fx, ch, "Tp/1", "b");
		assert_int_equal(store_checkpoint(st, ch, seq, &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_CORRUPT);
		assert_non_null(strstr(fx->err.text, round == 0 ? "checkpoint of record 5" : "checkpoint of record 6"));
		expect_group(fx, st, "Tp/1", round == 0 ? "a" : "ab");
		checkpoint(fx, st, ch, seq + 1); /* the set is still whole */
		put(fx, ch, "k", "2");
		checkpoint(fx, st, ch, seq + 1);
		checkpoint(fx, st, ch, seq + 1); /* an empty one too */
		expect_group(fx, st, "Tp/1", round == 0 ? "ab" : "abb");
		expect(fx, st, "k", "2");
		store_close(st);
		st = open_store(fx, &looking); /* which is asked the same */
		assert_int_equal(store_checkpoint_seq(st), 6);
	}
	changes_free(ch);
	store_close(st);
}

/* --- when memory runs out over the files ---------------------------------------------------------------------------- */

/* Every value is larger than a block of the arena, so that each is an allocation of its own. */
static void
gather_large(struct fixture *fx, struct changes *ch, const char *large)
{
	put(fx, ch, "Ik", large);
	put(fx, ch, "Ia", large);
	append(fx, ch, "Tp/1", large);
	put(fx, ch, "Ib", "new");
	append(fx, ch, "Tp/1", large);
	append(fx, ch, "Tp/2", large);
}

static void
a_checkpoint_over_the_files_that_fails_leaves_nothing_behind(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	char *large = malloc(2 * MIB);
	unsigned failures = 0;
	int rc = -1;

	assert_non_null(large);
	memset(large, 'x', 2 * MIB - 1);
	large[2 * MIB - 1] = 0;
	append(fx, ch, "Tp/1", "a");
	put(fx, ch, "Iz", "0");
	checkpoint(fx, st, ch, 1);
	store_close(st);
	for (unsigned at = 1; rc != 0; at++) {
		st = open_store(fx, &looking);
		append(fx, ch, "Tp/1", "b");
		put(fx, ch, "Ik", "1");
		put(fx, ch, "Iz", "1");
		checkpoint(fx, st, ch, 2);
		gather_large(fx, ch, large);
		failing_start(at, false);
		rc = store_checkpoint(st, ch, 3, &fx->err);
		(void)failing_stop();
		if (rc != 0) {
			failures++;
			assert_int_equal(fx->err.code, ERR_NOMEM);
			assert_int_equal(store_checkpoint_seq(st), 2);
			expect(fx, st, "Ia", NULL);
			expect(fx, st, "Ib", NULL);
			expect(fx, st, "Ik", "1");
			expect(fx, st, "Iz", "1");
			expect_keys(fx, st, "I", "J", "Ik Iz");
			expect_group(fx, st, "Tp/1", "ab");
			expect_group(fx, st, "Tp/2", "");
			/* As after a failure of the files: whoever goes on would go on without what was lost. */
			assert_int_equal(store_checkpoint(st, ch, 4, &fx->err), -1);
			assert_int_equal(fx->err.code, ERR_IO);
			changes_free(ch);
			ch = changes_new();
		}
		store_close(st);
	}
	assert_true(failures > 5);
	free(large);
	changes_free(ch);
}

/* --- keys that are groups of their own -------------------------------------------------------------------------------- */

#define FILES 12
#define A_FILE 400

static void
look_up_name(unsigned file, unsigned i, bool there, char ret[32])
{
	(void)snprintf(ret, 32, "I%08x%c%u", (file * A_FILE + i) * 2654435761u, there ? '=' : '!', file);
}

static void
a_key_without_a_zero_is_found_in_its_file_and_missed_without_reading(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct store_reads before, after;
	char name[32], value[1001];

	memset(value, 'v', sizeof value);
	value[sizeof value - 1] = 0;
	put(fx, ch, "A", "the file of the last level, which no filter guards");
	checkpoint(fx, st, ch, 1);
	for (unsigned f = 0; f < FILES; f++) {
		for (unsigned i = 0; i < A_FILE; i++) {
			look_up_name(f, i, true, name);
			put(fx, ch, name, value);
		}
		checkpoint(fx, st, ch, 2 + f);
	}
	store_close(st);
	st = open_store(fx, &looking);
	store_reads(st, &before);
	for (unsigned i = 0; i < FILES * A_FILE; i += 10) {
		look_up_name(i % FILES, i / FILES, false, name);
		expect(fx, st, name, NULL);
	}
	store_reads(st, &after);
	assert_int_equal(after.gets - before.gets, FILES * A_FILE / 10);
	/* One in a hundred is taken for one that a file holds; unguarded, each asks all files, some 1,200 blocks. */
	if (after.blocks - before.blocks > FILES * A_FILE / 10 / 4)
		fail_msg("%llu blocks", (unsigned long long)(after.blocks - before.blocks));
	for (unsigned i = 0; i < FILES * A_FILE; i++) {
		look_up_name(i % FILES, i / FILES, true, name);
		expect(fx, st, name, value);
	}
	changes_free(ch);
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_a_checkpoint_appends_is_one_value_in_the_order_in_which_it_came),
	    TEST(checkpoints_follow_one_another_in_a_group),
	    TEST(two_checkpoints_in_a_row_are_laid_over_what_the_files_hold),
	    TEST(what_is_long_becomes_parts_that_end_where_pieces_do),
	    TEST(a_piece_longer_than_a_part_stays_whole),
	    TEST(puts_deletes_and_appends_of_one_set_do_not_touch_each_other),
	    TEST(pieces_of_several_groups_end_in_the_same_bytes),
	    TEST(an_end_costs_its_bytes_once),
	    TEST(an_end_is_counted_with_each_piece_before_a_checkpoint_is_written),
	    TEST(what_an_emptied_set_keeps_is_not_counted),
	    TEST(what_is_no_group_cannot_be_appended_to),
	    TEST(a_checkpoint_of_the_same_record_may_put_but_not_append),
	    TEST(a_checkpoint_over_the_files_that_fails_leaves_nothing_behind),
	    TEST(a_key_without_a_zero_is_found_in_its_file_and_missed_without_reading),
	};

	return cmocka_run_group_tests_name("store_append", tests, NULL, NULL);
}
