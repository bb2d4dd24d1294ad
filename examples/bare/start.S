# start.S - what runs before main: a stack, cleared memory, a trap vector that saves what C may change.
#
# The machine starts here in M mode, on hart 0, with a0 = hart number.

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
2:  la t0, trap
    csrw mtvec, t0
    call main
3:  wfi                         # main does not come back
    j 3b

    .align 2
trap:
    addi sp, sp, -16 * 8
    .irp reg, 0, 1, 2, 3, 4, 5, 6
    sd t\reg, \reg * 8(sp)
    .endr
    .irp reg, 0, 1, 2, 3, 4, 5, 6, 7
    sd a\reg, (7 + \reg) * 8(sp)
    .endr
    sd ra, 15 * 8(sp)
    csrr a0, mcause
    csrr a1, mepc
    call handle_trap            # returns where to go on
    csrw mepc, a0
    ld ra, 15 * 8(sp)
    .irp reg, 0, 1, 2, 3, 4, 5, 6, 7
    ld a\reg, (7 + \reg) * 8(sp)
    .endr
    .irp reg, 0, 1, 2, 3, 4, 5, 6
    ld t\reg, \reg * 8(sp)
    .endr
    addi sp, sp, 16 * 8
    mret
