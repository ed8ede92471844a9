#include "connectors/kafka/topics.h"

#include "connectors/kafka/private.h"

#define ANSWER_MS 20000

static int
answer(rd_kafka_queue_t *queue, const char *name, struct err *err)
{
	rd_kafka_event_t *ev = rd_kafka_queue_poll(queue, ANSWER_MS);
	const rd_kafka_topic_result_t **results;
	rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR__TIMED_OUT;
	size_t n = 0;

	if (ev != NULL)
		rc = rd_kafka_event_error(ev);
	if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
		results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
		rc = n == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
	}
	if (ev != NULL)
		rd_kafka_event_destroy(ev);
	if (rc == RD_KAFKA_RESP_ERR_NO_ERROR || rc == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return 0;
	return err_set(err, ERR_IO, "kafka: topic %s cannot be made: %s", name, rd_kafka_err2str(rc));
}

int
kafka_topic_create(const struct kafka_options *opt, const char *name, int partitions, bool compacted, struct err *err)
{
	static const struct kafka_setting none[] = {{NULL, NULL}};
	struct kafka_link link;
	rd_kafka_t *rk = NULL;
	rd_kafka_queue_t *queue;
	rd_kafka_NewTopic_t *nt;
	char why[256];
	int rc;

	link_init(&link, opt, "making topics");
	rc = client_new(&rk, RD_KAFKA_PRODUCER, &link, none, NULL, err);
	nt = rc == 0 ? rd_kafka_NewTopic_new(name, partitions, 1, why, sizeof why) : NULL;
	if (rc == 0 && nt == NULL)
		rc = err_set(err, ERR_USAGE, "kafka: topic %s: %s", name, why);
	if (rc == 0) {
		if (compacted)
			(void)rd_kafka_NewTopic_set_config(nt, "cleanup.policy", "compact");
		queue = rd_kafka_queue_new(rk);
		rd_kafka_CreateTopics(rk, &nt, 1, NULL, queue);
		rc = answer(queue, name, err);
		rd_kafka_queue_destroy(queue);
		rd_kafka_NewTopic_destroy(nt);
	}
	if (rk != NULL)
		rd_kafka_destroy(rk);
	link_free(&link);
	return rc;
}
