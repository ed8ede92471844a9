#include "engine/flow/quarantine.h"
#include "engine/calendar/instant_bytes.h"

#include "state/base/hash.h"
#include "state/base/table.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

/* value: u8 1 | varint order | u8 fault | u8 state | varint times | varint full | varint number | i64 u32 seen | blob stream |
 * blob detail | blob note | blob raw */
struct record {
	uint8_t id[QUARANTINE_ID_BYTES];
	enum event_fault fault;
	enum quarantine_state state;
	uint64_t order, times, full_bytes, number;
	struct instant seen;
	struct slice stream, detail, note, raw; /* into block */
	struct buf block;
};

struct quarantine {
	struct table fresh; /* changed since the last checkpoint */
	struct record **v;
	size_t n, cap, bytes;
};

struct quarantine *
quarantine_new(void)
{
	return calloc(1, sizeof(struct quarantine));
}

static void
record_free(struct record *re)
{
	buf_free(&re->block);
	free(re);
}

static void
forget(struct quarantine *qa)
{
	for (size_t i = 0; i < qa->n; i++)
		record_free(qa->v[i]);
	table_clear(&qa->fresh);
	qa->n = qa->bytes = 0;
}

void
quarantine_free(struct quarantine *qa)
{
	if (qa == NULL)
		return;
	forget(qa);
	table_free(&qa->fresh);
	free(qa->v);
	free(qa);
}

size_t
quarantine_bytes(const struct quarantine *qa)
{
	return qa->bytes;
}

void
quarantine_make_id(uint8_t ret[QUARANTINE_ID_BYTES], enum event_fault fault, struct slice bytes)
{
	uint8_t sum[SHA256_DIGEST_LENGTH], both[SHA256_DIGEST_LENGTH + 1];

	(void)SHA256((const unsigned char *)bytes.p, bytes.n, both);
	both[SHA256_DIGEST_LENGTH] = (uint8_t)fault;
	(void)SHA256(both, sizeof both, sum);
	memcpy(ret, sum, QUARANTINE_ID_BYTES);
}

int
quarantine_id_parse(const char *text, uint8_t ret[QUARANTINE_ID_BYTES])
{
	if (strlen(text) != 2 * QUARANTINE_ID_BYTES)
		return -1;
	for (unsigned i = 0; i < 2 * QUARANTINE_ID_BYTES; i++) {
		const char *at = strchr("0123456789abcdef", text[i]);

		if (at == NULL)
			return -1;
		ret[i / 2] = (uint8_t)((i & 1 ? ret[i / 2] << 4 : 0) | (at - "0123456789abcdef"));
	}
	return 0;
}

static void
encode(const struct record *re, struct buf *b)
{
	buf_clear(b);
	buf_add_u8(b, 1);
	buf_add_varint(b, re->order);
	buf_add_u8(b, (uint8_t)re->fault);
	buf_add_u8(b, (uint8_t)re->state);
	buf_add_varint(b, re->times);
	buf_add_varint(b, re->full_bytes);
	buf_add_varint(b, re->number);
	buf_add_instant(b, re->seen);
	buf_add_blob(b, re->stream);
	buf_add_blob(b, re->detail);
	buf_add_blob(b, re->note);
	buf_add_blob(b, re->raw);
}

/* Slices into `value`. */
static int
decode(struct record *re, struct slice value)
{
	struct rd r = rd_of(value);

	if (rd_u8(&r) != 1)
		return -1;
	re->order = rd_varint(&r);
	re->fault = (enum event_fault)rd_u8(&r);
	re->state = (enum quarantine_state)rd_u8(&r);
	re->times = rd_varint(&r);
	re->full_bytes = rd_varint(&r);
	re->number = rd_varint(&r);
	re->seen = rd_instant(&r);
	re->stream = rd_blob(&r);
	re->detail = rd_blob(&r);
	re->note = rd_blob(&r);
	re->raw = rd_blob(&r);
	return r.bad || re->fault >= FAULT_COUNT || re->state > QUARANTINE_DISCARDED ? -1 : 0;
}

static uint64_t
id_hash(const uint8_t id[QUARANTINE_ID_BYTES])
{
	return hash64(slice_of((const char *)id, QUARANTINE_ID_BYTES));
}

static struct record *
find(const struct quarantine *qa, const uint8_t id[QUARANTINE_ID_BYTES])
{
	uint64_t hash = id_hash(id);
	struct record *re;

	for (size_t pos = table_start(&qa->fresh, hash); (re = table_probe(&qa->fresh, hash, &pos)) != NULL;)
		if (memcmp(re->id, id, QUARANTINE_ID_BYTES) == 0)
			return re;
	return NULL;
}

static int
stored(struct store *st, const uint8_t id[QUARANTINE_ID_BYTES], struct buf *ret, struct err *err)
{
	char key[1 + QUARANTINE_ID_BYTES] = {'Q'};

	memcpy(key + 1, id, QUARANTINE_ID_BYTES);
	return store_get(st, slice_of(key, sizeof key), ret, err);
}

/* Keeps `re` (its slices copied into one block) until the next checkpoint. */
static struct record *
keep(struct quarantine *qa, const struct record *like, struct err *err)
{
	struct record *re = calloc(1, sizeof *re);

	if (re == NULL)
		goto nomem;
	*re = *like;
	re->block = (struct buf){0};
	encode(like, &re->block);
	if (!buf_ok(&re->block) || decode(re, buf_slice(&re->block)) != 0)
		goto nomem;
	if (qa->n == qa->cap) {
		size_t cap = qa->cap == 0 ? 64 : qa->cap * 2;
		struct record **v = realloc(qa->v, cap * sizeof(struct record *));

		if (v == NULL)
			goto nomem;
		qa->v = v;
		qa->cap = cap;
	}
	if (table_add(&qa->fresh, id_hash(re->id), re) != 0)
		goto nomem;
	qa->v[qa->n++] = re;
	qa->bytes += sizeof *re + re->block.cap;
	return re;
nomem:
	if (re != NULL)
		record_free(re);
	(void)err_nomem(err);
	return NULL;
}

/* The record, brought into memory to be changed. 1, 0 or -1. */
static int
fetch(struct quarantine *qa, struct store *st, const uint8_t id[QUARANTINE_ID_BYTES], struct record **ret, struct err *err)
{
	struct record like = {.fault = FAULT_NONE};
	struct buf value = {0};
	int rc;

	*ret = find(qa, id);
	if (*ret != NULL)
		return 1;
	rc = stored(st, id, &value, err);
	if (rc > 0) {
		memcpy(like.id, id, QUARANTINE_ID_BYTES);
		if (decode(&like, buf_slice(&value)) != 0)
			rc = err_set(err, ERR_CORRUPT, "a quarantined event's record is damaged: restore a backup (dideban restore)");
		else if ((*ret = keep(qa, &like, err)) == NULL)
			rc = -1;
	}
	buf_free(&value);
	return rc;
}

int
quarantine_has(struct quarantine *qa, struct store *st, const uint8_t id[QUARANTINE_ID_BYTES], struct err *err)
{
	struct record *re;

	return fetch(qa, st, id, &re, err);
}

/* Its own replay, still wrong, is no arrival. */
static bool
is_replay(const struct quarantine_item *it)
{
	char stream[64];
	int n = snprintf(stream, sizeof stream, QUARANTINE_REPLAY_STREAM);

	for (size_t i = 0; i < QUARANTINE_ID_BYTES; i++)
		n += snprintf(stream + n, sizeof stream - (size_t)n, "%02x", it->id[i]);
	return slice_eq(it->stream, slice_of(stream, (size_t)n));
}

int
quarantine_add(struct quarantine *qa, struct store *st, const struct quarantine_item *it, uint64_t *next, struct err *err)
{
	struct record like = {.fault = it->fault,
	    .times = 1,
	    .full_bytes = it->full_bytes,
	    .number = it->number,
	    .seen = it->seen,
	    .stream = it->stream,
	    .detail = it->detail,
	    .raw = it->raw,
	    .note = slice_of("", 0)};
	struct record *re;
	int rc = fetch(qa, st, it->id, &re, err);

	if (rc < 0)
		return -1;
	if (rc > 0) {
		re->times += is_replay(it) ? 0 : 1;
		return 0;
	}
	if (like.raw.n > LIMIT_QUARANTINE_BYTES)
		like.raw.n = LIMIT_QUARANTINE_BYTES;
	memcpy(like.id, it->id, QUARANTINE_ID_BYTES);
	like.order = (*next)++;
	return keep(qa, &like, err) == NULL ? -1 : 0;
}

int
quarantine_set(
    struct quarantine *qa, struct store *st, const uint8_t id[QUARANTINE_ID_BYTES], enum quarantine_state state, struct slice note, struct err *err)
{
	struct record *re, like;
	struct buf block;
	int rc = fetch(qa, st, id, &re, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_USAGE, "no quarantined event has this id: see dideban quarantine list");
	like = *re;
	like.state = state;
	like.note = note;
	block = (struct buf){0};
	encode(&like, &block);
	if (!buf_ok(&block)) {
		buf_free(&block);
		return err_nomem(err);
	}
	buf_free(&re->block);
	re->block = block;
	return decode(re, buf_slice(&re->block)) == 0 ? 0 : err_nomem(err);
}

int
quarantine_save(struct quarantine *qa, struct changes *ch, struct err *err)
{
	struct buf value = {0};
	int rc = 0;

	for (size_t i = 0; i < qa->n && rc == 0; i++) {
		char key[1 + QUARANTINE_ID_BYTES] = {'Q'};

		memcpy(key + 1, qa->v[i]->id, QUARANTINE_ID_BYTES);
		encode(qa->v[i], &value);
		rc = buf_ok(&value) ? changes_put(ch, slice_of(key, sizeof key), buf_slice(&value), err) : err_nomem(err);
	}
	buf_free(&value);
	if (rc == 0)
		forget(qa);
	return rc;
}

/* Listing: orders first, then the records one by one, so that no more than one is held. */
struct place {
	uint64_t order;
	uint8_t id[QUARANTINE_ID_BYTES];
};

static int
by_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

static int
add_place(struct buf *places, uint64_t order, const char *id, struct err *err)
{
	struct place pl = {.order = order};

	memcpy(pl.id, id, QUARANTINE_ID_BYTES);
	buf_add(places, &pl, sizeof pl);
	return buf_ok(places) ? 0 : err_nomem(err);
}

static int
gather(struct quarantine *qa, struct store *st, struct buf *places, struct err *err)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	struct record re;
	int rc;

	for (size_t i = 0; i < qa->n; i++)
		if (add_place(places, qa->v[i]->order, (const char *)qa->v[i]->id, err) != 0)
			return -1;
	if (store_iter_open(&it, st, slice_of("Q", 1), slice_of("R", 1), err) != 0)
		return -1;
	while ((rc = store_iter_next(it, &key, &value, err)) > 0) {
		if (key.n != 1 + QUARANTINE_ID_BYTES || decode(&re, value) != 0)
			rc = err_set(err, ERR_CORRUPT, "a quarantined event's record is damaged: restore a backup (dideban restore)");
		else if (find(qa, (const uint8_t *)key.p + 1) == NULL)
			rc = add_place(places, re.order, key.p + 1, err);
		if (rc < 0)
			break;
	}
	store_iter_close(it);
	return rc;
}

static int
show(const struct record *re, const uint8_t id[QUARANTINE_ID_BYTES], int (*fn)(void *ctx, const struct quarantine_view *qu, struct err *err),
    void *ctx, struct err *err)
{
	char text[2 * QUARANTINE_ID_BYTES + 1];
	struct quarantine_view qu = {.detail = re->detail,
	    .raw = re->raw,
	    .stream = re->stream,
	    .note = re->note,
	    .fault = re->fault,
	    .state = re->state,
	    .number = re->number,
	    .full_bytes = re->full_bytes,
	    .times = re->times,
	    .first_seen = re->seen};

	for (unsigned i = 0; i < 2 * QUARANTINE_ID_BYTES; i++)
		text[i] = "0123456789abcdef"[id[i / 2] >> (i & 1 ? 0 : 4) & 15];
	text[2 * QUARANTINE_ID_BYTES] = '\0';
	qu.id = slice_str(text);
	return fn(ctx, &qu, err);
}

int
quarantine_each(struct quarantine *qa, struct store *st, const char *id, int (*fn)(void *ctx, const struct quarantine_view *qu, struct err *err),
    void *ctx, struct err *err)
{
	struct buf places = {0}, value = {0};
	const struct place *pl;
	uint8_t want[QUARANTINE_ID_BYTES];
	int rc = 0;

	if (id != NULL && quarantine_id_parse(id, want) != 0)
		return 0;
	if (id != NULL)
		rc = add_place(&places, 0, (const char *)want, err);
	else
		rc = gather(qa, st, &places, err);
	pl = (const struct place *)(const void *)places.p;
	if (rc == 0 && places.n > sizeof *pl)
		qsort(places.p, places.n / sizeof *pl, sizeof *pl, by_order);
	for (size_t i = 0; rc == 0 && i < places.n / sizeof *pl; i++) {
		const struct record *have = find(qa, pl[i].id);
		struct record re;

		if (have == NULL) {
			rc = stored(st, pl[i].id, &value, err);
			if (rc <= 0)
				continue;
			if (decode(&re, buf_slice(&value)) != 0) {
				rc = err_set(err, ERR_CORRUPT, "a quarantined event's record is damaged: restore a backup (dideban restore)");
				break;
			}
			have = &re;
		}
		rc = show(have, pl[i].id, fn, ctx, err);
	}
	buf_free(&places);
	buf_free(&value);
	return rc;
}
