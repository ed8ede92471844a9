/* Inside the VM; internal to engine/rule. */
#ifndef DIDEBAN_ENGINE_RULE_VM_STATE_H
#define DIDEBAN_ENGINE_RULE_VM_STATE_H

#include "engine/rule/memo.h"
#include "engine/rule/sandbox.h"
#include "engine/rule/vm.h"

/* An outer local of the rule's functions, put back before each call: a rule has no memory of its own. */
struct restored {
	int function, value; /* references in the registry */
	int upvalue;
};

struct vm_rule {
	const struct rule *ru;
	struct slice text;
	int evaluate, e, f, p; /* references in the registry */
	size_t longest;        /* bytes of the longest string that the file made */
	size_t n_restored, cap_restored;
	struct restored *restored;
};

struct rule_vm {
	struct sandbox *sb;
	size_t n;
	struct vm_rule *v;
	const struct rule_input *in; /* of the running call */
	struct memo *memo;
	char message[1100];
	bool alone;            /* a fresh state for one call: its budget's verdict is final */
	struct rule_vm *fresh; /* the one behind the last result, if it needed one */
};

/* Both run inside sandbox_call. */
int vm_build_shared(lua_State *L);
/* Argument: a light userdata struct vm_rule, whose references it fills. */
int vm_build_rule(lua_State *L);

#endif
