/* One node with its sink, as `run`, `serve` and `demo` drive it: opening with the sink's mark, rules, reading files, stopping. */
#ifndef DIDEBAN_TOOLS_CLI_SESSION_H
#define DIDEBAN_TOOLS_CLI_SESSION_H

#include "connectors/file/sink.h"
#include "connectors/file/source.h"
#include "connectors/kafka/sink.h"
#include "tools/cli/cli.h"

struct config;

struct session {
	struct node *no;
	struct file_sink *sink;                     /* NULL: none */
	const char *alerts;                         /* its path, or NULL */
	struct kafka_sink *kafka;                   /* NULL: alerts do not go to Kafka */
	const struct kafka_sink_options *kafka_opt; /* NULL: they shall not; store and last are filled in here */
	bool alerts_as_before;                      /* without a path: where the store's alerts went until now, so that none of them is passed over */
	struct node_options opt;
	char *rules_dir; /* where the rules came from; NULL: the store's own */
	struct findings findings;
	uint64_t added; /* events handed to the node */
	/* Called for each message after the sink; may be NULL. */
	int (*on_message)(void *ctx, const struct message *me, struct err *err);
	void *ctx;
};

struct session_rules {
	const char *dir; /* --rules; NULL: the store's own, or the default for a new store */
	const char *const *sets;
	size_t n_sets;
};

/* se->opt, alerts, on_message, ctx are filled by the caller; on failure everything is closed and what was wrong with rule
 * files is printed. */
int session_open(struct session *se, const struct session_rules *sr, struct err *err);
/* Hands the whole file to the node. */
int session_read(struct session *se, const char *file, const struct grant *grant, struct progress *pr, uint64_t bytes_before, struct err *err);
/* One item of a source; stops when a signal came (session_stopped). */
int session_add(struct session *se, const struct source_item *item, const struct grant *grant, struct err *err);
/* Closes both; the first error counts. */
int session_close(struct session *se, struct err *err);
/* After an error of the node: frees without commit or checkpoint. */
void session_abandon(struct session *se);

/* It was told to stop while alerts still waited for Kafka: no failure, the next start publishes them. */
bool session_gave_up(const struct session *se);

/* SIGINT and SIGTERM set a flag from now on, so that a run ends with a commit and a checkpoint. */
void session_catch_signals(void);
int session_stopped(void);        /* the signal, or 0 */
void session_end_by_signal(void); /* ends the process by the signal that was caught, if any */

#endif
