/* frame_riscv64.h - where things are in signal frames and core files on riscv64. A frame is what arch/riscv's
 * rt_sigframe is: siginfo (128 bytes), then the ucontext, whose machine context holds pc and x1-x31, then f0-f31 and
 * fcsr, then room for extensions that ends with an empty header. Core files have the same: integers, then in a note of
 * its own f0-f31 and fcsr, which takes a word.
 */
#ifndef PROCESS_LINUX_FRAME_RISCV64_H
#define PROCESS_LINUX_FRAME_RISCV64_H

enum frame_offset {
    FRAME_INFO = 0,
    FRAME_CONTEXT = 128,
    FRAME_STACK = FRAME_CONTEXT + 16,
    FRAME_MASK = FRAME_CONTEXT + 40,
    FRAME_REGISTERS = FRAME_CONTEXT + 176,
    FRAME_FLOATS = FRAME_REGISTERS + 32 * 8,
    FRAME_FCSR = FRAME_FLOATS + 32 * 8,
    FRAME_EXTENSIONS = FRAME_FLOATS + 516, /* a reserved word, then the first extension's magic and size */
    FRAME_SIZE = FRAME_FLOATS + 528
};
enum { CORE_INTEGERS = 32 * 8, CORE_FCSR = 32 * 8, CORE_FLOATS = CORE_FCSR + 8 };

#endif
