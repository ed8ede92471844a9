/* The journal: one ordered log of everything that can change a result.
 * Append-only segment files of our own in DIR: preallocated; one write and one fdatasync a batch. A message leaves only
 * after the record that caused it is durable, so journal_sync() is the only commit point of the whole program.
 *
 *   segment file  <start, 16 hex digits>.seg    start = the place of its first byte in the endless log
 *   +--------+---------+--------------------------------------------------+-------------+
 *   | magic  | format  | records ...                                      | zeros       |
 *   +--------+---------+--------------------------------------------------+-------------+
 *   record   length of payload, kind, sequence, check, sum, payload    (bytes and reasons: segment.h)
 *   check    XXH3-64 of the record alone;  sum   XXH3-64 of (sum of the record before, check): a chain
 *
 * The file `head` (last sequence, checkpoint sequence, checksum) is replaced by rename at each checkpoint and clean
 * close, and compared at open. A bad record with nothing valid behind it, at or above head, is a torn tail: cut (or, when
 * opened read-only, ignored). A bad record with a valid one behind it, or below head, is corruption: named, ERR_CORRUPT.
 * (A valid one behind it that was written before the bad one had been synced proves nothing: a power cut keeps what it
 * likes of an unsynced group.) Opening proves the records behind head's checkpoint, and every segment's header; reading
 * with a journal_reader from 1 proves all.
 * One writer thread. After a failed write or sync every later call fails: the caller must stop. */
#ifndef DIDEBAN_STATE_JOURNAL_JOURNAL_H
#define DIDEBAN_STATE_JOURNAL_JOURNAL_H

#include "state/base/buf.h"
#include "state/base/err.h"

struct journal;

struct journal_options {
	uint64_t segment_bytes; /* 0: 64 MiB; a record larger than that gets a segment of its own */
	bool read_only;         /* beside a running writer: no lock, nothing is changed */
	bool no_sync;           /* for a temporary store: journal_sync() does nothing */
};

/* Opens or creates. */
int journal_open(struct journal **ret, const char *dir, const struct journal_options *opt, struct err *err);
/* Writes `head` unless read-only or failed; NULL is fine; frees always. */
int journal_close(struct journal *jo, struct err *err);

/* Appends one record of n_parts joined; *ret_seq (1, 2, 3 ...) and *ret_at (place of the payload's first byte, for
 * journal_read_at) are set on success. Not durable before journal_sync(). kind is 1 to 255. */
int journal_append(struct journal *jo, uint8_t kind, const struct slice *parts, size_t n_parts, uint64_t *ret_seq, uint64_t *ret_at, struct err *err);
int journal_sync(struct journal *jo, struct err *err);

/* Sequence of the last record, 0 if none. */
uint64_t journal_last(const struct journal *jo);
/* Replaces `head`: everything up to checkpoint_seq is also in the store. */
int journal_head(struct journal *jo, uint64_t checkpoint_seq, struct err *err);

/* Bytes of an earlier payload, by its place. Sees unsynced records too. */
int journal_read_at(struct journal *jo, uint64_t at, void *ret, size_t n, struct err *err);

/* Reads records with sequence >= from, in order. The payload stays valid until the next call. */
struct journal_reader;
int journal_reader_open(struct journal_reader **ret, struct journal *jo, uint64_t from, struct err *err);
/* 1: a record; 0: end; -1: error. */
int journal_reader_next(
    struct journal_reader *rd, uint64_t *ret_seq, uint8_t *ret_kind, struct slice *ret_payload, uint64_t *ret_at, struct err *err);
void journal_reader_close(struct journal_reader *rd); /* NULL is fine */

/* For copies: the segment files of a journal opened read-only, as of its opening, in order. */
struct journal_segment {
	uint64_t start; /* names the file (journal_segment_name) */
	uint64_t bytes; /* up to its last whole record */
	uint64_t last;  /* sequence of that record, 0: none yet */
	uint64_t sum;   /* its sum: two segments with the same start, bytes, last and sum hold the same records */
};
size_t journal_segments(const struct journal *jo);
void journal_segment(const struct journal *jo, size_t i, struct journal_segment *ret);
#define JOURNAL_SEGMENT_NAME_BYTES 24
void journal_segment_name(uint64_t start, char ret[JOURNAL_SEGMENT_NAME_BYTES]);
/* Writes into another directory the `head` that fits a copy of those segments. */
int journal_copy_head(const struct journal *jo, const char *dir, uint64_t checkpoint_seq, struct err *err);

#endif
