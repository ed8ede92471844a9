#include "state/copy/manifest.h"

#include "state/base/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define FORMAT 1

void
manifest_free(struct manifest *ma)
{
	for (size_t i = 0; i < ma->n; i++)
		free(ma->files[i].path);
	free(ma->files);
	*ma = (struct manifest){0};
}

struct copy_file *
manifest_add(struct manifest *ma, const char *path, uint64_t bytes, struct err *err)
{
	struct copy_file *fi;

	if (ma->n >= LIMIT_COPY_FILES) {
		(void)err_set(err, ERR_LIMIT, "a backup of more than %d files is not supported", LIMIT_COPY_FILES);
		return NULL;
	}
	if (ma->n == ma->cap) {
		size_t cap = ma->cap == 0 ? 64 : ma->cap * 2;
		struct copy_file *files = realloc(ma->files, cap * sizeof *files);

		if (files == NULL) {
			(void)err_nomem(err);
			return NULL;
		}
		ma->files = files;
		ma->cap = cap;
	}
	fi = &ma->files[ma->n];
	*fi = (struct copy_file){.path = strdup(path), .bytes = bytes};
	if (fi->path == NULL) {
		(void)err_nomem(err);
		return NULL;
	}
	ma->n++;
	return fi;
}

void
manifest_remove(struct manifest *ma, const char *path)
{
	for (size_t i = 0; i < ma->n; i++) {
		if (strcmp(ma->files[i].path, path) != 0)
			continue;
		free(ma->files[i].path);
		ma->files[i] = ma->files[--ma->n];
		return;
	}
}

static int
by_path(const void *a, const void *b)
{
	const struct copy_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

const struct copy_file *
manifest_find(const struct manifest *ma, const char *path)
{
	struct copy_file key = {.path = (char *)(uintptr_t)path};

	return ma->n == 0 ? NULL : bsearch(&key, ma->files, ma->n, sizeof key, by_path);
}

/* "format", "db/NAME" or "journal/NAME", where NAME is letters, digits, '-', '_' and '.', not first: nothing that leads
 * out of the directory. */
static bool
path_allowed(const char *path)
{
	const char *name = path;

	if (strcmp(path, "format") == 0)
		return true;
	if (strncmp(path, "db/", 3) == 0)
		name = path + 3;
	else if (strncmp(path, "journal/", 8) == 0)
		name = path + 8;
	else
		return false;
	return name[0] != '.' && name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';
}

static int
file_from_json(struct manifest *ma, const json_t *item, const char *manifest_path, struct err *err)
{
	const char *path = NULL, *sha256 = NULL, *sum = NULL;
	json_int_t bytes = 0, last = 0;
	struct copy_file *fi;

	if (json_unpack((json_t *)(uintptr_t)item, "{s:s, s:I, s:s, s?I, s?s}", "path", &path, "bytes", &bytes, "sha256", &sha256, "last", &last,
		"sum", &sum) != 0 ||
	    !path_allowed(path) || bytes < 0 || last < 0 || strlen(sha256) != SHA256_HEX_BYTES - 1)
		return err_set(err, ERR_CORRUPT, "backup %s is damaged (the entry of file %zu); use another backup", manifest_path, ma->n + 1);
	fi = manifest_add(ma, path, (uint64_t)bytes, err);
	if (fi == NULL)
		return -1;
	memcpy(fi->sha256, sha256, SHA256_HEX_BYTES);
	fi->last = (uint64_t)last;
	fi->sum = sum == NULL ? 0 : strtoull(sum, NULL, 16);
	return 0;
}

/* N of "copy-N". */
static bool
copy_number(const char *data, uint64_t *ret)
{
	char *end;

	if (strncmp(data, "copy-", 5) != 0 || data[5] < '0' || data[5] > '9')
		return false;
	errno = 0;
	*ret = strtoull(data + 5, &end, 10);
	return errno == 0 && *end == '\0';
}

static int
manifest_from_json(struct manifest *ma, json_t *root, const char *path, struct err *err)
{
	const char *store = NULL, *data = NULL;
	json_int_t format = 0, journal_seq = 0, checkpoint_seq = 0;
	const json_t *files = NULL, *item;
	size_t i;

	if (json_unpack(root, "{s:I}", "format", &format) == 0 && format > FORMAT)
		return err_set(
		    err, ERR_NEWER, "backup %s has format %lld, this program reads %d: use a newer dideban", path, (long long)format, FORMAT);
	if (json_unpack(root, "{s:I, s:s, s:s, s:I, s:I, s:o}", "format", &format, "store", &store, "data", &data, "journal_seq", &journal_seq,
		"checkpoint_seq", &checkpoint_seq, "files", &files) != 0 ||
	    strlen(store) >= sizeof ma->store || strlen(data) >= sizeof ma->data || !copy_number(data, &ma->number) || !json_is_array(files) ||
	    journal_seq < 0 || checkpoint_seq < 0)
		return err_set(err, ERR_CORRUPT, "backup %s is damaged (a field is missing or wrong); use another backup", path);
	memcpy(ma->store, store, strlen(store) + 1);
	memcpy(ma->data, data, strlen(data) + 1);
	ma->journal_seq = (uint64_t)journal_seq;
	ma->checkpoint_seq = (uint64_t)checkpoint_seq;
	json_array_foreach(files, i, item) if (file_from_json(ma, item, path, err) != 0) return -1;
	if (ma->n != 0)
		qsort(ma->files, ma->n, sizeof ma->files[0], by_path);
	return 0;
}

int
manifest_read(struct manifest *ret, const char *backup, struct err *err)
{
	struct manifest ma = {0};
	json_error_t why;
	char path[PATH_MAX];
	struct stat st;
	json_t *root;
	int rc;

	if (file_path(path, backup, "manifest.json", err) != 0)
		return -1;
	if (stat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : file_err(err, "open", path);
	if ((uint64_t)st.st_size > LIMIT_MANIFEST_BYTES)
		return err_set(err, ERR_LIMIT, "backup %s is too large to be a list of files", path);
	root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (root == NULL)
		return err_set(err, ERR_CORRUPT, "backup %s is damaged (line %d: %s); use another backup", path, why.line, why.text);
	rc = manifest_from_json(&ma, root, path, err);
	json_decref(root);
	if (rc != 0) {
		manifest_free(&ma);
		return -1;
	}
	*ret = ma;
	return 1;
}

static json_t *
file_to_json(const struct copy_file *fi)
{
	char sum[24];
	json_t *item = json_pack("{s:s, s:I, s:s}", "path", fi->path, "bytes", (json_int_t)fi->bytes, "sha256", fi->sha256);

	if (item == NULL || (fi->last == 0 && fi->sum == 0))
		return item;
	(void)snprintf(sum, sizeof sum, "%016" PRIx64, fi->sum);
	if (json_object_set_new(item, "last", json_integer((json_int_t)fi->last)) != 0 || json_object_set_new(item, "sum", json_string(sum)) != 0) {
		json_decref(item);
		return NULL;
	}
	return item;
}

int
manifest_write(struct manifest *ma, const char *backup, struct err *err)
{
	time_t now = time(NULL);
	json_t *files = json_array(), *root = NULL;
	char made[32] = "", *text;
	struct tm tm;
	int rc = -1;

	if (ma->n != 0)
		qsort(ma->files, ma->n, sizeof ma->files[0], by_path);
	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(made, sizeof made, "%Y-%m-%dT%H:%M:%SZ", &tm);
	for (size_t i = 0; i < ma->n; i++)
		if (json_array_append_new(files, file_to_json(&ma->files[i])) != 0) {
			json_decref(files);
			return err_nomem(err);
		}
	root = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:o}", "format", FORMAT, "store", ma->store, "data", ma->data, "made_at", made,
	    "journal_seq", (json_int_t)ma->journal_seq, "checkpoint_seq", (json_int_t)ma->checkpoint_seq, "files", files);
	text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1));
	if (text == NULL)
		(void)err_nomem(err);
	else
		rc = file_replace(backup, "manifest.json", slice_str(text), false, err);
	free(text);
	json_decref(root);
	return rc;
}
