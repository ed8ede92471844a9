#include "engine/flow/filter.h"

#include "state/base/limits.h"

#include <stdlib.h>

#define FIRST_KEYS ((size_t)1 << 20)
#define GROWTH 2
#define BITS_PER_KEY 12
#define PROBES 6
/* Of one sealed block. A look-up that finds nothing reads what lies behind: in one piece they were megabytes. */
#define SEAL_BYTES (4 * KIB)
#define LEVELS 16 /* 2^36 keys: no machine holds them */

struct level {
	uint64_t (*lines)[8];
	size_t n_lines; /* a power of two */
	size_t n, room;
};

struct filter {
	struct level levels[LEVELS];
	unsigned n;
	struct buf fresh; /* u64 fingerprints since the last seal */
};

struct filter *
filter_new(void)
{
	return calloc(1, sizeof(struct filter));
}

void
filter_free(struct filter *fl)
{
	if (fl == NULL)
		return;
	for (unsigned i = 0; i < fl->n; i++)
		free(fl->levels[i].lines);
	buf_free(&fl->fresh);
	free(fl);
}

size_t
filter_bytes(const struct filter *fl)
{
	size_t n = fl->fresh.cap;

	for (unsigned i = 0; i < fl->n; i++)
		n += fl->levels[i].n_lines * sizeof fl->levels[i].lines[0];
	return n;
}

/* Of a level with room for so many keys. */
static size_t
lines_for(size_t room)
{
	size_t n = 1;

	while (n < room * BITS_PER_KEY / 512)
		n *= 2;
	return n;
}

size_t
filter_bytes_ahead(const struct filter *fl)
{
	const struct level *newest = fl->n == 0 ? NULL : &fl->levels[fl->n - 1];
	size_t n = filter_bytes(fl);

	return newest == NULL || newest->n < newest->room / 4 * 3 ? n : n + lines_for(newest->room * GROWTH) * sizeof newest->lines[0];
}

/* Six 9-bit positions in one line of 512 bits, from the hash's high half; the line from its low half. */
static bool
probe(uint64_t line[8], uint64_t hash, bool set)
{
	uint64_t h = hash * 0x9e3779b97f4a7c15u >> 10;

	for (unsigned i = 0; i < PROBES; i++, h >>= 9) {
		uint64_t bit = (uint64_t)1 << (h & 63);
		uint64_t *word = &line[h >> 6 & 7];

		if (set)
			*word |= bit;
		else if ((*word & bit) == 0)
			return false;
	}
	return true;
}

void
filter_expect(const struct filter *fl, uint64_t hash)
{
	for (unsigned i = fl->n; i-- > 0;)
		__builtin_prefetch(fl->levels[i].lines[hash & (fl->levels[i].n_lines - 1)]);
}

bool
filter_maybe(const struct filter *fl, uint64_t hash)
{
	for (unsigned i = fl->n; i-- > 0;)
		if (probe(fl->levels[i].lines[hash & (fl->levels[i].n_lines - 1)], hash, false))
			return true;
	return false;
}

static int
add(struct filter *fl, uint64_t hash, struct err *err)
{
	struct level *lv = fl->n == 0 ? NULL : &fl->levels[fl->n - 1];

	if (lv == NULL || lv->n >= lv->room) {
		size_t room = lv == NULL ? FIRST_KEYS : lv->room * GROWTH;
		size_t n_lines = lines_for(room);

		if (fl->n == LEVELS)
			return err_set(err, ERR_LIMIT, "the filter of known events is full");
		lv = &fl->levels[fl->n];
		lv->lines = aligned_alloc(64, n_lines * 64);
		if (lv->lines == NULL)
			return err_nomem(err);
		memset(lv->lines, 0, n_lines * 64);
		lv->n_lines = n_lines;
		lv->room = room;
		fl->n++;
	}
	(void)probe(lv->lines[hash & (lv->n_lines - 1)], hash, true);
	lv->n++;
	return 0;
}

int
filter_add(struct filter *fl, uint64_t hash, struct err *err)
{
	buf_add(&fl->fresh, &hash, sizeof hash);
	if (!buf_ok(&fl->fresh))
		return err_nomem(err);
	return add(fl, hash, err);
}

int
filter_seal(struct filter *fl, struct changes *ch, uint64_t seq, struct err *err)
{
	struct buf key = {0};
	int rc = 0;

	for (size_t at = 0; at < fl->fresh.n && rc == 0; at += SEAL_BYTES) {
		size_t n = fl->fresh.n - at < SEAL_BYTES ? fl->fresh.n - at : SEAL_BYTES;

		buf_clear(&key);
		buf_add_u8(&key, 'F');
		buf_add_u64_be(&key, seq);
		buf_add_u32_be(&key, (uint32_t)(at / SEAL_BYTES));
		rc = buf_ok(&key) ? changes_put(ch, buf_slice(&key), slice_of(fl->fresh.p + at, n), err) : err_nomem(err);
	}
	buf_free(&key);
	buf_clear(&fl->fresh);
	return rc;
}

int
filter_load(struct filter *fl, struct store *st, struct err *err)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	int rc;

	if (store_iter_open(&it, st, slice_of("F", 1), slice_of("G", 1), err) != 0)
		return -1;
	while ((rc = store_iter_next(it, &key, &value, err)) > 0) {
		for (size_t i = 0; i + sizeof(uint64_t) <= value.n; i += sizeof(uint64_t)) {
			uint64_t hash;

			memcpy(&hash, value.p + i, sizeof hash);
			if (add(fl, hash, err) != 0) {
				rc = -1;
				goto out;
			}
		}
	}
out:
	store_iter_close(it);
	return rc;
}
