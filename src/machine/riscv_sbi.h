/* riscv_sbi.h - within machine/riscv_sbi*.c: calls of the supervisor binary interface (SBI 2.0) that the board answers
 * itself, where the program in S mode has no firmware below it.
 *
 * A call is a row of riscv_sbi.def and a function sbi_NAME here. It yields an error (0: none), and leaves a value in
 * the call where there is one. What is known of each hart between calls is in struct firmware_cpu (machine/board.h).
 */
#ifndef MACHINE_RISCV_SBI_H
#define MACHINE_RISCV_SBI_H

#include "guest/riscv/riscv.h"
#include "machine/board.h"

enum sbi_error {
    SBI_SUCCESS = 0,
    SBI_FAILED = -1,
    SBI_NOT_SUPPORTED = -2,
    SBI_INVALID_PARAM = -3,
    SBI_INVALID_ADDRESS = -5,
    SBI_ALREADY_AVAILABLE = -6,
    SBI_ALREADY_STARTED = -7,
    SBI_ALREADY_STOPPED = -8,
    SBI_NO_SHARED_MEMORY = -9
};

struct sbi_call {
    struct machine *machine;
    struct cpu *cpu;
    struct riscv_cpu *hart;
    struct firmware_cpu *known; /* of this hart */
    uint64_t arg[6];
    uint64_t value;              /* what it yields, besides the error */
    enum firmware_answer answer; /* what becomes of the hart */
};

#define LEGACY(extension, name)        int64_t sbi_##name(struct sbi_call *c);
#define SBI(extension, function, name) int64_t sbi_##name(struct sbi_call *c);
#include "machine/riscv_sbi.def"

/** Events that firmware counts (their codes): sent and received are seen by different harts. */
enum sbi_event {
    SBI_EVENT_SET_TIMER = 5,
    SBI_EVENT_IPI_SENT,
    SBI_EVENT_IPI_RECEIVED,
    SBI_EVENT_FENCE_I_SENT,
    SBI_EVENT_FENCE_I_RECEIVED,
    SBI_EVENT_SFENCE_SENT,
    SBI_EVENT_SFENCE_RECEIVED,
    SBI_EVENT_SFENCE_ASID_SENT,
    SBI_EVENT_SFENCE_ASID_RECEIVED,
    SBI_EVENTS_END
};
_Static_assert((int)SBI_EVENTS_END <= (int)FIRMWARE_EVENTS, "there is a count for each");

/* For struct board. */
void riscv_firmware_start(struct machine *m, struct cpu *cpu);
void riscv_firmware_serve(struct machine *m, struct cpu *cpu);
enum firmware_answer riscv_firmware_call(struct machine *m, struct cpu *cpu);

/* States of a hart, as HSM numbers them; what others may ask of it. */
enum sbi_state { SBI_STARTED, SBI_STOPPED, SBI_START_PENDING, SBI_SUSPENDED = 4 };
enum sbi_ask { SBI_ASK_INTERRUPT = 1, SBI_ASK_START = 2 };
_Static_assert((int)SBI_STARTED == (int)FIRMWARE_RUNS, "machine.c knows by this whether it runs");
void sbi_ask(struct sbi_call *c, struct cpu *cpu, struct firmware_cpu *known, enum sbi_ask what);

/** A hart by its number, with what is known of it; NULL: there is none. */
struct cpu *sbi_hart(const struct machine *m, uint64_t id, struct firmware_cpu **known);
/** Where a hart in S mode begins: without paging and interrupts, a0 its number and a1 the argument. */
void sbi_enter(struct cpu *cpu, uint64_t id, uint64_t address, uint64_t argument);

#endif
