/* The person reference, the same in every contract ($ref "dideban:person"): its members and their shape. */
#ifndef DIDEBAN_ENGINE_IDENTITY_PERSON_H
#define DIDEBAN_ENGINE_IDENTITY_PERSON_H

#include "state/base/slice.h"

enum person_shape {
	PERSON_IDENTIFIER, /* engine/identity/identifier.h; names the subject */
	PERSON_NAME,       /* at most PERSON_NAME_BYTES bytes; empty is as good as missing */
	PERSON_BIRTH,      /* YYYY-MM-DD, or as much of it as is known: YYYY-MM, YYYY */
	PERSON_SEX,        /* male, female, other, unknown; never kept, never read by rules */
	PERSON_FLAG,       /* boolean */
};

#define PERSON_NAME_BYTES 256
#define PERSON_IDENTIFIER_BYTES 512

struct person_member {
	const char *name;
	enum person_shape shape;
	const char *doc;
};
extern const char person_ref[];  /* what contracts write: {"$ref": ...} */
extern const char person_name[]; /* what people read */
#define PERSON_MEMBERS 7
extern const struct person_member person_members[PERSON_MEMBERS];

/* NULL if `text` (digits folded) fits the shape, else what is wrong. Not for PERSON_FLAG. */
const char *person_check(enum person_shape shape, struct slice text);

#endif
