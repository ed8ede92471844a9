#include "engine/event/sample.h"

#include "engine/event/schema.h"

#define SAMPLE_SCHEME "x-test:"

const struct contract *
contracts_retraction(const struct contracts *cs)
{
	for (size_t i = 0; i < cs->n; i++)
		if (cs->v[i]->retracts)
			return cs->v[i];
	return NULL;
}

void
sample_person_id(struct buf *ret, struct slice text)
{
	if (memchr(text.p, ':', text.n) == NULL)
		buf_add_str(ret, SAMPLE_SCHEME);
	buf_add_slice(ret, text);
}

static void
add_person(struct buf *b, struct slice text)
{
	struct buf id = {0};

	sample_person_id(&id, text);
	buf_add_str(b, "{\"id\":");
	json_quote(b, buf_slice(&id));
	buf_add_str(b, "}");
	b->bad = b->bad || !buf_ok(&id);
	buf_free(&id);
}

static void
add_time(struct buf *b, struct instant t)
{
	char text[INSTANT_TEXT_BYTES];
	size_t n = instant_format(t, text);

	json_quote(b, slice_of(text, n));
}

/* "case_id-1", cut or padded to the field's bounds (ASCII: a byte is a character). */
static void
add_text(struct buf *b, const struct contract *co, const struct schema *sc, struct slice name)
{
	bool whole = false; /* a role whose text is KIND/KEY */
	size_t n = name.n + 2, max = sc->max > 0 && sc->max < 128 ? (size_t)sc->max : 128, min = sc->min > 0 ? (size_t)sc->min : 0;
	struct buf text = {0};

	for (unsigned i = 0; i < co->n_roles; i++)
		whole = whole || ((sc->roles >> i & 1) != 0 && co->roles[i].prefix.n == 0);
	buf_add_slice(&text, name);
	buf_add_str(&text, whole ? "/1" : "-1");
	for (; n < min && buf_ok(&text); n++)
		buf_add_u8(&text, '0');
	if (buf_ok(&text))
		json_quote(b, slice_of(text.p, n > max && min <= max ? max : n));
	b->bad = b->bad || !buf_ok(&text);
	buf_free(&text);
}

static void add_object(struct buf *b, const struct contract *co, const struct schema *ob, const struct sample_event *se);

static void
add_sample(struct buf *b, const struct contract *co, const struct schema *sc, struct slice name, const struct sample_event *se)
{
	int64_t i = 1;

	if (sc->person) {
		add_person(b, name);
		return;
	}
	switch (sc->kind) {
	case SCHEMA_OBJECT:
		add_object(b, co, sc, se);
		return;
	case SCHEMA_ARRAY:
		buf_add_str(b, "[");
		for (int64_t k = 0; k < sc->min && sc->items != NULL; k++) {
			if (k > 0)
				buf_add_str(b, ",");
			add_sample(b, co, sc->items, name, se);
		}
		buf_add_str(b, "]");
		return;
	case SCHEMA_BOOLEAN:
		buf_add_str(b, "true");
		return;
	case SCHEMA_INTEGER:
		if (sc->n_any != 0 && sc->any_integer != NULL)
			i = sc->any_integer[0];
		else if (i < sc->min || i > sc->max)
			i = sc->min;
		buf_printf(b, "%lld", (long long)i);
		return;
	case SCHEMA_STRING:
		if (sc->n_any != 0)
			json_quote(b, sc->any[0]);
		else if (sc->format == FORMAT_DATE_TIME)
			add_time(b, se->time);
		else if (sc->format == FORMAT_DATE)
			buf_add_str(b, "\"2000-01-01\"");
		else if (sc->format == FORMAT_DECIMAL)
			buf_add_str(b, "\"1\"");
		else
			add_text(b, co, sc, name);
		return;
	}
}

/* What an object needs, nothing more. */
static void
add_object(struct buf *b, const struct contract *co, const struct schema *ob, const struct sample_event *se)
{
	bool first = true;

	buf_add_str(b, "{");
	for (unsigned i = 0; i < ob->n_properties; i++) {
		unsigned at = ob->order[i];

		if ((ob->required >> at & 1) == 0)
			continue;
		if (!first)
			buf_add_str(b, ",");
		first = false;
		json_quote(b, ob->properties[at].name);
		buf_add_str(b, ":");
		add_sample(b, co, ob->properties[at].schema, ob->properties[at].name, se);
	}
	buf_add_str(b, "}");
}

static void
add_given(struct buf *b, const struct schema *sc, const struct sample_field *sf, const struct sample_event *se)
{
	if (sf->value.kind == VALUE_NONE)
		buf_add_slice(b, sf->json);
	else if (sc != NULL && sc->person && sf->value.kind == VALUE_STRING)
		add_person(b, sf->value.s);
	else if (sc != NULL && sc->format == FORMAT_DATE_TIME && sf->value.kind == VALUE_INTEGER && sf->value.i > -3000000 && sf->value.i < 3000000)
		add_time(b, instant_plus(se->day_zero, sf->value.i * 86400));
	else
		value_json(b, &sf->value);
}

/* The schema of the top-level field that names the identifier inside `sc` (a person reference), or sc itself. */
static const struct schema *
key_schema(const struct schema *sc)
{
	for (unsigned i = 0; sc->person && i < sc->n_properties; i++)
		if (slice_eq_str(sc->properties[i].name, person_members[0].name))
			return sc->properties[i].schema;
	return sc;
}

/* Part `k` of "a:b". */
static struct slice
part_of(struct slice s, unsigned k)
{
	for (;;) {
		const char *colon = s.n == 0 ? NULL : memchr(s.p, ':', s.n);

		if (k-- == 0)
			return slice_of(s.p, colon == NULL ? s.n : (size_t)(colon - s.p));
		if (colon == NULL)
			return slice_of("", 0);
		s = slice_of(colon + 1, s.n - (size_t)(colon + 1 - s.p));
	}
}

/* Appends the field's part of the subject's key, if it names the subject. */
static bool
add_subject(struct buf *b, const struct contract *co, const struct schema *sc, const struct sample_event *se)
{
	int role = se->role.n == 0 ? -1 : layout_role_index(co->layout, se->role);
	const struct schema *key = key_schema(sc);

	if (role < 0 || se->subject.n == 0)
		return false;
	if ((key->roles >> role & 1) != 0) {
		if (sc->person)
			add_person(b, se->subject);
		else
			json_quote(b, se->subject);
		return sc->kind != SCHEMA_ARRAY;
	}
	for (unsigned k = 0; k < co->roles[role].n_parts; k++)
		if (key->capture >= 0 && co->roles[role].parts[k] == (unsigned)key->capture) {
			json_quote(b, part_of(se->subject, k));
			return true;
		}
	return false;
}

static bool
add_target(struct buf *b, const struct contract *co, const struct schema *sc, const struct sample_event *se)
{
	if (!co->retracts || sc->capture < 0 || se->target_id.n == 0)
		return false;
	if ((unsigned)sc->capture != co->target_source && (unsigned)sc->capture != co->target_id)
		return false;
	json_quote(b, (unsigned)sc->capture == co->target_source ? se->target_source : se->target_id);
	return true;
}

static const struct sample_field *
given(const struct sample_event *se, struct slice name)
{
	for (size_t i = 0; i < se->n_fields; i++)
		if (slice_eq(se->fields[i].name, name))
			return &se->fields[i];
	return NULL;
}

static bool
left_out(const struct sample_event *se, struct slice name)
{
	for (size_t i = 0; i < se->n_without; i++)
		if (slice_eq(se->without[i], name))
			return true;
	return false;
}

static void
add_property(struct buf *b, const struct contract *co, const struct schema_property *pr, bool required, const struct sample_event *se)
{
	const struct sample_field *sf = given(se, pr->name);
	size_t before = b->n, start;

	if (left_out(se, pr->name))
		return;
	if (b->n > 0 && b->p[b->n - 1] != '{')
		buf_add_str(b, ",");
	json_quote(b, pr->name);
	buf_add_str(b, ":");
	start = b->n;
	if (sf != NULL)
		add_given(b, pr->schema, sf, se);
	else if (add_target(b, co, pr->schema, se) || add_subject(b, co, pr->schema, se))
		return;
	else if (required)
		add_sample(b, co, pr->schema, pr->name, se);
	if (b->n == start && buf_ok(b))
		b->n = before;
}

/* Given fields that the contract does not know: the parser names them with a suggestion. */
static void
add_unknown(struct buf *b, const struct schema *data, const struct sample_event *se)
{
	for (size_t i = 0; i < se->n_fields; i++) {
		bool known = false;

		for (unsigned k = 0; k < data->n_properties && !known; k++)
			known = slice_eq(data->properties[k].name, se->fields[i].name);
		if (known)
			continue;
		if (b->p[b->n - 1] != '{')
			buf_add_str(b, ",");
		json_quote(b, se->fields[i].name);
		buf_add_str(b, ":");
		add_given(b, NULL, &se->fields[i], se);
	}
}

int
sample_event_json(const struct contract *co, const struct sample_event *se, struct buf *ret, struct err *err)
{
	const struct schema *data = co->data;

	buf_add_str(ret, "{\"specversion\":\"1.0\",\"id\":");
	json_quote(ret, se->id);
	buf_add_str(ret, ",\"source\":");
	json_quote(ret, se->source);
	buf_add_str(ret, ",\"type\":");
	json_quote(ret, co->type);
	buf_add_str(ret, ",\"time\":");
	add_time(ret, se->time);
	buf_add_str(ret, ",\"datacontenttype\":\"application/json\",\"data\":{");
	for (unsigned i = 0; i < data->n_properties && buf_ok(ret); i++)
		add_property(ret, co, &data->properties[data->order[i]], (data->required >> data->order[i] & 1) != 0, se);
	if (buf_ok(ret))
		add_unknown(ret, data, se);
	buf_add_str(ret, "}}");
	return buf_ok(ret) ? 0 : err_nomem(err);
}
