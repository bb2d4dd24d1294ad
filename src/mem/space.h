/* space.h - the memory of a process: every mapping with the guest's rights and what it is of.
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
 * This is the mechanism only: what a system allows its processes, in which order it checks that, what it says when it
 * refuses, how much a process may have, and what a mapping is for, is the caller's, who marks mappings with tags of its
 * own. Here addresses and lengths are whole pages within the limit, and what is moved or protected is mapped.
 *
 * mem/ never calls up but for the hooks that are given at init: they hear of every range whose code is gone. Not for
 * threads to share; callers lock. No malloc after init.
 */
#ifndef MEM_SPACE_H
#define MEM_SPACE_H

#include "base/error.h"
#include "base/guest_memory.h"
#include "base/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPACE_PAGE = 4096, SPACE_SEEN = LIMIT_CODE_SEEN };

enum space_right { SPACE_R = 1, SPACE_W = 2, SPACE_X = 4 };

/** What comes of a change. Whatever is greater than 0 is the host's error number. */
enum space_result {
    SPACE_OK = 0,
    SPACE_NO_RECORDS = -1, /* there are as many mappings as there can be */
    SPACE_NO_ROOM = -2,    /* nowhere, or not there */
    SPACE_TAKEN = -3,      /* the host has something of its own there */
};

enum mapping_flag {
    MAPPING_SHARED = 1,
    MAPPING_GROWS_DOWN = 2, /* keeps a gap below, into which it may be extended */
    MAPPING_FETCHED = 8,    /* code was fetched from it: whoever translates may know some of it */
};

struct mapping {
    uint64_t start, end;
    uint64_t offset;     /* in the file, of `start`; 0 for anonymous memory */
    uint64_t dev, ino;   /* the file; 0: none. Shared memory without one has a number of its own in ino */
    uint32_t generation; /* of its code: new whenever execution becomes allowed; 0 without SPACE_X */
    uint8_t rights;      /* enum space_right */
    uint8_t tag;         /* of whoever maps: what has another one is another mapping */
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
    void *kept; /* of whoever maps: what goes back along with the records */
    size_t kept_size;
    struct space *copy; /* and that and its nodes behind it; NULL: there was no need yet */
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

struct space {
    uint8_t *base;            /* host address of guest address 0; NULL in 1:1 mode */
    uint64_t limit;           /* mappings end at or below */
    uint64_t min_address;     /* and start at or above, when their address is given */
    uint64_t window;          /* bytes reserved at base; 0 in 1:1 mode */
    uint64_t top;             /* mappings without an address are placed top-down from here, or if need be beyond */
    uint64_t gap;             /* bytes that are kept free below what grows down */
    uint64_t total, data;     /* bytes mapped; private, writable and not growing down */
    uint64_t peak;            /* the most that `total` was */
    uint64_t changeable;      /* bytes that can be both written and executed */
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

/* ---- changes */

/** Is there room for every record that one change may add? Else it would be SPACE_NO_RECORDS. */
bool space_has_records(const struct space *s);
/** Maps m (its code's generation is found here) in the place of whatever the guest has there. flags and fd are for the
    host's mmap, but for where. If that fails there may be nothing there any more. */
enum space_result space_map(struct space *s, const struct mapping *m, int flags, int fd);
/** The same where the guest has nothing: at m->start, if that is not 0 and there is room, else in the highest hole. m
    says where. */
enum space_result space_map_free(struct space *s, struct mapping *m, int flags, int fd);
enum space_result space_unmap(struct space *s, uint64_t start, uint64_t length);
/** If the host fails in the middle, what is below has the rights. */
enum space_result space_protect(struct space *s, uint64_t start, uint64_t length, unsigned rights);
/** Extends the mapping that [start, start + length) is the end of, in place; SPACE_NO_ROOM: it is not, or cannot be. */
enum space_result space_extend(struct space *s, uint64_t start, uint64_t length, uint64_t new_length);
/** Extends the mapping that begins at `start` and grows down, so that it begins at `to`. */
enum space_result space_extend_down(struct space *s, uint64_t start, uint64_t to);
/** What a part of a mapping is moved to, of another length maybe, has nothing of the guest's. */
enum space_move {
    SPACE_MOVE,
    SPACE_MOVE_PAGES, /* the mapping stays, with pages as new */
    SPACE_DUPLICATE,  /* shared pages are there twice; `length` is 0 */
};
enum space_result space_move(struct space *s, uint64_t start, uint64_t length, uint64_t to, uint64_t new_length,
                             enum space_move how);
/** Clears and sets bits of the tags of what is mapped there. */
enum space_result space_tag(struct space *s, uint64_t start, uint64_t end, uint8_t clear, uint8_t set);
/** Contents of [start, start + length) were thrown away by a call of the host that keeps the mappings. */
void space_discarded(struct space *s, uint64_t start, uint64_t length);

/** These bytes of the caller's go back when a change is undone in the middle of which they changed. */
void space_keeps(struct space *s, void *bytes, size_t size);
/** Changes between these two, of the bytes that go along, too, are one. May lie within each other. */
void space_begin_guarded(struct space *s);
void space_end_guarded(struct space *s);
static inline void space_begin(struct space *s) {
    if (s->changing++) return;
    __atomic_store_n(&s->changes, s->changes + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    if (s->guard.guards) space_begin_guarded(s);
}
static inline void space_end(struct space *s) {
    if (--s->changing) return;
    if (s->guard.guards) space_end_guarded(s);
    __atomic_store_n(&s->changes, s->changes + 1, __ATOMIC_RELEASE);
}
/** Nobody shares it from now on. */
static inline void space_alone(struct space *s) {
    s->guard.guards = 0;
}
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
/** The last mapping that begins below the address, or NULL. */
const struct mapping *space_before(const struct space *s, uint64_t address);
/** The highest mapping, or NULL. */
static inline const struct mapping *space_last(const struct space *s) {
    return space_before(s, UINT64_MAX);
}
/** Is every page of [start, end) mapped? */
bool space_covers(const struct space *s, uint64_t start, uint64_t end);
/** How many bytes of it are. */
uint64_t space_mapped(const struct space *s, uint64_t start, uint64_t end);
/** Is none, nor in the gap of what grows down into it? */
bool space_is_free(const struct space *s, uint64_t start, uint64_t end);
/** May [start, start + length) be mapped, by where it is? */
bool space_allows(const struct space *s, uint64_t start, uint64_t length);
/** Where the highest hole of this length is; 0: there is none. */
uint64_t space_hole(const struct space *s, uint64_t length);
/** Does it count as data: private, writable, and not growing down? */
static inline bool mapping_is_data(const struct mapping *m) {
    return (m->rights & SPACE_W) && !(m->flags & (MAPPING_SHARED | MAPPING_GROWS_DOWN));
}

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

/* Checked copies for whoever serves the guest: false on addresses that cannot be accessed; never a crash, provided that
   the process's handler of SIGSEGV and SIGBUS calls guard_fault (core/host.h). A failed write may have written a part.
 */
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
