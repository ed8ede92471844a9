/* Looking at a store beside its running writer: what the journal holds behind the newest checkpoint is folded in memory and
 * laid over what the files hold. At most one checkpoint's worth of changes. */
#include "state/store/private.h"

static int
lay_over(void *over, struct slice key, struct slice value, bool deleted, struct err *err)
{
	return changes_push(over, key, value, deleted ? CHANGE_DELETE : CHANGE_PUT, err);
}

int
overlay_take(struct store *st, struct changes *ch, uint64_t seq, struct err *err)
{
	struct changes *over = &st->overlay;
	size_t before = over->n, n = 0;

	if (changes_sort(ch, err) != 0 || changes_each(ch, seq, lay_over, over, err) != 0 || changes_sort(over, err) != 0) {
		over->n = before; /* what was added stands behind them, unsorted */
		return -1;
	}
	/* The sort keeps the order of equal keys: the last one counts. */
	for (size_t i = 0; i < over->n; i++) {
		if (n > 0 && slice_eq(change_key(&over->list[n - 1]), change_key(&over->list[i])))
			n--;
		over->list[n++] = over->list[i];
	}
	over->n = n;
	changes_clear(ch);
	return 0;
}

size_t
overlay_seek(const struct store *st, struct slice key)
{
	size_t lo = 0, hi = st->overlay.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (slice_cmp(change_key(&st->overlay.list[mid]), key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
