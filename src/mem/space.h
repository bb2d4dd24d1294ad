/* space.h - the memory of a process: every mapping with the guest's rights and where it came from.
 *
 * Two modes. 1:1: a guest address is the host address; vee's own memory lies above the guest's limit, so every range
 * is checked to end there. Window: a guest address is an offset into one reserved range of the host; what the guest
 * has not mapped is inaccessible address space. Records never overlap and are merged where nothing tells two neighbours
 * apart; the host's mappings carry the guest's rights but never the right to execute. The page below the limit is never
 * mapped, so that whatever runs upwards (a string without an end) stops there.
 *
 * Records are nodes of a balanced tree that knows the largest hole below each of them, so finding, entering, removing
 * and placing take logarithmic time. Nodes live in one pool, are named by their index and never move.
 *
 * Where processes share a space, each may be killed in the middle of a change. While the space is guarded, a change
 * begins with a copy of all records; space_recover goes back to it and makes the host agree.
 *
 * Functions that stand for system calls return an address or 0, or a negative errno, and follow Linux in what they
 * check and in which order. mem/ never calls up but for the hook that is given at init: it hears of every range whose
 * code is gone. Not for threads to share; callers lock. No malloc after init.
 */
#ifndef MEM_SPACE_H
#define MEM_SPACE_H

#include "base/error.h"
#include "base/guest_memory.h"
#include "base/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPACE_PAGE = 4096, SPACE_STACK_GAP = 256 * SPACE_PAGE, SPACE_SEEN = LIMIT_CODE_SEEN };

enum space_right { SPACE_R = 1, SPACE_W = 2, SPACE_X = 4 }; /* the values of PROT_* */

enum space_origin { ORIGIN_ANONYMOUS, ORIGIN_FILE, ORIGIN_IMAGE, ORIGIN_BRK, ORIGIN_STACK, ORIGIN_VDSO, ORIGIN_SYSV };

enum mapping_flag {
    MAPPING_SHARED = 1,
    MAPPING_GROWS_DOWN = 2, /* a fault just below extends it */
    MAPPING_NO_CHILD = 4,   /* a forked child does not get it (MADV_DONTFORK) */
    MAPPING_FETCHED = 8,    /* code was fetched from it: whoever translates may know some of it */
};

struct mapping {
    uint64_t start, end;
    uint64_t offset; /* in the file, of `start`; 0 for anonymous memory */
    uint64_t dev, ino;
    uint32_t generation; /* of its code: new whenever execution becomes allowed; 0 without SPACE_X */
    uint8_t rights;      /* enum space_right */
    uint8_t origin;      /* enum space_origin */
    uint8_t flags;       /* enum mapping_flag */
};

/** A record in the tree. Index 0 is no node. */
struct space_node {
    struct mapping m;
    uint64_t low, high, gap; /* of the subtree: where it begins (with the gap below), ends, its largest inner hole */
    uint32_t left, right, height;
};

/** A part of a change that the host may have made already. */
struct space_step {
    enum space_step_kind {
        STEP_MAP,    /* something new in the place of whatever was there */
        STEP_UNMAP,  /* what was there goes */
        STEP_MOVE,   /* what was there goes elsewhere, at once or not at all */
        STEP_PROTECT /* other rights */
    } kind;
    uint64_t start, end;
};

/** For changes that whoever makes them may not survive. */
struct space_guard {
    struct space *copy; /* and its nodes behind it; NULL: there was no need yet */
    unsigned guards;    /* how many want it */
    unsigned nsteps;    /* of the change */
    uint32_t under_way; /* the copy is whole, the records may not be */
    struct space_step steps[4];
};

struct space_hooks {
    /** Code at guest addresses [start, start + length) is gone. */
    void (*code_gone)(void *self, uint64_t start, uint64_t length);
    /** What can be executed in [start, start + length) has been written, or may be from now on. */
    void (*code_written)(void *self, uint64_t start, uint64_t length);
    void *self;
};

/** Limits in bytes, as of setrlimit; UINT64_MAX: none. */
struct space_limits {
    uint64_t total, data, stack;
};

struct space {
    uint8_t *base;        /* host address of guest address 0; NULL in 1:1 mode */
    uint64_t limit;       /* mappings end at or below */
    uint64_t min_address; /* and start at or above, when their address is given */
    uint64_t window;      /* bytes reserved at base; 0 in 1:1 mode */
    uint64_t usual;       /* bytes of address space that the guest is shown; what asks for more gets it beyond */
    uint64_t top;         /* mappings without an address are placed top-down from here */
    bool grows;           /* there may be mappings that grow, and are not as large as they may get */
    uint64_t brk_start, brk_end;
    uint64_t total, data; /* bytes mapped; private, writable and not a stack */
    uint64_t peak;        /* the most that `total` was */
    uint64_t changeable;  /* bytes that can be both written and executed */
    struct space_limits limits;
    struct space_node *nodes; /* `most` + 1 of them; from `used` on they were never touched */
    uint32_t root, used, unused, most;
    unsigned count;
    uint32_t generation; /* the last one that code was given */
    uint32_t renewals;   /* how often generations began anew: those known from before say nothing */
    uint64_t objects;    /* shared and of no file, that there were so far: each is told from the others by its number */
    struct space_hooks hooks;
    struct code_seen {
        uint64_t start, end;
        uint32_t generation;
        bool writable, changeable;
    } code_seen[SPACE_SEEN]; /* mappings that space_code saw last, by a part of the address, while they are as then */
    struct space_guard guard;
    struct space_watch *watch; /* of the host's side, which no record knows; NULL: nothing was ever watched */
    unsigned changing;         /* changes within each other */
    uint32_t changes;          /* odd: records are changing; for who copies them without the lock */
};

/** 1:1 if window_size is 0, else a window of at most this size (a power of two, halved until the host has room). */
bool space_init(struct space *s, uint64_t window_size, const struct space_hooks *hooks, struct error *error);
/** Unmaps everything. */
void space_done(struct space *s);

/** mmap; flags as MAP_*. fd is a host descriptor. */
int64_t space_map(struct space *s, uint64_t address, uint64_t length, uint32_t prot, uint32_t flags, int fd,
                  uint64_t offset, enum space_origin origin);
int64_t space_unmap(struct space *s, uint64_t start, uint64_t length);
int64_t space_protect(struct space *s, uint64_t start, uint64_t length, uint32_t prot);
/** mremap; flags as MREMAP_*. */
int64_t space_remap(struct space *s, uint64_t old, uint64_t old_length, uint64_t new_length, uint32_t flags,
                    uint64_t target);
void space_set_brk(struct space *s, uint64_t start);
/** brk: the new end, or the old one if that cannot be. */
uint64_t space_brk(struct space *s, uint64_t end);
/** A fault at an unmapped address: extends the growing mapping above, if there is one and it may. */
bool space_grow(struct space *s, uint64_t address);
/** [start, start + length) is about to be accessed in the guest's name: the same as for a fault there. */
static inline void space_reach(struct space *s, uint64_t start, uint64_t length) {
    if (s->grows && length) space_grow(s, start);
}
/** Sets or clears MAPPING_NO_CHILD for what is mapped there. False: too many mappings. */
bool space_no_child(struct space *s, uint64_t start, uint64_t length, bool set);
/** In a forked child: drops what it is not to have. The host's fork leaves no holes, in which vee's own memory could
   come to lie. */
void space_forked(struct space *s);
/** Contents of [start, start + length) were thrown away by a call that keeps the mappings (madvise). */
void space_discarded(struct space *s, uint64_t start, uint64_t length);

/** From now on changes can be undone, until as many calls of space_unguard. False: no memory. */
bool space_guard(struct space *s);
void space_unguard(struct space *s);
/** Whoever had the lock was killed. If that was in the middle of a guarded change: the records are as before it, but
   what it had begun to replace, to unmap or to move is gone; the host agrees. True: it was. */
bool space_recover(struct space *s);

/** The mapping that holds the address, or NULL. */
const struct mapping *space_find(const struct space *s, uint64_t address);
/** The first mapping that ends above the address, or NULL: for walking, with the next one behind it. */
const struct mapping *space_next(const struct space *s, uint64_t address);
/** The highest mapping, or NULL. */
const struct mapping *space_last(const struct space *s);
/** Is every page of [start, end) mapped? */
bool space_covers(const struct space *s, uint64_t start, uint64_t end);

enum space_code { CODE_READY, CODE_UNMAPPED, CODE_FORBIDDEN, CODE_BEYOND_FILE };
struct space_code_page {
    uint64_t identity; /* of the page in its mapping: comes again only with that */
    size_t avail;      /* bytes up to the end of the page */
    bool writable;     /* for the guest */
    bool changeable;   /* or it is no file's, so that it may have been and may be again */
};
/** Is there code at an address? */
enum space_code space_code(struct space *s, uint64_t address, struct space_code_page *code);
/** The identity alone; 0 where nothing may be executed. */
uint64_t space_code_identity(const struct space *s, uint64_t address);
/** Copies bytes as they are now, whether or not they may be executed; how many there are. Waits for nobody but where
    pages are provided by the guest. */
size_t space_read_code(const struct space *s, uint64_t address, uint8_t *to, size_t size);

/* Code that changes without a word. A page with code that the guest may write is watched: the host has it read-only,
 * until somebody is about to write there, which ends the watch and is reported (hooks.code_written). Where the host
 * itself may write at any time pages are never watched. */
enum space_watched {
    WATCHED,         /* or nobody can write there: whatever happens is reported */
    WATCHED_PARTLY,  /* the same, but the bytes may change in other ways: by a file, by another address */
    WATCHED_NOT_ALL, /* what happens may not be reported */
};
enum space_watched space_watch(struct space *s, uint64_t address);
/** Ends the watch of what is watched in the range. False: nothing was. */
bool space_unwatch(const struct space *s, uint64_t start, uint64_t length);
/** Never watch what can be executed there. */
void space_never_watch(const struct space *s, uint64_t start, uint64_t length);

/** The generation of the mapping that such an identity is of. */
static inline uint32_t space_generation(uint64_t identity) {
    return (uint32_t)(identity >> 36);
}

/** Is [address, address + length) below the limit? Says nothing about mappings. */
static inline bool space_within(const struct space *s, uint64_t address, uint64_t length) {
    return address <= s->limit && length <= s->limit - address;
}
/** Where a guest address is on the host. It must be within the limit. */
static inline uint8_t GUEST_MEMORY *space_host(const struct space *s, uint64_t address) {
    return (uint8_t GUEST_MEMORY *)((uintptr_t)s->base + address);
}
/** The same, for calls of the host that change mappings and touch no byte. */
static inline void *space_place(const struct space *s, uint64_t address) {
    return (void *)((uintptr_t)s->base + address);
}

/** The host is going to write to [start, start + length) in the guest's name: now, while the caller has the engine's
   lock, or (`later`) whenever it likes from now on: in a call that waits without the lock, or asynchronously. To be
   said before the host is given the address: what has code may be write-protected, and the write would fail with
   EFAULT. */
static inline void space_host_writes(const struct space *s, uint64_t start, uint64_t length, bool later) {
    if (later && s->changeable) space_never_watch(s, start, length);
    if (s->watch) space_unwatch(s, start, length);
}

/* Checked copies for whoever serves the guest: false, or a negative errno, on addresses that cannot be accessed; never
   a crash, provided that the process's handler of SIGSEGV and SIGBUS calls guard_fault (core/host.h). A failed write
   may have written a part. */
bool space_read(const struct space *s, uint64_t from, void *to, size_t size);
bool space_write(const struct space *s, uint64_t to, const void *from, size_t size);

/* The host's (src/host/H): guard_fault leads out of them where they fault. */
/** Copies memory that may not be accessible; returns how many bytes are missing at the end. */
size_t copy_guarded(void GUEST_MEMORY *to, const void GUEST_MEMORY *from, size_t size);
/** May this byte be read? */
bool look_guarded(const void GUEST_MEMORY *at);
/** Reads a byte and writes it as it is, in one step, if it may be accessed like that. */
void touch_guarded(void GUEST_MEMORY *at);

#endif
