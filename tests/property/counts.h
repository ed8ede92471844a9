/* What a node must have counted and quarantined, from the contents that were given alone. */
#ifndef DIDEBAN_TESTS_PROPERTY_COUNTS_H
#define DIDEBAN_TESTS_PROPERTY_COUNTS_H

#include "tests/property/model.h"

struct counts {
	uint64_t consumed, processed, duplicates, quarantined;
};
/* `content` is given to a node that has accepted what is `present`. */
void counts_add(struct counts *co, const struct gen_set *set, const bool present[GEN_CONTENTS], unsigned content);

/* A text in which a content was given, and the place. */
struct text {
	struct buf bytes;
	unsigned stream, content;
	uint64_t number;
};
struct texts {
	size_t n, cap;
	struct text *v;
};
void texts_add(struct texts *te, struct slice text, unsigned content, unsigned stream, uint64_t number);
void texts_free(struct texts *te);

/* One line for a content. */
void counts_line(struct buf *ret, const struct gen_content *co);
/* The line of the content that was given in this very text at this position ("file-1:7"). */
void counts_text_line(struct buf *ret, const struct texts *te, const struct gen_set *set, struct slice text, const char *position);
/* The content that was given last at this position, -1 if none. */
int texts_at(const struct texts *te, const char *position);
/* A line for each content that another one of its identity has beaten. */
void counts_beaten(struct buf *ret, const struct gen_set *set, const bool present[GEN_CONTENTS]);

#endif
