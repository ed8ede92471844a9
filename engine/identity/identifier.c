#include "engine/identity/identifier.h"

#include <stdint.h>

static bool
all_digits(struct slice s, size_t n)
{
	if (s.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

bool
national_id_valid(struct slice digits)
{
	unsigned sum = 0, check;

	if (!all_digits(digits, 10))
		return false;
	for (unsigned i = 0; i < 9; i++)
		sum += (unsigned)(digits.p[i] - '0') * (10 - i);
	sum %= 11;
	check = (unsigned)(digits.p[9] - '0');
	/* A body of nothing but zeros sums to 0 and would pass. */
	return check == (sum < 2 ? sum : 11 - sum) && memcmp(digits.p, "000000000", 9) != 0;
}

bool
national_id_suspicious(struct slice digits)
{
	for (size_t i = 1; i < digits.n; i++)
		if (digits.p[i] != digits.p[0])
			return false;
	return digits.n != 0;
}

bool
legal_id_valid(struct slice digits)
{
	static const unsigned char weight[10] = {29, 27, 23, 19, 17, 29, 27, 23, 19, 17};
	unsigned sum = 0, raise, check;

	if (!all_digits(digits, 11) || memcmp(digits.p + 3, "000000", 6) == 0)
		return false;
	raise = (unsigned)(digits.p[9] - '0') + 2;
	for (unsigned i = 0; i < 10; i++)
		sum += (raise + (unsigned)(digits.p[i] - '0')) * weight[i];
	check = sum % 11;
	return (unsigned)(digits.p[10] - '0') == (check == 10 ? 0 : check);
}

static bool
passport_valid(struct slice s)
{
	if (s.n < 5 || s.n > 36 || s.p[3] != '/')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool letter = s.p[i] >= 'A' && s.p[i] <= 'Z', digit = s.p[i] >= '0' && s.p[i] <= '9';

		if (i != 3 && !letter && (i < 3 || !digit))
			return false;
	}
	return true;
}

static bool
local_scheme_valid(struct slice scheme)
{
	if (scheme.n < 3 || scheme.n > 32)
		return false;
	for (size_t i = 2; i < scheme.n; i++) {
		char c = scheme.p[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
			return false;
	}
	return true;
}

static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

const char *
identifier_check(struct slice id)
{
	const char *colon = id.n == 0 ? NULL : memchr(id.p, ':', id.n);
	struct slice scheme, value;

	if (colon == NULL)
		return "is not scheme:value (nid:, foreign:, passport:, legal: or x-NAME:)";
	scheme = slice_of(id.p, (size_t)(colon - id.p));
	value = slice_of(colon + 1, id.n - scheme.n - 1);
	if (slice_eq_str(scheme, "nid")) {
		if (!all_digits(value, 10))
			return "is not nid: and 10 digits";
		return national_id_valid(value) ? NULL : "has a wrong check digit";
	}
	if (slice_eq_str(scheme, "foreign"))
		return all_digits(value, 12) ? NULL : "is not foreign: and 12 digits";
	if (slice_eq_str(scheme, "legal")) {
		if (!all_digits(value, 11))
			return "is not legal: and 11 digits";
		return legal_id_valid(value) ? NULL : "has a wrong check digit";
	}
	if (slice_eq_str(scheme, "passport"))
		return passport_valid(value) ? NULL : "is not passport: and STATE/NUMBER in capital letters and digits";
	if (scheme.n >= 2 && scheme.p[0] == 'x' && scheme.p[1] == '-') {
		if (!local_scheme_valid(scheme))
			return "has a malformed x- scheme (lower-case letters, digits, '-')";
		if (value.n == 0)
			return "has no value behind its scheme";
		return has_control(value) ? "holds a control character" : NULL;
	}
	return "has an unknown scheme (nid, foreign, passport, legal, x-...)";
}
