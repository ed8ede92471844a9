/* One event's text by the shipped contracts: a record, or a fault with its reason and a text for a person. */
#include "engine/event/event.h"
#include "engine/event/value.h"
#include "state/base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/pack.h"

static struct contracts *contracts;
static struct event_parser *parser;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	contracts = pack_contracts();
	must(contracts != NULL);
	parser = event_parser_new(contracts, 7);
	must(parser != NULL);
	return 0;
}

/* An accepted event: every part of the record can be read, the content has a canonical form. */
static void
use(const struct event *ev, struct slice raw)
{
	const struct layout *la = contract_layout(ev->contract);
	struct buf b = {.max = MIB};
	struct err err = {0};
	uint8_t sum[32];

	must(ev->id.n > 0 && ev->id.n <= LIMIT_ID_BYTES && ev->source.n > 0 && ev->source.n <= LIMIT_ID_BYTES);
	must(ev->n_refs <= LIMIT_REFS && ev->time.nsec < 1000000000);
	for (unsigned i = 0; i < ev->n_refs; i++)
		must(ev->refs[i].subject.n > 0 && ev->refs[i].subject.n <= LIMIT_SUBJECT_BYTES && utf8_valid(ev->refs[i].subject));
	for (unsigned i = 0; i < la->n_fields; i++) {
		struct value v = kept_value(ev->kept, i);

		value_json(&b, &v);
	}
	must(buf_ok(&b) && utf8_valid(buf_slice(&b)));
	buf_free(&b);
	must(event_content_sha256(parser, raw, sum, &err) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice raw = slice_of((const char *)data, size), detail = {NULL, 0}, again_detail = {NULL, 0};
	struct arena arena = {0};
	struct event ev, again;
	enum event_fault fault = event_parse(parser, raw, &arena, &ev, &detail);

	must(fault < FAULT_COUNT);
	must(event_parse(parser, raw, &arena, &again, &again_detail) == fault);
	if (fault == FAULT_NONE) {
		must(memcmp(ev.content_hash, again.content_hash, sizeof ev.content_hash) == 0 && slice_eq(ev.kept, again.kept));
		use(&ev, raw);
	} else {
		must(event_fault_name(fault) != NULL && detail.n > 0 && utf8_valid(detail) && slice_eq(detail, again_detail));
	}
	arena_free(&arena);
	return 0;
}
