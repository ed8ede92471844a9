/* Single values: folding of digits, integers, formats. */
#include "engine/event/parser.h"

/* A mask of the first n < 8 bytes of a word in memory. */
static uint64_t
first_bytes(size_t n)
{
	static const unsigned char mask[15] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint64_t word;

	memcpy(&word, mask + 7 - n, 8);
	return word;
}

size_t
fold_digits(char *dst, struct slice src)
{
	const unsigned char *p = (const unsigned char *)src.p, *end = p + src.n;
	char *to = dst;

	while (p < end) {
		size_t left = (size_t)(end - p);
		uint64_t word, high;

		/* Eight bytes at once, of which only `left` count: most strings are short and ASCII. */
		memcpy(&word, p, 8);
		high = word & 0x8080808080808080;
		if (left < 8)
			high &= first_bytes(left);
		if (high == 0) {
			memcpy(to, &word, 8);
			to += left < 8 ? left : 8;
			p += left < 8 ? left : 8;
			continue;
		}
		/* U+06F0..9 is DB B0..B9, U+0660..9 is D9 A0..A9; the text is valid UTF-8, so a lead byte has its second. */
		do {
			if (*p == 0xdb && (unsigned)(p[1] - 0xb0) < 10) {
				*to++ = (char)('0' + p[1] - 0xb0);
				p += 2;
			} else if (*p == 0xd9 && (unsigned)(p[1] - 0xa0) < 10) {
				*to++ = (char)('0' + p[1] - 0xa0);
				p += 2;
			} else if (*p >= 0xc0) {
				memcpy(to, p, 2);
				to += 2;
				p += 2;
			} else {
				*to++ = (char)*p++;
			}
		} while (p < end && *p >= 0x80);
	}
	return (size_t)(to - dst);
}

bool
parser_integer(const struct json_tree *jt, uint32_t at, int64_t *ret)
{
	double d;

	switch (json_letter(jt, at)) {
	case 'l':
		*ret = (int64_t)jt->tape[at + 1];
		return true;
	case 'd':
		memcpy(&d, &jt->tape[at + 1], sizeof d);
		if (!(d >= -9007199254740992.0 && d <= 9007199254740992.0) || d != (double)(int64_t)d)
			return false;
		*ret = (int64_t)d;
		return true;
	default:
		return false;
	}
}

/* "-12.5" at scale 2 is -1250; NULL, or what is wrong. */
static const char *
parse_decimal(struct slice s, unsigned scale, int64_t *ret)
{
	bool minus = s.n != 0 && s.p[0] == '-', point = false;
	size_t i = minus, digits = 0, behind = 0;
	int64_t v = 0;

	for (; i < s.n; i++) {
		if (s.p[i] == '.' && !point && digits != 0) {
			point = true;
			continue;
		}
		if (s.p[i] < '0' || s.p[i] > '9')
			return "is not a decimal such as 12.50";
		digits++;
		behind += point;
		if (behind > scale)
			return "has too many digits behind the point";
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, s.p[i] - '0', &v))
			return "is too large";
	}
	if (digits == 0 || (point && behind == 0))
		return "is not a decimal such as 12.50";
	for (; behind < scale; behind++)
		if (__builtin_mul_overflow(v, 10, &v))
			return "is too large";
	/* v was built below zero, where there is one number more. */
	if (!minus && __builtin_sub_overflow(0, v, &v))
		return "is too large";
	*ret = v;
	return NULL;
}

const char *
parser_format(const struct schema *sc, struct slice s, struct value *v)
{
	const char *why = NULL;
	int64_t days;

	switch (sc->format) {
	case FORMAT_NONE:
		break;
	case FORMAT_PERSON:
		return person_check(sc->shape, s);
	case FORMAT_DATE_TIME:
		v->kind = VALUE_INSTANT;
		(void)instant_parse(s, &v->t, &why);
		return why;
	case FORMAT_DATE:
		(void)date_parse(s, &days, &why);
		return why;
	case FORMAT_DECIMAL:
		v->kind = VALUE_DECIMAL;
		v->scale = sc->scale;
		return parse_decimal(s, sc->scale, &v->i);
	}
	return NULL;
}
