/* For tests of episodes and alerts: identities with a trigger each, and what a cut asks and tells of them; every allocation is
 * counted. */
#ifndef DIDEBAN_TESTS_UNIT_STANDING_WORLD_H
#define DIDEBAN_TESTS_UNIT_STANDING_WORLD_H

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
	enum alert_why why;
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

/* A hit as a checkpoint wrote it. */
struct saved {
	uint32_t event;
	struct instant time;
	uint8_t level;
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
	struct saved saved[EVENTS];
	uint32_t n_saved;
	struct message_seen wanted[EVENTS * 2], seen[EVENTS * 2];
	uint32_t n_wanted, n_seen;
	uint64_t ended_unsent, wanted_ended_unsent, random;
	struct instant tick, due;
	bool have_tick, silent, readdressed;
	enum alert_why why; /* of this cut */
	unsigned fail_at;   /* which call from now on fails; 0: none */
	char values[32];
};

static inline uint64_t
below(struct fixture *fx, uint64_t n)
{
	return scratch_random(&fx->random) % n;
}

/* Identity k: source a or b, id "k / 2": two events of one id differ in their sources. */
static uint32_t odd_source;

static inline uint32_t
source_of(const struct fixture *fx, uint32_t k)
{
	return fx->source[k % 2];
}

static inline struct slice
id_of(uint32_t k)
{
	static char text[4][8];
	static unsigned next;
	char *p = text[next++ % 4];

	return slice_of(p, (size_t)snprintf(p, 8, "%02u", k / 2));
}

static inline uint32_t
event_of(const struct hit *hi)
{
	return 2 * ((uint32_t)(hit_id(hi).p[0] - '0') * 10 + (uint32_t)(hit_id(hi).p[1] - '0')) + (hi->source == odd_source);
}

static inline int
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
	odd_source = fx->source[1];
	*state = fx;
	return 0;
}

static inline int
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
static inline struct slice
values_of(const struct trigger *tr, uint32_t event, char ret[32])
{
	int n = snprintf(ret, 32, "%u:%llu", event, (unsigned long long)tr->signature);

	return slice_of(ret, tr->signature % 4 == 0 ? 0 : tr->signature % 4 == 1 ? 1 : (size_t)n);
}

static inline int
on_look(void *ctx, const struct hit *hi, uint64_t *ret_signature, struct slice *ret_values, struct err *err)
{
	struct fixture *fx = ctx;
	const struct trigger *tr = &fx->triggers[event_of(hi)];

	if (fx->fail_at > 0 && --fx->fail_at == 0)
		return err_set(err, ERR_IO, "look");
	assert_true(tr->there && instant_cmp(tr->time, hi->time) == 0);
	*ret_signature = tr->signature;
	*ret_values = values_of(tr, event_of(hi), fx->values);
	return 0;
}

static inline int
on_tell(void *ctx, enum message_type type, const struct group *gr, const struct alert *al, const struct alert *replaces, struct err *err)
{
	struct fixture *fx = ctx;

	(void)gr;
	if (fx->fail_at > 0 && --fx->fail_at == 0)
		return err_set(err, ERR_IO, "tell");
	assert_true(fx->n_seen < 2 * EVENTS);
	fx->seen[fx->n_seen++] =
	    (struct message_seen){type, event_of(al->opening), replaces == NULL ? UINT32_MAX : event_of(replaces->opening), al->seq};
	return 0;
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

static inline void
put(struct fixture *fx, struct group *gr, uint32_t k, struct instant time, int level)
{
	static const char *const codes[] = {"", "low", "mid", "high"};
	struct trigger *tr = &fx->triggers[k];
	struct hit *hi = level == 0 ? NULL : hit_new(time, source_of(fx, k), id_of(k), (uint8_t)level, slice_str(codes[level]));

	if (hi != NULL && below(fx, 2) == 0) /* marked by who judged it */
		hi->fresh = 1 + (uint32_t)below(fx, 3);
	assert_int_equal(group_put(gr, fx->names, time, source_of(fx, k), id_of(k), hi), 0);
	tr->there = level != 0;
	tr->time = time;
	tr->level = (uint8_t)level;
}

/* What a cut needs to know whatever the story. */
static inline struct cut
cut_of(struct fixture *fx)
{
	return (struct cut){.ru = &fx->ru,
	    .names = fx->names,
	    .subject = slice_str("body/x"),
	    .ended_unsent = &fx->ended_unsent,
	    .arena = &fx->arena,
	    .due = &fx->due,
	    .ctx = fx,
	    .look = on_look,
	    .tell = on_tell};
}

#endif
