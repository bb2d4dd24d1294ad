/* error.h - failures of the outside world: a code and a text that names the file, the offset and what to do.
 * Filled in by whoever finds the failure, printed by the program only; the first failure wins.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error_code {
    ERROR_NONE,
    ERROR_NOT_FOUND,    /* exit status 127 */
    ERROR_NOT_RUNNABLE, /* exit status 126: wrong kind, unreadable, malformed */
    ERROR_USAGE,        /* exit status 125: command line */
    ERROR_RESOURCES,    /* exit status 125: memory, address space */
};

struct error {
    enum error_code code;
    char text[400];
};

/** Sets code and printf-style text, in which control characters become '?', unless an error is there already. Returns
 * false, for `return error_set(...)`. */
_Bool error_set(struct error *e, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
