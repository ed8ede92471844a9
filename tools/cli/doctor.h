/* What the checks of `dideban doctor` share. */
#ifndef DIDEBAN_TOOLS_CLI_DOCTOR_H
#define DIDEBAN_TOOLS_CLI_DOCTOR_H

#include "tools/cli/cli.h"
#include "tools/config.h"

enum verdict { OK, WARN, FAIL };
struct exam {
	bool json;
	uint64_t n[3];
	char **audiences; /* of the live rules, each once */
	size_t n_audiences;
};

void doctor_say(struct exam *ex, enum verdict v, const char *check, const char *cure, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The broker, its topics and our rights (the configuration has a section kafka). -1 as kafka_probe. */
int doctor_kafka(struct exam *ex, struct config *co, struct err *err);

#endif
