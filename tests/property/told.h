/* What a node has told its receivers: the last message of each alert. One thread. */
#ifndef DIDEBAN_TESTS_PROPERTY_TOLD_H
#define DIDEBAN_TESTS_PROPERTY_TOLD_H

#include "engine/engine.h"
#include "tests/property/model.h"

struct told;
struct told *told_new(void);
void told_free(struct told *to);

/* Each returns NULL, or what is wrong as a static text, with more in `detail`. */

/* A raise comes first, and the numbers of an alert rise; what recovery makes again is what was sent, byte for byte. */
const char *told_add(struct told *to, const struct message *me, struct buf *detail);
/* One alert of a node that was told of every change (no tick, no switch of rules). A standing one was told, and if no
 * trigger has followed in silence since, receivers hold the very outcome and evidence of its shown trigger. A withdrawn one was
 * taken back. */
const char *told_check(const struct told *to, const struct alert_view *av, const struct model *mo, struct buf *detail);

#endif
