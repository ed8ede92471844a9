#include "connectors/file/source.h"

#include "connectors/file/reader.h"

#include <stdlib.h>

/* The window over the input, and what of it is the item being read:
 *
 *   buf  0 ........ start ............. scanned ........ end ....... LIMIT_FILE_BUFFER
 *        yielded    item (its beginning) searched         read
 *
 * Of an item longer than LIMIT_EVENT_BYTES only the beginning stays; `dropped` counts the rest. */
struct file_source {
	char *name;
	struct reader rd;
	bool growing, ended, known; /* known: lines or array is decided */
	bool array, closed, element, comma, told;
	bool in_string, escaped;
	uint64_t depth; /* of brackets inside the element */
	uint64_t number, skip;
	char *buf;
	size_t start, scanned, end;
	uint64_t dropped;
	char last_dropped;
};

#define KEEP LIMIT_QUARANTINE_BYTES
/* An item with CR and LF that is just within the limit still fits. */
#define FULL (LIMIT_EVENT_BYTES + 2)

_Static_assert(LIMIT_FILE_BUFFER >= 2 * FULL, "an item within the limit must fit beside the next read");

int
file_source_open(struct file_source **ret, const char *name, const struct file_source_options *opt, struct err *err)
{
	struct file_source *fs = calloc(1, sizeof *fs);

	if (fs == NULL)
		return err_nomem(err);
	fs->rd.fd = -1;
	fs->name = strdup(name);
	fs->buf = malloc(LIMIT_FILE_BUFFER);
	if (fs->name == NULL || fs->buf == NULL) {
		file_source_close(fs);
		return err_nomem(err);
	}
	if (opt != NULL) {
		fs->growing = opt->growing;
		fs->skip = opt->skip;
	}
	if (reader_open(&fs->rd, fs->name, err) != 0) {
		file_source_close(fs);
		return -1;
	}
	*ret = fs;
	return 0;
}

void
file_source_close(struct file_source *fs)
{
	if (fs == NULL)
		return;
	reader_close(&fs->rd);
	free(fs->buf);
	free(fs->name);
	free(fs);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* 1: more bytes in the window; 0: end for now; -1: error. Call when everything up to `end` is searched. */
static int
fill(struct file_source *fs, struct err *err)
{
	long got;

	if (fs->ended)
		return 0;
	if (fs->end - fs->start > FULL) {
		fs->dropped += fs->end - fs->start - KEEP;
		fs->last_dropped = fs->buf[fs->end - 1];
		fs->end = fs->scanned = fs->start + KEEP;
	}
	if (fs->start > 0 && (fs->start == fs->end || LIMIT_FILE_BUFFER - fs->end < LIMIT_FILE_BUFFER / 2)) {
		memmove(fs->buf, fs->buf + fs->start, fs->end - fs->start);
		fs->end -= fs->start;
		fs->scanned -= fs->start;
		fs->start = 0;
	}
	got = reader_read(&fs->rd, fs->buf + fs->end, LIMIT_FILE_BUFFER - fs->end, err);
	if (got < 0)
		return -1;
	if (got == 0) {
		fs->ended = !fs->growing;
		return 0;
	}
	fs->end += (size_t)got;
	return 1;
}

/* One byte of an array's text: true when it ends the element (a comma or bracket outside of it). A raw newline cannot stand
 * in a JSON string: it ends one, so that a missing quote damages one element and not the rest of the file. */
static inline bool
scan_byte(struct file_source *fs, char c)
{
	if (fs->in_string) {
		if (fs->escaped)
			fs->escaped = false;
		else if (c == '\\')
			fs->escaped = true;
		else if (c == '"' || c == '\n')
			fs->in_string = false;
		return false;
	}
	switch (c) {
	case '"':
		fs->in_string = true;
		fs->escaped = false;
		return false;
	case '{':
	case '[':
		fs->depth++;
		return false;
	case '}':
		if (fs->depth > 0)
			fs->depth--;
		return false;
	case ']':
		if (fs->depth == 0)
			return true;
		fs->depth--;
		return false;
	case ',':
		return fs->depth == 0;
	default:
		return false;
	}
}

static void
scan_begin(struct file_source *fs)
{
	fs->depth = 0;
	fs->in_string = fs->escaped = false;
}

/* A first line of more than the window begins with `[`: is the array closed on it? Read once more from the start, in
 * constant memory. Standard input cannot be: there it counts as a line, and is too large. 1 yes, 0 no, -1 error. */
static int
closed_far_away(struct file_source *fs, struct err *err)
{
	char chunk[16 * 1024];
	struct reader rd;
	bool begun = false;
	long got;

	if (strcmp(fs->name, "-") == 0 || fs->growing)
		return 1;
	if (reader_open(&rd, fs->name, err) != 0)
		return -1;
	scan_begin(fs);
	while ((got = reader_read(&rd, chunk, sizeof chunk, err)) > 0) {
		for (long i = 0; i < got; i++) {
			char c = chunk[i];

			if (!begun) {
				begun = c == '[';
				continue;
			}
			if (c != '\n' && !(scan_byte(fs, c) && c == ']'))
				continue;
			reader_close(&rd);
			return c == ']';
		}
	}
	reader_close(&rd);
	return got < 0 ? -1 : 0;
}

/* Looks at the first line. 1: decided; 0: not enough bytes yet (or none at all); -1: error. */
static int
decide(struct file_source *fs, struct err *err)
{
	int r;

	for (;;) {
		const char *p = fs->buf + fs->start;
		size_t n = fs->end - fs->start, i = 0;
		bool out;

		if (fs->number == 0 && n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
			fs->start += 3;
			continue;
		}
		while (i < n && is_blank(p[i]))
			i++;
		if (i < n && p[i] != '[' && !(i == 0 && n < 3 && p[0] == '\xef')) {
			fs->known = true;
			break;
		}
		if (i < n && p[i] == '[') {
			scan_begin(fs);
			out = false;
			for (size_t j = i + 1; j < n && !out; j++) {
				if (p[j] == '\n' || (scan_byte(fs, p[j]) && p[j] == ']')) {
					fs->array = p[j] == '\n';
					out = true;
				}
			}
			if (!out && n > FULL) {
				r = closed_far_away(fs, err);
				if (r < 0)
					return -1;
				fs->array = r == 0;
				out = true;
			}
			if (out) {
				fs->known = true;
				if (fs->array)
					fs->start += i + 1;
				break;
			}
		} else if (n > FULL) { /* blanks without end: pass over them, counting their lines */
			for (size_t j = 0; j < i; j++)
				fs->number += p[j] == '\n';
			fs->start += i;
			continue;
		}
		r = fill(fs, err);
		if (r < 0)
			return -1;
		if (r == 0 && fs->growing)
			return 0;
		if (r == 0) {
			fs->known = true;
			fs->array = i < n && p[i] == '[';
			if (fs->array)
				fs->start += i + 1;
			break;
		}
	}
	scan_begin(fs);
	fs->scanned = fs->start;
	if (fs->array)
		fs->number = 0;
	return 1;
}

/* The item is buf[start .. stop) and `dropped` bytes more. */
static void
item_of(struct file_source *fs, size_t stop, enum event_fault fault, const char *detail, struct source_item *ret)
{
	size_t n = stop - fs->start;
	uint64_t full = n + fs->dropped;
	char last = fs->dropped != 0 && stop == fs->start + KEEP ? fs->last_dropped : n != 0 ? fs->buf[stop - 1] : 0;

	if (last == '\r' && full != 0) {
		full--;
		if (fs->dropped == 0)
			n--;
	}
	if (fault == FAULT_NONE && full > LIMIT_EVENT_BYTES) {
		fault = FAULT_TOO_LARGE;
		detail = "longer than the 256 KiB that an event may have";
	}
	/* What many programs write by default; the reason alone would not tell its author what to do. */
	if (!fs->array && n > 0 && fs->buf[fs->start] == '[' && (fault == FAULT_NONE || fault == FAULT_TOO_LARGE)) {
		fault = fault == FAULT_NONE ? FAULT_BAD_JSON : fault;
		detail = "a JSON array on one line, not an event: give each of its events a line of its own";
	}
	*ret = (struct source_item){
	    .raw = slice_of(fs->buf + fs->start, n > KEEP ? KEEP : n),
	    .full_bytes = full,
	    .fault = fault,
	    .detail = detail,
	    .pos = {slice_str(fs->name), ++fs->number},
	};
	fs->dropped = 0;
}

static bool
all_blank(const struct file_source *fs, size_t stop)
{
	if (fs->dropped != 0)
		return false;
	for (size_t i = fs->start; i < stop; i++)
		if (!is_blank(fs->buf[i]))
			return false;
	return true;
}

static int
next_line(struct file_source *fs, enum event_fault fault, const char *detail, struct source_item *ret, struct err *err)
{
	for (;;) {
		const char *nl = memchr(fs->buf + fs->scanned, '\n', fs->end - fs->scanned);
		size_t stop = nl == NULL ? fs->end : (size_t)(nl - fs->buf);
		int r;

		if (nl == NULL) {
			fs->scanned = fs->end;
			r = fill(fs, err);
			if (r < 0)
				return -1;
			if (r == 1)
				continue;
			if (!fs->ended || (fs->start == fs->end && fs->dropped == 0))
				return 0;
			stop = fs->end;
		}
		if (all_blank(fs, stop)) {
			if (!fs->array)
				fs->number++;
			fs->start = fs->scanned = stop + (nl != NULL);
			continue;
		}
		item_of(fs, stop, fault, detail, ret);
		fs->start = fs->scanned = stop + (nl != NULL);
		return 1;
	}
}

/* The file ends and the array is not closed. */
static int
unclosed(struct file_source *fs, struct source_item *ret)
{
	bool broken = fs->element && (fs->depth != 0 || fs->in_string);

	if (!fs->element && fs->told)
		return 0;
	if (fs->element && !broken) {
		fs->element = false;
		item_of(fs, fs->end, FAULT_NONE, NULL, ret);
	} else {
		fs->element = false;
		fs->told = true;
		item_of(fs, fs->end, FAULT_BAD_JSON,
		    broken ? "the file ends inside this element of its array" : "the array is not closed: the file may be cut short", ret);
	}
	fs->start = fs->scanned = fs->end;
	return 1;
}

/* Before an element. 1: it begins at `start`; 2: an item is made (nothing between commas); 3: the array was closed; 0: bytes are needed. */
static int
begin_element(struct file_source *fs, struct source_item *ret)
{
	while (fs->start < fs->end && is_blank(fs->buf[fs->start]))
		fs->start++;
	fs->scanned = fs->start;
	if (fs->start == fs->end)
		return 0;
	if (fs->buf[fs->start] == ',' || (fs->buf[fs->start] == ']' && fs->comma)) {
		item_of(fs, fs->start, FAULT_BAD_JSON, "no element of the array stands before this comma or bracket", ret);
		fs->closed = fs->buf[fs->start] == ']';
		fs->comma = true;
		fs->scanned = ++fs->start;
		return 2;
	}
	if (fs->buf[fs->start] == ']') {
		fs->closed = true;
		fs->scanned = ++fs->start;
		return 3;
	}
	fs->element = true;
	scan_begin(fs);
	return 1;
}

static int
next_element(struct file_source *fs, struct source_item *ret, struct err *err)
{
	int r;

	for (;;) {
		if (fs->closed)
			return next_line(fs, FAULT_BAD_JSON, "text after the end of the array", ret, err);
		if (!fs->element) {
			r = begin_element(fs, ret);
			if (r == 2)
				return 1;
			if (r == 3)
				continue;
		}
		if (fs->element) {
			size_t i = fs->scanned, stop;

			while (i < fs->end && !scan_byte(fs, fs->buf[i]))
				i++;
			fs->scanned = i;
			if (i < fs->end) {
				fs->element = false;
				fs->comma = fs->buf[i] == ',';
				fs->closed = !fs->comma;
				for (stop = i; stop > fs->start && is_blank(fs->buf[stop - 1]) && fs->dropped == 0; stop--)
					;
				item_of(fs, stop, FAULT_NONE, NULL, ret);
				fs->start = fs->scanned = i + 1;
				return 1;
			}
		}
		r = fill(fs, err);
		if (r < 0)
			return -1;
		if (r == 0)
			return fs->ended ? unclosed(fs, ret) : 0;
	}
}

int
file_source_next(struct file_source *fs, struct source_item *ret, struct err *err)
{
	int r;

	if (!fs->known && (r = decide(fs, err)) <= 0)
		return r;
	do
		r = fs->array ? next_element(fs, ret, err) : next_line(fs, FAULT_NONE, NULL, ret, err);
	while (r == 1 && ret->pos.number <= fs->skip);
	return r;
}

void
file_source_finish(struct file_source *fs)
{
	fs->growing = false;
}

uint64_t
file_source_waiting(const struct file_source *fs, bool *ret_whole)
{
	struct file_source scan = *fs;

	*ret_whole = false;
	if (all_blank(fs, fs->end) && !(fs->array && !fs->closed))
		return 0;
	if (!fs->array && fs->dropped == 0) {
		scan_begin(&scan);
		for (size_t i = fs->start; i < fs->end; i++)
			(void)scan_byte(&scan, fs->buf[i]);
		*ret_whole = scan.depth == 0 && !scan.in_string;
	}
	return fs->end - fs->start + fs->dropped;
}

void
file_source_progress(const struct file_source *fs, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = fs->rd.done;
	*ret_total = fs->rd.size;
}

uint64_t
file_source_number(const struct file_source *fs)
{
	return fs->number;
}
