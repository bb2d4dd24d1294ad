# A program that gets nowhere: with STUCK, its first instruction traps, and nothing is where traps lead; with AT, traps
# lead to that, which traps itself, and with S in S mode; else it waits and has no interrupt enabled.
# With WATCHED an interrupt of M mode's comes meanwhile, and ends it with success; with REPAIRED another hart writes what
# does not trap. With MANY there are many traps at one place, from a handler that does its work in memory alone.
        .globl _start
_start:
#ifdef REPAIRED
        csrr t0, mhartid
        bnez t0, repair
#endif
#if defined AT
        lla t0, vector
        csrw mtvec, t0
#ifdef S
        csrw stvec, t0
        li t0, -1
        csrw pmpaddr0, t0
        csrw medeleg, t0
        li t0, 0x1f
        csrw pmpcfg0, t0
#ifdef WATCHED
        lla t0, end
        csrw mtvec, t0
        li t0, 1 << 7
        csrw mie, t0
        li t0, 0x0200bff8
        ld t1, 0(t0)
        li t2, 100000
        add t1, t1, t2
        li t0, 0x02004000
        sd t1, 0(t0)
#endif
        li t0, 1 << 11
        csrw mstatus, t0
        lla t0, 1f
        csrw mepc, t0
        mret
1:
#endif
        li t0, 0x40000000
        addi t1, t0, 1
        unimp
#elif defined MANY
        lla t0, count
        csrw mtvec, t0
        lla t0, counted
        li t1, 100000
again:  unimp
        j end
count:  ld t2, 0(t0)
        addi t2, t2, 1
        sd t2, 0(t0)
        bge t2, t1, end
        mret
#elif defined STUCK
        unimp
#else
        wfi
#endif
        j _start

#ifdef REPAIRED
repair: li t0, 10000000
1:      addi t0, t0, -1
        bnez t0, 1b
        lla t0, vector
        li t1, 0x00100293               # li t0, 1
        sw t1, 0(t0)
        fence
1:      wfi
        j 1b
#endif
        .balign 4
        .option norvc
vector:
#ifdef AT
        AT
#endif
end:    li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)
1:      j 1b
        .balign 8
counted: .dword 0
