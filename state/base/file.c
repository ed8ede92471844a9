#include "state/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
file_err(struct err *err, const char *what, const char *path)
{
	int e = errno;
	bool reading = (strcmp(what, "open") == 0 || strcmp(what, "read") == 0) && access(path, R_OK) != 0 && errno == EACCES;

	if (e == ENOSPC || e == EDQUOT)
		return err_set(
		    err, ERR_FULL, "cannot %s %s: the disk is full; free some space and start again, nothing acknowledged is lost", what, path);
	if (e == EACCES || e == EPERM || e == EROFS)
		return err_set(err, ERR_IO, "cannot %s %s: %s; give this user the right to %s there, or use another --store", what, path, strerror(e),
		    reading ? "read" : "write");
	return err_set(err, ERR_IO, "cannot %s %s: %s", what, path, strerror(e));
}

ssize_t
file_read_at(int fd, void *to, size_t n, uint64_t offset, const char *path, struct err *err)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(fd, (char *)to + done, n - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_err(err, "read", path);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int
file_write_at(int fd, const void *from, size_t n, uint64_t offset, const char *path, struct err *err)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pwrite(fd, (const char *)from + done, n - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_err(err, "write", path);
		done += (size_t)got;
	}
	return 0;
}

int
file_path(char ret[PATH_MAX], const char *dir, const char *name, struct err *err)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		return err_set(err, ERR_USAGE, "the name of the directory %.200s... is too long", dir);
	return 0;
}

bool
file_number(const char **text, const char *label, int base, uint64_t *ret)
{
	size_t n = strlen(label);
	const char *p = *text;
	char *end;

	if (strncmp(p, label, n) != 0 || p[n] != ' ' || strchr("0123456789abcdef", p[n + 1]) == NULL || p[n + 1] == '\0')
		return false;
	errno = 0;
	*ret = strtoull(p + n + 1, &end, base);
	if (errno != 0 || end == p + n + 1 || (*end != '\n' && *end != '\0'))
		return false;
	*text = *end == '\n' ? end + 1 : end;
	return true;
}

int
file_sync_dir(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return file_err(err, "open", dir);
	if (fsync(fd) != 0) {
		(void)file_err(err, "sync", dir);
		(void)close(fd);
		return -1;
	}
	(void)close(fd);
	return 0;
}

int
file_temporary_dir(char ret[PATH_MAX], struct err *err)
{
	const char *parent = getenv("TMPDIR");

	if (parent == NULL || parent[0] == '\0')
		parent = "/tmp";
	if (file_path(ret, parent, "dideban-XXXXXX", err) != 0)
		return -1;
	return mkdtemp(ret) == NULL ? file_err(err, "make a temporary directory", ret) : 0;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)at;
	return kind == FTW_DP ? rmdir(path) : unlink(path);
}

int
file_remove_tree(const char *dir, struct err *err)
{
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : file_err(err, "remove", dir);
}

int
file_replace(const char *dir, const char *name, struct slice bytes, bool no_sync, struct err *err)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int fd;

	if (file_path(path, dir, name, err) != 0)
		return -1;
	if (snprintf(temporary, sizeof temporary, "%s.tmp", path) >= (int)sizeof temporary)
		return err_set(err, ERR_USAGE, "the name of the directory %.200s... is too long", dir);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return file_err(err, "create", temporary);
	if (file_write_at(fd, bytes.p, bytes.n, 0, temporary, err) != 0) {
		(void)close(fd);
		return -1;
	}
	if (!no_sync && fsync(fd) != 0) {
		(void)file_err(err, "sync", temporary);
		(void)close(fd);
		return -1;
	}
	if (close(fd) != 0)
		return file_err(err, "close", temporary);
	if (rename(temporary, path) != 0)
		return file_err(err, "replace", path);
	return no_sync ? 0 : file_sync_dir(dir, err);
}
