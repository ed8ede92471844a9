/* dideban config: every value of the configuration and where it came from. dideban version. */
#include "state/store/store.h"
#include "tools/cli/cli.h"
#include "tools/config.h"

#include <inttypes.h>

static int cmd_config(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct arg config_args[] = {
    {"--effective", ARG_FLAG, NULL, "print every value and its origin (what config does anyway)"},
    {"--config", ARG_TEXT, "FILE", "the configuration (default: ./dideban.yaml if there is one)"},
    {"--json", ARG_FLAG, NULL, "one value a line"},
    {0},
};
const struct command command_config = {
    .name = "config",
    .operands = "",
    .summary = "check a configuration and print every value and its origin",
    .details = "The output is a configuration itself.",
    .example = "  dideban config --effective",
    .args = config_args,
    .run = cmd_config,
};

static const struct arg version_args[] = {{"--json", ARG_FLAG, NULL, "as one JSON object"}, {0}};
const struct command command_version = {
    .name = "version",
    .operands = "",
    .summary = "versions of the program, its store format and its libraries",
    .details = NULL,
    .example = "  dideban version",
    .args = version_args,
    .run = cmd_version,
};

static void
print_list(const char *const *v, size_t n)
{
	printf("[");
	for (size_t i = 0; i < n; i++) {
		printf("%s", i == 0 ? "" : ", ");
		print_json_string(stdout, slice_str(v[i]));
	}
	printf("]");
}

static void
print_grant(const struct grant *gr, const char *indent)
{
	printf("%ssources: ", indent);
	print_list(gr->sources, gr->n_sources);
	printf("\n%stypes: ", indent);
	print_list(gr->types, gr->n_types);
	printf("\n%scorrections: %s\n", indent, gr->corrections ? "true" : "false");
}

static const char *
origin(const struct config *co, unsigned line, struct buf *b)
{
	buf_clear(b);
	config_origin(co, line, b);
	buf_add_u8(b, 0);
	return buf_ok(b) ? b->p : "?";
}

/* Of a key outside the sections. */
static const char *
key_origin(const struct config *co, int id, struct buf *b)
{
	return id == CONFIG_ALERTS && co->v[id].text[0] == 0 ? "default: none, they go to Kafka" : origin(co, co->v[id].line, b);
}

/* An empty value stands for the default: it is shown as a comment, so that the output reads back. */
static void
print_value(const char *indent, const char *name, const char *value, const char *where)
{
	size_t n = strlen(indent) + strlen(name) + strlen(value);

	printf("%s%s%s: %s%*s # %s\n", indent, value[0] == 0 ? "# " : "", name, value, (int)(n < 40 ? 40 - n : 1), "", where);
}

static void
print_pairs(const struct config *co, const char *name, const struct config_pair *v, size_t n, struct buf *b)
{
	if (n > 0)
		printf("  %s:\n", name);
	for (size_t i = 0; i < n; i++)
		print_value("    ", v[i].name, v[i].value, origin(co, v[i].line, b));
}

static void
print_kafka(const struct config *co, struct buf *b)
{
	const struct config_kafka *ck = &co->kafka;
	const struct config_value *cv;
	const char *name;

	printf("kafka:\n");
	for (size_t i = 0; (cv = config_kafka_value(ck, i, &name)) != NULL; i++)
		print_value("  ", name, cv->text, origin(co, cv->line, b));
	if (!ck->publish)
		print_value("  ", "alerts", "none", origin(co, ck->alerts_line, b));
	print_pairs(co, "alerts", ck->alerts, ck->n_alerts, b);
	print_pairs(co, "settings", ck->settings, ck->n_settings, b);
	printf(ck->n_topics == 0 ? "  topics: []\n" : "  topics:\n");
	for (size_t i = 0; i < ck->n_topics; i++) {
		const struct config_topic *ct = &ck->topics[i];

		printf("    - %s: \"%s\"  # %s\n", ct->pattern ? "pattern" : "topic", ct->name, origin(co, ct->line, b));
		print_grant(&ct->grant, "      ");
	}
}

static void
print_text(const struct config *co)
{
	struct buf b = {0};

	for (int i = 0; i < CONFIG_COUNT; i++)
		print_value("", config_keys[i].name, co->v[i].text, key_origin(co, i, &b));
	printf(co->n_inboxes == 0 ? "inboxes: []\n" : "inboxes:\n");
	for (size_t i = 0; i < co->n_inboxes; i++) {
		printf("  - directory: %s  # %s\n", co->inboxes[i].dir, origin(co, co->inboxes[i].line, &b));
		print_grant(&co->inboxes[i].grant, "    ");
	}
	if (co->kafka.brokers.text != NULL)
		print_kafka(co, &b);
	buf_free(&b);
}

static void
print_one_json(const char *section, const char *key, const char *value, const char *where)
{
	struct buf b = {0};

	buf_printf(&b, "%s%s", section, key);
	printf("{\"key\":");
	print_json_string(stdout, buf_slice(&b));
	printf(",\"value\":");
	print_json_string(stdout, slice_str(value));
	printf(",\"origin\":");
	print_json_string(stdout, slice_str(where));
	printf("}\n");
	buf_free(&b);
}

static void
print_grant_json(const char *key, const char *what, const char *name, const struct grant *gr, const char *where)
{
	printf("{\"key\":\"%s\",\"value\":{\"%s\":", key, what);
	print_json_string(stdout, slice_str(name));
	printf(",\"sources\":");
	print_list(gr->sources, gr->n_sources);
	printf(",\"types\":");
	print_list(gr->types, gr->n_types);
	printf(",\"corrections\":%s},\"origin\":", gr->corrections ? "true" : "false");
	print_json_string(stdout, slice_str(where));
	printf("}\n");
}

static void
print_kafka_json(const struct config *co, struct buf *b)
{
	const struct config_kafka *ck = &co->kafka;
	const struct config_value *cv;
	const char *name;

	for (size_t i = 0; (cv = config_kafka_value(ck, i, &name)) != NULL; i++)
		print_one_json("kafka.", name, cv->text, origin(co, cv->line, b));
	if (!ck->publish)
		print_one_json("kafka.", "alerts", "none", origin(co, ck->alerts_line, b));
	for (size_t i = 0; i < ck->n_alerts; i++)
		print_one_json("kafka.alerts.", ck->alerts[i].name, ck->alerts[i].value, origin(co, ck->alerts[i].line, b));
	for (size_t i = 0; i < ck->n_settings; i++)
		print_one_json("kafka.settings.", ck->settings[i].name, ck->settings[i].value, origin(co, ck->settings[i].line, b));
	for (size_t i = 0; i < ck->n_topics; i++)
		print_grant_json("kafka.topics", ck->topics[i].pattern ? "pattern" : "topic", ck->topics[i].name, &ck->topics[i].grant,
		    origin(co, ck->topics[i].line, b));
}

static void
print_json(const struct config *co)
{
	struct buf b = {0};

	for (int i = 0; i < CONFIG_COUNT; i++)
		print_one_json("", config_keys[i].name, co->v[i].text, key_origin(co, i, &b));
	for (size_t i = 0; i < co->n_inboxes; i++)
		print_grant_json("inboxes", "directory", co->inboxes[i].dir, &co->inboxes[i].grant, origin(co, co->inboxes[i].line, &b));
	if (co->kafka.brokers.text != NULL)
		print_kafka_json(co, &b);
	buf_free(&b);
}

static int
cmd_config(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct config co = {0};
	int status = 0;

	if (args_parse(&ar, &command_config, argc, argv, &err) != 0)
		return cli_fail(&err);
	if (config_load(&co, args_text(&ar, "--config"), &err) != 0) {
		status = cli_fail(&err);
	} else {
		(args_flag(&ar, "--json") ? print_json : print_text)(&co);
		if (cli_flush(&err) != 0)
			status = cli_fail(&err);
	}
	config_free(&co);
	args_free(&ar);
	return status;
}

/* "Lua 5.4.4;RocksDB 7.8.3": what the build found. */
static int
cmd_version(int argc, char **argv)
{
	static const char libraries[] = DIDEBAN_LIBRARIES;
	struct args ar;
	struct err err = {0};
	bool json;
	int status = 0;

	if (args_parse(&ar, &command_version, argc, argv, &err) != 0)
		return cli_fail(&err);
	json = args_flag(&ar, "--json");
	printf(json ? "{\"dideban\":\"%s\",\"store_format\":%u,\"libraries\":{" : "dideban %s\nstore format %u\n", DIDEBAN_VERSION, STORE_FORMAT);
	for (const char *p = libraries, *end; *p != 0; p = *end == 0 ? end : end + 1) {
		const char *space;

		end = strchrnul(p, ';');
		space = memchr(p, ' ', (size_t)(end - p));
		if (json && space != NULL)
			printf("%s\"%.*s\":\"%.*s\"", p == libraries ? "" : ",", (int)(space - p), p, (int)(end - space - 1), space + 1);
		else if (!json)
			printf("%.*s\n", (int)(end - p), p);
	}
	if (json)
		printf("}}\n");
	if (cli_flush(&err) != 0)
		status = cli_fail(&err);
	args_free(&ar);
	return status;
}
