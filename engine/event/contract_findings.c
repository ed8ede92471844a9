/* Findings, and the suggestions in them. */
#include "engine/event/contract.h"

#include "state/base/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define WORD_BYTES 64 /* longer words get no suggestion */

void
findings_free(struct findings *fi)
{
	free(fi->v);
	*fi = (struct findings){0};
}

int
findings_add(struct findings *fi, const char *file, unsigned line, unsigned column, unsigned length, bool warning, const char *fmt, ...)
{
	struct finding *f;
	va_list ap;

	if (fi->n == fi->cap) {
		size_t cap = fi->cap == 0 ? 16 : fi->cap * 2;
		struct finding *v;

		if (fi->n >= LIMIT_FINDINGS) { /* nobody reads further; the count goes on */
			fi->errors += !warning;
			return 0;
		}
		v = realloc(fi->v, cap * sizeof *v);
		if (v == NULL)
			return -1;
		fi->v = v;
		fi->cap = cap;
	}
	f = &fi->v[fi->n++];
	*f = (struct finding){.line = line, .column = column, .length = length, .warning = warning};
	(void)snprintf(f->file, sizeof f->file, "%s", file);
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	utf8_clean(f->text); /* words of the file stand in it */
	fi->errors += !warning;
	return 0;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost 1. Both at most WORD_BYTES. */
static unsigned
edit_distance(struct slice a, struct slice b)
{
	unsigned rows[3][WORD_BYTES + 1], *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	for (unsigned j = 0; j <= b.n; j++)
		above[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned change = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);

			row[j] = least(change, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b.n];
}

const char *
suggest(struct slice word, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned best_distance = 4;

	if (word.n > WORD_BYTES)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct slice name = slice_str(names[i]);
		unsigned distance;

		if (name.n > WORD_BYTES || name.n > word.n + 3 || word.n > name.n + 3)
			continue;
		distance = edit_distance(word, name);
		if (distance < best_distance && 2 * distance < (name.n > word.n ? name.n : word.n)) {
			best = names[i];
			best_distance = distance;
		}
	}
	return best;
}
