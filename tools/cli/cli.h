/* What the subcommands share: messages, colour, progress, where the rules and the store are. Only drivers print. */
#ifndef DIDEBAN_TOOLS_CLI_CLI_H
#define DIDEBAN_TOOLS_CLI_CLI_H

#include "engine/engine.h"
#include "tools/args.h"

#include <stdio.h>

extern const struct command command_demo, command_run, command_serve, command_alerts, command_explain, command_timeline, command_eval, command_check,
    command_test, command_quarantine, command_fields, command_generate, command_backup, command_restore, command_store, command_config,
    command_status, command_doctor, command_version, command_help_command;
extern const struct command *const commands[]; /* ends with NULL, in the order of `dideban help` */

/* Written with the rules' own code. */
int cmd_check(int argc, char **argv);
int cmd_test(int argc, char **argv);

/* Prints "dideban: TEXT" on stderr; returns the exit status of err->code. */
int cli_fail(const struct err *err);
void cli_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The mistakes of rule and contract files: file:line:column, text, the line itself with a caret if the
 * file can be read, as it is named or in `dir` (NULL: none) or its events/. */
void cli_findings(const struct findings *fi, const char *dir);
/* Whether what was printed to stdout could be written so far: 0, or an error. */
int cli_written(struct err *err);
/* Flushes stdout: 0, or an error (a full disk, a closed pipe). */
int cli_flush(struct err *err);

/* "" when the stream is no terminal, NO_COLOR is set or TERM is dumb. */
enum tint { TINT_RED, TINT_YELLOW, TINT_CYAN, TINT_GREEN, TINT_BOLD, TINT_DIM, TINT_OFF };
const char *tint(FILE *f, enum tint t);
enum tint level_tint(enum alert_level level);

/* 1234567 -> "1,234,567"; ret is static storage of 8 turns. */
const char *grouped(uint64_t n);
double seconds_now(void); /* monotonic */

/* One line on stderr when it is a terminal and work lasts over a second: events, rate, time left. */
struct progress {
	const char *what;
	double start, shown;
	bool on, drawn;
	uint64_t bytes_total;
};
void progress_start(struct progress *pr, const char *what, uint64_t bytes_total);
void progress_show(struct progress *pr, uint64_t events, uint64_t bytes_done);
void progress_end(struct progress *pr);
/* Sum of the sizes of files; 0 if one is standard input or packed (then there is no time left to tell). */
uint64_t files_bytes(const char *const *files, size_t n);

/* The folder of rules: `given`, or the one of this source tree, of the installation, or ./rules. *ret is allocated. */
int rules_find(const char *given, char **ret, struct err *err);
/* Gathers DIR/ *.lua (unless only contracts are wanted) and the contracts: DIR/events/ if it has one, else the default's. */
int rules_gather(const char *dir, bool only_contracts, const char *const *sets, size_t n_sets, struct ruleset_source *ret, struct err *err);
int read_file(const char *path, size_t max, struct buf *ret, struct err *err); /* terminated by a zero that is not counted */

/* `given`, else that of ./dideban.yaml, else ./dideban-store; allocated. */
char *store_of(const char *given, struct err *err);
/* Opens it to look at, also beside a running process. */
int store_look(const char *given, struct node **ret, struct err *err);

/* Nothing was found about a subject: says so of a kind that no event type knows, with the nearest; that is not to pass for good news. */
void note_kind(const struct node *no, const char *subject);

/* A text from an event as a terminal may show it: control and bidi characters as \u escapes, cut at about 2000 bytes; static
 * storage of 16 turns. */
const char *shown(struct slice s);
void print_json_string(FILE *f, struct slice s);
void print_time(FILE *f, struct instant t);

#endif
