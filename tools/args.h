/* The command line: one table of options a subcommand, from which parsing, `--help` and the reference are made.
 * Options are `--name VALUE` or `--name=VALUE`; `-` is a value (standard input or output); `--` ends the options. */
#ifndef DIDEBAN_TOOLS_ARGS_H
#define DIDEBAN_TOOLS_ARGS_H

#include "engine/calendar/instant.h"
#include "state/base/err.h"
#include "state/base/slice.h"

enum arg_type {
	ARG_FLAG,     /* --json */
	ARG_TEXT,     /* one value; given twice, the last counts */
	ARG_NUMBER,   /* a whole number from 0 */
	ARG_SIZE,     /* bytes: 64MiB, 1GiB, 4096 */
	ARG_DURATION, /* 90d, 12h, 15m, 30s, 50ms */
	ARG_TIME,     /* RFC 3339 with offset */
	ARG_LIST,     /* values up to the next option: --events A B C; may be repeated */
	ARG_REPEAT,   /* one value each time: --set A=1 --set B=2 */
};

struct arg {
	const char *name; /* "--events" */
	enum arg_type type;
	const char *value; /* "FILE"; NULL for a flag */
	const char *help;
};

struct command {
	const char *name;
	const char *operands;              /* "ALERT-ID"; "" for none */
	const char *summary;               /* one line */
	const char *details;               /* paragraphs, or NULL */
	const char *example;               /* lines that work as typed */
	const struct arg *args;            /* ends with a NULL name; NULL: none */
	int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name; returns the exit status */
};

struct args {
	const struct command *command;
	size_t n_found, cap_found;
	struct arg_found {
		const struct arg *arg;
		const char *value;
	} * found;
	size_t n_rest;
	const char **rest; /* operands, borrowed from argv */
};

/* Fills *ret; a mistake gives ERR_USAGE with a suggestion. Every value is checked against its type here. */
int args_parse(struct args *ret, const struct command *command, int argc, char **argv, struct err *err);
void args_free(struct args *ar);

bool args_flag(const struct args *ar, const char *name);
const char *args_text(const struct args *ar, const char *name);                    /* NULL if not given */
uint64_t args_number(const struct args *ar, const char *name, uint64_t otherwise); /* ARG_NUMBER or ARG_SIZE */
bool args_time(const struct args *ar, const char *name, struct instant *ret);
/* The values of a list or repeated option: *ret is allocated (free it), its texts borrowed; returns how many. */
size_t args_values(const struct args *ar, const char *name, const char ***ret);

/* "64MiB" -> bytes; "15m" -> milliseconds. 0, or -1 if malformed or too large. */
int parse_size(const char *text, uint64_t *ret);
int parse_duration(const char *text, int64_t *ret_ms);
int parse_number(const char *text, uint64_t *ret);

struct buf;
void command_help(const struct command *command, struct buf *ret);
void command_markdown(const struct command *command, struct buf *ret);

#endif
