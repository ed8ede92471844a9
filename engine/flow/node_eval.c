/* Evaluating one rule over everything that is in the store: `dideban eval`, `dideban test`. Nothing is stored or sent. */
#include "engine/flow/node_private.h"

#include "engine/calendar/instant_bytes.h"
#include "engine/flow/keys.h"
#include "state/store/sorter.h"

#include <stdio.h>

/* Outcomes come subject by subject and go out in total order. A record of one:
 *
 *   key     'E' time source 0 id 0 subject 0 u64    the time as key_add_instant makes it; a zero byte of a text is followed by 255, so
 *                                                   that its end sorts first; a number tells apart what is equal
 *   value   i64 u32 the time | u8 class | u8 outcome + 1 | blob source | blob id | blob subject | blob error | u8 n | n times blob name,
 *           blob encoded value
 */
struct outcomes {
	struct sorter *sorter;
	struct worker *wo;
	const struct rule_plan *rp;
	const struct rule *ru;
	struct names *names;
	struct buf key, value, scratch;
	uint64_t n;
	int (*fn)(void *ctx, const struct eval_view *ev, struct err *err);
	void *ctx;
};

static void
add_sorting(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		buf_add_u8(b, (uint8_t)s.p[i]);
		if (s.p[i] == '\0')
			buf_add_u8(b, 0xff);
	}
	buf_add_u8(b, 0);
}

static int
take(void *ctx, const struct eval_view *ev, struct err *err)
{
	struct outcomes *os = ctx;
	const struct rule_result *rr = ev->result;

	buf_clear(&os->key);
	buf_add_u8(&os->key, 'E');
	key_add_instant(&os->key, ev->time);
	add_sorting(&os->key, ev->source);
	add_sorting(&os->key, ev->id);
	add_sorting(&os->key, ev->subject);
	buf_add_u64_be(&os->key, os->n++);
	buf_clear(&os->value);
	buf_add_instant(&os->value, ev->time);
	buf_add_u8(&os->value, (uint8_t)rr->class);
	buf_add_u8(&os->value, (uint8_t)(rr->outcome + 1));
	buf_add_blob(&os->value, ev->source);
	buf_add_blob(&os->value, ev->id);
	buf_add_blob(&os->value, ev->subject);
	buf_add_blob(&os->value, slice_str(rr->error == NULL ? "" : rr->error));
	buf_add_u8(&os->value, (uint8_t)rr->n_values);
	for (unsigned i = 0; i < rr->n_values; i++) {
		buf_clear(&os->scratch);
		value_encode(&os->scratch, &rr->values[i].value);
		buf_add_blob(&os->value, rr->values[i].name);
		buf_add_blob(&os->value, buf_slice(&os->scratch));
	}
	if (!buf_ok(&os->key) || !buf_ok(&os->value) || !buf_ok(&os->scratch))
		return err_nomem(err);
	return sorter_add(os->sorter, buf_slice(&os->key), buf_slice(&os->value), err);
}

static int
hand_over(void *ctx, struct slice key, struct slice value, struct err *err)
{
	struct outcomes *os = ctx;
	struct rule_result rr = {0};
	struct eval_view ev = {.rule = os->ru, .result = &rr};
	struct rd r = rd_of(value);
	struct slice error;

	(void)key;
	ev.time = rd_instant(&r);
	rr.class = (enum outcome_class)rd_u8(&r);
	rr.outcome = (int)rd_u8(&r) - 1;
	ev.source = rd_blob(&r);
	ev.id = rd_blob(&r);
	ev.subject = rd_blob(&r);
	error = rd_blob(&r);
	rr.n_values = rd_u8(&r);
	for (unsigned i = 0; i < rr.n_values; i++) {
		rr.values[i].name = rd_blob(&r);
		rr.values[i].value = value_decode(rd_blob(&r));
	}
	buf_clear(&os->scratch);
	buf_add_slice(&os->scratch, error);
	buf_add_u8(&os->scratch, 0);
	if (!buf_ok(&os->scratch))
		return err_nomem(err);
	rr.error = error.n == 0 ? NULL : os->scratch.p;
	return os->fn(os->ctx, &ev, err);
}

static int
eval_subject(void *ctx, struct slice subject, struct err *err)
{
	struct outcomes *os = ctx;

	return worker_eval(os->wo, subject, 0, take, os, err);
}

/* Events that are about nobody known: the rule cannot be asked, so the engine answers. */
static int
take_nameless(void *ctx, const struct event *event, struct err *err)
{
	struct outcomes *os = ctx;
	struct rule_result rr = {.class = OUTCOME_UNKNOWN, .outcome = -1};
	struct eval_view ev = {.rule = os->rp->ru, .source = event->source, .id = event->id, .time = event->time, .result = &rr};
	char why[64 + LIMIT_KIND_BYTES];
	uint16_t layout = 0;

	/* It was accepted, so its layout is known. */
	while (
	    layout + 1u < names_layouts(os->names) && strcmp(names_layout_at(os->names, layout)->text, contract_layout(event->contract)->text) != 0)
		layout++;
	(void)snprintf(why, sizeof why, "%s has no identifier", os->rp->ru->role);
	rr.error = why;
	return plan_nameless(os->rp, layout, event) ? take(os, &ev, err) : 0;
}

/* Of the cache, what the live rules leave: at least an eighth. */
static size_t
left_of_cache(const struct node *no)
{
	size_t bytes = fold_cache_left(no->fold), held = fold_timeline_bytes(no->fold);

	return held + bytes / 8 < bytes ? bytes - held : bytes / 8;
}

/* A worker of its own over the same store, for a rule that need not be live. */
static int
eval_all(struct node *no, const struct rule *ru, struct slice rule_text, struct outcomes *os, struct err *err)
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
	env.cache_bytes = left_of_cache(no);
	env.stats = &stats;
	rc = worker_new(&os->wo, &env, err);
	if (rc == 0)
		rc = fold_each_subject(no->fold, pl->kinds[0].kind, eval_subject, os, err);
	os->rp = &pl->rules[0];
	os->names = fold_names(no->fold);
	if (rc == 0)
		rc = registrar_each_nameless(fold_registrar(no->fold), &arena, take_nameless, os, err);
	arena_free(&arena);
	worker_free(os->wo);
	plan_free(pl);
	return rc;
}

int
node_eval(struct node *no, const struct rule *ru, struct slice rule_text, int (*fn)(void *ctx, const struct eval_view *ev, struct err *err),
    void *ctx, struct err *err)
{
	struct outcomes os = {.ru = ru, .fn = fn, .ctx = ctx};
	int rc;

	if (node_settle(no, err) != 0)
		return -1;
	if (fold_ruleset(no->fold) == NULL)
		return 0;
	os.sorter = sorter_new(node_change_bytes(no));
	rc = os.sorter == NULL ? err_nomem(err) : eval_all(no, ru, rule_text, &os, err);
	if (rc == 0)
		rc = sorter_each(os.sorter, hand_over, &os, err);
	sorter_free(os.sorter);
	buf_free(&os.key);
	buf_free(&os.value);
	buf_free(&os.scratch);
	return rc;
}
