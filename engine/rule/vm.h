/* The sandbox that runs a rule's `evaluate`: one lua_State per rule_vm, used by one thread; lua.h stays behind this header.
 * The rule reads its trigger and features through callbacks, on demand: nothing is built per event.
 * Budgets (base/limits.h) hold per call; beyond one, or on any error, the result is OUTCOME_ERROR with a text, and the
 * process and the other rules go on. Memory that the machine has not is no error of the rule: then the evaluation as such
 * fails, so that no result depends on it. Results are a function of what the callbacks answer, on every machine. */
#ifndef DIDEBAN_ENGINE_RULE_VM_H
#define DIDEBAN_ENGINE_RULE_VM_H

#include "engine/rule/rule.h"

/* What one evaluation may read; ctx is handed back. Slices that callbacks return must live until rule_vm_eval returns. */
struct rule_input {
	void *ctx;
	/* Field i of rule->fields of the trigger; VALUE_NONE when missing. */
	struct value (*field)(void *ctx, unsigned field);
	/* The trigger's envelope: e.type, e.source, e.id (strings), e.time (INTEGER seconds since 1970 UTC). Reserved names. */
	struct slice type, source, id;
	struct instant time;
	struct value (*feature)(void *ctx, unsigned feature, enum feature_attr attr);
	/* `active` only: how many items are on (rules read LIMIT_ACTIVE_ITEMS of them at most), and a kept field of the opening of item i, sorted by
	 * key bytewise; the name "key" gives the key, "contested" a boolean. In Lua: f.NAME.items[i].FIELD, #f.NAME.items, ipairs. */
	unsigned (*items)(void *ctx, unsigned feature);
	struct value (*item)(void *ctx, unsigned feature, unsigned item, struct slice field);
};

struct rule_value {
	struct slice name;
	struct value value; /* STRING, INTEGER, BOOLEAN or NUMBER */
};
struct rule_result {
	enum outcome_class class;
	int outcome;       /* index in rule->outcomes; -1 for error and for a missing `need` field */
	const char *error; /* OUTCOME_ERROR: what happened, "line 12: ..."; OUTCOME_UNKNOWN with outcome -1: "case_id is missing" */
	unsigned n_values; /* sorted by name bytewise */
	struct rule_value values[LIMIT_RULE_VALUES]; /* slices valid until the next rule_vm_eval */
};

struct rule_vm;
/* A VM with one environment per rule; rules are borrowed and must outlive it; texts as given to rule_load, in the same order. */
int rule_vm_new(struct rule_vm **ret, const struct rule *const *rules, const struct slice *texts, size_t n, struct err *err);
void rule_vm_free(struct rule_vm *vm);
/* Missing `need` fields give OUTCOME_UNKNOWN without running any Lua. What a rule does wrong gives OUTCOME_ERROR; -1: out of
 * memory, and *ret is not to be used. */
int rule_vm_eval(struct rule_vm *vm, size_t rule, const struct rule_input *in, struct rule_result *ret);

/* The tests inside a rule file, parsed: see engine/rule/cases.h. */

#endif
