#include "connectors/kafka/sink.h"

#include "connectors/kafka/outbox.h"
#include "connectors/kafka/publisher.h"
#include "state/base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kafka_sink {
	struct kafka_sink_options opt;
	struct outbox box;
	struct publisher *pu;
	struct buf batch; /* rows of the batch under way */
};

int
kafka_sink_open(struct kafka_sink **ret, const struct kafka_sink_options *opt, struct err *err)
{
	struct kafka_sink *ks = calloc(1, sizeof *ks);

	if (ks == NULL)
		return err_nomem(err);
	ks->opt = *opt;
	outbox_init(&ks->box);
	if (publisher_start(&ks->pu, opt, &ks->box, err) != 0) {
		kafka_sink_close(ks);
		return -1;
	}
	*ret = ks;
	return 0;
}

void
kafka_sink_close(struct kafka_sink *ks)
{
	if (ks == NULL)
		return;
	outbox_end(&ks->box);
	publisher_end(ks->pu);
	outbox_free(&ks->box);
	buf_free(&ks->batch);
	free(ks);
}

static void
add_topic(struct buf *b, const struct kafka_sink_options *opt, const char *audience)
{
	char name[300];

	for (size_t i = 0; i < opt->n_audiences; i++)
		if (strcmp(opt->audiences[i].audience, audience) == 0) {
			buf_add_blob(b, slice_str(opt->audiences[i].topic));
			return;
		}
	(void)snprintf(name, sizeof name, "dideban.alerts.%s", audience);
	buf_add_blob(b, slice_str(name));
}

int
kafka_sink_message(struct kafka_sink *ks, const struct message *me, struct err *err)
{
	buf_add_u64(&ks->batch, me->batch);
	buf_add_blob(&ks->batch, me->alert_id);
	buf_add_blob(&ks->batch, me->json);
	buf_add_u8(&ks->batch, (uint8_t)me->rule->n_audience);
	for (unsigned i = 0; i < me->rule->n_audience; i++)
		add_topic(&ks->batch, &ks->opt, me->rule->audience[i]);
	return buf_ok(&ks->batch) ? 0 : err_nomem(err);
}

int
kafka_sink_batch(struct kafka_sink *ks, uint64_t batch, struct err *err)
{
	int rc;

	if (ks->batch.n == 0)
		return 0;
	rc = outbox_put(&ks->box, batch, &ks->batch, &ks->opt, err);
	buf_clear(&ks->batch);
	return rc;
}

int
kafka_sink_checkpoint(struct kafka_sink *ks, struct err *err)
{
	return outbox_drain(&ks->box, &ks->opt, err);
}

int
kafka_sink_check(struct kafka_sink *ks, struct err *err)
{
	return outbox_check(&ks->box, err);
}

bool
kafka_sink_gave_up(const struct kafka_sink *ks)
{
	return ks->box.gave_up;
}

void
kafka_sink_stats(struct kafka_sink *ks, struct kafka_sink_stats *ret)
{
	outbox_stats(&ks->box, ret);
}

void
kafka_sink_figures(struct kafka_sink *ks, struct kafka_figures *ret)
{
	publisher_figures(ks->pu, ret);
}
