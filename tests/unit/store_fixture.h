/* For the tests of the store: one in a directory of its own, and what is asked of its keys. */
#ifndef DIDEBAN_TESTS_UNIT_STORE_FIXTURE_H
#define DIDEBAN_TESTS_UNIT_STORE_FIXTURE_H

#include "state/base/limits.h"
#include "state/store/store.h"

#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
	struct scratch sc;
	const char *dir;
	char dir_text[PATH_MAX];
	struct err err;
};

static const struct store_options writing = {.temporary = true};
static const struct store_options looking = {.read_only = true};

static inline int
setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);

	if (fx == NULL)
		return -1;
	scratch_open(&fx->sc);
	(void)snprintf(fx->dir_text, sizeof fx->dir_text, "%s/store", fx->sc.dir);
	fx->dir = fx->dir_text;
	*state = fx;
	return 0;
}

static inline int
teardown(void **state)
{
	struct fixture *fx = *state;

	scratch_close(&fx->sc);
	free(fx);
	return 0;
}

static inline struct store *
open_store(struct fixture *fx, const struct store_options *opt)
{
	struct store *st = NULL;

	if (store_open(&st, fx->dir, opt, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	return st;
}

static inline void
must_fail(struct fixture *fx, const struct store_options *opt, enum err_code code, const char *says)
{
	struct store *st = NULL;

	assert_int_equal(store_open(&st, fx->dir, opt, &fx->err), -1);
	assert_null(st);
	assert_int_equal(fx->err.code, code);
	assert_non_null(strstr(fx->err.text, fx->dir));
	if (strstr(fx->err.text, says) == NULL)
		fail_msg("'%s' does not say '%s'", fx->err.text, says);
}

static inline void
put(struct fixture *fx, struct changes *ch, const char *key, const char *value)
{
	assert_int_equal(changes_put(ch, slice_str(key), slice_str(value), &fx->err), 0);
}

static inline void
checkpoint(struct fixture *fx, struct store *st, struct changes *ch, uint64_t seq)
{
	if (store_checkpoint(st, ch, seq, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	assert_int_equal(changes_count(ch), 0);
}

/* value NULL: the key is not there. */
static inline void
expect(struct fixture *fx, struct store *st, const char *key, const char *value)
{
	struct buf b = {0};
	int found = store_get(st, slice_str(key), &b, &fx->err);

	assert_int_equal(found, value != NULL);
	if (value != NULL)
		assert_true(slice_eq_str(buf_slice(&b), value));
	buf_free(&b);
}

/* The keys of [lo, hi) joined by spaces. */
static inline void
expect_keys(struct fixture *fx, struct store *st, const char *lo, const char *hi, const char *keys)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	struct buf all = {0};
	int rc;

	assert_int_equal(store_iter_open(&it, st, slice_str(lo), slice_str(hi), &fx->err), 0);
	while ((rc = store_iter_next(it, &key, &value, &fx->err)) == 1)
		buf_printf(&all, "%s%.*s", all.n == 0 ? "" : " ", SLICE_ARG(key));
	assert_int_equal(rc, 0);
	buf_add_u8(&all, 0);
	assert_string_equal(all.p, keys);
	buf_free(&all);
	store_iter_close(it);
}

/* value NULL: deletes it. */
static inline void
put_in(struct fixture *fx, struct changes *ch, const char *group, const char *rest, const char *value)
{
	char key[64];
	size_t n = strlen(group) + 1, m = strlen(rest);

	memcpy(key, group, n);
	memcpy(key + n, rest, m);
	assert_int_equal(
	    value == NULL ? changes_delete(ch, slice_of(key, n + m), &fx->err) : changes_put(ch, slice_of(key, n + m), slice_str(value), &fx->err),
	    0);
}

/* The values of a group, one after the other. */
static inline void
expect_group(struct fixture *fx, struct store *st, const char *group, const char *values)
{
	struct store_iter *it;
	struct slice key, value;
	struct buf found = {0};
	int rc;

	assert_int_equal(store_iter_open_group(&it, st, slice_of(group, strlen(group) + 1), &fx->err), 0);
	while ((rc = store_iter_next(it, &key, &value, &fx->err)) > 0) {
		assert_true(key.n > strlen(group) && memcmp(key.p, group, strlen(group) + 1) == 0);
		buf_add_slice(&found, value);
	}
	assert_int_equal(rc, 0);
	store_iter_close(it);
	assert_true(buf_ok(&found) && slice_eq_str(buf_slice(&found), values));
	buf_free(&found);
}

#define PART_BYTES (32 * KIB) /* as state/store/store.h says of the values */
#define VALUES_MAX 1024

/* The values of a group, as the store holds them. */
struct values {
	struct buf all; /* one after the other */
	struct {
		size_t n; /* bytes */
		uint64_t seq;
	} v[VALUES_MAX];
	unsigned n;
};

/* Their keys are the group, the checkpoint and the part, which count from 0 in each checkpoint. */
static inline void
read_values(struct fixture *fx, struct store *st, const char *group, struct values *ret)
{
	size_t head = strlen(group) + 1;
	struct store_iter *it;
	struct slice key, value;
	unsigned part = 0;
	int rc;

	*ret = (struct values){0};
	assert_int_equal(store_iter_open_group(&it, st, slice_of(group, head), &fx->err), 0);
	while ((rc = store_iter_next(it, &key, &value, &fx->err)) > 0) {
		struct rd r = rd_of(key);
		uint64_t seq;

		assert_true(slice_eq(rd_bytes(&r, head), slice_of(group, head)));
		seq = rd_u64_be(&r);
		part = ret->n > 0 && ret->v[ret->n - 1].seq == seq ? part + 1 : 0;
		assert_int_equal((unsigned)rd_u8(&r) << 8 | rd_u8(&r), part);
		assert_true(!r.bad && rd_left(&r) == 0 && ret->n < VALUES_MAX);
		assert_true(ret->n == 0 || ret->v[ret->n - 1].seq <= seq);
		ret->v[ret->n].seq = seq;
		ret->v[ret->n++].n = value.n;
		buf_add_slice(&ret->all, value);
	}
	assert_int_equal(rc, 0);
	assert_true(buf_ok(&ret->all));
	store_iter_close(it);
}

/* Bytes that differ from place to place, and by seed. */
static inline void
fill_bytes(struct buf *b, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		buf_add_u8(b, (uint8_t)(seed * 31 + i * 7 + i / 251));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
