/* host.c - the host's calls and the engine's lock: given up around those that may wait; in builds with checks, the
 * others are compared with held.def. The calls themselves are in base/os_x86_64.c. */
#include "process/linux/linux.h"
#include "base/os.h"
#include "engine/engine.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>

int64_t host_wait6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    const struct thread *t = thread_here();
    struct engine *engine = t ? t->process->vm->engine : NULL;
    const bool held = engine && engine_holds(engine, t->cpu);
    if (held) engine_unlock(engine);
    int64_t r = os_call(number, a, b, c, d, e, f);
    if (held) engine_lock(engine, t->cpu);
    return r;
}

#ifdef VEE_CHECK
enum { ANY = -1 };
static const struct {
    long number;
    int command;
} rows[] = {
#define HELD(name, command, reason) {SYS_##name, command},
#include "process/linux/held.def"
};

void host_check(long number, int command) {
    const struct thread *t = thread_here();
    char text[80];
    if (!t || !engine_holds(t->process->vm->engine, t->cpu)) return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].number == number && (rows[i].command == ANY || rows[i].command == command)) return;
    int n = snprintf(text, sizeof text, "vee: call %ld of the host with the lock: see held.def\n", number);
    os_call(SYS_write, 2, (uintptr_t)text, (uint64_t)n, 0, 0, 0);
    os_die(SIGABRT, false);
}
#endif
