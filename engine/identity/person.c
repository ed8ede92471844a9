#include "engine/identity/person.h"

#include "engine/calendar/instant.h"
#include "engine/identity/identifier.h"

const char person_ref[] = "dideban:person";
const char person_name[] = "person";
const struct person_member person_members[PERSON_MEMBERS] = {
    {"id", PERSON_IDENTIFIER, "scheme:value; nid, foreign, passport, legal or x-NAME"},
    {"given_name", PERSON_NAME, NULL},
    {"family_name", PERSON_NAME, NULL},
    {"father_name", PERSON_NAME, NULL},
    {"birth_date", PERSON_BIRTH, "YYYY-MM-DD, or as much of it as is known"},
    {"sex", PERSON_SEX, "for identity matching only"},
    {"verified", PERSON_FLAG, "checked against the civil registry"},
};

static const char *
birth_check(struct slice text)
{
	char full[] = "0000-01-01";
	const char *why;
	int64_t days;

	if (text.n != 4 && text.n != 7 && text.n != 10)
		return "is not YYYY-MM-DD, YYYY-MM or YYYY";
	memcpy(full, text.p, text.n);
	if (date_parse(slice_of(full, 10), &days, &why) != 0)
		return "is not a date that exists (YYYY-MM-DD, YYYY-MM or YYYY)";
	return NULL;
}

static const char *
sex_check(struct slice text)
{
	static const char *const known[] = {"male", "female", "other", "unknown"};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_eq_str(text, known[i]))
			return NULL;
	return "is not one of male, female, other, unknown";
}

const char *
person_check(enum person_shape shape, struct slice text)
{
	switch (shape) {
	case PERSON_IDENTIFIER:
		return text.n > PERSON_IDENTIFIER_BYTES ? "is longer than 512 bytes" : identifier_check(text);
	case PERSON_NAME:
		return text.n > PERSON_NAME_BYTES ? "is longer than 256 bytes" : NULL;
	case PERSON_BIRTH:
		return birth_check(text);
	case PERSON_SEX:
		return sex_check(text);
	case PERSON_FLAG:
		break;
	}
	return NULL;
}
