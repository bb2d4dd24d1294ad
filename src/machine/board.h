/* board.h - within machine/: the board that devices sit on, and what a device may ask of it.
 *
 * A device knows its own state (declared rows) and its place (struct device_host); everything that reaches beyond it
 * goes through the functions here. Time is in ticks of BOARD_TICK_NS and stands still while a device runs.
 */
#ifndef MACHINE_BOARD_H
#define MACHINE_BOARD_H

#include "core/device.h"
#include "machine/config.h"
#include "machine/console.h"
#include "machine/image.h"
#include "mem/phys.h"
#include "vm/vm.h"

/* The clock ticks at 10 MHz, as on the boards this one is like; vm_clock_ns counts an instruction as a nanosecond. */
enum { BOARD_TICK_NS = 100 };
/* How often a device that waits for input looks for it: every millisecond. */
enum { BOARD_INPUT_TICKS = 10000 };
enum { PAGE_SIZE = 4096, ROM_SIZE = PAGE_SIZE };
enum device_number {
#define DEVICE(name) DEVICE_##name,
#include "machine/device.def"
    DEVICE_COUNT
};

/** A device in the address space; one with a symbol is there if the program has that, at its value. */
struct place {
    unsigned device;
    uint64_t address;
    const char *symbol, *companion; /* or NULL */
};
/** From a pin of a device to an input of another or an interrupt of the cpu. */
enum { DEVICE_CPU = DEVICE_COUNT };
struct wire {
    unsigned device, pin, to, input;
};

/** What is where, and whatever else depends on the cpu's instruction set (NAME.c): const, one each for the rows of
    board.def. */
struct tree;
struct machine;
enum firmware_answer {
    FIRMWARE_NOT,       /* it is not asked: the cpu has a trap */
    FIRMWARE_DONE,      /* the cpu goes on */
    FIRMWARE_SLEEPS,    /* ... when an interrupt comes */
    FIRMWARE_ELSEWHERE, /* the same, but its registers are set already */
    FIRMWARE_STOPS      /* until another cpu starts it */
};
struct board {
    const struct guest *guest;
    uint32_t elf_machine;
    const char *compatible; /* of the device tree's root */
    const char *cpus;       /* what -cpu may call its cpu, separated by blanks */
    uint64_t ram, reset;    /* where RAM begins; the first instruction, in the ROM */
    const struct place *places;
    const struct wire *wires;
    unsigned nplaces, nwires;
    unsigned console; /* the device that is the console */
    /** Makes the program in the ROM that leads to `entry`, with the device tree's address, or 0; and what tells
       firmware where to go on, or 0. */
    void (*boot)(uint8_t *rom, uint64_t entry, uint64_t tree, uint64_t next);
    /** Do these bytes, the first of a file, begin a flat kernel for this cpu? */
    bool (*flat_header)(const uint8_t *bytes, size_t size, struct flat_header *header);
    /** What the device tree says of the cpu, with its interrupts at this phandle. */
    void (*describe_cpu)(struct tree *t, uint32_t interrupts, enum firmware_kind firmware);
    /** The board as firmware (struct firmware): brings a cpu that has just been reset to where the program begins, or
       has it stopped; answers what the program asks of it, at EXIT_syscall; does what other cpus have asked of this
       one, on its thread. */
    void (*firmware_start)(struct machine *m, struct cpu *cpu);
    void (*firmware_serve)(struct machine *m, struct cpu *cpu);
    enum firmware_answer (*firmware_call)(struct machine *m, struct cpu *cpu);
};
extern const struct board *const boards[]; /* as board.def has them */
extern const unsigned nboards;
/** The one for an ELF machine number, or NULL. */
const struct board *board_for(uint32_t elf_machine);

struct machine;
struct device_host {
    struct machine *machine;
    const struct device *device;
    void *state;
    uint64_t start;     /* its address */
    uint64_t companion; /* value of the other symbol that its place names, or 0 */
    uint64_t next;      /* time of its next event */
    uint32_t pins;      /* levels of its output pins */
    unsigned number;    /* enum device_number */
    bool present;
    bool listens; /* its next event is only to look for input */
};

/** The board as firmware of a program that brings none and wants some: what it knows of each cpu. */
enum { FIRMWARE_COUNTERS = 16, FIRMWARE_EVENTS = 14, FIRMWARE_RUNS = 0 };
struct firmware_cpu {
    uint64_t entry, argument;          /* where it is to begin, and with what, once it is started */
    uint64_t events[FIRMWARE_EVENTS];  /* how often each of them has happened */
    uint64_t value[FIRMWARE_COUNTERS]; /* of counters of events */
    uint32_t event[FIRMWARE_COUNTERS]; /* and what they count, 0: nothing */
    uint32_t counting;                 /* which counters run, of all there are */
    uint32_t state;                    /* as the firmware's specification numbers them, or FIRMWARE_RUNS */
    uint32_t asked;                    /* by other cpus, and not done yet */
    bool asleep;                       /* until an interrupt comes */
};
struct firmware {
    struct firmware_cpu *cpus; /* NULL: the board is no firmware, its cpus begin in the ROM */
    uint32_t ncpus;
    uint64_t entry, tree; /* where the program begins; address of the device tree, or 0 */
};

struct machine {
    uint64_t time_offset; /* what the guest has set the clock forward */
    struct vm *vm;
    struct machine_config *config;
    const struct board *board;
    struct phys phys;
    struct device_host device[DEVICE_COUNT];
    struct console console;
    struct firmware firmware;
    struct service *service; /* or NULL */
    struct tlb_views *views; /* the cpu's TLBs */
    uint8_t *ram, *rom;
    uint64_t ram_size;
    uint64_t initrd_start, initrd_end; /* the RAM disk of a kernel; 0: none */
    uint8_t *tree;                     /* the device tree that was given, or NULL: it is made */
    uint64_t tree_room;                /* and how much room it takes at the end of RAM */
    uint64_t next;                     /* what firmware begins when it is ready, or 0 */
    uint64_t timer;                    /* time of the next event of the cpu's own timer */
    bool changed;                      /* a pin or the time of an event has changed since board_update */
    bool off;                          /* a device has switched the power off: */
    int status;                        /* with this exit status */
};

/** What a machine alone can be asked for (option.def). */
struct machine_options {
#define O(name, letter, argument, type, field, ...) OPTION_FIELD_##type(field)
#include "machine/option.def"
};

/* What devices ask for. */
void board_pin(struct device_host *host, unsigned pin, bool level);
uint64_t board_time(struct device_host *host);
void board_set_time(struct device_host *host, uint64_t time);
/** Nanoseconds since the board was switched on; setting the time does not change them. */
uint64_t board_ns(const struct device_host *host);
/** 64 random bits. */
uint64_t board_random(const struct device_host *host);
void board_output(struct device_host *host, const void *bytes, size_t size);
/** The next byte typed, CONSOLE_NOTHING (for now) or CONSOLE_END. */
int board_input(struct device_host *host);
/** Is there input to be had without asking the host? */
bool board_input_ready(const struct device_host *host);
/** Says whether the device's next event is nothing but looking for input. */
void board_listen(struct device_host *host, bool listens);
/** RAM for a device that reads or writes it by itself: a view of it, NULL if there is none; and a store. */
const uint8_t *board_ram(struct device_host *host, uint64_t physical, uint64_t size);
bool board_ram_write(struct device_host *host, uint64_t physical, const void *bytes, uint64_t size);
void board_power_off(struct device_host *host, int status);

/* What machine.c asks for. */
/** Looks up a symbol of the program. */
typedef bool board_symbol(const void *of, const char *name, uint64_t *value);
/** Makes devices, ROM and the map of physical memory around the RAM that is there. The ROM leads to `entry`, with a
    device tree at the end of RAM if the program, which ends at `used`, leaves room. */
bool board_init(struct machine *m, uint64_t used, uint64_t entry, board_symbol *symbol, const void *of);
/** Writes the device tree of the board to a buffer of TREE_MAX bytes; returns its size, 0 if there is no memory. */
size_t board_describe(const struct machine *m, uint8_t *to);
void board_done(struct machine *m);
/** The board becomes the firmware of its program. False: it cannot, or there is no memory. */
bool board_firmware(struct machine *m);
/** Switches the power off, with this exit status. */
void machine_power_off(struct machine *m, int status);
/** Brings devices and the cpu's own timer up to the present and schedules the next event. */
void board_update(struct machine *m);
/** Nanoseconds until the next event; *listens: some device waits for input, and its events are not counted. */
uint64_t board_idle_ns(const struct machine *m, bool *listens);
/** Accesses to any kind of physical memory. False: there is nothing. */
bool board_read(struct machine *m, uint64_t physical, unsigned size, uint64_t *value);
bool board_write(struct machine *m, uint64_t physical, unsigned size, uint64_t value);
/** Time of the board, for the cpu's counter. */
uint64_t board_now(const struct machine *m);

/* state.c */
const struct object_type *machine_type(void);

#endif
