/* process.h - one Linux process as a virtual machine: what the files of process/ share.
 *
 * struct process is what its threads have in common (memory, signal actions, limits, names); struct thread is one cpu
 * and what Linux keeps for a thread (signal mask, pending signals, alternate stack). Both hang on the vm. What depends
 * on the guest's instruction set (registers, signal frames) is behind struct abi, one const table per ISA.
 *
 * The exits of a cpu are answered in answer.c; system calls in linux/ by the rows of linux/syscall.def.
 */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include "base/elf.h"
#include "base/os.h"
#include "process/linux/memory.h"
#include "vm/vm.h"
#include <limits.h>
#include <sys/personality.h>
#include <sys/uio.h>

struct process;
struct thread;
struct abi;
struct filter;
struct partner;

/** siginfo_t as the kernel writes it, the same for every 64-bit Linux. */
struct signal_info {
    int32_t signo, error, code, pad;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            uint64_t value;
        } sent;
        struct {
            uint64_t address;
        } fault;
        struct {
            uint64_t address;
            int32_t number;
            uint32_t arch;
        } call; /* a system call that a filter refused */
        uint8_t bytes[112];
    };
};

/** What the guest asked to be done with a signal (its struct sigaction). */
struct action {
    uint64_t handler;  /* or ACTION_DEFAULT, ACTION_IGNORE */
    uint64_t flags;    /* SA_* */
    uint64_t restorer; /* where a handler returns to, with ACTION_RESTORER; not on every instruction set */
    uint64_t mask;
};
enum { ACTION_DEFAULT = 0, ACTION_IGNORE = 1, ACTION_RESTORER = 0x04000000, SIGNALS = 64 };

enum {
    CALL_PATHS = 16, /* two arguments, each as it is placed and with what stands for it, and interpreters */
    CALL_HELD = 16,
    CALL_IOVECS = 1024, /* UIO_MAXIOV */
    CALL_EVENTS = 1024,
    FRAME_MAX = 4096,
    AUXV_WORDS = 48
};

enum { WRITTEN_PARTS = 1200 };
/** Where a system call writes to the guest's memory: noted where somebody wants to know. */
struct written {
    unsigned n;
    struct written_part {
        uint64_t at, size;
    } part[WRITTEN_PARTS];
};

/** Room for what a system call translates; a thread makes one at a time. */
struct scratch {
    char path[CALL_PATHS][PATH_MAX];
    struct iovec iov[CALL_IOVECS];
    uint64_t structs[6][32]; /* of arguments: the host's form */
    uint8_t bytes[16 << 10];
    struct written written;
};

enum { SIGNALS_KEPT_OPEN = 5 }; /* SEGV, BUS, FPE, ILL, TRAP */

struct thread {
    struct process *process;
    struct thread *next, *previous; /* of the process's threads */
    struct cpu *cpu;
    uint32_t tid; /* 0 until it runs */
    bool leader;  /* of its process: the kernel ends it */
    bool ended;
    bool late_privileges;   /* is to give up new privileges before its next call */
    uint8_t seccomp;        /* SECCOMP_MODE_*: 0, strict, filters */
    struct filter *filters; /* of its system calls, the newest first */
    uint32_t nfilters;
    struct scratch *scratch;
    uint32_t interrupted; /* there is something to deliver: blocking calls do not begin (read by os_call_unless) */
    uint64_t mask;        /* signals that the guest blocks: bit n - 1 */
    uint64_t saved_mask;  /* the one to come back to, while restore_mask */
    bool restore_mask;    /* mask is that of a call which waits with another one */
    uint64_t doubt[2];    /* pc and stack pointer of the last fault that nobody knew of */
    bool given;           /* a tap has given what is caught */
    int caught;           /* signal in caught_info, or 0; while there is one the host's mask is full */
    struct signal_info caught_info;
    uint32_t queued; /* of the signals that the host never blocks: bit per index */
    struct signal_info queued_info[SIGNALS_KEPT_OPEN];
    uint64_t stack_start, stack_size; /* alternate stack */
    uint32_t stack_flags;
    uint64_t robust_list, robust_size;
    uint64_t clear_tid;  /* guest address of a word that is cleared at the end, or 0 */
    uint64_t awaited[2]; /* pages of code that await_code was at last */
};

/** The descriptors that are vee's (linux/own_fd.c): of its own program, for exec; of the guest's program; of
    the directory of --root or -L. */
enum { OWN_VEE, OWN_EXE, OWN_ROOT, OWN_FDS };
struct own_fd {
    int fd; /* or -1, or OWN_FD_GIVEN_UP: the guest needed all. Only /proc leads to vee's program then. */
    uint64_t dev, ino;
};
enum { OWN_FD_GIVEN_UP = -2, HIDDEN_MOST = 64 };

/** Where the guest's paths lead (linux/path.c). */
struct root {
    char folder[PATH_MAX]; /* on the host, without links */
    size_t length;         /* of it; 0: there is none */
    bool whole;            /* everything is within: --root; else -L */
    bool apart;            /* "/" is known not to be procfs, so neither is what lies in its file system */
    bool at_top;           /* the working directory is "/": with -L */
    char inside[PATH_MAX]; /* what chroot has made the root, below the folder; "" for that itself */
};

/** What a process alone can be asked for (option.def). */
struct process_options {
#define O(name, letter, argument, type, field, ...) OPTION_FIELD_##type(field)
#include "process/option.def"
};
extern const struct option process_option_rows[];
extern const struct process_options process_options_none;
enum {
    PROCESS_OPTIONS = 0
#define O(...) +1
#include "process/option.def"
};

struct process {
    struct vm *vm;
    const struct abi *abi;
    struct space *space; /* its memory: that of `memory`, or of the process that it shares it with */
    struct memory memory;
    struct partner *partner;  /* it shares another's memory and is one of its partners; or NULL */
    struct partner *partners; /* of the process that opened the vm: those that share its memory (linux/share.c) */
    struct os_thread *spare;  /* and memory of one that has ended, for the next one; or NULL */
    struct thread thread;     /* the first one */
    struct thread *threads;   /* all that have not ended */
    uint32_t leaving; /* threads of the host that use the vm, but for the first: also those that have ended as guests */
    struct action *actions; /* SIGNALS + 1: own_actions, or those of a process that it shares them with */
    struct action own_actions[SIGNALS + 1];
    struct os_action host_actions[SIGNALS_KEPT_OPEN]; /* what was there before, for signals_close */
    char *exe;                                        /* absolute path of the program */
    uint64_t exe_dev, exe_ino;
    bool vectors_told; /* the host knows where the guest's arguments and environment are */
    struct own_fd own[OWN_FDS];
    int hidden[HIDDEN_MOST]; /* descriptors that calls of several threads use for a moment */
    unsigned nhidden;
    struct root root;
    bool forked;                     /* this is a child: it ends by itself, not by returning to vee's caller */
    uint64_t vdso;                   /* where abi->vdso is mapped */
    uint64_t stack_top, stack_start; /* stack_start: the stack pointer that the program starts with */
    uint64_t code_start, code_end, data_start, data_end;
    uint64_t arg_start, arg_end, env_end;
    uint64_t auxv[AUXV_WORDS];
    unsigned auxv_words;
    uint64_t core_limit[2], data_limit[2], stack_limit[2], space_limit[2]; /* virtual: soft, hard */
    uint64_t key;        /* no other program that this host process ran has it */
    bool files_shared;   /* with another process that is no thread, maybe */
    uint64_t files_most; /* the guest's hard limit on descriptors, where it is below the host's */
    uint32_t persona;
    struct store *store; /* or NULL */
    struct uring *rings; /* of io_uring (linux/uring.c) */
    struct aio *aio;     /* contexts of asynchronous I/O (linux/aio.c) */
    struct {
        uint64_t start, end;
        bool writes; /* pages may be there and wait for being written */
        bool minor;  /* pages may be there and not be seen */
    } userfault;     /* all that was ever registered with a userfaultfd lies within */
};

static inline struct process *process_of(struct vm *vm) {
    return vm->data;
}

/** The limits on address space are different ones. */
static inline void process_limits_changed(struct process *p) {
    memory_of(p->space)->limits = (struct memory_limits){p->space_limit[0], p->data_limit[0], p->stack_limit[0]};
}

/** The rights that a mapping gets when these are asked for: there is a personality for which to read is to execute. */
static inline unsigned process_rights(const struct process *p, unsigned rights) {
    return (p->persona & READ_IMPLIES_EXEC) && (rights & SPACE_R) ? rights | SPACE_X : rights;
}

/* image.c */
/** What an open file is executed with: 0, or why it cannot be, as execve says it. */
int64_t image_check(struct process *p, int fd, const char *name);
/** The ABI of an open program; NULL, with an error that names what it is, when vee does not run it. */
const struct abi *image_abi(int fd, const char *name, struct error *error);
/** Loads the open program with its arguments and environment; the cpu is ready to run. */
bool image_load(struct process *p, int fd, struct error *error);
/** What names, arguments and environment of a program may take, with the pointers to them; bytes, as Linux counts. */
uint64_t arguments_most(const struct process *p);

/* state.c */
const struct object_type *process_type(void);
struct cpu *process_next_cpu(struct vm *vm, struct cpu *previous);

/* option.c */
static inline const struct process_options *process_options(const struct process *p) {
    return p->vm->own;
}

/** Are the options such as this guest can be run with? Else an error that says why not. */
bool options_check(const struct process_options *options, const char *cpu, const struct abi *abi, struct error *error);
/** Bytes of the window for the guest's memory; 0: none, guest addresses are the host's. */
uint64_t options_window(const struct process_options *options);
/** Are system calls to be logged? */
static inline bool options_strace(const struct process *p) {
    return process_options(p)->strace || p->vm->options.log_calls;
}

/* answer.c */
extern const struct interface process_interface;

/* store.c: translations are kept in files between runs */
/** NULL if they are not to be kept. */
struct store *store_make(struct process *p);
void store_free(struct store *s);
/** Code at the address, in a mapping of this generation, is about to be looked for. True: there was some from an
   earlier run, so that what is not among it is new to a known program, and probably comes again. */
bool store_fetch(struct process *p, uint64_t address, uint32_t generation);
/** The process is about to end or to execute: keeps what is worth it. */
void store_save(struct process *p);
/** In the child of a fork. */
void store_forked(struct process *p);
/** What tells a shared object from others: its first page. 0: the file is none. Needs no lock. */
uint64_t store_content(int fd);
/** The address at which what has this content should be mapped, so that it is the same in every process; 0: anywhere.
 */
uint64_t store_place(const struct process *p, uint64_t content, uint64_t length);

/* linux/time.c */
enum { LINUX_CLOCKS = 12 }; /* numbers of those that programs may read without a call */
/** A clock of the whole computer (CLOCK_*), in nanoseconds; 0 for one that there is not. */
uint64_t linux_clock(struct vm *vm, int clock);
/* linux/userfault.c: memory that may have to be waited for, as another thread of the guest provides it. Functions whose
 * names begin with await_ or call_ may give up the engine's lock meanwhile, and what was looked up before (mappings,
 * code, descriptors, other threads) may then be another thing; those of space_, of linux/memory.h and fetching code
 * never do. */
/** Waits until [start, start + length) can be read, or written, in the guest's name. */
void await_memory(struct process *p, uint64_t start, uint64_t length, bool write);
bool await_read(struct process *p, uint64_t from, void *to, size_t size);
bool await_write(struct process *p, uint64_t to, const void *from, size_t size);
/** Would reading at an address have to wait for somebody? */
bool userfault_absent(const struct process *p, uint64_t address);
/** The same for fetching code: also where the system does not say, until await_code was there. */
bool userfault_hides_code(const struct thread *t, uint64_t address);
void await_code(struct thread *t, uint64_t address);
/* linux/outside.c */
/** With a tap: is there a signal that it wants to be delivered now? */
void outside_signal_due(struct thread *t);
/* linux/call.c */
/** Answers the system call at cpu->pc. */
enum answer linux_call(struct thread *t);
/* linux/proc_view.c */
/** From now on the process is seen as the guest's; a child is, where another one was; and no longer. */
void proc_begin(struct process *p);
void proc_forked(struct process *p);
void proc_end(struct process *p);
/* linux/thread.c */
/** Waits until threads that have ended use nothing any more. */
void threads_gone(struct process *p);
/** Is this thread the only one? */
static inline bool thread_is_alone(const struct thread *t) {
    return t->process->threads == t && !t->next;
}
/* linux/share.c */
/** interface->died */
void share_died(void *self, uint32_t number, bool in_order);
/** At the end of the process that opened the vm: does somebody else still use its memory? Then all threads of the
   process have stopped for good, and nothing may be freed. */
bool share_stays(struct process *p);
/* linux/signal.c */
/** What the guest ignores and blocks from the start; before anything installs handlers. */
void signals_inherit(struct process *p);
bool signals_open(struct process *p, struct error *error);
void signals_close(struct process *p);
/** The calling host thread is this one from now on (NULL: none). */
void signals_thread(struct thread *t);
/** Delivers what is waiting and not blocked; at the end of every answer. */
enum answer signal_deliver(struct thread *t);
/** A signal that the instruction at cpu->pc caused. */
enum answer signal_force(struct thread *t, int signal, int code, uint64_t address);
enum answer signal_force_info(struct thread *t, const struct signal_info *info);
/* linux/inherit.c */
/** What the vee that executed this one has left. */
struct inherited {
    int vee, blob;      /* descriptors of vee's own program, of limits and filters; or -1 */
    bool by_descriptor; /* the program was executed by one alone */
};
bool inherit_parse(const char *text, struct inherited *to, struct error *error);
/** Takes what is in the blob, which is closed. */
bool inherit_take(struct process *p, const struct inherited *i, struct error *error);
/* linux/own_fd.c */
/** vee: a descriptor of vee's program that was inherited, or -1; program: of the guest's. */
void own_fds_open(struct process *p, int vee, int program);
void own_fds_close(struct process *p);
/** Opens the directory of p->root, anew if it is. */
void own_root_open(struct process *p);
/* linux/path.c */
/** Before anything else is named. */
bool path_begin(struct process *p, struct error *error);
/** Opens a file that the guest's program names for vee to read. The descriptor, or a negative errno. */
int64_t path_open(struct process *p, const char *path);
/** Opens a file for vee to read, also where the guest is out of descriptors. The descriptor, or a negative errno. */
int64_t file_open_own(const char *path, int flags);

#endif
