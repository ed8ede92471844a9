/* Inside the copies' room: one backup on its way, beside a running writer. What makes it consistent: the database's list of
 * files (MANIFEST) is copied first, its sorted files after it; if one of them was swept away meanwhile, the copy does not
 * open, and the list is copied again (a second time most files are there). The journal is copied after the database, so
 * it reaches at least as far. */
#ifndef DIDEBAN_STATE_COPY_BACKUP_H
#define DIDEBAN_STATE_COPY_BACKUP_H

#include "state/copy/manifest.h"
#include "state/store/store.h"

struct backup {
	const char *dir, *to;
	char data[PATH_MAX]; /* TO/copy-N, the new copy */
	int lock;
	struct manifest old, new;
	bool any_old;
};

/* Name of a file in the copy that `ma` speaks of. */
int backup_data_path(char ret[PATH_MAX], const struct backup *ba, const struct manifest *ma, const char *path, struct err *err);
/* Copies the first `max` bytes of DIR/path; 1: done, its entry is the last one; 0: it vanished; -1. */
int backup_file(struct backup *ba, const char *path, uint64_t max, struct err *err);
/* Takes a file over from the copy before: by a second name, or where the file system has none by copying it. */
int backup_keep(struct backup *ba, const struct copy_file *old, struct err *err);

int backup_database(struct backup *ba, struct store_report *ret, struct err *err);
int backup_journal(struct backup *ba, struct err *err);

#endif
