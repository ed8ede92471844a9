/* What cutting a group asks the worker and has it tell: values, signature and evidence of a trigger, and messages. */
#include "engine/flow/worker_private.h"

#include "state/base/hash.h"
#include "state/base/stages.h"

/* Showing a trigger and telling of it ask for the same evidence, one after the other: it is picked once. */
static int
gather_evidence(struct worker *wo, uint32_t i, bool total, struct err *err)
{
	struct judge *ju = &wo->judge;

	if (ju->index != i)
		judge_at(ju, i);
	if (wo->evidence_at != i) {
		wo->evidence_at = UINT32_MAX;
		if (judge_evidence(ju, &wo->evidence) != 0)
			return err_nomem(err);
		wo->evidence_at = i;
	}
	return total && judge_total(ju, &wo->evidence) != 0 ? err_nomem(err) : 1;
}

int
worker_revisit(struct worker *wo, const struct hit *hi, bool total, struct err *err)
{
	struct judge *ju = &wo->judge;
	const struct timeline *tl = &ju->su->tl;
	uint32_t i = timeline_find(tl, wo->env.names, hi->time, hi->source, hit_id(hi));

	for (; i < tl->n && instant_cmp(entry_time(&tl->v[i]), hi->time) == 0 && tl->v[i].source == hi->source &&
	       slice_eq(entry_id(tl, &tl->v[i]), hit_id(hi));
	     i++)
		if (judge_is_trigger(ju, i))
			return gather_evidence(wo, i, total, err);
	return 0;
}

int
worker_learn(struct worker *wo, struct hit *hi, struct err *err)
{
	struct judge *ju = &wo->judge;
	struct look lo;

	judge_values(ju, &wo->values);
	if (!buf_ok(&wo->values))
		return err_nomem(err);
	if (gather_evidence(wo, ju->index, true, err) < 0)
		return -1;
	lo = (struct look){judge_signature(ju, hi, buf_slice(&wo->values), &wo->evidence), wo->evidence.total, buf_slice(&wo->values)};
	hi->fresh = looks_add(&wo->looks, &lo);
	return 0;
}

/* What an alert that shows this hit is to say. Of what the sweep judged that is known; of another trigger the rule is asked again. */
static int
on_look(void *ctx, const struct hit *hi, uint64_t *ret_signature, struct slice *ret_values, struct err *err)
{
	struct worker *wo = ctx;
	struct judge *ju = &wo->judge;
	struct look known;
	int rc;

	if (looks_get(&wo->looks, hi->fresh, &known)) {
		*ret_signature = known.signature;
		*ret_values = known.values;
		return 0;
	}
	rc = worker_revisit(wo, hi, false, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		if (judge_eval(ju) != 0)
			return err_nomem(err);
		judge_values(ju, &wo->values);
		if (!buf_ok(&wo->values))
			return err_nomem(err);
		rc = ju->result.class == OUTCOME_ALERT && slice_eq_str(hit_code(hi), ju->rp->ru->outcomes[ju->result.outcome].code);
	}
	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "an alert of %.*s rests on an event that is not on its timeline: run dideban store verify",
		    SLICE_ARG(subject_key(wo->su)));
	*ret_values = buf_slice(&wo->values);
	*ret_signature = judge_signature(ju, hi, *ret_values, &wo->evidence);
	return 0;
}

static int
on_tell(void *ctx, enum message_type type, const struct group *gr, const struct alert *al, const struct alert *replaces, struct err *err)
{
	struct worker *wo = ctx;
	const struct rule *ru = type == MESSAGE_WITHDRAWN && wo->before != NULL ? wo->before : wo->judge.rp->ru;
	struct rule_stats *rs = &wo->env.stats[wo->judge.rp->index];
	struct alert_words aw = {.ru = ru,
	    .names = wo->env.names,
	    .subject = subject_key(wo->su),
	    .episode = group_episode(gr),
	    .al = al,
	    .replaces = replaces,
	    .ju = &wo->judge};
	struct message me = {.type = type,
	    .batch = wo->now->batch,
	    .replayed = wo->now->replayed,
	    .rule = ru,
	    .level = (enum alert_level)al->shown->level,
	    .seq = al->seq,
	    .subject = subject_key(wo->su)};
	struct look known;
	enum stage stage;
	int rc;
	char id[2 * ALERT_ID_BYTES + 1];

	wo->stats.messages++;
	*(type == MESSAGE_RAISED ? &rs->raised : type == MESSAGE_UPDATED ? &rs->updated : &rs->withdrawn) += 1;
	if (!wo->env.render)
		return 0;
	if (type != MESSAGE_WITHDRAWN) {
		bool counted = looks_get(&wo->looks, al->shown->fresh, &known);

		rc = worker_revisit(wo, al->shown, !counted, err);
		if (rc < 0)
			return -1;
		if (counted)
			wo->evidence.total = known.total;
		aw.ev = rc > 0 ? &wo->evidence : NULL;
	} else {
		aw.reason = alert_why_text(al->state == ALERT_WITHDRAWN ? al->why : wo->why);
	}
	buf_clear(&wo->fa);
	buf_clear(&wo->en);
	buf_clear(&wo->json);
	alert_texts(&aw, &wo->fa, &wo->en);
	alert_message(&aw, type, wo->env.instance, buf_slice(&wo->fa), buf_slice(&wo->en), &wo->json);
	if (!buf_ok(&wo->fa) || !buf_ok(&wo->en) || !buf_ok(&wo->json))
		return err_nomem(err);
	alert_id_text(al->id, id);
	me.alert_id = slice_str(id);
	me.text_fa = buf_slice(&wo->fa);
	me.text_en = buf_slice(&wo->en);
	me.json = buf_slice(&wo->json);
	stage = stage_enter(STAGE_PUBLISH);
	rc = wo->now->on_message(wo->now->ctx, &me, err);
	stage_leave(stage);
	return rc;
}

int
worker_cut(struct worker *wo, struct err *err)
{
	enum stage stage;
	int rc = 0;
	const struct batch_now *bn = wo->now;
	struct cut cu = {.ru = wo->judge.rp->ru,
	    .names = wo->env.names,
	    .subject = subject_key(wo->su),
	    .rule_set = bn->rule_set,
	    .rule_set_before = bn->rule_set - (wo->before != NULL),
	    .silent = bn->silent,
	    .readdressed = wo->before != NULL && !rule_same_audience(wo->before, wo->judge.rp->ru),
	    .why = wo->why,
	    .have_tick = bn->have_tick,
	    .tick = bn->tick,
	    .now = bn->now,
	    .known_up_to = bn->known_up_to,
	    .ended_unsent = &wo->stats.ended_unsent,
	    .arena = &wo->arena,
	    .due = &wo->due,
	    .ctx = wo,
	    .look = on_look,
	    .tell = on_tell};

	stage = stage_enter(STAGE_ALERTS);
	for (size_t i = 0; i < wo->n_cut && rc == 0; i++) {
		arena_reset(&wo->arena);
		rc = group_cut(wo->cut[i], &cu, err);
		subject_count_group(wo->su, wo->cut[i]);
	}
	stage_leave(stage);
	if (rc != 0)
		return -1;
	if (wo->n_cut == 0)
		return 0;
	if (wo->env.note(wo->env.ctx, subject_alerts_hash(hash64(subject_key(wo->su))), err) != 0)
		return -1;
	return subjects_dirty(&wo->subjects, wo->su, err);
}
