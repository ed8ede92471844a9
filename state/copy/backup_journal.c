/* The journal of a backup. */
#include "state/copy/backup.h"
#include "state/journal/journal.h"

#include <inttypes.h>
#include <stdio.h>

/* The segments that the copy before has are taken over; of the last one, what is whole at this moment is copied. */
static int
backup_segments(struct backup *ba, const struct journal *jo, uint64_t *ret_new_from, struct err *err)
{
	uint64_t before = 0;
	bool all_old = true;

	for (size_t i = 0; i < journal_segments(jo); i++) {
		char name[JOURNAL_SEGMENT_NAME_BYTES], path[JOURNAL_SEGMENT_NAME_BYTES + 8];
		const struct copy_file *old;
		struct journal_segment sg;

		journal_segment(jo, i, &sg);
		journal_segment_name(sg.start, name);
		(void)snprintf(path, sizeof path, "journal/%s", name);
		old = manifest_find(&ba->old, path);
		if (old != NULL && old->bytes == sg.bytes && old->last == sg.last && old->sum == sg.sum) {
			if (backup_keep(ba, old, err) != 0)
				return -1;
		} else {
			struct copy_file *fi;
			int rc = backup_file(ba, path, sg.bytes, err);

			if (rc <= 0)
				return rc < 0
					   ? -1
					   : err_set(err, ERR_CORRUPT, "journal segment %s of %s vanished; restore the newest backup", name, ba->dir);
			fi = &ba->new.files[ba->new.n - 1];
			if (fi->bytes != sg.bytes)
				return err_set(err, ERR_CORRUPT, "journal segment %s of %s is shorter than its records; restore the newest backup",
				    name, ba->dir);
			fi->last = sg.last;
			fi->sum = sg.sum;
			if (all_old)
				*ret_new_from = before + 1;
			all_old = false;
		}
		before = sg.last;
	}
	return 0;
}

/* Reads the copied journal: the chain of the segments that are new in this backup, and the end of it. */
static int
journal_check(const char *dir, uint64_t from, uint64_t last, struct err *err)
{
	struct journal_options opt = {.read_only = true};
	struct journal_reader *rd = NULL;
	struct journal *jo = NULL;
	struct slice payload;
	uint64_t seq;
	uint8_t kind;
	int rc = journal_open(&jo, dir, &opt, err);

	if (rc != 0)
		return -1;
	if (journal_last(jo) != last)
		rc = err_set(err, ERR_CORRUPT, "the copied journal %s ends at record %" PRIu64 " instead of %" PRIu64, dir, journal_last(jo), last);
	if (rc == 0)
		rc = journal_reader_open(&rd, jo, from, err);
	if (rc == 0) {
		do
			rc = journal_reader_next(rd, &seq, &kind, &payload, NULL, err);
		while (rc == 1);
	}
	journal_reader_close(rd);
	(void)journal_close(jo, err);
	return rc;
}

int
backup_journal(struct backup *ba, struct err *err)
{
	struct journal_options opt = {.read_only = true};
	char from[PATH_MAX], to[PATH_MAX];
	struct journal *jo = NULL;
	uint64_t new_from = UINT64_MAX;
	int rc;

	if (file_path(from, ba->dir, "journal", err) != 0 || backup_data_path(to, ba, &ba->new, "journal", err) != 0 ||
	    journal_open(&jo, from, &opt, err) != 0)
		return -1;
	ba->new.journal_seq = journal_last(jo);
	rc = backup_segments(ba, jo, &new_from, err);
	if (rc == 0)
		rc = journal_copy_head(jo, to, ba->new.checkpoint_seq, err);
	(void)journal_close(jo, err);
	if (rc == 0) {
		char path[PATH_MAX], sha256[SHA256_HEX_BYTES];
		struct copy_file *fi;
		uint64_t bytes = 0;

		if (file_path(path, to, "head", err) != 0 || copy_bytes(path, NULL, UINT64_MAX, &bytes, sha256, err) != 1 ||
		    (fi = manifest_add(&ba->new, "journal/head", bytes, err)) == NULL)
			return -1;
		memcpy(fi->sha256, sha256, sizeof fi->sha256);
		fi->copied = true;
		rc = journal_check(to, new_from, ba->new.journal_seq, err);
	}
	return rc;
}
