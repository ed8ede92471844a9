/* The configuration, dideban.yaml: one table of keys, from which reading, `dideban config --effective` and the reference are
 * made. Every key has a default; an unknown one is an error that suggests the right one, with file:line:column and a caret.
 * Relative paths are relative to the folder of the file. Secrets never stand in it, only paths of files (`*_file`). */
#ifndef DIDEBAN_TOOLS_CONFIG_H
#define DIDEBAN_TOOLS_CONFIG_H

#include "engine/engine.h"
#include "state/base/arena.h"

enum config_type { CONFIG_TEXT, CONFIG_PATH, CONFIG_NUMBER, CONFIG_SIZE, CONFIG_DURATION };
struct config_key {
	const char *name;
	enum config_type type;
	const char *otherwise; /* default, as text; "" none */
	const char *help;
};
extern const struct config_key config_keys[]; /* ends with a NULL name */

enum config_id {
	CONFIG_INSTANCE,
	CONFIG_STORE,
	CONFIG_RULES,
	CONFIG_ALERTS,
	CONFIG_CACHE,
	CONFIG_PARTITIONS,
	CONFIG_BATCH_EVENTS,
	CONFIG_BATCH_DELAY,
	CONFIG_CHECKPOINT_EVENTS,
	CONFIG_MAX_FUTURE,
	CONFIG_TICK,
	CONFIG_POLL,
	CONFIG_SETTLE,
	CONFIG_COUNT
};

struct config_value {
	const char *text;
	uint64_t number; /* number, bytes or milliseconds */
	unsigned line;   /* 0: default */
};
struct config_inbox {
	const char *dir;
	struct grant grant;
	unsigned line; /* 0: default */
};
/* The section `kafka`; the text of brokers NULL: there is none. */
struct config_topic {
	const char *name; /* or a pattern */
	bool pattern;
	struct grant grant;
	unsigned line;
};
struct config_pair {
	const char *name, *value;
	unsigned line;
};
struct config_kafka {
	struct config_value brokers, transactional_id, marks, group, refresh, stop;
	bool publish;         /* alerts go to Kafka */
	unsigned alerts_line; /* of `alerts: none` */
	size_t n_topics, n_settings, n_alerts;
	struct config_topic *topics;
	struct config_pair *settings; /* of librdkafka; *_file: a path */
	struct config_pair *alerts;   /* audience, topic */
	unsigned line;
};
struct config {
	struct arena arena; /* holds all texts and lists */
	const char *file;   /* NULL: defaults only */
	struct config_value v[CONFIG_COUNT];
	size_t n_inboxes;
	struct config_inbox *inboxes;
	struct config_kafka kafka;
	bool grants; /* the file names inboxes: what comes from elsewhere is not allowed */
};

/* path NULL: ./dideban.yaml if there is one, else the defaults. ERR_USAGE with the place, the line and a caret in the text. */
int config_load(struct config *ret, const char *path, struct err *err);
void config_free(struct config *co);
/* What a file may bring: NULL: everything. A file in no inbox of a configuration that names inboxes may bring nothing. */
const struct grant *config_grant(const struct config *co, const char *file);
/* "dideban.yaml:3" or "default". */
void config_origin(const struct config *co, unsigned line, struct buf *ret);
/* The i-th single value of the section `kafka` and its key; NULL behind the last. */
const struct config_value *config_kafka_value(const struct config_kafka *ck, size_t i, const char **ret_name);
void config_markdown(struct buf *ret);

#endif
