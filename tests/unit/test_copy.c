#include "state/copy.h"
#include "state/journal/journal.h"
#include "state/store/store.h"

#include "tests/unit/scratch.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

struct fixture {
	struct scratch sc;
	char dir[PATH_MAX], backup[PATH_MAX], back[PATH_MAX];
	struct err err;
};

static int
setup(void **state)
{
	struct fixture *fx = calloc(1, sizeof *fx);

	if (fx == NULL)
		return -1;
	scratch_open(&fx->sc);
	(void)snprintf(fx->dir, sizeof fx->dir, "%s/state", fx->sc.dir);
	(void)snprintf(fx->backup, sizeof fx->backup, "%s/backup", fx->sc.dir);
	(void)snprintf(fx->back, sizeof fx->back, "%s/back", fx->sc.dir);
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;

	scratch_close(&fx->sc);
	free(fx);
	return 0;
}

#define KEYS 200

/* A state whose parts prove each other: record s says s; checkpoint s has every key at s. */
struct both {
	struct store *st;
	struct journal *jo;
	struct changes *ch;
};

static void
both_open(struct fixture *fx, const char *dir, struct both *bo, bool quick)
{
	struct store_options opt = {.min_free_bytes = quick ? 0 : 1, .temporary = quick};
	struct journal_options how = {.segment_bytes = 8192, .no_sync = quick};
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof path, "%s/journal", dir);
	if (store_open(&bo->st, dir, &opt, &fx->err) != 0 || journal_open(&bo->jo, path, &how, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	bo->ch = changes_new();
}

static void
both_close(struct fixture *fx, struct both *bo)
{
	assert_int_equal(journal_close(bo->jo, &fx->err), 0);
	store_close(bo->st);
	changes_free(bo->ch);
}

static void
record(struct fixture *fx, struct both *bo)
{
	char text[300];
	int n = snprintf(text, sizeof text, "%llu%250s", (unsigned long long)journal_last(bo->jo) + 1, "");
	struct slice part = {text, (size_t)n};
	uint64_t seq, at;

	if (journal_append(bo->jo, 1, &part, 1, &seq, &at, &fx->err) != 0 || journal_sync(bo->jo, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
}

static void
checkpoint(struct fixture *fx, struct both *bo)
{
	uint64_t seq = journal_last(bo->jo);
	char key[16], value[32];

	(void)snprintf(value, sizeof value, "%llu", (unsigned long long)seq);
	for (unsigned i = 0; i < KEYS; i++) {
		(void)snprintf(key, sizeof key, "k%u", i);
		assert_int_equal(changes_put(bo->ch, slice_str(key), slice_str(value), &fx->err), 0);
	}
	if (store_checkpoint(bo->st, bo->ch, seq, &fx->err) != 0 || journal_head(bo->jo, seq, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
}

/* `records` more, a checkpoint after the last but `tail`. */
static void
grow(struct fixture *fx, const char *dir, unsigned records, unsigned tail)
{
	struct both bo;

	both_open(fx, dir, &bo, true);
	for (unsigned i = 0; i < records; i++) {
		record(fx, &bo);
		if (i + 1 + tail == records)
			checkpoint(fx, &bo);
	}
	both_close(fx, &bo);
}

static void
expect_state(struct fixture *fx, const char *dir, uint64_t last, uint64_t checkpoint_seq)
{
	struct journal_reader *rd = NULL;
	struct slice payload;
	struct buf value = {0};
	uint64_t seq, count = 0;
	struct both bo;
	uint8_t kind;
	char want[32];

	both_open(fx, dir, &bo, true);
	assert_int_equal(journal_last(bo.jo), last);
	assert_int_equal(store_checkpoint_seq(bo.st), checkpoint_seq);
	assert_int_equal(journal_reader_open(&rd, bo.jo, 1, &fx->err), 0);
	while (journal_reader_next(rd, &seq, &kind, &payload, NULL, &fx->err) == 1) {
		int n = snprintf(want, sizeof want, "%llu ", (unsigned long long)seq);

		assert_memory_equal(payload.p, want, (size_t)n);
		count++;
	}
	assert_int_equal(count, last);
	journal_reader_close(rd);
	(void)snprintf(want, sizeof want, "%llu", (unsigned long long)checkpoint_seq);
	for (unsigned i = 0; i < KEYS; i++) {
		char key[16];

		(void)snprintf(key, sizeof key, "k%u", i);
		assert_int_equal(store_get(bo.st, slice_str(key), &value, &fx->err), 1);
		assert_true(slice_eq_str(buf_slice(&value), want));
	}
	buf_free(&value);
	both_close(fx, &bo);
}

static struct copy_report
backup(struct fixture *fx)
{
	struct copy_report report = {0};

	if (state_backup(fx->dir, fx->backup, &report, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	return report;
}

static void
restore(struct fixture *fx, const char *to)
{
	struct copy_report report = {0};

	if (state_restore(fx->backup, to, &report, &fx->err) != 0)
		fail_msg("%s", fx->err.text);
	assert_true(report.files > 0 && report.bytes > 0);
}

static void
a_backup_restored_is_the_same_state(void **state)
{
	struct fixture *fx = *state;
	struct copy_report report;
	struct store_report verified;

	grow(fx, fx->dir, 100, 7);
	report = backup(fx);
	assert_int_equal(report.journal_seq, 100);
	assert_int_equal(report.checkpoint_seq, 93);
	assert_int_equal(report.copied_files, report.files);
	restore(fx, fx->back);
	expect_state(fx, fx->back, 100, 93);
	assert_int_equal(state_verify(fx->back, &verified, &fx->err), 0);
	assert_int_equal(verified.journal_records, 100);
	assert_int_equal(verified.checkpoint_seq, 93);
	assert_int_equal(verified.keys, KEYS);
	/* It goes on as any state does. */
	grow(fx, fx->back, 10, 2);
	expect_state(fx, fx->back, 110, 108);
	expect_state(fx, fx->dir, 100, 93);
}

static void
the_next_backup_copies_only_what_is_new(void **state)
{
	struct fixture *fx = *state;
	struct copy_report first, same, next;
	char path[PATH_MAX];

	grow(fx, fx->dir, 200, 7);
	first = backup(fx);
	same = backup(fx);
	assert_int_equal(same.files, first.files);
	assert_true(same.copied_files <= 6); /* the small ones that always are: format, CURRENT, MANIFEST, head ... */
	assert_true(same.copied_bytes < first.copied_bytes / 4);
	grow(fx, fx->dir, 100, 0);
	next = backup(fx);
	assert_true(next.copied_files < next.files);
	assert_true(next.copied_bytes < next.bytes);
	assert_int_equal(next.journal_seq, 300);
	/* Only one copy stays. */
	assert_true(scratch_find(fx->backup, "3", path));
	assert_int_equal(scratch_size(scratch_path(&fx->sc, "backup/copy-2")), -1);
	restore(fx, fx->back);
	expect_state(fx, fx->back, 300, 300);
}

static void
a_backup_beside_a_busy_writer_is_whole(void **state)
{
	struct fixture *fx = *state;
	uint64_t last = 0;
	pid_t pid;

	grow(fx, fx->dir, 3, 0);
	pid = fork();
	if (pid == 0) {
		struct both bo;

		both_open(fx, fx->dir, &bo, false);
		for (unsigned i = 0;; i++) {
			record(fx, &bo);
			if (i % 4 == 0)
				checkpoint(fx, &bo);
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		struct copy_report report = backup(fx);
		struct store_report verified;

		assert_true(report.journal_seq >= last && report.checkpoint_seq <= report.journal_seq);
		last = report.journal_seq;
		restore(fx, fx->back);
		expect_state(fx, fx->back, report.journal_seq, report.checkpoint_seq);
		scratch_remove(fx->back);
		if (state_verify(fx->dir, &verified, &fx->err) != 0)
			fail_msg("%s", fx->err.text);
		assert_true(verified.journal_records >= report.journal_seq);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(last > 3);
}

static void
every_damaged_file_of_a_backup_is_named_and_nothing_is_restored(void **state)
{
	struct fixture *fx = *state;
	struct copy_report report;
	json_t *manifest, *files, *item;
	size_t i;

	grow(fx, fx->dir, 60, 5);
	(void)backup(fx);
	manifest = json_load_file(scratch_path(&fx->sc, "backup/manifest.json"), 0, NULL);
	assert_non_null(manifest);
	files = json_object_get(manifest, "files");
	assert_true(json_array_size(files) > 6);
	json_array_foreach(files, i, item)
	{
		char path[2 * PATH_MAX], away[2 * PATH_MAX + 8];
		const char *name = json_string_value(json_object_get(item, "path"));

		(void)snprintf(path, sizeof path, "%s/copy-1/%s", fx->backup, name);
		if (scratch_size(path) > 0) {
			scratch_flip(path, scratch_size(path) / 2, 8);
			assert_int_equal(state_restore(fx->backup, fx->back, &report, &fx->err), -1);
			assert_int_equal(fx->err.code, ERR_CORRUPT);
			assert_non_null(strstr(fx->err.text, name));
			scratch_flip(path, scratch_size(path) / 2, 8);
		}
		(void)snprintf(away, sizeof away, "%s.away", path);
		assert_int_equal(rename(path, away), 0);
		assert_int_equal(state_restore(fx->backup, fx->back, &report, &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_CORRUPT);
		assert_non_null(strstr(fx->err.text, name));
		assert_int_equal(rename(away, path), 0);
		assert_int_equal(scratch_size(fx->back), -1);
	}
	json_decref(manifest);
	restore(fx, fx->back);
	expect_state(fx, fx->back, 60, 55);
}

static void
a_manifest_that_is_not_right_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
	} cases[] = {
	    {"", ERR_CORRUPT},
	    {"{}", ERR_CORRUPT},
	    {"{\"format\": 99}", ERR_NEWER},
	    {"{\"format\":1,\"format\":1}", ERR_CORRUPT},
	    {"{\"format\":1,\"store\":\"a\",\"data\":\"../x\",\"journal_seq\":1,\"checkpoint_seq\":1,\"files\":[]}", ERR_CORRUPT},
	    {"{\"format\":1,\"store\":\"a\",\"data\":\"copy-1/../..\",\"journal_seq\":1,\"checkpoint_seq\":1,\"files\":[]}", ERR_CORRUPT},
	    {"{\"format\":1,\"store\":\"a\",\"data\":\"copy-1\",\"journal_seq\":1,\"checkpoint_seq\":1,\"files\":[{\"path\":\"../../"
	     "evil\",\"bytes\":0,\"sha256\":"
	     "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]}",
		ERR_CORRUPT},
	    {"{\"format\":1,\"store\":\"a\",\"data\":\"copy-1\",\"journal_seq\":1,\"checkpoint_seq\":1,\"files\":[{\"path\":\"db/../../"
	     "evil\",\"bytes\":0,\"sha256\":"
	     "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]}",
		ERR_CORRUPT},
	    {"{\"format\":1,\"store\":\"a\",\"data\":\"copy-1\",\"journal_seq\":1,\"checkpoint_seq\":1,\"files\":[{\"path\":\"format\",\"bytes\":0,"
	     "\"sha256\":\"short\"}]}",
		ERR_CORRUPT},
	    {"{\"format\":1,\"store\":\"a\",\"data\":\"copy-1\",\"journal_seq\":-1,\"checkpoint_seq\":1,\"files\":[]}", ERR_CORRUPT},
	};
	struct fixture *fx = *state;
	struct copy_report report;

	assert_int_equal(state_restore(fx->backup, fx->back, &report, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_USAGE);
	grow(fx, fx->dir, 5, 1);
	(void)backup(fx);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		scratch_write(scratch_path(&fx->sc, "backup/manifest.json"), cases[i].text, strlen(cases[i].text));
		assert_int_equal(state_restore(fx->backup, fx->back, &report, &fx->err), -1);
		assert_int_equal(fx->err.code, cases[i].code);
		assert_non_null(strstr(fx->err.text, "manifest.json"));
		assert_int_equal(scratch_size(fx->back), -1);
		assert_int_equal(state_backup(fx->dir, fx->backup, &report, &fx->err), -1);
	}
}

static void
other_directories_are_left_alone(void **state)
{
	struct fixture *fx = *state;
	struct copy_report report;
	char other[2 * PATH_MAX];

	grow(fx, fx->dir, 5, 1);
	/* A backup into a directory with other things. */
	assert_int_equal(mkdir(fx->backup, 0750), 0);
	scratch_write(scratch_path(&fx->sc, "backup/letter.txt"), "x", 1);
	assert_int_equal(state_backup(fx->dir, fx->backup, &report, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_USAGE);
	assert_non_null(strstr(fx->err.text, "letter.txt"));
	assert_int_equal(unlink(scratch_path(&fx->sc, "backup/letter.txt")), 0);
	(void)backup(fx);
	/* The backup of another store. */
	(void)snprintf(other, sizeof other, "%s/other", fx->sc.dir);
	grow(fx, other, 5, 1);
	assert_int_equal(state_backup(other, fx->backup, &report, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_USAGE);
	assert_non_null(strstr(fx->err.text, "another store"));
	/* A restore over something. */
	assert_int_equal(state_restore(fx->backup, other, &report, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_USAGE);
	assert_non_null(strstr(fx->err.text, "not empty"));
	expect_state(fx, other, 5, 4);
	/* What is no store. */
	assert_int_equal(mkdir(fx->back, 0750), 0);
	assert_int_equal(state_backup(fx->back, fx->backup, &report, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_USAGE);
	restore(fx, fx->back); /* into an empty directory */
	expect_state(fx, fx->back, 5, 4);
}

static void
a_backup_that_was_interrupted_leaves_the_one_before_whole(void **state)
{
	struct fixture *fx = *state;
	struct copy_report report;

	grow(fx, fx->dir, 50, 1);
	(void)backup(fx);
	/* What a killed backup leaves, and one whose manifest was never written because of damage at the source. */
	assert_int_equal(mkdir(scratch_path(&fx->sc, "backup/copy-2"), 0750), 0);
	assert_int_equal(mkdir(scratch_path(&fx->sc, "backup/copy-2/db"), 0750), 0);
	scratch_write(scratch_path(&fx->sc, "backup/copy-2/db/CURRENT"), "half", 4);
	scratch_write(scratch_path(&fx->sc, "backup/manifest.json.tmp"), "{", 1);
	restore(fx, fx->back);
	expect_state(fx, fx->back, 50, 49);
	grow(fx, fx->dir, 5, 1);
	scratch_flip(scratch_path(&fx->sc, "state/journal/0000000000000000.seg"), 200, 1);
	scratch_write(scratch_path(&fx->sc, "state/journal/head"), "bad", 3);
	assert_int_equal(state_backup(fx->dir, fx->backup, &report, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
	scratch_remove(fx->back);
	restore(fx, fx->back);
	expect_state(fx, fx->back, 50, 49);
}

static void
verify_finds_damage_in_store_and_journal(void **state)
{
	struct fixture *fx = *state;
	struct store_report report = {0};
	char path[PATH_MAX];

	grow(fx, fx->dir, 100, 3);
	assert_int_equal(state_verify(fx->dir, &report, &fx->err), 0);
	assert_int_equal(report.journal_records, 100);
	for (off_t at = 60; at < 6000; at += 397) {
		const char *segment = scratch_path(&fx->sc, "state/journal/0000000000000000.seg");

		scratch_flip(segment, at, 2);
		assert_int_equal(state_verify(fx->dir, &report, &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_CORRUPT);
		assert_non_null(strstr(fx->err.text, "0000000000000000.seg"));
		scratch_flip(segment, at, 2);
	}
	assert_true(scratch_find(scratch_path(&fx->sc, "state/db"), ".sst", path));
	scratch_flip(path, 30, 2);
	assert_int_equal(state_verify(fx->dir, &report, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_CORRUPT);
	scratch_flip(path, 30, 2);
	assert_int_equal(state_verify(fx->dir, &report, &fx->err), 0);
	scratch_remove(scratch_path(&fx->sc, "state/journal"));
	assert_int_equal(state_verify(fx->dir, &report, &fx->err), -1);
	assert_int_equal(state_verify(fx->back, &report, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_USAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_backup_restored_is_the_same_state),
	    TEST(the_next_backup_copies_only_what_is_new),
	    TEST(a_backup_beside_a_busy_writer_is_whole),
	    TEST(every_damaged_file_of_a_backup_is_named_and_nothing_is_restored),
	    TEST(a_manifest_that_is_not_right_is_refused),
	    TEST(other_directories_are_left_alone),
	    TEST(a_backup_that_was_interrupted_leaves_the_one_before_whole),
	    TEST(verify_finds_damage_in_store_and_journal),
	};

	return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
