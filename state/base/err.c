#include "state/base/err.h"

#include <stdarg.h>
#include <stdio.h>

int
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (err != NULL) {
		err->code = code;
		va_start(ap, fmt);
		(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
		va_end(ap);
	}
	return -1;
}

int
err_nomem(struct err *err)
{
	return err_set(err, ERR_NOMEM, "out of memory");
}

int
err_exit_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return 0;
	case ERR_CHECKED:
		return 1;
	case ERR_USAGE:
		return 2;
	case ERR_INPUT:
		return 3;
	case ERR_SERVICE:
		return 5;
	case ERR_IO:
	case ERR_FULL:
	case ERR_CORRUPT:
	case ERR_NEWER:
	case ERR_LOCKED:
	case ERR_NOMEM:
	case ERR_LIMIT:
		return 4;
	}
	return 4;
}
