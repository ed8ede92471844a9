#include "engine/flow/registrar.h"

#include "engine/flow/keys.h"
#include "state/base/table.h"

#include <stdlib.h>

enum { IDENT_CONTENT = 1, IDENT_RETRACTS = 2, IDENT_CONTESTED = 4, IDENT_NAMELESS = 8 };

/* Stored under 'I' name id as: u8 1 | u8 flags | varint retractors | content hash, u64 twice | varint at | varint raw_len |
 * varint rule_set | varint stream | varint number. */
struct ident {
	uint64_t hash, content[2];
	uint64_t at, number; /* raw bytes in the journal; position in its stream */
	uint32_t source, stream, raw_len, rule_set;
	uint32_t retractors; /* standing retractions that name it, itself not counted */
	uint16_t id_len;
	uint8_t flags;
	char id[];
};

struct registrar {
	struct registrar_env env;
	struct table table;
	struct arena arena;
	struct ident **v;
	size_t n, cap;
	struct buf key, value, raw;
};

int
registrar_new(struct registrar **ret, const struct registrar_env *env, struct err *err)
{
	*ret = calloc(1, sizeof **ret);
	if (*ret == NULL)
		return err_nomem(err);
	(*ret)->env = *env;
	return 0;
}

void
registrar_free(struct registrar *rg)
{
	if (rg == NULL)
		return;
	table_free(&rg->table);
	arena_free(&rg->arena);
	free(rg->v);
	buf_free(&rg->key);
	buf_free(&rg->value);
	buf_free(&rg->raw);
	free(rg);
}

size_t
registrar_bytes(const struct registrar *rg)
{
	return rg->arena.bytes + rg->table.cap * sizeof(struct table_slot);
}

static void
make_key(struct registrar *rg, uint32_t source, struct slice id)
{
	buf_clear(&rg->key);
	buf_add_u8(&rg->key, 'I');
	key_add_name(&rg->key, source);
	buf_add_slice(&rg->key, id);
}

static int
decode(struct ident *in, struct slice value)
{
	struct rd r = rd_of(value);

	if (rd_u8(&r) != 1)
		return -1;
	in->flags = rd_u8(&r);
	in->retractors = (uint32_t)rd_varint(&r);
	in->content[0] = rd_u64(&r);
	in->content[1] = rd_u64(&r);
	in->at = rd_varint(&r);
	in->raw_len = (uint32_t)rd_varint(&r);
	in->rule_set = (uint32_t)rd_varint(&r);
	in->stream = (uint32_t)rd_varint(&r);
	in->number = rd_varint(&r);
	return r.bad ? -1 : 0;
}

static void
encode(const struct ident *in, struct buf *b)
{
	buf_clear(b);
	buf_add_u8(b, 1);
	buf_add_u8(b, in->flags);
	buf_add_varint(b, in->retractors);
	buf_add_u64(b, in->content[0]);
	buf_add_u64(b, in->content[1]);
	buf_add_varint(b, in->at);
	buf_add_varint(b, in->raw_len);
	buf_add_varint(b, in->rule_set);
	buf_add_varint(b, in->stream);
	buf_add_varint(b, in->number);
}

static struct ident *
find(const struct registrar *rg, uint32_t source, struct slice id, uint64_t hash)
{
	struct ident *in;

	for (size_t pos = table_start(&rg->table, hash); (in = table_probe(&rg->table, hash, &pos)) != NULL;)
		if (in->source == source && slice_eq(slice_of(in->id, in->id_len), id))
			return in;
	return NULL;
}

/* From the store, if it may be there. 1, 0 or -1. */
static int
load(struct registrar *rg, struct ident *in, uint64_t hash, struct slice id, struct err *err)
{
	int rc;

	if (!*rg->env.loading || !filter_maybe(rg->env.filter, hash))
		return 0;
	make_key(rg, in->source, id);
	if (!buf_ok(&rg->key))
		return err_nomem(err);
	rc = store_get(rg->env.store, buf_slice(&rg->key), &rg->value, err);
	if (rc > 0 && decode(in, buf_slice(&rg->value)) != 0)
		return err_set(err, ERR_CORRUPT, "the record of event %.*s is damaged: restore a backup (dideban restore)", SLICE_ARG(id));
	return rc;
}

/* The identity, made if it never came. */
static struct ident *
get(struct registrar *rg, uint32_t source, struct slice id, uint64_t hash, struct err *err)
{
	struct ident *in = find(rg, source, id, hash);
	int rc;

	if (in != NULL)
		return in;
	in = arena_alloc(&rg->arena, sizeof *in + id.n);
	if (in == NULL)
		goto nomem;
	*in = (struct ident){.hash = hash, .source = source, .id_len = (uint16_t)id.n};
	memcpy(in->id, id.p, id.n);
	rc = load(rg, in, hash, id, err);
	if (rc < 0 || (rc == 0 && filter_add(rg->env.filter, hash, err) != 0))
		return NULL;
	if (rg->n == rg->cap) {
		size_t cap = rg->cap == 0 ? 4096 : rg->cap * 2;
		struct ident **v = realloc(rg->v, cap * sizeof(struct ident *));

		if (v == NULL)
			goto nomem;
		rg->v = v;
		rg->cap = cap;
	}
	if (table_add(&rg->table, hash, in) != 0)
		goto nomem;
	rg->v[rg->n++] = in;
	return in;
nomem:
	(void)err_nomem(err);
	return NULL;
}

int
registrar_save(struct registrar *rg, struct err *err)
{
	for (size_t i = 0; i < rg->n; i++) {
		const struct ident *in = rg->v[i];

		make_key(rg, in->source, slice_of(in->id, in->id_len));
		encode(in, &rg->value);
		if (!buf_ok(&rg->key) || !buf_ok(&rg->value))
			return err_nomem(err);
		if (changes_put(rg->env.changes, buf_slice(&rg->key), buf_slice(&rg->value), err) != 0)
			return -1;
	}
	rg->n = 0;
	table_clear(&rg->table);
	arena_reset(&rg->arena);
	return 0;
}

int
registrar_find(struct registrar *rg, struct slice source, struct slice id, uint64_t *ret_at, uint32_t *ret_len, struct err *err)
{
	struct ident *in, stored = {0};
	uint64_t hash = event_identity_hash(source, id);
	uint32_t name;
	int rc;

	if (!names_find(rg->env.names, source, &name))
		return 0;
	in = find(rg, name, id, hash);
	if (in == NULL) {
		stored.source = name;
		rc = load(rg, &stored, hash, id, err);
		if (rc <= 0)
			return rc;
		in = &stored;
	}
	*ret_at = in->at;
	*ret_len = in->raw_len;
	return (in->flags & IDENT_CONTENT) != 0;
}

/* Bytes that are read alone are not under their record's checksum, and one flipped bit can make another valid event of one. */
static bool
same_event(const struct registrar *rg, const struct ident *in, const struct event *ev)
{
	return memcmp(in->content, ev->content_hash, sizeof in->content) == 0 && slice_eq(ev->id, slice_of(in->id, in->id_len)) &&
	       slice_eq(ev->source, names_text(rg->env.names, in->source));
}

/* Reads the standing content again, as its own contracts understood it. */
static int
read_event(struct registrar *rg, const struct ident *in, struct arena *arena, struct event *ret, struct slice *ret_raw, struct event_parser **ret_pa,
    struct err *err)
{
	struct slice detail;
	enum event_fault fault;
	char *raw = arena_alloc(arena, (size_t)in->raw_len + 1);

	if (raw == NULL)
		return err_nomem(err);
	if (rg->env.read(rg->env.ctx, in->at, raw, in->raw_len, err) != 0 || rg->env.parser(rg->env.ctx, in->rule_set, ret_pa, err) != 0)
		return -1;
	*ret_raw = slice_of(raw, in->raw_len);
	fault = event_parse(*ret_pa, *ret_raw, arena, ret, &detail);
	if (event_starved(fault, detail))
		return err_nomem(err);
	if (fault != FAULT_NONE)
		return err_set(err, ERR_CORRUPT,
		    "event %.*s of the journal is damaged (%.*s): dideban store verify says where; restore the newest backup", (int)in->id_len,
		    in->id, SLICE_ARG(detail));
	if (!same_event(rg, in, ret))
		return err_set(err, ERR_CORRUPT,
		    "event %.*s of the journal is damaged (it is not the one that was taken in): dideban store verify says where; restore the newest "
		    "backup",
		    (int)in->id_len, in->id);
	return 0;
}

static int
emit(struct registrar *rg, const struct ident *in, const struct event *ev, bool contested, bool remove, struct err *err)
{
	struct registered re = {ev, in->source, in->stream, in->number, contested};

	return rg->env.emit(rg->env.ctx, &re, remove, err);
}

static bool
stands(const struct ident *in)
{
	return (in->flags & IDENT_CONTENT) != 0 && (in->flags & IDENT_RETRACTS) == 0 && in->retractors == 0;
}

/* A retraction began or ceased to stand: its target goes or comes back. */
static int
aim(struct registrar *rg, struct ident *in, const struct event *ev, bool add, struct arena *arena, struct err *err)
{
	struct event target_ev;
	struct event_parser *pa;
	struct slice raw;
	struct ident *target;
	uint32_t source;
	bool was, is;

	if (names_intern(rg->env.names, ev->target_source, rg->env.changes, &source, err) != 0)
		return -1;
	target = get(rg, source, ev->target_id, event_identity_hash(ev->target_source, ev->target_id), err);
	if (target == NULL)
		return -1;
	if (target == in) {
		rg->env.stats->retractions_void += add;
		return 0;
	}
	was = stands(target);
	target->retractors += add ? 1 : UINT32_MAX;
	is = stands(target);
	if (add && (target->flags & IDENT_RETRACTS) != 0)
		rg->env.stats->retractions_void++;
	if (was == is)
		return 0;
	rg->env.stats->retracted += add;
	if (read_event(rg, target, arena, &target_ev, &raw, &pa, err) != 0)
		return -1;
	return emit(rg, target, &target_ev, (target->flags & IDENT_CONTESTED) != 0, !is, err);
}

/* A content begins to stand. */
static int
enter(struct registrar *rg, struct ident *in, const struct event *ev, struct arena *arena, struct err *err)
{
	in->flags |= IDENT_CONTENT;
	if (ev->retracts) {
		in->flags |= IDENT_RETRACTS;
		rg->env.stats->retractions_void += in->retractors > 0;
		return aim(rg, in, ev, true, arena, err);
	}
	in->flags &= (uint8_t)~IDENT_RETRACTS;
	if (in->retractors > 0) {
		rg->env.stats->retracted++;
		return 0;
	}
	return emit(rg, in, ev, (in->flags & IDENT_CONTESTED) != 0, false, err);
}

/* A content ceases to stand. */
static int
leave(struct registrar *rg, struct ident *in, const struct event *ev, bool contested, struct arena *arena, struct err *err)
{
	if (ev->retracts)
		return aim(rg, in, ev, false, arena, err);
	return in->retractors > 0 ? 0 : emit(rg, in, ev, contested, true, err);
}

static void
assume(struct ident *in, const struct batch_item *it, uint64_t at, uint32_t stream, uint32_t rule_set)
{
	memcpy(in->content, it->ev.content_hash, sizeof in->content);
	in->at = at;
	in->raw_len = (uint32_t)it->raw.n;
	in->rule_set = rule_set;
	in->stream = stream;
	in->number = it->number;
	in->flags = (uint8_t)(it->ev.nameless == 0 ? in->flags & ~IDENT_NAMELESS : in->flags | IDENT_NAMELESS);
}

static int
set_aside(struct registrar *rg, const uint8_t id[QUARANTINE_ID_BYTES], struct slice raw, uint32_t stream, uint64_t number, struct instant now,
    struct err *err)
{
	struct quarantine_item qi = {.fault = FAULT_CONFLICT,
	    .detail = slice_str("another content came under the same source and id; the one with the smallest SHA-256 stands"),
	    .raw = raw,
	    .stream = names_text(rg->env.names, stream),
	    .number = number,
	    .full_bytes = raw.n,
	    .seen = now};

	memcpy(qi.id, id, QUARANTINE_ID_BYTES);
	return quarantine_add(rg->env.quarantine, rg->env.store, &qi, rg->env.quarantine_next, err);
}

/* Of one content of one identity. Never of the content alone: what was beaten under another identity may stand under this one. */
static int
conflict_id(struct registrar *rg, const struct ident *in, const uint8_t sum[32], uint8_t ret[QUARANTINE_ID_BYTES], struct err *err)
{
	buf_clear(&rg->value);
	buf_add(&rg->value, sum, 32);
	buf_add_blob(&rg->value, names_text(rg->env.names, in->source));
	buf_add_blob(&rg->value, slice_of(in->id, in->id_len));
	if (!buf_ok(&rg->value))
		return err_nomem(err);
	quarantine_make_id(ret, FAULT_CONFLICT, buf_slice(&rg->value));
	return 0;
}

/* Same identity, other content: the smaller SHA-256 stands. */
static int
conflict(struct registrar *rg, struct ident *in, const struct batch_item *it, uint64_t at, uint32_t stream, uint32_t rule_set, struct instant now,
    struct arena *arena, struct err *err)
{
	uint8_t new_sum[32], old_sum[32], id[QUARANTINE_ID_BYTES];
	struct event_parser *pa, *old_pa;
	struct event old;
	struct slice old_raw;
	bool contested = (in->flags & IDENT_CONTESTED) != 0, wins;
	int rc;

	if (rg->env.parser(rg->env.ctx, rule_set, &pa, err) != 0 || event_content_sha256(pa, it->raw, new_sum, err) != 0 ||
	    conflict_id(rg, in, new_sum, id, err) != 0)
		return -1;
	rc = contested ? quarantine_has(rg->env.quarantine, rg->env.store, id, err) : 0;
	if (rc != 0) {
		rg->env.stats->duplicates += rc > 0;
		return rc < 0 ? -1 : 0;
	}
	if (read_event(rg, in, arena, &old, &old_raw, &old_pa, err) != 0 || event_content_sha256(old_pa, old_raw, old_sum, err) != 0)
		return -1;
	if (memcmp(new_sum, old_sum, sizeof new_sum) == 0) { /* equal but for the seeded hash: contracts named a field anew */
		rg->env.stats->duplicates++;
		return 0;
	}
	wins = memcmp(new_sum, old_sum, sizeof new_sum) < 0;
	in->flags |= IDENT_CONTESTED;
	rg->env.stats->quarantined++;
	rg->env.stats->by_fault[FAULT_CONFLICT]++;
	if (!wins) {
		if (set_aside(rg, id, it->raw, stream, it->number, now, err) != 0)
			return -1;
		if (contested || !stands(in))
			return 0;
		return emit(rg, in, &old, false, true, err) != 0 ? -1 : emit(rg, in, &old, true, false, err);
	}
	if (conflict_id(rg, in, old_sum, id, err) != 0 || set_aside(rg, id, old_raw, in->stream, in->number, now, err) != 0 ||
	    leave(rg, in, &old, contested, arena, err) != 0)
		return -1;
	assume(in, it, at, stream, rule_set);
	return enter(rg, in, &it->ev, arena, err);
}

void
registrar_expect(const struct registrar *rg, const struct event *ev)
{
	table_expect(&rg->table, ev->hash);
	filter_expect(rg->env.filter, ev->hash);
}

int
registrar_take(struct registrar *rg, const struct batch_item *it, uint64_t at, uint32_t stream, uint32_t rule_set, struct instant now,
    struct arena *arena, struct err *err)
{
	struct ident *in;
	uint32_t source;

	rg->env.stats->consumed++;
	if (names_intern(rg->env.names, it->ev.source, rg->env.changes, &source, err) != 0)
		return -1;
	in = get(rg, source, it->ev.id, it->ev.hash, err);
	if (in == NULL)
		return -1;
	if ((in->flags & IDENT_CONTENT) == 0) {
		rg->env.stats->processed++;
		assume(in, it, at, stream, rule_set);
		return enter(rg, in, &it->ev, arena, err);
	}
	if (memcmp(in->content, it->ev.content_hash, sizeof in->content) == 0) {
		rg->env.stats->duplicates++;
		return 0;
	}
	return conflict(rg, in, it, at, stream, rule_set, now, arena, err);
}

/* One record of the store. 1: nameless and standing, *ret in the arena; 0: another; -1: error. */
static int
take_nameless(struct slice key, struct slice value, struct arena *arena, struct ident **ret, struct err *err)
{
	struct rd r = rd_of(key);
	struct ident head = {0}, *in;
	struct slice id;

	(void)rd_u8(&r);
	head.source = key_name(&r);
	id = rd_bytes(&r, rd_left(&r));
	if (r.bad || decode(&head, value) != 0)
		return err_set(err, ERR_CORRUPT, "the record of event %.*s is damaged: restore a backup (dideban restore)", SLICE_ARG(id));
	if ((head.flags & IDENT_NAMELESS) == 0 || !stands(&head))
		return 0;
	arena_reset(arena);
	in = arena_alloc(arena, sizeof *in + id.n);
	if (in == NULL)
		return err_nomem(err);
	*in = head;
	in->id_len = (uint16_t)id.n;
	memcpy(in->id, id.p, id.n);
	*ret = in;
	return 1;
}

int
registrar_each_nameless(
    struct registrar *rg, struct arena *arena, int (*fn)(void *ctx, const struct event *ev, struct err *err), void *ctx, struct err *err)
{
	struct store_iter *it = NULL;
	struct slice key, value;
	int rc = store_iter_open(&it, rg->env.store, slice_of("I", 1), slice_of("J", 1), err);

	while (rc == 0 && (rc = store_iter_next(it, &key, &value, err)) > 0) {
		struct event_parser *pa;
		struct ident *in = NULL;
		struct event ev;
		struct slice raw;

		rc = take_nameless(key, value, arena, &in, err);
		if (rc > 0)
			rc = read_event(rg, in, arena, &ev, &raw, &pa, err) != 0 || fn(ctx, &ev, err) != 0 ? -1 : 0;
	}
	store_iter_close(it);
	return rc;
}
