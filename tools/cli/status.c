#include "tools/cli/status.h"

#include "tools/cli/cli.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct metric_about metrics[METRIC_COUNT] = {
    [METRIC_CONSUMED] = {"dideban_events_consumed_total", "events taken in since the start", 'n'},
    [METRIC_PROCESSED] = {"dideban_events_processed_total", "of them, events that were new and good", 'n'},
    [METRIC_DUPLICATES] = {"dideban_events_duplicate_total", "of them, events that had come before", 'n'},
    [METRIC_QUARANTINED] = {"dideban_events_quarantined_total", "of them, set aside (dideban quarantine list)", 'n'},
    [METRIC_LATE] = {"dideban_events_late_total", "events behind a later one of a subject of theirs", 'n'},
    [METRIC_UNKNOWN] = {"dideban_rule_unknown_total", "evaluations that a rule could not decide for want of a field", 'n'},
    [METRIC_ERRORS] = {"dideban_rule_errors_total", "evaluations in which a rule failed or went over its budget: look at the notes", 'n'},
    [METRIC_MESSAGES] = {"dideban_alert_messages_total", "messages about alerts", 'n'},
    [METRIC_BATCHES] = {"dideban_batches_total", "batches journalled", 'n'},
    [METRIC_CHECKPOINTS] = {"dideban_checkpoints_total", "checkpoints made", 'n'},
    [METRIC_PAUSED] = {"dideban_paused", "1: nothing is read because the disk is nearly full", 'n'},
    [METRIC_SOURCE_CONNECTED] = {"dideban_kafka_source_connected", "1: a broker answers", 's'},
    [METRIC_SOURCE_PARTITIONS] = {"dideban_kafka_source_partitions", "partitions that are read", 's'},
    [METRIC_SOURCE_UNKNOWN] = {"dideban_kafka_source_unknown_partitions", "of them, those whose end is not known yet: their lag is not counted", 's'},
    [METRIC_SOURCE_LAG] = {"dideban_kafka_source_lag_events", "messages not yet read", 's'},
    [METRIC_SOURCE_LAG_SECONDS] = {"dideban_kafka_source_lag_seconds", "age of the last message read, of the partition furthest behind", 's'},
    [METRIC_SOURCE_MISSED] = {"dideban_kafka_source_missed_total", "messages that retention deleted before they were read", 's'},
    [METRIC_SOURCE_RESTARTS] = {"dideban_kafka_source_restarts_total", "partitions that had stopped though they held more, and were begun again",
	's'},
    [METRIC_SOURCE_BYTES] = {"dideban_kafka_source_received_bytes_total", "bytes received", 's'},
    [METRIC_SOURCE_QUEUED] = {"dideban_kafka_source_queued_messages", "fetched and waiting in the client", 's'},
    [METRIC_SOURCE_ROUND_TRIP] = {"dideban_kafka_source_round_trip_seconds", "mean time of a request", 's'},
    [METRIC_SINK_CONNECTED] = {"dideban_kafka_sink_connected", "1: a broker answers", 'k'},
    [METRIC_SINK_PUBLISHED] = {"dideban_kafka_sink_published_total", "messages published, one for each audience", 'k'},
    [METRIC_SINK_TRANSACTIONS] = {"dideban_kafka_sink_transactions_total", "transactions committed", 'k'},
    [METRIC_SINK_WAITING] = {"dideban_kafka_sink_waiting_bytes", "alerts that wait to be published", 'k'},
    [METRIC_SINK_BYTES] = {"dideban_kafka_sink_sent_bytes_total", "bytes sent", 'k'},
    [METRIC_SINK_ROUND_TRIP] = {"dideban_kafka_sink_round_trip_seconds", "mean time of a request", 'k'},
};

static void
fill_source(struct status *su, struct kafka_source *ks)
{
	struct kafka_figures fi;
	struct kafka_lag lag;
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	kafka_source_lag(ks, (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000, &lag);
	kafka_source_figures(ks, &fi);
	su->v[METRIC_SOURCE_CONNECTED] = fi.connected;
	su->v[METRIC_SOURCE_PARTITIONS] = (double)lag.partitions;
	su->v[METRIC_SOURCE_UNKNOWN] = (double)lag.unknown;
	su->v[METRIC_SOURCE_LAG] = (double)lag.messages;
	su->v[METRIC_SOURCE_LAG_SECONDS] = (double)lag.milliseconds / 1000;
	su->v[METRIC_SOURCE_MISSED] = (double)lag.missed;
	su->v[METRIC_SOURCE_RESTARTS] = (double)lag.restarts;
	su->v[METRIC_SOURCE_BYTES] = (double)fi.received_bytes;
	su->v[METRIC_SOURCE_QUEUED] = (double)fi.queued_messages;
	su->v[METRIC_SOURCE_ROUND_TRIP] = (double)fi.round_trip_us / 1e6;
}

static void
fill_sink(struct status *su, struct kafka_sink *sink)
{
	struct kafka_figures fi;
	struct kafka_sink_stats st;

	kafka_sink_stats(sink, &st);
	kafka_sink_figures(sink, &fi);
	su->v[METRIC_SINK_CONNECTED] = fi.connected;
	su->v[METRIC_SINK_PUBLISHED] = (double)st.published;
	su->v[METRIC_SINK_TRANSACTIONS] = (double)st.transactions;
	su->v[METRIC_SINK_WAITING] = (double)st.waiting_bytes;
	su->v[METRIC_SINK_BYTES] = (double)fi.sent_bytes;
	su->v[METRIC_SINK_ROUND_TRIP] = (double)fi.round_trip_us / 1e6;
}

void
status_fill(struct status *su, const struct node *no, struct kafka_source *ks, struct kafka_sink *sink, bool paused)
{
	const struct ruleset *rs = node_ruleset(no);
	struct node_stats st;
	struct rule_stats ru;

	node_stats(no, &st);
	su->v[METRIC_UNKNOWN] = su->v[METRIC_ERRORS] = 0;
	for (size_t i = 0; rs != NULL && i < rs->n_rules; i++) {
		node_rule_stats(no, i, &ru);
		su->v[METRIC_UNKNOWN] += (double)ru.unknown;
		su->v[METRIC_ERRORS] += (double)ru.error;
	}
	su->v[METRIC_CONSUMED] = (double)st.consumed;
	su->v[METRIC_PROCESSED] = (double)st.processed;
	su->v[METRIC_DUPLICATES] = (double)st.duplicates;
	su->v[METRIC_QUARANTINED] = (double)st.quarantined;
	su->v[METRIC_LATE] = (double)st.late;
	su->v[METRIC_MESSAGES] = (double)st.messages;
	su->v[METRIC_BATCHES] = (double)st.batches;
	su->v[METRIC_CHECKPOINTS] = (double)st.checkpoints;
	su->v[METRIC_PAUSED] = paused;
	su->has_source = ks != NULL;
	su->has_sink = sink != NULL;
	if (ks != NULL)
		fill_source(su, ks);
	if (sink != NULL)
		fill_sink(su, sink);
}

static void
write_file(const struct status *su, const char *dir, bool running)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	json_t *root = json_object(), *values = json_object();
	int rc;

	(void)snprintf(path, sizeof path, "%s/" STATUS_FILE, dir);
	(void)snprintf(temporary, sizeof temporary, "%s/" STATUS_FILE ".tmp", dir);
	(void)json_object_set_new(root, "running", json_boolean(running));
	(void)json_object_set_new(root, "process", json_integer(getpid()));
	(void)json_object_set_new(root, "version", json_string(DIDEBAN_VERSION));
	(void)json_object_set_new(root, "written", json_integer((json_int_t)time(NULL)));
	for (int i = 0; i < METRIC_COUNT; i++)
		if (metrics[i].of == 'n' || (metrics[i].of == 's' && su->has_source) || (metrics[i].of == 'k' && su->has_sink))
			(void)json_object_set_new(values, metrics[i].name, json_real(su->v[i]));
	(void)json_object_set_new(root, "metrics", values);
	rc = json_dump_file(root, temporary, JSON_COMPACT);
	json_decref(root);
	/* Not synced: it speaks of now, and says so. */
	if (rc != 0 || rename(temporary, path) != 0)
		(void)unlink(temporary);
}

void
status_write(struct status *su, const char *dir)
{
	su->begun = true;
	write_file(su, dir, true);
}

void
status_end(struct status *su, const char *dir)
{
	if (su->begun)
		write_file(su, dir, false);
}
