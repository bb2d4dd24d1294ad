/* console.h - within machine/: the host's standard input and output, as a terminal that serial devices talk to.
 *
 * Output is collected and written at line ends, when the buffer is full, and whenever somebody waits. Input is taken
 * only when a device asks, so that a run depends on what is typed and not on when, as long as it is there in time. It
 * comes in through the door of the vm (vm/input.h).
 *
 * Where a terminal has keys that are not for the guest, a thread of vee's reads it (service.c) and feeds what is the
 * guest's; that thread can also wake whoever waits.
 */
#ifndef MACHINE_CONSOLE_H
#define MACHINE_CONSOLE_H

#include "base/error.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;

enum { CONSOLE_NOTHING = -1, CONSOLE_END = -2 };

/** What has been typed and nobody has taken, of one thread for another. */
struct console_feed {
    pthread_mutex_t lock;
    uint8_t bytes[4096]; /* a ring; what does not go in any more is lost, as on a line that nobody reads */
    uint32_t first, count;
    bool ended, fed; /* fed: input comes here, and not from standard input */
    int wake;        /* an eventfd: there is something, or something else to do */
};
void console_feed_init(struct console_feed *f);
void console_feed_done(struct console_feed *f);
/* By the thread that reads. */
void console_feed(struct console_feed *f, uint8_t byte);
void console_feed_end(struct console_feed *f);

/* Where output goes: the standard output, unless it is said otherwise. */
enum { CONSOLE_STANDARD = 0, CONSOLE_NOWHERE = -1 };
struct console {
    uint8_t out[512], in[64];
    uint32_t out_count, in_next, in_count;
    bool ended;                /* no more input will come */
    int to;                    /* a descriptor */
    struct console_feed *feed; /* or NULL */
};

/** Output goes to this file, which becomes empty. False with *error. */
bool console_to_file(struct console *c, const char *path, struct error *error);
void console_close(struct console *c);
void console_write(struct console *c, struct vm *vm, const void *bytes, size_t size);
void console_flush(struct console *c, struct vm *vm);
/** The next byte of input, CONSOLE_NOTHING or CONSOLE_END. */
int console_read(struct console *c, struct vm *vm);
/** Has input been fetched that console_read has not given yet, or the end of it? */
bool console_ready(const struct console *c);
/** Takes what input there is now, if none is left from before. */
void console_fetch(struct console *c, struct vm *vm);
/** What becomes ready when console_fetch is worth while; how many they are. */
enum { CONSOLE_FDS = 2 };
struct pollfd;
unsigned console_fds(const struct console *c, struct pollfd *fds);
/** Sleeps until there is input or `ns` have passed (UINT64_MAX: for ever). True if there is input (or its end). */
bool console_wait(struct console *c, struct vm *vm, uint64_t ns);

#endif
