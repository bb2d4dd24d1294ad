/* What memory costs in a machine, one kernel a program (KERNEL, PAGES and ROUNDS are given by machine.py):
 *
 *   sequence  8-byte loads one after the other             scatter  loads from any page of so many, independent
 *   chase     each load says where the next one is         store    stores to any page
 *   hash      a table of words: look up, count             tight    stores and loads of one line
 *   fence     sfence.vma of everything, then eight pages   one      sfence.vma of one page, then eight pages
 *   switch    satp to another ASID and back, eight pages each, as between two processes with common kernel pages
 *
 * They run in S mode under Sv39 with 4 KiB pages (PAGING=1), or in M mode.
 */
#include <stdint.h>

#ifndef KERNEL
#define KERNEL scatter
#define PAGES  64
#define ROUNDS 1
#define PAGING 1
#endif
#define NAME_(k) #k
#define NAME(k)  NAME_(k)

enum { PAGE = 4096, LEAVES = 32 /* tables of 2 MiB */ };
#define WINDOW 0x40000000ull
#define DATA   0x84000000ull
static uint64_t root[512] __attribute__((aligned(4096))), other[512] __attribute__((aligned(4096)));
static uint64_t middle[512] __attribute__((aligned(4096))), leaf[LEAVES][512] __attribute__((aligned(4096)));
static uint8_t *memory = (uint8_t *)DATA;
static uint64_t seed = 88172645463325252u;

static uint64_t roll(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void end(uint32_t word) {
    *(volatile uint32_t *)0x100000 = word;
    for (;;) {
    }
}

static uint64_t entry(const void *to, uint64_t flags) {
    return (uint64_t)to >> 12 << 10 | flags;
}

static uint64_t satp_of(const uint64_t *table, uint64_t asid) {
    return 8ull << 60 | asid << 44 | (uint64_t)table >> 12;
}

static void satp_set(uint64_t v) {
    __asm__ volatile("csrw satp, %0" ::"r"(v) : "memory");
}

static void map(void) {
    enum { V = 1, R = 2, W = 4, X = 8, G = 32, A = 64, D = 128 };
    for (unsigned i = 0; i < LEAVES; i++) {
        for (unsigned k = 0; k < 512; k++)
            leaf[i][k] = entry((void *)(DATA + (i * 512ull + k) * PAGE), V | R | W | A | D);
        middle[i] = entry(leaf[i], V);
    }
    for (uint64_t *t = root;; t = other) {
        t[0] = entry((void *)0, V | R | W | A | D | G);
        t[1] = entry(middle, V);
        t[2] = entry((void *)0x80000000, V | R | W | X | A | D | G);
        if (t == other) break;
    }
    memory = (uint8_t *)WINDOW;
    satp_set(satp_of(root, 1));
    __asm__ volatile("sfence.vma" ::: "memory");
}

static uint64_t touch(void) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < 8; i++) sum += *(volatile uint64_t *)(memory + i * 5 * PAGE);
    return sum;
}

static uint64_t run(void) {
    const char kernel = NAME(KERNEL)[0] == 's' ? NAME(KERNEL)[1] : NAME(KERNEL)[0]; /* e c t w; h f o */
    const uint64_t words = PAGES * PAGE / 8, rounds = ROUNDS;
    uint64_t sum = 0, at = 0;
    volatile uint64_t *w = (volatile uint64_t *)memory;
    if (NAME(KERNEL)[0] == 'c') { /* a cycle through one word of every page, in any order, in any place there */
        static uint32_t order[PAGES];
        for (uint32_t i = 0; i < PAGES; i++) order[i] = i;
        for (uint32_t i = PAGES - 1; i > 0; i--) {
            uint32_t k = (uint32_t)(roll() % i), t = order[i];
            order[i] = order[k];
            order[k] = t;
        }
        for (uint32_t i = 0; i < PAGES; i++) {
            uint64_t from = order[i], to = order[(i + 1) % PAGES];
            w[from * 512 + from * 29 % 64 * 8] = (uint64_t)&w[to * 512 + to * 29 % 64 * 8];
        }
        volatile uint64_t *p = &w[order[0] * 512 + order[0] * 29 % 64 * 8];
        for (uint64_t i = 0; i < rounds; i++) p = (volatile uint64_t *)*p;
        return (uint64_t)p;
    }
    if (NAME(KERNEL)[0] == 't' || kernel == 'i') {
        for (uint64_t i = 0; i < rounds; i++) {
            w[i & 7] = i;
            sum += w[(i + 3) & 7];
        }
        return sum;
    }
    switch (kernel) {
    case 'e': /* sequence */
        for (uint64_t i = 0; i < rounds; i++, at = at + 1 == words ? 0 : at + 1) sum += w[at];
        break;
    case 'c': /* scatter */
        for (uint64_t i = 0; i < rounds; i++) {
            at = at * 6364136223846793005u + 1442695040888963407u;
            sum += w[(at >> 33) % words];
        }
        break;
    case 't': /* store */
        for (uint64_t i = 0; i < rounds; i++) {
            at = at * 6364136223846793005u + 1442695040888963407u;
            w[(at >> 33) % words] = i;
        }
        break;
    case 'h': /* hash */
        for (uint64_t i = 0; i < rounds; i++) {
            uint64_t key = (i * 0x9e3779b97f4a7c15u) >> 20 | 1, h = (key * 0xff51afd7ed558ccdu >> 32) % words;
            for (unsigned n = 0; n < 4 && w[h] && w[h] != key; n++) h = h + 1 == words ? 0 : h + 1;
            sum += w[h];
            w[h] = key;
        }
        break;
    case 'f':
        for (uint64_t i = 0; i < rounds; i++) {
            __asm__ volatile("sfence.vma" ::: "memory");
            sum += touch();
        }
        break;
    case 'o':
        for (uint64_t i = 0; i < rounds; i++) {
            __asm__ volatile("sfence.vma %0" ::"r"(memory) : "memory");
            sum += touch();
        }
        break;
    case 'w':
        for (uint64_t i = 0; i < rounds; i++) {
            satp_set(satp_of(i & 1 ? root : other, 1 + (i & 1)));
            sum += touch();
        }
        break;
    default: end(0x10003 | 1 << 16);
    }
    return sum;
}

/* All pages are used and dropped a few times: emulators that size their TLBs at flushes have done so then. */
static void warm(void) {
    volatile uint64_t *w = (volatile uint64_t *)memory;
    for (unsigned round = 0; round < 12; round++) {
        for (uint64_t i = 0; i < PAGES; i++) w[i * 512] = 0;
        __asm__ volatile("sfence.vma" ::: "memory");
    }
}

void in_s(void) {
    map();
    warm();
    run();
    end(0x5555);
}

void begin(void) {
    if (!PAGING) {
        run();
        end(0x5555);
    }
    __asm__ volatile("csrw pmpaddr0, %0; csrw pmpcfg0, %1; csrc mstatus, %2; csrs mstatus, %3; csrw mepc, %4; mret" ::"r"(-1ull),
                     "r"(0x1full), "r"(3ull << 11), "r"(1ull << 11), "r"(in_s));
}

__asm__(".section .text.start\n.globl start\nstart: la sp, stack_top\n call begin\n.text");
