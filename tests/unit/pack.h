/* The shipped contracts, compiled, for tests. */
#ifndef DIDEBAN_TESTS_UNIT_PACK_H
#define DIDEBAN_TESTS_UNIT_PACK_H

#include "engine/event/contract.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static inline char *
pack_read(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	char *p = malloc(LIMIT_CONTRACT_BYTES + 1);

	*ret_n = 0;
	if (f != NULL && p != NULL) {
		*ret_n = fread(p, 1, LIMIT_CONTRACT_BYTES, f);
		p[*ret_n] = '\0';
	}
	if (f != NULL)
		(void)fclose(f);
	return p;
}

/* NULL (and the findings on standard error) if one of the files is wrong. */
static inline struct contracts *
pack_contracts(void)
{
	struct source_text sources[LIMIT_CONTRACTS];
	struct findings fi = {0};
	struct err err = {0};
	struct contracts *cs = NULL;
	struct dirent *entry;
	DIR *dir = opendir(SOURCE_DIR "/rules/events");
	size_t n = 0;

	while (dir != NULL && n < LIMIT_CONTRACTS && (entry = readdir(dir)) != NULL) {
		char path[1024];

		if (strstr(entry->d_name, ".json") == NULL)
			continue;
		(void)snprintf(path, sizeof path, "%s/rules/events/%s", SOURCE_DIR, entry->d_name);
		sources[n].name = slice_str(strdup(entry->d_name));
		sources[n].text.p = pack_read(path, &sources[n].text.n);
		n++;
	}
	if (dir != NULL)
		(void)closedir(dir);
	cs = contracts_compile(sources, n, &fi, &err);
	for (size_t i = 0; i < fi.n; i++)
		(void)fprintf(stderr, "%s:%u:%u: %s\n", fi.v[i].file, fi.v[i].line, fi.v[i].column, fi.v[i].text);
	findings_free(&fi);
	for (size_t i = 0; i < n; i++) {
		free((char *)sources[i].name.p);
		free((char *)sources[i].text.p);
	}
	return cs;
}

#endif
