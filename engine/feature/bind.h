/* A feature bound to a layout: field names become indexes, event types become flags, so that judging an entry compares no
 * names. Made once per (feature, layout); immutable. */
#ifndef DIDEBAN_ENGINE_FEATURE_BIND_H
#define DIDEBAN_ENGINE_FEATURE_BIND_H

#include "engine/feature/spec.h"
#include "engine/timeline/timeline.h"

enum { LIFE_OPENS = 1, LIFE_REOPENS = 2, LIFE_CLOSES = 4 };

struct feature_bind {
	bool on;                    /* the type is one that the feature looks at */
	uint8_t life;               /* active: what the type does */
	int role;                   /* -1: any */
	int of, by, key, from, til; /* field indexes, -1: the layout has none, or the feature names none */
	int where[8];
};

/* The `where` values in encoded form, to be compared with kept bytes. Owned by whoever owns the plan. */
struct feature_plan {
	const struct feature_spec *spec;
	struct slice *where[8]; /* spec->where[i].n of them each */
	struct buf bytes;
};
int feature_plan_make(struct feature_plan *ret, const struct feature_spec *spec);
void feature_plan_free(struct feature_plan *pl);

void feature_bind_make(struct feature_bind *ret, const struct feature_spec *spec, const struct layout *la);
/* The entry counts for the feature: type, role, where, and the fields that it needs are there. */
bool feature_takes(const struct feature_plan *pl, const struct feature_bind *fb, uint8_t role, struct slice kept);

#endif
