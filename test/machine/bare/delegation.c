/* Traps and interrupts delegated to S mode: who gets them, what sstatus keeps, and that M mode's own stay there. */
#include "bare.h"

static uint64_t illegal_and_ecall(uint64_t mode) {
    uint64_t m = trapped.count, s = s_trapped.count;
    DO(".word 0");
    CHECK(s_trapped.count == s + 1 && s_trapped.cause == ILLEGAL && trapped.count == m);
    CHECK(!!(s_trapped.status & SPP) == (mode == S));
    DO("ebreak"); /* not delegated */
    CHECK(trapped.count == m + 1 && trapped.cause == BREAKPOINT && s_trapped.count == s + 1);
    DO("li a7, 1\necall");
    if (mode == U)
        CHECK(s_trapped.count == s + 2 && s_trapped.cause == ECALL_U);
    else
        CHECK(trapped.count == m + 2 && trapped.cause == ECALL_S);
    return 0;
}

static uint64_t interrupted_in_s(uint64_t on) {
    uint64_t s = s_trapped.count;
    CLEAR(sstatus, SIE);
    SET(sie, 1 << SSI);
    SET(sip, 1 << SSI);
    CHECK(s_trapped.count == s); /* not enabled: pending only */
    CHECK(READ(sip) == 1 << SSI);
    if (!on) return 0;
    SET(sstatus, SIE);
    CHECK(s_trapped.count == s + 1 && s_trapped.cause == (INTERRUPT | SSI));
    CHECK((s_trapped.status & SPIE) && !(s_trapped.status & SIE));
    CHECK(READ(sstatus) & SIE);
    CHECK(READ(sip) == 0);
    return 0;
}

static uint64_t count_in_u(uint64_t n) {
    uint64_t s = s_trapped.count;
    for (volatile uint64_t i = 0; i < n; i++) {
    }
    return s_trapped.count - s;
}

static uint64_t clear_ssi(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    if (cause == (INTERRUPT | SSI)) {
        CLEAR(sip, 1 << SSI);
        return pc;
    }
    return pc + 4;
}

static uint64_t m_clear(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    if (!(cause & INTERRUPT)) return pc + 4;
    CLEAR(mip, 1 << (cause & 63));
    return pc;
}

int main(void) {
    uint64_t s, m;
    /* Only what can be delegated can be set. */
    WRITE(medeleg, -1);
    CHECK(READ(medeleg) == 0xb3ff);
    WRITE(mideleg, -1);
    CHECK(READ(mideleg) == 0x222);
    WRITE(medeleg, 1 << ILLEGAL | 1 << ECALL_U);
    WRITE(mideleg, 1 << SSI);
    RUN(U, illegal_and_ecall, U);
    RUN(S, illegal_and_ecall, S);

    /* M mode keeps its own, delegated or not. */
    s = s_trapped.count, m = trapped.count;
    DO(".word 0");
    CHECK(trapped.count == m + 1 && trapped.cause == ILLEGAL && s_trapped.count == s);

    s_on_trap = clear_ssi;
    RUN(S, interrupted_in_s, 1);
    RUN(S, interrupted_in_s, 0);
    /* What S mode left pending arrives in U mode, whatever SIE says, and never in M mode. */
    SET(mstatus, MIE);
    m = trapped.count, s = s_trapped.count;
    for (volatile int i = 0; i < 10; i++) {
    }
    CHECK(s_trapped.count == s && trapped.count == m);
    RUN(U, count_in_u, 3);
    CHECK(s_trapped.count == s + 1 && s_trapped.cause == (INTERRUPT | SSI) && !(s_trapped.status & SPP));

    /* Not delegated, it is M mode's: arrives in S mode whatever SIE says. */
    WRITE(mideleg, 0);
    on_trap = m_clear;
    m = trapped.count;
    CHECK(RUN(S, count_in_u, 3) == 0 && trapped.count == m);
    SET(mip, 1 << SSI);
    CHECK(trapped.count == m + 1 && trapped.cause == (INTERRUPT | SSI)); /* MIE and mie.SSIE are set */
    CLEAR(mstatus, MIE);
    SET(mip, 1 << SSI);
    CHECK(trapped.count == m + 1);
    RUN(S, count_in_u, 1);
    CHECK(trapped.count == m + 2 && (trapped.status & MPP) >> 11 == S);
    return 0;
}
