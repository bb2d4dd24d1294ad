/* sbi.h - for the tests in S mode: calls of the supervisor binary interface. */
#ifndef SBI_H
#define SBI_H

#include "../bare/bare.h"

struct sbi_result {
    int64_t error;
    uint64_t value;
};
enum { BASE = 0x10, TIME = 0x54494d45, IPI = 0x735049, RFENCE = 0x52464e43, HSM = 0x48534d, SRST = 0x53525354 };
enum { DBCN = 0x4442434e, PMU = 0x504d55 };
enum sbi_error {
    SUCCESS = 0,
    FAILED = -1,
    NOT_SUPPORTED = -2,
    INVALID_PARAM = -3,
    INVALID_ADDRESS = -5,
    ALREADY_AVAILABLE = -6,
    ALREADY_STARTED = -7,
    ALREADY_STOPPED = -8,
    NO_SHMEM = -9
};

static inline struct sbi_result sbi_six(uint64_t extension, uint64_t function, uint64_t a, uint64_t b, uint64_t c,
                                        uint64_t d, uint64_t e, uint64_t f) {
    register uint64_t a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
    register uint64_t a3 __asm__("a3") = d, a4 __asm__("a4") = e, a5 __asm__("a5") = f;
    register uint64_t a6 __asm__("a6") = function, a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(int64_t)a0, a1};
}
/* SBI(extension, function, arguments...): those that are left out are 0. */
#define SBI(...)                                            SBI_SIX(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define SBI_SIX(extension, function, a, b, c, d, e, f, ...) sbi_six(extension, function, a, b, c, d, e, f)
static inline int64_t sbi_error(struct sbi_result r) {
    return r.error;
}
#define ERROR(...) sbi_error(SBI(__VA_ARGS__))
/* The value of a call that succeeds. */
#define VALUE(...)                                                                                                     \
    ({                                                                                                                 \
        struct sbi_result sbi_got = SBI(__VA_ARGS__);                                                                  \
        CHECK(sbi_got.error == SUCCESS);                                                                               \
        sbi_got.value;                                                                                                 \
    })

#endif
