/* error.c - see error.h. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>

_Bool error_set(struct error *e, enum error_code code, const char *format, ...) {
    if (e->code != ERROR_NONE) return 0;
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    e->code = code;
    return 0;
}
