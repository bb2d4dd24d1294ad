# trips.S - trips to the kernel and back, calls across pages, and reads of the clock, under paging: what a machine takes for
# each. It prints nothing; which one is the symbol KIND: 0 system calls of U mode to S mode, 1 direct calls of a function on
# another page, 2 indirect ones, 3 rdtime, 4 writes of satp that change between two address spaces.
#
#   riscv64-linux-gnu-gcc -nostdlib -static -march=rv64gc -DKIND=0 -DROUNDS=10000000 -Wl,-Ttext=0x80000000 trips.S -o trips
#   vee --stats ./trips

    .globl _start
_start:
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, -1
    csrw medeleg, t0
    csrw mcounteren, t0
    csrw scounteren, t0
    la t0, handler
    csrw stvec, t0
    la t0, table
    srli t1, t0, 12
    li t2, 8 << 60
    or s2, t1, t2
    li t3, 1 << 44
    or s3, s2, t3               # the same tables under another ASID
    csrw satp, s2
    sfence.vma
    li t0, 3 << 11
    csrc mstatus, t0
#if KIND != 0
    li t0, 1 << 11              # S mode
    csrs mstatus, t0
    la t0, work
#else
    la t0, user
    li t1, -0x40000000          # the same memory, as U mode may use it
    add t0, t0, t1
#endif
    csrw mepc, t0
    li s0, ROUNDS
    mret

    .balign 4096
handler:                        # counts, and goes on behind the ecall
    addi s1, s1, 1
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    beqz s0, end
    sret

    .balign 4096
user:
    ecall
    addi s0, s0, -1
    bnez s0, user
    ecall

    .balign 4096
work:
    la s4, far
#if KIND == 1
1:  call far
#elif KIND == 2
1:  jalr s4
#elif KIND == 3
1:  rdtime t0
#elif KIND == 4
1:  csrw satp, s3
    call far
    csrw satp, s2
#endif
#if KIND != 0
    addi s0, s0, -1
    bnez s0, 1b
#endif
end:
    li t0, 0x100000             # power off
    li t1, 0x5555
    sw t1, 0(t0)
    j end

    .balign 4096
far:
    addi s1, s1, 1
    ret

    .balign 4096
table:                          # gigapages: devices, the same memory for U mode at 1 GiB, memory at 2 GiB
    .dword 0xcf
    .dword (0x80000000 >> 2) | 0xdf
    .dword (0x80000000 >> 2) | 0xcf
    .zero 4096 - 24
