/* Rule sets of the fold: going live, judging the past anew, and those that earlier events were accepted under. */
#include "engine/flow/fold_private.h"

#include "engine/flow/keys.h"

#include <stdlib.h>

void
fold_drop_workers(struct fold *fo)
{
	for (unsigned p = 0; p < LIMIT_PARTITIONS; p++) {
		struct worker_stats ws;

		if (fo->workers[p] == NULL)
			continue;
		worker_stats(fo->workers[p], &ws);
		fo->dropped.evaluations += ws.evaluations;
		fo->dropped.ended_unsent += ws.ended_unsent;
		fo->dropped.messages += ws.messages;
		worker_free(fo->workers[p]);
		fo->workers[p] = NULL;
	}
	plan_free(fo->plan);
	fo->plan = NULL;
}

/* --- sets of the past --- */

void
fold_free_past(struct fold *fo)
{
	for (size_t i = 0; i < fo->n_past; i++) {
		event_parser_free(fo->past[i].parser);
		contracts_free(fo->past[i].contracts);
		ruleset_free(fo->past[i].rs);
	}
	free(fo->past);
}

static void
rules_key(struct buf *key, uint32_t number)
{
	buf_clear(key);
	buf_add_u8(key, 'G');
	buf_add_u32_be(key, number);
}

static int
stored_source(struct fold *fo, uint32_t number, struct ruleset_source *ret, struct err *err)
{
	int rc;

	rules_key(&fo->key, number);
	rc = buf_ok(&fo->key) ? store_get(fo->env.store, buf_slice(&fo->key), &fo->value, err) : err_nomem(err);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_CORRUPT, "rule set %u is missing from the store: restore a backup (dideban restore)", number);
	return ruleset_decode(buf_slice(&fo->value), ret, err);
}

static int
add_past(struct fold *fo, uint32_t number, struct past_set **ret, struct err *err)
{
	struct past_set *v;

	for (size_t i = 0; i < fo->n_past; i++)
		if (fo->past[i].number == number) {
			*ret = &fo->past[i];
			return 0;
		}
	v = realloc(fo->past, (fo->n_past + 1) * sizeof *v);
	if (v == NULL)
		return err_nomem(err);
	fo->past = v;
	v[fo->n_past] = (struct past_set){.number = number};
	*ret = &v[fo->n_past++];
	return 0;
}

int
fold_parser_of(struct fold *fo, uint32_t number, struct event_parser **ret, struct err *err)
{
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct past_set *ps;

	if (number == fo->rule_set) {
		*ret = fo->parser;
		return 0;
	}
	if (add_past(fo, number, &ps, err) != 0)
		return -1;
	if (ps->parser == NULL) {
		if (stored_source(fo, number, &src, err) != 0)
			return -1;
		ps->contracts = contracts_compile(src.contracts, src.n_contracts, &fi, err);
		ps->parser = ps->contracts == NULL ? NULL : event_parser_new(ps->contracts, fo->seed);
		ruleset_source_free(&src);
		findings_free(&fi);
		if (ps->contracts != NULL ? ps->parser == NULL : err->code == ERR_NOMEM)
			return err_nomem(err);
		if (ps->parser == NULL)
			return err_set(err, ERR_CORRUPT, "the contracts of rule set %u can no longer be read", number);
	}
	*ret = ps->parser;
	return 0;
}

int
fold_past_rule(struct fold *fo, uint32_t number, struct slice id, const struct rule **ret, struct err *err)
{
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct past_set *ps;

	*ret = NULL;
	if (number == fo->rule_set) {
		*ret = ruleset_rule(fo->rs, id);
		return 0;
	}
	if (add_past(fo, number, &ps, err) != 0)
		return -1;
	if (ps->rs == NULL) {
		if (stored_source(fo, number, &src, err) != 0)
			return -1;
		ps->rs = ruleset_compile(&src, &fi, err);
		findings_free(&fi);
		if (ps->rs == NULL)
			return -1;
	}
	*ret = ruleset_rule(ps->rs, id);
	return 0;
}

/* --- going live --- */

static struct ruleset *
compile(struct slice bytes, struct err *err)
{
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct ruleset *rs;

	if (ruleset_decode(bytes, &src, err) != 0)
		return NULL;
	rs = ruleset_compile(&src, &fi, err);
	findings_free(&fi);
	return rs;
}

void
fold_worker_env(struct fold *fo, struct worker_env *ret)
{
	*ret = (struct worker_env){
	    .plan = fo->plan,
	    .rules = (const struct rule *const *)fo->rs->rules,
	    .texts = fo->rs->texts,
	    .names = fo->names,
	    .store = fo->env.store,
	    .loading = &fo->loading,
	    .known = fold_known,
	    .note = fold_note,
	    .cache_bytes = fold_cache_left(fo) / fo->env.partitions,
	    .render = fo->env.on_message != NULL,
	    .instance = fo->env.instance,
	    .stats = fo->rule_stats,
	    .ctx = fo,
	};
}

/* Takes over `rs`; the set before stays with the caller. */
static int
go_live(struct fold *fo, struct ruleset *rs, struct slice bytes, struct err *err)
{
	struct worker_env env;

	fold_drop_workers(fo);
	fo->due_known = false;
	event_parser_free(fo->parser);
	free(fo->layouts);
	free(fo->rule_stats);
	fo->rs = rs;
	fo->layouts = calloc(contracts_count(rs->contracts) + 1, sizeof *fo->layouts);
	fo->rule_stats = calloc(rs->n_rules + 1, sizeof *fo->rule_stats);
	fo->parser = event_parser_new(rs->contracts, fo->seed);
	buf_clear(&fo->rules_bytes);
	buf_add_slice(&fo->rules_bytes, bytes);
	if (fo->layouts == NULL || fo->rule_stats == NULL || fo->parser == NULL || !buf_ok(&fo->rules_bytes))
		return err_nomem(err);
	for (size_t i = 0; i < contracts_count(rs->contracts); i++)
		if (names_layout(fo->names, contract_layout(contracts_at(rs->contracts, i)), fo->changes, &fo->layouts[i], err) != 0)
			return -1;
	fo->plan = plan_make((const struct rule *const *)rs->rules, rs->n_rules, rs->contracts, fo->names, err);
	if (fo->plan == NULL)
		return -1;
	fold_worker_env(fo, &env);
	for (unsigned p = 0; p < fo->env.partitions; p++)
		if (worker_new(&fo->workers[p], &env, err) != 0)
			return -1;
	return 0;
}

int
fold_load_rules(struct fold *fo, struct err *err)
{
	struct buf bytes = {0};
	struct ruleset *rs;
	int rc;

	if (fo->rule_set == 0)
		return 0;
	rules_key(&fo->key, fo->rule_set);
	rc = buf_ok(&fo->key) ? store_get(fo->env.store, buf_slice(&fo->key), &bytes, err) : err_nomem(err);
	if (rc == 0)
		rc = err_set(err, ERR_CORRUPT, "the live rule set is missing from the store: restore a backup (dideban restore)");
	if (rc > 0) {
		rs = compile(buf_slice(&bytes), err);
		rc = rs == NULL ? -1 : go_live(fo, rs, buf_slice(&bytes), err);
	}
	buf_free(&bytes);
	return rc;
}

int
fold_check_rules(struct fold *fo, const struct ruleset *rs, struct err *err)
{
	struct plan *pl;
	struct rule_vm *vm = NULL;
	int rc;

	if (names_layouts(fo->names) + contracts_count(rs->contracts) > LIMIT_LAYOUTS)
		return err_set(err, ERR_LIMIT, "this store has seen %zu versions of contracts; more than %d it cannot tell apart: begin a new store",
		    names_layouts(fo->names), LIMIT_LAYOUTS);
	pl = plan_make((const struct rule *const *)rs->rules, rs->n_rules, rs->contracts, fo->names, err);
	if (pl == NULL)
		return -1;
	plan_free(pl);
	rc = rule_vm_new(&vm, (const struct rule *const *)rs->rules, rs->texts, rs->n_rules, err);
	rule_vm_free(vm);
	return rc;
}

/* --- the past under new rules --- */

/* A rule of the next set, beside what it was. */
struct becomes {
	const struct rule *before; /* NULL: it is new, or judged another kind */
	bool changed;              /* decides otherwise, or tells others */
};

/* Of one switch. */
struct switching {
	struct fold *fo;
	const struct batch_now *bn;
	const struct kind_plan *kind;  /* of the subjects under way */
	const struct becomes *becomes; /* by rule of the next set */
	const bool *gone;              /* by rule of the set before */
};

/* What a switch changes may not fit into memory. What one rule says of one subject it changes once, and asks for it no more: so all
 * of it waits in the change set, and the set in sorted files, for the checkpoint that follows. The subject can leave memory. */
static int
put_aside(struct fold *fo, struct worker *wo, struct err *err)
{
	if (worker_save(wo, fo->changes, &fo->standing, err) != 0)
		return -1;
	return changes_bytes(fo->changes) < fo->env.change_bytes ? 0 : store_spill(fo->env.store, fo->changes, err);
}

static int
rejudge_one(void *ctx, struct slice subject, struct err *err)
{
	const struct switching *ch = ctx;
	struct worker *wo = fold_worker(ch->fo, subject);

	for (unsigned i = 0; i < ch->kind->n; i++) {
		size_t rule = ch->kind->rules[i]->index;

		if (ch->becomes[rule].changed && worker_rejudge(wo, subject, rule, ch->becomes[rule].before, ch->bn, err) != 0)
			return -1;
	}
	return put_aside(ch->fo, wo, err);
}

/* Each rule that is new or changed. */
static int
rejudge(struct fold *fo, const struct becomes *becomes, const struct batch_now *bn, struct err *err)
{
	struct switching ch = {.fo = fo, .bn = bn, .becomes = becomes};

	for (size_t k = 0; k < fo->plan->n_kinds; k++) {
		bool changed = false;

		ch.kind = &fo->plan->kinds[k];
		for (unsigned i = 0; i < ch.kind->n; i++)
			changed = changed || becomes[ch.kind->rules[i]->index].changed;
		if (changed && fold_each_subject(fo, ch.kind->kind, rejudge_one, &ch, err) != 0)
			return -1;
	}
	return 0;
}

static const char *
kind_of_rule(const struct plan *pl, size_t rule)
{
	for (size_t k = 0; k < pl->n_kinds; k++)
		for (unsigned i = 0; i < pl->kinds[k].n; i++)
			if (pl->kinds[k].rules[i]->index == rule)
				return pl->kinds[k].kind;
	return NULL;
}

/* The next set has the rule, and it still judges subjects of that kind: not so when its role, or the role's kind in the
 * contracts, became another. */
static int
goes_on(const struct ruleset *next, struct slice rule, const char *kind, bool *ret, struct err *err)
{
	const struct rule *ru = ruleset_rule(next, rule);
	const char *then = ru == NULL ? NULL : plan_rule_kind(ru, next->contracts, err);

	if (ru != NULL && then == NULL)
		return -1;
	*ret = ru != NULL && strcmp(then, kind) == 0;
	return 0;
}

static int
retire_one(void *ctx, const struct group_place *gp, const struct alert *al, struct err *err)
{
	const struct switching *ch = ctx;
	const struct ruleset *rs = ch->fo->rs;
	struct worker *wo = fold_worker(ch->fo, gp->subject);

	(void)al;
	for (size_t i = 0; i < rs->n_rules && gp->new_rule; i++)
		if (ch->gone[i] && slice_eq_str(gp->rule, rs->rules[i]->id))
			return worker_retire(wo, gp->subject, i, ch->bn, err) != 0 ? -1 : put_aside(ch->fo, wo, err);
	return 0;
}

/* What a rule said that is no longer in the set, or judges another kind, is taken back, in that rule's own words. */
static int
retire(struct fold *fo, const struct ruleset *next, const struct batch_now *bn, struct err *err)
{
	bool *gone = calloc(fo->rs->n_rules + 1, sizeof *gone), any = false;
	struct switching ch = {.fo = fo, .bn = bn, .gone = gone};
	int rc = gone == NULL ? err_nomem(err) : 0;

	for (size_t i = 0; rc == 0 && i < fo->rs->n_rules; i++) {
		bool stays = false;

		rc = goes_on(next, slice_str(fo->rs->rules[i]->id), kind_of_rule(fo->plan, i), &stays, err);
		gone[i] = !stays;
		any = any || gone[i];
	}
	if (rc == 0 && any)
		rc = fold_each_alert(fo, retire_one, &ch, err);
	free(gone);
	return rc;
}

/* The day of review was moved, and the clock has passed one of the two: other triggers are silent now. */
static bool
review_moved(const struct rule *before, const struct rule *after, const struct batch_now *bn)
{
	int c = instant_cmp(before->review_by, after->review_by);

	return c != 0 && bn->have_tick && instant_cmp(bn->tick, c < 0 ? before->review_by : after->review_by) > 0;
}

static int
compare(struct fold *fo, const struct ruleset *rs, const struct batch_now *bn, struct becomes *ret, struct err *err)
{
	for (size_t i = 0; i < rs->n_rules; i++) {
		const struct rule *after = rs->rules[i], *before = ruleset_rule(fo->rs, slice_str(after->id));
		bool stays = false;

		for (size_t k = 0; before != NULL && k < fo->rs->n_rules; k++)
			if (fo->rs->rules[k] == before && goes_on(rs, slice_str(before->id), kind_of_rule(fo->plan, k), &stays, err) != 0)
				return -1;
		ret[i].before = stays ? before : NULL;
		ret[i].changed =
		    !stays || strcmp(before->semantic, after->semantic) != 0 || !rule_same_audience(before, after) || review_moved(before, after, bn);
	}
	return 0;
}

/* Takes over `rs`. */
static int
live_with_past(struct fold *fo, struct ruleset *rs, struct slice bytes, struct batch_now *bn, struct err *err)
{
	struct becomes *becomes = calloc(rs->n_rules + 1, sizeof *becomes);
	struct ruleset *before = fo->rs;
	int rc = becomes == NULL ? err_nomem(err) : compare(fo, rs, bn, becomes, err);

	if (rc == 0 && fo->loading && before != NULL) {
		bn->rule_set = fo->rule_set - 1;
		rc = retire(fo, rs, bn, err);
		bn->rule_set = fo->rule_set;
	}
	if (rc != 0)
		ruleset_free(rs);
	else {
		rc = go_live(fo, rs, bytes, err);
		if (rc == 0 && fo->loading)
			rc = rejudge(fo, becomes, bn, err);
		ruleset_free(before);
	}
	free(becomes);
	return rc;
}

int
fold_take_rules(struct fold *fo, struct slice bytes, struct ruleset *compiled, uint64_t seq, struct instant now, bool replayed, struct err *err)
{
	struct ruleset *rs = compiled != NULL ? compiled : compile(bytes, err);
	struct batch_now bn;

	if (rs == NULL)
		return -1;
	if (fo->dirty_events > 0) {
		ruleset_free(rs);
		return err_set(err, ERR_CORRUPT, "a rule set goes live over events that no checkpoint holds: run dideban store verify");
	}
	fo->dirty = true;
	fo->rule_set++;
	rules_key(&fo->key, fo->rule_set);
	if (!buf_ok(&fo->key) || changes_put(fo->changes, buf_slice(&fo->key), bytes, err) != 0) {
		ruleset_free(rs);
		return buf_ok(&fo->key) ? -1 : err_nomem(err);
	}
	bn = fold_now(fo, seq, now, replayed);
	bn.silent = true;
	return live_with_past(fo, rs, bytes, &bn, err);
}

const struct ruleset *
fold_ruleset(const struct fold *fo)
{
	return fo->rs;
}

struct event_parser *
fold_parser(const struct fold *fo)
{
	return fo->parser;
}

struct slice
fold_rules_bytes(const struct fold *fo)
{
	return buf_slice(&fo->rules_bytes);
}
