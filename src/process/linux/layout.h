/* layout.h - the host's side of structs in layout.def, and how the functions are made that copy them from and to a
 * guest's (layout_make.h). Included by an instruction set's file, which says by TYPE_name how its programs have each
 * struct (layout_generic.h), and by tests.
 */
#ifndef PROCESS_LINUX_LAYOUT_H
#define PROCESS_LINUX_LAYOUT_H

#include "process/linux/linux.h"
#include <fcntl.h>
#include <linux/filter.h>
#include <mqueue.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>

/** A field that a guest's struct has not. */
struct absent {};

/* Numbers and addresses of either side as words, extended by their own types. */
#define LAYOUT_GET(x) (uint64_t) _Generic((x), struct absent : 0, default : (x))

#define LAYOUT_FITS(x, v) _Generic((x), struct absent : true, default : LAYOUT_GET(x) == (v))

/** What only syscall.def has names for. */
struct word {
    uint64_t value;
};
struct offset {
    int64_t value;
};
struct timespecs {
    struct timespec at[2];
};

#endif
