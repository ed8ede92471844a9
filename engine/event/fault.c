/* Faults: their names, and the text that names the place. */
#include "engine/event/parser.h"
#include "state/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

#define STARVED "out of memory"

static const char *const fault_names[FAULT_COUNT] = {
    [FAULT_NONE] = "none",
    [FAULT_BAD_JSON] = "bad_json",
    [FAULT_BAD_UTF8] = "bad_utf8",
    [FAULT_DUPLICATE_KEY] = "duplicate_key",
    [FAULT_UNKNOWN_TYPE] = "unknown_type",
    [FAULT_UNKNOWN_FIELD] = "unknown_field",
    [FAULT_MISSING_FIELD] = "missing_field",
    [FAULT_BAD_VALUE] = "bad_value",
    [FAULT_BAD_TIME] = "bad_time",
    [FAULT_FUTURE_TIME] = "future_time",
    [FAULT_TOO_LARGE] = "too_large",
    [FAULT_TOO_DEEP] = "too_deep",
    [FAULT_NOT_ALLOWED] = "not_allowed",
    [FAULT_CONFLICT] = "conflict",
    [FAULT_LIMIT] = "limit",
};

const char *
event_fault_name(enum event_fault fault)
{
	return fault_names[fault];
}

bool
event_starved(enum event_fault fault, struct slice detail)
{
	return fault == FAULT_LIMIT && slice_eq_str(detail, STARVED);
}

enum event_fault
event_fault_by_name(struct slice name)
{
	for (int i = 1; i < FAULT_COUNT; i++)
		if (slice_eq_str(name, fault_names[i]))
			return (enum event_fault)i;
	return FAULT_NONE;
}

struct printable
printable(struct slice s)
{
	struct printable ret;
	size_t n = s.n < 64 ? s.n : 64;

	while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--; /* not in the middle of a character */
	for (size_t i = 0; i < n; i++)
		ret.text[i] = s.p[i] == '\0' ? '?' : s.p[i];
	(void)snprintf(ret.text + n, sizeof ret.text - n, "%s", n < s.n ? "..." : "");
	utf8_clean(ret.text);
	return ret;
}

const struct step step_data = {NULL, {NULL, 0}, 0};

static void
print_path(struct buf *b, const struct step *step)
{
	if (step->up == NULL) {
		buf_add_str(b, "data");
		return;
	}
	print_path(b, step->up);
	if (step->name.p == NULL)
		buf_printf(b, "[%zu]", step->index);
	else
		buf_printf(b, ".%s", printable(step->name).text);
}

int
parser_fail(struct event_parser *pa, enum event_fault fault, const struct step *step, const char *fmt, ...)
{
	struct buf b = {.max = 4096};
	char text[1024];
	va_list ap;

	if (pa->fault != FAULT_NONE)
		return -1;
	pa->fault = fault;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (step != NULL) {
		print_path(&b, step);
		buf_add_str(&b, ": ");
	}
	buf_add_str(&b, text);
	pa->detail = buf_ok(&b) ? arena_copy(pa->arena, buf_slice(&b)) : slice_of(NULL, 0);
	if (pa->detail.p == NULL) {
		pa->fault = FAULT_LIMIT;
		pa->detail = slice_str(STARVED);
	}
	buf_free(&b);
	return -1;
}
