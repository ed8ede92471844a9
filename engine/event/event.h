/* An event: from JSON text to a flat record, in one pass behind one function (design: parse, validate and extract together,
 * so that the JSON library can be exchanged without anybody noticing). All slices live in the arena that was given.
 * A parser is used by one thread. Cost: see docs/performance.md. */
#ifndef DIDEBAN_ENGINE_EVENT_EVENT_H
#define DIDEBAN_ENGINE_EVENT_EVENT_H

#include "engine/calendar/instant.h"
#include "engine/event/contract.h"
#include "state/base/arena.h"
#include "state/base/err.h"

/* Why an event is set aside. The names (event_fault_name) are what `dideban quarantine list` prints. */
enum event_fault {
	FAULT_NONE = 0,
	FAULT_BAD_JSON,      /* bad_json: not JSON, or not one object */
	FAULT_BAD_UTF8,      /* bad_utf8 */
	FAULT_DUPLICATE_KEY, /* duplicate_key */
	FAULT_UNKNOWN_TYPE,  /* unknown_type */
	FAULT_UNKNOWN_FIELD, /* unknown_field */
	FAULT_MISSING_FIELD, /* missing_field */
	FAULT_BAD_VALUE,     /* bad_value: wrong type, not one of, too long, bad check digit ... */
	FAULT_BAD_TIME,      /* bad_time */
	FAULT_FUTURE_TIME,   /* future_time */
	FAULT_TOO_LARGE,     /* too_large */
	FAULT_TOO_DEEP,      /* too_deep */
	FAULT_NOT_ALLOWED,   /* not_allowed: the input has no grant for this source or type */
	FAULT_CONFLICT,      /* conflict: same identity, other content */
	FAULT_LIMIT,         /* limit: a named maximum of the store is reached */
	FAULT_COUNT
};
const char *event_fault_name(enum event_fault fault);
/* FAULT_NONE if there is none of that name. */
enum event_fault event_fault_by_name(struct slice name);

struct event_ref {
	uint8_t role;         /* index in the contract's roles */
	struct slice subject; /* "kind/key", digits folded */
	uint64_t hash;        /* hash64 of it */
};

struct event {
	const struct contract *contract;
	struct slice source, id; /* bytes as they came: identity is compared bytewise */
	uint64_t hash;           /* event_identity_hash of them */
	struct instant time;
	uint64_t content_hash[2]; /* XXH3-128 of the parsed record under the parser's secret seed: equal for equal content */
	struct slice kept;        /* kept fields, encoded as engine/event/layout.h draws; same bytes for same content */
	unsigned n_refs;
	const struct event_ref *refs; /* distinct (role, subject), in order of the contract's roles */
	uint32_t nameless;            /* bit i: a person reference of role i came without an identifier: no subject follows from it */
	bool retracts;                /* the contract's x-effect is "retraction" */
	struct slice target_source, target_id;
};

/* What tables and the filter of known identities go by. */
uint64_t event_identity_hash(struct slice source, struct slice id);

struct event_parser;
/* The seed makes content hashes unforgeable; it belongs to the store and never changes there. */
struct event_parser *event_parser_new(const struct contracts *contracts, uint64_t seed);
void event_parser_free(struct event_parser *pa);

/* FAULT_NONE and *ret filled, or the fault and a text for a person in *ret_detail (arena): names the field's path, what is
 * wrong and the cure ("data.capacty: no such field in testimony.given; did you mean capacity?"). Memory exhausted:
 * FAULT_LIMIT with detail "out of memory". `raw` needs no padding and is not changed. */
enum event_fault event_parse(struct event_parser *pa, struct slice raw, struct arena *arena, struct event *ret, struct slice *ret_detail);

/* Whether a fault says that memory was exhausted: nothing about the event. */
bool event_starved(enum event_fault fault, struct slice detail);

/* SHA-256 (OpenSSL) of the content in RFC 8785 form: {"data":...,"time":"<UTC>","type":"..."}, digits folded. Only for an
 * event that event_parse accepts; costs some microseconds: used on conflicts. */
int event_content_sha256(struct event_parser *pa, struct slice raw, uint8_t ret[32], struct err *err);

#endif
