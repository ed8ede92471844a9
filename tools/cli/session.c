#include "tools/cli/session.h"
#include "state/base/stages.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void
on_signal(int sig)
{
	caught = sig;
}

void
session_catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

	/* A reader of ours that goes away is a write error like any other: the store is closed, a temporary one removed. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigemptyset(&sa.sa_mask);
	sa.sa_flags = (int)SA_RESETHAND; /* a second one ends the process at once: the journal is safe */
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
}

int
session_stopped(void)
{
	return caught;
}

void
session_end_by_signal(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};

	if (caught == 0)
		return;
	(void)sigaction(caught, &sa, NULL);
	(void)raise(caught);
}

static void
sink_note(void *ctx, const char *text)
{
	(void)ctx;
	cli_note("%s", text);
}

static int
on_message(void *ctx, const struct message *me, struct err *err)
{
	struct session *se = ctx;

	if (se->sink != NULL && file_sink_message(se->sink, me, err) != 0)
		return -1;
	if (se->kafka != NULL && kafka_sink_message(se->kafka, me, err) != 0)
		return -1;
	return se->on_message == NULL ? 0 : se->on_message(se->ctx, me, err);
}

static int
on_batch(void *ctx, uint64_t batch, struct err *err)
{
	struct session *se = ctx;

	if (se->sink != NULL && file_sink_batch(se->sink, err) != 0)
		return -1;
	return se->kafka == NULL ? 0 : kafka_sink_batch(se->kafka, batch, err);
}

static int
on_checkpoint(void *ctx, struct buf *mark, struct err *err)
{
	struct session *se = ctx;

	if (se->kafka != NULL && kafka_sink_checkpoint(se->kafka, err) != 0)
		return -1;
	return se->sink == NULL ? 0 : file_sink_checkpoint(se->sink, mark, err);
}

static int
on_origin(void *ctx, const struct node_origin * or, struct err *err)
{
	struct session *se = ctx;
	struct file_sink_options so = {.note = sink_note};
	struct slice before = file_sink_mark_path(or->sink_mark);
	char path[PATH_MAX];

	if (se->kafka_opt != NULL) {
		struct kafka_sink_options ko = *se->kafka_opt;

		ko.store = or->store;
		ko.last = or->last;
		if (kafka_sink_open(&se->kafka, &ko, err) != 0)
			return -1;
	}
	if (se->sink == NULL && se->alerts_as_before && before.n > 0) {
		if (before.n >= sizeof path)
			return err_set(err, ERR_USAGE, "the alerts of this store went to %.*s: name a shorter path with --alerts", SLICE_ARG(before));
		(void)snprintf(path, sizeof path, "%.*s", SLICE_ARG(before));
		if (file_sink_open(&se->sink, path, &so, err) != 0)
			return -1;
	}
	if (se->sink == NULL && before.n > 0)
		cli_note("until now the alerts of this store went to %.*s; without --alerts what comes now is not written there", SLICE_ARG(before));
	return se->sink == NULL ? 0 : file_sink_mark(se->sink, or->sink_mark, err);
}

/* The store's own rules with other parameters. */
static int
gather_again(struct session *se, const struct session_rules *sr, struct ruleset_source *ret, struct err *err)
{
	const struct ruleset_source *own = &node_ruleset(se->no)->source;
	int r = 0;

	*ret = (struct ruleset_source){0};
	for (size_t i = 0; i < own->n_contracts && r == 0; i++)
		r = ruleset_source_add_contract(ret, own->contracts[i].name, own->contracts[i].text, err);
	for (size_t i = 0; i < own->n_rules && r == 0; i++)
		r = ruleset_source_add_rule(ret, own->rules[i].name, own->rules[i].text, err);
	for (size_t i = 0; i < sr->n_sets && r == 0; i++)
		r = ruleset_source_add_set(ret, sr->sets[i], err);
	if (r != 0)
		ruleset_source_free(ret);
	return r;
}

static int
put_rules_live(struct session *se, const struct session_rules *sr, struct err *err)
{
	struct ruleset_source src = {0};
	bool first = node_ruleset(se->no) == NULL, changed = false;
	int r;

	if (!first && sr->dir == NULL) {
		if (sr->n_sets == 0)
			return 0;
		r = gather_again(se, sr, &src, err);
	} else {
		if (rules_find(sr->dir, &se->rules_dir, err) != 0)
			return -1;
		r = rules_gather(se->rules_dir, false, sr->sets, sr->n_sets, &src, err);
	}
	if (r == 0)
		r = node_rules(se->no, &src, &se->findings, &changed, err);
	ruleset_source_free(&src);
	/* "standing 39, messages 0" would look like a fault. */
	if (r == 0 && changed && !first)
		cli_note("other rules are live now: the past was judged anew; what they add about events known before stands without a message "
			 "(`dideban alerts` lists it)");
	if (se->findings.n > 0)
		cli_findings(&se->findings, se->rules_dir);
	/* Here a wrong rule or override is a wrong configuration, not something that was looked for. */
	if (r != 0 && err->code == ERR_CHECKED)
		err->code = ERR_USAGE;
	return r;
}

bool
session_gave_up(const struct session *se)
{
	return se->kafka != NULL && kafka_sink_gave_up(se->kafka);
}

int
session_open(struct session *se, const struct session_rules *sr, struct err *err)
{
	struct file_sink_options so = {.no_sync = se->opt.dir == NULL, .note = sink_note};

	if (se->alerts != NULL) {
		if (file_sink_open(&se->sink, se->alerts, &so, err) != 0)
			return -1;
	}
	se->opt.on_checkpoint = on_checkpoint;
	if (se->sink != NULL || se->kafka_opt != NULL || se->on_message != NULL || se->alerts_as_before)
		se->opt.on_message = on_message;
	se->opt.on_batch = on_batch;
	se->opt.ctx = se;
	if (node_open_with_origin(&se->no, &se->opt, on_origin, err) != 0) {
		se->no = NULL;
		goto fail;
	}
	if (se->sink != NULL && file_sink_ready(se->sink, err) != 0)
		goto fail;
	if (put_rules_live(se, sr, err) != 0)
		goto fail;
	if (se->sink != NULL && se->opt.dir != NULL && !file_sink_placed(se->sink) && node_checkpoint_sink(se->no, err) != 0)
		goto fail;
	return 0;
fail:
	session_abandon(se);
	return -1;
}

int
session_add(struct session *se, const struct source_item *item, const struct grant *grant, struct err *err)
{
	se->added++;
	if (item->fault != FAULT_NONE)
		return node_add_fault(se->no, item->fault, slice_str(item->detail), item->raw, item->full_bytes, &item->pos, err);
	return node_add(se->no, item->raw, &item->pos, grant, err);
}

int
session_read(struct session *se, const char *file, const struct grant *grant, struct progress *pr, uint64_t bytes_before, struct err *err)
{
	struct file_source *fs;
	struct source_item item;
	uint64_t done, total;
	int r;

	if (file_source_open(&fs, file, NULL, err) != 0)
		return -1;
	for (;;) {
		enum stage stage = stage_enter(STAGE_READ);

		r = file_source_next(fs, &item, err);
		stage_leave(stage);
		if (r != 1 || caught != 0)
			break;
		if (session_add(se, &item, grant, err) != 0) {
			file_source_close(fs);
			return -1;
		}
		if ((se->added & 1023) == 0) {
			file_source_progress(fs, &done, &total);
			progress_show(pr, se->added, bytes_before + done);
		}
	}
	file_source_close(fs);
	return r < 0 ? -1 : 0;
}

int
session_close(struct session *se, struct err *err)
{
	struct err second;
	int r;

	r = se->no == NULL ? 0 : node_close(se->no, err);
	se->no = NULL;
	if (file_sink_close(se->sink, r == 0 ? err : &second) != 0)
		r = -1;
	se->sink = NULL;
	kafka_sink_close(se->kafka);
	se->kafka = NULL;
	findings_free(&se->findings);
	free(se->rules_dir);
	se->rules_dir = NULL;
	return r;
}

void
session_abandon(struct session *se)
{
	struct err ignored;

	if (se->no != NULL)
		node_abandon(se->no);
	se->no = NULL;
	(void)file_sink_close(se->sink, &ignored);
	se->sink = NULL;
	kafka_sink_close(se->kafka);
	se->kafka = NULL;
	findings_free(&se->findings);
	free(se->rules_dir);
	se->rules_dir = NULL;
}
