/* What a worker says of a subject's past when it is asked: judged anew under a rule that changed, for eval, and as an alert shows
 * it. */
#include "engine/flow/worker_private.h"

static int
slot_of(const struct subject *su, size_t rule)
{
	for (unsigned i = 0; i < su->kind->n; i++)
		if (su->kind->rules[i]->index == rule)
			return (int)i;
	return -1;
}

/* Begins with one subject, loaded if it must be, and one rule. 1: begun; 0: the rule does not judge such a subject; -1: error. */
static int
begin_rule(struct worker *wo, struct slice subject, size_t rule, const struct batch_now *bn, struct err *err)
{
	struct subject *su;
	int slot;

	if (worker_subject(wo, subject, &su, err) != 0)
		return -1;
	slot = su == NULL ? -1 : slot_of(su, rule);
	if (slot < 0)
		return 0;
	return worker_begin(wo, su, (unsigned)slot, bn, err) != 0 ? -1 : 1;
}

/* Forgets what `rule` said about a subject; judges its past again unless it is to say no more. */
static int
judge_past(struct worker *wo, struct slice subject, size_t rule, bool again, enum alert_why why, const struct rule *before,
    const struct batch_now *bn, struct err *err)
{
	struct subject *su;
	const struct standing *sg;
	int rc = begin_rule(wo, subject, rule, bn, err);

	if (rc <= 0)
		return rc;
	su = wo->su;
	sg = &subject_rule(su, wo->slot)->sg;
	wo->why = why;
	wo->before = before;
	for (uint32_t g = 0; g < sg->n; g++) {
		group_drop_hits(sg->groups[g]);
		if (worker_want_cut(wo, sg->groups[g], err) != 0)
			return -1;
	}
	for (uint32_t i = 0; again && i < su->tl.n; i++) {
		if (!judge_is_trigger(&wo->judge, i))
			continue;
		judge_at(&wo->judge, i);
		if (worker_trigger(wo, err) != 0)
			return -1;
	}
	if (worker_cut(wo, err) != 0)
		return -1;
	subjects_count(&wo->subjects, su);
	return 0;
}

int
worker_rejudge(struct worker *wo, struct slice subject, size_t rule, const struct rule *before, const struct batch_now *bn, struct err *err)
{
	return judge_past(wo, subject, rule, true, WHY_RULE, before, bn, err);
}

int
worker_review(struct worker *wo, struct slice subject, size_t rule, const struct batch_now *bn, struct err *err)
{
	return judge_past(wo, subject, rule, true, WHY_REVIEW, NULL, bn, err);
}

int
worker_review_changed(struct worker *wo, size_t rule, const struct batch_now *bn, struct err *err)
{
	size_t n = wo->subjects.n_dirty; /* they stay in memory; judging adds no other */

	for (size_t i = 0; i < n; i++)
		if (worker_review(wo, subject_key(wo->subjects.dirty[i]), rule, bn, err) != 0)
			return -1;
	return 0;
}

int
worker_retire(struct worker *wo, struct slice subject, size_t rule, const struct batch_now *bn, struct err *err)
{
	return judge_past(wo, subject, rule, false, WHY_RULE, NULL, bn, err);
}

int
worker_eval(struct worker *wo, struct slice subject, size_t rule, int (*fn)(void *ctx, const struct eval_view *ev, struct err *err), void *ctx,
    struct err *err)
{
	static const struct batch_now none = {.batch = 0};
	struct subject *su;
	int rc = begin_rule(wo, subject, rule, &none, err);

	if (rc <= 0)
		return rc;
	su = wo->su;
	for (uint32_t i = 0; i < su->tl.n; i++) {
		const struct entry *en = &su->tl.v[i];
		struct eval_view ev;

		if (!judge_is_trigger(&wo->judge, i))
			continue;
		judge_at(&wo->judge, i);
		if (judge_eval(&wo->judge) != 0)
			return err_nomem(err);
		worker_count_outcome(wo);
		ev = (struct eval_view){wo->judge.rp->ru, subject_key(su), names_text(wo->env.names, en->source), entry_id(&su->tl, en),
		    entry_time(en), &wo->judge.result};
		if (fn(ctx, &ev, err) != 0)
			return -1;
	}
	return 0;
}

int
worker_render(struct worker *wo, struct subject *su, unsigned slot, const struct group *gr, const struct alert *al, struct buf *json, struct buf *fa,
    struct buf *en, bool *ret_holds, struct err *err)
{
	static const struct batch_now none = {.batch = 0};
	struct alert_words aw = {.ru = su->kind->rules[slot]->ru,
	    .names = wo->env.names,
	    .subject = subject_key(su),
	    .episode = group_episode(gr),
	    .al = al,
	    .ju = &wo->judge,
	    .with_state = true};
	int rc;

	*ret_holds = false;
	if (worker_begin(wo, su, slot, &none, err) != 0)
		return -1;
	rc = worker_revisit(wo, al->shown, true, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		if (judge_eval(&wo->judge) != 0)
			return err_nomem(err);
		judge_values(&wo->judge, &wo->values);
		if (!buf_ok(&wo->values))
			return err_nomem(err);
		aw.ev = &wo->evidence;
		*ret_holds = wo->judge.result.class == OUTCOME_ALERT &&
			     slice_eq_str(hit_code(al->shown), wo->judge.rp->ru->outcomes[wo->judge.result.outcome].code) &&
			     slice_eq(buf_slice(&wo->values), alert_values(al)) &&
			     judge_signature(&wo->judge, al->shown, alert_values(al), &wo->evidence) == al->signature;
	}
	alert_texts(&aw, fa, en);
	alert_data(&aw, buf_slice(fa), buf_slice(en), json);
	return buf_ok(fa) && buf_ok(en) && buf_ok(json) ? 0 : err_nomem(err);
}
