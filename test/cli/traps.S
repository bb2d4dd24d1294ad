# Takes one trap of each of a few kinds in M mode, under page tables: a call from U mode, a read of what is not mapped with
# U mode's rights, a timer's interrupt; then powers off. Each handler goes on at s1.
        .globl _start
_start: la      t0, handler
        csrw    mtvec, t0
        li      t0, -1                  # everything is allowed by memory protection
        csrw    pmpaddr0, t0
        li      t0, 0x1f
        csrw    pmpcfg0, t0
        la      t0, table               # the first four GiB as they are, but for the second one, and for U mode
        li      t1, 0x0 | 0xdf
        sd      t1, 0(t0)
        li      t1, 0x20000000 | 0xdf
        sd      t1, 16(t0)
        srli    t1, t0, 12
        li      t2, 8 << 60
        or      t1, t1, t2
        csrw    satp, t1
        sfence.vma

        la      s1, 1f                  # to U mode, where a read and a write are mapped
        la      t0, user
        csrw    mepc, t0
        li      t0, 0x1800
        csrc    mstatus, t0
        mret
user:   la      sp, table
        addi    sp, sp, 2040
        lw      t1, 0(sp)
        sw      t1, 0(sp)
        ecall
1:      la      s1, 2f                  # a read as U mode would do it
        li      t0, 0x1800
        csrc    mstatus, t0
        li      t0, 1 << 17
        csrs    mstatus, t0
        li      t1, 0x40001234
fault:  ld      t1, 0(t1)
2:      la      s1, 3f
        li      t0, 1 << 7
        csrw    mie, t0
        li      t0, 0x2004000
        sd      zero, 0(t0)
        csrsi   mstatus, 8
wait:   j       wait
3:      li      t0, 0x100000
        li      t1, 0x5555
        sw      t1, 0(t0)
4:      j       4b

        .balign 4
handler:
        li      t0, 1 << 17
        csrc    mstatus, t0
        csrw    mepc, s1
        li      t0, 0x1800
        csrs    mstatus, t0
        csrw    mie, zero
        mret
        .balign 4096
table:  .fill   512, 8, 0
