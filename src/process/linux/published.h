/* published.h - what a vee process lets other processes of the same program look at: one record, its parts as rows.
 *
 * The record of a process says where its parts are: tables of elements, each a struct of vee's own of which the rows
 * below name the members that others may know. Nothing else of another process's vee is ever read. Who looks (peek.c,
 * and no other file) copies members into the structs made here from the same rows, of integers of fixed width. A LINK
 * is an address in the owner's memory, to be followed by peek.c alone; places in tables are indices.
 *
 * The version of a record follows from all rows: names, types, places and sizes of members, sizes of elements, and the
 * values that members may have (published.c). So none can be forgotten: whatever is laid out otherwise has another
 * version, and a record of another version is none. A row of what is not there, or of another size, does not compile.
 *
 * The owner keeps nothing up to date but what it keeps for itself. So others may look in the middle of a change:
 * space.changes tells them (see mem/space.h), and whatever they have read is checked before it is used.
 */
#ifndef PROCESS_LINUX_PUBLISHED_H
#define PROCESS_LINUX_PUBLISHED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process;

enum { PUBLISHED_AUXV = 48, PUBLISHED_OWN = 3, PUBLISHED_ACTIONS = 65, PUBLISHED_MAPPINGS = (1 << 22) + 1 };

/* R(FIELD, type, member)   a number
 * R(ARRAY, type, member, count)
 * R(IN, type, name, path)  a number within a member that is a struct
 * R(LINK, member)          an address
 * R(LINK_IN, name, path)   an address within such a member */
#define PUBLISHED_PROCESS(R)                                                                                           \
    R(LINK, threads)                                                                                                   \
    R(LINK, exe)                                                                                                       \
    R(FIELD, uint64_t, exe_dev)                                                                                        \
    R(FIELD, uint64_t, exe_ino)                                                                                        \
    R(FIELD, uint8_t, vectors_told)                                                                                    \
    R(FIELD, uint64_t, stack_start)                                                                                    \
    R(FIELD, uint64_t, code_start)                                                                                     \
    R(FIELD, uint64_t, code_end)                                                                                       \
    R(FIELD, uint64_t, data_start)                                                                                     \
    R(FIELD, uint64_t, data_end)                                                                                       \
    R(FIELD, uint64_t, arg_start)                                                                                      \
    R(FIELD, uint64_t, arg_end)                                                                                        \
    R(FIELD, uint64_t, env_end)                                                                                        \
    R(ARRAY, uint64_t, auxv, PUBLISHED_AUXV)                                                                           \
    R(FIELD, uint32_t, auxv_words)                                                                                     \
    R(ARRAY, uint64_t, core_limit, 2)                                                                                  \
    R(ARRAY, uint64_t, data_limit, 2)                                                                                  \
    R(ARRAY, uint64_t, stack_limit, 2)                                                                                 \
    R(ARRAY, uint64_t, space_limit, 2)                                                                                 \
    R(FIELD, uint64_t, key)                                                                                            \
    R(FIELD, uint64_t, files_most)                                                                                     \
    R(FIELD, uint32_t, persona)
#define PUBLISHED_THREAD(R)                                                                                            \
    R(LINK, next)                                                                                                      \
    R(FIELD, uint32_t, tid)                                                                                            \
    R(FIELD, uint8_t, seccomp)                                                                                         \
    R(FIELD, uint32_t, nfilters)                                                                                       \
    R(FIELD, uint64_t, mask)                                                                                           \
    R(FIELD, int32_t, caught)                                                                                          \
    R(FIELD, uint32_t, queued)
#define PUBLISHED_ACTION(R) R(FIELD, uint64_t, handler)
#define PUBLISHED_OWN_FD(R)                                                                                            \
    R(FIELD, int32_t, fd)                                                                                              \
    R(FIELD, uint64_t, dev)                                                                                            \
    R(FIELD, uint64_t, ino)
/* `changes` comes first, as rows are read in this order: what is read behind it is as it says, or a later reading says
   otherwise. */
#define PUBLISHED_SPACE(R)                                                                                             \
    R(IN, uint32_t, changes, space.changes)                                                                            \
    R(LINK_IN, base, space.base)                                                                                       \
    R(IN, uint64_t, limit, space.limit)                                                                                \
    R(IN, uint64_t, window, space.window)                                                                              \
    R(FIELD, uint64_t, brk_start)                                                                                      \
    R(IN, uint64_t, total, space.total)                                                                                \
    R(IN, uint64_t, data, space.data)                                                                                  \
    R(IN, uint64_t, peak, space.peak)                                                                                  \
    R(IN, uint32_t, root, space.root)                                                                                  \
    R(IN, uint32_t, used, space.used)
#define PUBLISHED_MAPPING(R)                                                                                           \
    R(IN, uint64_t, start, m.start)                                                                                    \
    R(IN, uint64_t, end, m.end)                                                                                        \
    R(IN, uint64_t, offset, m.offset)                                                                                  \
    R(IN, uint64_t, dev, m.dev)                                                                                        \
    R(IN, uint64_t, ino, m.ino)                                                                                        \
    R(IN, uint8_t, rights, m.rights)                                                                                   \
    R(IN, uint8_t, tag, m.tag)                                                                                         \
    R(IN, uint8_t, flags, m.flags)                                                                                     \
    R(FIELD, uint32_t, left)                                                                                           \
    R(FIELD, uint32_t, right)

/* P(name, the struct it is a part of, its rows, least and largest number of elements): those of a process. */
#define PUBLISHED_PARTS(P)                                                                                             \
    P(process, struct process, PUBLISHED_PROCESS, 1, 1)                                                                \
    P(thread, struct thread, PUBLISHED_THREAD, 1, 1) /* the first one; the others by links */                          \
    P(action, struct action, PUBLISHED_ACTION, PUBLISHED_ACTIONS, PUBLISHED_ACTIONS)                                   \
    P(own_fd, struct own_fd, PUBLISHED_OWN_FD, PUBLISHED_OWN, PUBLISHED_OWN)                                           \
    P(space, struct memory, PUBLISHED_SPACE, 1, 1)                                                                     \
    P(mapping, struct space_node, PUBLISHED_MAPPING, 1, PUBLISHED_MAPPINGS) /* a tree; 0 is none */

/* ---- rows to structs: struct published_process and so on */

#define PUBLISHED_MEMBER(kind, ...)           PUBLISHED_MEMBER_##kind(__VA_ARGS__)
#define PUBLISHED_MEMBER_FIELD(type, name)    type name;
#define PUBLISHED_MEMBER_ARRAY(type, name, n) type name[n];
#define PUBLISHED_MEMBER_IN(type, name, path) type name;
#define PUBLISHED_MEMBER_LINK(name)           uint64_t name;
#define PUBLISHED_MEMBER_LINK_IN(name, path)  uint64_t name;
#define PUBLISHED_STRUCT(name, of, rows, least, most)                                                                  \
    struct published_##name {                                                                                          \
        rows(PUBLISHED_MEMBER)                                                                                         \
    };
PUBLISHED_PARTS(PUBLISHED_STRUCT)

enum published_part {
#define PUBLISHED_PART(name, ...) PART_##name,
    PUBLISHED_PARTS(PUBLISHED_PART) PARTS
};

/** A row, as published.c has it: where the member is in the owner's struct, and in the one made here. */
struct published_row {
    const char *name, *type;
    uint32_t offset, size, place;
};
struct published_layout {
    const char *name;
    const struct published_row *rows;
    uint32_t nrows, size, copy_size; /* size: of the owner's struct; copy_size: of the one made here */
    uint32_t least, most;            /* elements */
};
const struct published_layout *published_layout(enum published_part part);

/* ---- the record */

#define PUBLISHED_MAGIC UINT64_C(0x6b65657020656576) /* "vee peek" */

struct published {
    uint64_t magic; /* 0: there is nothing to look at */
    uint64_t version;
    struct published_place {
        uint64_t at, count;
    } place[PARTS];
    uint64_t check; /* published_check: a record that is being written is none */
};
_Static_assert(sizeof(struct published) == (3 + 2 * PARTS) * sizeof(uint64_t), "no gaps");

/** What follows from the rows. */
uint64_t published_version(void);
uint64_t published_check(const struct published *r);
/** Where its parts are; and the whole record. */
void published_places(struct published *r, const struct process *p);
void publish(struct published *r, const struct process *p);
/** This is the process that others see; and no longer, if it is the one. */
void published_begin(const struct process *p);
void published_end(const struct process *p);
/** Where the record of this very host process is. */
uint64_t published_at(void);

/* ---- looking (peek.c) */

/** Who is looked at, with what does not change in the middle. */
struct peek {
    int pid; /* 0: the caller's own process, with the lock */
    struct published record;
    struct published_process process;
    struct published_space space;
};
/** The process's record lies at this address. False: there is none that this vee knows, or it may not be looked at. */
bool peek_open(struct peek *k, int pid, uint64_t at);
void peek_own(struct peek *k, const struct process *self);
/** Copies all elements of a part that has a fixed number. */
bool peek_actions(const struct peek *k, struct published_action to[PUBLISHED_ACTIONS]);
bool peek_own_fds(const struct peek *k, struct published_own_fd to[PUBLISHED_OWN]);
/** The thread with this id, or else the first one. */
bool peek_thread(const struct peek *k, uint32_t tid, struct published_thread *to);
/** The path of the program; false: it has none. */
bool peek_exe(const struct peek *k, char to[PATH_MAX]);

/** Mappings in the order of their addresses, none over another; a copy, to be freed. */
struct peek_mappings {
    struct published_mapping *first;
    uint32_t count;
    size_t size;
};
/** False: there is no memory, or nothing that makes sense; then there is nothing to free. */
bool peek_mappings(const struct peek *k, struct peek_mappings *to);
void peek_mappings_free(struct peek_mappings *m);
/** The first one that ends above the address, the one that holds it; or NULL. */
const struct published_mapping *peek_next(const struct peek_mappings *m, uint64_t address);
const struct published_mapping *peek_find(const struct peek_mappings *m, uint64_t address);

/** Copies guest memory of another process: not the caller's own. */
bool peek_guest(const struct peek *k, uint64_t guest, void *to, size_t size);

#endif
