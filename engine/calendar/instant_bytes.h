/* An instant as bytes in records of the journal and the store: i64 seconds, u32 nanoseconds, little-endian. (Keys that must
 * sort have their own form: engine/flow/keys.h.) */
#ifndef DIDEBAN_ENGINE_CALENDAR_INSTANT_BYTES_H
#define DIDEBAN_ENGINE_CALENDAR_INSTANT_BYTES_H

#include "engine/calendar/instant.h"
#include "state/base/buf.h"

static inline void
buf_add_instant(struct buf *b, struct instant t)
{
	buf_add_u64(b, (uint64_t)t.sec);
	buf_add_u32(b, t.nsec);
}

static inline struct instant
rd_instant(struct rd *r)
{
	struct instant t;

	t.sec = (int64_t)rd_u64(r);
	t.nsec = rd_u32(r);
	return t;
}

#endif
