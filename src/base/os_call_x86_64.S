/* os_call_x86_64.S - system calls of Linux on x86-64 that may block, and the way back from a handler of signals.
 *
 * os_call_unless begins only while nothing is waiting to be delivered, and the check and the instruction are a known
 * range of addresses: os_call_cancel moves a pc from there to os_call_not_begun. Behind the instruction the call is
 * complete or was interrupted, as its result says. (A call that the kernel restarts has its pc on the instruction
 * again, which is "not begun" too.)
 */
        .text
        .hidden os_call_unless, os_call_check, os_call_end, os_call_not_begun, os_signal_return
        .globl os_call_unless, os_call_check, os_call_end, os_call_not_begun, os_signal_return

/* int64_t os_call_unless(const uint32_t *interrupted, long number, const uint64_t args[6]) */
        .type os_call_unless, @function
        .p2align 4
os_call_unless:
        movq %rdi, %r11
        movq %rsi, %rax
        movq %rdx, %rcx
        movq 0(%rcx), %rdi
        movq 8(%rcx), %rsi
        movq 16(%rcx), %rdx
        movq 24(%rcx), %r10
        movq 32(%rcx), %r8
        movq 40(%rcx), %r9
os_call_check:
        cmpl $0, (%r11)
        jne os_call_not_begun
        syscall
os_call_end:
        ret
os_call_not_begun:
        movq $-5001, %rax /* OS_NOT_BEGUN */
        ret
        .size os_call_unless, . - os_call_unless

/* where the kernel returns from a host signal handler */
        .type os_signal_return, @function
        .p2align 4
        nop
os_signal_return:
        movl $15, %eax /* rt_sigreturn */
        syscall
        .size os_signal_return, . - os_signal_return
        .section .note.GNU-stack, "", @progbits
