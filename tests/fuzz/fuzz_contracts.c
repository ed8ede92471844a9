/* One contract file: findings, or a contract that a parser can work by; its sample event is JSON, and of the contract's type. */
#include "engine/event/event.h"
#include "engine/event/sample.h"
#include "state/base/utf8.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void
use(const struct contracts *cs)
{
	const struct contract *co = contracts_at(cs, 0);
	struct event_parser *pa = event_parser_new(cs, 7);
	struct sample_event se = {.id = slice_str("1"), .source = slice_str("/s"), .time = {1710928800, 0}};
	struct arena arena = {0};
	struct slice detail = {NULL, 0};
	struct buf b = {.max = 4 * MIB};
	struct err err = {0};
	struct event ev;

	must(pa != NULL && co != NULL);
	se.target_source = slice_str("/s");
	se.target_id = slice_str("0");
	if (sample_event_json(co, &se, &b, &err) == 0 && buf_ok(&b)) {
		/* Not every contract has values that a sample can guess; but it is JSON, and of the type. */
		enum event_fault fault = event_parse(pa, buf_slice(&b), &arena, &ev, &detail);

		must(fault != FAULT_BAD_JSON && fault != FAULT_BAD_UTF8 && fault != FAULT_UNKNOWN_TYPE);
	}
	buf_free(&b);
	arena_free(&arena);
	event_parser_free(pa);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source_text source = {slice_str("fuzz.json"), slice_of((const char *)data, size)};
	struct findings fi = {0};
	struct err err = {0};
	struct contracts *cs = contracts_compile(&source, 1, &fi, &err);

	must((cs == NULL) == (fi.errors > 0));
	for (size_t i = 0; i < fi.n; i++)
		must(fi.v[i].text[0] != '\0' && utf8_valid(slice_str(fi.v[i].text)));
	if (cs != NULL)
		use(cs);
	contracts_free(cs);
	findings_free(&fi);
	return 0;
}
