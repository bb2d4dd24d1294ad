/* answer.c - what a process does when its code stops: system calls, faults as signals, waiting signals, code bytes.
 *
 * Exits that report an instruction come with the state before it, so a signal's frame holds the address of that
 * instruction. After every answer what signals are waiting is delivered, so a signal that a call raised is handled
 * before the next instruction.
 */
#include "process/process.h"
#include "vm/input.h"
#include <signal.h>

/* Reads and writes of memory that is not there, or not to be accessed like this. */
static enum answer answer_fault(struct thread *t, uint64_t address) {
    struct space *s = t->process->space;
    const struct mapping *m = space_find(s, address);
    if (!m && memory_grow(s, address)) return ANSWER_RESUME;
    return signal_force(t, SIGSEGV, m ? SEGV_ACCERR : SEGV_MAPERR, address);
}

static enum answer answer_exit(struct thread *t, const struct exit *e) {
    struct cpu *cpu = t->cpu;
    switch ((enum exit_kind)e->kind) {
    case EXIT_syscall: return linux_call(t);
    case EXIT_fault_fetch:
    case EXIT_fault_read:
    case EXIT_fault_write: return answer_fault(t, e->value);
    case EXIT_absent_fetch: await_code(t, e->value); return ANSWER_RESUME;
    case EXIT_access_fetch:
    case EXIT_access_read:
    case EXIT_access_write: return signal_force(t, SIGSEGV, SEGV_ACCERR, e->value);
    case EXIT_misaligned_fetch:
    case EXIT_misaligned_read:
    case EXIT_misaligned_write: return signal_force(t, SIGBUS, BUS_ADRALN, e->value);
    case EXIT_bus_read:
    case EXIT_bus_write: return signal_force(t, SIGBUS, BUS_ADRERR, e->value);
    case EXIT_illegal: return signal_force(t, SIGILL, ILL_ILLOPC, cpu->pc);
    case EXIT_breakpoint: return signal_force(t, SIGTRAP, TRAP_BRKPT, cpu->pc);
    case EXIT_wait: return ANSWER_RESUME; /* wfi and its like may always return at once */
    case EXIT_poll:
        return t == &process_of(t->process->vm)->thread && vm_answer_poll(t->process->vm) ? ANSWER_STOP : ANSWER_RESUME;
    default: return vm_stop(t->process->vm, VM_TRAPPED, (int)e->kind, e->value);
    }
}

/* What waits, and then what a tap has for the same place. */
static enum answer deliver(struct thread *t) {
    enum answer a;
    do {
        a = signal_deliver(t);
        if (a == ANSWER_RESUME && input_tapped(t->process->vm)) outside_signal_due(t);
    } while (a == ANSWER_RESUME && t->given);
    return a;
}

static enum answer process_answer(void *self, struct cpu *cpu) {
    struct vm *vm = self;
    struct thread *t = cpu->owner;
    struct exit e = cpu->exit;
    const bool tapped = input_tapped(vm);
    if (tapped) outside_signal_due(t);
    if (e.kind == EXIT_budget) {
        bool event;
        enum answer a = vm_answer_budget(vm, cpu, &event);
        return a == ANSWER_RESUME && t->given ? deliver(t) : a;
    }
    /* A signal that came first is handled first; the instruction is tried again afterwards. */
    enum answer a = t->interrupted && e.kind != EXIT_poll ? ANSWER_RESUME : answer_exit(t, &e);
    if (tapped && a == ANSWER_RESUME) outside_signal_due(t);
    if (a == ANSWER_RESUME && t->interrupted) a = deliver(t);
    if (tapped) vm_grant(vm, cpu);
    return a;
}

static void process_fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    f->fault = EXIT_none;
    f->bytes = NULL;
    f->unit = NULL;
    f->lasts = false;
    struct space_code_page code;
    if (userfault_hides_code(cpu->owner, address)) {
        f->fault = EXIT_absent_fetch;
        return;
    }
    switch (space_code(process_of(self)->space, address, &code)) {
    case CODE_READY:
        f->page = code.identity;
        f->avail = code.avail;
        f->writable = code.writable;
        f->changeable = code.changeable;
        f->lasts = store_fetch(process_of(self), address, space_generation(f->page));
        break;
    case CODE_UNMAPPED:
    case CODE_FORBIDDEN: f->fault = EXIT_fault_fetch; break;
    case CODE_BEYOND_FILE: f->fault = EXIT_bus_read; break;
    }
}

/* A page that the guest has yet to provide has no bytes now. */
static size_t process_read_code(void *self, uint64_t address, uint8_t *to, size_t size) {
    const struct process *p = process_of(self);
    size_t done = 0;
    while (done < size) {
        const uint64_t at = address + done;
        size_t part = SPACE_PAGE - (at & (SPACE_PAGE - 1));
        if (part > size - done) part = size - done;
        if (userfault_absent(p, at)) break;
        const size_t n = space_read_code(p->space, at, to + done, part);
        done += n;
        if (n < part) break;
    }
    return done;
}

static enum code_watch process_watch_code(void *self, uint64_t address) {
    switch (space_watch(process_of(self)->space, address)) {
    case WATCHED: return WATCH_COMPLETE;
    case WATCHED_PARTLY: return WATCH_EXPLICIT;
    default: return WATCH_NONE;
    }
}

static bool process_unwatch_code(void *self, uint64_t address) {
    return space_unwatch(process_of(self)->space, address, 1);
}

/* Time counts in units of 100 ns; the others follow time too where instructions are not counted. */
static uint64_t process_counter(void *self, struct cpu *cpu, enum counter which) {
    struct vm *vm = self;
    if (which == COUNTER_TIME) return vm_clock_ns(vm) / 100;
    if (which >= COUNTER_OWN) return linux_clock(vm, (int)which - COUNTER_OWN);
    return vm->counted ? cpu_count(cpu) : vm_clock_ns(vm);
}

const struct interface process_interface = {
    .name = "process",
    .answer = process_answer,
    .fetch = process_fetch,
    .read_code = process_read_code,
    .watch_code = process_watch_code,
    .unwatch_code = process_unwatch_code,
    .counter = process_counter,
    .died = share_died,
};
