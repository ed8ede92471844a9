/* Events that are hostile as texts: the cases of JSONTestSuite (json_cases.txt), UTF-8, depth and width, numbers and dates at
 * every limit. Whatever comes, it is a record, or a fault with its reason and a text. */
#include "engine/event/event.h"
#include "state/base/utf8.h"
#include "tests/unit/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
	struct contracts *cs;
	struct event_parser *pa;
	struct arena arena;
	struct event ev;
	struct slice detail;
	struct buf text;
};

static const char contract[] =
    "{\"$id\": \"t.all\", \"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"n\": {\"type\": \"integer\"}, \"at\": {\"type\": \"string\", \"format\": \"date-time\"}, \"day\": {\"type\": \"string\", \"format\": "
    "\"date\"},"
    "\"sum\": {\"type\": \"string\", \"format\": \"decimal\", \"x-scale\": 2}, \"text\": {\"type\": \"string\"}, \"list\": {\"type\": \"array\", "
    "\"items\": {\"type\": \"integer\"}}, \"flag\": {\"type\": \"boolean\"}}, \"x-keep\": [\"n\", \"at\", \"day\", \"sum\"]}";

static int
setup(void **state)
{
	struct source_text source = {slice_str("all.json"), slice_str(contract)};
	struct fixture *fx = calloc(1, sizeof *fx);
	struct findings fi = {0};
	struct err err;

	if (fx == NULL)
		return -1;
	fx->cs = contracts_compile(&source, 1, &fi, &err);
	findings_free(&fi);
	fx->pa = fx->cs == NULL ? NULL : event_parser_new(fx->cs, 1);
	*state = fx;
	return fx->pa == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;

	event_parser_free(fx->pa);
	contracts_free(fx->cs);
	arena_free(&fx->arena);
	buf_free(&fx->text);
	free(fx);
	return 0;
}

/* What fx->text is. A fault has a reason and a text, which is UTF-8. */
static enum event_fault
parse(struct fixture *fx)
{
	enum event_fault fault;

	assert_true(buf_ok(&fx->text));
	arena_reset(&fx->arena);
	fx->detail = slice_of("", 0);
	fault = event_parse(fx->pa, buf_slice(&fx->text), &fx->arena, &fx->ev, &fx->detail);
	assert_true(fault < FAULT_COUNT && event_fault_name(fault) != NULL);
	if (fault != FAULT_NONE && (fx->detail.n == 0 || !utf8_valid(fx->detail)))
		fail_msg("%s: a text that cannot be shown: %.*s", event_fault_name(fault), SLICE_ARG(fx->detail));
	return fault;
}

#define HEAD "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":"

static void
embed(struct fixture *fx, const char *before, struct slice s, const char *after)
{
	fx->text.max = 2 * MIB;
	buf_clear(&fx->text);
	buf_add_str(&fx->text, before);
	buf_add_slice(&fx->text, s);
	buf_add_str(&fx->text, after);
}

static enum event_fault
parse_data(struct fixture *fx, const char *members)
{
	embed(fx, HEAD "{", slice_str(members), "}}");
	return parse(fx);
}

/* --- JSONTestSuite ---------------------------------------------------------------------------------------------- */

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %HH and <N*TEXT>. */
static void
expand(struct buf *b, const char *p, const char *end)
{
	while (p < end) {
		char *star;
		const char *close;

		if (*p == '%' && end - p >= 3 && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
			buf_add_u8(b, (uint8_t)(hex_digit(p[1]) * 16 + hex_digit(p[2])));
			p += 3;
		} else if (*p == '<' && end - p >= 4 && p[1] >= '1' && p[1] <= '9') {
			unsigned long n = strtoul(p + 1, &star, 10);

			close = memchr(star, '>', (size_t)(end - star));
			assert_true(*star == '*' && close != NULL);
			while (n-- > 0)
				buf_add(b, star + 1, (size_t)(close - star - 1));
			p = close + 1;
		} else {
			buf_add_u8(b, (uint8_t)*p++);
		}
	}
}

/* Was it taken as JSON? What a contract has against its content is another matter. */
static bool
is_json(enum event_fault fault)
{
	return fault == FAULT_NONE || fault == FAULT_BAD_VALUE || fault == FAULT_UNKNOWN_FIELD || fault == FAULT_MISSING_FIELD;
}

static void
check_case(struct fixture *fx, const char *name, const char *expected, const char *whole, struct slice text)
{
	bool whole_is_object, taken;
	enum event_fault fault;

	/* As the event's data. A duplicate in there is found by its contract, which has no such fields at all. */
	embed(fx, HEAD, text, "}");
	fault = parse(fx);
	if (strncmp(name, "i_structure_UTF-8_BOM", 21) == 0)
		taken = fault == FAULT_BAD_JSON; /* a mark stands at the beginning of a text or nowhere */
	else if (strcmp(expected, "json") == 0 || strcmp(expected, "duplicate_key") == 0)
		taken = is_json(fault) && strstr(fx->detail.p, "64 bits") == NULL;
	else
		taken = strcmp(event_fault_name(fault), expected) == 0;
	if (!taken)
		fail_msg("%s in data: wanted %s, got %s: %.*s", name, expected, event_fault_name(fault), SLICE_ARG(fx->detail));

	/* As the whole event. */
	expected = whole;
	embed(fx, "", text, "");
	fault = parse(fx);
	if (strcmp(expected, "json") != 0) {
		if (strcmp(event_fault_name(fault), expected) != 0)
			fail_msg("%s: wanted %s, got %s: %.*s", name, expected, event_fault_name(fault), SLICE_ARG(fx->detail));
		return;
	}
	whole_is_object = text.n != 0 && memchr("{\xef", text.p[0], 2) != NULL;
	if (whole_is_object ? !is_json(fault) : fault != FAULT_BAD_JSON || !slice_eq_str(fx->detail, "not a JSON object"))
		fail_msg("%s: got %s: %.*s", name, event_fault_name(fault), SLICE_ARG(fx->detail));
}

static void
the_cases_of_jsontestsuite(void **state)
{
	struct fixture *fx = *state;
	size_t n, counts[3] = {0, 0, 0};
	char *file = pack_read(SOURCE_DIR "/tests/unit/json_cases.txt", &n), *save = NULL;

	for (char *line = strtok_r(file, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *expected = strchr(line, ' '), *text, *whole;
		const char *by_name;
		struct buf b = {.max = MIB};

		if (*line == '#')
			continue;
		assert_non_null(expected);
		*expected++ = '\0';
		text = expected + strcspn(expected, " ");
		if (*text != '\0')
			*text++ = '\0';
		expand(&b, text, text + strlen(text));
		assert_true(buf_ok(&b));
		whole = strchr(expected, '/');
		if (whole != NULL)
			*whole++ = '\0';
		by_name = strcmp(expected, ".") != 0 ? expected : line[0] == 'n' ? "bad_json" : "json";
		check_case(fx, line, by_name, whole == NULL ? by_name : whole, b.n == 0 ? slice_of("", 0) : buf_slice(&b));
		counts[line[0] == 'y' ? 0 : line[0] == 'n' ? 1 : 2]++;
		buf_free(&b);
	}
	assert_true(counts[0] == 95 && counts[1] == 188 && counts[2] == 35);
	free(file);
}

/* --- UTF-8 ------------------------------------------------------------------------------------------------------ */

/* What RFC 3629 says, told by decoding. */
static bool
decodes(const unsigned char *p, size_t n)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};

	for (size_t i = 0; i < n;) {
		size_t length = p[i] < 0x80 ? 1 : (p[i] & 0xe0) == 0xc0 ? 2 : (p[i] & 0xf0) == 0xe0 ? 3 : (p[i] & 0xf8) == 0xf0 ? 4 : 0;
		uint32_t c;

		if (length == 0 || i + length > n)
			return false;
		c = length == 1 ? p[i] : p[i] & (0xffu >> (length + 1));
		for (size_t k = 1; k < length; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		i += length;
	}
	return true;
}

/* The bytes in a string of the data; none of them is a quote, a backslash or a control character. */
static void
check_bytes(struct fixture *fx, const unsigned char *p, size_t n)
{
	enum event_fault wanted = decodes(p, n) ? FAULT_NONE : FAULT_BAD_UTF8, fault;

	embed(fx, HEAD "{\"text\":\"", slice_of((const char *)p, n), "\"}}");
	fault = parse(fx);
	if (fault != wanted || utf8_valid(slice_of((const char *)p, n)) != (wanted == FAULT_NONE))
		fail_msg("%zu bytes %02x %02x %02x %02x: %s", n, p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0, event_fault_name(fault));
}

/* Every sequence of two bytes, and of three and four such that each byte is at an edge of some range of RFC 3629: overlong
 * forms, surrogates, cut ones, lone continuations, above U+10FFFF, noncharacters, what never occurs. */
static void
every_edge_of_utf_8(void **state)
{
	static const unsigned char edges[] = {0x20, 0x7e, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbe, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
	    0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
	enum { N = sizeof edges };
	struct fixture *fx = *state;
	unsigned char p[6];
	bool reduced = getenv("DIDEBAN_REDUCED") != NULL;

	for (unsigned a = 0x80; a < 0x100; a++)
		for (unsigned b = 0x80; b < 0x100; b++) {
			p[0] = (unsigned char)a;
			p[1] = (unsigned char)b;
			check_bytes(fx, p, 1);
			check_bytes(fx, p, 2);
		}
	for (unsigned i = 0; i < N * N * N * N; i += reduced ? 7 : 1) {
		p[0] = edges[i % N];
		p[1] = edges[i / N % N];
		p[2] = edges[i / N / N % N];
		p[3] = edges[i / N / N / N];
		check_bytes(fx, p, 4);
		if (i < N * N * N)
			check_bytes(fx, p, 3);
	}
	for (unsigned i = 0xf8; i < 0x100; i++) { /* the five and six bytes of another age */
		memset(p, 0xbf, sizeof p);
		p[0] = (unsigned char)i;
		check_bytes(fx, p, 5);
		check_bytes(fx, p, 6);
	}
}

/* --- depth, width, size ------------------------------------------------------------------------------------------ */

static void
deep_and_wide_events(void **state)
{
	struct fixture *fx = *state;
	static const struct {
		unsigned depth; /* of lists in the data */
		enum event_fault fault;
	} depths[] = {{1, FAULT_NONE}, {LIMIT_EVENT_DEPTH - 2, FAULT_BAD_VALUE}, {LIMIT_EVENT_DEPTH - 1, FAULT_TOO_DEEP}, {10000, FAULT_TOO_DEEP}};
	static const struct {
		unsigned n;
		enum event_fault list, text, extensions;
	} widths[] = {{32, FAULT_NONE, FAULT_NONE, FAULT_NONE}, {33, FAULT_NONE, FAULT_NONE, FAULT_BAD_VALUE},
	    {256, FAULT_NONE, FAULT_NONE, FAULT_BAD_VALUE}, {257, FAULT_BAD_VALUE, FAULT_NONE, FAULT_BAD_VALUE},
	    {4096, FAULT_BAD_VALUE, FAULT_NONE, FAULT_BAD_VALUE}, {4097, FAULT_BAD_VALUE, FAULT_BAD_VALUE, FAULT_BAD_VALUE},
	    {100000, FAULT_BAD_VALUE, FAULT_BAD_VALUE, FAULT_TOO_LARGE}};
	struct buf b = {.max = 2 * MIB};

	for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
		buf_clear(&b);
		for (unsigned k = 0; k < depths[i].depth; k++)
			buf_add_u8(&b, '[');
		for (unsigned k = 0; k < depths[i].depth; k++)
			buf_add_u8(&b, ']');
		embed(fx, HEAD "{\"list\":", buf_slice(&b), "}}");
		assert_int_equal(parse(fx), depths[i].fault);
	}
	for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
		buf_clear(&b);
		for (unsigned k = 0; k < widths[i].n; k++)
			buf_add_str(&b, k == 0 ? "1" : ",1");
		embed(fx, HEAD "{\"list\":[", buf_slice(&b), "]}}");
		assert_int_equal(parse(fx), widths[i].list);
		buf_clear(&b);
		for (unsigned k = 0; k < widths[i].n; k++)
			buf_add_u8(&b, 'x');
		embed(fx, HEAD "{\"text\":\"", buf_slice(&b), "\"}}");
		assert_int_equal(parse(fx), widths[i].text);
		buf_clear(&b);
		for (unsigned k = 0; k < widths[i].n; k++)
			buf_printf(&b, ",\"x%u\":1", k);
		embed(fx, HEAD "{}", buf_slice(&b), "}");
		assert_int_equal(parse(fx), widths[i].extensions);
	}
	/* To the byte. */
	buf_clear(&b);
	while (b.n < LIMIT_EVENT_BYTES - strlen(HEAD "{}}"))
		buf_add_u8(&b, ' ');
	embed(fx, HEAD "{", buf_slice(&b), "}}");
	assert_int_equal(fx->text.n, LIMIT_EVENT_BYTES);
	assert_int_equal(parse(fx), FAULT_NONE);
	embed(fx, HEAD "{ ", buf_slice(&b), "}}");
	assert_int_equal(parse(fx), FAULT_TOO_LARGE);
	buf_free(&b);
}

/* What stands in a fault's text is fit for a line of JSON, a log and a terminal. */
static void
names_in_texts_are_harmless(void **state)
{
	static const char *const names[] = {"a\\u202eb", "a\\u2028b", "a\\u0085b", "a\\u0000b", "a\\nb", "a\\u001bb", "a\\u2066b"};
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct buf b = {.max = 4096};

		buf_printf(&b, "\"%s\":1", names[i]);
		buf_add_u8(&b, 0);
		assert_int_equal(parse_data(fx, b.p), FAULT_UNKNOWN_FIELD);
		if (strncmp(fx->detail.p, "data.a?b: ", 10) != 0)
			fail_msg("%s: %.*s", names[i], SLICE_ARG(fx->detail));
		buf_free(&b);
	}
}

/* --- numbers and dates ------------------------------------------------------------------------------------------- */

struct limit {
	const char *text, *kept; /* kept: as JSON; NULL: refused as bad_value */
};

static void
check_limits(struct fixture *fx, const char *field, const char *quote, const struct limit *li, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf b = {.max = 4096}, kept = {.max = 4096};
		enum event_fault fault;
		struct value v;

		buf_printf(&b, "\"%s\":%s%s%s", field, quote, li[i].text, quote);
		buf_add_u8(&b, 0);
		fault = parse_data(fx, b.p);
		if (fault != (li[i].kept == NULL ? FAULT_BAD_VALUE : FAULT_NONE))
			fail_msg("%s %s: %s: %.*s", field, li[i].text, event_fault_name(fault), SLICE_ARG(fx->detail));
		if (li[i].kept != NULL) {
			v = kept_value(fx->ev.kept, (unsigned)layout_field_index(contract_layout(fx->ev.contract), slice_str(field)));
			value_json(&kept, &v);
			buf_add_u8(&kept, 0);
			assert_string_equal(kept.p, li[i].kept);
		}
		buf_free(&b);
		buf_free(&kept);
	}
}
#define CHECK_LIMITS(fx, field, quote, table) check_limits(fx, field, quote, table, sizeof table / sizeof table[0])

static void
numbers_at_their_limits(void **state)
{
	static const struct limit integers[] = {{"0", "0"}, {"-0", "0"}, {"-0.0", "0"}, {"0e999", "0"},
	    {"9223372036854775807", "9223372036854775807"}, {"-9223372036854775808", "-9223372036854775808"}, {"9223372036854775808", NULL},
	    {"-9223372036854775809", NULL}, {"18446744073709551615", NULL}, {"18446744073709551616", NULL},
	    {"9007199254740992.0", "9007199254740992"}, {"9007199254740994.0", NULL}, {"-9007199254740992e0", "-9007199254740992"},
	    {"1e15", "1000000000000000"}, {"1e16", NULL}, {"1.5", NULL}, {"1e308", NULL}, {"1e309", NULL}, {"-1e309", NULL}, {"1e-400", "0"},
	    {"5e-324", NULL}, {"1e-1", NULL}, {"10e-1", "1"}, {"1e99999999999999999999", NULL}, {"123456789012345678901234567890", NULL},
	    {"true", NULL}, {"\"1\"", NULL}, {"null", NULL}, {"[1]", NULL}, {"{}", NULL}};
	static const struct limit decimals[] = {{"0", "0.00"}, {"-0", "0.00"}, {"00000000000000000000000.5", "0.50"},
	    {"92233720368547758.07", "92233720368547758.07"}, {"-92233720368547758.08", "-92233720368547758.08"}, {"92233720368547758.08", NULL},
	    {"-92233720368547758.09", NULL}, {"99999999999999999999", NULL}, {"1.234", NULL}, {"1.", NULL}, {".5", NULL}, {"-", NULL}, {"", NULL},
	    {"+1", NULL}, {"1e3", NULL}, {"1,5", NULL}, {"1.2.3", NULL}, {" 1", NULL}, {"0x1", NULL}, {"NaN", NULL}};
	static const char *const not_json[] = {"01", "-01", "+1", ".5", "1.", "1e", "1e+", "--1", "0x1", "NaN", "Infinity", "1_000", "\xdb\xb1"};
	struct fixture *fx = *state;

	CHECK_LIMITS(fx, "n", "", integers);
	CHECK_LIMITS(fx, "sum", "\"", decimals);
	for (size_t i = 0; i < sizeof not_json / sizeof not_json[0]; i++) {
		embed(fx, HEAD "{\"n\":", slice_str(not_json[i]), "}}");
		assert_int_equal(parse(fx), FAULT_BAD_JSON);
	}
}

static const struct limit instants[] = {{"0000-01-01T00:00:00Z", "\"0000-01-01T00:00:00Z\""},
    {"9999-12-31T23:59:59.999999999Z", "\"9999-12-31T23:59:59.999999999Z\""}, {"0000-01-01T00:00:00+00:01", NULL},
    {"0000-01-01T00:00:00-00:01", "\"0000-01-01T00:01:00Z\""}, {"9999-12-31T23:59:59-00:01", NULL},
    {"9999-12-31T23:59:59+23:59", "\"9999-12-31T00:00:59Z\""}, {"10000-01-01T00:00:00Z", NULL}, {"-001-01-01T00:00:00Z", NULL},
    {"1969-12-31T23:59:59.999999999Z", "\"1969-12-31T23:59:59.999999999Z\""}, {"2024-02-29T00:00:00Z", "\"2024-02-29T00:00:00Z\""},
    {"2023-02-29T00:00:00Z", NULL}, {"1900-02-29T00:00:00Z", NULL}, {"2000-02-29T00:00:00Z", "\"2000-02-29T00:00:00Z\""},
    {"2024-00-01T00:00:00Z", NULL}, {"2024-13-01T00:00:00Z", NULL}, {"2024-04-31T00:00:00Z", NULL}, {"2024-01-00T00:00:00Z", NULL},
    {"2024-01-01T24:00:00Z", NULL}, {"2024-01-01T23:60:00Z", NULL}, {"2016-12-31T23:59:60Z", NULL}, {"2016-12-31T23:59:61Z", NULL},
    {"2024-01-01T00:00:00.1Z", "\"2024-01-01T00:00:00.1Z\""}, {"2024-01-01T00:00:00.000000000Z", "\"2024-01-01T00:00:00Z\""},
    {"2024-01-01T00:00:00.1234567890Z", NULL}, {"2024-01-01T00:00:00.Z", NULL}, {"2024-01-01T00:00:00,5Z", NULL}, {"2024-01-01T00:00:00+24:00", NULL},
    {"2024-01-01T00:00:00+00:60", NULL}, {"2024-01-01T00:00:00-23:59", "\"2024-01-01T23:59:00Z\""}, {"2024-01-01T00:00:00+0330", NULL},
    {"2024-01-01T00:00:00+3:30", NULL}, {"2024-01-01T00:00:00", NULL}, {"2024-01-01T00:00:00 Z", NULL}, {"2024-01-01 00:00:00Z", NULL},
    {"2024-01-01t00:00:00z", "\"2024-01-01T00:00:00Z\""}, {"2024-1-1T0:0:0Z", NULL}, {"2024-01-01T00:00Z", NULL}, {"20240101T000000Z", NULL},
    {"2024-W01-1T00:00:00Z", NULL}, {"", NULL}, {"T", NULL}, {"\xdb\xb2\xdb\xb0\xdb\xb2\xdb\xb4-01-01T00:00:00Z", "\"2024-01-01T00:00:00Z\""},
    {"2024-01-01T00:00:00Z\\u0000", NULL}, {"99999999999999999999-01-01T00:00:00Z", NULL}};

static void
dates_at_their_limits(void **state)
{
	static const struct limit days[] = {{"0000-01-01", "\"0000-01-01\""}, {"9999-12-31", "\"9999-12-31\""}, {"2024-02-29", "\"2024-02-29\""},
	    {"2023-02-29", NULL}, {"2100-02-29", NULL}, {"2024-06-31", NULL}, {"2024-00-10", NULL}, {"2024-12-00", NULL}, {"2024-12-32", NULL},
	    {"10000-01-01", NULL}, {"24-01-01", NULL}, {"2024/01/01", NULL}, {"2024-01-01Z", NULL}, {"2024-01-01T00:00:00Z", NULL},
	    {" 2024-1-1", NULL}};
	struct fixture *fx = *state;

	CHECK_LIMITS(fx, "at", "\"", instants);
	CHECK_LIMITS(fx, "day", "\"", days);
}

/* The event's own time has the same limits, and its own reason. */
static void
times_of_events_at_their_limits(void **state)
{
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
		embed(fx, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"data\":{},\"time\":\"",
		    slice_str(instants[i].text), "\"}");
		assert_int_equal(parse(fx), instants[i].kept == NULL ? FAULT_BAD_TIME : FAULT_NONE);
	}
	embed(fx, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"data\":{},\"time\":", slice_str("1710928800"), "}");
	assert_int_equal(parse(fx), FAULT_BAD_TIME);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_cases_of_jsontestsuite, setup, teardown),
	    cmocka_unit_test_setup_teardown(every_edge_of_utf_8, setup, teardown),
	    cmocka_unit_test_setup_teardown(deep_and_wide_events, setup, teardown),
	    cmocka_unit_test_setup_teardown(names_in_texts_are_harmless, setup, teardown),
	    cmocka_unit_test_setup_teardown(numbers_at_their_limits, setup, teardown),
	    cmocka_unit_test_setup_teardown(dates_at_their_limits, setup, teardown),
	    cmocka_unit_test_setup_teardown(times_of_events_at_their_limits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
