/* The content of an event in RFC 8785 form, and its SHA-256. The contract is closed, so every member's name is known to be
 * ASCII: its bytewise order is that of RFC 8785. Integers keep all their digits (RFC 8785 would round those above 2^53). */
#include "engine/event/parser.h"

#include <inttypes.h>
#include <openssl/evp.h>

static int content_value(struct event_parser *pa, const struct schema *sc, uint32_t at, struct buf *b);

static int
content_object(struct event_parser *pa, const struct schema *ob, uint32_t at, struct buf *b)
{
	struct members members;
	const char *between = "{";

	if (parser_members(pa, ob, at, NULL, &members) != 0)
		return -1;
	for (uint64_t left = members.seen; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);

		buf_add_str(b, between);
		json_quote(b, ob->properties[i].name);
		buf_add_u8(b, ':');
		if (content_value(pa, ob->properties[i].schema, members.at[i], b) != 0)
			return -1;
		between = ",";
	}
	buf_add_str(b, members.seen == 0 ? "{}" : "}");
	return 0;
}

static int
content_value(struct event_parser *pa, const struct schema *sc, uint32_t at, struct buf *b)
{
	const struct json_tree *jt = &pa->tree;
	const char *between = "";
	uint32_t end;
	int64_t v = 0;
	struct slice s;
	char *folded;

	switch (sc->kind) {
	case SCHEMA_OBJECT:
		return content_object(pa, sc, at, b);
	case SCHEMA_ARRAY:
		end = json_next(jt, at) - 1;
		buf_add_u8(b, '[');
		for (at++; at != end; at = json_next(jt, at), between = ",") {
			buf_add_str(b, between);
			if (content_value(pa, sc->items, at, b) != 0)
				return -1;
		}
		buf_add_u8(b, ']');
		return 0;
	case SCHEMA_STRING:
		s = json_text(jt, at);
		folded = arena_alloc(pa->arena, s.n + FOLD_SLACK);
		if (folded == NULL)
			return -1;
		json_quote(b, sc->unfolded ? s : slice_of(folded, fold_digits(folded, s)));
		return 0;
	case SCHEMA_INTEGER:
		if (!parser_integer(jt, at, &v))
			return -1;
		buf_printf(b, "%" PRId64, v);
		return 0;
	case SCHEMA_BOOLEAN:
		buf_add_str(b, json_letter(jt, at) == 't' ? "true" : "false");
		return 0;
	}
	return -1;
}

int
event_content_sha256(struct event_parser *pa, struct slice raw, uint8_t ret[32], struct err *err)
{
	struct arena arena = {0};
	struct buf b = {0};
	struct event ev;
	struct slice detail;
	enum event_fault fault;
	char time[INSTANT_TEXT_BYTES];
	unsigned n = 0;
	int status = -1;

	fault = event_parse(pa, raw, &arena, &ev, &detail);
	if (fault != FAULT_NONE) {
		(void)(event_starved(fault, detail) ? err_nomem(err) : err_set(err, ERR_INPUT, "not an acceptable event: %.*s", SLICE_ARG(detail)));
		goto out;
	}
	buf_add_str(&b, "{\"data\":");
	if (content_value(pa, ev.contract->data, pa->envelope[ENVELOPE_DATA], &b) != 0) {
		(void)err_nomem(err);
		goto out;
	}
	(void)instant_format(ev.time, time);
	buf_printf(&b, ",\"time\":\"%s\",\"type\":\"%s\"}", time, ev.contract->type.p);
	if (!buf_ok(&b)) {
		(void)err_nomem(err);
		goto out;
	}
	if (EVP_Digest(b.p, b.n, ret, &n, EVP_sha256(), NULL) != 1 || n != 32) {
		(void)err_set(err, ERR_IO, "SHA-256 failed");
		goto out;
	}
	status = 0;
out:
	buf_free(&b);
	arena_free(&arena);
	return status;
}
