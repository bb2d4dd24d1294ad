/* wasi.h - what the files of WASI share: its errors, the standard descriptors, arguments and fields in guest memory. */
#ifndef LANGUAGE_WASI_H
#define LANGUAGE_WASI_H

#include "language/wasm/machine.h"
#include "vm/input.h"
#include <errno.h>
#include <sys/syscall.h>

enum wasi_error {
    WASI_OK = 0,
    WASI_BADF = 8,
    WASI_FAULT = 21,
    WASI_INVAL = 28,
    WASI_IO = 29,
    WASI_NOMEM = 48,
    WASI_NOTDIR = 54,
    WASI_NOTSOCK = 57,
    WASI_NOTSUP = 58,
    WASI_NOTCAPABLE = 76
};
enum { STREAMS = 3 };
enum wasi_clock { CLOCK_OF_DAY, CLOCK_STEADY, CLOCK_OF_PROCESS, CLOCK_OF_THREAD, CLOCKS };

struct wasi {
    struct vm *vm;
    int host[STREAMS]; /* the host's descriptor, or -1: closed */
    /* A poll that was interrupted and will be called again: its waits go on from when they began. */
    bool waits;
    uint64_t waiting[4];    /* its arguments */
    uint64_t began[CLOCKS]; /* the clocks then */
};

/** In counted machines all time is the machine's own. */
uint64_t wasi_clock_now(struct vm *vm, enum wasi_clock id);
uint64_t wasi_error_of(int number);
/** A host call was interrupted: to be done again, after whoever interrupted has been heard. */
uint64_t wasi_interrupted(struct host_call *c);

static inline uint32_t arg(const struct host_call *c, unsigned n) {
    return (uint32_t)c->args[n];
}
static inline struct vm *vm_of(const struct host_call *c) {
    return c->machine->vm;
}
static inline uint64_t load(const uint8_t *at, unsigned size) {
    uint64_t v = 0;
    memcpy(&v, at, size);
    return v;
}
static inline void store(uint8_t *at, unsigned size, uint64_t value) {
    memcpy(at, &value, size);
}
/** The host's descriptor for one of the guest's, or -1. */
static inline int wasi_stream(const struct host_call *c, uint32_t fd) {
    return fd < STREAMS ? host_machine(c)->wasi->host[fd] : -1;
}

/** What the host says to a call of this number: its result, or minus an errno. It, and what it brings (input_data),
   comes in through the door of the vm. */
#define WASI_ASK(vm, number, call)                                                                                     \
    INPUT_VALUE(vm, INPUT_call, number, ({                                                                             \
                    const int64_t result_ = (call);                                                                    \
                    result_ < 0 ? -(int64_t)errno : result_;                                                           \
                }))
int64_t wasi_flags(struct vm *vm, int fd);
int64_t wasi_seek(struct vm *vm, int fd, int64_t offset, int whence);
struct stat;
int64_t wasi_stat(struct vm *vm, int fd, struct stat *s);

/* wasi_poll.c */
uint64_t poll_oneoff(struct host_call *c);

#endif
