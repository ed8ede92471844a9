#include "tests/memory/failing.h"

#include <errno.h>
#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 40
#define DEPTH 6          /* frames of ours that tell two places apart */
#define GUARD "behind"   /* with its zero, behind each block */
#define SLOTS (1u << 20) /* a power of two; far more than are ever held at once */

extern const char __executable_start, etext;

static struct {
	bool on, ever_after, failed;
	uint64_t n, at, show;
	struct failing_place *places;
	size_t max_places;
} state;

/* What was asked for while counting and is not freed: open addressing by address, without deletion marks. */
static struct slot {
	void *p;
	uint64_t number;
	size_t guard; /* behind so many bytes stands GUARD; 0: nowhere */
} held[SLOTS];
static size_t n_held;

static size_t
home(const void *p)
{
	return (size_t)(((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 20) & (SLOTS - 1);
}

static void
hold(void *p, size_t guard)
{
	size_t i = home(p);

	if (p == NULL || !state.on || n_held >= SLOTS / 2)
		return;
	while (held[i].p != NULL)
		i = (i + 1) & (SLOTS - 1);
	held[i] = (struct slot){p, state.n, guard};
	if (guard != 0)
		memcpy((char *)p + guard, GUARD, sizeof GUARD);
	n_held++;
}

/* Freed: what stands behind it moves up, so that no look-up ends too soon. */
static void
let_go(const void *p)
{
	size_t i = home(p), j;

	if (p == NULL)
		return;
	for (; held[i].p != p; i = (i + 1) & (SLOTS - 1))
		if (held[i].p == NULL)
			return;
	if (held[i].guard != 0 && memcmp((const char *)p + held[i].guard, GUARD, sizeof GUARD) != 0)
		abort(); /* somebody wrote behind it */
	n_held--;
	for (j = i;;) {
		size_t k;

		held[i].p = NULL;
		do {
			j = (j + 1) & (SLOTS - 1);
			if (held[j].p == NULL)
				return;
			k = home(held[j].p);
		} while (i <= j ? i < k && k <= j : i < k || k <= j);
		held[i] = held[j];
		i = j;
	}
}

__attribute__((noinline)) static void
note(struct failing_place *to)
{
	void *frames[FRAMES];
	int n = backtrace(frames, FRAMES), mine = -3; /* three are of this file */
	uint64_t hash = 1469598103934665603u;

	for (int i = 0; i < n && mine < DEPTH; i++) {
		if ((const char *)frames[i] < &__executable_start || (const char *)frames[i] >= &etext)
			continue;
		if (mine++ < 0)
			continue;
		hash = (hash ^ (uintptr_t)frames[i]) * 1099511628211u;
		if (mine == 1)
			to->leaf = hash;
	}
	to->hash = hash;
}

__attribute__((noinline)) static bool
fails(void)
{
	if (!state.on)
		return false;
	state.n++;
	if (state.places != NULL && state.n <= state.max_places)
		note(&state.places[state.n - 1]);
	if (state.n == state.show) {
		void *frames[FRAMES];

		backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
	}
	if (state.n != state.at && !(state.ever_after && state.at != 0 && state.n > state.at))
		return false;
	state.failed = true;
	errno = ENOMEM;
	return true;
}

/* ---- the exchanged functions ---------------------------------------------------------------------------------- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void __real_free(void *p);
void *__real__ZnwmRKSt9nothrow_t(size_t n, const void *nothrow);
void *__real__ZnamRKSt9nothrow_t(size_t n, const void *nothrow);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void __wrap_free(void *p);
/* new (std::nothrow), of one object and of an array: the parser's. */
void *__wrap__ZnwmRKSt9nothrow_t(size_t n, const void *nothrow);
void *__wrap__ZnamRKSt9nothrow_t(size_t n, const void *nothrow);

void *
__wrap_malloc(size_t n)
{
	void *p = fails() ? NULL : __real_malloc(n + sizeof GUARD);

	hold(p, n);
	return p;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	void *p = fails() ? NULL : __real_calloc(1, n * size + sizeof GUARD);

	hold(p, n * size);
	return p;
}

void *
__wrap_realloc(void *p, size_t n)
{
	void *q;

	if (fails())
		return NULL;
	let_go(p);
	q = __real_realloc(p, n + sizeof GUARD);
	if (q == NULL)
		abort();
	hold(q, n);
	return q;
}

void *
__wrap_aligned_alloc(size_t alignment, size_t n)
{
	void *p = fails() ? NULL : __real_aligned_alloc(alignment, n);

	hold(p, 0);
	return p;
}

char *
__wrap_strdup(const char *s)
{
	char *p = fails() ? NULL : __real_strdup(s);

	hold(p, 0);
	return p;
}

char *
__wrap_strndup(const char *s, size_t n)
{
	char *p = fails() ? NULL : __real_strndup(s, n);

	hold(p, 0);
	return p;
}

void
__wrap_free(void *p)
{
	let_go(p);
	__real_free(p);
}

void *
__wrap__ZnwmRKSt9nothrow_t(size_t n, const void *nothrow)
{
	return fails() ? NULL : __real__ZnwmRKSt9nothrow_t(n, nothrow);
}

void *
__wrap__ZnamRKSt9nothrow_t(size_t n, const void *nothrow)
{
	return fails() ? NULL : __real__ZnamRKSt9nothrow_t(n, nothrow);
}

/* ---- for the test --------------------------------------------------------------------------------------------- */

void
failing_start(uint64_t at, bool ever_after)
{
	memset(held, 0, sizeof held);
	n_held = 0;
	state.n = 0;
	state.at = at;
	state.ever_after = ever_after;
	state.failed = false;
	state.on = true;
}

uint64_t
failing_stop(void)
{
	state.on = false;
	return state.n;
}

bool
failing_has(void)
{
	return state.failed;
}

bool
failing_pause(void)
{
	bool before = state.on;

	state.on = false;
	return before;
}

void
failing_resume(bool before)
{
	state.on = before;
}

uint64_t
failing_left(size_t *ret_count)
{
	uint64_t first = 0;

	*ret_count = n_held;
	for (size_t i = 0; i < SLOTS; i++)
		if (held[i].p != NULL && (first == 0 || held[i].number < first))
			first = held[i].number;
	return first;
}

void
failing_show(uint64_t at)
{
	state.show = at;
}

void
failing_note(struct failing_place *to, size_t max)
{
	state.places = to;
	state.max_places = max;
}
