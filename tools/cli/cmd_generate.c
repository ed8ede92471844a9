/* dideban generate: synthetic events with a truth file of what was planted. */
#include "tools/cli/cli.h"
#include "tools/world/world.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static int cmd_generate(int argc, char **argv);

static const struct arg generate_args[] = {
    {"--seed", ARG_NUMBER, "N", "the same seed gives the same bytes (default 1)"},
    {"--events", ARG_NUMBER, "N", "how many lines (default 10000, at least 500)"},
    {"--malformed", ARG_FLAG, NULL, "with some damaged lines, for the quarantine"},
    {"--truth", ARG_TEXT, "FILE", "write what was planted there: rule, subject, what must come of it, story, one JSON object a line"},
    {0},
};

const struct command command_generate = {
    .name = "generate",
    .operands = "[KIND]",
    .summary = "print synthetic events with known findings planted in them",
    .details = "KIND is `world` (the default) or a part of it; `dideban generate list` tells them. Late, duplicate and retracted events are "
	       "among them.\n"
	       "Everybody is made up; identifiers have a valid check digit and belong to nobody in particular.",
    .example = "  dideban generate world --seed 7 --events 20000 --truth truth.ndjson > events.ndjson",
    .args = generate_args,
    .run = cmd_generate,
};

static int
on_line(void *ctx, struct slice line, struct err *err)
{
	(void)ctx;
	if (fwrite(line.p, 1, line.n, stdout) != line.n || putchar('\n') == EOF)
		return err_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "standard output cannot be written: %s", strerror(errno));
	return 0;
}

static int
on_plant(void *ctx, const struct world_plant *plant, struct err *err)
{
	FILE *f = ctx;

	fputs("{\"rule\":", f);
	print_json_string(f, slice_str(plant->rule));
	fputs(",\"subject\":", f);
	print_json_string(f, slice_str(plant->subject));
	fputs(",\"expect\":", f);
	print_json_string(f, slice_str(plant->expect));
	fputs(",\"story\":", f);
	print_json_string(f, slice_str(plant->story));
	fputs("}\n", f);
	return ferror(f) ? err_set(err, ERR_IO, "the truth file cannot be written: %s", strerror(errno)) : 0;
}

static int
list_kinds(void)
{
	struct err err;

	for (const struct world_kind *wk = world_kinds; wk->name != NULL; wk++)
		printf("%-8s %s\n", wk->name, wk->what);
	return cli_flush(&err) == 0 ? 0 : cli_fail(&err);
}

static int
find_kind(const struct args *ar, const struct world_kind **ret, struct err *err)
{
	const char *names[16], *near, *name = ar->n_rest == 0 ? WORLD_KIND_DEFAULT : ar->rest[0];
	size_t n = 0;

	if (ar->n_rest > 1)
		return err_set(err, ERR_USAGE, "generate: takes one KIND, but \"%s\" follows", ar->rest[1]);
	for (*ret = world_kinds; (*ret)->name != NULL; ++*ret) {
		if (strcmp((*ret)->name, name) == 0)
			return 0;
		names[n++] = (*ret)->name;
	}
	near = suggest(slice_str(name), names, n);
	if (near != NULL)
		return err_set(err, ERR_USAGE, "generate: no kind \"%s\"; did you mean %s?", name, near);
	return err_set(err, ERR_USAGE, "generate: no kind \"%s\"; `dideban generate list` tells them", name);
}

static int
generate(const struct args *ar, const struct world_kind *kind, struct err *err)
{
	struct world_options wo = {.kind = kind,
	    .malformed = args_flag(ar, "--malformed"),
	    .seed = args_number(ar, "--seed", 1),
	    .events = args_number(ar, "--events", 10000),
	    .on_line = on_line};
	const char *truth = args_text(ar, "--truth");
	struct world_counts wc;
	int r;

	if (truth != NULL) {
		wo.ctx = strcmp(truth, "-") == 0 ? stderr : fopen(truth, "we");
		wo.on_plant = on_plant;
		if (wo.ctx == NULL)
			return err_set(err, ERR_IO, "%s: cannot be written: %s", truth, strerror(errno));
	}
	r = world_generate(&wo, &wc, err);
	if (wo.ctx != NULL && wo.ctx != stderr) {
		fprintf(wo.ctx,
		    "{\"lines\":%" PRIu64 ",\"late\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"retracted\":%" PRIu64 ",\"malformed\":%" PRIu64 "}\n",
		    wc.lines, wc.late, wc.duplicates, wc.retracted, wc.malformed);
		if (fclose(wo.ctx) != 0 && r == 0)
			r = err_set(err, ERR_IO, "%s: cannot be written: %s", truth, strerror(errno));
	}
	return r;
}

static int
cmd_generate(int argc, char **argv)
{
	const struct world_kind *kind = NULL;
	struct args ar;
	struct err err = {0};
	int status = 0;

	if (args_parse(&ar, &command_generate, argc, argv, &err) != 0)
		return cli_fail(&err);
	if (ar.n_rest == 1 && strcmp(ar.rest[0], "list") == 0)
		status = list_kinds();
	else if (find_kind(&ar, &kind, &err) != 0 || generate(&ar, kind, &err) != 0 || cli_flush(&err) != 0)
		status = cli_fail(&err);
	args_free(&ar);
	return status;
}
