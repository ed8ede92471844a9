/* Compiles one schema node: keywords, types, limits. */
#include "engine/event/schema.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

/* Which keywords go with which type, as bits of 1 << schema_kind. */
#define ON(kind) (1u << (kind))
#define ON_ALL 0x1fu
static const struct keyword {
	const char *name;
	unsigned on;
} keywords[] = {
    {"type", ON_ALL},
    {"description", ON_ALL},
    {"title", ON_ALL},
    {"examples", ON_ALL},
    {"properties", ON(SCHEMA_OBJECT)},
    {"required", ON(SCHEMA_OBJECT)},
    {"additionalProperties", ON(SCHEMA_OBJECT)},
    {"items", ON(SCHEMA_ARRAY)},
    {"minItems", ON(SCHEMA_ARRAY)},
    {"maxItems", ON(SCHEMA_ARRAY)},
    {"enum", ON(SCHEMA_STRING) | ON(SCHEMA_INTEGER)},
    {"const", ON(SCHEMA_STRING) | ON(SCHEMA_INTEGER)},
    {"minLength", ON(SCHEMA_STRING)},
    {"maxLength", ON(SCHEMA_STRING)},
    {"format", ON(SCHEMA_STRING)},
    {"x-scale", ON(SCHEMA_STRING)},
    {"minimum", ON(SCHEMA_INTEGER)},
    {"maximum", ON(SCHEMA_INTEGER)},
};
#define N_KEYWORDS (sizeof keywords / sizeof *keywords)
/* Beside them at the top of a file (contract.c reads these). */
static const char *const top_keywords[] = {"$id", "$schema", "x-roles", "x-keep", "x-class", "x-effect", "x-target"};
#define N_TOP (sizeof top_keywords / sizeof *top_keywords)
static const char *const type_names[] = {"object", "array", "string", "integer", "boolean"};

static bool
is_top_keyword(const char *key)
{
	for (size_t i = 0; i < N_TOP; i++)
		if (strcmp(key, top_keywords[i]) == 0)
			return true;
	return false;
}

static void
check_keyword(struct compile *cc, const char *key, const struct schema *sc, unsigned depth)
{
	const char *names[N_KEYWORDS + N_TOP + 1];
	char hint[128];
	size_t n = 0;

	if (depth == 0 && is_top_keyword(key))
		return;
	for (size_t i = 0; i < N_KEYWORDS; i++) {
		if (strcmp(key, keywords[i].name) == 0) {
			if ((keywords[i].on & ON(sc->kind)) == 0)
				compile_mistake(cc, key, "%s does not go with type %s", key, type_names[sc->kind]);
			return;
		}
		names[n++] = keywords[i].name;
	}
	names[n++] = "$ref";
	for (size_t i = 0; depth == 0 && i < N_TOP; i++)
		names[n++] = top_keywords[i];
	compile_mistake(cc, key, "%s: no such keyword%s", key, compile_hint(hint, sizeof hint, key, names, n));
}

/* An integer member within bounds, or `otherwise`. */
static int64_t
limit_of(struct compile *cc, json_t *node, const char *key, int64_t least, int64_t most, int64_t otherwise)
{
	json_t *v = json_object_get(node, key);

	if (v == NULL)
		return otherwise;
	if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most) {
		compile_mistake(cc, key, "%s must be an integer from %lld to %lld", key, (long long)least, (long long)most);
		return otherwise;
	}
	return json_integer_value(v);
}

/* Field, role and property names: what Lua and a dotted path can carry. */
static bool
name_is_good(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > LIMIT_KIND_BYTES || (s[0] >= '0' && s[0] <= '9'))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((s[i] < 'a' || s[i] > 'z') && (s[i] < 'A' || s[i] > 'Z') && (s[i] < '0' || s[i] > '9') && s[i] != '_')
			return false;
	return true;
}

/* enum and const, which is an enum of one. */
static void
compile_any(struct compile *cc, json_t *node, struct schema *sc)
{
	json_t *list = json_object_get(node, "enum"), *only = json_object_get(node, "const"), *v;
	const char *key = list != NULL ? "enum" : "const", **names;
	size_t n = list != NULL ? json_array_size(list) : 1;
	struct slice *any;
	int64_t *integers;
	struct buf text = {0};

	if (list == NULL && only == NULL)
		return;
	if (list != NULL && (only != NULL || !json_is_array(list) || n == 0 || n > LIMIT_ENUM)) {
		compile_mistake(cc, key, "enum must be a list of 1 to %d values, without const beside it", LIMIT_ENUM);
		return;
	}
	any = compile_alloc(cc, n * sizeof *any);
	names = compile_alloc(cc, n * sizeof *names);
	integers = compile_alloc(cc, n * sizeof *integers);
	if (any == NULL || names == NULL || integers == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		char digits[24];

		v = list != NULL ? json_array_get(list, i) : only;
		if (sc->kind == SCHEMA_STRING ? !json_is_string(v) : !json_is_integer(v)) {
			compile_mistake(cc, key, "%s holds a value that is no %s", key, type_names[sc->kind]);
			return;
		}
		integers[i] = json_integer_value(v);
		(void)snprintf(digits, sizeof digits, "%lld", (long long)integers[i]);
		names[i] = compile_text(cc, json_is_string(v) ? json_string_value(v) : digits);
		if (names[i] == NULL)
			return;
		any[i] = slice_str(names[i]);
	}
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : ", ", names[i]);
	sc->any = any;
	sc->any_names = names;
	sc->any_integer = integers;
	sc->any_text = arena_copy(cc->arena, buf_slice(&text)).p;
	sc->n_any = (unsigned)n;
	if (!buf_ok(&text) || sc->any_text == NULL)
		cc->nomem = true;
	buf_free(&text);
}

static void
compile_string(struct compile *cc, json_t *node, struct schema *sc)
{
	static const char *const formats[] = {"date-time", "date", "decimal"};
	json_t *format = json_object_get(node, "format");
	const char *name = json_string_value(format);
	char hint[128];

	sc->max_bytes = LIMIT_STRING_BYTES;
	sc->min = limit_of(cc, node, "minLength", 0, LIMIT_STRING_BYTES, 0);
	sc->max = limit_of(cc, node, "maxLength", 0, LIMIT_STRING_BYTES, -1);
	if (sc->max >= 0 && sc->min > sc->max)
		compile_mistake(cc, "minLength", "minLength is above maxLength");
	compile_any(cc, node, sc);
	if (format != NULL && name == NULL)
		compile_mistake(cc, "format", "format must be a string");
	if (name != NULL) {
		if (strcmp(name, "date-time") == 0)
			sc->format = FORMAT_DATE_TIME;
		else if (strcmp(name, "date") == 0)
			sc->format = FORMAT_DATE;
		else if (strcmp(name, "decimal") == 0)
			sc->format = FORMAT_DECIMAL;
		else
			compile_mistake(
			    cc, "format", "%s: no such format (date-time, date, decimal)%s", name, compile_hint(hint, sizeof hint, name, formats, 3));
	}
	if (sc->format == FORMAT_DECIMAL && json_object_get(node, "x-scale") == NULL)
		compile_mistake(cc, "format", "a decimal needs x-scale: how many digits behind the point");
	if (sc->format != FORMAT_DECIMAL && json_object_get(node, "x-scale") != NULL)
		compile_mistake(cc, "x-scale", "x-scale goes with format decimal only");
	sc->scale = (uint8_t)limit_of(cc, node, "x-scale", 0, LIMIT_DECIMAL_SCALE, 0);
}

static int
by_name(const void *a, const void *b)
{
	const struct schema_property *x = a, *y = b;

	return slice_cmp(x->name, y->name);
}

/* Sorts the properties and fills what depends on their order. `file` are the same names in the file's order. */
static void
index_properties(struct compile *cc, struct schema *sc, const char *const *file)
{
	const char **names = compile_alloc(cc, (sc->n_properties + 1) * sizeof *names);
	uint8_t *order = compile_alloc(cc, sc->n_properties + 1);

	if (names == NULL || order == NULL)
		return;
	qsort(sc->properties, sc->n_properties, sizeof *sc->properties, by_name);
	for (unsigned i = 0; i < sc->n_properties; i++) {
		names[i] = sc->properties[i].name.p;
		for (unsigned k = 0; k < sc->n_properties; k++)
			if (sc->properties[k].name.p == file[i])
				order[i] = (uint8_t)k;
	}
	sc->names = names;
	sc->order = order;
	sc->object = (*cc->n_objects)++;
}

static void
compile_required(struct compile *cc, json_t *node, struct schema *sc)
{
	json_t *list = json_object_get(node, "required"), *v;
	char hint[128];
	size_t i;

	if (list == NULL)
		return;
	if (!json_is_array(list)) {
		compile_mistake(cc, "required", "required must be a list of property names");
		return;
	}
	compile_enter(cc, "required", 0);
	json_array_foreach(list, i, v)
	{
		const char *name = json_string_value(v);
		unsigned k = 0;

		compile_enter(cc, NULL, i);
		while (name != NULL && k < sc->n_properties && strcmp(sc->properties[k].name.p, name) != 0)
			k++;
		if (name == NULL)
			compile_mistake(cc, NULL, "required must be a list of property names");
		else if (k == sc->n_properties)
			compile_mistake(
			    cc, NULL, "%s is required but no property%s", name, compile_hint(hint, sizeof hint, name, sc->names, sc->n_properties));
		else
			sc->required |= 1ull << k;
		compile_leave(cc);
	}
	compile_leave(cc);
}

static void
compile_object(struct compile *cc, json_t *node, struct schema *sc, unsigned depth)
{
	json_t *properties = json_object_get(node, "properties"), *closed = json_object_get(node, "additionalProperties"), *v;
	const char *key, *file[LIMIT_PROPERTIES] = {NULL};

	if (!json_is_false(closed))
		compile_mistake(
		    cc, closed == NULL ? NULL : "additionalProperties", "every object must be closed: add \"additionalProperties\": false");
	if (!json_is_object(properties) || json_object_size(properties) > LIMIT_PROPERTIES) {
		compile_mistake(
		    cc, properties == NULL ? NULL : "properties", "an object needs \"properties\": an object of at most %d", LIMIT_PROPERTIES);
		return;
	}
	sc->properties = compile_alloc(cc, (json_object_size(properties) + 1) * sizeof *sc->properties);
	if (sc->properties == NULL)
		return;
	compile_enter(cc, "properties", 0);
	json_object_foreach(properties, key, v)
	{
		struct schema_property *property = &sc->properties[sc->n_properties];

		if (!name_is_good(key)) {
			compile_mistake(cc, key, "a property's name is 1 to %d letters, digits and '_', no digit first", LIMIT_KIND_BYTES);
			continue;
		}
		property->name.p = compile_text(cc, key);
		if (property->name.p == NULL)
			break;
		property->name.n = strlen(key);
		property->name_hash = XXH3_64bits(key, strlen(key));
		compile_enter(cc, key, 0);
		property->schema = compile_schema(cc, v, depth + 1, sc->in_array);
		compile_leave(cc);
		if (property->schema != NULL)
			file[sc->n_properties++] = property->name.p;
	}
	compile_leave(cc);
	index_properties(cc, sc, file);
	if (!cc->nomem)
		compile_required(cc, node, sc);
}

static struct schema *
new_schema(struct compile *cc, enum schema_kind kind, bool in_array)
{
	struct schema *sc = compile_alloc(cc, sizeof *sc);

	if (sc == NULL)
		return NULL;
	*sc = (struct schema){.kind = kind, .in_array = in_array, .keep = -1, .capture = -1};
	return sc;
}

/* $ref "dideban:person": an object whose members engine/identity lists. */
static struct schema *
compile_person(struct compile *cc, json_t *node, bool in_array)
{
	struct schema *sc = new_schema(cc, SCHEMA_OBJECT, in_array), *member;
	json_t *v;
	const char *key, *file[PERSON_MEMBERS] = {NULL};

	if (sc == NULL)
		return NULL;
	json_object_foreach(node, key, v)
	{
		if (strcmp(key, "$ref") != 0 && strcmp(key, "description") != 0 && strcmp(key, "title") != 0)
			compile_mistake(cc, key, "%s does not go with $ref (only description and title do)", key);
	}
	sc->person = true;
	sc->properties = compile_alloc(cc, PERSON_MEMBERS * sizeof *sc->properties);
	if (sc->properties == NULL)
		return NULL;
	for (size_t i = 0; i < PERSON_MEMBERS; i++) {
		const struct person_member *pm = &person_members[i];

		member = new_schema(cc, pm->shape == PERSON_FLAG ? SCHEMA_BOOLEAN : SCHEMA_STRING, in_array);
		if (member == NULL)
			return NULL;
		member->format = pm->shape == PERSON_FLAG ? FORMAT_NONE : FORMAT_PERSON;
		member->shape = pm->shape;
		member->max = -1;
		member->max_bytes = PERSON_IDENTIFIER_BYTES;
		member->description = pm->doc;
		sc->properties[i] = (struct schema_property){slice_str(pm->name), XXH3_64bits(pm->name, strlen(pm->name)), member};
		file[i] = pm->name;
	}
	sc->n_properties = PERSON_MEMBERS;
	index_properties(cc, sc, file);
	for (uint8_t i = 0; i < PERSON_MEMBERS; i++)
		if (sc->properties[i].schema->shape == PERSON_IDENTIFIER)
			sc->identifier = i;
	return sc;
}

static int
kind_of(struct compile *cc, json_t *node)
{
	json_t *type = json_object_get(node, "type");
	const char *name = json_string_value(type);
	char hint[128];

	if (name == NULL) {
		compile_mistake(
		    cc, type == NULL ? NULL : "type", "type is missing (object, array, string, integer or boolean; or $ref \"dideban:person\")");
		return -1;
	}
	for (int i = 0; i < 5; i++)
		if (strcmp(name, type_names[i]) == 0)
			return i;
	compile_mistake(
	    cc, "type", "%s: no such type (object, array, string, integer, boolean)%s", name, compile_hint(hint, sizeof hint, name, type_names, 5));
	return -1;
}

static void
compile_items(struct compile *cc, json_t *node, struct schema *sc, unsigned depth)
{
	json_t *items = json_object_get(node, "items");

	sc->min = limit_of(cc, node, "minItems", 0, LIMIT_ARRAY_ITEMS, 0);
	sc->max = limit_of(cc, node, "maxItems", 0, LIMIT_ARRAY_ITEMS, LIMIT_ARRAY_ITEMS);
	if (sc->min > sc->max)
		compile_mistake(cc, "minItems", "minItems is above maxItems");
	if (items == NULL) {
		compile_mistake(cc, NULL, "an array needs \"items\"");
		return;
	}
	compile_enter(cc, "items", 0);
	sc->items = compile_schema(cc, items, depth + 1, true);
	compile_leave(cc);
}

struct schema *
compile_schema(struct compile *cc, json_t *node, unsigned depth, bool in_array)
{
	json_t *ref = json_object_get(node, "$ref"), *v;
	struct schema *sc;
	const char *key;
	int kind;

	if (!json_is_object(node) || depth > LIMIT_CONTRACT_DEPTH) {
		compile_mistake(cc, NULL, json_is_object(node) ? "nested deeper than %d" : "a schema must be an object", LIMIT_CONTRACT_DEPTH);
		return NULL;
	}
	if (ref != NULL && depth != 0) {
		if (json_is_string(ref) && strcmp(json_string_value(ref), person_ref) == 0) {
			sc = compile_person(cc, node, in_array);
			goto describe;
		}
		compile_mistake(cc, "$ref", "the only $ref is \"%s\"", person_ref);
		return NULL;
	}
	kind = kind_of(cc, node);
	if (kind < 0)
		return NULL;
	if (depth == 0 && kind != SCHEMA_OBJECT) {
		compile_mistake(cc, "type", "a contract describes an object: \"type\": \"object\"");
		return NULL;
	}
	sc = new_schema(cc, (enum schema_kind)kind, in_array);
	if (sc == NULL)
		return NULL;
	json_object_foreach(node, key, v) check_keyword(cc, key, sc, depth);
	switch (sc->kind) {
	case SCHEMA_OBJECT:
		compile_object(cc, node, sc, depth);
		break;
	case SCHEMA_ARRAY:
		compile_items(cc, node, sc, depth);
		break;
	case SCHEMA_STRING:
		compile_string(cc, node, sc);
		break;
	case SCHEMA_INTEGER:
		sc->min = limit_of(cc, node, "minimum", INT64_MIN, INT64_MAX, INT64_MIN);
		sc->max = limit_of(cc, node, "maximum", INT64_MIN, INT64_MAX, INT64_MAX);
		compile_any(cc, node, sc);
		break;
	case SCHEMA_BOOLEAN:
		break;
	}
describe:
	if (sc != NULL && json_is_string(json_object_get(node, "description")))
		sc->description = compile_text(cc, json_string_value(json_object_get(node, "description")));
	return sc;
}
