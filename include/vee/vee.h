/* vee.h - the public interface of libvee: virtual machines for programs of other computers.
 *
 *   struct vee_error error = {0};
 *   struct vee_config *config = vee_config_make();
 *   vee_config_set(config, "tier", "baseline", &error);
 *   struct vee_vm *vm = vee_open(config, "hello.wasm", NULL, &error);
 *   if (!vm) fprintf(stderr, "%s\n", error.text);
 *   else if (vee_run(vm) == VEE_EXITED) printf("status %d\n", vee_status(vm));
 *   vee_close(vm);
 *   vee_config_free(config);
 *
 * The kind of machine follows from the file: a process (a Linux program), a machine (a whole computer) or a language (a
 * WebAssembly module). Every kind is opened, run, asked and closed by the same functions.
 *
 * Errors. A function that can fail because of its caller or the outside world returns false or NULL and fills in a
 * struct vee_error; the text names the file or option, what was wrong, and where. A vee_error that holds an error
 * already is left alone, so several calls may share one and be checked once. What the guest does wrong is no error but
 * an end (enum vee_end). Wrong use of this interface is undefined.
 *
 * Threads. A config or a vm is used by one thread at a time; different ones may be used by different threads. Only
 * vee_stop may be called from any thread, and from signal handlers.
 *
 * The library writes nothing to standard output or error; the guest may. It keeps no global state except the handlers
 * of SIGSEGV, SIGBUS and the like that it needs while vms exist. A process vm takes its host process over: the guest's
 * descriptors, signals, working directory and children are the host process's own, and vee_run returns in every process
 * that the guest forks. An embedder that wants to survive what its guest does opens it in a child process.
 */
#ifndef VEE_VEE_H
#define VEE_VEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VEE_VERSION "0.1.0"
#define VEE_API     __attribute__((visibility("default")))

struct vee_config;
struct vee_vm;

/* ---- errors */

enum vee_code {
    VEE_OK,
    VEE_NOT_FOUND,    /* there is no such file */
    VEE_NOT_RUNNABLE, /* unreadable, malformed, or not a kind of program that vee runs */
    VEE_USAGE,        /* an unknown option, or a value that it does not take */
    VEE_RESOURCES     /* not enough memory or address space */
};

struct vee_error {
    enum vee_code code;
    char text[400]; /* one line without a newline */
};

/* ---- options */

/** An option, as data. The program's command line and manual are made from these. */
struct vee_option {
    const char *name;     /* for vee_config_set; `--name` on the command line */
    char letter;          /* its short form on the command line, or 0 */
    const char *argument; /* what its value is, or NULL: a flag ("1" or "0") */
    const char *twin;     /* environment variable that sets it, or NULL */
    const char *also;     /* QEMU's variable that sets it, too, or NULL */
    const char *help;     /* one sentence or more */
};

/** The library's version, to compare with VEE_VERSION. Static. */
VEE_API const char *vee_version(void);
/** Option number `index`, from 0 on; NULL after the last. Static. */
VEE_API const struct vee_option *vee_option(unsigned index);
/** Name of the kind of machine number `index`, for option "kind"; NULL after the last. Static. */
VEE_API const char *vee_kind(unsigned index);

/* ---- configs */

/** A config with default options and an empty guest environment. NULL: out of memory. */
VEE_API struct vee_config *vee_config_make(void);
/** Frees a config, which no open vm may use any more. NULL is fine. */
VEE_API void vee_config_free(struct vee_config *config);
/** Sets an option; `value` is copied. A flag takes "1", "0" or NULL for "1". Options that add to a list ("env") add,
   others replace. On failure the option is as it was. */
VEE_API bool vee_config_set(struct vee_config *config, const char *name, const char *value, struct vee_error *error);
/** The value that an option was last set to, or NULL: not set, or a flag that is off. Valid until it is set again. */
VEE_API const char *vee_config_get(const struct vee_config *config, const char *name);
/** Sets every option that vee_config_set has not set from its twin in a NULL-terminated environment. An empty twin
    sets nothing. */
VEE_API bool vee_config_read_environment(struct vee_config *config, const char *const *environment,
                                         struct vee_error *error);
/** What the guest's environment is before options "env" and "unset" edit it: NULL-terminated, copied. */
VEE_API bool vee_config_guest_environment(struct vee_config *config, const char *const *environment,
                                          struct vee_error *error);
/** The program's file is open already, at this descriptor: whatever `path` vee_open gets is a name only. The next
   vee_open closes it, as it does when it fails. -1: it is not. */
VEE_API void vee_config_program(struct vee_config *config, int descriptor);
/** Where the lines of option "log" go (without newline), together with `to`. Called from the running thread. */
VEE_API void vee_config_log(struct vee_config *config, void (*line)(void *to, const char *text), void *to);

/* ---- vms */

enum vee_end {
    VEE_RUNNING,     /* has not been run yet, or is being run */
    VEE_EXITED,      /* the program exited; vee_status: its exit status */
    VEE_SIGNALED,    /* the program died of a signal; vee_status: its number (the host's) */
    VEE_TRAPPED,     /* the guest did what its kind of machine does not survive; vee_message says what */
    VEE_POWERED_OFF, /* the computer switched itself off; vee_status: 0, or what it reported */
    VEE_AT_COUNT,    /* the instruction count of vee_run_until or option "digest-at" was reached */
    VEE_STOPPED      /* vee_stop was called */
};

/** Opens a program, image or module. `argv` (NULL-terminated, copied) is what the guest gets as arguments, argv[0]
    included; NULL: the path alone. The path may be NULL for a machine whose options say what it boots. The config must
    outlive the vm. NULL with *error; nothing has changed then. */
VEE_API struct vee_vm *vee_open(const struct vee_config *config, const char *path, const char *const *argv,
                                struct vee_error *error);
/** Frees everything that belongs to the vm. NULL is fine. Not while it is being run. */
VEE_API void vee_close(struct vee_vm *vm);
/** Runs until the guest ends or something stops it. A vm that ended VEE_AT_COUNT or VEE_STOPPED may be run on; any
   other end is for good, and is returned again. */
VEE_API enum vee_end vee_run(struct vee_vm *vm);
/** The same, but not beyond the instruction count given: the first `count` instructions since vee_open, exactly. False:
    the vm does not count (option "counted" makes it). */
VEE_API bool vee_run_until(struct vee_vm *vm, uint64_t count, struct vee_error *error);
/** Makes vee_run return VEE_STOPPED soon. From any thread and from signal handlers. */
VEE_API void vee_stop(struct vee_vm *vm);

/** How the last run ended, and the number that belongs to it. */
VEE_API enum vee_end vee_end(const struct vee_vm *vm);
VEE_API int vee_status(const struct vee_vm *vm);
/** VEE_SIGNALED: did the guest leave a core file? */
VEE_API bool vee_core(const struct vee_vm *vm);
/** Does not return: ends the calling process by a signal, as the guest ended, without a dump of the process's own
   memory. core: as of vee_core; the wait status says so then, where the host lets a process arrange that (Linux: the
   right to mount). */
VEE_API void vee_die(int signal, bool core);
/** VEE_TRAPPED: what happened and where, one line. Else "". Valid until the next run. */
VEE_API const char *vee_message(const struct vee_vm *vm);
/** What a run yields besides what the guest writes: the results of an invoked function, as lines of text. Or "". */
VEE_API const char *vee_output(const struct vee_vm *vm);

/* ---- looking inside: between runs, from the thread that uses the vm
 *
 * Looking changes nothing: what a vm does after it, and its digest, are the same as without. */

/** Instructions executed; 0 if the vm does not count. */
VEE_API uint64_t vee_count(const struct vee_vm *vm);
/** A 64-bit digest of the whole architected state: registers, count, memory, devices. Equal states have equal digests,
    whatever executed them. */
VEE_API uint64_t vee_digest(struct vee_vm *vm);
/** Guest address of the next instruction. */
VEE_API uint64_t vee_pc(const struct vee_vm *vm);
/** Register number `index` from 0 on: its name and how many elements it has. These are the guest's declared state, one by
    one, then "pc" and, where there is floating point, the accrued flags. False after the last. Static name. */
VEE_API bool vee_register_info(const struct vee_vm *vm, unsigned index, const char **name, unsigned *count);
/** Element `index` of the register (or array of registers) called `name`, zero-extended. False: there is none. */
VEE_API bool vee_register(const struct vee_vm *vm, const char *name, unsigned index, uint64_t *value);
/** Writes it as the guest's own software would: bits that software cannot change stay, and so does a register as a whole
    if the value is not one that it takes; whatever hangs on it (address translation, interrupts, translated code)
    follows. False: there is none, or it is for no software to write (a zero register, wires; of a process all but what
    user code names; of a module all). */
VEE_API bool vee_set_register(struct vee_vm *vm, const char *name, unsigned index, uint64_t value);

enum vee_address {
    VEE_VIRTUAL, /* as the guest's loads and stores mean it now */
    VEE_PHYSICAL /* of a machine; processes and modules have none */
};
enum vee_memory {
    VEE_MEMORY_NONE, /* nothing, or not accessible: unmapped, or not the guest's to read */
    VEE_MEMORY_RAM,
    VEE_MEMORY_ROM,
    VEE_MEMORY_DEVICE /* never asked: reading a device can change it */
};
/** What is at an address, in bytes from 0 on; of a module: in the memory of the function that runs. */
VEE_API enum vee_memory vee_memory(struct vee_vm *vm, enum vee_address which, uint64_t address);
/** Copies guest memory to `bytes` (the caller's, of `size` bytes) or from there. RAM and ROM are read, RAM is written;
    devices are not touched, page tables not marked, and the guest's own rights are not asked on machines (on processes
    they are). Translations of code that is changed go. Returns how many bytes were done: `size`, or as many as there
    are before one that cannot be. */
VEE_API size_t vee_read(struct vee_vm *vm, enum vee_address which, uint64_t address, void *bytes, size_t size);
VEE_API size_t vee_write(struct vee_vm *vm, enum vee_address which, uint64_t address, const void *bytes, size_t size);
/** Statistic number `index` from 0 on. False after the last. The name is static. */
VEE_API bool vee_stat(const struct vee_vm *vm, unsigned index, const char **name, uint64_t *value);

#ifdef __cplusplus
}
#endif

#endif
