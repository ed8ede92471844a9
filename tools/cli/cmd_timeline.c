/* dideban timeline: a subject's entries in total order. */
#include "tools/cli/cli.h"

#include <inttypes.h>

static int cmd_timeline(int argc, char **argv);

static const struct arg timeline_args[] = {
    {"--store", ARG_TEXT, "DIR", "the store (default: that of ./dideban.yaml, else ./dideban-store)"},
    {"--json", ARG_FLAG, NULL, "one entry a line"},
    {0},
};

const struct command command_timeline = {
    .name = "timeline",
    .operands = "KIND/KEY",
    .summary = "show a subject's entries in their total order",
    .details = "Works beside a running process.",
    .example = "  dideban timeline person/nid:0084575948 --store ./province",
    .args = timeline_args,
    .run = cmd_timeline,
};

struct printing {
	bool json;
	uint64_t n;
};

static void
print_fields_json(const struct entry_view *en)
{
	const char *comma = "";

	printf(",\"fields\":{");
	for (unsigned i = 0; i < en->layout->n_fields; i++) {
		struct value v = kept_value(en->kept, i);
		struct buf b = {0};

		if (v.kind == VALUE_NONE)
			continue;
		json_quote(&b, slice_str(en->layout->fields[i].name));
		buf_add_u8(&b, ':');
		value_json(&b, &v);
		printf("%s%.*s", comma, (int)b.n, b.p);
		comma = ",";
		buf_free(&b);
	}
	printf("}");
}

static int
print_entry(void *ctx, const struct entry_view *en, struct err *err)
{
	struct printing *pr = ctx;
	const char *comma = "  ";

	pr->n++;
	if (pr->json) {
		printf("{\"time\":\"");
		print_time(stdout, en->time);
		printf("\",\"source\":");
		print_json_string(stdout, en->source);
		printf(",\"id\":");
		print_json_string(stdout, en->id);
		printf(",\"type\":");
		print_json_string(stdout, en->type);
		printf(",\"role\":");
		print_json_string(stdout, en->role);
		printf(",\"position\":");
		if (en->position_stream.n == 0) {
			printf("\"\"");
		} else {
			struct buf b = {0};

			buf_printf(&b, "%.*s:%" PRIu64, SLICE_ARG(en->position_stream), en->position_number);
			print_json_string(stdout, buf_slice(&b));
			buf_free(&b);
		}
		printf(",\"contested\":%s", en->contested ? "true" : "false");
		print_fields_json(en);
		printf("}\n");
	} else {
		print_time(stdout, en->time);
		printf("  %s%s%s as %s  %s %s%s\n", tint(stdout, TINT_BOLD), shown(en->type), tint(stdout, TINT_OFF), shown(en->role),
		    shown(en->source), shown(en->id), en->contested ? "  contested: another content came under the same identity" : "");
		for (unsigned i = 0; i < en->layout->n_fields; i++) {
			struct value v = kept_value(en->kept, i);
			struct buf b = {0};

			if (v.kind == VALUE_NONE)
				continue;
			if (v.kind == VALUE_STRING)
				buf_add_slice(&b, v.s);
			else
				value_json(&b, &v);
			printf("%s%s = %s", comma, en->layout->fields[i].name, shown(buf_slice(&b)));
			comma = ", ";
			buf_free(&b);
		}
		printf(
		    "%s%s%s:%" PRIu64 "%s\n", comma, tint(stdout, TINT_DIM), shown(en->position_stream), en->position_number, tint(stdout, TINT_OFF));
	}
	return cli_written(err);
}

static int
cmd_timeline(int argc, char **argv)
{
	struct args ar;
	struct err err = {0};
	struct node *no = NULL;
	struct printing pr = {0};
	int status = 0;

	if (args_parse(&ar, &command_timeline, argc, argv, &err) != 0)
		return cli_fail(&err);
	pr.json = args_flag(&ar, "--json");
	if (ar.n_rest != 1 || strchr(ar.rest[0], '/') == NULL)
		status = err_set(&err, ERR_USAGE, "timeline: takes one subject as KIND/KEY, such as person/nid:0084575948");
	if (status != 0 || store_look(args_text(&ar, "--store"), &no, &err) != 0 || node_timeline(no, ar.rest[0], print_entry, &pr, &err) != 0)
		status = cli_fail(&err);
	else if (!pr.json)
		printf("%" PRIu64 " entr%s\n", pr.n, pr.n == 1 ? "y" : "ies");
	if (status == 0 && pr.n == 0)
		note_kind(no, ar.rest[0]);
	if (no != NULL)
		node_abandon(no);
	if (cli_flush(&err) != 0 && status == 0)
		status = cli_fail(&err);
	args_free(&ar);
	return status;
}
