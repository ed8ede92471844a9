/* dideban status: what a running serve last said of itself. */
#include "tools/cli/cli.h"
#include "tools/cli/status.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define STALE_SECONDS 30 /* it writes every second, unless a batch or a checkpoint takes longer */

static int cmd_status(int argc, char **argv);

static const struct arg status_args[] = {
    {"--store", ARG_TEXT, "DIR", "the store (default: that of ./dideban.yaml, else ./dideban-store)"},
    {"--json", ARG_FLAG, NULL, "as one JSON object"},
    {0},
};

const struct command command_status = {
    .name = "status",
    .operands = "",
    .summary = "how a running serve does: events, alerts, Kafka's lag",
    .details =
	"Each line is a metric under the name that a monitor knows it by. Exit 1 if no serve runs on the store, or it has said nothing for half a "
	"minute.",
    .example = "  dideban status",
    .args = status_args,
    .run = cmd_status,
};

/* Whether it lives, in words; NULL: it does. */
static const char *
dead(const json_t *root)
{
	json_int_t pid = json_integer_value(json_object_get(root, "process"));
	int64_t age = (int64_t)time(NULL) - json_integer_value(json_object_get(root, "written"));

	if (!json_is_true(json_object_get(root, "running")))
		return "it has ended";
	if (pid <= 0 || pid > INT_MAX || (kill((pid_t)pid, 0) != 0 && errno == ESRCH))
		return "its process is no longer there";
	return age > STALE_SECONDS ? "it has said nothing for a while" : NULL;
}

static void
print_metrics(const json_t *root, const char *store, const char *why)
{
	const json_t *values = json_object_get(root, "metrics");

	printf("dideban %s, process %" JSON_INTEGER_FORMAT ", store %s%s%s\n", json_string_value(json_object_get(root, "version")),
	    json_integer_value(json_object_get(root, "process")), store, why == NULL ? "" : ": ", why == NULL ? "" : why);
	for (int i = 0; i < METRIC_COUNT; i++) {
		const json_t *v = json_object_get(values, metrics[i].name);

		if (v != NULL)
			printf("%-46s %14.15g  %s\n", metrics[i].name, json_number_value(v), metrics[i].help);
	}
}

static int
read_status(const char *store, json_t **ret, struct err *err)
{
	char path[PATH_MAX];
	json_error_t je;

	(void)snprintf(path, sizeof path, "%s/" STATUS_FILE, store);
	*ret = json_load_file(path, JSON_REJECT_DUPLICATES, &je);
	if (*ret != NULL && json_is_string(json_object_get(*ret, "version")))
		return 0;
	json_decref(*ret);
	return err_set(err, ERR_CHECKED, "no serve has run on %s yet: name another store with --store, or start dideban serve", store);
}

static int
cmd_status(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	const char *why = NULL;
	json_t *root = NULL;
	char *store;
	int status = 0;

	if (args_parse(&ar, &command_status, argc, argv, &err) != 0)
		return cli_fail(&err);
	store = store_of(args_text(&ar, "--store"), &err);
	if (store == NULL || read_status(store, &root, &err) != 0) {
		status = cli_fail(&err);
	} else {
		why = dead(root);
		if (args_flag(&ar, "--json")) {
			(void)json_object_set_new(root, "running", json_boolean(why == NULL));
			(void)json_dumpf(root, stdout, JSON_COMPACT);
			printf("\n");
		} else {
			print_metrics(root, store, why);
		}
		status = why == NULL ? 0 : 1;
		if (cli_flush(&err) != 0)
			status = cli_fail(&err);
		json_decref(root);
	}
	free(store);
	args_free(&ar);
	return status;
}
