/* A growing byte buffer with a maximum, and the little-endian and varint codecs that records are written with.
 * Writing never needs a check of its own: a failed growth sets `bad`, later writes do nothing, and the caller asks
 * once at the end (buf_ok). One thread. Growing doubles, so a byte costs O(1). */
#ifndef DIDEBAN_STATE_BASE_BUF_H
#define DIDEBAN_STATE_BASE_BUF_H

#include "state/base/slice.h"

#include <stdint.h>

struct buf {
	char *p;
	size_t n, cap;
	size_t max; /* 0: no maximum of its own */
	bool bad;   /* out of memory, or over max */
};

void buf_free(struct buf *b);              /* also resets; a zeroed struct is an empty buffer */
int buf_grow(struct buf *b, size_t extra); /* 0 if `extra` bytes fit now, else -1 and `bad` */

static inline void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->bad = false;
}

static inline struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->p, b->n);
}

static inline bool
buf_ok(const struct buf *b)
{
	return !b->bad;
}

/* 0 if `extra` bytes fit, made so if need be; else -1 and `bad`. */
static inline int
buf_room(struct buf *b, size_t extra)
{
	return b->cap - b->n < extra || b->bad ? buf_grow(b, extra) : 0;
}

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (buf_room(b, n) != 0)
		return;
	if (n != 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void
buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}

static inline void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_add_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

/* LEB128: 7 bits a byte, low first. Writes at p, at most VARINT_BYTES, and returns the place behind. */
#define VARINT_BYTES 10
static inline char *
varint_put(char *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (char)(v | 0x80);
		v >>= 7;
	}
	*p++ = (char)v;
	return p;
}

/* Small numbers of either sign as small unsigned ones, for a varint; and back. */
static inline uint64_t
zigzag(int64_t i)
{
	return ((uint64_t)i << 1) ^ (i < 0 ? UINT64_MAX : 0);
}

static inline int64_t
unzigzag(uint64_t u)
{
	return (int64_t)((u >> 1) ^ ((u & 1) != 0 ? UINT64_MAX : 0));
}

struct slice decimal_text(uint64_t v, char ret[20]); /* its decimal digits, at the end of ret */
void buf_add_unsigned(struct buf *b, uint64_t v);    /* as decimal digits */
void buf_add_integer(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_add_u32(struct buf *b, uint32_t v);    /* little-endian */
void buf_add_u64(struct buf *b, uint64_t v);    /* little-endian */
void buf_add_u32_be(struct buf *b, uint32_t v); /* big-endian: sorts bytewise */
void buf_add_u64_be(struct buf *b, uint64_t v);
void buf_add_varint(struct buf *b, uint64_t v);
void buf_add_blob(struct buf *b, struct slice s); /* varint length, bytes */

/* Reading: a cursor over a slice. Past the end or malformed sets `bad` and yields zeros; ask once at the end. */
struct rd {
	const char *p, *end;
	bool bad;
};

static inline struct rd
rd_of(struct slice s)
{
	return (struct rd){s.p, s.p + s.n, false};
}

uint8_t rd_u8(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
uint32_t rd_u32_be(struct rd *r);
uint64_t rd_u64_be(struct rd *r);
uint64_t rd_varint(struct rd *r);
struct slice rd_bytes(struct rd *r, size_t n); /* borrowed from the slice read */
struct slice rd_blob(struct rd *r);

static inline size_t
rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

#endif
