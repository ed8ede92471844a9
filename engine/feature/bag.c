#include "engine/feature/bag.h"

#include "state/base/hash.h"

#include <stdlib.h>

void
bag_free(struct bag *ba)
{
	free(ba->items);
	free(ba->slots);
	buf_free(&ba->bytes);
	*ba = (struct bag){0};
}

/* A cleared bag keeps its room, but not room it needed once for a crowd. */
void
bag_clear(struct bag *ba)
{
	if (ba->n_slots > 1024) {
		bag_free(ba);
		return;
	}
	if (ba->n != 0)
		memset(ba->slots, 0, ba->n_slots * sizeof *ba->slots);
	ba->n = 0;
	ba->live = 0;
	buf_clear(&ba->bytes);
}

size_t
bag_bytes(const struct bag *ba)
{
	return ba->cap * sizeof *ba->items + ba->n_slots * sizeof *ba->slots + ba->bytes.cap;
}

struct slice
bag_text(const struct bag *ba, uint32_t number)
{
	return slice_of(ba->bytes.p + ba->items[number].at, ba->items[number].len);
}

static uint32_t
find(const struct bag *ba, struct slice s, uint64_t hash)
{
	uint32_t mask = ba->n_slots - 1;

	if (ba->n_slots == 0)
		return UINT32_MAX;
	for (uint32_t i = (uint32_t)hash & mask; ba->slots[i] != 0; i = (i + 1) & mask) {
		const struct bag_item *it = &ba->items[ba->slots[i] - 1];

		if (it->hash == hash && slice_eq(slice_of(ba->bytes.p + it->at, it->len), s))
			return ba->slots[i] - 1;
	}
	return UINT32_MAX;
}

uint32_t
bag_find(const struct bag *ba, struct slice s)
{
	return find(ba, s, hash64(s));
}

static void
place(struct bag *ba, uint32_t number)
{
	uint32_t mask = ba->n_slots - 1, i = (uint32_t)ba->items[number].hash & mask;

	while (ba->slots[i] != 0)
		i = (i + 1) & mask;
	ba->slots[i] = number + 1;
}

static int
grow(struct bag *ba)
{
	if (ba->n == ba->cap) {
		uint32_t cap = ba->cap == 0 ? 8 : ba->cap * 2;
		struct bag_item *items = realloc(ba->items, cap * sizeof *items);

		if (items == NULL)
			return -1;
		ba->items = items;
		ba->cap = cap;
	}
	if (ba->n_slots < 2 * (ba->n + 1)) {
		uint32_t n = ba->n_slots == 0 ? 16 : ba->n_slots * 2;
		uint32_t *slots = calloc(n, sizeof *slots);

		if (slots == NULL)
			return -1;
		free(ba->slots);
		ba->slots = slots;
		ba->n_slots = n;
		for (uint32_t i = 0; i < ba->n; i++)
			place(ba, i);
	}
	return 0;
}

uint32_t
bag_number(struct bag *ba, struct slice s)
{
	uint64_t hash = hash64(s);
	uint32_t number = find(ba, s, hash);

	if (number != UINT32_MAX)
		return number;
	if (grow(ba) != 0 || ba->bytes.n + s.n > UINT32_MAX)
		return UINT32_MAX;
	number = ba->n;
	ba->items[number] = (struct bag_item){hash, (uint32_t)ba->bytes.n, (uint32_t)s.n, 0};
	buf_add_slice(&ba->bytes, s);
	if (!buf_ok(&ba->bytes)) {
		ba->bytes.bad = false;
		return UINT32_MAX;
	}
	ba->n++;
	place(ba, number);
	return number;
}

uint32_t
bag_inc(struct bag *ba, uint32_t number)
{
	if (ba->items[number].count++ == 0)
		ba->live++;
	return ba->items[number].count;
}

uint32_t
bag_dec(struct bag *ba, uint32_t number)
{
	if (--ba->items[number].count == 0)
		ba->live--;
	return ba->items[number].count;
}
