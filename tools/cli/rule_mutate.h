/* Small wrong changes to a rule, which its tests should notice: a comparison that takes or leaves its bound, one condition of several
 * that is dropped, `and` for `or`, a `where` less, a default one step off. Changes are made to the text by its tokens, in `evaluate`,
 * the functions before the table, `features` and `params`; what then no longer loads is no mutant.
 * A line with the comment `mutate: same` says that a change there cannot be noticed. */
#ifndef DIDEBAN_TOOLS_CLI_RULE_MUTATE_H
#define DIDEBAN_TOOLS_CLI_RULE_MUTATE_H

#include "engine/rule/rule.h"
#include "state/base/buf.h"

struct mutant {
	size_t from, to; /* bytes of the text that `with` stands for */
	char with[48];
	unsigned line, column; /* from 1; column in code points */
	bool marked;           /* as one that cannot be noticed */
};

struct mutants {
	struct mutant *v;
	size_t n, cap;
};

void mutants_free(struct mutants *mu);
/* Of the rule file `text`, which rule_load accepted as `ru`; in order of place. -1: out of memory. */
int mutants_find(struct mutants *ret, struct slice text, const struct rule *ru);
void mutant_apply(const struct mutant *mu, struct slice text, struct buf *ret);

#endif
