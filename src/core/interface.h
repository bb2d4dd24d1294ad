/* interface.h - the table that an interface fills in: who answers when code stops. One per interface, const.
 *
 * The loop hands over every exit that the engine does not settle itself. `self` is the interface's own object.
 */
#ifndef CORE_INTERFACE_H
#define CORE_INTERFACE_H

#include "core/cpu.h"

enum answer {
    ANSWER_RESUME, /* go on at cpu->pc */
    ANSWER_WAIT,   /* nothing to do until poll is set: the loop sleeps in interface->wait */
    ANSWER_STOP    /* leave the loop */
};

/** Code bytes for translation. */
struct fetch {
    const uint8_t *bytes; /* host address of the byte at the address asked for; NULL: read_code copies them */
    size_t avail;         /* readable bytes from there to the end of this page or function */
    uint64_t page;        /* identity: what the bytes belong to; equal identity = same bytes. Where memory is MEM_SOFT:
                             the physical address of the page */
    uint64_t mapping;     /* MEM_SOFT: bytes of the mapping that it is part of, which goes as a whole; 0: a page */
    const void *unit;     /* for builder.unit */
    uint32_t fault;       /* EXIT_none, or why there are none */
    bool writable; /* the guest may write there, so code may change while it runs; not told where memory is MEM_SOFT */
    bool changeable; /* or could come to be allowed to */
    bool lasts;      /* what is translated is used again, if not in this run then in another */
};

/** Which changes of a page of code will be reported. */
enum code_watch {
    WATCH_COMPLETE, /* all */
    WATCH_EXPLICIT, /* stores to these addresses; other ways to the same bytes are looked for when the guest says so */
    WATCH_NONE      /* perhaps none: code has to look itself */
};

/** Free-running counters that guests can read; what they count is the interface's choice. */
enum counter {
    COUNTER_CYCLES,
    COUNTER_TIME,
    COUNTER_INSTRUCTIONS,
    COUNTER_OWN = 16 /* and following, up to COUNTERS: what they count, if anything, is the interface's affair */
};
enum { COUNTERS = 32 };

struct interface {
    const char *name;
    enum answer (*answer)(void *self, struct cpu *cpu);
    /** Fills *f for the guest address; never changes state. */
    void (*fetch)(void *self, struct cpu *cpu, uint64_t address, struct fetch *f);
    /** Where code lies in memory that may go away or change at any time (a file that is cut off, another thread):
       copies `size` bytes from a guest address on, which a fetch has said are code. How many there were; never waits.
       NULL: what fetch gives can be read and stays. */
    size_t (*read_code)(void *self, uint64_t address, uint8_t *to, size_t size);
    /** With read_code: the next write to the page of code with this address is to be reported (engine_code_written).
        NULL: WATCH_EXPLICIT. */
    enum code_watch (*watch_code)(void *self, uint64_t address);
    /** A store to the address failed: because its page is watched? Then it has been reported, and may be done again. */
    bool (*unwatch_code)(void *self, uint64_t address);
    void (*wait)(void *self, struct cpu *cpu);
    /** A process that shared the engine has ended, in order or (perhaps) in the middle of an answer: its number
       (engine_process). Its cpus are gone. Called with the lock. NULL: there are no such processes. */
    void (*died)(void *self, uint32_t process, bool in_order);
    /** MEM_SOFT only: an access to physical memory that is not RAM. Returns false where there is no device. A write may
        ask by cpu_exit(EXIT_poll) for an answer before the next instruction. */
    bool (*device_read)(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t *value);
    bool (*device_write)(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value);
    /** MEM_SOFT only: host address of `size` bytes of RAM at a physical address, or NULL. */
    uint8_t *(*ram)(void *self, uint64_t physical, uint64_t size);
    /** MEM_SOFT only: the guest's walk, not an instruction, has written to RAM. */
    void (*walk_wrote)(void *self, uint64_t physical, uint64_t size);
    /** Value of a counter at the instruction being executed. NULL: the number of instructions executed so far. */
    uint64_t (*counter)(void *self, struct cpu *cpu, enum counter which);
    /** 64 random bits. NULL: the computer has no source of them. */
    uint64_t (*random)(void *self, struct cpu *cpu);
};

#endif
