/* dideban demo: the whole product on a synthetic province, alert by alert. */
#include "tools/cli/demo_kafka.h"
#include "tools/cli/session.h"
#include "tools/cli/summary.h"
#include "tools/world/world.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define DEMO_EVENTS 20000
#define DEMO_SEED 1403
#define DEMO_SHOWN 2     /* cards of one rule and subject that are shown in full */
#define DEMO_PLANTS 4096 /* more are not compared */

static int cmd_demo(int argc, char **argv);

static const struct arg demo_args[] = {
    {"--events", ARG_NUMBER, "N", "size of the province (default 20000)"},
    {"--seed", ARG_NUMBER, "N", "another province (default 1403)"},
    {"--rules", ARG_TEXT, "DIR", "with rules of your own"},
    {"--kafka", ARG_FLAG, NULL, "through a Kafka broker of its own: events by a topic, alerts as read back from theirs"},
    {"--fast", ARG_FLAG, NULL, "do not pause between alerts on a terminal"},
    {0},
};

const struct command command_demo = {
    .name = "demo",
    .operands = "",
    .summary = "the whole product on a synthetic province: watch alerts come",
    .details = "Generates events, judges them in a temporary store, shows each alert in English and Persian with its reason, and compares the end "
	       "with what was planted. With --kafka it starts a broker (tools/kafka installs what is missing), streams the events through a topic\n"
	       "into `dideban serve`, and shows the alerts as an independent client reads them back.",
    .example = "  dideban demo\n  dideban demo --seed 7 --fast",
    .args = demo_args,
    .run = cmd_demo,
};

struct plant {
	char *rule, *subject, *expect;
	bool raised, standing;
};
struct shown {
	char key[200];
	uint64_t n;
};
struct demo {
	struct session se;
	struct plant *plants;
	size_t n_plants;
	struct shown shown[512];
	size_t n_shown;
	struct demo_kafka *kafka;
	uint64_t messages, folded, number, unplanned;
	bool unordered; /* events went through partitions */
	bool slow;
};

static int
on_plant(void *ctx, const struct world_plant *wp, struct err *err)
{
	struct demo *de = ctx;
	struct plant *pl = &de->plants[de->n_plants];

	if (de->n_plants == DEMO_PLANTS)
		return 0;
	*pl = (struct plant){strdup(wp->rule), strdup(wp->subject), strdup(wp->expect), false, false};
	de->n_plants++;
	return pl->rule == NULL || pl->subject == NULL || pl->expect == NULL ? err_nomem(err) : 0;
}

static int
on_line(void *ctx, struct slice line, struct err *err)
{
	struct demo *de = ctx;
	struct position pos = {slice_str("synthetic"), ++de->number};

	if (session_stopped())
		return err_set(err, ERR_NONE, "stopped");
	return node_add(de->se.no, line, &pos, NULL, err);
}

/* One message as it is shown, whether it comes from the node or from a topic. */
struct card {
	enum message_type type;
	enum alert_level level;
	const char *rule, *text_fa, *text_en;
	struct slice subject;
	json_t *root; /* the CloudEvent */
};

/* How often this rule has spoken about this subject. */
static uint64_t
times_shown(struct demo *de, const struct card *ca)
{
	char key[sizeof de->shown[0].key];

	(void)snprintf(key, sizeof key, "%s %.*s", ca->rule, SLICE_ARG(ca->subject));
	for (size_t i = 0; i < de->n_shown; i++)
		if (strcmp(de->shown[i].key, key) == 0)
			return ++de->shown[i].n;
	if (de->n_shown == sizeof de->shown / sizeof de->shown[0])
		return 1;
	memcpy(de->shown[de->n_shown].key, key, sizeof key);
	de->shown[de->n_shown++].n = 1;
	return 1;
}

/* values {"n":4} as "n = 4". */
static void
print_values(json_t *values)
{
	const char *comma = "";

	for (void *it = json_object_iter(values); it != NULL; it = json_object_iter_next(values, it)) {
		const json_t *v = json_object_iter_value(it);
		char *text = json_is_string(v) ? strdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));

		printf("%s%s = %s", comma, json_object_iter_key(it), text == NULL ? "?" : text);
		comma = ", ";
		free(text);
	}
}

static void
print_reason(const struct card *ca)
{
	json_t *data = json_object_get(ca->root, "data"), *evidence = json_object_get(data, "evidence");

	if (ca->type == MESSAGE_WITHDRAWN) {
		printf("  %swhy: what it rested on was corrected by a later event%s\n", tint(stdout, TINT_DIM), tint(stdout, TINT_OFF));
		return;
	}
	printf("  %swhy: ", tint(stdout, TINT_DIM));
	print_values(json_object_get(data, "values"));
	printf("; evidence: %" JSON_INTEGER_FORMAT " event%s", json_integer_value(json_object_get(data, "evidence_total")),
	    json_integer_value(json_object_get(data, "evidence_total")) == 1 ? "" : "s");
	for (size_t i = 0; i < json_array_size(evidence) && i < 3; i++)
		printf("%s%s %s", i == 0 ? ": " : ", ", json_string_value(json_object_get(json_array_get(evidence, i), "type")),
		    json_string_value(json_object_get(json_array_get(evidence, i), "id")));
	printf("%s%s\n", json_array_size(evidence) > 3 ? ", ..." : "", tint(stdout, TINT_OFF));
}

static void
pause_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	(void)nanosleep(&ts, NULL);
}

static int
show_card(struct demo *de, const struct card *ca, struct err *err)
{
	static const char *const what[] = {[MESSAGE_RAISED] = "", [MESSAGE_UPDATED] = "update: ", [MESSAGE_WITHDRAWN] = "withdrawn: "};
	enum tint colour = ca->type == MESSAGE_WITHDRAWN ? TINT_GREEN : level_tint(ca->level);

	de->messages++;
	if (times_shown(de, ca) > DEMO_SHOWN && ca->type != MESSAGE_WITHDRAWN) {
		de->folded++;
		return 0;
	}
	printf("\n%s%s%s%s%s %s%s%s  %s\n", tint(stdout, colour), ca->type == MESSAGE_WITHDRAWN ? "○ " : "● ", what[ca->type],
	    alert_level_name(ca->level), tint(stdout, TINT_OFF), tint(stdout, TINT_BOLD), ca->rule, tint(stdout, TINT_OFF), shown(ca->subject));
	printf("  %s\n  %s\n", ca->text_en, ca->text_fa);
	print_reason(ca);
	if (cli_flush(err) != 0)
		return -1;
	if (de->slow)
		pause_ms(150);
	return 0;
}

/* The CloudEvent of a message, from the node's sink or a topic. */
static int
on_json(void *ctx, struct slice json, struct err *err)
{
	static const char *const types[] = {
	    [MESSAGE_RAISED] = "alert.raised", [MESSAGE_UPDATED] = "alert.updated", [MESSAGE_WITHDRAWN] = "alert.withdrawn"};
	struct card ca = {.type = MESSAGE_RAISED, .root = json_loadb(json.p, json.n, 0, NULL)};
	const json_t *data = json_object_get(ca.root, "data"), *text = json_object_get(data, "text");
	const char *type = json_string_value(json_object_get(ca.root, "type")), *level = json_string_value(json_object_get(data, "level"));
	const char *subject = json_string_value(json_object_get(data, "subject"));
	int rc;

	ca.rule = json_string_value(json_object_get(data, "rule"));
	ca.text_fa = json_string_value(json_object_get(text, "fa"));
	ca.text_en = json_string_value(json_object_get(text, "en"));
	if (type == NULL || level == NULL || subject == NULL || ca.rule == NULL || ca.text_fa == NULL || ca.text_en == NULL) {
		json_decref(ca.root);
		return err_set(err, ERR_IO, "an alert came that cannot be read: %.*s", json.n > 200 ? 200 : (int)json.n, json.p);
	}
	ca.subject = slice_str(subject);
	while (ca.type < MESSAGE_WITHDRAWN && strcmp(types[ca.type], type) != 0)
		ca.type++;
	while (ca.level < LEVEL_CRITICAL && strcmp(alert_level_name(ca.level), level) != 0)
		ca.level++;
	rc = show_card(ctx, &ca, err);
	json_decref(ca.root);
	return rc;
}

static int
on_message(void *ctx, const struct message *me, struct err *err)
{
	return on_json(ctx, me->json, err);
}

static int
compare(void *ctx, const struct alert_view *av, struct err *err)
{
	struct demo *de = ctx;
	/* Of a topic's partitions each has its order: what stood for a moment, until the rest came, is no mistake. */
	bool planned = false, passing = de->unordered && av->state == ALERT_WITHDRAWN;

	(void)err;
	for (size_t i = 0; i < de->n_plants && av->rule != NULL; i++) {
		struct plant *pl = &de->plants[i];

		if (strcmp(pl->rule, av->rule->id) != 0 || !slice_eq_str(av->subject, pl->subject))
			continue;
		pl->raised |= !passing || strcmp(pl->expect, "withdrawn") == 0;
		pl->standing |= av->state == ALERT_STANDING;
		planned |= strcmp(pl->expect, "none") != 0;
	}
	de->unplanned += !planned && !passing;
	return 0;
}

static void
print_planted(const struct demo *de)
{
	uint64_t n[3] = {0}, right[3] = {0};

	for (size_t i = 0; i < de->n_plants; i++) {
		const struct plant *pl = &de->plants[i];
		int kind = strcmp(pl->expect, "standing") == 0 ? 0 : strcmp(pl->expect, "withdrawn") == 0 ? 1 : 2;

		n[kind]++;
		right[kind] += kind == 0 ? pl->standing : kind == 1 ? pl->raised && !pl->standing : !pl->raised;
	}
	printf("%sPlanted and found%s\n", tint(stdout, TINT_BOLD), tint(stdout, TINT_OFF));
	printf("  %" PRIu64 " of %" PRIu64 " planted subjects have a standing alert\n", right[0], n[0]);
	printf("  %" PRIu64 " of %" PRIu64 " whose evidence was corrected were alerted, then the alert was withdrawn\n", right[1], n[1]);
	printf("  %" PRIu64 " of %" PRIu64 " who only look like it were left alone\n", right[2], n[2]);
	printf("  %" PRIu64 " alerts on anybody else\n", de->unplanned);
}

static void
print_next(uint64_t seed)
{
	printf("\n%sTry next%s\n", tint(stdout, TINT_BOLD), tint(stdout, TINT_OFF));
	printf("  dideban generate world --seed %" PRIu64 " --events 20000 --malformed > events.ndjson\n"
	       "  dideban run --events events.ndjson --store ./province --alerts alerts.ndjson\n"
	       "  dideban alerts --store ./province\n"
	       "  dideban quarantine list --store ./province\n"
	       "  dideban check && dideban test\n"
	       "  dideban help\n",
	    seed);
	printf("%s(if your shell does not find dideban: it is build/dideban)%s\n", tint(stdout, TINT_DIM), tint(stdout, TINT_OFF));
}

static struct world_options
world_of(struct demo *de, const struct args *ar)
{
	return (struct world_options){.kind = world_kinds,
	    .malformed = true,
	    .seed = args_number(ar, "--seed", DEMO_SEED),
	    .events = args_number(ar, "--events", DEMO_EVENTS),
	    .on_line = on_line,
	    .on_plant = on_plant,
	    .ctx = de};
}

static void
greet(uint64_t events)
{
	printf("%sDideban · دیدبان%s: a synthetic province, two years of its courts and gates, %s events.\n", tint(stdout, TINT_BOLD),
	    tint(stdout, TINT_OFF), grouped(events));
	printf("An alert is a lead with its evidence, for a person to check. Everybody here is made up.\n");
}

static void
print_folded(const struct demo *de)
{
	printf("\n");
	if (de->folded > 0)
		printf("%sand %" PRIu64 " further cards about the same subjects (each case has its own reader)%s\n\n", tint(stdout, TINT_DIM),
		    de->folded, tint(stdout, TINT_OFF));
}

static int
play(struct demo *de, const struct args *ar, struct summary *su, struct err *err)
{
	struct world_options wo = world_of(de, ar);
	struct world_counts wc;
	double started = seconds_now();

	greet(wo.events);
	if (world_generate(&wo, &wc, err) != 0 || node_commit(de->se.no, err) != 0)
		return -1;
	if (summary_take(su, de->se.no, seconds_now() - started, NULL, err) != 0 || summary_check(su, err) != 0)
		return -1;
	if (node_alerts(de->se.no, NULL, NULL, NULL, true, compare, de, err) != 0)
		return -1;
	print_folded(de);
	printf("%sSummary%s\n", tint(stdout, TINT_BOLD), tint(stdout, TINT_OFF));
	summary_print(stdout, su);
	printf("\n");
	print_planted(de);
	print_next(wo.seed);
	return 0;
}

static int
on_line_kafka(void *ctx, struct slice line, struct err *err)
{
	struct demo *de = ctx;

	if (session_stopped())
		return err_set(err, ERR_NONE, "stopped");
	if (demo_kafka_send(de->kafka, line, err) != 0)
		return -1;
	return ++de->number % 100 == 0 ? demo_kafka_read(de->kafka, false, on_json, de, err) : 0;
}

static int
play_kafka(struct demo *de, const struct args *ar, struct err *err)
{
	struct world_options wo = world_of(de, ar);
	struct world_counts wc;
	uint64_t messages, twice;
	struct node *no = NULL;
	const char *store;
	int rc;

	greet(wo.events);
	if (cli_flush(err) != 0 || demo_kafka_start(&de->kafka, args_text(ar, "--rules"), err) != 0)
		return -1;
	wo.on_line = on_line_kafka;
	if (world_generate(&wo, &wc, err) != 0 || demo_kafka_read(de->kafka, true, on_json, de, err) != 0 || session_stopped() ||
	    demo_kafka_stop(de->kafka, &store, err) != 0 || store_look(store, &no, err) != 0)
		return -1;
	de->unordered = true;
	rc = node_alerts(no, NULL, NULL, NULL, true, compare, de, err);
	if (node_close(no, rc == 0 ? err : &(struct err){0}) != 0 || rc != 0)
		return -1;
	demo_kafka_counts(de->kafka, &messages, &twice);
	print_folded(de);
	printf("%sThrough Kafka%s\n  %s events by one topic, %" PRIu64 " messages read back from the alert topics, %" PRIu64 " of them twice\n\n",
	    tint(stdout, TINT_BOLD), tint(stdout, TINT_OFF), grouped(de->number), messages, twice);
	print_planted(de);
	printf("\n%sTry next%s\n  docs/operate-kafka.md: topics, settings, what happens when a broker is away\n", tint(stdout, TINT_BOLD),
	    tint(stdout, TINT_OFF));
	return twice == 0 ? 0 : err_set(err, ERR_LIMIT, "a message was published twice: that must not be");
}

/* Ends with everything closed. */
static int
run_demo(struct demo *de, const struct args *ar, struct err *err)
{
	struct session_rules sr = {.dir = args_text(ar, "--rules")};
	struct summary su = {0};
	int rc;

	if (args_flag(ar, "--kafka")) {
		rc = play_kafka(de, ar, err);
		demo_kafka_end(de->kafka);
		return rc == 0 ? cli_flush(err) : rc;
	}
	de->se.on_message = on_message;
	de->se.ctx = de;
	de->se.opt.batch_events = 64; /* alerts are to come one by one, not by the thousand */
	if (session_open(&de->se, &sr, err) != 0)
		return -1;
	rc = play(de, ar, &su, err);
	if (rc != 0)
		session_abandon(&de->se);
	else if (session_close(&de->se, err) != 0 || cli_flush(err) != 0)
		rc = -1;
	summary_free(&su);
	return rc;
}

static int
cmd_demo(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct demo *de = calloc(1, sizeof *de);
	int status = 0;

	if (de == NULL || (de->plants = calloc(DEMO_PLANTS + 1, sizeof *de->plants)) == NULL) {
		(void)err_nomem(&err);
		free(de);
		return cli_fail(&err);
	}
	if (args_parse(&ar, &command_demo, argc, argv, &err) != 0) {
		free(de->plants);
		free(de);
		return cli_fail(&err);
	}
	de->slow = isatty(STDOUT_FILENO) && !args_flag(&ar, "--fast");
	session_catch_signals();
	if (run_demo(de, &ar, &err) != 0 && !session_stopped())
		status = cli_fail(&err);
	for (size_t i = 0; i < de->n_plants; i++) {
		free(de->plants[i].rule);
		free(de->plants[i].subject);
		free(de->plants[i].expect);
	}
	free(de->plants);
	free(de);
	args_free(&ar);
	session_end_by_signal();
	return status;
}
