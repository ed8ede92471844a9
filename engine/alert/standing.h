/* What one rule holds about one subject: for each episode group its alert triggers ("hits") in total order, cut into episodes,
 * and the alerts that those episodes are (docs/rules.md). A hit says that the rule alerted at a trigger, with
 * which outcome; it is kept so that episodes can be cut again without judging the past anew. The values of the outcome are kept
 * for shown triggers alone: a rule answers the same whenever it is asked, and there may be a million hits.
 *
 * An alert stays in its group for ever, also withdrawn: if it comes back, its sequence numbers go on. One thread. */
#ifndef DIDEBAN_ENGINE_ALERT_STANDING_H
#define DIDEBAN_ENGINE_ALERT_STANDING_H

#include "engine/engine.h"
#include "engine/flow/names.h"
#include "state/base/arena.h"

#define ALERT_ID_BYTES 16

#define HIT_FRESH UINT32_MAX /* with no mark */

/* Shared by its group and the alerts that it opened, that show it or told of it: each holds it. */
struct hit {
	struct instant time;
	uint32_t holders;
	uint32_t source; /* name */
	uint16_t id_len;
	uint8_t level, code_len;
	uint32_t fresh; /* not 0: judged anew in this batch, what rests on it must be compared; who judged may mark what is known of it */
	char data[];    /* id, the outcome's code (not its number: another version of the rule may number otherwise) */
};

static inline struct slice
hit_id(const struct hit *hi)
{
	return slice_of(hi->data, hi->id_len);
}

static inline struct slice
hit_code(const struct hit *hi)
{
	return slice_of(hi->data + hi->id_len, hi->code_len);
}

struct hit *hit_new(struct instant time, uint32_t source, struct slice id, uint8_t level, struct slice code);
struct hit *hit_hold(struct hit *hi); /* for one more holder; returns it */
void hit_drop(struct hit *hi);        /* by one holder; NULL is fine */
bool hit_same_event(const struct hit *a, const struct hit *b);

/* Why an alert was withdrawn; the text is part of messages (alert_why_text). Stored by number. */
enum alert_why { WHY_EVIDENCE, WHY_REPLACED, WHY_RULE, WHY_REVIEW, WHY_COUNT };
const char *alert_why_text(enum alert_why why);

struct alert {
	uint8_t id[ALERT_ID_BYTES];
	enum alert_state state;
	enum alert_why why; /* while withdrawn */
	uint8_t told_level; /* of the last message, or of the silent raise */
	bool replaced;      /* withdrawn in favour of `by` */
	bool unsaved;       /* changed since the last checkpoint */
	bool counted;       /* what that one holds is a standing alert */
	uint8_t by[ALERT_ID_BYTES];
	uint32_t seq;  /* of the last message; 0: none was sent */
	uint32_t told; /* triggers that a message announced; 0: receivers hold nothing of it */
	uint32_t held_back;
	uint64_t signature;  /* of the shown trigger's outcome, values and evidence */
	struct instant last; /* time of the last hit */
	struct instant decided, known_up_to;
	struct hit *opening, *shown; /* held: they outlive their evidence */
	char *values;                /* of the shown trigger's outcome: n times blob(name), blob(encoded value) */
	uint32_t values_len;
	struct hit *told_hit;    /* what the last message showed: as long as that is as it was, receivers hold nothing wrong */
	uint64_t told_signature; /* of it, when it was told */
	uint32_t rule_set;       /* number of the set that last decided it */
	uint32_t first_hit, last_hit, shown_hit, told_at; /* indexes in the group while not withdrawn; told_at: where told_hit was */
};

static inline struct slice
alert_values(const struct alert *al)
{
	return slice_of(al->values, al->values_len);
}

struct group {
	struct hit **hits;
	uint32_t n_hits, cap_hits;
	struct alert **alerts; /* standing and ended by first_hit, then the withdrawn ones */
	uint32_t n_current, n_alerts, cap_alerts;
	uint32_t dirty_from;   /* the first hit that changed since the last cut; UINT32_MAX: none */
	uint32_t clean_tail;   /* hits at the end that did not change since then */
	uint32_t cut_hits;     /* how many there were at that cut */
	uint32_t unsaved_from; /* as dirty_from, since the last checkpoint */
	uint32_t saved_hits;   /* how many that checkpoint held */
	bool unsaved;          /* hits or alerts changed since then */
	uint32_t key_len;
	size_t values_bytes; /* of all alerts */
	size_t counted;      /* its bytes, as its subject last counted them */
	char key[];          /* encoded episode values: n times blob(encoded value) */
};

static inline struct slice
group_episode(const struct group *gr)
{
	return slice_of(gr->key, gr->key_len);
}

/* Memory of a group. But for values, which a rule makes as large as it likes, by numbers: the true sizes of hits and alerts differ little. */
size_t group_bytes(const struct group *gr);

struct standing {
	struct group **groups; /* sorted by key bytewise */
	uint32_t n, cap;
};

void standing_free(struct standing *sg);
struct group *standing_find(const struct standing *sg, struct slice key); /* the group of a key; NULL: none */
struct group *standing_group(struct standing *sg, struct slice key);      /* made if missing; NULL: out of memory */
/* Puts the outcome of a trigger: hit NULL means that it no longer alerts (or is gone). Takes over `hit`. The trigger is found
 * by (time, source, id). -1: out of memory (hit is freed). */
int group_put(struct group *gr, const struct names *na, struct instant time, uint32_t source, struct slice id, struct hit *hit);
/* Forgets all hits: the rule changed. */
void group_drop_hits(struct group *gr);

/* What cutting needs to know, and whom it asks and tells. */
struct cut {
	const struct rule *ru;
	const struct names *names;
	struct slice subject;
	uint32_t rule_set;
	bool silent; /* a new rule judges the past: what it adds is not told */
	/* A switch: what is withdrawn was last decided by the set before, and goes to those who got it, in its words. */
	uint32_t rule_set_before; /* otherwise the same as rule_set */
	bool readdressed;         /* the rule tells others now: what receivers hold is withdrawn from the old ones and raised to the new */
	enum alert_why why;       /* of withdrawals, other than in favour of another alert (WHY_EVIDENCE) */
	bool have_tick;
	struct instant tick, now, known_up_to;
	uint64_t *ended_unsent;
	struct arena *arena; /* for the time of the call */
	struct instant *due; /* made earlier when an alert that now stands expires sooner */
	void *ctx;
	/* Values and signature of the outcome, values and evidence at a hit; ret_values is valid until the next call. -1 on error. */
	int (*look)(void *ctx, const struct hit *hi, uint64_t *ret_signature, struct slice *ret_values, struct err *err);
	/* replaces: for a raise that takes over from a withdrawn alert, or NULL. */
	int (*tell)(void *ctx, enum message_type type, const struct group *gr, const struct alert *al, const struct alert *replaces, struct err *err);
};
/* Cuts the changed part of a group into episodes again and makes the alerts follow. */
int group_cut(struct group *gr, const struct cut *cu, struct err *err);
/* Ends what the tick has passed; *ret_changed counts. */
void group_tick(struct group *gr, const struct rule *ru, struct instant tick, bool *ret_changed);

/* Whether an alert stands and has expired at the tick; if it goes on, *next becomes no later than its expiry. */
bool alert_due(const struct alert *al, const struct rule *ru, struct instant tick, struct instant *next);
void alert_free(struct alert *al); /* one that no group holds; NULL is fine */

/* As bytes (codec.c). Each alert is a record; hits are records of HITS_A_PART each: no record grows with
 * its group, and a new hit costs one part. Reading: -1 and NULL with
 * ERR_CORRUPT when malformed, or ERR_NOMEM. */
#define HITS_A_PART 1024
void alert_encode(const struct alert *al, struct buf *ret);
struct alert *alert_decode(struct slice value, struct err *err);
void group_encode_part(const struct group *gr, uint32_t part, struct buf *ret);
/* The parts in order, and the alerts in any; then once group_place. */
int group_add_part(struct group *gr, struct slice value, struct err *err);
int group_add_alert(struct group *gr, struct slice value, struct err *err);
int group_place(struct group *gr, const struct names *na);
/* A checkpoint holds it. */
void group_saved(struct group *gr);

void alert_id_text(const uint8_t id[ALERT_ID_BYTES], char ret[2 * ALERT_ID_BYTES + 1]);

#endif
