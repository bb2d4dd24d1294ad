/* machine.c - the interface at the ISA: opens a bare-metal program on the board, answers exits as hardware would.
 *
 * Programs on the bare board run counted, so that interrupts and timers arrive at exact instruction counts, runs can be
 * repeated and tiers compared; systems, which bring firmware or want some, by the host's time, unless it is said
 * otherwise (run.h). A program is ours when its segments are to be loaded into the board's RAM and nothing in it asks
 * for an operating system (interpreter, thread-local storage), when it is a kernel with a header, or when the caller
 * says so.
 */
#include "machine/machine.h"
#include "machine/board.h"
#include "base/elf.h"
#include "base/os.h"
#include "machine/load.h"
#include "machine/run.h"
#include "machine/service.h"
#include "mem/mem.h"
#include "vm/input.h"
#include <inttypes.h>
#include <stdlib.h>

#define RAM_LIMIT (1ull << 40)
enum { DATA_SPACE = 0 };

static bool recognise(const uint8_t *bytes, size_t size) {
    for (unsigned i = 0; i < nboards; i++)
        if (elf_recognise(bytes, size, boards[i]->elf_machine)) return elf_is_bare(bytes, size, boards[i]->ram);
    return boards[0]->flat_header(bytes, size, &(struct flat_header){0});
}

/* ---- opening */

static bool ram_make(struct machine *m, uint64_t size, struct error *error) {
    m->ram_size = size;
    if (m->ram_size % PAGE_SIZE || m->ram_size > RAM_LIMIT)
        return error_set(error, ERROR_USAGE, "RAM of %" PRIu64 " bytes: not a multiple of %d, or too much", m->ram_size,
                         PAGE_SIZE);
    m->ram = os_reserve_large(m->ram_size);
    if (!m->ram || !os_commit(m->ram, m->ram_size))
        return error_set(error, ERROR_RESOURCES, "cannot get %" PRIu64 " MiB of memory for RAM", m->ram_size >> 20);
    return true;
}

void machine_begin_cpu(struct machine *m, struct cpu *cpu) {
    struct board_cpu *seat = board_cpu_of(cpu);
    struct tlb *t = tlb_views_select(seat->views, cpu->soft.view = 0, cpu->soft.space = 0, 0);
    mem_use(&cpu->mem[DATA_SPACE], t, t->line, tlb_mask(t));
    engine_set_pc(cpu, m->board->reset);
    m->board->cpu(cpu, seat->number);
}

static bool seat_make(struct machine *m, unsigned number) {
    struct vm *vm = m->vm;
    struct board_cpu *seat = &m->seats[number];
    struct cpu *cpu = m->cpus[number] = engine_cpu_make(vm->engine, &vm->error);
    *seat = (struct board_cpu){.number = number, .timer = UINT64_MAX, .views = os_alloc(sizeof *seat->views)};
    if (!cpu || !seat->views || !tlb_views_make(seat->views))
        return error_set(&vm->error, ERROR_RESOURCES, "no memory for a cpu, or for its TLBs");
    cpu->soft.views = seat->views;
    cpu->soft.phys = &m->phys;
    cpu->mem[DATA_SPACE].kind = MEM_SOFT;
    cpu->owner = seat;
    machine_begin_cpu(m, cpu);
    return true;
}

static bool cpus_make(struct machine *m, const struct interface *interface) {
    struct vm *vm = m->vm;
    struct engine_config config;
    vm_engine_config(vm, m->board->guest, interface, &config);
    vm->engine = engine_make(&config, &vm->error);
    for (unsigned i = 0; i < m->ncpus; i++)
        if (!vm->engine || !seat_make(m, i)) return false;
    vm->cpu = m->cpus[0];
    return true;
}

static void cpus_free(struct machine *m) {
    for (unsigned i = 0; m->vm->engine && i < m->ncpus; i++) {
        engine_cpu_free(m->vm->engine, m->cpus[i]);
        if (m->seats[i].views) tlb_views_free(m->seats[i].views);
        os_free(m->seats[i].views);
    }
    engine_free(m->vm->engine);
    m->vm->engine = NULL;
    m->vm->cpu = NULL;
}

static void machine_close(struct vm *vm) {
    struct machine *m = vm->data;
    if (!m) return;
    console_flush(&m->console, m->vm);
    service_end(m->service);
    console_close(&m->console);
    board_close(m);
    live_free(m);
    cpus_free(m);
    board_done(m);
    if (m->ram) os_release(m->ram, m->ram_size);
    config_free(m->config);
    free(m);
    vm->data = NULL;
}

/* ---- answering */

enum answer machine_stop(struct machine *m, enum vm_end end, int status, uint64_t value) {
    machine_lock(m, WHO_ELSE);
    console_flush(&m->console, m->vm);
    machine_unlock(m);
    vm_stop(m->vm, end, status, value);
    if (m->live) live_ending(m);
    return ANSWER_STOP;
}

void machine_take_interrupt(struct cpu *cpu) {
    unsigned actions;
    if (!guest_take_interrupt(cpu, &actions)) return;
    board_cpu_of(cpu)->stuck = 0;
    cpu_ask(cpu, actions);
}

static void serve(struct machine *m, struct cpu *cpu) {
    if (m->live)
        live_serve(m, cpu);
    else
        counted_serve(m, cpu);
}

/* What the board as firmware knows of a cpu; NULL: it is none. */
static struct firmware_cpu *firmware_of(const struct machine *m, const struct cpu *cpu) {
    return m->firmware.cpus ? &m->firmware.cpus[board_cpu_of(cpu)->number] : NULL;
}

/* ---- traps that lead nowhere */

enum { STUCK = 1000 };

/* It has trapped so often at the first instruction of its handler, for the same cause, without an interrupt in between.
   So it will for ever, unless it can be interrupted, or another cpu changes what is there. */
static bool is_stuck(const struct machine *m, const struct cpu *cpu) {
    return board_cpu_of(cpu)->stuck >= STUCK && !m->board->interruptible(cpu);
}

/* Is there nobody who could bring it forward? Where there is no memory, no other cpu makes some. */
static bool gets_nowhere(const struct machine *m, const struct cpu *cpu) {
    unsigned n = 0;
    if (!is_stuck(m, cpu)) return false;
    if (cpu->exit.kind == EXIT_access_fetch) return true;
    for (; n < m->ncpus; n++) {
        const struct firmware_cpu *known = firmware_of(m, m->cpus[n]);
        if (!is_stuck(m, m->cpus[n]) && !(known && known->state != FIRMWARE_RUNS)) break;
    }
    return n == m->ncpus;
}

static enum answer give_up(struct machine *m, const struct cpu *cpu) {
    const enum exit_kind kind = cpu->exit.kind;
    const unsigned n = board_cpu_of(cpu)->number;
    if (kind == EXIT_access_fetch)
        error_set(&m->vm->error, ERROR_NOT_RUNNABLE,
                  "cpu %u traps for ever: its traps lead to 0x%" PRIx64
                  ", where there is no memory that it may execute",
                  n, cpu->pc);
    else
        error_set(&m->vm->error, ERROR_NOT_RUNNABLE,
                  "cpu %u traps for ever: its traps lead to 0x%" PRIx64 ", which traps itself (%s)", n, cpu->pc,
                  exit_info[kind].text);
    return machine_stop(m, VM_TRAPPED, kind, cpu->pc);
}

/* A trap takes a step of its own, so that time passes and counts are reached even where every instruction traps. */
static enum answer trap(struct machine *m, struct cpu *cpu) {
    const uint64_t pc = cpu->pc;
    struct board_cpu *seat = board_cpu_of(cpu);
    cpu->count.budget--;
    cpu_ask(cpu, guest_enter_trap(cpu));
    const bool again = cpu->pc == pc && cpu->exit.kind == seat->stuck_by;
    seat->stuck_by = cpu->pc == pc ? cpu->exit.kind : EXIT_none;
    seat->stuck = !again ? 0 : seat->stuck < UINT32_MAX ? seat->stuck + 1 : UINT32_MAX;
    return seat->stuck >= STUCK && gets_nowhere(m, cpu) ? give_up(m, cpu) : ANSWER_RESUME;
}

bool machine_is_stopped(struct machine *m, struct cpu *cpu) {
    const struct firmware_cpu *known = firmware_of(m, cpu);
    if (!known) return false;
    if (known->asked) m->board->firmware_serve(m, cpu);
    return known->state != FIRMWARE_RUNS;
}

bool machine_can_run(struct machine *m, struct cpu *cpu) {
    return !machine_is_stopped(m, cpu) && (!board_cpu_of(cpu)->waits || guest_wakes(cpu));
}

void machine_wake(struct machine *m, struct cpu *cpu) {
    struct firmware_cpu *known = firmware_of(m, cpu);
    board_cpu_of(cpu)->waits = false;
    if (known) known->asleep = false;
}

static enum answer wait_for_interrupt(struct machine *m, struct cpu *cpu) {
    board_cpu_of(cpu)->waits = true;
    return m->live ? live_wait(m, cpu) : counted_wait(m, cpu);
}

static enum answer stay_stopped(struct machine *m, struct cpu *cpu) {
    return m->live ? live_wait(m, cpu) : counted_stopped(m, cpu);
}

static enum answer answer_reset(struct machine *m, struct cpu *cpu) {
    return m->live ? live_reset(m, cpu) : counted_reset(m);
}

/* A call: of the firmware, or a trap as others are. */
static enum answer answer_call(struct machine *m, struct cpu *cpu) {
    struct firmware_cpu *known = firmware_of(m, cpu);
    enum firmware_answer done = known ? m->board->firmware_call(m, cpu) : FIRMWARE_NOT;
    if (done == FIRMWARE_NOT) return trap(m, cpu);
    cpu->count.budget--;
    if (machine_is_off(m)) return machine_stop(m, VM_POWERED_OFF, m->status, 0);
    if (machine_resets(m)) return answer_reset(m, cpu);
    if (done == FIRMWARE_DONE) return ANSWER_RESUME;
    if (done == FIRMWARE_STOPS) return stay_stopped(m, cpu);
    known->asleep = true;
    return wait_for_interrupt(m, cpu);
}

static enum answer answer_poll(struct machine *m, struct cpu *cpu) {
    struct vm *vm = m->vm;
    if (m->service && cpu == vm->cpu) service_serve(m->service);
    if (vm->end != VM_RUNNING) return ANSWER_STOP;
    if (machine_is_off(m)) return machine_stop(m, VM_POWERED_OFF, m->status, 0);
    if (cpu == vm->cpu && vm_answer_poll(vm)) return machine_stop(m, vm->end, vm->status, vm->end_value);
    if (machine_is_stopped(m, cpu)) return stay_stopped(m, cpu);
    if (m->live && board_cpu_of(cpu)->waits) return live_wait(m, cpu);
    serve(m, cpu);
    return machine_can_run(m, cpu) ? ANSWER_RESUME : counted_pass(m);
}

static enum answer answer(void *self, struct cpu *cpu) {
    struct vm *vm = self;
    struct machine *m = vm->data;
    bool event;
    if (vm->end != VM_RUNNING) return ANSWER_STOP; /* another cpu has ended the run */
    if (machine_is_off(m)) return machine_stop(m, VM_POWERED_OFF, m->status, 0);
    if (machine_resets(m)) return answer_reset(m, cpu);
    switch ((enum exit_kind)cpu->exit.kind) {
    case EXIT_poll: return answer_poll(m, cpu);
    case EXIT_budget:
        if (vm_answer_budget(vm, cpu, &event) == ANSWER_STOP)
            return machine_stop(m, vm->end, vm->status, vm->end_value);
        if (event) serve(m, cpu);
        return m->ncpus == 1 || vm_count(vm) < vm->turn_end ? ANSWER_RESUME : counted_pass(m);
    case EXIT_wait: return wait_for_interrupt(m, cpu);
    case EXIT_syscall: return answer_call(m, cpu);
    default: return trap(m, cpu);
    }
}

static void machine_run(struct vm *vm) {
    struct machine *m = vm->data;
    if (m->live)
        live_run(m);
    else
        counted_run(m);
}

static void fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    struct machine *m = ((struct vm *)self)->data;
    struct walk w;
    guest_walk(cpu, address, ACCESS_FETCH, &w);
    f->fault = w.fault;
    if (w.fault) return;
    /* As much as has the same rights and is not interrupted by a device, at most the page. */
    uint64_t unit = w.page_size < PAGE_SIZE ? w.page_size : PAGE_SIZE, start = w.physical & ~(unit - 1);
    const uint8_t *host = phys_readable(&m->phys, start, unit);
    while (!host && unit > 2) {
        unit /= 2;
        start = w.physical & ~(unit - 1);
        host = phys_readable(&m->phys, start, unit);
    }
    if (!host) {
        f->fault = EXIT_access_fetch;
        return;
    }
    f->bytes = host + (w.physical - start);
    f->avail = unit - (w.physical - start);
    f->mapping = w.mapping;
    f->page = w.physical & ~(uint64_t)(PAGE_SIZE - 1);
}

static bool device_read(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t *value) {
    struct machine *m = ((struct vm *)self)->data;
    machine_lock_cpu(m, cpu);
    const bool done = board_read(m, physical, size, value); /* can take a wire down, but not up */
    machine_unlock(m);
    if (m->live) live_take_lines(cpu);
    return done;
}

static bool device_write(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    struct machine *m = ((struct vm *)self)->data;
    machine_lock_cpu(m, cpu);
    const bool done = board_write(m, physical, size, value);
    /* A change of a wire or an event is answered before the next instruction runs. */
    bool changed = !m->live && m->changed;
    machine_unlock(m);
    if (m->live) changed = live_take_lines(cpu);
    if (changed || machine_is_off(m) || machine_resets(m)) cpu_exit(cpu, EXIT_poll, 0);
    return done;
}

static uint8_t *ram(void *self, uint64_t physical, uint64_t size) {
    struct machine *m = ((struct vm *)self)->data;
    return phys_ram(&m->phys, physical, size);
}

static void walk_wrote(void *self, uint64_t physical, uint64_t size) {
    engine_written(((struct vm *)self)->engine, physical, size);
}

static uint64_t counter(void *self, struct cpu *cpu, enum counter which) {
    struct machine *m = ((struct vm *)self)->data;
    if (which >= COUNTER_OWN) return 0; /* no such events */
    if (which == COUNTER_TIME) return board_now(m);
    return m->live ? vm_clock_ns(m->vm) : cpu_count(cpu) - 1;
}

static uint64_t random_bits(void *self, struct cpu *cpu) {
    struct machine *m = ((struct vm *)self)->data;
    uint64_t bits;
    machine_lock_cpu(m, cpu);
    vm_random(self, &bits, sizeof bits);
    machine_unlock(m);
    return bits;
}

static const struct interface interface_machine = {
    .name = "machine",
    .answer = answer,
    .fetch = fetch,
    .device_read = device_read,
    .device_write = device_write,
    .ram = ram,
    .walk_wrote = walk_wrote,
    .counter = counter,
    .random = random_bits,
};

static const struct option rows[] = {
#define O(...) OPTION_ROW(struct machine_options, __VA_ARGS__)
#include "machine/option.def"
};
static const struct machine_options none;

/* What is below the program, before it begins. */
static bool firmware_make(struct machine *m, struct error *error) {
    if (m->config->firmware != FIRMWARE_OWN) return true;
    if (!board_firmware(m)) return error_set(error, ERROR_RESOURCES, "no memory for the firmware of the machine");
    for (unsigned i = 0; i < m->ncpus; i++) m->board->firmware_start(m, m->cpus[i]);
    return true;
}

/* Where the console leads. */
static bool serial_open(struct machine *m, struct error *error) {
    struct machine_config *c = m->config;
    if (c->serial == SERIAL_STANDARD && c->firmware != FIRMWARE_NONE) c->serial = SERIAL_KEYS; /* it is a kernel */
    m->console.ended = c->serial == SERIAL_NULL || c->serial == SERIAL_FILE;                   /* nobody types there */
    if (c->serial == SERIAL_NULL) m->console.to = CONSOLE_NOWHERE;
    return c->serial != SERIAL_FILE || console_to_file(&m->console, c->serial_file, error);
}

/* Which clock there is: what was asked for, or what suits the program. */
static bool clock_choose(struct machine *m, struct error *error) {
    struct vm *vm = m->vm;
    const struct vm_options *o = &vm->options;
    const bool counted = o->counted || o->has_digest_at;
    const enum clock_kind asked = m->config->clock;
    if (asked == CLOCK_HOST && counted)
        return error_set(error, ERROR_USAGE, "--clock host: not where instructions are counted (--%s)",
                         o->has_digest_at ? "digest-at" : "counted");
    if (counted || asked == CLOCK_COUNT) return true;
    const bool system = m->config->kernel || m->config->firmware != FIRMWARE_NONE;
    if (asked == CLOCK_USUAL && (!system || input_tapped(vm))) return true;
    input_past(vm, "machines by the host's time");
    vm_use_host_clock(vm);
    return live_make(m, error);
}

static bool machine_open(struct vm *vm) {
    struct machine *m = vm->data = calloc(1, sizeof *m);
    struct load load = LOAD_NOTHING;
    if (!m) return error_set(&vm->error, ERROR_RESOURCES, "no memory for the machine");
    m->vm = vm;
    m->board = boards[0];
    m->config = config_make(vm->own ? vm->own : &none, vm->options.path, vm->options.cpu, &vm->error);
    m->ncpus = m->config ? m->config->harts : 0;
    bool ok = m->config && load_open(&load, m, &vm->error) && clock_choose(m, &vm->error) &&
              ram_make(m, m->config->ram_size, &vm->error) && load_all(&load, m, &vm->error) &&
              cpus_make(m, &interface_machine) && firmware_make(m, &vm->error) && serial_open(m, &vm->error) &&
              service_start(&m->service, m, &vm->error);
    load_close(&load);
    if (ok)
        board_update(m);
    else
        machine_close(vm);
    return ok;
}

static struct cpu *next_cpu(struct vm *vm, struct cpu *previous) {
    const struct machine *m = vm->data;
    const unsigned n = previous ? board_cpu_of(previous)->number + 1 : 0;
    return n < m->ncpus ? m->cpus[n] : NULL;
}

const struct vm_kind vm_kind_machine = {
    .name = "machine",
    .counted = true,
    .alone = true,
    .options = {rows, sizeof rows / sizeof *rows, sizeof none, &none},
    .recognise = recognise,
    .open = machine_open,
    .close = machine_close,
    .state = machine_type,
    .next_cpu = next_cpu,
    .run = machine_run,
};
