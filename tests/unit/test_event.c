#include "engine/event/event.h"
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
};

/* A contract with one field of each kind. */
static const char all_kinds[] =
    "{\"$id\": \"t.all\", \"type\": \"object\", \"additionalProperties\": false, \"required\": [\"who\"], \"properties\": {"
    "\"who\": {\"$ref\": \"dideban:person\"}, \"n\": {\"type\": \"integer\", \"minimum\": -5, \"maximum\": 9007199254740993}, \"flag\": {\"type\": "
    "\"boolean\"},"
    "\"at\": {\"type\": \"string\", \"format\": \"date-time\"}, \"day\": {\"type\": \"string\", \"format\": \"date\"},"
    "\"sum\": {\"type\": \"string\", \"format\": \"decimal\", \"x-scale\": 2}, \"code\": {\"type\": \"integer\", \"enum\": [1, 2]},"
    "\"text\": {\"type\": \"string\", \"minLength\": 2, \"maxLength\": 5}, \"fixed\": {\"type\": \"string\", \"const\": \"yes\"}, \"long\": "
    "{\"type\": \"string\"},"
    "\"inner\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"a\"], \"properties\": {\"a\": {\"type\": \"string\"}, "
    "\"b\": {\"type\": \"string\"}}},"
    "\"list\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 3, \"items\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"}}},"
    "\"others\": {\"type\": \"array\", \"items\": {\"$ref\": \"dideban:person\"}},"
    "\"more\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},"
    "\"whole\": {\"type\": \"string\"}"
    "}, \"x-roles\": {\"others\": {\"kind\": \"person\", \"path\": \"others[]\"}, \"who\": {\"kind\": \"person\", \"path\": \"who\"},"
    "\"pool\": {\"kind\": \"pool\", \"path\": [\"inner.a\", \"inner.b\"]}, \"more\": {\"kind\": \"thing\", \"path\": \"more[]\"}, \"whole\": "
    "{\"kind\": \"*\", \"path\": \"whole\"}},"
    "\"x-keep\": [\"who\", \"n\", \"flag\", \"at\", \"day\", \"sum\", \"text\", \"inner.a\", \"who.verified\", \"long\"]}";

static int
setup(void **state)
{
	struct source_text source = {slice_str("all.json"), slice_str(all_kinds)};
	struct fixture *fx = calloc(1, sizeof *fx);
	struct findings fi = {0};
	struct err err;

	if (fx == NULL)
		return -1;
	fx->cs = contracts_compile(&source, 1, &fi, &err);
	for (size_t i = 0; i < fi.n; i++)
		print_message("%u:%u %s\n", fi.v[i].line, fi.v[i].column, fi.v[i].text);
	findings_free(&fi);
	if (fx->cs == NULL)
		return -1;
	fx->pa = event_parser_new(fx->cs, 1);
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
	free(fx);
	return 0;
}

static enum event_fault
parse(struct fixture *fx, const char *text)
{
	fx->detail = slice_of("", 0);
	return event_parse(fx->pa, slice_str(text), &fx->arena, &fx->ev, &fx->detail);
}

static void
accept(struct fixture *fx, const char *text)
{
	if (parse(fx, text) != FAULT_NONE)
		fail_msg("%.*s\n%s", SLICE_ARG(fx->detail), text);
}

/* Kept field i as JSON. */
static void
assert_kept(const struct fixture *fx, const char *name, const char *json)
{
	int i = layout_field_index(contract_layout(fx->ev.contract), slice_str(name));
	struct buf b = {0};
	struct value v;

	assert_true(i >= 0);
	v = kept_value(fx->ev.kept, (unsigned)i);
	value_json(&b, &v);
	buf_add_u8(&b, 0);
	assert_string_equal(b.p, json);
	buf_free(&b);
}

static void
assert_ref(const struct fixture *fx, unsigned i, const char *role, const char *subject)
{
	assert_true(i < fx->ev.n_refs);
	assert_string_equal(contract_layout(fx->ev.contract)->roles[fx->ev.refs[i].role].name, role);
	if (!slice_eq_str(fx->ev.refs[i].subject, subject))
		fail_msg("%.*s, not %s", SLICE_ARG(fx->ev.refs[i].subject), subject);
}

#define HEAD "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":"
#define WHO "\"who\":{\"id\":\"nid:0084575948\"}"
#define E(members) HEAD "{" WHO members "}}"

static void
an_event_becomes_references_and_kept_fields(void **state)
{
	struct fixture *fx = *state;

	accept(fx, E(",\"n\":-3,\"flag\":true,\"at\":\"2024-03-20T13:30:00.5+03:30\",\"day\":\"2024-02-29\",\"sum\":\"-12.5\",\"text\":\"سلام\","
		     "\"inner\":{\"b\":\"y\",\"a\":\"x\"},\"list\":[[1,2],[]],\"others\":[{\"id\":\"x-n:B\"},{\"given_name\":\"c\"},{\"id\":\"x-n:"
		     "A\"},{\"id\":\"x-n:B\"}],"
		     "\"more\":[\"1\"],\"whole\":\"case/17\",\"code\":2,\"fixed\":\"yes\""));
	assert_true(slice_eq_str(fx->ev.id, "1") && slice_eq_str(fx->ev.source, "/s"));
	assert_int_equal(fx->ev.time.sec, 1710928800);
	assert_false(fx->ev.retracts);
	assert_int_equal(fx->ev.n_refs, 6);
	assert_ref(fx, 0, "others", "person/x-n:B");
	assert_ref(fx, 1, "others", "person/x-n:A");
	assert_ref(fx, 2, "who", "person/nid:0084575948");
	assert_ref(fx, 3, "pool", "pool/x:y");
	assert_ref(fx, 4, "more", "thing/1");
	assert_ref(fx, 5, "whole", "case/17");
	assert_kept(fx, "who", "\"nid:0084575948\"");
	assert_kept(fx, "n", "-3");
	assert_kept(fx, "flag", "true");
	assert_kept(fx, "at", "\"2024-03-20T10:00:00.5Z\"");
	assert_kept(fx, "day", "\"2024-02-29\"");
	assert_kept(fx, "sum", "-12.50");
	assert_kept(fx, "text", "\"سلام\"");
	assert_kept(fx, "inner.a", "\"x\"");
	assert_kept(fx, "who.verified", "null");
}

static void
what_is_absent_gives_no_reference_and_no_kept_field(void **state)
{
	struct fixture *fx = *state;

	accept(fx, HEAD "{\"who\":{\"given_name\":\"علی\",\"family_name\":\"\"},\"inner\":{\"a\":\"x\"}}}");
	assert_int_equal(fx->ev.n_refs, 0);
	assert_kept(fx, "who", "null");
	assert_kept(fx, "n", "null");
	assert_kept(fx, "inner.a", "\"x\"");
	accept(fx, HEAD "{\"who\":{}}}");
	assert_int_equal(fx->ev.n_refs, 0);
}

/* Rows of one group are one content; rows of two groups never are. */
static const struct {
	int group;
	const char *text;
} contents[] = {
    {1, E(",\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"\\u0645\"},\"list\":[[1000]]")},
    {1, HEAD "{\"list\":[[1000]],\"inner\":{\"b\":\"م\",\"a\":\"x 12\"},\"n\":1.0," WHO "}}"},
    {1, "\xef\xbb\xbf" E(",\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"\\u0645\"},\"list\":[[1000]]")},
    {1, " {\n\"data\" : { \"n\" : 10e-1 , \"list\":[ [ 1e3 ] ],\"inner\":{\"a\":\"\\u0078 "
	"۱۲\",\"b\":\"م\"},\"who\":{\"id\":\"n\\u0069d:۰۰٨۴۵۷۵۹۴۸\"}},\"time\":\"2024-03-20T13:30:00.000+03:30\","
	"\"type\":\"t.all\",\"source\":\"/other\",\"id\":\"2\",\"specversion\":\"1.0\",\"datacontenttype\":\"application/json; "
	"charset=utf-8\",\"subject\":\"x\",\"traceparent\":\"00-\","
	"\"dataschema\":\"y\",\"partitionkey\":\"k\",\"sampled\":1}\r\n"},
    {1, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"۲۰۲۴-۰۳-۲۰T۱۰:۰۰:۰۰Z\",\"data\":{" WHO
	",\"n\":1,\"inner\":{\"a\":\"x ١٢\",\"b\":\"م\"},\"list\":[[1000.0]]}}"},
    {2, E(",\"n\":2,\"inner\":{\"a\":\"x 12\",\"b\":\"م\"},\"list\":[[1000]]")},
    {3, E(",\"n\":1,\"inner\":{\"a\":\"x 12\"},\"list\":[[1000]]")},
    {4, E(",\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"-\"},\"list\":[[1000]]")},
    {5, E(",\"n\":1,\"inner\":{\"a\":\"x 12م\",\"b\":\"-\"},\"list\":[[1000]]")},
    {6, E(",\"n\":1,\"inner\":{\"a\":\"-\",\"b\":\"x 12م\"},\"list\":[[1000]]")},
    {7, E(",\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"م\"},\"list\":[[1000],[]]")},
    {8, E(",\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"م\"},\"list\":[[],[1000]]")},
    {9, E(",\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"م\"},\"list\":[[1000]],\"flag\":false")},
    {10, E(",\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"م\"},\"list\":[[1000]],\"flag\":true")},
    {11, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00.000000001Z\",\"data\":{" WHO
	 ",\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"م\"},\"list\":[[1000]]}}"},
    {12, HEAD "{\"who\":{\"id\":\"nid:0084575948\",\"verified\":true},\"n\":1,\"inner\":{\"a\":\"x 12\",\"b\":\"م\"},\"list\":[[1000]]}}"},
    {13, HEAD "{\"who\":{\"id\":\"nid:0084575948\",\"given_name\":\"1\"}}}"},
    {13, HEAD "{\"who\":{\"given_name\":\"۱\",\"id\":\"nid:0084575948\"}}}"},
    {14, HEAD "{\"who\":{\"id\":\"nid:0084575948\",\"family_name\":\"1\"}}}"},
    {15, E(",\"n\":9007199254740993")},
    {16, E(",\"n\":9007199254740992")},
    {16, E(",\"n\":9007199254740992.0")},
    {17, E(",\"more\":[\"a\",\"b\"]")},
    {18, E(",\"more\":[\"b\",\"a\"]")},
    {19, E(",\"more\":[\"ab\"]")},
    {20, E(",\"long\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\/\"")},
    {20, E(",\"long\":\"\\u0022\\u005c\\u0008\\u000C\\u000a\\u000d\\u0009\\u0001/\"")},
};

static void
equal_content_has_equal_hash_and_kept_bytes_and_other_content_has_not(void **state)
{
	struct fixture *fx = *state;
	size_t n = sizeof contents / sizeof *contents;
	struct event ev[sizeof contents / sizeof *contents];
	uint8_t sha[sizeof contents / sizeof *contents][32];
	struct err err;

	for (size_t i = 0; i < n; i++) {
		accept(fx, contents[i].text);
		ev[i] = fx->ev;
		assert_int_equal(event_content_sha256(fx->pa, slice_str(contents[i].text), sha[i], &err), 0);
		for (size_t k = 0; k < i; k++) {
			bool equal = contents[i].group == contents[k].group;

			if (equal != (memcmp(ev[i].content_hash, ev[k].content_hash, sizeof ev[i].content_hash) == 0))
				fail_msg("hash of\n%s\n%s", contents[i].text, contents[k].text);
			if (equal != (memcmp(sha[i], sha[k], 32) == 0))
				fail_msg("SHA-256 of\n%s\n%s", contents[i].text, contents[k].text);
			if (!equal)
				continue;
			assert_true(slice_eq(ev[i].kept, ev[k].kept));
			assert_int_equal(ev[i].n_refs, ev[k].n_refs);
			for (unsigned r = 0; r < ev[i].n_refs; r++)
				assert_true(ev[i].refs[r].role == ev[k].refs[r].role && slice_eq(ev[i].refs[r].subject, ev[k].refs[r].subject));
		}
	}
}

static void
the_content_hash_depends_on_the_seed_alone(void **state)
{
	struct fixture *fx = *state;
	struct event_parser *again = event_parser_new(fx->cs, 1), *other = event_parser_new(fx->cs, 2);
	struct event a, b;
	struct slice text = slice_str(E(""));

	assert_non_null(again);
	assert_non_null(other);
	accept(fx, text.p);
	assert_int_equal(event_parse(again, text, &fx->arena, &a, &fx->detail), FAULT_NONE);
	assert_int_equal(event_parse(other, text, &fx->arena, &b, &fx->detail), FAULT_NONE);
	assert_memory_equal(a.content_hash, fx->ev.content_hash, 16);
	assert_memory_not_equal(b.content_hash, fx->ev.content_hash, 16);
	event_parser_free(again);
	event_parser_free(other);
}

/* printf '%s' '{"data":{"text":"a\"1","who":{"id":"x-n:1"}},"time":"2024-03-20T10:00:00Z","type":"t.all"}' | sha256sum */
static void
the_sha256_is_that_of_the_canonical_text(void **state)
{
	static const uint8_t expected[32] = {0xc3, 0x88, 0x20, 0x98, 0x4f, 0x21, 0xd0, 0x96, 0x31, 0x5f, 0xa5, 0xb4, 0x1d, 0xb7, 0x7b, 0xd3, 0xb4,
	    0x1f, 0x04, 0x23, 0x68, 0xee, 0x2e, 0x2e, 0xc8, 0xcf, 0x96, 0x14, 0x8d, 0x7d, 0xab, 0x9d};
	struct fixture *fx = *state;
	uint8_t sha[32];
	struct err err;

	assert_int_equal(event_content_sha256(fx->pa, slice_str(HEAD "{\"who\":{\"id\":\"x-n:۱\"},\"text\":\"a\\u0022\\u06f1\"}}"), sha, &err), 0);
	assert_memory_equal(sha, expected, 32);
	assert_int_equal(event_content_sha256(fx->pa, slice_str("{}"), sha, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
}

#define HEAD2(a)                                                                                                                                     \
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\"," a "\"data\":{" WHO "}}"

static const struct {
	enum event_fault fault;
	const char *text, *detail; /* detail: its beginning */
} faults[] = {
    {FAULT_BAD_JSON, "", "not JSON: "},
    {FAULT_BAD_JSON, "   ", "not JSON: "},
    {FAULT_BAD_JSON, "{", "not JSON: "},
    {FAULT_BAD_JSON, "{\"a\":1}}", "not JSON: "},
    {FAULT_BAD_JSON, "{\"a\":1} {}", "not JSON: "},
    {FAULT_BAD_JSON, "{\"a\":01}", "not JSON: "},
    {FAULT_BAD_JSON, "{\"a\":1.}", "not JSON: "},
    {FAULT_BAD_JSON, "{\"a\":+1}", "not JSON: "},
    {FAULT_BAD_JSON, "{\"a\":NaN}", "not JSON: "},
    {FAULT_BAD_JSON, "{'a':1}", "not JSON: "},
    {FAULT_BAD_JSON, "{\"a\":\"\\ud800\"}", "not JSON: "},
    {FAULT_BAD_JSON, "{\"a\":\"\t\"}", "not JSON: "},
    {FAULT_BAD_JSON, "[]", "not a JSON object"},
    {FAULT_BAD_JSON, "5", "not a JSON object"},
    {FAULT_BAD_JSON, "\"x\"", "not a JSON object"},
    {FAULT_BAD_JSON, "null", "not a JSON object"},
    {FAULT_BAD_UTF8, "{\"a\":\"\xff\"}", "not valid UTF-8"},
    {FAULT_BAD_UTF8, "{\"a\":\"\xc0\xaf\"}", "not valid UTF-8"},
    {FAULT_BAD_UTF8, "{\"a\":\"\xed\xa0\x80\"}", "not valid UTF-8"},
    {FAULT_BAD_UTF8, "{\"a\":\"\xf4\x90\x80\x80\"}", "not valid UTF-8"},
    {FAULT_BAD_VALUE, E(",\"n\":123456789012345678901234567890"), "a number does not fit 64 bits"},
    {FAULT_BAD_VALUE, E(",\"n\":1e999"), "a number does not fit 64 bits"},
    {FAULT_BAD_VALUE, E(",\"n\":9223372036854775808"), "data.n: does not fit 64 bits with sign"},
    {FAULT_BAD_VALUE, E(",\"n\":9223372036854775807"), "data.n: is more than 9007199254740993"},
    {FAULT_BAD_VALUE, E(",\"n\":-6"), "data.n: is less than -5"},
    {FAULT_BAD_VALUE, E(",\"n\":1.5"), "data.n: must be an integer"},
    {FAULT_BAD_VALUE, E(",\"n\":9007199254740994.0"), "data.n: must be an integer"},
    {FAULT_BAD_VALUE, E(",\"n\":\"1\""), "data.n: must be an integer"},
    {FAULT_BAD_VALUE, E(",\"n\":null"), "data.n: must be an integer"},
    {FAULT_BAD_VALUE, E(",\"flag\":1"), "data.flag: must be true or false"},
    {FAULT_BAD_VALUE, E(",\"flag\":null"), "data.flag: must be true or false"},
    {FAULT_BAD_VALUE, E(",\"code\":3"), "data.code: is not one of 1, 2"},
    {FAULT_BAD_VALUE, E(",\"text\":5"), "data.text: must be a string"},
    {FAULT_BAD_VALUE, E(",\"text\":\"a\""), "data.text: shorter than 2 characters"},
    {FAULT_BAD_VALUE, E(",\"text\":\"م\""), "data.text: shorter than 2 characters"},
    {FAULT_BAD_VALUE, E(",\"text\":\"\""), "data.text: is empty"},
    {FAULT_BAD_VALUE, E(",\"text\":\"سلامسل\""), "data.text: longer than 5 characters"},
    {FAULT_BAD_VALUE, E(",\"fixed\":\"yess\""), "data.fixed: is not one of yes; did you mean yes?"},
    {FAULT_BAD_VALUE, E(",\"at\":\"2024-03-20\""), "data.at: not YYYY-MM-DDTHH:MM:SS and an offset"},
    {FAULT_BAD_VALUE, E(",\"day\":\"2023-02-29\""), "data.day: no such day in this month"},
    {FAULT_BAD_VALUE, E(",\"sum\":\"1.234\""), "data.sum: has too many digits behind the point"},
    {FAULT_BAD_VALUE, E(",\"sum\":\"1.\""), "data.sum: is not a decimal such as 12.50"},
    {FAULT_BAD_VALUE, E(",\"sum\":\".5\""), "data.sum: is not a decimal such as 12.50"},
    {FAULT_BAD_VALUE, E(",\"sum\":\"-\""), "data.sum: is not a decimal such as 12.50"},
    {FAULT_BAD_VALUE, E(",\"sum\":\"1e5\""), "data.sum: is not a decimal such as 12.50"},
    {FAULT_BAD_VALUE, E(",\"sum\":\"92233720368547758.08\""), "data.sum: is too large"},
    {FAULT_BAD_VALUE, E(",\"inner\":[]"), "data.inner: must be an object"},
    {FAULT_BAD_VALUE, E(",\"inner\":{\"a\":{}}"), "data.inner.a: must be a string"},
    {FAULT_BAD_VALUE, E(",\"inner\":{\"a\":\"x:y\",\"b\":\"z\"}"), "data: the parts of pool but the last may hold no ':'"},
    {FAULT_BAD_VALUE, E(",\"inner\":{\"a\":\"\"}"), "data.inner.a: is empty"},
    {FAULT_BAD_VALUE, E(",\"inner\":{\"a\":\"x\\u0000\"}"), "data.inner.a: holds a control character"},
    {FAULT_BAD_VALUE, E(",\"list\":[]"), "data.list: fewer than 1 elements"},
    {FAULT_BAD_VALUE, E(",\"list\":[[],[],[],[]]"), "data.list: more than 3 elements"},
    {FAULT_BAD_VALUE, E(",\"list\":{}"), "data.list: must be a list"},
    {FAULT_BAD_VALUE, E(",\"list\":[[1],[2,\"x\"]]"), "data.list[1][1]: must be an integer"},
    {FAULT_BAD_VALUE, E(",\"others\":[{\"id\":\"x-n:1\"},{\"id\":\"nid:0084575949\"}]"), "data.others[1].id: has a wrong check digit"},
    {FAULT_BAD_VALUE, E(",\"others\":[5]"), "data.others[0]: must be an object"},
    {FAULT_BAD_VALUE, E(",\"whole\":\"case\""), "data.whole: is not a subject, KIND/KEY"},
    {FAULT_BAD_VALUE, E(",\"whole\":\"/x\""), "data.whole: is not a subject, KIND/KEY"},
    {FAULT_BAD_VALUE, E(",\"whole\":\"Case/x\""), "data.whole: is not a subject, KIND/KEY"},
    {FAULT_BAD_VALUE, HEAD "{\"who\":{\"sex\":\"m\"}}}", "data.who.sex: is not one of male, female, other, unknown"},
    {FAULT_BAD_VALUE, HEAD "{\"who\":{\"birth_date\":\"1982-13-01\"}}}", "data.who.birth_date: is not a date that exists"},
    {FAULT_BAD_VALUE, HEAD "{\"who\":{\"verified\":\"yes\"}}}", "data.who.verified: must be true or false"},
    {FAULT_BAD_VALUE, HEAD "5}", "data: must be an object"},
    {FAULT_BAD_VALUE, HEAD "null}", "data: must be an object"},
    {FAULT_UNKNOWN_FIELD, E(",\"txet\":\"abc\""), "data.txet: no such field in t.all; did you mean text?"},
    {FAULT_UNKNOWN_FIELD, E(",\"colour\":\"abc\""), "data.colour: no such field in t.all"},
    {FAULT_UNKNOWN_FIELD, E(",\"inner\":{\"a\":\"x\",\"c\":1}"), "data.inner.c: no such field in t.all"},
    {FAULT_UNKNOWN_FIELD, E(",\"others\":[{\"name\":\"x\"}]"), "data.others[0].name: no such field in t.all"},
    {FAULT_MISSING_FIELD, HEAD "{}}", "data.who: missing"},
    {FAULT_MISSING_FIELD, E(",\"inner\":{\"b\":\"x\"}"), "data.inner.a: missing"},
    {FAULT_DUPLICATE_KEY, E(",\"n\":1,\"n\":1"), "data.n: given twice"},
    {FAULT_DUPLICATE_KEY, E(",\"n\":1,\"\\u006e\":1"), "data.n: given twice"},
    {FAULT_DUPLICATE_KEY, E(",\"inner\":{\"a\":\"x\",\"a\":\"x\"}"), "data.inner.a: given twice"},
    {FAULT_DUPLICATE_KEY, E(",\"others\":[{\"id\":\"x-n:1\",\"id\":\"x-n:1\"}]"), "data.others[0].id: given twice"},
    {FAULT_DUPLICATE_KEY, HEAD2("\"id\":\"1\","), "id: given twice"},
    {FAULT_DUPLICATE_KEY, HEAD2("\"data\":{},"), "data: given twice"},
    {FAULT_DUPLICATE_KEY, HEAD2("\"ext\":\"1\",\"ext\":\"1\","), "ext: given twice"},
    {FAULT_UNKNOWN_FIELD, HEAD2("\"data_base64\":\"\","),
	"data_base64: no attribute of an event: their names are 1 to 64 lower-case letters and digits"},
    {FAULT_UNKNOWN_FIELD, HEAD2("\"Subject\":\"\","), "Subject: no attribute of an event; did you mean subject?"},
    {FAULT_UNKNOWN_FIELD, HEAD2("\"\":\"\","), ": no attribute of an event"},
    {FAULT_BAD_VALUE, HEAD2("\"ext\":{},"), "ext: an extension attribute is a single value"},
    {FAULT_BAD_VALUE, HEAD2("\"subject\":5,"), "subject: must be a string"},
    {FAULT_BAD_VALUE, HEAD2("\"datacontenttype\":\"text/xml\","), "datacontenttype: must be application/json"},
    {FAULT_MISSING_FIELD, "{}", "data: missing"},
    {FAULT_MISSING_FIELD, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"tmie\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"time: missing; did you mean it by tmie?"},
    {FAULT_BAD_VALUE, "{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"specversion: must be \"1.0\""},
    {FAULT_BAD_VALUE, "{\"specversion\":1.0,\"id\":\"1\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"specversion: must be a string"},
    {FAULT_BAD_VALUE, "{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"id: must be 1 to 256 bytes"},
    {FAULT_BAD_VALUE, "{\"specversion\":\"1.0\",\"id\":5,\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"id: must be a string"},
    {FAULT_BAD_VALUE, "{\"specversion\":\"1.0\",\"id\":\"a\\nb\",\"source\":\"/s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"id: holds a control character"},
    {FAULT_BAD_VALUE,
	"{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"\\u0085\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"source: holds a control character"},
    {FAULT_UNKNOWN_TYPE, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"t.al\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"type: no contract for t.al; did you mean t.all?"},
    {FAULT_UNKNOWN_TYPE, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":{}}",
	"type: no contract for "},
    {FAULT_BAD_TIME, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"t.all\",\"time\":\"2024-03-20\",\"data\":{}}",
	"time: not YYYY-MM-DDTHH:MM:SS and an offset"},
    {FAULT_BAD_TIME,
	"{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00.1234567891Z\",\"data\":{}}",
	"time: more than 9 digits of fraction"},
    {FAULT_BAD_TIME, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"t.all\",\"time\":1710928800,\"data\":{}}",
	"time: must be a string"},
    {FAULT_BAD_TIME, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"s\",\"type\":\"t.all\",\"time\":\"2024-03-20T10:00:00\",\"data\":{}}",
	"time: no offset (end it with Z or +03:30)"},
};

static void
what_is_wrong_is_named_with_its_path_and_cure(void **state)
{
	struct fixture *fx = *state;
	bool all = true;

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		enum event_fault fault = parse(fx, faults[i].text);
		bool right = fault == faults[i].fault && fx->detail.n >= strlen(faults[i].detail) &&
			     memcmp(fx->detail.p, faults[i].detail, strlen(faults[i].detail)) == 0;

		if (!right)
			print_message("%s: %.*s\n  for %s\n", event_fault_name(fault), SLICE_ARG(fx->detail), faults[i].text);
		all = all && right;
	}
	assert_true(all);
	accept(fx, E("")); /* and a good one after all these is fine */
}

static void
a_key_that_hides_a_control_character_is_shown_clean(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(parse(fx, E(",\"a\\u001b[2J\\nb\":1")), FAULT_UNKNOWN_FIELD);
	assert_true(slice_eq_str(fx->detail, "data.a?[2J?b: no such field in t.all"));
}

static void
size_and_depth_have_their_limits(void **state)
{
	struct fixture *fx = *state;
	size_t head = strlen(E("")) - 2, n;
	char *text = malloc(LIMIT_EVENT_BYTES + 64);

	assert_non_null(text);
	memcpy(text, E(""), head);
	memset(text + head, ' ', LIMIT_EVENT_BYTES + 64 - head);
	memcpy(text + LIMIT_EVENT_BYTES - 2, "}}", 2);
	assert_int_equal(event_parse(fx->pa, slice_of(text, LIMIT_EVENT_BYTES), &fx->arena, &fx->ev, &fx->detail), FAULT_NONE);
	assert_int_equal(event_parse(fx->pa, slice_of(text, LIMIT_EVENT_BYTES + 1), &fx->arena, &fx->ev, &fx->detail), FAULT_TOO_LARGE);
	assert_true(slice_eq_str(fx->detail, "262145 bytes; an event has at most 262144"));
	for (unsigned depth = 1; depth < 60; depth++) {
		n = (size_t)snprintf(text, 4096, "%s", HEAD "{" WHO ",\"list\":");
		for (unsigned i = 0; i < depth; i++)
			text[n++] = '[';
		for (unsigned i = 0; i < depth; i++)
			text[n++] = ']';
		memcpy(text + n, "}}", 3);
		assert_int_equal(parse(fx, text), depth == 2 ? FAULT_NONE : depth + 2 > LIMIT_EVENT_DEPTH ? FAULT_TOO_DEEP : FAULT_BAD_VALUE);
	}
	memset(text, '[', LIMIT_EVENT_BYTES / 2);
	memset(text + LIMIT_EVENT_BYTES / 2, ']', LIMIT_EVENT_BYTES / 2);
	assert_int_equal(event_parse(fx->pa, slice_of(text, LIMIT_EVENT_BYTES), &fx->arena, &fx->ev, &fx->detail), FAULT_TOO_DEEP);
	free(text);
}

static void
strings_have_their_limits_in_bytes_too(void **state)
{
	struct fixture *fx = *state;
	static char text[8192], fill[4096];

	memset(fill, 'x', sizeof fill);
	(void)snprintf(text, sizeof text, E(",\"long\":\"%.*s\""), LIMIT_KEPT_STRING_BYTES, fill);
	accept(fx, text);
	(void)snprintf(text, sizeof text, E(",\"long\":\"%.*s\""), LIMIT_KEPT_STRING_BYTES + 1, fill);
	assert_int_equal(parse(fx, text), FAULT_BAD_VALUE);
	assert_true(slice_eq_str(fx->detail, "data.long: longer than 1024 bytes"));
	(void)snprintf(text, sizeof text, HEAD "{\"who\":{\"id\":\"x-n:%.*s\"}}}", 508, fill);
	accept(fx, text);
	(void)snprintf(text, sizeof text, HEAD "{\"who\":{\"id\":\"x-n:%.*s\"}}}", 509, fill);
	assert_int_equal(parse(fx, text), FAULT_BAD_VALUE);
	(void)snprintf(text, sizeof text, E(",\"inner\":{\"a\":\"%.*s\",\"b\":\"%.*s\"}"), 1000, fill, 1000, fill);
	assert_int_equal(parse(fx, text), FAULT_BAD_VALUE);
	assert_true(slice_eq_str(fx->detail, "data: the key of pool is longer than 1200 bytes"));
}

static void
an_event_names_a_bounded_number_of_subjects(void **state)
{
	struct fixture *fx = *state;
	char *text = malloc(65536);
	size_t n;

	assert_non_null(text);
	n = (size_t)snprintf(text, 4096, "%s", HEAD "{" WHO ",\"more\":[");
	for (int i = 0; i < LIMIT_ARRAY_ITEMS; i++)
		n += (size_t)snprintf(text + n, 64, "%s\"%d\"", i == 0 ? "" : ",", i % 100);
	(void)snprintf(text + n, 64, "]}}");
	accept(fx, text);
	assert_int_equal(fx->ev.n_refs, 101); /* each once, and who */
	(void)snprintf(text + n, 4096, "],\"others\":[{\"id\":\"x-n:0\"}");
	n += strlen(text + n);
	for (int i = 1; i < 60; i++)
		n += (size_t)snprintf(text + n, 64, ",{\"id\":\"x-n:%d\"}", i);
	(void)snprintf(text + n, 64, "]}}");
	assert_int_equal(parse(fx, text), FAULT_BAD_VALUE);
	assert_non_null(strstr(fx->detail.p, "names more than 300 subjects"));
	free(text);
}

static void
many_extension_attributes_are_accepted_and_too_many_refused(void **state)
{
	struct fixture *fx = *state;
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof text, "{");

	for (int i = 0; i < LIMIT_EXTENSIONS; i++)
		n += (size_t)snprintf(text + n, 64, "\"ext%d\":%s,", i, i % 3 == 0 ? "null" : i % 3 == 1 ? "1.5" : "\"x\"");
	(void)snprintf(text + n, 1024, "%s", E("") + 1);
	accept(fx, text);
	(void)snprintf(text + n, 1024, "\"onemore\":1,%s", E("") + 1);
	assert_int_equal(parse(fx, text), FAULT_BAD_VALUE);
}

static void
decimals_are_exact_to_the_last_digit(void **state)
{
	static const struct {
		const char *text, *json;
	} v[] = {{"0", "0.00"}, {"-0", "0.00"}, {"12", "12.00"}, {"0.05", "0.05"}, {"-0.05", "-0.05"},
	    {"92233720368547758.07", "92233720368547758.07"}, {"-92233720368547758.08", "-92233720368547758.08"}, {"007", "7.00"}, {"۱۲٫۵", NULL},
	    {"۱۲.۵", "12.50"}};
	struct fixture *fx = *state;
	char text[1024];

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		(void)snprintf(text, sizeof text, E(",\"sum\":\"%s\""), v[i].text);
		if (v[i].json == NULL) {
			assert_int_equal(parse(fx, text), FAULT_BAD_VALUE);
			continue;
		}
		accept(fx, text);
		assert_kept(fx, "sum", v[i].json);
	}
}

static void
fault_names_are_read_back(void **state)
{
	(void)state;
	for (int i = 1; i < FAULT_COUNT; i++)
		assert_int_equal(event_fault_by_name(slice_str(event_fault_name((enum event_fault)i))), i);
	assert_int_equal(event_fault_by_name(slice_str("none")), FAULT_NONE);
	assert_int_equal(event_fault_by_name(slice_str("")), FAULT_NONE);
}

static void
destructors_take_null(void **state)
{
	(void)state;
	event_parser_free(NULL);
	contracts_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(an_event_becomes_references_and_kept_fields, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_absent_gives_no_reference_and_no_kept_field, setup, teardown),
	    cmocka_unit_test_setup_teardown(equal_content_has_equal_hash_and_kept_bytes_and_other_content_has_not, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_content_hash_depends_on_the_seed_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_sha256_is_that_of_the_canonical_text, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_wrong_is_named_with_its_path_and_cure, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_key_that_hides_a_control_character_is_shown_clean, setup, teardown),
	    cmocka_unit_test_setup_teardown(size_and_depth_have_their_limits, setup, teardown),
	    cmocka_unit_test_setup_teardown(strings_have_their_limits_in_bytes_too, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_event_names_a_bounded_number_of_subjects, setup, teardown),
	    cmocka_unit_test_setup_teardown(many_extension_attributes_are_accepted_and_too_many_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(decimals_are_exact_to_the_last_digit, setup, teardown),
	    cmocka_unit_test(fault_names_are_read_back),
	    cmocka_unit_test(destructors_take_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
