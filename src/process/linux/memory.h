/* memory.h - the memory of a Linux process: a space (mem/space.h), and what Linux keeps of it and decides about it.
 *
 * The space is the mechanism: it maps, moves, protects. Here is what stands for system calls: what they check and in
 * which order, with which error they refuse, where a break ends and a stack may grow, and what limits leave. What
 * mappings are for is in their tags. Functions take the space of a process, which is always part of a struct memory:
 * that of the process, or of the one that it shares memory with. They return an address or 0, or a negative errno, and
 * give up no lock.
 */
#ifndef PROCESS_LINUX_MEMORY_H
#define PROCESS_LINUX_MEMORY_H

#include "mem/space.h"

/** What a mapping is for: its tag, but for MEMORY_NO_CHILD. */
enum memory_use { MEMORY_ANONYMOUS, MEMORY_FILE, MEMORY_IMAGE, MEMORY_BRK, MEMORY_STACK, MEMORY_VDSO, MEMORY_SYSV };
enum { MEMORY_NO_CHILD = 0x80 }; /* a forked child does not get it (MADV_DONTFORK) */

enum { MEMORY_STACK_GAP = 256 * SPACE_PAGE };

struct memory {
    struct space space; /* the first member: see memory_of */
    uint64_t usual;     /* bytes of address space that the guest is shown; what asks for more gets it beyond */
    bool grows;         /* there may be mappings that grow, and are not as large as they may get */
    uint64_t brk_start, brk_end;
    struct memory_limits {
        uint64_t total, data, stack;
    } limits; /* in bytes, as of setrlimit; UINT64_MAX: none */
};

static inline struct memory *memory_of(struct space *s) {
    return (struct memory *)s;
}
static inline enum memory_use memory_use(uint8_t tag) {
    return (enum memory_use)(tag & ~MEMORY_NO_CHILD);
}

static inline uint64_t page_down(uint64_t v) {
    return v & -(uint64_t)SPACE_PAGE;
}
static inline uint64_t page_up(uint64_t v) {
    return page_down(v + SPACE_PAGE - 1);
}

/** As space_init; of the space m->space. usual: what the guest is shown, if there is as much. */
bool memory_init(struct memory *m, uint64_t window_size, uint64_t usual, const struct space_hooks *hooks,
                 struct error *error);

/** mmap. fd is a host descriptor. */
int64_t memory_map(struct space *s, uint64_t address, uint64_t length, uint32_t prot, uint32_t flags, int fd,
                   uint64_t offset, enum memory_use use);
int64_t memory_unmap(struct space *s, uint64_t start, uint64_t length);
int64_t memory_protect(struct space *s, uint64_t start, uint64_t length, uint32_t prot);
/** mremap. */
int64_t memory_remap(struct space *s, uint64_t old, uint64_t old_length, uint64_t new_length, uint32_t flags,
                     uint64_t target);
void memory_set_brk(struct space *s, uint64_t start);
/** brk: the new end, or the old one if that cannot be. */
uint64_t memory_brk(struct space *s, uint64_t end);
/** A fault at an unmapped address: extends the growing mapping above, if there is one and it may. */
bool memory_grow(struct space *s, uint64_t address);
/** [start, start + length) is about to be accessed in the guest's name: the same as for a fault there. */
static inline void memory_reach(struct space *s, uint64_t start, uint64_t length) {
    if (memory_of(s)->grows && length) memory_grow(s, start);
}
/** Whether a forked child gets what is mapped there. */
int64_t memory_no_child(struct space *s, uint64_t start, uint64_t length, bool no_child);
/** In a forked child: drops what it is not to have. The host's fork leaves no holes, in which vee's own memory could
   come to lie. */
void memory_forked(struct space *s);

#endif
