#include "connectors/file/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUM_BYTES 4096

struct file_sink {
	char *path;  /* as given */
	char *whole; /* absolute */
	struct file_sink_options opt;
	int fd;
	bool stream;    /* no regular file: append only */
	bool marked;    /* `at` stands for a place that the mark, or the first row made again, gave */
	bool placed;    /* the node has a mark of this file */
	bool failed;    /* a write failed: nothing more is written */
	bool appending; /* recovery is over or the file was cut: rows go to the end */
	uint64_t at;    /* end of the last row that is known to be right */
	struct buf rows, scratch;
};

static void note(const struct file_sink *fs, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
note(const struct file_sink *fs, const char *fmt, ...)
{
	struct buf b = {.max = 64 * KIB};
	char text[1024];
	va_list ap;

	if (fs->opt.note == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_printf(&b, "%s: %s", fs->path, text);
	buf_add_u8(&b, 0);
	if (buf_ok(&b))
		fs->opt.note(fs->opt.ctx, b.p);
	buf_free(&b);
}

static int
io_error(const struct file_sink *fs, const char *what, struct err *err)
{
	int e = errno;

	if (e == ENOSPC || e == EDQUOT)
		return err_set(err, ERR_FULL, "%s: disk full: %s; make room and start again: nothing is lost", fs->path, what);
	return err_set(err, ERR_IO, "%s: %s: %s", fs->path, what, strerror(e));
}

/* The absolute path also of a file that is not there yet: its folder must be. */
static char *
absolute(const char *path)
{
	char *copy = strdup(path), *dir = NULL, *ret = NULL;
	const char *base;
	char *slash;

	if (copy == NULL)
		return NULL;
	slash = strrchr(copy, '/');
	base = slash == NULL ? path : slash + 1 - copy + path;
	if (slash != NULL)
		slash[slash == copy] = 0;
	dir = realpath(slash == NULL ? "." : copy, NULL);
	if (dir != NULL && asprintf(&ret, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, base) < 0)
		ret = NULL;
	free(dir);
	free(copy);
	return ret;
}

/* Makes the file's name durable: rows that a checkpoint counts on must not go with it. A folder that lets us write but not
 * read cannot be synced. */
static int
sync_folder(const struct file_sink *fs, struct err *err)
{
	char *folder = strdup(fs->whole);
	int fd, rc = 0;

	if (folder == NULL)
		return err_nomem(err);
	*(strrchr(folder, '/') + 1) = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES)
		note(fs, "its folder may not be read, so the file's name cannot be made safe against a power cut");
	else if (fd < 0 || fsync(fd) != 0)
		rc = io_error(fs, "its folder cannot be synced", err);
	if (fd >= 0)
		(void)close(fd);
	free(folder);
	return rc;
}

int
file_sink_open(struct file_sink **ret, const char *path, const struct file_sink_options *opt, struct err *err)
{
	struct file_sink *fs = calloc(1, sizeof *fs);
	struct stat st;

	if (fs == NULL)
		return err_nomem(err);
	fs->fd = -1;
	fs->opt = *opt;
	fs->path = strdup(path);
	if (fs->path == NULL) {
		(void)file_sink_close(fs, NULL);
		return err_nomem(err);
	}
	fs->stream = strcmp(path, "-") == 0;
	if (fs->stream) {
		fs->fd = STDOUT_FILENO;
	} else {
		fs->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
		if (fs->fd < 0 && (errno == EINVAL || errno == ENXIO || errno == EACCES)) {
			int why = errno;

			fs->fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fs->fd < 0 && errno == ENOENT) /* it could not be made: that is the reason, not that it is not there */
				errno = why;
		}
		if (fs->fd < 0) {
			(void)io_error(fs, "cannot be opened for writing", err);
			(void)file_sink_close(fs, NULL);
			return -1;
		}
		if (fstat(fs->fd, &st) == 0)
			fs->stream = !S_ISREG(st.st_mode);
	}
	fs->whole = fs->stream ? strdup(path) : absolute(path);
	if (fs->whole == NULL) {
		(void)io_error(fs, "has no absolute path", err);
		(void)file_sink_close(fs, NULL);
		return -1;
	}
	if (!fs->stream && !fs->opt.no_sync && sync_folder(fs, err) != 0) {
		(void)file_sink_close(fs, NULL);
		return -1;
	}
	fs->appending = fs->stream;
	*ret = fs;
	return 0;
}

static int
size_of(const struct file_sink *fs, uint64_t *ret, struct err *err)
{
	struct stat st;

	if (fstat(fs->fd, &st) != 0)
		return io_error(fs, "cannot be looked at", err);
	*ret = (uint64_t)st.st_size;
	return 0;
}

/* Reads up to n bytes at `at` into scratch. */
static int
read_at(struct file_sink *fs, uint64_t at, size_t n, struct err *err)
{
	buf_clear(&fs->scratch);
	if (buf_grow(&fs->scratch, n) != 0)
		return err_nomem(err);
	while (fs->scratch.n < n) {
		ssize_t got = pread(fs->fd, fs->scratch.p + fs->scratch.n, n - fs->scratch.n, (off_t)(at + fs->scratch.n));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return io_error(fs, "cannot be read", err);
		if (got == 0)
			return 0;
		fs->scratch.n += (size_t)got;
	}
	return 0;
}

/* FNV-1a (Fowler, Noll, Vo; 64 bits) of the bytes before `at`: tells a file from one that took its place. */
static int
sum_before(struct file_sink *fs, uint64_t at, uint64_t *ret, struct err *err)
{
	uint64_t n = at < SUM_BYTES ? at : SUM_BYTES, h = 0xcbf29ce484222325u;

	if (read_at(fs, at - n, (size_t)n, err) != 0)
		return -1;
	for (size_t i = 0; i < fs->scratch.n; i++)
		h = (h ^ (unsigned char)fs->scratch.p[i]) * 0x100000001b3u;
	*ret = h;
	return 0;
}

/* 0, or -1 for a mark that is none of ours. */
static int
parse_mark(struct slice mark, uint64_t *ret_at, uint64_t *ret_sum, struct slice *ret_path)
{
	char text[64] = "";
	char *end;
	size_t n = 0;

	if (mark.n < 2 || memcmp(mark.p, "1 ", 2) != 0)
		return -1;
	memcpy(text, mark.p, mark.n < sizeof text - 1 ? mark.n : sizeof text - 1);
	errno = 0;
	*ret_at = strtoull(text + 2, &end, 10);
	if (errno != 0 || *end != ' ')
		return -1;
	*ret_sum = strtoull(end + 1, &end, 16);
	if (errno != 0 || *end != ' ')
		return -1;
	n = (size_t)(end + 1 - text);
	*ret_path = slice_of(mark.p + n, mark.n - n);
	return 0;
}

struct slice
file_sink_mark_path(struct slice mark)
{
	struct slice path = {"", 0};
	uint64_t at, sum;

	return parse_mark(mark, &at, &sum, &path) == 0 ? path : slice_of("", 0);
}

int
file_sink_mark(struct file_sink *fs, struct slice mark, struct err *err)
{
	uint64_t at, sum, size = 0, now = 0;
	struct slice path;

	if (fs->stream || parse_mark(mark, &at, &sum, &path) != 0)
		return 0;
	if (!slice_eq_str(path, fs->whole)) {
		note(fs, "until now the alerts of this store went to %.*s; they are not copied", SLICE_ARG(path));
		return 0;
	}
	if (size_of(fs, &size, err) != 0)
		return -1;
	if (size < at) {
		note(fs,
		    "was removed or shortened (%" PRIu64 " of %" PRIu64
		    " bytes are left); rows from before the last checkpoint are not written again, "
		    "`dideban alerts --all --json` has them",
		    size, at);
		return 0;
	}
	if (sum_before(fs, at, &now, err) != 0)
		return -1;
	if (now != sum) {
		note(fs, "is not the file that the alerts of this store were written to; goes on at its end");
		return 0;
	}
	fs->at = at;
	fs->marked = fs->placed = true;
	return 0;
}

/* Where the whole row `json` stands in the file: 1 and *ret its start; 0: nowhere; *ret_tail: start of a torn last row. */
static int
look_for(struct file_sink *fs, struct slice json, uint64_t *ret, uint64_t *ret_tail, struct err *err)
{
	FILE *f;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	uint64_t at = 0;
	int fd = dup(fs->fd), found = 0;

	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (f == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return io_error(fs, "cannot be read", err);
	}
	rewind(f);
	*ret_tail = UINT64_MAX;
	while (found == 0 && (n = getline(&line, &cap, f)) > 0) {
		if (line[n - 1] != '\n') {
			*ret_tail = at;
		} else if ((size_t)n == json.n + 1 && memcmp(line, json.p, json.n) == 0) {
			*ret = at;
			found = 1;
		}
		at += (uint64_t)n;
	}
	if (found == 0 && ferror(f))
		found = io_error(fs, "cannot be read", err);
	free(line);
	(void)fclose(f);
	return found;
}

/* Rows go to the end from here on: what stands behind `at` is cut. */
static int
cut(struct file_sink *fs, struct err *err)
{
	uint64_t size = 0;

	if (size_of(fs, &size, err) != 0)
		return -1;
	if (size > fs->at) {
		if (ftruncate(fs->fd, (off_t)fs->at) != 0)
			return io_error(fs, "cannot be cut back", err);
		note(fs, "cut back by %" PRIu64 " bytes to its last whole row", size - fs->at);
	}
	fs->appending = true;
	return 0;
}

/* No place is known: a row at the end that is no whole line is completed, so that the next one begins a line. */
static int
go_on_at_end(struct file_sink *fs, struct err *err)
{
	uint64_t size = 0;

	if (size_of(fs, &size, err) != 0)
		return -1;
	fs->at = size;
	fs->appending = true;
	if (size == 0)
		return 0;
	if (read_at(fs, size - 1, 1, err) != 0)
		return -1;
	if (fs->scratch.n == 1 && fs->scratch.p[0] != '\n') {
		note(fs, "its last line was not whole; a new one is begun");
		buf_add_u8(&fs->rows, '\n');
	}
	return 0;
}

/* A row that recovery makes again. 1: it stands in the file already; 0: it must be written; -1: error. */
static int
again(struct file_sink *fs, struct slice json, struct err *err)
{
	uint64_t start = 0, tail = UINT64_MAX;
	int r;

	if (!fs->marked) {
		r = look_for(fs, json, &start, &tail, err);
		if (r < 0)
			return -1;
		if (r == 0 && tail != UINT64_MAX) {
			if (read_at(fs, tail, json.n, err) != 0)
				return -1;
			if (fs->scratch.n < json.n && memcmp(fs->scratch.p, json.p, fs->scratch.n) == 0) {
				r = 1; /* this very row, torn */
				start = tail;
			}
		}
		if (r == 0)
			return go_on_at_end(fs, err);
		fs->marked = true;
		fs->at = start;
	}
	if (read_at(fs, fs->at, json.n + 1, err) != 0)
		return -1;
	if (fs->scratch.n == json.n + 1 && memcmp(fs->scratch.p, json.p, json.n) == 0 && fs->scratch.p[json.n] == '\n') {
		fs->at += json.n + 1;
		return 1;
	}
	return cut(fs, err);
}

static int
write_rows(struct file_sink *fs, struct err *err)
{
	size_t done = 0;

	if (!buf_ok(&fs->rows))
		return err_nomem(err);
	if (fs->failed)
		return err_set(err, ERR_IO, "%s: an earlier write failed", fs->path);
	while (done < fs->rows.n) {
		ssize_t n = fs->stream ? write(fs->fd, fs->rows.p + done, fs->rows.n - done)
				       : pwrite(fs->fd, fs->rows.p + done, fs->rows.n - done, (off_t)fs->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fs->failed = true;
			return io_error(fs, "cannot be written", err);
		}
		done += (size_t)n;
		fs->at += (uint64_t)n;
	}
	buf_clear(&fs->rows);
	return 0;
}

int
file_sink_message(struct file_sink *fs, const struct message *me, struct err *err)
{
	int r;

	if (!fs->appending) {
		if (!me->replayed) {
			if (file_sink_ready(fs, err) != 0)
				return -1;
		} else {
			r = again(fs, me->json, err);
			if (r != 0)
				return r < 0 ? -1 : 0;
		}
	}
	buf_add_slice(&fs->rows, me->json);
	buf_add_u8(&fs->rows, '\n');
	if (fs->rows.bad)
		return err_nomem(err);
	/* Within a batch too: its record is durable before its first message comes. */
	return fs->rows.n >= LIMIT_SINK_BUFFER ? write_rows(fs, err) : 0;
}

int
file_sink_batch(struct file_sink *fs, struct err *err)
{
	return write_rows(fs, err);
}

int
file_sink_ready(struct file_sink *fs, struct err *err)
{
	if (fs->appending)
		return write_rows(fs, err);
	if ((fs->marked ? cut(fs, err) : go_on_at_end(fs, err)) != 0)
		return -1;
	return write_rows(fs, err);
}

int
file_sink_checkpoint(struct file_sink *fs, struct buf *ret_mark, struct err *err)
{
	uint64_t sum = 0;

	if (write_rows(fs, err) != 0)
		return -1;
	if (fs->stream)
		return 0;
	/* A checkpoint within recovery: rows behind the last one compared may still be compared, and while none was, the place is not
	 * known. */
	if (!fs->appending && !fs->marked)
		return 0;
	if (!fs->opt.no_sync && fdatasync(fs->fd) != 0)
		return io_error(fs, "cannot be synced", err);
	if (sum_before(fs, fs->at, &sum, err) != 0)
		return -1;
	if (strlen(fs->whole) > LIMIT_SINK_MARK_BYTES - 64)
		return 0;
	buf_printf(ret_mark, "1 %" PRIu64 " %" PRIx64 " %s", fs->at, sum, fs->whole);
	if (!buf_ok(ret_mark))
		return err_nomem(err);
	fs->placed = true;
	return 0;
}

bool
file_sink_placed(const struct file_sink *fs)
{
	return fs->stream || fs->placed;
}

int
file_sink_close(struct file_sink *fs, struct err *err)
{
	int r = 0;

	if (fs == NULL)
		return 0;
	if (fs->fd >= 0) {
		r = fs->failed ? 0 : write_rows(fs, err);
		if (r == 0 && !fs->failed && !fs->stream && !fs->opt.no_sync && fdatasync(fs->fd) != 0)
			r = io_error(fs, "cannot be synced", err);
		if (fs->fd != STDOUT_FILENO && close(fs->fd) != 0 && r == 0)
			r = io_error(fs, "cannot be closed", err);
	}
	buf_free(&fs->rows);
	buf_free(&fs->scratch);
	free(fs->path);
	free(fs->whole);
	free(fs);
	return r;
}
