/* The publisher's mark in Kafka: how far a store's journal is published, and by whom. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_MARK_H
#define DIDEBAN_CONNECTORS_KAFKA_MARK_H

#include "connectors/kafka/private.h"
#include "state/base/buf.h"

struct kafka_mark {
	char owner[17], store[17]; /* 16 hex digits each */
	char host[65];
	uint64_t batch;
};

void mark_write(struct buf *ret, const struct kafka_mark *ma);
/* The newest mark under `key`, in partition 0 of `topic`, past every transaction that was open. 1: found; 0: none; -1: error.
 * Waits for the broker, and for others' open transactions, as long as go_on says so; 0 with *ret_stopped if it says no. */
int mark_read(struct kafka_link *ln, const char *topic, const char *key, struct kafka_mark *ret, bool *ret_stopped, bool (*go_on)(void *ctx),
    void *ctx, struct err *err);

#endif
