#include "connectors/kafka/mark.h"
#include "connectors/kafka/probe_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SENT_MS 5000 /* a message that no broker took by then is refused */
#define POLL_MS 20
#define CLOCK_MS 5000 /* clocks that differ by more are worth a word */

/* --- reading --- */

static void
cure_read(struct probe *pr, const char *topic, rd_kafka_resp_err_t rc)
{
	if (rc == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
		probe_cure(
		    pr, "kafka-acls --bootstrap-server %s --add --allow-principal User:NAME --operation Read --topic %s", pr->kafka.brokers, topic);
	else
		probe_cure(pr, "every broker's address must be reachable from here (advertised.listeners); the broker's log says more");
}

static struct probe_topic *
read_of(struct probe *pr, const rd_kafka_message_t *me)
{
	for (size_t i = 0; me->rkt != NULL && i < pr->n_topics; i++)
		if (pr->topics[i].role != PROBE_ALERTS && strcmp(pr->topics[i].name, rd_kafka_topic_name(me->rkt)) == 0)
			return &pr->topics[i];
	return NULL;
}

/* A message, or the end, of one partition of each topic that is read. */
static void
take(struct probe *pr, const rd_kafka_message_t *me, bool *done, size_t *left)
{
	struct probe_topic *pt = read_of(pr, me);

	if (pt == NULL || done[pt - pr->topics])
		return;
	if (me->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		probe_tell(pr, KAFKA_OK, "read", "%s: message %" PRId64 " of partition %" PRId32, pt->name, me->offset, me->partition);
	else if (me->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		probe_tell(pr, KAFKA_OK, "read", "%s: partition %" PRId32 " ends at %" PRId64, pt->name, me->partition, me->offset);
	else {
		cure_read(pr, pt->name, me->err);
		probe_tell(pr, KAFKA_FAIL, "read", "%s: %s", pt->name, rd_kafka_err2str(me->err));
	}
	done[pt - pr->topics] = true;
	(*left)--;
}

static void
read_topics(struct probe *pr, bool *done)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	int64_t begin = probe_now_ms();
	size_t left = 0;

	for (size_t i = 0; i < pr->n_topics; i++) {
		struct probe_topic *pt = &pr->topics[i];

		done[i] = pt->role == PROBE_ALERTS || pt->led < 0;
		if (done[i])
			continue;
		rd_kafka_topic_partition_list_add(list, pt->name, pt->led)->offset = RD_KAFKA_OFFSET_TAIL(1);
		left++;
	}
	(void)rd_kafka_assign(pr->rk, list);
	while (left > 0 && probe_now_ms() - begin < PROBE_WAIT_MS) {
		rd_kafka_message_t *me = rd_kafka_consumer_poll(pr->rk, POLL_MS);

		if (me == NULL)
			continue;
		take(pr, me, done, &left);
		rd_kafka_message_destroy(me);
	}
	(void)rd_kafka_assign(pr->rk, NULL);
	rd_kafka_topic_partition_list_destroy(list);
	for (size_t i = 0; i < pr->n_topics; i++)
		if (!done[i]) {
			cure_read(pr, pr->topics[i].name, RD_KAFKA_RESP_ERR__TIMED_OUT);
			probe_tell(pr, KAFKA_FAIL, "read", "%s: no answer to a fetch within %d seconds", pr->topics[i].name, PROBE_WAIT_MS / 1000);
		}
}

/* Offsets are committed for monitoring alone: without the right nothing else suffers. */
static void
look_at_group(struct probe *pr)
{
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t rc;
	size_t i = 0;

	while (i < pr->n_topics && (pr->topics[i].role != PROBE_INPUT || pr->topics[i].led < 0))
		i++;
	if (i == pr->n_topics)
		return;
	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, pr->topics[i].name, pr->topics[i].led);
	rc = rd_kafka_committed(pr->rk, list, PROBE_WAIT_MS);
	if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
		rc = list->elems[0].err;
	rd_kafka_topic_partition_list_destroy(list);
	probe_cure(pr, "for monitoring alone: kafka-acls --bootstrap-server %s --add --allow-principal User:NAME --operation Read --group %s",
	    pr->kafka.brokers, pr->opt->source->group);
	if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
		probe_tell(pr, KAFKA_OK, "group", "%s", pr->opt->source->group);
	else
		probe_tell(pr, KAFKA_WARN, "group", "%s: %s", pr->opt->source->group, rd_kafka_err2str(rc));
}

void
probe_reading(struct probe *pr)
{
	bool *done = calloc(pr->n_topics + 1, sizeof *done);

	if (done == NULL)
		return;
	read_topics(pr, done);
	free(done);
	look_at_group(pr);
}

/* --- the marks --- */

static bool
in_time(void *ctx)
{
	return probe_now_ms() < *(const int64_t *)ctx;
}

static void
read_marks(struct probe *pr)
{
	const struct kafka_sink_options *opt = pr->opt->sink;
	int64_t until = probe_now_ms() + PROBE_WAIT_MS;
	struct kafka_mark ma;
	struct err err;
	bool stopped;
	int rc = mark_read(&pr->link, opt->marks, opt->transactional_id, &ma, &stopped, in_time, &until, &err);

	if (rc < 0) {
		cure_read(pr, opt->marks, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
		probe_tell(pr, KAFKA_FAIL, "marks", "%s", err.text);
	} else if (stopped) {
		cure_read(pr, opt->marks, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
		probe_tell(pr, KAFKA_FAIL, "marks",
		    "%s cannot be read to its end within %d seconds: no right to, or a transaction of another is open", opt->marks,
		    PROBE_WAIT_MS / 1000);
	} else if (rc == 0) {
		probe_tell(pr, KAFKA_OK, "marks", "%s: nothing is published yet as %s", opt->marks, opt->transactional_id);
	} else {
		probe_tell(pr, KAFKA_OK, "marks", "%s: %s published up to journal record %" PRIu64 " (store %s, on %s)", opt->marks,
		    opt->transactional_id, ma.batch, ma.store, ma.host);
	}
}

/* --- writing --- */

struct sending {
	bool done;
	rd_kafka_resp_err_t err;
	int64_t stamp_ms; /* by the broker; 0: it does not stamp this topic */
};

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *me, void *link)
{
	struct sending *se = me->_private;
	rd_kafka_timestamp_type_t type;
	int64_t ms = rd_kafka_message_timestamp(me, &type);

	(void)rk;
	(void)link;
	se->done = true;
	se->err = me->err;
	se->stamp_ms = me->err == RD_KAFKA_RESP_ERR_NO_ERROR && type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? ms : 0;
}

struct writing {
	rd_kafka_t *rk;
	struct sending se; /* librdkafka refers to it until a transaction has ended, or rk */
	char id[300];
	int64_t ahead_ms, unsure_ms; /* the broker's clock before ours, and how far that may be wrong */
	bool stamped;
};

static int64_t
wall_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
cure_write(struct probe *pr, const char *topic, const char *why)
{
	if (strstr(why, "uthoriz") != NULL)
		probe_cure(pr, "kafka-acls --bootstrap-server %s --add --allow-principal User:NAME --operation Write --operation Describe --topic %s",
		    pr->kafka.brokers, topic);
	else
		probe_cure(pr, "alerts for it would wait until this is mended; the broker's log says more");
}

static rd_kafka_resp_err_t
send_one(struct writing *wr, const struct probe_topic *pt, struct sending *se)
{
	static const char value[] =
	    "{\"specversion\":\"1.0\",\"id\":\"doctor\",\"source\":\"/dideban/doctor\",\"type\":\"dideban.doctor\",\"data\":{}}";
	static const char type[] = "application/cloudevents+json; charset=UTF-8";

	return rd_kafka_producev(wr->rk, RD_KAFKA_V_TOPIC(pt->name), RD_KAFKA_V_PARTITION(pt->led), RD_KAFKA_V_KEY(wr->id, strlen(wr->id)),
	    RD_KAFKA_V_VALUE((void *)(uintptr_t)value, sizeof value - 1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
	    RD_KAFKA_V_HEADER("content-type", type, sizeof type - 1), RD_KAFKA_V_OPAQUE(se), RD_KAFKA_V_END);
}

/* Until the broker took the message, or why it did not. */
static void
wait_sent(struct probe *pr, struct writing *wr, struct sending *se, char *ret_why, size_t size)
{
	int64_t begin = probe_now_ms(), sent = wall_ms(), now;

	ret_why[0] = '\0';
	while (!se->done && ret_why[0] == '\0' && probe_now_ms() - begin < SENT_MS) {
		(void)rd_kafka_poll(wr->rk, POLL_MS);
		link_reason(&pr->link, ret_why, size);
	}
	now = wall_ms();
	if (se->done)
		link_reason(&pr->link, ret_why, size);
	/* A transaction that failed gives its messages up: why is the transaction's to say. */
	if (se->done && se->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		ret_why[0] = '\0';
	else if (se->done && ((se->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE && se->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) || ret_why[0] == '\0'))
		(void)snprintf(ret_why, size, "%s", rd_kafka_err2str(se->err));
	else if (ret_why[0] == '\0')
		(void)snprintf(ret_why, size, "no broker took a message within %d seconds", SENT_MS / 1000);
	if (se->stamp_ms == 0)
		return;
	/* Its clock was read between `sent` and `now`. */
	wr->stamped = true;
	wr->ahead_ms = se->stamp_ms - (sent + now) / 2;
	wr->unsure_ms = (now - sent) / 2 + 1;
}

/* A transaction of one message, which is aborted. -1: no further one can be tried. */
static int
write_one(struct probe *pr, struct writing *wr, const struct probe_topic *pt)
{
	struct sending *se = &wr->se;
	rd_kafka_resp_err_t rc;
	rd_kafka_error_t *er;
	char why[512] = "";
	int ret = 0;

	pr->link.reason[0] = '\0';
	*se = (struct sending){0};
	er = rd_kafka_begin_transaction(wr->rk);
	if (er == NULL) {
		rc = send_one(wr, pt, se);
		if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
			wait_sent(pr, wr, se, why, sizeof why);
		/* Once more for the clock: the first had to wait until its partition belonged to the transaction. */
		if (se->stamp_ms != 0) {
			se->done = false;
			rc = send_one(wr, pt, se);
			if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
				wait_sent(pr, wr, se, why, sizeof why);
		}
		if (rc != RD_KAFKA_RESP_ERR_NO_ERROR)
			(void)snprintf(why, sizeof why, "%s", rd_kafka_err2str(rc));
		er = rd_kafka_abort_transaction(wr->rk, PROBE_WAIT_MS);
	}
	if (er != NULL) {
		if (why[0] == '\0')
			(void)snprintf(why, sizeof why, "no transaction can be begun or aborted: %s", rd_kafka_error_string(er));
		rd_kafka_error_destroy(er);
		ret = -1;
	}
	cure_write(pr, pt->name, why);
	if (why[0] != '\0')
		probe_tell(pr, KAFKA_FAIL, "write", "%s: %s", pt->name, why);
	else
		probe_tell(pr, KAFKA_OK, "write", "%s takes messages", pt->name);
	return ret;
}

static int
init_transactions(struct probe *pr, struct writing *wr)
{
	int64_t until = probe_now_ms() + PROBE_WAIT_MS;
	rd_kafka_error_t *er;
	rd_kafka_resp_err_t rc;

	for (;;) {
		er = rd_kafka_init_transactions(wr->rk, 1000);
		if (er == NULL) {
			probe_tell(pr, KAFKA_OK, "transactions", "tried as %s", wr->id);
			return 0;
		}
		if (!rd_kafka_error_is_retriable(er) || probe_now_ms() >= until)
			break;
		rd_kafka_error_destroy(er);
		(void)rd_kafka_poll(wr->rk, 0);
	}
	rc = rd_kafka_error_code(er);
	if (rc == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
		probe_cure(pr,
		    "kafka-acls --bootstrap-server %s --add --allow-principal User:NAME --operation Write --operation Describe --transactional-id %s "
		    "--resource-pattern-type prefixed",
		    pr->kafka.brokers, pr->opt->sink->transactional_id);
	else
		probe_cure(pr, "the broker's log says more; with fewer than three brokers it needs transaction.state.log.replication.factor=1 and "
			       "transaction.state.log.min.isr=1");
	probe_tell(pr, KAFKA_FAIL, "transactions", "tried as %s: %s", wr->id, rd_kafka_error_string(er));
	rd_kafka_error_destroy(er);
	return -1;
}

static void
say_clock(struct probe *pr, const struct writing *wr)
{
	int64_t off = wr->ahead_ms < 0 ? -wr->ahead_ms : wr->ahead_ms;
	const char *way = wr->ahead_ms < 0 ? "behind" : "before";

	probe_cure(pr, "let both machines follow one time server (timedatectl)%s",
	    wr->stamped ? "" : "; it could be told if one topic of alerts had message.timestamp.type=LogAppendTime");
	if (!wr->stamped)
		probe_tell(pr, KAFKA_WARN, "broker's clock", "was not compared with ours: it stamps none of the topics we write");
	else if (off <= wr->unsure_ms)
		probe_tell(pr, KAFKA_OK, "broker's clock", "as ours, give or take %" PRId64 " ms", wr->unsure_ms);
	else
		probe_tell(pr, off > CLOCK_MS ? KAFKA_WARN : KAFKA_OK, "broker's clock", "%" PRId64 " ms %s ours, give or take %" PRId64, off, way,
		    wr->unsure_ms);
}

int
probe_writing(struct probe *pr, struct err *err)
{
	struct writing wr = {0};
	const struct kafka_setting own[] = {{"transactional.id", wr.id}, {"transaction.timeout.ms", "60000"}, {"enable.idempotence", "true"},
	    {"linger.ms", "1"}, {"message.max.bytes", "8388608"}, {"topic.metadata.propagation.max.ms", "5000"}, {NULL, NULL}};
	bool going;

	for (size_t i = 0; i < pr->n_topics; i++)
		if (pr->topics[i].role == PROBE_MARKS && pr->topics[i].led >= 0)
			read_marks(pr);
	(void)snprintf(wr.id, sizeof wr.id, "%s-doctor", pr->opt->sink->transactional_id);
	if (client_new(&wr.rk, RD_KAFKA_PRODUCER, &pr->link, own, on_delivery, err) != 0)
		return -1;
	going = init_transactions(pr, &wr) == 0;
	for (size_t i = 0; i < pr->n_topics && going; i++)
		if (pr->topics[i].role != PROBE_INPUT && pr->topics[i].led >= 0 && pr->topics[i].writable)
			going = write_one(pr, &wr, &pr->topics[i]) == 0;
	if (going)
		say_clock(pr, &wr);
	rd_kafka_destroy(wr.rk);
	return 0;
}
