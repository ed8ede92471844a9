#include "engine/event/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void
values_survive_encoding_and_malformed_bytes_are_none(void **state)
{
	const struct value v[] = {{.kind = VALUE_STRING, .s = slice_str("")}, {.kind = VALUE_STRING, .s = slice_str("سلام")},
	    {.kind = VALUE_INTEGER, .i = INT64_MIN}, {.kind = VALUE_INTEGER, .i = INT64_MAX}, {.kind = VALUE_INTEGER, .i = -1},
	    {.kind = VALUE_BOOLEAN, .i = 1}, {.kind = VALUE_INSTANT, .t = {-62167219200, 999999999}}, {.kind = VALUE_DECIMAL, .i = -1250, .scale = 2},
	    {.kind = VALUE_DECIMAL, .i = -1250, .scale = 3}, {.kind = VALUE_NUMBER, .d = 0.1}, {.kind = VALUE_NUMBER, .d = -1e300}};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct value back;

		buf_clear(&b);
		value_encode(&b, &v[i]);
		back = value_decode(buf_slice(&b));
		assert_true(value_eq(&v[i], &back));
		for (size_t k = 0; k < sizeof v / sizeof *v; k++)
			assert_true(value_eq(&v[i], &v[k]) == (i == k));
		for (size_t n = 1; n < b.n && v[i].kind != VALUE_STRING; n++)
			assert_int_equal(value_decode(slice_of(b.p, n)).kind, VALUE_NONE);
		buf_add_u8(&b, 0);
		if (v[i].kind != VALUE_STRING)
			assert_int_equal(value_decode(buf_slice(&b)).kind, VALUE_NONE);
	}
	assert_int_equal(value_decode(slice_of("", 0)).kind, VALUE_NONE);
	assert_int_equal(value_decode(slice_of("\x09z", 2)).kind, VALUE_NONE);
	for (unsigned scale = 0; scale < 256; scale += scale < 12 ? 1 : 61) {
		buf_clear(&b);
		value_encode(&b, &(struct value){.kind = VALUE_DECIMAL, .i = 5, .scale = scale});
		assert_int_equal(value_decode(buf_slice(&b)).kind, scale <= 9 ? VALUE_DECIMAL : VALUE_NONE);
	}
	assert_false(value_eq(&(struct value){0}, &(struct value){0}));
	buf_free(&b);
}

static void
values_print_as_json(void **state)
{
	static const struct {
		struct value v;
		const char *json;
	} rows[] = {{{.kind = VALUE_NONE}, "null"}, {{.kind = VALUE_NUMBER, .d = 0.1}, "0.1"},
	    {{.kind = VALUE_NUMBER, .d = 1.0 / 3}, "0.3333333333333333"}, {{.kind = VALUE_NUMBER, .d = 3}, "3"},
	    {{.kind = VALUE_DECIMAL, .i = 5, .scale = 0}, "5"}, {{.kind = VALUE_DECIMAL, .i = -5, .scale = 3}, "-0.005"},
	    {{.kind = VALUE_BOOLEAN, .i = 0}, "false"}, {{.kind = VALUE_INSTANT, .t = {0, 0}}, "\"1970-01-01T00:00:00Z\""},
	    {{.kind = VALUE_STRING, .s = {"a\"\\\n\x01\x7f/", 7}}, "\"a\\\"\\\\\\n\\u0001\x7f/\""}};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&b);
		value_json(&b, &rows[i].v);
		buf_add_u8(&b, 0);
		assert_string_equal(b.p, rows[i].json);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_survive_encoding_and_malformed_bytes_are_none),
	    cmocka_unit_test(values_print_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
