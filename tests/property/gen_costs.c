/* Decimals and means, added to a set that is there. Every fourth one stays what it is, so that sets that once found something can
 * be kept; what comes to be added later leaves these alone too. */
#include "tests/property/gen.h"

static struct gen_value
random_cost(struct rng *r, unsigned scale)
{
	static const int64_t quarters[] = {0, 500000000, 250000000, 750000000};
	struct gen_value v = {.kind = GEN_DEC, .digits = rng_below(r, scale + 1)};
	int64_t unit = GEN_DEC_ONE;
	unsigned i;

	for (i = 0; i < v.digits; i++)
		unit /= 10;
	v.i = ((int64_t)rng_below(r, 5) - 1) * GEN_DEC_ONE;
	if (rng_percent(r, 60)) /* what often comes again, perhaps with other zeros behind it */
		v.i += v.digits == 0 ? 0 : quarters[rng_below(r, v.digits == 1 ? 2 : 4)];
	else
		v.i += (int64_t)rng_below(r, (unsigned)(GEN_DEC_ONE / unit)) * unit;
	return v;
}

/* Contents of one identity often have the same cost: with a new one for each there would be no duplicates. */
static void
add_contents(struct rng *r, struct gen_set *set)
{
	unsigned i, j;

	for (i = 0; i < set->n_contents; i++) {
		struct gen_content *co = &set->contents[i];

		if (co->type == GEN_RETRACTION)
			continue;
		if (rng_percent(r, 80))
			co->fields[FIELD_COST] = random_cost(r, set->scale[co->type]);
		for (j = 0; j < i; j++)
			if (set->contents[j].source == co->source && set->contents[j].id == co->id && set->contents[j].type == co->type &&
			    rng_percent(r, 70))
				co->fields[FIELD_COST] = set->contents[j].fields[FIELD_COST];
	}
}

/* `alike`: all types have one scale. Else equal costs of two types are two values for distinct and by, which these do not ask for. */
static void
turn_to_costs(struct rng *r, struct gen_feature *fe, bool alike)
{
	static const enum gen_op ops[] = {GEN_SUM, GEN_MIN, GEN_MAX};
	unsigned percent = fe->op == GEN_SUM || fe->op == GEN_MIN || fe->op == GEN_MAX ? 75 : 20;

	if (fe->op == GEN_ACTIVE)
		return;
	if (fe->op == GEN_COUNT && rng_percent(r, 20)) {
		fe->op = fe->by < 0 ? ops[rng_below(r, 3)] : GEN_SUM; /* with by its total and rank are read */
		fe->of = FIELD_COST;
	} else if (fe->op != GEN_COUNT && (fe->op != GEN_DISTINCT || alike) && rng_percent(r, percent))
		fe->of = FIELD_COST;
	if (fe->by >= 0 && fe->of != FIELD_COST && alike && rng_percent(r, 20))
		fe->by = FIELD_COST;
}

/* What a rule sees is a number with a fraction. */
static bool
reads_cost(const struct gen_rule *ru, const struct gen_read *re)
{
	const struct gen_feature *fe;

	if (re->feature < 0)
		return re->field == FIELD_COST;
	fe = &ru->features[re->feature];
	return fe->of == FIELD_COST && fe->op != GEN_DISTINCT && (re->attr == GEN_VALUE || re->attr == GEN_MINE || re->attr == GEN_TOTAL);
}

static void
turn_read(struct rng *r, const struct gen_set *set, const struct gen_rule *ru, struct gen_read *re)
{
	const struct gen_feature *fe = re->feature < 0 ? NULL : &ru->features[re->feature];

	if (fe == NULL) {
		if (set->costs && rng_percent(r, 30))
			re->field = FIELD_COST;
		return;
	}
	if (fe->of == FIELD_COST && fe->op != GEN_DISTINCT && fe->by < 0 && re->attr == GEN_N && rng_percent(r, 60))
		re->attr = GEN_VALUE;
	if (fe->op <= GEN_SUM && fe->by >= 0 && rng_percent(r, 30))
		re->attr = GEN_MEAN;
}

static void
turn_atom(struct rng *r, const struct gen_set *set, const struct gen_rule *ru, struct gen_atom *at)
{
	static const int cmps[] = {CMP_AT_LEAST, CMP_AT_LEAST, CMP_AT_LEAST, CMP_AT_LEAST, CMP_AT_LEAST, CMP_AT_MOST, CMP_AT_MOST, CMP_EQUAL,
	    CMP_PRESENT, CMP_ABSENT, CMP_RAISE};

	turn_read(r, set, ru, &at->read);
	if (at->read.attr != GEN_MEAN && !reads_cost(ru, &at->read))
		return;
	at->with = (struct gen_value){.kind = GEN_REAL, .d = (double)rng_below(r, 12) / 4}; /* a quarter is exact */
	at->cmp = cmps[rng_below(r, sizeof(cmps) / sizeof(cmps[0]))];
}

void
gen_add_costs(struct gen_set *set)
{
	struct rng r = {set->seed ^ UINT64_C(0x3c6ef372fe94f82b)};
	bool alike = rng_percent(&r, 40);
	unsigned i, j, k;

	if (set->seed % 4 == 0)
		return;
	set->costs = rng_percent(&r, 75);
	for (i = 0; i < set->n_types; i++)
		set->scale[i] = i > 0 && alike ? set->scale[0] : rng_below(&r, GEN_DEC_SCALE + 1);
	if (set->costs)
		add_contents(&r, set);
	for (i = 0; i < set->n_rules; i++) {
		struct gen_rule *ru = &set->rules[i];

		for (j = 0; j < ru->n_features && set->costs; j++)
			turn_to_costs(&r, &ru->features[j], alike);
		for (j = 0; j < ru->n_branches; j++) {
			for (k = 0; k < ru->branches[j].n_atoms; k++)
				turn_atom(&r, set, ru, &ru->branches[j].atoms[k]);
			for (k = 0; k < ru->branches[j].n_values; k++)
				turn_read(&r, set, ru, &ru->branches[j].values[k]);
		}
	}
}
