/* For clang-tidy alone, which looks at one file at a time: these functions always fail, so that it does not follow paths on
 * which an error was set and success returned. */
#include "engine/event/parser.h"
#include "state/base/err.h"
#include "state/base/file.h"
#define err_set(...) ((void)err_set(__VA_ARGS__), -1)
#define err_nomem(...) ((void)err_nomem(__VA_ARGS__), -1)
#define file_err(...) ((void)file_err(__VA_ARGS__), -1)
#define parser_fail(...) ((void)parser_fail(__VA_ARGS__), -1)
#if __has_include(<lauxlib.h>)
#include <lauxlib.h>
#define luaL_error(...) (luaL_error(__VA_ARGS__), __builtin_unreachable(), 0) /* leaves by longjmp */
#endif
