/* Reading the configuration's YAML, shared by config.c and config_kafka.c. */
#ifndef DIDEBAN_TOOLS_CONFIG_PRIVATE_H
#define DIDEBAN_TOOLS_CONFIG_PRIVATE_H

#include "tools/config.h"

#include <libfyaml.h>

struct reading {
	const char *path;
	const char *text;
	struct err *err;
	struct arena *arena;
	struct fy_node *key; /* the key being read: its place stands for a value that has none, such as [] */
};

/* ERR_USAGE with file:line:column, what is wrong, the line and a caret. */
int config_wrong_at(struct reading *rd, struct fy_node *fyn, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct fy_mark config_mark(struct fy_node *fyn);
/* The text of a scalar, in the configuration's arena; NULL with an error when it is none. */
const char *config_scalar(struct reading *rd, struct fy_node *fyn, const char *key);
/* A path as it is meant: relative to the folder of the file. NULL: out of memory. */
const char *config_resolve(struct reading *rd, const char *path);
/* Why a text is no value of its type, or NULL with *ret filled. */
const char *config_convert(enum config_type type, const char *text, uint64_t *ret);
int config_list(struct reading *rd, struct fy_node *list, const char *key, const char *const **ret, size_t *ret_n);
/* sources, types, corrections. 1: it was one; 0: it is none of them; -1: error. */
int config_grant_key(struct reading *rd, const char *name, struct fy_node *value, struct grant *gr);

/* config_kafka.c */
int config_read_kafka(struct reading *rd, struct config *co, struct fy_node *map);
int config_kafka_defaults(struct config *co, struct err *err);
void config_kafka_markdown(struct buf *ret);

#endif
