/* What must hold, by brute force from the text of the semantics alone: every standing content, retraction, timeline, feature,
 * outcome and episode is computed anew from the whole set, in the plainest way and whatever it costs. Shares no code with the
 * engine; reads the generator's structs. One thread. */
#ifndef DIDEBAN_TESTS_PROPERTY_MODEL_H
#define DIDEBAN_TESTS_PROPERTY_MODEL_H

#include "tests/property/gen.h"

#define MODEL_SUBJECTS (2 * GEN_KEYS)
#define MODEL_EVIDENCE 32

struct model_identity {
	unsigned source, id;
};

/* One evaluation. */
struct model_eval {
	unsigned rule, subject; /* subject: kind * GEN_KEYS + key */
	unsigned content;       /* the trigger's standing content */
	int outcome;            /* index, -1 error, -2 unknown by a missing need */
	unsigned n_values;
	unsigned value_name[GEN_VALUES];
	struct gen_value values[GEN_VALUES];
	unsigned n_evidence, evidence_total;
	unsigned evidence[GEN_FEATURES * MODEL_EVIDENCE]; /* contents, newest first */
	bool contested;
};

struct model_alert {
	unsigned rule, subject, opening, shown; /* the last two: index in evals */
	unsigned n_members;
	unsigned *members; /* all its triggers with an alert outcome, index in evals */
	bool ended;
};

struct model {
	const struct gen_set *set;
	bool present[GEN_CONTENTS]; /* accepted so far */
	bool has_tick;
	struct gen_time tick;
	/* Computed. */
	bool standing[GEN_CONTENTS];  /* the identity's content that counts, and nothing took it out */
	bool contested[GEN_CONTENTS]; /* its identity has several contents */
	unsigned n_evals, n_alerts;
	struct model_eval *evals;   /* in order of rule, subject, trigger */
	struct model_alert *alerts; /* in order of rule, subject, opening */
};
void model_run(struct model *mo);
void model_free(struct model *mo);
/* After model_run: the content counts, or one that is the same under the same identity does. */
bool model_counts(const struct model *mo, unsigned content);

/* One line of text for each alert, that a run's own report is compared with. */
void model_alert_line(struct buf *b, const struct model *mo, const struct model_alert *al);
void model_eval_line(struct buf *b, const struct model *mo, const struct model_eval *ev);
void model_value_text(struct buf *b, const struct gen_value *v);

/* What changed between two states of one run: an alert of `a` that `b` has not; an opening of one that lies inside
 * another episode of the other. */
bool model_withdrew(const struct model *a, const struct model *b);
bool model_recut(const struct model *a, const struct model *b);

/* Start of the Solar Hijri year or month (Iran, +03:30) that holds t. */
struct gen_time model_year_start(struct gen_time t);
struct gen_time model_month_start(struct gen_time t);

#endif
