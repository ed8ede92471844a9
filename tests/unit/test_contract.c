#include "tests/unit/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct contracts *
compile(const char *text, struct findings *fi, struct err *err)
{
	struct source_text source = {slice_str("x.json"), slice_str(text)};

	*fi = (struct findings){0};
	*err = (struct err){0};
	return contracts_compile(&source, 1, fi, err);
}

/* A contract of one line, with PROPERTIES and REST put in. */
#define ONE(properties, rest) "{\"$id\": \"a.b\", \"type\": \"object\", \"additionalProperties\": false, \"properties\": {" properties "}" rest "}"
#define STR(name) "\"" name "\": {\"type\": \"string\"}"
#define PERSON(name) "\"" name "\": {\"$ref\": \"dideban:person\"}"

/* Each mistake alone: where it is and what it says (the beginning of it). */
static const struct {
	const char *text;
	const char *mark; /* the text that is marked */
	int before;       /* how often it stands before that place too */
	const char *says;
} mistakes[] = {
    {"", "", 0, "'[' or '{' expected near end of file"},
    {"{\n  \"$id\": \"a\",\n  \"type\" \"object\"\n}", "\"object\"", 0, "':' expected near '\"object\"'"},
    {"{\"$id\": \"a\", \"$id\": \"b\"}", "\"$id\"", 1, "duplicate object key near '\"$id\"'"},
    {"[1]", "[", 0, "a contract is one JSON object"},
    {"{}", "{", 0, "\"$id\" must name the event type"},
    {"{\"$id\": \"a b\"}", "\"$id\"", 0, "\"$id\" must name the event type"},
    {"{\"$id\": 5}", "\"$id\"", 0, "\"$id\" must name the event type"},
    {"{\"$id\": \"a\"}", "{", 0, "type is missing"},
    {"{\"$id\": \"a\", \"type\": \"array\"}", "\"type\"", 0, "a contract describes an object"},
    {"{\"$id\": \"a\", \"type\": \"object\", \"properties\": {}}", "{", 0, "every object must be closed"},
    {"{\"$id\": \"a\", \"type\": \"object\", \"properties\": {}, \"additionalProperties\": true}", "\"additionalProperties\"", 0,
	"every object must be closed"},
    {"{\"$id\": \"a\", \"type\": \"object\", \"additionalProperties\": false}", "{", 0, "an object needs \"properties\""},
    {"{\n\t\"$id\": \"a.b\", \"type\": \"object\", \"additionalProperties\": false,\n\t\"properties\": {\n\t\t\"نام\": {\"type\": \"string\"}, "
     "\"b\": {\"type\": \"string\", \"minLenght\": 3}\n\t}\n}",
	"\"نام\"", 0, "a property's name is 1 to 64 letters"},
    {"{\n\t\"$id\": \"a.b\", \"type\": \"object\", \"additionalProperties\": false,\n\t\"properties\": {\n\t\t\"نام\": {\"type\": \"string\"}, "
     "\"b\": {\"type\": \"string\", \"minLenght\": 3}\n\t}\n}",
	"\"minLenght\"", 0, "minLenght: no such keyword; did you mean minLength?"},
    {ONE("\"a\": {\"type\": \"integer\", \"minLength\": 3}", ""), "\"minLength\"", 0, "minLength does not go with type integer"},
    {ONE("\"a\": {\"type\": \"strnig\"}", ""), "\"type\"", 1, "strnig: no such type (object, array, string, integer, boolean); did you mean string?"},
    {ONE("\"a\": {\"type\": [\"string\", \"null\"]}", ""), "\"type\"", 1, "type is missing"},
    {ONE("\"a\": 5", ""), "\"a\"", 0, "a schema must be an object"},
    {ONE("\"a\": {\"type\": \"string\", \"minLength\": 5, \"maxLength\": 4}", ""), "\"minLength\"", 0, "minLength is above maxLength"},
    {ONE("\"a\": {\"type\": \"string\", \"maxLength\": 5000}", ""), "\"maxLength\"", 0, "maxLength must be an integer from 0 to 4096"},
    {ONE("\"a\": {\"type\": \"string\", \"maxLength\": 1.5}", ""), "\"maxLength\"", 0, "maxLength must be an integer from 0 to 4096"},
    {ONE("\"a\": {\"type\": \"string\", \"format\": \"datetime\"}", ""), "\"format\"", 0,
	"datetime: no such format (date-time, date, decimal); did you mean date-time?"},
    {ONE("\"a\": {\"type\": \"string\", \"format\": \"decimal\"}", ""), "\"format\"", 0, "a decimal needs x-scale"},
    {ONE("\"a\": {\"type\": \"string\", \"format\": \"decimal\", \"x-scale\": 10}", ""), "\"x-scale\"", 0, "x-scale must be an integer from 0 to 9"},
    {ONE("\"a\": {\"type\": \"string\", \"x-scale\": 2}", ""), "\"x-scale\"", 0, "x-scale goes with format decimal only"},
    {ONE("\"a\": {\"type\": \"string\", \"enum\": []}", ""), "\"enum\"", 0, "enum must be a list of 1 to 256 values"},
    {ONE("\"a\": {\"type\": \"string\", \"enum\": [\"x\", 5]}", ""), "\"enum\"", 0, "enum holds a value that is no string"},
    {ONE("\"a\": {\"type\": \"array\"}", ""), "\"a\"", 0, "an array needs \"items\""},
    {ONE("\"a\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}, \"maxItems\": 1000}", ""), "\"maxItems\"", 0,
	"maxItems must be an integer from 0 to 256"},
    {ONE("\"a\": {\"$ref\": \"#/person\"}", ""), "\"$ref\"", 0, "the only $ref is \"dideban:person\""},
    {ONE("\"a\": {\"$ref\": \"dideban:person\", \"type\": \"object\"}", ""), "\"type\"", 1, "type does not go with $ref"},
    {ONE("\"a\": {\"type\": \"object\", \"properties\": {}}", ""), "\"a\"", 0, "every object must be closed"},
    {ONE(STR("case"), ", \"required\": [\"case\", \"cas\"]"), "\"cas\"", 0, "cas is required but no property; did you mean case?"},
    {ONE(STR("case"), ", \"required\": \"case\""), "\"required\"", 0, "required must be a list of property names"},
    {ONE(STR("case"), ", \"x-kepe\": []"), "\"x-kepe\"", 0, "x-kepe: no such keyword; did you mean x-keep?"},
    {ONE(STR("case"), ", \"x-keep\": [\"case\", \"csae\"]"), "\"csae\"", 0, "csae: no field csae; did you mean case?"},
    {ONE(STR("case"), ", \"x-keep\": [\"case\", \"case\"]"), "\"case\"", 2, "case is kept twice"},
    {ONE(STR("time"), ", \"x-keep\": [\"time\"]"), "\"time\"", 1, "time cannot be kept: rules read the event's own time under this name"},
    {ONE(STR("source"), ", \"x-keep\": [\"source\"]"), "\"source\"", 1, "source cannot be kept"},
    {ONE("\"a\": {\"type\": \"string\", \"maxLength\": 2000}", ", \"x-keep\": [\"a\"]"), "\"a\"", 1, "a is kept: its maxLength may be at most 1024"},
    {ONE("\"a\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}", ", \"x-keep\": [\"a\"]"), "\"a\"", 1,
	"a: a path into an array is not possible here"},
    {ONE("\"a\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}", ", \"x-keep\": [\"a[]\"]"), "\"a[]\"", 0,
	"a[]: a path into an array is not possible here"},
    {ONE("\"a\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}}", ", \"x-keep\": [\"a\"]"), "\"a\"", 1,
	"a is an object: keep the fields inside it"},
    {ONE(PERSON("p"), ", \"x-keep\": [\"p.sex\"]"), "\"p.sex\"", 0, "p.sex is for identity matching only and cannot be kept"},
    {ONE(PERSON("p"), ", \"x-keep\": [\"p.name\"]"), "\"p.name\"", 0, "p.name: no field name"},
    {ONE(STR("case"), ", \"x-keep\": [5]"), "5", 0, "x-keep lists paths"},
    {ONE(STR("case"), ", \"x-roles\": {\"who\": {\"kind\": \"case\", \"path\": \"caes\"}}"), "\"path\"", 0,
	"caes: no field caes; did you mean case?"},
    {ONE(STR("case"), ", \"x-roles\": {\"who\": {\"path\": \"case\"}}"), "\"who\"", 0, "a role needs \"kind\""},
    {ONE(STR("case"), ", \"x-roles\": {\"who\": {\"kind\": \"Case\", \"path\": \"case\"}}"), "\"kind\"", 0, "a role needs \"kind\""},
    {ONE(STR("case"), ", \"x-roles\": {\"who\": {\"kind\": \"case\", \"pth\": \"case\"}}"), "\"pth\"", 0, "pth: a role has kind and path"},
    {ONE("\"a\": {\"type\": \"integer\"}", ", \"x-roles\": {\"r\": {\"kind\": \"case\", \"path\": \"a\"}}"), "\"path\"", 0,
	"a: neither a plain string nor a person reference"},
    {ONE(STR("a"), ", \"x-roles\": {\"r\": {\"kind\": \"pool\", \"path\": [\"a\"]}}"), "\"path\"", 0, "a joined key has 2 to 16 paths"},
    {ONE(STR("a"), ", \"x-effect\": \"retract\""), "\"x-effect\"", 0, "the only x-effect is \"retraction\""},
    {ONE(STR("a"), ", \"x-effect\": \"retraction\""), "\"x-effect\"", 0, "a retraction needs \"x-target\""},
    {ONE(STR("a"), ", \"x-effect\": \"retraction\", \"x-target\": {\"source\": \"a\", \"id\": \"a\"}, \"required\": []"), "\"source\"", 0,
	"x-target needs \"source\": the path of a required string"},
    {ONE(STR("a"), ", \"x-class\": \"court\""), "\"x-class\"", 0, "x-class is {\"retention\": NAME, \"personal\": true or false}"},
};

/* Line, column and length of the mark, counted the plain way. */
static void
place(const char *text, const char *mark, int before, unsigned *ret_line, unsigned *ret_column, unsigned *ret_length)
{
	const char *at = strstr(text, mark);

	while (at != NULL && before-- > 0)
		at = strstr(at + 1, mark);
	assert_non_null(at);
	*ret_line = *ret_column = 1;
	*ret_length = *mark == '\0' ? 1 : 0;
	for (const char *p = text; p < at; p++) {
		*ret_column = *p == '\n' ? 1 : *ret_column + (((unsigned char)*p & 0xc0) != 0x80);
		*ret_line += *p == '\n';
	}
	for (; *mark != '\0'; mark++)
		*ret_length += ((unsigned char)*mark & 0xc0) != 0x80;
}

static void
each_mistake_is_named_with_line_column_and_cure(void **state)
{
	bool all = true;

	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct findings fi;
		struct err err;
		const struct finding *f;
		bool known = false;
		unsigned line, column, length;

		place(mistakes[i].text, mistakes[i].mark, mistakes[i].before, &line, &column, &length);
		assert_null(compile(mistakes[i].text, &fi, &err));
		assert_int_equal(err.code, ERR_CHECKED);
		for (size_t k = 0; k < fi.n; k++) {
			f = &fi.v[k];
			known = known || (f->line == line && f->column == column && f->length == length &&
					     strncmp(f->text, mistakes[i].says, strlen(mistakes[i].says)) == 0);
		}
		for (size_t k = 0; !known && k < fi.n; k++)
			print_message("%zu %s\n  %u:%u (%u) %s\n", i, mistakes[i].text, fi.v[k].line, fi.v[k].column, fi.v[k].length, fi.v[k].text);
		all = all && known;
		findings_free(&fi);
	}
	assert_true(all);
}

static void
all_mistakes_of_all_files_come_in_one_pass(void **state)
{
	struct source_text sources[2] = {
	    {slice_str("a.json"), slice_str(ONE("\"a\": {\"type\": \"strin\"}, \"b\": {\"type\": \"integer\", \"format\": \"date\"}",
				      ", \"x-keep\": [\"c\"], \"x-rolls\": {}"))},
	    {slice_str("b.json"), slice_str("{")},
	};
	struct findings fi = {0};
	struct err err = {0};

	(void)state;
	assert_null(contracts_compile(sources, 2, &fi, &err));
	assert_int_equal(fi.errors, 5);
	assert_int_equal(fi.n, 5);
	assert_string_equal(fi.v[0].file, "a.json");
	assert_string_equal(fi.v[4].file, "b.json");
	assert_string_equal(err.text, "5 mistakes in the event contracts");
	findings_free(&fi);
}

static void
two_files_for_one_type_are_refused(void **state)
{
	struct source_text sources[2] = {{slice_str("a.json"), slice_str(ONE(STR("a"), ""))}, {slice_str("b.json"), slice_str(ONE(STR("b"), ""))}};
	struct findings fi = {0};
	struct err err = {0};

	(void)state;
	assert_null(contracts_compile(sources, 2, &fi, &err));
	assert_int_equal(fi.n, 1);
	assert_string_equal(fi.v[0].file, "b.json");
	assert_string_equal(fi.v[0].text, "a.b is already described by a.json");
	findings_free(&fi);
}

static void
a_contract_nested_too_deep_or_too_long_is_refused(void **state)
{
	struct findings fi;
	struct err err;
	char *text = malloc(LIMIT_CONTRACT_BYTES + 100);
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	n += (size_t)snprintf(text, 4096, "{\"$id\": \"a\", \"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"a\": ");
	for (int i = 0; i < 20; i++)
		n += (size_t)snprintf(text + n, 64, "{\"type\": \"array\", \"items\": ");
	n += (size_t)snprintf(text + n, 64, "{\"type\": \"string\"}");
	for (int i = 0; i < 22; i++)
		text[n++] = '}';
	text[n] = '\0';
	assert_null(compile(text, &fi, &err));
	assert_string_equal(fi.v[0].text, "nested deeper than 12");
	findings_free(&fi);
	memset(text, ' ', LIMIT_CONTRACT_BYTES + 1);
	text[LIMIT_CONTRACT_BYTES + 1] = '\0';
	assert_null(compile(text, &fi, &err));
	assert_string_equal(fi.v[0].text, "longer than 262144 bytes");
	findings_free(&fi);
	free(text);
}

static void
a_layout_lists_roles_and_kept_fields_with_their_letters(void **state)
{
	struct findings fi;
	struct err err;
	struct contracts *cs = compile(
	    ONE(PERSON("who") ", " STR(
		    "a") ", \"n\": {\"type\": \"integer\"}, \"b\": {\"type\": \"boolean\"}, "
			 "\"t\": {\"type\": \"string\", \"format\": \"date-time\"}, \"d\": {\"type\": \"string\", \"format\": \"date\"}, "
			 "\"x\": {\"type\": \"string\", \"format\": \"decimal\", \"x-scale\": 2}, "
			 "\"o\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {" STR("i") "}}",
		", \"x-roles\": {\"one\": {\"kind\": \"person\", \"path\": \"who\"}, \"two\": {\"kind\": \"pool\", \"path\": [\"a\", \"o.i\"]}}, "
		"\"x-keep\": [\"who\", \"n\", \"b\", \"t\", \"d\", \"x\", \"o.i\", \"who.birth_date\"], \"x-class\": {\"retention\": \"court\", "
		"\"personal\": true}"),
	    &fi, &err);
	const struct layout *la;
	struct layout *again;

	(void)state;
	for (size_t i = 0; i < fi.n; i++)
		print_message("%s\n", fi.v[i].text);
	assert_non_null(cs);
	la = contract_layout(contracts_at(cs, 0));
	assert_string_equal(la->text, "a.b\none=person,two=pool\nwho:s,n:i,b:b,t:t,d:s,x:d,o.i:s,who.birth_date:s");
	assert_string_equal(contract_class(contracts_at(cs, 0)), "court");
	assert_true(contract_personal(contracts_at(cs, 0)));
	again = layout_parse(slice_str(la->text), &err);
	assert_non_null(again);
	assert_string_equal(again->type, "a.b");
	assert_int_equal(again->n_roles, 2);
	assert_int_equal(again->n_fields, 8);
	assert_int_equal(layout_field_index(again, slice_str("o.i")), 6);
	assert_int_equal(layout_field_index(again, slice_str("o")), -1);
	assert_int_equal(layout_role_index(again, slice_str("two")), 1);
	assert_int_equal(layout_role_index(again, slice_str("three")), -1);
	layout_free(again);
	contracts_free(cs);
	findings_free(&fi);
}

static void
a_malformed_layout_text_is_refused(void **state)
{
	static const char *const bad[] = {"", "a", "a\n", "\n\n", "a\nx\n", "a\nx=\n", "a\n=y\n", "a\n\nf", "a\n\nf:", "a\n\nf:z", "a\n\nf:ss",
	    "a\n\n:s", "a\n\n,", "a\nx=y,\nf:s,,g:s"};
	struct err err = {0};
	struct layout *la;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_null(layout_parse(slice_str(bad[i]), &err));
		assert_int_equal(err.code, ERR_CORRUPT);
	}
	la = layout_parse(slice_str("a\n\n"), &err);
	assert_non_null(la);
	assert_int_equal(la->n_roles + la->n_fields, 0);
	layout_free(la);
	layout_free(NULL);
}

static void
suggestions_are_near_words_only(void **state)
{
	static const char *const names[] = {"capacity", "case_id", "court_id", "witness"};
	static const struct {
		const char *word, *near;
	} v[] = {{"capacty", "capacity"}, {"capcaity", "capacity"}, {"caseid", "case_id"}, {"cout_id", "court_id"}, {"witnes", "witness"},
	    {"expert", NULL}, {"", NULL}, {"w", NULL}, {"a very long word that no name of any contract would ever come near to, not at all", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		const char *near = suggest(slice_str(v[i].word), names, 4);

		assert_true((near == NULL) == (v[i].near == NULL));
		if (near != NULL)
			assert_string_equal(near, v[i].near);
	}
}

static const char *const types[] = {"alert.answered", "appointment.booked", "appointment.cancelled", "asset.found", "case.assigned", "case.closed",
    "case.filed", "case.unassigned", "certificate.requested", "complaint.filed", "contract.signed", "credential.issued", "credential.replaced",
    "credential.returned", "event.retracted", "expert.referred", "expert.registered", "expert.suspended", "filing.submitted", "gate.passed",
    "hearing.attended", "inquiry.made", "insolvency.claimed", "person.exempted", "person.expunged", "person.linked", "person.unlinked",
    "report.filed", "service.used", "site.registered", "testimony.given", "warrant.ended", "warrant.issued", "warrant.resumed", "warrant.suspended"};

static void
the_shipped_pack_describes_every_event_type_of_the_design(void **state)
{
	struct contracts *cs = pack_contracts();
	size_t n = sizeof types / sizeof *types;

	(void)state;
	assert_non_null(cs);
	assert_int_equal(contracts_count(cs), n);
	for (size_t i = 0; i < n; i++) {
		const struct contract *co = contracts_find(cs, slice_str(types[i]));

		assert_non_null(co);
		assert_ptr_equal(contracts_at(cs, i), co);
		assert_string_equal(contract_type(co), types[i]);
		assert_true(contract_class(co)[0] != '\0');
	}
	assert_null(contracts_find(cs, slice_str("testimony")));
	assert_null(contracts_find(cs, slice_str("")));
	assert_string_equal(contracts_suggest(cs, slice_str("testimony.givn")), "testimony.given");
	assert_null(contracts_suggest(cs, slice_str("something.else")));
	contracts_free(cs);
}

static void
fields_are_listed_in_the_order_of_the_file(void **state)
{
	struct contracts *cs = pack_contracts();
	struct contract_field f[32];
	const struct contract *co;
	size_t n;

	(void)state;
	assert_non_null(cs);
	co = contracts_find(cs, slice_str("testimony.given"));
	n = contract_fields(co, f, 32);
	assert_int_equal(n, 8);
	assert_string_equal(f[0].path, "witness");
	assert_string_equal(f[0].type_text, "person");
	assert_string_equal(f[0].role, "witness");
	assert_true(f[0].required && f[0].kept);
	assert_string_equal(f[4].path, "capacity");
	assert_string_equal(f[4].type_text, "one of lay|informant|expert|official");
	assert_null(f[4].role);
	assert_true(!f[4].required && f[4].kept);
	co = contracts_find(cs, slice_str("case.filed"));
	n = contract_fields(co, f, 3); /* fills three, tells how many there are */
	assert_int_equal(n, 7);
	n = contract_fields(co, f, 32);
	assert_string_equal(f[4].path, "parties[].role");
	assert_string_equal(f[5].path, "parties[].person");
	assert_string_equal(f[5].role, "parties");
	assert_true(!f[5].kept);
	co = contracts_find(cs, slice_str("expert.referred"));
	n = contract_fields(co, f, 32);
	assert_string_equal(f[6].path, "field");
	assert_string_equal(f[6].role, "pool");
	contracts_free(cs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_mistake_is_named_with_line_column_and_cure),
	    cmocka_unit_test(all_mistakes_of_all_files_come_in_one_pass),
	    cmocka_unit_test(two_files_for_one_type_are_refused),
	    cmocka_unit_test(a_contract_nested_too_deep_or_too_long_is_refused),
	    cmocka_unit_test(a_layout_lists_roles_and_kept_fields_with_their_letters),
	    cmocka_unit_test(a_malformed_layout_text_is_refused),
	    cmocka_unit_test(suggestions_are_near_words_only),
	    cmocka_unit_test(the_shipped_pack_describes_every_event_type_of_the_design),
	    cmocka_unit_test(fields_are_listed_in_the_order_of_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
