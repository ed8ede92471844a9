/* Inside of the Kafka source: source.c yields messages, partitions.c decides which partitions are read and from where. One thread.
 *
 * Two clients. The asker lives as long as the source: it lists topics, asks for the ends of partitions and tells the broker how far
 * we are. The reader only fetches: it is given all partitions at once, with absolute positions, and is thrown away and made anew
 * whenever these change or it falls silent. (librdkafka 2.0.2 holds a changed assignment back as long as a commit waits for its
 * coordinator, and after a broker was lost it now and then never fetches a partition again; a new client has neither trouble.) */
#ifndef DIDEBAN_CONNECTORS_KAFKA_SOURCE_PRIVATE_H
#define DIDEBAN_CONNECTORS_KAFKA_SOURCE_PRIVATE_H

#include "connectors/kafka/private.h"
#include "connectors/kafka/source.h"

#include <regex.h>

#define AWAY_MS 1000     /* how long a question to a broker that does not answer may hold us up */
#define RETRY_MS 1000    /* before a partition that gave trouble is looked at again */
#define STREAM_BYTES 300 /* a topic's name has at most 249 */

struct part {
	char *topic;
	size_t entry; /* of the options' topics */
	int32_t partition;
	unsigned generation; /* of the topic of that name: 1, 2, ... */
	int64_t next;        /* offset; RD_KAFKA_OFFSET_BEGINNING: whatever is oldest */
	int64_t committed;   /* what the broker was told last */
	int64_t end;         /* where the reader last met the partition's end; -1: not yet */
	bool check;          /* the message before `next` must be one that we know */
	bool gone;
	bool doubtful;     /* the reader met an error at it: read anew when the next look finds it */
	unsigned unseen;   /* looks in a row that did not find it */
	bool yielded;      /* since the last look */
	int64_t quiet_ms;  /* time of the first look, of those without a message since, that found more in it; 0: none */
	unsigned restarts; /* of the reader for its sake, without a message since */
	int64_t last_ms;   /* time of the last message, by its own stamp */
	char stream[STREAM_BYTES];
};

struct kafka_source {
	struct kafka_source_options opt;
	struct kafka_link link, asking;
	rd_kafka_t *asker;
	rd_kafka_queue_t *told; /* answers to commits */
	bool telling;           /* one is on its way */
	rd_kafka_t *reader;     /* NULL before the first partition is known */
	rd_kafka_queue_t *queue;
	bool anew; /* make another reader before the next message is taken */
	int fd;
	regex_t *patterns; /* by entry; used where the entry is one */
	bool *waited;      /* by entry: said that there is no such topic */
	struct part *parts;
	size_t n_parts, hit; /* hit: the part of the last message */
	rd_kafka_message_t *message;
	struct buf event;
	int64_t look_ms; /* when to look at the cluster's topics again */
	uint64_t missed, restarts;
	size_t asked;      /* the partition whose end was asked for last */
	bool failed_topic; /* said that a topic may not be read */
};

/* Free all of them. */
void parts_free(struct kafka_source *ks);
int parts_compile_patterns(struct kafka_source *ks, struct err *err);
/* Takes in what the cluster has. A broker that does not answer is no error. */
int parts_look(struct kafka_source *ks, int64_t now_ms, struct err *err);
/* NULL: not one of ours. */
struct part *part_find(struct kafka_source *ks, const char *topic, int32_t partition);
/* It is not the partition that we knew: read as a new stream, from its beginning. `why`: for the operator. */
void part_begin_anew(struct kafka_source *ks, struct part *pa, const char *why);
/* The offset that was to be read is not there. */
void part_out_of_range(struct kafka_source *ks, struct part *pa, int64_t now_ms);

#endif
