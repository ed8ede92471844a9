#include "engine/rule/cases.h"

#include "engine/event/event.h"
#include "engine/rule/load.h"

#include <stdio.h>
#include <stdlib.h>

#define CASE_SOURCE "/test"
#define CASE_SUBJECT "s1"
#define LIMIT_CASE_EVENTS 500

/* One test being read. */
struct reading {
	struct load *ld;
	struct arena *arena;
	struct arena trial;          /* of one event that is tried; kept, as a block for each would be most of what loading a rule takes */
	struct event_parser *parser; /* NULL without contracts */
	struct rule_case *ca;
};

static void *
take(struct reading *rd, size_t n)
{
	void *p = arena_alloc(rd->arena, n == 0 ? 1 : n);

	if (p == NULL)
		rd->ld->no_memory = true;
	else
		memset(p, 0, n);
	return p;
}

static unsigned
line_of(const struct load *ld, const struct tree *tr)
{
	return tr->place == NULL ? 0 : ld->sv.map->tokens.v[tr->place->from].line;
}

/* --- times ---------------------------------------------------------------------------------------------------------- */

/* "HH:MM" or "HH:MM:SS" -> seconds of the day; -1 if malformed. */
static int64_t
parse_clock(struct slice s)
{
	int64_t part[3] = {0, 0, 0};
	size_t n = s.n == 5 ? 2 : s.n == 8 ? 3 : 0;

	for (size_t i = 0; i < n; i++) {
		const char *p = s.p + 3 * i;

		if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9' || (i > 0 && p[-1] != ':'))
			return -1;
		part[i] = 10 * (p[0] - '0') + (p[1] - '0');
	}
	return n == 0 || part[0] > 23 || part[1] > 59 || part[2] > 59 ? -1 : part[0] * 3600 + part[1] * 60 + part[2];
}

/* day = N, at = "HH:MM", or time = RFC 3339. Starts from *t: without a day its day; without both all of it. */
static bool
read_time(struct load *ld, const struct tree *tr, struct instant *t)
{
	const struct tree *day = tree_get(tr, "day"), *at = tree_get(tr, "at"), *time = tree_get(tr, "time");
	int64_t days = (t->sec - CASE_DAY_ZERO.sec) / 86400, clock = day != NULL ? 0 : (t->sec - CASE_DAY_ZERO.sec) - days * 86400;
	const char *why;

	if (time != NULL) {
		if (day != NULL || at != NULL)
			fault_at_key(ld, time, "time stands alone, without day and at");
		if (time->kind != TREE_STRING)
			fault_at(ld, time, "time is a text such as \"2024-03-20T10:00:00Z\"");
		else if (instant_parse(time->s, t, &why) != 0)
			fault_at(ld, time, "time: %s", why);
		return true;
	}
	if (day != NULL && (day->kind != TREE_INTEGER || day->i < -700000 || day->i > 700000))
		fault_at(ld, day, "day is a whole number of days from the test's first");
	else if (day != NULL)
		days = day->i;
	if (at != NULL) {
		clock = at->kind == TREE_STRING ? parse_clock(at->s) : -1;
		if (clock < 0) {
			fault_at(ld, at, "at is a time of the day: \"HH:MM\" or \"HH:MM:SS\"");
			clock = 0;
		}
	}
	*t = instant_plus(CASE_DAY_ZERO, days * 86400 + clock);
	return day != NULL || at != NULL;
}

/* --- given ---------------------------------------------------------------------------------------------------------- */

static const char *const event_keys[] = {"day", "at", "time", "id", "source", "subject", "retract", "without", "data", NULL};

static bool
is_event_key(struct slice name)
{
	for (size_t i = 0; event_keys[i] != NULL; i++)
		if (slice_eq_str(name, event_keys[i]))
			return true;
	return false;
}

/* Sets or replaces a field of the event. */
static void
put_field(struct reading *rd, struct case_event *ce, const struct tree *tr, struct sample_field *fields)
{
	struct sample_field *sf = NULL;

	for (size_t i = 0; i < ce->sample.n_fields; i++)
		if (slice_eq(fields[i].name, tr->key))
			sf = &fields[i];
	if (sf == NULL)
		sf = &fields[ce->sample.n_fields++];
	*sf = (struct sample_field){.name = tr->key};
	if (!tree_scalar(tr, &sf->value)) {
		struct buf b = {0};

		tree_json(&b, tr);
		sf->json = buf_ok(&b) ? arena_copy(rd->arena, buf_slice(&b)) : slice_of(NULL, 0);
		if (sf->json.p == NULL)
			rd->ld->no_memory = true;
		buf_free(&b);
	}
}

static void
read_fields(struct reading *rd, const struct tree *tr, const struct case_event *before, struct case_event *ce)
{
	const struct tree *data = tree_get(tr, "data"), *without = tree_get(tr, "without"), *items[32];
	size_t most = (before == NULL ? 0 : before->sample.n_fields) + tr->n_keys + (data == NULL ? 0 : data->n_keys);
	struct sample_field *fields = take(rd, most * sizeof *fields);
	struct slice *names;

	if (fields == NULL)
		return;
	ce->sample.n_fields = before == NULL ? 0 : before->sample.n_fields;
	if (ce->sample.n_fields != 0)
		memcpy(fields, before->sample.fields, ce->sample.n_fields * sizeof *fields);
	for (unsigned i = 0; i < tr->n_keys; i++)
		if (!is_event_key(tr->keys[i].key))
			put_field(rd, ce, &tr->keys[i], fields);
	for (unsigned i = 0; data != NULL && i < data->n_keys; i++)
		put_field(rd, ce, &data->keys[i], fields);
	if (data != NULL && (data->kind != TREE_TABLE || data->n_list != 0))
		fault_at(rd->ld, data, "data holds fields by name, those whose names mean something else in a test");
	ce->sample.fields = fields;
	if (without == NULL)
		return;
	ce->sample.n_without = load_strings(rd->ld, without, "fields", 32, items);
	names = take(rd, ce->sample.n_without * sizeof *names);
	for (size_t i = 0; names != NULL && i < ce->sample.n_without; i++)
		names[i] = items[i]->s;
	ce->sample.without = names;
	if (names == NULL)
		ce->sample.n_without = 0;
}

/* By which role events of this type mention the rule's subject. */
static struct slice
role_for(const struct rule *ru, struct slice type)
{
	const struct feature_types *lists[5] = {&ru->on};

	for (unsigned i = 0; i <= ru->n_features; i++) {
		const struct feature_spec *fs = i == 0 ? NULL : &ru->features[i - 1];

		if (fs != NULL) {
			lists[0] = &fs->on;
			lists[1] = &fs->opens;
			lists[2] = &fs->reopens;
			lists[3] = &fs->closes;
		}
		for (size_t k = 0; k < 4 && lists[k] != NULL; k++)
			for (unsigned t = 0; t < lists[k]->n; t++)
				if (lists[k]->v[t] != NULL && slice_eq_str(type, lists[k]->v[t]))
					return fs != NULL && fs->role != NULL ? slice_str(fs->role)
					       : ru->role != NULL             ? slice_str(ru->role)
									      : slice_of("", 0);
	}
	return ru->role != NULL ? slice_str(ru->role) : slice_of("", 0);
}

/* A role joined of several fields has no default key: the fields' sample values make it. */
static bool
is_joined(const struct contract *co, struct slice role)
{
	struct contract_field fields[64];
	size_t n = co == NULL ? 0 : contract_fields(co, fields, 64), named = 0;

	for (size_t i = 0; i < n && i < 64; i++)
		named += fields[i].role != NULL && slice_eq_str(role, fields[i].role);
	return named > 1;
}

static void
read_envelope(struct reading *rd, const struct tree *tr, const struct case_event *before, struct case_event *ce, unsigned i)
{
	const struct tree *id = tree_get(tr, "id") == NULL ? NULL : load_text(rd->ld, tr, "id", true, NULL);
	const struct tree *source = tree_get(tr, "source") == NULL ? NULL : load_text(rd->ld, tr, "source", true, NULL);
	const struct tree *subject = tree_get(tr, "subject") == NULL ? NULL : load_text(rd->ld, tr, "subject", true, NULL);
	char *text = take(rd, 16);

	if (text == NULL)
		return;
	(void)snprintf(text, 16, "e%03u", i + 1);
	ce->sample.id = id != NULL ? id->s : slice_str(text);
	ce->sample.source = source != NULL ? source->s : before != NULL ? before->sample.source : slice_str(CASE_SOURCE);
	ce->sample.role = role_for(rd->ld->ru, ce->type);
	ce->sample.subject = subject != NULL                            ? subject->s
			     : before != NULL                           ? before->sample.subject
			     : is_joined(ce->contract, ce->sample.role) ? slice_of("", 0)
									: slice_str(CASE_SUBJECT);
}

/* Its type, or that of the event before it, with all its fields. */
static void
read_type(struct reading *rd, const struct tree *tr, const struct case_event **before, struct case_event *ce)
{
	const struct contracts *cs = rd->ld->contracts;
	const struct tree *type = tr->n_list > 0 ? &tr->list[0] : NULL, *retract = tree_get(tr, "retract");

	if (tr->n_list > 1)
		fault_at(rd->ld, &tr->list[1], "an event has one type: { \"TYPE\", day = 0, field = value }");
	if (retract != NULL) {
		if (type != NULL || retract->kind != TREE_STRING || retract->s.n == 0)
			fault_at(rd->ld, retract, "retract = \"ID\" names an event of this test, without a type");
		else
			ce->retract = retract->s;
		ce->contract = cs == NULL ? NULL : contracts_retraction(cs);
		if (cs != NULL && ce->contract == NULL)
			fault_at(rd->ld, retract, "no contract describes a retraction");
		*before = NULL;
		return;
	}
	if (type == NULL) {
		if (*before == NULL) {
			fault_at(rd->ld, tr, "the first event needs its type: { \"TYPE\", day = 0, ... }");
			return;
		}
		ce->type = (*before)->type;
		ce->contract = (*before)->contract;
		return;
	}
	*before = NULL;
	if (type->kind != TREE_STRING) {
		fault_at(rd->ld, type, "an event's type is a string");
		return;
	}
	ce->type = type->s;
	ce->contract = cs == NULL ? NULL : contracts_find(cs, type->s);
	if (cs != NULL && ce->contract == NULL) {
		const char *near = contracts_suggest(cs, type->s);

		fault_at(rd->ld, type, "no event type %s has a contract%s%s%s", type->s.p, near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
	}
}

static void
read_event(struct reading *rd, const struct tree *tr, const struct case_event *before, struct instant *clock, unsigned i)
{
	struct case_event *ce = &rd->ca->events[i];

	ce->line = line_of(rd->ld, tr);
	if (!load_is_table(rd->ld, tr))
		return;
	read_type(rd, tr, &before, ce);
	(void)read_time(rd->ld, tr, clock);
	ce->sample.time = *clock;
	ce->sample.day_zero = CASE_DAY_ZERO;
	read_fields(rd, tr, before, ce);
	read_envelope(rd, tr, before, ce, i);
}

/* A retraction's target lies in the same test, before or behind it. */
static void
aim_retractions(struct reading *rd, const struct tree *given)
{
	for (unsigned i = 0; i < rd->ca->n_events; i++) {
		struct case_event *ce = &rd->ca->events[i];

		if (ce->retract.n == 0)
			continue;
		ce->sample.role = ce->sample.subject = slice_of("", 0);
		ce->sample.target_id = ce->retract;
		ce->sample.target_source = ce->sample.source;
		for (unsigned k = 0; k < rd->ca->n_events; k++)
			if (slice_eq(rd->ca->events[k].sample.id, ce->retract)) {
				ce->sample.target_source = rd->ca->events[k].sample.source;
				break;
			} else if (k + 1 == rd->ca->n_events)
				fault_at(rd->ld, tree_get(&given->list[i], "retract"),
				    "no event of this test has id \"%s\"; without id = they are called e001, e002 ...", ce->retract.p);
	}
}

/* As the engine will see it. */
static void
try_event(struct reading *rd, const struct tree *tr, const struct case_event *ce)
{
	struct buf b = {0};
	struct slice detail = {"", 0};
	enum event_fault fault = FAULT_NONE;
	struct event ev;
	struct err err;

	if (rd->parser == NULL || ce->contract == NULL)
		return;
	if (case_event_json(ce, &b, &err) != 0)
		rd->ld->no_memory = true;
	else
		fault = event_parse(rd->parser, buf_slice(&b), &rd->trial, &ev, &detail);
	if (event_starved(fault, detail))
		rd->ld->no_memory = true;
	else if (fault != FAULT_NONE)
		fault_at(rd->ld, tr, "the event would be set aside: %.*s", SLICE_ARG(detail));
	buf_free(&b);
	arena_reset(&rd->trial);
}

static void
read_given(struct reading *rd, const struct tree *given)
{
	struct instant clock = CASE_DAY_ZERO;
	const struct case_event *before = NULL;
	struct load *ld = rd->ld;

	if (given->kind != TREE_TABLE || given->n_keys != 0 || given->n_list == 0 || given->n_list > LIMIT_CASE_EVENTS) {
		fault_at(ld, given, "given is a list of 1 to %d events", LIMIT_CASE_EVENTS);
		return;
	}
	rd->ca->events = take(rd, given->n_list * sizeof *rd->ca->events);
	if (rd->ca->events == NULL)
		return;
	for (unsigned i = 0; i < given->n_list; i++) {
		read_event(rd, &given->list[i], before, &clock, i);
		rd->ca->n_events++;
		if (rd->ca->events[i].retract.n == 0)
			before = &rd->ca->events[i];
	}
	aim_retractions(rd, given);
	for (unsigned i = 0; i < given->n_list; i++)
		try_event(rd, &given->list[i], &rd->ca->events[i]);
}

/* --- expect --------------------------------------------------------------------------------------------------------- */

static void
check_code(struct load *ld, const struct tree *tr, bool also_engine)
{
	const struct rule *ru = ld->ru;
	const char *names[LIMIT_RULE_OUTCOMES];

	if (tr->kind != TREE_STRING) {
		fault_at(ld, tr, "an outcome is a string");
		return;
	}
	if (rule_outcome_index(ru, tr->s) >= 0 || (also_engine && (slice_eq_str(tr->s, "unknown") || slice_eq_str(tr->s, "error"))))
		return;
	for (unsigned i = 0; i < ru->n_outcomes; i++)
		names[i] = ru->outcomes[i].code;
	fault_at(ld, tr, "outcome \"%s\" is not declared%s", tr->s.p, suggestion_of(tr->s, names, ru->n_outcomes).text);
}

static struct slice
text_of(struct load *ld, const struct tree *tr, const char *key)
{
	const struct tree *text = load_text(ld, tr, key, false, NULL);

	return text == NULL ? slice_of("", 0) : text->s;
}

static void
read_values(struct reading *rd, const struct tree *tr, struct case_expect *ex)
{
	if (!load_is_table(rd->ld, tr))
		return;
	ex->has_values = true;
	ex->values = take(rd, tr->n_keys * sizeof *ex->values);
	for (unsigned i = 0; ex->values != NULL && i < tr->n_keys; i++) {
		struct case_value *va = &ex->values[ex->n_values];

		va->name = tr->keys[i].key;
		if (tree_scalar(&tr->keys[i], &va->value))
			ex->n_values++;
		else
			fault_at(rd->ld, &tr->keys[i], "a value is a string, a number or a boolean");
	}
}

static void
read_expect(struct reading *rd, const struct tree *tr, struct case_expect *ex)
{
	static const char *const keys[] = {
	    "day", "at", "time", "outcome", "values", "evidence", "fa", "en", "subject", "trigger", "opening", "level", NULL};
	const struct tree *outcome, *values = tree_get(tr, "values"), *evidence = tree_get(tr, "evidence"), *items[LIMIT_EVIDENCE];
	struct load *ld = rd->ld;

	ex->line = line_of(ld, tr);
	if (!load_is_table(ld, tr))
		return;
	load_keys(ld, tr, keys, "an expected alert");
	ex->time = CASE_DAY_ZERO;
	ex->has_time = read_time(ld, tr, &ex->time);
	outcome = load_child(ld, tr, "outcome", true, "of the alert that must stand");
	if (outcome != NULL) {
		int i;

		check_code(ld, outcome, false);
		ex->outcome = outcome->s;
		i = outcome->kind == TREE_STRING ? rule_outcome_index(ld->ru, outcome->s) : -1;
		if (i >= 0 && ld->ru->outcomes[i].class != OUTCOME_ALERT)
			fault_at(ld, outcome, "\"%s\" is no alert; outcomes without alerts are tested by outcomes = { ... }", outcome->s.p);
	}
	if (values != NULL)
		read_values(rd, values, ex);
	if (evidence != NULL) {
		ex->has_evidence = true;
		ex->n_evidence = load_strings(ld, evidence, "ids of events or field values", LIMIT_EVIDENCE, items);
		ex->evidence = take(rd, ex->n_evidence * sizeof *ex->evidence);
		for (unsigned i = 0; ex->evidence != NULL && i < ex->n_evidence; i++)
			ex->evidence[i] = items[i]->s;
	}
	ex->fa = text_of(ld, tr, "fa");
	ex->en = text_of(ld, tr, "en");
	ex->subject = text_of(ld, tr, "subject");
	ex->trigger = text_of(ld, tr, "trigger");
	ex->opening = text_of(ld, tr, "opening");
	ex->level = text_of(ld, tr, "level");
}

static void
read_outcomes(struct reading *rd, const struct tree *tr)
{
	if (tr->kind != TREE_TABLE || tr->n_keys != 0) {
		fault_at(rd->ld, tr, "outcomes lists the outcome of every trigger, in order of time: { \"few\", \"several\" }");
		return;
	}
	rd->ca->has_outcomes = true;
	rd->ca->outcomes = take(rd, tr->n_list * sizeof *rd->ca->outcomes);
	for (unsigned i = 0; rd->ca->outcomes != NULL && i < tr->n_list; i++) {
		check_code(rd->ld, &tr->list[i], true);
		rd->ca->outcomes[rd->ca->n_outcomes++] = tr->list[i].s;
	}
}

static void
read_case(struct reading *rd, const struct tree *tr, struct rule_case *ca)
{
	static const char *const keys[] = {"name", "given", "expect", "outcomes", NULL};
	const struct tree *name, *given, *expect, *outcomes = tree_get(tr, "outcomes");
	struct load *ld = rd->ld;

	rd->ca = ca;
	ca->line = line_of(ld, tr);
	if (!load_is_table(ld, tr))
		return;
	load_keys(ld, tr, keys, "a test");
	name = load_text(ld, tr, "name", true, "a sentence that says what must hold");
	ca->name = name == NULL ? slice_of("", 0) : name->s;
	given = load_child(ld, tr, "given", true, "the events");
	if (given != NULL)
		read_given(rd, given);
	expect = load_child(ld, tr, "expect", true, "the alerts that stand afterwards; {} for none");
	if (expect != NULL && (expect->kind != TREE_TABLE || expect->n_keys != 0))
		fault_at(ld, expect, "expect is a list of alerts: { { outcome = ... } }, or {} for none");
	else if (expect != NULL) {
		ca->expect = take(rd, expect->n_list * sizeof *ca->expect);
		for (unsigned i = 0; ca->expect != NULL && i < expect->n_list; i++)
			read_expect(rd, &expect->list[i], &ca->expect[ca->n_expect++]);
	}
	if (outcomes != NULL)
		read_outcomes(rd, outcomes);
}

/* Results are told by name. */
static void
name_each_once(struct load *ld, const struct tree *tests, const struct rule_cases *rc)
{
	for (size_t i = 1; i < rc->n; i++)
		for (size_t k = 0; k < i; k++)
			if (rc->v[k].name.n != 0 && slice_eq(rc->v[k].name, rc->v[i].name)) {
				fault_at(ld, &tests->list[i], "the test of line %u has the same name: results are told by name, give it another",
				    rc->v[k].line);
				break;
			}
}

static void
read_cases(struct load *ld, struct rule_cases *rc)
{
	const struct tree *tests = tree_get(ld->root, "tests");
	struct reading rd = {.ld = ld, .arena = &rc->arena};

	if (tests == NULL)
		return;
	if (tests->kind != TREE_TABLE || tests->n_keys != 0 || tests->n_list > LIMIT_RULE_TESTS) {
		fault_at(ld, tests, "tests is a list of at most %d tests: { { name = ..., given = { ... }, expect = { ... } } }", LIMIT_RULE_TESTS);
		return;
	}
	rc->v = take(&rd, tests->n_list * sizeof *rc->v);
	if (ld->contracts != NULL) {
		rd.parser = event_parser_new(ld->contracts, 1);
		if (rd.parser == NULL)
			ld->no_memory = true;
	}
	for (unsigned i = 0; rc->v != NULL && !ld->no_memory && i < tests->n_list; i++)
		read_case(&rd, &tests->list[i], &rc->v[rc->n++]);
	name_each_once(ld, tests, rc);
	event_parser_free(rd.parser);
	arena_free(&rd.trial);
}

void
load_tests(struct load *ld)
{
	struct rule_cases rc = {0};

	read_cases(ld, &rc);
	if (rc.n == 0)
		warn_at_key(ld, ld->root, "no tests: nothing shows that it finds what it should and spares whom it should");
	arena_free(&rc.arena);
}

struct rule_cases *
rule_cases_load(
    struct slice file_name, struct slice text, const struct rule *ru, const struct contracts *contracts, struct findings *fi, struct err *err)
{
	struct rule_cases *rc = calloc(1, sizeof *rc);
	struct position_map map;
	struct tree_run *tn = NULL;
	size_t errors = fi->errors;
	char name[256];
	struct load ld = {.contracts = contracts, .ru = (struct rule *)(uintptr_t)ru}; /* only read here */

	if (rc == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	(void)snprintf(name, sizeof name, "%.*s", SLICE_ARG(file_name));
	ld.sv = (struct source_view){name, &map, fi};
	if (position_read(text, &rc->arena, &map) != 0)
		ld.no_memory = true;
	else if (tree_run(&tn, text, &ld.sv, &rc->arena, &ld.root, err) != 0) {
		rule_cases_free(rc);
		return NULL;
	}
	if (ld.root != NULL)
		read_cases(&ld, rc);
	tree_run_free(tn);
	if (!ld.no_memory && fi->errors == errors)
		return rc;
	if (ld.no_memory)
		(void)err_nomem(err);
	else
		(void)err_set(err, ERR_CHECKED, "%s: its tests have mistakes", name);
	rule_cases_free(rc);
	return NULL;
}

void
rule_cases_free(struct rule_cases *rc)
{
	if (rc == NULL)
		return;
	arena_free(&rc->arena);
	free(rc);
}

int
case_event_json(const struct case_event *ce, struct buf *ret, struct err *err)
{
	return sample_event_json(ce->contract, &ce->sample, ret, err);
}
