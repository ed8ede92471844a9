/* A batch: what the journal records at once, and what the fold takes as one step.
 *
 *   payload   u8 1 | i64 seconds u32 nanoseconds of the clock | u8 flags | varint streams | blob ... | items
 *   item      u8 1 event: varint stream, varint number, varint length, raw bytes
 *             u8 2 fault: varint stream, varint number, u8 fault, varint full length, blob detail, varint length, raw bytes
 *
 * Other records: 2 a rule set (i64, u32 of the clock, ruleset_encode), 3 a tick (i64, u32), 4 a mark on a quarantined event (blob id, u8 state, blob
 * note, i64, u32), 5 the seed of content hashes (u64). */
#ifndef DIDEBAN_ENGINE_FLOW_BATCH_H
#define DIDEBAN_ENGINE_FLOW_BATCH_H

#include "engine/engine.h"

enum record_kind { RECORD_BATCH = 1, RECORD_RULES, RECORD_TICK, RECORD_MARK, RECORD_SEED };
enum { BATCH_TICK = 1 }; /* its clock is a tick */

struct batch_item {
	enum event_fault fault; /* FAULT_NONE: an event */
	struct event ev;
	struct slice raw, detail;
	uint64_t full_bytes;
	uint32_t stream; /* index in the batch's streams */
	uint64_t number;
	uint64_t at; /* place of the raw bytes behind the beginning of the items */
};

struct batch {
	struct arena arena; /* events, details, stream names; raw bytes too unless decoded */
	struct batch_item *items;
	size_t n, cap;
	struct slice *streams;
	size_t n_streams, cap_streams;
	struct buf bytes; /* the items, encoded */
	struct instant clock;
	uint8_t flags;
};

void batch_free(struct batch *ba);
void batch_clear(struct batch *ba);
int batch_stream(struct batch *ba, struct slice name, uint32_t *ret, struct err *err);
/* Adds what intake decided; slices must live in the batch's arena, raw is copied into `bytes`. */
int batch_add(struct batch *ba, const struct batch_item *it, struct err *err);
/* The part before the items. */
void batch_head(const struct batch *ba, struct buf *ret);
/* Reads a payload and parses its events again. Slices point into it. ERR_CORRUPT when malformed. */
int batch_decode(struct batch *ba, struct slice payload, struct event_parser *pa, size_t *ret_items_at, struct err *err);

#endif
