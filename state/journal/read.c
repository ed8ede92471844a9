/* Reading back: bytes by their place, and records in order. */
#include "state/journal/private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* Index of the segment that holds a place; the caller knows that there is one. */
static size_t
segment_of(const struct journal *jo, uint64_t at)
{
	size_t lo = 0, hi = jo->n_segments;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (jo->segments[mid].start <= at)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* A descriptor of an earlier segment; few are kept open. */
static int
segment_fd(struct journal *jo, size_t segment, char path[PATH_MAX], struct err *err)
{
	size_t oldest = 0;

	if (journal_segment_path(jo, jo->segments[segment].start, path, err) != 0)
		return -1;
	if (segment + 1 == jo->n_segments && jo->fd >= 0)
		return jo->fd;
	for (size_t i = 0; i < LIMIT_JOURNAL_FILES; i++) {
		if (jo->open[i].fd >= 0 && jo->open[i].segment == segment) {
			jo->open[i].used = ++jo->clock;
			return jo->open[i].fd;
		}
		if (jo->open[i].used < jo->open[oldest].used)
			oldest = i;
	}
	if (jo->open[oldest].fd >= 0)
		(void)close(jo->open[oldest].fd);
	jo->open[oldest].used = ++jo->clock;
	jo->open[oldest].segment = segment;
	jo->open[oldest].fd = open(path, O_RDONLY | O_CLOEXEC);
	if (jo->open[oldest].fd < 0)
		return file_err(err, "open", path);
	return jo->open[oldest].fd;
}

int
journal_read_at(struct journal *jo, uint64_t at, void *ret, size_t n, struct err *err)
{
	char path[PATH_MAX];
	uint64_t offset;
	size_t segment;
	ssize_t got;
	int fd;

	if (jo->n_segments == 0)
		return err_set(err, ERR_CORRUPT, "journal %s is empty, but byte %" PRIu64 " of it is wanted", jo->dir, at);
	segment = segment_of(jo, at);
	offset = at - jo->segments[segment].start;
	if (offset > journal_segment_end(jo, segment) || journal_segment_end(jo, segment) - offset < n)
		return err_set(err, ERR_CORRUPT,
		    "journal %s has no %zu bytes at place %" PRIu64 ": journal and store do not belong together; restore the newest backup", jo->dir,
		    n, at);
	fd = segment_fd(jo, segment, path, err);
	if (fd < 0)
		return -1;
	got = file_read_at(fd, ret, n, offset, path, err);
	if (got < 0)
		return -1;
	if ((size_t)got < n)
		return err_set(err, ERR_CORRUPT, "journal segment %s is shorter than its records; restore the newest backup", path);
	return 0;
}

struct journal_reader {
	struct journal *jo;
	uint64_t from;
	size_t segment;
	int fd; /* its own; -1 before the first segment */
	char path[PATH_MAX];
	struct segment_scan scan;
};

static int
reader_segment(struct journal_reader *rd, size_t segment, struct err *err)
{
	if (rd->fd >= 0)
		(void)close(rd->fd);
	rd->fd = -1;
	if (journal_segment_path(rd->jo, rd->jo->segments[segment].start, rd->path, err) != 0)
		return -1;
	rd->fd = open(rd->path, O_RDONLY | O_CLOEXEC);
	if (rd->fd < 0)
		return file_err(err, "open", rd->path);
	rd->segment = segment;
	segment_scan_begin(&rd->scan, rd->fd, rd->path, &rd->jo->segments[segment]);
	return 0;
}

int
journal_reader_open(struct journal_reader **ret, struct journal *jo, uint64_t from, struct err *err)
{
	struct journal_reader *rd = calloc(1, sizeof *rd);
	size_t i = jo->n_segments;

	if (rd == NULL)
		return err_nomem(err);
	rd->jo = jo;
	rd->from = from;
	rd->fd = -1;
	while (i > 1 && jo->segments[i - 1].seq_before >= from)
		i--;
	if (i > 0 && reader_segment(rd, i - 1, err) != 0) {
		journal_reader_close(rd);
		return -1;
	}
	*ret = rd;
	return 0;
}

/* The scan has stopped before the journal's last record: is this the end of a segment? 1: go on; -1. */
static int
reader_cross(struct journal_reader *rd, struct err *err)
{
	const struct journal *jo = rd->jo;
	const struct segment *next = &jo->segments[rd->segment + 1];

	if (rd->segment + 1 >= jo->n_segments)
		return journal_damaged(err, rd->path, rd->scan.seq + 1, rd->scan.offset, "it was whole when it was written");
	if (rd->scan.offset != next->start - jo->segments[rd->segment].start || rd->scan.seq != next->seq_before || rd->scan.sum != next->sum_before)
		return journal_damaged(err, rd->path, rd->scan.seq + 1, rd->scan.offset, "a later segment goes on behind it");
	return reader_segment(rd, rd->segment + 1, err) != 0 ? -1 : 1;
}

int
journal_reader_next(struct journal_reader *rd, uint64_t *ret_seq, uint8_t *ret_kind, struct slice *ret_payload, uint64_t *ret_at, struct err *err)
{
	if (rd->fd < 0 && rd->jo->n_segments != 0 && reader_segment(rd, 0, err) != 0)
		return -1;
	while (rd->jo->n_segments != 0 && rd->scan.seq < rd->jo->last) {
		struct record re;
		uint64_t offset = rd->scan.offset;
		bool wanted = rd->scan.seq + 1 >= rd->from;
		int rc = segment_scan_next(&rd->scan, &re, wanted ? ret_payload : NULL, err);

		if (rc == 0) {
			/* What was read ahead may be older than the records appended since. */
			segment_scan_refresh(&rd->scan);
			rc = segment_scan_next(&rd->scan, &re, wanted ? ret_payload : NULL, err);
		}
		if (rc == 0) {
			rc = reader_cross(rd, err);
			if (rc == 1)
				continue;
		}
		if (rc < 0)
			return -1;
		if (!wanted)
			continue;
		*ret_seq = re.seq;
		*ret_kind = re.kind;
		if (ret_at != NULL)
			*ret_at = rd->jo->segments[rd->segment].start + offset + RECORD_HEAD_BYTES;
		return 1;
	}
	return 0;
}

void
journal_reader_close(struct journal_reader *rd)
{
	if (rd == NULL)
		return;
	if (rd->fd >= 0)
		(void)close(rd->fd);
	segment_scan_free(&rd->scan);
	free(rd);
}
