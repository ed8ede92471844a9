/* What `demo --kafka` plays on: a broker of its own (tools/kafka), topics, a `dideban serve` and kcat as writer and reader, each a
 * process, all files in one scratch folder that goes with them. */
#ifndef DIDEBAN_TOOLS_CLI_DEMO_KAFKA_H
#define DIDEBAN_TOOLS_CLI_DEMO_KAFKA_H

#include "tools/cli/cli.h"

struct demo_kafka;

int demo_kafka_start(struct demo_kafka **ret, const char *rules, struct err *err);
/* One event into the topic of events. */
int demo_kafka_send(struct demo_kafka *dk, struct slice line, struct err *err);
/* Calls fn for what the alert topics hold by now, each message once though several audiences have it. `all`: waits until every event is
 * read and every alert was read back. */
int demo_kafka_read(struct demo_kafka *dk, bool all, int (*fn)(void *ctx, struct slice json, struct err *err), void *ctx, struct err *err);
/* Stops serve: its store can be looked at. */
int demo_kafka_stop(struct demo_kafka *dk, const char **ret_store, struct err *err);
/* Messages read back, from all topics; how many of them came twice. */
void demo_kafka_counts(const struct demo_kafka *dk, uint64_t *ret_messages, uint64_t *ret_twice);
/* Ends everything and removes the folder. NULL is fine. */
void demo_kafka_end(struct demo_kafka *dk);

#endif
