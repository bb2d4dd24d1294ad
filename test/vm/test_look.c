/*
 * Looking at vms of every kind changes nothing: digests before and after are the same, runs that are looked at and runs
 * that are not; devices are not asked, page tables not marked. What is written follows the rules that software has, and
 * what hangs on it follows.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <elf.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm/only_window.h"
#include "guest/riscv/csr.h"
#include "vee/vee.h"

static char path[] = "/tmp/test_look.XXXXXX";
static struct vee_error error;
static const char *memory_window = "0";
static const char *const tiers[] = {"interp", "baseline", "auto"};
enum { TIERS = 3 };
#define RAM    0x80000000ull
#define ROOT   (RAM + 0x10000)
#define ROOT2  (RAM + 0x11000)
#define MIDDLE (RAM + 0x12000)
#define LEAVES (RAM + 0x13000)
#define OTHER  (RAM + 0x20000)

static struct vee_vm *open_vm(struct vee_config **c, const char *tier, const char *kind, const void *bytes,
                              size_t size) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    *c = vee_config_make();
    assert_true(vee_config_set(*c, "tier", tier, &error));
    assert_true(vee_config_set(*c, "kind", kind, &error));
    assert_true(vee_config_set(*c, "memory", "1M", &error));
    assert_true(vee_config_set(*c, "counted", NULL, &error));
    assert_true(vee_config_set(*c, "window", memory_window, &error));
    struct vee_vm *vm = vee_open(*c, path, NULL, &error);
    if (!vm) fail_msg("%s", error.text);
    return vm;
}
static void close_vm(struct vee_vm *vm, struct vee_config *c) {
    vee_close(vm);
    vee_config_free(c);
}

static uint64_t reg(struct vee_vm *vm, const char *name, unsigned index) {
    uint64_t value = 0;
    assert_true(vee_register(vm, name, index, &value));
    return value;
}
static void set(struct vee_vm *vm, const char *name, unsigned index, uint64_t value) {
    assert_true(vee_set_register(vm, name, index, value));
}
static void put_word(struct vee_vm *vm, uint64_t physical, uint64_t value) {
    assert_int_equal(vee_write(vm, VEE_PHYSICAL, physical, &value, 8), 8);
}
static uint64_t word(struct vee_vm *vm, enum vee_address which, uint64_t address) {
    uint64_t value = 0;
    assert_int_equal(vee_read(vm, which, address, &value, 8), 8);
    return value;
}

/* Everything there is to look at. */
static void look_around(struct vee_vm *vm) {
    static const uint64_t places[] = {
        0,       0x1000, 0x100000,      0x2000000,      0x200bff8,  0xc000000,  0xc200004,    0x10000000,    0x10000005,
        0x30000, RAM,    RAM + 0xffff8, RAM + 0x100000, 0x40000000, 0x4c200004, 0x4000000000, UINT64_MAX - 4};
    static unsigned char bytes[3 * 4096];
    const char *name;
    unsigned count;
    uint64_t value;
    for (unsigned n = 0; vee_register_info(vm, n, &name, &count); n++)
        for (unsigned k = 0; k < count; k++) assert_true(vee_register(vm, name, k, &value));
    for (unsigned n = 0; n < sizeof places / sizeof *places; n++)
        for (enum vee_address which = VEE_VIRTUAL; which <= VEE_PHYSICAL; which++) {
            const size_t done = vee_read(vm, which, places[n], bytes, sizeof bytes);
            const enum vee_memory kind = vee_memory(vm, which, places[n]);
            assert_int_equal(done != 0, kind == VEE_MEMORY_RAM || kind == VEE_MEMORY_ROM);
        }
    for (unsigned n = 0; vee_stat(vm, n, &name, &value); n++) {
    }
    vee_count(vm), vee_pc(vm), vee_end(vm);
}

/* ---- machines */

/* Loads from [a0] into t0, counts in t1. */
static const uint32_t loading[] = {0x00053283, 0x00130313, 0xff9ff06f};

static void run_to_ram(struct vee_vm *vm) {
    uint64_t n = 0;
    while (vee_pc(vm) != RAM) assert_true(vee_run_until(vm, ++n, &error));
}

/* Supervisor mode, all of memory open to it; the first gigabyte is the RAM, the second the devices, the third the RAM
   again: none of the pages was ever used. By the other root the first page is OTHER. */
static void map(struct vee_vm *vm) {
    enum { V = 1, R = 2, W = 4, X = 8 };
    put_word(vm, ROOT, (RAM >> 12 << 10) | V | R | W | X);
    put_word(vm, ROOT + 8, V | R | W);
    put_word(vm, ROOT + 16, (RAM >> 12 << 10) | V | R | W | X);
    put_word(vm, ROOT2, (MIDDLE >> 12 << 10) | V);
    put_word(vm, ROOT2 + 16, (RAM >> 12 << 10) | V | R | W | X);
    put_word(vm, MIDDLE, (LEAVES >> 12 << 10) | V);
    put_word(vm, LEAVES, (OTHER >> 12 << 10) | V | R | W);
    set(vm, "pmpaddr", 0, UINT64_MAX);
    set(vm, "pmpcfg", 0, 0x1f);
    set(vm, "satp", 0, 8ull << 60 | ROOT >> 12);
    set(vm, "priv", 0, PRIV_S);
    put_word(vm, RAM + 0x800, 11);
    put_word(vm, OTHER + 0x800, 22);
    set(vm, "x", 10, 0x800);
}

static void looking_at_a_machine(void **state) {
    (void)state;
    for (unsigned t = 0; t < TIERS; t++) {
        struct vee_config *c, *d;
        struct vee_vm *vm = open_vm(&c, tiers[t], "machine", loading, sizeof loading);
        struct vee_vm *calm = open_vm(&d, tiers[t], "machine", loading, sizeof loading);
        uint64_t before = vee_digest(vm);
        look_around(vm);
        assert_int_equal(vee_digest(vm), before);
        run_to_ram(vm), run_to_ram(calm);
        map(vm), map(calm);
        before = vee_digest(vm);
        look_around(vm);
        assert_int_equal(vee_digest(vm), before);
        assert_int_equal(before, vee_digest(calm));
        assert_int_equal(word(vm, VEE_VIRTUAL, 0x800), 11);
        assert_int_equal(word(vm, VEE_PHYSICAL, ROOT) & 0xc0, 0); /* neither accessed nor dirty */
        assert_int_equal(vee_memory(vm, VEE_VIRTUAL, 0x800), VEE_MEMORY_RAM);
        assert_int_equal(vee_memory(vm, VEE_VIRTUAL, 0x4c200004), VEE_MEMORY_DEVICE);
        assert_int_equal(vee_memory(vm, VEE_PHYSICAL, 0xc200004), VEE_MEMORY_DEVICE);
        assert_int_equal(vee_memory(vm, VEE_PHYSICAL, 0x1000), VEE_MEMORY_ROM);
        assert_int_equal(vee_memory(vm, VEE_VIRTUAL, 0xc0000000), VEE_MEMORY_NONE);
        assert_int_equal(vee_memory(vm, VEE_PHYSICAL, 0xc0000000), VEE_MEMORY_NONE);
        uint64_t zero = 0;
        assert_int_equal(vee_write(vm, VEE_PHYSICAL, 0x1000, &zero, 8), 0);        /* ROM */
        assert_int_equal(vee_write(vm, VEE_PHYSICAL, 0xc200004, &zero, 4), 0);     /* a claim */
        assert_int_equal(vee_write(vm, VEE_PHYSICAL, RAM + 0xffffc, &zero, 8), 4); /* the end of RAM */
        const uint64_t from = vee_count(vm);
        for (unsigned n = 1; n < 40; n++) {
            assert_true(vee_run_until(vm, from + 7 * n, &error));
            look_around(vm);
        }
        assert_true(vee_run_until(calm, from + 7 * 39, &error));
        assert_int_equal(vee_digest(vm), vee_digest(calm));
        assert_int_equal(reg(vm, "x", 5), 11);
        assert_int_equal(word(vm, VEE_PHYSICAL, ROOT) & 0xc0, 0x40); /* the guest's own load is recorded */
        close_vm(vm, c), close_vm(calm, d);
    }
}

static void ignore_line(void *to, const char *line) {
    (void)line;
    ++*(unsigned *)to;
}

static void logs_change_nothing(void **state) {
    (void)state;
    for (unsigned t = 0; t < TIERS; t++) {
        uint64_t digest[2];
        unsigned lines = 0;
        for (unsigned logged = 0; logged < 2; logged++) {
            struct vee_config *c;
            struct vee_vm *vm = open_vm(&c, tiers[t], "machine", loading, sizeof loading);
            vee_close(vm);
            if (logged) {
                assert_true(vee_config_set(c, "log", "guest,uops,host,exits", &error));
                vee_config_log(c, ignore_line, &lines);
            }
            vm = vee_open(c, path, NULL, &error);
            assert_non_null(vm);
            run_to_ram(vm);
            map(vm);
            assert_true(vee_run_until(vm, vee_count(vm) + 100, &error));
            digest[logged] = vee_digest(vm);
            close_vm(vm, c);
        }
        assert_true(lines > 10);
        assert_int_equal(digest[0], digest[1]);
    }
}

/* Each register takes what its mask lets it take, and nothing else changes by that. */
static void registers_keep_their_masks(void **state) {
    (void)state;
    struct vee_config *c;
    struct vee_vm *vm = open_vm(&c, "interp", "machine", loading, sizeof loading);
    unsigned written = 0;
    for (unsigned n = 0; n < RISCV_FIELD_COUNT; n++) {
        const struct field *f = &riscv_fields[n];
        const bool apart = n == RISCV_FIELD_priv || n == RISCV_FIELD_satp || n == RISCV_FIELD_cbo ||
                           n == RISCV_FIELD_status_stack || n == RISCV_FIELD_pmpcfg || n == RISCV_FIELD_menvcfg ||
                           n == RISCV_FIELD_senvcfg || n == RISCV_FIELD_mcountinhibit;
        for (unsigned k = 0; !apart && k < f->count; k++) {
            const uint64_t old = reg(vm, f->name, k), values[] = {UINT64_MAX, 0, 0x5555555555555555, old};
            const bool fixed = !f->write_mask || (n == RISCV_FIELD_x && k == 0);
            for (unsigned v = 0; v < 4; v++) {
                assert_int_equal(vee_set_register(vm, f->name, k, values[v]), !fixed);
                assert_int_equal(reg(vm, f->name, k),
                                 fixed ? old : (old & ~f->write_mask) | (values[v] & f->write_mask));
            }
            written += !fixed;
        }
    }
    assert_true(written > 100);
    assert_int_equal(reg(vm, "x", 0), 0);
    assert_false(vee_set_register(vm, "cbo", 0, 0));
    assert_false(vee_set_register(vm, "x", 32, 1));
    set(vm, "priv", 0, 2); /* no such privilege */
    assert_int_equal(reg(vm, "priv", 0), PRIV_M);
    set(vm, "status_stack", 0, 2 << 11 | STATUS_SPP);
    assert_int_equal(reg(vm, "status_stack", 0), STATUS_SPP);
    set(vm, "satp", 0, 5ull << 60 | 1); /* no such mode */
    assert_int_equal(reg(vm, "satp", 0), 0);
    set(vm, "pmpcfg", 3, 0x9a); /* write without read is reserved; locked from now on */
    assert_int_equal(reg(vm, "pmpcfg", 3), 0x98);
    set(vm, "pmpcfg", 3, 0);
    set(vm, "pmpaddr", 3, 77);
    assert_int_equal(reg(vm, "pmpcfg", 3), 0x98);
    assert_int_equal(reg(vm, "pmpaddr", 3), 0);
    assert_int_equal(reg(vm, "pmpcfg", 2), 0);
    set(vm, "menvcfg", 0, 0); /* which gives and takes the cache-block instructions */
    set(vm, "priv", 0, PRIV_S);
    assert_int_equal(reg(vm, "cbo", 0), 0);
    set(vm, "menvcfg", 0, ENVCFG_CBZE);
    assert_int_equal(reg(vm, "cbo", 0), CBO_ZERO);
    set(vm, "pc", 0, RAM + 5);
    assert_int_equal(vee_pc(vm), RAM + 4);
    set(vm, "fflags", 0, 0xff);
    assert_int_equal(reg(vm, "fflags", 0), 31);
    close_vm(vm, c);
}

static void what_hangs_on_registers_follows(void **state) {
    (void)state;
    for (unsigned t = 0; t < TIERS; t++) {
        struct vee_config *c;
        struct vee_vm *vm = open_vm(&c, tiers[t], "machine", loading, sizeof loading);
        run_to_ram(vm);
        map(vm);
        assert_true(vee_run_until(vm, vee_count(vm) + 300, &error));
        assert_int_equal(reg(vm, "x", 5), 11);
        set(vm, "satp", 0, 8ull << 60 | ROOT2 >> 12); /* another address space */
        assert_true(vee_run_until(vm, vee_count(vm) + 30, &error));
        assert_int_equal(reg(vm, "x", 5), 22);
        set(vm, "pmpcfg", 0, 0x1d); /* memory that cannot be written to can be read */
        put_word(vm, OTHER + 0x800, 33);
        assert_true(vee_run_until(vm, vee_count(vm) + 30, &error));
        assert_int_equal(reg(vm, "x", 5), 33);
        /* the way in the middle of what was translated */
        while (vee_pc(vm) != RAM + 4) assert_true(vee_run_until(vm, vee_count(vm) + 1, &error));
        set(vm, "pc", 0, RAM);
        const uint64_t rounds = reg(vm, "x", 6);
        assert_true(vee_run_until(vm, vee_count(vm) + 3, &error));
        assert_int_equal(vee_pc(vm), RAM);
        assert_int_equal(reg(vm, "x", 6), rounds + 1);
        /* an interrupt that is made pending and enabled is taken before anything else */
        set(vm, "stvec", 0, RAM + 0x100);
        put_word(vm, RAM + 0x100, 0x6f); /* j . */
        set(vm, "mideleg", 0, 2);
        set(vm, "mie", 0, 2);
        set(vm, "status_ie", 0, STATUS_SIE);
        set(vm, "mip", 0, 2);
        const uint64_t at = vee_pc(vm);
        assert_true(vee_run_until(vm, vee_count(vm) + 1, &error));
        assert_int_equal(reg(vm, "sepc", 0), at);
        assert_int_equal(reg(vm, "scause", 0), 1ull << 63 | IRQ_SSI);
        /* code that is changed is what runs, through either kind of address */
        set(vm, "status_ie", 0, 0);
        set(vm, "pc", 0, RAM);
        assert_true(vee_run_until(vm, vee_count(vm) + 60, &error));
        for (unsigned k = 0; k < 2; k++) {
            static const uint32_t by[] = {0x00a30313, 0x00730313}; /* addi t1, t1, 10; 7 */
            assert_int_equal(vee_write(vm, k ? VEE_PHYSICAL : VEE_VIRTUAL, RAM + 4, &by[k], 4), 4);
            set(vm, "pc", 0, RAM);
            set(vm, "x", 6, 0);
            assert_true(vee_run_until(vm, vee_count(vm) + 300, &error));
            assert_int_equal(reg(vm, "x", 6), k ? 700 : 1000);
        }
        close_vm(vm, c);
    }
}

/* ---- modules */

static const unsigned char module[] = {/* (module (memory 1) (data (i32.const 8) "\7b") (func (export "_start")
                                          (loop (i32.store (i32.const 16) (i32.const 7)) (br 0)))) */
                                       0,  0x61, 0x73, 0x6d, 1,    0,    0,    0,    1, 4,   1,  0x60, 0,
                                       0,  3,    2,    1,    0,    5,    3,    1,    0, 1,   7,  10,   1,
                                       6,  0x5f, 0x73, 0x74, 0x61, 0x72, 0x74, 0,    0, 10,  16, 1,    14,
                                       0,  3,    0x40, 0x41, 16,   0x41, 7,    0x36, 2, 0,   12, 0,    11,
                                       11, 11,   7,    1,    0,    0x41, 8,    11,   1, 0x7b};

static void looking_at_a_module(void **state) {
    (void)state;
    for (unsigned t = 0; t < TIERS; t++) {
        struct vee_config *c;
        struct vee_vm *vm = open_vm(&c, tiers[t], "language", module, sizeof module);
        assert_true(vee_run_until(vm, 100, &error));
        const uint64_t before = vee_digest(vm);
        look_around(vm);
        assert_int_equal(vee_digest(vm), before);
        assert_int_equal(word(vm, VEE_VIRTUAL, 8), 0x7b);
        assert_int_equal(word(vm, VEE_VIRTUAL, 16), 7);
        unsigned char some[16];
        assert_int_equal(vee_read(vm, VEE_VIRTUAL, 65530, some, 16), 6); /* the end of its page */
        assert_int_equal(vee_write(vm, VEE_VIRTUAL, 65530, some, 16), 6);
        assert_int_equal(vee_memory(vm, VEE_VIRTUAL, 65536), VEE_MEMORY_NONE);
        assert_int_equal(vee_memory(vm, VEE_PHYSICAL, 0), VEE_MEMORY_NONE);
        assert_false(vee_set_register(vm, "instance", 0, 0));
        assert_false(vee_set_register(vm, "pc", 0, 0));
        assert_int_equal(vee_digest(vm), before);
        close_vm(vm, c);
    }
}

/* ---- processes */

/* A loop that counts in t1 and stores it to data behind the code. */
static void process_file(unsigned char bytes[0x3000]) {
    static const uint32_t counting[] = {0x000302b7, 0x00130313, 0x0062b023, 0xff9ff06f}; /* lui t0, 0x30; ... */
    Elf64_Ehdr *h = (Elf64_Ehdr *)bytes;
    Elf64_Phdr *p = (Elf64_Phdr *)(h + 1);
    memset(bytes, 0, 0x3000);
    *h = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                      .e_type = ET_EXEC,
                      .e_machine = EM_RISCV,
                      .e_version = EV_CURRENT,
                      .e_ehsize = sizeof *h,
                      .e_phoff = sizeof *h,
                      .e_phentsize = sizeof *p,
                      .e_phnum = 2,
                      .e_entry = 0x21000};
    p[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x1000, 0x21000, 0x21000, sizeof counting, sizeof counting, 0x1000};
    p[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x2000, 0x30000, 0x30000, 0x10, 0x1000, 0x1000};
    memcpy(bytes + 0x1000, counting, sizeof counting);
}

static void process_itself(const char *tier, const char *window) {
    static unsigned char bytes[0x3000];
    struct vee_config *c;
    process_file(bytes);
    memory_window = window;
    struct vee_vm *vm = open_vm(&c, tier, "process", bytes, sizeof bytes);
    assert_true(vee_run_until(vm, 1 + 3 * 50, &error));
    const uint64_t before = vee_digest(vm);
    look_around(vm);
    assert_int_equal(vee_digest(vm), before);
    assert_int_equal(word(vm, VEE_VIRTUAL, 0x30000), 50);
    unsigned char some[32];
    assert_int_equal(vee_read(vm, VEE_VIRTUAL, 0x31000 - 5, some, 32), 5); /* nothing is behind it */
    assert_int_equal(vee_read(vm, VEE_VIRTUAL, 0, some, 1), 0);
    assert_int_equal(vee_read(vm, VEE_VIRTUAL, (uintptr_t)&before, some, 1), 0); /* that is vee's */
    assert_int_equal(vee_write(vm, VEE_VIRTUAL, 0x21000, some, 4), 0);           /* its code is read-only */
    assert_int_equal(vee_memory(vm, VEE_VIRTUAL, 0x21000), VEE_MEMORY_RAM);
    assert_int_equal(vee_memory(vm, VEE_VIRTUAL, 0x40000), VEE_MEMORY_NONE);
    assert_false(vee_set_register(vm, "x", 0, 1));
    assert_false(vee_set_register(vm, "satp", 0, 8ull << 60));
    assert_false(vee_set_register(vm, "priv", 0, PRIV_M));
    assert_int_equal(vee_digest(vm), before);
    set(vm, "x", 6, 1000);
    assert_true(vee_run_until(vm, 1 + 3 * 51, &error));
    assert_int_equal(word(vm, VEE_VIRTUAL, 0x30000), 1001);
    close_vm(vm, c);
}

/* A process takes the one that runs it over: each has one of its own. */
static void looking_at_a_process(void **state) {
    (void)state;
    for (unsigned t = 0; t < TIERS; t++)
        for (unsigned window = ONLY_WINDOW; window < 2; window++) {
            const pid_t child = fork();
            if (!child) {
                process_itself(tiers[t], window ? "1" : "0");
                _exit(0);
            }
            int status = -1;
            assert_int_equal(waitpid(child, &status, 0), child);
            assert_int_equal(status, 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looking_at_a_machine),       cmocka_unit_test(logs_change_nothing),
        cmocka_unit_test(registers_keep_their_masks), cmocka_unit_test(what_hangs_on_registers_follows),
        cmocka_unit_test(looking_at_a_module),        cmocka_unit_test(looking_at_a_process),
    };
    const int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    const int failed = cmocka_run_group_tests_name("vm/look", tests, NULL, NULL);
    unlink(path);
    return failed;
}
