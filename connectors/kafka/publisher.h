/* The thread that publishes what waits in the outbox, transaction by transaction. See sink.h for the protocol. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_PUBLISHER_H
#define DIDEBAN_CONNECTORS_KAFKA_PUBLISHER_H

#include "connectors/kafka/outbox.h"

struct publisher;

/* ERR_USAGE for settings. What goes wrong later is told to the outbox. */
int publisher_start(struct publisher **ret, const struct kafka_sink_options *opt, struct outbox *ob, struct err *err);
/* After outbox_end: waits for the thread. NULL is fine. */
void publisher_end(struct publisher *pu);
void publisher_figures(struct publisher *pu, struct kafka_figures *ret);

#endif
