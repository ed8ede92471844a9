#include "engine/flow/worker_private.h"

#include "state/base/hash.h"
#include "state/base/stages.h"

#include <stdio.h>
#include <stdlib.h>

#define AHEAD 4 /* subjects whose memory is asked for before they are folded */

void
worker_free(struct worker *wo)
{
	if (wo == NULL)
		return;
	subjects_free(&wo->subjects);
	for (size_t r = 0; wo->scratch != NULL && r < wo->env.plan->n_rules; r++) {
		for (unsigned f = 0; wo->scratch[r] != NULL && f < wo->env.plan->rules[r].n_features; f++) {
			window_free(&wo->scratch[r][f].wi);
			active_free(&wo->scratch[r][f].ac);
		}
		free(wo->scratch[r]);
	}
	for (unsigned f = 0; f < LIMIT_RULE_FEATURES; f++)
		bag_free(&wo->sweep.dirty[f]);
	free(wo->scratch);
	free(wo->small);
	free(wo->touched);
	free(wo->deltas);
	free(wo->cut);
	arena_free(&wo->arena);
	looks_free(&wo->looks);
	buf_free(&wo->group);
	buf_free(&wo->values);
	buf_free(&wo->json);
	buf_free(&wo->fa);
	buf_free(&wo->en);
	rule_vm_free(wo->vm);
	free(wo);
}

int
worker_new(struct worker **ret, const struct worker_env *env, struct err *err)
{
	struct worker *wo = calloc(1, sizeof *wo);

	if (wo == NULL)
		return err_nomem(err);
	wo->env = *env;
	wo->due.sec = INT64_MAX;
	wo->subjects.max_bytes = env->cache_bytes;
	if (rule_vm_new(&wo->vm, env->rules, env->texts, env->plan->n_rules, err) != 0)
		goto fail;
	wo->scratch = calloc(env->plan->n_rules + 1, sizeof(struct cursor *));
	wo->small = calloc(env->plan->n_alike + 1, sizeof *wo->small);
	if (wo->scratch == NULL || wo->small == NULL)
		goto nomem;
	for (size_t r = 0; r < env->plan->n_rules; r++) {
		wo->scratch[r] = calloc(env->plan->rules[r].n_features + 1, sizeof(struct cursor));
		if (wo->scratch[r] == NULL)
			goto nomem;
	}
	*ret = wo;
	return 0;
nomem:
	(void)err_nomem(err);
fail:
	worker_free(wo);
	return -1;
}

struct subjects *
worker_subjects(struct worker *wo)
{
	return &wo->subjects;
}

void
worker_stats(const struct worker *wo, struct worker_stats *ret)
{
	*ret = wo->stats;
	ret->timelines = wo->subjects.table.n;
	ret->timeline_bytes = wo->subjects.bytes;
}

void
worker_forget_stats(struct worker *wo)
{
	wo->stats = (struct worker_stats){0};
}

/* From memory, from the store, or new. */
static struct subject *
get_subject(struct worker *wo, struct slice key, uint64_t hash, const struct kind_plan *kind, struct err *err)
{
	struct subject *su = subjects_find(&wo->subjects, key, hash);
	int rc;

	if (su != NULL)
		return su;
	su = subjects_make(&wo->subjects, key, hash, kind, err);
	if (su == NULL)
		return NULL;
	if (!*wo->env.loading || !wo->env.known(wo->env.ctx, hash)) {
		rc = wo->env.note(wo->env.ctx, hash, err);
	} else {
		rc = subject_load(su, wo->env.store, wo->env.names, wo->env.known(wo->env.ctx, subject_alerts_hash(hash)), err);
		if (rc == 0)
			subjects_count(&wo->subjects, su);
	}
	if (rc == 0)
		return su;
	/* Whoever asks again is told again, instead of judging what is not whole. */
	subjects_drop(&wo->subjects, su);
	return NULL;
}

static int
grow(void *v, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap == 0 ? 64 : *cap;
	void *p;

	if (n < *cap)
		return 0;
	while (want <= n)
		want *= 2;
	p = realloc(*(void **)v, want * size);
	if (p == NULL)
		return -1;
	*(void **)v = p;
	*cap = want;
	return 0;
}

void
worker_expect(const struct worker *wo, uint64_t hash, bool now)
{
	if (now)
		subjects_expect_now(&wo->subjects, hash);
	else
		subjects_expect(&wo->subjects, hash);
}

int
worker_take(struct worker *wo, struct slice subject, uint64_t hash, const struct kind_plan *kind, const struct delta *de, struct arena *arena,
    bool *ret_late, struct err *err)
{
	struct subject *su = get_subject(wo, subject, hash, kind, err);
	struct delta_node *node;

	if (su == NULL)
		return -1;
	node = arena_alloc(arena, sizeof *node);
	if (node == NULL || grow(&wo->touched, &wo->cap_touched, wo->n_touched, sizeof *wo->touched) != 0)
		return err_nomem(err);
	node->de = *de;
	node->next = NULL;
	if (su->first == NULL) {
		su->first = node;
		wo->touched[wo->n_touched++] = su;
	} else {
		su->last->next = node;
	}
	su->last = node;
	*ret_late = instant_cmp(de->time, su->newest) < 0;
	if (!de->remove && !*ret_late)
		su->newest = de->time;
	return 0;
}

/* What a batch does to a subject in the end: an addition that a later removal takes back cancels out, and only the last
 * content of an identity comes in. */
static size_t
gather(struct worker *wo, const struct subject *su, struct err *err)
{
	size_t n = 0;

	for (const struct delta_node *node = su->first; node != NULL; node = node->next) {
		bool cancelled = false;

		for (size_t i = n; node->de.remove && i-- > 0 && !cancelled;) {
			const struct delta *de = &wo->deltas[i];

			if (de->remove || de->source != node->de.source || de->role != node->de.role || !slice_eq(de->id, node->de.id) ||
			    instant_cmp(de->time, node->de.time) != 0)
				continue;
			wo->deltas[i] = wo->deltas[--n];
			cancelled = true;
		}
		if (cancelled)
			continue;
		if (grow(&wo->deltas, &wo->cap_deltas, n, sizeof *wo->deltas) != 0) {
			(void)err_nomem(err);
			return SIZE_MAX;
		}
		wo->deltas[n++] = node->de;
	}
	return n;
}

int
worker_want_cut(struct worker *wo, struct group *gr, struct err *err)
{
	if (grow(&wo->cut, &wo->cap_cut, wo->n_cut, sizeof *wo->cut) != 0)
		return err_nomem(err);
	wo->cut[wo->n_cut++] = gr;
	return 0;
}

/* Puts what a trigger's judgement means for its group. `hit` is taken over. */
static int
put_hit(struct worker *wo, struct group *gr, struct instant time, uint32_t source, struct slice id, struct hit *hit, struct err *err)
{
	bool clean = gr->dirty_from == UINT32_MAX;

	if (group_put(gr, wo->env.names, time, source, id, hit) != 0)
		return err_nomem(err);
	return clean && gr->dirty_from != UINT32_MAX ? worker_want_cut(wo, gr, err) : 0;
}

void
worker_count_outcome(struct worker *wo)
{
	const struct judge *ju = &wo->judge;
	struct rule_stats *rs = &wo->env.stats[ju->rp->index];

	wo->stats.evaluations++;
	switch (ju->result.class) {
	case OUTCOME_ALERT:
		rs->alert++;
		break;
	case OUTCOME_CLEAR:
		rs->clear++;
		break;
	case OUTCOME_UNKNOWN:
		rs->unknown++;
		break;
	case OUTCOME_ERROR:
		rs->error++;
		if (ju->result.error != NULL)
			(void)snprintf(rs->last_error, sizeof rs->last_error, "%s", ju->result.error);
		break;
	}
}

void
worker_count_nameless(struct worker *wo, uint16_t layout, const struct event *ev)
{
	const struct plan *pl = wo->env.plan;

	for (size_t i = 0; i < pl->n_rules; i++)
		if (plan_nameless(&pl->rules[i], layout, ev)) {
			wo->stats.evaluations++;
			wo->env.stats[pl->rules[i].index].unknown++;
		}
}

/* After `review_by` a rule no longer alerts; only ticks tell that the day has come. */
static bool
past_review(const struct worker *wo, const struct rule *ru, struct instant t)
{
	return wo->now->have_tick && instant_cmp(wo->now->tick, ru->review_by) > 0 && instant_cmp(t, ru->review_by) > 0;
}

int
worker_trigger(void *ctx, struct err *err)
{
	struct worker *wo = ctx;
	struct judge *ju = &wo->judge;
	const struct timeline *tl = &ju->su->tl;
	const struct entry *en = &tl->v[ju->index];
	const struct standing *sg = &subject_rule(wo->su, wo->slot)->sg;
	struct hit *hit = NULL;
	struct group *gr;
	bool alert;

	if (judge_eval(ju) != 0)
		return err_nomem(err);
	worker_count_outcome(wo);
	alert = ju->result.class == OUTCOME_ALERT && !past_review(wo, ju->rp->ru, entry_time(en));
	if (!alert && sg->n == 0)
		return 0;
	judge_group(ju->rp, en->layout, entry_kept(tl, en), &wo->group);
	if (!buf_ok(&wo->group))
		return err_nomem(err);
	if (!alert) {
		gr = standing_find(sg, buf_slice(&wo->group));
		if (gr == NULL)
			return 0;
	} else {
		const struct rule_outcome *oc = &ju->rp->ru->outcomes[ju->result.outcome];
		struct rule_state *rs = subject_own_rule(wo->su, wo->slot);

		gr = rs == NULL ? NULL : standing_group(&rs->sg, buf_slice(&wo->group));
		if (gr == NULL)
			return err_nomem(err);
		hit = hit_new(entry_time(en), en->source, entry_id(tl, en), (uint8_t)oc->level, slice_str(oc->code));
		if (hit == NULL)
			return err_nomem(err);
		if (worker_learn(wo, hit, err) != 0) {
			hit_drop(hit);
			return -1;
		}
	}
	return put_hit(wo, gr, entry_time(en), en->source, entry_id(tl, en), hit, err);
}

static int
on_gone(void *ctx, const struct delta *de, struct err *err)
{
	struct worker *wo = ctx;
	struct group *gr;

	judge_group(wo->judge.rp, de->layout, de->kept, &wo->group);
	if (!buf_ok(&wo->group))
		return err_nomem(err);
	gr = standing_find(&subject_rule(wo->su, wo->slot)->sg, buf_slice(&wo->group));
	return gr == NULL ? 0 : put_hit(wo, gr, de->time, de->source, de->id, NULL, err);
}

int
worker_begin(struct worker *wo, struct subject *su, unsigned slot, const struct batch_now *bn, struct err *err)
{
	wo->su = su;
	wo->slot = slot;
	wo->now = bn;
	wo->n_cut = 0;
	looks_clear(&wo->looks);
	wo->evidence_at = UINT32_MAX;
	wo->judge.index = UINT32_MAX;
	if (judge_begin(&wo->judge, su, slot, wo->env.names, wo->vm, wo->scratch[su->kind->rules[slot]->index], wo->small) != 0)
		return err_nomem(err);
	return 0;
}

static int
fold_subject(struct worker *wo, struct subject *su, const struct batch_now *bn, struct err *err)
{
	size_t n = gather(wo, su, err);
	enum stage stage;
	int rc;

	su->first = su->last = NULL;
	if (n == SIZE_MAX)
		return -1;
	if (n == 0)
		return 0;
	if (judge_rewind(su, timeline_first_change(&su->tl, wo->env.names, wo->deltas, n)) != 0)
		return err_nomem(err);
	stage = stage_enter(STAGE_TIMELINE);
	rc = timeline_merge(&su->tl, wo->env.names, wo->deltas, n, err);
	stage_leave(stage);
	if (rc != 0 || subjects_dirty(&wo->subjects, su, err) != 0)
		return -1;
	su->newest = su->tl.n == 0 ? (struct instant){INT64_MIN, 0} : entry_time(&su->tl.v[su->tl.n - 1]);
	wo->why = WHY_EVIDENCE;
	wo->before = NULL;
	for (unsigned slot = 0; slot < su->kind->n; slot++) {
		if (worker_begin(wo, su, slot, bn, err) != 0)
			return -1;
		wo->sweep.judge = &wo->judge;
		wo->sweep.deltas = wo->deltas;
		wo->sweep.n = n;
		wo->sweep.ctx = wo;
		wo->sweep.trigger = worker_trigger;
		wo->sweep.gone = on_gone;
		if (sweep_run(&wo->sweep, err) != 0 || worker_cut(wo, err) != 0)
			return -1;
	}
	subjects_count(&wo->subjects, su);
	return 0;
}

static void
expect_subject(const struct subject *su)
{
	__builtin_prefetch(su);
	__builtin_prefetch(&su->first);
	__builtin_prefetch(su->key);
}

/* Most deltas come to a timeline's end. */
static void
expect_timeline(const struct timeline *tl)
{
	if (tl->n == 0)
		return;
	__builtin_prefetch(&tl->v[tl->n - 1]);
	__builtin_prefetch(tl->bytes + tl->v[tl->n - 1].at);
}

int
worker_fold(struct worker *wo, const struct batch_now *bn, struct err *err)
{
	enum stage stage = stage_enter(STAGE_FEATURES);
	int rc = 0;

	for (size_t i = 0; i < wo->n_touched && rc == 0; i++) {
		if (i + 3 * AHEAD < wo->n_touched)
			expect_subject(wo->touched[i + 3 * AHEAD]);
		if (i + AHEAD < wo->n_touched)
			expect_timeline(&wo->touched[i + AHEAD]->tl);
		rc = fold_subject(wo, wo->touched[i], bn, err);
	}
	wo->n_touched = 0;
	stage_leave(stage);
	return rc;
}

static int
tick_subject(struct worker *wo, struct subject *su, const struct batch_now *bn, struct err *err)
{
	bool changed = false;

	for (unsigned slot = 0; slot < su->kind->n; slot++) {
		const struct standing *sg = &subject_rule(su, slot)->sg;

		for (uint32_t g = 0; g < sg->n; g++)
			group_tick(sg->groups[g], su->kind->rules[slot]->ru, bn->tick, &changed);
	}
	return changed ? subjects_dirty(&wo->subjects, su, err) : 0;
}

static void
next_due(struct worker *wo, const struct subject *su, struct instant tick)
{
	for (unsigned slot = 0; slot < su->kind->n; slot++) {
		const struct standing *sg = &subject_rule(su, slot)->sg;

		for (uint32_t g = 0; g < sg->n; g++)
			for (uint32_t i = 0; i < sg->groups[g]->n_current; i++)
				(void)alert_due(sg->groups[g]->alerts[i], su->kind->rules[slot]->ru, tick, &wo->due);
	}
}

int
worker_tick(struct worker *wo, const struct batch_now *bn, struct err *err)
{
	wo->due = (struct instant){INT64_MAX, 0};
	for (size_t i = 0; i < wo->subjects.n_dirty; i++) {
		struct subject *su = wo->subjects.dirty[i];

		if (tick_subject(wo, su, bn, err) != 0)
			return -1;
		next_due(wo, su, bn->tick);
	}
	return 0;
}

struct instant *
worker_due(struct worker *wo)
{
	return &wo->due;
}

int
worker_subject(struct worker *wo, struct slice subject, struct subject **ret, struct err *err)
{
	const struct kind_plan *kind = plan_kind(wo->env.plan, subject);

	*ret = NULL;
	if (kind == NULL)
		return 0;
	subjects_evict(&wo->subjects);
	*ret = get_subject(wo, subject, hash64(subject), kind, err);
	return *ret == NULL ? -1 : 0;
}

int
worker_tick_subject(struct worker *wo, struct slice subject, const struct batch_now *bn, struct err *err)
{
	struct subject *su;

	if (worker_subject(wo, subject, &su, err) != 0)
		return -1;
	return su == NULL ? 0 : tick_subject(wo, su, bn, err);
}

int
worker_save(struct worker *wo, struct changes *ch, uint64_t *standing, struct err *err)
{
	return subjects_save(&wo->subjects, ch, standing, err);
}
