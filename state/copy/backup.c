#include "state/copy/backup.h"
#include "state/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int
backup_data_path(char ret[PATH_MAX], const struct backup *ba, const struct manifest *ma, const char *path, struct err *err)
{
	if (snprintf(ret, PATH_MAX, "%s/%s/%s", ba->to, ma->data, path) >= PATH_MAX)
		return err_set(err, ERR_USAGE, "the name of the directory %.200s... is too long", ba->to);
	return 0;
}

static int
remove_tree(const char *path, unsigned depth, struct err *err)
{
	DIR *d = opendir(path);
	const struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return file_err(err, "open", path);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		char below[PATH_MAX];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		rc = file_path(below, path, entry->d_name, err);
		if (rc == 0 && unlink(below) != 0) {
			if (errno != EISDIR || depth == 0)
				rc = file_err(err, "remove", below);
			else
				rc = remove_tree(below, depth - 1, err);
		}
	}
	(void)closedir(d);
	if (rc == 0 && rmdir(path) != 0)
		rc = file_err(err, "remove", path);
	return rc;
}

/* Removes the copies that the manifest does not speak of: half-made ones, and the one before. Anything else in the
 * directory is somebody's: without a manifest it is refused. */
static int
sweep(const struct backup *ba, const char *keep, bool fresh, struct err *err)
{
	static const char *const known[] = {".", "..", "manifest.json", "manifest.json.tmp", "lost+found"};
	DIR *d = opendir(ba->to);
	const struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return file_err(err, "open", ba->to);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		char path[PATH_MAX];
		bool ours = strncmp(entry->d_name, "copy-", 5) == 0, expected = ours;

		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			expected = expected || strcmp(entry->d_name, known[i]) == 0;
		if (fresh && !expected)
			rc = err_set(
			    err, ERR_USAGE, "%s holds other files (%.100s) and no backup: name an empty or a new directory", ba->to, entry->d_name);
		if (!ours || strcmp(entry->d_name, keep) == 0)
			continue;
		rc = file_path(path, ba->to, entry->d_name, err);
		if (rc == 0)
			rc = remove_tree(path, 2, err);
	}
	(void)closedir(d);
	return rc;
}

static int
store_identity(const char *dir, char ret[64], struct err *err)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	if (file_path(path, dir, "db/IDENTITY", err) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return file_err(err, "open", path);
	n = file_read_at(fd, ret, 63, 0, path, err);
	(void)close(fd);
	if (n < 0)
		return -1;
	ret[n] = '\0';
	ret[strspn(ret, "0123456789abcdefABCDEF-")] = '\0';
	return 0;
}

/* The backup's directory: held, known to be of this store, with an empty place for the new copy. */
static int
backup_begin(struct backup *ba, struct err *err)
{
	char sub[PATH_MAX];
	int found;

	if (mkdir(ba->to, 0750) != 0 && errno != EEXIST)
		return file_err(err, "create", ba->to);
	ba->lock = open(ba->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ba->lock < 0)
		return file_err(err, "open", ba->to);
	if (flock(ba->lock, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? err_set(err, ERR_LOCKED, "another backup into %s is running; wait for it", ba->to)
					    : file_err(err, "lock", ba->to);
	found = manifest_read(&ba->old, ba->to, err);
	if (found < 0 || store_identity(ba->dir, ba->new.store, err) != 0)
		return -1;
	ba->any_old = found == 1;
	if (ba->any_old && strcmp(ba->old.store, ba->new.store) != 0)
		return err_set(err, ERR_USAGE, "%s holds the backup of another store: name another directory", ba->to);
	if (sweep(ba, ba->old.data, !ba->any_old, err) != 0)
		return -1;
	ba->new.number = ba->old.number + 1;
	(void)snprintf(ba->new.data, sizeof ba->new.data, "copy-%" PRIu64, ba->new.number);
	if (file_path(ba->data, ba->to, ba->new.data, err) != 0)
		return -1;
	if (mkdir(ba->data, 0750) != 0)
		return file_err(err, "create", ba->data);
	for (size_t i = 0; i < 2; i++)
		if (file_path(sub, ba->data, i == 0 ? "db" : "journal", err) != 0 || (mkdir(sub, 0750) != 0 && file_err(err, "create", sub) != 0))
			return -1;
	return 0;
}

int
backup_file(struct backup *ba, const char *path, uint64_t max, struct err *err)
{
	char from[PATH_MAX], to[PATH_MAX], sha256[SHA256_HEX_BYTES];
	struct copy_file *fi;
	uint64_t bytes = 0;
	int rc;

	if (file_path(from, ba->dir, path, err) != 0 || backup_data_path(to, ba, &ba->new, path, err) != 0)
		return -1;
	/* Never written through: its bytes may belong to the copy before as well. */
	if (unlink(to) != 0 && errno != ENOENT)
		return file_err(err, "remove", to);
	manifest_remove(&ba->new, path);
	rc = copy_bytes(from, to, max, &bytes, sha256, err);
	if (rc != 1)
		return rc;
	fi = manifest_add(&ba->new, path, bytes, err);
	if (fi == NULL)
		return -1;
	memcpy(fi->sha256, sha256, sizeof fi->sha256);
	fi->copied = true;
	return 1;
}

int
backup_keep(struct backup *ba, const struct copy_file *old, struct err *err)
{
	char from[PATH_MAX], to[PATH_MAX], sha256[SHA256_HEX_BYTES];
	struct copy_file *fi;
	uint64_t bytes;

	if (backup_data_path(from, ba, &ba->old, old->path, err) != 0 || backup_data_path(to, ba, &ba->new, old->path, err) != 0)
		return -1;
	if (link(from, to) != 0) {
		int rc = copy_bytes(from, to, UINT64_MAX, &bytes, sha256, err);

		if (rc <= 0)
			return rc < 0 ? -1
				      : err_set(err, ERR_CORRUPT, "backup %s: %s is missing; begin a new backup in another directory", ba->to, from);
		if (strcmp(sha256, old->sha256) != 0)
			return err_set(err, ERR_CORRUPT, "backup %s: %s is damaged (SHA-256); begin a new backup in another directory", ba->to, from);
	}
	fi = manifest_add(&ba->new, old->path, old->bytes, err);
	if (fi == NULL)
		return -1;
	memcpy(fi->sha256, old->sha256, sizeof fi->sha256);
	fi->last = old->last;
	fi->sum = old->sum;
	return 0;
}

/* Everything durable, then the manifest, then the copy before may go. */
static int
backup_end(struct backup *ba, struct copy_report *ret, struct err *err)
{
	static const char *const below[] = {"db", "journal", "."};
	struct copy_report re = {.journal_seq = ba->new.journal_seq, .checkpoint_seq = ba->new.checkpoint_seq};

	for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
		char path[PATH_MAX];

		if (backup_data_path(path, ba, &ba->new, below[i], err) != 0 || file_sync_dir(path, err) != 0)
			return -1;
	}
	if (file_sync_dir(ba->to, err) != 0)
		return -1;
	for (size_t i = 0; i < ba->new.n; i++) {
		const struct copy_file *fi = &ba->new.files[i];

		re.files++;
		re.bytes += fi->bytes;
		re.copied_files += fi->copied;
		re.copied_bytes += fi->copied ? fi->bytes : 0;
	}
	if (manifest_write(&ba->new, ba->to, err) != 0 || sweep(ba, ba->new.data, false, err) != 0)
		return -1;
	*ret = re;
	return 0;
}

/* Where the backup is or will be; false: what is above it is not there either. */
static bool
place_of(const char *backup, char ret[PATH_MAX])
{
	char parent[PATH_MAX];

	if (realpath(backup, ret) != NULL)
		return true;
	if (snprintf(parent, sizeof parent, "%s", backup) >= (int)sizeof parent)
		return false;
	return realpath(dirname(parent), ret) != NULL;
}

/* A backup within its own store would be lost with it. */
static int
refuse_within(const char *dir, const char *backup, struct err *err)
{
	char store[PATH_MAX], place[PATH_MAX];
	size_t n;

	if (realpath(dir, store) == NULL || !place_of(backup, place))
		return 0; /* what follows says it better */
	n = strlen(store);
	if (strncmp(place, store, n) == 0 && (place[n] == '\0' || place[n] == '/'))
		return err_set(err, ERR_USAGE, "%s lies within the store %s and would be lost with it: name a folder elsewhere, best on another disk",
		    backup, dir);
	return 0;
}

int
state_backup(const char *dir, const char *backup, struct copy_report *ret, struct err *err)
{
	struct backup ba = {.dir = dir, .to = backup, .lock = -1};
	struct store_options opt = {.read_only = true};
	struct store_report report;
	struct store *st = NULL;
	int rc;

	/* Refuses what is no store, or a newer one, before anything is made. */
	if (store_open(&st, dir, &opt, err) != 0)
		return -1;
	store_close(st);
	if (refuse_within(dir, backup, err) != 0)
		return -1;
	rc = backup_begin(&ba, err);
	if (rc == 0)
		rc = backup_database(&ba, &report, err);
	if (rc == 0) {
		ba.new.checkpoint_seq = report.checkpoint_seq;
		rc = backup_journal(&ba, err);
	}
	if (rc == 0)
		rc = backup_end(&ba, ret, err);
	if (ba.lock >= 0)
		(void)close(ba.lock);
	manifest_free(&ba.old);
	manifest_free(&ba.new);
	return rc;
}
