/* Random event sets for the property test of the law of order: contracts, rules and events are small structs, from which the
 * contract JSON, the rule text and the event JSON are printed, and which the model (model.h) reads as they are. Everything
 * follows from one seed. One thread. */
#ifndef DIDEBAN_TESTS_PROPERTY_GEN_H
#define DIDEBAN_TESTS_PROPERTY_GEN_H

#include "state/base/buf.h"

/* Deterministic numbers (splitmix64): the same on every machine. */
struct rng {
	uint64_t s;
};
uint64_t rng_next(struct rng *r);
/* 0 .. n - 1. */
unsigned rng_below(struct rng *r, unsigned n);
bool rng_percent(struct rng *r, unsigned percent);

#define GEN_TYPES 4 /* ordinary event types; the retraction is one more */
#define GEN_ROLES 4
#define GEN_FIELDS 9
#define GEN_KEYS 3      /* subjects of one kind */
#define GEN_CONTENTS 96 /* different contents of one set */
#define GEN_RULES 3
#define GEN_FEATURES 4
#define GEN_BRANCHES 4
#define GEN_ATOMS 2
#define GEN_VALUES 3
#define GEN_EPISODE 2
#define GEN_OUTCOMES 7
#define GEN_OPS 2048
#define GEN_TICK_AHEAD 40000000 /* seconds: the first tick comes later than this before the last one */

struct gen_time {
	int64_t sec;
	uint32_t nsec;
};
int gen_time_cmp(struct gen_time a, struct gen_time b);
/* RFC 3339 in UTC as short as it gets, or with an offset in minutes and `zeros` useless zeros of fraction. */
void gen_time_text(struct buf *b, struct gen_time t, int offset_minutes, unsigned zeros);
/* A number as all lines of text that are compared have it. */
void gen_number_text(struct buf *b, double d);

enum gen_kind { GEN_NONE, GEN_INT, GEN_STR, GEN_BOOL, GEN_TIME, GEN_REAL, GEN_DEC };
#define GEN_DEC_ONE INT64_C(1000000000) /* 1 as a decimal of the largest scale, which the structs hold all of them at */
#define GEN_DEC_SCALE 9
struct gen_value {
	enum gen_kind kind;
	/* Of a decimal: its 10^9-fold. Of an instant: the offset in minutes that its text has, which is part of the content. */
	int64_t i;
	unsigned digits; /* of a decimal: how many its text has behind the point, part of the content too */
	const char *s;   /* from a static pool, digits folded */
	struct gen_time t;
	double d; /* shares, means, and what a rule sees of a decimal */
};
bool gen_value_eq(const struct gen_value *a, const struct gen_value *b);

/* The fields that every ordinary type has; `note` is not kept, `cost` is only in sets with costs. */
enum gen_field { FIELD_POINTS, FIELD_WEIGHT, FIELD_TAG, FIELD_PLACE, FIELD_URGENT, FIELD_START, FIELD_STOP, FIELD_NOTE, FIELD_COST };
extern const char *const gen_field_name[GEN_FIELDS];
extern const enum gen_kind gen_field_kind[GEN_FIELDS];

/* Roles: who and with name a body, at names a spot, crowd is a list of bodies. */
enum gen_role { ROLE_WHO, ROLE_WITH, ROLE_AT, ROLE_CROWD };
extern const char *const gen_role_name[GEN_ROLES];
unsigned gen_role_kind(unsigned role); /* 0 body, 1 spot */
extern const char *const gen_kind_name[2];
extern const char *const gen_key_name[2][GEN_KEYS];

struct gen_type {
	unsigned n_roles;
	unsigned roles[GEN_ROLES]; /* in the contract's order */
};
extern const char *const gen_type_name[GEN_TYPES + 1];
#define GEN_RETRACTION GEN_TYPES

/* One content of one identity. */
struct gen_content {
	unsigned source, id;
	unsigned type; /* GEN_RETRACTION: target_* count, nothing else */
	struct gen_time time;
	unsigned keys[GEN_ROLES]; /* bit k: the role names key k */
	struct gen_value fields[GEN_FIELDS];
	unsigned target_source, target_id;
	uint8_t sha256[32]; /* of the content in RFC 8785 form; set by gen_seal */
};
const char *gen_source_name(unsigned source);
const char *gen_id_name(unsigned id);
#define GEN_SOURCES 4
#define GEN_IDS 128

enum gen_op { GEN_COUNT, GEN_DISTINCT, GEN_SUM, GEN_MIN, GEN_MAX, GEN_FIRST, GEN_LAST, GEN_ACTIVE };
enum gen_window { GEN_ALL, GEN_SPAN, GEN_YEAR, GEN_MONTH };
struct gen_where {
	unsigned field, n;
	struct gen_value any[2];
};
struct gen_feature {
	bool off; /* taken out by the shrinker */
	enum gen_op op;
	unsigned on; /* bit per type */
	unsigned opens, reopens, closes;
	int role, of, by, key, from, til; /* -1: none */
	unsigned n_where;
	struct gen_where where[2];
	enum gen_window window;
	int64_t window_seconds;
	unsigned evidence;
};

enum gen_attr { GEN_N, GEN_VALUE, GEN_MINE, GEN_TOTAL, GEN_GROUPS, GEN_RANK, GEN_SHARE, GEN_MEAN, GEN_ITEM_KEY, GEN_ITEM_POINTS, GEN_CONTESTED };
/* What a rule reads: an attribute of a feature, or a field of the trigger (feature -1). */
struct gen_read {
	int feature;
	enum gen_attr attr;
	unsigned field;
};
struct gen_atom {
	bool off; /* counts as true */
	struct gen_read read;
	enum { CMP_AT_LEAST, CMP_AT_MOST, CMP_EQUAL, CMP_PRESENT, CMP_ABSENT, CMP_RAISE } cmp; /* RAISE: an error where it is missing */
	struct gen_value with;
};
struct gen_branch {
	bool off;
	bool any; /* or; else and */
	unsigned n_atoms, outcome, n_values;
	struct gen_atom atoms[GEN_ATOMS];
	struct gen_read values[GEN_VALUES]; /* named v0, v1 ... */
};
/* Outcomes are the same for all rules: o0 info, o1 warning, o2 critical, o3 info, o4 warning, calm, dunno. */
extern const char *const gen_outcome_name[GEN_OUTCOMES];
extern const int gen_outcome_level[GEN_OUTCOMES]; /* 1 to 3; 0 clear; -1 unknown */
struct gen_rule {
	bool off;
	unsigned on;
	unsigned role;
	int need; /* field, or -1 */
	unsigned n_features, n_branches, last;
	struct gen_feature features[GEN_FEATURES];
	struct gen_branch branches[GEN_BRANCHES];
	unsigned n_episode;
	unsigned episode[GEN_EPISODE];
	bool once, again_each;
	int deliver;            /* field, or -1 */
	int64_t quiet, expires; /* seconds; expires 0: never */
	bool has_review;
	int64_t review; /* day of review_by, counted from 1970-01-01 */
};

struct gen_set {
	uint64_t seed;
	unsigned n_types, n_contents, n_rules;
	struct gen_type types[GEN_TYPES];
	struct gen_content contents[GEN_CONTENTS];
	struct gen_rule rules[GEN_RULES];
	bool costs;
	unsigned scale[GEN_TYPES]; /* of the types' costs: as many digits may stand behind the point */
	bool ticks;
	struct gen_time tick; /* the last one */
	unsigned span;        /* seconds that the set's times and ticks spread over, about */
};
void gen_set(struct gen_set *ret, uint64_t seed);
/* Adds costs and means (gen_costs.c), with numbers of its own: without them the set is what it would be. Before gen_seal. */
void gen_add_costs(struct gen_set *set);
/* Computes the contents' hashes; after any change to a content. */
void gen_seal(struct gen_set *set);

/* What a run does, one step after the other; its outcome is a function of set and script alone. */
enum step_kind {
	STEP_ADD, /* content `arg`, printed in the form `form` */
	STEP_COMMIT,
	STEP_CHECKPOINT,
	STEP_CRASH,       /* abandon and open again; what was added since the last commit comes anew */
	STEP_REOPEN,      /* close and open again */
	STEP_TICK,        /* the last tick minus `arg` seconds */
	STEP_OTHER_RULES, /* only before the last STEP_RULES: see gen_print_rule. Of both arg 1: the process is killed while they go live */
	STEP_RULES,
	STEP_CHECK, /* commit, compare with the model of what was added so far */
};
struct step {
	enum step_kind kind;
	unsigned arg;
	uint64_t form;
};
struct script {
	bool on_disk;
	bool batch_ticks; /* as under serve: each batch's clock is a tick */
	unsigned partitions, cache_kib, change_bytes, n;
	struct step v[GEN_OPS];
};
/* Variant 0: in order of time, once, in one batch. Others: ever more of shuffling, duplication, batches, crashes. */
#define GEN_VARIANTS 5
void gen_script(struct script *ret, const struct gen_set *set, unsigned variant, uint64_t seed);

/* Printing (text.c). `other`: for STEP_OTHER_RULES. Its contracts keep the fields in another order, its rules have their
 * thresholds shifted, other days of review, or are each other's under their own ids; one may be missing, and there may be one
 * more: rule n_rules. */
void gen_print_contract(struct buf *b, const struct gen_set *set, unsigned type, bool other);
bool gen_has_rule(const struct gen_set *set, unsigned rule, bool other);
void gen_print_rule(struct buf *b, const struct gen_set *set, unsigned rule, bool other);
void gen_rule_id(char ret[24], unsigned rule);
/* All of them, added to what is there. 0 or -1. */
struct ruleset_source;
struct err;
int gen_rule_set(struct ruleset_source *ret, const struct gen_set *set, bool other, struct err *err);
/* form 0: plain. Others vary key order, spaces, escapes, digits and the time's offset, never the content. */
void gen_print_event(struct buf *b, const struct gen_set *set, unsigned content, uint64_t form);
/* The content in RFC 8785 form. */
void gen_print_canonical(struct buf *b, const struct gen_content *co, const struct gen_set *set);

#endif
