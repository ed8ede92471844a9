/* Records in the order of their keys: from memory, and from a temporary store when they are too many for it. */
#include "state/base/buf.h"
#include "state/store/sorter.h"
#include "state/store/store.h"

#include "tests/memory/failing.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RECORDS 3000
#define MEMORY ((size_t)1 << 30)
#define LITTLE 4096 /* some hundred spills */

struct record {
	char key[24];
	size_t key_n;
	unsigned value;
};

/* Keys of 1 to 8 bytes of few kinds, zeros among them, so that many are equal and many are others' beginnings. */
static void
make(struct record *list, unsigned n)
{
	uint64_t random = 11;

	for (unsigned i = 0; i < n; i++) {
		list[i].key_n = 1 + scratch_random(&random) % 8;
		list[i].key[0] = (char)(1 + scratch_random(&random) % 255);
		for (size_t k = 1; k < list[i].key_n; k++)
			list[i].key[k] = "\0\1a\xff"[scratch_random(&random) % 4];
		list[i].value = i;
	}
}

static int
record_cmp(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	int c = slice_cmp(slice_of(x->key, x->key_n), slice_of(y->key, y->key_n));

	return c != 0 ? c : (x->value > y->value) - (x->value < y->value);
}

static int
append(void *ctx, struct slice key, struct slice value, struct err *err)
{
	(void)err;
	buf_add_blob(ctx, key);
	buf_add_blob(ctx, value);
	return 0;
}

static void
fill(struct sorter *so, const struct record *list, unsigned n)
{
	struct err err = {0};

	for (unsigned i = 0; i < n; i++) {
		char text[16];

		(void)snprintf(text, sizeof text, "%u", list[i].value);
		if (sorter_add(so, slice_of(list[i].key, list[i].key_n), slice_str(text), &err) != 0)
			fail_msg("%s", err.text);
	}
}

static bool
is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	bool empty = true;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		empty = empty && entry->d_name[0] == '.';
	(void)closedir(d);
	return empty;
}

static void
all_come_in_order_from_memory_and_from_the_disk(void **state)
{
	static const unsigned counts[] = {0, 1, 2, RECORDS};
	struct record *list = calloc(RECORDS, sizeof *list);
	struct scratch sc;

	(void)state;
	assert_non_null(list);
	scratch_open(&sc);
	assert_int_equal(setenv("TMPDIR", sc.dir, 1), 0);
	for (unsigned c = 0; c < 4; c++)
		for (unsigned little = 0; little < 2; little++) {
			struct sorter *so = sorter_new(little ? LITTLE : MEMORY);
			struct buf got = {0}, wanted = {0};
			struct err err = {0};
			unsigned n = counts[c];

			assert_non_null(so);
			make(list, n);
			fill(so, list, n);
			assert_int_equal(is_empty(sc.dir), !little || n < RECORDS);
			assert_int_equal(sorter_each(so, append, &got, &err), 0);
			qsort(list, n, sizeof *list, record_cmp);
			for (unsigned i = 0; i < n; i++) {
				char text[16];

				if (i + 1 < n && slice_eq(slice_of(list[i].key, list[i].key_n), slice_of(list[i + 1].key, list[i + 1].key_n)))
					continue; /* the last one counts */
				(void)snprintf(text, sizeof text, "%u", list[i].value);
				buf_add_blob(&wanted, slice_of(list[i].key, list[i].key_n));
				buf_add_blob(&wanted, slice_str(text));
			}
			assert_true(slice_eq(buf_slice(&got), buf_slice(&wanted)));
			sorter_free(so);
			assert_true(is_empty(sc.dir));
			buf_free(&got);
			buf_free(&wanted);
		}
	assert_int_equal(unsetenv("TMPDIR"), 0);
	scratch_close(&sc);
	free(list);
}

/* What it reads of its own is none of the store's beside which it sorts. */
static void
its_reads_are_its_own(void **state)
{
	static const struct store_options opt = {.temporary = true};
	struct record list[300];
	struct store_reads before, after;
	struct store *st = NULL;
	struct sorter *so = sorter_new(LITTLE);
	struct buf got = {0};
	struct scratch sc;
	struct err err = {0};

	(void)state;
	scratch_open(&sc);
	assert_int_equal(store_open(&st, sc.dir, &opt, &err), 0);
	make(list, 300);
	store_reads(st, &before);
	fill(so, list, 300);
	assert_int_equal(sorter_each(so, append, &got, &err), 0);
	store_reads(st, &after);
	assert_int_equal(after.blocks + after.bytes + after.gets + after.walks, before.blocks + before.bytes + before.gets + before.walks);
	buf_free(&got);
	sorter_free(so);
	store_close(st);
	scratch_close(&sc);
}

static int
stop_at_third(void *ctx, struct slice key, struct slice value, struct err *err)
{
	unsigned *n = ctx;

	(void)key;
	(void)value;
	(void)err;
	return ++*n == 3 ? 7 : 0;
}

static void
who_wants_no_more_gets_no_more(void **state)
{
	struct record list[300];

	(void)state;
	make(list, 300);
	for (unsigned little = 0; little < 2; little++) {
		struct sorter *so = sorter_new(little ? LITTLE : MEMORY);
		struct err err = {0};
		unsigned n = 0;

		fill(so, list, 300);
		assert_int_equal(sorter_each(so, stop_at_third, &n, &err), 7);
		assert_int_equal(n, 3);
		sorter_free(so);
	}
	sorter_free(NULL);
}

static void
without_a_disk_it_says_so(void **state)
{
	struct record list[300];
	struct sorter *so = sorter_new(LITTLE);
	struct err err = {0};
	int rc = 0;

	(void)state;
	make(list, 300);
	assert_int_equal(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
	for (unsigned i = 0; i < 300 && rc == 0; i++)
		rc = sorter_add(so, slice_of(list[i].key, list[i].key_n), slice_str("v"), &err);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	assert_int_equal(unsetenv("TMPDIR"), 0);
	sorter_free(so);
}

static void
without_memory_it_says_so(void **state)
{
	struct record list[300];
	struct buf whole = {0};

	(void)state;
	make(list, 300);
	for (unsigned little = 0; little < 2; little++) {
		bool failed = true;

		for (uint64_t at = 0; failed; at++) {
			struct buf got = {0};
			struct err err = {0};
			struct sorter *so;
			int rc = 0;

			if (at > 0)
				failing_start(at, false);
			so = sorter_new(little ? LITTLE : MEMORY);
			for (unsigned i = 0; i < 300 && rc == 0 && so != NULL; i++)
				rc = sorter_add(so, slice_of(list[i].key, list[i].key_n), slice_str("v"), &err);
			if (rc == 0 && so != NULL)
				rc = sorter_each(so, append, &got, &err);
			failed = at == 0 || failing_has();
			(void)failing_stop();
			assert_true(failed || (so != NULL && rc == 0));
			assert_true(so == NULL || rc == 0 || err.code == ERR_NOMEM);
			if (at == 0)
				buf_add_slice(&whole, buf_slice(&got));
			assert_true(so == NULL || rc != 0 || !buf_ok(&got) || slice_eq(buf_slice(&got), buf_slice(&whole)));
			sorter_free(so);
			buf_free(&got);
		}
		buf_free(&whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_come_in_order_from_memory_and_from_the_disk),
	    cmocka_unit_test(its_reads_are_its_own),
	    cmocka_unit_test(who_wants_no_more_gets_no_more),
	    cmocka_unit_test(without_a_disk_it_says_so),
	    cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
