/* riscv.c - the board of riscv cpus: its parts (riscv.def), the program in its ROM, its cpu in the device tree (the
 * Linux bindings of riscv cpus and their interrupts).
 */
#include "machine/riscv_sbi.h"
#include "machine/tree.h"
#include <elf.h>
#include <stdio.h>
#include <string.h>

enum {
#define PLACE(name, device, address)            PLACE_##name,
#define SYMBOL(name, device, symbol, companion) PLACE_##name,
#include "machine/riscv.def"
};
static const struct place places[] = {
#define PLACE(name, device, address)            {DEVICE_##device, address, NULL, NULL},
#define SYMBOL(name, device, symbol, companion) {DEVICE_##device, 0, symbol, companion},
#include "machine/riscv.def"
};
static const struct wire wires[] = {
#define WIRE(place, pin, to, input)       {PLACE_##place, pin, PLACE_##to, input, 0},
#define CPUS(place, pin, step, interrupt) {PLACE_##place, pin, PLACE_CPUS, interrupt, step},
#include "machine/riscv.def"
};

/* As the SBI's and Linux' boot protocols want it, a0 is the hart and a1 the device tree, or 0; a2 is what tells OpenSBI
 * (struct fw_dynamic_info) where the next stage begins, in which mode.
 */
static void boot(uint8_t *rom, uint64_t entry, uint64_t tree, uint64_t next) {
    static const uint32_t code[] = {
        0x00000297, /* auipc t0, 0 */
        0x02828613, /* addi a2, t0, 40 */
        0xf1402573, /* csrr a0, mhartid */
        0x0202b583, /* ld a1, 32(t0) */
        0x0182b283, /* ld t0, 24(t0) */
        0x00028067, /* jr t0 */
    };
    enum { INFO_MAGIC = 0x4942534f, INFO_VERSION = 2, BOOT_HART = 0 };
    const uint64_t data[] = {entry, tree, INFO_MAGIC, INFO_VERSION, next, PRIV_S, 0 /* options */, BOOT_HART};
    memcpy(rom, code, sizeof code);
    memcpy(rom + sizeof code, data, next ? sizeof data : 2 * sizeof *data);
}

/* Linux' "boot image header in RISC-V Linux": where it wants to lie in a large page of memory, and how much it takes.
 */
static bool flat_header(const uint8_t *bytes, size_t size, struct flat_header *header) {
    enum { IMAGE_SIZE = 16, MAGIC = 0x30, MAGIC2 = 0x38, HEADER = 64 };
    if (size < HEADER || (memcmp(bytes + MAGIC2, "RSC\x05", 4) && memcmp(bytes + MAGIC, "RISCV\0\0", 8))) return false;
    memcpy(&header->size, bytes + IMAGE_SIZE, sizeof header->size);
    return true;
}

static void hart(struct cpu *cpu, unsigned number) {
    riscv_set_mhartid(riscv_of(cpu), number);
}

static bool interruptible(const struct cpu *cpu) {
    const struct riscv_cpu *c = (const struct riscv_cpu *)cpu;
    const enum riscv_priv priv = riscv_get_priv(c);
    const uint64_t enabled = riscv_get_mie(c), to_s = riscv_get_mideleg(c), ie = riscv_get_status_ie(c);
    return ((priv < PRIV_M || (ie & STATUS_MIE)) && (enabled & ~to_s)) ||
           ((priv < PRIV_S || (priv == PRIV_S && (ie & STATUS_SIE))) && (enabled & to_s));
}

/* The instruction set. Firmware of a file may be one that does not let S
 * mode have the CSR seed (OpenSBI before 1.3), which kernels take for granted where it is named.
 */
static void describe_isa(struct tree *t, bool own_firmware) {
    static const char seed[] = "_zkr";
    char isa[512];
    const char *found = own_firmware ? NULL : strstr(guest_riscv.isa, seed);
    const char *rest = found ? found + strlen(seed) : guest_riscv.isa;
    snprintf(isa, sizeof isa, "%.*s%s", found ? (int)(found - guest_riscv.isa) : 0, guest_riscv.isa, rest);
    tree_text(t, "riscv,isa", isa);
}

static void describe_cpu(struct tree *t, uint32_t interrupts, enum firmware_kind firmware) {
    tree_text(t, "compatible", "riscv");
    describe_isa(t, firmware != FIRMWARE_FILE);
    tree_text(t, "mmu-type", guest_riscv.mmu);
    tree_cell(t, "riscv,cbom-block-size", 64);
    tree_cell(t, "riscv,cboz-block-size", 64);
    tree_open(t, "interrupt-controller");
    tree_cell(t, "#interrupt-cells", 1);
    tree_flag(t, "interrupt-controller");
    tree_text(t, "compatible", "riscv,cpu-intc");
    tree_cell(t, "phandle", interrupts);
    tree_close(t);
}

const struct board board_riscv = {
    .guest = &guest_riscv,
    .elf_machine = EM_RISCV,
    .compatible = "riscv-virtio",
    .cpus = "rv64 max any",
    .ram = 0x80000000,
    .reset = 0x1000,
    .places = places,
    .nplaces = sizeof places / sizeof *places,
    .wires = wires,
    .nwires = sizeof wires / sizeof *wires,
    .console = PLACE_uart,
    .boot = boot,
    .flat_header = flat_header,
    .cpu = hart,
    .interruptible = interruptible,
    .describe_cpu = describe_cpu,
    .firmware_start = riscv_firmware_start,
    .firmware_serve = riscv_firmware_serve,
    .firmware_call = riscv_firmware_call,
};
