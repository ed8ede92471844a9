/* The keys of the fold's state in the store. Each kind has its first byte; numbers are big-endian, so that they sort.
 *
 *   'T' subject 0 u64 u16                 entries that came and went between two checkpoints, in parts  (timeline/codec.c)
 *   'A' subject 0 rule 0 episode a id     an alert; the episode is a blob                               (alert/codec.c)
 *   'A' subject 0 rule 0 episode h u32    a part of a group's hits                                      (alert/codec.c)
 *   'I' name id                           an identity: content hash, place in the journal, flags        (flow/registrar.c)
 *   'Q' id                                a quarantined event                                           (flow/quarantine.c)
 *   'N' u32                               a name: a source or an input stream                           (flow/names.c)
 *   'L' u16                               a layout's text                                               (flow/names.c)
 *   'G' u32                               a rule set's bytes, by its number                             (flow/fold.c)
 *   'F' u64 u32                           fingerprints that came between two checkpoints, in parts      (flow/filter.c)
 *   'O' u32                               highest number consumed of a stream, by its name              (flow/fold.c)
 *   'M' name                              single values: seed, clock, counters, the sink's mark         (flow/fold.c)
 *
 *   name    of the source, in 5 bytes of 7 bits with the high bit set: no byte of the key is zero, so that it is a group of its own
 */
#ifndef DIDEBAN_ENGINE_FLOW_KEYS_H
#define DIDEBAN_ENGINE_FLOW_KEYS_H

#include "engine/calendar/instant.h"
#include "state/base/buf.h"

static inline void
key_add_name(struct buf *b, uint32_t name)
{
	for (int shift = 28; shift >= 0; shift -= 7)
		buf_add_u8(b, (uint8_t)(0x80 | (name >> shift & 0x7f)));
}

static inline uint32_t
key_name(struct rd *r)
{
	uint32_t name = 0;

	for (int i = 0; i < 5; i++)
		name = name << 7 | (rd_u8(r) & 0x7f);
	return name;
}

/* A time that sorts: i64 with its sign bit turned, u32. */
static inline void
key_add_instant(struct buf *b, struct instant t)
{
	buf_add_u64_be(b, (uint64_t)t.sec ^ (uint64_t)1 << 63);
	buf_add_u32_be(b, t.nsec);
}

/* 'T' or 'A', the subject, 0: the prefix of all its keys of that kind. */
static inline void
key_subject(struct buf *b, char kind, struct slice subject)
{
	buf_clear(b);
	buf_add_u8(b, (uint8_t)kind);
	buf_add_slice(b, subject);
	buf_add_u8(b, 0);
}

#endif
