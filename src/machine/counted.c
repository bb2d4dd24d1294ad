/* counted.c - see run.h: the instruction count is the clock. All cpus run on the thread of the run, a turn of a fixed
 * number of instructions each, in order, and one that waits or is stopped has none; so runs repeat to the bit. Where
 * none can run, the clock is set forward to the next event, unless somebody may type, in which case time passes.
 */
#include "machine/run.h"
#include "base/os.h"
#include "vm/input.h"
#include <inttypes.h>

enum { TURN = 10000 }; /* instructions */

void counted_serve(struct machine *m, struct cpu *cpu) {
    machine_lock_cpu(m, cpu);
    board_update(m);
    machine_unlock(m);
    machine_take_interrupt(cpu);
}

static bool any_can_run(struct machine *m) {
    unsigned n = 0;
    while (n < m->ncpus && !machine_can_run(m, m->cpus[n])) n++;
    return n < m->ncpus;
}

/* Nothing to do until an interrupt comes. Idle time costs none of ours. False: there is nothing to wait for, and the
   run is over. */
static bool idle(struct machine *m) {
    const struct cpu *first = m->vm->cpu;
    for (;;) {
        bool listens;
        machine_lock_cpu(m, first);
        board_update(m);
        uint64_t ns = board_idle_ns(m, &listens), began = os_nanoseconds();
        machine_unlock(m);
        if (any_can_run(m)) return true;
        if (!listens) {
            if (ns == UINT64_MAX) {
                error_set(&m->vm->error, ERROR_NOT_RUNNABLE,
                          "wait for an interrupt that cannot come, at 0x%" PRIx64 "%s", first->pc,
                          m->ncpus > 1 ? ", and so do all other cpus" : "");
                machine_stop(m, VM_TRAPPED, EXIT_wait, first->pc);
                return false;
            }
            vm_clock_advance(m->vm, ns);
        } else if (console_wait(&m->console, m->vm, ns)) {
            uint64_t passed = (uint64_t)INPUT_VALUE(m->vm, INPUT_clock, INPUT_IDLE, os_nanoseconds() - began);
            vm_clock_advance(m->vm, passed < ns ? passed : ns);
        } else if (INPUT_VALUE(m->vm, INPUT_wish, 0, __atomic_load_n(&first->poll, __ATOMIC_SEQ_CST) != 0)) {
            return true; /* a signal came: somebody wants the loop */
        } else if (ns != UINT64_MAX) {
            vm_clock_advance(m->vm, ns);
        }
    }
}

enum answer counted_pass(struct machine *m) {
    m->pass = true;
    return ANSWER_STOP;
}

enum answer counted_wait(struct machine *m, struct cpu *cpu) {
    if (m->ncpus > 1) return counted_pass(m);
    if (!idle(m)) return ANSWER_STOP;
    machine_wake(m, cpu);
    machine_take_interrupt(cpu);
    return ANSWER_RESUME;
}

enum answer counted_stopped(struct machine *m, struct cpu *cpu) {
    return m->ncpus > 1 ? counted_pass(m) : machine_stop(m, VM_TRAPPED, EXIT_wait, cpu->pc);
}

void counted_begin(struct machine *m) {
    m->turn = 0;
    m->pass = false;
    if (m->ncpus > 1) vm_turn(m->vm, m->vm->cpu, vm_count(m->vm) + TURN);
}

enum answer counted_reset(struct machine *m) {
    if (!machine_restart(m)) return ANSWER_STOP;
    return m->ncpus > 1 ? counted_pass(m) : ANSWER_RESUME;
}

/* The next one that can run has the turn. False: there is none. */
static bool next_turn(struct machine *m) {
    for (unsigned n = 1; n <= m->ncpus; n++) {
        const unsigned at = (m->turn + n) % m->ncpus;
        if (!machine_can_run(m, m->cpus[at])) continue;
        m->turn = at;
        vm_turn(m->vm, m->cpus[at], vm_count(m->vm) + TURN);
        return true;
    }
    return false;
}

static void run(struct machine *m, struct cpu *cpu) {
    m->pass = false;
    vm_turn(m->vm, cpu, m->vm->turn_end);
    vm_grant(m->vm, cpu);
    if (machine_can_run(m, cpu)) {
        machine_wake(m, cpu);
        counted_serve(m, cpu);
    }
    engine_run(m->vm->engine, cpu);
}

/* What others want of the loop they ask of the first cpu, which may be waiting. */
static void wishes(struct machine *m) {
    if (!__atomic_load_n(&m->vm->cpu->poll, __ATOMIC_SEQ_CST) || machine_can_run(m, m->vm->cpu)) return;
    cpu_poke(m->vm->cpu); /* so that it comes to the loop, whatever was asked, and runs no code */
    run(m, m->vm->cpu);
}

void counted_run(struct machine *m) {
    struct vm *vm = m->vm;
    if (m->ncpus == 1) {
        vm_grant(vm, vm->cpu);
        engine_run(vm->engine, vm->cpu);
        return;
    }
    if (!vm->turn_end) vm_turn(vm, vm->cpu, TURN);
    while (vm->end == VM_RUNNING) {
        struct cpu *cpu = m->cpus[m->turn];
        wishes(m);
        if (vm->end != VM_RUNNING) break;
        if (machine_can_run(m, cpu) && vm_count(vm) < vm->turn_end)
            run(m, cpu);
        else if (!next_turn(m))
            idle(m);
    }
}
