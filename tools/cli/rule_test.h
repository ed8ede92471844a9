/* One test of a rule file, run against the engine: as given, shuffled, with every event twice, and one event a batch. All
 * four must leave the same alerts (the law of order), and these must be the expected ones. */
#ifndef DIDEBAN_TOOLS_CLI_RULE_TEST_H
#define DIDEBAN_TOOLS_CLI_RULE_TEST_H

#include "engine/engine.h"
#include "engine/rule/cases.h"

struct test_report {
	struct buf failures; /* lines, each with its newline; empty: passed */
	/* of the run as given, for coverage */
	uint64_t outcomes; /* bit i: outcome i of the rule came up */
	uint64_t not_all;  /* bit i: it came up, and some other subject's triggers never had it */
	unsigned triggers;
};
void test_report_free(struct test_report *re);

struct test_coverage {
	struct outcome_coverage {
		unsigned reached, firing, below, other_subject; /* tests */
	} outcomes[LIMIT_RULE_OUTCOMES];
};
void coverage_add(struct test_coverage *co, const struct rule *ru, const struct rule_case *ca, const struct test_report *re);

/* contracts: the sources of the folder. `once`: as given alone. -1 only when the engine cannot run; a test that fails is in the report. */
int rule_test_run(const struct ruleset_source *contracts, struct slice text, const struct rule *ru, const struct rule_case *ca, bool once,
    uint64_t seed, struct test_report *ret, struct err *err);

#endif
