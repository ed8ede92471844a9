/* The publisher under error codes that a real broker cannot be made to give at will, from librdkafka's mock cluster. What is published, and
 * that it is published once, is tested against a real broker (tests/kafka). */
#include "connectors/kafka/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { PRODUCE = 0, ADD_PARTITIONS = 24, INIT_PRODUCER = 22, END_TXN = 26 };

struct fixture {
	rd_kafka_t *rk;
	rd_kafka_mock_cluster_t *cluster;
	struct kafka_options client;
	struct kafka_sink_options opt;
	struct kafka_setting settings[2];
	char notes[4096];
	atomic_uint unfinished; /* transactional calls that timed out */
	atomic_uint misplaced;  /* and that were made before the one before them had ended */
	bool stop;
};

/* What librdkafka logs of the transactional calls, in any of its threads: the state in which one is made, and how it ends. */
static void
watch(struct fixture *fx, const char *text)
{
	static const char *const under_way[] = {
	    "BeginCommit", "CommittingTransaction", "CommitNotAcked", "BeginAbort", "AbortingTransaction", "AbortedNotAcked"};
	char state[64];

	if (strstr(text, "Transactional API") == NULL)
		return;
	if (strstr(text, "Timed out") != NULL)
		fx->unfinished++;
	if (strstr(text, "Operation not valid") != NULL)
		fx->misplaced++;
	for (size_t i = 0; i < sizeof under_way / sizeof under_way[0]; i++) {
		(void)snprintf(state, sizeof state, "(in txn state %s,", under_way[i]);
		if (strstr(text, state) != NULL)
			fx->misplaced++;
	}
}

static void
note(void *ctx, const char *text)
{
	struct fixture *fx = ctx;
	size_t n;

	if (strncmp(text, "librdkafka ", strlen("librdkafka ")) == 0) {
		watch(fx, text);
		return;
	}
	n = strlen(fx->notes);
	(void)snprintf(fx->notes + n, sizeof fx->notes - n, "%s\n", text);
}

static bool
stopping(void *ctx)
{
	const struct fixture *fx = ctx;

	return fx->stop;
}

static int
set_up(void **state)
{
	static struct fixture fixture;
	struct fixture *fx = &fixture;
	char why[256];

	memset(fx, 0, sizeof *fx);
	fx->rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
	assert_non_null(fx->rk);
	fx->cluster = rd_kafka_mock_cluster_new(fx->rk, 1);
	assert_non_null(fx->cluster);
	assert_int_equal(rd_kafka_mock_topic_create(fx->cluster, "dideban.marks", 1, 1), 0);
	assert_int_equal(rd_kafka_mock_topic_create(fx->cluster, "dideban.alerts.desk", 1, 1), 0);
	fx->settings[0] = (struct kafka_setting){"retry.backoff.ms", "50"};
	fx->settings[1] = (struct kafka_setting){"debug", "eos"};
	fx->client = (struct kafka_options){
	    .brokers = rd_kafka_mock_cluster_bootstraps(fx->cluster), .settings = fx->settings, .n_settings = 2, .note = note, .ctx = fx};
	fx->opt = (struct kafka_sink_options){.kafka = &fx->client,
	    .transactional_id = "t",
	    .marks = "dideban.marks",
	    .store = "0123456789abcdef",
	    .last = 100,
	    .stopping = stopping,
	    .stop_ms = 200,
	    .ctx = fx};
	*state = fx;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fx = *state;

	rd_kafka_mock_cluster_destroy(fx->cluster);
	rd_kafka_destroy(fx->rk);
	return 0;
}

static struct kafka_sink *
open_sink(struct fixture *fx)
{
	struct kafka_sink *ks;
	struct err err = {0};

	if (kafka_sink_open(&ks, &fx->opt, &err) != 0)
		fail_msg("%s", err.text);
	return ks;
}

static void
put(struct kafka_sink *ks, uint64_t batch)
{
	static char *const desk[] = {(char *)"desk"};
	struct rule *ru = test_calloc(1, sizeof *ru);
	struct message me = {
	    .batch = batch, .rule = ru, .alert_id = slice_str("00112233445566778899aabbccddeeff"), .seq = 1, .json = slice_str("{}")};
	struct err err = {0};

	ru->audience[0] = desk[0];
	ru->n_audience = 1;
	assert_int_equal(kafka_sink_message(ks, &me, &err), 0);
	test_free(ru);
	assert_int_equal(kafka_sink_batch(ks, batch, &err), 0);
}

/* One message gets through although the broker answers one kind of request with this code some times. */
static void
gets_through(struct fixture *fx, int16_t request, rd_kafka_resp_err_t code, unsigned times)
{
	rd_kafka_resp_err_t codes[8];
	struct kafka_sink_stats st;
	struct kafka_sink *ks;
	struct err err = {0};

	for (unsigned i = 0; i < times; i++)
		codes[i] = code;
	if (request == INIT_PRODUCER)
		rd_kafka_mock_push_request_errors_array(fx->cluster, request, times, codes);
	ks = open_sink(fx);
	put(ks, 1);
	if (kafka_sink_checkpoint(ks, &err) != 0)
		fail_msg("%s", err.text);
	if (request != INIT_PRODUCER)
		rd_kafka_mock_push_request_errors_array(fx->cluster, request, times, codes);
	put(ks, 2);
	put(ks, 3);
	if (kafka_sink_checkpoint(ks, &err) != 0)
		fail_msg("request %d, code %d: %s", request, code, err.text);
	assert_int_equal(kafka_sink_check(ks, &err), 0);
	kafka_sink_stats(ks, &st);
	assert_int_equal(st.batch, 3);
	assert_int_equal(st.waiting_bytes, 0);
	kafka_sink_close(ks);
}

static void
errors_that_pass_are_waited_out(void **state)
{
	struct fixture *fx = *state;

	gets_through(fx, INIT_PRODUCER, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 3);
	gets_through(fx, ADD_PARTITIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, 3);
	gets_through(fx, END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, 3);
	gets_through(fx, END_TXN, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 2);
	gets_through(fx, PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 3);
	assert_int_equal(fx->misplaced, 0);
	assert_string_equal(fx->notes, "");
}

static void
a_transaction_that_must_be_aborted_is_sent_again(void **state)
{
	struct fixture *fx = *state;

	gets_through(fx, PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
	gets_through(fx, ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
	fx->notes[0] = '\0';
	gets_through(fx, PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
	assert_string_equal(fx->notes, "");
}

static void
a_producer_that_can_do_no_more_is_replaced(void **state)
{
	struct fixture *fx = *state;

	gets_through(fx, END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, 1);
	gets_through(fx, END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
	gets_through(fx, PRODUCE, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, 1);
	gets_through(fx, ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, 1);
	assert_string_equal(fx->notes, "");
}

/* The broker takes longer than the publisher waits: the answer comes while the call is over. */
static void
end_slowly(struct fixture *fx)
{
	assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(fx->cluster, 1, END_TXN, 1, RD_KAFKA_RESP_ERR_NO_ERROR, 1500), 0);
}

static void
a_call_that_did_not_end_in_time_is_not_made_again(void **state)
{
	struct fixture *fx = *state;
	rd_kafka_resp_err_t refused[] = {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED};
	struct kafka_sink_stats st;
	struct kafka_sink *ks = open_sink(fx);
	struct err err = {0};

	put(ks, 1);
	assert_int_equal(kafka_sink_checkpoint(ks, &err), 0);
	assert_int_equal(fx->unfinished, 0);
	end_slowly(fx); /* a commit */
	put(ks, 2);
	assert_int_equal(kafka_sink_checkpoint(ks, &err), 0);
	assert_int_equal(fx->unfinished, 1);
	rd_kafka_mock_push_request_errors_array(fx->cluster, PRODUCE, 1, refused);
	end_slowly(fx); /* an abort */
	put(ks, 3);
	assert_int_equal(kafka_sink_checkpoint(ks, &err), 0);
	assert_int_equal(fx->unfinished, 2);
	kafka_sink_stats(ks, &st);
	assert_int_equal(st.batch, 3);
	kafka_sink_close(ks);
	assert_int_equal(fx->misplaced, 0);
	assert_string_equal(fx->notes, "");
}

static unsigned
count(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

static void
trouble_that_lasts_is_told_once(void **state)
{
	struct fixture *fx = *state;
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, fatal[] = {code, code, code, code};
	struct kafka_sink *ks;
	struct err err = {0};

	gets_through(fx, PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 8);
	assert_int_equal(count(fx->notes, "alerts cannot be published (topic dideban.alerts.desk: "), 1);
	assert_int_equal(count(fx->notes, "alerts are published again\n"), 1);
	assert_int_equal(count(fx->notes, "\n"), 2);
	fx->notes[0] = '\0';
	/* Of the first mark: it may not be written, for the mock shows what was written in a transaction that was not committed. */
	rd_kafka_mock_push_request_errors_array(fx->cluster, ADD_PARTITIONS, 4, fatal);
	ks = open_sink(fx);
	put(ks, 1);
	assert_int_equal(kafka_sink_checkpoint(ks, &err), 0);
	kafka_sink_close(ks);
	assert_int_equal(count(fx->notes, "alerts cannot be published (Failed to add partitions to transaction: "), 1);
	assert_int_equal(count(fx->notes, "alerts are published again\n"), 1);
	assert_int_equal(count(fx->notes, "\n"), 2);
	assert_int_equal(fx->misplaced, 0);
}

static void
who_may_not_publish_is_told_once_and_can_be_stopped(void **state)
{
	struct fixture *fx = *state;
	rd_kafka_resp_err_t codes[500];
	struct kafka_sink *ks;
	struct err err = {0};
	for (unsigned i = 0; i < 500; i++)
		codes[i] = RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
	rd_kafka_mock_push_request_errors_array(fx->cluster, INIT_PRODUCER, 500, codes);
	ks = open_sink(fx);
	put(ks, 1);
	/* Waits until it was told, then until it gives up. */
	for (unsigned i = 0; i < 600 && strstr(fx->notes, "alerts cannot be published") == NULL; i++)
		(void)nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
	fx->stop = true;
	assert_int_equal(kafka_sink_checkpoint(ks, &err), -1);
	assert_true(kafka_sink_gave_up(ks));
	assert_non_null(strstr(err.text, "the next start publishes them"));
	kafka_sink_close(ks);
	assert_int_equal(count(fx->notes, "alerts cannot be published"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(errors_that_pass_are_waited_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_transaction_that_must_be_aborted_is_sent_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_producer_that_can_do_no_more_is_replaced, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_call_that_did_not_end_in_time_is_not_made_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(trouble_that_lasts_is_told_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_may_not_publish_is_told_once_and_can_be_stopped, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
