#include "engine/rule/vm_state.h"

#include "state/base/utf8.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int
build(struct rule_vm *vm, const struct rule *const *rules, const struct slice *texts, size_t n, struct err *err)
{
	lua_State *L = vm->sb->L;
	enum sandbox_fault fault;

	vm->sb->owner = vm;
	lua_pushcfunction(L, vm_build_shared);
	if (sandbox_call(vm->sb, &sandbox_budget_load, 0, 0) != SANDBOX_OK)
		return err_set(err, ERR_NOMEM, "building the rule sandbox: %s", vm->sb->message);
	for (size_t i = 0; i < n; i++) {
		vm->v[i].ru = rules[i];
		vm->v[i].text = texts[i];
		vm->n++;
		lua_pushcfunction(L, vm_build_rule);
		lua_pushlightuserdata(L, &vm->v[i]);
		fault = sandbox_call(vm->sb, &sandbox_budget_load, 1, 0);
		if (fault != SANDBOX_OK && fault != SANDBOX_EXHAUSTED)
			return err_set(err, ERR_CHECKED, "%s: line %u: %s", rules[i]->file, vm->sb->line, vm->sb->message);
		if (fault != SANDBOX_OK)
			return err_nomem(err);
		vm->v[i].longest = vm->sb->longest;
		if (sandbox_rest(vm->sb) != 0)
			return err_nomem(err);
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
	vm->memo = memo_new(n);
	vm->sb = vm->v == NULL || vm->memo == NULL ? NULL : sandbox_new(err);
	if (vm->sb == NULL || build(vm, rules, texts, n, err) != 0) {
		if (vm->v == NULL || vm->memo == NULL)
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
	memo_free(vm->memo);
	sandbox_free(vm->sb);
	for (size_t i = 0; vm->v != NULL && i < vm->n; i++)
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
	utf8_clean(vm->message); /* names and texts in it are the rule's */
	*ret = (struct rule_result){.class = OUTCOME_ERROR, .outcome = -1, .error = vm->message};
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
		return utf8_valid(ret->s) ? NULL : "is not UTF-8";
	default:
		return "must be a string, a number or a boolean";
	}
}

/* NULL, or why the pair of key and value at the top of the stack is no value of an outcome; *ret filled as far as it goes. */
static const char *
take_pair(lua_State *L, struct rule_value *ret)
{
	ret->name.p = lua_tolstring(L, -2, &ret->name.n);
	return ret->name.n > 64 || !utf8_valid(ret->name) ? "has a bad name" : take_value(L, &ret->value);
}

/* The table of values at index 2. Nothing here allocates or raises: keys are strings already, lua_next gets its own keys.
 * It goes through them in an order that differs from run to run: of several mistakes, the same one must be told. */
static int
take_values(struct rule_vm *vm, struct rule_result *ret)
{
	lua_State *L = vm->sb->L;
	struct slice bad = {NULL, 0};
	const char *why = NULL;
	unsigned n = 0;
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
		wrong = take_pair(L, &rv);
		lua_pop(L, 1);
		n++;
		if (wrong != NULL && (why == NULL || slice_cmp(rv.name, bad) < 0)) {
			bad = rv.name;
			why = wrong;
		}
		if (wrong != NULL || ret->n_values == LIMIT_RULE_VALUES)
			continue;
		for (i = ret->n_values++; i > 0 && slice_cmp(rv.name, ret->values[i - 1].name) < 0; i--)
			ret->values[i] = ret->values[i - 1];
		ret->values[i] = rv;
	}
	if (why == NULL && n <= LIMIT_RULE_VALUES)
		return 0;
	if (n > LIMIT_RULE_VALUES)
		(void)snprintf(text, sizeof text, "too many values: %u, at most %d", n, LIMIT_RULE_VALUES);
	else
		(void)snprintf(text, sizeof text, "value %.*s %s", bad.n > 64 ? 64 : (int)bad.n, bad.p, why);
	fail(vm, ret, 0, text);
	return -1;
}

/* The results at indexes 1 and 2; they stay on the stack until the next call, which keeps their strings alive. */
static void
take_result(struct rule_vm *vm, const struct rule *ru, struct rule_result *ret)
{
	lua_State *L = vm->sb->L;
	struct slice code;
	char text[256];

	if (lua_type(L, 1) != LUA_TSTRING) {
		(void)snprintf(
		    text, sizeof text, "evaluate returned %s %s instead of an outcome", lua_type(L, 1) == LUA_TNIL ? "" : "a", luaL_typename(L, 1));
		fail(vm, ret, 0, text);
		return;
	}
	code.p = lua_tolstring(L, 1, &code.n);
	ret->outcome = rule_outcome_index(ru, code);
	if (ret->outcome < 0) {
		(void)snprintf(
		    text, sizeof text, "evaluate returned \"%.*s\", which is not among outcomes", code.n > 100 ? 100 : (int)code.n, code.p);
		fail(vm, ret, 0, text);
		return;
	}
	ret->class = ru->outcomes[ret->outcome].class;
	(void)take_values(vm, ret);
}

/* Once more in a state that nothing else has touched, so that the memory budget falls at the same place after any history. */
static int
eval_fresh(struct rule_vm *vm, const struct vm_rule *vr, const struct rule_input *in, struct rule_result *ret)
{
	struct err err = {0};

	if (rule_vm_new(&vm->fresh, &vr->ru, &vr->text, 1, &err) != 0) {
		if (err.code == ERR_NOMEM)
			return -1;
		fail(vm, ret, 0, err.text);
		return 0;
	}
	vm->fresh->alone = true;
	return rule_vm_eval(vm->fresh, 0, in, ret);
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

int
rule_vm_eval(struct rule_vm *vm, size_t rule, const struct rule_input *in, struct rule_result *ret)
{
	const struct vm_rule *vr = &vm->v[rule];
	lua_State *L = vm->sb->L;
	enum sandbox_fault fault;

	if (vm->fresh != NULL) {
		rule_vm_free(vm->fresh);
		vm->fresh = NULL;
	}
	if (!has_needed(vm, vr->ru, in, ret) || memo_find(vm->memo, rule, in, ret))
		return 0;
	if (!vm->alone) /* it has but one call */
		memo_begin(vm->memo, rule);
	ret->outcome = -1;
	ret->error = NULL;
	ret->n_values = 0;
	lua_settop(L, 0);
	if (sandbox_rest(vm->sb) != 0)
		return -1;
	restore_locals(L, vr);
	vm->in = in;
	vm->sb->held = vr->longest;
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->evaluate);
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->e);
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->f);
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, vr->p);
	fault = sandbox_call(vm->sb, &sandbox_budget_eval, 3, 2);
	vm->in = NULL;
	if (fault == SANDBOX_EXHAUSTED)
		return -1;
	if (!vm->alone && !sandbox_light(vm->sb))
		return eval_fresh(vm, vr, in, ret);
	if (fault != SANDBOX_OK)
		fail(vm, ret, vm->sb->line, vm->sb->message);
	else
		take_result(vm, vr->ru, ret);
	memo_keep(vm->memo, rule, ret);
	return 0;
}
