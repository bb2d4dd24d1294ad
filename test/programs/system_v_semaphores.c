/* System V semaphores: values, operations that wait, undoing, times out, interruptions, removal, permissions. */
/* qemu: 7.2 stores the mode of a set in more bits than it has */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "patient.h"

union semun {
    int value;
    struct semid_ds *set;
    unsigned short *values;
    struct seminfo *info;
};

static void show(const char *what, long result) {
    printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
    fflush(stdout);
}

static void show_values(int set) {
    unsigned short v[3] = {99, 99, 99};
    show("GETALL", semctl(set, 0, GETALL, (union semun){.values = v}));
    printf("values %u %u %u\n", v[0], v[1], v[2]);
}

static volatile sig_atomic_t alarms;

static int operate(int set, unsigned short which, short by, short flags) {
    struct sembuf op = {which, by, flags};
    return PATIENT_AGAIN(semop(set, &op, 1), result_ < 0 && errno == EINTR && !alarms);
}

static void values(int set) {
    unsigned short v[3] = {1, 0, 7};
    show("SETALL", semctl(set, 0, SETALL, (union semun){.values = v}));
    show_values(set);
    show("SETVAL", semctl(set, 1, SETVAL, (union semun){.value = 5}));
    show("GETVAL", semctl(set, 1, GETVAL));
    show("SETVAL too large", semctl(set, 1, SETVAL, (union semun){.value = 40000}));
    show("GETVAL of none", semctl(set, 3, GETVAL));
    struct sembuf both[] = {{0, -1, 0}, {2, -8, IPC_NOWAIT}};
    show("all or nothing", semop(set, both, 2));
    show_values(set);
    both[1].sem_op = -7;
    show("both", semop(set, both, 2));
    show_values(set);
    show("GETPID", semctl(set, 0, GETPID) == getpid());
    show("no operations", semop(set, both, 0));
    show("no such memory", semop(set, (struct sembuf *)-4096L, 1));
    show("no memory for values", semctl(set, 0, GETALL, (union semun){.values = (unsigned short *)-4096L}));
}

static void waiting(int set) {
    semctl(set, 0, SETALL, (union semun){.values = (unsigned short[]){0, 0, 0}});
    pid_t child = fork();
    if (child == 0) {
        operate(set, 0, -2, 0);
        operate(set, 1, 1, SEM_UNDO); /* undone at the end */
        operate(set, 2, 3, 0);
        _exit(11);
    }
    while (semctl(set, 0, GETNCNT) != 1) usleep(1000);
    show("wait for zero", operate(set, 0, 0, 0));
    show("one is not enough", operate(set, 0, 1, 0));
    show("GETNCNT", semctl(set, 0, GETNCNT));
    show("two", operate(set, 0, 1, 0));
    show("what the child gives", operate(set, 2, -3, 0));
    int status;
    waitpid(child, &status, 0);
    show("child", WEXITSTATUS(status));
    show_values(set);
    struct sembuf op = {0, -1, 0};
    const struct timespec soon = {0, 20000000};
    show("in vain", PATIENT_AGAIN(semtimedop(set, &op, 1, &soon), result_ < 0 && errno == EINTR));
    show("a bad time", semtimedop(set, &op, 1, &(struct timespec){0, -1}));
}

static void on_alarm(int signal) {
    alarms = alarms + (signal == SIGALRM);
}

static void ends_of_waiting(int set) {
    struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &a, NULL);
    ualarm(20000, 20000); /* again, where one came before the wait */
    show("interrupted", operate(set, 0, -1, 0));
    ualarm(0, 0);
    alarms = 0;
    pid_t child = fork();
    if (child == 0) _exit(operate(set, 0, -1, 0) < 0 ? errno : 0);
    while (semctl(set, 0, GETNCNT) != 1) usleep(1000);
    show("IPC_RMID", semctl(set, 0, IPC_RMID));
    int status;
    waitpid(child, &status, 0);
    printf("the child got %s\n", strerrorname_np(WEXITSTATUS(status)));
    show("removed", semctl(set, 0, GETVAL));
}

static void the_set(int set) {
    struct semid_ds s;
    memset(&s, 0xee, sizeof s);
    show("IPC_STAT", semctl(set, 0, IPC_STAT, (union semun){.set = &s}));
    printf("%lu semaphores, mode %o, mine %d, never used %d, made just now %d\n", (unsigned long)s.sem_nsems,
           s.sem_perm.mode, s.sem_perm.uid == geteuid(), s.sem_otime == 0, time(NULL) - s.sem_ctime < 10);
    s.sem_perm.mode = 0640;
    show("IPC_SET", semctl(set, 0, IPC_SET, (union semun){.set = &s}));
    operate(set, 0, 0, 0);
    semctl(set, 0, IPC_STAT, (union semun){.set = &s});
    printf("mode %o, used just now %d\n", s.sem_perm.mode, time(NULL) - s.sem_otime < 10);
    struct seminfo info = {0};
    show("IPC_INFO", semctl(0, 0, IPC_INFO, (union semun){.info = &info}) >= 0);
    show("some are allowed", info.semmsl > 0 && info.semmni > 0);
    show("an unknown command", semctl(set, 0, 77));
}

int main(void) {
    int set = semget(IPC_PRIVATE, 3, 0600);
    if (set < 0) return 1;
    the_set(set);
    values(set);
    waiting(set);
    ends_of_waiting(set);
    show("none without a key", semget(0x7ee7ee, 1, 0));
    return 0;
}
