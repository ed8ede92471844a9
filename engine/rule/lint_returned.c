/* What can be said of one `return` of evaluate by reading its tokens: no outcome at all, an undeclared one, values that its
 * sentences show and it does not hand over. What cannot be seen is passed over. */
#include "engine/rule/load.h"

/* Token `open` begins the table of values that is returned: does it hold NAME? True too when that cannot be seen. */
static bool
hands_over(const struct tokens *tks, size_t open, struct slice name)
{
	unsigned depth = 0;

	for (size_t i = open; i + 1 < tks->n; i++) {
		const struct token *tk = &tks->v[i];
		bool begins = depth == 1 && (token_is(tk - 1, "{") || token_is(tk - 1, ",") || token_is(tk - 1, ";"));

		if (begins && tk->kind == TOKEN_NAME && token_is(&tks->v[i + 1], "=")) {
			if (slice_eq(tk->text, name))
				return true;
		} else if (begins && !token_is(tk, "}")) {
			return true; /* a computed key */
		}
		if (token_is(tk, "{") || token_is(tk, "(") || token_is(tk, "[") || token_is(tk, "function"))
			depth++;
		else if (token_is(tk, "}") || token_is(tk, ")") || token_is(tk, "]") || token_is(tk, "end"))
			depth--;
		if (depth == 0)
			return false;
	}
	return true;
}

/* Each placeholder of the outcome's sentences is a parameter, or a value that this `return` hands over. */
static void
check_shown(struct load *ld, size_t code_at, const struct rule_outcome *oc)
{
	const struct tokens *tks = &ld->sv.map->tokens;
	const char *const texts[] = {oc->fa, oc->en};
	bool table = token_is(&tks->v[code_at + 1], ",");

	if (table && !token_is(&tks->v[code_at + 2], "{"))
		return; /* a variable or a call */
	for (unsigned t = 0; t < 2; t++)
		for (const char *p = texts[t] == NULL ? NULL : strchr(texts[t], '{'); p != NULL; p = strchr(p + 1, '{')) {
			struct slice name = slice_of(p + 1, strcspn(p + 1, "}"));

			if (rule_param_find(ld->ru, name) != NULL || (table && hands_over(tks, code_at + 2, name)))
				continue;
			fault_token(ld, code_at, "the sentences of \"%s\" show {%.*s}, which is not returned here: add it to the table of values",
			    oc->code, SLICE_ARG(name));
			return;
		}
}

/* Whether an expression is over before this token. */
static bool
ends_before(const struct token *tk)
{
	return tk->kind == TOKEN_END || tk->kind == TOKEN_NAME || token_is(tk, ";") || token_is(tk, ",") ||
	       (tk->kind == TOKEN_KEYWORD && !token_is(tk, "and") && !token_is(tk, "or"));
}

static bool
ends_block(const struct token *tk)
{
	return tk->kind == TOKEN_END || token_is(tk, "end") || token_is(tk, "else") || token_is(tk, "elseif") || token_is(tk, "until") ||
	       token_is(tk, ";");
}

/* What a whole expression that begins here is, if that can be seen and it is no text; else NULL. */
static const char *
kind_of_expression(const struct token *tk, struct slice features)
{
	int attr;

	if (tk->kind == TOKEN_NUMBER)
		return ends_before(tk + 1) ? "a number" : NULL;
	if (token_is(tk, "nil"))
		return ends_before(tk + 1) ? "nil" : NULL;
	if (token_is(tk, "true") || token_is(tk, "false"))
		return ends_before(tk + 1) ? "a boolean" : NULL;
	if (tk->kind != TOKEN_NAME || !slice_eq(tk->text, features) || !token_is(tk + 1, ".") || tk[2].kind != TOKEN_NAME || !token_is(tk + 3, ".") ||
	    tk[4].kind != TOKEN_NAME || !ends_before(tk + 5))
		return NULL;
	attr = feature_attr_by_name(tk[4].text);
	return attr < 0 || attr == ATTR_VALUE ? NULL : attr == ATTR_CONTESTED ? "a boolean" : "a number";
}

/* Whether a name that stands here is only read, as far as its neighbours tell. */
static bool
is_read(const struct token *tk)
{
	const struct token *before = tk - 1, *next = tk + 1;

	if (token_is(before, "local") || token_is(before, "for") || token_is(before, "function") || token_is(next, "in"))
		return false;
	if (token_is(before, ","))
		return token_is(next, ")") || token_is(next, "}");
	if (token_is(next, "="))
		return token_is(before, "{"); /* a key */
	return !token_is(next, ",") || token_is(before, "(") || token_is(before, "{") || token_is(before, "return") || token_is(before, "=");
}

/* The same of a local that is set once, where it is declared. */
static const char *
kind_of_returned(const struct tokens *tks, size_t at, size_t to, struct slice features)
{
	const struct token *tk = &tks->v[at];
	const char *kind = kind_of_expression(tk, features);

	if (kind != NULL || tk->kind != TOKEN_NAME || !ends_before(tk + 1))
		return kind;
	for (size_t i = 1; i < to; i++) {
		const struct token *other = &tks->v[i];

		if (other->kind != TOKEN_NAME || !slice_eq(other->text, tk->text) || token_is(other - 1, ".") || token_is(other - 1, ":") ||
		    is_read(other))
			continue;
		if (kind != NULL || !token_is(other - 1, "local") || !token_is(other + 1, "="))
			return NULL;
		kind = kind_of_expression(other + 2, features);
		if (kind == NULL)
			return NULL;
	}
	return kind;
}

void
lint_returned(struct load *ld, size_t i, size_t to, struct slice features)
{
	const struct tokens *tks = &ld->sv.map->tokens;
	const char *names[LIMIT_RULE_OUTCOMES];
	const struct rule *ru = ld->ru;
	const struct token *next = &tks->v[i + 1];
	const char *kind;
	struct slice code;
	int known;

	if (ends_block(next))
		fault_token(ld, i, "return without an outcome: name one of outcomes");
	kind = kind_of_returned(tks, i + 1, to, features);
	if (kind != NULL)
		fault_token(ld, i + 1, "this returns %s: name one of outcomes", kind);
	if (next->kind != TOKEN_STRING)
		return;
	code = token_string(&tks->v[i + 1]);
	known = code.n == 0 ? -1 : rule_outcome_index(ru, code);
	if (known >= 0)
		check_shown(ld, i + 1, &ru->outcomes[known]);
	if (code.n == 0 || known >= 0)
		return;
	for (unsigned k = 0; k < ru->n_outcomes; k++)
		names[k] = ru->outcomes[k].code;
	fault_token(ld, i + 1, "outcome \"%.*s\" is not declared%s", SLICE_ARG(code), suggestion_of(code, names, ru->n_outcomes).text);
}
