/* riscv_sbi_hart.c - harts that start, stop and sleep (extension HSM of riscv_sbi.def). */
#include "machine/riscv_sbi.h"

enum { RETENTIVE = 0 };
#define NON_RETENTIVE UINT32_C(0x80000000)

/* Can a hart begin at this address? */
static bool can_begin(const struct sbi_call *c, uint64_t address) {
    return !(address & 1) && phys_readable(&c->machine->phys, address, 2);
}

int64_t sbi_hart_start(struct sbi_call *c) {
    struct firmware_cpu *known;
    struct cpu *cpu = sbi_hart(c->machine, c->arg[0], &known);
    if (!cpu) return SBI_INVALID_PARAM;
    if (known->state != SBI_STOPPED) return SBI_ALREADY_AVAILABLE;
    if (!can_begin(c, c->arg[1])) return SBI_INVALID_ADDRESS;
    known->state = SBI_START_PENDING;
    known->entry = c->arg[1];
    known->argument = c->arg[2];
    sbi_ask(c, cpu, known, SBI_ASK_START);
    return SBI_SUCCESS;
}

int64_t sbi_hart_stop(struct sbi_call *c) {
    c->known->state = SBI_STOPPED;
    c->answer = FIRMWARE_STOPS;
    return SBI_FAILED; /* which nobody sees, unless it is started at the next instruction */
}

int64_t sbi_hart_status(struct sbi_call *c) {
    struct firmware_cpu *known;
    if (!sbi_hart(c->machine, c->arg[0], &known)) return SBI_INVALID_PARAM;
    c->value = known->asleep ? SBI_SUSPENDED : known->state;
    return SBI_SUCCESS;
}

int64_t sbi_hart_suspend(struct sbi_call *c) {
    const uint32_t type = (uint32_t)c->arg[0];
    if (type == RETENTIVE) {
        c->answer = FIRMWARE_SLEEPS;
        return SBI_SUCCESS;
    }
    if (type != NON_RETENTIVE) return SBI_INVALID_PARAM;
    if (!can_begin(c, c->arg[1])) return SBI_INVALID_ADDRESS;
    sbi_enter(c->cpu, riscv_get_mhartid(c->hart), c->arg[1], c->arg[2]);
    c->answer = FIRMWARE_ELSEWHERE;
    return SBI_SUCCESS;
}
