/* Sorting 32-bit integers five ways (quick, heap, merge, shell, radix), each checked against the first.
 * kind: int */
#include <string.h>
#include "kernel.h"

enum { REPS = 54, COUNT = 20000 };

static void sort_quick(int32_t *a, long n) {
    while (n > 16) {
        int32_t pivot = a[n / 2];
        long i = 0, j = n - 1;
        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i <= j) {
                int32_t t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        sort_quick(a, j + 1);
        a += i;
        n -= i;
    }
    for (long i = 1; i < n; i++) {
        int32_t v = a[i];
        long j = i;
        for (; j > 0 && a[j - 1] > v; j--) a[j] = a[j - 1];
        a[j] = v;
    }
}

static void sift(int32_t *a, long at, long n) {
    int32_t v = a[at];
    for (long child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && a[child + 1] > a[child]) child++;
        if (a[child] <= v) break;
        a[at] = a[child];
    }
    a[at] = v;
}

static void sort_heap(int32_t *a, long n) {
    for (long i = n / 2; i-- > 0;) sift(a, i, n);
    while (n-- > 1) {
        int32_t t = a[0];
        a[0] = a[n];
        a[n] = t;
        sift(a, 0, n);
    }
}

static void sort_merge(int32_t *a, int32_t *spare, long n) {
    if (n < 2) return;
    long half = n / 2, i = 0, j = half, k = 0;
    sort_merge(a, spare, half);
    sort_merge(a + half, spare, n - half);
    memcpy(spare, a, (size_t)half * sizeof a[0]);
    while (i < half && j < n) a[k++] = spare[i] <= a[j] ? spare[i++] : a[j++];
    while (i < half) a[k++] = spare[i++];
}

static void sort_shell(int32_t *a, long n) {
    for (long gap = n / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (long i = gap; i < n; i++) {
            int32_t v = a[i];
            long j = i;
            for (; j >= gap && a[j - gap] > v; j -= gap) a[j] = a[j - gap];
            a[j] = v;
        }
}

static void sort_radix(int32_t *a, int32_t *spare, long n) {
    for (int shift = 0; shift < 32; shift += 8) {
        long count[257] = {0};
        for (long i = 0; i < n; i++) count[(((uint32_t)a[i] ^ 0x80000000u) >> shift & 255) + 1]++;
        for (int i = 0; i < 256; i++) count[i + 1] += count[i];
        for (long i = 0; i < n; i++) spare[count[((uint32_t)a[i] ^ 0x80000000u) >> shift & 255]++] = a[i];
        memcpy(a, spare, (size_t)n * sizeof a[0]);
    }
}

int main(int argc, char **argv) {
    static int32_t input[COUNT], expected[COUNT], a[COUNT], spare[COUNT];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 18, digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        for (int i = 0; i < COUNT; i++) input[i] = (int32_t)(random_next(&seed) >> (rep % 3 * 10 + 32));
        memcpy(expected, input, sizeof input);
        sort_quick(expected, COUNT);
        for (int way = 0; way < 4; way++) {
            memcpy(a, input, sizeof input);
            if (way == 0) sort_heap(a, COUNT);
            if (way == 1) sort_merge(a, spare, COUNT);
            if (way == 2) sort_shell(a, COUNT);
            if (way == 3) sort_radix(a, spare, COUNT);
            if (memcmp(a, expected, sizeof a) != 0) abort();
        }
        for (int i = 0; i < COUNT; i += 101) digest = digest_add(digest, (uint64_t)expected[i]);
    }
    return digest_print("sort", digest);
}
