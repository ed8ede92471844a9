/* A synthetic province: courts, witnesses, experts, gates, warrants, as CloudEvents; and what was planted in it.
 *
 * It is a producer of events, like a court's own system, and no part of the engine: so event types, fields and rules are
 * named here, and nowhere else in C outside engine/identity/. Same options, same bytes. Everybody in it is made up;
 * identifiers have a valid check digit and belong to nobody in particular. Memory grows with the events that are planted
 * or on their way (some per cent of all), not with all events. One thread. */
#ifndef DIDEBAN_TOOLS_WORLD_WORLD_H
#define DIDEBAN_TOOLS_WORLD_WORLD_H

#include "state/base/err.h"
#include "state/base/slice.h"

#include <stdint.h>

struct world_kind {
	const char *name, *what;
	unsigned parts; /* of enum world_part in world.c */
};
extern const struct world_kind world_kinds[]; /* ends with a NULL name; the first is the whole province */
#define WORLD_KIND_DEFAULT "world"

#define WORLD_EVENTS_MIN 500
#define WORLD_EVENTS_MAX 100000000

/* Who was planted: `rule` must end with a standing alert on `subject` ("standing"), with one that was raised and withdrawn
 * ("withdrawn"), or with none although it looks like one ("none"). */
struct world_plant {
	const char *rule, *subject, *expect, *story;
};

struct world_options {
	const struct world_kind *kind;
	uint64_t seed, events; /* exactly so many lines */
	bool malformed;        /* some lines are damaged on purpose */
	/* An event or a line that is none (planted damage), without newline. Non-zero stops. */
	int (*on_line)(void *ctx, struct slice line, struct err *err);
	/* What was planted, before the first line: see struct world_plant. NULL: not wanted. */
	int (*on_plant)(void *ctx, const struct world_plant *plant, struct err *err);
	void *ctx;
};

struct world_counts {
	uint64_t lines, late, duplicates, retracted, malformed;
};

int world_generate(const struct world_options *opt, struct world_counts *ret, struct err *err);

#endif
