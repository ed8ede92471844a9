/* The tests inside a rule file (docs/rules.md, "Tests"): what is given, as events, and which alerts must stand afterwards.
 * Immutable after loading; everything lives in one arena. */
#ifndef DIDEBAN_ENGINE_RULE_CASES_H
#define DIDEBAN_ENGINE_RULE_CASES_H

#include "engine/event/sample.h"
#include "engine/rule/rule.h"
#include "state/base/arena.h"

#define CASE_DAY_ZERO ((struct instant){INT64_C(1710892800), 0}) /* 2024-03-20T00:00:00Z, 1 Farvardin 1403 */

struct case_event {
	const struct contract *contract; /* NULL where contracts were not given */
	struct slice type;
	struct sample_event sample;
	struct slice retract; /* id of what a retraction takes out; empty otherwise */
	unsigned line;
};

struct case_value {
	struct slice name;
	struct value value;
};

/* One alert that must stand; what is not said is not compared. */
struct case_expect {
	bool has_time, has_values, has_evidence;
	struct instant time; /* of the shown trigger */
	struct slice outcome;
	struct slice subject;          /* key, or KIND/KEY, or a person's key without "x-test:" */
	struct slice trigger, opening; /* ids of events */
	struct slice level, fa, en;
	unsigned n_values, n_evidence;
	struct case_value *values; /* all of them, in any order */
	struct slice *evidence;    /* each an event's id or the value of the feature's `of`, `key` or `by` field; all of them */
	unsigned line;
};

struct rule_case {
	struct slice name;
	unsigned n_events, n_expect, n_outcomes;
	struct case_event *events;
	struct case_expect *expect;
	bool has_outcomes;
	struct slice *outcomes; /* of every trigger in total order: a code, "unknown" for a missing `need`, "error" */
	unsigned line;
};

struct rule_cases {
	struct arena arena;
	unsigned n;
	struct rule_case *v;
};

/* The tests of a rule that rule_load accepted. NULL with findings or err. */
struct rule_cases *rule_cases_load(
    struct slice file_name, struct slice text, const struct rule *ru, const struct contracts *contracts, struct findings *fi, struct err *err);
void rule_cases_free(struct rule_cases *rc);
/* Appends the event's JSON (contracts were given to rule_cases_load). */
int case_event_json(const struct case_event *ce, struct buf *ret, struct err *err);

#endif
