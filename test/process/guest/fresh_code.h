/* fresh_code.h - code that is made and run at once, in memory of its own. */
#ifndef FRESH_CODE_H
#define FRESH_CODE_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Makes code that returns a number, in memory of its own, and runs it. Without the C library's errno and heap, which
   processes that share it may be killed in. */
static inline int fresh_code(int v) {
    char *p =
        (char *)syscall(SYS_mmap, NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int bad = 0;
    for (int i = 0; i < 4096; i += 512) {
        const int n = (v + i) & 1023;
#if defined __riscv
        const uint32_t code[] = {0x00000513u | (uint32_t)n << 20, 0x00008067};
#else
        const unsigned char code[] = {0xb8, (unsigned char)n, (unsigned char)(n >> 8), 0, 0, 0xc3};
#endif
        memcpy(p + i, code, sizeof code);
        __builtin___clear_cache(p + i, p + i + sizeof code);
        bad += ((int (*)(void))(void *)(p + i))() != n;
    }
    syscall(SYS_mprotect, p + 4096, 4096, PROT_READ);
    syscall(SYS_munmap, p, 8192);
    return bad;
}

#endif
