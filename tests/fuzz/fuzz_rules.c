/* One rule file: findings, or a rule that can be asked. The budgets are smaller than the program's (sandbox.c). */
#include "state/base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/pack.h"
#include "tests/unit/rules.h"

static struct contracts *contracts;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	contracts = pack_contracts();
	must(contracts != NULL);
	return 0;
}

static void
use(const struct rule *ru, struct slice text)
{
	struct answers an = {.a = text_value("A"), .b = text_value("lay"), .n = 7, .items = 3};
	struct rule_input in = input_of(&an);
	struct rule_vm *vm = NULL;
	struct rule_result re;
	struct err err = {0};

	if (rule_vm_new(&vm, &ru, &text, 1, &err) != 0)
		return;
	for (int i = 0; i < 2; i++) {
		rule_vm_eval(vm, 0, &in, &re);
		must(re.class != OUTCOME_ERROR || (re.error != NULL && utf8_valid(slice_str(re.error))));
		must(re.outcome < (int)ru->n_outcomes && re.n_values <= LIMIT_RULE_VALUES);
	}
	rule_vm_free(vm);
}

/* With the shipped contracts, and without any: then the lint does not stand before the rest. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);

	for (int round = 0; round < 2; round++) {
		struct findings fi = {0};
		struct err err = {0};
		struct rule *ru = rule_load(slice_str("x.lua"), text, round == 0 ? contracts : NULL, NULL, 0, &fi, &err);

		must((ru == NULL) == (fi.errors > 0));
		for (size_t i = 0; i < fi.n; i++)
			must(fi.v[i].text[0] != '\0' && utf8_valid(slice_str(fi.v[i].text)));
		if (ru != NULL)
			use(ru, text);
		rule_free(ru);
		findings_free(&fi);
	}
	return 0;
}
