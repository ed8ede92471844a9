#include "engine/flow/names.h"

#include "state/base/arena.h"
#include "state/base/hash.h"
#include "state/base/table.h"

#include <stdlib.h>

struct name {
	uint32_t number;
	struct slice text, json;
};

struct names {
	struct arena arena;
	struct buf quoted;
	struct table by_text;
	struct name **v;
	size_t n, cap;
	struct layout *layouts[LIMIT_LAYOUTS];
	size_t n_layouts;
};

struct names *
names_new(void)
{
	return calloc(1, sizeof(struct names));
}

void
names_free(struct names *na)
{
	if (na == NULL)
		return;
	for (size_t i = 0; i < na->n_layouts; i++)
		layout_free(na->layouts[i]);
	free(na->v);
	buf_free(&na->quoted);
	table_free(&na->by_text);
	arena_free(&na->arena);
	free(na);
}

static struct name *
find(const struct names *na, struct slice text, uint64_t hash)
{
	struct name *it;

	for (size_t pos = table_start(&na->by_text, hash); (it = table_probe(&na->by_text, hash, &pos)) != NULL;)
		if (slice_eq(it->text, text))
			return it;
	return NULL;
}

static int
append(struct names *na, struct slice text, uint64_t hash, struct err *err)
{
	struct name *it;

	if (na->n == na->cap) {
		size_t cap = na->cap == 0 ? 256 : na->cap * 2;
		struct name **v = realloc(na->v, cap * sizeof(struct name *));

		if (v == NULL)
			return err_nomem(err);
		na->v = v;
		na->cap = cap;
	}
	it = arena_alloc(&na->arena, sizeof *it);
	if (it == NULL)
		return err_nomem(err);
	it->number = (uint32_t)na->n;
	it->text = arena_copy(&na->arena, text);
	json_quote(&na->quoted, text);
	it->json = buf_ok(&na->quoted) ? arena_copy(&na->arena, buf_slice(&na->quoted)) : slice_of(NULL, 0);
	buf_clear(&na->quoted);
	if (it->text.p == NULL || it->json.p == NULL || table_add(&na->by_text, hash, it) != 0)
		return err_nomem(err);
	na->v[na->n++] = it;
	return 0;
}

bool
names_find(const struct names *na, struct slice text, uint32_t *ret)
{
	const struct name *it = find(na, text, hash64(text));

	if (it != NULL)
		*ret = it->number;
	return it != NULL;
}

static int
put(struct changes *ch, char kind, uint64_t number, unsigned bytes, struct slice text, struct err *err)
{
	char key[9] = {kind};

	for (unsigned i = 0; i < bytes; i++)
		key[1 + i] = (char)(number >> (8 * (bytes - 1 - i)));
	return changes_put(ch, slice_of(key, 1 + bytes), text, err);
}

int
names_intern(struct names *na, struct slice text, struct changes *ch, uint32_t *ret, struct err *err)
{
	uint64_t hash = hash64(text);
	const struct name *it = find(na, text, hash);

	if (it != NULL) {
		*ret = it->number;
		return 0;
	}
	if (na->n >= LIMIT_NAMES)
		return err_set(err, ERR_LIMIT, "this store already knows %d sources and input streams: the limit", LIMIT_NAMES);
	if (append(na, text, hash, err) != 0)
		return -1;
	*ret = (uint32_t)(na->n - 1);
	return put(ch, 'N', *ret, 4, text, err);
}

struct slice
names_text(const struct names *na, uint32_t name)
{
	return name < na->n ? na->v[name]->text : slice_of("", 0);
}

struct slice
names_json(const struct names *na, uint32_t name)
{
	return name < na->n ? na->v[name]->json : slice_of("\"\"", 2);
}

size_t
names_count(const struct names *na)
{
	return na->n;
}

static int
append_layout(struct names *na, struct slice text, struct err *err)
{
	struct layout *la = layout_parse(text, err);

	if (la == NULL)
		return -1;
	na->layouts[na->n_layouts++] = la;
	return 0;
}

int
names_layout(struct names *na, const struct layout *la, struct changes *ch, uint16_t *ret, struct err *err)
{
	for (size_t i = 0; i < na->n_layouts; i++)
		if (strcmp(na->layouts[i]->text, la->text) == 0) {
			*ret = (uint16_t)i;
			return 0;
		}
	if (na->n_layouts >= LIMIT_LAYOUTS)
		return err_set(err, ERR_LIMIT, "this store has seen %d versions of event contracts: the limit", LIMIT_LAYOUTS);
	if (append_layout(na, slice_str(la->text), err) != 0)
		return -1;
	*ret = (uint16_t)(na->n_layouts - 1);
	return put(ch, 'L', *ret, 2, slice_str(la->text), err);
}

const struct layout *
names_layout_at(const struct names *na, uint16_t number)
{
	return number < na->n_layouts ? na->layouts[number] : NULL;
}

size_t
names_layouts(const struct names *na)
{
	return na->n_layouts;
}

int
names_load(struct names *na, struct store *st, struct err *err)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	int rc;

	if (store_iter_open(&it, st, slice_of("L", 1), slice_of("M", 1), err) != 0)
		return -1;
	while ((rc = store_iter_next(it, &key, &value, err)) > 0)
		if (na->n_layouts >= LIMIT_LAYOUTS || append_layout(na, value, err) != 0) {
			rc = -1;
			break;
		}
	store_iter_close(it);
	it = NULL;
	if (rc < 0 || store_iter_open(&it, st, slice_of("N", 1), slice_of("O", 1), err) != 0)
		return -1;
	while ((rc = store_iter_next(it, &key, &value, err)) > 0)
		if (append(na, value, hash64(value), err) != 0) {
			rc = -1;
			break;
		}
	store_iter_close(it);
	return rc;
}
