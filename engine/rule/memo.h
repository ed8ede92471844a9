/* What rules answered, by what they read. A rule is a function of its trigger's fields and its features: it has no memory of its own
 * (vm.h). So what it reads first is always the same, what it reads next follows from what it found there, and where all it read is as
 * it was before, so is the answer: a walk over values in place of a call of Lua. A rule that seldom reads what it read before (a share,
 * a time) is called as ever. What went wrong is not kept, nor an answer for which the items of an `active` feature were read.
 * Bounded: LIMIT_MEMO_RULE_NODES places a rule, LIMIT_MEMO_NODES in all, LIMIT_MEMO_BYTES of answers and texts; what rules that are
 * called as ever have filled is given to the others. One thread. */
#ifndef DIDEBAN_ENGINE_RULE_MEMO_H
#define DIDEBAN_ENGINE_RULE_MEMO_H

#include "engine/rule/vm.h"

/* One thing that a rule reads: field `at` of the trigger or, below zero, of its envelope; or attribute `attr` of feature `at`. */
enum { READ_TYPE = -1, READ_SOURCE = -2, READ_ID = -3, READ_TIME = -4 };
struct memo_read {
	bool feature;
	int at;
	enum feature_attr attr;
};
struct value memo_read_value(const struct rule_input *in, struct memo_read re);

struct memo;
struct memo *memo_new(size_t rules); /* NULL: out of memory */
void memo_free(struct memo *me);
/* The rule's answer to this input, if it is known: 1, *ret filled (its slices live until the next memo_keep); else 0. */
int memo_find(struct memo *me, size_t rule, const struct rule_input *in, struct rule_result *ret);
/* Between memo_begin and memo_keep the rule runs: everything that it reads is noted, or it is given up. Memory that is not there
 * only means that nothing is kept. */
void memo_begin(struct memo *me, size_t rule);
void memo_note(struct memo *me, struct memo_read re, const struct value *v);
void memo_give_up(struct memo *me);
void memo_keep(struct memo *me, size_t rule, const struct rule_result *answer);

#endif
