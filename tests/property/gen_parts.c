/* What random sets are made of: numbers, names, values. */
#include "tests/property/gen.h"

#include <stdio.h>

const char *const gen_field_name[GEN_FIELDS] = {"points", "weight", "tag", "place", "urgent", "start", "stop", "note", "cost"};
const enum gen_kind gen_field_kind[GEN_FIELDS] = {GEN_INT, GEN_INT, GEN_STR, GEN_STR, GEN_BOOL, GEN_TIME, GEN_TIME, GEN_STR, GEN_DEC};
const char *const gen_role_name[GEN_ROLES] = {"who", "with", "at", "crowd"};
const char *const gen_kind_name[2] = {"body", "spot"};
const char *const gen_key_name[2][GEN_KEYS] = {{"b1", "b2", "b12"}, {"x", "y/z", "x 7"}};
const char *const gen_type_name[GEN_TYPES + 1] = {"p.alpha", "p.beta", "p.gamma", "p.delta", "p.undone"};
const char *const gen_outcome_name[GEN_OUTCOMES] = {"o0", "o1", "o2", "o3", "o4", "calm", "dunno"};
const int gen_outcome_level[GEN_OUTCOMES] = {1, 2, 3, 1, 2, 0, -1};

static const char *const source_names[GEN_SOURCES] = {"/s/a", "/s/b", "/S/b", "/s/\xc3\xa9"};

uint64_t
rng_next(struct rng *r)
{
	uint64_t z = (r->s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

unsigned
rng_below(struct rng *r, unsigned n)
{
	return (unsigned)((rng_next(r) >> 33) % n);
}

bool
rng_percent(struct rng *r, unsigned percent)
{
	return rng_below(r, 100) < percent;
}

int
gen_time_cmp(struct gen_time a, struct gen_time b)
{
	if (a.sec != b.sec)
		return a.sec < b.sec ? -1 : 1;
	return (a.nsec > b.nsec) - (a.nsec < b.nsec);
}

bool
gen_value_eq(const struct gen_value *a, const struct gen_value *b)
{
	if (a->kind != b->kind || a->kind == GEN_NONE)
		return false;
	if (a->kind == GEN_STR)
		return a->s != NULL && b->s != NULL && strcmp(a->s, b->s) == 0;
	if (a->kind == GEN_TIME)
		return gen_time_cmp(a->t, b->t) == 0;
	if (a->kind == GEN_REAL)
		return a->d == b->d;
	return a->i == b->i;
}

unsigned
gen_role_kind(unsigned role)
{
	return role == ROLE_AT;
}

const char *
gen_source_name(unsigned source)
{
	return source_names[source];
}

/* "e1", "e10", "E2", ... : bytewise order is not that of the numbers. */
const char *
gen_id_name(unsigned id)
{
	static char names[GEN_IDS][16];

	if (names[id][0] == '\0')
		snprintf(names[id], sizeof(names[id]), "%s%u", id % 5 == 4 ? "E\xd8\xa8" : "e", id);
	return names[id];
}
