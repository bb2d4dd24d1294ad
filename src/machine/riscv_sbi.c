/* riscv_sbi.c - the board as firmware: what an M-mode program would have set up for a kernel in S mode, and the calls
 * that the kernel makes (SBI 2.0; rows: riscv_sbi.def). No code runs in M mode.
 *
 * Traps that firmware would only hand on are delegated from the start, so an ecall from S mode is all that comes here.
 * Timers are the harts' own (Sstc): setting one is writing stimecmp. Calls are answers, so one at a time is made (the
 * engine's lock); but registers of another hart belong to its own thread. What is wanted of them is noted in
 * firmware_cpu.asked, and done by that hart when it comes to its poll (riscv_firmware_serve). Mappings are the engine's
 * to forget, on whichever hart, and are waited for.
 */
#include "machine/riscv_sbi.h"
#include "engine/engine.h"

enum { A0 = 10, A1 = 11, A6 = 16, A7 = 17, ECALL_SIZE = 4 };
enum { SPEC_VERSION = 2 << 24, IMPLEMENTATION = 0x766565 /* "vee", not registered */, IMPLEMENTATION_VERSION = 1 };
enum { MIP_SSIP = 1 << 1, PMP_ALL = 0x1f /* read, write, execute; naturally aligned power of two */ };

/* All exceptions that S mode can have but its own calls, and all its interrupts. */
enum { DELEGATED_EXCEPTIONS = 0xb1ff, DELEGATED_INTERRUPTS = 0x222 };
#define ENVCFG_CBO_ALL (3ull << 4 | 1ull << 6 | 1ull << 7)
#define ENVCFG_ADUE    (1ull << 61)
#define ENVCFG_PBMTE   (1ull << 62)
#define ENVCFG_STCE    (1ull << 63)
enum { SECCFG_SSEED = 1 << 9, S_COUNTERS = 7, BOOT_HART = 0 };

/* ---- beginning */

static void set(struct cpu *cpu, enum riscv_field field, uint64_t value) {
    engine_set_field(cpu, field, 0, value);
}

/* As software writes them: bits that the hart does not have stay as they are. */
static void set_up(struct cpu *cpu) {
    set(cpu, RISCV_FIELD_medeleg, DELEGATED_EXCEPTIONS);
    set(cpu, RISCV_FIELD_mideleg, DELEGATED_INTERRUPTS);
    set(cpu, RISCV_FIELD_mcounteren, UINT32_MAX);
    set(cpu, RISCV_FIELD_scounteren, S_COUNTERS);
    set(cpu, RISCV_FIELD_menvcfg, ENVCFG_CBO_ALL | ENVCFG_ADUE | ENVCFG_PBMTE | ENVCFG_STCE);
    set(cpu, RISCV_FIELD_mseccfg, SECCFG_SSEED);
    set(cpu, RISCV_FIELD_stimecmp, UINT64_MAX);
    set(cpu, RISCV_FIELD_pmpaddr, UINT64_MAX);
    set(cpu, RISCV_FIELD_pmpcfg, PMP_ALL);
    set(cpu, RISCV_FIELD_fs, FS_DIRTY); /* programs for boards with firmware use floating point as they find it */
}

void sbi_enter(struct cpu *cpu, uint64_t id, uint64_t address, uint64_t argument) {
    struct riscv_cpu *hart = riscv_of(cpu);
    set(cpu, RISCV_FIELD_satp, 0);
    set(cpu, RISCV_FIELD_status_ie, 0);
    set(cpu, RISCV_FIELD_priv, PRIV_S);
    riscv_set_x(hart, A0, id);
    riscv_set_x(hart, A1, argument);
    engine_set_pc(cpu, address);
}

void riscv_firmware_start(struct machine *m, struct cpu *cpu) {
    const uint64_t id = riscv_get_mhartid(riscv_of(cpu));
    set_up(cpu);
    m->firmware.cpus[id].state = id == BOOT_HART ? SBI_STARTED : SBI_STOPPED;
    sbi_enter(cpu, id, m->firmware.entry, m->firmware.tree);
    if (id != BOOT_HART) cpu_poke(cpu); /* it is stopped before it begins */
}

/* ---- harts */

/* By their places, which are their ids: what another hart's registers hold is its own thread's to know. */
struct cpu *sbi_hart(const struct machine *m, uint64_t id, struct firmware_cpu **known) {
    *known = id < m->firmware.ncpus ? &m->firmware.cpus[id] : NULL;
    return *known ? m->cpus[id] : NULL;
}

static bool is_in(uint64_t id, uint64_t mask, uint64_t base) {
    return base == UINT64_MAX || (id >= base && id - base < 64 && (mask >> (id - base) & 1));
}

/* Is each hart of the mask there? */
static bool all_there(const struct machine *m, uint64_t mask, uint64_t base) {
    if (base == UINT64_MAX) return true;
    for (; mask; mask &= mask - 1) {
        const uint64_t id = base + (uint64_t)__builtin_ctzll(mask);
        if (id < base || id >= m->firmware.ncpus) return false;
    }
    return true;
}

/* Has this done for every hart of the mask, and counts the events of sending and receiving. */
static int64_t each(struct sbi_call *c, uint64_t mask, uint64_t base, enum sbi_event sent,
                    void (*what)(struct sbi_call *c, struct cpu *cpu, struct firmware_cpu *known)) {
    struct firmware_cpu *known;
    if (!all_there(c->machine, mask, base)) return SBI_INVALID_PARAM;
    for (uint64_t id = 0; id < c->machine->firmware.ncpus; id++) {
        if (!is_in(id, mask, base)) continue;
        struct cpu *cpu = sbi_hart(c->machine, id, &known);
        c->known->events[sent]++;
        known->events[sent + 1]++;
        what(c, cpu, known);
    }
    return SBI_SUCCESS;
}

static void set_pending(struct cpu *cpu) {
    set(cpu, RISCV_FIELD_mip, riscv_get_mip(riscv_of(cpu)) | MIP_SSIP);
}

void sbi_ask(struct sbi_call *c, struct cpu *cpu, struct firmware_cpu *known, enum sbi_ask what) {
    known->asked |= what;
    if (cpu == c->cpu)
        riscv_firmware_serve(c->machine, cpu);
    else
        cpu_poke(cpu);
}

void riscv_firmware_serve(struct machine *m, struct cpu *cpu) {
    const uint64_t id = riscv_get_mhartid(riscv_of(cpu));
    struct firmware_cpu *known = &m->firmware.cpus[id];
    const uint32_t asked = known->asked;
    known->asked = 0;
    if (asked & SBI_ASK_INTERRUPT) set_pending(cpu);
    if (!(asked & SBI_ASK_START) || known->state != SBI_START_PENDING) return;
    known->state = SBI_STARTED;
    sbi_enter(cpu, id, known->entry, known->argument);
}

static void interrupt(struct sbi_call *c, struct cpu *cpu, struct firmware_cpu *known) {
    sbi_ask(c, cpu, known, SBI_ASK_INTERRUPT);
}

/* Of whatever address space. */
static void forget_mapping(struct sbi_call *c, struct cpu *cpu, struct firmware_cpu *known) {
    struct cpu_range range = {.start = c->arg[2], .size = c->arg[3], .any_tag = true};
    (void)known;
    if (!range.start && !range.size) range.size = UINT64_MAX;
    cpu_request_range(cpu, &range);
}

/* Stores are seen as they are done, by whichever hart: there is nothing to drop. */
static void fetch_anew(struct sbi_call *c, struct cpu *cpu, struct firmware_cpu *known) {
    (void)c, (void)known;
    cpu_request(cpu, REQUEST_CODE);
}

int64_t sbi_send_ipi(struct sbi_call *c) {
    return each(c, c->arg[0], c->arg[1], SBI_EVENT_IPI_SENT, interrupt);
}

/* It is done when the call is over. */
static int64_t fence(struct sbi_call *c, enum sbi_event sent,
                     void (*what)(struct sbi_call *c, struct cpu *cpu, struct firmware_cpu *known)) {
    const int64_t error = each(c, c->arg[0], c->arg[1], sent, what);
    if (!error) engine_await_requests(c->machine->vm->engine);
    return error;
}

int64_t sbi_remote_fence_i(struct sbi_call *c) {
    return fence(c, SBI_EVENT_FENCE_I_SENT, fetch_anew);
}

int64_t sbi_remote_sfence(struct sbi_call *c) {
    return fence(c, SBI_EVENT_SFENCE_SENT, forget_mapping);
}

int64_t sbi_remote_sfence_asid(struct sbi_call *c) {
    return fence(c, SBI_EVENT_SFENCE_ASID_SENT, forget_mapping);
}

/* ---- what the interface is */

struct row {
    uint64_t extension, function;
    int64_t (*answer)(struct sbi_call *c);
    bool legacy; /* whatever the function: there is one */
};
static const struct row rows[] = {
#define LEGACY(extension, name)        {extension, 0, sbi_##name, true},
#define SBI(extension, function, name) {extension, function, sbi_##name, false},
#include "machine/riscv_sbi.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

int64_t sbi_spec_version(struct sbi_call *c) {
    c->value = SPEC_VERSION;
    return SBI_SUCCESS;
}

int64_t sbi_implementation(struct sbi_call *c) {
    c->value = IMPLEMENTATION;
    return SBI_SUCCESS;
}

int64_t sbi_implementation_version(struct sbi_call *c) {
    c->value = IMPLEMENTATION_VERSION;
    return SBI_SUCCESS;
}

int64_t sbi_probe(struct sbi_call *c) {
    for (const struct row *r = rows; r < rows + ROWS; r++) c->value |= r->extension == c->arg[0];
    return SBI_SUCCESS;
}

/* mvendorid, marchid, mimpid: nobody's. */
int64_t sbi_machine_id(struct sbi_call *c) {
    (void)c;
    return SBI_SUCCESS;
}

/* ---- time, reset */

int64_t sbi_set_timer(struct sbi_call *c) {
    c->known->events[SBI_EVENT_SET_TIMER]++;
    set(c->cpu, RISCV_FIELD_stimecmp, c->arg[0]);
    return SBI_SUCCESS;
}

int64_t sbi_system_reset(struct sbi_call *c) {
    enum { SHUTDOWN, COLD_REBOOT, WARM_REBOOT };
    enum { NO_REASON, SYSTEM_FAILURE };
    const uint32_t type = (uint32_t)c->arg[0], reason = (uint32_t)c->arg[1];
    if (type > WARM_REBOOT || reason > SYSTEM_FAILURE) return SBI_INVALID_PARAM;
    if (type == SHUTDOWN)
        machine_power_off(c->machine, reason == SYSTEM_FAILURE);
    else
        machine_reset(c->machine);
    return SBI_SUCCESS;
}

/* ---- the console */

/* The bytes that the arguments name, if all of them are RAM. */
static uint8_t *named(const struct sbi_call *c) {
    return c->arg[2] ? NULL : phys_ram(&c->machine->phys, c->arg[1], c->arg[0]);
}

static void write_console(struct sbi_call *c, const void *bytes, size_t size) {
    machine_lock_cpu(c->machine, c->cpu);
    machine_output(c->machine, bytes, size);
    machine_unlock(c->machine);
}

static int read_console(struct sbi_call *c) {
    machine_lock_cpu(c->machine, c->cpu);
    const int got = console_read(&c->machine->console, c->machine->vm);
    machine_unlock(c->machine);
    return got;
}

int64_t sbi_console_write(struct sbi_call *c) {
    const uint8_t *bytes = named(c);
    if (!bytes && c->arg[0]) return SBI_INVALID_PARAM;
    write_console(c, bytes, c->arg[0]);
    c->value = c->arg[0];
    return SBI_SUCCESS;
}

int64_t sbi_console_read(struct sbi_call *c) {
    uint8_t *bytes = named(c);
    if (!bytes && c->arg[0]) return SBI_INVALID_PARAM;
    for (int got; c->value < c->arg[0]; c->value++) {
        if ((got = read_console(c)) < 0) break;
        bytes[c->value] = (uint8_t)got;
    }
    if (c->value) engine_written(c->machine->vm->engine, c->arg[1], c->value);
    return SBI_SUCCESS;
}

int64_t sbi_console_write_byte(struct sbi_call *c) {
    const uint8_t byte = (uint8_t)c->arg[0];
    write_console(c, &byte, 1);
    return SBI_SUCCESS;
}

/* ---- version 0.1: the result is the only one */

int64_t sbi_legacy_getchar(struct sbi_call *c) {
    const int got = read_console(c);
    return got < 0 ? -1 : got;
}

int64_t sbi_legacy_clear_ipi(struct sbi_call *c) {
    const uint64_t mip = riscv_get_mip(c->hart);
    set(c->cpu, RISCV_FIELD_mip, mip & ~(uint64_t)MIP_SSIP);
    return mip & MIP_SSIP ? 1 : 0;
}

/* The first argument is the virtual address of a mask, of 64 harts; 0: all of them. Behind it come others. Now they are
   where version 0.2 has them. */
static int64_t take_mask(struct sbi_call *c) {
    const uint64_t address = c->arg[0];
    uint64_t mask = 0;
    if (address && engine_peek(c->cpu, ADDRESS_VIRTUAL, address, &mask, sizeof mask) != sizeof mask)
        return SBI_INVALID_ADDRESS;
    for (unsigned i = 4; i > 1; i--) c->arg[i] = c->arg[i - 1];
    c->arg[0] = mask;
    c->arg[1] = address ? 0 : UINT64_MAX;
    return SBI_SUCCESS;
}

int64_t sbi_legacy_send_ipi(struct sbi_call *c) {
    const int64_t error = take_mask(c);
    return error ? error : sbi_send_ipi(c);
}

int64_t sbi_legacy_remote_fence_i(struct sbi_call *c) {
    const int64_t error = take_mask(c);
    return error ? error : sbi_remote_fence_i(c);
}

int64_t sbi_legacy_remote_sfence(struct sbi_call *c) {
    const int64_t error = take_mask(c);
    return error ? error : sbi_remote_sfence(c);
}

int64_t sbi_legacy_shutdown(struct sbi_call *c) {
    machine_power_off(c->machine, 0);
    return SBI_SUCCESS;
}

/* ---- calls */

static const struct row *row_of(uint64_t extension, uint64_t function) {
    for (const struct row *r = rows; r < rows + ROWS; r++)
        if (r->extension == extension && (r->legacy || r->function == function)) return r;
    return NULL;
}

enum firmware_answer riscv_firmware_call(struct machine *m, struct cpu *cpu) {
    struct riscv_cpu *hart = riscv_of(cpu);
    struct sbi_call c = {.machine = m, .cpu = cpu, .hart = hart, .answer = FIRMWARE_DONE};
    if (riscv_get_priv(hart) != PRIV_S || !sbi_hart(m, riscv_get_mhartid(hart), &c.known)) return FIRMWARE_NOT;
    for (unsigned i = 0; i < 6; i++) c.arg[i] = riscv_get_x(hart, A0 + i);
    const struct row *r = row_of(riscv_get_x(hart, A7), riscv_get_x(hart, A6));
    cpu->pc += ECALL_SIZE; /* before the answer, which may lead elsewhere */
    const int64_t error = r ? r->answer(&c) : SBI_NOT_SUPPORTED;
    if (c.answer == FIRMWARE_ELSEWHERE) return FIRMWARE_SLEEPS;
    riscv_set_x(hart, A0, (uint64_t)error);
    if (!r || !r->legacy) riscv_set_x(hart, A1, c.value);
    return c.answer;
}
