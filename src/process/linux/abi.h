/* abi.h - Linux on one instruction set: what its system calls are called and how their values and structs are laid out
 * (struct abi_calls), what it tells them of their machine (struct abi_machine), and what depends on the processor
 * (struct abi). Const tables, one of each for an instruction set, in files with its name; nothing else in process/
 * names one.
 */
#ifndef PROCESS_LINUX_ABI_H
#define PROCESS_LINUX_ABI_H

#include "process/process.h"

struct text;

enum { NUMBERS = 512 /* of system calls, in every table */, CORE_REGISTERS = 528 };

/** What a number of a system call means: one look, as every call of the guest begins with it. */
struct number {
    uint16_t row;    /* enum row_index; 0: nothing */
    uint8_t shape;   /* which of the shapes; 0: an argument is a register, in order */
    uint8_t layouts; /* which of the tables of layouts */
};

/** A struct of layout.def: its sizes, and how it is copied between the guest's form and the host's (NULL: they are the
    same). out: false when a value does not fit. */
struct layout {
    uint16_t guest, host;
    void (*in)(void *host, const void *guest);
    bool (*out)(void *guest, const void *host);
};
enum { LAYOUTS = 'z' - 'A' + 1 /* by letter */, LAYOUT_MOST = 256 /* bytes of the largest */ };

/** A bit that is not the same everywhere. */
struct flag {
    const char *name;
    uint32_t guest, host;
};

/** A number that is not the same everywhere, and with which layouts it comes. */
struct command {
    uint8_t guest, host, layouts;
};

/** The system calls of one instruction set, as its programs see them. */
struct abi_calls {
    const char *name;
    const struct number *numbers;        /* NUMBERS of them */
    const char *const *shapes;           /* of arguments: see call_shape in call.c; the first is not used */
    const struct layout *const *layouts; /* tables of LAYOUTS each */
    const struct flag *open_flags;       /* O_*, up to a row without bits; NULL: they are the host's */
    const struct command *locks;         /* of fcntl, up to a row of zeros; NULL: they are the host's */
    uint32_t action_flags;               /* SA_*, beside those that there are everywhere */
    uint32_t signal_stack;               /* MINSIGSTKSZ: least alternate stack, bytes */
    uint32_t audit_arch;                 /* AUDIT_ARCH_*: as filters of system calls are told */
    const uint16_t *strict;              /* rows that seccomp's strict mode allows, up to a 0 */
};

/** What Linux tells a program of its machine, and where it puts it; this needs no processor either. */
struct abi_machine {
    const char *name;     /* as uname says it */
    const char *platform; /* AT_PLATFORM; NULL: it tells none */
    uint16_t elf_machine;
    uint32_t elf_flags; /* of core files */
    uint64_t hwcap, hwcap2;
    bool has_hwcap2;           /* AT_HWCAP2 is told */
    uint32_t frame_least;      /* AT_MINSIGSTKSZ: what a signal frame takes, bytes; 0: not told */
    uint64_t addresses;        /* bytes of a process's address space; the host may not have as much */
    uint64_t programs;         /* where programs that need an interpreter are put; 0: at two thirds of it */
    uint16_t integers, floats; /* bytes of the registers in core files: of the notes PRSTATUS and FPREGSET */
};

/** What else Linux on one instruction set is. */
struct abi {
    const struct abi_calls *calls;
    const struct abi_machine *machine;
    const char *isa;        /* as messages about it say */
    const char *extensions; /* that it has, as a user may name them, separated by blanks */
    const char *models;     /* names that a user may give the processor, separated by blanks */
    const struct guest *guest;
    uint32_t call_size;  /* of the instruction that makes a system call, bytes */
    const uint8_t *vdso; /* a page at most, mapped into every process: see tool/vdso_*.py */
    size_t vdso_size;
    uint64_t vdso_return; /* offset of the instructions that return from a signal handler */
    uint64_t frame_size;  /* of a signal frame, bytes */
    /** A new program: every register 0 but pc and stack pointer. */
    void (*start)(struct cpu *cpu, uint64_t pc, uint64_t sp);
    uint64_t (*call)(const struct cpu *cpu, uint64_t args[6]); /* returns the number */
    /** The call at cpu->pc is done: sets its result, goes on behind it. */
    void (*call_done)(struct cpu *cpu, int64_t result);
    /** What /proc/cpuinfo says of a processor. */
    void (*cpuinfo)(struct text *t, unsigned cpu);
    uint64_t (*stack)(const struct cpu *cpu);
    void (*set_stack)(struct cpu *cpu, uint64_t sp);
    void (*set_tls)(struct cpu *cpu, uint64_t tls);
    /** Fills a frame of frame_size bytes. stack: the alternate stack: start, flags, size. */
    void (*frame_save)(const struct cpu *cpu, uint8_t *frame, const struct signal_info *info, const uint64_t stack[3],
                       uint64_t mask);
    /** Makes the cpu enter the handler with the frame at `at`. */
    void (*frame_enter)(struct cpu *cpu, uint64_t at, int signal, uint64_t handler, uint64_t return_address);
    /** Registers as core files have them, at most CORE_REGISTERS bytes each: see abi_machine. */
    void (*core_save)(const struct cpu *cpu, uint8_t *integers, uint8_t *floats);
    /** Takes registers, mask and alternate stack from a frame. False: the frame is not sane. */
    bool (*frame_load)(struct cpu *cpu, const uint8_t *frame, uint64_t *mask, uint64_t stack[3]);
};
/** The ABI for an ELF machine number, or NULL. */
const struct abi *abi_for(uint16_t elf_machine);
/** The names of all machines, with commas between. */
enum { ABI_NAMES = 128 };
const char *abi_names(char text[ABI_NAMES]);

#endif
