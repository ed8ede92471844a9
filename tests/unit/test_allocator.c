/* What the allocator reckons with is what the process has, when large pages were cut up and holes in them are used again. */
#include "state/base/limits.h"

#include <jemalloc/jemalloc.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include <cmocka.h>

#define PIECE (20 * KIB)
#define PIECES 8192 /* 160 MiB */
#define EVERY 512   /* stays: several large pages are freed between two */
#define USED 40

static size_t
resident(void)
{
	unsigned long pages = 0, all = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	char line[128], *end;

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	(void)fclose(f);
	all = strtoul(line, &end, 10);
	pages = strtoul(end, NULL, 10);
	assert_true(all >= pages && pages > 0);
	return pages * 4 * KIB;
}

static size_t
reckoned(void)
{
	uint64_t epoch = 1;
	size_t n = sizeof epoch, bytes, size = sizeof bytes;

	assert_int_equal(mallctl("epoch", &epoch, &n, &epoch, n), 0);
	assert_int_equal(mallctl("stats.resident", &bytes, &size, NULL, 0), 0);
	return bytes;
}

static void
purge(void)
{
	char name[64];

	(void)snprintf(name, sizeof name, "arena.%u.purge", (unsigned)MALLCTL_ARENAS_ALL);
	assert_int_equal(mallctl(name, NULL, NULL, NULL, 0), 0);
}

static void
a_hole_in_a_large_page_that_is_used_again_costs_what_is_used(void **state)
{
	static char *pieces[PIECES], *used[USED];
	size_t before;

	(void)state;
	for (unsigned i = 0; i < PIECES; i++) {
		pieces[i] = malloc(PIECE);
		assert_non_null(pieces[i]);
		memset(pieces[i], 1, PIECE);
	}
	for (unsigned i = 0; i < PIECES; i++)
		if (i % EVERY != 0)
			free(pieces[i]);
	purge();
	before = resident();
	assert_true(before < reckoned() + 32 * MIB);
	for (unsigned i = 0; i < USED; i++) { /* each in a large page of its own */
		used[i] = aligned_alloc(2 * MIB, PIECE);
		assert_non_null(used[i]);
		memset(used[i], 1, PIECE);
	}
	assert_true(resident() < before + USED * PIECE + 8 * MIB);
	assert_true(resident() < reckoned() + 32 * MIB);
	for (unsigned i = 0; i < USED; i++)
		free(used[i]);
	for (unsigned i = 0; i < PIECES; i += EVERY)
		free(pieces[i]);
}

struct exchange {
	char *theirs[64]; /* what the main thread took, for a thread to free */
	char *mine[64];   /* the other way round */
};

static int
exchange(void *ctx)
{
	struct exchange *ex = ctx;

	for (unsigned i = 0; i < 64; i++) {
		free(ex->theirs[i]); /* it begins with a large piece of the main thread's, before it has had any memory itself */
		ex->mine[i] = malloc(16 + (size_t)i * i * 37);
		if (ex->mine[i] == NULL)
			return 1;
	}
	return 0;
}

/* While memory is given back, threads are born, free what the main thread took, and end. */
static void
threads_come_and_go_while_memory_is_given_back(void **state)
{
	static struct exchange ex[8];
	thrd_t threads[8];

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned t = 0; t < 8; t++) {
			for (unsigned i = 0; i < 64; i++) {
				free(ex[t].mine[i]);
				ex[t].theirs[i] = malloc(16 + (size_t)(64 - i) * 3500);
				assert_non_null(ex[t].theirs[i]);
			}
			assert_int_equal(thrd_create(&threads[t], exchange, &ex[t]), thrd_success);
			purge();
		}
		for (unsigned t = 0; t < 8; t++) {
			int rc = 1;

			assert_int_equal(thrd_join(threads[t], &rc), thrd_success);
			assert_int_equal(rc, 0);
		}
	}
	for (unsigned t = 0; t < 8; t++)
		for (unsigned i = 0; i < 64; i++)
			free(ex[t].mine[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hole_in_a_large_page_that_is_used_again_costs_what_is_used),
	    cmocka_unit_test(threads_come_and_go_while_memory_is_given_back),
	};

	return cmocka_run_group_tests_name("allocator", tests, NULL, NULL);
}
