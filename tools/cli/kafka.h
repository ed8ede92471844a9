/* The configuration's section `kafka` as the connectors take it. */
#ifndef DIDEBAN_TOOLS_CLI_KAFKA_H
#define DIDEBAN_TOOLS_CLI_KAFKA_H

#include "connectors/kafka/sink.h"
#include "connectors/kafka/source.h"
#include "tools/config.h"

struct kafka_config {
	struct kafka_options client;
	struct kafka_source_options source; /* n_topics 0: no source */
	struct kafka_sink_options sink;
};

/* Memory comes from the configuration's arena. position, knows, stopping and their ctx are the caller's to fill in. */
int kafka_config_of(struct config *co, struct kafka_config *ret, struct err *err);

#endif
