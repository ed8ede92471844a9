#include "tests/property/lines.h"
#include "tests/property/gen.h"

#include <stdlib.h>

static const char *
text_of(const json_t *ob, const char *key)
{
	const char *s = json_string_value(json_object_get(ob, key));

	return s == NULL ? "?" : s;
}

static void
identity_line(struct buf *b, const json_t *ob)
{
	buf_printf(b, "%s#%s@%s", text_of(ob, "source"), text_of(ob, "id"), text_of(ob, "time"));
}

static void
values_line(struct buf *b, json_t *values)
{
	const char *name;
	json_t *v;
	void *tmp;
	unsigned n = 0;

	json_object_foreach_safe(values, tmp, name, v)
	{
		char *text = json_dumps(v, JSON_ENCODE_ANY);

		buf_printf(b, "%s%s:", n++ == 0 ? "" : ",", name);
		if (json_is_real(v))
			gen_number_text(b, json_real_value(v));
		else
			buf_add_str(b, text == NULL ? "?" : text);
		free(text);
	}
}

/* A field that the trigger has not leads nowhere, whether it is left out or null. */
static void
deliver_line(struct buf *b, json_t *deliver)
{
	const char *name;
	json_t *v;

	json_object_foreach(deliver, name, v)
	{
		char *text = json_is_null(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY);

		if (text != NULL)
			buf_printf(b, " deliver={%s:%s}", name, text);
		free(text);
	}
}

void
lines_alert(struct buf *b, json_t *al)
{
	json_t *v;
	size_t i;

	buf_printf(b, "%s %s %s opening=", text_of(al, "rule"), text_of(al, "subject"), text_of(al, "state"));
	identity_line(b, json_object_get(al, "opening"));
	buf_add_str(b, " trigger=");
	identity_line(b, json_object_get(al, "trigger"));
	buf_printf(b, " level=%s outcome=%s values={", text_of(al, "level"), text_of(al, "outcome"));
	values_line(b, json_object_get(al, "values"));
	buf_add_str(b, "}");
	deliver_line(b, json_object_get(al, "deliver"));
	buf_add_str(b, " evidence=[");
	json_array_foreach(json_object_get(al, "evidence"), i, v)
	{
		buf_add_str(b, i == 0 ? "" : ",");
		identity_line(b, v);
	}
	buf_printf(b, "] of %lld%s", (long long)json_integer_value(json_object_get(al, "evidence_total")),
	    json_is_true(json_object_get(al, "contested")) ? " contested" : "");
}

void
lines_reduce(json_t *al)
{
	static const char *const free_keys[] = {"known_up_to", "seq", "held_back", "replaces", "decided_at", "position"};
	json_t *v;
	size_t i;

	for (i = 0; i < sizeof(free_keys) / sizeof(free_keys[0]); i++)
		json_object_del(al, free_keys[i]);
	json_array_foreach(json_object_get(al, "evidence"), i, v) json_object_del(v, "position");
	json_object_del(json_object_get(al, "trigger"), "position");
	json_object_del(json_object_get(al, "opening"), "position");
}

static int
line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
lines_sort(struct buf *b)
{
	char **v = NULL, *p, *copy;
	size_t n = 0, i;

	buf_add_u8(b, 0);
	copy = b->p == NULL ? NULL : strdup(b->p);
	for (p = copy; p != NULL && *p != '\0'; p += strlen(p) + 1) {
		char **grown = realloc(v, (n + 1) * sizeof(*v));

		if (grown == NULL)
			abort();
		v = grown;
		v[n++] = p;
		p[strcspn(p, "\n")] = '\0';
	}
	if (n != 0)
		qsort(v, n, sizeof(*v), line_cmp);
	buf_clear(b);
	for (i = 0; i < n; i++)
		buf_printf(b, "%s\n", v[i]);
	free(v);
	free(copy);
}

static bool
has_line(struct slice text, struct slice line)
{
	const char *p = text.p, *end = text.p + text.n, *nl;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return false;
		if (slice_eq(slice_of(p, (size_t)(nl - p)), line))
			return true;
	}
	return false;
}

void
lines_missing(struct buf *b, const char *title, struct slice a, struct slice other)
{
	const char *p = a.p, *end = a.p + a.n, *nl;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1)
		if (!has_line(other, slice_of(p, (size_t)(nl - p))))
			buf_printf(b, "  %-8s %.*s\n", title, (int)(nl - p), p);
}
