# start.S - what the bare-metal tests share in assembly: start, trap entries for M and S mode, and a way into less
# privileged modes and back (bare.h says how they are used).

    .section .text.start
    .globl start
start:
    csrr t0, mhartid
    bnez t0, other
    la sp, stack_top
    la t0, bss_start
    la t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  la t0, m_entry
    csrw mtvec, t0
    la t0, m_stack_top
    csrw mscratch, t0
    la t0, s_entry
    csrw stvec, t0
    la t0, s_stack_top
    csrw sscratch, t0
    li t0, -1                   # everything is allowed everywhere, unless a test says otherwise
    csrw pmpaddr15, t0
    li t0, 0x1f << 56
    csrw pmpcfg2, t0
    fence rw, rw
    la t0, cleared
    li t1, 1
    sw t1, 0(t0)
    call main
    call finish

# Harts but the first have a stack of 1 KiB each, and go to other_hart, if the program has that.
    .weak other_hart
other:
    la t0, cleared
1:  lw t1, 0(t0)
    beqz t1, 1b
    fence rw, rw
    csrr a0, mhartid
    la sp, others_top
    slli t0, a0, 10
    sub sp, sp, t0
    lla t1, m_entry
    csrw mtvec, t1
    la t0, other_hart
    beqz t0, 1f
    jalr t0
1:  wfi
    j 1b
    .data
cleared: .word 0            # the others must not write before that
    .text

# Traps do not nest. \m is m or s: saves all registers in a struct frame on the mode's own stack.
    .macro trap_entry m
    .balign 4
    .globl \m\()_entry
\m\()_entry:
    csrrw sp, \m\()scratch, sp
    addi sp, sp, -32 * 8
    sd x1, 1 * 8(sp)
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    sd x\n, \n * 8(sp)
    .endr
    csrr t0, \m\()scratch
    sd t0, 2 * 8(sp)
    mv a0, sp
    call \m\()_handle
    ld x1, 1 * 8(sp)
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld x\n, \n * 8(sp)
    .endr
    addi sp, sp, 32 * 8
    csrw \m\()scratch, sp
    ld sp, -30 * 8(sp)
    \m\()ret
    .endm
    .text
    trap_entry m
    trap_entry s

# Vectored interrupts: entry n notes n in m_vector (t6 and t5 are lost: the interrupted code has to know) and goes on.
    .option norvc
    .balign 256
    .globl m_vectors
m_vectors:
    j m_entry
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    j m_vector_\n
    .endr
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
m_vector_\n:
    li t6, \n
    la t5, m_vector
    sw t6, 0(t5)
    j m_entry
    .endr

# uint64_t run_in(mode, function, argument, stack): runs function(argument) in the mode; yields its result.
    .globl run_in
run_in:
    la t0, run_saved
    sd ra, 0(t0)
    sd sp, 8(t0)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    sd s\n, 16 + 8 * \n(t0)
    .endr
    li t1, 3 << 11
    csrc mstatus, t1
    slli a0, a0, 11
    csrs mstatus, a0
    csrw mepc, a1
    mv a0, a2
    mv sp, a3
    la ra, leave_mode
    mret
leave_mode:
    li a7, 0x600d
    ecall
# m_handle comes here, in M mode, with the result in a0.
    .globl run_back
run_back:
    la t0, run_saved
    ld ra, 0(t0)
    ld sp, 8(t0)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ld s\n, 16 + 8 * \n(t0)
    .endr
    ret

    .bss
    .balign 16
    .space 8 * 1024
others_top: .space 16
run_saved: .space 16 + 12 * 8
    .space 4096
m_stack_top:
    .space 4096
    .globl s_stack_top
s_stack_top:
