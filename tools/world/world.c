#include "tools/world/world.h"

#include "engine/calendar/instant.h"
#include "state/base/buf.h"
#include "tools/world/people.h"
#include "tools/world/random.h"
#include "tools/world/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum world_part { PART_WITNESS = 1, PART_GATE = 2, PART_EXPERT = 4 };

const struct world_kind world_kinds[] = {
    {WORLD_KIND_DEFAULT, "the whole province: testimonies, warrants, gates, experts", PART_WITNESS | PART_GATE | PART_EXPERT},
    {"witness", "testimonies in courts, with repeat witnesses", PART_WITNESS},
    {"gate", "passages through gates and the life of warrants, with fugitives", PART_GATE},
    {"expert", "registration of experts and referrals to them, with over-referral", PART_EXPERT},
    {0},
};

#define DAY 86400
#define SPAN ((int64_t)730 * DAY)
#define START ((int64_t)1710880200) /* 2024-03-20T00:00:00+03:30, the first day of 1403 */
#define POOL_EXPERTS 12
#define RECENT 512 /* testimonies and passages that a retraction may take back */

static const char *const fields[] = {"accounting", "traffic", "construction", "medicine", "handwriting", "land"};
#define FIELDS (sizeof fields / sizeof fields[0])

struct world {
	const struct world_options *opt;
	struct rng rg;
	struct world_counts *counts;
	struct schedule coming; /* events on their way */
	uint64_t serial;
	uint64_t person;           /* the next ordinary person */
	uint64_t turn[31][FIELDS]; /* whose turn it is in a pool */
	struct recent {
		char id[24], source[24];
	} recent[RECENT];
	uint64_t n_recent;
	struct buf line;
	char *copy; /* a line that may come twice */
	struct err *err;
};

/* Text of a moment; courts write UTC, gates local time. */
static void
add_time(struct buf *b, int64_t at, bool local)
{
	char text[INSTANT_TEXT_BYTES];
	size_t n = instant_format((struct instant){at + (local ? 12600 : 0), 0}, text);

	buf_add(b, text, local ? n - 1 : n);
	if (local)
		buf_add_str(b, "+03:30");
}

static void
begin(struct world *wo, const char *id, const char *source, const char *type, int64_t at, bool local)
{
	buf_clear(&wo->line);
	buf_printf(&wo->line, "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%s\",\"type\":\"%s\",\"time\":\"", id, source, type);
	add_time(&wo->line, at, local);
	buf_add_str(&wo->line, "\",\"datacontenttype\":\"application/json\",\"data\":{");
}

static void
add_person(struct world *wo, const char *role, uint64_t k)
{
	buf_printf(&wo->line, "\"%s\":", role);
	person_json(&wo->line, wo->opt->seed, k, rng_chance(&wo->rg, 10));
}

static const char *
next_id(struct world *wo, char letter, char ret[24])
{
	(void)snprintf(ret, 24, "%c%" PRIu64, letter, ++wo->serial);
	return ret;
}

static void
testimony(struct world *wo, uint64_t who, int64_t at, uint64_t kase, const char *capacity, char ret_id[24])
{
	begin(wo, next_id(wo, 't', ret_id), "/courts/testimony", "testimony.given", at, false);
	add_person(wo, "witness", who);
	buf_printf(&wo->line,
	    ",\"case_id\":\"1403-%07" PRIu64 "\",\"capacity\":\"%s\",\"called_by\":\"%s\",\"court_id\":\"c%u\",\"hearing_id\":\"h%" PRIu64
	    "\",\"province\":\"%02u\"}}",
	    kase, capacity, rng_chance(&wo->rg, 500) ? "plaintiff" : "defendant", (unsigned)(kase % 90), kase, (unsigned)(kase % 31));
}

static void
passage(struct world *wo, uint64_t who, int64_t at, unsigned gate, char ret_id[24])
{
	char source[24];

	(void)snprintf(source, sizeof source, "/gates/g%u", gate);
	begin(wo, next_id(wo, 'g', ret_id), source, "gate.passed", at, true);
	add_person(wo, "person", who);
	buf_printf(&wo->line,
	    ",\"site\":\"s%u\",\"gate\":\"g%u\",\"direction\":\"in\",\"result\":\"granted\",\"district\":\"d%u\",\"province\":\"%02u\"}}", gate / 4,
	    gate, gate / 8, gate % 31);
}

static void
warrant(struct world *wo, const char *id, uint64_t who, int64_t at, int64_t from, int64_t until, int district)
{
	char event[32];

	(void)snprintf(event, sizeof event, "i%s", id);
	begin(wo, event, "/courts/warrants", "warrant.issued", at, false);
	buf_printf(&wo->line, "\"warrant_id\":\"%s\",", id);
	add_person(wo, "person", who);
	buf_printf(&wo->line, ",\"case_id\":\"1402-%07" PRIu64 "\",", who);
	if (district < 0)
		buf_add_str(&wo->line, "\"scope\":\"nationwide\"");
	else
		buf_printf(&wo->line, "\"scope\":\"district\",\"district\":\"d%d\"", district);
	buf_printf(&wo->line, ",\"hours\":\"any\",\"court_id\":\"c%u\",\"valid_from\":\"", (unsigned)(who % 90));
	add_time(&wo->line, from, false);
	buf_add_str(&wo->line, "\",\"valid_until\":\"");
	add_time(&wo->line, until, false);
	buf_add_str(&wo->line, "\",\"identity_verified\":true,\"caution\":\"\"}}");
}

static void
warrant_over(struct world *wo, const char *id, uint64_t who, int64_t at, const char *what, const char *reason)
{
	char event[40], type[32];

	(void)snprintf(event, sizeof event, "%c%s", what[0], id);
	(void)snprintf(type, sizeof type, "warrant.%s", what);
	begin(wo, event, "/courts/warrants", type, at, false);
	buf_printf(&wo->line, "\"warrant_id\":\"%s\",", id);
	add_person(wo, "person", who);
	buf_printf(&wo->line, ",\"reason\":\"%s\"}}", reason);
}

static void
registered(struct world *wo, uint64_t who, unsigned province, unsigned field, int64_t at)
{
	char id[24];

	begin(wo, next_id(wo, 'e', id), "/experts", "expert.registered", at, false);
	add_person(wo, "expert", who);
	buf_printf(&wo->line, ",\"field\":\"%s\",\"province\":\"%02u\",\"city\":\"city-%u\",\"valid_until\":\"", fields[field], province,
	    (unsigned)(who % 5));
	add_time(&wo->line, at + SPAN * 2, false);
	buf_printf(&wo->line, "\",\"capacity_per_year\":%u}}", (unsigned)(40 + who % 50));
}

static void
referred(struct world *wo, uint64_t who, unsigned province, unsigned field, int64_t at)
{
	char id[24];
	uint64_t kase = wo->serial;

	begin(wo, next_id(wo, 'x', id), "/courts/referrals", "expert.referred", at, false);
	add_person(wo, "expert", who);
	buf_printf(&wo->line,
	    ",\"referrer\":{\"id\":\"x-official:j%u\"},\"case_id\":\"1403-%07" PRIu64
	    "\",\"court_id\":\"c%u\",\"province\":\"%02u\",\"city\":\"city-%u\",\"field\":\"%s\",\"method\":\"%s\"}}",
	    (unsigned)(rng_below(&wo->rg, 300)), kase, (unsigned)(kase % 90), province, (unsigned)(who % 5), fields[field],
	    rng_chance(&wo->rg, 110) ? "smart" : "manual");
}

static void
retraction(struct world *wo, const char *source, const char *target, int64_t at)
{
	char id[32];

	(void)snprintf(id, sizeof id, "r-%s", target);
	begin(wo, id, "/courts/corrections", "event.retracted", at, false);
	buf_printf(&wo->line, "\"source\":\"%s\",\"id\":\"%s\",\"reason\":\"entered by mistake\"}}", source, target);
}

/* Puts the line just made on its way. */
static int
arrive(struct world *wo, int64_t at)
{
	if (!buf_ok(&wo->line))
		return err_nomem(wo->err);
	return schedule_add(&wo->coming, at, buf_slice(&wo->line), wo->err);
}

static int
plant(struct world *wo, const char *rule, const char *subject, const char *expect, const char *story)
{
	struct world_plant wp = {rule, subject, expect, story};

	return wo->opt->on_plant == NULL ? 0 : wo->opt->on_plant(wo->opt->ctx, &wp, wo->err);
}

static int
plant_person(struct world *wo, const char *rule, uint64_t who, const char *expect, const char *story)
{
	char id[PERSON_ID_BYTES], subject[32];

	person_id(wo->opt->seed, who, id);
	(void)snprintf(subject, sizeof subject, "person/%s", id);
	return plant(wo, rule, subject, expect, story);
}

/* Planted people have numbers of their own, far from the ordinary ones. */
#define PLANTED_WITNESS 50000000u
#define PLANTED_FUGITIVE 60000000u
#define EXPERTS 70000000u
#define ORDINARY 1000000u

enum witness_story { REPEAT, RETRACTED, OFFICIAL, ONE_CASE, SPREAD, WITNESS_STORIES };

static int
plant_witness(struct world *wo, uint64_t i, enum witness_story story)
{
	static const struct {
		const char *expect, *story;
		int n, apart; /* testimonies, days between them at most */
	} of[WITNESS_STORIES] = {
	    [REPEAT] = {"standing", "one lay witness in many cases within a year", 9, 20},
	    [RETRACTED] = {"withdrawn", "four cases in a year, but one testimony was entered by mistake", 4, 40},
	    [OFFICIAL] = {"none", "an official whose duty is to testify", 12, 15},
	    [ONE_CASE] = {"none", "a witness heard many times in one and the same case", 7, 20},
	    [SPREAD] = {"none", "four cases, but never four within a year", 4, 0},
	};
	uint64_t who = PLANTED_WITNESS + i * WITNESS_STORIES + story, kase = 2000000 + who % 1000000 * 20;
	int n = of[story].n + (story == REPEAT ? (int)rng_below(&wo->rg, 4) : 0);
	int64_t at = START + 30 * DAY + (int64_t)rng_below(&wo->rg, story == SPREAD ? 60 * DAY : 400 * DAY);
	char id[24];

	if (plant_person(wo, "witness-repeat", who, of[story].expect, of[story].story) != 0)
		return -1;
	for (int j = 0; j < n; j++) {
		/* One in six of them reaches us weeks late. */
		int64_t late = story == REPEAT && rng_below(&wo->rg, 6) == 0 ? (int64_t)rng_below(&wo->rg, 25 * DAY) : 0;

		testimony(wo, who, at, story == ONE_CASE ? kase : kase + (uint64_t)j, story == OFFICIAL ? "official" : "lay", id);
		if (arrive(wo, at + late) != 0)
			return -1;
		wo->counts->late += late > 0;
		at += story == SPREAD ? 150 * DAY : DAY + (int64_t)rng_below(&wo->rg, (uint64_t)of[story].apart * DAY);
	}
	if (story != RETRACTED)
		return 0;
	retraction(wo, "/courts/testimony", id, at + 10 * DAY);
	wo->counts->retracted++;
	return arrive(wo, at + 10 * DAY);
}

enum fugitive_story { WANTED, ENDED_LATE, ENDED, ELSEWHERE, SUSPENDED, NOT_YET, FUGITIVE_STORIES };

static int
plant_fugitive(struct world *wo, uint64_t i, enum fugitive_story story)
{
	static const struct {
		const char *expect, *story;
	} of[FUGITIVE_STORIES] = {
	    [WANTED] = {"standing", "a wanted person enters a courthouse"},
	    [ENDED_LATE] = {"withdrawn", "the warrant was lifted before the passage, but the news came after it"},
	    [ENDED] = {"none", "the warrant was executed long before the passage"},
	    [ELSEWHERE] = {"none", "the warrant holds in another district only"},
	    [SUSPENDED] = {"none", "the warrant was suspended before the passage"},
	    [NOT_YET] = {"none", "the warrant becomes valid after the passage"},
	};
	uint64_t who = PLANTED_FUGITIVE + i * FUGITIVE_STORIES + story;
	int64_t at = START + 20 * DAY + (int64_t)rng_below(&wo->rg, 500 * DAY), passed = at + DAY + (int64_t)rng_below(&wo->rg, 90 * DAY);
	unsigned gate = (unsigned)rng_below(&wo->rg, 64);
	char id[24], event[24];

	(void)snprintf(id, sizeof id, "w%" PRIu64, who);
	if (plant_person(wo, "fugitive-at-gate", who, of[story].expect, of[story].story) != 0)
		return -1;
	warrant(wo, id, who, at, story == NOT_YET ? passed + 5 * DAY : at, at + 300 * DAY,
	    story == ELSEWHERE         ? (int)(gate / 8 + 20)
	    : rng_chance(&wo->rg, 300) ? (int)(gate / 8)
				       : -1);
	if (arrive(wo, at) != 0)
		return -1;
	if (story == ENDED || story == ENDED_LATE) {
		warrant_over(wo, id, who, passed - DAY / 2, "ended", story == ENDED ? "executed" : "withdrawn");
		if (arrive(wo, story == ENDED ? passed - DAY / 2 : passed + 2 * DAY) != 0)
			return -1;
		wo->counts->late += story == ENDED_LATE;
	}
	if (story == SUSPENDED) {
		warrant_over(wo, id, who, passed - DAY / 2, "suspended", "review");
		if (arrive(wo, passed - DAY / 2) != 0)
			return -1;
	}
	passage(wo, who, passed, gate, event);
	return arrive(wo, passed);
}

static uint64_t
expert_of(unsigned province, unsigned field, uint64_t i)
{
	return EXPERTS + ((uint64_t)province * FIELDS + field) * POOL_EXPERTS + i;
}

/* In one pool one expert gets every second referral for some months, or only every eighth (which is no more than chance). */
static int
plant_expert(struct world *wo, uint64_t i, bool over)
{
	unsigned province = (unsigned)(1 + i % 30), field = (unsigned)(i / 30 % FIELDS);
	uint64_t star = rng_below(&wo->rg, POOL_EXPERTS), n = over ? 44 : 40;
	int64_t at = START + 40 * DAY + (int64_t)rng_below(&wo->rg, 450 * DAY);
	char subject[64];

	(void)snprintf(subject, sizeof subject, "pool/%02u:%s", province, fields[field]);
	if (plant(wo, "expert-over-referral", subject, over ? "standing" : "none",
		over ? "one expert gets half of a pool's referrals" : "one expert gets a little more than the others") != 0)
		return -1;
	for (uint64_t j = 0; j < n; j++) {
		uint64_t who = j % (over ? 2 : 8) == 0 ? star : j % POOL_EXPERTS;

		referred(wo, expert_of(province, field, who), province, field, at);
		if (arrive(wo, at) != 0)
			return -1;
		at += DAY / 4 + (int64_t)rng_below(&wo->rg, 3 * DAY);
	}
	return 0;
}

static int
plant_all(struct world *wo)
{
	uint64_t events = wo->opt->events;
	unsigned parts = wo->opt->kind->parts;
	uint64_t people = 1 + events / 6000, pools = events < 2000 ? 1 : 2 + events / 12000, registers = events < 2000 ? 2 : 31;

	if (pools > 30)
		pools = 30;
	if (people > 100000)
		people = 100000;
	for (uint64_t i = 0; i < people && (parts & PART_WITNESS) != 0; i++)
		for (int story = 0; story < WITNESS_STORIES; story++)
			if (plant_witness(wo, i, (enum witness_story)story) != 0)
				return -1;
	for (uint64_t i = 0; i < people * 2 && (parts & PART_GATE) != 0; i++)
		for (int story = 0; story < FUGITIVE_STORIES; story++)
			if ((i == 0 || story == WANTED || i % 2 == 0) && plant_fugitive(wo, i, (enum fugitive_story)story) != 0)
				return -1;
	if ((parts & PART_EXPERT) == 0)
		return 0;
	/* Everybody in the pools is registered before the first referral. */
	for (unsigned province = 0; province < registers; province++)
		for (unsigned field = 0; field < (events < 20000 ? 1 : FIELDS); field++)
			for (uint64_t i = 0; i < POOL_EXPERTS; i++) {
				registered(wo, expert_of(province, field, i), province, field, START - DAY - (int64_t)rng_below(&wo->rg, 300 * DAY));
				if (arrive(wo, START - DAY) != 0)
					return -1;
			}
	for (uint64_t i = 0; i < pools; i++)
		if (plant_expert(wo, i, pools == 1 || i + 1 < pools) != 0)
			return -1;
	return 0;
}

static int
emit(struct world *wo, const char *line, size_t n)
{
	wo->counts->lines++;
	return wo->opt->on_line(wo->opt->ctx, slice_of(line, n), wo->err);
}

static void
remember(struct world *wo, const char *id, const char *source)
{
	struct recent *re = &wo->recent[wo->n_recent++ % RECENT];

	(void)snprintf(re->id, sizeof re->id, "%s", id);
	(void)snprintf(re->source, sizeof re->source, "%s", source);
}

/* Somebody whom nothing is planted for: heard in at most two cases, not wanted. */
static void
ordinary_testimony(struct world *wo, int64_t at)
{
	char id[24];
	uint64_t who = ORDINARY + wo->person / 2, u = rng_below(&wo->rg, 100);

	wo->person += rng_chance(&wo->rg, 300) ? 1 : 2 - (wo->person & 1); /* each is heard once or twice */
	testimony(wo, who, at, wo->serial, u < 80 ? "lay" : u < 85 ? "informant" : u < 93 ? "expert" : "official", id);
	remember(wo, id, "/courts/testimony");
}

static void
ordinary_passage(struct world *wo, int64_t at)
{
	char id[24], source[24];
	unsigned gate = (unsigned)rng_below(&wo->rg, 64);

	passage(wo, ORDINARY + 30000000 + rng_below(&wo->rg, 1 + wo->opt->events / 3), at, gate, id);
	(void)snprintf(source, sizeof source, "/gates/g%u", gate);
	remember(wo, id, source);
}

/* Pools that nothing is planted in give each expert his turn. */
static void
ordinary_referral(struct world *wo, int64_t at)
{
	bool small = wo->opt->events < 20000;
	unsigned field = small ? 0 : (unsigned)rng_below(&wo->rg, FIELDS);
	unsigned province = field == 0 ? 0 : (unsigned)rng_below(&wo->rg, 31); /* plants are in field 0 of the others */

	referred(wo, expert_of(province, field, wo->turn[province][field]++ % POOL_EXPERTS), province, field, at);
}

static void
ordinary(struct world *wo, int64_t at)
{
	unsigned parts = wo->opt->kind->parts;
	uint64_t u = rng_below(&wo->rg, 100);

	if ((parts & PART_EXPERT) != 0 && (parts == PART_EXPERT || u < 12))
		ordinary_referral(wo, at);
	else if ((parts & PART_GATE) != 0 && (parts == PART_GATE || u < 62))
		ordinary_passage(wo, at);
	else
		ordinary_testimony(wo, at);
}

/* One of the ways in which what arrives is wrong; made from the line just written. */
static void
damage(struct world *wo)
{
	char *at;

	switch (rng_below(&wo->rg, 5)) {
	case 0: /* cut off */
		wo->line.n = wo->line.n * 2 / 3;
		return;
	case 1: /* a misspelt type */
		at = memmem(wo->line.p, wo->line.n, ".given", 6);
		if (at == NULL)
			at = memmem(wo->line.p, wo->line.n, ".passed", 7);
		if (at == NULL)
			at = memmem(wo->line.p, wo->line.n, ".referred", 9);
		if (at != NULL)
			at[2] = 'x';
		return;
	case 2: /* the 31st of February */
		at = memmem(wo->line.p, wo->line.n, "\"time\":\"", 8);
		if (at != NULL)
			memcpy(at + 13, "02-31", 5);
		return;
	case 3: /* a field that nobody knows */
		wo->line.n -= 2;
		buf_add_str(&wo->line, ",\"remark\":\"-\"}}");
		return;
	default: /* a wrong digit in the identifier */
		at = memmem(wo->line.p, wo->line.n, "\"nid:", 5);
		if (at != NULL && at[5] >= '0' && at[5] <= '9')
			at[14] = at[14] == '9' ? '0' : (char)(at[14] + 1); /* the check digit */
		else
			wo->line.n /= 2;
	}
}

/* One more line that nothing is planted in: an event, a damaged one, a copy, a retraction, or one put on its late way. */
static int
ordinary_line(struct world *wo, int64_t now, bool *ret_emitted)
{
	uint64_t u = rng_below(&wo->rg, 10000);

	*ret_emitted = true;
	if (u < 40 && wo->copy != NULL) {
		wo->counts->duplicates++;
		return emit(wo, wo->copy, strlen(wo->copy));
	}
	if (u < 70 && wo->n_recent > RECENT) {
		struct recent *re = &wo->recent[rng_below(&wo->rg, RECENT)];

		if (re->id[0] != 0) {
			retraction(wo, re->source, re->id, now);
			re->id[0] = 0; /* once */
			wo->counts->retracted++;
			return !buf_ok(&wo->line) ? err_nomem(wo->err) : emit(wo, wo->line.p, wo->line.n);
		}
	}
	ordinary(wo, now);
	if (!buf_ok(&wo->line))
		return err_nomem(wo->err);
	if (u < 110 && wo->opt->malformed) {
		/* What is damaged has no twin and cannot be retracted. */
		wo->counts->malformed++;
		if (wo->n_recent > 0)
			wo->recent[(wo->n_recent - 1) % RECENT].id[0] = 0;
		damage(wo);
		return !buf_ok(&wo->line) ? err_nomem(wo->err) : emit(wo, wo->line.p, wo->line.n);
	}
	if (u < 400) {
		wo->counts->late++;
		*ret_emitted = false;
		return arrive(wo, now + 3600 + (int64_t)rng_below(&wo->rg, 20 * DAY));
	}
	if (u < 500 || wo->copy == NULL) {
		free(wo->copy);
		wo->copy = strndup(wo->line.p, wo->line.n);
		if (wo->copy == NULL)
			return err_nomem(wo->err);
	}
	return emit(wo, wo->line.p, wo->line.n);
}

int
world_generate(const struct world_options *opt, struct world_counts *ret, struct err *err)
{
	struct world *wo;
	uint64_t events = opt->events;
	bool emitted;
	int r = 0;

	if (events < WORLD_EVENTS_MIN || events > WORLD_EVENTS_MAX)
		return err_set(err, ERR_USAGE, "a synthetic province has %d to %d events, not %" PRIu64, WORLD_EVENTS_MIN, WORLD_EVENTS_MAX, events);
	*ret = (struct world_counts){0};
	wo = calloc(1, sizeof *wo);
	if (wo == NULL)
		return err_nomem(err);
	wo->opt = opt;
	wo->rg.state = opt->seed;
	wo->counts = ret;
	wo->err = err;
	r = plant_all(wo);
	if (r == 0 && wo->coming.n > events)
		r = err_set(err, ERR_USAGE, "%" PRIu64 " events are too few for what is planted; take at least %zu", events, wo->coming.n);
	while (r == 0 && ret->lines < events) {
		int64_t now = START + (int64_t)(ret->lines * (uint64_t)SPAN / events);

		if (wo->coming.n > 0 && (wo->coming.heap[0].at <= now || wo->coming.n >= events - ret->lines)) {
			char *line = schedule_take(&wo->coming);

			r = emit(wo, line, strlen(line));
			free(line);
			continue;
		}
		r = ordinary_line(wo, now, &emitted);
	}
	schedule_free(&wo->coming);
	free(wo->copy);
	buf_free(&wo->line);
	free(wo);
	return r;
}
