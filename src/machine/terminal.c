/* terminal.c - see terminal.h. */
#define _GNU_SOURCE
#include "machine/terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waits until vee has closed its end: a byte before says that it has set the terminal back itself. Signals are kept
   off: in the foreground this process gets those of the terminal as well, in the background it may set it. */
static _Noreturn void keep(int terminal, int end, const struct termios *before) {
    sigset_t all;
    char byte;
    ssize_t n;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (end != 3) dup2(end, 3);
    dup2(terminal, 0);
    close_range(4, ~0u, 0);
    close(1);
    close(2);
    while ((n = read(3, &byte, 1)) < 0 && errno == EINTR) continue;
    if (n == 0) tcsetattr(0, TCSANOW, before);
    _exit(0);
}

static void keeper_start(struct terminal *t) {
    int ends[2];
    t->keeper = -1;
    t->keeper_pipe = -1;
    if (pipe2(ends, O_CLOEXEC)) return;
    t->keeper = fork();
    if (t->keeper == 0) {
        close(ends[1]);
        keep(t->fd, ends[0], &t->before);
    }
    close(ends[0]);
    t->keeper_pipe = ends[1];
    if (t->keeper < 0) close(ends[1]);
}

bool terminal_take(struct terminal *t, int fd, bool signals) {
    *t = (struct terminal){.fd = fd};
    if (tcgetattr(fd, &t->before)) return false;
    struct termios raw = t->before;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) raw.c_lflag &= ~(tcflag_t)ISIG;
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    keeper_start(t);
    t->taken = true;
    if (!tcsetattr(fd, TCSANOW, &raw)) return true;
    terminal_restore(t);
    return false;
}

void terminal_restore(struct terminal *t) {
    if (!t->taken) return;
    t->taken = false;
    tcsetattr(t->fd, TCSANOW, &t->before);
    if (t->keeper < 0) return;
    ssize_t told = write(t->keeper_pipe, "", 1);
    (void)told; /* else it sets it back as well */
    close(t->keeper_pipe);
    while (waitpid(t->keeper, NULL, 0) < 0 && errno == EINTR) continue;
}

enum key keys_take(struct keys *k, uint8_t *byte) {
    const enum key usual = k->prompted ? KEY_PROMPT : KEY_GUEST;
    if (!k->escaped) {
        k->escaped = *byte == KEY_ESCAPE;
        return k->escaped ? KEY_NONE : usual;
    }
    k->escaped = false;
    switch (*byte) {
    case 'x':
    case 'X': return KEY_QUIT;
    case 'c':
    case 'C': k->prompted = !k->prompted; return KEY_SWITCH;
    case 'h':
    case 'H':
    case '?': return KEY_HELP;
    case 'a':
    case 'A':
    case KEY_ESCAPE: *byte = KEY_ESCAPE; return usual;
    default: return KEY_NONE; /* what nobody has asked for */
    }
}
