/* Events by the shipped contracts: retraction, suggestions, and whatever bytes come. */
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

static int
setup_pack(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);

	if (fx == NULL)
		return -1;
	fx->cs = pack_contracts();
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

#define RETRACT(data)                                                                                                                                \
	"{\"specversion\":\"1.0\",\"id\":\"r\",\"source\":\"/c\",\"type\":\"event.retracted\",\"time\":\"2024-03-20T10:00:00Z\",\"data\":" data "}"

static void
a_retraction_names_its_target_byte_for_byte(void **state)
{
	struct fixture *fx = *state;
	struct event first;

	accept(fx, RETRACT("{\"source\":\"/s\",\"id\":\"t۱\",\"reason\":\"خطا ۱\"}"));
	first = fx->ev;
	assert_true(first.retracts);
	assert_true(slice_eq_str(first.target_source, "/s") && slice_eq_str(first.target_id, "t۱"));
	assert_int_equal(first.n_refs, 0);
	accept(fx, RETRACT("{\"id\":\"t۱\",\"source\":\"/s\",\"reason\":\"خطا 1\"}"));
	assert_memory_equal(first.content_hash, fx->ev.content_hash, 16);
	accept(fx, RETRACT("{\"id\":\"t1\",\"source\":\"/s\",\"reason\":\"خطا 1\"}"));
	assert_memory_not_equal(first.content_hash, fx->ev.content_hash, 16);
	assert_int_equal(parse(fx, RETRACT("{\"id\":\"\",\"source\":\"/s\"}")), FAULT_BAD_VALUE);
	assert_int_equal(parse(fx, RETRACT("{\"source\":\"/s\"}")), FAULT_MISSING_FIELD);
}

static void
a_misspelt_field_of_the_shipped_pack_is_suggested(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(
	    parse(fx, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"testimony.given\",\"time\":\"2024-03-20T10:00:00Z\","
		      "\"data\":{\"witness\":{},\"case_id\":\"1\",\"capacty\":\"lay\"}}"),
	    FAULT_UNKNOWN_FIELD);
	assert_true(slice_eq_str(fx->detail, "data.capacty: no such field in testimony.given; did you mean capacity?"));
}

static const char *const samples[] = {
    "{\"specversion\":\"1.0\",\"id\":\"t1\",\"source\":\"/courts/"
    "testimony\",\"type\":\"testimony.given\",\"time\":\"2021-03-21T01:18:50Z\",\"datacontenttype\":\"application/json\",\"data\":"
    "{\"witness\":{\"id\":\"nid:0084575948\",\"given_name\":\"رضا\",\"family_name\":\"قاسمی\",\"father_name\":\"مهدی\",\"birth_date\":\"1943-08-04\","
    "\"verified\":true},\"case_id\":"
    "\"1400-0000048\",\"capacity\":\"lay\",\"called_by\":\"plaintiff\",\"court_id\":\"c43\",\"hearing_id\":\"h0\",\"province\":\"16\"}}",
    "{\"specversion\":\"1.0\",\"id\":\"iw0\",\"source\":\"/courts/"
    "warrants\",\"type\":\"warrant.issued\",\"time\":\"2020-06-18T00:00:00Z\",\"data\":{\"warrant_id\":\"w0\",\"person\":{\"id\":"
    "\"nid:0084575948\"},\"case_id\":\"1399-0000000\",\"scope\":\"district\",\"district\":\"d1\",\"hours\":\"any\",\"court_id\":\"c0\",\"valid_"
    "from\":\"2020-06-18T00:00:00Z\","
    "\"valid_until\":\"2021-09-19T00:00:00Z\",\"identity_verified\":true,\"caution\":\"\"}}",
    "{\"specversion\":\"1.0\",\"id\":\"f1\",\"source\":\"/"
    "s\",\"type\":\"case.filed\",\"time\":\"1834-01-02T00:00:00Z\",\"data\":{\"case_id\":\"1\",\"subject\":\"theft\",\"parties\":[{\"role\":"
    "\"defendant\",\"person\":{\"given_name\":\"\",\"family_name\":\"PEARCE\"}},{\"role\":\"victim\",\"person\":{\"id\":\"x-name:A B\"}}]}}",
};

/* Whatever bytes come: a fault with a text, or a record. (Address and undefined-behaviour sanitizers watch in CI.) */
static void
mutated_events_are_accepted_or_refused_and_nothing_else(void **state)
{
	struct fixture *fx = *state;
	uint64_t x = 88172645463325252ull;
	int accepted = 0, n = 60000;

	for (int i = 0; i < n; i++) {
		const char *sample = samples[(unsigned)i % 3];
		size_t length = strlen(sample);
		char text[1024];

		memcpy(text, sample, length);
		for (unsigned k = 0; k < 1 + (unsigned)i % 3; k++) {
			size_t at;

			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			at = (size_t)(x >> 8) % length;
			switch (x % 5) {
			case 0:
				text[at] = (char)(x >> 40);
				break;
			case 1:
				text[at] = "\"{}[]:,\\0e-"[(x >> 40) % 11];
				break;
			case 2: /* cut a piece out */
				if (length > at + 9) {
					memmove(text + at, text + at + 1 + (x >> 40) % 8, length - at - 1 - (x >> 40) % 8);
					length -= 1 + (x >> 40) % 8;
				}
				break;
			case 3: /* repeat a piece */
				if (length < sizeof text - 9 && at + 8 < length) {
					memmove(text + at + 8, text + at, length - at);
					length += 8;
				}
				break;
			default:
				length = length > 20 && (x >> 40) % 8 == 0 ? at + 1 : length;
			}
		}
		fx->detail = slice_of("", 0);
		if (event_parse(fx->pa, slice_of(text, length), &fx->arena, &fx->ev, &fx->detail) == FAULT_NONE) {
			accepted++;
			assert_true(fx->ev.n_refs <= LIMIT_REFS && fx->ev.kept.n >= 1);
		} else {
			assert_true(fx->detail.n != 0);
		}
		if (i % 1000 == 0)
			arena_reset(&fx->arena);
	}
	assert_true(accepted > n / 100 && accepted < n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_retraction_names_its_target_byte_for_byte, setup_pack, teardown),
	    cmocka_unit_test_setup_teardown(a_misspelt_field_of_the_shipped_pack_is_suggested, setup_pack, teardown),
	    cmocka_unit_test_setup_teardown(mutated_events_are_accepted_or_refused_and_nothing_else, setup_pack, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
