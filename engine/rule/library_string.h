/* The string functions of rules that are not Lua's own. Internal to engine/rule; all may raise. */
#ifndef DIDEBAN_ENGINE_RULE_LIBRARY_STRING_H
#define DIDEBAN_ENGINE_RULE_LIBRARY_STRING_H

#include <lua.h>

/* The text of a value at a positive index: "nil", numbers, strings; raises for what has none. */
const char *library_text(lua_State *L, int i, size_t *ret_n);
int library_find(lua_State *L);
int library_rep(lua_State *L);
int library_format(lua_State *L);

#endif
