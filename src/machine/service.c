/* service.c - see service.h. One thread polls everything; only the box is shared with the first cpu's, under `lock`.
 *
 * The socket is the user's alone (mode 0600). Each client has one request on its way at a time; a line that is too long
 * ends its connection. Replies that a client does not read wait in memory, and nothing more is read from it.
 */
#define _GNU_SOURCE
#include "machine/service.h"
#include "machine/board.h"
#include "machine/control.h"
#include "machine/run.h"
#include "machine/terminal.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS = 8, PROMPT = CLIENTS, ALL_CLIENTS };
enum { FD_WAKE, FD_LISTEN, FD_INPUT, FD_SIGNAL, FD_CLIENTS, FD_COUNT = FD_CLIENTS + CLIENTS };

struct client {
    int fd;                      /* -1: nobody, or the prompt */
    char line[CONTROL_LINE + 1]; /* what came and has not been answered */
    size_t size;                 /* of it */
    size_t asked;                /* bytes of the line that is in the box, with its end; 0: none is */
    char *reply;                 /* what it has not read yet */
    size_t reply_size, reply_done;
};

enum box { BOX_EMPTY, BOX_ASKED, BOX_ANSWERED };

struct service {
    struct machine *machine;
    pthread_t thread;
    pthread_mutex_t lock; /* of the following: */
    pthread_cond_t changed;
    enum box box;
    struct client *asking;
    char *answer;
    bool paused, ending;
    /* the thread's own */
    int wake, listener, signals;
    const char *path; /* of the socket, once it is ours */
    sigset_t mask;    /* as it was before */
    struct client clients[ALL_CLIENTS];
    struct terminal terminal;
    struct keys keys;
    struct console_feed feed;
    bool typed; /* input comes through here */
};

static void wake(int fd) {
    const uint64_t one = 1;
    ssize_t told = write(fd, &one, sizeof one);
    (void)told; /* full: it is awake */
}

static void calm(int fd) {
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n;
}

/* ---- the box */

/* The first cpu comes to its poll, from sleep, too. */
static void call_cpu(struct service *s) {
    cpu_poke(s->machine->vm->cpu);
    if (s->feed.wake > 0) wake(s->feed.wake);
}

static void ask(struct service *s, struct client *c, size_t size) {
    pthread_mutex_lock(&s->lock);
    c->asked = size;
    s->asking = c;
    s->box = BOX_ASKED;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    call_cpu(s);
}

static void quit(struct service *s) {
    pthread_mutex_lock(&s->lock);
    s->paused = false;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    vm_ask_stop(s->machine->vm);
    call_cpu(s);
}

static void answer_all(struct service *s) {
    pthread_mutex_lock(&s->lock);
    for (;;) {
        if (s->box == BOX_ASKED) {
            enum control_wish wish;
            s->answer = control_answer(s->machine, s->paused, s->asking->line, s->asking->asked - 1, &wish);
            s->box = BOX_ANSWERED;
            if (wish == CONTROL_PAUSE) s->paused = true;
            if (wish == CONTROL_RESUME || wish == CONTROL_QUIT) s->paused = false;
            if (wish == CONTROL_QUIT) vm_ask_stop(s->machine->vm);
            if (wish == CONTROL_RESET) machine_reset(s->machine);
            wake(s->wake);
        }
        if (!s->paused || s->ending || machine_resets(s->machine) || machine_is_off(s->machine)) break;
        pthread_cond_wait(&s->changed, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

/* While anything is looked at or done, and as long as the machine is paused, nothing else happens in it: others run no
   guest code, and devices, whose lock this has, do nothing. Time does not pass for it either. */
void service_serve(struct service *s) {
    struct machine *m = s->machine;
    pthread_mutex_lock(&s->lock);
    const bool wanted = s->box == BOX_ASKED || s->paused;
    pthread_mutex_unlock(&s->lock);
    if (!wanted) return;
    do {
        engine_stop_others(m->vm->engine);
        machine_lock_cpu(m, m->vm->cpu);
        vm_clock_hold(m->vm, true);
        answer_all(s);
        vm_clock_hold(m->vm, false);
        if (m->live) live_time_set(m);
        machine_unlock(m);
    } while (machine_resets(m) && machine_restart(m)); /* it may be paused, and is then still */
}

/* ---- clients */

static void client_close(struct client *c) {
    close(c->fd);
    free(c->reply);
    *c = (struct client){.fd = -1};
}

static void client_reply(struct client *c, char *text) {
    c->reply = text;
    c->reply_size = text ? strlen(text) : 0;
    c->reply_done = 0;
    if (!text) client_close(c);
}

static void client_send(struct client *c) {
    const ssize_t n = send(c->fd, c->reply + c->reply_done, c->reply_size - c->reply_done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) {
        client_close(c);
        return;
    }
    c->reply_done += (size_t)n;
    if (c->reply_done < c->reply_size) return;
    free(c->reply);
    c->reply = NULL;
}

static void client_receive(struct client *c) {
    const ssize_t n = recv(c->fd, c->line + c->size, CONTROL_LINE - c->size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0)
        client_close(c);
    else
        c->size += (size_t)n;
}

/* What has been answered goes; what came behind it is next. */
static void client_forward(struct client *c) {
    c->size -= c->asked;
    memmove(c->line, c->line + c->asked, c->size);
    c->asked = 0;
}

/* Puts the line of one of them into the box, if that is empty. */
static void next_request(struct service *s) {
    for (struct client *c = s->clients; c < s->clients + ALL_CLIENTS && !s->asking; c++) {
        if (c->reply || c->asked || !c->size) continue;
        const char *end = memchr(c->line, '\n', c->size);
        if (end)
            ask(s, c, (size_t)(end - c->line) + 1);
        else if (c->size == CONTROL_LINE)
            client_close(c);
    }
}

static void prompt_say(const char *text) {
    for (size_t size = strlen(text); size;) {
        const ssize_t n = write(STDOUT_FILENO, text, size);
        if (n < 0 && errno != EINTR && errno != EAGAIN) return;
        if (n > 0) text += n, size -= (size_t)n;
    }
}

static void take_answer(struct service *s) {
    pthread_mutex_lock(&s->lock);
    struct client *c = s->box == BOX_ANSWERED ? s->asking : NULL;
    char *text = s->answer;
    if (c) {
        s->box = BOX_EMPTY;
        s->answer = NULL;
        s->asking = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    if (!c) return;
    client_forward(c);
    if (c != &s->clients[PROMPT]) {
        client_reply(c, text);
        return;
    }
    prompt_say(text ? text : "no memory\n");
    if (s->keys.prompted) prompt_say("(vee) ");
    free(text);
}

static void accept_one(struct service *s) {
    const int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    for (struct client *c = s->clients; c < s->clients + CLIENTS; c++) {
        if (c->fd >= 0) continue;
        *c = (struct client){.fd = fd};
        return;
    }
    close(fd);
}

/* ---- what is typed */

static void prompt_key(struct service *s, char byte) {
    struct client *c = &s->clients[PROMPT];
    char words[CONTROL_LINE / 2];
    if (c->asked) return; /* the last one has not been answered */
    if (byte == '\b' || byte == 0x7f) {
        if (c->size) c->size--, prompt_say("\b \b");
    } else if (byte == '\r' || byte == '\n') {
        prompt_say("\n");
        snprintf(words, sizeof words, "%.*s", (int)c->size, c->line);
        c->size = 0;
        if (!words[strspn(words, " \t")]) {
            prompt_say("(vee) ");
        } else if (control_from_words(words, c->line, CONTROL_LINE - 1)) {
            c->size = strlen(c->line);
            c->line[c->size++] = '\n';
        }
    } else if (byte >= ' ' && c->size < sizeof words - 1) {
        c->line[c->size++] = byte;
        prompt_say((const char[]){byte, 0});
    }
}

static void take_key(struct service *s, uint8_t byte) {
    switch (keys_take(&s->keys, &byte)) {
    case KEY_NONE: break;
    case KEY_GUEST: console_feed(&s->feed, byte); break;
    case KEY_PROMPT: prompt_key(s, (char)byte); break;
    case KEY_QUIT:
        prompt_say("\nvee: quit\n");
        quit(s);
        break;
    case KEY_HELP:
        prompt_say(
            "\nCtrl-A h  this help\nCtrl-A x  quit\nCtrl-A c  prompt (help: its commands), and back to the console\n"
            "Ctrl-A a  Ctrl-A itself\n");
        break;
    case KEY_SWITCH: prompt_say(s->keys.prompted ? "\nprompt: help, or Ctrl-A c to go back\n(vee) " : "\n"); break;
    }
}

static void take_input(struct service *s) {
    uint8_t bytes[256];
    const ssize_t n = read(s->terminal.fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    for (ssize_t i = 0; i < n; i++) take_key(s, bytes[i]);
    if (n > 0) return;
    s->typed = false; /* it has been hung up */
    console_feed_end(&s->feed);
}

/* ---- the thread */

static void take_signal(struct service *s) {
    struct signalfd_siginfo info;
    if (read(s->signals, &info, sizeof info) == sizeof info) quit(s);
}

static void poll_all(struct service *s) {
    struct pollfd fds[FD_COUNT];
    for (unsigned i = 0; i < FD_COUNT; i++) fds[i] = (struct pollfd){.fd = -1};
    fds[FD_WAKE] = (struct pollfd){.fd = s->wake, .events = POLLIN};
    fds[FD_LISTEN] = (struct pollfd){.fd = s->listener, .events = POLLIN};
    if (s->typed) fds[FD_INPUT] = (struct pollfd){.fd = s->terminal.fd, .events = POLLIN};
    fds[FD_SIGNAL] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = &s->clients[i];
        const bool reads = !c->reply && !c->asked && c->size < CONTROL_LINE;
        if (c->fd >= 0)
            fds[FD_CLIENTS + i] = (struct pollfd){c->fd, (short)(c->reply ? POLLOUT : reads ? POLLIN : 0), 0};
    }
    if (poll(fds, FD_COUNT, -1) < 0) return;
    if (fds[FD_WAKE].revents) calm(s->wake);
    take_answer(s);
    if (fds[FD_SIGNAL].revents) take_signal(s);
    if (fds[FD_INPUT].revents) take_input(s);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = &s->clients[i];
        const short what = fds[FD_CLIENTS + i].revents;
        if (c->fd < 0 || !what || c->asked) continue;
        if (c->reply)
            client_send(c);
        else if (c->size < CONTROL_LINE)
            client_receive(c);
    }
    if (fds[FD_LISTEN].revents) accept_one(s);
    next_request(s);
}

/* The last answers, as far as they can be told without waiting. */
static void say_goodbye(struct service *s) {
    take_answer(s);
    for (struct client *c = s->clients; c < s->clients + CLIENTS; c++)
        if (c->fd >= 0 && c->reply) client_send(c);
}

static void *serve(void *self) {
    struct service *s = self;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        const bool ending = s->ending;
        pthread_mutex_unlock(&s->lock);
        if (ending) break;
        poll_all(s);
    }
    say_goodbye(s);
    return NULL;
}

/* ---- beginning and end */

/* A socket that nobody listens at is one that a vee left that was killed. */
static bool left_over(const struct sockaddr_un *address) {
    struct stat info;
    if (lstat(address->sun_path, &info) || !S_ISSOCK(info.st_mode)) return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool refused =
        fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) && errno == ECONNREFUSED;
    if (fd >= 0) close(fd);
    return refused;
}

static bool listen_at(struct service *s, const char *path, struct error *error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, ERROR_USAGE, "--control: '%.60s...': a socket's path has at most %zu bytes", path,
                         sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    if (left_over(&address)) unlink(path);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener >= 0 && !bind(s->listener, (const struct sockaddr *)&address, sizeof address)) {
        s->path = path;
        /* Before anybody listens nobody can come in. */
        if (!chmod(path, S_IRUSR | S_IWUSR) && !listen(s->listener, CLIENTS)) return true;
    }
    return error_set(error, ERROR_USAGE, "--control: %s: %s", path, strerror(errno));
}

/* Signals that would end vee end the run, so that everything is closed in order. */
static void take_signals(struct service *s) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (!pthread_sigmask(SIG_BLOCK, &set, &s->mask)) s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool thread_start(struct service *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals of the guest's are other threads' */
    const bool started = !pthread_create(&s->thread, NULL, serve, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static bool begin(struct service *s, const struct machine_config *c, struct error *error) {
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->feed.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake < 0 || s->feed.wake < 0)
        return error_set(error, ERROR_RESOURCES, "no descriptors for the machine's console");
    if (c->control && !listen_at(s, c->control, error)) return false;
    take_signals(s);
    if (c->serial == SERIAL_KEYS || c->serial == SERIAL_TERMINAL)
        s->typed = terminal_take(&s->terminal, STDIN_FILENO, c->serial == SERIAL_TERMINAL);
    s->machine->console.feed = &s->feed;
    s->feed.fed = s->typed;
    if (thread_start(s)) return true;
    s->machine->console.feed = NULL;
    return error_set(error, ERROR_RESOURCES, "no thread for the machine's console");
}

static void finish(struct service *s) {
    terminal_restore(&s->terminal);
    for (struct client *c = s->clients; c < s->clients + CLIENTS; c++)
        if (c->fd >= 0) client_close(c);
    if (s->path) unlink(s->path);
    if (s->listener >= 0) close(s->listener);
    if (s->signals >= 0) {
        close(s->signals);
        pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
    }
    if (s->wake >= 0) close(s->wake);
    if (s->feed.wake > 0) close(s->feed.wake);
    free(s->answer);
    console_feed_done(&s->feed);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
}

bool service_start(struct service **service, struct machine *m, struct error *error) {
    const struct machine_config *c = m->config;
    const bool keys = (c->serial == SERIAL_KEYS || c->serial == SERIAL_TERMINAL) && isatty(STDIN_FILENO);
    *service = NULL;
    if (!keys && !c->control) return true;
    struct service *s = calloc(1, sizeof *s);
    if (!s) return error_set(error, ERROR_RESOURCES, "no memory for the machine's console");
    s->machine = m;
    s->listener = s->signals = s->wake = -1;
    for (unsigned i = 0; i < ALL_CLIENTS; i++) s->clients[i].fd = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    console_feed_init(&s->feed);
    if (begin(s, c, error)) return *service = s, true;
    finish(s);
    return false;
}

void service_end(struct service *s) {
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->ending = true;
    pthread_mutex_unlock(&s->lock);
    wake(s->wake);
    pthread_join(s->thread, NULL);
    s->machine->console.feed = NULL;
    finish(s);
}
