#include "engine/flow/failpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *wanted; /* "" once it is known that there is none */
static size_t name_len;
static unsigned long left;

static void
look(void)
{
	const char *text = getenv("DIDEBAN_FAILPOINT"), *colon = text == NULL ? NULL : strrchr(text, ':');

	wanted = "";
	if (colon == NULL)
		return;
	left = strtoul(colon + 1, NULL, 10);
	name_len = (size_t)(colon - text);
	if (left > 0)
		wanted = text;
}

void
failpoint(const char *name)
{
	if (wanted == NULL)
		look();
	if (wanted[0] == '\0' || strncmp(wanted, name, name_len) != 0 || name[name_len] != '\0')
		return;
	if (--left == 0)
		(void)raise(SIGKILL);
}
