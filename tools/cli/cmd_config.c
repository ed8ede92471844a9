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
print_pairs(const char *name, const struct config_pair *v, size_t n)
{
	printf("  %s:\n", name);
	for (size_t i = 0; i < n; i++)
		printf("    %s: %s\n", v[i].name, v[i].value);
}

static void
print_kafka(const struct config *co)
{
	const struct config_kafka *ck = &co->kafka;
	struct buf b = {0};

	config_origin(co, ck->line, &b);
	printf("kafka:  # %.*s\n  brokers: %s\n  transactional_id: %s\n  group: %s\n  marks: %s\n  refresh: %" PRIu64 "ms\n  stop: %" PRIu64 "ms\n",
	    (int)b.n, b.p, ck->brokers, ck->transactional_id, ck->group, ck->marks, ck->refresh_ms, ck->stop_ms);
	if (!ck->publish)
		printf("  alerts: none\n");
	else if (ck->n_alerts > 0)
		print_pairs("alerts", ck->alerts, ck->n_alerts);
	if (ck->n_settings > 0)
		print_pairs("settings", ck->settings, ck->n_settings);
	printf("  topics:\n");
	for (size_t i = 0; i < ck->n_topics; i++) {
		const struct config_topic *ct = &ck->topics[i];

		printf("    - %s: \"%s\"\n      sources: ", ct->pattern ? "pattern" : "topic", ct->name);
		print_list(ct->grant.sources, ct->grant.n_sources);
		printf("\n      types: ");
		print_list(ct->grant.types, ct->grant.n_types);
		printf("\n      corrections: %s\n", ct->grant.corrections ? "true" : "false");
	}
	if (ck->n_topics == 0)
		printf("    []\n");
	buf_free(&b);
}

static void
print_text(const struct config *co)
{
	struct buf b = {0};

	for (int i = 0; i < CONFIG_COUNT; i++) {
		const struct config_value *cv = &co->v[i];

		/* An empty value stands for the default: it is shown as a comment, so that the output reads back. */
		buf_clear(&b);
		config_origin(co, cv->line, &b);
		printf("%s%s: %s%*s # %.*s\n", cv->text[0] == 0 ? "# " : "", config_keys[i].name, cv->text,
		    (int)(strlen(config_keys[i].name) + strlen(cv->text) < 40 ? 40 - strlen(config_keys[i].name) - strlen(cv->text) : 1), "",
		    (int)b.n, b.p);
	}
	printf(co->n_inboxes == 0 ? "inboxes: []\n" : "inboxes:\n");
	for (size_t i = 0; i < co->n_inboxes; i++) {
		const struct config_inbox *ci = &co->inboxes[i];

		buf_clear(&b);
		config_origin(co, ci->line, &b);
		printf("  - directory: %s  # %.*s\n    sources: ", ci->dir, (int)b.n, b.p);
		print_list(ci->grant.sources, ci->grant.n_sources);
		printf("\n    types: ");
		print_list(ci->grant.types, ci->grant.n_types);
		printf("\n    corrections: %s\n", ci->grant.corrections ? "true" : "false");
	}
	if (co->kafka.brokers != NULL)
		print_kafka(co);
	buf_free(&b);
}

static void
print_one_json(const char *key, const char *value, const struct config *co, unsigned line)
{
	struct buf b = {0};

	config_origin(co, line, &b);
	printf("{\"key\":\"%s\",\"value\":", key);
	print_json_string(stdout, slice_str(value));
	printf(",\"origin\":");
	print_json_string(stdout, buf_slice(&b));
	printf("}\n");
	buf_free(&b);
}

static void
print_json(const struct config *co)
{
	for (int i = 0; i < CONFIG_COUNT; i++)
		print_one_json(config_keys[i].name, co->v[i].text, co, co->v[i].line);
	for (size_t i = 0; i < co->n_inboxes; i++) {
		const struct config_inbox *ci = &co->inboxes[i];
		struct buf b = {0};

		config_origin(co, ci->line, &b);
		printf("{\"key\":\"inboxes\",\"value\":{\"directory\":");
		print_json_string(stdout, slice_str(ci->dir));
		printf(",\"sources\":");
		print_list(ci->grant.sources, ci->grant.n_sources);
		printf(",\"types\":");
		print_list(ci->grant.types, ci->grant.n_types);
		printf(",\"corrections\":%s},\"origin\":", ci->grant.corrections ? "true" : "false");
		print_json_string(stdout, buf_slice(&b));
		printf("}\n");
		buf_free(&b);
	}
	if (co->kafka.brokers != NULL) {
		print_one_json("kafka.brokers", co->kafka.brokers, co, co->kafka.line);
		print_one_json("kafka.transactional_id", co->kafka.transactional_id, co, co->kafka.line);
		print_one_json("kafka.group", co->kafka.group, co, co->kafka.line);
		print_one_json("kafka.marks", co->kafka.marks, co, co->kafka.line);
		for (size_t i = 0; i < co->kafka.n_topics; i++)
			print_one_json("kafka.topics", co->kafka.topics[i].name, co, co->kafka.topics[i].line);
	}
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
