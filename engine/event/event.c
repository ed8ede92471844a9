/* From JSON tree to flat record: walks the contract beside the tree, checks, writes the canonical bytes that are hashed, and
 * picks up references and kept fields on the way. Nothing is allocated per field. */
#include "engine/calendar/instant_bytes.h"
#include "engine/event/parser.h"
#include "state/base/stages.h"

#include "state/base/hash.h"
#include <stdlib.h>

struct event_parser *
event_parser_new(const struct contracts *contracts, uint64_t seed)
{
	struct event_parser *pa = calloc(1, sizeof *pa);

	if (pa == NULL)
		return NULL;
	pa->contracts = contracts;
	pa->seed = seed;
	/* No JSON value grows more than fourfold ("1," becomes 8 bytes); the rest is the head. */
	pa->canon.max = 4 * LIMIT_EVENT_BYTES + 4096;
	pa->kept.max = LIMIT_KEPT * (LIMIT_KEPT_STRING_BYTES + 16);
	pa->guess = calloc(contracts->n_objects + 1, LIMIT_PROPERTIES + 1);
	if (pa->guess == NULL || json_tree_init(&pa->tree, LIMIT_EVENT_BYTES, LIMIT_EVENT_DEPTH) != 0 || buf_grow(&pa->canon, pa->canon.max) != 0) {
		event_parser_free(pa);
		return NULL;
	}
	return pa;
}

void
event_parser_free(struct event_parser *pa)
{
	if (pa == NULL)
		return;
	json_tree_free(&pa->tree);
	buf_free(&pa->canon);
	buf_free(&pa->kept);
	free(pa->guess);
	free(pa);
}

/* Index of the property, guessing that it follows `before` (1 + index, 0 at the start) as it did last time. */
static int
find_property(const struct schema *ob, uint8_t *guess, unsigned before, struct slice name)
{
	unsigned low = 0, high = ob->n_properties, g = guess[before];

	if (g < high && slice_eq(name, ob->properties[g].name))
		return (int)g;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		int c = slice_cmp(name, ob->properties[middle].name);

		if (c == 0) {
			guess[before] = (uint8_t)middle;
			return (int)middle;
		}
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

static int
unknown_member(struct event_parser *pa, const struct schema *ob, struct slice name, const struct step *up)
{
	struct step step = {up, name, 0};
	const char *near = suggest(name, ob->names, ob->n_properties);

	return parser_fail(pa, FAULT_UNKNOWN_FIELD, &step, "no such field in %s%s%s%s", pa->contract->type.p, near == NULL ? "" : "; did you mean ",
	    near == NULL ? "" : near, near == NULL ? "" : "?");
}

int
parser_members(struct event_parser *pa, const struct schema *ob, uint32_t at, const struct step *up, struct members *ret)
{
	const struct json_tree *jt = &pa->tree;
	uint8_t *guess = pa->guess + (size_t)ob->object * (LIMIT_PROPERTIES + 1);
	uint32_t end;
	unsigned before = 0;

	if (json_letter(jt, at) != '{')
		return parser_fail(pa, FAULT_BAD_VALUE, up, "must be an object");
	end = json_next(jt, at) - 1;
	ret->seen = 0;
	for (at++; at != end; at = json_next(jt, at)) {
		struct slice name = json_text(jt, at++);
		int i = find_property(ob, guess, before, name);

		if (i < 0)
			return unknown_member(pa, ob, name, up);
		if ((ret->seen >> i & 1) != 0) {
			struct step step = {up, name, 0};

			return parser_fail(pa, FAULT_DUPLICATE_KEY, &step, "given twice");
		}
		ret->seen |= 1ull << i;
		ret->at[i] = at;
		before = (unsigned)i + 1;
	}
	if ((ob->required & ~ret->seen) != 0) {
		struct step step = {up, ob->properties[__builtin_ctzll(ob->required & ~ret->seen)].name, 0};

		return parser_fail(pa, FAULT_MISSING_FIELD, &step, "missing");
	}
	return 0;
}

static size_t
characters(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static int
not_one_of(struct event_parser *pa, const struct schema *sc, struct slice s, const struct step *step)
{
	const char *near = suggest(s, sc->any_names, sc->n_any);

	return parser_fail(pa, FAULT_BAD_VALUE, step, "is not one of %.400s%s%s%s", sc->any_text, near == NULL ? "" : "; did you mean ",
	    near == NULL ? "" : near, near == NULL ? "" : "?");
}

static int
check_length(struct event_parser *pa, const struct schema *sc, struct slice s, const struct step *step)
{
	if (s.n > sc->max_bytes)
		return parser_fail(pa, FAULT_BAD_VALUE, step, "longer than %zu bytes", sc->max_bytes);
	if (sc->max >= 0 && s.n > (uint64_t)sc->max && characters(s) > (uint64_t)sc->max)
		return parser_fail(pa, FAULT_BAD_VALUE, step, "longer than %lld characters", (long long)sc->max);
	if (sc->min > 0 && s.n < (uint64_t)sc->min * 4 && characters(s) < (uint64_t)sc->min)
		return parser_fail(pa, FAULT_BAD_VALUE, step, s.n == 0 ? "is empty" : "shorter than %lld characters", (long long)sc->min);
	return 0;
}

/* A string that becomes (part of) a subject's key. */
static int
check_key(struct event_parser *pa, struct slice s, const struct step *step)
{
	if (s.n == 0)
		return parser_fail(pa, FAULT_BAD_VALUE, step, "is empty");
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return parser_fail(pa, FAULT_BAD_VALUE, step, "holds a control character");
	return 0;
}

/* KIND/KEY, with a kind as contracts may name it. */
static bool
is_subject(struct slice s)
{
	size_t i = 0;

	while (i < s.n && ((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_' || s.p[i] == '-'))
		i++;
	return i != 0 && i <= LIMIT_KIND_BYTES && i + 1 < s.n && s.p[i] == '/';
}

static int
add_refs(struct event_parser *pa, const struct schema *sc, struct slice s, const struct step *step)
{
	for (uint32_t roles = sc->roles; roles != 0; roles &= roles - 1) {
		if (pa->contract->roles[__builtin_ctz(roles)].prefix.n == 0 && !is_subject(s))
			return parser_fail(pa, FAULT_BAD_VALUE, step, "is not a subject, KIND/KEY");
		if (pa->n_found == LIMIT_REFS)
			return parser_fail(pa, FAULT_BAD_VALUE, step, "the event names more than %d subjects", LIMIT_REFS);
		pa->found[pa->n_found++] = (struct found_ref){(unsigned)__builtin_ctz(roles), s};
	}
	return 0;
}

static int
walk_string(struct event_parser *pa, const struct schema *sc, uint32_t at, const struct step *step)
{
	struct value v = {.kind = VALUE_STRING};
	struct buf *b = &pa->canon;
	struct slice raw, s;
	const char *why;
	uint32_t length;
	size_t from;

	if (json_letter(&pa->tree, at) != '"')
		return parser_fail(pa, FAULT_BAD_VALUE, step, "must be a string");
	raw = json_text(&pa->tree, at);
	from = b->n;
	if (b->bad || b->cap - from < raw.n + 4 + FOLD_SLACK)
		return parser_fail(pa, FAULT_LIMIT, step, "too much content");
	s.p = b->p + from + 4;
	if (sc->unfolded) {
		memcpy(b->p + from + 4, raw.p, raw.n);
		s.n = raw.n;
	} else {
		s.n = fold_digits(b->p + from + 4, raw);
	}
	length = (uint32_t)s.n;
	memcpy(b->p + from, &length, sizeof length);
	b->n = from + 4 + s.n;
	if (check_length(pa, sc, s, step) != 0)
		return -1;
	for (unsigned i = 0; i < sc->n_any; i++)
		if (slice_eq(s, sc->any[i]))
			goto known;
	if (sc->n_any != 0)
		return not_one_of(pa, sc, s, step);
known:
	why = sc->format == FORMAT_NONE ? NULL : parser_format(sc, s, &v);
	if (why != NULL)
		return parser_fail(pa, FAULT_BAD_VALUE, step, "%s", why);
	if (sc->keep >= 0) {
		if (v.kind == VALUE_STRING)
			v.s = s;
		pa->keep[sc->keep] = v;
	}
	if (sc->roles == 0 && sc->capture < 0)
		return 0;
	if (check_key(pa, s, step) != 0)
		return -1;
	if (sc->capture >= 0)
		pa->captured[sc->capture] = s;
	return add_refs(pa, sc, s, step);
}

static int
walk_integer(struct event_parser *pa, const struct schema *sc, uint32_t at, const struct step *step)
{
	int64_t v;

	if (!parser_integer(&pa->tree, at, &v))
		return parser_fail(
		    pa, FAULT_BAD_VALUE, step, json_letter(&pa->tree, at) == 'u' ? "does not fit 64 bits with sign" : "must be an integer");
	if (v < sc->min || v > sc->max)
		return parser_fail(
		    pa, FAULT_BAD_VALUE, step, v < sc->min ? "is less than %lld" : "is more than %lld", (long long)(v < sc->min ? sc->min : sc->max));
	for (unsigned i = 0; i < sc->n_any; i++)
		if (v == sc->any_integer[i])
			goto known;
	if (sc->n_any != 0)
		return parser_fail(pa, FAULT_BAD_VALUE, step, "is not one of %.400s", sc->any_text);
known:
	buf_add_u64(&pa->canon, (uint64_t)v);
	if (sc->keep >= 0)
		pa->keep[sc->keep] = (struct value){.kind = VALUE_INTEGER, .i = v};
	return 0;
}

static int walk_object(struct event_parser *pa, const struct schema *ob, uint32_t at, const struct step *step);

/* Recursion ends with the contract: LIMIT_CONTRACT_DEPTH. */
static int
walk(struct event_parser *pa, const struct schema *sc, uint32_t at, const struct step *step)
{
	const struct json_tree *jt = &pa->tree;
	size_t count_at, n = 0;
	uint32_t end;
	char letter;

	switch (sc->kind) {
	case SCHEMA_OBJECT:
		return walk_object(pa, sc, at, step);
	case SCHEMA_STRING:
		return walk_string(pa, sc, at, step);
	case SCHEMA_INTEGER:
		return walk_integer(pa, sc, at, step);
	case SCHEMA_BOOLEAN:
		letter = json_letter(jt, at);
		if (letter != 't' && letter != 'f')
			return parser_fail(pa, FAULT_BAD_VALUE, step, "must be true or false");
		buf_add_u8(&pa->canon, letter == 't');
		if (sc->keep >= 0)
			pa->keep[sc->keep] = (struct value){.kind = VALUE_BOOLEAN, .i = letter == 't'};
		return 0;
	case SCHEMA_ARRAY:
		break;
	}
	if (json_letter(jt, at) != '[')
		return parser_fail(pa, FAULT_BAD_VALUE, step, "must be a list");
	end = json_next(jt, at) - 1;
	count_at = pa->canon.n;
	buf_add_u32(&pa->canon, 0);
	for (at++; at != end; at = json_next(jt, at)) {
		struct step element = {step, {NULL, 0}, n};

		if ((int64_t)++n > sc->max)
			return parser_fail(pa, FAULT_BAD_VALUE, step, "more than %lld elements", (long long)sc->max);
		if (walk(pa, sc->items, at, &element) != 0)
			return -1;
	}
	if ((int64_t)n < sc->min)
		return parser_fail(pa, FAULT_BAD_VALUE, step, "fewer than %lld elements", (long long)sc->min);
	if (buf_ok(&pa->canon)) {
		uint32_t count = (uint32_t)n;

		memcpy(pa->canon.p + count_at, &count, sizeof count);
	}
	return 0;
}

static int
walk_object(struct event_parser *pa, const struct schema *ob, uint32_t at, const struct step *up)
{
	struct members members;

	if (parser_members(pa, ob, at, up, &members) != 0)
		return -1;
	if (ob->person && (members.seen >> ob->identifier & 1) == 0)
		pa->nameless |= ob->properties[ob->identifier].schema->roles;
	buf_add_u8(&pa->canon, (uint8_t)__builtin_popcountll(members.seen));
	for (uint64_t left = members.seen; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		struct step step = {up, ob->properties[i].name, 0};

		buf_add(&pa->canon, &ob->properties[i].name_hash, sizeof ob->properties[i].name_hash);
		if (walk(pa, ob->properties[i].schema, members.at[i], &step) != 0)
			return -1;
	}
	return 0;
}

uint64_t
event_identity_hash(struct slice source, struct slice id)
{
	return hash64_seeded(id, hash64(source));
}

static int
parse(struct event_parser *pa, struct slice raw, struct event *ev)
{
	const struct contract *co;
	XXH128_hash_t hash;

	if (parser_read(pa, raw) != 0)
		return -1;
	(void)stage_enter(STAGE_VALIDATE); /* event_parse leaves it */
	if (parser_envelope(pa, ev) != 0)
		return -1;
	ev->hash = event_identity_hash(ev->source, ev->id);
	co = ev->contract;
	pa->n_found = 0;
	pa->nameless = 0;
	memset(pa->keep, 0, co->layout->n_fields * sizeof *pa->keep);
	memset(pa->captured, 0, co->n_captures * sizeof *pa->captured);
	buf_clear(&pa->canon);
	buf_add(&pa->canon, co->type.p, co->type.n + 1);
	buf_add_instant(&pa->canon, ev->time);
	if (walk_object(pa, co->data, pa->envelope[ENVELOPE_DATA], &step_data) != 0)
		return -1;
	if (!buf_ok(&pa->canon))
		return parser_fail(pa, FAULT_LIMIT, NULL, "too much content");
	hash = XXH3_128bits_withSeed(pa->canon.p, pa->canon.n, pa->seed);
	ev->content_hash[0] = hash.low64;
	ev->content_hash[1] = hash.high64;
	if (record_join(pa, co) != 0 || record_refs(pa, co, ev) != 0 || record_kept(pa, co->layout, ev) != 0)
		return -1;
	ev->nameless = pa->nameless;
	return record_target(pa, co, ev);
}

enum event_fault
event_parse(struct event_parser *pa, struct slice raw, struct arena *arena, struct event *ret, struct slice *ret_detail)
{
	enum stage stage = stage_enter(STAGE_PARSE);
	struct event ev = {0};
	int rc;

	pa->fault = FAULT_NONE;
	pa->arena = arena;
	rc = parse(pa, raw, &ev);
	stage_leave(stage);
	if (rc != 0) {
		*ret_detail = pa->detail;
		return pa->fault;
	}
	*ret = ev;
	return FAULT_NONE;
}
