/* Real events of every contract, damaged by a seeded mutator: 100,000 of them, 10^6 with DIDEBAN_DEEP. Each is a record, or a
 * fault with its reason and a text; the same whatever the parser has read before. */
#include "engine/event/event.h"
#include "engine/event/sample.h"
#include "state/base/utf8.h"
#include "tests/unit/pack.h"
#include "tests/unit/scratch.h"
#include "tools/world/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define SEED 1403
#define ORIGINALS 4096

struct fixture {
	struct contracts *cs;
	struct event_parser *pa;
	struct slice v[ORIGINALS]; /* valid events */
	size_t n;
	uint64_t random;
	uint64_t counts[FAULT_COUNT];
};

static int
keep(void *ctx, struct slice line, struct err *err)
{
	struct fixture *fx = ctx;
	char *p;

	(void)err;
	if (fx->n == ORIGINALS)
		return 0;
	p = malloc(line.n);
	if (p == NULL)
		return -1;
	memcpy(p, line.p, line.n);
	fx->v[fx->n++] = slice_of(p, line.n);
	return 0;
}

static int
setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);
	struct world_options world = {.kind = &world_kinds[0], .seed = SEED, .events = 2000, .on_line = keep, .ctx = fx};
	struct world_counts counts;
	struct err err = {0};

	if (fx == NULL)
		return -1;
	*state = fx;
	fx->random = SEED;
	fx->cs = pack_contracts();
	fx->pa = fx->cs == NULL ? NULL : event_parser_new(fx->cs, 1);
	if (fx->pa == NULL || world_generate(&world, &counts, &err) != 0)
		return -1;
	/* And what it does not make. */
	for (size_t i = 0; i < contracts_count(fx->cs); i++) {
		struct sample_event se = {.id = slice_str("s1"), .source = slice_str("/courts/7"), .time = {1710928800, 5}};
		struct buf b = {.max = MIB};

		se.target_source = slice_str("/courts/7");
		se.target_id = slice_str("s0");
		if (sample_event_json(contracts_at(fx->cs, i), &se, &b, &err) != 0)
			return -1;
		for (int k = 0; k < 20; k++)
			if (keep(fx, buf_slice(&b), &err) != 0)
				return -1;
		buf_free(&b);
	}
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;

	event_parser_free(fx->pa);
	contracts_free(fx->cs);
	for (size_t i = 0; i < fx->n; i++)
		free((char *)fx->v[i].p);
	free(fx);
	return 0;
}

/* --- the mutator -------------------------------------------------------------------------------------------------- */

static size_t
below(struct fixture *fx, size_t n)
{
	return n == 0 ? 0 : (size_t)(scratch_random(&fx->random) % n);
}

static void
replace(struct buf *b, size_t at, size_t cut, struct slice in)
{
	struct buf to = {.max = b->max};

	buf_add(&to, b->p, at);
	buf_add_slice(&to, in);
	buf_add(&to, b->p + at + cut, b->n - at - cut);
	buf_free(b);
	*b = to;
}

/* From a place in the text on: the next value or key between quotes, or the next run of digits. */
static size_t
token(const struct buf *b, size_t from, size_t *ret_n)
{
	size_t at = from;

	while (at < b->n && b->p[at] != '"' && (b->p[at] < '0' || b->p[at] > '9'))
		at++;
	for (*ret_n = 1; at + *ret_n < b->n; ++*ret_n)
		if (b->p[at] == '"' ? b->p[at + *ret_n - 1] == '"' && *ret_n > 1 : b->p[at + *ret_n] < '0' || b->p[at + *ret_n] > '9')
			break;
	if (at >= b->n)
		at = *ret_n = 0;
	return at;
}

static void
mutate(struct fixture *fx, struct buf *b)
{
	static const char *const words[] = {"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "null", "true", "-0", "1e308", "1e999",
	    "9223372036854775807", "9223372036854775808", "-", ".5", "0x1", "\"\"", "\"id\":\"x\",", "\"time\":1,", "{}", "[]", "\xff", "\xc0\x80",
	    "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xef\xbb\xbf", "\xdb\xb1", "\xe2\x80\xae", "\t", "\n", " ", "/**/", "\"specversion\":\"1.0\",",
	    "\"data\":{},", "\"capacty\":\"lay\",", "\"9999-12-31T23:59:60Z\"", "\"0000-00-00\"", "nid:0084575949"};
	struct slice other = fx->v[below(fx, fx->n)];
	size_t at = below(fx, b->n), n, from, m, second;
	const char *word = words[below(fx, sizeof words / sizeof words[0])];

	switch (below(fx, 11)) {
	case 0: /* a bit */
		if (b->n != 0)
			b->p[at] = (char)(b->p[at] ^ (1 << below(fx, 8)));
		break;
	case 1: /* a byte */
		if (b->n != 0)
			b->p[at] = (char)below(fx, 256);
		break;
	case 2: /* less */
		replace(b, at, below(fx, b->n - at < 20 ? b->n - at + 1 : 20), slice_of("", 0));
		break;
	case 3: /* the end is missing */
		b->n = at;
		break;
	case 4: /* something twice */
		n = below(fx, b->n - at < 60 ? b->n - at + 1 : 60);
		from = below(fx, b->n);
		replace(b, from, 0, slice_of(b->p + at, n)); /* it copies before it frees */
		break;
	case 5: /* a word in between */
		replace(b, at, 0, slice_str(word));
		break;
	case 6: /* a word instead of a token */
		at = token(b, at, &n);
		replace(b, at, n, slice_str(word));
		break;
	case 7: /* a token of another event instead of a token */
		at = token(b, at, &n);
		from = below(fx, other.n);
		m = below(fx, other.n - from < 30 ? other.n - from + 1 : 30);
		replace(b, at, n, slice_of(other.p + from, m));
		break;
	case 8: /* half of one and half of another */
		from = below(fx, other.n);
		replace(b, at, b->n - at, slice_of(other.p + from, other.n - from));
		break;
	case 9: /* a digit */
		at = token(b, at, &n);
		second = below(fx, n);
		if (b->n != 0 && b->p[at + second] >= '0' && b->p[at + second] <= '9')
			b->p[at + second] = (char)('0' + below(fx, 10));
		break;
	default: /* a letter of a key or value */
		at = token(b, at, &n);
		if (n > 2)
			b->p[at + 1 + below(fx, n - 2)] = (char)('a' + below(fx, 26));
		break;
	}
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

/* A second parser that has read nothing says the same. */
static void
check_alone(const struct fixture *fx, struct slice raw, enum event_fault fault, const struct event *ev, struct slice detail)
{
	struct event_parser *fresh = event_parser_new(fx->cs, 1);
	struct arena arena = {0};
	struct slice other;
	struct event again;

	assert_non_null(fresh);
	assert_int_equal(event_parse(fresh, raw, &arena, &again, &other), fault);
	if (fault != FAULT_NONE)
		assert_true(slice_eq(detail, other));
	else
		assert_true(memcmp(ev->content_hash, again.content_hash, sizeof ev->content_hash) == 0 && slice_eq(ev->kept, again.kept));
	arena_free(&arena);
	event_parser_free(fresh);
}

static void
a_damaged_event_is_a_record_or_a_fault_with_its_reason(void **state)
{
	struct fixture *fx = *state;
	size_t wanted = getenv("DIDEBAN_DEEP") != NULL ? 1000000 : getenv("DIDEBAN_REDUCED") != NULL ? 20000 : 100000;
	struct arena arena = {0};
	struct event ev;

	for (size_t i = 0; i < fx->n; i++) { /* the originals are all right */
		struct slice detail;

		if (event_parse(fx->pa, fx->v[i], &arena, &ev, &detail) != FAULT_NONE)
			fail_msg("%.*s: %.*s", SLICE_ARG(fx->v[i]), SLICE_ARG(detail));
	}
	for (size_t i = 0; i < wanted; i++) {
		struct buf b = {.max = 2 * MIB};
		struct slice detail = {NULL, 0};
		enum event_fault fault;

		buf_add_slice(&b, fx->v[below(fx, fx->n)]);
		for (size_t k = 1 + below(fx, 4); k > 0; k--)
			mutate(fx, &b);
		assert_true(buf_ok(&b));
		arena_reset(&arena);
		fault = event_parse(fx->pa, buf_slice(&b), &arena, &ev, &detail);
		assert_true(fault < FAULT_COUNT);
		if (fault != FAULT_NONE && (detail.n == 0 || !utf8_valid(detail)))
			fail_msg("set %zu: %s says nothing that can be shown: %.*s", i, event_fault_name(fault), SLICE_ARG(detail));
		if (i % 10 == 0)
			check_alone(fx, buf_slice(&b), fault, &ev, detail);
		fx->counts[fault]++;
		buf_free(&b);
	}
	arena_free(&arena);
	(void)printf("sets: %zu, seed %d:", wanted, SEED);
	for (int i = 0; i < FAULT_COUNT; i++)
		if (fx->counts[i] != 0)
			(void)printf(" %s %llu", event_fault_name((enum event_fault)i), (unsigned long long)fx->counts[i]);
	(void)printf("\n");
	/* The damage is of every kind; some of it leaves an event that is right. */
	for (int i = FAULT_NONE; i <= FAULT_BAD_TIME; i++)
		assert_true(fx->counts[i] > wanted / 2000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_damaged_event_is_a_record_or_a_fault_with_its_reason, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
