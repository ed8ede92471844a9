/* A worker: one partition of the subjects, with its own sandbox. It takes the entries that the registrar adds and removes,
 * merges them into the timelines at the end of the batch, judges again every trigger that a change can reach, and makes the
 * standing alerts follow. One thread; several workers share the names, the store and the change set of the fold. */
#ifndef DIDEBAN_ENGINE_FLOW_WORKER_H
#define DIDEBAN_ENGINE_FLOW_WORKER_H

#include "engine/flow/judge.h"

struct worker;

struct worker_stats {
	uint64_t evaluations, ended_unsent, messages, timelines, timeline_bytes;
};

/* Everything in `env` must outlive the worker. */
struct worker_env {
	const struct plan *plan;
	const struct rule *const *rules; /* by index, with their texts */
	const struct slice *texts;
	const struct names *names;
	struct store *store;                                    /* read only, to load subjects */
	const bool *loading;                                    /* false: nothing is in the store yet, do not ask */
	bool (*known)(void *ctx, uint64_t hash);                /* the store may hold this subject (or, by subject_alerts_hash, alerts of it) */
	int (*note)(void *ctx, uint64_t hash, struct err *err); /* from now on it is known */
	size_t cache_bytes;
	bool render; /* messages have a receiver */
	const char *instance;
	struct rule_stats *stats; /* by rule index */
	void *ctx;                /* of known and note */
};

int worker_new(struct worker **ret, const struct worker_env *env, struct err *err);
void worker_free(struct worker *wo);

/* A hint that a subject of this hash is taken: soon, or `now`. */
void worker_expect(const struct worker *wo, uint64_t hash, bool now);
/* Queues one change of a live subject; slices in `de` must live until worker_fold returns. *ret_late: an entry later than it
 * was there already. */
int worker_take(struct worker *wo, struct slice subject, uint64_t hash, const struct kind_plan *kind, const struct delta *de, struct arena *arena,
    bool *ret_late, struct err *err);

/* Counts an event as unknown for each rule that is asked about it and cannot be told about whom. */
void worker_count_nameless(struct worker *wo, uint16_t layout, const struct event *ev);

/* What holds for a batch. */
struct batch_now {
	uint64_t batch;
	uint32_t rule_set;
	struct instant now, known_up_to, tick;
	bool have_tick, replayed, silent;
	int (*on_message)(void *ctx, const struct message *me, struct err *err);
	void *ctx;
};
/* Merges, judges, cuts; messages come in the order in which subjects were first touched. */
int worker_fold(struct worker *wo, const struct batch_now *bn, struct err *err);
/* Lets the clock pass: ends what has expired among the subjects that changed since the last checkpoint. */
int worker_tick(struct worker *wo, const struct batch_now *bn, struct err *err);
/* The same for one subject, loaded if it must be. */
int worker_tick_subject(struct worker *wo, struct slice subject, const struct batch_now *bn, struct err *err);

/* No alert that changed since the last checkpoint expires before that; to be changed by who knows better. */
struct instant *worker_due(struct worker *wo);

/* Judges every trigger of `rule` on one subject anew, as it changed; `before`: what it was, NULL if it is new. */
int worker_rejudge(struct worker *wo, struct slice subject, size_t rule, const struct rule *before, const struct batch_now *bn, struct err *err);
/* The same as its day of review has passed: for one subject, and for each that changed since the last checkpoint. */
int worker_review(struct worker *wo, struct slice subject, size_t rule, const struct batch_now *bn, struct err *err);
int worker_review_changed(struct worker *wo, size_t rule, const struct batch_now *bn, struct err *err);
/* Takes back everything that `rule` says about one subject. */
int worker_retire(struct worker *wo, struct slice subject, size_t rule, const struct batch_now *bn, struct err *err);
/* Calls fn for the outcome of every trigger of `rule` on one subject, in total order; changes nothing. */
int worker_eval(struct worker *wo, struct slice subject, size_t rule, int (*fn)(void *ctx, const struct eval_view *ev, struct err *err), void *ctx,
    struct err *err);

/* A subject that the store or memory holds, loaded if it must be; *ret NULL if its kind is not live. Valid until the next call. */
int worker_subject(struct worker *wo, struct slice subject, struct subject **ret, struct err *err);
/* Renders the data object of an alert that is not withdrawn, from the timeline as it is. */
int worker_render(struct worker *wo, struct subject *su, unsigned rule, const struct group *gr, const struct alert *al, struct buf *json,
    struct buf *fa, struct buf *en, bool *ret_holds, struct err *err);

int worker_save(struct worker *wo, struct changes *ch, uint64_t *standing, struct err *err); /* subjects_save */
void worker_forget_stats(struct worker *wo);
void worker_stats(const struct worker *wo, struct worker_stats *ret);
struct subjects *worker_subjects(struct worker *wo);

#endif
