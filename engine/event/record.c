/* What the walk found, written into the flat record: references, kept fields, target. */
#include "engine/event/parser.h"

#include "state/base/hash.h"

int
record_join(struct event_parser *pa, const struct contract *co)
{
	for (unsigned r = 0; r < co->n_roles; r++) {
		const struct contract_role *role = &co->roles[r];
		size_t n = role->n_parts;
		unsigned i = 0;
		char *p;

		for (; i < role->n_parts && pa->captured[role->parts[i]].p != NULL; i++)
			n += pa->captured[role->parts[i]].n;
		if (role->n_parts == 0 || i < role->n_parts)
			continue;
		p = arena_alloc(pa->arena, n);
		if (p == NULL)
			return parser_fail(pa, FAULT_LIMIT, NULL, "out of memory");
		n = 0;
		for (i = 0; i < role->n_parts; i++) {
			struct slice part = pa->captured[role->parts[i]];

			if (i + 1 < role->n_parts && memchr(part.p, ':', part.n) != NULL)
				return parser_fail(
				    pa, FAULT_BAD_VALUE, &step_data, "the parts of %s but the last may hold no ':'", co->layout->roles[r].name);
			if (i != 0)
				p[n++] = ':';
			memcpy(p + n, part.p, part.n);
			n += part.n;
		}
		if (pa->n_found == LIMIT_REFS)
			return parser_fail(pa, FAULT_BAD_VALUE, &step_data, "the event names more than %d subjects", LIMIT_REFS);
		pa->found[pa->n_found++] = (struct found_ref){r, slice_of(p, n)};
	}
	return 0;
}

int
record_refs(struct event_parser *pa, const struct contract *co, struct event *ev)
{
	struct event_ref *refs;
	size_t bytes = 0;
	unsigned n = 0;
	char *p;

	for (unsigned i = 0; i < pa->n_found; i++) {
		bytes += co->roles[pa->found[i].role].prefix.n + pa->found[i].key.n;
		if (co->roles[pa->found[i].role].prefix.n + pa->found[i].key.n > LIMIT_SUBJECT_BYTES)
			return parser_fail(pa, FAULT_BAD_VALUE, &step_data, "the key of %s is longer than %d bytes",
			    co->layout->roles[pa->found[i].role].name, LIMIT_SUBJECT_BYTES);
		/* Keys of the store end with a zero byte. */
		if (pa->found[i].key.n > 0 && memchr(pa->found[i].key.p, '\0', pa->found[i].key.n) != NULL)
			return parser_fail(
			    pa, FAULT_BAD_VALUE, &step_data, "the key of %s holds the character U+0000", co->layout->roles[pa->found[i].role].name);
	}
	refs = arena_alloc(pa->arena, (pa->n_found + 1) * sizeof *refs + bytes);
	if (refs == NULL)
		return parser_fail(pa, FAULT_LIMIT, NULL, "out of memory");
	p = (char *)(refs + pa->n_found + 1);
	for (unsigned r = 0; r < co->n_roles; r++) {
		unsigned first = n;

		for (unsigned i = 0; i < pa->n_found; i++) {
			struct slice prefix = co->roles[r].prefix, key = pa->found[i].key;
			unsigned k = first;

			if (pa->found[i].role != r)
				continue;
			while (k < n && !slice_eq(slice_of(refs[k].subject.p + prefix.n, refs[k].subject.n - prefix.n), key))
				k++;
			if (k < n)
				continue;
			memcpy(p, prefix.p, prefix.n);
			memcpy(p + prefix.n, key.p, key.n);
			refs[n] = (struct event_ref){.role = (uint8_t)r, .subject = slice_of(p, prefix.n + key.n)};
			refs[n].hash = hash64(refs[n].subject);
			n++;
			p += prefix.n + key.n;
		}
	}
	ev->refs = refs;
	ev->n_refs = n;
	return 0;
}

int
record_kept(struct event_parser *pa, const struct layout *la, struct event *ev)
{
	size_t base = 1 + 2 * (size_t)la->n_fields;
	unsigned char *p, ends[2 * LIMIT_KEPT];

	buf_clear(&pa->kept);
	for (unsigned i = 0; i < la->n_fields; i++) {
		if (pa->keep[i].kind == VALUE_STRING) { /* nearly all are; value_encode without the call */
			buf_add_u8(&pa->kept, VALUE_STRING);
			buf_add_slice(&pa->kept, pa->keep[i].s);
		} else if (pa->keep[i].kind != VALUE_NONE) {
			value_encode(&pa->kept, &pa->keep[i]);
		}
		ends[2 * i] = (unsigned char)pa->kept.n;
		ends[2 * i + 1] = (unsigned char)(pa->kept.n >> 8);
	}
	p = arena_alloc(pa->arena, base + pa->kept.n);
	if (p == NULL || !buf_ok(&pa->kept))
		return parser_fail(pa, FAULT_LIMIT, NULL, "out of memory");
	p[0] = (unsigned char)la->n_fields;
	memcpy(p + 1, ends, base - 1);
	if (pa->kept.n != 0)
		memcpy(p + base, pa->kept.p, pa->kept.n);
	ev->kept = slice_of((const char *)p, base + pa->kept.n);
	return 0;
}

int
record_target(struct event_parser *pa, const struct contract *co, struct event *ev)
{
	ev->retracts = co->retracts;
	if (!co->retracts)
		return 0;
	ev->target_source = arena_copy(pa->arena, pa->captured[co->target_source]);
	ev->target_id = arena_copy(pa->arena, pa->captured[co->target_id]);
	if (ev->target_source.p == NULL || ev->target_id.p == NULL)
		return parser_fail(pa, FAULT_LIMIT, NULL, "out of memory");
	return 0;
}
