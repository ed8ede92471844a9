/* Alerts to Kafka, each (alert id, sequence) once for readers with isolation.level=read_committed.
 *
 * Messages of durable batches wait in an outbox (LIMIT_OUTBOX_BYTES; a full one holds up the caller, so a slow broker slows the
 * source). A publisher thread sends what waits in one transaction, together with a mark in the compacted topic `marks`,
 * partition 0, keyed by the transactional id:
 *
 *   {"owner": "...", "store": "...", "batch": N, "host": "..."}    everything up to batch N of this store's journal is published
 *
 * The mark is repeated every few seconds when there is nothing to send. After a start, a failure, or a commit whose outcome is unclear, a new
 * producer with the same transactional id fences the one before and ends its open transaction, the mark is read, and publishing goes on behind it. An
 * owner that finds another's mark after its own was fenced: it stops and says so. A mark of another store, or of a journal longer than this one (a
 * restored copy), is refused: messages with the same (id, sequence) might go out twice; `republish` accepts that.
 *
 * A message goes to one topic for each audience of its rule, keyed by its alert id. The node's checkpoint waits until everything
 * is published: recovery makes again only what is behind it. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_SINK_H
#define DIDEBAN_CONNECTORS_KAFKA_SINK_H

#include "connectors/kafka/client.h"
#include "engine/engine.h"

struct kafka_sink;

struct kafka_audience {
	const char *audience, *topic;
};

struct kafka_sink_options {
	const struct kafka_options *kafka;
	const char *transactional_id, *marks;
	const struct kafka_audience *audiences; /* others: "dideban.alerts.AUDIENCE" */
	size_t n_audiences;
	bool republish;
	const char *store; /* of the node's origin; copied, as is `last` */
	uint64_t last;
	bool (*stopping)(void *ctx); /* the operator wants us to stop: then nothing waits longer than stop_ms */
	int64_t stop_ms;
	void *ctx;
};

int kafka_sink_open(struct kafka_sink **ret, const struct kafka_sink_options *opt, struct err *err);
/* For the node's callbacks. Messages of one batch, then the batch; the checkpoint waits for all of it. */
int kafka_sink_message(struct kafka_sink *ks, const struct message *me, struct err *err);
int kafka_sink_batch(struct kafka_sink *ks, uint64_t batch, struct err *err);
int kafka_sink_checkpoint(struct kafka_sink *ks, struct err *err);
/* -1 with what ended the publisher, if something has: to be asked now and then. */
int kafka_sink_check(struct kafka_sink *ks, struct err *err);
/* It was told to stop with messages unpublished; the journal has them. */
bool kafka_sink_gave_up(const struct kafka_sink *ks);
/* Ends the publisher, without waiting for what is not yet published. NULL is fine. */
void kafka_sink_close(struct kafka_sink *ks);

struct kafka_sink_stats {
	uint64_t published, transactions; /* messages (one for each audience) and transactions of this run */
	uint64_t waiting_bytes;
	uint64_t batch; /* last published */
};
void kafka_sink_stats(struct kafka_sink *ks, struct kafka_sink_stats *ret);
void kafka_sink_figures(struct kafka_sink *ks, struct kafka_figures *ret);

#endif
