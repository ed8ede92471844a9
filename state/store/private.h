/* Inside the store's room: what its files share. */
#ifndef DIDEBAN_STATE_STORE_PRIVATE_H
#define DIDEBAN_STATE_STORE_PRIVATE_H

#include "state/base/arena.h"
#include "state/base/file.h"
#include "state/base/limits.h"
#include "state/store/store.h"

#include <rocksdb/c.h>

/* The store's own key: journal sequence of the checkpoint, u64. Ingested in the same file set as what it speaks of. */
#define CHECKPOINT_KEY "\0checkpoint"
#define CHECKPOINT_KEY_BYTES (sizeof CHECKPOINT_KEY - 1)
#define CHECKPOINT_FILE "checkpoint-" /* DIR/checkpoint-N.sst: sorted files on their way in */
#define SPILL_FILE "spill-"           /* DIR/spill-N.sst: those that wait for a checkpoint to begin */

enum change_how { CHANGE_PUT, CHANGE_DELETE, CHANGE_APPEND };

/* One change: the bytes of its key, then of its value; of what is appended, the place of a shared end between them. */
struct change {
	uint64_t prefix; /* 8 bytes of the key, big-endian, for sorting */
	const char *p;
	uint32_t key_n : 24, how : 8;
	uint32_t value_n;
};
_Static_assert(LIMIT_KEY_BYTES < 1 << 24, "a key's length has 24 bits");

struct changes {
	struct change *list, *spare; /* spare: of the same size, made for sorting */
	size_t n, cap, cap_spare;
	struct arena bytes;
	uint64_t written; /* keys and values as files will hold them: a shared end with each piece that it ends */
};

struct store {
	char *dir;
	struct store_options opt;
	int lock; /* DIR/lock, -1 when read-only */
	rocksdb_t *db;
	rocksdb_cache_t *cache;
	rocksdb_options_t *options;      /* of the database */
	rocksdb_options_t *file_options; /* of the sorted files that checkpoints write */
	rocksdb_readoptions_t *read;
	struct store_iter *idle; /* a group's walk that ended; NULL: none */
	struct changes overlay;  /* read-only: what was taken in over the database, sorted, each key once */
	uint64_t seq;
	size_t files, spilled;           /* sorted files that were written and not taken in; of them, those that wait */
	uint64_t spilled_bytes;          /* of keys and values in them */
	rocksdb_perfcontext_t *counters; /* RocksDB's own, of this thread, over all its stores */
	struct store_reads reads;        /* blocks and bytes: what the counters held that is none of ours */
	bool failed;
};

/* Orders by key bytewise; of equal keys, the one that came first stays first. */
int changes_sort(struct changes *ch, struct err *err);
void changes_clear(struct changes *ch);
int changes_push(struct changes *ch, struct slice key, struct slice value, enum change_how how, struct err *err); /* copies */
/* What the set, sorted, comes to in a checkpoint of `seq`: each key once, in order; put, or deleted. What was appended is joined. */
int changes_each(const struct changes *ch, uint64_t seq, int (*fn)(void *ctx, struct slice key, struct slice value, bool deleted, struct err *err),
    void *ctx, struct err *err);
bool changes_appends(const struct changes *ch);
/* The bytes of a key that are its group. */
size_t store_group_bytes(const char *key, size_t n);
/* ERR_LIMIT unless these are a group that ends with its zero, with room in a key for so many bytes behind it. */
int store_need_group(struct slice group, size_t behind, struct err *err);

static inline struct slice
change_key(const struct change *c)
{
	return slice_of(c->p, c->key_n);
}

static inline struct slice
change_value(const struct change *c)
{
	return slice_of(c->p + c->key_n, c->value_n);
}

/* Turns a text of RocksDB into an error (and frees it): code by its beginning, text with the store's directory. */
int store_rocks_err(struct err *err, const char *dir, const char *what, char *text);
/* ERR_FULL if fewer than `need` bytes are free where DIR lies. */
int store_need_space(const char *dir, uint64_t need, struct err *err);

/* Whether this thread counts what it reads from files, for all its stores. */
void store_count_reads(bool on);
/* What was read since then is none of a look-up's or walk's. */
void store_forget_reads(struct store *st, const struct store_reads *since);

/* overlay.c: a read-only handle takes changes in over the database, in memory. */
int overlay_take(struct store *st, struct changes *ch, uint64_t seq, struct err *err);
/* Index of the first overlay key >= key. */
size_t overlay_seek(const struct store *st, struct slice key);

/* place.c: the directory around the database. */
int store_place_open(struct store *st, bool *ret_fresh, struct err *err);
/* Whether a checkpoint was begun and not ended: its files are left; removes them if asked to, with those that were spilled. */
int store_place_leftovers(const char *dir, bool remove, bool *ret_any, struct err *err);

#endif
