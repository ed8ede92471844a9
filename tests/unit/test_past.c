/* What a node says of a subject's past when it is asked, its evaluations and its alerts: also when memory runs out, or whoever asked
 * wants no more. */
#include "tests/memory/failing.h"
#include "tests/unit/node_world.h"
#include "tests/unit/scratch.h"

#include <jansson.h>

#define PINGS 40
#define BODIES 3

struct world {
	struct node *no;
	struct buf said;
	unsigned stop_at; /* the call that wants no more; 0: none */
};

static int
say(struct world *wo, struct err *err)
{
	buf_add_str(&wo->said, "\n");
	return wo->stop_at > 0 && --wo->stop_at == 0 ? err_set(err, ERR_IO, "enough") : 0;
}

static int
on_eval(void *ctx, const struct eval_view *ev, struct err *err)
{
	struct world *wo = ctx;
	bool before = failing_pause();
	int rc;

	buf_printf(&wo->said, "%.*s %.*s %lld %d %u ", SLICE_ARG(ev->subject), SLICE_ARG(ev->id), (long long)ev->time.sec, ev->result->outcome,
	    ev->result->n_values);
	for (unsigned i = 0; i < ev->result->n_values; i++)
		value_json(&wo->said, &ev->result->values[i].value);
	rc = say(wo, err);
	failing_resume(before);
	return rc;
}

/* The rule's sentence, or the plain one with all values in brackets. */
static bool
is_sentence(struct slice s, const char *wanted)
{
	return slice_eq_str(s, wanted) || (s.n > 0 && s.p[s.n - 1] == ')');
}

static int
on_alert(void *ctx, const struct alert_view *av, struct err *err)
{
	struct world *wo = ctx;
	bool before = failing_pause();
	json_error_t je;
	json_t *json;
	int rc;

	json = json_loadb(av->json.p, av->json.n, JSON_REJECT_DUPLICATES, &je);
	/* Its sentences may be the plain ones then: a failure to render loses no alert. */
	buf_printf(&wo->said, "%.*s holds %d, whole %d, with text %d", SLICE_ARG(av->alert_id), av->holds, json != NULL,
	    is_sentence(av->text_fa, "\xd8\xa8") && is_sentence(av->text_en, "b"));
	json_decref(json);
	rc = say(wo, err);
	failing_resume(before);
	return rc;
}

static int
ask(struct world *wo, bool alerts, struct err *err)
{
	const struct ruleset *rs = node_ruleset(wo->no);

	if (alerts)
		return node_alerts(wo->no, NULL, NULL, NULL, true, on_alert, wo, err);
	return node_eval(wo->no, rs->rules[0], rs->texts[0], on_eval, wo, err);
}

/* Of three bodies every second ping alerts, far enough from the next to be an alert of its own. */
static void
open_world(struct world *wo)
{
	static const char rule[] =
	    "  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" }, features = {\n"
	    "    c = { op = \"count\", on = { \"x.mark\" }, evidence = 3 },\n"
	    "    d = { op = \"distinct\", of = \"k\", on = { \"x.mark\", \"x.ping\" } } },\n"
	    "  evaluate = function(e, f, p)\n"
	    "    if e.k == \"a\" then return \"yes\", { d = f.d.n, k = e.k, n = f.c.n } end return \"ok\", { d = f.d.n, n = f.c.n } end,\n";
	struct err err = {0};
	uint64_t number = 0;

	*wo = (struct world){.no = node_world_open(rule)};
	for (unsigned body = 0; body < BODIES; body++)
		for (unsigned i = 0; i < PINGS; i++) {
			char id[16], data[64];

			(void)snprintf(id, sizeof id, "%u-%02u", body, i);
			(void)snprintf(data, sizeof data, "{\"who\":\"x%u\",\"k\":\"%s\"}", body, i % 4 == 1 ? "a" : "b");
			node_world_send(
			    wo->no, ++number, type_names[i % 2 == 0 ? MARK : PING], id, (struct instant){1710880200 + 86400 * (int64_t)i, 0}, data);
		}
	assert_int_equal(node_commit(wo->no, &err), 0);
}

static void
close_world(struct world *wo)
{
	struct err err = {0};

	assert_int_equal(node_close(wo->no, &err), 0);
	buf_free(&wo->said);
}

static size_t
lines_of(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

static void
evaluations_count_what_came_before(void **state)
{
	struct world wo;
	struct err err = {0};
	struct buf wanted = {0};

	(void)state;
	open_world(&wo);
	assert_int_equal(ask(&wo, false, &err), 0);
	/* In total order: of the same moment by id. Outcomes are sorted by code: "ok", "yes". */
	for (unsigned i = 1; i < PINGS; i += 2)
		for (unsigned body = 0; body < BODIES; body++)
			buf_printf(&wanted, "body/x%u %u-%02u %lld %d %u 2%s%u\n", body, body, i, 1710880200 + 86400LL * i, i % 4 == 1,
			    i % 4 == 1 ? 3 : 2, i % 4 == 1 ? "\"a\"" : "", i / 2 + 1);
	assert_int_equal(lines_of(&wo.said), BODIES * PINGS / 2);
	buf_add_u8(&wanted, 0);
	buf_add_u8(&wo.said, 0);
	assert_string_equal(wo.said.p, wanted.p);
	buf_free(&wanted);
	buf_clear(&wo.said);
	assert_int_equal(ask(&wo, true, &err), 0);
	assert_int_equal(lines_of(&wo.said), BODIES * PINGS / 4);
	close_world(&wo);
}

/* What a rule reads of a feature: numbers are numbers and yes is yes, in a short history and in a long one; of what is on a thousand
 * items at most, and how many there are in truth. */
static void
a_rule_reads_what_features_hold(void **state)
{
	static const char body[] = "  on = { \"x.ping\" }, subject = \"who\", features = {\n"
				   "    c = { op = \"count\", on = { \"x.mark\" } },\n"
				   "    w = { op = \"active\", key = \"k\", opens = { \"x.open\" }, closes = { \"x.shut\" } } },\n"
				   "  evaluate = function(e, f, p)\n"
				   "    local i = f.w.items[2]\n"
				   "    return \"ok\", { a = f.c.n, b = f.c.contested, c = f.w.n, d = #f.w.items, e = f.w.contested, f = i and "
				   "i.key, g = i and i.contested,\n"
				   "      h = i and i.k } end,\n";
	static const char *const wanted[] = {"body/x p0 1710880200 0 5 0false00false\n",
	    "body/x p1 1710880800 0 8 1true33false\"k0001\"false\"k0001\"\n", "body/x p2 1710882300 0 8 1true11001000true\"k0001\"true\"k0001\"\n"};
	struct world wo = {.no = node_world_open(body)};
	struct buf all = {0};
	struct err err = {0};
	uint64_t number = 0;

	(void)state;
	node_world_send(wo.no, ++number, "x.ping", "p0", (struct instant){1710880200, 0}, "{\"who\":\"x\"}");
	node_world_send(wo.no, ++number, "x.mark", "m", (struct instant){1710880201, 0}, "{\"who\":\"x\",\"k\":\"1\"}");
	node_world_send(wo.no, ++number, "x.mark", "m", (struct instant){1710880201, 0}, "{\"who\":\"x\",\"k\":\"2\"}");
	for (unsigned i = 0; i < 1100; i++) {
		char id[16], data[64];

		(void)snprintf(id, sizeof id, "o%u", i);
		(void)snprintf(data, sizeof data, "{\"who\":\"x\",\"k\":\"k%04u\"}", i);
		node_world_send(wo.no, ++number, "x.open", id, (struct instant){1710880797 + i + (i < 3 ? 0 : 10), 0}, data);
		if (i == 2) {
			node_world_send(wo.no, ++number, "x.ping", "p1", (struct instant){1710880800, 0}, "{\"who\":\"x\"}");
			assert_int_equal(node_commit(wo.no, &err), 0);
			assert_int_equal(ask(&wo, false, &err), 0);
			buf_printf(&all, "%s%s", wanted[0], wanted[1]);
			assert_true(slice_eq(buf_slice(&wo.said), buf_slice(&all)));
		}
	}
	/* What opens a key again came in two versions. */
	node_world_send(wo.no, ++number, "x.open", "again", (struct instant){1710882000, 0}, "{\"who\":\"x\",\"k\":\"k0001\"}");
	node_world_send(wo.no, ++number, "x.open", "again", (struct instant){1710882000, 1}, "{\"who\":\"x\",\"k\":\"k0001\"}");
	node_world_send(wo.no, ++number, "x.ping", "p2", (struct instant){1710882300, 0}, "{\"who\":\"x\"}");
	assert_int_equal(node_commit(wo.no, &err), 0);
	buf_clear(&wo.said);
	buf_add_str(&all, wanted[2]);
	assert_int_equal(ask(&wo, false, &err), 0);
	buf_add_u8(&all, 0);
	buf_add_u8(&wo.said, 0);
	assert_string_equal(wo.said.p, all.p);
	buf_free(&all);
	close_world(&wo);
}

static void
who_wants_no_more_is_asked_no_more(void **state)
{
	struct world wo;

	(void)state;
	open_world(&wo);
	for (unsigned alerts = 0; alerts < 2; alerts++)
		for (unsigned at = 1; at <= BODIES * PINGS / 4; at++) {
			struct err err = {0};

			buf_clear(&wo.said);
			wo.stop_at = at;
			assert_int_equal(ask(&wo, alerts, &err), -1);
			assert_int_equal(err.code, ERR_IO);
			assert_int_equal(lines_of(&wo.said), at);
		}
	close_world(&wo);
}

/* Each allocation fails in turn, alone or with all that follow: the call says so, or says all that it says otherwise. */
static void
without_memory_it_says_so(void **state)
{
	struct world wo;
	struct buf whole = {0};

	(void)state;
	open_world(&wo);
	for (unsigned how = 0; how < 4; how++) {
		bool alerts = how % 2 == 1, ever_after = how / 2 == 1;
		struct err err = {0};
		bool failed = true;

		buf_clear(&wo.said);
		assert_int_equal(ask(&wo, alerts, &err), 0);
		buf_clear(&whole);
		buf_add_slice(&whole, buf_slice(&wo.said));
		for (uint64_t at = 1; failed; at += at < 200 ? 1 : 7) {
			int rc;

			buf_clear(&wo.said);
			err = (struct err){0};
			failing_start(at, ever_after);
			rc = ask(&wo, alerts, &err);
			failed = failing_has();
			(void)failing_stop();
			assert_true(rc == 0 || failed);
			assert_int_equal(err.code, rc != 0 ? ERR_NOMEM : ERR_NONE);
			assert_true(rc != 0 || slice_eq(buf_slice(&wo.said), buf_slice(&whole)));
		}
	}
	buf_free(&whole);
	close_world(&wo);
}

static void
a_rule_counts_what_it_tells(void **state)
{
	struct world wo;
	struct rule_stats rs;
	struct err err = {0};

	(void)state;
	open_world(&wo);
	node_rule_stats(wo.no, 0, &rs);
	assert_int_equal(rs.raised, BODIES * PINGS / 4);
	assert_int_equal(rs.updated, 0);
	assert_int_equal(rs.withdrawn, 0);
	node_world_send(wo.no, BODIES * PINGS + 1, "event.retracted", "not", (struct instant){1720000000, 0}, "{\"source\":\"/s\",\"id\":\"0-01\"}");
	assert_int_equal(node_commit(wo.no, &err), 0);
	node_rule_stats(wo.no, 0, &rs);
	assert_int_equal(rs.raised, BODIES * PINGS / 4);
	assert_int_equal(rs.updated, 0);
	assert_int_equal(rs.withdrawn, 1);
	close_world(&wo);
}

/* Of two episodes that a batch changes each raises its alert, or the batch says that it could not. */
static void
no_episode_is_lost_for_want_of_memory(void **state)
{
	static const char body[] = "  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" }, features = {},\n"
				   "  evaluate = function(e, f, p) return \"yes\", { v = string.rep(e.k, 100) } end,\n";
	bool failed = true;

	(void)state;
	for (uint64_t at = 1; failed; at++) {
		struct node *no = node_world_open_saying(body, "episode = { \"subject\", \"k\" }", "{v}", "{v}");
		struct rule_stats rs;
		struct err err = {0};
		int rc;

		node_world_send(no, 1, "x.ping", "p0", (struct instant){1710880200, 0}, "{\"who\":\"x\",\"k\":\"a\"}");
		node_world_send(no, 2, "x.ping", "p1", (struct instant){1710880201, 0}, "{\"who\":\"x\",\"k\":\"b\"}");
		failing_start(at, false);
		rc = node_commit(no, &err);
		failed = failing_has();
		(void)failing_stop();
		node_rule_stats(no, 0, &rs);
		assert_true(rc == 0 || failed);
		assert_true(rc != 0 || rs.raised == 2);
		(void)node_close(no, &err);
	}
}

/* "b", or a value between two isolates of three bytes each. */
static bool
is_whole(struct slice s)
{
	return s.n == 1 || s.n == 1 + 6 || s.n == 700 + 6;
}

static int
on_sentence(void *ctx, const struct alert_view *av, struct err *err)
{
	unsigned *whole = ctx;

	(void)err;
	*whole += is_whole(av->text_fa) && is_whole(av->text_en);
	return 0;
}

/* A sentence that lacks its end for want of memory is never shown, nor another in its place, where the message itself has room from the
 * one before. */
static void
no_sentence_is_cut_short(void **state)
{
	static const char body[] =
	    "  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" }, features = {},\n"
	    "  evaluate = function(e, f, p)\n"
	    "    if e.k == \"a\" then return \"yes\", { s = \"s\", t = string.rep(\"t\", 1000), u = string.rep(\"u\", 1000) } end\n"
	    "    return \"yes\", { s = string.rep(\"s\", 700), v = 123456789012345, w = 123456789012345, x = 123456789012345, y = 123456789012345 } "
	    "end,\n";

	(void)state;
	for (unsigned persian = 0; persian < 2; persian++) {
		struct node *no = node_world_open_saying(body, "episode = { \"subject\" }", persian ? "{s}" : "b", persian ? "b" : "{s}");
		struct err err = {0};
		unsigned whole = 0;
		bool failed = true;

		node_world_send(no, 1, "x.ping", "p0", (struct instant){1710880200, 0}, "{\"who\":\"x\",\"k\":\"a\"}");
		node_world_send(no, 2, "x.ping", "p1", (struct instant){1713880200, 0}, "{\"who\":\"x\",\"k\":\"b\"}");
		assert_int_equal(node_commit(no, &err), 0);
		assert_int_equal(node_alerts(no, NULL, NULL, NULL, true, on_sentence, &whole, &err), 0);
		assert_int_equal(whole, 2);
		for (uint64_t at = 1; failed; at++) {
			int rc;

			whole = 0;
			err = (struct err){0};
			failing_start(at, true);
			rc = node_alerts(no, NULL, NULL, NULL, true, on_sentence, &whole, &err);
			failed = failing_has();
			(void)failing_stop();
			assert_int_equal(err.code, rc != 0 ? ERR_NOMEM : ERR_NONE);
			assert_true(rc != 0 || whole == 2);
		}
		assert_int_equal(node_close(no, &err), 0);
	}
}

/* --- a rule that goes live over a long past --- */

#define MANY 600
#define SMALL_CACHE ((size_t)20000)
#define FEW_CHANGES 4000

struct over {
	struct node *no;
	struct scratch sc;
	struct buf told, listed;
	size_t most; /* timelines in memory when a switch was folded */
	unsigned folded, spilled;
	bool dies; /* before what a switch found is in the store */
};

static int
on_told(void *ctx, const struct message *me, struct err *err)
{
	struct over *ov = ctx;

	(void)err;
	buf_printf(&ov->told, "%u %.*s %u %.*s\n", (unsigned)me->type, SLICE_ARG(me->alert_id), me->seq, SLICE_ARG(me->subject));
	return 0;
}

static int
on_folded(void *ctx, uint64_t batch, struct err *err)
{
	struct over *ov = ctx;
	struct node_stats st;
	char path[PATH_MAX];

	(void)batch;
	if (ov->no == NULL)
		return 0;
	node_stats(ov->no, &st);
	ov->most = st.timeline_bytes > ov->most ? st.timeline_bytes : ov->most;
	ov->folded++;
	ov->spilled += scratch_find(ov->sc.dir, "spill-2.sst", path);
	return ov->dies ? err_set(err, ERR_IO, "killed") : 0;
}

static int
on_listed(void *ctx, const struct alert_view *av, struct err *err)
{
	struct over *ov = ctx;

	(void)err;
	buf_printf(&ov->listed, "%d %.*s\n", (int)av->holds, SLICE_ARG(av->json));
	return 0;
}

static void
switch_rule(struct over *ov, struct node **no, const struct node_options *opt, const char *wanted)
{
	static const char body[] = "  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" }, features = {},\n"
				   "  evaluate = function(e, f, p) if e.k == \"%s\" then return \"yes\", { k = e.k } end return \"ok\" end,\n";
	char text[512];
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct err err = {0};
	size_t told = ov->told.n;

	(void)snprintf(text, sizeof text, body, wanted);
	if (!ov->dies) {
		node_world_go_live(*no, "1.0.0", "judge", text, "episode = { \"subject\" }", "\xd8\xa8", "b");
		return;
	}
	node_world_rules(&src, "1.0.0", "judge", text, "episode = { \"subject\" }", "\xd8\xa8", "b");
	assert_int_equal(node_rules(*no, &src, &fi, NULL, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	node_abandon(*no);
	ov->no = NULL;
	ov->told.n = told; /* they come again */
	assert_int_equal(node_open(no, opt, &err), 0);
	ov->no = *no;
	findings_free(&fi);
}

/* Pings of many bodies, under a rule that tells of some, then one that takes those back and finds others, then the first again. */
static void
switch_to_and_fro(struct over *ov, size_t cache, size_t changes, bool dies)
{
	struct node_options opt = {.dir = ov->sc.dir,
	    .partitions = 3,
	    .cache_bytes = cache,
	    .change_bytes = changes,
	    .checkpoint_events = MANY + 1,
	    .max_future = -1,
	    .clock = node_world_moment,
	    .on_message = on_told,
	    .on_batch = on_folded,
	    .ctx = ov};
	struct node *no = NULL;
	struct err err = {0};
	char data[64], id[16];

	scratch_open(&ov->sc);
	assert_int_equal(node_open(&no, &opt, &err), 0);
	switch_rule(ov, &no, &opt, "a");
	for (unsigned k = 0; k < MANY; k++) {
		(void)snprintf(id, sizeof id, "p%u", k);
		(void)snprintf(data, sizeof data, "{\"who\":\"x%u\",\"k\":\"%s\"}", k / 2, k % 5 < 2 ? "a" : "b");
		node_world_send(no, k + 1, "x.ping", id, (struct instant){1710880200 + 8640000 * (int64_t)(k % 2), 0}, data);
	}
	assert_int_equal(node_checkpoint(no, &err), 0);
	ov->no = no;
	ov->dies = dies;
	switch_rule(ov, &no, &opt, "b");
	ov->no = no;
	switch_rule(ov, &no, &opt, "a");
	ov->no = NULL;
	assert_int_equal(node_alerts(no, NULL, NULL, NULL, true, on_listed, ov, &err), 0);
	assert_int_equal(node_close(no, &err), 0);
	scratch_close(&ov->sc);
}

static void
free_over(struct over *ov)
{
	buf_free(&ov->told);
	buf_free(&ov->listed);
}

/* What a switch finds leaves memory as it goes, and comes to the same, also where the process dies on the way. */
static void
a_switch_over_a_long_past_needs_no_memory_for_it(void **state)
{
	struct over large = {0}, small = {0}, dead = {0};

	(void)state;
	switch_to_and_fro(&large, 0, 0, false);
	switch_to_and_fro(&small, SMALL_CACHE, FEW_CHANGES, false);
	switch_to_and_fro(&dead, SMALL_CACHE, FEW_CHANGES, true);
	assert_int_equal(large.folded, 2);
	assert_int_equal(large.spilled, 0);
	assert_true(large.most > 5 * SMALL_CACHE);
	assert_int_equal(small.folded, 2);
	assert_int_equal(small.spilled, 2);
	assert_true(small.most < SMALL_CACHE + SMALL_CACHE / 4);
	assert_int_equal(dead.folded, 2);
	assert_int_equal(dead.spilled, 2);
	assert_true(lines_of(&large.listed) >= MANY / 2);
	assert_true(lines_of(&large.told) > MANY / 3);
	assert_true(slice_eq(buf_slice(&large.told), buf_slice(&small.told)));
	assert_true(slice_eq(buf_slice(&large.listed), buf_slice(&small.listed)));
	assert_true(slice_eq(buf_slice(&large.told), buf_slice(&dead.told)));
	assert_true(slice_eq(buf_slice(&large.listed), buf_slice(&dead.listed)));
	free_over(&large);
	free_over(&small);
	free_over(&dead);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(evaluations_count_what_came_before),
	    cmocka_unit_test(a_rule_reads_what_features_hold),
	    cmocka_unit_test(who_wants_no_more_is_asked_no_more),
	    cmocka_unit_test(without_memory_it_says_so),
	    cmocka_unit_test(a_rule_counts_what_it_tells),
	    cmocka_unit_test(no_episode_is_lost_for_want_of_memory),
	    cmocka_unit_test(no_sentence_is_cut_short),
	    cmocka_unit_test(a_switch_over_a_long_past_needs_no_memory_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
