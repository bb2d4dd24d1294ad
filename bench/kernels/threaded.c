/* A register machine with direct-threaded code (each handler jumps to the next through a computed goto), running a
 * generator, a sieve over guest memory and a checksum.
 * kind: interp */
#include "kernel.h"

enum { REPS = 140, REGISTERS = 16, MEMORY = 1 << 14, CODE = 64 };

enum op { LOADI, ADD, ADDI, MUL, XOR, SHR, ANDI, READ, WRITE, JUMP_LESS, JUMP_NOT, JUMP, HALT, OPS };

struct insn {
    const void *handler;
    uint8_t a, b, c;
    int32_t imm;
};

struct source {
    uint8_t op, a, b, c;
    int32_t imm;
};

/* r1 = i, r2 = limit, r3 = value, r4 = step index, r5 = sum, r6 = scratch, r7 = state, r8 = multiplier, r9 = round */
static const struct source source[] = {
    {LOADI, 9, 0, 0, 0},
    {LOADI, 2, 0, 0, MEMORY},
    {LOADI, 8, 0, 0, 1103515245},
    /* 3: fill memory with ones */
    {LOADI, 1, 0, 0, 0},
    {LOADI, 3, 0, 0, 1},
    {WRITE, 3, 1, 0, 0},
    {ADDI, 1, 1, 0, 1},
    {JUMP_LESS, 0, 1, 2, 5},
    /* 8: strike out multiples, i from 2 */
    {LOADI, 1, 0, 0, 2},
    {LOADI, 3, 0, 0, 0},
    {READ, 6, 1, 0, 0},
    {JUMP_NOT, 0, 6, 0, 17},
    {ADD, 4, 1, 1, 0},
    {JUMP, 0, 0, 0, 16},
    {WRITE, 3, 4, 0, 0},
    {ADD, 4, 4, 1, 0},
    {JUMP_LESS, 0, 4, 2, 14},
    {ADDI, 1, 1, 0, 1},
    {JUMP_LESS, 0, 1, 2, 10},
    /* 19: mix memory and a generator into the sum */
    {LOADI, 1, 0, 0, 0},
    {MUL, 7, 7, 8, 0},
    {ADDI, 7, 7, 0, 12345},
    {READ, 6, 1, 0, 0},
    {ADD, 6, 6, 7, 0},
    {SHR, 10, 6, 0, 7},
    {XOR, 5, 5, 10, 0},
    {ADD, 5, 5, 6, 0},
    {ANDI, 11, 5, 0, 3},
    {JUMP_NOT, 0, 11, 0, 30},
    {ADDI, 5, 5, 0, 77},
    {ADDI, 1, 1, 0, 1},
    {JUMP_LESS, 0, 1, 2, 20},
    /* 32: rounds */
    {ADDI, 9, 9, 0, 1},
    {LOADI, 6, 0, 0, 4},
    {JUMP_LESS, 0, 9, 6, 3},
    {HALT, 0, 0, 0, 0},
};

/* Without code, stores the handlers' addresses in table; with code, runs it and returns r5. */
__attribute__((noinline)) static uint64_t run(const struct insn *code, uint64_t seed, const void **table) {
    static const void *const handlers[OPS] = {
        [LOADI] = &&loadi, [ADD] = &&add,   [ADDI] = &&addi,           [MUL] = &&mul,
        [XOR] = &&xor,     [SHR] = &&shr,   [ANDI] = &&andi,           [READ] = &&read,
        [WRITE] = &&write, [JUMP] = &&jump, [JUMP_LESS] = &&jump_less, [JUMP_NOT] = &&jump_not,
        [HALT] = &&halt,
    };
    static uint64_t memory[MEMORY];
    if (!code) {
        for (int i = 0; i < OPS; i++) table[i] = handlers[i];
        return 0;
    }
    uint64_t r[REGISTERS] = {[7] = seed};
    const struct insn *pc = code;
    goto * pc->handler;
loadi:
    r[pc->a] = (uint64_t)(int64_t)pc->imm;
    pc++;
    goto * pc->handler;
add:
    r[pc->a] = r[pc->b] + r[pc->c];
    pc++;
    goto * pc->handler;
addi:
    r[pc->a] = r[pc->b] + (uint64_t)(int64_t)pc->imm;
    pc++;
    goto * pc->handler;
mul:
    r[pc->a] = r[pc->b] * r[pc->c];
    pc++;
    goto * pc->handler;
    xor : r[pc->a] = r[pc->b] ^ r[pc->c];
    pc++;
    goto * pc->handler;
shr:
    r[pc->a] = r[pc->b] >> pc->imm;
    pc++;
    goto * pc->handler;
andi:
    r[pc->a] = r[pc->b] & (uint64_t)(int64_t)pc->imm;
    pc++;
    goto * pc->handler;
read:
    r[pc->a] = memory[r[pc->b] & (MEMORY - 1)];
    pc++;
    goto * pc->handler;
write:
    memory[r[pc->b] & (MEMORY - 1)] = r[pc->a];
    pc++;
    goto * pc->handler;
jump_less:
    pc = r[pc->b] < r[pc->c] ? code + pc->imm : pc + 1;
    goto * pc->handler;
jump_not:
    pc = r[pc->b] == 0 ? code + pc->imm : pc + 1;
    goto * pc->handler;
jump:
    pc = code + pc->imm;
    goto * pc->handler;
halt:
    return r[5];
}

int main(int argc, char **argv) {
    static struct insn code[CODE];
    const void *table[OPS];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    run(NULL, 0, table);
    for (size_t i = 0; i < sizeof source / sizeof source[0]; i++)
        code[i] = (struct insn){table[source[i].op], source[i].a, source[i].b, source[i].c, source[i].imm};
    for (long i = 0; i < reps; i++) digest = digest_add(digest, run(code, digest + (uint64_t)i, NULL));
    return digest_print("threaded", digest);
}
