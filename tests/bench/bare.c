/* The bare loop: what it costs on this machine to read events, parse them, make them durable, keep two records of each on disk and
 * write rows, without rules: the floor that tests/bench/run holds the program against.
 *
 * usage: bare FILE EVENTS STORE ROWS-FILE ROWS ROW-BYTES [stages]
 * Reads a file of so many events through the program's source, parses each as the program does and walks over every field; appends
 * journal batches of 4,096 with one sync each; puts an identity and an entry of each event into sorted files, 100,000 events a
 * checkpoint; writes ROWS rows of ROW-BYTES bytes, evenly spread, each batch's behind its sync, as alerts are.
 * Left out, among others: contracts, duplicates, timelines, windows, Lua, episodes, rendering, reading anything back.
 * `stages` asks the clock at each stage (which costs, too) and prints seconds by stage as JSON. */
#include "connectors/file/source.h"
#include "engine/event/json_tree.h"
#include "state/base/file.h"
#include "state/base/limits.h"
#include "state/journal/journal.h"
#include "state/store/store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define BATCH 4096
#define CHECKPOINT 100000
#define ROWS_AT_ONCE 65536 /* bytes */

enum stage { READ, PARSE, JOURNAL, KEEP, CHECKPOINTS, PUBLISH, STAGES };
static const char *const stage_names[STAGES] = {"read", "parse", "journal", "keep", "checkpoint", "publish"};

static struct {
	bool on;
	enum stage now;
	double since, spent[STAGES];
} clockwork;

struct bare {
	struct store *store;
	struct journal *journal;
	struct changes *changes;
	struct json_tree tree;
	struct buf batch, key;
	struct buf rows_block; /* so many rows as are written at once */
	size_t row_bytes;
	uint64_t n, walked, rows, rows_total, events_total;
	int out;
	struct err err;
};

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void
enter(enum stage stage)
{
	double now;

	if (!clockwork.on)
		return;
	now = seconds();
	clockwork.spent[clockwork.now] += now - clockwork.since;
	clockwork.since = now;
	clockwork.now = stage;
}

/* Hashes every text and counts every value; *id, *source: of the envelope. */
static uint64_t
walk(const struct json_tree *jt, struct slice *id, struct slice *source)
{
	uint32_t end = json_next(jt, JSON_ROOT), depth = 0;
	uint64_t sum = 0;

	for (uint32_t at = JSON_ROOT; at < end;) {
		char c = json_letter(jt, at);

		if (c == '"') {
			struct slice s = json_text(jt, at);

			if (depth == 1 && slice_eq_str(s, "id") && json_letter(jt, at + 1) == '"')
				*id = json_text(jt, at + 1);
			else if (depth == 1 && slice_eq_str(s, "source") && json_letter(jt, at + 1) == '"')
				*source = json_text(jt, at + 1);
			sum += XXH3_64bits(s.p, s.n);
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		at += c == 'l' || c == 'u' || c == 'd' ? 2 : 1;
	}
	return sum;
}

/* An identity with the hash of the content, and an entry of the subject with 64 bytes of what came. */
static int
keep(struct bare *ba, struct slice raw, uint64_t content, struct slice id, struct slice source)
{
	char entry[64] = {0};

	buf_clear(&ba->key);
	buf_add_u8(&ba->key, 'I');
	buf_add_slice(&ba->key, source);
	buf_add_slice(&ba->key, id);
	if (!buf_ok(&ba->key) || changes_put(ba->changes, buf_slice(&ba->key), slice_of((const char *)&content, sizeof content), &ba->err) != 0)
		return -1;
	memcpy(entry, raw.p, raw.n < sizeof entry ? raw.n : sizeof entry);
	buf_clear(&ba->key);
	buf_add_u8(&ba->key, 'T');
	buf_add_u64_be(&ba->key, content); /* spread as subjects are */
	buf_add_u8(&ba->key, 0);
	buf_add_slice(&ba->key, id);
	return buf_ok(&ba->key) ? changes_put(ba->changes, buf_slice(&ba->key), slice_of(entry, sizeof entry), &ba->err) : -1;
}

static int
commit(struct bare *ba)
{
	struct slice part = buf_slice(&ba->batch);
	uint64_t seq, at, due = ba->rows_total * ba->n / ba->events_total;

	if (part.n == 0)
		return 0;
	enter(JOURNAL);
	if (journal_append(ba->journal, 1, &part, 1, &seq, &at, &ba->err) != 0 || journal_sync(ba->journal, &ba->err) != 0)
		return -1;
	buf_clear(&ba->batch);
	enter(PUBLISH);
	while (ba->rows < due) {
		size_t most = ba->rows_block.n / ba->row_bytes, k = due - ba->rows < most ? (size_t)(due - ba->rows) : most;

		if (write(ba->out, ba->rows_block.p, k * ba->row_bytes) != (ssize_t)(k * ba->row_bytes))
			return err_set(&ba->err, ERR_IO, "rows cannot be written");
		ba->rows += k;
	}
	enter(CHECKPOINTS);
	if (changes_count(ba->changes) >= (size_t)2 * CHECKPOINT || ba->n == ba->events_total)
		if (store_checkpoint(ba->store, ba->changes, seq, &ba->err) != 0 || journal_head(ba->journal, seq, &ba->err) != 0)
			return -1;
	enter(READ);
	return 0;
}

static int
loop(struct bare *ba, struct file_source *fs)
{
	struct source_item item;
	unsigned waiting = 0;
	int rc;

	enter(READ);
	while ((rc = file_source_next(fs, &item, &ba->err)) > 0) {
		struct slice id = {"", 0}, source = {"", 0};
		uint64_t sum;

		enter(PARSE);
		if (item.fault != FAULT_NONE || json_tree_read(&ba->tree, item.raw.p, item.raw.n) != JSON_OK)
			return err_set(&ba->err, ERR_INPUT, "line %" PRIu64 " is no event", item.pos.number);
		sum = walk(&ba->tree, &id, &source);
		ba->walked ^= sum;
		enter(KEEP);
		buf_add_blob(&ba->batch, item.raw);
		if (!buf_ok(&ba->batch) || keep(ba, item.raw, sum, id, source) != 0)
			return -1;
		ba->n++;
		if (++waiting == BATCH || ba->n == ba->events_total) {
			if (commit(ba) != 0)
				return -1;
			waiting = 0;
		}
		enter(READ);
	}
	return rc;
}

static int
play(struct bare *ba, char **argv)
{
	char journal[PATH_MAX];
	struct file_source *fs = NULL;
	int rc = -1;

	ba->events_total = strtoull(argv[2], NULL, 10);
	ba->rows_total = strtoull(argv[5], NULL, 10);
	ba->row_bytes = strtoull(argv[6], NULL, 10) + 1;
	do {
		for (size_t i = 1; i < ba->row_bytes; i++)
			buf_add_u8(&ba->rows_block, 'x');
		buf_add_u8(&ba->rows_block, '\n');
	} while (ba->rows_block.n + ba->row_bytes <= ROWS_AT_ONCE);
	ba->changes = changes_new();
	ba->out = open(argv[4], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (ba->events_total == 0 || ba->out < 0 || ba->changes == NULL || json_tree_init(&ba->tree, LIMIT_EVENT_BYTES, LIMIT_EVENT_DEPTH) != 0)
		return err_set(&ba->err, ERR_IO, "no events, or no memory, or %s cannot be written", argv[4]);
	if (store_open(&ba->store, argv[3], NULL, &ba->err) == 0 && file_path(journal, argv[3], "journal", &ba->err) == 0 &&
	    journal_open(&ba->journal, journal, NULL, &ba->err) == 0 && file_source_open(&fs, argv[1], NULL, &ba->err) == 0)
		rc = loop(ba, fs);
	file_source_close(fs);
	if (journal_close(ba->journal, rc == 0 ? &ba->err : NULL) != 0)
		rc = -1;
	store_close(ba->store);
	return rc;
}

int
main(int argc, char **argv)
{
	struct bare ba = {.out = -1};
	int rc;

	if (argc < 7) {
		(void)fprintf(stderr, "usage: bare FILE EVENTS STORE ROWS-FILE ROWS ROW-BYTES [stages]\n");
		return 2;
	}
	clockwork.on = argc > 7;
	clockwork.since = seconds();
	rc = play(&ba, argv);
	if (rc == 0 && ba.n != ba.events_total)
		rc = err_set(&ba.err, ERR_INPUT, "%" PRIu64 " events came", ba.n);
	if (rc != 0)
		(void)fprintf(stderr, "bare: %s\n", ba.err.text);
	else {
		printf("{\"events\":%" PRIu64 ",\"walked\":\"%016" PRIx64 "\",\"stages\":{", ba.n, ba.walked);
		for (int i = 0; i < STAGES; i++)
			printf("%s\"%s\":%.6f", i == 0 ? "" : ",", stage_names[i], clockwork.spent[i]);
		printf("}}\n");
	}
	changes_free(ba.changes);
	json_tree_free(&ba.tree);
	buf_free(&ba.batch);
	buf_free(&ba.key);
	buf_free(&ba.rows_block);
	if (ba.out >= 0)
		(void)close(ba.out);
	return rc == 0 ? 0 : 4;
}
