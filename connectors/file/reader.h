/* The bytes of a file, unpacked if its name ends in .gz, .xz or .zst. Plain files go straight through read(). One thread. */
#ifndef DIDEBAN_CONNECTORS_FILE_READER_H
#define DIDEBAN_CONNECTORS_FILE_READER_H

#include "state/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive;
struct reader {
	const char *name; /* borrowed, for messages */
	int fd;
	struct archive *ar; /* NULL: plain */
	const char *block;  /* unpacked, not yet handed over */
	size_t block_bytes;
	uint64_t done, size; /* bytes of the file; size 0: unknown */
};

int reader_open(struct reader *ret, const char *name, struct err *err);
void reader_close(struct reader *rd);
/* Bytes read, 0 at the end (a plain file may have more later), -1 with an error that names the file. */
long reader_read(struct reader *rd, char *p, size_t n, struct err *err);
bool reader_compressed(const char *name);

#endif
