/* switch in every shape that compilers know: dense, sparse, ranges, holes, negative, 64-bit, characters, enums, nested,
 * falling through, inside loops; and computed goto. */
#include <stdint.h>
#include <stdio.h>

__attribute__((noinline)) static int dense(int n) {
    switch (n) {
    case 0: return 5;
    case 1: return 17;
    case 2: return -3;
    case 3: return 99;
    case 4: return 12;
    case 5: return 7;
    case 6: return 1000;
    case 7: return -8;
    case 8: return 3;
    case 9: return 64;
    case 10: return 2;
    case 11: return -77;
    default: return -1;
    }
}

__attribute__((noinline)) static int effects(int n, int *state) {
    int r = 0;
    switch (n) { /* each case does something else, so that no table of values will do */
    case 0: *state += 1; break;
    case 1:
        *state *= 3;
        r = 1;
        break;
    case 2: *state ^= 0x55; /* fall through */
    case 3:
        *state -= 7;
        r = 2;
        break;
    case 4: r = *state > 0 ? 4 : 5; break;
    case 5: *state = -*state; /* fall through */
    case 6: *state += 11;     /* fall through */
    case 7:
        *state <<= 1;
        *state &= 0xffffff;
        r = 6;
        break;
    case 9: *state /= 3; break;
    case 12: r = *state % 10; break;
    case 13: *state = 1; break;
    case -1: r = -1; break;
    case -2:
        *state |= 8;
        r = -2;
        break;
    default: r = 100 + n;
    }
    return r;
}

__attribute__((noinline)) static int sparse(int64_t n) {
    switch (n) {
    case -1000000000000: return 1;
    case -5: return 2;
    case 0: return 3;
    case 7: return 4;
    case 100: return 5;
    case 101: return 6;
    case 4096: return 7;
    case 65537: return 8;
    case 1 << 30: return 9;
    case INT64_MAX: return 10;
    case INT64_MIN: return 11;
    case 1ll << 40: return 12;
    default: return 0;
    }
}

__attribute__((noinline)) static char classify(unsigned char c) {
    switch (c) {
    case 'a' ... 'z': return 'l';
    case 'A' ... 'Z': return 'u';
    case '0' ... '9': return 'd';
    case ' ':
    case '\t':
    case '\n':
    case '\r': return 's';
    case '(':
    case ')':
    case '[':
    case ']':
    case '{':
    case '}': return 'b';
    case '+':
    case '-':
    case '*':
    case '/':
    case '%': return 'o';
    case 128 ... 255: return 'h';
    default: return c < 32 ? 'c' : 'p';
    }
}

enum colour { RED, GREEN, BLUE, WHITE, BLACK, COLOURS };

__attribute__((noinline)) static enum colour mix(enum colour a, enum colour b) {
    switch (a) {
    case RED:
        switch (b) {
        case RED: return RED;
        case GREEN: return WHITE;
        case BLUE: return GREEN;
        default: return BLACK;
        }
    case GREEN: return b == RED ? WHITE : b;
    case BLUE:
        switch (b) {
        case WHITE: return BLUE;
        case BLACK: return RED;
        default: return (enum colour)((b + 1) % COLOURS);
        }
    case WHITE: return b;
    default: return a;
    }
}

/* copies n bytes with a loop unrolled through a switch */
__attribute__((noinline)) static void device(char *to, const char *from, int n) {
    int turns = (n + 7) / 8;
    if (!n) return;
    switch (n % 8) {
        do {
        case 0: *to++ = *from++; /* fall through */
        case 7: *to++ = *from++; /* fall through */
        case 6: *to++ = *from++; /* fall through */
        case 5: *to++ = *from++; /* fall through */
        case 4: *to++ = *from++; /* fall through */
        case 3: *to++ = *from++; /* fall through */
        case 2: *to++ = *from++; /* fall through */
        case 1: *to++ = *from++;
        } while (--turns > 0);
    }
}

__attribute__((noinline)) static uint64_t threaded(const unsigned char *code, uint64_t a) {
    static const void *const labels[] = {&&add, &&sub, &&mul, &&xor, &&rot, &&jmp, &&end};
    goto *labels[*code];
add:
    a += 12345;
    goto *labels[*++code];
sub:
    a -= 999;
    goto *labels[*++code];
mul:
    a *= 31;
    goto *labels[*++code];
    xor : a ^= a >> 13;
    goto *labels[*++code];
rot:
    a = a << 7 | a >> 57;
    goto *labels[*++code];
jmp:
    code += a & 1 ? 2 : 1;
    goto *labels[*code];
end:
    return a;
}

int main(void) {
    for (int i = -3; i < 15; i++) printf("%d ", dense(i));
    putchar('\n');
    int state = 1;
    for (int i = 0; i < 400; i++) {
        int r = effects(i * 7 % 19 - 3, &state);
        if (i % 8 == 0) printf("%d:%d ", r, state);
    }
    putchar('\n');
    static const int64_t values[] = {-1000000000000, -5,    -4,      0,         7,         8,         99, 100, 101, 102,
                                     4096,           65537, 1 << 30, 1ll << 40, INT64_MAX, INT64_MIN, -1};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) printf("%d ", sparse(values[i]));
    putchar('\n');
    for (int c = 0; c < 256; c++) putchar(classify((unsigned char)c));
    putchar('\n');
    for (int a = 0; a < COLOURS; a++)
        for (int b = 0; b < COLOURS; b++) printf("%d", mix((enum colour)a, (enum colour)b));
    putchar('\n');
    const char text[] = "a text that is copied in pieces of all lengths";
    for (int n = 0; n < 40; n += 3) {
        char to[48] = {0};
        device(to, text, n);
        printf("%s|", to);
    }
    putchar('\n');
    unsigned char code[300];
    uint32_t seed = 5;
    for (int i = 0; i < 298; i++) {
        seed = seed * 1664525 + 1013904223;
        code[i] = (unsigned char)((seed >> 24) % 6);
    }
    code[298] = code[299] = 6;
    uint64_t a = 1;
    for (int i = 0; i < 200; i++) a = threaded(code + i, a + (uint64_t)i);
    printf("%016lx\n", a);
    return 0;
}
