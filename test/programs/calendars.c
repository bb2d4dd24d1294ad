/* Calendars by integer arithmetic: Gregorian, Julian, ISO weeks, Easter, Hebrew and Islamic tabular dates, Roman
 * numerals, day numbers both ways over four thousand years, printed months. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}
static int64_t floor_mod(int64_t a, int64_t b) {
    return a - floor_div(a, b) * b;
}

static int leap(int64_t y) {
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Days since 1970-01-01. */
static int64_t from_gregorian(int64_t y, int m, int d) {
    y -= m <= 2;
    int64_t era = floor_div(y, 400), of_era = y - era * 400, of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void to_gregorian(int64_t day, int64_t *y, int *m, int *d) {
    day += 719468;
    int64_t era = floor_div(day, 146097), of_era = day - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365,
            of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    *d = (int)(of_year - (153 * month + 2) / 5 + 1);
    *m = (int)(month < 10 ? month + 3 : month - 9);
    *y = year + era * 400 + (*m <= 2);
}

static int64_t from_julian(int64_t y, int m, int d) {
    y -= m <= 2;
    return y * 365 + floor_div(y, 4) + (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1 - 719470;
}

static void iso_week(int64_t day, int64_t *year, int *week) {
    int64_t thursday = day - floor_mod(day + 3, 7) + 3;
    int m, d;
    to_gregorian(thursday, year, &m, &d);
    *week = (int)((thursday - from_gregorian(*year, 1, 1)) / 7 + 1);
}

static void easter(int y, int *month, int *day) {
    int a = y % 19, b = y / 100, c = y % 100, d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3,
        h = (19 * a + b - d - g + 15) % 30;
    int i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7, n = (a + 11 * h + 22 * l) / 451;
    *month = (h + l - 7 * n + 114) / 31;
    *day = (h + l - 7 * n + 114) % 31 + 1;
}

static int64_t hebrew_elapsed(int64_t y) { /* days since the epoch of that calendar */
    int64_t months = floor_div(235 * y - 234, 19), parts = 12084 + 13753 * months,
            day = 29 * months + floor_div(parts, 25920);
    return floor_mod(3 * (day + 1), 7) < 3 ? day + 1 : day;
}

static int64_t hebrew_new_year(int64_t y) { /* no year may have 356 days, nor 382 */
    int64_t before = hebrew_elapsed(y - 1), day = hebrew_elapsed(y), after = hebrew_elapsed(y + 1);
    return day + (after - day == 356 ? 2 : day - before == 382 ? 1 : 0);
}

static void islamic(int64_t day, int64_t *y, int *m, int *d) { /* tabular */
    int64_t n = day + 492148;                                  /* days since 1 Muharram 1 */
    *y = floor_div(30 * n + 10646, 10631);
    int64_t start = (*y - 1) * 354 + floor_div(3 + 11 * *y, 30);
    *m = (int)floor_div((n - start) * 2, 59) + 1;
    if (*m > 12) *m = 12;
    *d = (int)(n - start - (29 * (*m - 1) + *m / 2)) + 1;
}

static const char *roman(int n, char *out) {
    static const char *const names[] = {"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"};
    static const int values[] = {1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1};
    char *p = out;
    for (int i = 0; i < 13; i++)
        for (; n >= values[i]; n -= values[i]) p = stpcpy(p, names[i]);
    *p = 0;
    return out;
}

int main(void) {
    static const char *const weekdays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    int wrong = 0, m, d, week, fridays = 0, long_years = 0;
    int64_t y, iso, expected = from_gregorian(-400, 1, 1);
    for (int year = -400; year <= 3600; year++)
        for (int month = 1; month <= 12; month++) {
            static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
            int length = days[month - 1] + (month == 2 && leap(year));
            for (int day = 1; day <= length; day += 9) {
                int64_t n = from_gregorian(year, month, day);
                wrong += n != expected + day - 1;
                to_gregorian(n, &y, &m, &d);
                wrong += y != year || m != month || d != day;
            }
            fridays += floor_mod(from_gregorian(year, month, 13), 7) == 1;
            if (month == 12) iso_week(from_gregorian(year, 12, 28), &iso, &week), long_years += week == 53;
            expected += length;
        }
    printf("wrong %d fridays %d long years %d\n", wrong, fridays, long_years);
    static const int64_t samples[] = {0,       -1,      10957,   11016,   18321,   19782, 20088,
                                      -141428, -141427, 2932896, -719162, -719468, 24855};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        int64_t hy;
        int hm, hd;
        to_gregorian(samples[i], &y, &m, &d);
        iso_week(samples[i], &iso, &week);
        islamic(samples[i], &hy, &hm, &hd);
        printf("%ld: %ld-%02d-%02d %s W%02d/%ld islamic %ld-%d-%d\n", samples[i], y, m, d,
               weekdays[floor_mod(samples[i], 7)], week, iso, hy, hm, hd);
    }
    for (int year = 1961; year < 2050; year += 8) {
        easter(year, &m, &d);
        int64_t n = from_gregorian(year, m, d);
        wrong += floor_mod(n, 7) != 3;
        printf("%d-%d-%d ", year, m, d);
    }
    putchar('\n');
    for (int64_t year = 5700; year < 5800; year += 9)
        printf("%ld:%ld ", year, hebrew_new_year(year + 1) - hebrew_new_year(year));
    printf("\njulian gap %ld %ld %ld\n", from_julian(1582, 10, 5) - from_gregorian(1582, 10, 15),
           from_julian(1900, 3, 1) - from_gregorian(1900, 3, 1), from_julian(-4712, 1, 1));
    char text[32];
    for (int n = 1; n < 4000; n += 333) printf("%s ", roman(n, text));
    putchar('\n');
    int64_t first = from_gregorian(2024, 2, 1);
    printf("%*s", (int)floor_mod(first + 3, 7) * 3, "");
    for (int day = 1; day <= 29; day++) printf("%2d%c", day, floor_mod(first + day - 1 + 3, 7) == 6 ? '\n' : ' ');
    printf("\nwrong %d\n", wrong);
    return wrong != 0;
}
