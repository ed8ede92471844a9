/* Intake: what comes in is parsed, checked against the input's grant and the clock, and put into the batch that gathers, as an
 * event or with the reason why it is none. */
#include "engine/flow/node_private.h"

#define MAX_FUTURE 300     /* seconds */
#define STREAM_NAMES 10000 /* of LIMIT_NAMES kept free for input streams */

/* "a*" grants whatever begins with "a"; "a" without the star itself alone, or with `prefix` also what is below it: "a/b", but not
 * "ab". */
static bool
grants(const char *item, struct slice text, bool prefix)
{
	size_t n = strlen(item);

	if (n > 0 && item[n - 1] == '*')
		return text.n >= n - 1 && memcmp(text.p, item, n - 1) == 0;
	if (text.n < n || memcmp(text.p, item, n) != 0)
		return false;
	return text.n == n || (prefix && n > 0 && (item[n - 1] == '/' || text.p[n] == '/'));
}

static bool
granted(const char *const *list, size_t n, struct slice text, bool prefix)
{
	for (size_t i = 0; i < n; i++)
		if (grants(list[i], text, prefix))
			return true;
	return false;
}

/* Its p is NULL when memory is exhausted. */
static struct slice
detail(struct node *no, const char *fmt, struct slice what)
{
	struct buf b = {0};
	struct slice ret;

	buf_printf(&b, fmt, SLICE_ARG(what));
	ret = buf_ok(&b) ? arena_copy(&no->batch.arena, buf_slice(&b)) : slice_of(NULL, 0);
	buf_free(&b);
	return ret;
}

static enum event_fault
check_grant(struct node *no, const struct grant *gr, const struct event *ev, struct slice *ret_detail)
{
	if (gr == NULL)
		return FAULT_NONE;
	if (!granted(gr->sources, gr->n_sources, ev->source, true))
		*ret_detail = detail(
		    no, "source: this input may not bring %.*s; grant it in the configuration (inboxes: sources) or send it elsewhere", ev->source);
	else if (!granted(gr->types, gr->n_types, slice_str(contract_layout(ev->contract)->type), false))
		*ret_detail = detail(no, "type: this input may not bring %.*s; grant it in the configuration (inboxes: types) or send it elsewhere",
		    slice_str(contract_layout(ev->contract)->type));
	else if (ev->retracts && !gr->corrections && !slice_eq(ev->source, ev->target_source))
		*ret_detail = detail(no, "data: what %.*s said is taken back by itself, or by an input with corrections: true", ev->target_source);
	else
		return FAULT_NONE;
	return FAULT_NOT_ALLOWED;
}

static enum event_fault
check_time(struct node *no, const struct event *ev, struct slice *ret_detail)
{
	int64_t max = no->opt.max_future == 0 ? MAX_FUTURE : no->opt.max_future;

	if (max < 0 || instant_cmp(ev->time, instant_plus(no->batch.clock, max)) <= 0)
		return FAULT_NONE;
	/* The batch may have begun a while ago. */
	no->batch.clock = node_clock(no);
	if (instant_cmp(ev->time, instant_plus(no->batch.clock, max)) <= 0)
		return FAULT_NONE;
	*ret_detail = slice_str("time: ahead of this machine's clock; set the clock right, or replay it when its time has come");
	return FAULT_FUTURE_TIME;
}

/* Every source has a number for ever; so their count has a maximum, and some numbers stay free for the names of inputs. */
static enum event_fault
check_names(struct node *no, const struct event *ev, struct slice *ret_detail)
{
	struct names *na = fold_names(no->fold);
	uint32_t name;

	if (names_count(na) + 2 * (no->batch.n + 1) + STREAM_NAMES < LIMIT_NAMES)
		return FAULT_NONE;
	if (names_find(na, ev->source, &name) && (!ev->retracts || names_find(na, ev->target_source, &name)))
		return FAULT_NONE;
	*ret_detail = slice_str("source: this store has seen as many distinct sources as it can tell apart; a source names an office, not an event");
	return FAULT_LIMIT;
}

static enum event_fault
check(struct node *no, const struct grant *gr, const struct event *ev, struct slice *ret_detail)
{
	enum event_fault fault = check_grant(no, gr, ev, ret_detail);

	if (fault == FAULT_NONE)
		fault = check_time(no, ev, ret_detail);
	return fault != FAULT_NONE ? fault : check_names(no, ev, ret_detail);
}

static int
begin(struct node *no, const struct position *pos, uint32_t *ret_stream, struct err *err)
{
	const struct names *na = fold_names(no->fold);
	uint32_t name;

	if (node_writable(no, err) != 0)
		return -1;
	if (fold_ruleset(no->fold) == NULL)
		return err_set(err, ERR_USAGE, "no rule set is live: put one live before the first event");
	/* Before the journal has it: a record that cannot be folded would never let the store open again. */
	if (names_count(na) + 2 * (no->batch.n + 1) + no->batch.n_streams >= LIMIT_NAMES && !names_find(na, pos->stream, &name))
		return err_set(err, ERR_LIMIT, "%s has seen %zu sources and input streams, as many as it can tell apart: begin a new store", no->dir,
		    names_count(na));
	if (no->batch.n == 0)
		no->batch.clock = node_clock(no);
	return batch_stream(&no->batch, pos->stream, ret_stream, err);
}

static int
end(struct node *no, const struct batch_item *it, struct err *err)
{
	uint64_t max = no->opt.batch_events == 0 || no->opt.batch_events > no->batch_most ? no->batch_most : no->opt.batch_events;

	if (batch_add(&no->batch, it, err) != 0)
		return -1;
	return no->batch.n >= max || no->batch.bytes.n >= LIMIT_BATCH_BYTES ? node_commit(no, err) : 0;
}

int
node_add(struct node *no, struct slice raw, const struct position *pos, const struct grant *grant, struct err *err)
{
	struct batch_item it = {.raw = raw, .full_bytes = raw.n, .number = pos->number};

	if (begin(no, pos, &it.stream, err) != 0)
		return -1;
	it.fault = event_parse(fold_parser(no->fold), raw, &no->batch.arena, &it.ev, &it.detail);
	if (it.fault == FAULT_NONE) {
		it.fault = check(no, grant, &it.ev, &it.detail);
		if (it.fault != FAULT_NONE && it.detail.p == NULL)
			return err_nomem(err);
	}
	if (event_starved(it.fault, it.detail))
		return err_nomem(err);
	if (it.raw.n > LIMIT_QUARANTINE_BYTES)
		it.raw.n = LIMIT_QUARANTINE_BYTES;
	return end(no, &it, err);
}

int
node_add_fault(
    struct node *no, enum event_fault fault, struct slice text, struct slice raw, uint64_t full_bytes, const struct position *pos, struct err *err)
{
	struct batch_item it = {.fault = fault, .raw = raw, .full_bytes = full_bytes, .number = pos->number};

	if (begin(no, pos, &it.stream, err) != 0)
		return -1;
	it.detail = arena_copy(&no->batch.arena, text);
	if (it.detail.p == NULL)
		return err_nomem(err);
	if (it.raw.n > LIMIT_QUARANTINE_BYTES)
		it.raw.n = LIMIT_QUARANTINE_BYTES;
	return end(no, &it, err);
}
