#include "engine/flow/subject.h"

#include "engine/flow/keys.h"
#include "engine/timeline/codec.h"
#include "state/base/hash.h"

#include <stdlib.h>

#define AHEAD 8 /* dirty subjects whose memory is asked for before they are saved */

static void
unlink_subject(struct subjects *ss, struct subject *su)
{
	*(su->newer != NULL ? &su->newer->older : &ss->newest) = su->older;
	*(su->older != NULL ? &su->older->newer : &ss->oldest) = su->newer;
}

static void
link_newest(struct subjects *ss, struct subject *su)
{
	su->newer = NULL;
	su->older = ss->newest;
	*(ss->newest != NULL ? &ss->newest->newer : &ss->oldest) = su;
	ss->newest = su;
}

const struct rule_state no_rule_state;

struct rule_state *
subject_own_rule(struct subject *su, unsigned slot)
{
	if (su->own == NULL)
		su->own = calloc(su->kind->n, sizeof *su->own);
	return su->own == NULL ? NULL : &su->own[slot];
}

static void
subject_free(struct subject *su)
{
	for (unsigned i = 0; su->own != NULL && i < su->kind->n; i++) {
		struct rule_state *rs = &su->own[i];

		standing_free(&rs->sg);
		for (unsigned j = 0; rs->cursors != NULL && j < su->kind->rules[i]->n_features; j++) {
			window_free(&rs->cursors[j].wi);
			active_free(&rs->cursors[j].ac);
		}
		free(rs->cursors);
	}
	free(su->own);
	timeline_free(&su->tl);
	free(su);
}

void
subjects_free(struct subjects *ss)
{
	while (ss->newest != NULL) {
		struct subject *su = ss->newest;

		ss->newest = su->older;
		subject_free(su);
	}
	table_free(&ss->table);
	free(ss->dirty);
	*ss = (struct subjects){.max_bytes = ss->max_bytes};
}

struct subject *
subjects_find(struct subjects *ss, struct slice key, uint64_t hash)
{
	struct subject *su;

	for (size_t pos = table_start(&ss->table, hash); (su = table_probe(&ss->table, hash, &pos)) != NULL;)
		if (slice_eq(subject_key(su), key)) {
			su->used = true;
			return su;
		}
	return NULL;
}

void
subjects_expect(const struct subjects *ss, uint64_t hash)
{
	table_expect(&ss->table, hash);
}

void
subjects_expect_now(const struct subjects *ss, uint64_t hash)
{
	const struct subject *su = table_glance(&ss->table, hash);

	if (su != NULL) {
		__builtin_prefetch(su);
		__builtin_prefetch(&su->first);
		__builtin_prefetch(su->key);
	}
}

struct subject *
subjects_make(struct subjects *ss, struct slice key, uint64_t hash, const struct kind_plan *kind, struct err *err)
{
	struct subject *su = calloc(1, sizeof *su + key.n);

	if (su == NULL || table_add(&ss->table, hash, su) != 0) {
		free(su);
		(void)err_nomem(err);
		return NULL;
	}
	su->serial = ++ss->made;
	su->kind = kind;
	memcpy(su->key, key.p, key.n);
	su->key_len = (uint32_t)key.n;
	su->newest.sec = INT64_MIN;
	link_newest(ss, su);
	subjects_count(ss, su);
	return su;
}

void
subjects_count(struct subjects *ss, struct subject *su)
{
	size_t n = sizeof *su + su->key_len + 2 * sizeof(struct table_slot) + timeline_bytes(&su->tl) + su->group_bytes;

	for (unsigned i = 0; su->own != NULL && i < su->kind->n; i++) {
		const struct rule_state *rs = &su->own[i];

		n += sizeof *rs;
		for (unsigned j = 0; rs->cursors != NULL && j < su->kind->rules[i]->n_features; j++)
			n += sizeof *rs->cursors + window_bytes(&rs->cursors[j].wi) + active_bytes(&rs->cursors[j].ac);
	}
	ss->bytes += n - su->bytes;
	su->bytes = n;
}

void
subject_count_group(struct subject *su, struct group *gr)
{
	size_t n = group_bytes(gr);

	su->group_bytes += n - gr->counted;
	gr->counted = n;
}

void
subjects_drop(struct subjects *ss, struct subject *su)
{
	unlink_subject(ss, su);
	table_remove(&ss->table, hash64(subject_key(su)), su);
	ss->bytes -= su->bytes;
	subject_free(su);
}

int
subjects_dirty(struct subjects *ss, struct subject *su, struct err *err)
{
	if (su->dirty)
		return 0;
	if (ss->n_dirty == ss->cap_dirty) {
		size_t cap = ss->cap_dirty == 0 ? 1024 : ss->cap_dirty * 2;
		struct subject **v = realloc(ss->dirty, cap * sizeof(struct subject *));

		if (v == NULL)
			return err_nomem(err);
		ss->dirty = v;
		ss->cap_dirty = cap;
	}
	ss->dirty[ss->n_dirty++] = su;
	su->dirty = true;
	return 0;
}

void
group_prefix(struct buf *ret, struct slice subject, const char *rule, struct slice group)
{
	key_subject(ret, 'A', subject);
	buf_add_str(ret, rule);
	buf_add_u8(ret, 0);
	buf_add_blob(ret, group);
}

void
alert_key(struct buf *ret, struct slice prefix, const uint8_t id[ALERT_ID_BYTES])
{
	buf_clear(ret);
	buf_add_slice(ret, prefix);
	buf_add_u8(ret, 'a');
	buf_add(ret, id, ALERT_ID_BYTES);
}

static void
part_key(struct buf *ret, struct slice prefix, uint32_t part)
{
	buf_clear(ret);
	buf_add_slice(ret, prefix);
	buf_add_u8(ret, 'h');
	buf_add_u32_be(ret, part);
}

/* What of a group a checkpoint does not hold yet: the parts from the first changed hit on, and the changed alerts. */
static int
save_group(struct group *gr, struct slice prefix, struct changes *ch, struct buf *key, struct buf *value, uint64_t *standing, struct err *err)
{
	uint32_t parts = (gr->n_hits + HITS_A_PART - 1) / HITS_A_PART, saved = (gr->saved_hits + HITS_A_PART - 1) / HITS_A_PART;

	for (uint32_t p = gr->unsaved_from / HITS_A_PART; p < parts || p < saved; p++) {
		part_key(key, prefix, p);
		group_encode_part(gr, p, value);
		if (!buf_ok(key) || !buf_ok(value))
			return err_nomem(err);
		if ((p < parts ? changes_put(ch, buf_slice(key), buf_slice(value), err) : changes_delete(ch, buf_slice(key), err)) != 0)
			return -1;
	}
	for (uint32_t i = 0; i < gr->n_alerts; i++) {
		struct alert *al = gr->alerts[i];
		bool stands = al->state == ALERT_STANDING;

		if (!al->unsaved)
			continue;
		*standing += (uint64_t)stands - (uint64_t)al->counted;
		al->counted = stands;
		alert_key(key, prefix, al->id);
		alert_encode(al, value);
		if (!buf_ok(key) || !buf_ok(value))
			return err_nomem(err);
		if (changes_put(ch, buf_slice(key), buf_slice(value), err) != 0)
			return -1;
	}
	group_saved(gr);
	return 0;
}

int
subjects_save(struct subjects *ss, struct changes *ch, uint64_t *standing, struct err *err)
{
	struct buf prefix = {0}, key = {0}, value = {0};
	int rc = 0;

	for (size_t i = 0; i < ss->n_dirty && rc == 0; i++) {
		struct subject *su = ss->dirty[i];

		if (i + AHEAD < ss->n_dirty)
			__builtin_prefetch(ss->dirty[i + AHEAD]);
		if (i + AHEAD / 2 < ss->n_dirty)
			__builtin_prefetch(ss->dirty[i + AHEAD / 2]->own);
		su->dirty = false;
		for (unsigned r = 0; su->own != NULL && r < su->kind->n && rc == 0; r++) {
			struct standing *sg = &su->own[r].sg;

			for (uint32_t g = 0; g < sg->n && rc == 0; g++) {
				if (!sg->groups[g]->unsaved)
					continue;
				group_prefix(&prefix, subject_key(su), su->kind->rules[r]->ru->id, group_episode(sg->groups[g]));
				rc =
				    buf_ok(&prefix) ? save_group(sg->groups[g], buf_slice(&prefix), ch, &key, &value, standing, err) : err_nomem(err);
			}
		}
	}
	ss->n_dirty = 0;
	ss->stuck = 0;
	buf_free(&prefix);
	buf_free(&key);
	buf_free(&value);
	return rc;
}

/* What is dirty stays and is passed over. So a walk makes room for more than the next one, and where it cannot, none begins before an
 * eighth more has come: else a rule set that goes live over a long past would walk over all that it changed for each subject it loads. */
void
subjects_evict(struct subjects *ss)
{
	struct subject *su = ss->oldest;
	size_t low = ss->max_bytes - ss->max_bytes / 32;

	if (ss->bytes <= ss->max_bytes || ss->bytes < ss->stuck + ss->stuck / 8)
		return;
	while (su != NULL && ss->bytes > low) {
		struct subject *newer = su->newer;

		if (su->used && !su->dirty && su->first == NULL) {
			su->used = false;
			unlink_subject(ss, su);
			link_newest(ss, su);
			if (newer == NULL) /* all had their chance: from here on they go */
				newer = su;
		} else if (!su->dirty && su->first == NULL) {
			subjects_drop(ss, su);
		}
		su = newer;
	}
	ss->stuck = ss->bytes > low ? ss->bytes : 0;
}

int
group_key_split(struct slice key, struct group_place *ret)
{
	const char *end = key.p + key.n, *a, *b;
	struct rd r;

	a = key.n == 0 ? NULL : memchr(key.p + 1, 0, key.n - 1);
	b = a == NULL ? NULL : memchr(a + 1, 0, (size_t)(end - a - 1));
	if (b == NULL)
		return -1;
	*ret = (struct group_place){.subject = slice_of(key.p + 1, (size_t)(a - key.p - 1))};
	ret->rule = slice_of(a + 1, (size_t)(b - a - 1));
	r = rd_of(slice_of(b + 1, (size_t)(end - b - 1)));
	ret->group = rd_blob(&r);
	ret->is_alert = rd_u8(&r) == 'a';
	return r.bad || rd_left(&r) != (ret->is_alert ? ALERT_ID_BYTES : sizeof(uint32_t)) ? -1 : 0;
}

static int
corrupt(struct slice subject, struct err *err)
{
	return err_set(err, ERR_CORRUPT, "the store's record of %.*s is damaged: restore a backup (dideban restore)", SLICE_ARG(subject));
}

static int
take_group(struct subject *su, struct slice key, struct slice value, struct err *err)
{
	struct group_place gp;

	if (group_key_split(key, &gp) != 0)
		return corrupt(subject_key(su), err);
	for (unsigned i = 0; i < su->kind->n; i++) {
		struct rule_state *rs;
		struct group *gr;

		if (!slice_eq_str(gp.rule, su->kind->rules[i]->ru->id))
			continue;
		rs = subject_own_rule(su, i);
		gr = rs == NULL ? NULL : standing_group(&rs->sg, gp.group);
		if (gr == NULL)
			return err_nomem(err);
		if ((gp.is_alert ? group_add_alert(gr, value, err) : group_add_part(gr, value, err)) == 0)
			return 0;
		return err->code == ERR_CORRUPT ? corrupt(subject_key(su), err) : -1;
	}
	return 0; /* of a rule that is no longer in the set: `alerts --all` still shows it */
}

static int
place_groups(struct subject *su, const struct names *na, struct err *err)
{
	for (unsigned i = 0; i < su->kind->n; i++) {
		const struct standing *sg = &subject_rule(su, i)->sg;

		for (uint32_t g = 0; g < sg->n; g++) {
			if (group_place(sg->groups[g], na) != 0)
				return corrupt(subject_key(su), err);
			subject_count_group(su, sg->groups[g]);
		}
	}
	return 0;
}

static int
load_groups(struct subject *su, struct store *st, const struct names *na, struct err *err)
{
	struct buf group = {0};
	struct store_iter *it = NULL;
	struct slice key, value;
	int rc;

	key_subject(&group, 'A', subject_key(su));
	rc = buf_ok(&group) ? store_iter_open_group(&it, st, buf_slice(&group), err) : err_nomem(err);
	while (rc == 0 && (rc = store_iter_next(it, &key, &value, err)) > 0)
		rc = take_group(su, key, value, err);
	store_iter_close(it);
	buf_free(&group);
	return rc == 0 ? place_groups(su, na, err) : -1;
}

int
subject_load(struct subject *su, struct store *st, const struct names *na, bool alerts, struct err *err)
{
	if (timeline_load(&su->tl, st, na, subject_key(su), err) != 0 || (alerts && load_groups(su, st, na, err) != 0))
		return -1;
	if (su->tl.n > 0)
		su->newest = entry_time(&su->tl.v[su->tl.n - 1]);
	return 0;
}
