/* What the allocator reckons with is what the process has, when large pages were cut up and holes in them are used again. */
#include "state/base/limits.h"

#include <jemalloc/jemalloc.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	assert_int_equal(mallctl("arena.0.purge", NULL, NULL, NULL, 0), 0);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hole_in_a_large_page_that_is_used_again_costs_what_is_used),
	};

	return cmocka_run_group_tests_name("allocator", tests, NULL, NULL);
}
