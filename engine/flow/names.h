/* Names: texts that entries refer to by number: sources and input streams (u32), layouts (u16). Numbers are given in the order
 * of first use by the fold, so the same journal gives the same numbers. One thread. At most LIMIT_NAMES and LIMIT_LAYOUTS. */
#ifndef DIDEBAN_ENGINE_FLOW_NAMES_H
#define DIDEBAN_ENGINE_FLOW_NAMES_H

#include "engine/event/layout.h"
#include "state/store/store.h"

struct names;

struct names *names_new(void); /* NULL: out of memory */
void names_free(struct names *na);
int names_load(struct names *na, struct store *st, struct err *err);

/* The number of a text; a new one is also put into `ch`. ERR_LIMIT when full. */
int names_intern(struct names *na, struct slice text, struct changes *ch, uint32_t *ret, struct err *err);
bool names_find(const struct names *na, struct slice text, uint32_t *ret);
struct slice names_text(const struct names *na, uint32_t name); /* "" if there is none */
struct slice names_json(const struct names *na, uint32_t name); /* quoted */
size_t names_count(const struct names *na);

int names_layout(struct names *na, const struct layout *la, struct changes *ch, uint16_t *ret, struct err *err);
const struct layout *names_layout_at(const struct names *na, uint16_t number); /* NULL if none */
size_t names_layouts(const struct names *na);

/* Bytewise order of two sources by their numbers. */
static inline int
names_cmp(const struct names *na, uint32_t a, uint32_t b)
{
	return a == b ? 0 : slice_cmp(names_text(na, a), names_text(na, b));
}

#endif
