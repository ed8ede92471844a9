/* A rule set bound to the layouts of one store: which subject kinds are live (some rule judges them), and for each rule and
 * layout what is a trigger and where its fields are. Made when a rule set goes live; immutable; shared by all partitions. */
#ifndef DIDEBAN_ENGINE_FLOW_PLAN_H
#define DIDEBAN_ENGINE_FLOW_PLAN_H

#include "engine/event/event.h"
#include "engine/feature/bind.h"
#include "engine/flow/names.h"
#include "engine/flow/ruleset.h"

struct trigger_bind {
	bool on;
	uint8_t role;
	int fields[LIMIT_RULE_FIELDS]; /* by index in rule->fields; -1: the layout has none */
};

struct rule_plan {
	const struct rule *ru;
	size_t index;                  /* in the rule set and its VMs */
	struct trigger_bind *triggers; /* by layout number */
	unsigned n_features;
	struct feature_plan features[LIMIT_RULE_FEATURES];
	struct feature_bind *binds[LIMIT_RULE_FEATURES]; /* each by layout number */
	int alike[LIMIT_RULE_FEATURES]; /* features of all rules with the same number take the same entries (feature/small.h); -1: none */
};

struct kind_plan {
	char *kind; /* "person" */
	unsigned n;
	struct rule_plan **rules; /* borrowed from plan->rules, in order of rule id */
};

struct plan {
	size_t n_rules, n_layouts, n_kinds;
	size_t n_alike; /* of rule_plan.alike */
	struct rule_plan *rules;
	struct kind_plan *kinds;
};

/* Binds rules 0..n-1 to every layout that `na` knows. NULL: out of memory, or ERR_CHECKED when a rule's types name its subject
 * by different kinds. */
struct plan *plan_make(const struct rule *const *rules, size_t n, const struct contracts *contracts, const struct names *na, struct err *err);
void plan_free(struct plan *pl);
/* The kind of subject that a rule judges under these contracts. NULL: ERR_CHECKED. */
const char *plan_rule_kind(const struct rule *ru, const struct contracts *contracts, struct err *err);
/* The rule is asked about this event, and nobody can say of whom: a reference of its role has no identifier, and no other names one. */
bool plan_nameless(const struct rule_plan *rp, uint16_t layout, const struct event *ev);
/* The live kind of a subject "kind/key", or NULL. */
const struct kind_plan *plan_kind(const struct plan *pl, struct slice subject);

#endif
