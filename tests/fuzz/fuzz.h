/* What the fuzz targets share. A target calls must() for what has to hold whatever comes: libFuzzer takes the abort for a crash
 * and keeps the input. */
#ifndef DIDEBAN_TESTS_FUZZ_FUZZ_H
#define DIDEBAN_TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define must(holds)                                                                                                                                  \
	do {                                                                                                                                         \
		if (!(holds)) {                                                                                                                      \
			(void)fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #holds);                                                 \
			abort();                                                                                                                     \
		}                                                                                                                                    \
	} while (0)

#endif
