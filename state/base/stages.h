/* Where an event's time goes: a clock that is always in one stage. Off, a change of stage costs one comparison; on, it asks the
 * system's clock (some 25 ns), so a run that is measured this way is not the one whose total counts. One thread: the one that
 * called stages_start. Times are by the wall clock: the journal's hold the waiting for the disk. */
#ifndef DIDEBAN_STATE_BASE_STAGES_H
#define DIDEBAN_STATE_BASE_STAGES_H

#include <stdbool.h>

enum stage {
	STAGE_OTHER,
	STAGE_READ,       /* bytes from files, unpacked, cut into events */
	STAGE_PARSE,      /* JSON */
	STAGE_VALIDATE,   /* the contract, and what is kept */
	STAGE_JOURNAL,    /* append and sync */
	STAGE_REGISTRAR,  /* identities: duplicates, conflicts, retractions */
	STAGE_TIMELINE,   /* subjects in memory, loading, merging */
	STAGE_FEATURES,   /* which triggers a change reaches; windows, counts */
	STAGE_LUA,        /* the rules */
	STAGE_ALERTS,     /* episodes, and rendering messages */
	STAGE_CHECKPOINT, /* gathering changes, sorting, writing, taking in */
	STAGE_PUBLISH,    /* handing messages to the sink */
	STAGE_COUNT
};

extern bool stages_on;
void stages_start(void);
/* Seconds spent in a stage so far. */
double stages_seconds(enum stage st);
const char *stage_name(enum stage st);
enum stage stages_change(enum stage st);

/* Returns the stage before, for stage_leave. */
static inline enum stage
stage_enter(enum stage st)
{
	return stages_on ? stages_change(st) : STAGE_OTHER;
}

static inline void
stage_leave(enum stage before)
{
	if (stages_on)
		(void)stages_change(before);
}

#endif
