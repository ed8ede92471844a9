/* Loading and saving the fold's state, and walking over it in the store. */
#include "engine/flow/fold_private.h"

#include "engine/calendar/instant_bytes.h"
#include "engine/flow/keys.h"

/* 'M' "state": u8 1 | u64 seed | u32 rule_set | u8 have_tick | i64 u32 | u8 have_newest | i64 u32 | u64 quarantine_next |
 * u64 standing */
int
fold_load_state(struct fold *fo, struct err *err)
{
	int rc = store_get(fo->env.store, slice_str("Mstate"), &fo->value, err);
	struct rd r;

	if (rc <= 0)
		return rc;
	r = rd_of(buf_slice(&fo->value));
	if (rd_u8(&r) != 1)
		r.bad = true;
	fo->seed = rd_u64(&r);
	fo->rule_set = rd_u32(&r);
	fo->have_tick = rd_u8(&r) != 0;
	fo->tick = rd_instant(&r);
	fo->have_newest = rd_u8(&r) != 0;
	fo->newest = rd_instant(&r);
	fo->quarantine_next = rd_u64(&r);
	fo->standing = rd_u64(&r);
	if (r.bad)
		return err_set(err, ERR_CORRUPT, "the store's state record is damaged: restore a backup (dideban restore)");
	rc = store_get(fo->env.store, slice_str("Msink"), &fo->sink_mark, err);
	return rc < 0 ? -1 : 1;
}

/* --- checkpoints --- */

static int
put_state(struct fold *fo, struct slice sink_mark, struct err *err)
{
	struct buf *b = &fo->value;

	buf_clear(b);
	buf_add_u8(b, 1);
	buf_add_u64(b, fo->seed);
	buf_add_u32(b, fo->rule_set);
	buf_add_u8(b, fo->have_tick);
	buf_add_instant(b, fo->tick);
	buf_add_u8(b, fo->have_newest);
	buf_add_instant(b, fo->newest);
	buf_add_u64(b, fo->quarantine_next);
	buf_add_u64(b, fo->standing);
	if (!buf_ok(b))
		return err_nomem(err);
	if (changes_put(fo->changes, slice_str("Mstate"), buf_slice(b), err) != 0)
		return -1;
	return sink_mark.n == 0 ? 0 : changes_put(fo->changes, slice_str("Msink"), sink_mark, err);
}

static int
put_positions(struct fold *fo, struct err *err)
{
	for (size_t i = 0; i < fo->n_marks; i++) {
		uint64_t before = 0;

		if (fold_position(fo, names_text(fo->names, fo->marks[i].stream), &before, err) < 0)
			return -1;
		buf_clear(&fo->key);
		buf_clear(&fo->value);
		buf_add_u8(&fo->key, 'O');
		buf_add_u32_be(&fo->key, fo->marks[i].stream);
		buf_add_u64(&fo->value, before);
		if (!buf_ok(&fo->key) || !buf_ok(&fo->value))
			return err_nomem(err);
		if (changes_put(fo->changes, buf_slice(&fo->key), buf_slice(&fo->value), err) != 0)
			return -1;
	}
	return 0;
}

int
fold_save(struct fold *fo, uint64_t seq, struct slice sink_mark, struct changes **ret, struct err *err)
{
	for (unsigned p = 0; p < fo->env.partitions && fo->rs != NULL; p++)
		if (worker_save(fo->workers[p], fo->changes, &fo->standing, err) != 0)
			return -1;
	if (registrar_save(fo->registrar, err) != 0 || quarantine_save(fo->quarantine, fo->changes, err) != 0 || put_positions(fo, err) != 0 ||
	    filter_seal(fo->filter, fo->changes, seq, err) != 0 || put_state(fo, sink_mark, err) != 0)
		return -1;
	*ret = fo->changes;
	return 0;
}

uint64_t
fold_standing(const struct fold *fo)
{
	return fo->standing;
}

void
fold_saved(struct fold *fo)
{
	fold_due_saved(fo);
	fo->n_marks = 0;
	fo->dirty_events = 0;
	fo->dirty = false;
	fo->loading = true;
	fo->cold = false;
	(void)fold_relieve(fo);
}

int
fold_position(struct fold *fo, struct slice stream, uint64_t *ret, struct err *err)
{
	bool found = false;
	uint32_t name;
	int rc = 0;

	*ret = 0;
	if (!names_find(fo->names, stream, &name))
		return 0;
	if (fo->loading) {
		buf_clear(&fo->key);
		buf_add_u8(&fo->key, 'O');
		buf_add_u32_be(&fo->key, name);
		rc = buf_ok(&fo->key) ? store_get(fo->env.store, buf_slice(&fo->key), &fo->value, err) : err_nomem(err);
		if (rc > 0) {
			struct rd r = rd_of(buf_slice(&fo->value));

			*ret = rd_u64(&r);
			found = true;
		}
	}
	for (size_t i = 0; i < fo->n_marks; i++) {
		if (fo->marks[i].stream != name)
			continue;
		found = true;
		if (fo->marks[i].number > *ret)
			*ret = fo->marks[i].number;
	}
	return rc < 0 ? -1 : found;
}

int
fold_each_alert(
    struct fold *fo, int (*fn)(void *ctx, const struct group_place *gp, const struct alert *al, struct err *err), void *ctx, struct err *err)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	struct group_place gp;
	struct buf subject = {0}, rule = {0};
	struct alert *al;
	int rc;

	if (!fo->loading)
		return 0;
	if (store_iter_open(&it, fo->env.store, slice_str("A"), slice_str("B"), err) != 0)
		return -1;
	while ((rc = store_iter_next(it, &key, &value, err)) > 0) {
		if (group_key_split(key, &gp) != 0) {
			rc = err_set(err, ERR_CORRUPT, "an alert's record has a damaged key: restore a backup (dideban restore)");
			break;
		}
		if (!gp.is_alert)
			continue;
		gp.new_subject = !slice_eq(gp.subject, buf_slice(&subject));
		gp.new_rule = gp.new_subject || !slice_eq(gp.rule, buf_slice(&rule));
		if (gp.new_rule) {
			buf_clear(&subject);
			buf_add_slice(&subject, gp.subject);
			buf_clear(&rule);
			buf_add_slice(&rule, gp.rule);
		}
		if (!buf_ok(&subject) || !buf_ok(&rule)) {
			rc = err_nomem(err);
			break;
		}
		al = alert_decode(value, err);
		if (al == NULL && err->code == ERR_CORRUPT)
			(void)err_set(
			    err, ERR_CORRUPT, "an alert's record of %.*s is damaged: restore a backup (dideban restore)", SLICE_ARG(gp.subject));
		rc = al == NULL ? -1 : fn(ctx, &gp, al, err);
		alert_free(al);
		if (rc != 0)
			break;
	}
	store_iter_close(it);
	buf_free(&subject);
	buf_free(&rule);
	return rc;
}

int
fold_each_subject(struct fold *fo, const char *kind, int (*fn)(void *ctx, struct slice subject, struct err *err), void *ctx, struct err *err)
{
	struct buf lo = {0}, hi = {0}, subject = {0};
	struct store_iter *it = NULL;
	struct slice key, value;
	int rc;

	buf_add_u8(&lo, 'T');
	buf_add_str(&lo, kind);
	buf_add_slice(&hi, buf_slice(&lo));
	buf_add_u8(&lo, '/');
	buf_add_u8(&hi, '/' + 1);
	rc = buf_ok(&lo) && buf_ok(&hi) ? store_iter_open(&it, fo->env.store, buf_slice(&lo), buf_slice(&hi), err) : err_nomem(err);
	while (rc == 0 && (rc = store_iter_next(it, &key, &value, err)) > 0) {
		const char *zero = memchr(key.p, 0, key.n);

		if (zero == NULL) {
			rc = err_set(err, ERR_CORRUPT, "an entry's record has a damaged key: restore a backup (dideban restore)");
			break;
		}
		buf_clear(&subject);
		buf_add(&subject, key.p, (size_t)(zero - key.p));
		buf_add_u8(&subject, 1); /* behind every key of the subject */
		if (!buf_ok(&subject)) {
			rc = err_nomem(err);
			break;
		}
		rc = fn(ctx, slice_of(subject.p + 1, subject.n - 2), err);
		if (rc != 0)
			break;
		store_iter_seek(it, buf_slice(&subject));
	}
	store_iter_close(it);
	buf_free(&lo);
	buf_free(&hi);
	buf_free(&subject);
	return rc;
}
