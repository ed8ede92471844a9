#include "engine/feature/spec.h"

static const char *const names[ATTR_COUNT] = {
    [ATTR_N] = "n",
    [ATTR_VALUE] = "value",
    [ATTR_MINE] = "mine",
    [ATTR_TOTAL] = "total",
    [ATTR_GROUPS] = "groups",
    [ATTR_SHARE] = "share",
    [ATTR_RANK] = "rank",
    [ATTR_MEAN] = "mean",
    [ATTR_CONTESTED] = "contested",
};

const char *
feature_attr_name(enum feature_attr attr)
{
	return attr < ATTR_COUNT ? names[attr] : "?";
}

int
feature_attr_by_name(struct slice name)
{
	for (int i = 0; i < ATTR_COUNT; i++)
		if (slice_eq_str(name, names[i]))
			return i;
	return -1;
}
