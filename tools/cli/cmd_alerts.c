/* dideban alerts: what stands. */
#include "tools/cli/cli.h"
#include "tools/cli/session.h"

#include <inttypes.h>
#include <jansson.h>

static int cmd_alerts(int argc, char **argv);

static const struct arg alerts_args[] = {
    {"--store", ARG_TEXT, "DIR", "the store (default: that of ./dideban.yaml, else ./dideban-store)"},
    {"--rule", ARG_TEXT, "RULE", "of this rule only"},
    {"--subject", ARG_TEXT, "KIND/KEY", "about this subject only"},
    {"--all", ARG_FLAG, NULL, "the withdrawn and ended ones too"},
    {"--json", ARG_FLAG, NULL, "one alert a line: the data object of its message, and its state"},
    {0},
};

const struct command command_alerts = {
    .name = "alerts",
    .operands = "",
    .summary = "list the standing alerts of a store",
    .details = "In order of rule, subject and time of opening. Works beside a running process.",
    .example = "  dideban alerts --store ./province\n  dideban alerts --store ./province --all --json",
    .args = alerts_args,
    .run = cmd_alerts,
};

struct listing {
	bool json;
	const char *store; /* as it was given, or NULL: the line below each alert is to work as it stands */
	uint64_t n;
};

/* A misspelt rule or subject has no alerts either: that is not to pass for good news. */
static int
check_subject(const char *subject, struct err *err)
{
	const char *slash = subject == NULL ? NULL : strchr(subject, '/');

	if (subject != NULL && (slash == NULL || slash == subject || slash[1] == 0))
		return err_set(err, ERR_USAGE, "alerts: --subject takes KIND/KEY, such as person/nid:0084575948, not \"%s\"", subject);
	return 0;
}

static void
note_rule(const struct node *no, const char *rule)
{
	const struct ruleset *rs = node_ruleset(no);
	const char *names[LIMIT_RULES], *near;
	size_t n = 0;

	for (size_t i = 0; rs != NULL && i < rs->n_rules && n < LIMIT_RULES; i++) {
		if (strcmp(rs->rules[i]->id, rule) == 0)
			return;
		names[n++] = rs->rules[i]->id;
	}
	near = suggest(slice_str(rule), names, n);
	cli_note(
	    "no rule %s is live in this store%s%s%s", rule, near == NULL ? "" : "; did you mean ", near == NULL ? "" : near, near == NULL ? "" : "?");
}

/* What tells cards of one rule and subject apart. */
static void
print_episode(struct slice json)
{
	json_t *root = json_loadb(json.p, json.n, 0, NULL);
	const char *episode = json_string_value(json_object_get(root, "episode"));

	if (episode != NULL && episode[0] != '\0')
		printf("  %s", shown(slice_str(episode)));
	json_decref(root);
}

static int
print_one(void *ctx, const struct alert_view *av, struct err *err)
{
	static const char *const states[] = {[ALERT_STANDING] = "", [ALERT_WITHDRAWN] = "withdrawn, ", [ALERT_ENDED] = "ended, "};
	struct listing *li = ctx;

	li->n++;
	if (li->json) {
		fwrite(av->json.p, 1, av->json.n, stdout);
		fputc('\n', stdout);
	} else {
		printf("%s%s%s%s %s%s%s  %s", tint(stdout, av->state == ALERT_STANDING ? level_tint(av->level) : TINT_DIM), states[av->state],
		    alert_level_name(av->level), tint(stdout, TINT_OFF), tint(stdout, TINT_BOLD),
		    av->rule == NULL ? "(rule no longer live)" : av->rule->id, tint(stdout, TINT_OFF), shown(av->subject));
		print_episode(av->json);
		printf("  ");
		print_time(stdout, av->opened_at);
		printf("\n  %.*s\n  %.*s\n  %sdideban explain %.*s%s%s%s\n", SLICE_ARG(av->text_en), SLICE_ARG(av->text_fa), tint(stdout, TINT_DIM),
		    SLICE_ARG(av->alert_id), li->store == NULL ? "" : " --store ", li->store == NULL ? "" : li->store, tint(stdout, TINT_OFF));
	}
	return session_stopped() != 0 ? err_set(err, ERR_IO, "stopped") : cli_written(err);
}

static int
cmd_alerts(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct node *no = NULL;
	struct listing li;
	int status = 0;

	if (args_parse(&ar, &command_alerts, argc, argv, &err) != 0)
		return cli_fail(&err);
	li = (struct listing){.json = args_flag(&ar, "--json"), .store = args_text(&ar, "--store")};
	if (check_subject(args_text(&ar, "--subject"), &err) != 0 || store_look(args_text(&ar, "--store"), &no, &err) != 0) {
		args_free(&ar);
		return cli_fail(&err);
	}
	session_catch_signals(); /* what is sorted on the disk is tidied up then, too */
	if (node_alerts(no, args_text(&ar, "--rule"), args_text(&ar, "--subject"), NULL, args_flag(&ar, "--all"), print_one, &li, &err) != 0)
		status = cli_fail(&err);
	if (status == 0 && li.n == 0 && args_text(&ar, "--rule") != NULL)
		note_rule(no, args_text(&ar, "--rule"));
	if (status == 0 && li.n == 0 && args_text(&ar, "--subject") != NULL)
		note_kind(no, args_text(&ar, "--subject"));
	if (status == 0 && !li.json)
		printf("%s%" PRIu64 " alert%s%s\n", li.n == 0 ? "" : "\n", li.n, li.n == 1 ? "" : "s", args_flag(&ar, "--all") ? "" : " standing");
	node_abandon(no);
	if (cli_flush(&err) != 0 && status == 0)
		status = cli_fail(&err);
	args_free(&ar);
	session_end_by_signal();
	return status;
}
