/* The words of an alert: its data object and the CloudEvent around it (docs/reference.md, "Shapes"). */
#ifndef DIDEBAN_ENGINE_ALERT_MESSAGE_H
#define DIDEBAN_ENGINE_ALERT_MESSAGE_H

#include "engine/flow/judge.h"

struct alert_words {
	const struct rule *ru;
	const struct names *names;
	struct slice subject;
	struct slice episode; /* the group's key */
	const struct alert *al;
	const struct alert *replaces; /* or NULL */
	const char *reason;           /* of a withdrawal or update, or NULL */
	/* Evidence at the shown trigger; NULL when it is gone (a withdrawn alert). */
	const struct judge *ju;
	const struct evidence *ev;
	bool with_state; /* `alerts --json` */
};

/* Appends the sentences. */
void alert_texts(const struct alert_words *aw, struct buf *fa, struct buf *en);
/* Appends the data object. */
void alert_data(const struct alert_words *aw, struct slice fa, struct slice en, struct buf *ret);
/* Appends the CloudEvent. */
void alert_message(const struct alert_words *aw, enum message_type type, const char *instance, struct slice fa, struct slice en, struct buf *ret);

#endif
