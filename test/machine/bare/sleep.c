/* vee: --counted */
/* wfi and the timers: time that passes asleep, waking without taking the interrupt, S mode's own timer (Sstc). */
#include "bare.h"

static uint64_t stop_timer(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | MTI));
    *MTIMECMP = -1;
    return pc;
}

static void m_sleep(void) {
    uint64_t began = *MTIME;
    on_trap = stop_timer;
    WRITE(mie, 1 << MTI);
    *MTIMECMP = began + 1000000;
    CLEAR(mstatus, MIE);
    __asm__ volatile("wfi"); /* ends although the interrupt is not taken */
    CHECK(*MTIME >= began + 1000000 && *MTIME < began + 1000100);
    CHECK(READ(mip) >> MTI & 1);
    uint64_t before = trapped.count;
    __asm__ volatile("wfi"); /* pending already: no wait */
    CHECK(*MTIME < began + 1000200);
    SET(mstatus, MIE);
    CHECK(trapped.count == before + 1);
    on_trap = NULL;
    CLEAR(mstatus, MIE);
}

static uint64_t s_timer(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    CHECK(cause == (INTERRUPT | STI));
    WRITE(0x14d, -1);
    return pc;
}

static uint64_t s_sleep(uint64_t unused) {
    uint64_t began = READ(time), s = s_trapped.count;
    s_on_trap = s_timer;
    WRITE(0x14d, began + 5000);
    CHECK(!(READ(sip) >> STI & 1));
    SET(sie, 1 << STI);
    SET(sstatus, SIE);
    __asm__ volatile("wfi");
    CHECK(s_trapped.count == s + 1);
    CHECK(READ(time) >= began + 5000 && READ(time) < began + 5100);
    CHECK(!(READ(sip) >> STI & 1));
    WRITE(0x14d, 0); /* in the past: at once */
    CHECK(s_trapped.count == s + 2);
    CLEAR(sstatus, SIE);
    return unused;
}

static uint64_t no_timer_for_s(uint64_t unused) {
    CHECK(TRAPS(ILLEGAL, "csrr a0, 0x14d"));
    return unused;
}

int main(void) {
    m_sleep();
    RUN(S, no_timer_for_s, 0);
    WRITE(mideleg, 1 << STI);
    SET(mcounteren, 2);
    WRITE(0x14d, -1);
    WRITE(0x30a, 1ull << 63);
    /* With STCE, software cannot set STIP. */
    SET(mip, 1 << STI);
    CHECK(!(READ(mip) >> STI & 1));
    RUN(S, s_sleep, 0);
    return 0;
}
