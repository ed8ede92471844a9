/* What every source yields: the raw bytes of one event with their position, or why there is no event at that position. */
#ifndef DIDEBAN_CONNECTORS_SOURCE_H
#define DIDEBAN_CONNECTORS_SOURCE_H

#include "engine/engine.h"

struct source_item {
	struct slice raw;       /* borrowed until the next call; of something too large its beginning */
	uint64_t full_bytes;    /* length of the whole */
	enum event_fault fault; /* FAULT_NONE, or what the source itself found: FAULT_TOO_LARGE, FAULT_BAD_JSON */
	const char *detail;     /* with a fault: what is wrong, for a person */
	struct position pos;
};

#endif
