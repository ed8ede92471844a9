#include "state/base/stages.h"

#include <time.h>

bool stages_on;

static struct timespec since;
static enum stage now_in;
static double seconds[STAGE_COUNT];

static void
account(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	seconds[now_in] += (double)(ts.tv_sec - since.tv_sec) + (double)(ts.tv_nsec - since.tv_nsec) * 1e-9;
	since = ts;
}

void
stages_start(void)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &since);
	now_in = STAGE_OTHER;
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		seconds[i] = 0;
	stages_on = true;
}

enum stage
stages_change(enum stage st)
{
	enum stage before = now_in;

	account();
	now_in = st;
	return before;
}

double
stages_seconds(enum stage st)
{
	account();
	return seconds[st];
}

const char *
stage_name(enum stage st)
{
	static const char *const names[STAGE_COUNT] = {
	    "other", "read", "parse", "validate", "journal", "registrar", "timeline", "features", "lua", "alerts", "checkpoint", "publish"};

	return names[st];
}
