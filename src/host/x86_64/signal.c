/* signal.c - the x86-64 side of host faults: reading and changing the interrupted context. */
#define _GNU_SOURCE
#include "base/os.h"
#include "core/host.h"
#include "host/x86_64/x86_64.h"
#include "mem/space.h"
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#define LABEL(name) extern const char name[] __attribute__((visibility("hidden")))
LABEL(guard_begin);
LABEL(guard_end);
LABEL(guard_failed);
LABEL(copy_guarded_slow);
LABEL(copy_guarded_access);
LABEL(copy_guarded_out);
LABEL(look_guarded_access);
LABEL(look_guarded_out);
LABEL(touch_guarded_access);
LABEL(touch_guarded_out);

/* Where a copy that faults at *pc goes on, if that is within one. */
static bool copy_fault(uint64_t *pc) {
    const uint64_t at = *pc, fast = (uintptr_t)copy_guarded, slow = (uintptr_t)copy_guarded_slow;
    const char *out = at >= fast && at < slow                 ? copy_guarded_slow
                      : at == (uintptr_t)copy_guarded_access  ? copy_guarded_out
                      : at == (uintptr_t)look_guarded_access  ? look_guarded_out
                      : at == (uintptr_t)touch_guarded_access ? touch_guarded_out
                                                              : NULL;
    if (out) *pc = (uint64_t)(uintptr_t)out;
    return out;
}

/* Is that where the instruction accesses memory? Else the signal was sent, and came here by chance. Accesses are by
   rdi, copies by rdi and rsi, with rcx bytes to go in the slow way and rdx bytes in all where they go in pieces; where
   the processor tells no address it may be. */
static bool is_accessed(const greg_t *r, uint64_t address, uint64_t size, bool copies) {
    enum { PAGE_FAULT = 14 };
    return r[REG_TRAPNO] != PAGE_FAULT || address - (uint64_t)r[REG_RDI] < size ||
           (copies && address - (uint64_t)r[REG_RSI] < size);
}

bool guard_fault(void *ucontext, bool bus, void *address) {
    enum { GUARDED_MOST = TYPE_MOST };
    greg_t *r = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    uint64_t pc = (uint64_t)r[REG_RIP], at = (uint64_t)(uintptr_t)address;
    if (copy_fault(&pc)) {
        const uint64_t left = (uint64_t)r[pc == (uint64_t)(uintptr_t)copy_guarded_slow ? REG_RDX : REG_RCX];
        if (!is_accessed(r, at, left ? left : 1, true) && !is_accessed(r, at, 1, false)) return false;
        r[REG_RIP] = (greg_t)pc;
        return true;
    }
    if (pc < (uint64_t)(uintptr_t)guard_begin || pc >= (uint64_t)(uintptr_t)guard_end) return false;
    if (!is_accessed(r, at, GUARDED_MOST, false)) return false;
    r[REG_RIP] = (greg_t)(uintptr_t)guard_failed;
    r[REG_RAX] = bus ? 2 : 0;
    r[REG_RDX] = (greg_t)(uintptr_t)address;
    return true;
}

uint64_t x86_fault_pc(void *ucontext) {
    return (uint64_t)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
}

struct cpu *x86_fault_cpu(void *ucontext) {
    return (struct cpu *)(uintptr_t)(((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RBP] - CPU_BIAS);
}

/* Pushes fault just below the stack; its top frame can then be dropped with all the others. */
bool x86_fault_pair(void *ucontext, void *address, struct cpu *cpu) {
    greg_t *r = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    uint64_t at = (uint64_t)(uintptr_t)address, sp = (uint64_t)r[REG_RSP];
    if (at - (sp - 16) > 16) return false;
    r[REG_RSP] = (greg_t)(uintptr_t)cpu->jumps.pair_base;
    return true;
}

void x86_leave_from_fault(void *ucontext, const uint8_t *execute) {
    ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)(execute + X86_LEAVE_SETTLED);
}

void x86_fault_register(const void *ucontext, enum bank bank, unsigned reg, uint64_t cells[TYPE_CELLS]) {
    static const uint8_t gregs[] = {
        [RAX] = REG_RAX, [RCX] = REG_RCX, [RDX] = REG_RDX, [RBX] = REG_RBX, [RSP] = REG_RSP, [RBP] = REG_RBP,
        [RSI] = REG_RSI, [RDI] = REG_RDI, [R8] = REG_R8,   [R9] = REG_R9,   [R10] = REG_R10, [R11] = REG_R11,
        [R12] = REG_R12, [R13] = REG_R13, [R14] = REG_R14, [R15] = REG_R15};
    const mcontext_t *m = &((const ucontext_t *)ucontext)->uc_mcontext;
    if (bank == BANK_INT)
        cells[0] = (uint64_t)m->gregs[gregs[reg]];
    else
        memcpy(cells, &m->fpregs->_xmm[reg], SIZE_V128);
}

/* ---- for handlers of signals */

IN_HANDLER static uint64_t reg_of(const void *ucontext, int reg) {
    return (uint64_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[reg];
}

IN_HANDLER uint64_t context_pc(const void *ucontext) {
    return reg_of(ucontext, REG_RIP);
}
IN_HANDLER uint64_t context_sp(const void *ucontext) {
    return reg_of(ucontext, REG_RSP);
}
IN_HANDLER void context_set_pc(void *ucontext, uint64_t pc) {
    ((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

/* Numbers of the processor's exceptions, as signal frames have them. */
enum trap {
    TRAP_DIVIDE = 0,
    TRAP_DEBUG = 1,
    TRAP_BREAKPOINT = 3,
    TRAP_OPCODE = 6,
    TRAP_SEGMENT = 11,
    TRAP_STACK = 12,
    TRAP_PAGE = 14,
    TRAP_FLOAT = 16,
    TRAP_ALIGNMENT = 17,
    TRAP_VECTOR = 19
};

/* Codes above 0 are for faults; but what is sent may have any, and the end of a child has them, too. A fault's address
 * is also where the processor left it. */
IN_HANDLER bool context_faulted(int signal, const void *siginfo, const void *ucontext) {
    const siginfo_t *info = siginfo;
    const uint64_t at = (uint64_t)(uintptr_t)info->si_addr;
    const bool here = at == context_pc(ucontext);
    switch (reg_of(ucontext, REG_TRAPNO)) {
    case TRAP_DIVIDE:
    case TRAP_FLOAT:
    case TRAP_VECTOR: return signal == SIGFPE && here;
    case TRAP_DEBUG:
    case TRAP_BREAKPOINT: return signal == SIGTRAP;
    case TRAP_OPCODE: return signal == SIGILL && here;
    case TRAP_PAGE: return (signal == SIGSEGV || signal == SIGBUS) && at == reg_of(ucontext, REG_CR2);
    case TRAP_SEGMENT:
    case TRAP_STACK:
    case TRAP_ALIGNMENT: return signal == SIGBUS;
    default: return signal == SIGSEGV && info->si_code == SI_KERNEL;
    }
}

IN_HANDLER bool context_behind_call(const void *ucontext) {
    enum { CALL_SIZE = 2, PAGE = 4096 };
    static const uint8_t call[CALL_SIZE] = {0x0f, 0x05};
    const uint64_t pc = context_pc(ucontext);
    return pc % PAGE >= CALL_SIZE && !memcmp((const uint8_t *)(uintptr_t)pc - CALL_SIZE, call, CALL_SIZE);
}
