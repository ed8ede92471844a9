/* Judging one trigger: the rule reads its fields and features at that place of the timeline, through cursors that move there
 * only when they are read. */
#ifndef DIDEBAN_ENGINE_FLOW_JUDGE_H
#define DIDEBAN_ENGINE_FLOW_JUDGE_H

#include "engine/feature/small.h"
#include "engine/flow/subject.h"

struct evidence {
	uint32_t n;
	uint32_t index[LIMIT_EVIDENCE * LIMIT_RULE_FEATURES]; /* entries, newest first, one an event */
	bool capped;                                          /* there may be more */
	uint64_t total;                                       /* judge_total: without the caps */
};

struct judge {
	struct subject *su;
	const struct rule_plan *rp;
	const struct names *names;
	struct rule_vm *vm;
	struct small *small; /* the worker's, by rule_plan.alike */
	/* A small timeline's are the worker's scratch cursors, filled anew: that is as quick as keeping cursors for millions of small
	 * subjects would be, and costs no memory. */
	struct cursor *cursors;
	bool stale[LIMIT_RULE_FEATURES]; /* of another subject: to be cleared before use */
	uint32_t index;                  /* the trigger's entry */
	uint32_t first, end;             /* the entries of its event: [first, end) */
	bool sought[LIMIT_RULE_FEATURES];
	bool failed; /* out of memory in a callback */
	struct rule_result result;
};

/* Begins with one subject and rule: chooses cursors. `scratch` has one a feature, `small` one for each number of plan->n_alike.
 * -1: out of memory. */
int judge_begin(struct judge *ju, struct subject *su, unsigned rule_slot, const struct names *na, struct rule_vm *vm, struct cursor *scratch,
    struct small *small);
/* Entry i is a trigger of the rule. */
bool judge_is_trigger(const struct judge *ju, uint32_t i);
/* Sets the place; features are sought when read. */
void judge_at(struct judge *ju, uint32_t i);
/* Evaluates at the place. -1: out of memory. */
int judge_eval(struct judge *ju);
/* The encoded episode values of a trigger with these kept bytes. */
void judge_group(const struct rule_plan *rp, uint16_t layout, struct slice kept, struct buf *ret);
/* The result's values as an alert stores them, and behind them, under names that begin with 0x01, what `deliver` reads. */
void judge_values(const struct judge *ju, struct buf *ret);
/* The entries that the features hand over at the place. -1: out of memory. */
int judge_evidence(struct judge *ju, struct evidence *ret);
/* Counts also what the caps hide. -1: out of memory. */
int judge_total(struct judge *ju, struct evidence *ev);
/* Any entry of the trigger's event or of the evidence is contested. */
bool judge_contested(const struct judge *ju, const struct evidence *ev);
/* Fingerprint of an outcome with its values (judge_values) and evidence. */
uint64_t judge_signature(const struct judge *ju, const struct hit *hi, struct slice values, const struct evidence *ev);
/* Before entries from `first` on change: lets the subject's own cursors go back. -1: out of memory. */
int judge_rewind(struct subject *su, uint32_t first);

#endif
