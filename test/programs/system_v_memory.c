/* System V shared memory: attaching and detaching, where, with which rights, partly unmapped, over fork, until the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patient.h"

static void show(const char *what, long result) {
    printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
    fflush(stdout);
}

static void show_at(const char *what, void *at, void *expected) {
    if (at == (void *)-1)
        show(what, -1);
    else
        show(what, at == expected);
}

static long attached(int id) {
    struct shmid_ds m;
    return shmctl(id, IPC_STAT, &m) ? -1 : (long)m.shm_nattch;
}

static sigjmp_buf back;
static void fault(int signal) {
    siglongjmp(back, signal);
}

static int touch(volatile char *at, int write) {
    int signal = sigsetjmp(back, 1);
    if (signal) return signal;
    if (write)
        *at = 1;
    else
        (void)*at;
    return 0;
}

static void status(int id) {
    struct shmid_ds m;
    show("IPC_STAT", shmctl(id, IPC_STAT, &m));
    printf("size %zu mode %o creator %d last %d attached %lu\n", m.shm_segsz, m.shm_perm.mode, m.shm_cpid == getpid(),
           m.shm_lpid == getpid(), (unsigned long)m.shm_nattch);
    m.shm_perm.mode = 0640;
    show("IPC_SET", shmctl(id, IPC_SET, &m));
    show("IPC_STAT", shmctl(id, IPC_STAT, &m));
    printf("mode %o\n", m.shm_perm.mode);
    struct shminfo limits;
    show("IPC_INFO", shmctl(id, IPC_INFO, (struct shmid_ds *)&limits) < 0);
    printf("%d\n", limits.shmmin == 1 && limits.shmmax > 100000);
    struct shm_info used;
    show("SHM_INFO", shmctl(id, SHM_INFO, (struct shmid_ds *)&used) < 0);
    printf("%d\n", used.used_ids >= 1);
    show("no memory", shmctl(id, IPC_STAT, (struct shmid_ds *)-4096L));
    show("no such command", shmctl(id, 99, NULL));
}

static void sharing(int id) {
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
    show("two places", a != (char *)-1 && b != (char *)-1 && a != b);
    show("attached", attached(id));
    strcpy(a + 4096, "hello");
    printf("%s\n", b + 4096);
    printf("write to what is only for reading: %d\n", touch(b, 1));
    show("mprotect", mprotect(b, 4096, PROT_READ | PROT_WRITE));
    pid_t child = fork();
    if (child == 0) {
        printf("child sees %s, attached %ld\n", a + 4096, attached(id));
        strcpy(a, "from the child");
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    printf("%s, attached %ld\n", b, attached(id));
    show("within", shmdt(a + 4096));
    show("odd", shmdt(a + 1));
    show("detach", shmdt(a));
    show("again", shmdt(a));
    printf("gone: %d\n", touch(a, 0));
    show("attached", attached(id));
    show("detach", shmdt(b));
    show("attached", attached(id));
}

static void places(int id, size_t size) {
    char *room = mmap(NULL, 4 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    show_at("taken", shmat(id, room + size, 0), NULL);
    show_at("odd", shmat(id, room + size + 1, 0), NULL);
    show_at("replaced", shmat(id, room + size, SHM_REMAP), room + size);
    show_at("replace nothing", shmat(id, NULL, SHM_REMAP), NULL);
    munmap(room + 2 * size, size);
    show_at("rounded", shmat(id, room + 2 * size + 5, SHM_RND), room + 2 * size);
    show("attached", attached(id));
    room[size] = 'x';
    printf("%c\n", room[2 * size]);
    /* A hole in one of them. */
    show("munmap", munmap(room + size + 4096, 4096));
    show("attached", attached(id));
    show("detach", shmdt(room + size));
    printf("first %d last %d other %d\n", touch(room + size, 0), touch(room + 2 * size - 1, 0),
           touch(room + 2 * size, 0));
    show("attached", attached(id));
    show("unmap all", munmap(room, 4 * size));
    show("attached", attached(id));
}

static void moved(int id, size_t size) {
    char *a = shmat(id, NULL, 0);
    strcpy(a, "moved");
    char *b = mremap(a, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, a - 16 * size);
    show_at("mremap", b, a - 16 * size);
    printf("%s\n", b);
    show("detach", shmdt(b));
    show("attached", attached(id));
}

int main(void) {
    const size_t size = 3 * 4096;
    signal(SIGSEGV, fault);
    int id = shmget(IPC_PRIVATE, size - 100, IPC_CREAT | 0600);
    show("shmget", id < 0 ? -1 : 0);
    show("too small", shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
    show_at("no such segment", shmat(-5, NULL, 0), NULL);
    status(id);
    sharing(id);
    places(id, size);
    moved(id, size);
    char *kept = shmat(id, NULL, 0);
    show("remove", shmctl(id, IPC_RMID, NULL));
    strcpy(kept, "still there");
    printf("%s\n", kept);
    show("detach", shmdt(kept));
    show("gone", shmctl(id, IPC_STAT, &(struct shmid_ds){0}));
    return 0;
}
