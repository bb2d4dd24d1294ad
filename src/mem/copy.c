/* copy.c - checked copies between vee and the memory of a process (see space.h).
 *
 * Rights are asked of the host's page tables by trying: what is mapped can change at any time by means that no record
 * sees (a truncated file), so a check before the access would prove nothing.
 */
#include "mem/space.h"

bool space_read(const struct space *s, uint64_t from, void *to, size_t size) {
    if (!space_within(s, from, size)) return false;
    return copy_guarded(to, space_host(s, from), size) == 0;
}

bool space_write(const struct space *s, uint64_t to, const void *from, size_t size) {
    if (!space_within(s, to, size)) return false;
    if (s->watch) space_unwatch(s, to, size);
    return copy_guarded(space_host(s, to), from, size) == 0;
}
