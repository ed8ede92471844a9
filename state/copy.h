/* Copies of a whole state directory (store and journal): made while another process runs on it, incremental, checksummed.
 *
 *   BACKUP/manifest.json   files with size and SHA-256, journal sequence, format
 *   BACKUP/...             the files; immutable ones (sorted files, full segments) are not copied again
 */
#ifndef DIDEBAN_STATE_COPY_H
#define DIDEBAN_STATE_COPY_H

#include "state/base/err.h"
#include "state/store/store.h"

struct copy_report {
	uint64_t files, copied_files, bytes, copied_bytes, journal_seq, checkpoint_seq;
};

/* Copies the state in `dir` into `backup` (made if missing). The copy is opened and verified before success is said. */
int state_backup(const char *dir, const char *backup, struct copy_report *ret, struct err *err);
/* Puts a verified backup into `dir`, which must not exist or be empty. */
int state_restore(const char *backup, const char *dir, struct copy_report *ret, struct err *err);
/* Verifies a state directory, also beside a running writer: every file's checksums, the journal's chain. */
int state_verify(const char *dir, struct store_report *ret, struct err *err);

#endif
