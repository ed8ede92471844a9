#include "connectors/kafka/mark.h"

#include "state/base/limits.h"

#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define ASK_MS 1000
#define AGAIN_MS 100
#define NEWEST 2000 /* records of the topic that are read first: most often the mark is among them */

void
mark_write(struct buf *ret, const struct kafka_mark *ma)
{
	buf_clear(ret);
	buf_printf(ret, "{\"owner\":\"%s\",\"store\":\"%s\",\"batch\":%" PRIu64 ",\"host\":\"%s\"}", ma->owner, ma->store, ma->batch, ma->host);
}

static void
take_text(char *ret, size_t size, const json_t *root, const char *name)
{
	const char *text = json_string_value(json_object_get(root, name));

	(void)snprintf(ret, size, "%s", text == NULL ? "" : text);
}

static int
mark_parse(const rd_kafka_message_t *me, struct kafka_mark *ret, struct err *err)
{
	json_t *root = json_loadb(me->payload, me->len, JSON_REJECT_DUPLICATES, NULL);
	json_int_t batch = json_integer_value(json_object_get(root, "batch"));

	take_text(ret->owner, sizeof ret->owner, root, "owner");
	take_text(ret->store, sizeof ret->store, root, "store");
	take_text(ret->host, sizeof ret->host, root, "host");
	ret->batch = batch < 0 ? 0 : (uint64_t)batch;
	json_decref(root);
	if (ret->owner[0] == '\0' || ret->store[0] == '\0')
		return err_set(err, ERR_CORRUPT, "kafka: the mark at offset %" PRId64 " of %s is none of ours: give another topic (kafka: marks)",
		    me->offset, rd_kafka_topic_name(me->rkt));
	return 0;
}

struct reading {
	rd_kafka_t *rk;
	struct kafka_link *ln;
	const char *topic, *key;
	bool (*go_on)(void *ctx);
	void *ctx;
	bool said;
};

/* The offsets of the partition, open transactions included. 1; 0: told to stop; -1 error. */
static int
ask_ends(struct reading *rd, int64_t *ret_low, int64_t *ret_high, struct err *err)
{
	for (;;) {
		rd_kafka_resp_err_t rc = rd_kafka_query_watermark_offsets(rd->rk, rd->topic, 0, ret_low, ret_high, ASK_MS);

		if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
			return 1;
		if (rc == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
			return err_set(err, ERR_IO, "kafka: topic %s may not be read by the user of the settings: grant it", rd->topic);
		if ((rc == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || rc == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
			rc == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) &&
		    !rd->said) {
			rd->said = true;
			link_note(rd->ln, "there is no topic %s: create it with one partition and cleanup.policy=compact; alerts wait", rd->topic);
		}
		(void)rd_kafka_poll(rd->rk, 0);
		if (!rd->go_on(rd->ctx))
			return 0;
		(void)poll(NULL, 0, AGAIN_MS);
	}
}

/* Reads [from, to) and keeps the newest mark under the key. 1; 0: told to stop; -1. */
static int
read_range(struct reading *rd, int64_t from, int64_t to, struct kafka_mark *ret, bool *ret_found, struct err *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	int64_t at = from;
	int rc = 1;

	rd_kafka_topic_partition_list_add(list, rd->topic, 0)->offset = from;
	(void)rd_kafka_assign(rd->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	while (rc == 1 && at < to) {
		rd_kafka_message_t *me = rd_kafka_consumer_poll(rd->rk, ASK_MS);

		if (me != NULL && me->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			at = me->offset + 1;
			if (me->payload != NULL && me->key_len == strlen(rd->key) && memcmp(me->key, rd->key, me->key_len) == 0) {
				rc = mark_parse(me, ret, err) == 0 ? 1 : -1;
				*ret_found = true;
			}
		} else if (me != NULL && me->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && me->offset > at) {
			at = me->offset; /* what lies before are control records and transactions that came to nothing */
		}
		if (me != NULL)
			rd_kafka_message_destroy(me);
		if (rc == 1 && at < to && !rd->go_on(rd->ctx))
			rc = 0;
	}
	(void)rd_kafka_assign(rd->rk, NULL);
	return rc;
}

int
mark_read(struct kafka_link *ln, const char *topic, const char *key, struct kafka_mark *ret, bool *ret_stopped, bool (*go_on)(void *ctx), void *ctx,
    struct err *err)
{
	/* Its messages are read as committed, but the end is asked for as uncommitted: a transaction of another that is still open
	 * hides what comes behind it, also our own mark. */
	static const struct kafka_setting ends[] = {
	    {"isolation.level", "read_uncommitted"}, {"group.id", "dideban-marks"}, {"enable.auto.commit", "false"}, {NULL, NULL}};
	static const struct kafka_setting marks[] = {{"isolation.level", "read_committed"}, {"group.id", "dideban-marks"},
	    {"enable.auto.commit", "false"}, {"auto.offset.reset", "earliest"}, {"enable.partition.eof", "true"}, {"fetch.wait.max.ms", "10"},
	    {NULL, NULL}};
	struct reading asking = {.ln = ln, .topic = topic, .key = key, .go_on = go_on, .ctx = ctx}, reading;
	int64_t low, high;
	bool found = false;
	int rc;

	*ret_stopped = false;
	if (client_new(&asking.rk, RD_KAFKA_CONSUMER, ln, ends, NULL, err) != 0)
		return -1;
	rc = ask_ends(&asking, &low, &high, err);
	if (rc == 1) {
		reading = asking;
		rc = client_new(&reading.rk, RD_KAFKA_CONSUMER, ln, marks, NULL, err) == 0 ? 1 : -1;
		if (rc == 1) {
			rc = low == high ? 1 : read_range(&reading, high - low > NEWEST ? high - NEWEST : low, high, ret, &found, err);
			if (rc == 1 && !found && high - low > NEWEST)
				rc = read_range(&reading, low, high - NEWEST, ret, &found, err);
			(void)rd_kafka_consumer_close(reading.rk);
			rd_kafka_destroy(reading.rk);
		}
	}
	(void)rd_kafka_consumer_close(asking.rk);
	rd_kafka_destroy(asking.rk);
	*ret_stopped = rc == 0;
	return rc < 0 ? -1 : found && rc == 1;
}
