/* A rule file, loaded: metadata, parameters, features, outcomes, alerting: everything but its Lua functions, which live in a
 * rule_vm (engine/rule/vm.h). Immutable after loading. The file's shape is docs/rules.md. */
#ifndef DIDEBAN_ENGINE_RULE_RULE_H
#define DIDEBAN_ENGINE_RULE_RULE_H

#include "engine/calendar/instant.h"
#include "engine/event/contract.h"
#include "engine/feature/spec.h"
#include "state/base/err.h"

enum outcome_class { OUTCOME_CLEAR, OUTCOME_ALERT, OUTCOME_UNKNOWN, OUTCOME_ERROR };
enum alert_level { LEVEL_NONE = 0, LEVEL_INFO = 1, LEVEL_WARNING = 2, LEVEL_CRITICAL = 3 };
const char *alert_level_name(enum alert_level level); /* "info" ... */

struct rule_outcome {
	char *code;
	enum outcome_class class;
	enum alert_level level;
	char *fa, *en; /* NULL where none is needed */
};

enum param_type { PARAM_INTEGER, PARAM_NUMBER, PARAM_DURATION, PARAM_BOOLEAN, PARAM_STRING, PARAM_ENUM };
struct rule_param {
	char *name;
	enum param_type type;
	char *unit;           /* "day" of a duration, "case" ... or NULL */
	struct value value;   /* default, or as overridden; a duration is an INTEGER in `unit`s; owned */
	int64_t unit_seconds; /* of a duration; else 0 */
};

struct rule_deliver {
	char *audience, *field;
};

/* Who confirms an alert, and what silence means; kept as data for the desks. */
struct rule_confirm {
	char *by;         /* NULL: no confirmation is asked for */
	int64_t within;   /* seconds */
	char *on_silence; /* "withdraw" */
};

struct rule {
	char *file; /* name it was loaded from, for messages */
	char *id, *version, *kind, *owner;
	char hash[72];     /* "sha256:" and 64 hex digits: of the file's bytes */
	char semantic[72]; /* the same over what decides outcomes and alerts, parameters included: when it changes, the past is judged anew */
	unsigned n_audience;
	char *audience[8];
	char *legal_basis;
	struct instant review_by; /* end of that day, UTC */

	char *role; /* `subject`: the role of the trigger whose subject is judged */
	struct feature_types on;
	/* fields[0 .. n_need) are `need`, up to n_readable `want`: these `evaluate` may read; then what only alerting reads. */
	unsigned n_need, n_readable, n_fields;
	char *fields[LIMIT_RULE_FIELDS];
	unsigned n_features;
	struct feature_spec features[LIMIT_RULE_FEATURES];
	unsigned n_params;
	struct rule_param params[LIMIT_RULE_PARAMS];
	unsigned n_outcomes;
	struct rule_outcome outcomes[LIMIT_RULE_OUTCOMES];

	unsigned n_episode;                   /* fields beside the subject; each is in fields[] */
	unsigned episode[LIMIT_RULE_EPISODE]; /* index in fields[] */
	bool episode_once, again_each, contest;
	int64_t quiet, expires; /* seconds; expires 0: never ends */
	unsigned n_deliver;
	struct rule_deliver deliver[8];
	struct rule_confirm confirm;
};

/* Loads a rule from its text in the sandbox. `sets`: n_sets texts "PARAM=VALUE" that override defaults (those of this rule
 * only). NULL with findings (all mistakes of the file in one pass) when it is wrong. contracts may be NULL only in tests of
 * the loader: then types, roles and fields are not checked. */
struct rule *rule_load(struct slice file_name, struct slice text, const struct contracts *contracts, const char *const *sets, size_t n_sets,
    struct findings *fi, struct err *err);
void rule_free(struct rule *ru);
/* Both tell the same audiences, in the same order. */
bool rule_same_audience(const struct rule *a, const struct rule *b);
int rule_outcome_index(const struct rule *ru, struct slice code); /* -1 if none */

#endif
