/* The `active` feature over a timeline: for each key the state that its life-cycle entries before index `hi` leave: on iff the
 * newest of them opens or reopens and an opening exists; attributes are those of the newest opening.
 * Moving right applies entries, moving left takes them back from an undo list: the cost is the distance. One thread.
 * As for windows: before an index below hi changes, active_rewind to it. */
#ifndef DIDEBAN_ENGINE_FEATURE_ACTIVE_H
#define DIDEBAN_ENGINE_FEATURE_ACTIVE_H

#include "engine/feature/window.h"

#define NO_ENTRY UINT32_MAX

struct life {
	uint32_t newest;  /* entry index, or NO_ENTRY */
	uint32_t opening; /* newest opening, or NO_ENTRY */
};
struct life_undo {
	uint32_t key;
	uint32_t index; /* the entry that made the step */
	struct life before;
};
struct active {
	uint32_t hi;
	struct bag keys;    /* encoded key values */
	struct life *lives; /* by key number */
	uint32_t cap_lives; /* and of items */
	struct life_undo *undo;
	uint32_t n_undo, cap_undo;
	/* What is on at the trigger: made by active_list, valid until the next seek. */
	uint32_t *items; /* key numbers, sorted by key bytewise */
	uint32_t n_items;
	bool contested; /* the newest entry or the opening of some key, on or not, is: nobody knows what is on */
	bool listed;
};

void active_free(struct active *ac);
void active_clear(struct active *ac);
/* Makes it the state before entry `hi`. -1: out of memory. */
int active_seek(struct active *ac, const struct window_view *vi, uint32_t hi);
void active_rewind(struct active *ac, uint32_t first);
/* Lists what is on at time t; returns how many (at most LIMIT_ACTIVE_ITEMS are listed in items, the number is exact). */
uint32_t active_list(struct active *ac, const struct window_view *vi, struct instant t);
/* Item i of the list: the entry index of its opening. */
uint32_t active_opening(const struct active *ac, uint32_t item);
struct slice active_key(const struct active *ac, uint32_t item); /* encoded */
/* Item i rests on a contested entry. */
bool active_contested(const struct active *ac, const struct window_view *vi, uint32_t item);
size_t active_bytes(const struct active *ac);

#endif
