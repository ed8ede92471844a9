/* Making topics, for trials: in a real cluster whoever runs it makes them (docs/operate-kafka.md). */
#ifndef DIDEBAN_CONNECTORS_KAFKA_TOPICS_H
#define DIDEBAN_CONNECTORS_KAFKA_TOPICS_H

#include "connectors/kafka/client.h"

/* One replica. A topic that is there already is fine. ERR_IO if no broker answers. */
int kafka_topic_create(const struct kafka_options *opt, const char *name, int partitions, bool compacted, struct err *err);

#endif
