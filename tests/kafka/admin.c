/* Topics of a broker, by librdkafka's admin calls: a Java tool would take a second for each.
 *
 *   kafka_admin BROKER create TOPIC PARTITIONS [NAME=VALUE]...
 *   kafka_admin BROKER delete TOPIC
 *   kafka_admin BROKER grow TOPIC PARTITIONS
 *   kafka_admin BROKER deny topic|group NAME read|write|describe|settings      takes this right from everybody, and no other
 *   kafka_admin BROKER truncate TOPIC PARTITION OFFSET      deletes the records before it */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 20000

static int
die(const char *what, const char *why)
{
	fprintf(stderr, "kafka_admin: %s: %s\n", what, why);
	return 1;
}

static int
number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	return *text == '\0' || *end != '\0' || n < 0 || n > 1000000000 ? -1 : (int)n;
}

static rd_kafka_AclOperation_t
operation(const char *text)
{
	return strcmp(text, "read") == 0       ? RD_KAFKA_ACL_OPERATION_READ
	       : strcmp(text, "write") == 0    ? RD_KAFKA_ACL_OPERATION_WRITE
	       : strcmp(text, "describe") == 0 ? RD_KAFKA_ACL_OPERATION_DESCRIBE
					       : RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS;
}

static int
result_of(rd_kafka_event_t *ev)
{
	const rd_kafka_topic_result_t **topics = NULL;
	const rd_kafka_topic_partition_list_t *records;
	size_t n = 0;

	if (ev == NULL)
		return die("broker", "no answer");
	if (rd_kafka_event_error(ev))
		return die("broker", rd_kafka_event_error_string(ev));
	if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
		topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
	else if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_DELETETOPICS_RESULT)
		topics = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(ev), &n);
	else if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT)
		topics = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(ev), &n);
	else if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_CREATEACLS_RESULT) {
		const rd_kafka_acl_result_t **acls = rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(ev), &n);

		for (size_t i = 0; i < n; i++)
			if (rd_kafka_acl_result_error(acls[i]) != NULL)
				return die("deny", rd_kafka_error_string(rd_kafka_acl_result_error(acls[i])));
		n = 0;
	}
	for (size_t i = 0; i < n; i++)
		if (rd_kafka_topic_result_error(topics[i]))
			return die(rd_kafka_topic_result_name(topics[i]), rd_kafka_err2str(rd_kafka_topic_result_error(topics[i])));
	if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_DELETERECORDS_RESULT) {
		records = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(ev));
		for (int i = 0; i < records->cnt; i++)
			if (records->elems[i].err)
				return die(records->elems[i].topic, rd_kafka_err2str(records->elems[i].err));
	}
	return 0;
}

int
main(int argc, char **argv)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *ev;
	rd_kafka_t *rk;
	char why[512];
	int status;

	if (argc < 4 || rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], why, sizeof why) != RD_KAFKA_CONF_OK)
		return die("usage", "kafka_admin BROKER create|delete|grow|truncate|deny TOPIC ...");
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (rk == NULL)
		return die("client", why);
	queue = rd_kafka_queue_new(rk);
	if (strcmp(argv[2], "create") == 0 && argc >= 5) {
		rd_kafka_NewTopic_t *nt = rd_kafka_NewTopic_new(argv[3], number(argv[4]), 1, why, sizeof why);

		if (nt == NULL)
			return die(argv[3], why);
		for (int i = 5; i < argc; i++) {
			char *equals = strchr(argv[i], '=');

			if (equals == NULL)
				return die(argv[i], "is not NAME=VALUE");
			*equals = '\0';
			(void)rd_kafka_NewTopic_set_config(nt, argv[i], equals + 1);
		}
		rd_kafka_CreateTopics(rk, &nt, 1, NULL, queue);
		rd_kafka_NewTopic_destroy(nt);
	} else if (strcmp(argv[2], "delete") == 0) {
		rd_kafka_DeleteTopic_t *dt = rd_kafka_DeleteTopic_new(argv[3]);

		rd_kafka_DeleteTopics(rk, &dt, 1, NULL, queue);
		rd_kafka_DeleteTopic_destroy(dt);
	} else if (strcmp(argv[2], "grow") == 0 && argc == 5) {
		rd_kafka_NewPartitions_t *np = rd_kafka_NewPartitions_new(argv[3], (size_t)number(argv[4]), why, sizeof why);

		if (np == NULL)
			return die(argv[3], why);
		rd_kafka_CreatePartitions(rk, &np, 1, NULL, queue);
		rd_kafka_NewPartitions_destroy(np);
	} else if (strcmp(argv[2], "truncate") == 0 && argc == 6) {
		rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
		rd_kafka_DeleteRecords_t *dr;

		rd_kafka_topic_partition_list_add(list, argv[3], number(argv[4]))->offset = number(argv[5]);
		dr = rd_kafka_DeleteRecords_new(list);
		rd_kafka_topic_partition_list_destroy(list);
		rd_kafka_DeleteRecords(rk, &dr, 1, NULL, queue);
		rd_kafka_DeleteRecords_destroy(dr);
	} else if (strcmp(argv[2], "deny") == 0 && argc == 6) {
		/* One that is named at all is closed to whom nothing is granted: so everything else is. */
		rd_kafka_ResourceType_t type = strcmp(argv[3], "topic") == 0 ? RD_KAFKA_RESOURCE_TOPIC : RD_KAFKA_RESOURCE_GROUP;
		rd_kafka_AclBinding_t *ab[] = {rd_kafka_AclBinding_new(type, argv[4], RD_KAFKA_RESOURCE_PATTERN_LITERAL, "User:*", "*",
						   RD_KAFKA_ACL_OPERATION_ALL, RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, why, sizeof why),
		    rd_kafka_AclBinding_new(type, argv[4], RD_KAFKA_RESOURCE_PATTERN_LITERAL, "User:*", "*", operation(argv[5]),
			RD_KAFKA_ACL_PERMISSION_TYPE_DENY, why, sizeof why)};

		if (ab[0] == NULL || ab[1] == NULL)
			return die(argv[4], why);
		rd_kafka_CreateAcls(rk, ab, 2, NULL, queue);
		rd_kafka_AclBinding_destroy_array(ab, 2);
	} else {
		return die(argv[2], "no such command, or operands are missing");
	}
	ev = rd_kafka_queue_poll(queue, WAIT_MS);
	status = result_of(ev);
	if (ev != NULL)
		rd_kafka_event_destroy(ev);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
	return status;
}
