/* time.c - clocks and sleeping. Where instructions are counted time is their count (vm_clock_ns), so that runs can be
 * compared: clocks, sleeps and resource usage follow it. Elsewhere these calls are the host's. */
#include "process/linux/linux.h"
#include "vm/input.h"
#include <string.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

enum { NANOSECONDS = 1000000000, TICK = NANOSECONDS / 100 };
static const uint64_t counted_epoch = UINT64_C(1000000000) * NANOSECONDS; /* a day in 2001 */

static uint64_t counted_clock(struct vm *vm, int64_t clock) {
    bool of_day = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
    return vm_clock_ns(vm) + (of_day ? counted_epoch : 0);
}

uint64_t linux_clock(struct vm *vm, int clock) {
    struct timespec t;
    if (vm->counted) return counted_clock(vm, clock);
    return (uint64_t)INPUT_VALUE(vm, INPUT_clock, clock,
                                 clock_gettime(clock, &t) ? 0 : t.tv_sec * (int64_t)NANOSECONDS + t.tv_nsec);
}

int64_t call_clock_gettime(struct call *c) {
    struct vm *vm = c->process->vm;
    if (!vm->counted)
        return call_wait(c, SYS_clock_gettime, c->host[0], c->host[1], 0, 0, 0, 0); /* which may be a device's */
    struct timespec t;
    int64_t r = host_do(SYS_clock_getres, c->host[0], &t);
    if (r < 0) return r;
    uint64_t now = counted_clock(vm, (int32_t)c->guest[0]);
    t = (struct timespec){(time_t)(now / NANOSECONDS), (long)(now % NANOSECONDS)};
    return call_give(c, 1, LAYOUT_timespec, &t);
}

int64_t call_gettimeofday(struct call *c) {
    struct vm *vm = c->process->vm;
    if (!vm->counted) return host_do(SYS_gettimeofday, c->host[0], c->host[1]);
    uint64_t now = counted_clock(vm, CLOCK_REALTIME);
    struct timeval t = {(time_t)(now / NANOSECONDS), (suseconds_t)(now % NANOSECONDS / 1000)};
    int32_t zone[2] = {0, 0};
    int64_t r = c->guest[0] ? call_give(c, 0, LAYOUT_timeval, &t) : 0;
    if (r < 0) return r;
    return c->guest[1] && !call_write(c, c->guest[1], zone, sizeof zone) ? -EFAULT : 0;
}

static int64_t counted_sleep(struct call *c, int64_t clock, bool absolute, uint64_t from) {
    struct timespec t, res;
    int64_t r = host_do(SYS_clock_getres, clock, &res);
    if (r < 0) return r;
    if (!call_get(c, LAYOUT_timespec, from, &t)) return -EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= NANOSECONDS) return -EINVAL;
    if (t.tv_sec > INT64_MAX / NANOSECONDS - 1) t.tv_sec = INT64_MAX / NANOSECONDS - 1;
    uint64_t length = (uint64_t)t.tv_sec * NANOSECONDS + (uint64_t)t.tv_nsec;
    uint64_t now = counted_clock(c->process->vm, clock);
    if (absolute) length = length > now ? length - now : 0;
    vm_clock_advance(c->process->vm, length);
    return 0;
}

int64_t call_nanosleep(struct call *c) {
    if (!c->process->vm->counted) return call_wait(c, SYS_nanosleep, c->host[0], c->host[1], 0, 0, 0, 0);
    return counted_sleep(c, CLOCK_MONOTONIC, false, c->guest[0]);
}

int64_t call_clock_nanosleep(struct call *c) {
    const uint64_t *h = c->host;
    if (!c->process->vm->counted) return call_wait(c, SYS_clock_nanosleep, h[0], h[1], h[2], h[3], 0, 0);
    return counted_sleep(c, (int32_t)c->guest[0], c->guest[1] & TIMER_ABSTIME, c->guest[2]);
}

int64_t call_times(struct call *c) {
    struct vm *vm = c->process->vm;
    if (!vm->counted) return host_do(SYS_times, c->host[0]);
    int64_t r;
    uint64_t ticks = vm_clock_ns(vm) / TICK;
    struct tms t = {.tms_utime = (clock_t)ticks};
    r = c->guest[0] ? call_give(c, 0, LAYOUT_tms, &t) : 0;
    return r < 0 ? r : (int64_t)ticks;
}

int64_t call_getrusage(struct call *c) {
    struct vm *vm = c->process->vm;
    if (!vm->counted) return host_do(SYS_getrusage, c->host[0], c->host[1]);
    struct rusage u;
    int64_t r = host_do(SYS_getrusage, c->host[0], &u);
    if (r < 0) return r;
    memset(&u, 0, sizeof u);
    u.ru_utime.tv_sec = (time_t)(vm_clock_ns(vm) / NANOSECONDS);
    u.ru_utime.tv_usec = (suseconds_t)(vm_clock_ns(vm) % NANOSECONDS / 1000);
    return call_give(c, 1, LAYOUT_rusage, &u);
}
