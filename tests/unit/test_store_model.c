/* Puts, deletes and appends in any order, against plain tables; the last checkpoints over what the files hold. */
#include "tests/unit/store_fixture.h"

#define ROUNDS 12
#define GROUPS 24
#define KEYS 8000

struct plain {
	char key[48];
	size_t key_n;
	unsigned value; /* 0: deleted */
};

struct model {
	struct plain keys[KEYS];
	size_t n;
	struct buf appended[GROUPS][ROUNDS + 1];
};

/* Groups that are each other's beginnings but for the zero, short and long. */
static size_t
group_name(unsigned i, char ret[64])
{
	static const char *const begins[] = {"T", "Tp", "Tp/1", "Te/person/nid:008", "Te/person/nid:0084575948/"};

	return (size_t)snprintf(ret, 64, "%s%.*s", begins[i % 5], (int)(i / 5), "11111") + 1;
}

/* Keys of no group that is appended to: without a zero byte, and in a group of their own. */
static size_t
plain_key(uint64_t *random, char ret[48])
{
	static const char *const begins[] = {"I", "Tp/1", "Te/person/nid:008", "Ap/1", "Ae/person/nid:0084575948/"};
	uint64_t which = scratch_random(random) % 5;
	size_t n = strlen(begins[which]), more = scratch_random(random) % 8;

	memcpy(ret, begins[which], n);
	if (which > 2)
		ret[n++] = 0;
	for (size_t i = 0; i < more; i++)
		ret[n++] = (char)(scratch_random(random) % 3 + (which > 2 ? 0 : 1));
	return n;
}

static int
plain_cmp(const void *a, const void *b)
{
	const struct plain *x = a, *y = b;

	return slice_cmp(slice_of(x->key, x->key_n), slice_of(y->key, y->key_n));
}

static void
change_plain(struct fixture *fx, struct changes *ch, struct model *mo, uint64_t *random)
{
	struct plain one = {.value = (unsigned)(scratch_random(random) % 4)};
	char text[16];
	size_t at = 0;

	one.key_n = plain_key(random, one.key);
	(void)snprintf(text, sizeof text, "%u", one.value);
	if (one.value == 0)
		assert_int_equal(changes_delete(ch, slice_of(one.key, one.key_n), &fx->err), 0);
	else
		assert_int_equal(changes_put(ch, slice_of(one.key, one.key_n), slice_str(text), &fx->err), 0);
	while (at < mo->n && plain_cmp(&mo->keys[at], &one) != 0)
		at++;
	mo->n += at == mo->n;
	assert_true(mo->n <= KEYS);
	mo->keys[at] = one;
}

static void
change_group(struct fixture *fx, struct changes *ch, struct model *mo, unsigned round, uint64_t *random)
{
	unsigned which = (unsigned)(scratch_random(random) % GROUPS);
	size_t n = scratch_random(random) % (scratch_random(random) % 50 == 0 ? 2 * PART_BYTES : 30);
	struct buf piece = {0};
	char group[64];

	fill_bytes(&piece, n, (unsigned)scratch_random(random));
	assert_int_equal(changes_append(ch, slice_of(group, group_name(which, group)), buf_slice(&piece), &fx->err), 0);
	buf_add_slice(&mo->appended[which][round], buf_slice(&piece));
	buf_free(&piece);
}

/* All keys in order, each either the model's next plain one or part of a group. */
static void
compare_plain(struct fixture *fx, struct store *st, struct model *mo)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	struct buf before = {0};
	size_t at = 0;
	int rc;

	qsort(mo->keys, mo->n, sizeof *mo->keys, plain_cmp);
	assert_int_equal(store_iter_open(&it, st, slice_str(""), slice_str(""), &fx->err), 0);
	while ((rc = store_iter_next(it, &key, &value, &fx->err)) > 0) {
		char text[16];

		assert_true(slice_cmp(buf_slice(&before), key) < 0);
		buf_clear(&before);
		buf_add_slice(&before, key);
		if (key.p[0] == 'T' && memchr(key.p, 0, key.n) != NULL)
			continue;
		while (at < mo->n && mo->keys[at].value == 0)
			at++;
		assert_true(at < mo->n);
		(void)snprintf(text, sizeof text, "%u", mo->keys[at].value);
		assert_true(slice_eq(key, slice_of(mo->keys[at].key, mo->keys[at].key_n)) && slice_eq_str(value, text));
		at++;
	}
	assert_int_equal(rc, 0);
	while (at < mo->n && mo->keys[at].value == 0)
		at++;
	assert_int_equal(at, mo->n);
	store_iter_close(it);
	buf_free(&before);
}

static void
compare(struct fixture *fx, struct store *st, struct model *mo)
{
	compare_plain(fx, st, mo);
	for (unsigned g = 0; g < GROUPS; g++) {
		struct buf all = {0};
		struct values va;
		char group[64];

		(void)group_name(g, group);
		read_values(fx, st, group, &va);
		for (unsigned round = 1; round <= ROUNDS; round++)
			buf_add_slice(&all, buf_slice(&mo->appended[g][round]));
		for (unsigned i = 0; i < va.n; i++)
			assert_true(va.v[i].n < 3 * PART_BYTES && (i + 1 == va.n || va.v[i + 1].seq != va.v[i].seq || va.v[i].n >= PART_BYTES));
		assert_true(slice_eq(buf_slice(&va.all), buf_slice(&all)));
		buf_free(&va.all);
		buf_free(&all);
	}
}

/* The last rounds are over the files. */
static void
any_changes_and_appends_end_like_plain_tables(void **state)
{
	struct fixture *fx = *state;
	struct store *st = open_store(fx, &writing);
	struct changes *ch = changes_new();
	struct model *mo = calloc(1, sizeof *mo);
	uint64_t random = 11;

	assert_non_null(mo);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		if (round == ROUNDS - 2) {
			compare(fx, st, mo);
			store_close(st);
			st = open_store(fx, &looking);
		}
		for (unsigned i = 0; i < (round % 4 == 3 ? 20 : 1500); i++)
			if (scratch_random(&random) % 3 == 0)
				change_plain(fx, ch, mo, &random);
			else
				change_group(fx, ch, mo, round, &random);
		checkpoint(fx, st, ch, round * 100);
	}
	compare(fx, st, mo);
	for (unsigned g = 0; g < GROUPS; g++)
		for (unsigned round = 0; round <= ROUNDS; round++)
			buf_free(&mo->appended[g][round]);
	free(mo);
	changes_free(ch);
	store_close(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(any_changes_and_appends_end_like_plain_tables),
	};

	return cmocka_run_group_tests_name("store_model", tests, NULL, NULL);
}
