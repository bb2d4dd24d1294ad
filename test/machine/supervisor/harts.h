/* harts.h - for the tests of several harts in S mode: starting the others, what they wait with, random numbers, tables.
 *
 * A program is given its number of harts by its first line. Hart 0 is in main; the others come to hart_main when
 * hart_start has started them, and stop when that returns. Nothing here or in the tests assumes how harts take turns:
 * they may run one after the other, or at once.
 */
#ifndef HARTS_H
#define HARTS_H

#include "sbi.h"
#include <stdbool.h>

enum { HARTS_MOST = 4, HART_STACK = 8192 };
enum hart_state { STARTED, STOPPED, START_PENDING, STOP_PENDING, SUSPENDED, SUSPEND_PENDING, RESUME_PENDING };

/** What another hart than the first does; argument: hart_start's. */
void hart_main(uint64_t hart, uint64_t argument);

extern char hart_entry[];
uint8_t hart_stacks[HARTS_MOST][2][HART_STACK] __attribute__((aligned(16)));
/* As firmware starts it: with its number in a0, the argument in a1. tp is its number. The second half of its stacks is
 * for traps. */
__asm__(".text\n.balign 4\n.globl hart_entry\n"
        "hart_entry:\n"
        "mv tp, a0\n"
        "la t0, hart_stacks\n"
        "slli t1, a0, 14\n"
        "add t0, t0, t1\n"
        "li t1, 8192\n"
        "add sp, t0, t1\n"
        "add t0, sp, t1\n"
        "csrw sscratch, t0\n"
        "la t0, s_entry\n"
        "csrw stvec, t0\n"
        "call hart_main\n"
        "li a7, 0x48534d\n"
        "li a6, 1\n"
        "ecall\n"
        "1: j 1b\n");

static inline uint64_t hart_self(void) {
    uint64_t hart;
    __asm__ volatile("mv %0, tp" : "=r"(hart));
    return hart;
}

static inline int64_t hart_start(uint64_t hart, uint64_t argument) {
    return ERROR(HSM, 0, hart, (uint64_t)hart_entry, argument);
}

static inline enum hart_state hart_state(uint64_t hart) {
    return (enum hart_state)VALUE(HSM, 2, hart);
}

/* The first hart, and all others. */
static inline void harts_begin(unsigned harts, uint64_t argument) {
    __asm__ volatile("mv tp, zero");
    for (unsigned h = 1; h < harts; h++) CHECK(hart_start(h, argument) == SUCCESS);
}

static inline void harts_end(unsigned harts) {
    for (unsigned h = 1; h < harts; h++)
        while (hart_state(h) != STOPPED) {
        }
}

/* ---- memory that several harts use */

static inline uint64_t see(const volatile uint64_t *at) {
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}
static inline void show(volatile uint64_t *at, uint64_t value) {
    __atomic_store_n(at, value, __ATOMIC_RELEASE);
}
static inline uint64_t add(volatile uint64_t *at, uint64_t n) {
    return __atomic_fetch_add(at, n, __ATOMIC_SEQ_CST);
}
static inline void await(const volatile uint64_t *at, uint64_t least) {
    while (see(at) < least) {
    }
}

/* All come to it before any goes on. */
struct barrier {
    volatile uint64_t come, round;
};
static inline void meet(struct barrier *b, unsigned harts) {
    const uint64_t round = see(&b->round);
    if (add(&b->come, 1) == harts - 1) {
        b->come = 0;
        show(&b->round, round + 1);
    } else {
        await(&b->round, round + 1);
    }
}

static inline uint64_t random_of(uint64_t *state) {
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1dull >> 32;
}

/* ---- tables of Sv39 */

typedef uint64_t table[512] __attribute__((aligned(4096)));
enum {
    PTE_V = 1,
    PTE_R = 2,
    PTE_W = 4,
    PTE_X = 8,
    PTE_G = 32,
    PTE_A = 64,
    PTE_D = 128,
    PTE_DATA = 0xc7,
    PTE_CODE = 0xcf
};
#define WINDOW (1ull << 30) /* free for tests; devices and RAM are mapped to themselves, globally */

static inline uint64_t pte(const volatile void *to, uint64_t flags) {
    return (uint64_t)to >> 2 | flags;
}
/* The tables of a space whose first 512 small pages of WINDOW are in `pages`. */
static inline void space_make(table root, table middle, table pages) {
    root[0] = PTE_DATA | PTE_G;
    root[2] = 0x80000000 >> 2 | PTE_CODE | PTE_G;
    root[1] = pte(middle, PTE_V);
    middle[0] = pte(pages, PTE_V);
}
static inline uint64_t space_satp(table root, uint64_t asid) {
    return 8ull << 60 | asid << 44 | (uint64_t)root >> 12;
}

#endif
