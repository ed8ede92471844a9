#include "state/base/arena.h"
#include "state/base/buf.h"
#include "state/base/err.h"
#include "state/base/file.h"
#include "state/base/limits.h"

#include "tests/memory/failing.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
numbers_come_back_as_they_were_written(void **state)
{
	static const uint64_t values[] = {
	    0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, UINT64_MAX};
	struct buf b = {0};
	struct rd r;

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		buf_add_u8(&b, (uint8_t)values[i]);
		buf_add_u32(&b, (uint32_t)values[i]);
		buf_add_u64(&b, values[i]);
		buf_add_u32_be(&b, (uint32_t)values[i]);
		buf_add_u64_be(&b, values[i]);
		buf_add_varint(&b, values[i]);
	}
	assert_true(buf_ok(&b));
	r = rd_of(buf_slice(&b));
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		assert_int_equal(rd_u8(&r), (uint8_t)values[i]);
		assert_int_equal(rd_u32(&r), (uint32_t)values[i]);
		assert_true(rd_u64(&r) == values[i]);
		assert_int_equal(rd_u32_be(&r), (uint32_t)values[i]);
		assert_true(rd_u64_be(&r) == values[i]);
		assert_true(rd_varint(&r) == values[i]);
	}
	assert_false(r.bad);
	assert_int_equal(rd_left(&r), 0);
	buf_free(&b);
}

static void
big_endian_numbers_sort_bytewise(void **state)
{
	static const uint64_t values[] = {0, 1, 255, 256, 65535, 65536, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
	struct buf before = {0}, after = {0};

	(void)state;
	for (size_t i = 1; i < sizeof values / sizeof values[0]; i++) {
		buf_clear(&before);
		buf_clear(&after);
		buf_add_u64_be(&before, values[i - 1]);
		buf_add_u64_be(&after, values[i]);
		assert_true(slice_cmp(buf_slice(&before), buf_slice(&after)) < 0);
	}
	buf_free(&before);
	buf_free(&after);
}

static void
what_is_too_short_or_malformed_reads_as_bad_and_zero(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} varints[] = {
	    {"", 0},
	    {"\x80", 1},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},
	    {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11},
	};

	(void)state;
	for (size_t i = 0; i < sizeof varints / sizeof varints[0]; i++) {
		struct rd r = rd_of(slice_of(varints[i].bytes, varints[i].n));

		assert_true(rd_varint(&r) == 0);
		assert_true(r.bad);
		assert_int_equal(rd_u8(&r), 0); /* bad stays bad */
		assert_true(r.bad);
	}
	for (size_t n = 0; n < 8; n++) {
		struct rd r = rd_of(slice_of("\1\1\1\1\1\1\1\1", n));

		(void)rd_u64(&r);
		assert_true(r.bad);
	}
}

static void
a_blob_that_claims_more_than_there_is_is_bad(void **state)
{
	struct buf b = {0};
	struct rd r;
	struct slice s;

	(void)state;
	buf_add_blob(&b, slice_str("گواه"));
	buf_add_blob(&b, slice_of(NULL, 0));
	r = rd_of(buf_slice(&b));
	assert_true(slice_eq_str(rd_blob(&r), "گواه"));
	assert_int_equal(rd_blob(&r).n, 0);
	assert_false(r.bad);
	buf_clear(&b);
	buf_add_varint(&b, UINT64_MAX);
	buf_add_str(&b, "abc");
	r = rd_of(buf_slice(&b));
	s = rd_blob(&r);
	assert_int_equal(s.n, 0);
	assert_true(r.bad);
	buf_free(&b);
}

static void
a_buffer_never_grows_over_its_maximum(void **state)
{
	struct buf b = {.max = 100};
	char text[64] = {0};

	(void)state;
	buf_add(&b, text, sizeof text);
	assert_true(buf_ok(&b));
	buf_add(&b, text, sizeof text);
	assert_false(buf_ok(&b));
	assert_int_equal(b.n, sizeof text);
	buf_add_u8(&b, 1); /* would fit, but something is missing before it */
	assert_int_equal(b.n, sizeof text);
	buf_clear(&b);
	buf_add_u8(&b, 1);
	assert_true(buf_ok(&b));
	assert_int_equal(buf_grow(&b, SIZE_MAX), -1);
	assert_false(buf_ok(&b));
	buf_free(&b);
	assert_int_equal(b.max, 100);
}

static void
printing_fits_short_and_long_texts(void **state)
{
	struct buf b = {0};
	char name[1000];

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	buf_printf(&b, "%d %s", 7, "a");
	assert_true(slice_eq_str(buf_slice(&b), "7 a"));
	buf_printf(&b, "%s|%s", name, name);
	assert_int_equal(b.n, 3 + 2 * 999 + 1);
	assert_true(buf_ok(&b));
	buf_free(&b);
}

static void
an_arena_hands_out_aligned_bytes_and_starts_over(void **state)
{
	struct arena a = {0};
	struct slice s;

	(void)state;
	arena_reset(&a); /* empty is fine */
	for (size_t n = 1; n < 3000000; n = n * 3 + 1) {
		char *p = arena_alloc(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 1, n);
	}
	arena_reset(&a);
	assert_int_equal(a.bytes, 0);
	s = arena_copy(&a, slice_str("abc"));
	assert_string_equal(s.p, "abc");
	assert_int_equal(a.bytes, 16);
	arena_free(&a);
	assert_null(a.head);
}

static void
take_blocks(struct arena *a, size_t n, char *ret[])
{
	for (size_t i = 0; i < n; i++) {
		ret[i] = arena_alloc(a, 900000); /* two do not fit one block */
		assert_non_null(ret[i]);
	}
}

/* How many of the places in `now` were among those in `then`. */
static size_t
same_places(char *then[], size_t n_then, char *now[], size_t n_now)
{
	size_t n = 0;

	for (size_t i = 0; i < n_now; i++)
		for (size_t k = 0; k < n_then; k++)
			n += now[i] == then[k];
	return n;
}

/* It asks for no memory that it keeps, and keeps no more than it was told. */
static void
an_arena_keeps_what_its_owner_needs_again(void **state)
{
	struct arena a = {.keep = 3 * MIB};
	char *then[8], *now[8], *large;

	(void)state;
	take_blocks(&a, 4, then);
	large = arena_alloc(&a, 2 * MIB); /* a block of its own, which is not kept */
	assert_non_null(large);
	for (unsigned round = 0; round < 3; round++) {
		arena_reset(&a);
		assert_int_equal(a.bytes, 0);
		failing_start(1, true);
		take_blocks(&a, 4, now); /* the one and three more */
		assert_null(arena_alloc(&a, 900000));
		assert_true(failing_has());
		(void)failing_stop();
		assert_int_equal(same_places(then, 4, now, 4), 4);
	}
	take_blocks(&a, 4, now);
	arena_reset(&a);
	failing_start(1, true);
	take_blocks(&a, 4, now);
	assert_null(arena_alloc(&a, 900000)); /* of eight it kept four */
	(void)failing_stop();
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 900000));
	large = arena_alloc(&a, 2 * MIB); /* which no kept block has room for */
	assert_non_null(large);
	memset(large, 1, 2 * MIB);
	take_blocks(&a, 3, now);
	arena_free(&a);
	assert_null(a.head);
	assert_null(a.kept);
}

static void
each_error_has_its_exit_status(void **state)
{
	static const struct {
		enum err_code code;
		int status;
	} cases[] = {{ERR_NONE, 0}, {ERR_CHECKED, 1}, {ERR_USAGE, 2}, {ERR_INPUT, 3}, {ERR_IO, 4}, {ERR_FULL, 4}, {ERR_CORRUPT, 4}, {ERR_NEWER, 4},
	    {ERR_LOCKED, 4}, {ERR_NOMEM, 4}, {ERR_LIMIT, 4}, {ERR_SERVICE, 5}};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(err_exit_status(cases[i].code), cases[i].status);
	assert_int_equal(err_set(&err, ERR_INPUT, "%5000d", 1), -1); /* cut, not written over */
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_int_equal(err_set(NULL, ERR_IO, "x"), -1);
	assert_int_equal(err_nomem(&err), -1);
	assert_int_equal(err.code, ERR_NOMEM);
}

static void
file_errors_say_what_to_do(void **state)
{
	static const struct {
		int number;
		enum err_code code;
		const char *says;
	} cases[] = {{ENOSPC, ERR_FULL, "free some space"}, {EDQUOT, ERR_FULL, "free some space"}, {EACCES, ERR_IO, "right to write"},
	    {EROFS, ERR_IO, "another --store"}, {EIO, ERR_IO, "Input/output"}};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		errno = cases[i].number;
		assert_int_equal(file_err(&err, "write", "dir/file"), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.text, cases[i].says));
		assert_non_null(strstr(err.text, "dir/file"));
	}
}

static void
lines_with_numbers_are_read_strictly(void **state)
{
	static const char *const wrong[] = {
	    "", "last", "last ", "last -1\n", "last  1\n", "last 1x\n", "last 99999999999999999999\n", "lasts 1\n", "first 1\n", "last +1\n"};
	const char *p = "last 12\nid ff";
	uint64_t v;

	(void)state;
	assert_true(file_number(&p, "last", 10, &v));
	assert_int_equal(v, 12);
	assert_true(file_number(&p, "id", 16, &v));
	assert_int_equal(v, 255);
	assert_string_equal(p, "");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		p = wrong[i];
		assert_false(file_number(&p, "last", 10, &v));
		assert_ptr_equal(p, wrong[i]);
	}
}

static void
a_file_is_replaced_whole(void **state)
{
	struct scratch sc;
	struct err err;
	char text[64];

	(void)state;
	scratch_open(&sc);
	assert_int_equal(file_replace(sc.dir, "f", slice_str("one"), false, &err), 0);
	assert_int_equal(file_replace(sc.dir, "f", slice_str("second"), true, &err), 0);
	assert_int_equal(scratch_read(scratch_path(&sc, "f"), text, sizeof text), 6);
	assert_memory_equal(text, "second", 6);
	assert_int_equal(scratch_size(scratch_path(&sc, "f.tmp")), -1);
	assert_int_equal(file_replace(scratch_path(&sc, "missing"), "f", slice_str("x"), false, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.text, "missing/f"));
	scratch_close(&sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_come_back_as_they_were_written),
	    cmocka_unit_test(big_endian_numbers_sort_bytewise),
	    cmocka_unit_test(what_is_too_short_or_malformed_reads_as_bad_and_zero),
	    cmocka_unit_test(a_blob_that_claims_more_than_there_is_is_bad),
	    cmocka_unit_test(a_buffer_never_grows_over_its_maximum),
	    cmocka_unit_test(printing_fits_short_and_long_texts),
	    cmocka_unit_test(an_arena_hands_out_aligned_bytes_and_starts_over),
	    cmocka_unit_test(an_arena_keeps_what_its_owner_needs_again),
	    cmocka_unit_test(each_error_has_its_exit_status),
	    cmocka_unit_test(file_errors_say_what_to_do),
	    cmocka_unit_test(lines_with_numbers_are_read_strictly),
	    cmocka_unit_test(a_file_is_replaced_whole),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
