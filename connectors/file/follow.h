/* Folders whose files are events: each new file is taken up, in order of its name, and read on while it grows.
 *
 * A stream is FOLDER/NAME; its position is the line (or array element) up to which it was consumed: the store knows it, so a
 * restart goes on there. Names that begin with a dot or end in .part, .tmp or ~ are somebody's unfinished work and not read:
 * a careful sender writes under such a name and renames. A last line without newline waits; it is taken once its brackets are
 * closed and the file has rested for `settle`. A packed file is read once it has rested. A file that is removed is read to
 * its end first, if it was open. A renamed one is read again under its new name: its events are duplicates and change nothing.
 * A file that is replaced by another of the same name is read from its start while we watch, or if it has fewer lines than were
 * read; a longer one that took its place while nobody watched goes on behind them: use a new name for a new file.
 *
 * One thread; the caller hands in the clock. Memory: LIMIT_FILE_BUFFER for each of at most LIMIT_FOLLOWED_OPEN open files. */
#ifndef DIDEBAN_CONNECTORS_FILE_FOLLOW_H
#define DIDEBAN_CONNECTORS_FILE_FOLLOW_H

#include "connectors/file/source.h"

struct follow;
struct follow_options {
	int64_t poll_ms, settle_ms;
	/* Highest number consumed of a stream: it goes on behind it. 1; 0: nothing yet, *ret is 0; -1. */
	int (*position)(void *ctx, struct slice stream, uint64_t *ret, struct err *err);
	void (*note)(void *ctx, const char *text); /* what an operator must know; NULL: none */
	void *ctx;
};

int follow_open(struct follow **ret, const struct follow_options *opt, struct err *err);
void follow_close(struct follow *fo); /* NULL is fine */
/* Folders are numbered 0, 1, 2 ... in order of adding. One that is not there yet is waited for. */
int follow_add(struct follow *fo, const char *dir, struct err *err);
/* 1: the next item and the number of its folder; 0: nothing for now; -1: error. now_ms: any clock that never goes back. */
int follow_next(struct follow *fo, int64_t now_ms, struct source_item *ret, size_t *ret_dir, struct err *err);
/* Sleeps until the system tells of a change, or `fd` is readable (-1: none), but at most so long; less when a signal comes. */
void follow_wait(struct follow *fo, int fd, int64_t most_ms);

#endif
