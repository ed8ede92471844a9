/* What a small timeline holds for a count or a distinct count, found once for all rules that look at the same entries: their windows
 * are then ranges of bits. One thread. */
#ifndef DIDEBAN_ENGINE_FEATURE_SMALL_H
#define DIDEBAN_ENGINE_FEATURE_SMALL_H

#include "engine/feature/window.h"

/* Timelines up to this many entries are small. */
#define SMALL_TIMELINE 32

struct small {
	uint64_t serial; /* of the subject, and the version of its timeline, for which this was found; 0: none */
	uint32_t version;
	uint32_t taken, contested;     /* bit i: the feature takes entry i; and it is contested */
	uint8_t value[SMALL_TIMELINE]; /* distinct: equal numbers are equal values, of entries that are taken */
};

/* Features of these specs take the same entries and values: all but window, evidence and name is equal, and nothing but the
 * numbers of entries or values is asked for. */
bool small_serves(const struct feature_spec *spec);
bool small_alike(const struct feature_spec *a, const struct feature_spec *b);
/* Finds it for a timeline of at most SMALL_TIMELINE entries, unless it is known. */
void small_find(struct small *sm, const struct window_view *vi, uint64_t serial);
/* `n` (count, distinct) and `contested` of the entries [lo, hi). */
uint32_t small_count(const struct small *sm, const struct feature_spec *spec, uint32_t lo, uint32_t hi);
bool small_contested(const struct small *sm, uint32_t lo, uint32_t hi);

#endif
