/* Subjects that come into memory from a store: what cannot be read does not stay there half read. */
#include "engine/flow/keys.h"
#include "engine/flow/worker.h"
#include "engine/timeline/codec.h"
#include "state/base/hash.h"

#include "tests/unit/store_fixture.h"

static bool
everyone_is_known(void *ctx, uint64_t hash)
{
	(void)ctx;
	(void)hash;
	return true;
}

static int
none_is_new(void *ctx, uint64_t hash, struct err *err)
{
	(void)ctx;
	(void)hash;
	return err_set(err, ERR_USAGE, "the store knows them all");
}

static void
append_entry(struct fixture *fx, struct changes *ch, const char *subject, struct delta de)
{
	struct buf group = {0}, piece = {0};

	key_subject(&group, 'T', slice_str(subject));
	piece_begin(&piece, &de);
	piece_end(&piece, &de);
	assert_true(buf_ok(&group) && buf_ok(&piece));
	assert_int_equal(changes_append(ch, buf_slice(&group), buf_slice(&piece), &fx->err), 0);
	buf_free(&group);
	buf_free(&piece);
}

/* Of a kind that no rule judges: loading is all that is asked of it. */
static void
a_subject_that_cannot_be_read_is_not_in_memory_afterwards(void **state)
{
	static char kind[] = "person";
	static const bool loading = true;
	static const char damaged_alert[] = "Aperson/3\0rule"; /* its key ends too soon */
	struct fixture *fx = *state;
	struct kind_plan kinds[] = {{.kind = kind}};
	struct plan plan = {.n_kinds = 1, .kinds = kinds};
	struct worker_env env = {
	    .plan = &plan, .loading = &loading, .known = everyone_is_known, .note = none_is_new, .cache_bytes = MIB, .instance = "test"};
	struct delta good = {.time = {5, 0}, .id = slice_str("x")}, bad = {.time = {6, 0}, .id = slice_str("y"), .layout = 1};
	struct layout *la = layout_parse(slice_str("a.b\nfirst=person\n"), &fx->err);
	struct names *na = names_new();
	struct changes *ch = changes_new();
	struct store *st = open_store(fx, &writing);
	struct worker *wo = NULL;
	struct worker_stats before, after;
	struct subject *su;
	uint32_t name;
	uint16_t layout;

	assert_true(la != NULL && na != NULL);
	assert_int_equal(names_intern(na, slice_str("/source"), ch, &name, &fx->err), 0);
	assert_int_equal(names_layout(na, la, ch, &layout, &fx->err), 0);
	append_entry(fx, ch, "person/1", good);
	append_entry(fx, ch, "person/2", good);
	append_entry(fx, ch, "person/2", bad);
	append_entry(fx, ch, "person/3", good);
	assert_int_equal(changes_put(ch, slice_of(damaged_alert, sizeof damaged_alert - 1), slice_str(""), &fx->err), 0);
	checkpoint(fx, st, ch, 1);
	env.names = na;
	env.store = st;
	assert_int_equal(worker_new(&wo, &env, &fx->err), 0);
	assert_int_equal(worker_subject(wo, slice_str("person/1"), &su, &fx->err), 0);
	assert_int_equal(su->tl.n, 1);
	worker_stats(wo, &before);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(worker_subject(wo, slice_str("person/2"), &su, &fx->err), -1); /* its timeline */
		assert_int_equal(fx->err.code, ERR_CORRUPT);
		assert_non_null(strstr(fx->err.text, "person/2"));
		assert_int_equal(worker_subject(wo, slice_str("person/3"), &su, &fx->err), -1); /* its alerts */
		assert_int_equal(fx->err.code, ERR_CORRUPT);
		assert_non_null(strstr(fx->err.text, "person/3"));
		worker_stats(wo, &after);
		assert_int_equal(after.timelines, 1);
		assert_int_equal(after.timeline_bytes, before.timeline_bytes);
	}
	assert_int_equal(worker_subject(wo, slice_str("person/1"), &su, &fx->err), 0);
	assert_int_equal(su->tl.n, 1);
	worker_free(wo);
	layout_free(la);
	names_free(na);
	changes_free(ch);
	store_close(st);
}

static void
make_some(struct fixture *fx, struct subjects *ss, const struct kind_plan *kind, unsigned from, unsigned to, bool dirty)
{
	char key[32];

	for (unsigned i = from; i < to; i++) {
		struct subject *su;

		(void)snprintf(key, sizeof key, "person/%03u", i);
		su = subjects_make(ss, slice_str(key), hash64(slice_str(key)), kind, &fx->err);
		assert_non_null(su);
		if (dirty)
			assert_int_equal(subjects_dirty(ss, su, &fx->err), 0);
	}
}

/* What cannot go is not walked over again and again, and goes once it can. */
static void
an_eviction_that_is_stuck_waits_until_there_is_hope(void **state)
{
	struct fixture *fx = *state;
	const struct kind_plan kind = {0};
	struct subjects ss = {.max_bytes = 1};
	struct changes *ch = changes_new();
	struct subject *clean;
	uint64_t standing = 0;

	assert_non_null(ch);
	make_some(fx, &ss, &kind, 0, 100, true);
	subjects_evict(&ss);
	assert_int_equal(ss.table.n, 100);
	clean = subjects_make(&ss, slice_str("person/clean"), hash64(slice_str("person/clean")), &kind, &fx->err);
	assert_non_null(clean);
	subjects_evict(&ss);
	assert_int_equal(ss.table.n, 101); /* too little has come to look again */
	make_some(fx, &ss, &kind, 100, 115, true);
	subjects_evict(&ss);
	assert_int_equal(ss.table.n, 115);
	assert_null(subjects_find(&ss, slice_str("person/clean"), hash64(slice_str("person/clean"))));
	assert_int_equal(subjects_save(&ss, ch, &standing, &fx->err), 0);
	subjects_evict(&ss);
	assert_int_equal(ss.table.n, 0);
	assert_int_equal(ss.bytes, 0);
	subjects_free(&ss);
	changes_free(ch);
}

/* Else each subject that comes would walk over all that cannot go. */
static void
an_eviction_makes_room_for_more_than_one(void **state)
{
	struct fixture *fx = *state;
	const struct kind_plan kind = {0};
	struct subjects ss = {.max_bytes = SIZE_MAX};

	make_some(fx, &ss, &kind, 0, 64, true);
	ss.max_bytes = 2 * ss.bytes; /* 128 of them */
	make_some(fx, &ss, &kind, 64, 128, false);
	subjects_evict(&ss);
	assert_int_equal(ss.table.n, 128);
	make_some(fx, &ss, &kind, 128, 129, false);
	subjects_evict(&ss);
	assert_int_equal(ss.table.n, 124);
	assert_int_equal(ss.n_dirty, 64);
	make_some(fx, &ss, &kind, 129, 133, false);
	subjects_evict(&ss);
	assert_int_equal(ss.table.n, 128);
	make_some(fx, &ss, &kind, 133, 195, true);
	subjects_evict(&ss); /* 126 are dirty, and there is no room to make beside them */
	assert_int_equal(ss.table.n, 126);
	make_some(fx, &ss, &kind, 195, 200, false);
	subjects_evict(&ss);
	assert_int_equal(ss.table.n, 131);
	subjects_free(&ss);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_subject_that_cannot_be_read_is_not_in_memory_afterwards),
	    TEST(an_eviction_that_is_stuck_waits_until_there_is_hope),
	    TEST(an_eviction_makes_room_for_more_than_one),
	};

	return cmocka_run_group_tests_name("subject", tests, NULL, NULL);
}
