/* printf: floating-point conversions with flags, widths and precisions; subnormals, infinities, halves that round to
 * even, and very long expansions. */
#include <float.h>
#include <math.h>
#include <stdio.h>

int main(void) {
    static const double values[] = {0.0,       -0.0,
                                    1.0,       -1.0,
                                    0.5,       1.5,
                                    2.5,       0.1,
                                    1.0 / 3,   2e10,
                                    1e15,      1e16,
                                    1e17,      123456789.0,
                                    0.000123,  1e-5,
                                    9.9995,    99.9999,
                                    0.99999,   DBL_MAX,
                                    DBL_MIN,   0x1p-1074,
                                    1e100,     1e-100,
                                    1e22,      1e23,
                                    5e-324,    INFINITY,
                                    -INFINITY, 3.14159265358979,
                                    1048576.0, 0x1.fffffffffffffp0};
    static const char *const formats[] = {
        "%f",   "%.0f",  "%.1f", "%.3f",  "%.10f", "%e",   "%.0e",    "%.3e",      "%.17e", "%g",    "%.1g",
        "%.3g", "%.17g", "%#g",  "%#.0f", "%a",    "%.3a", "%.0a",    "%+f",       "% e",   "%020f", "%-20g|",
        "%20a", "%+.4e", "%F",   "%E",    "%G",    "%A",   "%015.3e", "%-+12.2f|", "%'.2f", "%#.3g", "%#a"};
    for (size_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        printf("%s:", formats[f]);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            putchar(' ');
            printf(formats[f], values[i]);
        }
        putchar('\n');
    }
    printf("%f %F\n", fabs(NAN), fabs(NAN));
    for (double x = 1; x > 0; x /= 1048576) printf("%.1100g\n", x);
    for (int i = 0; i < 60; i++) printf("%.*f %.*e %.*g\n", i, M_PI, i, M_PI, i, M_PI);
    for (int e = -330; e <= 310; e += 10) {
        double x = pow(10, e / 2) * pow(10, e - e / 2);
        printf("%.12g ", x);
    }
    putchar('\n');
    for (double x = 0.5; x < 20; x++) printf("%.0f ", x);
    for (double x = 0.125; x < 3; x += 0.25) printf("%.2f ", x);
    putchar('\n');
    float single = 16777216.0f;
    printf("%f %g %.9g %.9g\n", single, single, 0.1f, FLT_MIN);
    printf("%*.*f|%-*.*e|\n", 20, 4, M_E, 20, 4, M_E);
    long double exact = 0.75L;
    printf("%Lf %Lg %.3Le\n", exact, exact * 4, exact);
    return 0;
}
