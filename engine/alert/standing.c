#include "engine/alert/standing.h"

#include "engine/timeline/timeline.h"

#include <stdlib.h>

struct hit *
hit_new(struct instant time, uint32_t source, struct slice id, uint8_t level, struct slice code)
{
	struct hit *hi = malloc(sizeof *hi + id.n + code.n);

	if (hi == NULL)
		return NULL;
	*hi = (struct hit){
	    .time = time, .holders = 1, .source = source, .id_len = (uint16_t)id.n, .level = level, .code_len = (uint8_t)code.n, .fresh = HIT_FRESH};
	memcpy(hi->data, id.p, id.n);
	memcpy(hi->data + id.n, code.p, code.n);
	return hi;
}

struct hit *
hit_hold(struct hit *hi)
{
	hi->holders++;
	return hi;
}

void
hit_drop(struct hit *hi)
{
	if (hi != NULL && --hi->holders == 0)
		free(hi);
}

bool
hit_same_event(const struct hit *a, const struct hit *b)
{
	return instant_cmp(a->time, b->time) == 0 && a->source == b->source && slice_eq(hit_id(a), hit_id(b));
}

const char *
alert_why_text(enum alert_why why)
{
	static const char *const texts[WHY_COUNT] = {"evidence changed", "replaced", "rule changed", "day of review passed"};

	return texts[why];
}

void
alert_id_text(const uint8_t id[ALERT_ID_BYTES], char ret[2 * ALERT_ID_BYTES + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < ALERT_ID_BYTES; i++) {
		ret[2 * i] = digits[id[i] >> 4];
		ret[2 * i + 1] = digits[id[i] & 15];
	}
	ret[2 * ALERT_ID_BYTES] = '\0';
}

void
alert_free(struct alert *al)
{
	if (al == NULL)
		return;
	hit_drop(al->opening);
	hit_drop(al->shown);
	hit_drop(al->told_hit);
	free(al->values);
	free(al);
}

static void
group_free(struct group *gr)
{
	for (uint32_t i = 0; i < gr->n_hits; i++)
		hit_drop(gr->hits[i]);
	for (uint32_t i = 0; i < gr->n_alerts; i++) {
		alert_free(gr->alerts[i]);
	}
	free(gr->hits);
	free(gr->alerts);
	free(gr);
}

void
standing_free(struct standing *sg)
{
	for (uint32_t i = 0; i < sg->n; i++)
		group_free(sg->groups[i]);
	free(sg->groups);
	*sg = (struct standing){0};
}

static struct group *
group_new(struct slice key)
{
	struct group *gr = calloc(1, sizeof *gr + key.n);

	if (gr == NULL)
		return NULL;
	if (key.n != 0)
		memcpy(gr->key, key.p, key.n);
	gr->key_len = (uint32_t)key.n;
	gr->dirty_from = gr->clean_tail = gr->unsaved_from = UINT32_MAX;
	return gr;
}

/* With its place in the group, an id and a code, and what the allocator rounds up. */
#define HIT_BYTES (sizeof(struct hit) + sizeof(struct hit *) + 48)
#define ALERT_BYTES (sizeof(struct alert) + sizeof(struct alert *) + 48)
/* One that was withdrawn: what it opened with and showed is its alone. (So may be what a current one told before its hit was judged anew.) */
#define GONE_BYTES (ALERT_BYTES + 2 * HIT_BYTES)

size_t
group_bytes(const struct group *gr)
{
	return sizeof *gr + gr->key_len + gr->n_hits * HIT_BYTES + gr->n_current * ALERT_BYTES + (gr->n_alerts - gr->n_current) * GONE_BYTES +
	       gr->values_bytes;
}

static int
standing_insert(struct standing *sg, uint32_t at, struct group *gr)
{
	if (sg->n == sg->cap) {
		uint32_t cap = sg->cap == 0 ? 4 : sg->cap * 2;
		struct group **v = realloc(sg->groups, cap * sizeof(struct group *));

		if (v == NULL)
			return -1;
		sg->groups = v;
		sg->cap = cap;
	}
	memmove(sg->groups + at + 1, sg->groups + at, (sg->n - at) * sizeof(struct group *));
	sg->groups[at] = gr;
	sg->n++;
	return 0;
}

/* NULL: there is none, and *ret_at is its place. */
static struct group *
find(const struct standing *sg, struct slice key, uint32_t *ret_at)
{
	uint32_t lo = 0, hi = sg->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = slice_cmp(group_episode(sg->groups[mid]), key);

		if (c == 0)
			return sg->groups[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret_at = lo;
	return NULL;
}

struct group *
standing_find(const struct standing *sg, struct slice key)
{
	uint32_t at;

	return find(sg, key, &at);
}

struct group *
standing_group(struct standing *sg, struct slice key)
{
	uint32_t at = 0;
	struct group *gr = find(sg, key, &at);

	if (gr != NULL)
		return gr;
	gr = group_new(key);
	if (gr != NULL && standing_insert(sg, at, gr) != 0) {
		group_free(gr);
		return NULL;
	}
	return gr;
}

static uint32_t
hit_find(const struct group *gr, const struct names *na, struct instant time, uint32_t source, struct slice id)
{
	uint32_t lo = 0, hi = gr->n_hits;

	/* The common case: at the end. */
	if (hi > 0 && instant_cmp(gr->hits[hi - 1]->time, time) < 0)
		return hi;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct hit *h = gr->hits[mid];

		if (event_order(na, h->time, h->source, hit_id(h), time, source, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A change at hit `from`, now with so many hits behind it. */
static void
touch(struct group *gr, uint32_t from, uint32_t tail)
{
	if (from < gr->dirty_from)
		gr->dirty_from = from;
	if (tail < gr->clean_tail)
		gr->clean_tail = tail;
	if (from < gr->unsaved_from)
		gr->unsaved_from = from;
	gr->unsaved = true;
}

int
group_put(struct group *gr, const struct names *na, struct instant time, uint32_t source, struct slice id, struct hit *hit)
{
	uint32_t at = hit_find(gr, na, time, source, id);
	bool there =
	    at < gr->n_hits && gr->hits[at]->source == source && instant_cmp(gr->hits[at]->time, time) == 0 && slice_eq(hit_id(gr->hits[at]), id);

	if (there && hit == NULL) {
		hit_drop(gr->hits[at]);
		memmove(gr->hits + at, gr->hits + at + 1, (gr->n_hits - at - 1) * sizeof(struct hit *));
		gr->n_hits--;
		touch(gr, at, gr->n_hits - at);
		return 0;
	}
	if (there) {
		hit_drop(gr->hits[at]);
		gr->hits[at] = hit;
		touch(gr, at, gr->n_hits - at - 1);
		return 0;
	}
	if (hit == NULL)
		return 0;
	if (gr->n_hits == gr->cap_hits) {
		uint32_t cap = gr->cap_hits == 0 ? 2 : gr->cap_hits * 2;
		struct hit **v = realloc(gr->hits, cap * sizeof(struct hit *));

		if (v == NULL) {
			hit_drop(hit);
			return -1;
		}
		gr->hits = v;
		gr->cap_hits = cap;
	}
	memmove(gr->hits + at + 1, gr->hits + at, (gr->n_hits - at) * sizeof(struct hit *));
	gr->hits[at] = hit;
	touch(gr, at, gr->n_hits - at);
	gr->n_hits++;
	return 0;
}

void
group_drop_hits(struct group *gr)
{
	for (uint32_t i = 0; i < gr->n_hits; i++)
		hit_drop(gr->hits[i]);
	gr->n_hits = 0;
	touch(gr, 0, 0);
}

bool
alert_due(const struct alert *al, const struct rule *ru, struct instant tick, struct instant *next)
{
	struct instant end;

	if (al->state != ALERT_STANDING || ru->expires <= 0)
		return false;
	end = instant_plus(al->last, ru->expires);
	if (instant_cmp(end, tick) <= 0)
		return true;
	if (instant_cmp(end, *next) < 0)
		*next = end;
	return false;
}

void
group_tick(struct group *gr, const struct rule *ru, struct instant tick, bool *ret_changed)
{
	for (uint32_t i = 0; i < gr->n_current; i++) {
		struct alert *al = gr->alerts[i];

		if (al->state == ALERT_STANDING && ru->expires > 0 && instant_cmp(tick, instant_plus(al->last, ru->expires)) >= 0) {
			al->state = ALERT_ENDED;
			al->unsaved = gr->unsaved = true;
			*ret_changed = true;
		}
	}
}
