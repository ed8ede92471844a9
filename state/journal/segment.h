/* Inside the journal's room: the bytes of a segment file, and reading them one record after the other.
 *
 *   header, 56 bytes
 *   | "DIDEBANJ" | u32 format | u32 zero | u64 id | u64 start | u64 sequence before | u64 sum before | u64 XXH3-64 of these |
 *   record, 32 bytes and the payload
 *   | u32 length | u8 kind, u24 ahead | u64 sequence | u64 check | u64 sum | payload |
 *
 *   check   XXH3-64 of (length, kind, ahead, sequence, payload), seeded with the journal's id: proves one record alone, so
 *           that a valid one is recognised behind a damaged one. The id is random: no input from outside can forge a record.
 *   sum     XXH3-64 of (sum before, check): the chain. It can be followed through the record heads without the payloads.
 *   ahead   how many records before this one were not yet synced when it was written. A power cut may keep a later record
 *           of such a group and lose an earlier one: that is a torn tail, no corruption. */
#ifndef DIDEBAN_STATE_JOURNAL_SEGMENT_H
#define DIDEBAN_STATE_JOURNAL_SEGMENT_H

#include "state/base/buf.h"
#include "state/base/err.h"

#define SEGMENT_HEAD_BYTES 56u
#define RECORD_HEAD_BYTES 32u
#define RECORD_AHEAD_MAX 0xffffffu
#define SEGMENT_FORMAT 1u

struct segment {
	uint64_t id;
	uint64_t start;      /* place of the file's first byte */
	uint64_t seq_before; /* last sequence of the segment before, 0 in the first */
	uint64_t sum_before; /* its sum */
};

struct record {
	uint32_t length, ahead;
	uint8_t kind;
	uint64_t seq, check, sum;
};

void segment_head_write(char *to, const struct segment *sg);
/* 0, or -1: not a segment's header, or damaged. ERR_NEWER and ERR_CORRUPT name `path`. */
int segment_head_read(const char *from, size_t n, struct segment *ret, const char *path, struct err *err);

void record_head_write(char *to, const struct record *re);
void record_head_read(const char *from, struct record *ret);
/* The sums of a record whose length, kind, ahead and seq are set. -1: out of memory. */
int record_check(uint64_t id, const struct record *re, const struct slice *parts, size_t n_parts, uint64_t *ret);
uint64_t record_sum(uint64_t sum_before, uint64_t check);

/* One pass over the records of a segment file. */
struct segment_scan {
	int fd;
	const char *path;
	uint64_t id;
	uint64_t offset;   /* in the file: where the next record begins */
	uint64_t seq, sum; /* of the last record passed */
	struct buf window, payload;
	uint64_t window_offset;
};

void segment_scan_begin(struct segment_scan *sc, int fd, const char *path, const struct segment *sg);
void segment_scan_free(struct segment_scan *sc);
/* 1: the next record is whole: *ret, its payload if `payload` is not NULL (only then are its bytes read and proved; it
 * stays valid until the next call); 0: none is there, or not a whole one; -1: error. */
int segment_scan_next(struct segment_scan *sc, struct record *ret, struct slice *payload, struct err *err);
/* Behind the place where segment_scan_next returned 0: 1 if a valid record proves that what is missing there was once
 * durable, 0 if not, -1 error. */
int segment_scan_ahead(struct segment_scan *sc, struct err *err);
/* Forgets what it has read ahead, because the file may have grown. */
void segment_scan_refresh(struct segment_scan *sc);

#endif
