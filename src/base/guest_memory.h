/* guest_memory.h - a mark for host addresses of guest memory that may go away at any time: by another thread, a file
 * that is cut off. Nothing may be read or written through them but by functions that say so when it fails
 * (copy_guarded, guard_read and their like), which take them. clang refuses everything else; for other compilers it
 * means nothing.
 */
#ifndef BASE_GUEST_MEMORY_H
#define BASE_GUEST_MEMORY_H

#if defined __has_attribute
#if __has_attribute(noderef)
#define GUEST_MEMORY __attribute__((noderef))
#endif
#endif
#ifndef GUEST_MEMORY
#define GUEST_MEMORY
#endif

#endif
