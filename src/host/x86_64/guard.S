/* guard.S - memory accesses that may fault and say so, for x86-64 (see core/host.h).
 *
 * Every instruction between guard_begin and guard_end may fault; the handler (guard_fault in signal.c) then continues
 * at guard_failed with the status in eax and the address in rdx. Leaf functions that touch no callee-saved register.
 */
    .text
    .globl guard_read, guard_write, guard_cas, guard_begin, guard_end, guard_failed
    .hidden guard_begin, guard_end, guard_failed
    .type guard_read, @function
    .type guard_write, @function
    .type guard_cas, @function

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
guard_end:

guard_failed:
    ret
    .section .note.GNU-stack, "", @progbits
