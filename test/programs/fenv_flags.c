/* Exception flags: which operation raises which, that they stick, are cleared, saved and merged. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void show(const char *what) {
    int f = fetestexcept(FE_ALL_EXCEPT);
    printf("%-28s %c%c%c%c%c\n", what, f & FE_INVALID ? 'i' : '-', f & FE_DIVBYZERO ? 'z' : '-',
           f & FE_OVERFLOW ? 'o' : '-', f & FE_UNDERFLOW ? 'u' : '-', f & FE_INEXACT ? 'x' : '-');
    feclearexcept(FE_ALL_EXCEPT);
}

int main(void) {
    volatile double zero = 0, one = 1, three = 3, big = 0x1.fffffffffffffp1023, tiny = 0x1p-1022, infinite = INFINITY,
                    quiet = NAN, r;
    volatile float fzero = 0, fone = 1, fbig = 0x1.fffffep127f, ftiny = 0x1p-126f, s;
    volatile int64_t n;
    volatile int32_t m;
    volatile int truth;
    feclearexcept(FE_ALL_EXCEPT);
    show("nothing");
    r = one + one, show("1 + 1");
    r = one / three, show("1 / 3");
    r = one / zero, show("1 / 0");
    r = zero / zero, show("0 / 0");
    r = infinite - infinite, show("inf - inf");
    r = infinite * zero, show("inf * 0");
    r = infinite / infinite, show("inf / inf");
    r = infinite + one, show("inf + 1");
    r = big + big, show("overflow");
    r = big * three, show("overflow by *");
    r = tiny / three, show("underflow");
    r = tiny / 2, show("exact subnormal");
    r = tiny * tiny, show("to zero");
    r = 0x1.0000000000001p0 * one * tiny, show("normal");
    r = tiny * 0x1.fffffffffffffp-1, show("rounds to the least normal");
    r = sqrt(three), show("sqrt 3");
    r = sqrt(one * 4), show("sqrt 4");
    r = sqrt(-one), show("sqrt -1");
    r = sqrt(-zero), show("sqrt -0");
    r = quiet + one, show("nan + 1");
    truth = quiet < one, show("nan < 1");
    truth = quiet == one, show("nan == 1");
    truth = isless(quiet, one), show("isless nan");
    truth = infinite > one, show("inf > 1");
    r = fma(big, three, -big), show("fma overflow");
    r = fma(infinite, zero, one), show("fma inf * 0");
    r = fma(one, three, -three), show("fma exact");
    r = fma(one / 3, three, -one), show("fma exact small");
    s = (float)three, show("to float exact");
    s = (float)(one / three), show("to float");
    s = (float)big, show("to float overflow");
    s = (float)tiny, show("to float underflow");
    r = (double)(fone / 3), show("float / 3");
    s = fone / fzero, show("float / 0");
    s = fbig * fbig, show("float overflow");
    s = ftiny * ftiny, show("float underflow");
    n = (int64_t)three, show("to int exact");
    n = (int64_t)(three / 2), show("to int");
    n = llrint(three / 2), show("llrint");
    m = (int32_t)lrint(three), show("lrint exact");
    r = rint(three / 2), show("rint");
    r = nearbyint(three / 2), show("nearbyint");
    r = floor(three / 2), feclearexcept(FE_INEXACT), show("floor without inexact");
    r = (double)(INT64_C(1) << 53), show("from int exact");
    n = INT64_MAX, r = (double)n, show("from int");
    r = fmin(quiet, one), show("fmin nan");
    r = fmax(one, three), show("fmax");
    r = logb(zero), show("logb 0");
    r = exp(1000 * one), show("exp 1000");
    r = log(zero), show("log 0");
    r = log(-one), show("log -1");
    r = pow(-one, one / 2), show("pow(-1, .5)");
    r = fmod(one, zero), show("fmod(1, 0)");
    r = scalbn(one, 3000), show("scalbn");
    r = nextafter(big, infinite), show("nextafter");
    r = (double)strlen("") / one, show("0 / 1");

    r = one / three;
    r = one / zero;
    feclearexcept(FE_DIVBYZERO);
    show("sticky inexact");
    r = one / three;
    fexcept_t saved;
    fegetexceptflag(&saved, FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
    fesetexceptflag(&saved, FE_INEXACT | FE_INVALID);
    show("set back");
    feraiseexcept(FE_INVALID | FE_DIVBYZERO);
    show("raised by hand");
    feraiseexcept(FE_UNDERFLOW);
    feclearexcept(FE_INEXACT); /* may come along with underflow */
    show("underflow by hand");
    fenv_t held;
    r = one / zero;
    feholdexcept(&held);
    show("held");
    r = one / three;
    feupdateenv(&held);
    show("merged");
    for (int i = 0; i < 1000; i++) r = one / (three + i);
    show("a thousand");
    (void)r, (void)s, (void)m, (void)truth;
    return 0;
}
