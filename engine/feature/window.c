#include "engine/feature/window.h"

#include <stdlib.h>

static int
ring_room(struct ring *ri)
{
	uint32_t cap = ri->cap == 0 ? 8 : ri->cap * 2;
	uint32_t *v;

	if (ri->n < ri->cap)
		return 0;
	v = malloc(cap * sizeof *v);
	if (v == NULL)
		return -1;
	for (uint32_t i = 0; i < ri->n; i++)
		v[i] = ri->v[(ri->head + i) & (ri->cap - 1)];
	free(ri->v);
	*ri = (struct ring){v, 0, ri->n, cap};
	return 0;
}

static uint32_t
ring_at(const struct ring *ri, uint32_t i)
{
	return ri->v[(ri->head + i) & (ri->cap - 1)];
}

static int
ring_push(struct ring *ri, uint32_t index, bool right)
{
	if (ring_room(ri) != 0)
		return -1;
	if (!right)
		ri->head = (ri->head - 1) & (ri->cap - 1);
	ri->v[(ri->head + (right ? ri->n : 0)) & (ri->cap - 1)] = index;
	ri->n++;
	return 0;
}

static void
ring_pop(struct ring *ri, bool right)
{
	ri->n--;
	if (!right)
		ri->head = (ri->head + 1) & (ri->cap - 1);
}

static void
tally_free(struct tally *ta)
{
	free(ta->ring.v);
	free(ta->heap.v);
	*ta = (struct tally){0};
}

void
window_free(struct window *wi)
{
	tally_free(&wi->all);
	for (uint32_t i = 0; i < wi->n_tallies; i++)
		tally_free(&wi->tallies[i]);
	free(wi->tallies);
	bag_free(&wi->groups);
	bag_free(&wi->values);
	*wi = (struct window){0};
}

void
window_clear(struct window *wi)
{
	tally_free(&wi->all);
	for (uint32_t i = 0; i < wi->n_tallies; i++)
		tally_free(&wi->tallies[i]);
	bag_clear(&wi->groups);
	bag_clear(&wi->values);
	wi->n_tallies = 0;
	wi->lo = wi->hi = 0;
	wi->failed = false;
}

size_t
window_bytes(const struct window *wi)
{
	return bag_bytes(&wi->groups) + bag_bytes(&wi->values) + wi->n_tallies * sizeof *wi->tallies +
	       (wi->all.ring.cap + wi->all.heap.cap) * sizeof(uint32_t);
}

static struct value
value_at(const struct window_view *vi, uint32_t index)
{
	const struct entry *en = &vi->tl->v[index];

	return kept_value(entry_kept(vi->tl, en), (unsigned)vi->binds[en->layout].of);
}

/* The exact integer that sum works on: whole numbers, too, are brought to the largest scale, for a field may be a decimal in another
 * type, or in another version of one. What is no number counts 0. */
static int128
summand(const struct value *v)
{
	static const int64_t tens[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

	_Static_assert(sizeof tens / sizeof tens[0] == LIMIT_DECIMAL_SCALE + 1, "one for each scale");
	return (int128)v->i * tens[v->scale]; /* of what is no decimal 0 */
}

static bool
exact(const struct value *v)
{
	return v->kind == VALUE_INTEGER || v->kind == VALUE_DECIMAL;
}

/* Order of two values of one field. In two types, or in two versions of one, it may be a whole number and a decimal, or decimals of
 * two scales: they are numbers. Other kinds do not compare: by kind. */
static int
value_order(const struct value *a, const struct value *b)
{
	int128 x, y;

	if (a->kind != b->kind && !(exact(a) && exact(b)))
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == VALUE_STRING)
		return slice_cmp(a->s, b->s);
	if (a->kind == VALUE_INSTANT)
		return instant_cmp(a->t, b->t);
	if (a->scale == b->scale)
		return (a->i > b->i) - (a->i < b->i);
	x = summand(a);
	y = summand(b);
	return (x > y) - (x < y);
}

/* a comes nearer the top than b. Of equal numbers the scale decides, then the kind, so that the one shown is the same whichever came
 * first. */
static bool
above(const struct window_view *vi, uint32_t a, uint32_t b)
{
	struct value x = value_at(vi, a), y = value_at(vi, b);
	int c = value_order(&x, &y);

	if (c == 0)
		c = (x.scale > y.scale) - (x.scale < y.scale);
	if (c == 0)
		c = (x.kind > y.kind) - (x.kind < y.kind);
	return vi->plan->spec->op == OP_MIN ? c < 0 : c > 0;
}

static int
heap_push(struct tally *ta, const struct window_view *vi, uint32_t index)
{
	struct ring *he = &ta->heap;
	uint32_t i;

	if (ring_room(he) != 0)
		return -1;
	for (i = he->n++; i > 0 && above(vi, index, he->v[(i - 1) / 2]); i = (i - 1) / 2)
		he->v[i] = he->v[(i - 1) / 2];
	he->v[i] = index;
	return 0;
}

static void
heap_pop(struct tally *ta, const struct window_view *vi)
{
	struct ring *he = &ta->heap;
	uint32_t last = he->v[--he->n], i = 0;

	for (;;) {
		uint32_t c = 2 * i + 1;

		if (c >= he->n)
			break;
		if (c + 1 < he->n && above(vi, he->v[c + 1], he->v[c]))
			c++;
		if (!above(vi, he->v[c], last))
			break;
		he->v[i] = he->v[c];
		i = c;
	}
	if (he->n > 0)
		he->v[i] = last;
}

/* Adds or takes away one entry of a tally. */
static int
tally_move(struct tally *ta, const struct window_view *vi, uint32_t index, bool add, bool right)
{
	const struct entry *en = &vi->tl->v[index];
	enum feature_op op = vi->plan->spec->op;

	ta->n += add ? 1 : UINT32_MAX;
	if (en->flags & ENTRY_CONTESTED)
		ta->contested += add ? 1 : UINT32_MAX;
	if (op == OP_SUM) {
		struct value v = value_at(vi, index);

		ta->sum += add ? summand(&v) : -summand(&v);
		if (v.kind == VALUE_DECIMAL)
			ta->decimals += add ? 1 : UINT32_MAX;
	}
	if (op == OP_COUNT || op == OP_DISTINCT || op == OP_SUM)
		return 0;
	if (!add) {
		ring_pop(&ta->ring, right);
		ta->heap_stale = ta->heap_stale || right;
		return 0;
	}
	if (ring_push(&ta->ring, index, right) != 0)
		return -1;
	if (op != OP_MIN && op != OP_MAX)
		return 0;
	return ta->heap_stale ? 0 : heap_push(ta, vi, index);
}

static struct tally *
group_tally(struct window *wi, uint32_t group)
{
	if (group >= wi->n_tallies) {
		uint32_t n = group + 1 > 2 * wi->n_tallies ? group + 1 : 2 * wi->n_tallies;
		struct tally *v = realloc(wi->tallies, n * sizeof *v);

		if (v == NULL)
			return NULL;
		memset(v + wi->n_tallies, 0, (n - wi->n_tallies) * sizeof *v);
		wi->tallies = v;
		wi->n_tallies = n;
	}
	return &wi->tallies[group];
}

/* Distinct values are counted per group: a value of two groups counts in both. */
static int
move_value(struct window *wi, const struct window_view *vi, struct tally *group, uint32_t number, uint32_t index, bool add)
{
	const struct entry *en = &vi->tl->v[index];
	struct slice value = kept_bytes(entry_kept(vi->tl, en), (unsigned)vi->binds[en->layout].of);
	char key[sizeof number + LIMIT_KEPT_STRING_BYTES + 16];
	uint32_t v;

	if (value.n > sizeof key - sizeof number)
		value.n = sizeof key - sizeof number;
	memcpy(key, &number, sizeof number);
	memcpy(key + sizeof number, value.p, value.n);
	v = bag_number(&wi->values, slice_of(key, sizeof number + value.n));
	if (v == UINT32_MAX)
		return -1;
	if (add && bag_inc(&wi->values, v) == 1)
		group->distinct++;
	else if (!add && bag_dec(&wi->values, v) == 0)
		group->distinct--;
	return 0;
}

static int
move(struct window *wi, const struct window_view *vi, uint32_t index, bool add, bool right)
{
	const struct entry *en = &vi->tl->v[index];
	const struct feature_bind *fb = &vi->binds[en->layout];
	struct slice kept = entry_kept(vi->tl, en);
	struct tally *group = &wi->all;
	uint32_t number = 0;

	if (!feature_takes(vi->plan, fb, en->role, kept))
		return 0;
	if (tally_move(&wi->all, vi, index, add, right) != 0)
		return -1;
	if (fb->by >= 0) {
		number = bag_number(&wi->groups, kept_bytes(kept, (unsigned)fb->by));
		if (number == UINT32_MAX)
			return -1;
		(void)(add ? bag_inc(&wi->groups, number) : bag_dec(&wi->groups, number));
		group = group_tally(wi, number);
		if (group == NULL || tally_move(group, vi, index, add, right) != 0)
			return -1;
	}
	return vi->plan->spec->op == OP_DISTINCT ? move_value(wi, vi, group, number, index, add) : 0;
}

/* A bag keeps strings that left long ago; when most are such, the window is made anew from what it holds. */
static bool
wasteful(const struct bag *ba)
{
	return ba->n > 64 && ba->live < ba->n / 4;
}

int
window_seek(struct window *wi, const struct window_view *vi, uint32_t lo, uint32_t hi)
{
	if (wi->hi <= lo || wi->lo >= hi || wasteful(&wi->groups) || wasteful(&wi->values)) {
		window_clear(wi);
		wi->lo = wi->hi = lo;
	}
	while (wi->hi > hi)
		if (move(wi, vi, --wi->hi, false, true) != 0)
			return -1;
	while (wi->lo > lo)
		if (move(wi, vi, --wi->lo, true, false) != 0)
			return -1;
	while (wi->hi < hi)
		if (move(wi, vi, wi->hi++, true, true) != 0)
			return -1;
	while (wi->lo < lo)
		if (move(wi, vi, wi->lo++, false, false) != 0)
			return -1;
	return 0;
}

int
window_rewind(struct window *wi, const struct window_view *vi, uint32_t first)
{
	if (wi->hi <= first)
		return 0;
	if (wi->lo >= first) {
		window_clear(wi);
		return 0;
	}
	return window_seek(wi, vi, wi->lo, first);
}

/* The best value of min or max: what left the window is dropped when it comes to the top. */
static struct value
heap_top(struct window *wi, struct tally *ta, const struct window_view *vi)
{
	if (ta->heap_stale || ta->heap.n > 2 * ta->ring.n + 64) {
		ta->heap.n = 0;
		ta->heap_stale = false;
		for (uint32_t i = 0; i < ta->ring.n; i++)
			if (heap_push(ta, vi, ring_at(&ta->ring, i)) != 0) {
				ta->heap_stale = wi->failed = true;
				return (struct value){.kind = VALUE_NONE};
			}
	}
	while (ta->heap.n > 0 && ta->heap.v[0] < wi->lo)
		heap_pop(ta, vi);
	if (ta->heap.n == 0)
		return (struct value){.kind = VALUE_NONE};
	return value_at(vi, ta->heap.v[0]);
}

static struct value
integer(int64_t i)
{
	return (struct value){.kind = VALUE_INTEGER, .i = i};
}

/* A sum without decimals has nothing behind the point. */
static int128
whole(int128 sum)
{
	_Static_assert(LIMIT_DECIMAL_SCALE == 9, "1e9 here and below");

	return sum / 1000000000;
}

static struct value
sum_value(const struct tally *ta)
{
	bool decimal = ta->decimals > 0;
	unsigned scale = LIMIT_DECIMAL_SCALE;
	int128 x = decimal ? ta->sum : whole(ta->sum);

	if (decimal)
		for (; scale > 0 && x % 10 == 0; scale--)
			x /= 10;
	if (x > INT64_MAX || x < INT64_MIN)
		return (struct value){.kind = VALUE_NUMBER, .d = decimal ? (double)ta->sum / 1e9 : (double)x};
	return decimal ? (struct value){.kind = VALUE_DECIMAL, .scale = scale, .i = (int64_t)x} : integer((int64_t)x);
}

/* The op's value of one group, or of all. */
static struct value
tally_value(struct window *wi, struct tally *ta, const struct window_view *vi, bool all)
{
	switch (vi->plan->spec->op) {
	case OP_COUNT:
		return integer(ta->n);
	case OP_DISTINCT:
		return integer(all ? wi->values.live : ta->distinct);
	case OP_SUM:
		return sum_value(ta);
	case OP_FIRST:
		if (ta->ring.n == 0)
			return (struct value){.kind = VALUE_NONE};
		return value_at(vi, ring_at(&ta->ring, 0));
	case OP_LAST:
		if (ta->ring.n == 0)
			return (struct value){.kind = VALUE_NONE};
		return value_at(vi, ring_at(&ta->ring, ta->ring.n - 1));
	case OP_MIN:
	case OP_MAX:
		return heap_top(wi, ta, vi);
	case OP_ACTIVE:
		break;
	}
	return (struct value){.kind = VALUE_NONE};
}

static bool
adds_up(enum feature_op op)
{
	return op == OP_COUNT || op == OP_DISTINCT || op == OP_SUM;
}

/* Exact numerator of count, distinct and sum; of sums at the largest scale. */
static int128
amount(struct window *wi, const struct tally *ta, const struct window_view *vi, bool all)
{
	switch (vi->plan->spec->op) {
	case OP_COUNT:
		return ta->n;
	case OP_DISTINCT:
		return all ? wi->values.live : ta->distinct;
	default:
		return ta->sum;
	}
}

static struct value
rank(struct window *wi, const struct window_view *vi, struct tally *mine)
{
	int64_t better = 0;
	struct value own = tally_value(wi, mine, vi, false);

	for (uint32_t g = 0; g < wi->groups.n; g++) {
		struct tally *ta = &wi->tallies[g];
		struct value v;

		if (wi->groups.items[g].count == 0)
			continue;
		if (adds_up(vi->plan->spec->op)) {
			better += amount(wi, ta, vi, false) > amount(wi, mine, vi, false);
			continue;
		}
		v = tally_value(wi, ta, vi, false);
		better += value_order(&v, &own) > 0;
	}
	return integer(1 + better);
}

static struct value
ratio(int128 a, int128 b)
{
	if (b == 0)
		return (struct value){.kind = VALUE_NONE};
	return (struct value){.kind = VALUE_NUMBER, .d = (double)a / (double)b};
}

/* Where no entry is a decimal the numbers stay as small as they are: they are rounded
 * when the ratio is made. */
static struct value
share(struct window *wi, const struct window_view *vi, const struct tally *own)
{
	int128 mine = amount(wi, own, vi, false), all = amount(wi, &wi->all, vi, true);
	bool integers = vi->plan->spec->op == OP_SUM && wi->all.decimals == 0;

	return integers ? ratio(whole(mine), whole(all)) : ratio(mine, all);
}

static struct value
mean(struct window *wi, const struct window_view *vi)
{
	int128 all = amount(wi, &wi->all, vi, true), groups = wi->groups.live;

	if (vi->plan->spec->op != OP_SUM)
		return ratio(all, groups);
	return wi->all.decimals > 0 ? ratio(all, groups * 1000000000) : ratio(whole(all), groups);
}

struct value
window_read(struct window *wi, const struct window_view *vi, enum feature_attr attr, struct slice mine)
{
	enum feature_op op = vi->plan->spec->op;
	uint32_t number = mine.n == 0 ? UINT32_MAX : bag_find(&wi->groups, mine);
	struct tally none = {0};
	struct tally *own = number < wi->n_tallies ? &wi->tallies[number] : &none;

	switch (attr) {
	case ATTR_N:
		return integer(op == OP_DISTINCT ? wi->values.live : wi->all.n);
	case ATTR_VALUE:
	case ATTR_TOTAL:
		return tally_value(wi, &wi->all, vi, true);
	case ATTR_MINE:
		return tally_value(wi, own, vi, false);
	case ATTR_GROUPS:
		return integer(wi->groups.live);
	case ATTR_SHARE:
		return adds_up(op) ? share(wi, vi, own) : (struct value){.kind = VALUE_NONE};
	case ATTR_MEAN:
		return adds_up(op) ? mean(wi, vi) : (struct value){.kind = VALUE_NONE};
	case ATTR_RANK:
		if (own->n == 0)
			return (struct value){.kind = VALUE_NONE};
		return rank(wi, vi, own);
	case ATTR_CONTESTED:
		return (struct value){.kind = VALUE_BOOLEAN, .i = wi->all.contested > 0};
	case ATTR_COUNT:
		break;
	}
	return (struct value){.kind = VALUE_NONE};
}
