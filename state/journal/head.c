/* The file `head`: a few lines of text with a checksum, always replaced whole. */
#include "state/base/file.h"
#include "state/journal/private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define HEAD_BYTES 512
#define HEAD_FORMAT 1

#define SUM_LINE "sum %016" PRIx64 "\n"

/* The last line is the checksum of those before it, which end at p; it is compared as text, in which no other letter is the same. */
static bool
head_sum_fits(const char *text, const char *p)
{
	char line[32];

	(void)snprintf(line, sizeof line, SUM_LINE, (uint64_t)XXH3_64bits(text, (size_t)(p - text)));
	return strcmp(p, line) == 0;
}

int
journal_head_read(const char *dir, struct journal_head *ret, struct err *err)
{
	char path[PATH_MAX], text[HEAD_BYTES + 1];
	struct journal_head he;
	const char *p = text;
	uint64_t format;
	ssize_t n;
	int fd;

	if (file_path(path, dir, "head", err) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : file_err(err, "open", path);
	n = file_read_at(fd, text, HEAD_BYTES, 0, path, err);
	(void)close(fd);
	if (n < 0)
		return -1;
	text[n] = '\0';
	if (file_number(&p, "dideban-journal-head", 10, &format) && format > HEAD_FORMAT)
		return err_set(err, ERR_NEWER, "%s has format %" PRIu64 ", this program reads %d: use a newer dideban", path, format, HEAD_FORMAT);
	if (!file_number(&p, "id", 16, &he.id) || !file_number(&p, "last", 10, &he.last) || !file_number(&p, "checkpoint", 10, &he.checkpoint) ||
	    !head_sum_fits(text, p) || he.checkpoint > he.last)
		return err_set(err, ERR_CORRUPT, "%s is damaged (checksum); restore the newest backup", path);
	*ret = he;
	return 1;
}

int
journal_head_write(const char *dir, const struct journal_head *he, bool no_sync, struct err *err)
{
	char text[HEAD_BYTES];
	int n = snprintf(text, sizeof text, "dideban-journal-head %d\nid %016" PRIx64 "\nlast %" PRIu64 "\ncheckpoint %" PRIu64 "\n", HEAD_FORMAT,
	    he->id, he->last, he->checkpoint);

	n += snprintf(text + n, sizeof text - (size_t)n, SUM_LINE, (uint64_t)XXH3_64bits(text, (size_t)n));
	return file_replace(dir, "head", slice_of(text, (size_t)n), no_sync, err);
}
