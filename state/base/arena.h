/* An arena: what lives as long as a batch is bump-allocated and released at once. One thread.
 * A reset keeps one block, and more where its owner says so: then a steady state allocates nothing, and nothing else settles in what
 * it needs again. Memory is 16-aligned and not zeroed. */
#ifndef DIDEBAN_STATE_BASE_ARENA_H
#define DIDEBAN_STATE_BASE_ARENA_H

#include "state/base/slice.h"

struct arena_block;
struct arena {
	struct arena_block *head, *kept; /* kept: by resets, to be used again */
	char *p, *end;
	size_t bytes; /* handed out since the last reset */
	size_t keep;  /* of blocks, beside the one; set by the owner */
};

void arena_free(struct arena *a); /* a zeroed struct is an empty arena */
void arena_reset(struct arena *a);
void *arena_alloc_slow(struct arena *a, size_t n);

/* NULL when memory is exhausted. */
static inline void *
arena_alloc(struct arena *a, size_t n)
{
	char *p = a->p;

	n = (n + 15) & ~(size_t)15;
	if ((size_t)(a->end - p) < n)
		return arena_alloc_slow(a, n);
	a->p += n;
	a->bytes += n;
	return p;
}

/* A copy with a terminating zero behind it; p is NULL when memory is exhausted. */
struct slice arena_copy(struct arena *a, struct slice s);

#endif
