/* transport.h - within machine/virtio/: the ways to reach a device, and the table of a device for each of them.
 *
 * At its end a kind's file has VIRTIO_DEVICES(name), which makes `virtio-NAME-device` (a slot of the board, mmio.c) and
 * `virtio-NAME-pci` (pci.c) of a `static const struct virtio_kind kind`.
 */
#ifndef MACHINE_VIRTIO_TRANSPORT_H
#define MACHINE_VIRTIO_TRANSPORT_H

#include "machine/pci.h"
#include "machine/virtio/virtio.h"

struct virtio_mmio {
    struct virtio virtio; /* first, so it is the device's state, too */
    struct device_host *slot;
};
extern const struct field virtio_mmio_fields[1];
bool virtio_mmio_open(struct device_host *host, struct error *error);
void virtio_mmio_close(struct device_host *host);
void virtio_mmio_reset(void *state, struct device_host *host);
uint64_t virtio_mmio_update(void *state, struct device_host *host);
void virtio_mmio_complete(void *state, struct device_host *host, void *request);

struct virtio_pci {
    struct pci_function function; /* first, as of every function */
    struct pci_type type;
    struct virtio virtio;
};
extern const struct field virtio_pci_fields[2];
bool virtio_pci_open(struct device_host *host, struct error *error);
void virtio_pci_close(struct device_host *host);
void virtio_pci_reset(void *state, struct device_host *host);
bool virtio_pci_read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                     uint64_t *value);
bool virtio_pci_write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                      uint64_t value);
uint64_t virtio_pci_update(void *state, struct device_host *host);
void virtio_pci_complete(void *state, struct device_host *host, void *request);

/* clang-format off */
#define VIRTIO_DEVICES(of)                                                                                             \
    const struct device device_virtio_##of##_device = {                                                                \
        .name = "virtio-" #of "-device",                                                                               \
        .kind = &kind,                                                                                                 \
        .state_size = sizeof(struct virtio_mmio),                                                                      \
        .fields = virtio_mmio_fields,                                                                                  \
        .nfields = sizeof virtio_mmio_fields / sizeof *virtio_mmio_fields,                                             \
        .open = virtio_mmio_open,                                                                                      \
        .close = virtio_mmio_close,                                                                                    \
        .reset = virtio_mmio_reset,                                                                                    \
        .update = virtio_mmio_update,                                                                                  \
        .complete = virtio_mmio_complete,                                                                              \
    };                                                                                                                 \
    const struct device device_virtio_##of##_pci = {                                                                   \
        .name = "virtio-" #of "-pci",                                                                                  \
        .kind = &kind,                                                                                                 \
        .state_size = sizeof(struct virtio_pci),                                                                       \
        .fields = virtio_pci_fields,                                                                                   \
        .nfields = sizeof virtio_pci_fields / sizeof *virtio_pci_fields,                                               \
        .open = virtio_pci_open,                                                                                       \
        .close = virtio_pci_close,                                                                                     \
        .reset = virtio_pci_reset,                                                                                     \
        .read = virtio_pci_read,                                                                                       \
        .write = virtio_pci_write,                                                                                     \
        .update = virtio_pci_update,                                                                                   \
        .complete = virtio_pci_complete,                                                                               \
    };
/* clang-format on */

#endif
