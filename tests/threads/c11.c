/* For the build under the thread sanitizer alone: C11's threads on POSIX's. librdkafka is made of them, gcc's sanitizer knows only
 * the others: a thread that it has not seen begin crashes at the first function that it watches, and a lock that it does not see
 * orders nothing. In glibc the types are the same under another name; these definitions stand before the C library's for the
 * whole program. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t), "glibc's types");

struct begin {
	thrd_start_t fn;
	void *arg;
};

static void *
run(void *ctx)
{
	struct begin be = *(struct begin *)ctx;

	free(ctx);
	return (void *)(intptr_t)be.fn(be.arg);
}

static int
result(int error, int timed_out)
{
	return error == 0 ? thrd_success : error == timed_out ? thrd_timedout : thrd_error;
}

int
thrd_create(thrd_t *ret, thrd_start_t fn, void *arg)
{
	struct begin *be = malloc(sizeof *be);

	if (be == NULL)
		return thrd_nomem;
	*be = (struct begin){fn, arg};
	if (pthread_create(ret, NULL, run, be) == 0)
		return thrd_success;
	free(be);
	return thrd_error;
}

int
thrd_join(thrd_t thread, int *ret)
{
	void *value;
	int error = pthread_join(thread, &value);

	if (error == 0 && ret != NULL)
		*ret = (int)(intptr_t)value;
	return result(error, -1);
}

int
thrd_detach(thrd_t thread)
{
	return result(pthread_detach(thread), -1);
}

int
mtx_init(mtx_t *lock, int type)
{
	pthread_mutexattr_t at;
	int error;

	(void)pthread_mutexattr_init(&at);
	(void)pthread_mutexattr_settype(&at, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
	error = pthread_mutex_init((pthread_mutex_t *)lock, &at);
	(void)pthread_mutexattr_destroy(&at);
	return result(error, -1);
}

void
mtx_destroy(mtx_t *lock)
{
	(void)pthread_mutex_destroy((pthread_mutex_t *)lock);
}

int
mtx_lock(mtx_t *lock)
{
	return result(pthread_mutex_lock((pthread_mutex_t *)lock), -1);
}

int
mtx_trylock(mtx_t *lock)
{
	int error = pthread_mutex_trylock((pthread_mutex_t *)lock);

	return error == 0 ? thrd_success : thrd_busy;
}

int
mtx_unlock(mtx_t *lock)
{
	return result(pthread_mutex_unlock((pthread_mutex_t *)lock), -1);
}

int
cnd_init(cnd_t *cond)
{
	return result(pthread_cond_init((pthread_cond_t *)cond, NULL), -1);
}

void
cnd_destroy(cnd_t *cond)
{
	(void)pthread_cond_destroy((pthread_cond_t *)cond);
}

int
cnd_signal(cnd_t *cond)
{
	return result(pthread_cond_signal((pthread_cond_t *)cond), -1);
}

int
cnd_broadcast(cnd_t *cond)
{
	return result(pthread_cond_broadcast((pthread_cond_t *)cond), -1);
}

int
cnd_wait(cnd_t *cond, mtx_t *lock)
{
	return result(pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)lock), -1);
}

int
cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict lock, const struct timespec *restrict until)
{
	return result(pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)lock, until), ETIMEDOUT);
}
