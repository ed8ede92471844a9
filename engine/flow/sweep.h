/* Which triggers can a change reach? One sweep over a timeline from the first change on judges those again and no others:
 *
 *   a window feature      reaches up to its length behind the change
 *   an `active` feature   reaches up to the next entry of that key; if the change is an opening, up to the next opening
 *                         (a reopening draws its existence and attributes from the opening before it)
 *
 * Changes that no feature of the rule takes reach nothing but a trigger that is itself new. */
#ifndef DIDEBAN_ENGINE_FLOW_SWEEP_H
#define DIDEBAN_ENGINE_FLOW_SWEEP_H

#include "engine/flow/judge.h"

struct sweep {
	struct judge *judge;        /* begun with the subject and rule */
	const struct delta *deltas; /* merged: sorted, with index and found; one at least */
	size_t n;
	void *ctx;
	int (*trigger)(void *ctx, struct err *err);                      /* the judge stands at a trigger that must be judged again */
	int (*gone)(void *ctx, const struct delta *de, struct err *err); /* a trigger was taken out */
	struct bag dirty[LIMIT_RULE_FEATURES]; /* of each `active` feature: keys whose state is not what it was; count: 1 newest, 2 opening */
	uint32_t n_dirty;
	bool forever, reached; /* what windows reach */
	struct instant until;
};

int sweep_run(struct sweep *sw, struct err *err);

#endif
