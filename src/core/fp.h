/*
 * Exact floating point in integer arithmetic: IEEE 754 binary16, binary32 and binary64.
 *
 * This is the reference for the interpreter and for cold paths of translated code. It executes no floating-point
 * instruction of the host, reads no state and keeps none: the rounding mode is a parameter and the exceptions are OR-ed
 * into the caller's word, so it may be called from any thread.
 *
 * A number is its bit pattern in a uint64_t. A format narrower than 64 bits occupies the low bits: bits above it are
 * ignored in operands and zero in results (NaN boxing is the business of the guest). Every NaN result of an operation
 * is the canonical one: positive, quiet, payload 0. Tininess is detected after rounding. No operation flushes
 * subnormals.
 *
 * It does not know any guest. Where guests differ (the integer that a NaN converts to, the minimum of a number and a
 * NaN) the comment of the function says which choice it makes.
 */
#ifndef VEE_CORE_FP_H
#define VEE_CORE_FP_H

#include <stdbool.h>
#include <stdint.h>

enum fp_format {
    FP_16,
    FP_32,
    FP_64,
};

/* Rounding modes, with the numbers of RISC-V's frm. The guest resolves or traps any other number before it calls. */
enum fp_round {
    FP_RNE = 0, /* to nearest, ties to even */
    FP_RTZ = 1, /* toward zero */
    FP_RDN = 2, /* toward minus infinity */
    FP_RUP = 3, /* toward plus infinity */
    FP_RMM = 4, /* to nearest, ties away from zero */
};

/* Exceptions, with the bits of RISC-V's fflags. */
enum fp_flag {
    FP_NX = 1,  /* inexact */
    FP_UF = 2,  /* underflow: tiny and inexact */
    FP_OF = 4,  /* overflow */
    FP_DZ = 8,  /* division of a finite nonzero number by zero, or another exact infinity */
    FP_NV = 16, /* invalid operation */
};

/* The width of a format in bits. */
unsigned fp_width(enum fp_format format);

/* The pattern with only the sign bit set. */
uint64_t fp_sign_mask(enum fp_format format);

/* The canonical NaN. */
uint64_t fp_canonical(enum fp_format format);

/* True for any NaN. */
bool fp_is_nan(enum fp_format format, uint64_t a);

/* True for a signaling NaN: the highest bit of the fraction is clear. */
bool fp_is_snan(enum fp_format format, uint64_t a);

/* a + b, a - b, a * b, a / b, rounded once. */
uint64_t fp_add(enum fp_format format, uint64_t a, uint64_t b, enum fp_round rm, uint32_t *flags);
uint64_t fp_sub(enum fp_format format, uint64_t a, uint64_t b, enum fp_round rm, uint32_t *flags);
uint64_t fp_mul(enum fp_format format, uint64_t a, uint64_t b, enum fp_round rm, uint32_t *flags);
uint64_t fp_div(enum fp_format format, uint64_t a, uint64_t b, enum fp_round rm, uint32_t *flags);

/* The square root of a; that of -0 is -0, that of any other negative number is invalid. */
uint64_t fp_sqrt(enum fp_format format, uint64_t a, enum fp_round rm, uint32_t *flags);

/*
 * a * b + c, rounded once. Infinity times zero is invalid even if c is a quiet NaN (IEEE 754-2019, 7.2 leaves this
 * open; RISC-V requires it, x86 and wasm cannot tell). The other fused forms follow by flipping signs of a and c.
 */
uint64_t fp_fma(enum fp_format format, uint64_t a, uint64_t b, uint64_t c, enum fp_round rm, uint32_t *flags);

/*
 * minimumNumber and maximumNumber of IEEE 754-2019, 9.6: -0 is less than +0, one NaN yields the other operand, two
 * yield the canonical NaN. A signaling NaN is invalid, yet the other operand is the result. (RISC-V fmin, fmax since
 * F 2.2.)
 */
uint64_t fp_min(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);
uint64_t fp_max(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);

/*
 * minimum and maximum of IEEE 754-2019, 9.6: as above, but any NaN yields the canonical NaN. (RISC-V fminm, fmaxm; min
 * and max of wasm.)
 */
uint64_t fp_minimum(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);
uint64_t fp_maximum(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);

/*
 * Comparisons: 1 or 0; 0 if an operand is a NaN. fp_eq, fp_ltq and fp_leq are quiet: invalid for a signaling NaN only.
 * fp_lt and fp_le are signaling: invalid for any NaN.
 */
uint64_t fp_eq(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);
uint64_t fp_lt(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);
uint64_t fp_le(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);
uint64_t fp_ltq(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);
uint64_t fp_leq(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags);

/*
 * The class of a as one bit of ten (RISC-V fclass): 0 -infinity, 1 negative normal, 2 negative subnormal, 3 -0, 4 +0,
 * 5 positive subnormal, 6 positive normal, 7 +infinity, 8 signaling NaN, 9 quiet NaN.
 */
uint64_t fp_class(enum fp_format format, uint64_t a);

/* a of one format as a number of another. The formats may be equal: then only NaNs change. */
uint64_t fp_to_fp(enum fp_format from, enum fp_format to, uint64_t a, enum fp_round rm, uint32_t *flags);

/*
 * a rounded to an integer of 32 or 64 bits, zero-extended to 64. What does not fit after rounding is invalid (and not
 * inexact) and saturates; a NaN is invalid and yields the largest integer. (RISC-V fcvt. A guest that wants something
 * else, as x86's integer indefinite or wasm's traps and zero, looks for FP_NV in a fresh flag word.)
 */
uint64_t fp_to_int(enum fp_format format, uint64_t a, unsigned bits, bool is_signed, enum fp_round rm, uint32_t *flags);

/*
 * a truncated to an integer and reduced modulo 2^32, zero-extended to 64 bits; 0 for NaN and infinity. The flags are
 * those of a truncating conversion to a signed 32-bit integer. (RISC-V fcvtmod.w.d, ToInt32 of ECMAScript.)
 */
uint64_t fp_to_int_mod(enum fp_format format, uint64_t a, uint32_t *flags);

/* The low 32 or 64 bits of value, as a signed or unsigned integer, rounded to a number. */
uint64_t fp_from_int(enum fp_format format, uint64_t value, unsigned bits, bool is_signed, enum fp_round rm,
                     uint32_t *flags);

/* a rounded to an integral number of the same format, with the sign of a if 0; raises FP_NX only if raises_nx. */
uint64_t fp_round_int(enum fp_format format, uint64_t a, enum fp_round rm, bool raises_nx, uint32_t *flags);

#endif
