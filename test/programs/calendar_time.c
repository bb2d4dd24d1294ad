/* gmtime, timegm, mktime, asctime, strftime, strptime over fixed instants from year 1 to 9999. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char every[] = "%a %A %b %B %c %C %d %D %e %F %g %G %h %H %I %j %k %l %m %M %n %p %P %r %R %s %S %t %T %u "
                            "%U %V %w %W %x %X %y %Y %z %Z %%";

static void show(time_t t) {
    struct tm tm;
    char text[512];
    if (!gmtime_r(&t, &tm)) {
        printf("%" PRId64 ": none\n", (int64_t)t);
        return;
    }
    strftime(text, sizeof text, every, &tm);
    for (char *p = text; *p; p++)
        if (*p == '\n' || *p == '\t') *p = '~';
    time_t back = timegm(&tm);
    printf("%" PRId64 ": %s | %d %d %d %d\n", (int64_t)t, text, back == t, tm.tm_wday, tm.tm_yday, tm.tm_isdst);
}

int main(void) {
    setenv("TZ", "UTC0", 1);
    tzset();
    static const int64_t instants[] = {
        0,          1,          -1,           86399,       86400,        951782400,   951868800,  978307199,
        1000000000, 1234567890, 1456704000,   1483228799,  1583020800,   1700000000,  2147483647, 2147483648,
        4102444800, 4107542400, 253402300799, -2208988800, -62135596800, -2147483648, 946684799,  1735689599};
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) show(instants[i]);
    int64_t wrong = 0, checked = 0;
    for (int64_t t = -70000000000; t < 260000000000; t += 123456789 + checked % 1000) {
        time_t instant = t;
        struct tm tm;
        gmtime_r(&instant, &tm);
        wrong += timegm(&tm) != instant;
        checked++;
    }
    printf("%" PRId64 " checked, %" PRId64 " wrong\n", checked, wrong);
    struct {
        int year, month, day, hour, minute, second;
    } odd[] = {{2023, 0, 1, 0, 0, 0},   {2023, 12, 1, 0, 0, 0},    {2023, -1, 31, 25, 61, 61},
               {2024, 1, 30, 0, 0, -1}, {2023, 1, 29, 12, 0, 0},   {2000, 100, 0, 0, 0, 0},
               {1999, 0, 366, 0, 0, 0}, {2024, 1, 29, 23, 59, 60}, {2020, 5, -40, -5, -70, 4000}};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct tm tm = {.tm_year = odd[i].year - 1900,
                        .tm_mon = odd[i].month,
                        .tm_mday = odd[i].day,
                        .tm_hour = odd[i].hour,
                        .tm_min = odd[i].minute,
                        .tm_sec = odd[i].second,
                        .tm_isdst = -1};
        time_t t = mktime(&tm);
        printf("%" PRId64 " %d-%d-%d %d:%d:%d %s", (int64_t)t, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
               tm.tm_min, tm.tm_sec, asctime(&tm));
    }
    time_t t = 1e9;
    printf("%s%s%g\n", ctime(&t), asctime(gmtime(&t)), difftime(t, 1));
    static const char *const inputs[][2] = {{"2024-02-29 12:34:56", "%Y-%m-%d %H:%M:%S"},
                                            {"Mon, 01 Jan 2001 00:00:00", "%a, %d %b %Y %T"},
                                            {"12/31/99", "%D"},
                                            {"11:59 PM", "%I:%M %p"},
                                            {"366 2000", "%j %Y"},
                                            {"2024-13-01", "%Y-%m-%d"},
                                            {"1234567890", "%s"},
                                            {" 7 March 1985", "%e %B %Y"}};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct tm tm = {0};
        char *end = strptime(inputs[i][0], inputs[i][1], &tm);
        printf("%s: ", inputs[i][0]);
        if (end)
            printf("%d-%d-%d %d:%d:%d wday %d yday %d rest [%s]\n", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                   tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_wday, tm.tm_yday, end);
        else
            puts("no match");
    }
    char small[8];
    struct tm tm = *gmtime(&t);
    for (size_t size = 0; size < 8; size++) {
        size_t n = strftime(small, size, "%H:%M", &tm);
        printf("%zu%s ", n, n ? small : "");
    }
    putchar('\n');
    return 0;
}
