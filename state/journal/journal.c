#include "state/journal/private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENT_BYTES (64 * MIB)

void
journal_segment_name(uint64_t start, char ret[JOURNAL_SEGMENT_NAME_BYTES])
{
	(void)snprintf(ret, JOURNAL_SEGMENT_NAME_BYTES, "%016" PRIx64 ".seg", start);
}

int
journal_segment_path(const struct journal *jo, uint64_t start, char ret[PATH_MAX], struct err *err)
{
	char name[JOURNAL_SEGMENT_NAME_BYTES];

	journal_segment_name(start, name);
	return file_path(ret, jo->dir, name, err);
}

int
journal_segment_push(struct journal *jo, const struct segment *sg, struct err *err)
{
	if (jo->n_segments == jo->cap_segments) {
		size_t cap = jo->cap_segments == 0 ? 16 : jo->cap_segments * 2;
		struct segment *p = realloc(jo->segments, cap * sizeof *p);

		if (p == NULL)
			return err_nomem(err);
		jo->segments = p;
		jo->cap_segments = cap;
	}
	jo->segments[jo->n_segments++] = *sg;
	return 0;
}

uint64_t
journal_segment_end(const struct journal *jo, size_t i)
{
	return i + 1 < jo->n_segments ? jo->segments[i + 1].start - jo->segments[i].start : jo->tail;
}

int
journal_reserve(int fd, uint64_t size, const char *path, struct err *err)
{
	if (fallocate(fd, 0, 0, (off_t)size) == 0)
		return 0;
	/* A file system without preallocation: the size alone, space is met while writing. */
	if ((errno == EOPNOTSUPP || errno == ENOSYS) && ftruncate(fd, (off_t)size) == 0)
		return 0;
	return file_err(err, "reserve space for", path);
}

/* Remembers the first failure; the last word of a journal that may no longer know what is on the disk. */
static int
fail(struct journal *jo, const struct err *err)
{
	if (jo->failure.code == ERR_NONE && err != NULL)
		jo->failure = *err;
	else if (jo->failure.code == ERR_NONE)
		(void)err_set(&jo->failure, ERR_IO, "journal %s failed before; stop and start again", jo->dir);
	return -1;
}

static int
usable(const struct journal *jo, struct err *err)
{
	if (jo->opt.read_only)
		return err_set(err, ERR_USAGE, "journal %s is open for reading only", jo->dir);
	if (jo->failure.code != ERR_NONE)
		return err_set(err, jo->failure.code, "%s", jo->failure.text);
	return 0;
}

/* A segment appears under its name only when its header and its space are durable. */
static int
segment_make(const struct journal *jo, const struct segment *sg, uint64_t size, const char *path, int *ret_fd, struct err *err)
{
	char temporary[PATH_MAX], head[SEGMENT_HEAD_BYTES];
	int fd;

	if (file_path(temporary, jo->dir, "new.tmp", err) != 0)
		return -1;
	fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return file_err(err, "create", temporary);
	segment_head_write(head, sg);
	if (journal_reserve(fd, size, path, err) != 0 || file_write_at(fd, head, sizeof head, 0, temporary, err) != 0)
		goto failed;
	if (!jo->opt.no_sync && fsync(fd) != 0) {
		(void)file_err(err, "sync", temporary);
		goto failed;
	}
	if (rename(temporary, path) != 0) {
		(void)file_err(err, "create", path);
		goto failed;
	}
	if (!jo->opt.no_sync && file_sync_dir(jo->dir, err) != 0) {
		(void)close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
failed:
	(void)close(fd);
	(void)unlink(temporary);
	return -1;
}

int
journal_segment_create(struct journal *jo, uint64_t payload, struct err *err)
{
	struct segment sg = {.id = jo->id, .seq_before = jo->last, .sum_before = jo->sum};
	uint64_t size = SEGMENT_HEAD_BYTES + RECORD_HEAD_BYTES + payload;
	char path[PATH_MAX];
	int fd = -1;

	if (jo->n_segments != 0)
		sg.start = jo->segments[jo->n_segments - 1].start + jo->tail;
	if (size < jo->opt.segment_bytes)
		size = jo->opt.segment_bytes;
	if (journal_segment_path(jo, sg.start, path, err) != 0 || segment_make(jo, &sg, size, path, &fd, err) != 0)
		return -1;
	if (journal_segment_push(jo, &sg, err) != 0) {
		(void)close(fd);
		return -1;
	}
	if (jo->fd >= 0)
		(void)close(jo->fd);
	memcpy(jo->path, path, sizeof jo->path);
	jo->fd = fd;
	jo->tail = SEGMENT_HEAD_BYTES;
	jo->size = size;
	return 0;
}

static struct journal *
journal_new(const char *dir, const struct journal_options *opt)
{
	struct journal *jo = calloc(1, sizeof *jo);

	if (jo == NULL)
		return NULL;
	jo->fd = jo->lock = -1;
	for (size_t i = 0; i < LIMIT_JOURNAL_FILES; i++)
		jo->open[i].fd = -1;
	if (opt != NULL)
		jo->opt = *opt;
	if (jo->opt.segment_bytes == 0)
		jo->opt.segment_bytes = SEGMENT_BYTES;
	jo->dir = strdup(dir);
	if (jo->dir == NULL) {
		free(jo);
		return NULL;
	}
	return jo;
}

static void
journal_free(struct journal *jo)
{
	for (size_t i = 0; i < LIMIT_JOURNAL_FILES; i++)
		if (jo->open[i].fd >= 0)
			(void)close(jo->open[i].fd);
	if (jo->fd >= 0)
		(void)close(jo->fd);
	if (jo->lock >= 0)
		(void)close(jo->lock);
	free(jo->segments);
	free(jo->dir);
	free(jo);
}

/* Makes the directory and holds it. */
static int
journal_hold(struct journal *jo, struct err *err)
{
	if (!jo->opt.read_only && mkdir(jo->dir, 0750) != 0 && errno != EEXIST)
		return file_err(err, "create", jo->dir);
	jo->lock = open(jo->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (jo->lock < 0)
		return file_err(err, "open", jo->dir);
	if (jo->opt.read_only || flock(jo->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_LOCKED, "another dideban is writing the journal %s; stop it or use another --store", jo->dir);
	return file_err(err, "lock", jo->dir);
}

int
journal_open(struct journal **ret, const char *dir, const struct journal_options *opt, struct err *err)
{
	struct journal *jo = journal_new(dir, opt);

	if (jo == NULL)
		return err_nomem(err);
	if (journal_hold(jo, err) != 0 || journal_recover(jo, err) != 0) {
		journal_free(jo);
		return -1;
	}
	*ret = jo;
	return 0;
}

int
journal_close(struct journal *jo, struct err *err)
{
	int rc = 0;

	if (jo == NULL)
		return 0;
	if (!jo->opt.read_only && jo->failure.code == ERR_NONE) {
		rc = journal_head(jo, jo->checkpoint, err);
		/* The reserved space behind the last record is given back; the next opening reserves it again. */
		if (rc == 0 && ftruncate(jo->fd, (off_t)jo->tail) != 0)
			rc = file_err(err, "cut", jo->path);
	}
	journal_free(jo);
	return rc;
}

/* Everything with one call; what a short write leaves goes with plain ones. */
static int
write_parts(struct journal *jo, const char head[RECORD_HEAD_BYTES], const struct slice *parts, size_t n_parts, struct err *err)
{
	struct iovec iov[LIMIT_JOURNAL_PARTS + 1] = {{(void *)(uintptr_t)head, RECORD_HEAD_BYTES}};
	size_t done;
	ssize_t got;

	for (size_t i = 0; i < n_parts; i++)
		iov[i + 1] = (struct iovec){(void *)(uintptr_t)parts[i].p, parts[i].n};
	do
		got = pwritev(jo->fd, iov, (int)n_parts + 1, (off_t)jo->tail);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return file_err(err, "write", jo->path);
	done = (size_t)got;
	for (size_t i = 0, at = 0; i <= n_parts; at += iov[i++].iov_len) {
		size_t skip = done > at ? done - at : 0;

		if (skip < iov[i].iov_len &&
		    file_write_at(jo->fd, (const char *)iov[i].iov_base + skip, iov[i].iov_len - skip, jo->tail + at + skip, jo->path, err) != 0)
			return -1;
	}
	return 0;
}

/* Goes on in a new segment. The old one is durable before the new one exists, so only the last segment can be torn. */
static int
roll(struct journal *jo, uint64_t payload, struct err *err)
{
	char path[PATH_MAX];
	uint64_t end = jo->tail;

	if (journal_sync(jo, err) != 0)
		return -1;
	memcpy(path, jo->path, sizeof path);
	if (journal_segment_create(jo, payload, err) != 0)
		return fail(jo, err);
	if (truncate(path, (off_t)end) != 0) {
		(void)file_err(err, "cut", path);
		return fail(jo, err);
	}
	return 0;
}

int
journal_append(struct journal *jo, uint8_t kind, const struct slice *parts, size_t n_parts, uint64_t *ret_seq, uint64_t *ret_at, struct err *err)
{
	struct record re = {.kind = kind};
	char head[RECORD_HEAD_BYTES];
	uint64_t length = 0;

	if (usable(jo, err) != 0)
		return -1;
	for (size_t i = 0; i < n_parts; i++)
		length += parts[i].n;
	if (kind == 0 || n_parts > LIMIT_JOURNAL_PARTS || length > LIMIT_RECORD_BYTES)
		return err_set(err, ERR_LIMIT,
		    "a journal record of kind %u, %zu parts and %" PRIu64 " bytes is over the limits (%d parts, %zu bytes)", kind, n_parts, length,
		    LIMIT_JOURNAL_PARTS, LIMIT_RECORD_BYTES);
	if (jo->last - jo->synced >= RECORD_AHEAD_MAX && journal_sync(jo, err) != 0)
		return -1;
	if (jo->size - jo->tail < RECORD_HEAD_BYTES + length && roll(jo, length, err) != 0)
		return -1;
	re.length = (uint32_t)length;
	re.seq = jo->last + 1;
	re.ahead = (uint32_t)(jo->last - jo->synced);
	if (record_check(jo->id, &re, parts, n_parts, &re.check) != 0)
		return err_nomem(err);
	re.sum = record_sum(jo->sum, re.check);
	record_head_write(head, &re);
	if (write_parts(jo, head, parts, n_parts, err) != 0)
		return fail(jo, err);
	*ret_at = jo->segments[jo->n_segments - 1].start + jo->tail + RECORD_HEAD_BYTES;
	*ret_seq = re.seq;
	jo->tail += RECORD_HEAD_BYTES + length;
	jo->last = re.seq;
	jo->sum = re.sum;
	return 0;
}

int
journal_sync(struct journal *jo, struct err *err)
{
	if (usable(jo, err) != 0)
		return -1;
	if (jo->synced == jo->last)
		return 0;
	if (!jo->opt.no_sync && fdatasync(jo->fd) != 0) {
		(void)file_err(err, "sync", jo->path);
		return fail(jo, err);
	}
	jo->synced = jo->last;
	return 0;
}

uint64_t
journal_last(const struct journal *jo)
{
	return jo->last;
}

int
journal_head(struct journal *jo, uint64_t checkpoint_seq, struct err *err)
{
	struct journal_head he = {.id = jo->id, .checkpoint = checkpoint_seq};

	/* head may claim only what is durable. */
	if (journal_sync(jo, err) != 0)
		return -1;
	he.last = jo->last;
	if (checkpoint_seq > he.last)
		return err_set(err, ERR_CORRUPT,
		    "journal %s ends at record %" PRIu64 ", but the store's checkpoint is of record %" PRIu64
		    ": they do not belong together; restore the newest backup",
		    jo->dir, he.last, checkpoint_seq);
	if (journal_head_write(jo->dir, &he, jo->opt.no_sync, err) != 0)
		return fail(jo, err);
	jo->checkpoint = checkpoint_seq;
	return 0;
}

size_t
journal_segments(const struct journal *jo)
{
	return jo->n_segments;
}

void
journal_segment(const struct journal *jo, size_t i, struct journal_segment *ret)
{
	bool last = i + 1 == jo->n_segments;

	ret->start = jo->segments[i].start;
	ret->bytes = journal_segment_end(jo, i);
	ret->last = last ? jo->last : jo->segments[i + 1].seq_before;
	ret->sum = last ? jo->sum : jo->segments[i + 1].sum_before;
}

int
journal_copy_head(const struct journal *jo, const char *dir, uint64_t checkpoint_seq, struct err *err)
{
	struct journal_head he = {.id = jo->id, .last = jo->last, .checkpoint = checkpoint_seq};

	if (checkpoint_seq > he.last)
		return err_set(err, ERR_CORRUPT,
		    "journal %s ends at record %" PRIu64 ", but the store's checkpoint is of record %" PRIu64 ": they do not belong together",
		    jo->dir, he.last, checkpoint_seq);
	return journal_head_write(dir, &he, false, err);
}
