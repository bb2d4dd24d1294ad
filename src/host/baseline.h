/* baseline.h - the one-pass translator: where the value of each temporary is, and what a target must offer.
 *
 * A temporary's value is in any of: a constant; a scratch register; a slot (in the slot's pin, or in the cpu's memory
 * for slots without one), or two of them; a spill cell. `tied[slot]` is the temporary whose value the slot holds now; a
 * put moves the old one's value away first if it is still wanted and nowhere else. Pins always hold the architected
 * value at every uop that may exit, so leaving needs no repair. A result may be computed straight into a pin when the
 * put that follows allows (a hint). A wide value is in one register of its bank, in its slots, or in several spill
 * cells in a row.
 */
#ifndef HOST_BASELINE_H
#define HOST_BASELINE_H

#include "base/arena.h"
#include "core/host.h"

enum { NO_REG = 0xff, HOST_REGS = 16 /* of each bank, by number */ };

struct value {
    uint64_t constant; /* of a wide one: where it begins in the block's pool */
    uint32_t last;     /* index of the uop that uses it last; 0: never used */
    uint32_t hint_at;  /* while looking back: index of the put that `hint` comes from */
    uint16_t root;     /* the temporary whose place this one shares (itself, usually) */
    uint16_t slot;     /* slot + 1 that holds it, or 0: one with a pin, if there is one */
    uint16_t other;    /* slot + 1 that holds it as well, or 0 */
    uint16_t hint;     /* slot + 1 that it will be put into, or 0 */
    uint16_t spill;    /* (first) spill cell + 1, or 0 */
    uint8_t reg;       /* scratch register, or NO_REG */
    uint8_t bank;
    bool is_const;
    bool boxed : 1;    /* FP: known to be a boxed f32 */
    bool several : 1;  /* used more than once */
    bool whole : 1;    /* used otherwise than through a narrowing */
    bool needless : 1; /* an extension of which only the narrow half is used: shares its operand's place */
    bool absorbed : 1; /* computed by its only user; its operand `a` lives until then */
};
_Static_assert(sizeof(struct value) == 32, "cleared for each block");

struct jit;

/** What a target offers: moves, and the selection of one uop. */
struct target {
    void (*move)(struct jit *j, enum bank bank, uint8_t to, uint8_t from);
    void (*load)(struct jit *j, enum bank bank, uint8_t to, uint32_t offset, unsigned size); /* from the cpu */
    void (*store)(struct jit *j, enum bank bank, uint32_t offset, uint8_t from, unsigned size);
    void (*constant)(struct jit *j, enum bank bank, uint8_t to, uint64_t value); /* see struct value */
    void (*store_constant)(struct jit *j, uint32_t offset, uint64_t value, unsigned size);
    /** Can the user compute the definition (a pure uop that nobody else uses) on the way? */
    bool (*absorbs)(const struct jit *j, const struct uop *user, const struct uop *definition);
    /** Emits uop number i. */
    void (*select)(struct jit *j, const struct uop *u);
    void (*begin)(struct jit *j);
    void (*end)(struct jit *j);
    /** Host register of each slot's pin, NO_REG for none: by slot. */
    const uint8_t *(*pins)(const struct emission *m);
    /** Scratch registers of a bank, the best first; NO_REG ends. They are those that rules ask for by name, and all
       that the guest pins nothing to. */
    const uint8_t *(*scratch)(const struct emission *m, enum bank bank);
};

struct cold; /* the target's out-of-line code */

/* The target's: the last lr of the block, while what it noted in the cpu is what it was: its operands and result. */
struct noted {
    uint16_t address, value, space, size; /* address 0: none */
    int64_t imm;
};

struct jit {
    struct emission *m;
    const struct target *target;
    const struct block *block;
    const struct guest *guest;
    uint8_t *p, *limit;           /* next byte, in the writable view */
    struct value *v;              /* by temporary */
    const uint8_t *pin_of;        /* by slot */
    const uint8_t *scratch[2];    /* by bank */
    uint16_t *tied;               /* by slot */
    bool *dead;                   /* by uop, of puts only: nobody can see it */
    uint16_t owner[2][HOST_REGS]; /* by bank and scratch register: the temporary in it */
    uint16_t locked[2];           /* by bank: scratch registers that the current uop uses */
    uint16_t spilled[SPILLS];     /* by spill cell: the temporary in it, dead or alive */
    uint32_t nspilled;            /* cells that have ever been used */
    uint32_t at;                  /* index of the current uop */
    uint32_t insn;                /* index of the current guest instruction */
    uint64_t pc, next;            /* of the current guest instruction */
    uint32_t poll;                /* the target's: rel32 of the poll's way out */
    struct noted lr;
    uint32_t sc_done; /* the target's: the sc that its lr has done already, or 0 */
    uint32_t stored;  /* the target's: byte stores up to this uop have been done together */
    bool drained;     /* the target's: nothing was stored to guest memory since what waits for all earlier stores */
    struct cold *cold;
    uint32_t ncold, cold_cap;
    enum emit_result failed; /* EMIT_OK so far */
};

/** The first reason counts: what is selected after it is not used. */
static inline void jit_fail(struct jit *j, enum emit_result why) {
    if (!j->failed) j->failed = why;
}

enum emit_result baseline_emit(struct emission *m, const struct target *target);

/* The uop that defines a temporary. */
static inline const struct uop *definition_of(const struct jit *j, uint16_t t) {
    return &j->block->uops[j->block->temps[t].def];
}

/* For select rules. Registers returned are locked until the uop is done. */
static inline struct value *value_of(struct jit *j, uint16_t t) {
    return &j->v[j->v[t].root];
}
/** A register that holds the temporary; it must not be written unless value_dies and it is no pin. */
uint8_t use_reg(struct jit *j, uint16_t t);
/** The register that holds it already, or NO_REG. */
uint8_t reg_now(struct jit *j, uint16_t t);
/** Its place in the cpu's memory (offset), if it has one and no register. */
bool in_memory(struct jit *j, uint16_t t, uint32_t *offset);
/** A register for the result; may be that of an operand that dies here. */
uint8_t def_reg(struct jit *j, uint16_t t);
/** As def_reg, but never the hinted pin (for rules that write it before they are done). */
uint8_t def_scratch(struct jit *j, uint16_t t);
/** Says that the result is in scratch register r (which take_reg or temp_reg gave). */
void def_in(struct jit *j, uint16_t t, uint8_t r);
/** The hinted pin, if it may be written now and is neither p nor q; else NO_REG (and nothing is decided). */
uint8_t def_pin_free(struct jit *j, uint16_t t, uint8_t p, uint8_t q);
/** Says that the result has been computed in scratch register r; moves it into its hinted pin if it may go there. */
void def_from(struct jit *j, uint16_t t, uint8_t r);
/** Copies the operand into register r (taken by take_reg or temp_reg), wherever it is. */
void fetch_into(struct jit *j, uint16_t t, uint8_t r);
/** Forgets the locks but for these registers (a bit set): the rule is done with its other operands. */
static inline void only_lock(struct jit *j, enum bank bank, unsigned set) {
    j->locked[bank] = (uint16_t)set;
}
/** Drops the lock of a register that the rule does not read again: what lives on in it is saved when it is taken. */
static inline void unlock_reg(struct jit *j, enum bank bank, uint8_t r) {
    j->locked[bank] &= (uint16_t) ~(1u << r);
}
/** A scratch register for the rule's own use. A rule may have all but none of them locked at once: scratch registers
    of the bank are as many as there may be locks. */
uint8_t temp_reg(struct jit *j, enum bank bank);
/** That scratch register in particular: whatever it holds is moved away. */
void take_reg(struct jit *j, enum bank bank, uint8_t r);
bool value_dies(struct jit *j, uint16_t t);
/** Moves every value that lives on out of the slots of these fields (before C code that writes them). */
void leave_slots(struct jit *j, place_set written);
void put_slot(struct jit *j, unsigned slot, uint16_t t);
void get_slot(struct jit *j, uint16_t t, unsigned slot);
/** Instructions after the current one that the block's entry has taken from the budget. */
static inline uint32_t insns_ahead(const struct jit *j) {
    return j->block->ninsns - (j->insn + 1);
}

#endif
