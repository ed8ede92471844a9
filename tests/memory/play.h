/* A small history that passes through everything a node does: rules, batches with late, retracted, conflicting and bad events,
 * a tick, checkpoints, a switch of rules, a crash, closing and opening, all views, backup and restore. One thread. */
#ifndef DIDEBAN_TESTS_MEMORY_PLAY_H
#define DIDEBAN_TESTS_MEMORY_PLAY_H

#include "state/base/err.h"
#include "tests/property/gen.h"

#include <limits.h>

struct play {
	const struct gen_set *set;
	char dir[PATH_MAX / 2]; /* its stores lie below */
	struct buf found;       /* of play_end: alerts and quarantine, as sorted lines */
	const char *doing;      /* the step under way */
	unsigned added;         /* lines given so far, by all runs: numbers of a stream only rise */
	uint64_t seen;          /* by callbacks, so that what is shown is read */
};

/* Each returns 0, or -1 with err filled; whatever it has opened is closed and freed either way. */

/* The whole history, once. */
int play_history(struct play *pl, struct err *err);
/* Opens what a history has left, gives it all events again, and writes down what it ends in. */
int play_end(struct play *pl, struct err *err);

#endif
