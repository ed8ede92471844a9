/* The fold: the deterministic heart. It takes the journal's records in order and keeps everything that follows from them: names,
 * identities, timelines, standing alerts, quarantine. No threads, no clock, no I/O of its own: the node lends it the store to
 * read what is not in memory, and a way to read the journal. The same records give the same state and the same messages. */
#ifndef DIDEBAN_ENGINE_FLOW_FOLD_H
#define DIDEBAN_ENGINE_FLOW_FOLD_H

#include "engine/flow/registrar.h"
#include "engine/flow/worker.h"

struct fold;

struct fold_env {
	struct store *store;
	unsigned partitions;
	size_t cache_bytes;
	size_t change_bytes; /* a rule set that goes live holds no more of what it changes in memory */
	const char *instance;
	int (*on_message)(void *ctx, const struct message *me, struct err *err); /* NULL: not rendered */
	void *ctx;                                                               /* of on_message */
	void *journal;                                                           /* of read */
	int (*read)(void *journal, uint64_t at, void *ret, size_t n, struct err *err);
};

/* Loads what the store's checkpoint holds. */
int fold_new(struct fold **ret, const struct fold_env *env, struct err *err);
void fold_free(struct fold *fo);

/* 0 while the store has none: then a seed record comes first. */
uint64_t fold_seed(const struct fold *fo);
int fold_take_seed(struct fold *fo, uint64_t seed, struct err *err);

/* Before a rule set is journalled: that this store can take it live. ERR_CHECKED, ERR_LIMIT. */
int fold_check_rules(struct fold *fo, const struct ruleset *rs, struct err *err);
/* A rule set goes live: bytes as ruleset_encode gives. `compiled` (taken over) spares compiling again. When timelines are there
 * already, the rules that changed judge the past anew, in silence, and what rules said that are gone is withdrawn: for this
 * everything must be in the store (fold_save first; else ERR_CORRUPT), and what it changes must come there (fold_save,
 * store_checkpoint) before anything else is taken. */
int fold_take_rules(struct fold *fo, struct slice bytes, struct ruleset *compiled, uint64_t seq, struct instant now, bool replayed, struct err *err);
const struct ruleset *fold_ruleset(const struct fold *fo); /* NULL: none yet */
struct event_parser *fold_parser(const struct fold *fo);
struct slice fold_rules_bytes(const struct fold *fo);

/* One batch; `at`: place of its items in the journal. */
int fold_take_batch(struct fold *fo, struct batch *ba, uint64_t seq, uint64_t at, bool replayed, struct err *err);
int fold_take_tick(struct fold *fo, struct instant tick, uint64_t seq, bool replayed, struct err *err);
int fold_take_mark(struct fold *fo, const uint8_t id[QUARANTINE_ID_BYTES], enum quarantine_state state, struct slice note, struct err *err);

/* Everything dirty, for one checkpoint at `seq`. After the store took it: fold_saved. */
int fold_save(struct fold *fo, uint64_t seq, struct slice sink_mark, struct changes **ret, struct err *err);
void fold_saved(struct fold *fo);
uint64_t fold_standing(const struct fold *fo); /* alerts of what was saved */
bool fold_clean(const struct fold *fo);
size_t fold_dirty_bytes(const struct fold *fo);
uint64_t fold_dirty_events(const struct fold *fo);
struct slice fold_sink_mark(const struct fold *fo); /* of the checkpoint that was loaded */

int fold_position(struct fold *fo, struct slice stream, uint64_t *ret, struct err *err);
void fold_stats(const struct fold *fo, struct node_stats *ret);
void fold_forget_stats(struct fold *fo);
/* Lets go of subjects until within the cache; true: what is left over it waits for a checkpoint. */
bool fold_relieve(struct fold *fo);
size_t fold_timeline_bytes(const struct fold *fo); /* in memory */
/* Of the cache, what the filter of the known, which grows with the history, leaves to the timelines: at least half. */
size_t fold_cache_left(const struct fold *fo);
const struct rule_stats *fold_rule_stats(const struct fold *fo, size_t rule);
struct names *fold_names(struct fold *fo);
struct registrar *fold_registrar(struct fold *fo);
struct quarantine *fold_quarantine(struct fold *fo);
/* The rule of that id in the set of that number; *ret NULL: none. */
int fold_past_rule(struct fold *fo, uint32_t number, struct slice id, const struct rule **ret, struct err *err);
/* The worker that holds a subject. */
struct worker *fold_worker(struct fold *fo, struct slice subject);
/* The environment of its workers, for workers of other rules over the same store (node_eval). */
void fold_worker_env(struct fold *fo, struct worker_env *ret);

/* Calls fn for each alert that the store holds, those of one subject and rule together. What it is given is borrowed. */
int fold_each_alert(
    struct fold *fo, int (*fn)(void *ctx, const struct group_place *gp, const struct alert *al, struct err *err), void *ctx, struct err *err);
/* Calls fn for each subject "KIND/..." that the store holds, in order. */
int fold_each_subject(struct fold *fo, const char *kind, int (*fn)(void *ctx, struct slice subject, struct err *err), void *ctx, struct err *err);

#endif
