/* A multiset of byte strings with a dense number for each distinct one, kept as long as the bag is not cleared or packed.
 * Used for exact distinct counts and for groups. Adding and removing cost O(1); strings are copied once. One thread. */
#ifndef DIDEBAN_ENGINE_FEATURE_BAG_H
#define DIDEBAN_ENGINE_FEATURE_BAG_H

#include "state/base/buf.h"

struct bag_item {
	uint64_t hash;
	uint32_t at, len; /* in bytes */
	uint32_t count;
};
struct bag {
	struct bag_item *items; /* dense, in order of first arrival */
	uint32_t n, cap;
	uint32_t live;   /* items with count > 0 */
	uint32_t *slots; /* item + 1, or 0 */
	uint32_t n_slots;
	struct buf bytes;
};

void bag_free(struct bag *ba);
void bag_clear(struct bag *ba);
/* The number of a string, made if new (count 0); UINT32_MAX: out of memory. */
uint32_t bag_number(struct bag *ba, struct slice s);
/* The number of a string, or UINT32_MAX if it never came. */
uint32_t bag_find(const struct bag *ba, struct slice s);
struct slice bag_text(const struct bag *ba, uint32_t number);
/* Each returns the new count; `number` must be in the bag. */
uint32_t bag_inc(struct bag *ba, uint32_t number);
uint32_t bag_dec(struct bag *ba, uint32_t number);
size_t bag_bytes(const struct bag *ba);

#endif
