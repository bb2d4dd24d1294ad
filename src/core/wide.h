/* wide.h - what the meanings of wide uops are written in: values as arrays of cells of 8 bytes, and their lanes.
 *
 * The lowest byte is the first. Sizes are in bytes and constant where these are called, so loops become vector code;
 * a result is never one of the operands.
 */
#ifndef CORE_WIDE_H
#define CORE_WIDE_H

#include <stdint.h>
#include <string.h>

static inline uint64_t lane_get(const uint64_t *v, unsigned lane, unsigned n) {
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)v + n * lane, lane);
    return value;
}
static inline void lane_set(uint64_t *v, unsigned lane, unsigned n, uint64_t value) {
    memcpy((uint8_t *)v + n * lane, &value, lane);
}
static inline void lanes_add(uint64_t *r, const uint64_t *a, const uint64_t *b, unsigned size, unsigned lane) {
    for (unsigned n = 0; n < size / lane; n++) lane_set(r, lane, n, lane_get(a, lane, n) + lane_get(b, lane, n));
}
static inline void lanes_splat(uint64_t *r, uint64_t value, unsigned size, unsigned lane) {
    for (unsigned n = 0; n < size / lane; n++) lane_set(r, lane, n, value);
}
static inline void wide_copy(uint64_t *r, const uint64_t *a, unsigned size) {
    memcpy(r, a, size);
}
static inline void lane_replace(uint64_t *r, const uint64_t *a, unsigned size, unsigned lane, unsigned n,
                                uint64_t value) {
    wide_copy(r, a, size);
    lane_set(r, lane, n, value);
}
static inline void wide_and(uint64_t *r, const uint64_t *a, const uint64_t *b, unsigned size) {
    for (unsigned n = 0; n < size / 8; n++) r[n] = a[n] & b[n];
}
static inline void wide_or(uint64_t *r, const uint64_t *a, const uint64_t *b, unsigned size) {
    for (unsigned n = 0; n < size / 8; n++) r[n] = a[n] | b[n];
}
static inline void wide_xor(uint64_t *r, const uint64_t *a, const uint64_t *b, unsigned size) {
    for (unsigned n = 0; n < size / 8; n++) r[n] = a[n] ^ b[n];
}

#endif
