#include "tests/property/gen.h"

#include <openssl/sha.h>

static const char *const tag_names[] = {"a", "b", "B", "12", "\xc3\xa9", ""};

static int64_t
between(struct rng *r, int64_t lo, int64_t hi)
{
	return lo + (int64_t)rng_below(r, (unsigned)(hi - lo + 1));
}

/* What the times of one set are made of: most fall on multiples of a unit, so that window and episode edges are hit exactly. */
struct times {
	int64_t base, unit;
	unsigned steps;
	bool far;
};

static struct gen_time
random_time(struct rng *r, const struct times *ti)
{
	struct gen_time t = {ti->base + ti->unit * (int64_t)rng_below(r, ti->steps), 0};

	if (ti->far && rng_percent(r, 5))
		t.sec = -62135596800 + (int64_t)rng_below(r, 1000000); /* the year 0001 */
	switch (rng_below(r, 8)) {
	case 0:
		t.nsec = 1;
		break;
	case 1:
		t.sec--;
		t.nsec = 999999999;
		break;
	case 2:
		t.sec += between(r, -2, 2);
		break;
	case 3:
		t.nsec = 1000 * rng_below(r, 1000000);
		break;
	default:
		break;
	}
	return t;
}

static void
random_times(struct rng *r, struct times *ret)
{
	/* 2024-03-19T20:30Z is the first moment of the Solar Hijri year 1403 in Iran; then a day before 1970, the years 0001,
	 * 1600, 9998, a day in 2023 and the end of the first month of 1400. */
	static const int64_t bases[] = {1710880200, -86400, -62135500000, -11676096000, 253339228800, 1689552000, 1618950600};
	static const int64_t units[] = {60, 3600, 86400, 30 * 86400};

	ret->base = bases[rng_below(r, sizeof(bases) / sizeof(bases[0]))];
	ret->unit = units[rng_below(r, sizeof(units) / sizeof(units[0]))];
	ret->steps = 4 + rng_below(r, 9);
	ret->far = rng_percent(r, 30);
	if (rng_percent(r, 40) && ret->base > -62000000000)
		ret->base -= ret->unit * 2; /* the base, often the edge of a calendar window, falls inside */
}

static struct gen_value
random_field(struct rng *r, unsigned field, const struct times *ti)
{
	struct gen_value v = {.kind = gen_field_kind[field]};

	switch (v.kind) {
	case GEN_INT:
		v.i = between(r, -1, 4);
		break;
	case GEN_STR:
		v.s = field == FIELD_PLACE ? tag_names[rng_below(r, 2)] : tag_names[rng_below(r, 6)];
		break;
	case GEN_BOOL:
		v.i = rng_percent(r, 50);
		break;
	default:
		v.t = random_time(r, ti);
		if (field == FIELD_STOP && rng_percent(r, 50))
			v.t.sec += ti->unit * 4;
		if (rng_percent(r, 10))
			v.i = 210;
		break;
	}
	return v;
}

static void
random_content(struct rng *r, struct gen_set *set, struct gen_content *co, const struct times *ti)
{
	const struct gen_type *ty;
	unsigned i, role, keys;

	co->type = rng_below(r, set->n_types);
	co->time = random_time(r, ti);
	ty = &set->types[co->type];
	for (i = 0; i < ty->n_roles; i++) {
		role = ty->roles[i];
		keys = rng_percent(r, 75) ? 1 : GEN_KEYS;
		if (role != ROLE_WHO && rng_percent(r, 30))
			continue;
		co->keys[role] = 1u << rng_below(r, keys);
		if (role == ROLE_CROWD && rng_percent(r, 50))
			co->keys[role] |= 1u << rng_below(r, GEN_KEYS);
	}
	for (i = 0; i <= FIELD_NOTE; i++)
		if (rng_percent(r, i == FIELD_NOTE ? 10 : 80))
			co->fields[i] = random_field(r, i, ti);
}

static void
random_retraction(struct rng *r, struct gen_set *set, struct gen_content *co, const struct times *ti)
{
	const struct gen_content *other = &set->contents[rng_below(r, set->n_contents + 1)];

	co->type = GEN_RETRACTION;
	co->time = random_time(r, ti);
	co->target_source = other->source; /* perhaps itself, perhaps another retraction */
	co->target_id = other->id;
	if (rng_percent(r, 15)) {
		co->target_source = rng_below(r, GEN_SOURCES);
		co->target_id = rng_below(r, GEN_IDS); /* perhaps of what never comes, or comes later in the list */
	}
}

/* Another content for an identity that is there: everything new, one thing changed, or what another identity has. */
static void
random_conflict(struct rng *r, struct gen_set *set, struct gen_content *co, const struct times *ti)
{
	unsigned from = rng_below(r, set->n_contents), field;

	*co = set->contents[from];
	if (rng_percent(r, 20)) {
		from = rng_below(r, set->n_contents);
		co->source = set->contents[from].source;
		co->id = set->contents[from].id;
		return;
	}
	if (co->type == GEN_RETRACTION || rng_percent(r, 30)) {
		memset(co->keys, 0, sizeof(co->keys));
		memset(co->fields, 0, sizeof(co->fields));
		if (rng_percent(r, 20))
			random_retraction(r, set, co, ti);
		else
			random_content(r, set, co, ti);
		return;
	}
	if (rng_percent(r, 40)) {
		co->time = random_time(r, ti);
		return;
	}
	field = rng_below(r, FIELD_NOTE + 1);
	co->fields[field] = random_field(r, field, ti);
}

static void
random_contents(struct rng *r, struct gen_set *set, const struct times *ti)
{
	/* A third is large: timelines of more than some dozens of entries keep their windows from trigger to trigger. */
	unsigned n = (unsigned)(rng_percent(r, 33) ? between(r, 50, GEN_CONTENTS) : between(r, 8, 40)), i;
	unsigned retracted = rng_percent(r, 70) ? 12 : 0, conflicting = rng_percent(r, 60) ? 10 : 0;

	for (i = 0; i < n; i++) {
		struct gen_content *co = &set->contents[i];

		memset(co, 0, sizeof(*co));
		set->n_contents = i;
		co->source = rng_percent(r, 60) ? 0 : rng_below(r, GEN_SOURCES);
		co->id = i * 7 % GEN_IDS;
		if (i != 0 && rng_percent(r, conflicting))
			random_conflict(r, set, co, ti);
		else if (rng_percent(r, retracted))
			random_retraction(r, set, co, ti);
		else
			random_content(r, set, co, ti);
	}
	set->n_contents = n;
}

static bool
type_has_role(const struct gen_type *ty, unsigned role)
{
	unsigned i;

	for (i = 0; i < ty->n_roles; i++)
		if (ty->roles[i] == role)
			return true;
	return false;
}

static bool
type_has_kind(const struct gen_type *ty, unsigned kind)
{
	unsigned i;

	for (i = 0; i < ty->n_roles; i++)
		if (gen_role_kind(ty->roles[i]) == kind)
			return true;
	return false;
}

/* Some of the types that have the role (-1: any role of that kind); none if none has. */
static unsigned
random_types(struct rng *r, const struct gen_set *set, int role, unsigned kind)
{
	unsigned mask = 0, all = 0, i;

	for (i = 0; i < set->n_types; i++) {
		if (role >= 0 ? !type_has_role(&set->types[i], (unsigned)role) : !type_has_kind(&set->types[i], kind))
			continue;
		all |= 1u << i;
		if (rng_percent(r, 70))
			mask |= 1u << i;
	}
	return mask != 0 ? mask : all;
}

static int
random_role(struct rng *r, const struct gen_set *set, unsigned kind)
{
	int role, tries;

	for (tries = 0; tries < 20; tries++) {
		role = (int)rng_below(r, GEN_ROLES);
		if (gen_role_kind((unsigned)role) == kind && random_types(r, set, role, kind) != 0)
			return role;
	}
	return kind == 0 ? ROLE_WHO : ROLE_AT;
}

static void
random_active(struct rng *r, const struct gen_set *set, struct gen_feature *fe, unsigned kind)
{
	unsigned all = random_types(r, set, fe->role, kind), i;

	fe->key = rng_percent(r, 70) ? FIELD_TAG : FIELD_PLACE;
	fe->from = rng_percent(r, 50) ? FIELD_START : -1;
	fe->til = rng_percent(r, 50) ? FIELD_STOP : -1;
	for (i = 0; i < set->n_types; i++) {
		if ((all >> i & 1) == 0)
			continue;
		if (fe->opens == 0 || rng_percent(r, 25))
			fe->opens |= 1u << i;
		else if (rng_percent(r, 35))
			fe->reopens |= 1u << i;
		else
			fe->closes |= 1u << i;
	}
}

static const int any_field[] = {FIELD_TAG, FIELD_PLACE, FIELD_POINTS, FIELD_URGENT};

static void
random_where(struct rng *r, struct gen_feature *fe, unsigned i, const struct times *ti)
{
	struct gen_where *wh = &fe->where[i];

	wh->field = (unsigned)(i == 0 ? any_field[rng_below(r, 4)] : FIELD_WEIGHT);
	wh->n = 1 + rng_below(r, 2);
	wh->any[0] = random_field(r, wh->field, ti);
	wh->any[1] = random_field(r, wh->field, ti);
	if (gen_value_eq(&wh->any[0], &wh->any[1]))
		wh->n = 1;
}

static void
random_feature(struct rng *r, const struct gen_set *set, struct gen_feature *fe, unsigned kind, const struct times *ti)
{
	static const enum gen_op ops[] = {GEN_COUNT, GEN_COUNT, GEN_COUNT, GEN_DISTINCT, GEN_DISTINCT, GEN_DISTINCT, GEN_SUM, GEN_SUM, GEN_MIN,
	    GEN_MAX, GEN_FIRST, GEN_LAST, GEN_ACTIVE, GEN_ACTIVE, GEN_ACTIVE};
	static const int numbers[] = {FIELD_POINTS, FIELD_WEIGHT};
	static const int groups[] = {FIELD_PLACE, FIELD_TAG, FIELD_WEIGHT};
	unsigned i;

	*fe = (struct gen_feature){.op = ops[rng_below(r, sizeof(ops) / sizeof(ops[0]))], .of = -1, .by = -1, .key = -1, .from = -1, .til = -1};
	fe->role = rng_percent(r, 70) ? random_role(r, set, kind) : -1;
	fe->evidence = rng_percent(r, 70) ? 1 + rng_below(r, 6) : 0;
	if (fe->op == GEN_ACTIVE) {
		random_active(r, set, fe, kind);
		return;
	}
	fe->on = random_types(r, set, fe->role, kind);
	fe->window = rng_percent(r, 55) ? GEN_SPAN : (enum gen_window)rng_below(r, 4);
	if (fe->window == GEN_SPAN)
		fe->window_seconds = ti->unit * between(r, 1, 6);
	if (fe->op == GEN_SUM)
		fe->of = numbers[rng_below(r, 2)];
	else if (fe->op == GEN_MIN || fe->op == GEN_MAX)
		fe->of = rng_percent(r, 60) ? numbers[rng_below(r, 2)] : FIELD_START;
	else if (fe->op != GEN_COUNT)
		fe->of = any_field[rng_below(r, 4)];
	if (rng_percent(r, fe->op <= GEN_SUM ? 35 : 15))
		fe->by = groups[rng_below(r, 3)];
	if (fe->by == fe->of)
		fe->by = -1;
	fe->n_where = rng_percent(r, 30) ? 1 + rng_below(r, 2) : 0;
	for (i = 0; i < fe->n_where; i++)
		random_where(r, fe, i, ti);
}

static struct gen_read
random_read(struct rng *r, const struct gen_rule *ru)
{
	static const enum gen_attr grouped[] = {GEN_MINE, GEN_MINE, GEN_TOTAL, GEN_GROUPS, GEN_RANK};
	static const enum gen_attr active[] = {GEN_N, GEN_N, GEN_ITEM_KEY, GEN_ITEM_POINTS};
	static const unsigned fields[] = {FIELD_POINTS, FIELD_TAG, FIELD_URGENT};
	struct gen_read re = {.feature = (int)rng_below(r, ru->n_features)};
	const struct gen_feature *fe = &ru->features[re.feature];

	if (rng_percent(r, 15)) {
		re.feature = -1;
		re.field = fields[rng_below(r, 3)];
	} else if (rng_percent(r, 4))
		re.attr = GEN_CONTESTED;
	else if (fe->op == GEN_ACTIVE)
		re.attr = active[rng_below(r, 4)];
	else if (fe->by >= 0)
		re.attr = fe->op <= GEN_SUM ? grouped[rng_below(r, 5)] : rng_percent(r, 70) ? GEN_MINE : GEN_GROUPS;
	else if (fe->op == GEN_COUNT || fe->op == GEN_DISTINCT)
		re.attr = GEN_N;
	else
		re.attr = rng_percent(r, 80) ? GEN_VALUE : GEN_N;
	return re;
}

/* The kind of value that a read gives, where it is there. */
static enum gen_kind
read_kind(const struct gen_rule *ru, const struct gen_read *re)
{
	if (re->feature < 0)
		return gen_field_kind[re->field];
	if (re->attr == GEN_ITEM_KEY)
		return GEN_STR;
	if (re->attr == GEN_CONTESTED)
		return GEN_BOOL;
	if ((re->attr == GEN_VALUE || (re->attr == GEN_MINE && ru->features[re->feature].op > GEN_SUM)) && ru->features[re->feature].of >= 0)
		return gen_field_kind[ru->features[re->feature].of];
	return GEN_INT;
}

static void
random_atom(struct rng *r, const struct gen_rule *ru, struct gen_atom *at)
{
	enum gen_kind kind;

	*at = (struct gen_atom){.read = random_read(r, ru)};
	kind = read_kind(ru, &at->read);
	if (at->read.feature >= 0 && at->read.attr == GEN_MINE && ru->features[at->read.feature].op <= GEN_SUM && rng_percent(r, 20)) {
		at->read.attr = GEN_SHARE;
		at->with = (struct gen_value){.kind = GEN_REAL, .d = (double)rng_below(r, 4) / 4}; /* a quarter is exact */
		return;
	}
	at->with.kind = kind;
	if (kind == GEN_INT && !rng_percent(r, 5)) {
		at->cmp = rng_percent(r, 75) ? CMP_AT_LEAST : rng_percent(r, 50) ? CMP_AT_MOST : CMP_EQUAL;
		at->with.i = between(r, at->read.attr == GEN_RANK ? 1 : 0, 3);
	} else if (kind == GEN_STR && rng_percent(r, 50)) {
		at->cmp = CMP_EQUAL;
		at->with.s = tag_names[rng_below(r, 4)];
	} else if (kind == GEN_BOOL && rng_percent(r, 50)) {
		at->cmp = CMP_EQUAL;
		at->with.i = rng_percent(r, 50);
	} else
		at->cmp = kind == GEN_INT ? CMP_RAISE : rng_percent(r, 75) ? CMP_PRESENT : CMP_ABSENT;
}

static unsigned
random_outcome(struct rng *r, unsigned alerting)
{
	if (rng_percent(r, alerting))
		return rng_below(r, 5);
	return rng_percent(r, 70) ? 5 : 6;
}

static void
random_branches(struct rng *r, struct gen_rule *ru)
{
	unsigned i, j;

	ru->n_branches = 1 + rng_below(r, GEN_BRANCHES);
	ru->last = random_outcome(r, 15);
	for (i = 0; i < ru->n_branches; i++) {
		struct gen_branch *br = &ru->branches[i];

		br->outcome = random_outcome(r, i == 0 ? 100 : 75); /* a rule must be able to alert */
		br->any = rng_percent(r, 40);
		br->n_atoms = 1 + rng_below(r, GEN_ATOMS);
		for (j = 0; j < br->n_atoms; j++)
			random_atom(r, ru, &br->atoms[j]);
		br->n_values = rng_below(r, GEN_VALUES + 1);
		for (j = 0; j < br->n_values; j++)
			br->values[j] = random_read(r, ru);
	}
}

static void
random_rule(struct rng *r, const struct gen_set *set, struct gen_rule *ru, const struct times *ti)
{
	static const unsigned episodes[] = {FIELD_TAG, FIELD_PLACE, FIELD_POINTS, FIELD_URGENT};
	unsigned i;

	memset(ru, 0, sizeof(*ru));
	ru->role = (unsigned)random_role(r, set, rng_percent(r, 80) ? 0 : 1);
	if (random_types(r, set, (int)ru->role, 0) == 0)
		ru->role = ROLE_WHO;
	ru->on = random_types(r, set, (int)ru->role, 0);
	ru->need = rng_percent(r, 20) ? (int)rng_below(r, 5) : -1;
	ru->n_features = 1 + rng_below(r, GEN_FEATURES);
	for (i = 0; i < ru->n_features; i++)
		random_feature(r, set, &ru->features[i], gen_role_kind(ru->role), ti);
	random_branches(r, ru);
	if (rng_percent(r, 40)) {
		ru->episode[0] = episodes[rng_below(r, 4)];
		ru->n_episode = 1;
		if (rng_percent(r, 20)) {
			ru->episode[1] = FIELD_WEIGHT;
			ru->n_episode = 2;
		}
	}
	ru->once = rng_percent(r, 15);
	ru->again_each = rng_percent(r, 30);
	ru->quiet = ti->unit * (rng_percent(r, 70) ? 1 : between(r, 2, 3));
	if (rng_percent(r, 5))
		ru->quiet = 0;
	ru->expires = rng_percent(r, 10) ? 0 : ti->unit * between(r, 1, 8);
	ru->deliver = rng_percent(r, 30) ? (int)episodes[rng_below(r, 4)] : -1;
}

/* Counts the same as `other`, but for its window and evidence, or almost. */
static void
random_kin(struct rng *r, struct gen_feature *fe, const struct gen_feature *other, const struct times *ti)
{
	fe->on = other->on;
	fe->role = other->role;
	fe->of = other->of;
	fe->n_where = other->n_where;
	memcpy(fe->where, other->where, sizeof(fe->where));
	switch (rng_below(r, 6)) {
	case 0:
	case 1:
		fe->n_where = fe->n_where == 0 ? 1 : fe->n_where;
		random_where(r, fe, fe->n_where - 1, ti);
		break;
	case 2:
		fe->role = -1;
		break;
	case 3:
		if ((fe->on & (fe->on - 1)) != 0)
			fe->on &= fe->on - 1;
		break;
	case 4:
		if (fe->op == GEN_DISTINCT)
			fe->of = any_field[rng_below(r, 4)];
		break;
	default:
		break;
	}
}

/* Rules that look at the same entries are judged together: what is found for one must not be taken for what another, that looks at
 * almost the same, asks for. Numbers of its own: the sets are otherwise what they were, and every fourth one wholly. */
static void
relate(struct gen_set *set, const struct times *ti)
{
	struct rng r = {set->seed ^ UINT64_C(0x5851f42d4c957f2d)};
	struct gen_feature *all[GEN_RULES * GEN_FEATURES];
	unsigned kinds[GEN_RULES * GEN_FEATURES], n = 0, i, j, k;

	for (i = 0; i < set->n_rules && set->seed % 4 != 0; i++)
		for (j = 0; j < set->rules[i].n_features; j++) {
			struct gen_feature *fe = &set->rules[i].features[j];

			if ((fe->op != GEN_COUNT && fe->op != GEN_DISTINCT) || fe->by >= 0)
				continue;
			all[n] = fe;
			kinds[n] = gen_role_kind(set->rules[i].role);
			for (k = 0; k < n; k++)
				if (all[k]->op == fe->op && kinds[k] == kinds[n] && rng_percent(&r, 50)) {
					random_kin(&r, fe, all[k], ti);
					break;
				}
			n++;
		}
}

static void
random_contracts(struct rng *r, struct gen_set *set)
{
	unsigned i, j, k;

	set->n_types = 2 + rng_below(r, GEN_TYPES - 1);
	for (i = 0; i < set->n_types; i++) {
		struct gen_type *ty = &set->types[i];

		ty->roles[ty->n_roles++] = ROLE_WHO;
		for (j = 1; j < GEN_ROLES; j++) {
			if (!rng_percent(r, 50))
				continue;
			k = rng_below(r, ty->n_roles + 1); /* at a random place: the order of roles is part of the total order */
			memmove(ty->roles + k + 1, ty->roles + k, (ty->n_roles - k) * sizeof(ty->roles[0]));
			ty->roles[k] = j;
			ty->n_roles++;
		}
	}
}

void
gen_seal(struct gen_set *set)
{
	struct buf b = {0};
	unsigned i;

	for (i = 0; i < set->n_contents; i++) {
		buf_clear(&b);
		gen_print_canonical(&b, &set->contents[i], set);
		SHA256((const unsigned char *)b.p, b.n, set->contents[i].sha256);
	}
	buf_free(&b);
}

void
gen_set(struct gen_set *ret, uint64_t seed)
{
	struct rng r = {seed * UINT64_C(0x2545f4914f6cdd1d)};
	struct times ti;
	unsigned i;

	memset(ret, 0, sizeof(*ret));
	ret->seed = seed;
	random_times(&r, &ti);
	random_contracts(&r, ret);
	random_contents(&r, ret, &ti);
	ret->n_rules = 1 + rng_below(&r, GEN_RULES);
	for (i = 0; i < ret->n_rules; i++)
		random_rule(&r, ret, &ret->rules[i], &ti);
	relate(ret, &ti);
	ret->ticks = rng_percent(&r, 30);
	ret->tick = (struct gen_time){ti.base + ti.unit * (int64_t)rng_below(&r, 2 * ti.steps), 0};
	for (i = 0; i < ret->n_rules && ret->ticks; i++) {
		struct gen_rule *ru = &ret->rules[i];

		ru->has_review = rng_percent(&r, 40);
		ru->review = (ti.base + ti.unit * (int64_t)rng_below(&r, ti.steps)) / 86400 - 1;
	}
	ret->span = (unsigned)ti.unit * ti.steps;
	gen_add_costs(ret);
	gen_seal(ret);
}
