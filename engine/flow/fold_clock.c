/* The clock's part in the fold: what has expired ends, and rules whose day of review has passed fall silent. */
#include "engine/flow/fold_private.h"

#define TICK_EVENTS 1000 /* folding a tick again after a crash may cost a walk over all alerts: so checkpoints come sooner */

/* --- expiry --- */

struct expiring {
	struct fold *fo;
	const struct batch_now *bn;
	struct instant next; /* no stored alert that stays expires sooner */
	bool ticked;         /* this subject */
};

static int
expire_one(void *ctx, const struct group_place *gp, const struct alert *al, struct err *err)
{
	struct expiring *ex = ctx;
	const struct rule *ru = ruleset_rule(ex->fo->rs, gp->rule);

	ex->ticked = ex->ticked && !gp->new_subject;
	if (ru == NULL || !alert_due(al, ru, ex->bn->tick, &ex->next) || ex->ticked)
		return 0;
	ex->ticked = true;
	return worker_tick_subject(fold_worker(ex->fo, gp->subject), gp->subject, ex->bn, err);
}

/* Alerts that changed since the last checkpoint are in memory, the others in the store. */
static int
expire(struct fold *fo, const struct batch_now *bn, struct err *err)
{
	struct expiring ex = {.fo = fo, .bn = bn, .next = {INT64_MAX, 0}};
	bool due = !fo->due_known || instant_cmp(fo->due, bn->tick) <= 0;

	for (unsigned p = 0; p < fo->env.partitions; p++)
		due = due || instant_cmp(*worker_due(fo->workers[p]), bn->tick) <= 0;
	if (!due)
		return 0;
	for (unsigned p = 0; p < fo->env.partitions; p++)
		if (worker_tick(fo->workers[p], bn, err) != 0)
			return -1;
	if (fold_each_alert(fo, expire_one, &ex, err) != 0)
		return -1;
	fo->due = ex.next;
	fo->due_known = true;
	return 0;
}

void
fold_due_saved(struct fold *fo)
{
	for (unsigned p = 0; p < fo->env.partitions && fo->rs != NULL; p++) {
		struct instant *due = worker_due(fo->workers[p]);

		if (instant_cmp(*due, fo->due) < 0)
			fo->due = *due;
		*due = (struct instant){INT64_MAX, 0};
	}
}

/* --- review --- */

struct reviewing {
	struct fold *fo;
	const struct batch_now *bn;
	size_t rule;
};

static int
review_one(void *ctx, const struct group_place *gp, const struct alert *al, struct err *err)
{
	const struct reviewing *re = ctx;

	(void)al;
	if (!slice_eq_str(gp->rule, re->fo->rs->rules[re->rule]->id) || !gp->new_rule)
		return 0;
	return worker_review(fold_worker(re->fo, gp->subject), gp->subject, re->rule, re->bn, err);
}

static int
review(struct fold *fo, bool had_tick, struct instant before, const struct batch_now *bn, struct err *err)
{
	struct reviewing re = {.fo = fo, .bn = bn};

	for (size_t i = 0; i < fo->rs->n_rules; i++) {
		struct instant day = fo->rs->rules[i]->review_by;

		if (instant_cmp(bn->tick, day) <= 0 || (had_tick && instant_cmp(before, day) > 0))
			continue;
		re.rule = i;
		for (unsigned p = 0; p < fo->env.partitions; p++)
			if (worker_review_changed(fo->workers[p], i, bn, err) != 0)
				return -1;
		if (fold_each_alert(fo, review_one, &re, err) != 0)
			return -1;
	}
	return 0;
}

int
fold_pass_time(struct fold *fo, bool had_tick, struct instant before, const struct batch_now *bn, struct err *err)
{
	return expire(fo, bn, err) != 0 ? -1 : review(fo, had_tick, before, bn, err);
}

int
fold_take_tick(struct fold *fo, struct instant tick, uint64_t seq, bool replayed, struct err *err)
{
	bool had = fo->have_tick;
	struct instant before = fo->tick;
	struct batch_now bn;

	fo->dirty = true;
	fo->dirty_events += TICK_EVENTS;
	if (!had || instant_cmp(before, tick) < 0)
		fo->tick = tick;
	fo->have_tick = true;
	if (fo->rs == NULL)
		return 0;
	bn = fold_now(fo, seq, fo->tick, replayed);
	return fold_pass_time(fo, had, before, &bn, err);
}
