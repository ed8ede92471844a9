#include "connectors/kafka/source.h"

#include "connectors/kafka/cloudevent.h"
#include "connectors/kafka/private.h"
#include "state/base/limits.h"

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define AWAY_MS 1000     /* how long a question to a broker that does not answer may hold us up */
#define ASKED 16         /* partitions that are asked for their end at one look */
#define RETRY_MS 1000    /* before a partition that gave trouble is looked at again */
#define STREAM_BYTES 300 /* a topic's name has at most 249 */

struct part {
	char *topic;
	size_t entry; /* of the options' topics */
	int32_t partition;
	unsigned generation; /* of the topic of that name: 1, 2, ... */
	int64_t next;        /* offset; RD_KAFKA_OFFSET_BEGINNING: whatever is oldest */
	int64_t committed;   /* what the broker was told last */
	int64_t end;         /* where the client last met the partition's end; -1: not yet */
	bool check;          /* the message before `next` must be one that we know */
	bool gone;
	bool yielded;    /* since the last look */
	unsigned behind; /* looks in a row that found more in it while it yielded nothing */
	bool doubtful;   /* the client met an error at it: assigned anew at the next look, whatever the client makes of it */
	unsigned unseen; /* looks in a row that did not find it */
	int64_t last_ms; /* time of the last message, by its own stamp */
	char stream[STREAM_BYTES];
};

struct kafka_source {
	struct kafka_source_options opt;
	struct kafka_link link;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	int fd;
	regex_t *patterns; /* by entry; used where the entry is one */
	bool *waited;      /* by entry: said that there is no such topic */
	struct part *parts;
	size_t n_parts, hit; /* hit: the part of the last message */
	rd_kafka_message_t *message;
	struct buf event;
	int64_t look_ms; /* when to look at the cluster's topics again */
	uint64_t missed, restarts;
	size_t asked;      /* the partition whose end was asked for last */
	bool failed_topic; /* said that a topic may not be read */
};

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
compile_patterns(struct kafka_source *ks, struct err *err)
{
	ks->patterns = calloc(ks->opt.n_topics + 1, sizeof *ks->patterns);
	ks->waited = calloc(ks->opt.n_topics + 1, sizeof *ks->waited);
	if (ks->patterns == NULL || ks->waited == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ks->opt.n_topics; i++) {
		struct buf b = {0};
		int rc;

		buf_printf(&b, "^(%s)$", ks->opt.topics[i].pattern ? ks->opt.topics[i].name : "x");
		buf_add_u8(&b, 0);
		rc = buf_ok(&b) ? regcomp(&ks->patterns[i], b.p, REG_EXTENDED | REG_NOSUB) : REG_ESPACE;
		buf_free(&b);
		if (rc != 0) {
			char why[128];

			(void)regerror(rc, NULL, why, sizeof why);
			ks->opt.n_topics = i; /* those to free */
			return err_set(err, ERR_USAGE, "kafka: topics: pattern %s: %s", ks->opt.topics[i].name, why);
		}
	}
	return 0;
}

int
kafka_source_open(struct kafka_source **ret, const struct kafka_source_options *opt, struct err *err)
{
	struct kafka_setting settings[sizeof own_settings / sizeof own_settings[0] + 1];
	struct kafka_source *ks = calloc(1, sizeof *ks);
	const uint64_t one = 1;
	char kib[16];
	size_t n = 0;

	if (ks == NULL)
		return err_nomem(err);
	ks->opt = *opt;
	ks->fd = -1;
	link_init(&ks->link, opt->kafka, "reading events");
	for (; own_settings[n].name != NULL; n++) {
		settings[n] = own_settings[n];
		if (settings[n].value == NULL)
			settings[n].value = opt->group;
	}
	/* Bounded for each partition, so that the whole is. */
	(void)snprintf(kib, sizeof kib, "%d", LIMIT_KAFKA_QUEUE_KIB);
	settings[n] = (struct kafka_setting){"queued.max.messages.kbytes", kib};
	settings[n + 1] = (struct kafka_setting){NULL, NULL};
	if (compile_patterns(ks, err) != 0 || client_new(&ks->rk, RD_KAFKA_CONSUMER, &ks->link, settings, NULL, err) != 0)
		goto fail;
	(void)rd_kafka_poll_set_consumer(ks->rk);
	ks->queue = rd_kafka_queue_get_consumer(ks->rk);
	ks->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ks->queue == NULL || ks->fd < 0) {
		(void)err_set(err, ERR_IO, "kafka: the system gives no event descriptor");
		goto fail;
	}
	rd_kafka_queue_io_event_enable(ks->queue, ks->fd, &one, sizeof one);
	*ret = ks;
	return 0;
fail:
	kafka_source_close(ks);
	return -1;
}

void
kafka_source_close(struct kafka_source *ks)
{
	if (ks == NULL)
		return;
	if (ks->message != NULL)
		rd_kafka_message_destroy(ks->message);
	if (ks->queue != NULL) {
		rd_kafka_queue_io_event_enable(ks->queue, -1, NULL, 0);
		rd_kafka_queue_destroy(ks->queue);
	}
	if (ks->rk != NULL) {
		(void)rd_kafka_consumer_close(ks->rk);
		rd_kafka_destroy(ks->rk);
	}
	for (size_t i = 0; i < ks->n_parts; i++)
		free(ks->parts[i].topic);
	for (size_t i = 0; ks->patterns != NULL && i < ks->opt.n_topics; i++)
		regfree(&ks->patterns[i]);
	if (ks->fd >= 0)
		(void)close(ks->fd);
	free(ks->parts);
	free(ks->patterns);
	free(ks->waited);
	buf_free(&ks->event);
	link_free(&ks->link);
	free(ks);
}

int
kafka_source_fd(const struct kafka_source *ks)
{
	return ks->fd;
}

/* --- which partitions --- */

static void
name_stream(char ret[STREAM_BYTES], const struct part *pa, unsigned generation)
{
	if (generation == 1)
		(void)snprintf(ret, STREAM_BYTES, "%s/%" PRId32, pa->topic, pa->partition);
	else
		(void)snprintf(ret, STREAM_BYTES, "%s/%" PRId32 "#%u", pa->topic, pa->partition, generation);
}

/* Goes on where the store says: behind the last message of the newest generation that it has seen. */
static int
find_position(struct kafka_source *ks, struct part *pa, struct err *err)
{
	uint64_t last = 0, number;
	char stream[STREAM_BYTES];
	int rc;

	pa->next = RD_KAFKA_OFFSET_BEGINNING;
	name_stream(pa->stream, pa, 1);
	for (pa->generation = 1;; pa->generation++) {
		name_stream(stream, pa, pa->generation);
		rc = ks->opt.position(ks->opt.ctx, slice_str(stream), &number, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		last = number;
	}
	if (pa->generation == 1)
		return 0;
	pa->generation--;
	name_stream(pa->stream, pa, pa->generation);
	pa->next = (int64_t)last + 1;
	pa->check = true;
	return 0;
}

static struct part *
find_part(struct kafka_source *ks, const char *topic, int32_t partition)
{
	struct part *pa = ks->parts != NULL && ks->hit < ks->n_parts ? &ks->parts[ks->hit] : NULL;

	if (pa != NULL && pa->partition == partition && strcmp(pa->topic, topic) == 0)
		return pa;
	for (size_t i = 0; ks->parts != NULL && i < ks->n_parts; i++) {
		pa = &ks->parts[i];
		if (pa->partition == partition && strcmp(pa->topic, topic) == 0) {
			ks->hit = i;
			return pa;
		}
	}
	return NULL;
}

static int
add_part(struct kafka_source *ks, const char *topic, size_t entry, int32_t partition, struct err *err)
{
	struct part *v, *pa;

	if (ks->n_parts == LIMIT_KAFKA_PARTITIONS)
		return err_set(
		    err, ERR_LIMIT, "kafka: more than %d partitions are to be read: spread them over several programs", LIMIT_KAFKA_PARTITIONS);
	v = realloc(ks->parts, (ks->n_parts + 1) * sizeof *v);
	if (v == NULL)
		return err_nomem(err);
	ks->parts = v;
	pa = &v[ks->n_parts];
	*pa = (struct part){.topic = strdup(topic), .entry = entry, .partition = partition, .end = -1};
	if (pa->topic == NULL)
		return err_nomem(err);
	ks->n_parts++;
	return find_position(ks, pa, err);
}

/* Tells the client from where on to read each partition. What it had fetched before is thrown away and fetched again. */
static int
assign(struct kafka_source *ks, struct err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)ks->n_parts);
	rd_kafka_resp_err_t rc;

	for (size_t i = 0; i < ks->n_parts; i++) {
		const struct part *pa = &ks->parts[i];

		if (!pa->gone)
			rd_kafka_topic_partition_list_add(list, pa->topic, pa->partition)->offset = pa->check ? pa->next - 1 : pa->next;
	}
	rc = rd_kafka_assign(ks->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return rc == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : err_set(err, ERR_IO, "kafka: %s", rd_kafka_err2str(rc));
}

static bool
matches(const struct kafka_source *ks, size_t entry, const char *topic)
{
	const struct kafka_topic *kt = &ks->opt.topics[entry];

	if (!kt->pattern)
		return strcmp(kt->name, topic) == 0;
	return strncmp(topic, "__", 2) != 0 && strncmp(topic, "dideban.", 8) != 0 && regexec(&ks->patterns[entry], topic, 0, NULL, 0) == 0;
}

static int
take_topic(struct kafka_source *ks, const struct rd_kafka_metadata_topic *mt, bool *found, bool *changed, struct err *err)
{
	size_t entry = 0;

	while (entry < ks->opt.n_topics && !matches(ks, entry, mt->topic))
		entry++;
	if (entry == ks->opt.n_topics || mt->partition_cnt == 0)
		return 0;
	found[entry] = true;
	for (int i = 0; i < mt->partition_cnt; i++) {
		struct part *pa = find_part(ks, mt->topic, mt->partitions[i].id);

		if (pa == NULL) {
			if (add_part(ks, mt->topic, entry, mt->partitions[i].id, err) != 0)
				return -1;
			*changed = true;
			continue;
		}
		pa->unseen = 0;
		if (pa->gone || pa->doubtful) {
			/* It may be another topic of that name. */
			pa->gone = pa->doubtful = false;
			pa->check = pa->next > 0;
			*changed = true;
		}
	}
	return 0;
}

static void
say_gone(struct kafka_source *ks, struct part *pa)
{
	if (!pa->gone)
		link_note(&ks->link, "topic %s, partition %" PRId32 " is gone: waiting until it is there again", pa->topic, pa->partition);
	pa->gone = true;
}

/* librdkafka 2.0.2 now and then stops fetching a partition for good after a broker was lost, and says nothing. So quiet partitions are
 * asked for their end, and one that holds more at two looks in a row is assigned anew. */
static void
ask_quiet_ones(struct kafka_source *ks, bool *changed)
{
	for (size_t n = 0, left = ks->n_parts; n < ASKED && left > 0; left--) {
		struct part *pa = &ks->parts[++ks->asked % ks->n_parts];
		int64_t low = 0, high = 0, at = pa->next > pa->end ? pa->next : pa->end;
		bool quiet = !pa->yielded && !pa->gone;

		pa->yielded = false;
		if (!quiet) {
			pa->behind = 0;
			continue;
		}
		n++;
		if (rd_kafka_query_watermark_offsets(ks->rk, pa->topic, pa->partition, &low, &high, AWAY_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
			return;
		pa->behind = high > (at > low ? at : low) ? pa->behind + 1 : 0;
		if (pa->behind < 2)
			continue;
		pa->behind = 0;
		pa->check = pa->next > 0;
		ks->restarts++;
		*changed = true;
	}
}

static int
look(struct kafka_source *ks, struct err *err)
{
	const struct rd_kafka_metadata *md;
	bool *found, changed = false;
	int rc = 0;

	if (rd_kafka_metadata(ks->rk, 1, NULL, &md, AWAY_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0; /* the next look will tell; the error callback has said what is wrong */
	link_up(&ks->link);
	found = calloc(ks->opt.n_topics + 1, sizeof *found);
	if (found == NULL)
		rc = err_nomem(err);
	for (size_t i = 0; i < ks->n_parts; i++)
		ks->parts[i].unseen++;
	for (int i = 0; rc == 0 && i < md->topic_cnt; i++)
		rc = take_topic(ks, &md->topics[i], found, &changed, err);
	rd_kafka_metadata_destroy(md);
	/* Once may be a broker that has just started. */
	for (size_t i = 0; rc == 0 && i < ks->n_parts; i++)
		if (ks->parts[i].unseen > 1)
			say_gone(ks, &ks->parts[i]);
	for (size_t i = 0; rc == 0 && i < ks->opt.n_topics; i++) {
		if (!found[i] && !ks->waited[i])
			link_note(&ks->link, "there is no topic %s yet: waiting for it", ks->opt.topics[i].name);
		ks->waited[i] = !found[i];
	}
	free(found);
	if (rc == 0)
		ask_quiet_ones(ks, &changed);
	return rc == 0 && changed ? assign(ks, err) : rc;
}

/* --- when a partition is not as we left it --- */

static int
begin_anew(struct kafka_source *ks, struct part *pa, const char *why, struct err *err)
{
	char before[STREAM_BYTES];

	memcpy(before, pa->stream, sizeof before);
	pa->generation++;
	name_stream(pa->stream, pa, pa->generation);
	pa->next = RD_KAFKA_OFFSET_BEGINNING;
	pa->end = -1;
	pa->check = false;
	link_note(&ks->link, "topic %s, partition %" PRId32 ": %s: it was deleted and made again, or cut; read from its beginning as %s (before: %s)",
	    pa->topic, pa->partition, why, pa->stream, before);
	return assign(ks, err);
}

/* The offset that we asked for is not there. */
static int
out_of_range(struct kafka_source *ks, struct part *pa, int64_t now_ms, struct err *err)
{
	int64_t low = 0, high = 0;

	if (rd_kafka_query_watermark_offsets(ks->rk, pa->topic, pa->partition, &low, &high, AWAY_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		/* Asked again by the next look. */
		pa->gone = true;
		if (ks->look_ms > now_ms + RETRY_MS)
			ks->look_ms = now_ms + RETRY_MS;
		return 0;
	}
	if (pa->next > high)
		return begin_anew(ks, pa, "it ends before our place in it", err);
	pa->check = false;
	if (pa->next < low) {
		ks->missed += (uint64_t)(low - pa->next);
		link_note(&ks->link,
		    "topic %s, partition %" PRId32 ": messages %" PRId64 " to %" PRId64
		    " were deleted by its retention before they were read: they are missing; keep messages longer (retention.ms)",
		    pa->topic, pa->partition, pa->next, low - 1);
		pa->next = low;
	}
	return assign(ks, err);
}

static int
take_error(struct kafka_source *ks, const rd_kafka_message_t *me, int64_t now_ms, struct err *err)
{
	struct part *pa = me->rkt == NULL ? NULL : find_part(ks, rd_kafka_topic_name(me->rkt), me->partition);
	char why[512];

	switch ((int)me->err) {
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		return pa == NULL ? 0 : out_of_range(ks, pa, now_ms, err);
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
		(void)rd_kafka_fatal_error(ks->rk, why, sizeof why);
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
		if (rc == 0)
			return begin_anew(ks, pa, "the last message that was read of it is another one now", err);
		pa->check = false;
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
	struct part *pa = find_part(ks, rd_kafka_topic_name(me->rkt), me->partition);
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
		if (look(ks, err) != 0)
			return -1;
	}
	for (;;) {
		if (ks->message != NULL)
			rd_kafka_message_destroy(ks->message);
		ks->message = rd_kafka_consumer_poll(ks->rk, 0);
		if (ks->message == NULL)
			return 0;
		rc = ks->message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? yield(ks, ret, ret_topic, err) : take_error(ks, ks->message, now_ms, err);
		if (rc != 0)
			return rc;
	}
}

void
kafka_source_committed(struct kafka_source *ks)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)ks->n_parts);

	for (size_t i = 0; i < ks->n_parts; i++)
		if (!ks->parts[i].gone && ks->parts[i].next >= 0 && ks->parts[i].next != ks->parts[i].committed) {
			ks->parts[i].committed = ks->parts[i].next;
			rd_kafka_topic_partition_list_add(list, ks->parts[i].topic, ks->parts[i].partition)->offset = ks->parts[i].next;
		}
	if (list->cnt > 0)
		(void)rd_kafka_commit(ks->rk, list, 1); /* for monitoring: the store's positions are the truth */
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

		if (rd_kafka_get_watermark_offsets(ks->rk, pa->topic, pa->partition, &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0 ||
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
