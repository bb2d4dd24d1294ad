/* uring.h - io_uring: what uring.c (rings), uring_request.c (operations) and uring_register.c share. */
#ifndef PROCESS_LINUX_URING_H
#define PROCESS_LINUX_URING_H

#include "process/linux/linux.h"
#include <linux/io_uring.h>

/** What the headers of older systems lack. */
enum {
    SETUP_SINGLE_ISSUER = 1 << 12,
    SETUP_DEFER_TASKRUN = 1 << 13,
    SETUP_NO_MMAP = 1 << 14,
    SETUP_NO_SQARRAY = 1 << 16,
    ENTER_ABS_TIMER = 1 << 5,
    ENTER_NO_IOWAIT = 1 << 7,
    FEAT_MIN_TIMEOUT = 1 << 15,
    NOP_INJECT_RESULT = 1,
    OP_BIND = 56, /* a host that has it can do the above */
    OP_NONE = 255
};

enum { URING_ROOM = 4 << 20 };

/** One ring, found by the descriptor that it was made as. */
struct uring {
    struct uring *next;
    int fd;
    uint32_t users; /* calls */
    uint32_t busy;  /* somebody fills requests in or has them submitted */
    bool ended;
    bool polled;  /* SQPOLL: entering submits all there is */
    bool indexed; /* the queue has an array of numbers of requests */
    uint32_t entries, request_size;
    struct io_sqring_offsets at;
    uint8_t *rings;    /* both queues, shared by host and guest */
    uint8_t *requests; /* as the host sees them: only vee writes there */
    uint8_t *offered;  /* as the guest writes them */
    size_t rings_size, requests_size;
    uint8_t *room; /* for what requests lead to, while they are submitted */
    size_t used;
};

struct uring *uring_find(const struct process *p, int fd);
/** Around the use of its requests and its room: one at a time. CALL_AGAIN: a signal came while others did. */
int64_t uring_begin(struct call *c, struct uring *r);
void uring_end(struct uring *r);
/** A call that counted among its users is done with it. */
void uring_left(struct uring *r);

/* uring_request.c */
/** Makes a request of the guest's one for the host. `follows`: one before it leads to it. Sets *made when it made a
   call itself. False: no room for it, or a signal came first (*again): the requests before it are to be submitted. */
bool uring_translate(struct call *c, struct uring *r, const struct io_uring_sqe *guest, struct io_uring_sqe *host,
                     bool follows, bool *made, bool *again);
/** Does vee do this operation? */
bool uring_has(unsigned operation);

/* call.c */
/** The system call of this row, in the middle of another one. */
int64_t call_within(struct thread *t, unsigned row, const uint64_t args[6]);

#endif
