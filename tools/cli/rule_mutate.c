#include "tools/cli/rule_mutate.h"

#include "engine/rule/position.h"

#include <stdio.h>
#include <stdlib.h>

struct search {
	struct mutants *mu;
	struct slice text;
	const struct tokens *tks;
	bool failed;
};

void
mutants_free(struct mutants *mu)
{
	free(mu->v);
	*mu = (struct mutants){0};
}

void
mutant_apply(const struct mutant *mu, struct slice text, struct buf *ret)
{
	buf_clear(ret);
	buf_add(ret, text.p, mu->from);
	buf_add_str(ret, mu->with);
	buf_add(ret, text.p + mu->to, text.n - mu->to);
}

static size_t
begin_of(const struct search *se, size_t token)
{
	return (size_t)(se->tks->v[token].text.p - se->text.p);
}

static size_t
end_of(const struct search *se, size_t token)
{
	return begin_of(se, token) + se->tks->v[token].text.n;
}

/* The rest of the line says that nobody could notice. */
static bool
is_marked(const struct search *se, size_t at)
{
	const char *from = se->text.p + at, *end = se->text.p + se->text.n, *line = memchr(from, '\n', (size_t)(end - from));
	size_t n = (size_t)((line == NULL ? end : line) - from);

	return memmem(from, n, "mutate: same", 12) != NULL;
}

static void
add(struct search *se, size_t first, size_t from, size_t to, const char *with)
{
	struct mutants *mu = se->mu;
	const struct token *tk = &se->tks->v[first];

	if (mu->n == mu->cap) {
		size_t cap = mu->cap == 0 ? 32 : mu->cap * 2;
		struct mutant *v = realloc(mu->v, cap * sizeof *v);

		if (v == NULL) {
			se->failed = true;
			return;
		}
		mu->v = v;
		mu->cap = cap;
	}
	mu->v[mu->n] = (struct mutant){.from = from, .to = to, .line = tk->line, .column = tk->column, .marked = is_marked(se, from)};
	(void)snprintf(mu->v[mu->n++].with, sizeof mu->v->with, "%s", with);
}

/* --- conditions --- */

static const char *
other_comparison(const struct token *tk)
{
	static const char *const pairs[][2] = {{">=", ">"}, {">", ">="}, {"<=", "<"}, {"<", "<="}, {"==", "~="}, {"~=", "=="}};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0] && tk->kind == TOKEN_SYMBOL; i++)
		if (token_is(tk, pairs[i][0]))
			return pairs[i][1];
	return NULL;
}

static bool
opens(const struct token *tk)
{
	return token_is(tk, "(") || token_is(tk, "[") || token_is(tk, "{");
}

static bool
closes(const struct token *tk)
{
	return token_is(tk, ")") || token_is(tk, "]") || token_is(tk, "}");
}

/* What an operand of `and` or `or` cannot hold outside its brackets. */
static bool
bounds(const struct token *tk)
{
	static const char *const words[] = {"and", "or", "if", "elseif", "then", "while", "do", "until", "repeat", "return", "local", "function",
	    "end", "else", "for", "in", "=", ",", ";"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (token_is(tk, words[i]))
			return true;
	return false;
}

/* The token where the operand before (back) or behind token i ends, not in it. */
static size_t
operand_bound(const struct search *se, size_t i, bool back)
{
	unsigned depth = 0;

	for (;;) {
		const struct token *tk;

		if (back ? i == 0 : i + 1 >= se->tks->n)
			return back ? i : se->tks->n;
		i = back ? i - 1 : i + 1;
		tk = &se->tks->v[i];
		if (back ? closes(tk) : opens(tk)) {
			depth++;
		} else if (back ? opens(tk) : closes(tk)) {
			if (depth-- == 0)
				return i;
		} else if (depth == 0 && bounds(tk)) {
			return i;
		}
	}
}

/* One operand less: `true and B` is B, `false or B` too. */
static void
drop_operands(struct search *se, size_t i)
{
	const char *nothing = token_is(&se->tks->v[i], "and") ? "true" : "false";
	size_t before = operand_bound(se, i, true), behind = operand_bound(se, i, false);

	/* The left one was the right one of the operator before, if there is such. */
	if (before + 1 < i && !token_is(&se->tks->v[before], "and") && !token_is(&se->tks->v[before], "or"))
		add(se, before + 1, begin_of(se, before + 1), end_of(se, i - 1), nothing);
	if (i + 1 < behind)
		add(se, i + 1, begin_of(se, i + 1), end_of(se, behind - 1), nothing);
}

static void
in_logic(struct search *se, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct token *tk = &se->tks->v[i];
		const char *other = other_comparison(tk);

		if (other != NULL)
			add(se, i, begin_of(se, i), end_of(se, i), other);
		if (tk->kind != TOKEN_KEYWORD || (!token_is(tk, "and") && !token_is(tk, "or")))
			continue;
		add(se, i, begin_of(se, i), end_of(se, i), token_is(tk, "and") ? "or" : "and");
		drop_operands(se, i);
	}
}

/* --- declarations --- */

static void
in_features(struct search *se, const struct place *features)
{
	for (const struct place *fe = features == NULL ? NULL : features->child; fe != NULL; fe = fe->next) {
		const struct place *where = place_child(fe, slice_str("where"), 0);

		for (const struct place *pl = where == NULL ? NULL : where->child; pl != NULL; pl = pl->next) {
			size_t end = pl->to < se->tks->n && token_is(&se->tks->v[pl->to], ",") ? pl->to + 1 : pl->to;

			add(se, pl->key_token, begin_of(se, pl->key_token), end_of(se, end - 1), "");
		}
	}
}

/* One step up and down, where the bounds allow it. */
static void
in_params(struct search *se, const struct place *params, const struct rule *ru)
{
	for (unsigned i = 0; i < ru->n_params; i++) {
		const struct place *pl = place_child(place_child(params, slice_str(ru->params[i].name), 0), slice_str("default"), 0);
		const struct token *tk = pl == NULL || pl->to != pl->from + 1 ? NULL : &se->tks->v[pl->from];
		char text[48];
		char *end;
		double d;

		if (tk == NULL || tk->kind != TOKEN_NUMBER || tk->text.n >= sizeof text)
			continue;
		memcpy(text, tk->text.p, tk->text.n);
		text[tk->text.n] = '\0';
		d = strtod(text, &end);
		for (int step = -1; step <= 1 && *end == '\0'; step += 2) {
			bool whole = d == (double)(int64_t)d && memchr(text, '.', tk->text.n) == NULL && memchr(text, 'e', tk->text.n) == NULL;

			(void)snprintf(text, sizeof text, "%.17g", whole ? d + step : step < 0 ? d / 2 : d * 2);
			add(se, pl->from, begin_of(se, pl->from), end_of(se, pl->from), text);
		}
	}
}

static int
by_place(const void *a, const void *b)
{
	const struct mutant *x = a, *y = b;

	return x->from != y->from ? (x->from < y->from ? -1 : 1) : strcmp(x->with, y->with);
}

int
mutants_find(struct mutants *ret, struct slice text, const struct rule *ru)
{
	struct arena arena = {0};
	struct position_map map;
	struct search se = {.mu = ret, .text = text};
	const struct place *evaluate;

	*ret = (struct mutants){0};
	if (position_read(text, &arena, &map) != 0) {
		arena_free(&arena);
		return -1;
	}
	se.tks = &map.tokens;
	in_logic(&se, 0, map.root.key_token);
	evaluate = place_child(&map.root, slice_str("evaluate"), 0);
	if (evaluate != NULL)
		in_logic(&se, evaluate->from, evaluate->to);
	in_features(&se, place_child(&map.root, slice_str("features"), 0));
	in_params(&se, place_child(&map.root, slice_str("params"), 0), ru);
	arena_free(&arena);
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof *ret->v, by_place);
	if (!se.failed)
		return 0;
	mutants_free(ret);
	return -1;
}
