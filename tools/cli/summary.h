/* The closing summary of `run`, `serve` and `demo`. */
#ifndef DIDEBAN_TOOLS_CLI_SUMMARY_H
#define DIDEBAN_TOOLS_CLI_SUMMARY_H

#include "tools/cli/cli.h"

struct summary {
	struct node_stats st;
	size_t n_rules;
	struct summary_rule {
		char id[128];
		struct rule_stats rs;
	} * rules;
	double seconds;
	const char *store; /* NULL: a temporary one */
	uint64_t standing; /* alerts that stand at the end */
	bool stages;       /* state/base/stages.h was on: say where the time went */
};

/* Takes the figures from an open node; all pending must be committed. */
int summary_take(struct summary *ret, struct node *no, double seconds, const char *store, struct err *err);
void summary_free(struct summary *su);
/* ERR_LIMIT if consumed is not processed + duplicates + quarantined: a fault of the program that must be seen. */
int summary_check(const struct summary *su, struct err *err);
void summary_print(FILE *f, const struct summary *su);
void summary_json(FILE *f, const struct summary *su);

#endif
