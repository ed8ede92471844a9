/* A timeline as bytes: a log of what came and went, one piece after the other. Read in their order, the last piece about a place
 * (time, source, id, role) counts. Nothing that was written is ever changed: a checkpoint adds to a timeline without reading it. */
#ifndef DIDEBAN_ENGINE_TIMELINE_CODEC_H
#define DIDEBAN_ENGINE_TIMELINE_CODEC_H

#include "engine/timeline/timeline.h"

/* A piece: u8 PIECE_* | u8 role | varint seconds (zigzag) | varint nanoseconds | varint source | blob id, and of what came
 * varint layout | varint stream | varint number | blob kept. An id has at least one byte. Each of these appends one
 * half of it: behind the role a piece is the same for all subjects of an event. */
void piece_begin(struct buf *ret, const struct delta *de);
void piece_end(struct buf *ret, const struct delta *de);
/* The next one. Slices are into what is read. -1: malformed. */
int piece_decode(struct rd *r, struct delta *ret);

/* Reads a subject's whole timeline from the store into an empty one, which stays empty on failure. ERR_CORRUPT names the subject. */
int timeline_load(struct timeline *tl, struct store *st, const struct names *na, struct slice subject, struct err *err);

#endif
