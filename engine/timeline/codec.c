#include "engine/timeline/codec.h"

#include "engine/flow/keys.h"

enum { PIECE_REMOVE = 1, PIECE_CONTESTED = 2 };

#define HEAD_BYTES (10 + 5 + 5) /* at most, before the id's length */
#define TAIL_BYTES (3 + 5 + 10) /* at most, before the kept bytes' length */

void
piece_begin(struct buf *ret, const struct delta *de)
{
	buf_add_u8(ret, (uint8_t)((de->remove ? PIECE_REMOVE : 0) | (de->flags & ENTRY_CONTESTED ? PIECE_CONTESTED : 0)));
	buf_add_u8(ret, de->role);
}

void
piece_end(struct buf *ret, const struct delta *de)
{
	char c[HEAD_BYTES > TAIL_BYTES ? HEAD_BYTES : TAIL_BYTES], *p = c;

	p = varint_put(p, zigzag(de->time.sec));
	p = varint_put(p, de->time.nsec);
	p = varint_put(p, de->source);
	buf_add(ret, c, (size_t)(p - c));
	buf_add_blob(ret, de->id);
	if (de->remove)
		return;
	p = varint_put(c, de->layout);
	p = varint_put(p, de->stream);
	p = varint_put(p, de->number);
	buf_add(ret, c, (size_t)(p - c));
	buf_add_blob(ret, de->kept);
}

/* What does not fit its field is damage, not what is left of it. */
static uint64_t
number(struct rd *r, uint64_t most)
{
	uint64_t v = rd_varint(r);

	if (v > most)
		r->bad = true;
	return v;
}

int
piece_decode(struct rd *r, struct delta *ret)
{
	uint8_t head = rd_u8(r);

	*ret = (struct delta){.remove = (head & PIECE_REMOVE) != 0, .flags = head & PIECE_CONTESTED ? ENTRY_CONTESTED : 0};
	ret->role = rd_u8(r);
	ret->time.sec = unzigzag(rd_varint(r));
	ret->time.nsec = (uint32_t)number(r, 999999999);
	ret->source = (uint32_t)number(r, UINT32_MAX);
	ret->id = rd_blob(r);
	if (!ret->remove) {
		ret->layout = (uint16_t)number(r, UINT16_MAX);
		ret->stream = (uint32_t)number(r, UINT32_MAX);
		ret->number = rd_varint(r);
		ret->kept = rd_blob(r);
	}
	/* Of one place the pieces are told apart by where their bytes lie: so an id has some. */
	if (head > (PIECE_REMOVE | PIECE_CONTESTED) || ret->id.n == 0 || ret->id.n > UINT16_MAX || ret->kept.n > UINT16_MAX)
		r->bad = true;
	return r->bad ? -1 : 0;
}

/* It names what the store knows: views and rules look its numbers up. */
static bool
names_known(const struct names *na, const struct delta *de)
{
	const struct layout *la = names_layout_at(na, de->layout);

	if (de->source >= names_count(na))
		return false;
	return de->remove || (la != NULL && de->role < la->n_roles && de->stream < names_count(na));
}

int
timeline_load(struct timeline *tl, struct store *st, const struct names *na, struct slice subject, struct err *err)
{
	struct buf group = {0};
	struct store_iter *it = NULL;
	struct slice key, value;
	struct delta de;
	int rc;

	key_subject(&group, 'T', subject);
	rc = buf_ok(&group) ? store_iter_open_group(&it, st, buf_slice(&group), err) : err_nomem(err);
	while (rc == 0 && (rc = store_iter_next(it, &key, &value, err)) > 0) {
		struct rd r = rd_of(value);

		rc = 0;
		while (rc == 0 && rd_left(&r) > 0) {
			if (piece_decode(&r, &de) != 0 || !names_known(na, &de))
				rc = err_set(err, ERR_CORRUPT, "the store's record of %.*s is damaged: restore a backup (dideban restore)",
				    SLICE_ARG(subject));
			else
				rc = timeline_push(tl, &de, err);
		}
	}
	store_iter_close(it);
	buf_free(&group);
	if (rc == 0)
		timeline_settle(tl, na);
	else
		timeline_free(tl); /* half of it, with removals as entries, is none */
	return rc;
}
