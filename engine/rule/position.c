#include "engine/rule/position.h"

#include <stdint.h>

struct reader {
	const char *p, *end;
	const char *counted; /* a place in the line, and the code points before it: a line of 256 KiB is read once */
	unsigned line, column;
};

static bool
is_name_byte(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned
code_points(const char *from, const char *to)
{
	unsigned n = 0;

	for (; from < to; from++)
		n += ((unsigned char)*from & 0xc0) != 0x80;
	return n;
}

static void
new_line(struct reader *r)
{
	r->line++;
	r->counted = r->p;
	r->column = 0;
}

/* `[[`, `[=[` ...: how many `=`, or -1. */
static int
long_bracket(const char *p, const char *end)
{
	int level = 0;

	if (p >= end || *p++ != '[')
		return -1;
	while (p < end && *p == '=') {
		level++;
		p++;
	}
	return p < end && *p == '[' ? level : -1;
}

static void
skip_long(struct reader *r, int level)
{
	r->p += level + 2;
	while (r->p < r->end) {
		const char *p = r->p;
		int n = 0;

		if (*r->p++ == '\n')
			new_line(r);
		if (*p != ']')
			continue;
		for (p++; p < r->end && *p == '='; p++)
			n++;
		if (n == level && p < r->end && *p == ']') {
			r->p = p + 1;
			return;
		}
	}
}

static void
skip_blank(struct reader *r)
{
	while (r->p < r->end) {
		char c = *r->p;

		if (c == '\n') {
			r->p++;
			new_line(r);
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v')
			r->p++;
		else if (c == '-' && r->end - r->p >= 2 && r->p[1] == '-') {
			int level = long_bracket(r->p + 2, r->end);

			if (level >= 0) {
				r->p += 2;
				skip_long(r, level);
			} else
				while (r->p < r->end && *r->p != '\n')
					r->p++;
		} else
			return;
	}
}

static void
skip_string(struct reader *r)
{
	char quote = *r->p++;

	while (r->p < r->end && *r->p != quote && *r->p != '\n') {
		if (*r->p == '\\' && r->p + 1 < r->end) {
			r->p++;
			if (*r->p == '\n') {
				r->p++;
				new_line(r);
				continue;
			}
		}
		r->p++;
	}
	if (r->p < r->end && *r->p == quote)
		r->p++;
}

static void
skip_number(struct reader *r)
{
	bool hex = r->end - r->p > 1 && r->p[0] == '0' && (r->p[1] == 'x' || r->p[1] == 'X');

	while (r->p < r->end) {
		char c = *r->p, before = r->p[-1];
		bool exponent = hex ? before == 'p' || before == 'P' : before == 'e' || before == 'E';

		if (!is_name_byte(c, false) && c != '.' && !((c == '+' || c == '-') && exponent))
			return;
		r->p++;
	}
}

static void
skip_symbol(struct reader *r)
{
	static const char *const symbols[] = {"...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>"};

	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
		size_t n = strlen(symbols[i]);

		if ((size_t)(r->end - r->p) >= n && memcmp(r->p, symbols[i], n) == 0) {
			r->p += n;
			return;
		}
	}
	r->p++;
	while (r->p < r->end && ((unsigned char)*r->p & 0xc0) == 0x80)
		r->p++;
}

static bool
is_keyword(struct slice s)
{
	static const char *const words[] = {"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
	    "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_eq_str(s, words[i]))
			return true;
	return false;
}

static struct token
next_token(struct reader *r)
{
	struct token tk = {0};
	const char *start, *line_end;

	skip_blank(r);
	start = r->p;
	tk.line = r->line;
	r->column += code_points(r->counted, start);
	r->counted = start;
	tk.column = r->column + 1;
	if (r->p >= r->end)
		return tk;
	if (is_name_byte(*start, true)) {
		while (r->p < r->end && is_name_byte(*r->p, false))
			r->p++;
		tk.kind = is_keyword(slice_of(start, (size_t)(r->p - start))) ? TOKEN_KEYWORD : TOKEN_NAME;
	} else if (is_digit(*start) || (*start == '.' && r->end - start > 1 && is_digit(start[1]))) {
		r->p++;
		skip_number(r);
		tk.kind = TOKEN_NUMBER;
	} else if (*start == '"' || *start == '\'') {
		skip_string(r);
		tk.kind = TOKEN_STRING;
	} else if (long_bracket(start, r->end) >= 0) {
		skip_long(r, long_bracket(start, r->end));
		tk.kind = TOKEN_STRING;
	} else {
		skip_symbol(r);
		tk.kind = TOKEN_SYMBOL;
	}
	tk.text = slice_of(start, (size_t)(r->p - start));
	line_end = memchr(start, '\n', tk.text.n);
	tk.length = code_points(start, line_end == NULL ? r->p : line_end);
	return tk;
}

bool
token_is(const struct token *tk, const char *text)
{
	return tk->kind != TOKEN_STRING && slice_eq_str(tk->text, text);
}

struct slice
token_string(const struct token *tk)
{
	struct slice s = tk->text;

	if (tk->kind != TOKEN_STRING || s.n < 2 || (s.p[0] != '"' && s.p[0] != '\'') || s.p[s.n - 1] != s.p[0] || memchr(s.p, '\\', s.n) != NULL)
		return slice_of("", 0);
	return slice_of(s.p + 1, s.n - 2);
}

/* Past one expression: up to the `,`, `;`, closing bracket or end that does not belong to it. */
static size_t
skip_value(const struct tokens *tks, size_t i)
{
	unsigned depth = 0;

	for (; i < tks->n; i++) {
		const struct token *tk = &tks->v[i];

		if (depth == 0 && (token_is(tk, ",") || token_is(tk, ";")))
			return i;
		if (token_is(tk, "(") || token_is(tk, "[") || token_is(tk, "{") || token_is(tk, "function") || token_is(tk, "if") ||
		    token_is(tk, "do") || token_is(tk, "repeat"))
			depth++; /* `for` and `while` have their `do` */
		else if (token_is(tk, ")") || token_is(tk, "]") || token_is(tk, "}") || token_is(tk, "end") || token_is(tk, "until")) {
			if (depth == 0)
				return i;
			depth--;
		}
	}
	return i;
}

static int read_table(const struct tokens *tks, struct place *parent, struct arena *arena, unsigned depth);

/* Reads one element at token *i into *pl and moves on. */
static int
read_element(const struct tokens *tks, size_t *i, int64_t *index, struct place *pl, struct arena *arena, unsigned depth)
{
	const struct token *tk = &tks->v[*i];

	pl->key_token = *i;
	if (tk->kind == TOKEN_NAME && token_is(tk + 1, "=")) {
		pl->key = tk->text;
		*i += 2;
	} else if (token_is(tk, "[")) {
		size_t close = skip_value(tks, *i + 1);

		if (close == *i + 2 && tk[1].kind == TOKEN_STRING)
			pl->key = token_string(tk + 1);
		pl->key_token = *i + 1;
		*i = close + 2 < tks->n ? close + 2 : tks->n;
	} else
		pl->index = ++*index;
	pl->from = *i;
	pl->to = skip_value(tks, *i);
	*i = pl->to;
	return token_is(&tks->v[pl->from], "{") ? read_table(tks, pl, arena, depth + 1) : 0;
}

/* The elements of the constructor that starts at parent->from. */
static int
read_table(const struct tokens *tks, struct place *parent, struct arena *arena, unsigned depth)
{
	struct place **tail = &parent->child;
	size_t i = parent->from + 1;
	int64_t index = 0;

	if (depth > 32)
		return 0;
	while (i < tks->n && !token_is(&tks->v[i], "}")) {
		struct place *pl = arena_alloc(arena, sizeof *pl);

		if (pl == NULL)
			return -1;
		*pl = (struct place){0};
		if (read_element(tks, &i, &index, pl, arena, depth) != 0)
			return -1;
		*tail = pl;
		tail = &pl->next;
		if (i < tks->n && (token_is(&tks->v[i], ",") || token_is(&tks->v[i], ";")))
			i++;
		else if (i < tks->n && !token_is(&tks->v[i], "}"))
			return 0; /* broken: the sandbox says where */
	}
	return 0;
}

/* The last `return` outside every block. */
static size_t
outer_return(const struct tokens *tks)
{
	size_t found = tks->n;
	unsigned depth = 0;

	for (size_t i = 0; i < tks->n; i++) {
		const struct token *tk = &tks->v[i];

		if (token_is(tk, "function") || token_is(tk, "if") || token_is(tk, "do") || token_is(tk, "repeat"))
			depth++;
		else if ((token_is(tk, "end") || token_is(tk, "until")) && depth > 0)
			depth--;
		else if (depth == 0 && token_is(tk, "return"))
			found = i;
	}
	return found;
}

int
position_read(struct slice text, struct arena *arena, struct position_map *ret)
{
	struct reader r = {text.p, text.p + text.n, text.p, 1, 0};
	struct tokens *tks = &ret->tokens;
	size_t cap, at;

	*ret = (struct position_map){0};
	tks->file = text;
	for (cap = 1; next_token(&r).kind != TOKEN_END;)
		cap++;
	tks->v = arena_alloc(arena, (cap + 1) * sizeof *tks->v);
	if (tks->v == NULL)
		return -1;
	r = (struct reader){text.p, text.p + text.n, text.p, 1, 0};
	do
		tks->v[tks->n] = next_token(&r);
	while (tks->v[tks->n++].kind != TOKEN_END);
	tks->n--;
	tks->v[tks->n + 1] = tks->v[tks->n]; /* so that v[n].. may be looked at one ahead */
	at = outer_return(tks);
	if (at + 1 >= tks->n || !token_is(&tks->v[at + 1], "{"))
		return 0;
	ret->root.key_token = at;
	ret->root.from = at + 1;
	ret->root.to = skip_value(tks, at + 1);
	return read_table(tks, &ret->root, arena, 0);
}

const struct place *
place_child(const struct place *pl, struct slice key, int64_t index)
{
	if (pl == NULL)
		return NULL;
	for (pl = pl->child; pl != NULL; pl = pl->next)
		if (index != 0 ? pl->index == index : pl->index == 0 && slice_eq(pl->key, key))
			return pl;
	return NULL;
}
