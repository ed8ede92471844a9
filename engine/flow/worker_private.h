/* The worker's inside, shared by worker.c (batches) and worker_past.c (what it says of a subject's past when asked). */
#ifndef DIDEBAN_ENGINE_FLOW_WORKER_PRIVATE_H
#define DIDEBAN_ENGINE_FLOW_WORKER_PRIVATE_H

#include "engine/alert/message.h"
#include "engine/flow/looks.h"
#include "engine/flow/sweep.h"
#include "engine/flow/worker.h"

struct worker {
	struct worker_env env;
	struct rule_vm *vm;
	struct subjects subjects;
	struct cursor **scratch;  /* by rule, one a feature */
	struct small *small;      /* of the subject under way, by rule_plan.alike */
	struct subject **touched; /* in this batch */
	size_t n_touched, cap_touched;
	struct delta *deltas; /* of one subject, gathered */
	size_t cap_deltas;
	struct group **cut; /* groups to cut again, of one subject and rule */
	size_t n_cut, cap_cut;
	struct arena arena; /* of one cut */
	struct judge judge;
	struct sweep sweep;
	struct evidence evidence;
	uint32_t evidence_at; /* the entry whose evidence that is; UINT32_MAX: none */
	struct buf group, values, json, fa, en;
	struct looks looks; /* of the hits that the sweep of one subject and rule made */
	struct worker_stats stats;
	/* While one subject and rule is under way. */
	struct subject *su;
	unsigned slot;
	const struct batch_now *now;
	/* Of a switch, or of a day of review that passed; otherwise WHY_EVIDENCE and NULL. */
	enum alert_why why;
	const struct rule *before; /* the rule as it was until now */
	struct instant due;        /* see worker_due */
};

/* Begins with one subject and rule: all that follows is about them. */
int worker_begin(struct worker *wo, struct subject *su, unsigned slot, const struct batch_now *bn, struct err *err);
/* The judge stands at a trigger: puts what the rule answers into its group. */
int worker_trigger(void *worker, struct err *err);
void worker_count_outcome(struct worker *wo);
int worker_want_cut(struct worker *wo, struct group *gr, struct err *err);
/* Keeps what the judge found at the trigger of a new hit, while its cursors stand there: a cut asks for it later, in an order of its
 * own, and would send them to and fro over the timeline. */
int worker_learn(struct worker *wo, struct hit *hi, struct err *err);
/* Cuts what was wanted, and tells. */
int worker_cut(struct worker *wo, struct err *err);
/* Sets the judge at the trigger that made a hit, with its evidence; `total`: counted too. 1: there; 0: gone; -1: error. */
int worker_revisit(struct worker *wo, const struct hit *hi, bool total, struct err *err);

#endif
