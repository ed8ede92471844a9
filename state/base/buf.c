#include "state/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

int
buf_grow(struct buf *b, size_t extra)
{
	size_t need = b->n + extra, cap = b->cap < 64 ? 64 : b->cap;
	char *p;

	if (b->bad || need < extra || (b->max != 0 && need > b->max)) {
		b->bad = true;
		return -1;
	}
	if (need <= b->cap)
		return 0;
	while (cap < need)
		cap *= 2;
	p = realloc(b->p, cap);
	if (p == NULL) {
		b->bad = true;
		return -1;
	}
	b->p = p;
	b->cap = cap;
	return 0;
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->bad = true;
		return;
	}
	if ((size_t)n < sizeof small) {
		buf_add(b, small, (size_t)n);
		return;
	}
	if (buf_grow(b, (size_t)n + 1) != 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

struct slice
decimal_text(uint64_t v, char ret[20])
{
	size_t at = 20;

	do {
		ret[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	return slice_of(ret + at, 20 - at);
}

void
buf_add_unsigned(struct buf *b, uint64_t v)
{
	char text[20];

	buf_add_slice(b, decimal_text(v, text));
}

void
buf_add_integer(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_add_u8(b, '-');
	buf_add_unsigned(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
buf_add_u32(struct buf *b, uint32_t v)
{
	char c[4] = {(char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24)};

	buf_add(b, c, sizeof c);
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	buf_add_u32(b, (uint32_t)v);
	buf_add_u32(b, (uint32_t)(v >> 32));
}

void
buf_add_u32_be(struct buf *b, uint32_t v)
{
	char c[4] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};

	buf_add(b, c, sizeof c);
}

void
buf_add_u64_be(struct buf *b, uint64_t v)
{
	buf_add_u32_be(b, (uint32_t)(v >> 32));
	buf_add_u32_be(b, (uint32_t)v);
}

void
buf_add_varint(struct buf *b, uint64_t v)
{
	char c[VARINT_BYTES];

	buf_add(b, c, (size_t)(varint_put(c, v) - c));
}

void
buf_add_blob(struct buf *b, struct slice s)
{
	buf_add_varint(b, s.n);
	buf_add_slice(b, s);
}

struct slice
rd_bytes(struct rd *r, size_t n)
{
	struct slice s = {r->p, n};

	if (r->bad || n > rd_left(r)) {
		r->bad = true;
		return slice_of("", 0);
	}
	r->p += n;
	return s;
}

uint8_t
rd_u8(struct rd *r)
{
	struct slice s = rd_bytes(r, 1);

	return s.n == 1 ? (uint8_t)s.p[0] : 0;
}

uint32_t
rd_u32(struct rd *r)
{
	struct slice s = rd_bytes(r, 4);
	const unsigned char *c = (const unsigned char *)s.p;

	if (s.n != 4)
		return 0;
	return (uint32_t)c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
}

uint64_t
rd_u64(struct rd *r)
{
	uint64_t lo = rd_u32(r), hi = rd_u32(r);

	return lo | hi << 32;
}

uint32_t
rd_u32_be(struct rd *r)
{
	struct slice s = rd_bytes(r, 4);
	const unsigned char *c = (const unsigned char *)s.p;

	if (s.n != 4)
		return 0;
	return (uint32_t)c[3] | (uint32_t)c[2] << 8 | (uint32_t)c[1] << 16 | (uint32_t)c[0] << 24;
}

uint64_t
rd_u64_be(struct rd *r)
{
	uint64_t hi = rd_u32_be(r), lo = rd_u32_be(r);

	return lo | hi << 32;
}

uint64_t
rd_varint(struct rd *r)
{
	uint64_t v = 0;
	unsigned shift = 0;

	for (;;) {
		uint8_t c = rd_u8(r);

		if (r->bad || shift > 63 || (shift == 63 && c > 1)) {
			r->bad = true;
			return 0;
		}
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return v;
		shift += 7;
	}
}

struct slice
rd_blob(struct rd *r)
{
	uint64_t n = rd_varint(r);

	if (n > rd_left(r)) {
		r->bad = true;
		return slice_of("", 0);
	}
	return rd_bytes(r, (size_t)n);
}
