/* A journal's folder after something went wrong with its bytes. Checksums would keep a fuzzer out, so the input says what is
 * written and what is damaged afterwards:
 *
 *   u8 known * 128 + flips | flips * (u16 place, u8 mask) | records: u8 kind, u8 length, bytes ... to the end
 *
 * Whatever is damaged: opening and reading ends, and what is read is a beginning of what was written; all of it, or an error,
 * if the file `head` knows of it. The payloads of a batch and a rule set are decoded too, as they are. */
#include "engine/flow/batch.h"
#include "engine/flow/ruleset.h"
#include "state/journal/private.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/pack.h"
#include "tests/unit/scratch.h"

#define RECORDS_MAX 64

static struct scratch scratch;
static struct contracts *contracts;
static struct event_parser *parser;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	scratch_open(&scratch);
	contracts = pack_contracts();
	must(contracts != NULL);
	parser = event_parser_new(contracts, 7);
	must(parser != NULL);
	return 0;
}

struct written {
	size_t n;
	uint8_t kind[RECORDS_MAX];
	struct slice payload[RECORDS_MAX];
};

static void
write_image(struct rd *r, struct written *wr, struct buf *image)
{
	struct segment sg = {.id = 7, .start = 0};
	uint64_t sum = 0;
	char head[SEGMENT_HEAD_BYTES];

	segment_head_write(head, &sg);
	buf_add(image, head, sizeof head);
	while (rd_left(r) > 1 && wr->n < RECORDS_MAX) {
		struct record re = {.kind = rd_u8(r), .seq = wr->n + 1};
		size_t length = rd_u8(r);
		struct slice payload = rd_bytes(r, length < rd_left(r) ? length : rd_left(r));

		if (re.kind == 0)
			re.kind = 1;
		re.length = (uint32_t)payload.n;
		must(record_check(sg.id, &re, &payload, 1, &re.check) == 0);
		re.sum = sum = record_sum(sum, re.check);
		record_head_write(head, &re);
		buf_add(image, head, RECORD_HEAD_BYTES);
		buf_add_slice(image, payload);
		wr->kind[wr->n] = re.kind;
		wr->payload[wr->n++] = payload;
	}
}

/* All records are those that were written; returns how many, -1 on an error. */
static int
read_all(struct journal *jo, const struct written *wr)
{
	struct journal_reader *rd = NULL;
	struct err err = {0};
	struct slice payload;
	uint64_t seq, at;
	uint8_t kind;
	size_t n = 0;
	int rc;

	if (journal_reader_open(&rd, jo, 1, &err) != 0)
		return -1;
	while ((rc = journal_reader_next(rd, &seq, &kind, &payload, &at, &err)) == 1) {
		must(seq == n + 1 && n < wr->n);
		must(kind == wr->kind[n] && slice_eq(payload, wr->payload[n]));
		n++;
	}
	journal_reader_close(rd);
	return rc < 0 ? -1 : (int)n;
}

static int
open_and_read(const struct written *wr, bool read_only)
{
	struct journal_options options = {.segment_bytes = MIB, .read_only = read_only, .no_sync = true};
	struct journal *jo = NULL;
	struct err err = {0};
	int n;

	if (journal_open(&jo, scratch_path(&scratch, "j"), &options, &err) != 0) {
		must(err.text[0] != '\0');
		return -1;
	}
	n = read_all(jo, wr);
	(void)journal_close(jo, &err);
	return n;
}

static void
decode(const struct written *wr)
{
	for (size_t i = 0; i < wr->n; i++) {
		struct ruleset_source rs = {0};
		struct batch ba = {0};
		struct err err = {0};
		size_t at;

		if (wr->kind[i] == RECORD_BATCH && batch_decode(&ba, wr->payload[i], parser, &at, &err) == 0)
			must(at <= wr->payload[i].n);
		batch_free(&ba);
		if (wr->kind[i] == RECORD_RULES && ruleset_decode(wr->payload[i], &rs, &err) == 0)
			ruleset_source_free(&rs);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r = rd_of(slice_of((const char *)data, size));
	unsigned first = rd_u8(&r), flips = first & 127;
	struct slice damage = rd_bytes(&r, 3 * (size_t)flips < rd_left(&r) ? 3 * (size_t)flips : rd_left(&r));
	struct buf image = {.max = MIB};
	struct written wr = {0};
	struct journal_head he = {.id = 7};
	struct err err = {0};
	char name[PATH_MAX];
	int n;

	write_image(&r, &wr, &image);
	must(buf_ok(&image));
	for (size_t i = 0; i + 3 <= damage.n; i += 3)
		image.p[((unsigned char)damage.p[i] | (unsigned)(unsigned char)damage.p[i + 1] << 8) % image.n] ^= damage.p[i + 2];
	scratch_remove(scratch_path(&scratch, "j"));
	must(mkdir(scratch_path(&scratch, "j"), 0700) == 0);
	(void)snprintf(name, sizeof name, "%s/j/%016x.seg", scratch.dir, 0);
	scratch_write(name, image.p, image.n);
	he.last = (first & 128) != 0 ? wr.n : 0;
	must(journal_head_write(scratch_path(&scratch, "j"), &he, true, &err) == 0);
	n = open_and_read(&wr, true);
	must(n <= (int)wr.n && (damage.n >= 3 || n == (int)wr.n) && (he.last == 0 || n == -1 || n == (int)wr.n));
	/* Who writes cuts a torn tail; what is left reads the same twice. */
	n = open_and_read(&wr, false);
	must(n <= (int)wr.n && open_and_read(&wr, true) == n);
	decode(&wr);
	buf_free(&image);
	return 0;
}
