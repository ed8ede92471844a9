#include "connectors/kafka/probe_private.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_MS (INT64_C(7) * 86400 * 1000) /* an input topic should outlast a long weekend and its repair */
#define MESSAGE_BYTES INT64_C(1048588)      /* Kafka's own default; LIMIT_ALERT_BYTES and its headers fit in with room to spare */

/* --- which topics, and whether they are there --- */

static int
add(struct probe *pr, const char *name, enum probe_role role, struct err *err)
{
	struct probe_topic *v;

	for (size_t i = 0; i < pr->n_topics; i++)
		if (pr->topics[i].role == role && strcmp(pr->topics[i].name, name) == 0)
			return 0;
	v = realloc(pr->topics, (pr->n_topics + 1) * sizeof *v);
	if (v == NULL)
		return err_nomem(err);
	pr->topics = v;
	v[pr->n_topics] = (struct probe_topic){.role = role, .led = -1};
	(void)snprintf(v[pr->n_topics].name, sizeof v->name, "%s", name);
	pr->n_topics++;
	return 0;
}

/* As the source matches: whole names, and never internal topics or our own. */
static int
add_matching(struct probe *pr, const char *pattern, const struct rd_kafka_metadata *md, struct err *err)
{
	char whole[1024], why[128];
	size_t before = pr->n_topics;
	regex_t re;
	int rc;

	(void)snprintf(whole, sizeof whole, "^(%s)$", pattern);
	rc = regcomp(&re, whole, REG_EXTENDED | REG_NOSUB);
	if (rc != 0) {
		(void)regerror(rc, &re, why, sizeof why);
		return err_set(err, ERR_USAGE, "kafka: topics: pattern %s: %s", pattern, why);
	}
	for (int i = 0; rc == 0 && i < md->topic_cnt; i++) {
		const char *name = md->topics[i].topic;

		if (strncmp(name, "__", 2) != 0 && strncmp(name, "dideban.", 8) != 0 && regexec(&re, name, 0, NULL, 0) == 0)
			rc = add(pr, name, PROBE_INPUT, err);
	}
	regfree(&re);
	if (rc == 0 && pr->n_topics == before) {
		probe_cure(pr, "fine if they come later; else mend the pattern: it must match whole names");
		probe_tell(pr, KAFKA_WARN, "topic", "no topic matches %s", pattern);
	}
	return rc;
}

static int
add_alerts(struct probe *pr, struct err *err)
{
	const struct kafka_sink_options *opt = pr->opt->sink;
	char name[300];

	for (size_t i = 0; i < pr->opt->n_audiences; i++) {
		(void)snprintf(name, sizeof name, "dideban.alerts.%s", pr->opt->audiences[i]);
		for (size_t k = 0; k < opt->n_audiences; k++)
			if (strcmp(opt->audiences[k].audience, pr->opt->audiences[i]) == 0)
				(void)snprintf(name, sizeof name, "%s", opt->audiences[k].topic);
		if (add(pr, name, PROBE_ALERTS, err) != 0)
			return -1;
	}
	return add(pr, opt->marks, PROBE_MARKS, err);
}

static void
take_partitions(struct probe *pr, struct probe_topic *pt, const struct rd_kafka_metadata_topic *mt)
{
	int leaderless = 0;

	pt->partitions = mt->partition_cnt;
	for (int i = 0; i < mt->partition_cnt; i++) {
		const struct rd_kafka_metadata_partition *mp = &mt->partitions[i];

		if (mp->leader < 0)
			leaderless++;
		else if (pt->led < 0 || pt->led > mp->id)
			pt->led = mp->id;
		if (i == 0 || mp->replica_cnt < pt->replicas)
			pt->replicas = mp->replica_cnt;
		if (i == 0 || mp->isr_cnt < pt->in_sync)
			pt->in_sync = mp->isr_cnt;
	}
	pt->writable = leaderless == 0;
	if (leaderless > 0) {
		probe_cure(
		    pr, "start the brokers that hold them: kafka-topics --bootstrap-server %s --describe --topic %s", pr->kafka.brokers, pt->name);
		probe_tell(pr, KAFKA_FAIL, "topic", "%s: %d of its %d partitions have no leader", pt->name, leaderless, mt->partition_cnt);
		return;
	}
	probe_tell(pr, KAFKA_OK, "topic", "%s: %d partition%s", pt->name, mt->partition_cnt, mt->partition_cnt == 1 ? "" : "s");
}

/* A list of all topics leaves out those that we may not see: asked for by its name, the broker says which it is. */
static rd_kafka_resp_err_t
ask_one(struct probe *pr, const char *name)
{
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(pr->rk, name, NULL);
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t rc;

	if (rkt == NULL)
		return rd_kafka_last_error();
	rc = rd_kafka_metadata(pr->rk, 0, rkt, &md, PROBE_WAIT_MS);
	if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
		rc = md->topic_cnt == 1 ? md->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		rd_kafka_metadata_destroy(md);
	}
	rd_kafka_topic_destroy(rkt);
	return rc;
}

static void
say_missing(struct probe *pr, const struct probe_topic *pt)
{
	rd_kafka_resp_err_t rc = ask_one(pr, pt->name);

	if (rc == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
		probe_cure(pr,
		    "kafka-acls --bootstrap-server %s --add --allow-principal User:NAME --operation Describe --operation %s --topic %s; or it is not "
		    "there: create it",
		    pr->kafka.brokers,
		    pt->role == PROBE_INPUT    ? "Read"
		    : pt->role == PROBE_ALERTS ? "Write"
					       : "Read --operation Write",
		    pt->name);
		probe_tell(pr, KAFKA_FAIL, "topic", "%s: the user of the settings may not see it", pt->name);
		return;
	}
	probe_cure(pr, "kafka-topics --bootstrap-server %s --create --topic %s --partitions %s%s (on a trial broker: tools/kafka topic DIR %s %s%s)",
	    pr->kafka.brokers, pt->name, pt->role == PROBE_INPUT ? "3" : "1", pt->role == PROBE_MARKS ? " --config cleanup.policy=compact" : "",
	    pt->name, pt->role == PROBE_INPUT ? "3" : "1", pt->role == PROBE_MARKS ? " cleanup.policy=compact" : "");
	if (rc == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || rc == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || rc == RD_KAFKA_RESP_ERR_NO_ERROR)
		probe_tell(pr, KAFKA_FAIL, "topic", "there is no topic %s", pt->name);
	else
		probe_tell(pr, KAFKA_FAIL, "topic", "%s: %s", pt->name, rd_kafka_err2str(rc));
}

int
probe_topics(struct probe *pr, const struct rd_kafka_metadata *md, struct err *err)
{
	const struct kafka_source_options *so = pr->opt->source;

	for (size_t i = 0; i < so->n_topics; i++)
		if ((so->topics[i].pattern ? add_matching(pr, so->topics[i].name, md, err) : add(pr, so->topics[i].name, PROBE_INPUT, err)) != 0)
			return -1;
	if (pr->opt->sink != NULL && add_alerts(pr, err) != 0)
		return -1;
	for (size_t i = 0; i < pr->n_topics; i++) {
		struct probe_topic *pt = &pr->topics[i];
		int k = 0;

		while (k < md->topic_cnt && (strcmp(md->topics[k].topic, pt->name) != 0 || md->topics[k].partition_cnt == 0))
			k++;
		if (k < md->topic_cnt)
			take_partitions(pr, pt, &md->topics[k]);
		else
			say_missing(pr, pt);
	}
	return 0;
}

/* --- settings --- */

/* NULL: no answer. The caller destroys the event. */
static rd_kafka_event_t *
describe(struct probe *pr, rd_kafka_ConfigResource_t **of, size_t n)
{
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(pr->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(pr->rk);
	rd_kafka_event_t *ev;

	(void)rd_kafka_AdminOptions_set_request_timeout(options, PROBE_WAIT_MS, NULL, 0);
	rd_kafka_DescribeConfigs(pr->rk, of, n, options, queue);
	ev = rd_kafka_queue_poll(queue, PROBE_WAIT_MS + 1000);
	rd_kafka_queue_destroy(queue);
	rd_kafka_AdminOptions_destroy(options);
	return ev;
}

static const char *
value_of(const rd_kafka_ConfigResource_t *cr, const char *name)
{
	size_t n;
	const rd_kafka_ConfigEntry_t **v = rd_kafka_ConfigResource_configs(cr, &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(v[i]), name) == 0)
			return rd_kafka_ConfigEntry_value(v[i]);
	return NULL;
}

static bool
number_of(const rd_kafka_ConfigResource_t *cr, const char *name, int64_t *ret)
{
	const char *text = value_of(cr, name);
	char *end;

	errno = 0;
	*ret = text == NULL ? 0 : strtoll(text, &end, 10);
	return text != NULL && errno == 0 && end != text && *end == '\0';
}

static void
cure_setting(struct probe *pr, const struct probe_topic *pt, const char *setting)
{
	probe_cure(pr,
	    "kafka-configs --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s (on a trial broker: tools/kafka alter "
	    "DIR %s %s)",
	    pr->kafka.brokers, pt->name, setting, pt->name, setting);
}

static void
look_at_retention(struct probe *pr, const struct probe_topic *pt, const rd_kafka_ConfigResource_t *cr)
{
	int64_t ms, bytes;
	char kept[64];

	if (!number_of(cr, "retention.ms", &ms) || !number_of(cr, "retention.bytes", &bytes)) {
		probe_cure(pr, "look at it yourself: events that are deleted before they are read are missing");
		probe_tell(pr, KAFKA_WARN, "retention", "%s: the broker does not tell how long it keeps messages", pt->name);
		return;
	}
	if (ms < 0)
		(void)snprintf(kept, sizeof kept, "for ever");
	else if (ms >= 2 * INT64_C(86400000))
		(void)snprintf(kept, sizeof kept, "for %" PRId64 " days", ms / 86400000);
	else
		(void)snprintf(kept, sizeof kept, "for %" PRId64 " seconds", ms / 1000);
	cure_setting(pr, pt, "retention.ms=604800000");
	if (ms >= 0 && ms < KEEP_MS) {
		probe_tell(pr, KAFKA_WARN, "retention", "%s keeps messages %s: what is not read by then is missing", pt->name, kept);
		return;
	}
	cure_setting(pr, pt, "retention.bytes=-1");
	if (bytes >= 0)
		probe_tell(pr, KAFKA_WARN, "retention", "%s keeps at most %" PRId64 " bytes of a partition: what is not read by then is missing",
		    pt->name, bytes);
	else
		probe_tell(pr, KAFKA_OK, "retention", "%s keeps messages %s", pt->name, kept);
}

static void
look_at_cleanup(struct probe *pr, const struct probe_topic *pt, const rd_kafka_ConfigResource_t *cr)
{
	const char *policy = value_of(cr, "cleanup.policy");
	bool compact, deletes;

	if (policy == NULL) {
		probe_cure(pr, "look at it yourself: the marks must be compacted, the others must not be");
		probe_tell(pr, KAFKA_WARN, "cleanup", "%s: the broker does not tell its cleanup.policy", pt->name);
		return;
	}
	compact = strstr(policy, "compact") != NULL;
	deletes = strstr(policy, "delete") != NULL;
	if (pt->role == PROBE_MARKS) {
		cure_setting(pr, pt, "cleanup.policy=compact");
		if (!compact || deletes)
			probe_tell(pr, KAFKA_FAIL, "cleanup",
			    "%s has cleanup.policy=%s: a mark that is deleted by age lets alerts be published twice", pt->name, policy);
		else
			probe_tell(pr, KAFKA_OK, "cleanup", "%s is compacted", pt->name);
		return;
	}
	cure_setting(pr, pt, "cleanup.policy=delete");
	if (compact)
		probe_tell(pr, KAFKA_FAIL, "cleanup", "%s has cleanup.policy=%s: it loses all but the last message of a key", pt->name, policy);
	else
		probe_tell(pr, KAFKA_OK, "cleanup", "%s is not compacted", pt->name);
}

static void
look_at_replicas(struct probe *pr, struct probe_topic *pt, const rd_kafka_ConfigResource_t *cr)
{
	int64_t least;

	if (!number_of(cr, "min.insync.replicas", &least))
		least = 1;
	if (least > pt->in_sync) {
		pt->writable = false;
		probe_cure(
		    pr, "start the brokers that are away, or give it more replicas (kafka-reassign-partitions) or a smaller min.insync.replicas");
		probe_tell(
		    pr, KAFKA_FAIL, "replicas", "%s takes no messages: %d in sync, min.insync.replicas=%" PRId64, pt->name, pt->in_sync, least);
	} else if (pt->replicas == 1) {
		pt->alone = true;
	} else if (least == 1) {
		cure_setting(pr, pt, "min.insync.replicas=2");
		probe_tell(pr, KAFKA_WARN, "replicas", "%s has %d replicas, but min.insync.replicas=1: a message may stand on one alone", pt->name,
		    pt->replicas);
	} else {
		probe_tell(pr, KAFKA_OK, "replicas", "%s: %d, of which %" PRId64 " must hold a message", pt->name, pt->replicas, least);
	}
}

static void
look_at_size(struct probe *pr, const struct probe_topic *pt, const rd_kafka_ConfigResource_t *cr)
{
	int64_t most;

	if (pt->role != PROBE_ALERTS || !number_of(cr, "max.message.bytes", &most))
		return;
	cure_setting(pr, pt, "max.message.bytes=1048588");
	if (most < MESSAGE_BYTES)
		probe_tell(pr, KAFKA_WARN, "message size",
		    "%s takes messages up to %" PRId64 " bytes: an alert with much evidence would wait for ever", pt->name, most);
	else
		probe_tell(pr, KAFKA_OK, "message size", "%s takes messages up to %" PRId64 " bytes", pt->name, most);
}

static void
look_at_topic(struct probe *pr, struct probe_topic *pt, const rd_kafka_ConfigResource_t *cr)
{
	if (rd_kafka_ConfigResource_error(cr) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		probe_cure(pr, "kafka-acls --bootstrap-server %s --add --allow-principal User:NAME --operation DescribeConfigs --topic %s",
		    pr->kafka.brokers, pt->name);
		probe_tell(pr, KAFKA_WARN, "settings", "%s: cannot be told: %s", pt->name, rd_kafka_err2str(rd_kafka_ConfigResource_error(cr)));
		return;
	}
	if (pt->role == PROBE_INPUT)
		look_at_retention(pr, pt, cr);
	look_at_cleanup(pr, pt, cr);
	look_at_replicas(pr, pt, cr);
	look_at_size(pr, pt, cr);
}

/* One line for all: on a single broker it is every topic. */
static void
say_alone(struct probe *pr)
{
	char names[700] = "";
	size_t n = 0, at = 0;

	for (size_t i = 0; i < pr->n_topics; i++) {
		if (!pr->topics[i].alone)
			continue;
		n++;
		if (at + strlen(pr->topics[i].name) + 3 < sizeof names)
			at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", n == 1 ? "" : ", ", pr->topics[i].name);
		else if (at + 6 < sizeof names)
			at += (size_t)snprintf(names + at, sizeof names - at, " ...");
	}
	if (n == 0)
		return;
	probe_cure(pr, "on three brokers or more: three replicas (kafka-reassign-partitions) and min.insync.replicas=2");
	probe_tell(pr, KAFKA_WARN, "replicas", "%zu topics stand on one broker alone, what they hold is lost with its disk: %s", n, names);
}

/* The protocol tells which requests a broker knows, not what it is called; its settings told until 4.0. */
static void
look_at_version(struct probe *pr)
{
	rd_kafka_ConfigResource_t *of;
	rd_kafka_event_t *ev;
	char id[16];
	size_t n = 0;

	(void)snprintf(id, sizeof id, "%" PRId32, pr->broker);
	of = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, id);
	ev = describe(pr, &of, 1);
	rd_kafka_ConfigResource_destroy(of);
	if (ev != NULL && rd_kafka_event_error(ev) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		const rd_kafka_ConfigResource_t **v = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(ev), &n);
		const char *version = n == 1 ? value_of(v[0], "inter.broker.protocol.version") : NULL;

		if (version != NULL)
			probe_tell(pr, KAFKA_OK, "version",
			    "broker %s speaks to others as %s (inter.broker.protocol.version); it may be newer itself", id, version);
		else if (n == 1 && rd_kafka_ConfigResource_error(v[0]) == RD_KAFKA_RESP_ERR_NO_ERROR && value_of(v[0], "log.dirs") != NULL)
			probe_tell(pr, KAFKA_OK, "version",
			    "broker %s has no inter.broker.protocol.version, as those from 4.0 on; it does not tell more", id);
		else
			n = 0;
	}
	if (n == 0)
		probe_tell(pr, KAFKA_OK, "version", "cannot be told: broker %s does not show its settings to this user", id);
	if (ev != NULL)
		rd_kafka_event_destroy(ev);
}

/* A topic may be an input and carry alerts. */
static bool
asked(const struct probe *pr, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(pr->topics[k].name, pr->topics[i].name) == 0)
			return true;
	return false;
}

void
probe_settings(struct probe *pr)
{
	rd_kafka_ConfigResource_t **of = calloc(pr->n_topics + 1, sizeof *of);
	rd_kafka_event_t *ev = NULL;
	size_t n = 0, got = 0;

	look_at_version(pr);
	for (size_t i = 0; of != NULL && i < pr->n_topics; i++)
		if (pr->topics[i].partitions > 0 && !asked(pr, i))
			of[n++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, pr->topics[i].name);
	if (n > 0)
		ev = describe(pr, of, n);
	if (n > 0 && (ev == NULL || rd_kafka_event_error(ev) != RD_KAFKA_RESP_ERR_NO_ERROR)) {
		probe_cure(pr, "try again; the broker's log says more");
		probe_tell(pr, KAFKA_WARN, "settings", "cannot be told: %s", ev == NULL ? "no answer" : rd_kafka_event_error_string(ev));
	} else if (ev != NULL) {
		const rd_kafka_ConfigResource_t **v = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(ev), &got);

		for (size_t i = 0; i < pr->n_topics; i++)
			for (size_t k = 0; k < got; k++)
				if (pr->topics[i].partitions > 0 && strcmp(rd_kafka_ConfigResource_name(v[k]), pr->topics[i].name) == 0) {
					look_at_topic(pr, &pr->topics[i], v[k]);
					break;
				}
		say_alone(pr);
	}
	if (ev != NULL)
		rd_kafka_event_destroy(ev);
	if (of != NULL)
		rd_kafka_ConfigResource_destroy_array(of, n);
	free(of);
}
