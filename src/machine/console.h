/* console.h - within machine/: the host's standard input and output, as a terminal that serial devices talk to.
 *
 * Output is collected and written at line ends, when the buffer is full, and whenever somebody waits. Input is taken
 * only when a device asks, so that a run depends on what is typed and not on when, as long as it is there in time. It
 * comes in through the door of the vm (vm/input.h).
 */
#ifndef MACHINE_CONSOLE_H
#define MACHINE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;

enum { CONSOLE_NOTHING = -1, CONSOLE_END = -2 };

struct console {
    uint8_t out[512], in[64];
    uint32_t out_count, in_next, in_count;
    bool ended; /* no more input will come */
};

void console_write(struct console *c, struct vm *vm, const void *bytes, size_t size);
void console_flush(struct console *c, struct vm *vm);
/** The next byte of input, CONSOLE_NOTHING or CONSOLE_END. */
int console_read(struct console *c, struct vm *vm);
/** Has input been fetched that console_read has not given yet, or the end of it? */
bool console_ready(const struct console *c);
/** Sleeps until there is input or `ns` have passed (UINT64_MAX: for ever). True if there is input (or its end). */
bool console_wait(struct console *c, struct vm *vm, uint64_t ns);

#endif
