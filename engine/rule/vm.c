#include "engine/rule/vm.h"

#include "engine/rule/sandbox.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* An outer local of the rule's functions, put back before each call: a rule has no memory of its own. */
struct restored {
	int function, value; /* references in the registry */
	int upvalue;
};

struct vm_rule {
	const struct rule *ru;
	struct slice text;
	int evaluate, e, f, p; /* references in the registry */
	size_t n_restored, cap_restored;
	struct restored *restored;
};

struct rule_vm {
	struct sandbox *sb;
	size_t n;
	struct vm_rule *v;
	const struct rule_input *in; /* of the running call */
	char message[1100];
	bool alone;            /* a fresh state for one call: its budget's verdict is final */
	struct rule_vm *fresh; /* the one behind the last result, if it needed one */
};

enum { FIELD_TYPE = -1, FIELD_SOURCE = -2, FIELD_ID = -3, FIELD_TIME = -4 };
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
read_event(lua_State *L)
{
	const struct rule_input *in = input_of(L);
	struct value v;
	lua_Integer i;

	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
		return luaL_error(L, "e.%s is not declared: add it to need or want", key_text(L));
	i = lua_tointeger(L, -1);
	switch (i) {
	case FIELD_TYPE:
		lua_pushlstring(L, in->type.p, in->type.n);
		return 1;
	case FIELD_SOURCE:
		lua_pushlstring(L, in->source.p, in->source.n);
		return 1;
	case FIELD_ID:
		lua_pushlstring(L, in->id.p, in->id.n);
		return 1;
	case FIELD_TIME:
		lua_pushinteger(L, in->time.sec);
		return 1;
	default:
		v = in->field(in->ctx, (unsigned)i);
		push_value(L, &v);
		return 1;
	}
}

static int
read_feature(lua_State *L)
{
	const struct rule_input *in = input_of(L);
	struct value v;
	lua_Integer attr;

	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER)
		return luaL_error(L, "a feature of this op has no attribute %s (mine, total, groups, share, rank, mean need `by`)", key_text(L));
	attr = lua_tointeger(L, -1);
	if (attr == ATTR_ITEMS) {
		lua_pushvalue(L, lua_upvalueindex(3));
		return 1;
	}
	v = in->feature(in->ctx, (unsigned)lua_tointeger(L, lua_upvalueindex(2)), (enum feature_attr)attr);
	push_value(L, &v);
	return 1;
}

static unsigned
count_items(lua_State *L, unsigned feature)
{
	const struct rule_input *in = input_of(L);
	unsigned n = in->items(in->ctx, feature);

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
	} envelope[] = {{"type", FIELD_TYPE}, {"source", FIELD_SOURCE}, {"id", FIELD_ID}, {"time", FIELD_TIME}};

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

		re = cap > LIMIT_RULE_KEYS ? NULL : realloc(vr->restored, cap * sizeof *re);
		if (re == NULL)
			(void)luaL_error(L, "out of memory, or too many outer locals");
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

static int
build_rule(lua_State *L)
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

static int
build_shared(lua_State *L)
{
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, read_item);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_write);
	lua_setfield(L, -2, "__newindex");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &item_meta_key);
	return 0;
}

static int
build(struct rule_vm *vm, const struct rule *const *rules, const struct slice *texts, size_t n, struct err *err)
{
	lua_State *L = vm->sb->L;

	vm->sb->owner = vm;
	lua_pushcfunction(L, build_shared);
	if (sandbox_call(vm->sb, &sandbox_budget_load, 0, 0) != SANDBOX_OK)
		return err_set(err, ERR_NOMEM, "building the rule sandbox: %s", vm->sb->message);
	for (size_t i = 0; i < n; i++) {
		vm->v[i].ru = rules[i];
		vm->v[i].text = texts[i];
		vm->n++;
		lua_pushcfunction(L, build_rule);
		lua_pushlightuserdata(L, &vm->v[i]);
		if (sandbox_call(vm->sb, &sandbox_budget_load, 1, 0) != SANDBOX_OK)
			return err_set(err, ERR_CHECKED, "%s: line %u: %s", rules[i]->file, vm->sb->line, vm->sb->message);
		sandbox_rest(vm->sb);
	}
	return 0;
}

int
rule_vm_new(struct rule_vm **ret, const struct rule *const *rules, const struct slice *texts, size_t n, struct err *err)
{
	struct rule_vm *vm = calloc(1, sizeof *vm);

	if (vm == NULL)
		return err_nomem(err);
	vm->v = calloc(n == 0 ? 1 : n, sizeof *vm->v);
	vm->sb = vm->v == NULL ? NULL : sandbox_new(err);
	if (vm->sb == NULL || build(vm, rules, texts, n, err) != 0) {
		if (vm->v == NULL)
			(void)err_nomem(err);
		rule_vm_free(vm);
		return -1;
	}
	*ret = vm;
	return 0;
}

void
rule_vm_free(struct rule_vm *vm)
{
	if (vm == NULL)
		return;
	rule_vm_free(vm->fresh);
	sandbox_free(vm->sb);
	for (size_t i = 0; i < vm->n; i++)
		free(vm->v[i].restored);
	free(vm->v);
	free(vm);
}

/* --- running ----------------------------------------------------------------------------------------------------- */

static void
fail(struct rule_vm *vm, struct rule_result *ret, unsigned line, const char *text)
{
	if (line != 0)
		(void)snprintf(vm->message, sizeof vm->message, "line %u: %s", line, text);
	else
		(void)snprintf(vm->message, sizeof vm->message, "%s", text);
	*ret = (struct rule_result){.class = OUTCOME_ERROR, .outcome = -1, .error = vm->message};
}

/* UTF-8 as RFC 3629 has it. */
static bool
is_utf8(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;

	while (p < end) {
		unsigned n = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : 9;

		if (n == 9 || (size_t)(end - p) <= n)
			return false;
		if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
			return false;
		for (p++; n > 0; n--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* NULL, or why the value at the top of the stack cannot be shown. */
static const char *
take_value(lua_State *L, struct value *ret)
{
	*ret = (struct value){0};
	switch (lua_type(L, -1)) {
	case LUA_TNUMBER:
		if (lua_isinteger(L, -1)) {
			ret->kind = VALUE_INTEGER;
			ret->i = lua_tointeger(L, -1);
			return NULL;
		}
		ret->kind = VALUE_NUMBER;
		ret->d = lua_tonumber(L, -1);
		return isfinite(ret->d) ? NULL : "is not finite";
	case LUA_TBOOLEAN:
		ret->kind = VALUE_BOOLEAN;
		ret->i = lua_toboolean(L, -1);
		return NULL;
	case LUA_TSTRING:
		ret->kind = VALUE_STRING;
		ret->s.p = lua_tolstring(L, -1, &ret->s.n);
		if (ret->s.n > LIMIT_VALUE_BYTES)
			return "is too long";
		return is_utf8(ret->s) ? NULL : "is not UTF-8";
	default:
		return "must be a string, a number or a boolean";
	}
}

/* The table of values at index 2. Nothing here allocates or raises: keys are strings already, lua_next gets its own keys. */
static int
take_values(struct rule_vm *vm, struct rule_result *ret)
{
	lua_State *L = vm->sb->L;
	char text[256];

	if (lua_type(L, 2) == LUA_TNIL)
		return 0;
	if (lua_type(L, 2) != LUA_TTABLE) {
		fail(vm, ret, 0, "the second result of evaluate must be a table of values");
		return -1;
	}
	lua_pushnil(L);
	while (lua_next(L, 2) != 0) {
		struct rule_value rv;
		const char *wrong;
		unsigned i;

		if (lua_type(L, -2) != LUA_TSTRING) {
			fail(vm, ret, 0, "values are named: { n = n }");
			return -1;
		}
		rv.name.p = lua_tolstring(L, -2, &rv.name.n);
		wrong = rv.name.n > 64 || !is_utf8(rv.name) ? "has a bad name" : take_value(L, &rv.value);
		if (wrong == NULL && ret->n_values == LIMIT_RULE_VALUES)
			wrong = "is one value too many";
		if (wrong != NULL) {
			(void)snprintf(text, sizeof text, "value %.*s %s", rv.name.n > 64 ? 64 : (int)rv.name.n, rv.name.p, wrong);
			fail(vm, ret, 0, text);
			return -1;
		}
		for (i = ret->n_values++; i > 0 && slice_cmp(rv.name, ret->values[i - 1].name) < 0; i--)
			ret->values[i] = ret->values[i - 1];
		ret->values[i] = rv;
		lua_pop(L, 1);
	}
	return 0;
}

/* The results at indexes 1 and 2; they stay on the stack until the next call, which keeps their strings alive. */
static void
take_result(struct rule_vm *vm, const struct rule *ru, struct rule_result *ret)
{
	lua_State *L = vm->sb->L;
	struct slice code;
	char text[256];

	if (lua_type(L, 1) != LUA_TSTRING) {
		(void)snprintf(text, sizeof text, "evaluate returned %s %s instead of an outcome", lua_type(L, 1) == LUA_TNIL ? "" : "a", luaL_typename(L, 1));
		fail(vm, ret, 0, text);
		return;
	}
	code.p = lua_tolstring(L, 1, &code.n);
	ret->outcome = rule_outcome_index(ru, code);
	if (ret->outcome < 0) {
		(void)snprintf(text, sizeof text, "evaluate returned \"%.*s\", which is not among outcomes", code.n > 100 ? 100 : (int)code.n, code.p);
		fail(vm, ret, 0, text);
		return;
	}
	ret->class = ru->outcomes[ret->outcome].class;
	(void)take_values(vm, ret);
}

/* Once more in a state that nothing else has touched, so that the memory budget falls at the same place after any history. */
static void
eval_fresh(struct rule_vm *vm, const struct vm_rule *vr, const struct rule_input *in, struct rule_result *ret)
{
	struct err err = {0};

	if (rule_vm_new(&vm->fresh, &vr->ru, &vr->text, 1, &err) != 0) {
		fail(vm, ret, 0, err.text);
		return;
	}
	vm->fresh->alone = true;
	rule_vm_eval(vm->fresh, 0, in, ret);
}

static bool
has_needed(struct rule_vm *vm, const struct rule *ru, const struct rule_input *in, struct rule_result *ret)
{
	for (unsigned i = 0; i < ru->n_need; i++)
		if (in->field(in->ctx, i).kind == VALUE_NONE) {
			(void)snprintf(vm->message, sizeof vm->message, "%s is missing", ru->fields[i]);
			ret->class = OUTCOME_UNKNOWN;
			ret->outcome = -1;
			ret->error = vm->message;
			ret->n_values = 0;
			return false;
		}
	return true;
}

static void
restore_locals(lua_State *L, const struct vm_rule *vr)
{
	for (size_t i = 0; i < vr->n_restored; i++) {
		(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->restored[i].function);
		(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->restored[i].value);
		(void)lua_setupvalue(L, -2, vr->restored[i].upvalue);
		lua_pop(L, 1);
	}
}

void
rule_vm_eval(struct rule_vm *vm, size_t rule, const struct rule_input *in, struct rule_result *ret)
{
	const struct vm_rule *vr = &vm->v[rule];
	lua_State *L = vm->sb->L;
	enum sandbox_fault fault;

	if (vm->fresh != NULL) {
		rule_vm_free(vm->fresh);
		vm->fresh = NULL;
	}
	if (!has_needed(vm, vr->ru, in, ret))
		return;
	ret->outcome = -1;
	ret->error = NULL;
	ret->n_values = 0;
	lua_settop(L, 0);
	sandbox_rest(vm->sb);
	restore_locals(L, vr);
	vm->in = in;
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->evaluate);
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->e);
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->f);
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->p);
	fault = sandbox_call(vm->sb, &sandbox_budget_eval, 3, 2);
	vm->in = NULL;
	if (!vm->alone && !sandbox_light(vm->sb))
		eval_fresh(vm, vr, in, ret);
	else if (fault != SANDBOX_OK)
		fail(vm, ret, vm->sb->line, vm->sb->message);
	else
		take_result(vm, vr->ru, ret);
}
