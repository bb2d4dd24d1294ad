/* elf_files.c - programs whose headers are unusual: the program changes a copy of itself and executes it. What Linux
 * does not look at may be anything; what it refuses before the old program is gone, exec says; the rest dies.
 */
#include "check.h"
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { PAGE = 4096, SECTION_SPACE = 0x70000000, STARTED = 42, DEAD = -1 };

static _Alignas(4096) char aligned[8192];
static int initialised = 7;

static uint8_t *file; /* a copy of this program, with room behind it */
static size_t size, room;
static const uint8_t *original;

#define HEADER  ((Elf64_Ehdr *)(void *)file)
#define SEGMENT ((Elf64_Phdr *)(void *)(file + HEADER->e_phoff))

static void load_self(void) {
    int fd = open("/proc/self/exe", O_RDONLY);
    size = (size_t)lseek(fd, 0, SEEK_END);
    room = size + (1 << 20);
    file = malloc(room);
    uint8_t *copy = malloc(size);
    CHECK_IS(pread(fd, copy, size, 0), size);
    original = copy;
    close(fd);
}

static size_t length; /* of the file to be made */

static void again(void) {
    memset(file, 0, room);
    memcpy(file, original, size);
    length = size;
}

/* The n-th segment of a type; and one that nothing needs, to become another. */
static Elf64_Phdr *segment(uint32_t type, unsigned n) {
    for (unsigned i = 0; i < HEADER->e_phnum; i++)
        if (SEGMENT[i].p_type == type && n-- == 0) return &SEGMENT[i];
    printf("no segment %x\n", type);
    exit(1);
}
static Elf64_Phdr *spare(void) {
    return segment(PT_NOTE, 0);
}
static Elf64_Phdr *last_load(void) {
    Elf64_Phdr *last = NULL;
    for (unsigned i = 0; i < HEADER->e_phnum; i++)
        if (SEGMENT[i].p_type == PT_LOAD) last = &SEGMENT[i];
    return last;
}

/* What becomes of the file: STARTED, an errno, or DEAD. */
static int outcome(const char *argument) {
    int fd = (int)syscall(SYS_memfd_create, "changed", 1 /* close on exec */), status;
    CHECK_IS(write(fd, file, length), length);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {"changed", (char *)argument, NULL}, *envp[] = {NULL};
        dup2(open("/dev/null", O_WRONLY), 2);
        syscall(SYS_execveat, fd, "", argv, envp, 0x1000 /* AT_EMPTY_PATH */);
        _exit(errno == STARTED ? 99 : errno);
    }
    while (waitpid(pid, &status, 0) < 0) continue;
    close(fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : DEAD;
}

#define IS(expected) CHECK_IS(outcome("probe"), expected)

/* In the changed program: is all there? */
static int probe(const char *what) {
    for (unsigned i = 0; i < sizeof aligned; i++)
        if (aligned[i]) return 1;
    aligned[1] = 1;
    if ((uintptr_t)aligned % 4096 || initialised != 7) return 2;
    const char *zeros = (const char *)SECTION_SPACE;
    if (!strcmp(what, "zeros")) { /* memory that the file has nothing of: it can be written although nothing says so */
        for (unsigned i = 0; i < 3 * PAGE; i++)
            if (zeros[i]) return 3;
        *(volatile char *)(uintptr_t)SECTION_SPACE = 1;
    }
    if (!strcmp(what, "beyond")) { /* what the file has, and then zeros up to the end of the page */
        if (memcmp(zeros, "\177ELF", 4)) return 4;
    }
    return STARTED;
}

static void ignored(void) {
    again();
    IS(STARTED);
    for (uint64_t align = 0; align <= 0x200000; align = align ? align * 2 + (align == 0x1000 ? 0x800 : 0) : 1) {
        again();
        for (unsigned i = 0; i < HEADER->e_phnum; i++)
            if (SEGMENT[i].p_type == PT_LOAD) SEGMENT[i].p_align = align;
        IS(STARTED);
    }
    again();
    spare()->p_offset = UINT64_MAX - 5;
    IS(STARTED);
    again();
    spare()->p_filesz = UINT64_MAX;
    IS(STARTED);
    again();
    for (unsigned i = 0; i < HEADER->e_phnum; i++) SEGMENT[i].p_paddr = UINT64_MAX - PAGE;
    IS(STARTED);
    again();
    HEADER->e_version = 99;
    HEADER->e_ehsize = 3;
    HEADER->e_ident[EI_VERSION] = 0;
    HEADER->e_ident[EI_OSABI] = 77;
    memset(HEADER->e_ident + EI_ABIVERSION, 0xee, EI_NIDENT - EI_ABIVERSION);
    HEADER->e_shoff = UINT64_MAX / 2;
    HEADER->e_shentsize = 1;
    HEADER->e_shnum = 0xffff;
    IS(STARTED);
    again();
    *spare() = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x5000, .p_align = PAGE}; /* of nothing */
    IS(STARTED);
    again();
    *spare() = (Elf64_Phdr){.p_type = PT_GNU_PROPERTY, .p_offset = UINT64_MAX, .p_filesz = 3};
    IS(STARTED);
}

static void unusual(void) {
    /* As many headers as Linux reads, at the end. */
    const unsigned most = 65536 / sizeof(Elf64_Phdr);
    again();
    unsigned n = HEADER->e_phnum;
    length = (size + PAGE - 1) & -(size_t)PAGE;
    /* Where the C library looks for them: behind what is mapped of the file at its beginning. */
    *spare() = (Elf64_Phdr){.p_type = PT_LOAD,
                            .p_flags = PF_R,
                            .p_offset = length,
                            .p_vaddr = segment(PT_LOAD, 0)->p_vaddr + length,
                            .p_filesz = 65536,
                            .p_memsz = 65536};
    memcpy(file + length, SEGMENT, n * sizeof(Elf64_Phdr));
    HEADER->e_phoff = length;
    HEADER->e_phnum = (uint16_t)most;
    length += most * sizeof(Elf64_Phdr);
    IS(STARTED);
    HEADER->e_phnum++;
    length += sizeof(Elf64_Phdr);
    IS(ENOEXEC);
    again();
    *spare() = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = SECTION_SPACE, .p_memsz = 3 * PAGE};
    CHECK_IS(outcome("zeros"), STARTED);
    again(); /* more than the file has: only touching it is a fault */
    *spare() = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = SECTION_SPACE, .p_filesz = 64 << 20, .p_memsz = 64 << 20};
    CHECK_IS(outcome("beyond"), STARTED);
    again(); /* the same page twice */
    Elf64_Phdr *first = segment(PT_LOAD, 0);
    *spare() = *first;
    IS(STARTED);
}

static void refused(void) {
    again();
    HEADER->e_phentsize = sizeof(Elf64_Phdr) + 8;
    IS(ENOEXEC);
    again();
    HEADER->e_phnum = 0;
    IS(ENOEXEC);
    again();
    HEADER->e_phoff = size + PAGE;
    IS(ENOEXEC);
    again();
    HEADER->e_type = ET_REL;
    IS(ENOEXEC);
    again();
    HEADER->e_machine = 0x7777;
    IS(ENOEXEC);
    again();
    length = 30;
    IS(ENOEXEC);
}

/* Linux has let go of the old program when it finds out; exec under vee may still say so. */
static void fatal(void) {
    int got;
    again();
    last_load()->p_memsz = last_load()->p_filesz - 1;
    got = outcome("probe");
    CHECK(got == DEAD || got == ENOEXEC);
    again();
    segment(PT_LOAD, 0)->p_offset += 8;
    got = outcome("probe");
    CHECK(got == DEAD || got == ENOEXEC);
    again();
    spare()->p_type = PT_LOAD;
    segment(PT_LOAD, 0)->p_memsz = UINT64_MAX / 2;
    got = outcome("probe");
    CHECK(got == DEAD || got == ENOEXEC);
}

static int with_interpreter(const char *name, uint64_t bytes) {
    again();
    memcpy(file + size, name, bytes < 64 ? bytes : 64);
    length = size + 5000;
    *spare() = (Elf64_Phdr){.p_type = PT_INTERP, .p_flags = PF_R, .p_offset = size, .p_filesz = bytes};
    return outcome("probe");
}

static void interpreters(void) {
    CHECK_IS(with_interpreter("", 1), ENOEXEC);
    CHECK_IS(with_interpreter("", 0), ENOEXEC);
    CHECK_IS(with_interpreter("/no/end", 7), ENOEXEC);
    CHECK_IS(with_interpreter("/no/such", 4097), ENOEXEC);
    CHECK_IS(with_interpreter("/no/such", 9), ENOENT);
    CHECK_IS(with_interpreter("/no/such\0x", 11), ENOENT); /* up to its first end */
    CHECK_IS(with_interpreter("/", 2), EACCES);
    CHECK_IS(with_interpreter("/proc/self/exe/x", 17), ENOTDIR);
    char path[] = "/tmp/elf_files.XXXXXX";
    int fd = mkstemp(path);
    CHECK_IS(fchmod(fd, 0755), 0);
    CHECK_IS(write(fd, "too short", 9), 9);
    close(fd);
    CHECK_IS(with_interpreter(path, sizeof path), EIO);
    fd = open(path, O_WRONLY);
    for (int i = 0; i < 100; i++) CHECK_IS(write(fd, "no ELF file", 11), 11);
    close(fd);
    CHECK_IS(with_interpreter(path, sizeof path), ELIBBAD);
    unlink(path);
    again();
    *spare() = (Elf64_Phdr){.p_type = PT_INTERP, .p_flags = PF_R, .p_offset = size + (1 << 20), .p_filesz = 20};
    IS(EIO);
}

int main(int argc, char **argv) {
    if (argc > 1) return probe(argv[1]);
    load_self();
    ignored();
    unusual();
    refused();
    fatal();
    interpreters();
    return done();
}
