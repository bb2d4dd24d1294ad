/* A stack machine dispatched by a switch, running a program that counts primes by trial division and one that runs
 * Collatz sequences: the shape of most interpreters.
 * kind: interp */
#include "kernel.h"

enum { REPS = 24, STACK = 64, LOCALS = 8 };

enum op { PUSH, LOAD, STORE, ADD, SUB, MUL, MOD, SHR, AND, LESS, EQUAL, DUP, DROP, JUMP, JUMP_ZERO, INC, HALT };

/* locals: 0 = limit, 1 = candidate, 2 = divisor, 3 = count */
static const int32_t primes[] = {
    PUSH,  2,     STORE, 1,                                                   /* 0: candidate = 2 */
    LOAD,  1,     LOAD,  0,     LESS,      JUMP_ZERO, 45,                     /* 4: while candidate < limit */
    PUSH,  2,     STORE, 2,                                                   /* 11: divisor = 2 */
    LOAD,  2,     DUP,   MUL,   LOAD,      1,         PUSH,  1,  ADD,  LESS,  /* 15: while divisor^2 < candidate + 1 */
    JUMP_ZERO, 40,                                                            /* 25 */
    LOAD,  1,     LOAD,  2,     MOD,       JUMP_ZERO, 42,                     /* 27: if candidate % divisor == 0 -> 42 */
    INC,   2,     JUMP,  15,    HALT,      HALT,                              /* 34 */
    INC,   3,                                                                 /* 40: count++ */
    INC,   1,     JUMP,                                                       /* 42: candidate++ */
    4 /* shared with the exit below: see primes_exit */,
};

/* locals: 0 = limit, 1 = start, 2 = value, 3 = steps */
static const int32_t collatz[] = {
    PUSH,  1,     STORE, 1,                                                   /* 0: start = 1 */
    LOAD,  1,     LOAD,  0,     LESS,      JUMP_ZERO, 49,                     /* 4: while start < limit */
    LOAD,  1,     STORE, 2,                                                   /* 11: value = start */
    LOAD,  2,     PUSH,  1,     EQUAL,     JUMP_ZERO, 24, JUMP, 45,           /* 15: until value == 1 */
    LOAD,  2,     PUSH,  1,     AND,       JUMP_ZERO, 42,                     /* 24: if odd */
};
