/* What a worker does beside judging: whom it loads and lets count, what it says of a rule's mistakes, whom the clock reaches, and that an
 * error of one subject is not lost behind the next. */
#include "tests/memory/failing.h"
#include "tests/unit/node_world.h"

#include <stdio.h>
#include <string.h>

#define DAY 86400

static struct node *
open_with(size_t cache, const char *body, const char *alerting)
{
	struct node_options opt = {.max_future = -1, .cache_bytes = cache};
	struct err err = {0};
	struct node *no = NULL;

	assert_int_equal(node_open(&no, &opt, &err), 0);
	node_world_go_live(no, "1.0.0", "judge", body, alerting, "\xd8\xa8", "b");
	return no;
}

static void
ping(struct node *no, uint64_t number, const char *who, int64_t second, const char *k)
{
	char data[64], id[24];

	(void)snprintf(id, sizeof id, "p%llu", (unsigned long long)number);
	(void)snprintf(data, sizeof data, "{\"who\":\"%s\",\"k\":\"%s\"}", who, k);
	node_world_send(no, number, "x.ping", id, (struct instant){1710880200 + second, 0}, data);
}

static void
checkpoint(struct node *no)
{
	struct err err = {0};

	assert_int_equal(node_checkpoint(no, &err), 0);
}

static void
finish(struct node *no)
{
	struct err err = {0};

	assert_int_equal(node_close(no, &err), 0);
}

#define ALWAYS                                                                                                                                       \
	"  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" }, features = {},\n"                                                               \
	"  evaluate = function(e, f, p) return \"yes\" end,\n"

static uint64_t
in_memory(const struct node *no)
{
	struct node_stats st;

	node_stats(no, &st);
	return st.timeline_bytes;
}

static int
count_alert(void *ctx, const struct alert_view *av, struct err *err)
{
	unsigned *counts = ctx;

	(void)err;
	counts[av->state]++;
	return 0;
}

static void
expect_alerts(struct node *no, unsigned standing, unsigned ended)
{
	unsigned counts[3] = {0};
	struct err err = {0};

	assert_int_equal(node_alerts(no, NULL, NULL, NULL, true, count_alert, counts, &err), 0);
	assert_int_equal(counts[ALERT_STANDING], standing);
	assert_int_equal(counts[ALERT_ENDED], ended);
	assert_int_equal(counts[ALERT_WITHDRAWN], 0);
}

/* One comes back from the store with all that it has, which the cache's bound is told of. */
static void
what_is_loaded_counts(void **state)
{
	struct node *no = open_with(1, ALWAYS, "episode = { \"subject\" }"); /* whoever is saved goes at once */
	struct err err = {0};
	uint64_t empty, loaded;

	(void)state;
	for (unsigned i = 0; i < 500; i++)
		ping(no, 1 + i, "x", i, "");
	checkpoint(no);
	empty = in_memory(no);
	ping(no, 501, "x", 1000, "");
	assert_int_equal(node_commit(no, &err), 0);
	checkpoint(no);
	assert_int_equal(in_memory(no), empty);
	expect_alerts(no, 1, 0); /* the listing loads it */
	loaded = in_memory(no);
	assert_true(loaded > empty + 500 * 24);
	finish(no);
}

static void
a_rules_last_mistake_is_told(void **state)
{
	struct node *no = open_with(0,
	    "  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" }, features = {},\n"
	    "  evaluate = function(e, f, p) if e.k ~= \"\" then error(\"no \" .. e.k) end return \"ok\" end,\n",
	    "episode = { \"subject\" }");
	struct rule_stats rs;

	(void)state;
	node_rule_stats(no, 0, &rs);
	assert_string_equal(rs.last_error, "");
	ping(no, 1, "x", 0, "first");
	ping(no, 2, "x", 1, "second");
	ping(no, 3, "x", 2, "");
	checkpoint(no);
	node_rule_stats(no, 0, &rs);
	assert_int_equal(rs.error, 2);
	assert_int_equal(rs.clear, 1);
	assert_non_null(strstr(rs.last_error, "no second"));
	finish(no);
}

/* Each of several subjects, and each of several episodes of one, in memory and in the store: the first of each goes ten days later. */
static void
the_clock_reaches_all(void **state)
{
	(void)state;
	for (unsigned stored = 0; stored < 2; stored++) {
		struct node *no = open_with(stored ? 1 : 0, ALWAYS, "episode = { \"subject\", \"k\" }");
		struct err err = {0};
		uint64_t number = 0;

		for (unsigned who = 0; who < 3; who++)
			for (unsigned k = 0; k < 3; k++)
				ping(no, ++number, who == 0 ? "x" : who == 1 ? "y" : "z", k == 0 ? 10 * DAY : 0, k == 0 ? "a" : k == 1 ? "b" : "c");
		assert_int_equal(node_commit(no, &err), 0);
		if (stored)
			checkpoint(no);
		/* Within 90 days all stand. */
		assert_int_equal(node_tick(no, (struct instant){1710880200 + 90 * DAY - 1, 0}, &err), 0);
		if (stored) /* the listing would take them into the store */
			expect_alerts(no, 9, 0);
		assert_int_equal(node_tick(no, (struct instant){1710880200 + 90 * DAY, 0}, &err), 0);
		if (stored)
			expect_alerts(no, 3, 6);
		assert_int_equal(node_tick(no, (struct instant){1710880200 + 100 * DAY - 1, 0}, &err), 0);
		expect_alerts(no, 3, 6);
		assert_int_equal(node_tick(no, (struct instant){1710880200 + 100 * DAY, 0}, &err), 0);
		expect_alerts(no, 0, 9);
		finish(no);
	}
}

/* --- what a batch takes back at once --- */

static void
send_of(struct node *no, uint64_t number, const char *source, const char *id, const char *data)
{
	struct position pos = {slice_str("in"), number};
	struct buf b = {0};
	struct err err = {0};

	buf_printf(&b, "{\"specversion\":\"1.0\",\"type\":\"%s\",\"source\":\"%s\",\"id\":\"%s\",\"time\":\"2024-03-19T20:30:00Z\",\"data\":%s}",
	    strstr(data, "source") != NULL ? "event.retracted" : "x.ping", source, id, data);
	assert_int_equal(node_add(no, buf_slice(&b), &pos, NULL, &err), 0);
	buf_free(&b);
}

static int
keep_json(void *ctx, const struct alert_view *av, struct err *err)
{
	(void)err;
	assert_true(av->holds);
	buf_add_slice(ctx, av->json);
	return 0;
}

#define ALL_SEEN                                                                                                                                     \
	"  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" },\n"                                                                              \
	"  features = { seen = { op = \"count\", on = { \"x.ping\" }, role = \"who\", within = \"30d\", evidence = 9 } },\n"                         \
	"  evaluate = function(e, f, p) return \"yes\", { n = f.seen.n } end,\n"

/* Of events at one moment that agree in all but their source or their id, one goes and the others stay. */
static void
what_a_batch_takes_back_is_its_own(void **state)
{
	static const char *const sources[] = {"/s", "/t", "/s", "/t"}, *const ids[] = {"p", "p", "q", "q"};
	static const char both[] = "{\"who\":\"x\",\"other\":\"x\",\"k\":\"a\"}";

	(void)state;
	for (unsigned which = 0; which < 4; which++)
		for (unsigned first = 0; first < 4; first++) {
			struct node *no = open_with(0, ALL_SEEN, "episode = { \"subject\" }");
			struct buf json = {0};
			struct err err = {0};
			uint64_t number = 0;
			char text[64];

			for (unsigned i = 0; i < 4; i++)
				send_of(no, ++number, sources[(first + i) % 4], ids[(first + i) % 4], both);
			(void)snprintf(text, sizeof text, "{\"source\":\"%s\",\"id\":\"%s\"}", sources[which], ids[which]);
			send_of(no, ++number, "/s", "r", text);
			assert_int_equal(node_commit(no, &err), 0);
			assert_int_equal(node_alerts(no, NULL, NULL, NULL, false, keep_json, &json, &err), 0);
			buf_add_u8(&json, 0);
			assert_non_null(strstr(json.p, "\"evidence_total\":3"));
			for (unsigned i = 0; i < 4; i++) {
				(void)snprintf(text, sizeof text, "\"source\":\"%s\",\"id\":\"%s\"", sources[i], ids[i]);
				assert_true((strstr(json.p, text) != NULL) == (i != which));
			}
			buf_free(&json);
			finish(no);
		}
}

struct told {
	unsigned raised;
};

static int
count_message(void *ctx, const struct message *me, struct err *err)
{
	struct told *to = ctx;

	(void)err;
	to->raised += me->type == MESSAGE_RAISED;
	return 0;
}

/* Of a batch of several subjects each raises its alert, or the batch says that it could not. */
static void
no_subject_is_lost_for_want_of_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (uint64_t at = 1; failed; at++) {
		struct told to = {0};
		struct node_options opt = {.max_future = -1, .on_message = count_message, .ctx = &to};
		struct node *no = NULL;
		struct err err = {0};
		int rc;

		assert_int_equal(node_open(&no, &opt, &err), 0);
		node_world_go_live(no, "1.0.0", "judge", ALWAYS, "episode = { \"subject\" }", "\xd8\xa8", "b");
		for (unsigned i = 0; i < 4; i++)
			ping(no, 1 + i, i == 0 ? "w" : i == 1 ? "x" : i == 2 ? "y" : "z", 0, "");
		failing_start(at, false);
		rc = node_commit(no, &err);
		failed = failing_has();
		(void)failing_stop();
		assert_true(rc == 0 || (failed && err.code == ERR_NOMEM));
		assert_true(rc != 0 || to.raised == 4);
		(void)node_close(no, &err);
	}
}

/* A batch that fills its memory several times over: each time that there is no more, it says so. */
static void
a_long_batch_says_that_there_is_no_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (uint64_t at = 1; failed; at++) {
		struct node *no = open_with(0, ALWAYS, "episode = { \"subject\" }");
		struct err err = {0};
		int rc;

		ping(no, 1, "x", 0, "");
		assert_int_equal(node_commit(no, &err), 0);
		for (unsigned i = 0; i < 1000; i++)
			ping(no, 2 + i, "y", i, "");
		failing_start(at, false);
		rc = node_commit(no, &err);
		failed = failing_has();
		(void)failing_stop();
		assert_true(rc == 0 || (failed && err.code == ERR_NOMEM));
		(void)node_close(no, &err);
		if (at > 40)
			at += at / 8;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_loaded_counts),
	    cmocka_unit_test(a_rules_last_mistake_is_told),
	    cmocka_unit_test(the_clock_reaches_all),
	    cmocka_unit_test(what_a_batch_takes_back_is_its_own),
	    cmocka_unit_test(no_subject_is_lost_for_want_of_memory),
	    cmocka_unit_test(a_long_batch_says_that_there_is_no_memory),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
