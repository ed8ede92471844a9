#include "engine/feature/small.h"

#include "state/base/hash.h"

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_types(const struct feature_types *a, const struct feature_types *b)
{
	bool same = a->n == b->n;

	for (unsigned i = 0; i < a->n && same; i++)
		same = strcmp(a->v[i], b->v[i]) == 0;
	return same;
}

static bool
same_where(const struct feature_where *a, const struct feature_where *b)
{
	bool same = a->n == b->n && strcmp(a->field, b->field) == 0;

	for (unsigned i = 0; i < a->n && same; i++)
		same = value_eq(&a->any[i], &b->any[i]);
	return same;
}

bool
small_serves(const struct feature_spec *spec)
{
	return (spec->op == OP_COUNT || spec->op == OP_DISTINCT) && spec->by == NULL;
}

bool
small_alike(const struct feature_spec *a, const struct feature_spec *b)
{
	bool same =
	    a->op == b->op && a->n_where == b->n_where && same_types(&a->on, &b->on) && same_text(a->role, b->role) && same_text(a->of, b->of);

	for (unsigned i = 0; i < a->n_where && same; i++)
		same = same_where(&a->where[i], &b->where[i]);
	return same;
}

/* The number of the entry's value: that of the first one that has it. */
static uint8_t
number(const struct small *sm, const struct window_view *vi, uint32_t index, uint64_t hashes[SMALL_TIMELINE])
{
	const struct timeline *tl = vi->tl;
	const struct entry *en = &tl->v[index];
	struct slice value = kept_bytes(entry_kept(tl, en), (unsigned)vi->binds[en->layout].of);

	hashes[index] = hash64(value);
	for (uint32_t i = 0; i < index; i++) {
		const struct entry *other = &tl->v[i];

		if ((sm->taken >> i & 1) != 0 && hashes[i] == hashes[index] &&
		    slice_eq(kept_bytes(entry_kept(tl, other), (unsigned)vi->binds[other->layout].of), value))
			return sm->value[i];
	}
	return (uint8_t)index;
}

void
small_find(struct small *sm, const struct window_view *vi, uint64_t serial)
{
	const struct timeline *tl = vi->tl;
	uint64_t hashes[SMALL_TIMELINE];

	if (sm->serial == serial && sm->version == tl->version)
		return;
	*sm = (struct small){.serial = serial, .version = tl->version};
	for (uint32_t i = 0; i < tl->n; i++) {
		const struct entry *en = &tl->v[i];

		if (!feature_takes(vi->plan, &vi->binds[en->layout], en->role, entry_kept(tl, en)))
			continue;
		if (vi->plan->spec->op == OP_DISTINCT)
			sm->value[i] = number(sm, vi, i, hashes);
		sm->taken |= (uint32_t)1 << i;
		if (en->flags & ENTRY_CONTESTED)
			sm->contested |= (uint32_t)1 << i;
	}
}

/* The bits [lo, hi): none where hi <= lo. */
static uint32_t
range(uint32_t lo, uint32_t hi)
{
	return (uint32_t)((((uint64_t)1 << hi) - 1) & ~(((uint64_t)1 << lo) - 1));
}

uint32_t
small_count(const struct small *sm, const struct feature_spec *spec, uint32_t lo, uint32_t hi)
{
	uint32_t taken = sm->taken & range(lo, hi), values = 0;

	if (spec->op == OP_COUNT)
		return (uint32_t)__builtin_popcount(taken);
	for (; taken != 0; taken &= taken - 1)
		values |= (uint32_t)1 << sm->value[__builtin_ctz(taken)];
	return (uint32_t)__builtin_popcount(values);
}

bool
small_contested(const struct small *sm, uint32_t lo, uint32_t hi)
{
	return (sm->contested & range(lo, hi)) != 0;
}
