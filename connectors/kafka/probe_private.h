/* Inside of the probe: the topics that it looks at, and how it tells what it found. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_PROBE_PRIVATE_H
#define DIDEBAN_CONNECTORS_KAFKA_PROBE_PRIVATE_H

#include "connectors/kafka/private.h"
#include "connectors/kafka/probe.h"

#define PROBE_WAIT_MS 10000

enum probe_role { PROBE_INPUT, PROBE_ALERTS, PROBE_MARKS };
struct probe_topic {
	char name[256];
	enum probe_role role;
	int32_t partitions;    /* 0: it is not there, or not to be seen */
	int32_t led;           /* a partition that has a leader; -1: none has */
	int replicas, in_sync; /* of the partition that has fewest */
	bool writable;         /* enough replicas are in sync */
	bool alone;            /* has one replica */
};

struct probe {
	const struct kafka_probe_options *opt;
	struct kafka_options kafka; /* theirs, with nobody to tell notes to */
	struct kafka_link link;
	rd_kafka_t *rk; /* a consumer */
	struct probe_topic *topics;
	size_t n_topics;
	int32_t broker; /* the one that answered */
	char cure[1024];
};

/* What to do about the next thing that is told. */
void probe_cure(struct probe *pr, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void probe_tell(struct probe *pr, enum kafka_verdict v, const char *check, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int64_t probe_now_ms(void);

/* probe_topics.c: that topics are there, and their settings. */
int probe_topics(struct probe *pr, const struct rd_kafka_metadata *md, struct err *err);
void probe_settings(struct probe *pr);
/* probe_access.c: reading and writing for real. */
void probe_reading(struct probe *pr);
int probe_writing(struct probe *pr, struct err *err);

#endif
