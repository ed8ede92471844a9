/* A checkpoint: the change set as sorted files, taken in with its journal position by one atomic step. */
#include "state/store/private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_BYTES (64 * MIB) /* a sorted file is closed once it is over */
#define FILES 64              /* of one checkpoint; the last one takes the rest */

struct sorted_files {
	struct store *st;
	rocksdb_envoptions_t *env;
	rocksdb_sstfilewriter_t *writer;
	char *names[FILES];
	size_t n;
	bool open;
};

static int
file_begin(struct sorted_files *fi, struct err *err)
{
	char name[64], path[PATH_MAX], *text = NULL;

	(void)snprintf(name, sizeof name, CHECKPOINT_FILE "%zu.sst", fi->n);
	if (file_path(path, fi->st->dir, name, err) != 0)
		return -1;
	/* RocksDB takes a file in by a second name and then removes this one, but passes over an error of that: to write to it
	 * again would write to what it took in. */
	if (unlink(path) != 0 && errno != ENOENT)
		return file_err(err, "remove", path);
	fi->names[fi->n] = strdup(path);
	if (fi->names[fi->n] == NULL)
		return err_nomem(err);
	fi->n++;
	rocksdb_sstfilewriter_open(fi->writer, path, &text);
	if (text != NULL)
		return store_rocks_err(err, fi->st->dir, "write a checkpoint", text);
	fi->open = true;
	return 0;
}

static int
file_end(struct sorted_files *fi, struct err *err)
{
	char *text = NULL;

	fi->open = false;
	rocksdb_sstfilewriter_finish(fi->writer, &text); /* syncs it too */
	return text != NULL ? store_rocks_err(err, fi->st->dir, "write a checkpoint", text) : 0;
}

static int
file_add(void *ctx, struct slice key, struct slice value, bool deleted, struct err *err)
{
	struct sorted_files *fi = ctx;
	uint64_t bytes = 0;
	char *text = NULL;

	if (fi->open && fi->n < FILES) {
		rocksdb_sstfilewriter_file_size(fi->writer, &bytes);
		if (bytes > FILE_BYTES && file_end(fi, err) != 0)
			return -1;
	}
	if (!fi->open && file_begin(fi, err) != 0)
		return -1;
	if (deleted)
		rocksdb_sstfilewriter_delete(fi->writer, key.p, key.n, &text);
	else
		rocksdb_sstfilewriter_put(fi->writer, key.p, key.n, value.p, value.n, &text);
	return text != NULL ? store_rocks_err(err, fi->st->dir, "write a checkpoint", text) : 0;
}

static int
files_write(struct sorted_files *fi, const struct changes *ch, uint64_t seq, struct err *err)
{
	struct buf own = {0};
	int rc;

	buf_add_u64(&own, seq);
	if (!buf_ok(&own))
		return err_nomem(err);
	rc = file_add(fi, slice_of(CHECKPOINT_KEY, CHECKPOINT_KEY_BYTES), buf_slice(&own), false, err);
	if (rc == 0)
		rc = changes_each(ch, seq, file_add, fi, err);
	buf_free(&own);
	return rc != 0 ? -1 : file_end(fi, err);
}

static int
files_ingest(const struct sorted_files *fi, struct err *err)
{
	rocksdb_ingestexternalfileoptions_t *how = rocksdb_ingestexternalfileoptions_create();
	char *text = NULL;

	rocksdb_ingestexternalfileoptions_set_move_files(how, 1);
	rocksdb_ingestexternalfileoptions_set_allow_global_seqno(how, 1);
	rocksdb_ingestexternalfileoptions_set_allow_blocking_flush(how, 1);
	rocksdb_ingest_external_file(fi->st->db, (const char *const *)fi->names, fi->n, how, &text);
	rocksdb_ingestexternalfileoptions_destroy(how);
	return text != NULL ? store_rocks_err(err, fi->st->dir, "take in a checkpoint", text) : 0;
}

int
store_checkpoint(struct store *st, struct changes *ch, uint64_t seq, struct err *err)
{
	struct sorted_files fi = {.st = st};
	struct store_reads before;
	int rc;

	if (st->failed)
		return err_set(err, ERR_IO, "store %s failed before; stop and start again", st->dir);
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
	if (st->opt.min_free_bytes != 0 && store_need_space(st->dir, 2 * ch->written + st->opt.min_free_bytes / 2, err) != 0)
		return -1;
	if (changes_sort(ch, err) != 0)
		return -1;
	store_rest(st);
	fi.env = rocksdb_envoptions_create();
	fi.writer = rocksdb_sstfilewriter_create(fi.env, st->file_options);
	store_reads(st, &before);
	rc = files_write(&fi, ch, seq, err);
	if (rc == 0)
		rc = files_ingest(&fi, err);
	store_forget_reads(st, &before);
	rocksdb_sstfilewriter_destroy(fi.writer);
	rocksdb_envoptions_destroy(fi.env);
	for (size_t i = 0; i < fi.n; i++)
		free(fi.names[i]);
	if (rc != 0) {
		struct err ignored; /* the first error counts */

		/* The files that stay behind tell the next opening that a checkpoint was begun, after a power cut too. */
		(void)file_sync_dir(st->dir, &ignored);
		st->failed = true;
		return -1;
	}
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
