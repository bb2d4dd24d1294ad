/* guard.S - memory accesses that may fault and say so, for x86-64 (see core/host.h).
 *
 * Every instruction between guard_begin and guard_end may fault; the handler (guard_fault in signal.c) then continues
 * at guard_failed with the status in eax and the address in rdx. Leaf functions that touch no callee-saved register.
 */
    .text
    .globl guard_read, guard_write, guard_cas, guard_read_wide, guard_write_wide, guard_begin, guard_end, guard_failed
    .hidden guard_begin, guard_end, guard_failed
    .type guard_read, @function
    .type guard_write, @function
    .type guard_cas, @function
    .type guard_read_wide, @function
    .type guard_write_wide, @function

guard_read: /* rdi from, esi size, rdx value */
    mov %rdx, %rcx
    cmp $4, %esi
    je 4f
    cmp $8, %esi
    je 8f
    cmp $2, %esi
    je 2f
guard_begin:
    movzbl (%rdi), %eax
    jmp 9f
2:  movzwl (%rdi), %eax
    jmp 9f
4:  movl (%rdi), %eax
    jmp 9f
8:  movq (%rdi), %rax
9:  mov %rax, (%rcx)
    mov $1, %eax
    ret

guard_write: /* rdi to, esi size, rdx value */
    cmp $4, %esi
    je 4f
    cmp $8, %esi
    je 8f
    cmp $2, %esi
    je 2f
    movb %dl, (%rdi)
    jmp 9f
2:  movw %dx, (%rdi)
    jmp 9f
4:  movl %edx, (%rdi)
    jmp 9f
8:  movq %rdx, (%rdi)
9:  mov $1, %eax
    ret

guard_cas: /* rdi at, esi size, rdx expected, rcx value, r8 old */
    mov %rdx, %rax
    cmp $8, %esi
    je 8f
    lock cmpxchgl %ecx, (%rdi)
    mov %eax, %eax
    jmp 9f
8:  lock cmpxchgq %rcx, (%rdi)
9:  mov %rax, (%r8)
    mov $1, %eax
    ret

guard_read_wide: /* rdi from, esi size, rdx cells */
    xor %ecx, %ecx
1:  movups (%rdi,%rcx), %xmm0
    movups %xmm0, (%rdx,%rcx)
    add $16, %ecx
    cmp %esi, %ecx
    jb 1b
    mov $1, %eax
    ret

/* Where a store of more than 8 bytes crosses pages and one of them may not be written, processors may have written the
   other: so both are asked first. */
guard_write_wide: /* rdi to, esi size, rdx cells */
    mov %esi, %ecx
    lea -1(%rdi,%rcx), %rcx
    mov %rcx, %rax
    xor %rdi, %rax
    test $-4096, %rax
    jz 1f
    lock orb $0, (%rdi)
    lock orb $0, (%rcx)
1:  xor %ecx, %ecx
2:  movups (%rdx,%rcx), %xmm0
    movups %xmm0, (%rdi,%rcx)
    add $16, %ecx
    cmp %esi, %ecx
    jb 2b
    mov $1, %eax
    ret
guard_end:

guard_failed:
    ret
    .section .note.GNU-stack, "", @progbits
