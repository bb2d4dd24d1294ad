/* strace.c - system calls as text: one line each on standard error (or where the log is), `PID name(arguments) =
 * result`, made from the same rows that translate the arguments. Strings and data are shown as they are when the call
 * begins; what a call writes is shown as an address. A call that does not come back is a line that ends in `= ?`.
 */
#include "process/linux/linux.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_BYTES = 32, SHOWN_STRING = 200 };

__attribute__((format(printf, 2, 3))) static void put(struct strace *s, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int n = vsnprintf(s->text + s->used, sizeof s->text - s->used, format, list);
    va_end(list);
    if (n > 0) s->used += (size_t)n < sizeof s->text - s->used ? (size_t)n : sizeof s->text - s->used - 1;
}

static void put_quoted(struct strace *s, const char *bytes, size_t size, bool cut) {
    put(s, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char b = (unsigned char)bytes[i];
        if (b == '"' || b == '\\')
            put(s, "\\%c", b);
        else if (b >= ' ' && b < 127)
            put(s, "%c", b);
        else if (b == '\n')
            put(s, "\\n");
        else
            put(s, "\\%o", b);
    }
    put(s, cut ? "\"..." : "\"");
}

static void put_string(struct strace *s, struct process *p, uint64_t at) {
    char text[SHOWN_STRING + 1];
    size_t n = 0;
    while (n < SHOWN_STRING && await_read(p, at + n, text + n, 1) && text[n]) n++;
    if (!n && !await_read(p, at, text, 1))
        put(s, "%#llx", (unsigned long long)at);
    else
        put_quoted(s, text, n, n == SHOWN_STRING);
}

static void put_data(struct strace *s, struct process *p, uint64_t at, uint64_t size) {
    char bytes[SHOWN_BYTES];
    size_t n = size < SHOWN_BYTES ? (size_t)size : SHOWN_BYTES;
    if (await_read(p, at, bytes, n))
        put_quoted(s, bytes, n, n < size);
    else
        put(s, "%#llx", (unsigned long long)at);
}

static void put_signal(struct strace *s, int signal) {
    const char *name = signal > 0 && signal < 32 ? sigabbrev_np(signal) : NULL;
    if (name)
        put(s, "SIG%s", name);
    else
        put(s, "%d", signal);
}

static void put_argument(struct strace *s, const struct call *c, char letter, uint64_t v, uint64_t size) {
    struct process *p = c->process;
    switch (letter) {
    case 'i':
    case 'f':
    case 'p':
    case 't':
    case 'u':
    case 'c': put(s, "%d", (int)v); return;
    case 'd': put(s, (int)v == -100 ? "AT_FDCWD" : "%d", (int)v); return;
    case 'n': put_signal(s, (int)v); return;
    case 'm': put(s, "%#o", (unsigned)v); return;
    case 'a':
    case 'O':
    case 'x': put(s, "%#llx", (unsigned long long)v); return;
    case 'z':
    case 'o': put(s, "%lld", (long long)v); return;
    case 'l': put(s, v < 4096 ? "%lld" : "%#llx", (long long)v); return;
    default: break;
    }
    if (!v)
        put(s, "NULL");
    else if (letter == 'P' || letter == 'L' || letter == 'S')
        put_string(s, p, v);
    else if (letter == '<')
        put_data(s, p, v, size);
    else
        put(s, "%#llx", (unsigned long long)v);
}

static void write_line(struct strace *s) {
    const struct vm_options *o = s->options;
    if (o->log_file && o->log_line) {
        o->log_line(o->log_to, s->text);
        return;
    }
    put(s, "\n");
    s->text[s->used - 1] = '\n'; /* of a line that was too long, too */
    host_wait(SYS_write, 2, s->text, s->used);
}

void strace_begin(struct strace *s, const struct call *c, uint64_t number) {
    s->used = 0;
    s->options = &c->process->vm->options;
    put(s, "%d ", (int)host_do(SYS_gettid));
    if (!c->row) {
        put(s, "system call %llu(", (unsigned long long)number);
        for (unsigned i = 0; i < 6; i++) put(s, "%s%#llx", i ? ", " : "", (unsigned long long)c->guest[i]);
        put(s, ")");
        return;
    }
    put(s, "%s(", c->row->name);
    const char *args = c->row->args;
    for (unsigned i = 0; *args; i++) {
        char letter = *args++;
        uint64_t size = letter == '<' || letter == '>' || letter == '=' ? call_size(&args, c) : 0;
        if (*args == '?') args++;
        if (*args == ' ') args++;
        if (i) put(s, ", ");
        if (call_is(c, ROW_execve) && i == 0) letter = 'P'; /* which reads it itself */
        put_argument(s, c, letter, c->guest[i], size);
    }
    put(s, ")");
    if (strncmp(c->row->name, "exec", 4) && strncmp(c->row->name, "exit", 4)) return;
    size_t used = s->used; /* of one that comes back, all is said again */
    put(s, " = ?");
    write_line(s);
    s->used = used;
}

void strace_end(struct strace *s, int64_t result) {
    if (result == CALL_STOP) return;
    if (result == CALL_AGAIN)
        put(s, " = ? (again)");
    else if (result < 0 && result >= -4095)
        put(s, " = -1 %s (%s)", strerrorname_np((int)-result), strerrordesc_np((int)-result));
    else if (result != CALL_STATE)
        put(s, result >= 0 && result < 65536 ? " = %lld" : " = %#llx", (long long)result);
    write_line(s);
}
