/* The people of the synthetic province: person number k, always the same. */
#ifndef DIDEBAN_TOOLS_WORLD_PEOPLE_H
#define DIDEBAN_TOOLS_WORLD_PEOPLE_H

#include "state/base/buf.h"

/* "nid:" and ten digits, the last being the check digit. */
#define PERSON_ID_BYTES 16
void person_id(uint64_t seed, uint64_t k, char ret[PERSON_ID_BYTES]);
/* A person reference as JSON; persian: the digits of the identifier are written in Persian, as some clerks do. */
void person_json(struct buf *b, uint64_t seed, uint64_t k, bool persian);

#endif
