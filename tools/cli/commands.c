/* The table of subcommands, in the order of `dideban help`; help itself; those whose code lies in rooms of their own. */
#include "tools/cli/cli.h"
#include "tools/config.h"

#include <stdlib.h>

static int cmd_help(int argc, char **argv);

static const struct arg check_args[] = {
    {"--rules", ARG_TEXT, "DIR", "folder whose events/ holds the contracts that rules are checked against"},
    {"--json", ARG_FLAG, NULL, "one finding a line"},
    {0},
};
const struct command command_check = {
    .name = "check",
    .operands = "[FILE|DIR]...",
    .summary = "find every mistake in rules and event contracts, in one pass",
    .details = "Each is shown as file:line:column with the line, a caret and a suggestion. Without operands: the default rules.",
    .example = "  dideban check",
    .args = check_args,
    .run = cmd_check,
};

static const struct arg test_args[] = {
    {"--rules", ARG_TEXT, "DIR", "folder whose events/ holds the contracts"},
    {"--coverage", ARG_FLAG, NULL, "show which outcomes the tests reach"},
    {"--mutate", ARG_FLAG, NULL, "change the rule a little, again and again: each time a test must fail; exit 1 if none does"},
    {"--json", ARG_FLAG, NULL, "one test a line"},
    {0},
};
const struct command command_test = {
    .name = "test",
    .operands = "[FILE|DIR]...",
    .summary = "run the tests inside rules, each also shuffled, with duplicates, and split into batches",
    .details = NULL,
    .example = "  dideban test",
    .args = test_args,
    .run = cmd_test,
};

static const struct arg help_args[] = {
    {"--markdown", ARG_FLAG, NULL, "the reference of all commands and configuration keys, as docs/reference.md holds it"},
    {0},
};
const struct command command_help_command = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "show the commands, or one of them",
    .details = NULL,
    .example = "  dideban help run",
    .args = help_args,
    .run = cmd_help,
};

const struct command *const commands[] = {&command_demo, &command_run, &command_serve, &command_alerts, &command_explain, &command_timeline,
    &command_eval, &command_check, &command_test, &command_quarantine, &command_fields, &command_generate, &command_backup, &command_restore,
    &command_store, &command_status, &command_config, &command_doctor, &command_version, &command_help_command, NULL};

static void
overview(struct buf *b)
{
	buf_add_str(b, "Dideban (\xd8\xaf\xdb\x8c\xd8\xaf\xd8\xa8\xd8\xa7\xd9\x86, \"lookout\") reads the events that courts, police stations and "
		       "gates produce,\n"
		       "judges them by rules, and tells the right human in time. An alert is a lead with its evidence, for a person to check.\n\n"
		       "Usage: dideban COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		buf_printf(b, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	buf_add_str(b, "\n`dideban COMMAND --help` shows its options with an example. New here? Try `dideban demo`.\n");
}

static void
markdown(struct buf *b)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		command_markdown(commands[i], b);
	buf_add_str(b, "## Configuration keys\n\n");
	config_markdown(b);
}

static int
cmd_help(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct buf b = {0};
	int status = 0;

	if (args_parse(&ar, &command_help_command, argc, argv, &err) != 0)
		return cli_fail(&err);
	if (ar.n_rest > 1) {
		status = err_set(&err, ERR_USAGE, "help: one command at a time; what is \"%s\"?", ar.rest[1]);
	} else if (args_flag(&ar, "--markdown")) {
		markdown(&b);
	} else if (ar.n_rest == 0) {
		overview(&b);
	} else {
		size_t i = 0;

		while (commands[i] != NULL && strcmp(commands[i]->name, ar.rest[0]) != 0)
			i++;
		if (commands[i] == NULL)
			status = err_set(&err, ERR_USAGE, "help: no command \"%s\"; `dideban help` lists them", ar.rest[0]);
		else
			command_help(commands[i], &b);
	}
	if (status == 0)
		fwrite(b.p, 1, b.n, stdout);
	if (status != 0 || cli_flush(&err) != 0)
		status = cli_fail(&err);
	buf_free(&b);
	args_free(&ar);
	return status;
}
