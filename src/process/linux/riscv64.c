/* riscv64.c - Linux on riscv64, as far as it depends on the registers: calls, signal frames, the start of a program.
 *
 * Frames are described in frame_riscv64.h. Handlers return to the vDSO, whose clocks are the counters hpmcounter16 and
 * following: see process_counter.
 */
#include "process/linux/frame_riscv64.h"
#include "process/linux/layout_generic.h"
#include "process/linux/proc.h"
#include "engine/engine.h"
#include "guest/riscv/riscv.h"
#include "vdso_riscv64.h"
#include <elf.h>
#include <linux/audit.h>
#include <string.h>

enum { A0 = 10, A1 = 11, A2 = 12, A7 = 17, RA = 1, SP = 2, TP = 4, CALL_SIZE = 4 };

static void put64(uint8_t *frame, unsigned at, uint64_t v) {
    memcpy(frame + at, &v, sizeof v);
}

static void put32(uint8_t *frame, unsigned at, uint32_t v) {
    memcpy(frame + at, &v, sizeof v);
}

static uint64_t get64(const uint8_t *frame, unsigned at) {
    uint64_t v;
    memcpy(&v, frame + at, sizeof v);
    return v;
}

static uint32_t get32(const uint8_t *frame, unsigned at) {
    uint32_t v;
    memcpy(&v, frame + at, sizeof v);
    return v;
}

static struct riscv_cpu *registers(const struct cpu *cpu) {
    return riscv_of((struct cpu *)(uintptr_t)cpu);
}

static void riscv64_start(struct cpu *cpu, uint64_t pc, uint64_t sp) {
    struct riscv_cpu *r = riscv_of(cpu);
    const uint64_t counters = 7 | ((1u << LINUX_CLOCKS) - 1) << COUNTER_OWN; /* cycle, time, instret; clocks */
    for (unsigned i = 0; i < 32; i++) {
        riscv_set_x(r, i, 0);
        riscv_set_f(r, i, 0);
    }
    riscv_set_x(r, SP, sp);
    riscv_set_frm(r, 0);
    riscv_set_priv(r, PRIV_U);
    riscv_set_fs(r, FS_DIRTY);
    riscv_set_cbo(r, CBO_ZERO);
    riscv_set_mcounteren(r, counters);
    riscv_set_scounteren(r, counters);
    cpu->fp_flags = 0;
    cpu->pc = pc;
}

static uint64_t riscv64_call(const struct cpu *cpu, uint64_t args[6]) {
#pragma GCC unroll 6
    for (unsigned i = 0; i < 6; i++) args[i] = riscv_get_x(registers(cpu), A0 + i);
    return riscv_get_x(registers(cpu), A7);
}

static void riscv64_call_done(struct cpu *cpu, int64_t result) {
    riscv_set_x(riscv_of(cpu), A0, (uint64_t)result);
    cpu->pc += CALL_SIZE;
}

static uint64_t riscv64_stack(const struct cpu *cpu) {
    return riscv_get_x(registers(cpu), SP);
}

static void riscv64_set_stack(struct cpu *cpu, uint64_t sp) {
    riscv_set_x(riscv_of(cpu), SP, sp);
}

static void riscv64_set_tls(struct cpu *cpu, uint64_t tls) {
    riscv_set_x(riscv_of(cpu), TP, tls);
}

static uint32_t fcsr(const struct cpu *cpu) {
    return (cpu->fp_flags & 0x1f) | riscv_get_frm(registers(cpu)) << 5;
}

/* The registers as signal frames and core files have them: the pc in the place of x0. */
static void save_registers(const struct cpu *cpu, uint8_t *integers, uint8_t *floats) {
    for (unsigned i = 0; i < 32; i++) {
        put64(integers, 8 * i, i ? riscv_get_x(registers(cpu), i) : cpu->pc);
        put64(floats, 8 * i, riscv_get_f(registers(cpu), i));
    }
}

static void riscv64_frame_save(const struct cpu *cpu, uint8_t *frame, const struct signal_info *info,
                               const uint64_t stack[3], uint64_t mask) {
    memset(frame, 0, FRAME_SIZE);
    memcpy(frame + FRAME_INFO, info, sizeof *info);
    put64(frame, FRAME_STACK, stack[0]);
    put32(frame, FRAME_STACK + 8, (uint32_t)stack[1]);
    put64(frame, FRAME_STACK + 16, stack[2]);
    put64(frame, FRAME_MASK, mask);
    save_registers(cpu, frame + FRAME_REGISTERS, frame + FRAME_FLOATS);
    put32(frame, FRAME_FCSR, fcsr(cpu));
}

static void riscv64_frame_enter(struct cpu *cpu, uint64_t at, int signal, uint64_t handler, uint64_t return_address) {
    struct riscv_cpu *r = riscv_of(cpu);
    riscv_set_x(r, RA, return_address);
    riscv_set_x(r, SP, at);
    riscv_set_x(r, A0, (uint64_t)(int64_t)signal);
    riscv_set_x(r, A1, at + FRAME_INFO);
    riscv_set_x(r, A2, at + FRAME_CONTEXT);
    cpu->pc = handler & ~UINT64_C(1);
}

static bool riscv64_frame_load(struct cpu *cpu, const uint8_t *frame, uint64_t *mask, uint64_t stack[3]) {
    struct riscv_cpu *r = riscv_of(cpu);
    for (unsigned i = 0; i < 3; i++)
        if (get32(frame, FRAME_EXTENSIONS + 4 * i)) return false; /* an extension that this processor does not have */
    for (unsigned i = 0; i < 32; i++) {
        if (i) riscv_set_x(r, i, get64(frame, FRAME_REGISTERS + 8 * i));
        riscv_set_f(r, i, get64(frame, FRAME_FLOATS + 8 * i));
    }
    cpu->pc = get64(frame, FRAME_REGISTERS) & ~UINT64_C(1);
    cpu->fp_flags = get32(frame, FRAME_FCSR) & 0x1f;
    riscv_set_frm(r, get32(frame, FRAME_FCSR) >> 5 & 7);
    *mask = get64(frame, FRAME_MASK);
    stack[0] = get64(frame, FRAME_STACK);
    stack[1] = get32(frame, FRAME_STACK + 8);
    stack[2] = get64(frame, FRAME_STACK + 16);
    return true;
}

static void riscv64_core_save(const struct cpu *cpu, uint8_t *integers, uint8_t *floats) {
    save_registers(cpu, integers, floats);
    put64(floats, CORE_FCSR, fcsr(cpu));
}

/* ---- what the processor can do: riscv_hwprobe and /proc/cpuinfo */

enum hwprobe_key {
    PROBE_BASE = 3,
    PROBE_EXTENSIONS,
    PROBE_MISALIGNED_OLD,
    PROBE_ZERO_BLOCK,
    PROBE_HIGHEST_ADDRESS,
    PROBE_TIME_FREQUENCY,
    PROBE_MISALIGNED,
    PROBE_MISALIGNED_VECTOR,
    PROBE_LAST = PROBE_MISALIGNED_VECTOR
};
enum { BASE_IMA = 1, MISALIGNED_FAST = 3, MISALIGNED_UNSUPPORTED = 4, BLOCK = 64, TIME_FREQUENCY = 10000000 };

/* What the rows of the guest say that it has: all but what is the machine's affair. */
#define LETTER(name, ...)          #name
#define LETTER_BLANK(name, ...)    #name " "
#define LETTER_HWCAP(name, ...)    | 1 << (#name[0] - 'a')
#define JOIN_process(before, name) before #name
#define JOIN_machine(before, name)
#define UNDERSCORE(of, name, ...)  JOIN_##of("_", name)
#define BLANK(of, name, ...)       JOIN_##of(" ", name)
#define PROBED(probe)              | (probe < 0 ? 0 : UINT64_C(1) << (probe & 63))
#define LETTER_PROBED(name, probe) PROBED(probe)
#define PROBED_process(probe)      PROBED(probe)
#define PROBED_machine(probe)
#define EXTENSION_PROBED(of, name, probe) PROBED_##of(probe)

static const char isa[] = "rv64" RISCV_LETTERS(LETTER) RISCV_EXTENSIONS(UNDERSCORE);
static const uint64_t probed = 0 RISCV_LETTERS(LETTER_PROBED) RISCV_EXTENSIONS(EXTENSION_PROBED);

static uint64_t probe(const struct process *p, uint64_t key) {
    switch ((enum hwprobe_key)key) {
    case PROBE_BASE: return BASE_IMA;
    case PROBE_EXTENSIONS: return probed;
    case PROBE_MISALIGNED_OLD:
    case PROBE_MISALIGNED: return MISALIGNED_FAST;
    case PROBE_ZERO_BLOCK: return BLOCK;
    case PROBE_HIGHEST_ADDRESS: return memory_of(p->space)->usual - 1;
    case PROBE_TIME_FREQUENCY: return TIME_FREQUENCY;
    case PROBE_MISALIGNED_VECTOR: return MISALIGNED_UNSUPPORTED;
    }
    return 0; /* vendor, architecture, implementation */
}

int64_t call_riscv_hwprobe(struct call *c) {
    const uint64_t *g = c->guest;
    uint64_t set = 0, pair[2];
    if (g[4]) return -EINVAL;
    if (g[2] || g[3]) { /* asked of some processors; they are all alike */
        if (!call_read(c, g[3], &set, g[2] < sizeof set ? g[2] : sizeof set)) return -EFAULT;
        if (!set && g[2] <= sizeof set) return -EINVAL;
    }
    for (uint64_t i = 0; i < g[1]; i++) {
        if (!call_read(c, g[0] + i * sizeof pair, pair, sizeof pair)) return -EFAULT;
        bool known = pair[0] <= PROBE_LAST;
        pair[1] = known ? probe(c->process, pair[0]) : 0;
        if (!known) pair[0] = UINT64_MAX;
        if (!call_write(c, g[0] + i * sizeof pair, pair, sizeof pair)) return -EFAULT;
    }
    return 0;
}

int64_t call_riscv_flush_icache(struct call *c) {
    if (c->guest[2] & ~UINT64_C(1)) return -EINVAL;
    /* Linux looks at everything whatever the range is; so does this when there is none. Programs that make code make
       the call for every function: beyond the range there is a look at what may have changed without notice, a part
       each time. */
    struct engine *e = c->process->vm->engine;
    const uint64_t start = c->guest[0], end = c->guest[1];
    if (start >= end) {
        engine_recheck_code(e, c->thread->cpu, 0, UINT64_MAX);
    } else {
        engine_recheck_code(e, c->thread->cpu, start, end - start);
        engine_recheck_some(e, c->thread->cpu);
    }
    return 0;
}

static void riscv64_cpuinfo(struct text *t, unsigned cpu) {
    put(t, "processor\t: ");
    put_number(t, cpu, 10, 1);
    put(t, "\nhart\t\t: ");
    put_number(t, cpu, 10, 1);
    put(t, "\nisa\t\t: ");
    put(t, isa);
    put(t, "\nmmu\t\t: sv39\n\n");
}

static const struct number numbers[NUMBERS] = {
#define NUMBER(number, name)    [number] = {ROW_##name, 0, 0},
#define OWN(number, name, args) NUMBER(number, name)
#include "process/linux/riscv64.def"
};
#include "process/linux/layout_make.h"
static const struct layout *const layout_tables[] = {layouts};
static const uint16_t strict[] = {ROW_read, ROW_write, ROW_exit, ROW_rt_sigreturn, 0};
const struct abi_calls riscv64_calls = {
    .name = "riscv64",
    .numbers = numbers,
    .layouts = layout_tables,
    .signal_stack = 2048,
    .audit_arch = AUDIT_ARCH_RISCV64,
    .strict = strict,
};

const struct abi_machine riscv64_machine = {
    .name = "riscv64",
    .elf_machine = EM_RISCV,
    .elf_flags = 5, /* compressed instructions, double precision in registers */
    .hwcap = 0 RISCV_LETTERS(LETTER_HWCAP),
    .frame_least = FRAME_SIZE,
    .addresses = UINT64_C(1) << 38, /* sv39: the other half is the kernel's */
    .integers = CORE_INTEGERS,
    .floats = CORE_FLOATS,
};

const struct abi abi_riscv64 = {
    .calls = &riscv64_calls,
    .machine = &riscv64_machine,
    .isa = isa,
    .extensions = "g " RISCV_LETTERS(LETTER_BLANK) RISCV_EXTENSIONS(BLANK), /* g stands for imafd, Zicsr and Zifencei */
    .cpuinfo = riscv64_cpuinfo,
    .models = "max rv64 any",
    .guest = &guest_riscv,
    .call_size = CALL_SIZE,
    .vdso = vdso_image,
    .vdso_size = sizeof vdso_image,
    .vdso_return = VDSO_RT_SIGRETURN,
    .frame_size = FRAME_SIZE,
    .start = riscv64_start,
    .call = riscv64_call,
    .call_done = riscv64_call_done,
    .stack = riscv64_stack,
    .set_stack = riscv64_set_stack,
    .set_tls = riscv64_set_tls,
    .frame_save = riscv64_frame_save,
    .frame_enter = riscv64_frame_enter,
    .frame_load = riscv64_frame_load,
    .core_save = riscv64_core_save,
};
