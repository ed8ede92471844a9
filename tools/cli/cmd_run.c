/* dideban run: files to their end, then a summary. */
#include "state/base/stages.h"
#include "tools/cli/session.h"
#include "tools/cli/summary.h"
#include "tools/config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int cmd_run(int argc, char **argv);

static const struct arg run_args[] = {
    {"--events", ARG_LIST, "FILE", "files of events: NDJSON or a JSON array, plain or .gz .xz .zst; - is standard input"},
    {"--rules", ARG_TEXT, "DIR", "folder of rules (*.lua), with its own events/ if it has one; makes them the live rule set of the store"},
    {"--set", ARG_REPEAT, "RULE.PARAM=VALUE", "another value for a rule's parameter"},
    {"--store", ARG_TEXT, "DIR", "keep journal and state there; without it a temporary one is used and removed"},
    {"--alerts", ARG_TEXT, "FILE", "append alerts there, one CloudEvent a line; - is standard output (then the summary goes to stderr)"},
    {"--now", ARG_TIME, "TIME", "at the end let the clock reach TIME: what has expired by then ends"},
    {"--config", ARG_TEXT, "FILE", "take grants, instance and limits from this configuration"},
    {"--strict", ARG_FLAG, NULL, "exit 3 if anything was quarantined"},
    {"--max-future", ARG_DURATION, "DURATION", "quarantine events further ahead of the clock (default 5m)"},
    {"--partitions", ARG_NUMBER, "N", "partitions of the subjects (default 1)"},
    {"--cache", ARG_SIZE, "SIZE", "memory for timelines in use and the filter of what is known (default 512MiB)"},
    {"--batch-events", ARG_NUMBER, "N", "events in one journal batch (default and most 4096)"},
    {"--checkpoint-events", ARG_NUMBER, "N", "events between checkpoints (default 100000)"},
    {"--json", ARG_FLAG, NULL, "the summary as one JSON object"},
    {"--stages", ARG_FLAG, NULL,
	"measure where the time goes: seconds of each stage in the summary, what the store was asked for, what lies in memory"},
    {0},
};

const struct command command_run = {
    .name = "run",
    .operands = "",
    .summary = "read files of events to their end and judge them",
    .details = "The same events again, also from a renamed, re-split or shuffled file, change nothing. Bad events are quarantined and counted, never "
	       "dropped:\n"
	       "consumed = processed + duplicates + quarantined.\n"
	       "A store keeps the rules it was last run with, until --rules or --set changes them.",
    .example =
	"  dideban generate world --events 20000 > events.ndjson\n  dideban run --events events.ndjson --store ./province --alerts alerts.ndjson",
    .args = run_args,
    .run = cmd_run,
};

static int
read_all(struct session *se, const char *const *files, size_t n, const struct config *co, struct err *err)
{
	struct progress pr;
	uint64_t before = 0;

	progress_start(&pr, "run", files_bytes(files, n));
	for (size_t i = 0; i < n && !session_stopped(); i++) {
		if (session_read(se, files[i], co == NULL ? NULL : config_grant(co, files[i]), &pr, before, err) != 0) {
			progress_end(&pr);
			return -1;
		}
		before += files_bytes(&files[i], 1);
	}
	progress_end(&pr);
	return 0;
}

/* Everything is readable before anything is taken in. */
static int
check_files(const char *const *files, size_t n, struct err *err)
{
	struct stat st;

	if (n == 0)
		return err_set(err, ERR_USAGE, "run: --events FILE is missing; `dideban run --help` shows an example");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i], "-") == 0)
			continue;
		if (access(files[i], R_OK) != 0 || stat(files[i], &st) != 0)
			return err_set(err, ERR_IO, "%s: cannot be read: %s", files[i], strerror(errno));
		if (S_ISDIR(st.st_mode))
			return err_set(err, ERR_USAGE, "%s: is a directory; name its files, or let `dideban serve` follow it", files[i]);
	}
	return 0;
}

/* The bounds of the configuration: to the node 0 means its default, and would pass for what was asked for. */
static int
check_numbers(const struct args *ar, struct err *err)
{
	uint64_t partitions = args_number(ar, "--partitions", 1), batch = args_number(ar, "--batch-events", 1);
	int64_t ms = 1000;

	if (partitions < 1 || partitions > LIMIT_PARTITIONS || batch < 1 || batch > LIMIT_BATCH_EVENTS)
		return err_set(err, ERR_USAGE, "run: from 1 to %d partitions and from 1 to %d events a batch", LIMIT_PARTITIONS, LIMIT_BATCH_EVENTS);
	if (args_number(ar, "--checkpoint-events", 1) < 1)
		return err_set(err, ERR_USAGE, "run: --checkpoint-events must be at least 1");
	if (args_number(ar, "--cache", LIMIT_CACHE_LEAST) < LIMIT_CACHE_LEAST)
		return err_set(err, ERR_USAGE, "run: --cache must be at least 1KiB");
	if (args_text(ar, "--max-future") != NULL && (parse_duration(args_text(ar, "--max-future"), &ms) != 0 || ms < 1000))
		return err_set(err, ERR_USAGE, "run: --max-future must be at least 1s");
	return 0;
}

static void
fill_options(struct node_options *opt, const struct args *ar, const struct config *co)
{
	int64_t ms;

	opt->dir = args_text(ar, "--store");
	if (co != NULL) {
		opt->instance = co->v[CONFIG_INSTANCE].text;
		opt->cache_bytes = co->v[CONFIG_CACHE].number;
		opt->max_future = (int64_t)co->v[CONFIG_MAX_FUTURE].number / 1000;
		opt->partitions = (unsigned)co->v[CONFIG_PARTITIONS].number;
	}
	opt->cache_bytes = args_number(ar, "--cache", opt->cache_bytes);
	opt->partitions = (unsigned)args_number(ar, "--partitions", opt->partitions);
	opt->batch_events = args_number(ar, "--batch-events", 0);
	opt->checkpoint_events = args_number(ar, "--checkpoint-events", 0);
	if (args_text(ar, "--max-future") != NULL && parse_duration(args_text(ar, "--max-future"), &ms) == 0)
		opt->max_future = ms / 1000;
}

static int
finish(struct session *se, const struct args *ar, double started, struct summary *su, struct err *err)
{
	struct instant now;

	if (node_commit(se->no, err) != 0)
		return -1;
	if (args_time(ar, "--now", &now) && node_tick(se->no, now, err) != 0)
		return -1;
	return summary_take(su, se->no, seconds_now() - started, se->opt.dir, err);
}

static int
drive(const struct args *ar, const char *const *files, size_t n_files, const char *const *sets, size_t n_sets, const struct config *co)
{
	struct session se = {.alerts = args_text(ar, "--alerts")};
	struct session_rules sr = {args_text(ar, "--rules"), sets, n_sets};
	struct summary su = {0};
	struct err err = {0}, read_err = {0};
	double started = seconds_now();
	FILE *out = se.alerts != NULL && strcmp(se.alerts, "-") == 0 ? stderr : stdout;
	int status = 0;

	if (co != NULL && sr.dir == NULL && co->v[CONFIG_RULES].text[0] != 0)
		sr.dir = co->v[CONFIG_RULES].text;
	fill_options(&se.opt, ar, co);
	if (args_flag(ar, "--stages"))
		stages_start();
	session_catch_signals();
	if (session_open(&se, &sr, &err) != 0)
		return cli_fail(&err);
	/* A file that breaks off ends the run with an error, but what came before it is kept and told. */
	if (read_all(&se, files, n_files, co, &read_err) != 0 && read_err.code != ERR_IO && read_err.code != ERR_USAGE) {
		session_abandon(&se);
		return cli_fail(&read_err);
	}
	if (finish(&se, ar, started, &su, &err) != 0) {
		session_abandon(&se);
		return cli_fail(read_err.code != ERR_NONE ? &read_err : &err);
	}
	if (session_close(&se, &err) != 0) {
		summary_free(&su);
		return cli_fail(&err);
	}
	su.seconds = seconds_now() - started;
	su.stages = args_flag(ar, "--stages");
	if (args_flag(ar, "--json"))
		summary_json(out, &su);
	else
		summary_print(out, &su);
	if (summary_check(&su, &err) != 0 || (out == stdout && cli_flush(&err) != 0))
		status = cli_fail(&err);
	else if (read_err.code != ERR_NONE)
		status = cli_fail(&read_err);
	else if (args_flag(ar, "--strict") && su.st.quarantined > 0)
		status = err_exit_status(ERR_INPUT);
	summary_free(&su);
	return status;
}

static int
cmd_run(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct config co = {0};
	const char **files = NULL, **sets = NULL;
	size_t n_files, n_sets;
	int status;

	if (args_parse(&ar, &command_run, argc, argv, &err) != 0)
		return cli_fail(&err);
	n_files = args_values(&ar, "--events", &files);
	n_sets = args_values(&ar, "--set", &sets);
	if (check_numbers(&ar, &err) != 0 || check_files(files, n_files, &err) != 0 ||
	    (args_text(&ar, "--config") != NULL && config_load(&co, args_text(&ar, "--config"), &err) != 0))
		status = cli_fail(&err);
	else
		status = drive(&ar, files, n_files, sets, n_sets, co.file == NULL ? NULL : &co);
	config_free(&co);
	free(files);
	free(sets);
	args_free(&ar);
	session_end_by_signal();
	return status;
}
