/* copy.c - checked copies between vee and the memory of a process (see space.h).
 *
 * Rights are asked of the host's page tables by trying: what is mapped can change at any time by means that no record
 * sees (a truncated file), so a check before the access would prove nothing.
 */
#include "mem/space.h"
#include <errno.h>
#include <string.h>

extern const char copy_guarded_access[] __attribute__((visibility("hidden")));
extern const char copy_guarded_out[] __attribute__((visibility("hidden")));
extern const char touch_guarded_access[] __attribute__((visibility("hidden")));
extern const char touch_guarded_out[] __attribute__((visibility("hidden")));

bool copy_fault(uint64_t *pc) {
    const char *out = *pc == (uint64_t)(uintptr_t)copy_guarded_access    ? copy_guarded_out
                      : *pc == (uint64_t)(uintptr_t)touch_guarded_access ? touch_guarded_out
                                                                         : NULL;
    if (out) *pc = (uint64_t)(uintptr_t)out;
    return out;
}

bool space_read(const struct space *s, uint64_t from, void *to, size_t size) {
    if (!space_within(s, from, size)) return false;
    space_touch(s, from, size, false);
    return copy_guarded(to, space_host(s, from), size) == 0;
}

bool space_write(const struct space *s, uint64_t to, const void *from, size_t size) {
    if (!space_within(s, to, size)) return false;
    space_touch(s, to, size, true);
    return copy_guarded(space_host(s, to), from, size) == 0;
}

int64_t space_read_string(const struct space *s, uint64_t from, char *to, size_t size) {
    size_t done = 0;
    while (done < size) {
        /* Never across a page in one copy: the string may end before an inaccessible one. */
        size_t part = SPACE_PAGE - ((from + done) & (SPACE_PAGE - 1));
        if (part > size - done) part = size - done;
        if (part > 256) part = 256; /* most are short */
        if (from + done < from || !space_read(s, from + done, to + done, part)) return -EFAULT;
        const char *end = memchr(to + done, 0, part);
        if (end) return end - to;
        done += part;
    }
    return -ENAMETOOLONG;
}
