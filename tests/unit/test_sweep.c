/* Which triggers a change judges again, by brute force over random changes: those whose window holds what came or went, those that
 * see a key's state from it, new ones, and no others. What they then say the property test compares; here it is what a change costs.
 */
#include "engine/calendar/instant.h"
#include "tests/unit/node_world.h"
#include "tests/unit/scratch.h"

#define EVENTS 120

struct event_known {
	enum type type;
	struct instant time;
	char id[8], key[4]; /* key: empty: it has none */
	bool there, changed;
};

/* What the rule looks at. */
struct shape {
	const char *within;          /* NULL: no window */
	bool active, where, shorter; /* shorter: a second window, of three seconds */
	int64_t span;                /* between the first and the last event, in seconds */
	unsigned more;               /* features that nothing reaches */
};

static const struct shape shapes[] = {
    {"within = \"10s\", ", false, false, false, 40, 0},
    {"within = \"10s\", ", false, true, false, 40, 0},
    {"within = \"jalali_month\", ", false, false, false, 100 * 86400, 0},
    {"within = \"jalali_year\", ", false, false, false, 900 * 86400, 0},
    {"", false, false, false, 100 * 86400, 0},
    {"within = \"10s\", ", false, false, true, 40, 0},
    {NULL, true, false, false, 40, 0},
    {"within = \"3s\", ", true, true, false, 40, 0},
    {"within = \"3s\", ", true, true, false, 40, LIMIT_RULE_FEATURES - 2},
};

struct world {
	const struct shape *shape;
	struct node *no;
	struct event_known events[EVENTS];
	unsigned n;
	uint64_t random, number;
};

static uint64_t
below(struct world *wo, uint64_t n)
{
	return scratch_random(&wo->random) % n;
}

/* Its rule alerts never: what is judged is judged for what changed alone. */
static void
open_world(struct world *wo, const struct shape *sh, uint64_t seed)
{
	struct buf b = {0};

	buf_add_str(&b, "  on = { \"x.ping\", \"x.again\" }, subject = \"who\", features = {\n");
	if (sh->within != NULL)
		buf_printf(&b, "  c = { op = \"count\", %s%son = { \"x.mark\" } },\n", sh->within, sh->where ? "where = { k = \"a\" }, " : "");
	if (sh->shorter)
		buf_add_str(&b, "  d = { op = \"count\", within = \"3s\", on = { \"x.mark\" } },\n");
	if (sh->active)
		buf_add_str(
		    &b, "  w = { op = \"active\", key = \"k\", opens = { \"x.open\" }, reopens = { \"x.again\" }, closes = { \"x.shut\" } },\n");
	for (unsigned i = 0; i < sh->more; i++)
		buf_printf(&b, "  e%u = { op = \"count\", within = \"3s\", on = { \"x.mark\" }, where = { k = \"none\" } },\n", i);
	buf_printf(
	    &b, "  }, evaluate = function(e, f, p) if %s.n > 1000 then return \"yes\" end return \"ok\" end,\n", sh->within != NULL ? "f.c" : "f.w");
	buf_add_u8(&b, 0);
	*wo = (struct world){.shape = sh, .random = seed, .no = node_world_open(b.p)};
	buf_free(&b);
}

/* ---- changes -------------------------------------------------------------------------------------------------- */

static void
add_event(struct world *wo)
{
	static const char *const keys[] = {"a", "b", ""};
	struct event_known *ev = &wo->events[wo->n];
	int64_t unit = wo->shape->span > 86400 ? 86400 : 1;
	struct buf data = {0};

	assert_true(wo->n < EVENTS);
	*ev = (struct event_known){.type = (enum type)(below(wo, 3) == 0 ? PING : below(wo, TYPES)), .there = true, .changed = true};
	/* 1403-01-01 in Tehran begins at 20:30 UTC; days often begin or end with an event. */
	ev->time = (struct instant){1710880200 + unit * (int64_t)below(wo, (uint64_t)(wo->shape->span / unit)), 0};
	if (below(wo, 4) == 0)
		ev->time = (struct instant){ev->time.sec - 1, 999999999};
	(void)snprintf(ev->id, sizeof ev->id, "%03u", (unsigned)(wo->n * 7 + 3) % EVENTS);
	(void)snprintf(ev->key, sizeof ev->key, "%s", keys[below(wo, 8) == 0 ? 2 : below(wo, 2)]);
	/* Some have two entries on the timeline. */
	buf_printf(&data, "{\"who\":\"x\"%s%s%s%s}", below(wo, 4) == 0 ? ",\"other\":\"x\"" : "", ev->key[0] == '\0' ? "" : ",\"k\":\"", ev->key,
	    ev->key[0] == '\0' ? "" : "\"");
	buf_add_u8(&data, 0);
	node_world_send(wo->no, ++wo->number, type_names[ev->type], ev->id, ev->time, data.p);
	buf_free(&data);
	wo->n++;
}

static void
retract_event(struct world *wo)
{
	struct event_known *ev = &wo->events[below(wo, wo->n)];
	char data[64], id[16];

	if (!ev->there)
		return;
	ev->there = false;
	ev->changed = !ev->changed; /* what came in the same batch was never there */
	(void)snprintf(data, sizeof data, "{\"source\":\"/s\",\"id\":\"%s\"}", ev->id);
	(void)snprintf(id, sizeof id, "not-%s", ev->id);
	node_world_send(wo->no, ++wo->number, "event.retracted", id, ev->time, data);
}

/* ---- the same by brute force ---------------------------------------------------------------------------------- */

static int
order(const struct event_known *a, const struct event_known *b)
{
	int c = instant_cmp(a->time, b->time);

	return c != 0 ? c : strcmp(a->id, b->id);
}

static bool
in_window(const struct shape *sh, const struct event_known *change, const struct event_known *trigger)
{
	struct instant start = {INT64_MIN / 2, 0};

	if (sh->within == NULL || change->type != MARK || (sh->where && strcmp(change->key, "a") != 0) || order(change, trigger) > 0)
		return false;
	if (strstr(sh->within, "10s") != NULL)
		start = instant_plus(trigger->time, -10);
	else if (strstr(sh->within, "3s") != NULL)
		start = instant_plus(trigger->time, -3);
	else if (strstr(sh->within, "month") != NULL)
		start = jalali_month_start(trigger->time);
	else if (strstr(sh->within, "year") != NULL)
		start = jalali_year_start(trigger->time);
	return instant_cmp(change->time, start) >= 0;
}

static bool
is_life(const struct event_known *ev)
{
	return ev->type >= OPEN && ev->key[0] != '\0';
}

/* Between the change and the trigger nothing that stands as it was settles the key again: any entry of it, after an opening an
 * opening only. */
static bool
seen_by(const struct world *wo, const struct event_known *change, const struct event_known *trigger)
{
	if (!wo->shape->active || !is_life(change) || order(change, trigger) >= 0)
		return false;
	for (unsigned i = 0; i < wo->n; i++) {
		const struct event_known *ev = &wo->events[i];

		if (ev->there && !ev->changed && is_life(ev) && strcmp(ev->key, change->key) == 0 && order(change, ev) < 0 &&
		    order(ev, trigger) < 0 && (change->type != OPEN || ev->type == OPEN))
			return false;
	}
	return true;
}

static bool
judged(const struct world *wo, const struct event_known *trigger)
{
	if (!trigger->there || (trigger->type != PING && trigger->type != AGAIN))
		return false;
	if (trigger->changed)
		return true;
	for (unsigned i = 0; i < wo->n; i++)
		if (wo->events[i].changed && (in_window(wo->shape, &wo->events[i], trigger) || seen_by(wo, &wo->events[i], trigger)))
			return true;
	return false;
}

static uint64_t
evaluations(const struct world *wo)
{
	struct node_stats st;

	node_stats(wo->no, &st);
	return st.evaluations;
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void
story(const struct shape *sh, uint64_t seed)
{
	static struct world wo;
	struct err err = {0};

	open_world(&wo, sh, seed);
	while (wo.n + 4 < EVENTS) {
		uint64_t before = evaluations(&wo), wanted = 0;

		for (uint64_t more = wo.n < 40 ? 10 : 1 + below(&wo, 3); more > 0; more--)
			if (wo.n > 40 && below(&wo, 3) == 0)
				retract_event(&wo);
			else
				add_event(&wo);
		assert_int_equal(node_commit(wo.no, &err), 0);
		for (unsigned i = 0; i < wo.n; i++)
			wanted += judged(&wo, &wo.events[i]);
		if (evaluations(&wo) - before != wanted)
			fail_msg("%s%s, seed %llu, after %u events: %llu evaluations instead of %llu", sh->within == NULL ? "" : sh->within,
			    sh->active ? "active" : "", (unsigned long long)seed, wo.n, (unsigned long long)(evaluations(&wo) - before),
			    (unsigned long long)wanted);
		for (unsigned i = 0; i < wo.n; i++)
			wo.events[i].changed = false;
	}
	assert_int_equal(node_close(wo.no, &err), 0);
}

static void
a_change_judges_what_it_reaches_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
		for (uint64_t seed = 1; seed <= 4; seed++)
			story(&shapes[i], seed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_change_judges_what_it_reaches_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
