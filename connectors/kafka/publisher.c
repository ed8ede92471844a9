#include "connectors/kafka/publisher.h"

#include "connectors/kafka/mark.h"
#include "state/base/failpoint.h"
#include "state/base/limits.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define CALL_MS 1000 /* what waits for the broker, but a commit, comes back so often, to see whether we are to end */
/* A commit or abort is called once. librdkafka says of one that timed out: call again to resume; but 2.0.2 keeps one place for an answer
 * (txn_curr_api in its rdkafka_txnmgr.c), and a call made again asks anew while the answer to the first may be on its way. If both come, that call
 * and each one after it return with the answer to the one before: too early. Then there is no transaction yet to send in, what is sent is refused,
 * and the next call fails with "Operation not valid in state BeginAbort". What did not end in time is for the next session to settle: its fence ends
 * the transaction, its mark says whether it was committed. (rd_kafka_init_transactions is answered once, however often it is called.) */
#define LONGEST_COMMIT_MS 16000 /* a commit that did not end gives the next ones twice the time, up to this */
#define AGAIN_MS 200            /* before a transaction that failed is tried again */
/* So many failures in a row are told; fewer have passed by themselves. After a refused message librdkafka fails the next transaction as well
 * ("skipped sequence numbers"). */
#define FAILED_TOLD 3
#define TAKE_MS 200
#define PULSE_MS 5000 /* an idle publisher repeats its mark so often: only who publishes learns that it was fenced */

struct publisher {
	struct kafka_sink_options opt;
	struct outbox *ob;
	struct kafka_link link;
	pthread_t thread;
	rd_kafka_t *rk; /* NULL: to be made, with its session */
	bool claimed;   /* a mark of ours was published once */
	struct kafka_mark mark;
	struct buf rows, value;
	uint64_t last;     /* batch of the last of the rows */
	int commit_ms;     /* how long a commit may take */
	char refused[512]; /* why the transaction or session under way failed, if known: what came first */
	unsigned failed;   /* in a row */
	bool said;         /* that alerts cannot be published */
};

/* What the outcome of a call means for the transaction. */
enum verdict {
	VERDICT_DONE,
	VERDICT_ABORT,   /* abort the transaction, then try it again */
	VERDICT_SESSION, /* this producer can do no more: begin with a new one */
	VERDICT_LEAVE,   /* told to end, or failed (the outbox knows) */
};

static const struct kafka_setting producer_settings[] = {
    {"transactional.id", NULL},
    {"transaction.timeout.ms", "60000"},
    {"enable.idempotence", "true"},
    {"linger.ms", "1"},
    {"queue.buffering.max.messages", "1000000"},
    {"queue.buffering.max.kbytes", "65536"},
    {"message.max.bytes", "8388608"},
    /* A topic that is not there is told after so long; a new one is known sooner. */
    {"topic.metadata.propagation.max.ms", "5000"},
    {NULL, NULL},
};

static bool
go_on(void *ctx)
{
	struct publisher *pu = ctx;

	return !outbox_ended(pu->ob);
}

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *me, void *link)
{
	struct publisher *pu = me->_private;

	(void)rk;
	(void)link;
	/* Purged ones were given up with their transaction; what it was given up for is said already. */
	if (me->err == RD_KAFKA_RESP_ERR_NO_ERROR || me->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || me->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
	    pu->refused[0] != '\0')
		return;
	(void)snprintf(
	    pu->refused, sizeof pu->refused, "topic %s: %s", me->rkt == NULL ? "(unknown)" : rd_kafka_topic_name(me->rkt), rd_kafka_err2str(me->err));
}

static enum verdict
fail(struct publisher *pu, const struct err *err)
{
	outbox_fail(pu->ob, err);
	return VERDICT_LEAVE;
}

/* Judges how a transactional call ended; destroys the error. */
static enum verdict
judge(struct publisher *pu, rd_kafka_error_t *er)
{
	enum verdict verdict;

	if (er == NULL)
		return VERDICT_DONE;
	verdict = rd_kafka_error_txn_requires_abort(er) ? VERDICT_ABORT : VERDICT_SESSION;
	if (pu->refused[0] == '\0')
		(void)snprintf(pu->refused, sizeof pu->refused, "%s", rd_kafka_error_string(er));
	rd_kafka_error_destroy(er);
	return verdict;
}

/* A transaction or session failed. Tells it once, until alerts are published again. */
static void
trouble(struct publisher *pu)
{
	if (++pu->failed >= FAILED_TOLD && !pu->said) {
		/* A message that came after the transaction had failed was refused without a reason. */
		if (pu->refused[0] == '\0')
			link_reason(&pu->link, pu->refused, sizeof pu->refused);
		pu->said = true;
		link_note(&pu->link, "alerts cannot be published (%s): they wait, nothing is lost", pu->refused);
	}
	(void)poll(NULL, 0, AGAIN_MS);
}

/* --- sending --- */

static enum verdict
produce(struct publisher *pu, const char *topic, int32_t partition, struct slice key, struct slice value)
{
	static const char type[] = "application/cloudevents+json; charset=UTF-8";

	for (;;) {
		rd_kafka_resp_err_t rc = rd_kafka_producev(pu->rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
		    RD_KAFKA_V_KEY(key.p, key.n), RD_KAFKA_V_VALUE((void *)(uintptr_t)value.p, value.n), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		    RD_KAFKA_V_HEADER("content-type", type, sizeof type - 1), RD_KAFKA_V_OPAQUE(pu), RD_KAFKA_V_END);

		if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
			return VERDICT_DONE;
		if (rc == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
			if (!go_on(pu))
				return VERDICT_LEAVE;
			(void)rd_kafka_poll(pu->rk, 100);
			continue;
		}
		if (rc != RD_KAFKA_RESP_ERR__STATE && rc != RD_KAFKA_RESP_ERR__FATAL && pu->refused[0] == '\0')
			(void)snprintf(pu->refused, sizeof pu->refused, "topic %s: %s", topic, rd_kafka_err2str(rc));
		return rc == RD_KAFKA_RESP_ERR__FATAL ? VERDICT_SESSION : VERDICT_ABORT;
	}
}

static enum verdict
send_row(struct publisher *pu, struct rd *r, uint64_t *ret_n)
{
	uint64_t batch = rd_u64(r);
	struct slice key = rd_blob(r), json = rd_blob(r);
	unsigned n = rd_u8(r);
	char topic[300];
	enum verdict verdict = VERDICT_DONE;

	for (unsigned i = 0; i < n && verdict == VERDICT_DONE; i++) {
		struct slice name = rd_blob(r);

		(void)snprintf(topic, sizeof topic, "%.*s", SLICE_ARG(name));
		/* Recovery makes again what is published already. */
		if (batch <= pu->mark.batch)
			continue;
		verdict = produce(pu, topic, RD_KAFKA_PARTITION_UA, key, json);
		*ret_n += verdict == VERDICT_DONE;
	}
	return verdict;
}

static enum verdict
send_mark(struct publisher *pu, uint64_t batch)
{
	struct kafka_mark ma = pu->mark;

	ma.batch = batch;
	mark_write(&pu->value, &ma);
	if (!buf_ok(&pu->value)) {
		struct err err;

		(void)err_nomem(&err);
		return fail(pu, &err);
	}
	return produce(pu, pu->opt.marks, 0, slice_str(pu->opt.transactional_id), buf_slice(&pu->value));
}

/* Waits until everything sent is delivered or refused. A commit would do so too, but this wait may be taken up again. */
static enum verdict
flush(struct publisher *pu)
{
	/* Of a producer that can do no more, some never are. */
	while (rd_kafka_fatal_error(pu->rk, NULL, 0) == RD_KAFKA_RESP_ERR_NO_ERROR && rd_kafka_flush(pu->rk, CALL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		if (!go_on(pu))
			return VERDICT_LEAVE;
	return VERDICT_DONE;
}

static enum verdict
commit(struct publisher *pu)
{
	rd_kafka_error_t *er = rd_kafka_commit_transaction(pu->rk, pu->commit_ms);

	if (er == NULL)
		link_up(&pu->link);
	else if (rd_kafka_error_is_retriable(er) && pu->commit_ms < LONGEST_COMMIT_MS)
		pu->commit_ms *= 2;
	return judge(pu, er);
}

/* One transaction: the rows, the mark. *ret_n: messages sent. */
static enum verdict
transact(struct publisher *pu, uint64_t batch, uint64_t *ret_n)
{
	struct rd r = rd_of(buf_slice(&pu->rows));
	enum verdict verdict;

	*ret_n = 0;
	pu->refused[0] = '\0';
	verdict = judge(pu, rd_kafka_begin_transaction(pu->rk)); /* asks no broker */
	while (verdict == VERDICT_DONE && rd_left(&r) > 0)
		verdict = send_row(pu, &r, ret_n);
	if (verdict == VERDICT_DONE)
		verdict = send_mark(pu, batch);
	failpoint("kafka_in_transaction");
	if (verdict == VERDICT_DONE)
		verdict = flush(pu);
	if (verdict == VERDICT_DONE)
		verdict = commit(pu);
	if (verdict == VERDICT_DONE)
		failpoint("kafka_after_commit");
	return verdict;
}

/* Spares us a session, if it works. */
static enum verdict
give_up_transaction(struct publisher *pu)
{
	enum verdict verdict = judge(pu, rd_kafka_abort_transaction(pu->rk, CALL_MS));

	if (verdict == VERDICT_DONE)
		link_up(&pu->link);
	return verdict == VERDICT_DONE ? VERDICT_DONE : VERDICT_SESSION;
}

/* --- sessions --- */

static enum verdict
refuse(struct publisher *pu, const struct kafka_mark *found)
{
	struct err err;

	if (pu->claimed)
		(void)err_set(&err, ERR_IO,
		    "another dideban (on %s) publishes under the transactional id %s: this one was fenced and stops; if both are to run, give them "
		    "names "
		    "of their own (instance)",
		    found->host, pu->opt.transactional_id);
	else if (strcmp(found->store, pu->mark.store) != 0)
		(void)err_set(&err, ERR_IO,
		    "under the transactional id %s another store has published (on %s): go on with that store, give this one a name of its own "
		    "(instance), or accept that alerts may come twice under one number: serve --republish",
		    pu->opt.transactional_id, found->host);
	else
		(void)err_set(&err, ERR_IO,
		    "this store is older than what was published from it (journal record %" PRIu64 ", here %" PRIu64
		    "): restore a newer backup, or accept that alerts may come twice under one number: serve --republish",
		    found->batch, pu->opt.last);
	return fail(pu, &err);
}

/* Behind the fence: reads the mark, and takes it over. */
static enum verdict
take_mark(struct publisher *pu)
{
	struct kafka_mark found = {0};
	struct err err;
	bool stopped;
	int rc = mark_read(&pu->link, pu->opt.marks, pu->opt.transactional_id, &found, &stopped, go_on, pu, &err);

	if (rc < 0)
		return fail(pu, &err);
	if (stopped)
		return VERDICT_LEAVE;
	if (pu->claimed) {
		if (rc == 1 && strcmp(found.owner, pu->mark.owner) != 0)
			return refuse(pu, &found);
		if (rc == 1)
			pu->mark.batch = found.batch;
		return VERDICT_DONE;
	}
	if (rc == 1 && !pu->opt.republish) {
		if (strcmp(found.store, pu->mark.store) != 0 || found.batch > pu->opt.last)
			return refuse(pu, &found);
		pu->mark.batch = found.batch;
	}
	return VERDICT_DONE;
}

/* However long it takes: without it nothing can be published. */
static enum verdict
claim_id(struct publisher *pu)
{
	rd_kafka_error_t *er;

	while ((er = rd_kafka_init_transactions(pu->rk, CALL_MS)) != NULL && rd_kafka_error_is_retriable(er)) {
		rd_kafka_error_destroy(er);
		if (!go_on(pu))
			return VERDICT_LEAVE;
		(void)rd_kafka_poll(pu->rk, 0);
	}
	if (er == NULL)
		link_up(&pu->link);
	return judge(pu, er) == VERDICT_DONE ? VERDICT_DONE : VERDICT_SESSION;
}

/* A new producer, which fences any before it. */
static enum verdict
begin_session(struct publisher *pu)
{
	struct kafka_setting settings[sizeof producer_settings / sizeof producer_settings[0]];
	struct err err;
	enum verdict verdict;

	memcpy(settings, producer_settings, sizeof settings);
	settings[0].value = pu->opt.transactional_id;
	if (pu->rk != NULL)
		rd_kafka_destroy(pu->rk);
	pu->rk = NULL;
	if (client_new(&pu->rk, RD_KAFKA_PRODUCER, &pu->link, settings, on_delivery, &err) != 0)
		return fail(pu, &err);
	pu->refused[0] = '\0';
	verdict = claim_id(pu);
	if (verdict == VERDICT_DONE)
		verdict = take_mark(pu);
	if (verdict == VERDICT_SESSION && go_on(pu))
		trouble(pu);
	return verdict;
}

/* Publishes the rows up to `batch`, whatever it takes; `claim`: our mark alone. */
static enum verdict
publish(struct publisher *pu, uint64_t batch, bool claim)
{
	uint64_t n = 0;
	enum verdict verdict = pu->rk == NULL ? VERDICT_SESSION : VERDICT_DONE;

	for (;;) {
		while (verdict == VERDICT_SESSION && go_on(pu))
			verdict = begin_session(pu);
		if (verdict == VERDICT_LEAVE || !go_on(pu))
			return VERDICT_LEAVE;
		/* An unclear commit may have gone through: the mark, read again, says so. */
		if (!claim && batch <= pu->mark.batch)
			break;
		verdict = transact(pu, claim ? pu->mark.batch : batch, &n);
		if (verdict == VERDICT_DONE)
			break;
		if (verdict == VERDICT_ABORT)
			verdict = give_up_transaction(pu);
		if (verdict != VERDICT_LEAVE)
			trouble(pu);
	}
	pu->failed = 0;
	if (pu->said) {
		pu->said = false;
		link_note(&pu->link, "alerts are published again");
	}
	if (!claim)
		pu->mark.batch = batch;
	buf_clear(&pu->rows);
	pu->claimed = true;
	outbox_published(pu->ob, claim ? 0 : n, pu->mark.batch);
	return VERDICT_DONE;
}

static void *
run(void *arg)
{
	struct publisher *pu = arg;
	/* The first transaction holds our mark alone: from then on an older owner knows that it was fenced. */
	enum verdict verdict = publish(pu, 0, true);
	int idle_ms = 0;

	while (verdict != VERDICT_LEAVE && go_on(pu)) {
		if (outbox_take(pu->ob, TAKE_MS, &pu->rows, &pu->last))
			idle_ms = 0, verdict = publish(pu, pu->last, false);
		else if ((idle_ms += TAKE_MS) >= PULSE_MS)
			idle_ms = 0, verdict = publish(pu, 0, true);
		else
			(void)rd_kafka_poll(pu->rk, 0);
	}
	if (pu->rk != NULL)
		rd_kafka_destroy(pu->rk);
	return NULL;
}

int
publisher_start(struct publisher **ret, const struct kafka_sink_options *opt, struct outbox *ob, struct err *err)
{
	struct publisher *pu = calloc(1, sizeof *pu);
	uint64_t owner;

	if (pu == NULL)
		return err_nomem(err);
	pu->opt = *opt;
	pu->ob = ob;
	pu->commit_ms = CALL_MS;
	link_init(&pu->link, opt->kafka, "publishing alerts");
	if (getrandom(&owner, sizeof owner, 0) != sizeof owner) {
		link_free(&pu->link);
		free(pu);
		return err_set(err, ERR_IO, "the system has no random numbers to give");
	}
	(void)snprintf(pu->mark.owner, sizeof pu->mark.owner, "%016" PRIx64, owner);
	(void)snprintf(pu->mark.store, sizeof pu->mark.store, "%s", opt->store);
	if (gethostname(pu->mark.host, sizeof pu->mark.host - 1) != 0)
		pu->mark.host[0] = '\0';
	for (char *p = pu->mark.host; *p != '\0'; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
			*p = '_';
	if (pthread_create(&pu->thread, NULL, run, pu) != 0) {
		link_free(&pu->link);
		free(pu);
		return err_set(err, ERR_IO, "kafka: no thread for the publisher");
	}
	*ret = pu;
	return 0;
}

void
publisher_end(struct publisher *pu)
{
	if (pu == NULL)
		return;
	(void)pthread_join(pu->thread, NULL);
	buf_free(&pu->rows);
	buf_free(&pu->value);
	link_free(&pu->link);
	free(pu);
}

void
publisher_figures(struct publisher *pu, struct kafka_figures *ret)
{
	link_figures(&pu->link, ret);
}
