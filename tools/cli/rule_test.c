#include "tools/cli/rule_test.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum variant { AS_GIVEN, SHUFFLED, TWICE, BATCHES, VARIANTS };
static const char *const variant_names[VARIANTS] = {"as given", "shuffled", "with duplicates", "in batches of one"};

/* What one run left. */
struct outcome_row {
	char *subject;
	int outcome; /* index, or -1 */
	enum outcome_class class;
	char error[200]; /* of class error: what went wrong */
};
struct run {
	json_t *alerts; /* array of data objects, standing and ended, as they came */
	size_t n_rows;
	struct outcome_row *rows; /* of every trigger, in total order */
};

void
test_report_free(struct test_report *re)
{
	buf_free(&re->failures);
}

static void
run_free(struct run *ru)
{
	json_decref(ru->alerts);
	for (size_t i = 0; i < ru->n_rows; i++)
		free(ru->rows[i].subject);
	free(ru->rows);
	*ru = (struct run){0};
}

/* --- running -------------------------------------------------------------------------------------------------------- */

static struct instant
fixed_clock(void *ctx)
{
	(void)ctx;
	return CASE_DAY_ZERO;
}

/* xorshift64*: the same order for the same seed everywhere. */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static void
shuffle(size_t *order, size_t n, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;

	for (unsigned i = 0; i < 8; i++)
		(void)next_random(&state);
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)(next_random(&state) % i), was = order[i - 1];

		order[i - 1] = order[k];
		order[k] = was;
	}
}

/* The events of a test in this variant's order: indices into ca->events; returns how many. */
static size_t
arrange(const struct rule_case *ca, enum variant va, uint64_t seed, size_t *order)
{
	size_t n = ca->n_events;

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	if (va == SHUFFLED)
		shuffle(order, n, seed);
	if (va != TWICE)
		return n;
	for (size_t i = 0; i < n; i++)
		order[n + i] = n - 1 - i; /* all of them again, backwards */
	return 2 * n;
}

static int
feed(struct node *no, const struct rule_case *ca, enum variant va, uint64_t seed, struct err *err)
{
	size_t *order = calloc(2 * (size_t)ca->n_events + 1, sizeof *order), n;
	struct buf json = {0};
	int r = 0;

	if (order == NULL)
		return err_nomem(err);
	n = arrange(ca, va, seed, order);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct position pos = {slice_str("test"), i + 1};

		buf_clear(&json);
		r = case_event_json(&ca->events[order[i]], &json, err);
		if (r == 0)
			r = node_add(no, buf_slice(&json), &pos, NULL, err);
		if (r == 0 && va == BATCHES)
			r = node_commit(no, err);
	}
	buf_free(&json);
	free(order);
	return r != 0 ? -1 : node_commit(no, err);
}

static int
take_alert(void *ctx, const struct alert_view *av, struct err *err)
{
	struct run *ru = ctx;
	json_error_t wrong;
	json_t *data;

	if (av->state == ALERT_WITHDRAWN)
		return 0;
	data = json_loadb(av->json.p, av->json.n, JSON_REJECT_DUPLICATES, &wrong);
	if (data == NULL)
		return err_set(err, ERR_CORRUPT, "an alert's JSON is malformed: %s", wrong.text);
	return json_array_append_new(ru->alerts, data) != 0 ? err_nomem(err) : 0;
}

static int
take_trigger(void *ctx, const struct eval_view *ev, struct err *err)
{
	struct run *ru = ctx;
	struct outcome_row *row = realloc(ru->rows, (ru->n_rows + 1) * sizeof *row);

	if (row == NULL)
		return err_nomem(err);
	ru->rows = row;
	row += ru->n_rows;
	*row = (struct outcome_row){.subject = strndup(ev->subject.p, ev->subject.n), .outcome = ev->result->outcome, .class = ev->result->class};
	if (ev->result->class == OUTCOME_ERROR && ev->result->error != NULL)
		(void)snprintf(row->error, sizeof row->error, "%s", ev->result->error);
	ru->n_rows++;
	return row->subject == NULL ? err_nomem(err) : 0;
}

static int
run_variant(const struct ruleset_source *contracts, struct slice text, const struct rule *rule, const struct rule_case *ca, enum variant va,
    uint64_t seed, struct run *ret, struct err *err)
{
	struct node_options opt = {.max_future = -1, .clock = fixed_clock, .partitions = va == SHUFFLED ? 2 : 1};
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct node *no = NULL;
	struct err closing;
	int r;

	ret->alerts = json_array();
	if (ret->alerts == NULL)
		return err_nomem(err);
	r = node_open(&no, &opt, err);
	for (size_t i = 0; i < contracts->n_contracts && r == 0; i++)
		r = ruleset_source_add_contract(&src, contracts->contracts[i].name, contracts->contracts[i].text, err);
	if (r == 0)
		r = ruleset_source_add_rule(&src, slice_str(rule->file), text, err);
	if (r == 0)
		r = node_rules(no, &src, &fi, NULL, err);
	if (r == 0)
		r = feed(no, ca, va, seed, err);
	if (r == 0)
		r = node_alerts(no, NULL, NULL, NULL, true, take_alert, ret, err);
	if (r == 0)
		r = node_eval(no, node_ruleset(no)->rules[0], text, take_trigger, ret, err);
	ruleset_source_free(&src);
	findings_free(&fi);
	if (r == 0)
		r = node_close(no, err);
	else
		(void)node_close(no, &closing); /* the first error counts */
	return r;
}

/* --- comparing the variants ------------------------------------------------------------------------------------------ */

/* What the law of order compares: all but positions, sequence numbers and what was known when. */
static char *
comparable(const json_t *alerts)
{
	static const char *const apart[] = {"known_up_to", "seq", "held_back", "replaces", "decided_at"};
	json_t *copy = json_deep_copy(alerts), *alert, *evidence;
	char *text;
	size_t i, k;

	json_array_foreach(copy, i, alert)
	{
		for (size_t a = 0; a < sizeof apart / sizeof apart[0]; a++)
			(void)json_object_del(alert, apart[a]);
		json_array_foreach(json_object_get(alert, "evidence"), k, evidence)
		{
			(void)json_object_del(evidence, "position");
		}
	}
	text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(copy);
	return text;
}

static bool
same_rows(const struct run *a, const struct run *b)
{
	if (a->n_rows != b->n_rows)
		return false;
	for (size_t i = 0; i < a->n_rows; i++)
		if (a->rows[i].outcome != b->rows[i].outcome || a->rows[i].class != b->rows[i].class ||
		    strcmp(a->rows[i].subject, b->rows[i].subject) != 0)
			return false;
	return true;
}

static int
compare_runs(const struct run *given, const struct run *other, enum variant va, struct buf *failures, struct err *err)
{
	char *a = comparable(given->alerts), *b = comparable(other->alerts);
	int r = 0;

	if (a == NULL || b == NULL)
		r = err_nomem(err);
	else if (strcmp(a, b) != 0)
		buf_printf(failures, "%s, other alerts stand than as given: the engine broke the law of order\n", variant_names[va]);
	else if (!same_rows(given, other))
		buf_printf(failures, "%s, triggers have other outcomes than as given: the engine broke the law of order\n", variant_names[va]);
	free(a);
	free(b);
	return r;
}

/* --- comparing with what is expected ----------------------------------------------------------------------------------- */

static struct slice
text_at(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s == NULL ? slice_of("", 0) : slice_str(s);
}

/* "s1" stands for person/x-test:s1, x-test:s1 and case/s1. */
static bool
names_subject(struct slice expected, struct slice key)
{
	const char *slash;

	if (slice_eq(expected, key))
		return true;
	slash = memchr(key.p, '/', key.n);
	if (slash != NULL)
		return names_subject(expected, slice_of(slash + 1, key.n - (size_t)(slash + 1 - key.p)));
	return key.n > 7 && memcmp(key.p, "x-test:", 7) == 0 && slice_eq(expected, slice_of(key.p + 7, key.n - 7));
}

/* Equal but for the isolates U+2068 and U+2069, which nobody types. */
static bool
same_text(struct slice a, struct slice b)
{
	const char *p = a.p, *q = b.p, *pe = a.p + a.n, *qe = b.p + b.n;

	for (;;) {
		while (pe - p >= 3 && memcmp(p, "\u2068", 2) == 0 && ((unsigned char)p[2] == 0xa8 || (unsigned char)p[2] == 0xa9))
			p += 3;
		while (qe - q >= 3 && memcmp(q, "\u2068", 2) == 0 && ((unsigned char)q[2] == 0xa8 || (unsigned char)q[2] == 0xa9))
			q += 3;
		if (p == pe || q == qe)
			return p == pe && q == qe;
		if (*p++ != *q++)
			return false;
	}
}

static bool
same_value(const struct value *expected, const json_t *found)
{
	double d;

	switch (expected->kind) {
	case VALUE_STRING:
		return json_is_string(found) && slice_eq(expected->s, slice_of(json_string_value(found), json_string_length(found)));
	case VALUE_BOOLEAN:
		return json_is_boolean(found) && json_is_true(found) == (expected->i != 0);
	case VALUE_INTEGER:
		return json_is_integer(found) ? json_integer_value(found) == expected->i
					      : json_is_real(found) && json_real_value(found) == (double)expected->i;
	default:
		d = json_number_value(found);
		return json_is_number(found) && fabs(d - expected->d) <= 1e-6 * fabs(expected->d);
	}
}

/* Does this evidence entry go by that name? By its id, or a field that a feature counts, groups or tells apart by. */
static bool
names_evidence(const struct rule *ru, struct slice name, const json_t *entry)
{
	const json_t *fields = json_object_get(entry, "fields");

	if (slice_eq(name, text_at(entry, "id")))
		return true;
	for (unsigned i = 0; i < ru->n_features; i++) {
		const char *used[] = {ru->features[i].of, ru->features[i].key, ru->features[i].by};

		for (size_t k = 0; k < 3; k++)
			if (used[k] != NULL && json_object_get(fields, used[k]) != NULL && names_subject(name, text_at(fields, used[k])))
				return true;
	}
	return false;
}

static bool
same_evidence(const struct rule *ru, const struct case_expect *ex, const json_t *evidence)
{
	size_t n = json_array_size(evidence);

	for (unsigned i = 0; i < ex->n_evidence; i++) {
		bool found = false;

		for (size_t k = 0; k < n && !found; k++)
			found = names_evidence(ru, ex->evidence[i], json_array_get(evidence, k));
		if (!found)
			return false;
	}
	for (size_t k = 0; k < n; k++) {
		bool named = false;

		for (unsigned i = 0; i < ex->n_evidence && !named; i++)
			named = names_evidence(ru, ex->evidence[i], json_array_get(evidence, k));
		if (!named)
			return false;
	}
	return true;
}

/* NULL if the alert is the expected one, else the first part that differs. */
static const char *
difference(const struct rule *ru, const struct case_expect *ex, const json_t *alert)
{
	const json_t *trigger = json_object_get(alert, "trigger"), *text = json_object_get(alert, "text"), *values = json_object_get(alert, "values");
	char time[INSTANT_TEXT_BYTES];
	size_t n;

	if (!slice_eq(ex->outcome, text_at(alert, "outcome")))
		return "outcome";
	n = instant_format(ex->time, time);
	if (ex->has_time && !slice_eq(slice_of(time, n), text_at(trigger, "time")))
		return "trigger's time";
	if (ex->subject.n != 0 && !names_subject(ex->subject, text_at(alert, "subject")))
		return "subject";
	if (ex->trigger.n != 0 && !slice_eq(ex->trigger, text_at(trigger, "id")))
		return "trigger";
	if (ex->opening.n != 0 && !slice_eq(ex->opening, text_at(json_object_get(alert, "opening"), "id")))
		return "opening";
	if (ex->level.n != 0 && !slice_eq(ex->level, text_at(alert, "level")))
		return "level";
	if (ex->has_values && json_object_size(values) != ex->n_values)
		return "values";
	for (unsigned i = 0; i < ex->n_values; i++) {
		char name[80];

		(void)snprintf(name, sizeof name, "%.*s", SLICE_ARG(ex->values[i].name));
		if (!same_value(&ex->values[i].value, json_object_get(values, name)))
			return "values";
	}
	if (ex->has_evidence && !same_evidence(ru, ex, json_object_get(alert, "evidence")))
		return "evidence";
	if (ex->fa.n != 0 && !same_text(ex->fa, text_at(text, "fa")))
		return "sentence in fa";
	if (ex->en.n != 0 && !same_text(ex->en, text_at(text, "en")))
		return "sentence in en";
	return NULL;
}

static void
describe(struct buf *b, const json_t *alert)
{
	const json_t *trigger = json_object_get(alert, "trigger"), *text = json_object_get(alert, "text"), *entry;
	char *values = json_dumps(json_object_get(alert, "values"), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	size_t i;

	buf_printf(b, "%s of %s at %s (%s), values %s, evidence", text_at(alert, "outcome").p, text_at(alert, "subject").p,
	    text_at(trigger, "time").p, text_at(trigger, "id").p, values == NULL ? "?" : values);
	json_array_foreach(json_object_get(alert, "evidence"), i, entry)
	{
		buf_printf(b, " %s", text_at(entry, "id").p);
	}
	buf_printf(b, ", \"%s\"\n", text_at(text, "en").p);
	free(values);
}

/* Each expected alert takes one that stands; what is left on either side is a failure. */
static void
compare_alerts(const struct rule *ru, const struct rule_case *ca, const json_t *alerts, struct buf *failures)
{
	size_t n = json_array_size(alerts);
	bool *taken = calloc(n + 1, sizeof *taken);

	if (taken == NULL) {
		failures->bad = true;
		return;
	}
	for (unsigned i = 0; i < ca->n_expect; i++) {
		const struct case_expect *ex = &ca->expect[i];
		const char *why = "nothing";
		size_t k;

		for (k = 0; k < n; k++) {
			const char *differs = taken[k] ? NULL : difference(ru, ex, json_array_get(alerts, k));

			if (!taken[k] && differs == NULL)
				break;
			if (!taken[k] && strcmp(differs, "outcome") != 0)
				why = differs;
		}
		if (k < n)
			taken[k] = true;
		else
			buf_printf(failures, "line %u: expected %.*s: %s%s\n", ex->line, SLICE_ARG(ex->outcome),
			    strcmp(why, "nothing") == 0 ? "nothing stands like it" : "what stands differs in its ",
			    strcmp(why, "nothing") == 0 ? "" : why);
	}
	for (size_t k = 0; k < n; k++)
		if (!taken[k]) {
			buf_add_str(failures, "unexpected: ");
			describe(failures, json_array_get(alerts, k));
		}
	free(taken);
}

/* Why a test fails whose rule breaks: the outcome "error" alone does not tell. Once for each text, as all triggers break alike. */
static void
add_errors(const struct run *run, struct buf *failures)
{
	const char *told = "";

	for (size_t i = 0; i < run->n_rows && failures->n > 0; i++) {
		if (run->rows[i].error[0] == 0 || strcmp(run->rows[i].error, told) == 0)
			continue;
		told = run->rows[i].error;
		buf_printf(failures, "outcome error: %s\n", told);
	}
}

static const char *
row_code(const struct rule *ru, const struct outcome_row *row)
{
	return row->outcome >= 0 ? ru->outcomes[row->outcome].code : row->class == OUTCOME_ERROR ? "error" : "unknown";
}

static void
compare_outcomes(const struct rule *ru, const struct rule_case *ca, const struct run *run, struct buf *failures)
{
	bool same = ca->n_outcomes == run->n_rows;

	if (!ca->has_outcomes)
		return;
	for (size_t i = 0; i < run->n_rows && same; i++)
		same = slice_eq_str(ca->outcomes[i], row_code(ru, &run->rows[i]));
	if (same)
		return;
	buf_add_str(failures, "outcomes differ; they are { ");
	for (size_t i = 0; i < run->n_rows; i++)
		buf_printf(failures, "%s\"%s\"", i == 0 ? "" : ", ", row_code(ru, &run->rows[i]));
	buf_add_str(failures, " }\n");
}

static void
take_coverage(const struct rule *ru, const struct run *run, struct test_report *ret)
{
	ret->triggers = (unsigned)run->n_rows;
	for (size_t i = 0; i < run->n_rows; i++)
		if (run->rows[i].outcome >= 0)
			ret->outcomes |= UINT64_C(1) << run->rows[i].outcome;
	for (unsigned o = 0; o < ru->n_outcomes; o++)
		for (size_t i = 0; i < run->n_rows && (ret->outcomes >> o & 1) != 0; i++) {
			bool has = false;

			for (size_t k = 0; k < run->n_rows && !has; k++)
				has = run->rows[k].outcome == (int)o && strcmp(run->rows[k].subject, run->rows[i].subject) == 0;
			if (!has)
				ret->not_all |= UINT64_C(1) << o;
		}
}

int
rule_test_run(const struct ruleset_source *contracts, struct slice text, const struct rule *ru, const struct rule_case *ca, bool once, uint64_t seed,
    struct test_report *ret, struct err *err)
{
	struct run runs[VARIANTS] = {{0}};
	int r = 0;

	*ret = (struct test_report){0};
	for (int va = 0; va < (once ? 1 : VARIANTS) && r == 0; va++) {
		r = run_variant(contracts, text, ru, ca, (enum variant)va, seed, &runs[va], err);
		if (r == 0 && va > 0)
			r = compare_runs(&runs[0], &runs[va], (enum variant)va, &ret->failures, err);
	}
	if (r == 0) {
		compare_alerts(ru, ca, runs[0].alerts, &ret->failures);
		compare_outcomes(ru, ca, &runs[0], &ret->failures);
		add_errors(&runs[0], &ret->failures);
		take_coverage(ru, &runs[0], ret);
		if (!buf_ok(&ret->failures))
			r = err_nomem(err);
	}
	for (int va = 0; va < VARIANTS; va++)
		run_free(&runs[va]);
	return r;
}

/* Firing: a test expects it. Just below: its triggers come to no alert of this level or above. Another subject: it comes up,
 * and somebody else's triggers stay without it. */
void
coverage_add(struct test_coverage *co, const struct rule *ru, const struct rule_case *ca, const struct test_report *re)
{
	for (unsigned o = 0; o < ru->n_outcomes; o++) {
		bool expected = false, above = false;

		for (unsigned i = 0; i < ca->n_expect; i++)
			expected = expected || slice_eq_str(ca->expect[i].outcome, ru->outcomes[o].code);
		for (unsigned i = 0; i < ru->n_outcomes; i++)
			above = above || ((re->outcomes >> i & 1) != 0 && ru->outcomes[i].class == OUTCOME_ALERT &&
					     ru->outcomes[i].level >= ru->outcomes[o].level);
		co->outcomes[o].reached += (re->outcomes >> o & 1) != 0;
		co->outcomes[o].firing += expected;
		co->outcomes[o].below += re->triggers > 0 && !above;
		co->outcomes[o].other_subject += (re->not_all >> o & 1) != 0;
	}
}
