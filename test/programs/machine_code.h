/* machine_code.h - for programs that make code: a function of machine code, for the machine that the program is built
 * for. The instruction cache is the program's affair. */
#ifndef MACHINE_CODE_H
#define MACHINE_CODE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef long function(long);

/* Writes code for `return n + argument`; returns its size. */
static size_t emit_add(unsigned char *p, int n) {
#if defined __riscv
    uint32_t code[] = {0, 0, 0, 0x00008067};                        /* ..., ret */
    code[0] = 0x000002b7u | (((uint32_t)n + 0x800u) & 0xfffff000u); /* lui t0, hi */
    code[1] = 0x0002829bu | (uint32_t)(n & 0xfff) << 20;            /* addiw t0, t0, lo */
    code[2] = 0x00550533u;                                          /* add a0, a0, t0 */
#elif defined __x86_64__
    unsigned char code[] = {0x48, 0x8d, 0x87, 0, 0, 0, 0, 0xc3}; /* lea rax, [rdi + n]; ret */
    memcpy(code + 3, &n, 4);
#else
#error "no code for this machine"
#endif
    memcpy(p, code, sizeof code);
    return sizeof code;
}

static long call(const unsigned char *p, long argument) {
    return ((function *)(uintptr_t)p)(argument);
}

#endif
