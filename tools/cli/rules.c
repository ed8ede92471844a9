/* Where the rules are, and what they are made of. */
#include "tools/cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
read_file(const char *path, size_t max, struct buf *ret, struct err *err)
{
	FILE *f = fopen(path, "rbe");
	size_t got;
	struct stat st;

	if (f == NULL)
		return err_set(err, ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)fclose(f);
		return err_set(err, ERR_USAGE, "%s: is a directory", path);
	}
	ret->max = 0;
	for (;;) {
		if (buf_grow(ret, 64 * KIB) != 0) {
			(void)fclose(f);
			return err_nomem(err);
		}
		got = fread(ret->p + ret->n, 1, 64 * KIB - 1, f);
		ret->n += got;
		ret->p[ret->n] = 0;
		if (got == 0)
			break;
		if (ret->n > max) {
			(void)fclose(f);
			return err_set(err, ERR_USAGE, "%s: larger than %zu bytes", path, max);
		}
	}
	if (ferror(f)) {
		(void)fclose(f);
		return err_set(err, ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
	}
	(void)fclose(f);
	return 0;
}

static bool
ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && name[0] != '.' && strcmp(name + n - m, suffix) == 0;
}

static int
lua_only(const struct dirent *de)
{
	return ends_in(de->d_name, ".lua");
}

static int
json_only(const struct dirent *de)
{
	return ends_in(de->d_name, ".json");
}

static bool
holds(const char *dir, int (*filter)(const struct dirent *))
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, filter, NULL);

	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return n > 0;
}

/* Beside the program: BUILD/../rules of a source tree, PREFIX/share/dideban/rules of an installation. */
static char *
beside_program(const char *below)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char *slash, *path = NULL, *real;

	if (n <= 0)
		return NULL;
	exe[n] = 0;
	slash = strrchr(exe, '/');
	if (slash == NULL)
		return NULL;
	*slash = 0;
	if (asprintf(&path, "%s/%s", exe, below) < 0)
		return NULL;
	real = realpath(path, NULL);
	free(path);
	return real;
}

int
rules_find(const char *given, char **ret, struct err *err)
{
	static const char *const below[] = {"../rules", "../../rules", "../share/dideban/rules"};
	struct stat st;

	if (given != NULL) {
		if (stat(given, &st) != 0)
			return err_set(err, ERR_USAGE, "%s: no such folder of rules: %s", given, strerror(errno));
		if (!S_ISDIR(st.st_mode))
			return err_set(err, ERR_USAGE, "%s: is no folder; --rules takes the folder that holds the *.lua files", given);
		*ret = strdup(given);
		return *ret == NULL ? err_nomem(err) : 0;
	}
	for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
		char *dir = beside_program(below[i]);

		if (dir != NULL && holds(dir, lua_only)) {
			*ret = dir;
			return 0;
		}
		free(dir);
	}
	for (int i = 0; i < 2; i++) {
		const char *dir = i == 0 ? DIDEBAN_RULES_DIR : "rules";

		if (holds(dir, lua_only)) {
			*ret = strdup(dir);
			return *ret == NULL ? err_nomem(err) : 0;
		}
	}
	return err_set(
	    err, ERR_USAGE, "no rules found beside the program, in %s or in ./rules; name their folder with --rules DIR", DIDEBAN_RULES_DIR);
}

static int
gather(const char *dir, int (*filter)(const struct dirent *), bool contracts, struct ruleset_source *ret, struct err *err)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, filter, alphasort), r = 0;

	if (n < 0)
		return err_set(err, ERR_USAGE, "%s: cannot be listed: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		struct buf text = {0};
		char *path = NULL;

		if (r == 0 && asprintf(&path, "%s/%s", dir, list[i]->d_name) < 0)
			r = err_nomem(err);
		if (r == 0)
			r = read_file(path, contracts ? LIMIT_CONFIG_BYTES : LIMIT_RULE_FILE_BYTES, &text, err);
		/* A contract by its file name alone, a rule by its path: findings point at what can be opened. */
		if (r == 0 && contracts)
			r = ruleset_source_add_contract(ret, slice_str(list[i]->d_name), buf_slice(&text), err);
		else if (r == 0)
			r = ruleset_source_add_rule(ret, slice_str(list[i]->d_name), buf_slice(&text), err);
		buf_free(&text);
		free(path);
		free(list[i]);
	}
	free(list);
	return r;
}

static int
gather_contracts(const char *dir, struct ruleset_source *ret, struct err *err)
{
	char *events = NULL, *other = NULL;
	int r = -1;

	if (asprintf(&events, "%s/events", dir) < 0)
		return err_nomem(err);
	if (!holds(events, json_only)) {
		free(events);
		events = NULL;
		if (rules_find(NULL, &other, err) != 0)
			return err_set(err, ERR_USAGE, "%s: holds no events/ folder with contracts, and there is no default one", dir);
		r = asprintf(&events, "%s/events", other);
		free(other);
		if (r < 0)
			return err_nomem(err);
		if (!holds(events, json_only)) {
			r = err_set(err, ERR_USAGE, "%s: no event contracts (*.json); put them in %s/events", events, dir);
			free(events);
			return r;
		}
	}
	r = gather(events, json_only, true, ret, err);
	free(events);
	return r;
}

int
rules_gather(const char *dir, bool only_contracts, const char *const *sets, size_t n_sets, struct ruleset_source *ret, struct err *err)
{
	*ret = (struct ruleset_source){0};
	if (!only_contracts && !holds(dir, lua_only))
		return err_set(err, ERR_USAGE, "%s: no rules (*.lua) in this folder; name the right one with --rules DIR", dir);
	if (gather_contracts(dir, ret, err) != 0 || (!only_contracts && gather(dir, lua_only, false, ret, err) != 0)) {
		ruleset_source_free(ret);
		return -1;
	}
	for (size_t i = 0; i < n_sets; i++)
		if (ruleset_source_add_set(ret, sets[i], err) != 0) {
			ruleset_source_free(ret);
			return -1;
		}
	return 0;
}
