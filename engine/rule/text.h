/* The sentence of an outcome, in fa and en: placeholders {name} take the outcome's values, then the rule's parameters.
 * Integers get Persian digits in fa; durations their unit ("365 days", "۳۶۵ روز"); strings from events are isolated with
 * U+2068 and U+2069 so that they cannot reorder the sentence, control and bidi characters in them are dropped.
 * An outcome that this version of the rule does not have, an unknown placeholder or a text over LIMIT_TEXT_BYTES gives the plain fallback text: an
 * alert is never lost for its text. Without memory `ret` is bad, and there is no other text. */
#ifndef DIDEBAN_ENGINE_RULE_TEXT_H
#define DIDEBAN_ENGINE_RULE_TEXT_H

#include "engine/rule/vm.h"

void rule_text(struct buf *ret, const struct rule *ru, struct slice code, const struct rule_value *values, unsigned n_values, bool persian);

#endif
