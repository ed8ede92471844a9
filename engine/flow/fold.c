#include "engine/flow/fold.h"

#include "engine/flow/keys.h"
#include "state/base/hash.h"

#include <stdlib.h>

/* A rule set that events of this store were accepted under. */
struct past_set {
	uint32_t number;
	struct contracts *contracts; /* NULL: those of the live set */
	struct event_parser *parser;
};

struct stream_mark {
	uint32_t stream;
	uint64_t number;
};

struct fold {
	struct fold_env env;
	struct names *names;
	struct filter *filter;
	struct changes *changes;
	struct quarantine *quarantine;
	struct registrar *registrar;
	struct worker *workers[LIMIT_PARTITIONS];
	struct plan *plan;
	struct ruleset *rs;
	struct buf rules_bytes;
	struct event_parser *parser;
	uint16_t *layouts;         /* layout numbers by the contract's place in the set */
	struct past_set *past;
	size_t n_past;
	struct rule_stats *rule_stats;
	struct node_stats stats;
	struct stream_mark *marks; /* streams of batches since the last checkpoint */
	size_t n_marks, cap_marks;
	struct buf key, value, subject_key;
	struct buf sink_mark;
	uint64_t seed, quarantine_next, dirty_events;
	uint32_t rule_set;
	struct instant tick, newest;
	bool have_tick, have_newest, loading, dirty;
	/* While a batch is under way. */
	struct arena *arena;
	bool late;
};

static bool
known(void *ctx, uint64_t hash)
{
	const struct fold *fo = ctx;

	return filter_maybe(fo->filter, hash);
}

static void
drop_workers(struct fold *fo)
{
	for (unsigned p = 0; p < LIMIT_PARTITIONS; p++) {
		worker_free(fo->workers[p]);
		fo->workers[p] = NULL;
	}
	plan_free(fo->plan);
	fo->plan = NULL;
}

void
fold_free(struct fold *fo)
{
	if (fo == NULL)
		return;
	drop_workers(fo);
	registrar_free(fo->registrar);
	for (size_t i = 0; i < fo->n_past; i++) {
		event_parser_free(fo->past[i].parser);
		contracts_free(fo->past[i].contracts);
	}
	free(fo->past);
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
	buf_free(&fo->subject_key);
	buf_free(&fo->sink_mark);
	free(fo);
}

/* --- what the registrar asks for --- */

static int
read_raw(void *ctx, uint64_t at, void *ret, size_t n, struct err *err)
{
	struct fold *fo = ctx;

	return fo->env.read(fo->env.journal, at, ret, n, err);
}

static void
rules_key(struct buf *key, uint32_t number)
{
	buf_clear(key);
	buf_add_u8(key, 'G');
	buf_add_u32_be(key, number);
}

static int
past_parser(void *ctx, uint32_t number, struct event_parser **ret, struct err *err)
{
	struct fold *fo = ctx;
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct past_set *v, set = {.number = number};
	int rc;

	if (number == fo->rule_set) {
		*ret = fo->parser;
		return 0;
	}
	for (size_t i = 0; i < fo->n_past; i++)
		if (fo->past[i].number == number) {
			*ret = fo->past[i].parser;
			return 0;
		}
	rules_key(&fo->key, number);
	rc = store_get(fo->env.store, buf_slice(&fo->key), &fo->value, err);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_CORRUPT, "rule set %u is missing from the store: restore a backup (dideban restore)", number);
	if (ruleset_decode(buf_slice(&fo->value), &src, err) != 0)
		return -1;
	set.contracts = contracts_compile(src.contracts, src.n_contracts, &fi, err);
	set.parser = set.contracts == NULL ? NULL : event_parser_new(set.contracts, fo->seed);
	ruleset_source_free(&src);
	findings_free(&fi);
	v = set.parser == NULL ? NULL : realloc(fo->past, (fo->n_past + 1) * sizeof *v);
	if (v == NULL) {
		event_parser_free(set.parser);
		contracts_free(set.contracts);
		return err_set(err, ERR_CORRUPT, "the contracts of rule set %u can no longer be read", number);
	}
	fo->past = v;
	fo->past[fo->n_past++] = set;
	*ret = set.parser;
	return 0;
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

/* An event's entries: all of them into the change set, those of live subjects to their workers. */
static int
emit(void *ctx, const struct registered *re, bool remove, struct err *err)
{
	struct fold *fo = ctx;
	const struct event *ev = re->ev;
	struct delta de = {.remove = remove, .time = ev->time, .source = re->source, .stream = re->stream, .number = re->number,
	    .flags = re->contested ? ENTRY_CONTESTED : 0, .id = ev->id, .kept = ev->kept};

	if (layout_number(fo, ev->contract, &de.layout, err) != 0)
		return -1;
	for (unsigned i = 0; i < ev->n_refs; i++) {
		struct slice subject = ev->refs[i].subject;
		uint64_t hash = hash64(subject);
		const struct kind_plan *kind = plan_kind(fo->plan, subject);
		bool late = false;

		de.role = ev->refs[i].role;
		/* The worker first: it asks the filter whether the store may hold the subject. */
		if (kind != NULL && worker_take(fo->workers[hash % fo->env.partitions], subject, hash, kind, &de, fo->arena, &late, err) != 0)
			return -1;
		fo->late = fo->late || (late && !remove);
		if (!filter_maybe(fo->filter, hash) && filter_add(fo->filter, hash, err) != 0)
			return -1;
		entry_key(&fo->key, subject, &de);
		entry_value(&fo->value, &de);
		if (!buf_ok(&fo->key) || !buf_ok(&fo->value))
			return err_nomem(err);
		if ((remove ? changes_delete(fo->changes, buf_slice(&fo->key), err) : changes_put(fo->changes, buf_slice(&fo->key), buf_slice(&fo->value), err)) != 0)
			return -1;
	}
	return 0;
}

/* --- opening --- */

/* 'M' "state": u8 1 | u64 seed | u32 rule_set | u8 have_tick | i64 u32 | u8 have_newest | i64 u32 | u64 quarantine_next */
static int
load_state(struct fold *fo, struct err *err)
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
	fo->tick.sec = (int64_t)rd_u64(&r);
	fo->tick.nsec = rd_u32(&r);
	fo->have_newest = rd_u8(&r) != 0;
	fo->newest.sec = (int64_t)rd_u64(&r);
	fo->newest.nsec = rd_u32(&r);
	fo->quarantine_next = rd_u64(&r);
	if (r.bad)
		return err_set(err, ERR_CORRUPT, "the store's state record is damaged: restore a backup (dideban restore)");
	rc = store_get(fo->env.store, slice_str("Msink"), &fo->sink_mark, err);
	return rc < 0 ? -1 : 1;
}

static int
go_live(struct fold *fo, struct ruleset *rs, struct slice bytes, struct err *err)
{
	struct worker_env env;

	drop_workers(fo);
	event_parser_free(fo->parser);
	ruleset_free(fo->rs);
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

void
fold_worker_env(struct fold *fo, struct worker_env *ret)
{
	*ret = (struct worker_env){.plan = fo->plan, .rules = (const struct rule *const *)fo->rs->rules, .texts = fo->rs->texts, .names = fo->names,
	    .store = fo->env.store, .loading = &fo->loading, .known = known, .cache_bytes = fo->env.cache_bytes / fo->env.partitions,
	    .render = fo->env.on_message != NULL, .instance = fo->env.instance, .stats = fo->rule_stats, .ctx = fo};
}

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

static int
load_rules(struct fold *fo, struct err *err)
{
	struct buf bytes = {0};
	struct ruleset *rs;
	int rc;

	if (fo->rule_set == 0)
		return 0;
	rules_key(&fo->key, fo->rule_set);
	rc = store_get(fo->env.store, buf_slice(&fo->key), &bytes, err);
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
	re = (struct registrar_env){.store = env->store, .names = fo->names, .changes = fo->changes, .filter = fo->filter, .quarantine = fo->quarantine,
	    .quarantine_next = &fo->quarantine_next, .stats = &fo->stats, .loading = &fo->loading, .ctx = fo, .read = read_raw, .parser = past_parser, .emit = emit};
	if (registrar_new(&fo->registrar, &re, err) != 0)
		goto fail;
	rc = load_state(fo, err);
	if (rc < 0)
		goto fail;
	fo->loading = rc > 0;
	if (rc > 0 && (names_load(fo->names, env->store, err) != 0 || filter_load(fo->filter, env->store, err) != 0 || load_rules(fo, err) != 0))
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

static struct batch_now
now_of(const struct fold *fo, uint64_t seq, struct instant now, bool replayed)
{
	return (struct batch_now){.batch = seq, .rule_set = fo->rule_set, .now = now, .known_up_to = fo->have_newest ? fo->newest : now, .tick = fo->tick,
	    .have_tick = fo->have_tick, .replayed = replayed, .on_message = fo->env.on_message, .ctx = fo->env.ctx};
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
	struct quarantine_item qi = {.fault = it->fault, .detail = it->detail, .raw = it->raw, .stream = ba->streams[it->stream], .number = it->number,
	    .full_bytes = it->full_bytes, .seen = ba->clock};

	fo->stats.consumed++;
	fo->stats.quarantined++;
	fo->stats.by_fault[it->fault]++;
	quarantine_make_id(qi.id, it->fault, it->raw, NULL);
	return quarantine_add(fo->quarantine, fo->env.store, &qi, &fo->quarantine_next, err);
}

static int
take_item(struct fold *fo, const struct batch *ba, const struct batch_item *it, uint64_t at, struct err *err)
{
	uint32_t stream;

	if (names_intern(fo->names, ba->streams[it->stream], fo->changes, &stream, err) != 0 || note_position(fo, stream, it->number, err) != 0)
		return -1;
	fo->dirty_events++;
	if (it->fault != FAULT_NONE)
		return take_fault(fo, ba, it, err);
	if (!fo->have_newest || instant_cmp(fo->newest, it->ev.time) < 0)
		fo->newest = it->ev.time;
	fo->have_newest = true;
	fo->late = false;
	if (registrar_take(fo->registrar, it, at + it->at, stream, fo->rule_set, ba->clock, fo->arena, err) != 0)
		return -1;
	fo->stats.late += fo->late;
	return 0;
}

int
fold_take_batch(struct fold *fo, struct batch *ba, uint64_t seq, uint64_t at, bool replayed, struct err *err)
{
	struct batch_now bn;

	if (fo->rs == NULL)
		return err_set(err, ERR_CORRUPT, "the journal holds events before any rule set: restore a backup (dideban restore)");
	fo->arena = &ba->arena;
	fo->dirty = true;
	for (size_t i = 0; i < ba->n; i++)
		if (take_item(fo, ba, &ba->items[i], at, err) != 0)
			return -1;
	if (ba->flags & BATCH_TICK && (!fo->have_tick || instant_cmp(fo->tick, ba->clock) < 0)) {
		fo->tick = ba->clock;
		fo->have_tick = true;
	}
	bn = now_of(fo, seq, ba->clock, replayed);
	for (unsigned p = 0; p < fo->env.partitions; p++)
		if (worker_fold(fo->workers[p], &bn, err) != 0)
			return -1;
	fo->stats.batches++;
	return 0;
}

struct each {
	struct fold *fo;
	const struct batch_now *bn;
	size_t rule;
};

static int
tick_one(void *ctx, struct slice subject, struct err *err)
{
	const struct each *ea = ctx;

	return worker_tick_subject(fold_worker(ea->fo, subject), subject, ea->bn, err);
}

/* Subjects with an alert record, in order. */
static int
each_alerting(struct fold *fo, int (*fn)(void *ctx, struct slice subject, struct err *err), void *ctx, struct err *err)
{
	struct store_iter *it = NULL;
	struct slice key, value, subject, rule, group;
	struct buf last = {0};
	int rc;

	if (!fo->loading)
		return 0;
	if (store_iter_open(&it, fo->env.store, slice_of("A", 1), slice_of("B", 1), err) != 0)
		return -1;
	while ((rc = store_iter_next(it, &key, &value, err)) > 0) {
		if (group_key_split(key, &subject, &rule, &group) != 0) {
			rc = err_set(err, ERR_CORRUPT, "an alert's record has a damaged key: restore a backup (dideban restore)");
			break;
		}
		if (slice_eq(subject, buf_slice(&last)))
			continue;
		buf_clear(&last);
		buf_add_slice(&last, subject);
		rc = buf_ok(&last) ? fn(ctx, buf_slice(&last), err) : err_nomem(err);
		if (rc != 0)
			break;
	}
	store_iter_close(it);
	buf_free(&last);
	return rc;
}

int
fold_take_tick(struct fold *fo, struct instant tick, uint64_t seq, struct err *err)
{
	struct batch_now bn;
	struct each ea = {.fo = fo, .bn = &bn};

	fo->dirty = true;
	if (!fo->have_tick || instant_cmp(fo->tick, tick) < 0)
		fo->tick = tick;
	fo->have_tick = true;
	bn = now_of(fo, seq, fo->tick, false);
	for (unsigned p = 0; p < fo->env.partitions && fo->rs != NULL; p++)
		if (worker_tick(fo->workers[p], &bn, err) != 0)
			return -1;
	return fo->rs == NULL ? 0 : each_alerting(fo, tick_one, &ea, err);
}

int
fold_take_mark(struct fold *fo, const uint8_t id[QUARANTINE_ID_BYTES], enum quarantine_state state, struct slice note, struct err *err)
{
	fo->dirty = true;
	return quarantine_set(fo->quarantine, fo->env.store, id, state, note, err);
}

/* --- rule sets --- */

static const struct rule *
rule_by_id(const struct ruleset *rs, const char *id)
{
	for (size_t i = 0; rs != NULL && i < rs->n_rules; i++)
		if (strcmp(rs->rules[i]->id, id) == 0)
			return rs->rules[i];
	return NULL;
}

static int
rejudge_one(void *ctx, struct slice subject, struct err *err)
{
	const struct each *ea = ctx;

	return worker_rejudge(fold_worker(ea->fo, subject), subject, ea->rule, ea->bn, err);
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

/* Judges the past anew for each rule that is new or decides otherwise than the one before. */
static int
rejudge(struct fold *fo, const bool *changed, uint64_t seq, struct instant now, bool replayed, struct err *err)
{
	struct batch_now bn = now_of(fo, seq, now, replayed);
	struct each ea = {.fo = fo, .bn = &bn};

	bn.silent = true;
	for (size_t i = 0; i < fo->rs->n_rules; i++) {
		ea.rule = i;
		if (changed[i] && fold_each_subject(fo, kind_of_rule(fo->plan, i), rejudge_one, &ea, err) != 0)
			return -1;
	}
	return 0;
}

static int
live_with_past(struct fold *fo, struct ruleset *rs, struct slice bytes, uint64_t seq, struct instant now, bool replayed, struct err *err)
{
	bool *changed = calloc(rs->n_rules + 1, sizeof *changed);
	int rc;

	if (changed == NULL) {
		ruleset_free(rs);
		return err_nomem(err);
	}
	for (size_t i = 0; i < rs->n_rules; i++) {
		const struct rule *before = rule_by_id(fo->rs, rs->rules[i]->id);

		changed[i] = before == NULL || strcmp(before->semantic, rs->rules[i]->semantic) != 0;
	}
	rc = go_live(fo, rs, bytes, err);
	if (rc == 0 && fo->loading)
		rc = rejudge(fo, changed, seq, now, replayed, err);
	free(changed);
	return rc;
}

int
fold_take_rules(struct fold *fo, struct slice bytes, struct ruleset *compiled, uint64_t seq, struct instant now, bool replayed, struct err *err)
{
	struct ruleset *rs = compiled != NULL ? compiled : compile(bytes, err);

	if (rs == NULL)
		return -1;
	fo->dirty = true;
	fo->rule_set++;
	rules_key(&fo->key, fo->rule_set);
	if (!buf_ok(&fo->key)) {
		ruleset_free(rs);
		return err_nomem(err);
	}
	if (changes_put(fo->changes, buf_slice(&fo->key), bytes, err) != 0) {
		ruleset_free(rs);
		return -1;
	}
	return live_with_past(fo, rs, bytes, seq, now, replayed, err);
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
	buf_add_u64(b, (uint64_t)fo->tick.sec);
	buf_add_u32(b, fo->tick.nsec);
	buf_add_u8(b, fo->have_newest);
	buf_add_u64(b, (uint64_t)fo->newest.sec);
	buf_add_u32(b, fo->newest.nsec);
	buf_add_u64(b, fo->quarantine_next);
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

		if (fold_position(fo, names_text(fo->names, fo->marks[i].stream), &before, err) != 0)
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
		if (worker_save(fo->workers[p], fo->changes, err) != 0)
			return -1;
	if (registrar_save(fo->registrar, err) != 0 || quarantine_save(fo->quarantine, fo->changes, err) != 0 || put_positions(fo, err) != 0 ||
	    filter_seal(fo->filter, fo->changes, seq, err) != 0 || put_state(fo, sink_mark, err) != 0)
		return -1;
	*ret = fo->changes;
	return 0;
}

void
fold_saved(struct fold *fo)
{
	fo->n_marks = 0;
	fo->dirty_events = 0;
	fo->dirty = false;
	fo->loading = true;
	for (unsigned p = 0; p < fo->env.partitions && fo->rs != NULL; p++)
		worker_evict(fo->workers[p]);
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

int
fold_position(struct fold *fo, struct slice stream, uint64_t *ret, struct err *err)
{
	uint32_t name;
	int rc = 0;

	*ret = 0;
	if (!names_find(fo->names, stream, &name))
		return 0;
	if (fo->loading) {
		buf_clear(&fo->key);
		buf_add_u8(&fo->key, 'O');
		buf_add_u32_be(&fo->key, name);
		rc = store_get(fo->env.store, buf_slice(&fo->key), &fo->value, err);
		if (rc > 0) {
			struct rd r = rd_of(buf_slice(&fo->value));

			*ret = rd_u64(&r);
		}
	}
	for (size_t i = 0; i < fo->n_marks; i++)
		if (fo->marks[i].stream == name && fo->marks[i].number > *ret)
			*ret = fo->marks[i].number;
	return rc < 0 ? -1 : 0;
}

struct node_stats *
fold_stats(struct fold *fo)
{
	return &fo->stats;
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

struct worker *
fold_worker_at(struct fold *fo, unsigned partition)
{
	return fo->workers[partition];
}

unsigned
fold_partitions(const struct fold *fo)
{
	return fo->env.partitions;
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
		store_iter_seek(it, buf_slice(&subject));
	}
	store_iter_close(it);
	buf_free(&lo);
	buf_free(&hi);
	buf_free(&subject);
	return rc;
}
