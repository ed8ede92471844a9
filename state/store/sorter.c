#include "state/store/sorter.h"

#include "state/store/private.h"

#include <stdlib.h>

#define CACHE_BYTES (8 * MIB)
#define LEAVE_FREE (64 * MIB) /* of the disk */

struct sorter {
	size_t max_bytes;
	struct changes *changes;
	char dir[PATH_MAX];
	struct store *store; /* NULL: all of it is in `changes` */
	uint64_t spills;
};

struct sorter *
sorter_new(size_t max_bytes)
{
	struct sorter *so = calloc(1, sizeof *so);

	if (so == NULL)
		return NULL;
	so->max_bytes = max_bytes;
	so->changes = changes_new();
	if (so->changes != NULL)
		return so;
	free(so);
	return NULL;
}

void
sorter_free(struct sorter *so)
{
	struct err ignored; /* it lies in the folder of temporary things, and there is nobody to tell */

	if (so == NULL)
		return;
	changes_free(so->changes);
	store_close(so->store);
	if (so->dir[0] != '\0')
		(void)file_remove_tree(so->dir, &ignored);
	free(so);
}

static int
spill(struct sorter *so, struct err *err)
{
	static const struct store_options opt = {.temporary = true, .cache_bytes = CACHE_BYTES, .min_free_bytes = LEAVE_FREE};
	int rc;

	store_count_reads(false);
	if (so->store == NULL && (file_temporary_dir(so->dir, err) != 0 || store_open(&so->store, so->dir, &opt, err) != 0))
		rc = -1;
	else
		rc = store_checkpoint(so->store, so->changes, ++so->spills, err);
	store_count_reads(true);
	return rc;
}

int
sorter_add(struct sorter *so, struct slice key, struct slice value, struct err *err)
{
	if (changes_put(so->changes, key, value, err) != 0)
		return -1;
	return changes_bytes(so->changes) < so->max_bytes ? 0 : spill(so, err);
}

struct handing {
	int (*fn)(void *ctx, struct slice key, struct slice value, struct err *err);
	void *ctx;
};

static int
hand_over(void *ctx, struct slice key, struct slice value, bool deleted, struct err *err)
{
	const struct handing *ha = ctx;

	(void)deleted; /* none is */
	return ha->fn(ha->ctx, key, value, err);
}

int
sorter_each(struct sorter *so, int (*fn)(void *ctx, struct slice key, struct slice value, struct err *err), void *ctx, struct err *err)
{
	struct handing ha = {fn, ctx};
	struct store_iter *it = NULL;
	struct slice key, value;
	int rc, got = 0;

	if (so->store == NULL)
		return changes_sort(so->changes, err) != 0 ? -1 : changes_each(so->changes, 0, hand_over, &ha, err);
	rc = spill(so, err);
	store_count_reads(false);
	if (rc == 0)
		rc = store_iter_open(&it, so->store, slice_of("", 0), slice_of("", 0), err);
	while (rc == 0 && (got = store_iter_next(it, &key, &value, err)) > 0) {
		store_count_reads(true); /* who is called reads from a store of its own */
		rc = fn(ctx, key, value, err);
		store_count_reads(false);
	}
	store_iter_close(it);
	store_count_reads(true);
	return got < 0 ? -1 : rc;
}
