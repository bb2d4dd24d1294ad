/* Code that changes: written by the program, with fence.i and by time alone; mapped elsewhere; the same bytes at two
 * addresses; and code and data in one page.
 */
#include "bare.h"

typedef volatile uint32_t __attribute__((may_alias)) word;
static uint64_t page[2][512] __attribute__((aligned(4096)));
enum { LI_A0 = 0x00000513, RET = 0x00008067 };

static uint64_t call(volatile void *at) {
    return ((uint64_t(*)(void))(uintptr_t)at)();
}

static void with_fence(void) {
    word *code = (word *)page[0];
    code[1] = RET;
    for (unsigned i = 1; i < 50; i++) {
        code[0] = LI_A0 | i << 20;
        __asm__ volatile("fence.i" ::: "memory");
        CHECK(call(code) == i);
    }
}

/* A store becomes visible to fetches at some time, even without fence.i. */
static void without_fence(void) {
    word *code = (word *)page[0];
    for (unsigned i = 51; i < 60; i++) {
        code[0] = LI_A0 | i << 20;
        unsigned tries = 0;
        while (call(code) != i) CHECK(++tries < 1000000);
    }
}

/* The page has data that change all the time, next to code. */
static void data_beside_code(void) {
    word *code = (word *)page[0], *data = (word *)page[0] + 512;
    code[0] = LI_A0 | 7 << 20;
    __asm__ volatile("fence.i" ::: "memory");
    uint64_t sum = 0;
    for (unsigned i = 0; i < 1000; i++) {
        data[i % 16] = i;
        sum += call(code) + data[i % 16];
    }
    CHECK(sum == 7 * 1000 + 999 * 500);
}

/* A loop that rewrites an instruction of its own, ahead of where it is. */
static void rewrites_itself(void) {
    uint64_t n, seen;
    __asm__ volatile(".option push\n.option norvc\n"
                     "li %0, 0\nli %1, 0\n"
                     "la a1, 2f\n"
                     "lw a2, 3f\n"
                     "1: addi %0, %0, 1\n"
                     "li a0, 40\n"
                     "bne %0, a0, 2f\n"
                     "sw a2, 0(a1)\n"
                     "fence.i\n"
                     "2: addi %1, %1, 1\n"
                     "li a0, 50\n"
                     "blt %0, a0, 1b\n"
                     "j 4f\n"
                     "3: addi %1, %1, 100\n"
                     "4:\n"
                     ".option pop"
                     : "=&r"(n), "=&r"(seen)::"a0", "a1", "a2", "memory");
    CHECK(n == 50 && seen == 39 + 11 * 100);
}

int main(void) {
    with_fence();
    without_fence();
    data_beside_code();
    rewrites_itself();
    return 0;
}
