/* copy_x86_64.S - accesses to memory that may fault: see copy_guarded and its kin in space.h. All faults of a copy
 * happen at one instruction, whose count register then says what is missing, so the way out needs no more than that. */
#if defined(__x86_64__)
        .text
        .hidden copy_guarded, copy_guarded_access, copy_guarded_out
        .globl copy_guarded, copy_guarded_access, copy_guarded_out
        .hidden look_guarded, look_guarded_access, look_guarded_out
        .globl look_guarded, look_guarded_access, look_guarded_out
        .hidden touch_guarded, touch_guarded_access, touch_guarded_out
        .globl touch_guarded, touch_guarded_access, touch_guarded_out
        .type copy_guarded, @function
        .type look_guarded, @function
        .type touch_guarded, @function
        .p2align 4
copy_guarded:
        movq %rdx, %rcx
copy_guarded_access:
        rep movsb
copy_guarded_out:
        movq %rcx, %rax
        ret
        .size copy_guarded, . - copy_guarded
        .p2align 4
look_guarded:
        xorl %eax, %eax
look_guarded_access:
        movzbl (%rdi), %ecx
        incl %eax
look_guarded_out:
        ret
        .size look_guarded, . - look_guarded
        .p2align 4
touch_guarded:
touch_guarded_access:
        lock orb $0, (%rdi)
touch_guarded_out:
        ret
        .size touch_guarded, . - touch_guarded
#endif
        .section .note.GNU-stack, "", @progbits
