/* Reading ahead with threads: apart from the store's other tests, which fork. */
#include "tests/unit/store_fixture.h"

enum { EXPECTED_GROUPS = 2000 };
static const char long_value[] =
    "some hundred bytes, so that two thousand groups lie in more than a few blocks of the files, and reading them can be seen";

static struct slice
numbered_group(unsigned i, char group[16])
{
	int n = snprintf(group, 16, "Tp/%u", i * 7919 % EXPECTED_GROUPS);

	return slice_of(group, (size_t)n + 1);
}

/* How many blocks walking over the groups reads. */
static uint64_t
walk_groups(struct fixture *fx, struct store *st)
{
	struct store_reads before, after;

	store_reads(st, &before);
	for (unsigned i = 0; i < EXPECTED_GROUPS; i++) {
		char group[16];

		expect_group(fx, st, numbered_group(i, group).p, long_value);
	}
	store_reads(st, &after);
	return after.blocks - before.blocks;
}

static void
what_is_expected_from_a_slow_disk_is_in_memory_when_it_is_walked(void **state)
{
	struct fixture *fx = *state;
	const struct store_options slow = {.temporary = true, .slow_walk_ns = 1}, quick = {.temporary = true, .slow_walk_ns = UINT32_MAX};
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	static char texts[EXPECTED_GROUPS][16];
	static struct slice groups[EXPECTED_GROUPS];
	uint64_t all;

	for (unsigned i = 0; i < EXPECTED_GROUPS; i++) {
		groups[i] = numbered_group(i, texts[i]);
		put_in(fx, ch, texts[i], "a", long_value);
		if (i % 500 == 499)
			checkpoint(fx, st, ch, i);
	}
	store_close(st);
	st = open_store(fx, &quick);
	store_expect(st, groups, EXPECTED_GROUPS); /* what is quick is left to be read when it is asked for */
	all = walk_groups(fx, st);
	assert_true(all > 10);
	store_close(st);
	st = open_store(fx, &slow);
	store_expect(st, groups, 1); /* so few are not worth a thread */
	store_expect(st, groups, EXPECTED_GROUPS);
	assert_int_equal(walk_groups(fx, st), 0);
	changes_free(ch);
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_expected_from_a_slow_disk_is_in_memory_when_it_is_walked),
	};

	return cmocka_run_group_tests_name("store_expect", tests, NULL, NULL);
}
