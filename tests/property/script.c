#include "tests/property/gen.h"

static void
add(struct script *sc, enum step_kind kind, unsigned arg, uint64_t form)
{
	if (sc->n < GEN_OPS)
		sc->v[sc->n++] = (struct step){kind, arg, form};
}

/* Which contents come, in which order: each once, and some again at a random place. */
static unsigned
arrivals(struct rng *r, const struct gen_set *set, unsigned shuffled, unsigned again, unsigned ret[2 * GEN_CONTENTS])
{
	unsigned n = 0, i, j, t;

	for (i = 0; i < set->n_contents; i++) {
		ret[n++] = i;
		if (rng_percent(r, again))
			ret[n++] = i;
	}
	for (i = 1; i < n; i++) /* in order of time */
		for (j = i; j > 0 && gen_time_cmp(set->contents[ret[j]].time, set->contents[ret[j - 1]].time) < 0; j--) {
			t = ret[j];
			ret[j] = ret[j - 1];
			ret[j - 1] = t;
		}
	for (i = 1; i < n; i++) { /* then a share of them anywhere: a few late ones, or all */
		if (!rng_percent(r, shuffled))
			continue;
		j = rng_below(r, i + 1);
		t = ret[i];
		ret[i] = ret[j];
		ret[j] = t;
	}
	return n;
}

static void
stop(struct script *sc, struct rng *r, unsigned percent)
{
	if (sc->on_disk && rng_percent(r, percent))
		add(sc, rng_percent(r, 75) ? STEP_CRASH : STEP_REOPEN, 0, 0);
}

static void
add_between(struct script *sc, struct rng *r, const struct gen_set *set, unsigned variant, unsigned *ahead)
{
	unsigned next;

	if (variant == 1) {
		add(sc, rng_percent(r, 75) ? STEP_CHECK : STEP_COMMIT, 0, 0);
		return;
	}
	if (rng_percent(r, 85))
		add(sc, STEP_COMMIT, 0, 0);
	if (set->ticks && *ahead > 1 && rng_percent(r, 25)) { /* the clock never goes back */
		next = rng_below(r, rng_percent(r, 75) ? set->span : 2u << rng_below(r, 25));
		*ahead = rng_percent(r, 15) ? 0 : next < *ahead ? next : rng_below(r, *ahead);
		add(sc, STEP_TICK, *ahead, 0);
		if (rng_percent(r, 30))
			add(sc, STEP_CHECK, 0, 0);
		stop(sc, r, 30);
	}
	if (rng_percent(r, sc->on_disk ? 20 : 10)) {
		add(sc, STEP_CHECKPOINT, 0, 0);
		stop(sc, r, 30);
	}
	if (variant >= 3 && rng_percent(r, 12))
		add(sc, STEP_CHECK, 0, 0);
	stop(sc, r, 12);
}

static void
add_switch(struct script *sc, struct rng *r, enum step_kind kind)
{
	add(sc, kind, 0, 0);
	stop(sc, r, 30);
}

void
gen_script(struct script *ret, const struct gen_set *set, unsigned variant, uint64_t seed)
{
	struct rng r = {seed ^ (variant * UINT64_C(0xd1342543de82ef95))};
	unsigned order[2 * GEN_CONTENTS], n, i, j, batch, left, n_switches, switches[3] = {0}, ahead = GEN_TICK_AHEAD;
	bool other = true;

	memset(ret, 0, sizeof(*ret));
	ret->on_disk = variant == 3 || (variant == 4 && rng_percent(&r, 50));
	ret->partitions = variant == 0 || variant == 1 ? 1 : 1 + rng_below(&r, rng_percent(&r, 50) ? 2 : 8);
	ret->batch_ticks = set->ticks && variant >= 2 && rng_percent(&r, 50);
	ret->cache_kib = variant < 2 || rng_percent(&r, 50) ? 0 : 1;
	n = arrivals(&r, set, variant == 0 ? 0 : rng_percent(&r, 30) ? 30 : 100, variant >= 2 ? 30 : 0, order);
	batch = variant == 0 ? n : 1 + rng_below(&r, rng_percent(&r, 50) ? 4 : n);
	n_switches = variant != 4 ? 0 : rng_percent(&r, 30) ? 3 : 1; /* to and fro */
	for (i = 0; i < n_switches; i++)
		switches[i] = 1 + rng_below(&r, n);
	add_switch(ret, &r, n_switches != 0 ? STEP_OTHER_RULES : STEP_RULES);
	for (i = 0, left = batch; i <= n; i++) {
		for (j = 0; j < n_switches; j++)
			if (switches[j] == i)
				add_switch(ret, &r, (other = !other) ? STEP_OTHER_RULES : STEP_RULES);
		if (i == n)
			break;
		add(ret, STEP_ADD, order[i], variant == 0 ? 0 : rng_next(&r));
		if (--left == 0 && i + 1 < n) {
			add_between(ret, &r, set, variant, &ahead);
			left = 1 + rng_below(&r, batch);
		}
	}
	if (set->ticks && ahead != 0)
		add(ret, STEP_TICK, 0, 0);
	add(ret, STEP_CHECK, 0, 0);
	if (ret->on_disk && rng_percent(&r, 50)) {
		add(ret, rng_percent(&r, 50) ? STEP_CRASH : STEP_REOPEN, 0, 0);
		add(ret, STEP_CHECK, 0, 0);
	}
	/* Drawn last: older seeds keep their scripts. */
	ret->change_bytes = ret->cache_kib != 0 && rng_percent(&r, 50) ? 512 : 0;
	for (i = 0; i < ret->n && ret->on_disk; i++)
		if (ret->v[i].kind == STEP_RULES || ret->v[i].kind == STEP_OTHER_RULES)
			ret->v[i].arg = rng_percent(&r, 30);
}
