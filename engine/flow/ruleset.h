/* A rule set: every contract and every rule with its overrides, as bytes: what the journal records when it goes live, and as
 * compiled for the fold. */
#ifndef DIDEBAN_ENGINE_FLOW_RULESET_H
#define DIDEBAN_ENGINE_FLOW_RULESET_H

#include "engine/rule/vm.h"

/* The bytes, as gathered by a driver. Owned copies. */
struct ruleset_source {
	size_t n_contracts, n_rules, n_sets;
	struct source_text *contracts; /* names: file name only */
	struct source_text *rules;
	char **sets; /* "RULE.PARAM=VALUE" */
};
void ruleset_source_free(struct ruleset_source *rs);
int ruleset_source_add_contract(struct ruleset_source *rs, struct slice name, struct slice text, struct err *err);
int ruleset_source_add_rule(struct ruleset_source *rs, struct slice name, struct slice text, struct err *err);
int ruleset_source_add_set(struct ruleset_source *rs, const char *set, struct err *err);
/* Sorted by name and encoded: equal sets give equal bytes. */
int ruleset_encode(struct ruleset_source *rs, struct buf *ret, struct err *err);
int ruleset_decode(struct slice bytes, struct ruleset_source *ret, struct err *err);

struct ruleset {
	struct contracts *contracts;
	size_t n_rules;
	struct rule **rules;          /* in order of id bytewise */
	struct slice *texts;          /* of the same rules, borrowed from source */
	struct ruleset_source source; /* owned */
};
/* Compiles; takes over *src (emptied, also on failure). NULL with findings when a contract, rule or override is wrong. */
struct ruleset *ruleset_compile(struct ruleset_source *src, struct findings *fi, struct err *err);
void ruleset_free(struct ruleset *rs);
/* NULL: none of that id, or rs is NULL. */
const struct rule *ruleset_rule(const struct ruleset *rs, struct slice id);

#endif
