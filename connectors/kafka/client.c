#include "connectors/kafka/private.h"

#include "connectors/kafka/limits.h"
#include "state/base/limits.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STATISTICS_MS "2000"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned n;
} ending = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

void
link_init(struct kafka_link *ln, const struct kafka_options *opt, const char *what)
{
	*ln = (struct kafka_link){.opt = opt, .what = what};
	(void)pthread_mutex_init(&ln->lock, NULL);
}

void
link_free(struct kafka_link *ln)
{
	(void)pthread_mutex_destroy(&ln->lock);
}

void
link_note(const struct kafka_link *ln, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (ln->what == NULL || ln->opt->note == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ln->opt->note(ln->opt->ctx, text);
}

void
link_up(struct kafka_link *ln)
{
	if (!ln->down)
		return;
	ln->down = false;
	ln->said = RD_KAFKA_RESP_ERR_NO_ERROR;
	link_note(ln, "Kafka at %s answers again: %s goes on", ln->opt->brokers, ln->what);
}

void
link_figures(struct kafka_link *ln, struct kafka_figures *ret)
{
	(void)pthread_mutex_lock(&ln->lock);
	*ret = ln->figures;
	(void)pthread_mutex_unlock(&ln->lock);
}

void
link_reason(struct kafka_link *ln, char *ret, size_t size)
{
	(void)pthread_mutex_lock(&ln->lock);
	(void)snprintf(ret, size, "%s", ln->reason);
	(void)pthread_mutex_unlock(&ln->lock);
}

static void
keep_reason(struct kafka_link *ln, const char *reason)
{
	(void)pthread_mutex_lock(&ln->lock);
	(void)snprintf(ln->reason, sizeof ln->reason, "%s", reason);
	(void)pthread_mutex_unlock(&ln->lock);
}

static int64_t
monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct kafka_link *ln = opaque;

	(void)rk;
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
		if (!ln->down)
			link_note(ln, "Kafka at %s does not answer: %s waits until it does", ln->opt->brokers, ln->what);
		ln->down = true;
		ln->down_us = monotonic_us();
		return;
	}
	keep_reason(ln, reason);
	/* These do not mend themselves: the operator must know, once. */
	if ((code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL || code == RD_KAFKA_RESP_ERR__RESOLVE) && ln->said != code) {
		ln->said = (rd_kafka_resp_err_t)code;
		link_note(ln, "Kafka at %s: %s", ln->opt->brokers, reason);
	}
}

static uint64_t
member(const json_t *of, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(of, name));

	return v < 0 ? 0 : (uint64_t)v;
}

static int
on_statistics(rd_kafka_t *rk, char *json, size_t n, void *opaque)
{
	struct kafka_link *ln = opaque;
	json_t *root = json_loadb(json, n, 0, NULL);
	json_t *broker;
	const char *name;
	struct kafka_figures fi = {0};
	int64_t taken_us;

	(void)rk;
	taken_us = (int64_t)member(root, "ts"); /* by the same clock */
	fi.sent_bytes = member(root, "tx_bytes");
	fi.received_bytes = member(root, "rx_bytes");
	fi.queued_messages = member(root, "msg_cnt");
	fi.queued_bytes = member(root, "msg_size");
	json_object_foreach(json_object_get(root, "brokers"), name, broker)
	{
		const char *state = json_string_value(json_object_get(broker, "state"));
		uint64_t rtt = member(json_object_get(broker, "rtt"), "avg");

		fi.connected = fi.connected || (state != NULL && strcmp(state, "UP") == 0);
		if (rtt > fi.round_trip_us)
			fi.round_trip_us = rtt;
	}
	json_decref(root);
	(void)pthread_mutex_lock(&ln->lock);
	ln->figures = fi;
	(void)pthread_mutex_unlock(&ln->lock);
	/* Figures may have waited in the queue from before the fall. */
	if (fi.connected && taken_us > ln->down_us)
		link_up(ln);
	return 0; /* librdkafka frees the text */
}

/* Its lines repeat what the error callback says, which we say once in our words; who sets `debug` wants them. */
static void
on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	struct kafka_link *ln = rd_kafka_opaque(rk);

	if (atomic_load(&ln->left))
		return;
	/* Why a transaction can only be aborted is told here alone. */
	if (strcmp(facility, "TXNERR") == 0)
		keep_reason(ln, text);
	for (size_t i = 0; i < ln->opt->n_settings; i++)
		if (strcmp(ln->opt->settings[i].name, "debug") == 0)
			link_note(ln, "librdkafka %d %s %s", level, facility, text);
}

static int
set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *err)
{
	char why[512];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
		return 0;
	return err_set(err, ERR_USAGE, "kafka: settings: %s", why);
}

static int
set_from_file(rd_kafka_conf_t *conf, const char *name, const char *path, struct err *err)
{
	char bare[128], value[LIMIT_SECRET_BYTES + 2];
	FILE *f = fopen(path, "re");
	size_t n;
	int rc;

	if (f == NULL)
		return err_set(err, ERR_USAGE, "kafka: settings: %s: %s: %s", name, path, strerror(errno));
	n = fread(value, 1, sizeof value - 1, f);
	if (ferror(f) || n > LIMIT_SECRET_BYTES) {
		(void)fclose(f);
		return err_set(err, ERR_USAGE, "kafka: settings: %s: %s cannot be read, or holds more than %d bytes", name, path, LIMIT_SECRET_BYTES);
	}
	(void)fclose(f);
	while (n > 0 && (value[n - 1] == '\n' || value[n - 1] == '\r'))
		n--;
	value[n] = '\0';
	(void)snprintf(bare, sizeof bare, "%.*s", (int)(strlen(name) - strlen("_file")), name);
	rc = set(conf, bare, value, err);
	explicit_bzero(value, sizeof value);
	return rc;
}

static int
set_all(rd_kafka_conf_t *conf, const struct kafka_options *opt, const struct kafka_setting *own, struct err *err)
{
	static const char secret[] = "_file";

	if (set(conf, "bootstrap.servers", opt->brokers, err) != 0 || set(conf, "client.id", "dideban", err) != 0 ||
	    set(conf, "statistics.interval.ms", STATISTICS_MS, err) != 0 ||
	    /* A broker that is back is noticed within a second, not ten. */
	    set(conf, "reconnect.backoff.max.ms", "1000", err) != 0)
		return -1;
	for (size_t i = 0; i < opt->n_settings; i++) {
		const struct kafka_setting *se = &opt->settings[i];
		size_t n = strlen(se->name);
		int rc;

		for (size_t k = 0; own[k].name != NULL; k++)
			if (strcmp(own[k].name, se->name) == 0)
				return err_set(err, ERR_USAGE, "kafka: settings: %s is the program's own (%s): take it out", se->name, own[k].value);
		/* Most settings are of one kind of client; librdkafka ignores those of the other. */
		rc = n > strlen(secret) && strcmp(se->name + n - strlen(secret), secret) == 0 ? set_from_file(conf, se->name, se->value, err)
											      : set(conf, se->name, se->value, err);
		if (rc != 0)
			return -1;
	}
	for (size_t k = 0; own[k].name != NULL; k++)
		if (set(conf, own[k].name, own[k].value, err) != 0)
			return -1;
	return 0;
}

int
client_new(rd_kafka_t **ret, rd_kafka_type_t type, struct kafka_link *ln, const struct kafka_setting *own,
    void (*on_delivery)(rd_kafka_t *rk, const rd_kafka_message_t *me, void *link), struct err *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *rk;
	char why[512];

	if (conf == NULL)
		return err_nomem(err);
	rd_kafka_conf_set_opaque(conf, ln);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_stats_cb(conf, on_statistics);
	rd_kafka_conf_set_log_cb(conf, on_log);
	if (on_delivery != NULL)
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	if (set_all(conf, ln->opt, own, err) != 0) {
		rd_kafka_conf_destroy(conf);
		return -1;
	}
	rk = rd_kafka_new(type, conf, why, sizeof why);
	if (rk == NULL) {
		rd_kafka_conf_destroy(conf); /* a successful rd_kafka_new has taken it */
		return err_set(err, ERR_USAGE, "kafka: %s", why);
	}
	*ret = rk;
	return 0;
}

static void *
end_one(void *rk)
{
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); /* it is in no group that it could leave */
	(void)pthread_mutex_lock(&ending.lock);
	ending.n--;
	(void)pthread_cond_broadcast(&ending.moved);
	(void)pthread_mutex_unlock(&ending.lock);
	return NULL;
}

int
client_end(rd_kafka_t *rk, struct err *err)
{
	pthread_t thread;
	bool full;

	(void)pthread_mutex_lock(&ending.lock);
	full = ending.n == LIMIT_KAFKA_ENDING;
	ending.n += !full;
	(void)pthread_mutex_unlock(&ending.lock);
	if (full)
		return err_set(
		    err, ERR_LIMIT, "kafka: %d clients of librdkafka do not end: start the program again, nothing is lost", LIMIT_KAFKA_ENDING);
	if (pthread_create(&thread, NULL, end_one, rk) == 0)
		(void)pthread_detach(thread);
	else
		(void)end_one(rk);
	return 0;
}

bool
clients_ended(int ms)
{
	struct timespec until;
	bool all;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	(void)pthread_mutex_lock(&ending.lock);
	while (ending.n > 0 && pthread_cond_timedwait(&ending.moved, &ending.lock, &until) == 0)
		;
	all = ending.n == 0;
	(void)pthread_mutex_unlock(&ending.lock);
	return all;
}
