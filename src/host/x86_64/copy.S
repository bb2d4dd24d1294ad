/* copy.S - copies of memory that may fault, for x86-64 (see mem/space.h); copy_fault in signal.c knows the ways out.
 *
 * A copy is done by one instruction, whose count register says at a fault what is missing, so the way out needs no more
 * than that. As that takes long to begin, the usual small sizes are moved in pieces first; a fault in there leads to
 * the slow way, from the start. So nothing in there changes rdi, rsi or rdx. */
        .text
        .hidden copy_guarded, copy_guarded_slow, copy_guarded_access, copy_guarded_out
        .globl copy_guarded, copy_guarded_slow, copy_guarded_access, copy_guarded_out
        .hidden look_guarded, look_guarded_access, look_guarded_out
        .globl look_guarded, look_guarded_access, look_guarded_out
        .hidden touch_guarded, touch_guarded_access, touch_guarded_out
        .globl touch_guarded, touch_guarded_access, touch_guarded_out
        .type copy_guarded, @function
        .type look_guarded, @function
        .type touch_guarded, @function
        .p2align 4
copy_guarded:
        cmpq $16, %rdx
        ja 2f
        cmpq $8, %rdx
        jb 1f
        movq (%rsi), %rax
        movq -8(%rsi, %rdx), %rcx
        movq %rax, (%rdi)
        movq %rcx, -8(%rdi, %rdx)
        xorl %eax, %eax
        ret
1:      cmpq $4, %rdx
        jne copy_guarded_slow
        movl (%rsi), %eax
        movl %eax, (%rdi)
        xorl %eax, %eax
        ret
2:      cmpq $512, %rdx
        ja copy_guarded_slow
        xorl %ecx, %ecx
3:      movups (%rsi, %rcx), %xmm0
        movups %xmm0, (%rdi, %rcx)
        addq $16, %rcx
        leaq 16(%rcx), %rax
        cmpq %rdx, %rax
        jbe 3b
        movups -16(%rsi, %rdx), %xmm0
        movups %xmm0, -16(%rdi, %rdx)
        xorl %eax, %eax
        ret
copy_guarded_slow:
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
        .section .note.GNU-stack, "", @progbits
