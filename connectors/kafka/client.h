/* What the Kafka source and sink share: settings, the state of the connection, librdkafka's own figures. rdkafka.h is included
 * in this folder alone. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_CLIENT_H
#define DIDEBAN_CONNECTORS_KAFKA_CLIENT_H

#include "state/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A setting of librdkafka, handed through. A name that ends in "_file" sets the one without, to what that file holds: a secret. */
struct kafka_setting {
	const char *name, *value;
};

/* Everything is borrowed until the last client is closed. */
struct kafka_options {
	const char *brokers; /* HOST:PORT, comma between */
	const struct kafka_setting *settings;
	size_t n_settings;
	void (*note)(void *ctx, const char *text); /* what an operator must know, once each time it comes up; any thread */
	void *ctx;
};

/* Of one client, as librdkafka last told (every few seconds). */
struct kafka_figures {
	bool connected;
	uint64_t sent_bytes, received_bytes;
	uint64_t queued_messages, queued_bytes; /* waiting in the client */
	uint64_t round_trip_us;                 /* mean of the last interval, of the slowest broker */
};

#endif
