#include "engine/rule/sandbox.h"

#include "state/base/limits.h"
#include "state/base/utf8.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#define HOOK_STEP 1000
/* Enough for calls 1,000 deep; within LIMIT_RULE_BLOCK, which makes any growth an error. */
#define STACK_SLOTS 6000
/* What one instruction can save at most by history: a short string (24 + 41 bytes), its share of the string table, and a
 * call record that Lua keeps for the next call (2 * 72 bytes). */
#define SAVED_PER_INSTRUCTION 224
#define STRING_HEAD 64 /* what Lua keeps beside its bytes, and more */
#define GARBAGE_BYTES (256 * KIB)

static const char environment_key;

#ifdef DIDEBAN_FUZZ /* less, so that many files are tried */
const struct sandbox_budget sandbox_budget_eval = {20000, LIMIT_RULE_MEMORY, LIMIT_RULE_BLOCK, 256};
const struct sandbox_budget sandbox_budget_load = {50000, 4 * MIB, 4 * MIB, 64};
#else
const struct sandbox_budget sandbox_budget_eval = {LIMIT_RULE_INSTRUCTIONS, LIMIT_RULE_MEMORY, LIMIT_RULE_BLOCK, 256};
const struct sandbox_budget sandbox_budget_load = {LIMIT_RULE_LOAD_INSTRUCTIONS, LIMIT_RULE_LOAD_MEMORY, LIMIT_RULE_LOAD_MEMORY, 64};
#endif

/* lua_Alloc. When p is NULL, `old` is a type tag and no size. */
static void *
sandbox_alloc(void *ud, void *p, size_t old, size_t size)
{
	struct sandbox *sb = ud;
	size_t grow, tag = old;
	void *q;

	if (p == NULL)
		old = 0;
	if (size == 0) {
		free(p);
		sb->live -= old;
		return NULL;
	}
	grow = size > old ? size - old : 0;
	if (sb->calling && grow != 0) {
		bool string = p == NULL && tag == LUA_TSTRING;

		if (sb->fault == SANDBOX_MEMORY || size > sb->budget.block || grow > sb->budget.memory - sb->asked ||
		    (string && size > LIMIT_RULE_STRING + STRING_HEAD)) {
			sb->fault = SANDBOX_MEMORY;
			return NULL;
		}
		sb->asked += grow;
		if (string && size > sb->longest)
			sb->longest = size;
	}
	q = realloc(p, size);
	if (q == NULL)
		return NULL;
	sb->live = sb->live - old + size;
	return q;
}

/* The hook raises again and again once the budget is gone: nothing in a rule may go on after it. */
static void
over_instructions(lua_State *L, struct sandbox *sb, lua_Hook hook)
{
	sb->fault = SANDBOX_INSTRUCTIONS;
	if (hook != NULL)
		lua_sethook(L, hook, LUA_MASKCOUNT, 1);
	lua_pushboolean(L, 0);
	lua_error(L);
}

static void
count_hook(lua_State *L, lua_Debug *ar)
{
	struct sandbox *sb = sandbox_of(L);

	sb->left -= HOOK_STEP * (int64_t)(1 + sb->longest / sb->budget.weighed);
	if (sb->left > 0)
		return;
	if (sb->fault == SANDBOX_OK && lua_getinfo(L, "l", ar) != 0 && ar->currentline > 0)
		sb->line = (unsigned)ar->currentline;
	over_instructions(L, sb, count_hook);
}

void
sandbox_charge(lua_State *L, size_t work)
{
	struct sandbox *sb = sandbox_of(L);
	lua_Debug ar;

	if (!sb->calling)
		return;
	sb->left -= work > INT32_MAX ? INT32_MAX : (int64_t)work;
	if (sb->left > 0)
		return;
	if (lua_getstack(L, 1, &ar) != 0 && lua_getinfo(L, "l", &ar) != 0 && ar.currentline > 0)
		sb->line = (unsigned)ar.currentline;
	over_instructions(L, sb, count_hook);
}

/* "rule:12: text" -> line 12 and "text". */
static void
take_message(struct sandbox *sb, const char *text)
{
	unsigned long line;
	char *end;

	if (strncmp(text, "rule:", 5) == 0) {
		line = strtoul(text + 5, &end, 10);
		if (end != text + 5 && *end == ':') {
			sb->line = (unsigned)line;
			text = end + 1;
			if (*text == ' ')
				text++;
		}
	}
	(void)snprintf(sb->message, sizeof sb->message, "%s", text);
	utf8_clean(sb->message);
}

enum sandbox_fault
sandbox_call(struct sandbox *sb, const struct sandbox_budget *budget, int n_args, int n_results)
{
	lua_State *L = sb->L;
	int status;

	sb->budget = *budget;
	sb->left = budget->instructions;
	sb->asked = 0;
	sb->longest = sb->held;
	sb->fault = SANDBOX_OK;
	sb->line = 0;
	sb->calling = true;
	lua_sethook(L, count_hook, LUA_MASKCOUNT, HOOK_STEP);
	status = lua_pcall(L, n_args, n_results, 0);
	sb->calling = false;
	if (status == LUA_OK)
		return SANDBOX_OK;
	if (status == LUA_ERRMEM && sb->fault == SANDBOX_OK)
		sb->fault = SANDBOX_EXHAUSTED;
	if (sb->fault == SANDBOX_EXHAUSTED)
		(void)snprintf(sb->message, sizeof sb->message, "out of memory");
	else if (sb->fault == SANDBOX_INSTRUCTIONS)
		(void)snprintf(sb->message, sizeof sb->message, "over the budget of %lld instructions", (long long)budget->instructions);
	else if (sb->fault == SANDBOX_MEMORY)
		(void)snprintf(sb->message, sizeof sb->message,
		    "over the memory budget (%zu KiB, at most %zu KiB in one piece and %zu KiB in one string)", budget->memory / KIB,
		    budget->block / KIB, LIMIT_RULE_STRING / KIB);
	else {
		sb->fault = SANDBOX_ERROR;
		take_message(sb, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "error without a text");
	}
	lua_pop(L, 1);
	return sb->fault;
}

bool
sandbox_light(const struct sandbox *sb)
{
	size_t executed = (size_t)(sb->budget.instructions - sb->left) + HOOK_STEP;

	return sb->fault != SANDBOX_MEMORY && sb->fault != SANDBOX_INSTRUCTIONS && executed < sb->budget.memory / SAVED_PER_INSTRUCTION &&
	       sb->asked + executed * SAVED_PER_INSTRUCTION < sb->budget.memory;
}

int
sandbox_rest(struct sandbox *sb)
{
	size_t margin = sb->settled > GARBAGE_BYTES ? sb->settled : GARBAGE_BYTES;

	if (sb->live < sb->settled + margin)
		return 0;
	(void)lua_gc(sb->L, LUA_GCCOLLECT);
	sb->settled = sb->live;
	return lua_checkstack(sb->L, STACK_SLOTS) == 0 ? -1 : 0;
}

void
sandbox_exhausted(lua_State *L)
{
	sandbox_of(L)->fault = SANDBOX_EXHAUSTED;
	lua_pushboolean(L, 0);
	(void)lua_error(L);
	__builtin_unreachable(); /* it raised */
}

static int
refuse_write(lua_State *L)
{
	return luaL_error(L, "a rule may not write here: globals, libraries, e, f, p and the file's own tables are read-only");
}

static int
refuse_missing(lua_State *L)
{
	const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);

	return luaL_error(L, lua_tostring(L, lua_upvalueindex(1)), name);
}

static int
view_length(lua_State *L)
{
	(void)lua_getiuservalue(L, 1, 1);
	lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
	return 1;
}

void
sandbox_push_readonly(lua_State *L, const char *missing)
{
	luaL_checkstack(L, 6, NULL);
	if (missing != NULL) {
		lua_createtable(L, 0, 1);
		lua_pushstring(L, missing);
		lua_pushcclosure(L, refuse_missing, 1);
		lua_setfield(L, -2, "__index");
		(void)lua_setmetatable(L, -2);
	}
	(void)lua_newuserdatauv(L, 0, 1);
	lua_pushvalue(L, -2);
	(void)lua_setiuservalue(L, -2, 1);
	lua_createtable(L, 0, 3);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_write);
	lua_setfield(L, -2, "__newindex");
	lua_pushcfunction(L, view_length);
	lua_setfield(L, -2, "__len");
	(void)lua_setmetatable(L, -2);
	lua_remove(L, -2);
}

/* The view is of a copy: a table that was once full and is empty now keeps its room, which `pairs` would walk in every call. */
static void
freeze(lua_State *L, unsigned depth)
{
	if (depth > 16)
		(void)luaL_error(L, "tables nested more than 16 deep");
	luaL_checkstack(L, 8, NULL);
	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, -3) != 0) {
		if (lua_type(L, -1) == LUA_TTABLE)
			freeze(L, depth + 1);
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -4);
	}
	lua_remove(L, -2);
	sandbox_push_readonly(L, NULL);
}

void
sandbox_freeze(lua_State *L)
{
	freeze(L, 0);
}

void
sandbox_push_environment(lua_State *L)
{
	(void)lua_rawgetp(L, LUA_REGISTRYINDEX, &environment_key);
}

void
sandbox_load_text(lua_State *L, struct slice text)
{
	if (luaL_loadbufferx(L, text.p, text.n, "=rule", "t") != LUA_OK)
		(void)lua_error(L);
	sandbox_push_environment(L);
	if (lua_setupvalue(L, -2, 1) == NULL)
		lua_pop(L, 1);
}

static int
open_sandbox(lua_State *L)
{
	lua_newtable(L);
	library_open(L);
	sandbox_push_readonly(L, "unknown name '%s'");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &environment_key);
	return 0;
}

struct sandbox *
sandbox_new(struct err *err)
{
	struct sandbox *sb = calloc(1, sizeof *sb);

	if (sb == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	sb->L = lua_newstate(sandbox_alloc, sb);
	if (sb->L == NULL) {
		(void)err_nomem(err);
		free(sb);
		return NULL;
	}
	*(struct sandbox **)lua_getextraspace(sb->L) = sb;
	(void)lua_gc(sb->L, LUA_GCSTOP);
	lua_pushcfunction(sb->L, open_sandbox);
	if (sandbox_call(sb, &sandbox_budget_load, 0, 0) != SANDBOX_OK || lua_checkstack(sb->L, STACK_SLOTS) == 0) {
		(void)err_set(err, ERR_NOMEM, "opening the rule sandbox: %s", sb->message);
		sandbox_free(sb);
		return NULL;
	}
	sb->settled = sb->live;
	return sb;
}

void
sandbox_free(struct sandbox *sb)
{
	if (sb == NULL)
		return;
	if (sb->L != NULL)
		lua_close(sb->L);
	free(sb);
}
