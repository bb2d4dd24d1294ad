/* Local time under TZ rules given in full: offsets, summer time on both hemispheres, gaps and overlaps. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(void) {
    static const char *const zones[] = {"UTC0",
                                        "EST5EDT,M3.2.0,M11.1.0",
                                        "CET-1CEST,M3.5.0,M10.5.0/3",
                                        "NZST-12NZDT,M9.5.0,M4.1.0/3",
                                        "<+0530>-5:30",
                                        "<-03>3",
                                        "AAA+1:23:45",
                                        "XST-10XDT,J60,J300",
                                        "YST4YDT3:30,100/1,200/2:30",
                                        "<+14>-14",
                                        "IST-2IDT,M3.4.4/26,M10.5.0"};
    static const int64_t instants[] = {0,          1700000000, 1710054000, 1710057599, 1710057600,
                                       1711846799, 1711846800, 1720000000, 1729990799, 1729990800,
                                       1730613599, 1730613600, 1704067199};
    for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
        setenv("TZ", zones[z], 1);
        tzset();
        printf("%s: %s %s %ld %d\n", zones[z], tzname[0], tzname[1], timezone, daylight);
        for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
            time_t t = instants[i];
            struct tm tm;
            char text[80];
            localtime_r(&t, &tm);
            strftime(text, sizeof text, "%F %T %Z %z", &tm);
            struct tm again = tm;
            time_t back = mktime(&again);
            printf("  %s %d %ld %d\n", text, tm.tm_isdst, tm.tm_gmtoff, back == t);
        }
        unsigned sum = 0, odd = 0;
        for (int64_t t = 1577836800; t < 1735689600;
             t += 3600 * 5 + 1800) { /* every five and a half hours of five years */
            time_t instant = t;
            struct tm tm;
            localtime_r(&instant, &tm);
            sum = sum * 31 + (unsigned)(tm.tm_hour * 60 + tm.tm_min + tm.tm_yday * 1440 + tm.tm_isdst);
            tm.tm_isdst = -1;
            odd += mktime(&tm) != instant;
        }
        printf("  %u %u\n", sum, odd);
        for (int hour = 0; hour < 5; hour++) { /* wall clock through a gap and an overlap */
            struct tm gap = {.tm_year = 124, .tm_mon = 2, .tm_mday = 10, .tm_hour = hour, .tm_min = 30, .tm_isdst = -1};
            struct tm overlap = {
                .tm_year = 124, .tm_mon = 10, .tm_mday = 3, .tm_hour = hour, .tm_min = 30, .tm_isdst = hour % 2};
            time_t a = mktime(&gap), b = mktime(&overlap);
            printf("  %" PRId64 " %d:%d, %" PRId64 " %d:%d\n", (int64_t)a, gap.tm_hour, gap.tm_isdst, (int64_t)b,
                   overlap.tm_hour, overlap.tm_isdst);
        }
    }
    return 0;
}
