/* protocol.h - what the fuzzer and the runner (a guest program) say to each other through a pipe, in binary.
 *
 * The fuzzer writes a batch; the runner answers with one result for each case and waits for the next. Both sides are
 * little-endian and 64-bit. The runner's data pages are filled by data_fill from the batch's seed.
 */
#ifndef FUZZ_RISCV_PROTOCOL_H
#define FUZZ_RISCV_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

/* The addresses have odd bits, so that shifted ones do not hit what else may be in an address space. */
enum {
    RUN_MAGIC = 0x7a75662e,
    RUN_CASES = 64,
    RUN_CODE = 16384,
    RUN_DATA = 8192, /* can be written; RUN_RO more can only be read */
    RUN_RO = 4096,
    RUN_CODE_AT = 0x5a3c0000,
    RUN_DATA_AT = 0x36a51000
};

struct run_case {
    uint64_t x[32], f[32], pc, fcsr;
};
struct run_batch {
    uint64_t magic, n, data_seed;
    uint8_t code[RUN_CODE];
    struct run_case cases[RUN_CASES];
};
/** State when a signal came: the end of a case. */
struct run_result {
    uint64_t x[32], f[32], pc, fcsr, memory, signal, code, address; /* code, address: si_code, si_addr */
};

/* values.c */
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *r);
uint64_t random_int(struct random *r);
uint64_t random_fp(struct random *r);
/** Fills the data pages of a batch. */
void data_fill(uint8_t *data, size_t size, uint64_t seed);
uint64_t data_digest(const uint8_t *data, size_t size);

static inline uint64_t random_below(struct random *r, uint64_t n) {
    return random_next(r) % n;
}
static inline _Bool random_percent(struct random *r, unsigned p) {
    return random_next(r) % 100 < p;
}
#define PICK(r, table)  (table)[random_below(r, sizeof(table) / sizeof *(table))]
#define TRY_AGAIN(call) while ((call) < 0 && errno == EINTR)

#endif
