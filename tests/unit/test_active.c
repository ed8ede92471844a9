/* What is on, against brute force: the newest entry of a key does not close, one opened it, and its time has come. */
#include "tests/unit/rows.h"

struct kinds {
	struct feature_bind binds[3]; /* by what a row's type does: opens, reopens, closes */
	struct window_view vi;
	bool from, til; /* bounds by the field `at` of the opening */
};

static void
declare_active(struct fixture *fx, struct kinds *ki, bool from, bool til)
{
	static char opens[] = "a.b", reopens[] = "r.b", closes[] = "c.b", key[] = "grp", at[] = "at";
	static const char *const types[] = {opens, reopens, closes};
	struct err err;

	feature_plan_free(&fx->plan);
	fx->spec = (struct feature_spec){.op = OP_ACTIVE, .opens = {1, {opens}}, .reopens = {1, {reopens}}, .closes = {1, {closes}}, .key = key};
	fx->spec.from = from ? at : NULL;
	fx->spec.til = til ? at : NULL;
	ki->from = from;
	ki->til = til;
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
is_on(const struct fixture *fx, const struct kinds *ki, const char *name, uint32_t hi, struct instant t, uint32_t *ret_newest, uint32_t *ret_opening)
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
	if (newest == UINT32_MAX || opening == UINT32_MAX || fx->tl.v[newest].layout == 2)
		return false;
	if (!fx->rows[opening].there[AT])
		return true;
	return (!ki->from || instant_cmp(fx->rows[opening].v[AT].t, t) <= 0) && (!ki->til || instant_cmp(fx->rows[opening].v[AT].t, t) > 0);
}

static void
check(const struct fixture *fx, const struct kinds *ki, uint32_t hi, struct instant t, unsigned groups)
{
	const struct active *ac = &fx->ac;
	uint32_t n = 0, newest, opening;
	bool contested = false;

	for (unsigned g = 0; g < groups; g++) {
		struct buf b = {0};
		char name[16];
		bool on, listed = false;

		(void)snprintf(name, sizeof name, "g%u", g);
		on = is_on(fx, ki, name, hi, t, &newest, &opening);
		contested =
		    contested || (newest != UINT32_MAX && fx->rows[newest].contested) || (opening != UINT32_MAX && fx->rows[opening].contested);
		value_encode(&b, &(struct value){.kind = VALUE_STRING, .s = slice_str(name)});
		for (uint32_t i = 0; i < ac->n_items; i++)
			if (slice_eq(active_key(ac, i), buf_slice(&b))) {
				assert_int_equal(active_opening(ac, i), opening);
				assert_int_equal(ac->lives[ac->items[i]].newest, newest);
				assert_int_equal(active_contested(ac, &ki->vi, i), fx->rows[opening].contested || fx->rows[newest].contested);
				listed = true;
			}
		assert_int_equal(listed, on);
		n += on;
		buf_free(&b);
	}
	assert_int_equal(ac->n_items, n);
	assert_int_equal(ac->contested, contested);
	for (uint32_t i = 1; i < ac->n_items; i++)
		assert_true(slice_cmp(active_key(ac, i - 1), active_key(ac, i)) < 0);
	assert_true(active_bytes(ac) ==
		    bag_bytes(&ac->keys) + ac->cap_lives * (sizeof(struct life) + sizeof(uint32_t)) + ac->cap_undo * sizeof(struct life_undo));
	assert_true(ac->cap_undo >= ac->n_undo && ac->cap_lives >= ac->keys.n);
}

static void
walk(struct fixture *fx, bool from, bool til)
{
	struct kinds ki;
	uint32_t hi = 0;

	declare_active(fx, &ki, from, til);
	active_free(&fx->ac);
	fx->tl.n = fx->tl.n_bytes = 0;
	for (uint32_t i = 0; i < ENTRIES; i++) {
		add_row(fx, i, i < ENTRIES / 2 ? 12 : 300);
		fx->tl.v[i].layout = (uint16_t)below(fx, 3);
	}
	for (unsigned step = 0; step < 120; step++) {
		struct instant t = {(int64_t)below(fx, 60), 0};

		hi = below(fx, 5) == 0 ? (uint32_t)below(fx, ENTRIES + 1) : hi + (uint32_t)below(fx, 9) - (hi > 4 ? 4 : 0);
		hi = step % 40 == 0 ? 0 : hi > ENTRIES ? ENTRIES : hi;
		assert_int_equal(active_seek(&fx->ac, &ki.vi, hi), 0);
		assert_int_equal(active_list(&fx->ac, &ki.vi, t), active_list(&fx->ac, &ki.vi, t));
		check(fx, &ki, hi, t, hi < ENTRIES / 2 ? 12 : 300);
		if (below(fx, 10) == 0) { /* what is behind becomes other */
			uint32_t first = hi - (uint32_t)below(fx, hi < 10 ? hi + 1 : 10);

			active_rewind(&fx->ac, first);
			for (uint32_t i = first; i < hi; i++)
				fx->tl.v[i].layout = (uint16_t)below(fx, 3);
		} else if (below(fx, 10) == 0) { /* a change behind it is none of its concern */
			active_rewind(&fx->ac, hi + (uint32_t)below(fx, 10));
		}
	}
	active_clear(&fx->ac);
	assert_int_equal(active_list(&fx->ac, &ki.vi, (struct instant){0, 0}), 0);
	for (hi = 0; hi < 4; hi++) { /* one that was freed begins anew */
		active_free(&fx->ac);
		assert_int_equal(active_seek(&fx->ac, &ki.vi, hi), 0);
		(void)active_list(&fx->ac, &ki.vi, (struct instant){30, 0});
		check(fx, &ki, hi, (struct instant){30, 0}, 12);
	}
}

static void
keys_follow_their_newest_entry(void **state)
{
	for (unsigned bounds = 0; bounds < 3; bounds++)
		walk(*state, bounds == 1, bounds == 2);
}

static void
without_memory_it_says_so(void **state)
{
	struct fixture *fx = *state;
	struct kinds ki;
	bool failed = true;

	declare_active(fx, &ki, true, false);
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
		if (fx->ac.hi >= 10) { /* what it knew before is still so */
			uint32_t hi = fx->ac.hi - (uint32_t)(at % 10);

			assert_int_equal(active_seek(&fx->ac, &ki.vi, hi), 0);
			(void)active_list(&fx->ac, &ki.vi, (struct instant){30, 0});
			check(fx, &ki, hi, (struct instant){30, 0}, 60);
		}
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
