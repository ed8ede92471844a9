/* Finds the line and column of a member in a JSON text that the library has accepted: jansson keeps no positions. */
#include "engine/event/schema.h"

struct scan {
	const char *p, *end;
};

static void
skip_blank(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r' || *s->p == ',' || *s->p == ':'))
		s->p++;
}

/* The string at p with its quotes; p moves behind it. */
static struct slice
scan_string(struct scan *s)
{
	const char *from = s->p++;

	while (s->p < s->end && *s->p != '"')
		s->p += *s->p == '\\' ? 2 : 1;
	if (s->p < s->end)
		s->p++;
	else
		s->p = s->end;
	return slice_of(from, (size_t)(s->p - from));
}

/* Skips a whole value; returns its first token. */
static struct slice
scan_value(struct scan *s)
{
	const char *from = s->p;
	size_t depth = 0;

	if (s->p < s->end && *s->p == '"')
		return scan_string(s);
	if (s->p < s->end && *s->p != '{' && *s->p != '[') {
		while (s->p < s->end && strchr(" \t\r\n,]}", *s->p) == NULL)
			s->p++;
		return slice_of(from, (size_t)(s->p - from));
	}
	while (s->p < s->end) {
		char c = *s->p;

		if (c == '"') {
			(void)scan_string(s);
			continue;
		}
		s->p++;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		if (depth == 0)
			break;
	}
	return slice_of(from, 1);
}

/* Goes one step down from the container at p; false if it holds no such member. *ret is the key (or the element). */
static bool
descend(struct scan *s, const struct json_segment *step, struct slice *ret)
{
	size_t i = 0;

	if (s->p >= s->end || (*s->p != '{' && *s->p != '['))
		return false;
	for (s->p++, skip_blank(s); s->p < s->end && *s->p != '}' && *s->p != ']'; skip_blank(s), i++) {
		const char *value;
		struct slice token;

		if (step->key != NULL) {
			token = scan_string(s);
			skip_blank(s);
			if (token.n >= 2 && slice_eq_str(slice_of(token.p + 1, token.n - 2), step->key)) {
				*ret = token;
				return true;
			}
		}
		value = s->p;
		token = scan_value(s);
		if (step->key == NULL && i == step->index) {
			*ret = token;
			s->p = value;
			return true;
		}
	}
	return false;
}

void
json_locate(struct slice text, const struct json_segment *path, size_t n, unsigned *ret_line, unsigned *ret_column, unsigned *ret_length)
{
	struct scan s = {text.p, text.p + text.n};
	struct slice token = slice_of(text.p, 1);
	unsigned line = 1, column = 1, length = 0;

	skip_blank(&s);
	for (size_t i = 0; i < n && descend(&s, &path[i], &token); i++)
		skip_blank(&s);
	for (const char *p = text.p; p < token.p; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else {
			column += ((unsigned char)*p & 0xc0) != 0x80;
		}
	}
	for (size_t i = 0; i < token.n; i++)
		length += ((unsigned char)token.p[i] & 0xc0) != 0x80;
	*ret_line = line;
	*ret_column = column;
	*ret_length = length;
}
