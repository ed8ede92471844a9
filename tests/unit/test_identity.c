#include "engine/identity/identifier.h"
#include "engine/identity/person.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *id, *why;
} rows[] = {
    {"nid:0084575948", NULL},
    {"nid:0499370899", NULL},
    {"nid:0084575949", "has a wrong check digit"},
    {"nid:0000000000", "has a wrong check digit"},
    {"nid:84575948", "is not nid: and 10 digits"},
    {"nid:00845759480", "is not nid: and 10 digits"},
    {"nid:008457594x", "is not nid: and 10 digits"},
    {"nid: 084575948", "is not nid: and 10 digits"},
    {"nid:", "is not nid: and 10 digits"},
    {"foreign:123456789012", NULL},
    {"foreign:12345678901", "is not foreign: and 12 digits"},
    {"legal:10380284790", NULL},
    {"legal:10380284792", "has a wrong check digit"},
    {"legal:1038028479", "is not legal: and 11 digits"},
    {"passport:AFG/O1234567", NULL},
    {"passport:AFG/1", NULL},
    {"passport:AFG/", "is not passport: and STATE/NUMBER in capital letters and digits"},
    {"passport:AF/O1234567", "is not passport: and STATE/NUMBER in capital letters and digits"},
    {"passport:afg/O1234567", "is not passport: and STATE/NUMBER in capital letters and digits"},
    {"passport:A1G/O1234567", "is not passport: and STATE/NUMBER in capital letters and digits"},
    {"passport:AFG/O-1234567", "is not passport: and STATE/NUMBER in capital letters and digits"},
    {"passport:AFG/ABCDEFGHIJKLMNOPQRSTUVWXYZ01234567", "is not passport: and STATE/NUMBER in capital letters and digits"},
    {"x-name:JOHN O'BRIEN", NULL},
    {"x-official:j17", NULL},
    {"x-a:b:c/d", NULL},
    {"x-name:", "has no value behind its scheme"},
    {"x-:1", "has a malformed x- scheme (lower-case letters, digits, '-')"},
    {"x-Name:1", "has a malformed x- scheme (lower-case letters, digits, '-')"},
    {"x-name:a\x01", "holds a control character"},
    {"x-name:a\nb", "holds a control character"},
    {"NID:0084575948", "has an unknown scheme (nid, foreign, passport, legal, x-...)"},
    {"ssn:1", "has an unknown scheme (nid, foreign, passport, legal, x-...)"},
    {":1", "has an unknown scheme (nid, foreign, passport, legal, x-...)"},
    {"0084575948", "is not scheme:value (nid:, foreign:, passport:, legal: or x-NAME:)"},
    {"", "is not scheme:value (nid:, foreign:, passport:, legal: or x-NAME:)"},
};

static void
an_identifier_is_accepted_or_refused_with_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *why = identifier_check(slice_str(rows[i].id));

		if ((why == NULL) != (rows[i].why == NULL) || (why != NULL && strcmp(why, rows[i].why) != 0))
			fail_msg("%s: %s", rows[i].id, why == NULL ? "accepted" : why);
	}
}

static FILE *
shared(const char *path)
{
	const char *root = getenv("DIDEBAN_SHARED");
	char name[1024];

	(void)snprintf(name, sizeof name, "%s/%s", root != NULL ? root : SOURCE_DIR "/../shared", path);
	return fopen(name, "r");
}

/* True if the first three digits belong to a registry office. */
static bool
place_is_known(const char *digits)
{
	FILE *f = shared("data/persian/national_id_place_codes.tsv");
	char line[512], three[4] = {digits[0], digits[1], digits[2], '\0'};
	bool known = false;

	assert_non_null(f);
	while (!known && fgets(line, sizeof line, f) != NULL) {
		char *end = strchr(line, '\t');

		if (end == NULL)
			continue;
		*end = '\0';
		known = strstr(line, three) != NULL;
	}
	(void)fclose(f);
	return known;
}

/* Vectors of another project (persian-tools). Where they differ from ours, it must be for a reason of ours: they pad short
 * numbers; they refuse unknown places and equal digits, which we only warn of. */
static void
published_vectors_of_national_and_legal_ids_agree(void **state)
{
	FILE *f = shared("data/persian/national_id_vectors.tsv");
	char line[512];
	int n = 0, right = 0;

	(void)state;
	if (f == NULL) {
		print_message("shared/data/persian is absent: skipped\n");
		skip();
	}
	assert_non_null(fgets(line, sizeof line, f));
	while (fgets(line, sizeof line, f) != NULL) {
		char *value = strchr(line, '\t'), *valid = value == NULL ? NULL : strchr(value + 1, '\t');
		struct slice digits;
		bool ours, theirs;

		assert_non_null(valid);
		*value++ = '\0';
		*valid++ = '\0';
		digits = slice_str(value);
		if (strcmp(line, "national") != 0 && strcmp(line, "legal") != 0)
			continue; /* these test the place only */
		theirs = strncmp(valid, "true", 4) == 0;
		ours = strcmp(line, "legal") == 0 ? legal_id_valid(digits) : national_id_valid(digits);
		n++;
		right += ours == theirs;
		if (ours && !theirs)
			assert_true(national_id_suspicious(digits) || !place_is_known(value));
		if (!ours && theirs)
			assert_true(digits.n < 10);
	}
	(void)fclose(f);
	assert_int_equal(n, 31);
	assert_true(right >= 26);
}

/* The design counts on it: a check digit lets about 1.6 % of single typos pass. */
static void
nearly_every_single_typo_breaks_the_check_digit(void **state)
{
	uint64_t x = 2463534242;
	int passed = 0, total = 0;

	(void)state;
	while (total < 100000) {
		char digits[11];
		unsigned sum = 0, at, by;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		(void)snprintf(digits, sizeof digits, "%09u0", (unsigned)(x % 999999999));
		for (unsigned i = 0; i < 9; i++)
			sum += (unsigned)(digits[i] - '0') * (10 - i);
		sum %= 11;
		digits[9] = (char)('0' + (sum < 2 ? sum : 11 - sum));
		if (memcmp(digits, "000000000", 9) == 0)
			continue;
		assert_true(national_id_valid(slice_str(digits)));
		at = (unsigned)(x >> 40) % 10;
		by = 1 + (unsigned)(x >> 50) % 9;
		digits[at] = (char)('0' + ((unsigned)(digits[at] - '0') + by) % 10);
		passed += national_id_valid(slice_str(digits));
		total++;
	}
	assert_true(passed < 2000);
}

static void
person_members_are_checked_by_their_shape(void **state)
{
	static const struct {
		enum person_shape shape;
		const char *text;
		bool good;
	} v[] = {
	    {PERSON_IDENTIFIER, "nid:0084575948", true},
	    {PERSON_IDENTIFIER, "nid:1", false},
	    {PERSON_NAME, "محمد", true},
	    {PERSON_NAME, "", true},
	    {PERSON_BIRTH, "1982-07-03", true},
	    {PERSON_BIRTH, "1982-07", true},
	    {PERSON_BIRTH, "1982", true},
	    {PERSON_BIRTH, "1982-02-30", false},
	    {PERSON_BIRTH, "1982-13", false},
	    {PERSON_BIRTH, "198", false},
	    {PERSON_BIRTH, "82-07-03", false},
	    {PERSON_BIRTH, "", false},
	    {PERSON_SEX, "male", true},
	    {PERSON_SEX, "unknown", true},
	    {PERSON_SEX, "Male", false},
	    {PERSON_SEX, "", false},
	};
	char longer[PERSON_NAME_BYTES + 2];

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		if ((person_check(v[i].shape, slice_str(v[i].text)) == NULL) != v[i].good)
			fail_msg("%s", v[i].text);
	memset(longer, 'a', sizeof longer);
	assert_null(person_check(PERSON_NAME, slice_of(longer, PERSON_NAME_BYTES)));
	assert_non_null(person_check(PERSON_NAME, slice_of(longer, PERSON_NAME_BYTES + 1)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_identifier_is_accepted_or_refused_with_its_reason),
	    cmocka_unit_test(published_vectors_of_national_and_legal_ids_agree),
	    cmocka_unit_test(nearly_every_single_typo_breaks_the_check_digit),
	    cmocka_unit_test(person_members_are_checked_by_their_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
