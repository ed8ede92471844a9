#include "connectors/kafka/source_private.h"

#include "connectors/kafka/limits.h"
#include "state/base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASKED 16       /* partitions that are asked for their end at one look */
#define STALL_MS 10000 /* how long a partition that holds more may yield nothing */

void
parts_free(struct kafka_source *ks)
{
	for (size_t i = 0; i < ks->n_parts; i++)
		free(ks->parts[i].topic);
	for (size_t i = 0; ks->patterns != NULL && i < ks->opt.n_topics; i++)
		regfree(&ks->patterns[i]);
	free(ks->parts);
	free(ks->patterns);
	free(ks->waited);
}

int
parts_compile_patterns(struct kafka_source *ks, struct err *err)
{
	ks->patterns = calloc(ks->opt.n_topics + 1, sizeof *ks->patterns);
	ks->waited = calloc(ks->opt.n_topics + 1, sizeof *ks->waited);
	if (ks->patterns == NULL || ks->waited == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < ks->opt.n_topics; i++) {
		struct buf b = {0};
		int rc;

		buf_printf(&b, "^(%s)$", ks->opt.topics[i].pattern ? ks->opt.topics[i].name : "x");
		buf_add_u8(&b, 0);
		rc = buf_ok(&b) ? regcomp(&ks->patterns[i], b.p, REG_EXTENDED | REG_NOSUB) : REG_ESPACE;
		buf_free(&b);
		if (rc != 0) {
			char why[128];

			(void)regerror(rc, NULL, why, sizeof why);
			ks->opt.n_topics = i; /* those to free */
			return err_set(err, ERR_USAGE, "kafka: topics: pattern %s: %s", ks->opt.topics[i].name, why);
		}
	}
	return 0;
}

static void
name_stream(char ret[STREAM_BYTES], const struct part *pa, unsigned generation)
{
	if (generation == 1)
		(void)snprintf(ret, STREAM_BYTES, "%s/%" PRId32, pa->topic, pa->partition);
	else
		(void)snprintf(ret, STREAM_BYTES, "%s/%" PRId32 "#%u", pa->topic, pa->partition, generation);
}

/* Goes on where the store says: behind the last message of the newest generation that it has seen. */
static int
find_position(struct kafka_source *ks, struct part *pa, struct err *err)
{
	uint64_t last = 0, number;
	char stream[STREAM_BYTES];
	int rc;

	pa->next = RD_KAFKA_OFFSET_BEGINNING;
	name_stream(pa->stream, pa, 1);
	for (pa->generation = 1;; pa->generation++) {
		name_stream(stream, pa, pa->generation);
		rc = ks->opt.position(ks->opt.ctx, slice_str(stream), &number, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
		last = number;
	}
	if (pa->generation == 1)
		return 0;
	pa->generation--;
	name_stream(pa->stream, pa, pa->generation);
	pa->next = (int64_t)last + 1;
	pa->check = true;
	return 0;
}

struct part *
part_find(struct kafka_source *ks, const char *topic, int32_t partition)
{
	struct part *pa = ks->parts != NULL && ks->hit < ks->n_parts ? &ks->parts[ks->hit] : NULL;

	if (pa != NULL && pa->partition == partition && strcmp(pa->topic, topic) == 0)
		return pa;
	for (size_t i = 0; ks->parts != NULL && i < ks->n_parts; i++) {
		pa = &ks->parts[i];
		if (pa->partition == partition && strcmp(pa->topic, topic) == 0) {
			ks->hit = i;
			return pa;
		}
	}
	return NULL;
}

static int
add_part(struct kafka_source *ks, const char *topic, size_t entry, int32_t partition, struct err *err)
{
	struct part *v, *pa;

	if (ks->n_parts == LIMIT_KAFKA_PARTITIONS)
		return err_set(
		    err, ERR_LIMIT, "kafka: more than %d partitions are to be read: spread them over several programs", LIMIT_KAFKA_PARTITIONS);
	v = realloc(ks->parts, (ks->n_parts + 1) * sizeof *v);
	if (v == NULL)
		return err_nomem(err);
	ks->parts = v;
	pa = &v[ks->n_parts];
	*pa = (struct part){.topic = strdup(topic), .entry = entry, .partition = partition, .end = -1};
	if (pa->topic == NULL)
		return err_nomem(err);
	ks->n_parts++;
	return find_position(ks, pa, err);
}

static bool
matches(const struct kafka_source *ks, size_t entry, const char *topic)
{
	const struct kafka_topic *kt = &ks->opt.topics[entry];

	if (!kt->pattern)
		return strcmp(kt->name, topic) == 0;
	return strncmp(topic, "__", 2) != 0 && strncmp(topic, "dideban.", 8) != 0 && regexec(&ks->patterns[entry], topic, 0, NULL, 0) == 0;
}

static int
take_topic(struct kafka_source *ks, const struct rd_kafka_metadata_topic *mt, bool *found, struct err *err)
{
	size_t entry = 0;

	while (entry < ks->opt.n_topics && !matches(ks, entry, mt->topic))
		entry++;
	if (entry == ks->opt.n_topics || mt->partition_cnt == 0)
		return 0;
	found[entry] = true;
	for (int i = 0; i < mt->partition_cnt; i++) {
		struct part *pa = part_find(ks, mt->topic, mt->partitions[i].id);

		if (pa == NULL) {
			if (add_part(ks, mt->topic, entry, mt->partitions[i].id, err) != 0)
				return -1;
			ks->anew = true;
			continue;
		}
		pa->unseen = 0;
		if (pa->gone || pa->doubtful) {
			/* It may be another topic of that name. */
			pa->gone = pa->doubtful = false;
			pa->check = pa->next > 0;
			ks->anew = true;
		}
	}
	return 0;
}

static void
say_gone(struct kafka_source *ks, struct part *pa)
{
	if (!pa->gone)
		link_note(&ks->link, "topic %s, partition %" PRId32 " is gone: waiting until it is there again", pa->topic, pa->partition);
	pa->gone = true;
}

/* The reader of a partition that holds more but yields nothing is made anew; the longer to wait, the more often that was no help. */
static void
restart_if_stalled(struct kafka_source *ks, struct part *pa, int64_t now_ms)
{
	if (pa->quiet_ms == 0)
		pa->quiet_ms = now_ms;
	if (now_ms - pa->quiet_ms < STALL_MS * (1 + (int64_t)pa->restarts))
		return;
	pa->quiet_ms = 0;
	pa->restarts++;
	pa->check = pa->next > 0;
	ks->restarts++;
	ks->anew = true;
}

static void
ask_quiet_ones(struct kafka_source *ks, int64_t now_ms)
{
	for (size_t n = 0, left = ks->n_parts; n < ASKED && left > 0; left--) {
		struct part *pa = &ks->parts[++ks->asked % ks->n_parts];
		int64_t low = 0, high = 0, at = pa->next > pa->end ? pa->next : pa->end;
		bool yielded = pa->yielded;

		pa->yielded = false;
		if (yielded) {
			pa->quiet_ms = 0;
			pa->restarts = 0;
		}
		if (yielded || pa->gone)
			continue;
		n++;
		if (rd_kafka_query_watermark_offsets(ks->asker, pa->topic, pa->partition, &low, &high, AWAY_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
			return;
		if (high > (at > low ? at : low))
			restart_if_stalled(ks, pa, now_ms);
		else
			pa->quiet_ms = 0;
	}
}

int
parts_look(struct kafka_source *ks, int64_t now_ms, struct err *err)
{
	const struct rd_kafka_metadata *md;
	bool *found;
	int rc = 0;

	if (rd_kafka_metadata(ks->asker, 1, NULL, &md, AWAY_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0; /* the next look will tell; the error callback has said what is wrong */
	found = calloc(ks->opt.n_topics + 1, sizeof *found);
	if (found == NULL)
		rc = err_nomem(err);
	for (size_t i = 0; i < ks->n_parts; i++)
		ks->parts[i].unseen++;
	for (int i = 0; rc == 0 && i < md->topic_cnt; i++)
		rc = take_topic(ks, &md->topics[i], found, err);
	rd_kafka_metadata_destroy(md);
	/* Once may be a broker that has just started. */
	for (size_t i = 0; rc == 0 && i < ks->n_parts; i++)
		if (ks->parts[i].unseen > 1)
			say_gone(ks, &ks->parts[i]);
	for (size_t i = 0; rc == 0 && i < ks->opt.n_topics; i++) {
		if (!found[i] && !ks->waited[i])
			link_note(&ks->link, "there is no topic %s yet: waiting for it", ks->opt.topics[i].name);
		ks->waited[i] = !found[i];
	}
	free(found);
	if (rc == 0)
		ask_quiet_ones(ks, now_ms);
	return rc;
}

/* --- when a partition is not as we left it --- */

void
part_begin_anew(struct kafka_source *ks, struct part *pa, const char *why)
{
	char before[STREAM_BYTES];

	memcpy(before, pa->stream, sizeof before);
	pa->generation++;
	name_stream(pa->stream, pa, pa->generation);
	pa->next = RD_KAFKA_OFFSET_BEGINNING;
	pa->end = -1;
	pa->check = false;
	link_note(&ks->link, "topic %s, partition %" PRId32 ": %s: it was deleted and made again, or cut; read from its beginning as %s (before: %s)",
	    pa->topic, pa->partition, why, pa->stream, before);
	ks->anew = true;
}

void
part_out_of_range(struct kafka_source *ks, struct part *pa, int64_t now_ms)
{
	int64_t low = 0, high = 0;

	if (rd_kafka_query_watermark_offsets(ks->asker, pa->topic, pa->partition, &low, &high, AWAY_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		/* Asked again by the next look. */
		pa->gone = true;
		if (ks->look_ms > now_ms + RETRY_MS)
			ks->look_ms = now_ms + RETRY_MS;
		return;
	}
	if (pa->next > high) {
		part_begin_anew(ks, pa, "it ends before our place in it");
		return;
	}
	pa->check = pa->next > low; /* it may have been made and filled again between the answer and now */
	if (pa->next < low) {
		ks->missed += (uint64_t)(low - pa->next);
		link_note(&ks->link,
		    "topic %s, partition %" PRId32 ": messages %" PRId64 " to %" PRId64
		    " were deleted by its retention before they were read: they are missing; keep messages longer (retention.ms)",
		    pa->topic, pa->partition, pa->next, low - 1);
		pa->next = low;
	}
	ks->anew = true;
}
