/* host.h - the table that a host fills in: turning blocks into machine code of this computer. One per host, const.
 *
 * The engine owns the memory (a cache with a writable and an executable view), the host owns what is in it. A unit of
 * code is what one block becomes. It has two entries: `entry` for forward edges, and `poll_entry`, a few bytes before,
 * for back edges and indirect jumps, which looks at cpu->poll first. Links are the direct jumps out of a unit: each
 * leads to a stub in the unit that leaves with EXIT_none and cpu->jumps.site = the link's number + 1, until it is
 * patched to lead to another unit's entry. The engine knows where the link leads; a stub need not say it in cpu->pc,
 * but for an inline cache's. Where code cannot be patched, cpu->jumps.routes has an address for that number, to which
 * the stub goes instead. Every other way out leaves jumps.site alone, which is NULL on entry.
 */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include "base/guest_memory.h"
#include "core/cpu.h"
#include "core/guest.h"
#include "core/state_map.h"
#include "core/uop.h"
#include <string.h>

/* C functions that emitted code calls, by number: cpu->host.calls has them in this order. All have this form. */
enum host_call {
    HOST_CALL_EVAL,      /* a uop by its meaning: what = op | x << 16 */
    HOST_CALL_EVAL_WIDE, /* the same of a wide one: its wide operands and result are in cpu->wide */
    HOST_CALL_READ,      /* memory read: what = uop op | space << 16, a = address; may exit; a wide result likewise */
    HOST_CALL_WRITE,     /* memory write: b = value (a wide one likewise); may exit */
    HOST_CALL_ATOMIC,    /* amo, cas, lr, sc: may exit */
    HOST_CALL_HELPER,    /* guest helper: what = its number; may exit */
    HOST_CALL_FMA_NAN,   /* a, b: factors of a sum that came out as a NaN; what: 1 for binary64. Accrues the flags */
    HOST_CALL_LOOK,      /* MEM_SOFT: a = a guest pc: the address of code for it, or 0: leave (cpu->pc has it, too) */
    HOST_CALL_ACCESS,    /* MEM_SOFT: READ, WRITE or ATOMIC; what = an address, from ACCESS_WORD on which is a word that
                            says more (access_word). Settles everything itself, and may leave */
    HOST_CALL_COUNT
};
typedef uint64_t host_call_fn(struct cpu *cpu, uint64_t what, uint64_t a, uint64_t b, uint64_t c);

/* What an access of soft memory is, in 32 bits: uop, memory space, instructions that the unit has counted but not run,
 * and how far behind the unit's pc the instruction's is. */
enum { ACCESS_WORD = 1 /* of the host's code, behind the return address */ };
_Static_assert(UOP_COUNT <= 1 << 10 && MEM_SPACES <= 4, "they fit the word");
static inline bool access_word(unsigned op, unsigned space, uint32_t ahead, uint64_t pc_offset, uint32_t *word) {
    *word = op | space << 10 | ahead << 12 | (uint32_t)pc_offset << 20;
    return ahead < 1 << 8 && pc_offset < 1 << 12;
}

/* Marks say which host code belongs to which instruction of a unit. For each instruction: the length of its host code,
 * from the end of the one before (of the first: from poll_entry), and its own length. A length is a byte, or 255 and
 * four more. */
enum { MARK_MOST = 10 }; /* bytes of one instruction's */
static inline uint8_t *mark_put(uint8_t *p, uint32_t length) {
    *p++ = length < 255 ? (uint8_t)length : 255;
    if (length < 255) return p;
    memcpy(p, &length, 4);
    return p + 4;
}
static inline uint32_t mark_take(const uint8_t **p) {
    uint32_t length = *(*p)++;
    if (length < 255) return length;
    memcpy(&length, *p, 4);
    *p += 4;
    return length;
}

/** A direct jump out of a unit. */
struct code_link {
    uint64_t target_pc;
    uint32_t patch : 31; /* offset of its rel32 (or whatever the host patches) from the cache's start */
    uint32_t back : 1;   /* leads backwards: link to poll_entry */
    uint32_t stub : 31;  /* offset of the stub it leads to while unlinked */
    uint32_t cell : 1;   /* an inline cache's cell at `patch`, for whatever target comes first; target_pc is unused */
};

/** What emit gets and gives. Offsets are from the cache's start. */
struct emission {
    const struct guest *guest;
    const struct block *block;
    const struct cpu *cpu; /* for the kinds and bounds of memory spaces only */
    struct arena *arena;
    uint8_t *write;      /* writable view of the cache's start */
    uint8_t *execute;    /* executable view of the same byte */
    uint32_t at, limit;  /* free space in the cache */
    uint32_t first_link; /* number that the first link of this unit will have */
    bool counted;
    bool movable;    /* it may come to lie elsewhere: relocations are wanted */
    bool check;      /* what is selected is compared with what the rows say */
    bool switchable; /* its entries are such that they may be redirected and restored while other cpus run it */
    /* results */
    uint32_t poll_entry, entry, end;
    uint32_t lookup;  /* code that leaves for the block's own pc: where a stale unit is redirected to */
    uint32_t hot_end; /* marks cover [poll_entry, hot_end) */
    uint8_t *marks;   /* of ninsns instructions */
    uint32_t marks_size;
    struct code_link *links;
    uint32_t nlinks, link_cap;
    uint32_t *relocs; /* ascending */
    uint32_t nrelocs, reloc_cap;
};

/* Relocations: positions of the words (of 4 bytes) in emitted code that depend on where it lies in the cache: they are
 * relative to the code's own place but lead to the cache's head. With RELOC_LINK it is the number of a link that a stub
 * says. */
enum { RELOC_LINK = 0x80000000u };

enum emit_result {
    EMIT_OK,
    EMIT_FULL,      /* no room in the cache */
    EMIT_LARGE,     /* more values at once than there are places for: a part of the block will do */
    EMIT_NO_MEMORY, /* of the arena */
    EMIT_REFUSED    /* a bug: there is no block that a host may refuse */
};

struct host {
    const char *name;
    uint32_t machine;  /* its number in object files */
    uint32_t dispatch; /* code in the cache's head that goes on at cpu->pc, by the jump TLB or to the loop */
    /** Emits the enter and leave thunks and constants at the cache's start; returns bytes used. */
    uint32_t (*prepare)(const struct guest *guest, uint8_t *write, uint8_t *execute, uint32_t limit);
    enum emit_result (*emit)(struct emission *e);
    /** The map of every exit of emitted code, until the leave thunk has run, which is that map as code: entries for the
        slots that are kept in registers. At most HOST_PINS; yields how many. of_slot: all zero. */
    uint32_t (*state)(const struct guest *guest, struct state_entry *entries, uint16_t *of_slot);
    /** Runs code until it leaves; cpu->exit, cpu->pc, cpu->jumps.site say why. */
    void (*enter)(struct cpu *cpu, const uint8_t *execute, const void *code);
    /** In HOST_CALL_ACCESS: it does not return, but guest code is left. */
    void (*leave_from_call)(struct cpu *cpu, const uint8_t *execute);
    /** Makes a link (at offset `patch`) lead to the code at offset `to`. */
    void (*patch)(uint8_t *write, uint32_t patch, uint32_t to);
    /** Fills an inline cache cell, once. */
    void (*fill_cell)(uint8_t *write, uint32_t cell, uint64_t pc, const void *code);
    /** Makes the unit with these entries forward to `to` from now on. */
    void (*redirect)(uint8_t *write, uint32_t poll_entry, uint32_t entry, uint32_t to);
    /** A switchable one: makes it what it was before. */
    void (*restore)(uint8_t *write, uint32_t poll_entry, uint32_t entry);
    /** A host fault at host pc in the cache: prepares the signal context so that it leaves. The state is in its place
       in the cpu by then: no register is looked at any more. */
    void (*leave_from_fault)(void *ucontext, const uint8_t *execute);
    /** For struct state_source. */
    void (*fault_register)(const void *ucontext, enum bank bank, unsigned reg, uint64_t cells[TYPE_CELLS]);
    uint64_t (*fault_pc)(void *ucontext);
    struct cpu *(*fault_cpu)(void *ucontext); /* valid when fault_pc is in the cache */
    /** A fault that is a full pairing stack: empties it in the context and returns true. */
    bool (*fault_pair)(void *ucontext, void *address, struct cpu *cpu);
    /** Translates the host's sticky FP status in cpu->host.fpcsr to fp.h flags and clears it. */
    uint32_t (*take_fp_flags)(struct cpu *cpu);
    void (*cpu_init)(struct cpu *cpu);
    /** Code has come to lie `by` bytes further from the cache's head, and its links' numbers rise by `links`. Positions
        are from `code` on. */
    void (*relocate)(uint8_t *code, const uint32_t *relocs, uint32_t n, uint32_t by, uint32_t links);
    /** Empties an inline cache's cell; `execute` is the address of the executable view. */
    void (*empty_cell)(uint8_t *write, uint32_t cell, uint64_t execute);
    /** A number for the features of this computer that emitted code makes use of. */
    uint64_t (*variant)(void);
};

enum { HOST_PINS = 64 };

extern const struct host *const host_native; /* NULL where there is none: the interpreter needs no host */

/* Accesses that may fault and say so (guard.S): status 1 done, 0 no access, 2 beyond a file; address of the fault. */
struct guard_result {
    uint64_t status, address;
};
struct guard_result guard_read(const void GUEST_MEMORY *from, unsigned size, uint64_t *value);
struct guard_result guard_write(void GUEST_MEMORY *to, unsigned size, uint64_t value);
/** Multiples of 16 bytes, not more than TYPE_MOST; all is written or nothing. */
struct guard_result guard_read_wide(const void GUEST_MEMORY *from, unsigned size, uint64_t *cells);
struct guard_result guard_write_wide(void GUEST_MEMORY *to, unsigned size, const uint64_t *cells);
/** Compare and swap of 4 or 8 bytes; *old gets what was there. */
struct guard_result guard_cas(void GUEST_MEMORY *at, unsigned size, uint64_t expected, uint64_t value, uint64_t *old);
/** In a fault handler: if the pc is in one of these, makes it return the status. */
bool guard_fault(void *ucontext, bool bus, void *address);

/* What a handler of host signals wants to know of the context that was interrupted. */
uint64_t context_pc(const void *ucontext);
uint64_t context_sp(const void *ucontext);
void context_set_pc(void *ucontext, uint64_t pc);
/** Is the signal a fault of the instruction there? It may have been sent, with whatever code. */
bool context_faulted(int signal, const void *siginfo, const void *ucontext);
/** Is the pc behind an instruction that calls the kernel? Then that has not faulted. */
bool context_behind_call(const void *ucontext);

#endif
