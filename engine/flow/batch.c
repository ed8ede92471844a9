#include "engine/flow/batch.h"
#include "engine/calendar/instant_bytes.h"

#include <stdlib.h>

enum { ITEM_EVENT = 1, ITEM_FAULT = 2 };

void
batch_free(struct batch *ba)
{
	arena_free(&ba->arena);
	free(ba->items);
	free(ba->streams);
	buf_free(&ba->bytes);
	*ba = (struct batch){0};
}

void
batch_clear(struct batch *ba)
{
	arena_reset(&ba->arena);
	buf_clear(&ba->bytes);
	ba->n = ba->n_streams = 0;
	ba->flags = 0;
}

int
batch_stream(struct batch *ba, struct slice name, uint32_t *ret, struct err *err)
{
	struct slice copy;

	for (size_t i = ba->n_streams; i-- > 0;)
		if (slice_eq(ba->streams[i], name)) {
			*ret = (uint32_t)i;
			return 0;
		}
	if (ba->n_streams == ba->cap_streams) {
		size_t cap = ba->cap_streams == 0 ? 16 : ba->cap_streams * 2;
		struct slice *v = realloc(ba->streams, cap * sizeof *v);

		if (v == NULL)
			return err_nomem(err);
		ba->streams = v;
		ba->cap_streams = cap;
	}
	copy = arena_copy(&ba->arena, name);
	if (copy.p == NULL)
		return err_nomem(err);
	*ret = (uint32_t)ba->n_streams;
	ba->streams[ba->n_streams++] = copy;
	return 0;
}

static int
push(struct batch *ba, const struct batch_item *it, struct err *err)
{
	if (ba->n == ba->cap) {
		size_t cap = ba->cap == 0 ? 256 : ba->cap * 2;
		struct batch_item *v = realloc(ba->items, cap * sizeof *v);

		if (v == NULL)
			return err_nomem(err);
		ba->items = v;
		ba->cap = cap;
	}
	ba->items[ba->n++] = *it;
	return 0;
}

int
batch_add(struct batch *ba, const struct batch_item *it, struct err *err)
{
	struct buf *b = &ba->bytes;
	struct batch_item copy = *it;

	buf_add_u8(b, it->fault == FAULT_NONE ? ITEM_EVENT : ITEM_FAULT);
	buf_add_varint(b, it->stream);
	buf_add_varint(b, it->number);
	if (it->fault != FAULT_NONE) {
		buf_add_u8(b, (uint8_t)it->fault);
		buf_add_varint(b, it->full_bytes);
		buf_add_blob(b, it->detail);
	}
	buf_add_varint(b, it->raw.n);
	copy.at = b->n;
	buf_add_slice(b, it->raw);
	if (!buf_ok(b))
		return err_nomem(err);
	if (push(ba, &copy, err) == 0)
		return 0;
	b->bad = true; /* it holds an item that is not counted: never to be journalled */
	return -1;
}

void
batch_head(const struct batch *ba, struct buf *ret)
{
	buf_clear(ret);
	buf_add_u8(ret, 1);
	buf_add_instant(ret, ba->clock);
	buf_add_u8(ret, ba->flags);
	buf_add_varint(ret, ba->n_streams);
	for (size_t i = 0; i < ba->n_streams; i++)
		buf_add_blob(ret, ba->streams[i]);
}

static int
malformed(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "a batch of the journal is malformed: restore a backup (dideban restore)");
}

static int
decode_item(struct batch *ba, struct rd *r, const char *items, struct event_parser *pa, struct err *err)
{
	struct batch_item it = {.fault = FAULT_NONE};
	uint8_t kind = rd_u8(r);
	enum event_fault fault;
	uint64_t n;

	it.stream = (uint32_t)rd_varint(r);
	it.number = rd_varint(r);
	if (kind == ITEM_FAULT) {
		it.fault = (enum event_fault)rd_u8(r);
		it.full_bytes = rd_varint(r);
		it.detail = rd_blob(r);
	}
	n = rd_varint(r);
	it.at = (uint64_t)(r->p - items);
	it.raw = rd_bytes(r, (size_t)n);
	if (r->bad || it.stream >= ba->n_streams || (kind != ITEM_EVENT && kind != ITEM_FAULT) || it.fault >= FAULT_COUNT)
		return malformed(err);
	if (kind == ITEM_EVENT) {
		it.full_bytes = it.raw.n;
		fault = event_parse(pa, it.raw, &ba->arena, &it.ev, &it.detail);
		if (event_starved(fault, it.detail))
			return err_nomem(err);
		if (fault != FAULT_NONE)
			return err_set(err, ERR_CORRUPT,
			    "an accepted event of the journal no longer parses (%.*s): use the program that wrote it once to checkpoint",
			    SLICE_ARG(it.detail));
	}
	return push(ba, &it, err);
}

int
batch_decode(struct batch *ba, struct slice payload, struct event_parser *pa, size_t *ret_items_at, struct err *err)
{
	struct rd r = rd_of(payload);
	const char *items;
	uint64_t n;

	batch_clear(ba);
	if (rd_u8(&r) != 1)
		return malformed(err);
	ba->clock = rd_instant(&r);
	ba->flags = rd_u8(&r);
	n = rd_varint(&r);
	for (uint64_t i = 0; i < n && !r.bad; i++) {
		struct slice name = rd_blob(&r);
		uint32_t at;

		if (!r.bad && batch_stream(ba, name, &at, err) != 0)
			return -1;
	}
	if (r.bad || ba->n_streams != n)
		return malformed(err);
	items = r.p;
	*ret_items_at = (size_t)(items - payload.p);
	while (rd_left(&r) > 0)
		if (decode_item(ba, &r, items, pa, err) != 0)
			return -1;
	return 0;
}
