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

/* Random bits, 16 at a time: all of them are 0 and 1 at some time, and no two values in a row are the same for long.
 * Those who only read are refused, as is S mode, and U mode, without leave. */
static uint64_t seed(uint64_t refused) {
    __asm__ volatile(".option push\n.option norvc\ncsrrw %0, 0x015, x0\n.option pop" : "+r"(refused));
    return refused;
}

static void random_bits(void) {
    uint64_t zeros = 0xffff, ones = 0, last = 0, same = 0;
    for (unsigned i = 0; i < 64; i++) {
        const uint64_t got = seed(0);
        CHECK(got >> 16 == 2 << 14); /* ES16, and nothing else above */
        zeros &= got;
        ones |= got & 0xffff;
        same += got == last;
        last = got;
    }
    CHECK(zeros == 0 && ones == 0xffff && same < 2);
    CHECK(TRAPS(ILLEGAL, "csrrs a0, 0x015, x0") && TRAPS(ILLEGAL, "csrrc a0, 0x015, x0"));
    CHECK(TRAPS(ILLEGAL, "csrrsi a0, 0x015, 0") && TRAPS(ILLEGAL, "csrrci a0, 0x015, 0"));
    CHECK(PASSES("csrrwi a0, 0x015, 0") && PASSES("csrrsi a0, 0x015, 1") && PASSES("csrrw x0, 0x015, x0"));
    for (uint64_t given = 0; given < 4; given++) {
        WRITE(mseccfg, given << 8);
        CHECK((RUN(U, seed, 1) != 1) == (given & 1));
        CHECK((RUN(S, seed, 1) != 1) == (given >> 1));
    }
    WRITE(mseccfg, 0);
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
    what_there_is();
    security();
    random_bits();
    on_trap = count;
    s_on_trap = s_count;
    no_longer_delegated();
    enabled_by_supervisor();
    return 0;
}
