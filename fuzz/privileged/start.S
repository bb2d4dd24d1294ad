# start.S - the privileged fuzzer's guest: its header, which the driver fills in, the start, and the one way from M mode to
# the case and back: run_case enters it, and every trap to M mode returns from run_case.

    .section .text.start
    .globl start
start:
    j 1f
    .balign 8
    .ascii "PRIVFUZZ"
    .globl asked
asked: # seed, first case, number of cases, flags (guest.c)
    .dword 1, 0, 16, 0
1:  csrr t0, mhartid
    beqz t0, 6f
2:  wfi
    j 2b
6:
    la sp, stack_top
    la t0, bss_start
    la t1, bss_end
3:  bgeu t0, t1, 4f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 3b
4:  call main
5:  j 5b

    .text
# void run_case(uint64_t x[32]): by mret with these registers, until a trap comes to M mode.
    .globl run_case
run_case:
    addi sp, sp, -14 * 8
    sd ra, 0(sp)
    sd gp, 8(sp)
    sd tp, 16(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    sd s\n, 24 + \n * 8(sp)
    .endr
    sd s11, 13 * 8(sp)
    addi sp, sp, -16
    sd s10, 0(sp)
    sd a0, 8(sp)
    la t0, monitor_sp
    sd sp, 0(t0)
    csrw mscratch, a0
    la t0, trap_entry
    csrw mtvec, t0
    mv x31, a0
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    ld x\n, \n * 8(x31)
    .endr
    ld x31, 31 * 8(x31)
    mret

    .balign 4
trap_entry:
    csrrw x31, mscratch, x31
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    sd x\n, \n * 8(x31)
    .endr
    csrr t0, mscratch
    sd t0, 31 * 8(x31)
    ld sp, monitor_sp
    sc.w zero, zero, (sp) # no reservation lives on, whether or not a trap ends it
    ld s10, 0(sp)
    addi sp, sp, 16
    ld ra, 0(sp)
    ld gp, 8(sp)
    ld tp, 16(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
    ld s\n, 24 + \n * 8(sp)
    .endr
    ld s11, 13 * 8(sp)
    addi sp, sp, 14 * 8
    ret

# uint64_t probe(address, store, status): a load or store in M mode with the rights that MPRV gives. What it traps with is
# in `probed`.
    .balign 4
    .globl probe
probe:
    la t0, 2f
    csrw mtvec, t0
    la t1, probed
    sd zero, 0(t1)
    sd zero, 8(t1)
    csrr t2, mstatus
    csrs mstatus, a2
    bnez a1, 1f
    ld a0, 0(a0)
    j 3f
1:  sd a1, 0(a0)
    j 3f
    .balign 4
2:  csrw mstatus, t2
    csrr t0, mcause
    sd t0, 0(t1)
    csrr t0, mtval
    sd t0, 8(t1)
    li a0, 0
3:  csrw mstatus, t2
    ret

    .bss
    .balign 8
monitor_sp: .space 8
    .globl probed
probed: .space 16
