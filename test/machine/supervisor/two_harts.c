/* vee: -smp 2 */
/* Two harts under timers and IPIs at all times, in U and S mode, with pages that come and go: what they compute is as
 * if nothing had happened, and each interrupt happens where it happens on every tier.
 */
#include "harts.h"

enum { PTE_U = 16 };
enum { HARTS = 2, ROUNDS = 150, PAGES = 4 };
static table roots[HARTS], middles[HARTS], pages[HARTS];
static volatile uint64_t words[HARTS][PAGES][512] __attribute__((aligned(4096)));
static uint64_t before[HARTS]; /* when the last timer came */
static volatile uint64_t timers[HARTS], ipis[HARTS], faults[HARTS], calls[HARTS], sums[HARTS], done;

static void change(uint64_t hart, unsigned page, bool there) {
    const uint64_t at = WINDOW + page * 4096ull;
    pages[hart][page] = there ? pte(words[hart][page], PTE_DATA | PTE_U) & ~(uint64_t)(PTE_A | PTE_D) : 0;
    if (page & 1)
        __asm__ volatile("sfence.vma %0, %1" ::"r"(at), "r"(hart + 1) : "memory");
    else
        __asm__ volatile("sfence.vma %0, zero" ::"r"(at) : "memory");
}

static uint64_t taken(struct frame *f, uint64_t cause, uint64_t pc) {
    const uint64_t hart = f->x[4];
    switch (cause) {
    case INTERRUPT | STI: {
        /* Half of the time is the program's, however long it takes to get here. */
        const uint64_t now = READ(time);
        timers[hart]++;
        WRITE(0x14d, now + 1 + timers[hart] % 7 + (now - before[hart]) / 2);
        before[hart] = now;
        if (timers[hart] % 3 == 0) change(hart, timers[hart] % PAGES, false);
        if (timers[hart] % 4 == 0) ERROR(IPI, 0, 1, 1 - hart);
        return pc;
    }
    case INTERRUPT | SSI:
        CLEAR(sip, 1 << SSI);
        ipis[hart]++;
        return pc;
    case PAGE_LOAD:
    case PAGE_STORE:
        CHECK(READ(stval) >> 12 >= WINDOW >> 12 && READ(stval) < WINDOW + PAGES * 4096);
        faults[hart]++;
        change(hart, (READ(stval) - WINDOW) >> 12, true);
        return pc;
    case ECALL_U:
        calls[hart]++;
        SET(sstatus, SPP); /* goes on in S mode */
        return f->x[5];
    default: CHECK(0 && "a trap"); return pc;
    }
}

/* What U mode does: t2 = 3 * t2 + word at (t1); ecall. */
static uint32_t user[1024] __attribute__((aligned(4096))) = {0x00139e13, 0x01c383b3, 0x00033e03, 0x01c383b3, 0x73};
#define USER (WINDOW + 16 * 4096)

static uint64_t work(uint64_t hart) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        volatile uint64_t *at = (volatile uint64_t *)(WINDOW + i % PAGES * 4096 + i * 24 % 4096);
        *at = *at + i * (hart + 3);
        sum = sum * 31 + *at;
        if (i % 8 == 7) { /* there and back, with an access that may fault */
            register uint64_t to __asm__("t1") = (uint64_t)at, value __asm__("t2") = sum;
            /* No interrupt between sepc and sret, which would have sepc as well. */
            __asm__ volatile("la t0, 1f; csrc sstatus, %5; csrw sepc, %2; csrc sstatus, %3; csrs sstatus, %4; sret\n1:"
                             : "+r"(value)
                             : "r"(to), "r"(USER), "r"((uint64_t)SPP), "r"((uint64_t)SPIE), "r"((uint64_t)SIE)
                             : "t0", "t3", "memory");
            CHECK(value == sum * 3 + *at);
        }
    }
    return sum;
}

static void run(uint64_t hart) {
    space_make(roots[hart], middles[hart], pages[hart]);
    pages[hart][16] = pte(user, PTE_CODE | PTE_U);
    WRITE(satp, space_satp(roots[hart], hart + 1));
    __asm__ volatile("sfence.vma");
    SET(sstatus, SUM);
    before[hart] = READ(time);
    WRITE(0x14d, READ(time) + 2);
    SET(sie, 1 << STI | 1 << SSI);
    SET(sstatus, SIE);
    sums[hart] = work(hart);
    CLEAR(sstatus, SIE);
    WRITE(0x14d, -1ull);
    add(&done, 1);
}

void hart_main(uint64_t hart, uint64_t argument) {
    (void)argument;
    run(hart);
}

int main(void) {
    s_on_trap = taken;
    harts_begin(HARTS, 0);
    run(0);
    await(&done, HARTS);
    harts_end(HARTS);
    for (uint64_t h = 0; h < HARTS; h++) {
        uint64_t sum = 0;
        static uint64_t plain[PAGES][512];
        for (unsigned i = 0; i < PAGES * 512; i++) plain[i / 512][i % 512] = 0;
        for (uint64_t i = 0; i < ROUNDS; i++) {
            uint64_t *at = &plain[i % PAGES][i * 24 % 4096 / 8];
            *at += i * (h + 3);
            sum = sum * 31 + *at;
        }
        CHECK(sum == sums[h]);
        CHECK(faults[h] >= PAGES && calls[h] == ROUNDS / 8);
    }
    return 0;
}
