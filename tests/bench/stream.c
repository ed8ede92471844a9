/* Events for tests/bench/scale, faster than the program takes them in (some 0.4 us each). Same arguments, same bytes.
 *
 *   bench_stream passages    [NAME=NUMBER]...      gate.passed: four entries each (person, credential, site, gate)
 *   bench_stream testimonies [NAME=NUMBER]...      testimony.given: three entries each (witness, case, court)
 *
 *   events=1000     how many
 *   first=0         number of the first one: number and `run` are its identity, so that two runs of the tool go on from one another
 *   run=0           of several over the same numbers
 *   subjects=1000   persons; event i is about person i * 2654435761 mod subjects: each comes once before any comes twice, in no order of keys
 *   cases=0         testimonies: cases in all, 0: each its own
 *   begin=0         seconds after 2020-01-01 at which event 0 happens
 *   step=1000       milliseconds from one event to the next */
#include "engine/calendar/instant.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START 1577836800 /* 2020-01-01T00:00:00Z */
#define STRIDE 2654435761u
#define SITES 900
#define GATES 3000
#define COURTS 400

enum option { EVENTS, FIRST, RUN, SUBJECTS, CASES, BEGIN, STEP, OPTIONS };

static const char *const names[OPTIONS] = {"events", "first", "run", "subjects", "cases", "begin", "step"};

/* The k-th person's id: nine digits, then the check digit (weights 10 to 2, modulo 11). */
static void
national_id(uint64_t k, char ret[11])
{
	uint64_t body = (k * 7919 + 10000007) % 890000000 + 10000000, left = body;
	unsigned sum = 0;

	for (unsigned i = 9; i-- > 0; left /= 10) {
		ret[i] = (char)('0' + left % 10);
		sum += (unsigned)(left % 10) * (10 - i);
	}
	sum %= 11;
	ret[9] = (char)('0' + (sum < 2 ? sum : 11 - sum));
	ret[10] = '\0';
}

static void
write_one(bool passage, const uint64_t v[OPTIONS], uint64_t i)
{
	uint64_t k = i * STRIDE % v[SUBJECTS], ms = i * v[STEP];
	struct instant t = {.sec = START + (int64_t)(v[BEGIN] + ms / 1000), .nsec = (uint32_t)(ms % 1000) * 1000000};
	char id[11], time[INSTANT_TEXT_BYTES];

	national_id(k, id);
	(void)instant_format(t, time);
	printf("{\"specversion\":\"1.0\",\"id\":\"e%" PRIu64 "-%" PRIu64 "\",\"source\":\"/bench\",\"type\":\"%s\",\"time\":\"%s\",\"data\":", v[RUN],
	    i, passage ? "gate.passed" : "testimony.given", time);
	if (passage)
		printf("{\"person\":{\"id\":\"nid:%s\"},\"site\":\"s%u\",\"gate\":\"g%u\",\"credential\":\"card-%" PRIu64
		       "\",\"direction\":\"in\",\"result\":\"granted\",\"district\":\"d%u\"}}\n",
		    id, (unsigned)(k % SITES), (unsigned)(k % GATES), k, (unsigned)(k % 200));
	else
		printf("{\"witness\":{\"id\":\"nid:%s\"},\"case_id\":\"C%" PRIu64 "\",\"capacity\":\"lay\",\"court_id\":\"c%u\"}}\n", id,
		    v[CASES] == 0 ? i : i % v[CASES], (unsigned)(k % COURTS));
}

static bool
read_option(const char *text, uint64_t v[OPTIONS])
{
	const char *equals = strchr(text, '=');
	char *end;

	for (unsigned o = 0; equals != NULL && o < OPTIONS; o++)
		if (strlen(names[o]) == (size_t)(equals - text) && strncmp(names[o], text, (size_t)(equals - text)) == 0) {
			v[o] = strtoull(equals + 1, &end, 10);
			return equals[1] != '\0' && *end == '\0';
		}
	return false;
}

int
main(int argc, char **argv)
{
	uint64_t v[OPTIONS] = {[EVENTS] = 1000, [SUBJECTS] = 1000, [STEP] = 1000};
	bool passages = argc > 1 && strcmp(argv[1], "passages") == 0, good = passages || (argc > 1 && strcmp(argv[1], "testimonies") == 0);

	for (int a = 2; a < argc; a++)
		good = read_option(argv[a], v) && good;
	if (!good || v[SUBJECTS] == 0) {
		fputs("bench_stream: passages or testimonies, then NAME=NUMBER; tests/bench/stream.c tells which\n", stderr);
		return 2;
	}
	for (uint64_t i = v[FIRST]; i < v[FIRST] + v[EVENTS] && !ferror(stdout); i++)
		write_one(passages, v, i);
	return fflush(stdout) == 0 ? 0 : 1;
}
