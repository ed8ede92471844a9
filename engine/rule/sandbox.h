/* A Lua state for untrusted rule files: own allocator, budgets per call, an allow-list of pure functions. Internal to
 * engine/rule: the few files that include this are the only ones that know lua.h.
 *
 * Rules of the house for every function that touches a state: whatever may raise runs under lua_pcall (a push outside it
 * aborts the process at the memory cap), and the stack is balanced on return.
 *
 * A call's budgets fall at the same place on every machine and after any history: instructions are counted from the call's
 * start, memory is the bytes asked for by this call (nothing is given back while it lasts: the collector is stopped), and no
 * block may exceed `block`, so that the stack, which is preallocated, never grows within a call. What history can still
 * change is bytes *not* asked for, because a short string already exists; sandbox_light says when that cannot matter.
 * C functions are invisible to the instruction hook, so each is bounded and charges its work to the same budget. So are the
 * comparisons of strings inside one instruction: `<` on two strings of zero bytes takes 8 ns a byte (2026-11), a loop of it over
 * 16 KB took 8 s within the eval budget and 155 s within that of loading. So no string is longer than LIMIT_RULE_STRING, and
 * the longer the longest one, the more each instruction counts. */
#ifndef DIDEBAN_ENGINE_RULE_SANDBOX_H
#define DIDEBAN_ENGINE_RULE_SANDBOX_H

#include "state/base/err.h"
#include "state/base/slice.h"

#include <lua.h>
#include <stdint.h>

struct sandbox_budget {
	int64_t instructions;
	size_t memory;  /* bytes asked for */
	size_t block;   /* bytes of one allocation */
	size_t weighed; /* an instruction counts once more for each so many bytes of the call's longest string */
};
extern const struct sandbox_budget sandbox_budget_eval, sandbox_budget_load;

/* EXHAUSTED: the machine has no memory left, which says nothing about the rule; MEMORY: the rule is over its budget. */
enum sandbox_fault { SANDBOX_OK = 0, SANDBOX_ERROR, SANDBOX_INSTRUCTIONS, SANDBOX_MEMORY, SANDBOX_EXHAUSTED };

struct sandbox {
	lua_State *L;
	void *owner;    /* of the callbacks; not touched here */
	size_t live;    /* bytes held */
	size_t settled; /* of them after the last collection */
	size_t held;    /* bytes of the longest string that the function to call holds already; the caller's to set */
	/* of the running call */
	bool calling;
	struct sandbox_budget budget;
	int64_t left; /* instructions */
	size_t asked;
	size_t longest; /* bytes of the longest string */
	enum sandbox_fault fault;
	unsigned line; /* where the call failed; 0 unknown */
	char message[512];
};

/* A state whose registry holds the environment of rules (sandbox_push_environment). NULL on failure. */
struct sandbox *sandbox_new(struct err *err);
void sandbox_free(struct sandbox *sb);
static inline struct sandbox *
sandbox_of(lua_State *L)
{
	return *(struct sandbox **)lua_getextraspace(L);
}

/* Collects garbage if much has gathered, and restores the stack's size. Between calls only. -1: no memory for the stack. */
int sandbox_rest(struct sandbox *sb);
/* lua_pcall under the budget: n_args and the function are on the stack. 0, or the fault with line and message filled and
 * the error value popped. */
enum sandbox_fault sandbox_call(struct sandbox *sb, const struct sandbox_budget *budget, int n_args, int n_results);
/* True if the last call stayed so far under its memory budget that strings existing beforehand cannot have decided. */
bool sandbox_light(const struct sandbox *sb);

/* The following may raise: only inside sandbox_call. */

/* The call ends in SANDBOX_EXHAUSTED: memory of the caller's own could not be had. */
void sandbox_exhausted(lua_State *L) __attribute__((noreturn));
/* Charges work done in C. Raises beyond the budget. */
void sandbox_charge(lua_State *L, size_t work);
/* Pops a table, pushes a read-only view of it. `missing`: text for an absent member ("%s is no ..."), NULL: nil. */
void sandbox_push_readonly(lua_State *L, const char *missing);
/* Pops a table; the same for it and all tables inside it. */
void sandbox_freeze(lua_State *L);
/* Pushes the environment: a read-only view of what rules may call. */
void sandbox_push_environment(lua_State *L);
/* library.c: fills the table on top of the stack with what rules may call. */
void library_open(lua_State *L);
/* Loads a text chunk with the environment as its _ENV: pushes the function, or raises. */
void sandbox_load_text(lua_State *L, struct slice text);

#endif
