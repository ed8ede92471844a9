/* Records in the order of their keys, however many: what is over the memory allowed lies in a temporary store of its own (TMPDIR,
 * or /tmp; ERR_FULL where that has less than 64 MiB free), which goes with it. None of its reads counts as a store's. One thread. */
#ifndef DIDEBAN_STATE_STORE_SORTER_H
#define DIDEBAN_STATE_STORE_SORTER_H

#include "state/base/err.h"
#include "state/base/slice.h"

struct sorter;

struct sorter *sorter_new(size_t max_bytes); /* of memory; NULL: there is none */
void sorter_free(struct sorter *so);         /* NULL is fine */
/* Copies both. Of equal keys the last one counts; a key begins with no zero byte. ERR_LIMIT as for changes_put; ERR_FULL, ERR_IO. */
int sorter_add(struct sorter *so, struct slice key, struct slice value, struct err *err);
/* Calls fn for each record, in order; nothing can be added any more. What is not 0 stops, and is returned. */
int sorter_each(struct sorter *so, int (*fn)(void *ctx, struct slice key, struct slice value, struct err *err), void *ctx, struct err *err);

#endif
