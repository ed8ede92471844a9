/* dideban explain: one alert with everything it rests on. */
#include "tools/cli/cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

static int cmd_explain(int argc, char **argv);

static const struct arg explain_args[] = {
    {"--store", ARG_TEXT, "DIR", "the store (default: that of ./dideban.yaml, else ./dideban-store)"},
    {"--json", ARG_FLAG, NULL, "the alert as one JSON object, with \"holds\""},
    {0},
};

const struct command command_explain = {
    .name = "explain",
    .operands = "ALERT-ID",
    .summary = "say why an alert was raised, and recompute whether it still holds",
    .details = "Sentence, values, evidence with positions, window, parameters, hash of the rule, history. The alert is recomputed from the timelines "
	       "just now;\n"
	       "exit 1 if a standing alert is found to differ. The first 8 or more digits of the id will do.",
    .example = "  dideban explain 0123456789abcdef0123456789abcdef --store ./province",
    .args = explain_args,
    .run = cmd_explain,
};

struct explained {
	const char *id;
	const struct ruleset *rs;
	struct buf text; /* as the message has it, number for number */
	json_t *data;
	uint64_t matches;
	bool holds;
	enum alert_state state;
};

static int
match(void *ctx, const struct alert_view *av, struct err *err)
{
	struct explained *ex = ctx;
	size_t n = strlen(ex->id);
	json_error_t je;

	if (av->alert_id.n < n || memcmp(av->alert_id.p, ex->id, n) != 0)
		return 0;
	ex->matches++;
	buf_clear(&ex->text);
	buf_add_slice(&ex->text, av->json);
	json_decref(ex->data);
	ex->data = json_loadb(av->json.p, av->json.n, 0, &je);
	ex->holds = av->holds;
	ex->state = av->state;
	return ex->data == NULL ? err_set(err, ERR_CORRUPT, "alert %s: its record is no JSON: %s", ex->id, je.text) : 0;
}

/* A value as people read it. */
static void
print_value(const json_t *v)
{
	char *text;

	if (json_is_real(v)) {
		struct value number = {.kind = VALUE_NUMBER, .d = json_real_value(v)};
		struct buf b = {0};

		value_json(&b, &number);
		printf("%.*s", SLICE_ARG(buf_slice(&b)));
		buf_free(&b);
		return;
	}
	if (json_is_string(v)) {
		printf("%s", shown(slice_str(json_string_value(v))));
		return;
	}
	text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	printf("%s", text == NULL ? "?" : text);
	free(text);
}

static void
print_object(const char *title, json_t *object)
{
	const char *comma = "";

	if (json_object_size(object) == 0)
		return;
	printf("%-11s", title);
	for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
		printf("%s%s = ", comma, json_object_iter_key(it));
		print_value(json_object_iter_value(it));
		comma = ", ";
	}
	printf("\n");
}

/* The rule as it was when the alert was decided, if it is live; else NULL. */
static const struct rule *
rule_of(const struct ruleset *rs, const json_t *data)
{
	const char *hash = json_string_value(json_object_get(data, "rule_hash"));

	for (size_t i = 0; rs != NULL && hash != NULL && i < rs->n_rules; i++)
		if (strcmp(rs->rules[i]->hash, hash) == 0)
			return rs->rules[i];
	return NULL;
}

static const struct rule_param *
param_of(const struct rule *ru, const char *name)
{
	for (unsigned i = 0; ru != NULL && i < ru->n_params; i++)
		if (strcmp(ru->params[i].name, name) == 0)
			return &ru->params[i];
	return NULL;
}

/* A duration with the unit that its rule gives it. */
static void
print_params(const struct rule *ru, json_t *params)
{
	const char *comma = "";

	if (json_object_size(params) == 0)
		return;
	printf("%-11s", "params");
	for (void *it = json_object_iter(params); it != NULL; it = json_object_iter_next(params, it)) {
		const char *name = json_object_iter_key(it);
		const json_t *v = json_object_iter_value(it);
		const struct rule_param *pm = param_of(ru, name);

		printf("%s%s = ", comma, name);
		print_value(v);
		if (pm != NULL && pm->unit_seconds != 0)
			printf(" %s%s", pm->unit, json_integer_value(v) == 1 ? "" : "s");
		comma = ", ";
	}
	printf("\n");
}

static const char *
text_of(const json_t *data, const char *key)
{
	const char *s = json_string_value(json_object_get(data, key));

	return s == NULL ? "" : shown(slice_str(s));
}

static void
print_identity(const char *title, const json_t *id)
{
	if (id != NULL)
		printf("%-11s%s  %s  %s\n", title, text_of(id, "time"), text_of(id, "source"), text_of(id, "id"));
}

static void
print_evidence(const json_t *data)
{
	const json_t *evidence = json_object_get(data, "evidence"), *e;
	json_int_t total = json_integer_value(json_object_get(data, "evidence_total"));
	size_t i;

	if (evidence == NULL) {
		printf("\n%sEvidence%s: no longer what it was; the messages sent before hold it\n", tint(stdout, TINT_BOLD), tint(stdout, TINT_OFF));
		return;
	}
	printf("\n%sEvidence%s: %" JSON_INTEGER_FORMAT " event%s", tint(stdout, TINT_BOLD), tint(stdout, TINT_OFF), total, total == 1 ? "" : "s");
	if ((size_t)total > json_array_size(evidence))
		printf(", the newest %zu", json_array_size(evidence));
	printf("\n");
	json_array_foreach(evidence, i, e)
	{
		printf("  %s  %s  %s %s  at %s\n", text_of(e, "time"), text_of(e, "type"), text_of(e, "source"), text_of(e, "id"),
		    text_of(e, "position"));
		if (json_object_size(json_object_get(e, "fields")) > 0)
			print_object("   ", json_object_get(e, "fields"));
	}
}

static void
print_history(const json_t *data)
{
	static const char *const also[] = {"decided_at", "known_up_to", "reason", "replaced_by", "contested", "held_back"};

	printf("\n%sHistory%s: message number %" JSON_INTEGER_FORMAT ", now %s\n", tint(stdout, TINT_BOLD), tint(stdout, TINT_OFF),
	    json_integer_value(json_object_get(data, "seq")), text_of(data, "state"));
	for (size_t i = 0; i < sizeof also / sizeof also[0]; i++) {
		const json_t *v = json_object_get(data, also[i]);

		if (v == NULL || json_is_null(v))
			continue;
		printf("  %s: ", also[i]);
		print_value(v);
		printf("\n");
	}
	if (json_object_get(data, "replaces") != NULL) {
		printf("  replaces: ");
		print_value(json_object_get(data, "replaces"));
		printf("\n");
	}
}

static void
print_people(const json_t *data)
{
	const json_t *audience = json_object_get(data, "audience"), *v;
	size_t i;

	printf("%-11s", "audience");
	json_array_foreach(audience, i, v) printf("%s%s", i == 0 ? "" : ", ", json_string_value(v));
	printf("\n");
	print_object("deliver", json_object_get(data, "deliver"));
}

static void
print_alert(const struct explained *ex)
{
	const json_t *data = ex->data, *text = json_object_get(data, "text"), *window = json_object_get(data, "window");

	printf("%s%s%s %s  %s\n", tint(stdout, TINT_BOLD), text_of(data, "rule"), tint(stdout, TINT_OFF), text_of(data, "level"),
	    text_of(data, "subject"));
	/* The sentences were made safe when they were rendered. */
	printf("  %s\n  %s\n\n", json_string_value(json_object_get(text, "en")), json_string_value(json_object_get(text, "fa")));
	printf("%-11s%s\n", "alert", text_of(data, "alert_id"));
	printf("%-11s%s\n", "outcome", text_of(data, "outcome"));
	print_object("values", json_object_get(data, "values"));
	print_identity("opening", json_object_get(data, "opening"));
	print_identity("trigger", json_object_get(data, "trigger"));
	printf("%-11s%s\n", "episode", text_of(data, "episode"));
	if (window != NULL && !json_is_null(window))
		printf("%-11s%s to %s\n", "window", json_object_get(window, "from") == NULL ? "the beginning" : text_of(window, "from"),
		    text_of(window, "to"));
	print_params(rule_of(ex->rs, data), json_object_get(data, "params"));
	printf("%-11s%s %s, %s\n", "rule", text_of(data, "rule"), text_of(data, "rule_version"), text_of(data, "rule_hash"));
	print_people(data);
	print_evidence(data);
	print_history(data);
	printf("\n");
	if (ex->state != ALERT_STANDING)
		printf("It no longer stands.\n");
	else if (ex->holds)
		printf("%sIt holds:%s recomputed from the timelines just now, it is the same.\n", tint(stdout, TINT_GREEN), tint(stdout, TINT_OFF));
	else
		printf("%sIt does not hold:%s recomputed from the timelines just now, it differs.\n", tint(stdout, TINT_RED), tint(stdout, TINT_OFF));
}

static int
explain(struct explained *ex, struct node *no, bool as_json, struct err *err)
{
	if (strlen(ex->id) < 8)
		return err_set(err, ERR_USAGE, "explain: \"%s\" is no alert id: 32 hexadecimal digits, at least the first 8", ex->id);
	ex->rs = node_ruleset(no);
	/* A whole id is asked for directly; a part of one is looked for. */
	if (node_alerts(no, NULL, NULL, strlen(ex->id) == 32 ? ex->id : NULL, true, match, ex, err) != 0)
		return -1;
	if (ex->matches == 0)
		return err_set(err, ERR_CHECKED, "no alert %s in this store; `dideban alerts --all` lists them", ex->id);
	if (ex->matches > 1)
		return err_set(err, ERR_USAGE, "%" PRIu64 " alerts begin with %s; give more digits", ex->matches, ex->id);
	if (!as_json) {
		print_alert(ex);
		return 0;
	}
	if (!buf_ok(&ex->text))
		return err_nomem(err);
	printf("%.*s,\"holds\":%s}\n", (int)ex->text.n - 1, ex->text.p, ex->holds ? "true" : "false");
	return 0;
}

static int
cmd_explain(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct node *no = NULL;
	struct explained ex = {0};
	int status = 0;

	if (args_parse(&ar, &command_explain, argc, argv, &err) != 0)
		return cli_fail(&err);
	ex.id = ar.n_rest == 1 ? ar.rest[0] : "";
	if (ar.n_rest != 1)
		status = err_set(&err, ERR_USAGE, "explain: takes one ALERT-ID; `dideban alerts` lists them");
	if (status != 0 || store_look(args_text(&ar, "--store"), &no, &err) != 0 || explain(&ex, no, args_flag(&ar, "--json"), &err) != 0 ||
	    cli_flush(&err) != 0)
		status = cli_fail(&err);
	else if (ex.state == ALERT_STANDING && !ex.holds)
		status = 1;
	if (no != NULL)
		node_abandon(no);
	json_decref(ex.data);
	buf_free(&ex.text);
	args_free(&ar);
	return status;
}
