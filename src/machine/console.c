/* console.c - see console.h. */
#define _GNU_SOURCE
#include "machine/console.h"
#include "base/os.h"
#include "vm/input.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void console_flush(struct console *c, struct vm *vm) {
    size_t done = 0;
    while (done < c->out_count) {
        size_t size = c->out_count - done;
        input_worse(vm, INPUT_SHORTENED, &size);
        ssize_t n = write(STDOUT_FILENO, c->out + done, size);
        if (n > 0)
            done += (size_t)n;
        else if (errno == EAGAIN)
            poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
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

/* Sleeps for input no longer than the timeout says. How many bytes there were, 0: no more will come, -1: none now. */
static int64_t receive(void *bytes, size_t size, const struct timespec *timeout) {
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    if (ppoll(&p, 1, timeout, NULL) <= 0) return -1;
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
        in.value = receive(c->in, size, timeout);
        input_came(vm, &in);
    }
    if (in.value < 0) return;
    c->ended = in.value == 0;
    c->in_next = 0;
    c->in_count = (uint32_t)in.value;
}

int console_read(struct console *c, struct vm *vm) {
    fetch(c, vm, &(struct timespec){0});
    if (c->in_next < c->in_count) return c->in[c->in_next++];
    return c->ended ? CONSOLE_END : CONSOLE_NOTHING;
}

bool console_wait(struct console *c, struct vm *vm, uint64_t ns) {
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
    console_flush(c, vm);
    fetch(c, vm, ns == UINT64_MAX ? NULL : &t);
    return console_ready(c);
}
