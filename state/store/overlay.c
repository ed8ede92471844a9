/* Looking at a store beside its running writer: what the journal holds behind the newest checkpoint is folded in memory and
 * laid over what the files hold. At most one checkpoint's worth of changes. */
#include "state/store/private.h"

int
overlay_take(struct store *st, struct changes *ch, struct err *err)
{
	struct changes *over = &st->overlay;
	size_t n = 0;

	for (size_t i = 0; i < ch->n; i++)
		if (changes_push(over, change_key(&ch->list[i]), change_value(&ch->list[i]), ch->list[i].value_n == CHANGE_DELETE, err) != 0)
			return -1;
	if (changes_sort(over, err) != 0)
		return -1;
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
