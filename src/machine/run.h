/* run.h - within machine/: what drives a machine. Two drivers over the same answers (machine.c):
 *
 *   counted.c  the instruction count is the clock; cpus take turns on one thread. Runs repeat to the bit.
 *   live.c     the host's time is the clock; each cpu has a thread of its own, and one more thread keeps the time.
 *
 * Functions of cpus are called in answers, on the thread that runs the cpu (with the engine's lock, without the
 * machine's).
 */
#ifndef MACHINE_RUN_H
#define MACHINE_RUN_H

#include "machine/board.h"

/* Of machine.c, for both. */
/** Ends the run. */
enum answer machine_stop(struct machine *m, enum vm_end end, int status, uint64_t value);
/** Is it stopped, after all that others have asked of it? */
bool machine_is_stopped(struct machine *m, struct cpu *cpu);
/** Does it run guest code, if it is its turn? */
bool machine_can_run(struct machine *m, struct cpu *cpu);
/** It goes on behind its wait. */
void machine_wake(struct machine *m, struct cpu *cpu);
/** Brings it into the handler of an interrupt if one is due. */
void machine_take_interrupt(struct cpu *cpu);

/** A cpu that has been made, or reset, is where it begins. */
void machine_begin_cpu(struct machine *m, struct cpu *cpu);

/* reset.c */
/** In an answer of the first cpu's, or of the one whose turn it is, without the machine's lock: what machine_reset has
    asked for. False: the run is over. */
bool machine_restart(struct machine *m);

/* counted.c */
void counted_run(struct machine *m);
/** Brings the board up to date, and the cpu into the handler of an interrupt if one is due. */
void counted_serve(struct machine *m, struct cpu *cpu);
/** It has nothing to do until an interrupt comes. */
enum answer counted_wait(struct machine *m, struct cpu *cpu);
/** It has no turn until another cpu starts it. */
enum answer counted_stopped(struct machine *m, struct cpu *cpu);
/** The turn is the next cpu's. */
enum answer counted_pass(struct machine *m);

/** The cpu that has the turn carries out the reset that was asked for. */
enum answer counted_reset(struct machine *m);
/** The turn is the first cpu's again, and it has not had any of it. */
void counted_begin(struct machine *m);

/* live.c */
struct live;
/** False with *error. */
bool live_make(struct machine *m, struct error *error);
void live_free(struct machine *m);
void live_run(struct machine *m);
/** What others have done to the cpu's wires, its own timer, and the handler of an interrupt if one is due. */
void live_serve(struct machine *m, struct cpu *cpu);
/** Wires alone: after an access to a device. True: one has gone up. */
bool live_take_lines(struct cpu *cpu);
/** It has nothing to do, or is stopped, until somebody sees to it that it has. */
enum answer live_wait(struct machine *m, struct cpu *cpu);
/** A reset was asked for: the first cpu carries it out, others stand until it has been. */
enum answer live_reset(struct machine *m, struct cpu *cpu);
/** The first cpu waits until all others stand. False: the run is over. */
bool live_gather(struct machine *m);
/** The reset has been carried out: all go on. */
void live_scatter(struct machine *m);
/** The run is over: all others come to the loop. */
void live_ending(struct machine *m);
/** With the machine's lock. A wire to a cpu's interrupt `input` has another level. */
void live_line(struct machine *m, unsigned cpu, unsigned input, bool level);
/** With the lock: a device wants to be updated at its `next`, or listens. */
void live_changed(struct machine *m, const struct device_host *h);
/** With the lock: the clock has been set, or time has stood still. */
void live_time_set(struct machine *m);
/** With the lock: there is output that has not been written. */
void live_output(struct machine *m);

#endif
