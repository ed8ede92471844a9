/* Messages of durable batches on their way from the node's thread to the publisher's, in whole batches.
 *
 *   row   u64 batch | blob key | blob JSON | u8 topics | blob topic ...
 *
 * Bounded: outbox_put waits while LIMIT_OUTBOX_BYTES are there. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_OUTBOX_H
#define DIDEBAN_CONNECTORS_KAFKA_OUTBOX_H

#include "connectors/kafka/sink.h"
#include "state/base/buf.h"

#include <pthread.h>

struct outbox {
	pthread_mutex_t lock;
	pthread_cond_t moved; /* whatever changed */
	struct buf rows;      /* not yet taken by the publisher */
	size_t taken;         /* bytes that it has taken and not yet published */
	uint64_t last;        /* batch of the newest row */
	bool ended;           /* no more comes: the publisher leaves */
	bool failed;          /* the publisher left: err */
	bool gave_up;         /* the caller was told to stop and did not wait on */
	struct err err;
	struct kafka_sink_stats stats;
};

void outbox_init(struct outbox *ob);
void outbox_free(struct outbox *ob);

/* --- the node's side --- */

/* Moves the rows in. -1: the publisher has failed, or the wait was given up because the operator stops. */
int outbox_put(struct outbox *ob, uint64_t batch, const struct buf *rows, const struct kafka_sink_options *opt, struct err *err);
/* Waits until everything is published; -1 as above. */
int outbox_drain(struct outbox *ob, const struct kafka_sink_options *opt, struct err *err);
int outbox_check(struct outbox *ob, struct err *err);
void outbox_end(struct outbox *ob);
void outbox_stats(struct outbox *ob, struct kafka_sink_stats *ret);

/* --- the publisher's side --- */

/* Takes all rows, waiting at most so long. *ret is cleared first, *ret_last the batch of the last row. false: nothing. */
bool outbox_take(struct outbox *ob, int wait_ms, struct buf *ret, uint64_t *ret_last);
/* What was taken last is published. */
void outbox_published(struct outbox *ob, uint64_t messages, uint64_t batch);
void outbox_fail(struct outbox *ob, const struct err *err);
bool outbox_ended(struct outbox *ob);

#endif
