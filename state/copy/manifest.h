/* Inside the copies' room: a backup's list of files, as manifest.json keeps it, and copying single files.
 *
 *   BACKUP/manifest.json   replaced whole when a backup is complete; until then the one before stands
 *   BACKUP/copy-N/         the files it speaks of, in the shape of a state directory: format, db/, journal/ */
#ifndef DIDEBAN_STATE_COPY_MANIFEST_H
#define DIDEBAN_STATE_COPY_MANIFEST_H

#include "state/base/buf.h"
#include "state/base/err.h"
#include "state/base/file.h"

#define SHA256_HEX_BYTES 65

struct copy_file {
	char *path; /* "db/000012.sst" */
	uint64_t bytes;
	char sha256[SHA256_HEX_BYTES];
	/* Of a journal segment: last sequence and its sum, which tell what it holds; 0 elsewhere. */
	uint64_t last, sum;
	bool copied; /* this time; not in the file */
};

struct manifest {
	char store[64];  /* the database's identity: backups of one store only go on with that store */
	char data[32];   /* "copy-N" */
	uint64_t number; /* N */
	uint64_t journal_seq, checkpoint_seq;
	struct copy_file *files;
	size_t n, cap;
};

void manifest_free(struct manifest *ma); /* also resets; a zeroed struct is an empty one */
/* 1: read; 0: there is none; -1. */
int manifest_read(struct manifest *ret, const char *backup, struct err *err);
/* Sorts the files by path. */
int manifest_write(struct manifest *ma, const char *backup, struct err *err);
/* The new entry, its sums not yet set; NULL: out of memory or over the limit. */
struct copy_file *manifest_add(struct manifest *ma, const char *path, uint64_t bytes, struct err *err);
void manifest_remove(struct manifest *ma, const char *path);
/* In one read by manifest_read. NULL: not there. */
const struct copy_file *manifest_find(const struct manifest *ma, const char *path);

/* Copies the first `max` bytes (UINT64_MAX: all) and sums them up; the copy is synced. to NULL: only sums up.
 * 1: done; 0: `from` is not there; -1. */
int copy_bytes(const char *from, const char *to, uint64_t max, uint64_t *ret_bytes, char ret_sha256[SHA256_HEX_BYTES], struct err *err);

#endif
