/* Inside of connectors/kafka. */
#ifndef DIDEBAN_CONNECTORS_KAFKA_PRIVATE_H
#define DIDEBAN_CONNECTORS_KAFKA_PRIVATE_H

#include "connectors/kafka/client.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

/* The connection of one client. librdkafka's callbacks run in the thread that polls it; others may read the figures. */
struct kafka_link {
	const struct kafka_options *opt;
	const char *what; /* for notes: "reading events", "publishing alerts"; NULL: says nothing, another client notes the same */
	pthread_mutex_t lock;
	struct kafka_figures figures;
	bool down;        /* said so */
	int64_t down_us;  /* when, by the monotonic clock */
	atomic_bool left; /* by us, not yet by its clients: says nothing more */
	rd_kafka_resp_err_t said;
	char reason[512]; /* of the last trouble, in librdkafka's words */
};

void link_init(struct kafka_link *ln, const struct kafka_options *opt, const char *what);
void link_free(struct kafka_link *ln);
/* The broker answered: says so if it was away. */
void link_up(struct kafka_link *ln);
void link_figures(struct kafka_link *ln, struct kafka_figures *ret);
/* "": there was no trouble. */
void link_reason(struct kafka_link *ln, char *ret, size_t size);
/* A printf to the operator. */
void link_note(const struct kafka_link *ln, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* `own`: settings that the program decides, ending with a NULL name: a configuration that sets one of them is refused.
 * ln becomes the client's opaque pointer; `opaque`, if not NULL, its message opaque (delivery reports). */
int client_new(rd_kafka_t **ret, rd_kafka_type_t type, struct kafka_link *ln, const struct kafka_setting *own,
    void (*on_delivery)(rd_kafka_t *rk, const rd_kafka_message_t *me, void *link), struct err *err);

/* Ends a client, in a thread of its own: librdkafka 2.0.2 never returns when one whose topic was deleted is to be destroyed in an
 * unlucky moment (its thread of the broker waits for a reference that nobody drops, as in its issue 3954). The handle is gone, the
 * link must live until clients_ended says true. ERR_LIMIT: too many do not end. */
int client_end(rd_kafka_t *rk, struct err *err);
/* Whether all have ended, within so many milliseconds. */
bool clients_ended(int ms);

#endif
