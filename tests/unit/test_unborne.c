/* A store whose alert rests on an event that its timeline does not bear out, as damage or a foreign hand may leave it: nothing is told of
 * it, and the node says what to do. */
#include "state/store/store.h"

#include "tests/unit/node_world.h"
#include "tests/unit/scratch.h"

struct world {
	struct scratch sc;
	struct node_options opt;
	unsigned messages;
};

static int
on_message(void *ctx, const struct message *me, struct err *err)
{
	struct world *wo = ctx;

	(void)me;
	(void)err;
	wo->messages++;
	return 0;
}

/* Two pings of one episode, each in a checkpoint of its own; k: of the first. */
static void
build(struct world *wo, const char *k)
{
	static const char body[] = "  on = { \"x.ping\" }, subject = \"who\", want = { \"k\" }, features = {},\n"
				   "  evaluate = function(e, f, p)\n"
				   "    if e.k == \"a\" then return \"yes\" elseif e.k == \"c\" then return \"zet\" elseif e.k == \"d\" then "
				   "error(\"d\") end return \"ok\" end,\n";
	struct node *no = NULL;
	struct err err = {0};
	char data[64];

	scratch_open(&wo->sc);
	wo->opt = (struct node_options){
	    .dir = scratch_path(&wo->sc, "store"), .max_future = -1, .clock = node_world_moment, .on_message = on_message, .ctx = wo};
	assert_int_equal(node_open(&no, &wo->opt, &err), 0);
	node_world_outcome = "zet = { alert = \"info\", fa = \"\xd8\xa8\", en = \"z\" }, ";
	node_world_go_live(no, "1.0.0", "judge", body, "episode = { \"subject\" }, again_if = \"each\"", "\xd8\xa8", "b");
	(void)snprintf(data, sizeof data, "{\"who\":\"x\",\"k\":\"%s\"}", k);
	node_world_send(no, 1, "x.ping", "p0", (struct instant){1710880200, 0}, data);
	assert_int_equal(node_checkpoint(no, &err), 0);
	node_world_send(no, 2, "x.ping", "p1", (struct instant){1710880300, 0}, "{\"who\":\"x\",\"k\":\"a\"}");
	assert_int_equal(node_checkpoint(no, &err), 0);
	assert_int_equal(node_close(no, &err), 0);
	assert_int_equal(wo->messages, strcmp(k, "a") == 0 || strcmp(k, "c") == 0 ? 2 : 1);
	wo->messages = 0;
}

/* The first part of the only timeline: what the first checkpoint brought. */
static void
first_part(struct store *st, struct buf *ret_key, struct buf *ret_value)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	struct err err = {0};

	assert_int_equal(store_iter_open(&it, st, slice_str("T"), slice_str("U"), &err), 0);
	assert_int_equal(store_iter_next(it, &key, &value, &err), 1);
	buf_add_slice(ret_key, key);
	buf_add_slice(ret_value, value);
	assert_int_equal(store_iter_next(it, &key, &value, &err), 1);
	assert_int_equal(store_iter_next(it, &key, &value, &err), 0);
	store_iter_close(it);
}

/* Puts the part of another store in place of its own, or nothing. */
static void
exchange(const struct world *wo, const char *k)
{
	static const struct store_options looking = {.read_only = true}, writing = {.temporary = true};
	struct buf key = {0}, value = {0}, own = {0};
	struct changes *ch = changes_new();
	struct store *st = NULL;
	struct err err = {0};

	assert_non_null(ch);
	if (k != NULL) {
		struct world other = {0};

		build(&other, k);
		assert_int_equal(store_open(&st, other.opt.dir, &looking, &err), 0);
		first_part(st, &key, &value);
		store_close(st);
		scratch_close(&other.sc);
	}
	assert_int_equal(store_open(&st, wo->opt.dir, &writing, &err), 0);
	buf_clear(&key);
	first_part(st, &key, &own);
	assert_true(k == NULL || !slice_eq(buf_slice(&own), buf_slice(&value)) || strcmp(k, "a") == 0);
	if (k == NULL)
		assert_int_equal(changes_delete(ch, buf_slice(&key), &err), 0);
	else
		assert_int_equal(changes_put(ch, buf_slice(&key), buf_slice(&value), &err), 0);
	assert_int_equal(store_checkpoint(st, ch, store_checkpoint_seq(st), &err), 0);
	changes_free(ch);
	store_close(st);
	buf_free(&key);
	buf_free(&value);
	buf_free(&own);
}

/* The second ping goes: the alert shows the first again, and asks what it is. */
static int
take_back(struct world *wo, struct err *err)
{
	struct node *no = NULL;
	int rc;

	if (node_open(&no, &wo->opt, err) != 0)
		fail_msg("%s", err->text);
	node_world_send(no, 3, "event.retracted", "r0", (struct instant){1710890200, 0}, "{\"source\":\"/s\",\"id\":\"p1\"}");
	rc = node_commit(no, err);
	node_abandon(no);
	return rc;
}

static void
what_the_timeline_does_not_bear_out_is_not_told(void **state)
{
	static const char *const firsts[] = {NULL, "b", "c", "d"}; /* gone; clear; another outcome; none */

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world wo = {0};
		struct err err = {0};

		build(&wo, "a");
		exchange(&wo, firsts[i]);
		assert_int_equal(take_back(&wo, &err), -1);
		assert_int_equal(err.code, ERR_CORRUPT);
		assert_non_null(strstr(err.text, "an alert of body/x rests on an event that is not on its timeline: run dideban store verify"));
		assert_int_equal(wo.messages, 0);
		scratch_close(&wo.sc);
	}
}

/* So it is the exchange that is noticed, and not the way that it was made. */
static void
what_it_bears_out_is_told(void **state)
{
	struct world wo = {0};
	struct err err = {0};

	(void)state;
	build(&wo, "a");
	exchange(&wo, "a");
	if (take_back(&wo, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(wo.messages, 1);
	scratch_close(&wo.sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_timeline_does_not_bear_out_is_not_told),
	    cmocka_unit_test(what_it_bears_out_is_told),
	};

	return cmocka_run_group_tests_name("unborne", tests, NULL, NULL);
}
