/* For tests: a directory of their own below TMPDIR, whole files, and processes that die. */
#ifndef DIDEBAN_TESTS_UNIT_SCRATCH_H
#define DIDEBAN_TESTS_UNIT_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct scratch {
	char dir[PATH_MAX / 2];
};

static inline void
scratch_open(struct scratch *sc)
{
	const char *base = getenv("TMPDIR");

	(void)snprintf(sc->dir, sizeof sc->dir, "%s/dideban-test-XXXXXX", base != NULL && base[0] != '\0' ? base : P_tmpdir);
	if (mkdtemp(sc->dir) == NULL)
		abort();
}

static inline int
scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
scratch_remove(const char *path)
{
	(void)nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
scratch_close(struct scratch *sc)
{
	scratch_remove(sc->dir);
}

/* "DIR/NAME", one of a few static buffers. */
static inline const char *
scratch_path(const struct scratch *sc, const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, PATH_MAX, "%s/%s", sc->dir, name);
	return path;
}

static inline size_t
scratch_read(const char *path, char *to, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, max);

	if (n < 0)
		abort();
	(void)close(fd);
	return (size_t)n;
}

static inline void
scratch_write(const char *path, const char *from, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	if (fd < 0 || write(fd, from, n) != (ssize_t)n)
		abort();
	(void)close(fd);
}

/* Changes one byte of a file. */
static inline void
scratch_flip(const char *path, off_t offset, unsigned char mask)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char c;

	if (fd < 0 || pread(fd, &c, 1, offset) != 1)
		abort();
	c = (unsigned char)(c ^ mask);
	if (pwrite(fd, &c, 1, offset) != 1)
		abort();
	(void)close(fd);
}

static inline off_t
scratch_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* The first name in a directory that ends so, in order of names; false: none. */
static inline bool
scratch_find(const char *dir, const char *ending, char ret[PATH_MAX])
{
	char best[NAME_MAX + 1] = "";
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		size_t n = strlen(entry->d_name), m = strlen(ending);

		if (n >= m && strcmp(entry->d_name + n - m, ending) == 0 && (best[0] == '\0' || strcmp(entry->d_name, best) < 0))
			(void)snprintf(best, sizeof best, "%s", entry->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
	if (snprintf(ret, PATH_MAX, "%s/%s", dir, best) >= PATH_MAX)
		abort();
	return best[0] != '\0';
}

/* A small reproducible generator (splitmix64). */
static inline uint64_t
scratch_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

#endif
