/* dideban doctor: is this machine, store and configuration fit? */
#include "state/copy.h"
#include "tools/cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int cmd_doctor(int argc, char **argv);

static const struct arg doctor_args[] = {
    {"--store", ARG_TEXT, "DIR", "the store (default: that of ./dideban.yaml, else ./dideban-store)"},
    {"--config", ARG_TEXT, "FILE", "the configuration (default: ./dideban.yaml if there is one)"},
    {"--rules", ARG_TEXT, "DIR", "folder of rules"},
    {"--kafka", ARG_FLAG, NULL, "also Kafka as the configuration's section kafka needs it: the broker, topics, their settings, rights"},
    {"--json", ARG_FLAG, NULL, "one check a line"},
    {0},
};
const struct command command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "check the machine, the configuration, the rules and the store",
    .details = "Each line says ok, warn or fail, and the cure. Exit 1 if anything failed, 5 if no broker answers (within 10 seconds).\n"
	       "With --kafka it writes for real, under a transactional id of its own and in transactions that it aborts; a serve may run beside it.",
    .example = "  dideban doctor",
    .args = doctor_args,
    .run = cmd_doctor,
};

void
doctor_say(struct exam *ex, enum verdict v, const char *check, const char *cure, const char *fmt, ...)
{
	static const char *const words[] = {"ok", "warn", "fail"};
	static const enum tint tints[] = {TINT_GREEN, TINT_YELLOW, TINT_RED};
	char found[1200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(found, sizeof found, fmt, ap);
	va_end(ap);
	ex->n[v]++;
	if (ex->json) {
		printf("{\"check\":\"%s\",\"verdict\":\"%s\",\"found\":", check, words[v]);
		print_json_string(stdout, slice_str(found));
		printf(",\"cure\":");
		print_json_string(stdout, slice_str(v == OK ? "" : cure));
		printf("}\n");
		return;
	}
	printf("%s%-4s%s  %-14s %s\n", tint(stdout, tints[v]), words[v], tint(stdout, TINT_OFF), check, found);
	if (v != OK)
		printf("      %-14s %s\n", "", cure);
}

static void
check_clock(struct exam *ex)
{
	struct timespec ts;
	char text[INSTANT_TEXT_BYTES];

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)instant_format((struct instant){ts.tv_sec, 0}, text);
	/* Before this program was written, or far behind its life. */
	if (ts.tv_sec < 1760000000 || ts.tv_sec > 4102444800)
		doctor_say(ex, FAIL, "clock",
		    "set the machine's clock (timedatectl): events would be quarantined as from the future, or alerts would end at once",
		    "the clock says %s", text);
	else
		doctor_say(ex, OK, "clock", "", "%s", text);
}

static void
check_memory(struct exam *ex, const struct config *co)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t total, cache = co->v[CONFIG_CACHE].number;

	if (pages <= 0 || page <= 0) {
		doctor_say(ex, WARN, "memory", "none needed if it runs", "cannot be told");
		return;
	}
	total = (uint64_t)pages * (uint64_t)page;
	if (cache > total / 2)
		doctor_say(ex, FAIL, "memory", "make `cache` smaller in the configuration, or add memory",
		    "%s MiB, and the cache alone may take %s MiB", grouped(total / MIB), grouped(cache / MIB));
	else if (total < 1024 * MIB)
		doctor_say(ex, WARN, "memory", "1 GiB or more is better", "%s MiB", grouped(total / MIB));
	else
		doctor_say(ex, OK, "memory", "", "%s MiB, %s MiB of them for the cache", grouped(total / MIB), grouped(cache / MIB));
}

/* The folder that holds, or would hold, the store. */
static char *
nearest_folder(const char *dir)
{
	char *path = strdup(dir), *slash;
	struct stat st;

	while (path != NULL && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))) {
		slash = strrchr(path, '/');
		if (slash == NULL) {
			free(path);
			return strdup(".");
		}
		slash[slash == path] = 0;
		if (slash == path)
			break;
	}
	return path;
}

static void
check_file_system(struct exam *ex, const char *folder)
{
	static const struct {
		long magic;
		const char *name;
		enum verdict v;
	} known[] = {{0xef53, "ext4", OK}, {0x58465342, "xfs", OK}, {0x9123683e, "btrfs", OK}, {0x2fc12fc1, "zfs", OK},
	    {0x794c7630, "overlay (a container's own layer)", WARN}, {0x01021994, "tmpfs (memory)", WARN}, {0x6969, "nfs", FAIL},
	    {0x517b, "smb", FAIL}, {(long)0xff534d42, "cifs", FAIL}, {(long)0xfe534d42, "smb2", FAIL}};
	struct statfs sf;

	if (statfs(folder, &sf) != 0) {
		doctor_say(ex, FAIL, "file system", "make the folder readable", "%s: %s", folder, strerror(errno));
		return;
	}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if ((long)sf.f_type != known[i].magic)
			continue;
		doctor_say(ex, known[i].v, "file system",
		    known[i].v == WARN ? "keep the store on a disk of its own: what is here is lost with the container or the machine"
				       : "keep the store on a local disk: locks and syncs of a network file system cannot be trusted",
		    "%s is on %s", folder, known[i].name);
		return;
	}
	doctor_say(ex, WARN, "file system", "ext4 and xfs are known to work", "%s is on a file system of unknown kind (%lx)", folder,
	    (unsigned long)sf.f_type);
}

static void
check_space(struct exam *ex, const char *folder)
{
	struct statvfs sv;
	uint64_t left;

	if (statvfs(folder, &sv) != 0) {
		doctor_say(ex, FAIL, "disk space", "make the folder readable", "%s: %s", folder, strerror(errno));
		return;
	}
	left = (uint64_t)sv.f_bavail * sv.f_frsize / MIB;
	if (left < 512)
		doctor_say(ex, FAIL, "disk space", "make room: intake stops below 256 MiB", "%s MiB are free in %s", grouped(left), folder);
	else if (left < 4096)
		doctor_say(ex, WARN, "disk space", "ten million events need about 10 GiB", "%s MiB are free in %s", grouped(left), folder);
	else
		doctor_say(ex, OK, "disk space", "", "%s MiB are free in %s", grouped(left), folder);
}

/* Writes and syncs 20 blocks of 4 KiB, as the journal does. */
static void
check_sync(struct exam *ex, const char *folder)
{
	char path[4096], block[4096];
	double began, worst = 0, sum = 0, took;
	int fd, bad = 0;

	memset(block, 'd', sizeof block);
	(void)snprintf(path, sizeof path, "%s/.dideban-doctor-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		doctor_say(ex, FAIL, "sync", "make the folder writable for this user", "%s cannot be written: %s", folder, strerror(errno));
		return;
	}
	(void)unlink(path);
	for (int i = 0; i < 20 && !bad; i++) {
		began = seconds_now();
		bad = write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0;
		took = (seconds_now() - began) * 1000;
		sum += took;
		worst = took > worst ? took : worst;
	}
	if (bad)
		doctor_say(ex, FAIL, "sync", "the disk is full or broken: see the system's log", "writing and syncing in %s failed: %s", folder,
		    strerror(errno));
	else if (sum / 20 > 30)
		doctor_say(ex, WARN, "sync", "alerts leave after a sync: a faster disk (or one with a protected cache) makes them leave earlier",
		    "%.1f ms on average, %.1f ms at worst", sum / 20, worst);
	else
		doctor_say(ex, OK, "sync", "", "%.1f ms on average, %.1f ms at worst", sum / 20, worst);
	(void)close(fd);
}

static void
check_locale(struct exam *ex)
{
	const char *v = getenv("LC_ALL");

	if (v == NULL || *v == 0)
		v = getenv("LC_CTYPE");
	if (v == NULL || *v == 0)
		v = getenv("LANG");
	/* The program itself runs in the C locale, whatever this says: only the terminal cares. */
	if (isatty(STDOUT_FILENO) && (v == NULL || (strcasestr(v, "utf-8") == NULL && strcasestr(v, "utf8") == NULL)))
		doctor_say(ex, WARN, "terminal", "export LANG=C.UTF-8, so that Persian sentences are shown", "the locale is %s",
		    v == NULL || *v == 0 ? "not set" : v);
	else
		doctor_say(ex, OK, "terminal", "", "locale %s", v == NULL || *v == 0 ? "not set" : v);
}

/* Those of the rule set that serve would start with. */
static void
take_audiences(struct exam *ex, const struct ruleset *rs)
{
	char **v = calloc(rs->n_rules * (sizeof rs->rules[0]->audience / sizeof rs->rules[0]->audience[0]) + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; v != NULL && i < rs->n_rules; i++)
		for (unsigned a = 0; a < rs->rules[i]->n_audience; a++) {
			size_t k = 0;

			while (k < n && strcmp(v[k], rs->rules[i]->audience[a]) != 0)
				k++;
			if (k == n && (v[n] = strdup(rs->rules[i]->audience[a])) != NULL)
				n++;
		}
	for (size_t i = 0; i < ex->n_audiences; i++)
		free(ex->audiences[i]);
	free(ex->audiences);
	ex->audiences = v;
	ex->n_audiences = n;
}

static void
check_rules(struct exam *ex, const char *given)
{
	struct ruleset_source src = {0};
	struct findings fi = {0};
	struct ruleset *rs = NULL;
	struct err err = {0};
	char *dir = NULL;

	if (rules_find(given, &dir, &err) == 0 && rules_gather(dir, false, NULL, 0, &src, &err) == 0)
		rs = ruleset_compile(&src, &fi, &err);
	if (rs == NULL)
		doctor_say(ex, FAIL, "rules", "`dideban check` shows every mistake with its place", "%s%s%s", fi.n > 0 ? fi.v[0].file : "",
		    fi.n > 0 ? ": " : "", fi.n > 0 ? fi.v[0].text : err.text);
	else
		doctor_say(ex, OK, "rules", "", "%zu rules and %zu event types in %s", rs->n_rules, contracts_count(rs->contracts), dir);
	if (rs != NULL)
		take_audiences(ex, rs);
	ruleset_free(rs);
	ruleset_source_free(&src);
	findings_free(&fi);
	free(dir);
}

static void
check_store(struct exam *ex, const char *dir, bool own_rules)
{
	struct stat st;
	struct node_options opt = {.dir = dir, .read_only = true};
	struct node *no = NULL;
	struct err err = {0};

	if (stat(dir, &st) != 0 && errno == ENOENT) {
		doctor_say(ex, OK, "store", "", "%s is not there yet; run or serve makes it", dir);
		return;
	}
	if (node_open(&no, &opt, &err) != 0) {
		doctor_say(ex, FAIL, "store",
		    err.code == ERR_CORRUPT ? "`dideban store verify` reads every byte; a backup brings it back (`dideban restore`)"
		    : err.code == ERR_USAGE ? "name the store's folder with --store; run and serve make a new one"
					    : "mend what the message names; what the store holds is safe",
		    "%s", err.text);
		return;
	}
	doctor_say(ex, OK, "store", "", "%s opens, with %zu live rules", dir, node_ruleset(no) == NULL ? 0 : node_ruleset(no)->n_rules);
	if (own_rules && node_ruleset(no) != NULL)
		take_audiences(ex, node_ruleset(no));
	node_abandon(no);
}

static void
check_inboxes(struct exam *ex, const struct config *co)
{
	if (!co->grants)
		doctor_say(ex, co->file == NULL ? OK : WARN, "grants", "name inboxes with their sources and types in the configuration",
		    "every source and type is granted");
	for (size_t i = 0; i < co->n_inboxes && co->grants; i++) {
		if (access(co->inboxes[i].dir, R_OK | X_OK) == 0)
			doctor_say(ex, OK, "inbox", "", "%s", co->inboxes[i].dir);
		else
			doctor_say(ex, WARN, "inbox", "make it, readable for this user", "%s: %s", co->inboxes[i].dir, strerror(errno));
	}
}

/* store NULL: not known. */
static void
check_machine(struct exam *ex, const struct config *co, const char *store)
{
	char *folder = store == NULL ? NULL : nearest_folder(store);

	check_clock(ex);
	check_memory(ex, co);
	if (folder != NULL) {
		check_file_system(ex, folder);
		check_space(ex, folder);
		check_sync(ex, folder);
	}
	check_locale(ex);
	free(folder);
}

/* What does not depend on a configuration that cannot be read: the machine, and what is named beside it. */
static int
examine_without(const struct args *ar, struct exam *ex, struct err *err)
{
	const char *store = args_text(ar, "--store"), *rules = args_text(ar, "--rules");
	struct config none = {0};

	doctor_say(ex, FAIL, "configuration", "mend it and ask again: nothing that it says was checked", "%s", err->text);
	if (config_load(&none, "/dev/null", err) != 0)
		return -1;
	check_machine(ex, &none, store);
	if (rules != NULL)
		check_rules(ex, rules);
	if (store != NULL)
		check_store(ex, store, rules == NULL);
	config_free(&none);
	return 0;
}

/* Its exit status. */
static int
check_kafka(struct exam *ex, struct config *co)
{
	struct err err = {0};

	if (doctor_kafka(ex, co, &err) == 0)
		return 0;
	if (err.code == ERR_USAGE)
		doctor_say(ex, FAIL, "settings", "mend the section kafka of the configuration", "%s", err.text);
	else if (err.code != ERR_SERVICE)
		doctor_say(ex, FAIL, "kafka", "see what the message names", "%s", err.text);
	return err.code == ERR_SERVICE ? err_exit_status(err.code) : 1;
}

static int
finish(const struct exam *ex, int status, struct err *err)
{
	if (!ex->json)
		printf("\n%" PRIu64 " ok, %" PRIu64 " warn, %" PRIu64 " fail\n", ex->n[OK], ex->n[WARN], ex->n[FAIL]);
	if (cli_flush(err) != 0)
		return cli_fail(err);
	return status != 0 ? status : ex->n[FAIL] > 0;
}

static int
examine(const struct args *ar, struct exam *ex, struct config *co, struct err *err)
{
	const char *store, *rules;
	bool kafka = args_flag(ar, "--kafka");
	int status = 0;

	if (config_load(co, args_text(ar, "--config"), err) != 0)
		return examine_without(ar, ex, err) == 0 ? finish(ex, 0, err) : cli_fail(err);
	if (kafka && co->kafka.brokers.text == NULL) {
		(void)err_set(err, ERR_USAGE,
		    "doctor --kafka: %s has no section kafka: add one (docs/operate-kafka.md), or name another configuration with --config",
		    co->file == NULL ? "the configuration" : co->file);
		return cli_fail(err);
	}
	doctor_say(ex, OK, "configuration", "", "%s", co->file == NULL ? "none: defaults" : co->file);
	store = args_text(ar, "--store") != NULL ? args_text(ar, "--store") : co->v[CONFIG_STORE].text;
	rules = args_text(ar, "--rules") != NULL ? args_text(ar, "--rules") : co->v[CONFIG_RULES].text[0] == 0 ? NULL : co->v[CONFIG_RULES].text;
	check_machine(ex, co, store);
	check_rules(ex, rules);
	check_store(ex, store, rules == NULL);
	check_inboxes(ex, co);
	if (kafka)
		status = check_kafka(ex, co);
	return finish(ex, status, err);
}
static int
cmd_doctor(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct config co = {0};
	struct exam ex = {0};
	int status;

	if (args_parse(&ar, &command_doctor, argc, argv, &err) != 0)
		return cli_fail(&err);
	ex.json = args_flag(&ar, "--json");
	status = examine(&ar, &ex, &co, &err);
	for (size_t i = 0; i < ex.n_audiences; i++)
		free(ex.audiences[i]);
	free(ex.audiences);
	config_free(&co);
	args_free(&ar);
	return status;
}
