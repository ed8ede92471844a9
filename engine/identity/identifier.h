/* Identifiers of persons and bodies: "scheme:value".
 *
 *   nid:DDDDDDDDDD         national id, 10 digits, check digit verified
 *   foreign:DDDDDDDDDDDD   id of a foreign resident, 12 digits
 *   passport:CCC/NUMBER    three capital letters of the issuing state, then 1 to 32 capital letters and digits
 *   legal:DDDDDDDDDDD      id of a legal person, 11 digits, check digit verified
 *   x-NAME:VALUE           local scheme (lower-case letters, digits, '-'), the value taken as it is
 *
 * Digits are ASCII: folding is done before. Any thread; some nanoseconds. */
#ifndef DIDEBAN_ENGINE_IDENTITY_IDENTIFIER_H
#define DIDEBAN_ENGINE_IDENTITY_IDENTIFIER_H

#include "state/base/slice.h"

/* NULL if `id` is well-formed, else what is wrong, as a static text. */
const char *identifier_check(struct slice id);

/* 10 digits with the right check digit: weights 10 to 2, modulo 11 (civil registry). */
bool national_id_valid(struct slice digits);
/* True for a valid national id that is more likely an invention: all digits equal. Only ever a reason to warn. */
bool national_id_suspicious(struct slice digits);
/* 11 digits with the right check digit: weights 29 27 23 19 17, twice, each digit raised by the tenth plus 2, modulo 11. */
bool legal_id_valid(struct slice digits);

#endif
