/* Cutting a group's hits into episodes, and making the alerts follow. */
#include "engine/alert/standing.h"
#include "engine/timeline/timeline.h"

#include <openssl/sha.h>
#include <stdlib.h>

struct episode {
	uint32_t first, last, shown;
};

/* The alert id: SHA-256 over rule id, subject, episode values and the opening's identity, each with its length before it;
 * its first 128 bits. It holds neither rule version nor clock nor order of arrival. */
static int
make_id(uint8_t ret[ALERT_ID_BYTES], const struct cut *cu, const struct group *gr, const struct hit *opening)
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	struct buf b = {0};
	bool ok;

	buf_add_blob(&b, slice_str(cu->ru->id));
	buf_add_blob(&b, cu->subject);
	buf_add_blob(&b, group_episode(gr));
	buf_add_blob(&b, names_text(cu->names, opening->source));
	buf_add_blob(&b, hit_id(opening));
	ok = buf_ok(&b) && SHA256((const unsigned char *)b.p, b.n, sum) != NULL;
	if (ok)
		memcpy(ret, sum, ALERT_ID_BYTES);
	buf_free(&b);
	return ok ? 0 : -1;
}

/* Two neighbours belong together iff their times differ by at most `quiet`. */
static bool
together(const struct rule *ru, const struct hit *a, const struct hit *b)
{
	return ru->episode_once || instant_cmp(b->time, instant_plus(a->time, ru->quiet)) <= 0;
}

/* Episodes of the hits from `from` on, to the end of the one that holds the first hit that did not change, `to`; *end: the hit
 * behind it. `head`, if not NULL, is the episode that the hit before `from` ends and that goes on. */
static int
cut_episodes(const struct group *gr, const struct rule *ru, uint32_t from, uint32_t to, const struct episode *head, struct arena *arena,
    struct episode **ret, uint32_t *ret_n, uint32_t *end)
{
	struct episode *v = arena_alloc(arena, ((size_t)gr->n_hits - from + 1) * sizeof *v);
	uint32_t n = 0, i;

	if (v == NULL)
		return -1;
	if (head != NULL)
		v[n++] = *head;
	for (i = from; i < gr->n_hits; i++) {
		struct episode *ep = n == 0 ? NULL : &v[n - 1];

		if (ep == NULL || !together(ru, gr->hits[ep->last], gr->hits[i])) {
			if (i > to)
				break;
			v[n++] = (struct episode){i, i, i};
			continue;
		}
		ep->last = i;
		if (gr->hits[i]->level >= gr->hits[ep->shown]->level)
			ep->shown = i;
	}
	*ret = v;
	*ret_n = n;
	*end = i;
	return 0;
}

/* The first current alert whose episode reaches the hit before `hit`, by the places of the last cut; where one begins at `hit`, the
 * one behind it is the first that reaches `hit + 1`. */
static uint32_t
first_reaching(const struct group *gr, uint32_t hit)
{
	uint32_t lo = 0, hi = gr->n_current;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (gr->alerts[mid]->last_hit + 1 < hit)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The episode's hit of the same event as `like`; *at: where it was, then where it is. */
static const struct hit *
hit_in(const struct group *gr, const struct episode *ep, const struct hit *like, uint32_t *at)
{
	if (*at >= ep->first && *at <= ep->last && hit_same_event(gr->hits[*at], like))
		return gr->hits[*at];
	for (uint32_t i = ep->first; i <= ep->last; i++)
		if (hit_same_event(gr->hits[i], like)) {
			*at = i;
			return gr->hits[i];
		}
	return NULL;
}

static bool
expired(const struct cut *cu, const struct alert *al)
{
	return cu->have_tick && cu->ru->expires > 0 && instant_cmp(cu->tick, instant_plus(al->last, cu->ru->expires)) >= 0;
}

static void
replace_hit(struct hit **dst, struct hit *src)
{
	struct hit *old = *dst;

	*dst = hit_hold(src);
	hit_drop(old);
}

static int
tell(struct alert *al, const struct cut *cu, enum message_type type, const struct group *gr, const struct alert *replaces, struct err *err)
{
	al->seq++;
	al->decided = cu->now;
	al->known_up_to = cu->known_up_to;
	return cu->tell(cu->ctx, type, gr, al, replaces, err);
}

/* What receivers hold is no longer so: the trigger that the last message showed is gone, or its values or evidence are not what
 * they were. What came behind it in silence does not matter. */
static int
told_changed(struct alert *al, const struct group *gr, const struct episode *ep, const struct cut *cu, bool *ret, struct err *err)
{
	const struct hit *told;
	struct slice values;
	uint64_t signature;

	if (hit_same_event(gr->hits[ep->shown], al->told_hit)) {
		al->told_at = ep->shown;
		*ret = al->signature != al->told_signature;
		return 0;
	}
	/* From the opening to where it was told nothing changed. */
	if (al->told_at < gr->dirty_from && hit_same_event(gr->hits[al->told_at], al->told_hit))
		return 0;
	told = hit_in(gr, ep, al->told_hit, &al->told_at);
	if (told == NULL || told->fresh == 0) {
		*ret = told == NULL;
		return 0;
	}
	if (cu->look(cu->ctx, told, &signature, &values, err) != 0)
		return -1;
	*ret = signature != al->told_signature;
	return 0;
}

/* From now on the alert shows this hit. */
static int
show(struct alert *al, struct group *gr, struct hit *shown, const struct cut *cu, struct err *err)
{
	struct slice values;
	char *copy;

	if (cu->look(cu->ctx, shown, &al->signature, &values, err) != 0)
		return -1;
	copy = malloc(values.n + 1);
	if (copy == NULL)
		return err_nomem(err);
	replace_hit(&al->shown, shown);
	if (values.n != 0)
		memcpy(copy, values.p, values.n);
	gr->values_bytes += values.n - al->values_len;
	free(al->values);
	al->values = copy;
	al->values_len = (uint32_t)values.n;
	return 0;
}

/* A standing alert whose episode was cut again: is there something to tell? Sets *ret_tell. */
static int
compare(struct alert *al, struct group *gr, const struct episode *ep, const struct cut *cu, bool *ret_tell, struct err *err)
{
	struct hit *shown = gr->hits[ep->shown];
	bool changed = false;

	if ((shown->fresh != 0 || !hit_same_event(shown, al->shown)) && show(al, gr, shown, cu, err) != 0)
		return -1;
	if (told_changed(al, gr, ep, cu, &changed, err) != 0)
		return -1;
	*ret_tell = changed || shown->level > al->told_level || (cu->ru->again_each && ep->last - ep->first + 1 > al->told + al->held_back);
	return 0;
}

/* Makes alert `al` be episode `ep`; `fresh`: it did not stand before. */
static int
follow(struct alert *al, struct group *gr, const struct episode *ep, const struct cut *cu, bool fresh, const struct alert *replaces, struct err *err)
{
	uint32_t n = ep->last - ep->first + 1;
	bool say = false, was_ended = al->state == ALERT_ENDED, held = al->told > 0; /* receivers hold it */
	bool moves = held && cu->readdressed;

	if (moves) { /* as they got it, before it shows anything else */
		if (tell(al, cu, MESSAGE_WITHDRAWN, gr, NULL, err) != 0)
			return -1;
		al->told = 0;
	}
	al->first_hit = ep->first;
	al->last_hit = ep->last;
	al->shown_hit = ep->shown;
	al->last = gr->hits[ep->last]->time;
	al->rule_set = cu->rule_set;
	al->unsaved = gr->unsaved = true;
	if (fresh) {
		if (show(al, gr, gr->hits[ep->shown], cu, err) != 0)
			return -1;
		replace_hit(&al->opening, gr->hits[ep->first]);
		say = true;
	} else {
		/* The same event, but a conflict may have given it another time. */
		if (instant_cmp(al->opening->time, gr->hits[ep->first]->time) != 0)
			replace_hit(&al->opening, gr->hits[ep->first]);
		if (compare(al, gr, ep, cu, &say, err) != 0)
			return -1;
	}
	al->replaced = false;
	al->state = expired(cu, al) ? ALERT_ENDED : ALERT_STANDING;
	if (al->state == ALERT_STANDING && cu->ru->expires > 0 && instant_cmp(instant_plus(al->last, cu->ru->expires), *cu->due) < 0)
		*cu->due = instant_plus(al->last, cu->ru->expires);
	say = say || moves || (was_ended && al->state == ALERT_STANDING && !held);
	if (!say) {
		al->held_back = n > al->told ? n - al->told : 0;
		return 0;
	}
	al->told_level = al->shown->level;
	replace_hit(&al->told_hit, al->shown);
	al->told_signature = al->signature;
	al->told_at = ep->shown;
	al->told = al->told + 1 < n ? al->told + 1 : n;
	al->held_back = n - al->told;
	al->decided = cu->now;
	al->known_up_to = cu->known_up_to;
	if (al->state == ALERT_ENDED || (cu->silent && !held)) {
		*cu->ended_unsent += !cu->silent || held;
		if (!held || moves) {
			al->told = 0;
			al->held_back = n;
		}
		return 0;
	}
	return tell(al, cu, !held || moves ? MESSAGE_RAISED : MESSAGE_UPDATED, gr, replaces, err);
}

/* What an episode is now. */
struct place {
	struct alert *al;
	const struct alert *replaces; /* the first alert that was withdrawn in favour of it */
	bool fresh;                   /* it did not stand before */
	bool made;                    /* by this pass: nobody else holds it yet */
};

/* One pass of cutting: the working set that the steps below share. */
struct pass {
	struct group *gr;
	const struct cut *cu;
	uint32_t keep, behind; /* current alerts before the change, and from where behind it: untouched */
	struct episode *eps;
	uint32_t n_eps;
	struct place *of;   /* each episode */
	struct alert **old; /* touched current alerts, then the withdrawn ones; taken ones are NULL */
	uint32_t n_old, n_old_current;
};

/* Episodes whose opening opened a current alert are that alert: both lists are in the total order. */
static uint32_t
match_openings(struct pass *pa)
{
	uint32_t at = 0, unmatched = 0;

	for (uint32_t i = 0; i < pa->n_eps; i++) {
		const struct hit *op = pa->gr->hits[pa->eps[i].first];
		int c = 1;

		for (; at < pa->n_old_current; at++) {
			const struct hit *was = pa->old[at]->opening;

			c = event_order(pa->cu->names, was->time, was->source, hit_id(was), op->time, op->source, hit_id(op));
			if (c >= 0)
				break;
		}
		pa->of[i] = (struct place){.al = c == 0 ? pa->old[at] : NULL};
		if (c == 0)
			pa->old[at++] = NULL;
		else
			unmatched++;
	}
	return unmatched;
}

struct by_id {
	const uint8_t *id;
	uint32_t at;
};

static int
id_cmp(const void *a, const void *b)
{
	return memcmp(((const struct by_id *)a)->id, ((const struct by_id *)b)->id, ALERT_ID_BYTES);
}

/* The alerts that match_openings left: withdrawn ones, and those whose opening was moved by a conflict. */
static struct by_id *
sort_old(const struct pass *pa, uint32_t *ret_n)
{
	struct by_id *v = arena_alloc(pa->cu->arena, (size_t)pa->n_old * sizeof *v);
	uint32_t n = 0;

	if (v == NULL)
		return NULL;
	for (uint32_t i = 0; i < pa->n_old; i++)
		if (pa->old[i] != NULL)
			v[n++] = (struct by_id){pa->old[i]->id, i};
	qsort(v, n, sizeof *v, id_cmp);
	*ret_n = n;
	return v;
}

/* Gives each episode its alert: one that it was, that it is again, or a new one. */
static int
match(struct pass *pa, struct err *err)
{
	struct by_id *v = NULL;
	uint32_t n = 0;

	if (match_openings(pa) == 0)
		return 0;
	v = sort_old(pa, &n);
	if (v == NULL)
		return err_nomem(err);
	for (uint32_t i = 0; i < pa->n_eps; i++) {
		uint8_t id[ALERT_ID_BYTES];
		const struct by_id *found, key = {id, 0};
		struct alert *al;

		if (pa->of[i].al != NULL)
			continue;
		if (make_id(id, pa->cu, pa->gr, pa->gr->hits[pa->eps[i].first]) != 0)
			return err_nomem(err);
		found = bsearch(&key, v, n, sizeof *v, id_cmp);
		if (found != NULL) {
			al = pa->old[found->at];
			pa->old[found->at] = NULL;
		} else {
			al = calloc(1, sizeof *al);
			if (al == NULL)
				return err_nomem(err);
			memcpy(al->id, id, sizeof id);
			al->state = ALERT_WITHDRAWN;
			pa->of[i].made = true;
		}
		pa->of[i].al = al;
		pa->of[i].fresh = al->state == ALERT_WITHDRAWN;
	}
	return 0;
}

/* The new episode that takes over from a withdrawn alert: the one that covers its opening, else the first that meets its span. */
static const struct episode *
heir(const struct pass *pa, const struct alert *al)
{
	struct hit *const *hits = pa->gr->hits;
	uint32_t lo = 0, hi = pa->n_eps;

	while (lo < hi) { /* the first that does not end before the opening */
		uint32_t mid = lo + (hi - lo) / 2;

		if (instant_cmp(hits[pa->eps[mid].last]->time, al->opening->time) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < pa->n_eps && instant_cmp(hits[pa->eps[lo].first]->time, al->last) <= 0 ? &pa->eps[lo] : NULL;
}

/* Alerts that no episode is any more. */
static int
withdraw(struct pass *pa, struct err *err)
{
	for (uint32_t i = 0; i < pa->n_old_current; i++) {
		struct alert *al = pa->old[i];
		const struct episode *ep;
		bool held = al != NULL && al->told > 0;

		if (al == NULL)
			continue;
		ep = heir(pa, al);
		al->replaced = ep != NULL;
		if (ep != NULL) {
			struct place *pl = &pa->of[ep - pa->eps];

			memcpy(al->by, pl->al->id, ALERT_ID_BYTES);
			if (pl->replaces == NULL)
				pl->replaces = al;
		}
		al->state = ALERT_WITHDRAWN;
		al->why = pa->cu->why != WHY_EVIDENCE || !al->replaced ? pa->cu->why : WHY_REPLACED;
		al->unsaved = pa->gr->unsaved = true;
		al->held_back = al->told = 0;
		al->rule_set = pa->cu->rule_set_before;
		al->decided = pa->cu->now;
		if (held && tell(al, pa->cu, MESSAGE_WITHDRAWN, pa->gr, NULL, err) != 0)
			return -1;
	}
	return 0;
}

/* The group's list again: untouched, the episodes' alerts, untouched, the withdrawn. `moved`: by how many hits those behind moved. */
static int
relist(struct pass *pa, uint32_t moved, struct err *err)
{
	struct group *gr = pa->gr;
	uint32_t n_behind = gr->n_current - pa->behind, n = pa->keep + pa->n_eps + n_behind, total = n;

	for (uint32_t i = 0; i < pa->n_old; i++)
		total += pa->old[i] != NULL;
	if (total > gr->cap_alerts) {
		uint32_t cap = total < 2 * gr->cap_alerts ? 2 * gr->cap_alerts : total;
		struct alert **v = realloc(gr->alerts, cap * sizeof(struct alert *));

		if (v == NULL)
			return err_nomem(err);
		gr->alerts = v;
		gr->cap_alerts = cap;
	}
	if (n_behind != 0) /* there may be no list at all */
		memmove(gr->alerts + n - n_behind, gr->alerts + pa->behind, n_behind * sizeof(struct alert *));
	for (uint32_t i = n - n_behind; moved != 0 && i < n; i++) {
		struct alert *al = gr->alerts[i];

		al->first_hit += moved;
		al->last_hit += moved;
		al->shown_hit += moved;
		al->told_at += moved;
	}
	for (uint32_t i = 0; i < pa->n_eps; i++)
		gr->alerts[pa->keep + i] = pa->of[i].al;
	for (uint32_t i = 0, at = n; i < pa->n_old; i++)
		if (pa->old[i] != NULL)
			gr->alerts[at++] = pa->old[i];
	gr->n_current = n;
	gr->n_alerts = total;
	return 0;
}

static void
settle(struct group *gr, uint32_t from, uint32_t end)
{
	for (uint32_t i = from; i < end; i++)
		gr->hits[i]->fresh = 0;
	gr->dirty_from = gr->clean_tail = UINT32_MAX;
	gr->cut_hits = gr->n_hits;
}

/* What the steps work with, from the arena (which holds the episodes, so that it gives something even where nothing is asked for). */
static int
prepare(struct pass *pa)
{
	struct group *gr = pa->gr;
	struct arena *arena = pa->cu->arena;
	uint32_t gone = gr->n_alerts - gr->n_current;

	pa->n_old_current = pa->behind - pa->keep;
	pa->n_old = pa->n_old_current + gone;
	pa->of = arena_alloc(arena, pa->n_eps * sizeof *pa->of);
	pa->old = arena_alloc(arena, pa->n_old * sizeof(struct alert *));
	if (pa->of == NULL || pa->old == NULL)
		return -1;
	if (pa->n_old_current != 0)
		memcpy(pa->old, gr->alerts + pa->keep, pa->n_old_current * sizeof(struct alert *));
	if (gone != 0)
		memcpy(pa->old + pa->n_old_current, gr->alerts + gr->n_current, gone * sizeof(struct alert *));
	return 0;
}

int
group_cut(struct group *gr, const struct cut *cu, struct err *err)
{
	struct pass pa = {.gr = gr, .cu = cu};
	const struct alert *al; /* what the change may touch first */
	struct episode head;
	uint32_t from, end, dirty = gr->dirty_from, moved = gr->n_hits - gr->cut_hits; /* modulo 2^32, as they are added again */
	bool touches, extend;
	int rc = -1;

	if (dirty == UINT32_MAX)
		return 0;
	pa.keep = first_reaching(gr, dirty); /* a change may also join what comes before it */
	touches = pa.keep < gr->n_current;
	al = touches ? gr->alerts[pa.keep] : NULL;
	extend = touches && al->last_hit + 1 == dirty; /* it is as it was, but may go on */
	if (extend)
		head = (struct episode){al->first_hit, al->last_hit, al->shown_hit};
	from = touches && !extend ? al->first_hit : dirty;
	if (cut_episodes(gr, cu->ru, from, gr->n_hits - gr->clean_tail, extend ? &head : NULL, cu->arena, &pa.eps, &pa.n_eps, &end) != 0)
		return err_nomem(err);
	pa.behind = first_reaching(gr, end - moved + 1);
	if (prepare(&pa) != 0)
		return err_nomem(err);
	if (match(&pa, err) != 0 || withdraw(&pa, err) != 0)
		goto out;
	for (uint32_t i = 0; i < pa.n_eps; i++)
		if (follow(pa.of[i].al, gr, &pa.eps[i], cu, pa.of[i].fresh, pa.of[i].fresh ? pa.of[i].replaces : NULL, err) != 0)
			goto out;
	if (relist(&pa, moved, err) != 0)
		goto out;
	settle(gr, from, end);
	rc = 0;
out:
	for (uint32_t i = 0; rc != 0 && i < pa.n_eps; i++)
		if (pa.of[i].made)
			alert_free(pa.of[i].al);
	return rc;
}
