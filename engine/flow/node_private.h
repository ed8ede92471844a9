/* The node's inside, shared by node.c (opening, committing, checkpoints), node_intake.c (what comes in) and node_views.c (what is
 * looked at). */
#ifndef DIDEBAN_ENGINE_FLOW_NODE_PRIVATE_H
#define DIDEBAN_ENGINE_FLOW_NODE_PRIVATE_H

#include "engine/flow/fold.h"
#include "state/journal/journal.h"

struct node {
	struct node_options opt;
	char *dir;
	bool temporary;
	bool failed; /* a write failed: nothing more is taken in */
	struct store *store;
	struct journal *journal;
	struct fold *fold;
	struct batch batch;  /* what gathers for the next commit */
	uint64_t batch_most; /* events in it: a power of two up to LIMIT_BATCH_EVENTS */
	struct buf head, sink_mark;
	uint64_t checkpoints;
};

struct instant node_clock(const struct node *no);
/* What may wait in memory: of changes for a checkpoint, of outcomes to be sorted. */
size_t node_change_bytes(const struct node *no);
/* ERR_USAGE for a node that is looked at only, ERR_IO after a failure. */
int node_writable(const struct node *no, struct err *err);
/* Everything that was added is in the store, or over it: then a view may read it. */
int node_settle(struct node *no, struct err *err);

#endif
