#include "engine/alert/message.h"

#include "engine/rule/text.h"

static const char *const state_names[] = {"standing", "withdrawn", "ended"};

/* Some 150 of them in a message: in one piece each. */
static inline void
member(struct buf *b, const char *name)
{
	size_t n = strlen(name);
	char *p;

	if (buf_room(b, n + 4) != 0)
		return;
	p = b->p + b->n;
	if (b->n > 0 && p[-1] != '{')
		*p++ = ',';
	*p++ = '"';
	memcpy(p, name, n);
	memcpy(p + n, "\":", 2);
	b->n = (size_t)(p + n + 2 - b->p);
}

static inline void
member_string(struct buf *b, const char *name, struct slice s)
{
	member(b, name);
	json_quote(b, s);
}

static void
member_text(struct buf *b, const char *name, const char *s)
{
	member_string(b, name, slice_str(s));
}

static void
add_instant(struct buf *b, struct instant t)
{
	char text[INSTANT_TEXT_BYTES];

	buf_add_u8(b, '"');
	buf_add(b, text, instant_format(t, text));
	buf_add_u8(b, '"');
}

static void
member_instant(struct buf *b, const char *name, struct instant t)
{
	member(b, name);
	add_instant(b, t);
}

/* {"source":…,"id":…,"time":… without its closing brace. */
static void
open_identity(struct buf *b, const struct names *na, struct instant time, uint32_t source, struct slice id)
{
	buf_add_u8(b, '{');
	member_string(b, "source", names_text(na, source));
	member_string(b, "id", id);
	member_instant(b, "time", time);
}

static void
member_hit(struct buf *b, const char *name, const struct names *na, const struct hit *hi)
{
	member(b, name);
	open_identity(b, na, hi->time, hi->source, hit_id(hi));
	buf_add_u8(b, '}');
}

/* Walks an alert's values: shown ones, or those that delivery reads. */
static unsigned
value_list(const struct alert *al, bool deliver, struct rule_value *ret, unsigned max)
{
	struct rd r = rd_of(alert_values(al));
	unsigned n = 0;

	while (rd_left(&r) > 0 && !r.bad && n < max) {
		struct slice name = rd_blob(&r);
		struct value v = value_decode(rd_blob(&r));
		bool hidden = name.n > 0 && name.p[0] == 1;

		if (r.bad || hidden != deliver)
			continue;
		ret[n].name = hidden ? slice_of(name.p + 1, name.n - 1) : name;
		ret[n++].value = v;
	}
	return n;
}

static void
member_values(struct buf *b, const char *name, const struct alert *al, bool deliver)
{
	struct rule_value v[LIMIT_RULE_VALUES + 8];
	unsigned n = value_list(al, deliver, v, LIMIT_RULE_VALUES + 8);

	member(b, name);
	buf_add_u8(b, '{');
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_add_u8(b, ',');
		json_quote(b, v[i].name);
		buf_add_u8(b, ':');
		value_json(b, &v[i].value);
	}
	buf_add_u8(b, '}');
}

/* The episode as text: FIELD=VALUE, comma between; empty when the subject alone makes it. */
static void
member_episode(struct buf *b, const struct rule *ru, struct slice episode)
{
	struct rd r = rd_of(episode);
	struct buf text = {0}, one = {0};

	for (unsigned i = 0; i < ru->n_episode; i++) {
		struct value v = value_decode(rd_blob(&r));

		if (i > 0)
			buf_add_u8(&text, ',');
		buf_add_str(&text, ru->fields[ru->episode[i]]);
		buf_add_u8(&text, '=');
		if (v.kind == VALUE_STRING) {
			buf_add_slice(&text, v.s);
		} else if (v.kind != VALUE_NONE) {
			buf_clear(&one);
			value_json(&one, &v);
			buf_add_slice(&text, buf_slice(&one));
		}
	}
	member_string(b, "episode", buf_slice(&text));
	buf_free(&text);
	buf_free(&one);
}

static void
add_fields(struct buf *b, const struct layout *la, struct slice kept)
{
	bool first = true;

	buf_add_str(b, "{");
	for (unsigned i = 0; i < la->n_fields; i++) {
		struct value v = kept_value(kept, i);

		if (v.kind == VALUE_NONE)
			continue;
		if (!first)
			buf_add_str(b, ",");
		first = false;
		buf_add_slice(b, la->fields[i].member);
		value_json(b, &v);
	}
	buf_add_str(b, "}");
}

/* The hot path of rendering: some 20 of them in an alert. */
static void
add_entry(struct buf *b, const struct names *na, const struct timeline *tl, const struct entry *en)
{
	const struct layout *la = names_layout_at(na, en->layout);

	buf_add_str(b, "{\"source\":");
	buf_add_slice(b, names_json(na, en->source));
	buf_add_str(b, ",\"id\":");
	json_quote(b, entry_id(tl, en));
	buf_add_str(b, ",\"time\":");
	add_instant(b, entry_time(en));
	buf_add_str(b, ",\"type\":");
	buf_add_slice(b, la->type_json);
	buf_add_str(b, ",\"position\":");
	buf_add_slice(b, names_json(na, en->stream));
	if (!buf_ok(b))
		return;
	b->p[b->n - 1] = ':'; /* in place of the closing quote */
	buf_add_unsigned(b, en->number);
	buf_add_str(b, "\"");
	if (en->flags & ENTRY_CONTESTED)
		buf_add_str(b, ",\"contested\":true");
	buf_add_str(b, ",\"fields\":");
	add_fields(b, la, entry_kept(tl, en));
	buf_add_str(b, "}");
}

static void
member_evidence(struct buf *b, const struct alert_words *aw)
{
	const struct timeline *tl = &aw->ju->su->tl;

	member(b, "evidence");
	buf_add_str(b, "[");
	for (uint32_t i = 0; i < aw->ev->n && b->n < LIMIT_ALERT_BYTES; i++) {
		if (i > 0)
			buf_add_str(b, ",");
		add_entry(b, aw->names, tl, &tl->v[aw->ev->index[i]]);
	}
	buf_add_str(b, "]");
	member(b, "evidence_total");
	buf_add_unsigned(b, aw->ev->total);
}

/* The longest window that the rule looked through; no `from` when it looked at the whole history. */
static void
member_window(struct buf *b, const struct rule *ru, struct instant t)
{
	struct instant from = t;
	bool all = false;

	for (unsigned i = 0; i < ru->n_features; i++) {
		const struct feature_spec *spec = &ru->features[i];
		struct instant f = t;

		if (spec->op == OP_ACTIVE)
			continue;
		all = all || spec->window == WINDOW_ALL;
		if (spec->window == WINDOW_SPAN)
			f = instant_plus(t, -spec->window_seconds);
		else if (spec->window == WINDOW_JALALI_YEAR)
			f = jalali_year_start(t);
		else if (spec->window == WINDOW_JALALI_MONTH)
			f = jalali_month_start(t);
		if (instant_cmp(f, from) < 0)
			from = f;
	}
	member(b, "window");
	buf_add_u8(b, '{');
	if (!all && instant_cmp(from, t) < 0)
		member_instant(b, "from", from);
	member_instant(b, "to", t);
	buf_add_u8(b, '}');
}

static void
member_rule(struct buf *b, const struct rule *ru)
{
	member_text(b, "rule", ru->id);
	member_text(b, "rule_version", ru->version);
	member_text(b, "rule_hash", ru->hash);
}

static void
member_params(struct buf *b, const struct rule *ru)
{
	member(b, "params");
	buf_add_u8(b, '{');
	for (unsigned i = 0; i < ru->n_params; i++) {
		if (i > 0)
			buf_add_u8(b, ',');
		json_quote(b, slice_str(ru->params[i].name));
		buf_add_u8(b, ':');
		value_json(b, &ru->params[i].value);
	}
	buf_add_u8(b, '}');
	member(b, "audience");
	buf_add_u8(b, '[');
	for (unsigned i = 0; i < ru->n_audience; i++) {
		if (i > 0)
			buf_add_u8(b, ',');
		json_quote(b, slice_str(ru->audience[i]));
	}
	buf_add_u8(b, ']');
}

void
alert_texts(const struct alert_words *aw, struct buf *fa, struct buf *en)
{
	struct rule_value v[LIMIT_RULE_VALUES];
	unsigned n = value_list(aw->al, false, v, LIMIT_RULE_VALUES);

	rule_text(fa, aw->ru, hit_code(aw->al->shown), v, n, true);
	rule_text(en, aw->ru, hit_code(aw->al->shown), v, n, false);
}

void
alert_data(const struct alert_words *aw, struct slice fa, struct slice en, struct buf *b)
{
	const struct alert *al = aw->al;
	char id[2 * ALERT_ID_BYTES + 1];

	alert_id_text(al->id, id);
	buf_add_u8(b, '{');
	member_text(b, "alert_id", id);
	member(b, "seq");
	buf_add_unsigned(b, al->seq);
	member_rule(b, aw->ru);
	member_string(b, "subject", aw->subject);
	member_episode(b, aw->ru, aw->episode);
	member_instant(b, "opened_at", al->opening->time);
	member_text(b, "level", alert_level_name((enum alert_level)al->shown->level));
	member_string(b, "outcome", hit_code(al->shown));
	member_values(b, "values", al, false);
	member(b, "text");
	buf_add_u8(b, '{');
	member_string(b, "fa", fa);
	member_string(b, "en", en);
	buf_add_u8(b, '}');
	member_hit(b, "trigger", aw->names, al->shown);
	member_hit(b, "opening", aw->names, al->opening);
	if (aw->ev != NULL)
		member_evidence(b, aw);
	member_window(b, aw->ru, al->shown->time);
	member_params(b, aw->ru);
	member_values(b, "deliver", al, true);
	member(b, "held_back");
	buf_add_unsigned(b, al->held_back);
	member_instant(b, "decided_at", al->decided);
	member_instant(b, "known_up_to", al->known_up_to);
	if (aw->ev != NULL && judge_contested(aw->ju, aw->ev)) {
		member(b, "contested");
		buf_add_str(b, "true");
	}
	if (aw->replaces != NULL) {
		alert_id_text(aw->replaces->id, id);
		member_text(b, "replaces", id);
	}
	if (al->state == ALERT_WITHDRAWN && al->replaced) {
		alert_id_text(al->by, id);
		member_text(b, "replaced_by", id);
	}
	if (aw->reason != NULL)
		member_text(b, "reason", aw->reason);
	if (aw->with_state)
		member_text(b, "state", state_names[al->state]);
	buf_add_u8(b, '}');
}

void
alert_message(const struct alert_words *aw, enum message_type type, const char *instance, struct slice fa, struct slice en, struct buf *b)
{
	static const char *const types[] = {"alert.raised", "alert.updated", "alert.withdrawn"};
	char id[2 * ALERT_ID_BYTES + 1];

	alert_id_text(aw->al->id, id);
	buf_add_u8(b, '{');
	member_text(b, "specversion", "1.0");
	member(b, "id");
	buf_printf(b, "\"%s/%u\"", id, aw->al->seq);
	member(b, "source");
	buf_add_str(b, "\"/dideban/");
	buf_add_str(b, instance);
	buf_add_u8(b, '"');
	member_text(b, "type", types[type]);
	member_instant(b, "time", aw->al->decided);
	member_text(b, "datacontenttype", "application/json");
	member(b, "data");
	alert_data(aw, fa, en, b);
	buf_add_u8(b, '}');
}
