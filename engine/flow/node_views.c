/* What the node shows: alerts, timelines, outcomes, raw events, quarantine, figures. Each view first puts everything into the
 * store (or, for a node that only looks, over it), and then reads from there. */
#include "engine/flow/node_private.h"

#include "engine/alert/message.h"
#include "engine/flow/keys.h"
#include "engine/timeline/codec.h"
#include "state/store/sorter.h"

#include <stdlib.h>

void
node_stats(const struct node *no, struct node_stats *ret)
{
	fold_stats(no->fold, ret);
	ret->checkpoints = no->checkpoints;
	store_reads(no->store, &ret->reads);
	ret->block_cache_bytes = store_cache_bytes(no->store);
}

bool
node_has_room(const struct node *no)
{
	return store_has_room(no->store);
}

void
node_rule_stats(const struct node *no, size_t rule, struct rule_stats *ret)
{
	const struct rule_stats *rs = fold_rule_stats(no->fold, rule);

	memset(ret, 0, sizeof *ret);
	if (rs != NULL)
		*ret = *rs;
}

int
node_position(struct node *no, struct slice stream, uint64_t *ret, struct err *err)
{
	return fold_position(no->fold, stream, ret, err);
}

int
node_knows(struct node *no, struct slice raw, struct err *err)
{
	struct arena arena = {0};
	struct event ev = {0};
	struct slice detail = {0};
	enum event_fault fault;
	uint8_t id[QUARANTINE_ID_BYTES];
	uint64_t at;
	uint32_t len;
	int rc = 0;

	if (fold_parser(no->fold) == NULL)
		return 0;
	fault = event_parse(fold_parser(no->fold), raw, &arena, &ev, &detail);
	if (event_starved(fault, detail))
		rc = err_nomem(err);
	else if (fault == FAULT_NONE)
		rc = registrar_find(fold_registrar(no->fold), ev.source, ev.id, &at, &len, err);
	arena_free(&arena);
	if (raw.n > LIMIT_QUARANTINE_BYTES)
		raw.n = LIMIT_QUARANTINE_BYTES;
	for (int f = 1; rc == 0 && f < FAULT_COUNT; f++) {
		quarantine_make_id(id, (enum event_fault)f, raw);
		rc = quarantine_has(fold_quarantine(no->fold), no->store, id, err);
	}
	return rc;
}

int
node_event(struct node *no, struct slice source, struct slice id, struct buf *ret_raw, struct err *err)
{
	uint64_t at;
	uint32_t len;
	char *raw;
	int rc = registrar_find(fold_registrar(no->fold), source, id, &at, &len, err);

	if (rc <= 0)
		return rc;
	raw = malloc((size_t)len + 1);
	if (raw == NULL)
		return err_nomem(err);
	rc = journal_read_at(no->journal, at, raw, len, err);
	buf_clear(ret_raw);
	buf_add(ret_raw, raw, len);
	free(raw);
	if (rc != 0)
		return -1;
	return buf_ok(ret_raw) ? 1 : err_nomem(err);
}

int
node_quarantine(struct node *no, const char *id, int (*fn)(void *ctx, const struct quarantine_view *qu, struct err *err), void *ctx, struct err *err)
{
	if (node_settle(no, err) != 0)
		return -1;
	return quarantine_each(fold_quarantine(no->fold), no->store, id, fn, ctx, err);
}

/* --- timelines --- */

int
node_timeline(struct node *no, const char *subject, int (*fn)(void *ctx, const struct entry_view *en, struct err *err), void *ctx, struct err *err)
{
	const struct names *na = fold_names(no->fold);
	struct timeline tl = {0};
	int rc;

	if (node_settle(no, err) != 0)
		return -1;
	rc = timeline_load(&tl, no->store, na, slice_str(subject), err);
	for (uint32_t i = 0; rc == 0 && i < tl.n; i++) {
		const struct entry *e = &tl.v[i];
		const struct layout *la = names_layout_at(na, e->layout);
		struct entry_view en = {
		    .time = entry_time(e),
		    .source = names_text(na, e->source),
		    .id = entry_id(&tl, e),
		    .type = slice_str(la->type),
		    .role = slice_str(la->roles[e->role].name),
		    .position_stream = names_text(na, e->stream),
		    .position_number = e->number,
		    .contested = (e->flags & ENTRY_CONTESTED) != 0,
		    .layout = la,
		    .kept = entry_kept(&tl, e),
		};

		rc = fn(ctx, &en, err);
	}
	timeline_free(&tl);
	return rc;
}

/* --- alerts --- */

/* One alert to show. */
struct alert_place {
	struct slice rule, subject, group;
	const uint8_t *id;
};

/* Those to show, in order. A record of one:
 *
 *   key     rule 0 subject 0 time of opening, id
 *   value   group
 */
struct alert_places {
	const char *rule, *subject, *alert_id;
	bool all;
	struct sorter *sorter;
	struct buf key;
};

static bool
wanted(const struct alert_places *ap, const struct group_place *gp, const struct alert *al)
{
	char id[2 * ALERT_ID_BYTES + 1];

	if (al->state != ALERT_STANDING && !ap->all)
		return false;
	if ((ap->rule != NULL && !slice_eq_str(gp->rule, ap->rule)) || (ap->subject != NULL && !slice_eq_str(gp->subject, ap->subject)))
		return false;
	if (ap->alert_id == NULL)
		return true;
	alert_id_text(al->id, id);
	return strcmp(id, ap->alert_id) == 0;
}

static int
gather_alert(void *ctx, const struct group_place *gp, const struct alert *al, struct err *err)
{
	struct alert_places *ap = ctx;

	if (!wanted(ap, gp, al))
		return 0;
	buf_clear(&ap->key);
	buf_add_slice(&ap->key, gp->rule);
	buf_add_u8(&ap->key, 0);
	buf_add_slice(&ap->key, gp->subject);
	buf_add_u8(&ap->key, 0);
	key_add_instant(&ap->key, al->opening->time);
	buf_add(&ap->key, al->id, ALERT_ID_BYTES);
	return buf_ok(&ap->key) ? sorter_add(ap->sorter, buf_slice(&ap->key), gp->group, err) : err_nomem(err);
}

/* Neither a rule's id nor a subject holds a zero byte. */
static struct alert_place
place_of(struct slice key, struct slice group)
{
	const char *rule_end = memchr(key.p, 0, key.n), *subject = rule_end + 1;
	const char *subject_end = memchr(subject, 0, (size_t)(key.p + key.n - subject));

	return (struct alert_place){slice_of(key.p, (size_t)(rule_end - key.p)), slice_of(subject, (size_t)(subject_end - subject)), group,
	    (const uint8_t *)key.p + key.n - ALERT_ID_BYTES};
}

static const struct alert *
alert_in(const struct group *gr, const uint8_t id[ALERT_ID_BYTES])
{
	for (uint32_t i = 0; i < gr->n_alerts; i++)
		if (memcmp(gr->alerts[i]->id, id, ALERT_ID_BYTES) == 0)
			return gr->alerts[i];
	return NULL;
}

struct showing {
	struct node *no;
	struct buf json, fa, en, prefix, key, value;
	int (*fn)(void *ctx, const struct alert_view *av, struct err *err);
	void *ctx;
};

static int
hand_over(struct showing *sh, const struct rule *live, struct slice subject, const struct alert *al, bool holds, struct err *err)
{
	char id[2 * ALERT_ID_BYTES + 1];
	struct alert_view av = {
	    .rule = live,
	    .state = al->state,
	    .level = (enum alert_level)al->shown->level,
	    .subject = subject,
	    .outcome = hit_code(al->shown),
	    .text_fa = buf_slice(&sh->fa),
	    .text_en = buf_slice(&sh->en),
	    .opened_at = al->opening->time,
	    .seq = al->seq,
	    .holds = holds,
	    .json = buf_slice(&sh->json),
	};

	alert_id_text(al->id, id);
	av.alert_id = slice_str(id);
	return sh->fn(sh->ctx, &av, err);
}

/* In the words of the set that last decided it: withdrawn, or of a rule that no longer judges this subject. */
static int
show_decided(struct showing *sh, const struct alert_place *pl, const struct alert *al, struct err *err)
{
	struct slice rule = pl->rule;
	struct alert_words aw = {.names = fold_names(sh->no->fold),
	    .subject = pl->subject,
	    .episode = pl->group,
	    .al = al,
	    .reason = al->state == ALERT_WITHDRAWN ? alert_why_text(al->why) : NULL,
	    .with_state = true};

	if (fold_past_rule(sh->no->fold, al->rule_set, rule, &aw.ru, err) != 0)
		return -1;
	if (aw.ru == NULL)
		return err_set(err, ERR_CORRUPT, "rule set %u has no rule %.*s: run dideban store verify", al->rule_set, SLICE_ARG(rule));
	alert_texts(&aw, &sh->fa, &sh->en);
	alert_data(&aw, buf_slice(&sh->fa), buf_slice(&sh->en), &sh->json);
	if (!buf_ok(&sh->json) || !buf_ok(&sh->fa) || !buf_ok(&sh->en))
		return err_nomem(err);
	return hand_over(sh, NULL, aw.subject, al, false, err);
}

/* Of a rule that no longer judges this subject. */
static int
show_past(struct showing *sh, const struct alert_place *pl, struct err *err)
{
	struct slice subject = pl->subject;
	struct alert *al;
	int rc;

	buf_clear(&sh->value);
	buf_add_slice(&sh->value, pl->rule);
	buf_add_u8(&sh->value, 0);
	if (!buf_ok(&sh->value))
		return err_nomem(err);
	group_prefix(&sh->prefix, subject, sh->value.p, pl->group);
	alert_key(&sh->key, buf_slice(&sh->prefix), pl->id);
	rc = buf_ok(&sh->prefix) && buf_ok(&sh->key) ? store_get(sh->no->store, buf_slice(&sh->key), &sh->value, err) : err_nomem(err);
	if (rc < 0)
		return -1;
	al = rc == 0 ? NULL : alert_decode(buf_slice(&sh->value), err);
	if (rc == 0 || (al == NULL && err->code == ERR_CORRUPT))
		return err_set(err, ERR_CORRUPT, "an alert's record of %.*s is damaged: restore a backup (dideban restore)", SLICE_ARG(subject));
	if (al == NULL)
		return -1;
	rc = show_decided(sh, pl, al, err);
	alert_free(al);
	return rc;
}

/* Of a rule that is live: unless withdrawn, shown from the timeline as it is now. */
static int
show_live(struct showing *sh, const struct alert_place *pl, const struct rule *ru, struct err *err)
{
	struct slice subject = pl->subject;
	struct worker *wo = fold_worker(sh->no->fold, subject);
	struct subject *su;
	const struct group *gr = NULL;
	const struct alert *al = NULL;
	unsigned slot = 0;
	bool holds;

	if (worker_subject(wo, subject, &su, err) != 0)
		return -1;
	while (su != NULL && slot < su->kind->n && su->kind->rules[slot]->ru != ru)
		slot++;
	if (su == NULL || slot == su->kind->n)
		return show_past(sh, pl, err); /* the rule judges another kind by now */
	gr = standing_find(&subject_rule(su, slot)->sg, pl->group);
	al = gr == NULL ? NULL : alert_in(gr, pl->id);
	if (al == NULL)
		return err_set(err, ERR_CORRUPT, "an alert of %.*s has no timeline: run dideban store verify", SLICE_ARG(subject));
	if (al->state == ALERT_WITHDRAWN)
		return show_decided(sh, pl, al, err);
	if (worker_render(wo, su, slot, gr, al, &sh->json, &sh->fa, &sh->en, &holds, err) != 0)
		return -1;
	return hand_over(sh, ru, subject, al, holds, err);
}

static int
show_one(void *ctx, struct slice key, struct slice group, struct err *err)
{
	struct showing *sh = ctx;
	struct alert_place pl = place_of(key, group);
	const struct rule *ru = ruleset_rule(fold_ruleset(sh->no->fold), pl.rule);

	buf_clear(&sh->json);
	buf_clear(&sh->fa);
	buf_clear(&sh->en);
	return ru != NULL ? show_live(sh, &pl, ru, err) : show_past(sh, &pl, err);
}

int
node_alerts(struct node *no, const char *rule, const char *subject, const char *alert_id, bool all,
    int (*fn)(void *ctx, const struct alert_view *av, struct err *err), void *ctx, struct err *err)
{
	struct alert_places ap = {.rule = rule, .subject = subject, .alert_id = alert_id, .all = all};
	struct showing sh = {.no = no, .fn = fn, .ctx = ctx};
	int rc;

	if (node_settle(no, err) != 0)
		return -1;
	ap.sorter = sorter_new(node_change_bytes(no));
	rc = ap.sorter == NULL ? err_nomem(err) : fold_each_alert(no->fold, gather_alert, &ap, err);
	if (rc == 0)
		rc = sorter_each(ap.sorter, show_one, &sh, err);
	sorter_free(ap.sorter);
	buf_free(&ap.key);
	buf_free(&sh.json);
	buf_free(&sh.fa);
	buf_free(&sh.en);
	buf_free(&sh.prefix);
	buf_free(&sh.key);
	buf_free(&sh.value);
	return rc;
}

int
node_standing(struct node *no, uint64_t *ret, struct err *err)
{
	if (node_settle(no, err) != 0)
		return -1;
	*ret = fold_standing(no->fold);
	return 0;
}
