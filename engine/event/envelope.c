/* The CloudEvents 1.0 envelope. */
#include "engine/event/parser.h"

#define TIME_BYTES 64 /* longer is no RFC 3339 time with 9 digits of fraction */

/* Sorted, as enum envelope_name. */
static const char *const names[ENVELOPE_COUNT] = {
    "data", "datacontenttype", "dataschema", "id", "source", "specversion", "subject", "time", "traceparent", "type"};
static const uint8_t lengths[ENVELOPE_COUNT] = {4, 15, 10, 2, 6, 11, 7, 4, 11, 4};

static int
envelope_index(struct event_parser *pa, unsigned before, struct slice key)
{
	unsigned guess = pa->envelope_guess[before];

	if (slice_eq(key, slice_of(names[guess], lengths[guess])))
		return (int)guess;
	for (unsigned i = 0; i < ENVELOPE_COUNT; i++)
		if (slice_eq(key, slice_of(names[i], lengths[i]))) {
			pa->envelope_guess[before] = (uint8_t)i;
			return (int)i;
		}
	return -1;
}

/* An attribute of somebody's extension: accepted and not read. */
static int
extension(struct event_parser *pa, struct slice key, char letter, struct slice *seen, unsigned *n)
{
	const char *near;

	for (size_t i = 0; i < key.n; i++)
		if ((key.p[i] < 'a' || key.p[i] > 'z') && (key.p[i] < '0' || key.p[i] > '9'))
			goto unknown;
	if (key.n == 0 || key.n > LIMIT_ATTRIBUTE_BYTES)
		goto unknown;
	if (letter == '{' || letter == '[')
		return parser_fail(pa, FAULT_BAD_VALUE, NULL, "%s: an extension attribute is a single value", printable(key).text);
	for (unsigned i = 0; i < *n; i++)
		if (slice_eq(seen[i], key))
			return parser_fail(pa, FAULT_DUPLICATE_KEY, NULL, "%s: given twice", printable(key).text);
	if (*n == LIMIT_EXTENSIONS)
		return parser_fail(pa, FAULT_BAD_VALUE, NULL, "more than %d extension attributes", LIMIT_EXTENSIONS);
	seen[(*n)++] = key;
	return 0;
unknown:
	near = suggest(key, names, ENVELOPE_COUNT);
	if (near != NULL)
		return parser_fail(pa, FAULT_UNKNOWN_FIELD, NULL, "%s: no attribute of an event; did you mean %s?", printable(key).text, near);
	return parser_fail(pa, FAULT_UNKNOWN_FIELD, NULL, "%s: no attribute of an event: their names are 1 to %d lower-case letters and digits",
	    printable(key).text, LIMIT_ATTRIBUTE_BYTES);
}

static int
read_envelope(struct event_parser *pa)
{
	const struct json_tree *jt = &pa->tree;
	struct slice extensions[LIMIT_EXTENSIONS];
	unsigned n = 0, before = 0;
	uint32_t at = JSON_ROOT + 1, end = json_next(jt, JSON_ROOT) - 1;

	pa->envelope_seen = 0;
	while (at != end) {
		struct slice key = json_text(jt, at);
		int i = envelope_index(pa, before, key);

		at++;
		if (i < 0) {
			if (extension(pa, key, json_letter(jt, at), extensions, &n) != 0)
				return -1;
		} else if ((pa->envelope_seen >> i & 1) != 0) {
			return parser_fail(pa, FAULT_DUPLICATE_KEY, NULL, "%s: given twice", names[i]);
		} else {
			pa->envelope_seen |= 1u << i;
			pa->envelope[i] = at;
			before = (unsigned)i + 1;
		}
		at = json_next(jt, at);
	}
	for (unsigned i = 0; i < ENVELOPE_COUNT; i++) {
		const char *near = NULL;
		bool needed = i == ENVELOPE_DATA || i == ENVELOPE_ID || i == ENVELOPE_SOURCE || i == ENVELOPE_SPECVERSION || i == ENVELOPE_TIME ||
			      i == ENVELOPE_TYPE;

		if (!needed || (pa->envelope_seen >> i & 1) != 0)
			continue;
		for (unsigned k = 0; k < n && near == NULL; k++) /* a misspelt attribute looks like an extension */
			if (suggest(extensions[k], &names[i], 1) != NULL)
				near = extensions[k].p;
		return parser_fail(pa, FAULT_MISSING_FIELD, NULL, "%s: missing%s%s%s", names[i], near == NULL ? "" : "; did you mean it by ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
	}
	return 0;
}

int
parser_read(struct event_parser *pa, struct slice raw)
{
	struct json_tree *jt = &pa->tree;

	if (raw.n > LIMIT_EVENT_BYTES)
		return parser_fail(pa, FAULT_TOO_LARGE, NULL, "%zu bytes; an event has at most %zu", raw.n, (size_t)LIMIT_EVENT_BYTES);
	if (raw.n >= 3 && memcmp(raw.p, "\xef\xbb\xbf", 3) == 0) /* a byte order mark: some programs begin a file with it (RFC 8259, 8.1) */
		raw = slice_of(raw.p + 3, raw.n - 3);
	switch (json_tree_read(jt, raw.p, raw.n)) {
	case JSON_OK:
		break;
	case JSON_UTF8:
		return parser_fail(pa, FAULT_BAD_UTF8, NULL, "not valid UTF-8");
	case JSON_DEPTH:
		return parser_fail(pa, FAULT_TOO_DEEP, NULL, "nested deeper than %d", LIMIT_EVENT_DEPTH);
	case JSON_NUMBER:
		return parser_fail(pa, FAULT_BAD_VALUE, NULL, "a number does not fit 64 bits");
	case JSON_NOMEM:
		return parser_fail(pa, FAULT_LIMIT, NULL, "out of memory");
	case JSON_TOO_LARGE:
	case JSON_SYNTAX:
		return parser_fail(pa, FAULT_BAD_JSON, NULL, "not JSON: %s", jt->why);
	}
	if (json_letter(jt, JSON_ROOT) != '{')
		return parser_fail(pa, FAULT_BAD_JSON, NULL, "not a JSON object");
	return read_envelope(pa);
}

static int
text_of(struct event_parser *pa, enum envelope_name i, struct slice *ret)
{
	if (json_letter(&pa->tree, pa->envelope[i]) != '"')
		return parser_fail(pa, i == ENVELOPE_TIME ? FAULT_BAD_TIME : FAULT_BAD_VALUE, NULL, "%s: must be a string", names[i]);
	*ret = json_text(&pa->tree, pa->envelope[i]);
	return 0;
}

/* Control characters: C0, DEL, C1 (U+0080 to U+009F, in UTF-8 C2 80 to C2 9F). */
static bool
has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0))
			return true;
	}
	return false;
}

/* id and source: half an identity each. */
static int
identity_of(struct event_parser *pa, enum envelope_name i, struct slice *ret)
{
	struct slice s;

	if (text_of(pa, i, &s) != 0)
		return -1;
	if (s.n == 0 || s.n > LIMIT_ID_BYTES)
		return parser_fail(pa, FAULT_BAD_VALUE, NULL, "%s: must be 1 to %d bytes", names[i], LIMIT_ID_BYTES);
	if (has_control(s))
		return parser_fail(pa, FAULT_BAD_VALUE, NULL, "%s: holds a control character", names[i]);
	*ret = arena_copy(pa->arena, s);
	return ret->p == NULL ? parser_fail(pa, FAULT_LIMIT, NULL, "out of memory") : 0;
}

static int
time_of(struct event_parser *pa, struct instant *ret)
{
	char folded[TIME_BYTES + FOLD_SLACK];
	const char *why;
	struct slice s;

	if (text_of(pa, ENVELOPE_TIME, &s) != 0)
		return -1;
	if (s.n > TIME_BYTES)
		return parser_fail(pa, FAULT_BAD_TIME, NULL, "time: too long");
	if (instant_parse(slice_of(folded, fold_digits(folded, s)), ret, &why) != 0)
		return parser_fail(pa, FAULT_BAD_TIME, NULL, "time: %s", why);
	return 0;
}

/* What we do not read but what must be of its kind. */
static int
check_rest(struct event_parser *pa)
{
	static const enum envelope_name optional[] = {ENVELOPE_DATASCHEMA, ENVELOPE_SUBJECT, ENVELOPE_TRACEPARENT};
	struct slice s;

	for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
		if ((pa->envelope_seen >> optional[i] & 1) != 0 && text_of(pa, optional[i], &s) != 0)
			return -1;
	if ((pa->envelope_seen >> ENVELOPE_DATACONTENTTYPE & 1) == 0)
		return 0;
	if (text_of(pa, ENVELOPE_DATACONTENTTYPE, &s) != 0)
		return -1;
	if (s.n < 16 || memcmp(s.p, "application/json", 16) != 0 || (s.n > 16 && s.p[16] != ';' && s.p[16] != ' '))
		return parser_fail(pa, FAULT_BAD_VALUE, NULL, "datacontenttype: must be application/json");
	return 0;
}

int
parser_envelope(struct event_parser *pa, struct event *ev)
{
	struct slice version, type;
	const char *near;

	if (text_of(pa, ENVELOPE_SPECVERSION, &version) != 0)
		return -1;
	if (!slice_eq_str(version, "1.0"))
		return parser_fail(pa, FAULT_BAD_VALUE, NULL, "specversion: must be \"1.0\"");
	if (text_of(pa, ENVELOPE_TYPE, &type) != 0)
		return -1;
	if (pa->last == NULL || !slice_eq(pa->last->type, type))
		pa->last = contracts_find(pa->contracts, type);
	if (pa->last == NULL) {
		near = contracts_suggest(pa->contracts, type);
		return parser_fail(pa, FAULT_UNKNOWN_TYPE, NULL, "type: no contract for %s%s%s%s", printable(type).text,
		    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near, near == NULL ? "" : "?");
	}
	pa->contract = ev->contract = pa->last;
	if (identity_of(pa, ENVELOPE_ID, &ev->id) != 0 || identity_of(pa, ENVELOPE_SOURCE, &ev->source) != 0 || time_of(pa, &ev->time) != 0)
		return -1;
	return check_rest(pa);
}
