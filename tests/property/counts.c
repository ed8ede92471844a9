#include "tests/property/counts.h"

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
texts_add(struct texts *te, struct slice text, unsigned content)
{
	if (te->n == te->cap) {
		te->cap = te->cap == 0 ? 64 : 2 * te->cap;
		te->v = realloc(te->v, te->cap * sizeof(*te->v));
		if (te->v == NULL)
			abort();
	}
	te->v[te->n] = (struct text){.content = content};
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
counts_text_line(struct buf *ret, const struct texts *te, const struct gen_set *set, struct slice text)
{
	size_t i;

	for (i = 0; i < te->n; i++)
		if (slice_eq(buf_slice(&te->v[i].bytes), text)) {
			counts_line(ret, &set->contents[te->v[i].content]);
			return;
		}
	buf_printf(ret, "never given: %.*s\n", SLICE_ARG(text));
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
