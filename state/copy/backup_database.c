/* The database of a backup. */
#include "state/base/limits.h"
#include "state/copy/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES 20              /* a file list that changed while it was copied */
#define TAIL_BYTES (64 * KIB) /* of a sorted file: holds its properties, among them the run that wrote it and its number */

/* Reads the last bytes of a file of the expected size. 1: read; 0: not there or of another size; -1. */
static int
tail_read(const char *path, uint64_t bytes, char *ret, size_t *ret_n, struct err *err)
{
	size_t n = bytes < TAIL_BYTES ? (size_t)bytes : TAIL_BYTES;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? 0 : file_err(err, "open", path);
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size != bytes) {
		(void)close(fd);
		return 0;
	}
	got = file_read_at(fd, ret, n, bytes - n, path, err);
	(void)close(fd);
	*ret_n = n;
	return got < 0 ? -1 : (size_t)got == n;
}

/* Is a sorted file that a copy has, of the given size, the one that the store has now? Sorted files never change once in
 * use, and end with properties that name the run of the program and the number under which they were written. */
static int
same_sorted_file(const struct backup *ba, const struct manifest *ma, const struct copy_file *fi, struct err *err)
{
	char ours[PATH_MAX], theirs[PATH_MAX], *both = malloc(2 * TAIL_BYTES);
	size_t n_ours = 0, n_theirs = 0;
	int rc = -1;

	if (both == NULL)
		return err_nomem(err);
	if (backup_data_path(ours, ba, ma, fi->path, err) == 0 && file_path(theirs, ba->dir, fi->path, err) == 0)
		rc = tail_read(ours, fi->bytes, both, &n_ours, err);
	if (rc == 1)
		rc = tail_read(theirs, fi->bytes, both + TAIL_BYTES, &n_theirs, err);
	if (rc == 1)
		rc = n_ours == n_theirs && memcmp(both, both + TAIL_BYTES, n_ours) == 0;
	free(both);
	return rc;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

static const struct copy_file *
find_unsorted(const struct manifest *ma, const char *path)
{
	for (size_t i = 0; i < ma->n; i++)
		if (strcmp(ma->files[i].path, path) == 0)
			return &ma->files[i];
	return NULL;
}

/* One sorted file. Vanished ones are passed over: if they matter, the copy does not open. What a try before this one
 * copied may have been half written then. */
static int
backup_sorted_file(struct backup *ba, const char *path, struct err *err)
{
	const struct copy_file *have = find_unsorted(&ba->new, path), *old = manifest_find(&ba->old, path);
	int rc = 0;

	if (have != NULL)
		rc = same_sorted_file(ba, &ba->new, have, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (have == NULL && old != NULL)
		rc = same_sorted_file(ba, &ba->old, old, err);
	if (rc != 0)
		return rc < 0 ? -1 : backup_keep(ba, old, err);
	return backup_file(ba, path, UINT64_MAX, err) < 0 ? -1 : 0;
}

static int
backup_list(struct backup *ba, const char *begins, const char *ends, int (*fn)(struct backup *ba, const char *path, struct err *err), struct err *err)
{
	char db[PATH_MAX];
	const struct dirent *entry;
	int rc = 0;
	DIR *d;

	if (file_path(db, ba->dir, "db", err) != 0)
		return -1;
	d = opendir(db);
	if (d == NULL)
		return file_err(err, "open", db);
	while (rc == 0 && (errno = 0, entry = readdir(d)) != NULL) {
		char path[NAME_MAX + 8];

		if (strncmp(entry->d_name, begins, strlen(begins)) != 0 || (ends[0] != '\0' && !ends_with(entry->d_name, ends)))
			continue;
		(void)snprintf(path, sizeof path, "db/%s", entry->d_name);
		rc = fn(ba, path, err);
	}
	if (rc == 0 && errno != 0)
		rc = file_err(err, "list", db);
	(void)closedir(d);
	return rc;
}

static int
backup_whole_file(struct backup *ba, const char *path, struct err *err)
{
	return backup_file(ba, path, UINT64_MAX, err) < 0 ? -1 : 0;
}

/* CURRENT and the MANIFEST that it names, from one moment. 1: done; 0: it went on meanwhile; -1. */
static int
backup_current(struct backup *ba, struct err *err)
{
	char path[PATH_MAX], name[64] = "db/";
	ssize_t n;
	int fd, rc = backup_file(ba, "db/CURRENT", UINT64_MAX, err);

	if (rc != 1)
		return rc;
	if (backup_data_path(path, ba, &ba->new, "db/CURRENT", err) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return file_err(err, "open", path);
	n = file_read_at(fd, name + 3, sizeof name - 4, 0, path, err);
	(void)close(fd);
	if (n < 0)
		return -1;
	name[3 + n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	if (strncmp(name, "db/MANIFEST-", 12) != 0)
		return err_set(err, ERR_CORRUPT, "store %s: db/CURRENT is damaged; restore the newest backup", ba->dir);
	return backup_file(ba, name, UINT64_MAX, err);
}

struct live_files {
	struct manifest *all;
	struct manifest live;
};

static int
live_add(void *ctx, const char *name, uint64_t bytes, struct err *err)
{
	struct live_files *lf = ctx;
	char path[NAME_MAX + 8];

	(void)snprintf(path, sizeof path, "db/%.200s", name);
	return manifest_add(&lf->live, path, bytes, err) == NULL ? -1 : 0;
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(((const struct copy_file *)a)->path, ((const struct copy_file *)b)->path);
}

/* Removes the sorted files that the copied list does not use (outputs of an unfinished compaction, older ones). */
static int
backup_trim(struct backup *ba, struct store *st, struct err *err)
{
	struct live_files lf = {.all = &ba->new};
	int rc = store_files(st, live_add, &lf, err);

	if (rc == 0 && lf.live.n != 0)
		qsort(lf.live.files, lf.live.n, sizeof lf.live.files[0], name_cmp);
	for (size_t i = 0; rc == 0 && i < ba->new.n;) {
		char path[PATH_MAX];

		if (!ends_with(ba->new.files[i].path, ".sst") || manifest_find(&lf.live, ba->new.files[i].path) != NULL) {
			i++;
			continue;
		}
		rc = backup_data_path(path, ba, &ba->new, ba->new.files[i].path, err);
		if (rc == 0 && unlink(path) != 0)
			rc = file_err(err, "remove", path);
		if (rc == 0)
			manifest_remove(&ba->new, ba->new.files[i].path);
	}
	manifest_free(&lf.live);
	return rc;
}

/* Removes the file lists that tries before left in the copy. */
static int
drop_manifests(struct backup *ba, struct err *err)
{
	for (size_t i = 0; i < ba->new.n;) {
		char path[PATH_MAX];

		if (strncmp(ba->new.files[i].path, "db/MANIFEST-", 12) != 0) {
			i++;
			continue;
		}
		if (backup_data_path(path, ba, &ba->new, ba->new.files[i].path, err) != 0)
			return -1;
		if (unlink(path) != 0)
			return file_err(err, "remove", path);
		manifest_remove(&ba->new, ba->new.files[i].path);
	}
	return 0;
}

/* 1: copied, and the copy opens; 0: it does not, for files vanished meanwhile (or are damaged); -1. */
static int
backup_database_try(struct backup *ba, struct store **ret, struct err *err)
{
	struct store_options opt = {.read_only = true};
	int rc;

	if (drop_manifests(ba, err) != 0)
		return -1;
	rc = backup_current(ba, err);
	if (rc != 1)
		return rc;
	if (backup_list(ba, "", ".sst", backup_sorted_file, err) != 0)
		return -1;
	return store_open(ret, ba->data, &opt, err) == 0 ? 1 : 0;
}

int
backup_database(struct backup *ba, struct store_report *ret, struct err *err)
{
	struct store *st = NULL;
	int rc = 0;

	if (backup_whole_file(ba, "format", err) != 0 || backup_whole_file(ba, "db/IDENTITY", err) != 0 ||
	    backup_list(ba, "OPTIONS-", "", backup_whole_file, err) != 0)
		return -1;
	err->code = ERR_NONE;
	for (unsigned i = 0; rc == 0 && i < TRIES; i++) {
		struct timespec pause = {.tv_nsec = i == 0 ? 0 : 50 * 1000 * 1000};

		(void)nanosleep(&pause, NULL);
		rc = backup_database_try(ba, &st, err);
	}
	if (rc == 0 && err->code == ERR_NONE)
		(void)err_set(err, ERR_IO, "store %s: its files changed faster than they could be copied; try again", ba->dir);
	if (rc != 1)
		return -1;
	rc = backup_trim(ba, st, err);
	if (rc == 0)
		rc = store_verify(st, ret, err);
	store_close(st);
	return rc;
}
