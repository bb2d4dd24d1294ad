/* A kernel of a few lines: a flat image with a header (in ELF: without), started in S mode by an SBI. It says what it
 * was given: mode, command line, RAM disk; then it switches the power off. -DMACHINE: started in M mode, without an
 * SBI.
 */
#include <stddef.h>
#include <stdint.h>

__asm__(".section .text.unlikely, \"ax\"\n"
        ".globl _start\n"
        "_start: j 1f\n .balign 8\n"
        ".dword 0x200000, _end - _start, 0\n" /* offset, size, flags */
        ".word 2, 0\n .dword 0\n .ascii \"RISCV\\0\\0\\0\"\n .ascii \"RSC\\x05\"\n .word 0\n"
        "1: la sp, stack_end\n"
        "mv s0, a0\n mv s1, a1\n"
        "la t0, __bss_start\n la t1, _end\n"
        "2: bgeu t0, t1, 3f\n sd zero, 0(t0)\n addi t0, t0, 8\n j 2b\n"
        "3: mv a0, s0\n mv a1, s1\n call kernel\n"
        ".bss\n .balign 16\n .skip 8192\n stack_end:\n .previous");

#ifdef MACHINE
static void put(char c) {
    *(volatile char *)0x10000000 = c;
}
static void off(void) {
    *(volatile uint32_t *)0x100000 = 0x5555;
}
#else
static void sbi(long extension, long function, long a, long b) {
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a6 __asm__("a6") = function, a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
}
static void put(char c) {
    sbi(1, 0, c, 0);
}
static void off(void) {
    sbi(0x53525354, 0, 0, 0);
}
#endif

static void text(const char *t) {
    while (*t) put(*t++);
}
static void number(uint64_t v) {
    for (int shift = 60; shift >= 0; shift -= 4)
        if (v >> shift || shift == 0) put("0123456789abcdef"[v >> shift & 15]);
}
static uint32_t word(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static int same(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

/* The first property of this name, anywhere in the tree. */
static const uint8_t *find(const uint8_t *tree, const char *name, uint32_t *size) {
    const uint8_t *p = tree + word(tree + 8);
    const char *names = (const char *)tree + word(tree + 12);
    for (;;) {
        const uint32_t token = word(p);
        p += 4;
        if (token == 1) {
            while (*p) p++;
            p = (const uint8_t *)(((uintptr_t)p + 4) & ~(uintptr_t)3);
        } else if (token == 3) {
            *size = word(p);
            if (same(names + word(p + 4), name)) return p + 8;
            p += 8 + ((*size + 3) & ~3u);
        } else if (token != 2 && token != 4) {
            return NULL;
        }
    }
}

static uint64_t bss; /* is 0 */

void kernel(uint64_t hart, const uint8_t *tree) {
    uint32_t size, n;
    text("kernel on hart ");
    number(hart + bss);
    const uint8_t *arguments = find(tree, "bootargs", &size);
    text(", told '");
    if (arguments) text((const char *)arguments);
    text("'");
    const uint8_t *start = find(tree, "linux,initrd-start", &n), *end = find(tree, "linux,initrd-end", &n);
    if (start && end) {
        text(n == 8 ? ", disk: " : ", a disk of unknown size");
        const uint64_t first = (uint64_t)word(start) << 32 | word(start + 4),
                       last = (uint64_t)word(end) << 32 | word(end + 4);
        for (uint64_t at = first; at < last && at < first + 40; at++) put(*(const char *)at);
        if (first & 0x1fffff) text(" (not aligned)");
    }
    const uint8_t *seed = find(tree, "rng-seed", &n);
    if (seed) text(n == 32 ? ", seeded" : ", badly seeded");
    put('\n');
    off();
    for (;;) {
    }
}
