/* Which entries a feature takes, by names, against the same by indexes: layouts hold some of the fields and roles in any order. */
#include "engine/feature/bind.h"
#include "tests/memory/failing.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIELDS 10
#define TYPES 3
#define ROLES 3
#define MOST 64 /* values of one `where` */

static char field_names[FIELDS][4] = {"f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9"};
static char type_names[TYPES][4] = {"a.b", "c.d", "e.f"};
static char role_names[ROLES][8] = {"first", "second", "third"};

/* A layout and an entry of it. */
struct entry_world {
	unsigned type, n_fields, fields[FIELDS], n_roles, roles[ROLES];
	struct layout *la;
	bool there[FIELDS]; /* by name */
	struct value v[FIELDS];
	uint8_t role; /* by the layout */
	struct buf kept;
};

/* What a feature asks for. */
struct wish {
	struct feature_spec spec;
	struct value any[8][MOST];
};

static uint64_t
below(uint64_t *random, uint64_t n)
{
	return scratch_random(random) % n;
}

/* Some of the numbers 0..n-1, in any order. */
static unsigned
choose(uint64_t *random, unsigned n, unsigned *ret)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned at = (unsigned)below(random, k + 1);

		if (below(random, 4) == 0)
			continue;
		if (at < k)
			ret[k] = ret[at];
		ret[at] = i;
		k++;
	}
	return k;
}

/* Numbers in fields of even names, texts in the others. */
static struct value
value_of(uint64_t *random, unsigned field)
{
	static const char *const texts[] = {"", "x", "y"};
	uint64_t k = below(random, 3);

	if (field % 2 == 0)
		return (struct value){.kind = VALUE_INTEGER, .i = (int64_t)k};
	return (struct value){.kind = VALUE_STRING, .s = slice_str(texts[k])};
}

static void
make_entry(struct entry_world *wo, uint64_t *random)
{
	struct buf text = {0}, values = {0};
	struct err err;

	*wo = (struct entry_world){.type = (unsigned)below(random, TYPES)};
	wo->n_fields = choose(random, FIELDS, wo->fields);
	wo->n_roles = choose(random, ROLES, wo->roles);
	if (wo->n_roles == 0)
		wo->n_roles = 1;
	wo->role = (uint8_t)below(random, wo->n_roles);
	buf_printf(&text, "%s\n", type_names[wo->type]);
	for (unsigned i = 0; i < wo->n_roles; i++)
		buf_printf(&text, "%s%s=body", i == 0 ? "" : ",", role_names[wo->roles[i]]);
	buf_add_str(&text, "\n");
	buf_add_u8(&wo->kept, (uint8_t)wo->n_fields);
	for (unsigned i = 0; i < wo->n_fields; i++) {
		unsigned f = wo->fields[i];

		buf_printf(&text, "%s%s:%c", i == 0 ? "" : ",", field_names[f], f % 2 == 0 ? 'i' : 's');
		wo->there[f] = below(random, 6) != 0;
		wo->v[f] = value_of(random, f);
		if (wo->there[f])
			value_encode(&values, &wo->v[f]);
		buf_add_u8(&wo->kept, (uint8_t)values.n);
		buf_add_u8(&wo->kept, 0);
	}
	buf_add_slice(&wo->kept, buf_slice(&values));
	wo->la = layout_parse(buf_slice(&text), &err);
	assert_non_null(wo->la);
	assert_true(values.n < 256);
	buf_free(&text);
	buf_free(&values);
}

static void
free_entry(struct entry_world *wo)
{
	layout_free(wo->la);
	buf_free(&wo->kept);
}

static void
some_types(uint64_t *random, struct feature_types *ret)
{
	unsigned v[TYPES];

	ret->n = choose(random, TYPES, v);
	for (unsigned i = 0; i < ret->n; i++)
		ret->v[i] = type_names[v[i]];
}

static char *
maybe(uint64_t *random, char *name)
{
	return below(random, 3) == 0 ? name : NULL;
}

static void
make_wish(struct wish *wi, uint64_t *random)
{
	struct feature_spec *spec = &wi->spec;

	*wi = (struct wish){0};
	spec->op = below(random, 3) == 0 ? OP_ACTIVE : (enum feature_op)below(random, OP_ACTIVE);
	if (spec->op == OP_ACTIVE) {
		some_types(random, &spec->opens);
		some_types(random, &spec->reopens);
		some_types(random, &spec->closes);
		spec->key = field_names[below(random, FIELDS)];
		spec->from = maybe(random, field_names[below(random, FIELDS)]);
		spec->til = maybe(random, field_names[below(random, FIELDS)]);
	} else {
		some_types(random, &spec->on);
		spec->of = maybe(random, field_names[below(random, FIELDS)]);
		spec->by = maybe(random, field_names[below(random, FIELDS)]);
	}
	spec->role = maybe(random, role_names[below(random, ROLES)]);
	spec->n_where = below(random, 4) == 0 ? 8 : (unsigned)below(random, 3);
	for (unsigned w = 0; w < spec->n_where; w++) {
		unsigned field = (unsigned)below(random, FIELDS);

		spec->where[w] =
		    (struct feature_where){field_names[field], below(random, 20) == 0 ? MOST : 1 + (unsigned)below(random, 3), wi->any[w]};
		for (unsigned k = 0; k < spec->where[w].n; k++)
			wi->any[w][k] = value_of(random, field);
	}
}

/* ---- the same by names ---------------------------------------------------------------------------------------- */

static bool
has(const struct feature_types *ty, const char *type)
{
	for (unsigned i = 0; i < ty->n; i++)
		if (strcmp(ty->v[i], type) == 0)
			return true;
	return false;
}

/* Where the layout has the field: -1 if it is not asked for, or not there. */
static int
place(const struct entry_world *wo, const char *name)
{
	for (unsigned i = 0; name != NULL && i < wo->n_fields; i++)
		if (strcmp(field_names[wo->fields[i]], name) == 0)
			return (int)i;
	return -1;
}

/* The value that the entry has there, or NULL. */
static const struct value *
value_there(const struct entry_world *wo, const char *name)
{
	int i = place(wo, name);

	return i >= 0 && wo->there[wo->fields[i]] ? &wo->v[wo->fields[i]] : NULL;
}

static bool
passes(const struct entry_world *wo, const struct feature_where *wh)
{
	const struct value *v = value_there(wo, wh->field);

	for (unsigned k = 0; v != NULL && k < wh->n; k++)
		if (value_eq(v, &wh->any[k]))
			return true;
	return false;
}

static bool
takes(const struct entry_world *wo, const struct feature_spec *spec)
{
	const char *type = type_names[wo->type];
	bool on = spec->op == OP_ACTIVE ? has(&spec->opens, type) || has(&spec->reopens, type) || has(&spec->closes, type) : has(&spec->on, type);

	if (!on || (spec->role != NULL && strcmp(role_names[wo->roles[wo->role]], spec->role) != 0))
		return false;
	for (unsigned w = 0; w < spec->n_where; w++)
		if (!passes(wo, &spec->where[w]))
			return false;
	return (spec->of == NULL || value_there(wo, spec->of) != NULL) && (spec->by == NULL || value_there(wo, spec->by) != NULL) &&
	       (spec->key == NULL || value_there(wo, spec->key) != NULL);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void
what_is_bound_takes_what_the_names_say(void **state)
{
	static struct wish wi;
	uint64_t random = 3;
	unsigned taken = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		const struct feature_spec *spec = &wi.spec;
		struct entry_world wo;
		struct feature_plan plan;
		struct {
			struct feature_bind bind;
			int behind;
		} it = {.behind = 7};
		const char *type;

		make_entry(&wo, &random);
		make_wish(&wi, &random);
		type = type_names[wo.type];
		assert_int_equal(feature_plan_make(&plan, spec), 0);
		feature_bind_make(&it.bind, spec, wo.la);
		assert_int_equal(it.behind, 7);
		assert_int_equal(feature_takes(&plan, &it.bind, wo.role, buf_slice(&wo.kept)), takes(&wo, spec));
		taken += takes(&wo, spec);
		if (spec->op == OP_ACTIVE)
			assert_int_equal(it.bind.life, (has(&spec->opens, type) ? LIFE_OPENS : 0) | (has(&spec->reopens, type) ? LIFE_REOPENS : 0) |
							   (has(&spec->closes, type) ? LIFE_CLOSES : 0));
		assert_int_equal(it.bind.of, place(&wo, spec->of));
		assert_int_equal(it.bind.by, place(&wo, spec->by));
		assert_int_equal(it.bind.key, place(&wo, spec->key));
		assert_int_equal(it.bind.from, place(&wo, spec->from));
		assert_int_equal(it.bind.til, place(&wo, spec->til));
		feature_plan_free(&plan);
		free_entry(&wo);
	}
	assert_true(taken > 1000);
}

/* Its values are held as they are encoded, each beside the next; more of them than the loader lets through are refused. */
static void
a_plan_holds_all_values_or_nothing(void **state)
{
	static struct wish wi;
	static struct value too_many[MOST + 1];
	struct feature_plan plan;
	bool failed = true;
	uint64_t random = 5;

	(void)state;
	do
		make_wish(&wi, &random);
	while (wi.spec.n_where != 8);
	for (uint64_t at = 1; failed; at++) {
		size_t left;
		int rc;

		failing_start(at, false);
		rc = feature_plan_make(&plan, &wi.spec);
		(void)failing_stop();
		failed = failing_has();
		assert_int_equal(rc, failed ? -1 : 0);
		for (unsigned w = 0; w < 8 && rc == 0; w++)
			for (unsigned k = 0; k < wi.spec.where[w].n; k++) {
				struct buf b = {0};

				value_encode(&b, &wi.any[w][k]);
				assert_true(slice_eq(plan.where[w][k], buf_slice(&b)));
				buf_free(&b);
			}
		if (rc == 0)
			feature_plan_free(&plan);
		assert_int_equal(failing_left(&left), 0);
	}
	wi.spec.where[0] = (struct feature_where){field_names[0], MOST + 1, too_many};
	assert_int_equal(feature_plan_make(&plan, &wi.spec), -1);
	feature_plan_free(&plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_bound_takes_what_the_names_say),
	    cmocka_unit_test(a_plan_holds_all_values_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
