#include "engine/rule/load.h"

#include <stdio.h>

int
load_field(struct load *ld, const struct tree *tr)
{
	static const char *const envelope[] = {"type", "source", "id", "time"};
	struct rule *ru = ld->ru;

	for (unsigned i = 0; i < ru->n_fields; i++)
		if (ru->fields[i] != NULL && slice_eq_str(tr->s, ru->fields[i]))
			return (int)i;
	for (size_t i = 0; i < 4; i++)
		if (slice_eq_str(tr->s, envelope[i])) {
			fault_at(ld, tr, "e.%s is of the envelope and always there; it is not listed", envelope[i]);
			return -1;
		}
	if (ru->n_fields == LIMIT_RULE_FIELDS) {
		fault_at(ld, tr, "more than %d fields in need, want and alerting", LIMIT_RULE_FIELDS);
		return -1;
	}
	ru->fields[ru->n_fields] = load_copy(ld, tr->s);
	return (int)ru->n_fields++;
}

/* --- outcomes --------------------------------------------------------------------------------------------------- */

static const char *const level_names[] = {NULL, "info", "warning", "critical"};

const char *
alert_level_name(enum alert_level level)
{
	return level >= LEVEL_INFO && level <= LEVEL_CRITICAL ? level_names[level] : "none";
}

static void
load_class(struct load *ld, const struct tree *tr, struct rule_outcome *oc)
{
	const struct tree *alert = tree_get(tr, "alert"), *clear = tree_get(tr, "clear"), *unknown = tree_get(tr, "unknown");

	if ((alert != NULL) + (clear != NULL) + (unknown != NULL) != 1) {
		fault_at_key(ld, tr, "outcome %.*s must be exactly one of alert = \"LEVEL\", clear = true, unknown = true", SLICE_ARG(tr->key));
		return;
	}
	if (alert == NULL) {
		const struct tree *flag = clear != NULL ? clear : unknown;

		oc->class = clear != NULL ? OUTCOME_CLEAR : OUTCOME_UNKNOWN;
		if (flag->kind != TREE_BOOLEAN || flag->i == 0)
			fault_at(ld, flag, "write %.*s = true", SLICE_ARG(flag->key));
		return;
	}
	oc->class = OUTCOME_ALERT;
	for (unsigned i = LEVEL_INFO; i <= LEVEL_CRITICAL; i++)
		if (alert->kind == TREE_STRING && slice_eq_str(alert->s, level_names[i])) {
			oc->level = (enum alert_level)i;
			return;
		}
	fault_at(
	    ld, alert, "a level is info, warning or critical%s", alert->kind == TREE_STRING ? suggestion_of(alert->s, level_names + 1, 3).text : "");
}

/* Is NAME written anywhere before a `=`? Then some table of values may hold it. */
static bool
may_be_value(const struct position_map *map, struct slice name)
{
	const struct tokens *tks = &map->tokens;

	for (size_t i = 0; i + 1 < tks->n; i++)
		if (tks->v[i].kind == TOKEN_NAME && slice_eq(tks->v[i].text, name) && token_is(&tks->v[i + 1], "="))
			return true;
	return false;
}

static void
check_placeholders(struct load *ld, const struct tree *tr)
{
	const char *p = tr->s.p, *end = p + tr->s.n;

	while ((p = memchr(p, '{', (size_t)(end - p))) != NULL) {
		const char *close = memchr(p, '}', (size_t)(end - p));
		const char *names[LIMIT_RULE_PARAMS];
		struct slice name;
		size_t n = 0;

		if (close == NULL) {
			fault_at(ld, tr, "'{' without '}' in the text");
			return;
		}
		name = slice_of(p + 1, (size_t)(close - p - 1));
		for (; n < ld->ru->n_params; n++)
			names[n] = ld->ru->params[n].name;
		if (rule_param_find(ld->ru, name) == NULL && !may_be_value(ld->sv.map, name))
			fault_at(ld, tr, "placeholder {%.*s} is neither a value that evaluate returns nor a parameter%s", SLICE_ARG(name),
			    suggestion_of(name, names, n).text);
		p = close + 1;
	}
}

static void
load_sentence(struct load *ld, const struct tree *tr, const char *key, bool required, char **ret)
{
	const struct tree *text = load_text(ld, tr, key, required, "the sentence for people, needed for alert and unknown");

	if (text == NULL)
		return;
	if (text->s.n > LIMIT_TEXT_BYTES / 2)
		fault_at(ld, text, "the sentence has more than %d bytes", LIMIT_TEXT_BYTES / 2);
	check_placeholders(ld, text);
	*ret = load_copy(ld, text->s);
}

void
load_outcomes(struct load *ld)
{
	static const char *const keys[] = {"alert", "clear", "unknown", "fa", "en", NULL};
	const struct tree *tr = load_child(ld, ld->root, "outcomes", true, "every code that evaluate may return");
	bool alerts = false;

	if (tr == NULL || !load_is_table(ld, tr))
		return;
	if (tr->n_list != 0)
		fault_at(ld, &tr->list[0], "outcomes are named: code = { alert = ... }");
	for (unsigned i = 0; i < tr->n_keys; i++) {
		const struct tree *item = &tr->keys[i];
		struct rule_outcome *oc = &ld->ru->outcomes[ld->ru->n_outcomes];

		if (!load_is_table(ld, item))
			continue;
		if (ld->ru->n_outcomes == LIMIT_RULE_OUTCOMES) {
			fault_at_key(ld, item, "more than %d outcomes", LIMIT_RULE_OUTCOMES);
			return;
		}
		if (slice_eq_str(item->key, "error"))
			fault_at_key(ld, item, "error is the engine's own outcome; call yours otherwise");
		if (item->key.n > LIMIT_KIND_BYTES)
			fault_at_key(ld, item, "an outcome's name has at most %d bytes", LIMIT_KIND_BYTES);
		*oc = (struct rule_outcome){.code = load_copy(ld, item->key)};
		ld->ru->n_outcomes++;
		load_keys(ld, item, keys, "an outcome");
		load_class(ld, item, oc);
		load_sentence(ld, item, "fa", oc->class != OUTCOME_CLEAR, &oc->fa);
		load_sentence(ld, item, "en", oc->class != OUTCOME_CLEAR, &oc->en);
		alerts = alerts || oc->class == OUTCOME_ALERT;
	}
	if (!alerts)
		warn_at_key(ld, tr, "no outcome alerts");
}

/* --- alerting --------------------------------------------------------------------------------------------------- */

static int64_t
load_duration(struct load *ld, const struct tree *tr, const char *key, const char *why)
{
	const struct tree *text = load_text(ld, tr, key, true, why);
	int64_t seconds = 0;

	if (text != NULL && !duration_parse(text->s, &seconds))
		fault_at(ld, text, "%s must be a duration with its unit: a whole number and s, m, h, d or w, such as \"30d\"", key);
	return seconds;
}

static void
load_episode(struct load *ld, const struct tree *tr)
{
	const struct tree *items[LIMIT_RULE_EPISODE + 1],
	    *list = load_child(ld, tr, "episode", true, "what one alert is about: { \"subject\", FIELD ... }");
	unsigned n;

	if (list == NULL)
		return;
	n = load_strings(ld, list, "episode fields", LIMIT_RULE_EPISODE + 1, items);
	if (n == 0 || !slice_eq_str(items[0]->s, "subject")) {
		fault_at(ld, list, "an episode begins with \"subject\": { \"subject\", ... }");
		return;
	}
	for (unsigned i = 1; i < n; i++) {
		int at = load_field(ld, items[i]);

		if (at >= 0)
			ld->ru->episode[ld->ru->n_episode++] = (unsigned)at;
	}
}

static void
load_deliver(struct load *ld, const struct tree *tr)
{
	const struct tree *list = tree_get(tr, "deliver");
	struct rule *ru = ld->ru;

	if (list == NULL || !load_is_table(ld, list))
		return;
	if (list->n_list != 0)
		fault_at(ld, &list->list[0], "deliver takes audience = field");
	for (unsigned i = 0; i < list->n_keys; i++) {
		const struct tree *item = &list->keys[i];
		bool known = false;

		for (unsigned k = 0; k < ru->n_audience && !known; k++)
			known = ru->audience[k] != NULL && slice_eq_str(item->key, ru->audience[k]);
		if (!known)
			fault_at_key(ld, item, "%.*s is not in audience%s", SLICE_ARG(item->key),
			    suggestion_of(item->key, (const char *const *)ru->audience, ru->n_audience).text);
		if (item->kind != TREE_STRING || item->s.n == 0)
			fault_at(ld, item, "deliver names the field that leads to the audience: judge = \"case_id\"");
		else if (ru->n_deliver == sizeof ru->deliver / sizeof ru->deliver[0])
			fault_at_key(ld, item, "more than %zu recipients", sizeof ru->deliver / sizeof ru->deliver[0]);
		else if (load_field(ld, item) >= 0)
			ru->deliver[ru->n_deliver++] = (struct rule_deliver){load_copy(ld, item->key), load_copy(ld, item->s)};
	}
}

static void
load_confirm(struct load *ld)
{
	static const char *const keys[] = {"by", "within", "on_silence", NULL};
	const struct tree *tr = tree_get(ld->root, "confirm"), *text;

	if (tr == NULL || !load_is_table(ld, tr))
		return;
	load_keys(ld, tr, keys, "confirm");
	text = load_text(ld, tr, "by", true, "who confirms");
	if (text != NULL)
		ld->ru->confirm.by = load_copy(ld, text->s);
	ld->ru->confirm.within = load_duration(ld, tr, "within", "how long the confirmation may take");
	text = load_text(ld, tr, "on_silence", true, "\"withdraw\": silence never means more");
	if (text != NULL && !slice_eq_str(text->s, "withdraw"))
		fault_at(ld, text, "on_silence must be \"withdraw\": silence never confirms");
	if (text != NULL)
		ld->ru->confirm.on_silence = load_copy(ld, text->s);
}

void
load_alerting(struct load *ld)
{
	static const char *const keys[] = {"episode", "episode_once", "quiet", "again_if", "expires", "deliver", "contest", NULL};
	const struct tree *tr = load_child(ld, ld->root, "alerting", true, "episode, quiet, expires, contest"), *again, *contest;

	load_confirm(ld);
	if (tr == NULL || !load_is_table(ld, tr))
		return;
	load_keys(ld, tr, keys, "alerting");
	load_episode(ld, tr);
	ld->ru->episode_once = load_boolean(ld, tr, "episode_once", false);
	ld->ru->quiet = load_duration(ld, tr, "quiet", "how far apart triggers of one episode may lie, such as \"30d\"");
	ld->ru->expires = load_duration(ld, tr, "expires", "how long after its last trigger an alert stands, such as \"90d\"; \"0d\": for ever");
	again = tree_get(tr, "again_if");
	if (again != NULL && again->kind == TREE_STRING && slice_eq_str(again->s, "each"))
		ld->ru->again_each = true;
	else if (again != NULL && !(again->kind == TREE_STRING && slice_eq_str(again->s, "rises")))
		fault_at(ld, again, "again_if must be \"rises\" or \"each\"");
	contest = load_child(ld, tr, "contest", true, "may the person concerned contest the alert: true or false");
	ld->ru->contest = contest != NULL && load_boolean(ld, tr, "contest", true);
	load_deliver(ld, tr);
}
