/* The node: opening and recovery, committing, checkpoints. See engine/engine.h. */
#include "engine/flow/node_private.h"

#include "engine/calendar/instant_bytes.h"
#include "state/base/failpoint.h"
#include "state/base/file.h"
#include "state/base/stages.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define CACHE_BYTES (512 * MIB)
#define CHECKPOINT_EVENTS 100000
/* Of changes that wait for a checkpoint, at most; and no more than half of what the timelines may have. */
#define CHECKPOINT_BYTES (64 * MIB)
#define LEAST_CHECKPOINT_BYTES (16 * MIB)
#define LEAST_BATCH_EVENTS 64

struct instant
node_clock(const struct node *no)
{
	struct timespec ts;

	if (no->opt.clock != NULL)
		return no->opt.clock(no->opt.ctx);
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (struct instant){ts.tv_sec, (uint32_t)ts.tv_nsec};
}

int
node_writable(const struct node *no, struct err *err)
{
	if (no->opt.read_only)
		return err_set(err, ERR_USAGE, "%s is open for looking only", no->dir);
	if (no->failed)
		return err_set(err, ERR_IO, "%s: a write failed before; stop and start again, what was acknowledged is safe", no->dir);
	return 0;
}

/* After a failure of the journal, the store or the fold only a new start can go on. */
static int
fail(struct node *no)
{
	no->failed = true;
	return -1;
}

/* --- records --- */

static int
append(struct node *no, enum record_kind kind, const struct slice *parts, size_t n, uint64_t *ret_seq, uint64_t *ret_at, struct err *err)
{
	enum stage stage = stage_enter(STAGE_JOURNAL);
	int rc = store_space(no->store, err);

	if (rc == 0)
		rc = journal_append(no->journal, (uint8_t)kind, parts, n, ret_seq, ret_at, err);
	failpoint("after_journal_append");
	if (rc == 0)
		rc = journal_sync(no->journal, err);
	failpoint("after_journal_sync");
	stage_leave(stage);
	return rc == 0 ? 0 : fail(no);
}

/* The messages of a record were handed over: a sink may write them out. */
static int
publish(struct node *no, uint64_t seq, struct err *err)
{
	enum stage stage = stage_enter(STAGE_PUBLISH);
	int rc = 0;

	failpoint("before_publish");
	if (no->opt.on_batch != NULL)
		rc = no->opt.on_batch(no->opt.ctx, seq, err);
	failpoint("after_publish");
	stage_leave(stage);
	return rc == 0 ? 0 : fail(no);
}

static size_t
cache_bytes(const struct node *no)
{
	return no->opt.cache_bytes == 0 ? CACHE_BYTES : no->opt.cache_bytes;
}

/* All subjects of a batch are in memory while it is folded. Where their histories are long those are more than the timelines may have:
 * then smaller batches follow. What was loaded beyond the bound has to go again at once. */
static void
fit_batches(struct node *no)
{
	size_t most = fold_cache_left(no->fold), bytes = fold_timeline_bytes(no->fold), over = bytes < most ? 0 : bytes - most;

	if (over > most / 2 && no->batch_most > LEAST_BATCH_EVENTS)
		no->batch_most /= 2;
	else if (over < most / 8 && no->batch_most < LIMIT_BATCH_EVENTS)
		no->batch_most *= 2;
}

size_t
node_change_bytes(const struct node *no)
{
	size_t bytes = cache_bytes(no) / 2;

	if (no->opt.change_bytes != 0)
		return no->opt.change_bytes;
	if (bytes > CHECKPOINT_BYTES)
		return CHECKPOINT_BYTES;
	return bytes < LEAST_CHECKPOINT_BYTES ? LEAST_CHECKPOINT_BYTES : bytes;
}

static bool
checkpoint_due(struct node *no)
{
	uint64_t events = no->opt.checkpoint_events == 0 ? CHECKPOINT_EVENTS : no->opt.checkpoint_events;

	return fold_dirty_events(no->fold) >= events || fold_dirty_bytes(no->fold) >= node_change_bytes(no) || fold_relieve(no->fold);
}

int
node_commit(struct node *no, struct err *err)
{
	struct batch *ba = &no->batch;
	struct slice parts[2];
	uint64_t seq, at;

	if (ba->n == 0)
		return no->failed ? node_writable(no, err) : 0;
	if (node_writable(no, err) != 0)
		return -1;
	ba->flags = no->opt.ticks ? BATCH_TICK : 0;
	batch_head(ba, &no->head);
	if (!buf_ok(&no->head) || !buf_ok(&ba->bytes))
		return err_nomem(err);
	parts[0] = buf_slice(&no->head);
	parts[1] = buf_slice(&ba->bytes);
	if (append(no, RECORD_BATCH, parts, 2, &seq, &at, err) != 0)
		return -1;
	for (size_t i = 0; i < ba->n; i++)
		ba->items[i].raw.p = ba->bytes.p + ba->items[i].at;
	failpoint("before_fold");
	if (fold_take_batch(no->fold, ba, seq, at + no->head.n, false, err) != 0)
		return fail(no);
	failpoint("after_fold");
	batch_clear(ba);
	fit_batches(no);
	store_rest(no->store);
	if (publish(no, seq, err) != 0)
		return -1;
	return checkpoint_due(no) ? node_checkpoint(no, err) : 0;
}

int
node_tick(struct node *no, struct instant now, struct err *err)
{
	struct buf b = {0};
	struct slice part;
	uint64_t seq, at;
	int rc;

	if (node_commit(no, err) != 0 || node_writable(no, err) != 0)
		return -1;
	buf_add_instant(&b, now);
	part = buf_slice(&b);
	rc = buf_ok(&b) ? append(no, RECORD_TICK, &part, 1, &seq, &at, err) : err_nomem(err);
	if (rc == 0 && fold_take_tick(no->fold, now, seq, false, err) != 0)
		rc = fail(no);
	buf_free(&b);
	store_rest(no->store);
	if (rc != 0 || publish(no, seq, err) != 0)
		return -1;
	return checkpoint_due(no) ? node_checkpoint(no, err) : 0;
}

int
node_quarantine_mark(struct node *no, const char *id, enum quarantine_state state, const char *note, struct err *err)
{
	uint8_t bytes[QUARANTINE_ID_BYTES];
	struct instant now;
	struct buf b = {0};
	struct slice part;
	uint64_t seq, at;
	int rc;

	if (node_commit(no, err) != 0 || node_writable(no, err) != 0)
		return -1;
	rc = quarantine_id_parse(id, bytes) == 0 ? quarantine_has(fold_quarantine(no->fold), no->store, bytes, err) : 0;
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_USAGE, "there is no quarantined event %s", id);
	now = node_clock(no);
	buf_add_blob(&b, slice_of((const char *)bytes, sizeof bytes));
	buf_add_u8(&b, (uint8_t)state);
	buf_add_blob(&b, slice_str(note == NULL ? "" : note));
	buf_add_instant(&b, now);
	part = buf_slice(&b);
	rc = buf_ok(&b) ? append(no, RECORD_MARK, &part, 1, &seq, &at, err) : err_nomem(err);
	if (rc == 0 && fold_take_mark(no->fold, bytes, state, slice_str(note == NULL ? "" : note), err) != 0)
		rc = fail(no);
	buf_free(&b);
	return rc;
}

/* --- checkpoints --- */

static int
write_checkpoint(struct node *no, uint64_t seq, struct err *err)
{
	struct changes *ch;

	buf_clear(&no->sink_mark);
	if (!no->opt.read_only && no->opt.on_checkpoint != NULL && no->opt.on_checkpoint(no->opt.ctx, &no->sink_mark, err) != 0)
		return -1;
	failpoint("before_checkpoint");
	if (fold_save(no->fold, seq, buf_slice(&no->sink_mark), &ch, err) != 0 || store_checkpoint(no->store, ch, seq, err) != 0)
		return -1;
	failpoint("after_ingest");
	fold_saved(no->fold);
	no->checkpoints++;
	if (!no->opt.read_only && journal_head(no->journal, seq, err) != 0)
		return -1;
	failpoint("after_head");
	return 0;
}

/* Everything dirty as of record `seq`, the last one that was folded. */
static int
save(struct node *no, uint64_t seq, struct err *err)
{
	enum stage stage = stage_enter(STAGE_CHECKPOINT);
	int rc = write_checkpoint(no, seq, err);

	stage_leave(stage);
	return rc == 0 ? 0 : fail(no);
}

int
node_checkpoint(struct node *no, struct err *err)
{
	if (node_commit(no, err) != 0)
		return -1;
	return fold_clean(no->fold) ? 0 : save(no, journal_last(no->journal), err);
}

int
node_checkpoint_sink(struct node *no, struct err *err)
{
	return node_commit(no, err) != 0 ? -1 : save(no, journal_last(no->journal), err);
}

int
node_settle(struct node *no, struct err *err)
{
	return no->failed ? node_writable(no, err) : node_checkpoint(no, err);
}

/* --- rule sets --- */

static int
switch_rules(struct node *no, struct slice bytes, struct ruleset *rs, struct err *err)
{
	struct instant now = node_clock(no);
	struct slice parts[2];
	uint64_t seq, at;

	/* What went before must be in the store: the past is judged anew from there. */
	if (node_checkpoint(no, err) != 0 || fold_check_rules(no->fold, rs, err) != 0) {
		ruleset_free(rs);
		return -1;
	}
	buf_clear(&no->head);
	buf_add_instant(&no->head, now);
	parts[0] = buf_slice(&no->head);
	parts[1] = bytes;
	if ((!buf_ok(&no->head) && err_nomem(err)) || append(no, RECORD_RULES, parts, 2, &seq, &at, err) != 0) {
		ruleset_free(rs);
		return -1;
	}
	if (fold_take_rules(no->fold, bytes, rs, seq, now, false, err) != 0)
		return fail(no);
	return publish(no, seq, err) != 0 ? -1 : node_checkpoint(no, err);
}

int
node_rules(struct node *no, struct ruleset_source *src, struct findings *fi, bool *ret_changed, struct err *err)
{
	struct buf bytes = {0};
	struct ruleset *rs;
	bool changed = false;
	int rc;

	rc = node_writable(no, err);
	if (rc == 0)
		rc = ruleset_encode(src, &bytes, err);
	if (rc == 0 && bytes.n > LIMIT_RECORD_BYTES)
		rc = err_set(err, ERR_LIMIT, "the rule set has %zu bytes, at most %zu fit: share parameters instead of copying rules", bytes.n,
		    LIMIT_RECORD_BYTES);
	if (rc == 0 && !slice_eq(buf_slice(&bytes), fold_rules_bytes(no->fold))) {
		changed = true;
		rs = ruleset_compile(src, fi, err);
		rc = rs == NULL ? -1 : switch_rules(no, buf_slice(&bytes), rs, err);
	}
	ruleset_source_free(src);
	buf_free(&bytes);
	if (ret_changed != NULL)
		*ret_changed = changed;
	return rc;
}

const struct ruleset *
node_ruleset(const struct node *no)
{
	return fold_ruleset(no->fold);
}

/* --- opening --- */

static int
malformed(uint64_t seq, struct err *err)
{
	return err_set(err, ERR_CORRUPT, "record %llu of the journal is malformed: restore a backup (dideban restore)", (unsigned long long)seq);
}

static int
replay_mark(struct node *no, struct slice payload, uint64_t seq, struct err *err)
{
	struct rd r = rd_of(payload);
	struct slice id = rd_blob(&r);
	uint8_t state = rd_u8(&r);
	struct slice note = rd_blob(&r);

	if (r.bad || id.n != QUARANTINE_ID_BYTES || state > QUARANTINE_DISCARDED)
		return malformed(seq, err);
	return fold_take_mark(no->fold, (const uint8_t *)id.p, (enum quarantine_state)state, note, err);
}

static int
replay_batch(struct node *no, struct slice payload, uint64_t seq, uint64_t at, struct err *err)
{
	size_t items;

	if (fold_parser(no->fold) == NULL)
		return malformed(seq, err);
	if (batch_decode(&no->batch, payload, fold_parser(no->fold), &items, err) != 0)
		return -1;
	if (fold_take_batch(no->fold, &no->batch, seq, at + items, true, err) != 0)
		return -1;
	batch_clear(&no->batch);
	if (no->opt.on_batch != NULL && no->opt.on_batch(no->opt.ctx, seq, err) != 0)
		return -1;
	/* The journal behind a copy of the store can be long. Looked at only, it is held in memory anyway. */
	return checkpoint_due(no) && !no->opt.read_only ? save(no, seq, err) : 0;
}

static int
replay_one(struct node *no, uint64_t seq, uint8_t kind, struct slice payload, uint64_t at, struct err *err)
{
	struct rd r = rd_of(payload);
	struct instant t;

	switch (kind) {
	case RECORD_BATCH:
		return replay_batch(no, payload, seq, at, err);
	case RECORD_RULES:
		t = rd_instant(&r);
		if (r.bad)
			return malformed(seq, err);
		/* Its writer had a checkpoint before it, but the database may be an older copy, or have been opened just before. */
		if (fold_dirty_events(no->fold) > 0 && save(no, seq - 1, err) != 0)
			return -1;
		if (fold_take_rules(no->fold, slice_of(r.p, rd_left(&r)), NULL, seq, t, true, err) != 0 ||
		    (no->opt.on_batch != NULL && no->opt.on_batch(no->opt.ctx, seq, err) != 0))
			return -1;
		return save(no, seq, err);
	case RECORD_TICK:
		t = rd_instant(&r);
		if (r.bad)
			return malformed(seq, err);
		if (fold_take_tick(no->fold, t, seq, true, err) != 0)
			return -1;
		return no->opt.on_batch == NULL ? 0 : no->opt.on_batch(no->opt.ctx, seq, err);
	case RECORD_MARK:
		return replay_mark(no, payload, seq, err);
	case RECORD_SEED:
		return fold_take_seed(no->fold, rd_u64(&r), err);
	default:
		return err_set(err, ERR_NEWER, "record %llu of the journal is of a kind that this program does not know: use the newer one",
		    (unsigned long long)seq);
	}
}

static int
recover(struct node *no, struct err *err)
{
	struct journal_reader *rd;
	struct slice payload;
	uint64_t seq, at;
	uint8_t kind;
	int rc;

	if (journal_reader_open(&rd, no->journal, store_checkpoint_seq(no->store) + 1, err) != 0)
		return -1;
	while ((rc = journal_reader_next(rd, &seq, &kind, &payload, &at, err)) > 0)
		if (replay_one(no, seq, kind, payload, at, err) != 0) {
			rc = -1;
			break;
		}
	journal_reader_close(rd);
	if (rc == 0 && store_checkpoint_seq(no->store) > journal_last(no->journal))
		rc = err_set(err, ERR_CORRUPT, "%s: its journal ends before its newest checkpoint: restore a backup (dideban restore)", no->dir);
	return rc;
}

/* A new store's seed: it makes content hashes unforgeable, and never changes. */
static int
seed(struct node *no, struct err *err)
{
	struct buf b = {0};
	struct slice part;
	uint64_t value = 0, seq, at;
	int rc;

	while (value == 0)
		if (getrandom(&value, sizeof value, 0) != sizeof value)
			return err_set(err, ERR_IO, "the system has no random numbers to give");
	buf_add_u64(&b, value);
	part = buf_slice(&b);
	rc = buf_ok(&b) ? append(no, RECORD_SEED, &part, 1, &seq, &at, err) : err_nomem(err);
	buf_free(&b);
	return rc;
}

/* The seed before recovery has folded it: it is the journal's first record, and of each checkpoint. */
static int
find_seed(struct node *no, uint64_t *ret, struct err *err)
{
	struct journal_reader *rd;
	struct slice payload;
	struct rd r;
	uint64_t seq, at;
	uint8_t kind;
	int rc;

	*ret = fold_seed(no->fold);
	if (*ret != 0)
		return 0;
	if (journal_reader_open(&rd, no->journal, 1, err) != 0)
		return -1;
	rc = journal_reader_next(rd, &seq, &kind, &payload, &at, err);
	if (rc > 0 && kind == RECORD_SEED) {
		r = rd_of(payload);
		*ret = rd_u64(&r);
	}
	journal_reader_close(rd);
	return rc < 0 ? -1 : 0;
}

/* Tells the driver whose messages recovery is about to make again. The seed is a secret, its hash is not. */
static int
introduce(struct node *no, int (*on_origin)(void *ctx, const struct node_origin * or, struct err *err), struct err *err)
{
	struct node_origin or = {.sink_mark = fold_sink_mark(no->fold), .last = journal_last(no->journal)};
	uint8_t text[24] = "dideban store ", sum[SHA256_DIGEST_LENGTH];
	uint64_t value;

	if (find_seed(no, &value, err) != 0)
		return -1;
	memcpy(text + 14, &value, sizeof value);
	if (SHA256(text, 14 + sizeof value, sum) == NULL)
		return err_nomem(err);
	for (unsigned i = 0; i < 8; i++)
		(void)snprintf(or.store + 2 * (size_t)i, 3, "%02x", sum[i]);
	return on_origin(no->opt.ctx, & or, err);
}

static int
read_at(void *journal, uint64_t at, void *ret, size_t n, struct err *err)
{
	return journal_read_at(journal, at, ret, n, err);
}

static int
open_parts(struct node *no, struct err *err)
{
	struct store_options so = {.read_only = no->opt.read_only, .temporary = no->temporary};
	struct journal_options jo = {.read_only = no->opt.read_only, .no_sync = no->temporary, .segment_bytes = no->temporary ? 4 * MIB : 0};
	struct fold_env env = {
	    .partitions = no->opt.partitions == 0 ? 1 : no->opt.partitions,
	    .cache_bytes = cache_bytes(no),
	    .change_bytes = node_change_bytes(no),
	    .instance = no->opt.instance == NULL ? "local" : no->opt.instance,
	    .on_message = no->opt.on_message,
	    .ctx = no->opt.ctx,
	    .read = read_at,
	};
	char path[PATH_MAX];

	if (env.partitions > LIMIT_PARTITIONS)
		return err_set(err, ERR_USAGE, "at most %d partitions", LIMIT_PARTITIONS);
	if (store_open(&no->store, no->dir, &so, err) != 0 || file_path(path, no->dir, "journal", err) != 0 ||
	    journal_open(&no->journal, path, &jo, err) != 0)
		return -1;
	env.store = no->store;
	env.journal = no->journal;
	return fold_new(&no->fold, &env, err);
}

int
node_open_with_origin(
    struct node **ret, const struct node_options *opt, int (*on_origin)(void *ctx, const struct node_origin * or, struct err *err), struct err *err)
{
	struct node *no = calloc(1, sizeof *no);
	char path[PATH_MAX];

	*ret = NULL;
	if (no == NULL)
		return err_nomem(err);
	no->opt = *opt;
	no->batch_most = LIMIT_BATCH_EVENTS;
	no->batch.arena.keep = LIMIT_BATCH_BYTES;
	if (opt->dir == NULL) {
		if (file_temporary_dir(path, err) != 0) {
			free(no);
			return -1;
		}
		no->temporary = true;
	}
	no->dir = strdup(opt->dir == NULL ? path : opt->dir);
	if (no->dir == NULL) {
		(void)err_nomem(err);
		goto fail;
	}
	if (open_parts(no, err) != 0)
		goto fail;
	if (journal_last(no->journal) == 0 && !opt->read_only && seed(no, err) != 0)
		goto fail;
	if (on_origin != NULL && introduce(no, on_origin, err) != 0)
		goto fail;
	if (recover(no, err) != 0)
		goto fail;
	store_rest(no->store);
	fold_forget_stats(no->fold);
	no->checkpoints = 0;
	*ret = no;
	return 0;
fail:
	node_abandon(no);
	return -1;
}

int
node_open(struct node **ret, const struct node_options *opt, struct err *err)
{
	return node_open_with_origin(ret, opt, NULL, err);
}

static int
release(struct node *no, struct err *err)
{
	int rc;

	fold_free(no->fold);
	rc = journal_close(no->journal, err);
	store_close(no->store);
	if (no->temporary && no->dir != NULL && file_remove_tree(no->dir, err) != 0)
		rc = -1;
	batch_free(&no->batch);
	buf_free(&no->head);
	buf_free(&no->sink_mark);
	free(no->dir);
	free(no);
	return rc;
}

int
node_close(struct node *no, struct err *err)
{
	struct err second;
	int rc = 0;

	if (no == NULL)
		return 0;
	if (!no->failed && !no->opt.read_only)
		rc = no->temporary ? node_commit(no, err) : node_checkpoint(no, err);
	return release(no, rc == 0 ? err : &second) != 0 || rc != 0 ? -1 : 0;
}

void
node_abandon(struct node *no)
{
	struct err ignored; /* what is durable is durable already */

	if (no != NULL)
		(void)release(no, &ignored);
}
