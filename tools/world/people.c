#include "tools/world/people.h"

#include <stdio.h>

static const char *const men[] = {
    "آرش", "بهرام", "پرویز", "جمشید", "داریوش", "رستم", "سهراب", "شاهین", "فرهاد", "کاوه", "منوچهر", "نادر", "هومن", "یاشار", "بابک", "سیاوش"};
static const char *const women[] = {
    "آناهیتا", "بهار", "پروین", "ترانه", "درنا", "رودابه", "ژاله", "سیمین", "شیرین", "فرزانه", "گلناز", "لاله", "مهتاب", "نسرین", "یلدا", "ستاره"};
static const char *const families[] = {"آبادانی", "باغبان", "پارسا", "ترابی", "جویبار", "چمنی", "خوش‌نویس", "دریابندری", "راستگو",
    "زرین‌کوب", "سپهری", "شکوهی", "صبوری", "طاهری", "فرهمند", "کوهستانی", "گل‌محمدی", "لطیفی", "مهرابی", "نیک‌پور", "وفایی",
    "هنرور", "یزدانی", "آهنگر", "بردبار", "دانشور"};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Spreads k over the nine-digit bodies: odd factor and even modulus would meet, so the modulus is a prime below 10^9. */
void
person_id(uint64_t seed, uint64_t k, char ret[PERSON_ID_BYTES])
{
	uint64_t body = (k * 104729 + seed % 1000003 * 7919 + 100000007) % 899999963 + 100000000;
	unsigned sum = 0, rest;
	char digits[16];

	(void)snprintf(digits, sizeof digits, "%09u", (unsigned)body);
	/* National id: weights 10 to 2, modulo 11; a remainder below 2 is the check digit, else 11 less it. */
	for (unsigned i = 0; i < 9; i++)
		sum += (unsigned)(digits[i] - '0') * (10 - i);
	rest = sum % 11;
	(void)snprintf(ret, PERSON_ID_BYTES, "nid:%.9s%u", digits, rest < 2 ? rest : 11 - rest);
}

static void
add_persian_digits(struct buf *b, const char *s)
{
	for (; *s != 0; s++) {
		if (*s >= '0' && *s <= '9') {
			buf_add_u8(b, 0xdb);
			buf_add_u8(b, (uint8_t)(0xb0 + (*s - '0'))); /* U+06F0 to U+06F9 */
		} else {
			buf_add_u8(b, (uint8_t)*s);
		}
	}
}

void
person_json(struct buf *b, uint64_t seed, uint64_t k, bool persian)
{
	char id[PERSON_ID_BYTES];
	uint64_t mix = k * 2654435761u;
	const char *given = (k & 1) != 0 ? women[mix / 7 % COUNT(women)] : men[mix / 7 % COUNT(men)];

	person_id(seed, k, id);
	buf_add_str(b, "{\"id\":\"");
	if (persian)
		add_persian_digits(b, id);
	else
		buf_add_str(b, id);
	buf_printf(b, "\",\"given_name\":\"%s\",\"family_name\":\"%s\",\"father_name\":\"%s\",\"birth_date\":\"%04u-%02u-%02u\",\"verified\":true}",
	    given, families[mix / 131 % COUNT(families)], men[mix / 3571 % COUNT(men)], (unsigned)(1950 + mix % 53), (unsigned)(1 + mix % 12),
	    (unsigned)(1 + mix % 28));
}
