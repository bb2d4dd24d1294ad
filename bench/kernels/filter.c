/* Single-precision signal filters: a finite impulse response of 32 taps, a cascade of biquads, and conversion to and
 * from 16-bit samples.
 * kind: fp */
#include "kernel.h"

enum { REPS = 670, SAMPLES = 16384, TAPS = 32, STAGES = 3 };

struct biquad {
    float b0, b1, b2, a1, a2, x1, x2, y1, y2;
};

static float biquad_step(struct biquad *q, float x) {
    float y = q->b0 * x + q->b1 * q->x1 + q->b2 * q->x2 - q->a1 * q->y1 - q->a2 * q->y2;
    q->x2 = q->x1;
    q->x1 = x;
    q->y2 = q->y1;
    q->y1 = y;
    return y;
}

int main(int argc, char **argv) {
    static int16_t samples[SAMPLES];
    static float in[SAMPLES + TAPS], out[SAMPLES];
    float taps[TAPS];
    struct biquad stages[STAGES];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 31;
    double power = 0;
    for (int i = 0; i < SAMPLES; i++) samples[i] = (int16_t)(random_next(&seed) >> 50);
    for (int i = 0; i < TAPS; i++) taps[i] = (float)((i + 1) * (TAPS - i)) / 6000.0f;
    for (int i = 0; i < STAGES; i++) {
        float a1 = -1.2f + 0.2f * (float)i, a2 = 0.5f;
        stages[i] = (struct biquad){.b0 = 0.2f, .b1 = 0.3f, .b2 = 0.1f, .a1 = a1, .a2 = a2};
    }
    for (long rep = 0; rep < reps; rep++) {
        for (int i = 0; i < SAMPLES; i++) in[TAPS + i] = (float)samples[i] / 32768.0f;
        for (int i = 0; i < SAMPLES; i++) {
            float sum = 0;
            for (int j = 0; j < TAPS; j++) sum += taps[j] * in[i + j];
            out[i] = sum;
        }
        for (int i = 0; i < SAMPLES; i++) {
            float x = out[i];
            for (int j = 0; j < STAGES; j++) x = biquad_step(&stages[j], x);
            out[i] = x > 0.9f ? 0.9f : x < -0.9f ? -0.9f : x;
            power += (double)(out[i] * out[i]);
        }
        samples[rep % SAMPLES] = (int16_t)(samples[rep % SAMPLES] ^ (int16_t)(out[rep % SAMPLES] > 0));
    }
    printf("filter %.5g\n", power);
    return 0;
}
