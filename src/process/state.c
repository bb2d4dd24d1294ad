/* state.c - what of a process is state: rows (core/object.h) of its structs. The structs of single files of linux/ have
 * theirs there (filters, partners, asynchronous requests).
 *
 * The host's kernel keeps what a process of the guest's has as one of the host's: descriptors and what they are of,
 * pending signals and timers, working directory, credentials, names. None of that is in a row: see limitations.md.
 */
#include "process/linux/linux.h"
#include "process/linux/uring.h"
#include <string.h>

/* ---- memory */

#define LIMITS_ROWS(R)                                                                                                 \
    R(FIELD, total, RESOURCE)                                                                                          \
    R(FIELD, data, RESOURCE)                                                                                           \
    R(FIELD, stack, RESOURCE)
static OBJECT_TYPE(limits_type, "limits", struct memory_limits, LIMITS_ROWS)

/* Records that only translations tell apart are one mapping. */
static bool goes_on(const struct mapping *a, const struct mapping *b) {
    return b && a->end == b->start && a->rights == b->rights && !((a->flags ^ b->flags) & ~MAPPING_FETCHED) &&
           a->tag == b->tag && a->dev == b->dev && a->ino == b->ino &&
           (!(a->dev || a->ino) || b->offset == a->offset + (a->end - a->start));
}
static const struct mapping *last_of(const struct space *s, const struct mapping *m) {
    for (const struct mapping *n; goes_on(m, n = space_next(s, m->end)); m = n) continue;
    return m;
}
static void *next_mapping(const struct visitor *v, void *object, void *previous) {
    const struct space *s = object;
    (void)v;
    return (void *)space_next(s, previous ? last_of(s, previous)->end : 0);
}
static uint64_t mapping_end(const struct visitor *v, const void *object, unsigned index) {
    (void)index;
    return last_of(process_of(v->root)->space, object)->end;
}
/* Shared memory without a file has a number of vee's own. */
static uint64_t mapping_file(const struct visitor *v, const void *object, unsigned index) {
    const struct mapping *m = object;
    (void)v, (void)index;
    return m->dev ? m->ino : 0;
}
static uint64_t mapping_flags(const struct visitor *v, const void *object, unsigned index) {
    (void)v, (void)index;
    return ((const struct mapping *)object)->flags & ~(unsigned)MAPPING_FETCHED;
}

#define MAPPING_ROWS(R)                                                                                                \
    R(FIELD, start, MAP)                                                                                               \
    R(VALUE, end, MAP, mapping_end)                                                                                    \
    R(FIELD, offset, MAP)                                                                                              \
    R(FIELD, dev, MAP)                                                                                                 \
    R(VALUE, ino, MAP, mapping_file)                                                                                   \
    R(HOST, generation, "what translations are told apart by")                                                         \
    R(FIELD, rights, MAP)                                                                                              \
    R(FIELD, tag, MAP)                                                                                                 \
    R(VALUE, flags, MAP, mapping_flags)
static OBJECT_TYPE(mapping_type, "mapping", struct mapping, MAPPING_ROWS)

/* What can be read of every mapping, but for zeros: which pages were touched does not show. */
static void space_pages(struct visitor *v, const struct field *f, void *object) {
    const struct space *s = object;
    uint8_t page[SPACE_PAGE];
    for (const struct mapping *m = space_next(s, 0); m; m = space_next(s, m->end))
        for (uint64_t at = m->start; m->rights && at < m->end; at += SPACE_PAGE)
            if (space_read(s, at, page, sizeof page)) visit_pages(v, f, at, page, sizeof page);
}

#define SPACE_ROWS(R)                                                                                                  \
    R(BYTES, base, space_pages)                                                                                        \
    R(HOST, limit, "how memory is reached")                                                                            \
    R(HOST, min_address, "always the same")                                                                            \
    R(HOST, window, "how memory is reached")                                                                           \
    R(FIELD, top, MAP)                                                                                                 \
    R(HOST, gap, "always the same")                                                                                    \
    R(FIELD, total, RESOURCE)                                                                                          \
    R(FIELD, data, RESOURCE)                                                                                           \
    R(FIELD, peak, RESOURCE)                                                                                           \
    R(HOST, changeable, "follows from the mappings")                                                                   \
    R(LIST, nodes, mapping_type, next_mapping)                                                                         \
    R(HOST, root, "of the tree")                                                                                       \
    R(HOST, used, "of the tree")                                                                                       \
    R(HOST, unused, "of the tree")                                                                                     \
    R(HOST, most, "of the tree")                                                                                       \
    R(HOST, count, "of the tree")                                                                                      \
    R(HOST, generation, "what translations are told apart by")                                                         \
    R(HOST, renewals, "what translations are told apart by")                                                           \
    R(HOST, objects, "what mappings are told apart by")                                                                \
    R(HOST_IN, hooks, "functions")                                                                                     \
    R(HOST_IN, code_seen, "a cache of mappings")                                                                       \
    R(HOST_IN, guard, "of a change under way")                                                                         \
    R(HOST, watch, "what translations were made of")                                                                   \
    R(HOST, changing, "of a change under way")                                                                         \
    R(HOST, changes, "for who looks from outside")
static OBJECT_TYPE(space_type, "space", struct space, SPACE_ROWS)

#define MEMORY_ROWS(R)                                                                                                 \
    R(OBJECT, space, space_type)                                                                                       \
    R(HOST, usual, "follows from the limit")                                                                           \
    R(HOST, grows, "follows from the mappings")                                                                        \
    R(FIELD, brk_start, MAP)                                                                                           \
    R(FIELD, brk_end, MAP)                                                                                             \
    R(OBJECT, limits, limits_type)
static OBJECT_TYPE(memory_type, "memory", struct memory, MEMORY_ROWS)

/* ---- threads */

static void *next_thread(const struct visitor *v, void *object, void *previous) {
    (void)v;
    return previous ? ((struct thread *)previous)->next : ((struct process *)object)->threads;
}
struct cpu *process_next_cpu(struct vm *vm, struct cpu *previous) {
    struct thread *t = previous ? ((struct thread *)previous->owner)->next : process_of(vm)->threads;
    return t ? t->cpu : NULL;
}

/* Its place among those of the vm. */
static uint64_t cpu_number(const struct visitor *v, const void *object, unsigned index) {
    const struct thread *t = object;
    uint64_t n = 0;
    (void)index;
    for (struct cpu *c = process_next_cpu(v->root, NULL); c; c = process_next_cpu(v->root, c), n++)
        if (c == t->cpu) return n;
    return UINT64_MAX;
}
static uint64_t thread_id(const struct visitor *v, const void *object, unsigned index) {
    const struct thread *t = object;
    (void)v, (void)index;
    return (uint64_t)process_id_out(t->process, t->tid);
}
static uint64_t saved_mask(const struct visitor *v, const void *object, unsigned index) {
    const struct thread *t = object;
    (void)v, (void)index;
    return t->restore_mask ? t->saved_mask : 0;
}
static void caught_info(struct visitor *v, const struct field *f, void *object) {
    const struct thread *t = object;
    if (t->caught) visit_bytes(v, f, 0, &t->caught_info, sizeof t->caught_info);
}
static void queued_info(struct visitor *v, const struct field *f, void *object) {
    const struct thread *t = object;
    for (unsigned i = 0; i < SIGNALS_KEPT_OPEN; i++)
        if (t->queued >> i & 1) visit_bytes(v, f, i, &t->queued_info[i], sizeof t->queued_info[i]);
}

#define THREAD_ROWS(R)                                                                                                 \
    R(HOST, process, "what it is part of")                                                                             \
    R(HOST, next, "the list")                                                                                          \
    R(HOST, previous, "the list")                                                                                      \
    R(VALUE, cpu, HIDDEN, cpu_number)                                                                                  \
    R(VALUE, tid, RESOURCE, thread_id)                                                                                 \
    R(FIELD, leader, HIDDEN)                                                                                           \
    R(FIELD, ended, HIDDEN)                                                                                            \
    R(FIELD, late_privileges, MODE)                                                                                    \
    R(FIELD, seccomp, MODE)                                                                                            \
    R(LIST, filters, filter_type, filter_next)                                                                         \
    R(FIELD, nfilters, MODE)                                                                                           \
    R(HOST, scratch, "of the call that it makes")                                                                      \
    R(HOST, interrupted, "a wish to look for signals")                                                                 \
    R(FIELD, mask, TRAPCTL)                                                                                            \
    R(VALUE, saved_mask, TRAPCTL, saved_mask)                                                                          \
    R(FIELD, restore_mask, TRAPCTL)                                                                                    \
    R(HOST_IN, doubt, "a fault that is to come again")                                                                 \
    R(HOST, given, "of a tap")                                                                                         \
    R(FIELD, caught, TRAPCTL)                                                                                          \
    R(BYTES_IN, caught_info, caught_info)                                                                              \
    R(FIELD, queued, TRAPCTL)                                                                                          \
    R(BYTES_IN, queued_info, queued_info)                                                                              \
    R(FIELD, stack_start, TRAPCTL)                                                                                     \
    R(FIELD, stack_size, TRAPCTL)                                                                                      \
    R(FIELD, stack_flags, TRAPCTL)                                                                                     \
    R(FIELD, robust_list, RESOURCE)                                                                                    \
    R(FIELD, robust_size, RESOURCE)                                                                                    \
    R(FIELD, clear_tid, RESOURCE)                                                                                      \
    R(HOST_IN, awaited, "waits that have just been")
static OBJECT_TYPE(thread_type, "thread", struct thread, THREAD_ROWS)

/* ---- what threads have in common */

#define ACTION_ROWS(R)                                                                                                 \
    R(FIELD, handler, TRAPCTL)                                                                                         \
    R(FIELD, flags, TRAPCTL)                                                                                           \
    R(FIELD, restorer, TRAPCTL)                                                                                        \
    R(FIELD, mask, TRAPCTL)
static OBJECT_TYPE(action_type, "action", struct action, ACTION_ROWS)

/* Whether there is one: its number is not for the guest to see. */
static uint64_t own_fd_kept(const struct visitor *v, const void *object, unsigned index) {
    const struct own_fd *own = object;
    (void)v, (void)index;
    return own->fd >= 0 ? 1 : (uint64_t)-own->fd;
}

#define OWN_FD_ROWS(R)                                                                                                 \
    R(VALUE, fd, RESOURCE, own_fd_kept)                                                                                \
    R(HOST, dev, "what it is on the host")                                                                             \
    R(HOST, ino, "likewise")
static OBJECT_TYPE(own_fd_type, "own", struct own_fd, OWN_FD_ROWS)

static void root_folder(struct visitor *v, const struct field *f, void *object) {
    const struct root *r = object;
    visit_bytes(v, f, 0, r->folder, r->length);
}
static void root_inside(struct visitor *v, const struct field *f, void *object) {
    const struct root *r = object;
    visit_bytes(v, f, 0, r->inside, strlen(r->inside));
}

#define ROOT_ROWS(R)                                                                                                   \
    R(BYTES_IN, folder, root_folder)                                                                                   \
    R(HOST, length, "of the folder's name")                                                                            \
    R(FIELD, whole, RESOURCE)                                                                                          \
    R(HOST, apart, "what is known of the host's file systems")                                                         \
    R(FIELD, at_top, RESOURCE)                                                                                         \
    R(BYTES_IN, inside, root_inside)
static OBJECT_TYPE(root_type, "root", struct root, ROOT_ROWS)

#define USERFAULT_ROWS(R)                                                                                              \
    R(FIELD, start, MAP)                                                                                               \
    R(FIELD, end, MAP)                                                                                                 \
    R(FIELD, writes, MAP)                                                                                              \
    R(FIELD, minor, MAP)
static OBJECT_TYPE(userfault_type, "userfault", __typeof__(((struct process *)0)->userfault), USERFAULT_ROWS)

/* Memory and actions of its own, or those of a process that it shares them with. */
static uint64_t shares_memory(const struct visitor *v, const void *object, unsigned index) {
    const struct process *p = object;
    (void)v, (void)index;
    return p->space != &p->memory.space;
}
static uint64_t shares_actions(const struct visitor *v, const void *object, unsigned index) {
    const struct process *p = object;
    (void)v, (void)index;
    return p->actions != p->own_actions;
}
static void *own_memory(const struct visitor *v, void *object, void *previous) {
    struct process *p = object;
    (void)v;
    return previous || p->space != &p->memory.space ? NULL : &p->memory;
}
static void *next_action(const struct visitor *v, void *object, void *previous) {
    struct process *p = object;
    (void)v;
    if (p->actions != p->own_actions) return NULL;
    struct action *a = previous ? (struct action *)previous + 1 : p->own_actions;
    return a < p->own_actions + SIGNALS + 1 ? a : NULL;
}
static void *next_ring(const struct visitor *v, void *object, void *previous) {
    (void)v;
    return previous ? ((struct uring *)previous)->next : ((struct process *)object)->rings;
}
static void exe(struct visitor *v, const struct field *f, void *object) {
    const struct process *p = object;
    if (p->exe) visit_bytes(v, f, 0, p->exe, strlen(p->exe));
}

#define PROCESS_ROWS(R)                                                                                                \
    R(HOST, vm, "what it hangs on")                                                                                    \
    R(HOST, abi, "follows from the program")                                                                           \
    R(VALUE, space, HIDDEN, shares_memory)                                                                             \
    R(LIST_IN, memory, memory_type, own_memory)                                                                        \
    R(HOST, partner, "what it is part of")                                                                             \
    R(LIST, partners, partner_type, partner_next)                                                                      \
    R(HOST, spare, "memory for the next one")                                                                          \
    R(HOST_IN, thread, "one of `threads`, until it has ended")                                                         \
    R(LIST, threads, thread_type, next_thread)                                                                         \
    R(HOST, leaving, "threads of the host")                                                                            \
    R(VALUE, actions, HIDDEN, shares_actions)                                                                          \
    R(LIST_IN, own_actions, action_type, next_action)                                                                  \
    R(HOST_IN, host_actions, "of whoever opened the vm")                                                               \
    R(BYTES, exe, exe)                                                                                                 \
    R(HOST, exe_dev, "what that is on the host")                                                                       \
    R(HOST, exe_ino, "likewise")                                                                                       \
    R(HOST, vectors_told, "what the host knows")                                                                       \
    R(OBJECTS, own, own_fd_type)                                                                                       \
    R(HOST_IN, hidden, "of calls under way")                                                                           \
    R(HOST, nhidden, "of calls under way")                                                                             \
    R(OBJECT, root, root_type)                                                                                         \
    R(HOST, forked, "how it ends for vee")                                                                             \
    R(FIELD, vdso, MAP)                                                                                                \
    R(FIELD, stack_top, MAP)                                                                                           \
    R(FIELD, stack_start, MAP)                                                                                         \
    R(FIELD, code_start, MAP)                                                                                          \
    R(FIELD, code_end, MAP)                                                                                            \
    R(FIELD, data_start, MAP)                                                                                          \
    R(FIELD, data_end, MAP)                                                                                            \
    R(FIELD, arg_start, MAP)                                                                                           \
    R(FIELD, arg_end, MAP)                                                                                             \
    R(FIELD, env_end, MAP)                                                                                             \
    R(ARRAY, auxv, RESOURCE)                                                                                           \
    R(FIELD, auxv_words, RESOURCE)                                                                                     \
    R(ARRAY, core_limit, RESOURCE)                                                                                     \
    R(ARRAY, data_limit, RESOURCE)                                                                                     \
    R(ARRAY, stack_limit, RESOURCE)                                                                                    \
    R(ARRAY, space_limit, RESOURCE)                                                                                    \
    R(HOST, key, "of this process of the host's")                                                                      \
    R(HOST, files_shared, "a doubt about the host's descriptors")                                                      \
    R(FIELD, files_most, RESOURCE)                                                                                     \
    R(FIELD, persona, MODE)                                                                                            \
    R(HOST, store, "kept translations")                                                                                \
    R(LIST, rings, uring_type, next_ring)                                                                              \
    R(LIST, aio, aio_type, aio_next)                                                                                   \
    R(OBJECT, userfault, userfault_type)
OBJECT_TYPE(process_type, "process", struct process, PROCESS_ROWS)
