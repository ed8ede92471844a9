#include "tools/world/schedule.h"

#include <stdlib.h>

static bool
before(const struct pending *a, const struct pending *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

int
schedule_add(struct schedule *sc, int64_t at, struct slice line, struct err *err)
{
	size_t i = sc->n;

	if (sc->n == sc->cap) {
		size_t cap = sc->cap == 0 ? 1024 : 2 * sc->cap;
		struct pending *more = realloc(sc->heap, cap * sizeof *more);

		if (more == NULL)
			return err_nomem(err);
		sc->heap = more;
		sc->cap = cap;
	}
	sc->heap[i] = (struct pending){at, sc->order++, strndup(line.p, line.n)};
	if (sc->heap[i].line == NULL)
		return err_nomem(err);
	sc->n++;
	while (i > 0 && before(&sc->heap[i], &sc->heap[(i - 1) / 2])) {
		struct pending t = sc->heap[i];

		sc->heap[i] = sc->heap[(i - 1) / 2];
		sc->heap[(i - 1) / 2] = t;
		i = (i - 1) / 2;
	}
	return 0;
}

char *
schedule_take(struct schedule *sc)
{
	char *ret = sc->heap[0].line;
	size_t i = 0, child;

	sc->heap[0] = sc->heap[--sc->n];
	while ((child = 2 * i + 1) < sc->n) {
		struct pending t = sc->heap[i];

		if (child + 1 < sc->n && before(&sc->heap[child + 1], &sc->heap[child]))
			child++;
		if (!before(&sc->heap[child], &t))
			break;
		sc->heap[i] = sc->heap[child];
		sc->heap[child] = t;
		i = child;
	}
	return ret;
}

void
schedule_free(struct schedule *sc)
{
	for (size_t i = 0; i < sc->n; i++)
		free(sc->heap[i].line);
	free(sc->heap);
	*sc = (struct schedule){0};
}
