/* Reading ahead with several threads. A disk answers many questions at once far sooner than one after the other, and what a restart
 * folds again asks for some ten thousand subjects that lie anywhere. */
#include "state/store/private.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

#define THREADS 8
#define AT_ONCE 8 /* groups that a thread takes at a time */
#define SAMPLE 16 /* groups that are walked first, to see whether a disk is asked at all */
#define SLOW_WALK_NS 50000

struct expectation {
	struct store *st;
	const struct slice *groups;
	size_t n;
	atomic_size_t next;
};

/* Errors are told where the groups are really read. */
static void
read_groups(struct expectation *ex, size_t most)
{
	rocksdb_readoptions_t *read = rocksdb_readoptions_create();
	rocksdb_iterator_t *iter;

	rocksdb_readoptions_set_prefix_same_as_start(read, 1);
	iter = rocksdb_create_iterator(ex->st->db, read);
	while (most > 0) {
		size_t from = atomic_fetch_add(&ex->next, AT_ONCE);

		for (size_t i = from; i < ex->n && i < from + AT_ONCE; i++, most--) {
			rocksdb_iter_seek(iter, ex->groups[i].p, ex->groups[i].n);
			while (rocksdb_iter_valid(iter))
				rocksdb_iter_next(iter);
		}
		if (from >= ex->n)
			break;
	}
	rocksdb_iter_destroy(iter);
	rocksdb_readoptions_destroy(read);
}

static int
read_rest(void *ex)
{
	read_groups(ex, SIZE_MAX);
	return 0;
}

static int64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void
store_expect(struct store *st, const struct slice *groups, size_t n)
{
	struct expectation ex = {.st = st, .groups = groups, .n = n};
	thrd_t threads[THREADS];
	unsigned begun = 0;
	int64_t begin = now();

	if (n < 2 * SAMPLE)
		return;
	read_groups(&ex, SAMPLE);
	if (now() - begin < SAMPLE * (int64_t)(st->opt.slow_walk_ns != 0 ? st->opt.slow_walk_ns : SLOW_WALK_NS))
		return;
	while (begun < THREADS && thrd_create(&threads[begun], read_rest, &ex) == thrd_success)
		begun++;
	for (unsigned i = 0; i < begun; i++)
		(void)thrd_join(threads[i], NULL);
}
