#include "tools/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *
tint(FILE *f, enum tint t)
{
	static const char *const codes[] = {"\033[31m", "\033[33m", "\033[36m", "\033[32m", "\033[1m", "\033[2m", "\033[0m"};
	static int on[2] = {-1, -1};
	int i = f == stderr;

	if (on[i] < 0) {
		const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

		on[i] = isatty(fileno(f)) && (no == NULL || *no == 0) && (term == NULL || strcmp(term, "dumb") != 0);
	}
	return on[i] ? codes[t] : "";
}

enum tint
level_tint(enum alert_level level)
{
	return level == LEVEL_CRITICAL ? TINT_RED : level == LEVEL_WARNING ? TINT_YELLOW : TINT_CYAN;
}

int
cli_fail(const struct err *err)
{
	fflush(stdout);
	/* A reader that has seen enough (| head) needs no complaint. */
	if (strstr(err->text, strerror(EPIPE)) != NULL)
		return err_exit_status(err->code);
	fprintf(
	    stderr, "%sdideban:%s %s\n", tint(stderr, TINT_RED), tint(stderr, TINT_OFF), err->text[0] == 0 ? "failed without a reason" : err->text);
	return err->code == ERR_NONE ? 4 : err_exit_status(err->code);
}

void
cli_note(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%snote:%s ", tint(stderr, TINT_YELLOW), tint(stderr, TINT_OFF));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* The line of a file that a finding points at, with a caret under it. */
static void
show_line(const struct finding *fd, const char *path)
{
	struct buf text = {0};
	struct err err;
	const char *p, *end;
	unsigned line = 1;

	if (fd->line == 0 || read_file(path, LIMIT_CONFIG_BYTES, &text, &err) != 0) {
		buf_free(&text);
		return;
	}
	for (p = text.p; line < fd->line && p != NULL; line++) {
		p = strchr(p, '\n');
		p = p == NULL ? NULL : p + 1;
	}
	if (p != NULL) {
		end = strchrnul(p, '\n');
		fprintf(stderr, "  %.*s\n  ", (int)(end - p), p);
		for (unsigned i = 1; i < fd->column && p < end; p++) {
			if (((unsigned char)*p & 0xc0) == 0x80)
				continue;
			fputc(*p == '\t' ? '\t' : ' ', stderr);
			i++;
		}
		fprintf(stderr, "%s^%s\n", tint(stderr, TINT_GREEN), tint(stderr, TINT_OFF));
	}
	buf_free(&text);
}

void
cli_findings(const struct findings *fi, const char *dir)
{
	static const char *const below[] = {"", "events/"};
	char path[4096];

	fflush(stdout);
	for (size_t i = 0; i < fi->n; i++) {
		const struct finding *fd = &fi->v[i];

		(void)snprintf(path, sizeof path, "%s", fd->file);
		for (size_t j = 0; j < 2 && dir != NULL && access(path, R_OK) != 0; j++)
			(void)snprintf(path, sizeof path, "%s/%s%s", dir, below[j], fd->file);
		if (access(path, R_OK) != 0)
			(void)snprintf(path, sizeof path, "%s", fd->file);
		if (fd->line != 0)
			fprintf(stderr, "%s:%u:%u: ", path, fd->line, fd->column);
		else
			fprintf(stderr, "%s: ", path);
		fprintf(stderr, "%s%s:%s %s\n", tint(stderr, fd->warning ? TINT_YELLOW : TINT_RED), fd->warning ? "warning" : "error",
		    tint(stderr, TINT_OFF), fd->text);
		show_line(fd, path);
	}
}

int
cli_written(struct err *err)
{
	if (!ferror(stdout))
		return 0;
	return err_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "standard output cannot be written: %s", strerror(errno));
}

int
cli_flush(struct err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return err_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "standard output cannot be written: %s", strerror(errno));
}

const char *
grouped(uint64_t n)
{
	static char turns[8][32];
	static unsigned turn;
	char digits[24];
	char *out = turns[turn++ % 8];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
	size_t o = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[o++] = ',';
		out[o++] = digits[i];
	}
	out[o] = 0;
	return out;
}

/* Length of a character that must not reach a terminal, its code point in *ret; 0 if the byte is harmless. */
static size_t
harmful(const unsigned char *p, size_t n, unsigned *ret)
{
	*ret = p[0];
	if (p[0] < 0x20 || p[0] == 0x7f)
		return 1;
	if (n >= 2 && p[0] == 0xc2 && p[1] < 0xa0) { /* C1 controls */
		*ret = p[1];
		return 2;
	}
	if (n < 3 || p[0] != 0xe2)
		return 0;
	/* U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069: they turn the direction of what follows. */
	*ret = 0x2000u | (unsigned)(p[1] & 0x3f) << 6 | (p[2] & 0x3fu);
	if (*ret == 0x200e || *ret == 0x200f || (*ret >= 0x202a && *ret <= 0x202e) || (*ret >= 0x2066 && *ret <= 0x2069))
		return 3;
	return 0;
}

const char *
shown(struct slice s)
{
	static char turns[16][2048];
	static unsigned turn;
	char *out = turns[turn++ % 16];
	const unsigned char *p = (const unsigned char *)s.p;
	size_t o = 0, bad;
	unsigned code;

	for (size_t i = 0; i < s.n; i += bad == 0 ? 1 : bad) {
		if (o > sizeof turns[0] - 16) {
			memcpy(out + o, "...", 3);
			o += 3;
			break;
		}
		bad = harmful(p + i, s.n - i, &code);
		if (bad == 0)
			out[o++] = s.p[i];
		else
			o += (size_t)snprintf(out + o, 8, "\\u%04x", code);
	}
	out[o] = 0;
	return out;
}

double
seconds_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

void
progress_start(struct progress *pr, const char *what, uint64_t bytes_total)
{
	*pr = (struct progress){.what = what, .start = seconds_now(), .on = isatty(STDERR_FILENO), .bytes_total = bytes_total};
}

void
progress_show(struct progress *pr, uint64_t events, uint64_t bytes_done)
{
	double now, passed;

	if (!pr->on)
		return;
	now = seconds_now();
	passed = now - pr->start;
	if (passed < 1 || now - pr->shown < 0.2)
		return;
	pr->shown = now;
	pr->drawn = true;
	fprintf(stderr, "\r%s: %s events, %s a second", pr->what, grouped(events), grouped((uint64_t)((double)events / passed)));
	if (pr->bytes_total > bytes_done && bytes_done > 0) {
		uint64_t left = (uint64_t)(passed * (double)(pr->bytes_total - bytes_done) / (double)bytes_done);

		fprintf(stderr, ", %" PRIu64 ":%02" PRIu64 " left", left / 60, left % 60);
	}
	fprintf(stderr, "\033[K");
	fflush(stderr);
}

void
progress_end(struct progress *pr)
{
	if (pr->drawn)
		fprintf(stderr, "\r\033[K");
	pr->drawn = false;
}

uint64_t
files_bytes(const char *const *files, size_t n)
{
	uint64_t sum = 0;
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(files[i], "-") == 0 || stat(files[i], &st) != 0 || !S_ISREG(st.st_mode))
			return 0;
		sum += (uint64_t)st.st_size;
	}
	return sum;
}

void
print_json_string(FILE *f, struct slice s)
{
	struct buf b = {0};

	json_quote(&b, s);
	if (buf_ok(&b))
		fwrite(b.p, 1, b.n, f);
	buf_free(&b);
}

void
print_time(FILE *f, struct instant t)
{
	char text[INSTANT_TEXT_BYTES];

	(void)instant_format(t, text);
	fputs(text, f);
}
