#include "tests/memory/play.h"

#include "engine/engine.h"
#include "state/copy.h"
#include "tests/memory/failing.h"
#include "tests/property/lines.h"

#include <stdio.h>
#include <stdlib.h>

#define CACHE_BYTES ((size_t)2 * 1024) /* so that subjects leave and come back */
#define CHANGE_BYTES 2000              /* so that a switch of rules spills */

/* ---- what a node calls back: the test's own memory does not fail ---------------------------------------------- */

static struct instant
clock_of(void *ctx)
{
	(void)ctx;
	return (struct instant){1900000000, 0};
}

static int
on_message(void *ctx, const struct message *me, struct err *err)
{
	struct play *pl = ctx;

	(void)err;
	pl->seen += me->json.n + me->text_fa.n;
	return 0;
}

static int
on_alert(void *ctx, const struct alert_view *av, struct err *err)
{
	struct play *pl = ctx;

	(void)err;
	pl->seen += av->json.n + av->text_fa.n;
	return 0;
}

static int
on_entry(void *ctx, const struct entry_view *en, struct err *err)
{
	struct play *pl = ctx;

	(void)err;
	pl->seen += en->kept.n + en->id.n;
	return 0;
}

static int
on_eval(void *ctx, const struct eval_view *ev, struct err *err)
{
	struct play *pl = ctx;

	(void)err;
	pl->seen += ev->result->n_values + ev->id.n;
	return 0;
}

static int
on_quarantined(void *ctx, const struct quarantine_view *qu, struct err *err)
{
	struct play *pl = ctx;

	(void)err;
	pl->seen += qu->raw.n + qu->detail.n;
	return 0;
}

static int
on_checkpoint(void *ctx, struct buf *mark, struct err *err)
{
	(void)ctx;
	(void)err;
	buf_add_str(mark, "so far");
	return buf_ok(mark) ? 0 : err_nomem(err);
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

static void
path_of(const struct play *pl, const char *name, char ret[PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%s", pl->dir, name);
}

static int
open_node(struct play *pl, const char *name, bool read_only, struct node **ret, struct err *err)
{
	char dir[PATH_MAX];
	struct node_options opt = {.dir = dir,
	    .read_only = read_only,
	    .partitions = 2,
	    .cache_bytes = CACHE_BYTES,
	    .change_bytes = CHANGE_BYTES,
	    .max_future = -1,
	    .clock = clock_of,
	    .on_message = on_message,
	    .on_checkpoint = on_checkpoint,
	    .ctx = pl};

	path_of(pl, name, dir);
	*ret = NULL;
	return node_open(ret, &opt, err);
}

static int
load_rules(struct play *pl, struct node *no, bool other, struct err *err)
{
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct buf b = {0};
	char name[64], id[24];
	int rc = 0;

	for (unsigned i = 0; i < pl->set->n_types + 1 && rc == 0; i++) {
		unsigned type = i < pl->set->n_types ? i : GEN_RETRACTION;
		bool ours = failing_pause();

		buf_clear(&b);
		gen_print_contract(&b, pl->set, type, other);
		failing_resume(ours);
		(void)snprintf(name, sizeof name, "%s.json", gen_type_name[type]);
		rc = ruleset_source_add_contract(&src, slice_str(name), buf_slice(&b), err);
	}
	for (unsigned i = 0; i < pl->set->n_rules + 1 && rc == 0; i++) {
		bool ours = failing_pause(), there = gen_has_rule(pl->set, i, other);

		buf_clear(&b);
		if (there)
			gen_print_rule(&b, pl->set, i, other);
		failing_resume(ours);
		if (!there)
			continue;
		gen_rule_id(id, i);
		(void)snprintf(name, sizeof name, "%s.lua", id);
		rc = ruleset_source_add_rule(&src, slice_str(name), buf_slice(&b), err);
	}
	if (rc == 0)
		rc = node_rules(no, &src, &fi, NULL, err);
	findings_free(&fi);
	ruleset_source_free(&src);
	buf_free(&b);
	return rc;
}

static int
add_line(struct play *pl, struct node *no, struct slice raw, struct err *err)
{
	static const char *const allowed[] = {"*"};
	struct grant gr = {.n_sources = 1, .n_types = 1, .sources = allowed, .types = allowed, .corrections = true};
	struct position pos = {slice_str("events.ndjson"), ++pl->added};

	return node_add(no, raw, &pos, &gr, err);
}

/* Contents a, a + step ... below `end`: a step makes some come late. */
static int
add_events(struct play *pl, struct node *no, unsigned a, unsigned end, unsigned step, struct err *err)
{
	struct buf b = {0};
	int rc = 0;

	for (unsigned i = a; i < end && rc == 0; i += step) {
		bool ours = failing_pause();

		buf_clear(&b);
		gen_print_event(&b, pl->set, i, i * 7u % 3u);
		failing_resume(ours);
		rc = add_line(pl, no, buf_slice(&b), err);
	}
	buf_free(&b);
	return rc;
}

static int
add_bad(struct play *pl, struct node *no, struct err *err)
{
	struct position pos = {slice_str("long.ndjson"), 1};

	if (add_line(pl, no, slice_str("{\"specversion\":\"1.0\",\"id\":7}"), err) != 0 || add_line(pl, no, slice_str("not even JSON"), err) != 0)
		return -1;
	return node_add_fault(no, FAULT_TOO_LARGE, slice_str("300000"), slice_str("{\"specversion\":"), 300000, &pos, err);
}

static int
first_id(void *ctx, const struct quarantine_view *qu, struct err *err)
{
	char *id = ctx;

	(void)err;
	if (id[0] == '\0' && qu->state == QUARANTINE_OPEN && qu->fault == FAULT_TOO_LARGE)
		(void)snprintf(id, 17, "%.*s", SLICE_ARG(qu->id));
	return 0;
}

static int
mark_one(struct node *no, struct err *err)
{
	char id[17] = "";

	if (node_quarantine(no, NULL, first_id, id, err) != 0)
		return -1;
	return id[0] == '\0' ? 0 : node_quarantine_mark(no, id, QUARANTINE_DISCARDED, "too long to be true", err);
}

/* Everything that can be looked at. */
static int
look(struct play *pl, struct node *no, struct err *err)
{
	const struct ruleset *rs = node_ruleset(no);
	struct buf raw = {0}, event = {0};
	struct node_stats st;
	char subject[64];
	uint64_t number;
	bool ours;
	int rc = -1;

	node_stats(no, &st);
	pl->seen += st.consumed;
	ours = failing_pause();
	gen_print_event(&event, pl->set, 0, 0);
	failing_resume(ours);
	if (node_alerts(no, NULL, NULL, NULL, true, on_alert, pl, err) != 0 || node_standing(no, &number, err) != 0 ||
	    node_position(no, slice_str("events.ndjson"), &number, err) < 0 || node_quarantine(no, NULL, on_quarantined, pl, err) != 0 ||
	    node_knows(no, buf_slice(&event), err) < 0 ||
	    node_event(no, slice_str(gen_source_name(pl->set->contents[0].source)), slice_str(gen_id_name(pl->set->contents[0].id)), &raw, err) < 0)
		goto out;
	for (unsigned k = 0; k < 2 * GEN_KEYS; k++) {
		(void)snprintf(subject, sizeof subject, "%s/%s", gen_kind_name[k / GEN_KEYS], gen_key_name[k / GEN_KEYS][k % GEN_KEYS]);
		if (node_timeline(no, subject, on_entry, pl, err) != 0)
			goto out;
	}
	for (size_t r = 0; rs != NULL && r < rs->n_rules; r++)
		if (node_eval(no, rs->rules[r], rs->texts[r], on_eval, pl, err) != 0)
			goto out;
	rc = 0;
out:
	buf_free(&raw);
	buf_free(&event);
	return rc;
}

#define TRY(what, call)                                                                                                                              \
	do {                                                                                                                                         \
		pl->doing = what;                                                                                                                    \
		if ((call) != 0) {                                                                                                                   \
			node_abandon(no);                                                                                                            \
			return -1;                                                                                                                   \
		}                                                                                                                                    \
	} while (0)

static int
first_life(struct play *pl, struct err *err)
{
	struct node *no = NULL;
	unsigned n = pl->set->n_contents;
	struct instant tick = {pl->set->tick.sec - 1000, 0};

	TRY("opening a new store", open_node(pl, "store", false, &no, err));
	TRY("the first rules", load_rules(pl, no, true, err));
	TRY("events", add_events(pl, no, 0, n / 2, 2, err));
	TRY("a commit", node_commit(no, err));
	TRY("bad events", add_bad(pl, no, err));
	TRY("late events", add_events(pl, no, 1, n / 2, 2, err));
	TRY("a commit", node_commit(no, err));
	TRY("a checkpoint", node_checkpoint(no, err));
	TRY("a switch of rules", load_rules(pl, no, false, err));
	TRY("events after a switch", add_events(pl, no, n / 3, n, 3, err));
	TRY("a commit", node_commit(no, err));
	TRY("a mark", mark_one(no, err));
	if (pl->set->ticks)
		TRY("a tick", node_tick(no, tick, err));
	pl->doing = "a crash";
	node_abandon(no); /* as after a crash: the journal has a tail to fold */
	return 0;
}

static int
second_life(struct play *pl, struct err *err)
{
	struct node *no = NULL;
	struct copy_report cr;
	struct store_report sr;
	char dir[PATH_MAX], backup[PATH_MAX], back[PATH_MAX];
	unsigned n = pl->set->n_contents;

	path_of(pl, "store", dir);
	path_of(pl, "backup", backup);
	path_of(pl, "back", back);
	TRY("recovery", open_node(pl, "store", false, &no, err));
	TRY("events after recovery", add_events(pl, no, n / 2, n, 1, err));
	TRY("looking", look(pl, no, err));
	TRY("a backup", state_backup(dir, backup, &cr, err));
	TRY("an event again", add_events(pl, no, 0, n, 9, err));
	TRY("a checkpoint", node_checkpoint(no, err));
	TRY("a second backup", state_backup(dir, backup, &cr, err));
	pl->doing = "closing";
	if (node_close(no, err) != 0)
		return -1;
	no = NULL;
	TRY("verifying", state_verify(dir, &sr, err));
	TRY("restoring", state_restore(backup, back, &cr, err));
	TRY("opening to look", open_node(pl, "back", true, &no, err));
	TRY("looking at a restored store", look(pl, no, err));
	node_abandon(no);
	return 0;
}

int
play_history(struct play *pl, struct err *err)
{
	return first_life(pl, err) != 0 || second_life(pl, err) != 0 ? -1 : 0;
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static int
write_alert(void *ctx, const struct alert_view *av, struct err *err)
{
	struct play *pl = ctx;
	json_error_t je;
	json_t *al;

	(void)err;
	if (av->state == ALERT_WITHDRAWN)
		return 0;
	al = json_loadb(av->json.p, av->json.n, JSON_REJECT_DUPLICATES, &je);
	if (al == NULL)
		abort();
	lines_alert(&pl->found, al);
	buf_add_str(&pl->found, av->holds ? "\n" : " (does not hold when computed anew)\n");
	json_decref(al);
	return 0;
}

static int
write_quarantined(void *ctx, const struct quarantine_view *qu, struct err *err)
{
	struct play *pl = ctx;

	(void)err;
	buf_printf(&pl->found, "quarantined %s: %.*s\n", event_fault_name(qu->fault), SLICE_ARG(qu->raw));
	return 0;
}

int
play_end(struct play *pl, struct err *err)
{
	struct node *no = NULL;
	struct instant tick = {pl->set->tick.sec, 0};

	buf_clear(&pl->found);
	TRY("opening at the end", open_node(pl, "store", false, &no, err));
	TRY("the last rules", load_rules(pl, no, false, err));
	TRY("all events", add_events(pl, no, 0, pl->set->n_contents, 1, err));
	TRY("bad events", add_bad(pl, no, err));
	TRY("the last commit", node_commit(no, err));
	if (pl->set->ticks)
		TRY("the last tick", node_tick(no, tick, err));
	TRY("the alerts", node_alerts(no, NULL, NULL, NULL, true, write_alert, pl, err));
	TRY("the quarantine", node_quarantine(no, NULL, write_quarantined, pl, err));
	lines_sort(&pl->found);
	pl->doing = "closing at the end";
	return node_close(no, err);
}
