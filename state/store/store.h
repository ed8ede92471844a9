/* The store below the journal: all fold state as of one journal position, in RocksDB (included in this
 * directory alone). One column family; nothing is ever written to it but sorted files, ingested together with
 * their journal position: so there is no log of RocksDB's own to lose, and a checkpoint is there whole or not at all.
 *
 *   DIR/format        text: "dideban-store N\n", N = STORE_FORMAT; another number is refused (ERR_NEWER)
 *   DIR/lock          held by flock while open for writing (ERR_LOCKED names the holder's process)
 *   DIR/db/           RocksDB
 *   DIR/spill-N.sst, DIR/checkpoint-N.sst   what a checkpoint is to take in; left behind, it is removed at the next opening
 *   DIR/journal/      state/journal
 *
 * Keys are bytes; what they mean is engine/flow/keys.h. Keys that begin with a zero byte are the store's own. A key's group is
 * what it begins with, up to and including its first zero byte, or all of it: files that hold nothing of a group are passed over by
 * their filters when it is walked, or a key of it looked up.
 * One thread. A read costs 2-4 us when it must ask a file: ask memory first. */
#ifndef DIDEBAN_STATE_STORE_STORE_H
#define DIDEBAN_STATE_STORE_STORE_H

#include "state/base/buf.h"
#include "state/base/err.h"

/* Of all that a store holds, also of keys and values that others give meaning to. 2: alerts are records of their own.
 * 3: identities have other fingerprints, files know their keys' groups. 4: a withdrawn alert says why. 5: a timeline is
 * a log of what came and went, files know nothing but groups. */
#define STORE_FORMAT 5u

struct store;

struct store_options {
	bool read_only;          /* beside a running writer: sees the newest checkpoint at the time of opening */
	size_t cache_bytes;      /* block cache; 0: 64 MiB */
	bool temporary;          /* no syncs: removed by its owner at the end */
	uint32_t slow_walk_ns;   /* store_expect: a walk that takes so long was not answered from memory; 0: 50,000 */
	uint64_t min_free_bytes; /* intake stops (ERR_FULL) below this much free space; 0: 256 MiB, or 0 when temporary */
};

/* Opens or creates DIR (not its journal). Errors: ERR_NEWER, ERR_LOCKED, ERR_CORRUPT, ERR_FULL, ERR_IO, each with a text
 * that names DIR and the cure. read_only on a directory that holds no store: ERR_USAGE. */
int store_open(struct store **ret, const char *dir, const struct store_options *opt, struct err *err);
void store_close(struct store *st); /* NULL is fine */

/* Journal sequence of the newest checkpoint, 0 if none. */
uint64_t store_checkpoint_seq(const struct store *st);

/* What the files were asked for since opening, but for what checkpoints read of those that they write. */
struct store_reads {
	uint64_t gets, walks;   /* look-ups of one key; seeks of iterators */
	uint64_t blocks, bytes; /* read from files for them, as the block cache did not hold them (the system's may have) */
};
void store_reads(const struct store *st, struct store_reads *ret);
size_t store_cache_bytes(const struct store *st); /* in memory: blocks of its files, with their indexes and filters */

/* 1: found, *ret filled (cleared first); 0: not there; -1: error. */
int store_get(struct store *st, struct slice key, struct buf *ret, struct err *err);

/* Keys in [lo, hi) in order. */
struct store_iter;
int store_iter_open(struct store_iter **ret, struct store *st, struct slice lo, struct slice hi, struct err *err);
/* The keys of one group; `group` ends with its zero byte. */
int store_iter_open_group(struct store_iter **ret, struct store *st, struct slice group, struct err *err);
/* 1: *key and *value borrowed until the next call; 0: end; -1: error. */
int store_iter_next(struct store_iter *it, struct slice *key, struct slice *value, struct err *err);
/* Jumps forward to the first key >= `key` (used to skip a subject's entries). */
void store_iter_seek(struct store_iter *it, struct slice key);
void store_iter_close(struct store_iter *it);
/* A hint: these groups will be walked. Walks some of them; where those come from a disk, reads all into the block cache, with a few
 * threads of its own, and returns when they are there. Not to be asked for what is likely in memory: some is walked twice. */
void store_expect(struct store *st, const struct slice *groups, size_t n);
/* Making an iterator costs about as much as a seek: that of a group serves for the next one, and sees what the files held when it
 * was made, until a checkpoint. It also keeps files that were merged since from being removed: call this before a pause. */
void store_rest(struct store *st);

/* A change set gathers puts and deletes in any order; the last one of a key counts. What is appended to a group (its bytes with the
 * zero; nothing else may be put into it) becomes one value a checkpoint, the pieces in their order, or several where it is long: under
 * the group, the checkpoint's seq (u64 big-endian) and the part's number (u16 big-endian). It copies what it is given, but what
 * pieces share.
 * store_checkpoint writes it as sorted files and ingests them with `seq` in one atomic step, then clears the set.
 * After an error of store_checkpoint the process must stop: nothing of the set is visible, the journal still has it.
 * A read-only handle takes the set in memory, over what the files hold, for its own eyes alone. */
struct changes;
struct changes *changes_new(void); /* NULL: out of memory */
void changes_free(struct changes *ch);
int changes_put(struct changes *ch, struct slice key, struct slice value, struct err *err);
int changes_delete(struct changes *ch, struct slice key, struct err *err);
int changes_append(struct changes *ch, struct slice group, struct slice piece, struct err *err);
/* Keeps bytes that end the pieces of several groups, until the set is cleared: they are in memory once. */
int changes_share(struct changes *ch, struct slice end, struct slice *ret, struct err *err);
/* Appends `begin` and an end that changes_share returned since the set was last cleared. */
int changes_append_shared(struct changes *ch, struct slice group, struct slice begin, struct slice end, struct err *err);
size_t changes_bytes(const struct changes *ch); /* memory that its changes take, with sorting them; an empty set may keep some */
size_t changes_count(const struct changes *ch);
int store_checkpoint(struct store *st, struct changes *ch, uint64_t seq, struct err *err);
/* For a checkpoint of more than memory is to hold: writes what the set holds so far as sorted files and clears it. No read sees them
 * before the next checkpoint takes them in, where what was changed last counts. ERR_CORRUPT if anything was appended. A read-only
 * handle keeps the set as it is, and so does one with some 190 files that wait. After another error as above. */
int store_spill(struct store *st, struct changes *ch, struct err *err);

/* ERR_FULL with the figures when the file system that holds DIR has less than min_free_bytes left. Call before each
 * journal append: the database's library aborts the process when its own write meets a full disk. */
int store_space(struct store *st, struct err *err);
/* Whether there is twice that: a program that may pause takes nothing more in when there is not, well before it must stop. */
bool store_has_room(const struct store *st);

/* Reads every block of every file and compares checksums. */
struct store_report {
	uint64_t files, keys, bytes;
	uint64_t checkpoint_seq;
	uint64_t journal_records, journal_bytes; /* filled by state_verify */
};
int store_verify(struct store *st, struct store_report *ret, struct err *err);

/* For copies: calls fn with the name (below DIR/db) of each sorted file in use; a non-zero return stops and is returned. */
int store_files(struct store *st, int (*fn)(void *ctx, const char *name, uint64_t bytes, struct err *err), void *ctx, struct err *err);

#endif
