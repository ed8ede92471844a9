#include "state/base/utf8.h"

/* Bytes of the character at p, 0 if there is none; *ret_cut: only because the text ends too early. */
static size_t
character(const unsigned char *p, size_t left, bool *ret_cut)
{
	size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

	*ret_cut = false;
	for (size_t i = 1; i < n; i++) {
		unsigned char low = 0x80, high = 0xbf;

		if (i >= left) {
			*ret_cut = true;
			return 0;
		}
		if (i == 1) { /* no second spelling of a shorter one, no surrogate, nothing above U+10FFFF */
			low = *p == 0xe0 ? 0xa0 : *p == 0xf0 ? 0x90 : 0x80;
			high = *p == 0xed ? 0x9f : *p == 0xf4 ? 0x8f : 0xbf;
		}
		if (p[i] < low || p[i] > high)
			return 0;
	}
	return n;
}

bool
utf8_valid(struct slice s)
{
	bool cut;

	for (size_t i = 0, n; i < s.n; i += n)
		if ((n = character((const unsigned char *)s.p + i, s.n - i, &cut)) == 0)
			return false;
	return true;
}

/* C0, DEL, C1, line and paragraph separators (U+2028, U+2029), and what turns the direction of the text around it: U+061C, U+200E, U+200F, U+202A to
 * U+202E, U+2066 to U+2069. */
static bool
is_control(const unsigned char *p, size_t n)
{
	if (n == 1)
		return *p < 0x20 || *p == 0x7f;
	if (n == 2)
		return (p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xd8 && p[1] == 0x9c);
	if (n != 3 || p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae))) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

void
utf8_clean(char *text)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);
	char *to = text;

	while (p < end) {
		bool cut;
		size_t n = character(p, (size_t)(end - p), &cut);

		if (n != 0 && !is_control(p, n)) {
			memmove(to, p, n);
			to += n;
		} else if (!cut) {
			*to++ = '?';
		}
		p += cut ? (size_t)(end - p) : n == 0 ? 1 : n;
	}
	*to = '\0';
}
