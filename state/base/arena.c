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

void
arena_free(struct arena *a)
{
	while (a->head != NULL) {
		struct arena_block *next = a->head->next;

		free(a->head);
		a->head = next;
	}
	*a = (struct arena){0};
}

void
arena_reset(struct arena *a)
{
	if (a->head == NULL)
		return;
	while (a->head->next != NULL) {
		struct arena_block *next = a->head->next;

		free(a->head);
		a->head = next;
	}
	a->p = a->head->data;
	a->end = a->p + a->head->size;
	a->bytes = 0;
}

void *
arena_alloc_slow(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;
	struct arena_block *block = malloc(sizeof *block + size);

	if (block == NULL)
		return NULL;
	block->size = size;
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
