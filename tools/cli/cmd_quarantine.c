/* dideban quarantine: what was set aside, and what becomes of it. */
#include "tools/cli/session.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

static int cmd_quarantine(int argc, char **argv);

static const struct arg quarantine_args[] = {
    {"--store", ARG_TEXT, "DIR", "the store (default: that of ./dideban.yaml, else ./dideban-store)"},
    {"--all", ARG_FLAG, NULL, "list: the replayed and discarded ones too; replay: every open one as it stands, but for not_allowed"},
    {"--fault", ARG_TEXT, "NAME", "list: of this reason only, such as unknown_field"},
    {"--with", ARG_TEXT, "FILE", "replay: the event as it should have been (- is standard input)"},
    {"--reason", ARG_TEXT, "TEXT", "replay and discard: why, kept on record; discard needs it"},
    {"--alerts", ARG_TEXT, "FILE", "append the alerts that come of it there (default: where those of the store went until now)"},
    {"--json", ARG_FLAG, NULL, "one event a line"},
    {0},
};

const struct command command_quarantine = {
    .name = "quarantine",
    .operands = "list|show|replay|discard [ID]",
    .summary = "list, show, replay or discard events that were set aside",
    .details =
	"list     what is open: id, reason, position, what is wrong\n"
	"show     one with its raw bytes\n"
	"replay   hand one to the engine again, mended (--with FILE) or as it stands, after a contract or grant was changed; exit 1 if it is still "
	"wrong\n"
	"discard  mark one as not worth it\n"
	"list and show work beside a running process; replay and discard need the store for themselves.",
    .example = "  dideban quarantine list --store ./province\n  dideban quarantine show ID --store ./province",
    .args = quarantine_args,
    .run = cmd_quarantine,
};

static const char *const states[] = {[QUARANTINE_OPEN] = "open", [QUARANTINE_REPLAYED] = "replayed", [QUARANTINE_DISCARDED] = "discarded"};

struct looking {
	bool json, all, whole;
	enum event_fault fault; /* FAULT_NONE: every */
	uint64_t n;
};

static void
print_raw_json(struct slice raw)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	json_t *text = json_stringn(raw.p, raw.n); /* NULL unless it is UTF-8 */

	if (text != NULL) {
		printf(",\"raw\":");
		print_json_string(stdout, raw);
		json_decref(text);
		return;
	}
	/* Base64 (RFC 4648). */
	printf(",\"raw_base64\":\"");
	for (size_t i = 0; i < raw.n; i += 3) {
		size_t n = raw.n - i < 3 ? raw.n - i : 3;
		unsigned v = (unsigned)(unsigned char)raw.p[i] << 16;

		if (n > 1)
			v |= (unsigned)(unsigned char)raw.p[i + 1] << 8;
		if (n > 2)
			v |= (unsigned char)raw.p[i + 2];
		printf("%c%c%c%c", digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=', n > 2 ? digits[v & 63] : '=');
	}
	printf("\"");
}

static void
print_json(const struct quarantine_view *qu, bool whole)
{
	struct buf b = {0};

	printf("{\"id\":\"%.*s\",\"reason\":\"%s\",\"detail\":", SLICE_ARG(qu->id), event_fault_name(qu->fault));
	print_json_string(stdout, qu->detail);
	buf_printf(&b, "%.*s:%" PRIu64, SLICE_ARG(qu->stream), qu->number);
	printf(",\"position\":");
	print_json_string(stdout, buf_slice(&b));
	buf_free(&b);
	printf(",\"state\":\"%s\",\"times\":%" PRIu64 ",\"first_seen\":\"", states[qu->state], qu->times);
	print_time(stdout, qu->first_seen);
	printf("\",\"full_bytes\":%" PRIu64, qu->full_bytes);
	if (qu->note.n > 0) {
		printf(",\"note\":");
		print_json_string(stdout, qu->note);
	}
	if (whole)
		print_raw_json(qu->raw);
	printf("}\n");
}

/* Raw bytes on a terminal: control bytes would do things to it. */
static void
print_raw(struct slice raw)
{
	for (size_t i = 0; i < raw.n; i += 512)
		printf("%s", shown(slice_of(raw.p + i, raw.n - i < 512 ? raw.n - i : 512)));
	printf("\n");
}

static void
print_text(const struct quarantine_view *qu, bool whole)
{
	printf("%s%.*s%s  %s%s%s  %s:%" PRIu64 "%s%s", tint(stdout, TINT_BOLD), SLICE_ARG(qu->id), tint(stdout, TINT_OFF), tint(stdout, TINT_YELLOW),
	    event_fault_name(qu->fault), tint(stdout, TINT_OFF), shown(qu->stream), qu->number, qu->state == QUARANTINE_OPEN ? "" : "  ",
	    qu->state == QUARANTINE_OPEN ? "" : states[qu->state]);
	if (qu->times > 1)
		printf("  came %" PRIu64 " times", qu->times);
	printf("\n  %s\n", shown(qu->detail));
	if (qu->note.n > 0)
		printf("  note: %s\n", shown(qu->note));
	if (!whole)
		return;
	printf("  first seen ");
	print_time(stdout, qu->first_seen);
	printf(", %" PRIu64 " bytes%s\n\n", qu->full_bytes, qu->full_bytes > qu->raw.n ? ", of which the beginning is kept" : "");
	print_raw(qu->raw);
}

static int
on_look(void *ctx, const struct quarantine_view *qu, struct err *err)
{
	struct looking *lo = ctx;

	if ((!lo->all && qu->state != QUARANTINE_OPEN) || (lo->fault != FAULT_NONE && lo->fault != qu->fault))
		return 0;
	lo->n++;
	if (lo->json)
		print_json(qu, lo->whole);
	else
		print_text(qu, lo->whole);
	return cli_written(err);
}

static int
not_there(const char *id, struct err *err)
{
	return err_set(err, ERR_CHECKED, "nothing in quarantine has the id %s; `dideban quarantine list --all` shows them", id);
}

static int
look(const struct args *ar, const char *id, struct err *err)
{
	struct looking lo = {.json = args_flag(ar, "--json"), .all = id != NULL || args_flag(ar, "--all"), .whole = id != NULL};
	const char *fault = args_text(ar, "--fault");
	struct node *no;
	int r;

	if (fault != NULL && (lo.fault = event_fault_by_name(slice_str(fault))) == FAULT_NONE)
		return err_set(err, ERR_USAGE,
		    "quarantine: no reason %s; there are bad_json, bad_utf8, duplicate_key, unknown_type, unknown_field, missing_field, bad_value, "
		    "bad_time, "
		    "future_time, too_large, too_deep, not_allowed, conflict, limit",
		    fault);
	if (store_look(args_text(ar, "--store"), &no, err) != 0)
		return -1;
	r = node_quarantine(no, id, on_look, &lo, err);
	node_abandon(no);
	if (r == 0 && id != NULL && lo.n == 0)
		return not_there(id, err);
	if (r == 0 && id == NULL && !lo.json)
		printf("%s%" PRIu64 " set aside\n", lo.n == 0 ? "" : "\n", lo.n);
	return r;
}

/* What is to be replayed, copied: marking changes what node_quarantine walks over. */
struct replaying {
	size_t n, cap;
	struct one {
		char id[40];
		struct buf raw;
		uint64_t full_bytes;
		enum quarantine_state state;
		enum event_fault fault;
	} * v;
};

static int
collect(void *ctx, const struct quarantine_view *qu, struct err *err)
{
	struct replaying *re = ctx;
	struct one *one;

	if (re->n == re->cap) {
		size_t cap = re->cap == 0 ? 16 : 2 * re->cap;
		struct one *more = realloc(re->v, cap * sizeof *more);

		if (more == NULL)
			return err_nomem(err);
		re->v = more;
		re->cap = cap;
	}
	one = &re->v[re->n++];
	*one = (struct one){.full_bytes = qu->full_bytes, .state = qu->state, .fault = qu->fault};
	(void)snprintf(one->id, sizeof one->id, "%.*s", SLICE_ARG(qu->id));
	buf_add_slice(&one->raw, qu->raw);
	return buf_ok(&one->raw) ? 0 : err_nomem(err);
}

struct still {
	struct slice raw;
	char text[900];
};

static int
on_still(void *ctx, const struct quarantine_view *qu, struct err *err)
{
	struct still *st = ctx;

	(void)err;
	if (slice_eq(qu->raw, st->raw))
		(void)snprintf(st->text, sizeof st->text, "%s: %s", event_fault_name(qu->fault), shown(qu->detail));
	return 0;
}

/* What became of one: a line, or with --json an object. Returns 0 if it was accepted, else 1. */
static int
tell(bool json, const char *id, bool accepted, const char *text)
{
	if (json) {
		printf("{\"id\":\"%s\",\"accepted\":%s,\"text\":", id, accepted ? "true" : "false");
		print_json_string(stdout, slice_str(text));
		printf("}\n");
	} else {
		fprintf(accepted ? stdout : stderr, "%s: %s\n", id, text);
	}
	return accepted ? 0 : 1;
}

/* What tells one event from another as people read it: "SOURCE ID", with its type if that is asked for; empty where it cannot be read. */
static void
name_event(struct slice raw, bool with_type, char *ret, size_t size)
{
	json_t *root = json_loadb(raw.p, raw.n, 0, NULL);
	const char *source = json_string_value(json_object_get(root, "source")), *id = json_string_value(json_object_get(root, "id"));
	const char *type = json_string_value(json_object_get(root, "type"));

	ret[0] = '\0';
	if (source != NULL && id != NULL && (!with_type || type != NULL))
		(void)snprintf(ret, size, "%s%s%s %s", with_type ? type : "", with_type ? " " : "", source, id);
	json_decref(root);
}

/* 0 accepted and marked, 1 still wrong (told), -1 error. */
static int
replay_one(struct session *se, struct one *one, struct slice with, bool named, bool json, const char *reason, struct err *err)
{
	struct slice raw = with.p != NULL ? with : buf_slice(&one->raw);
	struct node_stats before, after;
	char stream[64], note[900], was[300], is[300], text[1000];
	struct position pos;
	struct still st = {.raw = raw};
	bool other = false;

	if (with.p == NULL && one->full_bytes > one->raw.n)
		return tell(json, one->id, false, "only its beginning is kept; give the whole event --with FILE");
	/* It would only be counted as known. */
	if (with.p == NULL && one->fault == FAULT_CONFLICT)
		return tell(json, one->id, false,
		    "still wrong: conflict: another content of this event stands, whichever comes again; give what is right a new id --with FILE, or "
		    "discard it");
	/* Nothing is asked for a grant here: that is a person's word on this one event, not on whatever came. */
	if (one->fault == FAULT_NOT_ALLOWED && !named)
		return tell(json, one->id, false, "not_allowed: --all passes it over; name its ID if it may come in all the same");
	(void)snprintf(stream, sizeof stream, QUARANTINE_REPLAY_STREAM "%s", one->id);
	pos = (struct position){slice_str(stream), 1};
	node_stats(se->no, &before);
	if (node_add(se->no, raw, &pos, NULL, err) != 0 || node_commit(se->no, err) != 0)
		return -1;
	node_stats(se->no, &after);
	if (after.quarantined > before.quarantined) {
		if (node_quarantine(se->no, NULL, on_still, &st, err) != 0)
			return -1;
		(void)snprintf(text, sizeof text, "still wrong: %s", st.text);
		return tell(json, one->id, false, text);
	}
	if (with.p != NULL) {
		name_event(buf_slice(&one->raw), false, was, sizeof was);
		name_event(raw, false, is, sizeof is);
		/* Of one identity another type is worth a word too, unless the type is what was wrong. */
		if (strcmp(was, is) == 0 && one->fault != FAULT_UNKNOWN_TYPE) {
			name_event(buf_slice(&one->raw), true, was, sizeof was);
			name_event(raw, true, is, sizeof is);
		}
		other = was[0] != '\0' && strcmp(was, is) != 0; /* right after a conflict; otherwise to be seen */
	}
	(void)snprintf(note, sizeof note, "%s%s%s%s%s", with.p != NULL ? "mended" : "as it stood", other ? " as " : "", other ? is : "",
	    reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
	if (node_quarantine_mark(se->no, one->id, QUARANTINE_REPLAYED, note, err) != 0)
		return -1;
	(void)snprintf(
	    text, sizeof text, "accepted%s%s%s%s", other ? " as another event: " : "", other ? is : "", other ? ", not " : "", other ? was : "");
	return tell(json, one->id, true, text);
}

static int
open_to_write(const struct args *ar, struct session *se, char **ret_dir, struct err *err)
{
	struct session_rules sr = {0};

	*ret_dir = store_of(args_text(ar, "--store"), err);
	if (*ret_dir == NULL)
		return -1;
	se->opt.dir = *ret_dir;
	se->alerts = args_text(ar, "--alerts");
	se->alerts_as_before = true;
	return session_open(se, &sr, err);
}

static int
read_with(const struct args *ar, struct buf *text, struct slice *ret, struct err *err)
{
	const char *file = args_text(ar, "--with");
	struct file_source *fs;
	struct source_item item;
	int r;

	*ret = (struct slice){0};
	if (file == NULL)
		return 0;
	if (file_source_open(&fs, file, NULL, err) != 0)
		return -1;
	r = file_source_next(fs, &item, err);
	if (r == 0)
		r = err_set(err, ERR_USAGE, "%s: holds no event", file);
	if (r == 1) {
		buf_add_slice(text, item.raw);
		r = buf_ok(text) ? file_source_next(fs, &item, err) : err_nomem(err);
		if (r == 1)
			r = err_set(err, ERR_USAGE, "%s: holds more than one event; replay takes one", file);
	}
	file_source_close(fs);
	*ret = buf_slice(text);
	return r;
}

/* 0, 1 if some are still wrong, -1. */
static int
replay(const struct args *ar, const char *id, struct err *err)
{
	struct session se = {0};
	struct replaying re = {0};
	struct buf text = {0};
	struct slice with;
	char *dir = NULL;
	int r = -1, wrong = 0;

	if (id == NULL && !args_flag(ar, "--all"))
		return err_set(err, ERR_USAGE, "quarantine replay: takes the ID of one, or --all");
	if (id == NULL && args_text(ar, "--with") != NULL)
		return err_set(err, ERR_USAGE, "quarantine replay: --with mends one event; name its ID");
	if (read_with(ar, &text, &with, err) == 0 && open_to_write(ar, &se, &dir, err) == 0) {
		r = node_quarantine(se.no, id, collect, &re, err);
		if (r == 0 && id != NULL && re.n == 0)
			r = not_there(id, err);
		for (size_t i = 0; i < re.n && r == 0; i++) {
			int one = re.v[i].state == QUARANTINE_OPEN || id != NULL
				      ? replay_one(&se, &re.v[i], with, id != NULL, args_flag(ar, "--json"), args_text(ar, "--reason"), err)
				      : 0;

			wrong |= one == 1;
			r = one < 0 ? -1 : 0;
		}
		if (r != 0)
			session_abandon(&se);
		else
			r = session_close(&se, err);
	}
	for (size_t i = 0; i < re.n; i++)
		buf_free(&re.v[i].raw);
	free(re.v);
	buf_free(&text);
	free(dir);
	return r != 0 ? r : wrong;
}

static int
discard(const struct args *ar, const char *id, struct err *err)
{
	struct session se = {0};
	struct replaying re = {0};
	char *dir = NULL;
	int r = -1;

	if (id == NULL)
		return err_set(err, ERR_USAGE, "quarantine discard: takes the ID of one");
	if (args_text(ar, "--reason") == NULL)
		return err_set(err, ERR_USAGE, "quarantine discard: say why with --reason TEXT; it is kept on record");
	if (open_to_write(ar, &se, &dir, err) == 0) {
		r = node_quarantine(se.no, id, collect, &re, err);
		if (r == 0 && re.n == 0)
			r = not_there(id, err);
		if (r == 0 && re.v[0].state == QUARANTINE_REPLAYED)
			r = err_set(
			    err, ERR_CHECKED, "%s was replayed: what came of it stands on timelines; to take that back send a retraction of it", id);
		if (r == 0)
			r = node_quarantine_mark(se.no, id, QUARANTINE_DISCARDED, args_text(ar, "--reason"), err);
		if (r != 0)
			session_abandon(&se);
		else
			r = session_close(&se, err);
		if (r == 0 && !args_flag(ar, "--json"))
			printf("%s: discarded\n", id);
		else if (r == 0)
			printf("{\"id\":\"%s\",\"discarded\":true}\n", id);
	}
	for (size_t i = 0; i < re.n; i++)
		buf_free(&re.v[i].raw);
	free(re.v);
	free(dir);
	return r;
}

static int
cmd_quarantine(int argc, char **argv)
{
	static const char *const verbs[] = {"list", "show", "replay", "discard"};
	struct args ar;
	struct err err = {0};
	const char *verb, *id, *near;
	int r;

	if (args_parse(&ar, &command_quarantine, argc, argv, &err) != 0)
		return cli_fail(&err);
	verb = ar.n_rest > 0 ? ar.rest[0] : "";
	id = ar.n_rest > 1 ? ar.rest[1] : NULL;
	if (ar.n_rest > 2)
		r = err_set(&err, ERR_USAGE, "quarantine: takes one ID, but \"%s\" follows", ar.rest[2]);
	else if (strcmp(verb, "list") == 0 && id == NULL)
		r = look(&ar, NULL, &err);
	else if (strcmp(verb, "show") == 0 && id != NULL)
		r = look(&ar, id, &err);
	else if (strcmp(verb, "replay") == 0)
		r = replay(&ar, id, &err);
	else if (strcmp(verb, "discard") == 0)
		r = discard(&ar, id, &err);
	else if (strcmp(verb, "show") == 0)
		r = err_set(&err, ERR_USAGE, "quarantine show: takes the ID of one; `dideban quarantine list` shows them");
	else if ((near = suggest(slice_str(verb), verbs, 4)) != NULL)
		r = err_set(&err, ERR_USAGE, "quarantine: did you mean `dideban quarantine %s`?", near);
	else
		r = err_set(&err, ERR_USAGE, "quarantine: takes list, show, replay or discard");
	if (r >= 0 && cli_flush(&err) != 0)
		r = -1;
	args_free(&ar);
	return r < 0 ? cli_fail(&err) : r;
}
