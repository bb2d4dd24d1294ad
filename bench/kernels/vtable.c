/* Dynamic dispatch as an object-oriented language does it: a heap of mixed objects, each with a pointer to a table of
 * methods, visited in heap order and through a shuffled index.
 * kind: indirect */
#include "kernel.h"

enum { REPS = 5100, COUNT = 4096, CLASSES = 8 };

struct shape;

struct shape_class {
    int64_t (*area)(const struct shape *);
    int64_t (*perimeter)(const struct shape *);
    void (*grow)(struct shape *, int64_t);
};

struct shape {
    const struct shape_class *class;
    int64_t w, h;
};

static int64_t square_area(const struct shape *s) {
    return s->w * s->w;
}
static int64_t square_perimeter(const struct shape *s) {
    return 4 * s->w;
}
static void square_grow(struct shape *s, int64_t by) {
    s->w = (s->w + by) & 1023;
}
static int64_t rect_area(const struct shape *s) {
    return s->w * s->h;
}
static int64_t rect_perimeter(const struct shape *s) {
    return 2 * (s->w + s->h);
}
static void rect_grow(struct shape *s, int64_t by) {
    s->w = (s->w + by) & 511;
    s->h = (s->h - by) & 511;
}
static int64_t triangle_area(const struct shape *s) {
    return s->w * s->h >> 1;
}
static int64_t triangle_perimeter(const struct shape *s) {
    return s->w + s->h + (s->w > s->h ? s->w : s->h);
}
static void tall_grow(struct shape *s, int64_t by) {
    s->h = (s->h + 3 * by) & 2047;
}
static int64_t circle_area(const struct shape *s) {
    return s->w * s->w * 355 / 113;
}
static int64_t circle_perimeter(const struct shape *s) {
    return s->w * 710 / 113;
}
static int64_t point_area(const struct shape *s) {
    return s->w & 1;
}
static int64_t frame_area(const struct shape *s) {
    return s->w * s->h - (s->w - 1) * (s->h - 1);
}

static const struct shape_class classes[CLASSES] = {
    {square_area, square_perimeter, square_grow},   {rect_area, rect_perimeter, rect_grow},
    {triangle_area, triangle_perimeter, rect_grow}, {circle_area, circle_perimeter, square_grow},
    {point_area, circle_perimeter, tall_grow},      {frame_area, rect_perimeter, tall_grow},
    {rect_area, triangle_perimeter, square_grow},   {triangle_area, square_perimeter, tall_grow},
};

int main(int argc, char **argv) {
    static struct shape shapes[COUNT];
    static struct shape *index[COUNT];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 99, digest = 0;
    for (int i = 0; i < COUNT; i++) {
        uint64_t r = random_next(&seed);
        shapes[i] = (struct shape){&classes[r >> 61], (int64_t)(r >> 20 & 255), (int64_t)(r >> 30 & 255)};
        index[i] = &shapes[i];
    }
    for (int i = COUNT - 1; i > 0; i--) {
        int j = (int)(random_next(&seed) % (uint64_t)(i + 1));
        struct shape *t = index[i];
        index[i] = index[j];
        index[j] = t;
    }
    for (long i = 0; i < reps; i++) {
        int64_t sum = 0;
        for (int j = 0; j < COUNT; j++) sum += shapes[j].class->area(&shapes[j]);
        for (int j = 0; j < COUNT; j++) sum -= index[j]->class->perimeter(index[j]);
        for (int j = 0; j < COUNT; j += 4) shapes[j].class->grow(&shapes[j], i & 15);
        digest = digest_add(digest, (uint64_t)sum);
    }
    return digest_print("vtable", digest);
}
