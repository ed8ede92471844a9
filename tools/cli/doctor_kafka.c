#include "connectors/kafka/probe.h"
#include "tools/cli/doctor.h"
#include "tools/cli/kafka.h"

static void
found(void *ctx, const struct kafka_finding *fi)
{
	static const enum verdict verdicts[] = {[KAFKA_OK] = OK, [KAFKA_WARN] = WARN, [KAFKA_FAIL] = FAIL};

	doctor_say(ctx, verdicts[fi->verdict], fi->check, fi->cure, "%s", fi->found);
	/* The next may take seconds. */
	(void)fflush(stdout);
}

int
doctor_kafka(struct exam *ex, struct config *co, struct err *err)
{
	struct kafka_config kc = {0};
	struct kafka_probe_options opt = {.kafka = &kc.client,
	    .source = &kc.source,
	    .sink = co->kafka.publish ? &kc.sink : NULL,
	    .audiences = (const char *const *)ex->audiences,
	    .n_audiences = ex->n_audiences,
	    .found = found,
	    .ctx = ex};

	return kafka_config_of(co, &kc, err) != 0 ? -1 : kafka_probe(&opt, err);
}
