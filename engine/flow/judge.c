#include "engine/flow/judge.h"

#include "state/base/hash.h"
#include "state/base/stages.h"

#include <stdlib.h>

static struct window_view
view(const struct judge *ju, unsigned feature)
{
	return (struct window_view){&ju->su->tl, &ju->rp->features[feature], ju->rp->binds[feature]};
}

int
judge_begin(
    struct judge *ju, struct subject *su, unsigned rule_slot, const struct names *na, struct rule_vm *vm, struct cursor *scratch, struct small *small)
{
	struct cursor *own = subject_rule(su, rule_slot)->cursors;

	ju->su = su;
	ju->rp = su->kind->rules[rule_slot];
	ju->names = na;
	ju->vm = vm;
	ju->failed = false;
	if (su->tl.n > SMALL_TIMELINE && own == NULL && ju->rp->n_features > 0) {
		struct rule_state *rs = subject_own_rule(su, rule_slot);

		if (rs == NULL)
			return -1;
		own = rs->cursors = calloc(ju->rp->n_features, sizeof *rs->cursors);
		if (own == NULL)
			return -1;
	}
	ju->small = small;
	ju->cursors = own != NULL ? own : scratch;
	memset(ju->stale, own == NULL, sizeof ju->stale);
	return 0;
}

bool
judge_is_trigger(const struct judge *ju, uint32_t i)
{
	const struct entry *en = &ju->su->tl.v[i];
	const struct trigger_bind *tb = &ju->rp->triggers[en->layout];

	return tb->on && tb->role == en->role;
}

void
judge_at(struct judge *ju, uint32_t i)
{
	const struct timeline *tl = &ju->su->tl;

	ju->index = ju->first = i;
	ju->end = i + 1;
	while (ju->first > 0 && timeline_same_event(tl, ju->first - 1, i))
		ju->first--;
	while (ju->end < tl->n && timeline_same_event(tl, ju->end, i))
		ju->end++;
	memset(ju->sought, 0, sizeof ju->sought);
}

/* The first entry of the window of a trigger at time t. */
static uint32_t
window_start(const struct timeline *tl, const struct feature_spec *spec, struct instant t)
{
	switch (spec->window) {
	case WINDOW_ALL:
		return 0;
	case WINDOW_SPAN:
		return timeline_find_time(tl, instant_plus(t, -spec->window_seconds));
	case WINDOW_JALALI_YEAR:
		return timeline_find_time(tl, jalali_year_start(t));
	case WINDOW_JALALI_MONTH:
		return timeline_find_time(tl, jalali_month_start(t));
	}
	return 0;
}

/* Moves a feature's cursor to the trigger, once. */
static bool
seek(struct judge *ju, unsigned feature)
{
	const struct timeline *tl = &ju->su->tl;
	const struct feature_spec *spec = ju->rp->features[feature].spec;
	struct window_view vi = view(ju, feature);
	struct cursor *cu = &ju->cursors[feature];
	enum stage stage;
	int rc;

	if (ju->sought[feature])
		return true;
	stage = stage_enter(STAGE_FEATURES);
	if (ju->stale[feature]) {
		if (spec->op == OP_ACTIVE)
			active_clear(&cu->ac);
		else
			window_clear(&cu->wi);
		ju->stale[feature] = false;
	}
	if (spec->op == OP_ACTIVE)
		rc = active_seek(&cu->ac, &vi, ju->first);
	else
		rc = window_seek(&cu->wi, &vi, window_start(tl, spec, entry_time(&tl->v[ju->index])), ju->end);
	stage_leave(stage);
	ju->failed = ju->failed || rc != 0;
	ju->sought[feature] = rc == 0;
	return rc == 0;
}

static struct slice
trigger_kept(const struct judge *ju)
{
	return entry_kept(&ju->su->tl, &ju->su->tl.v[ju->index]);
}

/* The trigger's own group of a feature with `by`, encoded; empty if it has none, as all is that no layout has. */
static struct slice
own_group(const struct judge *ju, unsigned feature)
{
	int by = ju->rp->binds[feature][ju->su->tl.v[ju->index].layout].by;

	return kept_bytes(trigger_kept(ju), (unsigned)by);
}

static struct value
get_field(void *ctx, unsigned field)
{
	const struct judge *ju = ctx;

	return kept_value(trigger_kept(ju), (unsigned)ju->rp->triggers[ju->su->tl.v[ju->index].layout].fields[field]);
}

/* What the feature takes of a small timeline; NULL: the timeline is not small, or more is asked for than that can tell. */
static const struct small *
small_of(const struct judge *ju, unsigned feature)
{
	struct window_view vi = view(ju, feature);
	int alike = ju->rp->alike[feature];

	if (alike < 0 || vi.tl->n > SMALL_TIMELINE)
		return NULL;
	small_find(&ju->small[alike], &vi, ju->su->serial);
	return &ju->small[alike];
}

static struct value
get_feature(void *ctx, unsigned feature, enum feature_attr attr)
{
	struct judge *ju = ctx;
	struct window_view vi = view(ju, feature);
	struct cursor *cu = &ju->cursors[feature];
	const struct small *sm = attr == ATTR_N || attr == ATTR_CONTESTED ? small_of(ju, feature) : NULL;
	uint32_t n;

	if (sm != NULL) {
		const struct feature_spec *spec = vi.plan->spec;
		uint32_t lo = window_start(vi.tl, spec, entry_time(&vi.tl->v[ju->index]));

		if (attr == ATTR_N)
			return (struct value){.kind = VALUE_INTEGER, .i = small_count(sm, spec, lo, ju->end)};
		return (struct value){.kind = VALUE_BOOLEAN, .i = small_contested(sm, lo, ju->end)};
	}
	if (!seek(ju, feature))
		return (struct value){.kind = VALUE_NONE};
	if (vi.plan->spec->op != OP_ACTIVE) {
		struct value v = window_read(&cu->wi, &vi, attr, own_group(ju, feature));

		ju->failed = ju->failed || cu->wi.failed;
		return v;
	}
	n = active_list(&cu->ac, &vi, entry_time(&vi.tl->v[ju->index]));
	/* The loader lets rules read these two alone. */
	return attr == ATTR_N ? (struct value){.kind = VALUE_INTEGER, .i = n} : (struct value){.kind = VALUE_BOOLEAN, .i = cu->ac.contested};
}

static unsigned
get_items(void *ctx, unsigned feature)
{
	struct judge *ju = ctx;
	struct window_view vi = view(ju, feature);

	if (!seek(ju, feature) || vi.plan->spec->op != OP_ACTIVE)
		return 0;
	return active_list(&ju->cursors[feature].ac, &vi, entry_time(&vi.tl->v[ju->index]));
}

static struct value
get_item(void *ctx, unsigned feature, unsigned item, struct slice field)
{
	struct judge *ju = ctx;
	struct window_view vi = view(ju, feature);
	const struct active *ac = &ju->cursors[feature].ac;
	const struct entry *en;

	if (item >= get_items(ctx, feature))
		return (struct value){.kind = VALUE_NONE};
	if (slice_eq_str(field, "key"))
		return value_decode(active_key(ac, item));
	if (slice_eq_str(field, "contested"))
		return (struct value){.kind = VALUE_BOOLEAN, .i = active_contested(ac, &vi, item)};
	en = &vi.tl->v[active_opening(ac, item)];
	return kept_value(entry_kept(vi.tl, en), (unsigned)layout_field_index(names_layout_at(ju->names, en->layout), field));
}

int
judge_eval(struct judge *ju)
{
	const struct timeline *tl = &ju->su->tl;
	const struct entry *en = &tl->v[ju->index];
	struct rule_input in = {.ctx = ju,
	    .field = get_field,
	    .feature = get_feature,
	    .items = get_items,
	    .item = get_item,
	    .type = slice_str(names_layout_at(ju->names, en->layout)->type),
	    .source = names_text(ju->names, en->source),
	    .id = entry_id(tl, en),
	    .time = entry_time(en)};
	enum stage stage;

	stage = stage_enter(STAGE_LUA);
	if (rule_vm_eval(ju->vm, ju->rp->index, &in, &ju->result) != 0)
		ju->failed = true;
	stage_leave(stage);
	return ju->failed ? -1 : 0;
}

void
judge_group(const struct rule_plan *rp, uint16_t layout, struct slice kept, struct buf *ret)
{
	buf_clear(ret);
	for (unsigned i = 0; i < rp->ru->n_episode; i++) {
		struct slice bytes = kept_bytes(kept, (unsigned)rp->triggers[layout].fields[rp->ru->episode[i]]);

		/* A missing value and an empty text are one episode: they read the same. */
		buf_add_blob(ret, bytes.n == 1 && bytes.p[0] == VALUE_STRING ? slice_of("", 0) : bytes);
	}
}

static void
add_value(struct buf *ret, struct buf *scratch, struct slice name, const struct value *v)
{
	buf_add_blob(ret, name);
	buf_clear(scratch);
	value_encode(scratch, v);
	buf_add_blob(ret, buf_slice(scratch));
	if (!buf_ok(scratch))
		ret->bad = true;
}

/* Two recipients may be found by one field: it is handed over once. */
static bool
delivered(const struct rule *ru, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (strcmp(ru->deliver[k].field, ru->deliver[i].field) == 0)
			return true;
	return false;
}

void
judge_values(const struct judge *ju, struct buf *ret)
{
	const struct rule *ru = ju->rp->ru;
	struct buf scratch = {0};

	buf_clear(ret);
	for (unsigned i = 0; i < ju->result.n_values; i++)
		add_value(ret, &scratch, ju->result.values[i].name, &ju->result.values[i].value);
	for (unsigned i = 0; i < ru->n_deliver; i++) {
		const struct trigger_bind *tb = &ju->rp->triggers[ju->su->tl.v[ju->index].layout];
		char name[128] = {1};
		size_t n = strlen(ru->deliver[i].field);

		for (unsigned f = 0; f < ru->n_fields && n + 1 < sizeof name && !delivered(ru, i); f++) {
			struct value v;

			if (strcmp(ru->fields[f], ru->deliver[i].field) != 0 || tb->fields[f] < 0)
				continue;
			memcpy(name + 1, ru->deliver[i].field, n);
			v = kept_value(trigger_kept(ju), (unsigned)tb->fields[f]);
			add_value(ret, &scratch, slice_of(name, n + 1), &v);
			break;
		}
	}
	buf_free(&scratch);
}

/* Evidence of one feature: entry indexes, newest first. */
struct pick {
	uint32_t *v;
	uint32_t n, max;
};

/* Whether an entry that was picked has the value; hashes: of their values. */
static bool
picked_value(const struct judge *ju, unsigned feature, const struct pick *pi, const uint64_t *hashes, struct slice value, uint64_t hash)
{
	const struct timeline *tl = &ju->su->tl;

	for (uint32_t i = 0; i < pi->n; i++) {
		const struct entry *en = &tl->v[pi->v[i]];

		if (hashes[i] == hash && slice_eq(kept_bytes(entry_kept(tl, en), (unsigned)ju->rp->binds[feature][en->layout].of), value))
			return true;
	}
	return false;
}

/* Walks back through the window. Stops at the cap, or goes on to the window's start to count when `all` (then max is large). */
static int
pick_window(const struct judge *ju, unsigned feature, struct pick *pi)
{
	const struct timeline *tl = &ju->su->tl;
	const struct feature_spec *spec = ju->rp->features[feature].spec;
	uint32_t lo = window_start(tl, spec, entry_time(&tl->v[ju->index]));
	struct slice mine = own_group(ju, feature);
	struct bag seen = {0}; /* of a long walk; a short one compares with what it picked */
	const struct small *sm = small_of(ju, feature);
	uint64_t hashes[LIMIT_EVIDENCE];
	uint32_t values = 0;
	int rc = 0;

	for (uint32_t i = ju->end; sm != NULL && i-- > lo && pi->n < pi->max;) {
		uint32_t value = spec->op == OP_DISTINCT ? (uint32_t)1 << sm->value[i] : 0;

		if ((sm->taken >> i & 1) == 0 || (values & value) != 0)
			continue;
		values |= value;
		pi->v[pi->n++] = i;
	}
	if (sm != NULL)
		return 0;
	for (uint32_t i = ju->end; i-- > lo && pi->n < pi->max;) {
		const struct entry *en = &tl->v[i];
		const struct feature_bind *fb = &ju->rp->binds[feature][en->layout];
		struct slice kept = entry_kept(tl, en);

		if (!feature_takes(&ju->rp->features[feature], fb, en->role, kept))
			continue;
		if (spec->by != NULL && (mine.n == 0 || !slice_eq(kept_bytes(kept, (unsigned)fb->by), mine)))
			continue;
		if (spec->op == OP_DISTINCT && pi->max > LIMIT_EVIDENCE) {
			uint32_t number = bag_number(&seen, kept_bytes(kept, (unsigned)fb->of));

			if (number == UINT32_MAX) {
				rc = -1;
				break;
			}
			if (bag_inc(&seen, number) > 1)
				continue;
		} else if (spec->op == OP_DISTINCT) {
			struct slice value = kept_bytes(kept, (unsigned)fb->of);
			uint64_t hash = hash64(value);

			if (picked_value(ju, feature, pi, hashes, value, hash))
				continue;
			hashes[pi->n] = hash;
		}
		pi->v[pi->n++] = i;
	}
	bag_free(&seen);
	return rc;
}

static int
newest_first(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y) - (x > y);
}

static int
pick_active(struct judge *ju, unsigned feature, struct pick *pi)
{
	struct window_view vi = view(ju, feature);
	uint32_t n, *all;

	if (!seek(ju, feature))
		return -1;
	n = active_list(&ju->cursors[feature].ac, &vi, entry_time(&vi.tl->v[ju->index]));
	all = malloc((n + 1) * sizeof *all);
	if (all == NULL)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		all[i] = active_opening(&ju->cursors[feature].ac, i);
	qsort(all, n, sizeof *all, newest_first);
	for (uint32_t i = 0; i < n && pi->n < pi->max; i++)
		pi->v[pi->n++] = all[i];
	free(all);
	return 0;
}

/* One event counts once, however many of its entries were picked. */
static uint32_t
unite(const struct timeline *tl, uint32_t *v, uint32_t n)
{
	uint32_t keep = 0;
	bool sorted = true; /* as what one feature picked is */

	for (uint32_t i = 1; i < n; i++)
		sorted = sorted && v[i - 1] > v[i];
	if (!sorted)
		qsort(v, n, sizeof *v, newest_first);
	for (uint32_t i = 0; i < n; i++)
		if (keep == 0 || (v[keep - 1] != v[i] && !timeline_same_event(tl, v[keep - 1], v[i])))
			v[keep++] = v[i];
	return keep;
}

/* How many events all features would hand over without their caps. */
static int
count_all(struct judge *ju, uint64_t *ret)
{
	uint32_t *v = NULL, n = 0, cap = 0;

	for (unsigned f = 0; f < ju->rp->n_features; f++) {
		struct pick pi;
		uint32_t more = ju->end;
		uint32_t *p;

		if (ju->rp->features[f].spec->evidence == 0)
			continue;
		p = realloc(v, (size_t)(cap + more + 1) * sizeof *v);
		if (p == NULL) {
			free(v);
			return -1;
		}
		v = p;
		cap += more;
		pi = (struct pick){v + n, 0, more};
		if ((ju->rp->features[f].spec->op != OP_ACTIVE ? pick_window(ju, f, &pi) : pick_active(ju, f, &pi)) != 0) {
			free(v);
			return -1;
		}
		n += pi.n;
	}
	*ret = v == NULL ? 0 : unite(&ju->su->tl, v, n);
	free(v);
	return 0;
}

/* With one feature that names its role, an entry is an event, and the window knows how many it counted. */
static int
count_one(struct judge *ju, unsigned feature, uint64_t *ret)
{
	const struct feature_spec *spec = ju->rp->features[feature].spec;
	struct value v;

	if (spec->role == NULL || (spec->op != OP_COUNT && spec->op != OP_DISTINCT))
		return count_all(ju, ret);
	v = get_feature(ju, feature, spec->by == NULL ? ATTR_N : ATTR_MINE);
	*ret = (uint64_t)v.i;
	return ju->failed ? -1 : 0;
}

int
judge_evidence(struct judge *ju, struct evidence *ret)
{
	ret->n = 0;
	ret->capped = false;
	for (unsigned f = 0; f < ju->rp->n_features; f++) {
		unsigned max = ju->rp->features[f].spec->evidence;
		struct pick pi = {ret->index + ret->n, 0, max < LIMIT_EVIDENCE ? max : LIMIT_EVIDENCE};

		if (max == 0)
			continue;
		if ((ju->rp->features[f].spec->op != OP_ACTIVE ? pick_window(ju, f, &pi) : pick_active(ju, f, &pi)) != 0)
			return -1;
		ret->capped = ret->capped || pi.n == pi.max;
		ret->n += pi.n;
	}
	if (ret->n > 0)
		ret->n = unite(&ju->su->tl, ret->index, ret->n);
	ret->total = ret->n;
	return 0;
}

int
judge_total(struct judge *ju, struct evidence *ev)
{
	unsigned features = 0, last = 0;

	if (!ev->capped)
		return 0;
	for (unsigned f = 0; f < ju->rp->n_features; f++)
		if (ju->rp->features[f].spec->evidence > 0) {
			features++;
			last = f;
		}
	return features == 1 ? count_one(ju, last, &ev->total) : count_all(ju, &ev->total);
}

bool
judge_contested(const struct judge *ju, const struct evidence *ev)
{
	const struct timeline *tl = &ju->su->tl;

	for (uint32_t i = 0; i < ev->n; i++)
		if (tl->v[ev->index[i]].flags & ENTRY_CONTESTED)
			return true;
	return (tl->v[ju->index].flags & ENTRY_CONTESTED) != 0;
}

uint64_t
judge_signature(const struct judge *ju, const struct hit *hi, struct slice values, const struct evidence *ev)
{
	const struct timeline *tl = &ju->su->tl;
	uint64_t h = hash64(hit_code(hi));

	h = hash64_seeded(values, h ^ hi->level);
	h = hash64_seeded(slice_str(judge_contested(ju, ev) ? "contested" : ""), h ^ (uint64_t)hi->time.sec ^ (uint64_t)hi->time.nsec << 32);
	for (uint32_t i = 0; i < ev->n; i++) {
		const struct entry *en = &tl->v[ev->index[i]];
		uint64_t head[3] = {(uint64_t)en->sec, (uint64_t)en->nsec << 32 | en->source, (uint64_t)en->layout << 8 | en->flags};

		h = hash64_seeded(slice_of((const char *)head, sizeof head), h);
		h = hash64_seeded(slice_of(tl->bytes + en->at, (size_t)en->id_len + en->kept_len), h);
	}
	return h;
}

int
judge_rewind(struct subject *su, uint32_t first)
{
	for (unsigned r = 0; su->own != NULL && r < su->kind->n; r++) {
		const struct rule_plan *rp = su->kind->rules[r];

		for (unsigned f = 0; su->own[r].cursors != NULL && f < rp->n_features; f++) {
			struct window_view vi = {&su->tl, &rp->features[f], rp->binds[f]};
			struct cursor *cu = &su->own[r].cursors[f];

			if (rp->features[f].spec->op == OP_ACTIVE)
				active_rewind(&cu->ac, first);
			else if (window_rewind(&cu->wi, &vi, first) != 0)
				return -1;
		}
	}
	return 0;
}
