/* A rule file's table as plain data: what the loader, the tests inside the file and the checks walk, without Lua.
 * Every value knows where it stands in the text. Lives in the arena that was given. */
#ifndef DIDEBAN_ENGINE_RULE_TREE_H
#define DIDEBAN_ENGINE_RULE_TREE_H

#include "engine/event/contract.h"
#include "engine/rule/position.h"
#include "state/base/err.h"

enum tree_kind { TREE_NIL = 0, TREE_BOOLEAN, TREE_INTEGER, TREE_NUMBER, TREE_STRING, TREE_TABLE, TREE_FUNCTION };

struct tree {
	enum tree_kind kind;
	int64_t i; /* boolean 0 or 1, integer */
	double d;
	struct slice s;            /* zero-terminated */
	struct slice key;          /* in its table; empty for a list element and the root */
	int64_t index;             /* in its table's list, from 1; else 0 */
	const struct place *place; /* NULL if it is not written in the returned constructor */
	struct tree *parent;
	unsigned n_list, n_keys;
	struct tree *list, *keys; /* of a table: elements 1 .. n_list; keys sorted bytewise */
};

/* Where findings about a file go. */
struct source_view {
	const char *file;
	const struct position_map *map;
	struct findings *fi;
};

const char *tree_kind_name(enum tree_kind kind);               /* "a string" ... */
struct tree *tree_get(const struct tree *tr, const char *key); /* NULL if absent, or tr is no table */
/* Appends it as JSON; a function is null. */
void tree_json(struct buf *b, const struct tree *tr);
/* False for a table, a function and nothing. */
bool tree_scalar(const struct tree *tr, struct value *ret);
/* A finding at the value (or its nearest parent with a place); at_key: at its key. Returns findings_add's. */
int tree_finding(const struct source_view *sv, const struct tree *tr, bool at_key, bool warning, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
int token_finding(const struct source_view *sv, size_t token, bool warning, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Runs the file's chunk in a sandbox of its own and returns its table. 0; -1 with err on exhausted memory; a mistake in
 * the file is a finding, and *ret NULL. `args`/`n_args`: if the table has a function `check`, it is called with a
 * read-only table of these values (set by tree_run_check). */
struct tree_run;
int tree_run(struct tree_run **ret, struct slice text, const struct source_view *sv, struct arena *arena, struct tree **ret_tree, struct err *err);
void tree_run_free(struct tree_run *tn);

struct tree_arg {
	const char *name;
	struct value value; /* VALUE_INTEGER, NUMBER, STRING, BOOLEAN */
};
/* Calls the file's `check(p)`. 1: it holds; 0: not, with its message (or the error's) in ret_text and the line in *ret_line
 * (0 unknown); -1: out of memory. */
int tree_run_check(struct tree_run *tn, const struct tree_arg *args, size_t n, char ret_text[512], unsigned *ret_line);

#endif
