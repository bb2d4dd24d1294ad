/* uop.h - micro-operations and blocks of them: the language between guests and hosts.
 *
 * A block is one entry, a run of guest instructions, and one or more ways out. Each guest instruction starts with a
 * `mark`; temporaries are numbered from 1 and assigned exactly once; architected state is reached through get and put.
 * Commits come last: within one guest instruction nothing that changes state precedes a uop that may exit, so that at
 * every exit the state is "all earlier instructions, none of this one". core/check.c enforces all of this.
 *
 * Not here: how uops are chosen (guest/), made better (opt/) or become host code (host/).
 */
#ifndef CORE_UOP_H
#define CORE_UOP_H

#include "core/type.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct arena;
struct guest;

enum uop_form {
    FORM_PLAIN,  /* operands only */
    FORM_CONST,  /* imm is the value */
    FORM_POOL,   /* imm is where the value begins in the block's pool */
    FORM_SMALL,  /* x is a small number */
    FORM_COND,   /* x is enum uop_cond */
    FORM_ROUND,  /* x is enum fp_round */
    FORM_SLOT,   /* x is the slot */
    FORM_FRAME,  /* imm is the frame slot */
    FORM_MEM,    /* x is the memory space, imm the displacement */
    FORM_MARK,   /* imm is the guest pc, x the instruction's length */
    FORM_BRANCH, /* x is enum uop_cond, imm the target pc */
    FORM_TARGET, /* imm is the target pc */
    FORM_EXIT,   /* x is enum exit_kind, imm the value when a is none */
    FORM_EXITIF, /* x is enum uop_cond, aux the exit_kind, imm the value */
    FORM_HELPER  /* aux is the helper's number */
};

enum uop_flag { UF_PURE = 1, UF_COMM = 2, UF_FP = 4, UF_EXIT = 8, UF_EFFECT = 16, UF_END = 32, UF_HAND = 64 };

enum uop_op {
#define U(name, r, a, b, c, form, flags, meaning) UOP_##name,
#include "core/uop.def"
    UOP_COUNT
};

enum uop_cond { C_EQ, C_NE, C_LTS, C_GES, C_LTU, C_GEU, C_LES, C_GTS, C_LEU, C_GTU, C_COUNT };
/* A condition and its negation differ in the lowest bit. */

/** Temporaries are numbers within their block; 0 is "none". A wide one takes several: its name is the first. */
struct uop {
    uint16_t op;      /* enum uop_op */
    uint16_t dst;     /* temporary defined, or 0 */
    uint16_t a, b, c; /* operands, or 0 */
    uint16_t x;       /* as the form says */
    uint32_t aux;
    int64_t imm;
};

struct uop_info {
    const char *name;
    uint8_t result, a, b, c; /* enum type */
    uint8_t form;            /* enum uop_form */
    uint8_t flags;           /* enum uop_flag */
};
extern const struct uop_info uop_info[UOP_COUNT];

/** Value of a PURE or FP uop for given operands; FP flags are OR-ed into *flags. Asserts that the uop has a meaning. */
uint64_t uop_eval(enum uop_op op, unsigned x, int64_t imm, uint64_t a, uint64_t b, uint64_t c, uint32_t *flags);

/** Has it a wide operand or result? */
bool uop_is_wide(enum uop_op op);
/** The same of a wide one: cells of its operands (NULL for those that it has not) and its result. */
void uop_eval_wide(enum uop_op op, unsigned x, int64_t imm, uint64_t *r, const uint64_t *a, const uint64_t *b,
                   const uint64_t *c, uint32_t *flags);

/** Access size in bytes of a memory uop (FORM_MEM). */
unsigned uop_mem_size(enum uop_op op);

/** What is noted of a temporary while a block is built. */
struct temp {
    uint32_t def;  /* index of the uop that defines it */
    uint8_t type;  /* enum type */
    uint8_t known; /* what the builder knows of its value (enum known in block.c) */
};

struct block {
    uint64_t pc;  /* of the first instruction */
    uint64_t ctx; /* the context it was lifted under: see CTX_* in cpu.h */
    struct uop *uops;
    struct temp *temps; /* [0] unused */
    uint64_t *pool;     /* wide constants, cell by cell */
    uint32_t nuops, cap;
    uint32_t ntemps, tcap; /* temporaries are 1 .. ntemps-1 */
    uint32_t npool, pool_cap;
    uint32_t ninsns;
    uint32_t bytes; /* of guest code covered from pc on */
};

/** The lifter's hand: appends to one block, folds constants and forwards puts to gets on the way. */
struct builder {
    struct block *block;
    struct arena *arena;
    const struct guest *guest;
    struct uop *at;   /* where the next uop goes; there is always room for one */
    struct uop *last; /* the place behind which there is none */
    uint64_t pc;      /* of the instruction being lifted */
    uint64_t next;    /* pc + its length, once known */
    uint64_t ctx;
    const void *unit;    /* whatever the interface gave for lifting (a language module), or NULL */
    void *notes;         /* the lifter's own for this block, in the arena; NULL at its first instruction */
    uint16_t *slot_temp; /* by slot: the temporary that holds its value now, or 0 */
    const uint8_t
        *guard; /* with the first mark: bytes that have to be at the block's pc, in memory space 0, or it exits */
    uint32_t guard_size;
    bool ended;    /* a uop with END was appended */
    bool branched; /* a conditional branch was: whoever asks takes it back */
    bool failed;   /* out of temporaries or memory: give up */
};

enum { BLOCK_MAX_TEMPS = 4000, BLOCK_MAX_INSNS = 128 };

struct block *block_make(struct arena *arena, uint64_t pc, uint64_t ctx);
void builder_init(struct builder *b, struct block *block, struct arena *arena, const struct guest *guest);
/** Starts the instruction at pc with the given length; emits its mark. */
void builder_mark(struct builder *b, uint64_t pc, unsigned length);
/** The uop written at builder_next becomes part of the block, or folds to something that is there already; returns its
    temporary (0 if it has none). PURE uops of constants come back as constants. */
uint16_t builder_take(struct builder *b);
/** Where the next uop is to be written, field by field: copying it later would cost more than all of its making. */
static inline struct uop *builder_next(struct builder *b) {
    return b->at;
}
static inline uint16_t builder_emit(struct builder *b, struct uop u) {
    struct uop *to = builder_next(b);
    to->op = u.op;
    to->dst = 0;
    to->a = u.a;
    to->b = u.b;
    to->c = u.c;
    to->x = u.x;
    to->aux = u.aux;
    to->imm = u.imm;
    return builder_take(b);
}
uint16_t build_const(struct builder *b, enum type type, uint64_t value);
uint16_t build_const_wide(struct builder *b, enum type type, const uint64_t *cells);
/** True, with *value, if the temporary is a constant, and not wide. */
bool builder_is_const(const struct builder *b, uint16_t temp, uint64_t *value);

/** Checks every rule of this head comment; on failure writes a line that names the uop to `why` and returns false. */
bool block_check(const struct block *block, const struct guest *guest, char *why, size_t size);
void block_print(FILE *out, const struct block *block, const struct guest *guest);
/** The name of a rounding (enum fp_round) there; NULL: there is no such. */
enum { ROUND_COUNT = 5 };
const char *round_name(unsigned round);
/** Parses what block_print writes. NULL with a message in `why` (line and what is wrong). */
struct block *block_parse(const char *text, struct arena *arena, const struct guest *guest, char *why, size_t size);

const char *cond_name(enum uop_cond c);
const char *type_name(enum type t);

/* Inline builders used by the lifters' rows. */
static inline uint16_t build1(struct builder *b, enum uop_op op, uint16_t a) {
    return builder_emit(b, (struct uop){.op = op, .a = a});
}
static inline uint16_t build2(struct builder *b, enum uop_op op, uint16_t a, uint16_t c) {
    return builder_emit(b, (struct uop){.op = op, .a = a, .b = c});
}
static inline uint16_t build3(struct builder *b, enum uop_op op, uint16_t x, uint16_t y, uint16_t z) {
    return builder_emit(b, (struct uop){.op = op, .a = x, .b = y, .c = z});
}
/* x is a condition, rounding mode or small number */
static inline uint16_t buildx(struct builder *b, enum uop_op op, unsigned x, uint16_t p, uint16_t q, uint16_t r) {
    return builder_emit(b, (struct uop){.op = op, .x = x, .a = p, .b = q, .c = r});
}
/** The slot is not known to the builder: appends a get. */
uint16_t builder_read(struct builder *b, unsigned slot);
static inline uint16_t build_get(struct builder *b, unsigned slot) {
    const uint16_t t = b->failed ? 0 : b->slot_temp[slot];
    return t ? t : builder_read(b, slot);
}
void build_put(struct builder *b, unsigned slot, uint16_t temp);
static inline uint16_t build_getf(struct builder *b, enum uop_op op, int64_t slot) {
    return builder_emit(b, (struct uop){.op = op, .imm = slot});
}
static inline void build_putf(struct builder *b, int64_t slot, uint16_t temp) {
    builder_emit(b, (struct uop){.op = UOP_putf, .a = temp, .imm = slot});
}
static inline uint16_t build_load(struct builder *b, enum uop_op op, unsigned space, uint16_t addr, int64_t disp) {
    return builder_emit(b, (struct uop){.op = op, .x = space, .a = addr, .imm = disp});
}
static inline void build_store(struct builder *b, enum uop_op op, unsigned space, uint16_t addr, int64_t disp,
                               uint16_t value) {
    builder_emit(b, (struct uop){.op = op, .x = space, .a = addr, .b = value, .imm = disp});
}
static inline void build_br(struct builder *b, enum uop_op op, enum uop_cond c, uint16_t p, uint16_t q, uint64_t pc) {
    builder_emit(b, (struct uop){.op = op, .x = c, .a = p, .b = q, .imm = (int64_t)pc});
}
static inline void build_jump(struct builder *b, uint64_t pc) {
    builder_emit(b, (struct uop){.op = UOP_jump, .imm = (int64_t)pc});
}
void build_call(struct builder *b, uint64_t pc, uint64_t return_pc);
void build_callind(struct builder *b, uint16_t target, uint64_t return_pc);
static inline void build_jumpind(struct builder *b, uint16_t target) {
    build1(b, UOP_jumpind, target);
}
static inline void build_ret(struct builder *b, uint16_t target) {
    build1(b, UOP_ret, target);
}
static inline void build_exit(struct builder *b, unsigned kind, int64_t value) {
    builder_emit(b, (struct uop){.op = UOP_exit, .x = kind, .imm = value});
}
static inline void build_exitif(struct builder *b, enum uop_op op, enum uop_cond c, uint16_t p, uint16_t q,
                                unsigned kind, int64_t value) {
    builder_emit(b, (struct uop){.op = op, .x = c, .a = p, .b = q, .aux = kind, .imm = value});
}
uint16_t build_helper(struct builder *b, unsigned number, uint16_t p, uint16_t q, uint16_t r);

#endif
