/* os_task.h - what os_thread.c needs of the processor (os_x86_64.c, os_thread_x86_64.S), and nobody else.
 *
 * Thread-local variables are below the thread pointer, and the block is at it: it begins with a pointer to itself.
 */
#ifndef BASE_OS_TASK_H
#define BASE_OS_TASK_H

#include "base/os.h"
#include <stddef.h>
#include <stdint.h>

#define OS_TASK __attribute__((visibility("hidden")))

struct clone_args;
/** Of the calling thread. */
OS_TASK uintptr_t os_task_pointer(void);
/** Fills in what compilers and the C library want at fixed places of a new task's block. */
OS_TASK void os_task_block(void *pointer);
/** clone with a stack of the new task's own, on which it calls run(arg), which does not return. */
OS_TASK int64_t os_task_clone(uint64_t flags, void *stack_end, uint32_t *parent_id, uint32_t *child_id, void *pointer,
                              void (*run)(void *arg), void *arg);
OS_TASK int64_t os_task_clone3(const struct clone_args *args, size_t size, void (*run)(void *arg), void *arg);
/** Unmaps a range that the caller's stack is in, and ends the calling thread with status 0. */
OS_TASK OS_ENDS void os_task_end(void *memory, size_t size);

#endif
