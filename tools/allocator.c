/* How the program's allocator keeps memory. Timelines lie anywhere in hundreds of megabytes: in pages of 4 KiB each event would also
 * miss the processor's table of pages, so all memory is asked for in large ones. What is freed is kept for ten seconds: a checkpoint takes
 * again what the one before had freed, and zeroing its pages anew was up to a tenth of an event's cost. jemalloc reads
 * malloc_conf by its name (jemalloc(3), TUNING); MALLOC_CONF in the environment goes before it.
 *
 * Where jemalloc gives back what lies under a large page and touches some of it again, the system puts a whole large page there, of which
 * jemalloc reckons with what it touched: a long run grew by a third in this way. So what was given back comes again in pages of 4 KiB,
 * for good. */
#include <jemalloc/jemalloc.h>
#include <stdint.h>
#include <sys/mman.h>

#define LARGE_PAGE ((uintptr_t)2 << 20)

extern const char *malloc_conf;
const char *malloc_conf = "thp:always,metadata_thp:auto,narenas:1,oversize_threshold:0,dirty_decay_ms:10000,muzzy_decay_ms:0";

static bool
give_back(extent_hooks_t *hooks, void *p, size_t size, size_t offset, size_t n, unsigned arena)
{
	uintptr_t from = (uintptr_t)p + offset, first = from & ~(LARGE_PAGE - 1), last = (from + n + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);

	(void)hooks;
	(void)size;
	(void)arena;
	if (madvise((void *)from, n, MADV_DONTNEED) != 0)
		return true;
	/* Advice: what lies beside our memory is passed over, and if it fails, more is taken. */
	(void)madvise((void *)first, last - first, MADV_NOHUGEPAGE);
	return false;
}

/* An arena of its own for the main thread, which has the timelines. jemalloc's first one, which all other threads share, may not have
 * hooks: a thread that frees before it ever had memory is made known to jemalloc while a hook is called, takes memory there, and waits
 * for itself. If this fails, the program runs as well and takes more memory. */
__attribute__((constructor)) static void
make_arena(void)
{
	static extent_hooks_t hooks;
	extent_hooks_t *first, *ours = &hooks;
	size_t n = sizeof first, number_size = sizeof(unsigned);
	unsigned number;

	if (mallctl("arena.0.extent_hooks", (void *)&first, &n, NULL, 0) != 0)
		return;
	hooks = *first;
	hooks.purge_forced = give_back;
	if (mallctl("arenas.create", &number, &number_size, (void *)&ours, sizeof ours) == 0)
		(void)mallctl("thread.arena", NULL, NULL, &number, sizeof number);
}
