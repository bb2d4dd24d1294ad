# A program that gets nowhere: with STUCK, its first instruction traps, and nothing is where traps lead; else it waits
# and has no interrupt enabled.
        .globl _start
_start:
#ifdef STUCK
        unimp
#else
        wfi
#endif
        j _start
