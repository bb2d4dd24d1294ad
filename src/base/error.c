/* error.c - see error.h. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>

/* Names from files may hold anything; what could end the line or talk to a terminal is shown as '?'. */
static void make_printable(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) *p = '?';
        if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p[0] = p[1] = '?'; /* U+0080 to U+009f */
    }
}

_Bool error_set(struct error *e, enum error_code code, const char *format, ...) {
    if (e->code != ERROR_NONE) return 0;
    va_list args;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    make_printable(e->text);
    e->code = code;
    return 0;
}
