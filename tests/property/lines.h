/* What a node reports, as lines of text that compare with the model's. */
#ifndef DIDEBAN_TESTS_PROPERTY_LINES_H
#define DIDEBAN_TESTS_PROPERTY_LINES_H

#include "state/base/buf.h"

#include <jansson.h>

/* An alert's JSON in the words of model_alert_line. */
void lines_alert(struct buf *b, json_t *al);
/* Takes out of an alert what two runs that must agree may differ in. */
void lines_reduce(json_t *al);
/* Sorts the lines of a text. */
void lines_sort(struct buf *b);
/* Appends those lines of `a` that `other` has not, each behind `title`. */
void lines_missing(struct buf *b, const char *title, struct slice a, struct slice other);

#endif
