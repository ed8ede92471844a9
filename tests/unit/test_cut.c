/* A cut that cannot be made: without memory, without room in its arena, and where what it asks or tells fails. */
#include "tests/unit/standing_world.h"

/* Hits far apart, so that one cut makes many alerts; every third goes and comes again. -1: the call that had no memory. */
static int
many_alerts(struct fixture *fx, struct err *err)
{
	struct cut cu = cut_of(fx);
	struct group *gr = standing_group(&fx->sg, slice_str("key"));

	if (gr == NULL)
		return err_nomem(err);
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t k = 0; k < EVENTS; k += round == 0 ? 1 : 3) {
			struct instant time = {100 * (int64_t)k, 0};
			struct hit *hi = round == 1 ? NULL : hit_new(time, source_of(fx, k), id_of(k), 2, slice_str("mid"));

			if ((hi == NULL && round != 1) || group_put(gr, fx->names, time, source_of(fx, k), id_of(k), hi) != 0)
				return err_nomem(err);
			fx->triggers[k] = (struct trigger){round != 1, time, 2, k};
		}
		fx->n_seen = 0;
		if (group_cut(gr, &cu, err) != 0)
			return -1;
		arena_reset(&fx->arena);
	}
	return 0;
}

static void
without_memory_nothing_is_left(void **state)
{
	struct fixture *fx = *state;
	bool failed = true;

	fx->ru.quiet = 10;
	for (uint64_t at = 1; failed; at++) {
		struct err err = {0};
		size_t left;
		int rc;

		failing_start(at, false);
		rc = many_alerts(fx, &err);
		failed = failing_has();
		standing_free(&fx->sg);
		arena_free(&fx->arena);
		(void)failing_stop();
		assert_int_equal(rc, failed ? -1 : 0);
		assert_int_equal(err.code, failed ? ERR_NOMEM : ERR_NONE);
		assert_int_equal(failing_left(&left), 0);
	}
}

/* Whatever is asked or told in a cut may fail: then the cut fails as that did. */
static void
what_fails_in_a_cut_fails_it(void **state)
{
	struct fixture *fx = *state;
	struct cut cu = cut_of(fx);
	bool failed = true;

	fx->ru.quiet = 10;
	for (unsigned at = 1; failed; at++) {
		struct group *gr = standing_group(&fx->sg, slice_str("key"));

		fx->n_seen = 0;
		fx->fail_at = at;
		cu.readdressed = failed = false;
		for (unsigned round = 0; round < 4 && !failed; round++) {
			struct err err = {0};
			int rc;

			/* Three alerts; two of them go; what is left says other things; all goes to others. */
			for (uint32_t k = 0; k < 6; k++) {
				fx->triggers[k].signature = round;
				put(fx, gr, k, (struct instant){k < 2 ? 0 : 100 * (int64_t)k, 0}, round >= 1 && k >= 4 ? 0 : 2);
			}
			if (round >= 2) /* the one shown is gone, the one told of behind it changed */
				put(fx, gr, 1, (struct instant){0, 0}, 0);
			cu.readdressed = round == 3;
			rc = group_cut(gr, &cu, &err);
			failed = rc != 0;
			assert_int_equal(rc, failed ? -1 : 0);
			assert_int_equal(err.code, failed ? ERR_IO : ERR_NONE);
			assert_int_equal(failed, fx->fail_at == 0);
			arena_reset(&fx->arena);
		}
		standing_free(&fx->sg);
	}
	fx->fail_at = 0;
}

/* The arena has room for a part of what a cut asks for, and no more comes: whichever part that is. */
static void
without_room_in_the_arena_a_cut_says_so(void **state)
{
	struct fixture *fx = *state;
	struct cut cu = cut_of(fx);

	for (unsigned i = 0; i < 3 * 256; i++) {
		struct group *gr = standing_group(&fx->sg, slice_str("key"));
		bool go = i % 3 == 1, move = i % 3 == 2; /* where all alerts go, that needs room in the arena alone */
		size_t left = 16 * (1 + i / 3);
		struct err err = {0};
		int rc;

		for (uint32_t k = 0; k < EVENTS; k++)
			put(fx, gr, k, (struct instant){100 * (int64_t)k, 0}, 2);
		fx->n_seen = 0;
		if (go || move) {
			assert_int_equal(group_cut(gr, &cu, &err), 0);
			for (uint32_t k = 0; k < EVENTS; k++)
				put(fx, gr, k, (struct instant){100 * (int64_t)k, 0}, 0);
			for (uint32_t k = 0; k < EVENTS && move; k++)
				put(fx, gr, k, (struct instant){100 * (int64_t)k + 50, 0}, 2);
			fx->n_seen = 0;
		}
		assert_non_null(arena_alloc(&fx->arena, 16));
		assert_non_null(arena_alloc(&fx->arena, (size_t)(fx->arena.end - fx->arena.p) - left));
		failing_start(1, false);
		rc = group_cut(gr, &cu, &err);
		assert_int_equal(rc, failing_has() ? -1 : 0);
		assert_true(rc == -1 || go);
		failing_start(0, false);
		assert_int_equal(err.code, rc == -1 ? ERR_NOMEM : ERR_NONE);
		standing_free(&fx->sg);
		arena_free(&fx->arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(without_memory_nothing_is_left, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_fails_in_a_cut_fails_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(without_room_in_the_arena_a_cut_says_so, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
