/* The synthetic province: the same for the same seed, and nothing in it is wrong but what was planted as wrong. */
#include "engine/event/event.h"
#include "tools/world/people.h"
#include "tools/world/world.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct seen {
	uint64_t lines, wrong, plants, hash;
	struct event_parser *pa;
	struct arena arena;
};

static int
on_line(void *ctx, struct slice line, struct err *err)
{
	struct seen *se = ctx;
	struct event ev;
	struct slice detail;

	(void)err;
	se->lines++;
	for (size_t i = 0; i < line.n; i++)
		se->hash = (se->hash ^ (unsigned char)line.p[i]) * 0x100000001b3u;
	if (se->pa != NULL) {
		arena_reset(&se->arena);
		se->wrong += event_parse(se->pa, line, &se->arena, &ev, &detail) != FAULT_NONE;
	}
	return 0;
}

static int
on_plant(void *ctx, const struct world_plant *plant, struct err *err)
{
	struct seen *se = ctx;

	(void)err;
	se->plants++;
	assert_non_null(strchr(plant->subject, '/'));
	assert_true(strcmp(plant->expect, "standing") == 0 || strcmp(plant->expect, "withdrawn") == 0 || strcmp(plant->expect, "none") == 0);
	return 0;
}

static struct world_counts
make(const struct world_kind *kind, uint64_t seed, uint64_t events, struct seen *se)
{
	struct world_options opt = {
	    .kind = kind, .seed = seed, .events = events, .malformed = se->pa != NULL, .on_line = on_line, .on_plant = on_plant, .ctx = se};
	struct world_counts wc = {0};
	struct err err = {0};

	se->hash = 0xcbf29ce484222325u;
	if (world_generate(&opt, &wc, &err) != 0)
		fail_msg("%s", err.text);
	return wc;
}

static void
every_kind_has_so_many_lines_and_the_same_bytes_for_the_same_seed(void **state)
{
	static const uint64_t sizes[] = {WORLD_EVENTS_MIN, 3000, 25000};

	(void)state;
	for (const struct world_kind *wk = world_kinds; wk->name != NULL; wk++) {
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
			struct seen a = {0}, b = {0}, c = {0};
			struct world_counts wc = make(wk, 7, sizes[i], &a);

			assert_int_equal(a.lines, sizes[i]);
			assert_int_equal(wc.lines, sizes[i]);
			assert_true(a.plants > 0);
			make(wk, 7, sizes[i], &b);
			make(wk, 8, sizes[i], &c);
			assert_true(a.hash == b.hash);
			assert_true(a.hash != c.hash);
		}
	}
}

static int
json_only(const struct dirent *de)
{
	return strstr(de->d_name, ".json") != NULL;
}

static struct contracts *
shipped_contracts(void)
{
	struct dirent **list = NULL;
	int n = scandir(SOURCE_DIR "/rules/events", &list, json_only, alphasort);
	struct source_text *st = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof *st);
	struct findings fi = {0};
	struct err err;
	struct contracts *cs;

	assert_non_null(st);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		char path[1024];
		struct buf b = {0};
		FILE *f;

		(void)snprintf(path, sizeof path, "%s/rules/events/%s", SOURCE_DIR, list[i]->d_name);
		f = fopen(path, "rb");
		assert_non_null(f);
		assert_int_equal(buf_grow(&b, 65536), 0);
		b.n = fread(b.p, 1, 65536, f);
		(void)fclose(f);
		st[i] = (struct source_text){slice_str(list[i]->d_name), buf_slice(&b)};
	}
	cs = contracts_compile(st, (size_t)n, &fi, &err);
	assert_non_null(cs);
	findings_free(&fi);
	for (int i = 0; i < n; i++) {
		free((char *)(uintptr_t)st[i].text.p);
		free(list[i]);
	}
	free(list);
	free(st);
	return cs;
}

static void
only_what_was_damaged_on_purpose_breaks_its_contract(void **state)
{
	struct contracts *cs = shipped_contracts();

	(void)state;
	for (const struct world_kind *wk = world_kinds; wk->name != NULL; wk++) {
		struct seen se = {.pa = event_parser_new(cs, 1)};
		struct world_counts wc;

		assert_non_null(se.pa);
		wc = make(wk, 1403, 20000, &se);
		assert_int_equal(se.wrong, wc.malformed);
		assert_true(wc.malformed > 0);
		assert_true(wc.late > 0);
		assert_true(wc.duplicates > 0);
		event_parser_free(se.pa);
		arena_free(&se.arena);
	}
	contracts_free(cs);
}

static void
too_few_events_are_refused(void **state)
{
	struct seen se = {0};
	struct world_options opt = {.kind = world_kinds, .seed = 1, .events = WORLD_EVENTS_MIN - 1, .on_line = on_line, .ctx = &se};
	struct world_counts wc;
	struct err err = {0};

	(void)state;
	assert_int_equal(world_generate(&opt, &wc, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static int
stop_at_ten(void *ctx, struct slice line, struct err *err)
{
	uint64_t *n = ctx;

	(void)line;
	return ++*n == 10 ? err_set(err, ERR_IO, "enough") : 0;
}

static void
a_receiver_that_fails_stops_it(void **state)
{
	uint64_t n = 0;
	struct world_options opt = {.kind = world_kinds, .seed = 1, .events = 1000, .on_line = stop_at_ten, .ctx = &n};
	struct world_counts wc;
	struct err err = {0};

	(void)state;
	assert_int_equal(world_generate(&opt, &wc, &err), -1);
	assert_string_equal(err.text, "enough");
	assert_int_equal(n, 10);
}

static void
identifiers_are_distinct_and_have_a_valid_check_digit(void **state)
{
	char last[PERSON_ID_BYTES] = "";

	(void)state;
	for (uint64_t k = 0; k < 20000; k++) {
		char id[PERSON_ID_BYTES];
		unsigned sum = 0, rest;

		person_id(7, k, id);
		assert_int_equal(strlen(id), 14);
		for (unsigned i = 0; i < 9; i++)
			sum += (unsigned)(id[4 + i] - '0') * (10 - i);
		rest = sum % 11;
		assert_int_equal(id[13] - '0', rest < 2 ? rest : 11 - rest);
		assert_string_not_equal(id, last);
		memcpy(last, id, sizeof last);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_has_so_many_lines_and_the_same_bytes_for_the_same_seed),
	    cmocka_unit_test(only_what_was_damaged_on_purpose_breaks_its_contract),
	    cmocka_unit_test(too_few_events_are_refused),
	    cmocka_unit_test(a_receiver_that_fails_stops_it),
	    cmocka_unit_test(identifiers_are_distinct_and_have_a_valid_check_digit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
