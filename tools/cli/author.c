#include "tools/cli/author.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcmp(name + n - m, suffix) == 0;
}

static int
rules_only(const struct dirent *de)
{
	return de->d_name[0] != '.' && ends_in(de->d_name, ".lua");
}

/* The folder whose contracts are meant for files in `dir`; allocated. */
static int
contracts_of(const char *rules, const char *dir, char **ret, struct err *err)
{
	char *events = NULL;
	bool own;

	if (rules != NULL)
		return rules_find(rules, ret, err);
	if (asprintf(&events, "%s/events", dir) < 0)
		return err_nomem(err);
	own = access(events, R_OK) == 0;
	free(events);
	if (!own)
		return rules_find(NULL, ret, err);
	*ret = strdup(dir);
	return *ret == NULL ? err_nomem(err) : 0;
}

/* Index of the folder, compiled if it is new; takes over `dir`. */
static int
add_folder(struct author *au, char *dir, size_t *ret, struct err *err)
{
	struct author_folder *fo;
	struct err wrong;

	if (dir == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < au->n_folders; i++)
		if (strcmp(au->folders[i].dir, dir) == 0) {
			free(dir);
			*ret = i;
			return 0;
		}
	fo = realloc(au->folders, (au->n_folders + 1) * sizeof *fo);
	if (fo == NULL) {
		free(dir);
		return err_nomem(err);
	}
	au->folders = fo;
	fo += au->n_folders;
	*fo = (struct author_folder){.dir = dir};
	*ret = au->n_folders++;
	if (rules_gather(dir, true, NULL, 0, &fo->source, err) != 0)
		return -1;
	fo->contracts = contracts_compile(fo->source.contracts, fo->source.n_contracts, &fo->findings, &wrong);
	if (fo->contracts == NULL && fo->findings.errors == 0) {
		*err = wrong;
		return -1;
	}
	return 0;
}

static int
add_file(struct author *au, const char *rules, const char *dir, const char *path, struct err *err)
{
	struct author_file *fi = realloc(au->files, (au->n_files + 1) * sizeof *fi);
	char *folder = NULL;

	if (fi == NULL)
		return err_nomem(err);
	au->files = fi;
	fi += au->n_files++;
	*fi = (struct author_file){.path = strdup(path), .contract = ends_in(path, ".json")};
	if (fi->path == NULL)
		return err_nomem(err);
	if (!fi->contract && (contracts_of(rules, dir, &folder, err) != 0 || add_folder(au, folder, &fi->folder, err) != 0))
		return -1;
	return read_file(path, fi->contract ? LIMIT_CONFIG_BYTES : 2 * LIMIT_RULE_FILE_BYTES, &fi->text, err);
}

static int
add_directory(struct author *au, const char *rules, const char *dir, struct err *err)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, rules_only, alphasort), r = 0;
	char *folder = NULL;
	size_t index;

	if (n < 0)
		return err_set(err, ERR_USAGE, "%s: cannot be listed: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *path = NULL;

		if (r == 0)
			r = asprintf(&path, "%s/%s", dir, list[i]->d_name) < 0 ? err_nomem(err) : add_file(au, rules, dir, path, err);
		free(path);
		free(list[i]);
	}
	free(list);
	if (r != 0 || n > 0)
		return r;
	/* A folder without rules: its contracts are meant. */
	if (contracts_of(rules, dir, &folder, err) != 0 || folder == NULL)
		return -1;
	if (rules == NULL && strcmp(folder, dir) != 0) {
		free(folder);
		return err_set(err, ERR_USAGE, "%s: neither rules (*.lua) nor an events/ folder with contracts", dir);
	}
	return add_folder(au, folder, &index, err);
}

static int
add_operand(struct author *au, const char *rules, const char *operand, struct err *err)
{
	const char *slash = strrchr(operand, '/');
	struct stat st;
	char *dir;
	int r;

	if (stat(operand, &st) != 0)
		return err_set(err, ERR_USAGE, "%s: %s", operand, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return add_directory(au, rules, operand, err);
	if (!ends_in(operand, ".lua") && !ends_in(operand, ".json"))
		return err_set(err, ERR_USAGE, "%s: neither a rule (*.lua) nor an event contract (*.json)", operand);
	dir = strndup(slash == NULL ? "." : operand, slash == NULL ? 1 : slash == operand ? 1 : (size_t)(slash - operand));
	if (dir == NULL)
		return err_nomem(err);
	r = add_file(au, rules, dir, operand, err);
	free(dir);
	return r;
}

int
author_open(struct author *ret, const char *rules, const char *const *operands, size_t n, struct err *err)
{
	char *dir = NULL;
	int r = 0;

	*ret = (struct author){0};
	if (n == 0) {
		r = rules_find(rules, &dir, err);
		if (r == 0)
			r = add_directory(ret, NULL, dir, err);
		free(dir);
	}
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_operand(ret, rules, operands[i], err);
	if (r != 0)
		author_close(ret);
	return r;
}

void
author_close(struct author *au)
{
	for (size_t i = 0; i < au->n_files; i++) {
		free(au->files[i].path);
		buf_free(&au->files[i].text);
	}
	for (size_t i = 0; i < au->n_folders; i++) {
		free(au->folders[i].dir);
		contracts_free(au->folders[i].contracts);
		ruleset_source_free(&au->folders[i].source);
		findings_free(&au->folders[i].findings);
	}
	free(au->files);
	free(au->folders);
	*au = (struct author){0};
}
