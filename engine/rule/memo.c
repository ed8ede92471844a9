#include "engine/rule/memo.h"

#include "state/base/arena.h"
#include "state/base/hash.h"
#include "state/base/limits.h"

#include <stdlib.h>

#define READS 64 /* one call's, kept apart; a rule that reads more is not kept */
#define NONE UINT32_MAX
#define TRIAL 4096 /* look-ups after which it is judged whether they pay */

/* A place in a rule's course: what it reads there, or its answer. */
struct node {
	bool reads; /* neither: a call came here without memory to keep what it did */
	struct memo_read read;
	uint32_t last; /* the step that was gone last from here, and NONE at first */
	const struct rule_result *answer;
};

/* The value found at a place leads to the next one. */
struct way {
	uint64_t hash; /* of from and value */
	uint32_t from, to;
	struct value value;
};

struct course {
	uint32_t root, nodes;
	uint32_t asked, found; /* of the trial under way */
	bool off;
};

struct memo {
	size_t n_rules;
	struct node *nodes;
	struct way *steps;
	uint32_t n_nodes, cap_nodes, n_steps, cap_steps;
	uint32_t *slots; /* step + 1, or 0 */
	uint32_t n_slots;
	struct arena arena; /* answers and texts */
	struct {
		struct memo_read read;
		struct value value;
	} noted[READS];
	unsigned n_noted;
	bool noting;
	bool waste; /* some is held of rules that are off */
	struct course courses[];
};

struct memo *
memo_new(size_t rules)
{
	struct memo *me = calloc(1, sizeof *me + rules * sizeof *me->courses);

	if (me == NULL)
		return NULL;
	me->n_rules = rules;
	for (size_t i = 0; i < rules; i++)
		me->courses[i].root = NONE;
	return me;
}

void
memo_free(struct memo *me)
{
	if (me == NULL)
		return;
	free(me->nodes);
	free(me->steps);
	free(me->slots);
	arena_free(&me->arena);
	free(me);
}

struct value
memo_read_value(const struct rule_input *in, struct memo_read re)
{
	if (re.feature)
		return in->feature(in->ctx, (unsigned)re.at, re.attr);
	switch (re.at) {
	case READ_TYPE:
		return (struct value){.kind = VALUE_STRING, .s = in->type};
	case READ_SOURCE:
		return (struct value){.kind = VALUE_STRING, .s = in->source};
	case READ_ID:
		return (struct value){.kind = VALUE_STRING, .s = in->id};
	case READ_TIME:
		return (struct value){.kind = VALUE_INTEGER, .i = in->time.sec};
	default:
		return in->field(in->ctx, (unsigned)re.at);
	}
}

/* What of a value makes the difference, beside its kind. */
static struct slice
content(const struct value *v)
{
	switch (v->kind) {
	case VALUE_STRING:
		return v->s;
	case VALUE_INSTANT:
		return slice_of((const char *)&v->t.sec, sizeof v->t.sec); /* a rule sees seconds */
	case VALUE_NUMBER:
		return slice_of((const char *)&v->d, sizeof v->d);
	case VALUE_INTEGER:
	case VALUE_BOOLEAN:
	case VALUE_DECIMAL:
		return slice_of((const char *)&v->i, sizeof v->i);
	case VALUE_NONE:
		break;
	}
	return slice_of("", 0);
}

static bool
same_value(const struct value *a, const struct value *b)
{
	return a->kind == b->kind && (a->kind != VALUE_DECIMAL || a->scale == b->scale) && slice_eq(content(a), content(b));
}

static uint64_t
hash_of(uint32_t from, const struct value *v)
{
	return hash64_seeded(content(v), (uint64_t)from << 8 | (uint64_t)v->kind);
}

static uint32_t
follow(const struct memo *me, uint32_t from, const struct value *v)
{
	uint32_t last = me->nodes[from].last;
	uint64_t hash;

	if (last == NONE)
		return NONE;
	if (same_value(&me->steps[last].value, v))
		return me->steps[last].to;
	hash = hash_of(from, v);
	for (uint32_t i = (uint32_t)hash & (me->n_slots - 1); me->slots[i] != 0; i = (i + 1) & (me->n_slots - 1)) {
		const struct way *st = &me->steps[me->slots[i] - 1];

		if (st->hash == hash && st->from == from && same_value(&st->value, v)) {
			me->nodes[from].last = me->slots[i] - 1;
			return st->to;
		}
	}
	return NONE;
}

static void
turn_off(struct memo *me, struct course *co)
{
	co->off = true;
	me->waste = true;
}

/* A rule whose answers are mostly new is not worth the look. */
static void
judge_trial(struct memo *me, struct course *co)
{
	if (co->asked < TRIAL)
		return;
	if (co->found < TRIAL / 2)
		turn_off(me, co);
	co->asked = co->found = 0;
}

int
memo_find(struct memo *me, size_t rule, const struct rule_input *in, struct rule_result *ret)
{
	struct course *co = &me->courses[rule];
	uint32_t at = co->root;

	if (co->off || at == NONE)
		return 0;
	judge_trial(me, co);
	co->asked++;
	while (at != NONE && me->nodes[at].reads) {
		struct value v = memo_read_value(in, me->nodes[at].read);

		at = follow(me, at, &v);
	}
	if (at == NONE || me->nodes[at].answer == NULL)
		return 0;
	co->found++;
	ret->class = me->nodes[at].answer->class;
	ret->outcome = me->nodes[at].answer->outcome;
	ret->error = NULL;
	ret->n_values = me->nodes[at].answer->n_values;
	memcpy(ret->values, me->nodes[at].answer->values, ret->n_values * sizeof *ret->values);
	return 1;
}

void
memo_begin(struct memo *me, size_t rule)
{
	me->n_noted = 0;
	me->noting = !me->courses[rule].off;
}

void
memo_give_up(struct memo *me)
{
	me->noting = false;
}

static bool
same_read(struct memo_read a, struct memo_read b)
{
	return a.feature == b.feature && a.at == b.at && (!a.feature || a.attr == b.attr);
}

void
memo_note(struct memo *me, struct memo_read re, const struct value *v)
{
	if (!me->noting)
		return;
	for (unsigned i = 0; i < me->n_noted; i++)
		if (same_read(me->noted[i].read, re)) {
			if (!same_value(&me->noted[i].value, v))
				memo_give_up(me); /* one of the reads had no memory */
			return;
		}
	if (me->n_noted == READS) {
		memo_give_up(me);
		return;
	}
	me->noted[me->n_noted].read = re;
	me->noted[me->n_noted++].value = *v;
}

static bool
is_full(const struct memo *me)
{
	return me->n_nodes == LIMIT_MEMO_NODES || me->arena.bytes > LIMIT_MEMO_BYTES;
}

static bool
has_room(const struct memo *me, const struct course *co)
{
	return co->nodes < LIMIT_MEMO_RULE_NODES && !is_full(me);
}

/* Begins anew with the rules that are not off: what the others filled is not missing to them. At most once for each that is turned
 * off. */
static void
forget(struct memo *me)
{
	me->n_nodes = me->n_steps = 0;
	if (me->n_slots > 0)
		memset(me->slots, 0, me->n_slots * sizeof *me->slots);
	arena_reset(&me->arena);
	for (size_t i = 0; i < me->n_rules; i++)
		me->courses[i] = (struct course){.root = NONE, .off = me->courses[i].off};
	me->waste = false;
}

static uint32_t
add_node(struct memo *me, struct course *co)
{
	if (!has_room(me, co))
		return NONE;
	if (me->n_nodes == me->cap_nodes) {
		uint32_t cap = me->cap_nodes == 0 ? 64 : me->cap_nodes * 2;
		struct node *v = realloc(me->nodes, cap * sizeof *v);

		if (v == NULL)
			return NONE;
		me->nodes = v;
		me->cap_nodes = cap;
	}
	me->nodes[me->n_nodes] = (struct node){.last = NONE};
	co->nodes++;
	return me->n_nodes++;
}

static void
place(struct memo *me, uint32_t step)
{
	uint32_t i = (uint32_t)me->steps[step].hash & (me->n_slots - 1);

	while (me->slots[i] != 0)
		i = (i + 1) & (me->n_slots - 1);
	me->slots[i] = step + 1;
}

static int
grow_steps(struct memo *me)
{
	if (me->n_steps == me->cap_steps) {
		uint32_t cap = me->cap_steps == 0 ? 64 : me->cap_steps * 2;
		struct way *v = realloc(me->steps, cap * sizeof *v);

		if (v == NULL)
			return -1;
		me->steps = v;
		me->cap_steps = cap;
	}
	if (me->n_slots < 2 * (me->n_steps + 1)) {
		uint32_t n = me->n_slots == 0 ? 256 : me->n_slots * 2;
		uint32_t *slots = calloc(n, sizeof *slots);

		if (slots == NULL)
			return -1;
		free(me->slots);
		me->slots = slots;
		me->n_slots = n;
		for (uint32_t i = 0; i < me->n_steps; i++)
			place(me, i);
	}
	return 0;
}

/* The place behind `from` for a value, made if it is not there. */
static uint32_t
step_to(struct memo *me, struct course *co, uint32_t from, const struct value *v)
{
	uint32_t to = follow(me, from, v);
	struct value copy = *v;

	/* Before the text is copied: the arena gives nothing back. */
	if (to != NONE || !has_room(me, co) || grow_steps(me) != 0)
		return to;
	if (v->kind == VALUE_STRING) {
		copy.s = arena_copy(&me->arena, v->s);
		if (copy.s.p == NULL)
			return NONE;
	}
	to = add_node(me, co);
	if (to == NONE)
		return NONE;
	me->steps[me->n_steps] = (struct way){.hash = hash_of(from, v), .from = from, .to = to, .value = copy};
	place(me, me->n_steps);
	me->nodes[from].last = me->n_steps++;
	return to;
}

static const struct rule_result *
copy_answer(struct memo *me, const struct rule_result *answer)
{
	struct rule_result *re = arena_alloc(&me->arena, offsetof(struct rule_result, values) + answer->n_values * sizeof *re->values);

	if (re == NULL)
		return NULL;
	memcpy(re, answer, offsetof(struct rule_result, values) + answer->n_values * sizeof *re->values);
	for (unsigned i = 0; i < re->n_values; i++) {
		struct rule_value *rv = &re->values[i];

		rv->name = arena_copy(&me->arena, rv->name);
		if (rv->value.kind == VALUE_STRING)
			rv->value.s = arena_copy(&me->arena, rv->value.s);
		if (rv->name.p == NULL || (rv->value.kind == VALUE_STRING && rv->value.s.p == NULL))
			return NULL;
	}
	return re;
}

void
memo_keep(struct memo *me, size_t rule, const struct rule_result *answer)
{
	struct course *co = &me->courses[rule];
	uint32_t at;

	if (!me->noting || answer->class == OUTCOME_ERROR)
		return;
	me->noting = false;
	if (me->waste && is_full(me))
		forget(me);
	if (co->root == NONE)
		co->root = add_node(me, co);
	at = co->root;
	for (unsigned i = 0; i < me->n_noted && at != NONE; i++) {
		struct node *no = &me->nodes[at];

		if (no->answer != NULL || (no->reads && !same_read(no->read, me->noted[i].read)))
			goto strange;
		no->reads = true;
		no->read = me->noted[i].read;
		at = step_to(me, co, at, &me->noted[i].value);
	}
	if (at == NONE)
		return;
	if (me->nodes[at].reads || me->nodes[at].answer != NULL)
		goto strange;
	me->nodes[at].answer = copy_answer(me, answer);
	return;
strange: /* no rule should come here: what it reads does not follow from what it found */
	turn_off(me, co);
}
