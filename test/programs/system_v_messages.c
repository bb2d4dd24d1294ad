/* System V message queues: types, order, lengths, waiting, interruption, removal, permissions. */
/* qemu: 7.2 does not say who took a message last */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

struct message {
    long type;
    char text[32];
};

static void show(const char *what, long result) {
    printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
    fflush(stdout);
}

static int put(int queue, long type, const char *text) {
    struct message m = {.type = type};
    strcpy(m.text, text);
    return msgsnd(queue, &m, strlen(text), IPC_NOWAIT);
}

static void take(int queue, long type, size_t room, int flags) {
    struct message m = {.type = -7};
    long n = msgrcv(queue, &m, room, type, flags);
    if (n < 0)
        show("nothing taken", n);
    else
        printf("%ld bytes of type %ld: %.*s\n", n, m.type, (int)n, m.text);
}

static void order(int queue) {
    put(queue, 3, "three");
    put(queue, 1, "one");
    put(queue, 2, "two");
    put(queue, 1, "another");
    put(queue, 9, "");
    take(queue, 1, 32, 0);
    take(queue, -2, 32, 0);
    take(queue, 3, 32, MSG_EXCEPT);
    take(queue, 5, 32, IPC_NOWAIT);
    take(queue, 0, 2, IPC_NOWAIT);
    take(queue, 0, 2, IPC_NOWAIT | MSG_NOERROR);
    take(queue, 0, 32, IPC_NOWAIT);
    take(queue, 0, 32, IPC_NOWAIT);
}

static void wrong(int queue) {
    show("type 0", put(queue, 0, "x"));
    show("no memory", msgsnd(queue, (void *)-4096L, 1, IPC_NOWAIT));
    struct {
        long type;
        char text[8];
    } m = {7, "seven"};
    volatile long negative = -1;
    show("negative length", msgsnd(queue, &m, (size_t)negative, IPC_NOWAIT));
    show("negative length from nowhere", msgsnd(queue, (void *)-4096L, (size_t)negative, IPC_NOWAIT));
    show("negative room", msgrcv(queue, &m, (size_t)negative, 0, IPC_NOWAIT));
    show("negative room nowhere", msgrcv(queue, (void *)-4096L, (size_t)negative, 0, IPC_NOWAIT));
    show("a short one", msgsnd(queue, &m, 6, IPC_NOWAIT));
    m.text[0] = 0;
    show("endless room", msgrcv(queue, &m, (size_t)(LONG_MAX + negative + 1), 0, IPC_NOWAIT));
    printf("%ld %s\n", m.type, m.text);
    show("an unknown command", msgctl(queue, 77, NULL));
    show("nowhere to show", msgctl(queue, IPC_STAT, (struct msqid_ds *)-4096L));
}

static void the_queue(int queue) {
    struct msqid_ds q;
    memset(&q, 0xee, sizeof q);
    put(queue, 1, "twelve bytes");
    show("IPC_STAT", msgctl(queue, IPC_STAT, &q));
    printf("%lu messages, %lu bytes, by me %d, taken by me %d, mine %d\n", (unsigned long)q.msg_qnum,
           (unsigned long)q.__msg_cbytes, q.msg_lspid == getpid(), q.msg_lrpid == getpid(),
           q.msg_perm.uid == geteuid());
    q.msg_qbytes = 20;
    q.msg_perm.mode = 0600;
    show("IPC_SET", msgctl(queue, IPC_SET, &q));
    show("a full queue", put(queue, 1, "nine bytes"));
    show("what fits", put(queue, 1, "eight by"));
    take(queue, 0, 32, 0);
    take(queue, 0, 32, 0);
    struct msginfo info = {0};
    show("IPC_INFO", msgctl(0, IPC_INFO, (struct msqid_ds *)&info) >= 0);
    show("some are allowed", info.msgmax > 0 && info.msgmni > 0);
}

static void on_alarm(int signal) {
    (void)signal;
}

static void waiting(int queue) {
    pid_t child = fork();
    if (child == 0) {
        take(queue, 4, 32, 0);
        put(queue, 5, "an answer");
        struct message m;
        _exit(msgrcv(queue, &m, sizeof m.text, 6, 0) < 0 ? errno : 0);
    }
    put(queue, 4, "a question");
    take(queue, 5, 32, 0);
    struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &a, NULL);
    ualarm(200000, 200000); /* again, where one came before the wait; and the child waits by then */
    take(queue, 8, 32, 0);
    ualarm(0, 0);
    show("IPC_RMID", msgctl(queue, IPC_RMID, NULL));
    int status;
    waitpid(child, &status, 0);
    printf("the child got %s\n", strerrorname_np(WEXITSTATUS(status)));
    show("removed", put(queue, 1, "x"));
}

int main(void) {
    int queue = msgget(IPC_PRIVATE, 0600);
    if (queue < 0) return 1;
    order(queue);
    wrong(queue);
    the_queue(queue);
    waiting(queue);
    return 0;
}
