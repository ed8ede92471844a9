#include "engine/event/layout.h"

#include <stdlib.h>

static char *
copy_text(struct slice s)
{
	char *p = malloc(s.n + 1);

	if (p == NULL)
		return NULL;
	if (s.n != 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

/* The text as JSON with `behind` after it, owned; p is NULL when memory is exhausted. */
static struct slice
quoted(const char *text, const char *behind)
{
	struct buf b = {0};
	struct slice copy = {NULL, 0};

	json_quote(&b, slice_str(text));
	buf_add_str(&b, behind);
	if (buf_ok(&b))
		copy = slice_of(copy_text(buf_slice(&b)), b.n);
	buf_free(&b);
	return copy;
}

/* Cuts the part of *rest before `stop` (or all of it) off; false if nothing is left to cut. */
static bool
cut(struct slice *rest, char stop, struct slice *ret)
{
	const char *at;

	if (rest->p == NULL)
		return false;
	at = rest->n == 0 ? NULL : memchr(rest->p, stop, rest->n);
	if (at == NULL) {
		*ret = *rest;
		*rest = slice_of(NULL, 0);
		return true;
	}
	*ret = slice_of(rest->p, (size_t)(at - rest->p));
	*rest = slice_of(at + 1, rest->n - ret->n - 1);
	return true;
}

/* "NAME=VALUE" with both parts non-empty. */
static bool
cut_pair(struct slice pair, char between, struct slice *ret_name, struct slice *ret_value)
{
	*ret_value = pair;
	return cut(ret_value, between, ret_name) && ret_name->n != 0 && ret_value->p != NULL && ret_value->n != 0;
}

static int
malformed(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "a layout of events is malformed: restore a backup (dideban restore)");
}

static int
parse_roles(struct layout *la, struct slice list, struct err *err)
{
	struct slice item, name, kind;

	while (list.n != 0 && cut(&list, ',', &item)) {
		struct layout_role *role = &la->roles[la->n_roles];

		if (la->n_roles == LIMIT_ROLES || !cut_pair(item, '=', &name, &kind))
			return malformed(err);
		la->n_roles++;
		role->name = copy_text(name);
		role->kind = copy_text(kind);
		if (role->name == NULL || role->kind == NULL)
			return err_nomem(err);
	}
	return 0;
}

static int
parse_fields(struct layout *la, struct slice list, struct err *err)
{
	struct slice item, name, letter;

	while (list.n != 0 && cut(&list, ',', &item)) {
		struct layout_field *field = &la->fields[la->n_fields];

		if (la->n_fields == LIMIT_KEPT || !cut_pair(item, ':', &name, &letter) || letter.n != 1 || strchr("sibtd", letter.p[0]) == NULL)
			return malformed(err);
		la->n_fields++;
		field->letter = letter.p[0];
		field->name = copy_text(name);
		if (field->name != NULL)
			field->member = quoted(field->name, ":");
		if (field->member.p == NULL)
			return err_nomem(err);
	}
	return 0;
}

static int
parse(struct layout *la, struct slice text, struct err *err)
{
	struct slice rest = text, type, roles;

	la->text = copy_text(text);
	if (la->text == NULL)
		return err_nomem(err);
	if (memchr(la->text, '\0', text.n) != NULL || !cut(&rest, '\n', &type) || type.n == 0 || !cut(&rest, '\n', &roles) || rest.p == NULL)
		return malformed(err);
	if (parse_roles(la, roles, err) != 0 || parse_fields(la, rest, err) != 0)
		return -1;
	la->type = copy_text(type);
	if (la->type != NULL)
		la->type_json = quoted(la->type, "");
	return la->type_json.p == NULL ? err_nomem(err) : 0;
}

struct layout *
layout_parse(struct slice text, struct err *err)
{
	struct layout *la = calloc(1, sizeof *la);

	if (la == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	if (parse(la, text, err) != 0) {
		layout_free(la);
		return NULL;
	}
	return la;
}

void
layout_free(struct layout *la)
{
	if (la == NULL)
		return;
	for (unsigned i = 0; i < la->n_roles; i++) {
		free(la->roles[i].name);
		free(la->roles[i].kind);
	}
	for (unsigned i = 0; i < la->n_fields; i++) {
		free(la->fields[i].name);
		free((char *)(uintptr_t)la->fields[i].member.p);
	}
	free(la->type);
	free((char *)(uintptr_t)la->type_json.p);
	free(la->text);
	free(la);
}

int
layout_field_index(const struct layout *la, struct slice name)
{
	for (unsigned i = 0; i < la->n_fields; i++)
		if (slice_eq_str(name, la->fields[i].name))
			return (int)i;
	return -1;
}

int
layout_role_index(const struct layout *la, struct slice name)
{
	for (unsigned i = 0; i < la->n_roles; i++)
		if (slice_eq_str(name, la->roles[i].name))
			return (int)i;
	return -1;
}
