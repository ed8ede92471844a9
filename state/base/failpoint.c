#include "state/base/failpoint.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *wanted = "";
static pthread_once_t looked = PTHREAD_ONCE_INIT;
static size_t name_len;
static unsigned long left;

static void
look(void)
{
	const char *text = getenv("DIDEBAN_FAILPOINT"), *colon = text == NULL ? NULL : strrchr(text, ':');

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
	(void)pthread_once(&looked, look);
	if (wanted[0] == '\0' || strncmp(wanted, name, name_len) != 0 || name[name_len] != '\0')
		return;
	if (--left == 0)
		(void)raise(SIGKILL);
}
