/* The smallest program that prints: what bench/run.py measures start-up with. */
#include <stdio.h>

int main(void) {
    puts("hello");
    return 0;
}
