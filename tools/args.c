#include "tools/args.h"

#include "engine/event/contract.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX 64

int
parse_number(const char *text, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0 || *end != 0)
		return -1;
	*ret = v;
	return 0;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static int
parse_unit(const char *text, const struct unit *units, size_t n, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		if (v > (uint64_t)INT64_MAX / units[i].factor)
			return -1;
		*ret = v * units[i].factor;
		return 0;
	}
	return -1;
}

int
parse_size(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {{"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024ull * 1024 * 1024}, {"kB", 1000},
	    {"MB", 1000000}, {"GB", 1000000000}};

	return parse_unit(text, units, sizeof units / sizeof units[0], ret);
}

int
parse_duration(const char *text, int64_t *ret_ms)
{
	static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	uint64_t v;

	if (parse_unit(text, units, sizeof units / sizeof units[0], &v) != 0)
		return -1;
	*ret_ms = (int64_t)v;
	return 0;
}

static const struct arg no_args[] = {{0}};

static const struct arg *
table(const struct command *command)
{
	return command->args == NULL ? no_args : command->args;
}

static int
unknown_option(const struct command *command, struct slice name, struct err *err)
{
	const char *names[NAMES_MAX], *near;
	size_t n = 0;

	for (const struct arg *ar = table(command); ar->name != NULL && n < NAMES_MAX - 1; ar++)
		names[n++] = ar->name;
	names[n++] = "--help";
	near = suggest(name, names, n);
	if (near != NULL)
		return err_set(err, ERR_USAGE, "%s: no option %.*s; did you mean %s?", command->name, SLICE_ARG(name), near);
	return err_set(err, ERR_USAGE, "%s: no option %.*s; `dideban %s --help` lists them", command->name, SLICE_ARG(name), command->name);
}

static int
check_value(const struct command *command, const struct arg *ar, const char *value, struct err *err)
{
	struct instant t;
	const char *why = NULL;
	uint64_t u;
	int64_t ms;

	switch (ar->type) {
	case ARG_NUMBER:
		if (parse_number(value, &u) == 0)
			return 0;
		return err_set(err, ERR_USAGE, "%s: %s takes a whole number, not \"%s\"", command->name, ar->name, value);
	case ARG_SIZE:
		if (parse_size(value, &u) == 0)
			return 0;
		return err_set(err, ERR_USAGE, "%s: %s takes a size such as 64MiB, not \"%s\"", command->name, ar->name, value);
	case ARG_DURATION:
		if (parse_duration(value, &ms) == 0)
			return 0;
		return err_set(err, ERR_USAGE, "%s: %s takes a duration such as 90d, 12h, 15m or 30s, not \"%s\"", command->name, ar->name, value);
	case ARG_TIME:
		if (instant_parse(slice_str(value), &t, &why) == 0)
			return 0;
		return err_set(
		    err, ERR_USAGE, "%s: %s takes a time such as 2026-03-21T08:00:00+03:30, not \"%s\" (%s)", command->name, ar->name, value, why);
	case ARG_FLAG:
	case ARG_TEXT:
	case ARG_LIST:
	case ARG_REPEAT:
		break;
	}
	return 0;
}

static int
found_add(struct args *ret, const struct arg *ar, const char *value, struct err *err)
{
	if (value != NULL && check_value(ret->command, ar, value, err) != 0)
		return -1;
	if (ret->n_found == LIMIT_ARGUMENTS)
		return err_set(err, ERR_USAGE, "%s: more than %d values on the command line", ret->command->name, LIMIT_ARGUMENTS);
	if (ret->n_found == ret->cap_found) {
		size_t cap = ret->cap_found == 0 ? 16 : 2 * ret->cap_found;
		struct arg_found *more = realloc(ret->found, cap * sizeof *more);

		if (more == NULL)
			return err_nomem(err);
		ret->found = more;
		ret->cap_found = cap;
	}
	ret->found[ret->n_found++] = (struct arg_found){ar, value};
	return 0;
}

static bool
is_option(const char *s)
{
	return s[0] == '-' && s[1] != 0;
}

/* The option at argv[*i] with its value or values; *i is left on the last one used. */
static int
parse_option(struct args *ret, int argc, char **argv, int *i, struct err *err)
{
	const char *text = argv[*i], *eq = strchr(text, '=');
	struct slice name = eq == NULL ? slice_str(text) : slice_of(text, (size_t)(eq - text));
	const struct arg *ar = table(ret->command);

	while (ar->name != NULL && !slice_eq_str(name, ar->name))
		ar++;
	if (ar->name == NULL)
		return unknown_option(ret->command, name, err);
	if (ar->type == ARG_FLAG) {
		if (eq != NULL)
			return err_set(err, ERR_USAGE, "%s: %s takes no value", ret->command->name, ar->name);
		return found_add(ret, ar, NULL, err);
	}
	if (eq != NULL)
		return found_add(ret, ar, eq + 1, err);
	if (*i + 1 >= argc || is_option(argv[*i + 1]))
		return err_set(err, ERR_USAGE, "%s: %s needs %s", ret->command->name, ar->name, ar->value);
	do {
		if (found_add(ret, ar, argv[++*i], err) != 0)
			return -1;
	} while (ar->type == ARG_LIST && *i + 1 < argc && !is_option(argv[*i + 1]));
	return 0;
}

int
args_parse(struct args *ret, const struct command *command, int argc, char **argv, struct err *err)
{
	bool only_operands = false;

	*ret = (struct args){.command = command};
	ret->rest = calloc((size_t)argc + 1, sizeof *ret->rest);
	if (ret->rest == NULL)
		return err_nomem(err);
	for (int i = 1; i < argc; i++) {
		if (!only_operands && strcmp(argv[i], "--") == 0)
			only_operands = true;
		else if (only_operands || !is_option(argv[i]))
			ret->rest[ret->n_rest++] = argv[i];
		else if (parse_option(ret, argc, argv, &i, err) != 0)
			goto fail;
	}
	if (ret->n_rest > 0 && command->operands[0] == 0) {
		(void)err_set(err, ERR_USAGE, "%s: takes no operand, but \"%s\" was given; `dideban %s --help` shows its options", command->name,
		    ret->rest[0], command->name);
		goto fail;
	}
	return 0;
fail:
	args_free(ret);
	return -1;
}

void
args_free(struct args *ar)
{
	free(ar->found);
	free(ar->rest);
	*ar = (struct args){0};
}

static const struct arg_found *
newest(const struct args *ar, const char *name)
{
	for (size_t i = ar->n_found; i > 0; i--)
		if (strcmp(ar->found[i - 1].arg->name, name) == 0)
			return &ar->found[i - 1];
	return NULL;
}

bool
args_flag(const struct args *ar, const char *name)
{
	return newest(ar, name) != NULL;
}

const char *
args_text(const struct args *ar, const char *name)
{
	const struct arg_found *af = newest(ar, name);

	return af == NULL ? NULL : af->value;
}

uint64_t
args_number(const struct args *ar, const char *name, uint64_t otherwise)
{
	const struct arg_found *af = newest(ar, name);
	uint64_t v = otherwise;

	if (af == NULL || (af->arg->type == ARG_SIZE ? parse_size(af->value, &v) : parse_number(af->value, &v)) != 0)
		return otherwise;
	return v;
}

bool
args_time(const struct args *ar, const char *name, struct instant *ret)
{
	const struct arg_found *af = newest(ar, name);
	const char *why;

	return af != NULL && instant_parse(slice_str(af->value), ret, &why) == 0;
}

size_t
args_values(const struct args *ar, const char *name, const char ***ret)
{
	size_t n = 0;

	*ret = calloc(ar->n_found + 1, sizeof **ret);
	if (*ret == NULL)
		return 0;
	for (size_t i = 0; i < ar->n_found; i++)
		if (strcmp(ar->found[i].arg->name, name) == 0)
			(*ret)[n++] = ar->found[i].value;
	return n;
}

static void
usage_line(const struct command *command, struct buf *ret)
{
	buf_printf(ret, "dideban %s", command->name);
	if (command->operands[0] != 0)
		buf_printf(ret, " %s", command->operands);
	if (table(command)->name != NULL)
		buf_add_str(ret, " [OPTIONS]");
}

static void
option_title(const struct arg *ar, struct buf *ret)
{
	buf_add_str(ret, ar->name);
	if (ar->value != NULL)
		buf_printf(ret, " %s%s", ar->value, ar->type == ARG_LIST ? "..." : "");
}

static const char exit_statuses[] = "  0  done\n"
				    "  1  what was looked for is wrong: a rule that fails its check or test, an alert that no longer holds\n"
				    "  2  bad usage or configuration\n"
				    "  3  bad input was met under --strict\n"
				    "  4  store or I/O fault\n"
				    "  5  a needed service cannot be reached\n";

void
command_help(const struct command *command, struct buf *ret)
{
	const struct arg *ar = table(command);

	buf_printf(ret, "dideban %s: %s\n\nUsage: ", command->name, command->summary);
	usage_line(command, ret);
	buf_add_str(ret, "\n");
	if (command->details != NULL)
		buf_printf(ret, "\n%s\n", command->details);
	if (ar->name != NULL)
		buf_add_str(ret, "\nOptions:\n");
	for (; ar->name != NULL; ar++) {
		size_t at = ret->n;

		buf_add_str(ret, "  ");
		option_title(ar, ret);
		if (ar->type == ARG_REPEAT)
			buf_add_str(ret, " (may be repeated)");
		if (ret->n - at < 28)
			buf_printf(ret, "%*s", (int)(28 - (ret->n - at)), "");
		else
			buf_printf(ret, "\n%28s", "");
		buf_printf(ret, "%s\n", ar->help);
	}
	buf_printf(ret, "\nExample:\n%s\n\nExit status:\n%s", command->example, exit_statuses);
}

void
command_markdown(const struct command *command, struct buf *ret)
{
	const struct arg *ar = table(command);

	buf_printf(ret, "### dideban %s\n\n%c%s.\n\n```\n", command->name,
	    command->summary[0] >= 'a' && command->summary[0] <= 'z' ? command->summary[0] - 32 : command->summary[0], command->summary + 1);
	usage_line(command, ret);
	buf_add_str(ret, "\n```\n\n");
	if (command->details != NULL)
		buf_printf(ret, "%s\n\n", command->details);
	if (ar->name != NULL)
		buf_add_str(ret, "| option | meaning |\n|---|---|\n");
	for (; ar->name != NULL; ar++) {
		buf_add_str(ret, "| `");
		option_title(ar, ret);
		buf_add_str(ret, "` | ");
		for (const char *p = ar->help; *p != 0; p++) {
			if (*p == '|')
				buf_add_u8(ret, '\\');
			buf_add_u8(ret, (uint8_t)*p);
		}
		buf_printf(ret, "%s |\n", ar->type == ARG_REPEAT ? " (may be repeated)" : "");
	}
	if (table(command)->name != NULL)
		buf_add_str(ret, "\n");
	buf_printf(ret, "```sh\n");
	for (const char *p = command->example; *p != 0;) {
		while (*p == ' ')
			p++;
		while (*p != 0 && *p != '\n')
			buf_add_u8(ret, (uint8_t)*p++);
		buf_add_u8(ret, '\n');
		if (*p == '\n')
			p++;
	}
	buf_add_str(ret, "```\n\n");
}
