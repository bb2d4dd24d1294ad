/* proc.c - what procfs says of a process, of its parent and of its threads is about the program, by whatever path. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char text[1 << 18];
static char **arguments;

/* The contents of a file; their length, or -1. */
static long contents_at(int folder, const char *path) {
    long n, sum = 0;
    int fd = openat(folder, path, O_RDONLY);
    if (fd < 0) return -1;
    while ((n = read(fd, text + sum, sizeof text - 1 - (size_t)sum)) > 0) sum += n;
    text[sum] = 0;
    close(fd);
    return n < 0 ? -1 : sum;
}

static long contents(const char *format, ...) {
    char path[200];
    va_list list;
    va_start(list, format);
    vsnprintf(path, sizeof path, format, list);
    va_end(list);
    return contents_at(AT_FDCWD, path);
}

/* What stands behind a name at a line's start, in the text. */
static const char *value_of(const char *name) {
    size_t n = strlen(name);
    for (const char *s = text; s && *s; s = strchr(s, '\n'), s += s != NULL)
        if (!strncmp(s, name, n)) return s + n + strspn(s + n, " \t");
    CHECK(!"the line is there");
    return "";
}

static unsigned long long number(const char *name, int base) {
    return strtoull(value_of(name), NULL, base);
}

/* A field of stat, which is in the text. */
static unsigned long long field(int n) {
    const char *s = strrchr(text, ')');
    for (int i = 2; s && i < n; i++) s = strchr(s + 1, ' ');
    CHECK(s);
    return s ? strtoull(s, NULL, 10) : 0;
}

/* The mapping that an address is in, of maps, which are in the text. */
static bool mapping_of(const void *address, char rights[8], char label[200]) {
    unsigned long long start, end, at = (uintptr_t)address;
    for (const char *s = text; s && *s; s = strchr(s, '\n'), s += s != NULL) {
        label[0] = 0;
        if (sscanf(s, "%llx-%llx %7s %*s %*s %*s%*[ ]%199[^\n]", &start, &end, rights, label) < 3) break;
        if (start <= at && at < end) return true;
    }
    return false;
}

static unsigned long long mapped(void) {
    unsigned long long start, end, sum = 0;
    for (const char *s = text; s && *s; s = strchr(s, '\n'), s += s != NULL)
        if (sscanf(s, "%llx-%llx", &start, &end) == 2 && start < 1ull << 63) sum += end - start; /* not vsyscall */
    return sum;
}

static void program_name(char name[200]) {
    long n = readlink("/proc/self/exe", name, 199);
    CHECK(n > 0);
    name[n > 0 ? n : 0] = 0;
}

/* ---- memory */

static void memory(pid_t pid) {
    char rights[8], label[200], name[200];
    int local;
    program_name(name);
    CHECK(contents("/proc/%d/maps", pid) > 0);
    CHECK(mapping_of((void *)(uintptr_t)&memory, rights, label));
    CHECK(!strcmp(rights, "r-xp") && !strcmp(label, name));
    CHECK(mapping_of(text, rights, label) && !strcmp(rights, "rw-p"));
    CHECK(mapping_of(&local, rights, label) && !strcmp(label, "[stack]"));
    CHECK(mapping_of(sbrk(0) - 1, rights, label) && !strcmp(label, "[heap]"));
    if (pid != getpid()) return;
    unsigned long long before = mapped();
    void *more = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(contents("/proc/self/maps") > 0);
    CHECK_IS(mapped() - before, 1 << 20);
    before = mapped();
    CHECK(contents("/proc/self/status") > 0);
    CHECK_IS(number("VmSize:", 10) << 10, before);
    CHECK(number("VmPeak:", 10) << 10 >= before);
    CHECK(contents("/proc/self/statm") > 0);
    CHECK_IS(strtoull(text, NULL, 10) << 12, before);
    CHECK(contents("/proc/self/stat") > 0);
    CHECK_IS(field(23), before);
    munmap(more, 1 << 20);
}

static void more_about_memory(void) {
    char rights[8], label[200];
    char *pages = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages, 1, 1 << 20);
    CHECK(contents("/proc/self/smaps") > 0);
    char *s = text;
    for (unsigned long long start, end; s; s = strchr(s, '\n'), s += s != NULL)
        if (sscanf(s, "%llx-%llx %7s", &start, &end, rights) == 3 && start <= (uintptr_t)pages &&
            (uintptr_t)pages < end)
            break;
    CHECK(s);
    if (!s) return;
    memmove(text, s, strlen(s) + 1);
    CHECK(number("Size:", 10) >= 1024);
    CHECK(number("Anonymous:", 10) >= 1024);
    CHECK(strstr(value_of("VmFlags:"), "rd wr"));
    CHECK(contents("/proc/self/smaps_rollup") > 0);
    CHECK(sscanf(text, "%*x-%*x %7s %*s %*s %*s %199s", rights, label) == 2 && !strcmp(label, "[rollup]"));
    CHECK(number("Rss:", 10) >= 1024 && number("Anonymous:", 10) >= 1024);
    munmap(pages, 1 << 20);
}

/* ---- names */

static void names(pid_t pid) {
    char path[64], name[200], other[200], *end = NULL;
    struct stat one, two;
    program_name(name);
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    long n = readlink(path, other, sizeof other - 1);
    other[n > 0 ? n : 0] = 0;
    CHECK(!strcmp(name, other));
    CHECK_IS(stat(path, &one), 0);
    CHECK_IS(stat(name, &two), 0);
    CHECK(one.st_ino == two.st_ino && one.st_dev == two.st_dev);
    CHECK_IS(lstat(path, &one), 0);
    CHECK(S_ISLNK(one.st_mode));
    n = contents("/proc/%d/cmdline", pid);
    CHECK_IS(n, strlen(arguments[0]) + 1);
    CHECK(!strcmp(text, arguments[0]));
    CHECK(contents("/proc/%d/environ", pid) >= 0);
    CHECK(!strncmp(text, "VALUE=of the parent", 19));
    CHECK(contents("/proc/%d/comm", pid) > 0);
    CHECK(!strcmp(text, "a (new) name\n"));
    CHECK(contents("/proc/%d/stat", pid) > 0);
    CHECK(strtol(text, &end, 10) == pid && !strncmp(end, " (a (new) name) ", 16));
    CHECK(contents("/proc/%d/status", pid) > 0);
    CHECK(!strncmp(value_of("Name:"), "a (new) name\n", 13));
    CHECK_IS(contents("/proc/%d/auxv", pid) % 16, 0);
    unsigned long *word = (unsigned long *)(void *)text;
    while (word[0] && word[0] != AT_PHDR) word += 2;
    CHECK_IS(word[1], getauxval(AT_PHDR));
}

static void paths(void) {
    char name[200], other[200] = "", path[64];
    program_name(name);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY), self = open("/proc/thread-self", O_RDONLY | O_DIRECTORY);
    CHECK(proc >= 0 && self >= 0);
    const struct {
        int folder;
        const char *path;
    } ways[] = {{AT_FDCWD, "/proc/self/exe"}, {AT_FDCWD, "/proc/self/../self/exe"}, {AT_FDCWD, "/proc/thread-self/exe"},
                {proc, "self/exe"},           {proc, "../proc//self/./exe"},        {self, "exe"},
                {self, "../../exe"},          {self, "/proc/self/task/../exe"}};
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct stat one, two;
        memset(other, 0, sizeof other);
        CHECK(readlinkat(ways[i].folder, ways[i].path, other, sizeof other - 1) > 0);
        CHECK(!strcmp(name, other));
        int fd = openat(ways[i].folder, ways[i].path, O_RDONLY);
        CHECK(fstat(fd, &one) == 0 && stat(name, &two) == 0 && one.st_ino == two.st_ino);
        close(fd);
        fd = openat(ways[i].folder, ways[i].path, O_PATH | O_NOFOLLOW);
        memset(other, 0, sizeof other);
        CHECK(readlinkat(fd, "", other, sizeof other - 1) > 0 && !strcmp(name, other));
        close(fd);
        CHECK_FAILS(openat(ways[i].folder, ways[i].path, O_RDONLY | O_NOFOLLOW), ELOOP);
        struct open_how how = {.flags = O_RDONLY};
        fd = (int)syscall(SYS_openat2, ways[i].folder, ways[i].path, &how, sizeof how);
        CHECK(fstat(fd, &one) == 0 && one.st_ino == two.st_ino);
        close(fd);
        how.resolve = RESOLVE_NO_MAGICLINKS;
        CHECK_FAILS(syscall(SYS_openat2, ways[i].folder, ways[i].path, &how, sizeof how), ELOOP);
    }
    CHECK_IS(readlink("/proc/self/exe", other, 3), 3);
    CHECK(contents_at(self, "maps") > 0 && strstr(text, "[heap]"));
    CHECK(contents_at(proc, "self/maps") > 0 && strstr(text, "[heap]"));
    snprintf(path, sizeof path, "self/task/%d/cmdline", gettid());
    CHECK(contents_at(proc, path) > 0 && !strcmp(text, arguments[0]));
    /* opened without access, then through the descriptor */
    int fd = open("/proc/self/maps", O_PATH);
    CHECK(contents("/proc/self/fd/%d", fd) > 0 && strstr(text, "[heap]"));
    close(fd);
    close(proc);
    close(self);
}

/* A program whose file is gone. */
static void without_file(void) {
    char other[200], here[200] = "";
    CHECK_IS(unlink("copy-of-proc"), 0);
    memset(other, 0, sizeof other);
    CHECK(readlink("/proc/self/exe", other, sizeof other - 1) > 0);
    CHECK(getcwd(here, sizeof here - 40));
    strcat(here, "/copy-of-proc (deleted)");
    CHECK(!strcmp(here, other));
    CHECK(contents("/proc/self/maps") > 0 && strstr(text, here));
}

static void deleted(void) {
    FILE *from = fopen("/proc/self/exe", "r"), *to = fopen("copy-of-proc", "w");
    CHECK(from && to);
    if (!from || !to) return;
    for (size_t n; (n = fread(text, 1, sizeof text, from)) > 0;) fwrite(text, 1, n, to);
    fclose(from);
    fclose(to);
    CHECK_IS(chmod("copy-of-proc", 0755), 0);
    pid_t pid = fork();
    if (!pid) {
        execl("copy-of-proc", "copy-of-proc", "without file", NULL);
        _exit(98);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* ---- status */

static void handler(int signal) {
    (void)signal;
}

static void status_of(const char *folder, unsigned long long blocked) {
    CHECK(contents("%s/status", folder) > 0);
    CHECK_IS(number("SigBlk:", 16), blocked);
    CHECK_IS(number("SigIgn:", 16) & (1ull << (SIGWINCH - 1) | 1ull << (SIGUSR1 - 1)), 1ull << (SIGWINCH - 1));
    CHECK_IS((unsigned)number("SigCgt:", 16), 1ull << (SIGUSR1 - 1) | 1ull << (SIGSEGV - 1)); /* more are libc's */
    CHECK(contents("%s/stat", folder) > 0);
    CHECK_IS(field(32), blocked & 0x7fffffff);
    CHECK_IS(field(34), 1ull << (SIGUSR1 - 1) | 1ull << (SIGSEGV - 1));
    unsigned long long stack = field(28), arguments_at = field(48), here = (uintptr_t)&status_of;
    CHECK(field(26) <= here && here < field(27));
    CHECK(stack < arguments_at && field(49) == field(50));
    CHECK(arguments_at == (uintptr_t)arguments[0]);
}

static void pending(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGFPE);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    raise(SIGFPE);
    CHECK(contents("/proc/self/status") > 0);
    CHECK_IS(number("SigPnd:", 16), 1ull << (SIGUSR2 - 1) | 1ull << (SIGFPE - 1));
}

static void seccomp_of(const char *folder, unsigned long long mode, unsigned long long filters) {
    CHECK(contents("%s/status", folder) > 0);
    CHECK_IS(number("NoNewPrivs:", 10), mode != 0);
    CHECK_IS(number("Seccomp:", 10), mode);
    CHECK_IS(number("Seccomp_filters:", 10), filters);
}

static void see_parent(void) {
    char folder[64];
    snprintf(folder, sizeof folder, "/proc/%d", getppid());
    seccomp_of(folder, SECCOMP_MODE_FILTER, 2);
    seccomp_of("/proc/self", SECCOMP_MODE_FILTER, 2);
}

static void filtered(void) {
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    struct sock_fprog program = {1, &allow};
    if (contents("/proc/self/status") > 0 && number("Seccomp:", 10)) return; /* there is one already */
    seccomp_of("/proc/self", 0, 0);
    CHECK_IS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_IS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    seccomp_of("/proc/self", SECCOMP_MODE_FILTER, 1);
    CHECK_IS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    seccomp_of("/proc/self", SECCOMP_MODE_FILTER, 2);
    CHECK_IS(child_status(see_parent), 0);
}

static void parent(void) {
    char folder[64];
    pid_t pid = getppid();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_NAME, "a child", 0, 0, 0);
    signal(SIGUSR1, SIG_DFL);
    names(pid);
    memory(pid);
    snprintf(folder, sizeof folder, "/proc/%d", pid);
    status_of(folder, 1ull << (SIGHUP - 1) | 1ull << (SIGTRAP - 1) | 1ull << 39);
    CHECK(contents("/proc/self/comm") > 0 && !strcmp(text, "a child\n"));
}

/* ---- threads */

static pthread_barrier_t barrier;
static pid_t thread_id;

static void *thread(void *arg) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    prctl(PR_SET_NAME, "worker", 0, 0, 0);
    thread_id = gettid();
    CHECK(contents("/proc/thread-self/comm") > 0 && !strcmp(text, "worker\n"));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}

static void threads(void) {
    char folder[64], path[80];
    pthread_t other;
    pthread_barrier_init(&barrier, NULL, 2);
    CHECK_IS(pthread_create(&other, NULL, thread, NULL), 0);
    pthread_barrier_wait(&barrier);
    snprintf(folder, sizeof folder, "/proc/self/task/%d", thread_id);
    status_of(folder, 1ull << (SIGWINCH - 1));
    CHECK(contents("%s/status", folder) > 0);
    CHECK_IS(number("Threads:", 10), 2);
    CHECK(contents("%s/comm", folder) > 0 && !strcmp(text, "worker\n"));
    snprintf(path, sizeof path, "%s/comm", folder);
    int fd = open(path, O_WRONLY);
    CHECK_IS(write(fd, "renamed", 7), 7);
    close(fd);
    CHECK(contents("%s/comm", folder) > 0 && !strcmp(text, "renamed\n"));
    CHECK(contents("/proc/self/comm") > 0 && !strcmp(text, "a (new) name\n"));
    pthread_barrier_wait(&barrier);
    pthread_join(other, NULL);
}

/* ---- children of threads, and of processes that share memory */

static const unsigned long long usr1_and_2 = 1ull << (SIGUSR1 - 1) | 1ull << (SIGUSR2 - 1);

/* A child of the caller waits, and is killed. */
static void child_seen(unsigned long long blocked, unsigned long long caught) {
    const pid_t pid = fork();
    if (!pid)
        for (;;) pause();
    until_it_waits(pid);
    CHECK(contents("/proc/%d/status", pid) > 0);
    CHECK_IS(number("SigBlk:", 16), blocked);
    CHECK_IS(number("SigCgt:", 16) & usr1_and_2, caught);
    CHECK(contents("/proc/%d/task/%d/status", pid, pid) > 0);
    CHECK_IS(number("SigBlk:", 16), blocked);
    kill(pid, SIGKILL);
    CHECK_IS(waitpid(pid, NULL, 0), pid);
}

static void *forking(void *arg) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGURG);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    child_seen(1ull << (SIGWINCH - 1) | 1ull << (SIGURG - 1), 1ull << (SIGUSR1 - 1));
    return arg;
}

static int sharing(void *arg) {
    (void)arg;
    signal(SIGUSR2, handler);
    signal(SIGUSR1, SIG_IGN);
    child_seen(1ull << (SIGPIPE - 1), 1ull << (SIGUSR2 - 1));
    return 0;
}

static void children(void) {
    static _Alignas(16) char stack[64 << 10];
    sigset_t set, was;
    pthread_t other;
    int status;
    CHECK_IS(pthread_create(&other, NULL, forking, NULL), 0);
    pthread_join(other, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_SETMASK, &set, &was);
    const pid_t pid = clone(sharing, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    sigprocmask(SIG_SETMASK, &was, NULL);
}

/* ---- descriptors, limits */

static void listing(const char *path) {
    bool listed[2048] = {false};
    DIR *d = opendir(path);
    CHECK(d);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.') listed[atoi(e->d_name) % 2048] = true;
    for (int fd = 0; fd < 2048; fd++)
        if (listed[fd] != (fcntl(fd, F_GETFD) >= 0)) CHECK_IS(fd, -1);
    if (d) closedir(d);
}

static void limits(void) {
    struct rlimit was, r = {123 << 20, 456 << 20};
    CHECK_IS(getrlimit(RLIMIT_STACK, &was), 0);
    CHECK_IS(setrlimit(RLIMIT_STACK, &r), 0);
    CHECK(contents("/proc/self/limits") > 0);
    const char *s = value_of("Max stack size ");
    unsigned long soft = 0, hard = 0;
    char unit[20] = "";
    CHECK(sscanf(s, "%lu %lu %19s", &soft, &hard, unit) == 3 && soft == r.rlim_cur && hard == r.rlim_max);
    CHECK(!strcmp(unit, "bytes"));
}

static void no_file_size(void) {
    struct rlimit none = {0, 0};
    CHECK_IS(setrlimit(RLIMIT_FSIZE, &none), 0);
    CHECK(contents("/proc/self/status") > 0);
    CHECK_IS(number("Threads:", 10), 1);
}

static void read_only(void) {
    int fd = open("/proc/self/maps", O_RDONLY);
    char byte;
    CHECK(fd >= 0 && pread(fd, &byte, 1, 0) == 1);
    CHECK_IS(lseek(fd, 0, SEEK_SET), 0);
    close(fd);
    CHECK(open("/proc/self/no such file", O_RDONLY) < 0);
}

int main(int argc, char **argv) {
    static char value[] = "VALUE=of the parent";
    static char *const environment[] = {value, NULL};
    sigset_t set;
    arguments = argv;
    if (argc > 1 && !strcmp(argv[1], "without file")) {
        without_file();
        return done();
    }
    if (!getenv("VALUE")) {
        execve("/proc/self/exe", argv, environment);
        CHECK(!"executes itself");
        return done();
    }
    prctl(PR_SET_NAME, "a (new) name", 0, 0, 0);
    sbrk(1 << 16);
    signal(SIGUSR1, handler);
    signal(SIGSEGV, handler);
    signal(SIGWINCH, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTRAP);
    sigaddset(&set, 40);
    sigprocmask(SIG_SETMASK, &set, NULL);
    names(getpid());
    memory(getpid());
    more_about_memory();
    status_of("/proc/self", 1ull << (SIGHUP - 1) | 1ull << (SIGTRAP - 1) | 1ull << 39);
    paths();
    deleted();
    CHECK_IS(child_status(parent), 0);
    CHECK_IS(child_status(pending), 0);
    CHECK_IS(child_status(filtered), 0);
    threads();
    children();
    listing("/proc/self/fd");
    listing("/proc/self/fdinfo");
    listing("/proc/thread-self/fd");
    read_only();
    CHECK_IS(child_status(limits), 0);
    CHECK_IS(child_status(no_file_size), 0);
    return done();
}
