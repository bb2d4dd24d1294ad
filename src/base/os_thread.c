/* os_thread.c - tasks that run on memory of vee's own: threads, and processes that share its memory (see os.h).
 *
 * A task is one mapping:   guard page | alternate signal stack | stack | thread-local variables, task block | data
 * so that whoever ends it unmaps one range, in assembly, as the stack goes with it. A stack that overflows runs into
 * the alternate one first; there is one guard, because with ten thousand threads each mapping counts.
 *
 * The thread-local variables are those that every thread of this program has from its start (initial-exec): their
 * places relative to the thread pointer are the same in each thread, and what they begin with is in the program's
 * files. Both are looked up once (os_thread_prepare). The task block has what compilers and the C library want at fixed
 * places of it (os_task_block) and is zero otherwise. What needs more of the C library than its system calls and its
 * errno must not be called from such a task; tool/check_objects.py sees to that. What of it is the processor's is in
 * os_task.h.
 *
 * Sanitizers have to know of threads: in their builds they are made by the C library. */
#define _GNU_SOURCE
#include "base/os.h"
#include "base/os_task.h"
#include <errno.h>
#include <linux/sched.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define OS_THREADS_OF_LIBC 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define OS_THREADS_OF_LIBC 1
#endif
#endif

enum {
    PAGE = 4096,
    SIGNAL_STACK = 64 << 10,
    STACK = 512 << 10,
    BLOCK = PAGE, /* behind the thread pointer */
    IMAGES = 16,
    VARIABLES_MOST = 1 << 20
};

struct os_thread {
    uint8_t *memory;
    size_t size;
    uint8_t *stack_end, *pointer, *data;
    void (*run)(void *data);
    uint32_t *id;
};

static struct {
    size_t size; /* of all variables, whole pages */
    unsigned count;
    struct image {
        size_t below; /* the thread pointer */
        const void *bytes;
        size_t size; /* the rest is zero */
    } images[IMAGES];
} variables;

static int image_note(struct dl_phdr_info *info, size_t size, void *failed) {
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_TLS || !info->dlpi_tls_data) continue;
        const size_t below = os_task_pointer() - (uintptr_t)info->dlpi_tls_data;
        if (below > VARIABLES_MOST) continue; /* not of those that threads have from their start */
        if (variables.count == IMAGES || p->p_align > PAGE) {
            *(bool *)failed = true;
            return 1;
        }
        variables.images[variables.count++] =
            (struct image){below, (const void *)(info->dlpi_addr + p->p_vaddr), p->p_filesz};
        if (below > variables.size) variables.size = (below + PAGE - 1) & ~(size_t)(PAGE - 1);
    }
    return 0;
}

static _Thread_local int known = 1; /* as in every thread */

bool os_thread_prepare(void) {
    bool failed = false;
    if (variables.count) return true;
    dl_iterate_phdr(image_note, &failed);
    const size_t below = os_task_pointer() - (uintptr_t)&known;
    bool found = false;
    for (unsigned i = 0; i < variables.count; i++) {
        const struct image *m = &variables.images[i];
        int value = 0;
        if (below > m->below || m->below - below + sizeof value > m->size) continue;
        memcpy(&value, (const uint8_t *)m->bytes + (m->below - below), sizeof value);
        found = found || value == 1;
    }
    return found && !failed;
}

/* In memory that is zero from its variables on. */
static struct os_thread *begin(uint8_t *memory, size_t size) {
    uint8_t *stack_end = memory + PAGE + SIGNAL_STACK + STACK, *pointer = stack_end + variables.size;
    struct os_thread *t = (struct os_thread *)(void *)(pointer + BLOCK);
    *t = (struct os_thread){.memory = memory, .size = size, .stack_end = stack_end, .pointer = pointer};
    t->data = (uint8_t *)(((uintptr_t)(t + 1) + 63) & ~(uintptr_t)63);
    for (unsigned i = 0; i < variables.count; i++) {
        const struct image *m = &variables.images[i];
        memcpy(pointer - m->below, m->bytes, m->size);
    }
    os_task_block(pointer);
    return t;
}

struct os_thread *os_thread_make(size_t data) {
    const size_t above = (BLOCK + sizeof(struct os_thread) + 63 + data + PAGE - 1) & ~(size_t)(PAGE - 1);
    const size_t size = PAGE + SIGNAL_STACK + STACK + variables.size + above;
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return NULL;
    if (mprotect(p, PAGE, PROT_NONE)) {
        munmap(p, size);
        return NULL;
    }
    return begin(p, size);
}

struct os_thread *os_thread_again(struct os_thread *t, size_t data) {
    uint8_t *memory = t->memory;
    const size_t size = t->size;
    os_stack_left(memory, size);
    memset(t->data, 0, data);
    memset(t->stack_end, 0, (size_t)((uint8_t *)t - t->stack_end));
    return begin(memory, size);
}

void *os_thread_data(struct os_thread *t) {
    return t->data;
}

void os_thread_free(struct os_thread *t) {
    os_stack_left(t->memory, t->size);
    munmap(t->memory, t->size);
}

static bool signal_stack(struct os_thread *t) {
    return !sigaltstack(&(stack_t){.ss_sp = t->memory + PAGE, .ss_size = SIGNAL_STACK}, NULL);
}

#ifdef OS_THREADS_OF_LIBC
static void *thread_main(void *arg) {
    struct os_thread *t = arg;
    signal_stack(t);
    __atomic_store_n(t->id, (uint32_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    os_wake(t->id, 1);
    t->run(t->data);
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    os_thread_free(t);
    return NULL;
}

static int64_t start_thread(struct os_thread *t) {
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return -EAGAIN;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    __atomic_store_n(t->id, 0, __ATOMIC_SEQ_CST);
    uint32_t *id = t->id; /* t may be gone soon */
    bool made = !pthread_create(&thread, &attributes, thread_main, t);
    pthread_attr_destroy(&attributes);
    if (!made) return -EAGAIN;
    uint32_t known_id;
    while ((known_id = __atomic_load_n(id, __ATOMIC_SEQ_CST)) == 0) os_wait(id, 0, 0);
    return known_id;
}
#endif

int os_thread_signal(void) {
#ifdef OS_THREADS_OF_LIBC
    return 33; /* glibc's, for changes of identity */
#else
    return 0;
#endif
}

static void task_main(void *arg) {
    struct os_thread *t = arg;
    sigset_t all;
    signal_stack(t); /* of the same kind as what works elsewhere */
    t->run(t->data);
    sigfillset(&all);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8); /* no handler runs on what goes away */
    os_stack_left(t->memory, t->size);
    os_task_end(t->memory, t->size);
}

/* Can the older call of the host, which every host has, say the same? */
static bool old_form(const struct clone_args *a) {
    return !(a->flags >> 32) && !(a->flags & (CLONE_NEWTIME | CLONE_PIDFD)) && !a->set_tid_size;
}

static int64_t start_process(struct os_thread *t, const struct clone_args *process, uint32_t *id, uint32_t *cleared) {
    struct clone_args a = *process;
    a.flags |= CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    a.flags &= ~(uint64_t)CLONE_CHILD_SETTID;
    if (old_form(&a))
        return os_task_clone(a.flags | a.exit_signal, t->stack_end, id, cleared, t->pointer, task_main, t);
    a.tls = (uintptr_t)t->pointer;
    a.parent_tid = (uintptr_t)id;
    a.child_tid = (uintptr_t)cleared;
    a.stack = (uintptr_t)t->memory + PAGE + SIGNAL_STACK;
    a.stack_size = (uintptr_t)t->stack_end - a.stack;
    return os_task_clone3(&a, sizeof a, task_main, t);
}

int64_t os_thread_start(struct os_thread *t, const struct clone_args *process, void (*run)(void *data), uint32_t *id,
                        uint32_t *cleared) {
    t->run = run;
    t->id = id;
    if (process) return start_process(t, process, id, cleared);
#ifdef OS_THREADS_OF_LIBC
    return start_thread(t);
#else
    const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    return os_task_clone(thread | CLONE_SETTLS | CLONE_PARENT_SETTID, t->stack_end, id, NULL, t->pointer, task_main, t);
#endif
}
