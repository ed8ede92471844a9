#include "engine/rule/text.h"

#include <stdio.h>

/* Appends decimal text, in fa with Persian digits and the Arabic decimal separator. */
static void
add_digits(struct buf *b, const char *s, bool persian)
{
	for (; *s != '\0'; s++) {
		if (persian && *s >= '0' && *s <= '9') {
			const char digit[2] = {(char)0xdb, (char)(0xb0 + (*s - '0'))}; /* U+06F0 .. U+06F9 */

			buf_add(b, digit, 2);
		} else if (persian && *s == '.')
			buf_add_str(b, "\u066b");
		else
			buf_add_u8(b, (uint8_t)*s);
	}
}

static void
add_integer(struct buf *b, int64_t i, bool persian)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%lld", (long long)i);
	add_digits(b, text, persian);
}

/* Bytes of a control or direction character at p, or 0: these could reorder or hide a sentence. */
static size_t
hidden_bytes(const unsigned char *p, size_t n)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	if (n >= 2 && *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) /* C1 controls */
		return 2;
	if (n >= 2 && *p == 0xd8 && p[1] == 0x9c) /* U+061C */
		return 2;
	if (n >= 3 && *p == 0xe2 && p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae))) /* U+200E/F, U+2028 .. U+202E */
		return 3;
	if (n >= 3 && *p == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xaf) /* U+2066 .. U+206F */
		return 3;
	return 0;
}

static void
add_isolated(struct buf *b, struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;

	buf_add_str(b, "\u2068");
	while (p < end) {
		size_t hidden = hidden_bytes(p, (size_t)(end - p));

		if (hidden == 0)
			buf_add_u8(b, *p++);
		else
			p += hidden;
	}
	buf_add_str(b, "\u2069");
}

static void
add_value(struct buf *b, const struct value *v, bool persian)
{
	char text[40];

	switch (v->kind) {
	case VALUE_STRING:
		add_isolated(b, v->s);
		return;
	case VALUE_BOOLEAN:
		buf_add_str(b, v->i != 0 ? (persian ? "بله" : "yes") : (persian ? "خیر" : "no"));
		return;
	case VALUE_NUMBER:
		(void)snprintf(text, sizeof text, "%.4g", v->d);
		add_digits(b, text, persian);
		return;
	case VALUE_INTEGER:
		add_integer(b, v->i, persian);
		return;
	case VALUE_NONE:
	case VALUE_INSTANT:
	case VALUE_DECIMAL:
		break; /* neither parameters nor values are of these kinds */
	}
}

static void
add_param(struct buf *b, const struct rule_param *pm, bool persian)
{
	static const char *const units[][2] = {{"second", "ثانیه"}, {"minute", "دقیقه"}, {"hour", "ساعت"}, {"day", "روز"}, {"week", "هفته"}};

	add_value(b, &pm->value, persian);
	if (pm->type != PARAM_DURATION || pm->unit == NULL)
		return;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(units[i][0], pm->unit) == 0)
			buf_printf(b, " %s%s", units[i][persian], persian || pm->value.i == 1 ? "" : "s");
}

static bool
add_placeholder(struct buf *b, const struct rule *ru, struct slice name, const struct rule_value *values, unsigned n_values, bool persian)
{
	for (unsigned i = 0; i < n_values; i++)
		if (slice_eq(values[i].name, name)) {
			add_value(b, &values[i].value, persian);
			return true;
		}
	for (unsigned i = 0; i < ru->n_params; i++)
		if (slice_eq_str(name, ru->params[i].name)) {
			add_param(b, &ru->params[i], persian);
			return true;
		}
	return false;
}

static bool
add_sentence(struct buf *b, const struct rule *ru, const char *p, const struct rule_value *values, unsigned n_values, bool persian)
{
	size_t start = b->n;

	while (*p != '\0') {
		const char *open = strchr(p, '{'), *close = open == NULL ? NULL : strchr(open, '}');

		if (close == NULL) {
			buf_add_str(b, p);
			break;
		}
		buf_add(b, p, (size_t)(open - p));
		if (!add_placeholder(b, ru, slice_of(open + 1, (size_t)(close - open - 1)), values, n_values, persian))
			return false;
		p = close + 1;
	}
	return buf_ok(b) && b->n - start <= LIMIT_TEXT_BYTES;
}

/* Rule and outcome by their codes, and the numbers: short in every case. */
static void
add_fallback(struct buf *b, const struct rule *ru, struct slice code, const struct rule_value *values, unsigned n_values, bool persian)
{
	bool first = true;

	buf_printf(b, persian ? "هشدار قاعدهٔ %s: %.*s" : "Alert of rule %s: %.*s", ru->id, SLICE_ARG(code));
	for (unsigned i = 0; i < n_values; i++) {
		if (values[i].value.kind == VALUE_STRING)
			continue;
		buf_printf(b, "%s%.*s = ", first ? " (" : ", ", SLICE_ARG(values[i].name));
		add_value(b, &values[i].value, persian);
		first = false;
	}
	if (!first)
		buf_add_str(b, ")");
}

void
rule_text(struct buf *ret, const struct rule *ru, struct slice code, const struct rule_value *values, unsigned n_values, bool persian)
{
	int at = rule_outcome_index(ru, code);
	const char *sentence = at < 0 ? NULL : persian ? ru->outcomes[at].fa : ru->outcomes[at].en;
	size_t start = ret->n;

	if (sentence != NULL && add_sentence(ret, ru, sentence, values, n_values, persian))
		return;
	if (!buf_ok(ret)) /* for want of memory there is no other sentence: the caller says so */
		return;
	ret->n = start;
	add_fallback(ret, ru, code, values, n_values, persian);
}
