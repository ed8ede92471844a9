#include "tools/cli/summary.h"
#include "state/base/limits.h"
#include "state/base/stages.h"

#include <inttypes.h>
#include <stdlib.h>

int
summary_take(struct summary *ret, struct node *no, double seconds, const char *store, struct err *err)
{
	const struct ruleset *rs = node_ruleset(no);
	struct summary su = {.seconds = seconds, .store = store, .n_rules = rs == NULL ? 0 : rs->n_rules};

	node_stats(no, &su.st);
	su.rules = calloc(su.n_rules + 1, sizeof *su.rules);
	if (su.rules == NULL)
		return err_nomem(err);
	for (size_t i = 0; rs != NULL && i < rs->n_rules; i++) {
		(void)snprintf(su.rules[i].id, sizeof su.rules[i].id, "%s", rs->rules[i]->id);
		node_rule_stats(no, i, &su.rules[i].rs);
	}
	if (node_standing(no, &su.standing, err) != 0) {
		free(su.rules);
		return -1;
	}
	*ret = su;
	return 0;
}

void
summary_free(struct summary *su)
{
	free(su->rules);
	*su = (struct summary){0};
}

int
summary_check(const struct summary *su, struct err *err)
{
	const struct node_stats *st = &su->st;

	if (st->consumed == st->processed + st->duplicates + st->quarantined)
		return 0;
	return err_set(err, ERR_LIMIT,
	    "the account does not balance: consumed %" PRIu64 ", processed %" PRIu64 ", duplicates %" PRIu64 ", quarantined %" PRIu64
	    "; this is a fault of dideban",
	    st->consumed, st->processed, st->duplicates, st->quarantined);
}

static void
print_rules(FILE *f, const struct summary *su)
{
	size_t wide = 4;

	for (size_t i = 0; i < su->n_rules; i++)
		if (strlen(su->rules[i].id) > wide)
			wide = strlen(su->rules[i].id);
	fprintf(f, "%s%-*s %9s %9s %9s %9s %9s %9s%s\n", tint(f, TINT_DIM), (int)wide, "rule", "raised", "updated", "withdrawn", "alerting",
	    "unknown", "errors", tint(f, TINT_OFF));
	for (size_t i = 0; i < su->n_rules; i++) {
		const struct rule_stats *rs = &su->rules[i].rs;

		fprintf(f, "%-*s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n", (int)wide, su->rules[i].id,
		    rs->raised, rs->updated, rs->withdrawn, rs->alert, rs->unknown, rs->error);
		if (rs->error > 0)
			fprintf(f, "  last error of %s: %s\n", su->rules[i].id, rs->last_error);
	}
}

void
summary_print(FILE *f, const struct summary *su)
{
	const struct node_stats *st = &su->st;
	const char *comma = "";

	fprintf(f, "consumed %" PRIu64 " = processed %" PRIu64 " + duplicates %" PRIu64 " + quarantined %" PRIu64 "\n", st->consumed, st->processed,
	    st->duplicates, st->quarantined);
	fprintf(f, "late %" PRIu64 ", retracted %" PRIu64 ", evaluations %" PRIu64 ", messages %" PRIu64 "\n", st->late, st->retracted,
	    st->evaluations, st->messages);
	if (st->retractions_void > 0)
		fprintf(f, "retractions without effect %" PRIu64 " (of a retraction, or of themselves)\n", st->retractions_void);
	if (st->ended_unsent > 0)
		fprintf(f, "already past their expiry, not sent %" PRIu64 "\n", st->ended_unsent);
	if (st->quarantined > 0) {
		fprintf(f, "quarantined: ");
		for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
			if (st->by_fault[i] == 0)
				continue;
			fprintf(f, "%s%s %" PRIu64, comma, event_fault_name((enum event_fault)i), st->by_fault[i]);
			comma = ", ";
		}
		fputc('\n', f);
	}
	if (su->n_rules > 0)
		print_rules(f, su);
	fprintf(f, "standing alerts %" PRIu64 "\n", su->standing);
	for (unsigned i = 0; su->stages && i < STAGE_COUNT; i++)
		fprintf(f, "%s%s %.2f s", i == 0 ? "" : ", ", stage_name((enum stage)i), stages_seconds((enum stage)i));
	if (su->stages)
		fprintf(f, "\nthe store was asked for %" PRIu64 " keys, walked %" PRIu64 " times, read %" PRIu64 " blocks (%.1f MiB)\n",
		    st->reads.gets, st->reads.walks, st->reads.blocks, (double)st->reads.bytes / (double)MIB);
	if (su->stages)
		fprintf(f, "in memory: %" PRIu64 " timelines (%.1f MiB), filter of what is known %.1f MiB, blocks of the store %.1f MiB\n",
		    st->timelines, (double)st->timeline_bytes / (double)MIB, (double)st->filter_bytes / (double)MIB,
		    (double)st->block_cache_bytes / (double)MIB);
	fprintf(f, "%.2f s, %s events a second\n", su->seconds, grouped(su->seconds > 0 ? (uint64_t)((double)st->consumed / su->seconds) : 0));
}

void
summary_json(FILE *f, const struct summary *su)
{
	const struct node_stats *st = &su->st;
	const char *comma = "";

	fprintf(f,
	    "{\"consumed\":%" PRIu64 ",\"processed\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"quarantined\":%" PRIu64 ",\"late\":%" PRIu64
	    ",\"retracted\":%" PRIu64,
	    st->consumed, st->processed, st->duplicates, st->quarantined, st->late, st->retracted);
	fprintf(f,
	    ",\"retractions_void\":%" PRIu64 ",\"evaluations\":%" PRIu64 ",\"messages\":%" PRIu64 ",\"ended_unsent\":%" PRIu64 ",\"batches\":%" PRIu64
	    ",\"checkpoints\":%" PRIu64,
	    st->retractions_void, st->evaluations, st->messages, st->ended_unsent, st->batches, st->checkpoints);
	fprintf(f, ",\"by_fault\":{");
	for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
		if (st->by_fault[i] == 0)
			continue;
		fprintf(f, "%s\"%s\":%" PRIu64, comma, event_fault_name((enum event_fault)i), st->by_fault[i]);
		comma = ",";
	}
	fprintf(f, "},\"rules\":[");
	for (size_t i = 0; i < su->n_rules; i++) {
		const struct rule_stats *rs = &su->rules[i].rs;

		fprintf(f, "%s{\"rule\":", i == 0 ? "" : ",");
		print_json_string(f, slice_str(su->rules[i].id));
		fprintf(f,
		    ",\"alert\":%" PRIu64 ",\"clear\":%" PRIu64 ",\"unknown\":%" PRIu64 ",\"error\":%" PRIu64 ",\"raised\":%" PRIu64
		    ",\"updated\":%" PRIu64 ",\"withdrawn\":%" PRIu64 "}",
		    rs->alert, rs->clear, rs->unknown, rs->error, rs->raised, rs->updated, rs->withdrawn);
	}
	fprintf(f, "],\"standing\":%" PRIu64 ",\"seconds\":%.3f,\"events_per_second\":%" PRIu64, su->standing, su->seconds,
	    su->seconds > 0 ? (uint64_t)((double)st->consumed / su->seconds) : 0);
	if (su->store != NULL) {
		fprintf(f, ",\"store\":");
		print_json_string(f, slice_str(su->store));
	}
	fprintf(f, su->stages ? ",\"stages\":{" : "");
	for (unsigned i = 0; su->stages && i < STAGE_COUNT; i++)
		fprintf(f, "%s\"%s\":%.6f", i == 0 ? "" : ",", stage_name((enum stage)i), stages_seconds((enum stage)i));
	if (su->stages)
		fprintf(f,
		    "},\"store_reads\":{\"gets\":%" PRIu64 ",\"walks\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"bytes\":%" PRIu64
		    "},\"memory\":{\"timelines\":%" PRIu64 ",\"timeline_bytes\":%" PRIu64 ",\"filter_bytes\":%" PRIu64
		    ",\"block_cache_bytes\":%" PRIu64 "}",
		    st->reads.gets, st->reads.walks, st->reads.blocks, st->reads.bytes, st->timelines, st->timeline_bytes, st->filter_bytes,
		    st->block_cache_bytes);
	fprintf(f, "}\n");
}
