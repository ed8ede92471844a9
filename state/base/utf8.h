/* UTF-8 as RFC 3629 has it. For any thread. */
#ifndef DIDEBAN_STATE_BASE_UTF8_H
#define DIDEBAN_STATE_BASE_UTF8_H

#include "state/base/slice.h"

bool utf8_valid(struct slice s);
/* Makes a text from outside fit for a line of JSON, a log or a terminal, in place: what is no UTF-8, control characters, line
 * separators and bidirectional controls become '?'; a character that was cut off at the end goes. Never longer than before. */
void utf8_clean(char *text);

#endif
