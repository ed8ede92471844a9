/* What a sweep learned of the triggers that it judged, until their groups are cut: 24 bytes a hit, and its values. Bounded in bytes:
 * of what comes behind that, the rule is asked again. One thread. */
#ifndef DIDEBAN_ENGINE_FLOW_LOOKS_H
#define DIDEBAN_ENGINE_FLOW_LOOKS_H

#include "engine/alert/standing.h"

struct look {
	uint64_t signature; /* judge_signature */
	uint64_t total;     /* of the evidence, without caps */
	struct slice values;
};

struct look_place;
struct looks {
	struct look_place *v;
	uint32_t n, cap;
	struct buf values;
};

void looks_free(struct looks *lo);  /* a zeroed struct holds nothing */
void looks_clear(struct looks *lo); /* keeps room, but not room it needed once for a crowd */
/* Copies the look; what hit.fresh becomes, by which it is found. HIT_FRESH: there was no room, or no memory, for it. */
uint32_t looks_add(struct looks *lo, const struct look *look);
/* Values are valid until the next looks_add. False: nothing is kept under this mark. */
bool looks_get(const struct looks *lo, uint32_t fresh, struct look *ret);

#endif
