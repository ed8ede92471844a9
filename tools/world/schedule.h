/* Events on their way: a heap by time of arrival. */
#ifndef DIDEBAN_TOOLS_WORLD_SCHEDULE_H
#define DIDEBAN_TOOLS_WORLD_SCHEDULE_H

#include "state/base/err.h"
#include "state/base/slice.h"

#include <stdint.h>

struct pending {
	int64_t at;
	uint64_t order; /* equal times: as added */
	char *line;
};
struct schedule {
	struct pending *heap; /* heap[0] comes next */
	size_t n, cap;
	uint64_t order;
};

int schedule_add(struct schedule *sc, int64_t at, struct slice line, struct err *err);
/* The next line, allocated; the schedule must not be empty. */
char *schedule_take(struct schedule *sc);
void schedule_free(struct schedule *sc);

#endif
