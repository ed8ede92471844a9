/* What rules may call, by name: for the lint and the documentation. */
#ifndef DIDEBAN_ENGINE_RULE_LIBRARY_H
#define DIDEBAN_ENGINE_RULE_LIBRARY_H

/* NULL-terminated; `library` NULL: the globals, else the members of one, or NULL if there is none of that name. */
const char *const *library_names(const char *library);

#endif
