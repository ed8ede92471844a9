/* Numbers that look random and are the same for the same seed on every machine: SplitMix64 (Steele, Lea, Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014). Not for secrets. */
#ifndef DIDEBAN_TOOLS_WORLD_RANDOM_H
#define DIDEBAN_TOOLS_WORLD_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t
rng_next(struct rng *rg)
{
	uint64_t z = rg->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 to n - 1, n > 0: the high half of a product, so that no value is much likelier (Lemire 2019, without its last correction). */
static inline uint64_t
rng_below(struct rng *rg, uint64_t n)
{
	return ((rng_next(rg) >> 32) * n) >> 32;
}

static inline bool
rng_chance(struct rng *rg, uint64_t of_thousand)
{
	return rng_below(rg, 1000) < of_thousand;
}

#endif
