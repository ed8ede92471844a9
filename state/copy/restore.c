/* Back from a backup, and the check of a state directory. */
#include "state/copy.h"
#include "state/copy/manifest.h"
#include "state/journal/journal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int
backup_path(char ret[PATH_MAX], const char *backup, const struct manifest *ma, const char *path, struct err *err)
{
	if (snprintf(ret, PATH_MAX, "%s/%s/%s", backup, ma->data, path) >= PATH_MAX)
		return err_set(err, ERR_USAGE, "the name of the directory %.200s... is too long", backup);
	return 0;
}

static int
place_make(const char *dir, struct err *err)
{
	const struct dirent *entry;
	int rc = 0;
	DIR *d;

	if (mkdir(dir, 0750) == 0)
		return 0;
	if (errno != EEXIST)
		return file_err(err, "create", dir);
	d = opendir(dir);
	if (d == NULL)
		return file_err(err, "open", dir);
	while (rc == 0 && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, "lost+found") != 0)
			rc = err_set(
			    err, ERR_USAGE, "%s is not empty (%.100s): a backup is restored into an empty or a new directory", dir, entry->d_name);
	(void)closedir(d);
	return rc;
}

/* Sums up one file of the backup, copying it to `to` unless NULL, and compares. */
static int
restore_file(const char *backup, const struct manifest *ma, const struct copy_file *fi, const char *to, struct err *err)
{
	char from[PATH_MAX], sha256[SHA256_HEX_BYTES];
	uint64_t bytes = 0;
	int rc;

	if (backup_path(from, backup, ma, fi->path, err) != 0)
		return -1;
	rc = copy_bytes(from, to, UINT64_MAX, &bytes, sha256, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "backup %s: the file %s is missing; use another backup", backup, from);
	if (bytes != fi->bytes || strcmp(sha256, fi->sha256) != 0)
		return err_set(err, ERR_CORRUPT,
		    "backup %s: the file %s is damaged (%" PRIu64 " bytes, SHA-256 %.16s..., expected %" PRIu64 ", %.16s...); use another backup",
		    backup, from, bytes, sha256, fi->bytes, fi->sha256);
	return 0;
}

/* The file `format` comes last: a directory that was restored halfway is no store. */
static int
restore_files(const char *backup, const struct manifest *ma, const char *dir, struct copy_report *re, struct err *err)
{
	static const char *const below[] = {"db", "journal"};
	char path[PATH_MAX];

	for (size_t i = 0; i < 2; i++)
		if (file_path(path, dir, below[i], err) != 0 || (mkdir(path, 0750) != 0 && file_err(err, "create", path) != 0))
			return -1;
	for (int last = 0; last < 2; last++) {
		for (size_t i = 0; i < ma->n; i++) {
			const struct copy_file *fi = &ma->files[i];

			if ((strcmp(fi->path, "format") == 0) != (last == 1))
				continue;
			if (file_path(path, dir, fi->path, err) != 0 || restore_file(backup, ma, fi, path, err) != 0)
				return -1;
			re->files++;
			re->bytes += fi->bytes;
		}
		for (size_t i = 0; i < 2; i++)
			if (file_path(path, dir, below[i], err) != 0 || file_sync_dir(path, err) != 0)
				return -1;
		if (file_sync_dir(dir, err) != 0)
			return -1;
	}
	if (file_path(path, dir, "..", err) != 0 || file_sync_dir(path, err) != 0)
		return -1;
	re->copied_files = re->files;
	re->copied_bytes = re->bytes;
	return 0;
}

int
state_restore(const char *backup, const char *dir, struct copy_report *ret, struct err *err)
{
	struct copy_report re = {0};
	struct store_report report;
	struct manifest ma = {0};
	int rc = manifest_read(&ma, backup, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(err, ERR_USAGE, "%s holds no backup (no manifest.json)", backup);
	rc = 0;
	for (size_t i = 0; rc == 0 && i < ma.n; i++)
		rc = restore_file(backup, &ma, &ma.files[i], NULL, err);
	if (rc == 0)
		rc = place_make(dir, err);
	if (rc == 0)
		rc = restore_files(backup, &ma, dir, &re, err);
	if (rc == 0)
		rc = state_verify(dir, &report, err);
	if (rc == 0 && report.checkpoint_seq != ma.checkpoint_seq)
		rc = err_set(err, ERR_CORRUPT, "backup %s: the restored store is of record %" PRIu64 " instead of %" PRIu64 "; use another backup",
		    backup, report.checkpoint_seq, ma.checkpoint_seq);
	re.journal_seq = ma.journal_seq;
	re.checkpoint_seq = ma.checkpoint_seq;
	manifest_free(&ma);
	if (rc == 0)
		*ret = re;
	return rc;
}

static int
journal_verify(const char *dir, struct store_report *ret, struct err *err)
{
	struct journal_options opt = {.read_only = true};
	struct journal_reader *rd = NULL;
	struct journal *jo = NULL;
	struct slice payload;
	char path[PATH_MAX];
	uint64_t seq;
	uint8_t kind;
	int rc;

	if (file_path(path, dir, "journal", err) != 0)
		return -1;
	if (access(path, F_OK) != 0 && errno == ENOENT && ret->checkpoint_seq == 0)
		return 0;
	if (journal_open(&jo, path, &opt, err) != 0)
		return -1;
	rc = journal_reader_open(&rd, jo, 1, err);
	if (rc == 0) {
		while ((rc = journal_reader_next(rd, &seq, &kind, &payload, NULL, err)) == 1) {
			ret->journal_records++;
			ret->journal_bytes += payload.n;
		}
	}
	if (rc == 0 && journal_last(jo) < ret->checkpoint_seq)
		rc = err_set(err, ERR_CORRUPT,
		    "store %s: its checkpoint is of record %" PRIu64 ", but the journal ends at %" PRIu64 "; restore the newest backup", dir,
		    ret->checkpoint_seq, journal_last(jo));
	journal_reader_close(rd);
	(void)journal_close(jo, err);
	return rc;
}

int
state_verify(const char *dir, struct store_report *ret, struct err *err)
{
	struct store_options opt = {.read_only = true};
	struct store_report report = {0};
	struct store *st = NULL;
	int rc = store_open(&st, dir, &opt, err);

	if (rc != 0)
		return -1;
	rc = store_verify(st, &report, err);
	store_close(st);
	/* The journal after the store: beside a running writer it then reaches at least as far. */
	if (rc == 0)
		rc = journal_verify(dir, &report, err);
	if (rc == 0)
		*ret = report;
	return rc;
}
