#include "tests/property/model_feature.h"

static struct gen_value
integer(int64_t i)
{
	return (struct gen_value){.kind = GEN_INT, .i = i};
}

int
model_content_cmp(const struct gen_content *a, const struct gen_content *b)
{
	int c = gen_time_cmp(a->time, b->time);

	if (c == 0)
		c = strcmp(gen_source_name(a->source), gen_source_name(b->source));
	if (c == 0)
		c = strcmp(gen_id_name(a->id), gen_id_name(b->id));
	return c;
}

/* Solar Hijri years by counting: a year is leap iff (25 y + 11) mod 33 < 8, and 1403 began on 2024-03-20 in Iran. */
static int64_t
year_days(int64_t y)
{
	int64_t m = (25 * y + 11) % 33;

	return (m < 0 ? m + 33 : m) < 8 ? 366 : 365;
}

#define FIRST_OF_1403 19802 /* days since 1970-01-01 */
#define IRAN_SECONDS 12600

static int64_t
local_day(struct gen_time t)
{
	int64_t s = t.sec + IRAN_SECONDS;

	return s >= 0 ? s / 86400 : -((-s + 86399) / 86400);
}

/* First day of the year that holds a day; *ret_year the year. */
static int64_t
year_first(int64_t day, int64_t *ret_year)
{
	int64_t y = 1403, first = FIRST_OF_1403;

	while (day < first)
		first -= year_days(--y);
	while (day >= first + year_days(y))
		first += year_days(y++);
	*ret_year = y;
	return first;
}

struct gen_time
model_year_start(struct gen_time t)
{
	int64_t y;

	return (struct gen_time){year_first(local_day(t), &y) * 86400 - IRAN_SECONDS, 0};
}

struct gen_time
model_month_start(struct gen_time t)
{
	int64_t y, day = local_day(t), first = year_first(day, &y), month;

	for (month = 1; month < 12; month++) {
		int64_t days = month <= 6 ? 31 : 30;

		if (day < first + days)
			break;
		first += days;
	}
	return (struct gen_time){first * 86400 - IRAN_SECONDS, 0};
}

/* ---- windows ------------------------------------------------------------------------------------------------ */

static bool
in_window(const struct gen_feature *fe, const struct gen_content *co, const struct gen_content *trigger)
{
	struct gen_time start = trigger->time;

	if (model_content_cmp(co, trigger) > 0)
		return false;
	if (fe->window == GEN_ALL)
		return true;
	if (fe->window == GEN_SPAN)
		start.sec -= fe->window_seconds;
	else
		start = fe->window == GEN_YEAR ? model_year_start(start) : model_month_start(start);
	return gen_time_cmp(co->time, start) >= 0;
}

static bool
passes_where(const struct gen_feature *fe, const struct gen_content *co)
{
	unsigned i, j;

	for (i = 0; i < fe->n_where; i++) {
		bool found = false;

		for (j = 0; j < fe->where[i].n; j++)
			found = found || gen_value_eq(&co->fields[fe->where[i].field], &fe->where[i].any[j]);
		if (!found)
			return false;
	}
	return true;
}

/* The entries that the feature counts, as contents, in total order. */
static unsigned
counted_entries(const struct model_timeline *tl, const struct gen_feature *fe, const struct gen_content *trigger, unsigned *ret)
{
	unsigned n = 0, i;

	for (i = 0; i < tl->n; i++) {
		const struct model_entry *en = &tl->v[i];
		const struct gen_content *co = &tl->mo->set->contents[en->content];

		if ((fe->on >> co->type & 1) == 0 || (fe->role >= 0 && en->role != (unsigned)fe->role))
			continue;
		if (!in_window(fe, co, trigger) || !passes_where(fe, co))
			continue;
		if ((fe->of >= 0 && co->fields[fe->of].kind == GEN_NONE) || (fe->by >= 0 && co->fields[fe->by].kind == GEN_NONE))
			continue;
		ret[n++] = en->content;
	}
	return n;
}

static int
value_cmp(const struct gen_value *a, const struct gen_value *b)
{
	if (a->kind == GEN_STR)
		return strcmp(a->s, b->s);
	if (a->kind == GEN_TIME)
		return gen_time_cmp(a->t, b->t);
	return (a->i > b->i) - (a->i < b->i);
}

/* The op over a list of contents in total order. */
static struct gen_value
apply(const struct gen_set *set, const struct gen_feature *fe, const unsigned *v, unsigned n)
{
	struct gen_value ret = {.kind = GEN_NONE};
	unsigned i, j;

	if (fe->op == GEN_COUNT)
		return integer(n);
	if (fe->op == GEN_DISTINCT || fe->op == GEN_SUM)
		ret.kind = fe->op == GEN_SUM ? gen_field_kind[fe->of] : GEN_INT;
	for (i = 0; i < n; i++) {
		const struct gen_value *x = &set->contents[v[i]].fields[fe->of];

		if (fe->op == GEN_DISTINCT) {
			for (j = 0; j < i && !gen_value_eq(x, &set->contents[v[j]].fields[fe->of]); j++)
				;
			ret.i += j == i;
		} else if (fe->op == GEN_SUM)
			ret.i += x->i;
		else if (ret.kind == GEN_NONE || fe->op == GEN_LAST || (fe->op == GEN_MIN && value_cmp(x, &ret) < 0) ||
			 (fe->op == GEN_MAX && value_cmp(x, &ret) > 0))
			ret = *x;
	}
	return ret;
}

/* Keeps those of one group. */
static unsigned
only_group(const struct gen_set *set, int by, const struct gen_value *group, const unsigned *v, unsigned n, unsigned *ret)
{
	unsigned i, m = 0;

	for (i = 0; i < n; i++)
		if (gen_value_eq(&set->contents[v[i]].fields[by], group))
			ret[m++] = v[i];
	return m;
}

static void
evidence_of(struct model_result *ret, const struct gen_set *set, const struct gen_feature *fe, const unsigned *v, unsigned n)
{
	unsigned i, j;

	for (i = n; i-- > 0;) {
		for (j = i + 1; j < n && fe->op == GEN_DISTINCT; j++) /* a newer entry of the same value stands for it */
			if (gen_value_eq(&set->contents[v[i]].fields[fe->of], &set->contents[v[j]].fields[fe->of]))
				break;
		if (fe->op != GEN_DISTINCT || j == n)
			ret->counted[ret->n_counted++] = v[i];
	}
}

static void
window_feature(struct model_result *ret, const struct model_timeline *tl, const struct gen_feature *fe, const struct gen_content *trigger)
{
	const struct gen_set *set = tl->mo->set;
	unsigned v[MODEL_ENTRIES], own[MODEL_ENTRIES] = {0}, n = counted_entries(tl, fe, trigger, v), n_own, i, j;
	struct gen_value x, *mine = &ret->mine;
	double one = fe->op == GEN_SUM && gen_field_kind[fe->of] == GEN_DEC ? (double)GEN_DEC_ONE : 1;

	ret->contested = (struct gen_value){.kind = GEN_BOOL};
	for (i = 0; i < n; i++)
		ret->contested.i = ret->contested.i || tl->mo->contested[v[i]];
	if (fe->by < 0) {
		ret->value = apply(set, fe, v, n);
		ret->n = fe->op == GEN_COUNT || fe->op == GEN_DISTINCT ? ret->value : integer(n);
		evidence_of(ret, set, fe, v, n);
		return;
	}
	n_own = only_group(set, fe->by, &trigger->fields[fe->by], v, n, own);
	*mine = apply(set, fe, own, n_own);
	evidence_of(ret, set, fe, own, n_own);
	ret->groups = integer(0);
	ret->total = apply(set, fe, v, 0);
	if (n_own != 0) /* a group without an entry has no rank */
		ret->rank = integer(1);
	for (i = 0; i < n; i++) { /* each group once, at its first entry */
		const struct gen_value *group = &set->contents[v[i]].fields[fe->by];

		for (j = 0; j < i && !gen_value_eq(group, &set->contents[v[j]].fields[fe->by]); j++)
			;
		if (j < i)
			continue;
		x = apply(set, fe, own, only_group(set, fe->by, group, v, n, own));
		ret->groups.i++;
		ret->total.i += x.i;
		ret->rank.i += ret->rank.kind != GEN_NONE && x.i > mine->i;
	}
	if (ret->total.i != 0)
		ret->share = (struct gen_value){.kind = GEN_REAL, .d = (double)mine->i / (double)ret->total.i};
	if (ret->groups.i != 0 && fe->op <= GEN_SUM)
		ret->mean = (struct gen_value){.kind = GEN_REAL, .d = (double)ret->total.i / ((double)ret->groups.i * one)};
}

/* ---- active ------------------------------------------------------------------------------------------------- */

/* The opening that item `key` is on by at the trigger, or -1; *ret_contested: an entry that decides it is, whether on or not. */
static int
item_opening(const struct model_timeline *tl, const struct gen_feature *fe, const struct gen_content *trigger, const struct gen_value *key,
    bool *ret_contested)
{
	const struct gen_value *from, *til;
	int opening = -1, newest = -1;
	bool on = false;
	unsigned i;

	for (i = 0; i < tl->n; i++) {
		const struct gen_content *co = &tl->mo->set->contents[tl->v[i].content];

		if (model_content_cmp(co, trigger) >= 0 || (fe->role >= 0 && tl->v[i].role != (unsigned)fe->role))
			continue;
		if (!gen_value_eq(&co->fields[fe->key], key))
			continue;
		if ((fe->opens >> co->type & 1) != 0)
			opening = (int)tl->v[i].content;
		if (((fe->opens | fe->reopens | fe->closes) >> co->type & 1) == 0)
			continue;
		newest = (int)tl->v[i].content;
		on = ((fe->opens | fe->reopens) >> co->type & 1) != 0;
	}
	*ret_contested = (newest >= 0 && tl->mo->contested[newest]) || (opening >= 0 && tl->mo->contested[opening]);
	if (!on || opening < 0)
		return -1;
	from = fe->from < 0 ? NULL : &tl->mo->set->contents[opening].fields[fe->from];
	til = fe->til < 0 ? NULL : &tl->mo->set->contents[opening].fields[fe->til];
	if (from != NULL && from->kind != GEN_NONE && gen_time_cmp(trigger->time, from->t) < 0)
		return -1;
	if (til != NULL && til->kind != GEN_NONE && gen_time_cmp(trigger->time, til->t) >= 0)
		return -1;
	return opening;
}

static void
active_feature(struct model_result *ret, const struct model_timeline *tl, const struct gen_feature *fe, const struct gen_content *trigger)
{
	const struct gen_content *all = tl->mo->set->contents;
	const struct gen_value *first = NULL, *key;
	unsigned i, j, n = 0, t;
	int opening;
	bool contested;

	ret->contested = (struct gen_value){.kind = GEN_BOOL};
	for (i = 0; i < tl->n; i++) { /* each key once */
		key = &all[tl->v[i].content].fields[fe->key];
		for (j = 0; j < i && !gen_value_eq(key, &all[tl->v[j].content].fields[fe->key]); j++)
			;
		if (key->kind == GEN_NONE || j < i)
			continue;
		opening = item_opening(tl, fe, trigger, key, &contested);
		ret->contested.i = ret->contested.i || contested;
		if (opening < 0)
			continue;
		ret->counted[n++] = (unsigned)opening;
		if (first == NULL || strcmp(key->s, first->s) < 0) {
			first = key;
			ret->item_key = *key;
			ret->item_points = all[opening].fields[FIELD_POINTS];
		}
	}
	ret->n = integer(n);
	for (i = 1; i < n; i++) /* newest first */
		for (j = i; j > 0 && model_content_cmp(&all[ret->counted[j]], &all[ret->counted[j - 1]]) > 0; j--) {
			t = ret->counted[j];
			ret->counted[j] = ret->counted[j - 1];
			ret->counted[j - 1] = t;
		}
	ret->n_counted = n;
}

void
model_feature(struct model_result *ret, const struct model_timeline *tl, const struct gen_feature *fe, const struct gen_content *trigger)
{
	memset(ret, 0, sizeof(*ret));
	if (fe->op == GEN_ACTIVE)
		active_feature(ret, tl, fe, trigger);
	else
		window_feature(ret, tl, fe, trigger);
}
