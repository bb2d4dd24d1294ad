/* linux.h - what the files of process/linux/ share: a system call on its way, the host's calls, and signals.
 *
 * A call's arguments are translated by the letters of its row before its handler sees them: `guest` holds the registers
 * as they were, `host` what a host call gets (pointers become host addresses, paths are copied). Results are values or
 * negative errnos, or one of enum call_result.
 */
#ifndef PROCESS_LINUX_LINUX_H
#define PROCESS_LINUX_LINUX_H

#include "process/linux/abi.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

struct call;
struct clone_args;

/** The rows of syscall.def. */
enum row_index {
    ROW_NONE,
#define PASS(name, args)            ROW_##name,
#define SAME(number, name, args)    ROW_##name,
#define ABSENT(name, error, reason) ROW_##name,
#define CALL(name, args)            ROW_##name,
#include "process/linux/syscall.def"
    ROWS
};
struct row {
    const char *name;
    const char *args; /* letters: see syscall.def */
    int64_t (*handler)(struct call *c);
    int32_t host; /* its number on the host, for calls that are passed through; an errno for those that are absent */
};
extern const struct row linux_rows[ROWS];

struct call {
    struct process *process;
    struct thread *thread;
    const struct row *row;
    const struct layout *layouts; /* of the number that the guest has called it by */
    uint32_t number;              /* the guest's */
    struct written *written;      /* where what is written to the guest's memory is noted (outside.c), or NULL */
    uint64_t guest[6], host[6];
    unsigned out;        /* bit per argument that is the host's form of a struct, to go back to the guest */
    unsigned out_always; /* ... whatever the result is */
    const struct layout *out_as[6];
    unsigned paths;      /* used up of scratch->path */
    int held[CALL_HELD]; /* descriptors that paths go by, until the call is done */
    unsigned nheld;
    struct sockaddr_un address; /* what a path of a socket has become */
    bool missing;               /* a path with PATH_CREATE is of something that is not there */
    bool brief;                 /* see worse_wait */
};

enum call_result {
    CALL_AGAIN = OS_NOT_BEGUN, /* not begun: the instruction is executed again when signals have been delivered */
    CALL_STATE = -5002,        /* the handler has set the registers */
    CALL_STOP = -5003,         /* the vm has been stopped */
};

/* ---- the host's calls */

/* Any of them may wait, for a device, another process or, in a file system that the guest serves itself, another of its
 * threads; so it is made without the engine's lock: by call_wait where nothing has been done yet for the guest's call,
 * by host_wait in the middle. Those of held.def do not wait, and are made by host_do. What was looked up before may be
 * another thing afterwards: descriptors, paths, mappings, tables of the process. */

#define HOST_DO_WORD(x) (uint64_t)(uintptr_t)(x)
#define HOST_DO_ARGS(how, number, a, b, c, d, e, f, ...)                                                               \
    how(number, HOST_DO_WORD(a), HOST_DO_WORD(b), HOST_DO_WORD(c), HOST_DO_WORD(d), HOST_DO_WORD(e), HOST_DO_WORD(f))
/** host_hold(number, up to six arguments): with the lock, as the arguments are such that it does not wait, or because
    nobody else is to go on. */
#define host_hold(...) HOST_DO_ARGS(os_call, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
/** host_do: one of held.def, which checks look at. */
#ifdef VEE_CHECK
void host_check(long number, int command);
static inline int64_t host_do_checked(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                                      uint64_t f) {
    host_check(number, (int)b);
    return os_call(number, a, b, c, d, e, f);
}
#define host_do(...) HOST_DO_ARGS(host_do_checked, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#else
#define host_do(...) host_hold(__VA_ARGS__)
#endif
/** host_wait: one that may wait; without the lock, if the caller has it. */
int64_t host_wait6(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
#define host_wait(...) HOST_DO_ARGS(host_wait6, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* ---- arguments (call.c) */

/** Is it the call of this row? */
static inline bool call_is(const struct call *c, enum row_index row) {
    return c->row == &linux_rows[row];
}

/** Translates the arguments, makes the call of the row. */
int64_t call_answer(struct call *c);
/** Makes the call of the row with the host arguments of c. */
int64_t call_pass(struct call *c);
/** Makes any host call on behalf of c, without the lock. */
int64_t call_wait(struct call *c, long number, uint64_t a, uint64_t b, uint64_t d, uint64_t e, uint64_t f, uint64_t g);
/** The same past the door (outside.c). */
int64_t call_wait_on_host(struct call *c, long number, const uint64_t args[6]);
/** Copies a path below the folder `dir` and places it (path_place); its host address, or a negative errno. */
int64_t call_path(struct call *c, int dir, uint64_t from, unsigned how);
/** Copies a vector of buffers with translated addresses into scratch; number of entries or a negative errno. */
int64_t call_iovec(struct call *c, uint64_t from, uint64_t count);
/** Host address of guest memory of this size for the kernel to access; false if it is not the guest's. */
bool call_pointer(struct call *c, uint64_t guest, uint64_t size, uint64_t *host);

/** Does a message's control part hold vee's own descriptors? */
bool call_message_holds_own(struct call *c, uint64_t control, uint64_t size);

/** An address that the host refuses. */
#define CALL_NOBODYS (UINT64_MAX - SPACE_PAGE + 1)

/** Around a call that waits and may have a signal mask, at this guest address; *set is where the host's version goes.
 */
int64_t call_mask_begin(struct call *c, uint64_t from, uint64_t size, uint64_t *set);
int64_t call_mask_end(struct call *c, uint64_t from, int64_t result);

/** The structs of layout.def by their letters. */
enum {
#define LAYOUT(letter, name, host) LAYOUT_##name = letter,
#define FIELD(guest, host)
#define MOST(guest, host)
#define END
#include "process/linux/layout.def"
};
/** Reads and writes a struct of layout.def; the host's form is at `host`. Writing: 0, -EFAULT or -EOVERFLOW. */
bool call_get(struct call *c, char letter, uint64_t from, void *host);
bool call_gets(struct call *c, char letter, uint64_t from, uint64_t count, void *host);
int64_t call_put(struct call *c, char letter, uint64_t to, const void *host);
static inline const struct layout *call_layout(const struct call *c, char letter) {
    return &c->layouts[letter - 'A'];
}
/** Gives what argument `i` is room for, by a row with > or =. */
int64_t call_give(struct call *c, unsigned i, char letter, const void *host);

/** A time that the host is to read: where it is for the host, in the guest's memory or copied to `room`. */
bool call_time(struct call *c, uint64_t from, struct timespec *room, uint64_t *host);

/** Flags of open, from the guest's and to it. */
uint64_t open_flags_in(const struct process *p, uint64_t flags);
uint64_t open_flags_out(const struct process *p, uint64_t flags);

/** Reads a struct of a size that the guest gives: what is missing in it is 0, what is behind it must be. */
int64_t call_read_struct(struct call *c, uint64_t from, uint64_t size, void *to, size_t known);

/** The call writes there, whoever does it. */
void outside_note(struct call *c, uint64_t at, uint64_t size);

/** Checked copies; the memory may have to be waited for (await_memory). */
static inline bool call_read(struct call *c, uint64_t from, void *to, size_t size) {
    memory_reach(c->process->space, from, size);
    return await_read(c->process, from, to, size);
}
static inline bool call_write(struct call *c, uint64_t to, const void *from, size_t size) {
    memory_reach(c->process->space, to, size);
    if (c->written) outside_note(c, to, size);
    return await_write(c->process, to, from, size);
}
/** Reads a string with its end. Its length, -EFAULT, or -ENAMETOOLONG when it does not end within `size` bytes. */
int64_t call_read_string(struct call *c, uint64_t from, char *to, size_t size);

/** N, @K, @K*M or @K+M behind a pointer's letter in a row; *s goes on behind it. */
uint64_t call_size(const char **s, const struct call *c);

/* ---- the descriptors that are vee's (own_fd.c) */

/** Makes sure that they still are: processes may share descriptors without sharing memory. */
void own_fds_check(struct process *p);
/** Does the guest name one? To the guest it is not there. */
static inline bool own_fd_named(struct process *p, int fd);
bool own_fd_is(struct process *p, int fd);
/** One that vee uses for a moment: the guest cannot name it meanwhile. Its new number, which is high: the guest is
   given the lowest that is free. */
int own_fd_hide(struct process *p, int fd);
void own_fd_show(struct process *p, int fd);
/** In a new process: what other threads were using is not there. shared: their descriptors are. */
void own_fds_forked(struct process *p, bool shared);
/** The guest is out of descriptors: moves one of vee's own out of the numbers that count. False if that changes
    nothing. */
bool own_fd_yield(struct process *p);
/** A call's result, maybe a descriptor: Linux makes the lowest that is free, so vee's own go on where they are among
   the next two. */
static inline void own_fds_shift(struct process *p, int64_t made);
void own_fds_move(struct process *p, int64_t made);
/* Both for nearly every call: most need no more than a look. */
static inline bool own_fd_has(const struct process *p, int64_t fd) {
    bool has = false;
    for (unsigned i = 0; i < OWN_FDS; i++) has |= fd == p->own[i].fd;
    return has;
}
static inline bool own_fd_named(struct process *p, int fd) {
    return (own_fd_has(p, fd) || p->nhidden) && own_fd_is(p, fd);
}
static inline void own_fds_shift(struct process *p, int64_t made) {
    if (made > 2 && (own_fd_has(p, made + 1) || own_fd_has(p, made + 2))) own_fds_move(p, made);
}
/** A host call that makes a descriptor, for vee itself: also where the guest is out of them, if the host allows it. */
int64_t descriptor_make(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* ---- paths (path.c) */

enum {
    PATH_FOLLOW = 1,   /* the last component's link, too */
    PATH_CREATE = 2,   /* the last component may be missing */
    PATH_NO_LINKS = 4, /* there must be none: ELOOP */
};
/** Where a guest's path below a folder leads, as a path of the host; 0 or a negative errno. May use up paths and hold
    descriptors, which path_release closes. */
int64_t path_place(struct call *c, int folder, const char *path, unsigned how, const char **to);
void path_release(struct call *c);
/** Makes a path that the host says what it is to the guest; false: it has none there. */
bool path_to_guest(const struct process *p, char *text);
/** With --root: a folder's path without links, within. 1: it is one of the host's; or a negative errno. */
int64_t path_find_folder(struct process *p, const char *path, char found[PATH_MAX]);
/** The working directory is another one; the root is, or where it is mounted. */
void path_moved(struct process *p);
void path_root_again(struct process *p);

/** If it is a path, where that leads, as c->address: its size. Else 0, or a negative errno. */
int64_t socket_address_place(struct call *c, uint64_t from, uint32_t size, unsigned how);
/** What the host has written where the row says B, as the guest calls it; and an address of so many bytes. */
void socket_address_show(struct call *c);
uint32_t socket_path_show(const struct process *p, struct sockaddr_un *address, uint32_t size);

/* ---- paths of procfs (file.c) */

/** Writes a number in decimal, with a 0 behind; returns where that is. Room for 21 bytes is enough. */
char *put_digits(char *at, uint64_t v);
enum { FD_PATH = 40 };
/** The path that leads the process itself to what its descriptor is of. */
void fd_path(char path[FD_PATH], int fd);

/* ---- system calls as text (strace.c) */

struct strace {
    const struct vm_options *options;
    char text[1024];
    size_t used;
};
void strace_begin(struct strace *s, const struct call *c, uint64_t number);
void strace_end(struct strace *s, int64_t result);

/* ---- process ids (identity.c): in counted runs the first process has a fixed one, so that runs can be compared */

/** The host's id for one that the guest names; and what the guest sees for the host's. */
int64_t process_id_in(const struct process *p, int64_t id);
int64_t process_id_out(const struct process *p, int64_t id);

/* ---- userfaultfd (userfault.c) */

/** A request to one, whose struct of so many bytes has its length at the offset, behind the addresses that it is of. */
int64_t userfault_request(struct call *c, uint32_t request, unsigned length_at, unsigned size);

/* ---- asynchronous I/O (aio.c) */

/** In a forked child, which has no contexts. */
void aio_forked(struct process *p);

/* ---- io_uring (uring.c) */

enum { URING_OTHER = -5010 };
/** mmap of what a ring keeps apart for the guest; URING_OTHER: it is of something else. */
int64_t uring_map(struct call *c);
/** These descriptors are about to be closed. */
void uring_closed(struct process *p, int fd);
void uring_closed_between(struct process *p, uint32_t first, uint32_t last);
/** In a forked child. */
void uring_forked(struct process *p);

/* ---- threads (thread.c) */

/** clone with CLONE_THREAD (guest addresses, its stack given by its upper end), and exit of one thread of several. */
int64_t thread_make(struct call *c, const struct clone_args *guest);
int64_t thread_end(struct call *c);

/** A thread, of which process and scratch are set, gets a cpu and goes on behind the call that `from` makes. False:
   there is no memory. */
bool thread_begin(struct thread *t, const struct thread *from, const struct clone_args *guest);
/** The memory of a thread that has ended with its process. */
void thread_memory_free(struct thread *t);
/** Robust locks, and the word that joiners wait at, say that the thread is no more. */
void thread_locks_end(struct thread *t);

/* ---- processes that share memory (share.c) */

/** clone with CLONE_VM and without CLONE_THREAD. host: the same for the host, with checked pointers. */
int64_t share_make(struct call *c, const struct clone_args *guest, const struct clone_args *host);
/** This process is about to end or to execute a program, in good order: whoever shares its memory goes on. And back. */
void share_leave(struct thread *t);
void share_stay(struct thread *t);
/** Ends the process; by a signal, which says (core) that a core file has been written. */
OS_ENDS void share_exit(struct thread *t, int status);
OS_ENDS void share_die(struct thread *t, int signal, bool core);
/** Are the host's signal handlers another process's, too? */
bool share_handlers(const struct process *p);
/** In the child of a fork, which shares nothing. */
void share_forked(struct thread *t);
/** What a new task begins with, in the process or thread of the host that it runs in: of these flags. */
void handlers_clear(struct thread *t);

/* ---- seccomp (seccomp.c), for threads with thread->seccomp */

/** Do the filters let the call pass? If not, result is the answer. */
bool seccomp_allows(struct call *c, uint64_t number, int64_t *result);
/** seccomp and prctl: the operation with its flags and argument. */
int64_t seccomp_do(struct call *c, uint64_t operation, uint64_t flags, uint64_t at);
/** A thread gets what another one has; it is gone. */
void seccomp_share(struct thread *to, const struct thread *from);
void seccomp_leave(struct thread *t);
/** Writes the filters to a file, and reads them, of bytes that may be anything. */
size_t seccomp_pass_size(const struct thread *t);
bool seccomp_pass(const struct thread *t, int fd);
bool seccomp_take(struct thread *t, int fd);

/* ---- exec (inherit.c) */

/** Adds a file with what else the new program inherits, if there is anything; 0 or a negative errno. */
int64_t inherit_make(struct thread *t, struct inherited *to);
/** The option of the new vee that names the descriptors. */
enum { INHERITED_TEXT = 32 };
void inherit_text(const struct inherited *i, char text[INHERITED_TEXT]);
/** The next program gets the descriptors, or not. */
void inherit_pass(const struct inherited *i, bool pass);

/* ---- signals (signal.c) */

/** The guest's thread that the caller is; NULL: none. */
struct thread *thread_here(void);

static inline uint64_t signal_bit(int signal) {
    return UINT64_C(1) << (signal - 1);
}
/** The part of a guest's mask that the host gets. */
uint64_t signal_host_mask(uint64_t mask);
/** Around a host call that waits with another mask: false if a signal is there to interrupt it at once. */
bool signal_wait_begin(struct thread *t, uint64_t mask);
int64_t signal_wait_end(struct thread *t, int64_t result);
/** The host holds back every signal for this thread, faults too, until it gets back the mask that this returns. */
uint64_t signals_hold(void);
void signals_release(uint64_t mask);
/** The guest's action for a signal, its mask, have changed. */
void signal_action_changed(struct thread *t, int signal);
void signal_mask_changed(struct thread *t, uint64_t mask);
/** Sent signals that wait in vee: which, of a thread's `queued`; and takes one that is in the set (0: none). */
uint64_t signal_queued(uint32_t queued);
int signal_take_queued(struct thread *t, uint64_t set, struct signal_info *info);
/** Makes what the process sends to itself look less like a fault, until it has arrived. */
void signal_disguise(int signal, struct signal_info *info);
/** Is the guest on its alternate stack? */
bool signal_on_stack(const struct thread *t);
/** vee's handlers of faults are the host's. */
void signals_keep(void);
/** Host dispositions and mask for exec, and back when it failed. */
void signals_before_exec(struct thread *t);
void signals_after_exec(struct thread *t);

/** The limit on core files has changed. */
void signals_core_limit(struct process *p);
/** Writes a core file, where the guest's limit allows one (core.c). True: it is there. */
bool core_dump(struct thread *t, const struct signal_info *info);

/* ---- rows of structs that are of one file (seccomp.c, share.c, uring.c, aio.c), and lists of them */

const struct object_type *filter_type(void), *partner_type(void), *uring_type(void), *aio_type(void);
void *filter_next(const struct visitor *v, void *thread, void *previous);
void *partner_next(const struct visitor *v, void *process, void *previous);
void *aio_next(const struct visitor *v, void *process, void *previous);

/* ---- substitutes for procfs (proc.c) */

/** In counted runs, whose process has an id of its own: makes a path that names it one that the host understands. */
void proc_own_id(const struct process *p, char *path);
/** If the path (relative to `folder`; "" for that itself) is the link to vee's own program: the one to use instead,
   which may take its place; text: what the link is to say. Else false. */
bool proc_exe(struct process *p, int folder, const char *path, bool text, char to[PATH_MAX]);
/** A file of which nothing but its path is open (O_PATH) is to be opened: what to give the guest instead where nobody
    may have the host's even for a moment, or a negative errno; or PROC_AS_IT_IS. */
enum { PROC_AS_IT_IS = -6000 };
int64_t proc_instead(struct process *p, int fd, uint32_t flags);
/** Is it a link of procfs? */
bool proc_has_link(int folder, const char *path);
/** Looks at a freshly opened descriptor; if it is a file of procfs that would show vee instead of the guest, puts
    something better in its place. Returns the descriptor or a negative errno. */
int64_t proc_opened(struct process *p, int fd, uint32_t flags);
/** If a folder lists a process's descriptors: those that are vee's, to be left out. Else none. */
struct own_fds {
    unsigned count;
    int fd[OWN_FDS];
};
struct own_fds proc_hidden(struct process *p, int folder);
/** Takes them out of a part of the listing; its new size. */
size_t proc_hide(const struct own_fds *hidden, uint8_t *list, size_t size);

/* ---- memory as a file (memory_file.c) */

/** A call has read nothing or was not allowed to write: if that was such a file, what it should have given. */
int64_t memory_file_io(struct call *c, int64_t result);
/** Writes to another guest's memory what that may write itself, though the host protects it; from: on the host. Bytes,
    maybe fewer, or -EFAULT. */
int64_t memory_file_write(struct call *c, int pid, uint64_t at, void *from, uint64_t size);
bool memory_file_is(int fd);
/** If the text of a link says such a file, makes it what it is to the guest, and returns its length. Else 0. */
size_t memory_file_link(char text[PATH_MAX]);

/* ---- handlers, named by the rows of syscall.def */
#define PASS(name, args)
#define SAME(number, name, args)
#define ABSENT(name, error, reason)
#define CALL(name, args) int64_t call_##name(struct call *c);
#include "process/linux/syscall.def"

#endif
