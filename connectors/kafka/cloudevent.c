#include "connectors/kafka/cloudevent.h"

#include "engine/event/value.h"
#include "state/base/limits.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void
member(struct buf *b, struct slice name, struct slice value)
{
	buf_add_u8(b, b->n == 0 ? '{' : ',');
	json_quote(b, name);
	buf_add_u8(b, ':');
	json_quote(b, value);
}

/* Binary mode: headers ce_NAME are the attributes, the value is the data. Whether it is a good event is the engine's business:
 * a header that comes twice becomes a key that comes twice. */
static void
put_together(const rd_kafka_headers_t *headers, struct slice data, struct buf *b)
{
	const char *name;
	const void *value;
	size_t n;

	buf_clear(b);
	for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &n) == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
		struct slice text = slice_of(value == NULL ? "" : value, value == NULL ? 0 : n);

		if (strncasecmp(name, "ce_", 3) == 0)
			member(b, slice_str(name + 3), text);
		else if (strcasecmp(name, "content-type") == 0)
			member(b, slice_str("datacontenttype"), text);
	}
	if (data.n > 0) {
		buf_add_str(b, ",\"data\":");
		buf_add_slice(b, data);
	}
	buf_add_u8(b, '}');
}

static bool
is_binary(const rd_kafka_headers_t *headers)
{
	const void *value;
	size_t n;

	return rd_kafka_header_get_last(headers, "ce_specversion", &value, &n) == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       rd_kafka_header_get_last(headers, "ce_id", &value, &n) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

int
cloudevent_of(const rd_kafka_message_t *me, struct buf *scratch, struct source_item *ret)
{
	rd_kafka_headers_t *headers;

	ret->raw = slice_of(me->payload == NULL ? "" : me->payload, me->len);
	ret->full_bytes = me->len;
	if (me->len <= LIMIT_EVENT_BYTES && rd_kafka_message_headers(me, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR && is_binary(headers)) {
		put_together(headers, ret->raw, scratch);
		if (!buf_ok(scratch))
			return -1;
		ret->raw = buf_slice(scratch);
		ret->full_bytes = scratch->n;
	} else if (me->payload == NULL) {
		ret->fault = FAULT_BAD_JSON;
		ret->detail = "a message without value is no event; to take an event back, send a retraction";
		return 0;
	}
	if (ret->raw.n > LIMIT_EVENT_BYTES) {
		ret->fault = FAULT_TOO_LARGE;
		ret->detail = "a message over the limit of one event";
		ret->raw.n = LIMIT_EVENT_BYTES;
	}
	return 0;
}
