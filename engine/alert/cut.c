/* Cutting a group's hits into episodes, and making the alerts follow. */
#include "engine/alert/standing.h"

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

/* Episodes of the hits from `from` on; `head`, if not NULL, is the episode that the hit before `from` ends and that goes on. */
static int
cut_episodes(const struct group *gr, const struct rule *ru, uint32_t from, const struct episode *head, struct arena *arena, struct episode **ret,
    uint32_t *ret_n)
{
	struct episode *v = arena_alloc(arena, ((size_t)gr->n_hits - from + 1) * sizeof *v);
	uint32_t n = 0;

	if (v == NULL)
		return -1;
	if (head != NULL)
		v[n++] = *head;
	for (uint32_t i = from; i < gr->n_hits; i++) {
		struct episode *ep = n == 0 ? NULL : &v[n - 1];

		if (ep == NULL || !together(ru, gr->hits[ep->last], gr->hits[i])) {
			v[n++] = (struct episode){i, i, i};
			continue;
		}
		ep->last = i;
		if (gr->hits[i]->level >= gr->hits[ep->shown]->level)
			ep->shown = i;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* The first current alert that the change may touch: its episode reaches the hit before the first changed one. */
static uint32_t
first_touched(const struct group *gr)
{
	uint32_t lo = 0, hi = gr->n_current;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (gr->alerts[mid]->last_hit + 1 < gr->dirty_from)
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
	if (al->told_at < gr->dirty_from && al->told_at >= ep->first && al->told_at <= ep->last &&
	    hit_same_event(gr->hits[al->told_at], al->told_hit))
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
show(struct alert *al, struct hit *shown, const struct cut *cu, struct err *err)
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
	free(al->values);
	al->values = copy;
	al->values_len = (uint32_t)values.n;
	return 0;
}

/* A standing alert whose episode was cut again: is there something to tell? Sets *ret_tell. */
static int
compare(struct alert *al, const struct group *gr, const struct episode *ep, const struct cut *cu, bool *ret_tell, struct err *err)
{
	struct hit *shown = gr->hits[ep->shown];
	bool changed = false;

	if ((shown->fresh != 0 || !hit_same_event(shown, al->shown)) && show(al, shown, cu, err) != 0)
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
	bool say = false, was_ended = al->state == ALERT_ENDED, held = !fresh && al->told > 0; /* receivers hold it */

	al->first_hit = ep->first;
	al->last_hit = ep->last;
	al->shown_hit = ep->shown;
	al->last = gr->hits[ep->last]->time;
	al->rule_set = cu->rule_set;
	al->unsaved = gr->unsaved = true;
	if (fresh) {
		if (show(al, gr->hits[ep->shown], cu, err) != 0)
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
	say = say || (was_ended && al->state == ALERT_STANDING && !held);
	if (!say) {
		al->held_back = n > al->told ? n - al->told : 0;
		return 0;
	}
	al->told_level = al->shown->level;
	replace_hit(&al->told_hit, al->shown);
	al->told_signature = al->signature;
	al->told_at = ep->shown;
	al->told = fresh ? 1 : (al->told + 1 < n ? al->told + 1 : n);
	al->held_back = n - al->told;
	al->decided = cu->now;
	al->known_up_to = cu->known_up_to;
	if (al->state == ALERT_ENDED || (cu->silent && !held)) {
		*cu->ended_unsent += !cu->silent || held;
		if (!held) {
			al->told = 0;
			al->held_back = n;
		}
		return 0;
	}
	return tell(al, cu, !held ? MESSAGE_RAISED : MESSAGE_UPDATED, gr, replaces, err);
}

static uint32_t
find_alert(struct alert *const *v, uint32_t n, const uint8_t id[ALERT_ID_BYTES])
{
	for (uint32_t i = 0; i < n; i++)
		if (v[i] != NULL && memcmp(v[i]->id, id, ALERT_ID_BYTES) == 0)
			return i;
	return UINT32_MAX;
}

/* The new episode that takes over from a withdrawn alert: the one that covers its opening, else that meets its span. */
static const struct episode *
heir(const struct group *gr, const struct alert *al, const struct episode *eps, uint32_t n)
{
	const struct episode *meets = NULL;

	for (uint32_t i = 0; i < n; i++) {
		struct instant first = gr->hits[eps[i].first]->time, last = gr->hits[eps[i].last]->time;

		if (instant_cmp(first, al->opening->time) <= 0 && instant_cmp(al->opening->time, last) <= 0)
			return &eps[i];
		if (meets == NULL && instant_cmp(first, al->last) <= 0 && instant_cmp(al->opening->time, last) <= 0)
			meets = &eps[i];
	}
	return meets;
}

/* One pass of cutting: the working set that the steps below share. */
struct pass {
	struct group *gr;
	const struct cut *cu;
	uint32_t keep; /* alerts before the change: untouched */
	struct episode *eps;
	uint32_t n_eps;
	struct alert **next; /* by episode: the alert that it is */
	bool *fresh;
	bool *made;         /* by this pass: nobody else holds it yet */
	struct alert **old; /* current alerts from `keep` on, then the withdrawn ones; taken ones are NULL */
	uint32_t n_old, n_old_current;
};

/* The place among the old alerts of the one with this opening; UINT32_MAX: none. Both lists are in order, but where something
 * changed: `from`, behind the one found last, is most often right. */
static uint32_t
find_opening(const struct pass *pa, const struct hit *opening, uint32_t from)
{
	for (uint32_t i = 0; i < pa->n_old; i++) {
		uint32_t at = from + i < pa->n_old ? from + i : from + i - pa->n_old;

		if (pa->old[at] != NULL && hit_same_event(pa->old[at]->opening, opening))
			return at;
	}
	return UINT32_MAX;
}

static int
match(struct pass *pa, struct err *err)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < pa->n_eps; i++) {
		uint8_t id[ALERT_ID_BYTES];
		const struct hit *opening = pa->gr->hits[pa->eps[i].first];
		struct alert *al = NULL;
		uint32_t at = find_opening(pa, opening, next);

		if (at == UINT32_MAX) {
			if (make_id(id, pa->cu, pa->gr, opening) != 0)
				return err_nomem(err);
			at = find_alert(pa->old, pa->n_old, id);
		}
		if (at == UINT32_MAX) {
			al = calloc(1, sizeof *al);
			if (al == NULL)
				return err_nomem(err);
			memcpy(al->id, id, sizeof id);
			al->state = ALERT_WITHDRAWN;
			pa->made[i] = true;
		} else {
			al = pa->old[at];
			pa->old[at] = NULL;
			next = at + 1;
		}
		pa->next[i] = al;
		pa->fresh[i] = al->state == ALERT_WITHDRAWN;
	}
	return 0;
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
		ep = heir(pa->gr, al, pa->eps, pa->n_eps);
		al->replaced = ep != NULL;
		if (ep != NULL)
			memcpy(al->by, pa->next[ep - pa->eps]->id, ALERT_ID_BYTES);
		al->state = ALERT_WITHDRAWN;
		al->unsaved = pa->gr->unsaved = true;
		al->held_back = al->told = 0;
		al->rule_set = pa->cu->rule_set;
		al->decided = pa->cu->now;
		if (held && tell(al, pa->cu, MESSAGE_WITHDRAWN, pa->gr, NULL, err) != 0)
			return -1;
	}
	return 0;
}

static const struct alert *
replaced_by(const struct pass *pa, const struct alert *al)
{
	for (uint32_t i = 0; i < pa->n_old_current; i++)
		if (pa->old[i] != NULL && pa->old[i]->replaced && memcmp(pa->old[i]->by, al->id, ALERT_ID_BYTES) == 0)
			return pa->old[i];
	return NULL;
}

/* The group's list again: untouched, the episodes' alerts, the withdrawn. */
static int
relist(struct pass *pa, struct err *err)
{
	struct group *gr = pa->gr;
	uint32_t n = pa->keep + pa->n_eps, total = n;

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
	for (uint32_t i = 0; i < pa->n_eps; i++)
		gr->alerts[pa->keep + i] = pa->next[i];
	for (uint32_t i = 0, at = n; i < pa->n_old; i++)
		if (pa->old[i] != NULL)
			gr->alerts[at++] = pa->old[i];
	gr->n_current = n;
	gr->n_alerts = total;
	return 0;
}

/* Hits were only added at the end of the last episode, which stays open: nothing else can have changed. */
static bool
extends_last(const struct group *gr, const struct rule *ru)
{
	return !gr->removed && gr->n_current > 0 && gr->alerts[gr->n_current - 1]->last_hit + 1 == gr->dirty_from &&
	       together(ru, gr->hits[gr->dirty_from - 1], gr->hits[gr->dirty_from]);
}

static void
settle(struct group *gr, uint32_t from)
{
	for (uint32_t i = from; i < gr->n_hits; i++)
		gr->hits[i]->fresh = 0;
	gr->dirty_from = UINT32_MAX;
	gr->removed = false;
}

int
group_cut(struct group *gr, const struct cut *cu, struct err *err)
{
	struct pass pa = {.gr = gr, .cu = cu};
	struct episode head = {0};
	uint32_t from, dirty = gr->dirty_from;
	bool extend;
	int rc = -1;

	if (dirty == UINT32_MAX)
		return 0;
	pa.keep = first_touched(gr);
	extend = dirty < gr->n_hits && extends_last(gr, cu->ru);
	if (extend) {
		const struct alert *al = gr->alerts[gr->n_current - 1];

		pa.keep = gr->n_current - 1;
		head = (struct episode){al->first_hit, al->last_hit, al->shown_hit};
	}
	from = extend ? dirty : pa.keep < gr->n_current ? gr->alerts[pa.keep]->first_hit : dirty;
	if (from > dirty)
		from = dirty;
	if (cut_episodes(gr, cu->ru, from, extend ? &head : NULL, cu->arena, &pa.eps, &pa.n_eps) != 0)
		return err_nomem(err);
	pa.n_old = gr->n_alerts - pa.keep;
	pa.n_old_current = gr->n_current - pa.keep;
	pa.next = arena_alloc(cu->arena, ((size_t)pa.n_eps + 1) * sizeof(struct alert *));
	pa.fresh = arena_alloc(cu->arena, (size_t)pa.n_eps + 1);
	pa.made = arena_alloc(cu->arena, (size_t)pa.n_eps + 1);
	pa.old = arena_alloc(cu->arena, ((size_t)pa.n_old + 1) * sizeof(struct alert *));
	if (pa.next == NULL || pa.fresh == NULL || pa.made == NULL || pa.old == NULL)
		return err_nomem(err);
	memset(pa.made, 0, pa.n_eps);
	if (pa.n_old != 0)
		memcpy(pa.old, gr->alerts + pa.keep, pa.n_old * sizeof(struct alert *));
	if (match(&pa, err) != 0 || withdraw(&pa, err) != 0)
		goto out;
	for (uint32_t i = 0; i < pa.n_eps; i++)
		if (follow(pa.next[i], gr, &pa.eps[i], cu, pa.fresh[i], pa.fresh[i] ? replaced_by(&pa, pa.next[i]) : NULL, err) != 0)
			goto out;
	if (relist(&pa, err) != 0)
		goto out;
	settle(gr, from);
	rc = 0;
out:
	for (uint32_t i = 0; rc != 0 && i < pa.n_eps; i++)
		if (pa.made[i])
			alert_free(pa.next[i]);
	return rc;
}
