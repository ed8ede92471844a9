/* Is Kafka as this configuration needs it? Asks for the topics and their settings, reads, and writes in transactions that are aborted, so that rights
 * are tried and not guessed. The transactional id is the publisher's with "-doctor" behind it: one that publishes is not disturbed.
 *
 * A reader that does not read committed messages alone sees the message of an aborted transaction: its type is "dideban.doctor".
 *
 * Each call to the broker waits at most 10 seconds. One thread. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_PROBE_H
#define DIDEBAN_CONNECTORS_KAFKA_PROBE_H

#include "connectors/kafka/sink.h"
#include "connectors/kafka/source.h"

enum kafka_verdict { KAFKA_OK, KAFKA_WARN, KAFKA_FAIL };
struct kafka_finding {
	enum kafka_verdict verdict;
	const char *check, *found, *cure; /* valid during the call; cure "": none is needed */
};

struct kafka_probe_options {
	const struct kafka_options *kafka;         /* its note is not called */
	const struct kafka_source_options *source; /* its topics and group */
	const struct kafka_sink_options *sink;     /* NULL: alerts do not go to Kafka */
	const char *const *audiences;              /* of the live rules, each once */
	size_t n_audiences;
	void (*found)(void *ctx, const struct kafka_finding *fi);
	void *ctx;
};

/* 0: everything was looked at, the findings tell; -1: ERR_USAGE for settings, ERR_SERVICE if no broker answers (also a finding). */
int kafka_probe(const struct kafka_probe_options *opt, struct err *err);

#endif
