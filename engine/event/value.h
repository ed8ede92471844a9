/* A value read from an event's kept fields, from a feature, or returned by a rule. */
#ifndef DIDEBAN_ENGINE_EVENT_VALUE_H
#define DIDEBAN_ENGINE_EVENT_VALUE_H

#include "engine/calendar/instant.h"
#include "state/base/buf.h"

enum value_kind {
	VALUE_NONE = 0, /* missing */
	VALUE_STRING,   /* s, digits folded to ASCII */
	VALUE_INTEGER,  /* i */
	VALUE_BOOLEAN,  /* i: 0 or 1 */
	VALUE_INSTANT,  /* t; s is not set */
	VALUE_DECIMAL,  /* i scaled by 10^scale: exact */
	VALUE_NUMBER,   /* d: only features and rules make these */
};

struct value {
	enum value_kind kind;
	unsigned scale; /* of VALUE_DECIMAL */
	struct slice s;
	int64_t i;
	double d;
	struct instant t;
};

/* Encoded form: one byte of kind, then the bytes (string), zigzag varint (integer, boolean), u8 scale and zigzag varint
 * (decimal), i64 and u32 little-endian (instant), 8 bytes little-endian (number). The length comes from outside. */
void value_encode(struct buf *b, const struct value *v);
/* Borrowed from `bytes`; malformed or empty gives VALUE_NONE. */
struct value value_decode(struct slice bytes);
/* Same kind and same content; NONE equals nothing. */
bool value_eq(const struct value *a, const struct value *b);
/* Appends as JSON (string escaped, instant as RFC 3339 text, decimal as its digits, number in its shortest round form). */
void value_json(struct buf *b, const struct value *v);

/* JSON text output (not json_string: jansson has that name). Appends a quoted string, control characters escaped. */
void json_quote(struct buf *b, struct slice s);

#endif
