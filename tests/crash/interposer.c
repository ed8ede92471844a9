/* A library to be preloaded (LD_PRELOAD) into the program: what it does to the files below one folder is written down call by
 * call, and one call, or all from one on, can be made to fail. RocksDB's C API has no hook for files; the C library's calls are
 * where it and our own code meet.
 *
 *   DISK_UNDER=FOLDER     absolute; only what lies in it counts
 *   DISK_LOG=FILE         each call that succeeded, with its bytes, is appended here (layout: struct row)
 *   DISK_FAULT=KIND:N     the Nth call that KIND can hit, counted from 1, goes wrong:
 *                           eio      fails with EIO
 *                           full     fails with ENOSPC; calls that take no space are not counted
 *                           filled   the same, and so do all that follow
 *                           short    a write takes half of its bytes; only writes are counted
 *   DISK_FIRED=FILE       made, with the name of the call, when that happened
 *
 * A power cut is not played here: tests/crash/disk.py rebuilds from the log what a disk may hold at any call of a run. So one
 * run gives every point, each with many ways in which unsynced things may have reached the disk or not; nothing must be undone
 * by a process that is about to die, and what the log misses shows: replayed to its end it must give the folder, byte for byte.
 *
 * Calls are written down in the order in which they happened: one lock is held from before a call until it is in the log. Calls
 * that the program does not use are not here (creat, writev, copy_file_range, a writable mmap ...); the comparison above is
 * what says so. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 4096 /* descriptors that are followed */

/* Little-endian, as the machine has it; then the two names and the data. */
struct row {
	char call[8];
	int32_t fd;
	uint32_t flags;
	int64_t offset;
	uint64_t size;
	uint32_t name_n, to_n;
	uint64_t data_n;
};

enum fault { FAULT_NONE, FAULT_EIO, FAULT_FULL, FAULT_FILLED, FAULT_SHORT };
enum needs { NEEDS_NOTHING, NEEDS_SPACE, NEEDS_SPACE_WRITE };

static struct {
	int (*open)(const char *, int, ...);
	int (*close)(int);
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
	int (*fsync)(int);
	int (*fdatasync)(int);
	int (*ftruncate)(int, off_t);
	int (*truncate)(const char *, off_t);
	int (*fallocate)(int, int, off_t, off_t);
	int (*posix_fallocate)(int, off_t, off_t);
	int (*rename)(const char *, const char *);
	int (*link)(const char *, const char *);
	int (*unlinkat)(int, const char *, int);
	int (*mkdir)(const char *, mode_t);
} real;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char under[PATH_MAX];
static size_t under_n;
static int log_fd = -1;
static enum fault fault;
static unsigned long left; /* calls until the fault */
static bool followed[FILES_MAX];

static void
find(const char *name, void *ret)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL)
		abort();
	memcpy(ret, &p, sizeof p); /* ISO C has no cast from an object's pointer to a function's */
}

static void
read_fault(const char *text)
{
	static const char *const names[] = {"none", "eio", "full", "filled", "short"};
	const char *colon = text == NULL ? NULL : strchr(text, ':');

	if (colon == NULL)
		return;
	for (size_t i = 1; i < sizeof names / sizeof names[0]; i++)
		if (strlen(names[i]) == (size_t)(colon - text) && strncmp(names[i], text, (size_t)(colon - text)) == 0)
			fault = (enum fault)i;
	left = strtoul(colon + 1, NULL, 10);
	if (fault == FAULT_NONE || left == 0)
		abort();
}

static void
begin(void)
{
	const char *folder = getenv("DISK_UNDER"), *path = getenv("DISK_LOG");

	find("open", &real.open);
	find("close", &real.close);
	find("write", &real.write);
	find("pwrite", &real.pwrite);
	find("pwritev", &real.pwritev);
	find("fsync", &real.fsync);
	find("fdatasync", &real.fdatasync);
	find("ftruncate", &real.ftruncate);
	find("truncate", &real.truncate);
	find("fallocate", &real.fallocate);
	find("posix_fallocate", &real.posix_fallocate);
	find("rename", &real.rename);
	find("link", &real.link);
	find("unlinkat", &real.unlinkat);
	find("mkdir", &real.mkdir);
	if (folder == NULL || folder[0] != '/' || strlen(folder) >= sizeof under)
		return;
	if (path != NULL && (log_fd = real.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0)
		abort();
	read_fault(getenv("DISK_FAULT"));
	memcpy(under, folder, strlen(folder) + 1);
	under_n = strlen(folder);
}

static void
enter(void)
{
	(void)pthread_once(&once, begin);
	(void)pthread_mutex_lock(&lock);
}

static void
leave(void)
{
	int e = errno;

	(void)pthread_mutex_unlock(&lock);
	errno = e;
}

/* The absolute name of `path`; false if it does not lie in the folder. "." and ".." are left to the reader of the log. */
static bool
inside(int dir, const char *path, char ret[PATH_MAX])
{
	char from[64];
	ssize_t n = 0;

	if (under_n == 0 || path == NULL)
		return false;
	if (path[0] != '/') {
		(void)snprintf(from, sizeof from, "/proc/self/fd/%d", dir);
		n = readlink(dir == AT_FDCWD ? "/proc/self/cwd" : from, ret, PATH_MAX - 2);
		if (n < 0)
			return false;
		ret[n++] = '/';
	}
	if ((size_t)n + strlen(path) >= PATH_MAX)
		abort();
	memcpy(ret + n, path, strlen(path) + 1);
	return strncmp(ret, under, under_n) == 0 && (ret[under_n] == '/' || ret[under_n] == '\0');
}

static bool
follows(int fd)
{
	return fd >= 0 && fd < FILES_MAX && followed[fd];
}

static void
put(const void *from, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = real.write(log_fd, (const char *)from + done, n - done);

		if (got < 0)
			abort();
		done += (size_t)got;
	}
}

static void
note(const char *call, struct row ro, const char *name, const char *to, const void *data)
{
	int e = errno;

	if (log_fd < 0)
		return;
	(void)snprintf(ro.call, sizeof ro.call, "%s", call);
	ro.name_n = name == NULL ? 0 : (uint32_t)strlen(name);
	ro.to_n = to == NULL ? 0 : (uint32_t)strlen(to);
	put(&ro, sizeof ro);
	put(name, ro.name_n);
	put(to, ro.to_n);
	put(data, ro.data_n);
	errno = e;
}

static void
fired(const char *call)
{
	const char *path = getenv("DISK_FIRED");
	int fd = path == NULL ? -1 : real.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (path == NULL)
		return;
	if (fd < 0 || real.write(fd, call, strlen(call)) < 0)
		abort();
	(void)real.close(fd);
}

/* Counts a call. True if it must fail, errno then says how; *ret_short (may be NULL): only half of a write goes through. */
static bool
fails(const char *call, enum needs needs, bool *ret_short)
{
	if (fault == FAULT_NONE || (fault == FAULT_SHORT && ret_short == NULL) || (fault != FAULT_EIO && needs == NEEDS_NOTHING))
		return false;
	if (left == 0)
		errno = ENOSPC;
	if (left == 0 || --left > 0)
		return left == 0 && fault == FAULT_FILLED;
	fired(call);
	if (fault == FAULT_SHORT && ret_short != NULL) {
		*ret_short = true;
		return false;
	}
	errno = fault == FAULT_EIO ? EIO : ENOSPC;
	return true;
}

/* --- files --- */

static int
open_at(const char *path, int flags, mode_t mode)
{
	char name[PATH_MAX];
	bool in;
	int fd;

	enter();
	in = inside(AT_FDCWD, path, name);
	if (in && (flags & (O_CREAT | O_TRUNC)) != 0 && fails("open", flags & O_CREAT ? NEEDS_SPACE : NEEDS_NOTHING, NULL)) {
		leave();
		return -1;
	}
	fd = real.open(path, flags, mode);
	if (fd >= 0 && fd < FILES_MAX)
		followed[fd] = in;
	else if (fd >= 0)
		abort();
	if (in && fd >= 0)
		note("open", (struct row){.fd = fd, .flags = (uint32_t)flags}, name, NULL, NULL);
	leave();
	return fd;
}

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open_at(path, flags, mode);
}

int __open_2(const char *path, int flags); /* what open becomes under _FORTIFY_SOURCE */

int
__open_2(const char *path, int flags)
{
	return open_at(path, flags, 0);
}

int
close(int fd)
{
	int rc;

	enter();
	if (follows(fd)) {
		followed[fd] = false;
		note("close", (struct row){.fd = fd}, NULL, NULL, NULL);
	}
	rc = real.close(fd);
	leave();
	return rc;
}

/* What all three ways of writing come to; offset -1: where the file stands. */
static ssize_t
write_any(int fd, const void *from, size_t n, off_t offset)
{
	bool half = false;
	ssize_t got;

	enter();
	if (follows(fd) && fails("write", NEEDS_SPACE_WRITE, &half)) {
		leave();
		return -1;
	}
	if (half && n > 1)
		n /= 2;
	got = offset < 0 ? real.write(fd, from, n) : real.pwrite(fd, from, n, offset);
	if (got > 0 && follows(fd)) {
		int64_t at = offset < 0 ? lseek(fd, 0, SEEK_CUR) - got : offset;

		note("write", (struct row){.fd = fd, .offset = at, .data_n = (uint64_t)got}, NULL, NULL, from);
	}
	leave();
	return got;
}

ssize_t
write(int fd, const void *from, size_t n)
{
	return write_any(fd, from, n, -1);
}

ssize_t
pwrite(int fd, const void *from, size_t n, off_t offset)
{
	return write_any(fd, from, n, offset);
}

ssize_t
pwritev(int fd, const struct iovec *iov, int iov_n, off_t offset)
{
	size_t n = 0;
	ssize_t got;
	char *joined;

	if (!follows(fd)) {
		(void)pthread_once(&once, begin);
		return real.pwritev(fd, iov, iov_n, offset);
	}
	for (int i = 0; i < iov_n; i++)
		n += iov[i].iov_len;
	joined = malloc(n + 1);
	if (joined == NULL)
		abort();
	n = 0;
	for (int i = 0; i < iov_n; n += iov[i++].iov_len)
		memcpy(joined + n, iov[i].iov_base, iov[i].iov_len);
	got = write_any(fd, joined, n, offset);
	free(joined);
	return got;
}

static int
sync_any(int fd, int (*how)(int))
{
	int rc;

	enter();
	rc = follows(fd) && fails("sync", NEEDS_SPACE, NULL) ? -1 : how(fd);
	if (rc == 0 && follows(fd))
		note("sync", (struct row){.fd = fd}, NULL, NULL, NULL);
	leave();
	return rc;
}

int
fsync(int fd)
{
	(void)pthread_once(&once, begin);
	return sync_any(fd, real.fsync);
}

int
fdatasync(int fd)
{
	(void)pthread_once(&once, begin);
	return sync_any(fd, real.fdatasync);
}

int
ftruncate(int fd, off_t size)
{
	int rc;

	enter();
	rc = follows(fd) && fails("cut", NEEDS_NOTHING, NULL) ? -1 : real.ftruncate(fd, size);
	if (rc == 0 && follows(fd))
		note("cut", (struct row){.fd = fd, .size = (uint64_t)size}, NULL, NULL, NULL);
	leave();
	return rc;
}

int
truncate(const char *path, off_t size)
{
	char name[PATH_MAX];
	bool in;
	int rc;

	enter();
	in = inside(AT_FDCWD, path, name);
	rc = in && fails("cut", NEEDS_NOTHING, NULL) ? -1 : real.truncate(path, size);
	if (rc == 0 && in)
		note("cut", (struct row){.fd = -1, .size = (uint64_t)size}, name, NULL, NULL);
	leave();
	return rc;
}

int
fallocate(int fd, int mode, off_t offset, off_t size)
{
	int rc;

	enter();
	rc = follows(fd) && fails("reserve", NEEDS_SPACE, NULL) ? -1 : real.fallocate(fd, mode, offset, size);
	if (rc == 0 && follows(fd))
		note("reserve", (struct row){.fd = fd, .flags = (uint32_t)mode, .offset = offset, .size = (uint64_t)size}, NULL, NULL, NULL);
	leave();
	return rc;
}

int
posix_fallocate(int fd, off_t offset, off_t size)
{
	int rc;

	enter();
	if (follows(fd) && fails("reserve", NEEDS_SPACE, NULL)) {
		rc = errno;
		leave();
		return rc;
	}
	rc = real.posix_fallocate(fd, offset, size);
	if (rc == 0 && follows(fd))
		note("reserve", (struct row){.fd = fd, .offset = offset, .size = (uint64_t)size}, NULL, NULL, NULL);
	leave();
	return rc;
}

/* --- names --- */

int
rename(const char *from, const char *to)
{
	char name[PATH_MAX], new[PATH_MAX];
	bool in;
	int rc;

	enter();
	in = inside(AT_FDCWD, from, name) && inside(AT_FDCWD, to, new);
	rc = in && fails("rename", NEEDS_SPACE, NULL) ? -1 : real.rename(from, to);
	if (rc == 0 && in)
		note("rename", (struct row){0}, name, new, NULL);
	leave();
	return rc;
}

int
link(const char *from, const char *to)
{
	char name[PATH_MAX], new[PATH_MAX];
	bool in;
	int rc;

	enter();
	in = inside(AT_FDCWD, from, name) && inside(AT_FDCWD, to, new);
	rc = in && fails("link", NEEDS_SPACE, NULL) ? -1 : real.link(from, to);
	if (rc == 0 && in)
		note("link", (struct row){0}, name, new, NULL);
	leave();
	return rc;
}

int
unlinkat(int dir, const char *path, int flags)
{
	char name[PATH_MAX];
	bool in;
	int rc;

	enter();
	in = inside(dir, path, name);
	rc = in && fails("unlink", NEEDS_NOTHING, NULL) ? -1 : real.unlinkat(dir, path, flags);
	if (rc == 0 && in)
		note((flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", (struct row){0}, name, NULL, NULL);
	leave();
	return rc;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int
rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int
mkdir(const char *path, mode_t mode)
{
	char name[PATH_MAX];
	bool in;
	int rc;

	enter();
	in = inside(AT_FDCWD, path, name);
	if (in && access(path, F_OK) == 0)
		in = false; /* it only asks */
	rc = in && fails("mkdir", NEEDS_SPACE, NULL) ? -1 : real.mkdir(path, mode);
	if (rc == 0 && in)
		note("mkdir", (struct row){0}, name, NULL, NULL);
	leave();
	return rc;
}
