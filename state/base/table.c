#include "state/base/table.h"

#include <stdlib.h>
#include <string.h>

void
table_free(struct table *t)
{
	free(t->slots);
	*t = (struct table){0};
}

void
table_clear(struct table *t)
{
	if (t->cap != 0)
		memset(t->slots, 0, t->cap * sizeof *t->slots);
	t->n = 0;
}

static void
place(struct table *t, uint64_t hash, void *item)
{
	size_t i = (size_t)hash & (t->cap - 1);

	while (t->slots[i].item != NULL)
		i = (i + 1) & (t->cap - 1);
	t->slots[i] = (struct table_slot){hash, item};
}

int
table_add(struct table *t, uint64_t hash, void *item)
{
	if (t->n + 1 > t->cap / 4 * 3) {
		struct table old = *t;
		size_t cap = old.cap == 0 ? 64 : old.cap * 2;

		t->slots = calloc(cap, sizeof *t->slots);
		if (t->slots == NULL) {
			*t = old;
			return -1;
		}
		t->cap = cap;
		for (size_t i = 0; i < old.cap; i++)
			if (old.slots[i].item != NULL)
				place(t, old.slots[i].hash, old.slots[i].item);
		free(old.slots);
	}
	place(t, hash, item);
	t->n++;
	return 0;
}

/* Backward-shift deletion: no tombstones, so probes stay short. */
void
table_remove(struct table *t, uint64_t hash, const void *item)
{
	size_t mask = t->cap - 1, i, j;

	if (t->cap == 0)
		return;
	for (i = (size_t)hash & mask; t->slots[i].item != item; i = (i + 1) & mask)
		if (t->slots[i].item == NULL)
			return;
	for (j = (i + 1) & mask; t->slots[j].item != NULL; j = (j + 1) & mask) {
		size_t home = (size_t)t->slots[j].hash & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			t->slots[i] = t->slots[j];
			i = j;
		}
	}
	t->slots[i] = (struct table_slot){0, NULL};
	t->n--;
}
