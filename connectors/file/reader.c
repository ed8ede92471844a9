#include "connectors/file/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARCHIVE_BLOCK 65536

static const struct packing {
	const char *suffix, *what, *to_plain;
	const char *magic; /* how its data begin: RFC 1952, the .xz file format 1.2.0, RFC 8878; no JSON begins so */
	int code;
	int (*add)(struct archive *);
} packings[] = {
    {".gz", "gzip", "zcat", "\x1f\x8b", ARCHIVE_FILTER_GZIP, archive_read_support_filter_gzip},
    {".xz", "xz", "xzcat", "\xfd\x37\x7a\x58\x5a", ARCHIVE_FILTER_XZ, archive_read_support_filter_xz},
    {".zst", "zstd", "zstdcat", "\x28\xb5\x2f\xfd", ARCHIVE_FILTER_ZSTD, archive_read_support_filter_zstd},
};

static const struct packing *
packing_of(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof packings / sizeof packings[0]; i++) {
		size_t m = strlen(packings[i].suffix);

		if (n > m && strcmp(name + n - m, packings[i].suffix) == 0)
			return &packings[i];
	}
	return NULL;
}

bool
reader_compressed(const char *name)
{
	return packing_of(name) != NULL;
}

static int
no_packing(const struct reader *rd, const struct packing *pk, struct err *err)
{
	return err_set(err, ERR_IO,
	    "%s: not a %s file, or cut short at its very start, although its name ends in %s; fetch or pack it again, or rename it if it is not "
	    "packed",
	    rd->name, pk->what, pk->suffix);
}

/* One filter, one entry: libarchive's "raw" format is the unpacked bytes themselves. */
static int
unpack_open(struct reader *rd, const struct packing *pk, struct err *err)
{
	struct archive_entry *entry;

	rd->ar = archive_read_new();
	if (rd->ar == NULL)
		return err_nomem(err);
	if (pk->add(rd->ar) != ARCHIVE_OK || archive_read_support_format_raw(rd->ar) != ARCHIVE_OK)
		return err_set(err, ERR_IO, "%s: this build cannot read %s files", rd->name, pk->what);
	if (archive_read_open_fd(rd->ar, rd->fd, ARCHIVE_BLOCK) != ARCHIVE_OK) {
		/* An empty file; this is ARCHIVE_ERRNO_FILE_FORMAT, which archive.h does not name. */
		if (archive_errno(rd->ar) == EILSEQ)
			return no_packing(rd, pk, err);
		return err_set(err, ERR_IO, "%s: %s", rd->name, archive_error_string(rd->ar));
	}
	/* Without the filter the bytes would come through as they stand and every line would be quarantined. */
	if (archive_filter_count(rd->ar) < 2 || archive_filter_code(rd->ar, 0) != pk->code)
		return no_packing(rd, pk, err);
	switch (archive_read_next_header(rd->ar, &entry)) {
	case ARCHIVE_OK:
	case ARCHIVE_EOF: /* nothing inside */
		return 0;
	default:
		return err_set(err, ERR_IO, "%s: %s: the file is damaged or cut short", rd->name, archive_error_string(rd->ar));
	}
}

int
reader_open(struct reader *ret, const char *name, struct err *err)
{
	struct reader rd = {.name = name, .fd = STDIN_FILENO};
	const struct packing *pk = packing_of(name);
	struct stat st;

	if (strcmp(name, "-") != 0) {
		rd.fd = open(name, O_RDONLY | O_CLOEXEC);
		if (rd.fd < 0)
			return err_set(err, ERR_IO, "%s: cannot be opened: %s", name, strerror(errno));
	}
	if (fstat(rd.fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		reader_close(&rd);
		return err_set(err, ERR_USAGE, "%s: is a directory; name its files, or let `dideban serve` follow it", name);
	}
	if (S_ISREG(st.st_mode)) {
		rd.size = (uint64_t)st.st_size;
		(void)posix_fadvise(rd.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	if (pk != NULL && unpack_open(&rd, pk, err) != 0) {
		reader_close(&rd);
		return -1;
	}
	*ret = rd;
	return 0;
}

void
reader_close(struct reader *rd)
{
	if (rd->ar != NULL)
		archive_read_free(rd->ar);
	if (rd->fd > STDIN_FILENO)
		(void)close(rd->fd);
	rd->ar = NULL;
	rd->fd = -1;
}

/* Block by block: archive_read_data would throw away what it had unpacked before an error. */
static long
unpack(struct reader *rd, char *p, size_t n, struct err *err)
{
	const void *block;
	la_int64_t at;
	int r;

	while (rd->block_bytes == 0) {
		r = archive_read_data_block(rd->ar, &block, &rd->block_bytes, &at);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return err_set(err, ERR_IO,
			    "%s: %s: the file is damaged or cut short; what came before stands, and a whole copy of it can be read again", rd->name,
			    archive_error_string(rd->ar));
		rd->block = block;
	}
	if (n > rd->block_bytes)
		n = rd->block_bytes;
	memcpy(p, rd->block, n);
	rd->block += n;
	rd->block_bytes -= n;
	rd->done = (uint64_t)archive_filter_bytes(rd->ar, -1);
	return (long)n;
}

/* Standard input has no name to tell by: packed, each of its lines would be set aside as bad JSON. */
static int
refuse_packed(const char *p, size_t n, struct err *err)
{
	for (size_t i = 0; i < sizeof packings / sizeof packings[0]; i++) {
		const struct packing *pk = &packings[i];

		if (n >= strlen(pk->magic) && memcmp(p, pk->magic, strlen(pk->magic)) == 0)
			return err_set(err, ERR_USAGE, "standard input is packed with %s: pipe it through %s, or name the file (--events FILE%s)",
			    pk->what, pk->to_plain, pk->suffix);
	}
	return 0;
}

long
reader_read(struct reader *rd, char *p, size_t n, struct err *err)
{
	ssize_t got;

	if (rd->ar != NULL)
		return unpack(rd, p, n, err);
	do
		got = read(rd->fd, p, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(err, ERR_IO, "%s: cannot be read: %s", rd->name, strerror(errno));
	if (rd->fd == STDIN_FILENO && rd->done == 0 && refuse_packed(p, (size_t)got, err) != 0)
		return -1;
	rd->done += (uint64_t)got;
	return got;
}
