/* terminal.h - within machine/: the terminal that the console is on: as it is while a machine has it, and the keys that
 * are not for the guest (Ctrl-A and another).
 *
 * A keeper, a process of its own, sets the terminal back if vee dies in whatever way; it ends with vee.
 */
#ifndef MACHINE_TERMINAL_H
#define MACHINE_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

struct terminal {
    struct termios before;
    int fd, keeper_pipe;
    pid_t keeper;
    bool taken;
};

/** Every key becomes a byte at once; with `signals` Ctrl-C and its like still are signals. False: fd is no terminal. */
bool terminal_take(struct terminal *t, int fd, bool signals);
void terminal_restore(struct terminal *t);

/* ---- keys */

enum key { KEY_NONE, KEY_GUEST, KEY_PROMPT, KEY_QUIT, KEY_HELP, KEY_SWITCH };
struct keys {
    bool escaped;  /* Ctrl-A has been typed */
    bool prompted; /* what is typed is for the prompt */
};
enum { KEY_ESCAPE = 1 };
/** Whose the next byte is, or what it asks for; *byte is what they get. */
enum key keys_take(struct keys *k, uint8_t *byte);

#endif
