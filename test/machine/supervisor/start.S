# start.S - what the tests in S mode share in assembly: the start as a kernel has it, with firmware below, and traps.
# start.S is linked behind where firmware lies on boards that have some in RAM (link.ld).

    .section .text.start
    .globl start
start:
    la sp, stack_top
    la t0, bss_start
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  la t0, s_entry
    csrw stvec, t0
    la t0, s_stack_top
    csrw sscratch, t0
    call main
    call finish

    .text
# Traps do not nest: saves all registers in a struct frame on a stack of its own.
    .balign 4
    .globl s_entry
s_entry:
    csrrw sp, sscratch, sp
    addi sp, sp, -32 * 8
    sd x1, 1 * 8(sp)
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    sd x\n, \n * 8(sp)
    .endr
    csrr t0, sscratch
    sd t0, 2 * 8(sp)
    mv a0, sp
    call s_handle
    ld x1, 1 * 8(sp)
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld x\n, \n * 8(sp)
    .endr
    addi sp, sp, 32 * 8
    csrw sscratch, sp
    ld sp, -30 * 8(sp)
    sret

# call_and_resume(type, address, argument): asks to be suspended, yields the error; or 1 if it went on at `resumed`, which
# leaves what was in a0 and a1 in resumed_with.
    .globl call_and_resume
call_and_resume:
    la t0, saved
    sd ra, 0(t0)
    sd sp, 8(t0)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    sd s\n, 16 + 8 * \n(t0)
    .endr
    li a7, 0x48534d
    li a6, 3
    ecall
    ret
    .globl resumed
resumed:
    la t0, saved
    ld ra, 0(t0)
    ld sp, 8(t0)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ld s\n, 16 + 8 * \n(t0)
    .endr
    la t0, resumed_with
    sd a0, 0(t0)
    sd a1, 8(t0)
    li a0, 1
    ret

    .bss
    .balign 16
saved: .space 16 + 12 * 8
    .globl resumed_with
resumed_with: .space 16
    .space 4096
    .globl s_stack_top
s_stack_top:
