# start.S - the header of a flat kernel (as Linux has it), the way to main, traps, and the program of user mode.
#
# The computer starts here in S mode, with a0 = hart number and a1 = device tree.

    .section .text.start, "ax"
    .globl start
start:
    j 1f
    .balign 8
    .dword 0x200000             # where it wants to lie in RAM
    .dword image_end - image    # memory that it takes
    .dword 0                    # flags: little-endian
    .word 2, 0                  # version of the header
    .dword 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\x05"
    .word 0
1:  la sp, stack_top
    la t0, bss_start
    la t1, bss_end
2:  bgeu t0, t1, 3f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 2b
3:  la t0, trap
    csrw stvec, t0
    tail main

# All registers go to the frame; trap_taken says where to go on. sscratch is the kernel's stack while user mode runs.
    .align 2
trap:
    csrrw sp, sscratch, sp
    addi sp, sp, -32 * 8
    .irp reg, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    sd x\reg, \reg * 8(sp)
    .endr
    mv a0, sp
    call trap_taken
    .irp reg, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ld x\reg, \reg * 8(sp)
    .endr
    addi sp, sp, 32 * 8
    csrrw sp, sscratch, sp
    sret

# enter_user(pc, stack)
    .text
    .globl enter_user
enter_user:
    csrw sscratch, sp
    csrw sepc, a0
    mv sp, a1
    li t0, 0x100                # sstatus.SPP: back to U mode
    csrc sstatus, t0
    sret

# The program of user mode: writes to pages that are not there yet, adds up what it finds, tells the kernel.
    .section .user, "ax"
    li s0, 0x40000000           # HEAP
    li s1, 8                    # pages
    li s2, 0
1:  sd s1, 0(s0)
    ld t0, 0(s0)
    add s2, s2, t0
    li t1, 4096
    add s0, s0, t1
    addi s1, s1, -1
    bnez s1, 1b
    mv a0, s2
    li a7, 1                    # system call 1: the sum is
    ecall
    li a7, 0                    # system call 0: the end
    ecall
