/* What a crash, a power cut or a failing disk does to the journal, and what it makes of it. */
#include "tests/unit/journal_fixture.h"

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
	for (size_t bit = 0; bit < 8 * sn.n_head; bit++) {
		struct snapshot bad = sn;

		bad.head[bit / 8] = (char)(bad.head[bit / 8] ^ (1 << bit % 8));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("journal damage", tests, NULL, NULL);
}
