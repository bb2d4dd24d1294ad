/* fuzz_sbi.c - the board as firmware: sequences of calls with any registers, made of a hart in S mode by hand. A call
 * comes back behind its instruction with an error that there is, and changes a0 and a1 alone; or goes where it was
 * told. Memory and console are those of a machine whose console is nobody's.
 *
 * A call is a byte that chooses the extension, one for the function, and one for each of six arguments.
 */
#include "engine/engine.h"
#include "machine/riscv_sbi.h"
#include "vm/internal.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALL = 8, RAM = 0x80000000u, HERE = RAM + 0x1000 };

static const uint64_t extensions[] = {0,        1,          2,          3,        4,          5,        6,
                                      7,        8,          9,          0x10,     0x54494d45, 0x735049, 0x52464e43,
                                      0x48534d, 0x53525354, 0x4442434e, 0x504d55, ~0ull};

static struct vm *make(void) {
    static char path[] = "/tmp/fuzz_sbi.XXXXXX";
    static const uint32_t code[] = {0x0000006f};
    struct vee_error why = {0};
    struct error error = {0};
    struct vee_config *c = vee_config_make();
    const int fd = mkstemp(path);
    if (!c || fd < 0 || write(fd, code, sizeof code) != sizeof code) abort();
    close(fd);
    if (!vee_config_set(c, "bios", "default", &why) || !vee_config_set(c, "memory", "1M", &why) ||
        !vee_config_set(c, "serial", "null", &why))
        abort();
    struct vm_options options = c->options;
    options.path = path;
    options.kind = "machine";
    options.tier = TIER_INTERP;
    options.own = (const void *const *)c->own;
    struct vm *vm = vm_open(&options, &error);
    unlink(path);
    if (!vm) abort();
    return vm;
}

static uint64_t argument(uint8_t byte) {
    static const uint64_t some[] = {0,
                                    1,
                                    2,
                                    3,
                                    ~0ull,
                                    ~1ull,
                                    1ull << 63,
                                    1ull << 32,
                                    RAM,
                                    RAM + 4096,
                                    RAM - 1,
                                    RAM + (1 << 20),
                                    RAM + (1 << 20) - 1,
                                    0x10000000,
                                    0x1000,
                                    0x80000000ffffffff};
    if (byte < sizeof some / sizeof *some) return some[byte];
    return byte & 128 ? 1ull << (byte & 63) : byte;
}

static void call(struct vm *vm, const uint8_t *bytes) {
    struct machine *m = vm->data;
    struct riscv_cpu *hart = riscv_of(vm->cpu);
    const uint64_t extension = extensions[bytes[0] % (sizeof extensions / sizeof *extensions)];
    engine_set_pc(vm->cpu, HERE);
    for (unsigned i = 1; i < 32; i++) riscv_set_x(hart, i, i);
    for (unsigned i = 0; i < 6; i++) riscv_set_x(hart, 10 + i, argument(bytes[2 + i]));
    riscv_set_x(hart, 16, bytes[1] < 16 ? bytes[1] : argument(bytes[1]));
    riscv_set_x(hart, 17, extension);
    vm->cpu->exit = (struct exit){.kind = EXIT_syscall};
    const enum firmware_answer answer = riscv_firmware_call(m, vm->cpu);
    if (answer == FIRMWARE_NOT || riscv_get_priv(hart) != PRIV_S) abort();
    const int64_t error = (int64_t)riscv_get_x(hart, 10);
    const bool behind = vm->cpu->pc == HERE + 4;
    if (!behind && (extension != 0x48534d || answer != FIRMWARE_SLEEPS || riscv_get_satp(hart))) abort();
    if (behind && (error > 255 || error < SBI_NO_SHARED_MEMORY) && answer != FIRMWARE_SLEEPS) abort();
    if (behind && extension <= 8 && riscv_get_x(hart, 11) != argument(bytes[3])) abort();
    for (unsigned i = 12; i < 16; i++)
        if (riscv_get_x(hart, i) != argument(bytes[i - 8])) abort();
    for (unsigned i = 1; i < 32; i++)
        if ((i < 10 || i > 17) && riscv_get_x(hart, i) != i) abort();
    m->off = false;
    m->firmware.cpus->state = FIRMWARE_RUNS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct vm *vm;
    if (!vm) vm = make();
    for (; size >= CALL; data += CALL, size -= CALL) call(vm, data);
    return 0;
}
