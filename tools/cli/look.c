/* Opening a store to look at it, also beside a running process. */
#include "tools/cli/cli.h"
#include "tools/config.h"

#include <stdlib.h>

/* The configuration in the current folder names the store; a broken one is said. */
char *
store_of(const char *given, struct err *err)
{
	struct config co;
	char *ret;

	if (given != NULL) {
		ret = strdup(given);
	} else {
		if (config_load(&co, NULL, err) != 0)
			return NULL;
		ret = strdup(co.v[CONFIG_STORE].text);
		config_free(&co);
	}
	if (ret == NULL)
		(void)err_nomem(err);
	return ret;
}

int
store_look(const char *given, struct node **ret, struct err *err)
{
	struct node_options opt = {.read_only = true};
	char *dir = store_of(given, err);
	int r;

	if (dir == NULL)
		return -1;
	opt.dir = dir;
	r = node_open(ret, &opt, err);
	free(dir);
	return r;
}
