/* A hash table of pointers that owns nothing: open addressing, linear probing, at most 3/4 full. The caller hashes and compares:
 *
 *	for (size_t pos = table_start(t, hash); (it = table_probe(t, hash, &pos)) != NULL;)
 *		if (same(it, key))
 *			return it;
 */
#ifndef DIDEBAN_STATE_BASE_TABLE_H
#define DIDEBAN_STATE_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_slot {
	uint64_t hash;
	void *item; /* NULL: empty */
};
struct table {
	struct table_slot *slots;
	size_t cap, n; /* cap: 0 or a power of two */
};

void table_free(struct table *t);                          /* the slots, not the items */
void table_clear(struct table *t);                         /* empties it and keeps the room */
int table_add(struct table *t, uint64_t hash, void *item); /* -1: out of memory */
void table_remove(struct table *t, uint64_t hash, const void *item);

static inline size_t
table_start(const struct table *t, uint64_t hash)
{
	return t->cap == 0 ? 0 : (size_t)hash & (t->cap - 1);
}

/* Hints for look-ups that come soon: that the slot be in the cache, and what may be the item itself (NULL: none yet). */
static inline void
table_expect(const struct table *t, uint64_t hash)
{
	if (t->cap != 0)
		__builtin_prefetch(&t->slots[(size_t)hash & (t->cap - 1)]);
}

static inline const void *
table_glance(const struct table *t, uint64_t hash)
{
	const struct table_slot *slot = t->cap == 0 ? NULL : &t->slots[(size_t)hash & (t->cap - 1)];

	return slot != NULL && slot->hash == hash ? slot->item : NULL;
}

/* The next item with this hash, or NULL when there are no more. */
static inline void *
table_probe(const struct table *t, uint64_t hash, size_t *pos)
{
	if (t->cap == 0)
		return NULL;
	for (;;) {
		const struct table_slot *slot = &t->slots[*pos];

		if (slot->item == NULL)
			return NULL;
		*pos = (*pos + 1) & (t->cap - 1);
		if (slot->hash == hash)
			return slot->item;
	}
}

#endif
