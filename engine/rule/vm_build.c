/* What a rule's evaluate is handed: e, f and p as views that read on demand; and its functions, without a memory of their own. */
#include "engine/rule/vm_state.h"

#include <lauxlib.h>
#include <stdlib.h>

#define ATTR_ITEMS 100 /* beside enum feature_attr */

struct item_ref {
	unsigned feature, item;
};

static const char item_meta_key;

/* --- what a rule reads; all of these run inside sandbox_call ----------------------------------------------------- */

static const struct rule_input *
input_of(lua_State *L)
{
	return ((struct rule_vm *)sandbox_of(L)->owner)->in;
}

static void
push_value(lua_State *L, const struct value *v)
{
	switch (v->kind) {
	case VALUE_NONE:
		lua_pushnil(L);
		return;
	case VALUE_STRING:
		lua_pushlstring(L, v->s.p, v->s.n);
		return;
	case VALUE_INTEGER:
		lua_pushinteger(L, v->i);
		return;
	case VALUE_BOOLEAN:
		lua_pushboolean(L, v->i != 0);
		return;
	case VALUE_INSTANT:
		lua_pushinteger(L, v->t.sec);
		return;
	case VALUE_DECIMAL: {
		double scale = 1;

		for (unsigned i = 0; i < v->scale; i++)
			scale *= 10;
		lua_pushnumber(L, (double)v->i / scale);
		return;
	}
	case VALUE_NUMBER:
		lua_pushnumber(L, v->d);
		return;
	}
	lua_pushnil(L);
}

static const char *
key_text(lua_State *L)
{
	return lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
}

static int
push_read(lua_State *L, struct memo_read re)
{
	struct rule_vm *vm = sandbox_of(L)->owner;
	struct value v = memo_read_value(vm->in, re);

	memo_note(vm->memo, re, &v);
	push_value(L, &v);
	return 1;
}

static int
read_event(lua_State *L)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
		return luaL_error(L, "e.%s is not declared: add it to need or want", key_text(L));
	return push_read(L, (struct memo_read){.at = (int)lua_tointeger(L, -1)});
}

static int
read_feature(lua_State *L)
{
	lua_Integer attr;

	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
		return luaL_error(L, "a feature of this op has no attribute %s (mine, total, groups, share, rank, mean need `by`)", key_text(L));
	attr = lua_tointeger(L, -1);
	if (attr == ATTR_ITEMS) {
		lua_pushvalue(L, lua_upvalueindex(3));
		return 1;
	}
	return push_read(L, (struct memo_read){.feature = true, .at = (int)lua_tointeger(L, lua_upvalueindex(2)), .attr = (enum feature_attr)attr});
}

static unsigned
count_items(lua_State *L, unsigned feature)
{
	struct rule_vm *vm = sandbox_of(L)->owner;
	unsigned n = vm->in->items(vm->in->ctx, feature);

	memo_give_up(vm->memo);
	return n < LIMIT_ACTIVE_ITEMS ? n : LIMIT_ACTIVE_ITEMS;
}

static int
items_length(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)count_items(L, (unsigned)lua_tointeger(L, lua_upvalueindex(1))));
	return 1;
}

/* Proxies of items are made once and kept: they say only which item is meant. */
static int
read_items(lua_State *L)
{
	unsigned feature = (unsigned)lua_tointeger(L, lua_upvalueindex(1));
	struct item_ref *ir;
	lua_Integer i;

	if (!lua_isinteger(L, 2))
		return luaL_error(L, "items is a list: items[1], #items, ipairs(items)");
	i = lua_tointeger(L, 2);
	if (i < 1 || i > (lua_Integer)count_items(L, feature)) {
		lua_pushnil(L);
		return 1;
	}
	if (lua_rawgeti(L, lua_upvalueindex(2), i) != LUA_TNIL)
		return 1;
	lua_pop(L, 1);
	ir = lua_newuserdatauv(L, sizeof *ir, 0);
	*ir = (struct item_ref){feature, (unsigned)i - 1};
	(void)lua_rawgetp(L, LUA_REGISTRYINDEX, &item_meta_key);
	(void)lua_setmetatable(L, -2);
	lua_pushvalue(L, -1);
	lua_rawseti(L, lua_upvalueindex(2), i);
	return 1;
}

static int
read_item(lua_State *L)
{
	const struct rule_input *in = input_of(L);
	const struct item_ref *ir = lua_touserdata(L, 1);
	struct slice name;
	struct value v;

	if (lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(L, "an item is read by field names");
	name.p = lua_tolstring(L, 2, &name.n);
	memo_give_up(((struct rule_vm *)sandbox_of(L)->owner)->memo);
	v = in->item(in->ctx, ir->feature, ir->item, name);
	push_value(L, &v);
	return 1;
}

static int
refuse_write(lua_State *L)
{
	return luaL_error(L, "a rule may not write to e, f and p");
}

/* --- building; inside sandbox_call ------------------------------------------------------------------------------- */

/* Pops __index (and, if `length`, below it __len); pushes an object with them. */
static void
push_object(lua_State *L, bool length)
{
	int index = lua_gettop(L);

	(void)lua_newuserdatauv(L, 0, 0);
	lua_createtable(L, 0, 3);
	lua_pushvalue(L, index);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_write);
	lua_setfield(L, -2, "__newindex");
	if (length) {
		lua_pushvalue(L, index - 1);
		lua_setfield(L, -2, "__len");
	}
	(void)lua_setmetatable(L, -2);
	lua_replace(L, length ? index - 1 : index);
	lua_settop(L, length ? index - 1 : index);
}

static void
push_event(lua_State *L, const struct rule *ru)
{
	static const struct {
		const char *name;
		int field;
	} envelope[] = {{"type", READ_TYPE}, {"source", READ_SOURCE}, {"id", READ_ID}, {"time", READ_TIME}};

	lua_createtable(L, 0, (int)ru->n_readable + 4);
	for (size_t i = 0; i < 4; i++) {
		lua_pushinteger(L, envelope[i].field);
		lua_setfield(L, -2, envelope[i].name);
	}
	for (unsigned i = 0; i < ru->n_readable; i++) {
		lua_pushinteger(L, (lua_Integer)i);
		lua_setfield(L, -2, ru->fields[i]);
	}
	lua_pushcclosure(L, read_event, 1);
	push_object(L, false);
}

static bool
attr_fits(const struct feature_spec *fs, enum feature_attr attr)
{
	switch (attr) {
	case ATTR_N:
	case ATTR_CONTESTED:
		return true;
	case ATTR_VALUE:
		return fs->op != OP_COUNT && fs->op != OP_DISTINCT && fs->op != OP_ACTIVE;
	default:
		return fs->by != NULL;
	}
}

static void
push_feature(lua_State *L, const struct feature_spec *fs, unsigned i)
{
	lua_createtable(L, 0, ATTR_COUNT + 1);
	for (int attr = 0; attr < ATTR_COUNT; attr++)
		if (attr_fits(fs, (enum feature_attr)attr)) {
			lua_pushinteger(L, attr);
			lua_setfield(L, -2, feature_attr_name((enum feature_attr)attr));
		}
	if (fs->op == OP_ACTIVE) {
		lua_pushinteger(L, ATTR_ITEMS);
		lua_setfield(L, -2, "items");
	}
	lua_pushinteger(L, (lua_Integer)i);
	if (fs->op == OP_ACTIVE) {
		lua_pushinteger(L, (lua_Integer)i);
		lua_pushcclosure(L, items_length, 1);
		lua_pushinteger(L, (lua_Integer)i);
		lua_newtable(L);
		lua_pushcclosure(L, read_items, 2);
		push_object(L, true);
	} else
		lua_pushnil(L);
	lua_pushcclosure(L, read_feature, 3);
	push_object(L, false);
}

static void
push_features(lua_State *L, const struct rule *ru)
{
	lua_createtable(L, 0, (int)ru->n_features);
	for (unsigned i = 0; i < ru->n_features; i++) {
		push_feature(L, &ru->features[i], i);
		lua_setfield(L, -2, ru->features[i].name);
	}
	sandbox_push_readonly(L, "f.%s: no such feature");
}

static void
push_params(lua_State *L, const struct rule *ru)
{
	lua_createtable(L, 0, (int)ru->n_params);
	for (unsigned i = 0; i < ru->n_params; i++) {
		push_value(L, &ru->params[i].value);
		lua_setfield(L, -2, ru->params[i].name);
	}
	sandbox_push_readonly(L, "p.%s: no such parameter");
}

static void secure_value(lua_State *L, struct vm_rule *vr, int visited, unsigned depth);

static void
remember(lua_State *L, struct vm_rule *vr, int function, int upvalue)
{
	struct restored *re;

	if (vr->n_restored == vr->cap_restored) {
		size_t cap = vr->cap_restored == 0 ? 4 : 2 * vr->cap_restored;

		if (cap > LIMIT_RULE_KEYS)
			(void)luaL_error(L, "too many outer locals");
		re = realloc(vr->restored, cap * sizeof *re);
		if (re == NULL)
			sandbox_exhausted(L);
		vr->restored = re;
		vr->cap_restored = cap;
	}
	re = &vr->restored[vr->n_restored++];
	*re = (struct restored){.upvalue = upvalue};
	lua_pushvalue(L, -1);
	re->value = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_pushvalue(L, function);
	re->function = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* The function on top: its outer locals are remembered, tables among them made read-only, its functions secured too. */
static void
secure_function(lua_State *L, struct vm_rule *vr, int visited, unsigned depth)
{
	int function = lua_gettop(L);
	const char *name;

	for (int i = 1; (name = lua_getupvalue(L, function, i)) != NULL; i++) {
		bool environment = strcmp(name, "_ENV") == 0;

		if (!environment)
			secure_value(L, vr, visited, depth);
		if (lua_type(L, -1) == LUA_TTABLE) {
			sandbox_freeze(L);
			lua_pushvalue(L, -1);
			(void)lua_setupvalue(L, function, i);
		}
		/* Only a file that spells _ENV can assign it. */
		if (!environment || memmem(vr->text.p, vr->text.n, "_ENV", 4) != NULL)
			remember(L, vr, function, i);
		lua_settop(L, function);
	}
}

static void
secure_value(lua_State *L, struct vm_rule *vr, int visited, unsigned depth)
{
	int value = lua_gettop(L), type = lua_type(L, value);

	if (depth > LIMIT_RULE_DEPTH)
		(void)luaL_error(L, "outer locals nested more than %d deep", LIMIT_RULE_DEPTH);
	luaL_checkstack(L, 10, NULL);
	if (type != LUA_TFUNCTION && type != LUA_TTABLE)
		return;
	lua_pushvalue(L, value);
	if (lua_rawget(L, visited) != LUA_TNIL) {
		lua_settop(L, value);
		return;
	}
	lua_pop(L, 1);
	lua_pushvalue(L, value);
	lua_pushboolean(L, 1);
	lua_rawset(L, visited);
	if (type == LUA_TTABLE) {
		lua_pushnil(L);
		while (lua_next(L, value) != 0) {
			secure_value(L, vr, visited, depth + 1);
			lua_settop(L, value + 1);
		}
	} else if (!lua_iscfunction(L, value))
		secure_function(L, vr, visited, depth + 1);
	else if (lua_getupvalue(L, value, 3) != NULL)
		(void)luaL_error(L, "an iterator of pairs may not be kept outside a function");
	lua_settop(L, value);
}

int
vm_build_rule(lua_State *L)
{
	struct vm_rule *vr = lua_touserdata(L, 1);
	int visited;

	lua_newtable(L);
	visited = lua_gettop(L);
	sandbox_load_text(L, vr->text);
	lua_call(L, 0, 1);
	luaL_checktype(L, -1, LUA_TTABLE);
	(void)lua_getfield(L, -1, "evaluate");
	luaL_checktype(L, -1, LUA_TFUNCTION);
	secure_value(L, vr, visited, 0);
	vr->evaluate = luaL_ref(L, LUA_REGISTRYINDEX);
	push_event(L, vr->ru);
	vr->e = luaL_ref(L, LUA_REGISTRYINDEX);
	push_features(L, vr->ru);
	vr->f = luaL_ref(L, LUA_REGISTRYINDEX);
	push_params(L, vr->ru);
	vr->p = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

int
vm_build_shared(lua_State *L)
{
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, read_item);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_write);
	lua_setfield(L, -2, "__newindex");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &item_meta_key);
	return 0;
}
