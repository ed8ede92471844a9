#include "engine/feature/bind.h"

#include <stdlib.h>

static bool
types_have(const struct feature_types *ty, const char *type)
{
	for (unsigned i = 0; i < ty->n; i++)
		if (strcmp(ty->v[i], type) == 0)
			return true;
	return false;
}

static int
field_index(const struct layout *la, const char *name)
{
	return name == NULL ? -1 : layout_field_index(la, slice_str(name));
}

void
feature_bind_make(struct feature_bind *ret, const struct feature_spec *spec, const struct layout *la)
{
	*ret = (struct feature_bind){.role = -1};
	if (spec->op == OP_ACTIVE) {
		ret->life =
		    (uint8_t)((types_have(&spec->opens, la->type) ? LIFE_OPENS : 0) | (types_have(&spec->reopens, la->type) ? LIFE_REOPENS : 0) |
			      (types_have(&spec->closes, la->type) ? LIFE_CLOSES : 0));
		ret->on = ret->life != 0;
	} else {
		ret->on = types_have(&spec->on, la->type);
	}
	if (spec->role != NULL) {
		ret->role = layout_role_index(la, slice_str(spec->role));
		if (ret->role < 0)
			ret->on = false;
	}
	ret->of = field_index(la, spec->of);
	ret->by = field_index(la, spec->by);
	ret->key = field_index(la, spec->key);
	ret->from = field_index(la, spec->from);
	ret->til = field_index(la, spec->til);
	for (unsigned i = 0; i < spec->n_where; i++)
		ret->where[i] = field_index(la, spec->where[i].field);
	if ((spec->of != NULL && ret->of < 0) || (spec->by != NULL && ret->by < 0) || (spec->key != NULL && ret->key < 0))
		ret->on = false;
}

bool
feature_takes(const struct feature_plan *pl, const struct feature_bind *fb, uint8_t role, struct slice kept)
{
	const struct feature_spec *spec = pl->spec;

	if (!fb->on || (fb->role >= 0 && fb->role != role))
		return false;
	for (unsigned i = 0; i < spec->n_where; i++) {
		struct slice have = kept_bytes(kept, (unsigned)fb->where[i]); /* empty where there is none: no value is */
		bool pass = false;

		for (unsigned j = 0; j < spec->where[i].n && !pass; j++)
			pass = slice_eq(have, pl->where[i][j]);
		if (!pass)
			return false;
	}
	return (fb->of < 0 || kept_bytes(kept, (unsigned)fb->of).n != 0) && (fb->by < 0 || kept_bytes(kept, (unsigned)fb->by).n != 0) &&
	       (fb->key < 0 || kept_bytes(kept, (unsigned)fb->key).n != 0);
}

int
feature_plan_make(struct feature_plan *ret, const struct feature_spec *spec)
{
	size_t ends[8][64] = {0}; /* where values are encoded one after the other; their places are known once the buffer has stopped growing */
	size_t at = 0;

	*ret = (struct feature_plan){.spec = spec};
	for (unsigned i = 0; i < spec->n_where; i++) {
		if (spec->where[i].n > 64)
			return -1;
		for (unsigned j = 0; j < spec->where[i].n; j++) {
			value_encode(&ret->bytes, &spec->where[i].any[j]);
			ends[i][j] = ret->bytes.n;
		}
		ret->where[i] = calloc(spec->where[i].n + 1, sizeof(struct slice));
		if (ret->where[i] == NULL || !buf_ok(&ret->bytes)) {
			feature_plan_free(ret);
			return -1;
		}
	}
	for (unsigned i = 0; i < spec->n_where; i++)
		for (unsigned j = 0; j < spec->where[i].n; j++) {
			ret->where[i][j] = slice_of(ret->bytes.p + at, ends[i][j] - at);
			at = ends[i][j];
		}
	return 0;
}

void
feature_plan_free(struct feature_plan *pl)
{
	for (unsigned i = 0; i < 8; i++)
		free(pl->where[i]);
	buf_free(&pl->bytes);
	*pl = (struct feature_plan){0};
}
