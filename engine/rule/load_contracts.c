/* A rule against the event contracts: types, roles and fields exist, are kept, and hold what conditions compare with. */
#include "engine/rule/load.h"

#include <stdlib.h>

#define MAX_NAMES 256

/* Lists of event types that a field is read from. */
struct origin {
	const struct tree *lists[4]; /* NULL entries are skipped */
	bool all;                    /* the field must stand in every type, not just in one */
};

/* Of a misspelt type the nearest, as if that were meant: what else is wrong with the rule is found too. NULL: nothing is like it. */
static const struct contract *
contract_of(const struct load *ld, const struct tree *type)
{
	const struct contract *co = type->kind == TREE_STRING ? contracts_find(ld->contracts, type->s) : NULL;
	const char *near = co != NULL || type->kind != TREE_STRING ? NULL : contracts_suggest(ld->contracts, type->s);

	return near == NULL ? co : contracts_find(ld->contracts, slice_str(near));
}

static const struct contract_field *
field_of(const struct contract *co, struct slice name, struct contract_field *room, size_t max)
{
	size_t n = contract_fields(co, room, max);

	for (size_t i = 0; i < n && i < max; i++)
		if (slice_eq_str(name, room[i].path))
			return &room[i];
	return NULL;
}

/* Attributes that no rule may test (the law forbids it whatever a contract says). */
static bool
is_protected(struct slice name)
{
	static const char *const words[] = {"sex", "gender", "religion", "ethnicity", "language"};
	const char *dot = name.n == 0 ? NULL : memrchr(name.p, '.', name.n);
	struct slice last = dot == NULL ? name : slice_of(dot + 1, name.n - (size_t)(dot + 1 - name.p));

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_eq_str(last, words[i]))
			return true;
	return false;
}

/* --- types and roles -------------------------------------------------------------------------------------------- */

static const char *
role_kind(const struct contract *co, struct slice role)
{
	const struct layout *la = contract_layout(co);
	int i = layout_role_index(la, role);

	return i < 0 ? NULL : la->roles[i].kind;
}

static bool
has_kind(const struct contract *co, const char *kind)
{
	const struct layout *la = contract_layout(co);

	for (unsigned i = 0; i < la->n_roles; i++)
		if (strcmp(la->roles[i].kind, kind) == 0 || strcmp(la->roles[i].kind, "*") == 0)
			return true;
	return false;
}

static struct suggestion
suggest_role(const struct contract *co, struct slice role)
{
	const struct layout *la = contract_layout(co);
	const char *names[LIMIT_ROLES];

	for (unsigned i = 0; i < la->n_roles; i++)
		names[i] = la->roles[i].name;
	return suggestion_of(role, names, la->n_roles);
}

static void
check_types(struct load *ld, const struct tree *list)
{
	if (list == NULL || list->kind != TREE_TABLE)
		return;
	for (unsigned i = 0; i < list->n_list; i++) {
		const struct tree *item = &list->list[i];
		const char *near;

		if (item->kind != TREE_STRING || contracts_find(ld->contracts, item->s) != NULL)
			continue;
		near = contracts_suggest(ld->contracts, item->s);
		fault_at(ld, item, "no event type %s has a contract%s%s%s", item->s.p, near == NULL ? "" : "; did you mean ",
		    near == NULL ? "" : near, near == NULL ? "" : "?");
	}
}

/* The subject's role in every type of `on`; returns the subject's kind. */
static const char *
check_subject(struct load *ld)
{
	const struct tree *on = tree_get(ld->root, "on"), *subject = tree_get(ld->root, "subject");
	const char *kind = NULL;

	if (on == NULL || on->kind != TREE_TABLE || subject == NULL || subject->kind != TREE_STRING)
		return NULL;
	for (unsigned i = 0; i < on->n_list; i++) {
		const struct contract *co = contract_of(ld, &on->list[i]);
		const char *found = co == NULL ? NULL : role_kind(co, subject->s);

		if (co == NULL)
			continue;
		if (found == NULL)
			fault_at(ld, subject, "%s has no role %s%s", contract_type(co), subject->s.p, suggest_role(co, subject->s).text);
		else if (kind != NULL && strcmp(kind, found) != 0)
			fault_at(ld, subject, "role %s is a %s in one trigger and a %s in %s: one rule judges one kind", subject->s.p, kind, found,
			    contract_type(co));
		else
			kind = found;
	}
	return kind;
}

/* A feature looks at the subject's own timeline: its types must mention the subject's kind, in the role if one is given. */
static void
check_feature_types(struct load *ld, const struct tree *feature, const char *key, const char *kind)
{
	const struct tree *list = tree_get(feature, key), *role = tree_get(feature, "role");

	check_types(ld, list);
	for (unsigned i = 0; list != NULL && kind != NULL && i < list->n_list; i++) {
		const struct contract *co = contract_of(ld, &list->list[i]);
		const char *found;

		if (co == NULL)
			continue;
		if (role == NULL || role->kind != TREE_STRING) {
			if (!has_kind(co, kind))
				fault_at(
				    ld, &list->list[i], "%s mentions no %s, so it never stands on the subject's timeline", contract_type(co), kind);
			continue;
		}
		found = role_kind(co, role->s);
		if (found == NULL)
			fault_at(ld, role, "%s has no role %s%s", contract_type(co), role->s.p, suggest_role(co, role->s).text);
		else if (strcmp(found, kind) != 0 && strcmp(found, "*") != 0)
			fault_at(ld, role, "role %s of %s is a %s, but the rule's subject is a %s", role->s.p, contract_type(co), found, kind);
	}
}

/* --- fields ----------------------------------------------------------------------------------------------------- */

/* Names that may be meant: kept fields of all the types. */
static struct suggestion
suggest_field(const struct load *ld, const struct origin *from, struct slice name)
{
	const char *names[MAX_NAMES];
	size_t n = 0;

	for (size_t k = 0; k < 4; k++)
		for (unsigned i = 0; from->lists[k] != NULL && i < from->lists[k]->n_list; i++) {
			const struct contract *co = contract_of(ld, &from->lists[k]->list[i]);
			const struct layout *la = co == NULL ? NULL : contract_layout(co);

			for (unsigned f = 0; la != NULL && f < la->n_fields && n < MAX_NAMES; f++)
				names[n++] = la->fields[f].name;
		}
	return suggestion_of(name, names, n);
}

/* Why a type has no such kept field. */
static void
explain_missing(struct load *ld, const struct tree *at, size_t token, const struct contract *co, struct slice name, const struct origin *from)
{
	struct contract_field *room = calloc(MAX_NAMES, sizeof *room);
	const struct contract_field *cf;

	if (room == NULL) {
		ld->no_memory = true;
		return;
	}
	cf = field_of(co, name, room, MAX_NAMES);
	if (cf != NULL && at != NULL)
		fault_at(ld, at, "%s of %s is not kept: add it to x-keep of its contract", cf->path, contract_type(co));
	else if (at != NULL)
		fault_at(ld, at, "%s has no field %.*s%s", contract_type(co), SLICE_ARG(name), suggest_field(ld, from, name).text);
	else
		ld->no_memory |= token_finding(&ld->sv, token, false, "%s keeps no field %.*s%s", contract_type(co), SLICE_ARG(name),
				     suggest_field(ld, from, name).text) != 0;
	free(room);
}

/* The kept field's letter, '\0' after a finding or if no type is known. letters: those that fit, NULL for any. */
static char
check_field(struct load *ld, const struct tree *at, struct slice name, const struct origin *from, const char *letters, const char *what)
{
	const struct contract *without = NULL;
	char letter = '\0';

	if (is_protected(name)) {
		fault_at(ld, at, "a rule may not read %.*s", SLICE_ARG(name));
		return '\0';
	}
	for (size_t k = 0; k < 4; k++)
		for (unsigned i = 0; from->lists[k] != NULL && i < from->lists[k]->n_list; i++) {
			const struct contract *co = contract_of(ld, &from->lists[k]->list[i]);
			int f = co == NULL ? -1 : layout_field_index(contract_layout(co), name);

			if (co == NULL)
				continue;
			if (f < 0) {
				without = without == NULL ? co : without;
				continue;
			}
			letter = contract_layout(co)->fields[f].letter;
			if (letters != NULL && strchr(letters, letter) == NULL) {
				fault_at(ld, at, "%.*s of %s is not %s", SLICE_ARG(name), contract_type(co), what);
				return '\0';
			}
		}
	if (without != NULL && (from->all || letter == '\0')) {
		explain_missing(ld, at, 0, without, name, from);
		return '\0';
	}
	return letter;
}

static void
check_named(struct load *ld, const struct tree *feature, const char *key, const struct origin *from, const char *letters, const char *what)
{
	const struct tree *tr = tree_get(feature, key);

	if (tr != NULL && tr->kind == TREE_STRING)
		(void)check_field(ld, tr, tr->s, from, letters, what);
}

void
lint_item_field(struct load *ld, const struct feature_spec *fs, struct slice name, size_t token)
{
	const struct tree *opens = tree_get(tree_get(tree_get(ld->root, "features"), fs->name), "opens");
	const struct origin from = {.lists = {opens}};
	const struct contract *without = NULL;

	for (unsigned i = 0; opens != NULL && i < opens->n_list; i++) {
		const struct contract *co = contract_of(ld, &opens->list[i]);

		if (co != NULL && layout_field_index(contract_layout(co), name) >= 0)
			return;
		without = co == NULL ? without : co;
	}
	if (without != NULL)
		explain_missing(ld, NULL, token, without, name, &from);
}

/* --- conditions ------------------------------------------------------------------------------------------------- */

/* "one of a|b|c" -> names; the text is copied into buf. */
static size_t
split_enum(const char *type_text, char *buf, size_t size, const char **names, size_t max)
{
	size_t n = 0;
	char *p = buf;

	if (strncmp(type_text, "one of ", 7) != 0 || strlen(type_text) - 7 >= size)
		return 0;
	memcpy(buf, type_text + 7, strlen(type_text) - 6);
	while (p != NULL && n < max) {
		char *bar = strchr(p, '|');

		if (bar != NULL)
			*bar++ = '\0';
		names[n++] = p;
		p = bar;
	}
	return n;
}

static void
check_enum(struct load *ld, const struct tree *value, struct slice name, const struct origin *from)
{
	struct contract_field *room = calloc(MAX_NAMES, sizeof *room);
	const struct tree *list = from->lists[0];
	char buf[2048];

	if (room == NULL) {
		ld->no_memory = true;
		return;
	}
	for (unsigned i = 0; list != NULL && i < list->n_list; i++) {
		const struct contract *co = contract_of(ld, &list->list[i]);
		const struct contract_field *cf = co == NULL ? NULL : field_of(co, name, room, MAX_NAMES);
		const char *names[64];
		size_t n = cf == NULL ? 0 : split_enum(cf->type_text, buf, sizeof buf, names, 64);
		bool known = n == 0;

		for (size_t k = 0; k < n && !known; k++)
			known = slice_eq_str(value->s, names[k]);
		if (!known) {
			fault_at(ld, value, "\"%s\" is not among the values of %s: %s%s", value->s.p, cf->path, cf->type_text + 7,
			    suggestion_of(value->s, names, n).text);
			break;
		}
	}
	free(room);
}

static void
check_condition(struct load *ld, const struct tree *tr, const struct origin *from)
{
	char letter = check_field(ld, tr, tr->key, from, "sib", "a string, a whole number or a boolean: it cannot be compared with constants");
	unsigned n = tr->kind == TREE_TABLE ? tr->n_list : 1;

	for (unsigned i = 0; letter != '\0' && i < n; i++) {
		const struct tree *value = tr->kind == TREE_TABLE ? &tr->list[i] : tr;

		if ((letter == 's' && value->kind != TREE_STRING) || (letter == 'i' && value->kind != TREE_INTEGER) ||
		    (letter == 'b' && value->kind != TREE_BOOLEAN))
			fault_at(ld, value, "%.*s is %s, so %s never equals it", SLICE_ARG(tr->key),
			    letter == 's'   ? "a string"
			    : letter == 'i' ? "an integer"
					    : "a boolean",
			    tree_kind_name(value->kind));
		else if (letter == 's')
			check_enum(ld, value, tr->key, from);
	}
}

static void
check_feature(struct load *ld, const struct tree *tr, const char *kind)
{
	static const char *const lists[] = {"on", "opens", "reopens", "closes"};
	const struct tree *on = tree_get(tr, "on"), *where = tree_get(tr, "where"), *op = tree_get(tr, "op");
	const struct origin types = {.lists = {on}};
	const struct origin openings = {.lists = {tree_get(tr, "opens")}, .all = true};
	const struct origin changes = {.lists = {tree_get(tr, "opens"), tree_get(tr, "reopens"), tree_get(tr, "closes")}, .all = true};
	bool sum = op != NULL && op->kind == TREE_STRING && slice_eq_str(op->s, "sum");
	bool order = op != NULL && op->kind == TREE_STRING && (slice_eq_str(op->s, "min") || slice_eq_str(op->s, "max"));

	for (size_t i = 0; i < 4; i++)
		check_feature_types(ld, tr, lists[i], kind);
	check_named(ld, tr, "of", &types,
	    sum     ? "id"
	    : order ? "idt"
		    : NULL,
	    sum ? "a number: only integers and decimals are summed" : "a number or a time");
	check_named(ld, tr, "by", &types, NULL, "");
	check_named(ld, tr, "key", &changes, NULL, "");
	check_named(ld, tr, "from", &openings, "t", "a date-time");
	check_named(ld, tr, "til", &openings, "t", "a date-time");
	for (unsigned i = 0; where != NULL && where->kind == TREE_TABLE && i < where->n_keys; i++)
		check_condition(ld, &where->keys[i], &types);
}

static void
check_list(struct load *ld, const struct tree *list, unsigned from_item, const struct origin *from)
{
	for (unsigned i = from_item; list != NULL && list->kind == TREE_TABLE && i < list->n_list; i++)
		if (list->list[i].kind == TREE_STRING)
			(void)check_field(ld, &list->list[i], list->list[i].s, from, NULL, "");
}

void
load_against_contracts(struct load *ld)
{
	const struct tree *on = tree_get(ld->root, "on"), *features = tree_get(ld->root, "features"), *alerting = tree_get(ld->root, "alerting");
	const struct tree *deliver = tree_get(alerting, "deliver");
	const struct origin every = {.lists = {on}, .all = true}, any = {.lists = {on}};
	const char *kind;

	if (ld->contracts == NULL || on == NULL || on->kind != TREE_TABLE)
		return;
	check_types(ld, on);
	kind = check_subject(ld);
	check_list(ld, tree_get(ld->root, "need"), 0, &every);
	check_list(ld, tree_get(ld->root, "want"), 0, &any);
	check_list(ld, tree_get(alerting, "episode"), 1, &every);
	for (unsigned i = 0; deliver != NULL && deliver->kind == TREE_TABLE && i < deliver->n_keys; i++)
		if (deliver->keys[i].kind == TREE_STRING)
			(void)check_field(ld, &deliver->keys[i], deliver->keys[i].s, &any, NULL, "");
	for (unsigned i = 0; features != NULL && features->kind == TREE_TABLE && i < features->n_keys; i++)
		if (features->keys[i].kind == TREE_TABLE)
			check_feature(ld, &features->keys[i], kind);
}
