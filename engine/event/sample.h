/* Sample events made from a contract: what a rule's tests, the documentation and the generator start from. Required fields
 * that the caller does not give are filled; the result is what event_parse accepts, if what was given is right. */
#ifndef DIDEBAN_ENGINE_EVENT_SAMPLE_H
#define DIDEBAN_ENGINE_EVENT_SAMPLE_H

#include "engine/event/contract.h"

/* A top-level field of `data`. A STRING for a person reference is its identifier, in scheme "x-test" if it names none; an
 * INTEGER for a date-time counts days from `day_zero`; for anything else json or the value stands as it is. */
struct sample_field {
	struct slice name;
	struct value value; /* NONE: json counts */
	struct slice json;
};

struct sample_event {
	struct slice id, source;
	struct instant time, day_zero;
	/* Whom the event is about: the key of this role. An empty role: nobody in particular. A person's key without a scheme
	 * gets "x-test:"; a joined key (pool) is PART:PART. An empty subject leaves a joined role to the sample values. */
	struct slice role, subject;
	size_t n_fields, n_without;
	const struct sample_field *fields;
	const struct slice *without;           /* fields to leave out, required or not */
	struct slice target_source, target_id; /* of a retraction */
};

/* Appends the CloudEvent as one line of JSON. Fields that the contract does not have are appended too: event_parse says so. */
int sample_event_json(const struct contract *co, const struct sample_event *se, struct buf *ret, struct err *err);
/* The contract whose effect is retraction, or NULL. */
const struct contract *contracts_retraction(const struct contracts *cs);
/* The key that a subject text stands for in a person role: "s1" -> "x-test:s1", "nid:..." as it is. */
void sample_person_id(struct buf *ret, struct slice text);

#endif
