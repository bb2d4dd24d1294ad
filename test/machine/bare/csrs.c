/* Registers that only say what there is; interrupts that become due by a write that enables them in another way than by
 * mie and mstatus: the write is done, and the next instruction is not.
 */
#include "bare.h"

static unsigned taken;

static uint64_t count(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | SSI));
    CLEAR(mip, 1 << SSI);
    taken++;
    return pc;
}
static uint64_t s_count(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | SSI));
    CLEAR(sip, 1 << SSI);
    taken++;
    return pc;
}

/* Nothing is said of who made it, of triggers and of events. */
static void what_there_is(void) {
    CHECK(!READ(mvendorid) && !READ(marchid) && !READ(mimpid) && !READ(mhartid) && !READ(0xf15));
    CHECK(READ(misa) >> 62 == 2);
    WRITE(tselect, 1);
    CHECK(!READ(tselect) && !READ(tdata1) && READ(0x7a4) == 1);
    WRITE(tdata1, -1);
    WRITE(0x7a4, 0);
    CHECK(!READ(tdata1) && READ(0x7a4) == 1);
    WRITE(mhpmevent3, 5);
    WRITE(mhpmcounter3, 5);
    CHECK(!READ(mhpmevent3) && !READ(mhpmcounter3) && !READ(hpmcounter3));
}

/* Of mseccfg what lets S and U mode have random bits, and nothing of memory protection. */
static void security(void) {
    CHECK(READ(mseccfg) == 0);
    WRITE(mseccfg, -1);
    CHECK(READ(mseccfg) == 0x300);
    CLEAR(mseccfg, 0x100);
    CHECK(READ(mseccfg) == 0x200);
    WRITE(mseccfg, 0);
    CHECK(READ(mseccfg) == 0);
}

static void no_longer_delegated(void) {
    taken = 0;
    WRITE(mideleg, 1 << SSI);
    WRITE(mie, 1 << SSI);
    SET(mstatus, MIE);
    SET(mip, 1 << SSI);
    CHECK(taken == 0); /* S mode's, and this is M mode */
    CLEAR(mideleg, 1 << SSI);
    CHECK(taken == 1);
    CLEAR(mstatus, MIE);
}

static uint64_t enable(uint64_t none) {
    (void)none;
    SET(sstatus, SIE);
    SET(sip, 1 << SSI);
    CHECK(taken == 0);
    SET(sie, 1 << SSI);
    CHECK(taken == 1);
    CHECK(READ(sie) == 1 << SSI && READ(stvec) == (uint64_t)s_entry && READ(senvcfg) == 0 && READ(scounteren) == 0);
    SET(sip, 1 << SSI); /* the other way round */
    CHECK(taken == 2);
    return READ(sscratch);
}

static void enabled_by_supervisor(void) {
    taken = 0;
    WRITE(mideleg, 1 << SSI);
    WRITE(mie, 0);
    RUN(S, enable, 0);
    CHECK(taken == 2);
}

int main(void) {
    on_trap = count;
    s_on_trap = s_count;
    what_there_is();
    security();
    no_longer_delegated();
    enabled_by_supervisor();
    return 0;
}
