/* A filter of known identities and subjects: "maybe" or "certainly not", so that the store is asked only when it may answer.
 * Blocked Bloom filters (Putze, Sanders, Singler 2007: one cache line a probe), 12 bits a key, 6 probes: some 1 % false
 * "maybe"s. When one is full, one four times as large follows; so a look-up touches log4(keys) lines. What came since the last
 * checkpoint is stored with it as sealed blocks of fingerprints and read back at start. One thread. */
#ifndef DIDEBAN_ENGINE_FLOW_FILTER_H
#define DIDEBAN_ENGINE_FLOW_FILTER_H

#include "state/store/store.h"

struct filter;

struct filter *filter_new(void); /* NULL: out of memory */
void filter_free(struct filter *fl);
size_t filter_bytes(const struct filter *fl); /* in memory */
/* With the next filter, which comes all at once, when the newest is three quarters full. */
size_t filter_bytes_ahead(const struct filter *fl);
int filter_load(struct filter *fl, struct store *st, struct err *err);

/* A hint that this hash is asked for soon. */
void filter_expect(const struct filter *fl, uint64_t hash);
bool filter_maybe(const struct filter *fl, uint64_t hash);
int filter_add(struct filter *fl, uint64_t hash, struct err *err);
/* Puts what was added since the last call into `ch`, under `seq`. */
int filter_seal(struct filter *fl, struct changes *ch, uint64_t seq, struct err *err);

#endif
