/* The dideban program: finds the subcommand and hands over. */
#include "engine/event/contract.h"
#include "tools/cli/cli.h"

#include <stdlib.h>

static const struct command *
command_by_name(const char *name)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int
unknown_command(const char *name)
{
	const char *names[64], *near;
	struct err err;
	size_t n = 0;

	while (n < 64 && commands[n] != NULL) {
		names[n] = commands[n]->name;
		n++;
	}
	near = suggest(slice_str(name), names, n);
	if (near != NULL)
		(void)err_set(&err, ERR_USAGE, "no command \"%s\"; did you mean `dideban %s`?", name, near);
	else
		(void)err_set(&err, ERR_USAGE, "no command \"%s\"; `dideban help` lists them", name);
	return cli_fail(&err);
}

static bool
asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	const struct command *command;
	const char *name = argc < 2 ? "" : argv[1];

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	if (*name == 0) {
		struct err err;

		(void)err_set(&err, ERR_USAGE, "which command? `dideban help` lists them; `dideban demo` shows what it does");
		return cli_fail(&err);
	}
	command = command_by_name(name);
	if (command == NULL)
		return unknown_command(name);
	if (asks_for_help(argc - 1, argv + 1)) {
		struct buf b = {0};
		struct err err = {0};

		command_help(command, &b);
		fwrite(b.p, 1, b.n, stdout);
		buf_free(&b);
		return cli_flush(&err) == 0 ? 0 : cli_fail(&err);
	}
	return command->run(argc - 1, argv + 1);
}
