/* A Kafka message as the JSON of its CloudEvent (CloudEvents Kafka protocol binding 1.0.2). */
#ifndef DIDEBAN_CONNECTORS_KAFKA_CLOUDEVENT_H
#define DIDEBAN_CONNECTORS_KAFKA_CLOUDEVENT_H

#include "connectors/source.h"

#include <librdkafka/rdkafka.h>

/* Fills raw, full_bytes, fault, detail. A message in binary mode is put together in `scratch`, valid until the next call; one in
 * structured mode is borrowed from the message. -1: out of memory. */
int cloudevent_of(const rd_kafka_message_t *me, struct buf *scratch, struct source_item *ret);

#endif
