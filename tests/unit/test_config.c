/* The configuration: every mistake with its place, every value with its origin. */
#include "tools/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[512], file[600];

static int
set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(dir, sizeof dir, "%s/config-XXXXXX", tmp == NULL ? "/var/tmp" : tmp);
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(file, sizeof file, "%s/dideban.yaml", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)rmdir(dir);
	return 0;
}

static void
put(const char *text)
{
	FILE *f = fopen(file, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void
an_empty_file_gives_the_defaults(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "---\n"};
	struct config co;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		put(texts[i]);
		assert_int_equal(config_load(&co, file, &err), 0);
		assert_string_equal(co.v[CONFIG_INSTANCE].text, "local");
		assert_int_equal(co.v[CONFIG_CACHE].number, 512 * MIB);
		assert_int_equal(co.v[CONFIG_MAX_FUTURE].number, 300000);
		assert_int_equal(co.n_inboxes, 1);
		assert_string_equal(co.inboxes[0].dir, "./inbox");
		assert_false(co.grants);
		assert_null(config_grant(&co, "/anywhere"));
		config_free(&co);
	}
}

static void
values_are_read_with_their_units_and_origin(void **state)
{
	struct config co;
	struct err err = {0};
	struct buf b = {0};
	char want[700];

	(void)state;
	put("instance: here\nstore: data/store\nalerts: \"-\"\ncache: 64MiB\nbatch_delay: 5ms\n"
	    "inboxes:\n  - directory: courts\n    sources: [/courts/, \"/stations/*\"]\n    types: [\"testimony.*\"]\n    corrections: true\n"
	    "  - {directory: ., sources: [\"*\"], types: [\"*\"]}\n");
	assert_int_equal(config_load(&co, file, &err), 0);
	assert_string_equal(co.v[CONFIG_INSTANCE].text, "here");
	(void)snprintf(want, sizeof want, "%s/data/store", dir);
	assert_string_equal(co.v[CONFIG_STORE].text, want);
	assert_string_equal(co.v[CONFIG_ALERTS].text, "-");
	assert_int_equal(co.v[CONFIG_CACHE].number, 64 * MIB);
	assert_int_equal(co.v[CONFIG_BATCH_DELAY].number, 5);
	config_origin(&co, co.v[CONFIG_CACHE].line, &b);
	buf_add_u8(&b, 0);
	(void)snprintf(want, sizeof want, "%s:4", file);
	assert_string_equal(b.p, want);
	buf_clear(&b);
	config_origin(&co, co.v[CONFIG_TICK].line, &b);
	buf_add_u8(&b, 0);
	assert_string_equal(b.p, "default");
	assert_int_equal(co.n_inboxes, 2);
	assert_int_equal(co.inboxes[0].grant.n_sources, 2);
	assert_string_equal(co.inboxes[0].grant.sources[1], "/stations/*");
	assert_string_equal(co.inboxes[0].grant.types[0], "testimony.*");
	assert_true(co.inboxes[0].grant.corrections);
	assert_false(co.inboxes[1].grant.corrections);
	/* A file in a named folder has its grant, one elsewhere may bring nothing. */
	assert_ptr_equal(config_grant(&co, file), &co.inboxes[1].grant);
	assert_int_equal(config_grant(&co, "/dev/null")->n_sources, 0);
	buf_free(&b);
	config_free(&co);
}

static void
the_section_kafka_has_its_defaults(void **state)
{
	struct config co;
	struct err err = {0};
	char want[700];

	(void)state;
	put("instance: east\nkafka:\n  brokers: b:1\n  topics:\n    - {pattern: \"c.*\", sources: [/courts], types: [\"*\"]}\n"
	    "  settings: {sasl.username: u, sasl.password_file: secret}\n  alerts: {judge: j}\n");
	assert_int_equal(config_load(&co, file, &err), 0);
	assert_string_equal(co.kafka.transactional_id.text, "dideban-east");
	assert_string_equal(co.kafka.group.text, "dideban-east");
	assert_string_equal(co.kafka.marks.text, "dideban.marks");
	assert_int_equal(co.kafka.refresh.number, 30000);
	assert_int_equal(co.kafka.stop.number, 10000);
	assert_true(co.kafka.publish);
	assert_int_equal(co.kafka.n_topics, 1);
	assert_true(co.kafka.topics[0].pattern);
	assert_string_equal(co.kafka.topics[0].grant.sources[0], "/courts");
	assert_false(co.kafka.topics[0].grant.corrections);
	assert_string_equal(co.kafka.alerts[0].value, "j");
	assert_int_equal(co.kafka.alerts[0].line, 7);
	assert_int_equal(co.kafka.brokers.line, 3);
	assert_int_equal(co.kafka.marks.line, 0);
	/* Alerts go to Kafka: no file beside it unless one is named. */
	assert_string_equal(co.v[CONFIG_ALERTS].text, "");
	(void)snprintf(want, sizeof want, "%s/secret", dir);
	assert_string_equal(co.kafka.settings[1].value, want);
	/* Who reads topics alone has no inbox, and what comes from elsewhere may bring nothing. */
	assert_int_equal(co.n_inboxes, 0);
	assert_true(co.grants);
	config_free(&co);
	put("kafka:\n  brokers: b:1\n  alerts: none\n");
	assert_int_equal(config_load(&co, file, &err), 0);
	assert_false(co.kafka.publish);
	assert_string_equal(co.v[CONFIG_ALERTS].text, "./alerts.ndjson");
	assert_int_equal(co.n_inboxes, 1);
	config_free(&co);
}

static void
each_mistake_is_shown_with_its_place_and_cure(void **state)
{
	static const struct {
		const char *text, *place, *words;
	} table[] = {
	    {"instance: a\ncashe: 64MiB\n", ":2:1:", "did you mean cache"},
	    {"nothing_like_it: 1\n", ":1:1:", "config --effective"},
	    {"cache: much\n", ":1:8:", "256MiB"},
	    {"cache: 64\n  MiB: 1\n", ":1:8:", ""},
	    {"cache: [1]\n", ":1:", "one value"},
	    {"cache: 1MiB\ncache: 2MiB\n", ":2:", ""},
	    {"cache: 0KiB\n", ":1:8:", "at least 1KiB"},
	    {"tick: 5\n", ":1:7:", "10s"},
	    {"tick: 1ms\n", ":1:7:", "10ms"},
	    {"partitions: 0\n", ":1:13:", "1 to 64"},
	    {"batch_events: 5000\n", ":1:15:", "4096"},
	    {"- a\n- b\n", ":1:3:", "key: value"},
	    {"inboxes: x\n", ":1:10:", "list"},
	    {"inboxes:\n  - directry: x\n", ":2:5:", "did you mean directory"},
	    {"inboxes:\n  - directory: x\n", ":2:5:", "sources and types"},
	    {"inboxes:\n  - sources: [a]\n    types: [b]\n", ":2:5:", "directory"},
	    {"inboxes:\n  - directory: x\n    sources: a\n    types: [b]\n", ":3:14:", "list"},
	    {"inboxes:\n  - directory: x\n    sources: []\n    types: [b]\n", ":3", "list"},
	    {"inboxes:\n  - directory: x\n    sources: [a]\n    types: [b]\n    corrections: maybe\n", ":5:18:", "true or false"},
	    {"kafka: x\n", ":1:8:", "operate-kafka.md"},
	    {"kafka: {brokrs: a}\n", ":1:9:", "did you mean brokers"},
	    {"kafka: {marks: m}\n", ":1:", "needs brokers"},
	    {"kafka:\n  brokers: b:1\n  stop: 1ms\n", ":3:9:", "from 100ms to 1d"},
	    {"kafka:\n  brokers: b:1\n  refresh: soon\n", ":3:12:", "duration"},
	    {"kafka:\n  brokers: b:1\n  topics: t\n", ":3:11:", "takes a list"},
	    {"kafka:\n  brokers: b:1\n  topics:\n    - t\n", ":4:7:", "sources, types"},
	    {"kafka:\n  brokers: b:1\n  topics:\n    - {topic: t}\n", ":4:8:", "needs sources and types"},
	    {"kafka:\n  brokers: b:1\n  topics:\n    - {sources: [a], types: [b]}\n", ":4:8:", "neither topic nor pattern"},
	    {"kafka:\n  brokers: b:1\n  topics:\n    - {topic: t, pattern: u, sources: [a], types: [b]}\n", ":4:18:", "either topic or pattern"},
	    {"kafka:\n  brokers: b:1\n  topics:\n    - {topik: t}\n", ":4:8:", "did you mean topic"},
	    {"kafka:\n  brokers: b:1\n  alerts: all\n", ":3:11:", "or none"},
	    {"kafka:\n  brokers: b:1\n  alerts: [a]\n", ":3:", "name: value"},
	    {"kafka:\n  brokers: b:1\n  settings:\n    sasl.password: s3cret\n", ":4:5:", "sasl.password_file: PATH"},
	    {"kafka:\n  brokers: b:1\n  settings:\n    client.id: c\n    sasl.username: u\n    sasl.password: s3cret\n",
		":6:5:", "sasl.password_file: PATH"},
	    {"instance: [\n", "dideban.yaml", ""},
	    {"instance: \"a\n", "dideban.yaml", ""},
	};
	struct config co;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct err err = {0};

		put(table[i].text);
		if (config_load(&co, file, &err) == 0)
			fail_msg("accepted: %s", table[i].text);
		assert_int_equal(err.code, ERR_USAGE);
		if (strstr(err.text, table[i].place) == NULL || strstr(err.text, table[i].words) == NULL)
			fail_msg("%s: %s", table[i].text, err.text);
		if (table[i].place[0] == ':')
			assert_non_null(strchr(err.text, '^'));
	}
}

static void
a_missing_file_is_named(void **state)
{
	struct config co;
	struct err err = {0};

	(void)state;
	assert_int_equal(config_load(&co, "/dev/null/none.yaml", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, "none.yaml"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(an_empty_file_gives_the_defaults, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(values_are_read_with_their_units_and_origin, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_section_kafka_has_its_defaults, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(each_mistake_is_shown_with_its_place_and_cure, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_missing_file_is_named, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
