#include "engine/rule/load.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const type_names[] = {"integer", "number", "duration", "boolean", "string", "enum"};

/* A bound or default, as the type wants it. */
struct bound {
	bool given;
	struct value value;
};

static bool
is_numeric(enum param_type type)
{
	return type == PARAM_INTEGER || type == PARAM_NUMBER || type == PARAM_DURATION;
}

static double
numeric(const struct value *v)
{
	return v->kind == VALUE_NUMBER ? v->d : (double)v->i;
}

static bool
less(const struct value *a, const struct value *b)
{
	if (a->kind == VALUE_INTEGER && b->kind == VALUE_INTEGER)
		return a->i < b->i;
	return numeric(a) < numeric(b);
}

static const char *
number_text(const struct value *v, char ret[40])
{
	if (v->kind == VALUE_INTEGER)
		(void)snprintf(ret, 40, "%lld", (long long)v->i);
	else
		(void)snprintf(ret, 40, "%.14g", v->d);
	return ret;
}

/* A value of the file as the parameter's type wants it. */
static bool
take_value(struct load *ld, const struct tree *tr, const struct rule_param *pm, struct value *ret)
{
	*ret = (struct value){0};
	switch (pm->type) {
	case PARAM_INTEGER:
	case PARAM_DURATION:
		if (tr->kind == TREE_INTEGER) {
			ret->kind = VALUE_INTEGER;
			ret->i = tr->i;
			return true;
		}
		fault_at(ld, tr, "%.*s of %s must be a whole number%s%s", SLICE_ARG(tr->key), pm->name, pm->unit == NULL ? "" : " of ",
		    pm->unit == NULL ? "" : pm->unit);
		return false;
	case PARAM_NUMBER:
		if ((tr->kind == TREE_INTEGER || tr->kind == TREE_NUMBER) && isfinite(tr->d)) {
			ret->kind = VALUE_NUMBER;
			ret->d = tr->d;
			return true;
		}
		fault_at(ld, tr, "%.*s of %s must be a number", SLICE_ARG(tr->key), pm->name);
		return false;
	case PARAM_BOOLEAN:
		if (tr->kind == TREE_BOOLEAN) {
			ret->kind = VALUE_BOOLEAN;
			ret->i = tr->i;
			return true;
		}
		fault_at(ld, tr, "%.*s of %s must be true or false", SLICE_ARG(tr->key), pm->name);
		return false;
	case PARAM_STRING:
	case PARAM_ENUM:
		if (tr->kind == TREE_STRING && tr->s.n <= LIMIT_VALUE_BYTES && memchr(tr->s.p, '\0', tr->s.n) == NULL) {
			ret->kind = VALUE_STRING;
			ret->s = tr->s;
			return true;
		}
		fault_at(ld, tr, "%.*s of %s must be a string of at most %d bytes", SLICE_ARG(tr->key), pm->name, LIMIT_VALUE_BYTES);
		return false;
	}
	return false;
}

static const struct tree *
enum_values(struct load *ld, const struct tree *tr, const struct rule_param *pm, const char *ret[32], unsigned *ret_n)
{
	const struct tree *values = load_child(ld, tr, "values", pm->type == PARAM_ENUM, "of an enum"), *items[32];

	*ret_n = 0;
	if (values == NULL)
		return NULL;
	if (pm->type != PARAM_ENUM) {
		fault_at_key(ld, values, "values belongs to type = \"enum\"");
		return NULL;
	}
	*ret_n = load_strings(ld, values, "values", 32, items);
	for (unsigned i = 0; i < *ret_n; i++)
		ret[i] = items[i]->s.p;
	return values;
}

static bool
among(struct slice s, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (slice_eq_str(s, names[i]))
			return true;
	return false;
}

/* An override's text as the type wants it; a duration also with its unit letter. NULL or what is wrong. */
static const char *
parse_override(struct slice text, const struct rule_param *pm, struct value *ret)
{
	char buf[64], *end;
	int64_t seconds;

	*ret = (struct value){0};
	if (pm->type == PARAM_STRING || pm->type == PARAM_ENUM) {
		ret->kind = VALUE_STRING;
		ret->s = text;
		return text.n <= LIMIT_VALUE_BYTES ? NULL : "too long";
	}
	if (pm->type == PARAM_BOOLEAN) {
		ret->kind = VALUE_BOOLEAN;
		ret->i = slice_eq_str(text, "true");
		return ret->i != 0 || slice_eq_str(text, "false") ? NULL : "must be true or false";
	}
	if (pm->type == PARAM_DURATION && duration_parse(text, &seconds)) {
		ret->kind = VALUE_INTEGER;
		ret->i = pm->unit_seconds == 0 ? 0 : seconds / pm->unit_seconds;
		return pm->unit_seconds != 0 && seconds % pm->unit_seconds == 0 ? NULL : "is no whole number of its unit";
	}
	if (text.n == 0 || text.n >= sizeof buf || strspn(text.p, "0123456789+-.eE") < text.n)
		return "must be a number";
	memcpy(buf, text.p, text.n);
	buf[text.n] = '\0';
	errno = 0;
	if (pm->type == PARAM_NUMBER) {
		ret->kind = VALUE_NUMBER;
		ret->d = strtod(buf, &end);
		return *end == '\0' && end != buf && isfinite(ret->d) ? NULL : "must be a number";
	}
	ret->kind = VALUE_INTEGER;
	ret->i = strtoll(buf, &end, 10);
	return *end == '\0' && end != buf && errno == 0 ? NULL : "must be a whole number";
}

static const char *
find_override(const char *name, const char *const *sets, size_t n_sets)
{
	const char *found = NULL;
	size_t n = strlen(name);

	for (size_t i = 0; i < n_sets; i++)
		if (strncmp(sets[i], name, n) == 0 && sets[i][n] == '=')
			found = sets[i] + n + 1; /* the last one counts */
	return found;
}

static void
apply_override(struct load *ld, const struct tree *tr, struct rule_param *pm, const struct bound *min, const struct bound *max,
    const char *const *values, unsigned n_values, const char *text)
{
	struct value v;
	const char *wrong = parse_override(slice_str(text), pm, &v);
	char a[40], b[40];

	if (wrong != NULL) {
		fault_at_key(ld, tr, "override %s=%s: %s", pm->name, text, wrong);
		return;
	}
	if (min->given && less(&v, &min->value)) {
		fault_at_key(ld, tr, "override %s=%s is below its minimum of %s", pm->name, text, number_text(&min->value, a));
		return;
	}
	if (max->given && less(&max->value, &v)) {
		fault_at_key(ld, tr, "override %s=%s is above its maximum of %s", pm->name, text, number_text(&max->value, b));
		return;
	}
	if (pm->type == PARAM_ENUM && !among(v.s, values, n_values)) {
		fault_at_key(ld, tr, "override %s=%s is not among its values%s", pm->name, text, suggestion_of(v.s, values, n_values).text);
		return;
	}
	pm->value = v;
}

static void
check_unit(struct load *ld, const struct tree *tr, struct rule_param *pm)
{
	static const char *const units[] = {"second", "minute", "hour", "day", "week"};
	const struct tree *unit = load_text(ld, tr, "unit", pm->type == PARAM_DURATION, "second, minute, hour, day or week");

	if (unit == NULL)
		return;
	pm->unit = load_copy(ld, unit->s);
	if (pm->type != PARAM_DURATION)
		return;
	pm->unit_seconds = duration_unit_seconds(unit->s);
	if (pm->unit_seconds == 0)
		fault_at(ld, unit, "a duration's unit is second, minute, hour, day or week%s", suggestion_of(unit->s, units, 5).text);
}

/* Default within min .. max, among the values; then the override. */
static void
check_bounds(struct load *ld, const struct tree *tr, struct rule_param *pm, const char *override)
{
	const struct tree *at = load_child(ld, tr, "default", true, "every parameter has one");
	struct bound min = {0}, max = {0};
	const char *values[32];
	unsigned n_values;
	char a[40], b[40], c[40];
	bool good = at != NULL && take_value(ld, at, pm, &pm->value);

	(void)enum_values(ld, tr, pm, values, &n_values);
	for (unsigned k = 0; k < 2; k++) {
		const struct tree *bound = load_child(
		    ld, tr, k == 0 ? "min" : "max", pm->type == PARAM_INTEGER || pm->type == PARAM_DURATION, "the bounds of every override");

		if (bound != NULL && !is_numeric(pm->type))
			fault_at_key(ld, bound, "%.*s does not fit type = \"%s\"", SLICE_ARG(bound->key), type_names[pm->type]);
		else if (bound != NULL)
			(k == 0 ? &min : &max)->given = take_value(ld, bound, pm, k == 0 ? &min.value : &max.value);
	}
	if (min.given && max.given && less(&max.value, &min.value))
		fault_at_key(ld, tr, "%s: min %s is above max %s", pm->name, number_text(&min.value, a), number_text(&max.value, b));
	else if (good && ((min.given && less(&pm->value, &min.value)) || (max.given && less(&max.value, &pm->value))))
		fault_at(ld, at, "the default %s of %s is not within %s .. %s", number_text(&pm->value, a), pm->name,
		    min.given ? number_text(&min.value, b) : "", max.given ? number_text(&max.value, c) : "");
	if (pm->type == PARAM_DURATION &&
	    ((min.given && min.value.i < 0) || (max.given && pm->unit_seconds != 0 && max.value.i > INT64_C(366000) * 86400 / pm->unit_seconds)))
		fault_at_key(ld, tr, "%s: a duration lies between 0 and 1000 years", pm->name);
	if (good && pm->type == PARAM_ENUM && !among(pm->value.s, values, n_values))
		fault_at(
		    ld, at, "the default \"%s\" of %s is not among its values%s", at->s.p, pm->name, suggestion_of(at->s, values, n_values).text);
	if (good && override != NULL)
		apply_override(ld, tr, pm, &min, &max, values, n_values, override);
	if (pm->value.kind == VALUE_STRING) {
		char *copy = load_copy(ld, pm->value.s);

		pm->value.s = slice_of(copy, copy == NULL ? 0 : pm->value.s.n); /* rule_free frees it */
	}
}

static void
load_param(struct load *ld, const struct tree *tr, const char *override)
{
	static const char *const keys[] = {"type", "unit", "default", "min", "max", "values", "doc", NULL};
	const struct tree *type;
	struct rule_param *pm;

	if (!load_is_table(ld, tr))
		return;
	if (ld->ru->n_params == LIMIT_RULE_PARAMS) {
		fault_at_key(ld, tr, "more than %d parameters", LIMIT_RULE_PARAMS);
		return;
	}
	load_keys(ld, tr, keys, "a parameter");
	type = load_text(ld, tr, "type", true, "integer, number, duration, boolean, string or enum");
	(void)load_text(ld, tr, "doc", false, NULL);
	if (type == NULL)
		return;
	pm = &ld->ru->params[ld->ru->n_params];
	*pm = (struct rule_param){.name = load_copy(ld, tr->key)};
	for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
		if (slice_eq_str(type->s, type_names[i])) {
			pm->type = (enum param_type)i;
			ld->ru->n_params++;
			if (pm->name == NULL)
				return;
			check_unit(ld, tr, pm);
			check_bounds(ld, tr, pm, override);
			return;
		}
	free(pm->name);
	pm->name = NULL;
	fault_at(ld, type, "no parameter type is called %s%s", type->s.p, suggestion_of(type->s, type_names, 6).text);
}

static void
check_overrides(struct load *ld, const struct tree *tr, const char *const *sets, size_t n_sets)
{
	const char *names[LIMIT_RULE_PARAMS];
	size_t n = 0;

	for (; n < ld->ru->n_params; n++)
		names[n] = ld->ru->params[n].name;
	for (size_t i = 0; i < n_sets; i++) {
		const char *equals = strchr(sets[i], '=');
		struct slice name = slice_of(sets[i], equals == NULL ? strlen(sets[i]) : (size_t)(equals - sets[i]));

		if (equals == NULL)
			fault_at_key(ld, tr, "override \"%s\": write PARAM=VALUE", sets[i]);
		else if (rule_param_find(ld->ru, name) == NULL)
			fault_at_key(
			    ld, tr, "override %s: the rule has no parameter %.*s%s", sets[i], SLICE_ARG(name), suggestion_of(name, names, n).text);
	}
}

void
load_params(struct load *ld, const char *const *sets, size_t n_sets)
{
	const struct tree *tr = tree_get(ld->root, "params");

	if (tr != NULL && load_is_table(ld, tr)) {
		if (tr->n_list != 0)
			fault_at(ld, &tr->list[0], "params are named: name = { type = ... }");
		for (unsigned i = 0; i < tr->n_keys && !ld->no_memory; i++)
			load_param(ld, &tr->keys[i], find_override(tr->keys[i].key.p, sets, n_sets));
	}
	if (!ld->no_memory)
		check_overrides(ld, tr == NULL ? ld->root : tr, sets, n_sets);
}

int
load_check_call(struct load *ld, struct tree_run *tn)
{
	struct tree_arg args[LIMIT_RULE_PARAMS];
	const struct tree *tr = tree_get(ld->root, "check");
	char text[512];
	unsigned line;
	int holds;

	if (tr == NULL || tr->kind != TREE_FUNCTION || ld->no_memory)
		return 0;
	for (unsigned i = 0; i < ld->ru->n_params; i++) {
		args[i] = (struct tree_arg){ld->ru->params[i].name, ld->ru->params[i].value};
		if (args[i].value.kind == VALUE_NONE)
			return 0; /* its own finding is enough */
	}
	holds = tree_run_check(tn, args, ld->ru->n_params, text, &line);
	if (holds != 0)
		return holds < 0 ? -1 : 0;
	if (line != 0)
		return findings_add(ld->sv.fi, ld->sv.file, line, 1, 0, false, "%s", text);
	fault_at_key(ld, tr, "%s", text);
	return 0;
}
