/* ioctl.c - ioctl by the rows of ioctl.def: what is behind its argument is checked as the row says. A request that has
 * no row may have pointers in its struct, so it is refused.
 */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

enum { STRUCT_MOST = 120 }; /* of those with a pointer within */
enum ioctl_kind { IOCTL_NUMBER, IOCTL_POINTER, IOCTL_COUNTED, IOCTL_INNER, IOCTL_SIZED, IOCTL_USERFAULT };
static const struct ioctl_row {
    uint32_t request;
    uint8_t kind;  /* enum ioctl_kind */
    uint8_t at;    /* offset of the count, the pointer or the length; the last number */
    uint16_t size; /* bytes behind the pointer */
    uint16_t more; /* bytes of each, or behind the inner pointer */
} rows[] = {
#define I(request, kind, size)           {request, IOCTL_##kind, 0, size, 0},
#define COUNTED(request, size, at, each) {request, IOCTL_COUNTED, at, size, each},
#define INNER(request, size, at, least)  {request, IOCTL_INNER, at, size, least},
#define SIZED(request, last)             {request, IOCTL_SIZED, last, 0, 0},
#define USERFAULT(request, size, at)     {request, IOCTL_USERFAULT, at, size, 0},
#include "process/linux/ioctl.def"
};

static const struct ioctl_row *row_of(uint32_t request) {
    const uint32_t plain = request & ~IOCSIZE_MASK, number = _IOC_NR(request);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ioctl_row *row = &rows[i];
        if (row->request == request) return row;
        if (row->kind == IOCTL_SIZED && plain - number == row->request - _IOC_NR(row->request) &&
            number >= _IOC_NR(row->request) && number <= row->at)
            return row;
    }
    return NULL;
}

/* The struct is copied, with the host's address in it; what the host changes in it is copied back. */
static int64_t inner(struct call *c, const struct ioctl_row *row) {
    uint8_t bytes[STRUCT_MOST], before[STRUCT_MOST];
    uint64_t guest, host = 0;
    if (!call_read(c, c->guest[2], bytes, row->size)) return -EFAULT;
    memcpy(before, bytes, row->size);
    memcpy(&guest, bytes + row->at, sizeof guest);
    if (guest && !call_pointer(c, guest, row->more, &host)) host = CALL_NOBODYS; /* as bad, should the host look */
    memcpy(bytes + row->at, &host, sizeof host);
    int64_t r = call_wait(c, SYS_ioctl, c->host[0], row->request, (uintptr_t)bytes, 0, 0, 0);
    if (r < 0) return r;
    memcpy(bytes + row->at, &guest, sizeof guest);
    if (!memcmp(bytes, before, row->size)) return r; /* it may not be for writing */
    return call_write(c, c->guest[2], bytes, row->size) ? r : -EFAULT;
}

int64_t call_ioctl(struct call *c) {
    const struct ioctl_row *row = row_of((uint32_t)c->guest[1]);
    uint64_t arg = c->guest[2], size = row ? row->size : 0;
    uint32_t count;
    if (!row) { /* a bad descriptor is still the first thing to say */
        int64_t r = host_do(SYS_fcntl, c->host[0], F_GETFD);
        return r < 0 ? r : -ENOTTY;
    }
    switch ((enum ioctl_kind)row->kind) {
    case IOCTL_NUMBER: break;
    case IOCTL_INNER: return inner(c, row);
    case IOCTL_SIZED:
        if (!call_pointer(c, arg, _IOC_SIZE((uint32_t)c->guest[1]), &arg)) return -EFAULT;
        break;
    case IOCTL_USERFAULT: return userfault_request(c, row->request, row->at, row->size);
    case IOCTL_COUNTED:
        if (!call_read(c, arg + row->at, &count, sizeof count)) return -EFAULT;
        size += (uint64_t)count * row->more;
        /* fallthrough */
    case IOCTL_POINTER:
        if (!call_pointer(c, arg, size, &arg)) return -EFAULT;
        break;
    }
    return call_wait(c, SYS_ioctl, c->host[0], (uint32_t)c->guest[1], arg, 0, 0, 0);
}
