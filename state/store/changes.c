/* The change set, and putting it in order. A checkpoint has some 500,000 keys, many of which begin alike (all entries of a
 * subject): they are sorted by 8 bytes at a time, with counting passes over the bytes that differ, and groups that are
 * equal in those are sorted again by the next 8. No comparison touches a key's bytes but in the smallest groups. */
#include "state/store/private.h"

#include <endian.h>
#include <stdlib.h>

#define SMALL 48              /* a group up to this size is sorted by insertion */
#define AHEAD 16              /* keys whose memory is asked for before they are read: in order of keys they lie anywhere */
#define KINDS 60              /* prefixes of which a group is sorted in one pass */
#define MANY 4096             /* a group for which they are looked for */
#define DIGITS 9              /* 8 bytes of the prefix, and what says whether the key ends within it */
#define KEEP_BYTES (64 * MIB) /* of the list, and of the bytes: what is over is given back after its checkpoint */
#define PART_BYTES (32 * KIB) /* of what is appended, one value: a new one is begun once it is over */
#define LINE_BYTES 64

struct changes *
changes_new(void)
{
	struct changes *ch = calloc(1, sizeof *ch);

	if (ch != NULL)
		ch->bytes.keep = KEEP_BYTES;
	return ch;
}

void
changes_free(struct changes *ch)
{
	if (ch == NULL)
		return;
	arena_free(&ch->bytes);
	free(ch->list);
	free(ch->spare);
	free(ch);
}

void
changes_clear(struct changes *ch)
{
	ch->n = 0;
	ch->written = 0;
	arena_reset(&ch->bytes);
	if (ch->cap * sizeof *ch->list <= KEEP_BYTES)
		return;
	free(ch->list);
	free(ch->spare);
	ch->list = ch->spare = NULL;
	ch->cap = ch->cap_spare = 0;
}

/* One more change, with room for its value, whose bytes come to `all` with what it shares; *ret: where the value goes. */
static int
push(struct changes *ch, struct slice key, size_t n, size_t all, enum change_how how, char **ret, struct err *err)
{
	char *p;

	if (key.n == 0 || key.p[0] == '\0' || key.n > LIMIT_KEY_BYTES || all > LIMIT_STORED_BYTES)
		return err_set(err, ERR_LIMIT,
		    "the store takes no key of %zu bytes with a value of %zu (at most %zu and %zu; a key begins with no zero byte)", key.n, all,
		    LIMIT_KEY_BYTES, LIMIT_STORED_BYTES);
	if (ch->n == ch->cap) {
		size_t cap = ch->cap == 0 ? 1024 : ch->cap * 2;
		struct change *list = realloc(ch->list, cap * sizeof *list);

		if (list == NULL)
			return err_nomem(err);
		ch->list = list;
		ch->cap = cap;
	}
	p = arena_alloc(&ch->bytes, key.n + n);
	if (p == NULL)
		return err_nomem(err);
	memcpy(p, key.p, key.n);
	ch->list[ch->n++] = (struct change){.p = p, .key_n = (uint32_t)key.n & 0xffffff, .how = how & 0xff, .value_n = (uint32_t)n};
	ch->written += key.n + all;
	*ret = p + key.n;
	return 0;
}

int
changes_push(struct changes *ch, struct slice key, struct slice value, enum change_how how, struct err *err)
{
	char *p;

	if (push(ch, key, value.n, value.n, how, &p, err) != 0)
		return -1;
	if (value.n != 0)
		memcpy(p, value.p, value.n);
	return 0;
}

int
changes_put(struct changes *ch, struct slice key, struct slice value, struct err *err)
{
	return changes_push(ch, key, value, CHANGE_PUT, err);
}

int
changes_delete(struct changes *ch, struct slice key, struct err *err)
{
	return changes_push(ch, key, slice_of(NULL, 0), CHANGE_DELETE, err);
}

int
changes_share(struct changes *ch, struct slice end, struct slice *ret, struct err *err)
{
	struct slice copy = arena_copy(&ch->bytes, end);

	if (copy.p == NULL)
		return err_nomem(err);
	*ret = copy;
	return 0;
}

int
changes_append_shared(struct changes *ch, struct slice group, struct slice begin, struct slice end, struct err *err)
{
	char *p;

	if (store_need_group(group, sizeof(uint64_t) + sizeof(uint16_t), err) != 0 ||
	    push(ch, group, sizeof end + begin.n, begin.n + end.n, CHANGE_APPEND, &p, err) != 0)
		return -1;
	memcpy(p, &end, sizeof end);
	if (begin.n != 0)
		memcpy(p + sizeof end, begin.p, begin.n);
	return 0;
}

int
changes_append(struct changes *ch, struct slice group, struct slice piece, struct err *err)
{
	return changes_append_shared(ch, group, piece, slice_of(NULL, 0), err);
}

size_t
changes_bytes(const struct changes *ch)
{
	return ch->bytes.bytes + 2 * ch->n * sizeof *ch->list; /* sorted, each is in both lists */
}

size_t
changes_count(const struct changes *ch)
{
	return ch->n;
}

bool
changes_appends(const struct changes *ch)
{
	for (size_t i = 0; i < ch->n; i++)
		if (ch->list[i].how == CHANGE_APPEND)
			return true;
	return false;
}

/* The key's 8 bytes at depth as a number that orders like them; zeros behind its end. */
static uint64_t
prefix_at(const struct change *c, size_t depth)
{
	uint64_t v = 0;
	size_t n = c->key_n - depth;

	memcpy(&v, c->p + depth, n < 8 ? n : 8);
	return be64toh(v);
}

/* 0 to 8: the key ends that many bytes behind depth; 9: it goes on. Tells "a" from "a\0", whose prefixes are equal. */
static unsigned
ending_at(const struct change *c, size_t depth)
{
	size_t n = c->key_n - depth;

	return n < 9 ? (unsigned)n : 9;
}

static unsigned
digit_at(const struct change *c, unsigned digit, size_t depth)
{
	return digit == 0 ? ending_at(c, depth) : (unsigned)(c->prefix >> (8 * (digit - 1))) & 0xff;
}

static bool
goes_before(const struct change *a, const struct change *b, size_t depth)
{
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix;
	return slice_cmp(slice_of(a->p + depth, a->key_n - depth), slice_of(b->p + depth, b->key_n - depth)) < 0;
}

/* All keys agree in their first `depth` bytes and are at least that long. */
static void
sort_small(struct change *list, size_t n, size_t depth)
{
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(list[i].p + depth);
	for (size_t i = 0; i < n; i++) {
		struct change c = list[i];
		size_t j = i;

		c.prefix = prefix_at(&c, depth);
		while (j > 0 && goes_before(&c, &list[j - 1], depth)) {
			list[j] = list[j - 1];
			j--;
		}
		list[j] = c;
	}
}

/* What keys begin with is often one of few: their kinds. */
struct kinds {
	struct kind {
		uint64_t prefix;
		size_t n; /* its keys; then the place of the next one */
		uint8_t ending;
	} v[KINDS];
	unsigned n;
	uint8_t slots[4 * KINDS]; /* index + 1, or 0 */
};

/* NULL: one more than KINDS. */
static struct kind *
kind_of(struct kinds *ks, const struct change *c, size_t depth)
{
	unsigned ending = ending_at(c, depth);
	size_t slot = (size_t)((c->prefix + ending) * UINT64_C(0x9e3779b97f4a7c15) >> 56) % sizeof ks->slots;

	for (; ks->slots[slot] != 0; slot = (slot + 1) % sizeof ks->slots) {
		struct kind *k = &ks->v[ks->slots[slot] - 1];

		if (k->prefix == c->prefix && k->ending == ending)
			return k;
	}
	if (ks->n == KINDS)
		return NULL;
	ks->v[ks->n] = (struct kind){.prefix = c->prefix, .ending = (uint8_t)ending};
	ks->slots[slot] = (uint8_t)(ks->n + 1);
	return &ks->v[ks->n++];
}

static int
by_kind(const void *a, const void *b)
{
	const struct kind *x = *(const struct kind *const *)a, *y = *(const struct kind *const *)b;

	return x->prefix != y->prefix ? (x->prefix > y->prefix) - (x->prefix < y->prefix) : (int)x->ending - (int)y->ending;
}

/* One pass instead of one a digit, where the prefixes at this depth are few. False: they are not; nothing was moved. */
static bool
sort_kinds(struct change *list, struct change *spare, size_t n, size_t depth)
{
	struct kinds ks = {0};
	struct kind *order[KINDS];
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		struct kind *k;

		if (i + AHEAD < n)
			__builtin_prefetch(list[i + AHEAD].p + depth);
		list[i].prefix = prefix_at(&list[i], depth);
		k = kind_of(&ks, &list[i], depth);
		if (k == NULL)
			return false;
		k->n++;
	}
	for (unsigned i = 0; i < ks.n; i++)
		order[i] = &ks.v[i];
	qsort(order, ks.n, sizeof(struct kind *), by_kind);
	for (unsigned i = 0; i < ks.n; i++) {
		size_t count = order[i]->n;

		order[i]->n = at;
		at += count;
	}
	if (ks.n == 1)
		return true;
	for (size_t i = 0; i < n; i++)
		spare[kind_of(&ks, &list[i], depth)->n++] = list[i];
	memcpy(list, spare, n * sizeof *list);
	return true;
}

/* Counting passes from the last digit to the first; digits in which all agree cost nothing. */
static void
sort_digits(struct change *list, struct change *spare, size_t n, size_t depth)
{
	uint32_t counts[DIGITS][256];
	struct change *from = list, *to = spare;

	memset(counts, 0, sizeof counts);
	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(list[i + AHEAD].p + depth);
		list[i].prefix = prefix_at(&list[i], depth);
		for (unsigned d = 0; d < DIGITS; d++)
			counts[d][digit_at(&list[i], d, depth)]++;
	}
	for (unsigned d = 0; d < DIGITS; d++) {
		struct change *other = from;
		uint32_t sum = 0;

		if (counts[d][digit_at(&from[0], d, depth)] == n)
			continue;
		for (unsigned v = 0; v < 256; v++) {
			uint32_t count = counts[d][v];

			counts[d][v] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++)
			to[counts[d][digit_at(&from[i], d, depth)]++] = from[i];
		from = to;
		to = other;
	}
	if (from != list)
		memcpy(list, from, n * sizeof *list);
}

static void
sort_from(struct change *list, struct change *spare, size_t n, size_t depth)
{
	size_t begin = 0;

	if (n <= SMALL) {
		sort_small(list, n, depth);
		return;
	}
	if (n < MANY || !sort_kinds(list, spare, n, depth))
		sort_digits(list, spare, n, depth);
	for (size_t i = 1; i <= n; i++) {
		if (i < n && list[i].prefix == list[begin].prefix && ending_at(&list[i], depth) == ending_at(&list[begin], depth))
			continue;
		if (i - begin > 1 && ending_at(&list[begin], depth) == 9)
			sort_from(list + begin, spare, i - begin, depth + 8);
		begin = i;
	}
}

int
changes_sort(struct changes *ch, struct err *err)
{
	if (ch->n > UINT32_MAX)
		return err_set(err, ERR_LIMIT, "a checkpoint of %zu changes is too large", ch->n);
	if (ch->cap_spare < ch->n) {
		free(ch->spare);
		ch->cap_spare = 0;
		ch->spare = malloc(ch->cap * sizeof *ch->spare);
		if (ch->spare == NULL)
			return err_nomem(err);
		ch->cap_spare = ch->cap;
	}
	sort_from(ch->list, ch->spare, ch->n, 0);
	return 0;
}

/* The two halves of a piece. */
static struct slice
piece_begin(const struct change *c)
{
	return slice_of(c->p + c->key_n + sizeof(struct slice), c->value_n - sizeof(struct slice));
}

static struct slice
piece_end(const struct change *c)
{
	struct slice end;

	memcpy(&end, c->p + c->key_n, sizeof end);
	return end;
}

/* In order of keys they lie anywhere in memory: asked for ahead, the misses pass beside one another. */
static void
expect(const struct change *c)
{
	__builtin_prefetch(c->p);
	__builtin_prefetch(c->p + LINE_BYTES);
}

static void
expect_end(const struct change *c)
{
	const char *p;

	if (c->how != CHANGE_APPEND)
		return;
	p = piece_end(c).p;
	__builtin_prefetch(p);
	__builtin_prefetch(p + LINE_BYTES);
}

static bool
same_key(const struct change *a, const struct change *b)
{
	return slice_eq(change_key(a), change_key(b));
}

/* What is appended to one group: its pieces, in the order in which they came, in values of PART_BYTES and the rest of a piece. */
struct joining {
	struct buf key, value;
	uint32_t parts;
};

static int
part_end(struct joining *jo, struct slice group, uint64_t seq,
    int (*fn)(void *ctx, struct slice key, struct slice value, bool deleted, struct err *err), void *ctx, struct err *err)
{
	if (jo->parts > UINT16_MAX)
		return err_set(err, ERR_LIMIT, "a checkpoint has more than %u parts of one group", UINT16_MAX + 1u);
	buf_clear(&jo->key);
	buf_add_slice(&jo->key, group);
	buf_add_u64_be(&jo->key, seq);
	buf_add_u8(&jo->key, (uint8_t)(jo->parts >> 8));
	buf_add_u8(&jo->key, (uint8_t)jo->parts);
	jo->parts++;
	return buf_ok(&jo->key) && buf_ok(&jo->value) ? fn(ctx, buf_slice(&jo->key), buf_slice(&jo->value), false, err) : err_nomem(err);
}

static int
join(struct joining *jo, const struct change *c, const struct change *end, uint64_t seq,
    int (*fn)(void *ctx, struct slice key, struct slice value, bool deleted, struct err *err), void *ctx, struct err *err)
{
	jo->parts = 0;
	buf_clear(&jo->value);
	for (; c < end; c++) {
		buf_add_slice(&jo->value, piece_begin(c));
		buf_add_slice(&jo->value, piece_end(c));
		if (c + 1 < end && jo->value.n < PART_BYTES && buf_ok(&jo->value))
			continue;
		if (part_end(jo, change_key(c), seq, fn, ctx, err) != 0)
			return -1;
		buf_clear(&jo->value);
	}
	return 0;
}

int
changes_each(const struct changes *ch, uint64_t seq, int (*fn)(void *ctx, struct slice key, struct slice value, bool deleted, struct err *err),
    void *ctx, struct err *err)
{
	struct joining jo = {0};
	size_t expected = 0, ends = 0;
	int rc = 0;

	for (size_t i = 0, end; rc == 0 && i < ch->n; i = end) {
		const struct change *c = &ch->list[i];

		for (end = i + 1; end < ch->n && same_key(c, &ch->list[end]); end++)
			;
		for (; expected < ch->n && expected < end + 2 * AHEAD; expected++)
			expect(&ch->list[expected]);
		for (; ends < ch->n && ends < end + AHEAD; ends++)
			expect_end(&ch->list[ends]);
		if (c->how == CHANGE_APPEND) {
			rc = join(&jo, c, &ch->list[end], seq, fn, ctx, err);
			continue;
		}
		c = &ch->list[end - 1]; /* of equal keys the last one counts */
		rc = fn(ctx, change_key(c), change_value(c), c->how == CHANGE_DELETE, err);
	}
	buf_free(&jo.key);
	buf_free(&jo.value);
	return rc;
}
