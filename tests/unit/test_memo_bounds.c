/* How much is remembered of what rules answered, whether it pays, and what happens without memory. */
#include "tests/unit/memo_world.h"

#define TRIAL 4096 /* look-ups after which memo.c judges whether they pay */

/* Rule `rule` answers for field 0 = i, unless it is known. */
static bool
learn(struct memo *me, size_t rule, struct world *wo, int64_t i)
{
	struct rule_result re = answer_of((int)i);

	wo->fields[0] = integer(i);
	if (memo_find(me, rule, &wo->in, &re)) {
		assert_int_equal(re.outcome, (int)i);
		return true;
	}
	memo_begin(me, rule);
	(void)reads(me, wo, field_0);
	memo_keep(me, rule, &re);
	return false;
}

/* ---- whether it pays ------------------------------------------------------------------------------------------ */

/* Asks `n` times, of which `found` are known, then says whether the next answer is. */
static bool
pays(unsigned n, unsigned found)
{
	struct memo *me = memo_new(1);
	struct world wo;
	bool still;

	assert_non_null(me);
	world_open(&wo);
	keep_fields(me, &wo, 1, 1);
	for (unsigned i = 0; i < n; i++) {
		wo.fields[0] = i < found ? (struct value){0} : integer(i);
		assert_int_equal(known(me, &wo), i < found ? 1 : -1);
	}
	wo.fields[0] = (struct value){0};
	(void)known(me, &wo); /* this one is judged by those before, and goes ahead */
	still = known(me, &wo) == 1;
	memo_free(me);
	return still;
}

static void
a_rule_that_reads_new_things_is_not_asked_any_more(void **state)
{
	(void)state;
	assert_false(pays(TRIAL, 0));
	assert_false(pays(TRIAL, TRIAL / 2 - 1));
	assert_true(pays(TRIAL, TRIAL / 2));
	assert_true(pays(TRIAL, TRIAL));
	assert_true(pays(TRIAL - 2, 0)); /* not judged yet */
}

static void
a_trial_follows_a_trial(void **state)
{
	struct memo *me = *state;
	struct world wo;

	world_open(&wo);
	memo_begin(me, 1);
	memo_keep(me, 1, &(struct rule_result){.class = OUTCOME_CLEAR});
	keep_fields(me, &wo, 1, 1);
	for (unsigned i = 0; i < TRIAL; i++)
		assert_int_equal(known(me, &wo), 1);
	for (unsigned i = 0; i < TRIAL; i++) { /* what was found long ago does not count */
		wo.fields[0] = i < TRIAL / 2 - 1 ? (struct value){0} : integer(1);
		assert_int_equal(known(me, &wo), i < TRIAL / 2 - 1 ? 1 : -1);
	}
	(void)known(me, &wo);
	wo.fields[0] = (struct value){0};
	assert_int_equal(known(me, &wo), -1);
	assert_int_equal(memo_find(me, 1, &wo.in, &(struct rule_result){0}), 1); /* the others go on */
	assert_false(learn(me, 2, &wo, 1));
	assert_int_equal(memo_find(me, 1, &wo.in, &(struct rule_result){0}), 1); /* and keep what they know while there is room */
}

/* ---- how much is kept ----------------------------------------------------------------------------------------- */

/* How much is known once it is full: each value is asked for often, so that it pays. */
static unsigned
fill(struct memo *me, size_t rule, struct world *wo)
{
	unsigned n = 0;

	for (int64_t i = 0; i < 2 * LIMIT_MEMO_RULE_NODES; i++) {
		bool kept = false;

		for (int again = 0; again < 4; again++)
			kept = learn(me, rule, wo, i);
		n += kept;
		for (int again = 0; again < 4; again++)
			(void)learn(me, rule, wo, 0);
	}
	return n;
}

static void
a_rule_and_all_rules_have_their_limits(void **state)
{
	size_t rules = LIMIT_MEMO_NODES / LIMIT_MEMO_RULE_NODES + 2, full = 0;
	struct memo *me = memo_new(rules);
	struct world wo;

	(void)state;
	assert_non_null(me);
	world_open(&wo);
	for (size_t r = 0; r < rules; r++) {
		unsigned n = fill(me, r, &wo);

		if (r < rules - 2)
			assert_int_equal(n, LIMIT_MEMO_RULE_NODES - 1); /* one place is where it begins */
		else
			assert_int_equal(n, 0);
		full += n;
	}
	assert_int_equal(full, LIMIT_MEMO_NODES - LIMIT_MEMO_NODES / LIMIT_MEMO_RULE_NODES);
	assert_true(learn(me, 0, &wo, 77)); /* what is known stays known */
	memo_free(me);
}

/* Once it is full it asks for no more memory, whatever comes: a process goes on for years. */
static void
what_is_full_does_not_grow(void **state)
{
	static char long_text[LIMIT_STRING_BYTES];
	struct memo *me = *state;
	struct world wo;
	uint64_t asked;
	unsigned kept = 0;

	world_open(&wo);
	memset(long_text, 'x', sizeof long_text);
	for (unsigned round = 0; round < 2; round++) {
		failing_start(0, false);
		for (unsigned i = 0; i < 3 * LIMIT_MEMO_RULE_NODES; i++) {
			(void)snprintf(long_text, 9, "%08u", i + round * 3 * LIMIT_MEMO_RULE_NODES);
			long_text[8] = 'x';
			wo.fields[0] = (struct value){.kind = VALUE_STRING, .s = {long_text, sizeof long_text}};
			if (known(me, &wo) == -1)
				keep_fields(me, &wo, 1, 1);
			wo.fields[0] = text("often");
			for (unsigned k = 0; k < 3; k++)
				if (known(me, &wo) == -1)
					keep_fields(me, &wo, 1, 2);
		}
		assert_int_equal(known(me, &wo), 2);
		asked = failing_stop();
		if (round == 0)
			assert_true(asked > 0);
		else
			assert_int_equal(asked, 0);
	}
	for (unsigned i = 0; i < 3 * LIMIT_MEMO_RULE_NODES; i++) {
		(void)snprintf(long_text, 9, "%08u", i);
		long_text[8] = 'x';
		wo.fields[0] = (struct value){.kind = VALUE_STRING, .s = {long_text, sizeof long_text}};
		kept += known(me, &wo) == 1;
	}
	assert_true(kept > 1000 && kept <= LIMIT_MEMO_BYTES / LIMIT_STRING_BYTES);
	failing_start(0, false);
	memo_free(me);
	*state = memo_new(1);
}

/* Rules whose answers never come again fill all; once that is known of them, the others have the room. */
static void
what_does_not_pay_leaves_its_room(void **state)
{
	static char long_text[LIMIT_MEMO_BYTES / LIMIT_MEMO_RULE_NODES + 100];

	(void)state;
	memset(long_text, 'x', sizeof long_text);
	for (unsigned by_bytes = 0; by_bytes < 2; by_bytes++) {
		size_t good = by_bytes ? 1 : LIMIT_MEMO_NODES / LIMIT_MEMO_RULE_NODES, rules = 2 * good;
		struct memo *me = memo_new(rules);
		struct world wo;

		assert_non_null(me);
		world_open(&wo);
		for (size_t r = 0; r < good; r++) /* what is forgotten later */
			for (int64_t i = 0; i < 5; i++)
				(void)learn(me, r, &wo, 500 + i);
		for (size_t r = good; r < rules; r++) {
			if (r == rules - 1)
				(void)learn(me, 0, &wo, 600); /* late */
			for (unsigned i = 0; i <= TRIAL; i++) {
				struct rule_result re = answer_of(1);

				(void)snprintf(long_text, 9, "%08u", i);
				long_text[8] = 'x';
				wo.fields[0] = by_bytes ? (struct value){.kind = VALUE_STRING, .s = {long_text, sizeof long_text}} : integer(i);
				assert_int_equal(memo_find(me, r, &wo.in, &re), 0);
				memo_begin(me, r);
				(void)reads(me, &wo, field_0);
				memo_keep(me, r, &re);
			}
		}
		for (size_t r = good; r < rules; r++) /* the last look of each judges it */
			assert_int_equal(memo_find(me, r, &wo.in, &(struct rule_result){0}), 0);
		assert_false(learn(me, 0, &wo, 1));
		assert_false(learn(me, 0, &wo, 600));
		assert_true(learn(me, 0, &wo, 1));
		for (size_t r = 0; r < good; r++) /* all of it */
			assert_int_equal(fill(me, r, &wo), LIMIT_MEMO_RULE_NODES - 1);
		wo.fields[0] = integer(1);
		for (size_t r = good; r < rules; r++) { /* they stay off */
			assert_false(learn(me, r, &wo, 1));
			assert_false(learn(me, r, &wo, 1));
		}
		memo_free(me);
	}
}

/* ---- without memory ------------------------------------------------------------------------------------------- */

/* A rule over two fields, one of them perhaps a text; each call is checked. Says how many answers were known. */
static unsigned
live_on(struct memo *me, struct world *wo, bool words, uint64_t seed, unsigned calls)
{
	unsigned found = 0;
	char word[16];

	for (unsigned i = 0; i < calls; i++) {
		int a = (int)(scratch_random(&seed) % 40), b = (int)(scratch_random(&seed) % 5);
		struct rule_result re = {.class = OUTCOME_CLEAR, .outcome = a * 10 + b, .n_values = 1};

		(void)snprintf(word, sizeof word, "w%d", a);
		wo->fields[0] = words ? text(word) : integer(a);
		wo->fields[1] = integer(b);
		re.values[0] = (struct rule_value){slice_str("v"), text(word)};
		if (memo_find(me, 0, &wo->in, &re)) {
			assert_int_equal(re.outcome, a * 10 + b);
			assert_int_equal(re.n_values, 1);
			assert_true(slice_eq_str(re.values[0].value.s, word) && slice_eq_str(re.values[0].name, "v"));
			found++;
			continue;
		}
		memo_begin(me, 0);
		(void)reads(me, wo, field_0);
		(void)reads(me, wo, field_1);
		memo_keep(me, 0, &re);
	}
	return found;
}

/* Each allocation fails in turn, alone and with all behind it: less is known, nothing is wrong, and later it goes on. */
static void
without_memory_nothing_is_kept_and_nothing_is_wrong(void **state)
{
	struct world wo;

	(void)state;
	world_open(&wo);
	for (int turn = 0; turn < 4; turn++) {
		bool failed = true, ever_after = turn % 2 != 0, words = turn < 2;

		for (uint64_t at = 1; failed; at++) {
			struct memo *me;

			failing_start(at, ever_after);
			me = memo_new(1);
			assert_true((me == NULL) == (at == 1));
			if (me != NULL)
				(void)live_on(me, &wo, words, 7, 600);
			failed = failing_has();
			(void)failing_stop();
			if (me != NULL) {
				(void)live_on(me, &wo, words, 8, 3000);
				assert_int_equal(live_on(me, &wo, words, 7, 600), 600);
			}
			memo_free(me);
		}
	}
	memo_free(NULL);
}

/* Long answers, so that texts and answers end anywhere in the arena's blocks, of which one cannot be had. */
static void
live_long(struct memo *me, struct world *wo, unsigned pad)
{
	static char bytes[LIMIT_VALUE_BYTES];

	memset(bytes, 'x', sizeof bytes);
	for (int i = 0; i < 2 * 120; i++) {
		struct rule_result re = {.class = OUTCOME_CLEAR, .outcome = i % 120, .n_values = LIMIT_RULE_VALUES};

		for (unsigned v = 0; v < LIMIT_RULE_VALUES; v++)
			re.values[v] = (struct rule_value){slice_of(bytes, 1 + v),
			    v % 2 == 0 ? integer(v) : (struct value){.kind = VALUE_STRING, .s = slice_of(bytes, sizeof bytes - pad - v)}};
		wo->fields[0] = integer(i % 120);
		wo->fields[1] = (struct value){.kind = VALUE_STRING, .s = slice_of(bytes, sizeof bytes - pad)};
		if (!memo_find(me, 0, &wo->in, &re)) {
			memo_begin(me, 0);
			(void)reads(me, wo, field_0);
			(void)reads(me, wo, field_1);
			memo_keep(me, 0, &re);
			continue;
		}
		assert_int_equal(re.outcome, i % 120);
		assert_int_equal(re.n_values, LIMIT_RULE_VALUES);
		for (unsigned v = 0; v < LIMIT_RULE_VALUES; v++) {
			assert_int_equal(re.values[v].name.n, 1 + v);
			assert_true(re.values[v].name.p != NULL && re.values[v].name.p[0] == 'x');
			assert_int_equal(re.values[v].value.kind, v % 2 == 0 ? VALUE_INTEGER : VALUE_STRING);
			assert_true(v % 2 == 0 ? re.values[v].value.i == v : re.values[v].value.s.n == sizeof bytes - pad - v);
		}
	}
}

static void
half_an_answer_is_none(void **state)
{
	struct world wo;

	(void)state;
	world_open(&wo);
	for (unsigned pad = 0; pad < 900; pad += 30) {
		bool failed = true;

		for (uint64_t at = 2; failed; at++) {
			struct memo *me;

			failing_start(at, false);
			me = memo_new(1);
			assert_non_null(me);
			live_long(me, &wo, pad);
			failed = failing_has();
			(void)failing_stop();
			memo_free(me);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_rule_that_reads_new_things_is_not_asked_any_more),
	    cmocka_unit_test_setup_teardown(a_trial_follows_a_trial, open_memo, close_memo),
	    cmocka_unit_test(a_rule_and_all_rules_have_their_limits),
	    cmocka_unit_test_setup_teardown(what_is_full_does_not_grow, open_memo, close_memo),
	    cmocka_unit_test(what_does_not_pay_leaves_its_room),
	    cmocka_unit_test(without_memory_nothing_is_kept_and_nothing_is_wrong),
	    cmocka_unit_test(half_an_answer_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
