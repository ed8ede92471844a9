/* The string functions of rules that are not Lua's own: plain search, capped repetition, formats without addresses. */
#include "engine/rule/library_string.h"

#include "engine/rule/sandbox.h"
#include "state/base/limits.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* tostring of tables and functions would print addresses. */
const char *
library_text(lua_State *L, int i, size_t *ret_n)
{
	switch (lua_type(L, i)) {
	case LUA_TNIL:
		*ret_n = 3;
		return "nil";
	case LUA_TBOOLEAN:
		*ret_n = lua_toboolean(L, i) ? 4 : 5;
		return lua_toboolean(L, i) ? "true" : "false";
	case LUA_TNUMBER:
		if (!lua_isinteger(L, i) && isnan(lua_tonumber(L, i))) {
			*ret_n = 3; /* the C library prints a sign that machines disagree on */
			return "nan";
		}
		return lua_tolstring(L, i, ret_n); /* in place */
	case LUA_TSTRING:
		return lua_tolstring(L, i, ret_n);
	default:
		(void)luaL_error(L, "a %s has no text", luaL_typename(L, i));
		return NULL;
	}
}

/* string.find(s, text [, init]): plain search only. memmem is linear. */
int
library_find(lua_State *L)
{
	size_t n, m;
	const char *s = luaL_checklstring(L, 1, &n), *text = luaL_checklstring(L, 2, &m), *at;
	lua_Integer init = luaL_optinteger(L, 3, 1);

	if (lua_gettop(L) >= 4 && !lua_toboolean(L, 4))
		return luaL_error(L, "string.find: there are no patterns in rules; the search is always plain");
	if (init < 0)
		init = init < -(lua_Integer)n ? 1 : (lua_Integer)n + init + 1;
	if (init == 0)
		init = 1;
	if (init > (lua_Integer)n + 1) {
		lua_pushnil(L);
		return 1;
	}
	sandbox_charge(L, (n + m) / 16);
	at = m == 0 ? s + init - 1 : memmem(s + init - 1, n - (size_t)(init - 1), text, m);
	if (at == NULL) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, at - s + 1);
	lua_pushinteger(L, at - s + (lua_Integer)m);
	return 2;
}

int
library_rep(lua_State *L)
{
	size_t n, between_n;
	const char *s = luaL_checklstring(L, 1, &n);
	lua_Integer times = luaL_checkinteger(L, 2);
	const char *between = luaL_optlstring(L, 3, "", &between_n);
	luaL_Buffer b;

	if (times <= 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	if (n + between_n > LIMIT_RULE_REP_BYTES || times > (lua_Integer)LIMIT_RULE_REP_BYTES ||
	    (n + between_n) * (size_t)times > LIMIT_RULE_REP_BYTES)
		return luaL_error(L, "string.rep: over %d bytes", (int)LIMIT_RULE_REP_BYTES);
	sandbox_charge(L, (size_t)times);
	luaL_buffinit(L, &b);
	for (lua_Integer i = 0; i < times; i++) {
		luaL_addlstring(&b, s, n);
		if (i + 1 < times)
			luaL_addlstring(&b, between, between_n);
	}
	luaL_pushresult(&b);
	return 1;
}

/* One item: flags, width and precision of at most two digits, and one of d i x X c e E f g G s. No %p and %a. */
static const char *
format_item(lua_State *L, luaL_Buffer *b, const char *p, const char *end, int arg)
{
	char item[16], text[512];
	size_t n = 0, digits = 0;
	bool point = false;
	int written;

	item[n++] = '%';
	while (p < end && n < 12 && strchr("-+ #0", *p) != NULL && *p != '\0')
		item[n++] = *p++;
	while (p < end && n < 12 && ((*p >= '0' && *p <= '9' && ++digits <= 2) || (*p == '.' && !point))) {
		if (*p == '.') {
			digits = 0;
			point = true;
		}
		item[n++] = *p++;
	}
	if (p >= end || n >= 12 || digits > 2 || *p == '.')
		(void)luaL_error(L, "string.format: bad item in the format");
	switch (*p) {
	case 'd':
	case 'i':
	case 'x':
	case 'X':
		item[n++] = 'l';
		item[n++] = 'l';
		item[n++] = *p;
		item[n] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		written = snprintf(text, sizeof text, item, (long long)luaL_checkinteger(L, arg));
		break;
	case 'c':
		item[n++] = 'c';
		item[n] = '\0';
		written = snprintf(text, sizeof text, item, (int)luaL_checkinteger(L, arg));
		break;
	case 'e':
	case 'E':
	case 'f':
	case 'g':
	case 'G': {
		double d = luaL_checknumber(L, arg);

		if (!isfinite(d))
			(void)luaL_error(L, "string.format: the number is not finite");
		item[n++] = *p;
		item[n] = '\0';
		written = snprintf(text, sizeof text, item, d);
		break;
	}
	case 's': {
		size_t m = 0;
		const char *s;

		luaL_checkany(L, arg);
		lua_pushvalue(L, arg);
		s = library_text(L, lua_gettop(L), &m);
		sandbox_charge(L, m / 16);
		if (n == 1 && lua_type(L, -1) == LUA_TSTRING) {
			luaL_addvalue(b); /* the buffer's own slot, if it grew, must be on top of the stack again */
			return p + 1;
		}
		if (m > 400)
			(void)luaL_error(L, "string.format: a string over 400 bytes cannot be padded or cut");
		item[n++] = 's';
		item[n] = '\0';
		written = snprintf(text, sizeof text, item, s);
#pragma GCC diagnostic pop
		lua_pop(L, 1);
		break;
	}
	default:
		(void)luaL_error(L, "string.format: '%%%c' is not allowed; use %%d %%i %%x %%X %%c %%e %%f %%g %%s", *p);
		return end;
	}
	luaL_addlstring(b, text, written < 0 ? 0 : (size_t)written < sizeof text ? (size_t)written : sizeof text - 1);
	return p + 1;
}

int
library_format(lua_State *L)
{
	size_t n;
	const char *p = luaL_checklstring(L, 1, &n), *end = p + n;
	luaL_Buffer b;
	int arg = 1;

	sandbox_charge(L, n / 4);
	luaL_buffinit(L, &b);
	while (p < end) {
		if (*p != '%') {
			luaL_addchar(&b, *p++);
			continue;
		}
		p++;
		if (p < end && *p == '%') {
			luaL_addchar(&b, *p++);
			continue;
		}
		p = format_item(L, &b, p, end, ++arg);
	}
	luaL_pushresult(&b);
	return 1;
}
