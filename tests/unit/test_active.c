/* What is on, against brute force: the newest entry of a key does not close, one opened it, and its time has come. */
#include "tests/unit/rows.h"

struct kinds {
	struct feature_bind binds[3]; /* by what a row's type does: opens, reopens, closes */
	struct window_view vi;
};

static void
declare_active(struct fixture *fx, struct kinds *ki)
{
	static char opens[] = "a.b", reopens[] = "r.b", closes[] = "c.b", key[] = "grp", from[] = "at";
	static const char *const types[] = {opens, reopens, closes};
	struct err err;

	feature_plan_free(&fx->plan);
	fx->spec = (struct feature_spec){
	    .op = OP_ACTIVE, .opens = {1, {opens}}, .reopens = {1, {reopens}}, .closes = {1, {closes}}, .key = key, .from = from};
	assert_int_equal(feature_plan_make(&fx->plan, &fx->spec), 0);
	for (unsigned t = 0; t < 3; t++) {
		struct buf text = {0};
		struct layout *la;

		buf_printf(&text, "%s\nfirst=x\nnum:i,grp:s,dec:d,at:t,txt:s,flag:b", types[t]);
		la = layout_parse(buf_slice(&text), &err);
		assert_non_null(la);
		feature_bind_make(&ki->binds[t], &fx->spec, la);
		layout_free(la);
		buf_free(&text);
	}
	ki->vi = (struct window_view){&fx->tl, &fx->plan, ki->binds};
}

/* Whether the key is on before entry hi at time t, and by which entries. */
static bool
is_on(const struct fixture *fx, const char *name, uint32_t hi, struct instant t, uint32_t *ret_newest, uint32_t *ret_opening)
{
	uint32_t newest = UINT32_MAX, opening = UINT32_MAX;

	for (uint32_t i = 0; i < hi; i++) {
		if (!fx->rows[i].there[GRP] || strcmp(fx->texts[i][0], name) != 0)
			continue;
		newest = i;
		opening = fx->tl.v[i].layout == 0 ? i : opening;
	}
	*ret_newest = newest;
	*ret_opening = opening;
	return newest != UINT32_MAX && opening != UINT32_MAX && fx->tl.v[newest].layout != 2 &&
	       (!fx->rows[opening].there[AT] || instant_cmp(fx->rows[opening].v[AT].t, t) <= 0);
}

static void
check(const struct fixture *fx, const struct kinds *ki, uint32_t hi, struct instant t, unsigned groups)
{
	const struct active *ac = &fx->ac;
	uint32_t on = 0, newest, opening;

	for (unsigned g = 0; g < groups; g++) {
		struct buf b = {0};
		char name[16];

		(void)snprintf(name, sizeof name, "g%u", g);
		if (!is_on(fx, name, hi, t, &newest, &opening))
			continue;
		value_encode(&b, &(struct value){.kind = VALUE_STRING, .s = slice_str(name)});
		for (uint32_t i = 0; i < ac->n_items; i++)
			if (slice_eq(active_key(ac, i), buf_slice(&b))) {
				assert_int_equal(active_opening(ac, i), opening);
				assert_int_equal(ac->lives[ac->items[i]].newest, newest);
				assert_int_equal(active_contested(ac, &ki->vi, i), fx->rows[opening].contested || fx->rows[newest].contested);
				on++;
			}
		buf_free(&b);
	}
	assert_int_equal(ac->n_items, on);
	for (uint32_t i = 1; i < ac->n_items; i++)
		assert_true(slice_cmp(active_key(ac, i - 1), active_key(ac, i)) < 0);
	assert_true(active_bytes(ac) == bag_bytes(&ac->keys) + ac->keys.n * sizeof(struct life) + ac->cap_undo * sizeof(struct life_undo) +
					    ac->cap_items * sizeof(uint32_t));
	assert_true(ac->cap_undo >= ac->n_undo && ac->cap_items >= ac->n_items);
}

static void
keys_follow_their_newest_entry(void **state)
{
	struct fixture *fx = *state;
	struct kinds ki;
	uint32_t hi = 0;

	declare_active(fx, &ki);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		add_row(fx, i, i < ENTRIES / 2 ? 12 : 300);
		fx->tl.v[i].layout = (uint16_t)below(fx, 3);
	}
	for (unsigned step = 0; step < 300; step++) {
		struct instant t = {(int64_t)below(fx, 60), 0};

		hi = below(fx, 5) == 0 ? (uint32_t)below(fx, ENTRIES + 1) : hi + (uint32_t)below(fx, 9) - (hi > 4 ? 4 : 0);
		hi = hi > ENTRIES ? ENTRIES : hi;
		assert_int_equal(active_seek(&fx->ac, &ki.vi, hi), 0);
		assert_int_equal(active_list(&fx->ac, &ki.vi, t), active_list(&fx->ac, &ki.vi, t));
		check(fx, &ki, hi, t, hi < ENTRIES / 2 ? 12 : 300);
		if (below(fx, 10) == 0) { /* what is behind becomes other */
			uint32_t first = hi - (uint32_t)below(fx, hi < 10 ? hi + 1 : 10);

			active_rewind(&fx->ac, first);
			for (uint32_t i = first; i < hi; i++)
				fx->tl.v[i].layout = (uint16_t)below(fx, 3);
		}
	}
	active_clear(&fx->ac);
	assert_int_equal(active_list(&fx->ac, &ki.vi, (struct instant){0, 0}), 0);
}

static void
without_memory_it_says_so(void **state)
{
	struct fixture *fx = *state;
	struct kinds ki;
	bool failed = true;

	declare_active(fx, &ki);
	for (uint32_t i = 0; i < 200; i++)
		add_row(fx, i, 60);
	for (uint64_t at = 1; failed; at++) {
		int rc;

		active_free(&fx->ac);
		failing_start(at, false);
		rc = active_seek(&fx->ac, &ki.vi, 200);
		(void)failing_stop();
		failed = failing_has();
		assert_int_equal(rc, failed ? -1 : 0);
		active_clear(&fx->ac);
		assert_int_equal(active_seek(&fx->ac, &ki.vi, 150), 0);
		(void)active_list(&fx->ac, &ki.vi, (struct instant){30, 0});
		check(fx, &ki, 150, (struct instant){30, 0}, 60);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(keys_follow_their_newest_entry, setup, teardown),
	    cmocka_unit_test_setup_teardown(without_memory_it_says_so, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
