#include "engine/feature/active.h"

#include <stdlib.h>

void
active_free(struct active *ac)
{
	bag_free(&ac->keys);
	free(ac->lives);
	free(ac->undo);
	free(ac->items);
	*ac = (struct active){0};
}

void
active_clear(struct active *ac)
{
	bag_clear(&ac->keys);
	ac->hi = ac->n_undo = ac->n_items = 0;
	ac->listed = false;
}

size_t
active_bytes(const struct active *ac)
{
	return bag_bytes(&ac->keys) + ac->cap_lives * (sizeof *ac->lives + sizeof *ac->items) + ac->cap_undo * sizeof *ac->undo;
}

/* For one key more. Before it is made, so that no key is ever without a life. */
static int
make_room(struct active *ac)
{
	uint32_t cap = ac->cap_lives == 0 ? 4 : ac->cap_lives * 2;
	struct life *lives;
	uint32_t *items;

	if (ac->keys.n < ac->cap_lives)
		return 0;
	lives = realloc(ac->lives, cap * sizeof *lives);
	if (lives == NULL)
		return -1;
	ac->lives = lives;
	items = realloc(ac->items, cap * sizeof *items);
	if (items == NULL)
		return -1;
	ac->items = items;
	ac->cap_lives = cap;
	return 0;
}

static int
push_undo(struct active *ac, uint32_t key, uint32_t index)
{
	if (ac->n_undo == ac->cap_undo) {
		uint32_t cap = ac->cap_undo == 0 ? 16 : ac->cap_undo * 2;
		struct life_undo *v = realloc(ac->undo, cap * sizeof *v);

		if (v == NULL)
			return -1;
		ac->undo = v;
		ac->cap_undo = cap;
	}
	ac->undo[ac->n_undo++] = (struct life_undo){key, index, ac->lives[key]};
	return 0;
}

static int
apply(struct active *ac, const struct window_view *vi, uint32_t index)
{
	const struct entry *en = &vi->tl->v[index];
	const struct feature_bind *fb = &vi->binds[en->layout];
	struct slice kept = entry_kept(vi->tl, en);
	uint32_t key, n_keys = ac->keys.n;

	if (!feature_takes(vi->plan, fb, en->role, kept))
		return 0;
	if (make_room(ac) != 0)
		return -1;
	key = bag_number(&ac->keys, kept_bytes(kept, (unsigned)fb->key));
	if (key == UINT32_MAX)
		return -1;
	if (key == n_keys)
		ac->lives[key] = (struct life){NO_ENTRY, NO_ENTRY};
	if (push_undo(ac, key, index) != 0)
		return -1;
	ac->lives[key].newest = index;
	if (fb->life & LIFE_OPENS)
		ac->lives[key].opening = index;
	return 0;
}

void
active_rewind(struct active *ac, uint32_t first)
{
	while (ac->n_undo > 0 && ac->undo[ac->n_undo - 1].index >= first) {
		const struct life_undo *un = &ac->undo[--ac->n_undo];

		ac->lives[un->key] = un->before;
	}
	if (ac->hi > first)
		ac->hi = first;
	ac->listed = false;
}

int
active_seek(struct active *ac, const struct window_view *vi, uint32_t hi)
{
	if (ac->hi > hi)
		active_rewind(ac, hi);
	ac->listed = false;
	for (; ac->hi < hi; ac->hi++)
		if (apply(ac, vi, ac->hi) != 0)
			return -1;
	return 0;
}

/* The opening's instant field, if it has one. */
static bool
bound(const struct window_view *vi, uint32_t opening, bool from, struct instant *ret)
{
	const struct entry *en = &vi->tl->v[opening];
	int field = from ? vi->binds[en->layout].from : vi->binds[en->layout].til;
	struct value v = kept_value(entry_kept(vi->tl, en), (unsigned)field); /* none, where the feature names no such field */

	*ret = v.t;
	return v.kind == VALUE_INSTANT;
}

static bool
is_on(const struct active *ac, const struct window_view *vi, uint32_t key, struct instant t)
{
	const struct life *li = &ac->lives[key];
	struct instant edge;

	if (li->opening == NO_ENTRY)
		return false;
	if ((vi->binds[vi->tl->v[li->newest].layout].life & (LIFE_OPENS | LIFE_REOPENS)) == 0)
		return false;
	if (bound(vi, li->opening, true, &edge) && instant_cmp(t, edge) < 0)
		return false;
	return !bound(vi, li->opening, false, &edge) || instant_cmp(t, edge) < 0;
}

static int
by_key(const void *a, const void *b, void *ctx)
{
	const struct bag *keys = ctx;

	return slice_cmp(bag_text(keys, *(const uint32_t *)a), bag_text(keys, *(const uint32_t *)b));
}

static bool
is_contested(const struct window_view *vi, const struct life *li)
{
	return (li->newest != NO_ENTRY && (vi->tl->v[li->newest].flags & ENTRY_CONTESTED) != 0) ||
	       (li->opening != NO_ENTRY && (vi->tl->v[li->opening].flags & ENTRY_CONTESTED) != 0);
}

uint32_t
active_list(struct active *ac, const struct window_view *vi, struct instant t)
{
	if (ac->listed)
		return ac->n_items;
	ac->n_items = 0;
	ac->contested = false;
	for (uint32_t key = 0; key < ac->keys.n; key++) {
		ac->contested = ac->contested || is_contested(vi, &ac->lives[key]);
		if (is_on(ac, vi, key, t))
			ac->items[ac->n_items++] = key;
	}
	if (ac->n_items > 1)
		qsort_r(ac->items, ac->n_items, sizeof *ac->items, by_key, &ac->keys);
	ac->listed = true;
	return ac->n_items;
}

uint32_t
active_opening(const struct active *ac, uint32_t item)
{
	return ac->lives[ac->items[item]].opening;
}

struct slice
active_key(const struct active *ac, uint32_t item)
{
	return bag_text(&ac->keys, ac->items[item]);
}

bool
active_contested(const struct active *ac, const struct window_view *vi, uint32_t item)
{
	return is_contested(vi, &ac->lives[ac->items[item]]);
}
