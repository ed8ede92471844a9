/* A file of events: NDJSON or a JSON array, plain or compressed (.gz, .xz, .zst, by extension), or standard input ("-").
 * Yields the raw bytes of one event after the other with its position; what the bytes mean is the engine's business.
 *
 * The file is an array only if its first non-blank byte is `[` and the array is not closed on that line. Its elements are
 * told apart by brackets and strings alone, without parsing: a damaged element is handed on and set aside by the engine.
 * A byte order mark at the start, CR before LF, blank lines and a missing last newline are fine.
 *
 * Memory: LIMIT_FILE_BUFFER, whatever the input. One thread. Cost: one read() and one memchr() over the bytes, no copies. */
#ifndef DIDEBAN_CONNECTORS_FILE_SOURCE_H
#define DIDEBAN_CONNECTORS_FILE_SOURCE_H

#include "connectors/source.h"

struct file_source;

struct file_source_options {
	bool growing;  /* somebody still writes it: the end of the file is not the end of its last line */
	uint64_t skip; /* lines or elements up to this number were consumed before: they are passed over */
};

/* name is copied. opt NULL: a file that is complete. Errors name the file. */
int file_source_open(struct file_source **ret, const char *name, const struct file_source_options *opt, struct err *err);
void file_source_close(struct file_source *fs); /* NULL is fine */

/* 1: an item; 0: the end (a growing file: nothing whole for now, ask again later); -1: error: a file that cannot be read,
 * or a compressed one that is damaged or cut short. What was yielded before it stands. */
int file_source_next(struct file_source *fs, struct source_item *ret, struct err *err);

/* No more comes: the last line of a growing file is whole without its newline. */
void file_source_finish(struct file_source *fs);
/* Bytes of a begun last line (or array) that wait for their end; *ret_whole: its brackets are closed. */
uint64_t file_source_waiting(const struct file_source *fs, bool *ret_whole);

/* Bytes read of the file (compressed ones, where it is), and its size; 0 if it has none. */
void file_source_progress(const struct file_source *fs, uint64_t *ret_done, uint64_t *ret_total);
/* Highest line or element number seen. */
uint64_t file_source_number(const struct file_source *fs);

#endif
