/* Features by their definitions, from a timeline that is a plain sorted array. Part of the model. */
#ifndef DIDEBAN_TESTS_PROPERTY_MODEL_FEATURE_H
#define DIDEBAN_TESTS_PROPERTY_MODEL_FEATURE_H

#include "tests/property/model.h"

#define MODEL_ENTRIES (GEN_CONTENTS * GEN_ROLES)

/* One entry of a timeline: a content seen through one of its roles. */
struct model_entry {
	unsigned content, role;
};
struct model_timeline {
	const struct model *mo;
	unsigned n;
	struct model_entry v[MODEL_ENTRIES]; /* in total order */
};
/* (time, source, id) of two contents. */
int model_content_cmp(const struct gen_content *a, const struct gen_content *b);

struct model_result {
	struct gen_value n, value, mine, total, groups, rank, share, mean, item_key, item_points, contested;
	unsigned n_counted;
	unsigned counted[MODEL_ENTRIES]; /* contents that it rests on, newest first, without a cap */
};
void model_feature(struct model_result *ret, const struct model_timeline *tl, const struct gen_feature *fe, const struct gen_content *trigger);

#endif
