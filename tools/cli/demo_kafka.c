#include "tools/cli/demo_kafka.h"

#include "connectors/kafka/limits.h"
#include "connectors/kafka/topics.h"
#include "state/base/file.h"
#include "state/base/hash.h"
#include "tools/cli/session.h"
#include "tools/cli/status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_TOPIC "province.events"

struct demo_kafka {
	char dir[PATH_MAX], config[PATH_MAX], store[PATH_MAX], broker[64], tool[PATH_MAX];
	pid_t serve, writer, reader;
	bool broker_runs;
	char topics[LIMIT_KAFKA_AUDIENCES][300]; /* of alerts, one for each audience of the rules */
	size_t n_topics;
	FILE *out; /* to the writer */
	int in;    /* from the reader */
	struct buf rows;
	uint64_t sent, read;
	uint64_t *ids; /* hashes of TOPIC and message id, to see what came twice */
	size_t n_ids, cap_ids;
};

/* Starts a program; in, out, err: descriptors for it, -1: nothing. */
static int
start(pid_t *ret, const char *const *argv, int in, int out, int log, struct err *err)
{
	posix_spawn_file_actions_t fa;
	int rc = posix_spawn_file_actions_init(&fa);

	for (int fd = 0; rc == 0 && fd < 3; fd++) {
		int given = fd == 0 ? in : fd == 1 ? out : log;

		rc =
		    given >= 0 ? posix_spawn_file_actions_adddup2(&fa, given, fd) : posix_spawn_file_actions_addopen(&fa, fd, "/dev/null", O_RDWR, 0);
	}
	if (rc == 0)
		rc = posix_spawnp(ret, argv[0], &fa, NULL, (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	return rc == 0 ? 0 : err_set(err, ERR_IO, "%s cannot be started: %s", argv[0], strerror(rc));
}

static void
end_process(pid_t *pid, int sig)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, sig);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
}

/* tools/kafka COMMAND DIR [PORT], in its own words. */
static int
broker(struct demo_kafka *dk, const char *command, const char *port, struct err *err)
{
	const char *argv[] = {dk->tool, command, dk->dir, port, NULL};
	int status = 0;
	pid_t pid;

	if (start(&pid, argv, -1, port == NULL ? -1 : STDOUT_FILENO, STDERR_FILENO, err) != 0)
		return -1;
	(void)waitpid(pid, &status, 0);
	return status == 0 ? 0 : err_set(err, ERR_IO, "tools/kafka %s did not go well; see above", command);
}

static bool
port_free(uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && bind(fd, (const struct sockaddr *)&sa, sizeof sa) == 0;

	if (fd >= 0)
		(void)close(fd);
	return yes;
}

static void
add_topic(struct demo_kafka *dk, const char *audience)
{
	char name[sizeof dk->topics[0]];

	(void)snprintf(name, sizeof name, "dideban.alerts.%s", audience);
	for (size_t i = 0; i < dk->n_topics; i++)
		if (strcmp(dk->topics[i], name) == 0)
			return;
	if (dk->n_topics < LIMIT_KAFKA_AUDIENCES)
		memcpy(dk->topics[dk->n_topics++], name, sizeof name);
}

static int
find_audiences(struct demo_kafka *dk, const char *rules, struct err *err)
{
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct ruleset *rs = NULL;
	char *dir = NULL;

	if (rules_find(rules, &dir, err) != 0)
		return -1;
	if (rules_gather(dir, false, NULL, 0, &src, err) == 0)
		rs = ruleset_compile(&src, &fi, err);
	if (fi.n > 0)
		cli_findings(&fi, dir);
	for (size_t i = 0; rs != NULL && i < rs->n_rules; i++)
		for (unsigned k = 0; k < rs->rules[i]->n_audience; k++)
			add_topic(dk, rs->rules[i]->audience[k]);
	findings_free(&fi);
	ruleset_source_free(&src);
	free(dir);
	if (rs == NULL)
		return -1;
	ruleset_free(rs);
	return 0;
}

static int
start_broker(struct demo_kafka *dk, struct err *err)
{
	struct kafka_options ko = {.brokers = dk->broker};
	uint16_t port = 9092;
	char text[16];

	while (port < 9992 && !(port_free(port) && port_free(port + 1) && port_free(port + 2)))
		port = (uint16_t)(port + 10);
	(void)snprintf(text, sizeof text, "%u", port);
	(void)snprintf(dk->broker, sizeof dk->broker, "127.0.0.1:%u", port);
	dk->broker_runs = true;
	if (broker(dk, "start", text, err) != 0)
		return -1;
	for (size_t i = 0; i < dk->n_topics; i++)
		if (kafka_topic_create(&ko, dk->topics[i], 1, false, err) != 0)
			return -1;
	/* One partition keeps the order in which the province speaks: in another order some alerts would come and go on the way. */
	return kafka_topic_create(&ko, "dideban.marks", 1, true, err) != 0 ? -1 : kafka_topic_create(&ko, EVENTS_TOPIC, 1, false, err);
}

static int
write_config(struct demo_kafka *dk, const char *rules, struct err *err)
{
	FILE *f = fopen(dk->config, "we");

	if (f == NULL)
		return file_err(err, "write", dk->config);
	fprintf(f,
	    "store: %s\nbatch_events: 64\ntick: never\n%s%s%skafka:\n  brokers: %s\n  topics:\n    - {topic: " EVENTS_TOPIC
	    ", sources: [\"*\"], types: [\"*\"], corrections: true}\n",
	    dk->store, rules == NULL ? "" : "rules: ", rules == NULL ? "" : rules, rules == NULL ? "" : "\n", dk->broker);
	return fclose(f) == 0 ? 0 : file_err(err, "write", dk->config);
}

static int
start_clients(struct demo_kafka *dk, struct err *err)
{
	const char *serve[] = {"/proc/self/exe", "serve", "--config", dk->config, NULL};
	const char *writer[] = {"kcat", "-P", "-b", dk->broker, "-t", EVENTS_TOPIC, "-p", "-1", NULL};
	const char *reader[13 + LIMIT_KAFKA_AUDIENCES + 1] = {
	    "kcat", "-b", dk->broker, "-q", "-u", "-f", "%t %s\\n", "-X", "isolation.level=read_committed", "-X", "auto.offset.reset=earliest", "-G"};
	char log[PATH_MAX];
	int to[2], from[2], fd, rc;

	reader[12] = "demo";
	for (size_t i = 0; i < dk->n_topics; i++)
		reader[13 + i] = dk->topics[i];
	if (file_path(log, dk->dir, "serve.log", err) != 0)
		return -1;
	fd = open(log, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return file_err(err, "write", log);
	rc = start(&dk->serve, serve, -1, -1, fd, err);
	(void)close(fd);
	if (rc != 0)
		return -1;
	if (pipe2(to, O_CLOEXEC) != 0)
		return err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
	rc = start(&dk->writer, writer, to[0], -1, -1, err);
	(void)close(to[0]);
	dk->out = fdopen(to[1], "w");
	if (rc != 0 || dk->out == NULL || pipe2(from, O_CLOEXEC) != 0)
		return rc != 0 ? -1 : err_set(err, ERR_IO, "no pipe: %s", strerror(errno));
	rc = start(&dk->reader, reader, -1, from[1], -1, err);
	(void)close(from[1]);
	dk->in = from[0];
	return rc;
}

int
demo_kafka_start(struct demo_kafka **ret, const char *rules, struct err *err)
{
	struct demo_kafka *dk = calloc(1, sizeof *dk);

	if (dk == NULL)
		return err_nomem(err);
	dk->in = -1;
	(void)snprintf(dk->tool, sizeof dk->tool, "%s/../tools/kafka", DIDEBAN_RULES_DIR);
	if (access(dk->tool, X_OK) != 0) {
		free(dk);
		return err_set(err, ERR_USAGE, "demo --kafka runs a broker by tools/kafka of the source tree, which is not here");
	}
	if (file_temporary_dir(dk->dir, err) != 0) {
		free(dk);
		return -1;
	}
	if (file_path(dk->config, dk->dir, "dideban.yaml", err) != 0 || file_path(dk->store, dk->dir, "store", err) != 0 ||
	    find_audiences(dk, rules, err) != 0 || start_broker(dk, err) != 0 || write_config(dk, rules, err) != 0 || start_clients(dk, err) != 0) {
		demo_kafka_end(dk);
		return -1;
	}
	*ret = dk;
	return 0;
}

int
demo_kafka_send(struct demo_kafka *dk, struct slice line, struct err *err)
{
	dk->sent++;
	if (fwrite(line.p, 1, line.n, dk->out) == line.n && fputc('\n', dk->out) != EOF)
		return 0;
	return err_set(err, ERR_IO, "kcat takes no more events: %s", strerror(errno));
}

static int
remember(struct demo_kafka *dk, uint64_t hash, struct err *err)
{
	if (dk->n_ids == dk->cap_ids) {
		size_t cap = dk->cap_ids == 0 ? 1024 : dk->cap_ids * 2;
		uint64_t *v = realloc(dk->ids, cap * sizeof *v);

		if (v == NULL)
			return err_nomem(err);
		dk->ids = v;
		dk->cap_ids = cap;
	}
	dk->ids[dk->n_ids++] = hash;
	return 0;
}

/* "TOPIC JSON". A message goes to a topic for each audience of its rule; it is shown from the first. */
static int
take_row(struct demo_kafka *dk, struct slice row, int (*fn)(void *ctx, struct slice json, struct err *err), void *ctx, struct err *err)
{
	const char *space = memchr(row.p, ' ', row.n);
	struct slice topic, json;
	const char *id, *first;
	char name[300];
	json_t *root;
	int rc = 0;

	if (space == NULL)
		return 0;
	topic = slice_of(row.p, (size_t)(space - row.p));
	json = slice_of(space + 1, row.n - topic.n - 1);
	root = json_loadb(json.p, json.n, 0, NULL);
	id = json_string_value(json_object_get(root, "id"));
	first = json_string_value(json_array_get(json_object_get(json_object_get(root, "data"), "audience"), 0));
	dk->read++;
	if (id == NULL || first == NULL)
		rc = err_set(err, ERR_IO, "an alert was read back that is none");
	else
		rc = remember(dk, hash64_seeded(slice_str(id), hash64(topic)), err);
	if (rc == 0)
		(void)snprintf(name, sizeof name, "dideban.alerts.%s", first);
	if (rc == 0 && slice_eq_str(topic, name))
		rc = fn(ctx, json, err);
	json_decref(root);
	return rc;
}

static int
take_rows(struct demo_kafka *dk, int (*fn)(void *ctx, struct slice json, struct err *err), void *ctx, struct err *err)
{
	const char *p = dk->rows.p, *end = dk->rows.p + dk->rows.n, *nl;

	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (take_row(dk, slice_of(p, (size_t)(nl - p)), fn, ctx, err) != 0)
			return -1;
		p = nl + 1;
	}
	if (p != dk->rows.p)
		memmove(dk->rows.p, p, (size_t)(end - p));
	dk->rows.n = (size_t)(end - p);
	return 0;
}

/* What serve says of itself: everything sent is read, everything is published, so many messages. */
static bool
all_through(const struct demo_kafka *dk)
{
	char path[PATH_MAX];
	json_t *root;
	const json_t *me;
	bool yes;

	(void)snprintf(path, sizeof path, "%.*s/" STATUS_FILE, PATH_MAX - 32, dk->store);
	root = json_load_file(path, 0, NULL);
	me = json_object_get(root, "metrics");
	yes = json_number_value(json_object_get(me, metrics[METRIC_CONSUMED].name)) >= (double)dk->sent &&
	      json_number_value(json_object_get(me, metrics[METRIC_SINK_WAITING].name)) <= 0 &&
	      json_number_value(json_object_get(me, metrics[METRIC_SINK_PUBLISHED].name)) <= (double)dk->read;
	json_decref(root);
	return yes;
}

int
demo_kafka_read(struct demo_kafka *dk, bool all, int (*fn)(void *ctx, struct slice json, struct err *err), void *ctx, struct err *err)
{
	struct pollfd pfd = {.fd = dk->in, .events = POLLIN};
	ssize_t n;

	if (all) {
		/* The writer sends what it holds once its input ends. */
		if (fclose(dk->out) != 0) {
			dk->out = NULL;
			return err_set(err, ERR_IO, "kcat takes no more events: %s", strerror(errno));
		}
		dk->out = NULL;
	}
	for (;;) {
		if (poll(&pfd, 1, all ? 200 : 0) <= 0) {
			if (!all || session_stopped() || all_through(dk))
				return 0;
			if (waitpid(dk->serve, NULL, WNOHANG) == dk->serve) {
				dk->serve = 0;
				return err_set(err, ERR_IO, "serve has ended by itself; its words are in %s/serve.log", dk->dir);
			}
			continue;
		}
		if (buf_grow(&dk->rows, 65536) != 0)
			return err_nomem(err);
		n = read(dk->in, dk->rows.p + dk->rows.n, 65536);
		if (n <= 0)
			return err_set(err, ERR_IO, "kcat reads no more alerts");
		dk->rows.n += (size_t)n;
		if (take_rows(dk, fn, ctx, err) != 0)
			return -1;
	}
}

int
demo_kafka_stop(struct demo_kafka *dk, const char **ret_store, struct err *err)
{
	int status = 0;

	(void)kill(dk->serve, SIGTERM);
	(void)waitpid(dk->serve, &status, 0);
	dk->serve = 0;
	*ret_store = dk->store;
	return status == 0 ? 0 : err_set(err, ERR_IO, "serve did not end well; its words are in %s/serve.log", dk->dir);
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void
demo_kafka_counts(const struct demo_kafka *dk, uint64_t *ret_messages, uint64_t *ret_twice)
{
	*ret_messages = dk->read;
	*ret_twice = 0;
	if (dk->n_ids > 1)
		qsort(dk->ids, dk->n_ids, sizeof *dk->ids, by_value);
	for (size_t i = 1; i < dk->n_ids; i++)
		*ret_twice += dk->ids[i] == dk->ids[i - 1];
}

void
demo_kafka_end(struct demo_kafka *dk)
{
	struct err ignored;

	if (dk == NULL)
		return;
	if (dk->out != NULL)
		(void)fclose(dk->out);
	if (dk->in >= 0)
		(void)close(dk->in);
	end_process(&dk->writer, SIGTERM);
	end_process(&dk->reader, SIGTERM);
	end_process(&dk->serve, SIGKILL);
	if (dk->broker_runs)
		(void)broker(dk, "kill", NULL, &ignored);
	(void)file_remove_tree(dk->dir, &ignored);
	buf_free(&dk->rows);
	free(dk->ids);
	free(dk);
}
