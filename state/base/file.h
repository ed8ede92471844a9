/* Small things about files that the rooms of the state share. No thread rule: nothing is kept. */
#ifndef DIDEBAN_STATE_BASE_FILE_H
#define DIDEBAN_STATE_BASE_FILE_H

#include "state/base/err.h"
#include "state/base/slice.h"

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

/* Of errno: ERR_FULL for a full disk or quota, else ERR_IO. The text says what was tried on which file, and the cure. */
int file_err(struct err *err, const char *what, const char *path);
/* "DIR/NAME"; ERR_USAGE if it is too long. */
int file_path(char ret[PATH_MAX], const char *dir, const char *name, struct err *err);

/* All of n bytes at an offset; a read that meets the end of the file returns what there is. */
ssize_t file_read_at(int fd, void *to, size_t n, uint64_t offset, const char *path, struct err *err);
int file_write_at(int fd, const void *from, size_t n, uint64_t offset, const char *path, struct err *err);

/* Reads "LABEL NUMBER" and what ends it, a newline or the end, from a small text file's content and moves behind it. */
bool file_number(const char **text, const char *label, int base, uint64_t *ret);

/* Makes a new directory for what lasts no longer than the process: in TMPDIR, else /tmp. */
int file_temporary_dir(char ret[PATH_MAX], struct err *err);
/* Removes a directory with everything in it, following no link. */
int file_remove_tree(const char *dir, struct err *err);

int file_sync_dir(const char *dir, struct err *err);
/* DIR/NAME holds `bytes` whole or is as it was: written as NAME.tmp, synced, renamed, and the directory synced. */
int file_replace(const char *dir, const char *name, struct slice bytes, bool no_sync, struct err *err);

#endif
