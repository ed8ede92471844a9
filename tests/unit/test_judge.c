/* The evidence that features hand over at a trigger, how much there is of it without caps, and what its fingerprint holds, by brute
 * force over random timelines, small ones and long ones; the values and episode that a trigger gives its alert. */
#include "engine/flow/judge.h"
#include "tests/memory/failing.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ENTRIES 400
#define LAYOUTS 3 /* x.a counts, x.o counts and opens, x.s closes */
#define ROLES 3

/* An entry as the test knows it. */
struct row {
	unsigned layout, event;
	int64_t sec;
	uint8_t role;
	bool contested;
	char v[20], g[4]; /* empty: not there */
};

struct fixture {
	struct row rows[ENTRIES];
	struct layout *layouts[LAYOUTS];
	struct rule ru[2];
	struct rule_plan rp[2];
	struct feature_bind binds[2][LIMIT_RULE_FEATURES][LAYOUTS];
	struct rule_plan *rules[2];
	struct kind_plan kind;
	struct subject *su;
	struct cursor scratch[LIMIT_RULE_FEATURES];
	struct small small[2 * LIMIT_RULE_FEATURES];
	struct judge ju;
	struct evidence ev;
	uint64_t random;
	uint32_t n;
	unsigned values; /* how many different ones there may be */
};

static uint64_t
below(struct fixture *fx, uint64_t n)
{
	return scratch_random(&fx->random) % n;
}

static int
setup(void **state)
{
	static const char *const texts[LAYOUTS] = {"x.a\nr0=b,r1=b,r2=b\nv:s,g:s", "x.o\nr0=b,r1=b,r2=b\ng:s,v:s", "x.s\nr0=b,r1=b,r2=b\ng:s,v:s"};
	struct fixture *fx;
	struct err err;

	failing_start(0, false);
	fx = calloc(1, sizeof *fx);
	if (fx == NULL)
		return -1;
	for (unsigned i = 0; i < LAYOUTS; i++)
		fx->layouts[i] = layout_parse(slice_str(texts[i]), &err);
	fx->su = calloc(1, sizeof *fx->su);
	fx->kind = (struct kind_plan){.n = 2, .rules = fx->rules};
	fx->su->kind = &fx->kind;
	*state = fx;
	return 0;
}

/* What the subject keeps for its rules. */
static void
free_own(struct fixture *fx)
{
	for (unsigned r = 0; r < 2 && fx->su->own != NULL; r++) {
		struct cursor *cursors = fx->su->own[r].cursors;

		for (unsigned f = 0; f < fx->rp[r].n_features && cursors != NULL; f++) {
			window_free(&cursors[f].wi);
			active_free(&cursors[f].ac);
		}
		free(cursors);
	}
	free(fx->su->own);
	fx->su->own = NULL;
}

static void
free_cursors(struct fixture *fx)
{
	free_own(fx);
	for (unsigned r = 0; r < 2; r++)
		for (unsigned f = 0; f < fx->rp[r].n_features; f++)
			feature_plan_free(&fx->rp[r].features[f]);
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;
	size_t left;

	free_cursors(fx);
	for (unsigned f = 0; f < LIMIT_RULE_FEATURES; f++) {
		window_free(&fx->scratch[f].wi);
		active_free(&fx->scratch[f].ac);
	}
	for (unsigned i = 0; i < LAYOUTS; i++)
		layout_free(fx->layouts[i]);
	timeline_free(&fx->su->tl);
	free(fx->su);
	free(fx);
	(void)failing_stop();
	return failing_left(&left) == 0 ? 0 : -1;
}

/* ---- timelines and rules -------------------------------------------------------------------------------------- */

static void
push_as(struct fixture *fx, const struct row *ro, bool empty_is_there)
{
	const char *first = ro->layout == 0 ? ro->v : ro->g, *second = ro->layout == 0 ? ro->g : ro->v;
	struct buf kept = {0}, values = {0};
	char id[12];
	struct delta de = {.time = {ro->sec, 0}, .source = 1, .layout = (uint16_t)ro->layout, .role = ro->role};
	struct err err;

	buf_add_u8(&kept, 2);
	for (unsigned f = 0; f < 2; f++) {
		const char *text = f == 0 ? first : second;

		if (empty_is_there || text[0] != '\0')
			value_encode(&values, &(struct value){.kind = VALUE_STRING, .s = slice_str(text)});
		buf_add_u8(&kept, (uint8_t)values.n);
		buf_add_u8(&kept, 0);
	}
	buf_add_slice(&kept, buf_slice(&values));
	(void)snprintf(id, sizeof id, "%u", ro->event);
	de.id = slice_str(id);
	de.flags = ro->contested ? ENTRY_CONTESTED : 0;
	de.kept = buf_slice(&kept);
	assert_int_equal(timeline_push(&fx->su->tl, &de, &err), 0);
	buf_free(&kept);
	buf_free(&values);
}

/* Entries from `first` on anew: events of one entry to three, in different roles; some at one time. */
static void
fill(struct fixture *fx, uint32_t first, uint32_t n)
{
	struct timeline *tl = &fx->su->tl;
	int64_t sec = first == 0 ? 0 : fx->rows[first - 1].sec + 1;
	unsigned event = first == 0 ? 0 : fx->rows[first - 1].event + 1, role = 0;

	tl->n = first;
	tl->n_bytes = first == 0 ? 0 : tl->v[first - 1].at + tl->v[first - 1].id_len + tl->v[first - 1].kept_len;
	for (uint32_t i = first; i < n; i++) {
		struct row *ro = &fx->rows[i];

		if (i > first && role + 1 < ROLES && below(fx, 3) == 0) {
			*ro = fx->rows[i - 1];
			ro->role = (uint8_t)(++role);
		} else {
			role = (unsigned)below(fx, ROLES);
			*ro = (struct row){.layout = (unsigned)below(fx, LAYOUTS), .event = event++, .sec = sec, .role = (uint8_t)role};
			sec += (int64_t)below(fx, 3);
			ro->contested = below(fx, 25) == 0;
			if (below(fx, 8) != 0)
				(void)snprintf(ro->v, sizeof ro->v, "v%u", (unsigned)below(fx, fx->values));
			if (below(fx, 8) != 0)
				(void)snprintf(ro->g, sizeof ro->g, "g%u", (unsigned)below(fx, 4));
		}
		push_as(fx, ro, false);
	}
	tl->version++;
	fx->n = n;
}

static void
random_feature(struct fixture *fx, struct feature_spec *spec)
{
	static char a[] = "x.a", o[] = "x.o", s[] = "x.s", v[] = "v", g[] = "g", roles[ROLES][4] = {"r0", "r1", "r2"};
	static const enum feature_op ops[] = {OP_COUNT, OP_COUNT, OP_DISTINCT, OP_DISTINCT, OP_LAST, OP_ACTIVE};
	static const unsigned caps[] = {0, 1, 2, 5, 100, 100};

	*spec = (struct feature_spec){.op = ops[below(fx, 6)], .evidence = caps[below(fx, 6)]};
	if (below(fx, 2) == 0)
		spec->role = roles[below(fx, ROLES)];
	if (spec->op == OP_ACTIVE) {
		spec->opens = (struct feature_types){1, {o}};
		spec->closes = (struct feature_types){1, {s}};
		spec->key = below(fx, 3) == 0 ? v : g;
		return;
	}
	spec->on = (struct feature_types){2, {a, o}};
	if (spec->op != OP_COUNT)
		spec->of = v;
	if (below(fx, 3) == 0)
		spec->by = g;
	spec->window = below(fx, 2) == 0 ? WINDOW_ALL : WINDOW_SPAN;
	spec->window_seconds = 1 + (int64_t)below(fx, 60);
}

static void
make_rules(struct fixture *fx)
{
	int alike = 0;

	free_cursors(fx);
	for (unsigned r = 0; r < 2; r++) {
		struct rule_plan *rp = &fx->rp[r];

		fx->ru[r] = (struct rule){.n_features = 1 + (unsigned)below(fx, 3)};
		*rp = (struct rule_plan){.ru = &fx->ru[r], .index = r, .n_features = fx->ru[r].n_features};
		fx->rules[r] = rp;
		for (unsigned f = 0; f < rp->n_features; f++) {
			struct feature_spec *spec = &fx->ru[r].features[f];

			random_feature(fx, spec);
			assert_int_equal(feature_plan_make(&rp->features[f], spec), 0);
			for (unsigned l = 0; l < LAYOUTS; l++)
				feature_bind_make(&fx->binds[r][f][l], spec, fx->layouts[l]);
			rp->binds[f] = fx->binds[r][f];
			rp->alike[f] = small_serves(spec) ? alike++ : -1;
		}
	}
}

/* ---- the same by brute force ---------------------------------------------------------------------------------- */

static bool
takes(const struct fixture *fx, const struct feature_spec *spec, uint32_t i)
{
	const struct row *ro = &fx->rows[i];

	if (spec->role != NULL && spec->role[1] - '0' != ro->role)
		return false;
	if (spec->op == OP_ACTIVE)
		return ro->layout != 0 && (spec->key[0] == 'v' ? ro->v : ro->g)[0] != '\0';
	return ro->layout != 2 && (spec->of == NULL || ro->v[0] != '\0') && (spec->by == NULL || ro->g[0] != '\0');
}

/* Openings of what is on before the trigger's event. */
static uint32_t
list_active(const struct fixture *fx, const struct feature_spec *spec, uint32_t first, uint32_t *ret)
{
	uint32_t n = 0;

	for (uint32_t i = first; i-- > 0;) {
		const char *key = spec->key[0] == 'v' ? fx->rows[i].v : fx->rows[i].g;
		bool newer = false, closed = false;

		if (!takes(fx, spec, i) || fx->rows[i].layout != 1)
			continue;
		for (uint32_t j = i + 1; j < first; j++)
			if (takes(fx, spec, j) && strcmp(spec->key[0] == 'v' ? fx->rows[j].v : fx->rows[j].g, key) == 0) {
				newer = newer || fx->rows[j].layout == 1;
				closed = fx->rows[j].layout == 2;
			}
		if (!newer && !closed)
			ret[n++] = i;
	}
	return n;
}

static uint32_t
list_window(const struct fixture *fx, const struct feature_spec *spec, uint32_t at, uint32_t end, uint32_t *ret)
{
	const struct row *trigger = &fx->rows[at];
	uint32_t n = 0;

	for (uint32_t i = end; i-- > 0;) {
		bool seen = false;

		if (!takes(fx, spec, i) || (spec->window == WINDOW_SPAN && fx->rows[i].sec < trigger->sec - spec->window_seconds))
			continue;
		if (spec->by != NULL && strcmp(fx->rows[i].g, trigger->g) != 0)
			continue;
		for (uint32_t k = 0; k < n && spec->op == OP_DISTINCT && !seen; k++)
			seen = strcmp(fx->rows[ret[k]].v, fx->rows[i].v) == 0;
		if (!seen)
			ret[n++] = i;
	}
	return n;
}

/* The entries of all features, each with its cap or without, one an event, newest first. */
static uint32_t
list_all(const struct fixture *fx, unsigned r, uint32_t at, bool capped, uint32_t ret[ENTRIES])
{
	bool picked[ENTRIES] = {false};
	uint32_t first = at, end = at + 1, n = 0;

	while (first > 0 && fx->rows[first - 1].event == fx->rows[at].event)
		first--;
	while (end < fx->n && fx->rows[end].event == fx->rows[at].event)
		end++;
	for (unsigned f = 0; f < fx->ru[r].n_features; f++) {
		const struct feature_spec *spec = &fx->ru[r].features[f];
		uint32_t list[ENTRIES], k = spec->op == OP_ACTIVE ? list_active(fx, spec, first, list) : list_window(fx, spec, at, end, list);

		for (uint32_t i = 0; i < k && spec->evidence > 0 && !(capped && i == spec->evidence); i++)
			picked[list[i]] = true;
	}
	for (uint32_t i = fx->n; i-- > 0;)
		if (picked[i] && (n == 0 || fx->rows[ret[n - 1]].event != fx->rows[i].event))
			ret[n++] = i;
	return n;
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void
check_at(struct fixture *fx, unsigned r, uint32_t at)
{
	uint32_t wanted[ENTRIES], n = list_all(fx, r, at, true, wanted);
	bool contested = fx->rows[at].contested;

	judge_at(&fx->ju, at);
	assert_int_equal(judge_evidence(&fx->ju, &fx->ev), 0);
	assert_int_equal(fx->ev.n, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(fx->ev.index[i], wanted[i]);
		contested = contested || fx->rows[wanted[i]].contested;
	}
	assert_int_equal(judge_contested(&fx->ju, &fx->ev), contested);
	assert_int_equal(judge_total(&fx->ju, &fx->ev), 0);
	assert_int_equal(fx->ev.total, list_all(fx, r, at, false, wanted));
}

/* It tells apart what the evidence holds, and looks at nothing else. */
static void
check_signature(struct fixture *fx, uint32_t at)
{
	struct timeline *tl = &fx->su->tl;
	struct hit *hi = hit_new((struct instant){7, 5}, 1, slice_str("id"), 2, slice_str("code"));
	struct slice values = slice_str("values");
	bool contested = false; /* the evidence is, without the trigger */
	uint64_t is;

	for (uint32_t k = 0; k < fx->ev.n; k++)
		contested = contested || fx->rows[fx->ev.index[k]].contested;
	assert_non_null(hi);
	is = judge_signature(&fx->ju, hi, values, &fx->ev);
	assert_true(judge_signature(&fx->ju, hi, values, &fx->ev) == is);
	assert_true(judge_signature(&fx->ju, hi, slice_str("value"), &fx->ev) != is);
	hi->level = 3;
	assert_true(judge_signature(&fx->ju, hi, values, &fx->ev) != is);
	hi->level = 2;
	hi->time.sec++;
	assert_true(judge_signature(&fx->ju, hi, values, &fx->ev) != is);
	hi->time = (struct instant){7, 6};
	assert_true(judge_signature(&fx->ju, hi, values, &fx->ev) != is);
	hi->time = (struct instant){7, 5};
	hi->data[hi->id_len] = 'x';
	assert_true(judge_signature(&fx->ju, hi, values, &fx->ev) != is);
	hi->data[hi->id_len] = 'c';
	for (uint32_t i = 0; i < tl->n; i++) {
		struct entry was = tl->v[i];
		char *last = tl->bytes + was.at + was.id_len + was.kept_len - 1;
		bool among = false;

		for (uint32_t k = 0; k < fx->ev.n; k++)
			among = among || fx->ev.index[k] == i;
		*last = (char)(*last ^ 1);
		assert_int_equal(judge_signature(&fx->ju, hi, values, &fx->ev) != is, among);
		*last = (char)(*last ^ 1);
		tl->v[i].source++;
		assert_int_equal(judge_signature(&fx->ju, hi, values, &fx->ev) != is, among);
		tl->v[i] = was;
		tl->v[i].sec++;
		assert_int_equal(judge_signature(&fx->ju, hi, values, &fx->ev) != is, among);
		tl->v[i] = was;
		tl->v[i].nsec++;
		assert_int_equal(judge_signature(&fx->ju, hi, values, &fx->ev) != is, among);
		tl->v[i] = was;
		tl->v[i].layout++;
		assert_int_equal(judge_signature(&fx->ju, hi, values, &fx->ev) != is, among);
		tl->v[i] = was;
		tl->v[i].flags ^= ENTRY_CONTESTED;
		assert_int_equal(judge_signature(&fx->ju, hi, values, &fx->ev) != is, among || (i == at && !contested));
		tl->v[i] = was;
	}
	assert_true(judge_signature(&fx->ju, hi, values, &fx->ev) == is);
	hit_drop(hi);
}

static void
begin(struct fixture *fx, unsigned r)
{
	assert_int_equal(judge_begin(&fx->ju, fx->su, r, NULL, NULL, fx->scratch, fx->small), 0);
	assert_int_equal(subject_rule(fx->su, r)->cursors != NULL, fx->n > SMALL_TIMELINE); /* small ones cost no memory */
}

static void
evidence_is_what_the_features_counted(void **state)
{
	static const uint32_t lengths[] = {1, 5, 20, SMALL_TIMELINE, SMALL_TIMELINE + 1, 90, ENTRIES};
	struct fixture *fx = *state;

	for (unsigned round = 0; round < 140; round++) {
		fx->n = lengths[round % 7];
		fx->values = round % 3 == 0 ? 5 : 1000;
		free_cursors(fx);
		fx->su->serial++;
		fx->random = round;
		fill(fx, 0, fx->n);
		make_rules(fx);
		for (unsigned k = 0; k < 12; k++) {
			uint32_t at = (uint32_t)below(fx, fx->n), first = (uint32_t)below(fx, fx->n);

			begin(fx, k % 2);
			check_at(fx, k % 2, at);
			if (k == 0)
				check_signature(fx, at);
			check_at(fx, k % 2, fx->n - 1);
			check_at(fx, k % 2, fx->n < 2 ? 0 : 1);
			if (below(fx, 3) == 0) { /* a change: every cursor of every rule lets go of what is behind it */
				assert_int_equal(judge_rewind(fx->su, first), 0);
				fill(fx, first, fx->n);
			}
		}
	}
}

/* Without memory it says so, and says the right thing later. */
static void
without_memory_there_is_no_evidence(void **state)
{
	static char a[] = "x.a", o[] = "x.o", role[] = "r1", v[] = "v";
	struct fixture *fx = *state;

	for (unsigned round = 0; round < 40; round++) {
		bool failed = true;

		free_cursors(fx);
		fx->random = round;
		fx->values = 1000;
		fx->su->serial++;
		fill(fx, 0, 200);
		make_rules(fx);
		if (round == 0) { /* the window counts what the cap hides */
			free_cursors(fx);
			fx->ru[0].n_features = fx->rp[0].n_features = 1;
			fx->ru[0].features[0] = (struct feature_spec){.op = OP_DISTINCT, .on = {2, {a, o}}, .role = role, .of = v, .evidence = 1};
			assert_int_equal(feature_plan_make(&fx->rp[0].features[0], &fx->ru[0].features[0]), 0);
			for (unsigned l = 0; l < LAYOUTS; l++)
				feature_bind_make(&fx->binds[0][0][l], &fx->ru[0].features[0], fx->layouts[l]);
			fx->rp[1].n_features = 0;
		}
		for (uint64_t at = 1; failed; at++) {
			int rc;

			free_own(fx);
			failing_start(at, false);
			rc = judge_begin(&fx->ju, fx->su, 0, NULL, NULL, fx->scratch, fx->small);
			if (rc == 0) {
				judge_at(&fx->ju, 150);
				rc = judge_evidence(&fx->ju, &fx->ev) != 0 ? -1 : judge_total(&fx->ju, &fx->ev);
			}
			failed = failing_has();
			failing_start(0, false);
			assert_int_equal(rc, failed ? -1 : 0);
		}
		begin(fx, 0);
		check_at(fx, 0, 150);
	}
}

static void
read_value(struct rd *r, const char *name, size_t n, const char *text)
{
	struct slice s = rd_blob(r), bytes = rd_blob(r);
	struct value v = value_decode(bytes);

	assert_true(slice_eq(s, slice_of(name, n)));
	assert_int_equal(v.kind, text == NULL ? VALUE_NONE : VALUE_STRING);
	assert_true(text == NULL || slice_eq_str(v.s, text));
}

/* Behind the outcome's values stand the fields by which recipients are found, each once, as the trigger has them. */
static void
values_hold_what_delivery_reads(void **state)
{
	static char v[] = "v", g[] = "g", z[] = "z";
	struct fixture *fx = *state;
	struct trigger_bind triggers[LAYOUTS] = {{.fields = {0, 1, -1}}, {.fields = {1, 0, -1}}, {.fields = {1, 0, -1}}};
	struct rule *ru = &fx->ru[0];

	fx->values = 9;
	fill(fx, 0, 30);
	*ru = (struct rule){.n_fields = 3, .fields = {v, g, z}, .n_deliver = 5};
	ru->deliver[0].field = g;
	ru->deliver[1].field = v;
	ru->deliver[2].field = g;
	ru->deliver[3].field = z; /* the layout has none */
	ru->deliver[4].field = v;
	fx->rp[0] = (struct rule_plan){.ru = ru, .triggers = triggers};
	fx->rules[0] = fx->rules[1] = &fx->rp[0];
	assert_int_equal(judge_begin(&fx->ju, fx->su, 0, NULL, NULL, fx->scratch, fx->small), 0);
	fx->ju.result.n_values = 2;
	fx->ju.result.values[0] = (struct rule_value){slice_str("a"), {.kind = VALUE_STRING, .s = slice_str("A")}};
	fx->ju.result.values[1] = (struct rule_value){slice_str("b"), {.kind = VALUE_STRING, .s = slice_str("B")}};
	for (uint32_t i = 0; i < fx->n; i++) {
		const struct row *ro = &fx->rows[i];
		struct buf b = {0};
		struct rd r;

		judge_at(&fx->ju, i);
		judge_values(&fx->ju, &b);
		r = rd_of(buf_slice(&b));
		read_value(&r, "a", 1, "A");
		read_value(&r, "b", 1, "B");
		read_value(&r, "\x01g", 2, ro->g[0] == '\0' ? NULL : ro->g);
		read_value(&r, "\x01v", 2, ro->v[0] == '\0' ? NULL : ro->v);
		assert_int_equal(rd_left(&r), 0);
		buf_free(&b);
		for (uint64_t at = 1; at < 6; at++) { /* whatever does not fit into memory, it is not taken for a value */
			bool failed;

			failing_start(at, false);
			judge_values(&fx->ju, &b);
			failed = failing_has();
			failing_start(0, false);
			assert_int_equal(buf_ok(&b), !failed);
			buf_free(&b);
		}
	}
}

/* Two texts of one hash are two values; a group may have an empty text for a name. */
static void
values_of_one_hash_and_groups_without_a_name(void **state)
{
	static const char one[] = "\x6c\xe2\x80\x9b\x61\x7a\x66\x3a\x52\x96\x09\x3b\xbc\x56\xaf";
	static const char two[] = "\x39\x42\xea\x7b\x73\x82\x67\x4f\x69\xbe\x52\xca\x3e\x79\x61";
	static char a[] = "x.a", v[] = "v", g[] = "g";
	struct fixture *fx = *state;
	struct feature_spec *spec = &fx->ru[0].features[0];

	for (unsigned i = 0; i < 4; i++) {
		struct row ro = {.event = i, .sec = i};

		(void)snprintf(ro.v, sizeof ro.v, "%s", i % 2 == 0 ? one : two);
		push_as(fx, &ro, true);
	}
	fx->rp[0] = (struct rule_plan){.ru = &fx->ru[0], .n_features = 1, .alike = {-1}};
	fx->rules[0] = fx->rules[1] = &fx->rp[0];
	for (unsigned by = 0; by < 2; by++) {
		*spec = (struct feature_spec){.op = OP_DISTINCT, .on = {1, {a}}, .of = v, .by = by ? g : NULL, .evidence = 9};
		feature_plan_free(&fx->rp[0].features[0]);
		assert_int_equal(feature_plan_make(&fx->rp[0].features[0], spec), 0);
		feature_bind_make(&fx->binds[0][0][0], spec, fx->layouts[0]);
		fx->rp[0].binds[0] = fx->binds[0][0];
		assert_int_equal(judge_begin(&fx->ju, fx->su, 0, NULL, NULL, fx->scratch, fx->small), 0);
		judge_at(&fx->ju, 3);
		assert_int_equal(judge_evidence(&fx->ju, &fx->ev), 0);
		assert_int_equal(fx->ev.n, 2);
		assert_true(fx->ev.index[0] == 3 && fx->ev.index[1] == 2);
	}
	fx->kind.n = 1;
	fx->rp[1].n_features = 0;
}

/* Of what is missing and of an empty text the episode is one; every other value has its own. */
static void
a_missing_value_and_an_empty_text_are_one_episode(void **state)
{
	static const char missing[] = {1, 0, 0}, empty[] = {1, 1, 0, VALUE_STRING, 0}, text[] = {1, 2, 0, VALUE_STRING, 'x'};
	static const char number[] = {1, 2, 0, VALUE_INTEGER, 2};
	struct trigger_bind has[1] = {{.fields = {0}}}, has_not[1] = {{.fields = {-1}}};
	struct rule ru = {.n_episode = 1};
	struct rule_plan rp = {.ru = &ru, .triggers = has};
	struct buf a = {0}, b = {0};

	(void)state;
	judge_group(&rp, 0, slice_of(missing, sizeof missing), &a);
	judge_group(&rp, 0, slice_of(empty, 4), &b);
	assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
	rp.triggers = has_not;
	judge_group(&rp, 0, slice_of(text, sizeof text), &b);
	assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
	rp.triggers = has;
	judge_group(&rp, 0, slice_of(text, sizeof text), &b);
	assert_false(slice_eq(buf_slice(&a), buf_slice(&b)));
	judge_group(&rp, 0, slice_of(number, sizeof number), &a);
	assert_false(slice_eq(buf_slice(&a), buf_slice(&b)));
	buf_free(&a);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(evidence_is_what_the_features_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(without_memory_there_is_no_evidence, setup, teardown),
	    cmocka_unit_test_setup_teardown(values_hold_what_delivery_reads, setup, teardown),
	    cmocka_unit_test_setup_teardown(values_of_one_hash_and_groups_without_a_name, setup, teardown),
	    cmocka_unit_test(a_missing_value_and_an_empty_text_are_one_episode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
