/* The elementary functions on grids, printed to ten digits: the last bits of these may differ between C libraries built
 * for different machines, a wrong algorithm or a wrong table may not. */
#include <complex.h>
#include <math.h>
#include <stdio.h>

struct function {
    const char *name;
    double (*f)(double);
    double from, to;
};

static const struct function functions[] = {
    {"sin", sin, -10, 10},     {"cos", cos, -10, 10},       {"tan", tan, -1.5, 1.5},     {"asin", asin, -1, 1},
    {"acos", acos, -1, 1},     {"atan", atan, -50, 50},     {"sinh", sinh, -5, 5},       {"cosh", cosh, -5, 5},
    {"tanh", tanh, -3, 3},     {"asinh", asinh, -100, 100}, {"acosh", acosh, 1, 100},    {"atanh", atanh, -0.99, 0.99},
    {"exp", exp, -700, 700},   {"exp2", exp2, -100, 100},   {"expm1", expm1, -1, 1},     {"log", log, 1e-9, 1e9},
    {"log2", log2, 1e-3, 1e3}, {"log10", log10, 1e-5, 1e5}, {"log1p", log1p, -0.9, 9},   {"cbrt", cbrt, -1000, 1000},
    {"erf", erf, -3, 3},       {"erfc", erfc, -3, 10},      {"tgamma", tgamma, 0.1, 20}, {"lgamma", lgamma, 0.1, 1000},
    {"j0", j0, 0.5, 20},       {"j1", j1, 0.5, 20},         {"y0", y0, 0.5, 20},         {"exp10", exp, -10, 10},
};

static double clean(double x) {
    return fabs(x) < 1e-9 ? 0 : x;
} /* near a zero of the function ten digits are noise */

int main(void) {
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        printf("%s:", functions[i].name);
        for (int step = 0; step <= 24; step++) {
            volatile double x = functions[i].from + (functions[i].to - functions[i].from) * step / 24;
            double y = functions[i].f(x);
            printf(" %.10g", functions[i].name[0] == 'e' ? y : clean(y));
        }
        putchar('\n');
    }
    static float (*const single[])(float) = {sinf, cosf, expf, logf, atanf, tanhf, cbrtf, log2f, exp2f};
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        for (int step = 1; step <= 20; step++) printf("%.5g ", (double)single[i]((float)step * 0.37f));
        putchar('\n');
    }
    for (double x = -3; x <= 3; x += 0.75)
        for (double y = -2; y <= 2; y += 0.5) {
            volatile double a = x, b = y;
            printf("%.10g %.10g %.10g ", clean(atan2(a, b)), hypot(a, b), a > 0 ? pow(a, b) : pow(a, rint(b)));
        }
    putchar('\n');
    static const double special[] = {0.0, -0.0, INFINITY, -INFINITY, 1.0, -1.0, 0.5, 2.0, 1e308, -1e308};
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++) {
            volatile double a = special[i], b = special[j];
            double p = pow(a, b), t = atan2(a, b), h = hypot(a, b);
            if (isnan(p))
                printf("nan ");
            else
                printf("%.10g ", p);
            printf("%.10g %.10g%c", t, h, j == 9 ? '\n' : ' ');
        }
    for (double re = -2; re <= 2; re += 0.8)
        for (double im = -2; im <= 2; im += 0.8) {
            double complex z = re + im * I, e = cexp(z), r = csqrt(z), l = clog(z), q = z / (1 + z * I),
                           w = cpow(z, 0.5 + I);
            printf("%.9g%+.9gi %.9g%+.9gi %.9g%+.9gi %.9g%+.9gi %.9g%+.9gi\n", clean(creal(e)), clean(cimag(e)),
                   clean(creal(r)), clean(cimag(r)), clean(creal(l)), clean(cimag(l)), clean(creal(q)), clean(cimag(q)),
                   clean(creal(w)), clean(cimag(w)));
        }
    int quotient, sign;
    volatile double eleven = 11.5;
    double r = remquo(eleven, 3.0, &quotient);
    double gamma = lgamma_r(-eleven, &sign);
    printf("%g %d %.10g %d\n", r, quotient & 7, gamma, sign);
    printf("%.10g %.10g %.10g\n", jn(3, eleven), yn(2, eleven), fdim(eleven, 3));
    return 0;
}
