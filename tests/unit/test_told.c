/* What messages say: why an alert was taken back, in whose words, on how much evidence, and never half of a sentence. */
#include "tests/memory/failing.h"
#include "tests/unit/node_world.h"

#include <stdio.h>
#include <string.h>

struct told {
	unsigned n;
	struct one {
		enum message_type type;
		char json[8192], en[1024], fa[1024];
	} before, last;
};

static int
on_message(void *ctx, const struct message *me, struct err *err)
{
	struct told *to = ctx;
	struct one *last = &to->last;

	(void)err;
	to->n++;
	to->before = to->last;
	last->type = me->type;
	assert_true(me->json.n < sizeof last->json && me->text_en.n < sizeof last->en && me->text_fa.n < sizeof last->fa);
	(void)snprintf(last->json, sizeof last->json, "%.*s", SLICE_ARG(me->json));
	(void)snprintf(last->en, sizeof last->en, "%.*s", SLICE_ARG(me->text_en));
	(void)snprintf(last->fa, sizeof last->fa, "%.*s", SLICE_ARG(me->text_fa));
	return 0;
}

#define ALERTS_ON(k)                                                                                                                                 \
	"  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" },\n"                                                                              \
	"  features = { seen = { op = \"count\", on = { \"x.ping\" }, role = \"who\", within = \"30d\", evidence = 1 } },\n"                         \
	"  evaluate = function(e, f, p) if e.k == \"" k "\" and f.seen.n > 0 then return \"yes\" end return \"ok\" end,\n"

static void
go_live(struct node *no, const char *version, const char *audience, const char *body, const char *en)
{
	node_world_go_live(no, version, audience, body, "episode = { \"subject\" }, again_if = \"each\"", "\xd8\xa8", en);
}

static struct node *
open_saying(struct told *to, const char *body, const char *en)
{
	struct node_options opt = {.max_future = -1, .clock = node_world_moment, .on_message = on_message, .ctx = to};
	struct node *no = NULL;
	struct err err = {0};

	assert_int_equal(node_open(&no, &opt, &err), 0);
	go_live(no, "1.0.0", "judge", body, en);
	return no;
}

static struct node *
open_told(struct told *to)
{
	return open_saying(to, ALERTS_ON("a"), "first words");
}

static void
commit(struct node *no)
{
	struct err err = {0};

	assert_int_equal(node_commit(no, &err), 0);
}

static void
ping(struct node *no, uint64_t number, const char *id, int64_t second, const char *k)
{
	char data[64];

	(void)snprintf(data, sizeof data, "{\"who\":\"x\",\"k\":\"%s\"}", k);
	node_world_send(no, number, "x.ping", id, (struct instant){1710880200 + second, 0}, data);
}

static void
finish(struct node *no)
{
	struct err err = {0};

	assert_int_equal(node_close(no, &err), 0);
}

static void
holds(const struct one *message, enum message_type type, const char *reason, const char *version, const char *words)
{
	char wanted[64];

	assert_int_equal(message->type, type);
	(void)snprintf(wanted, sizeof wanted, "\"reason\":\"%s\"", reason == NULL ? "" : reason);
	assert_true((strstr(message->json, reason == NULL ? "\"reason\"" : wanted) != NULL) == (reason != NULL));
	(void)snprintf(wanted, sizeof wanted, "\"rule_version\":\"%s\"", version);
	assert_non_null(strstr(message->json, wanted));
	assert_non_null(strstr(message->en, words));
}

/* In the words and under the version that it was raised with, not in those of the rule that takes it back. */
static void
a_changed_rule_takes_back_in_the_words_of_before(void **state)
{
	struct told to = {0};
	struct node *no = open_told(&to);

	(void)state;
	ping(no, 1, "p0", 0, "a");
	commit(no);
	assert_int_equal(to.n, 1);
	holds(&to.last, MESSAGE_RAISED, NULL, "1.0.0", "first words");
	go_live(no, "2.0.0", "judge", ALERTS_ON("b"), "second words");
	assert_int_equal(to.n, 2);
	holds(&to.last, MESSAGE_WITHDRAWN, "rule changed", "1.0.0", "first words");
	finish(no);
}

/* From those that it told, for it changed and not because the evidence did; to the others in its own words. */
static void
a_rule_that_tells_others_takes_back_and_raises(void **state)
{
	struct told to = {0};
	struct node *no = open_told(&to);

	(void)state;
	ping(no, 1, "p0", 0, "a");
	commit(no);
	go_live(no, "2.0.0", "police", ALERTS_ON("a"), "second words");
	assert_int_equal(to.n, 3);
	holds(&to.before, MESSAGE_WITHDRAWN, "rule changed", "1.0.0", "first words");
	holds(&to.last, MESSAGE_RAISED, NULL, "2.0.0", "second words");
	finish(no);
}

/* What evidence takes back while the second version is live is told in its words. */
static void
evidence_that_goes_is_the_reason(void **state)
{
	struct told to = {0};
	struct node *no = open_told(&to);

	(void)state;
	go_live(no, "2.0.0", "judge", ALERTS_ON("b"), "second words");
	ping(no, 1, "p0", 0, "b");
	commit(no);
	assert_int_equal(to.n, 1);
	node_world_send(no, 2, "event.retracted", "r0", (struct instant){1710880201, 0}, "{\"source\":\"/s\",\"id\":\"p0\"}");
	commit(no);
	assert_int_equal(to.n, 2);
	holds(&to.last, MESSAGE_WITHDRAWN, "evidence changed", "2.0.0", "second words");
	finish(no);
}

/* What is shown then was judged long before: how much evidence there is of it is counted anew. */
static void
an_older_trigger_that_is_shown_again_has_all_its_evidence(void **state)
{
	struct told to = {0};
	struct node *no = open_told(&to);
	struct rule_stats rs;
	struct node_stats ns;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		char id[8];

		(void)snprintf(id, sizeof id, "p%u", i);
		ping(no, 1 + i, id, 1000 * i, "a");
		commit(no);
	}
	assert_non_null(strstr(to.last.json, "\"evidence_total\":3"));
	node_world_send(no, 4, "event.retracted", "r0", (struct instant){1710890200, 0}, "{\"source\":\"/s\",\"id\":\"p2\"}");
	commit(no);
	holds(&to.last, MESSAGE_UPDATED, NULL, "1.0.0", "first words");
	assert_non_null(strstr(to.last.json, "\"evidence_total\":2"));
	node_rule_stats(no, 0, &rs);
	assert_int_equal(rs.raised, 1);
	assert_int_equal(rs.updated, 3);
	assert_int_equal(rs.withdrawn, 0);
	node_stats(no, &ns);
	assert_int_equal(ns.messages, 4);
	finish(no);
}

/* One between two episodes makes them one: the later card says what stands in its place. */
static void
a_card_that_another_replaces_says_so(void **state)
{
	struct told to = {0};
	struct node *no = open_told(&to);

	(void)state;
	ping(no, 1, "p0", 0, "a");
	ping(no, 2, "p2", 2 * 80000, "a");
	commit(no);
	assert_int_equal(to.n, 2);
	ping(no, 3, "p1", 80000, "a");
	commit(no);
	holds(&to.before, MESSAGE_WITHDRAWN, "replaced", "1.0.0", "first words");
	finish(no);
}

/* Where the message has room from the one before, and its sentence has not. */
static void
no_sentence_is_sent_cut_short(void **state)
{
	static const char body[] =
	    "  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" }, features = {},\n"
	    "  evaluate = function(e, f, p)\n"
	    "    if e.k == \"a\" then return \"yes\", { s = \"s\", t = string.rep(\"t\", 1000), u = string.rep(\"u\", 1000) } end\n"
	    "    return \"yes\", { s = string.rep(\"s\", 700) } end,\n";
	bool failed = true;

	(void)state;
	for (uint64_t at = 1; failed; at++) {
		struct told to = {0};
		struct node *no = open_saying(&to, body, "{s}.");
		struct err err = {0};
		int rc;

		ping(no, 1, "p0", 0, "a");
		commit(no);
		ping(no, 2, "p1", 3000000, "b");
		failing_start(at, false);
		rc = node_commit(no, &err);
		failed = failing_has();
		(void)failing_stop();
		assert_true(rc == 0 || failed);
		assert_true(rc != 0 || to.n == 2);
		if (to.n == 2)
			assert_true(strlen(to.last.en) > 700 && to.last.en[strlen(to.last.en) - 1] == '.');
		(void)node_close(no, &err);
	}
}

/* Of two episodes that one batch raises, each says how much there is of its own evidence, of which it shows one. */
static void
each_of_two_alerts_has_its_own_count(void **state)
{
	struct told to = {0};
	struct node *no = open_told(&to);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		char id[8];

		(void)snprintf(id, sizeof id, "p%u", i);
		ping(no, 1 + i, id, 1000 * (int64_t)i + (i < 3 ? 0 : 4000000), "a");
	}
	commit(no);
	assert_int_equal(to.n, 2);
	assert_non_null(strstr(to.before.json, "\"evidence_total\":3"));
	assert_non_null(strstr(to.last.json, "\"evidence_total\":2"));
	finish(no);
}

#define LONG_WORDS                                                                                                                                   \
	"  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" },\n"                                                                              \
	"  features = { seen = { op = \"count\", on = { \"x.ping\" }, role = \"who\", within = \"30d\", evidence = 1 },\n"                           \
	"    on = { op = \"active\", key = \"k\", opens = { \"x.open\" }, closes = { \"x.shut\" }, evidence = 2 } },\n"                              \
	"  evaluate = function(e, f, p) return \"yes\", { n = f.seen.n, s = string.rep(e.k, 300) } end,\n"

/* An alert whose newest trigger goes shows the one before, which workers that have just come to live must ask of again. */
static struct node *
open_before_the_last_goes(struct told *to)
{
	struct node *no = open_saying(to, LONG_WORDS, "{s}{n}.");
	struct err err = {0};

	node_world_send(no, 4, "x.open", "o", (struct instant){1710880100, 0}, "{\"who\":\"x\",\"k\":\"w\"}");
	ping(no, 5, "p0", 0, "a");
	ping(no, 6, "p1", 1000, "b");
	commit(no);
	assert_int_equal(node_checkpoint(no, &err), 0);
	go_live(no, "1.0.1", "judge", LONG_WORDS, "{s}{n}."); /* decides as before: nothing is judged anew */
	node_world_send(no, 7, "event.retracted", "r0", (struct instant){1710890200, 0}, "{\"source\":\"/s\",\"id\":\"p1\"}");
	return no;
}

/* Each allocation fails in turn: the message is whole, or there is none. */
static void
no_message_is_sent_with_half_of_it(void **state)
{
	struct told whole = {0};
	struct node *no = open_before_the_last_goes(&whole);
	bool failed = true;

	(void)state;
	commit(no);
	assert_int_equal(whole.n, 2);
	assert_int_equal(whole.last.type, MESSAGE_UPDATED);
	assert_true(strlen(whole.last.en) > 300);
	finish(no);
	for (uint64_t at = 1; failed; at++)
		for (unsigned ever_after = 0; ever_after < 2; ever_after++) {
			struct told to = {0};
			struct err err = {0};
			int rc;

			no = open_before_the_last_goes(&to);
			failing_start(at, ever_after == 1);
			rc = node_commit(no, &err);
			failed = failing_has();
			(void)failing_stop();
			assert_true(rc == 0 || (failed && err.code == ERR_NOMEM));
			assert_true(rc != 0 || to.n == 2);
			if (to.n == 2) {
				assert_string_equal(to.last.json, whole.last.json);
				assert_string_equal(to.last.fa, whole.last.fa);
				assert_string_equal(to.last.en, whole.last.en);
			}
			(void)node_close(no, &err);
		}
}

/* When a value comes late, the lowest of all is looked for anew: among more than before, if what asked then has gone. */
static struct node *
open_with_a_late_one(struct told *to)
{
	static const char body[] =
	    "  on = { \"x.ping\" }, subject = \"who\", features = {\n"
	    "    low = { op = \"min\", of = \"n\", on = { \"x.mark\" }, within = \"30d\", evidence = 1 } },\n"
	    "  evaluate = function(e, f, p) if f.low.value ~= nil then return \"yes\", { low = f.low.value } end return \"ok\" end,\n";
	struct node *no = open_saying(to, body, "{low}.");
	uint64_t number = 0;

	/* Of one who has none the answer is known: it must not be given of another. */
	node_world_send(no, ++number, "x.ping", "y", (struct instant){1710880200, 0}, "{\"who\":\"y\"}");
	commit(no);
	for (unsigned i = 0; i < 470; i++) {
		char id[16], data[64];

		if (i == 100) {
			ping(no, ++number, "q0", 995, "");
			commit(no);
			to->n = 0;
		}
		(void)snprintf(id, sizeof id, "m%u", i);
		(void)snprintf(data, sizeof data, "{\"who\":\"x\",\"n\":%u}", 9999 - i);
		node_world_send(no, ++number, "x.mark", id, (struct instant){1710880200 + (i == 100 ? 50 : 10 * (int64_t)i), 0}, data);
	}
	node_world_send(no, ++number, "event.retracted", "r0", (struct instant){1710880200 + 5000, 0}, "{\"source\":\"/s\",\"id\":\"q0\"}");
	ping(no, ++number, "p0", 10000, "");
	return no;
}

static void
a_value_that_there_is_no_memory_for_is_not_missing(void **state)
{
	struct told whole = {0};
	struct node *no = open_with_a_late_one(&whole);
	bool failed = true;

	(void)state;
	commit(no);
	assert_true(whole.n > 0);
	assert_non_null(strstr(whole.last.en, "9530"));
	finish(no);
	for (uint64_t at = 1; failed; at++) {
		struct told to = {0};
		struct err err = {0};
		int rc;

		no = open_with_a_late_one(&to);
		failing_start(at, false);
		rc = node_commit(no, &err);
		failed = failing_has();
		(void)failing_stop();
		assert_true(rc == 0 || (failed && err.code == ERR_NOMEM));
		assert_true(rc != 0 || (to.n == whole.n && strcmp(to.last.json, whole.last.json) == 0));
		(void)node_close(no, &err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_changed_rule_takes_back_in_the_words_of_before),
	    cmocka_unit_test(a_rule_that_tells_others_takes_back_and_raises),
	    cmocka_unit_test(evidence_that_goes_is_the_reason),
	    cmocka_unit_test(an_older_trigger_that_is_shown_again_has_all_its_evidence),
	    cmocka_unit_test(a_card_that_another_replaces_says_so),
	    cmocka_unit_test(no_sentence_is_sent_cut_short),
	    cmocka_unit_test(each_of_two_alerts_has_its_own_count),
	    cmocka_unit_test(no_message_is_sent_with_half_of_it),
	    cmocka_unit_test(a_value_that_there_is_no_memory_for_is_not_missing),
	};

	return cmocka_run_group_tests_name("told", tests, NULL, NULL);
}
