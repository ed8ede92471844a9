/* What rules may call. Each function is bounded in time and charges its work, since the instruction hook does not see
 * into C. Absent on purpose: see docs/rules.md, "Sandbox". */
#include "engine/rule/library.h"

#include "engine/calendar/instant.h"
#include "engine/rule/library_string.h"
#include "engine/rule/sandbox.h"
#include "engine/rule/stats.h"
#include "state/base/limits.h"

#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A function of Lua's own library, charged by the bytes of its string arguments. */
static int
call_stock(lua_State *L)
{
	lua_CFunction fn = lua_tocfunction(L, lua_upvalueindex(1));
	size_t work = 1;

	for (int i = lua_gettop(L); i > 0; i--)
		if (lua_type(L, i) == LUA_TSTRING)
			work += lua_rawlen(L, i) / 16;
	sandbox_charge(L, work);
	return fn(L);
}

/* --- base ------------------------------------------------------------------------------------------------------ */

static int
base_tostring(lua_State *L)
{
	size_t n;
	const char *p;

	luaL_checkany(L, 1);
	p = library_text(L, 1, &n);
	lua_pushlstring(L, p, n);
	return 1;
}

/* The C library reads a long number in time that grows with the square of its digits: 2 ms for 16,000. */
static int
base_tonumber(lua_State *L)
{
	size_t n = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;

	sandbox_charge(L, 1 + n + n * n / 256);
	return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static int
base_error(lua_State *L)
{
	const char *text = luaL_checkstring(L, 1);

	return luaL_error(L, "%s", text);
}

static int
base_assert(lua_State *L)
{
	luaL_checkany(L, 1);
	if (lua_toboolean(L, 1))
		return lua_gettop(L);
	return luaL_error(L, "%s", luaL_optstring(L, 2, "assertion failed"));
}

/* --- sorted pairs, stable sort --------------------------------------------------------------------------------- */

/* Numbers before strings before booleans; anything else has no order of its own. */
static int
key_rank(lua_State *L, int i)
{
	int type = lua_type(L, i);

	if (type == LUA_TNUMBER)
		return 0;
	if (type == LUA_TSTRING)
		return 1;
	if (type == LUA_TBOOLEAN)
		return 2;
	return luaL_error(L, "pairs: a key is a %s; only numbers, strings and booleans have an order", luaL_typename(L, i));
}

static bool
key_less(lua_State *L, int a, int b)
{
	int ra = key_rank(L, a), rb = key_rank(L, b);

	if (ra != rb)
		return ra < rb;
	if (ra == 0)
		return lua_compare(L, a, b, LUA_OPLT) != 0;
	if (ra == 1) {
		struct slice sa, sb;

		sa.p = lua_tolstring(L, a, &sa.n);
		sb.p = lua_tolstring(L, b, &sb.n);
		return slice_cmp(sa, sb) < 0;
	}
	return !lua_toboolean(L, a) && lua_toboolean(L, b);
}

/* Is b (top) before a (below it)? With a comparison function at index 2 if `custom`. */
static bool
before(lua_State *L, bool custom, bool keys)
{
	bool less;

	sandbox_charge(L, 4);
	if (custom) {
		lua_pushvalue(L, 2);
		lua_pushvalue(L, -2);
		lua_pushvalue(L, -4);
		lua_call(L, 2, 1);
		less = lua_toboolean(L, -1) != 0;
		lua_pop(L, 1);
		return less;
	}
	if (keys)
		return key_less(L, -1, -2);
	if (lua_type(L, -1) == LUA_TSTRING)
		sandbox_charge(L, lua_rawlen(L, -1) / 8);
	if (lua_type(L, -1) != lua_type(L, -2) || (lua_type(L, -1) != LUA_TNUMBER && lua_type(L, -1) != LUA_TSTRING))
		(void)luaL_error(L, "table.sort: cannot compare a %s with a %s", luaL_typename(L, -2), luaL_typename(L, -1));
	return lua_compare(L, -1, -2, LUA_OPLT) != 0;
}

/* Merges [from, mid) and [mid, to) of the table at `src` into the one at `dst`; equal elements keep their order. */
static void
merge(lua_State *L, int src, int dst, lua_Integer from, lua_Integer mid, lua_Integer to, bool custom, bool keys)
{
	lua_Integer i = from, j = mid;

	for (lua_Integer k = from; k < to; k++) {
		bool right = i >= mid;

		if (!right && j < to) {
			(void)lua_rawgeti(L, src, i);
			(void)lua_rawgeti(L, src, j);
			right = before(L, custom, keys);
			lua_pop(L, 2);
		}
		(void)lua_rawgeti(L, src, right ? j++ : i++);
		lua_rawseti(L, dst, k);
	}
}

/* Bottom-up merge sort of elements 1 .. n of the table at t: at most n log2 n comparisons, whatever they answer. */
static void
merge_sort(lua_State *L, int t, lua_Integer n, bool custom, bool keys)
{
	int src = t, dst;

	luaL_checkstack(L, 8, NULL);
	if (n > LIMIT_RULE_SORT)
		(void)luaL_error(L, "more than %d elements to sort", LIMIT_RULE_SORT);
	if (n < 2)
		return;
	lua_createtable(L, (int)n, 0);
	dst = lua_gettop(L);
	for (lua_Integer width = 1; width < n; width *= 2) {
		int swap = src;

		sandbox_charge(L, (size_t)n);
		for (lua_Integer from = 1; from <= n; from += 2 * width) {
			lua_Integer mid = from + width < n + 1 ? from + width : n + 1;
			lua_Integer to = mid + width < n + 1 ? mid + width : n + 1;

			merge(L, src, dst, from, mid, to, custom, keys);
		}
		src = dst;
		dst = swap;
	}
	if (src != t)
		for (lua_Integer k = 1; k <= n; k++) {
			(void)lua_rawgeti(L, src, k);
			lua_rawseti(L, t, k);
		}
	lua_settop(L, t > 2 ? t : 2);
}

static int
pairs_next(lua_State *L)
{
	lua_Integer i = lua_tointeger(L, lua_upvalueindex(3)) + 1;

	lua_pushinteger(L, i);
	lua_replace(L, lua_upvalueindex(3));
	if (lua_rawgeti(L, lua_upvalueindex(2), i) == LUA_TNIL)
		return 1;
	lua_pushvalue(L, -1);
	(void)lua_rawget(L, lua_upvalueindex(1));
	return 2;
}

/* A table, or the table behind a read-only view; raises for anything else. Replaces index i. */
static void
check_table(lua_State *L, int i)
{
	if (lua_type(L, i) == LUA_TUSERDATA && lua_getiuservalue(L, i, 1) == LUA_TTABLE) {
		lua_replace(L, i);
		return;
	}
	luaL_checktype(L, i, LUA_TTABLE);
}

/* pairs in sorted order: Lua's own changes on every run. */
static int
base_pairs(lua_State *L)
{
	lua_Integer n = 0;

	lua_settop(L, 1);
	check_table(L, 1);
	lua_pushnil(L); /* index 2: where sort keeps a comparison */
	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, 1) != 0) {
		lua_pop(L, 1);
		lua_pushvalue(L, -1);
		lua_rawseti(L, 3, ++n);
		if (n > LIMIT_RULE_SORT)
			return luaL_error(L, "pairs: more than %d keys", LIMIT_RULE_SORT);
	}
	sandbox_charge(L, (size_t)n);
	if (n == 1) {
		(void)lua_rawgeti(L, 3, 1);
		(void)key_rank(L, -1);
		lua_pop(L, 1);
	}
	merge_sort(L, 3, n, false, true);
	lua_pushvalue(L, 1);
	lua_pushvalue(L, 3);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, pairs_next, 3);
	return 1;
}

static int
table_sort(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	merge_sort(L, 1, (lua_Integer)lua_rawlen(L, 1), !lua_isnil(L, 2), false);
	return 0;
}

/* --- table ----------------------------------------------------------------------------------------------------- */

static int
table_insert(lua_State *L)
{
	lua_Integer n, at;

	luaL_checktype(L, 1, LUA_TTABLE);
	n = (lua_Integer)lua_rawlen(L, 1);
	if (n == LUA_MAXINTEGER) /* a list with holes may say so */
		return luaL_error(L, "table.insert: the list is full");
	if (lua_gettop(L) == 2) {
		lua_rawseti(L, 1, n + 1);
		return 0;
	}
	if (lua_gettop(L) != 3)
		return luaL_error(L, "table.insert takes 2 or 3 arguments");
	at = luaL_checkinteger(L, 2);
	luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "position out of bounds");
	sandbox_charge(L, (size_t)(n - at + 1));
	for (lua_Integer i = n; i >= at; i--) {
		(void)lua_rawgeti(L, 1, i);
		lua_rawseti(L, 1, i + 1);
	}
	lua_rawseti(L, 1, at);
	return 0;
}

static int
table_remove(lua_State *L)
{
	lua_Integer n, at;

	luaL_checktype(L, 1, LUA_TTABLE);
	n = (lua_Integer)lua_rawlen(L, 1);
	at = luaL_optinteger(L, 2, n);
	if (n == 0 && at == n)
		return 0;
	luaL_argcheck(L, at >= 1 && at <= n, 2, "position out of bounds");
	sandbox_charge(L, (size_t)(n - at + 1));
	(void)lua_rawgeti(L, 1, at);
	for (lua_Integer i = at; i < n; i++) {
		(void)lua_rawgeti(L, 1, i + 1);
		lua_rawseti(L, 1, i);
	}
	lua_pushnil(L);
	lua_rawseti(L, 1, n);
	return 1;
}

static int
table_concat(lua_State *L)
{
	size_t between_n;
	const char *between = luaL_optlstring(L, 2, "", &between_n);
	lua_Integer n;
	luaL_Buffer b;

	lua_settop(L, 2);
	check_table(L, 1);
	n = (lua_Integer)lua_rawlen(L, 1);
	luaL_buffinit(L, &b);
	for (lua_Integer i = 1; i <= n; i++) {
		sandbox_charge(L, 2);
		(void)lua_rawgeti(L, 1, i);
		if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
			return luaL_error(L, "table.concat: element %d is a %s", (int)i, luaL_typename(L, -1));
		luaL_addvalue(&b);
		if (i < n)
			luaL_addlstring(&b, between, between_n);
	}
	luaL_pushresult(&b);
	return 1;
}

static int
table_unpack(lua_State *L)
{
	lua_Integer n;

	lua_settop(L, 1);
	check_table(L, 1);
	n = (lua_Integer)lua_rawlen(L, 1);
	if (n > 250)
		return luaL_error(L, "table.unpack: more than 250 elements");
	sandbox_charge(L, (size_t)n);
	luaL_checkstack(L, (int)n, NULL);
	for (lua_Integer i = 1; i <= n; i++)
		(void)lua_rawgeti(L, 1, i);
	return (int)n;
}

/* --- the engine's helpers -------------------------------------------------------------------------------------- */

static int
helper_exp(lua_State *L)
{
	lua_pushnumber(L, stats_exp(luaL_checknumber(L, 1)));
	return 1;
}

static int
helper_log(lua_State *L)
{
	if (lua_gettop(L) > 1)
		return luaL_error(L, "math.log takes one argument; divide by math.log(base)");
	lua_pushnumber(L, stats_log(luaL_checknumber(L, 1)));
	return 1;
}

static int
helper_binomial_tail(lua_State *L)
{
	lua_Integer n = luaL_checkinteger(L, 1), total = luaL_checkinteger(L, 2), groups = luaL_checkinteger(L, 3);

	luaL_argcheck(L, total >= 0 && total <= STATS_TOTAL_MAX, 2, "total must be between 0 and 10,000,000");
	luaL_argcheck(L, groups >= 1, 3, "groups must be at least 1");
	sandbox_charge(L, 50 + 10 * (size_t)sqrt((double)total));
	lua_pushnumber(L, stats_binomial_tail(n, total, groups));
	return 1;
}

#define IRAN_OFFSET ((lua_Integer)(3 * 3600 + 1800))
#define YEAR_0000 INT64_C(-62167219200)
#define YEAR_9999 INT64_C(253402300799)

static lua_Integer
check_time(lua_State *L, int64_t *ret_days)
{
	lua_Integer t = luaL_checkinteger(L, 1);
	lua_Integer day = 86400, local;

	luaL_argcheck(L, t >= YEAR_0000 && t <= YEAR_9999, 1, "not a time between the years 0000 and 9999");
	local = t + IRAN_OFFSET;
	*ret_days = local >= 0 ? local / day : -((-local + day - 1) / day);
	return local - *ret_days * day;
}

/* calendar.jalali(t): year, month, day of the Solar Hijri calendar in Iran standard time. */
static int
helper_jalali(lua_State *L)
{
	int64_t days, year;
	unsigned month, day;

	(void)check_time(L, &days);
	jalali_from_days(days, &year, &month, &day);
	lua_pushinteger(L, year);
	lua_pushinteger(L, month);
	lua_pushinteger(L, day);
	return 3;
}

/* calendar.clock(t): hour, minute, second of the day in Iran standard time. */
static int
helper_clock(lua_State *L)
{
	int64_t days;
	lua_Integer s = check_time(L, &days);

	lua_pushinteger(L, s / 3600);
	lua_pushinteger(L, s / 60 % 60);
	lua_pushinteger(L, s % 60);
	return 3;
}

/* calendar.weekday(t): 1 Saturday to 7 Friday, in Iran standard time. */
static int
helper_weekday(lua_State *L)
{
	int64_t days;

	(void)check_time(L, &days);
	lua_pushinteger(L, ((days + 5) % 7 + 7) % 7 + 1); /* 1970-01-01 was a Thursday */
	return 1;
}

/* --- tables of names ------------------------------------------------------------------------------------------- */

struct entry {
	const char *name;
	lua_CFunction own; /* NULL: Lua's own, charged */
};

static const struct entry base_functions[] = {{"assert", base_assert}, {"error", base_error}, {"ipairs", NULL}, {"pairs", base_pairs},
    {"select", NULL}, {"tonumber", base_tonumber}, {"tostring", base_tostring}, {"type", NULL}, {NULL, NULL}};
static const struct entry string_functions[] = {{"byte", NULL}, {"char", NULL}, {"find", library_find}, {"format", library_format}, {"len", NULL},
    {"lower", NULL}, {"rep", library_rep}, {"reverse", NULL}, {"sub", NULL}, {"upper", NULL}, {NULL, NULL}};
static const struct entry table_functions[] = {
    {"concat", table_concat}, {"insert", table_insert}, {"remove", table_remove}, {"sort", table_sort}, {"unpack", table_unpack}, {NULL, NULL}};
static const struct entry math_functions[] = {{"abs", NULL}, {"ceil", NULL}, {"exp", helper_exp}, {"floor", NULL}, {"fmod", NULL},
    {"log", helper_log}, {"max", NULL}, {"min", NULL}, {"modf", NULL}, {"sqrt", NULL}, {"tointeger", NULL}, {"type", NULL}, {"ult", NULL},
    {NULL, NULL}};
static const struct entry utf8_functions[] = {{"char", NULL}, {"codepoint", NULL}, {"len", NULL}, {"offset", NULL}, {NULL, NULL}};
static const struct entry stats_functions[] = {{"binomial_tail", helper_binomial_tail}, {NULL, NULL}};
static const struct entry calendar_functions[] = {{"clock", helper_clock}, {"jalali", helper_jalali}, {"weekday", helper_weekday}, {NULL, NULL}};

static const struct {
	const char *name;
	const struct entry *functions;
	lua_CFunction stock;
} libraries[] = {
    {"string", string_functions, luaopen_string},
    {"table", table_functions, NULL},
    {"math", math_functions, luaopen_math},
    {"utf8", utf8_functions, luaopen_utf8},
    {"stats", stats_functions, NULL},
    {"calendar", calendar_functions, NULL},
};
#define N_LIBRARIES (sizeof libraries / sizeof libraries[0])

static const char *const global_names[] = {
    "assert", "error", "ipairs", "pairs", "select", "tonumber", "tostring", "type", "string", "table", "math", "utf8", "stats", "calendar", NULL};
static const char *const string_names[] = {"byte", "char", "find", "format", "len", "lower", "rep", "reverse", "sub", "upper", NULL};
static const char *const table_names[] = {"concat", "insert", "remove", "sort", "unpack", NULL};
static const char *const math_names[] = {"abs", "ceil", "exp", "floor", "fmod", "log", "max", "min", "modf", "sqrt", "tointeger", "type", "ult",
    "huge", "pi", "maxinteger", "mininteger", NULL};
static const char *const utf8_names[] = {"char", "codepoint", "len", "offset", NULL};
static const char *const stats_names[] = {"binomial_tail", NULL};
static const char *const calendar_names[] = {"clock", "jalali", "weekday", NULL};
static const char *const *const member_names[N_LIBRARIES] = {string_names, table_names, math_names, utf8_names, stats_names, calendar_names};

const char *const *
library_names(const char *library)
{
	if (library == NULL)
		return global_names;
	for (size_t i = 0; i < N_LIBRARIES; i++)
		if (strcmp(libraries[i].name, library) == 0)
			return member_names[i];
	return NULL;
}

/* Fills the table on top with functions; the stock library's table is at `stock`, if there is one. */
static void
fill(lua_State *L, const struct entry *en, int stock)
{
	for (; en->name != NULL; en++) {
		(void)lua_getfield(L, stock, en->name); /* nil where Lua has none */
		lua_pushcclosure(L, en->own != NULL ? en->own : call_stock, 1);
		lua_setfield(L, -2, en->name);
	}
}

static void
open_library(lua_State *L, int env, size_t i)
{
	static const char *const constants[] = {"huge", "pi", "maxinteger", "mininteger"};
	char missing[128];
	int stock;

	if (libraries[i].stock != NULL) {
		lua_pushcfunction(L, libraries[i].stock);
		lua_call(L, 0, 1);
	} else
		lua_newtable(L);
	stock = lua_gettop(L);
	lua_newtable(L);
	fill(L, libraries[i].functions, stock);
	if (libraries[i].stock == luaopen_math)
		for (size_t k = 0; k < sizeof constants / sizeof constants[0]; k++) {
			(void)lua_getfield(L, stock, constants[k]);
			lua_setfield(L, -2, constants[k]);
		}
	(void)snprintf(missing, sizeof missing, "%s.%%s does not exist for rules", libraries[i].name);
	sandbox_push_readonly(L, missing);
	lua_setfield(L, env, libraries[i].name);
	lua_settop(L, env);
}

void
library_open(lua_State *L)
{
	int env = lua_gettop(L);

	lua_pushcfunction(L, luaopen_base); /* fills the state's globals, which no rule sees; emptied below */
	lua_call(L, 0, 1);
	lua_pushvalue(L, env);
	fill(L, base_functions, env + 1);
	lua_settop(L, env);
	for (size_t i = 0; i < N_LIBRARIES; i++)
		open_library(L, env, i);
	lua_newtable(L);
	lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
	/* ("x"):upper() finds our functions only; arithmetic on strings has no metamethods left. */
	lua_pushliteral(L, "");
	lua_createtable(L, 0, 1);
	(void)lua_getfield(L, env, "string");
	lua_setfield(L, -2, "__index");
	(void)lua_setmetatable(L, -2);
	lua_settop(L, env);
}
