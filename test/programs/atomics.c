/* C11 atomics in one thread: every operation on every width and memory order, compare-exchange both ways, flags,
 * fences, atomic structs; against plain arithmetic. */
/* cflags: -fwrapv -latomic */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

static unsigned wrong;
static uint64_t digest = 1;

static void add(uint64_t v) {
    digest = (digest ^ v) * 0x9e3779b97f4a7c15ull ^ digest >> 32;
}

#define ORDERS(M)                                                                                                      \
    M(memory_order_relaxed)                                                                                            \
    M(memory_order_acquire) M(memory_order_release) M(memory_order_acq_rel) M(memory_order_seq_cst)

#define ONE_ORDER(order)                                                                                               \
    old = atomic_fetch_add_explicit(&a, v, order), wrong += old != plain, plain += v;                                  \
    old = atomic_fetch_sub_explicit(&a, v * 3, order), wrong += old != plain, plain -= v * 3;                          \
    old = atomic_fetch_xor_explicit(&a, v, order), wrong += old != plain, plain ^= v;                                  \
    old = atomic_fetch_or_explicit(&a, 5, order), wrong += old != plain, plain |= 5;                                   \
    old = atomic_fetch_and_explicit(&a, ~v, order), wrong += old != plain, plain &= ~v;                                \
    old = atomic_exchange_explicit(&a, v + 9, order), wrong += old != plain, plain = v + 9;                            \
    add(plain);

#define WIDTH(type, name)                                                                                              \
    __attribute__((noinline)) static void test_##name(void) {                                                          \
        static struct {                                                                                                \
            char before[8];                                                                                            \
            _Atomic type array[5];                                                                                     \
            char after[8];                                                                                             \
        } block;                                                                                                       \
        for (int at = 0; at < 5; at++) {                                                                               \
            for (int i = 0; i < 40; i++) {                                                                             \
                type v = (type)(0x123456789abcdef1ull * (unsigned)(i + 1) >> i), plain, old, expected;                 \
                _Atomic type a;                                                                                        \
                atomic_init(&a, (type)i);                                                                              \
                plain = (type)i;                                                                                       \
                ORDERS(ONE_ORDER)                                                                                      \
                expected = (type)(plain + 1);                                                                          \
                wrong += atomic_compare_exchange_strong(&a, &expected, 1) || expected != plain;                        \
                wrong += !atomic_compare_exchange_strong(&a, &expected, (type)(v * 2)) || a != (type)(v * 2);          \
                expected = a;                                                                                          \
                while (!atomic_compare_exchange_weak_explicit(&a, &expected, v, memory_order_acq_rel,                  \
                                                              memory_order_acquire)) {                                 \
                }                                                                                                      \
                atomic_store_explicit(&block.array[at], a, memory_order_release);                                      \
                atomic_fetch_add(&block.array[at], (type)at);                                                          \
                old = atomic_load_explicit(&block.array[at], memory_order_acquire);                                    \
                add(old);                                                                                              \
                block.array[at] *= 3;                                                                                  \
                block.array[at]--;                                                                                     \
                ++block.array[at];                                                                                     \
                wrong += block.array[at] != (type)(old * 3);                                                           \
            }                                                                                                          \
        }                                                                                                              \
        for (int i = 0; i < 8; i++) wrong += block.before[i] || block.after[i];                                        \
        printf(#name " %u %016lx\n", wrong, digest);                                                                   \
    }

WIDTH(int8_t, i8)
WIDTH(uint8_t, u8)
WIDTH(int16_t, i16)
WIDTH(uint16_t, u16)
WIDTH(int32_t, i32)
WIDTH(uint32_t, u32)
WIDTH(int64_t, i64)
WIDTH(uint64_t, u64)

struct pair {
    int32_t a, b;
};

int main(void) {
    test_i8(), test_u8(), test_i16(), test_u16(), test_i32(), test_u32(), test_i64(), test_u64();
    atomic_flag flag = ATOMIC_FLAG_INIT;
    int first = atomic_flag_test_and_set(&flag),
        second = atomic_flag_test_and_set_explicit(&flag, memory_order_acquire);
    atomic_flag_clear(&flag);
    int third = atomic_flag_test_and_set(&flag);
    printf("%d %d %d\n", first, second, third);
    _Atomic(struct pair) p;
    atomic_init(&p, ((struct pair){0, 0}));
    for (int i = 0; i < 100; i++) {
        struct pair old = atomic_load(&p), next;
        do next = (struct pair){old.a + i, old.b - i};
        while (!atomic_compare_exchange_weak(&p, &old, next));
    }
    struct pair last = p;
    printf("%d %d\n", last.a, last.b);
    int array[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    char *_Atomic pointer = (char *)array; /* of other types gcc adds bytes, clang elements */
    atomic_fetch_add(&pointer, 7 * sizeof(int));
    char *before = atomic_fetch_sub(&pointer, 2 * sizeof(int));
    printf("%d %d\n", *(int *)before, *(int *)atomic_load(&pointer));
    atomic_thread_fence(memory_order_seq_cst);
    atomic_thread_fence(memory_order_acquire);
    atomic_signal_fence(memory_order_release);
    _Atomic double d = 1.5;
    d = d * 2 + 0.5;
    _Atomic _Bool b = 0;
    b |= 1;
    _Bool swapped = atomic_exchange(&b, 0);
    printf("%g %d %d\n", d, swapped, b);
    long plain = 5; /* the older builtins */
    long r1 = __sync_fetch_and_add(&plain, 3), r2 = __sync_val_compare_and_swap(&plain, 8, 100),
         r3 = __sync_lock_test_and_set(&plain, 1);
    long r4 = __atomic_add_fetch(&plain, 41, __ATOMIC_SEQ_CST), r5 = __atomic_nand_fetch(&plain, 6, __ATOMIC_RELAXED);
    int r6 = __sync_bool_compare_and_swap(&plain, 1, 2);
    __sync_synchronize();
    printf("%ld %ld %ld %ld %ld %d %u\n", r1, r2, r3, r4, r5, r6, wrong);
    return wrong != 0;
}
