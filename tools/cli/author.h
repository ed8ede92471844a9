/* What `check` and `test` share: the rule files that are meant, and the contracts of their folders. */
#ifndef DIDEBAN_TOOLS_CLI_AUTHOR_H
#define DIDEBAN_TOOLS_CLI_AUTHOR_H

#include "tools/cli/cli.h"

struct author_file {
	char *path;
	size_t folder; /* index in folders */
	bool contract; /* a single *.json; otherwise a rule */
	struct buf text;
};

/* A folder of contracts, compiled once. */
struct author_folder {
	char *dir;
	struct ruleset_source source; /* its contracts alone */
	struct contracts *contracts;  /* NULL: they have mistakes, which are in findings */
	struct findings findings;
};

struct author {
	size_t n_files, n_folders;
	struct author_file *files;
	struct author_folder *folders;
};

/* operands: files *.lua and *.json, and folders; none: the default rules. `rules`: folder of the contracts, or NULL: the
 * file's own folder if it has events/, else the default one. */
int author_open(struct author *ret, const char *rules, const char *const *operands, size_t n, struct err *err);
void author_close(struct author *au);

#endif
