#include "engine/event/value.h"
#include "engine/calendar/instant_bytes.h"
#include "state/base/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void
value_encode(struct buf *b, const struct value *v)
{
	uint64_t bits;

	if (v->kind == VALUE_NONE)
		return;
	buf_add_u8(b, (uint8_t)v->kind);
	switch (v->kind) {
	case VALUE_NONE:
		break;
	case VALUE_STRING:
		buf_add_slice(b, v->s);
		break;
	case VALUE_INTEGER:
	case VALUE_BOOLEAN:
		buf_add_varint(b, zigzag(v->i));
		break;
	case VALUE_INSTANT:
		buf_add_instant(b, v->t);
		break;
	case VALUE_DECIMAL:
		buf_add_u8(b, (uint8_t)v->scale);
		buf_add_varint(b, zigzag(v->i));
		break;
	case VALUE_NUMBER:
		memcpy(&bits, &v->d, sizeof bits);
		buf_add_u64(b, bits);
		break;
	}
}

struct value
value_decode(struct slice bytes)
{
	struct rd r = rd_of(bytes);
	struct value v = {.kind = VALUE_NONE};
	uint8_t kind;
	uint64_t bits;

	if (bytes.n == 0)
		return v;
	kind = rd_u8(&r);
	switch (kind) {
	case VALUE_STRING:
		v.s = slice_of(r.p, rd_left(&r));
		r.p = r.end;
		break;
	case VALUE_INTEGER:
	case VALUE_BOOLEAN:
		v.i = unzigzag(rd_varint(&r));
		break;
	case VALUE_INSTANT:
		v.t = rd_instant(&r);
		break;
	case VALUE_DECIMAL:
		v.scale = rd_u8(&r);
		r.bad = r.bad || v.scale > LIMIT_DECIMAL_SCALE;
		v.i = unzigzag(rd_varint(&r));
		break;
	case VALUE_NUMBER:
		bits = rd_u64(&r);
		memcpy(&v.d, &bits, sizeof v.d);
		break;
	default:
		return v;
	}
	if (r.bad || rd_left(&r) != 0)
		return (struct value){.kind = VALUE_NONE};
	v.kind = (enum value_kind)kind;
	return v;
}

bool
value_eq(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_NONE:
		return false;
	case VALUE_STRING:
		return slice_eq(a->s, b->s);
	case VALUE_INTEGER:
	case VALUE_BOOLEAN:
		return a->i == b->i;
	case VALUE_INSTANT:
		return instant_cmp(a->t, b->t) == 0;
	case VALUE_DECIMAL:
		return a->i == b->i && a->scale == b->scale;
	case VALUE_NUMBER:
		return a->d == b->d;
	}
	return false;
}

/* The shortest of the round-trip forms %.15g, %.16g, %.17g. The library runs in the "C" locale, so the point is a point. */
static void
number_json(struct buf *b, double d)
{
	char text[40];
	int precision;

	if (!isfinite(d)) { /* JSON has no such number */
		buf_add_str(b, "null");
		return;
	}
	for (precision = 15; precision <= 17; precision++) {
		(void)snprintf(text, sizeof text, "%.*g", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	buf_add_str(b, text);
}

static void
decimal_json(struct buf *b, int64_t i, unsigned scale)
{
	uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
	char text[20];
	struct slice s = decimal_text(u, text);
	const char *digits = s.p;
	size_t n = s.n;

	if (i < 0)
		buf_add_u8(b, '-');
	if (n <= scale) {
		buf_add_str(b, scale == 0 ? "" : "0.");
		for (size_t k = n; k < scale; k++)
			buf_add_u8(b, '0');
		buf_add(b, digits, n);
		return;
	}
	buf_add(b, digits, n - scale);
	if (scale != 0) {
		buf_add_u8(b, '.');
		buf_add(b, digits + n - scale, scale);
	}
}

void
value_json(struct buf *b, const struct value *v)
{
	char text[INSTANT_TEXT_BYTES];

	switch (v->kind) {
	case VALUE_NONE:
		buf_add_str(b, "null");
		break;
	case VALUE_STRING:
		json_quote(b, v->s);
		break;
	case VALUE_INTEGER:
		buf_add_integer(b, v->i);
		break;
	case VALUE_BOOLEAN:
		buf_add_str(b, v->i != 0 ? "true" : "false");
		break;
	case VALUE_INSTANT:
		buf_add_u8(b, '"');
		buf_add(b, text, instant_format(v->t, text));
		buf_add_u8(b, '"');
		break;
	case VALUE_DECIMAL:
		decimal_json(b, v->i, v->scale);
		break;
	case VALUE_NUMBER:
		number_json(b, v->d);
		break;
	}
}

/* A bit trick finds what is below 0x20, a quote or a backslash, 8 bytes at a time. */
static bool
plain_word(uint64_t v)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';

	return ((((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & tops) == 0;
}

static uint64_t
word_at(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* No byte of it needs an escape. The last word overlaps the one before. */
static bool
plain(struct slice s)
{
	size_t i = 0;
	uint64_t v = ' ';

	if (s.n < sizeof v) {
		for (; i < s.n; i++)
			v = v << 8 | (unsigned char)s.p[i];
		for (; i < sizeof v; i++)
			v = v << 8 | ' ';
		return plain_word(v);
	}
	for (; s.n - i > sizeof v; i += sizeof v)
		if (!plain_word(word_at(s.p + i)))
			return false;
	return plain_word(word_at(s.p + s.n - sizeof v));
}

/* The escapes of RFC 8785 (those of JSON.stringify), so that canonical text needs no second writer. */
void
json_quote(struct buf *b, struct slice s)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;

	if (buf_room(b, s.n + 2) != 0)
		return;
	b->p[b->n++] = '"';
	if (plain(s)) {
		if (s.n != 0)
			memcpy(b->p + b->n, s.p, s.n);
		b->n += s.n;
		b->p[b->n++] = '"';
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char text[6] = {'\\', 'u', '0', '0', 0, 0};
		size_t n = 2;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		switch (c) {
		case '"':
		case '\\':
			text[1] = (char)c;
			break;
		case '\b':
			text[1] = 'b';
			break;
		case '\t':
			text[1] = 't';
			break;
		case '\n':
			text[1] = 'n';
			break;
		case '\f':
			text[1] = 'f';
			break;
		case '\r':
			text[1] = 'r';
			break;
		default:
			text[4] = hex[c >> 4];
			text[5] = hex[c & 15];
			n = 6;
		}
		buf_add(b, s.p + from, i - from);
		buf_add(b, text, n);
		from = i + 1;
	}
	buf_add(b, s.p + from, s.n - from);
	buf_add_u8(b, '"');
}
