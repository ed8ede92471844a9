/* Our own allocations, one of which fails: malloc and its kin are exchanged at the link (-Wl,--wrap) in every object of the
 * program, the libraries engine and state among them; what RocksDB, Lua's own code or the C library ask for passes by. Lua's
 * memory comes from the sandbox's allocator and is ours. It also knows what was not freed. One thread. */
#ifndef DIDEBAN_TESTS_MEMORY_FAILING_H
#define DIDEBAN_TESTS_MEMORY_FAILING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins to count from 1. The allocation `at` fails (0: none), and with `ever_after` all that follow it. */
void failing_start(uint64_t at, bool ever_after);
/* Ends counting; returns how many were asked for. */
uint64_t failing_stop(void);
/* Whether one has failed since the start. */
bool failing_has(void);
/* While the test itself runs inside of a call (a callback): nothing is counted, nothing fails. */
bool failing_pause(void);
void failing_resume(bool before);

/* The number of the first allocation since the start that nobody has freed; 0: all are. */
uint64_t failing_left(size_t *ret_count);
/* Says on standard error from where the allocation `at` was asked for, when it comes. 0: none. */
void failing_show(uint64_t at);

/* While counting, notes from where each was asked for: the innermost frames of this program. Slow. */
struct failing_place {
	uint64_t hash; /* of the frames */
	uint64_t leaf; /* of the innermost one */
};
void failing_note(struct failing_place *to, size_t max); /* NULL: no more; to[0] is the first allocation's */

#endif
