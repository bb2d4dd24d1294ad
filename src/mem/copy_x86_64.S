/* copy_x86_64.S - a copy of memory that may fault: see copy_guarded in space.h. All of its faults happen at one
 * instruction, whose count register then says what is missing, so the way out needs no more than that. */
#if defined(__x86_64__)
        .text
        .hidden copy_guarded, copy_guarded_access, copy_guarded_out
        .globl copy_guarded, copy_guarded_access, copy_guarded_out
        .type copy_guarded, @function
        .p2align 4
copy_guarded:
        movq %rdx, %rcx
copy_guarded_access:
        rep movsb
copy_guarded_out:
        movq %rcx, %rax
        ret
        .size copy_guarded, . - copy_guarded
#endif
        .section .note.GNU-stack, "", @progbits
