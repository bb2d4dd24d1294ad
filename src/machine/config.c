/* config.c - see config.h. A list option has a function that checks its keys and enters what it asks for (add_drive);
 * what is the same on every machine can be confirmed only (confirm). Strings are the options' or in the arena.
 */
#include "machine/config.h"
#include "machine/board.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct driver drivers[] = {
#define DRIVER(name, keys) {name, keys},
#include "machine/driver.def"
    {NULL, NULL}};

/* The kinds of networks, and their keys besides `type` and `id`. */
static const struct driver networks[] = {
#define CARRIER(type, form, open, keys) {type, keys},
#include "machine/carrier.def"
    {NULL, NULL}};

static const char drive_keys[] =
    "file if id format media index readonly read-only snapshot cache aio discard detect-zeroes werror rerror serial "
    "log file.locking";
static const char device_keys[] = "driver id bus addr"; /* that every one has */
static const char nic_keys[] = "type model mac";
enum { WORDS_SIZE = 400 };

static bool no_memory(struct error *error) {
    return error_set(error, ERROR_RESOURCES, "no memory for the configuration of the machine");
}

static bool too_many(struct error *error, const char *option, unsigned most) {
    return error_set(error, ERROR_USAGE, "%s: more than %u", option, most);
}

static const struct driver *driver_named(const struct driver *rows, const char *name) {
    for (; rows->name; rows++)
        if (!strcmp(rows->name, name)) return rows;
    return NULL;
}

static bool no_driver(const struct driver *rows, const char *option, const char *name, struct error *error) {
    char names[WORDS_SIZE] = "none";
    for (size_t n = 0; rows->name && n < sizeof names; rows++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? " " : "", rows->name);
    return error_set(error, ERROR_USAGE, "%s: there is no '%.60s'; there are: %s", option, name, names);
}

/* Keys of a row of drivers, and those that all of its kind have. */
static bool check_keys(const struct keyvals *k, const char *common, const struct driver *row, struct error *error) {
    char known[WORDS_SIZE];
    snprintf(known, sizeof known, "%s%s%s", common, *row->keys ? " " : "", row->keys);
    return keyvals_check(k, known, error);
}

/* "virtio" and 0: virtio0. NULL: no memory. */
static const char *numbered(struct machine_config *c, const char *name, unsigned number) {
    char text[32];
    snprintf(text, sizeof text, "%s%u", name, number);
    char *copy = arena_alloc(&c->arena, sizeof text);
    return copy ? strcpy(copy, text) : NULL;
}

const struct drive_spec *config_drive(const struct machine_config *c, const char *id) {
    for (const struct drive_spec *d = c->drives; d < c->drives + c->ndrives; d++)
        if (!strcmp(d->id, id)) return d;
    return NULL;
}

const struct netdev_spec *config_netdev(const struct machine_config *c, const char *id) {
    for (const struct netdev_spec *n = c->netdevs; n < c->netdevs + c->nnetdevs; n++)
        if (!strcmp(n->id, id)) return n;
    return NULL;
}

/* ---- devices, drives, networks */

/* A device of which the driver is named, for `option`; its keys are to be added. */
static struct device_spec *device_begin(struct machine_config *c, const char *option, const char *name,
                                        struct error *error) {
    const struct driver *driver = driver_named(drivers, name);
    if (!driver) return no_driver(drivers, option, name, error), NULL;
    if (c->ndevices == DEVICES_MOST) return too_many(error, option, DEVICES_MOST), NULL;
    struct device_spec *d = &c->devices[c->ndevices++];
    *d = (struct device_spec){.driver = driver, .keys.option = option};
    return keyvals_add(&d->keys, "driver", name, error) ? d : NULL;
}

static bool add_device(struct machine_config *c, const char *text, struct error *error) {
    struct keyvals k;
    if (!keyvals_parse(&k, &c->arena, "-device", text, "driver", error)) return false;
    const char *name = spec_get(&k, "driver");
    if (!name) return error_set(error, ERROR_USAGE, "-device: '%.200s' names no driver", text);
    struct device_spec *d = device_begin(c, "-device", name, error);
    if (!d || !check_keys(&k, device_keys, d->driver, error)) return false;
    d->keys = k;
    return true;
}

static bool add_drive(struct machine_config *c, const char *text, struct error *error) {
    if (c->ndrives == DRIVES_MOST) return too_many(error, "-drive", DRIVES_MOST);
    struct drive_spec *d = &c->drives[c->ndrives];
    struct keyvals *k = &d->keys;
    if (!keyvals_parse(k, &c->arena, "-drive", text, NULL, error) || !keyvals_check(k, drive_keys, error) ||
        !spec_word(k, "if", "virtio none", error) || !spec_word(k, "format", "raw", error) ||
        !spec_word(k, "media", "disk cdrom", error) || !spec_flag(k, "readonly", &d->readonly, error) ||
        !spec_flag(k, "read-only", &d->readonly, error) || !spec_flag(k, "snapshot", &d->snapshot, error))
        return false;
    const char *interface = spec_get(k, "if"), *media = spec_get(k, "media");
    d->file = spec_get(k, "file");
    d->id = spec_get(k, "id");
    if (!d->file || !*d->file) return error_set(error, ERROR_USAGE, "-drive: '%.200s' names no file", text);
    if (!d->id && !(d->id = numbered(c, "virtio", c->ndrives))) return no_memory(error);
    if (config_drive(c, d->id)) return error_set(error, ERROR_USAGE, "-drive: two with id '%.60s'", d->id);
    if (media && !strcmp(media, "cdrom")) d->readonly = true;
    c->ndrives++;
    if (interface && !strcmp(interface, "none")) return true;
    struct device_spec *disk = device_begin(c, "-drive", "virtio-blk-pci", error);
    return disk && keyvals_add(&disk->keys, "drive", d->id, error);
}

/* Enters a network whose keys are `k`. */
static bool add_network(struct machine_config *c, const struct keyvals *k, const char *common, const char *id,
                        struct error *error) {
    const char *type = spec_get(k, "type");
    const struct driver *row = type ? driver_named(networks, type) : NULL;
    if (!type) return error_set(error, ERROR_USAGE, "%s: no type, as user or tap", k->option);
    if (!row) return no_driver(networks, k->option, type, error);
    if (!check_keys(k, common, row, error)) return false;
    if (config_netdev(c, id)) return error_set(error, ERROR_USAGE, "%s: two with id '%.60s'", k->option, id);
    if (c->nnetdevs == NETDEVS_MOST) return too_many(error, k->option, NETDEVS_MOST);
    c->netdevs[c->nnetdevs++] = (struct netdev_spec){.keys = *k, .id = id, .type = row->name};
    return true;
}

static bool add_netdev(struct machine_config *c, const char *text, struct error *error) {
    struct keyvals k;
    if (!keyvals_parse(&k, &c->arena, "-netdev", text, "type", error)) return false;
    const char *id = spec_get(&k, "id");
    if (!id) return error_set(error, ERROR_USAGE, "-netdev: '%.200s' has no id", text);
    return add_network(c, &k, "type id", id, error);
}

static bool add_nic(struct machine_config *c, const char *text, struct error *error) {
    struct keyvals k;
    if (!keyvals_parse(&k, &c->arena, "-nic", text, "type", error)) return false;
    const char *type = spec_get(&k, "type"), *model = spec_get(&k, "model"), *mac = spec_get(&k, "mac");
    if (type && !strcmp(type, "none")) return keyvals_check(&k, "type", error);
    const char *id = numbered(c, "nic", c->nnetdevs);
    if (!id) return no_memory(error);
    if (!add_network(c, &k, nic_keys, id, error)) return false;
    if (!model || !strcmp(model, "virtio")) model = "virtio-net-pci";
    struct device_spec *d = device_begin(c, "-nic", model, error);
    return d && keyvals_add(&d->keys, "netdev", id, error) && (!mac || keyvals_add(&d->keys, "mac", mac, error));
}

/* What devices name is there. */
static bool check_references(const struct machine_config *c, struct error *error) {
    for (const struct device_spec *d = c->devices; d < c->devices + c->ndevices; d++) {
        const char *drive = spec_get(&d->keys, "drive"), *netdev = spec_get(&d->keys, "netdev");
        if (drive && !config_drive(c, drive))
            return error_set(error, ERROR_USAGE, "%s: %s: there is no -drive with id '%.60s'", d->keys.option,
                             d->driver->name, drive);
        if (netdev && !config_netdev(c, netdev))
            return error_set(error, ERROR_USAGE, "%s: %s: there is no -netdev with id '%.60s'", d->keys.option,
                             d->driver->name, netdev);
    }
    return true;
}

/* ---- the rest */

static bool take_harts(struct machine_config *c, const char *text, struct error *error) {
    struct keyvals k;
    uint64_t cpus = 0, parts[3] = {1, 1, 1};
    const uint64_t most = HARTS_MOST;
    if (!keyvals_parse(&k, &c->arena, "-smp", text, "cpus", error) ||
        !keyvals_check(&k, "cpus maxcpus sockets cores threads", error) ||
        !spec_number(&k, "cpus", 1, most, &cpus, error) || !spec_number(&k, "maxcpus", 1, most, &cpus, error) ||
        !spec_number(&k, "sockets", 1, most, &parts[0], error) ||
        !spec_number(&k, "cores", 1, most, &parts[1], error) || !spec_number(&k, "threads", 1, most, &parts[2], error))
        return false;
    if (!spec_get(&k, "cpus")) cpus = parts[0] * parts[1] * parts[2];
    if (cpus > most) return error_set(error, ERROR_USAGE, "-smp: %u harts at most", HARTS_MOST);
    c->harts = (unsigned)cpus;
    return true;
}

static bool take_clock(struct machine_config *c, const char *text, struct error *error) {
    if (!word_among(text, "host count"))
        return error_set(error, ERROR_USAGE, "--clock: '%.60s' is none of host, count", text);
    c->clock = !strcmp(text, "host") ? CLOCK_HOST : CLOCK_COUNT;
    return true;
}

/* Options of which there is one way only that it can be: to be confirmed, or refused. */
static bool confirm(struct machine_config *c, const char *option, const char *key, const char *text, const char *words,
                    struct error *error) {
    struct keyvals k;
    return !text || (keyvals_parse(&k, &c->arena, option, text, key, error) && keyvals_check(&k, key, error) &&
                     spec_word(&k, key, words, error));
}

/* Nothing said: a kernel or firmware has a console with keys of vee's, a program the streams as they are. */
static bool take_serial(struct machine_config *c, const struct machine_options *o, struct error *error) {
    static const struct {
        const char *text;
        enum serial_kind kind;
    } words[] = {{"mon:stdio", SERIAL_KEYS}, {"stdio", SERIAL_TERMINAL}, {"none", SERIAL_NULL}, {"null", SERIAL_NULL}};
    const bool boots = c->kernel || c->firmware == FIRMWARE_FILE;
    c->serial = boots || o->nographic ? SERIAL_KEYS : SERIAL_STANDARD;
    if (!o->serial) return true;
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(o->serial, words[i].text) != 0) continue;
        c->serial = words[i].kind;
        return true;
    }
    c->serial = SERIAL_FILE;
    c->serial_file = o->serial + strlen("file:");
    if (!strncmp(o->serial, "file:", strlen("file:")) && *c->serial_file) return true;
    return error_set(error, ERROR_USAGE, "-serial: '%.60s' is none of stdio, mon:stdio, none, null, file:FILE",
                     o->serial);
}

static bool take_lines(struct machine_config *c, const struct machine_options *o, struct error *error) {
    if (!take_serial(c, o, error)) return false;
    return confirm(c, "-machine", "type", o->machine, "virt", error) &&
           confirm(c, "-display", "type", o->display, "none", error) &&
           confirm(c, "-monitor", "to", o->monitor, "none", error);
}

static bool take_list(struct machine_config *c, const char *const *list,
                      bool (*add)(struct machine_config *c, const char *text, struct error *error),
                      struct error *error) {
    for (; list && *list; list++)
        if (!add(c, *list, error)) return false;
    return true;
}

/* Properties of the board's devices, as -global sets them, of which QEMU's default is not what is so here. */
static bool confirm_global(struct machine_config *c, const char *text, struct error *error) {
    struct keyvals k;
    return keyvals_parse(&k, &c->arena, "-global", text, NULL, error) &&
           keyvals_check(&k, "virtio-mmio.force-legacy", error) &&
           spec_word(&k, "virtio-mmio.force-legacy", "false off", error);
}

/* A file besides a kernel or firmware is a disk: commas in its name are doubled, as in an option. */
static bool take_disk(struct machine_config *c, const char *path, struct error *error) {
    char *text = arena_alloc(&c->arena, sizeof "file=" + 2 * strlen(path)), *to;
    if (!text) return no_memory(error);
    to = stpcpy(text, "file=");
    for (; *path; path++) {
        if (*path == ',') *to++ = ',';
        *to++ = *path;
    }
    return add_drive(c, text, error);
}

static bool fill(struct machine_config *c, const struct machine_options *o, const char *path, struct error *error) {
    c->kernel = o->kernel;
    c->initrd = o->initrd;
    c->append = o->append;
    c->dtb = o->dtb;
    c->bios = o->bios;
    c->ram_size = o->ram_size;
    c->no_reboot = o->no_reboot;
    c->control = o->control;
    c->harts = 1;
    if (o->clock && !take_clock(c, o->clock, error)) return false;
    const bool named = c->bios && word_among(c->bios, "none default");
    if (c->bios ? named && !strcmp(c->bios, "default") : c->kernel != NULL) c->firmware = FIRMWARE_OWN;
    if (c->bios && !named) c->firmware = FIRMWARE_FILE;
    const bool boots = c->kernel || c->firmware == FIRMWARE_FILE;
    if (!boots) c->program = path;
    if (!c->kernel && c->initrd) return error_set(error, ERROR_USAGE, "-initrd needs -kernel");
    if (!boots && !path)
        return error_set(error, ERROR_USAGE, "nothing to boot: give a program, -kernel FILE or -bios FILE");
    if (!take_lines(c, o, error) || (o->smp && !take_harts(c, o->smp, error))) return false;
    if (boots && path && !take_disk(c, path, error)) return false;
    if (!take_list(c, o->drives, add_drive, error) || !take_list(c, o->netdevs, add_netdev, error) ||
        !take_list(c, o->globals, confirm_global, error) || !take_list(c, o->nics, add_nic, error) ||
        !take_list(c, o->devices, add_device, error))
        return false;
    for (struct drive_spec *d = c->drives; d < c->drives + c->ndrives; d++) d->snapshot |= o->snapshot;
    return check_references(c, error);
}

struct machine_config *config_make(const struct machine_options *o, const char *path, const char *cpu,
                                   struct error *error) {
    struct machine_config *c = calloc(1, sizeof *c);
    if (!c) return no_memory(error), NULL;
    arena_init(&c->arena, 4096);
    if (confirm(c, "-cpu", "model", cpu, boards[0]->cpus, error) && fill(c, o, path, error)) return c;
    config_free(c);
    return NULL;
}

void config_free(struct machine_config *c) {
    if (!c) return;
    arena_done(&c->arena);
    free(c);
}
