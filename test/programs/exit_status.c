/* main's return value is the exit status modulo 256, and buffered output without a newline is not lost. */
/* status: 231 */
#include <stdio.h>

int main(void) {
    for (int i = 0; i < 5000; i++) printf("%d,", i);
    printf("no newline");
    return 999;
}
