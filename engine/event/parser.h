/* The parser's inside, shared by event.c (fields), envelope.c and content.c. */
#ifndef DIDEBAN_ENGINE_EVENT_PARSER_H
#define DIDEBAN_ENGINE_EVENT_PARSER_H

#include "engine/event/event.h"
#include "engine/event/json_tree.h"
#include "engine/event/schema.h"

enum envelope_name {
	ENVELOPE_DATA,
	ENVELOPE_DATACONTENTTYPE,
	ENVELOPE_DATASCHEMA,
	ENVELOPE_ID,
	ENVELOPE_SOURCE,
	ENVELOPE_SPECVERSION,
	ENVELOPE_SUBJECT,
	ENVELOPE_TIME,
	ENVELOPE_TRACEPARENT,
	ENVELOPE_TYPE,
	ENVELOPE_COUNT
};

/* Where the walk is, for the text of a fault: a list on the stack, innermost first. */
struct step {
	const struct step *up;
	struct slice name; /* p NULL: element `index` */
	size_t index;
};

struct found_ref {
	unsigned role;
	struct slice key;
};

/* The values of one object's members, by property: words of the JSON tree; valid where the bit of `seen` is set. */
struct members {
	uint64_t seen;
	uint32_t at[LIMIT_PROPERTIES];
};

struct event_parser {
	const struct contracts *contracts;
	uint64_t seed;
	struct json_tree tree;
	/* The canonical bytes of the content, which are hashed:
	 *   type 0 | i64 seconds, u32 nanoseconds | object
	 *   object   u8 members, then for each in order of name: u64 hash of the name, value
	 *   array    u32 elements, then each        string  u32 length, bytes, digits folded
	 *   integer  i64                            boolean u8
	 * At its full size from the start: slices into it stay where they are. */
	struct buf canon;
	struct buf kept;             /* scratch of the kept blob's values */
	uint8_t *guess;              /* [object][property before + 1]: the property that came next last time */
	const struct contract *last; /* of the event before: the next is likely of the same type */
	struct value keep[LIMIT_KEPT];
	struct slice captured[LIMIT_CAPTURES];
	struct found_ref found[LIMIT_REFS];
	unsigned n_found;
	uint32_t nameless; /* roles whose reference came without an identifier */
	uint32_t envelope[ENVELOPE_COUNT];
	unsigned envelope_seen;
	uint8_t envelope_guess[ENVELOPE_COUNT + 1];
	/* The first fault. */
	enum event_fault fault;
	const struct contract *contract;
	struct arena *arena;
	struct slice detail;
};

extern const struct step step_data; /* the data object itself: every path starts there */
/* Sets the fault and its text "PATH: ..."; step NULL: no path. Returns -1. */
int parser_fail(struct event_parser *pa, enum event_fault fault, const struct step *step, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* A key or type from outside, cut and cleaned for a message. */
struct printable {
	char text[72];
};
struct printable printable(struct slice s);
/* Reads `raw` into the tree and finds the envelope's members; 0 or -1 with the fault. */
int parser_read(struct event_parser *pa, struct slice raw);
/* Checks the envelope, fills source, id, time and contract. */
int parser_envelope(struct event_parser *pa, struct event *ev);
/* Finds the members of the object at `at`: unknown, duplicate and missing ones are faults. */
int parser_members(struct event_parser *pa, const struct schema *ob, uint32_t at, const struct step *step, struct members *ret);
/* Writes src with Persian and Arabic-Indic digits folded to ASCII to dst; returns the length. dst has FOLD_SLACK bytes of room
 * beyond src.n, and as many bytes may be read behind src (the tree's strings have them). */
#define FOLD_SLACK 8
size_t fold_digits(char *dst, struct slice src);
/* An integer, also written as 1.0 or 1e3; false if it is none or does not fit 64 bits. */
bool parser_integer(const struct json_tree *jt, uint32_t at, int64_t *ret);
/* What the format says of a folded string; fills *v for a kept field. NULL, or what is wrong. */
const char *parser_format(const struct schema *sc, struct slice s, struct value *v);

/* Joined keys such as PROVINCE:FIELD; a missing part means no reference. */
int record_join(struct event_parser *pa, const struct contract *co);
/* In order of the roles, each (role, subject) once. */
int record_refs(struct event_parser *pa, const struct contract *co, struct event *ev);
int record_kept(struct event_parser *pa, const struct layout *la, struct event *ev);
int record_target(struct event_parser *pa, const struct contract *co, struct event *ev);

#endif
