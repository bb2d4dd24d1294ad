/* os.h - what vee asks of the operating system it runs on, so that nothing else includes its headers for these things.
 * Functions return false or NULL on failure and leave errno.
 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In front of what runs in handlers of signals: these come in the middle of anything, ThreadSanitizer's own code
   included, whose locks wait for themselves then. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define IN_HANDLER __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef IN_HANDLER
#define IN_HANDLER
#endif

/** Two views of the same zeroed memory: *write is readable and writable, *execute readable and executable. */
bool os_dual_map(size_t size, void **write, void **execute);
void os_dual_unmap(size_t size, void *write, void *execute);
/** The first `size` bytes of a writable view will be used: saves the faults. */
void os_dual_populate(void *write, size_t size);
/** These whole pages of the writable view need not be resident there, too, until they are touched again. */
void os_dual_written(void *write, size_t size);
/** Puts such views in the place of others of the same size. False: half of it may have happened. */
bool os_dual_move(size_t size, void *from_write, void *from_execute, void *write, void *execute);
/** Address space without access rights; os_commit makes a part of it readable and writable. */
void *os_reserve(size_t size);
bool os_commit(void *at, size_t size);
/** Address space for memory that is much used and used all over: the system may give it large pages. */
void *os_reserve_large(size_t size);
/** Lets memory be only read, or written again. */
bool os_protect(void *at, size_t size, bool write);
void os_release(void *at, size_t size);
/** Gives back what is in memory from os_commit, which is zero then. */
void os_discard(void *at, size_t size);
/** Zeroed memory of whole pages, aligned to 64, straight from the system: no lock and no heap is left half-way when a
    process forks or dies in here. NULL when there is none (and on purpose now and then in the poison build). */
void *os_alloc(size_t size);
void os_free(void *memory);
/** A stack-like area of `size` bytes with an inaccessible guard page below. */
void *os_stack_map(size_t size);
void os_stack_unmap(void *stack, size_t size);
/** What ran on such an area was left for good, in the middle of functions. */
void os_stack_left(void *stack, size_t size);
/** Installs a handler for memory faults of this process, in front of the one that is there. It returns true when it has
    dealt with the fault; otherwise the fault takes its course (the handler before, or death). Calling again puts it in
    front again. Whoever installs other handlers for SIGSEGV and SIGBUS later must call the same function first. */
bool os_catch_faults(bool (*handler)(int signal, void *siginfo, void *ucontext));
/** Gives the calling thread of the C library an alternate stack for that handler, unless it has one; it goes when the
    thread ends. */
bool os_fault_stack(void);
uint64_t os_nanoseconds(void);
/** What this thread has run for. */
uint64_t os_cpu_nanoseconds(void);
/** The id of the parent process, which changes when that ends. */
uint32_t os_parent(void);
/** Sleeps while *word is `value`, at most so long (0: any time), or less: the caller looks again. And wakes at most n
    threads that sleep at a word. Both leave errno alone. */
void os_wait(const uint32_t *word, uint32_t value, uint64_t nanoseconds);
void os_wake(const uint32_t *word, int n);
/** For a moment, in a loop that looks at a word of another thread's. */
void os_pause(void);
/** Makes room for some descriptors more than this process may have, if the system allows it: its upper limit is higher,
   or the process is privileged. What was opened meanwhile stays open when the limits are as before again. */
bool os_descriptors_more(uint64_t kept[2]);
void os_descriptors_as(const uint64_t kept[2]);
/** The names in a directory, one after the other, NULL at the end; a name stays until the next call. */
struct os_folder {
    int fd;
    size_t at, used;
    _Alignas(8) char bytes[4096];
};
bool os_folder_open(struct os_folder *f, const char *path);
const char *os_folder_next(struct os_folder *f);
void os_folder_close(struct os_folder *f);
/** Bytes that nobody can predict. */
void os_random(void *bytes, size_t size);
/** Poison builds: true for a random allocation now and then, of those that a guest does not notice (an arena's), in
    threads that run one (see docs/invariants.md). Else false. And the same of mappings (frozen code that changes,
   tables that grow), which are much rarer. */
bool os_alloc_fails(void);
bool os_map_fails(void);
void os_allocs_may_fail(bool may);
/** How much of `size` bytes vee asks for in one read of its own: all; in poison builds, any part (at least 1). What
   comes badly of what a guest can notice does so at its door (vm/input.h). */
size_t os_io_size(size_t size);

/* Threads of vee's own, and processes that share its memory: with a stack, an alternate stack for the fault handler,
 * and thread-local variables, all in one mapping, of which the C library knows nothing: no lock and no heap of its is
 * used when they begin and end, which a fork in that moment would leave as they are (os_thread.c). */
struct os_thread;
/** Once, in a thread of the C library, before the first of them is made: what their variables are like. False: this
    program has them in a way that is not understood. */
bool os_thread_prepare(void);
/** With room for so many bytes of the caller's at os_thread_data. NULL: no memory. */
struct os_thread *os_thread_make(size_t data);
/** The same from one whose process has ended; of its data only the first `data` bytes are zero again. */
struct os_thread *os_thread_again(struct os_thread *t, size_t data);
/** Zeroed, aligned to 64. */
void *os_thread_data(struct os_thread *t);
/** Runs run(data) in a thread of this process, or (`process` is not NULL) in a process of its own, of these arguments
   of the kernel's clone3, which share memory; stack, thread pointer and the words for ids in them are set here. When it
    returns, a thread ends and its memory is gone; of a process it must not return. The id of the new task, stored at
   *id before it runs and before this returns, or a negative errno, upon which the caller still has the memory. cleared:
   a word that becomes 0 when a process has ended in whatever way, or uses this memory no more. */
struct clone_args;
int64_t os_thread_start(struct os_thread *t, const struct clone_args *process, void (*run)(void *data), uint32_t *id,
                        uint32_t *cleared);
/** In builds whose threads the C library makes: the signal that it installs a handler for with the first one. Else 0.
 */
int os_thread_signal(void);
/** Of one that was not started, or whose process has ended. */
void os_thread_free(struct os_thread *t);

/* The kernel's own calls, past the C library, which has wishes of its own about signals and threads. A result is the
 * kernel's: negative errors. */
int64_t os_call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
enum { OS_NOT_BEGUN = -5001 };
/** One that may block, and does not begin when *interrupted is set: OS_NOT_BEGUN. */
int64_t os_call_unless(const uint32_t *interrupted, long number, const uint64_t args[6]);
/** For a handler of signals that has set *interrupted: if the call at *pc has not begun, it does not any more. */
bool os_call_cancel(uint64_t *pc);
/** What the kernel does about a signal: handler (or 0, 1: SIG_DFL, SIG_IGN), SA_*, mask. */
struct os_action {
    uint64_t handler, flags, mask;
};
/** set, old: NULL for none. */
int64_t os_action(int signal, const struct os_action *set, struct os_action *old);

/* Of functions that end a thread or the process. Before whatever does not return the address sanitizer opens a file, in
   threads that the C library does not know, and stops where a guest has left no descriptor: so it is not told. */
#if defined __SANITIZE_ADDRESS__
#define OS_ENDS
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define OS_ENDS
#endif
#endif
#ifndef OS_ENDS
#define OS_ENDS _Noreturn
#endif

/** Ends the process by a signal as if nobody had handled it, without a dump of its memory. core: a core file of the
   guest has been written, and the wait status is to say so, where the host lets a process arrange that. */
OS_ENDS void os_die(int signal, bool core);

#endif
