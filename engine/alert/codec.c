/* A group as bytes in the store:
 *
 *   u8 1 | varint hits | hit ... | varint alerts | alert ...
 *   hit     instant | u32 source | blob id | u8 level | blob code | blob values
 *   alert   id[16] | u8 state | u8 told_level | u8 replaced | by[16] if replaced | varint seq | varint told | varint held_back |
 *           u64 signature | instant last | instant decided | instant known_up_to | hit opening | hit shown |
 *           u8 other | hit told if other | u64 told signature | u32 rule_set
 *   instant i64 seconds | u32 nanoseconds
 *
 * Current alerts come first, so that cutting the hits again finds their places. */
#include "engine/alert/standing.h"
#include "engine/calendar/instant_bytes.h"

#include <stdlib.h>

static void
add_hit(struct buf *b, const struct hit *hi)
{
	buf_add_instant(b, hi->time);
	buf_add_u32(b, hi->source);
	buf_add_blob(b, hit_id(hi));
	buf_add_u8(b, hi->level);
	buf_add_blob(b, hit_code(hi));
	buf_add_blob(b, hit_values(hi));
}

static struct hit *
read_hit(struct rd *r)
{
	struct instant time = rd_instant(r);
	uint32_t source = rd_u32(r);
	struct slice id = rd_blob(r);
	uint8_t level = rd_u8(r);
	struct slice code = rd_blob(r), values = rd_blob(r);
	struct hit *hi;

	if (r->bad || code.n > UINT8_MAX)
		return NULL;
	hi = hit_new(time, source, id, level, code, values);
	if (hi != NULL)
		hi->fresh = false;
	return hi;
}

static void
add_alert(struct buf *b, const struct alert *al)
{
	buf_add(b, al->id, sizeof al->id);
	buf_add_u8(b, (uint8_t)al->state);
	buf_add_u8(b, al->told_level);
	buf_add_u8(b, al->replaced);
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
	/* Mostly it is the shown one; of another its identity is all that counts. */
	buf_add_u8(b, !hit_same_event(al->told_hit, al->shown));
	if (!hit_same_event(al->told_hit, al->shown))
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

static struct alert *
read_alert(struct rd *r)
{
	struct alert *al = calloc(1, sizeof *al);
	bool other;

	if (al == NULL)
		return NULL;
	read_id(r, al->id);
	al->state = (enum alert_state)rd_u8(r);
	al->told_level = rd_u8(r);
	al->replaced = rd_u8(r) != 0;
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
	other = rd_u8(r) != 0;
	al->told_hit = other ? read_hit(r) : al->shown == NULL ? NULL : hit_copy(al->shown);
	al->told_signature = rd_u64(r);
	al->rule_set = rd_u32(r);
	if (r->bad || al->opening == NULL || al->shown == NULL || al->told_hit == NULL || al->state > ALERT_ENDED) {
		free(al->opening);
		free(al->shown);
		free(al->told_hit);
		free(al);
		return NULL;
	}
	return al;
}

int
group_encode(const struct group *gr, struct buf *ret)
{
	buf_clear(ret);
	buf_add_u8(ret, 1);
	buf_add_varint(ret, gr->n_hits);
	for (uint32_t i = 0; i < gr->n_hits; i++)
		add_hit(ret, gr->hits[i]);
	buf_add_varint(ret, gr->n_alerts);
	for (uint32_t i = 0; i < gr->n_alerts; i++)
		add_alert(ret, gr->alerts[i]);
	return buf_ok(ret) ? 0 : -1;
}

/* The places of the current alerts in the hits: each ends where the next one's opening stands. */
static int
place_alerts(struct group *gr)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < gr->n_current; i++) {
		struct alert *al = gr->alerts[i];
		/* All n_current are there: group_decode has made them. */
		const struct hit *next = i + 1 < gr->n_current ? gr->alerts[i + 1]->opening : NULL; /* NOLINT(clang-analyzer-core.NullDereference) */

		al->first_hit = at; /* NOLINT(clang-analyzer-core.NullDereference) */
		while (at < gr->n_hits && (next == NULL || !hit_same_event(gr->hits[at], next))) {
			if (hit_same_event(gr->hits[at], al->shown))
				al->shown_hit = at;
			at++;
		}
		if (at == al->first_hit)
			return -1;
		al->last_hit = at - 1;
	}
	return at == gr->n_hits ? 0 : -1;
}

struct group *
group_decode(struct slice key, struct slice value)
{
	struct standing holder = {0};
	struct group *gr = standing_group(&holder, key, true);
	struct rd r = rd_of(value);
	uint64_t n;

	if (gr == NULL)
		return NULL;
	if (rd_u8(&r) != 1)
		goto bad;
	n = rd_varint(&r);
	if (n > rd_left(&r))
		goto bad;
	gr->cap_hits = (uint32_t)n;
	gr->hits = calloc(n + 1, sizeof(struct hit *));
	for (uint64_t i = 0; gr->hits != NULL && i < n; i++) {
		gr->hits[i] = read_hit(&r);
		if (gr->hits[i] == NULL)
			goto bad;
		gr->n_hits++;
	}
	n = rd_varint(&r);
	if (n > rd_left(&r))
		goto bad;
	gr->cap_alerts = (uint32_t)n;
	gr->alerts = calloc(n + 1, sizeof(struct alert *));
	for (uint64_t i = 0; gr->alerts != NULL && i < n; i++) {
		gr->alerts[i] = read_alert(&r);
		if (gr->alerts[i] == NULL)
			goto bad;
		gr->n_alerts++;
		gr->n_current += gr->alerts[i]->state != ALERT_WITHDRAWN;
	}
	if (r.bad || gr->hits == NULL || gr->alerts == NULL || place_alerts(gr) != 0)
		goto bad;
	free(holder.groups);
	return gr;
bad:
	standing_free(&holder);
	return NULL;
}
