/* Opening a store to look at it, also beside a running process. */
#include "tools/cli/cli.h"
#include "tools/config.h"

#include <stdlib.h>

#define LIMIT_KINDS 64

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

void
note_kind(const struct node *no, const char *subject)
{
	const struct ruleset *rs = node_ruleset(no);
	const char *known[LIMIT_KINDS], *near;
	struct slice kind = slice_of(subject, strcspn(subject, "/"));
	size_t n = 0, k;

	for (size_t i = 0; rs != NULL && i < contracts_count(rs->contracts); i++) {
		const struct layout *la = contract_layout(contracts_at(rs->contracts, i));

		for (unsigned r = 0; r < la->n_roles; r++) {
			if (slice_eq_str(kind, la->roles[r].kind))
				return;
			for (k = 0; k < n && strcmp(known[k], la->roles[r].kind) != 0; k++)
				;
			if (k == n && n < LIMIT_KINDS)
				known[n++] = la->roles[r].kind;
		}
	}
	near = suggest(kind, known, n);
	cli_note("no event type of this store knows a %s%s%s%s", shown(kind),
	    near == NULL ? "; `dideban fields TYPE` shows the kinds of its roles" : "; did you mean ", near == NULL ? "" : near,
	    near == NULL ? "" : "?");
}
