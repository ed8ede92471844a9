#include "tests/property/gen.h"

#include <stdlib.h>

#include <stdio.h>

/* ---- time ----------------------------------------------------------------------------------------------------- */

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Day, counted from 1970-01-01, as year, month and day of month. Every 400 years are alike; inside them it counts. */
static void
split_day(int64_t day, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t since_2000 = day - 10957, cycle = floor_div(since_2000, 146097), left = since_2000 - cycle * 146097, n = left / 366;
	unsigned month = 0;

	left -= n * 365 + (n + 3) / 4 - (n + 99) / 100 + (n + 399) / 400; /* the first n years, of which the first is leap */
	for (; left >= 365 + is_leap(n); n++)
		left -= 365 + is_leap(n);
	for (; left >= lengths[month] + (month == 1 && is_leap(n)); month++)
		left -= lengths[month] + (month == 1 && is_leap(n));
	*ret_year = 2000 + 400 * cycle + n;
	*ret_month = month + 1;
	*ret_day = (unsigned)left + 1;
}

void
gen_time_text(struct buf *b, struct gen_time t, int offset_minutes, unsigned zeros)
{
	int64_t s = t.sec + offset_minutes * 60, day = floor_div(s, 86400), year;
	unsigned month, of_month, digits, fraction;
	char text[16];

	s -= day * 86400;
	split_day(day, &year, &month, &of_month);
	buf_printf(b, "%04d-%02u-%02uT%02d:%02d:%02d", (int)year, month, of_month, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
	for (digits = t.nsec == 0 ? 0 : 9, fraction = t.nsec; digits > 0 && fraction % 10 == 0; digits--)
		fraction /= 10;
	if (digits + zeros > 0 && digits + zeros <= 9) {
		snprintf(text, sizeof(text), "%09u", t.nsec);
		buf_printf(b, ".%.*s", (int)(digits + zeros), text);
	} else if (digits > 0)
		buf_printf(b, ".%0*u", (int)digits, fraction);
	if (offset_minutes == 0)
		buf_add_str(b, "Z");
	else
		buf_printf(b, "%c%02d:%02d", offset_minutes < 0 ? '-' : '+', abs(offset_minutes) / 60, abs(offset_minutes) % 60);
}

void
gen_number_text(struct buf *b, double d)
{
	buf_printf(b, "%.17g", d == 0 ? 0 : d); /* JSON's -0 is read as 0 */
}

/* ---- events --------------------------------------------------------------------------------------------------- */

/* How one event is written down: NULL writes it plainly. */
static bool
now_and_then(struct rng *form, unsigned percent)
{
	return form != NULL && rng_percent(form, percent);
}

static void
space(struct buf *b, struct rng *form)
{
	if (now_and_then(form, 10))
		buf_add_str(b, rng_percent(form, 50) ? " " : "\t");
}

/* A JSON string; `fold`: its digits may be written in Persian or Arabic ones. */
static void
put_string(struct buf *b, struct rng *form, const char *s, bool fold)
{
	bool persian = fold && now_and_then(form, 30), escaped = now_and_then(form, 15);

	buf_add_str(b, "\"");
	for (; *s != '\0'; s++) {
		if (persian && *s >= '0' && *s <= '9') {
			if (escaped)
				buf_printf(b, "\\u06f%c", *s);
			else
				buf_printf(b, "%s%c", *s % 2 == 0 ? "\xdb" : "\xd9", (*s % 2 == 0 ? 0xb0 : 0xa0) + (*s - '0'));
		} else if (escaped && (unsigned char)*s < 0x80 && rng_percent(form, 50))
			buf_printf(b, "\\u%04x", (unsigned)*s);
		else
			buf_add(b, s, 1);
	}
	buf_add_str(b, "\"");
}

static void
put_decimal(struct buf *b, struct rng *form, const struct gen_value *v)
{
	int64_t size = v->i < 0 ? -v->i : v->i;
	char text[32];
	int n = snprintf(text, sizeof(text), "%s%lld.%0*lld", v->i < 0 ? "-" : "", (long long)(size / GEN_DEC_ONE), GEN_DEC_SCALE,
	    (long long)(size % GEN_DEC_ONE));

	text[n - GEN_DEC_SCALE + (int)v->digits - (v->digits == 0)] = '\0'; /* without digits no point */
	put_string(b, form, text, true);
}

static void
put_field(struct buf *b, struct rng *form, const struct gen_value *v)
{
	if (v->kind == GEN_STR)
		put_string(b, form, v->s, true);
	else if (v->kind == GEN_DEC)
		put_decimal(b, form, v);
	else if (v->kind == GEN_INT)
		buf_printf(b, "%lld", (long long)v->i);
	else if (v->kind == GEN_BOOL)
		buf_add_str(b, v->i != 0 ? "true" : "false");
	else {
		buf_add_str(b, "\"");
		gen_time_text(b, v->t, (int)v->i, 0);
		buf_add_str(b, "\"");
	}
}

static void
put_keys(struct buf *b, struct rng *form, unsigned role, unsigned mask)
{
	unsigned i, n = 0;

	if (role == ROLE_CROWD)
		buf_add_str(b, "[");
	for (i = 0; i < GEN_KEYS; i++)
		if ((mask >> i & 1) != 0) {
			buf_add_str(b, n++ == 0 ? "" : ",");
			put_string(b, form, gen_key_name[gen_role_kind(role)][i], true);
		}
	if (role == ROLE_CROWD)
		buf_add_str(b, "]");
}

/* The members of data as (sorted) numbers: 0 .. fields but cost, then roles, then the target's two, then cost, if the set has costs. */
#define N_FIELDS FIELD_COST
#define MEMBER_SOURCE (N_FIELDS + GEN_ROLES)
#define MEMBER_COST (MEMBER_SOURCE + 2)
#define N_MEMBERS (MEMBER_COST + 1)

static const char *
member_name(unsigned m)
{
	if (m == MEMBER_COST)
		return gen_field_name[FIELD_COST];
	if (m < N_FIELDS)
		return gen_field_name[m];
	if (m < MEMBER_SOURCE)
		return gen_role_name[m - N_FIELDS];
	return m == MEMBER_SOURCE ? "source" : "id";
}

static bool
has_member(const struct gen_content *co, unsigned m)
{
	bool target = m == MEMBER_SOURCE || m == MEMBER_SOURCE + 1;

	if (co->type == GEN_RETRACTION || target)
		return co->type == GEN_RETRACTION && target;
	if (m == MEMBER_COST)
		return co->fields[FIELD_COST].kind != GEN_NONE;
	return m < N_FIELDS ? co->fields[m].kind != GEN_NONE : co->keys[m - N_FIELDS] != 0;
}

static void
put_member(struct buf *b, struct rng *form, const struct gen_content *co, unsigned m)
{
	if (m == MEMBER_COST)
		put_field(b, form, &co->fields[FIELD_COST]);
	else if (m < N_FIELDS)
		put_field(b, form, &co->fields[m]);
	else if (m < MEMBER_SOURCE)
		put_keys(b, form, m - N_FIELDS, co->keys[m - N_FIELDS]);
	else
		put_string(b, form, m == MEMBER_SOURCE ? gen_source_name(co->target_source) : gen_id_name(co->target_id), false);
}

static void
put_data(struct buf *b, struct rng *form, const struct gen_content *co, const struct gen_set *set)
{
	unsigned order[N_MEMBERS], members = set->costs ? N_MEMBERS : MEMBER_COST, i, j, t, n = 0;

	for (i = 0; i < members; i++)
		order[i] = i;
	for (i = 1; i < members; i++)
		for (j = i; j > 0 && strcmp(member_name(order[j]), member_name(order[j - 1])) < 0; j--) {
			t = order[j];
			order[j] = order[j - 1];
			order[j - 1] = t;
		}
	for (i = 1; form != NULL && i < members; i++) {
		j = rng_below(form, i + 1);
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	buf_add_str(b, "{");
	for (i = 0; i < members; i++) {
		if (!has_member(co, order[i]))
			continue;
		buf_add_str(b, n++ == 0 ? "" : ",");
		space(b, form);
		buf_printf(b, "\"%s\":", member_name(order[i]));
		space(b, form);
		put_member(b, form, co, order[i]);
	}
	space(b, form);
	buf_add_str(b, "}");
}

void
gen_print_canonical(struct buf *b, const struct gen_content *co, const struct gen_set *set)
{
	buf_add_str(b, "{\"data\":");
	put_data(b, NULL, co, set);
	buf_add_str(b, ",\"time\":\"");
	gen_time_text(b, co->time, 0, 0);
	buf_printf(b, "\",\"type\":\"%s\"}", gen_type_name[co->type]);
}

void
gen_print_event(struct buf *b, const struct gen_set *set, unsigned content, uint64_t form)
{
	static const int offsets[] = {0, 210, -300, 60, 840};
	const struct gen_content *co = &set->contents[content];
	struct rng rng = {form}, *fo = form == 0 ? NULL : &rng;
	/* An offset must not carry the local year out of 0000 .. 9999. */
	int offset = now_and_then(fo, 50) && co->time.sec > -62135500000 ? offsets[rng_below(fo, 5)] : 0;
	bool data_first = now_and_then(fo, 20);

	buf_add_str(b, "{");
	if (data_first) {
		buf_add_str(b, "\"data\":");
		put_data(b, fo, co, set);
		buf_add_str(b, ",");
	}
	space(b, fo);
	buf_add_str(b, "\"specversion\":\"1.0\",\"id\":");
	put_string(b, fo, gen_id_name(co->id), false);
	buf_add_str(b, ",\"source\":");
	put_string(b, fo, gen_source_name(co->source), false);
	buf_printf(b, ",\"type\":\"%s\",\"time\":\"", gen_type_name[co->type]);
	gen_time_text(b, co->time, offset, now_and_then(fo, 20) ? rng_below(fo, 3) : 0);
	buf_add_str(b, "\"");
	if (now_and_then(fo, 20))
		buf_add_str(b, ",\"datacontenttype\":\"application/json\"");
	if (!data_first) {
		buf_add_str(b, ",\"data\":");
		put_data(b, fo, co, set);
	}
	space(b, fo);
	buf_add_str(b, "}");
}

/* ---- contracts ------------------------------------------------------------------------------------------------ */

static void
print_retraction_contract(struct buf *b)
{
	buf_printf(b,
	    "{\"$id\":\"%s\",\"description\":\"takes an event back\",\"type\":\"object\",\"additionalProperties\":false,"
	    "\"required\":[\"source\",\"id\"],\"properties\":{"
	    "\"source\":{\"type\":\"string\",\"description\":\"its source\"},\"id\":{\"type\":\"string\",\"description\":\"its id\"}},"
	    "\"x-roles\":{},\"x-keep\":[],\"x-effect\":\"retraction\",\"x-target\":{\"source\":\"source\",\"id\":\"id\"},"
	    "\"x-class\":{\"retention\":\"operations\",\"personal\":false}}\n",
	    gen_type_name[GEN_RETRACTION]);
}

void
gen_print_contract(struct buf *b, const struct gen_set *set, unsigned type, bool other)
{
	static const char *const types[] = {"", "integer", "string", "boolean", "string"};
	const struct gen_type *ty = &set->types[type];
	unsigned i;

	if (type == GEN_RETRACTION) {
		print_retraction_contract(b);
		return;
	}
	buf_printf(b,
	    "{\"$id\":\"%s\",\"description\":\"made up\",\"type\":\"object\",\"additionalProperties\":false,\"required\":[],\"properties\":{",
	    gen_type_name[type]);
	for (i = 0; i < FIELD_COST; i++)
		buf_printf(b, "\"%s\":{\"type\":\"%s\"%s,\"description\":\"a field\"},", gen_field_name[i], types[gen_field_kind[i]],
		    gen_field_kind[i] == GEN_TIME ? ",\"format\":\"date-time\"" : "");
	if (set->costs)
		buf_printf(b, "\"%s\":{\"type\":\"string\",\"format\":\"decimal\",\"x-scale\":%u,\"description\":\"a field\"},",
		    gen_field_name[FIELD_COST], set->scale[type]);
	for (i = 0; i < ty->n_roles; i++)
		buf_printf(b, "%s\"%s\":{%s\"type\":\"string\"%s,\"description\":\"a role\"}", i == 0 ? "" : ",", gen_role_name[ty->roles[i]],
		    ty->roles[i] == ROLE_CROWD ? "\"type\":\"array\",\"items\":{" : "", ty->roles[i] == ROLE_CROWD ? "}" : "");
	buf_add_str(b, "},\"x-roles\":{");
	for (i = 0; i < ty->n_roles; i++)
		buf_printf(b, "%s\"%s\":{\"kind\":\"%s\",\"path\":\"%s%s\"}", i == 0 ? "" : ",", gen_role_name[ty->roles[i]],
		    gen_kind_name[gen_role_kind(ty->roles[i])], gen_role_name[ty->roles[i]], ty->roles[i] == ROLE_CROWD ? "[]" : "");
	buf_add_str(b, "},\"x-keep\":[");
	for (i = 0; i < FIELD_NOTE; i++)
		buf_printf(b, "%s\"%s\"", i == 0 ? "" : ",", gen_field_name[other ? FIELD_NOTE - 1 - i : i]);
	if (set->costs)
		buf_printf(b, ",\"%s\"", gen_field_name[FIELD_COST]);
	buf_add_str(b, "],\"x-class\":{\"retention\":\"operations\",\"personal\":false}}\n");
}
