/* run_inputs.c - what comes from outside comes through one door.
 *
 *   run_inputs [--counted] [--past] FILE...
 *
 * Runs each program with standard input and notes what comes through the door (tape.h); then again, on every tier, with
 * no input, elsewhere, at another time, while everything that was noted is given. End, output and the digest of the
 * whole state must be the same, and nothing may be left on the tape; the host is not asked: a filter of system calls
 * ends a run that reads, waits or looks at a clock. A run that leaks (it is not given one kind of input) must not come
 * to the same end, else the test sees nothing. --past: the programs do what a tape cannot hold, and must be told so.
 * Prints `N passed, N failed`.
 */
#include "tape.h"
#include "process/process.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned passed, failed;
static bool counted, past;
static const char input[] = "one line of text\nand 12345 more\n\0binary\xff";

enum { OUTPUT = 1 << 16, LIMIT = 20000 /* ms without output */ };
struct result {
    bool ran;
    int end, status;
    uint64_t value, count, digest;
    size_t size;
    char output[OUTPUT], error[512];
};

static void check(bool good, const char *file, const char *what, const char *more) {
    if (good) {
        passed++;
        return;
    }
    failed++;
    printf("--- %s: %s %s\n", file, what, more);
}

/* What vee itself needs to go on is let through, and output, and whatever makes or moves memory. */
static void forbid_asking(void) {
    static const int asks[] = {SYS_read,         SYS_readv,      SYS_pread64,
                               SYS_preadv,       SYS_preadv2,    SYS_recvfrom,
                               SYS_recvmsg,      SYS_poll,       SYS_ppoll,
                               SYS_select,       SYS_pselect6,   SYS_epoll_wait,
                               SYS_epoll_pwait,  SYS_getrandom,  SYS_clock_gettime,
                               SYS_gettimeofday, SYS_time,       SYS_nanosleep,
                               SYS_open,         SYS_openat,     SYS_clock_nanosleep,
                               SYS_stat,         SYS_newfstatat, SYS_statx,
                               SYS_getdents64,   SYS_readlink,   SYS_readlinkat,
                               SYS_getcwd,       SYS_sysinfo,    SYS_uname,
                               SYS_pipe2,        SYS_socket,     SYS_rt_sigtimedwait,
                               SYS_wait4,        SYS_waitid,     SYS_fork,
                               SYS_clone,        SYS_clone3,     SYS_kill,
                               SYS_tgkill,       SYS_setitimer,  SYS_timer_create,
                               SYS_timer_settime};
    enum { N = sizeof asks / sizeof *asks };
    struct sock_filter code[N + 3];
    code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < N; i++)
        code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)asks[i], N - i, 0);
    code[N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[N + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    const struct sock_fprog program = {N + 3, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) _exit(77);
}

/* The id of a process is the host's, and part of its state, unless it is counted. */
static uint64_t digest(struct vm *vm) {
    return vm->counted || strcmp(vm->kind->name, "process") ? vm_digest(vm) : 0;
}

static void run_vm(struct result *r, const char *file, const char *tier, const struct input_tap *tap, struct tape *t) {
    static const char *const envp[] = {"HOME=/", NULL};
    const char *const argv[] = {file, NULL};
    struct error error = {0};
    struct process_options process = process_options_none;
    const void *own[8];
    process.store = "off";
    process.window = true;
    for (unsigned k = 0; vm_kinds[k]; k++)
        own[k] = strcmp(vm_kinds[k]->name, "process") ? vm_kinds[k]->options.none : &process;
    struct vm_options o = {.path = file,
                           .argv = argv,
                           .envp = envp,
                           .own = own,
                           .counted = counted,
                           .tier = !strcmp(tier, "interp")     ? TIER_INTERP
                                   : !strcmp(tier, "baseline") ? TIER_BASELINE
                                                               : TIER_AUTO,
                           .tap = tap,
                           .tap_self = t};
    struct vm *vm = vm_open(&o, &error);
    if (!vm) {
        snprintf(r->error, sizeof r->error, "%s", error.text);
        return;
    }
    if (tap == &tape_player) forbid_asking();
    vm_run(vm);
    *r = (struct result){
        true, (int)vm->end, vm->status, vm->end_value, vm->counted ? cpu_count(vm->cpu) : 0, digest(vm), 0, "", ""};
    fflush(stdout);
}

static void *shared(size_t size) {
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* In a child, as a process vm owns its process; in a folder of its own, with or without input. */
static struct result *run(const char *file, const char *tier, const struct input_tap *tap, struct tape *t) {
    struct result *r = shared(sizeof *r);
    char folder[] = "/tmp/run_inputs.XXXXXX";
    int ends[2], in[2];
    bool first = tap != &tape_player;
    if (!mkdtemp(folder) || pipe(ends) || pipe(in)) exit(1);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        if (!first) setenv("TZ", "UTC", 1);
        signal(SIGPIPE, SIG_DFL);
        if (chdir(folder)) _exit(1);
        if (first) {
            int fd = open("note", O_CREAT | O_WRONLY, 0600);
            if (write(fd, "a file\n", 7) != 7) _exit(1);
            close(fd);
        }
        dup2(in[0], 0);
        dup2(ends[1], 1);
        close(in[0]), close(in[1]), close(ends[0]), close(ends[1]);
        run_vm(r, file, tier, tap, t);
        _exit(0);
    }
    close(ends[1]), close(in[0]);
    /* In two parts, the second when the first has been read: who waits for it does so for a time that comes from
       outside, too. */
    enum { PART = 10 };
    ssize_t given = first ? write(in[1], input, PART) : 0;
    int left = first;
    for (int i = 0; i < 100 && left && ioctl(in[1], FIONREAD, &left) == 0; i++) usleep(10000);
    if (first) usleep(30000);
    if (given > 0) given = write(in[1], input + PART, sizeof input - PART);
    check(given >= 0 || errno == EPIPE, file, "cannot be given input", "");
    close(in[1]);
    static char output[OUTPUT];
    size_t size = 0;
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    ssize_t n = 1;
    for (; n > 0 && size < OUTPUT && poll(&p, 1, LIMIT) == 1; size += n > 0 ? (size_t)n : 0)
        n = read(ends[0], output + size, OUTPUT - size);
    if (n > 0) kill(child, SIGKILL); /* no end */
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    r->size = size;
    memcpy(r->output, output, size);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        snprintf(r->error, sizeof r->error, "%s %d", WIFEXITED(status) ? "status" : "signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        r->ran = false;
    }
    char command[sizeof folder + 16];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    check(!system(command), file, "cannot be removed:", folder);
    return r;
}

static bool same(const struct result *a, const struct result *b) {
    return a->ran && b->ran && a->end == b->end && a->status == b->status && a->value == b->value &&
           a->count == b->count && a->digest == b->digest && a->size == b->size &&
           !memcmp(a->output, b->output, a->size);
}

static void play(const char *file, const char *tier, const struct result *want, struct tape *t) {
    char more[1024];
    t->next = 0;
    *t->error = 0;
    struct result *r = run(file, tier, &tape_player, t);
    snprintf(more, sizeof more, "%s: end %d %d count %llu digest %llx, wanted %d %d %llu %llx: %s%s, %zu bytes left",
             tier, r->end, r->status, (unsigned long long)r->count, (unsigned long long)r->digest, want->end,
             want->status, (unsigned long long)want->count, (unsigned long long)want->digest, t->error, r->error,
             t->used - t->next);
    check(same(want, r) && !*t->error && t->next == t->used, file, "played on", more);
    munmap(r, sizeof *r);
}

/* One kind is asked of the host, which has something else: that must show. */
static void leak(const char *file, const struct result *want, struct tape *t, int kind) {
    t->next = 0;
    *t->error = 0;
    t->leak = kind;
    struct result *r = run(file, "baseline", &tape_player, t);
    check(!same(want, r) || *t->error, file, "it does not show when this is read past the door:", input_names[kind]);
    t->leak = TAPE_NO_KIND;
    munmap(r, sizeof *r);
}

static void test(const char *file, int64_t output_call) {
    static const char *const tiers[] = {"baseline", "interp", "auto"};
    struct tape *t = tape_make();
    if (!t) exit(1);
    struct result *want = run(file, "baseline", &tape_recorder, t);
    check(want->ran && want->end != VM_TRAPPED && !*t->error, file, "noted:", *t->error ? t->error : want->error);
    check(past == (*t->past != 0), file, "past the door:", t->past);
    t->through = output_call;
    for (unsigned i = 0; i < 3 && !past; i++) play(file, tiers[i], want, t);
    static const int kinds[] = {INPUT_call, INPUT_clock, INPUT_random, INPUT_device, INPUT_data};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds && !past; i++)
        if (t->seen[kinds[i]]) leak(file, want, t, kinds[i]);
    munmap(want, sizeof *want);
    munmap(t, sizeof *t);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* of those who read no input */
    int64_t output_call = -1;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--counted"))
            counted = true;
        else if (!strcmp(argv[i], "--past"))
            past = true;
        else if (!strcmp(argv[i], "--output") && argv[i + 1])
            output_call = atoi(argv[++i]);
        else
            test(argv[i], output_call);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
