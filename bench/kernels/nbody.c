/* Gravitation among a sun and four planets: double multiply-add chains, square roots, divisions.
 * kind: fp */
#include <math.h>
#include "kernel.h"

enum { REPS = 200, BODIES = 5, STEPS = 20000 };

struct body {
    double x, y, z, vx, vy, vz, mass;
};

static void advance(struct body *bodies, double dt) {
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double square = dx * dx + dy * dy + dz * dz;
            double pull = dt / (square * sqrt(square));
            a->vx -= dx * b->mass * pull;
            a->vy -= dy * b->mass * pull;
            a->vz -= dz * b->mass * pull;
            b->vx += dx * a->mass * pull;
            b->vy += dy * a->mass * pull;
            b->vz += dz * a->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

static double energy(const struct body *bodies) {
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *a = &bodies[i];
        e += a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz) / 2;
        for (int j = i + 1; j < BODIES; j++) {
            double dx = a->x - bodies[j].x, dy = a->y - bodies[j].y, dz = a->z - bodies[j].z;
            e -= a->mass * bodies[j].mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return e;
}

int main(int argc, char **argv) {
    /* circular orbits of radius r have speed sqrt(mass of the sun / r) */
    static struct body bodies[BODIES] = {{.mass = 40}};
    long reps = kernel_reps(argc, argv, REPS);
    for (int i = 1; i < BODIES; i++) {
        double r = 4 + 3 * i;
        bodies[i] = (struct body){.x = r, .z = 0.1 * i, .vy = sqrt(40 / r), .vz = 0.01 * i, .mass = 0.04 / i};
        bodies[0].vy -= bodies[i].vy * bodies[i].mass / 40;
    }
    for (long i = 0; i < reps * STEPS; i++) advance(bodies, 0.002);
    printf("nbody %.8f\n", energy(bodies));
    return 0;
}
