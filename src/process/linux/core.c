/* core.c - core files: what a process of the guest's instruction set leaves behind when a signal ends it, for debuggers
 * on any computer. An ELF file as Linux writes it: notes (each thread's registers, the one that died first; the
 * process, the signal, the auxiliary vector), then memory. Memory that only shows a file is left out but for its first
 * page, which names it.
 *
 * The file's name follows the system's core_pattern as far as that is a name; its size the guest's RLIMIT_CORE. Other
 * threads must not be running guest code.
 */
#include "process/linux/linux.h"
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MOST = 512, NOTE_MOST = 1024, FILE_HEAD = SPACE_PAGE, NT_SIGNAL_INFO = 0x53494749 };

/** Linux's elf_prstatus on 64-bit computers, up to the registers. */
struct status {
    int32_t signo, code, error;
    int16_t signal, pad;
    uint64_t pending, blocked;
    int32_t pid, parent, group, session;
    uint64_t times[8];
};
/** Linux's elf_prpsinfo. */
struct summary {
    int8_t state, letter, zombie, nice;
    uint32_t pad;
    uint64_t flags;
    uint32_t uid, gid;
    int32_t pid, parent, group, session;
    char name[16], arguments[80];
};
_Static_assert(sizeof(struct status) == 112 && sizeof(struct summary) == 136, "as the kernel lays them out");

struct core {
    struct thread *dead;
    int fd;
    uint64_t at;
    uint64_t written, limit; /* bytes, without holes */
    bool failed;
};

static void put(struct core *c, const void *bytes, size_t size) {
    if (c->failed || c->written + size > c->limit) {
        c->failed = true;
        return;
    }
    for (size_t done = 0; done < size;) {
        int64_t n = host_hold(SYS_pwrite64, c->fd, (const uint8_t *)bytes + done, size - done, c->at + done);
        if (n <= 0) {
            c->failed = true;
            return;
        }
        done += (size_t)n;
    }
    c->at += size;
    c->written += size;
}

static void put_note(struct core *c, uint32_t type, const void *bytes, uint32_t size) {
    const Elf64_Nhdr head = {5, size, type};
    static const uint8_t zero[8];
    put(c, &head, sizeof head);
    put(c, "CORE\0\0\0", 8);
    put(c, bytes, size);
    put(c, zero, -size & 3);
}

static void put_thread(struct core *c, struct thread *t, const struct signal_info *info) {
    const struct abi *abi = t->process->abi;
    uint8_t note[NOTE_MOST] = {0};
    const uint32_t integers = abi->machine->integers, floats = abi->machine->floats;
    uint8_t registers[CORE_REGISTERS], fp_registers[CORE_REGISTERS];
    abi->core_save(t->cpu, registers, fp_registers);
    struct status s = {.signo = info->signo,
                       .code = info->code,
                       .error = info->error,
                       .signal = (int16_t)info->signo,
                       .blocked = t->mask,
                       .pid = (int32_t)t->tid,
                       .parent = getppid(),
                       .group = getpgrp(),
                       .session = getsid(0)};
    const uint32_t fp_valid = 1;
    memcpy(note, &s, sizeof s);
    memcpy(note + sizeof s, registers, integers);
    memcpy(note + sizeof s + integers, &fp_valid, sizeof fp_valid);
    put_note(c, NT_PRSTATUS, note, (uint32_t)sizeof s + integers + 8);
    if (t == c->dead) {
        const struct process *p = t->process;
        struct summary about = {.letter = 'R',
                                .uid = getuid(),
                                .gid = getgid(),
                                .pid = getpid(),
                                .parent = getppid(),
                                .group = getpgrp(),
                                .session = getsid(0)};
        const char *name = strrchr(p->exe ? p->exe : "", '/');
        snprintf(about.name, sizeof about.name, "%s", name ? name + 1 : "");
        uint64_t length = p->arg_end - p->arg_start;
        if (length >= sizeof about.arguments) length = sizeof about.arguments - 1;
        if (!space_read(p->space, p->arg_start, about.arguments, (size_t)length)) length = 0;
        for (uint64_t i = 0; i + 1 < length; i++)
            if (!about.arguments[i]) about.arguments[i] = ' ';
        put_note(c, NT_PRPSINFO, &about, sizeof about);
        put_note(c, NT_SIGNAL_INFO, info, sizeof *info);
        put_note(c, NT_AUXV, p->auxv, p->auxv_words * (uint32_t)sizeof *p->auxv);
    }
    put_note(c, NT_FPREGSET, fp_registers, floats);
}

static void put_notes(struct core *c, const struct signal_info *info) {
    put_thread(c, c->dead, info);
    for (struct thread *t = c->dead->process->threads; t; t = t->next)
        if (t != c->dead) put_thread(c, t, info);
}

/* How much of a mapping is in the file. */
static uint64_t kept(const struct space *s, const struct mapping *m) {
    uint8_t magic[4];
    if (!m->rights) return 0;
    if ((m->rights & SPACE_W) || !m->ino) return m->end - m->start;
    bool named = !m->offset && space_read(s, m->start, magic, sizeof magic) && !memcmp(magic, "\177ELF", 4);
    return named ? FILE_HEAD : 0;
}

static void put_headers(struct core *c, uint64_t notes_at, uint64_t notes_size, uint64_t memory_at) {
    const struct process *p = c->dead->process;
    const struct space *s = p->space;
    Elf64_Ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                    .e_type = ET_CORE,
                    .e_machine = p->abi->machine->elf_machine,
                    .e_version = EV_CURRENT,
                    .e_phoff = sizeof e,
                    .e_flags = p->abi->machine->elf_flags,
                    .e_ehsize = sizeof e,
                    .e_phentsize = sizeof(Elf64_Phdr),
                    .e_phnum = (uint16_t)(s->count + 1)};
    Elf64_Phdr h = {.p_type = PT_NOTE, .p_offset = notes_at, .p_filesz = notes_size};
    put(c, &e, sizeof e);
    put(c, &h, sizeof h);
    for (const struct mapping *m = space_next(s, 0); m; m = space_next(s, m->end)) {
        h = (Elf64_Phdr){.p_type = PT_LOAD,
                         .p_flags = (m->rights & SPACE_R ? PF_R : 0u) | (m->rights & SPACE_W ? PF_W : 0u) |
                                    (m->rights & SPACE_X ? PF_X : 0u),
                         .p_offset = memory_at,
                         .p_vaddr = m->start,
                         .p_filesz = kept(s, m),
                         .p_memsz = m->end - m->start,
                         .p_align = SPACE_PAGE};
        memory_at += h.p_filesz;
        put(c, &h, sizeof h);
    }
}

/* Pages that were never touched stay holes. */
static void put_memory(struct core *c) {
    const struct space *s = c->dead->process->space;
    static const uint8_t zero[SPACE_PAGE];
    uint8_t page[SPACE_PAGE];
    for (const struct mapping *m = space_next(s, 0); m; m = space_next(s, m->end)) {
        for (uint64_t at = m->start, end = at + kept(s, m); at < end && !c->failed; at += SPACE_PAGE) {
            if (userfault_absent(c->dead->process, at) || !space_read(s, at, page, sizeof page) ||
                !memcmp(page, zero, sizeof page))
                c->at += SPACE_PAGE;
            else
                put(c, page, sizeof page);
        }
    }
    if (!c->failed) host_hold(SYS_ftruncate, c->fd, c->at);
}

/* The name by core_pattern, of which %p, %e and %% are known; "core" where that is a program. */
static void name_make(const struct process *p, char name[NAME_MOST]) {
    char pattern[128] = "core", one[64];
    int64_t fd = host_hold(SYS_openat, AT_FDCWD, "/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC), n = 0;
    size_t used = 0;
    if (fd >= 0) {
        n = host_hold(SYS_read, fd, pattern, sizeof pattern - 1);
        host_hold(SYS_close, fd);
        pattern[n > 0 ? n : 0] = 0;
        pattern[strcspn(pattern, "\n")] = 0;
    }
    if (!*pattern || *pattern == '|') strcpy(pattern, "core");
    const char *program = strrchr(p->exe ? p->exe : "/", '/') + 1;
    for (const char *s = pattern; *s && used < NAME_MOST - sizeof one; s++) {
        if (*s != '%') {
            name[used++] = *s;
            continue;
        }
        one[0] = 0;
        if (!*++s) break;
        if (*s == 'p' || *s == 'P' || *s == 'i') snprintf(one, sizeof one, "%d", getpid());
        if (*s == 'e') snprintf(one, sizeof one, "%.15s", program);
        if (*s == '%') strcpy(one, "%");
        used += (size_t)snprintf(name + used, NAME_MOST - used, "%s", one);
    }
    name[used] = 0;
}

bool core_dump(struct thread *t, const struct signal_info *info) {
    struct process *p = t->process;
    char name[NAME_MOST];
    struct stat st;
    if (p->core_limit[0] < SPACE_PAGE || p->space->count >= PN_XNUM) return false;
    engine_halt_others(p->vm->engine);
    name_make(p, name);
    struct core c = {.dead = t, .limit = p->core_limit[0]};
    c.fd = (int)host_hold(SYS_openat, AT_FDCWD, name, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (c.fd < 0) return false;
    if (host_hold(SYS_fstat, c.fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != geteuid() ||
        host_hold(SYS_ftruncate, c.fd, 0)) {
        host_hold(SYS_close, c.fd);
        return false;
    }
    const uint64_t notes_at = sizeof(Elf64_Ehdr) + (p->space->count + 1) * sizeof(Elf64_Phdr);
    c.at = notes_at;
    put_notes(&c, info);
    const uint64_t notes_size = c.at - notes_at, memory_at = (c.at + SPACE_PAGE - 1) & -(uint64_t)SPACE_PAGE;
    c.at = 0;
    put_headers(&c, notes_at, notes_size, memory_at);
    c.at = memory_at;
    put_memory(&c);
    host_hold(SYS_close, c.fd);
    return true; /* one that the limit has cut counts, too */
}
