/* The pieces of a timeline's log as bytes: at the limits of their fields, cut, and malformed. */
#include "engine/timeline/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LONGEST 65535

static void
expect_piece(const struct delta *found, const struct delta *de)
{
	assert_int_equal(found->remove, de->remove);
	assert_int_equal(instant_cmp(found->time, de->time), 0);
	assert_int_equal(found->source, de->source);
	assert_int_equal(found->role, de->role);
	assert_int_equal(found->flags, de->flags);
	assert_true(slice_eq(found->id, de->id));
	if (de->remove) {
		assert_int_equal(found->kept.n, 0);
		return;
	}
	assert_int_equal(found->layout, de->layout);
	assert_int_equal(found->stream, de->stream);
	assert_true(found->number == de->number);
	assert_true(slice_eq(found->kept, de->kept));
}

static char *
some_bytes(size_t n)
{
	char *p = malloc(n);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 7 + i / 256);
	return p;
}

/* Bit b of `which` says whether field b is the least or the most that it can be. */
static struct delta
piece_at_limits(unsigned which, const char *bytes)
{
	static const int64_t secs[] = {INT64_MIN, -1, 0, INT64_MAX};

	return (struct delta){.remove = which & 1,
	    .flags = which & 2 ? ENTRY_CONTESTED : 0,
	    .time = {secs[which >> 2 & 3], which & 16 ? 999999999 : 0},
	    .source = which & 32 ? UINT32_MAX : 0,
	    .stream = which & 32 ? UINT32_MAX : 0,
	    .number = which & 64 ? UINT64_MAX : 0,
	    .layout = which & 64 ? UINT16_MAX : 0,
	    .role = which & 128 ? UINT8_MAX : 0,
	    .id = slice_of(bytes, which & 256 ? LONGEST : 1),
	    .kept = slice_of(bytes, which & 512 ? LONGEST : 0)};
}

static void
a_piece_comes_back_as_it_was_whatever_its_fields_hold(void **state)
{
	char *bytes = some_bytes(LONGEST);

	(void)state;
	for (unsigned which = 0; which < 1024; which++) {
		struct delta de = piece_at_limits(which, bytes), found, next = piece_at_limits(which * 7 % 1024, bytes);
		struct buf b = {0}, again = {0};
		struct rd r;
		size_t n;

		piece_begin(&b, &de);
		piece_end(&b, &de);
		n = b.n;
		piece_begin(&b, &next);
		piece_end(&b, &next); /* behind it, for the one is read to its end and no further */
		assert_true(buf_ok(&b));
		r = rd_of(buf_slice(&b));
		assert_int_equal(piece_decode(&r, &found), 0);
		assert_int_equal(rd_left(&r), b.n - n);
		expect_piece(&found, &de);
		piece_begin(&again, &found);
		piece_end(&again, &found);
		assert_true(slice_eq(buf_slice(&again), slice_of(b.p, n)));
		assert_int_equal(piece_decode(&r, &found), 0);
		assert_int_equal(rd_left(&r), 0);
		expect_piece(&found, &next);
		buf_free(&b);
		buf_free(&again);
	}
	free(bytes);
}

static void
a_removal_writes_nothing_but_its_place(void **state)
{
	struct delta de = {.remove = true, .time = {5, 6}, .source = 1, .role = 2, .id = slice_str("id")}, other = de;
	struct buf b = {0}, c = {0};

	(void)state;
	other.kept = slice_str("kept fields that it does not look at");
	other.layout = 3;
	other.stream = 4;
	other.number = 5;
	piece_begin(&b, &de);
	piece_end(&b, &de);
	piece_begin(&c, &other);
	piece_end(&c, &other);
	assert_true(slice_eq(buf_slice(&b), buf_slice(&c)));
	assert_int_equal(b.n, 1 + 1 + 1 + 1 + 1 + 3);
	other.role = 7; /* of another subject of the event: its piece ends in the same way */
	buf_clear(&c);
	piece_end(&c, &other);
	assert_true(slice_eq(slice_of(b.p + 2, b.n - 2), buf_slice(&c)));
	buf_free(&b);
	buf_free(&c);
}

static void
a_piece_that_is_cut_anywhere_is_refused(void **state)
{
	char *bytes = some_bytes(300);

	(void)state;
	for (unsigned which = 0; which < 256; which++) {
		struct delta de = piece_at_limits(which, bytes), found;
		struct buf b = {0};

		de.id.n = 200; /* its length has two bytes */
		de.kept = slice_of(bytes, which % 2 == 0 ? 300 : 0);
		piece_begin(&b, &de);
		piece_end(&b, &de);
		for (size_t n = 0; n < b.n; n++) {
			char *exact = malloc(n + 1); /* a sanitizer sees where it ends */
			struct rd r;

			assert_non_null(exact);
			memcpy(exact + 1, b.p, n);
			r = rd_of(slice_of(exact + 1, n));
			assert_int_equal(piece_decode(&r, &found), -1);
			free(exact);
		}
		buf_free(&b);
	}
	free(bytes);
}

/* A piece as bytes, whose fields need not be right. */
struct raw {
	uint64_t head, role, sec, nsec, source, id_n, layout, stream, number, kept_n;
};

static int
decode_raw(const struct raw *ra, struct delta *ret)
{
	char *bytes = some_bytes(LONGEST + 1);
	struct buf b = {0};
	struct rd r;
	int rc;

	buf_add_u8(&b, (uint8_t)ra->head);
	buf_add_u8(&b, (uint8_t)ra->role);
	buf_add_varint(&b, ra->sec);
	buf_add_varint(&b, ra->nsec);
	buf_add_varint(&b, ra->source);
	buf_add_blob(&b, slice_of(bytes, ra->id_n));
	if ((ra->head & 1) == 0) {
		buf_add_varint(&b, ra->layout);
		buf_add_varint(&b, ra->stream);
		buf_add_varint(&b, ra->number);
		buf_add_blob(&b, slice_of(bytes, ra->kept_n));
	}
	assert_true(buf_ok(&b));
	r = rd_of(buf_slice(&b));
	rc = piece_decode(&r, ret);
	free(bytes);
	buf_free(&b);
	return rc;
}

/* A number that does not fit its field is not taken for what is left of it. */
static void
a_piece_with_a_field_out_of_range_is_refused(void **state)
{
	static const struct raw good = {.sec = 3, .nsec = 4, .source = 5, .id_n = 1, .layout = 6, .stream = 7, .number = 8, .kept_n = 2};
	static const uint64_t wide = (uint64_t)1 << 32;
	struct delta de;

	(void)state;
	assert_int_equal(decode_raw(&good, &de), 0);
	assert_int_equal(de.time.sec, -2);
	for (uint64_t head = 0; head < 256; head++) {
		struct raw ra = good;

		ra.head = head;
		assert_int_equal(decode_raw(&ra, &de), head < 4 ? 0 : -1);
	}
	for (unsigned remove = 0; remove < 2; remove++) {
		struct raw bad[] = {good, good, good, good, good, good, good, good, good, good};

		bad[0].nsec = 1000000000;
		bad[1].nsec = wide + 4;
		bad[2].source = wide + 5;
		bad[3].id_n = 0;
		bad[4].id_n = LONGEST + 1;
		bad[5].layout = 65536;
		bad[6].layout = 65536 + 6;
		bad[7].stream = wide + 7;
		bad[8].kept_n = LONGEST + 1;
		bad[9].layout = wide;
		for (size_t i = 0; i < (remove ? 5 : 10); i++) {
			bad[i].head = remove;
			if (decode_raw(&bad[i], &de) != -1)
				fail_msg("case %zu, removal %u", i, remove);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_piece_comes_back_as_it_was_whatever_its_fields_hold),
	    cmocka_unit_test(a_removal_writes_nothing_but_its_place),
	    cmocka_unit_test(a_piece_that_is_cut_anywhere_is_refused),
	    cmocka_unit_test(a_piece_with_a_field_out_of_range_is_refused),
	};

	return cmocka_run_group_tests_name("timeline_codec", tests, NULL, NULL);
}
