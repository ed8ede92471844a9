/* A configuration file: read, or an error with its place. */
#include "state/base/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tools/config.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char path[64];
static int fd = -1;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fd = memfd_create("dideban.yaml", MFD_CLOEXEC);
	must(fd >= 0);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config co = {0};
	struct err err = {0};

	must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	if (config_load(&co, path, &err) == 0) {
		for (int i = 0; i < CONFIG_COUNT; i++)
			must(co.v[i].text != NULL);
		(void)config_grant(&co, "in/x.ndjson");
	} else {
		must(err.code == ERR_USAGE && err.text[0] != '\0');
	}
	config_free(&co);
	return 0;
}
