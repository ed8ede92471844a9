/* What a node holds in memory stays within its cache: timelines and, as it grows, the filter of what is known. */
#include "tests/unit/node_world.h"

#include <stdio.h>

#define CACHE ((size_t)6 << 20)
#define EVENTS 40000

static struct node *
open_bounded(unsigned partitions, size_t cache)
{
	static const char body[] = "  on = { \"x.ping\" }, subject = \"who\", features = {},\n  evaluate = function(e, f, p) return \"ok\" end,\n";
	struct node_options opt = {.max_future = -1, .partitions = partitions, .cache_bytes = cache};
	struct node *no = NULL;
	struct err err = {0};

	assert_int_equal(node_open(&no, &opt, &err), 0);
	node_world_go_live(no, "1.0.0", "judge", body, "episode = { \"subject\" }", "\xd8\xa8", "b");
	return no;
}

/* Each of a body of its own: more timelines than the cache holds. */
static void
fill(struct node *no, uint64_t first)
{
	struct err err = {0};

	for (uint64_t i = first; i < first + EVENTS; i++) {
		char id[24], data[64];

		(void)snprintf(id, sizeof id, "p%llu", (unsigned long long)i);
		(void)snprintf(data, sizeof data, "{\"who\":\"x%llu\"}", (unsigned long long)i);
		node_world_send(no, i + 1, "x.ping", id, (struct instant){1710880200, 0}, data);
	}
	assert_int_equal(node_checkpoint(no, &err), 0);
}

static void
timelines_have_what_the_filter_leaves(void **state)
{
	(void)state;
	for (unsigned partitions = 1; partitions <= 3; partitions += 2) {
		struct node *no = open_bounded(partitions, CACHE);
		struct node_stats st;
		struct err err = {0};

		fill(no, 0);
		node_stats(no, &st);
		assert_true(st.filter_bytes > CACHE / 4 && st.filter_bytes < CACHE / 2);
		assert_true(st.timeline_bytes + st.filter_bytes <= CACHE);
		assert_true(st.timeline_bytes + st.filter_bytes > CACHE - CACHE / 8); /* and use it */
		assert_int_equal(node_close(no, &err), 0);
	}
}

static void
a_filter_over_half_of_the_cache_leaves_them_half(void **state)
{
	struct node *no = open_bounded(1, CACHE / 4);
	struct node_stats st;
	struct err err = {0};

	(void)state;
	fill(no, 0);
	fill(no, EVENTS);
	node_stats(no, &st);
	assert_true(st.filter_bytes > CACHE / 4);
	assert_true(st.timeline_bytes <= CACHE / 8);
	assert_true(st.timeline_bytes > CACHE / 8 - CACHE / 32);
	assert_int_equal(node_close(no, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(timelines_have_what_the_filter_leaves),
	    cmocka_unit_test(a_filter_over_half_of_the_cache_leaves_them_half),
	};

	return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
