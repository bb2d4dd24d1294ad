/* A stack machine dispatched by a switch, running a program that counts primes by trial division and one that adds up
 * the lengths of Collatz sequences: the shape of most interpreters.
 * kind: interp */
#include "kernel.h"

enum { REPS = 140, STACK = 32, LOCALS = 8, CODE = 256 };

enum op { PUSH, LOAD, STORE, ADD, SUB, MUL, MOD, SHR, AND, LESS, DUP, JUMP, JUMP_ZERO, INC, HALT };

enum local { LIMIT, CANDIDATE, DIVISOR, RESULT };

struct program {
    int64_t code[CODE];
    int length;
};

static int emit(struct program *p, enum op op, int64_t operand) {
    p->code[p->length++] = op;
    p->code[p->length++] = operand;
    return p->length - 1;
}

static void emit_load2(struct program *p, enum local a, enum local b) {
    emit(p, LOAD, a);
    emit(p, LOAD, b);
}

/* while (candidate < limit) { try divisors; result += none divides; candidate++ } */
static void build_primes(struct program *p) {
    emit(p, PUSH, 2);
    emit(p, STORE, CANDIDATE);
    int outer = p->length;
    emit_load2(p, CANDIDATE, LIMIT);
    emit(p, LESS, 0);
    int done = emit(p, JUMP_ZERO, 0);
    emit(p, PUSH, 2);
    emit(p, STORE, DIVISOR);
    int inner = p->length;
    emit(p, LOAD, CANDIDATE);
    emit(p, LOAD, DIVISOR);
    emit(p, DUP, 0);
    emit(p, MUL, 0);
    emit(p, LESS, 0);
    int more = emit(p, JUMP_ZERO, 0);
    emit(p, INC, RESULT);
    int prime = emit(p, JUMP, 0);
    p->code[more] = p->length;
    emit_load2(p, CANDIDATE, DIVISOR);
    emit(p, MOD, 0);
    int composite = emit(p, JUMP_ZERO, 0);
    emit(p, INC, DIVISOR);
    emit(p, JUMP, inner);
    p->code[prime] = p->code[composite] = p->length;
    emit(p, INC, CANDIDATE);
    emit(p, JUMP, outer);
    p->code[done] = p->length;
    emit(p, HALT, 0);
}

/* for each candidate below limit: divisor = candidate; while (divisor > 1) { step; result++ } */
static void build_collatz(struct program *p) {
    emit(p, PUSH, 1);
    emit(p, STORE, CANDIDATE);
    int outer = p->length;
    emit_load2(p, CANDIDATE, LIMIT);
    emit(p, LESS, 0);
    int done = emit(p, JUMP_ZERO, 0);
    emit(p, LOAD, CANDIDATE);
    emit(p, STORE, DIVISOR);
    int inner = p->length;
    emit(p, PUSH, 1);
    emit(p, LOAD, DIVISOR);
    emit(p, LESS, 0);
    int next = emit(p, JUMP_ZERO, 0);
    emit(p, INC, RESULT);
    emit(p, LOAD, DIVISOR);
    emit(p, PUSH, 1);
    emit(p, AND, 0);
    int even = emit(p, JUMP_ZERO, 0);
    emit(p, LOAD, DIVISOR);
    emit(p, PUSH, 3);
    emit(p, MUL, 0);
    emit(p, PUSH, 1);
    emit(p, ADD, 0);
    emit(p, STORE, DIVISOR);
    emit(p, JUMP, inner);
    p->code[even] = p->length;
    emit(p, LOAD, DIVISOR);
    emit(p, PUSH, 1);
    emit(p, SHR, 0);
    emit(p, STORE, DIVISOR);
    emit(p, JUMP, inner);
    p->code[next] = p->length;
    emit(p, INC, CANDIDATE);
    emit(p, JUMP, outer);
    p->code[done] = p->length;
    emit(p, HALT, 0);
}

__attribute__((noinline)) static int64_t run(const int64_t *code, int64_t limit) {
    int64_t stack[STACK], local[LOCALS] = {[LIMIT] = limit};
    int64_t *sp = stack;
    for (const int64_t *pc = code;;) {
        int64_t op = pc[0], operand = pc[1];
        pc += 2;
        switch (op) {
        case PUSH: *sp++ = operand; break;
        case LOAD: *sp++ = local[operand]; break;
        case STORE: local[operand] = *--sp; break;
        case ADD: sp--, sp[-1] += sp[0]; break;
        case SUB: sp--, sp[-1] -= sp[0]; break;
        case MUL: sp--, sp[-1] *= sp[0]; break;
        case MOD: sp--, sp[-1] %= sp[0]; break;
        case SHR: sp--, sp[-1] >>= sp[0]; break;
        case AND: sp--, sp[-1] &= sp[0]; break;
        case LESS: sp--, sp[-1] = sp[-1] < sp[0]; break;
        case DUP: sp[0] = sp[-1], sp++; break;
        case JUMP: pc = code + operand; break;
        case JUMP_ZERO:
            if (*--sp == 0) pc = code + operand;
            break;
        case INC: local[operand]++; break;
        case HALT: return local[RESULT];
        default: abort();
        }
    }
}

int main(int argc, char **argv) {
    static struct program primes, collatz;
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    build_primes(&primes);
    build_collatz(&collatz);
    for (long i = 0; i < reps; i++) {
        digest = digest_add(digest, (uint64_t)run(primes.code, 4000 + i % 16));
        digest = digest_add(digest, (uint64_t)run(collatz.code, 1000 + i % 16));
    }
    return digest_print("bytecode", digest);
}
