/* What can be said of a rule's logic by reading its tokens: unknown names, the one operator that machines disagree on, and
 * undeclared fields, features, parameters and outcomes. Best effort: what it cannot see is an error when the rule runs. */
#include "engine/rule/load.h"

#include "engine/rule/library.h"

#include <stdlib.h>

#define LIMIT_SCOPES 200
#define LIMIT_LOCALS 2000

/* Brackets and blocks that are open, and the locals that they declare. */
struct scopes {
	unsigned n, n_locals;
	struct scope {
		char open;       /* '{' '(' '[', or 'b' for a block */
		unsigned locals; /* how many there were before it */
	} v[LIMIT_SCOPES];
	struct slice locals[LIMIT_LOCALS];
	unsigned pending; /* declared names that belong to the block that comes: `for` */
	struct slice coming[16];
};

static size_t
count(const char *const *names)
{
	size_t n = 0;

	while (names[n] != NULL)
		n++;
	return n;
}

static bool
is_among(struct slice s, const char *const *names)
{
	for (; *names != NULL; names++)
		if (slice_eq_str(s, *names))
			return true;
	return false;
}

static void
scope_open(struct scopes *sc, char open)
{
	if (sc->n < LIMIT_SCOPES)
		sc->v[sc->n] = (struct scope){open, sc->n_locals};
	sc->n++;
}

static void
scope_close(struct scopes *sc)
{
	if (sc->n == 0)
		return;
	sc->n--;
	if (sc->n < LIMIT_SCOPES)
		sc->n_locals = sc->v[sc->n].locals;
}

static void
declare(struct scopes *sc, struct slice name)
{
	if (sc->n_locals < LIMIT_LOCALS)
		sc->locals[sc->n_locals++] = name;
}

static bool
is_local(const struct scopes *sc, struct slice name)
{
	for (unsigned i = sc->n_locals; i > 0; i--)
		if (slice_eq(sc->locals[i - 1], name))
			return true;
	return false;
}

/* `local a <const>, b`: declared at once; their own initialisers are not told apart. Returns the last token used. */
static size_t
declare_locals(const struct tokens *tks, struct scopes *sc, size_t i)
{
	if (token_is(&tks->v[i + 1], "function")) {
		if (tks->v[i + 2].kind == TOKEN_NAME)
			declare(sc, tks->v[i + 2].text);
		return i;
	}
	for (i++; i < tks->n && tks->v[i].kind == TOKEN_NAME;) {
		declare(sc, tks->v[i].text);
		if (token_is(&tks->v[i + 1], "<"))
			i = i + 3 < tks->n ? i + 3 : tks->n - 1; /* the file may end within `<const>` */
		if (!token_is(&tks->v[i + 1], ","))
			return i;
		i += 2;
	}
	return i - 1;
}

/* `function name(a, b)`: opens the block and declares the parameters. Returns the closing parenthesis. */
static size_t
open_function(struct load *ld, const struct tokens *tks, struct scopes *sc, size_t i)
{
	bool named = tks->v[i + 1].kind == TOKEN_NAME;

	if (named && !(i > 0 && token_is(&tks->v[i - 1], "local")) && !is_local(sc, tks->v[i + 1].text))
		fault_token(ld, i + 1, "a rule may not set globals: write local function %.*s", SLICE_ARG(tks->v[i + 1].text));
	while (i < tks->n && !token_is(&tks->v[i], "("))
		i++;
	scope_open(sc, 'b');
	for (; i < tks->n && !token_is(&tks->v[i], ")"); i++)
		if (tks->v[i].kind == TOKEN_NAME)
			declare(sc, tks->v[i].text);
	return i;
}

/* `for a, b in` / `for a =`: the names belong to the block behind the next `do`. */
static size_t
read_for(const struct tokens *tks, struct scopes *sc, size_t i)
{
	sc->pending = 0;
	while (i + 1 < tks->n && (tks->v[i + 1].kind == TOKEN_NAME || token_is(&tks->v[i + 1], ","))) {
		i++;
		if (tks->v[i].kind == TOKEN_NAME && sc->pending < 16)
			sc->coming[sc->pending++] = tks->v[i].text;
	}
	return i;
}

static void
open_do(struct scopes *sc)
{
	scope_open(sc, 'b');
	for (unsigned i = 0; i < sc->pending; i++)
		declare(sc, sc->coming[i]);
	sc->pending = 0;
}

static void
check_member(struct load *ld, const struct tokens *tks, size_t i, const char *const *members)
{
	const struct token *tk = &tks->v[i], *member = tk + 2;

	if (!token_is(tk + 1, ".") || member->kind != TOKEN_NAME || is_among(member->text, members))
		return;
	fault_token(ld, i + 2, "%.*s.%.*s does not exist for rules%s", SLICE_ARG(tk->text), SLICE_ARG(member->text),
	    suggestion_of(member->text, members, count(members)).text);
}

static void
check_name(struct load *ld, const struct tokens *tks, const struct scopes *sc, size_t i)
{
	const struct token *tk = &tks->v[i], *before = i == 0 ? NULL : tk - 1;
	bool in_table = sc->n > 0 && sc->n <= LIMIT_SCOPES && sc->v[sc->n - 1].open == '{';
	const char *const *globals = library_names(NULL), *const * members;
	char library[32];

	if (before != NULL && (token_is(before, ".") || token_is(before, ":") || token_is(before, "::") || token_is(before, "goto")))
		return;
	if (token_is(tk + 1, "=") && in_table && (token_is(before, "{") || token_is(before, ",") || token_is(before, ";")))
		return; /* a key */
	if (slice_eq_str(tk->text, "_ENV")) {
		fault_token(ld, i, "_ENV is not for rules");
		return;
	}
	if (is_local(sc, tk->text))
		return;
	if (token_is(tk + 1, "=")) {
		fault_token(ld, i, "a rule may not set globals: write local %.*s", SLICE_ARG(tk->text));
		return;
	}
	if (!is_among(tk->text, globals)) {
		fault_token(ld, i, "unknown name %.*s%s", SLICE_ARG(tk->text), suggestion_of(tk->text, globals, count(globals)).text);
		return;
	}
	if (tk->text.n < sizeof library) {
		memcpy(library, tk->text.p, tk->text.n);
		library[tk->text.n] = '\0';
		members = library_names(library);
		if (members != NULL)
			check_member(ld, tks, i, members);
	}
}

/* pow(x, y) differs between C libraries; x^2 is x*x. */
static void
check_power(struct load *ld, const struct tokens *tks, size_t i)
{
	const struct token *next = &tks->v[i + 1];

	if (next->kind == TOKEN_NUMBER && (slice_eq_str(next->text, "2") || slice_eq_str(next->text, "2.0")))
		return;
	fault_token(ld, i, "^ is allowed with the constant 2 only: other powers differ between machines; multiply, or use math.exp and math.log");
}

/* Names, scopes and operators of the whole file. */
static void
lint_names(struct load *ld, struct scopes *sc)
{
	const struct tokens *tks = &ld->sv.map->tokens;

	for (size_t i = 0; i < tks->n; i++) {
		const struct token *tk = &tks->v[i];

		if (ld->broken != 0 && tk->line >= ld->broken)
			return;
		if (tk->kind == TOKEN_NAME)
			check_name(ld, tks, sc, i);
		else if (token_is(tk, "{") || token_is(tk, "(") || token_is(tk, "["))
			scope_open(sc, tk->text.p[0]);
		else if (token_is(tk, "}") || token_is(tk, ")") || token_is(tk, "]") || token_is(tk, "end") || token_is(tk, "until"))
			scope_close(sc);
		else if (token_is(tk, "local"))
			i = declare_locals(tks, sc, i);
		else if (token_is(tk, "function"))
			i = open_function(ld, tks, sc, i);
		else if (token_is(tk, "for"))
			i = read_for(tks, sc, i);
		else if (token_is(tk, "do"))
			open_do(sc);
		else if (token_is(tk, "then") || token_is(tk, "repeat"))
			scope_open(sc, 'b');
		else if (token_is(tk, "elseif"))
			scope_close(sc); /* its `then` opens the next */
		else if (token_is(tk, "else")) {
			scope_close(sc);
			scope_open(sc, 'b');
		} else if (token_is(tk, "^"))
			check_power(ld, tks, i);
	}
}

/* --- evaluate --------------------------------------------------------------------------------------------------- */

/* The function's tokens: [from, to), from = its `function`. False if it is written in a way that cannot be followed. */
static bool
find_evaluate(const struct load *ld, size_t *ret_from, size_t *ret_to)
{
	const struct tokens *tks = &ld->sv.map->tokens;
	const struct place *pl = place_child(&ld->sv.map->root, slice_str("evaluate"), 0);
	struct slice name;
	size_t from = 0, i;
	unsigned depth = 0;

	if (pl == NULL)
		return false;
	if (token_is(&tks->v[pl->from], "function")) {
		*ret_from = pl->from;
		*ret_to = pl->to;
		return true;
	}
	name = tks->v[pl->from].text;
	for (i = 0; i + 2 < tks->n && from == 0; i++) {
		if (token_is(&tks->v[i], "function") && slice_eq(tks->v[i + 1].text, name))
			from = i;
		if (slice_eq(tks->v[i].text, name) && token_is(&tks->v[i + 1], "=") && token_is(&tks->v[i + 2], "function") && i > 0 &&
		    token_is(&tks->v[i - 1], "local"))
			from = i + 2;
	}
	if (from == 0)
		return false;
	for (i = from; i < tks->n; i++) {
		const struct token *tk = &tks->v[i];

		if (token_is(tk, "function") || token_is(tk, "if") || token_is(tk, "do") || token_is(tk, "repeat"))
			depth++;
		else if ((token_is(tk, "end") || token_is(tk, "until")) && --depth == 0)
			break;
	}
	*ret_from = from;
	*ret_to = i;
	return true;
}

/* The name behind `.` or in `["..."]` at token i (the object); its token in *ret_at. */
static struct slice
member_of(const struct tokens *tks, size_t i, size_t *ret_at)
{
	*ret_at = i + 2;
	if (token_is(&tks->v[i + 1], ".") && tks->v[i + 2].kind == TOKEN_NAME)
		return tks->v[i + 2].text;
	if (token_is(&tks->v[i + 1], "[") && i + 3 < tks->n && token_is(&tks->v[i + 3], "]"))
		return token_string(&tks->v[i + 2]);
	return slice_of("", 0);
}

static void
check_event_field(struct load *ld, struct slice name, size_t at)
{
	static const char *const envelope[] = {"type", "source", "id", "time", NULL};
	const struct rule *ru = ld->ru;

	if (is_among(name, envelope))
		return;
	for (unsigned i = 0; i < ru->n_readable; i++)
		if (ru->fields[i] != NULL && slice_eq_str(name, ru->fields[i]))
			return;
	fault_token(ld, at, "e.%.*s is not declared: add it to need or want%s", SLICE_ARG(name),
	    suggestion_of(name, (const char *const *)ru->fields, ru->n_readable).text);
}

static const struct feature_spec *
check_feature_name(struct load *ld, struct slice name, size_t at, bool *used)
{
	const char *names[LIMIT_RULE_FEATURES];
	const struct rule *ru = ld->ru;

	for (unsigned i = 0; i < ru->n_features; i++) {
		if (slice_eq_str(name, ru->features[i].name)) {
			used[i] = true;
			return &ru->features[i];
		}
		names[i] = ru->features[i].name;
	}
	fault_token(ld, at, "f.%.*s: no such feature%s", SLICE_ARG(name), suggestion_of(name, names, ru->n_features).text);
	return NULL;
}

static void
check_attribute(struct load *ld, const struct feature_spec *fs, struct slice name, size_t at)
{
	const char *names[ATTR_COUNT + 1];
	int attr = feature_attr_by_name(name);
	size_t n = 0;

	if (slice_eq_str(name, "items")) {
		if (fs->op != OP_ACTIVE)
			fault_token(ld, at, "items belongs to op = \"active\"");
		return;
	}
	for (; n < ATTR_COUNT; n++)
		names[n] = feature_attr_name((enum feature_attr)n);
	names[n++] = "items";
	if (attr < 0)
		fault_token(ld, at, "a feature has no attribute %.*s%s", SLICE_ARG(name), suggestion_of(name, names, n).text);
	else if (attr == ATTR_VALUE && (fs->op == OP_COUNT || fs->op == OP_DISTINCT || fs->op == OP_ACTIVE))
		fault_token(ld, at, "value belongs to sum, min, max, first and last; this feature has n");
	else if (attr > ATTR_VALUE && attr != ATTR_CONTESTED && fs->by == NULL)
		fault_token(ld, at, "%.*s needs groups: give the feature by = FIELD", SLICE_ARG(name));
}

static void
check_param_name(struct load *ld, struct slice name, size_t at)
{
	const char *names[LIMIT_RULE_PARAMS];
	const struct rule *ru = ld->ru;

	if (rule_param_find(ld->ru, name) != NULL)
		return;
	for (unsigned i = 0; i < ru->n_params; i++)
		names[i] = ru->params[i].name;
	fault_token(ld, at, "p.%.*s: no such parameter%s", SLICE_ARG(name), suggestion_of(name, names, ru->n_params).text);
}

/* `for _, w in ipairs(f.NAME.items)`: then w.FIELD is a kept field of an opening. */
static void
check_items(struct load *ld, const struct feature_spec *fs, size_t items, size_t to)
{
	const struct tokens *tks = &ld->sv.map->tokens;
	struct slice item;

	if (fs->op != OP_ACTIVE || ld->contracts == NULL || items < 10 || !token_is(&tks->v[items - 5], "(") ||
	    !token_is(&tks->v[items - 6], "ipairs") || !token_is(&tks->v[items - 7], "in"))
		return;
	item = tks->v[items - 8].text;
	for (size_t i = items; i + 2 < to; i++) {
		struct slice name;
		size_t at;

		if (token_is(&tks->v[i], "for"))
			return; /* another loop may call its item the same */
		if (tks->v[i].kind != TOKEN_NAME || !slice_eq(tks->v[i].text, item) || token_is(&tks->v[i - 1], "."))
			continue;
		name = member_of(tks, i, &at);
		if (name.n != 0 && !slice_eq_str(name, "key") && !slice_eq_str(name, "contested"))
			lint_item_field(ld, fs, name, at);
	}
}

static void
lint_body(struct load *ld, size_t from, size_t to, const struct slice params[3], bool *used)
{
	const struct tokens *tks = &ld->sv.map->tokens;
	unsigned blocks = 0, functions = 0, inner_at = 0;

	for (size_t i = from; i < to; i++) {
		const struct token *tk = &tks->v[i];
		const struct feature_spec *fs;
		struct slice name;
		size_t at;

		if (token_is(tk, "function") || token_is(tk, "if") || token_is(tk, "do") || token_is(tk, "repeat")) {
			if (token_is(tk, "function") && functions++ == 0)
				inner_at = blocks;
			blocks++;
		} else if ((token_is(tk, "end") || token_is(tk, "until")) && blocks > 0) {
			if (--blocks == inner_at && functions > 0)
				functions = 0;
		} else if (token_is(tk, "return") && functions == 0)
			lint_returned(ld, i, to, params[1]);
		if (tk->kind != TOKEN_NAME || i == 0 || token_is(tk - 1, ".") || token_is(tk - 1, ":"))
			continue;
		name = member_of(tks, i, &at);
		if (name.n == 0)
			continue;
		if (slice_eq(tk->text, params[0]))
			check_event_field(ld, name, at);
		else if (slice_eq(tk->text, params[2]))
			check_param_name(ld, name, at);
		else if (slice_eq(tk->text, params[1])) {
			fs = check_feature_name(ld, name, at, used);
			name = fs == NULL ? slice_of("", 0) : member_of(tks, at + (token_is(&tks->v[i + 1], "[") ? 1 : 0), &at);
			if (name.n != 0) {
				check_attribute(ld, fs, name, at);
				check_items(ld, fs, at, to);
			}
		}
	}
}

static void
warn_unused(struct load *ld, const bool *used)
{
	const struct tokens *tks = &ld->sv.map->tokens;
	const struct tree *outcomes = tree_get(ld->root, "outcomes"), *features = tree_get(ld->root, "features");
	const struct place *pl = place_child(&ld->sv.map->root, slice_str("evaluate"), 0);

	for (unsigned i = 0; i < ld->ru->n_outcomes; i++) {
		bool found = false;

		for (size_t k = 0; k < tks->n && !found; k++)
			found = (k < ld->sv.map->root.from || (pl != NULL && k >= pl->from && k < pl->to)) && tks->v[k].kind == TOKEN_STRING &&
				slice_eq_str(token_string(&tks->v[k]), ld->ru->outcomes[i].code);
		if (!found)
			warn_at_key(ld, tree_get(outcomes, ld->ru->outcomes[i].code), "evaluate never returns \"%s\"", ld->ru->outcomes[i].code);
	}
	for (unsigned i = 0; i < ld->ru->n_features; i++)
		if (!used[i])
			warn_at_key(ld, tree_get(features, ld->ru->features[i].name), "evaluate never reads f.%s", ld->ru->features[i].name);
}

static void
lint_evaluate(struct load *ld)
{
	const struct tokens *tks = &ld->sv.map->tokens;
	bool used[LIMIT_RULE_FEATURES] = {false};
	struct slice params[3] = {{"", 0}, {"", 0}, {"", 0}};
	size_t from, to, i;
	unsigned n = 0;

	if (!find_evaluate(ld, &from, &to))
		return;
	for (i = from; i < to && !token_is(&tks->v[i], "("); i++)
		;
	for (; i < to && !token_is(&tks->v[i], ")"); i++)
		if (tks->v[i].kind == TOKEN_NAME && n < 3)
			params[n++] = tks->v[i].text;
	lint_body(ld, i, to, params, used);
	if (place_child(&ld->sv.map->root, slice_str("evaluate"), 0) != NULL)
		warn_unused(ld, used);
}

void
lint_tokens(struct load *ld)
{
	struct scopes *sc = calloc(1, sizeof *sc);

	if (sc == NULL) {
		ld->no_memory = true;
		return;
	}
	lint_names(ld, sc);
	free(sc);
	if (ld->ru != NULL)
		lint_evaluate(ld);
}
