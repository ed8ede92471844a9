/* Compiles what the dialect adds to a schema: roles, kept fields, effect and target, class; then the layout that follows from
 * them and the list of fields that `dideban fields` prints. */
#include "engine/event/schema.h"

#include <jansson.h>
#include <stdio.h>

/* Names that a rule reads of the envelope; a kept field of the same name could not be told apart. */
static const char *const reserved[] = {"type", "time", "source", "id"};
static const char letters[] = "otsib"; /* of schema_kind; objects and arrays are never kept */

struct place {
	struct schema *schema;
	bool required; /* at every level of the path */
};

/* Follows "a.b", "a[].b" from the top; false after a mistake at `key`. A person reference stands for its identifier. */
static bool
resolve(struct compile *cc, const char *key, const char *path, bool arrays, struct place *ret)
{
	struct schema *sc = cc->co->data;
	const char *p = path;
	char hint[128];

	ret->required = true;
	while (*p != '\0') {
		size_t n = strcspn(p, ".["), k = 0;
		bool list = strncmp(p + n, "[]", 2) == 0;
		char name[LIMIT_KIND_BYTES + 1];

		while (sc->kind == SCHEMA_OBJECT && k < sc->n_properties && !slice_eq(sc->properties[k].name, slice_of(p, n)))
			k++;
		if (sc->kind != SCHEMA_OBJECT || k == sc->n_properties) {
			(void)snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), p);
			compile_mistake(cc, key, "%s: no field %s%s", path, name,
			    compile_hint(hint, sizeof hint, name, sc->names, sc->kind == SCHEMA_OBJECT ? sc->n_properties : 0));
			return false;
		}
		ret->required = ret->required && (sc->required >> k & 1) != 0;
		sc = sc->properties[k].schema;
		p += n;
		if (list != (sc->kind == SCHEMA_ARRAY) || (list && !arrays)) {
			compile_mistake(cc, key,
			    !arrays ? "%s: a path into an array is not possible here"
			    : list  ? "%s: [] behind what is no array"
				    : "%s: an array; write NAME[] to go into it",
			    path);
			return false;
		}
		if (list) {
			sc = sc->items;
			p += 2;
		}
		if (sc == NULL)
			return false;
		p += *p == '.' && p[1] != '\0';
		if (*p != '\0' && sc->kind != SCHEMA_OBJECT) {
			compile_mistake(cc, key, "%s: goes on behind a field that is no object", path);
			return false;
		}
	}
	for (unsigned i = 0; sc->person && i < sc->n_properties; i++)
		if (slice_eq_str(sc->properties[i].name, person_members[0].name)) {
			sc = sc->properties[i].schema;
			ret->required = false;
			break;
		}
	ret->schema = sc;
	return true;
}

/* The string that a path names, bounded so that it fits a subject or a kept field. */
static struct schema *
resolve_key(struct compile *cc, const char *key, json_t *path, bool arrays)
{
	struct place place;

	if (!json_is_string(path) || json_string_length(path) == 0) {
		compile_mistake(cc, key, "a path is a string such as \"case_id\" or \"parties[].person\"");
		return NULL;
	}
	if (!resolve(cc, key, json_string_value(path), arrays, &place))
		return NULL;
	if (place.schema->kind != SCHEMA_STRING || (place.schema->format != FORMAT_NONE && place.schema->format != FORMAT_PERSON)) {
		compile_mistake(cc, key, "%s: neither a plain string nor a person reference", json_string_value(path));
		return NULL;
	}
	if (place.schema->max > LIMIT_KEPT_STRING_BYTES)
		compile_mistake(
		    cc, key, "%s names a subject or is kept: its maxLength may be at most %d", json_string_value(path), LIMIT_KEPT_STRING_BYTES);
	if (place.schema->max_bytes > LIMIT_KEPT_STRING_BYTES)
		place.schema->max_bytes = LIMIT_KEPT_STRING_BYTES;
	return place.schema;
}

/* The text of this schema is wanted after the walk. */
static int
capture(struct compile *cc, const char *key, struct schema *sc)
{
	if (sc->capture < 0) {
		if (cc->co->n_captures == LIMIT_CAPTURES) {
			compile_mistake(cc, key, "more than %d joined fields", LIMIT_CAPTURES);
			return -1;
		}
		sc->capture = (int16_t)cc->co->n_captures++;
	}
	return sc->capture;
}

static bool
kind_is_good(const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	for (size_t i = 0; i < n; i++)
		if ((s[i] < 'a' || s[i] > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '_' && s[i] != '-')
			return false;
	return n != 0 && n <= LIMIT_KIND_BYTES;
}

static bool
role_name_is_good(const char *s)
{
	size_t n = strlen(s);

	return n != 0 && n <= LIMIT_KIND_BYTES && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

static void
compile_role(struct compile *cc, const char *name, json_t *node)
{
	struct contract *co = cc->co;
	struct contract_role *role = &co->roles[co->n_roles];
	json_t *path = json_object_get(node, "path");
	const char *kind = json_string_value(json_object_get(node, "kind")), *key;
	char *prefix;
	struct schema *sc;
	json_t *v;
	bool whole;
	size_t i;

	if (!role_name_is_good(name)) {
		compile_mistake(cc, NULL, "a role's name is 1 to %d letters, digits, '_' and '-'", LIMIT_KIND_BYTES);
		return;
	}
	json_object_foreach(node, key, v)
	{
		if (strcmp(key, "kind") != 0 && strcmp(key, "path") != 0)
			compile_mistake(cc, key, "%s: a role has kind and path", key);
	}
	whole = kind != NULL && strcmp(kind, "*") == 0 && !json_is_array(path);
	if (kind == NULL || (!whole && !kind_is_good(kind))) {
		compile_mistake(cc, json_object_get(node, "kind") == NULL ? NULL : "kind",
		    "a role needs \"kind\": lower-case letters, digits, '_' and '-'; or \"*\" if the field holds KIND/KEY");
		return;
	}
	prefix = compile_alloc(cc, strlen(kind) + 2);
	if (prefix == NULL)
		return;
	if (!whole)
		(void)snprintf(prefix, strlen(kind) + 2, "%s/", kind);
	role->prefix = slice_str(prefix);
	if (!json_is_array(path)) {
		sc = resolve_key(cc, path == NULL ? NULL : "path", path, true);
		if (sc == NULL)
			return;
		sc->roles |= 1u << co->n_roles++;
		return;
	}
	if (json_array_size(path) < 2 || json_array_size(path) > LIMIT_CAPTURES) {
		compile_mistake(cc, "path", "a joined key has 2 to %d paths", LIMIT_CAPTURES);
		return;
	}
	json_array_foreach(path, i, v)
	{
		int index;

		sc = resolve_key(cc, "path", v, false);
		index = sc == NULL ? -1 : capture(cc, "path", sc);
		if (index < 0)
			return;
		role->parts[i] = (uint8_t)index;
	}
	role->n_parts = (unsigned)json_array_size(path);
	co->n_roles++;
}

static void
compile_roles(struct compile *cc, json_t *root, struct buf *layout)
{
	json_t *roles = json_object_get(root, "x-roles"), *v;
	const char *name;

	if (roles != NULL && (!json_is_object(roles) || json_object_size(roles) > LIMIT_ROLES)) {
		compile_mistake(cc, "x-roles", "x-roles must be an object of at most %d roles", LIMIT_ROLES);
		return;
	}
	compile_enter(cc, "x-roles", 0);
	json_object_foreach(roles, name, v)
	{
		unsigned before = cc->co->n_roles;

		compile_enter(cc, name, 0);
		compile_role(cc, name, v);
		compile_leave(cc);
		if (cc->co->n_roles > before)
			buf_printf(layout, "%s%s=%s", before == 0 ? "" : ",", name, json_string_value(json_object_get(v, "kind")));
	}
	compile_leave(cc);
}

static void
compile_kept(struct compile *cc, json_t *entry, unsigned *n, struct buf *layout)
{
	const char *path = json_string_value(entry);
	struct place place;
	struct schema *sc;
	char letter;

	if (path == NULL || *path == '\0' || strlen(path) > LIMIT_KIND_BYTES) {
		compile_mistake(cc, NULL, "x-keep lists paths of at most %d bytes", LIMIT_KIND_BYTES);
		return;
	}
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (strcmp(path, reserved[i]) == 0) {
			compile_mistake(cc, NULL, "%s cannot be kept: rules read the event's own %s under this name", path, path);
			return;
		}
	if (!resolve(cc, NULL, path, false, &place))
		return;
	sc = place.schema;
	if (sc->kind == SCHEMA_OBJECT) {
		compile_mistake(cc, NULL, "%s is an object: keep the fields inside it", path);
		return;
	}
	if (sc->format == FORMAT_PERSON && sc->shape == PERSON_SEX) {
		compile_mistake(cc, NULL, "%s is for identity matching only and cannot be kept", path);
		return;
	}
	if (sc->keep >= 0) {
		compile_mistake(cc, NULL, "%s is kept twice", path);
		return;
	}
	if (sc->kind == SCHEMA_STRING && sc->format != FORMAT_DATE_TIME && sc->format != FORMAT_DECIMAL) {
		if (sc->max > LIMIT_KEPT_STRING_BYTES)
			compile_mistake(cc, NULL, "%s is kept: its maxLength may be at most %d", path, LIMIT_KEPT_STRING_BYTES);
		if (sc->max_bytes > LIMIT_KEPT_STRING_BYTES)
			sc->max_bytes = LIMIT_KEPT_STRING_BYTES;
	}
	letter = sc->format == FORMAT_DATE_TIME ? 't' : sc->format == FORMAT_DECIMAL ? 'd' : letters[sc->kind];
	sc->keep = (int16_t)*n;
	buf_printf(layout, "%s%s:%c", *n == 0 ? "" : ",", path, letter);
	(*n)++;
}

static void
compile_keep(struct compile *cc, json_t *root, struct buf *layout)
{
	json_t *keep = json_object_get(root, "x-keep"), *v;
	unsigned n = 0;
	size_t i;

	if (keep == NULL)
		return;
	if (!json_is_array(keep) || json_array_size(keep) > LIMIT_KEPT) {
		compile_mistake(cc, "x-keep", "x-keep must be a list of at most %d paths", LIMIT_KEPT);
		return;
	}
	compile_enter(cc, "x-keep", 0);
	json_array_foreach(keep, i, v)
	{
		compile_enter(cc, NULL, i);
		compile_kept(cc, v, &n, layout);
		compile_leave(cc);
	}
	compile_leave(cc);
}

/* One half of x-target: a required string, compared bytewise with another event's identity, so never folded. */
static unsigned
compile_target(struct compile *cc, json_t *target, const char *part)
{
	json_t *path = json_object_get(target, part);
	struct place place;
	int index;

	if (!json_is_string(path) || !resolve(cc, part, json_string_value(path), false, &place) || place.schema->kind != SCHEMA_STRING ||
	    place.schema->format != FORMAT_NONE || !place.required || place.schema->keep >= 0 || place.schema->roles != 0 ||
	    place.schema->capture >= 0) {
		compile_mistake(
		    cc, path == NULL ? NULL : part, "x-target needs \"%s\": the path of a required string that is neither kept nor a role", part);
		return 0;
	}
	place.schema->unfolded = true;
	place.schema->max_bytes = LIMIT_ID_BYTES;
	place.schema->min = place.schema->min < 1 ? 1 : place.schema->min;
	index = capture(cc, part, place.schema);
	return index < 0 ? 0 : (unsigned)index;
}

static void
compile_effect(struct compile *cc, json_t *root)
{
	json_t *effect = json_object_get(root, "x-effect"), *target = json_object_get(root, "x-target");

	if (effect == NULL && target == NULL)
		return;
	if (!json_is_string(effect) || strcmp(json_string_value(effect), "retraction") != 0) {
		compile_mistake(cc, effect == NULL ? "x-target" : "x-effect", "the only x-effect is \"retraction\"");
		return;
	}
	if (!json_is_object(target) || json_object_size(target) != 2) {
		compile_mistake(cc, target == NULL ? "x-effect" : "x-target", "a retraction needs \"x-target\": {\"source\": PATH, \"id\": PATH}");
		return;
	}
	compile_enter(cc, "x-target", 0);
	cc->co->target_source = compile_target(cc, target, "source");
	cc->co->target_id = compile_target(cc, target, "id");
	compile_leave(cc);
	cc->co->retracts = true;
}

static void
compile_class(struct compile *cc, json_t *root)
{
	json_t *class = json_object_get(root, "x-class"), *retention = json_object_get(class, "retention"),
	       *personal = json_object_get(class, "personal");

	cc->co->retention = "";
	if (class == NULL)
		return;
	if (!json_is_object(class) || !kind_is_good(json_string_value(retention)) || !json_is_boolean(personal) || json_object_size(class) != 2) {
		compile_mistake(cc, "x-class", "x-class is {\"retention\": NAME, \"personal\": true or false}");
		return;
	}
	cc->co->retention = compile_text(cc, json_string_value(retention));
	cc->co->personal = json_is_true(personal);
}

static const char *
role_of(const struct contract *co, const struct schema *sc)
{
	for (unsigned i = 0; i < co->n_roles; i++)
		if ((sc->roles >> i & 1) != 0)
			return co->layout->roles[i].name;
	for (unsigned i = 0; sc->capture >= 0 && i < co->n_roles; i++)
		for (unsigned k = 0; k < co->roles[i].n_parts; k++)
			if (co->roles[i].parts[k] == sc->capture)
				return co->layout->roles[i].name;
	return NULL;
}

static const char *
type_text(struct compile *cc, const struct schema *sc)
{
	static const char *const plain[] = {"object", "list", "string", "integer", "boolean"};
	struct buf text = {0};
	const char *copy;

	if (sc->n_any != 0) {
		buf_add_str(&text, "one of ");
		for (unsigned i = 0; i < sc->n_any; i++)
			buf_printf(&text, "%s%s", i == 0 ? "" : "|", sc->any_names[i]);
		copy = arena_copy(cc->arena, buf_slice(&text)).p;
		if (!buf_ok(&text) || copy == NULL)
			cc->nomem = true;
		buf_free(&text);
		return copy;
	}
	switch (sc->format) {
	case FORMAT_DATE_TIME:
		return "date-time";
	case FORMAT_DATE:
		return "date";
	case FORMAT_DECIMAL:
		return "decimal";
	case FORMAT_NONE:
	case FORMAT_PERSON:
		break;
	}
	return plain[sc->kind];
}

/* How many list_fields will list. */
static size_t
count_fields(const struct schema *ob)
{
	size_t n = 0;

	for (unsigned i = 0; i < ob->n_properties; i++) {
		const struct schema *sc = ob->properties[i].schema;

		while (sc->kind == SCHEMA_ARRAY && sc->items != NULL)
			sc = sc->items;
		n += sc->kind == SCHEMA_OBJECT && !sc->person ? count_fields(sc) : 1;
	}
	return n;
}

/* Lists the fields of an object and of what is in it; a person reference is one field. */
static void
list_fields(struct compile *cc, const struct schema *ob, const char *prefix, bool required, size_t *n)
{
	for (unsigned i = 0; i < ob->n_properties && !cc->nomem; i++) {
		const struct schema_property *property = &ob->properties[ob->order[i]];
		const struct schema *sc = property->schema, *key;
		bool needed = required && (ob->required >> ob->order[i] & 1) != 0, inside;
		char path[(LIMIT_KIND_BYTES + 3) * (LIMIT_CONTRACT_DEPTH + 2)];
		struct contract_field *field;

		for (; sc->kind == SCHEMA_ARRAY && sc->items != NULL; sc = sc->items)
			needed = needed && sc->items->kind != SCHEMA_OBJECT;
		inside = sc->kind == SCHEMA_OBJECT && !sc->person;
		(void)snprintf(
		    path, sizeof path, "%s%s%s%s", prefix, property->name.p, property->schema->kind == SCHEMA_ARRAY ? "[]" : "", inside ? "." : "");
		if (inside) {
			list_fields(cc, sc, path, needed, n);
			continue;
		}
		key = sc;
		for (unsigned k = 0; sc->person && k < sc->n_properties; k++)
			if (slice_eq_str(sc->properties[k].name, person_members[0].name))
				key = sc->properties[k].schema;
		field = &cc->co->fields[(*n)++];
		field->path = compile_text(cc, path);
		field->type_text = sc->person ? person_name : type_text(cc, sc);
		field->description = sc->description != NULL ? sc->description : property->schema->description;
		field->role = role_of(cc->co, key);
		field->required = needed;
		field->kept = key->keep >= 0;
	}
}

void
compile_subjects(struct compile *cc, json_t *root)
{
	struct contract *co = cc->co;
	struct buf layout = {0};
	struct err err;

	buf_printf(&layout, "%s\n", co->type.p);
	compile_roles(cc, root, &layout);
	buf_add_u8(&layout, '\n');
	compile_keep(cc, root, &layout);
	compile_effect(cc, root);
	compile_class(cc, root);
	co->layout = buf_ok(&layout) && !cc->nomem ? layout_parse(buf_slice(&layout), &err) : NULL;
	co->fields = compile_alloc(cc, (count_fields(co->data) + 1) * sizeof *co->fields);
	if (co->layout == NULL)
		cc->nomem = true;
	if (!cc->nomem)
		list_fields(cc, co->data, "", true, &co->n_fields);
	buf_free(&layout);
}
