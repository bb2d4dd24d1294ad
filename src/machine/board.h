/* board.h - within machine/: the board that devices sit on, and what a device may ask of it.
 *
 * A machine has instances of devices: those in places of its board (rows of NAME.def) and those that were asked for. An
 * instance knows its own state (declared rows) and its place (struct device_host); everything that reaches beyond it
 * goes through the functions here. Time is in ticks of BOARD_TICK_NS and stands still while a device runs.
 */
#ifndef MACHINE_BOARD_H
#define MACHINE_BOARD_H

#include "base/lock.h"
#include "core/device.h"
#include "machine/config.h"
#include "machine/console.h"
#include "machine/image.h"
#include "mem/phys.h"
#include "vm/vm.h"

/* The clock ticks at 10 MHz, as on the boards this one is like. */
enum { BOARD_TICK_NS = 100 };
/* How often a device that waits for input looks for it: every millisecond. */
enum { BOARD_INPUT_TICKS = 10000 };
enum { PAGE_SIZE = 4096, ROM_SIZE = PAGE_SIZE };
enum device_number {
#define DEVICE(name) DEVICE_##name,
#include "machine/device.def"
    DEVICE_COUNT
};

/* How many cpus a machine can have: as many as there are pins for, two each at the interrupt controller. */
enum { CPUS_MOST = HARTS_MOST, INSTANCES_MOST = 128, DEVICE_REGIONS = 8 };

/** A place on a board, with a number of its own (its row), and the type of the device that stands there. One with a
    symbol is there if the program has that, at its value. */
struct place {
    unsigned device;
    uint64_t address;
    const char *symbol, *companion; /* or NULL */
};
/** From a pin of the device in a place to an input of that in another; or, for each cpu, from pin + step * cpu to the
    cpu's interrupt `input`. */
enum { PLACE_CPUS = 255 };
struct wire {
    unsigned place, pin, to, input, step;
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
    unsigned console; /* the place of the device that is the console */
    /** Makes the program in the ROM that leads to `entry`, with the device tree's address, or 0; and what tells
       firmware where to go on, or 0. */
    void (*boot)(uint8_t *rom, uint64_t entry, uint64_t tree, uint64_t next);
    /** Do these bytes, the first of a file, begin a flat kernel for this cpu? */
    bool (*flat_header)(const uint8_t *bytes, size_t size, struct flat_header *header);
    /** A cpu that has been made or reset is this one of the machine's. */
    void (*cpu)(struct cpu *cpu, unsigned number);
    /** Could an interrupt that it has enabled bring it elsewhere? */
    bool (*interruptible)(const struct cpu *cpu);
    /** What the device tree says of a cpu, with its interrupts at this phandle. */
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
struct keyvals;
struct device_host;

/** Where the level of a pin goes to. */
struct connection {
    struct connection *next;
    unsigned pin, input;
    struct device_host *to; /* a device, or NULL: */
    unsigned cpu;           /* an interrupt of this one */
};
struct device_region {
    uint64_t start, size;
    bool mapped;
};

/** An instance of a device. Its number is its index in machine.devices. */
struct device_host {
    struct machine *machine;
    const struct device *device;
    void *state;
    void *backend;                 /* the device's own, of the host: no state */
    const struct keyvals *options; /* what was said where it was asked for (-device), or NULL */
    struct connection *connections;
    struct device_region region[DEVICE_REGIONS];
    uint64_t companion; /* value of the other symbol that its place names, or 0 */
    uint64_t next;      /* time of its next event */
    uint64_t pins;      /* levels of its output pins */
    unsigned type;      /* enum device_number */
    unsigned number;
    int place;    /* of the board's, or -1 */
    bool opened;  /* and so to be closed */
    bool listens; /* its next event is only to look for input */
    bool hears;   /* something may come to it by itself */
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

/** What a machine has for each of its cpus: cpu->owner. */
struct board_cpu {
    unsigned number;
    struct tlb_views *views; /* its TLBs */
    bool waits;              /* for an interrupt */
    uint32_t stuck;          /* how often in a row it has trapped where its traps lead ... */
    uint32_t stuck_by;       /* ... by this kind of exit */
    uint64_t timer;          /* time of the next event of its own timer */
    uint64_t lines, taken;   /* live: levels of the wires to its interrupts, and those that it knows of */
    uint64_t hopes;          /* live: until when it sleeps, UINT64_MAX: for ever; 0: it does not */
    bool stands;             /* live: it runs nothing until the machine has been reset */
};

struct machine {
    uint64_t time_offset; /* what the guest has set the clock forward */
    struct vm *vm;
    struct machine_config *config;
    const struct board *board;
    struct lock lock; /* held wherever a device's function runs */
    struct phys phys;
    struct device_host *devices[INSTANCES_MOST]; /* ndevices */
    unsigned ndevices;
    unsigned ncpus;
    struct cpu *cpus[CPUS_MOST];
    struct board_cpu seats[CPUS_MOST];
    uint32_t in_flight; /* requests that workers have */
    struct console console;
    struct firmware firmware;
    struct service *service; /* or NULL */
    uint8_t *ram, *rom;
    uint64_t ram_size;
    uint64_t initrd_start, initrd_end; /* the RAM disk of a kernel; 0: none */
    uint8_t *tree;                     /* the device tree that was given, or NULL: it is made */
    uint64_t tree_room;                /* and how much room it takes at the end of RAM */
    uint64_t next;                     /* what firmware begins when it is ready, or 0 */
    unsigned turn;                     /* counted: of which cpu it is */
    bool pass;                         /* that cpu has no more to do for now */
    bool changed;                      /* a pin or the time of an event has changed since board_update */
    struct live *live;                 /* NULL: it is counted */
    bool off;                          /* a device has switched the power off: */
    int status;                        /* with this exit status */
    bool resets;                       /* it has been asked to reset itself, which the first cpu does (reset.c) */
};

static inline struct board_cpu *board_cpu_of(const struct cpu *cpu) {
    return cpu->owner;
}

/** What a machine alone can be asked for (option.def). */
struct machine_options {
#define O(name, letter, argument, type, field, ...) OPTION_FIELD_##type(field)
#include "machine/option.def"
};

/* The machine's lock (base/lock.h). The engine's lock is taken before it, never while it is held. `who`: a cpu's
 * number + 1, or somebody else, of whom there may be many. */
enum { WHO_ELSE = 1 << 16 };
static inline void machine_lock(struct machine *m, uint32_t who) {
    lock_take(&m->lock, who, 0);
}
static inline void machine_lock_cpu(struct machine *m, const struct cpu *cpu) {
    machine_lock(m, board_cpu_of(cpu)->number + 1);
}
static inline void machine_unlock(struct machine *m) {
    lock_release(&m->lock);
}
static inline bool machine_is_off(const struct machine *m) {
    return __atomic_load_n(&m->off, __ATOMIC_ACQUIRE);
}

static inline bool machine_resets(const struct machine *m) {
    return __atomic_load_n(&m->resets, __ATOMIC_ACQUIRE);
}

/* What devices ask for, in their functions (with the machine's lock). */
void board_pin(struct device_host *host, unsigned pin, bool level);
uint64_t board_time(struct device_host *host);
void board_set_time(struct device_host *host, uint64_t time);
/** Nanoseconds since the board was switched on; setting the time does not change them. */
uint64_t board_ns(const struct device_host *host);
/** Nanoseconds since 1970. */
uint64_t board_date_ns(const struct device_host *host);
/** 64 random bits. */
uint64_t board_random(const struct device_host *host);
/** How many cpus there are. */
unsigned board_cpus(const struct device_host *host);
void board_output(struct device_host *host, const void *bytes, size_t size);
/** The next byte typed, CONSOLE_NOTHING (for now) or CONSOLE_END. */
int board_input(struct device_host *host);
/** Is there input to be had without asking the host? */
bool board_input_ready(const struct device_host *host);
/** Says whether the device's next event is nothing but looking for input. */
void board_listen(struct device_host *host, bool listens);
/** Says that something may come to the device by itself, from outside. */
void board_hears(struct device_host *host);
void board_power_off(struct device_host *host, int status);
/** The machine is reset, before the next instruction. */
void board_reset(struct device_host *host);

/* RAM, for devices that read or write it by themselves. From any thread, without a lock: RAM never moves. What others
 * do to it at the same time is the guest's affair, so what is checked is a copy. */
/** A view of it; NULL: these bytes are not all RAM. */
const uint8_t *board_ram(struct device_host *host, uint64_t physical, uint64_t size);
/** The same to be written. What has been is told by board_ram_wrote, before the guest is told that it is there. */
uint8_t *board_ram_begin(struct device_host *host, uint64_t physical, uint64_t size);
void board_ram_wrote(struct device_host *host, uint64_t physical, uint64_t size);
/** Both, for few bytes. False: it is not all RAM. */
bool board_ram_write(struct device_host *host, uint64_t physical, const void *bytes, uint64_t size);

/* Addresses: a region of the device is mapped (elsewhere than it was), or not any more. RAM and ROM stay where they
 * are, and come first. False: there is no room for it, or it wraps around. */
bool board_map(struct device_host *host, unsigned region, uint64_t start, uint64_t size);
void board_unmap(struct device_host *host, unsigned region);

/* Workers: threads of a device's own, which have a request each. */
/** Is work done at once, within the access that asks for it, so that runs repeat? Then there are no workers. */
bool board_synchronous(const struct device_host *host);
/** A request is about to be handed to a worker (with the lock). */
void board_submit(struct device_host *host);
/** It has been done: the device's `complete` is called with the lock, which a worker must not have. Where work is
    synchronous, by whoever did it within the access. */
void board_post(struct device_host *host, void *request);

/* What machine.c asks for. */
/** Looks up a symbol of the program. */
typedef bool board_symbol(const void *of, const char *name, uint64_t *value);
/** Makes devices and the map of physical memory around the RAM that is there. On failure everything is as
    before, but for m->devices, which board_done frees. */
bool board_init(struct machine *m, board_symbol *symbol, const void *of, struct error *error);
/** One more device, in a place of the board or (-1) in none, with `address` for its region 0. NULL with *error. */
struct device_host *board_add(struct machine *m, unsigned type, int place, uint64_t address,
                              const struct keyvals *options, struct error *error);
/** From a pin of a device to an input of another. */
bool board_connect(struct device_host *from, unsigned pin, struct device_host *to, unsigned input);
/** The device in a place of the board, or NULL. */
struct device_host *board_at(const struct machine *m, unsigned place);
/** The first device of a type, or NULL. */
struct device_host *board_find(const struct machine *m, unsigned type);
/** Writes the ROM, which leads to `entry`, and a device tree at the end of RAM if the program, which ends at `used`,
    leaves room. False: the tree cannot be made. */
bool board_boot(struct machine *m, uint64_t used, uint64_t entry);
/** Waits until no worker has a request. Without the lock. */
void board_quiesce(struct machine *m);
/** Writes the device tree of the board to a buffer of TREE_MAX bytes; returns its size, 0 if there is no memory. */
size_t board_describe(const struct machine *m, uint8_t *to);
/** The number by which others refer to the device's node there. */
uint32_t board_phandle(const struct device_host *h);
/** Closes the devices: none uses anything of the host any more, and no worker is left. Without the lock. */
void board_close(struct machine *m);
void board_done(struct machine *m);
/** The board becomes the firmware of its program. False: it cannot, or there is no memory. */
bool board_firmware(struct machine *m);
/** Writes to the console, with the lock. */
void machine_output(struct machine *m, const void *bytes, size_t size);
/** Switches the power off, with this exit status. */
void machine_power_off(struct machine *m, int status);
/** Asks for a reset; where that is to end the run, it does. From any thread. */
void machine_reset(struct machine *m);
/** All devices as they are when they have been made, wires down. With the lock; no request is in flight. */
void board_reset_devices(struct machine *m);
/** Brings devices and the cpu's own timer up to the present and schedules the next event. */
void board_update(struct machine *m);
/** Nanoseconds until the clock shows this time: 0 if it does already, UINT64_MAX if that is out of sight. */
uint64_t board_ns_until(const struct machine *m, uint64_t time);
/** The device is asked what it has to do now, and when next. */
void board_update_device(struct device_host *host);
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
