#include "state/store/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CACHE_BYTES (64 * MIB)
#define MIN_FREE_BYTES (256 * MIB)
#define FILE_BYTES (64 * MIB) /* aim of one sorted file */
#define OPEN_TRIES 20         /* beside a running writer that may sweep files away while we open them */
#define LEVELS 7
#define CHECKSUM_XXH3 4 /* rocksdb::kXXH3; c.h has no name for it */
#define LOG_FATAL 4

static bool
starts_with(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

int
store_rocks_err(struct err *err, const char *dir, const char *what, char *text)
{
	if (strstr(text, "No space left") != NULL || strstr(text, "Disk quota") != NULL)
		(void)err_set(err, ERR_FULL,
		    "store %s: cannot %s, the disk is full (%.300s); free some space and start again, nothing acknowledged is lost", dir, what, text);
	else if (starts_with(text, "Corruption"))
		(void)err_set(err, ERR_CORRUPT, "store %s is damaged (%.600s); restore the newest backup", dir, text);
	else if (strstr(text, "Permission denied") != NULL || strstr(text, "Read-only file system") != NULL)
		(void)err_set(
		    err, ERR_IO, "store %s: cannot %s (%.500s); give this user the right to write there, or use another --store", dir, what, text);
	else
		(void)err_set(err, ERR_IO, "store %s: cannot %s (%.600s)", dir, what, text);
	rocksdb_free(text);
	return -1;
}

/* `pieces`: their indexes and filters lie in blocks of their own, as of files that may be large and many. Those of a checkpoint's
 * file lie in one piece, which stays in the cache as long as the file is unmerged: a walk asks each of these files. */
static rocksdb_block_based_table_options_t *
table_options(const struct store *st, bool pieces)
{
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

	/* Of groups, not of keys: a key that is looked up by itself is a group of its own. */
	rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
	rocksdb_block_based_options_set_whole_key_filtering(table, 0);
	rocksdb_block_based_options_set_block_cache(table, st->cache);
	rocksdb_block_based_options_set_format_version(table, 5);
	rocksdb_block_based_options_set_checksum(table, CHECKSUM_XXH3);
	/* Indexes and filters are bounded by the cache like everything else. */
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
	rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
	rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
	if (!pieces)
		return table;
	/* In one piece those of all files together do not fit the cache: each look-up would read some of them anew. */
	rocksdb_block_based_options_set_index_type(table, rocksdb_block_based_table_index_type_two_level_index_search);
	rocksdb_block_based_options_set_partition_filters(table, 1);
	return table;
}

size_t
store_group_bytes(const char *key, size_t n)
{
	const char *zero = n < 2 ? NULL : memchr(key + 1, '\0', n - 1);

	return zero == NULL ? n : (size_t)(zero - key) + 1;
}

int
store_need_group(struct slice group, size_t behind, struct err *err)
{
	if (group.n < 2 || group.n + behind > LIMIT_KEY_BYTES || group.p[group.n - 1] != '\0' || store_group_bytes(group.p, group.n) != group.n)
		return err_set(err, ERR_LIMIT, "the store has no group of %zu bytes like this", group.n);
	return 0;
}

static char *
group_of(void *none, const char *key, size_t n, size_t *ret_n)
{
	(void)none;
	*ret_n = store_group_bytes(key, n);
	return (char *)(uintptr_t)key;
}

static unsigned char
has_group(void *none, const char *key, size_t n)
{
	(void)none;
	(void)key;
	return n != 0;
}

static unsigned char
is_group(void *none, const char *key, size_t n)
{
	(void)none;
	return n != 0 && store_group_bytes(key, n) == n;
}

static const char *
group_name(void *none)
{
	(void)none;
	return "dideban.group"; /* stands in the files: another name, and their filters are not asked */
}

static void
group_end(void *none)
{
	(void)none;
}

static rocksdb_options_t *
options_new(const struct store *st, bool pieces)
{
	rocksdb_options_t *op = rocksdb_options_create();
	rocksdb_block_based_table_options_t *table = table_options(st, pieces);

	rocksdb_options_set_block_based_table_factory(op, table);
	rocksdb_block_based_options_destroy(table);
	rocksdb_options_set_prefix_extractor(op, rocksdb_slicetransform_create(NULL, group_end, group_of, has_group, is_group, group_name));
	rocksdb_options_set_compression(op, rocksdb_no_compression);
	/* Its text log stays empty: one write of it that fails, as on a full disk, makes the next one abort the process. That takes
	 * the level and no limit of size, under which it writes all options whatever the level. Errors come through the calls. */
	rocksdb_options_set_info_log_level(op, LOG_FATAL);
	rocksdb_options_set_keep_log_file_num(op, 1);
	rocksdb_options_set_stats_dump_period_sec(op, 0);
	rocksdb_options_set_stats_persist_period_sec(op, 0);
	return op;
}

/* The database's options. Its memtable and log stay empty: everything comes in as sorted files. */
static void
options_set(struct store *st)
{
	int levels[LEVELS] = {rocksdb_no_compression, rocksdb_no_compression};
	rocksdb_options_t *op = st->options;

	for (size_t i = 2; i < LEVELS; i++)
		levels[i] = rocksdb_lz4_compression;
	rocksdb_options_set_compression_per_level(op, levels, LEVELS);
	rocksdb_options_set_compaction_style(op, rocksdb_level_compaction);
	rocksdb_options_set_level_compaction_dynamic_level_bytes(op, 1);
	/* Merging costs more CPU than asking the filters of a few files more: 24 checkpoints gather before they are merged. */
	rocksdb_options_set_level0_file_num_compaction_trigger(op, 24);
	rocksdb_options_set_level0_slowdown_writes_trigger(op, 40);
	rocksdb_options_set_level0_stop_writes_trigger(op, 56);
	/* Few look-ups find nothing: memory already knows what was never there. The last level needs no filters. */
	rocksdb_options_set_optimize_filters_for_hits(op, 1);
	rocksdb_options_set_max_bytes_for_level_base(op, 16 * FILE_BYTES);
	rocksdb_options_set_target_file_size_base(op, FILE_BYTES);
	/* No memtable has this size: what it says is which files of level 0 keep their indexes and filters in the cache, those up to half
	 * as large again. */
	rocksdb_options_set_write_buffer_size(op, FILE_BYTES);
	rocksdb_options_set_max_open_files(op, -1);
	rocksdb_options_set_max_background_jobs(op, 2);
	rocksdb_options_set_bytes_per_sync(op, MIB);
	rocksdb_options_set_paranoid_checks(op, 1);
	rocksdb_options_set_skip_stats_update_on_db_open(op, 1);
	/* Old versions of a key are few, and store_verify must meet each of them instead of seeking past. */
	rocksdb_options_set_max_sequential_skip_in_iterations(op, UINT32_MAX);
}

/* RocksDB syncs its list of files last of all when it takes a checkpoint in. If that fails, it says so and removes the files
 * again, though the list may name them by now, and never opens again. Then, and only then, what it opens as is the newest state
 * of which all files are there: an earlier checkpoint, from which the journal goes on. */
static int
step_back(struct store *st, const char *path, char *text, struct err *err)
{
	rocksdb_options_t *earlier;
	bool begun = false;

	if (strstr(text, "No such file") == NULL || store_place_leftovers(st->dir, false, &begun, err) != 0 || !begun)
		return store_rocks_err(err, st->dir, "open it", text);
	rocksdb_free(text);
	text = NULL;
	earlier = rocksdb_options_create();
	rocksdb_get_options_from_string(st->options, "best_efforts_recovery=true", earlier, &text);
	if (text == NULL && st->opt.read_only)
		st->db = rocksdb_open_for_read_only(earlier, path, 0, &text);
	else if (text == NULL)
		st->db = rocksdb_open(earlier, path, &text);
	rocksdb_options_destroy(earlier);
	return text != NULL ? store_rocks_err(err, st->dir, "open it", text) : 0;
}

/* Opens the database; read-only beside a writer, files may vanish between its list and their opening. */
static int
database_open(struct store *st, bool fresh, struct err *err)
{
	char path[PATH_MAX], *text = NULL;

	if (file_path(path, st->dir, "db", err) != 0)
		return -1;
	if (!st->opt.read_only) {
		rocksdb_options_set_create_if_missing(st->options, fresh);
		st->db = rocksdb_open(st->options, path, &text);
		return text != NULL ? step_back(st, path, text, err) : 0;
	}
	for (unsigned i = 0;; i++) {
		struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

		st->db = rocksdb_open_for_read_only(st->options, path, 0, &text);
		if (text == NULL)
			return 0;
		if (i >= OPEN_TRIES || strstr(text, "No such file") == NULL)
			return step_back(st, path, text, err);
		rocksdb_free(text);
		text = NULL;
		(void)nanosleep(&pause, NULL);
	}
}

static int
checkpoint_read(struct store *st, struct err *err)
{
	struct buf value = {0};
	int found = store_get(st, slice_of(CHECKPOINT_KEY, CHECKPOINT_KEY_BYTES), &value, err);
	struct rd r = rd_of(buf_slice(&value));

	if (found == 1) {
		st->seq = rd_u64(&r);
		if (r.bad)
			found = err_set(err, ERR_CORRUPT, "store %s is damaged (its checkpoint's position); restore the newest backup", st->dir);
	}
	buf_free(&value);
	return found < 0 ? -1 : 0;
}

/* What a killed process left of a checkpoint is no part of the database. The database syncs what is in its directory; that
 * directory's own name is ours to make durable. */
static int
place_settle(const struct store *st, struct err *err)
{
	bool any;

	if (st->opt.read_only)
		return 0;
	if (store_place_leftovers(st->dir, true, &any, err) != 0)
		return -1;
	return st->opt.temporary ? 0 : file_sync_dir(st->dir, err);
}

int
store_open(struct store **ret, const char *dir, const struct store_options *opt, struct err *err)
{
	struct store *st = calloc(1, sizeof *st);
	bool fresh;

	if (st == NULL)
		return err_nomem(err);
	st->lock = -1;
	if (opt != NULL)
		st->opt = *opt;
	if (st->opt.min_free_bytes == 0 && !st->opt.temporary)
		st->opt.min_free_bytes = MIN_FREE_BYTES;
	if (st->opt.cache_bytes == 0)
		st->opt.cache_bytes = CACHE_BYTES;
	st->dir = strdup(dir);
	if (st->dir == NULL) {
		store_close(st);
		return err_nomem(err);
	}
	if (store_place_open(st, &fresh, err) != 0) {
		store_close(st);
		return -1;
	}
	st->cache = rocksdb_cache_create_lru(st->opt.cache_bytes);
	st->options = options_new(st, true);
	st->file_options = options_new(st, false);
	st->read = rocksdb_readoptions_create();
	st->counters = rocksdb_perfcontext_create();
	options_set(st);
	if (database_open(st, fresh, err) != 0 || checkpoint_read(st, err) != 0 || place_settle(st, err) != 0) {
		store_close(st);
		return -1;
	}
	store_forget_reads(st, &(struct store_reads){0});
	*ret = st;
	return 0;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	store_rest(st);
	if (st->db != NULL) {
		rocksdb_cancel_all_background_work(st->db, 1);
		rocksdb_close(st->db);
	}
	if (st->read != NULL)
		rocksdb_readoptions_destroy(st->read);
	if (st->options != NULL)
		rocksdb_options_destroy(st->options);
	if (st->file_options != NULL)
		rocksdb_options_destroy(st->file_options);
	if (st->cache != NULL)
		rocksdb_cache_destroy(st->cache);
	if (st->counters != NULL)
		rocksdb_perfcontext_destroy(st->counters);
	arena_free(&st->overlay.bytes);
	free(st->overlay.list);
	free(st->overlay.spare);
	if (st->lock >= 0)
		(void)close(st->lock);
	free(st->dir);
	free(st);
}

uint64_t
store_checkpoint_seq(const struct store *st)
{
	return st->seq;
}

size_t
store_cache_bytes(const struct store *st)
{
	return rocksdb_cache_get_usage(st->cache);
}

void
store_reads(const struct store *st, struct store_reads *ret)
{
	*ret = st->reads;
	ret->blocks = rocksdb_perfcontext_metric(st->counters, rocksdb_block_read_count) - st->reads.blocks;
	ret->bytes = rocksdb_perfcontext_metric(st->counters, rocksdb_block_read_byte) - st->reads.bytes;
}

void
store_count_reads(bool on)
{
	rocksdb_set_perf_level(on ? rocksdb_enable_count : rocksdb_disable);
}

void
store_forget_reads(struct store *st, const struct store_reads *since)
{
	struct store_reads now;

	store_reads(st, &now);
	st->reads.gets = since->gets;
	st->reads.walks = since->walks;
	st->reads.blocks += now.blocks - since->blocks;
	st->reads.bytes += now.bytes - since->bytes;
}

bool
store_has_room(const struct store *st)
{
	struct err ignored; /* that it cannot be asked is told when it is written */

	return st->opt.read_only || store_need_space(st->dir, 2 * st->opt.min_free_bytes, &ignored) == 0;
}

int
store_space(struct store *st, struct err *err)
{
	return st->opt.read_only ? 0 : store_need_space(st->dir, st->opt.min_free_bytes, err);
}

int
store_get(struct store *st, struct slice key, struct buf *ret, struct err *err)
{
	char *text = NULL;
	rocksdb_pinnableslice_t *pinned;
	size_t n, at = overlay_seek(st, key);
	const char *value;

	if (at < st->overlay.n && slice_eq(change_key(&st->overlay.list[at]), key)) {
		if (st->overlay.list[at].how == CHANGE_DELETE)
			return 0;
		buf_clear(ret);
		buf_add_slice(ret, change_value(&st->overlay.list[at]));
		return buf_ok(ret) ? 1 : err_nomem(err);
	}
	st->reads.gets++;
	pinned = rocksdb_get_pinned(st->db, st->read, key.p, key.n, &text);
	if (text != NULL)
		return store_rocks_err(err, st->dir, "read it", text);
	if (pinned == NULL)
		return 0;
	value = rocksdb_pinnableslice_value(pinned, &n);
	buf_clear(ret);
	buf_add(ret, value, n);
	rocksdb_pinnableslice_destroy(pinned);
	return buf_ok(ret) ? 1 : err_nomem(err);
}

struct store_iter {
	struct store *st;
	rocksdb_readoptions_t *read;
	rocksdb_iterator_t *iter;
	char *hi;                  /* RocksDB borrows it, of a range */
	size_t hi_n, over;         /* over: the next key of the overlay */
	bool used_file, used_over; /* what the last call handed out; the next one steps over it */
	bool group;                /* ends by itself where the group does: serves for another one */
};

static void
iter_free(struct store_iter *it)
{
	if (it == NULL)
		return;
	rocksdb_iter_destroy(it->iter);
	rocksdb_readoptions_destroy(it->read);
	free(it->hi);
	free(it);
}

void
store_rest(struct store *st)
{
	iter_free(st->idle);
	st->idle = NULL;
}

static struct store_iter *
iter_new(struct store *st, struct slice hi, bool group)
{
	struct store_iter *it = calloc(1, sizeof *it);

	if (it == NULL || (it->hi = malloc(group ? LIMIT_KEY_BYTES : hi.n + 1)) == NULL) {
		free(it);
		return NULL;
	}
	it->st = st;
	it->group = group;
	it->read = rocksdb_readoptions_create();
	rocksdb_readoptions_set_total_order_seek(it->read, !group);
	rocksdb_readoptions_set_prefix_same_as_start(it->read, group);
	if (!group && hi.n != 0)
		rocksdb_readoptions_set_iterate_upper_bound(it->read, it->hi, hi.n);
	return it;
}

static int
iter_open(struct store_iter **ret, struct store *st, struct slice lo, struct slice hi, bool group, struct err *err)
{
	struct store_iter *it = group && st->idle != NULL ? st->idle : iter_new(st, hi, group);

	if (it == NULL)
		return err_nomem(err);
	if (it == st->idle)
		st->idle = NULL;
	it->hi_n = hi.n;
	if (hi.n != 0)
		memcpy(it->hi, hi.p, hi.n);
	if (it->iter == NULL)
		it->iter = rocksdb_create_iterator(st->db, it->read);
	/* The store's own keys, which begin with a zero byte, are not shown. */
	if (slice_cmp(lo, slice_of("\1", 1)) < 0)
		lo = slice_of("\1", 1);
	store_iter_seek(it, lo);
	*ret = it;
	return 0;
}

int
store_iter_open(struct store_iter **ret, struct store *st, struct slice lo, struct slice hi, struct err *err)
{
	return iter_open(ret, st, lo, hi, false, err);
}

int
store_iter_open_group(struct store_iter **ret, struct store *st, struct slice group, struct err *err)
{
	char hi[LIMIT_KEY_BYTES];

	if (store_need_group(group, 0, err) != 0)
		return -1;
	memcpy(hi, group.p, group.n);
	hi[group.n - 1] = 1; /* in place of its zero */
	return iter_open(ret, st, group, slice_of(hi, group.n), true, err);
}

void
store_iter_seek(struct store_iter *it, struct slice key)
{
	it->st->reads.walks++;
	rocksdb_iter_seek(it->iter, key.p, key.n);
	it->over = overlay_seek(it->st, key);
	it->used_file = it->used_over = false;
}

int
store_iter_next(struct store_iter *it, struct slice *key, struct slice *value, struct err *err)
{
	const struct changes *over = &it->st->overlay;
	char *text = NULL;

	for (;;) {
		const struct change *c;
		bool valid;
		int order;

		if (it->used_file && rocksdb_iter_valid(it->iter))
			rocksdb_iter_next(it->iter);
		it->over += it->used_over;
		valid = rocksdb_iter_valid(it->iter) != 0;
		if (!valid) {
			rocksdb_iter_get_error(it->iter, &text);
			if (text != NULL)
				return store_rocks_err(err, it->st->dir, "read it", text);
		}
		c = it->over < over->n ? &over->list[it->over] : NULL;
		if (c != NULL && it->hi_n != 0 && slice_cmp(change_key(c), slice_of(it->hi, it->hi_n)) >= 0)
			c = NULL;
		if (!valid && c == NULL)
			return 0;
		if (valid) {
			key->p = rocksdb_iter_key(it->iter, &key->n);
			value->p = rocksdb_iter_value(it->iter, &value->n);
		}
		order = c == NULL ? -1 : !valid ? 1 : slice_cmp(*key, change_key(c));
		it->used_file = order <= 0;
		it->used_over = order >= 0;
		if (order < 0)
			return 1;
		if (c->how == CHANGE_DELETE)
			continue;
		*key = change_key(c);
		*value = change_value(c);
		return 1;
	}
}

void
store_iter_close(struct store_iter *it)
{
	char *text = NULL;

	if (it == NULL)
		return;
	rocksdb_iter_get_error(it->iter, &text);
	if (it->group && it->st->idle == NULL && text == NULL)
		it->st->idle = it;
	else
		iter_free(it);
	rocksdb_free(text);
}
