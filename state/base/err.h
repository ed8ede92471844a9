/* Errors. A function that can fail returns 0 or -1 and fills the caller's `struct err`, its last argument.
 * Library code never logs: the driver that receives the error prints it once.
 * The code decides the exit status (docs/reference: exit statuses); the text says what happened and how to cure it. */
#ifndef DIDEBAN_STATE_BASE_ERR_H
#define DIDEBAN_STATE_BASE_ERR_H

enum err_code {
	ERR_NONE = 0,
	ERR_CHECKED, /* what was looked for is wrong: a rule that fails its check or test */
	ERR_USAGE,   /* bad usage or configuration */
	ERR_INPUT,   /* bad input under --strict */
	ERR_IO,      /* store or I/O fault */
	ERR_FULL,    /* disk full */
	ERR_CORRUPT, /* a record that was durable is damaged */
	ERR_NEWER,   /* a store of another format */
	ERR_LOCKED,  /* another process holds the store */
	ERR_NOMEM,   /* memory exhausted */
	ERR_LIMIT,   /* a named maximum (base/limits.h) is reached */
	ERR_SERVICE, /* a needed service cannot be reached */
};

struct err {
	enum err_code code;
	char text[1024];
};

/* Fills *err and returns -1, so that a failure is one line: return err_set(err, ERR_IO, "...", ...); */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* "out of memory", returns -1. */
int err_nomem(struct err *err);

/* The exit status of docs/reference for a code: 0 to 5. */
int err_exit_status(enum err_code code);

#endif
