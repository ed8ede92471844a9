/* What a running `serve` says of itself: STORE/status.json, written anew every second, read by `dideban status`. */
#ifndef DIDEBAN_TOOLS_CLI_STATUS_H
#define DIDEBAN_TOOLS_CLI_STATUS_H

#include "connectors/kafka/sink.h"
#include "connectors/kafka/source.h"

#define STATUS_FILE "status.json"

/* One metric: its name as a monitor will know it, what it is, and where it stands. */
enum metric {
	METRIC_CONSUMED,
	METRIC_PROCESSED,
	METRIC_DUPLICATES,
	METRIC_QUARANTINED,
	METRIC_LATE,
	METRIC_UNKNOWN,
	METRIC_ERRORS,
	METRIC_MESSAGES,
	METRIC_BATCHES,
	METRIC_CHECKPOINTS,
	METRIC_PAUSED,
	METRIC_SOURCE_CONNECTED,
	METRIC_SOURCE_PARTITIONS,
	METRIC_SOURCE_UNKNOWN,
	METRIC_SOURCE_LAG,
	METRIC_SOURCE_LAG_SECONDS,
	METRIC_SOURCE_MISSED,
	METRIC_SOURCE_RESTARTS,
	METRIC_SOURCE_BYTES,
	METRIC_SOURCE_QUEUED,
	METRIC_SOURCE_ROUND_TRIP,
	METRIC_SINK_CONNECTED,
	METRIC_SINK_PUBLISHED,
	METRIC_SINK_TRANSACTIONS,
	METRIC_SINK_WAITING,
	METRIC_SINK_BYTES,
	METRIC_SINK_ROUND_TRIP,
	METRIC_COUNT
};
extern const struct metric_about {
	const char *name, *help;
	char of; /* 'n' node, 's' source, 'k' sink: left out without one */
} metrics[METRIC_COUNT];

struct status {
	bool begun, has_source, has_sink;
	double v[METRIC_COUNT];
};

void status_fill(struct status *su, const struct node *no, struct kafka_source *ks, struct kafka_sink *sink, bool paused);
/* Says nothing of failures: what is said of ourselves stops nothing, and a full disk has words of its own. */
void status_write(struct status *su, const char *dir);
/* The last word: it runs no more. */
void status_end(struct status *su, const char *dir);

#endif
