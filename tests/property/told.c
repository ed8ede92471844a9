#include "tests/property/told.h"

#include "tests/property/lines.h"

#include <stdlib.h>

/* One message, to be compared with what recovery says again. */
struct said {
	char id[40];
	uint32_t seq;
	struct buf json;
};

struct last {
	char id[40];
	uint32_t seq;
	enum message_type type;
	struct buf line; /* of the message's data, in the words of model_alert_line */
};

struct told {
	unsigned n, cap, n_said, cap_said;
	struct last *v;
	struct said *said;
};

struct told *
told_new(void)
{
	struct told *to = calloc(1, sizeof(*to));

	if (to == NULL)
		abort();
	return to;
}

void
told_free(struct told *to)
{
	unsigned i;

	for (i = 0; to != NULL && i < to->n; i++)
		buf_free(&to->v[i].line);
	for (i = 0; to != NULL && i < to->n_said; i++)
		buf_free(&to->said[i].json);
	if (to != NULL) {
		free(to->v);
		free(to->said);
	}
	free(to);
}

static struct last *
find(const struct told *to, struct slice id)
{
	unsigned i;

	for (i = 0; i < to->n; i++)
		if (slice_eq_str(id, to->v[i].id))
			return &to->v[i];
	return NULL;
}

static struct last *
add(struct told *to, struct slice id)
{
	struct last *la;

	if (to->n == to->cap) {
		to->cap = to->cap == 0 ? 64 : 2 * to->cap;
		to->v = realloc(to->v, to->cap * sizeof(*to->v));
		if (to->v == NULL)
			abort();
	}
	la = &to->v[to->n++];
	*la = (struct last){.seq = 0};
	memcpy(la->id, id.p, id.n < sizeof(la->id) ? id.n : sizeof(la->id) - 1);
	return la;
}

static void
keep_said(struct told *to, const struct message *me)
{
	struct said *sa;

	if (to->n_said == to->cap_said) {
		to->cap_said = to->cap_said == 0 ? 64 : 2 * to->cap_said;
		to->said = realloc(to->said, to->cap_said * sizeof(*to->said));
		if (to->said == NULL)
			abort();
	}
	sa = &to->said[to->n_said++];
	*sa = (struct said){.seq = me->seq};
	memcpy(sa->id, me->alert_id.p, me->alert_id.n < sizeof(sa->id) ? me->alert_id.n : sizeof(sa->id) - 1);
	buf_add_slice(&sa->json, me->json);
}

static const char *
said_again(const struct told *to, const struct message *me, struct buf *detail)
{
	unsigned i;

	for (i = 0; i < to->n_said; i++)
		if (to->said[i].seq == me->seq && slice_eq_str(me->alert_id, to->said[i].id)) {
			if (slice_eq(buf_slice(&to->said[i].json), me->json))
				return NULL;
			buf_printf(detail, "\n  first %.*s\n  then  %.*s", SLICE_ARG(buf_slice(&to->said[i].json)), SLICE_ARG(me->json));
			return "recovery makes another message than the one that was sent";
		}
	buf_printf(detail, " %u", me->seq);
	return "recovery makes a message that was never sent";
}

/* What people were shown: not the opening, whose time may have moved, nor how much evidence stands behind the caps. */
static void
shown_only(struct buf *b, size_t from)
{
	char *opening, *trigger, *total, *end;

	buf_add_u8(b, 0);
	b->n--;
	opening = strstr(b->p + from, " opening=");
	trigger = opening == NULL ? NULL : strstr(opening, " trigger=");
	total = trigger == NULL ? NULL : strstr(trigger, "] of ");
	if (total == NULL)
		return;
	end = total + 5 + strspn(total + 5, "0123456789");
	memmove(total + 1, end, b->n - (size_t)(end - b->p) + 1);
	b->n -= (size_t)(end - total - 1);
	memmove(opening, trigger, b->n - (size_t)(trigger - b->p));
	b->n -= (size_t)(trigger - opening);
}

const char *
told_add(struct told *to, const struct message *me, struct buf *detail)
{
	struct last *la = find(to, me->alert_id);
	bool first = la == NULL;
	json_error_t je;
	json_t *js, *data;

	buf_add_slice(detail, me->alert_id);
	if (me->replayed)
		return said_again(to, me, detail);
	keep_said(to, me);
	if (first)
		la = add(to, me->alert_id);
	if (first && me->type != MESSAGE_RAISED)
		return "the first message of an alert does not raise it";
	if (!first && me->seq <= la->seq)
		return "the numbers of an alert's messages do not rise";
	if (!first && (la->type == MESSAGE_WITHDRAWN) != (me->type == MESSAGE_RAISED))
		return me->type == MESSAGE_RAISED ? "an alert is raised that is up" : "an alert that was taken back is not raised again first";
	la->seq = me->seq;
	la->type = me->type;
	buf_clear(&la->line);
	js = json_loadb(me->json.p, me->json.n, JSON_REJECT_DUPLICATES, &je);
	data = json_object_get(js, "data");
	if (data == NULL)
		return "a message is not JSON, or has no data";
	(void)json_object_set_new(data, "state", json_string("standing"));
	lines_alert(&la->line, data);
	shown_only(&la->line, 0);
	json_decref(js);
	return NULL;
}

/* Length of a line up to the time of its trigger: rule, subject and the trigger's identity. */
static size_t
identity_length(struct slice line)
{
	const char *trigger = memmem(line.p, line.n, " trigger=", 9);
	const char *at = trigger == NULL ? NULL : memchr(trigger, '@', line.n - (size_t)(trigger - line.p));

	return at == NULL ? line.n : (size_t)(at - line.p);
}

/* Does the line tell of the alert's shown trigger, but not what it is now? */
static bool
is_stale(const struct model *mo, const struct model_alert *al, struct slice line, struct buf *detail)
{
	size_t from = detail->n, n;
	struct slice now;

	model_alert_line(detail, mo, al);
	shown_only(detail, from);
	now = slice_of(detail->p + from, detail->n - from);
	n = identity_length(now);
	if (identity_length(line) == n && memcmp(now.p, line.p, n) == 0 && !slice_eq(now, line))
		return true;
	detail->n = from;
	return false;
}

const char *
told_check(const struct told *to, const struct alert_view *av, const struct model *mo, struct buf *detail)
{
	const struct last *la = find(to, av->alert_id);
	unsigned i;

	buf_add_slice(detail, av->alert_id);
	if (av->state == ALERT_WITHDRAWN)
		return la != NULL && la->type != MESSAGE_WITHDRAWN ? "an alert was withdrawn and nobody was told" : NULL;
	if (la == NULL || la->type == MESSAGE_WITHDRAWN)
		return "an alert stands that nobody was told of";
	if (memmem(av->json.p, av->json.n, "\"held_back\":0,", 14) == NULL)
		return NULL;
	buf_add_str(detail, "\n  told ");
	buf_add_slice(detail, buf_slice(&la->line));
	buf_add_str(detail, "\n  now  ");
	for (i = 0; i < mo->n_alerts; i++)
		if (is_stale(mo, &mo->alerts[i], buf_slice(&la->line), detail))
			return "receivers hold something of a standing alert that is no longer so";
	return NULL;
}
