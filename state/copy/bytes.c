#include "state/copy/manifest.h"

#include "state/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK_BYTES MIB

struct copying {
	const char *from_path, *to_path;
	int from, to;
	EVP_MD_CTX *sum;
	char *chunk;
};

static int
copy_loop(const struct copying *co, uint64_t max, uint64_t *ret_bytes, struct err *err)
{
	uint64_t offset = 0;

	while (offset < max) {
		size_t want = max - offset < CHUNK_BYTES ? (size_t)(max - offset) : CHUNK_BYTES;
		ssize_t got = file_read_at(co->from, co->chunk, want, offset, co->from_path, err);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		if (EVP_DigestUpdate(co->sum, co->chunk, (size_t)got) != 1)
			return err_set(err, ERR_IO, "cannot sum up %s", co->from_path);
		if (co->to >= 0 && file_write_at(co->to, co->chunk, (size_t)got, offset, co->to_path, err) != 0)
			return -1;
		offset += (uint64_t)got;
	}
	if (co->to >= 0 && fsync(co->to) != 0)
		return file_err(err, "sync", co->to_path);
	*ret_bytes = offset;
	return 0;
}

static int
sum_text(EVP_MD_CTX *sum, char ret[SHA256_HEX_BYTES])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_DigestFinal_ex(sum, bytes, &n) != 1 || n * 2 != SHA256_HEX_BYTES - 1)
		return -1;
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(ret + (size_t)2 * i, 3, "%02x", bytes[i]);
	return 0;
}

int
copy_bytes(const char *from, const char *to, uint64_t max, uint64_t *ret_bytes, char ret_sha256[SHA256_HEX_BYTES], struct err *err)
{
	struct copying co = {.from_path = from, .to_path = to, .from = open(from, O_RDONLY | O_CLOEXEC), .to = -1};
	int rc = -1;

	if (co.from < 0)
		return errno == ENOENT ? 0 : file_err(err, "open", from);
	co.sum = EVP_MD_CTX_new();
	co.chunk = malloc(CHUNK_BYTES);
	if (co.sum == NULL || co.chunk == NULL || EVP_DigestInit_ex(co.sum, EVP_sha256(), NULL) != 1)
		(void)err_nomem(err);
	else if (to != NULL && (co.to = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)) < 0)
		(void)file_err(err, "create", to);
	else
		rc = copy_loop(&co, max, ret_bytes, err);
	if (rc == 0 && sum_text(co.sum, ret_sha256) != 0)
		rc = err_set(err, ERR_IO, "cannot sum up %s", from);
	if (co.to >= 0 && close(co.to) != 0 && rc == 0)
		rc = file_err(err, "close", to);
	(void)close(co.from);
	EVP_MD_CTX_free(co.sum);
	free(co.chunk);
	return rc == 0 ? 1 : -1;
}
