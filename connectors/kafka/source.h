/* Events from Kafka: the partitions of a list of topics, each read from where the store says, by plain assignment: no consumer
 * group decides who reads what. A stream is TOPIC/PARTITION, its position the offset.
 *
 * A message is a CloudEvent in structured mode (its value is the JSON) or binary mode (headers ce_id, ce_source ..., its value is
 * the data). One without value, or over the limit, is yielded as a fault, like anything else that is no event.
 *
 * What may happen to a partition, and what we do; each is said once to the operator:
 *   retention overtook us     what was deleted is gone: counted as missed; we go on with the oldest that is left
 *   deleted and made again    told by an end before our position, or by a last message that we never saw: it is read from its
 *                             beginning as TOPIC/PARTITION#2, #3 ...; events that were known are duplicates and change nothing
 *   deleted                   we wait for it
 *   more partitions           read from their beginning, at the next look (refresh_ms)
 *   the broker is away        we wait for it
 *
 * One thread. Memory: librdkafka's queue, at most LIMIT_KAFKA_QUEUE_KIB for each partition. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_SOURCE_H
#define DIDEBAN_CONNECTORS_KAFKA_SOURCE_H

#include "connectors/kafka/client.h"
#include "connectors/source.h"

struct kafka_source;

struct kafka_topic {
	const char *name; /* or, with `pattern`, an extended regular expression over whole names; it matches no topic that begins with
			     "__" or "dideban." */
	bool pattern;
};

struct kafka_source_options {
	const struct kafka_options *kafka;
	const struct kafka_topic *topics; /* the first that matches counts */
	size_t n_topics;
	const char *group; /* offsets are committed under this name, for monitoring alone */
	int64_t refresh_ms;
	/* Highest number consumed of a stream: 1; 0: nothing yet; -1. */
	int (*position)(void *ctx, struct slice stream, uint64_t *ret, struct err *err);
	/* Whether these bytes came before: 1, 0, -1. */
	int (*knows)(void *ctx, struct slice raw, struct err *err);
	void *ctx;
};

/* Errors: ERR_USAGE for settings and patterns. A broker that is away is no error. */
int kafka_source_open(struct kafka_source **ret, const struct kafka_source_options *opt, struct err *err);
void kafka_source_close(struct kafka_source *ks); /* NULL is fine */
/* 1: the next item and the number of its topic in the options; 0: nothing for now; -1: error. now_ms: any clock that never goes
 * back. */
int kafka_source_next(struct kafka_source *ks, int64_t now_ms, struct source_item *ret, size_t *ret_topic, struct err *err);
/* Readable when a message may have come; read it empty before the next kafka_source_next. */
int kafka_source_fd(const struct kafka_source *ks);
/* Everything yielded is durable: tells the broker, for its monitoring. Does not wait. */
void kafka_source_committed(struct kafka_source *ks);

struct kafka_lag {
	uint64_t partitions, unknown; /* unknown: those of them whose end the client has not heard of yet */
	uint64_t messages;            /* not yet yielded, of the others */
	int64_t milliseconds;         /* age of the last message yielded of the partition that is furthest behind; 0: none is */
	uint64_t restarts;            /* partitions that had stopped though there was more in them, and were assigned anew */
	uint64_t missed;              /* deleted by retention before we read them, since the start */
};
void kafka_source_lag(struct kafka_source *ks, int64_t wall_ms, struct kafka_lag *ret);
void kafka_source_figures(struct kafka_source *ks, struct kafka_figures *ret);

#endif
