/* hart.h - a riscv cpu by hand, for tests of its privileged side: reset, some RAM, no engine. */
#ifndef TEST_MACHINE_HART_H
#define TEST_MACHINE_HART_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest/riscv/csr.h"
#include "guest/riscv/riscv.h"
#include "mem/mem.h"
#include "mem/phys.h"

enum { HART_RAM = 0x80000000u, HART_RAM_SIZE = 64 << 20 };

struct hart {
    struct riscv_cpu cpu;
    struct phys phys;
    uint8_t *ram;
};

static inline struct hart *hart_make(void) {
    struct hart *h = calloc(1, sizeof *h);
    h->ram = calloc(1, HART_RAM_SIZE);
    h->cpu.c.guest = &guest_riscv;
    guest_riscv.reset(&h->cpu.c);
    h->cpu.c.reserve_address = UINT64_MAX;
    h->cpu.c.soft.phys = &h->phys;
    phys_add(&h->phys, (struct phys_region){.start = HART_RAM, .size = HART_RAM_SIZE, .host = h->ram});
    return h;
}

static inline void hart_free(struct hart *h) {
    free(h->ram);
    free(h);
}

/* One csr instruction with rd = x5; the exit is in cpu.c.exit, what is asked for in cpu.c.actions. */
static inline uint64_t hart_csr(struct hart *h, enum riscv_csr_op op, unsigned number, uint64_t value, bool writes) {
    h->cpu.c.exit = (struct exit){0};
    h->cpu.c.pc = 0x1000;
    h->cpu.c.actions = 0;
    uint64_t a = number | (uint64_t)op << CSR_OP_SHIFT | (writes ? CSR_WANTS_WRITE : 0);
    return riscv_help_csr(&h->cpu.c, a, value, (uint64_t)number << 20 | 5 << 7 | 0x1073);
}
static inline uint64_t hart_read(struct hart *h, unsigned number) {
    return hart_csr(h, CSR_SET, number, 0, false);
}
static inline void hart_write(struct hart *h, unsigned number, uint64_t value) {
    hart_csr(h, CSR_WRITE, number, value, true);
}
static inline uint64_t *hart_word(struct hart *h, uint64_t physical) {
    return (uint64_t *)(h->ram + (physical - HART_RAM));
}

#endif
