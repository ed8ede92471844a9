/* Event contracts: one closed JSON Schema (documented subset of 2020-12) per event type, read with jansson, compiled into
 * tables that event_parse walks. Immutable after compiling; any thread may read.
 *
 * Subset: type object|array|string|integer|boolean; properties, required, additionalProperties:false (obligatory at every
 * depth), enum, const, minLength, maxLength, minimum, maximum, minItems, maxItems, format (date-time, date, decimal with
 * x-scale), $ref "dideban:person" (engine/identity), description, title, examples. At the top: $id (the event type), x-roles, x-keep, x-class,
 * x-effect ("retraction"), x-target {source, id}. A keyword outside the subset is an error with file:line:column. */
#ifndef DIDEBAN_ENGINE_EVENT_CONTRACT_H
#define DIDEBAN_ENGINE_EVENT_CONTRACT_H

#include "engine/event/layout.h"
#include "state/base/err.h"
#include "state/base/limits.h"

/* One mistake in a file, for `dideban check`: all of a file are collected in one pass. */
struct finding {
	char file[256];
	unsigned line, column; /* from 1; 0: the file as a whole */
	unsigned length;       /* of the marked text, for the caret */
	bool warning;
	char text[512]; /* what is wrong, and the cure */
};
struct findings {
	struct finding *v;
	size_t n, cap;
	size_t errors; /* of them without `warning` */
};
void findings_free(struct findings *fi);
int findings_add(struct findings *fi, const char *file, unsigned line, unsigned column, unsigned length, bool warning, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));

struct contract; /* compiled; its layout is public */
struct contracts;

/* sources: n pairs of (file name for messages, text). NULL with findings when any is wrong. */
struct source_text {
	struct slice name, text;
};
struct contracts *contracts_compile(const struct source_text *sources, size_t n, struct findings *fi, struct err *err);
void contracts_free(struct contracts *cs);
size_t contracts_count(const struct contracts *cs);
const struct contract *contracts_at(const struct contracts *cs, size_t i);            /* in order of type */
const struct contract *contracts_find(const struct contracts *cs, struct slice type); /* NULL if none */
/* The nearest known type within edit distance 3, or NULL. */
const char *contracts_suggest(const struct contracts *cs, struct slice type);

const char *contract_type(const struct contract *co);
const struct layout *contract_layout(const struct contract *co); /* owned by the contract */
/* For `dideban fields`: every field in order, with path, a type text ("string", "one of lay|informant", "person"), whether
 * required, kept, and its role or NULL. Returns how many; fills up to max. */
struct contract_field {
	const char *path, *type_text, *description, *role;
	bool required, kept;
};
size_t contract_fields(const struct contract *co, struct contract_field *ret, size_t max);
/* Retention class (x-class) or "". */
const char *contract_class(const struct contract *co);
/* Whether x-class says that the event is about persons. */
bool contract_personal(const struct contract *co);

/* Edit distance helper shared by all suggestions: the best of n names within distance 3 (and under half its length), or NULL. */
const char *suggest(struct slice word, const char *const *names, size_t n);

#endif
