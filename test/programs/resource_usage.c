/* getrusage, getrlimit, sysconf, getauxval, getpid and its kin, uname: what must hold on every machine. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(int argc, char **argv) {
    (void)argc;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    char *memory = malloc(8 << 20);
    memset(memory, 1, 8 << 20);
    volatile unsigned turns = 0;
    for (int i = 0; i < 3000000; i++) turns += (unsigned)i;
    (void)turns;
    getrusage(RUSAGE_SELF, &after);
    double used = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                  (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) * 1e-6;
    printf("%d %d %d\n", used >= 0 && used < 30, after.ru_maxrss >= 8 << 10, after.ru_minflt >= before.ru_minflt);
    int r = getrusage(77, &after);
    printf("%d %d\n", r, errno == EINVAL);
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit limit;
        r = getrlimit(i, &limit);
        printf("%d%d ", r, limit.rlim_cur <= limit.rlim_max);
    }
    struct rlimit limit;
    r = getrlimit(RLIM_NLIMITS + 5, &limit);
    printf("%d\n", r);
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = 0;
    r = setrlimit(RLIMIT_CORE, &limit);
    getrlimit(RLIMIT_CORE, &limit);
    printf("%d %ld\n", r, (long)limit.rlim_cur);
    struct rlimit odd = {10, 5};
    r = setrlimit(RLIMIT_CORE, &odd);
    printf("%d %d\n", r, errno == EINVAL);
    printf("%ld %ld %d %d %d\n", sysconf(_SC_PAGESIZE), sysconf(_SC_CLK_TCK), sysconf(_SC_NPROCESSORS_ONLN) >= 1,
           sysconf(_SC_OPEN_MAX) > 0, sysconf(_SC_PHYS_PAGES) > 0);
    printf("%ld %ld\n", sysconf(_SC_NGROUPS_MAX), sysconf(-5));
    printf("%lu %lu %d\n", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), getauxval(AT_SECURE) == 0);
    printf("%d %d %d\n", getauxval(AT_UID) == getuid(), getauxval(AT_EUID) == geteuid(), getauxval(AT_GID) == getgid());
    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM), loads = 0;
    int entry_inside = 0;
    for (unsigned long i = 0; i < count; i++) {
        loads += headers[i].p_type == PT_LOAD;
        unsigned long entry = getauxval(AT_ENTRY);
        entry_inside |= headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_X) && entry >= headers[i].p_vaddr &&
                        entry < headers[i].p_vaddr + headers[i].p_memsz;
    }
    printf("%d %d %lu\n", loads >= 2, entry_inside, getauxval(AT_PHENT));
    unsigned char *bytes = (unsigned char *)getauxval(AT_RANDOM);
    unsigned zero = 0;
    for (int i = 0; i < 16; i++) zero += bytes[i] == 0;
    printf("%d\n", zero < 8);
    const char *name = (const char *)getauxval(AT_EXECFN);
    printf("%d %d\n", strcmp(name, argv[0]) == 0, getauxval(9999) == 0);
    struct utsname u;
    r = uname(&u);
    printf("%d %s %d %d\n", r, u.sysname, strlen(u.release) > 2, strlen(u.machine) > 3);
    char host[256];
    r = gethostname(host, sizeof host);
    printf("%d %d\n", r, strcmp(host, u.nodename));
    printf("%d %d %d %d\n", getpid() == getpid(), getpid() > 1, gettid() == getpid(), getppid() > 0);
    printf("%d %d %d\n", getpgrp() == getpgid(0), getsid(0) == getsid(getpid()), getpgid(0) > 0);
    uid_t real, effective, saved;
    r = getresuid(&real, &effective, &saved);
    printf("%d %d %d\n", r, real == getuid(), effective == geteuid());
    gid_t groups[100];
    int n = getgroups(100, groups);
    printf("%d\n", n == getgroups(0, NULL));
    struct sysinfo info;
    r = sysinfo(&info);
    printf("%d %d %d\n", r, info.uptime > 0, info.totalram > info.freeram);
    printf("%d %d\n", getpriority(PRIO_PROCESS, 0) >= -20, getdtablesize() > 0);
    printf("%zu %zu %zu %zu\n", sizeof(long), sizeof(void *), sizeof(size_t), sizeof(wchar_t));
    char link[4096];
    ssize_t length = readlink("/proc/self/exe", link, sizeof link - 1);
    char *full = realpath(argv[0], NULL);
    printf("%d\n", length > 0 && full && (size_t)length == strlen(full) && memcmp(link, full, (size_t)length) == 0);
    free(memory);
    return 0;
}
