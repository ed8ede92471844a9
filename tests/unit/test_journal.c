#include "state/journal/journal.h"
#include "state/journal/segment.h"

#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#define SEGMENT 4096u

struct fixture {
	struct scratch sc;
	const char *dir;
	char dir_text[PATH_MAX];
	struct err err;
};

static int
setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);

	if (fx == NULL)
		return -1;
	scratch_open(&fx->sc);
	(void)snprintf(fx->dir_text, sizeof fx->dir_text, "%s/journal", fx->sc.dir);
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

static struct journal *
open_with(struct fixture *fx, const struct journal_options *opt)
{
	struct journal *jo = NULL;

	if (journal_open(&jo, fx->dir, opt, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	return jo;
}

static struct journal *
open_small(struct fixture *fx)
{
	struct journal_options opt = {.segment_bytes = SEGMENT};

	return open_with(fx, &opt);
}

/* The payload of record `seq`: some bytes that say which it is. */
static size_t
payload_of(uint64_t seq, char to[2000])
{
	uint64_t random = seq;
	size_t n = (size_t)(scratch_random(&random) % 500);

	for (size_t i = 0; i < n; i++)
		to[i] = (char)(seq + i * 7);
	return n;
}

static void
append(struct fixture *fx, struct journal *jo, bool sync)
{
	char payload[2000];
	size_t n = payload_of(journal_last(jo) + 1, payload);
	struct slice parts[3] = {{payload, n / 3}, {payload, 0}, {payload + n / 3, n - n / 3}};
	uint64_t seq, at, before = journal_last(jo);

	if (journal_append(jo, (uint8_t)(1 + before % 255), parts, 3, &seq, &at, &fx->err) != 0 || (sync && journal_sync(jo, &fx->err) != 0))
		fail_msg("%s", fx->err.text);
	assert_int_equal(seq, before + 1);
}

/* Reads from `from`; each record is as it was written. Returns the last sequence, or UINT64_MAX if reading failed. */
static uint64_t
read_from(struct fixture *fx, struct journal *jo, uint64_t from)
{
	struct journal_reader *rd = NULL;
	uint64_t seq, at, last = from == 0 ? 0 : from - 1;
	struct slice payload;
	uint8_t kind;
	int rc;

	assert_int_equal(journal_reader_open(&rd, jo, from, &fx->err), 0);
	while ((rc = journal_reader_next(rd, &seq, &kind, &payload, &at, &fx->err)) == 1) {
		char want[2000], again[2000];
		size_t n = payload_of(seq, want);

		assert_int_equal(seq, last + 1);
		assert_int_equal(kind, 1 + (seq - 1) % 255);
		assert_true(slice_eq(payload, slice_of(want, n)));
		assert_int_equal(journal_read_at(jo, at, again, n, &fx->err), 0);
		assert_memory_equal(again, want, n);
		last = seq;
	}
	journal_reader_close(rd);
	return rc == 0 ? last : UINT64_MAX;
}

/* Without syncs, for tests that open hundreds of times. */
static struct journal *
open_quick(struct fixture *fx)
{
	struct journal_options opt = {.segment_bytes = SEGMENT, .no_sync = true};

	return open_with(fx, &opt);
}

static void
close_journal(struct fixture *fx, struct journal *jo)
{
	if (journal_close(jo, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
}

/* Writes n records, as a process that then dies without closing. */
static void
write_and_die(struct fixture *fx, unsigned n, bool sync)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct journal *jo = open_small(fx);

		for (unsigned i = 0; i < n; i++)
			append(fx, jo, sync);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static const char *
first_segment(const struct fixture *fx)
{
	static char path[PATH_MAX];

	assert_true(scratch_find(fx->dir, ".seg", path));
	return path;
}

static void
records_come_back_in_order_also_after_reopening_and_from_any_sequence(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo;

	for (unsigned round = 0; round < 3; round++) {
		jo = open_small(fx);
		assert_int_equal(journal_last(jo), round * 60);
		assert_int_equal(read_from(fx, jo, 1), round * 60);
		for (unsigned i = 0; i < 60; i++)
			append(fx, jo, i % 3 == 0);
		assert_int_equal(read_from(fx, jo, 0), (round + 1) * 60);
		close_journal(fx, jo);
	}
	jo = open_small(fx);
	assert_true(journal_segments(jo) > 8); /* more than descriptors are kept for */
	for (uint64_t from = 1; from <= 180; from++)
		assert_int_equal(read_from(fx, jo, from), 180);
	assert_int_equal(read_from(fx, jo, 181), 180);
	assert_int_equal(read_from(fx, jo, 1000), 999); /* nothing */
	close_journal(fx, jo);
}

static void
an_open_reader_sees_what_is_appended_meanwhile(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo = open_small(fx);
	struct journal_reader *rd = NULL;
	struct slice payload;
	uint64_t seq;
	uint8_t kind;

	assert_int_equal(journal_reader_open(&rd, jo, 1, &fx->err), 0);
	assert_int_equal(journal_reader_next(rd, &seq, &kind, &payload, NULL, &fx->err), 0);
	for (uint64_t i = 1; i <= 50; i++) {
		append(fx, jo, false);
		assert_int_equal(journal_reader_next(rd, &seq, &kind, &payload, NULL, &fx->err), 1);
		assert_int_equal(seq, i);
		assert_int_equal(journal_reader_next(rd, &seq, &kind, &payload, NULL, &fx->err), 0);
	}
	journal_reader_close(rd);
	close_journal(fx, jo);
}

static void
a_record_larger_than_a_segment_gets_one_of_its_own(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo = open_small(fx);
	size_t n = 3 * 1024 * 1024;
	char *big = malloc(n), *back = malloc(n);
	struct slice part = {big, n};
	struct journal_reader *rd = NULL;
	uint64_t seq, at;
	uint8_t kind;

	assert_true(big != NULL && back != NULL);
	for (size_t i = 0; i < n; i++)
		big[i] = (char)(i * 31);
	for (unsigned i = 0; i < 3; i++) {
		append(fx, jo, true);
		assert_int_equal(journal_append(jo, 9, &part, 1, &seq, &at, &fx->err), 0);
		assert_int_equal(journal_read_at(jo, at, back, n, &fx->err), 0);
		assert_memory_equal(big, back, n);
	}
	close_journal(fx, jo);
	jo = open_small(fx);
	assert_int_equal(journal_last(jo), 6);
	assert_int_equal(journal_reader_open(&rd, jo, 6, &fx->err), 0);
	assert_int_equal(journal_reader_next(rd, &seq, &kind, &part, &at, &fx->err), 1);
	assert_int_equal(seq, 6);
	assert_true(slice_eq(part, slice_of(big, n)));
	assert_int_equal(journal_reader_next(rd, &seq, &kind, &part, &at, &fx->err), 0);
	journal_reader_close(rd);
	close_journal(fx, jo);
	free(big);
	free(back);
}

static void
a_record_over_the_limits_is_refused_and_harms_nothing(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo = open_small(fx);
	struct slice parts[100] = {{NULL, 0}}, huge = {"", (size_t)1 << 40};
	uint64_t seq, at;

	assert_int_equal(journal_append(jo, 1, &huge, 1, &seq, &at, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LIMIT);
	assert_int_equal(journal_append(jo, 1, parts, 100, &seq, &at, &fx->err), -1);
	assert_int_equal(journal_append(jo, 0, parts, 1, &seq, &at, &fx->err), -1);
	append(fx, jo, true);
	assert_int_equal(read_from(fx, jo, 1), 1);
	close_journal(fx, jo);
}

static void
places_outside_the_journal_are_refused(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo = open_small(fx);
	char c;

	append(fx, jo, true);
	assert_int_equal(journal_read_at(jo, 1000000, &c, 1, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
	assert_int_equal(journal_read_at(jo, UINT64_MAX, &c, 1, &fx->err), -1);
	assert_int_equal(journal_read_at(jo, 0, &c, SIZE_MAX, &fx->err), -1);
	close_journal(fx, jo);
}

/* The bytes of a journal directory with one segment, to be put back again and again. */
struct snapshot {
	char segment[2 * SEGMENT], head[1024];
	size_t n_segment, n_head;
	char path[PATH_MAX];
};

static void
snapshot_take(const struct fixture *fx, struct snapshot *sn)
{
	(void)snprintf(sn->path, sizeof sn->path, "%s", first_segment(fx));
	sn->n_segment = scratch_read(sn->path, sn->segment, sizeof sn->segment);
	sn->n_head = scratch_read(scratch_path(&fx->sc, "journal/head"), sn->head, sizeof sn->head);
}

static void
snapshot_put(const struct fixture *fx, const struct snapshot *sn)
{
	scratch_write(sn->path, sn->segment, sn->n_segment);
	scratch_write(scratch_path(&fx->sc, "journal/head"), sn->head, sn->n_head);
}

/* File offset behind record `seq`. */
static size_t
end_of(const struct snapshot *sn, uint64_t seq)
{
	size_t offset = SEGMENT_HEAD_BYTES;
	struct record re;

	do {
		record_head_read(sn->segment + offset, &re);
		offset += RECORD_HEAD_BYTES + re.length;
	} while (re.seq < seq);
	return offset;
}

static void
a_torn_last_record_is_cut_wherever_it_was_torn(void **state)
{
	struct fixture *fx = *state;
	struct snapshot sn;
	size_t begin, end;

	write_and_die(fx, 4, true);
	snapshot_take(fx, &sn);
	begin = end_of(&sn, 3);
	end = end_of(&sn, 4);
	for (size_t cut = begin; cut < end; cut++) {
		for (unsigned how = 0; how < 3; how++) {
			struct snapshot torn = sn;
			struct journal *jo;

			if (how == 0)
				torn.n_segment = cut; /* the file ends */
			else if (how == 1)
				memset(torn.segment + cut, 0, end - cut); /* zeros from here */
			else
				torn.segment[cut] = (char)(torn.segment[cut] ^ 0x10); /* one bit, nothing behind it */
			if (memcmp(torn.segment, sn.segment, sn.n_segment) == 0 && how != 0)
				continue;
			snapshot_put(fx, &torn);
			jo = open_quick(fx);
			assert_int_equal(journal_last(jo), 3);
			append(fx, jo, true);
			append(fx, jo, true);
			close_journal(fx, jo);
			jo = open_quick(fx);
			assert_int_equal(read_from(fx, jo, 1), 5);
			close_journal(fx, jo);
		}
	}
}

static void
any_damage_before_the_last_record_is_named_and_refused(void **state)
{
	struct fixture *fx = *state;
	struct snapshot sn;
	size_t end;

	write_and_die(fx, 4, true);
	snapshot_take(fx, &sn);
	end = end_of(&sn, 3);
	for (size_t at = 0; at < end; at++) {
		struct snapshot bad = sn;
		struct journal *jo = NULL;

		bad.segment[at] = (char)(bad.segment[at] ^ (1 << at % 8));
		snapshot_put(fx, &bad);
		assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
		assert_true(fx->err.code == ERR_CORRUPT || (fx->err.code == ERR_NEWER && at >= 8 && at < 12));
		assert_non_null(strstr(fx->err.text, ".seg"));
		/* And nothing was changed: with the bit back it opens. */
		bad.segment[at] = (char)(bad.segment[at] ^ (1 << at % 8));
		snapshot_put(fx, &bad);
	}
	/* A lost sector hides the whole head of a record and more; the last record still proves that it was there. */
	for (size_t at = SEGMENT_HEAD_BYTES; at + 40 < end; at += 13) {
		struct snapshot bad = sn;
		struct journal *jo = NULL;

		memset(bad.segment + at, 0, end - at < 300 ? end - at : 300);
		if (memcmp(bad.segment, sn.segment, sn.n_segment) == 0)
			continue;
		snapshot_put(fx, &bad);
		assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_CORRUPT);
	}
	snapshot_put(fx, &sn);
	close_journal(fx, open_small(fx));
}

static void
damage_below_head_is_refused_also_in_the_last_record(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo = open_small(fx);
	struct snapshot sn;

	for (unsigned i = 0; i < 4; i++)
		append(fx, jo, true);
	close_journal(fx, jo); /* head says 4 */
	snapshot_take(fx, &sn);
	for (size_t at = 0; at < sn.n_segment; at++) {
		struct snapshot bad = sn;

		bad.segment[at] = (char)(bad.segment[at] ^ (1 << at % 8));
		snapshot_put(fx, &bad);
		jo = NULL;
		assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
		bad.segment[at] = (char)(bad.segment[at] ^ (1 << at % 8));
		bad.n_segment = at;
		snapshot_put(fx, &bad);
		assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_CORRUPT);
	}
	for (size_t at = 0; at < sn.n_head; at++) {
		struct snapshot bad = sn;

		bad.head[at] = (char)(bad.head[at] ^ 1);
		snapshot_put(fx, &bad);
		assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
		assert_true(fx->err.code == ERR_CORRUPT || fx->err.code == ERR_NEWER);
		assert_non_null(strstr(fx->err.text, "head"));
	}
}

static void
below_the_checkpoint_damage_is_found_by_reading(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo = open_small(fx);
	struct snapshot sn;
	size_t at;

	for (unsigned i = 0; i < 6; i++)
		append(fx, jo, true);
	assert_int_equal(journal_head(jo, 6, &fx->err), 0);
	close_journal(fx, jo);
	snapshot_take(fx, &sn);
	at = end_of(&sn, 2) + RECORD_HEAD_BYTES; /* in the payload of record 3 */
	scratch_flip(sn.path, (off_t)at, 1);
	jo = open_small(fx); /* opening proves only what it must fold */
	assert_int_equal(read_from(fx, jo, 4), 6);
	assert_true(read_from(fx, jo, 1) == UINT64_MAX);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
	assert_non_null(strstr(fx->err.text, "record 3"));
	assert_non_null(strstr(fx->err.text, ".seg"));
	close_journal(fx, jo);
}

static void
an_unsynced_group_may_lose_an_earlier_record_and_keep_a_later_one(void **state)
{
	struct fixture *fx = *state;
	struct snapshot sn;
	struct journal *jo;
	size_t at;

	write_and_die(fx, 2, true);
	write_and_die(fx, 3, false); /* 3, 4 and 5 were appended without a sync */
	snapshot_take(fx, &sn);
	at = end_of(&sn, 2);
	memset(sn.segment + at, 0, end_of(&sn, 3) - at); /* a power cut lost 3 */
	snapshot_put(fx, &sn);
	jo = open_small(fx);
	assert_int_equal(journal_last(jo), 2);
	/* What stood behind it is gone for good, wherever the next records end. */
	append(fx, jo, true);
	close_journal(fx, jo);
	write_and_die(fx, 1, true);
	jo = open_small(fx);
	assert_int_equal(read_from(fx, jo, 1), 4);
	close_journal(fx, jo);
}

/* A power cut writes any of the unsynced sectors and loses the others: every combination opens by itself, and keeps what was
 * synced. */
static void
any_sectors_lost_in_a_power_cut_leave_a_journal_that_opens(void **state)
{
	struct fixture *fx = *state;
	struct snapshot whole;
	size_t synced;

	write_and_die(fx, 2, true);
	write_and_die(fx, 9, false);
	snapshot_take(fx, &whole);
	assert_int_equal(whole.n_segment, SEGMENT);
	synced = end_of(&whole, 2);
	for (unsigned kept = 0; kept < 1u << (SEGMENT / 512); kept++) {
		struct snapshot cut = whole;
		struct journal *jo;
		uint64_t last;

		for (size_t at = synced; at < SEGMENT; at++)
			if ((kept >> at / 512 & 1) == 0)
				cut.segment[at] = 0;
		snapshot_put(fx, &cut);
		jo = open_quick(fx);
		last = journal_last(jo);
		assert_true(last >= 2 && last <= 11);
		append(fx, jo, true);
		close_journal(fx, jo);
		jo = open_quick(fx);
		assert_int_equal(read_from(fx, jo, 1), last + 1);
		close_journal(fx, jo);
	}
}

static void
a_payload_cannot_pretend_to_be_a_record(void **state)
{
	struct fixture *fx = *state;
	struct snapshot sn;
	struct record re;
	char forged[RECORD_HEAD_BYTES + 4] = {0};
	struct slice part = {forged, sizeof forged};
	struct journal *jo;
	pid_t pid;

	/* A record that would follow the torn one, complete but for the journal's secret. */
	re = (struct record){.length = 4, .kind = 1, .seq = 3};
	assert_int_equal(record_check(0, &re, &(struct slice){"evil", 4}, 1, &re.check), 0);
	record_head_write(forged, &re);
	memcpy(forged + RECORD_HEAD_BYTES, "evil", 4);
	write_and_die(fx, 1, true);
	pid = fork();
	if (pid == 0) {
		uint64_t seq, at;

		jo = open_small(fx);
		if (journal_append(jo, 7, &part, 1, &seq, &at, &fx->err) != 0 || journal_sync(jo, &fx->err) != 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	snapshot_take(fx, &sn);
	sn.segment[end_of(&sn, 1)] ^= 1;
	snapshot_put(fx, &sn);
	jo = open_small(fx);
	assert_int_equal(journal_last(jo), 1);
	close_journal(fx, jo);
}

static void
missing_or_foreign_files_are_named(void **state)
{
	static const struct {
		const char *remove; /* an ending; NULL: the last but one segment is cut short */
		const char *says;
	} cases[] = {{"head", "head"}, {"0000000000000000.seg", "missing"}, {NULL, "shorter"}};
	struct fixture *fx = *state;
	char path[PATH_MAX];
	struct journal *jo;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		scratch_remove(fx->dir);
		jo = open_small(fx);
		for (unsigned n = 0; n < 40; n++)
			append(fx, jo, true);
		close_journal(fx, jo);
		if (cases[i].remove != NULL) {
			assert_true(scratch_find(fx->dir, cases[i].remove, path));
			assert_int_equal(unlink(path), 0);
		} else {
			assert_true(scratch_find(fx->dir, ".seg", path));
			assert_int_equal(truncate(path, scratch_size(path) - 1), 0);
		}
		assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_CORRUPT);
		assert_non_null(strstr(fx->err.text, cases[i].says));
	}
	/* Every segment gone. */
	scratch_remove(fx->dir);
	jo = open_small(fx);
	append(fx, jo, true);
	close_journal(fx, jo);
	assert_int_equal(unlink(first_segment(fx)), 0);
	assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
}

static void
a_segment_of_another_journal_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct snapshot one, two;
	struct journal *jo;

	write_and_die(fx, 3, true);
	snapshot_take(fx, &one);
	scratch_remove(fx->dir);
	write_and_die(fx, 3, true);
	snapshot_take(fx, &two);
	memcpy(two.segment, one.segment, sizeof one.segment);
	snapshot_put(fx, &two);
	assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
}

static void
newer_formats_are_refused_with_their_number(void **state)
{
	struct fixture *fx = *state;
	struct snapshot sn;
	struct journal *jo;
	static const char newer[] = "dideban-journal-head 7\nsomething new\n";

	write_and_die(fx, 1, true);
	snapshot_take(fx, &sn);
	scratch_write(scratch_path(&fx->sc, "journal/head"), newer, sizeof newer - 1);
	assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_NEWER);
	assert_non_null(strstr(fx->err.text, "format 7"));
	sn.segment[8] = 9;
	snapshot_put(fx, &sn);
	assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_NEWER);
	assert_non_null(strstr(fx->err.text, "format 9"));
}

static void
what_a_crash_leaves_half_made_is_removed(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo;

	write_and_die(fx, 3, true);
	scratch_write(scratch_path(&fx->sc, "journal/new.tmp"), "half", 4);
	scratch_write(scratch_path(&fx->sc, "journal/head.tmp"), "half", 4);
	jo = open_small(fx);
	assert_int_equal(read_from(fx, jo, 1), 3);
	close_journal(fx, jo);
	assert_int_equal(scratch_size(scratch_path(&fx->sc, "journal/new.tmp")), -1);
	/* Dead between the first head and the first segment. */
	assert_int_equal(unlink(first_segment(fx)), 0);
	scratch_remove(fx->dir);
	jo = open_small(fx);
	close_journal(fx, jo);
	assert_int_equal(unlink(first_segment(fx)), 0);
	jo = open_small(fx);
	append(fx, jo, true);
	close_journal(fx, jo);
}

static void
one_writer_and_any_readers(void **state)
{
	struct fixture *fx = *state;
	struct journal_options look = {.read_only = true};
	struct journal *jo = open_small(fx), *other = NULL;
	uint64_t seq, at;
	struct slice part = {"x", 1};
	char before[2 * SEGMENT], after[2 * SEGMENT];

	append(fx, jo, true);
	assert_int_equal(journal_open(&other, fx->dir, NULL, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LOCKED);
	assert_non_null(strstr(fx->err.text, fx->dir));
	assert_int_equal(scratch_read(first_segment(fx), before, sizeof before), SEGMENT);
	other = open_with(fx, &look);
	assert_int_equal(read_from(fx, other, 1), 1);
	append(fx, jo, true);
	assert_int_equal(read_from(fx, other, 1), 1); /* as of its opening */
	assert_int_equal(journal_append(other, 1, &part, 1, &seq, &at, &fx->err), -1);
	assert_int_equal(journal_sync(other, &fx->err), -1);
	assert_int_equal(journal_head(other, 1, &fx->err), -1);
	close_journal(fx, other);
	close_journal(fx, jo);
	/* A reader changes nothing, not even a torn tail. */
	assert_int_equal(truncate(first_segment(fx), scratch_size(first_segment(fx))), 0);
	(void)scratch_read(first_segment(fx), before, sizeof before);
	other = open_with(fx, &look);
	close_journal(fx, other);
	(void)scratch_read(first_segment(fx), after, sizeof after);
	assert_memory_equal(before, after, (size_t)scratch_size(first_segment(fx)));
}

static void
a_reader_beside_a_busy_writer_always_sees_a_whole_beginning(void **state)
{
	struct fixture *fx = *state;
	struct journal_options look = {.read_only = true};
	uint64_t last = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct journal *jo = open_small(fx);

		for (unsigned i = 0;; i++) {
			append(fx, jo, i % 7 == 0);
			if (i % 100 == 0 && journal_head(jo, journal_last(jo) / 2, &fx->err) != 0)
				_exit(1);
		}
	}
	for (unsigned i = 0; i < 150; i++) {
		struct timespec pause = {.tv_nsec = 1000 * 1000};
		struct journal *jo = NULL;

		(void)nanosleep(&pause, NULL);
		if (access(fx->dir, F_OK) != 0)
			continue;
		jo = open_with(fx, &look);
		assert_true(journal_last(jo) >= last);
		last = journal_last(jo);
		assert_int_equal(read_from(fx, jo, last > 50 ? last - 50 : 1), last);
		close_journal(fx, jo);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(last > 0);
}

static void
killed_at_any_moment_it_keeps_all_that_was_acknowledged(void **state)
{
	struct fixture *fx = *state;
	uint64_t random = 42, acked = 0;

	for (unsigned round = 0; round < 25; round++) {
		struct timespec pause = {.tv_nsec = (long)(scratch_random(&random) % (15 * 1000 * 1000))};
		struct journal *jo;
		int ends[2];
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0) {
			jo = open_small(fx);
			for (;;) {
				uint64_t seq;

				append(fx, jo, true);
				seq = journal_last(jo);
				if (write(ends[1], &seq, sizeof seq) != (ssize_t)sizeof seq)
					_exit(1);
				if (seq % 50 == 0)
					(void)journal_head(jo, seq, &fx->err);
			}
		}
		(void)close(ends[1]);
		(void)nanosleep(&pause, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		while (read(ends[0], &acked, sizeof acked) == (ssize_t)sizeof acked)
			;
		(void)close(ends[0]);
		jo = open_small(fx);
		assert_true(journal_last(jo) >= acked);
		assert_int_equal(read_from(fx, jo, 1), journal_last(jo));
		close_journal(fx, jo);
	}
	assert_true(acked > 0);
}

static void
after_a_failed_write_every_later_call_fails(void **state)
{
	struct fixture *fx = *state;
	struct journal_options opt = {.segment_bytes = 1 << 20};
	struct journal *jo;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct rlimit limit = {.rlim_cur = 2000, .rlim_max = 2000};
		struct sigaction ignore = {.sa_handler = SIG_IGN};
		char payload[1500];
		struct slice part = {payload, sizeof payload};
		uint64_t seq, at;
		struct err first;

		memset(payload, 'x', sizeof payload);
		jo = open_with(fx, &opt);
		(void)sigaction(SIGXFSZ, &ignore, NULL);
		if (journal_append(jo, 1, &part, 1, &seq, &at, &fx->err) != 0 || journal_sync(jo, &fx->err) != 0 ||
		    setrlimit(RLIMIT_FSIZE, &limit) != 0)
			_exit(1);
		if (journal_append(jo, 1, &part, 1, &seq, &at, &first) != -1 || first.code != ERR_IO || strstr(first.text, ".seg") == NULL)
			_exit(2);
		part.n = 1; /* would fit */
		if (journal_append(jo, 1, &part, 1, &seq, &at, &fx->err) != -1 || strcmp(fx->err.text, first.text) != 0)
			_exit(3);
		if (journal_sync(jo, &fx->err) != -1 || journal_head(jo, 1, &fx->err) != -1 || journal_last(jo) != 1)
			_exit(4);
		_exit(journal_close(jo, &fx->err) != 0 ? 5 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	jo = open_with(fx, &opt);
	assert_int_equal(journal_last(jo), 1);
	close_journal(fx, jo);
}

static void
a_place_that_cannot_be_written_is_named(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo = NULL;

	scratch_write(fx->dir, "a file", 6);
	assert_int_equal(journal_open(&jo, fx->dir, NULL, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_IO);
	assert_non_null(strstr(fx->err.text, fx->dir));
	assert_int_equal(journal_open(&jo, scratch_path(&fx->sc, "no/such"), NULL, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_IO);
	assert_int_equal(journal_close(NULL, &fx->err), 0);
}

static void
head_claims_only_what_the_journal_holds(void **state)
{
	struct fixture *fx = *state;
	struct journal *jo = open_small(fx);

	append(fx, jo, false);
	assert_int_equal(journal_head(jo, 2, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
	assert_int_equal(journal_head(jo, 1, &fx->err), 0);
	close_journal(fx, jo);
}

static void
without_syncs_it_reads_back_the_same(void **state)
{
	struct fixture *fx = *state;
	struct journal_options opt = {.segment_bytes = SEGMENT, .no_sync = true};
	struct journal *jo = open_with(fx, &opt);

	for (unsigned i = 0; i < 100; i++)
		append(fx, jo, true);
	close_journal(fx, jo);
	jo = open_with(fx, &opt);
	assert_int_equal(read_from(fx, jo, 1), 100);
	close_journal(fx, jo);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(records_come_back_in_order_also_after_reopening_and_from_any_sequence),
	    TEST(an_open_reader_sees_what_is_appended_meanwhile),
	    TEST(a_record_larger_than_a_segment_gets_one_of_its_own),
	    TEST(a_record_over_the_limits_is_refused_and_harms_nothing),
	    TEST(places_outside_the_journal_are_refused),
	    TEST(a_torn_last_record_is_cut_wherever_it_was_torn),
	    TEST(any_damage_before_the_last_record_is_named_and_refused),
	    TEST(damage_below_head_is_refused_also_in_the_last_record),
	    TEST(below_the_checkpoint_damage_is_found_by_reading),
	    TEST(an_unsynced_group_may_lose_an_earlier_record_and_keep_a_later_one),
	    TEST(any_sectors_lost_in_a_power_cut_leave_a_journal_that_opens),
	    TEST(a_payload_cannot_pretend_to_be_a_record),
	    TEST(missing_or_foreign_files_are_named),
	    TEST(a_segment_of_another_journal_is_refused),
	    TEST(newer_formats_are_refused_with_their_number),
	    TEST(what_a_crash_leaves_half_made_is_removed),
	    TEST(one_writer_and_any_readers),
	    TEST(a_reader_beside_a_busy_writer_always_sees_a_whole_beginning),
	    TEST(killed_at_any_moment_it_keeps_all_that_was_acknowledged),
	    TEST(after_a_failed_write_every_later_call_fails),
	    TEST(a_place_that_cannot_be_written_is_named),
	    TEST(head_claims_only_what_the_journal_holds),
	    TEST(without_syncs_it_reads_back_the_same),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
