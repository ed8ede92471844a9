/* A JSON document as a flat tree: the tape that simdjson writes (its doc/tape.md), read in place. One C++ file
 * (json_tree.cc) fills it; the C side walks it without a call across the border for each value.
 *
 *   word   8 bits letter, 56 bits payload
 *   { [    payload: low 32 bits = index of the word behind the closing one; then the members (key, value, ...) or elements
 *   } ]    end
 *   "      payload: offset into the string bytes: u32 length, the bytes (unescaped, valid UTF-8), a zero
 *   l u d  the next word is an int64, uint64, double
 *   t f n  true, false, null
 *
 * The document is checked as a whole: syntax, UTF-8, depth. Duplicate keys are the caller's to refuse.
 * One thread; a tree is valid until the next json_tree_read. */
#ifndef DIDEBAN_ENGINE_EVENT_JSON_TREE_H
#define DIDEBAN_ENGINE_EVENT_JSON_TREE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum json_status { JSON_OK, JSON_SYNTAX, JSON_UTF8, JSON_NUMBER, JSON_DEPTH, JSON_TOO_LARGE, JSON_NOMEM };

struct json_tree {
	const uint64_t *tape;
	const uint8_t *strings;
	const char *why; /* of a failure: static text of the library */
	void *impl;
};

/* Room for documents of max_bytes with max_depth; 0, or -1 when memory is exhausted. */
int json_tree_init(struct json_tree *jt, size_t max_bytes, size_t max_depth);
void json_tree_free(struct json_tree *jt); /* a zeroed struct is fine */
/* `text` is copied behind padding; nothing is allocated. */
enum json_status json_tree_read(struct json_tree *jt, const char *text, size_t n);

#ifdef __cplusplus
}
#else

#include "state/base/slice.h"

#define JSON_ROOT 1 /* index of the document's value */

static inline char
json_letter(const struct json_tree *jt, uint32_t at)
{
	return (char)(jt->tape[at] >> 56);
}

/* The word behind the value at `at`. */
static inline uint32_t
json_next(const struct json_tree *jt, uint32_t at)
{
	switch (json_letter(jt, at)) {
	case '{':
	case '[':
		return (uint32_t)jt->tape[at];
	case 'l':
	case 'u':
	case 'd':
		return at + 2;
	default:
		return at + 1;
	}
}

static inline struct slice
json_text(const struct json_tree *jt, uint32_t at)
{
	const uint8_t *p = jt->strings + (jt->tape[at] & 0xffffffffffffff);
	uint32_t n;

	memcpy(&n, p, sizeof n);
	return slice_of((const char *)p + sizeof n, n);
}

#endif

#endif
