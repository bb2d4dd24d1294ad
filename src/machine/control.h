/* control.h - within machine/: requests of the control socket and of the prompt on the console (docs/control.md).
 *
 * A request is a line, its reply another: JSON objects. The answer is made on the thread of the first cpu, between two
 * instructions, while no other cpu runs guest code: so it may look at everything. Looking changes nothing of the
 * guest's.
 */
#ifndef MACHINE_CONTROL_H
#define MACHINE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

struct machine;

enum { CONTROL_LINE = 4096 };
/* What is to become of the machine, besides the reply. */
enum control_wish { CONTROL_NOTHING, CONTROL_PAUSE, CONTROL_RESUME, CONTROL_QUIT, CONTROL_RESET };

/** Answers a line of `size` bytes, with room for one more, which it changes. The reply ends with a newline: free it;
   NULL: there is no memory for one. */
char *control_answer(struct machine *m, bool paused, char *line, size_t size, enum control_wish *wish);
/** A line of the prompt, `command key=value ...`, as a request; false: it is too long. */
bool control_from_words(const char *words, char *line, size_t room);

#endif
