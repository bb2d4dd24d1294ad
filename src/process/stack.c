/* stack.c - the stack of a new program: arguments, environment, auxiliary vector; and the page of the system's own.
 *
 * The stack lies at the top, and mappings below it, as Linux has them in an address space of that size. It is mapped
 * whole, up to STACK_EAGER, because system calls do not grow it; beyond that faults do.
 */
#include "process/image.h"
#include "vm/input.h"
#include <elf.h>
#include <inttypes.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STACK_EAGER = 64 << 20, STACK_LEAST = 1 << 20, MAP_GAP_LEAST = 128 << 20, CLOCK_TICKS = 100 };

bool stack_map(struct process *p, bool executable, struct error *error) {
    struct space *s = p->space;
    uint64_t size = page_up(p->stack_limit[0]);
    if (size < STACK_LEAST) size = STACK_LEAST;
    if (p->stack_limit[0] > STACK_EAGER) size = STACK_EAGER;
    p->stack_top = s->top;
    int64_t at = memory_map(s, p->stack_top - size, size, SPACE_R | SPACE_W | (executable ? SPACE_X : 0u),
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE | MAP_GROWSDOWN, -1, 0,
                            MEMORY_STACK);
    if (at < 0) return error_set(error, ERROR_RESOURCES, "no memory for a stack of %" PRIu64 " bytes", size);
    memory_of(s)->grows = p->stack_limit[0] > size;
    uint64_t gap = p->stack_limit[0] < s->top / 6 * 5 ? page_up(p->stack_limit[0]) + MEMORY_STACK_GAP : UINT64_MAX;
    if (gap < MAP_GAP_LEAST) gap = MAP_GAP_LEAST;
    if (gap > s->top / 6 * 5) gap = page_down(s->top / 6 * 5);
    s->top = p->stack_top - gap;
    return true;
}

bool vdso_map(struct process *p, struct error *error) {
    struct space *s = p->space;
    int64_t at = memory_map(s, 0, SPACE_PAGE, SPACE_R | SPACE_W, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, MEMORY_VDSO);
    if (at < 0) return error_set(error, ERROR_RESOURCES, "no memory for a page of the system's own");
    p->vdso = (uint64_t)at;
    space_write(s, p->vdso, p->abi->vdso, p->abi->vdso_size);
    return !memory_protect(s, p->vdso, SPACE_PAGE, SPACE_R | SPACE_X) ||
           error_set(error, ERROR_RESOURCES, "no right to read the system's own page");
}

/** The vectors of a new program, being written from the top of the stack downwards. */
struct strings {
    const char *const *argv, *const *envp;
    uint64_t argc, envc, bytes;
};

static void strings_count(struct strings *v, const char *const *list, uint64_t *count) {
    for (; list && list[*count]; ++*count) v->bytes += strlen(list[*count]) + 1;
}

static uint64_t string_put(struct space *s, uint64_t at, const char *text) {
    size_t size = strlen(text) + 1;
    space_write(s, at, text, size);
    return at + size;
}

static void word_put(struct space *s, uint64_t *at, uint64_t word) {
    space_write(s, *at, &word, sizeof word);
    *at += sizeof word;
}

/* AT_IGNORE: what is not told on this machine. */
static void auxv_make(struct process *p, const struct program *m, uint64_t random, uint64_t name, uint64_t platform) {
    const struct abi_machine *machine = p->abi->machine;
    uint64_t *v = p->auxv, ids[] = {getuid(), geteuid(), getgid(), getegid(), getauxval(AT_SECURE)};
    input_settle(p->vm, INPUT_feature, INPUT_IDS, ids, sizeof ids);
    const uint64_t rows[][2] = {
        {AT_SYSINFO_EHDR, p->vdso},
        {AT_HWCAP, machine->hwcap},
        {AT_PAGESZ, SPACE_PAGE},
        {AT_CLKTCK, CLOCK_TICKS},
        {AT_PHDR, m->headers},
        {AT_PHENT, ELF_SEGMENT_SIZE},
        {AT_PHNUM, m->nheaders},
        {AT_BASE, m->interpreter},
        {AT_FLAGS, 0},
        {AT_ENTRY, m->entry},
        {AT_UID, ids[0]},
        {AT_EUID, ids[1]},
        {AT_GID, ids[2]},
        {AT_EGID, ids[3]},
        {AT_SECURE, ids[4]},
        {AT_RANDOM, random},
        {machine->frame_least ? AT_MINSIGSTKSZ : AT_IGNORE, machine->frame_least},
        {machine->has_hwcap2 ? AT_HWCAP2 : AT_IGNORE, machine->hwcap2},
        {AT_EXECFN, name},
        {machine->platform ? AT_PLATFORM : AT_IGNORE, platform},
        {AT_NULL, 0},
    };
    _Static_assert(sizeof rows <= sizeof p->auxv, "room for the auxiliary vector");
    p->auxv_words = 0;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i][0] == AT_IGNORE) continue;
        memcpy(v + p->auxv_words, rows[i], sizeof rows[i]);
        p->auxv_words += sizeof rows[i] / sizeof *v;
    }
}

uint64_t arguments_most(const struct process *p) {
    enum { MOST = 6 << 20, LEAST = 128 << 10 };
    const uint64_t quarter = p->stack_limit[0] / 4;
    return quarter < LEAST ? LEAST : quarter < MOST ? quarter : MOST;
}

/* Linux's layout: from the top a null word, the program's name, environment, arguments, the machine's name, random
   bytes; then, aligned to 16, the auxiliary vector above envp above argv above argc. Returns the stack pointer, 0 when
   it does not fit. */
uint64_t stack_fill(struct process *p, const struct program *m) {
    static const char *const nothing[] = {"", NULL};
    const struct vm_options *o = &p->vm->options;
    struct space *s = p->space;
    struct strings v = {.argv = o->argv && o->argv[0] ? o->argv : nothing, .envp = o->envp};
    strings_count(&v, v.argv, &v.argc);
    strings_count(&v, v.envp, &v.envc);
    const char *executed = process_options(p)->exec_name ? process_options(p)->exec_name : o->path;
    if (v.bytes + strlen(executed) + 1 + (v.argc + v.envc) * sizeof(uint64_t) > arguments_most(p)) return 0;
    const char *machine = p->abi->machine->platform;
    uint64_t name = p->stack_top - 8 - strlen(executed) - 1, strings = name - v.bytes,
             platform = machine ? strings - strlen(machine) - 1 : strings, random = (platform - 16) & ~UINT64_C(15);
    string_put(s, name, executed);
    if (machine) string_put(s, platform, machine);
    uint8_t bytes[16];
    vm_random(p->vm, bytes, sizeof bytes);
    space_write(s, random, bytes, sizeof bytes);
    auxv_make(p, m, random, name, platform);
    uint64_t sp = (random - (v.argc + v.envc + 3 + p->auxv_words) * sizeof(uint64_t)) & ~UINT64_C(15), at = sp;
    p->arg_start = strings;
    word_put(s, &at, v.argc);
    for (uint64_t i = 0; i < v.argc; i++) {
        word_put(s, &at, strings);
        strings = string_put(s, strings, v.argv[i]);
    }
    p->arg_end = strings;
    word_put(s, &at, 0);
    for (uint64_t i = 0; i < v.envc; i++) {
        word_put(s, &at, strings);
        strings = string_put(s, strings, v.envp[i]);
    }
    p->env_end = strings;
    word_put(s, &at, 0);
    for (unsigned i = 0; i < p->auxv_words; i++) word_put(s, &at, p->auxv[i]);
    return sp;
}
