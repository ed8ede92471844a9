/* dideban check: every mistake in rules and event contracts, in one pass. */
#include "tools/cli/author.h"

#include <stdlib.h>

static void
print_json(const struct findings *fi)
{
	for (size_t i = 0; i < fi->n; i++) {
		const struct finding *fd = &fi->v[i];

		printf("{\"file\":");
		print_json_string(stdout, slice_str(fd->file));
		printf(",\"line\":%u,\"column\":%u,\"length\":%u,\"severity\":\"%s\",\"text\":", fd->line, fd->column, fd->length,
		    fd->warning ? "warning" : "error");
		print_json_string(stdout, slice_str(fd->text));
		printf("}\n");
	}
}

/* A rule against the contracts of its folder, or a contract by itself. 0, or -1 when memory is exhausted. */
static int
check_file(const struct author *au, const struct author_file *af, struct findings *fi, struct err *err)
{
	struct err wrong = {0};

	if (af->contract) {
		struct source_text source = {slice_str(af->path), buf_slice(&af->text)};
		struct contracts *cs = contracts_compile(&source, 1, fi, &wrong);

		contracts_free(cs);
	} else
		rule_free(rule_load(slice_str(af->path), buf_slice(&af->text), au->folders[af->folder].contracts, NULL, 0, fi, &wrong));
	if (wrong.code == ERR_NONE || wrong.code == ERR_CHECKED)
		return 0;
	*err = wrong;
	return -1;
}

static int
check_all(const struct author *au, bool json, struct err *err)
{
	size_t errors = 0, warnings = 0, rules = 0, contracts = 0;

	for (size_t i = 0; i < au->n_folders; i++) {
		const struct author_folder *fo = &au->folders[i];

		contracts += fo->source.n_contracts;
		errors += fo->findings.errors;
		if (json)
			print_json(&fo->findings);
		else
			cli_findings(&fo->findings, fo->dir);
	}
	for (size_t i = 0; i < au->n_files; i++) {
		struct findings fi = {0};

		if (check_file(au, &au->files[i], &fi, err) != 0) {
			findings_free(&fi);
			return -1;
		}
		*(au->files[i].contract ? &contracts : &rules) += 1;
		errors += fi.errors;
		warnings += fi.n - fi.errors;
		if (json)
			print_json(&fi);
		else
			cli_findings(&fi, NULL);
		findings_free(&fi);
	}
	if (!json)
		printf("%zu rule%s, %zu contract%s: %zu mistake%s, %zu warning%s\n", rules, rules == 1 ? "" : "s", contracts,
		    contracts == 1 ? "" : "s", errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
	if (cli_flush(err) != 0)
		return -1;
	return errors == 0 ? 0 : 1;
}

int
cmd_check(int argc, char **argv)
{
	struct author au = {0};
	struct args ar;
	struct err err;
	int r;

	if (args_parse(&ar, &command_check, argc, argv, &err) != 0)
		return cli_fail(&err);
	r = author_open(&au, args_text(&ar, "--rules"), ar.rest, ar.n_rest, &err);
	if (r == 0)
		r = check_all(&au, args_flag(&ar, "--json"), &err);
	author_close(&au);
	args_free(&ar);
	return r < 0 ? cli_fail(&err) : r;
}
