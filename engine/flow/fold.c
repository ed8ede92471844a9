/* The fold takes the journal's records. Its rule sets are in fold_rules.c, loading and saving in fold_checkpoint.c. */
#include "engine/flow/fold_private.h"

#include "engine/flow/keys.h"
#include "engine/timeline/codec.h"
#include "state/base/hash.h"
#include "state/base/stages.h"

#include <stdlib.h>

/* Events ahead of the one under way: far off the slots of tables are asked for, near what they point at. */
#define FAR 10
#define NEAR 5

bool
fold_known(void *ctx, uint64_t hash)
{
	const struct fold *fo = ctx;

	return filter_maybe(fo->filter, hash);
}

int
fold_note(void *ctx, uint64_t hash, struct err *err)
{
	struct fold *fo = ctx;

	return filter_maybe(fo->filter, hash) ? 0 : filter_add(fo->filter, hash, err);
}

void
fold_free(struct fold *fo)
{
	if (fo == NULL)
		return;
	fold_drop_workers(fo);
	registrar_free(fo->registrar);
	fold_free_past(fo);
	event_parser_free(fo->parser);
	ruleset_free(fo->rs);
	quarantine_free(fo->quarantine);
	changes_free(fo->changes);
	filter_free(fo->filter);
	names_free(fo->names);
	free(fo->layouts);
	free(fo->rule_stats);
	free(fo->marks);
	buf_free(&fo->rules_bytes);
	buf_free(&fo->key);
	buf_free(&fo->value);
	buf_free(&fo->sink_mark);
	free(fo);
}

/* --- what the registrar asks for --- */

static int
parser_of(void *ctx, uint32_t number, struct event_parser **ret, struct err *err)
{
	return fold_parser_of(ctx, number, ret, err);
}

static int
read_raw(void *ctx, uint64_t at, void *ret, size_t n, struct err *err)
{
	struct fold *fo = ctx;

	return fo->env.read(fo->env.journal, at, ret, n, err);
}

static int
layout_number(struct fold *fo, const struct contract *co, uint16_t *ret, struct err *err)
{
	for (size_t i = 0; i < contracts_count(fo->rs->contracts); i++)
		if (contracts_at(fo->rs->contracts, i) == co) {
			*ret = fo->layouts[i];
			return 0;
		}
	return names_layout(fo->names, contract_layout(co), fo->changes, ret, err);
}

/* One entry to its worker and, as a piece that ends as that of each subject of the event, into the change set. The worker comes first,
 * because it asks the filter whether the store may hold the subject. */
static int
emit_entry(struct fold *fo, const struct event_ref *ref, const struct delta *de, struct slice end, struct err *err)
{
	const struct kind_plan *kind = plan_kind(fo->plan, ref->subject);
	enum stage stage = stage_enter(STAGE_TIMELINE);
	bool late = false;
	int rc = 0;

	if (kind != NULL)
		rc = worker_take(fo->workers[ref->hash % fo->env.partitions], ref->subject, ref->hash, kind, de, fo->arena, &late, err);
	else
		rc = fold_note(fo, ref->hash, err);
	fo->late = fo->late || (late && !de->remove);
	(void)stage_enter(STAGE_CHECKPOINT);
	key_subject(&fo->key, 'T', ref->subject);
	buf_clear(&fo->value);
	piece_begin(&fo->value, de);
	if (rc == 0 && !(buf_ok(&fo->key) && buf_ok(&fo->value)))
		rc = err_nomem(err);
	if (rc == 0)
		rc = changes_append_shared(fo->changes, buf_slice(&fo->key), buf_slice(&fo->value), end, err);
	stage_leave(stage);
	return rc;
}

/* An event's entries: all of them into the change set, those of live subjects to their workers. */
static int
emit(void *ctx, const struct registered *re, bool remove, struct err *err)
{
	struct fold *fo = ctx;
	const struct event *ev = re->ev;
	struct delta de = {.remove = remove,
	    .time = ev->time,
	    .source = re->source,
	    .stream = re->stream,
	    .number = re->number,
	    .flags = re->contested ? ENTRY_CONTESTED : 0,
	    .id = ev->id,
	    .kept = ev->kept};
	struct slice end;

	if (layout_number(fo, ev->contract, &de.layout, err) != 0)
		return -1;
	if (ev->nameless != 0 && !remove)
		worker_count_nameless(fo->workers[0], de.layout, ev);
	if (ev->n_refs == 0)
		return 0;
	buf_clear(&fo->value);
	piece_end(&fo->value, &de);
	if (!buf_ok(&fo->value))
		return err_nomem(err);
	if (changes_share(fo->changes, buf_slice(&fo->value), &end, err) != 0)
		return -1;
	for (unsigned i = 0; i < ev->n_refs; i++) {
		de.role = ev->refs[i].role;
		if (emit_entry(fo, &ev->refs[i], &de, end, err) != 0)
			return -1;
	}
	return 0;
}

/* --- opening --- */

int
fold_new(struct fold **ret, const struct fold_env *env, struct err *err)
{
	struct fold *fo = calloc(1, sizeof *fo);
	struct registrar_env re;
	int rc;

	if (fo == NULL)
		return err_nomem(err);
	fo->env = *env;
	fo->names = names_new();
	fo->filter = filter_new();
	fo->changes = changes_new();
	fo->quarantine = quarantine_new();
	if (fo->names == NULL || fo->filter == NULL || fo->changes == NULL || fo->quarantine == NULL) {
		(void)err_nomem(err);
		goto fail;
	}
	re = (struct registrar_env){.store = env->store,
	    .names = fo->names,
	    .changes = fo->changes,
	    .filter = fo->filter,
	    .quarantine = fo->quarantine,
	    .quarantine_next = &fo->quarantine_next,
	    .stats = &fo->stats,
	    .loading = &fo->loading,
	    .ctx = fo,
	    .read = read_raw,
	    .parser = parser_of,
	    .emit = emit};
	if (registrar_new(&fo->registrar, &re, err) != 0)
		goto fail;
	rc = fold_load_state(fo, err);
	if (rc < 0)
		goto fail;
	fo->loading = fo->cold = rc > 0;
	if (rc > 0 && (names_load(fo->names, env->store, err) != 0 || filter_load(fo->filter, env->store, err) != 0 || fold_load_rules(fo, err) != 0))
		goto fail;
	*ret = fo;
	return 0;
fail:
	fold_free(fo);
	return -1;
}

/* --- records --- */

uint64_t
fold_seed(const struct fold *fo)
{
	return fo->seed;
}

int
fold_take_seed(struct fold *fo, uint64_t seed, struct err *err)
{
	if (seed == 0)
		return err_set(err, ERR_CORRUPT, "the journal's seed is zero: restore a backup (dideban restore)");
	fo->seed = seed;
	fo->dirty = true;
	return 0;
}

struct batch_now
fold_now(const struct fold *fo, uint64_t seq, struct instant now, bool replayed)
{
	return (struct batch_now){.batch = seq,
	    .rule_set = fo->rule_set,
	    .now = now,
	    .known_up_to = fo->have_newest ? fo->newest : now,
	    .tick = fo->tick,
	    .have_tick = fo->have_tick,
	    .replayed = replayed,
	    .on_message = fo->env.on_message,
	    .ctx = fo->env.ctx};
}

static int
note_position(struct fold *fo, uint32_t stream, uint64_t number, struct err *err)
{
	for (size_t i = fo->n_marks; i-- > 0;)
		if (fo->marks[i].stream == stream) {
			if (fo->marks[i].number < number)
				fo->marks[i].number = number;
			return 0;
		}
	if (fo->n_marks == fo->cap_marks) {
		size_t cap = fo->cap_marks == 0 ? 64 : fo->cap_marks * 2;
		struct stream_mark *v = realloc(fo->marks, cap * sizeof *v);

		if (v == NULL)
			return err_nomem(err);
		fo->marks = v;
		fo->cap_marks = cap;
	}
	fo->marks[fo->n_marks++] = (struct stream_mark){stream, number};
	return 0;
}

static int
take_fault(struct fold *fo, const struct batch *ba, const struct batch_item *it, struct err *err)
{
	struct quarantine_item qi = {.fault = it->fault,
	    .detail = it->detail,
	    .raw = it->raw,
	    .stream = ba->streams[it->stream],
	    .number = it->number,
	    .full_bytes = it->full_bytes,
	    .seen = ba->clock};

	fo->stats.consumed++;
	fo->stats.quarantined++;
	fo->stats.by_fault[it->fault]++;
	quarantine_make_id(qi.id, it->fault, it->raw);
	return quarantine_add(fo->quarantine, fo->env.store, &qi, &fo->quarantine_next, err);
}

static int
take_item(struct fold *fo, const struct batch *ba, const struct batch_item *it, uint64_t at, struct err *err)
{
	enum stage stage;
	uint32_t stream;
	int rc;

	if (names_intern(fo->names, ba->streams[it->stream], fo->changes, &stream, err) != 0 || note_position(fo, stream, it->number, err) != 0)
		return -1;
	fo->dirty_events++;
	if (it->fault != FAULT_NONE)
		return take_fault(fo, ba, it, err);
	if (!fo->have_newest || instant_cmp(fo->newest, it->ev.time) < 0)
		fo->newest = it->ev.time;
	fo->have_newest = true;
	fo->late = false;
	stage = stage_enter(STAGE_REGISTRAR);
	rc = registrar_take(fo->registrar, it, at + it->at, stream, fo->rule_set, ba->clock, fo->arena, err);
	stage_leave(stage);
	if (rc != 0)
		return -1;
	fo->stats.late += fo->late;
	return 0;
}

/* An event's look-ups miss the processor's caches; asked for ahead, the misses pass beside one another. */
static void
expect(const struct fold *fo, const struct batch_item *it, bool now)
{
	if (it->fault != FAULT_NONE)
		return;
	if (!now)
		registrar_expect(fo->registrar, &it->ev);
	for (unsigned i = 0; i < it->ev.n_refs; i++) {
		if (!now)
			filter_expect(fo->filter, it->ev.refs[i].hash);
		worker_expect(fo->workers[it->ev.refs[i].hash % fo->env.partitions], it->ev.refs[i].hash, now);
	}
}

/* The group of a subject that the batch will load, into the arena. */
static int
expect_group(struct fold *fo, char kind, struct slice subject, struct slice *ret, struct err *err)
{
	key_subject(&fo->key, kind, subject);
	if (!buf_ok(&fo->key))
		return err_nomem(err);
	*ret = arena_copy(fo->arena, buf_slice(&fo->key));
	return ret->p == NULL ? err_nomem(err) : 0;
}

/* After a restart nothing is in memory, and perhaps not even in the system's: what the batch will load is read at once. Only until the
 * first checkpoint: a longer replay would walk everything twice. */
static int
expect_subjects(struct fold *fo, const struct batch *ba, struct err *err)
{
	struct slice *groups;
	size_t n = 0, most = 0;

	for (size_t i = 0; i < ba->n; i++)
		most += ba->items[i].fault == FAULT_NONE ? 2 * (size_t)ba->items[i].ev.n_refs : 0;
	groups = arena_alloc(fo->arena, (most + 1) * sizeof *groups);
	if (groups == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ba->n; i++)
		for (unsigned k = 0; ba->items[i].fault == FAULT_NONE && k < ba->items[i].ev.n_refs; k++) {
			const struct event_ref *ref = &ba->items[i].ev.refs[k];
			struct subjects *ss = worker_subjects(fo->workers[ref->hash % fo->env.partitions]);

			if (plan_kind(fo->plan, ref->subject) == NULL || !fold_known(fo, ref->hash) ||
			    subjects_find(ss, ref->subject, ref->hash) != NULL)
				continue;
			if (expect_group(fo, 'T', ref->subject, &groups[n++], err) != 0 ||
			    (fold_known(fo, subject_alerts_hash(ref->hash)) && expect_group(fo, 'A', ref->subject, &groups[n++], err) != 0))
				return -1;
		}
	store_expect(fo->env.store, groups, n);
	return 0;
}

int
fold_take_batch(struct fold *fo, struct batch *ba, uint64_t seq, uint64_t at, bool replayed, struct err *err)
{
	bool had = fo->have_tick;
	struct instant before = fo->tick;
	struct batch_now bn;

	if (fo->rs == NULL)
		return err_set(err, ERR_CORRUPT, "the journal holds events before any rule set: restore a backup (dideban restore)");
	fo->arena = &ba->arena;
	fo->dirty = true;
	if (replayed && fo->cold && expect_subjects(fo, ba, err) != 0)
		return -1;
	for (size_t i = 0; i < ba->n; i++) {
		if (i + FAR < ba->n)
			expect(fo, &ba->items[i + FAR], false);
		if (i + NEAR < ba->n)
			expect(fo, &ba->items[i + NEAR], true);
		if (take_item(fo, ba, &ba->items[i], at, err) != 0)
			return -1;
	}
	if (ba->flags & BATCH_TICK && (!had || instant_cmp(before, ba->clock) < 0)) {
		fo->tick = ba->clock;
		fo->have_tick = true;
	}
	bn = fold_now(fo, seq, ba->clock, replayed);
	for (unsigned p = 0; p < fo->env.partitions; p++)
		if (worker_fold(fo->workers[p], &bn, err) != 0)
			return -1;
	fo->stats.batches++;
	return ba->flags & BATCH_TICK ? fold_pass_time(fo, had, before, &bn, err) : 0;
}

int
fold_take_mark(struct fold *fo, const uint8_t id[QUARANTINE_ID_BYTES], enum quarantine_state state, struct slice note, struct err *err)
{
	fo->dirty = true;
	return quarantine_set(fo->quarantine, fo->env.store, id, state, note, err);
}

bool
fold_clean(const struct fold *fo)
{
	return !fo->dirty;
}

size_t
fold_dirty_bytes(const struct fold *fo)
{
	return changes_bytes(fo->changes) + registrar_bytes(fo->registrar) + quarantine_bytes(fo->quarantine);
}

uint64_t
fold_dirty_events(const struct fold *fo)
{
	return fo->dirty_events;
}

struct slice
fold_sink_mark(const struct fold *fo)
{
	return buf_slice(&fo->sink_mark);
}

/* --- looking --- */

void
fold_stats(const struct fold *fo, struct node_stats *ret)
{
	*ret = fo->stats;
	ret->evaluations = fo->dropped.evaluations;
	ret->ended_unsent = fo->dropped.ended_unsent;
	ret->messages = fo->dropped.messages;
	for (unsigned p = 0; p < fo->env.partitions && fo->workers[p] != NULL; p++) {
		struct worker_stats ws;

		worker_stats(fo->workers[p], &ws);
		ret->evaluations += ws.evaluations;
		ret->ended_unsent += ws.ended_unsent;
		ret->messages += ws.messages;
		ret->timelines += ws.timelines;
		ret->timeline_bytes += ws.timeline_bytes;
	}
	ret->filter_bytes = filter_bytes(fo->filter);
}

void
fold_forget_stats(struct fold *fo)
{
	fo->stats = fo->dropped = (struct node_stats){0};
	for (unsigned p = 0; p < fo->env.partitions && fo->workers[p] != NULL; p++)
		worker_forget_stats(fo->workers[p]);
	for (size_t i = 0; fo->rs != NULL && i < fo->rs->n_rules; i++)
		fo->rule_stats[i] = (struct rule_stats){0};
}

size_t
fold_timeline_bytes(const struct fold *fo)
{
	size_t n = 0;

	for (unsigned p = 0; p < fo->env.partitions && fo->rs != NULL; p++)
		n += worker_subjects(fo->workers[p])->bytes;
	return n;
}

size_t
fold_cache_left(const struct fold *fo)
{
	size_t all = fo->env.cache_bytes, filter = filter_bytes_ahead(fo->filter);

	return filter < all / 2 ? all - filter : all - all / 2;
}

bool
fold_relieve(struct fold *fo)
{
	size_t share = fold_cache_left(fo) / fo->env.partitions;
	bool full = false;

	for (unsigned p = 0; p < fo->env.partitions && fo->rs != NULL; p++) {
		struct subjects *ss = worker_subjects(fo->workers[p]);

		ss->max_bytes = share;
		subjects_evict(ss);
		full = full || ss->bytes > ss->max_bytes;
	}
	return full;
}

const struct rule_stats *
fold_rule_stats(const struct fold *fo, size_t rule)
{
	return fo->rs != NULL && rule < fo->rs->n_rules ? &fo->rule_stats[rule] : NULL;
}

struct names *
fold_names(struct fold *fo)
{
	return fo->names;
}

struct registrar *
fold_registrar(struct fold *fo)
{
	return fo->registrar;
}

struct quarantine *
fold_quarantine(struct fold *fo)
{
	return fo->quarantine;
}

struct worker *
fold_worker(struct fold *fo, struct slice subject)
{
	return fo->workers[hash64(subject) % fo->env.partitions];
}
