/* What a rule declares of a feature, and the attributes it may read of it (docs/rules.md, "Features"). Immutable. */
#ifndef DIDEBAN_ENGINE_FEATURE_SPEC_H
#define DIDEBAN_ENGINE_FEATURE_SPEC_H

#include "engine/event/value.h"
#include "state/base/limits.h"

enum feature_op { OP_COUNT, OP_DISTINCT, OP_SUM, OP_MIN, OP_MAX, OP_FIRST, OP_LAST, OP_ACTIVE };

enum window_kind {
	WINDOW_ALL,         /* no `within`: the whole history */
	WINDOW_SPAN,        /* time >= t - seconds */
	WINDOW_JALALI_YEAR, /* since the start of the Solar Hijri year that holds t */
	WINDOW_JALALI_MONTH,
};

struct feature_where {
	char *field;
	unsigned n;
	struct value *any; /* the field equals one of these; owned */
};

struct feature_types {
	unsigned n;
	char *v[LIMIT_RULE_TYPES];
};

/* count, distinct, sum, min, max, first, last: over entries of `on` in the window that pass every `where`; entries without
 * the field `of` (or `by`) do not count. active: by `key`, from opens, reopens, closes; from/til name kept instant fields. */
struct feature_spec {
	char *name;
	enum feature_op op;
	struct feature_types on;                     /* all but active */
	struct feature_types opens, reopens, closes; /* active */
	char *role;                                  /* how the entry must mention the subject; NULL: in any role */
	char *of;                                    /* all but count and active */
	char *by;                                    /* NULL: no groups */
	char *key, *from, *til;                      /* active; from and til may be NULL */
	unsigned n_where;
	struct feature_where where[8];
	enum window_kind window;
	int64_t window_seconds; /* WINDOW_SPAN */
	unsigned evidence;      /* most entries handed over; 0: none */
};

/* Attributes, by the names that Lua uses. */
enum feature_attr {
	ATTR_N,         /* n: count, distinct: the number; active: how many are on; others: how many entries were used */
	ATTR_VALUE,     /* value: sum, min, max, first, last (NONE if there is none) */
	ATTR_MINE,      /* mine: with `by`: the value of the trigger's own group (0 or NONE without one) */
	ATTR_TOTAL,     /* total: with `by`: over all groups */
	ATTR_GROUPS,    /* groups: with `by`: how many groups have an entry in the window */
	ATTR_SHARE,     /* share: mine / total as a number, NONE if total is 0 */
	ATTR_RANK,      /* rank: 1 + groups with a larger value than mine */
	ATTR_MEAN,      /* mean: total / groups as a number; NONE if groups is 0 */
	ATTR_CONTESTED, /* contested: boolean: active: the newest entry or the opening of a key, on or not, is contested; others: the window holds one
			 */
	ATTR_COUNT
};
/* "n", "value" ...; the attribute for a name, or -1. */
const char *feature_attr_name(enum feature_attr attr);
int feature_attr_by_name(struct slice name);

#endif
