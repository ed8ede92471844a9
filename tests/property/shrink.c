#include "tests/property/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SHRINK_SECONDS 60

struct shrinker {
	struct gen_set set;
	struct script sc, base;
	bool with_base;
	const char *title; /* of the failure: a smaller set must fail in the same way */
	struct timespec start;
	unsigned tries;
};

static bool
fails(struct shrinker *sh)
{
	struct run a, b = {0};
	bool failed;

	sh->tries++;
	run_script(&a, &sh->set, &sh->sc);
	failed = a.failed && (sh->title == NULL || strcmp(a.title, sh->title) == 0);
	if (failed)
		sh->title = a.title;
	if (!a.failed && sh->with_base) {
		run_script(&b, &sh->set, &sh->base);
		failed = !b.failed && !slice_eq(buf_slice(&a.alerts), buf_slice(&b.alerts));
		run_free(&b);
	}
	run_free(&a);
	return failed;
}

static bool
time_is_up(const struct shrinker *sh)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - sh->start.tv_sec > SHRINK_SECONDS;
}

static bool
added(const struct script *sc, unsigned content)
{
	unsigned i;

	for (i = 0; i < sc->n; i++)
		if (sc->v[i].kind == STEP_ADD && sc->v[i].arg == content)
			return true;
	return false;
}

/* The other run gets what the first one still has. */
static void
match_base(struct shrinker *sh)
{
	unsigned i, n = 0;

	for (i = 0; i < sh->base.n; i++)
		if (sh->base.v[i].kind != STEP_ADD || added(&sh->sc, sh->base.v[i].arg))
			sh->base.v[n++] = sh->base.v[i];
	sh->base.n = n;
}

static bool
drop_steps(struct shrinker *sh, unsigned from, unsigned n)
{
	struct script sc = sh->sc, base = sh->base;

	memmove(sh->sc.v + from, sh->sc.v + from + n, (sh->sc.n - from - n) * sizeof(sh->sc.v[0]));
	sh->sc.n -= n;
	match_base(sh);
	if (fails(sh))
		return true;
	sh->sc = sc;
	sh->base = base;
	return false;
}

/* The first step loads the rules and the last one checks: these stay. */
static bool
shrink_steps(struct shrinker *sh)
{
	unsigned chunk, from;
	bool any = false;

	for (chunk = sh->sc.n / 2; chunk > 0; chunk /= 2)
		for (from = 1; from + chunk < sh->sc.n && !time_is_up(sh);)
			if (drop_steps(sh, from, chunk))
				any = true;
			else
				from += chunk;
	return any;
}

/* Calls fails() on a changed set, and takes the change back if it no longer does. */
static bool
keep_if_fails(struct shrinker *sh, const struct gen_set *before)
{
	gen_seal(&sh->set);
	if (!time_is_up(sh) && fails(sh))
		return true;
	sh->set = *before;
	return false;
}

static void
feature_off(struct gen_rule *ru, unsigned feature)
{
	unsigned i, j, n;

	ru->features[feature].off = true;
	for (i = 0; i < ru->n_branches; i++) {
		struct gen_branch *br = &ru->branches[i];

		for (j = 0; j < br->n_atoms; j++)
			if (br->atoms[j].read.feature == (int)feature)
				br->atoms[j].off = true;
		for (j = 0, n = 0; j < br->n_values; j++)
			if (br->values[j].feature != (int)feature)
				br->values[n++] = br->values[j];
		br->n_values = n;
	}
}

#define TRY(condition, change)                                                                                                                       \
	do {                                                                                                                                         \
		if (condition) {                                                                                                                     \
			*before = sh->set;                                                                                                           \
			change;                                                                                                                      \
			any = keep_if_fails(sh, before) || any;                                                                                      \
		}                                                                                                                                    \
	} while (0)

static bool
shrink_branch(struct shrinker *sh, struct gen_set *before, struct gen_branch *br)
{
	bool any = false;
	unsigned i;

	TRY(!br->off, br->off = true);
	if (br->off)
		return any;
	for (i = 0; i < br->n_atoms; i++)
		TRY(!br->atoms[i].off, br->atoms[i].off = true);
	TRY(br->n_values > 0, br->n_values = 0);
	TRY(br->n_values > 1, br->n_values = 1);
	return any;
}

static bool
shrink_feature(struct shrinker *sh, struct gen_set *before, struct gen_rule *ru, unsigned feature)
{
	struct gen_feature *fe = &ru->features[feature];
	bool any = false;

	TRY(!fe->off, feature_off(ru, feature));
	if (fe->off)
		return any;
	TRY(fe->n_where > 0, fe->n_where = 0);
	TRY(fe->evidence > 0, fe->evidence = 0);
	TRY(fe->window != GEN_ALL && fe->op != GEN_ACTIVE, fe->window = GEN_ALL);
	TRY(fe->role >= 0, fe->role = -1);
	TRY(fe->from >= 0, fe->from = -1);
	TRY(fe->til >= 0, fe->til = -1);
	TRY(fe->reopens != 0, fe->reopens = 0);
	TRY(fe->closes != 0, fe->closes = 0);
	return any;
}

static bool
shrink_rules(struct shrinker *sh, struct gen_set *before)
{
	bool any = false;
	unsigned i, j;

	for (i = 0; i < sh->set.n_rules; i++) {
		struct gen_rule *ru = &sh->set.rules[i];

		TRY(!ru->off, ru->off = true);
		if (ru->off)
			continue;
		TRY(ru->n_episode > 0, ru->n_episode--);
		TRY(ru->need >= 0, ru->need = -1);
		TRY(ru->once, ru->once = false);
		TRY(ru->deliver >= 0, ru->deliver = -1);
		TRY(ru->again_each, ru->again_each = false);
		for (j = 0; j < ru->n_branches; j++)
			any = shrink_branch(sh, before, &ru->branches[j]) || any;
		for (j = 0; j < ru->n_features; j++)
			any = shrink_feature(sh, before, ru, j) || any;
	}
	return any;
}

static bool
shrink_contents(struct shrinker *sh, struct gen_set *before)
{
	bool any = false;
	unsigned i, j;

	for (i = 0; i < sh->set.n_contents; i++) {
		struct gen_content *co = &sh->set.contents[i];

		if (!added(&sh->sc, i))
			continue;
		for (j = 0; j < GEN_FIELDS; j++)
			TRY(co->fields[j].kind != GEN_NONE, co->fields[j].kind = GEN_NONE);
		for (j = 0; j < GEN_ROLES; j++)
			TRY(co->keys[j] != 0, co->keys[j] = 0);
		TRY(co->time.nsec != 0, co->time.nsec = 0);
		TRY(co->source != 0 && co->type != GEN_RETRACTION, co->source = 0);
	}
	for (i = 0; i < sh->sc.n; i++)
		if (sh->sc.v[i].kind == STEP_ADD && sh->sc.v[i].form != 0 && !time_is_up(sh)) {
			uint64_t form = sh->sc.v[i].form;

			sh->sc.v[i].form = 0;
			if (fails(sh))
				any = true;
			else
				sh->sc.v[i].form = form;
		}
	return any;
}

static void
print_script(const struct shrinker *sh)
{
	static const char *const names[] = {
	    "", "commit", "checkpoint", "crash and open again", "close and open again", "tick", "other rules", "rules", "check"};
	struct buf b = {0};
	unsigned i;

	printf("--- events as they come (%s, %u partitions, cache %u KiB, at most %u bytes of changes)\n", sh->sc.on_disk ? "on disk" : "in memory",
	    sh->sc.partitions, sh->sc.cache_kib, sh->sc.change_bytes);
	for (i = 0; i < sh->sc.n; i++) {
		const struct step *sp = &sh->sc.v[i];

		buf_clear(&b);
		if (sp->kind == STEP_ADD)
			gen_print_event(&b, &sh->set, sp->arg, sp->form);
		else
			buf_printf(&b, "# %s", names[sp->kind]);
		if (sp->kind == STEP_TICK) {
			struct gen_time t = sh->set.tick;

			t.sec -= sp->arg;
			buf_add_str(&b, " ");
			gen_time_text(&b, t, 0, 0);
		}
		if ((sp->kind == STEP_RULES || sp->kind == STEP_OTHER_RULES) && sp->arg != 0)
			buf_add_str(&b, ", killed while they go live");
		printf("%.*s\n", SLICE_ARG(buf_slice(&b)));
	}
	buf_free(&b);
}

static void
print_all(const struct shrinker *sh, unsigned variant)
{
	struct buf b = {0};
	struct run ru;
	unsigned i;

	print_script(sh);
	for (i = 0; i < sh->set.n_rules; i++)
		if (!sh->set.rules[i].off)
			gen_print_rule(&b, &sh->set, i, false);
	printf("--- rules\n%.*s--- contracts\n", SLICE_ARG(buf_slice(&b)));
	buf_clear(&b);
	for (i = 0; i < sh->set.n_types; i++)
		gen_print_contract(&b, &sh->set, i, false);
	gen_print_contract(&b, &sh->set, GEN_RETRACTION, false);
	printf("%.*s", SLICE_ARG(buf_slice(&b)));
	buf_free(&b);
	run_script(&ru, &sh->set, &sh->sc);
	if (ru.failed)
		printf("--- what is wrong\n%.*s", SLICE_ARG(buf_slice(&ru.what)));
	else
		printf("--- what is wrong: another order ended in other alerts; this one in\n%.*s", SLICE_ARG(buf_slice(&ru.alerts)));
	run_free(&ru);
	printf("--- shrunk in %u runs; the whole set again: test_order --replay %llu (variant %u)\n", sh->tries, (unsigned long long)sh->set.seed,
	    variant);
}

void
shrink_and_print(const struct gen_set *set, const struct script *sc, const struct script *base, unsigned variant)
{
	struct shrinker *sh = calloc(1, sizeof(*sh));
	struct gen_set *before = calloc(1, sizeof(*before));
	bool any = true;

	if (sh == NULL || before == NULL)
		abort();
	sh->set = *set;
	sh->sc = *sc;
	if (base != NULL) {
		sh->with_base = true;
		sh->base = *base;
	}
	clock_gettime(CLOCK_MONOTONIC, &sh->start);
	if (!fails(sh)) {
		printf("the failure of seed %llu, variant %u does not come again\n", (unsigned long long)set->seed, variant);
		any = false;
	}
	if (sh->title != NULL && strncmp(sh->title, "the rule set", 12) == 0)
		any = false; /* as it is: a smaller rule may be refused for another reason */
	while (any && !time_is_up(sh)) {
		any = shrink_steps(sh);
		any = shrink_rules(sh, before) || any;
		any = shrink_contents(sh, before) || any;
	}
	print_all(sh, variant);
	free(before);
	free(sh);
}
