/* Opening: which segments there are, what is proved, where the log ends, and what is a torn tail. */
#include "state/journal/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int
journal_damaged(struct err *err, const char *path, uint64_t seq, uint64_t offset, const char *why)
{
	return err_set(err, ERR_CORRUPT, "journal segment %s: record %" PRIu64 " at byte %" PRIu64 " is damaged, and %s; restore the newest backup",
	    path, seq, offset, why);
}

/* The start in a name like 00000000000000ff.seg; false for any other name. */
static bool
segment_name_read(const char *name, uint64_t *ret)
{
	uint64_t v = 0;

	if (strlen(name) != 20 || strcmp(name + 16, ".seg") != 0)
		return false;
	for (size_t i = 0; i < 16; i++) {
		const char *digits = "0123456789abcdef", *p = strchr(digits, name[i]);

		if (p == NULL)
			return false;
		v = v << 4 | (uint64_t)(p - digits);
	}
	*ret = v;
	return true;
}

static int
by_start(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* The names in the directory, in order; a writer removes what a crash left half made. */
static int
segments_list(struct journal *jo, struct err *err)
{
	DIR *dir = opendir(jo->dir);
	const struct dirent *entry;
	int rc = 0;

	jo->n_segments = 0;
	if (dir == NULL)
		return file_err(err, "open", jo->dir);
	while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
		struct segment sg = {0};
		size_t n = strlen(entry->d_name);

		if (segment_name_read(entry->d_name, &sg.start))
			rc = journal_segment_push(jo, &sg, err);
		else if (!jo->opt.read_only && n > 4 && strcmp(entry->d_name + n - 4, ".tmp") == 0 && unlinkat(dirfd(dir), entry->d_name, 0) != 0)
			rc = file_err(err, "remove", entry->d_name);
	}
	if (rc == 0 && errno != 0)
		rc = file_err(err, "list", jo->dir);
	(void)closedir(dir);
	if (rc == 0 && jo->n_segments != 0)
		qsort(jo->segments, jo->n_segments, sizeof jo->segments[0], by_start);
	return rc;
}

/* Reads the header of segment i and compares it with its name, the head and the segment before. */
static int
segment_header(struct journal *jo, size_t i, struct err *err)
{
	struct segment sg, *want = &jo->segments[i];
	char path[PATH_MAX], bytes[SEGMENT_HEAD_BYTES];
	struct stat st;
	ssize_t n;
	int fd, rc;

	if (journal_segment_path(jo, want->start, path, err) != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return file_err(err, "open", path);
	n = file_read_at(fd, bytes, sizeof bytes, 0, path, err);
	rc = n < 0 ? -1 : segment_head_read(bytes, (size_t)n, &sg, path, err);
	if (rc == 0 && fstat(fd, &st) != 0)
		rc = file_err(err, "look at", path);
	(void)close(fd);
	if (rc != 0)
		return -1;
	if (sg.start != want->start || sg.id != jo->id)
		return err_set(err, ERR_CORRUPT, "journal segment %s belongs to another place or journal; restore the newest backup", path);
	if (i == 0 ? sg.start != 0 || sg.seq_before != 0 : sg.seq_before < jo->segments[i - 1].seq_before)
		return err_set(err, ERR_CORRUPT, "journal segment %s: the segment before it is missing; restore the newest backup", path);
	if (i + 1 < jo->n_segments && (uint64_t)st.st_size < jo->segments[i + 1].start - sg.start)
		return err_set(err, ERR_CORRUPT, "journal segment %s is shorter than its records; restore the newest backup", path);
	*want = sg;
	return 0;
}

/* The records of a segment that is not the last: they end exactly where the next one says. */
static int
segment_whole(struct segment_scan *sc, const struct segment *sg, const struct segment *next, uint64_t proved_to, struct err *err)
{
	struct record re;
	struct slice payload;
	int rc;

	do
		rc = segment_scan_next(sc, &re, sc->seq >= proved_to ? &payload : NULL, err);
	while (rc == 1);
	if (rc < 0)
		return -1;
	if (sc->offset != next->start - sg->start || sc->seq != next->seq_before || sc->sum != next->sum_before)
		return journal_damaged(err, sc->path, sc->seq + 1, sc->offset, "a later segment goes on behind it");
	return 0;
}

/* The records of the last segment, and what stands behind them. */
static int
segment_tail(const struct journal *jo, struct segment_scan *sc, const struct journal_head *he, struct err *err)
{
	struct record re;
	struct slice payload;
	uint64_t stopped = 0; /* where the look before this one stopped */
	int rc;

	for (;;) {
		do
			rc = segment_scan_next(sc, &re, sc->seq >= he->checkpoint ? &payload : NULL, err);
		while (rc == 1);
		if (rc == 0)
			rc = segment_scan_ahead(sc, err);
		if (rc <= 0)
			break;
		/* A running writer may have appended several while we looked: then a second look gets on. */
		if (!jo->opt.read_only || sc->offset == stopped)
			return journal_damaged(err, sc->path, sc->seq + 1, sc->offset, "valid records follow it");
		stopped = sc->offset;
		segment_scan_refresh(sc);
	}
	if (rc < 0)
		return -1;
	if (sc->seq < he->last)
		return err_set(err, ERR_CORRUPT,
		    "journal %s ends at record %" PRIu64 " (byte %" PRIu64 " of %s), but %" PRIu64
		    " records were durable: the last ones are damaged or gone; restore the newest backup",
		    jo->dir, sc->seq, sc->offset, sc->path, he->last);
	return 0;
}

/* Walks the segments from the one that holds the record behind the checkpoint. */
static int
segments_prove(struct journal *jo, const struct journal_head *he, struct err *err)
{
	struct segment_scan sc = {0};
	size_t i = jo->n_segments - 1;
	int rc = 0;

	while (i > 0 && jo->segments[i].seq_before > he->checkpoint)
		i--;
	for (; rc == 0 && i < jo->n_segments; i++) {
		bool last = i + 1 == jo->n_segments;

		if (journal_segment_path(jo, jo->segments[i].start, jo->path, err) != 0)
			rc = -1;
		else if ((jo->fd = open(jo->path, (jo->opt.read_only || !last ? O_RDONLY : O_RDWR) | O_CLOEXEC)) < 0)
			rc = file_err(err, "open", jo->path);
		if (rc != 0)
			break;
		segment_scan_begin(&sc, jo->fd, jo->path, &jo->segments[i]);
		rc = last ? segment_tail(jo, &sc, he, err) : segment_whole(&sc, &jo->segments[i], &jo->segments[i + 1], he->checkpoint, err);
		if (!last) {
			(void)close(jo->fd);
			jo->fd = -1;
		}
	}
	jo->tail = sc.offset;
	jo->last = sc.seq;
	jo->sum = sc.sum;
	segment_scan_free(&sc);
	return rc;
}

/* Cuts what stands behind the last record, so that nothing of it can ever be taken for a record, and makes everything
 * that was read durable: a killed process may have left it unsynced, and it is about to be folded. */
static int
tail_cut(struct journal *jo, struct err *err)
{
	if (ftruncate(jo->fd, (off_t)jo->tail) != 0)
		return file_err(err, "cut", jo->path);
	jo->size = jo->tail > jo->opt.segment_bytes ? jo->tail : jo->opt.segment_bytes;
	if (journal_reserve(jo->fd, jo->size, jo->path, err) != 0)
		return -1;
	if (!jo->opt.no_sync && fsync(jo->fd) != 0)
		return file_err(err, "sync", jo->path);
	return jo->opt.no_sync ? 0 : file_sync_dir(jo->dir, err);
}

static int
journal_begin(struct journal *jo, struct err *err)
{
	struct journal_head he = {0};
	char parent[PATH_MAX];

	if (jo->opt.read_only)
		return 0;
	/* The directory's own name, which a process killed since may have made, before anything in it counts. */
	if (!jo->opt.no_sync && (file_path(parent, jo->dir, "..", err) != 0 || file_sync_dir(parent, err) != 0))
		return -1;
	if (getrandom(&he.id, sizeof he.id, 0) != (ssize_t)sizeof he.id)
		return err_set(err, ERR_IO, "the system gives no random bytes: %s", strerror(errno));
	if (journal_head_write(jo->dir, &he, jo->opt.no_sync, err) != 0)
		return -1;
	jo->id = he.id;
	return journal_segment_create(jo, 0, err);
}

int
journal_recover(struct journal *jo, struct err *err)
{
	struct journal_head he = {0};
	int found = journal_head_read(jo->dir, &he, err);

	if (found < 0 || segments_list(jo, err) != 0)
		return -1;
	if (found == 0 && jo->n_segments != 0) {
		/* Beside a writer that was just making it, head is there by now. */
		found = journal_head_read(jo->dir, &he, err);
		if (found < 0)
			return -1;
		if (found == 0)
			return err_set(
			    err, ERR_CORRUPT, "journal %s has segments but no file `head`: something removed it; restore the newest backup", jo->dir);
	}
	if (jo->n_segments == 0) {
		if (he.last != 0)
			return err_set(err, ERR_CORRUPT,
			    "journal %s has lost all its segments (%" PRIu64 " records were durable); restore the newest backup", jo->dir, he.last);
		return journal_begin(jo, err);
	}
	jo->id = he.id;
	jo->checkpoint = he.checkpoint;
	for (size_t i = 0; i < jo->n_segments; i++)
		if (segment_header(jo, i, err) != 0)
			return -1;
	if (segments_prove(jo, &he, err) != 0 || (!jo->opt.read_only && tail_cut(jo, err) != 0))
		return -1;
	jo->synced = jo->last;
	return 0;
}
