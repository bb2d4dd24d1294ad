/* test_image.c - loading programs, well-formed and hostile: what is refused is refused with a text that says what is
 * wrong, and leaves nothing behind; what is accepted lies in memory as its headers say. In both modes of memory. */
#include "process/linux/abi.h"
#include "process/process.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_SIZE = 3 * SPACE_PAGE };

/** A small program: one segment of code with the headers, one of data with a bss. */
struct program {
    Elf64_Ehdr header;
    Elf64_Phdr segments[4];
};

static uint8_t bytes[FILE_SIZE];
static char path[] = "/tmp/test_image.XXXXXX";

static struct program *program(void) {
    struct program *p = (struct program *)bytes;
    memset(bytes, 0, sizeof bytes);
    memset(bytes + 2 * SPACE_PAGE, 0xdd, SPACE_PAGE); /* behind the data in the file, to be zeroed in memory */
    memcpy(p->header.e_ident, ELFMAG, SELFMAG);
    p->header.e_ident[EI_CLASS] = ELFCLASS64;
    p->header.e_ident[EI_DATA] = ELFDATA2LSB;
    p->header.e_ident[EI_VERSION] = EV_CURRENT;
    p->header.e_type = ET_EXEC;
    p->header.e_machine = EM_RISCV;
    p->header.e_version = EV_CURRENT;
    p->header.e_ehsize = sizeof p->header;
    p->header.e_phoff = offsetof(struct program, segments);
    p->header.e_phentsize = sizeof *p->segments;
    p->header.e_phnum = 2;
    p->header.e_entry = 0x20000 + sizeof *p;
    p->segments[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, 0x20000, 0x20000, 0x400, 0x400, SPACE_PAGE};
    p->segments[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 2 * SPACE_PAGE, 0x30000, 0x30000, 0x10, 0x3000, SPACE_PAGE};
    return p;
}

static void file_write(size_t size) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* The sanitizer's shadow lies where guests have their memory: there is only the window then. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { FIRST_MODE = 1 };
#else
enum { FIRST_MODE = 0 };
#endif

static const char *const arguments[] = {"zero", "one", "", NULL};
static const char *const environment[] = {"A=b", "LONG=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", NULL};

static struct vm *open_file(bool window, struct error *error) {
    const struct process_options wanted = {.window = window};
    const void *own[8] = {NULL};
    struct vm_options o = {
        .path = path, .kind = "process", .argv = arguments, .envp = environment, .own = own, .counted = true};
    for (unsigned k = 0; vm_kinds[k]; k++)
        if (!strcmp(vm_kinds[k]->name, "process")) own[k] = &wanted;
    *error = (struct error){0};
    return vm_open(&o, error);
}

/* Lines of /proc/self/maps below what belongs to the host. */
static unsigned guest_mappings(void) {
    char line[512];
    unsigned n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) n += strtoull(line, NULL, 16) < 0x7fff0000;
    fclose(f);
    return n;
}

static void refuse(const char *why) {
    struct error error;
    unsigned before = guest_mappings();
    for (int window = FIRST_MODE; window < 2; window++) {
        struct vm *vm = open_file(window, &error);
        if (vm) vm_close(vm);
        assert_null(vm);
        assert_int_equal(error.code == ERROR_NONE, false);
        if (!strstr(error.text, why)) fail_msg("'%s' does not say '%s'", error.text, why);
    }
    assert_int_equal(guest_mappings(), before);
}

/* ---- what is accepted */

static uint64_t word_at(struct space *s, uint64_t at) {
    uint64_t v;
    memcpy(&v, space_place(s, at), sizeof v);
    return v;
}

static void check_stack(struct process *p) {
    struct space *s = p->space;
    uint64_t sp = p->abi->stack(p->thread.cpu), at = sp;
    assert_int_equal(sp % 16, 0);
    assert_int_equal(word_at(s, at), 3);
    for (unsigned i = 0; arguments[i]; i++)
        assert_string_equal((char *)space_place(s, word_at(s, at += 8)), arguments[i]);
    assert_int_equal(word_at(s, at += 8), 0);
    for (unsigned i = 0; environment[i]; i++)
        assert_string_equal((char *)space_place(s, word_at(s, at += 8)), environment[i]);
    assert_int_equal(word_at(s, at += 8), 0);
    uint64_t found[64] = {0};
    for (at += 8; word_at(s, at) != AT_NULL; at += 16)
        if (word_at(s, at) < 64) found[word_at(s, at)] = word_at(s, at + 8);
    assert_int_equal(found[AT_PAGESZ], SPACE_PAGE);
    assert_int_equal(found[AT_PHNUM], ((struct program *)bytes)->header.e_phnum);
    assert_int_equal(found[AT_PHENT], sizeof(Elf64_Phdr));
    assert_int_equal(found[AT_ENTRY], p->thread.cpu->pc);
    assert_memory_equal(space_place(s, found[AT_PHDR]), ((struct program *)bytes)->segments, sizeof(Elf64_Phdr));
    assert_string_equal((char *)space_place(s, found[AT_EXECFN]), path);
    assert_int_equal(found[AT_UID], getuid());
    assert_int_equal(found[AT_HWCAP], 0x112d); /* IMAFDC */
    assert_true(found[AT_RANDOM] > sp);
    assert_int_equal(found[AT_BASE], 0);
}

/* bias: UINT64_MAX for one without an interpreter, which goes where libraries go, and has brk where programs go. */
static void check_segments(struct process *p, uint64_t bias) {
    struct space *s = p->space;
    const bool alone = bias == UINT64_MAX;
    if (alone) bias = p->thread.cpu->pc - 0x20000 - sizeof(struct program);
    if (alone) assert_true(bias >= memory_of(s)->usual / 16 * 15 && bias < s->top && bias % SPACE_PAGE == 0);
    assert_null(space_find(s, bias + 0x21000)); /* between the segments */
    const struct mapping *code = space_find(s, bias + 0x20000), *data = space_find(s, bias + 0x30000);
    const struct mapping *bss = space_find(s, bias + 0x32fff);
    assert_non_null(code);
    assert_non_null(data);
    assert_non_null(bss);
    assert_int_equal(code->rights, SPACE_R | SPACE_X);
    assert_int_equal(data->rights, SPACE_R | SPACE_W);
    assert_int_equal(bss->rights, SPACE_R | SPACE_W);
    assert_int_equal(word_at(s, bias + 0x30008), 0xdddddddddddddddd);
    for (uint64_t at = 0x30010; at < 0x33000; at += 8) assert_int_equal(word_at(s, bias + at), 0);
    assert_int_equal(memory_of(p->space)->brk_start, alone ? 0x2aaaaaa000 : bias + 0x33000);
    assert_int_equal(p->thread.cpu->pc, bias + 0x20000 + sizeof(struct program));
}

static void accept(uint64_t bias) {
    struct error error;
    for (int window = FIRST_MODE; window < 2; window++) {
        unsigned before = guest_mappings();
        struct vm *vm = open_file(window, &error);
        if (!vm) fail_msg("%s", error.text);
        struct process *p = vm->data;
        check_segments(p, bias);
        check_stack(p);
        /* Host memory of the guest is never executable. */
        char line[512];
        FILE *f = fopen("/proc/self/maps", "r");
        uint64_t base = (uintptr_t)p->space->base, end = base + (window ? p->space->limit : UINT64_C(1) << 38);
        while (fgets(line, sizeof line, f)) {
            uint64_t at = strtoull(line, NULL, 16);
            if (at >= base && at < end) assert_int_equal(strchr(line, ' ')[3], '-');
        }
        fclose(f);
        vm_close(vm);
        assert_int_equal(guest_mappings(), before);
    }
}

static void test_fixed(void **state) {
    (void)state;
    program();
    file_write(FILE_SIZE);
    accept(0);
}

static void test_position_independent(void **state) {
    (void)state;
    struct program *p = program();
    p->header.e_type = ET_DYN;
    file_write(FILE_SIZE);
    accept(UINT64_MAX);
}

/* ---- unusual, but Linux looks at none of this */

/* Opens the file in both modes; what the check finds. */
static void accept_as(void (*check)(struct process *)) {
    struct error error;
    file_write(FILE_SIZE);
    for (int window = FIRST_MODE; window < 2; window++) {
        struct vm *vm = open_file(window, &error);
        if (!vm) fail_msg("%s", error.text);
        check(vm->data);
        vm_close(vm);
    }
}

static void check_usual(struct process *p) {
    check_segments(p, 0);
    check_stack(p);
}

static void test_ignored(void **state) {
    (void)state;
    struct program *p;
    program()->segments[0].p_align = 0x200000; /* which neither address nor offset fits */
    accept_as(check_usual);
    p = program();
    p->segments[0].p_align = 0x1800;
    p->segments[1].p_align = 0;
    accept_as(check_usual);
    p = program();
    p->segments[0].p_paddr = UINT64_MAX - 8;
    p->header.e_version = 77;
    p->header.e_ehsize = 1;
    p->header.e_ident[EI_VERSION] = 9;
    p->header.e_ident[EI_OSABI] = 99;
    p->header.e_shoff = UINT64_MAX;
    p->header.e_shnum = 5;
    accept_as(check_usual);
    p = program();
    p->header.e_phnum = 3;
    p->segments[2] = (Elf64_Phdr){PT_NOTE, PF_R, UINT64_MAX - 8, 1, 1, UINT64_MAX, 3, 7};
    accept_as(check_usual);
    p = program();
    p->header.e_phnum = 3;
    p->segments[2] = (Elf64_Phdr){PT_LOAD, PF_R, 0, 0x25000, 0, 0, 0, SPACE_PAGE};
    accept_as(check_usual);
}

/* The second covers the end of the first. */
static void check_over(struct process *p) {
    assert_int_equal(space_find(p->space, 0x30000)->rights, SPACE_R | SPACE_W);
    assert_int_equal(space_find(p->space, 0x20000)->end, 0x21000);
    assert_int_equal(space_find(p->space, 0x21000)->end, 0x30000);
    assert_int_equal(word_at(p->space, 0x30008), 0xdddddddddddddddd);
    assert_int_equal(word_at(p->space, 0x2fff8), 0);
}

static void check_far(struct process *p) {
    assert_int_equal(space_find(p->space, 0x30000)->end, 0x30000 + 16 * SPACE_PAGE);
    assert_int_equal(word_at(p->space, 0x30008), 0xdddddddddddddddd);
}

/* Without anything in the file, what may only be read can be written. */
static void check_empty(struct process *p) {
    assert_int_equal(space_find(p->space, 0x5000000)->rights, SPACE_R | SPACE_W);
    assert_int_equal(space_find(p->space, 0x5000000)->end, 0x5000000 + 3 * SPACE_PAGE);
}

static void test_segments(void **state) {
    (void)state;
    struct program *p = program();
    p->segments[0].p_memsz = 0x11000;
    accept_as(check_over);
    p = program();
    p->segments[1].p_filesz = p->segments[1].p_memsz = 16 * SPACE_PAGE; /* most of which the file does not have */
    accept_as(check_far);
    p = program();
    p->header.e_phnum = 3;
    p->segments[2] = (Elf64_Phdr){PT_LOAD, PF_R, 0, 0x5000100, 0, 0, 3 * SPACE_PAGE - 0x100, SPACE_PAGE};
    accept_as(check_empty);
}

static void check_aligned(struct process *p) {
    uint64_t bias = p->thread.cpu->pc - 0x20000 - sizeof(struct program);
    assert_int_equal((bias + 0x20000) % (16 << 20), 0);
    check_segments(p, UINT64_MAX);
}

static void test_alignment(void **state) {
    (void)state;
    struct program *p = program();
    p->header.e_type = ET_DYN;
    p->segments[0].p_align = 1 << 16;
    p->segments[1].p_align = 16 << 20;
    accept_as(check_aligned);
}

static void check_executable(struct process *p) {
    assert_int_equal(space_find(p->space, p->stack_top - 1)->rights, SPACE_R | SPACE_W | SPACE_X);
}
static void check_not_executable(struct process *p) {
    assert_int_equal(space_find(p->space, p->stack_top - 1)->rights, SPACE_R | SPACE_W);
}

static void test_stack_rights(void **state) {
    (void)state;
    program();
    accept_as(check_not_executable);
    struct program *p = program();
    p->header.e_phnum = 3;
    p->segments[2] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W | PF_X};
    accept_as(check_executable);
    p->segments[2].p_flags = PF_R | PF_W;
    accept_as(check_not_executable);
}

/* As a riscv64 Linux with 39 bits has it. */
static void check_places(struct process *p) {
    const uint64_t size = UINT64_C(1) << 38;
    assert_int_equal(p->stack_top, size - SPACE_PAGE);
    assert_true(p->space->top <= p->stack_top - (128 << 20));
    assert_true(p->vdso < p->space->top && p->vdso >= size / 16 * 15);
    int64_t at = memory_map(p->space, 0, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, MEMORY_ANONYMOUS);
    assert_true((uint64_t)at < p->space->top && (uint64_t)at >= size / 16 * 15);
    /* What is larger than all that there usually is goes beyond; and so does what asks for it. */
    at = memory_map(p->space, 0, size, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, MEMORY_ANONYMOUS);
    assert_true((uint64_t)at >= size);
    at = memory_map(p->space, size, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, MEMORY_ANONYMOUS);
    assert_int_equal(at, size);
}

static void test_places(void **state) {
    (void)state;
    program();
    accept_as(check_places);
}

/* ---- what is refused */

static void test_other_machines(void **state) {
    (void)state;
    struct program *p = program();
    p->header.e_machine = EM_X86_64;
    file_write(FILE_SIZE);
    refuse("x86-64");
    program()->header.e_machine = EM_AARCH64;
    file_write(FILE_SIZE);
    refuse("arm64");
    program()->header.e_machine = 0x4321;
    file_write(FILE_SIZE);
    refuse("unknown machine 17185");
    program()->header.e_ident[EI_CLASS] = ELFCLASS32;
    file_write(FILE_SIZE);
    refuse("32-bit riscv");
    program()->header.e_type = ET_REL;
    file_write(FILE_SIZE);
    refuse("object file");
    program()->header.e_type = ET_CORE;
    file_write(FILE_SIZE);
    refuse("core dump");
    program();
    file_write(10);
    refuse("not an ELF file");
    program();
    file_write(40);
    refuse("too short");
}

static void test_bad_segments(void **state) {
    (void)state;
    program()->header.e_phnum = 0;
    file_write(FILE_SIZE);
    refuse("no segment to load");
    program()->header.e_phoff = UINT64_MAX - 8;
    file_write(FILE_SIZE);
    refuse("outside the file");
    program()->segments[1].p_filesz = UINT64_MAX;
    file_write(FILE_SIZE);
    refuse("larger in the file");
    program()->segments[1].p_memsz = 0xf;
    file_write(FILE_SIZE);
    refuse("larger in the file");
    program()->segments[1].p_memsz = UINT64_MAX;
    file_write(FILE_SIZE);
    refuse("outside the address space");
    program()->segments[1].p_memsz = UINT64_C(1) << 60;
    file_write(FILE_SIZE);
    refuse("outside the address space");
    program()->segments[1].p_vaddr = UINT64_C(0x7ffff7000000); /* where vee may be itself */
    file_write(FILE_SIZE);
    refuse("outside the address space");
    program()->segments[1].p_offset =
        4 * SPACE_PAGE; /* what is to be zeroed is on a page that the file does not have */
    file_write(FILE_SIZE);
    refuse("ends beyond the file");
    program()->header.e_phentsize = sizeof(Elf64_Phdr) + 8;
    file_write(FILE_SIZE);
    refuse("program headers of 64 bytes");
    program()->segments[1].p_vaddr = 0;
    file_write(FILE_SIZE);
    refuse("outside 0x1000-");
    struct program *p = program();
    p->segments[1].p_align = 1;
    p->segments[1].p_vaddr = 0x30008;
    file_write(FILE_SIZE);
    refuse("not congruent");
    p = program();
    p->header.e_type = ET_DYN;
    p->segments[1].p_vaddr = UINT64_C(1) << 50;
    file_write(FILE_SIZE);
    refuse("outside the address space");
}

static void interpreter(const char *name, size_t size) {
    struct program *p = program();
    p->header.e_phnum = 3;
    p->segments[2] = (Elf64_Phdr){PT_INTERP, PF_R, SPACE_PAGE, 0, 0, size, size, 1};
    memcpy(bytes + SPACE_PAGE, name, size);
    file_write(FILE_SIZE);
}

static void test_interpreter(void **state) {
    (void)state;
    interpreter("/no/such/loader", 16);
    refuse("needs /no/such/loader");
    refuse("-L");
    interpreter("/not/a/string", 13);
    refuse("not a string");
    interpreter("/no/a\0b", 8); /* up to its first end */
    refuse("needs /no/a,");
    interpreter("", 1);
    refuse("1 bytes");
    interpreter("/bin/sh", 8); /* there, but for another machine */
    refuse("/bin/sh: a program for");
}

/* Every byte of the headers, changed at random: refused or run, but never a crash, and nothing is left. */
static void test_random_headers(void **state) {
    (void)state;
    uint64_t random = 88172645463325252u;
    struct error error;
    unsigned before = guest_mappings(), opened = 0;
    for (unsigned n = 0; n < 2000; n++) {
        program();
        for (unsigned k = 0; k <= n % 3; k++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            bytes[16 + random % (sizeof(struct program) - 16 - 2 * sizeof(Elf64_Phdr))] = (uint8_t)(random >> 32);
        }
        file_write(FILE_SIZE);
        struct vm *vm = open_file(true, &error);
        assert_int_equal(vm == NULL, error.code != ERROR_NONE);
        opened += vm != NULL;
        vm_close(vm);
    }
    assert_true(opened > 100 && opened < 1900);
    assert_int_equal(guest_mappings(), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),          cmocka_unit_test(test_position_independent),
        cmocka_unit_test(test_other_machines), cmocka_unit_test(test_bad_segments),
        cmocka_unit_test(test_interpreter),    cmocka_unit_test(test_random_headers),
        cmocka_unit_test(test_ignored),        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_alignment),      cmocka_unit_test(test_stack_rights),
        cmocka_unit_test(test_places),
    };
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    chmod(path, 0755);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
