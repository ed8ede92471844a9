#include "engine/flow/plan.h"

#include "engine/feature/small.h"

#include <stdlib.h>

static void
bind_trigger(struct trigger_bind *ret, const struct rule *ru, const struct layout *la)
{
	int role = layout_role_index(la, slice_str(ru->role));

	for (unsigned i = 0; i < ru->on.n; i++)
		if (strcmp(ru->on.v[i], la->type) == 0)
			ret->on = role >= 0;
	ret->role = (uint8_t)(role < 0 ? 0 : role);
	for (unsigned i = 0; i < ru->n_fields; i++)
		ret->fields[i] = layout_field_index(la, slice_str(ru->fields[i]));
}

static int
bind_rule(struct rule_plan *rp, const struct rule *ru, size_t index, const struct names *na)
{
	size_t n = names_layouts(na);

	rp->ru = ru;
	rp->index = index;
	rp->triggers = calloc(n + 1, sizeof *rp->triggers);
	if (rp->triggers == NULL)
		return -1;
	for (size_t l = 0; l < n; l++)
		bind_trigger(&rp->triggers[l], ru, names_layout_at(na, (uint16_t)l));
	for (unsigned i = 0; i < ru->n_features; i++) {
		rp->binds[i] = calloc(n + 1, sizeof **rp->binds);
		if (rp->binds[i] == NULL || feature_plan_make(&rp->features[i], &ru->features[i]) != 0)
			return -1;
		rp->n_features = i + 1;
		for (size_t l = 0; l < n; l++)
			feature_bind_make(&rp->binds[i][l], &ru->features[i], names_layout_at(na, (uint16_t)l));
	}
	return 0;
}

/* What its role means in the contracts of its triggers. */
const char *
plan_rule_kind(const struct rule *ru, const struct contracts *contracts, struct err *err)
{
	const char *kind = NULL;

	for (unsigned i = 0; i < ru->on.n; i++) {
		const struct contract *co = contracts_find(contracts, slice_str(ru->on.v[i]));
		int role = co == NULL ? -1 : layout_role_index(contract_layout(co), slice_str(ru->role));
		const char *k = role < 0 ? NULL : contract_layout(co)->roles[role].kind;

		if (k == NULL) {
			(void)err_set(err, ERR_CHECKED, "rule %s: %s has no role %s", ru->id, ru->on.v[i], ru->role);
			return NULL;
		}
		if (kind != NULL && strcmp(kind, k) != 0) {
			(void)err_set(
			    err, ERR_CHECKED, "rule %s: its role %s is a %s in one of its types and a %s in another", ru->id, ru->role, kind, k);
			return NULL;
		}
		kind = k;
	}
	if (kind == NULL)
		(void)err_set(err, ERR_CHECKED, "rule %s has no trigger types", ru->id);
	return kind;
}

static int
add_to_kind(struct plan *pl, const char *kind, struct rule_plan *rp)
{
	struct kind_plan *ki = NULL;
	struct rule_plan **rules;

	for (size_t i = 0; i < pl->n_kinds; i++)
		if (strcmp(pl->kinds[i].kind, kind) == 0)
			ki = &pl->kinds[i];
	if (ki == NULL) {
		ki = &pl->kinds[pl->n_kinds];
		ki->kind = strdup(kind);
		if (ki->kind == NULL)
			return -1;
		pl->n_kinds++;
	}
	rules = realloc(ki->rules, (ki->n + 1) * sizeof(struct rule_plan *));
	if (rules == NULL)
		return -1;
	ki->rules = rules;
	ki->rules[ki->n++] = rp;
	return 0;
}

/* The rules before `index` are done. */
static void
number_alike(struct plan *pl, size_t index)
{
	struct rule_plan *rp = &pl->rules[index];

	for (unsigned i = 0; i < rp->n_features; i++) {
		const struct feature_spec *spec = rp->features[i].spec;

		rp->alike[i] = -1;
		if (!small_serves(spec))
			continue;
		for (size_t r = 0; r <= index && rp->alike[i] < 0; r++) {
			const struct rule_plan *other = &pl->rules[r];

			for (unsigned k = 0; k < (r < index ? other->n_features : i) && rp->alike[i] < 0; k++)
				if (other->alike[k] >= 0 && small_alike(other->features[k].spec, spec))
					rp->alike[i] = other->alike[k];
		}
		if (rp->alike[i] < 0)
			rp->alike[i] = (int)pl->n_alike++;
	}
}

struct plan *
plan_make(const struct rule *const *rules, size_t n, const struct contracts *contracts, const struct names *na, struct err *err)
{
	struct plan *pl = calloc(1, sizeof *pl);

	if (pl == NULL)
		goto nomem;
	pl->n_layouts = names_layouts(na);
	pl->rules = calloc(n + 1, sizeof *pl->rules);
	pl->kinds = calloc(n + 1, sizeof *pl->kinds);
	if (pl->rules == NULL || pl->kinds == NULL)
		goto nomem;
	for (size_t i = 0; i < n; i++) {
		const char *kind = plan_rule_kind(rules[i], contracts, err);

		if (kind == NULL) {
			plan_free(pl);
			return NULL;
		}
		pl->n_rules = i + 1;
		if (bind_rule(&pl->rules[i], rules[i], i, na) != 0 || add_to_kind(pl, kind, &pl->rules[i]) != 0)
			goto nomem;
		number_alike(pl, i);
	}
	return pl;
nomem:
	plan_free(pl);
	(void)err_nomem(err);
	return NULL;
}

void
plan_free(struct plan *pl)
{
	if (pl == NULL)
		return;
	for (size_t i = 0; i < pl->n_rules; i++) {
		for (unsigned j = 0; j < LIMIT_RULE_FEATURES; j++) {
			feature_plan_free(&pl->rules[i].features[j]);
			free(pl->rules[i].binds[j]);
		}
		free(pl->rules[i].triggers);
	}
	for (size_t i = 0; i < pl->n_kinds; i++) {
		free(pl->kinds[i].kind);
		free(pl->kinds[i].rules);
	}
	free(pl->rules);
	free(pl->kinds);
	free(pl);
}

const struct kind_plan *
plan_kind(const struct plan *pl, struct slice subject)
{
	for (size_t i = 0; i < pl->n_kinds; i++) {
		size_t n = strlen(pl->kinds[i].kind);

		if (subject.n > n && subject.p[n] == '/' && memcmp(subject.p, pl->kinds[i].kind, n) == 0)
			return &pl->kinds[i];
	}
	return NULL;
}

bool
plan_nameless(const struct rule_plan *rp, uint16_t layout, const struct event *ev)
{
	const struct trigger_bind *tb = &rp->triggers[layout];

	if (!tb->on || (ev->nameless >> tb->role & 1) == 0)
		return false;
	for (unsigned i = 0; i < ev->n_refs; i++)
		if (ev->refs[i].role == tb->role)
			return false;
	return true;
}
