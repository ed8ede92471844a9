#include "tests/property/gen.h"

#include "engine/engine.h"

#include <stdio.h>

static const char *const op_names[] = {"count", "distinct", "sum", "min", "max", "first", "last", "active"};
static const char *const attr_names[] = {"n", "value", "mine", "total", "groups", "rank", "share", "mean", "", "", "contested"};

void
gen_rule_id(char ret[24], unsigned rule)
{
	snprintf(ret, 24, "random-%u", rule);
}

static void
print_types(struct buf *b, const char *name, unsigned mask)
{
	unsigned i, n = 0;

	buf_printf(b, " %s = {", name);
	for (i = 0; i < GEN_TYPES; i++)
		if ((mask >> i & 1) != 0)
			buf_printf(b, "%s\"%s\"", n++ == 0 ? " " : ", ", gen_type_name[i]);
	buf_add_str(b, " },");
}

/* Durations are whole minutes: as the largest unit that divides them. */
static void
print_duration(struct buf *b, int64_t seconds)
{
	if (seconds % 86400 == 0)
		buf_printf(b, "\"%lldd\"", (long long)(seconds / 86400));
	else if (seconds % 3600 == 0)
		buf_printf(b, "\"%lldh\"", (long long)(seconds / 3600));
	else
		buf_printf(b, "\"%lldm\"", (long long)(seconds / 60));
}

static void
print_literal(struct buf *b, const struct gen_value *v)
{
	if (v->kind == GEN_STR)
		buf_printf(b, "\"%s\"", v->s);
	else if (v->kind == GEN_BOOL)
		buf_add_str(b, v->i != 0 ? "true" : "false");
	else if (v->kind == GEN_REAL)
		buf_printf(b, "%.2f", v->d);
	else
		buf_printf(b, "%lld", (long long)v->i);
}

static void
print_window(struct buf *b, const struct gen_feature *fe, unsigned index)
{
	unsigned i, j;

	print_types(b, "on", fe->on);
	if (fe->window == GEN_SPAN && index % 2 == 0)
		buf_printf(b, " within = \"span%u\",", index);
	else if (fe->window == GEN_SPAN) {
		buf_add_str(b, " within = ");
		print_duration(b, fe->window_seconds);
		buf_add_str(b, ",");
	} else if (fe->window != GEN_ALL)
		buf_printf(b, " within = \"%s\",", fe->window == GEN_YEAR ? "jalali_year" : "jalali_month");
	if (fe->n_where != 0)
		buf_add_str(b, " where = {");
	for (i = 0; i < fe->n_where; i++) {
		buf_printf(b, "%s %s = {", i == 0 ? "" : ",", gen_field_name[fe->where[i].field]);
		for (j = 0; j < fe->where[i].n; j++) {
			buf_add_str(b, j == 0 ? " " : ", ");
			print_literal(b, &fe->where[i].any[j]);
		}
		buf_add_str(b, " }");
	}
	if (fe->n_where != 0)
		buf_add_str(b, " },");
}

static void
print_feature(struct buf *b, const struct gen_feature *fe, unsigned index)
{
	buf_printf(b, "    f%u = { op = \"%s\",", index, op_names[fe->op]);
	if (fe->op == GEN_ACTIVE) {
		print_types(b, "opens", fe->opens);
		if (fe->reopens != 0)
			print_types(b, "reopens", fe->reopens);
		if (fe->closes != 0)
			print_types(b, "closes", fe->closes);
	} else
		print_window(b, fe, index);
	if (fe->role >= 0)
		buf_printf(b, " role = \"%s\",", gen_role_name[fe->role]);
	if (fe->of >= 0)
		buf_printf(b, " of = \"%s\",", gen_field_name[fe->of]);
	if (fe->by >= 0)
		buf_printf(b, " by = \"%s\",", gen_field_name[fe->by]);
	if (fe->key >= 0)
		buf_printf(b, " key = \"%s\",", gen_field_name[fe->key]);
	if (fe->from >= 0)
		buf_printf(b, " from = \"%s\",", gen_field_name[fe->from]);
	if (fe->til >= 0)
		buf_printf(b, " til = \"%s\",", gen_field_name[fe->til]);
	if (fe->evidence != 0)
		buf_printf(b, " evidence = %u,", fe->evidence);
	buf_add_str(b, " },\n");
}

static void
print_read(struct buf *b, const struct gen_read *re)
{
	if (re->feature < 0)
		buf_printf(b, "e.%s", gen_field_name[re->field]);
	else if (re->attr == GEN_ITEM_KEY || re->attr == GEN_ITEM_POINTS)
		buf_printf(b, "item(f.f%d, \"%s\")", re->feature, re->attr == GEN_ITEM_KEY ? "key" : "points");
	else
		buf_printf(b, "f.f%d.%s", re->feature, attr_names[re->attr]);
}

static void
print_atom(struct buf *b, const struct gen_atom *at, bool other)
{
	static const char *const signs[] = {">=", "<=", "==", "~=", "==", ">="};
	struct gen_value with = at->with;

	if (at->off) {
		buf_add_str(b, "true");
		return;
	}
	with.i += other && with.kind == GEN_INT;
	if (at->cmp == CMP_AT_LEAST || at->cmp == CMP_AT_MOST) {
		buf_add_str(b, "(");
		print_read(b, &at->read);
		buf_add_str(b, " or 0)");
	} else
		print_read(b, &at->read);
	buf_printf(b, " %s ", signs[at->cmp]);
	if (at->cmp == CMP_PRESENT || at->cmp == CMP_ABSENT)
		buf_add_str(b, "nil");
	else
		print_literal(b, &with);
}

static void
print_branch(struct buf *b, const struct gen_branch *br, bool other)
{
	unsigned i;

	buf_add_str(b, "    if ");
	for (i = 0; i < br->n_atoms; i++) {
		buf_add_str(b, i == 0 ? "" : br->any ? " or " : " and ");
		print_atom(b, &br->atoms[i], other);
	}
	buf_printf(b, " then return \"%s\", {", gen_outcome_name[br->outcome]);
	for (i = 0; i < br->n_values; i++) {
		buf_printf(b, "%sv%u = ", i == 0 ? " " : ", ", i);
		print_read(b, &br->values[i]);
	}
	buf_add_str(b, " } end\n");
}

static void
print_fields(struct buf *b, const struct gen_set *set, const struct gen_rule *ru)
{
	unsigned i, n = 0;

	if (ru->need >= 0)
		buf_printf(b, "  need = { \"%s\" },\n", gen_field_name[ru->need]);
	else
		buf_add_str(b, "  need = {},\n");
	buf_add_str(b, "  want = {");
	for (i = 0; i < FIELD_NOTE; i++)
		if ((int)i != ru->need)
			buf_printf(b, "%s\"%s\"", n++ == 0 ? " " : ", ", gen_field_name[i]);
	buf_printf(b, "%s },\n", set->costs ? ", \"cost\"" : "");
}

static void
print_params(struct buf *b, const struct gen_rule *ru)
{
	unsigned i;

	buf_add_str(b, "  params = {");
	for (i = 0; i < ru->n_features; i += 2) /* print_window writes the others' spans down as they are */
		if (!ru->features[i].off && ru->features[i].op != GEN_ACTIVE && ru->features[i].window == GEN_SPAN)
			buf_printf(b,
			    " span%u = { type = \"duration\", unit = \"minute\", default = %lld, min = 1, max = 1000000, doc = \"a span\" },", i,
			    (long long)ru->features[i].window_seconds / 60);
	buf_add_str(b, " },\n");
}

static void
print_outcomes(struct buf *b, const struct gen_rule *ru)
{
	static const char *const levels[] = {"", "info", "warning", "critical"};
	unsigned used = 1u << ru->last, i;

	for (i = 0; i < ru->n_branches; i++)
		if (!ru->branches[i].off)
			used |= 1u << ru->branches[i].outcome;
	buf_add_str(b, "  outcomes = {\n");
	for (i = 0; i < GEN_OUTCOMES; i++) {
		if ((used >> i & 1) == 0)
			continue;
		if (gen_outcome_level[i] == 0)
			buf_printf(b, "    %s = { clear = true },\n", gen_outcome_name[i]);
		else
			buf_printf(b, "    %s = { %s%s%s, fa = \"%s\", en = \"%s\" },\n", gen_outcome_name[i],
			    gen_outcome_level[i] < 0 ? "unknown = true" : "alert = \"", gen_outcome_level[i] < 0 ? "" : levels[gen_outcome_level[i]],
			    gen_outcome_level[i] < 0 ? "" : "\"",
			    gen_outcome_level[i] < 0 ? "\xd9\x86\xd8\xa7\xd9\x85\xd8\xb9\xd9\x84\xd9\x88\xd9\x85"
						     : "\xd8\xa8\xd8\xa8\xdb\x8c\xd9\x86\xdb\x8c\xd8\xaf",
			    gen_outcome_level[i] < 0 ? "Something is missing." : "Look at this.");
	}
	buf_add_str(b, "  },\n");
}

static void
print_alerting(struct buf *b, const struct gen_rule *ru)
{
	unsigned i;

	buf_add_str(b, "  alerting = { episode = { \"subject\"");
	for (i = 0; i < ru->n_episode; i++)
		buf_printf(b, ", \"%s\"", gen_field_name[ru->episode[i]]);
	buf_add_str(b, " },");
	if (ru->once)
		buf_add_str(b, " episode_once = true,");
	buf_add_str(b, " quiet = ");
	print_duration(b, ru->quiet);
	buf_printf(b, ", again_if = \"%s\", expires = ", ru->again_each ? "each" : "rises");
	print_duration(b, ru->expires);
	if (ru->deliver >= 0)
		buf_printf(b, ", deliver = { judge = \"%s\" }", gen_field_name[ru->deliver]);
	buf_add_str(b, ", contest = true },\n");
}

/* What the rule of this number says. */
static const struct gen_rule *
body(const struct gen_set *set, unsigned rule, bool other)
{
	return &set->rules[(rule + (other && (set->seed & 4) != 0)) % set->n_rules];
}

bool
gen_has_rule(const struct gen_set *set, unsigned rule, bool other)
{
	if (body(set, rule, other)->off || (rule == set->n_rules && !(other && (set->seed & 2) != 0)))
		return false;
	return !(other && (set->seed & 1) != 0 && rule > 0 && rule + 1 == set->n_rules);
}

void
gen_print_rule(struct buf *b, const struct gen_set *set, unsigned rule, bool other)
{
	const struct gen_rule *ru = body(set, rule, other);
	bool has_review = ru->has_review, shifted = other && (set->seed & 32) == 0;
	int64_t day = ru->review;
	struct buf review = {0};
	char id[24];
	unsigned i;

	gen_rule_id(id, rule);
	buf_add_str(b, "local function item(f, name)\n"
		       "  local first = f.items[1]\n"
		       "  if first == nil then return nil end\n"
		       "  return first[name]\n"
		       "end\n");
	buf_printf(b, "return {\n  api = 1, id = \"%s\", version = \"1.0.%d\", kind = \"notice\",\n", id, (int)other);
	if (other && (set->seed & 8) != 0) {
		has_review = set->ticks && !has_review;
		day = set->tick.sec / 86400 - 2;
	}
	if (has_review)
		gen_time_text(&review, (struct gen_time){day * 86400, 0}, 0, 0);
	buf_printf(b, "  owner = \"tests\", audience = { \"judge\" }, legal_basis = \"none: made-up events\", review_by = \"%.10s\",\n",
	    has_review ? review.p : "9999-12-31");
	buf_free(&review);
	buf_add_str(b,
	    "  doc = { what = \"a random rule\", misses = { \"what is not generated\" }, false_positives = { \"everything, it is random\" },\n"
	    "          runbook = { \"look at the seed\" } },\n");
	print_params(b, ru);
	buf_add_str(b, " ");
	print_types(b, "on", ru->on);
	buf_printf(b, " subject = \"%s\",\n", gen_role_name[ru->role]);
	print_fields(b, set, ru);
	buf_add_str(b, "  features = {\n");
	for (i = 0; i < ru->n_features; i++)
		if (!ru->features[i].off)
			print_feature(b, &ru->features[i], i);
	buf_add_str(b, "  },\n  evaluate = function(e, f, p)\n");
	for (i = 0; i < ru->n_branches; i++)
		if (!ru->branches[i].off)
			print_branch(b, &ru->branches[i], shifted);
	buf_printf(b, "    return \"%s\"\n  end,\n", gen_outcome_name[ru->last]);
	print_outcomes(b, ru);
	print_alerting(b, ru);
	buf_add_str(b, "}\n");
}

int
gen_rule_set(struct ruleset_source *ret, const struct gen_set *set, bool other, struct err *err)
{
	struct buf b = {0};
	char name[64], id[24];
	unsigned i;
	int rc = 0;

	for (i = 0; i < set->n_types + 1 && rc == 0; i++) {
		unsigned type = i < set->n_types ? i : GEN_RETRACTION;

		buf_clear(&b);
		gen_print_contract(&b, set, type, other);
		snprintf(name, sizeof(name), "%s.json", gen_type_name[type]);
		rc = ruleset_source_add_contract(ret, slice_str(name), buf_slice(&b), err);
	}
	for (i = 0; i < set->n_rules + 1 && rc == 0; i++) {
		if (!gen_has_rule(set, i, other))
			continue;
		buf_clear(&b);
		gen_print_rule(&b, set, i, other);
		gen_rule_id(id, i);
		snprintf(name, sizeof(name), "%s.lua", id);
		rc = ruleset_source_add_rule(ret, slice_str(name), buf_slice(&b), err);
	}
	buf_free(&b);
	return rc;
}
