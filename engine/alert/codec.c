/* Hits and alerts as bytes in the store:
 *
 *   part    u8 1 | hit ... to the end
 *   alert   u8 1 | id[16] | u8 state | u8 told_level | u8 replaced, why << 1 | by[16] if replaced | varint seq | varint told |
 *           varint held_back | u64 signature | instant last | instant decided | instant known_up_to | hit opening | hit shown |
 *           blob values | u8 other | hit told if other | u64 told signature | u32 rule_set
 *   hit     instant | u32 source | blob id | u8 level | blob code
 *   instant i64 seconds | u32 nanoseconds */
#include "engine/alert/standing.h"
#include "engine/calendar/instant_bytes.h"
#include "engine/timeline/timeline.h"

#include <stdlib.h>

#define VERSION 1

static void
add_hit(struct buf *b, const struct hit *hi)
{
	buf_add_instant(b, hi->time);
	buf_add_u32(b, hi->source);
	buf_add_blob(b, hit_id(hi));
	buf_add_u8(b, hi->level);
	buf_add_blob(b, hit_code(hi));
}

static int
malformed(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "a record of alerts is malformed: restore a backup (dideban restore)");
}

/* NULL: malformed, then also *r is bad; or out of memory. */
static struct hit *
read_hit(struct rd *r)
{
	struct instant time = rd_instant(r);
	uint32_t source = rd_u32(r);
	struct slice id = rd_blob(r);
	uint8_t level = rd_u8(r);
	struct slice code = rd_blob(r);
	struct hit *hi;

	r->bad = r->bad || id.n > UINT16_MAX || code.n > UINT8_MAX;
	if (r->bad)
		return NULL;
	hi = hit_new(time, source, id, level, code);
	if (hi != NULL)
		hi->fresh = 0;
	return hi;
}

void
alert_encode(const struct alert *al, struct buf *b)
{
	bool other = !hit_same_event(al->told_hit, al->shown); /* mostly it is the shown one */

	buf_clear(b);
	buf_add_u8(b, VERSION);
	buf_add(b, al->id, sizeof al->id);
	buf_add_u8(b, (uint8_t)al->state);
	buf_add_u8(b, al->told_level);
	buf_add_u8(b, (uint8_t)(al->replaced | al->why << 1));
	if (al->replaced)
		buf_add(b, al->by, sizeof al->by);
	buf_add_varint(b, al->seq);
	buf_add_varint(b, al->told);
	buf_add_varint(b, al->held_back);
	buf_add_u64(b, al->signature);
	buf_add_instant(b, al->last);
	buf_add_instant(b, al->decided);
	buf_add_instant(b, al->known_up_to);
	add_hit(b, al->opening);
	add_hit(b, al->shown);
	buf_add_blob(b, alert_values(al));
	buf_add_u8(b, other);
	if (other)
		add_hit(b, al->told_hit);
	buf_add_u64(b, al->told_signature);
	buf_add_u32(b, al->rule_set);
}

static void
read_id(struct rd *r, uint8_t ret[ALERT_ID_BYTES])
{
	struct slice s = rd_bytes(r, ALERT_ID_BYTES);

	if (s.n == ALERT_ID_BYTES)
		memcpy(ret, s.p, ALERT_ID_BYTES);
}

static void
read_values(struct rd *r, struct alert *al)
{
	struct slice s = rd_blob(r);

	al->values = malloc(s.n + 1);
	if (al->values == NULL)
		return;
	if (s.n != 0)
		memcpy(al->values, s.p, s.n);
	al->values_len = (uint32_t)s.n;
}

static void
read_alert(struct rd *r, struct alert *al)
{
	bool other;
	uint8_t why;

	if (rd_u8(r) != VERSION)
		r->bad = true;
	read_id(r, al->id);
	al->state = (enum alert_state)rd_u8(r);
	al->told_level = rd_u8(r);
	why = rd_u8(r);
	al->replaced = (why & 1) != 0;
	al->why = (enum alert_why)(why >> 1);
	if (al->replaced)
		read_id(r, al->by);
	al->seq = (uint32_t)rd_varint(r);
	al->told = (uint32_t)rd_varint(r);
	al->held_back = (uint32_t)rd_varint(r);
	al->signature = rd_u64(r);
	al->last = rd_instant(r);
	al->decided = rd_instant(r);
	al->known_up_to = rd_instant(r);
	al->opening = read_hit(r);
	al->shown = read_hit(r);
	read_values(r, al);
	other = rd_u8(r) != 0;
	al->told_hit = other ? read_hit(r) : al->shown == NULL ? NULL : hit_hold(al->shown);
	al->told_signature = rd_u64(r);
	al->rule_set = rd_u32(r);
	if (al->state > ALERT_ENDED || why >> 1 >= WHY_COUNT)
		r->bad = true;
}

struct alert *
alert_decode(struct slice value, struct err *err)
{
	struct rd r = rd_of(value);
	struct alert *al = calloc(1, sizeof *al);

	if (al == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	read_alert(&r, al);
	al->counted = al->state == ALERT_STANDING;
	if (!r.bad && al->opening != NULL && al->shown != NULL && al->values != NULL && al->told_hit != NULL)
		return al;
	(void)(r.bad ? malformed(err) : err_nomem(err));
	alert_free(al);
	return NULL;
}

void
group_encode_part(const struct group *gr, uint32_t part, struct buf *ret)
{
	buf_clear(ret);
	buf_add_u8(ret, VERSION);
	for (uint32_t i = part * HITS_A_PART; i < gr->n_hits && i / HITS_A_PART == part; i++)
		add_hit(ret, gr->hits[i]);
}

/* Room for one more in a list of pointers. */
static int
make_room(void *list, uint32_t *cap, uint32_t n)
{
	uint32_t more = *cap == 0 ? 2 : *cap * 2;
	void *v;

	if (n < *cap)
		return 0;
	v = realloc(*(void **)list, more * sizeof(void *));
	if (v == NULL)
		return -1;
	*(void **)list = v;
	*cap = more;
	return 0;
}

int
group_add_part(struct group *gr, struct slice value, struct err *err)
{
	struct rd r = rd_of(value);

	if (rd_u8(&r) != VERSION)
		return malformed(err);
	while (rd_left(&r) > 0) {
		struct hit *hi = read_hit(&r);

		if (hi == NULL || make_room(&gr->hits, &gr->cap_hits, gr->n_hits) != 0) {
			hit_drop(hi);
			return r.bad ? malformed(err) : err_nomem(err);
		}
		gr->hits[gr->n_hits++] = hi;
	}
	gr->saved_hits = gr->n_hits;
	return 0;
}

int
group_add_alert(struct group *gr, struct slice value, struct err *err)
{
	struct alert *al = alert_decode(value, err);

	if (al == NULL)
		return -1;
	if (make_room(&gr->alerts, &gr->cap_alerts, gr->n_alerts) != 0) {
		alert_free(al);
		return err_nomem(err);
	}
	gr->alerts[gr->n_alerts++] = al;
	gr->values_bytes += al->values_len;
	return 0;
}

/* Current ones first, those by their openings in the total order. */
static int
by_opening(const void *a, const void *b, void *names)
{
	const struct alert *x = *(struct alert *const *)a, *y = *(struct alert *const *)b;
	bool x_gone = x->state == ALERT_WITHDRAWN, y_gone = y->state == ALERT_WITHDRAWN;
	const struct hit *p = x->opening, *q = y->opening;

	if (x_gone != y_gone)
		return x_gone - y_gone;
	return event_order(names, p->time, p->source, hit_id(p), q->time, q->source, hit_id(q));
}

/* An alert's hit that is the group's own: once in memory. */
static void
share(struct hit **mine, struct hit *own)
{
	if (*mine == own || !hit_same_event(*mine, own) || (*mine)->level != own->level || !slice_eq(hit_code(*mine), hit_code(own)))
		return;
	hit_drop(*mine);
	*mine = hit_hold(own);
}

/* The places of the current alerts in the hits: each ends where the next one's opening stands. */
int
group_place(struct group *gr, const struct names *na)
{
	uint32_t at = 0;

	gr->cut_hits = gr->n_hits;
	if (gr->n_alerts > 1)
		qsort_r(gr->alerts, gr->n_alerts, sizeof *gr->alerts, by_opening, (void *)(uintptr_t)na);
	gr->n_current = 0;
	while (gr->n_current < gr->n_alerts && gr->alerts[gr->n_current]->state != ALERT_WITHDRAWN)
		gr->n_current++;
	for (uint32_t i = 0; i < gr->n_current; i++) {
		struct alert *al = gr->alerts[i];
		const struct hit *next = i + 1 < gr->n_current ? gr->alerts[i + 1]->opening : NULL;

		al->first_hit = at;
		while (at < gr->n_hits && (next == NULL || !hit_same_event(gr->hits[at], next))) {
			if (hit_same_event(gr->hits[at], al->shown))
				al->shown_hit = at;
			share(&al->opening, gr->hits[at]);
			share(&al->shown, gr->hits[at]);
			share(&al->told_hit, gr->hits[at]);
			at++;
		}
		if (at == al->first_hit)
			return -1;
		al->last_hit = at - 1;
	}
	return at == gr->n_hits ? 0 : -1;
}

void
group_saved(struct group *gr)
{
	for (uint32_t i = 0; i < gr->n_alerts; i++)
		gr->alerts[i]->unsaved = false;
	gr->unsaved = false;
	gr->unsaved_from = UINT32_MAX;
	gr->saved_hits = gr->n_hits;
}
