/* Episodes and their alerts against an oracle that cuts all triggers anew each time: what stands, what is shown, what was told with
 * which number, what is held back, who takes over from whom. The property test compares what stands in the end; here each step. */
#include "tests/unit/standing_world.h"

/* ---- the oracle ----------------------------------------------------------------------------------------------- */

static int
order(const struct fixture *fx, uint32_t a, uint32_t b)
{
	return event_order(fx->names, fx->triggers[a].time, source_of(fx, a), id_of(a), fx->triggers[b].time, source_of(fx, b), id_of(b));
}

static uint32_t
runs_of(const struct fixture *fx, struct run runs[EVENTS])
{
	uint32_t sorted[EVENTS], n = 0, n_runs = 0;
	struct run *ru = NULL;

	for (uint32_t k = 0; k < EVENTS; k++) {
		uint32_t i = n;

		if (!fx->triggers[k].there)
			continue;
		for (; i > 0 && order(fx, sorted[i - 1], k) > 0; i--)
			sorted[i] = sorted[i - 1];
		sorted[i] = k;
		n++;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct trigger *tr = &fx->triggers[sorted[i]];

		if (ru == NULL || (!fx->ru.episode_once && instant_cmp(tr->time, instant_plus(ru->last, fx->ru.quiet)) > 0)) {
			ru = &runs[n_runs++];
			*ru = (struct run){.opening = sorted[i], .shown = sorted[i], .first = tr->time};
		}
		ru->event[ru->n++] = sorted[i];
		ru->last = tr->time;
		if (tr->level >= fx->triggers[ru->shown].level)
			ru->shown = sorted[i];
	}
	return n_runs;
}

static void
want(struct fixture *fx, enum message_type type, uint32_t alert, uint32_t replaces)
{
	fx->wanted[fx->n_wanted++] = (struct message_seen){type, alert, replaces, ++fx->known[alert].seq};
}

static bool
holds_event(const struct run *ru, uint32_t event)
{
	for (uint32_t i = 0; i < ru->n; i++)
		if (ru->event[i] == event)
			return true;
	return false;
}

/* The episode that takes over: the one that covers the opening, else the first that meets its span. */
static const struct run *
heir(const struct known *al, const struct run *runs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (instant_cmp(runs[i].first, al->opened) <= 0 && instant_cmp(al->opened, runs[i].last) <= 0)
			return &runs[i];
	for (uint32_t i = 0; i < n; i++)
		if (instant_cmp(runs[i].first, al->last) <= 0 && instant_cmp(al->opened, runs[i].last) <= 0)
			return &runs[i];
	return NULL;
}

static void
expect_withdrawals(struct fixture *fx, const struct run *runs, uint32_t n, const uint32_t *old, uint32_t n_old)
{
	for (uint32_t i = 0; i < n_old; i++) {
		struct known *al = &fx->known[old[i]];
		const struct run *ru;
		bool held = al->told > 0, stands = false;

		for (uint32_t r = 0; r < n && !stands; r++)
			stands = runs[r].opening == old[i];
		if (stands)
			continue;
		ru = heir(al, runs, n);
		al->replaced = ru != NULL;
		al->by = ru == NULL ? 0 : ru->opening;
		al->why = fx->why != WHY_EVIDENCE ? fx->why : ru != NULL ? WHY_REPLACED : WHY_EVIDENCE;
		al->current = false;
		al->state = ALERT_WITHDRAWN;
		al->told = al->held_back = 0;
		if (held)
			want(fx, MESSAGE_WITHDRAWN, old[i], UINT32_MAX);
	}
}

static uint32_t
replaced(const struct fixture *fx, uint32_t by, const uint32_t *old, uint32_t n_old)
{
	for (uint32_t i = 0; i < n_old; i++)
		if (!fx->known[old[i]].current && fx->known[old[i]].replaced && fx->known[old[i]].by == by)
			return old[i];
	return UINT32_MAX;
}

static void
expect_alert(struct fixture *fx, const struct run *ru, const uint32_t *old, uint32_t n_old)
{
	struct known *al = &fx->known[ru->opening];
	const struct trigger *told = &fx->triggers[al->told_event], *shown = &fx->triggers[ru->shown];
	bool fresh = !al->current, held = !fresh && al->told > 0, was_ended = !fresh && al->state == ALERT_ENDED;
	bool ended = fx->have_tick && fx->ru.expires > 0 && instant_cmp(fx->tick, instant_plus(ru->last, fx->ru.expires)) >= 0;
	bool say = fresh || !holds_event(ru, al->told_event) || instant_cmp(told->time, al->told_time) != 0 ||
		   told->signature != al->told_signature || shown->level > al->told_level ||
		   (fx->ru.again_each && ru->n > al->told + al->held_back) || (was_ended && !ended && !held);
	bool moves = held && fx->readdressed;

	if (moves) { /* others get it now */
		want(fx, MESSAGE_WITHDRAWN, ru->opening, UINT32_MAX);
		al->told = 0;
		say = true;
	}
	al->current = al->ever = true;
	al->replaced = false;
	al->state = ended ? ALERT_ENDED : ALERT_STANDING;
	al->opened = ru->first;
	al->last = ru->last;
	if (!say) {
		al->held_back = ru->n > al->told ? ru->n - al->told : 0;
		return;
	}
	al->told = fresh ? 1 : al->told + 1 < ru->n ? al->told + 1 : ru->n;
	al->held_back = ru->n - al->told;
	al->told_level = shown->level;
	al->told_event = ru->shown;
	al->told_time = shown->time;
	al->told_signature = shown->signature;
	if (!ended && (!fx->silent || held)) {
		want(fx, held && !moves ? MESSAGE_UPDATED : MESSAGE_RAISED, ru->opening, fresh ? replaced(fx, ru->opening, old, n_old) : UINT32_MAX);
		return;
	}
	fx->wanted_ended_unsent += !fx->silent || held;
	if (!held || moves) {
		al->told = 0;
		al->held_back = ru->n;
	}
}

/* ---- comparing ------------------------------------------------------------------------------------------------ */

static void
check_alert(const struct fixture *fx, const struct group *gr, uint32_t i, const struct run *ru)
{
	const struct alert *al = gr->alerts[i];
	const struct known *kn = &fx->known[ru->opening];
	uint32_t first = i == 0 ? 0 : gr->alerts[i - 1]->last_hit + 1;
	char values[32];

	assert_int_equal(event_of(al->opening), ru->opening);
	assert_int_equal(instant_cmp(al->opening->time, ru->first), 0);
	assert_int_equal(event_of(al->shown), ru->shown);
	assert_int_equal(al->shown->level, fx->triggers[ru->shown].level);
	assert_true(al->signature == fx->triggers[ru->shown].signature);
	assert_true(slice_eq(alert_values(al), values_of(&fx->triggers[ru->shown], ru->shown, values)));
	assert_int_equal(instant_cmp(al->last, ru->last), 0);
	assert_int_equal(al->first_hit, first);
	assert_int_equal(al->last_hit, first + ru->n - 1);
	assert_int_equal(event_of(gr->hits[al->shown_hit]), ru->shown);
	assert_int_equal(al->state, kn->state);
	assert_int_equal(al->seq, kn->seq);
	assert_int_equal(al->told, kn->told);
	assert_int_equal(al->held_back, kn->held_back);
	assert_int_equal(al->told_level, kn->told_level);
	assert_int_equal(event_of(al->told_hit), kn->told_event);
	assert_true(al->told_signature == kn->told_signature);
	assert_false(al->replaced);
	if (al->state == ALERT_STANDING && fx->ru.expires > 0)
		assert_true(instant_cmp(fx->due, instant_plus(al->last, fx->ru.expires)) <= 0);
}

/* A checkpoint writes the hits from unsaved_from on: those before must be as the last one wrote them. */
static void
check_unsaved(const struct fixture *fx, const struct group *gr)
{
	uint32_t n = gr->unsaved_from < gr->n_hits ? gr->unsaved_from : gr->n_hits;

	assert_true(n <= fx->n_saved && (gr->unsaved_from != UINT32_MAX || gr->n_hits == fx->n_saved));
	assert_true(gr->unsaved || gr->unsaved_from == UINT32_MAX);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(event_of(gr->hits[i]), fx->saved[i].event);
		assert_int_equal(instant_cmp(gr->hits[i]->time, fx->saved[i].time), 0);
		assert_int_equal(gr->hits[i]->level, fx->saved[i].level);
	}
}

static void
save(struct fixture *fx, struct group *gr)
{
	group_saved(gr);
	fx->n_saved = gr->n_hits;
	for (uint32_t i = 0; i < gr->n_hits; i++)
		fx->saved[i] = (struct saved){event_of(gr->hits[i]), gr->hits[i]->time, gr->hits[i]->level};
}

static void
check(const struct fixture *fx, const struct group *gr, const struct run *runs, uint32_t n)
{
	uint32_t withdrawn = 0;

	assert_int_equal(gr->n_current, n);
	for (uint32_t i = 0; i < n; i++)
		check_alert(fx, gr, i, &runs[i]);
	for (uint32_t i = n; i < gr->n_alerts; i++) {
		const struct alert *al = gr->alerts[i];
		const struct known *kn = &fx->known[event_of(al->opening)];

		assert_false(kn->current);
		assert_int_equal(al->state, ALERT_WITHDRAWN);
		assert_int_equal(al->seq, kn->seq);
		assert_int_equal(al->told + al->held_back, 0);
		assert_int_equal(al->replaced, kn->replaced);
		assert_int_equal(al->why, kn->why);
	}
	for (uint32_t k = 0; k < EVENTS; k++)
		withdrawn += fx->known[k].ever && !fx->known[k].current;
	assert_int_equal(gr->n_alerts - n, withdrawn);
	assert_true(group_bytes(gr) >= sizeof *gr + gr->key_len + gr->n_hits * sizeof(struct hit) + gr->n_alerts * sizeof(struct alert));
	/* And no more than the allocator may add to each. */
	assert_true(group_bytes(gr) <= sizeof *gr + gr->key_len + gr->values_bytes + (gr->n_hits + 2 * withdrawn) * (sizeof(struct hit) + 64) +
					   gr->n_alerts * (sizeof(struct alert) + 64));
	assert_int_equal(fx->n_seen, fx->n_wanted);
	for (uint32_t i = 0; i < fx->n_seen; i++) {
		assert_int_equal(fx->seen[i].type, fx->wanted[i].type);
		assert_int_equal(fx->seen[i].alert, fx->wanted[i].alert);
		assert_int_equal(fx->seen[i].seq, fx->wanted[i].seq);
		assert_int_equal(fx->seen[i].replaces, fx->wanted[i].replaces);
	}
	assert_int_equal(fx->ended_unsent, fx->wanted_ended_unsent);
	for (uint32_t i = 0; i < gr->n_hits; i++)
		assert_int_equal(gr->hits[i]->fresh, 0);
	check_unsaved(fx, gr);
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

/* A trigger comes, goes, says other things, or moves in time. */
static void
change_one(struct fixture *fx, struct group *gr, unsigned span)
{
	uint32_t k = (uint32_t)below(fx, EVENTS);
	struct trigger *tr = &fx->triggers[k];
	struct instant time = {(int64_t)below(fx, span), below(fx, 3) == 0 ? 5 : 0};

	if (tr->there && below(fx, 3) != 0) {
		time = tr->time;
		if (below(fx, 3) == 0)
			tr->signature += below(fx, 2);
		put(fx, gr, k, time, (int)below(fx, 4));
		return;
	}
	if (tr->there && instant_cmp(tr->time, time) != 0 && below(fx, 4) == 0) { /* nor did it at another time */
		assert_int_equal(group_put(gr, fx->names, time, source_of(fx, k), id_of(k), NULL), 0);
		return;
	}
	if (!tr->there && below(fx, 4) == 0) { /* what never was says nothing now */
		put(fx, gr, k, time, 0);
		return;
	}
	if (tr->there && instant_cmp(tr->time, time) != 0 && below(fx, 2) == 0) { /* the new place is known before the old one is left */
		struct instant before = tr->time;

		put(fx, gr, k, time, 1 + (int)below(fx, 3));
		assert_int_equal(group_put(gr, fx->names, before, source_of(fx, k), id_of(k), NULL), 0);
		return;
	}
	if (tr->there)
		put(fx, gr, k, tr->time, 0);
	tr->signature += below(fx, 2);
	put(fx, gr, k, time, 1 + (int)below(fx, 3));
}

/* The rule is judged anew: it says what it said, or with `less` nothing of some triggers any more. */
static void
judge_anew(struct fixture *fx, struct group *gr, bool less)
{
	group_drop_hits(gr);
	assert_int_equal(gr->n_hits, 0);
	for (uint32_t k = 0; k < EVENTS; k++)
		if (fx->triggers[k].there && !(less && below(fx, 3) == 0))
			put(fx, gr, k, fx->triggers[k].time, fx->triggers[k].level);
		else
			fx->triggers[k].there = false;
}

static void
cut(struct fixture *fx, struct group *gr)
{
	static struct run runs[EVENTS];
	struct cut cu = cut_of(fx);
	uint32_t n, old[EVENTS], n_old = 0;
	struct instant due = fx->due;
	struct err err = {0};

	cu.rule_set = 3;
	cu.silent = fx->silent;
	cu.readdressed = fx->readdressed;
	cu.why = fx->why;
	cu.have_tick = fx->have_tick;
	cu.tick = fx->tick;
	/* The order in which the old ones stood: of their openings as they were. */
	for (uint32_t i = 0; i < gr->n_current; i++)
		old[n_old++] = event_of(gr->alerts[i]->opening);
	fx->n_seen = fx->n_wanted = 0;
	n = runs_of(fx, runs);
	expect_withdrawals(fx, runs, n, old, n_old);
	for (uint32_t i = 0; i < n; i++)
		expect_alert(fx, &runs[i], old, n_old);
	assert_int_equal(group_cut(gr, &cu, &err), 0);
	arena_reset(&fx->arena);
	check(fx, gr, runs, n);
	/* Only what stands makes the next tick's work. */
	assert_true(instant_cmp(fx->due, due) == 0 || !fx->have_tick || instant_cmp(fx->due, fx->tick) > 0);
}

static void
tick(struct fixture *fx, struct group *gr, unsigned span)
{
	bool changed = false, wanted = false;
	struct instant next = {INT64_MAX, 0}, least = next;

	if (!fx->have_tick)
		fx->tick = (struct instant){0, 0};
	fx->tick.sec += (int64_t)below(fx, span / 4 + 1);
	fx->have_tick = true;
	for (uint32_t k = 0; k < EVENTS; k++) {
		struct known *kn = &fx->known[k];

		if (kn->current && kn->state == ALERT_STANDING && fx->ru.expires > 0 &&
		    instant_cmp(fx->tick, instant_plus(kn->last, fx->ru.expires)) >= 0) {
			kn->state = ALERT_ENDED;
			wanted = true;
		}
	}
	for (uint32_t i = 0; i < gr->n_current; i++) {
		const struct alert *al = gr->alerts[i];
		bool due = alert_due(al, &fx->ru, fx->tick, &next);

		assert_int_equal(due, al->state == ALERT_STANDING && fx->known[event_of(al->opening)].state == ALERT_ENDED);
		if (fx->known[event_of(al->opening)].state == ALERT_STANDING && fx->ru.expires > 0 &&
		    instant_cmp(instant_plus(al->last, fx->ru.expires), least) < 0)
			least = instant_plus(al->last, fx->ru.expires);
	}
	assert_int_equal(instant_cmp(next, least), 0);
	group_tick(gr, &fx->ru, fx->tick, &changed);
	assert_int_equal(changed, wanted);
}

/* What an alert shows is in memory once, as long as it stands. */
static void
expect_shared(const struct group *gr)
{
	size_t values = 0;

	for (uint32_t i = 0; i < gr->n_alerts; i++) {
		const struct alert *al = gr->alerts[i];

		values += al->values_len;
		if (i < gr->n_current)
			assert_ptr_equal(al->shown, gr->hits[al->shown_hit]);
	}
	assert_int_equal(gr->values_bytes, values);
}

/* The group as it comes back from the store: what is not stored, as where an alert's last message was shown, is found again. */
static struct group *
reload(struct fixture *fx, const struct group *gr)
{
	struct standing sg = {0};
	struct group *ret = standing_group(&sg, slice_str("key"));
	struct buf b = {0};
	struct err err = {0};

	assert_non_null(ret);
	group_encode_part(gr, 0, &b);
	assert_int_equal(group_add_part(ret, buf_slice(&b), &err), 0);
	for (uint32_t i = gr->n_alerts; i-- > 0;) {
		alert_encode(gr->alerts[i], &b);
		assert_int_equal(group_add_alert(ret, buf_slice(&b), &err), 0);
	}
	assert_int_equal(group_place(ret, fx->names), 0);
	expect_shared(ret);
	assert_int_equal(group_bytes(ret), group_bytes(gr));
	buf_free(&b);
	standing_free(&fx->sg);
	fx->sg = sg;
	save(fx, ret);
	return ret;
}

static void
story(struct fixture *fx, uint64_t seed)
{
	static const int64_t quiets[] = {0, 1, 5, 20};
	struct group *gr;
	unsigned span;

	standing_free(&fx->sg);
	memset(fx->triggers, 0, sizeof fx->triggers);
	memset(fx->known, 0, sizeof fx->known);
	fx->n_saved = 0;
	fx->random = seed;
	fx->ended_unsent = fx->wanted_ended_unsent = 0;
	fx->due = (struct instant){INT64_MAX, 0};
	fx->have_tick = fx->silent = false;
	fx->ru.quiet = quiets[below(fx, 4)];
	fx->ru.expires = below(fx, 2) == 0 ? 0 : 1 + (int64_t)below(fx, 60);
	fx->ru.again_each = below(fx, 3) == 0;
	fx->ru.episode_once = below(fx, 8) == 0;
	span = 10 + (unsigned)below(fx, 200);
	gr = standing_group(&fx->sg, slice_str("key"));
	assert_non_null(gr);
	for (unsigned round = 0; round < 60; round++) {
		fx->silent = below(fx, 10) == 0;
		for (uint64_t changes = below(fx, 4); changes-- > 0;)
			change_one(fx, gr, span);
		fx->readdressed = false;
		fx->why = WHY_EVIDENCE;
		if (below(fx, 12) == 0) {
			judge_anew(fx, gr, below(fx, 2) == 0);
			fx->why = WHY_RULE;
			fx->readdressed = below(fx, 2) == 0;
		}
		cut(fx, gr);
		expect_shared(gr);
		if (below(fx, 4) == 0)
			tick(fx, gr, span);
		if (below(fx, 6) == 0)
			gr = reload(fx, gr);
		else if (below(fx, 6) == 0)
			save(fx, gr);
	}
}

static void
alerts_follow_their_triggers(void **state)
{
	for (uint64_t seed = 1; seed <= 300; seed++)
		story(*state, seed);
}

static void
groups_are_found_by_their_keys(void **state)
{
	struct fixture *fx = *state;
	struct standing *sg = &fx->sg;
	struct group *by[200] = {0};
	uint64_t random = 5;
	char key[8];

	for (unsigned i = 0; i < 400; i++) {
		unsigned k = (unsigned)(scratch_random(&random) % 200);

		(void)snprintf(key, sizeof key, "%u", k);
		assert_ptr_equal(standing_find(sg, slice_str(key)), by[k]);
		by[k] = standing_group(sg, slice_str(key));
		assert_non_null(by[k]);
		assert_true(slice_eq_str(group_episode(by[k]), key));
	}
	assert_int_equal(group_bytes(standing_group(sg, slice_str("123"))), group_bytes(standing_group(sg, slice_str("1"))) + 2);
	for (uint32_t i = 1; i < sg->n; i++)
		assert_true(slice_cmp(group_episode(sg->groups[i - 1]), group_episode(sg->groups[i])) < 0);
	alert_free(NULL); /* is fine */
}

static void
an_id_is_shown_as_hex(void **state)
{
	static const uint8_t id[ALERT_ID_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff, 0x10, 0x0f};
	char text[2 * ALERT_ID_BYTES + 2];

	(void)state;
	text[sizeof text - 1] = '!';
	alert_id_text(id, text);
	assert_string_equal(text, "0123456789abcdefff100f0000000000");
	assert_int_equal(text[sizeof text - 1], '!');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(alerts_follow_their_triggers, setup, teardown),
	    cmocka_unit_test_setup_teardown(groups_are_found_by_their_keys, setup, teardown),
	    cmocka_unit_test(an_id_is_shown_as_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
