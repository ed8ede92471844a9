/* dideban fields: event types, their fields, roles, kept fields. */
#include "tools/cli/cli.h"

#include <stdlib.h>

static int cmd_fields(int argc, char **argv);

static const struct arg fields_args[] = {
    {"--rules", ARG_TEXT, "DIR", "folder of rules, with the contracts in its events/"},
    {"--json", ARG_FLAG, NULL, "one type a line"},
    {0},
};

const struct command command_fields = {
    .name = "fields",
    .operands = "[TYPE]",
    .summary = "show the event types; of one, its fields, roles and kept fields",
    .details = NULL,
    .example = "  dideban fields",
    .args = fields_args,
    .run = cmd_fields,
};

#define FIELDS_MAX 512

static void
print_json(const struct contract *co, const struct contract_field *cf, size_t n)
{
	const struct layout *la = contract_layout(co);

	printf("{\"type\":");
	print_json_string(stdout, slice_str(contract_type(co)));
	printf(",\"class\":");
	print_json_string(stdout, slice_str(contract_class(co)));
	printf(",\"roles\":{");
	for (unsigned i = 0; i < la->n_roles; i++) {
		printf("%s", i == 0 ? "" : ",");
		print_json_string(stdout, slice_str(la->roles[i].name));
		printf(":");
		print_json_string(stdout, slice_str(la->roles[i].kind));
	}
	printf("},\"fields\":[");
	for (size_t i = 0; i < n; i++) {
		printf("%s{\"path\":", i == 0 ? "" : ",");
		print_json_string(stdout, slice_str(cf[i].path));
		printf(",\"is\":");
		print_json_string(stdout, slice_str(cf[i].type_text));
		printf(",\"required\":%s,\"kept\":%s", cf[i].required ? "true" : "false", cf[i].kept ? "true" : "false");
		if (cf[i].role != NULL) {
			printf(",\"role\":");
			print_json_string(stdout, slice_str(cf[i].role));
		}
		if (cf[i].description != NULL) {
			printf(",\"description\":");
			print_json_string(stdout, slice_str(cf[i].description));
		}
		printf("}");
	}
	printf("]}\n");
}

static void
print_type(const struct contract *co, const struct contract_field *cf, size_t n)
{
	const struct layout *la = contract_layout(co);
	size_t wide = 0;

	printf("%s%s%s", tint(stdout, TINT_BOLD), contract_type(co), tint(stdout, TINT_OFF));
	if (contract_class(co)[0] != 0)
		printf("  (class %s)", contract_class(co));
	printf("\nroles: ");
	for (unsigned i = 0; i < la->n_roles; i++)
		printf("%s%s: %s", i == 0 ? "" : ", ", la->roles[i].name, la->roles[i].kind);
	printf("%s\n\n", la->n_roles == 0 ? "none" : "");
	for (size_t i = 0; i < n; i++)
		if (strlen(cf[i].path) > wide)
			wide = strlen(cf[i].path);
	for (size_t i = 0; i < n; i++)
		printf("  %-*s  %-8s %-4s  %s%s%s%s%s%s\n", (int)wide, cf[i].path, cf[i].required ? "required" : "", cf[i].kept ? "kept" : "",
		    cf[i].type_text, cf[i].role == NULL ? "" : ", role ", cf[i].role == NULL ? "" : cf[i].role,
		    cf[i].description == NULL ? "" : "  (", cf[i].description == NULL ? "" : cf[i].description, cf[i].description == NULL ? "" : ")");
}

static int
show(const struct contracts *cs, const char *type, bool json, struct err *err)
{
	struct contract_field *cf = calloc(FIELDS_MAX, sizeof *cf);
	const char *near;
	bool found = false;
	size_t n;

	if (cf == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < contracts_count(cs); i++) {
		const struct contract *co = contracts_at(cs, i);
		const struct layout *la = contract_layout(co);

		if (type != NULL && strcmp(type, contract_type(co)) != 0)
			continue;
		found = true;
		n = contract_fields(co, cf, FIELDS_MAX);
		n = n > FIELDS_MAX ? FIELDS_MAX : n;
		if (json) {
			print_json(co, cf, n);
		} else if (type != NULL) {
			print_type(co, cf, n);
		} else {
			printf("%-24s", contract_type(co));
			for (unsigned j = 0; j < la->n_roles; j++)
				printf("%s%s: %s", j == 0 ? "" : ", ", la->roles[j].name, la->roles[j].kind);
			printf("\n");
		}
	}
	free(cf);
	if (found || type == NULL)
		return 0;
	near = contracts_suggest(cs, slice_str(type));
	if (near != NULL)
		return err_set(err, ERR_USAGE, "fields: no event type %s; did you mean %s?", type, near);
	return err_set(err, ERR_USAGE, "fields: no event type %s; `dideban fields` lists them", type);
}

static int
cmd_fields(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct contracts *cs = NULL;
	char *dir = NULL;
	int status = 0;

	if (args_parse(&ar, &command_fields, argc, argv, &err) != 0)
		return cli_fail(&err);
	if (ar.n_rest > 1)
		status = err_set(&err, ERR_USAGE, "fields: takes one TYPE, but \"%s\" follows", ar.rest[1]);
	if (status == 0)
		status = rules_find(args_text(&ar, "--rules"), &dir, &err);
	if (status == 0)
		status = rules_gather(dir, true, NULL, 0, &src, &err);
	if (status == 0) {
		cs = contracts_compile(src.contracts, src.n_contracts, &fi, &err);
		cli_findings(&fi, dir);
		status = cs == NULL ? -1 : show(cs, ar.n_rest == 0 ? NULL : ar.rest[0], args_flag(&ar, "--json"), &err);
	}
	if (status != 0 || cli_flush(&err) != 0)
		status = cli_fail(&err);
	contracts_free(cs);
	findings_free(&fi);
	ruleset_source_free(&src);
	free(dir);
	args_free(&ar);
	return status;
}
