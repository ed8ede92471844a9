/* What was set aside, by id: the first 16 hex digits of SHA-256 over the fault's name and the raw bytes (of a conflict: over the
 * identity and the content, so that one content is one record however it is written, but never that of another event). Seen
 * again it is only counted. One thread. */
#ifndef DIDEBAN_ENGINE_FLOW_QUARANTINE_H
#define DIDEBAN_ENGINE_FLOW_QUARANTINE_H

#include "engine/engine.h"
#include "state/store/store.h"

#define QUARANTINE_ID_BYTES 8

struct quarantine;
struct quarantine *quarantine_new(void);
void quarantine_free(struct quarantine *qa);

struct quarantine_item {
	uint8_t id[QUARANTINE_ID_BYTES];
	enum event_fault fault;
	struct slice detail, raw, stream;
	uint64_t number, full_bytes;
	struct instant seen;
};
void quarantine_make_id(uint8_t ret[QUARANTINE_ID_BYTES], enum event_fault fault, struct slice bytes);
/* 1: there already, 0: not, -1: error. */
int quarantine_has(struct quarantine *qa, struct store *st, const uint8_t id[QUARANTINE_ID_BYTES], struct err *err);
int quarantine_add(struct quarantine *qa, struct store *st, const struct quarantine_item *it, uint64_t *next, struct err *err);
/* ERR_USAGE if there is none. */
int quarantine_set(
    struct quarantine *qa, struct store *st, const uint8_t id[QUARANTINE_ID_BYTES], enum quarantine_state state, struct slice note, struct err *err);
int quarantine_save(struct quarantine *qa, struct changes *ch, struct err *err); /* and forgets them */
size_t quarantine_bytes(const struct quarantine *qa);
/* In order of first arrival. id NULL: all. */
int quarantine_each(struct quarantine *qa, struct store *st, const char *id, int (*fn)(void *ctx, const struct quarantine_view *qu, struct err *err),
    void *ctx, struct err *err);
/* From 16 hex digits: 0 or -1. */
int quarantine_id_parse(const char *text, uint8_t ret[QUARANTINE_ID_BYTES]);

#endif
