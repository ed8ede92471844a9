#include "tests/unit/journal_fixture.h"

#include <sys/resource.h>
#include <time.h>

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

		/* Each look costs more the longer the journal is: on a busy machine a writer without end would run away from it. */
		for (unsigned i = 0; i < 20000; i++) {
			append(fx, jo, i % 7 == 0);
			if (i % 100 == 0 && journal_head(jo, journal_last(jo) / 2, &fx->err) != 0)
				_exit(1);
		}
		for (;;)
			(void)pause();
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(records_come_back_in_order_also_after_reopening_and_from_any_sequence),
	    TEST(an_open_reader_sees_what_is_appended_meanwhile),
	    TEST(a_record_larger_than_a_segment_gets_one_of_its_own),
	    TEST(a_record_over_the_limits_is_refused_and_harms_nothing),
	    TEST(places_outside_the_journal_are_refused),
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
