#include "engine/rule/load.h"

#include <stdlib.h>

static const char *const op_names[] = {"count", "distinct", "sum", "min", "max", "first", "last", "active"};

void
load_types(struct load *ld, const struct tree *tr, struct feature_types *ret)
{
	const struct tree *items[LIMIT_RULE_TYPES];
	unsigned n = load_strings(ld, tr, "event types", LIMIT_RULE_TYPES, items);

	if (n == 0 && tr->kind == TREE_TABLE && tr->n_list == 0)
		fault_at(ld, tr, "%.*s names no event type", SLICE_ARG(tr->key));
	for (unsigned i = 0; i < n; i++)
		ret->v[ret->n++] = load_copy(ld, items[i]->s);
}

static void
take_types(struct load *ld, const struct tree *tr, const char *key, bool required, struct feature_types *ret)
{
	const struct tree *child = load_child(ld, tr, key, required, "a list of event types");

	if (child != NULL)
		load_types(ld, child, ret);
}

static void
take_name(struct load *ld, const struct tree *tr, const char *key, bool required, const char *why, char **ret)
{
	const struct tree *child = load_text(ld, tr, key, required, why);

	if (child != NULL)
		*ret = load_copy(ld, child->s);
}

/* `within`: a duration parameter, a duration, or a calendar window. */
static void
load_window(struct load *ld, const struct tree *tr, struct feature_spec *fs)
{
	const struct tree *within = load_text(ld, tr, "within", false, NULL);
	const char *names[LIMIT_RULE_PARAMS + 2];
	const struct rule_param *pm;
	size_t n = 0;

	fs->window = WINDOW_ALL;
	if (within == NULL)
		return;
	if (slice_eq_str(within->s, "jalali_year")) {
		fs->window = WINDOW_JALALI_YEAR;
		return;
	}
	if (slice_eq_str(within->s, "jalali_month")) {
		fs->window = WINDOW_JALALI_MONTH;
		return;
	}
	fs->window = WINDOW_SPAN;
	if (duration_parse(within->s, &fs->window_seconds))
		return;
	pm = rule_param_find(ld->ru, within->s);
	if (pm != NULL && pm->type == PARAM_DURATION) {
		fs->window_seconds = pm->value.i * pm->unit_seconds;
		return;
	}
	if (pm != NULL) {
		fault_at(ld, within, "parameter %s is no duration: give it type = \"duration\" and a unit", pm->name);
		return;
	}
	for (; n < ld->ru->n_params; n++)
		names[n] = ld->ru->params[n].name;
	names[n++] = "jalali_year";
	names[n++] = "jalali_month";
	fault_at(ld, within, "within must be a duration such as \"30d\", the name of a duration parameter, jalali_year or jalali_month%s",
	    suggestion_of(within->s, names, n).text);
}

static bool
take_scalar(struct load *ld, const struct tree *tr, struct value *ret)
{
	*ret = (struct value){0};
	if (tr->kind == TREE_STRING && tr->s.n <= LIMIT_VALUE_BYTES) {
		char *copy = load_copy(ld, tr->s);

		ret->kind = VALUE_STRING;
		ret->s = slice_of(copy, copy == NULL ? 0 : tr->s.n);
	} else if (tr->kind == TREE_INTEGER) {
		ret->kind = VALUE_INTEGER;
		ret->i = tr->i;
	} else if (tr->kind == TREE_BOOLEAN) {
		ret->kind = VALUE_BOOLEAN;
		ret->i = tr->i;
	} else {
		fault_at(ld, tr, "a condition compares with a string, a whole number or a boolean, not with %s", tree_kind_name(tr->kind));
		return false;
	}
	return true;
}

static void
load_condition(struct load *ld, const struct tree *tr, struct feature_where *wh)
{
	unsigned n = tr->kind == TREE_TABLE ? tr->n_list : 1;

	wh->field = load_copy(ld, tr->key);
	if (tr->kind == TREE_TABLE && (n == 0 || tr->n_keys != 0)) {
		fault_at(ld, tr, "a condition is a value or a list of values: %.*s = { \"a\", \"b\" }", SLICE_ARG(tr->key));
		return;
	}
	wh->any = calloc(n, sizeof *wh->any);
	if (wh->any == NULL) {
		ld->no_memory = true;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		if (take_scalar(ld, tr->kind == TREE_TABLE ? &tr->list[i] : tr, &wh->any[wh->n]))
			wh->n++;
}

static void
load_where(struct load *ld, const struct tree *tr, struct feature_spec *fs)
{
	const struct tree *where = tree_get(tr, "where");
	unsigned max = sizeof fs->where / sizeof fs->where[0];

	if (where == NULL || !load_is_table(ld, where))
		return;
	if (where->n_list != 0)
		fault_at(ld, &where->list[0], "where takes field = value, or field = { values }");
	for (unsigned i = 0; i < where->n_keys; i++) {
		if (fs->n_where == max) {
			fault_at_key(ld, &where->keys[i], "more than %u conditions", max);
			return;
		}
		load_condition(ld, &where->keys[i], &fs->where[fs->n_where++]);
	}
}

/* Keys of the one kind of feature that stand in the other. */
static void
refuse_keys(struct load *ld, const struct tree *tr, const char *const *names, const char *why)
{
	for (; *names != NULL; names++) {
		const struct tree *child = tree_get(tr, *names);

		if (child != NULL)
			fault_at_key(ld, child, "%s does not fit op = \"%s\": %s", *names, tree_get(tr, "op")->s.p, why);
	}
}

static void
load_active(struct load *ld, const struct tree *tr, struct feature_spec *fs)
{
	static const char *const foreign[] = {"on", "of", "by", "where", "within", NULL};

	refuse_keys(ld, tr, foreign, "it takes key, opens, reopens, closes, from, til");
	take_types(ld, tr, "opens", true, &fs->opens);
	take_types(ld, tr, "reopens", false, &fs->reopens);
	take_types(ld, tr, "closes", false, &fs->closes);
	take_name(ld, tr, "key", true, "the field that tells one interval from another", &fs->key);
	take_name(ld, tr, "from", false, NULL, &fs->from);
	take_name(ld, tr, "til", false, NULL, &fs->til);
}

static void
load_window_op(struct load *ld, const struct tree *tr, struct feature_spec *fs)
{
	static const char *const foreign[] = {"key", "opens", "reopens", "closes", "from", "til", NULL};
	static const char *const of_only[] = {"of", NULL};

	refuse_keys(ld, tr, foreign, "it belongs to op = \"active\"");
	take_types(ld, tr, "on", true, &fs->on);
	if (fs->op == OP_COUNT)
		refuse_keys(ld, tr, of_only, "count counts entries; use distinct for values of a field");
	else
		take_name(ld, tr, "of", true, "the field whose values are meant", &fs->of);
	take_name(ld, tr, "by", false, NULL, &fs->by);
	load_where(ld, tr, fs);
	load_window(ld, tr, fs);
}

static bool
find_op(struct load *ld, const struct tree *tr, enum feature_op *ret)
{
	const struct tree *op = load_text(ld, tr, "op", true, "count, distinct, sum, min, max, first, last or active");
	const char *near;

	if (op == NULL)
		return false;
	for (unsigned i = 0; i < sizeof op_names / sizeof op_names[0]; i++)
		if (slice_eq_str(op->s, op_names[i])) {
			*ret = (enum feature_op)i;
			return true;
		}
	fault_at(ld, op, "no feature op is called %s%s", op->s.p, suggestion_of(op->s, op_names, 8).text);
	/* The rest is read as if the nearest were meant: its mistakes are found too, and its name is known. */
	near = suggest(op->s, op_names, 8);
	for (unsigned i = 0; near != NULL && i < sizeof op_names / sizeof op_names[0]; i++)
		if (near == op_names[i])
			*ret = (enum feature_op)i;
	return near != NULL;
}

static void
load_feature(struct load *ld, const struct tree *tr)
{
	static const char *const keys[] = {
	    "op", "of", "on", "role", "where", "within", "by", "evidence", "key", "opens", "reopens", "closes", "from", "til", NULL};
	const struct tree *evidence;
	struct feature_spec *fs;
	enum feature_op op = OP_COUNT;

	if (!load_is_table(ld, tr))
		return;
	if (ld->ru->n_features == LIMIT_RULE_FEATURES) {
		fault_at_key(ld, tr, "more than %d features", LIMIT_RULE_FEATURES);
		return;
	}
	load_keys(ld, tr, keys, "a feature");
	if (!find_op(ld, tr, &op))
		return;
	fs = &ld->ru->features[ld->ru->n_features++];
	*fs = (struct feature_spec){.name = load_copy(ld, tr->key), .op = op};
	take_name(ld, tr, "role", false, NULL, &fs->role);
	if (op == OP_ACTIVE)
		load_active(ld, tr, fs);
	else
		load_window_op(ld, tr, fs);
	evidence = tree_get(tr, "evidence");
	if (evidence == NULL)
		return;
	if (evidence->kind != TREE_INTEGER || evidence->i < 0 || evidence->i > LIMIT_EVIDENCE)
		fault_at(ld, evidence, "evidence must be a whole number from 0 to %d: the most entries to hand over", LIMIT_EVIDENCE);
	else
		fs->evidence = (unsigned)evidence->i;
}

void
load_features(struct load *ld)
{
	const struct tree *tr = tree_get(ld->root, "features");

	if (tr == NULL || !load_is_table(ld, tr))
		return;
	if (tr->n_list != 0)
		fault_at(ld, &tr->list[0], "features are named: name = { op = ... }");
	for (unsigned i = 0; i < tr->n_keys && !ld->no_memory; i++)
		load_feature(ld, &tr->keys[i]);
}
