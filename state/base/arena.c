#include "state/base/arena.h"

#include <stdlib.h>

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(16) char data[];
};

#ifdef DIDEBAN_FUZZ
#define BLOCK_BYTES ((size_t)0) /* each piece is a block of its own: the sanitizer sees where it ends */
#else
#define BLOCK_BYTES (((size_t)1 << 20) - sizeof(struct arena_block)) /* with its head what allocators have a size for */
#endif

static void
blocks_free(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void
arena_free(struct arena *a)
{
	blocks_free(a->head);
	blocks_free(a->kept);
	*a = (struct arena){.keep = a->keep};
}

void
arena_reset(struct arena *a)
{
	size_t kept = 0;

	if (a->head == NULL)
		return;
	for (const struct arena_block *block = a->kept; block != NULL; block = block->next)
		kept += block->size;
	while (a->head->next != NULL) {
		struct arena_block *block = a->head;

		a->head = block->next;
		/* A larger one was made for something that may never come again. */
		if (block->size > BLOCK_BYTES || kept + block->size > a->keep) {
			free(block);
			continue;
		}
		kept += block->size;
		block->next = a->kept;
		a->kept = block;
	}
	a->p = a->head->data;
	a->end = a->p + a->head->size;
	a->bytes = 0;
}

void *
arena_alloc_slow(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
	struct arena_block *block = a->kept;

	if (block != NULL && block->size >= n) {
		a->kept = block->next;
		size = block->size;
	} else {
		block = malloc(sizeof *block + size);
		if (block == NULL)
			return NULL;
		block->size = size;
	}
	block->next = a->head;
	a->head = block;
	a->p = block->data + n;
	a->end = block->data + size;
	a->bytes += n;
	return block->data;
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p == NULL)
		return slice_of(NULL, 0);
	if (s.n != 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return slice_of(p, s.n);
}
