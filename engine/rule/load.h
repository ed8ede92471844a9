/* Inside the loader: reading the file's table with a closed schema at every depth. Internal to engine/rule. */
#ifndef DIDEBAN_ENGINE_RULE_LOAD_H
#define DIDEBAN_ENGINE_RULE_LOAD_H

#include "engine/rule/rule.h"
#include "engine/rule/tree.h"

struct load {
	struct source_view sv;
	const struct contracts *contracts; /* may be NULL */
	struct rule *ru;
	struct tree *root;
	unsigned broken; /* line of a syntax error: names and blocks from there on cannot be followed; 0: none */
	bool no_memory;  /* an allocation or findings_add failed: the whole load fails with ERR_NOMEM */
};

/* A finding at the value; at its key. */
#define fault_at(ld, tr, ...) ((void)((ld)->no_memory |= tree_finding(&(ld)->sv, tr, false, false, __VA_ARGS__) != 0))
#define fault_at_key(ld, tr, ...) ((void)((ld)->no_memory |= tree_finding(&(ld)->sv, tr, true, false, __VA_ARGS__) != 0))
#define fault_token(ld, i, ...) ((void)((ld)->no_memory |= token_finding(&(ld)->sv, i, false, __VA_ARGS__) != 0))
#define warn_at_key(ld, tr, ...) ((void)((ld)->no_memory |= tree_finding(&(ld)->sv, tr, true, true, __VA_ARGS__) != 0))

/* ", did you mean X?" of n names, or "". One static buffer per thread is enough: used within one finding. */
struct suggestion {
	char text[160];
};
struct suggestion suggestion_of(struct slice word, const char *const *names, size_t n);

char *load_copy(struct load *ld, struct slice s); /* malloc'ed; NULL only with no_memory */
/* True if tr is a table; otherwise a finding (also if it is missing and `required`, at the parent). */
bool load_is_table(struct load *ld, const struct tree *tr);
/* Every key of tr is one of `names` (NULL-terminated), and it has no list elements. `what`: "a feature". */
void load_keys(struct load *ld, const struct tree *tr, const char *const *names, const char *what);
/* The child; NULL and a finding at `tr` if it is missing and required. */
const struct tree *load_child(struct load *ld, const struct tree *tr, const char *key, bool required, const char *why);
/* The child's text (borrowed, zero-terminated); a finding if it is no string or empty; NULL if absent or wrong. */
const struct tree *load_text(struct load *ld, const struct tree *tr, const char *key, bool required, const char *why);
bool load_boolean(struct load *ld, const struct tree *tr, const char *key, bool otherwise);
/* A list of distinct non-empty strings; at most max. Returns how many are good; ret_trees gets them. */
unsigned load_strings(struct load *ld, const struct tree *tr, const char *what, unsigned max, const struct tree **ret);

/* "30d": seconds; false if it is no duration (a whole number and one of s m h d w), or over 1000 years. */
bool duration_parse(struct slice text, int64_t *ret_seconds);
int64_t duration_unit_seconds(struct slice unit); /* "second" "minute" "hour" "day" "week"; 0 otherwise */
struct rule_param *rule_param_find(struct rule *ru, struct slice name);

/* Sections, each in one file. */
void load_params(struct load *ld, const char *const *sets, size_t n_sets);          /* load_params.c */
int load_check_call(struct load *ld, struct tree_run *tn);                          /* load_params.c: runs check(p) */
void load_features(struct load *ld);                                                /* load_features.c */
void load_types(struct load *ld, const struct tree *tr, struct feature_types *ret); /* load_features.c */
void load_outcomes(struct load *ld);                                                /* load_alerting.c */
void load_alerting(struct load *ld);                                                /* load_alerting.c */
/* Index in rule->fields, adding it behind the others; -1 with a finding if there are too many. */
int load_field(struct load *ld, const struct tree *tr); /* load_alerting.c */
void load_against_contracts(struct load *ld);           /* load_contracts.c */
/* A field of an item of this `active` feature, named at a token. */
void lint_item_field(struct load *ld, const struct feature_spec *fs, struct slice name, size_t token); /* load_contracts.c */
/* The `return` at token `at` of evaluate, which ends before token `to`. features: what evaluate calls them. */
void lint_returned(struct load *ld, size_t at, size_t to, struct slice features);
void lint_tokens(struct load *ld);                                                        /* lint.c */
int rule_fingerprint(struct rule *ru, const struct position_map *map, struct slice text); /* rule.c: hash and semantic */
void load_tests(struct load *ld);                                                         /* cases.c */

#endif
