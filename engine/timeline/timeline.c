#include "engine/timeline/timeline.h"

#include <stdlib.h>

#define GONE UINT16_MAX /* as an entry's layout: it is to go. No layout has this number */

void
timeline_free(struct timeline *tl)
{
	free(tl->v);
	free(tl->bytes);
	*tl = (struct timeline){0};
}

size_t
timeline_bytes(const struct timeline *tl)
{
	return tl->cap * sizeof *tl->v + tl->cap_bytes;
}

int
event_order(const struct names *na, struct instant t1, uint32_t source1, struct slice id1, struct instant t2, uint32_t source2, struct slice id2)
{
	int c = instant_cmp(t1, t2);

	if (c == 0)
		c = names_cmp(na, source1, source2);
	return c != 0 ? c : slice_cmp(id1, id2);
}

static int
entry_order(const struct timeline *tl, const struct names *na, uint32_t i, const struct delta *de)
{
	const struct entry *en = &tl->v[i];
	int c = event_order(na, entry_time(en), en->source, entry_id(tl, en), de->time, de->source, de->id);

	return c != 0 ? c : (int)en->role - (int)de->role;
}

uint32_t
timeline_find(const struct timeline *tl, const struct names *na, struct instant time, uint32_t source, struct slice id)
{
	uint32_t lo = 0, hi = tl->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct entry *en = &tl->v[mid];

		if (event_order(na, entry_time(en), en->source, entry_id(tl, en), time, source, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t
timeline_find_time(const struct timeline *tl, struct instant t)
{
	uint32_t lo = 0, hi = tl->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (instant_cmp(entry_time(&tl->v[mid]), t) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
timeline_same_event(const struct timeline *tl, uint32_t i, uint32_t j)
{
	const struct entry *a = &tl->v[i], *b = &tl->v[j];

	return a->sec == b->sec && a->nsec == b->nsec && a->source == b->source && slice_eq(entry_id(tl, a), entry_id(tl, b));
}

static int
reserve(struct timeline *tl, size_t entries, size_t bytes, struct err *err)
{
	size_t want = tl->n + entries, want_bytes = tl->n_bytes + bytes;

	if (want_bytes > LIMIT_TIMELINE_BYTES || want > UINT32_MAX / 2)
		return err_set(err, ERR_LIMIT, "a subject's timeline is over %zu MiB: the limit", LIMIT_TIMELINE_BYTES / MIB);
	if (want > tl->cap) {
		size_t cap = tl->cap == 0 ? 1 : tl->cap;
		struct entry *v;

		while (cap < want)
			cap += cap < 8 ? cap : cap / 2;
		v = realloc(tl->v, cap * sizeof *v);
		if (v == NULL)
			return err_nomem(err);
		tl->v = v;
		tl->cap = (uint32_t)cap;
	}
	if (want_bytes > tl->cap_bytes) {
		size_t cap = tl->cap_bytes == 0 ? want_bytes : tl->cap_bytes;
		char *p;

		while (cap < want_bytes)
			cap += cap / 2 + 16;
		if (cap > UINT32_MAX)
			cap = UINT32_MAX;
		p = realloc(tl->bytes, cap);
		if (p == NULL)
			return err_nomem(err);
		tl->bytes = p;
		tl->cap_bytes = (uint32_t)cap;
	}
	return 0;
}

/* Room was reserved. */
static struct entry
make_entry(struct timeline *tl, const struct delta *de)
{
	struct entry en = {.sec = de->time.sec,
	    .nsec = de->time.nsec,
	    .source = de->source,
	    .at = tl->n_bytes,
	    .id_len = (uint16_t)de->id.n,
	    .kept_len = (uint16_t)de->kept.n,
	    .layout = de->layout,
	    .role = de->role,
	    .flags = de->flags,
	    .stream = de->stream,
	    .number = de->number};

	memcpy(tl->bytes + tl->n_bytes, de->id.p, de->id.n);
	tl->n_bytes += en.id_len;
	if (de->kept.n != 0)
		memcpy(tl->bytes + tl->n_bytes, de->kept.p, de->kept.n);
	tl->n_bytes += en.kept_len;
	return en;
}

int
timeline_push(struct timeline *tl, const struct delta *de, struct err *err)
{
	struct delta gone;

	if (de->remove) {
		gone = *de;
		gone.kept = slice_of(NULL, 0);
		gone.layout = GONE;
		de = &gone;
	}
	if (reserve(tl, 1, de->id.n + de->kept.n, err) != 0)
		return -1;
	tl->v[tl->n++] = make_entry(tl, de);
	return 0;
}

/* What the comparison functions of qsort_r need. */
struct order {
	const struct timeline *tl;
	const struct names *na;
};

static int
by_place(const struct order *o, const struct entry *x, const struct entry *y)
{
	int c = event_order(o->na, entry_time(x), x->source, entry_id(o->tl, x), entry_time(y), y->source, entry_id(o->tl, y));

	return c != 0 ? c : (int)x->role - (int)y->role;
}

/* Of one place in the order in which they were pushed: their bytes lie so. */
static int
by_entry(const void *a, const void *b, void *ctx)
{
	const struct entry *x = a, *y = b;
	int c = by_place(ctx, x, y);

	return c != 0 ? c : (x->at > y->at) - (x->at < y->at);
}

void
timeline_settle(struct timeline *tl, const struct names *na)
{
	struct order o = {tl, na};
	uint32_t keep = 0;
	bool plain = true;

	tl->version++;
	for (uint32_t i = 0; i < tl->n; i++) {
		int c = i == 0 ? -1 : by_place(&o, &tl->v[i - 1], &tl->v[i]);

		plain = plain && c < 0 && tl->v[i].layout != GONE;
		if (c > 0) {
			qsort_r(tl->v, tl->n, sizeof *tl->v, by_entry, &o);
			plain = false;
			break;
		}
	}
	if (plain)
		return;
	for (uint32_t i = 0; i < tl->n; i++) {
		bool last = i + 1 == tl->n || by_place(&o, &tl->v[i], &tl->v[i + 1]) != 0;

		if (last && tl->v[i].layout != GONE)
			tl->v[keep++] = tl->v[i];
		else
			tl->garbage += (uint32_t)tl->v[i].id_len + tl->v[i].kept_len;
	}
	tl->n = keep;
}

static int
by_delta(const void *a, const void *b, void *ctx)
{
	const struct names *na = ctx;
	const struct delta *x = a, *y = b;
	int c = event_order(na, x->time, x->source, x->id, y->time, y->source, y->id);

	if (c == 0)
		c = (int)x->role - (int)y->role;
	return c != 0 ? c : (int)y->remove - (int)x->remove;
}

uint32_t
timeline_first_change(const struct timeline *tl, const struct names *na, const struct delta *deltas, size_t n)
{
	uint32_t first = tl->n;

	for (size_t i = 0; i < n; i++) {
		uint32_t at;

		if (tl->n == 0 || instant_cmp(entry_time(&tl->v[tl->n - 1]), deltas[i].time) < 0)
			continue;
		at = timeline_find(tl, na, deltas[i].time, deltas[i].source, deltas[i].id);
		if (at < first)
			first = at;
	}
	return first;
}

/* Copies the bytes that are still in use to a new run once half is garbage. Failure to find memory only delays it. */
static void
collect(struct timeline *tl)
{
	char *p;
	uint32_t n = 0;

	if (tl->garbage < 4096 || tl->garbage < tl->n_bytes / 2)
		return;
	p = malloc(tl->cap_bytes);
	if (p == NULL)
		return;
	for (uint32_t i = 0; i < tl->n; i++) {
		uint32_t len = (uint32_t)tl->v[i].id_len + tl->v[i].kept_len;

		memcpy(p + n, tl->bytes + tl->v[i].at, len);
		tl->v[i].at = n;
		n += len;
	}
	free(tl->bytes);
	tl->bytes = p;
	tl->n_bytes = n;
	tl->garbage = 0;
}

/* Takes out the entries that removals name: marks them, then closes the gaps. */
static void
apply_removals(struct timeline *tl, const struct names *na, struct delta *deltas, size_t n)
{
	uint32_t first = tl->n, keep;

	for (size_t i = 0; i < n; i++) {
		struct delta *de = &deltas[i];
		uint32_t at;

		if (!de->remove)
			continue;
		de->found = false;
		at = timeline_find(tl, na, de->time, de->source, de->id);
		while (at < tl->n && entry_order(tl, na, at, de) < 0)
			at++;
		if (at == tl->n || entry_order(tl, na, at, de) != 0)
			continue;
		de->found = true;
		de->kept = entry_kept(tl, &tl->v[at]);
		de->layout = tl->v[at].layout;
		de->flags = tl->v[at].flags;
		tl->garbage += (uint32_t)tl->v[at].id_len + tl->v[at].kept_len;
		tl->v[at].layout = GONE;
		if (at < first)
			first = at;
	}
	keep = first;
	for (uint32_t i = first; i < tl->n; i++)
		if (tl->v[i].layout != GONE)
			tl->v[keep++] = tl->v[i];
	tl->n = keep;
}

int
timeline_merge(struct timeline *tl, const struct names *na, struct delta *deltas, size_t n, struct err *err)
{
	size_t adds = 0, bytes = 0;
	bool removals = false;
	uint32_t from, to;

	for (size_t i = 0; i < n; i++)
		if (deltas[i].remove) {
			removals = true;
		} else {
			adds++;
			bytes += deltas[i].id.n + deltas[i].kept.n;
		}
	collect(tl);
	if (reserve(tl, adds, bytes, err) != 0)
		return -1;
	if (n > 1)
		qsort_r(deltas, n, sizeof *deltas, by_delta, (void *)(uintptr_t)na);
	tl->version++;
	if (removals)
		apply_removals(tl, na, deltas, n);
	/* From the back: every entry behind an insertion moves once. */
	from = tl->n;
	to = tl->n + (uint32_t)adds;
	tl->n = to;
	for (size_t i = n; i-- > 0;) {
		struct delta *de = &deltas[i];

		while (from > 0 && entry_order(tl, na, from - 1, de) > 0) {
			from--;
			to--;
			if (from != to)
				tl->v[to] = tl->v[from];
		}
		if (!de->remove)
			tl->v[--to] = make_entry(tl, de);
		de->index = to;
	}
	return 0;
}
