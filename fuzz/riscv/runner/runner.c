/* runner.c - a riscv64 Linux program that runs the fuzzer's cases for real: under QEMU, under vee, or on hardware.
 *
 * The signal handler is the loop. A case ends with a signal (ebreak at the latest); the handler notes the state it
 * finds in the context, puts the next case's state there, and returns into that case. Registers are all the case's, so
 * the handler starts by getting its own gp and tp back; its stack is its own. Code is written while no case runs, and
 * is not writable while one does.
 */
#define _GNU_SOURCE
#include "../protocol.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { SECONDS = 3, STACK = 256 << 10 };

static struct run_batch batch;
static struct run_result result[RUN_CASES];
static uint8_t fresh[RUN_DATA];
static int running = -1; /* the case that is being run */
static uint8_t *const code = (uint8_t *)RUN_CODE_AT, *const data = (uint8_t *)RUN_DATA_AT;
uint64_t runner_tp;

void handler_entry(int, siginfo_t *, void *);
__asm__(".text\n"
        "handler_entry:\n"
        "  .option push\n"
        "  .option norelax\n"
        "  la gp, __global_pointer$\n"
        "  .option pop\n"
        "  la t0, runner_tp\n"
        "  ld tp, 0(t0)\n"
        "  tail handle\n");

/* All or nothing; false at the end of the input. */
static int transfer(int fd, void *bytes, size_t size, int out) {
    for (size_t done = 0; done < size;) {
        ssize_t n;
        TRY_AGAIN(n = out ? write(fd, (char *)bytes + done, size - done) : read(fd, (char *)bytes + done, size - done));
        if (n == 0 && done == 0 && !out) return 0;
        if (n <= 0) _exit(3);
        done += (size_t)n;
    }
    return 1;
}

static void next_batch(void) {
    alarm(0);
    if (!transfer(0, &batch, sizeof batch, 0)) _exit(0);
    if (batch.magic != RUN_MAGIC || batch.n == 0 || batch.n > RUN_CASES) _exit(4);
    data_fill(fresh, RUN_DATA, batch.data_seed);
    if (mprotect(code, RUN_CODE, PROT_READ | PROT_WRITE)) _exit(5);
    memcpy(code, batch.code, RUN_CODE);
    if (mprotect(code, RUN_CODE, PROT_READ | PROT_EXEC)) _exit(5);
    __builtin___clear_cache((char *)code, (char *)code + RUN_CODE);
    running = 0;
    alarm(SECONDS);
}

static void note(struct run_result *r, int signal, const siginfo_t *info, const ucontext_t *u) {
    const mcontext_t *m = &u->uc_mcontext;
    memcpy(r->x, m->__gregs, sizeof r->x);
    r->x[0] = 0;
    r->pc = m->__gregs[REG_PC];
    memcpy(r->f, m->__fpregs.__d.__f, sizeof r->f);
    r->fcsr = m->__fpregs.__d.__fcsr;
    r->memory = data_digest(data, RUN_DATA);
    r->signal = (uint64_t)signal;
    r->code = (uint64_t)info->si_code;
    r->address = signal == SIGALRM ? 0 : (uint64_t)info->si_addr;
}

/* Also drops a reservation that the case before may have left. */
static void start(const struct run_case *c, ucontext_t *u) {
    uint64_t nothing = 0;
    __asm__ volatile("sc.d zero, zero, (%0)" : : "r"(&nothing) : "memory");
    mcontext_t *m = &u->uc_mcontext;
    memcpy(data, fresh, RUN_DATA);
    memcpy(m->__gregs, c->x, sizeof c->x);
    m->__gregs[REG_PC] = c->pc;
    memcpy(m->__fpregs.__d.__f, c->f, sizeof c->f);
    m->__fpregs.__d.__fcsr = (unsigned)c->fcsr;
}

__attribute__((used)) static void handle(int signal, siginfo_t *info, void *context) {
    if (running >= 0) note(&result[running++], signal, info, context);
    if (running < 0 || running == (int)batch.n) {
        if (running > 0) transfer(1, result, batch.n * sizeof *result, 1);
        next_batch();
    }
    if (signal == SIGALRM) alarm(SECONDS);
    start(&batch.cases[running], context);
}

static void map(void *at, size_t size, int rights) {
    if (mmap(at, size, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at) _exit(6);
}

int main(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGALRM, SIGUSR1};
    __asm__ volatile("mv %0, tp" : "=r"(runner_tp));
    map(data, RUN_DATA, PROT_READ | PROT_WRITE);
    map(data + RUN_DATA, RUN_RO, PROT_READ | PROT_WRITE);
    map(code, RUN_CODE, PROT_READ | PROT_WRITE);
    data_fill(data, RUN_DATA + RUN_RO, 1);
    if (mprotect(data + RUN_DATA, RUN_RO, PROT_READ)) return 6;
    stack_t stack = {.ss_sp = malloc(STACK), .ss_size = STACK};
    if (sigaltstack(&stack, NULL)) return 6;
    struct sigaction act = {.sa_sigaction = handler_entry, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], &act, NULL)) return 6;
    raise(SIGUSR1);
    return 7; /* never: the handler does not come back here */
}
