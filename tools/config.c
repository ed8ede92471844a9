#include "tools/config_private.h"

#include "state/base/utf8.h"
#include "tools/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct config_key config_keys[] = {
    {"instance", CONFIG_TEXT, "local", "name of this installation, in the source of its messages: /dideban/INSTANCE"},
    {"store", CONFIG_PATH, "./dideban-store", "folder of the journal and the state"},
    {"rules", CONFIG_PATH, "",
	"folder of the rules, with their contracts in events/; empty: those that came with the program. `serve` makes it the live rule set at its "
	"start"},
    {"alerts", CONFIG_PATH, "./alerts.ndjson",
	"file that alerts are appended to; - is standard output. Where alerts go to Kafka there is none by default"},
    {"cache", CONFIG_SIZE, "512MiB", "memory for timelines in use and the filter of what is known"},
    {"partitions", CONFIG_NUMBER, "1", "partitions of the subjects in this process"},
    {"batch_events", CONFIG_NUMBER, "4096", "a batch is journalled once it holds so many events"},
    {"batch_delay", CONFIG_DURATION, "50ms", "or once its first event is so old; at once when nothing more waits"},
    {"checkpoint_events", CONFIG_NUMBER, "100000", "a checkpoint is made after so many events"},
    {"max_future", CONFIG_DURATION, "5m", "an event further ahead of the clock is quarantined"},
    {"tick", CONFIG_DURATION, "10s",
	"how often the clock is journalled by itself, so that alerts expire; never: no alert expires, for trials with events of the past"},
    {"poll", CONFIG_DURATION, "1s", "how often inboxes are looked through beside being told by the system"},
    {"settle", CONFIG_DURATION, "2s", "a packed file, or a last line without newline, is read once it is unchanged for so long"},
    {0},
};

static const char *const inbox_keys[] = {"directory", "sources", "types", "corrections"};

/* ERR_USAGE with file:line:column, what is wrong, the line and a caret. line and column from 1. */
static int
wrong(struct reading *rd, unsigned line, unsigned column, const char *what)
{
	const char *p = rd->text, *end;

	for (unsigned i = 1; i < line && p != NULL; i++) {
		p = strchr(p, '\n');
		p = p == NULL ? NULL : p + 1;
	}
	if (p == NULL || line == 0)
		return err_set(rd->err, ERR_USAGE, "%s: %s", rd->path, what);
	end = strchrnul(p, '\n');
	return err_set(rd->err, ERR_USAGE, "%s:%u:%u: %s\n  %.*s\n  %*s^", rd->path, line, column, what, end - p > 200 ? 200 : (int)(end - p), p,
	    (int)(column > 200 ? 0 : column - 1), "");
}

struct fy_mark
config_mark(struct fy_node *fyn)
{
	struct fy_token *fyt;
	void *prev = NULL;
	const struct fy_mark *fym;

	while (fyn != NULL && fy_node_get_type(fyn) != FYNT_SCALAR) {
		if (fy_node_is_sequence(fyn)) {
			fyn = fy_node_sequence_iterate(fyn, &prev);
		} else {
			struct fy_node_pair *pair = fy_node_mapping_iterate(fyn, &prev);

			fyn = pair == NULL ? NULL : fy_node_pair_key(pair);
		}
		prev = NULL;
	}
	fyt = fyn == NULL ? NULL : fy_node_get_scalar_token(fyn);
	fym = fyt == NULL ? NULL : fy_token_start_mark(fyt);
	return fym == NULL ? (struct fy_mark){0, -1, 0} : *fym;
}

int
config_wrong_at(struct reading *rd, struct fy_node *fyn, const char *fmt, ...)
{
	struct fy_mark m = config_mark(fyn);
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	if (m.line < 0)
		m = config_mark(rd->key);
	return wrong(rd, (unsigned)(m.line + 1), (unsigned)(m.column + 1), what);
}

/* The text of a scalar, in the configuration's arena; NULL with an error when it is none. */
const char *
config_scalar(struct reading *rd, struct fy_node *fyn, const char *key)
{
	size_t n = 0;
	const char *p = fy_node_is_scalar(fyn) ? fy_node_get_scalar(fyn, &n) : NULL;
	struct slice copy;

	if (p == NULL || n == 0) {
		(void)config_wrong_at(rd, fyn, "%s takes one value", key);
		return NULL;
	}
	copy = arena_copy(rd->arena, slice_of(p, n));
	if (copy.p == NULL)
		(void)err_nomem(rd->err);
	return copy.p;
}

/* A path as it is meant: relative to the folder of the file. */
const char *
config_resolve(struct reading *rd, const char *path)
{
	const char *slash = strrchr(rd->path, '/');
	struct buf b = {0};
	struct slice copy = {0};

	if (slash == NULL || path[0] == '/' || strcmp(path, "-") == 0)
		return path;
	buf_printf(&b, "%.*s/%s", (int)(slash - rd->path), rd->path, path);
	if (buf_ok(&b))
		copy = arena_copy(rd->arena, buf_slice(&b));
	buf_free(&b);
	if (copy.p == NULL)
		(void)err_nomem(rd->err);
	return copy.p;
}

/* Why a text is no value of its type, or NULL with *ret filled. */
const char *
config_convert(enum config_type type, const char *text, uint64_t *ret)
{
	int64_t ms = 0;

	switch (type) {
	case CONFIG_NUMBER:
		return parse_number(text, ret) == 0 ? NULL : "a whole number";
	case CONFIG_SIZE:
		return parse_size(text, ret) == 0 ? NULL : "a size with its unit, such as 256MiB";
	case CONFIG_DURATION:
		if (parse_duration(text, &ms) != 0)
			return "a duration with its unit, such as 50ms, 10s, 5m, 12h or 90d";
		*ret = (uint64_t)ms;
		return NULL;
	case CONFIG_TEXT:
	case CONFIG_PATH:
		break;
	}
	return NULL;
}

static int
check_range(enum config_id id, uint64_t v, const char **ret_why)
{
	*ret_why = NULL;
	if (id == CONFIG_PARTITIONS && (v < 1 || v > LIMIT_PARTITIONS))
		*ret_why = "must be from 1 to 64";
	if (id == CONFIG_BATCH_EVENTS && (v < 1 || v > LIMIT_BATCH_EVENTS))
		*ret_why = "must be from 1 to 4096";
	if (id == CONFIG_CHECKPOINT_EVENTS && v < 1)
		*ret_why = "must be at least 1";
	if (id == CONFIG_CACHE && v < LIMIT_CACHE_LEAST)
		*ret_why = "must be at least 1KiB";
	if (id == CONFIG_MAX_FUTURE && v < 1000)
		*ret_why = "must be at least 1s";
	if ((id == CONFIG_TICK || id == CONFIG_POLL) && (v < 10 || v > 86400000))
		*ret_why = "must be from 10ms to 1d";
	if (id == CONFIG_BATCH_DELAY && v > 60000)
		*ret_why = "must be at most 60s";
	return *ret_why == NULL ? 0 : -1;
}

static int
read_key(struct reading *rd, struct config *co, enum config_id id, struct fy_node *value)
{
	const struct config_key *ck = &config_keys[id];
	struct config_value *cv = &co->v[id];
	const char *why;

	cv->text = config_scalar(rd, value, ck->name);
	if (cv->text != NULL && ck->type == CONFIG_PATH)
		cv->text = config_resolve(rd, cv->text);
	if (cv->text == NULL)
		return -1;
	cv->line = (unsigned)(config_mark(value).line + 1);
	if (id == CONFIG_TICK && strcmp(cv->text, "never") == 0) {
		cv->number = 0;
		return 0;
	}
	why = config_convert(ck->type, cv->text, &cv->number);
	if (why != NULL)
		return config_wrong_at(rd, value, "%s takes %s", ck->name, why);
	if (check_range(id, cv->number, &why) != 0)
		return config_wrong_at(rd, value, "%s %s", ck->name, why);
	return 0;
}

int
config_list(struct reading *rd, struct fy_node *list, const char *key, const char *const **ret, size_t *ret_n)
{
	struct fy_node *item;
	void *prev = NULL;
	const char **v;
	size_t n = 0;
	int count = fy_node_is_sequence(list) ? fy_node_sequence_item_count(list) : -1;

	if (count <= 0)
		return config_wrong_at(rd, list, "%s takes a list, such as [\"/courts/*\"]; [\"*\"] grants all", key);
	if (count > LIMIT_GRANTS)
		return config_wrong_at(rd, list, "%s takes at most %d values", key, LIMIT_GRANTS);
	v = arena_alloc(rd->arena, (size_t)count * sizeof *v);
	if (v == NULL)
		return err_nomem(rd->err);
	while ((item = fy_node_sequence_iterate(list, &prev)) != NULL && n < (size_t)count) {
		v[n] = config_scalar(rd, item, key);
		if (v[n++] == NULL)
			return -1;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

int
config_grant_key(struct reading *rd, const char *name, struct fy_node *value, struct grant *gr)
{
	const char *text;

	if (strcmp(name, "sources") == 0)
		return config_list(rd, value, name, &gr->sources, &gr->n_sources) == 0 ? 1 : -1;
	if (strcmp(name, "types") == 0)
		return config_list(rd, value, name, &gr->types, &gr->n_types) == 0 ? 1 : -1;
	if (strcmp(name, "corrections") != 0)
		return 0;
	text = config_scalar(rd, value, name);
	if (text == NULL)
		return -1;
	gr->corrections = strcmp(text, "true") == 0;
	return gr->corrections || strcmp(text, "false") == 0 ? 1 : config_wrong_at(rd, value, "corrections takes true or false");
}

static int
read_inbox(struct reading *rd, struct config_inbox *ci, struct fy_node *map)
{
	struct fy_node_pair *pair;
	void *prev = NULL;
	int r = 0;

	if (!fy_node_is_mapping(map))
		return config_wrong_at(
		    rd, map, "each of inboxes has directory, sources, types and, if it may correct what others said, corrections: true");
	ci->line = (unsigned)(config_mark(map).line + 1);
	while (r >= 0 && (pair = fy_node_mapping_iterate(map, &prev)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
		const char *name = config_scalar(rd, key, "a key");
		const char *near;

		rd->key = key;
		if (name == NULL)
			return -1;
		if (strcmp(name, "directory") == 0) {
			ci->dir = config_scalar(rd, value, name);
			if (ci->dir != NULL)
				ci->dir = config_resolve(rd, ci->dir);
			r = ci->dir == NULL ? -1 : 0;
		} else if ((r = config_grant_key(rd, name, value, &ci->grant)) == 0) {
			near = suggest(slice_str(name), inbox_keys, sizeof inbox_keys / sizeof inbox_keys[0]);
			r = near != NULL
				? config_wrong_at(rd, key, "inboxes: unknown key %s; did you mean %s?", name, near)
				: config_wrong_at(rd, key, "inboxes: unknown key %s; there are directory, sources, types, corrections", name);
		}
	}
	if (r >= 0 && ci->dir == NULL)
		r = config_wrong_at(rd, map, "an inbox needs its directory");
	if (r >= 0 && (ci->grant.sources == NULL || ci->grant.types == NULL))
		r = config_wrong_at(rd, map, "an inbox needs sources and types: what may come through it; [\"*\"] grants all");
	return r < 0 ? -1 : 0;
}

static int
read_inboxes(struct reading *rd, struct config *co, struct fy_node *list)
{
	struct fy_node *item;
	void *prev = NULL;
	int n = fy_node_is_sequence(list) ? fy_node_sequence_item_count(list) : -1;

	if (n < 0)
		return config_wrong_at(rd, list, "inboxes takes a list of folders, each with directory, sources and types");
	if (n > LIMIT_INBOXES)
		return config_wrong_at(rd, list, "more than %d inboxes", LIMIT_INBOXES);
	co->grants = true;
	co->inboxes = arena_alloc(rd->arena, ((size_t)n + 1) * sizeof *co->inboxes);
	if (co->inboxes == NULL)
		return err_nomem(rd->err);
	memset(co->inboxes, 0, ((size_t)n + 1) * sizeof *co->inboxes);
	while ((item = fy_node_sequence_iterate(list, &prev)) != NULL)
		if (read_inbox(rd, &co->inboxes[co->n_inboxes++], item) != 0)
			return -1;
	return 0;
}

static int
unknown_key(struct reading *rd, struct fy_node *key, const char *name)
{
	const char *names[CONFIG_COUNT + 2], *near;

	for (int i = 0; i < CONFIG_COUNT; i++)
		names[i] = config_keys[i].name;
	names[CONFIG_COUNT] = "inboxes";
	names[CONFIG_COUNT + 1] = "kafka";
	near = suggest(slice_str(name), names, CONFIG_COUNT + 2);
	if (near != NULL)
		return config_wrong_at(rd, key, "unknown key %s; did you mean %s?", name, near);
	return config_wrong_at(rd, key, "unknown key %s; `dideban config --effective` lists them all", name);
}

static int
read_root(struct reading *rd, struct config *co, struct fy_node *root)
{
	struct fy_node_pair *pair;
	void *prev = NULL;
	int r = 0;

	if (root == NULL || fy_node_is_null(root))
		return 0;
	if (!fy_node_is_mapping(root))
		return config_wrong_at(rd, root, "a configuration is a list of `key: value`");
	while (r == 0 && (pair = fy_node_mapping_iterate(root, &prev)) != NULL) {
		struct fy_node *key = fy_node_pair_key(pair), *value = fy_node_pair_value(pair);
		const char *name = config_scalar(rd, key, "a key");
		int id = 0;

		rd->key = key;
		if (name == NULL)
			return -1;
		while (id < CONFIG_COUNT && strcmp(config_keys[id].name, name) != 0)
			id++;
		if (id < CONFIG_COUNT)
			r = read_key(rd, co, (enum config_id)id, value);
		else if (strcmp(name, "inboxes") == 0)
			r = read_inboxes(rd, co, value);
		else if (strcmp(name, "kafka") == 0)
			r = config_read_kafka(rd, co, value);
		else
			r = unknown_key(rd, key, name);
	}
	return r;
}

/* The library would print its own complaints; we collect them. */
static void
silent(struct fy_diag *diag, void *user, const char *text, size_t n)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)n;
}

/* Nothing but blanks, comments and a document's start: the library calls that an error. */
static bool
holds_nothing(const char *p)
{
	while (*p != 0) {
		const char *end = strchrnul(p, '\n');

		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
			p++;
		if (p < end && *p != '#' && !(end - p == 3 && memcmp(p, "---", 3) == 0))
			return false;
		p = *end == 0 ? end : end + 1;
	}
	return true;
}

/* What the library is not asked about: bytes that are no text, and directives, of which no configuration needs any. A line that
 * begins with %YAML and a control character keeps libfyaml 0.7.12 busy for ever. */
static int
refuse_strange(struct reading *rd, size_t n)
{
	unsigned line = 1, column = 1;

	if (!utf8_valid(slice_of(rd->text, n)))
		return wrong(rd, 0, 0, "is not UTF-8");
	for (const char *p = rd->text, *end = rd->text + n; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			return wrong(rd, line, column, "a control character");
		if (c == '%' && column == 1)
			return wrong(rd, line, column, "a configuration takes no directives (%...)");
		column = c == '\n' ? 1 : column + ((c & 0xc0) != 0x80);
		line += c == '\n';
	}
	return 0;
}

static int
read_text(const char *path, struct config *co, struct buf *text, struct err *err)
{
	struct reading rd = {path, text->p, err, &co->arena, NULL};
	struct fy_diag_cfg dc;
	struct fy_diag *diag;
	struct fy_parse_cfg pc = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG};
	struct fy_document *doc;
	struct fy_diag_error *de;
	void *prev = NULL;
	int r;

	if (text->p == NULL)
		return 0;
	if (refuse_strange(&rd, text->n) != 0)
		return -1;
	if (holds_nothing(text->p))
		return 0;
	fy_diag_cfg_default(&dc);
	dc.fp = NULL;
	dc.output_fn = silent;
	diag = fy_diag_create(&dc);
	if (diag == NULL)
		return err_nomem(err);
	fy_diag_set_collect_errors(diag, true);
	pc.diag = diag;
	doc = fy_document_build_from_string(&pc, text->p, text->n);
	de = fy_diag_errors_iterate(diag, &prev);
	if (de != NULL)
		r = wrong(&rd, de->line > 0 ? (unsigned)de->line : 0, de->column > 0 ? (unsigned)de->column : 1, de->msg);
	else if (doc == NULL)
		r = err_set(err, ERR_USAGE, "%s: is not YAML", path);
	else
		r = read_root(&rd, co, fy_document_root(doc));
	if (doc != NULL)
		fy_document_destroy(doc);
	fy_diag_destroy(diag);
	return r;
}

static int
read_whole(const char *path, struct buf *ret, struct err *err)
{
	FILE *f = fopen(path, "rbe");
	size_t got;

	if (f == NULL)
		return err_set(err, ERR_USAGE, "%s: the configuration cannot be opened: %s", path, strerror(errno));
	ret->max = LIMIT_CONFIG_BYTES + 1;
	do {
		if (buf_grow(ret, 4096) != 0)
			break;
		got = fread(ret->p + ret->n, 1, 4095, f);
		ret->n += got;
		ret->p[ret->n] = 0;
	} while (got > 0);
	if (ret->bad || ferror(f)) {
		(void)fclose(f);
		return err_set(err, ERR_USAGE, "%s: the configuration cannot be read, or is larger than 1 MiB", path);
	}
	(void)fclose(f);
	return 0;
}

static void
set_defaults(struct config *co)
{
	for (int i = 0; i < CONFIG_COUNT; i++) {
		co->v[i].text = config_keys[i].otherwise;
		(void)config_convert(config_keys[i].type, co->v[i].text, &co->v[i].number);
	}
}

static int
default_inbox(struct config *co, struct err *err)
{
	static const char *const all[] = {"*"};

	co->inboxes = arena_alloc(&co->arena, sizeof *co->inboxes);
	if (co->inboxes == NULL)
		return err_nomem(err);
	co->inboxes[0] = (struct config_inbox){"./inbox", {1, 1, all, all, true}, 0};
	co->n_inboxes = 1;
	return 0;
}

int
config_load(struct config *ret, const char *path, struct err *err)
{
	struct config co = {0};
	struct buf text = {0};

	if (path == NULL && access("dideban.yaml", F_OK) == 0)
		path = "dideban.yaml";
	set_defaults(&co);
	if (path != NULL) {
		co.file = arena_copy(&co.arena, slice_str(path)).p;
		if (co.file == NULL) {
			(void)err_nomem(err);
			goto fail;
		}
		if (read_whole(path, &text, err) != 0 || read_text(path, &co, &text, err) != 0)
			goto fail;
	}
	/* Who reads topics and names no folder wants none. */
	if (co.inboxes == NULL && co.kafka.n_topics == 0 && default_inbox(&co, err) != 0)
		goto fail;
	if (co.kafka.brokers.text != NULL && config_kafka_defaults(&co, err) != 0)
		goto fail;
	buf_free(&text);
	*ret = co;
	return 0;
fail:
	buf_free(&text);
	config_free(&co);
	return -1;
}

void
config_free(struct config *co)
{
	arena_free(&co->arena);
	*co = (struct config){0};
}

/* Whether the folder of `file` is `dir`. */
static bool
lies_in(const char *file, const char *dir)
{
	char *whole = realpath(file, NULL), *folder = realpath(dir, NULL);
	char *slash = whole == NULL ? NULL : strrchr(whole, '/');
	bool ret = false;

	if (slash != NULL && folder != NULL) {
		slash[slash == whole] = 0;
		ret = strcmp(whole, folder) == 0;
	}
	free(whole);
	free(folder);
	return ret;
}

const struct grant *
config_grant(const struct config *co, const char *file)
{
	static const struct grant nothing = {0};

	if (!co->grants)
		return NULL;
	for (size_t i = 0; i < co->n_inboxes; i++)
		if (lies_in(file, co->inboxes[i].dir))
			return &co->inboxes[i].grant;
	return &nothing;
}

void
config_origin(const struct config *co, unsigned line, struct buf *ret)
{
	if (line == 0)
		buf_add_str(ret, "default");
	else
		buf_printf(ret, "%s:%u", co->file, line);
}

void
config_markdown(struct buf *ret)
{
	buf_add_str(ret, "| key | default | meaning |\n|---|---|---|\n");
	for (const struct config_key *ck = config_keys; ck->name != NULL; ck++)
		buf_printf(ret, "| `%s` | %s%s%s | %s |\n", ck->name, ck->otherwise[0] == 0 ? "" : "`", ck->otherwise,
		    ck->otherwise[0] == 0 ? "" : "`", ck->help);
	buf_add_str(ret,
	    "| `inboxes` | one: `./inbox`, everything granted; none where `kafka: topics` are read | list of folders that `serve` follows, each with "
	    "`directory`, `sources` (`/courts` "
	    "grants the source itself and what is below it, `/courts/7`; a trailing `*` matches any rest), `types` (event types; a trailing `*` "
	    "likewise), "
	    "and `corrections: true` if it may retract what other sources said |\n");
	config_kafka_markdown(ret);
}
