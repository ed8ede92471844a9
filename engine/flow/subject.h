/* The live subjects that are in memory, of one partition: timeline, standing alerts and feature cursors. Bounded in bytes: what
 * has not been used longest goes first, and comes back from the store when it is asked for. A subject that changed since the
 * last checkpoint stays. "Longest" by second chance (Corbato 1969): being used sets a mark, as moving it in a list at each use
 * would touch its neighbours too. One thread. */
#ifndef DIDEBAN_ENGINE_FLOW_SUBJECT_H
#define DIDEBAN_ENGINE_FLOW_SUBJECT_H

#include "engine/alert/standing.h"
#include "engine/feature/active.h"
#include "engine/flow/plan.h"
#include "state/base/table.h"

/* The state of one feature over one timeline; which half is used depends on the op. */
struct cursor {
	struct window wi;
	struct active ac;
};

struct rule_state {
	struct standing sg;
	struct cursor *cursors; /* one a feature, for timelines over SMALL_TIMELINE entries; else NULL */
};

struct delta_node {
	struct delta de;
	struct delta_node *next;
};

/* There are a million of them. What an event touches first stands last, beside the key: few cache lines. */
struct subject {
	uint64_t serial;               /* of all that were ever made; never 0 */
	struct subject *newer, *older; /* the queue of eviction */
	size_t bytes, group_bytes;     /* last counted; of them, those of the groups */
	const struct kind_plan *kind;
	struct rule_state *own; /* kind->n; NULL: no rule keeps anything, as of most subjects */
	struct timeline tl;
	struct delta_node *first, *last; /* of the batch under way */
	struct instant newest;           /* of tl and the deltas */
	uint32_t key_len;
	bool dirty; /* since the last checkpoint */
	bool used;  /* since the queue passed it last */
	char key[]; /* "kind/key" */
};

extern const struct rule_state no_rule_state;

/* What a rule of its kind keeps of it; may be no_rule_state. */
static inline const struct rule_state *
subject_rule(const struct subject *su, unsigned slot)
{
	return su->own == NULL ? &no_rule_state : &su->own[slot];
}

/* The same, to be written to. NULL: out of memory. */
struct rule_state *subject_own_rule(struct subject *su, unsigned slot);

struct subjects {
	struct table table;
	struct subject *newest, *oldest;
	size_t bytes, max_bytes;
	size_t stuck;           /* bytes after an eviction that could not make room; 0: none since the last save */
	uint64_t made;          /* the newest one's serial */
	struct subject **dirty; /* for the next checkpoint */
	size_t n_dirty, cap_dirty;
};

static inline struct slice
subject_key(const struct subject *su)
{
	return slice_of(su->key, su->key_len);
}

void subjects_free(struct subjects *ss);                                             /* all of them */
struct subject *subjects_find(struct subjects *ss, struct slice key, uint64_t hash); /* NULL: not in memory; marks it used */
/* A hint that a subject of this hash is looked for: soon, and sooner. */
void subjects_expect(const struct subjects *ss, uint64_t hash);
void subjects_expect_now(const struct subjects *ss, uint64_t hash);
/* An empty one, in memory from now on. */
struct subject *subjects_make(struct subjects *ss, struct slice key, uint64_t hash, const struct kind_plan *kind, struct err *err);
/* Lets go of one that is clean and not of the batch under way. */
void subjects_drop(struct subjects *ss, struct subject *su);
/* What the filter knows a subject by that has, or had, alert triggers: others need not look for any. */
static inline uint64_t
subject_alerts_hash(uint64_t hash)
{
	return hash ^ UINT64_C(0x9e3779b97f4a7c15);
}
/* Fills a subject from the store; `alerts`: it may have some. After a failure it is half filled: drop it. */
int subject_load(struct subject *su, struct store *st, const struct names *na, bool alerts, struct err *err);
int subjects_dirty(struct subjects *ss, struct subject *su, struct err *err);
/* Counts a subject's bytes again after it changed; those of its groups by subject_count_group, for each that changed. */
void subjects_count(struct subjects *ss, struct subject *su);
void subject_count_group(struct subject *su, struct group *gr);
/* Puts the groups of dirty subjects into `ch` and makes them clean; *standing: the standing alerts of the store, by what changed. */
int subjects_save(struct subjects *ss, struct changes *ch, uint64_t *standing, struct err *err);
/* Lets go of the longest unused clean ones until within max_bytes. Where what is dirty does not let it come so far, it tries again
 * after a save, or once the bytes have grown by an eighth: it would walk over all of them for nothing. */
void subjects_evict(struct subjects *ss);

/* What begins the 'A' keys of a group, and that of one of its alerts. */
void group_prefix(struct buf *ret, struct slice subject, const char *rule, struct slice group);
void alert_key(struct buf *ret, struct slice prefix, const uint8_t id[ALERT_ID_BYTES]);
/* Whose record an 'A' key is: an alert's, or that of a part of the hits. Slices are into the key. 0 or -1. */
struct group_place {
	struct slice subject, rule, group;
	bool is_alert;
	bool new_subject, new_rule; /* fold_each_alert: not those of the alert before */
};
int group_key_split(struct slice key, struct group_place *ret);

#endif
