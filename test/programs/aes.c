/* AES-128, -192 and -256 with tables derived from the field arithmetic; ECB, CBC, CTR; known answers; ChaCha20. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned char sbox[256], inverse[256];

static unsigned char times(unsigned char a, unsigned char b) {
    unsigned char r = 0;
    for (; b; b >>= 1) {
        if (b & 1) r ^= a;
        a = (unsigned char)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
    }
    return r;
}

static void make_tables(void) {
    for (int i = 0; i < 256; i++) {
        unsigned char x = 0;
        for (int j = 1; i && j < 256; j++)
            if (times((unsigned char)i, (unsigned char)j) == 1) x = (unsigned char)j;
        unsigned char s = x;
        for (int j = 1; j < 5; j++) s ^= (unsigned char)(x << j | x >> (8 - j));
        sbox[i] = s ^ 0x63;
        inverse[sbox[i]] = (unsigned char)i;
    }
}

struct aes {
    unsigned char keys[15][16];
    int rounds;
};

static void aes_key(struct aes *a, const unsigned char *key, int bytes) {
    int words = bytes / 4, total;
    unsigned char *w = a->keys[0], constant = 1;
    a->rounds = words + 6;
    total = 4 * (a->rounds + 1);
    memcpy(w, key, (size_t)bytes);
    for (int i = words; i < total; i++) {
        unsigned char t[4];
        memcpy(t, w + 4 * i - 4, 4);
        if (i % words == 0) {
            unsigned char first = t[0];
            for (int j = 0; j < 3; j++) t[j] = sbox[t[j + 1]];
            t[3] = sbox[first];
            t[0] ^= constant;
            constant = times(constant, 2);
        } else if (words > 6 && i % words == 4)
            for (int j = 0; j < 4; j++) t[j] = sbox[t[j]];
        for (int j = 0; j < 4; j++) w[4 * i + j] = w[4 * (i - words) + j] ^ t[j];
    }
}

static void add_key(unsigned char *s, const unsigned char *k) {
    for (int i = 0; i < 16; i++) s[i] ^= k[i];
}

static void mix(unsigned char *s, const unsigned char m[4]) {
    for (int c = 0; c < 4; c++) {
        unsigned char column[4];
        memcpy(column, s + 4 * c, 4);
        for (int r = 0; r < 4; r++) {
            s[4 * c + r] = 0;
            for (int i = 0; i < 4; i++) s[4 * c + r] ^= times(column[i], m[(i - r + 4) % 4]);
        }
    }
}

static void aes_encrypt(const struct aes *a, unsigned char *s) {
    add_key(s, a->keys[0]);
    for (int round = 1; round <= a->rounds; round++) {
        unsigned char t[16];
        for (int i = 0; i < 16; i++) t[i] = sbox[s[(i + i % 4 * 4) % 16]];
        memcpy(s, t, 16);
        if (round < a->rounds) mix(s, (const unsigned char[]){2, 3, 1, 1});
        add_key(s, a->keys[round]);
    }
}

static void aes_decrypt(const struct aes *a, unsigned char *s) {
    for (int round = a->rounds; round >= 1; round--) {
        unsigned char t[16];
        add_key(s, a->keys[round]);
        if (round < a->rounds) mix(s, (const unsigned char[]){14, 11, 13, 9});
        for (int i = 0; i < 16; i++) t[(i + i % 4 * 4) % 16] = inverse[s[i]];
        memcpy(s, t, 16);
    }
    add_key(s, a->keys[0]);
}

static void print(const char *what, const unsigned char *p, int n) {
    printf("%s ", what);
    for (int i = 0; i < n; i++) printf("%02x", p[i]);
    putchar('\n');
}

static uint32_t rol(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static void quarter(uint32_t *x, int a, int b, int c, int d) {
    x[a] += x[b], x[d] = rol(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rol(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rol(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rol(x[b] ^ x[c], 7);
}

static void chacha(const uint32_t in[16], uint32_t out[16]) {
    memcpy(out, in, 64);
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 4; j++) quarter(out, j, j + 4, j + 8, j + 12);
        for (int j = 0; j < 4; j++) quarter(out, j, (j + 1) % 4 + 4, (j + 2) % 4 + 8, (j + 3) % 4 + 12);
    }
    for (int i = 0; i < 16; i++) out[i] += in[i];
}

int main(void) {
    make_tables();
    print("sbox", sbox, 32);
    int wrong = 0;
    for (int bytes = 16; bytes <= 32; bytes += 8) {
        struct aes a;
        unsigned char key[32], block[16], plain[16];
        for (int i = 0; i < 32; i++) key[i] = (unsigned char)i;
        for (int i = 0; i < 16; i++) block[i] = plain[i] = (unsigned char)(i * 0x11);
        aes_key(&a, key, bytes);
        aes_encrypt(&a, block);
        print("ecb", block, 16);
        aes_decrypt(&a, block);
        wrong += memcmp(block, plain, 16) != 0;
        for (int i = 0; i < 60; i++) { /* encryption of the previous result, as a chain */
            aes_encrypt(&a, block);
            memcpy(plain, block, 16);
            aes_encrypt(&a, plain);
            aes_decrypt(&a, plain);
            wrong += memcmp(block, plain, 16) != 0;
        }
        print("chain", block, 16);
        unsigned char text[160], cipher[160], last[16] = {0};
        for (int i = 0; i < 160; i++) text[i] = (unsigned char)(i * i);
        for (int i = 0; i < 160; i += 16) {
            for (int j = 0; j < 16; j++) last[j] ^= text[i + j];
            aes_encrypt(&a, last);
            memcpy(cipher + i, last, 16);
        }
        print("cbc", cipher + 144, 16);
        memset(last, 0, 16);
        for (int i = 0; i < 160; i += 16) {
            unsigned char t[16];
            memcpy(t, cipher + i, 16);
            aes_decrypt(&a, t);
            for (int j = 0; j < 16; j++) wrong += (t[j] ^ last[j]) != text[i + j];
            memcpy(last, cipher + i, 16);
        }
        unsigned char counter[16] = {0xff, 0xff};
        for (int i = 0; i < 150; i++) {
            unsigned char stream[16];
            if (i % 16 == 0)
                for (int j = 15; j >= 0 && !++counter[j]; j--) continue;
            memcpy(stream, counter, 16);
            aes_encrypt(&a, stream);
            cipher[i] = text[i] ^ stream[i % 16];
        }
        print("ctr", cipher + 100, 32);
    }
    uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, out[16];
    for (int i = 0; i < 8; i++) state[4 + i] = (uint32_t)(0x03020100 + 0x04040404 * i);
    state[12] = 1, state[13] = 0x09000000, state[14] = 0x4a000000;
    chacha(state, out);
    print("chacha", (unsigned char *)out, 64);
    for (int i = 0; i < 200; i++) {
        chacha(state, out);
        memcpy(state + 4, out, 48);
    }
    print("chacha", (unsigned char *)out, 64);
    printf("wrong %d\n", wrong);
    return wrong != 0;
}
