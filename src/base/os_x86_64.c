/* os_x86_64.c - what of os.h depends on Linux and on the processor: the instruction of system calls, the kernel's form
 * of a signal's action, thread pointers. Its neighbours are os_call_x86_64.S and os_thread_x86_64.S.
 */
#include "base/os_x86_64.h"
#include "base/os.h"
#include "base/os_task.h"
#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>

#define LABEL(name) extern const char name[] __attribute__((visibility("hidden")))
LABEL(os_call_check);
LABEL(os_call_end);
LABEL(os_call_not_begun);
LABEL(os_signal_return);

IN_HANDLER int64_t os_call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    int64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

IN_HANDLER bool os_call_cancel(uint64_t *pc) {
    if (*pc < (uintptr_t)os_call_check || *pc >= (uintptr_t)os_call_end) return false;
    *pc = (uintptr_t)os_call_not_begun;
    return true;
}

/* ---- signals */

/** The kernel's struct sigaction. Its handlers return to code of the program's. */
struct kernel_action {
    uint64_t handler, flags, restorer, mask;
};
enum { RESTORER = 0x04000000 /* SA_RESTORER */ };

IN_HANDLER int64_t os_action(int signal, const struct os_action *set, struct os_action *old) {
    struct kernel_action to, from;
    if (set) to = (struct kernel_action){set->handler, set->flags | RESTORER, (uintptr_t)os_signal_return, set->mask};
    const int64_t r =
        os_call(SYS_rt_sigaction, (uint64_t)signal, set ? (uintptr_t)&to : 0, old ? (uintptr_t)&from : 0, 8, 0, 0);
    if (!r && old) *old = (struct os_action){from.handler, from.flags & ~(uint64_t)RESTORER, from.mask};
    return r;
}

/* ---- threads */

uintptr_t os_task_pointer(void) {
    uintptr_t p;
    __asm__("movq %%fs:0, %0" : "=r"(p));
    return p;
}

void os_task_block(void *pointer) {
    enum { SELF = 0, SELF_TOO = 2, STACK_CANARY = 5, POINTER_CANARY = 6 }; /* words */
    uintptr_t *block = pointer, *mine = (uintptr_t *)os_task_pointer();
    block[SELF] = block[SELF_TOO] = (uintptr_t)pointer;
    block[STACK_CANARY] = mine[STACK_CANARY];
    block[POINTER_CANARY] = mine[POINTER_CANARY];
}

bool os_gs_base(const void *base) {
    return !os_call(SYS_arch_prctl, ARCH_SET_GS, (uintptr_t)base, 0, 0, 0, 0);
}

void os_pause(void) {
    __builtin_ia32_pause();
}
