/* Episodes and their alerts against an oracle that cuts all triggers anew each time: what stands, what is shown, what was told with
 * which number, what is held back, who takes over from whom. The property test compares what stands in the end; here each step. */
#include "engine/alert/standing.h"
#include "engine/rule/rule.h"
#include "engine/timeline/timeline.h"
#include "tests/memory/failing.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define EVENTS 40 /* identities */

/* One identity's trigger, as it is now. */
struct trigger {
	bool there;
	struct instant time;
	uint8_t level;
	uint64_t signature;
};

/* What the oracle knows of an alert: named by the identity of its opening. */
struct known {
	bool current, ever, replaced;
	enum alert_state state;
	uint32_t seq, told, held_back, by;
	uint8_t told_level;
	uint32_t told_event; /* what the last message showed */
	struct instant told_time;
	uint64_t told_signature;
	struct instant opened, last;
};

/* An episode by brute force: events in order. */
struct run {
	uint32_t n, opening, shown, event[EVENTS];
	struct instant first, last;
};

struct message_seen {
	enum message_type type;
	uint32_t alert, replaces; /* openings; UINT32_MAX: none */
	uint32_t seq;
};

struct fixture {
	struct names *names;
	struct changes *changes;
	uint32_t source[2];
	struct rule ru;
	struct standing sg;
	struct arena arena;
	struct trigger triggers[EVENTS];
	struct known known[EVENTS];
	struct message_seen wanted[EVENTS * 2], seen[EVENTS * 2];
	uint32_t n_wanted, n_seen;
	uint64_t ended_unsent, wanted_ended_unsent, random;
	struct instant tick, due;
	bool have_tick, silent;
	char values[32];
};

static uint64_t
below(struct fixture *fx, uint64_t n)
{
	return scratch_random(&fx->random) % n;
}

/* Identity k: source a or b, id "k". */
static uint32_t
source_of(const struct fixture *fx, uint32_t k)
{
	return fx->source[k % 2];
}

static struct slice
id_of(uint32_t k)
{
	static char text[4][8];
	static unsigned next;
	char *p = text[next++ % 4];

	return slice_of(p, (size_t)snprintf(p, 8, "%02u", k));
}

static uint32_t
event_of(const struct hit *hi)
{
	return (uint32_t)(hit_id(hi).p[0] - '0') * 10 + (uint32_t)(hit_id(hi).p[1] - '0');
}

static int
setup(void **state)
{
	struct fixture *fx;
	struct err err;
	static char id[] = "r";

	failing_start(0, false);
	fx = calloc(1, sizeof *fx);
	if (fx == NULL)
		return -1;
	fx->names = names_new();
	fx->changes = changes_new();
	fx->ru.id = id;
	if (names_intern(fx->names, slice_str("b"), fx->changes, &fx->source[0], &err) != 0 ||
	    names_intern(fx->names, slice_str("a"), fx->changes, &fx->source[1], &err) != 0)
		return -1;
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;
	size_t left;

	standing_free(&fx->sg);
	arena_free(&fx->arena);
	names_free(fx->names);
	changes_free(fx->changes);
	free(fx);
	(void)failing_stop();
	return failing_left(&left) == 0 ? 0 : -1;
}

/* ---- what a cut asks and tells -------------------------------------------------------------------------------- */

/* Of any length, none and one byte among them. */
static struct slice
values_of(const struct trigger *tr, uint32_t event, char ret[32])
{
	int n = snprintf(ret, 32, "%u:%llu", event, (unsigned long long)tr->signature);

	return slice_of(ret, tr->signature % 4 == 0 ? 0 : tr->signature % 4 == 1 ? 1 : (size_t)n);
}

static int
on_look(void *ctx, const struct hit *hi, uint64_t *ret_signature, struct slice *ret_values, struct err *err)
{
	struct fixture *fx = ctx;
	const struct trigger *tr = &fx->triggers[event_of(hi)];

	(void)err;
	assert_true(tr->there && instant_cmp(tr->time, hi->time) == 0);
	*ret_signature = tr->signature;
	*ret_values = values_of(tr, event_of(hi), fx->values);
	return 0;
}

static int
on_tell(void *ctx, enum message_type type, const struct group *gr, const struct alert *al, const struct alert *replaces, struct err *err)
{
	struct fixture *fx = ctx;

	(void)gr;
	(void)err;
	assert_true(fx->n_seen < 2 * EVENTS);
	fx->seen[fx->n_seen++] =
	    (struct message_seen){type, event_of(al->opening), replaces == NULL ? UINT32_MAX : event_of(replaces->opening), al->seq};
	return 0;
}

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
		want(fx, held ? MESSAGE_UPDATED : MESSAGE_RAISED, ru->opening, fresh ? replaced(fx, ru->opening, old, n_old) : UINT32_MAX);
		return;
	}
	fx->wanted_ended_unsent += !fx->silent || held;
	if (!held) {
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
	}
	for (uint32_t k = 0; k < EVENTS; k++)
		withdrawn += fx->known[k].ever && !fx->known[k].current;
	assert_int_equal(gr->n_alerts - n, withdrawn);
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
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

static void
put(struct fixture *fx, struct group *gr, uint32_t k, struct instant time, int level)
{
	static const char *const codes[] = {"", "low", "mid", "high"};
	struct trigger *tr = &fx->triggers[k];
	struct hit *hi = level == 0 ? NULL : hit_new(time, source_of(fx, k), id_of(k), (uint8_t)level, slice_str(codes[level]));

	assert_int_equal(group_put(gr, fx->names, time, source_of(fx, k), id_of(k), hi), 0);
	tr->there = level != 0;
	tr->time = time;
	tr->level = (uint8_t)level;
}

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
	if (tr->there)
		put(fx, gr, k, tr->time, 0);
	tr->signature += below(fx, 2);
	put(fx, gr, k, time, 1 + (int)below(fx, 3));
}

static void
cut(struct fixture *fx, struct group *gr)
{
	static struct run runs[EVENTS];
	struct cut cu = {.ru = &fx->ru,
	    .names = fx->names,
	    .subject = slice_str("body/x"),
	    .rule_set = 3,
	    .silent = fx->silent,
	    .have_tick = fx->have_tick,
	    .tick = fx->tick,
	    .ended_unsent = &fx->ended_unsent,
	    .arena = &fx->arena,
	    .due = &fx->due,
	    .ctx = fx,
	    .look = on_look,
	    .tell = on_tell};
	uint32_t n, old[EVENTS], n_old = 0;
	struct instant due = fx->due;
	struct err err = {0};

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
	struct instant next = {INT64_MAX, 0};

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
		if (fx->known[event_of(al->opening)].state == ALERT_STANDING && fx->ru.expires > 0)
			assert_true(instant_cmp(next, instant_plus(al->last, fx->ru.expires)) <= 0);
	}
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
		cut(fx, gr);
		expect_shared(gr);
		if (below(fx, 4) == 0)
			tick(fx, gr, span);
		if (below(fx, 6) == 0)
			gr = reload(fx, gr);
	}
}

static void
alerts_follow_their_triggers(void **state)
{
	for (uint64_t seed = 1; seed <= 300; seed++)
		story(*state, seed);
}

/* Hits far apart, so that one cut makes many alerts; every third goes and comes again. -1: the call that had no memory. */
static int
many_alerts(struct fixture *fx, struct err *err)
{
	struct cut cu = {.ru = &fx->ru,
	    .names = fx->names,
	    .subject = slice_str("body/x"),
	    .ended_unsent = &fx->ended_unsent,
	    .arena = &fx->arena,
	    .due = &fx->due,
	    .ctx = fx,
	    .look = on_look,
	    .tell = on_tell};
	struct group *gr = standing_group(&fx->sg, slice_str("key"));

	if (gr == NULL)
		return err_nomem(err);
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t k = 0; k < EVENTS; k += round == 0 ? 1 : 3) {
			struct instant time = {100 * (int64_t)k, 0};
			struct hit *hi = round == 1 ? NULL : hit_new(time, source_of(fx, k), id_of(k), 2, slice_str("mid"));

			if ((hi == NULL && round != 1) || group_put(gr, fx->names, time, source_of(fx, k), id_of(k), hi) != 0)
				return err_nomem(err);
			fx->triggers[k] = (struct trigger){round != 1, time, 2, k};
		}
		fx->n_seen = 0;
		if (group_cut(gr, &cu, err) != 0)
			return -1;
		arena_reset(&fx->arena);
	}
	return 0;
}

static void
without_memory_nothing_is_left(void **state)
{
	struct fixture *fx = *state;
	bool failed = true;

	fx->ru.quiet = 10;
	for (uint64_t at = 1; failed; at++) {
		struct err err = {0};
		size_t left;
		int rc;

		failing_start(at, false);
		rc = many_alerts(fx, &err);
		failed = failing_has();
		standing_free(&fx->sg);
		arena_free(&fx->arena);
		(void)failing_stop();
		assert_int_equal(rc, failed ? -1 : 0);
		assert_int_equal(err.code, failed ? ERR_NOMEM : ERR_NONE);
		assert_int_equal(failing_left(&left), 0);
	}
}

static void
groups_are_found_by_their_keys(void **state)
{
	struct standing sg = {0};
	struct group *by[200] = {0};
	uint64_t random = 5;
	char key[8];

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		unsigned k = (unsigned)(scratch_random(&random) % 200);

		(void)snprintf(key, sizeof key, "%u", k);
		assert_ptr_equal(standing_find(&sg, slice_str(key)), by[k]);
		by[k] = standing_group(&sg, slice_str(key));
		assert_non_null(by[k]);
		assert_true(slice_eq_str(group_episode(by[k]), key));
	}
	assert_int_equal(group_bytes(standing_group(&sg, slice_str("123"))), group_bytes(standing_group(&sg, slice_str("1"))) + 2);
	for (uint32_t i = 1; i < sg.n; i++)
		assert_true(slice_cmp(group_episode(sg.groups[i - 1]), group_episode(sg.groups[i])) < 0);
	standing_free(&sg);
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
	    cmocka_unit_test_setup_teardown(without_memory_nothing_is_left, setup, teardown),
	    cmocka_unit_test(groups_are_found_by_their_keys),
	    cmocka_unit_test(an_id_is_shown_as_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
