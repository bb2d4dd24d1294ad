/* os_thread_x86_64.S - the beginning and the end of a task with a stack of its own, on x86-64 (os_thread.c). */
        .text
        .hidden os_task_clone, os_task_clone3, os_task_end
        .globl os_task_clone, os_task_clone3, os_task_end

/* int64_t os_task_clone(flags, stack_end, parent_id, child_id, pointer, run, arg) */
        .type os_task_clone, @function
        .p2align 4
os_task_clone:
        movq 8(%rsp), %rax
        subq $16, %rsi
        movq %r9, 0(%rsi)
        movq %rax, 8(%rsi)
        movq %rcx, %r10
        movl $56, %eax /* clone */
        syscall
        testq %rax, %rax
        jz 1f
        ret
1:      xorl %ebp, %ebp
        popq %rax
        popq %rdi
        call *%rax
        ud2
        .size os_task_clone, . - os_task_clone

/* int64_t os_task_clone3(args, size, run, arg) */
        .type os_task_clone3, @function
        .p2align 4
os_task_clone3:
        movq %rcx, %r8
        movl $435, %eax /* clone3 */
        syscall
        testq %rax, %rax
        jz 1f
        ret
1:      xorl %ebp, %ebp
        movq %r8, %rdi
        call *%rdx
        ud2
        .size os_task_clone3, . - os_task_clone3

/* void os_task_end(memory, size) */
        .type os_task_end, @function
        .p2align 4
os_task_end:
        movl $11, %eax /* munmap */
        syscall
        xorl %edi, %edi
        movl $60, %eax /* exit */
        syscall
        ud2
        .size os_task_end, . - os_task_end
        .section .note.GNU-stack, "", @progbits
