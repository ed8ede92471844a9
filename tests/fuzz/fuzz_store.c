/* Values of the store, as the codecs read them: the first byte says whose. What can be read can be written, and read again
 * with the same result. */
#include "engine/alert/standing.h"
#include "engine/event/value.h"
#include "engine/flow/subject.h"
#include "engine/timeline/codec.h"
#include "tests/fuzz/fuzz.h"

/* Its reading of a record is its own: so the file itself, instead of the library's. */
#include "engine/flow/quarantine.c"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void
an_alert(struct slice s)
{
	struct err err;
	struct alert *al = alert_decode(s, &err), *back;
	struct buf b = {.max = MIB}, again = {.max = MIB};

	if (al == NULL)
		return;
	alert_encode(al, &b);
	back = alert_decode(buf_slice(&b), &err);
	must(back != NULL);
	alert_encode(back, &again);
	must(slice_eq(buf_slice(&b), buf_slice(&again)));
	alert_free(back);
	alert_free(al);
	buf_free(&b);
	buf_free(&again);
}

/* u16 length and that many bytes of hits, then one alert. */
static void
a_group(struct slice s)
{
	struct rd r = rd_of(s);
	size_t n = rd_u8(&r) | (size_t)rd_u8(&r) << 8;
	struct slice hits = rd_bytes(&r, n < rd_left(&r) ? n : rd_left(&r));
	struct standing sg = {0};
	struct group *gr = standing_group(&sg, slice_str("k"));
	struct names *na = names_new();
	struct buf b = {.max = MIB};
	struct err err;

	must(gr != NULL && na != NULL);
	if (group_add_part(gr, hits, &err) == 0 && group_add_alert(gr, slice_of(r.p, rd_left(&r)), &err) == 0 && group_place(gr, na) == 0 &&
	    gr->n_hits != 0) {
		group_encode_part(gr, 0, &b);
		must(b.n > 0);
	}
	buf_free(&b);
	standing_free(&sg);
	names_free(na);
}

/* u8 length and that many bytes of a key, then pieces of a timeline. */
static void
an_entry(struct slice s)
{
	struct rd r = rd_of(s);
	size_t n = rd_u8(&r);
	struct slice key = rd_bytes(&r, n < rd_left(&r) ? n : rd_left(&r));
	struct buf b = {.max = MIB};
	struct group_place place;
	struct delta de, back;

	while (rd_left(&r) > 0 && piece_decode(&r, &de) == 0) {
		struct rd again;

		must(de.id.n <= s.n && de.kept.n <= s.n);
		buf_clear(&b);
		piece_begin(&b, &de);
		piece_end(&b, &de);
		again = rd_of(buf_slice(&b));
		must(piece_decode(&again, &back) == 0 && rd_left(&again) == 0 && back.remove == de.remove && instant_cmp(back.time, de.time) == 0 &&
		     back.source == de.source && back.role == de.role && slice_eq(back.id, de.id) && slice_eq(back.kept, de.kept));
	}
	if (group_key_split(key, &place) == 0)
		must(place.subject.n + place.rule.n + place.group.n <= key.n);
	buf_free(&b);
}

static void
a_value(struct slice s)
{
	struct value v = value_decode(s), back;
	struct buf b = {.max = MIB};

	value_json(&b, &v);
	buf_clear(&b);
	value_encode(&b, &v);
	back = value_decode(buf_slice(&b));
	must(back.kind == v.kind);
	buf_free(&b);
}

/* u8 length and that many bytes of a layout's text, then a kept blob. */
static void
a_kept_blob(struct slice s)
{
	struct rd r = rd_of(s);
	size_t n = rd_u8(&r);
	struct err err;
	struct layout *la = layout_parse(rd_bytes(&r, n < rd_left(&r) ? n : rd_left(&r)), &err);
	struct slice kept = slice_of(r.p, rd_left(&r));
	struct buf b = {.max = MIB};

	for (unsigned i = 0; i < LIMIT_KEPT + 1; i++) {
		struct value v = kept_value(kept, i);

		value_json(&b, &v);
	}
	must(la == NULL || (la->n_fields <= LIMIT_KEPT && la->n_roles <= LIMIT_ROLES));
	layout_free(la);
	buf_free(&b);
}

static void
a_quarantined_event(struct slice s)
{
	struct record re = {0}, back = {0};
	struct buf b = {.max = MIB};

	if (decode(&re, s) != 0)
		return;
	must(event_fault_name(re.fault) != NULL);
	encode(&re, &b);
	must(buf_ok(&b) && decode(&back, buf_slice(&b)) == 0 && slice_eq(re.raw, back.raw) && slice_eq(re.detail, back.detail));
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct slice) = {an_alert, a_group, an_entry, a_value, a_quarantined_event, a_kept_blob};

	if (size > 0)
		kinds[data[0] % (sizeof kinds / sizeof kinds[0])](slice_of((const char *)data + 1, size - 1));
	return 0;
}
