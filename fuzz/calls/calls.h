/* calls.h - what the files of the fuzzer of system calls share. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stdint.h>

enum { SANITIZER_STATUS = 77 };

struct options {
    const char *vee, *guest;
    char **vee_options; /* NULL at the end */
    double seconds;
    uint64_t seed, runs;
    unsigned calls; /* of a run */
    bool verbose;   /* prints what vee and the guest say */
    bool sanitized; /* vee is: its address space cannot be limited, and it needs the system's libraries */
};

/** Makes the sandbox and calls `inside` as its first process; what that returns, or 2 with a text if there is none. */
int sandbox_run(const struct options *o, int (*inside)(void));
/** Gives the next run an empty directory to work in, /box. */
bool sandbox_fresh(void);
/** In a new process within: gives up every privilege, sets limits. */
void sandbox_enter(const struct options *o);

#endif
