#include "tools/cli/kafka.h"

#include "tools/cli/cli.h"

static void
note(void *ctx, const char *text)
{
	(void)ctx;
	cli_note("%s", text);
}

int
kafka_config_of(struct config *co, struct kafka_config *ret, struct err *err)
{
	const struct config_kafka *ck = &co->kafka;
	struct kafka_setting *settings = arena_alloc(&co->arena, (ck->n_settings + 1) * sizeof *settings);
	struct kafka_audience *audiences = arena_alloc(&co->arena, (ck->n_alerts + 1) * sizeof *audiences);
	struct kafka_topic *topics = arena_alloc(&co->arena, (ck->n_topics + 1) * sizeof *topics);

	if (settings == NULL || audiences == NULL || topics == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ck->n_settings; i++)
		settings[i] = (struct kafka_setting){ck->settings[i].name, ck->settings[i].value};
	for (size_t i = 0; i < ck->n_alerts; i++)
		audiences[i] = (struct kafka_audience){ck->alerts[i].name, ck->alerts[i].value};
	for (size_t i = 0; i < ck->n_topics; i++)
		topics[i] = (struct kafka_topic){ck->topics[i].name, ck->topics[i].pattern};
	ret->client = (struct kafka_options){.brokers = ck->brokers.text, .settings = settings, .n_settings = ck->n_settings, .note = note};
	ret->source = (struct kafka_source_options){
	    .kafka = &ret->client, .topics = topics, .n_topics = ck->n_topics, .group = ck->group.text, .refresh_ms = (int64_t)ck->refresh.number};
	ret->sink = (struct kafka_sink_options){.kafka = &ret->client,
	    .transactional_id = ck->transactional_id.text,
	    .marks = ck->marks.text,
	    .audiences = audiences,
	    .n_audiences = ck->n_alerts,
	    .stop_ms = (int64_t)ck->stop.number};
	return 0;
}
