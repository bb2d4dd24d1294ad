/* Synchronous traps from every mode: cause, pc, value, what mstatus keeps, and what mret gives back. */
#include "bare.h"

extern char at_illegal[], at_breakpoint[], at_ecall[], at_load[], at_store[];
static uint64_t word;

static __attribute__((noinline, noclone)) uint64_t all_traps(uint64_t mode) {
    CHECK(TRAPS(ILLEGAL, ".globl at_illegal\nat_illegal: .word 0xffffffff"));
    CHECK(trapped.pc == (uint64_t)at_illegal && trapped.value == 0xffffffff);
    CHECK((trapped.status & MPP) >> 11 == mode);
    CHECK(TRAPS(BREAKPOINT, ".globl at_breakpoint\nat_breakpoint: ebreak"));
    CHECK(trapped.pc == (uint64_t)at_breakpoint);
    CHECK(TRAPS(ECALL_U + mode, "li a7, 0\n.globl at_ecall\nat_ecall: ecall"));
    CHECK(trapped.pc == (uint64_t)at_ecall && trapped.value == 0);
    CHECK(TRAPS(ACCESS_LOAD, "li a0, 0x40\n.globl at_load\nat_load: ld a1, 0(a0)"));
    CHECK(trapped.pc == (uint64_t)at_load && trapped.value == 0x40);
    CHECK(TRAPS(ACCESS_STORE, "li a0, 0x48\n.globl at_store\nat_store: sd a1, 0(a0)"));
    CHECK(trapped.pc == (uint64_t)at_store && trapped.value == 0x48);
    CHECK(TRAPS(ACCESS_STORE, "li a1, 5\nli a0, 0x50\namoadd.d a1, a1, (a0)"));
    CHECK(trapped.value == 0x50);
    return mode;
}

static __attribute__((noinline)) uint64_t misaligned(uint64_t mode) {
    uint64_t at = (uint64_t)&word, before = trapped.count;
    __asm__ volatile(".option push\n.option norvc\nlr.w a1, (%0)\n.option pop" ::"r"(at + 2) : "a1", "memory");
    CHECK(trapped.count == before + 1 && trapped.cause == MISALIGNED_LOAD && trapped.value == at + 2);
    __asm__ volatile(".option push\n.option norvc\nsc.d a1, a1, (%0)\n.option pop" ::"r"(at + 4) : "a1", "memory");
    CHECK(trapped.count == before + 2 && trapped.cause == MISALIGNED_STORE && trapped.value == at + 4);
    __asm__ volatile(".option push\n.option norvc\namoor.w a1, a1, (%0)\n.option pop" ::"r"(at + 1) : "a1", "memory");
    CHECK(trapped.count == before + 3 && trapped.cause == MISALIGNED_STORE && trapped.value == at + 1);
    return mode;
}

/* Jumping to nowhere: the trap says where, and that it was a fetch. */
static uint64_t back_from_nowhere(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)cause, (void)pc;
    return f->x[1];
}
static uint64_t fetch_from_nowhere(uint64_t mode) {
    on_trap = back_from_nowhere;
    ((void (*)(void))0x40)();
    on_trap = NULL;
    CHECK(trapped.cause == ACCESS_FETCH && trapped.pc == 0x40 && trapped.value == 0x40);
    return mode;
}

/* Instructions and registers of more privileged modes. */
static uint64_t privileged(uint64_t mode) {
    CHECK(TRAPS(ILLEGAL, "csrr a0, mstatus"));
    CHECK(trapped.value == 0x30002573);
    CHECK(TRAPS(ILLEGAL, "csrw mscratch, a0"));
    CHECK(TRAPS(ILLEGAL, "mret"));
    CHECK(trapped.value == 0x30200073);
    if (mode == S) return mode;
    CHECK(TRAPS(ILLEGAL, "csrr a0, sstatus"));
    CHECK(TRAPS(ILLEGAL, "sret"));
    CHECK(TRAPS(ILLEGAL, "sfence.vma"));
    CHECK(TRAPS(ILLEGAL, "wfi"));
    return mode;
}

/* TVM, TW and TSR take things from S mode. */
static uint64_t allowed(uint64_t mode) {
    CHECK(PASSES("csrr a0, satp"));
    CHECK(PASSES("sfence.vma"));
    return mode;
}
static uint64_t forbidden(uint64_t mode) {
    CHECK(TRAPS(ILLEGAL, "csrr a0, satp"));
    CHECK(TRAPS(ILLEGAL, "csrw satp, zero"));
    CHECK(TRAPS(ILLEGAL, "sfence.vma a0, a1"));
    CHECK(trapped.value == 0x12b50073);
    CHECK(TRAPS(ILLEGAL, "wfi"));
    CHECK(TRAPS(ILLEGAL, "sret"));
    CHECK(PASSES("csrr a0, sscratch"));
    return mode;
}

/* Without the floating-point unit its instructions and registers are illegal; using it makes it dirty. */
static void floating_point(void) {
    CLEAR(mstatus, 3 << 13);
    CHECK(TRAPS(ILLEGAL, "fmv.d.x f0, zero"));
    CHECK(TRAPS(ILLEGAL, "csrr a0, fcsr"));
    CHECK(TRAPS(ILLEGAL, "la a0, start\nfld f0, 0(a0)"));
    SET(mstatus, 1 << 13);
    CHECK(!(READ(mstatus) >> 63));
    CHECK(PASSES("csrr a0, fcsr"));
    CHECK(!(READ(mstatus) >> 63));
    CHECK(PASSES("fmv.d.x f0, zero"));
    CHECK((READ(mstatus) >> 13 & 3) == 3 && READ(mstatus) >> 63);
    CLEAR(mstatus, 2 << 13);
    CHECK(PASSES("csrwi fflags, 3"));
    CHECK((READ(mstatus) >> 13 & 3) == 3 && READ(fcsr) == 3);
    CLEAR(mstatus, 3 << 13);
}

int main(void) {
    SET(mstatus, MIE); /* no interrupt is enabled; but the bit is stacked */
    for (unsigned mode = U; mode <= M; mode++) {
        if (mode == 2) continue;
        if (mode == M) {
            all_traps(M);
            misaligned(M);
            fetch_from_nowhere(M);
            CHECK(trapped.status & MPIE);
            CHECK(!(trapped.status & MIE));
            CHECK(READ(mstatus) & MIE);
        } else {
            CHECK(RUN(mode, all_traps, mode) == mode);
            CHECK(RUN(mode, misaligned, mode) == mode);
            CHECK(RUN(mode, fetch_from_nowhere, mode) == mode);
            CHECK(RUN(mode, privileged, mode) == mode);
        }
    }
    RUN(S, allowed, S);
    SET(mstatus, TVM | TW | TSR);
    RUN(S, forbidden, S);
    CLEAR(mstatus, TVM | TW | TSR);
    floating_point();
    return 0;
}
