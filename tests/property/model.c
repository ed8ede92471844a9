#include "tests/property/model_feature.h"

#include <stdlib.h>

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* ---- what stands ---------------------------------------------------------------------------------------------- */

static bool
same_identity(const struct gen_content *a, const struct gen_content *b)
{
	return a->source == b->source && a->id == b->id;
}

/* Of an identity's accepted contents the one with the smallest SHA-256 counts. */
static void
find_standing(struct model *mo)
{
	const struct gen_content *all = mo->set->contents;
	unsigned i, j, n = mo->set->n_contents;

	for (i = 0; i < n; i++) {
		mo->standing[i] = mo->present[i];
		mo->contested[i] = false;
		for (j = 0; j < n && mo->present[i]; j++) {
			int c = memcmp(all[j].sha256, all[i].sha256, 32);

			if (!mo->present[j] || !same_identity(&all[i], &all[j]))
				continue;
			if (c < 0 || (c == 0 && j < i)) /* equal ones are one content: the first speaks for all */
				mo->standing[i] = false;
			if (c != 0)
				mo->contested[i] = true;
		}
	}
}

bool
model_counts(const struct model *mo, unsigned content)
{
	const struct gen_content *all = mo->set->contents;
	unsigned i;

	for (i = 0; i < mo->set->n_contents; i++)
		if (mo->standing[i] && same_identity(&all[i], &all[content]) && memcmp(all[i].sha256, all[content].sha256, 32) == 0)
			return true;
	return false;
}

/* A standing retraction takes out what it names, unless that is itself or another retraction. */
static void
apply_retractions(struct model *mo)
{
	const struct gen_content *all = mo->set->contents;
	bool out[GEN_CONTENTS] = {false};
	unsigned i, j, n = mo->set->n_contents;

	for (i = 0; i < n; i++)
		for (j = 0; j < n && mo->standing[i] && all[i].type == GEN_RETRACTION; j++)
			if (mo->standing[j] && all[j].type != GEN_RETRACTION && all[j].source == all[i].target_source &&
			    all[j].id == all[i].target_id)
				out[j] = true;
	for (i = 0; i < n; i++)
		mo->standing[i] = mo->standing[i] && !out[i];
}

static unsigned
role_place(const struct gen_set *set, const struct gen_content *co, unsigned role)
{
	const struct gen_type *ty = &set->types[co->type];
	unsigned i;

	for (i = 0; i < ty->n_roles; i++)
		if (ty->roles[i] == role)
			break;
	return i;
}

static int
entry_cmp(const struct gen_set *set, struct model_entry a, struct model_entry b)
{
	const struct gen_content *x = &set->contents[a.content], *y = &set->contents[b.content];
	int c = model_content_cmp(x, y);

	return c != 0 ? c : (int)role_place(set, x, a.role) - (int)role_place(set, y, b.role);
}

static void
build_timeline(struct model_timeline *tl, const struct model *mo, unsigned subject)
{
	const struct gen_set *set = mo->set;
	unsigned i, j, role;
	struct model_entry t;

	tl->mo = mo;
	tl->n = 0;
	for (i = 0; i < set->n_contents; i++)
		for (role = 0; role < GEN_ROLES && mo->standing[i] && set->contents[i].type != GEN_RETRACTION; role++)
			if (gen_role_kind(role) == subject / GEN_KEYS && (set->contents[i].keys[role] >> subject % GEN_KEYS & 1) != 0)
				tl->v[tl->n++] = (struct model_entry){i, role};
	for (i = 1; i < tl->n; i++)
		for (j = i; j > 0 && entry_cmp(set, tl->v[j], tl->v[j - 1]) < 0; j--) {
			t = tl->v[j];
			tl->v[j] = tl->v[j - 1];
			tl->v[j - 1] = t;
		}
}

/* ---- a rule at a trigger -------------------------------------------------------------------------------------- */

static struct gen_value
read_attr(const struct gen_read *re, const struct gen_content *trigger, const struct model_result *fr)
{
	if (re->feature < 0)
		return trigger->fields[re->field];
	fr += re->feature;
	switch (re->attr) {
	case GEN_N:
		return fr->n;
	case GEN_VALUE:
		return fr->value;
	case GEN_MINE:
		return fr->mine;
	case GEN_TOTAL:
		return fr->total;
	case GEN_GROUPS:
		return fr->groups;
	case GEN_RANK:
		return fr->rank;
	case GEN_SHARE:
		return fr->share;
	case GEN_MEAN:
		return fr->mean;
	case GEN_ITEM_KEY:
		return fr->item_key;
	case GEN_ITEM_POINTS:
		return fr->item_points;
	default:
		return fr->contested;
	}
}

/* A rule sees a time as whole seconds, a decimal as the nearest number. */
static struct gen_value
read_value(const struct gen_read *re, const struct gen_content *trigger, const struct model_result *fr)
{
	struct gen_value v = read_attr(re, trigger, fr);

	if (v.kind == GEN_TIME)
		return (struct gen_value){.kind = GEN_INT, .i = v.t.sec};
	return v.kind == GEN_DEC ? (struct gen_value){.kind = GEN_REAL, .d = (double)v.i / (double)GEN_DEC_ONE} : v;
}

/* 1 true, 0 false, -1 the rule stops with an error. */
static int
atom_holds(const struct gen_atom *at, const struct gen_content *trigger, const struct model_result *fr)
{
	bool real = at->with.kind == GEN_REAL;
	struct gen_value v;

	if (at->off)
		return 1;
	v = read_value(&at->read, trigger, fr);
	switch (at->cmp) {
	case CMP_AT_LEAST:
		if (real)
			return (v.kind == GEN_NONE ? 0 : v.d) >= at->with.d;
		return (v.kind == GEN_NONE ? 0 : v.i) >= at->with.i;
	case CMP_AT_MOST:
		if (real)
			return (v.kind == GEN_NONE ? 0 : v.d) <= at->with.d;
		return (v.kind == GEN_NONE ? 0 : v.i) <= at->with.i;
	case CMP_EQUAL:
		return gen_value_eq(&v, &at->with);
	case CMP_PRESENT:
		return v.kind != GEN_NONE;
	case CMP_ABSENT:
		return v.kind == GEN_NONE;
	default:
		return v.kind == GEN_NONE ? -1 : real ? v.d >= at->with.d : v.i >= at->with.i;
	}
}

static int
branch_holds(const struct gen_branch *br, const struct gen_content *trigger, const struct model_result *fr)
{
	unsigned i;
	int c = 1;

	for (i = 0; i < br->n_atoms; i++) {
		c = atom_holds(&br->atoms[i], trigger, fr);
		if (c < 0 || (br->any ? c == 1 : c == 0))
			return c;
	}
	return c;
}

static void
decide(struct model_eval *ev, const struct gen_rule *ru, const struct gen_content *trigger, const struct model_result *fr)
{
	unsigned i, j;

	if (ru->need >= 0 && trigger->fields[ru->need].kind == GEN_NONE) {
		ev->outcome = -2;
		return;
	}
	for (i = 0; i < ru->n_branches; i++) {
		const struct gen_branch *br = &ru->branches[i];
		int c = br->off ? 0 : branch_holds(br, trigger, fr);

		if (c < 0) {
			ev->outcome = -1;
			return;
		}
		if (c == 0)
			continue;
		ev->outcome = (int)br->outcome;
		for (j = 0; j < br->n_values; j++) {
			struct gen_value v = read_value(&br->values[j], trigger, fr);

			if (v.kind == GEN_NONE)
				continue;
			ev->value_name[ev->n_values] = j;
			ev->values[ev->n_values++] = v;
		}
		return;
	}
	ev->outcome = (int)ru->last;
}

/* The union of the features' evidence, each identity once, newest first; the total is counted without the caps. */
static void
gather_evidence(struct model_eval *ev, const struct model *mo, const struct gen_rule *ru, const struct model_result *fr)
{
	bool in[GEN_CONTENTS] = {false}, all[GEN_CONTENTS] = {false};
	unsigned i, j, t;

	for (i = 0; i < ru->n_features; i++)
		for (j = 0; j < fr[i].n_counted && !ru->features[i].off && ru->features[i].evidence != 0; j++) {
			all[fr[i].counted[j]] = true;
			if (j < ru->features[i].evidence)
				in[fr[i].counted[j]] = true;
		}
	ev->contested = mo->contested[ev->content];
	for (i = 0; i < mo->set->n_contents; i++) {
		ev->evidence_total += all[i];
		if (!in[i])
			continue;
		ev->contested = ev->contested || mo->contested[i];
		ev->evidence[ev->n_evidence++] = i;
		for (j = ev->n_evidence - 1; j > 0; j--) {
			if (model_content_cmp(&mo->set->contents[ev->evidence[j]], &mo->set->contents[ev->evidence[j - 1]]) < 0)
				break;
			t = ev->evidence[j];
			ev->evidence[j] = ev->evidence[j - 1];
			ev->evidence[j - 1] = t;
		}
	}
}

static void
evaluate(struct model *mo, unsigned rule, unsigned subject, const struct model_timeline *tl, unsigned content)
{
	const struct gen_rule *ru = &mo->set->rules[rule];
	const struct gen_content *trigger = &mo->set->contents[content];
	struct model_result fr[GEN_FEATURES];
	struct model_eval *ev;
	unsigned i;

	mo->evals = must(realloc(mo->evals, (mo->n_evals + 1) * sizeof(*mo->evals)));
	ev = &mo->evals[mo->n_evals++];
	memset(ev, 0, sizeof(*ev));
	ev->rule = rule;
	ev->subject = subject;
	ev->content = content;
	for (i = 0; i < ru->n_features; i++)
		model_feature(&fr[i], tl, &ru->features[i], trigger);
	decide(ev, ru, trigger, fr);
	gather_evidence(ev, mo, ru, fr);
}

/* ---- episodes ------------------------------------------------------------------------------------------------- */

static bool
alerts(const struct model_eval *ev)
{
	return ev->outcome >= 0 && gen_outcome_level[ev->outcome] > 0;
}

/* A missing episode field counts as an empty text. */
static bool
same_group(const struct model *mo, const struct model_eval *a, const struct model_eval *b)
{
	const struct gen_rule *ru = &mo->set->rules[a->rule];
	unsigned i;

	for (i = 0; i < ru->n_episode; i++) {
		struct gen_value x = mo->set->contents[a->content].fields[ru->episode[i]], y = mo->set->contents[b->content].fields[ru->episode[i]];

		if (gen_field_kind[ru->episode[i]] == GEN_STR) {
			if (strcmp(x.kind == GEN_NONE ? "" : x.s, y.kind == GEN_NONE ? "" : y.s) != 0)
				return false;
		} else if (x.kind != y.kind || (x.kind != GEN_NONE && !gen_value_eq(&x, &y)))
			return false;
	}
	return true;
}

static bool
within_quiet(const struct model *mo, const struct model_alert *al, const struct model_eval *ev)
{
	const struct gen_rule *ru = &mo->set->rules[ev->rule];
	struct gen_time t = mo->set->contents[mo->evals[al->members[al->n_members - 1]].content].time;

	t.sec += ru->quiet;
	return ru->once || gen_time_cmp(mo->set->contents[ev->content].time, t) <= 0;
}

/* Adds an alerting trigger; those of one subject come in total order. */
static void
add_to_episode(struct model *mo, unsigned eval, unsigned first_alert)
{
	const struct model_eval *ev = &mo->evals[eval];
	struct model_alert *al = NULL;
	unsigned i;

	for (i = mo->n_alerts; i-- > first_alert && al == NULL;) /* the newest episode of its group */
		if (same_group(mo, &mo->evals[mo->alerts[i].opening], ev))
			al = &mo->alerts[i];
	if (al == NULL || !within_quiet(mo, al, ev)) {
		mo->alerts = must(realloc(mo->alerts, (mo->n_alerts + 1) * sizeof(*mo->alerts)));
		al = &mo->alerts[mo->n_alerts++];
		*al = (struct model_alert){.rule = ev->rule, .subject = ev->subject, .opening = eval, .shown = eval};
	}
	al->members = must(realloc(al->members, (al->n_members + 1) * sizeof(*al->members)));
	al->members[al->n_members++] = eval;
	if (gen_outcome_level[ev->outcome] >= gen_outcome_level[mo->evals[al->shown].outcome])
		al->shown = eval;
}

/* What happened after the rule's day of review makes no alert once a tick has told that the day is over. */
static bool
is_past_review(const struct model *mo, const struct model_eval *ev)
{
	const struct gen_rule *ru = &mo->set->rules[ev->rule];
	struct gen_time end = {(ru->review + 1) * 86400, 0};

	return ru->has_review && mo->has_tick && gen_time_cmp(mo->tick, end) > 0 && gen_time_cmp(mo->set->contents[ev->content].time, end) > 0;
}

static void
cut_episodes(struct model *mo, unsigned first_eval)
{
	unsigned i, first_alert = mo->n_alerts;

	for (i = first_eval; i < mo->n_evals; i++)
		if (alerts(&mo->evals[i]) && !is_past_review(mo, &mo->evals[i]))
			add_to_episode(mo, i, first_alert);
	for (i = first_alert; i < mo->n_alerts; i++) {
		struct model_alert *al = &mo->alerts[i];
		struct gen_time end = mo->set->contents[mo->evals[al->members[al->n_members - 1]].content].time;

		end.sec += mo->set->rules[al->rule].expires;
		al->ended = mo->has_tick && mo->set->rules[al->rule].expires != 0 && gen_time_cmp(mo->tick, end) >= 0;
	}
}

void
model_free(struct model *mo)
{
	unsigned i;

	for (i = 0; i < mo->n_alerts; i++)
		free(mo->alerts[i].members);
	free(mo->alerts);
	free(mo->evals);
	mo->alerts = NULL;
	mo->evals = NULL;
	mo->n_alerts = mo->n_evals = 0;
}

void
model_run(struct model *mo)
{
	struct model_timeline tl;
	unsigned rule, subject, i, first;

	model_free(mo);
	find_standing(mo);
	apply_retractions(mo);
	for (rule = 0; rule < mo->set->n_rules; rule++) {
		const struct gen_rule *ru = &mo->set->rules[rule];

		for (subject = 0; subject < MODEL_SUBJECTS && !ru->off; subject++) {
			if (gen_role_kind(ru->role) != subject / GEN_KEYS)
				continue;
			build_timeline(&tl, mo, subject);
			first = mo->n_evals;
			for (i = 0; i < tl.n; i++)
				if (tl.v[i].role == ru->role && (ru->on >> mo->set->contents[tl.v[i].content].type & 1) != 0)
					evaluate(mo, rule, subject, &tl, tl.v[i].content);
			cut_episodes(mo, first);
		}
	}
}

/* ---- two states of one run ------------------------------------------------------------------------------------ */

static bool
same_alert(const struct model *a, const struct model_alert *x, const struct model *b, const struct model_alert *y)
{
	return x->rule == y->rule && x->subject == y->subject &&
	       same_identity(&a->set->contents[a->evals[x->opening].content], &b->set->contents[b->evals[y->opening].content]);
}

bool
model_withdrew(const struct model *a, const struct model *b)
{
	unsigned i, j;

	for (i = 0; i < a->n_alerts; i++) {
		for (j = 0; j < b->n_alerts && !same_alert(a, &a->alerts[i], b, &b->alerts[j]); j++)
			;
		if (j == b->n_alerts)
			return true;
	}
	return false;
}

/* Is the opening of x (in a) inside episode y (in b), but not its opening? */
static bool
inside(const struct model *a, const struct model_alert *x, const struct model *b, const struct model_alert *y)
{
	unsigned i;

	for (i = 1; i < y->n_members && x->rule == y->rule && x->subject == y->subject; i++)
		if (same_identity(&a->set->contents[a->evals[x->opening].content], &b->set->contents[b->evals[y->members[i]].content]))
			return true;
	return false;
}

/* Merged: two openings of a lie in one episode of b. Split: the reverse. */
static bool
merged(const struct model *a, const struct model *b)
{
	unsigned i, j, n;

	for (j = 0; j < b->n_alerts; j++) {
		for (i = 0, n = 0; i < a->n_alerts; i++)
			n += same_alert(a, &a->alerts[i], b, &b->alerts[j]) || inside(a, &a->alerts[i], b, &b->alerts[j]);
		if (n > 1)
			return true;
	}
	return false;
}

bool
model_recut(const struct model *a, const struct model *b)
{
	return merged(a, b) || merged(b, a);
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

void
model_value_text(struct buf *b, const struct gen_value *v)
{
	switch (v->kind) {
	case GEN_INT:
		buf_printf(b, "%lld", (long long)v->i);
		break;
	case GEN_STR:
		buf_printf(b, "\"%s\"", v->s);
		break;
	case GEN_BOOL:
		buf_add_str(b, v->i != 0 ? "true" : "false");
		break;
	case GEN_TIME:
		gen_time_text(b, v->t, 0, 0);
		break;
	case GEN_REAL:
		gen_number_text(b, v->d);
		break;
	default:
		buf_add_str(b, "none");
		break;
	}
}

static void
identity_text(struct buf *b, const struct gen_content *co)
{
	buf_printf(b, "%s#%s@", gen_source_name(co->source), gen_id_name(co->id));
	gen_time_text(b, co->time, 0, 0);
}

static void
outcome_text(struct buf *b, const struct model_eval *ev)
{
	unsigned i;

	if (ev->outcome < 0)
		buf_printf(b, " outcome=%s", ev->outcome == -1 ? "error" : "unknown");
	else
		buf_printf(b, " outcome=%s", gen_outcome_name[ev->outcome]);
	buf_add_str(b, " values={");
	for (i = 0; i < ev->n_values; i++) {
		buf_printf(b, "%sv%u:", i == 0 ? "" : ",", ev->value_name[i]);
		model_value_text(b, &ev->values[i]);
	}
	buf_add_str(b, "}");
}

/* Recipients are found by a field of the shown trigger. */
static void
deliver_text(struct buf *b, const struct model *mo, const struct model_eval *ev)
{
	int field = mo->set->rules[ev->rule].deliver;

	if (field < 0 || mo->set->contents[ev->content].fields[field].kind == GEN_NONE)
		return;
	buf_printf(b, " deliver={%s:", gen_field_name[field]);
	model_value_text(b, &mo->set->contents[ev->content].fields[field]);
	buf_add_str(b, "}");
}

static void
subject_text(struct buf *b, unsigned rule, unsigned subject)
{
	char id[24];

	gen_rule_id(id, rule);
	buf_printf(b, "%s %s/%s", id, gen_kind_name[subject / GEN_KEYS], gen_key_name[subject / GEN_KEYS][subject % GEN_KEYS]);
}

void
model_alert_line(struct buf *b, const struct model *mo, const struct model_alert *al)
{
	static const char *const levels[] = {"", "info", "warning", "critical"};
	const struct model_eval *ev = &mo->evals[al->shown];
	unsigned i;

	subject_text(b, al->rule, al->subject);
	buf_printf(b, " %s opening=", al->ended ? "ended" : "standing");
	identity_text(b, &mo->set->contents[mo->evals[al->opening].content]);
	buf_add_str(b, " trigger=");
	identity_text(b, &mo->set->contents[ev->content]);
	buf_printf(b, " level=%s", levels[gen_outcome_level[ev->outcome]]);
	outcome_text(b, ev);
	deliver_text(b, mo, ev);
	buf_add_str(b, " evidence=[");
	for (i = 0; i < ev->n_evidence; i++) {
		buf_add_str(b, i == 0 ? "" : ",");
		identity_text(b, &mo->set->contents[ev->evidence[i]]);
	}
	buf_printf(b, "] of %u%s", ev->evidence_total, ev->contested ? " contested" : "");
}

void
model_eval_line(struct buf *b, const struct model *mo, const struct model_eval *ev)
{
	subject_text(b, ev->rule, ev->subject);
	buf_add_str(b, " trigger=");
	identity_text(b, &mo->set->contents[ev->content]);
	outcome_text(b, ev);
}
