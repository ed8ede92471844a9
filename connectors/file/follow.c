#include "connectors/file/follow.h"

#include "connectors/file/reader.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

struct followed {
	char *name;             /* in its folder */
	char *stream;           /* FOLDER/NAME */
	struct file_source *fs; /* NULL: not open */
	dev_t dev;
	ino_t ino;
	int64_t size, mtime_ns;
	int64_t changed_ms; /* when we last saw it change */
	uint64_t number;    /* read up to here by us */
	uint64_t skipped;   /* the position that the store knew when it was opened */
	bool known;         /* the store was asked */
	bool ready;         /* may have something to read */
	bool settled;       /* rested, and what waits at its end was looked at */
	bool finished;      /* what waited at its end was taken: to read on it must be opened anew */
	bool gone;
};

struct folder {
	char *dir;
	int watch; /* -1: not there yet */
	bool told; /* that it is not there */
	size_t n;
	struct followed **v; /* by name */
};

struct follow {
	struct follow_options opt;
	int fd; /* inotify; -1: the system has none left, polling alone */
	bool changed;
	int64_t scanned_ms;
	size_t n_folders;
	struct folder *folders;
	size_t at_folder, at_file; /* where follow_next goes on */
	size_t n_files, n_open;
};

static void tell(const struct follow *fo, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
tell(const struct follow *fo, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	if (fo->opt.note == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	fo->opt.note(fo->opt.ctx, text);
}

int
follow_open(struct follow **ret, const struct follow_options *opt, struct err *err)
{
	struct follow *fo = calloc(1, sizeof *fo);

	if (fo == NULL)
		return err_nomem(err);
	fo->opt = *opt;
	fo->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	fo->changed = true;
	*ret = fo;
	return 0;
}

static void
close_source(struct follow *fo, struct followed *fi)
{
	if (fi->fs == NULL)
		return;
	file_source_close(fi->fs);
	fi->fs = NULL;
	fi->finished = false;
	fo->n_open--;
}

static void
followed_free(struct follow *fo, struct followed *fi)
{
	close_source(fo, fi);
	free(fi->name);
	free(fi->stream);
	free(fi);
}

void
follow_close(struct follow *fo)
{
	if (fo == NULL)
		return;
	for (size_t i = 0; i < fo->n_folders; i++) {
		for (size_t j = 0; j < fo->folders[i].n; j++)
			followed_free(fo, fo->folders[i].v[j]);
		free(fo->folders[i].v);
		free(fo->folders[i].dir);
	}
	free(fo->folders);
	if (fo->fd >= 0)
		(void)close(fo->fd);
	free(fo);
}

int
follow_add(struct follow *fo, const char *dir, struct err *err)
{
	struct folder *more = realloc(fo->folders, (fo->n_folders + 1) * sizeof *more);
	size_t n = strlen(dir);

	if (more == NULL)
		return err_nomem(err);
	fo->folders = more;
	while (n > 1 && dir[n - 1] == '/')
		n--;
	more[fo->n_folders] = (struct folder){.dir = strndup(dir, n), .watch = -1};
	if (more[fo->n_folders].dir == NULL)
		return err_nomem(err);
	fo->n_folders++;
	return 0;
}

static bool
unfinished(const char *name)
{
	static const char *const ends[] = {".part", ".tmp", "~"};
	size_t n = strlen(name);

	if (name[0] == '.')
		return true;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		size_t m = strlen(ends[i]);

		if (n >= m && strcmp(name + n - m, ends[i]) == 0)
			return true;
	}
	return false;
}

static int
wanted(const struct dirent *de)
{
	return !unfinished(de->d_name) && (de->d_type == DT_REG || de->d_type == DT_UNKNOWN || de->d_type == DT_LNK);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static struct followed *
followed_new(const struct folder *fd, const char *name)
{
	struct followed *fi = calloc(1, sizeof *fi);

	if (fi == NULL)
		return NULL;
	fi->name = strdup(name);
	if (fi->name == NULL || asprintf(&fi->stream, "%s/%s", fd->dir, name) < 0) {
		free(fi->name);
		free(fi);
		return NULL;
	}
	return fi;
}

/* Compares with what was seen before. */
static void
look_at(struct follow *fo, struct followed *fi, int64_t now_ms)
{
	struct stat st;
	int64_t mtime;
	bool packed = reader_compressed(fi->stream);

	fi->gone = stat(fi->stream, &st) != 0 || !S_ISREG(st.st_mode);
	if (fi->gone)
		return;
	mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (fi->known && (st.st_dev != fi->dev || st.st_ino != fi->ino || st.st_size < fi->size)) {
		tell(fo, "%s was replaced or shortened; it is read from its start", fi->stream);
		close_source(fo, fi);
		fi->number = 0;
	}
	if (st.st_dev != fi->dev || st.st_ino != fi->ino || st.st_size != fi->size || mtime != fi->mtime_ns) {
		fi->dev = st.st_dev;
		fi->ino = st.st_ino;
		fi->size = st.st_size;
		fi->mtime_ns = mtime;
		fi->changed_ms = now_ms;
		fi->settled = false;
		fi->ready = !packed;
	}
	if (!fi->settled && now_ms - fi->changed_ms >= fo->opt.settle_ms) {
		fi->settled = true;
		fi->ready = true;
	}
}

/* Merges the sorted names that are there with those known. */
static int
merge(struct follow *fo, struct folder *fd, struct dirent **list, size_t n, int64_t now_ms, struct err *err)
{
	struct followed **v = calloc(n + fd->n + 1, sizeof *v);
	size_t i = 0, j = 0, k = 0;

	if (v == NULL)
		return err_nomem(err);
	while (i < n || j < fd->n) {
		int c = i == n ? 1 : j == fd->n ? -1 : strcmp(list[i]->d_name, fd->v[j]->name);

		if (c < 0) {
			v[k] = fo->n_files < LIMIT_FOLLOWED_FILES ? followed_new(fd, list[i]->d_name) : NULL;
			if (v[k] == NULL) {
				/* What is known stays known. */
				while (j < fd->n)
					v[k++] = fd->v[j++];
				free(fd->v);
				fd->v = v;
				fd->n = k;
				return err_set(err, ERR_LIMIT, "%s: more than %d files are followed; move those that were read away", fd->dir,
				    LIMIT_FOLLOWED_FILES);
			}
			fo->n_files++;
			i++;
		} else {
			v[k] = fd->v[j++];
			i += c == 0;
		}
		look_at(fo, v[k], now_ms);
		if (v[k]->gone && v[k]->fs == NULL) {
			followed_free(fo, v[k]);
			fo->n_files--;
			continue;
		}
		if (v[k]->gone) { /* read what is left of it */
			file_source_finish(v[k]->fs);
			v[k]->ready = true;
		}
		k++;
	}
	free(fd->v);
	fd->v = v;
	fd->n = k;
	return 0;
}

static int
scan_folder(struct follow *fo, struct folder *fd, int64_t now_ms, struct err *err)
{
	struct dirent **list = NULL;
	int n, r;

	if (fd->watch < 0 && fo->fd >= 0)
		fd->watch = inotify_add_watch(
		    fo->fd, fd->dir, IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR);
	n = scandir(fd->dir, &list, wanted, by_name);
	if (n < 0) {
		if (!fd->told)
			tell(fo, "%s cannot be read: %s; waiting for it", fd->dir, strerror(errno));
		fd->told = true;
		fd->watch = -1;
		return 0;
	}
	fd->told = false;
	r = merge(fo, fd, list, (size_t)n, now_ms, err);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return r;
}

/* 0 opened, 1 cannot be opened now (told), -1 error of the store. */
static int
open_source(struct follow *fo, struct followed *fi, struct err *err)
{
	struct file_source_options so = {.growing = !reader_compressed(fi->stream) && !fi->gone};
	struct err why = {0};

	if (!fi->known && fo->opt.position(fo->opt.ctx, slice_str(fi->stream), &fi->number, err) < 0)
		return -1;
	fi->skipped = fi->known ? 0 : fi->number;
	fi->known = true;
	so.skip = fi->number;
	if (file_source_open(&fi->fs, fi->stream, &so, &why) != 0) {
		fi->fs = NULL;
		tell(fo, "%s; it is tried again when it changes", why.text);
		return 1;
	}
	fo->n_open++;
	return 0;
}

/* Nothing more for now. 1: it is worth another look at once. */
static int
at_end(struct follow *fo, struct followed *fi)
{
	bool whole = false;
	uint64_t waiting = file_source_waiting(fi->fs, &whole);

	if (fi->skipped > 0 && file_source_number(fi->fs) + (waiting > 0) < fi->skipped) {
		tell(fo, "%s has fewer lines than were read of it before: another file took its name; it is read from its start", fi->stream);
		fi->skipped = fi->number = 0;
		close_source(fo, fi);
		return 1;
	}
	fi->skipped = 0;
	if (fi->settled && waiting > 0 && whole && !fi->finished) {
		file_source_finish(fi->fs);
		fi->finished = true;
		return 1;
	}
	fi->ready = false;
	fi->number = file_source_number(fi->fs) > fi->number ? file_source_number(fi->fs) : fi->number;
	if (reader_compressed(fi->stream) || fi->gone || fi->finished || (fo->n_open > LIMIT_FOLLOWED_OPEN && waiting == 0))
		close_source(fo, fi);
	return 0;
}

/* 1 an item, 0 nothing of this file now, -1 error of the store. */
static int
read_on(struct follow *fo, struct followed *fi, struct source_item *ret, struct err *err)
{
	struct err why = {0};
	int r;

	for (;;) {
		if (fi->fs == NULL) {
			r = open_source(fo, fi, err);
			if (r != 0) {
				fi->ready = false;
				return r < 0 ? -1 : 0;
			}
		}
		r = file_source_next(fi->fs, ret, &why);
		if (r == 1) {
			fi->number = ret->pos.number > fi->number ? ret->pos.number : fi->number;
			ret->pos.stream = slice_str(fi->stream);
			return 1;
		}
		if (r < 0) {
			tell(fo, "%s; it is tried again when it changes", why.text);
			close_source(fo, fi);
			fi->ready = false;
			return 0;
		}
		if (at_end(fo, fi) == 0)
			return 0;
	}
}

static int
scan_all(struct follow *fo, int64_t now_ms, struct err *err)
{
	fo->changed = false;
	fo->scanned_ms = now_ms;
	for (size_t i = 0; i < fo->n_folders; i++)
		if (scan_folder(fo, &fo->folders[i], now_ms, err) != 0)
			return -1;
	fo->at_folder = fo->at_file = 0;
	return 0;
}

int
follow_next(struct follow *fo, int64_t now_ms, struct source_item *ret, size_t *ret_dir, struct err *err)
{
	for (int round = 0; round < 2; round++) {
		for (; fo->at_folder < fo->n_folders; fo->at_folder++, fo->at_file = 0) {
			struct folder *fd = &fo->folders[fo->at_folder];

			for (; fo->at_file < fd->n; fo->at_file++) {
				struct followed *fi = fd->v[fo->at_file];
				int r = fi->ready ? read_on(fo, fi, ret, err) : 0;

				if (r < 0)
					return -1;
				if (r == 1) {
					*ret_dir = fo->at_folder;
					return 1;
				}
			}
		}
		if (round > 0 || (!fo->changed && fo->scanned_ms != 0 && now_ms - fo->scanned_ms < fo->opt.poll_ms))
			return 0;
		if (scan_all(fo, now_ms, err) != 0)
			return -1;
	}
	return 0;
}

void
follow_wait(struct follow *fo, int fd, int64_t most_ms)
{
	struct pollfd pfds[2] = {{.fd = fo->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}}; /* a negative one is passed over */
	char events[4096];

	if (most_ms > fo->opt.poll_ms)
		most_ms = fo->opt.poll_ms;
	if (poll(pfds, 2, (int)most_ms) > 0 && (pfds[0].revents & POLLIN)) {
		while (read(fo->fd, events, sizeof events) > 0)
			;
		fo->changed = true;
	}
}
