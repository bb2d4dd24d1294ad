/* vee: -smp 3 */
/* Three harts, which start together: software interrupts between them, a lock, a counter that all of them change, their
 * own timers, and waiting for each other by wfi. The first one is in main; the others come to other_hart.
 */
#include "bare.h"

enum { HARTS = 3, ROUNDS = 2000 };
static volatile uint32_t there, lock, plain, shared, woken, done, rung;

static void take(void) {
    uint32_t old;
    do __asm__ volatile("amoswap.w.aq %0, %2, (%1)" : "=r"(old) : "r"(&lock), "r"(1) : "memory");
    while (old);
}
static void release(void) {
    __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&lock) : "memory");
}
static void add(volatile uint32_t *to, uint32_t n) {
    __asm__ volatile("amoadd.w.aqrl zero, %1, (%0)" ::"r"(to), "r"(n) : "memory");
}

/* Waits without taking the interrupt: it is enabled, but interrupts as a whole are not. */
static void wait_for(uint64_t irq) {
    SET(mie, 1ull << irq);
    while (!(READ(mip) >> irq & 1)) __asm__ volatile("wfi");
    CLEAR(mie, 1ull << irq);
}

static void work(void) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        take();
        plain = plain + 1;
        release();
        add(&shared, 1);
    }
}

void other_hart(uint64_t hart) {
    add(&there, 1);
    wait_for(MSI);
    MSIP[hart] = 0;
    while (READ(mip) >> MSI & 1) {
    }
    add(&woken, 1);
    work();
    MTIMECMP[hart] = *MTIME + 100 * hart;
    wait_for(MTI);
    MTIMECMP[hart] = ~0ull;
    add(&rung, 1);
    add(&done, 1);
    MSIP[0] = 1;
    for (;;) __asm__ volatile("wfi"); /* nothing is enabled: for ever */
}

int main(void) {
    CHECK(READ(mhartid) == 0);
    while (there != HARTS - 1) {
    }
    for (unsigned h = 1; h < HARTS; h++) CHECK(MSIP[h] == 0);
    CHECK(woken == 0);
    MSIP[HARTS] = 1; /* there is none */
    CHECK(MSIP[HARTS] == 0);
    for (unsigned h = 1; h < HARTS; h++) MSIP[h] = 1;
    work();
    while (done != HARTS - 1) {
        wait_for(MSI);
        MSIP[0] = 0;
    }
    CHECK(woken == HARTS - 1 && rung == HARTS - 1);
    CHECK(plain == HARTS * ROUNDS && shared == HARTS * ROUNDS);
    CHECK(trapped.count == 0);
    return 0;
}
