/* dideban serve: follows inboxes and topics until told to stop. */
#include "connectors/file/follow.h"
#include "tools/cli/kafka.h"
#include "tools/cli/session.h"
#include "tools/cli/status.h"
#include "tools/cli/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int cmd_serve(int argc, char **argv);

static const struct arg serve_args[] = {
    {"--config", ARG_TEXT, "FILE", "the configuration (default: ./dideban.yaml if there is one; every key has a default)"},
    {"--republish", ARG_FLAG, NULL,
	"publish though Kafka's mark is of another store, or newer than this one: alerts may come twice under one number"},
    {"--json", ARG_FLAG, NULL, "the closing summary as one JSON object"},
    {0},
};

const struct command command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "follow folders of event files and Kafka topics until told to stop",
    .details =
	"Files that appear in an inbox are taken up in order of their names and read on while they grow; alerts are appended to the alerts "
	"file. Without a\n"
	"configuration: inbox ./inbox, store ./dideban-store, alerts ./alerts.ndjson. With a section kafka in the configuration it reads topics and "
	"publishes alerts, each once (docs/operate-kafka.md). Stop it with Ctrl-C or SIGTERM; a restart goes on where "
	"it was, also after kill -9.",
    .example = "  dideban serve --config dideban.yaml",
    .args = serve_args,
    .run = cmd_serve,
};

struct serve {
	struct session se;
	struct config co;
	struct kafka_config kc;
	struct follow *fo;       /* NULL: no inboxes */
	struct kafka_source *ks; /* NULL: no topics */
	bool kafka_last;         /* the last item came from there: the inboxes are asked first now */
	uint64_t pending;        /* events since the last commit */
	int64_t first_ms;        /* when the first of them came */
	int64_t ticked_ms, looked_ms;
	bool paused;               /* the disk has little room */
	bool failing[LIMIT_RULES]; /* rules whose first failure was told */
	struct status status;
};

#define LOOK_MS 1000 /* how often the disk's room is looked at and the status is written */

static int64_t
now_ms(void)
{
	return (int64_t)(seconds_now() * 1000);
}

static int
commit(struct serve *sv, struct err *err)
{
	if (sv->se.kafka != NULL && kafka_sink_check(sv->se.kafka, err) != 0)
		return -1;
	if (sv->pending == 0)
		return 0;
	sv->pending = 0;
	return node_commit(sv->se.no, err);
}

static int
position(void *ctx, struct slice stream, uint64_t *ret, struct err *err)
{
	struct serve *sv = ctx;

	return node_position(sv->se.no, stream, ret, err);
}

static int
knows(void *ctx, struct slice raw, struct err *err)
{
	struct serve *sv = ctx;

	return commit(sv, err) != 0 ? -1 : node_knows(sv->se.no, raw, err);
}

static bool
stopping(void *ctx)
{
	(void)ctx;
	return session_stopped() != 0;
}

static void
note(void *ctx, const char *text)
{
	(void)ctx;
	cli_note("%s", text);
}

static int
tick(struct serve *sv, struct err *err)
{
	int64_t every = (int64_t)sv->co.v[CONFIG_TICK].number;
	struct timespec ts;

	if (every == 0 || now_ms() - sv->ticked_ms < every)
		return 0;
	sv->ticked_ms = now_ms();
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return node_tick(sv->se.no, (struct instant){ts.tv_sec, (uint32_t)ts.tv_nsec}, err);
}

/* A rule that fails neither alerts nor clears: said once, not at every event. */
static void
tell_failing(struct serve *sv)
{
	const struct ruleset *rs = node_ruleset(sv->se.no);
	struct rule_stats st;

	for (size_t i = 0; i < rs->n_rules && i < LIMIT_RULES; i++) {
		if (sv->failing[i])
			continue;
		node_rule_stats(sv->se.no, i, &st);
		sv->failing[i] = st.error != 0;
		if (st.error != 0)
			cli_note("rule %s fails and does not alert there: %s; dideban_rule_errors_total counts (dideban status)", rs->rules[i]->id,
			    st.last_error);
	}
}

/* Now and then: is there room on the disk, does a rule fail? Writes the status. */
static void
look(struct serve *sv)
{
	bool room;

	if (now_ms() - sv->looked_ms < LOOK_MS)
		return;
	sv->looked_ms = now_ms();
	room = node_has_room(sv->se.no);
	if (!room && !sv->paused)
		cli_note("%s: the disk is nearly full: nothing more is read until some space is freed", sv->se.opt.dir);
	if (room && sv->paused)
		cli_note("%s: there is room again: reading goes on", sv->se.opt.dir);
	sv->paused = !room;
	tell_failing(sv);
	if (sv->ks != NULL)
		kafka_source_committed(sv->ks);
	status_fill(&sv->status, sv->se.no, sv->ks, sv->se.kafka, sv->paused);
	status_write(&sv->status, sv->se.opt.dir);
}

static int
next_from_topics(struct serve *sv, struct source_item *ret, const struct grant **ret_grant, struct err *err)
{
	size_t at;
	int r = sv->ks == NULL ? 0 : kafka_source_next(sv->ks, now_ms(), ret, &at, err);

	if (r == 1)
		*ret_grant = &sv->co.kafka.topics[at].grant;
	return r;
}

static int
next_from_inboxes(struct serve *sv, struct source_item *ret, const struct grant **ret_grant, struct err *err)
{
	size_t at;
	int r = sv->fo == NULL ? 0 : follow_next(sv->fo, now_ms(), ret, &at, err);

	if (r == 1)
		*ret_grant = sv->co.grants ? &sv->co.inboxes[at].grant : NULL;
	return r;
}

/* Topics and folders in turn, so that neither waits for the other to run dry. */
static int
next_item(struct serve *sv, struct source_item *ret, const struct grant **ret_grant, struct err *err)
{
	int r;

	if (sv->paused)
		return 0;
	sv->kafka_last = !sv->kafka_last;
	r = (sv->kafka_last ? next_from_topics : next_from_inboxes)(sv, ret, ret_grant, err);
	return r != 0 ? r : (sv->kafka_last ? next_from_inboxes : next_from_topics)(sv, ret, ret_grant, err);
}

static void
wait_for_more(struct serve *sv)
{
	int64_t every = (int64_t)sv->co.v[CONFIG_TICK].number, left = every == 0 ? LOOK_MS : sv->ticked_ms + every - now_ms();
	struct pollfd pfd = {.fd = sv->ks == NULL ? -1 : kafka_source_fd(sv->ks), .events = POLLIN};
	uint64_t count;

	if (left > LOOK_MS)
		left = LOOK_MS;
	if (left <= 0)
		return;
	if (sv->paused)
		(void)poll(NULL, 0, (int)left);
	else if (sv->fo != NULL)
		follow_wait(sv->fo, pfd.fd, left);
	else
		(void)poll(&pfd, 1, (int)left);
	while (pfd.fd >= 0 && read(pfd.fd, &count, sizeof count) == sizeof count)
		;
}

static int
serve_until_stopped(struct serve *sv, struct err *err)
{
	int64_t delay = (int64_t)sv->co.v[CONFIG_BATCH_DELAY].number;
	const struct grant *grant;
	struct source_item item;
	int r;

	while (!session_stopped()) {
		r = next_item(sv, &item, &grant, err);
		if (r < 0)
			return -1;
		if (r == 1) {
			if (sv->pending++ == 0)
				sv->first_ms = now_ms();
			if (session_add(&sv->se, &item, grant, err) != 0)
				return -1;
			if ((sv->pending & 63) != 0 || now_ms() - sv->first_ms < delay)
				continue;
		}
		/* Nothing more for now: waiting would only make alerts later. While one batch is synced the next one gathers. */
		if (commit(sv, err) != 0)
			return -1;
		look(sv);
		if (!sv->paused && tick(sv, err) != 0)
			return -1;
		if (r == 0)
			wait_for_more(sv);
	}
	if (commit(sv, err) != 0)
		return -1;
	if (sv->ks != NULL)
		kafka_source_committed(sv->ks);
	return 0;
}

static int
open_inboxes(struct serve *sv, struct err *err)
{
	const struct config_value *v = sv->co.v;
	struct follow_options fo = {(int64_t)v[CONFIG_POLL].number, (int64_t)v[CONFIG_SETTLE].number, position, note, sv};

	if (sv->co.n_inboxes == 0)
		return 0;
	if (!sv->co.grants && mkdir(sv->co.inboxes[0].dir, 0750) != 0 && errno != EEXIST)
		return err_set(err, ERR_IO, "%s: the inbox cannot be made: %s", sv->co.inboxes[0].dir, strerror(errno));
	if (follow_open(&sv->fo, &fo, err) != 0)
		return -1;
	for (size_t i = 0; i < sv->co.n_inboxes; i++)
		if (follow_add(sv->fo, sv->co.inboxes[i].dir, err) != 0)
			return -1;
	return 0;
}

static int
open_kafka(struct serve *sv, bool republish, struct err *err)
{
	struct kafka_config *kc = &sv->kc;

	if (sv->co.kafka.brokers.text == NULL)
		return 0;
	if (kafka_config_of(&sv->co, kc, err) != 0)
		return -1;
	kc->source.position = position;
	kc->source.knows = knows;
	kc->source.ctx = sv;
	kc->sink.stopping = stopping;
	kc->sink.republish = republish;
	if (sv->co.kafka.publish)
		sv->se.kafka_opt = &kc->sink;
	return kc->source.n_topics == 0 ? 0 : kafka_source_open(&sv->ks, &kc->source, err);
}

static void
greet(const struct serve *sv)
{
	const struct config_value *v = sv->co.v;

	fprintf(stderr, "dideban %s serves: store %s, %zu rules", DIDEBAN_VERSION, v[CONFIG_STORE].text, node_ruleset(sv->se.no)->n_rules);
	if (sv->se.alerts != NULL)
		fprintf(stderr, ", alerts %s", sv->se.alerts);
	if (sv->se.kafka != NULL)
		fprintf(stderr, ", alerts to Kafka at %s as %s", sv->kc.client.brokers, sv->kc.sink.transactional_id);
	for (size_t i = 0; i < sv->co.n_inboxes; i++)
		fprintf(stderr, "%s %s", i == 0 ? ", inbox" : ",", sv->co.inboxes[i].dir);
	for (size_t i = 0; i < sv->kc.source.n_topics; i++)
		fprintf(stderr, "%s %s", i == 0 ? ", topic" : ",", sv->kc.source.topics[i].name);
	fprintf(stderr, "\n");
	if (!sv->co.grants)
		cli_note("without inboxes in a configuration every source and type is granted");
}

static int
open_all(struct serve *sv, bool republish, struct err *err)
{
	const struct config_value *v = sv->co.v;
	struct session_rules sr = {.dir = v[CONFIG_RULES].text[0] == 0 ? NULL : v[CONFIG_RULES].text};

	sv->se.alerts = v[CONFIG_ALERTS].text[0] == 0 ? NULL : v[CONFIG_ALERTS].text;
	sv->se.opt = (struct node_options){
	    .dir = v[CONFIG_STORE].text,
	    .partitions = (unsigned)v[CONFIG_PARTITIONS].number,
	    .cache_bytes = v[CONFIG_CACHE].number,
	    .checkpoint_events = v[CONFIG_CHECKPOINT_EVENTS].number,
	    .batch_events = v[CONFIG_BATCH_EVENTS].number,
	    .ticks = v[CONFIG_TICK].number != 0,
	    .max_future = (int64_t)v[CONFIG_MAX_FUTURE].number / 1000,
	    .instance = v[CONFIG_INSTANCE].text,
	};
	if (open_inboxes(sv, err) != 0 || open_kafka(sv, republish, err) != 0 || session_open(&sv->se, &sr, err) != 0)
		return -1;
	greet(sv);
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
	} else if (open_all(&sv, args_flag(&ar, "--republish"), &err) != 0 || serve_until_stopped(&sv, &err) != 0 ||
		   summary_take(&su, sv.se.no, seconds_now() - started, sv.se.opt.dir, &err) != 0) {
		bool gave_up = session_gave_up(&sv.se);

		session_abandon(&sv.se);
		if (gave_up)
			cli_note("%s", err.text);
		else
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
	kafka_source_close(sv.ks);
	status_end(&sv.status, sv.se.opt.dir);
	summary_free(&su);
	config_free(&sv.co);
	args_free(&ar);
	return status; /* being told to stop is how it ends */
}
