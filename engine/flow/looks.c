#include "engine/flow/looks.h"

#include "state/base/limits.h"

#include <stdlib.h>

#define KEEP_BYTES (64 * KIB)

struct look_place {
	uint64_t signature, total;
	uint32_t at, n; /* in the values */
};

void
looks_free(struct looks *lo)
{
	free(lo->v);
	buf_free(&lo->values);
	*lo = (struct looks){0};
}

void
looks_clear(struct looks *lo)
{
	if (lo->cap * sizeof *lo->v + lo->values.cap > KEEP_BYTES)
		looks_free(lo);
	lo->n = 0;
	buf_clear(&lo->values);
}

uint32_t
looks_add(struct looks *lo, const struct look *look)
{
	size_t at = lo->values.n;

	if ((lo->n + 1) * sizeof *lo->v + at + look->values.n > LIMIT_LOOKS_BYTES)
		return HIT_FRESH;
	if (lo->n == lo->cap) {
		uint32_t cap = lo->cap == 0 ? 16 : lo->cap * 2;
		struct look_place *v = realloc(lo->v, cap * sizeof *v);

		if (v == NULL)
			return HIT_FRESH;
		lo->v = v;
		lo->cap = cap;
	}
	buf_add_slice(&lo->values, look->values);
	if (!buf_ok(&lo->values)) {
		lo->values.bad = false;
		return HIT_FRESH;
	}
	lo->v[lo->n] = (struct look_place){look->signature, look->total, (uint32_t)at, (uint32_t)look->values.n};
	return ++lo->n;
}

bool
looks_get(const struct looks *lo, uint32_t fresh, struct look *ret)
{
	const struct look_place *pl;

	if (fresh == 0 || fresh > lo->n)
		return false;
	pl = &lo->v[fresh - 1];
	*ret = (struct look){pl->signature, pl->total, slice_of(lo->values.p + pl->at, pl->n)};
	return true;
}
