/* What a contract compiles into: inside engine/event only. A tree of nodes that event.c walks beside the JSON tree.
 * Everything but the layouts lives in the set's arena and never changes after compiling. */
#ifndef DIDEBAN_ENGINE_EVENT_SCHEMA_H
#define DIDEBAN_ENGINE_EVENT_SCHEMA_H

#include "engine/event/contract.h"
#include "engine/identity/person.h"
#include "state/base/arena.h"

enum schema_kind { SCHEMA_OBJECT, SCHEMA_ARRAY, SCHEMA_STRING, SCHEMA_INTEGER, SCHEMA_BOOLEAN };
enum schema_format { FORMAT_NONE, FORMAT_DATE_TIME, FORMAT_DATE, FORMAT_DECIMAL, FORMAT_PERSON };

struct schema;
struct schema_property {
	struct slice name;  /* terminated */
	uint64_t name_hash; /* stands for the name in the content hash, so that a contract may grow */
	struct schema *schema;
};

struct schema {
	enum schema_kind kind;
	enum schema_format format;
	enum person_shape shape; /* FORMAT_PERSON */
	bool person;             /* an object that is a person reference; member 0 of person_members names it */
	uint8_t identifier;      /* of such an object: the place of its identifier in properties */
	bool in_array;
	bool unfolded;                /* names another event's identity, which is compared bytewise */
	uint8_t scale;                /* FORMAT_DECIMAL */
	int16_t keep;                 /* index of the kept field, or -1 */
	int16_t capture;              /* index in the parser's captured texts (joined roles, targets), or -1 */
	uint32_t roles;               /* bit i: names the subject of role i */
	int64_t min, max;             /* integer: bounds; string: characters; array: items */
	size_t max_bytes;             /* string */
	unsigned n_any;               /* enum and const; 0: anything */
	const struct slice *any;      /* string */
	const char *const *any_names; /* the same, for suggestions */
	const int64_t *any_integer;
	const char *any_text; /* "lay, informant" */
	unsigned n_properties;
	struct schema_property *properties; /* sorted by name bytewise */
	const uint8_t *order;               /* indices in properties, as the file lists them */
	const char *const *names;           /* of the properties, for suggestions */
	uint64_t required;                  /* bit i: properties[i] */
	unsigned object;                    /* number of this object among all of the set */
	struct schema *items;
	const char *description;
};
_Static_assert(LIMIT_PROPERTIES <= 64, "required is one word");
_Static_assert(LIMIT_ROLES <= 32, "roles is one word");

#define LIMIT_CAPTURES 16 /* texts that one contract's joined roles and target need */

struct contract_role {
	struct slice prefix; /* "kind/"; empty for kind "*": the text is KIND/KEY as a whole */
	unsigned n_parts;    /* 0: found by schema.roles; else captures joined with ':' */
	uint8_t parts[LIMIT_CAPTURES];
};

struct contract {
	struct slice type;
	struct schema *data;
	struct layout *layout;
	unsigned n_roles;
	struct contract_role roles[LIMIT_ROLES];
	unsigned n_captures;
	bool retracts;
	unsigned target_source, target_id; /* captures */
	const char *retention;
	bool personal;
	size_t n_fields;
	struct contract_field *fields;
};

struct contracts {
	struct arena arena;
	size_t n;
	struct contract **v; /* in order of type */
	const char **names;  /* of the types, for suggestions */
	unsigned n_objects;
};

/* Where a member of a JSON text stands, for findings. Segments: a key, or an index where key is NULL. */
struct json_segment {
	const char *key;
	size_t index;
};
/* Position of the key (or element) that the path leads to, or of the deepest part of it that exists; columns count characters. */
void json_locate(struct slice text, const struct json_segment *path, size_t n, unsigned *ret_line, unsigned *ret_column, unsigned *ret_length);

/* One file being compiled. */
struct compile {
	struct contract *co;
	struct arena *arena;
	const char *file;
	struct slice text;
	struct findings *fi;
	struct json_segment path[64];
	size_t depth;
	unsigned *n_objects;
	bool nomem;
};
/* A mistake at `key` of the place where the walk is; key NULL: at the place itself. */
void compile_mistake(struct compile *cc, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void *compile_alloc(struct compile *cc, size_t n); /* zeroed; NULL sets nomem */
const char *compile_text(struct compile *cc, const char *s);
void compile_enter(struct compile *cc, const char *key, size_t index);
void compile_leave(struct compile *cc);
struct json_t;
/* The node of a schema, or NULL after a mistake that leaves none. depth: how many objects and arrays are around it. */
struct schema *compile_schema(struct compile *cc, struct json_t *node, unsigned depth, bool in_array);
/* x-roles, x-keep, x-effect, x-target, x-class of the contract, its layout and its list of fields. */
void compile_subjects(struct compile *cc, struct json_t *root);
/* "; did you mean NAME?" or "". */
const char *compile_hint(char *ret, size_t size, const char *word, const char *const *names, size_t n);

#endif
