/* live.c - see run.h: the host's time is the clock, each cpu has a thread of its own (the first one the caller's), and
 * one more thread, the clock's, does what happens at a time or comes from the console.
 *
 * Whoever changes something tells whom it is about. A wire to a cpu is a bit of a word of its seat (`lines`), which
 * that cpu's own thread copies when it comes to its poll, and after each of its accesses to devices. A device that is
 * to be updated at a time sets the alarm: a timer of the host's that wakes the clock's thread, which looks at all that
 * is due and sets it anew. A cpu's own timer is the same as long as it runs; one that sleeps sleeps until then by
 * itself. So an idle machine takes no time of the host's.
 *
 * Locks: the machine's for devices, the console and the alarm; the engine's for answers, and so for `waits`, `hopes`
 * and what firmware knows. The machine's may be taken while the engine's is held, not the other way round; the clock's
 * thread takes only the machine's.
 */
#define _GNU_SOURCE
#include "machine/run.h"
#include "base/os.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { OUTPUT_NS = 2000000, SLACK_NS = 1000, STACK = 512 << 10 };
#define NEVER UINT64_MAX

struct live {
    struct machine *machine;
    int timer, wake; /* descriptors of the host's: the alarm; the clock's thread is to look */
    /* with the machine's lock: */
    uint64_t alarm;        /* when the timer wakes the clock's thread, in nanoseconds of vm_clock_ns; NEVER */
    uint64_t output_until; /* when output is written at the latest */
    bool input;            /* the clock's thread looks for input */
    bool ending;
    /* the caller's thread's: */
    pthread_t clock, cpus[CPUS_MOST];
    bool clock_runs, cpu_runs[CPUS_MOST];
};

/* ---- the alarm, with the machine's lock */

static void alarm_set(struct live *l, uint64_t ns) {
    const uint64_t now = vm_clock_ns(l->machine->vm), left = ns > now ? ns - now : 1;
    const struct itimerspec t = {
        .it_value = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)}};
    l->alarm = ns;
    timerfd_settime(l->timer, 0, ns == NEVER ? &(struct itimerspec){.it_value = {0}} : &t, NULL);
}

static void alarm_by(struct live *l, uint64_t ns) {
    if (ns < l->alarm) alarm_set(l, ns);
}

/* When the board's clock shows this time, on the vm's. */
static uint64_t ns_at(const struct machine *m, uint64_t time) {
    const uint64_t left = time == NEVER ? NEVER : board_ns_until(m, time);
    return left == NEVER ? NEVER : vm_clock_ns(m->vm) + left;
}

static void look(struct live *l) {
    const uint64_t one = 1;
    ssize_t told = write(l->wake, &one, sizeof one);
    (void)told; /* full: it is awake */
}

void live_changed(struct machine *m, const struct device_host *h) {
    struct live *l = m->live;
    if (!h->listens) {
        if (h->next != NEVER) alarm_by(l, ns_at(m, h->next));
    } else if (!l->input && !console_ready(&m->console)) {
        look(l);
    }
}

void live_time_set(struct machine *m) {
    look(m->live);
}

void live_output(struct machine *m) {
    struct live *l = m->live;
    if (l->output_until != NEVER) return;
    l->output_until = vm_clock_ns(m->vm) + OUTPUT_NS;
    alarm_by(l, l->output_until);
}

void live_line(struct machine *m, unsigned cpu, unsigned input, bool level) {
    const uint64_t bit = 1ull << input;
    struct board_cpu *seat = &m->seats[cpu];
    if (level) {
        __atomic_or_fetch(&seat->lines, bit, __ATOMIC_SEQ_CST);
        cpu_request(m->cpus[cpu], REQUEST_LOOK);
    } else {
        __atomic_and_fetch(&seat->lines, ~bit, __ATOMIC_SEQ_CST);
    }
}

/* ---- the clock's thread */

/* A cpu's timer is due: it is asked to look. */
static void timer_due(struct machine *m, unsigned n, uint64_t now) {
    struct board_cpu *seat = &m->seats[n];
    uint64_t time = __atomic_load_n(&seat->timer, __ATOMIC_SEQ_CST);
    if (time > now) return;
    /* Unless it has just been set anew. */
    if (__atomic_compare_exchange_n(&seat->timer, &time, NEVER, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        cpu_request(m->cpus[n], REQUEST_LOOK);
}

static void happen(struct live *l, bool input) {
    struct machine *m = l->machine;
    const uint64_t now = board_now(m);
    uint64_t next = NEVER;
    if (input) console_fetch(&m->console, m->vm);
    for (unsigned n = 0; n < m->ndevices; n++) {
        struct device_host *h = m->devices[n];
        if (h->listens ? console_ready(&m->console) : h->next <= now) board_update_device(h);
        if (!h->listens && h->next < next) next = h->next;
    }
    for (unsigned n = 0; n < m->ncpus; n++) {
        timer_due(m, n, now);
        const uint64_t time = __atomic_load_n(&m->seats[n].timer, __ATOMIC_SEQ_CST);
        if (time < next) next = time;
    }
    if (l->output_until <= vm_clock_ns(m->vm)) {
        console_flush(&m->console, m->vm);
        l->output_until = NEVER;
    }
    next = ns_at(m, next);
    alarm_set(l, next < l->output_until ? next : l->output_until);
    l->input = false;
    for (unsigned n = 0; n < m->ndevices; n++) l->input |= m->devices[n]->listens;
    l->input = l->input && !console_ready(&m->console);
}

static void *keep_time(void *self) {
    enum { AT_TIMER, AT_WAKE, AT_CONSOLE, COUNT = AT_CONSOLE + CONSOLE_FDS };
    struct live *l = self;
    struct machine *m = l->machine;
    bool input = false;
    prctl(PR_SET_TIMERSLACK, SLACK_NS);
    for (;;) {
        struct pollfd p[COUNT] = {{.fd = l->timer, .events = POLLIN}, {.fd = l->wake, .events = POLLIN}};
        uint64_t count;
        machine_lock(m, WHO_ELSE);
        happen(l, input);
        const bool ending = l->ending;
        const unsigned n = AT_CONSOLE + (l->input ? console_fds(&m->console, p + AT_CONSOLE) : 0);
        machine_unlock(m);
        if (ending) return NULL;
        if (poll(p, n, -1) < 0) continue;
        for (unsigned i = 0; i < AT_CONSOLE; i++)
            if (p[i].revents && read(p[i].fd, &count, sizeof count) < 0) continue;
        input = false;
        for (unsigned i = AT_CONSOLE; i < n; i++) input |= p[i].revents != 0;
    }
}

/* ---- cpus, on their own threads */

bool live_take_lines(struct cpu *cpu) {
    struct board_cpu *seat = board_cpu_of(cpu);
    const uint64_t lines = __atomic_load_n(&seat->lines, __ATOMIC_SEQ_CST), before = seat->taken;
    for (uint64_t changed = lines ^ before; changed; changed &= changed - 1) {
        const unsigned line = (unsigned)__builtin_ctzll(changed);
        guest_set_line(cpu, line, lines >> line & 1);
    }
    seat->taken = lines;
    return lines & ~before;
}

/* The time of its own timer's next event. */
static uint64_t own_timer(struct machine *m, struct cpu *cpu) {
    return cpu->guest->tick ? guest_tick(cpu, board_now(m)) : NEVER;
}

static void set_timer(struct machine *m, struct board_cpu *seat, uint64_t time) {
    if (__atomic_exchange_n(&seat->timer, time, __ATOMIC_SEQ_CST) == time || time == NEVER) return;
    machine_lock(m, seat->number + 1);
    alarm_by(m->live, ns_at(m, time));
    machine_unlock(m);
}

void live_serve(struct machine *m, struct cpu *cpu) {
    live_take_lines(cpu);
    set_timer(m, board_cpu_of(cpu), own_timer(m, cpu));
    machine_take_interrupt(cpu);
}

/* Is there nothing that could wake any cpu? */
static bool hopeless(struct machine *m) {
    bool hope = __atomic_load_n(&m->in_flight, __ATOMIC_SEQ_CST);
    for (unsigned n = 0; n < m->ncpus; n++) {
        const struct board_cpu *seat = &m->seats[n];
        hope |= seat->hopes != NEVER || __atomic_load_n(&m->cpus[n]->poll, __ATOMIC_SEQ_CST) ||
                __atomic_load_n(&seat->lines, __ATOMIC_SEQ_CST) != seat->taken;
    }
    if (hope) return false;
    machine_lock(m, WHO_ELSE);
    for (unsigned n = 0; n < m->ndevices; n++)
        hope |= m->devices[n]->next != NEVER || m->devices[n]->listens || m->devices[n]->hears;
    machine_unlock(m);
    return !hope && !__atomic_load_n(&m->in_flight, __ATOMIC_SEQ_CST);
}

static enum answer give_up(struct machine *m, const struct cpu *cpu) {
    error_set(&m->vm->error, ERROR_NOT_RUNNABLE, "wait for an interrupt that cannot come, at 0x%" PRIx64 "%s", cpu->pc,
              m->ncpus > 1 ? ", and so do all other cpus" : "");
    return machine_stop(m, VM_TRAPPED, EXIT_wait, cpu->pc);
}

/* Asleep, with what it waits for looked at each time that somebody pokes it, until it can run or has to come to the
   loop for another reason. */
enum answer live_wait(struct machine *m, struct cpu *cpu) {
    struct board_cpu *seat = board_cpu_of(cpu);
    struct vm *vm = m->vm;
    for (;;) {
        if (vm->end != VM_RUNNING) return ANSWER_STOP;
        if (machine_is_off(m)) return machine_stop(m, VM_POWERED_OFF, m->status, 0);
        live_take_lines(cpu);
        const uint64_t time = own_timer(m, cpu);
        if (machine_can_run(m, cpu)) break;
        seat->hopes = machine_is_stopped(m, cpu) ? NEVER : ns_at(m, time);
        __atomic_store_n(&seat->timer, NEVER, __ATOMIC_SEQ_CST); /* it sleeps until then by itself */
        if (seat->hopes == NEVER && hopeless(m)) return give_up(m, m->cpus[0]);
        const uint64_t now = vm_clock_ns(vm);
        const bool poked = seat->hopes > now && engine_sleep(vm->engine, cpu, seat->hopes - now);
        seat->hopes = 0;
        if (!poked) continue;
        cpu_poke(cpu); /* so that EXIT_poll comes, for whatever else is wanted */
        return ANSWER_RESUME;
    }
    machine_wake(m, cpu);
    set_timer(m, seat, own_timer(m, cpu));
    machine_take_interrupt(cpu);
    return ANSWER_RESUME;
}

/* ---- a reset: others come to answers and stay there, so that their registers and RAM are nobody's meanwhile */

static bool all_stand(const struct machine *m) {
    unsigned n = 1;
    while (n < m->ncpus && m->seats[n].stands) n++;
    return n == m->ncpus;
}

bool live_gather(struct machine *m) {
    for (unsigned n = 1; n < m->ncpus; n++) cpu_poke(m->cpus[n]);
    while (m->vm->end == VM_RUNNING && !all_stand(m)) engine_sleep(m->vm->engine, m->cpus[0], NEVER);
    return m->vm->end == VM_RUNNING;
}

void live_scatter(struct machine *m) {
    for (unsigned n = 0; n < m->ncpus; n++) cpu_poke(m->cpus[n]);
}

enum answer live_reset(struct machine *m, struct cpu *cpu) {
    struct board_cpu *seat = board_cpu_of(cpu);
    if (cpu == m->cpus[0]) return machine_restart(m) ? ANSWER_RESUME : ANSWER_STOP;
    seat->stands = true;
    cpu_poke(m->cpus[0]);
    while (machine_resets(m) && m->vm->end == VM_RUNNING) engine_sleep(m->vm->engine, cpu, NEVER);
    seat->stands = false;
    cpu_poke(cpu);
    return ANSWER_RESUME;
}

/* ---- the run */

void live_ending(struct machine *m) {
    for (unsigned n = 0; n < m->ncpus; n++) cpu_poke(m->cpus[n]);
}

static void *run_cpu(void *self) {
    struct cpu *cpu = self;
    struct machine *m = ((struct vm *)cpu->self)->data;
    prctl(PR_SET_TIMERSLACK, SLACK_NS);
    if (os_fault_stack()) {
        engine_run(m->vm->engine, cpu);
        return NULL;
    }
    engine_lock(m->vm->engine, cpu);
    error_set(&m->vm->error, ERROR_RESOURCES, "no memory for a signal stack");
    if (m->vm->end == VM_RUNNING) machine_stop(m, VM_TRAPPED, EXIT_none, 0);
    engine_unlock(m->vm->engine);
    return NULL;
}

/* Signals are the caller's thread's, but for those of faults. */
static bool thread_start(pthread_t *thread, void *(*run)(void *), void *self) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes)) return false;
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = !pthread_create(thread, &attributes, run, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

static bool threads_start(struct machine *m) {
    struct live *l = m->live;
    l->ending = false;
    l->clock_runs = thread_start(&l->clock, keep_time, l);
    for (unsigned n = 1; n < m->ncpus; n++) l->cpu_runs[n] = thread_start(&l->cpus[n], run_cpu, m->cpus[n]);
    for (unsigned n = 1; n < m->ncpus; n++)
        if (!l->cpu_runs[n]) return false;
    return l->clock_runs;
}

static void threads_join(struct machine *m) {
    struct live *l = m->live;
    for (unsigned n = 1; n < m->ncpus; n++) {
        if (l->cpu_runs[n]) pthread_join(l->cpus[n], NULL);
        l->cpu_runs[n] = false;
    }
    machine_lock(m, WHO_ELSE);
    l->ending = true;
    look(l);
    machine_unlock(m);
    if (l->clock_runs) pthread_join(l->clock, NULL);
    l->clock_runs = false;
}

void live_run(struct machine *m) {
    struct vm *vm = m->vm;
    if (m->ncpus > 1 && !engine_is_shared(vm->engine)) {
        engine_share(vm->engine, vm->cpu);
        engine_unlock(vm->engine);
    }
    for (unsigned n = 0; n < m->ncpus; n++) cpu_poke(m->cpus[n]); /* who waits goes on waiting */
    if (threads_start(m)) {
        engine_run(vm->engine, vm->cpu);
    } else {
        engine_lock(vm->engine, vm->cpu);
        error_set(&vm->error, ERROR_RESOURCES, "no threads for the machine");
        machine_stop(m, VM_TRAPPED, EXIT_none, 0);
        engine_unlock(vm->engine);
    }
    threads_join(m);
}

bool live_make(struct machine *m, struct error *error) {
    struct live *l = m->live = calloc(1, sizeof *l);
    if (!l) return error_set(error, ERROR_RESOURCES, "no memory for the machine");
    l->machine = m;
    l->alarm = l->output_until = NEVER;
    l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->timer >= 0 && l->wake >= 0) return true;
    return error_set(error, ERROR_RESOURCES, "no descriptors for the machine's clock");
}

void live_free(struct machine *m) {
    if (!m->live) return;
    if (m->live->timer >= 0) close(m->live->timer);
    if (m->live->wake >= 0) close(m->live->wake);
    free(m->live);
    m->live = NULL;
}
