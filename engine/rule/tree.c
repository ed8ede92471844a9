#include "engine/rule/tree.h"

#include "engine/rule/sandbox.h"
#include "state/base/limits.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct tree_run {
	struct sandbox *sb;
};

static const char file_table_key;

const char *
tree_kind_name(enum tree_kind kind)
{
	static const char *const names[] = {"nothing", "a boolean", "an integer", "a number", "a string", "a table", "a function"};

	return names[kind];
}

struct tree *
tree_get(const struct tree *tr, const char *key)
{
	if (tr == NULL || tr->kind != TREE_TABLE)
		return NULL;
	for (unsigned i = 0; i < tr->n_keys; i++)
		if (slice_eq_str(tr->keys[i].key, key))
			return &tr->keys[i];
	return NULL;
}

static int
add_finding(const struct source_view *sv, const struct token *tk, bool warning, const char *fmt, va_list ap)
{
	char text[512];

	(void)vsnprintf(text, sizeof text, fmt, ap);
	if (tk == NULL)
		return findings_add(sv->fi, sv->file, 0, 0, 0, warning, "%s", text);
	return findings_add(sv->fi, sv->file, tk->line, tk->column, tk->length, warning, "%s", text);
}

int
tree_finding(const struct source_view *sv, const struct tree *tr, bool at_key, bool warning, const char *fmt, ...)
{
	const struct token *tk = NULL;
	va_list ap;
	int r;

	while (tr != NULL && tr->place == NULL) {
		tr = tr->parent;
		at_key = true;
	}
	if (tr != NULL && tr->place->from < sv->map->tokens.n)
		tk = &sv->map->tokens.v[at_key ? tr->place->key_token : tr->place->from];
	va_start(ap, fmt);
	r = add_finding(sv, tk, warning, fmt, ap);
	va_end(ap);
	return r;
}

int
token_finding(const struct source_view *sv, size_t token, bool warning, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = add_finding(sv, token < sv->map->tokens.n ? &sv->map->tokens.v[token] : NULL, warning, fmt, ap);
	va_end(ap);
	return r;
}

void
tree_json(struct buf *b, const struct tree *tr)
{
	switch (tr->kind) {
	case TREE_NIL:
	case TREE_FUNCTION:
		buf_add_str(b, "null");
		return;
	case TREE_BOOLEAN:
		buf_add_str(b, tr->i != 0 ? "true" : "false");
		return;
	case TREE_INTEGER:
		buf_printf(b, "%lld", (long long)tr->i);
		return;
	case TREE_NUMBER:
		buf_printf(b, "%.17g", tr->d);
		return;
	case TREE_STRING:
		json_quote(b, tr->s);
		return;
	case TREE_TABLE:
		break;
	}
	buf_add_str(b, tr->n_list != 0 ? "[" : "{");
	for (unsigned i = 0; i < tr->n_list; i++) {
		if (i > 0)
			buf_add_str(b, ",");
		tree_json(b, &tr->list[i]);
	}
	for (unsigned i = 0; i < tr->n_keys && tr->n_list == 0; i++) {
		if (i > 0)
			buf_add_str(b, ",");
		json_quote(b, tr->keys[i].key);
		buf_add_str(b, ":");
		tree_json(b, &tr->keys[i]);
	}
	buf_add_str(b, tr->n_list != 0 ? "]" : "}");
}

bool
tree_scalar(const struct tree *tr, struct value *ret)
{
	*ret = (struct value){0};
	switch (tr->kind) {
	case TREE_STRING:
		ret->kind = VALUE_STRING;
		ret->s = tr->s;
		return true;
	case TREE_INTEGER:
		ret->kind = VALUE_INTEGER;
		ret->i = tr->i;
		return true;
	case TREE_NUMBER:
		ret->kind = VALUE_NUMBER;
		ret->d = tr->d;
		return true;
	case TREE_BOOLEAN:
		ret->kind = VALUE_BOOLEAN;
		ret->i = tr->i;
		return true;
	case TREE_NIL:
	case TREE_TABLE:
	case TREE_FUNCTION:
		break;
	}
	return false;
}

/* --- from Lua --------------------------------------------------------------------------------------------------- */

struct conversion {
	struct slice text;
	struct arena *arena;
	const struct position_map *map;
	struct tree *root;
	size_t nodes;
	const struct tree_arg *args;
	size_t n_args;
};

static void *
take(lua_State *L, struct conversion *co, size_t n)
{
	void *p = arena_alloc(co->arena, n == 0 ? 1 : n);

	if (p == NULL)
		sandbox_exhausted(L);
	return p;
}

static int
by_key(const void *a, const void *b)
{
	return slice_cmp(((const struct tree *)a)->key, ((const struct tree *)b)->key);
}

static void convert(lua_State *L, struct conversion *co, struct tree *tr, unsigned depth);

static struct slice
copy_string(lua_State *L, struct conversion *co, int i)
{
	struct slice s, copy;

	s.p = lua_tolstring(L, i, &s.n);
	copy = arena_copy(co->arena, s);
	if (copy.p == NULL)
		sandbox_exhausted(L);
	return copy;
}

/* The table on top: its list, then its other keys. */
static void
convert_table(lua_State *L, struct conversion *co, struct tree *tr, unsigned depth)
{
	const struct place *pl = tr->place == NULL ? NULL : tr->place->child;
	size_t list = 0, length = lua_rawlen(L, -1), keys = 0;

	if (depth > LIMIT_RULE_DEPTH)
		(void)luaL_error(L, "the file's table is nested more than %d deep", LIMIT_RULE_DEPTH);
	luaL_checkstack(L, 6, NULL);
	lua_pushnil(L);
	while (lua_next(L, -2) != 0) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING)
			keys++;
		else if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || (lua_Unsigned)lua_tointeger(L, -1) > length)
			(void)luaL_error(L, "a table in the file has a key that is neither a name nor a place in its list");
		else
			list++;
		if (++co->nodes > LIMIT_RULE_NODES)
			(void)luaL_error(L, "the file's table holds more than %d values", LIMIT_RULE_NODES);
		if (keys > LIMIT_RULE_KEYS)
			(void)luaL_error(L, "a table in the file has more than %d keys", LIMIT_RULE_KEYS);
	}
	if (list != length) /* the length of a list with holes can be any border up to 2^63 - 1 */
		(void)luaL_error(L, "a list in the file has holes");
	tr->list = take(L, co, list * sizeof *tr->list);
	tr->keys = take(L, co, keys * sizeof *tr->keys);
	memset(tr->list, 0, list * sizeof *tr->list);
	memset(tr->keys, 0, keys * sizeof *tr->keys);
	lua_pushnil(L);
	while (lua_next(L, -2) != 0) {
		if (lua_type(L, -2) == LUA_TSTRING)
			tr->keys[tr->n_keys++].key = copy_string(L, co, -2);
		lua_pop(L, 1);
	}
	qsort(tr->keys, keys, sizeof *tr->keys, by_key);
	for (unsigned i = 0; i < tr->n_keys; i++) {
		struct tree *child = &tr->keys[i];

		child->parent = tr;
		child->place = place_child(tr->place, child->key, 0);
		lua_pushlstring(L, child->key.p, child->key.n);
		(void)lua_rawget(L, -2);
		convert(L, co, child, depth + 1);
		lua_pop(L, 1);
	}
	for (size_t i = 0; i < list; i++) {
		struct tree *child = &tr->list[i];

		child->parent = tr;
		child->index = (int64_t)i + 1;
		while (pl != NULL && pl->index < child->index) /* places of named keys have index 0 */
			pl = pl->next;
		child->place = pl != NULL && pl->index == child->index ? pl : NULL;
		(void)lua_rawgeti(L, -1, child->index);
		convert(L, co, child, depth + 1);
		lua_pop(L, 1);
	}
	tr->n_list = (unsigned)list;
}

static void
convert(lua_State *L, struct conversion *co, struct tree *tr, unsigned depth)
{
	switch (lua_type(L, -1)) {
	case LUA_TNIL:
		tr->kind = TREE_NIL;
		break;
	case LUA_TBOOLEAN:
		tr->kind = TREE_BOOLEAN;
		tr->i = lua_toboolean(L, -1);
		break;
	case LUA_TNUMBER:
		tr->kind = lua_isinteger(L, -1) ? TREE_INTEGER : TREE_NUMBER;
		tr->i = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
		tr->d = lua_tonumber(L, -1);
		break;
	case LUA_TSTRING:
		tr->kind = TREE_STRING;
		tr->s = copy_string(L, co, -1);
		break;
	case LUA_TTABLE:
		tr->kind = TREE_TABLE;
		convert_table(L, co, tr, depth);
		break;
	case LUA_TFUNCTION:
		tr->kind = TREE_FUNCTION;
		break;
	default:
		(void)luaL_error(L, "the file's table holds a %s", luaL_typename(L, -1));
	}
}

static int
run_file(lua_State *L)
{
	struct conversion *co = lua_touserdata(L, 1);

	sandbox_load_text(L, co->text);
	lua_call(L, 0, 1);
	if (lua_type(L, -1) != LUA_TTABLE)
		return luaL_error(L, "the file must return a table: return { api = 1, id = ... }");
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &file_table_key);
	co->root = take(L, co, sizeof *co->root);
	*co->root = (struct tree){.place = co->map->root.to > co->map->root.from ? &co->map->root : NULL};
	convert(L, co, co->root, 0);
	return 0;
}

/* Lua's "... near 'x'" names the token: the caret goes there if the line holds it. */
static int
add_run_finding(const struct source_view *sv, const struct sandbox *sb)
{
	const struct tokens *tks = &sv->map->tokens;
	const char *near = strstr(sb->message, "near '");
	const struct token *found = NULL;

	for (size_t i = 0; i < tks->n; i++) {
		const struct token *tk = &tks->v[i];

		if (tk->line != sb->line)
			continue;
		if (found == NULL || (near != NULL && strncmp(near + 6, tk->text.p, tk->text.n) == 0))
			found = tk;
	}
	return findings_add(
	    sv->fi, sv->file, sb->line, found != NULL ? found->column : sb->line != 0, found != NULL ? found->length : 0, false, "%s", sb->message);
}

int
tree_run(struct tree_run **ret, struct slice text, const struct source_view *sv, struct arena *arena, struct tree **ret_tree, struct err *err)
{
	struct conversion co = {.text = text, .arena = arena, .map = sv->map};
	struct tree_run *tn = calloc(1, sizeof *tn);
	enum sandbox_fault fault;

	*ret_tree = NULL;
	if (tn == NULL)
		return err_nomem(err);
	tn->sb = sandbox_new(err);
	if (tn->sb == NULL) {
		free(tn);
		return -1;
	}
	lua_pushcfunction(tn->sb->L, run_file);
	lua_pushlightuserdata(tn->sb->L, &co);
	fault = sandbox_call(tn->sb, &sandbox_budget_load, 1, 0);
	if (fault == SANDBOX_OK) {
		*ret_tree = co.root;
	} else if (fault == SANDBOX_EXHAUSTED || add_run_finding(sv, tn->sb) != 0) {
		tree_run_free(tn);
		return err_nomem(err);
	}
	*ret = tn;
	return 0;
}

void
tree_run_free(struct tree_run *tn)
{
	if (tn == NULL)
		return;
	sandbox_free(tn->sb);
	free(tn);
}

static int
call_check(lua_State *L)
{
	struct conversion *co = lua_touserdata(L, 1);

	(void)lua_rawgetp(L, LUA_REGISTRYINDEX, &file_table_key);
	(void)lua_getfield(L, -1, "check");
	lua_createtable(L, 0, (int)co->n_args);
	for (size_t i = 0; i < co->n_args; i++) {
		const struct value *v = &co->args[i].value;

		if (v->kind == VALUE_STRING)
			lua_pushlstring(L, v->s.p, v->s.n);
		else if (v->kind == VALUE_BOOLEAN)
			lua_pushboolean(L, v->i != 0);
		else if (v->kind == VALUE_NUMBER)
			lua_pushnumber(L, v->d);
		else
			lua_pushinteger(L, v->i);
		lua_setfield(L, -2, co->args[i].name);
	}
	sandbox_push_readonly(L, "p.%s: no such parameter");
	lua_call(L, 1, 2);
	return 2;
}

int
tree_run_check(struct tree_run *tn, const struct tree_arg *args, size_t n, char ret_text[512], unsigned *ret_line)
{
	struct conversion co = {.args = args, .n_args = n};
	lua_State *L = tn->sb->L;
	enum sandbox_fault fault;
	int holds;

	*ret_line = 0;
	lua_pushcfunction(L, call_check);
	lua_pushlightuserdata(L, &co);
	fault = sandbox_call(tn->sb, &sandbox_budget_eval, 1, 2);
	if (fault == SANDBOX_EXHAUSTED)
		return -1;
	if (fault != SANDBOX_OK) {
		(void)snprintf(ret_text, 512, "check fails: %.480s", tn->sb->message);
		*ret_line = tn->sb->line;
		return 0;
	}
	holds = lua_toboolean(L, -2);
	(void)snprintf(ret_text, 512, "%s", lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "check(p) does not hold for these parameters");
	lua_pop(L, 2);
	return holds;
}
