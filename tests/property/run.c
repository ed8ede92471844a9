#include "tests/property/run.h"

#include "engine/engine.h"
#include "tests/property/counts.h"
#include "tests/property/lines.h"
#include "tests/property/model.h"
#include "tests/property/told.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STREAMS 3

struct runner {
	struct run *ret;
	const struct gen_set *set;
	const struct script *sc;
	struct node *no;
	char dir[256];
	struct model now, before;
	struct texts texts;
	struct counts added;                  /* since node_open */
	bool committed_present[GEN_CONTENTS]; /* of now.present */
	uint64_t numbers[STREAMS], committed[STREAMS];
	struct told *told;
	struct buf lines, whole, text; /* of the alerts being read */
	bool other_rules;              /* live ones */
	bool switching;                /* rules, just now */
	bool dying;                    /* while it does: what it found is told, and not in the store */
	bool pending;                  /* something was added since the last commit */
	struct instant clock;
};

static void
fail(struct runner *rr, const char *what, const char *detail)
{
	if (rr->ret->failed)
		return;
	rr->ret->failed = true;
	rr->ret->title = what;
	buf_printf(&rr->ret->what, "%s: %s\n", what, detail);
}

static int
check(struct runner *rr, int rc, const char *what, const struct err *err)
{
	if (rc < 0)
		fail(rr, what, err->text);
	return rc;
}

void
run_free(struct run *ru)
{
	buf_free(&ru->what);
	buf_free(&ru->alerts);
}

/* ---- the node ------------------------------------------------------------------------------------------------- */

static void
fail_if(struct runner *rr, const char *what, struct buf *detail)
{
	buf_add_u8(detail, 0);
	if (what != NULL)
		fail(rr, what, detail->p);
	buf_free(detail);
}

static int
on_message(void *ctx, const struct message *me, struct err *err)
{
	struct runner *rr = ctx;
	struct buf detail = {0};

	(void)err;
	if (rr->switching && me->type == MESSAGE_RAISED) { /* what it adds is silent until a later event changes it */
		buf_add_slice(&detail, me->json);
		fail_if(rr, "a switch of rules raises an alert", &detail);
	}
	fail_if(rr, told_add(rr->told, me, &detail), &detail);
	return 0;
}

static int
on_batch(void *ctx, uint64_t batch, struct err *err)
{
	const struct runner *rr = ctx;

	(void)batch;
	return rr->switching && rr->dying ? err_set(err, ERR_IO, "killed") : 0;
}

static int open_node(struct runner *rr);

/* Killed while rules go live, and opened again. */
static int
die(struct runner *rr)
{
	rr->dying = false;
	node_abandon(rr->no);
	rr->no = NULL;
	return open_node(rr);
}

static int
load_rules(struct runner *rr, bool other, bool dying)
{
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct err err = {0};
	unsigned i;
	int rc = gen_rule_set(&src, rr->set, other, &err);

	rr->other_rules = other;
	rr->switching = true;
	rr->dying = dying;
	if (rc == 0)
		rc = node_rules(rr->no, &src, &fi, NULL, &err);
	rr->switching = false;
	if (dying && rc != 0 && err.code == ERR_IO)
		rc = die(rr);
	check(rr, rc, "the rule set is refused", &err);
	for (i = 0; i < fi.n && rc != 0; i++)
		buf_printf(&rr->ret->what, "%s:%u:%u: %s\n", fi.v[i].file, fi.v[i].line, fi.v[i].column, fi.v[i].text);
	findings_free(&fi);
	ruleset_source_free(&src);
	return rc;
}

static struct instant
runner_clock(void *ctx)
{
	return ((struct runner *)ctx)->clock;
}

static int
open_node(struct runner *rr)
{
	struct node_options opt = {.dir = rr->sc->on_disk ? rr->dir : NULL,
	    .partitions = rr->sc->partitions,
	    .cache_bytes = rr->sc->cache_kib * (size_t)1024,
	    .change_bytes = rr->sc->change_bytes,
	    .max_future = -1,
	    .clock = runner_clock,
	    .ticks = rr->sc->batch_ticks,
	    .on_message = on_message,
	    .on_batch = on_batch,
	    .ctx = rr};
	struct err err = {0};
	char stream[16], text[128];
	uint64_t number;
	unsigned i;

	rr->added = (struct counts){0};
	if (check(rr, node_open(&rr->no, &opt, &err), "opening failed", &err) != 0) {
		rr->no = NULL;
		return -1;
	}
	for (i = 0; i < STREAMS; i++) {
		snprintf(stream, sizeof(stream), "file-%u", i);
		if (check(rr, node_position(rr->no, slice_str(stream), &number, &err) < 0 ? -1 : 0, "reading a position failed", &err) != 0)
			return -1;
		if (number != rr->committed[i]) {
			snprintf(text, sizeof(text), "%s is at %llu, %llu was committed", stream, (unsigned long long)number,
			    (unsigned long long)rr->committed[i]);
			fail(rr, "a position is wrong after opening", text);
		}
	}
	return 0;
}

static void
check_counts(struct runner *rr)
{
	const struct counts *co = &rr->added;
	struct node_stats st;
	char text[256];

	node_stats(rr->no, &st);
	if (st.consumed == co->consumed && st.processed == co->processed && st.duplicates == co->duplicates && st.quarantined == co->quarantined &&
	    st.quarantined == st.by_fault[FAULT_CONFLICT])
		return;
	snprintf(text, sizeof(text),
	    "%llu given (%llu new, %llu again, %llu conflicts), consumed %llu, processed %llu, duplicates %llu, quarantined %llu, of them conflicts "
	    "%llu",
	    (unsigned long long)co->consumed, (unsigned long long)co->processed, (unsigned long long)co->duplicates,
	    (unsigned long long)co->quarantined, (unsigned long long)st.consumed, (unsigned long long)st.processed, (unsigned long long)st.duplicates,
	    (unsigned long long)st.quarantined, (unsigned long long)st.by_fault[FAULT_CONFLICT]);
	fail(rr, "the counts do not add up", text);
}

static int
add_event(struct runner *rr, const struct step *sp)
{
	struct err err = {0};
	char stream[16];
	unsigned s = (unsigned)(sp->form >> 40) % STREAMS;
	struct position pos;

	buf_clear(&rr->text);
	gen_print_event(&rr->text, rr->set, sp->arg, sp->form);
	snprintf(stream, sizeof(stream), "file-%u", s);
	pos = (struct position){slice_str(stream), ++rr->numbers[s]};
	texts_add(&rr->texts, buf_slice(&rr->text), sp->arg, s, pos.number);
	rr->pending = true;
	counts_add(&rr->added, rr->set, rr->now.present, sp->arg);
	rr->now.present[sp->arg] = true;
	return check(rr, node_add(rr->no, buf_slice(&rr->text), &pos, NULL, &err), "adding failed", &err);
}

static void
see_tick(struct runner *rr, struct instant t)
{
	struct gen_time tick = {t.sec, t.nsec};

	if (!rr->now.has_tick || gen_time_cmp(rr->now.tick, tick) < 0)
		rr->now.tick = tick;
	rr->now.has_tick = true;
}

static int
commit(struct runner *rr)
{
	struct err err = {0};

	if (check(rr, node_commit(rr->no, &err), "committing failed", &err) != 0)
		return -1;
	if (rr->sc->batch_ticks && rr->pending) {
		see_tick(rr, rr->clock);
	}
	rr->pending = false;
	memcpy(rr->committed, rr->numbers, sizeof(rr->numbers));
	memcpy(rr->committed_present, rr->now.present, sizeof(rr->now.present));
	check_counts(rr);
	return 0;
}

/* ---- reading alerts ------------------------------------------------------------------------------------------- */

static void
check_told(struct runner *rr, const struct alert_view *av)
{
	struct buf detail = {0};

	if (rr->set->ticks || rr->sc->v[0].kind == STEP_OTHER_RULES)
		return;
	fail_if(rr, told_check(rr->told, av, &rr->now, &detail), &detail);
}

/* Evidence names the place where its content came from. */
static void
check_positions(struct runner *rr, const json_t *evidence)
{
	const struct gen_content *co;
	const char *position, *id, *source;
	struct buf detail = {0};
	json_t *ev;
	size_t i;
	int c;

	json_array_foreach(evidence, i, ev)
	{
		position = json_string_value(json_object_get(ev, "position"));
		source = json_string_value(json_object_get(ev, "source"));
		id = json_string_value(json_object_get(ev, "id"));
		c = position == NULL ? -1 : texts_at(&rr->texts, position);
		co = c < 0 ? NULL : &rr->set->contents[c];
		if (co != NULL && source != NULL && id != NULL && strcmp(source, gen_source_name(co->source)) == 0 &&
		    strcmp(id, gen_id_name(co->id)) == 0 && model_counts(&rr->now, (unsigned)c))
			continue;
		buf_printf(&detail, "%s#%s is said to be at %s", source, id, position);
		fail_if(rr, "evidence is not where it is said to be", &detail);
		return;
	}
}

static int
on_alert(void *ctx, const struct alert_view *av, struct err *err)
{
	struct runner *rr = ctx;
	json_error_t je;
	json_t *al;
	char *text;

	(void)err;
	check_told(rr, av);
	if (av->state == ALERT_WITHDRAWN)
		return 0;
	al = json_loadb(av->json.p, av->json.n, JSON_REJECT_DUPLICATES, &je);
	if (al == NULL) {
		fail(rr, "an alert is not JSON", je.text);
		return 0;
	}
	check_positions(rr, json_object_get(al, "evidence"));
	lines_alert(&rr->lines, al);
	if (!av->holds)
		buf_add_str(&rr->lines, " (does not hold when computed anew)");
	buf_add_str(&rr->lines, "\n");
	lines_reduce(al);
	text = json_dumps(al, JSON_SORT_KEYS | JSON_COMPACT);
	buf_printf(&rr->whole, "%s\n", text == NULL ? "?" : text);
	free(text);
	json_decref(al);
	return 0;
}

static void
compare(struct runner *rr, const char *what, struct buf *got, struct buf *expected)
{
	lines_sort(got);
	lines_sort(expected);
	if (slice_eq(buf_slice(got), buf_slice(expected)) || rr->ret->failed)
		return;
	fail(rr, what, "");
	lines_missing(&rr->ret->what, "expected", buf_slice(expected), buf_slice(got));
	lines_missing(&rr->ret->what, "got", buf_slice(got), buf_slice(expected));
}

static void
compare_alerts(struct runner *rr)
{
	struct buf expected = {0};
	struct err err = {0};
	uint64_t standing = 0, counted = 0;
	unsigned i;

	buf_clear(&rr->lines);
	buf_clear(&rr->whole);
	check(rr, node_alerts(rr->no, NULL, NULL, NULL, true, on_alert, rr, &err), "listing alerts failed", &err);
	rr->ret->stood = false;
	for (i = 0; i < rr->now.n_alerts; i++) {
		model_alert_line(&expected, &rr->now, &rr->now.alerts[i]);
		buf_add_str(&expected, "\n");
		rr->ret->stood = rr->ret->stood || !rr->now.alerts[i].ended;
		standing += !rr->now.alerts[i].ended;
	}
	check(rr, node_standing(rr->no, &counted, &err), "counting alerts failed", &err);
	if (counted != standing && !rr->ret->failed)
		fail(rr, "the number of standing alerts is kept wrong", "");
	compare(rr, "alerts differ from the model", &rr->lines, &expected);
	buf_free(&expected);
	lines_sort(&rr->whole);
	buf_clear(&rr->ret->alerts);
	buf_add_slice(&rr->ret->alerts, buf_slice(&rr->whole));
}

/* ---- reading the quarantine ----------------------------------------------------------------------------------- */

static int
on_quarantined(void *ctx, const struct quarantine_view *qu, struct err *err)
{
	struct runner *rr = ctx;
	char position[64];

	(void)err;
	if (qu->fault != FAULT_CONFLICT)
		buf_add_str(&rr->lines, "not for a conflict: ");
	snprintf(position, sizeof(position), "%.*s:%llu", SLICE_ARG(qu->stream), (unsigned long long)qu->number);
	counts_text_line(&rr->lines, &rr->texts, rr->set, qu->raw, position);
	return 0;
}

static void
compare_quarantine(struct runner *rr)
{
	struct buf expected = {0};
	struct err err = {0};

	buf_clear(&rr->lines);
	check(rr, node_quarantine(rr->no, NULL, on_quarantined, rr, &err), "listing the quarantine failed", &err);
	counts_beaten(&expected, rr->set, rr->now.present);
	compare(rr, "the quarantine holds other contents than those beaten", &rr->lines, &expected);
	buf_free(&expected);
}

/* ---- reading evaluations -------------------------------------------------------------------------------------- */

static int
on_eval(void *ctx, const struct eval_view *ev, struct err *err)
{
	struct runner *rr = ctx;
	const struct rule_result *re = ev->result;
	char time[INSTANT_TEXT_BYTES];
	size_t n = instant_format(ev->time, time);
	unsigned i;

	(void)err;
	buf_printf(&rr->lines, "%s %.*s trigger=%.*s#%.*s@%.*s outcome=%s values={", ev->rule->id, SLICE_ARG(ev->subject), SLICE_ARG(ev->source),
	    SLICE_ARG(ev->id), (int)n, time,
	    re->class == OUTCOME_ERROR ? "error"
	    : re->outcome < 0          ? "unknown"
				       : ev->rule->outcomes[re->outcome].code);
	for (i = 0; i < re->n_values; i++) {
		buf_printf(&rr->lines, "%s%.*s:", i == 0 ? "" : ",", SLICE_ARG(re->values[i].name));
		if (re->values[i].value.kind == VALUE_NUMBER)
			gen_number_text(&rr->lines, re->values[i].value.d);
		else
			value_json(&rr->lines, &re->values[i].value);
	}
	buf_add_str(&rr->lines, "}\n");
	return 0;
}

static void
compare_evals(struct runner *rr)
{
	const struct ruleset *rs = node_ruleset(rr->no);
	struct buf expected = {0};
	struct err err = {0};
	unsigned i;
	size_t r;

	buf_clear(&rr->lines);
	for (r = 0; r < rs->n_rules; r++)
		check(rr, node_eval(rr->no, rs->rules[r], rs->texts[r], on_eval, rr, &err), "evaluating failed", &err);
	for (i = 0; i < rr->now.n_evals; i++) {
		model_eval_line(&expected, &rr->now, &rr->now.evals[i]);
		buf_add_str(&expected, "\n");
	}
	compare(rr, "outcomes of triggers differ from the model", &rr->lines, &expected);
	rr->ret->evals += rr->now.n_evals;
	buf_free(&expected);
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

static void
check_state(struct runner *rr, bool last)
{
	if (commit(rr) != 0)
		return;
	model_run(&rr->now);
	rr->ret->withdrew = rr->ret->withdrew || model_withdrew(&rr->before, &rr->now);
	rr->ret->recut = rr->ret->recut || model_recut(&rr->before, &rr->now);
	if (last)
		compare_evals(rr);
	compare_alerts(rr);
	compare_quarantine(rr);
	rr->ret->checks++;
	model_free(&rr->before);
	rr->before = rr->now; /* takes over what was computed */
	rr->now.evals = NULL;
	rr->now.alerts = NULL;
	rr->now.n_evals = rr->now.n_alerts = 0;
}

static void
tick(struct runner *rr, unsigned ahead)
{
	struct err err = {0};
	struct instant t = {rr->set->tick.sec - ahead, rr->set->tick.nsec};

	if (commit(rr) != 0)
		return;
	if (rr->sc->batch_ticks && ahead % 4 != 0) /* else the clock of batches stays behind */
		rr->clock = t;
	if (rr->sc->batch_ticks && ahead % 2 == 1) /* left to the next batch */
		return;
	if (check(rr, node_tick(rr->no, t, &err), "a tick failed", &err) != 0)
		return;
	see_tick(rr, t);
}

static void
crash(struct runner *rr)
{
	node_abandon(rr->no);
	rr->no = NULL;
	rr->pending = false;
	memcpy(rr->numbers, rr->committed, sizeof(rr->numbers));
	memcpy(rr->now.present, rr->committed_present, sizeof(rr->now.present));
	(void)open_node(rr);
}

static void
reopen(struct runner *rr)
{
	struct err err = {0};

	if (commit(rr) != 0)
		return;
	if (check(rr, node_close(rr->no, &err), "closing failed", &err) == 0) {
		rr->no = NULL;
		(void)open_node(rr);
	}
	rr->no = rr->ret->failed ? NULL : rr->no;
}

static void
step(struct runner *rr, const struct step *sp, bool last)
{
	struct err err = {0};

	switch (sp->kind) {
	case STEP_ADD:
		(void)add_event(rr, sp);
		break;
	case STEP_COMMIT:
		(void)commit(rr);
		break;
	case STEP_CHECKPOINT:
		if (commit(rr) == 0)
			check(rr, node_checkpoint(rr->no, &err), "a checkpoint failed", &err);
		break;
	case STEP_CRASH:
		crash(rr);
		break;
	case STEP_REOPEN:
		reopen(rr);
		break;
	case STEP_TICK:
		tick(rr, sp->arg);
		break;
	case STEP_OTHER_RULES:
	case STEP_RULES:
		if (node_ruleset(rr->no) == NULL || commit(rr) == 0)
			(void)load_rules(rr, sp->kind == STEP_OTHER_RULES, sp->arg != 0);
		break;
	case STEP_CHECK:
		if (rr->other_rules) /* the model knows the last ones only */
			(void)commit(rr);
		else
			check_state(rr, last);
		break;
	}
}

/* A crash loses what came after the last commit: those additions are made again, the crash itself is not. */
static void
run_steps(struct runner *rr)
{
	bool crashed[GEN_OPS] = {false};
	unsigned i, back = 0;

	for (i = 0; i < rr->sc->n && !rr->ret->failed; i++) {
		const struct step *sp = &rr->sc->v[i];

		if (sp->kind == STEP_CRASH) {
			if (crashed[i])
				continue;
			crashed[i] = true;
		}
		step(rr, sp, i + 1 == rr->sc->n);
		if (sp->kind == STEP_CRASH)
			i = back; /* the loop goes on behind it */
		else if (sp->kind != STEP_ADD)
			back = i;
	}
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
run_script(struct run *ret, const struct gen_set *set, const struct script *sc)
{
	struct runner *rr = calloc(1, sizeof(*rr));
	const char *tmp = getenv("TMPDIR");
	struct err err = {0};

	if (rr == NULL)
		abort();
	memset(ret, 0, sizeof(*ret));
	rr->ret = ret;
	rr->set = set;
	rr->sc = sc;
	rr->now.set = rr->before.set = set;
	rr->clock = sc->batch_ticks ? (struct instant){set->tick.sec - GEN_TICK_AHEAD, 0} : (struct instant){1900000000, 0};
	rr->told = told_new();
	snprintf(rr->dir, sizeof(rr->dir), "%s/dideban-order-XXXXXX", tmp == NULL || *tmp == '\0' ? "/tmp" : tmp);
	if (sc->on_disk && mkdtemp(rr->dir) == NULL)
		fail(rr, "no temporary directory", rr->dir);
	if (!ret->failed && open_node(rr) == 0)
		run_steps(rr);
	if (rr->no != NULL && ret->failed)
		node_abandon(rr->no);
	else if (rr->no != NULL)
		check(rr, node_close(rr->no, &err), "closing failed", &err);
	if (sc->on_disk)
		(void)nftw(rr->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	told_free(rr->told);
	texts_free(&rr->texts);
	model_free(&rr->now);
	model_free(&rr->before);
	buf_free(&rr->lines);
	buf_free(&rr->whole);
	buf_free(&rr->text);
	free(rr);
}
