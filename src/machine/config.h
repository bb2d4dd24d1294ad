/* config.h - within machine/: what a machine is to be, from its options (option.def), checked.
 *
 * Shortcuts are resolved here: a disk that is given as a file, or by -drive with if=virtio, becomes a device that names
 * the drive; -nic becomes a netdev and a device. So whoever builds the machine goes over `devices` only, and looks up
 * what their keys name. Nothing is opened here: files are found, or not, by whoever loads or opens them.
 */
#ifndef MACHINE_CONFIG_H
#define MACHINE_CONFIG_H

#include "machine/keyvals.h"

enum { DRIVES_MOST = 32, NETDEVS_MOST = 16, DEVICES_MOST = 64, HARTS_MOST = 32 };

/** What -device can add (driver.def). */
struct driver {
    const char *name, *keys;
};

struct drive_spec {
    struct keyvals keys;
    const char *id, *file;
    bool readonly, snapshot;
};
struct netdev_spec {
    struct keyvals keys;
    const char *id, *type;
};
struct device_spec {
    struct keyvals keys;
    const struct driver *driver;
};

/** What is below a program or kernel: nothing, the board itself (board_firmware), or a file's. */
enum firmware_kind { FIRMWARE_NONE, FIRMWARE_OWN, FIRMWARE_FILE };

/** Where the console leads: standard input and output, as they are; the same, and a terminal gives every key at once,
    Ctrl-C among them, and vee its own (SERIAL_KEYS); or without Ctrl-C; to nobody; to a file. */
enum serial_kind { SERIAL_STANDARD, SERIAL_KEYS, SERIAL_TERMINAL, SERIAL_NULL, SERIAL_FILE };

/** What the clock counts: instructions, the host's time, or whichever of them is usual for the program. */
enum clock_kind { CLOCK_USUAL, CLOCK_COUNT, CLOCK_HOST };

struct machine_options;
struct machine_config {
    struct arena arena;
    const char *kernel, *initrd, *append, *dtb, *bios; /* NULL: none */
    const char *program;                               /* what is run where there is neither kernel nor firmware */
    enum firmware_kind firmware;                       /* `bios` is FIRMWARE_FILE's file */
    uint64_t ram_size;                                 /* 0: as the machine has it */
    unsigned harts;
    enum clock_kind clock;
    bool no_reboot; /* a reset ends the run */
    enum serial_kind serial;
    const char *serial_file; /* SERIAL_FILE's */
    const char *control;     /* where the control socket is to be, or NULL */
    struct drive_spec drives[DRIVES_MOST];
    struct netdev_spec netdevs[NETDEVS_MOST];
    struct device_spec devices[DEVICES_MOST];
    unsigned ndrives, nnetdevs, ndevices;
};

/** path: the file that was given besides the options, or NULL; cpu: what the processor is to be like, or NULL. NULL
 *with error. */
struct machine_config *config_make(const struct machine_options *options, const char *path, const char *cpu,
                                   struct error *error);
void config_free(struct machine_config *config);
/** What has this id, or NULL. */
const struct drive_spec *config_drive(const struct machine_config *config, const char *id);
const struct netdev_spec *config_netdev(const struct machine_config *config, const char *id);

#endif
