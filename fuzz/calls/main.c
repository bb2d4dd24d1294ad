/* main.c - the fuzzer of system calls: runs fuzz/calls/guest.c under vee again and again, and watches vee.
 *
 * Each run is in namespaces of its own (users, mounts, processes, network, IPC), without privileges, in a root that
 * holds nothing but the two programs, so that random calls do no harm. All processes of a run are traced. Findings are:
 * a fault of vee's own (one that comes when the handler that is there for the guest's is gone), code or constants of
 * vee that are not as in its file any more, what a sanitizer or the C library says, and a thread that waits for a lock
 * of vee's when time is up. A guest that only kills itself or sleeps is none.
 *
 * This file has the runs and their judging; the sandbox is in sandbox.c. Exit status: 0 nothing found, 1 something, 2
 * cannot run.
 */
#include "calls.h"
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/futex.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUN_SECONDS = 1, LAST_PROCESS = 4096, MAPS = 1 << 18 };

static struct options options = {.seed = 1, .seconds = 10, .calls = 1500};
static struct { uint64_t calls, runs, ended, killed, late, exits_checked, findings; } total;
static uint64_t run_seed;
static int said = -1, counts = -1; /* files in memory: what vee and the guest print; how many calls were made */
static volatile uint64_t *made;
static sigset_t children; /* SIGCHLD */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *file_text(const char *path) {
    static char text[MAPS];
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t r; fd >= 0 && (r = read(fd, text + n, sizeof text - 1 - n)) > 0;) n += (size_t)r;
    if (fd >= 0) close(fd);
    text[n] = 0;
    return text;
}

static char *process_text(pid_t pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return file_text(path);
}

static void finding(pid_t pid, const char *what) {
    total.findings++;
    printf("FOUND %s (process %d); again: --seed %" PRIu64 " --runs 1\n", what, (int)pid, run_seed);
    fflush(stdout);
}

/* ---- vee's code */

static const uint8_t *image; /* vee's file */
static size_t image_size;

static bool image_load(void) {
    int fd = open("/vee", O_RDONLY | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    image = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    image_size = (size_t)size;
    close(fd);
    return image != MAP_FAILED && image_size > sizeof(Elf64_Ehdr);
}

/* Where vee's program is in a process; 0 if that executes something else. */
static uint64_t vee_base(pid_t pid) {
    for (const char *line = process_text(pid, "maps"), *end; *line; line = end + 1) {
        end = strchrnul(line, '\n');
        if (end - line > 5 && !memcmp(end - 5, " /vee", 5)) return strtoull(line, NULL, 16);
        if (!*end) break;
    }
    return 0;
}

/* Compares segments that cannot be written with the file. */
static void code_check(pid_t pid) {
    static uint8_t bytes[1 << 16];
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)(const void *)image;
    const Elf64_Phdr *h = (const Elf64_Phdr *)(const void *)(image + e->e_phoff);
    uint64_t base = vee_base(pid);
    if (!base) return; /* it executes something else */
    total.exits_checked++;
    for (int i = 0; i < e->e_phnum; i++) {
        if (h[i].p_type != PT_LOAD || (h[i].p_flags & PF_W)) continue;
        for (uint64_t at = 0; at < h[i].p_filesz; at += sizeof bytes) {
            size_t size = h[i].p_filesz - at < sizeof bytes ? h[i].p_filesz - at : sizeof bytes;
            struct iovec to = {bytes, size}, from = {(void *)(uintptr_t)(base + h[i].p_vaddr + at), size};
            /* One that is being killed cannot be read any more. */
            if (process_vm_readv(pid, &to, 1, &from, 1, 0) != (ssize_t)size) return;
            if (!memcmp(bytes, image + h[i].p_offset + at, size)) continue;
            finding(pid, "vee's code or constants are not as in its file");
            return;
        }
    }
}

/* ---- judging */

static bool is_caught(pid_t tid, int signal) {
    const char *at = strstr(process_text(tid, "status"), "SigCgt:");
    return at && (strtoull(at + 7, NULL, 16) >> (signal - 1) & 1);
}

static pid_t group_of(pid_t tid) {
    const char *at = strstr(process_text(tid, "status"), "\nTgid:");
    return at ? (pid_t)atoi(at + 6) : tid;
}

/* Does another thread of the process take this very signal, sent by itself? Then the guest is being ended by it: nobody
 * catches it any more, and what else faults meanwhile does so in a process that has died of the same. */
static bool is_dying(pid_t tid, int signal) {
    char path[64];
    siginfo_t info;
    snprintf(path, sizeof path, "/proc/%d/task", (int)group_of(tid));
    DIR *tasks = opendir(path);
    bool dying = false;
    for (struct dirent *e; tasks && !dying && (e = readdir(tasks));) {
        pid_t other = atoi(e->d_name);
        dying = other > 0 && other != tid && !ptrace(PTRACE_GETSIGINFO, other, 0, &info) && info.si_signo == signal &&
                info.si_code == SI_TKILL && info.si_pid == group_of(other);
    }
    if (tasks) closedir(tasks);
    return dying;
}

static void judge_signal(pid_t tid, int signal) {
    siginfo_t info;
    struct user_regs_struct r;
    char what[200];
    if (signal != SIGSEGV && signal != SIGBUS && signal != SIGILL && signal != SIGFPE && signal != SIGTRAP) return;
    if (ptrace(PTRACE_GETSIGINFO, tid, 0, &info) || info.si_code <= 0 || is_caught(tid, signal)) return;
    if (is_dying(tid, signal)) return;
    ptrace(PTRACE_GETREGS, tid, 0, &r);
    snprintf(what, sizeof what, "signal %d, code %d at %p: rip %#llx, rsp %#llx", signal, info.si_code, info.si_addr,
             r.rip, r.rsp);
    finding(tid, what);
    printf("vee's program begins at %#" PRIx64 "\n", vee_base(tid));
    const char *at = strstr(process_text(tid, "status"), "\nTgid:"); /* who it is, what it blocks and catches */
    if (at) printf("%.1200s\n", at + 1);
}

/* The address of the lock of vee's, above what a guest may have, that a process waits for; or 0. */
static uint64_t waits_for(pid_t pid) {
    static const uint64_t guests_end = UINT64_C(1) << 46;
    uint64_t number, address, operation;
    const char *text = process_text(pid, "syscall");
    if (options.verbose) printf("late: %d in %s", (int)pid, text);
    bool called = sscanf(text, "%" SCNu64 " %" SCNx64 " %" SCNx64, &number, &address, &operation) == 3;
    return called && number == SYS_futex && !(operation & FUTEX_CMD_MASK) && address >= guests_end ? address : 0;
}

static void judge_output(void) {
    static const char *const signs[] = {"AddressSanitizer", "runtime error:", "ThreadSanitizer",
                                        "Assertion",        "free():",        "malloc():",
                                        "corrupted",        "stack smashing", "vee: internal"};
    static char text[MAPS];
    ssize_t size = pread(said, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = 0;
    if (options.verbose) printf("%s", text);
    for (unsigned i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strstr(text, signs[i])) {
            finding(0, signs[i]);
            printf("%.4000s\n", strstr(text, signs[i]));
            return;
        }
}

/* ---- a run */

static void ranges_send(pid_t pid, int to) {
    uint64_t pair[2];
    for (const char *line = process_text(pid, "maps"); *line; line = strchr(line, '\n') + 1) {
        char rights[5];
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &pair[0], &pair[1], rights) == 3 &&
            pair[0] >= UINT64_C(1) << 46 && strncmp(rights, "---", 3))
            (void)!write(to, pair, sizeof pair);
    }
    pair[0] = pair[1] = 0;
    (void)!write(to, pair, sizeof pair);
}

static pid_t start(int *in, int *out) {
    int input[2], output[2];
    char seed[24], calls[24];
    if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC)) return -1;
    snprintf(seed, sizeof seed, "%" PRIu64, run_seed);
    snprintf(calls, sizeof calls, "%u", options.calls);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(input[0], 0), dup2(output[1], 1), dup2(said, 2), dup2(counts, 3);
        if (chdir("/box")) _exit(2);
        const char *argv[32] = {"/vee"};
        unsigned n = 1;
        for (char **o = options.vee_options; *o && n < 24; o++) argv[n++] = *o;
        argv[n++] = "/guest", argv[n++] = seed, argv[n++] = calls;
        setsid();
        sigprocmask(SIG_UNBLOCK, &children, NULL);
        sandbox_enter(&options);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execv("/vee", (char **)(uintptr_t)argv);
        _exit(2);
    }
    close(input[0]);
    close(output[1]);
    *in = input[1], *out = output[0];
    return pid;
}

/* A stop of a traced thread: looks at it and lets it go on. */
static void stopped(pid_t tid, int status, pid_t first) {
    int signal = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_EXIT) {
        if (tid == first || total.runs % 8 == 0) code_check(tid);
        signal = 0;
    } else if (event || signal == SIGSTOP) {
        signal = 0; /* a new one begins with it; one that is sent by the guest is passed over */
    } else {
        judge_signal(tid, signal);
    }
    ptrace(PTRACE_CONT, tid, 0, signal);
}

/* Time is up. A thread that keeps a lock busy, with signals that never end, say, is no finding: nobody may be running.
 */
static void late(void) {
    char path[64];
    pid_t waiting = 0;
    uint64_t lock = 0, first = 0;
    total.late++;
    for (int round = 0; round < 5; round++, usleep(100000)) {
        lock = 0;
        for (pid_t pid = 2; pid < LAST_PROCESS; pid++) {
            snprintf(path, sizeof path, "/proc/%d", (int)pid);
            if (access(path, F_OK)) continue;
            if (strchr("rR", *process_text(pid, "syscall"))) return; /* running */
            uint64_t at = waits_for(pid);
            if (at) lock = at, waiting = pid;
        }
        if (!lock || (round && lock != first)) return;
        first = lock;
    }
    finding(waiting, "waits for a lock of vee's");
}

static void run(void) {
    int in, out, status;
    if (!sandbox_fresh() || ftruncate(said, 0)) return;
    lseek(said, 0, SEEK_SET);
    *made = 0;
    double until = now() + RUN_SECONDS;
    bool begun = false, ready = false;
    pid_t first = start(&in, &out), pid;
    if (first < 0) return;
    for (;;) {
        pid = waitpid(-1, &status, __WALL | WNOHANG);
        if (pid < 0) break; /* nobody is left */
        if (pid > 0 && WIFSTOPPED(status)) {
            if (pid == first && !begun) {
                ptrace(PTRACE_SETOPTIONS, pid, 0,
                       PTRACE_O_TRACEEXIT | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                           PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
                begun = true;
            }
            stopped(pid, status, first);
        } else if (pid > 0 && pid == first) {
            if (WIFEXITED(status)) total.ended++;
            if (WIFSIGNALED(status)) total.killed++;
            if (options.verbose) printf("seed %" PRIu64 ": status %#x\n", run_seed, (unsigned)status);
            if (WIFEXITED(status) && WEXITSTATUS(status) == SANITIZER_STATUS) finding(pid, "a sanitizer's status");
            kill(-1, SIGKILL);
        } else if (pid == 0) {
            struct pollfd p = {.fd = out, .events = POLLIN};
            const struct timespec wait = {.tv_nsec = ready ? 20000000 : 1000000};
            if (!ready && poll(&p, 1, 0) > 0) {
                ready = true;
                ranges_send(first, in);
            }
            sigtimedwait(&children, NULL, &wait);
            if (now() > until) {
                late();
                kill(-1, SIGKILL);
                until = now() + RUN_SECONDS;
            }
        }
    }
    close(in);
    close(out);
    if (*made <= 100 * (uint64_t)options.calls) total.calls += *made; /* the guest may have written anything */
    judge_output();
}

int fuzz_runs(void) {
    double began = now();
    said = memfd_create("said", MFD_CLOEXEC), counts = memfd_create("counts", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (!image_load() || said < 0 || counts < 0 || ftruncate(counts, 4096)) return 2;
    fcntl(counts, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    made = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counts, 0);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    while (now() - began < options.seconds && total.runs < options.runs) {
        run_seed = options.seed + total.runs++;
        run();
    }
    printf("%" PRIu64 " calls in %" PRIu64 " runs: %" PRIu64 " ended, %" PRIu64 " died of a signal, %" PRIu64
           " were late; code compared %" PRIu64 " times; %" PRIu64 " findings\n",
           total.calls, total.runs, total.ended, total.killed, total.late, total.exits_checked, total.findings);
    if (!total.calls)
        printf("no call was made: vee does not start there; --verbose shows more, and a build with sanitizers "
               "wants --sanitized\n");
    fflush(stdout);
    return total.findings != 0 || !total.calls;
}

int main(int argc, char **argv) {
    static const struct option names[] = {
        {"vee", 1, NULL, 'v'},       {"guest", 1, NULL, 'g'},   {"seconds", 1, NULL, 's'},
        {"seed", 1, NULL, 'r'},      {"runs", 1, NULL, 'n'},    {"calls", 1, NULL, 'c'},
        {"sanitized", 0, NULL, 'a'}, {"verbose", 0, NULL, 'l'}, {NULL, 0, NULL, 0}};
    options.runs = UINT64_MAX;
    for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) >= 0;) switch (c) {
        case 'v': options.vee = optarg; break;
        case 'g': options.guest = optarg; break;
        case 's': options.seconds = atof(optarg); break;
        case 'r': options.seed = strtoull(optarg, NULL, 0); break;
        case 'n': options.runs = strtoull(optarg, NULL, 0); break;
        case 'c': options.calls = (unsigned)atoi(optarg); break;
        case 'a': options.sanitized = true; break;
        case 'l': options.verbose = true; break;
        default: return 2;
        }
    options.vee_options = argv + optind;
    if (!options.vee || !options.guest) {
        fprintf(stderr, "usage: fuzz_calls --vee VEE --guest fuzz_calls_guest [--seconds N] [--seed N] [--runs N] "
                        "[--calls N] [--sanitized] [--verbose] [-- options of vee]\n");
        return 2;
    }
    return sandbox_run(&options, fuzz_runs);
}
