/* outside.h - system calls and signals of processes that have a tap (outside.c). */
#ifndef PROCESS_LINUX_OUTSIDE_H
#define PROCESS_LINUX_OUTSIDE_H

#include "process/linux/linux.h"
#include "vm/input.h"

/** call_answer, through the door. */
int64_t outside_answer(struct call *c);
/** call_wait, through the door. */
int64_t outside_wait(struct call *c, long number, const uint64_t args[6]);
/** What a tap makes of a call that is going to be made (worse.c): whether it is refused for want of memory. */
bool worse_call(struct call *c);
/** Of a call that such a tap wants brief: waits for nothing, and is interrupted if it would have to. */
int64_t worse_wait(struct call *c, long number, const uint64_t args[6]);
/** A signal is about to be delivered. False: it is not, as a tap says which are. */
bool outside_signal(struct thread *t, int signal, struct signal_info *info);

#endif
