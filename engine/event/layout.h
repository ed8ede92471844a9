/* A layout: what an entry of an event type holds: its roles and kept fields in order. It is written into the store as text,
 * so entries of an older contract version stay readable. Immutable.
 *
 *   text   TYPE '\n' ROLE '=' KIND ',' ... '\n' FIELD ':' LETTER ',' ...       LETTER: s i b t d(ecimal)
 *
 * Kept bytes of one event ("kept blob"), the same in memory, journal index and store:
 *   +----------+---------------------------+----------------------------------------+
 *   | u8 n     | u16 end[n] little-endian  | values one after the other (value.h)   |
 *   +----------+---------------------------+----------------------------------------+
 *   value i spans end[i-1] .. end[i] behind the table; an empty span is a missing field. n is the layout's field count. */
#ifndef DIDEBAN_ENGINE_EVENT_LAYOUT_H
#define DIDEBAN_ENGINE_EVENT_LAYOUT_H

#include "engine/event/value.h"
#include "state/base/err.h"
#include "state/base/limits.h"

struct layout_field {
	char *name;          /* path inside data with dots; the path of a person reference gives its identifier */
	struct slice member; /* "NAME": as in JSON */
	char letter;
};
struct layout_role {
	char *name; /* "witness" */
	char *kind; /* "person" */
};
struct layout {
	char *text; /* as drawn above */
	char *type;
	struct slice type_json; /* quoted */
	unsigned n_roles, n_fields;
	struct layout_role roles[LIMIT_ROLES];
	struct layout_field fields[LIMIT_KEPT];
};

/* NULL: ERR_CORRUPT when malformed, ERR_NOMEM. */
struct layout *layout_parse(struct slice text, struct err *err);
void layout_free(struct layout *la);
/* Index, or -1. */
int layout_field_index(const struct layout *la, struct slice name);
int layout_role_index(const struct layout *la, struct slice name);

/* Value i of a kept blob, borrowed; VALUE_NONE if missing or i out of range. Inline: this is the hot path of features. */
static inline struct slice
kept_bytes(struct slice kept, unsigned i)
{
	const unsigned char *c = (const unsigned char *)kept.p;
	unsigned n = kept.n == 0 ? 0 : c[0];
	size_t base = 1 + 2 * (size_t)n, from, to;

	if (i >= n || kept.n < base)
		return slice_of("", 0);
	from = i == 0 ? 0 : (size_t)(c[2 * i - 1] | c[2 * i] << 8);
	to = (size_t)(c[2 * i + 1] | c[2 * i + 2] << 8);
	if (from > to || base + to > kept.n)
		return slice_of("", 0);
	return slice_of(kept.p + base + from, to - from);
}

static inline struct value
kept_value(struct slice kept, unsigned i)
{
	return value_decode(kept_bytes(kept, i));
}

#endif
