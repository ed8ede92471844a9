/* Keys of the store: names without zero bytes, so that an identity is a group of its own, in the order of their numbers. */
#include "engine/flow/keys.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint32_t numbers[] = {0, 1, 126, 127, 128, 129, 16383, 16384, 999999, 2097151, 2097152, 268435455, 268435456, INT32_MAX, UINT32_MAX};
#define N (sizeof numbers / sizeof *numbers)

static void
a_name_is_five_bytes_with_the_high_bit_and_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct buf b = {0};
		struct rd r;

		buf_add_u8(&b, 'I');
		key_add_name(&b, numbers[i]);
		buf_add_str(&b, "id");
		assert_int_equal(b.n, 1 + 5 + 2);
		for (size_t k = 1; k < 6; k++)
			assert_true(((uint8_t)b.p[k] & 0x80) != 0);
		r = rd_of(buf_slice(&b));
		assert_int_equal(rd_u8(&r), 'I');
		assert_int_equal(key_name(&r), numbers[i]);
		assert_true(slice_eq_str(rd_bytes(&r, rd_left(&r)), "id") && !r.bad);
		buf_free(&b);
	}
}

static void
names_are_ordered_as_their_numbers_are(void **state)
{
	struct buf before = {0}, b = {0};

	(void)state;
	for (size_t i = 0; i < N; i++) {
		buf_clear(&b);
		key_add_name(&b, numbers[i]);
		assert_true(i == 0 || slice_cmp(buf_slice(&before), buf_slice(&b)) < 0);
		buf_clear(&before);
		buf_add_slice(&before, buf_slice(&b));
	}
	buf_free(&before);
	buf_free(&b);
}

static void
a_name_that_is_cut_is_told(void **state)
{
	struct buf b = {0};

	(void)state;
	key_add_name(&b, 999999);
	for (size_t n = 0; n < b.n; n++) {
		struct rd r = rd_of(slice_of(b.p, n));

		(void)key_name(&r);
		assert_true(r.bad);
	}
	buf_free(&b);
}

static void
a_subjects_keys_begin_with_its_kind_and_name_and_one_zero(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_add_str(&b, "what was there before");
	key_subject(&b, 'T', slice_str("person/1"));
	assert_true(slice_eq(buf_slice(&b), slice_of("Tperson/1", 10)));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_five_bytes_with_the_high_bit_and_comes_back),
	    cmocka_unit_test(names_are_ordered_as_their_numbers_are),
	    cmocka_unit_test(a_name_that_is_cut_is_told),
	    cmocka_unit_test(a_subjects_keys_begin_with_its_kind_and_name_and_one_zero),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
