/* guest.h - the table that a guest fills in: what code of this kind means. One per guest, const.
 *
 * The engine calls these and knows nothing else about the guest. Lifting reads the bytes, the context word and the
 * unit; nothing else (a cpu is not even passed).
 */
#ifndef CORE_GUEST_H
#define CORE_GUEST_H

#include "core/cpu.h"
#include "core/effect.h"
#include "core/fields.h"
#include "core/uop.h"

/** A place that get and put name: a field element of the guest's cpu. */
struct slot {
    const char *name;
    uint32_t offset; /* from the start of the guest's cpu struct */
    uint8_t type;    /* T_I32, T_I64, T_F64, T_V128; the offset is a multiple of its size, and slots do not overlap */
    uint8_t flags;   /* enum slot_flag */
    uint8_t place;   /* of the field (core/effect.h) */
};
enum slot_flag {
    SLOT_FP_FLAGS = 1 /* is cpu.fp_flags: host sticky flags are merged before a get and dropped after a put */
};

/* ACCESS_LOOK: by somebody who is not the guest (a debugger): as loads and stores are translated now, whatever may be
   done there; nothing is recorded. */
enum access { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, ACCESS_LOOK };

/** Result of an address translation. */
struct walk {
    uint64_t physical;
    uint64_t page_size; /* bytes; a power of two; the largest unit with the same rights */
    uint64_t mapping;   /* bytes of the mapping that it is part of, which goes as a whole; or 0 */
    bool global;        /* which is in every address space */
    bool read, write, execute;
    uint32_t fault; /* EXIT_none or the exit kind to take */
};

struct helper;
/** Ends the process where a helper leaves that does not say so, or has changed something when it leaves before. */
void noting_help(const struct cpu *cpu, const struct noting *n, const struct helper *h);

/** C function that lifted code can call. Builders, translators and checks rely on what it declares. */
struct helper {
    const char *name;
    uint64_t (*call)(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c);
    struct effect effect; /* everything that it reads and writes */
    bool exits;           /* may set cpu->exit.kind: a BEFORE kind means that it has changed nothing */
};

/** What the functions of a guest's table read and write, by function; none of those that are NULL. */
struct guest_effects {
    struct effect walk, enter_trap, take_interrupt, wakes, set_line, tick;
};

/** What traps and modes are called, by the numbers of struct cpu_traps; NULL: there is none of that number. */
struct trap_names {
    const char *cause[2][TRAP_CAUSES]; /* traps, interrupts */
    const char *mode[4];
};

struct guest {
    const char *name;
    const char *isa, *mmu; /* ISA guests: as device trees call them */
    size_t cpu_size;
    const struct field *fields; /* declared state, offsets from the start of the cpu struct */
    unsigned nfields;
    const struct slot *slots;
    unsigned nslots;
    const uint16_t *pins;    /* slots of integer type that hosts keep in registers, hottest first, 0xffff ends */
    const uint16_t *fp_pins; /* likewise of types in BANK_FP */
    const struct helper *helpers;
    unsigned nhelpers;
    /* By helper: type of the result and of a, b, c where that is wide, else T_N; NULL: none is. A wide operand is in
       cpu->wide[1], [2] or [3] (a, b or c then mean nothing), a wide result is left in cpu->wide[0]. */
    const uint8_t (*wide_helpers)[4];
    unsigned pc_align;       /* instruction addresses are multiples of this */
    bool explicit_coherence; /* code changes take effect at EXIT_code_changed only */

    void (*reset)(struct cpu *cpu);
    /** Writes element `index` of a field with a write mask as software would: what the mask and the values of others
        leave of it, with all that hangs on it. False: it is not for software to write. *actions: enum field_flag, what
        the change asks for. NULL: the mask alone. */
    bool (*set_field)(struct cpu *cpu, unsigned field, unsigned index, uint64_t value, unsigned *actions);
    /** Packs the fields with ctx_bits, from CTX_GUEST_SHIFT up. */
    uint64_t (*context)(const struct cpu *cpu);
    /** Lifts the one instruction at b->pc from `bytes` (`avail` of them readable). Returns its length and has emitted
        mark and uops; or 0 when more bytes than `avail` are needed. Illegal code lifts to an exit. */
    unsigned (*lift)(struct builder *b, const uint8_t *bytes, size_t avail);
    /** May be NULL. Called before a block ends that the lifter has not ended: stores what it has kept back. */
    void (*end)(struct builder *b);
    /** Text of the instruction; returns its length (at least 1). `bytes` as for lift. */
    unsigned (*disassemble)(char *text, size_t size, uint64_t pc, const uint8_t *bytes, size_t avail, const void *unit);
    /** ISA guests: translates a virtual address. NULL: addresses are physical. */
    void (*walk)(struct cpu *cpu, uint64_t address, enum access access, struct walk *result);
    /** ISA guests: drops what a cpu with soft.views knows of the mapping of an address (NULL: of all) in the address
       space of this number (NULL: in all; what is global is in no single one). Touches no field. NULL: has no spaces.
     */
    void (*forget)(struct cpu *cpu, const uint64_t *address, const uint64_t *space);
    /** ISA guests: enters the trap for the exit in cpu->exit (state as its row says); sets pc. Yields the actions (enum
        field_flag) that the change asks for: for cpu_ask. */
    unsigned (*enter_trap)(struct cpu *cpu);
    /** ISA guests: true when an enabled interrupt is pending; then takes it. *actions as enter_trap's, 0 if none. */
    bool (*take_interrupt)(struct cpu *cpu, unsigned *actions);
    /** ISA guests: is an interrupt pending that ends a wait (enabled one by one, whatever the global enable says)? */
    bool (*wakes)(const struct cpu *cpu);
    /** ISA guests: sets the level of an interrupt wire, numbered as the guest's manual numbers causes. */
    void (*set_line)(struct cpu *cpu, unsigned line, bool level);
    /** ISA guests: tells timers that are part of the cpu the time (COUNTER_TIME); they set their interrupts. Returns
       the time at which this is wanted next, UINT64_MAX for never. */
    uint64_t (*tick)(struct cpu *cpu, uint64_t time);
    const struct trap_names *trap_names; /* ISA guests */
    const struct guest_effects *effects; /* may be NULL where none of these is there */
};

/** A helper's wide types, as above. */
static inline const uint8_t *helper_types(const struct guest *guest, unsigned number) {
    static const uint8_t narrow[4];
    return guest->wide_helpers ? guest->wide_helpers[number] : narrow;
}

/* The ways to call what a guest's table declares the effects of: builds with checks compare. */
enum guest_function {
    GUEST_walk,
    GUEST_enter_trap,
    GUEST_take_interrupt,
    GUEST_wakes,
    GUEST_set_line,
    GUEST_tick,
    GUEST_FUNCTIONS
};
#ifdef VEE_CHECK
#define GUEST_CALL(cpu_, function, call)                                                                               \
    do {                                                                                                               \
        struct cpu *noting_cpu = (struct cpu *)(uintptr_t)(cpu_);                                                      \
        const struct guest *noting_guest = noting_cpu->guest;                                                          \
        struct noting noting;                                                                                          \
        noting_begin(noting_cpu, &noting);                                                                             \
        call;                                                                                                          \
        noting_end(noting_cpu, &noting, &noting_guest->effects->function, #function,                                   \
                   noting_guest->nhelpers + GUEST_##function);                                                         \
    } while (0)
#else
#define GUEST_CALL(cpu_, function, call) call
#endif

static inline void guest_walk(struct cpu *cpu, uint64_t address, enum access access, struct walk *result) {
    GUEST_CALL(cpu, walk, cpu->guest->walk(cpu, address, access, result));
}
static inline unsigned guest_enter_trap(struct cpu *cpu) {
    unsigned actions;
    GUEST_CALL(cpu, enter_trap, actions = cpu->guest->enter_trap(cpu));
    return actions;
}
static inline bool guest_take_interrupt(struct cpu *cpu, unsigned *actions) {
    bool taken;
    GUEST_CALL(cpu, take_interrupt, taken = cpu->guest->take_interrupt(cpu, actions));
    return taken;
}
static inline bool guest_wakes(const struct cpu *cpu) {
    bool wakes;
    GUEST_CALL(cpu, wakes, wakes = cpu->guest->wakes(cpu));
    return wakes;
}
static inline void guest_set_line(struct cpu *cpu, unsigned line, bool level) {
    GUEST_CALL(cpu, set_line, cpu->guest->set_line(cpu, line, level));
}
static inline uint64_t guest_tick(struct cpu *cpu, uint64_t time) {
    uint64_t next;
    GUEST_CALL(cpu, tick, next = cpu->guest->tick(cpu, time));
    return next;
}
static inline uint64_t guest_help(struct cpu *cpu, unsigned number, uint64_t a, uint64_t b, uint64_t c) {
    const struct helper *h = &cpu->guest->helpers[number];
#ifdef VEE_CHECK
    struct noting n;
    noting_begin(cpu, &n);
    const uint64_t result = h->call(cpu, a, b, c);
    noting_help(cpu, &n, h);
    noting_end(cpu, &n, &h->effect, h->name, number);
    return result;
#else
    return h->call(cpu, a, b, c);
#endif
}

#endif
