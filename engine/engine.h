/* The public face of the engine for drivers (the dideban program, tests, benches). A node is one store with its journal, the
 * fold over it, and the live rule set:
 *
 *   raw event --node_add--> intake (parse, validate, grant) --> batch --node_commit--> journal, sync, fold --> on_message
 *
 * The fold itself (engine/flow/fold.h) has no threads, clock or I/O; the node lends it the store handle, appends to the
 * journal and hands in the clock. One thread. Everything that returns -1 with ERR_IO, ERR_FULL, ERR_CORRUPT or ERR_NOMEM
 * leaves the node unusable but for node_close: what was journalled is safe, and a new node_open continues from it. */
#ifndef DIDEBAN_ENGINE_ENGINE_H
#define DIDEBAN_ENGINE_ENGINE_H

#include "engine/event/event.h"
#include "engine/flow/ruleset.h"
#include "state/store/store.h"

struct node;

/* Where a raw event came from. `stream` is a file name as the user gave it, or TOPIC/PARTITION; `number` a line (from 1),
 * an element of an array (from 1), or an offset. Shown as STREAM:NUMBER. */
struct position {
	struct slice stream;
	uint64_t number;
};

enum message_type { MESSAGE_RAISED, MESSAGE_UPDATED, MESSAGE_WITHDRAWN };
struct message {
	enum message_type type;
	uint64_t batch; /* journal sequence that caused it */
	bool replayed;  /* made again by recovery: it may have been published before */
	const struct rule *rule;
	enum alert_level level;
	struct slice alert_id; /* 32 hex digits */
	uint32_t seq;
	struct slice subject, text_fa, text_en;
	struct slice json; /* the CloudEvent, one line without newline */
};

/* Order of calls: on_message for each message of a batch, in order, then on_batch. Both only after the batch is durable.
 * A non-zero return stops the node with the error that the callback filled. */
struct node_options {
	const char *dir;                    /* state directory, made if missing; NULL: a temporary one, removed at close, never synced */
	bool read_only;                     /* looks at a store, also beside a running one: folds the journal's tail in memory, changes nothing */
	unsigned partitions;                /* 0: 1 */
	size_t cache_bytes;                 /* timelines in memory, and the filter of what is known; 0: 512 MiB */
	uint64_t checkpoint_events;         /* 0: 100,000 */
	size_t change_bytes;                /* what waits for a checkpoint, in memory; 0: 64 MiB, but at most half the cache, at least 16 MiB */
	uint64_t batch_events;              /* 0: LIMIT_BATCH_EVENTS; at most that */
	bool ticks;                         /* serve: every batch's clock is a tick */
	int64_t max_future;                 /* seconds; 0: 300; negative: never quarantined */
	const char *instance;               /* of the messages' source "/dideban/INSTANCE"; NULL: "local" */
	struct instant (*clock)(void *ctx); /* NULL: the system's */
	int (*on_message)(void *ctx, const struct message *me, struct err *err); /* NULL: messages are not even rendered */
	int (*on_batch)(void *ctx, uint64_t batch, struct err *err);
	/* At a checkpoint: a sink's own mark (how far it has published, at most 4096 bytes), kept with it. */
	int (*on_checkpoint)(void *ctx, struct buf *mark, struct err *err);
	void *ctx;
};

/* Opens and recovers (folds the journal behind the checkpoint, with messages marked `replayed`). The live rule set is the
 * one that the store recorded; a new store has none: then call node_rules before node_add. */
int node_open(struct node **ret, const struct node_options *opt, struct err *err);
/* What a sink must know before recovery makes messages again; handed over between opening and recovery. */
struct node_origin {
	struct slice sink_mark; /* of the checkpoint; empty: none */
	char store[17];         /* names this store and every copy of it: 16 hex digits */
	uint64_t last;          /* newest record of its journal: no message made again is of a later batch */
};
int node_open_with_origin(
    struct node **ret, const struct node_options *opt, int (*on_origin)(void *ctx, const struct node_origin * or, struct err *err), struct err *err);
/* Commits what is pending, checkpoints, closes; frees always. NULL is fine. */
int node_close(struct node *no, struct err *err);
/* Frees without commit or checkpoint, as after a crash: what is journalled stays. */
void node_abandon(struct node *no);

/* Makes *src the live rule set if it differs from the live one: journals it and judges the past anew for the rules that
 * changed. Takes over *src (emptied). Mistakes in the files go to `fi` with ERR_CHECKED. *ret_changed may be NULL. */
int node_rules(struct node *no, struct ruleset_source *src, struct findings *fi, bool *ret_changed, struct err *err);
const struct ruleset *node_ruleset(const struct node *no); /* NULL before the first */

/* What an input may bring: NULL grants everything. Lists of sources and event types. A source grants itself and what is below
 * it ("/courts" grants "/courts/7", not "/courts7"), a type itself; a "*" at the end of either grants any rest. corrections: may
 * retract what other sources said. Borrowed during node_add. */
struct grant {
	size_t n_sources, n_types;
	const char *const *sources;
	const char *const *types;
	bool corrections;
};

/* One raw event. Bad input is no error: it is quarantined and counted. Commits by itself when the batch is full. */
int node_add(struct node *no, struct slice raw, const struct position *pos, const struct grant *grant, struct err *err);
/* The same for input that never became an event (a line over the limit: raw is its beginning, full_bytes its length). */
int node_add_fault(
    struct node *no, enum event_fault fault, struct slice detail, struct slice raw, uint64_t full_bytes, const struct position *pos, struct err *err);
int node_commit(struct node *no, struct err *err);
/* Commits, then lets the clock reach `now`: what has expired ends. */
int node_tick(struct node *no, struct instant now, struct err *err);
int node_checkpoint(struct node *no, struct err *err);
/* The same, though nothing has changed but where the sink is: its mark is kept before the first message leaves. */
int node_checkpoint_sink(struct node *no, struct err *err);
/* Whether the disk has room enough to take more in. A driver that can wait pauses until there is: with still less free every
 * write fails with ERR_FULL. */
bool node_has_room(const struct node *no);

/* Highest number consumed of a stream: a source that follows it goes on behind it. 1; 0: nothing was (*ret is 0); -1: error. */
int node_position(struct node *no, struct slice stream, uint64_t *ret, struct err *err);

struct node_stats {
	/* This run (since node_open): consumed = processed + duplicates + quarantined, exactly. */
	uint64_t consumed, processed, duplicates, quarantined;
	uint64_t late;             /* processed events that came behind a later trigger or entry of one of their live subjects */
	uint64_t retracted;        /* identities taken out */
	uint64_t retractions_void; /* retractions without effect: of a retraction, or of themselves */
	uint64_t evaluations, messages, batches, checkpoints;
	uint64_t ended_unsent;
	uint64_t by_fault[FAULT_COUNT];
	uint64_t timelines, timeline_bytes;       /* in memory */
	uint64_t filter_bytes, block_cache_bytes; /* known identities and subjects; blocks of the store's files. In memory too */
	struct store_reads reads;                 /* opening and recovery included */
};
void node_stats(const struct node *no, struct node_stats *ret);
struct rule_stats {
	uint64_t alert, clear, unknown, error; /* evaluations by outcome class, this run */
	uint64_t raised, updated, withdrawn;
	char last_error[256];
};
/* rule: index in node_ruleset()->rules. */
void node_rule_stats(const struct node *no, size_t rule, struct rule_stats *ret);

/* Alerts, in order of (rule, subject, opened_at, id). */
enum alert_state { ALERT_STANDING, ALERT_WITHDRAWN, ALERT_ENDED };
struct alert_view {
	const struct rule *rule; /* NULL if the rule is no longer in the set */
	enum alert_state state;
	enum alert_level level;
	struct slice alert_id, subject, outcome, text_fa, text_en;
	struct instant opened_at;
	uint32_t seq;
	bool holds;        /* recomputed from the timelines just now and found the same */
	struct slice json; /* the data object of docs/reference, with "state" */
};
/* rule, subject, alert_id: NULL for all. Calls fn for each; a non-zero return stops and is returned. */
int node_alerts(struct node *no, const char *rule, const char *subject, const char *alert_id, bool all,
    int (*fn)(void *ctx, const struct alert_view *av, struct err *err), void *ctx, struct err *err);

/* How many alerts stand. */
int node_standing(struct node *no, uint64_t *ret, struct err *err);

/* A subject's entries in total order. */
struct entry_view {
	struct instant time;
	struct slice source, id, type, role, position_stream;
	uint64_t position_number;
	bool contested;
	const struct layout *layout;
	struct slice kept;
};
int node_timeline(
    struct node *no, const char *subject, int (*fn)(void *ctx, const struct entry_view *en, struct err *err), void *ctx, struct err *err);

/* The outcome of every trigger of one rule, in total order (time, source, id, subject); nothing is stored or sent. */
struct eval_view {
	const struct rule *rule;
	struct slice subject, source, id;
	struct instant time;
	const struct rule_result *result;
};
int node_eval(struct node *no, const struct rule *ru, struct slice rule_text, int (*fn)(void *ctx, const struct eval_view *ev, struct err *err),
    void *ctx, struct err *err);

/* Whether these raw bytes came before, as an accepted event's identity or into quarantine. 1, 0, or -1. */
int node_knows(struct node *no, struct slice raw, struct err *err);

/* The raw bytes of an accepted event, from the journal. 1 found, 0 not, -1 error. */
int node_event(struct node *no, struct slice source, struct slice id, struct buf *ret_raw, struct err *err);

/* Quarantine. id: 16 hex digits of the SHA-256 of the raw bytes and the fault. */
/* What is replayed comes from a stream of this name and its id: if it is set aside again, that is not counted as an arrival. */
#define QUARANTINE_REPLAY_STREAM "quarantine/"
enum quarantine_state { QUARANTINE_OPEN, QUARANTINE_REPLAYED, QUARANTINE_DISCARDED };
struct quarantine_view {
	struct slice id, detail, raw, stream, note;
	enum event_fault fault;
	enum quarantine_state state;
	uint64_t number, full_bytes, times; /* times: how often it came */
	struct instant first_seen;
};
/* In order of first arrival. id NULL: all. */
int node_quarantine(
    struct node *no, const char *id, int (*fn)(void *ctx, const struct quarantine_view *qu, struct err *err), void *ctx, struct err *err);
/* Marks one (after its fixed form was accepted through node_add, or as not worth it), with a note; journalled. */
int node_quarantine_mark(struct node *no, const char *id, enum quarantine_state state, const char *note, struct err *err);

#endif
