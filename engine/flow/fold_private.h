/* The fold's inside, shared by fold.c (records), fold_rules.c (rule sets) and fold_checkpoint.c (loading and saving). */
#ifndef DIDEBAN_ENGINE_FLOW_FOLD_PRIVATE_H
#define DIDEBAN_ENGINE_FLOW_FOLD_PRIVATE_H

#include "engine/flow/fold.h"

/* A rule set that events of this store were accepted under. */
struct past_set {
	uint32_t number;
	struct contracts *contracts;
	struct event_parser *parser;
	struct ruleset *rs; /* whole, once it was asked for */
};

struct stream_mark {
	uint32_t stream;
	uint64_t number;
};

struct fold {
	struct fold_env env;
	struct names *names;
	struct filter *filter;
	struct changes *changes;
	struct quarantine *quarantine;
	struct registrar *registrar;
	struct worker *workers[LIMIT_PARTITIONS];
	struct plan *plan;
	struct ruleset *rs;
	struct buf rules_bytes;
	struct event_parser *parser;
	uint16_t *layouts; /* layout numbers by the contract's place in the set */
	struct past_set *past;
	size_t n_past;
	struct rule_stats *rule_stats;
	struct node_stats stats, dropped; /* dropped: what workers of earlier rule sets had counted */
	struct stream_mark *marks;        /* streams of batches since the last checkpoint */
	size_t n_marks, cap_marks;
	struct buf key, value;
	struct buf sink_mark;
	uint64_t seed, quarantine_next, dirty_events;
	uint64_t standing; /* alerts of the store and the change set */
	uint32_t rule_set;
	struct instant tick, newest;
	bool have_tick, have_newest, loading, dirty;
	bool cold;          /* the store was there before us, and we have not written to it: the system may have to ask the disk */
	struct instant due; /* no stored alert expires before that; if due_known */
	bool due_known;
	/* While a batch is under way. */
	struct arena *arena;
	bool late;
};

/* fold_rules.c */
void fold_drop_workers(struct fold *fo);
void fold_free_past(struct fold *fo);
int fold_load_rules(struct fold *fo, struct err *err);
/* A parser for the contracts of any rule set that this store had. */
int fold_parser_of(struct fold *fo, uint32_t number, struct event_parser **ret, struct err *err);

/* fold_checkpoint.c. 1: loaded; 0: the store is new; -1: error. */
int fold_load_state(struct fold *fo, struct err *err);

/* fold_clock.c. The tick has moved: what has expired ends, and rules whose day of review it is the first to pass judge again what
 * they said. */
int fold_pass_time(struct fold *fo, bool had_tick, struct instant before, const struct batch_now *bn, struct err *err);
/* What workers knew of coming expiries now speaks of the store. */
void fold_due_saved(struct fold *fo);

/* fold.c: the store may hold a subject of this hash. */
bool fold_known(void *fold, uint64_t hash);
int fold_note(void *fold, uint64_t hash, struct err *err);
/* What holds for the messages of one record. */
struct batch_now fold_now(const struct fold *fo, uint64_t seq, struct instant now, bool replayed);

#endif
