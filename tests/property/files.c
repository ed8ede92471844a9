/* Nothing in a property test loses its power, and a set lives for a tenth of a second: syncs and preallocation, which would be most
 * of its cost, are left out. These definitions stand before the C library's for the whole program, the store's library included. */
#include "tests/property/run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MEMORY_FOLDER "/dev/shm"
#define ROOM ((uint64_t)1 << 30) /* a store wants 256 MiB free */

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* As sparse as ftruncate: without it, each page is filled with zeros in a file system that is memory. */
int
fallocate(int fd, int mode, off_t from, off_t bytes)
{
	struct stat st;

	if (mode != 0 || (fstat(fd, &st) == 0 && st.st_size >= from + bytes))
		return 0;
	return ftruncate(fd, from + bytes);
}

int
fallocate64(int fd, int mode, off64_t from, off64_t bytes)
{
	return fallocate(fd, mode, from, bytes);
}

void
files_in_memory(void)
{
	struct statvfs sv;

	if (access(MEMORY_FOLDER, W_OK) == 0 && statvfs(MEMORY_FOLDER, &sv) == 0 && (uint64_t)sv.f_bavail * sv.f_frsize >= ROOM)
		(void)setenv("TMPDIR", MEMORY_FOLDER, 0);
}
