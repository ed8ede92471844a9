/* A checkpoint that was spilled piece by piece, as it does not fit into memory. */
#include "tests/unit/store_fixture.h"

static void
what_is_spilled_comes_with_the_next_checkpoint(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing), *beside;
	struct changes *ch = changes_new();
	char path[PATH_MAX];

	put(fx, ch, "a", "1");
	put(fx, ch, "b", "1");
	checkpoint(fx, st, ch, 1);
	put(fx, ch, "a", "2");
	put(fx, ch, "b", "2");
	put(fx, ch, "c", "2");
	assert_int_equal(store_spill(st, ch, &fx->err), 0);
	assert_int_equal(changes_count(ch), 0);
	assert_true(scratch_find(fx->dir, ".sst", path));
	expect(fx, st, "a", "1");
	expect(fx, st, "c", NULL);
	put(fx, ch, "a", "3");
	assert_int_equal(changes_delete(ch, slice_str("b"), &fx->err), 0);
	assert_int_equal(store_spill(st, ch, &fx->err), 0);
	put(fx, ch, "c", "4");
	put(fx, ch, "d", "4");
	expect_keys(fx, st, "", "", "a b");
	checkpoint(fx, st, ch, 2);
	expect_keys(fx, st, "", "", "a c d");
	expect(fx, st, "a", "3");
	expect(fx, st, "c", "4");
	assert_false(scratch_find(fx->dir, ".sst", path));
	assert_int_equal(store_spill(st, ch, &fx->err), 0); /* of nothing */
	assert_false(scratch_find(fx->dir, ".sst", path));
	/* Whoever dies before that checkpoint leaves the one before. */
	put(fx, ch, "a", "5");
	assert_int_equal(store_spill(st, ch, &fx->err), 0);
	store_close(st);
	st = open_store(fx, &writing);
	assert_false(scratch_find(fx->dir, ".sst", path));
	assert_int_equal(store_checkpoint_seq(st), 2);
	expect(fx, st, "a", "3");
	/* Who looks only keeps it in memory. */
	beside = open_store(fx, &looking);
	put(fx, ch, "a", "6");
	assert_int_equal(store_spill(beside, ch, &fx->err), 0);
	assert_int_equal(changes_count(ch), 1);
	checkpoint(fx, beside, ch, 3);
	expect(fx, beside, "a", "6");
	store_close(beside);
	put_in(fx, ch, "g", "1", "x");
	assert_int_equal(changes_append(ch, slice_of("h", 2), slice_str("y"), &fx->err), 0);
	assert_int_equal(store_spill(st, ch, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
	checkpoint(fx, st, ch, 3);
	expect_group(fx, st, "h", "y");
	expect(fx, st, "a", "3");
	changes_free(ch);
	store_close(st);
}

/* More spilled files than a checkpoint takes in stay in memory. */
static void
all_that_is_spilled_comes(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();

	for (unsigned seq = 1; seq <= 2; seq++) {
		unsigned kept = 0;

		for (unsigned i = 0; i < 300; i++) {
			char key[16], value[32];

			(void)snprintf(key, sizeof key, "k%u", i * 7919 % 300);
			(void)snprintf(value, sizeof value, "%u", seq * 1000 + i);
			put(fx, ch, key, value);
			assert_int_equal(store_spill(st, ch, &fx->err), 0);
			kept += changes_count(ch) != 0;
		}
		assert_true(kept > 0 && kept < 150);
		checkpoint(fx, st, ch, seq);
		for (unsigned i = 0; i < 300; i++) {
			char key[16], value[32];

			(void)snprintf(key, sizeof key, "k%u", i * 7919 % 300);
			(void)snprintf(value, sizeof value, "%u", seq * 1000 + i);
			expect(fx, st, key, value);
		}
	}
	changes_free(ch);
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_spilled_comes_with_the_next_checkpoint),
	    TEST(all_that_is_spilled_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
