/* A file of alerts: one CloudEvent a line, appended; every (alert id, sequence) once, whatever crashes in between.
 *
 * A row is written only after the batch that caused it is durable, so after a crash the file may lack rows, or end in a
 * torn one, but never holds a row that recovery does not make again. At each checkpoint the node keeps the sink's mark:
 *
 *   "1 OFFSET SUM PATH"   length of the file, FNV-1a of its last (at most 4096) bytes before OFFSET, absolute path
 *
 * After a restart the rows made again by recovery are compared with what the file holds behind the mark; the first that
 * differs, or is torn, cuts the file there, and rows are appended from it on. Without a mark (no checkpoint yet, or another
 * file then) the first such row is looked for in the whole file; a file that lacks it goes on at its end.
 * A file that vanished, was shortened or exchanged since the mark is told (`note`) and goes on with what recovery makes again:
 * rows from before the checkpoint are not written twice; `dideban alerts --all --json` has them.
 * "-" is standard output and anything that is no regular file (a pipe): rows go out as they come, those after the last
 * checkpoint once more after a crash; readers tell them by their id. One thread. */
#ifndef DIDEBAN_CONNECTORS_FILE_SINK_H
#define DIDEBAN_CONNECTORS_FILE_SINK_H

#include "engine/engine.h"

struct file_sink;
struct file_sink_options {
	bool no_sync;                              /* for a temporary store */
	void (*note)(void *ctx, const char *text); /* NULL: none; what an operator must know */
	void *ctx;
};

int file_sink_open(struct file_sink **ret, const char *path, const struct file_sink_options *opt, struct err *err);
/* For the node's callbacks of the same names; mark: of the node's origin. */
int file_sink_mark(struct file_sink *fs, struct slice mark, struct err *err);
int file_sink_message(struct file_sink *fs, const struct message *me, struct err *err);
int file_sink_batch(struct file_sink *fs, struct err *err);
int file_sink_checkpoint(struct file_sink *fs, struct buf *ret_mark, struct err *err);
/* The path in a mark (borrowed from it), empty if there is none: where the store's alerts went until now. */
struct slice file_sink_mark_path(struct slice mark);
/* After node_open: recovery is over; what the file holds behind its last row is cut. */
int file_sink_ready(struct file_sink *fs, struct err *err);
/* Whether the node has a mark of this very file (a pipe needs none). Until it has, what a power cut spoils in a file cannot be
 * told from what others wrote: a driver makes a checkpoint before it lets new rows out. */
bool file_sink_placed(const struct file_sink *fs);
/* Writes what is gathered and syncs; frees always. NULL is fine. */
int file_sink_close(struct file_sink *fs, struct err *err);

#endif
