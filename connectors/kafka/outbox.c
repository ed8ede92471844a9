#include "connectors/kafka/outbox.h"

#include "state/base/limits.h"

#include <time.h>

#define LOOK_MS 100 /* how often a wait asks whether the operator stops */

void
outbox_init(struct outbox *ob)
{
	pthread_condattr_t at;

	*ob = (struct outbox){.ended = false};
	(void)pthread_mutex_init(&ob->lock, NULL);
	(void)pthread_condattr_init(&at);
	(void)pthread_condattr_setclock(&at, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&ob->moved, &at);
	(void)pthread_condattr_destroy(&at);
}

void
outbox_free(struct outbox *ob)
{
	buf_free(&ob->rows);
	(void)pthread_cond_destroy(&ob->moved);
	(void)pthread_mutex_destroy(&ob->lock);
}

static void
wait_for_move(struct outbox *ob, int ms)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	ts.tv_sec += ms / 1000 + ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	(void)pthread_cond_timedwait(&ob->moved, &ob->lock, &ts);
}

/* With the lock: waits while more than `most` bytes are here. */
static int
wait_below(struct outbox *ob, size_t most, const struct kafka_sink_options *opt, struct err *err)
{
	int64_t left = -1; /* milliseconds, once the operator stops */

	while (!ob->failed && ob->rows.n + ob->taken > most) {
		if (opt->stopping != NULL && opt->stopping(opt->ctx)) {
			if (left < 0)
				left = opt->stop_ms;
			if (left == 0) {
				ob->gave_up = true;
				return err_set(err, ERR_IO,
				    "stopped with %zu bytes of alerts unpublished: the journal has them, the next start publishes them",
				    ob->rows.n + ob->taken);
			}
			left = left > LOOK_MS ? left - LOOK_MS : 0;
		}
		wait_for_move(ob, LOOK_MS);
	}
	if (!ob->failed)
		return 0;
	*err = ob->err;
	return -1;
}

int
outbox_put(struct outbox *ob, uint64_t batch, const struct buf *rows, const struct kafka_sink_options *opt, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&ob->lock);
	rc = wait_below(ob, LIMIT_OUTBOX_BYTES, opt, err);
	if (rc == 0) {
		buf_add(&ob->rows, rows->p, rows->n);
		ob->last = batch;
		rc = buf_ok(&ob->rows) ? 0 : err_nomem(err);
		(void)pthread_cond_broadcast(&ob->moved);
	}
	(void)pthread_mutex_unlock(&ob->lock);
	return rc;
}

int
outbox_drain(struct outbox *ob, const struct kafka_sink_options *opt, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&ob->lock);
	rc = wait_below(ob, 0, opt, err);
	(void)pthread_mutex_unlock(&ob->lock);
	return rc;
}

int
outbox_check(struct outbox *ob, struct err *err)
{
	int rc = 0;

	(void)pthread_mutex_lock(&ob->lock);
	if (ob->failed) {
		*err = ob->err;
		rc = -1;
	}
	(void)pthread_mutex_unlock(&ob->lock);
	return rc;
}

void
outbox_end(struct outbox *ob)
{
	(void)pthread_mutex_lock(&ob->lock);
	ob->ended = true;
	(void)pthread_cond_broadcast(&ob->moved);
	(void)pthread_mutex_unlock(&ob->lock);
}

void
outbox_stats(struct outbox *ob, struct kafka_sink_stats *ret)
{
	(void)pthread_mutex_lock(&ob->lock);
	*ret = ob->stats;
	ret->waiting_bytes = ob->rows.n + ob->taken;
	(void)pthread_mutex_unlock(&ob->lock);
}

bool
outbox_take(struct outbox *ob, int wait_ms, struct buf *ret, uint64_t *ret_last)
{
	struct buf swap;

	(void)pthread_mutex_lock(&ob->lock);
	if (ob->rows.n == 0 && !ob->ended)
		wait_for_move(ob, wait_ms);
	buf_clear(ret);
	swap = *ret;
	*ret = ob->rows;
	ob->rows = swap;
	ob->taken = ret->n;
	*ret_last = ob->last;
	(void)pthread_mutex_unlock(&ob->lock);
	return ret->n > 0;
}

void
outbox_published(struct outbox *ob, uint64_t messages, uint64_t batch)
{
	(void)pthread_mutex_lock(&ob->lock);
	ob->taken = 0;
	ob->stats.published += messages;
	ob->stats.transactions += messages > 0;
	ob->stats.batch = batch;
	(void)pthread_cond_broadcast(&ob->moved);
	(void)pthread_mutex_unlock(&ob->lock);
}

void
outbox_fail(struct outbox *ob, const struct err *err)
{
	(void)pthread_mutex_lock(&ob->lock);
	ob->failed = true;
	ob->err = *err;
	(void)pthread_cond_broadcast(&ob->moved);
	(void)pthread_mutex_unlock(&ob->lock);
}

bool
outbox_ended(struct outbox *ob)
{
	bool ended;

	(void)pthread_mutex_lock(&ob->lock);
	ended = ob->ended;
	(void)pthread_mutex_unlock(&ob->lock);
	return ended;
}
