/* XXH3 in one place, inlined: tables, filters and fingerprints. Not for anything an adversary may forge without a seed. */
#ifndef DIDEBAN_STATE_BASE_HASH_H
#define DIDEBAN_STATE_BASE_HASH_H

#include "state/base/slice.h"

#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t
hash64(struct slice s)
{
	return XXH3_64bits(s.p, s.n);
}

static inline uint64_t
hash64_seeded(struct slice s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s.p, s.n, seed);
}

#endif
