/* disassemble.c - host code in the log as text: a filter for its lines, through the program of disassembler/.
 *
 * The program is started at the first such line, from memory, and is asked over a socket, one line at a time, so that
 * the log stays in order. The guest is not to notice: the socket's descriptor is a high one (a guest that closes it
 * gets hex from then on), the program is no child of this process, and it keeps no descriptor of the guest's open. A
 * process that was forked starts its own. Where anything fails, lines stay as they are.
 */
#define _GNU_SOURCE
#include "cmd/cmd.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

extern const char disassembler_blob[], disassembler_blob_end[];

static const char host_line[] = "host ";
enum { OWN_FD = 1000, PROGRAM_FD = 3 };

struct disassembler {
    FILE *out;
    pid_t owner; /* the process that `socket` belongs to; 0: none yet */
    int socket;  /* -1: it could not be started */
};

/* In the new process. */
static _Noreturn void program_run(int socket) {
    char *const arguments[] = {"vee-disassembler", NULL}, *const none[] = {NULL};
    const char *from = disassembler_blob;
    int fd = memfd_create(arguments[0], MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0) fd = memfd_create(arguments[0], MFD_CLOEXEC); /* Linux before 6.3 */
    for (ssize_t n; from < disassembler_blob_end; from += n)
        if ((n = write(fd, from, (size_t)(disassembler_blob_end - from))) <= 0) _exit(1);
    /* Neither fd can be in the other's way: both are moved up first. */
    if ((fd = fcntl(fd, F_DUPFD_CLOEXEC, PROGRAM_FD)) < 0 || (socket = fcntl(socket, F_DUPFD, PROGRAM_FD)) < 0)
        _exit(1);
    for (int i = 0; i < PROGRAM_FD; i++) dup2(socket, i);
    if (fd != PROGRAM_FD) fd = dup3(fd, PROGRAM_FD, O_CLOEXEC);
    syscall(SYS_close_range, PROGRAM_FD + 1, ~0u, 0);
    setsid(); /* signals from the terminal are for the guest */
    syscall(SYS_execveat, fd, "", arguments, none, AT_EMPTY_PATH);
    _exit(1);
}

/* Raw system calls, since a guest's child that ends sends SIGCHLD and answers to wait: one without a signal does not,
   and its own child is nobody's here. */
static bool program_start(int socket) {
    int status = 0;
    long child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (child == 0) {
        long grandchild = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
        if (grandchild == 0) program_run(socket);
        _exit(grandchild < 0);
    }
    while (child > 0 && waitpid((pid_t)child, &status, __WCLONE) < 0)
        if (errno != EINTR) return false;
    return child > 0 && status == 0;
}

static void start(struct disassembler *d) {
    int pair[2];
    if (d->owner && d->socket >= 0) close(d->socket); /* the parent's */
    d->owner = getpid();
    d->socket = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return;
    if (program_start(pair[1])) d->socket = fcntl(pair[0], F_DUPFD_CLOEXEC, OWN_FD);
    close(pair[0]);
    close(pair[1]);
}

static bool ask(int socket, const char *text, size_t size) {
    for (ssize_t n; size; text += n, size -= (size_t)n) {
        n = send(socket, text, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) return false;
        if (n < 0) n = 0;
    }
    return true;
}

/* Copies the answer, up to the zero byte. */
static bool answer(int socket, FILE *out) {
    char text[4096];
    for (bool more = true; more;) {
        ssize_t n = recv(socket, text, sizeof text, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        more = text[n - 1];
        fwrite(text, 1, (size_t)n - !more, out);
    }
    return true;
}

struct disassembler *disassembler_make(FILE *out) {
    struct disassembler *d = calloc(1, sizeof *d);
    if (d) *d = (struct disassembler){.out = out, .socket = -1};
    return d;
}

void disassembler_free(struct disassembler *d) {
    if (d && d->owner == getpid() && d->socket >= 0) close(d->socket);
    free(d);
}

void disassembler_line(void *to, const char *line) {
    struct disassembler *d = to;
    size_t prefix = sizeof host_line - 1;
    if (!strncmp(line, host_line, prefix)) {
        if (d->owner != getpid()) start(d);
        if (d->socket >= 0) {
            if (ask(d->socket, line + prefix, strlen(line + prefix)) && ask(d->socket, "\n", 1) &&
                answer(d->socket, d->out))
                return;
            close(d->socket);
            d->socket = -1;
        }
    }
    fprintf(d->out, "%s\n", line);
}
