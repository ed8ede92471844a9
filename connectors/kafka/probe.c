#include "connectors/kafka/probe_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASK_MS 500 /* one try to reach a broker */
/* The client's final SCRAM message repeated its own nonce (until 2.6.1, librdkafka pull request 4895); brokers look since CVE-2024-56128. */
#define SCRAM_MENDED 0x020601ff
#define REFUSED_MS 3000 /* nobody listens: tried so long, as a name may have several addresses */

int64_t
probe_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
probe_cure(struct probe *pr, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(pr->cure, sizeof pr->cure, fmt, ap);
	va_end(ap);
}

void
probe_tell(struct probe *pr, enum kafka_verdict v, const char *check, const char *fmt, ...)
{
	char found[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(found, sizeof found, fmt, ap);
	va_end(ap);
	pr->opt->found(pr->opt->ctx, &(struct kafka_finding){v, check, found, v == KAFKA_OK ? "" : pr->cure});
	pr->cure[0] = '\0';
}

static int
away(struct probe *pr, rd_kafka_resp_err_t rc, struct err *err)
{
	const char *brokers = pr->kafka.brokers;
	char reason[512];

	link_reason(&pr->link, reason, sizeof reason);
	if (pr->link.said == RD_KAFKA_RESP_ERR__AUTHENTICATION && strstr(reason, "SCRAM") != NULL && rd_kafka_version() < SCRAM_MENDED)
		probe_cure(pr,
		    "librdkafka %s fails at SCRAM with brokers of Kafka 3.7.2, 3.8.1 and later, whatever the password: use PLAIN over TLS, or client "
		    "certificates (kafka: settings)",
		    rd_kafka_version_str());
	else if (pr->link.said == RD_KAFKA_RESP_ERR__AUTHENTICATION)
		probe_cure(pr, "mend user, mechanism or password in kafka: settings (sasl.*); the broker's log says more");
	else if (pr->link.said == RD_KAFKA_RESP_ERR__SSL)
		probe_cure(pr, "mend security.protocol or the certificates in kafka: settings (ssl.*)");
	else if (pr->link.said == RD_KAFKA_RESP_ERR__RESOLVE)
		probe_cure(pr, "mend the name in kafka: brokers, or the machine's name service");
	else
		probe_cure(
		    pr, "start the broker, mend kafka: brokers (HOST:PORT), open the way to it (firewall), or set security.protocol as it wants it");
	probe_tell(pr, KAFKA_FAIL, "broker", "%s does not answer: %s", brokers, reason[0] != '\0' ? reason : rd_kafka_err2str(rc));
	return err_set(err, ERR_SERVICE, "kafka: %s does not answer", brokers);
}

static int
reach(struct probe *pr, const struct rd_kafka_metadata **ret, struct err *err)
{
	int64_t begin = probe_now_ms(), took;
	rd_kafka_resp_err_t rc;

	for (;;) {
		rc = rd_kafka_metadata(pr->rk, 1, NULL, ret, ASK_MS);
		if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
			return 0;
		(void)rd_kafka_poll(pr->rk, 0);
		took = probe_now_ms() - begin;
		if (took >= PROBE_WAIT_MS || (took >= REFUSED_MS && pr->link.down) || (pr->link.said != RD_KAFKA_RESP_ERR_NO_ERROR && took >= ASK_MS))
			return away(pr, rc, err);
	}
}

int
kafka_probe(const struct kafka_probe_options *opt, struct err *err)
{
	/* As the source's own, so that a configuration is refused alike. */
	const struct kafka_setting own[] = {{"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"}, {"auto.offset.reset", "earliest"},
	    {"check.crcs", "true"}, {"isolation.level", "read_committed"}, {"enable.partition.eof", "true"}, {"group.id", opt->source->group},
	    {NULL, NULL}};
	struct probe pr = {.opt = opt, .kafka = *opt->kafka};
	const struct rd_kafka_metadata *md = NULL;
	int rc;

	pr.kafka.note = NULL;
	link_init(&pr.link, &pr.kafka, "looking");
	rc = client_new(&pr.rk, RD_KAFKA_CONSUMER, &pr.link, own, NULL, err);
	if (rc == 0)
		rc = reach(&pr, &md, err);
	if (rc == 0) {
		pr.broker = md->orig_broker_id;
		probe_tell(&pr, KAFKA_OK, "broker", "%s answers; brokers: %d", opt->kafka->brokers, md->broker_cnt);
		rc = probe_topics(&pr, md, err);
	}
	if (rc == 0) {
		probe_settings(&pr);
		probe_reading(&pr);
		rc = opt->sink == NULL ? 0 : probe_writing(&pr, err);
	}
	if (md != NULL)
		rd_kafka_metadata_destroy(md);
	if (pr.rk != NULL) {
		(void)rd_kafka_consumer_close(pr.rk);
		rd_kafka_destroy(pr.rk);
	}
	link_free(&pr.link);
	free(pr.topics);
	return rc;
}
