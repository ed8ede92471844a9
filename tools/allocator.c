/* How the program's allocator keeps memory. Timelines lie anywhere in hundreds of megabytes: in pages of 4 KiB each event would also
 * miss the processor's table of pages, so all memory is asked for in large ones. What is freed is kept for ten seconds: a checkpoint takes
 * again what the one before had freed, and each page that the system has to zero costs as much as an event. One arena, so that each thread
 * finds what any has freed. jemalloc reads malloc_conf by its name (jemalloc(3), TUNING); MALLOC_CONF in the environment goes before it.
 *
 * What jemalloc gives back may lie within a large page. The system cuts that one up, but when any of the hole is touched again it puts a
 * whole large page there if it can, of which jemalloc reckons with the touched part alone: a long run grew by a third in this way. So a
 * large page with a hole is not made anew, until all of it was given back. */
#include <jemalloc/jemalloc.h>
#include <stdint.h>
#include <sys/mman.h>

#define LARGE_PAGE ((uintptr_t)2 << 20)

extern const char *malloc_conf;
const char *malloc_conf = "thp:always,metadata_thp:auto,narenas:1,oversize_threshold:0,dirty_decay_ms:10000,muzzy_decay_ms:0";

static void
advise(uintptr_t from, uintptr_t to, int how)
{
	/* It is advice: what lies beside our memory is passed over, and so is an error. */
	if (from < to)
		(void)madvise((void *)from, to - from, how);
}

static bool
give_back(extent_hooks_t *hooks, void *p, size_t size, size_t offset, size_t n, unsigned arena)
{
	uintptr_t from = (uintptr_t)p + offset, to = from + n, first = from & ~(LARGE_PAGE - 1), last = to & ~(LARGE_PAGE - 1);

	(void)hooks;
	(void)size;
	(void)arena;
	if (madvise((void *)from, n, MADV_DONTNEED) != 0)
		return true;
	if (first < from) {
		advise(first, first + LARGE_PAGE, MADV_NOHUGEPAGE);
		first += LARGE_PAGE;
	}
	advise(first, last, MADV_HUGEPAGE);
	if (last < to && last >= first)
		advise(last, last + LARGE_PAGE, MADV_NOHUGEPAGE);
	return false;
}

/* If it fails, the program runs as well and takes more memory. */
__attribute__((constructor)) static void
set_hooks(void)
{
	static extent_hooks_t hooks;
	extent_hooks_t *now, *ours = &hooks;
	size_t n = sizeof now;

	if (mallctl("arena.0.extent_hooks", &now, &n, NULL, 0) != 0)
		return;
	hooks = *now;
	hooks.purge_forced = give_back;
	(void)mallctl("arena.0.extent_hooks", NULL, NULL, &ours, sizeof ours);
}
