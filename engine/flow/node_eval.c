/* Evaluating one rule over everything that is in the store: `dideban eval`, `dideban test`. Nothing is stored or sent. */
#include "engine/flow/node_private.h"

#include <stdio.h>
#include <stdlib.h>

/* One outcome, copied out of the worker. */
struct row {
	struct instant time;
	size_t subject, source, id, error; /* places in `bytes` */
	uint32_t subject_len, source_len, id_len, error_len;
	enum outcome_class class;
	int outcome;
	unsigned n_values;
	size_t values; /* n_values times: blob name, blob encoded value */
};

struct rows {
	struct worker *wo;
	const struct rule_plan *rp;
	struct names *names;
	struct row *v;
	size_t n, cap;
	struct buf bytes, scratch;
};

static size_t
keep(struct rows *ro, struct slice s)
{
	size_t at = ro->bytes.n;

	buf_add_slice(&ro->bytes, s);
	return at;
}

static int
take(void *ctx, const struct eval_view *ev, struct err *err)
{
	struct rows *ro = ctx;
	const struct rule_result *rr = ev->result;
	struct slice error = slice_str(rr->error == NULL ? "" : rr->error);
	struct row *row;

	if (ro->n == ro->cap) {
		size_t cap = ro->cap == 0 ? 1024 : ro->cap * 2;
		struct row *v = realloc(ro->v, cap * sizeof *v);

		if (v == NULL)
			return err_nomem(err);
		ro->v = v;
		ro->cap = cap;
	}
	row = &ro->v[ro->n++];
	*row = (struct row){.time = ev->time,
	    .subject_len = (uint32_t)ev->subject.n,
	    .source_len = (uint32_t)ev->source.n,
	    .id_len = (uint32_t)ev->id.n,
	    .error_len = (uint32_t)error.n,
	    .class = rr->class,
	    .outcome = rr->outcome,
	    .n_values = rr->n_values};
	row->subject = keep(ro, ev->subject);
	row->source = keep(ro, ev->source);
	row->id = keep(ro, ev->id);
	row->error = keep(ro, error);
	buf_add_u8(&ro->bytes, 0);
	row->values = ro->bytes.n;
	for (unsigned i = 0; i < rr->n_values; i++) {
		buf_clear(&ro->scratch);
		value_encode(&ro->scratch, &rr->values[i].value);
		buf_add_blob(&ro->bytes, rr->values[i].name);
		buf_add_blob(&ro->bytes, buf_slice(&ro->scratch));
	}
	return buf_ok(&ro->bytes) && buf_ok(&ro->scratch) ? 0 : err_nomem(err);
}

static int
eval_subject(void *ctx, struct slice subject, struct err *err)
{
	struct rows *ro = ctx;

	return worker_eval(ro->wo, subject, 0, take, ro, err);
}

/* Events that are about nobody known: the rule cannot be asked, so the engine answers. */
static int
take_nameless(void *ctx, const struct event *event, struct err *err)
{
	struct rows *ro = ctx;
	struct rule_result rr = {.class = OUTCOME_UNKNOWN, .outcome = -1};
	struct eval_view ev = {.rule = ro->rp->ru, .source = event->source, .id = event->id, .time = event->time, .result = &rr};
	char why[64 + LIMIT_KIND_BYTES];
	uint16_t layout = 0;

	/* It was accepted, so its layout is known. */
	while (
	    layout + 1u < names_layouts(ro->names) && strcmp(names_layout_at(ro->names, layout)->text, contract_layout(event->contract)->text) != 0)
		layout++;
	(void)snprintf(why, sizeof why, "%s has no identifier", ro->rp->ru->role);
	rr.error = why;
	return plan_nameless(ro->rp, layout, event) ? take(ro, &ev, err) : 0;
}

static struct slice
text(const struct rows *ro, size_t at, uint32_t n)
{
	return slice_of(ro->bytes.p + at, n);
}

static int
by_total_order(const void *a, const void *b, void *ctx)
{
	const struct row *x = a, *y = b;
	const struct rows *ro = ctx;
	int c = instant_cmp(x->time, y->time);

	if (c == 0)
		c = slice_cmp(text(ro, x->source, x->source_len), text(ro, y->source, y->source_len));
	if (c == 0)
		c = slice_cmp(text(ro, x->id, x->id_len), text(ro, y->id, y->id_len));
	return c != 0 ? c : slice_cmp(text(ro, x->subject, x->subject_len), text(ro, y->subject, y->subject_len));
}

static int
hand_over(const struct rows *ro, const struct row *row, const struct rule *ru, int (*fn)(void *ctx, const struct eval_view *ev, struct err *err),
    void *ctx, struct err *err)
{
	struct rule_result rr = {.class = row->class, .outcome = row->outcome, .n_values = row->n_values};
	struct eval_view ev = {.rule = ru,
	    .subject = text(ro, row->subject, row->subject_len),
	    .source = text(ro, row->source, row->source_len),
	    .id = text(ro, row->id, row->id_len),
	    .time = row->time,
	    .result = &rr};
	struct rd r = rd_of(slice_of(ro->bytes.p + row->values, ro->bytes.n - row->values));

	rr.error = row->error_len == 0 ? NULL : ro->bytes.p + row->error; /* a zero stands behind it */
	for (unsigned i = 0; i < row->n_values; i++) {
		rr.values[i].name = rd_blob(&r);
		rr.values[i].value = value_decode(rd_blob(&r));
	}
	return fn(ctx, &ev, err);
}

/* A worker of its own over the same store, for a rule that need not be live. */
static int
eval_all(struct node *no, const struct rule *ru, struct slice rule_text, struct rows *ro, struct err *err)
{
	const struct rule *rules[1] = {ru};
	struct rule_stats stats = {0};
	struct worker_env env;
	struct arena arena = {0};
	struct plan *pl = plan_make(rules, 1, fold_ruleset(no->fold)->contracts, fold_names(no->fold), err);
	int rc;

	if (pl == NULL)
		return -1;
	fold_worker_env(no->fold, &env);
	env.plan = pl;
	env.rules = rules;
	env.texts = &rule_text;
	env.render = false;
	env.stats = &stats;
	rc = worker_new(&ro->wo, &env, err);
	if (rc == 0)
		rc = fold_each_subject(no->fold, pl->kinds[0].kind, eval_subject, ro, err);
	ro->rp = &pl->rules[0];
	ro->names = fold_names(no->fold);
	if (rc == 0)
		rc = registrar_each_nameless(fold_registrar(no->fold), &arena, take_nameless, ro, err);
	arena_free(&arena);
	worker_free(ro->wo);
	plan_free(pl);
	return rc;
}

int
node_eval(struct node *no, const struct rule *ru, struct slice rule_text, int (*fn)(void *ctx, const struct eval_view *ev, struct err *err),
    void *ctx, struct err *err)
{
	struct rows ro = {0};
	int rc;

	if (node_settle(no, err) != 0)
		return -1;
	if (fold_ruleset(no->fold) == NULL)
		return 0;
	rc = eval_all(no, ru, rule_text, &ro, err);
	if (rc == 0 && ro.n > 1)
		qsort_r(ro.v, ro.n, sizeof *ro.v, by_total_order, &ro);
	for (size_t i = 0; rc == 0 && i < ro.n; i++)
		rc = hand_over(&ro, &ro.v[i], ru, fn, ctx, err);
	buf_free(&ro.bytes);
	buf_free(&ro.scratch);
	free(ro.v);
	return rc;
}
