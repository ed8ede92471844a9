/* dideban eval: the outcome of every trigger of one rule. */
#include "engine/rule/text.h"
#include "tools/cli/session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static int cmd_eval(int argc, char **argv);

static const struct arg eval_args[] = {
    {"--events", ARG_LIST, "FILE", "files of events, as for run"},
    {"--store", ARG_TEXT, "DIR", "or the events of this store"},
    {"--rules", ARG_TEXT, "DIR", "folder whose events/ holds the contracts (default: beside the rule, else the shipped ones)"},
    {"--set", ARG_REPEAT, "PARAM=VALUE", "another value for a parameter of the rule"},
    {"--strict", ARG_FLAG, NULL, "exit 3 if anything was quarantined"},
    {"--json", ARG_FLAG, NULL, "one trigger a line"},
    {0},
};

const struct command command_eval = {
    .name = "eval",
    .operands = "RULE.lua",
    .summary = "judge every trigger by one rule; nothing is stored or sent",
    .details = "The final outcome of each trigger, late events and retractions taken into account, in total order (time, source, id). Without "
	       "--json: alerts and errors in\n"
	       "sentences, and a count of all outcomes.",
    .example = "  dideban eval RULE.lua --events events.ndjson --json",
    .args = eval_args,
    .run = cmd_eval,
};

struct evaluation {
	bool json;
	const struct rule *rule;
	uint64_t n, by_class[4], by_outcome[LIMIT_RULE_OUTCOMES];
};

static const char *
level_text(const struct rule *ru, const struct rule_result *rr)
{
	switch (rr->class) {
	case OUTCOME_ALERT:
		return alert_level_name(ru->outcomes[rr->outcome].level);
	case OUTCOME_CLEAR:
		return "clear";
	case OUTCOME_UNKNOWN:
		return "unknown";
	case OUTCOME_ERROR:
		break;
	}
	return "error";
}

static void
print_values(const struct rule_result *rr)
{
	for (unsigned i = 0; i < rr->n_values; i++) {
		struct buf b = {0};

		json_quote(&b, rr->values[i].name);
		buf_add_u8(&b, ':');
		value_json(&b, &rr->values[i].value);
		printf("%s%.*s", i == 0 ? "" : ",", (int)b.n, b.p);
		buf_free(&b);
	}
}

static void
print_json(const struct eval_view *ev, const char *outcome)
{
	const struct rule_result *rr = ev->result;

	printf("{\"rule\":");
	print_json_string(stdout, slice_str(ev->rule->id));
	printf(",\"subject\":");
	if (ev->subject.n == 0)
		printf("null");
	else
		print_json_string(stdout, ev->subject);
	printf(",\"trigger\":{\"source\":");
	print_json_string(stdout, ev->source);
	printf(",\"id\":");
	print_json_string(stdout, ev->id);
	printf(",\"time\":\"");
	print_time(stdout, ev->time);
	printf("\"},\"outcome\":");
	print_json_string(stdout, slice_str(outcome));
	printf(",\"level\":\"%s\",\"values\":{", level_text(ev->rule, rr));
	print_values(rr);
	printf("}");
	if (rr->outcome < 0 && rr->error != NULL) {
		printf(",\"detail\":");
		print_json_string(stdout, slice_str(rr->error));
	}
	printf("}\n");
}

static void
print_sentence(const struct eval_view *ev, const char *outcome)
{
	const struct rule_result *rr = ev->result;
	struct buf b = {0};

	if (rr->class != OUTCOME_ALERT && rr->class != OUTCOME_ERROR)
		return;
	print_time(stdout, ev->time);
	printf("  %s%s%s  %s  %s  (%s %s)\n", tint(stdout, rr->class == OUTCOME_ERROR ? TINT_RED : level_tint(ev->rule->outcomes[rr->outcome].level)),
	    level_text(ev->rule, rr), tint(stdout, TINT_OFF), shown(ev->subject), outcome, shown(ev->source), shown(ev->id));
	if (rr->class == OUTCOME_ERROR) {
		printf("  %s\n", rr->error == NULL ? "" : rr->error);
		return;
	}
	for (int persian = 0; persian < 2; persian++) {
		buf_clear(&b);
		rule_text(&b, ev->rule, slice_str(outcome), rr->values, rr->n_values, persian != 0);
		printf("  %.*s\n", (int)b.n, b.p);
	}
	buf_free(&b);
}

static int
on_trigger(void *ctx, const struct eval_view *ev, struct err *err)
{
	struct evaluation *el = ctx;
	const struct rule_result *rr = ev->result;
	const char *outcome = rr->outcome >= 0 ? ev->rule->outcomes[rr->outcome].code : rr->class == OUTCOME_ERROR ? "error" : "unknown";

	el->rule = ev->rule;
	el->n++;
	el->by_class[rr->class]++;
	if (rr->outcome >= 0)
		el->by_outcome[rr->outcome]++;
	if (el->json)
		print_json(ev, outcome);
	else
		print_sentence(ev, outcome);
	return session_stopped() != 0 ? err_set(err, ERR_IO, "stopped") : cli_written(err);
}

static void
print_counts(const struct evaluation *el)
{
	printf("\n%" PRIu64 " triggers: %" PRIu64 " alert, %" PRIu64 " clear, %" PRIu64 " unknown, %" PRIu64 " error\n", el->n,
	    el->by_class[OUTCOME_ALERT], el->by_class[OUTCOME_CLEAR], el->by_class[OUTCOME_UNKNOWN], el->by_class[OUTCOME_ERROR]);
	for (unsigned i = 0; el->rule != NULL && i < el->rule->n_outcomes; i++)
		if (el->by_outcome[i] > 0)
			printf("  %-24s %" PRIu64 "\n", el->rule->outcomes[i].code, el->by_outcome[i]);
}

/* The folder whose contracts are meant: --rules, the rule's own if it has events/, else the default. *ret is allocated. */
static int
contracts_folder(const char *given, const char *rule, char **ret, struct err *err)
{
	const char *slash = strrchr(rule, '/');
	char *events = NULL;
	bool own;

	if (given != NULL)
		return rules_find(given, ret, err);
	if (asprintf(ret, "%.*s", slash == NULL ? 1 : (int)(slash - rule), slash == NULL ? "." : rule) < 0 ||
	    asprintf(&events, "%s/events", *ret) < 0)
		return err_nomem(err);
	own = access(events, R_OK) == 0;
	free(events);
	if (own)
		return 0;
	free(*ret);
	*ret = NULL;
	return rules_find(NULL, ret, err);
}

/* A node with the contracts alone, fed with the files. */
static int
feed(struct session *se, const char *dir, const char *const *files, size_t n, struct err *err)
{
	struct ruleset_source src;
	struct progress pr;
	uint64_t before = 0;
	int r;

	if (node_open(&se->no, &se->opt, err) != 0) {
		se->no = NULL;
		return -1;
	}
	if (rules_gather(dir, true, NULL, 0, &src, err) != 0)
		return -1;
	r = node_rules(se->no, &src, &se->findings, NULL, err);
	ruleset_source_free(&src);
	if (r != 0)
		return -1;
	progress_start(&pr, "eval", files_bytes(files, n));
	for (size_t i = 0; i < n && r == 0; i++) {
		r = session_read(se, files[i], NULL, &pr, before, err);
		before += files_bytes(&files[i], 1);
	}
	progress_end(&pr);
	return r != 0 ? -1 : node_commit(se->no, err);
}

static int
judge(struct session *se, const char *file, const char *const *sets, size_t n_sets, struct evaluation *el, struct err *err)
{
	const struct ruleset *rs = node_ruleset(se->no);
	struct buf text = {0};
	struct rule *ru;
	int r = -1;

	if (rs == NULL)
		return err_set(err, ERR_USAGE, "the store is empty: it knows no contracts yet");
	if (read_file(file, LIMIT_RULE_FILE_BYTES, &text, err) == 0) {
		ru = rule_load(slice_str(file), buf_slice(&text), rs->contracts, sets, n_sets, &se->findings, err);
		if (ru != NULL)
			r = node_eval(se->no, ru, buf_slice(&text), on_trigger, el, err);
		if (r == 0 && !el->json)
			print_counts(el);
		rule_free(ru);
		el->rule = NULL;
	}
	buf_free(&text);
	return r;
}

static int
evaluate(const struct args *ar, struct session *se, struct evaluation *el, struct err *err)
{
	const char **files = NULL, **sets = NULL, *rule = ar->n_rest == 1 ? ar->rest[0] : NULL;
	size_t n_files = args_values(ar, "--events", &files), n_sets = args_values(ar, "--set", &sets);
	char *dir = NULL;
	int r = -1;

	if (rule == NULL)
		(void)err_set(err, ERR_USAGE, "eval: takes one RULE.lua");
	else if ((n_files > 0) == (args_text(ar, "--store") != NULL))
		(void)err_set(err, ERR_USAGE, "eval: needs the events: --events FILE... or --store DIR, one of both");
	else if (access(rule, R_OK) != 0)
		(void)err_set(err, ERR_USAGE, "%s: cannot be read: %s", rule, strerror(errno));
	else if (n_files == 0)
		r = store_look(args_text(ar, "--store"), &se->no, err);
	else if (contracts_folder(args_text(ar, "--rules"), rule, &dir, err) == 0)
		r = feed(se, dir, files, n_files, err);
	if (r == 0)
		r = judge(se, rule, sets, n_sets, el, err);
	if (se->findings.n > 0)
		cli_findings(&se->findings, dir);
	if (r != 0 && err->code == ERR_CHECKED)
		err->code = ERR_USAGE;
	free(dir);
	free(files);
	free(sets);
	return r;
}

static int
cmd_eval(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct session se = {0};
	struct evaluation el = {0};
	struct node_stats st = {0};
	int status = 0;

	if (args_parse(&ar, &command_eval, argc, argv, &err) != 0)
		return cli_fail(&err);
	el.json = args_flag(&ar, "--json");
	session_catch_signals();
	if (evaluate(&ar, &se, &el, &err) != 0) {
		status = cli_fail(&err);
	} else {
		node_stats(se.no, &st);
		if (st.quarantined > 0)
			cli_note("%" PRIu64 " of %" PRIu64 " events were quarantined and not judged; `dideban run` into a store shows why",
			    st.quarantined, st.consumed);
		if (cli_flush(&err) != 0)
			status = cli_fail(&err);
		else if (args_flag(&ar, "--strict") && st.quarantined > 0)
			status = err_exit_status(ERR_INPUT);
	}
	if (se.opt.dir == NULL && args_text(&ar, "--store") == NULL && se.no != NULL && status == 0) {
		if (node_close(se.no, &err) != 0)
			status = cli_fail(&err);
		se.no = NULL;
	}
	session_abandon(&se);
	args_free(&ar);
	session_end_by_signal();
	return status;
}
