/* The section `kafka` of the configuration. */
#include "tools/config_private.h"

#include "connectors/kafka/limits.h"
#include "tools/args.h"

#include <stdio.h>
#include <stdlib.h>

enum kafka_id {
	KAFKA_BROKERS,
	KAFKA_ID,
	KAFKA_MARKS,
	KAFKA_GROUP,
	KAFKA_REFRESH,
	KAFKA_STOP,
	KAFKA_TOPICS, /* from here on lists */
	KAFKA_ALERTS,
	KAFKA_SETTINGS,
	KAFKA_COUNT
};

static const struct {
	const char *name;
	enum config_type type;
	const char *otherwise, *help;
} keys[KAFKA_COUNT] = {
    [KAFKA_BROKERS] = {"brokers", CONFIG_TEXT, "", "HOST:PORT of one or more brokers, comma between; without it Kafka is not used"},
    [KAFKA_ID] = {"transactional_id", CONFIG_TEXT, "",
	"name under which alerts are published; of two programs with one name the older stops; default: "
	"dideban-INSTANCE"},
    [KAFKA_MARKS] = {"marks", CONFIG_TEXT, "dideban.marks", "compacted topic that says how far alerts are published"},
    [KAFKA_GROUP] = {"group", CONFIG_TEXT, "", "offsets are committed under this name, for monitoring alone; default: as transactional_id"},
    [KAFKA_REFRESH] = {"refresh", CONFIG_DURATION, "30s", "how often new topics and partitions are looked for"},
    [KAFKA_STOP] = {"stop", CONFIG_DURATION, "10s", "how long a stop waits for alerts that are not published yet; the journal has them"},
    [KAFKA_TOPICS] = {"topics", CONFIG_TEXT, "",
	"list of topics to read, each with `topic` or `pattern` (a regular expression over whole names), and "
	"`sources`, `types`, `corrections` as for inboxes"},
    [KAFKA_ALERTS] = {"alerts", CONFIG_TEXT, "",
	"topic by audience; of an audience that is not named: dideban.alerts.AUDIENCE; `alerts: none` publishes "
	"nothing"},
    [KAFKA_SETTINGS] = {"settings", CONFIG_TEXT, "", "settings of librdkafka, such as security.protocol; NAME_file sets NAME to what a file holds"},
};

static struct config_value *
value_at(struct config_kafka *ck, enum kafka_id id)
{
	struct config_value *const v[KAFKA_TOPICS] = {[KAFKA_BROKERS] = &ck->brokers,
	    [KAFKA_ID] = &ck->transactional_id,
	    [KAFKA_MARKS] = &ck->marks,
	    [KAFKA_GROUP] = &ck->group,
	    [KAFKA_REFRESH] = &ck->refresh,
	    [KAFKA_STOP] = &ck->stop};

	return v[id];
}

const struct config_value *
config_kafka_value(const struct config_kafka *ck, size_t i, const char **ret_name)
{
	if (i >= KAFKA_TOPICS)
		return NULL;
	*ret_name = keys[i].name;
	return value_at((struct config_kafka *)ck, (enum kafka_id)i);
}

/* A map of names to single values. */
static int
read_pairs(struct reading *rd, struct fy_node *map, const char *what, size_t max, struct config_pair **ret, size_t *ret_n)
{
	struct fy_node_pair *pair;
	void *prev = NULL;
	int n = fy_node_is_mapping(map) ? fy_node_mapping_item_count(map) : -1;
	struct config_pair *v;

	if (n < 0)
		return config_wrong_at(rd, map, "kafka: %s takes a list of `name: value`", what);
	if ((size_t)n > max)
		return config_wrong_at(rd, map, "kafka: %s takes at most %zu values", what, max);
	v = arena_alloc(rd->arena, ((size_t)n + 1) * sizeof *v);
	if (v == NULL)
		return err_nomem(rd->err);
	*ret = v;
	while ((pair = fy_node_mapping_iterate(map, &prev)) != NULL) {
		rd->key = fy_node_pair_key(pair);
		v->name = config_scalar(rd, fy_node_pair_key(pair), "a key");
		v->value = v->name == NULL ? NULL : config_scalar(rd, fy_node_pair_value(pair), v->name);
		if (v->value == NULL)
			return -1;
		v->line = (unsigned)(config_mark(fy_node_pair_key(pair)).line + 1);
		v++;
		(*ret_n)++;
	}
	return 0;
}

static int
read_settings(struct reading *rd, struct config_kafka *ck, struct fy_node *map)
{
	struct fy_node_pair *pair;
	void *prev = NULL;
	size_t i = 0;

	if (read_pairs(rd, map, "settings", LIMIT_KAFKA_SETTINGS, &ck->settings, &ck->n_settings) != 0)
		return -1;
	while ((pair = fy_node_mapping_iterate(map, &prev)) != NULL) {
		struct config_pair *cp = &ck->settings[i++];
		size_t n = strlen(cp->name);

		if (n > 8 && strcmp(cp->name + n - 8, "password") == 0)
			return config_wrong_at(rd, fy_node_pair_key(pair),
			    "kafka: settings: no secret stands in the configuration: write %s_file: PATH of a file that holds it", cp->name);
		if (n > 5 && strcmp(cp->name + n - 5, "_file") == 0)
			cp->value = config_resolve(rd, cp->value);
		if (cp->value == NULL)
			return -1;
	}
	return 0;
}

static int
read_topic(struct reading *rd, struct config_topic *ct, struct fy_node *map)
{
	static const char *const known[] = {"topic", "pattern", "sources", "types", "corrections"};
	struct fy_node_pair *pair;
	void *prev = NULL;

	if (!fy_node_is_mapping(map))
		return config_wrong_at(rd, map,
		    "each of kafka: topics has topic (or pattern), sources, types and, if it may correct what others said, "
		    "corrections: true");
	ct->line = (unsigned)(config_mark(map).line + 1);
	while ((pair = fy_node_mapping_iterate(map, &prev)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
		const char *name = config_scalar(rd, key, "a key");
		int r;

		rd->key = key;
		if (name == NULL)
			return -1;
		r = config_grant_key(rd, name, value, &ct->grant);
		if (r < 0)
			return -1;
		if (r > 0)
			continue;
		if (strcmp(name, "topic") == 0 || strcmp(name, "pattern") == 0) {
			if (ct->name != NULL)
				return config_wrong_at(rd, key, "kafka: topics: either topic or pattern, once");
			ct->pattern = name[0] == 'p';
			ct->name = config_scalar(rd, value, name);
			if (ct->name == NULL)
				return -1;
		} else {
			const char *near = suggest(slice_str(name), known, sizeof known / sizeof known[0]);

			return near != NULL ? config_wrong_at(rd, key, "kafka: topics: unknown key %s; did you mean %s?", name, near)
					    : config_wrong_at(rd, key,
						  "kafka: topics: unknown key %s; there are topic, pattern, sources, types, corrections", name);
		}
	}
	if (ct->name == NULL)
		return config_wrong_at(rd, map, "kafka: topics: one of them has neither topic nor pattern");
	if (ct->grant.sources == NULL || ct->grant.types == NULL)
		return config_wrong_at(rd, map, "kafka: topics: %s needs sources and types: what may come through it; [\"*\"] grants all", ct->name);
	return 0;
}

static int
read_topics(struct reading *rd, struct config_kafka *ck, struct fy_node *list)
{
	struct fy_node *item;
	void *prev = NULL;
	int n = fy_node_is_sequence(list) ? fy_node_sequence_item_count(list) : -1;

	if (n < 0)
		return config_wrong_at(rd, list, "kafka: topics takes a list, each with topic (or pattern), sources and types");
	if (n > LIMIT_KAFKA_TOPICS)
		return config_wrong_at(rd, list, "kafka: more than %d topics", LIMIT_KAFKA_TOPICS);
	ck->topics = arena_alloc(rd->arena, ((size_t)n + 1) * sizeof *ck->topics);
	if (ck->topics == NULL)
		return err_nomem(rd->err);
	memset(ck->topics, 0, ((size_t)n + 1) * sizeof *ck->topics);
	while ((item = fy_node_sequence_iterate(list, &prev)) != NULL)
		if (read_topic(rd, &ck->topics[ck->n_topics++], item) != 0)
			return -1;
	return 0;
}

static int
read_alerts(struct reading *rd, struct config_kafka *ck, struct fy_node *value)
{
	const char *text;

	if (!fy_node_is_scalar(value))
		return read_pairs(rd, value, "alerts", LIMIT_KAFKA_AUDIENCES, &ck->alerts, &ck->n_alerts);
	text = config_scalar(rd, value, "alerts");
	if (text == NULL)
		return -1;
	ck->publish = false;
	ck->alerts_line = (unsigned)(config_mark(value).line + 1);
	return strcmp(text, "none") == 0 ? 0 : config_wrong_at(rd, value, "kafka: alerts takes topics by audience, or none");
}

static int
read_value(struct reading *rd, struct config_kafka *ck, enum kafka_id id, struct fy_node *value)
{
	struct config_value *cv;
	const char *why;

	switch (id) {
	case KAFKA_TOPICS:
		return read_topics(rd, ck, value);
	case KAFKA_ALERTS:
		return read_alerts(rd, ck, value);
	case KAFKA_SETTINGS:
		return read_settings(rd, ck, value);
	default:
		break;
	}
	cv = value_at(ck, id);
	cv->text = config_scalar(rd, value, keys[id].name);
	if (cv->text == NULL)
		return -1;
	cv->line = (unsigned)(config_mark(value).line + 1);
	why = config_convert(keys[id].type, cv->text, &cv->number);
	if (why != NULL)
		return config_wrong_at(rd, value, "kafka: %s takes %s", keys[id].name, why);
	if (keys[id].type == CONFIG_DURATION && (cv->number < 100 || cv->number > 86400000))
		return config_wrong_at(rd, value, "kafka: %s must be from 100ms to 1d", keys[id].name);
	return 0;
}

int
config_read_kafka(struct reading *rd, struct config *co, struct fy_node *map)
{
	struct config_kafka *ck = &co->kafka;
	const char *names[KAFKA_COUNT], *near;
	struct fy_node_pair *pair;
	void *prev = NULL;

	if (!fy_node_is_mapping(map))
		return config_wrong_at(rd, map, "kafka takes brokers, topics, alerts and others; see docs/operate-kafka.md");
	ck->publish = true;
	ck->line = (unsigned)(config_mark(map).line + 1);
	for (int i = 0; i < KAFKA_COUNT; i++)
		names[i] = keys[i].name;
	while ((pair = fy_node_mapping_iterate(map, &prev)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair);
		const char *name = config_scalar(rd, key, "a key");
		int id = 0;

		rd->key = key;
		if (name == NULL)
			return -1;
		while (id < KAFKA_COUNT && strcmp(keys[id].name, name) != 0)
			id++;
		if (id == KAFKA_COUNT) {
			near = suggest(slice_str(name), names, KAFKA_COUNT);
			return near != NULL ? config_wrong_at(rd, key, "kafka: unknown key %s; did you mean %s?", name, near)
					    : config_wrong_at(rd, key, "kafka: unknown key %s; the reference lists them all", name);
		}
		if (read_value(rd, ck, (enum kafka_id)id, fy_node_pair_value(pair)) != 0)
			return -1;
	}
	if (ck->brokers.text == NULL)
		return config_wrong_at(rd, map, "kafka needs brokers: HOST:PORT");
	co->grants = co->grants || ck->n_topics > 0;
	return 0;
}

int
config_kafka_defaults(struct config *co, struct err *err)
{
	struct config_kafka *ck = &co->kafka;
	char name[300];

	(void)snprintf(name, sizeof name, "dideban-%s", co->v[CONFIG_INSTANCE].text);
	if (ck->transactional_id.text == NULL)
		ck->transactional_id.text = arena_copy(&co->arena, slice_str(name)).p;
	if (ck->transactional_id.text == NULL)
		return err_nomem(err);
	if (ck->group.text == NULL)
		ck->group.text = ck->transactional_id.text;
	for (int i = 0; i < KAFKA_TOPICS; i++) {
		struct config_value *cv = value_at(ck, (enum kafka_id)i);

		if (cv->text == NULL) {
			cv->text = keys[i].otherwise;
			(void)config_convert(keys[i].type, cv->text, &cv->number);
		}
	}
	/* A file is for those who ask for it. */
	if (ck->publish && co->v[CONFIG_ALERTS].line == 0)
		co->v[CONFIG_ALERTS].text = "";
	return 0;
}

void
config_kafka_markdown(struct buf *ret)
{
	for (int i = 0; i < KAFKA_COUNT; i++)
		buf_printf(ret, "| `kafka: %s` | %s%s%s | %s |\n", keys[i].name, keys[i].otherwise[0] == 0 ? "" : "`", keys[i].otherwise,
		    keys[i].otherwise[0] == 0 ? "" : "`", keys[i].help);
}
