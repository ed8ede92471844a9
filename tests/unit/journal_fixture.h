/* For the tests of the journal: one in a directory of its own, records that say what they are, and processes that die. */
#ifndef DIDEBAN_TESTS_UNIT_JOURNAL_FIXTURE_H
#define DIDEBAN_TESTS_UNIT_JOURNAL_FIXTURE_H

#include "state/journal/journal.h"
#include "state/journal/segment.h"

#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

#define SEGMENT 4096u

struct fixture {
	struct scratch sc;
	const char *dir;
	char dir_text[PATH_MAX];
	struct err err;
};

static inline int
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

static inline int
teardown(void **state)
{
	struct fixture *fx = *state;

	scratch_close(&fx->sc);
	free(fx);
	return 0;
}

static inline struct journal *
open_with(struct fixture *fx, const struct journal_options *opt)
{
	struct journal *jo = NULL;

	if (journal_open(&jo, fx->dir, opt, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	return jo;
}

static inline struct journal *
open_small(struct fixture *fx)
{
	struct journal_options opt = {.segment_bytes = SEGMENT};

	return open_with(fx, &opt);
}

/* The payload of record `seq`: some bytes that say which it is. */
static inline size_t
payload_of(uint64_t seq, char to[2000])
{
	uint64_t random = seq;
	size_t n = (size_t)(scratch_random(&random) % 500);

	for (size_t i = 0; i < n; i++)
		to[i] = (char)(seq + i * 7);
	return n;
}

static inline void
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
static inline uint64_t
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
static inline struct journal *
open_quick(struct fixture *fx)
{
	struct journal_options opt = {.segment_bytes = SEGMENT, .no_sync = true};

	return open_with(fx, &opt);
}

static inline void
close_journal(struct fixture *fx, struct journal *jo)
{
	if (journal_close(jo, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
}

/* Writes n records, as a process that then dies without closing. */
static inline void
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

static inline const char *
first_segment(const struct fixture *fx)
{
	static char path[PATH_MAX];

	assert_true(scratch_find(fx->dir, ".seg", path));
	return path;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
