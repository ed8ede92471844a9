/* dideban serve: follows the inboxes until told to stop. */
#include "connectors/file/follow.h"
#include "tools/cli/session.h"
#include "tools/cli/summary.h"
#include "tools/config.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

static int cmd_serve(int argc, char **argv);

static const struct arg serve_args[] = {
    {"--config", ARG_TEXT, "FILE", "the configuration (default: ./dideban.yaml if there is one; every key has a default)"},
    {"--json", ARG_FLAG, NULL, "the closing summary as one JSON object"},
    {0},
};

const struct command command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "follow folders of event files until told to stop",
    .details = "Files that appear in an inbox are taken up in order of their names and read on while they grow; alerts are appended to the alerts "
	       "file. Without a\n"
	       "configuration: inbox ./inbox, store ./dideban-store, alerts ./alerts.ndjson. Stop it with Ctrl-C or SIGTERM; a restart goes on where "
	       "it was, also after kill -9.",
    .example = "  dideban serve --config dideban.yaml",
    .args = serve_args,
    .run = cmd_serve,
};

struct serve {
	struct session se;
	struct config co;
	struct follow *fo;
	uint64_t pending; /* events since the last commit */
	int64_t first_ms; /* when the first of them came */
	int64_t ticked_ms;
};

static int64_t
now_ms(void)
{
	return (int64_t)(seconds_now() * 1000);
}

static int
position(void *ctx, struct slice stream, uint64_t *ret, struct err *err)
{
	struct serve *sv = ctx;

	return node_position(sv->se.no, stream, ret, err);
}

static void
note(void *ctx, const char *text)
{
	(void)ctx;
	cli_note("%s", text);
}

static int
commit(struct serve *sv, struct err *err)
{
	if (sv->pending == 0)
		return 0;
	sv->pending = 0;
	return node_commit(sv->se.no, err);
}

static int
tick(struct serve *sv, struct err *err)
{
	struct timespec ts;

	if (now_ms() - sv->ticked_ms < (int64_t)sv->co.v[CONFIG_TICK].number)
		return 0;
	sv->ticked_ms = now_ms();
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return node_tick(sv->se.no, (struct instant){ts.tv_sec, (uint32_t)ts.tv_nsec}, err);
}

static int
follow_until_stopped(struct serve *sv, struct err *err)
{
	int64_t delay = (int64_t)sv->co.v[CONFIG_BATCH_DELAY].number, left;
	struct source_item item;
	size_t dir;
	int r;

	while (!session_stopped()) {
		r = follow_next(sv->fo, now_ms(), &item, &dir, err);
		if (r < 0)
			return -1;
		if (r == 1) {
			if (sv->pending++ == 0)
				sv->first_ms = now_ms();
			if (session_add(&sv->se, &item, sv->co.grants ? &sv->co.inboxes[dir].grant : NULL, err) != 0)
				return -1;
			if ((sv->pending & 63) != 0 || now_ms() - sv->first_ms < delay)
				continue;
		}
		/* Nothing more for now: waiting would only make alerts later. While one batch is synced the next one gathers. */
		if (commit(sv, err) != 0 || tick(sv, err) != 0)
			return -1;
		left = sv->ticked_ms + (int64_t)sv->co.v[CONFIG_TICK].number - now_ms();
		if (r == 0 && left > 0)
			follow_wait(sv->fo, left);
	}
	return commit(sv, err);
}

static int
open_all(struct serve *sv, struct err *err)
{
	const struct config_value *v = sv->co.v;
	struct session_rules sr = {.dir = v[CONFIG_RULES].text[0] == 0 ? NULL : v[CONFIG_RULES].text};
	struct follow_options fo = {(int64_t)v[CONFIG_POLL].number, (int64_t)v[CONFIG_SETTLE].number, position, note, sv};

	sv->se.alerts = v[CONFIG_ALERTS].text;
	sv->se.opt = (struct node_options){
	    .dir = v[CONFIG_STORE].text,
	    .partitions = (unsigned)v[CONFIG_PARTITIONS].number,
	    .cache_bytes = v[CONFIG_CACHE].number,
	    .checkpoint_events = v[CONFIG_CHECKPOINT_EVENTS].number,
	    .batch_events = v[CONFIG_BATCH_EVENTS].number,
	    .ticks = true,
	    .max_future = (int64_t)v[CONFIG_MAX_FUTURE].number / 1000,
	    .instance = v[CONFIG_INSTANCE].text,
	};
	if (!sv->co.grants && mkdir(sv->co.inboxes[0].dir, 0750) != 0 && errno != EEXIST)
		return err_set(err, ERR_IO, "%s: the inbox cannot be made: %s", sv->co.inboxes[0].dir, strerror(errno));
	if (follow_open(&sv->fo, &fo, err) != 0)
		return -1;
	for (size_t i = 0; i < sv->co.n_inboxes; i++)
		if (follow_add(sv->fo, sv->co.inboxes[i].dir, err) != 0)
			return -1;
	if (session_open(&sv->se, &sr, err) != 0)
		return -1;
	fprintf(stderr, "dideban %s serves: store %s, alerts %s, %zu rules", DIDEBAN_VERSION, v[CONFIG_STORE].text, v[CONFIG_ALERTS].text,
	    node_ruleset(sv->se.no)->n_rules);
	for (size_t i = 0; i < sv->co.n_inboxes; i++)
		fprintf(stderr, "%s %s", i == 0 ? ", inbox" : ",", sv->co.inboxes[i].dir);
	fprintf(stderr, "\n");
	if (!sv->co.grants)
		cli_note("without inboxes in a configuration every source and type is granted");
	return 0;
}

static int
cmd_serve(int argc, char **argv)
{
	struct serve sv = {0};
	struct summary su = {0};
	struct args ar;
	struct err err = {0};
	double started = seconds_now();
	int status = 0;

	if (args_parse(&ar, &command_serve, argc, argv, &err) != 0)
		return cli_fail(&err);
	session_catch_signals();
	if (config_load(&sv.co, args_text(&ar, "--config"), &err) != 0) {
		status = cli_fail(&err);
	} else if (open_all(&sv, &err) != 0 || follow_until_stopped(&sv, &err) != 0 ||
		   summary_take(&su, sv.se.no, seconds_now() - started, sv.se.opt.dir, &err) != 0) {
		session_abandon(&sv.se);
		status = cli_fail(&err);
	} else if (session_close(&sv.se, &err) != 0) {
		status = cli_fail(&err);
	} else {
		(args_flag(&ar, "--json") ? summary_json : summary_print)(
		    sv.se.alerts != NULL && strcmp(sv.se.alerts, "-") == 0 ? stderr : stdout, &su);
		if (summary_check(&su, &err) != 0 || cli_flush(&err) != 0)
			status = cli_fail(&err);
	}
	follow_close(sv.fo);
	summary_free(&su);
	config_free(&sv.co);
	args_free(&ar);
	return status; /* being told to stop is how it ends */
}
