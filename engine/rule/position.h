/* Where things stand in a rule file: its tokens, and the line and column of every key of the table that it returns.
 * A token reader for Lua 5.4 (manual, 3.1), not a parser: what the file means is decided by running it in the sandbox. */
#ifndef DIDEBAN_ENGINE_RULE_POSITION_H
#define DIDEBAN_ENGINE_RULE_POSITION_H

#include "state/base/arena.h"
#include "state/base/slice.h"

#include <stdint.h>

enum token_kind {
	TOKEN_END = 0,
	TOKEN_NAME,
	TOKEN_KEYWORD,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_SYMBOL,
};

struct token {
	enum token_kind kind;
	struct slice text;             /* as written; a string with its quotes */
	unsigned line, column, length; /* from 1, in code points; length on its first line */
};

struct tokens {
	struct slice file; /* the text */
	size_t n;          /* without the TOKEN_END at v[n] */
	struct token *v;
};

/* A value in the returned table: its key and the tokens it spans. */
struct place {
	struct slice key;           /* unquoted name; empty for a positional element */
	int64_t index;              /* of a positional element, from 1; else 0 */
	size_t key_token;           /* the value's first token for a positional element */
	size_t from, to;            /* tokens of the value: [from, to) */
	struct place *child, *next; /* elements of a table constructor; siblings in order */
};

struct position_map {
	struct tokens tokens;
	struct place root; /* of the `{...}` behind the file's last outer `return`; from == to if there is none */
};

/* Never fails but for memory: -1. Broken text gives the tokens up to the fault. Everything lives in the arena. */
int position_read(struct slice text, struct arena *arena, struct position_map *ret);

/* The child by name (or by number: name NULL), or NULL; `pl` may be NULL. */
const struct place *place_child(const struct place *pl, struct slice key, int64_t index);

bool token_is(const struct token *tk, const char *text); /* a keyword, symbol or name with this very text */
/* The text between the quotes of a plain string token without escapes; an empty slice otherwise. */
struct slice token_string(const struct token *tk);

#endif
