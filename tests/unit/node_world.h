/* For tests of a whole node without files: event types x.ping, x.mark, x.open, x.again and x.shut of a subject `who`, at times of a
 * second one `other`, with a text `k`, a number `n`, retractions, and one rule that looks at them. */
#ifndef DIDEBAN_TESTS_UNIT_NODE_WORLD_H
#define DIDEBAN_TESTS_UNIT_NODE_WORLD_H

#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum type { PING, MARK, OPEN, AGAIN, SHUT, TYPES };
static const char *const type_names[TYPES] = {"x.ping", "x.mark", "x.open", "x.again", "x.shut"};

static inline void
node_world_contracts(struct ruleset_source *src)
{
	static const char retraction[] =
	    "{\"$id\":\"event.retracted\",\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"source\",\"id\"],\"properties\":{"
	    "\"source\":{\"type\":\"string\"},\"id\":{\"type\":\"string\"}},\"x-roles\":{},\"x-keep\":[],\"x-effect\":\"retraction\","
	    "\"x-target\":{\"source\":\"source\",\"id\":\"id\"},\"x-class\":{\"retention\":\"operations\",\"personal\":false}}";
	struct err err = {0};

	for (unsigned t = 0; t < TYPES; t++) {
		struct buf b = {0}, name = {0};

		buf_printf(&name, "%s.json", type_names[t]);
		buf_printf(&b,
		    "{\"$id\":\"%s\",\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"who\":{\"type\":\"string\"},"
		    "\"other\":{\"type\":\"string\"},\"k\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}},\"x-roles\":{\"who\":{\"kind\":"
		    "\"body\",\"path\":\"who\"},"
		    "\"other\":{\"kind\":\"body\",\"path\":\"other\"}},\"x-keep\":[\"k\",\"n\"],"
		    "\"x-class\":{\"retention\":\"operations\",\"personal\":false}}",
		    type_names[t]);
		assert_int_equal(ruleset_source_add_contract(src, buf_slice(&name), buf_slice(&b), &err), 0);
		buf_free(&b);
		buf_free(&name);
	}
	assert_int_equal(ruleset_source_add_contract(src, slice_str("event.retracted.json"), slice_str(retraction), &err), 0);
}

/* One more outcome of the rules to come: "NAME = {...}, ". */
static const char *node_world_outcome = "";

/* The set of a rule: what stands between its head and its outcomes, how it alerts beside `quiet`, `expires` and `contest`, and the
 * sentences of its alerts. */
static inline void
node_world_rules(
    struct ruleset_source *src, const char *version, const char *audience, const char *body, const char *alerting, const char *fa, const char *en)
{
	struct err err = {0};
	struct buf b = {0};

	node_world_contracts(src);
	buf_printf(&b,
	    "return { api = 1, id = \"r\", version = \"%s\", kind = \"notice\", owner = \"o\", audience = { \"%s\" }, legal_basis = \"b\",\n"
	    "  review_by = \"9999-12-31\", doc = { what = \"w\", false_positives = { \"all\" } },\n"
	    "%s"
	    "  outcomes = { %sok = { clear = true }, yes = { alert = \"info\", fa = \"%s\", en = \"%s\" } },\n"
	    "  alerting = { %s, quiet = \"1d\", expires = \"90d\", contest = true } }\n",
	    version, audience, body, node_world_outcome, fa, en, alerting);
	assert_int_equal(ruleset_source_add_rule(src, slice_str("r.lua"), buf_slice(&b), &err), 0);
	buf_free(&b);
}

/* It goes live. */
static inline void
node_world_go_live(struct node *no, const char *version, const char *audience, const char *body, const char *alerting, const char *fa, const char *en)
{
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct err err = {0};

	node_world_rules(&src, version, audience, body, alerting, fa, en);
	if (node_rules(no, &src, &fi, NULL, &err) != 0)
		fail_msg("%s %s", err.text, fi.n == 0 ? "" : fi.v[fi.n - 1].text);
	findings_free(&fi);
	ruleset_source_free(&src);
}

/* A clock that stands: what two nodes say is then the same. */
static inline struct instant
node_world_moment(void *ctx)
{
	(void)ctx;
	return (struct instant){1760000000, 0};
}

/* Opens a node in memory with such a rule. */
static inline struct node *
node_world_open_saying(const char *body, const char *alerting, const char *fa, const char *en)
{
	struct node_options opt = {.max_future = -1};
	struct err err = {0};
	struct node *no = NULL;

	assert_int_equal(node_open(&no, &opt, &err), 0);
	node_world_go_live(no, "1.0.0", "judge", body, alerting, fa, en);
	return no;
}

static inline struct node *
node_world_open(const char *body)
{
	return node_world_open_saying(body, "episode = { \"subject\" }", "\xd8\xa8", "b");
}

/* Adds an event; data: JSON. */
static inline void
node_world_send(struct node *no, uint64_t number, const char *type, const char *id, struct instant time, const char *data)
{
	struct position pos = {slice_str("in"), number};
	char text[INSTANT_TEXT_BYTES];
	struct buf b = {0};
	struct err err = {0};
	size_t n = instant_format(time, text);

	buf_printf(&b, "{\"specversion\":\"1.0\",\"type\":\"%s\",\"source\":\"/s\",\"id\":\"%s\",\"time\":\"%.*s\",\"data\":%s}", type, id, (int)n,
	    text, data);
	assert_int_equal(node_add(no, buf_slice(&b), &pos, NULL, &err), 0);
	buf_free(&b);
}

#endif
