/* copy.c - checked copies between vee and the memory of a process (see space.h).
 *
 * Rights are asked of the host's page tables by trying: what is mapped can change at any time by means that no record
 * sees (a truncated file), so a check before the access would prove nothing.
 */
#include "mem/space.h"
#include <string.h>

#define LABEL(name) extern const char name[] __attribute__((visibility("hidden")))
LABEL(copy_guarded_slow);
LABEL(copy_guarded_access);
LABEL(copy_guarded_out);
LABEL(look_guarded_access);
LABEL(look_guarded_out);
LABEL(touch_guarded_access);
LABEL(touch_guarded_out);

bool copy_fault(uint64_t *pc) {
    const uint64_t at = *pc, fast = (uintptr_t)copy_guarded, slow = (uintptr_t)copy_guarded_slow;
    const char *out = at >= fast && at < slow                 ? copy_guarded_slow
                      : at == (uintptr_t)copy_guarded_access  ? copy_guarded_out
                      : at == (uintptr_t)look_guarded_access  ? look_guarded_out
                      : at == (uintptr_t)touch_guarded_access ? touch_guarded_out
                                                              : NULL;
    if (out) *pc = (uint64_t)(uintptr_t)out;
    return out;
}

bool space_read(const struct space *s, uint64_t from, void *to, size_t size) {
    if (!space_within(s, from, size)) return false;
    return copy_guarded(to, space_host(s, from), size) == 0;
}

bool space_write(const struct space *s, uint64_t to, const void *from, size_t size) {
    if (!space_within(s, to, size)) return false;
    if (s->watch) space_unwatch(s, to, size);
    return copy_guarded(space_host(s, to), from, size) == 0;
}
