/* dideban backup, restore, store: copies of a whole state, and its health. */
#include "state/copy.h"
#include "tools/cli/cli.h"

#include <inttypes.h>
#include <stdlib.h>

static int cmd_backup(int argc, char **argv);
static int cmd_restore(int argc, char **argv);
static int cmd_store(int argc, char **argv);

#define STORE_ARG                                                                                                                                    \
	{                                                                                                                                            \
		"--store", ARG_TEXT, "DIR", "the store (default: that of ./dideban.yaml, else ./dideban-store)"                                      \
	}

static const struct arg backup_args[] = {STORE_ARG, {"--json", ARG_FLAG, NULL, "what was copied as one JSON object"}, {0}};
static const struct arg restore_args[] = {
    {"--store", ARG_TEXT, "DIR",
	"where to put it: a folder that is not there yet or is empty (default: that of ./dideban.yaml, else ./dideban-store)"},
    {"--json", ARG_FLAG, NULL, "what was copied as one JSON object"},
    {0},
};
static const struct arg store_args[] = {STORE_ARG, {"--json", ARG_FLAG, NULL, "what was found as one JSON object"}, {0}};

const struct command command_backup = {
    .name = "backup",
    .operands = "DIR",
    .summary = "copy a store, also a running one: incremental, checksummed, verified",
    .details = "Into the same DIR again, only what is new is copied.",
    .example = "  dideban backup ./backup --store ./province",
    .args = backup_args,
    .run = cmd_backup,
};
const struct command command_restore = {
    .name = "restore",
    .operands = "DIR",
    .summary = "put a verified backup in place of a lost store",
    .details = "Never writes over a store.",
    .example = "  dideban restore ./backup --store ./province-again",
    .args = restore_args,
    .run = cmd_restore,
};
const struct command command_store = {
    .name = "store",
    .operands = "verify|upgrade",
    .summary = "check every byte of a store, also of a running one; bring it to the newest format",
    .details = NULL,
    .example = "  dideban store verify --store ./province",
    .args = store_args,
    .run = cmd_store,
};

static void
print_copy(const struct copy_report *cr, bool json, const char *what, const char *from, const char *to)
{
	if (json)
		printf("{\"files\":%" PRIu64 ",\"copied_files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"copied_bytes\":%" PRIu64
		       ",\"journal_seq\":%" PRIu64 ",\"checkpoint_seq\":%" PRIu64 "}\n",
		    cr->files, cr->copied_files, cr->bytes, cr->copied_bytes, cr->journal_seq, cr->checkpoint_seq);
	else
		printf("%s %s to %s: %s files, %s bytes (copied now: %s files, %s bytes), up to journal record %s; verified\n", what, from, to,
		    grouped(cr->files), grouped(cr->bytes), grouped(cr->copied_files), grouped(cr->copied_bytes), grouped(cr->journal_seq));
}

static int
copy(const struct command *command, int argc, char **argv, bool back)
{
	struct args ar;
	struct err err = {0};
	struct copy_report cr = {0};
	char *store = NULL;
	int r;

	if (args_parse(&ar, command, argc, argv, &err) != 0)
		return cli_fail(&err);
	store = store_of(args_text(&ar, "--store"), &err);
	if (store == NULL)
		r = -1;
	else if (ar.n_rest != 1)
		r = err_set(&err, ERR_USAGE, "%s: takes the folder of the backup", command->name);
	else if (back)
		r = state_restore(ar.rest[0], store, &cr, &err);
	else
		r = state_backup(store, ar.rest[0], &cr, &err);
	if (r == 0) {
		print_copy(&cr, args_flag(&ar, "--json"), back ? "restored" : "copied", back ? ar.rest[0] : store, back ? store : ar.rest[0]);
		r = cli_flush(&err);
	}
	free(store);
	args_free(&ar);
	return r == 0 ? 0 : cli_fail(&err);
}

static int
cmd_backup(int argc, char **argv)
{
	return copy(&command_backup, argc, argv, false);
}

static int
cmd_restore(int argc, char **argv)
{
	return copy(&command_restore, argc, argv, true);
}

static void
print_verified(const struct store_report *sr, bool json, const char *dir)
{
	if (json)
		printf("{\"files\":%" PRIu64 ",\"keys\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"checkpoint_seq\":%" PRIu64 ",\"journal_records\":%" PRIu64
		       ",\"journal_bytes\":%" PRIu64 "}\n",
		    sr->files, sr->keys, sr->bytes, sr->checkpoint_seq, sr->journal_records, sr->journal_bytes);
	else
		printf("%s is whole: %s keys in %s files (%s bytes), checkpoint at journal record %s; %s journal records (%s bytes), every checksum "
		       "right\n",
		    dir, grouped(sr->keys), grouped(sr->files), grouped(sr->bytes), grouped(sr->checkpoint_seq), grouped(sr->journal_records),
		    grouped(sr->journal_bytes));
}

static int
cmd_store(int argc, char **argv)
{
	static const char *const verbs[] = {"verify", "upgrade"};
	struct args ar;
	struct err err = {0};
	struct store_report sr = {0};
	const char *verb, *near;
	char *dir;
	int r = -1;

	if (args_parse(&ar, &command_store, argc, argv, &err) != 0)
		return cli_fail(&err);
	verb = ar.n_rest > 0 ? ar.rest[0] : "";
	dir = store_of(args_text(&ar, "--store"), &err);
	if (dir == NULL) {
		r = -1;
	} else if (ar.n_rest == 1 && strcmp(verb, "verify") == 0) {
		r = state_verify(dir, &sr, &err);
		if (r == 0)
			print_verified(&sr, args_flag(&ar, "--json"), dir);
	} else if (ar.n_rest == 1 && strcmp(verb, "upgrade") == 0) {
		/* Another format is refused at opening: an older one has no way here yet but its events into a new store. */
		r = state_verify(dir, &sr, &err);
		if (r == 0 && args_flag(&ar, "--json"))
			printf("{\"format\":%u,\"upgraded\":false}\n", STORE_FORMAT);
		else if (r == 0)
			printf("%s has the newest format already\n", dir);
	} else if ((near = suggest(slice_str(verb), verbs, 2)) != NULL) {
		(void)err_set(&err, ERR_USAGE, "store: did you mean `dideban store %s`?", near);
	} else {
		(void)err_set(&err, ERR_USAGE, "store: takes verify or upgrade");
	}
	if (r == 0)
		r = cli_flush(&err);
	free(dir);
	args_free(&ar);
	return r == 0 ? 0 : cli_fail(&err);
}
