/* A checkpoint: the change set as sorted files, taken in with its journal position by one atomic step. */
#include "state/store/private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES (64 * MIB) /* a sorted file is closed once it is over */
#define FILES 256             /* of one checkpoint; the last one takes the rest */
#define SPILLED (FILES - 64)  /* of them, before it begins: what comes then stays in memory */

struct writing {
	struct store *st;
	rocksdb_envoptions_t *env;
	rocksdb_sstfilewriter_t *writer;
	bool spills; /* no checkpoint has begun */
	bool open;   /* the last of the store's files */
};

static int
file_name(const struct store *st, size_t i, char path[PATH_MAX], struct err *err)
{
	char name[64];

	(void)snprintf(name, sizeof name, "%s%zu.sst", i < st->spilled ? SPILL_FILE : CHECKPOINT_FILE, i);
	return file_path(path, st->dir, name, err);
}

static int
file_begin(struct writing *wr, struct err *err)
{
	char path[PATH_MAX], *text = NULL;

	wr->st->spilled += wr->spills;
	if (file_name(wr->st, wr->st->files, path, err) != 0)
		return -1;
	/* RocksDB takes a file in by a second name and then removes this one, but passes over an error of that: to write to it
	 * again would write to what it took in. */
	if (unlink(path) != 0 && errno != ENOENT)
		return file_err(err, "remove", path);
	wr->st->files++;
	rocksdb_sstfilewriter_open(wr->writer, path, &text);
	if (text != NULL)
		return store_rocks_err(err, wr->st->dir, "write a checkpoint", text);
	wr->open = true;
	return 0;
}

static int
file_end(struct writing *wr, struct err *err)
{
	char *text = NULL;

	wr->open = false;
	rocksdb_sstfilewriter_finish(wr->writer, &text); /* syncs it too */
	return text != NULL ? store_rocks_err(err, wr->st->dir, "write a checkpoint", text) : 0;
}

static int
file_add(void *ctx, struct slice key, struct slice value, bool deleted, struct err *err)
{
	struct writing *wr = ctx;
	uint64_t bytes = 0;
	char *text = NULL;

	if (wr->open && wr->st->files < (wr->spills ? FILES - 1 : FILES)) {
		rocksdb_sstfilewriter_file_size(wr->writer, &bytes);
		if (bytes > FILE_BYTES && file_end(wr, err) != 0)
			return -1;
	}
	if (!wr->open && file_begin(wr, err) != 0)
		return -1;
	if (deleted)
		rocksdb_sstfilewriter_delete(wr->writer, key.p, key.n, &text);
	else
		rocksdb_sstfilewriter_put(wr->writer, key.p, key.n, value.p, value.n, &text);
	return text != NULL ? store_rocks_err(err, wr->st->dir, "write a checkpoint", text) : 0;
}

/* The set, sorted, as files behind those that were spilled; with the checkpoint's own key if `seq` is not NULL. */
static int
files_write(struct store *st, const struct changes *ch, const uint64_t *seq, struct err *err)
{
	struct writing wr = {.st = st, .spills = seq == NULL};
	struct buf own = {0};
	int rc = 0;

	wr.env = rocksdb_envoptions_create();
	wr.writer = rocksdb_sstfilewriter_create(wr.env, st->file_options);
	if (seq != NULL) {
		buf_add_u64(&own, *seq);
		rc = !buf_ok(&own) ? err_nomem(err) : file_add(&wr, slice_of(CHECKPOINT_KEY, CHECKPOINT_KEY_BYTES), buf_slice(&own), false, err);
	}
	if (rc == 0)
		rc = changes_each(ch, seq == NULL ? 0 : *seq, file_add, &wr, err);
	if (rc == 0 && wr.open)
		rc = file_end(&wr, err);
	buf_free(&own);
	rocksdb_sstfilewriter_destroy(wr.writer);
	rocksdb_envoptions_destroy(wr.env);
	return rc;
}

static int
files_ingest(struct store *st, struct err *err)
{
	rocksdb_ingestexternalfileoptions_t *how;
	char path[PATH_MAX], *names[FILES] = {NULL}, *text = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < st->files; i++) {
		rc = file_name(st, i, path, err);
		names[i] = rc == 0 ? strdup(path) : NULL;
		if (rc == 0 && names[i] == NULL)
			rc = err_nomem(err);
	}
	if (rc == 0) {
		how = rocksdb_ingestexternalfileoptions_create();
		rocksdb_ingestexternalfileoptions_set_move_files(how, 1);
		rocksdb_ingestexternalfileoptions_set_allow_global_seqno(how, 1);
		rocksdb_ingestexternalfileoptions_set_allow_blocking_flush(how, 1);
		rocksdb_ingest_external_file(st->db, (const char *const *)names, st->files, how, &text);
		rocksdb_ingestexternalfileoptions_destroy(how);
		if (text != NULL)
			rc = store_rocks_err(err, st->dir, "take in a checkpoint", text);
	}
	for (size_t i = 0; i < st->files; i++)
		free(names[i]);
	return rc;
}

static int
not_failed(const struct store *st, struct err *err)
{
	return st->failed ? err_set(err, ERR_IO, "store %s failed before; stop and start again", st->dir) : 0;
}

/* What can fail before anything is written. */
static int
prepare(const struct store *st, struct changes *ch, struct err *err)
{
	uint64_t merging = st->spilled_bytes + ch->written; /* once more, beside what is written now */

	if (st->opt.min_free_bytes != 0 && store_need_space(st->dir, ch->written + merging + st->opt.min_free_bytes / 2, err) != 0)
		return -1;
	return changes_sort(ch, err);
}

/* The files that stay behind tell the next opening that a checkpoint was begun, after a power cut too. */
static int
write_failed(struct store *st)
{
	struct err ignored; /* the first error counts */

	(void)file_sync_dir(st->dir, &ignored);
	st->failed = true;
	return -1;
}

int
store_spill(struct store *st, struct changes *ch, struct err *err)
{
	struct store_reads before;
	int rc;

	if (not_failed(st, err) != 0)
		return -1;
	if (st->opt.read_only || st->files >= SPILLED || ch->n == 0)
		return 0;
	if (changes_appends(ch))
		return err_set(err, ERR_CORRUPT, "store %s: what is appended to a group must wait for the checkpoint", st->dir);
	if (prepare(st, ch, err) != 0)
		return -1;
	store_reads(st, &before);
	rc = files_write(st, ch, NULL, err);
	store_forget_reads(st, &before);
	if (rc != 0)
		return write_failed(st);
	st->spilled_bytes += ch->written;
	changes_clear(ch);
	return 0;
}

int
store_checkpoint(struct store *st, struct changes *ch, uint64_t seq, struct err *err)
{
	struct store_reads before;
	int rc;

	if (not_failed(st, err) != 0)
		return -1;
	if (seq < st->seq)
		return err_set(
		    err, ERR_CORRUPT, "store %s has a checkpoint of record %" PRIu64 ", one of %" PRIu64 " would go back", st->dir, st->seq, seq);
	if (seq == st->seq && changes_appends(ch))
		return err_set(
		    err, ERR_CORRUPT, "store %s has a checkpoint of record %" PRIu64 ", another one would write over what it appended", st->dir, seq);
	if (st->opt.read_only) {
		if (overlay_take(st, ch, seq, err) != 0) {
			st->failed = true;
			return -1;
		}
		st->seq = seq;
		return 0;
	}
	if (prepare(st, ch, err) != 0)
		return -1;
	store_rest(st);
	store_reads(st, &before);
	rc = files_write(st, ch, &seq, err);
	if (rc == 0)
		rc = files_ingest(st, err);
	store_forget_reads(st, &before);
	if (rc != 0)
		return write_failed(st);
	st->files = st->spilled = 0;
	st->spilled_bytes = 0;
	st->seq = seq;
	changes_clear(ch);
	return 0;
}

int
store_verify(struct store *st, struct store_report *ret, struct err *err)
{
	rocksdb_readoptions_t *read = rocksdb_readoptions_create();
	const rocksdb_livefiles_t *live = rocksdb_livefiles(st->db);
	rocksdb_iterator_t *iter;
	char *text = NULL;

	*ret = (struct store_report){.checkpoint_seq = st->seq};
	for (int i = 0; i < rocksdb_livefiles_count(live); i++) {
		ret->files++;
		ret->bytes += rocksdb_livefiles_size(live, i);
	}
	rocksdb_livefiles_destroy(live);
	/* A walk over all keys reads every data block of every file; each block's checksum is compared as it is read.
	 * (A damaged filter block is not met: it costs a look-up its short cut, never an answer.) */
	rocksdb_readoptions_set_verify_checksums(read, 1);
	rocksdb_readoptions_set_fill_cache(read, 0);
	rocksdb_readoptions_set_total_order_seek(read, 1);
	iter = rocksdb_create_iterator(st->db, read);
	for (rocksdb_iter_seek_to_first(iter); rocksdb_iter_valid(iter); rocksdb_iter_next(iter)) {
		size_t n;
		const char *key = rocksdb_iter_key(iter, &n);

		ret->keys += n != 0 && key[0] != '\0';
	}
	rocksdb_iter_get_error(iter, &text);
	rocksdb_iter_destroy(iter);
	rocksdb_readoptions_destroy(read);
	return text != NULL ? store_rocks_err(err, st->dir, "read it", text) : 0;
}

int
store_files(struct store *st, int (*fn)(void *ctx, const char *name, uint64_t bytes, struct err *err), void *ctx, struct err *err)
{
	const rocksdb_livefiles_t *live = rocksdb_livefiles(st->db);
	int rc = 0;

	for (int i = 0; rc == 0 && i < rocksdb_livefiles_count(live); i++) {
		const char *name = rocksdb_livefiles_name(live, i);

		rc = fn(ctx, name[0] == '/' ? name + 1 : name, rocksdb_livefiles_size(live, i), err);
	}
	rocksdb_livefiles_destroy(live);
	return rc;
}
