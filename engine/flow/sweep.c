#include "engine/flow/sweep.h"

/* The last moment at which a trigger still has time t in its window. */
static struct instant
reach(const struct feature_spec *spec, struct instant t)
{
	struct instant end;

	if (spec->window == WINDOW_SPAN)
		return instant_plus(t, spec->window_seconds);
	end = spec->window == WINDOW_JALALI_YEAR ? jalali_year_end(t) : jalali_month_end(t);
	/* The calendars' ends are exclusive, and whole seconds. */
	return (struct instant){end.sec - 1, 999999999};
}

static uint32_t
mark(struct sweep *sw, unsigned feature, struct slice key, uint32_t level, bool clear)
{
	struct bag *ba = &sw->dirty[feature];
	uint32_t number = clear ? bag_find(ba, key) : bag_number(ba, key);

	if (number == UINT32_MAX)
		return number;
	if (clear) {
		if (ba->items[number].count != 0 && ba->items[number].count <= level) {
			ba->items[number].count = 0;
			sw->n_dirty--;
		}
	} else {
		sw->n_dirty += ba->items[number].count == 0;
		if (ba->items[number].count < level)
			ba->items[number].count = level;
	}
	return number;
}

/* An entry came or went: what does it reach? */
static int
absorb(struct sweep *sw, const struct delta *de, struct err *err)
{
	const struct rule_plan *rp = sw->judge->rp;

	if (de->remove && !de->found)
		return 0;
	for (unsigned f = 0; f < rp->n_features; f++) {
		const struct feature_spec *spec = rp->features[f].spec;
		const struct feature_bind *fb = &rp->binds[f][de->layout];

		if (!feature_takes(&rp->features[f], fb, de->role, de->kept))
			continue;
		if (spec->op == OP_ACTIVE) {
			if (mark(sw, f, kept_bytes(de->kept, (unsigned)fb->key), fb->life & LIFE_OPENS ? 2 : 1, false) == UINT32_MAX)
				return err_nomem(err);
		} else if (spec->window == WINDOW_ALL) {
			sw->forever = true;
		} else {
			struct instant until = reach(spec, de->time);

			if (!sw->reached || instant_cmp(sw->until, until) < 0)
				sw->until = until;
			sw->reached = true;
		}
	}
	return 0;
}

/* An unchanged entry settles the state of its key. */
static void
pass_entry(struct sweep *sw, uint32_t i)
{
	const struct rule_plan *rp = sw->judge->rp;
	const struct timeline *tl = &sw->judge->su->tl;
	const struct entry *en = &tl->v[i];
	struct slice kept = entry_kept(tl, en);

	for (unsigned f = 0; f < rp->n_features && sw->n_dirty > 0; f++) {
		const struct feature_bind *fb = &rp->binds[f][en->layout];

		if (rp->features[f].spec->op == OP_ACTIVE && feature_takes(&rp->features[f], fb, en->role, kept))
			(void)mark(sw, f, kept_bytes(kept, (unsigned)fb->key), fb->life & LIFE_OPENS ? 2 : 1, true);
	}
}

/* The event whose last entry is i, if it has no entry below `unchanged`. Not sooner: `active` looks before the whole event, so
 * that the event's own entries under other roles settle nothing for its trigger. */
static void
pass_event(struct sweep *sw, uint32_t i, uint32_t unchanged)
{
	const struct timeline *tl = &sw->judge->su->tl;
	uint32_t first = i;

	while (first > 0 && timeline_same_event(tl, first - 1, i))
		first--;
	for (; first >= unchanged && first <= i; first++)
		pass_entry(sw, first);
}

static void
start(struct sweep *sw)
{
	for (unsigned f = 0; f < sw->judge->rp->n_features; f++)
		bag_clear(&sw->dirty[f]);
	sw->n_dirty = 0;
	sw->forever = sw->reached = false;
}

/* The triggers that went. All before the first is judged: of one event another content may have come, whose entry stands before the
 * one that went when its contract numbers the role otherwise. */
static int
take_back(struct sweep *sw, struct err *err)
{
	for (size_t d = 0; d < sw->n; d++) {
		const struct delta *de = &sw->deltas[d];
		const struct trigger_bind *tb = &sw->judge->rp->triggers[de->layout];

		if (de->remove && de->found && tb->on && tb->role == de->role && sw->gone(sw->ctx, de, err) != 0)
			return -1;
	}
	return 0;
}

int
sweep_run(struct sweep *sw, struct err *err)
{
	const struct timeline *tl = &sw->judge->su->tl;
	size_t d = 0;
	uint32_t i, unchanged = 0; /* entries from here to i did not change */

	start(sw);
	if (take_back(sw, err) != 0)
		return -1;
	for (i = sw->deltas[0].index;; i++) {
		bool reached, changed = false;

		/* What was before i reaches i; what changes at i is settled first when it went, last when it came. */
		for (; d < sw->n && sw->deltas[d].index <= i; d++) {
			changed = changed || !sw->deltas[d].remove;
			if (absorb(sw, &sw->deltas[d], err) != 0)
				return -1;
		}
		if (i >= tl->n)
			return 0;
		reached = sw->forever || sw->n_dirty > 0 || (sw->reached && instant_cmp(entry_time(&tl->v[i]), sw->until) <= 0);
		if (!reached && !changed) {
			if (d == sw->n)
				return 0;
			i = sw->deltas[d].index - 1;
			continue;
		}
		if (judge_is_trigger(sw->judge, i)) {
			judge_at(sw->judge, i);
			if (sw->trigger(sw->ctx, err) != 0)
				return -1;
		}
		if (changed)
			unchanged = i + 1;
		if (i + 1 == tl->n || !timeline_same_event(tl, i, i + 1))
			pass_event(sw, i, unchanged);
	}
}
