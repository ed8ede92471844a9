/* The directory of a store: who holds it, which format it has, how much room is left. */
#include "state/store/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define HOLDER_TRIES 20 /* to read who holds the store */

int
store_need_space(const char *dir, uint64_t need, struct err *err)
{
	struct statvfs vfs;
	uint64_t have;

	if (need == 0)
		return 0;
	if (statvfs(dir, &vfs) != 0)
		return file_err(err, "ask for the free space of", dir);
	have = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (have >= need)
		return 0;
	return err_set(err, ERR_FULL,
	    "the disk of %s is full: %" PRIu64 " MiB are free, %" PRIu64
	    " MiB are needed; free some space and start again, nothing acknowledged is lost",
	    dir, have >> 20, (need + (1 << 20) - 1) >> 20);
}

/* 1: format of a store; 0: there is none. */
static int
format_read(const char *dir, struct err *err)
{
	char path[PATH_MAX], text[64];
	const char *p = text;
	uint64_t format;
	ssize_t n;
	int fd;

	if (file_path(path, dir, "format", err) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : file_err(err, "open", path);
	n = file_read_at(fd, text, sizeof text - 1, 0, path, err);
	(void)close(fd);
	if (n < 0)
		return -1;
	text[n] = '\0';
	if (!file_number(&p, "dideban-store", 10, &format) || format == 0)
		return err_set(err, ERR_CORRUPT, "%s does not say which format the store has; restore the newest backup", path);
	if (format > STORE_FORMAT)
		return err_set(
		    err, ERR_NEWER, "store %s has format %" PRIu64 ", this program reads %u: use a newer dideban", dir, format, STORE_FORMAT);
	if (format < STORE_FORMAT)
		return err_set(err, ERR_NEWER,
		    "store %s has format %" PRIu64 " of an earlier dideban, this program reads %u: read its events into a new store", dir, format,
		    STORE_FORMAT);
	return 1;
}

/* Nothing is there but what making a store, or a file system, leaves behind. */
static int
must_be_empty(const char *dir, struct err *err)
{
	static const char *const allowed[] = {".", "..", "lock", "format.tmp", "lost+found"};
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return file_err(err, "open", dir);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		bool known = false;

		for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
			known = known || strcmp(entry->d_name, allowed[i]) == 0;
		if (!known)
			rc = err_set(
			    err, ERR_USAGE, "%s holds other files (%.100s) and no store: name an empty or a new directory", dir, entry->d_name);
	}
	(void)closedir(d);
	return rc;
}

static int
lock_take(struct store *st, struct err *err)
{
	char path[PATH_MAX], pid[32];
	ssize_t n = 0;

	if (file_path(path, st->dir, "lock", err) != 0)
		return -1;
	st->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (st->lock < 0)
		return file_err(err, "create", path);
	if (flock(st->lock, LOCK_EX | LOCK_NB) == 0) {
		int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

		if (ftruncate(st->lock, 0) != 0)
			return file_err(err, "write", path);
		return file_write_at(st->lock, pid, (size_t)length, 0, path, err);
	}
	if (errno != EWOULDBLOCK)
		return file_err(err, "lock", path);
	/* It may be about to write its number down. */
	for (unsigned i = 0; i < HOLDER_TRIES; i++) {
		struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

		n = file_read_at(st->lock, pid, sizeof pid - 1, 0, path, err);
		if (n != 0)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (n < 0)
		return -1;
	pid[n] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return err_set(
	    err, ERR_LOCKED, "another dideban (process %s) is using %s; stop it or use another --store", pid[0] == '\0' ? "unknown" : pid, st->dir);
}

int
store_place_leftovers(const char *dir, bool remove, bool *ret_any, struct err *err)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int rc = 0;

	*ret_any = false;
	if (d == NULL)
		return file_err(err, "open", dir);
	while (rc == 0 && (entry = readdir(d)) != NULL) {
		char path[PATH_MAX];

		bool begun = strncmp(entry->d_name, CHECKPOINT_FILE, sizeof CHECKPOINT_FILE - 1) == 0;

		if (!begun && strncmp(entry->d_name, SPILL_FILE, sizeof SPILL_FILE - 1) != 0)
			continue;
		*ret_any = *ret_any || begun;
		rc = !remove ? 0 : file_path(path, dir, entry->d_name, err);
		if (rc == 0 && remove && unlink(path) != 0)
			rc = file_err(err, "remove", path);
	}
	(void)closedir(d);
	return rc;
}

/* A database without its CURRENT file is none to RocksDB: it would begin a new one and sweep the old one's files away. */
static int
database_there(const char *dir, bool *ret_fresh, struct err *err)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	bool files = false, current = false;
	DIR *d;

	if (file_path(path, dir, "db", err) != 0)
		return -1;
	d = opendir(path);
	if (d == NULL && errno != ENOENT)
		return file_err(err, "open", path);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		size_t n = strlen(entry->d_name);

		current = current || strcmp(entry->d_name, "CURRENT") == 0;
		files = files || (n > 4 && strcmp(entry->d_name + n - 4, ".sst") == 0);
	}
	if (d != NULL)
		(void)closedir(d);
	if (files && !current)
		return err_set(err, ERR_CORRUPT, "store %s: %s/CURRENT is missing; restore the newest backup", dir, path);
	*ret_fresh = !current;
	return 0;
}

static int
place_read(const struct store *st, struct err *err)
{
	bool fresh = false;
	int found = format_read(st->dir, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_USAGE, "%s holds no store of dideban; give the right directory with --store", st->dir);
	if (database_there(st->dir, &fresh, err) != 0)
		return -1;
	if (fresh)
		return err_set(err, ERR_USAGE, "store %s was never used: there is nothing to read yet", st->dir);
	return 0;
}

int
store_place_open(struct store *st, bool *ret_fresh, struct err *err)
{
	char parent[PATH_MAX], format_text[32];
	int found;

	*ret_fresh = false;
	if (st->opt.read_only)
		return place_read(st, err);
	if (mkdir(st->dir, 0750) != 0 && errno != EEXIST)
		return file_err(err, "create", st->dir);
	found = format_read(st->dir, err);
	if (found < 0 || (found == 0 && must_be_empty(st->dir, err) != 0))
		return -1;
	/* Its own name, which a process killed since may have made, before it says that it is a store. */
	if (found == 0 && !st->opt.temporary && (file_path(parent, st->dir, "..", err) != 0 || file_sync_dir(parent, err) != 0))
		return -1;
	if (lock_take(st, err) != 0 || store_need_space(st->dir, st->opt.min_free_bytes, err) != 0)
		return -1;
	(void)snprintf(format_text, sizeof format_text, "dideban-store %u\n", STORE_FORMAT);
	if (found == 0 && file_replace(st->dir, "format", slice_str(format_text), st->opt.temporary, err) != 0)
		return -1;
	return database_there(st->dir, ret_fresh, err);
}
