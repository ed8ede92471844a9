#include "tests/property/counts.h"

#include <stdio.h>
#include <stdlib.h>

static bool
same_identity(const struct gen_content *a, const struct gen_content *b)
{
	return a->source == b->source && a->id == b->id;
}

static int
content_cmp(const struct gen_content *a, const struct gen_content *b)
{
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}

void
counts_add(struct counts *co, const struct gen_set *set, const bool present[GEN_CONTENTS], unsigned content)
{
	const struct gen_content *it = &set->contents[content];
	bool known = false, same = false;
	unsigned i;

	for (i = 0; i < set->n_contents; i++) {
		if (!present[i] || !same_identity(&set->contents[i], it))
			continue;
		known = true;
		same = same || content_cmp(&set->contents[i], it) == 0;
	}
	co->consumed++;
	co->processed += !known;
	co->duplicates += same;
	co->quarantined += known && !same;
}

void
texts_add(struct texts *te, struct slice text, unsigned content, unsigned stream, uint64_t number)
{
	if (te->n == te->cap) {
		te->cap = te->cap == 0 ? 64 : 2 * te->cap;
		te->v = realloc(te->v, te->cap * sizeof(*te->v));
		if (te->v == NULL)
			abort();
	}
	te->v[te->n] = (struct text){.content = content, .stream = stream, .number = number};
	buf_add_slice(&te->v[te->n++].bytes, text);
}

void
texts_free(struct texts *te)
{
	size_t i;

	for (i = 0; i < te->n; i++)
		buf_free(&te->v[i].bytes);
	free(te->v);
}

static bool
is_at(const struct text *te, const char *position)
{
	char text[48];

	snprintf(text, sizeof(text), "file-%u:%llu", te->stream, (unsigned long long)te->number);
	return strcmp(text, position) == 0;
}

void
counts_line(struct buf *ret, const struct gen_content *co)
{
	unsigned i;

	buf_printf(ret, "%s#%s content ", gen_source_name(co->source), gen_id_name(co->id));
	for (i = 0; i < sizeof(co->sha256); i++)
		buf_printf(ret, "%02x", co->sha256[i]);
	buf_add_str(ret, "\n");
}

void
counts_text_line(struct buf *ret, const struct texts *te, const struct gen_set *set, struct slice text, const char *position)
{
	size_t i;

	for (i = 0; i < te->n; i++)
		if (is_at(&te->v[i], position) && slice_eq(buf_slice(&te->v[i].bytes), text)) {
			counts_line(ret, &set->contents[te->v[i].content]);
			return;
		}
	buf_printf(ret, "never given at %s: %.*s\n", position, SLICE_ARG(text));
}

int
texts_at(const struct texts *te, const char *position)
{
	size_t i;

	for (i = te->n; i-- > 0;)
		if (is_at(&te->v[i], position))
			return (int)te->v[i].content;
	return -1;
}

void
counts_beaten(struct buf *ret, const struct gen_set *set, const bool present[GEN_CONTENTS])
{
	unsigned i, j;

	for (i = 0; i < set->n_contents; i++) {
		const struct gen_content *co = &set->contents[i];
		bool beaten = false, seen = false;

		for (j = 0; present[i] && j < set->n_contents; j++) {
			if (!present[j] || !same_identity(&set->contents[j], co))
				continue;
			beaten = beaten || content_cmp(&set->contents[j], co) < 0;
			seen = seen || (j < i && content_cmp(&set->contents[j], co) == 0);
		}
		if (beaten && !seen)
			counts_line(ret, co);
	}
}
