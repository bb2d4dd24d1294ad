/* console.c - see console.h. */
#define _GNU_SOURCE
#include "machine/console.h"
#include "base/os.h"
#include "vm/input.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool console_to_file(struct console *c, const char *path, struct error *error) {
    c->to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return c->to > 0 || error_set(error, ERROR_USAGE, "-serial: %s: %s", path, strerror(errno));
}

void console_close(struct console *c) {
    if (c->to > 0) close(c->to);
    c->to = CONSOLE_NOWHERE;
}

void console_flush(struct console *c, struct vm *vm) {
    const int to = c->to == CONSOLE_STANDARD ? STDOUT_FILENO : c->to;
    size_t done = c->to == CONSOLE_NOWHERE ? c->out_count : 0;
    while (done < c->out_count) {
        size_t size = c->out_count - done;
        input_worse(vm, INPUT_SHORTENED, &size);
        ssize_t n = write(to, c->out + done, size);
        if (n > 0)
            done += (size_t)n;
        else if (errno == EAGAIN)
            poll(&(struct pollfd){.fd = to, .events = POLLOUT}, 1, -1);
        else if (errno != EINTR)
            break; /* nobody listens: the text is lost, as on a line that is not connected */
    }
    c->out_count = 0;
}

void console_write(struct console *c, struct vm *vm, const void *bytes, size_t size) {
    for (const uint8_t *p = bytes; size; p++, size--) {
        c->out[c->out_count++] = *p;
        if (*p == '\n' || c->out_count == sizeof c->out) console_flush(c, vm);
    }
}

bool console_ready(const struct console *c) {
    return c->in_next < c->in_count || c->ended;
}

/* ---- what a thread of vee's reads */

void console_feed_init(struct console_feed *f) {
    *f = (struct console_feed){.wake = -1};
    pthread_mutex_init(&f->lock, NULL);
}

void console_feed_done(struct console_feed *f) {
    pthread_mutex_destroy(&f->lock);
}

static void feed_wake(const struct console_feed *f) {
    const uint64_t one = 1;
    ssize_t told = write(f->wake, &one, sizeof one);
    (void)told; /* full: it is awake */
}

void console_feed(struct console_feed *f, uint8_t byte) {
    pthread_mutex_lock(&f->lock);
    if (f->count < sizeof f->bytes) f->bytes[(f->first + f->count++) % sizeof f->bytes] = byte;
    pthread_mutex_unlock(&f->lock);
    feed_wake(f);
}

void console_feed_end(struct console_feed *f) {
    pthread_mutex_lock(&f->lock);
    f->ended = true;
    pthread_mutex_unlock(&f->lock);
    feed_wake(f);
}

/* How many bytes there were, 0: no more will come, -1: none now. */
static int64_t feed_take(struct console_feed *f, uint8_t *bytes, size_t size) {
    int64_t n = 0;
    pthread_mutex_lock(&f->lock);
    for (; (size_t)n < size && f->count; n++, f->count--) {
        bytes[n] = f->bytes[f->first];
        f->first = (f->first + 1) % sizeof f->bytes;
    }
    if (!n && !f->ended) n = -1;
    pthread_mutex_unlock(&f->lock);
    return n;
}

/* ---- input */

unsigned console_fds(const struct console *c, struct pollfd *fds) {
    const struct console_feed *f = c->feed;
    unsigned n = 0;
    if (!f || !f->fed) fds[n++] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    if (f) fds[n++] = (struct pollfd){.fd = f->wake, .events = POLLIN};
    return n;
}

/* Sleeps for input no longer than the timeout says. How many bytes there were, 0: no more will come, -1: none now. */
static int64_t receive(const struct console *c, void *bytes, size_t size, const struct timespec *timeout) {
    struct console_feed *f = c->feed;
    struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = f ? f->wake : -1, .events = POLLIN}};
    if (f && f->fed) {
        const int64_t n = feed_take(f, bytes, size);
        if (n >= 0) return n;
        p[0].fd = -1;
    }
    if (ppoll(p, 2, timeout, NULL) <= 0) return -1;
    uint64_t count;
    if (p[1].revents && read(p[1].fd, &count, sizeof count) < 0) return -1;
    if (f && f->fed) return feed_take(f, bytes, size);
    if (!p[0].revents) return -1;
    ssize_t n = read(STDIN_FILENO, bytes, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return -1;
    return n > 0 ? n : 0;
}

/* Fetches input if there is some. */
static void fetch(struct console *c, struct vm *vm, const struct timespec *timeout) {
    if (console_ready(c)) return;
    if (c->out_count) console_flush(c, vm); /* the question before the answer */
    struct input in = {.kind = INPUT_device, .which = INPUT_CONSOLE, .bytes = c->in, .size = sizeof c->in};
    if (!input_given(vm, &in)) {
        size_t size = sizeof c->in;
        input_worse(vm, INPUT_SHORTENED, &size);
        in.value = receive(c, c->in, size, timeout);
        input_came(vm, &in);
    }
    if (in.value < 0) return;
    c->ended = in.value == 0;
    c->in_next = 0;
    c->in_count = (uint32_t)in.value;
}

void console_fetch(struct console *c, struct vm *vm) {
    fetch(c, vm, &(struct timespec){0});
}

int console_read(struct console *c, struct vm *vm) {
    console_fetch(c, vm);
    if (c->in_next < c->in_count) return c->in[c->in_next++];
    return c->ended ? CONSOLE_END : CONSOLE_NOTHING;
}

bool console_wait(struct console *c, struct vm *vm, uint64_t ns) {
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    console_flush(c, vm);
    fetch(c, vm, ns == UINT64_MAX ? NULL : &t);
    return console_ready(c);
}
