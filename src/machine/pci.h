/* pci.h - within machine/: functions on the PCI bus (PCI Local Bus Specification 3.0; one bus, one function a slot, no
 * bridges) and the host bridge that leads to them (pci.c).
 *
 * A function is a device without a place on the board. Its state begins with a struct pci_function, whose first 256
 * bytes are the configuration space: registers are rows, with the bits that software can write. Its base address
 * registers are its regions of the same numbers, which pci.c maps; its interrupt is the pin of the host bridge that the
 * slot leads to. Interrupts are INTx only: the board has nothing that takes messages.
 */
#ifndef MACHINE_PCI_H
#define MACHINE_PCI_H

#include "core/object.h"
#include "machine/board.h"

enum { PCI_SLOTS = 32, PCI_BARS = 6, PCI_CAPABILITIES = 0x40, PCI_CONFIG_SIZE = 0x100, PCI_PINS = 4 };
enum pci_command { PCI_MEMORY = 2, PCI_MASTER = 4, PCI_NO_INTX = 0x400 };
enum { PCI_STATUS_INTERRUPT = 8, PCI_STATUS_CAPABILITIES = 0x10 };

#define PCI_FIELDS(FIELD, ARRAY)                                                                                       \
    FIELD(uint16_t, vendor, RESOURCE, 0, 0, 0, 0)                                                                      \
    FIELD(uint16_t, device, RESOURCE, 0, 0, 0, 0)                                                                      \
    FIELD(uint16_t, command, RESOURCE, 0, 0, 0, 0x0547)                                                                \
    FIELD(uint16_t, status, RESOURCE, 0, 0, 0, 0)                                                                      \
    FIELD(uint32_t, class, RESOURCE, 0, 0, 0, 0) /* and the revision, in the lowest byte */                            \
    FIELD(uint8_t, cache_line, RESOURCE, 0, 0, 0, 0xff)                                                                \
    FIELD(uint8_t, latency, RESOURCE, 0, 0, 0, 0xff)                                                                   \
    FIELD(uint8_t, header_type, RESOURCE, 0, 0, 0, 0)                                                                  \
    FIELD(uint8_t, self_test, RESOURCE, 0, 0, 0, 0)                                                                    \
    ARRAY(uint32_t, bar, PCI_BARS, RESOURCE, 0, 0, 0, UINT32_MAX) /* besides the bits below its size */                \
    FIELD(uint32_t, card_bus, RESOURCE, 0, 0, 0, 0)                                                                    \
    FIELD(uint16_t, subsystem_vendor, RESOURCE, 0, 0, 0, 0)                                                            \
    FIELD(uint16_t, subsystem, RESOURCE, 0, 0, 0, 0)                                                                   \
    FIELD(uint32_t, rom, RESOURCE, 0, 0, 0, 0)                                                                         \
    FIELD(uint8_t, first_capability, RESOURCE, 0, 0, 0, 0)                                                             \
    ARRAY(uint8_t, reserved, 7, RESOURCE, 0, 0, 0, 0)                                                                  \
    FIELD(uint8_t, interrupt_line, RESOURCE, 0, 0, 0, 0xff)                                                            \
    FIELD(uint8_t, interrupt_pin, RESOURCE, 0, 0, 0, 0)                                                                \
    FIELD(uint8_t, least_grant, RESOURCE, 0, 0, 0, 0)                                                                  \
    FIELD(uint8_t, most_latency, RESOURCE, 0, 0, 0, 0)                                                                 \
    ARRAY(uint8_t, capabilities, PCI_CONFIG_SIZE - PCI_CAPABILITIES, RESOURCE, 0, 0, 0, 0)

struct pci_function;
/** What a function is: its registers after a reset, and what it does itself. */
struct pci_type {
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint32_t class;              /* and the revision */
    uint32_t bar_size[PCI_BARS]; /* powers of two of at least 16: memory; 0: none */
    bool interrupts;
    /** Adds capabilities after a reset; NULL: none. */
    void (*make)(struct pci_function *f);
    /** Accesses behind the header: true, when they have been answered. NULL: there is nothing special. */
    bool (*read)(struct pci_function *f, unsigned offset, unsigned size, uint64_t *value);
    bool (*write)(struct pci_function *f, unsigned offset, unsigned size, uint64_t value);
};

struct pci_function {
    FIELDS_STRUCT(PCI_FIELDS)
    struct device_host *host, *bridge; /* its own, and the bus's */
    const struct pci_type *type;
    uint8_t slot;
    uint8_t asserts;
};

/** Puts a function on the bus: in the slot that `addr` names, or a free one. */
bool pci_open(struct pci_function *f, struct device_host *host, const struct pci_type *type, struct error *error);
void pci_close(struct pci_function *f);
/** All registers are as in the beginning. */
void pci_reset(struct pci_function *f);
/** Room for a capability of `size` bytes, the first two of which are filled in; NULL: there is none. */
uint8_t *pci_capability(struct pci_function *f, uint8_t id, unsigned size);
/** Sets the level of the function's interrupt; anew: there is a reason more, even if it is up already. */
void pci_interrupt(struct pci_function *f, bool level, bool anew);
const struct object_type *pci_function_type(void);

#endif
