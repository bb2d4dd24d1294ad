/* cpu.h - what every virtual cpu has, whatever its guest: the part that the engine and translated code share.
 *
 * A guest's cpu struct starts with `struct cpu` and goes on with its declared fields. Everything here is either
 * architected (pc, fp_flags, frame, reservation) or the engine's (poll, budget, exit, caches); the guest's rows say
 * which of them are digested and saved. Owned by one host thread; `poll` alone may be set from outside.
 */
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include "base/limits.h"
#include "core/effect.h"
#include "core/type.h"
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

struct guest;
struct interface;
struct engine;
struct runner;
struct tlb;
struct tlb_line;
struct tlb_views;
struct phys;
struct cpu;

enum exit_kind {
#define E(name, when, text) EXIT_##name,
#include "core/exit.def"
    EXIT_COUNT
};
enum exit_when { EXIT_BEFORE, EXIT_AFTER };
struct exit_info {
    const char *name;
    const char *text;
    enum exit_when when;
};
extern const struct exit_info exit_info[EXIT_COUNT];

struct exit {
    uint32_t kind; /* enum exit_kind */
    uint64_t value;
};

/* The context word: what lifted code may depend on besides the bytes. Low byte: the engine's; above: the guest's
   fields with ctx_bits, in row order. */
enum {
    CTX_COUNTED = 1, /* code subtracts from the budget */
    CTX_TRACED = 2,  /* one instruction a block */
    CTX_GUEST_SHIFT = 8
};

/* How a logical memory space is reached; bound by the interface, read by host/ and engine/ only. */
enum mem_kind {
    MEM_NONE,
    MEM_DIRECT, /* host address = guest address; the host's page tables protect */
    MEM_WINDOW, /* host address = base + guest address, guest address below limit (else fault) */
    MEM_LINEAR, /* host address = base + guest address; base is followed by a reserve that covers any reachable one */
    MEM_SOFT    /* through the cpu's software TLB */
};
enum {
    MEM_SPACES = 4,
    PAIR_FRAME = 16,
    SPILLS = LIMIT_SPILL_CELLS,
    JTLB_LINES = LIMIT_JTLB_LINES,
    JTLB_NOTES = LIMIT_JTLB_NOTES
};

struct mem_view {
    uint32_t kind; /* enum mem_kind */
    uint32_t
        trap; /* enum exit_kind: what a fault there always is; EXIT_none: the instruction is interpreted to find out */
    uint8_t *base;
    uint64_t limit;
    struct tlb *tlb; /* MEM_SOFT: its lines and their number are here, too, for translated code (mem_use) */
    struct tlb_line *lines;
    uint64_t mask;
};
/** MEM_SOFT: loads and stores go by this TLB from now on; lines, mask: its own (mem/mem.h). */
static inline void mem_use(struct mem_view *m, struct tlb *t, struct tlb_line *lines, uint64_t mask) {
    m->tlb = t;
    m->lines = lines;
    m->mask = mask;
}

/* A line of the jump TLB: guest pc to host code, for the context it belongs to. Empty: a pc that
   belongs to another line (jtlb_empty, or 0 but in line 0), so that no target matches it, not even one that is not
   aligned yet. */
struct jtlb_line {
    uint64_t pc;
    const void *code;
};
/** A target that never is in line i. */
static inline uint64_t jtlb_empty(unsigned i, unsigned pc_align) {
    return ~((uint64_t)i * pc_align);
}

/* The cpu's parts, by what uses them. Those that are named may be used by the layers that tool/check_layers.py says. */

/** Counted code: translated code takes from the budget, the engine grants it. */
struct cpu_count {
    int64_t budget;    /* instructions left, when CTX_COUNTED */
    uint64_t executed; /* instructions done before the current budget was granted */
    int64_t granted;   /* the budget that was granted */
    int64_t ahead;     /* what translated code took from the budget for instructions that it has not begun; it says so
                          before each C call that may ask (helpers, slow accesses); 0 at exits and in the interpreter */
};

/** From unit to unit without the loop: the engine's and translated code's. */
struct cpu_jumps {
    struct jtlb_line *lines; /* JTLB_LINES of them */
    const uint64_t *routes;  /* where links lead that cannot be patched, by number + 1; 0: to the loop */
    const void *site;        /* link cell or stub through which translated code left, or NULL */
    void *pair_sp;           /* pairing stack pointer between two runs of translated code */
    void *pair_base;         /* where the pairing stack is empty */
};

/** Translated code's own, and its thunks': nobody's else but the host's. */
struct cpu_host {
    void *sp;                 /* the C stack while translated code runs */
    uint32_t fpcsr;           /* the host's FP control and status: translated code's */
    uint32_t vee_fpcsr;       /* and vee's own */
    const void *const *calls; /* C functions that translated code calls, by number */
    uint64_t args[4];         /* of such a call: what, a, b, c */
    uint64_t result;          /* and what it yielded */
    uint64_t save[44];        /* for the host's thunks */
    uint64_t spill[SPILLS];
};

/** MEM_SOFT: the engine's, set up by a machine. */
struct cpu_soft {
    struct tlb_views *views; /* where the TLB of space 0 comes from, or NULL if there is only the one */
    uint32_t view;           /* and which it is: the guest changes both when its rights change */
    uint64_t space;          /* likewise its address space */
    uint64_t remapped; /* and with FIELD_REMAP an address of what is mapped otherwise; UINT64_MAX: everything is */
    struct phys *phys; /* physical memory, for the guest's page walks */
};

/** Traps and interrupts that the guest has taken, for whoever wants to know: nothing depends on it. */
enum { TRAP_CAUSES = 16 };
struct cpu_traps {
    uint64_t count;                     /* of all; the last one: */
    uint64_t pc, value;                 /* where it came, and what it says besides */
    uint8_t cause, interrupt, from, to; /* by number; is it an interrupt; modes (struct trap_names) */
    uint64_t by_cause[2][TRAP_CAUSES];  /* counts: traps, interrupts */
};

struct cpu {
    /* architected: state of the guest's that every guest has */
    uint64_t pc;       /* at exits: as exit.def says; stale while translated code runs */
    uint32_t fp_flags; /* accrued IEEE flags (fp.h); translated code keeps new ones in the host's status register */
    uint8_t *frame;    /* current frame of a language guest: host address of its slot 0 */
    uint64_t reserve_address; /* lr/sc: guest address, or -1 */
    uint64_t reserve_value;   /* nothing, if there is no reservation */
    /* running and stopping */
    uint32_t poll; /* nonzero: come to the loop at the next poll */
    struct exit exit;
    uint32_t actions; /* enum field_flag: what the guest's changes ask for, until the loop has done it */
    /* memory */
    uint8_t *frame_base;  /* start of the guest stack; saved frames are offsets from here */
    uint8_t *frame_limit; /* end of it */
    struct mem_view mem[MEM_SPACES];
    struct cpu_soft soft;
    /* whose it is */
    const struct guest *guest;
    struct engine *engine;
    struct runner *runner;             /* the engine's own data for this cpu */
    void *owner;                       /* the interface's own data for this cpu */
    const struct interface *interface; /* who answers, and its self: for what guests ask of it (counter) */
    void *self;
    /* counting, jumping, the host */
    struct cpu_count count;
    struct cpu_jumps jumps;
    struct cpu_host host;
    struct cpu_traps traps;
    uint64_t wide[4][TYPE_CELLS]; /* of any C call: what it yielded, a, b, c, where that is wide */
    /* builds with checks: */
    struct effect *noted; /* what is touched is noted here, unless it is NULL */
    struct effect *seen;  /* by helper, then by function of the guest's table: all that ever was; or NULL */
};

/* Accessors of state: the one at this place is read or written. */
enum note { NOTE_READ, NOTE_WRITE };
static inline void cpu_note(const struct cpu *cpu, unsigned place, enum note how) {
#ifdef VEE_CHECK
    if (cpu->noted) *(how == NOTE_READ ? &cpu->noted->reads : &cpu->noted->writes) |= IN_SET(place);
#else
    (void)cpu, (void)place, (void)how;
#endif
}

/* What every cpu has, for guests. */
static inline uint64_t cpu_pc(const struct cpu *cpu) {
    cpu_note(cpu, PLACE_PC, NOTE_READ);
    return cpu->pc;
}
static inline void cpu_set_pc(struct cpu *cpu, uint64_t pc) {
    cpu_note(cpu, PLACE_PC, NOTE_WRITE);
    cpu->pc = pc;
}
static inline uint32_t cpu_fp_flags(const struct cpu *cpu) {
    cpu_note(cpu, PLACE_FP_FLAGS, NOTE_READ);
    return cpu->fp_flags;
}
static inline void cpu_set_fp_flags(struct cpu *cpu, uint32_t flags) {
    cpu_note(cpu, PLACE_FP_FLAGS, NOTE_WRITE);
    cpu->fp_flags = flags;
}
static inline void cpu_drop_reservation(struct cpu *cpu) {
    cpu_note(cpu, PLACE_RESERVE, NOTE_WRITE);
    cpu->reserve_address = UINT64_MAX;
}
static inline uint8_t *cpu_frame(const struct cpu *cpu) {
    cpu_note(cpu, PLACE_FRAME, NOTE_READ);
    return cpu->frame;
}
/** Asks the engine for these actions (enum field_flag). */
static inline void cpu_ask(struct cpu *cpu, unsigned actions) {
    cpu_note(cpu, PLACE_ACTIONS, NOTE_WRITE);
    cpu->actions |= actions;
}

/** Instructions executed so far; exact at every exit of counted code. In helpers and device accesses it is exact too,
    and includes the instruction that is being executed. */
static inline uint64_t cpu_count(const struct cpu *cpu) {
    return cpu->count.executed + (uint64_t)(cpu->count.granted - cpu->count.budget - cpu->count.ahead);
}

/** Helpers and interfaces: asks for an exit of this kind. */
static inline void cpu_exit(struct cpu *cpu, enum exit_kind kind, uint64_t value) {
    cpu->exit = (struct exit){.kind = kind, .value = value};
}

#endif
