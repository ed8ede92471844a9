/* A timeline: the entries of one subject in the total order (time, source, id, role), as one compact array beside one run of
 * bytes. What lives in memory is whole: all entries of the subject. Late entries of a batch are merged in one pass, so many
 * of them cost one move of what is behind the first. One thread. An entry costs 40 bytes and its id and kept fields. */
#ifndef DIDEBAN_ENGINE_TIMELINE_TIMELINE_H
#define DIDEBAN_ENGINE_TIMELINE_TIMELINE_H

#include "engine/flow/names.h"

enum { ENTRY_CONTESTED = 1 };

struct entry {
	int64_t sec;
	uint32_t nsec;
	uint32_t source; /* name */
	uint32_t at;     /* place of id and kept bytes in timeline.bytes */
	uint16_t id_len, kept_len;
	uint16_t layout;
	uint8_t role, flags;
	uint32_t stream; /* name */
	uint64_t number;
};

/* One entry on its way in or out. Slices borrowed; `kept` is not looked at for a removal. */
struct delta {
	bool remove;
	struct instant time;
	uint32_t source, stream;
	uint64_t number;
	uint16_t layout;
	uint8_t role, flags;
	struct slice id, kept;
	uint32_t index; /* after timeline_merge: the entry's place, or the place where the removed one stood */
	bool found;     /* of a removal: there was such an entry; its kept bytes are then in `kept` (valid until the next merge) */
};

struct timeline {
	struct entry *v;
	uint32_t n, cap;
	char *bytes;
	uint32_t n_bytes, cap_bytes, garbage;
	uint32_t version; /* another one whenever entries came or went */
};

void timeline_free(struct timeline *tl); /* its arrays; a zeroed struct is an empty timeline */

static inline struct instant
entry_time(const struct entry *en)
{
	return (struct instant){en->sec, en->nsec};
}

static inline struct slice
entry_id(const struct timeline *tl, const struct entry *en)
{
	return slice_of(tl->bytes + en->at, en->id_len);
}

static inline struct slice
entry_kept(const struct timeline *tl, const struct entry *en)
{
	return slice_of(tl->bytes + en->at + en->id_len, en->kept_len);
}

/* Order of (time, source, id). */
int event_order(const struct names *na, struct instant t1, uint32_t source1, struct slice id1, struct instant t2, uint32_t source2, struct slice id2);
/* First index whose (time, source, id) is >= the given one. */
uint32_t timeline_find(const struct timeline *tl, const struct names *na, struct instant time, uint32_t source, struct slice id);
/* First index with time >= t. */
uint32_t timeline_find_time(const struct timeline *tl, struct instant t);
/* Entries i and j are of one event. */
bool timeline_same_event(const struct timeline *tl, uint32_t i, uint32_t j);

/* Sorts `deltas` by order and applies them: removals first where both name one place. Sets index and found. What is before the
 * first delta's place does not move. On failure the timeline is unchanged. */
int timeline_merge(struct timeline *tl, const struct names *na, struct delta *deltas, size_t n, struct err *err);
/* Where the first change will be: entries below this index stay as they are. */
uint32_t timeline_first_change(const struct timeline *tl, const struct names *na, const struct delta *deltas, size_t n);

/* Reading a log of what came and went: appends one piece of it without looking for its place. After the last one timeline_settle
 * puts them in order; of several about one place the last one counts. */
int timeline_push(struct timeline *tl, const struct delta *de, struct err *err);
void timeline_settle(struct timeline *tl, const struct names *na);
size_t timeline_bytes(const struct timeline *tl);

#endif
