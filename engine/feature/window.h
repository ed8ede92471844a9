/* A window over a timeline: what a count, distinct, sum, min, max, first or last feature knows of the entries [lo, hi).
 * It moves by single entries at either end, in both directions, so the cost of a trigger is the distance from the one before,
 * not the window's length; a late entry costs the way back and forth again. One thread.
 * An entry of index >= hi may change freely; before an index below hi changes, window_rewind to it. */
#ifndef DIDEBAN_ENGINE_FEATURE_WINDOW_H
#define DIDEBAN_ENGINE_FEATURE_WINDOW_H

#include "engine/feature/bag.h"
#include "engine/feature/bind.h"

__extension__ typedef __int128 int128;

/* Entry indexes that entered and left at either end. */
struct ring {
	uint32_t *v;
	uint32_t head, n, cap;
};

/* What is known of one group, or of all. */
struct tally {
	uint32_t n, distinct, contested, decimals;
	int128 sum;       /* at LIMIT_DECIMAL_SCALE */
	struct ring ring; /* first, last, min, max */
	struct ring heap; /* min, max: indexes, some of them left already; head is unused */
	bool heap_stale;  /* must be made anew from the ring */
};

struct window {
	uint32_t lo, hi;
	struct tally all;
	struct bag groups;     /* `by`: encoded group values; count: entries */
	struct tally *tallies; /* by group number */
	uint32_t n_tallies;
	struct bag values; /* distinct: u32 group number, encoded value */
	bool failed;       /* a read had no memory: its value is not to be used */
};

/* What the window looks at; kept by the caller for the time of each call. */
struct window_view {
	const struct timeline *tl;
	const struct feature_plan *plan;
	const struct feature_bind *binds; /* by layout number */
};

void window_free(struct window *wi);
void window_clear(struct window *wi); /* empty, at index 0; keeps room */
/* Makes it hold exactly the taken entries of [lo, hi). -1: out of memory (then clear it). */
int window_seek(struct window *wi, const struct window_view *vi, uint32_t lo, uint32_t hi);
/* Lets go of every entry with index >= first. */
int window_rewind(struct window *wi, const struct window_view *vi, uint32_t first);
/* `mine` is the encoded group of the trigger (empty: it has none). Out of memory: `failed` is set, until the window is cleared. */
struct value window_read(struct window *wi, const struct window_view *vi, enum feature_attr attr, struct slice mine);
size_t window_bytes(const struct window *wi);

#endif
