/* host_x86_64.S - system calls of the host on x86-64.
 *
 * host_call makes one that may block. It begins only while nothing is waiting to be delivered, and the check and the
 * instruction are a known range of addresses: the signal handler moves a pc from there to host_call_not_begun. Behind
 * the instruction the call is complete or was interrupted, as its result says. (A call that the kernel restarts has its
 * pc on the instruction again, which is "not begun" too.)
 */
#if defined(__x86_64__)
        .text
        .hidden host_call, host_call_check, host_call_end, host_call_not_begun, host_signal_return
        .globl host_call, host_call_check, host_call_end, host_call_not_begun, host_signal_return

/* int64_t host_call(const uint32_t *interrupted, long number, const uint64_t args[6]) */
        .type host_call, @function
        .p2align 4
host_call:
        movq %rdi, %r11
        movq %rsi, %rax
        movq %rdx, %rcx
        movq 0(%rcx), %rdi
        movq 8(%rcx), %rsi
        movq 16(%rcx), %rdx
        movq 24(%rcx), %r10
        movq 32(%rcx), %r8
        movq 40(%rcx), %r9
host_call_check:
        cmpl $0, (%r11)
        jne host_call_not_begun
        syscall
host_call_end:
        ret
host_call_not_begun:
        movq $-5001, %rax /* CALL_AGAIN */
        ret
        .size host_call, . - host_call

/* where the kernel returns from a host signal handler */
        .type host_signal_return, @function
        .p2align 4
        nop
host_signal_return:
        movl $15, %eax /* rt_sigreturn */
        syscall
        .size host_signal_return, . - host_signal_return
#endif
        .section .note.GNU-stack, "", @progbits
