#include "engine/flow/filter.h"

#include "state/base/hash.h"
#include "state/base/limits.h"

#include "tests/unit/store_fixture.h"

#define KEYS 200000u /* of one checkpoint */

static uint64_t
nth(uint64_t i)
{
	return hash64(slice_of((const char *)&i, sizeof i));
}

/* A store whose filter was sealed at three checkpoints. */
static void
fill(struct fixture *fx)
{
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct filter *fl = filter_new();

	for (uint64_t seq = 0; seq < 3; seq++) {
		for (uint64_t i = 0; i < KEYS; i++)
			assert_int_equal(filter_add(fl, nth(seq * KEYS + i), &fx->err), 0);
		assert_int_equal(filter_seal(fl, ch, seq + 1, &fx->err), 0);
		assert_int_equal(filter_seal(fl, ch, seq + 1, &fx->err), 0); /* nothing came since */
		checkpoint(fx, st, ch, seq + 1);
	}
	filter_free(fl);
	changes_free(ch);
	store_close(st);
}

static void
what_was_sealed_is_known_again_and_little_else(void **state)
{
	struct fixture *fx = *state;
	struct filter *fl = filter_new();
	struct store *st;
	unsigned others = 0;

	fill(fx);
	st = open_store(fx, &writing);
	assert_int_equal(filter_load(fl, st, &fx->err), 0);
	for (uint64_t i = 0; i < 3 * KEYS; i++)
		assert_true(filter_maybe(fl, nth(i)));
	for (uint64_t i = 0; i < KEYS; i++)
		others += filter_maybe(fl, nth(3 * KEYS + i));
	assert_true(others < KEYS / 50);
	filter_free(fl);
	store_close(st);
}

/* So that who shares its memory makes room before. */
static void
the_next_filter_is_told_ahead(void **state)
{
	struct fixture *fx = *state;
	struct filter *fl = filter_new();
	struct changes *ch = changes_new();
	size_t before = 0, ahead = 0;
	unsigned grown = 0, told = 0;

	assert_int_equal(filter_bytes_ahead(fl), 0);
	for (uint64_t i = 0; i < 4 * 1048576; i++) {
		assert_int_equal(filter_add(fl, nth(i), &fx->err), 0);
		if (i % 4096 != 4095)
			continue;
		if (filter_bytes(fl) > before + MIB && before > 0) {
			grown++;
			assert_int_equal(filter_bytes(fl), ahead);
		}
		if (i % 65536 == 65535) /* else what is not sealed would grow beside it */
			assert_int_equal(filter_seal(fl, ch, i, &fx->err), 0);
		before = filter_bytes(fl);
		ahead = filter_bytes_ahead(fl);
		told += ahead > before;
	}
	assert_int_equal(grown, 2); /* behind 2^20 and 3 * 2^20 keys */
	assert_int_equal(told, (1048576 / 4 + 2 * 1048576 / 4) / 4096 + 2);
	changes_free(ch);
	filter_free(fl);
}

/* A walk that finds nothing reads the block where it would be. */
static void
a_walk_that_ends_before_the_sealed_blocks_reads_little(void **state)
{
	struct fixture *fx = *state;
	struct store *st;
	struct store_reads reads;

	fill(fx);
	st = open_store(fx, &writing);
	expect_keys(fx, st, "A", "B", "");
	store_reads(st, &reads);
	assert_int_equal(reads.walks, 1);
	assert_true(reads.bytes < 64 * KIB); /* KEYS fingerprints in one piece are 1.6 MB */
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_was_sealed_is_known_again_and_little_else),
	    TEST(the_next_filter_is_told_ahead),
	    TEST(a_walk_that_ends_before_the_sealed_blocks_reads_little),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
