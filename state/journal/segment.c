#include "state/journal/segment.h"

#include "state/base/file.h"
#include "state/base/limits.h"

#include <inttypes.h>
#include <xxhash.h>

#define WINDOW_BYTES (256 * KIB)

static const char magic[8] = {'D', 'I', 'D', 'E', 'B', 'A', 'N', 'J'};

static void
put_u32(char *to, uint32_t v)
{
	to[0] = (char)v;
	to[1] = (char)(v >> 8);
	to[2] = (char)(v >> 16);
	to[3] = (char)(v >> 24);
}

static void
put_u64(char *to, uint64_t v)
{
	put_u32(to, (uint32_t)v);
	put_u32(to + 4, (uint32_t)(v >> 32));
}

static uint32_t
get_u32(const char *from)
{
	const unsigned char *c = (const unsigned char *)from;

	return (uint32_t)c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24;
}

static uint64_t
get_u64(const char *from)
{
	return get_u32(from) | (uint64_t)get_u32(from + 4) << 32;
}

void
segment_head_write(char *to, const struct segment *sg)
{
	memcpy(to, magic, sizeof magic);
	put_u32(to + 8, SEGMENT_FORMAT);
	put_u32(to + 12, 0);
	put_u64(to + 16, sg->id);
	put_u64(to + 24, sg->start);
	put_u64(to + 32, sg->seq_before);
	put_u64(to + 40, sg->sum_before);
	put_u64(to + 48, XXH3_64bits(to, 48));
}

int
segment_head_read(const char *from, size_t n, struct segment *ret, const char *path, struct err *err)
{
	if (n < SEGMENT_HEAD_BYTES || memcmp(from, magic, sizeof magic) != 0)
		return err_set(err, ERR_CORRUPT, "journal segment %s: this is not the beginning of a segment; restore the newest backup", path);
	if (get_u32(from + 8) > SEGMENT_FORMAT)
		return err_set(err, ERR_NEWER, "journal segment %s has format %" PRIu32 ", this program reads %u: use a newer dideban", path,
		    get_u32(from + 8), SEGMENT_FORMAT);
	if (get_u64(from + 48) != XXH3_64bits(from, 48))
		return err_set(err, ERR_CORRUPT, "journal segment %s: its header is damaged (checksum); restore the newest backup", path);
	ret->id = get_u64(from + 16);
	ret->start = get_u64(from + 24);
	ret->seq_before = get_u64(from + 32);
	ret->sum_before = get_u64(from + 40);
	return 0;
}

void
record_head_write(char *to, const struct record *re)
{
	put_u32(to, re->length);
	put_u32(to + 4, (uint32_t)re->kind | re->ahead << 8);
	put_u64(to + 8, re->seq);
	put_u64(to + 16, re->check);
	put_u64(to + 24, re->sum);
}

void
record_head_read(const char *from, struct record *ret)
{
	uint32_t kind_ahead = get_u32(from + 4);

	ret->length = get_u32(from);
	ret->kind = (uint8_t)kind_ahead;
	ret->ahead = kind_ahead >> 8;
	ret->seq = get_u64(from + 8);
	ret->check = get_u64(from + 16);
	ret->sum = get_u64(from + 24);
}

int
record_check(uint64_t id, const struct record *re, const struct slice *parts, size_t n_parts, uint64_t *ret)
{
	XXH3_state_t *state = XXH3_createState();
	char head[RECORD_HEAD_BYTES];

	if (state == NULL)
		return -1;
	record_head_write(head, re);
	(void)XXH3_64bits_reset_withSeed(state, id);
	(void)XXH3_64bits_update(state, head, 16);
	for (size_t i = 0; i < n_parts; i++)
		if (parts[i].n != 0)
			(void)XXH3_64bits_update(state, parts[i].p, parts[i].n);
	*ret = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return 0;
}

uint64_t
record_sum(uint64_t sum_before, uint64_t check)
{
	char both[16];

	put_u64(both, sum_before);
	put_u64(both + 8, check);
	return XXH3_64bits(both, sizeof both);
}

void
segment_scan_begin(struct segment_scan *sc, int fd, const char *path, const struct segment *sg)
{
	sc->fd = fd;
	sc->path = path;
	sc->id = sg->id;
	sc->offset = SEGMENT_HEAD_BYTES;
	sc->seq = sg->seq_before;
	sc->sum = sg->sum_before;
	segment_scan_refresh(sc);
}

void
segment_scan_free(struct segment_scan *sc)
{
	buf_free(&sc->window);
	buf_free(&sc->payload);
}

void
segment_scan_refresh(struct segment_scan *sc)
{
	buf_clear(&sc->window);
	sc->window_offset = 0;
}

/* n bytes at an offset through the window. 1 and *ret borrowed until the next call; 0: the file ends before; -1. */
static int
window_get(struct segment_scan *sc, uint64_t offset, size_t n, const char **ret, struct err *err)
{
	struct buf *wi = &sc->window;
	size_t want = n > WINDOW_BYTES ? n : WINDOW_BYTES;
	ssize_t got;

	if (offset >= sc->window_offset && offset - sc->window_offset <= wi->n && wi->n - (offset - sc->window_offset) >= n) {
		*ret = wi->p + (offset - sc->window_offset);
		return 1;
	}
	buf_clear(wi);
	if (buf_grow(wi, want) != 0)
		return err_nomem(err);
	got = file_read_at(sc->fd, wi->p, want, offset, sc->path, err);
	if (got < 0)
		return -1;
	wi->n = (size_t)got;
	sc->window_offset = offset;
	*ret = wi->p;
	return wi->n >= n ? 1 : 0;
}

/* Is the whole of a record, whose head was read, on the disk and undamaged? A small payload comes through the window;
 * a large one is read straight into its own buffer. */
static int
payload_proved(struct segment_scan *sc, uint64_t offset, const struct record *re, struct slice *ret, struct err *err)
{
	const char *p = "";
	uint64_t check;

	if (re->length > 0 && re->length <= WINDOW_BYTES / 2) {
		int rc = window_get(sc, offset + RECORD_HEAD_BYTES, re->length, &p, err);

		if (rc <= 0)
			return rc;
	} else if (re->length > 0) {
		ssize_t got;

		buf_clear(&sc->payload);
		if (buf_grow(&sc->payload, re->length) != 0)
			return err_nomem(err);
		got = file_read_at(sc->fd, sc->payload.p, re->length, offset + RECORD_HEAD_BYTES, sc->path, err);
		if (got < 0)
			return -1;
		if ((size_t)got < re->length)
			return 0;
		p = sc->payload.p;
	}
	*ret = slice_of(p, re->length);
	if (record_check(sc->id, re, ret, 1, &check) != 0)
		return err_nomem(err);
	return check == re->check ? 1 : 0;
}

int
segment_scan_next(struct segment_scan *sc, struct record *ret, struct slice *payload, struct err *err)
{
	struct record re;
	const char *p;
	int rc;

	rc = window_get(sc, sc->offset, RECORD_HEAD_BYTES, &p, err);
	if (rc <= 0)
		return rc;
	record_head_read(p, &re);
	if (re.kind == 0 || re.seq != sc->seq + 1 || re.length > LIMIT_RECORD_BYTES || re.sum != record_sum(sc->sum, re.check))
		return 0;
	if (payload != NULL) {
		rc = payload_proved(sc, sc->offset, &re, payload, err);
		if (rc <= 0)
			return rc;
	}
	sc->offset += RECORD_HEAD_BYTES + re.length;
	sc->seq = re.seq;
	sc->sum = re.sum;
	*ret = re;
	return 1;
}

static bool
all_zero(const char *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Could a record head stand at p, `distance` bytes behind the bad place? */
static bool
plausible(const struct segment_scan *sc, const char *p, uint64_t distance)
{
	struct record re;

	if (p[4] == 0)
		return false;
	record_head_read(p, &re);
	return re.seq > sc->seq && re.seq - sc->seq <= 1 + distance / RECORD_HEAD_BYTES && re.length <= LIMIT_RECORD_BYTES;
}

/* Does one of the n places in a chunk, read from `offset` of the file, begin a valid record that was written after the
 * one missing at sc->offset had been synced? */
static int
chunk_proves(struct segment_scan *sc, const char *chunk, size_t n, uint64_t offset, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct record re;
		struct slice payload;
		int rc;

		if (!plausible(sc, chunk + i, offset + i - sc->offset))
			continue;
		record_head_read(chunk + i, &re);
		if (re.seq - 1 - sc->seq <= re.ahead)
			continue;
		rc = payload_proved(sc, offset + i, &re, &payload, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
segment_scan_ahead(struct segment_scan *sc, struct err *err)
{
	struct segment_scan at = *sc;
	struct buf chunk = {0};
	uint64_t offset = sc->offset + 1;
	int rc = 0;

	at.window = at.payload = (struct buf){0};
	if (buf_grow(&chunk, WINDOW_BYTES) != 0)
		return err_nomem(err);
	while (rc == 0) {
		ssize_t got = file_read_at(sc->fd, chunk.p, WINDOW_BYTES, offset, sc->path, err);
		size_t n;

		if (got < 0)
			rc = -1;
		if (got < (ssize_t)RECORD_HEAD_BYTES)
			break;
		n = (size_t)got - RECORD_HEAD_BYTES + 1; /* places where a whole head can begin */
		if (!all_zero(chunk.p, (size_t)got))
			rc = chunk_proves(&at, chunk.p, n, offset, err);
		offset += n;
	}
	segment_scan_free(&at);
	buf_free(&chunk);
	return rc;
}
