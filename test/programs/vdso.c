/* The vDSO: a shared object that the kernel maps, found by the auxiliary vector; its functions agree with the system
 * calls, and fault where they are told to write what cannot be written. */
#define _GNU_SOURCE
#include <elf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *base;
static const Elf64_Dyn *dynamic;

static const void *entry(int64_t tag) {
    for (const Elf64_Dyn *d = dynamic; d->d_tag; d++)
        if (d->d_tag == tag) return base + d->d_un.d_ptr;
    return NULL;
}

/* The address of a function, by the hash table; it has to have a version. */
static void *find(const char *name) {
    const uint32_t *hash = entry(DT_HASH);
    const Elf64_Sym *symbols = entry(DT_SYMTAB);
    const char *strings = entry(DT_STRTAB);
    const uint16_t *versions = entry(DT_VERSYM);
    uint32_t h = 0;
    if (!symbols || !strings || !versions || !entry(DT_VERDEF)) return NULL;
    for (const char *p = name; *p; p++) {
        h = (h << 4) + (unsigned char)*p;
        h = (h ^ (h >> 24 & 0xf0)) & 0xfffffff;
    }
    if (!hash) { /* newer kernels of some machines have another kind of table only: look at the symbols in front */
        for (int i = 1; i < 32; i++)
            if (!strcmp(strings + symbols[i].st_name, name)) return (void *)(uintptr_t)(base + symbols[i].st_value);
        return NULL;
    }
    for (uint32_t i = hash[2 + h % hash[0]]; i; i = hash[2 + hash[0] + i])
        if (!strcmp(strings + symbols[i].st_name, name) && (versions[i] & 0x7fff) > 1)
            return (void *)(uintptr_t)(base + symbols[i].st_value);
    return NULL;
}

typedef int gettime(clockid_t, struct timespec *);
typedef int getday(struct timeval *, void *);

static int64_t ns(const struct timespec *t) {
    return t->tv_sec * 1000000000ll + t->tv_nsec;
}

static sigjmp_buf back;
static void *fault;
static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    fault = info->si_addr;
    siglongjmp(back, 1);
}

int main(void) {
    base = (const char *)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)base;
    if (!base || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0) return puts("no vDSO"), 1;
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(base + head->e_phoff);
    for (int i = 0; i < head->e_phnum; i++)
        if (segments[i].p_type == PT_DYNAMIC) dynamic = (const Elf64_Dyn *)(base + segments[i].p_vaddr);
    if (!dynamic) return puts("nothing dynamic in it"), 1;
    gettime *clock = (gettime *)(uintptr_t)find("__vdso_clock_gettime"),
            *resolution = (gettime *)(uintptr_t)find("__vdso_clock_getres");
    getday *day = (getday *)(uintptr_t)find("__vdso_gettimeofday");
    int (*cpu)(unsigned *, unsigned *, void *) =
        (int (*)(unsigned *, unsigned *, void *))(uintptr_t)find("__vdso_getcpu");
    printf("found %d %d %d %d\n", clock != NULL, resolution != NULL, day != NULL, cpu != NULL);
    if (!clock || !day || !cpu || !resolution) return 1;

    static const clockid_t clocks[] = {
        CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,      CLOCK_REALTIME_COARSE,  CLOCK_MONOTONIC_COARSE,
        CLOCK_BOOTTIME, CLOCK_TAI,       CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct timespec before, here, after, fine;
        long wrong = 0;
        for (int n = 0; n < 100; n++) {
            wrong += syscall(SYS_clock_gettime, clocks[i], &before) != 0;
            wrong += clock(clocks[i], &here) != 0;
            wrong += syscall(SYS_clock_gettime, clocks[i], &after) != 0;
            wrong += ns(&here) < ns(&before) || ns(&after) < ns(&here) || here.tv_nsec < 0 || here.tv_nsec > 999999999;
        }
        wrong += resolution(clocks[i], &fine) != 0 || syscall(SYS_clock_getres, clocks[i], &after) != 0 ||
                 ns(&fine) != ns(&after);
        printf("clock %d: %ld wrong\n", (int)clocks[i], wrong);
    }
    struct timespec t;
    printf("no clock: %d %d\n", clock(50, &t), clock(15, &t));

    struct timespec before, after;
    struct timeval v;
    int zone[2] = {7, 7};
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &before);
    int r = day(&v, NULL);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &after);
    int64_t us = v.tv_sec * 1000000ll + v.tv_usec;
    printf("day %d %d\n", r, us >= ns(&before) / 1000 && us <= ns(&after) / 1000);
    printf("with a zone %d %d, zone alone %d, nothing %d\n", day(&v, zone), zone[0] != 7, day(NULL, zone),
           day(NULL, NULL));
    unsigned n = 12345;
    r = cpu(&n, NULL, NULL);
    printf("cpu %d %d\n", r, n < 12345);

    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    if (!sigsetjmp(back, 1)) clock(CLOCK_MONOTONIC, (struct timespec *)16);
    printf("fault at %p\n", fault);
    return 0;
}
