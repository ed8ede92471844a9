/* Inside the journal's room: what its files share. */
#ifndef DIDEBAN_STATE_JOURNAL_PRIVATE_H
#define DIDEBAN_STATE_JOURNAL_PRIVATE_H

#include "state/base/file.h"
#include "state/base/limits.h"
#include "state/journal/journal.h"
#include "state/journal/segment.h"

struct journal {
	char *dir;
	struct journal_options opt;
	int lock; /* the directory, held by flock while open for writing */
	uint64_t id;
	struct segment *segments;
	size_t n_segments, cap_segments;

	int fd;              /* the last segment; -1 before the first */
	char path[PATH_MAX]; /* its name, for messages */
	uint64_t tail, size; /* in it: where the next record goes, and the preallocated end */
	uint64_t last, sum;  /* of the last record */
	uint64_t synced;     /* last sequence known to be durable */
	uint64_t checkpoint; /* as in head */
	struct err failure;  /* of the first failed write or sync; all later calls repeat it */

	/* Read-only descriptors of earlier segments for journal_read_at, the least recently used one is closed first. */
	struct {
		int fd;
		size_t segment;
		uint64_t used;
	} open[LIMIT_JOURNAL_FILES];
	uint64_t clock;
};

struct journal_head {
	uint64_t id, last, checkpoint;
};

/* 1: read; 0: there is none; -1: damaged, newer or unreadable. */
int journal_head_read(const char *dir, struct journal_head *ret, struct err *err);
int journal_head_write(const char *dir, const struct journal_head *he, bool no_sync, struct err *err);

int journal_segment_push(struct journal *jo, const struct segment *sg, struct err *err);
/* Full name of a segment's file. */
int journal_segment_path(const struct journal *jo, uint64_t start, char ret[PATH_MAX], struct err *err);
/* File offset behind the last record of segment i. */
uint64_t journal_segment_end(const struct journal *jo, size_t i);
/* Finds the segments, proves what must be proved, and sets the journal's end; makes the first one if there is none. */
int journal_recover(struct journal *jo, struct err *err);
/* Creates the next segment with room for `payload` bytes and makes it the last. */
int journal_segment_create(struct journal *jo, uint64_t payload, struct err *err);
/* Reserves the space of the last segment's file, from its end on. */
int journal_reserve(int fd, uint64_t size, const char *path, struct err *err);
int journal_damaged(struct err *err, const char *path, uint64_t seq, uint64_t offset, const char *why);

#endif
