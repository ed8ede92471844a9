/* The registrar: the index of identities (source, id). It says whether an event is new, a duplicate or a conflict, and which
 * entries stand: an identity's standing content is the one with the smallest SHA-256, and it is out while a standing retraction
 * names it. Neither depends on the order of arrival. One thread.
 *
 * In memory are the identities touched since the last checkpoint; the filter says whether the store may know another one. */
#ifndef DIDEBAN_ENGINE_FLOW_REGISTRAR_H
#define DIDEBAN_ENGINE_FLOW_REGISTRAR_H

#include "engine/flow/batch.h"
#include "engine/flow/filter.h"
#include "engine/flow/names.h"
#include "engine/flow/quarantine.h"

struct registrar;

/* An event in its place. */
struct registered {
	const struct event *ev;
	uint32_t source, stream; /* names */
	uint64_t number;
	bool contested;
};

struct registrar_env {
	struct store *store;
	struct names *names;
	struct changes *changes;
	struct filter *filter;
	struct quarantine *quarantine;
	uint64_t *quarantine_next;
	struct node_stats *stats;
	const bool *loading; /* false: the store holds nothing yet */
	void *ctx;
	/* The raw bytes of an accepted event, from the journal. */
	int (*read)(void *ctx, uint64_t at, void *ret, size_t n, struct err *err);
	/* A parser for the contracts of a rule set, by its number. */
	int (*parser)(void *ctx, uint32_t rule_set, struct event_parser **ret, struct err *err);
	/* An event's entries come onto the timelines, or go. */
	int (*emit)(void *ctx, const struct registered *re, bool remove, struct err *err);
};

int registrar_new(struct registrar **ret, const struct registrar_env *env, struct err *err);
void registrar_free(struct registrar *rg);

/* A hint that an event is taken soon. */
void registrar_expect(const struct registrar *rg, const struct event *ev);
/* Takes one event whose raw bytes stand at `at` in the journal. `arena`: of the batch, for events that are read again. */
int registrar_take(struct registrar *rg, const struct batch_item *it, uint64_t at, uint32_t stream, uint32_t rule_set, struct instant now,
    struct arena *arena, struct err *err);
/* Puts the touched identities into the change set and forgets them. */
int registrar_save(struct registrar *rg, struct err *err);
size_t registrar_bytes(const struct registrar *rg);
/* Where the raw bytes of the standing content are. 1 known, 0 not, -1 error. */
int registrar_find(struct registrar *rg, struct slice source, struct slice id, uint64_t *ret_at, uint32_t *ret_len, struct err *err);
/* Each standing event of which a person reference has no identifier, as the store holds them; `arena` is reset for each. */
int registrar_each_nameless(
    struct registrar *rg, struct arena *arena, int (*fn)(void *ctx, const struct event *ev, struct err *err), void *ctx, struct err *err);

#endif
