/* prctl: what can be set is shown again, what cannot is refused, what children inherit. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static long show(const char *what, long result) {
    printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
    fflush(stdout);
    return result;
}

static void get(const char *what, int option) {
    int value = -1;
    show(what, prctl(option, &value, 0, 0, 0));
    printf("%d\n", value);
}

static void numbers(void) {
    get("PDEATHSIG", PR_GET_PDEATHSIG);
    show("PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGUSR1));
    get("PDEATHSIG", PR_GET_PDEATHSIG);
    show("PDEATHSIG", prctl(PR_SET_PDEATHSIG, 65));
    prctl(PR_SET_PDEATHSIG, 0);
    show("PDEATHSIG of nothing", prctl(PR_GET_PDEATHSIG, -4096L));
    show("DUMPABLE", prctl(PR_SET_DUMPABLE, 0));
    show("DUMPABLE", prctl(PR_GET_DUMPABLE));
    show("DUMPABLE", prctl(PR_SET_DUMPABLE, 5));
    prctl(PR_SET_DUMPABLE, 1);
    show("KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1));
    show("KEEPCAPS", prctl(PR_GET_KEEPCAPS));
    show("KEEPCAPS", prctl(PR_SET_KEEPCAPS, 2));
    show("TIMERSLACK", prctl(PR_SET_TIMERSLACK, 12345));
    show("TIMERSLACK", prctl(PR_GET_TIMERSLACK));
    show("TIMING", prctl(PR_GET_TIMING));
    show("THP_DISABLE", prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    show("THP_DISABLE", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    show("THP_DISABLE", prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
    show("CAPBSET_READ", prctl(PR_CAPBSET_READ, 0, 0, 0, 0));
    show("CAPBSET_READ", prctl(PR_CAPBSET_READ, 99, 0, 0, 0));
    show("CAP_AMBIENT", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0, 0, 0));
    show("CAP_AMBIENT", prctl(PR_CAP_AMBIENT, 77, 0, 0, 0));
    show("SECUREBITS", prctl(PR_GET_SECUREBITS));
    show("NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
    show("NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    show("NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    show("NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    show("NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    show("SECCOMP", prctl(PR_GET_SECCOMP));
    show("unknown", prctl(123456, 0, 0, 0, 0));
    show("FPEMU of other processors", prctl(PR_GET_FPEMU, 0, 0, 0, 0));
    show("ENDIAN of other processors", prctl(PR_GET_ENDIAN, 0, 0, 0, 0));
    show("MCE_KILL", prctl(PR_MCE_KILL, 1, 99, 0, 0));
}

static void names(void) {
    char name[17] = "", *end = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    show("SET_NAME", prctl(PR_SET_NAME, "a name that is too long"));
    show("GET_NAME", prctl(PR_GET_NAME, name));
    printf("%s\n", name);
    munmap(end + 4096, 4096);
    strcpy(end + 4096 - 4, "end");
    show("SET_NAME", prctl(PR_SET_NAME, end + 4096 - 4));
    prctl(PR_GET_NAME, name);
    printf("%s\n", name);
    show("SET_NAME", prctl(PR_SET_NAME, -4096L));
    show("GET_NAME", prctl(PR_GET_NAME, end + 4096));
    long r = prctl(0x53564d41 /* PR_SET_VMA */, 0, end, 4096, "memory"); /* not all kernels have it */
    printf("SET_VMA: %d\n", r == 0 || errno == EINVAL);
    show("SET_VMA", prctl(0x53564d41, 1, end, 4096, "memory"));
}

/* A grandchild whose parent ends becomes the child of the one that takes them. */
static void subreaper(void) {
    int fds[2], seen = 0;
    get("CHILD_SUBREAPER", PR_GET_CHILD_SUBREAPER);
    show("CHILD_SUBREAPER", prctl(PR_SET_CHILD_SUBREAPER, 1));
    get("CHILD_SUBREAPER", PR_GET_CHILD_SUBREAPER);
    pipe(fds);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        get("a child's", PR_GET_CHILD_SUBREAPER);
        pid_t middle = getpid();
        if (fork()) _exit(0);
        while (getppid() == middle) usleep(1000);
        seen = getppid() == parent;
        write(fds[1], &seen, sizeof seen);
        _exit(7);
    }
    waitpid(child, NULL, 0);
    read(fds[0], &seen, sizeof seen);
    printf("its parent is this process: %d\n", seen);
    int status = 0;
    wait(&status);
    printf("%d\n", WEXITSTATUS(status));
    show("wait", wait(NULL));
}

static void death_of_parent(void) {
    int fds[2];
    char c = 0;
    pipe(fds);
    pid_t child = fork();
    if (child == 0) {
        if (fork()) {
            read(fds[0], &c, 1);
            _exit(0);
        }
        sigset_t set;
        int signal;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, NULL);
        prctl(PR_SET_PDEATHSIG, SIGUSR1);
        write(fds[1], "x", 1);
        sigwait(&set, &signal);
        _exit(signal == SIGUSR1 ? 9 : 10);
    }
    waitpid(child, NULL, 0);
    int status = 0;
    wait(&status);
    printf("told of the parent's death: %d\n", WEXITSTATUS(status));
}

static void vectors(void) {
    uint64_t words[128] = {0}, only[2] = {0, 77};
    long size = prctl(0x41555856 /* PR_GET_AUXV */, words, sizeof words, 0, 0);
    if (size < 0) { /* kernels before 6.4 */
        puts("same page size: 1\nall the same: 1\ncut: 1 77");
        return;
    }
    for (int i = 0; i < 128 && words[i]; i += 2)
        if (words[i] == AT_PAGESZ) printf("same page size: %d\n", words[i + 1] == getauxval(AT_PAGESZ));
    printf("all the same: %d\n", prctl(0x41555856, only, 8, 0, 0) == size);
    printf("cut: %d %d\n", only[0] == words[0], (int)only[1]);
}

int main(void) {
    numbers();
    names();
    subreaper();
    death_of_parent();
    vectors();
    return 0;
}
