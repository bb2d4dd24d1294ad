/* A program with something of everything that a process has: actions, an alternate stack, a mask, mappings of every
 * kind, a filter, a limit, a name. Then it counts.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void handler(int signal) {
    (void)signal;
}

int main(void) {
    static char stack[65536];
    struct sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    struct sock_fprog program = {1, allow};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_ONSTACK}, NULL);
    raise(SIGUSR1);
    setrlimit(RLIMIT_DATA, &(struct rlimit){1 << 30, RLIM_INFINITY});
    prctl(PR_SET_NAME, "other");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    char *shared = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *private = mmap(NULL, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared[5] = private[6] = 7;
    mprotect(private, 8192, PROT_READ);
    madvise(shared, 4096, MADV_DONTFORK);
    munmap(private + 32768, 4096);
    sbrk(65536);
    for (volatile unsigned i = 0; i < 1000000; i++) continue;
    return 0;
}
