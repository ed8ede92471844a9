/* Runs a script of steps on a real node and compares what it holds with the model at each check. One thread. */
#ifndef DIDEBAN_TESTS_PROPERTY_RUN_H
#define DIDEBAN_TESTS_PROPERTY_RUN_H

#include "tests/property/gen.h"

struct run {
	bool failed;
	const char *title;           /* which kind of failure: static text */
	struct buf what;             /* the same in full, for a person */
	struct buf alerts;           /* the last check's standing and ended alerts, whole, but for what may differ between two runs */
	bool stood, withdrew, recut; /* ends with a standing alert; on the way one was withdrawn; episodes merged or split */
	unsigned checks, evals;
};
/* ret is made anew; a failure of the machine (no memory, no disk) is a failure too, with its text. */
void run_script(struct run *ret, const struct gen_set *set, const struct script *sc);
void run_free(struct run *ru);

/* Puts the runs' stores into memory where the machine has such a folder, unless TMPDIR says where they go. */
void files_in_memory(void);

/* Makes a failing set and script small and prints them: events as NDJSON, contracts, rules, and how to replay.
 * `base`: a script whose alerts must be the same, for failures between two runs only; or NULL. */
void shrink_and_print(const struct gen_set *set, const struct script *sc, const struct script *base, unsigned variant);

#endif
