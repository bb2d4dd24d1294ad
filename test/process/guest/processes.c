/* processes.c - fork, vfork, posix_spawn, exec: what is inherited, what is reported to whom. The program executes
 * itself; its first argument says as what. */
#include "check.h"
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

extern char **environ;
static char self[4096];

/* ---- what the executed program does */

static int child_main(int argc, char **argv) {
    if (!strcmp(argv[1], "status")) return atoi(argv[2]);
    if (!strcmp(argv[1], "signal")) raise(atoi(argv[2]));
    for (int which = 0; which < 4 && !strcmp(argv[1], "limits"); which++) {
        static const int limits[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE};
        struct rlimit r = {0};
        CHECK_IS(getrlimit(limits[which], &r), 0);
        printf("%lu %lu ", (unsigned long)r.rlim_cur >> 20, (unsigned long)r.rlim_max >> 20);
    }
    if (!strcmp(argv[1], "show")) {
        sigset_t mask;
        struct sigaction a;
        int blocked = 0, ignored = 0, handled = 0;
        sigprocmask(SIG_BLOCK, NULL, &mask);
        for (int s = 1; s < 65; s++) {
            if (s == 32 || s == 33) continue; /* the C library's */
            blocked += sigismember(&mask, s) ? s : 0;
            if (sigaction(s, NULL, &a) || a.sa_handler == SIG_DFL) continue;
            *(a.sa_handler == SIG_IGN ? &ignored : &handled) += s;
        }
        char link[4096], comm[16];
        ssize_t n = readlink("/proc/self/exe", link, sizeof link);
        prctl(PR_GET_NAME, comm);
        printf("argc %d argv0 %s blocked %d ignored %d handled %d env %s exe %d comm %s open %d\n", argc, argv[0],
               blocked, ignored, handled, getenv("PROCESSES") ? getenv("PROCESSES") : "none",
               n == (ssize_t)strlen(self) && !memcmp(link, self, (size_t)n), comm, fcntl(9, F_GETFD));
        for (char **e = environ; *e; e++)
            if (!strncmp(*e, "VEE", 3)) printf("environment has %s\n", *e);
    }
    return 0;
}

static int run(char *const argv[], char *const envp[]) {
    pid_t pid;
    int status = -1;
    fflush(stdout);
    int e = posix_spawn(&pid, self, NULL, NULL, argv, envp);
    CHECK_IS(e, 0);
    if (!e) CHECK_IS(waitpid(pid, &status, 0), pid);
    return status;
}

/* What the program prints when executed with these arguments by this function. */
static char output[8192];
static char *shown(void (*in_child)(void)) {
    int fds[2], status;
    size_t n = 0;
    CHECK_IS(pipe(fds), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        dup2(fds[1], 1);
        close(fds[0]), close(fds[1]);
        in_child();
        _exit(98);
    }
    close(fds[1]);
    for (ssize_t got; (got = read(fds[0], output + n, sizeof output - 1 - n)) > 0;) n += (size_t)got;
    output[n] = 0;
    close(fds[0]);
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 0);
    return output;
}

#define SHOWN(in_child, expected)                                                                                      \
    do {                                                                                                               \
        char *check_text = shown(in_child);                                                                            \
        if (strcmp(check_text, expected)) {                                                                            \
            printf("%s:%d: shown '%s', not '%s'\n", __FILE__, __LINE__, check_text, expected);                         \
            checks_failed++;                                                                                           \
        }                                                                                                              \
    } while (0)

/* ---- statuses */

static void statuses(void) {
    char number[16];
    char *const status[] = {"x", "status", number, NULL}, *const signal[] = {"x", "signal", number, NULL};
    for (int i = 0; i < 256; i += 51) {
        sprintf(number, "%d", i);
        CHECK_IS(run(status, environ), i << 8);
    }
    static const int signals[] = {SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGUSR1,
                                  SIGFPE,  SIGPIPE, SIGILL,  SIGTRAP, SIGBUS};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        sprintf(number, "%d", signals[i]);
        CHECK_IS(run(signal, environ) & 0x7f, signals[i]);
    }
}

/* ---- inheritance */

static void nothing(int s) {
    (void)s;
}

static void with_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGUSR1, nothing);
    signal(SIGHUP, SIG_IGN);
    signal(SIGBUS, SIG_IGN);
    setenv("PROCESSES", "yes", 1);
    dup2(0, 9);
    execl(self, "zero", "show", NULL);
}

static void with_little(void) {
    char *const argv[] = {"", "show", NULL}, *const envp[] = {NULL};
    fcntl(dup2(0, 9), F_SETFD, FD_CLOEXEC);
    execve(self, argv, envp);
}

static void by_descriptor(void) {
    char *const argv[] = {"fd", "show", NULL}, *const envp[] = {"PROCESSES=fd", NULL};
    fexecve(open(self, O_RDONLY), argv, envp);
}

static void by_own_link(void) {
    execl("/proc/self/exe", "link", "show", NULL);
}

static void with_limits(void) {
    setrlimit(RLIMIT_AS, &(struct rlimit){900u << 20, 1000u << 20});
    setrlimit(RLIMIT_DATA, &(struct rlimit){200u << 20, 300u << 20});
    setrlimit(RLIMIT_STACK, &(struct rlimit){20u << 20, 30u << 20});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 40u << 20});
    execl(self, self, "limits", NULL);
}

static void inheritance(void) {
    char text[200], name[16] = "";
    strncpy(name, strrchr(self, '/') + 1, 15);
    sprintf(text, "argc 2 argv0 zero blocked %d ignored %d handled 0 env yes exe 1 comm %s open 0\n", SIGUSR2 + SIGSEGV,
            SIGHUP + SIGBUS, name);
    SHOWN(with_signals, text);
    sprintf(text, "argc 2 argv0  blocked 0 ignored 0 handled 0 env none exe 1 comm %s open -1\n", name);
    SHOWN(with_little, text);
    SHOWN(with_limits, "900 1000 200 300 20 30 0 40 ");
    shown(by_descriptor);
    CHECK(strstr(output, "argc 2 argv0 fd ") && strstr(output, "env fd exe 1"));
    shown(by_own_link);
    CHECK(strstr(output, "argc 2 argv0 link ") && strstr(output, " exe 1"));
}

/* ---- scripts */

static char script[64];
static void make(const char *path, const char *text, mode_t mode) {
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    CHECK_IS(write(fd, text, strlen(text)), strlen(text));
    fchmod(fd, mode);
    close(fd);
}

static void by_script(void) {
    execl(script, "unused", "9", NULL);
}

static void scripts(void) {
    char text[8192], second[80];
    int status;
    sprintf(script, "./processes.%d", (int)getpid());
    sprintf(second, "%s.b", script);
    snprintf(text, sizeof text, "#! %s \t show \t\nnonsense\n", self);
    make(script, text, 0700);
    shown(by_script);
    snprintf(text, sizeof text, "argc 4 argv0 %s ", self);
    CHECK(!strncmp(output, text, strlen(text)));
    snprintf(text, sizeof text, "#!%s\n", script); /* a script for a script */
    make(second, text, 0700);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        freopen("/dev/null", "w", stdout);
        execl(second, "x", NULL);
        _exit(97);
    }
    waitpid(pid, &status, 0);
    CHECK_IS(status, 0);
    snprintf(text, sizeof text, "#!%s\n", second);
    make(second, text, 0700); /* of itself */
    CHECK_FAILS(execl(second, "x", NULL), ELOOP);
    make(second, "#!/no/such/file\n", 0700);
    CHECK_FAILS(execl(second, "x", NULL), ENOENT);
    make(second, "#!\n", 0700);
    CHECK_FAILS(execl(second, "x", NULL), ENOEXEC);
    make(second, "echo no magic\n", 0700);
    CHECK_FAILS(execl(second, "x", NULL), ENOEXEC);
    make(second, "", 0700);
    CHECK_FAILS(execl(second, "x", NULL), ENOEXEC);
    make(second, "#!/bin/sh\n", 0600);
    CHECK_FAILS(execl(second, "x", NULL), EACCES);
    unlink(script), unlink(second);
    CHECK_FAILS(execl("/", "x", NULL), EACCES);
    CHECK_FAILS(execl("/no/such", "x", NULL), ENOENT);
    CHECK_FAILS(execl("", "x", NULL), ENOENT);
    CHECK_FAILS(execl("/etc/passwd/x", "x", NULL), ENOTDIR);
    /* And all is as before. */
    struct sigaction a;
    signal(SIGSEGV, nothing);
    CHECK_FAILS(execl("/no/such", "x", NULL), ENOENT);
    sigaction(SIGSEGV, NULL, &a);
    CHECK(a.sa_handler == nothing);
    signal(SIGSEGV, SIG_DFL);
}

/* ---- sharing */

static volatile int shared, handled;
static void count(int s) {
    handled += s > 0;
}

static void vforked(void) {
    int status, fds[2];
    volatile int errors = 0;
    CHECK_IS(pipe(fds), 0);
    signal(SIGUSR1, count);
    shared = 0;
    pid_t pid = vfork();
    if (!pid) {
        shared = 1;
        signal(SIGUSR1, SIG_IGN);
        close(fds[0]);
        _exit(7);
    }
    CHECK(pid > 0);
    CHECK_IS(shared, 1);                 /* memory is shared, the parent has waited */
    CHECK_IS(fcntl(fds[0], F_GETFD), 0); /* descriptors are not shared */
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 7 << 8);
    raise(SIGUSR1);
    CHECK_IS(handled, 1); /* nor are actions */
    for (volatile int i = 0; i < 50; i++) {
        if (!(pid = vfork())) {
            execl(self, "x", "status", "3", NULL);
            _exit(1);
        }
        CHECK_IS(waitpid(pid, &status, 0), pid);
        errors += status != 3 << 8;
        if (!(pid = vfork())) {
            execl("/no/such", "x", NULL);
            shared = errno;
            _exit(1);
        }
        CHECK_IS(waitpid(pid, &status, 0), pid);
        errors += shared != ENOENT;
        if (!(pid = vfork())) {
            kill(getpid(), SIGKILL);
            _exit(1);
        }
        CHECK_IS(waitpid(pid, &status, 0), pid);
        errors += status != SIGKILL;
    }
    CHECK_IS(errors, 0);
    CHECK_IS(posix_spawn(&pid, "/no/such", NULL, NULL, (char *[]){"x", NULL}, environ), ENOENT);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addclose(&actions, 0);
    posix_spawn_file_actions_addopen(&actions, 5, "/no/such", O_RDONLY, 0);
    CHECK_IS(posix_spawn(&pid, self, &actions, NULL, (char *[]){"x", NULL}, environ), ENOENT);
    CHECK(fcntl(0, F_GETFD) >= 0);
    CHECK_IS(system("exit 9"), 9 << 8);
}

/* The child's memory, registers and signals are its own. */
static void forked(void) {
    int status, value = 1;
    volatile double real = 1.5;
    char *shared_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1); /* pending: not inherited */
    for (int depth = 0; depth < 4; depth++) {
        pid_t parent = getpid(), pid = fork();
        if (pid) {
            CHECK_IS(waitpid(pid, &status, 0), pid);
            CHECK_IS(status, 0);
            CHECK_IS(shared_page[depth], 'a' + depth);
            break;
        }
        sigset_t pending;
        sigpending(&pending);
        CHECK(!sigismember(&pending, SIGUSR1));
        CHECK_IS(getppid(), parent);
        CHECK(getpid() != parent);
        shared_page[depth] = (char)('a' + depth);
        value++;
        real *= 2;
        if (depth == 3) {
            CHECK_IS(value, 5);
            CHECK(real == 24);
        }
    }
    if (value > 1) {
        fflush(stdout);
        _exit(checks_failed != 0);
    }
    handled = 0;
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    CHECK_IS(handled, 1);
}

static void waits(void) {
    siginfo_t info = {0};
    int status;
    pid_t pid = fork();
    if (!pid) {
        raise(SIGSTOP);
        _exit(4);
    }
    CHECK_IS(waitpid(pid, &status, WUNTRACED), pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    kill(pid, SIGCONT);
    CHECK_IS(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    CHECK_IS(info.si_status, 4);
    CHECK_IS(info.si_pid, pid);
    CHECK_IS(info.si_code, CLD_EXITED);
    CHECK_IS(waitpid(-1, &status, WNOHANG), pid);
    CHECK_FAILS(waitpid(-1, &status, 0), ECHILD);
    signal(SIGCHLD, SIG_IGN); /* children leave no zombies */
    pid = fork();
    if (!pid) _exit(0);
    CHECK_FAILS(waitpid(pid, &status, 0), ECHILD);
    signal(SIGCHLD, SIG_DFL);
}

/* Descriptors that the emulator may have are in nobody's way. */
static void descriptors(void) {
    int status;
    CHECK_FAILS(fcntl(1023, F_GETFD), EBADF);
    CHECK_FAILS(close(1023), EBADF);
    CHECK_FAILS(dup(1023), EBADF);
    CHECK_IS(dup2(0, 1023), 1023);
    CHECK_IS(close(1023), 0);
    for (int fd = 3; fd < 1100; fd++) {
        CHECK_IS(dup2(0, fd), fd);
        close(fd);
    }
    syscall(SYS_close_range, 3, ~0u, 0);
    char *const argv[] = {"x", "status", "6", NULL};
    CHECK_IS(run(argv, environ), 6 << 8); /* it still finds itself */
    pid_t pid = fork();
    if (!pid) {
        execl(self, "x", "status", "8", NULL);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    CHECK_IS(status, 8 << 8);
}

int main(int argc, char **argv) {
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    if (argc > 1) return child_main(argc, argv);
    statuses();
    inheritance();
    scripts();
    vforked();
    forked();
    waits();
    descriptors();
    return done();
}
