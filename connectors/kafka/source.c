#include "connectors/kafka/source_private.h"

#include "connectors/kafka/cloudevent.h"
#include "connectors/kafka/limits.h"
#include "state/base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define END_MS 5000 /* how long the end waits for clients that do not */

static const struct kafka_setting own_settings[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"check.crcs", "true"},
    {"isolation.level", "read_committed"},
    {"enable.partition.eof", "true"},
    {"max.poll.interval.ms", "86400000"},
    {"group.id", NULL}, /* filled in */
    {NULL, NULL},
};

static int
client(rd_kafka_t **ret, struct kafka_link *ln, const struct kafka_source_options *opt, struct err *err)
{
	struct kafka_setting settings[sizeof own_settings / sizeof own_settings[0] + 1];
	char kib[16];
	size_t n = 0;

	for (; own_settings[n].name != NULL; n++) {
		settings[n] = own_settings[n];
		if (settings[n].value == NULL)
			settings[n].value = opt->group;
	}
	/* Bounded for each partition, so that the whole is. */
	(void)snprintf(kib, sizeof kib, "%d", LIMIT_KAFKA_QUEUE_KIB);
	settings[n] = (struct kafka_setting){"queued.max.messages.kbytes", kib};
	settings[n + 1] = (struct kafka_setting){NULL, NULL};
	return client_new(ret, RD_KAFKA_CONSUMER, ln, settings, NULL, err);
}

/* What it has fetched but not yielded is fetched again by the next one. */
static int
close_reader(struct kafka_source *ks, struct err *err)
{
	rd_kafka_t *reader = ks->reader;

	if (ks->message != NULL)
		rd_kafka_message_destroy(ks->message);
	ks->message = NULL;
	if (ks->queue != NULL) {
		rd_kafka_queue_io_event_enable(ks->queue, -1, NULL, 0);
		rd_kafka_queue_destroy(ks->queue);
	}
	ks->queue = NULL;
	ks->reader = NULL;
	return reader == NULL ? 0 : client_end(reader, err);
}

static int
open_reader(struct kafka_source *ks, struct err *err)
{
	static const uint64_t one = 1;
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t rc;

	ks->anew = false;
	if (close_reader(ks, err) != 0 || client(&ks->reader, &ks->link, &ks->opt, err) != 0)
		return -1;
	(void)rd_kafka_poll_set_consumer(ks->reader);
	ks->queue = rd_kafka_queue_get_consumer(ks->reader);
	rd_kafka_queue_io_event_enable(ks->queue, ks->fd, &one, sizeof one);
	list = rd_kafka_topic_partition_list_new((int)ks->n_parts);
	for (size_t i = 0; i < ks->n_parts; i++) {
		const struct part *pa = &ks->parts[i];

		if (!pa->gone)
			rd_kafka_topic_partition_list_add(list, pa->topic, pa->partition)->offset = pa->check ? pa->next - 1 : pa->next;
	}
	rc = rd_kafka_assign(ks->reader, list);
	rd_kafka_topic_partition_list_destroy(list);
	return rc == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : err_set(err, ERR_IO, "kafka: %s", rd_kafka_err2str(rc));
}

int
kafka_source_open(struct kafka_source **ret, const struct kafka_source_options *opt, struct err *err)
{
	struct kafka_source *ks = calloc(1, sizeof *ks);

	if (ks == NULL)
		return err_nomem(err);
	ks->opt = *opt;
	ks->fd = -1;
	link_init(&ks->link, opt->kafka, "reading events");
	link_init(&ks->asking, opt->kafka, NULL);
	if (parts_compile_patterns(ks, err) != 0 || client(&ks->asker, &ks->asking, opt, err) != 0)
		goto fail;
	ks->told = rd_kafka_queue_new(ks->asker);
	ks->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ks->fd < 0) {
		(void)err_set(err, ERR_IO, "kafka: the system gives no event descriptor");
		goto fail;
	}
	/* Also without a partition to read it tells whether a broker answers. */
	if (open_reader(ks, err) != 0)
		goto fail;
	*ret = ks;
	return 0;
fail:
	kafka_source_close(ks);
	return -1;
}

void
kafka_source_close(struct kafka_source *ks)
{
	bool ended;

	if (ks == NULL)
		return;
	ended = close_reader(ks, NULL) == 0;
	if (ks->told != NULL)
		rd_kafka_queue_destroy(ks->told);
	ended = (ks->asker == NULL || client_end(ks->asker, NULL) == 0) && ended;
	ended = clients_ended(END_MS) && ended;
	if (ks->fd >= 0)
		(void)close(ks->fd);
	parts_free(ks);
	buf_free(&ks->event);
	if (!ended) {
		/* librdkafka's threads still see the links, until the program ends. */
		atomic_store(&ks->link.left, true);
		atomic_store(&ks->asking.left, true);
		return;
	}
	link_free(&ks->link);
	link_free(&ks->asking);
	free(ks);
}

int
kafka_source_fd(const struct kafka_source *ks)
{
	return ks->fd;
}

static int
take_error(struct kafka_source *ks, const rd_kafka_message_t *me, int64_t now_ms, struct err *err)
{
	struct part *pa = me->rkt == NULL ? NULL : part_find(ks, rd_kafka_topic_name(me->rkt), me->partition);
	char why[512];

	switch ((int)me->err) {
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		if (pa != NULL)
			part_out_of_range(ks, pa, now_ms);
		return 0;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		link_up(&ks->link);
		if (pa != NULL)
			pa->end = me->offset;
		return 0;
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		/* Whether it is gone the next look tells; a leader may only have moved. */
		if (pa != NULL)
			pa->doubtful = true;
		if (ks->look_ms > now_ms + RETRY_MS)
			ks->look_ms = now_ms + RETRY_MS;
		return 0;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		if (!ks->failed_topic)
			link_note(&ks->link, "Kafka does not let us read topic %s: grant it to the user of the settings",
			    pa == NULL ? "(unknown)" : pa->topic);
		ks->failed_topic = true;
		return 0;
	case RD_KAFKA_RESP_ERR__FATAL:
		(void)rd_kafka_fatal_error(ks->reader, why, sizeof why);
		return err_set(err, ERR_IO, "kafka: %s", why);
	default:
		/* Trouble with the connection: librdkafka goes on trying, the error callback says what must be known. */
		return 0;
	}
}

/* --- messages --- */

/* 1: to be yielded; 0: not. */
static int
examine(struct kafka_source *ks, struct part *pa, struct slice raw, struct err *err)
{
	const rd_kafka_message_t *me = ks->message;
	int rc;

	if (pa->check && me->offset == pa->next - 1) {
		rc = ks->opt.knows(ks->opt.ctx, raw, err);
		if (rc < 0)
			return -1;
		pa->check = false;
		if (rc == 0)
			part_begin_anew(ks, pa, "the last message that was read of it is another one now");
		return 0;
	}
	if (pa->next >= 0 && me->offset < pa->next)
		return 0; /* fetched before the client was told otherwise */
	pa->check = false;
	return 1;
}

static int
yield(struct kafka_source *ks, struct source_item *ret, size_t *ret_topic, struct err *err)
{
	const rd_kafka_message_t *me = ks->message;
	struct part *pa = part_find(ks, rd_kafka_topic_name(me->rkt), me->partition);
	int rc;

	*ret = (struct source_item){.fault = FAULT_NONE};
	if (pa == NULL || pa->gone)
		return 0;
	if (cloudevent_of(me, &ks->event, ret) != 0)
		return err_nomem(err);
	rc = examine(ks, pa, ret->raw, err);
	if (rc <= 0)
		return rc;
	pa->next = me->offset + 1;
	pa->yielded = true;
	pa->last_ms = rd_kafka_message_timestamp(me, NULL);
	ret->pos = (struct position){slice_str(pa->stream), (uint64_t)me->offset};
	*ret_topic = pa->entry;
	return 1;
}

int
kafka_source_next(struct kafka_source *ks, int64_t now_ms, struct source_item *ret, size_t *ret_topic, struct err *err)
{
	int rc;

	if (now_ms >= ks->look_ms) {
		ks->look_ms = now_ms + (ks->n_parts == 0 ? RETRY_MS : ks->opt.refresh_ms);
		(void)rd_kafka_poll(ks->asker, 0); /* serves its callbacks */
		if (parts_look(ks, now_ms, err) != 0)
			return -1;
	}
	for (;;) {
		if (ks->anew && open_reader(ks, err) != 0)
			return -1;
		if (ks->message != NULL)
			rd_kafka_message_destroy(ks->message);
		ks->message = rd_kafka_consumer_poll(ks->reader, 0);
		if (ks->message == NULL)
			return 0;
		rc = ks->message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? yield(ks, ret, ret_topic, err) : take_error(ks, ks->message, now_ms, err);
		if (rc != 0)
			return rc;
	}
}

static void
on_told(rd_kafka_t *rk, rd_kafka_resp_err_t rc, rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct kafka_source *ks = opaque;

	(void)rk;
	(void)rc; /* for monitoring: the store's positions are the truth, and the next one tells more */
	(void)list;
	ks->telling = false;
}

void
kafka_source_committed(struct kafka_source *ks)
{
	rd_kafka_topic_partition_list_t *list;

	(void)rd_kafka_queue_poll_callback(ks->told, 0);
	if (ks->telling)
		return;
	list = rd_kafka_topic_partition_list_new((int)ks->n_parts);
	for (size_t i = 0; i < ks->n_parts; i++)
		if (!ks->parts[i].gone && ks->parts[i].next >= 0 && ks->parts[i].next != ks->parts[i].committed) {
			ks->parts[i].committed = ks->parts[i].next;
			rd_kafka_topic_partition_list_add(list, ks->parts[i].topic, ks->parts[i].partition)->offset = ks->parts[i].next;
		}
	if (list->cnt > 0)
		ks->telling = rd_kafka_commit_queue(ks->asker, list, ks->told, on_told, ks) == RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_topic_partition_list_destroy(list);
}

void
kafka_source_lag(struct kafka_source *ks, int64_t wall_ms, struct kafka_lag *ret)
{
	uint64_t furthest = 0;

	*ret = (struct kafka_lag){.partitions = ks->n_parts, .missed = ks->missed, .restarts = ks->restarts};
	for (size_t i = 0; i < ks->n_parts; i++) {
		const struct part *pa = &ks->parts[i];
		int64_t low, high, at;
		uint64_t left;

		if (rd_kafka_get_watermark_offsets(ks->reader, pa->topic, pa->partition, &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0 ||
		    (pa->next < 0 && pa->end < 0)) {
			ret->unknown++;
			continue;
		}
		/* Behind the last message may stand records that are no messages: the ends of transactions. */
		at = pa->next > pa->end ? pa->next : pa->end;
		left = high > at ? (uint64_t)(high - at) : 0;
		ret->messages += left;
		if (left > furthest && pa->last_ms > 0) {
			furthest = left;
			ret->milliseconds = wall_ms > pa->last_ms ? wall_ms - pa->last_ms : 0;
		}
	}
}

void
kafka_source_figures(struct kafka_source *ks, struct kafka_figures *ret)
{
	link_figures(&ks->link, ret);
}
